// SPDX-License-Identifier: GPL-2.0-or-later
/* The PR helper protocol, client's side, pure; see proto.h. */
#include "config.h"

#include <string.h>

#include "pr/proto.h"

#define FEATURES_LEN sizeof(struct pr_wire_features)
#define REQUEST_LEN sizeof(struct pr_wire_request)
#define REPLY_LEN sizeof(struct pr_wire_reply)

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum pr_event broken(struct pr_proto *p, const char *why)
{
    p->state = PR_STATE_DEAD;
    p->error = why;
    p->out_len = p->out_sent = 0;
    return PR_BROKEN;
}

void pr_proto_init(struct pr_proto *p)
{
    p->state = PR_STATE_FEATURES;
    p->error = NULL;
    p->out_len = p->out_sent = 0;
    p->in_have = 0;
    p->in_want = FEATURES_LEN;
    p->opcode = 0;
    p->alloc = 0;
}

bool pr_proto_start(struct pr_proto *p, const uint8_t cdb[SCSI_CDB_MAX], const uint8_t *list, uint32_t list_len)
{
    bool out = cdb[0] == PR_OP_OUT;

    if (p->state != PR_STATE_READY || p->out_sent != p->out_len)
        return false;
    if ((cdb[0] != PR_OP_IN && !out) || pr_cdb_length(cdb) > PR_DATA_MAX)
        return false;
    if (list_len != (out ? pr_cdb_length(cdb) : 0) || (list_len && !list))
        return false;

    memset(p->out, 0, REQUEST_LEN);
    memcpy(p->out, cdb, PR_CDB_LEN);
    if (list_len)
        memcpy(p->out + REQUEST_LEN, list, list_len);
    p->out_len = (uint32_t)REQUEST_LEN + list_len;
    p->out_sent = 0;
    p->opcode = cdb[0];
    p->alloc = out ? 0 : pr_cdb_length(cdb);
    p->in_have = 0;
    p->in_want = REPLY_LEN;
    p->state = PR_STATE_REQUEST;
    return true;
}

uint32_t pr_proto_output(const struct pr_proto *p, const uint8_t **bytes, bool *with_fd)
{
    uint32_t end = p->out_len;

    if (p->state == PR_STATE_REQUEST && p->out_sent < REQUEST_LEN)
        end = REQUEST_LEN;
    *bytes = p->out + p->out_sent;
    *with_fd = p->state == PR_STATE_REQUEST && p->out_sent == 0;
    return end - p->out_sent;
}

void pr_proto_sent(struct pr_proto *p, uint32_t n)
{
    p->out_sent += n < p->out_len - p->out_sent ? n : p->out_len - p->out_sent;
}

bool pr_proto_request_left(const struct pr_proto *p)
{
    return p->state == PR_STATE_REQUEST && p->out_sent > 0;
}

/*
 * The statuses with which a PR command can end. CONDITION MET and the obsolete ones are refused: they would count
 * as success.
 */
static bool status_known(uint32_t status)
{
    switch (status) {
    case SCSI_GOOD:
    case SCSI_CHECK_CONDITION:
    case SCSI_BUSY:
    case SCSI_RESERVATION_CONFLICT:
    case SCSI_TASK_SET_FULL:
    case SCSI_ACA_ACTIVE:
    case SCSI_TASK_ABORTED:
        return true;
    default:
        return false;
    }
}

/* The fixed part of the reply has arrived: how many bytes follow? */
static enum pr_event reply_head(struct pr_proto *p)
{
    uint32_t status = get32(p->in + offsetof(struct pr_wire_reply, status));
    uint32_t size = get32(p->in + offsetof(struct pr_wire_reply, size));

    if (!status_known(status))
        return broken(p, "a status that does not exist");
    if (size && p->opcode != PR_OP_IN)
        return broken(p, "data with a PERSISTENT RESERVE OUT");
    if (size && status != SCSI_GOOD)
        return broken(p, "data with a status other than GOOD");
    if (size > p->alloc)
        return broken(p, "more data than asked for");
    p->in_want = (uint32_t)REPLY_LEN + size;
    return PR_MORE;
}

enum pr_event pr_proto_input(struct pr_proto *p, const uint8_t *bytes, uint32_t n)
{
    while (n > 0) {
        uint32_t take;

        if (p->state == PR_STATE_DEAD)
            return PR_BROKEN;
        if (p->state == PR_STATE_READY)
            return broken(p, "bytes that were not asked for");
        if (p->state == PR_STATE_REQUEST && p->out_sent != p->out_len)
            return broken(p, "a reply before the request was sent");

        take = p->in_want - p->in_have;
        if (take > n)
            take = n;
        memcpy(p->in + p->in_have, bytes, take);
        p->in_have += take;
        bytes += take;
        n -= take;
        if (p->in_have < p->in_want)
            return PR_MORE;

        if (p->state == PR_STATE_FEATURES) {
            /* We ask for no feature. By the protocol, what is offered and not asked for stays off. */
            memset(p->out, 0, FEATURES_LEN);
            p->out_len = FEATURES_LEN;
            p->out_sent = 0;
            p->state = PR_STATE_READY;
            if (n > 0)
                return broken(p, "bytes that were not asked for");
            return PR_HANDSHAKEN;
        }
        if (p->in_want == REPLY_LEN && reply_head(p) == PR_BROKEN)
            return PR_BROKEN;
        if (p->in_have == p->in_want) {
            if (n > 0)
                return broken(p, "bytes past the end of the reply");
            p->state = PR_STATE_READY;
            return PR_REPLIED;
        }
    }
    return p->state == PR_STATE_DEAD ? PR_BROKEN : PR_MORE;
}

void pr_proto_reply(const struct pr_proto *p, struct pr_reply *reply)
{
    reply->status = p->in[offsetof(struct pr_wire_reply, status) + 3];
    reply->sense = p->in + offsetof(struct pr_wire_reply, sense);
    reply->sense_len = reply->status == SCSI_CHECK_CONDITION ? pr_sense_length(reply->sense) : 0;
    reply->data = p->in + REPLY_LEN;
    reply->data_len = p->in_want - (uint32_t)REPLY_LEN;
}

uint8_t pr_sense_length(const uint8_t buf[SCSI_SENSE_MAX])
{
    uint32_t len;

    switch (buf[0] & 0x7f) {
    case 0x70:
    case 0x71:
    case 0x72:
    case 0x73:
        len = 8u + buf[7]; /* ADDITIONAL SENSE LENGTH, same place in both formats */
        return (uint8_t)(len < SCSI_SENSE_MAX ? len : SCSI_SENSE_MAX);
    default:
        return 0;
    }
}
