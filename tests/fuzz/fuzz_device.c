// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service against any device: commands of a guest, and what devices answer to them, in any order and after any
 * time. One device's persistent reservations go to a PR helper, which also answers anything, late or never. The input
 * is a list of steps; see step(). Whatever they are, each request gets exactly one answer; no byte is written outside
 * of a read's segments, nor beyond what its answer says has come; and no byte of ours shows up in the guest's pages.
 * A guest may also write an index of the ring that no frontend writes. Then its ring may halt, and what is at devices
 * still ends. The worker may die between two steps. Its successor finds the journal as it was, or with bytes that a
 * worker under a guest's control has left in it.
 * The helper sees only whole reservation commands, each with one descriptor, and no command that changes a reservation
 * twice.
 *
 * The devices are those of fake-sg.h. Built with libFuzzer, and without it as a program that replays files.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

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
#include "scsi/bytes.h"

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
static bool wild;           /* an index of the ring or the journal is wrong: nothing is promised of answers any more */
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

/* A req_prod that no ring can have halts it when the worker looks; a rsp_prod does at the next answer. */
static void write_index(struct input *in, unsigned how)
{
    uint32_t *index = how & 1 ? &guest->req_prod : &guest->rsp_prod, by = byte(in);

    __atomic_store_n(index, how & 2 ? *index + by : *index - by, __ATOMIC_RELEASE);
    wild = true;
    if (guest->req_prod - svc->ring.rsp_prod <= PVSCSI_RING_SLOTS)
        return;
    svc->work = true;
    service_round(svc);
    ck_assert(halts > 0);
}

