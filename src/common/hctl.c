// SPDX-License-Identifier: GPL-2.0-or-later
/* host:channel:target:lun as text; see pvscsi/hctl.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "pvscsi/hctl.h"

int hctl_parse(const char *text, struct hctl *out)
{
    uint64_t part[4];

    if (!text)
        return -EINVAL;
    for (unsigned i = 0; i < 4; i++) {
        size_t len = strcspn(text, ":");
        int r = parse_u64(text, len, i < 3 ? UINT32_MAX : UINT64_MAX, &part[i]);

        if (r < 0)
            return r;
        text += len;
        if (i < 3 ? *text++ != ':' : *text != '\0')
            return -EINVAL;
    }
    *out = (struct hctl){ (uint32_t)part[0], (uint32_t)part[1], (uint32_t)part[2], part[3] };
    return 0;
}

int vdev_parse(const char *text, struct hctl *out)
{
    struct hctl a;
    int r = hctl_parse(text, &a);

    if (r < 0)
        return r;
    if (a.channel > VDEV_CHANNEL_MAX || a.target > VDEV_TARGET_MAX || a.lun > VDEV_LUN_MAX)
        return -ERANGE;
    *out = a;
    return 0;
}

void hctl_format(const struct hctl *a, char out[HCTL_TEXT_MAX])
{
    snprintf(out, HCTL_TEXT_MAX, "%" PRIu32 ":%" PRIu32 ":%" PRIu32 ":%" PRIu64, a->host, a->channel, a->target,
             a->lun);
}

bool hctl_equal(const struct hctl *a, const struct hctl *b)
{
    return a->host == b->host && a->channel == b->channel && a->target == b->target && a->lun == b->lun;
}
