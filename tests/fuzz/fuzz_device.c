// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service against any device: commands of a guest, and what devices answer to them, in any order and after any time.
 * The input is a list of steps; see step(). Whatever they are, each request gets exactly one answer; no byte is written
 * outside of a read's segments, nor beyond what its answer says has come; and no byte of ours shows up in the guest's pages.
 *
 * The devices are those of fake-sg.h. Built with libFuzzer, and without it as a program that replays files.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* The fixture's assertions, which end the program here. libcheck's work only in a test. */
static _Noreturn void die(const char *file, int line, const char *what)
{
    fprintf(stderr, "fuzz_device: %s:%d: %s\n", file, line, what);
    abort();
}
#undef ck_assert_msg
#define ck_assert_msg(expr, ...) ((expr) ? (void)0 : die(__FILE__, __LINE__, #expr))
#include "../device-fixture.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANY 3 /* a device of any type */
#define REQUESTS_MAX 40
#define SEGMENTS_MAX 4
#define STEPS_MAX 400
#define FIRST_PAGE 20 /* each request has pages of its own */
#define UNTOUCHED 0x11
#define POISON 0x5a

static struct {
    bool answered, in;
    unsigned n;
    struct scsiif_request_segment seg[SEGMENTS_MAX];
} requests[REQUESTS_MAX];
static unsigned n_requests, n_answers;
static bool brought_poison; /* the input has the value itself: a device may send it */

static unsigned word(struct input *in)
{
    unsigned high = byte(in);

    return high << 8 | byte(in);
}

/* The n-th byte of a request's data in the guest; NULL: a segment is not in its page, or there are fewer bytes. */
static uint8_t *data_at(unsigned id, uint32_t n)
{
    for (unsigned i = 0; i < requests[id].n; i++) {
        const struct scsiif_request_segment *s = &requests[id].seg[i];

        if (s->offset + s->length > 4096)
            return NULL;
        if (n < s->length)
            return &fake.page[s->gref][s->offset + n];
        n -= s->length;
    }
    return NULL;
}

static void take_answers(void)
{
    while (guest->rsp_prod != guest_rsp_cons) {
        struct vscsiif_response r = take();
        uint32_t total = 0;

        ck_assert(r.rqid < n_requests && !requests[r.rqid].answered);
        requests[r.rqid].answered = true;
        n_answers++;
        ck_assert(r.sense_len <= VSCSIIF_SENSE_BUFFERSIZE);
        for (unsigned i = r.sense_len; i < VSCSIIF_SENSE_BUFFERSIZE; i++)
            ck_assert(r.sense_buffer[i] == 0);
        while (data_at(r.rqid, total))
            total++;
        ck_assert(total == 0 || r.residual_len <= total);
        for (uint32_t i = total - (r.residual_len < total ? r.residual_len : total); i < total; i++)
            ck_assert(*data_at(r.rqid, i) == UNTOUCHED);
        for (uint32_t i = 0, in_row = 0; i < total; i++) {
            in_row = *data_at(r.rqid, i) == POISON ? in_row + 1 : 0;
            ck_assert(in_row < 8 || brought_poison);
            if (requests[r.rqid].in)
                *data_at(r.rqid, i) = UNTOUCHED; /* for check_pages() */
        }
    }
}

static void put_command(struct input *in)
{
    struct vscsiif_request *req;
    unsigned id = n_requests;

    if (n_requests == REQUESTS_MAX || guest->req_prod - guest_rsp_cons == PVSCSI_RING_SLOTS)
        return;
    req = prepare((uint16_t)n_requests++);
    req->id = (uint16_t)(byte(in) % 4);
    req->sc_data_direction = (uint8_t)(byte(in) % 4);
    req->timeout_per_command = (uint16_t)byte(in);
    req->cmd_len = (uint8_t)(6 + byte(in) % 11);
    for (unsigned i = 0; i < req->cmd_len; i++)
        req->cmnd[i] = (uint8_t)byte(in);
    requests[id].in = req->sc_data_direction == SCSI_DIR_IN;
    req->nr_segments = (uint8_t)(byte(in) % (SEGMENTS_MAX + 1));
    requests[id].n = req->nr_segments;
    for (unsigned i = 0; i < req->nr_segments; i++) {
        req->seg[i].gref = FIRST_PAGE + id * SEGMENTS_MAX + i;
        req->seg[i].offset = (uint16_t)(word(in) % 4200);
        req->seg[i].length = (uint16_t)(word(in) % 4200);
        requests[id].seg[i] = req->seg[i];
    }
    put_done();
}

