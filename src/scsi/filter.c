// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes what a device says of itself to what is true for its guest. No page may promise more than one command can
 * move; a LUN that may only be read says that it is write-protected; a command that is refused is not supported.
 * Lengths inside the data come from the device: nothing past the bytes that really came is read.
 */
#include "config.h"

#include <string.h>

#include "scsi/bytes.h"
#include "scsi/opcodes.h"
#include "scsi/scsi.h"
#include "scsi/sense.h"

enum {
    /* SPC-5, mode parameter header(6) and (10): where DEVICE-SPECIFIC PARAMETER is. */
    MODE_6_SPECIFIC = 2,
    MODE_10_SPECIFIC = 3,
    MODE_WP = 0x80,
    VPD_HEADER = 4,
    /* SBC-4, Block Limits VPD page; before SBC-3 it ended with byte 15. */
    B0_LEN = 64,
    B0_OLD_LEN = 16,
    B0_COMPARE_AND_WRITE = 5,
    B0_MAX = 8,
    B0_OPTIMAL = 12,
    B0_ATOMIC = 44,
    B0_ATOMIC_BOUNDARY = 56,
    /*
     * How much is fetched if the guest asks for less: a list of pages that SPC-2's allocation length of one byte
     * allows; ...
     */
    WHOLE_PAGE_LIST = 255,
    WHOLE_OPCODES = 16384, /* ... about 800 descriptors with time-outs; disks have less than 100 */
    WHOLE_TAPE_LIMITS = 6,
    SHORTEST_LENGTH = 4, /* less than this has no whole length field */
    /* The largest logical block in use: right for a limit in blocks while the real one is not known. */
    BLOCK_SIZE_SAFE = 4096,
    /* INQUIRY, byte 1 of its CDB: a VPD page; SPC-2: data on one command, without the layout of standard data. */
    INQUIRY_EVPD = 0x01,
    INQUIRY_CMDDT = 0x02,
    /* SPC-5, standard INQUIRY data, byte 5 */
    INQUIRY_5 = 5,
    INQUIRY_3PC = 0x08,
    INQUIRY_TPGS_IMPLICIT = 0x10,
    INQUIRY_TPGS_EXPLICIT = 0x20,
    /* SPC-5, REPORT SUPPORTED OPERATION CODES: byte 2 of its CDB, its descriptors, its data on one command */
    OPCODES_OPTION = 0x07,
    OPCODES_ALL = 0,
    OPCODES_ONE = 1,
    OPCODES_ONE_OR_ACTION = 3,
    OPCODES_HEADER = 4,
    OPCODES_DESCRIPTOR = 8,
    OPCODES_TIMEOUTS = 12,
    OPCODES_SERVACTV = 0x01,
    OPCODES_CTDP = 0x02,
    OPCODES_NOT_SUPPORTED = 1,
    ASC_INVALID_OPCODE = 0x20,
    ASC_INVALID_FIELD = 0x24,
    ASC_INVALID_PARAMETER = 0x26,
};

uint32_t scsi_surely_mapped(uint32_t segments)
{
    uint32_t pages = segments;

    while (pages > 1 && pages + 1 + (pages * 4096 - 1) / 65536 > segments)
        pages--;
    return pages * 4096;
}

/* How many logical blocks a guest is told that one command may move: at least one, since 0 would say "no limit". */
static uint32_t max_blocks(const struct scsi_lun_facts *f)
{
    uint32_t told = f->max_told && f->max_told < f->max_transfer ? f->max_told : f->max_transfer;
    uint32_t n = told / (f->block_size ? f->block_size : BLOCK_SIZE_SAFE);

    return n ? n : 1;
}

enum zero_means {
    ZERO_IS_NO_LIMIT,
    ZERO_IS_NOT_SAID
};

static void clamp_be32(uint8_t *field, uint32_t limit, enum zero_means zero)
{
    uint32_t v = get_be32(field);

    if (v > limit || (!v && zero == ZERO_IS_NO_LIMIT))
        put_be32(field, limit);
}

/*
 * page: B0_LEN bytes; what the device did not give is 0. Fields that the page's own length does not cover are left
 * alone. A page that is too short to hold the limit is made long enough.
 */
