// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends many commands to an sg node and prints one line for each: what came back, to the last byte. A test runs it on a
 * device in dom0 and on the same device in a guest, and compares the lines.
 *
 * Four lists. "table" makes commands from every row of src/scsi/cdb-table.c that fits the device's type: good and bad
 * fields, no length, short and long allocation lengths, lengths that disagree with the buffer. "blocks" is the same
 * with one length for each row whose length does not count blocks. "opcodes" sends every opcode that the table does
 * not have for that type. Opcodes that follow the node, in hex, are left out of all three.
 * "list" reads commands from standard input, one a line: a length, '<' (data-in), '>' (data-out) or '-', and the CDB
 * in hex; after '>' the buffer is filled with the byte that follows, in hex: "512>a5 2a 00 ...". "<=100" prints no
 * more than the first 100 bytes of the data, for a device that sends what it has in its memory behind a short block.
 *
 * It never compares anything itself, and it destroys what is on the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "scsi/cdb-table.h"
#include "scsi/opcodes.h"

/* 508 KiB: what the largest request of a ring carries. */
#define BUFFER_MAX 520192u
/* Data up to this many bytes is printed, of longer data a hash. */
#define SHOWN_MAX 128u
/* More than an emulated device takes for anything. */
#define TIMEOUT_MS 60000u
/* In the lists of row_with(): the index of a length that is below that of the buffer. */
#define LESS 2u

static uint8_t buffer[BUFFER_MAX];
static int fd;
static uint8_t type;
static uint32_t block = 512;
static bool left_out[256];
static bool one_length; /* where it does not count blocks */

struct answer {
    bool sent;
    int error; /* of ioctl() */
    sg_io_hdr_t hdr;
    uint8_t sense[96];
};

/* direction: '<', '>' or '-'. */
static void send_command(struct answer *a, const uint8_t *cdb, uint8_t cdb_len, char direction, uint32_t len,
                         unsigned timeout_ms)
{
    memset(a, 0, sizeof(*a));
    a->hdr.interface_id = 'S';
    a->hdr.cmdp = (uint8_t *)(uintptr_t)cdb;
    a->hdr.cmd_len = cdb_len;
    a->hdr.dxfer_direction = direction == '<' ? SG_DXFER_FROM_DEV : direction == '>' ? SG_DXFER_TO_DEV : SG_DXFER_NONE;
    a->hdr.dxferp = len ? buffer : NULL;
    a->hdr.dxfer_len = len;
    a->hdr.sbp = a->sense;
    a->hdr.mx_sb_len = sizeof(a->sense);
    a->hdr.timeout = timeout_ms;
    a->error = ioctl(fd, SG_IO, &a->hdr) ? errno : 0;
}

/* most: of the data, no more bytes than this are printed. */
static void print_answer(const struct answer *a, char direction, uint32_t most)
{
    uint32_t moved = a->hdr.dxfer_len - (uint32_t)a->hdr.resid;

    if (a->error) {
        printf(" errno=%d", a->error);
        return;
    }
    printf(" host=%u status=%02x sense=", a->hdr.host_status, a->hdr.status);
    for (unsigned i = 0; i < a->hdr.sb_len_wr; i++)
        printf("%02x", a->sense[i]);
    if (!a->hdr.sb_len_wr)
        putchar('-');
    printf(" resid=%d data=", a->hdr.resid);
    if (moved <= BUFFER_MAX && moved > most)
        moved = most;
    if (direction != '<' || !moved || moved > BUFFER_MAX) {
        putchar('-');
    } else if (moved <= SHOWN_MAX) {
        for (uint32_t i = 0; i < moved; i++)
            printf("%02x", buffer[i]);
    } else {
        /* FNV-1a */
        uint64_t hash = 0xcbf29ce484222325u;

        for (uint32_t i = 0; i < moved; i++)
            hash = (hash ^ buffer[i]) * 0x100000001b3u;
        printf("%u:%016llx", moved, (unsigned long long)hash);
    }
}

/*
 * Can the device be in another state after this command? To ask it costs as much as the command. What was refused
 * (ILLEGAL REQUEST) has done nothing, and what was read has changed nothing.
 */
static bool may_have_changed(const struct answer *a, char direction)
{
    bool descriptors = (a->sense[0] & 0x7f) >= 0x72;
    uint8_t key = a->sense[descriptors ? 1 : 2] & 0xf;

    if (a->error || a->hdr.host_status)
        return true;
    if (a->hdr.status == 0x02)
        return key != 0x05;
    return a->hdr.status || direction != '<';
}

/* Unit attentions that a command left, and a unit that it has stopped, are shown and put right. */
static void settle(void)
{
    static const uint8_t ready[6] = { 0 };
    /* An optical drive that has ejected its disc loads it. */
    const uint8_t start[6] = { 0x1b, 0, 0, 0, scsi_is_optical_drive(type) ? 3 : 1, 0 };
    struct answer a;

    for (unsigned i = 0; i < 8; i++) {
        send_command(&a, ready, sizeof(ready), '-', 0, TIMEOUT_MS);
        if (a.error || !a.hdr.status)
            return;
        printf(" then=%02x/%02x%02x", a.sense[2] & 0xf, a.sense[12], a.sense[13]);
        if ((a.sense[2] & 0xf) == 2)
            send_command(&a, start, sizeof(start), '-', 0, TIMEOUT_MS);
    }
}

