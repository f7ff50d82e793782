// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes the sense data of our own answers, and reads that of devices. Never decides what follows from it. */
#include "config.h"

#include <string.h>

#include "scsi/scsi.h"
#include "scsi/sense.h"

enum {
    SENSE_FIXED_LEN = 18, /* SPC-5, fixed format, without additional sense bytes */
    SENSE_CURRENT_FIXED = 0x70,
    SENSE_DEFERRED_FIXED = 0x71,
    SENSE_CURRENT_DESC = 0x72,
    SENSE_DEFERRED_DESC = 0x73,
};

void scsi_answer_status(struct scsi_answer *a, uint8_t status, uint8_t host, uint32_t residual)
{
    memset(a, 0, sizeof(*a));
    a->status = status;
    a->host = host;
    a->residual = residual;
}

void scsi_answer_sense(struct scsi_answer *a, struct scsi_sense s, uint8_t host, uint32_t residual)
{
    scsi_answer_status(a, SCSI_CHECK_CONDITION, host, residual);
    a->sense[0] = SENSE_CURRENT_FIXED;
    a->sense[2] = s.key & 0x0f;
    a->sense[7] = SENSE_FIXED_LEN - 8;
    a->sense[12] = s.asc;
    a->sense[13] = s.ascq;
    a->sense_len = SENSE_FIXED_LEN;
}

static void parse_fixed(const uint8_t *sense, uint8_t len, struct scsi_sense_data *out)
{
    out->key = sense[2] & 0x0f;
    out->filemark = sense[2] & 0x80;
    out->eom = sense[2] & 0x40;
    out->ili = sense[2] & 0x20;
    if (len >= 14) {
        out->asc = sense[12];
        out->ascq = sense[13];
    }
}

/* SPC-5, SSC-5: a stream commands sense data descriptor (04h) has the three bits of the fixed format. */
static void parse_descriptors(const uint8_t *sense, uint8_t len, struct scsi_sense_data *out)
{
    enum {
        STREAM_COMMANDS = 0x04
    };

    for (unsigned at = 8; at + 4 <= len; at += 2u + sense[at + 1]) {
        if (sense[at] != STREAM_COMMANDS)
            continue;
        out->filemark = sense[at + 3] & 0x80;
        out->eom = sense[at + 3] & 0x40;
        out->ili = sense[at + 3] & 0x20;
        return;
    }
}

bool scsi_sense_parse(const uint8_t *sense, uint8_t len, struct scsi_sense_data *out)
{
    uint8_t code = len ? sense[0] & 0x7f : 0;

    *out = (struct scsi_sense_data){ .deferred = code == SENSE_DEFERRED_FIXED || code == SENSE_DEFERRED_DESC };
    switch (code) {
    case SENSE_CURRENT_FIXED:
    case SENSE_DEFERRED_FIXED:
        if (len < 3)
            return false;
        parse_fixed(sense, len, out);
        return true;
    case SENSE_CURRENT_DESC:
    case SENSE_DEFERRED_DESC:
        if (len < 2)
            return false;
        out->key = sense[1] & 0x0f;
        if (len >= 4) {
            out->asc = sense[2];
            out->ascq = sense[3];
        }
        parse_descriptors(sense, len, out);
        return true;
    default:
        return false;
    }
}
