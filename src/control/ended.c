// SPDX-License-Identifier: GPL-2.0-or-later
/* What followers learn of commands that ended; see ended.h. */
#include "config.h"

#include "common/sense-text.h"
#include "control/ended.h"
#include "control/news.h"
#include "scsi/scsi.h"

void ended_tell(struct vhost *v, const struct worker_msg *msg)
{
    const struct vdev *d = model_find_lun(v, msg->lun_index);
    uint8_t cdb_len = msg->u.ended.cdb_len, sense_len = msg->u.ended.sense_len;
    char command[SENSE_TEXT_SIZE], why[SENSE_TEXT_SIZE] = "";
    struct news *news = v->host->news;

    if (!d || cdb_len > sizeof(msg->u.ended.cdb) || sense_len > sizeof(msg->u.ended.sense)
        || msg->u.ended.kind >= SCSI_KINDS || !model_may_tell(v))
        return;
    sense_text_command(msg->u.ended.cdb, cdb_len, d->dev.type, command, sizeof(command));
    if (sense_len > 0)
        sense_text(msg->u.ended.sense, sense_len, why, sizeof(why));
    if (msg->u.ended.kind == SCSI_KIND_POLICY)
        news_tell(news, NEWS_REFUSED, v, d, "%s (%02xh) is refused by the command policy", command,
                  msg->u.ended.cdb[0]);
    else
        news_tell(news, NEWS_ERROR, v, d, "%s: %s%s%s", command, scsi_kind_name((enum scsi_kind)msg->u.ended.kind),
                  why[0] ? ": " : "", why);
}