static void clamp_block_limits(const struct scsi_lun_facts *f, uint8_t page[B0_LEN])
{
    uint32_t blocks = max_blocks(f), end = VPD_HEADER + (uint32_t)get_be16(page + 2);
    uint32_t pair = blocks / 2 ? blocks / 2 : 1; /* COMPARE AND WRITE moves its blocks twice */

    if (end < B0_OLD_LEN) {
        end = B0_LEN;
        put_be16(page + 2, B0_LEN - VPD_HEADER);
    }
    if (page[B0_COMPARE_AND_WRITE] > pair)
        page[B0_COMPARE_AND_WRITE] = (uint8_t)pair;
    clamp_be32(page + B0_MAX, blocks, ZERO_IS_NO_LIMIT);
    clamp_be32(page + B0_OPTIMAL, blocks, ZERO_IS_NOT_SAID);
    if (end >= B0_ATOMIC + 4)
        clamp_be32(page + B0_ATOMIC, blocks, ZERO_IS_NOT_SAID);
    if (end >= B0_ATOMIC_BOUNDARY + 4)
        clamp_be32(page + B0_ATOMIC_BOUNDARY, blocks, ZERO_IS_NOT_SAID);
}

static uint32_t filter_block_limits(const struct scsi_lun_facts *f, uint8_t *data, uint32_t len, uint32_t alloc)
{
    uint8_t page[B0_LEN] = { 0 };
    uint32_t said, given = min_u32(len, B0_LEN);

    memcpy(page, data, given);
    said = VPD_HEADER + (uint32_t)get_be16(page + 2);
    memset(page + min_u32(said, B0_LEN), 0, B0_LEN - min_u32(said, B0_LEN));
    clamp_block_limits(f, page);
    if (said < B0_OLD_LEN)
        len = given = min_u32(B0_LEN, alloc);
    memcpy(data, page, given);
    return len;
}

/*
 * Standard INQUIRY data, from a device that does not know EVPD: byte 4 is ADDITIONAL LENGTH there, and 00h in a list of
 * pages, which begins with its own.
 */
static bool is_page_list(const uint8_t *data, uint32_t len)
{
    return data[1] == VPD_SUPPORTED_PAGES && (len <= VPD_HEADER || data[VPD_HEADER] == VPD_SUPPORTED_PAGES);
}

/* Pages are listed in ascending order (SPC-5, Supported VPD Pages). B0h is put in its place, unless it is there. */
static uint32_t insert_block_limits(uint8_t *data, uint32_t len, uint32_t alloc)
{
    uint32_t listed = get_be16(data + 2), end = min_u32(len, VPD_HEADER + listed), at = VPD_HEADER;

    while (at < end && data[at] < VPD_BLOCK_LIMITS)
        at++;
    if (at < end && data[at] == VPD_BLOCK_LIMITS)
        return len;
    if (at == end && end < VPD_HEADER + listed)
        return len; /* the list is cut off before the place of B0h, which may follow */
    if (listed >= UINT16_MAX)
        return len;
    put_be16(data + 2, (uint16_t)(listed + 1));
    if (at >= alloc)
        return len;
    end = min_u32(end + 1, alloc);
    memmove(data + at + 1, data + at, end - at - 1);
    data[at] = VPD_BLOCK_LIMITS;
    return end;
}

/* Takes a page out of the list, if it is there. The place of a list that is cut off is not filled again. */
static uint32_t remove_page(uint8_t *data, uint32_t len, uint8_t page)
{
    uint32_t listed = get_be16(data + 2), end = min_u32(len, VPD_HEADER + listed), at = VPD_HEADER;

    while (at < end && data[at] != page)
        at++;
    if (at == end)
        return len;
    put_be16(data + 2, (uint16_t)(listed - 1));
    memmove(data + at, data + at + 1, end - at - 1);
    return end - 1;
}

/*
 * Standard INQUIRY data. A device with explicit ALUA only keeps that: without TPGS the guest would not look at the
 * states of its paths at all.
 */
static void filter_standard(const struct scsi_lun_facts *f, bool copies, uint8_t *byte_5)
{
    const uint8_t both = INQUIRY_TPGS_IMPLICIT | INQUIRY_TPGS_EXPLICIT;

    if (!copies)
        *byte_5 &= (uint8_t)~INQUIRY_3PC;
    if ((*byte_5 & both) == both && !scsi_answers_opcode(f, OP_MAINTENANCE_OUT, true, SA_SET_TARGET_PORT_GROUPS))
        *byte_5 &= (uint8_t)~INQUIRY_TPGS_EXPLICIT;
}

