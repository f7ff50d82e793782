// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Maps what sg reports of a command to the answer that the guest gets. docs/scsi.md has the same tables, with the
 * reason of each row.
 *
 * No answer starts the guest's error handling: the host's has run already. Linux's does for host bytes such as
 * DID_TIME_OUT, for statuses that it does not know, and for CHECK CONDITION without sense data
 * (scsi_decide_disposition()); a guest with one processor hangs in it. No failure is told by the host byte alone:
 * SUSE's Windows frontend drops it.
 *
 * The surprising choice: data-in of a failed command goes to the guest only where its initiator has a use for it, and
 * the residual agrees. sg copies back its whole buffer whether the device filled it or not, and Linux's sd takes the
 * blocks before the failed one as good when the residual says that they moved.
 */
#include "config.h"

#include <errno.h>
#include <scsi/sg_lib.h>
#include <string.h>

#include "scsi/scsi.h"
#include "scsi/sense.h"

/* An answer without data. The sense is given with CHECK CONDITION only. */
struct ending {
    uint8_t status;
    struct scsi_sense sense;
};

/* How a command ends, by what kind of device it was for. */
struct endings {
    uint8_t host; /* byte for the guest */
    struct ending disk, tape, other;
};

#define CHECK(k, asc, ascq) \
    { \
        SCSI_CHECK_CONDITION, \
        { \
            (k), (asc), (ascq) \
        } \
    }
#define BUSY \
    { \
        .status = SCSI_BUSY \
    }
#define ALL_TYPES(...) .disk = __VA_ARGS__, .tape = __VA_ARGS__, .other = __VA_ARGS__
/*
 * Whether the command ran is not known. A disk's initiator sends it again, which does no harm. A tape may have moved,
 * and the host's error handling may have reset the drive: its initiator must find out where the tape is.
 */
#define TAPE_MAY_HAVE_MOVED .tape = CHECK(0x06, 0x29, 0x00)
#define UNCERTAIN(asc, ascq) .disk = CHECK(0x0b, asc, ascq), .other = CHECK(0x0b, asc, ascq), TAPE_MAY_HAVE_MOVED
/*
 * The guest keeps the LUN while its device is not there. NO_CONNECT would add nothing but what scsi_answer_of_test()
 * says.
 */
#define ABSENT ALL_TYPES(CHECK(0x05, 0x25, 0x00))

/* The host bytes of Linux, which vscsiif.h numbers alike. Row 0 is for all that are not known. */
static const struct endings host_endings[] = {
    [0] = { UNCERTAIN(0x08, 0x00) },
    [1] = { ABSENT },                                                               /* NO_CONNECT */
    [2] = { .disk = BUSY, .other = CHECK(0x0b, 0x08, 0x00), TAPE_MAY_HAVE_MOVED },  /* BUS_BUSY */
    [3] = { UNCERTAIN(0x08, 0x01) },                                                /* TIME_OUT */
    [4] = { ABSENT },                                                               /* BAD_TARGET */
    [5] = { UNCERTAIN(0x08, 0x00) },                                                /* ABORT */
    [6] = { UNCERTAIN(0x47, 0x00) },                                                /* PARITY */
    [7] = { UNCERTAIN(0x08, 0x00) },                                                /* ERROR */
    [8] = { UNCERTAIN(0x08, 0x00) },                                                /* RESET */
    [9] = { UNCERTAIN(0x08, 0x00) },                                                /* BAD_INTR */
    [10] = { UNCERTAIN(0x08, 0x00) },                                               /* PASSTHROUGH */
    [11] = { UNCERTAIN(0x08, 0x00) },                                               /* SOFT_ERROR */
    [12] = { .disk = BUSY, .other = CHECK(0x0b, 0x08, 0x00), TAPE_MAY_HAVE_MOVED }, /* IMM_RETRY */
    [13] = { .disk = BUSY, .other = CHECK(0x0b, 0x08, 0x00), TAPE_MAY_HAVE_MOVED }, /* REQUEUE */
    [14] = { UNCERTAIN(0x08, 0x00) },                                               /* TRANSPORT_DISRUPTED */
    [15] = { .host = SCSI_HOST_TRANSPORT_FAILFAST, UNCERTAIN(0x08, 0x00) },
    [16] = { ALL_TYPES(CHECK(0x04, 0x44, 0x00)) },                          /* TARGET_FAILURE */
    [17] = { ALL_TYPES(CHECK(0x0b, 0x08, 0x00)) },                          /* NEXUS_FAILURE */
    [18] = { ALL_TYPES(CHECK(0x07, 0x27, 0x07)) },                          /* ALLOC_FAILURE */
    [19] = { ALL_TYPES(CHECK(0x03, 0x00, 0x00)) },                          /* MEDIUM_ERROR */
    [20] = { .host = SCSI_HOST_TRANSPORT_FAILFAST, UNCERTAIN(0x08, 0x00) }, /* TRANSPORT_MARGINAL */
};
enum {
    HOST_UNKNOWN = 0,
    HOST_ENDINGS = sizeof(host_endings) / sizeof(host_endings[0]),
    /*
     * Kernels before 6.0 show in these what their own mid-layer concluded from status and sense. With those present
     * the guest draws its own conclusion.
     */
    HOST_NOTE_FIRST = 16,
    HOST_NOTE_LAST = 19,
};

