// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Misbehaviour that is more than one wrong field: many requests at once, a ring whose
 * indices lie, pages taken away or rewritten in mid-I/O, events without requests, garbage.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "bad.h"
#include "pattern.h"

/* Waits until none of the n is in flight. 0 or fail(); those without an answer are forgotten. */
static int wait_all(struct front *f, struct attempt *a, unsigned n, const char *what)
{
    uint64_t end = now_us() + (uint64_t)f->opt.timeout_ms * 1000;
    unsigned left;

    do {
        left = 0;
        for (unsigned i = 0; i < n; i++)
            left += !a[i].io.done;
        if (left)
            front_poll(f, 50, -1);
    } while (left && now_us() < end);
    for (unsigned i = 0; i < n; i++)
        ring_forget(&f->ring, &a[i].io);
    return left ? fail(f, "%s: %u of %u requests without an answer", what, left, n) : 0;
}

static int run_sixteen(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    struct attempt *a = calloc(RING_SLOTS, sizeof(*a));
    const struct malformation *m = malformations;
    uint64_t seed = 0;
    unsigned n = 0;
    int r = arg_number(f, argc, argv, "seed", &seed);

    if (!a)
        return fail(f, "out of memory");
    while (r == 0 && n < RING_SLOTS) {
        const struct malformation *pick;

        do {
            if (!m->name)
                m = malformations;
            pick = m++;
        } while (pick->base == BASE_NO_DATA || (pattern_next(&seed) & 1));
        r = attempt_begin(&a[n], f, dev, pick->base);
        if (r == 0) {
            /* ring_fresh_rqid() only knows the requests on the ring, and these are not there yet. */
            a[n].io.req.rqid = (uint16_t)(0xf000 + n);
            pick->twist(&a[n]);
        }
        n++;
    }
    for (unsigned i = 0; r == 0 && i < n; i++)
        if (ring_put(&f->ring, &a[i].io) < 0)
            r = fail(f, "sixteen: the ring is not empty");
    if (r == 0) {
        ring_push(&f->ring);
        r = wait_all(f, a, n, "sixteen");
    }
    for (unsigned i = 0; i < n; i++) {
        if (r == 0 && (uint8_t)a[i].io.rsp.rslt != 0x02)
            r = fail(f, "sixteen: number %u answered %08x", i, (unsigned)a[i].io.rsp.rslt);
        attempt_end(&a[i]);
    }
    free(a);
    if (r == 0)
        printf("%-22s %u answers\n", "sixteen", n);
    return r == 0 ? still_serves(f, dev) : r;
}

static int run_duplicate(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    struct attempt a[2] = { 0 };
    int r = 0;

    for (unsigned i = 0; r == 0 && i < 2; i++) {
        r = attempt_begin(&a[i], f, dev, BASE_READ);
        a[i].io.req.rqid = 4711;
        if (r == 0 && ring_put(&f->ring, &a[i].io) < 0)
            r = fail(f, "duplicate: the ring is full");
    }
    if (r == 0) {
        ring_push(&f->ring);
        r = wait_all(f, a, 2, "duplicate");
    }
    for (unsigned i = 0; i < 2; i++)
        attempt_end(&a[i]);
    if (r == 0)
        printf("%-22s two requests, two answers\n", "duplicate");
    return r == 0 ? still_serves(f, dev) : r;
}

static int run_abort_abort(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    struct attempt a[3] = { 0 };
    int r = 0;

    for (unsigned i = 0; r == 0 && i < 3; i++) {
        r = attempt_begin(&a[i], f, dev, i == 0 ? BASE_READ : BASE_NO_DATA);
        a[i].io.req.rqid = (uint16_t)(0xe000 + i);
        if (i > 0) {
            a[i].io.req.act = VSCSIIF_ACT_SCSI_ABORT;
            a[i].io.req.ref_rqid = a[i - 1].io.req.rqid;
        }
        if (r == 0 && ring_put(&f->ring, &a[i].io) < 0)
            r = fail(f, "abort-abort: the ring is full");
    }
    if (r == 0) {
        ring_push(&f->ring);
        r = wait_all(f, a, 3, "abort-abort");
    }
    for (unsigned i = 0; i < 3; i++) {
        uint32_t rslt = (uint32_t)a[i].io.rsp.rslt;

        if (r == 0 && i > 0 && rslt != XEN_VSCSIIF_RSLT_RESET_SUCCESS && rslt != XEN_VSCSIIF_RSLT_RESET_FAILED)
            r = fail(f, "abort-abort: ABORT answered %08x", rslt);
        attempt_end(&a[i]);
    }
    if (r == 0)
        printf("%-22s a READ, its ABORT, and the ABORT's ABORT: three answers\n", "abort-abort");
    return r == 0 ? still_serves(f, dev) : r;
}

