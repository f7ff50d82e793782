// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything of src/scsi that a guest or a device can feed: the decision, the map of an outcome, the patched pages,
 * pieces of a command, REPORT LUNS, absent LUNs; and the emulated disk over a memfd.
 *
 * Every answer is checked for what must hold whatever the input is. Built with libFuzzer, and without it as a
 * program that replays files.
 *
 * Input: 16 bytes of CDB, 1 of CDB length, 1 of direction, 1 of type, 1 of flags, 2 of data length, 2 of
 * limit (in units of 64 bytes), 2 of block size, 1 of status, 1 of host, 4 of residual, 1 of errno, 1 of sense length;
 * then data (sense, pages, LUN numbers).
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scsi/split.h"
#include "standalone/filedisk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    HEADER = 34,
    DISK_SIZE = 64 * 512,
    DATA_MAX = 65535
};

#define MUST(cond) \
    do { \
        if (!(cond)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort(); \
        } \
    } while (0)

struct input {
    uint8_t cdb[SCSI_CDB_MAX];
    uint8_t cdb_len, type, flags;
    enum scsi_direction dir;
    uint32_t data_len, limit, block_size;
    struct scsi_outcome outcome;
    const uint8_t *more;
    uint32_t more_len;
};

static uint32_t le(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;

    while (n-- > 0)
        v = v << 8 | p[n];
    return v;
}

static void parse(const uint8_t *d, size_t size, struct input *in)
{
    memcpy(in->cdb, d, SCSI_CDB_MAX);
    in->cdb_len = d[16];
    in->dir = (enum scsi_direction)(d[17] & 7);
    in->type = d[18];
    in->flags = d[19];
    in->data_len = le(d + 20, 2);
    in->limit = le(d + 22, 2) * 64;
    in->block_size = le(d + 24, 2);
    in->outcome = (struct scsi_outcome){
        .status = d[26],
        .host = d[27],
        .resid = (int32_t)le(d + 28, 4),
        .os_error = d[32],
        .sense_len = d[33],
    };
    in->more = d + HEADER;
    in->more_len = size - HEADER < DATA_MAX ? (uint32_t)(size - HEADER) : DATA_MAX;
}

/* Exactly len bytes on the heap, so that one too far is seen; the input's own bytes first, then a pattern. */
static uint8_t *buffer(const struct input *in, uint32_t len)
{
    uint8_t *b = malloc(len ? len : 1);

    MUST(b != NULL);
    memset(b, 0xa5, len ? len : 1);
    if (in->more_len)
        memcpy(b, in->more, len < in->more_len ? len : in->more_len);
    return b;
}

static void check_answer(const struct scsi_answer *a, uint32_t data_len, uint32_t moved)
{
    MUST(a->residual <= data_len);
    MUST(moved <= data_len - a->residual);
    MUST(a->sense_len <= SCSI_SENSE_MAX);
    MUST(a->host == 0 || a->status != 0);
}

static struct scsi_lun_facts facts(const struct input *in)
{
    return (struct scsi_lun_facts){
        .type = in->type,
        .feature_host = in->flags & 1,
        .readonly = in->flags & 2,
        .shared = in->flags & 4,
        .pr_forced = in->flags & 8,
        .pr_move = in->flags & 16,
        .pr = (enum scsi_pr)(in->flags >> 6),
        .max_transfer = in->limit,
        .block_size = in->block_size,
    };
}

/* Opcodes that a guest that may only read gives to no type of device: writes, parameters, vendors' own. */
static bool changes(uint8_t opcode)
{
    static const uint8_t list[] = {
        0x04, 0x0a, 0x10, 0x15, 0x19, 0x2a, 0x2c, 0x2e, 0x3b, 0x3f, 0x41, 0x48, 0x4c, 0x55, 0x5b, 0x5f, 0x7f, 0x80,
        0x83, 0x89, 0x8a, 0x8b, 0x8d, 0x8e, 0x93, 0x94, 0x9c, 0x9f, 0xa1, 0xa5, 0xa6, 0xaa, 0xae, 0xc1, 0xff,
    };

    return memchr(list, opcode, sizeof(list)) != NULL;
}

