// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What sg said of a command, mapped to what the guest is told.
 */
#include "config.h"

#include <errno.h>
#include <scsi/sg_lib.h>
#include <string.h>

#include "scsi/scsi.h"
#include "scsi/sense.h"

static void copy_sense(struct scsi_answer *a, const struct scsi_outcome *o)
{
    if (!o->sense)
        return;
    a->sense_len = o->sense_len < SCSI_SENSE_MAX ? o->sense_len : SCSI_SENSE_MAX;
    memcpy(a->sense, o->sense, a->sense_len);
}

/* The command was not performed, or nothing is known of it: errno of write() or read() on sg. */
static void map_os_error(int err, uint32_t data_len, struct scsi_answer *a)
{
    static const struct {
        int err;
        uint8_t host, status;
        struct scsi_sense sense;
    } map[] = {
        { ENODEV, SCSI_HOST_NO_CONNECT, SCSI_CHECK_CONDITION, { 0x05, 0x25, 0x00 } },
        { ENXIO, SCSI_HOST_NO_CONNECT, SCSI_CHECK_CONDITION, { 0x05, 0x25, 0x00 } },
        /* The initiator's own retry is all that can help. EDOM (sg's queue is full) is queued by the caller. */
        { ENOMEM, SCSI_HOST_OK, SCSI_BUSY, { 0 } },
        { EAGAIN, SCSI_HOST_OK, SCSI_BUSY, { 0 } },
        { EDOM, SCSI_HOST_OK, SCSI_BUSY, { 0 } },
        /* More than the device's queue takes in one command. */
        { EINVAL, SCSI_HOST_OK, SCSI_CHECK_CONDITION, { 0x05, 0x24, 0x00 } },
        { EMSGSIZE, SCSI_HOST_OK, SCSI_CHECK_CONDITION, { 0x05, 0x24, 0x00 } },
    };

    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        if (map[i].err != err)
            continue;
        if (map[i].status == SCSI_CHECK_CONDITION)
            scsi_answer_sense(a, map[i].sense, map[i].host, data_len);
        else
            scsi_answer_status(a, map[i].status, map[i].host, data_len);
        return;
    }
    scsi_answer_sense(a, (struct scsi_sense){ 0x0b, 0x08, 0x00 }, SCSI_HOST_ERROR, data_len);
}

static bool status_is_failure(uint8_t status)
{
    switch (status) {
    case SCSI_GOOD:
    case SCSI_CONDITION_MET:
    case SAM_STAT_INTERMEDIATE:
    case SAM_STAT_INTERMEDIATE_CONDITION_MET:
        return false;
    default:
        return true;
    }
}

/*
 * The host bytes of Linux, which vscsiif.h numbers alike, and what stands for each beside a
 * status that says nothing. BUSY only where the command certainly did not start: an initiator that sees BUSY alone
 * sends it again, and a tape would then have the block twice.
 */
static const struct {
    uint8_t busy;
    struct scsi_sense sense;
} host_meaning[] = {
    [1] = { 0, { 0x05, 0x25, 0x00 } },  /* NO_CONNECT */
    [2] = { 1, { 0 } },                 /* BUS_BUSY */
    [3] = { 0, { 0x0b, 0x08, 0x01 } },  /* TIME_OUT */
    [4] = { 0, { 0x05, 0x25, 0x00 } },  /* BAD_TARGET */
    [5] = { 0, { 0x0b, 0x08, 0x00 } },  /* ABORT */
    [6] = { 0, { 0x0b, 0x47, 0x00 } },  /* PARITY */
    [7] = { 0, { 0x0b, 0x08, 0x00 } },  /* ERROR */
    [8] = { 0, { 0x0b, 0x08, 0x00 } },  /* RESET */
    [9] = { 0, { 0x0b, 0x08, 0x00 } },  /* BAD_INTR */
    [10] = { 0, { 0x0b, 0x08, 0x00 } }, /* PASSTHROUGH */
    [11] = { 0, { 0x0b, 0x08, 0x00 } }, /* SOFT_ERROR */
    [12] = { 1, { 0 } },                /* IMM_RETRY */
    [13] = { 1, { 0 } },                /* REQUEUE */
    [14] = { 0, { 0x0b, 0x08, 0x00 } }, /* TRANSPORT_DISRUPTED */
    [15] = { 0, { 0x0b, 0x08, 0x00 } }, /* TRANSPORT_FAILFAST */
    [16] = { 0, { 0x0b, 0x08, 0x00 } }, /* TARGET_FAILURE */
    [17] = { 0, { 0x0b, 0x08, 0x00 } }, /* NEXUS_FAILURE */
    [18] = { 0, { 0x07, 0x27, 0x07 } }, /* ALLOC_FAILURE: space allocation failed write protect */
    [19] = { 0, { 0x03, 0x00, 0x00 } }, /* MEDIUM_ERROR */
    [20] = { 0, { 0x0b, 0x08, 0x00 } }, /* TRANSPORT_MARGINAL */
};
enum {
    HOST_LAST = 20,
    HOST_NOTE_FIRST = 16,
    HOST_NOTE_LAST = 19
};

