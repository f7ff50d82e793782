// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command policy: which commands a guest may send to its device (docs/policy.md). The column `guest` of
 * cdb-table.c decides; rules of the administrator go before it. Whoever may write the device's sg node can send every
 * command with this host's rights, so what is not in the table is refused.
 *
 * It looks at the CDB, and of data-out only at the mode pages for a disk. What the commands do to the medium is not
 * its business: the device is the guest's.
 */
#include "config.h"

#include "scsi/bytes.h"
#include "scsi/cdb-table.h"
#include "scsi/opcodes.h"
#include "scsi/scsi.h"

enum {
    /* SBC-4, START STOP UNIT, byte 4: POWER CONDITION, LOEJ, START. NO_FLUSH does not matter. */
    START_MASK = 0xf3,
    START_ONLY = 0x01,
    /* SPC-5, SEND DIAGNOSTIC, byte 1 */
    DIAG_OFFLINE = 0x03, /* DEVOFFL, UNITOFFL: the test may reach other LUNs, or the medium */
    DIAG_SELFTEST = 0x04,
    DIAG_CODE_SHIFT = 5,
    /* MMC-6, SEND KEY, byte 10 */
    KEY_FORMAT_MASK = 0x3f,
    KEY_REGION = 0x06,
    /* The bits of byte 1 that rows with a service action look at, at least. */
    ACTION_BITS = 0x1c,
    /* SPC-5, MODE SELECT and its parameter list */
    MODE_SELECT_RTD = 0x02,
    MODE_6_HEADER = 4,
    MODE_10_HEADER = 8,
    MODE_BLOCK_DESCRIPTOR = 8,
    MODE_SPF = 0x40,
    MODE_PAGE_MASK = 0x3f,
    MODE_PAGE_CACHING = 0x08,
    /* SAT-4, ATA PASS-THROUGH */
    ATA_NON_DATA = 3,
    ATA_PIO_IN = 4,
    ATA_DMA = 6,
    ATA_T_DIR_IN = 0x08,
    ATA_SMART_MID = 0x4f,
    ATA_SMART_HIGH = 0xc2,
};

static const struct scsi_sense INVALID_CDB_FIELD = { 0x05, 0x24, 0x00 };
static const struct scsi_sense INVALID_PARAMETER = { 0x05, 0x26, 0x00 };

/* --- the conditions of single commands --- */

/* The commands by which udev, smartctl and hdparm read what a disk says of itself (ACS-4). */
static const struct {
    uint8_t command, features;
    bool smart, data, dma;
} ata_reads[] = {
    { .command = 0xec, .data = true },                                  /* IDENTIFY DEVICE */
    { .command = 0xa1, .data = true },                                  /* IDENTIFY PACKET DEVICE */
    { .command = 0xe5 },                                                /* CHECK POWER MODE */
    { .command = 0x2f, .data = true },                                  /* READ LOG EXT; a feature may reset one */
    { .command = 0x47, .data = true, .dma = true },                     /* READ LOG DMA EXT */
    { .command = 0xb0, .features = 0xd0, .smart = true, .data = true }, /* SMART READ DATA */
    { .command = 0xb0, .features = 0xd1, .smart = true, .data = true }, /* SMART READ THRESHOLDS */
    { .command = 0xb0, .features = 0xd5, .smart = true, .data = true }, /* SMART READ LOG */
    { .command = 0xb0, .features = 0xda, .smart = true },               /* SMART RETURN STATUS */
};

static bool ata_reads_only(const uint8_t cdb[SCSI_CDB_MAX])
{
    bool sixteen = cdb[0] == OP_ATA_PASS_THROUGH_16;
    struct cdb_ata a = cdb_ata(cdb);
    unsigned protocol = cdb[1] >> 1 & 0x0f;
    bool in = (cdb[2] & ATA_T_DIR_IN) != 0;

    /* With EXTEND the registers have upper halves: of FEATURES it must be empty too. */
    if (sixteen && cdb[3] != 0)
        return false;
    for (unsigned i = 0; i < sizeof(ata_reads) / sizeof(ata_reads[0]); i++) {
        if (a.command != ata_reads[i].command || a.features != ata_reads[i].features)
            continue;
        if (ata_reads[i].smart && (a.mid != ATA_SMART_MID || a.high != ATA_SMART_HIGH))
            return false;
        if (!ata_reads[i].data)
            return protocol == ATA_NON_DATA;
        return in && protocol == (ata_reads[i].dma ? ATA_DMA : ATA_PIO_IN);
    }
    return false;
}