static void check_readonly(const struct input *in, const struct scsi_decision *d)
{
    enum {
        DISKS_AND_TAPE = 0x00104093
    }; /* bit n is type n: 0, 1, 4, 7, 0Eh, 14h */
    uint8_t op = in->cdb[0];

    MUST(d->route == SCSI_REFUSED || !changes(op));
    MUST(d->route == SCSI_REFUSED || op != 0x42 || in->type == 0x05);
    if (d->route == SCSI_TO_DEVICE && (op == 0x1a || op == 0x5a) && in->data_len > 0)
        MUST(d->filter_in == (in->type < 32 && (DISKS_AND_TAPE >> in->type & 1)));
}

/* Opcodes that a guest without feature-host gives to no type of device: firmware, other LUNs, keys, vendors' own. */
static bool reaches_further(uint8_t opcode)
{
    static const uint8_t list[] = { 0x36, 0x3b, 0x3c, 0x3e, 0x3f, 0x48, 0x4c, 0x86, 0x87, 0x9b, 0x9f };

    return memchr(list, opcode, sizeof(list)) != NULL || opcode >= 0xc0;
}

static void check_policy(const struct scsi_lun_facts *f, const struct input *in, const struct scsi_decision *d)
{
    uint8_t op = in->cdb[0];

    MUST(d->route == SCSI_REFUSED || !scsi_is_third_party_copy(op));
    MUST(d->route == SCSI_REFUSED || f->feature_host || !reaches_further(op));
    MUST(!d->by_policy || d->route == SCSI_REFUSED);
    MUST(!d->check_out || op == 0x15 || op == 0x55);
}

static void fuzz_device(const struct input *in)
{
    struct scsi_lun_facts f = facts(in);
    struct scsi_decision d;
    struct scsi_answer a;
    struct scsi_outcome o = in->outcome;
    struct scsi_split split;
    struct scsi_fetch fetch;
    uint8_t *sense = buffer(in, o.sense_len), *data = buffer(in, in->data_len);
    uint32_t n;

    scsi_decide(&f, in->cdb, in->cdb_len, in->dir, in->data_len, &d);
    MUST(d.route <= SCSI_REFUSED);
    MUST((d.route == SCSI_REFUSED) == (d.sense.key != 0));
    MUST(d.timeout_s >= d.min_timeout_s && d.min_timeout_s > 0);
    MUST(scsi_timeout_ms(&d, (uint16_t)in->data_len) >= d.min_timeout_s * 1000);
    /* More than the device takes is for commands in pieces only, which fuzz_split() carries out, or goes nowhere. */
    MUST(d.route == SCSI_REFUSED || d.no_data || in->data_len <= f.max_transfer
         || scsi_split_begin(&split, in->type, f.block_size, in->cdb, in->cdb_len, in->data_len, f.max_transfer));
    MUST(f.readonly || d.sense.key != 0x07);
    if (f.readonly)
        check_readonly(in, &d);
    check_policy(&f, in, &d);
    if (in->cdb[0] == 0x15 || in->cdb[0] == 0x55) {
        struct scsi_sense refuse;

        scsi_check_parameters(&f, in->cdb, data, in->data_len, &refuse);
    }

    o.sense = sense;
    n = scsi_map_outcome(&o, in->type, in->dir, in->data_len, &a);
    check_answer(&a, in->data_len, n);
    MUST(scsi_answer_is_safe(&a));
    MUST(scsi_kind_of(&o, &a) < SCSI_KINDS);
    MUST(in->dir == SCSI_DIR_IN || n == 0);
    fetch = scsi_filter_fetch(&f, in->cdb, in->data_len);
    MUST(fetch.give <= in->data_len && fetch.cdb[0] == in->cdb[0]);
    MUST(fetch.len == in->data_len || (fetch.len > fetch.give && fetch.len <= 16384 && fetch.len >= 6));
    /* Whether the decision asked for it or not: the filter must stand any command. */
    if (a.status == SCSI_GOOD) {
        n = scsi_filter_data_in(&f, in->cdb, data, n, in->data_len);
        MUST(n <= in->data_len);
        if (d.filter_in && f.readonly && in->cdb[0] == 0x1a)
            MUST(n <= 2 || (data[2] & 0x80));
        if (d.filter_in && f.readonly && in->cdb[0] == 0x5a)
            MUST(n <= 3 || (data[3] & 0x80));
    } else {
        uint32_t before = n;

        n = scsi_fix_refused(&f, in->cdb, data, in->data_len, &a);
        check_answer(&a, in->data_len, n ? n : before);
    }
    free(data);
    free(sense);
}

