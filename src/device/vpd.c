// SPDX-License-Identifier: GPL-2.0-or-later
/* The identifier in a unit's VPD pages; see vpd.h. */
#include "config.h"

#include <inttypes.h>
#include <scsi/sg_lib.h>
#include <stdio.h>
#include <string.h>

#include "device/vpd.h"

/* Designator types and association of SPC-5 table 525 and 526. */
enum {
    DESIGNATOR_T10 = 1,
    DESIGNATOR_EUI64 = 2,
    DESIGNATOR_NAA = 3,
    DESIGNATOR_NAME = 8,
    OF_LOGICAL_UNIT = 0,
};
#define PAGE_HEADER 4
#define DESIGNATOR_HEADER 4

/* The order of designator_prio() in Linux' drivers/scsi/scsi_lib.c. 0: not used. */
static unsigned priority(const uint8_t *d)
{
    static const unsigned naa[16] = { [2] = 4, [3] = 1, [4] = 4, [5] = 5, [6] = 8 };

    if (d[3] == 0)
        return 0;
    switch (d[1] & 0x0f) {
    case DESIGNATOR_NAME:
        return 9;
    case DESIGNATOR_NAA:
        return d[3] == 8 || d[3] == 16 ? naa[d[4] >> 4] : 0;
    case DESIGNATOR_EUI64:
        return d[3] == 16 ? 7 : d[3] == 12 ? 6 : d[3] == 8 ? 3 : 0;
    case DESIGNATOR_T10:
        return 1;
    default:
        return 0;
    }
}

/* Appends text of a device. What cannot be printed becomes '_'. */
static void add_text(char out[UNIT_TEXT_MAX], const uint8_t *text, size_t len)
{
    size_t at = strlen(out);

    for (size_t i = 0; i < len && text[i] && at < UNIT_TEXT_MAX - 1; i++)
        out[at++] = text[i] >= 0x20 && text[i] <= 0x7e ? (char)text[i] : '_';
    while (at > 0 && out[at - 1] == ' ')
        at--;
    out[at] = '\0';
}

static void add_hex(char out[UNIT_TEXT_MAX], const uint8_t *bytes, size_t len)
{
    size_t at = strlen(out);

    for (size_t i = 0; i < len && at + 2 < UNIT_TEXT_MAX; i++, at += 2)
        snprintf(out + at, UNIT_TEXT_MAX - at, "%02x", bytes[i]);
}

static void describe(const uint8_t *d, char out[UNIT_TEXT_MAX])
{
    static const char *const prefix[16] = {
        [DESIGNATOR_T10] = "t10.", [DESIGNATOR_EUI64] = "eui.", [DESIGNATOR_NAA] = "naa.", [DESIGNATOR_NAME] = ""
    };
    unsigned type = d[1] & 0x0f;

    snprintf(out, UNIT_TEXT_MAX, "%s", prefix[type]);
    if (type == DESIGNATOR_T10 || type == DESIGNATOR_NAME)
        add_text(out, d + DESIGNATOR_HEADER, d[3]);
    else
        add_hex(out, d + DESIGNATOR_HEADER, d[3]);
}

/* The bytes of a VPD page that are there and belong to it. 0: it is not this page. */
static size_t page_length(const uint8_t *page, size_t len, uint8_t code)
{
    size_t whole;

    if (len < PAGE_HEADER || page[1] != code)
        return 0;
    whole = PAGE_HEADER + ((size_t)page[2] << 8 | page[3]);
    return whole < len ? whole : len;
}

bool identity_from_page83(const uint8_t *page, size_t len, char out[UNIT_TEXT_MAX])
{
    const uint8_t *best = NULL;
    int off = -1;

    out[0] = '\0';
    len = page_length(page, len, 0x83);
    if (len <= PAGE_HEADER)
        return false;
    while (sg_vpd_dev_id_iter(page + PAGE_HEADER, (int)(len - PAGE_HEADER), &off, OF_LOGICAL_UNIT, -1, -1) == 0) {
        const uint8_t *d = page + PAGE_HEADER + off;

        if (DESIGNATOR_HEADER + (size_t)d[3] > len - PAGE_HEADER - (size_t)off)
            break; /* it is cut */
        unsigned rank = priority(d), best_rank = best ? priority(best) : 0, type = d[1] & 0x0f;
        bool by_length = type == DESIGNATOR_T10 || type == DESIGNATOR_NAME;

        /* Of two equal ones the later one counts, as in the kernel, unless its text is shorter. */
        if (rank > best_rank || (rank && rank == best_rank && (!by_length || d[3] >= best[3])))
            best = d;
    }
    if (best)
        describe(best, out);
    return best && out[0];
}

bool identity_from_page80(const uint8_t *page, size_t len, const char *vendor, const char *product, uint64_t lun,
                          char out[UNIT_TEXT_MAX])
{
    char serial[UNIT_TEXT_MAX] = "", head[UNIT_TEXT_MAX] = "";
    size_t skip = PAGE_HEADER;

    out[0] = '\0';
    len = page_length(page, len, 0x80);
    while (skip < len && page[skip] == ' ')
        skip++;
    if (skip < len)
        add_text(serial, page + skip, len - skip);
    if (serial[0] == '\0')
        return false;
    add_text(head, (const uint8_t *)vendor, strlen(vendor));
    snprintf(out, UNIT_TEXT_MAX, "serial.%.16s.%.32s.%.150s.%" PRIu64, head, product, serial, lun);
    return true;
}