/* fill: what data-out consists of. most: see print_answer(). */
static void run_shown(const uint8_t *cdb, uint8_t cdb_len, char direction, uint32_t len, uint8_t fill, uint32_t most)
{
    struct answer a;

    for (unsigned i = 0; i < cdb_len; i++)
        printf("%02x", cdb[i]);
    printf(" %u%c", len, direction);
    if (direction == '>')
        printf("%02x", fill);
    putchar(':');
    /* What comes back has to show: nothing that a device gives is a row of A5h. */
    memset(buffer, direction == '>' ? fill : 0xa5, len);
    send_command(&a, cdb, cdb_len, direction, len, TIMEOUT_MS);
    print_answer(&a, direction, most);
    if (may_have_changed(&a, direction))
        settle();
    putchar('\n');
}

static void run(const uint8_t *cdb, uint8_t cdb_len, char direction, uint32_t len, uint8_t fill)
{
    run_shown(cdb, cdb_len, direction, len, fill, UINT32_MAX);
}

/* Does the length field of this opcode count blocks? */
static bool in_blocks(uint8_t opcode)
{
    static const uint8_t of_blocks[] = { 0x08, 0x0a, 0x28, 0x2a, 0x2e, 0x2f, 0x41, 0x88, 0x89, 0x8a,
                                         0x8b, 0x8e, 0x8f, 0x93, 0x9c, 0xa8, 0xaa, 0xae, 0xaf };

    return (scsi_is_disk(type) || scsi_is_optical_drive(type)) && memchr(of_blocks, opcode, sizeof(of_blocks));
}

/*
 * scsi_debug reads beside the array of its zones when there are no blocks at LBA 0, and when LBA + blocks is 0 in 64
 * bits. So a disk with zones gets neither.
 */
static bool is_zoned(void)
{
    return type == 0x14;
}

static void put_length(uint8_t *cdb, const struct cdb_row *row, uint32_t length)
{
    for (unsigned i = row->len_size; i-- > 0; length >>= 8)
        cdb[row->len_at + i] = (uint8_t)length;
}

/* One row with these fields of the CDB and one length. */
static void run_once(const struct cdb_row *row, uint8_t *cdb, uint8_t cdb_len)
{
    bool by_block = in_blocks(row->opcode);
    uint32_t length = by_block ? 1 : 36;

    if (row->len_size >= 1 && row->len_size <= 4)
        put_length(cdb, row, length);
    if (row->data == CDB_DATA_NONE)
        run(cdb, cdb_len, '-', 0, 0);
    else
        run(cdb, cdb_len, row->data == CDB_DATA_IN ? '<' : '>', by_block ? block : length, 0);
}

/* The same with many lengths: those that fit the buffer, that are less, and more. */
static void row_with(const struct cdb_row *row, const uint8_t *fields, uint8_t cdb_len)
{
    static const uint32_t lengths[] = { 0, 1, 2, 3, 4, 5, 8, 36, 252, 600 };
    static const uint32_t blocks[] = { 0, 1, 3, 8 };
    bool counted = row->len_size >= 1 && row->len_size <= 4, by_block = in_blocks(row->opcode);
    const uint32_t *list = by_block ? blocks : lengths;
    unsigned count = by_block ? sizeof(blocks) / sizeof(*blocks) : sizeof(lengths) / sizeof(*lengths);
    char direction = row->data == CDB_DATA_IN ? '<' : '>';
    uint32_t unit = by_block ? block : 1;
    uint8_t cdb[16];

    memcpy(cdb, fields, sizeof(cdb));
    if (row->data == CDB_DATA_NONE) {
        run(cdb, cdb_len, '-', 0, 0);
        return;
    }
    if (one_length && !by_block) {
        run_once(row, cdb, cdb_len);
        return;
    }
    if (!counted) {
        if (row->len_size == CDB_LEN_UNSAID)
            run(cdb, cdb_len, '-', 0, 0);
        run(cdb, cdb_len, direction, by_block ? block : 8, 0);
        run(cdb, cdb_len, direction, by_block ? 2 * block : 252, 0);
        return;
    }
    for (unsigned i = by_block && is_zoned(); i < count; i++) {
        if (row->len_size == 1 && list[i] > 255)
            continue;
        put_length(cdb, row, list[i]);
        run(cdb, cdb_len, list[i] ? direction : '-', list[i] * unit, 0);
    }
    put_length(cdb, row, list[count - 3]);
    run(cdb, cdb_len, direction, list[LESS] * unit, 0);
    put_length(cdb, row, list[LESS]);
    run(cdb, cdb_len, direction, list[count - 3] * unit, 0xff);
    /* Nothing is asked for, but there is a buffer. */
    if (!by_block || !is_zoned()) {
        put_length(cdb, row, 0);
        run(cdb, cdb_len, direction, list[LESS] * unit, 0xff);
    }
}