/* Pages are revoked while requests are served: each answer is good (the data came first) or a refusal. */
static int run_revoke(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    enum {
        AT_ONCE = 12
    };
    bool lists = f->session.max_segments > VSCSIIF_SG_TABLESIZE;
    struct attempt a[AT_ONCE];
    uint64_t count = 20;
    unsigned good = 0, refused = 0;
    int r = arg_number(f, argc, argv, "count", &count);

    for (uint64_t i = 0; r == 0 && i < count; i++) {
        memset(a, 0, sizeof(a));
        for (unsigned k = 0; r == 0 && k < AT_ONCE; k++) {
            r = attempt_begin(&a[k], f, dev,
                              k % 2 ? (lists ? BASE_LIST : BASE_READ) : (lists ? BASE_WRITE_LIST : BASE_WRITE));
            a[k].io.req.rqid = (uint16_t)(0xc000 + k);
            if (r == 0 && ring_put(&f->ring, &a[k].io) < 0)
                r = fail(f, "revoke: the ring is full");
        }
        if (r == 0) {
            ring_push(&f->ring);
            for (unsigned k = AT_ONCE; k-- > 0;) {
                buf_free(a[k].buf);
                a[k].buf = NULL;
            }
            r = wait_all(f, a, AT_ONCE, "revoke");
        }
        for (unsigned k = 0; k < AT_ONCE; k++) {
            char code[RESULT_CODE_MAX];
            struct result res;

            if (r == 0) {
                io_result(f, &a[k].io.rsp, &res);
                show_code(&res, code);
                if (io_good(&res))
                    good++;
                else if (strstr(code, "/02/B/08/00") || strstr(code, "/02/5/24/00"))
                    refused++; /* the latter: the list was read while its page was being wiped */
                else
                    r = fail(f, "revoke: answered %s", code);
            }
            attempt_end(&a[k]);
        }
    }
    if (r == 0)
        printf("%-22s pages revoked in mid-I/O: %u requests came first, %u were refused\n", "revoke", good, refused);
    return r == 0 ? still_serves(f, dev) : r;
}

/* Slot and list change while the backend reads them: the request is still answered once, with its id. */
static int run_rewrite(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    uint64_t count = 200, seed = 1;
    int r = arg_number(f, argc, argv, "count", &count);

    if (r == 0)
        r = arg_number(f, argc, argv, "seed", &seed);
    for (uint64_t i = 0; r == 0 && i < count; i++) {
        struct attempt a = { 0 };
        RING_IDX at = f->ring.front.req_prod_pvt;

        r = attempt_begin(&a, f, dev, BASE_LIST);
        a.io.scribbled = true;
        if (r == 0 && ring_put(&f->ring, &a.io) < 0)
            r = fail(f, "rewrite: the ring is full");
        if (r == 0) {
            uint64_t end = now_us() + 300;
            RING_IDX before = f->ring.front.rsp_cons;

            ring_push(&f->ring);
            while (now_us() < end && __atomic_load_n(&f->ring.front.sring->rsp_prod, __ATOMIC_ACQUIRE) == before) {
                volatile struct vscsiif_request *slot = RING_GET_REQUEST(&f->ring.front, at);
                uint64_t dice = pattern_next(&seed);

                /* Everything but act and rqid, without which no answer could be expected; and the list. */
                slot->cmd_len = (uint8_t)dice;
                slot->nr_segments = (uint8_t)(dice >> 8);
                slot->seg[dice % 26].gref = (uint32_t)(dice >> 16);
                slot->seg[dice % 26].length = (uint16_t)(dice >> 24);
                memcpy(a.buf->lists + dice % 40 * 8, &dice, 8);
            }
            r = wait_all(f, &a, 1, "rewrite");
        }
        attempt_end(&a);
    }
    if (r == 0)
        printf("%-22s %llu requests rewritten while they were served\n", "rewrite", (unsigned long long)count);
    return r == 0 ? still_serves(f, dev) : r;
}

