// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which ends of commands an administrator should read of in the log, as a const table. docs/scsi.md has the same table,
 * with the reason of each row. It decides nothing else: every end is counted, whatever this file says.
 *
 * The rule: what a guest meets while nothing is wrong is routine (a drive without a medium that is polled, a page that
 * a device does not have, a unit attention after a reset). What keeps a guest from its data, or announces that, is
 * notable.
 */
#include "config.h"

#include "scsi/scsi.h"
#include "scsi/sense.h"

static const bool notable_kinds[SCSI_KINDS] = {
    [SCSI_KIND_NOT_READY] = true,    [SCSI_KIND_MEDIUM_ERROR] = true,    [SCSI_KIND_HARDWARE_ERROR] = true,
    [SCSI_KIND_DATA_PROTECT] = true, [SCSI_KIND_ABORTED_COMMAND] = true, [SCSI_KIND_OTHER_SENSE] = true,
    [SCSI_KIND_CONFLICT] = true,     [SCSI_KIND_OTHER_STATUS] = true,    [SCSI_KIND_TIME_OUT] = true,
    [SCSI_KIND_HOST] = true,
};

#define ANY (-1)

/* Exceptions, by sense data. SPC-5 annex F has the codes. */
static const struct {
    uint8_t key, asc;
    int ascq; /* or ANY */
    bool notable;
} exceptions[] = {
    { SPC_SK_NO_SENSE, 0x00, 0x17, true }, /* CLEANING REQUESTED */
    { SPC_SK_NO_SENSE, 0x0b, ANY, true },  /* as below, if the mode page says so (MRIE) */
    { SPC_SK_NO_SENSE, 0x5d, ANY, true },
    { SPC_SK_RECOVERED_ERROR, 0x0b, ANY, true }, /* WARNING: temperature, power, ... */
    { SPC_SK_RECOVERED_ERROR, 0x5d, ANY, true }, /* FAILURE PREDICTION THRESHOLD EXCEEDED */
    { SPC_SK_NOT_READY, 0x04, 0x01, false },     /* becoming ready */
    { SPC_SK_NOT_READY, 0x04, 0x02, false },     /* stopped, by whoever may start it too */
    { SPC_SK_NOT_READY, 0x04, 0x04, false },     /* format in progress */
    { SPC_SK_NOT_READY, 0x04, 0x07, false },     /* operation in progress */
    { SPC_SK_NOT_READY, 0x04, 0x08, false },     /* long write in progress */
    { SPC_SK_NOT_READY, 0x04, 0x09, false },     /* self-test in progress */
    { SPC_SK_NOT_READY, 0x04, 0x0a, false },     /* asymmetric access state transition */
    { SPC_SK_NOT_READY, 0x04, 0x0b, false }, /* target port in standby state: a path that multipath asks now and then */
    { SPC_SK_NOT_READY, 0x04, 0x1a, false }, /* start stop unit in progress */
    { SPC_SK_NOT_READY, 0x04, 0x1b, false }, /* sanitize in progress */
    { SPC_SK_NOT_READY, 0x3a, ANY, false },  /* medium not present */
    { SPC_SK_ILLEGAL_REQUEST, 0x21, ANY, true },  /* LBA OUT OF RANGE: the device is smaller than its guest believes */
    { SPC_SK_ILLEGAL_REQUEST, 0x25, 0x00, true }, /* LOGICAL UNIT NOT SUPPORTED: the target does not have it any more */
    { SPC_SK_UNIT_ATTENTION, 0x0b, ANY, true },
    { SPC_SK_UNIT_ATTENTION, 0x38, 0x07, true }, /* THIN PROVISIONING SOFT THRESHOLD REACHED */
    { SPC_SK_UNIT_ATTENTION, 0x3f, 0x05, true }, /* DEVICE IDENTIFIER CHANGED */
    { SPC_SK_UNIT_ATTENTION, 0x5d, ANY, true },
};

bool scsi_is_notable(enum scsi_kind kind, const struct scsi_answer *a)
{
    struct scsi_sense_data sense;

    if (kind >= SCSI_KINDS)
        return true;
    /* What the device was asked is over; what dom0 or pvscsid say of it counts alone. */
    if (kind == SCSI_KIND_TIME_OUT || kind == SCSI_KIND_HOST || kind == SCSI_KIND_REFUSED || kind == SCSI_KIND_POLICY)
        return notable_kinds[kind];
    if (a->status == SCSI_CHECK_CONDITION && scsi_sense_parse(a->sense, a->sense_len, &sense))
        for (unsigned i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
            if (exceptions[i].key == sense.key && exceptions[i].asc == sense.asc
                && (exceptions[i].ascq == ANY || exceptions[i].ascq == sense.ascq))
                return exceptions[i].notable;
    return notable_kinds[kind];
}