static uint8_t length_of(uint8_t opcode)
{
    uint8_t len = scsi_cdb_group_len(opcode);

    return len ? len : opcode < 0x80 ? 16 : 10;
}

static void table(void)
{
    for (unsigned i = 0; i < cdb_table_len; i++) {
        const struct cdb_row *row = &cdb_table[i];
        uint8_t cdb[16] = { row->opcode, row->form }, cdb_len = length_of(row->opcode);

        if (!scsi_type_in(type, row->types) || left_out[row->opcode])
            continue;
        row_with(row, cdb, cdb_len);
        cdb[cdb_len - 1] = 0x04; /* NACA */
        run_once(row, cdb, cdb_len);
        memset(cdb + 1, 0xff, sizeof(cdb) - 1);
        cdb[1] = (uint8_t)(row->form | ~row->form_mask);
        if (is_zoned())
            cdb[2] = 0x7f;
        cdb[cdb_len - 1] = 0;
        row_with(row, cdb, cdb_len);
    }
}

static void opcodes(void)
{
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        uint8_t cdb[16] = { (uint8_t)opcode };
        bool known = left_out[opcode];

        for (unsigned i = 0; i < cdb_table_len && !known; i++)
            known = cdb_table[i].opcode == opcode && scsi_type_in(type, cdb_table[i].types);
        if (known)
            continue;
        run(cdb, length_of((uint8_t)opcode), '-', 0, 0);
        run(cdb, length_of((uint8_t)opcode), '<', 16, 0);
    }
}

/* 0, or 1 with a message when a line is no command. */
static int list(void)
{
    char line[512];

    while (fgets(line, sizeof(line), stdin)) {
        uint8_t cdb[16];
        unsigned cdb_len = 0;
        char *at = line;
        unsigned long len = strtoul(at, &at, 0), fill = 0, most = UINT32_MAX;
        char direction = *at;

        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (!direction || !strchr("<>-", direction) || len > BUFFER_MAX) {
            fprintf(stderr, "cdbs: not a command: %s", line);
            return 1;
        }
        at++;
        if (direction == '>')
            fill = strtoul(at, &at, 16);
        else if (*at == '=')
            most = strtoul(at + 1, &at, 10);
        for (char *end; cdb_len < sizeof(cdb); at = end) {
            unsigned long byte = strtoul(at, &end, 16);

            if (end == at)
                break;
            cdb[cdb_len++] = (uint8_t)byte;
        }
        if (cdb_len < 6) {
            fprintf(stderr, "cdbs: no CDB: %s", line);
            return 1;
        }
        run_shown(cdb, (uint8_t)cdb_len, direction, (uint32_t)len, (uint8_t)fill, (uint32_t)most);
    }
    return 0;
}

/* The type, and the block length of what has blocks. Old unit attentions go unprinted, and zones are emptied. */
static int prepare(void)
{
    static const uint8_t ready[6] = { 0 }, inquiry[6] = { 0x12, 0, 0, 0, 36, 0 }, capacity[10] = { 0x25 };
    /* RESET WRITE POINTER of all zones */
    static const uint8_t empty[16] = { 0x94, 0x04, [14] = 0x01 };
    struct answer a;

    for (unsigned i = 0; i < 16; i++) {
        send_command(&a, ready, sizeof(ready), '-', 0, TIMEOUT_MS);
        if (!a.error && !a.hdr.status)
            break;
    }
    send_command(&a, inquiry, sizeof(inquiry), '<', 36, TIMEOUT_MS);
    if (a.error || a.hdr.status) {
        fprintf(stderr, "cdbs: no INQUIRY data\n");
        return 1;
    }
    type = buffer[0] & 0x1f;
    if (is_zoned())
        send_command(&a, empty, sizeof(empty), '-', 0, TIMEOUT_MS);
    send_command(&a, capacity, sizeof(capacity), '<', 8, TIMEOUT_MS);
    if (!a.error && !a.hdr.status && !a.hdr.resid) {
        uint32_t value = (uint32_t)buffer[4] << 24 | (uint32_t)buffer[5] << 16 | (uint32_t)buffer[6] << 8 | buffer[7];

        if (value >= 512 && value <= 8192)
            block = value;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: cdbs table|blocks|opcodes|list SG-NODE [OPCODE...]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        left_out[strtoul(argv[i], NULL, 16) & 0xff] = true;
    fd = open(argv[2], O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "cdbs: %s: %s\n", argv[2], strerror(errno));
        return 1;
    }
    if (prepare())
        return 1;
    one_length = !strcmp(argv[1], "blocks");
    if (one_length || !strcmp(argv[1], "table"))
        table();
    else if (!strcmp(argv[1], "opcodes"))
        opcodes();
    else if (!strcmp(argv[1], "list"))
        return list();
    else
        return 2;
    return 0;
}