static int run_events(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    uint64_t count = 2000, interval = 0, begin = now_us();

    if (arg_number(f, argc, argv, "count", &count) < 0 || arg_number(f, argc, argv, "interval", &interval) < 0)
        return -1;
    for (uint64_t i = 0; i < count; i++) {
        ring_send_event(&f->ring);
        if (interval)
            usleep((useconds_t)interval);
    }
    printf("%-22s %llu events without a request in %.2f s\n", "events", (unsigned long long)count,
           (double)(now_us() - begin) / 1e6);
    return still_serves(f, dev);
}

static void random_request(struct attempt *a, uint64_t *seed)
{
    static const uint8_t opcodes[] = { 0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x25, 0x28, 0x2a,
                                       0x35, 0x88, 0x8a, 0x9e, 0xa0, 0x4d, 0x5e, 0x5f, 0x5a };
    struct vscsiif_request *r = &a->io.req;
    uint64_t dice = pattern_next(seed);
    uint16_t rqid = r->rqid;
    struct vscsiif_request was = *r;
    uint8_t *bytes = (uint8_t *)r;

    /* One half is all random; the other is right except for a few bytes, and so gets further. */
    if (dice & 1) {
        for (unsigned i = 0; i < sizeof(*r); i++)
            bytes[i] = (uint8_t)pattern_next(seed);
        if (dice & 2)
            r->act = 1 + (dice >> 8) % 3;
        if (dice & 4)
            r->nr_segments %= 27;
        if (dice & 8)
            r->sc_data_direction = 1 + (dice >> 16) % 3;
        if (dice & 16) {
            r->channel = was.channel;
            r->id = was.id;
            r->lun = was.lun;
        }
        if (dice & 32)
            memcpy(r->seg, was.seg, sizeof(r->seg));
        r->cmd_len = dice & 64 ? 10 : r->cmd_len;
    } else {
        for (unsigned n = 1 + (dice >> 8) % 4; n > 0; n--) {
            uint64_t at = pattern_next(seed);

            bytes[at % 72] = (uint8_t)(at >> 32);
        }
    }
    if (dice & 128)
        r->cmnd[0] = opcodes[(dice >> 24) % ARRAY_SIZE(opcodes)];
    r->rqid = rqid;
}

static int run_garbage(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    struct attempt *a = calloc(RING_SLOTS, sizeof(*a));
    uint64_t count = 2000, seed = 1, sent = 0;
    int r = arg_number(f, argc, argv, "count", &count);

    if (!a)
        return fail(f, "out of memory");
    if (r == 0)
        r = arg_number(f, argc, argv, "seed", &seed);
    for (unsigned i = 0; r == 0 && i < RING_SLOTS; i++)
        r = attempt_begin(&a[i], f, dev, i % 2 ? BASE_LIST : BASE_READ);
    while (r == 0 && sent < count) {
        unsigned n = 1 + (unsigned)(pattern_next(&seed) % RING_SLOTS);

        for (unsigned i = 0; r == 0 && i < n; i++) {
            memset(&a[i].io, 0, sizeof(a[i].io));
            a[i].io.req.act = VSCSIIF_ACT_SCSI_CDB;
            a[i].io.req.cmd_len = 10;
            a[i].io.req.cmnd[0] = 0x28;
            a[i].io.req.cmnd[8] = 8;
            a[i].io.req.sc_data_direction = DIR_IN;
            io_address(&a[i].io.req, dev);
            buf_describe(a[i].buf, &a[i].io.req);
            a[i].io.req.rqid = (uint16_t)(sent + i);
            random_request(&a[i], &seed);
            if (ring_put(&f->ring, &a[i].io) < 0)
                r = fail(f, "garbage: the ring is full");
        }
        ring_push(&f->ring);
        if (r == 0)
            r = wait_all(f, a, n, "garbage");
        sent += n;
    }
    for (unsigned i = 0; i < RING_SLOTS; i++)
        attempt_end(&a[i]);
    free(a);
    if (r == 0)
        printf("%-22s %llu random requests, as many answers\n", "garbage", (unsigned long long)sent);
    return r == 0 ? still_serves(f, dev) : r;
}