/*
 * Kernels before 6.0 show in 16..19 what their own mid-layer concluded from status and sense. With those
 * present the guest draws its own conclusion; a new guest would take such a host byte for a transport error.
 */
static bool host_is_note(const struct scsi_outcome *o)
{
    return o->host >= HOST_NOTE_FIRST && o->host <= HOST_NOTE_LAST && status_is_failure(o->status);
}

static void map_host_error(const struct scsi_outcome *o, uint32_t data_len, struct scsi_answer *a)
{
    uint8_t host = o->host <= HOST_LAST ? (uint8_t)o->host : SCSI_HOST_ERROR;

    if (status_is_failure(o->status)) {
        scsi_answer_status(a, o->status, host, data_len);
        copy_sense(a, o);
    } else if (o->sense && o->sense_len) {
        scsi_answer_status(a, SCSI_CHECK_CONDITION, host, data_len);
        copy_sense(a, o);
    } else if (host_meaning[host].busy) {
        scsi_answer_status(a, SCSI_BUSY, host, data_len);
    } else {
        scsi_answer_sense(a, host_meaning[host].sense, host, data_len);
    }
}

/*
 * May data-in that came with this CHECK CONDITION be of use? A deferred error says that the
 * command it came with was not performed (SPC-5, deferred errors), and so do most sense keys.
 */
static bool check_condition_has_data(const struct scsi_outcome *o, uint8_t type)
{
    uint8_t key;

    if (!o->sense || o->sense_len < 3)
        return false;
    switch (o->sense[0] & 0x7f) {
    case 0x70:
        key = o->sense[2] & 0x0f;
        break;
    case 0x72:
        key = o->sense[1] & 0x0f;
        break;
    default:
        return false;
    }
    if (scsi_is_disk(type))
        return key == SPC_SK_RECOVERED_ERROR;
    switch (key) {
    case SPC_SK_NO_SENSE: /* a short or long block, a file mark, early warning */
    case SPC_SK_RECOVERED_ERROR:
    case SPC_SK_MEDIUM_ERROR: /* the blocks before the bad one */
    case SPC_SK_HARDWARE_ERROR:
    case SPC_SK_BLANK_CHECK:
    case SPC_SK_VOLUME_OVERFLOW:
    case SPC_SK_COMPLETED:
        return true;
    default:
        return false;
    }
}

uint32_t scsi_map_outcome(const struct scsi_outcome *o, uint8_t type, enum scsi_direction dir, uint32_t data_len,
                          struct scsi_answer *a)
{
    uint32_t residual;

    if (o->os_error) {
        map_os_error(o->os_error, data_len, a);
        return 0;
    }
    if (o->host && !host_is_note(o)) {
        map_host_error(o, data_len, a);
        return 0;
    }
    if (status_is_failure(o->status) && o->status != SCSI_CHECK_CONDITION) {
        scsi_answer_status(a, o->status, SCSI_HOST_OK, data_len);
        return 0;
    }

    residual = o->resid < 0 ? 0 : (uint32_t)o->resid;
    if (residual > data_len)
        residual = data_len;
    if (o->status == SCSI_CHECK_CONDITION && dir == SCSI_DIR_IN && !check_condition_has_data(o, type))
        residual = data_len;
    scsi_answer_status(a, o->status, SCSI_HOST_OK, residual);
    copy_sense(a, o);
    return dir == SCSI_DIR_IN ? data_len - residual : 0;
}