static uint32_t filter_inquiry(const struct scsi_lun_facts *f, const uint8_t *cdb, uint8_t *data, uint32_t len,
                               uint32_t alloc)
{
    bool copies = scsi_policy_allows_some(f, OP_EXTENDED_COPY);

    if (!(cdb[1] & INQUIRY_EVPD)) {
        if (len > INQUIRY_5 && !(cdb[1] & INQUIRY_CMDDT))
            filter_standard(f, copies, &data[INQUIRY_5]);
        return len;
    }
    if (len < VPD_HEADER)
        return len;
    if (cdb[2] == VPD_SUPPORTED_PAGES && is_page_list(data, len)) {
        if (!copies)
            len = remove_page(data, len, VPD_THIRD_PARTY_COPY);
        return scsi_is_disk(f->type) ? insert_block_limits(data, len, alloc) : len;
    }
    return cdb[2] == VPD_BLOCK_LIMITS && data[1] == VPD_BLOCK_LIMITS ? filter_block_limits(f, data, len, alloc) : len;
}

/*
 * Keeps the descriptors of what is answered. A descriptor whose end did not come is dropped with a refused command
 * only.
 */
static uint32_t filter_all_opcodes(const struct scsi_lun_facts *f, uint8_t *data, uint32_t len)
{
    uint32_t said, end, kept = OPCODES_HEADER, at = OPCODES_HEADER;

    if (len < OPCODES_HEADER)
        return len;
    said = get_be32(data);
    end = said < len - OPCODES_HEADER ? said + OPCODES_HEADER : len;
    while (end - at >= OPCODES_DESCRIPTOR) {
        const uint8_t *d = data + at;
        uint32_t size = OPCODES_DESCRIPTOR + (d[5] & OPCODES_CTDP ? OPCODES_TIMEOUTS : 0u);
        uint32_t here = min_u32(size, end - at);

        if (scsi_answers_opcode(f, d[0], (d[5] & OPCODES_SERVACTV) != 0, d[3])) {
            memmove(data + kept, d, here);
            kept += here;
        } else {
            said -= min_u32(size, said);
        }
        at += here;
    }
    memmove(data + kept, data + at, len - at);
    put_be32(data, said);
    return kept + (len - at);
}

/* One command: what is refused is not supported, and there is no more to say of it. */
static uint32_t filter_one_opcode(const struct scsi_lun_facts *f, const uint8_t *cdb, uint8_t *data, uint32_t len)
{
    uint8_t option = cdb[2] & OPCODES_OPTION, opcode = cdb[3];
    uint32_t action = get_be16(cdb + 4);
    /* An opcode that has service actions has 0 too. */
    bool some_action = option != OPCODES_ONE
                       && (option != OPCODES_ONE_OR_ACTION || action != 0 || scsi_has_actions(opcode, f->type));

    if (action <= UINT8_MAX && scsi_answers_opcode(f, opcode, some_action, (uint8_t)action))
        return len;
    if (action > UINT8_MAX && scsi_answers_opcode(f, opcode, false, 0))
        return len;
    len = min_u32(len, OPCODES_HEADER);
    if (len > 1)
        data[1] = OPCODES_NOT_SUPPORTED;
    for (uint32_t i = 2; i < len; i++)
        data[i] = 0;
    return len;
}

static uint32_t filter_opcodes(const struct scsi_lun_facts *f, const uint8_t *cdb, uint8_t *data, uint32_t len)
{
    if ((cdb[1] & SERVICE_ACTION_MASK) != SA_REPORT_OPCODES || scsi_is_optical_drive(f->type))
        return len;
    return (cdb[2] & OPCODES_OPTION) == OPCODES_ALL ? filter_all_opcodes(f, data, len)
                                                    : filter_one_opcode(f, cdb, data, len);
}

/* SSC-5, READ BLOCK LIMITS: a granularity of 2^n, a maximum of 24 bits where 0 is no limit, a minimum. */
static void filter_tape_limits(const struct scsi_lun_facts *f, uint8_t *data, uint32_t len)
{
    uint32_t max, limit = f->max_transfer;

    if (len < 4)
        return;
    limit = min_u32(limit, 0xffffff);
    if (limit >> (data[0] & 0x1f))
        limit = limit >> (data[0] & 0x1f) << (data[0] & 0x1f);
    max = get_be24(data + 1);
    if (!max || max > limit)
        put_be24(data + 1, limit);
}

/* Sets the bit whenever its byte came, whatever length the header names: initiators read it without a check. */
static void protect(const struct scsi_lun_facts *f, uint8_t *data, uint32_t len, uint32_t specific)
{
    if (f->readonly && scsi_type_in(f->type, SCSI_HAS_WP) && len > specific)
        data[specific] |= MODE_WP;
}

struct scsi_fetch scsi_filter_fetch(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], uint32_t data_len)
{
    struct scsi_fetch fetch = { .len = data_len, .give = data_len };
    unsigned at = 0, size = 0; /* the allocation length */
    uint32_t whole = 0;

