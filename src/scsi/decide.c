// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one decision point for a CDB: what carries it out, whether it is refused, and how long it may take. As a rule a
 * CDB is forwarded unchanged. A command is refused if the guest may not send it (policy.c), would be wrong on every
 * device, would harm others, or would change a LUN that its guest may only read.
 *
 * The direction is checked because sg believes the guest. A read that is declared as a write would give the guest
 * nothing. A command without data that is declared as a read would give it the old contents of the buffer. Programs
 * do declare a buffer for commands without data, so these are sent without it.
 */
#include "config.h"

#include "scsi/bytes.h"
#include "scsi/cdb-table.h"
#include "scsi/opcodes.h"
#include "scsi/scsi.h"
#include "scsi/split.h"

static const struct scsi_sense INVALID_OPCODE = { 0x05, 0x20, 0x00 };
static const struct scsi_sense INVALID_FIELD = { 0x05, 0x24, 0x00 };
static const struct scsi_sense WRITE_PROTECTED = { 0x07, 0x27, 0x00 };

/* .usual: seconds when the guest gives none; .least: seconds at least, whatever the guest gives. */
struct seconds {
    uint32_t usual, least;
};

/*
 * docs/scsi.md has the same table and the reason of each number. In short: without a time of the guest, the host acts
 * before the usual time-outs of Linux (30 s) and Windows (60 s) are over, but for commands to which initiators give
 * more. With one, the guest's own counts, unless it is so short that the host's error handling would do harm: that
 * stops all LUNs of a SCSI host, and it resets the device. The ring cuts the guest's number to 16 bits: 65540 s arrive
 * as 4, 86400 as 20864. Where initiators are known to ask for that much, .least is .usual, or as much of it as leaves
 * the host's error handling its time before that of Linux's st begins (900 s and 14000 s).
 */
static struct seconds seconds_for(enum cdb_time time, uint8_t type)
{
    static const struct seconds by_class[CDB_TIMES] = {
        [CDB_TIME_FLUSH] = { 50, 25 },           [CDB_TIME_START] = { 50, 25 },      [CDB_TIME_BULK] = { 14400, 25 },
        [CDB_TIME_LASER] = { 300, 25 },          [CDB_TIME_LOAD] = { 1800, 120 },    [CDB_TIME_MOVE] = { 3600, 3600 },
        [CDB_TIME_INVENTORY] = { 14400, 14400 }, [CDB_TIME_WIND] = { 14400, 10800 }, [CDB_TIME_BURN] = { 14400, 14400 },
        [CDB_TIME_FORMAT] = { 172800, 172800 },
    };
    static const struct {
        uint32_t types;
        struct seconds brief, media, unknown;
    } by_type[] = {
        { SCSI_DISK, { 25, 1 }, { 25, 25 }, { 3600, 3600 } }, { SCSI_TAPE, { 50, 1 }, { 900, 840 }, { 14400, 14400 } },
        { SCSI_MMC, { 50, 1 }, { 50, 25 }, { 1800, 1800 } },  { SCSI_CHANGER, { 50, 1 }, { 900, 60 }, { 3600, 3600 } },
        { SCSI_ALL, { 50, 1 }, { 50, 25 }, { 900, 900 } },
    };
    unsigned i = 0;

    while (by_type[i].types != SCSI_ALL && !scsi_type_in(type, by_type[i].types))
        i++;
    switch (time) {
    case CDB_TIME_SHORT:
        return by_type[i].brief;
    case CDB_TIME_MEDIA:
        return by_type[i].media;
    case CDB_TIME_UNKNOWN:
        return by_type[i].unknown;
    default:
        return by_class[time];
    }
}

/* The ATA commands that may take longer than a read or write (ACS-4), whatever data they move. */
static enum cdb_time time_of_ata(const uint8_t *cdb)
{
    enum {
        SMART = 0xb0,
        SMART_MID = 0x4f,
        SMART_HIGH = 0xc2,
        EXECUTE_OFFLINE = 0xd4,
        CAPTIVE = 0x80 /* of its subcommands: the device is busy until the self-test has ended */
    };
    static const struct {
        uint8_t command, time;
    } longer[] = {
        { 0x06, CDB_TIME_UNKNOWN }, /* DATA SET MANAGEMENT: trims */
        { 0x92, CDB_TIME_UNKNOWN }, /* DOWNLOAD MICROCODE */
        { 0x93, CDB_TIME_UNKNOWN }, /* DOWNLOAD MICROCODE DMA */
        { 0xb4, CDB_TIME_UNKNOWN }, /* SANITIZE DEVICE */
        { 0xf4, CDB_TIME_FORMAT },  /* SECURITY ERASE UNIT: ends when the medium is erased */
    };
    struct cdb_ata a = cdb_ata(cdb);

    for (unsigned i = 0; i < sizeof(longer) / sizeof(longer[0]); i++)
        if (longer[i].command == a.command)
            return (enum cdb_time)longer[i].time;
    if (a.command == SMART && a.features == EXECUTE_OFFLINE && a.mid == SMART_MID && a.high == SMART_HIGH
        && (a.low & CAPTIVE))
        return CDB_TIME_UNKNOWN;
    return CDB_TIME_MEDIA;
}

