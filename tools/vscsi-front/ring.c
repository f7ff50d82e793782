// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A frontend's ring; see ring.h. Each response is copied before it is looked
 * at. It must belong to a request in flight, and every byte of the slot that has
 * no meaning must be zero.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "common/util.h"
#include "ring.h"

static void violation(struct ring *r, const char *what)
{
    r->violation(r->ctx, what);
}

int ring_up(struct ring *r, struct xen *xen, uint16_t backend)
{
    struct vscsiif_sring *sring;
    int e;

    if (r->up)
        return -EISCONN;
    r->xen = xen;
    e = xen->ops->share(xen, backend, 1, false, &r->ref, &r->page);
    if (e < 0)
        return e;
    sring = r->page;
    SHARED_RING_INIT(sring);
    FRONT_RING_INIT(&r->front, sring, FRONT_PAGE);
    e = xen->ops->alloc_port(xen, backend, &r->port);
    if (e < 0) {
        xen->ops->unshare(xen, r->page, 1);
        return e;
    }
    r->up = true;
    return 0;
}

static void end_io(struct io *io, int error)
{
    io->error = error;
    io->done_us = now_us();
    io->done = true;
    if (io->complete)
        io->complete(io);
}

int ring_down(struct ring *r)
{
    int e, e2;

    if (!r->up)
        return 0;
    r->up = false;
    e = r->xen->ops->unbind(r->xen, r->port);
    e2 = r->xen->ops->unshare(r->xen, r->page, 1);
    for (unsigned i = 0; i < RING_SLOTS; i++) {
        struct io *io = r->flight[i];

        r->flight[i] = NULL;
        if (io)
            end_io(io, -ECONNRESET);
    }
    r->in_flight = 0;
    return e < 0 ? e : e2;
}

uint16_t ring_fresh_rqid(struct ring *r)
{
    for (uint16_t low = 0;;) {
        uint16_t rqid = r->reuses_ids ? low++ : r->next_rqid++;
        bool used = false;

        for (unsigned i = 0; i < RING_SLOTS; i++)
            used |= r->flight[i] && r->flight[i]->req.rqid == rqid;
        if (!used)
            return rqid;
    }
}

unsigned ring_room(const struct ring *r)
{
    return r->up ? RING_FREE_REQUESTS(&r->front) : 0;
}

int ring_put(struct ring *r, struct io *io)
{
    unsigned at = 0;

    if (!r->up)
        return -ENOTCONN;
    while (at < RING_SLOTS && r->flight[at])
        at++;
    if (at == RING_SLOTS || RING_FULL(&r->front))
        return -EAGAIN;
    *RING_GET_REQUEST(&r->front, r->front.req_prod_pvt) = io->req;
    r->front.req_prod_pvt++;
    r->flight[at] = io;
    r->in_flight++;
    r->requests++;
    io->done = false;
    io->error = 0;
    io->sent_us = now_us();
    return 0;
}

void ring_send_event(struct ring *r)
{
    if (!r->up)
        return;
    r->notifies++;
    r->xen->ops->notify(r->xen, r->port);
}

void ring_push(struct ring *r)
{
    bool notify;

    if (!r->up)
        return;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&r->front, notify);
    if (notify)
        ring_send_event(r);
}

static bool all_zero(const void *p, size_t len)
{
    const uint8_t *b = p;

    for (size_t i = 0; i < len; i++)
        if (b[i])
            return false;
    return true;
}

static void check_response(struct ring *r, const struct vscsiif_response *rsp)
{
    char text[120];

    if (rsp->sense_len > VSCSIIF_SENSE_BUFFERSIZE) {
        snprintf(text, sizeof(text), "response %u has %u bytes of sense", rsp->rqid, rsp->sense_len);
        violation(r, text);
    } else if (!all_zero(rsp->sense_buffer + rsp->sense_len, VSCSIIF_SENSE_BUFFERSIZE - rsp->sense_len)) {
        snprintf(text, sizeof(text), "response %u: stale bytes beyond its %u bytes of sense", rsp->rqid,
                 rsp->sense_len);
        violation(r, text);
    }
    if (!all_zero(rsp->reserved, sizeof(rsp->reserved))) {
        snprintf(text, sizeof(text), "response %u: stale bytes in the reserved part", rsp->rqid);
        violation(r, text);
    }
}

static void take_response(struct ring *r, const struct vscsiif_response *rsp)
{
    char text[80];
    unsigned at = 0;
    struct io *io;

    while (at < RING_SLOTS && !(r->flight[at] && r->flight[at]->req.rqid == rsp->rqid))
        at++;
    if (at == RING_SLOTS) {
        snprintf(text, sizeof(text), "response %u belongs to nothing in flight", rsp->rqid);
        violation(r, text);
        return;
    }
    io = r->flight[at];
    r->flight[at] = NULL;
    r->in_flight--;
    r->responses++;
    io->rsp = *rsp;
    if (!io->scribbled)
        check_response(r, &io->rsp);
    end_io(io, 0);
}

static unsigned take_responses(struct ring *r)
{
    unsigned taken = 0;
    bool more;

    do {
        RING_IDX prod = r->front.sring->rsp_prod;

        xen_rmb();
        if (prod - r->front.rsp_cons > r->front.req_prod_pvt - r->front.rsp_cons) {
            violation(r, "more responses than requests");
            r->front.rsp_cons = prod;
            return taken;
        }
        while (r->front.rsp_cons != prod) {
            struct vscsiif_response rsp = *RING_GET_RESPONSE(&r->front, r->front.rsp_cons);

            r->front.rsp_cons++;
            taken++;
            take_response(r, &rsp);
            if (!r->up) /* a completion took the ring down */
                return taken;
        }
        RING_FINAL_CHECK_FOR_RESPONSES(&r->front, more);
    } while (more);
    return taken;
}

void ring_process(struct ring *r)
{
    uint32_t port;

    while (r->up && r->xen->ops->pending(r->xen, &port) == 1) {
        if (port == r->port) {
            r->events++;
            if (take_responses(r) == 0)
                r->spurious++;
        }
        if (r->up)
            r->xen->ops->unmask(r->xen, port);
    }
}

int ring_wait(struct ring *r, struct io *io, unsigned timeout_ms)
{
    uint64_t end = now_us() + (uint64_t)timeout_ms * 1000;

    while (!io->done) {
        struct pollfd pfd = { .fd = r->xen->ops->event_fd(r->xen), .events = POLLIN };
        uint64_t now = now_us();

        if (now >= end)
            return -ETIMEDOUT;
        if (poll(&pfd, 1, (int)((end - now) / 1000) + 1) > 0)
            ring_process(r);
    }
    return 0;
}

void ring_forget(struct ring *r, struct io *io)
{
    for (unsigned i = 0; i < RING_SLOTS; i++)
        if (r->flight[i] == io) {
            r->flight[i] = NULL;
            r->in_flight--;
        }
}
