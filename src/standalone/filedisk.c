// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk over a file, for standalone mode and tests, where there is no SCSI device. It is never offered to a real
 * guest. It is synchronous and has 512-byte blocks. Every error gets the sense that SBC names.
 *
 * The surprising choice: if the data buffer is smaller than the transfer of the CDB, the whole blocks that fit are
 * transferred and the command succeeds. The residual counts from the size of the buffer.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scsi/bytes.h"
#include "scsi/opcodes.h"
#include "standalone/filedisk.h"

static const struct scsi_sense INVALID_OPCODE = { 0x05, 0x20, 0x00 };
static const struct scsi_sense LBA_OUT_OF_RANGE = { 0x05, 0x21, 0x00 };
static const struct scsi_sense INVALID_FIELD = { 0x05, 0x24, 0x00 };
static const struct scsi_sense WRITE_PROTECTED = { 0x07, 0x27, 0x00 };
static const struct scsi_sense SPACE_ALLOCATION_FAILED = { 0x07, 0x27, 0x07 };
static const struct scsi_sense READ_ERROR = { 0x03, 0x11, 0x00 };
static const struct scsi_sense WRITE_ERROR = { 0x03, 0x0c, 0x00 };
static const struct scsi_sense MISCOMPARE = { 0x0e, 0x1d, 0x00 };

/* One command on its way. */
struct disk_op {
    struct filedisk *d;
    const uint8_t *cdb;
    uint8_t *buf;
    uint32_t in_room; /* bytes of buf that data-in may fill */
    uint32_t out_len; /* bytes of data-out in buf */
    uint32_t data_len;
    struct scsi_answer *a;
};

/* A name of up to 16 characters is the serial number; of a longer one (a path) 64 bits of it are (FNV-1a). */
static void set_serial(struct filedisk *d, const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    if (strlen(name) < sizeof(d->disk.serial)) {
        memcpy(d->disk.serial, name, strlen(name) + 1);
        return;
    }
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    snprintf(d->disk.serial, sizeof(d->disk.serial), "%016" PRIX64, h);
}

int filedisk_init(struct filedisk *d, int fd, bool readonly, const char *serial)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size % DISK_BLOCK)
        return -EINVAL;
    memset(d, 0, sizeof(*d));
    d->fd = fd;
    d->disk.blocks = (uint64_t)st.st_size / DISK_BLOCK;
    d->disk.readonly = readonly;
    set_serial(d, serial);
    return 0;
}

static uint32_t fail(struct disk_op *op, struct scsi_sense s)
{
    scsi_answer_sense(op->a, s, SCSI_HOST_OK, op->data_len);
    return 0;
}

/* With the block that failed in the INFORMATION field, where it has room (SPC-5, fixed format). */
static uint32_t fail_at(struct disk_op *op, struct scsi_sense s, uint64_t lba)
{
    fail(op, s);
    if (lba <= UINT32_MAX) {
        op->a->sense[0] |= 0x80;
        put_be32(op->a->sense + 3, (uint32_t)lba);
    }
    return 0;
}

/* GOOD, with moved bytes of data in either direction. */
static uint32_t done(struct disk_op *op, uint32_t moved)
{
    scsi_answer_status(op->a, SCSI_GOOD, SCSI_HOST_OK, op->data_len - moved);
    return moved;
}

static uint32_t give(struct disk_op *op, const uint8_t *page, uint32_t len, uint32_t alloc)
{
    len = min_u32(min_u32(len, alloc), op->in_room);
    if (len)
        memcpy(op->buf, page, len);
    return done(op, len);
}

/* All of it, or the errno (EIO where the file ends early); *moved says how far it came. */
static int read_at(int fd, uint8_t *buf, uint32_t len, uint64_t at, uint32_t *moved)
{
    for (*moved = 0; *moved < len;) {
        ssize_t n = pread(fd, buf + *moved, len - *moved, (off_t)(at + *moved));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        *moved += (uint32_t)n;
    }
    return 0;
}

static int write_at(int fd, const uint8_t *buf, uint32_t len, uint64_t at, uint32_t *moved)
{
    for (*moved = 0; *moved < len;) {
        ssize_t n = pwrite(fd, buf + *moved, len - *moved, (off_t)(at + *moved));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        *moved += (uint32_t)n;
    }
    return 0;
}

static struct scsi_sense write_sense(int err)
{
    switch (err) {
    case EBADF:
    case EPERM:
    case EACCES:
    case EROFS:
        return WRITE_PROTECTED;
    case ENOSPC:
    case EDQUOT:
        return SPACE_ALLOCATION_FAILED;
    default:
        return WRITE_ERROR;
    }
}