static void take_answers(void)
{
    while (!wild && guest->rsp_prod != guest_rsp_cons) {
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

static struct {
    unsigned asked;    /* for so many connections: one that does not come in time is asked for again */
    int fd;            /* our end of it; -1: none */
    bool greeted;      /* the worker's part of the handshake has come */
    uint32_t list;     /* bytes of a parameter list that have yet to come */
    unsigned out_seen; /* PERSISTENT RESERVE OUT that were begun, on all connections */
} helper;
static unsigned out_put; /* what the guest has sent of these */

/* The device of any type, as it is added at the start and after each death of the worker. */
static struct {
    uint8_t type;
    uint32_t flags;
    bool with_helper;
} any;
static int deaths;
static bool held; /* the LUNs wait for the end of what a dead worker has left */

static void on_helper_asked(struct service *s, struct lun *lun)
{
    (void)s;
    ck_assert(lun->index == ANY);
    helper.asked++;
}

static void helper_close(void)
{
    if (helper.fd >= 0)
        close(helper.fd);
    helper.fd = -1;
}

/* Up to len bytes that the worker has sent. The number of descriptors that came with them. */
static unsigned helper_read(uint8_t *bytes, size_t len, ssize_t *got)
{
    struct iovec iov = { .iov_base = bytes, .iov_len = len };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
    };
    unsigned n = 0;

    *got = recvmsg(helper.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (*got <= 0)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
        for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            close(fd);
            n++;
        }
    return n;
}

/* What the worker has sent: features, then commands. A socket in memory keeps the pieces whole. */
static void helper_take(void)
{
    while (helper.fd >= 0) {
        uint8_t bytes[8192];
        size_t want = !helper.greeted ? 4
                      : helper.list   ? (helper.list < sizeof(bytes) ? helper.list : sizeof(bytes))
                                      : 16;
        ssize_t got;
        unsigned fds = helper_read(bytes, want, &got);

        if (got <= 0)
            return;
        if (!helper.greeted) {
            ck_assert(got == 4 && fds == 0 && memcmp(bytes, "\0\0\0", 4) == 0);
            helper.greeted = true;
        } else if (helper.list) {
            ck_assert(fds == 0);
            helper.list -= (uint32_t)got;
        } else {
            ck_assert(got == 16 && fds == 1 && (bytes[0] == 0x5e || bytes[0] == 0x5f));
            if (bytes[0] == 0x5f) {
                helper.list = get_be32(bytes + 5);
                ck_assert(helper.list >= 24 && helper.list <= 8192);
                helper.out_seen++;
            }
        }
    }
}

static void helper_connect_step(struct input *in)
{
    unsigned how = byte(in);
    int pair[2];

    if (helper.asked == 0)
        return;
    helper.asked--;
    helper_close();
    if (how & 1) {
        hotplug_helper_connected(svc, ANY, how & 2 ? -ECONNREFUSED : -EAGAIN);
        return;
    }
    ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    helper.fd = pair[0];
    helper.greeted = false;
    helper.list = 0;
    if (!(how & 2))
        ck_assert(send(helper.fd, "\0\0\0", 4, MSG_NOSIGNAL) == 4);
    hotplug_helper_connected(svc, ANY, pair[1]);
}

static void helper_says(const uint8_t *bytes, size_t n)
{
    if (helper.fd >= 0 && n > 0 && send(helper.fd, bytes, n, MSG_NOSIGNAL) < 0)
        helper_close();
}

/* A reply of the right form, whole or cut short: status, length of the data, sense, data. Or any bytes. */
static void helper_step(struct input *in)
{
    uint8_t reply[104 + 255] = { 0 };
    unsigned how = byte(in), data = byte(in);

    if (how & 1) {
        for (unsigned i = 0; i < data; i++)
            reply[i] = (uint8_t)byte(in);
        helper_says(reply, data);
        return;
    }
    reply[3] = how & 2 ? (uint8_t)byte(in) : 0;
    reply[7] = (uint8_t)data;
    if (how & 4)
        reply[6] = (uint8_t)byte(in);
    if (reply[3] == 2)
        for (unsigned i = 0; i < 20; i++)
            reply[8 + i] = (uint8_t)byte(in);
    for (unsigned i = 0; i < data; i++)
        reply[104 + i] = i < 16 ? (uint8_t)byte(in) : 0xdd;
    helper_says(reply, how & 8 ? byte(in) % (104 + data) : 104 + data);
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
    out_put += req->id == ANY && req->cmnd[0] == 0x5f;
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

/* The device of any type. Its reservations go to the helper, or, without a block node, to the device. */
static void add_any(uint32_t more_flags)
{
    struct worker_msg msg = lun_message(ANY, any.type, any.flags | more_flags);

    msg.u.lun.pr_mode = any.with_helper ? PR_HELPER : PR_DENY;
    msg.u.lun.pr_deadline_ms = 20000;
    ck_assert(hotplug_add(svc, &msg, eventfd(0, EFD_CLOEXEC), any.with_helper ? eventfd(0, EFD_CLOEXEC) : -1) == 0);
}

/* What no guest may ever see. */
static void poison_buffers(void)
{
    for (unsigned i = 0; i < svc->buffers.count; i++)
        memset(buffers_plain(&svc->buffers, i).pages, POISON, 16384);
}

static void release_all(void)
{
    for (unsigned i = 0; i <= ANY; i++)
        hotplug_release(svc, i);
    held = false;
}

/*
 * The worker dies. What it had at devices never comes back, and its connection to the helper ends. Until release_all()
 * its LUNs may be held for its successor.
 */
static void death(struct input *in, unsigned how)
{
    uint32_t flags = how & 1 ? LUN_HELD : 0;

    end_service();
    fake_sg.n = 0;
    helper_close();
    helper.asked = 0;
    for (unsigned pokes = how & 2 ? 1 + byte(in) % 8 : 0; pokes > 0; pokes--) {
        unsigned at = word(in) % sizeof(journal);

        ((uint8_t *)&journal)[at] = (uint8_t)byte(in);
        wild = true;
    }
    new_service();
    svc->helper_connect = on_helper_asked;
    poison_buffers();
    ck_assert(add_lun(0, 0, 0, flags) == 0);
    add_devices((any.flags & LUN_FEATURE_HOST) | flags);
    add_any(flags);
    ck_assert(service_connect(svc, RING_REF, 9, true) == 0);
    held = flags != 0;
    deaths++;
    run();
}

static void put_management(struct input *in)
{
    struct vscsiif_request *req;
    unsigned id, how;

    if (n_requests == REQUESTS_MAX || guest->req_prod - guest_rsp_cons == PVSCSI_RING_SLOTS)
        return;
    id = byte(in);
    how = byte(in);
    if (how >= 252) {
        write_index(in, how);
        return;
    }
    if (how >= 248) {
        if (held)
            release_all();
        else
            death(in, how);
        return;
    }
    req = prepare((uint16_t)n_requests++);
    req->id = (uint16_t)(id % 4);
    req->act = how % 2 ? VSCSIIF_ACT_SCSI_ABORT : VSCSIIF_ACT_SCSI_RESET;
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

    switch (byte(in) % 12) {
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
    case 8:
        helper_connect_step(in);
        break;
    case 9:
    case 10:
        helper_step(in);
        break;
    case 11:
        helper_take();
        if (byte(in) & 1)
            helper_close();
        break;
    default:
        fake_sg.write_error = errors[byte(in) % ARRAY_SIZE(errors)];
        break;
    }
    take_answers();
}

/* All devices answer, and time passes, until each request has its answer. */
static void finish(struct input *in, bool helper_hangs)
{
    fake_sg.write_error = 0;
    release_all();
    for (unsigned i = 0; i < 400 && (wild ? svc->n_busy > 0 : n_answers < n_requests); i++) {
        for (unsigned k = 0; k < fake_sg.n; k++)
            if (fake_sg.at[k].hdr.dxfer_direction == SG_DXFER_FROM_DEV)
                memset(fake_sg.at[k].hdr.dxferp, 0xdd, fake_sg.at[k].hdr.dxfer_len);
        end_all();
        helper_take();
        if (!helper_hangs) {
            helper_close();
            helper_connect_step(in); /* no byte is left: a helper that greets, and ends in the next round */
        }
        pass(1);
        take_answers();
    }
}

/* A byte was written that belongs to no answer. */
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

    any.type = (uint8_t)(type % 32);
    any.flags = flags | (how & 4 ? LUN_READONLY : 0);
    any.with_helper = how & 8;
    deaths = 0;
    held = false;
    memset(&fake_sg, 0, sizeof(fake_sg));
    memset(requests, 0, sizeof(requests));
    memset(&helper, 0, sizeof(helper));
    helper.fd = -1;
    n_requests = n_answers = out_put = 0;
    wild = false;
    brought_poison = memchr(data, POISON, size) != NULL;
    later_us = 0;
    budget = how & 2 ? 0 : 100000; /* buffers that are plain, or granted to ourselves */
    setup();
    memset(fake.page[FIRST_PAGE], UNTOUCHED, sizeof(fake.page[0]) * (PAGES - FIRST_PAGE));
    poison_buffers();
    add_devices(flags);
    svc->helper_connect = on_helper_asked;
    add_any(0);
    for (unsigned i = 0; in.left && i < STEPS_MAX; i++)
        step(&in);
    in.left = 0;
    finish(&in, how & 16);
    helper_take();
    ck_assert(wild || n_answers == n_requests);
    ck_assert(wild || helper.out_seen <= out_put);
    ck_assert(svc->n_busy == 0 && halts <= (wild ? 1 + deaths : 0));
    if (!wild) /* else requests of former rounds may have been carried out again */
        check_pages();
    service_disconnect(svc);
    teardown();
    helper_close();
    ck_assert(fake_sg.n_fds == 0);
    return 0;
}

#include "replay.h"