static struct seconds seconds_of(const struct cdb_row *row, const uint8_t *cdb, uint8_t type)
{
    enum cdb_time time = row ? (enum cdb_time)row->time : CDB_TIME_UNKNOWN;

    if (row && row->guest == CDB_GUEST_ATA)
        time = time_of_ata(cdb);
    return seconds_for(time, type);
}

static bool length_is_zero(const struct cdb_row *row, const uint8_t *cdb)
{
    if (row->len_size == CDB_LEN_ALWAYS)
        return false;
    return row->len_size == CDB_LEN_UNSAID || get_be(cdb + row->len_at, row->len_size) == 0;
}

/* Does the direction that the guest names agree with the command? */
static bool direction_fits(const struct cdb_row *row, const uint8_t *cdb, enum scsi_direction dir, uint32_t data_len)
{
    if (dir < SCSI_DIR_BOTH || dir > SCSI_DIR_NONE)
        return false;
    if (data_len && dir != SCSI_DIR_IN && dir != SCSI_DIR_OUT)
        return false;
    if (!row || row->data == CDB_DATA_EITHER || row->data == CDB_DATA_NONE)
        return true;
    if (!data_len)
        return length_is_zero(row, cdb);
    return row->data == (dir == SCSI_DIR_IN ? CDB_DATA_IN : CDB_DATA_OUT);
}

static enum scsi_route refuse(struct scsi_decision *d, struct scsi_sense sense)
{
    d->sense = sense;
    return SCSI_REFUSED;
}

/*
 * A refused write gets the sense of a write-protected medium. Any other command gets the sense of a device that does
 * not have the command (INVALID COMMAND OPERATION CODE), or not this form of it (INVALID FIELD IN CDB).
 */
static enum scsi_route refuse_change(const struct scsi_lun_facts *f, const uint8_t *cdb, const struct cdb_row *row,
                                     struct scsi_decision *d)
{
    if (row && row->readonly == CDB_READONLY_WRITE)
        return refuse(d, WRITE_PROTECTED);
    return refuse(d, cdb_readonly_in_some_form(cdb[0], f->type) ? INVALID_FIELD : INVALID_OPCODE);
}

/* Two guests behind one I_T nexus would hold each other's reservations, and release them. */
static bool shares_reservations(const struct scsi_lun_facts *f)
{
    return f->shared && !f->pr_forced;
}

static enum scsi_route route_reservation(const struct scsi_lun_facts *f, const uint8_t *cdb, struct scsi_decision *d)
{
    if (f->pr != SCSI_PR_HELPER && f->pr != SCSI_PR_DIRECT)
        return refuse(d, INVALID_OPCODE);
    if (shares_reservations(f))
        return refuse(d, INVALID_OPCODE);
    if (cdb[0] == OP_PERSISTENT_RESERVE_OUT && (cdb[1] & SERVICE_ACTION_MASK) == SA_REGISTER_AND_MOVE && !f->pr_move)
        return refuse(d, INVALID_FIELD);
    return f->pr == SCSI_PR_DIRECT ? SCSI_TO_DEVICE : SCSI_TO_HELPER;
}

/* In one command, or in pieces. */
static bool fits_device(const struct scsi_lun_facts *f, const uint8_t *cdb, uint8_t cdb_len, uint32_t data_len)
{
    struct scsi_split split;

    return data_len <= f->max_transfer
           || scsi_split_begin(&split, f->type, f->block_size, cdb, cdb_len, data_len, f->max_transfer);
}

static enum scsi_route route(const struct scsi_lun_facts *f, const uint8_t *cdb, uint8_t cdb_len,
                             const struct cdb_row *row, enum scsi_direction dir, uint32_t data_len,
                             struct scsi_decision *d)
{
    enum scsi_verdict verdict;

    if (!cdb_len || cdb_len > SCSI_CDB_MAX || cdb_len < scsi_cdb_group_len(cdb[0]))
        return refuse(d, INVALID_FIELD);
    verdict = scsi_policy_verdict(f, cdb);
    if (verdict != SCSI_ALLOWED) {
        d->by_policy = true;
        return refuse(d, verdict == SCSI_NO_SUCH_FORM ? INVALID_FIELD : INVALID_OPCODE);
    }
    if (!direction_fits(row, cdb, dir, data_len) || (!d->no_data && !fits_device(f, cdb, cdb_len, data_len)))
        return refuse(d, INVALID_FIELD);
    /* feature_host and rules make no difference here: they also forward commands that the table does not have. */
    if (f->readonly && (!row || row->readonly != CDB_READONLY_PASS))
        return refuse_change(f, cdb, row, d);
    switch (cdb[0]) {
    case OP_REPORT_LUNS:
        return SCSI_TO_US; /* with feature_host too: the guest's LUN numbers are virtual */
    case OP_PERSISTENT_RESERVE_IN:
    case OP_PERSISTENT_RESERVE_OUT:
        return route_reservation(f, cdb, d);
    case OP_RESERVE_6:
    case OP_RELEASE_6:
    case OP_RESERVE_10:
    case OP_RELEASE_10:
        return shares_reservations(f) ? refuse(d, INVALID_OPCODE) : SCSI_TO_DEVICE;
    case OP_INQUIRY:
        /* The page describes commands that are refused. */
        return (cdb[1] & 1) && cdb[2] == VPD_THIRD_PARTY_COPY && !scsi_policy_allows_some(f, OP_EXTENDED_COPY)
                   ? refuse(d, INVALID_FIELD)
                   : SCSI_TO_DEVICE;
    default:
        return SCSI_TO_DEVICE;
    }
}