/* Waits until what was written is on the medium. */
static uint32_t flush(struct disk_op *op, uint32_t moved)
{
    int err;

    do {
        err = fdatasync(op->d->fd) < 0 ? errno : 0;
    } while (err == EINTR);
    return err ? fail(op, WRITE_ERROR) : done(op, moved);
}

/* LBA and number of blocks of the 6, 10 and 16 byte forms. */
static void block_range(const uint8_t *cdb, uint64_t *lba, uint32_t *blocks)
{
    switch (scsi_cdb_group_len(cdb[0])) {
    case 6:
        *lba = get_be24(cdb + 1) & 0x1fffff;
        *blocks = cdb[4] ? cdb[4] : 256;
        break;
    case 10:
        *lba = get_be32(cdb + 2);
        *blocks = get_be16(cdb + 7);
        break;
    default:
        *lba = get_be64(cdb + 2);
        *blocks = get_be32(cdb + 10);
        break;
    }
}

/* A range of the medium named by a CDB, checked; false when the command has been answered. */
static bool get_range(struct disk_op *op, uint64_t *lba, uint32_t *blocks, uint32_t most)
{
    block_range(op->cdb, lba, blocks);
    if (*lba >= op->d->disk.blocks || *blocks > op->d->disk.blocks - *lba) {
        fail(op, LBA_OUT_OF_RANGE);
        return false;
    }
    if (*blocks > most) {
        fail(op, INVALID_FIELD);
        return false;
    }
    return true;
}

/* RDPROTECT and its like: only 000b, without protection information on the medium. */
static bool has_protect(const uint8_t *cdb)
{
    return scsi_cdb_group_len(cdb[0]) != 6 && (cdb[1] & 0xe0);
}
static bool has_fua(const uint8_t *cdb)
{
    return scsi_cdb_group_len(cdb[0]) != 6 && (cdb[1] & 0x08);
}

static uint32_t op_read(struct disk_op *op)
{
    uint32_t blocks, len, moved;
    uint64_t lba;

    if (has_protect(op->cdb))
        return fail(op, INVALID_FIELD);
    if (!get_range(op, &lba, &blocks, DISK_MAX_BLOCKS))
        return 0;
    len = min_u32(blocks, op->in_room / DISK_BLOCK) * DISK_BLOCK;
    if (read_at(op->d->fd, op->buf, len, lba * DISK_BLOCK, &moved))
        return fail_at(op, READ_ERROR, lba + moved / DISK_BLOCK);
    return done(op, len);
}

static uint32_t op_write(struct disk_op *op)
{
    uint32_t blocks, len, moved;
    uint64_t lba;
    int err;

    if (has_protect(op->cdb))
        return fail(op, INVALID_FIELD);
    if (!get_range(op, &lba, &blocks, DISK_MAX_BLOCKS))
        return 0;
    if (op->d->disk.readonly)
        return fail(op, WRITE_PROTECTED);
    len = min_u32(blocks, op->out_len / DISK_BLOCK) * DISK_BLOCK;
    err = write_at(op->d->fd, op->buf, len, lba * DISK_BLOCK, &moved);
    if (err)
        return fail_at(op, write_sense(err), lba + moved / DISK_BLOCK);
    return has_fua(op->cdb) ? flush(op, len) : done(op, len);
}

/* BYTCHK 00b reads the blocks, 01b compares them with data-out; the others are not for us. */
static uint32_t op_verify(struct disk_op *op)
{
    uint8_t medium[8 * DISK_BLOCK];
    uint32_t blocks, len, moved = 0, n;
    bool compare = op->cdb[1] & 0x02;
    uint64_t lba;

    if (has_protect(op->cdb) || (op->cdb[1] & 0x04))
        return fail(op, INVALID_FIELD);
    if (!get_range(op, &lba, &blocks, DISK_MAX_BLOCKS))
        return 0;
    len = (compare ? min_u32(blocks, op->out_len / DISK_BLOCK) : blocks) * DISK_BLOCK;
    for (uint32_t at = 0; at < len; at += n) {
        n = min_u32(len - at, sizeof(medium));
        if (read_at(op->d->fd, medium, n, lba * DISK_BLOCK + at, &moved))
            return fail_at(op, READ_ERROR, lba + (at + moved) / DISK_BLOCK);
        if (!compare)
            continue;
        for (uint32_t b = 0; b < n; b += DISK_BLOCK) {
            if (memcmp(medium + b, op->buf + at + b, DISK_BLOCK) != 0)
                return fail_at(op, MISCOMPARE, lba + (at + b) / DISK_BLOCK);
        }
    }
    return done(op, compare ? len : 0);
}

