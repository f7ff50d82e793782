// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * READ and WRITE in pieces; see split.h. Pure arithmetic on CDBs. Commands that must be one command are never cut:
 * WRITE ATOMIC, COMPARE AND WRITE, anything with protection information.
 */
#include "config.h"

#include <string.h>

#include "scsi/bytes.h"
#include "scsi/opcodes.h"
#include "scsi/sense.h"
#include "scsi/split.h"

/* SBC-4 and MMC-6, the READ and WRITE commands: where the fields are. */
enum {
    FORM_6,
    FORM_10,
    FORM_12,
    FORM_16,
    FORM_CD, /* READ CD */
    N_FORMS
};
struct form {
    uint8_t cdb_len;
    uint8_t lba_at, lba_size; /* bytes */
    uint8_t count_at, count_size;
    uint8_t group_at; /* GROUP NUMBER; 0: the form has none */
    bool disk, optical;
};
static const struct form forms[] = {
    [FORM_6] = { .cdb_len = 6, .lba_at = 1, .lba_size = 3, .count_at = 4, .count_size = 1, .disk = true },
    [FORM_10] = { .cdb_len = 10,
                  .lba_at = 2,
                  .lba_size = 4,
                  .count_at = 7,
                  .count_size = 2,
                  .group_at = 6,
                  .disk = true,
                  .optical = true },
    [FORM_12] = { .cdb_len = 12,
                  .lba_at = 2,
                  .lba_size = 4,
                  .count_at = 6,
                  .count_size = 4,
                  .group_at = 10,
                  .disk = true,
                  .optical = true },
    [FORM_16] = { .cdb_len = 16,
                  .lba_at = 2,
                  .lba_size = 8,
                  .count_at = 10,
                  .count_size = 4,
                  .group_at = 14,
                  .disk = true },
    [FORM_CD] = { .cdb_len = 12, .lba_at = 2, .lba_size = 4, .count_at = 6, .count_size = 3, .optical = true },
};

enum {
    LBA_6_MAX = 0x1fffff, /* 21 bits; the upper three of byte 1 are reserved */
    COUNT_6_ZERO = 256,   /* what 0 means in READ(6) and WRITE(6) */
    PROTECT_MASK = 0xe0,  /* RDPROTECT, WRPROTECT in byte 1 of the longer forms */
    DPO_FUA_MASK = 0x18,  /* in byte 1 of the longer forms */
    GROUP_MASK = 0x3f,
    /* A device with 4096-byte physical blocks must read what a smaller piece does not write. */
    PIECE_ALIGN = 4096,
};

static const struct {
    uint8_t read, write;
} opcodes[N_FORMS] = {
    [FORM_6] = { OP_READ_6, OP_WRITE_6 },    [FORM_10] = { OP_READ_10, OP_WRITE_10 },
    [FORM_12] = { OP_READ_12, OP_WRITE_12 }, [FORM_16] = { OP_READ_16, OP_WRITE_16 },
    [FORM_CD] = { OP_READ_CD, OP_READ_CD },
};

/* N_FORMS: not one of these commands. */
static unsigned form_of(uint8_t opcode)
{
    unsigned i = 0;

    while (i < N_FORMS && opcode != opcodes[i].read && opcode != opcodes[i].write)
        i++;
    return i;
}

static uint64_t lba_max(unsigned form)
{
    if (form == FORM_6)
        return LBA_6_MAX;
    return form == FORM_16 ? UINT64_MAX : UINT32_MAX;
}

/*
 * MMC-6, READ CD: the bytes of one sector, where the CDB alone says them; 0: the sectors themselves do, or it is no
 * form that programs use. With another size than the drive's, the data of a piece would not follow that of the one
 * before.
 */
static uint32_t cd_sector_size(const uint8_t *cdb)
{
    enum {
        CD_DA = 1,
        MODE_1 = 2,
        MODE_2_FORM_1 = 4
    };
    enum {
        WHOLE = 0xf8,
        USER_DATA = 0x10
    };
    static const uint16_t c2[4] = { 0, 294, 296, 0 }, subchannel[8] = { 0, 96, 16, 0, 96, 0, 0, 0 };
    uint8_t type = cdb[1] >> 2 & 7, main = cdb[9] & WHOLE, errors = cdb[9] >> 1 & 3, sub = cdb[10] & 7;
    uint32_t size = 0;

    if (main == WHOLE || (main == USER_DATA && type == CD_DA))
        size = 2352; /* whatever the sector is */
    else if (main == USER_DATA && (type == MODE_1 || type == MODE_2_FORM_1))
        size = 2048;
    if (!size || (errors && !c2[errors]) || (sub && !subchannel[sub]))
        return 0;
    return size + c2[errors] + subchannel[sub];
}

static uint32_t piece_blocks(uint32_t piece_max, uint32_t block_size)
{
    if (piece_max >= PIECE_ALIGN && PIECE_ALIGN % block_size == 0)
        piece_max -= piece_max % PIECE_ALIGN;
    return piece_max / block_size;
}