/* errno of write() and read() on sg. 0 stands for all others. */
static const struct {
    int err;
    struct endings endings;
} errno_endings[] = {
    { ENODEV, { ABSENT } },
    { ENXIO, { ABSENT } },
    /* The command was not submitted. Only the initiator can try again. */
    { ENOMEM, { ALL_TYPES(BUSY) } },
    { EAGAIN, { ALL_TYPES(BUSY) } },
    { EBUSY, { ALL_TYPES(BUSY) } },
    { EMFILE, { ALL_TYPES(BUSY) } },
    { ENFILE, { ALL_TYPES(BUSY) } },
    { EDOM, { ALL_TYPES(BUSY) } }, /* sg's queue is full */
    /* More than the device's queue takes in one command. */
    { EINVAL, { ALL_TYPES(CHECK(0x05, 0x24, 0x00)) } },
    { EMSGSIZE, { ALL_TYPES(CHECK(0x05, 0x24, 0x00)) } },
    { 0, { UNCERTAIN(0x08, 0x00) } },
};

/* What a SCSI status means for the rest of the answer (SAM-5 table 43; those of older standards too). */
enum status_use {
    STATUS_UNKNOWN = 0, /* Linux starts its error handling, or takes it for success (22h, COMMAND TERMINATED) */
    STATUS_SUCCESS,
    STATUS_SENSE,
    STATUS_FAILURE, /* the command was not performed, or not to its end */
};
static const uint8_t status_uses[256] = {
    [SCSI_GOOD] = STATUS_SUCCESS,
    [SCSI_CHECK_CONDITION] = STATUS_SENSE,
    [SCSI_CONDITION_MET] = STATUS_SUCCESS,
    [SCSI_BUSY] = STATUS_FAILURE,
    [SAM_STAT_INTERMEDIATE] = STATUS_SUCCESS,
    [SAM_STAT_INTERMEDIATE_CONDITION_MET] = STATUS_SUCCESS,
    [SCSI_RESERVATION_CONFLICT] = STATUS_FAILURE,
    [SCSI_TASK_SET_FULL] = STATUS_FAILURE,
    [SCSI_ACA_ACTIVE] = STATUS_FAILURE,
    [SCSI_TASK_ABORTED] = STATUS_FAILURE,
};

static void end(struct scsi_answer *a, const struct endings *endings, uint8_t type, uint32_t data_len)
{
    const struct ending *e = &endings->other;

    if (scsi_is_disk(type))
        e = &endings->disk;
    else if (scsi_is_tape(type))
        e = &endings->tape;
    if (e->status == SCSI_CHECK_CONDITION)
        scsi_answer_sense(a, e->sense, endings->host, data_len);
    else
        scsi_answer_status(a, e->status, endings->host, data_len);
}

static void end_errno(struct scsi_answer *a, int err, uint8_t type, uint32_t data_len)
{
    size_t i = 0;

    while (errno_endings[i].err && errno_endings[i].err != err)
        i++;
    end(a, &errno_endings[i].endings, type, data_len);
}

static void copy_sense(struct scsi_answer *a, const struct scsi_outcome *o)
{
    if (!o->sense)
        return;
    a->sense_len = o->sense_len < SCSI_SENSE_MAX ? o->sense_len : SCSI_SENSE_MAX;
    memcpy(a->sense, o->sense, a->sense_len);
}

/* Sense data that Linux accepts. Response code 7Fh is vendor specific and passes too. */
static bool sense_is_valid(const uint8_t *sense, uint8_t len)
{
    return len >= 3 && (sense[0] & 0x70) == 0x70;
}

static bool outcome_sense(const struct scsi_outcome *o, struct scsi_sense_data *sense)
{
    return o->sense && sense_is_valid(o->sense, o->sense_len) && scsi_sense_parse(o->sense, o->sense_len, sense);
}