/* SPC-5, table of SELF-TEST CODE: 0 with SELFTEST is the default one, 4 ends one, 5 and 6 stop all else meanwhile. */
static bool self_test(const struct scsi_lun_facts *f, const uint8_t *cdb)
{
    unsigned code = cdb[1] >> DIAG_CODE_SHIFT;
    bool selftest = (cdb[1] & DIAG_SELFTEST) != 0;

    if ((cdb[1] & DIAG_OFFLINE) || get_be16(cdb + 3) != 0)
        return false;
    switch (code) {
    case 0:
        return selftest;
    case 1:
    case 2:
    case 4:
        return !selftest;
    case 5:
    case 6:
        return !selftest && !f->shared;
    default:
        return false;
    }
}

static bool row_allows(const struct scsi_lun_facts *f, const struct cdb_row *row, const uint8_t *cdb)
{
    switch ((enum cdb_guest)row->guest) {
    case CDB_GUEST_PASS:
    case CDB_GUEST_NEXUS:
        return true;
    case CDB_GUEST_ALONE:
        return !f->shared;
    case CDB_GUEST_START:
        return !f->shared || (cdb[4] & START_MASK) == START_ONLY;
    case CDB_GUEST_SELF_TEST:
        return self_test(f, cdb);
    case CDB_GUEST_CACHING:
        return !(cdb[1] & MODE_SELECT_RTD);
    case CDB_GUEST_ATA:
        return ata_reads_only(cdb);
    case CDB_GUEST_KEY:
        return (cdb[10] & KEY_FORMAT_MASK) != KEY_REGION;
    case CDB_GUEST_COPY:
    case CDB_GUEST_DENY:
        break;
    }
    return false;
}

/* Is there a CDB that the row allows? */
static bool row_may_allow(const struct scsi_lun_facts *f, const struct cdb_row *row)
{
    switch ((enum cdb_guest)row->guest) {
    case CDB_GUEST_ALONE:
        return !f->shared;
    case CDB_GUEST_COPY:
    case CDB_GUEST_DENY:
        return false;
    default:
        return true;
    }
}

/* --- the rules --- */

static bool rule_names(const struct scsi_rule *r, const uint8_t *cdb)
{
    return r->opcode == cdb[0] && (!r->some_action || r->action == scsi_rule_action(cdb));
}

static bool has_rule(const struct scsi_lun_facts *f, const uint8_t *cdb, bool deny)
{
    for (uint32_t i = 0; i < f->rules.n; i++)
        if (f->rules.rule[i].deny == deny && rule_names(&f->rules.rule[i], cdb))
            return true;
    return false;
}

bool scsi_policy_denies(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX])
{
    return has_rule(f, cdb, true);
}

bool scsi_is_third_party_copy(uint8_t opcode)
{
    const struct cdb_row *row = NULL;

    /* The rows of disks, because they have all these commands. 7Fh, which is not in the table, has more of them. */
    return opcode == OP_VARIABLE_LENGTH || (cdb_find_next(opcode, PDT_DISK, &row) && row->guest == CDB_GUEST_COPY);
}

static bool is_allowed(const struct scsi_lun_facts *f, const uint8_t *cdb, const struct cdb_row *row)
{
    if (has_rule(f, cdb, true))
        return false;
    if (has_rule(f, cdb, false))
        return true;
    if (f->feature_host)
        return !scsi_is_third_party_copy(cdb[0]);
    return row && row_allows(f, row, cdb);
}

bool scsi_policy_allows_some(const struct scsi_lun_facts *f, uint8_t opcode)
{
    const struct cdb_row *row = NULL;

    for (uint32_t i = 0; i < f->rules.n; i++)
        if (f->rules.rule[i].opcode == opcode && f->rules.rule[i].deny && !f->rules.rule[i].some_action)
            return false;
    for (uint32_t i = 0; i < f->rules.n; i++)
        if (f->rules.rule[i].opcode == opcode && !f->rules.rule[i].deny)
            return true;
    if (f->feature_host)
        return !scsi_is_third_party_copy(opcode);
    while (cdb_find_next(opcode, f->type, &row))
        if (row_may_allow(f, row))
            return true;
    return false;
}

bool scsi_policy_allows_action(const struct scsi_lun_facts *f, uint8_t opcode, uint8_t action)
{
    const uint8_t cdb[SCSI_CDB_MAX] = { opcode, action };
    const struct cdb_row *row = cdb_find(cdb, f->type);

    if (has_rule(f, cdb, true))
        return false;
    if (has_rule(f, cdb, false))
        return true;
    if (f->feature_host)
        return !scsi_is_third_party_copy(opcode);
    return row && row_may_allow(f, row);
}

enum scsi_verdict scsi_policy_verdict(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX])
{
    if (cdb[0] == OP_REPORT_LUNS || is_allowed(f, cdb, cdb_find(cdb, f->type)))
        return SCSI_ALLOWED;
    return scsi_policy_allows_some(f, cdb[0]) ? SCSI_NO_SUCH_FORM : SCSI_NO_SUCH_OPCODE;
}