static void put_management(struct input *in)
{
    struct vscsiif_request *req;

    if (n_requests == REQUESTS_MAX || guest->req_prod - guest_rsp_cons == PVSCSI_RING_SLOTS)
        return;
    req = prepare((uint16_t)n_requests++);
    req->id = (uint16_t)(byte(in) % 4);
    req->act = byte(in) % 2 ? VSCSIIF_ACT_SCSI_ABORT : VSCSIIF_ACT_SCSI_RESET;
    req->ref_rqid = (uint16_t)(byte(in) % REQUESTS_MAX);
    put_done();
}

/* The data that the device has sent, by its own word: it begins as the input says. */
static void bring(struct input *in, struct sg_io_hdr *h)
{
    uint32_t n = h->dxfer_len, begin = byte(in) % 64;

    if (h->resid > 0)
        n -= h->resid < (int)n ? (uint32_t)h->resid : n;
    for (uint32_t i = 0; i < n; i++)
        ((uint8_t *)h->dxferp)[i] = i < begin ? (uint8_t)byte(in) : 0xdd;
}

/* A command comes back from its device: with any status, residual and sense. */
static void end_command(struct input *in)
{
    struct sg_io_hdr *h;
    unsigned which = byte(in), how = byte(in);

    if (fake_sg.n == 0)
        return;
    which %= fake_sg.n;
    h = &fake_sg.at[which].hdr;
    if (how & 1)
        h->status = (uint8_t)byte(in);
    if (how & 2)
        h->host_status = (uint16_t)byte(in);
    if (how & 4)
        h->driver_status = (uint16_t)byte(in);
    if (how & 8)
        h->resid = how & 16 ? (int)(word(in) << 16 | word(in)) : (int)word(in);
    if (how & 32) {
        h->status = 2;
        h->sb_len_wr = (uint8_t)(byte(in) % (h->mx_sb_len + 1u));
        for (unsigned i = 0; i < h->sb_len_wr; i++)
            h->sbp[i] = (uint8_t)byte(in);
    }
    if (h->dxfer_direction == SG_DXFER_FROM_DEV)
        bring(in, h);
    fake_sg_end(which);
}

static void step(struct input *in)
{
    static const int errors[] = { 0, 0, ENOMEM, EAGAIN, EDOM, ENODEV, EIO };

    switch (byte(in) % 8) {
    case 0:
    case 1:
        put_command(in);
        break;
    case 2:
        kick();
        break;
    case 3:
    case 4:
        end_command(in);
        break;
    case 5:
        put_management(in);
        break;
    case 6:
        pass(byte(in));
        break;
    default:
        fake_sg.write_error = errors[byte(in) % ARRAY_SIZE(errors)];
        break;
    }
    take_answers();
}

/* A byte that is nobody's answer was written. */
static void check_pages(void)
{
    uint8_t untouched[4096];

    memset(untouched, UNTOUCHED, sizeof(untouched));
    for (unsigned p = FIRST_PAGE; p < PAGES; p++)
        ck_assert(memcmp(fake.page[p], untouched, sizeof(untouched)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .at = data, .left = size };
    unsigned how = byte(&in), type = byte(&in);
    uint32_t flags = how & 1 ? LUN_FEATURE_HOST : 0;

    memset(&fake_sg, 0, sizeof(fake_sg));
    memset(requests, 0, sizeof(requests));
    n_requests = n_answers = 0;
    brought_poison = memchr(data, POISON, size) != NULL;
    later_us = 0;
    budget = how & 2 ? 0 : 100000; /* buffers that are plain, or granted to ourselves */
    setup();
    memset(fake.page[FIRST_PAGE], UNTOUCHED, sizeof(fake.page[0]) * (PAGES - FIRST_PAGE));
    for (unsigned i = 0; i < svc->buffers.count; i++)
        memset(buffers_plain(&svc->buffers, i).pages, POISON, 16384);
    add_devices(flags);
    ck_assert(add_device(ANY, (uint8_t)(type % 32), flags | (how & 4 ? LUN_READONLY : 0)) == 0);
    for (unsigned i = 0; in.left && i < STEPS_MAX; i++)
        step(&in);
    fake_sg.write_error = 0;
    for (unsigned i = 0; i < 200 && n_answers < n_requests; i++) {
        for (unsigned k = 0; k < fake_sg.n; k++)
            if (fake_sg.at[k].hdr.dxfer_direction == SG_DXFER_FROM_DEV)
                memset(fake_sg.at[k].hdr.dxferp, 0xdd, fake_sg.at[k].hdr.dxfer_len);
        end_all();
        pass(1);
        take_answers();
    }
    ck_assert(n_answers == n_requests);
    ck_assert(svc->n_busy == 0 && halts == 0);
    check_pages();
    service_disconnect(svc);
    teardown();
    ck_assert(fake_sg.n_fds == 0);
    return 0;
}

#include "replay.h"
