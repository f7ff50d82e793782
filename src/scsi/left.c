// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest leaves in a device; see left.h. */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "scsi/left.h"
#include "scsi/opcodes.h"
#include "scsi/types.h"

/* The field of a CDB that decides, and a bit set of its values: bit v is value v. */
struct form {
    uint8_t opcode, at, mask;
    uint8_t values;
};

#define VALUE(v) (1u << (v))

/* PREVENT ALLOW MEDIUM REMOVAL with a value of from prevents, with the value to it allows again. */
#define PREVENT(from, to) \
    .makes = { OP_PREVENT_ALLOW, 4, 0x03, from }, .ends = { OP_PREVENT_ALLOW, 4, 0x03, VALUE(to) }, \
    .undo = { OP_PREVENT_ALLOW, [4] = (to) }
/* The release of an element, an extent or a third party's reservation leaves the rest (SPC-2 7.16, 7.17, SMC-3). */
#define RESERVE(n) \
    .makes = { OP_RESERVE_##n, 0, 0, VALUE(0) }, .ends = { OP_RELEASE_##n, 1, 0x1f, VALUE(0) }, \
    .undo = { OP_RELEASE_##n }

static const struct {
    uint32_t bit, types;
    struct form makes, ends;
    uint8_t undo[SCSI_LEFT_CDB_MAX];
    const char *name;
} rows[] = {
    /* Bit 1 has another meaning on changers (SPC-3), so anything but 0 prevents. */
    { SCSI_LEFT_PREVENT, SCSI_ALL & ~SCSI_MMC, PREVENT(VALUE(1) | VALUE(2) | VALUE(3), 0),
      .name = "PREVENT MEDIUM REMOVAL" },
    { SCSI_LEFT_PREVENT, SCSI_MMC, PREVENT(VALUE(1), 0), .name = "PREVENT MEDIUM REMOVAL" },
    { SCSI_LEFT_PREVENT_PERSISTENT, SCSI_MMC, PREVENT(VALUE(3), 2), .name = "persistent PREVENT MEDIUM REMOVAL" },
    { SCSI_LEFT_RESERVE_6, SCSI_ALL, RESERVE(6), .name = "RESERVE(6)" },
    { SCSI_LEFT_RESERVE_10, SCSI_ALL, RESERVE(10), .name = "RESERVE(10)" },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_form(const struct form *f, const uint8_t *cdb)
{
    unsigned value = cdb[f->at] & f->mask;

    return cdb[0] == f->opcode && value < 8 && (f->values >> value & 1);
}

uint32_t scsi_left_sent(uint32_t left, uint8_t type, const uint8_t *cdb)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (scsi_type_in(type, rows[i].types) && is_form(&rows[i].makes, cdb))
            left |= rows[i].bit;
    return left;
}

uint32_t scsi_left_done(uint32_t left, uint8_t type, const uint8_t *cdb)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (scsi_type_in(type, rows[i].types) && is_form(&rows[i].ends, cdb))
            left &= ~rows[i].bit;
    return left;
}

unsigned scsi_left_undo(uint32_t *left, uint8_t cdb[SCSI_LEFT_CDB_MAX])
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (!(*left & rows[i].bit))
            continue;
        *left &= ~rows[i].bit;
        memcpy(cdb, rows[i].undo, SCSI_LEFT_CDB_MAX);
        return scsi_cdb_group_len(cdb[0]);
    }
    *left = 0;
    return 0;
}

const char *scsi_left_name(uint32_t left)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (left & rows[i].bit)
            return rows[i].name;
    return "nothing";
}
