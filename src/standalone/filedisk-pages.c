// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated disk's pages: INQUIRY and its VPD, the capacities, MODE SENSE.
 * It says what it does: 512-byte blocks, a write cache, no protection information.
 */
#include "config.h"

#include <string.h>

#include "scsi/bytes.h"
#include "standalone/filedisk-pages.h"

static const char VENDOR[] = "XEN     ";          /* 8 characters */
static const char PRODUCT[] = "PVSCSI FILE DISK"; /* 16 */
static const char REVISION[] = "1   ";            /* 4 */

static uint32_t inquiry_standard(uint8_t *out)
{
    enum {
        LEN = 36
    };

    memset(out, 0, LEN);
    out[2] = 0x06; /* SPC-4 */
    out[3] = 0x02; /* response data format */
    out[4] = LEN - 5;
    out[7] = 0x02; /* CMDQUE */
    memcpy(out + 8, VENDOR, 8);
    memcpy(out + 16, PRODUCT, 16);
    memcpy(out + 32, REVISION, 4);
    return LEN;
}

static uint32_t vpd_header(uint8_t *out, uint8_t page, uint32_t len)
{
    memset(out, 0, 4);
    out[1] = page;
    put_be16(out + 2, (uint16_t)len);
    return 4 + len;
}

static uint32_t vpd_supported(uint8_t *out)
{
    static const uint8_t pages[] = { 0x00, 0x80, 0x83, 0xb0 };

    memcpy(out + 4, pages, sizeof(pages));
    return vpd_header(out, 0x00, sizeof(pages));
}

static uint32_t serial_len(const struct disk *d)
{
    return (uint32_t)strnlen(d->serial, sizeof(d->serial) - 1);
}

static uint32_t vpd_serial(const struct disk *d, uint8_t *out)
{
    uint32_t len = serial_len(d);

    memcpy(out + 4, d->serial, len);
    return vpd_header(out, 0x80, len);
}

/* 60 bits that stay with the serial number (FNV-1a, 64 bits). */
static uint64_t serial_hash(const struct disk *d)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (uint32_t i = 0; i < serial_len(d); i++)
        h = (h ^ (uint8_t)d->serial[i]) * UINT64_C(0x100000001b3);
    return h & UINT64_C(0x0fffffffffffffff);
}

/* Two designators of the logical unit: NAA locally assigned and T10 vendor ID. */
static uint32_t vpd_identification(const struct disk *d, uint8_t *out)
{
    uint32_t serial = serial_len(d), len = 4;

    out[len] = 0x01;     /* binary */
    out[len + 1] = 0x03; /* logical unit, NAA */
    out[len + 2] = 0;
    out[len + 3] = 8;
    put_be64(out + len + 4, UINT64_C(3) << 60 | serial_hash(d));
    len += 12;
    out[len] = 0x02;     /* ASCII */
    out[len + 1] = 0x01; /* logical unit, T10 vendor ID */
    out[len + 2] = 0;
    out[len + 3] = (uint8_t)(8 + serial);
    memcpy(out + len + 4, VENDOR, 8);
    memcpy(out + len + 12, d->serial, serial);
    len += 12 + serial;
    return vpd_header(out, 0x83, len - 4);
}

static uint32_t vpd_block_limits(uint8_t *out)
{
    enum {
        LEN = 60
    };

    memset(out + 4, 0, LEN);
    put_be32(out + 8, DISK_MAX_BLOCKS); /* MAXIMUM TRANSFER LENGTH */
    return vpd_header(out, 0xb0, LEN);
}

uint32_t disk_inquiry(const struct disk *d, const uint8_t *cdb, uint8_t *out)
{
    if (!(cdb[1] & 1))
        return cdb[2] ? 0 : inquiry_standard(out);
    switch (cdb[2]) {
    case 0x00:
        return vpd_supported(out);
    case 0x80:
        return vpd_serial(d, out);
    case 0x83:
        return vpd_identification(d, out);
    case 0xb0:
        return vpd_block_limits(out);
    default:
        return 0;
    }
}