bool scsi_split_begin(struct scsi_split *s, uint8_t type, uint32_t block_size, const uint8_t cdb[SCSI_CDB_MAX],
                      uint8_t cdb_len, uint32_t data_len, uint32_t piece_max)
{
    unsigned form = form_of(cdb[0]);
    const struct form *f = &forms[form];
    uint32_t blocks;
    uint64_t lba;

    if (form == N_FORMS || cdb_len < f->cdb_len)
        return false;
    if (!(scsi_is_disk(type) && f->disk) && !(scsi_is_optical_drive(type) && f->optical))
        return false;
    if (form == FORM_CD)
        block_size = cd_sector_size(cdb);
    if (form == FORM_CD && !block_size)
        return false;
    if (form != FORM_6 && scsi_is_disk(type) && (cdb[1] & PROTECT_MASK))
        return false;
    blocks = (uint32_t)get_be(cdb + f->count_at, f->count_size);
    lba = get_be(cdb + f->lba_at, f->lba_size);
    if (form == FORM_6) {
        lba &= LBA_6_MAX;
        blocks = blocks ? blocks : COUNT_6_ZERO;
    }
    if (!blocks || data_len % blocks || (block_size && data_len / blocks != block_size))
        return false;
    block_size = data_len / blocks;
    if (!block_size || !piece_blocks(piece_max, block_size))
        return false;
    /* An optical drive has no READ(16) for what lies beyond 32 bits. */
    if (lba > (scsi_is_disk(type) ? UINT64_MAX : UINT32_MAX) - (blocks - 1))
        return false;
    *s = (struct scsi_split){
        .lba = lba,
        .blocks = blocks,
        .block_size = block_size,
        .piece_blocks = piece_blocks(piece_max, block_size),
    };
    memcpy(s->cdb, cdb, f->cdb_len);
    return true;
}

/* The guest's flags in the fields of a longer form. */
static void copy_flags(const struct scsi_split *s, unsigned from, unsigned to, uint8_t *cdb)
{
    const struct form *old = &forms[from], *new = &forms[to];

    if (from != FORM_6)
        cdb[1] = s->cdb[1] & DPO_FUA_MASK;
    if (old->group_at)
        cdb[new->group_at] = s->cdb[old->group_at] & GROUP_MASK;
    cdb[new->cdb_len - 1] = s->cdb[old->cdb_len - 1]; /* CONTROL */
}

static uint32_t next_blocks(const struct scsi_split *s)
{
    return min_u32(s->piece_blocks, s->blocks - s->done);
}

void scsi_split_piece(const struct scsi_split *s, struct scsi_piece *piece)
{
    unsigned guest = form_of(s->cdb[0]), form = guest;
    uint64_t lba = s->lba + s->done;
    uint32_t blocks = next_blocks(s);
    const struct form *f;

    *piece = (struct scsi_piece){ .offset = s->done * s->block_size, .len = blocks * s->block_size };
    if (form == FORM_6 && lba > LBA_6_MAX)
        form = FORM_10;
    else if (lba > lba_max(form))
        form = FORM_16;
    f = &forms[form];
    piece->cdb_len = f->cdb_len;
    if (form == guest) {
        memcpy(piece->cdb, s->cdb, f->cdb_len);
    } else {
        piece->cdb[0] = s->cdb[0] == opcodes[guest].write ? opcodes[form].write : opcodes[form].read;
        copy_flags(s, guest, form, piece->cdb);
    }
    if (form == FORM_6) /* the upper three bits of byte 1 stay as they are */
        lba |= (uint64_t)(s->cdb[1] & PROTECT_MASK) << 16;
    put_be(piece->cdb + f->lba_at, f->lba_size, lba);
    put_be(piece->cdb + f->count_at, f->count_size, blocks); /* 256 in READ(6): 0 */
}

static bool is_complete(const struct scsi_answer *answer)
{
    struct scsi_sense_data sense;

    if (answer->host != SCSI_HOST_OK || answer->residual)
        return false;
    if (answer->status == SCSI_GOOD)
        return true;
    return answer->status == SCSI_CHECK_CONDITION && scsi_sense_parse(answer->sense, answer->sense_len, &sense)
           && !sense.deferred && sense.key == SPC_SK_RECOVERED_ERROR;
}

bool scsi_split_end_piece(struct scsi_split *s, const struct scsi_answer *answer, struct scsi_answer *whole)
{
    uint32_t blocks = next_blocks(s), len = blocks * s->block_size;
    uint32_t moved = len - min_u32(answer->residual, len);

    if (!is_complete(answer)) {
        *whole = *answer;
        whole->residual = s->blocks * s->block_size - (s->done * s->block_size + moved);
        return true;
    }
    if (answer->sense_len) {
        s->noted_status = answer->status;
        s->noted_len = answer->sense_len;
        memcpy(s->noted, answer->sense, sizeof(s->noted));
    }
    s->done += blocks;
    if (s->done < s->blocks)
        return false;
    scsi_answer_status(whole, s->noted_status, SCSI_HOST_OK, 0);
    whole->sense_len = s->noted_len;
    memcpy(whole->sense, s->noted, sizeof(whole->sense));
    return true;
}
