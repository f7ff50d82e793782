// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that send SCSI commands and show what comes back. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <scsi/sg_lib.h>

#include "front.h"
#include "pattern.h"

#define MAX_DATA (1u << 20) /* more than any request may move */

/* Runs it, shows an answer that is not GOOD. */
static int run_shown(struct front *f, struct command *c)
{
    char code[RESULT_CODE_MAX];
    struct result res;

    if (io_run(f, c, &res) < 0)
        return -1;
    if (io_good(&res))
        return 0;
    show_result(&res);
    show_code(&res, code);
    return fail(f, "command %02x answered %s", c->cdb[0], code);
}

static void trimmed(const uint8_t *p, unsigned n, char *out)
{
    while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == 0))
        n--;
    for (unsigned i = 0; i < n; i++)
        out[i] = isprint(p[i]) ? (char)p[i] : '?';
    out[n] = '\0';
}

static int cmd_list(struct front *f, int argc, char **argv)
{
    for (unsigned i = 0; i < f->session.n_devices; i++) {
        const struct device *d = &f->session.devices[i];
        uint8_t data[36] = { 0 };
        struct command c = { .dev = d->v,
                             .cdb = { 0x12, 0, 0, 0, sizeof(data), 0 },
                             .cdb_len = 6,
                             .dir = DIR_IN,
                             .len = sizeof(data),
                             .data = data };
        char vendor[9], product[17], revision[5], type[48], text[HCTL_TEXT_MAX], size[48] = "";
        struct result res;
        uint64_t blocks;
        uint32_t bs;

        if (io_run_retry(f, &c, &res) < 0)
            return -1;
        trimmed(data + 8, 8, vendor);
        trimmed(data + 16, 16, product);
        trimmed(data + 32, 4, revision);
        hctl_format(&d->v, text);
        if ((data[0] & 0x1f) == 0 && io_capacity(f, &d->v, &blocks, &bs) == 0)
            snprintf(size, sizeof(size), "  %.1f MiB, %u-byte blocks", (double)blocks * bs / 1048576.0, bs);
        printf("[%s]  %-8s  %-8s %-16s %-4s  %s%s\n", text, sg_get_pdt_str(data[0] & 0x1f, sizeof(type), type), vendor,
               product, revision, d->node, size);
    }
    if (f->session.n_devices == 0)
        printf("no devices\n");
    return 0;
}

static int cmd_inquiry(struct front *f, int argc, char **argv)
{
    uint8_t data[255] = { 0 };
    struct command c = { .cdb = { 0x12 }, .cdb_len = 6, .dir = DIR_IN, .len = sizeof(data), .data = data };
    char vendor[9], product[17], revision[5], type[48];
    uint64_t page;

    if (arg_device(f, argv[1], &c.dev) < 0)
        return -1;
    if (argc > 2) {
        if (parse_number(f, argv[2], "VPD page", 255, &page) < 0)
            return -1;
        c.cdb[1] = 1;
        c.cdb[2] = (uint8_t)page;
    }
    put_be(c.cdb + 3, 2, sizeof(data));
    if (run_shown(f, &c) < 0)
        return -1;
    if (argc > 2) {
        printf("VPD page %02x:\n", data[1]);
    } else {
        trimmed(data + 8, 8, vendor);
        trimmed(data + 16, 16, product);
        trimmed(data + 32, 4, revision);
        printf("%s %s %s, %s, qualifier %u, version %02x\n", vendor, product, revision,
               sg_get_pdt_str(data[0] & 0x1f, sizeof(type), type), data[0] >> 5, data[2]);
    }
    show_hex(data, c.len - f->last.residual, sizeof(data));
    return 0;
}

static int cmd_capacity(struct front *f, int argc, char **argv)
{
    struct hctl dev;
    uint64_t blocks;
    uint32_t bs;

    if (arg_device(f, argv[1], &dev) < 0 || io_capacity(f, &dev, &blocks, &bs) < 0)
        return -1;
    printf("%llu blocks of %u bytes, %.1f MiB\n", (unsigned long long)blocks, bs, (double)blocks * bs / 1048576.0);
    return 0;
}

