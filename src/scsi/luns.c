// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers for a target instead of a LUN. REPORT LUNS never reaches a device, because the LUNs that a guest sees are
 * virtual. Commands to a LUN that does not exist, on a target that does, are answered here too.
 */
#include "config.h"

#include <string.h>

#include "scsi/bytes.h"
#include "scsi/opcodes.h"
#include "scsi/scsi.h"

enum {
    LUN_LIST_HEADER = 8,
    LUN_ENTRY = 8,            /* SPC-5, REPORT LUNS */
    ALLOCATION_MIN = 16,      /* the same: less is an error */
    PERIPHERAL_LUN_MAX = 255, /* SAM-5: peripheral device addressing; above it, flat space */
    FLAT_LUN_MAX = 16383,
    FLAT_METHOD = 0x40,
    ABSENT_PERIPHERAL = 0x7f, /* SPC-5, standard INQUIRY data: qualifier 011b, type 1Fh */
    INQUIRY_LEN = 36,
};

/* Stores as much of src as fits at out[at]. Returns the length of the whole list, including what did not fit. */
static uint32_t append(uint8_t *out, uint32_t out_size, uint32_t at, const uint8_t *src, uint32_t len)
{
    if (at < out_size)
        memcpy(out + at, src, min_u32(len, out_size - at));
    return at + len;
}

uint32_t scsi_report_luns(const uint8_t cdb[SCSI_CDB_MAX], const uint16_t *luns, unsigned n, uint8_t *out,
                          uint32_t out_size, struct scsi_sense *refuse)
{
    uint32_t alloc = get_be32(cdb + 6), full = LUN_LIST_HEADER;
    uint8_t select = cdb[2], header[LUN_LIST_HEADER] = { 0 };

    *refuse = (struct scsi_sense){ 0 };
    if (alloc < ALLOCATION_MIN || select > 2) {
        *refuse = (struct scsi_sense){ 0x05, 0x24, 0x00 };
        return 0;
    }
    out_size = min_u32(out_size, alloc);
    if (select != 1) { /* 1: only well known logical units, and there are none */
        uint8_t entry[LUN_ENTRY] = { 0 };
        uint32_t last = 0;

        full = append(out, out_size, full, entry, LUN_ENTRY);
        for (unsigned i = 0; i < n; i++) {
            if (luns[i] <= last || luns[i] > FLAT_LUN_MAX)
                continue; /* LUN 0 is in the list already */
            last = luns[i];
            entry[0] = last > PERIPHERAL_LUN_MAX ? (uint8_t)(FLAT_METHOD | (last >> 8)) : 0;
            entry[1] = (uint8_t)last;
            full = append(out, out_size, full, entry, LUN_ENTRY);
        }
    }
    put_be32(header, full - LUN_LIST_HEADER);
    append(out, out_size, 0, header, LUN_LIST_HEADER);
    return min_u32(full, out_size);
}

static uint32_t absent_inquiry(const uint8_t *cdb, uint8_t page[INQUIRY_LEN])
{
    bool evpd = cdb[1] & 1;

    if (cdb[2])
        return 0; /* page code: there is only the list of pages, with EVPD */
    page[0] = ABSENT_PERIPHERAL;
    if (evpd) {
        page[3] = 1; /* the list of supported pages, with one entry: itself */
        return 5;
    }
    page[2] = 0x06; /* SPC-4 */
    page[3] = 0x02; /* response data format */
    page[4] = INQUIRY_LEN - 5;
    memset(page + 8, ' ', INQUIRY_LEN - 8);
    return INQUIRY_LEN;
}

static uint32_t absent_request_sense(const uint8_t *cdb, uint8_t page[INQUIRY_LEN])
{
    if (cdb[1] & 1) { /* DESC: descriptor format */
        static const uint8_t desc[8] = { 0x72, 0x05, 0x25, 0x00 };

        memcpy(page, desc, sizeof(desc));
        return sizeof(desc);
    }
    page[0] = 0x70;
    page[2] = 0x05;
    page[7] = 10;
    page[12] = 0x25;
    return 18;
}

uint32_t scsi_absent_lun(const uint8_t cdb[SCSI_CDB_MAX], uint32_t data_len, uint8_t *out, uint32_t out_size,
                         struct scsi_answer *a)
{
    uint8_t page[INQUIRY_LEN] = { 0 };
    uint32_t len = 0, alloc;

    switch (cdb[0]) {
    case OP_INQUIRY:
        len = absent_inquiry(cdb, page);
        if (!len) {
            scsi_answer_sense(a, (struct scsi_sense){ 0x05, 0x24, 0x00 }, SCSI_HOST_OK, data_len);
            return 0;
        }
        alloc = get_be16(cdb + 3);
        break;
    case OP_REQUEST_SENSE:
        len = absent_request_sense(cdb, page);
        alloc = cdb[4];
        break;
    default:
        scsi_answer_sense(a, (struct scsi_sense){ 0x05, 0x25, 0x00 }, SCSI_HOST_OK, data_len);
        return 0;
    }
    len = min_u32(min_u32(len, alloc), min_u32(data_len, out_size));
    if (len)
        memcpy(out, page, len);
    scsi_answer_status(a, SCSI_GOOD, SCSI_HOST_OK, data_len - len);
    return len;
}