bool scsi_policy_checks_parameters(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX])
{
    const struct cdb_row *row = cdb_find(cdb, f->type);

    return row && row->guest == CDB_GUEST_CACHING && !f->feature_host && !has_rule(f, cdb, false);
}

/* --- for people --- */

bool scsi_has_actions(uint8_t opcode, uint8_t type)
{
    const struct cdb_row *row = NULL;

    while (cdb_find_next(opcode, type, &row))
        if ((row->form_mask & ACTION_BITS) == ACTION_BITS)
            return true;
    return false;
}

bool scsi_is_known(uint8_t opcode, uint8_t type, bool some_action, uint8_t action)
{
    const uint8_t cdb[SCSI_CDB_MAX] = { opcode, action };
    const struct cdb_row *row = NULL;

    if (!some_action)
        return cdb_find_next(opcode, type, &row);
    row = cdb_find(cdb, type);
    return row && (row->form_mask & ACTION_BITS) == ACTION_BITS && scsi_rule_action(cdb) == action;
}

/* What the table makes of a command that no rule names. */
static enum scsi_policy_state state_of_table(const struct scsi_lun_facts *f, uint8_t opcode, bool some_action,
                                             uint8_t action)
{
    const struct cdb_row *row = NULL;
    bool found = false, other = false, all = true;

    while (cdb_find_next(opcode, f->type, &row)) {
        if (some_action && (action & row->form_mask) != row->form)
            continue;
        found = true;
        other |= row->guest != CDB_GUEST_ALONE && row->guest != CDB_GUEST_PASS && row->guest != CDB_GUEST_NEXUS;
        all &= row->guest == CDB_GUEST_ALONE;
        if (some_action)
            break;
    }
    if (!found)
        return SCSI_POLICY_REFUSED;
    return other ? SCSI_POLICY_PARTLY : all ? SCSI_POLICY_ALONE : SCSI_POLICY_ALLOWED;
}

enum scsi_policy_state scsi_policy_state(const struct scsi_lun_facts *f, uint8_t opcode, bool some_action,
                                         uint8_t action)
{
    const uint8_t cdb[SCSI_CDB_MAX] = { opcode, action };
    bool whole = some_action && has_rule(f, cdb, false), some = false;
    enum scsi_policy_state state;

    if (some_action ? !scsi_policy_allows_action(f, opcode, action) : !scsi_policy_allows_some(f, opcode))
        return SCSI_POLICY_REFUSED;
    for (uint32_t i = 0; i < f->rules.n; i++) {
        const struct scsi_rule *r = &f->rules.rule[i];

        if (some_action || r->opcode != opcode)
            continue;
        if (r->deny)
            return SCSI_POLICY_PARTLY; /* one action of it; all of it is refused above */
        some = true;
        whole |= !r->some_action;
    }
    if (whole || (f->feature_host && !scsi_is_third_party_copy(opcode)))
        return SCSI_POLICY_ALLOWED;
    state = state_of_table(f, opcode, some_action, action);
    return some && state != SCSI_POLICY_ALLOWED ? SCSI_POLICY_PARTLY : state;
}

/* --- data-out --- */

/*
 * Windows sends a block descriptor with the length of its blocks, to change nothing. Another length, or a number of
 * blocks, would change the capacity.
 */
static bool keeps_blocks(const struct scsi_lun_facts *f, const uint8_t *descriptor)
{
    uint32_t length = get_be24(descriptor + 5);

    return get_be32(descriptor) == 0 && (length == 0 || length == f->block_size);
}

bool scsi_check_parameters(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], const uint8_t *data,
                           uint32_t len, struct scsi_sense *refuse)
{
    bool six = cdb[0] == OP_MODE_SELECT_6;
    uint32_t list = six ? cdb[4] : get_be16(cdb + 7);
    uint32_t at = six ? MODE_6_HEADER : MODE_10_HEADER, descriptors;

    *refuse = INVALID_CDB_FIELD;
    if (list > len)
        return false;
    if (list == 0)
        return true;
    *refuse = INVALID_PARAMETER;
    if (list < at)
        return false;
    descriptors = six ? data[3] : get_be16(data + 6);
    if (descriptors > 0) {
        /* Byte 4 of the longer header: LONGLBA. */
        if (descriptors != MODE_BLOCK_DESCRIPTOR || list < at + MODE_BLOCK_DESCRIPTOR || (!six && (data[4] & 1))
            || !keeps_blocks(f, data + at))
            return false;
        at += MODE_BLOCK_DESCRIPTOR;
    }
    while (at < list) {
        if (list - at < 2 || (data[at] & MODE_SPF) || (data[at] & MODE_PAGE_MASK) != MODE_PAGE_CACHING
            || data[at + 1] > list - at - 2)
            return false;
        at += 2 + (uint32_t)data[at + 1];
    }
    return true;
}