uint32_t disk_capacity_10(const struct disk *d, uint8_t *out)
{
    uint64_t last = d->blocks - 1;

    /* SBC-4: all ones says "ask READ CAPACITY(16)". */
    put_be32(out, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
    put_be32(out + 4, DISK_BLOCK);
    return 8;
}

uint32_t disk_capacity_16(const struct disk *d, uint8_t *out)
{
    enum {
        LEN = 32
    };

    memset(out, 0, LEN);
    put_be64(out, d->blocks - 1);
    put_be32(out + 8, DISK_BLOCK);
    return LEN;
}

enum {
    PC_CURRENT = 0,
    PC_CHANGEABLE = 1,
    PC_DEFAULT = 2,
    PC_SAVED = 3
};

static uint32_t mode_caching(uint8_t *out, unsigned pc)
{
    enum {
        LEN = 20
    };

    memset(out, 0, LEN);
    out[0] = 0x08;
    out[1] = LEN - 2;
    if (pc != PC_CHANGEABLE)
        out[2] = 0x04; /* WCE: data is safe after SYNCHRONIZE CACHE or FUA, not before */
    return LEN;
}

static uint32_t mode_control(uint8_t *out, unsigned pc)
{
    enum {
        LEN = 12
    };

    memset(out, 0, LEN);
    out[0] = 0x0a;
    out[1] = LEN - 2;
    if (pc != PC_CHANGEABLE)
        out[3] = 0x10; /* QUEUE ALGORITHM MODIFIER: unrestricted reordering */
    return LEN;
}

static uint32_t mode_pages(uint8_t page, uint8_t subpage, unsigned pc, uint8_t *out)
{
    enum {
        ALL_PAGES = 0x3f,
        ALL_SUBPAGES = 0xff
    };
    uint32_t len = 0;

    if (subpage != 0 && subpage != ALL_SUBPAGES)
        return 0;
    if (page == 0x08 || page == ALL_PAGES)
        len += mode_caching(out + len, pc);
    if (page == 0x0a || page == ALL_PAGES)
        len += mode_control(out + len, pc);
    return len;
}

/* One block descriptor: short or, with LLBAA, long (SBC-4). */
static uint32_t mode_block_descriptor(const struct disk *d, bool long_form, uint8_t *out)
{
    if (long_form) {
        memset(out, 0, 16);
        put_be64(out, d->blocks);
        put_be32(out + 12, DISK_BLOCK);
        return 16;
    }
    put_be32(out, d->blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)d->blocks);
    put_be32(out + 4, DISK_BLOCK); /* 24 bits, below a reserved byte of 0 */
    return 8;
}

uint32_t disk_mode_sense(const struct disk *d, const uint8_t *cdb, uint8_t *out, struct scsi_sense *refuse)
{
    bool ten = cdb[0] == 0x5a, long_form = ten && (cdb[1] & 0x10), descriptor = !(cdb[1] & 0x08);
    uint32_t header = ten ? 8 : 4, len = header, pages, bd = 0;
    unsigned pc = cdb[2] >> 6;
    uint8_t specific = (uint8_t)((d->readonly ? 0x80 : 0) | 0x10); /* WP, DPOFUA */

    if (pc == PC_SAVED) {
        *refuse = (struct scsi_sense){ 0x05, 0x39, 0x00 };
        return 0;
    }
    memset(out, 0, header);
    if (descriptor)
        bd = mode_block_descriptor(d, long_form, out + len);
    len += bd;
    pages = mode_pages(cdb[2] & 0x3f, cdb[3], pc, out + len);
    if (!pages) {
        *refuse = (struct scsi_sense){ 0x05, 0x24, 0x00 };
        return 0;
    }
    len += pages;
    if (ten) {
        put_be16(out, (uint16_t)(len - 2));
        out[3] = specific;
        out[4] = long_form && bd ? 0x01 : 0; /* LONGLBA */
        put_be16(out + 6, (uint16_t)bd);
    } else {
        out[0] = (uint8_t)(len - 1);
        out[2] = specific;
        out[3] = (uint8_t)bd;
    }
    return len;
}
