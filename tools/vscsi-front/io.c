// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One SCSI command through the ring: buffer, request, answer, and the checks
 * that belong to every answer. Also the few commands that more than one part needs.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "front.h"

uint64_t get_be(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    while (n--)
        v = v << 8 | *p++;
    return v;
}

void put_be(uint8_t *p, unsigned n, uint64_t v)
{
    while (n--) {
        p[n] = (uint8_t)v;
        v >>= 8;
    }
}

void io_address(struct vscsiif_request *req, const struct hctl *dev)
{
    req->channel = (uint16_t)dev->channel;
    req->id = (uint16_t)dev->target;
    req->lun = (uint16_t)dev->lun;
}

void io_result(const struct front *f, const struct vscsiif_response *rsp, struct result *res)
{
    uint32_t rslt = (uint32_t)rsp->rslt;

    memset(res, 0, sizeof(*res));
    res->answered = true;
    res->rslt = rslt;
    res->rslt_low = (uint16_t)rslt;
    res->host = f->opt.as->drops_host ? 0 : (uint8_t)(rslt >> 16);
    res->status = (uint8_t)rslt;
    res->residual = rsp->residual_len;
    res->sense_len = rsp->sense_len <= VSCSIIF_SENSE_BUFFERSIZE ? rsp->sense_len : VSCSIIF_SENSE_BUFFERSIZE;
    memcpy(res->sense, rsp->sense_buffer, res->sense_len);
}

bool io_good(const struct result *res)
{
    return res->answered && res->host == 0 && (res->status == 0 || res->status == 0x04);
}

bool io_retryable(const struct front *f, const struct result *res)
{
    uint8_t key;

    if (!res->answered || io_good(res))
        return false;
    if (f->opt.as->repeats_all)
        return true;
    if (res->status == 0x08 || res->status == 0x28) /* BUSY, TASK SET FULL */
        return true;
    if (res->host == 8 || res->host == 11 || res->host == 2) /* RESET, SOFT_ERROR, BUS_BUSY */
        return true;
    if (res->status != 0x02 || res->sense_len < 3)
        return false;
    key = res->sense[2] & 0x0f;
    return key == 0x6 || key == 0xb; /* UNIT ATTENTION, ABORTED COMMAND */
}

static void check_answer(struct front *f, const struct command *c, const struct buf *b, const struct result *res)
{
    uint32_t moved;

    if (res->residual > c->len) {
        violation(f, "residual %u of a transfer of %u bytes", res->residual, c->len);
        return;
    }
    /* A failure must show in the status, because some frontends never look at the host byte. */
    if (res->rslt >> 16 && (uint8_t)res->rslt == 0)
        violation(f, "host byte %02x with status GOOD", res->rslt >> 16);
    moved = c->dir == DIR_IN ? c->len - res->residual : 0;
    if (b && !b->readonly && !buf_untouched_beyond(b, moved))
        violation(f, "bytes were written beyond the %u that moved", moved);
}

/* Waits for io. Serves xenstore meanwhile, unless this is called while a xenstore event is handled. */
static int wait_io(struct front *f, struct io *io, unsigned timeout_ms)
{
    uint64_t end = now_us() + (uint64_t)timeout_ms * 1000;

    if (f->in_session)
        return ring_wait(&f->ring, io, timeout_ms);
    while (!io->done) {
        uint64_t now = now_us();

        if (now >= end)
            return -ETIMEDOUT;
        front_poll(f, (int)((end - now) / 1000) + 1, -1);
    }
    return 0;
}

int io_send(struct front *f, struct io *io)
{
    uint64_t end = now_us() + (uint64_t)f->opt.timeout_ms * 1000;
    int e;

    /* A load that runs at the same time leaves this place on the ring free. */
    f->ring.reserved++;
    while ((e = ring_put(&f->ring, io)) == -EAGAIN && now_us() < end) {
        struct io tick = { 0 };

        ring_wait(&f->ring, &tick, 10);
    }
    f->ring.reserved--;
    if (e < 0)
        return e == -EAGAIN ? -ETIMEDOUT : e;
    ring_push(&f->ring);
    e = wait_io(f, io, f->opt.timeout_ms);
    if (e < 0)
        ring_forget(&f->ring, io);
    return e < 0 ? e : io->error;
}