    memcpy(fetch.cdb, cdb, sizeof(fetch.cdb));
    if (cdb[0] == OP_INQUIRY && (cdb[1] & (INQUIRY_EVPD | INQUIRY_CMDDT)) == INQUIRY_EVPD) {
        at = 3;
        size = 2;
        if (cdb[2] == VPD_SUPPORTED_PAGES)
            whole = WHOLE_PAGE_LIST;
        else if (cdb[2] == VPD_BLOCK_LIMITS)
            whole = B0_LEN;
    } else if (cdb[0] == OP_MAINTENANCE_IN && (cdb[2] & OPCODES_OPTION) == OPCODES_ALL) {
        at = 6;
        size = 4;
        whole = min_u32(WHOLE_OPCODES, f->max_transfer);
    } else if (cdb[0] == OP_READ_BLOCK_LIMITS && !(cdb[1] & 1)) {
        whole = WHOLE_TAPE_LIMITS;
    }
    if (size)
        fetch.give = min_u32(data_len, (uint32_t)get_be(cdb + at, size));
    if (fetch.give >= whole || (size && fetch.give < SHORTEST_LENGTH))
        return fetch;
    fetch.len = whole;
    if (size)
        put_be(fetch.cdb + at, size, whole);
    return fetch;
}

uint32_t scsi_filter_data_in(struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], uint8_t *data, uint32_t len,
                             uint32_t alloc)
{
    uint32_t block_size = 0;

    if (len > alloc)
        len = alloc;
    switch (cdb[0]) {
    case OP_INQUIRY:
        return filter_inquiry(f, cdb, data, len, min_u32(alloc, get_be16(cdb + 3)));
    case OP_MAINTENANCE_IN:
        return filter_opcodes(f, cdb, data, len);
    case OP_READ_BLOCK_LIMITS:
        if (!(cdb[1] & 1)) /* MLOI: another layout, without a length of data */
            filter_tape_limits(f, data, len);
        break;
    case OP_MODE_SENSE_6:
        protect(f, data, len, MODE_6_SPECIFIC);
        break;
    case OP_MODE_SENSE_10:
        protect(f, data, len, MODE_10_SPECIFIC);
        break;
    case OP_READ_CAPACITY_10:
        if (len >= 8)
            block_size = get_be32(data + 4);
        break;
    case OP_SERVICE_ACTION_IN_16:
        if (len >= 12)
            block_size = get_be32(data + 8);
        break;
    default:
        break;
    }
    if (block_size)
        f->block_size = block_size;
    return len;
}

/* Old devices do not know the page (05/24), parameters such as EVPD (05/26), or the command with them (05/20). */
static bool refused_page(const struct scsi_answer *a)
{
    struct scsi_sense_data sense;

    if (a->status != SCSI_CHECK_CONDITION || a->host != SCSI_HOST_OK
        || !scsi_sense_parse(a->sense, a->sense_len, &sense))
        return false;
    return !sense.deferred && sense.key == SPC_SK_ILLEGAL_REQUEST
           && (sense.asc == ASC_INVALID_OPCODE || sense.asc == ASC_INVALID_FIELD || sense.asc == ASC_INVALID_PARAMETER);
}

uint32_t scsi_fix_refused(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], uint8_t *data,
                          uint32_t data_len, struct scsi_answer *a)
{
    uint8_t page[B0_LEN] = { [0] = f->type & 0x1f, [1] = cdb[2] };
    uint32_t len;

    /* EVPD with CMDDT is wrong on every device. */
    if (cdb[0] != OP_INQUIRY || (cdb[1] & (INQUIRY_EVPD | INQUIRY_CMDDT)) != INQUIRY_EVPD || !scsi_is_disk(f->type)
        || !refused_page(a))
        return 0;
    switch (cdb[2]) {
    case VPD_SUPPORTED_PAGES:
        page[3] = 2;
        page[VPD_HEADER] = VPD_SUPPORTED_PAGES;
        page[VPD_HEADER + 1] = VPD_BLOCK_LIMITS;
        len = VPD_HEADER + 2;
        break;
    case VPD_BLOCK_LIMITS:
        page[3] = B0_LEN - VPD_HEADER;
        clamp_block_limits(f, page);
        len = B0_LEN;
        break;
    default:
        return 0;
    }
    len = min_u32(min_u32(len, get_be16(cdb + 3)), data_len);
    memcpy(data, page, len);
    scsi_answer_status(a, SCSI_GOOD, SCSI_HOST_OK, data_len - len);
    return len;
}