/* Pieces cover a prefix of the buffer, one after the other, and each is one that the device takes. */
static void fuzz_split(const struct input *in)
{
    struct scsi_answer whole, piece_answer = { 0 };
    struct scsi_split s;
    struct scsi_piece p;
    uint32_t at = 0, n = 0;

    if (!scsi_split_begin(&s, in->type, in->block_size, in->cdb, in->cdb_len, in->data_len, in->limit))
        return;
    do {
        scsi_split_piece(&s, &p);
        MUST(p.cdb_len <= SCSI_CDB_MAX && p.offset == at && p.len > 0);
        MUST(p.len <= in->limit && p.len <= in->data_len - at);
        at += p.len;
        if (++n == 3 && in->outcome.status)
            scsi_map_outcome(&in->outcome, in->type, SCSI_DIR_IN, p.len, &piece_answer);
    } while (!scsi_split_end_piece(&s, &piece_answer, &whole));
    check_answer(&whole, in->data_len, in->data_len - whole.residual);
    MUST(whole.status != SCSI_GOOD || whole.residual == 0);
}

static void fuzz_luns(const struct input *in)
{
    enum {
        MAX = 64
    };
    uint16_t luns[MAX];
    unsigned n = 0;
    uint8_t *out = buffer(in, in->data_len);
    struct scsi_sense refuse;
    struct scsi_answer a;
    uint32_t len;

    while (n < MAX && 2 * n + 2 <= in->more_len) {
        luns[n] = (uint16_t)le(in->more + 2 * n, 2);
        n++;
    }
    len = scsi_report_luns(in->cdb, luns, n, out, in->data_len, &refuse);
    MUST(len <= in->data_len);
    MUST(refuse.key == 0 || len == 0);
    len = scsi_absent_lun(in->cdb, in->data_len, out, in->data_len, &a);
    check_answer(&a, in->data_len, len);
    free(out);
}

static void fuzz_disk(const struct input *in)
{
    static int fd = -1;
    struct filedisk disk;
    struct scsi_answer a;
    uint8_t *data = buffer(in, in->data_len);
    uint32_t n;

    if (fd < 0)
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    MUST(fd >= 0 && ftruncate(fd, DISK_SIZE) == 0);
    MUST(filedisk_init(&disk, fd, in->flags & 2, "fuzz") == 0);
    if (in->flags & 32)
        MUST(ftruncate(fd, DISK_SIZE / 2 + 7) == 0); /* and the medium is bad */
    n = filedisk_execute(&disk, in->cdb, in->cdb_len, in->dir, data, in->data_len, &a);
    check_answer(&a, in->data_len, n);
    MUST(in->dir == SCSI_DIR_IN || n == 0);
    MUST(a.status == SCSI_GOOD || a.sense_len == 18);
    MUST(lseek(fd, 0, SEEK_END) <= DISK_SIZE);
    free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in;

    if (size < HEADER)
        return 0;
    parse(data, size, &in);
    fuzz_device(&in);
    fuzz_split(&in);
    fuzz_luns(&in);
    fuzz_disk(&in);
    return 0;
}

#include "replay.h"