bool scsi_answers_opcode(const struct scsi_lun_facts *f, uint8_t opcode, bool some_action, uint8_t action)
{
    bool persistent = opcode == OP_PERSISTENT_RESERVE_IN || opcode == OP_PERSISTENT_RESERVE_OUT;
    bool reserves = persistent || opcode == OP_RESERVE_6 || opcode == OP_RELEASE_6 || opcode == OP_RESERVE_10
                    || opcode == OP_RELEASE_10;

    if (reserves && shares_reservations(f))
        return false;
    if (persistent && f->pr != SCSI_PR_HELPER && f->pr != SCSI_PR_DIRECT)
        return false;
    if (opcode == OP_PERSISTENT_RESERVE_OUT && some_action && action == SA_REGISTER_AND_MOVE && !f->pr_move)
        return false;
    return some_action ? scsi_policy_allows_action(f, opcode, action) : scsi_policy_allows_some(f, opcode);
}

static bool needs_filter(const struct scsi_lun_facts *f, const uint8_t *cdb)
{
    uint8_t type = f->type;

    switch (cdb[0]) {
    case OP_INQUIRY:
        if (!(cdb[1] & 1) || cdb[2] == VPD_SUPPORTED_PAGES)
            return !scsi_policy_allows_some(f, OP_EXTENDED_COPY) || ((cdb[1] & 1) && scsi_is_disk(type));
        return cdb[2] == VPD_BLOCK_LIMITS && scsi_is_disk(type);
    case OP_MAINTENANCE_IN:
        return !scsi_is_optical_drive(type) && (cdb[1] & SERVICE_ACTION_MASK) == SA_REPORT_OPCODES;
    case OP_MODE_SENSE_6:
    case OP_MODE_SENSE_10:
        return f->readonly && scsi_type_in(type, SCSI_HAS_WP);
    case OP_READ_CAPACITY_10:
        return scsi_is_disk(type);
    case OP_SERVICE_ACTION_IN_16:
        return scsi_is_disk(type) && (cdb[1] & SERVICE_ACTION_MASK) == SA_READ_CAPACITY_16;
    case OP_READ_BLOCK_LIMITS:
        return scsi_is_tape(type);
    default:
        return false;
    }
}

void scsi_decide(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], uint8_t cdb_len,
                 enum scsi_direction dir, uint32_t data_len, struct scsi_decision *d)
{
    const struct cdb_row *row = cdb_find(cdb, f->type);
    struct seconds s = seconds_of(row, cdb, f->type);

    *d = (struct scsi_decision){ .timeout_s = s.usual, .min_timeout_s = s.least };
    /*
     * Linux's error handler sends it in the request of the command that failed, and the ring has that one's time-out:
     * 30 s, or st's 900 s and 14000 s. It waits for the answer much less.
     */
    if (cdb[0] == OP_TEST_UNIT_READY)
        d->max_timeout_s = s.usual;
    d->no_data = row && row->data == CDB_DATA_NONE;
    d->route = route(f, cdb, cdb_len, row, dir, data_len, d);
    d->filter_in = d->route == SCSI_TO_DEVICE && data_len && needs_filter(f, cdb);
    d->check_out = d->route == SCSI_TO_DEVICE && scsi_policy_checks_parameters(f, cdb);
}

/*
 * One sixth of the guest's time, 1 to 10 s, remains for the host's error handling, so that it starts before the
 * guest's.
 */
uint32_t scsi_timeout_ms(const struct scsi_decision *d, uint16_t guest_s)
{
    enum {
        MARGIN_PART = 6,
        MARGIN_MIN_S = 1,
        MARGIN_MAX_S = 10
    };
    uint32_t margin = guest_s / MARGIN_PART, s;

    if (!guest_s)
        return d->timeout_s * 1000;
    if (margin < MARGIN_MIN_S)
        margin = MARGIN_MIN_S;
    if (margin > MARGIN_MAX_S)
        margin = MARGIN_MAX_S;
    s = guest_s - margin;
    if (s < d->min_timeout_s)
        s = d->min_timeout_s;
    if (d->max_timeout_s && s > d->max_timeout_s)
        s = d->max_timeout_s;
    return s * 1000;
}
