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

#define NOT_MMC (SCSI_ALL & ~SCSI_MMC)
#define VALUE(v) (1u << (v))

static const struct {
    uint32_t bit, types;
    struct form makes, ends;
    uint8_t undo[SCSI_LEFT_CDB_MAX], undo_len;
    const char *name;
} rows[] = {
    /* Bit 1 is another meaning on changers (SPC-3), so anything but 0 prevents. */
    { .bit = SCSI_LEFT_PREVENT,
      .types = NOT_MMC,
      .makes = { OP_PREVENT_ALLOW, 4, 0x03, VALUE(1) | VALUE(2) | VALUE(3) },
      .ends = { OP_PREVENT_ALLOW, 4, 0x03, VALUE(0) },
      .undo = { OP_PREVENT_ALLOW },
      .undo_len = 6,
      .name = "PREVENT MEDIUM REMOVAL" },
    { .bit = SCSI_LEFT_PREVENT,
      .types = SCSI_MMC,
      .makes = { OP_PREVENT_ALLOW, 4, 0x03, VALUE(1) },
      .ends = { OP_PREVENT_ALLOW, 4, 0x03, VALUE(0) },
      .undo = { OP_PREVENT_ALLOW },
      .undo_len = 6,
      .name = "PREVENT MEDIUM REMOVAL" },
    { .bit = SCSI_LEFT_PREVENT_PERSISTENT,
      .types = SCSI_MMC,
      .makes = { OP_PREVENT_ALLOW, 4, 0x03, VALUE(3) },
      .ends = { OP_PREVENT_ALLOW, 4, 0x03, VALUE(2) },
      .undo = { OP_PREVENT_ALLOW, 0, 0, 0, 0x02 },
      .undo_len = 6,
      .name = "persistent PREVENT MEDIUM REMOVAL" },
    /* The release of an element, an extent or a third party's reservation leaves the rest (SPC-2 7.16, 7.17, SMC-3). */
    { .bit = SCSI_LEFT_RESERVE_6,
      .types = SCSI_ALL,
      .makes = { OP_RESERVE_6, 0, 0, VALUE(0) },
      .ends = { OP_RELEASE_6, 1, 0x1f, VALUE(0) },
      .undo = { OP_RELEASE_6 },
      .undo_len = 6,
      .name = "RESERVE(6)" },
    { .bit = SCSI_LEFT_RESERVE_10,
      .types = SCSI_ALL,
      .makes = { OP_RESERVE_10, 0, 0, VALUE(0) },
      .ends = { OP_RELEASE_10, 1, 0x1f, VALUE(0) },
      .undo = { OP_RELEASE_10 },
      .undo_len = 10,
      .name = "RESERVE(10)" },
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
        return rows[i].undo_len;
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