int io_run(struct front *f, struct command *c, struct result *res)
{
    struct io io = { 0 };
    struct buf *b = NULL;
    int e;

    memset(res, 0, sizeof(*res));
    f->last = *res;
    if (!f->ring.up)
        return fail(f, "not connected");
    if (!persona_sends(f->opt.as, c->cdb[0]))
        return fail(f, "%s answers command %02x itself", f->opt.as->about, c->cdb[0]);
    if (c->dir != DIR_NONE && c->len > 0) {
        e = buf_new(&b, f->xen, f->session.backend_id, c->len, &c->layout, f->session.max_segments, c->dir == DIR_OUT);
        if (e < 0)
            return fail(f, "cannot grant %u bytes in at most %u segments: %s", c->len, f->session.max_segments,
                        strerror(-e));
        if (c->dir == DIR_OUT)
            buf_put(b, c->data);
    }
    io.req.act = VSCSIIF_ACT_SCSI_CDB;
    io.req.cmd_len = c->cdb_len;
    memcpy(io.req.cmnd, c->cdb, sizeof(io.req.cmnd));
    io.req.timeout_per_command = (uint16_t)c->timeout_s;
    io.req.sc_data_direction = c->dir;
    io_address(&io.req, &c->dev);
    if (b)
        buf_describe(b, &io.req);
    io.req.rqid = ring_fresh_rqid(&f->ring);

    e = io_send(f, &io);
    if (e == 0) {
        io_result(f, &io.rsp, res);
        f->last = *res;
        check_answer(f, c, b, res);
        if (c->dir == DIR_IN && b && res->residual <= c->len)
            buf_get(b, c->data, c->len - res->residual);
    }
    if (e == -ETIMEDOUT) {
        /* The backend may still write to the pages, so they stay granted, as they must in a guest. */
        if (b) {
            b->next = f->unanswered;
            f->unanswered = b;
        }
        return fail(f, "no answer within %u ms", f->opt.timeout_ms);
    }
    buf_free(b);
    return e == 0 ? 0 : fail(f, "no answer: %s", strerror(-e));
}

int io_run_retry(struct front *f, struct command *c, struct result *res)
{
    char code[RESULT_CODE_MAX];

    for (unsigned tries = 0; tries < 6; tries++) {
        if (io_run(f, c, res) < 0)
            return -1;
        if (io_good(res))
            return 0;
        if (!io_retryable(f, res))
            break;
        if (res->status == 0x08 || res->status == 0x28)
            usleep(10000);
    }
    show_code(res, code);
    return fail(f, "command %02x answered %s", c->cdb[0], code);
}

void io_rw_cdb(struct command *c, bool write, unsigned cdb_size, uint64_t lba, uint32_t blocks)
{
    memset(c->cdb, 0, sizeof(c->cdb));
    c->cdb_len = (uint8_t)cdb_size;
    c->dir = write ? DIR_OUT : DIR_IN;
    switch (cdb_size) {
    case 6:
        c->cdb[0] = write ? 0x0a : 0x08;
        put_be(c->cdb + 1, 3, lba & 0x1fffff);
        c->cdb[4] = (uint8_t)blocks;
        break;
    case 16:
        c->cdb[0] = write ? 0x8a : 0x88;
        put_be(c->cdb + 2, 8, lba);
        put_be(c->cdb + 10, 4, blocks);
        break;
    default:
        c->cdb[0] = write ? 0x2a : 0x28;
        put_be(c->cdb + 2, 4, lba);
        put_be(c->cdb + 7, 2, blocks);
        break;
    }
}

int io_capacity(struct front *f, const struct hctl *dev, uint64_t *blocks, uint32_t *block_size)
{
    uint8_t data[32];
    struct command c = { .dev = *dev, .cdb = { 0x25 }, .cdb_len = 10, .dir = DIR_IN, .len = 8, .data = data };
    struct result res;

    memset(data, 0, sizeof(data));
    if (io_run_retry(f, &c, &res) < 0)
        return -1;
    *blocks = get_be(data, 4) + 1;
    *block_size = (uint32_t)get_be(data + 4, 4);
    if (*blocks == 0x100000000u) {
        memset(c.cdb, 0, sizeof(c.cdb));
        c.cdb[0] = 0x9e;
        c.cdb[1] = 0x10;
        c.cdb[13] = c.len = 32;
        c.cdb_len = 16;
        if (io_run_retry(f, &c, &res) < 0)
            return -1;
        *blocks = get_be(data, 8) + 1;
        *block_size = (uint32_t)get_be(data + 8, 4);
    }
    if (*block_size == 0 || *block_size % 512)
        return fail(f, "the device says that its blocks have %u bytes", *block_size);
    return 0;
}