static int cmd_luns(struct front *f, int argc, char **argv)
{
    uint8_t data[4096] = { 0 };
    struct command c = { .cdb = { 0xa0 }, .cdb_len = 12, .dir = DIR_IN, .len = sizeof(data), .data = data };
    uint32_t n;

    if (arg_device(f, argv[1], &c.dev) < 0)
        return -1;
    put_be(c.cdb + 6, 4, sizeof(data));
    if (run_shown(f, &c) < 0)
        return -1;
    n = (uint32_t)get_be(data, 4) / 8;
    printf("luns");
    for (uint32_t i = 0; i < n && i < sizeof(data) / 8 - 1; i++)
        printf(" %u", (unsigned)get_be(data + 8 + i * 8, 2) & 0x3fff);
    putchar('\n');
    return 0;
}

static int cmd_turs(struct front *f, int argc, char **argv)
{
    struct command c = { .cdb_len = 6, .dir = DIR_NONE };

    if (arg_device(f, argv[1], &c.dev) < 0)
        return -1;
    return run_shown(f, &c);
}

/* What read, write and verify share: device, first block, how many, in pieces of how many. */
struct span {
    struct command c;
    uint64_t lba, count, chunk, cdb, seed;
    uint32_t bs;
};

static int parse_span(struct front *f, int argc, char **argv, struct span *s)
{
    uint64_t blocks, bytes = 0;

    memset(s, 0, sizeof(*s));
    s->cdb = 10;
    if (arg_device(f, argv[1], &s->c.dev) < 0 || parse_number(f, argv[2], "lba", UINT64_MAX, &s->lba) < 0
        || parse_number(f, argv[3], "count", UINT32_MAX, &s->count) < 0 || arg_layout(f, argc, argv, &s->c.layout) < 0
        || arg_number(f, argc, argv, "cdb", &s->cdb) < 0 || arg_number(f, argc, argv, "seed", &s->seed) < 0
        || arg_number(f, argc, argv, "chunk", &bytes) < 0 || io_capacity(f, &s->c.dev, &blocks, &s->bs) < 0)
        return -1;
    if (s->cdb != 6 && s->cdb != 10 && s->cdb != 16)
        return fail(f, "cdb is 6, 10 or 16");
    if (bytes % s->bs)
        return fail(f, "chunk must be a multiple of %u bytes", s->bs);
    s->chunk = bytes ? bytes / s->bs : (f->session.max_segments - 1) * FRONT_PAGE / s->bs;
    if (s->chunk > MAX_DATA / s->bs)
        return fail(f, "chunk must be at most %u bytes", MAX_DATA);
    if (s->cdb == 6 && s->chunk > 256)
        s->chunk = 256;
    s->c.timeout_s = f->opt.as->timeout_s;
    return 0;
}

/* One chunk; repeats a command that a disk's initiator would repeat. */
static int span_io(struct front *f, struct span *s, bool write, uint64_t lba, uint32_t blocks)
{
    struct result res;

    s->c.len = blocks * s->bs;
    io_rw_cdb(&s->c, write, (unsigned)s->cdb, lba, blocks);
    return io_run_retry(f, &s->c, &res);
}