static uint32_t op_synchronize_cache(struct disk_op *op)
{
    uint32_t blocks;
    uint64_t lba;

    if (!get_range(op, &lba, &blocks, UINT32_MAX)) /* 0 blocks: to the end of the medium */
        return 0;
    return flush(op, 0);
}

static uint32_t op_nothing(struct disk_op *op)
{
    return done(op, 0);
}

static uint32_t op_request_sense(struct disk_op *op)
{
    static const uint8_t fixed[18] = { [0] = 0x70, [7] = 10 }, descriptor[8] = { [0] = 0x72 };

    if (op->cdb[1] & 1)
        return give(op, descriptor, sizeof(descriptor), op->cdb[4]);
    return give(op, fixed, sizeof(fixed), op->cdb[4]);
}

static uint32_t op_inquiry(struct disk_op *op)
{
    uint8_t page[DISK_PAGE_MAX];
    uint32_t len = disk_inquiry(&op->d->disk, op->cdb, page);

    if (!len)
        return fail(op, INVALID_FIELD);
    return give(op, page, len, get_be16(op->cdb + 3));
}

static uint32_t op_mode_sense(struct disk_op *op)
{
    uint8_t page[DISK_PAGE_MAX];
    struct scsi_sense refuse;
    uint32_t len = disk_mode_sense(&op->d->disk, op->cdb, page, &refuse);

    if (!len)
        return fail(op, refuse);
    return give(op, page, len, op->cdb[0] == 0x5a ? get_be16(op->cdb + 7) : op->cdb[4]);
}

static uint32_t op_capacity_10(struct disk_op *op)
{
    uint8_t page[DISK_PAGE_MAX];

    /* Without PMI the address has to be 0 (SBC-2; both are obsolete since). */
    if (!(op->cdb[8] & 1) && get_be32(op->cdb + 2))
        return fail(op, INVALID_FIELD);
    return give(op, page, disk_capacity_10(&op->d->disk, page), UINT32_MAX);
}

static uint32_t op_capacity_16(struct disk_op *op)
{
    uint8_t page[DISK_PAGE_MAX];

    if ((op->cdb[1] & 0x1f) != 0x10)
        return fail(op, INVALID_FIELD);
    return give(op, page, disk_capacity_16(&op->d->disk, page), get_be32(op->cdb + 10));
}

static uint32_t (*const handlers[256])(struct disk_op *op) = {
    [0x00] = op_nothing, /* TEST UNIT READY */
    [0x03] = op_request_sense, [0x08] = op_read, [0x0a] = op_write, [0x12] = op_inquiry, [0x1a] = op_mode_sense,
    [0x1b] = op_nothing, /* START STOP UNIT: always started */
    [0x25] = op_capacity_10,   [0x28] = op_read, [0x2a] = op_write, [0x2f] = op_verify,  [0x35] = op_synchronize_cache,
    [0x5a] = op_mode_sense,    [0x88] = op_read, [0x8a] = op_write, [0x8f] = op_verify,  [0x91] = op_synchronize_cache,
    [0x9e] = op_capacity_16,
};

uint32_t filedisk_execute(struct filedisk *d, const uint8_t cdb[SCSI_CDB_MAX], uint8_t cdb_len, enum scsi_direction dir,
                          uint8_t *buf, uint32_t data_len, struct scsi_answer *a)
{
    struct disk_op op = {
        .d = d,
        .cdb = cdb,
        .buf = buf,
        .data_len = data_len,
        .a = a,
        .in_room = dir == SCSI_DIR_IN ? data_len : 0,
        .out_len = dir == SCSI_DIR_OUT ? data_len : 0,
    };
    uint8_t need = scsi_cdb_group_len(cdb[0]);
    uint32_t moved;

    if (!cdb_len || !handlers[cdb[0]])
        return fail(&op, INVALID_OPCODE);
    /* A device without ACA refuses NACA in the CONTROL byte (SAM-5). */
    if (cdb_len < need || cdb_len > SCSI_CDB_MAX || (cdb[need - 1] & 0x04))
        return fail(&op, INVALID_FIELD);
    moved = handlers[cdb[0]](&op);
    return dir == SCSI_DIR_IN ? moved : 0;
}