/*
 * True: the device itself has said, beside a host byte, that the command failed. Sense data of success or of an earlier
 * command does not say so. A status such as BUSY does not say so either, since the command may have been sent more than
 * once.
 */
static bool device_said_why(const struct scsi_outcome *o)
{
    struct scsi_sense_data sense;
    uint8_t use = status_uses[o->status];

    if (o->host >= HOST_NOTE_FIRST && o->host <= HOST_NOTE_LAST && use == STATUS_FAILURE)
        return true;
    if (use == STATUS_FAILURE)
        return o->status == SCSI_RESERVATION_CONFLICT;
    return use != STATUS_UNKNOWN && outcome_sense(o, &sense) && !sense.deferred && sense.key != SPC_SK_NO_SENSE
           && sense.key != SPC_SK_RECOVERED_ERROR && sense.key != SPC_SK_COMPLETED;
}

static bool host_counts(const struct scsi_outcome *o)
{
    return o->host && !device_said_why(o);
}

/*
 * May data-in that came with this CHECK CONDITION be of use? A deferred error says that the command it came with was
 * not performed (SPC-5, deferred errors), and so do most sense keys.
 */
static bool check_condition_has_data(const struct scsi_outcome *o, uint8_t type)
{
    struct scsi_sense_data sense;

    if (!outcome_sense(o, &sense) || sense.deferred)
        return false;
    if (scsi_is_disk(type))
        return sense.key == SPC_SK_RECOVERED_ERROR;
    switch (sense.key) {
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
    uint8_t use = status_uses[o->status], status = o->status;
    uint32_t residual;

    if (o->os_error) {
        end_errno(a, o->os_error, type, data_len);
        return 0;
    }
    if (host_counts(o)) {
        end(a, &host_endings[o->host < HOST_ENDINGS ? o->host : HOST_UNKNOWN], type, data_len);
        return 0;
    }
    if (use == STATUS_UNKNOWN || (use == STATUS_SENSE && !(o->sense && sense_is_valid(o->sense, o->sense_len)))) {
        end(a, &host_endings[HOST_UNKNOWN], type, data_len);
        return 0;
    }
    if (use == STATUS_FAILURE) {
        scsi_answer_status(a, status, SCSI_HOST_OK, data_len);
        return 0;
    }
    residual = o->resid < 0 ? 0 : (uint32_t)o->resid;
    if (residual > data_len)
        residual = data_len;
    if (o->host) {
        status = SCSI_CHECK_CONDITION; /* the sense says why, whatever the status is */
        if (o->host < HOST_NOTE_FIRST || o->host > HOST_NOTE_LAST)
            residual = data_len;
    }
    if (status == SCSI_CHECK_CONDITION && dir == SCSI_DIR_IN && !check_condition_has_data(o, type))
        residual = data_len;
    scsi_answer_status(a, status, SCSI_HOST_OK, residual);
    copy_sense(a, o);
    return dir == SCSI_DIR_IN ? data_len - residual : 0;
}

bool scsi_answer_is_safe(const struct scsi_answer *a)
{
    /* With these Linux ends the command or sends it again, from 3.18 to 6.12. */
    static const bool host_is_safe[256] = {
        [SCSI_HOST_OK] = true,    [SCSI_HOST_NO_CONNECT] = true, [SCSI_HOST_ABORT] = true,
        [SCSI_HOST_ERROR] = true, [SCSI_HOST_RESET] = true,      [SCSI_HOST_TRANSPORT_FAILFAST] = true,
    };
    uint8_t use = status_uses[a->status];

    if (use == STATUS_UNKNOWN || !host_is_safe[a->host])
        return false;
    if (use == STATUS_SUCCESS)
        return a->host == SCSI_HOST_OK;
    return use == STATUS_FAILURE || sense_is_valid(a->sense, a->sense_len);
}

void scsi_answer_unknown(struct scsi_answer *a, uint8_t type, uint32_t data_len)
{
    end(a, &host_endings[HOST_UNKNOWN], type, data_len);
}

void scsi_answer_of_test(struct scsi_answer *a)
{
    if (a->status == SCSI_CHECK_CONDITION)
        a->host = SCSI_HOST_OK;
}

bool scsi_answer_make_safe(struct scsi_answer *a, uint8_t type, uint32_t data_len)
{
    if (scsi_answer_is_safe(a))
        return false;
    scsi_answer_unknown(a, type, data_len);
    return true;
}

/* By sense key; 0 where the rest of the sense data decides. */
static const uint8_t kind_by_key[16] = {
    [SPC_SK_RECOVERED_ERROR] = SCSI_KIND_RECOVERED,
    [SPC_SK_NOT_READY] = SCSI_KIND_NOT_READY,
    [SPC_SK_MEDIUM_ERROR] = SCSI_KIND_MEDIUM_ERROR,
    [SPC_SK_HARDWARE_ERROR] = SCSI_KIND_HARDWARE_ERROR,
    [SPC_SK_ILLEGAL_REQUEST] = SCSI_KIND_ILLEGAL_REQUEST,
    [SPC_SK_UNIT_ATTENTION] = SCSI_KIND_UNIT_ATTENTION,
    [SPC_SK_DATA_PROTECT] = SCSI_KIND_DATA_PROTECT,
    [SPC_SK_BLANK_CHECK] = SCSI_KIND_BLANK_CHECK,
    [9] = SCSI_KIND_OTHER_SENSE,
    [SPC_SK_COPY_ABORTED] = SCSI_KIND_OTHER_SENSE,
    [SPC_SK_ABORTED_COMMAND] = SCSI_KIND_ABORTED_COMMAND,
    [12] = SCSI_KIND_OTHER_SENSE,
    [SPC_SK_VOLUME_OVERFLOW] = SCSI_KIND_OTHER_SENSE,
    [SPC_SK_MISCOMPARE] = SCSI_KIND_MISCOMPARE,
    [SPC_SK_COMPLETED] = SCSI_KIND_RECOVERED,
};

static enum scsi_kind kind_of_sense(const struct scsi_answer *a)
{
    struct scsi_sense_data sense;

    if (!scsi_sense_parse(a->sense, a->sense_len, &sense))
        return SCSI_KIND_OTHER_SENSE;
    if (sense.key != SPC_SK_NO_SENSE)
        return (enum scsi_kind)kind_by_key[sense.key];
    if (sense.filemark || sense.eom || sense.ili)
        return SCSI_KIND_MARK;
    /* SPC-5, NO SENSE: nothing went wrong. The additional sense code may have news, such as a request for cleaning. */
    return sense.deferred ? SCSI_KIND_OTHER_SENSE : SCSI_KIND_RECOVERED;
}

enum scsi_kind scsi_kind_of(const struct scsi_outcome *o, const struct scsi_answer *a)
{
    if (o && o->os_error)
        return SCSI_KIND_HOST;
    if (o && host_counts(o))
        return o->host == SCSI_HOST_TIME_OUT ? SCSI_KIND_TIME_OUT : SCSI_KIND_HOST;
    switch (a->status) {
    case SCSI_CHECK_CONDITION:
        return kind_of_sense(a);
    case SCSI_CONDITION_MET:
        return SCSI_KIND_CONDITION_MET;
    case SCSI_BUSY:
    case SCSI_TASK_SET_FULL:
        return SCSI_KIND_BUSY;
    case SCSI_RESERVATION_CONFLICT:
        return SCSI_KIND_CONFLICT;
    default:
        return status_uses[a->status] == STATUS_SUCCESS ? SCSI_KIND_GOOD : SCSI_KIND_OTHER_STATUS;
    }
}

const char *scsi_kind_name(enum scsi_kind kind)
{
    static const char *const names[SCSI_KINDS] = {
        [SCSI_KIND_GOOD] = "good",
        [SCSI_KIND_CONDITION_MET] = "condition met",
        [SCSI_KIND_RECOVERED] = "recovered error",
        [SCSI_KIND_MARK] = "mark",
        [SCSI_KIND_NOT_READY] = "not ready",
        [SCSI_KIND_MEDIUM_ERROR] = "medium error",
        [SCSI_KIND_HARDWARE_ERROR] = "hardware error",
        [SCSI_KIND_ILLEGAL_REQUEST] = "illegal request",
        [SCSI_KIND_UNIT_ATTENTION] = "unit attention",
        [SCSI_KIND_DATA_PROTECT] = "data protect",
        [SCSI_KIND_BLANK_CHECK] = "blank check",
        [SCSI_KIND_ABORTED_COMMAND] = "aborted command",
        [SCSI_KIND_MISCOMPARE] = "miscompare",
        [SCSI_KIND_OTHER_SENSE] = "other sense",
        [SCSI_KIND_BUSY] = "busy",
        [SCSI_KIND_CONFLICT] = "reservation conflict",
        [SCSI_KIND_OTHER_STATUS] = "other status",
        [SCSI_KIND_TIME_OUT] = "time-out",
        [SCSI_KIND_HOST] = "host",
        [SCSI_KIND_REFUSED] = "refused",
        [SCSI_KIND_POLICY] = "refused by policy",
    };

    return kind < SCSI_KINDS ? names[kind] : "unknown";
}
