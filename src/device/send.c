// SPDX-License-Identifier: GPL-2.0-or-later
/* Sends a command without data to a device; see send.h. */
#include "config.h"

#include <errno.h>
#include <scsi/sg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "device/send.h"

int device_send(int sg, const uint8_t *cdb, unsigned cdb_len, struct device_end *end)
{
    uint8_t command[16] = { 0 };
    struct sg_io_hdr hdr = { .interface_id = 'S',
                             .dxfer_direction = SG_DXFER_NONE,
                             .cmd_len = (unsigned char)cdb_len,
                             .cmdp = command,
                             .mx_sb_len = sizeof(end->sense),
                             .sbp = end->sense,
                             .timeout = DEVICE_SEND_TIMEOUT_MS };

    memset(end, 0, sizeof(*end));
    if (cdb_len == 0 || cdb_len > sizeof(command))
        return -EINVAL;
    memcpy(command, cdb, cdb_len);
    if (ioctl(sg, SG_IO, &hdr) < 0)
        return -errno;
    end->status = hdr.status;
    end->host = hdr.host_status;
    end->sense_len = hdr.sb_len_wr;
    return 0;
}