/* Publishes an impossible req_prod: after that no response may come on this ring. */
static int impossible_index(struct front *f, int delta, const char *name)
{
    struct vscsiif_sring *sring = f->ring.front.sring;
    RING_IDX before = __atomic_load_n(&sring->rsp_prod, __ATOMIC_ACQUIRE);
    uint64_t end = now_us() + 300000;

    __atomic_store_n(&sring->req_prod, before + (RING_IDX)delta, __ATOMIC_RELEASE);
    ring_send_event(&f->ring);
    while (now_us() < end)
        front_poll(f, 20, -1);
    if (__atomic_load_n(&sring->rsp_prod, __ATOMIC_ACQUIRE) != before)
        return fail(f, "%s: the backend served a ring whose req_prod is impossible", name);
    printf("%-22s no answer, as required\n", name);
    return 0;
}

static int run_prod_ahead(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    return impossible_index(f, RING_SLOTS + 1, "prod-ahead");
}

static int run_prod_back(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    return impossible_index(f, -1, "prod-back");
}

static int run_prod_far(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    return impossible_index(f, INT32_MAX, "prod-far");
}

/* The ring is broken while fifteen commands are under way. */
static int run_prod_busy(struct front *f, const struct hctl *dev, int argc, char **argv)
{
    struct attempt *a = calloc(RING_SLOTS, sizeof(*a));
    unsigned n = 0;
    int r = 0;

    if (!a)
        return fail(f, "out of memory");
    while (r == 0 && n < RING_SLOTS - 1) {
        r = attempt_begin(&a[n], f, dev, BASE_READ);
        a[n].io.req.rqid = (uint16_t)(0xd000 + n);
        if (r == 0 && ring_put(&f->ring, &a[n].io) < 0)
            r = fail(f, "prod-busy: the ring is full");
        n++;
    }
    if (r == 0) {
        struct vscsiif_sring *sring = f->ring.front.sring;

        ring_push(&f->ring);
        usleep(100);
        __atomic_store_n(&sring->req_prod, f->ring.front.req_prod_pvt + 40, __ATOMIC_RELEASE);
        ring_send_event(&f->ring);
        for (uint64_t end = now_us() + 300000; now_us() < end;)
            front_poll(f, 20, -1);
        printf("%-22s the ring broke with %u commands on their way\n", "prod-busy", n);
    }
    for (unsigned i = 0; i < n; i++) {
        ring_forget(&f->ring, &a[i].io);
        attempt_end(&a[i]);
    }
    free(a);
    return r;
}

const struct bad_program bad_programs[] = {
    { "sixteen", "16 bad requests at once (seed=N)", false, run_sixteen },
    { "duplicate", "two requests with one id", false, run_duplicate },
    { "abort-abort", "a READ, an ABORT of it, an ABORT of the ABORT", false, run_abort_abort },
    { "revoke", "pages revoked while the request is served (count=N)", false, run_revoke },
    { "rewrite", "slot and list rewritten while the request is served (count=N seed=N)", false, run_rewrite },
    { "events", "events without requests (count=N interval=MICROSECONDS)", false, run_events },
    { "garbage", "random requests (seed=N count=N); damages the disk's content", false, run_garbage },
    { "prod-ahead", "req_prod 17 ahead", true, run_prod_ahead },
    { "prod-back", "req_prod moved back", true, run_prod_back },
    { "prod-far", "req_prod 2^31-1 ahead", true, run_prod_far },
    { "prod-busy", "req_prod impossible while 15 commands are served", true, run_prod_busy },
    { NULL },
};