static int cmd_write(struct front *f, int argc, char **argv)
{
    const char *file = arg_text(argc, argv, "file");
    CLEANUP_FREE uint8_t *data = NULL;
    CLEANUP_FREE char *content = NULL;
    size_t content_len = 0;
    struct span s;

    if (parse_span(f, argc, argv, &s) < 0)
        return -1;
    data = malloc(s.chunk * s.bs);
    if (!data)
        return fail(f, "out of memory");
    if (file) {
        int e = read_file(file, 1u << 30, &content, &content_len);

        if (e < 0)
            return fail(f, "cannot read %s: %s", file, strerror(-e));
    }
    for (uint64_t done = 0; done < s.count;) {
        uint32_t n = (uint32_t)(s.count - done < s.chunk ? s.count - done : s.chunk);
        size_t at = (size_t)done * s.bs;

        if (!file) {
            pattern_fill(data, (size_t)n * s.bs, (s.lba + done) * s.bs, s.seed, 0);
        } else {
            size_t have = at < content_len ? content_len - at : 0;

            if (have > (size_t)n * s.bs)
                have = (size_t)n * s.bs;
            memset(data, 0, (size_t)n * s.bs);
            if (have)
                memcpy(data, content + at, have);
        }
        s.c.data = data;
        if (span_io(f, &s, true, s.lba + done, n) < 0)
            return -1;
        done += n;
    }
    return 0;
}

static int read_span(struct front *f, int argc, char **argv, bool verify)
{
    const char *file = arg_text(argc, argv, "file");
    CLEANUP_FREE uint8_t *data = NULL;
    FILE *out = NULL;
    struct span s;
    int r = 0;

    if (parse_span(f, argc, argv, &s) < 0)
        return -1;
    data = malloc(s.chunk * s.bs);
    if (!data)
        return fail(f, "out of memory");
    if (file && !(out = fopen(file, "we")))
        return fail(f, "cannot write %s: %s", file, strerror(errno));
    for (uint64_t done = 0; r == 0 && done < s.count;) {
        uint32_t n = (uint32_t)(s.count - done < s.chunk ? s.count - done : s.chunk);
        size_t len = (size_t)n * s.bs;

        s.c.data = data;
        r = span_io(f, &s, false, s.lba + done, n);
        if (r == 0 && f->last.residual != 0)
            r = fail(f, "%u of %zu bytes were not read", f->last.residual, len);
        if (r == 0 && verify) {
            long bad = pattern_check(data, len, (s.lba + done) * s.bs, s.seed, 0);

            if (bad >= 0)
                r = fail(f, "wrong byte at block %llu, offset %ld",
                         (unsigned long long)(s.lba + done + (uint64_t)bad / s.bs), bad % (long)s.bs);
        } else if (r == 0 && out) {
            if (fwrite(data, 1, len, out) != len)
                r = fail(f, "cannot write %s: %s", file, strerror(errno));
        } else if (r == 0 && !arg_flag(argc, argv, "quiet")) {
            show_hex(data, len, 64);
        }
        done += n;
    }
    if (out && fclose(out) != 0 && r == 0)
        r = fail(f, "cannot write %s: %s", file, strerror(errno));
    return r;
}

static int cmd_read(struct front *f, int argc, char **argv)
{
    return read_span(f, argc, argv, false);
}

static int cmd_verify(struct front *f, int argc, char **argv)
{
    return read_span(f, argc, argv, true);
}

/* Appends the bytes of a word to c->cdb: one byte ("5", "0x12"), or a whole CDB ("120000002400"). */
static int add_cdb_bytes(struct front *f, struct command *c, const char *word)
{
    const char *hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X') ? word + 2 : word;
    size_t len = strlen(hex);

    if (len == 0 || strspn(hex, "0123456789abcdefABCDEF") != len || (len > 2 && len % 2))
        return fail(f, "'%s' is not a CDB byte in hexadecimal", word);
    for (size_t at = 0; at < len; at += 2) {
        char pair[3] = { hex[at], hex[at + 1], 0 };

        if (c->cdb_len == sizeof(c->cdb))
            return fail(f, "a CDB has at most 16 bytes");
        c->cdb[c->cdb_len++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return 0;
}

static int cmd_raw(struct front *f, int argc, char **argv)
{
    CLEANUP_FREE uint8_t *data = NULL;
    struct command c = { 0 };
    struct result res;
    uint64_t len, timeout = 0, seed = 0;

    if (arg_device(f, argv[1], &c.dev) < 0 || parse_number(f, argv[3], "length", MAX_DATA, &len) < 0
        || arg_layout(f, argc, argv, &c.layout) < 0 || arg_number(f, argc, argv, "timeout", &timeout) < 0
        || arg_number(f, argc, argv, "seed", &seed) < 0)
        return -1;
    if (strcmp(argv[2], "in") == 0)
        c.dir = DIR_IN;
    else if (strcmp(argv[2], "out") == 0)
        c.dir = DIR_OUT;
    else if (strcmp(argv[2], "none") == 0)
        c.dir = DIR_NONE;
    else
        return fail(f, "the direction is in, out or none, not '%s'", argv[2]);
    for (int i = 4; i < argc && !strchr(argv[i], '=') && strcmp(argv[i], "indirect") != 0; i++)
        if (add_cdb_bytes(f, &c, argv[i]) < 0)
            return -1;
    c.len = (uint32_t)len;
    c.timeout_s = (unsigned)timeout;
    data = calloc(1, c.len + 8);
    if (!data)
        return fail(f, "out of memory");
    if (c.dir == DIR_OUT && arg_text(argc, argv, "data")) {
        const char *hex = arg_text(argc, argv, "data");

        for (uint32_t at = 0; at < c.len && hex[0] && hex[1]; at++, hex += 2) {
            char pair[3] = { hex[0], hex[1], 0 };

            data[at] = (uint8_t)strtoul(pair, NULL, 16);
        }
    } else if (c.dir == DIR_OUT) {
        pattern_fill(data, (c.len + 7) / 8 * 8, 0, seed, 0);
    }
    c.data = data;
    if (io_run(f, &c, &res) < 0)
        return -1;
    show_result(&res);
    if (c.dir == DIR_IN && res.residual <= c.len)
        show_hex(data, c.len - res.residual, 512);
    return 0;
}

static void address(struct io *io, struct front *f, const struct hctl *dev, uint8_t act)
{
    memset(io, 0, sizeof(*io));
    io->req.act = act;
    io->req.rqid = ring_fresh_rqid(&f->ring);
    io->req.sc_data_direction = DIR_NONE;
    io_address(&io->req, dev);
}

/* A READ and its ABORT in one push: the ABORT must never succeed before the READ has been answered. */
static int cmd_abort(struct front *f, int argc, char **argv)
{
    const struct layout whole = { 0 };
    struct command c = { 0 };
    struct io rd, ab;
    struct result res;
    struct buf *b;
    uint64_t end;
    bool early;
    int e;

    if (arg_device(f, argv[1], &c.dev) < 0)
        return -1;
    if (!f->opt.as->aborts)
        return fail(f, "%s sends no ABORT", f->opt.as->about);
    e = buf_new(&b, f->xen, f->session.backend_id, 16 * FRONT_PAGE, &whole, f->session.max_segments, false);
    if (e < 0)
        return fail(f, "cannot grant a buffer: %s", strerror(-e));
    address(&rd, f, &c.dev, VSCSIIF_ACT_SCSI_CDB);
    io_rw_cdb(&c, false, 10, 0, 16 * FRONT_PAGE / 512);
    rd.req.cmd_len = c.cdb_len;
    memcpy(rd.req.cmnd, c.cdb, sizeof(c.cdb));
    rd.req.sc_data_direction = DIR_IN;
    buf_describe(b, &rd.req);
    address(&ab, f, &c.dev, VSCSIIF_ACT_SCSI_ABORT);
    ab.req.ref_rqid = rd.req.rqid;
    e = ring_put(&f->ring, &rd);
    if (e == 0)
        e = ring_put(&f->ring, &ab);
    ring_push(&f->ring);
    end = now_us() + (uint64_t)f->opt.timeout_ms * 1000;
    while (e == 0 && !ab.done && now_us() < end)
        front_poll(f, 100, -1);
    early = ab.done && !rd.done;
    while (e == 0 && !rd.done && now_us() < end)
        front_poll(f, 100, -1);
    ring_forget(&f->ring, &rd);
    ring_forget(&f->ring, &ab);
    if (e == 0 && (!rd.done || !ab.done)) {
        b->next = f->unanswered;
        f->unanswered = b;
        return fail(f, "no answer to the %s", ab.done ? "READ" : "ABORT");
    }
    buf_free(b);
    if (e < 0 || rd.error || ab.error)
        return fail(f, "no answers: the ring is gone or full");
    io_result(f, &rd.rsp, &res);
    printf("READ:  ");
    show_result(&res);
    io_result(f, &ab.rsp, &f->last);
    printf("ABORT: ");
    show_result(&f->last);
    if (early && f->last.rslt == XEN_VSCSIIF_RSLT_RESET_SUCCESS)
        violation(f, "ABORT succeeded before the command it aborted was answered");
    return 0;
}

static int cmd_reset(struct front *f, int argc, char **argv)
{
    struct command c = { 0 };
    struct io io;
    int e;

    if (arg_device(f, argv[1], &c.dev) < 0)
        return -1;
    if (!f->opt.as->resets)
        return fail(f, "%s sends no RESET", f->opt.as->about);
    address(&io, f, &c.dev, VSCSIIF_ACT_SCSI_RESET);
    /* All frontends leave in it what they know of the command that has led to it. */
    io_rw_cdb(&c, true, 10, 0, 1);
    io.req.cmd_len = c.cdb_len;
    memcpy(io.req.cmnd, c.cdb, sizeof(c.cdb));
    io.req.sc_data_direction = c.dir;
    io.req.timeout_per_command = (uint16_t)f->opt.as->timeout_s;
    e = io_send(f, &io);
    if (e < 0)
        return fail(f, "no answer to the RESET: %s", strerror(-e));
    io_result(f, &io.rsp, &f->last);
    show_result(&f->last);
    return f->last.rslt == XEN_VSCSIIF_RSLT_RESET_SUCCESS ? 0 : fail(f, "the RESET failed");
}

#define SPAN_ARGS "H:C:T:L LBA COUNT "
#define LAYOUT_ARGS "[offset=N] [piece=N] [random=SEED] [indirect]"
const struct verb verbs_scsi[] = {
    { "list", "", "the devices, as the guest sees them", 0, false, cmd_list },
    { "inquiry", "H:C:T:L [VPD-PAGE]", "standard INQUIRY, or a VPD page", 1, false, cmd_inquiry },
    { "capacity", "H:C:T:L", "READ CAPACITY", 1, false, cmd_capacity },
    { "luns", "H:C:T:L", "REPORT LUNS of the device's target", 1, false, cmd_luns },
    { "tur", "H:C:T:L", "TEST UNIT READY", 1, false, cmd_turs },
    { "read", SPAN_ARGS "[file=PATH] [quiet] [cdb=6|10|16] [chunk=BYTES] " LAYOUT_ARGS,
      "read blocks; shows the first bytes, or writes them to a file", 3, false, cmd_read },
    { "write", SPAN_ARGS "[seed=N | file=PATH] [cdb=6|10|16] [chunk=BYTES] " LAYOUT_ARGS,
      "write blocks: a pattern made from the seed, or a file's content", 3, false, cmd_write },
    { "verify", SPAN_ARGS "[seed=N] [cdb=6|10|16] [chunk=BYTES] " LAYOUT_ARGS,
      "read blocks and compare them with the seed's pattern", 3, false, cmd_verify },
    { "raw", "H:C:T:L in|out|none LENGTH CDB-BYTE... [data=HEX | seed=N] [timeout=SECONDS] " LAYOUT_ARGS,
      "any CDB, in hexadecimal (12 0 0 0 24 0, or 0x12 ..., or 120000002400); shows the\n        result and the data",
      4, false, cmd_raw },
    { "abort", "H:C:T:L", "a READ and an ABORT of it at once", 1, false, cmd_abort },
    { "reset", "H:C:T:L", "RESET", 1, false, cmd_reset },
    { NULL },
};
