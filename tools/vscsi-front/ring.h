/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frontend's ring: requests out, responses in. Each response is checked as strictly
 * as a guest could. The ring knows nothing of xenstore or of SCSI.
 */
#ifndef VSCSI_FRONT_RING_H
#define VSCSI_FRONT_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "xen/xen-ops.h"
#include "pvscsi/vscsiif.h"

#define RING_SLOTS PVSCSI_RING_SLOTS
#define FRONT_PAGE 4096u /* VSCSIIF_PAGE_SIZE */

/* One request, from when it is put on the ring until its response, or the ring's end. The caller's. */
struct io {
    struct vscsiif_request req;
    struct vscsiif_response rsp; /* our private copy, once done */
    bool done;
    bool scribbled; /* we overwrite its slot while it is served: only its id can be checked */
    int error;      /* 0, or -ECONNRESET: the ring went away first */
    uint64_t sent_us, done_us;
    void (*complete)(struct io *io); /* may be NULL; may put new requests, must not process the ring */
};

struct ring {
    struct xen *xen;
    bool up;
    void *page;
    uint32_t ref, port;
    struct vscsiif_front_ring front;
    struct io *flight[RING_SLOTS];
    unsigned in_flight;
    uint16_t next_rqid;
    bool reuses_ids;   /* the lowest id that is free, as most frontends do */
    unsigned reserved; /* slots that the load must leave free for single commands that wait */
    /* Called for each thing that the backend must never do. */
    void (*violation)(void *ctx, const char *what);
    void *ctx;
    uint64_t requests, responses, events, spurious, notifies;
};

/* Grants a ring page to the backend and allocates a port for it. 0 or -errno. */
int ring_up(struct ring *r, struct xen *xen, uint16_t backend);
/* Ends all in flight with -ECONNRESET, gives page and port back. 0, or -errno of what could not be. */
int ring_down(struct ring *r);

/* A request id that is not in flight. */
uint16_t ring_fresh_rqid(struct ring *r);
/* Requests that fit now. */
unsigned ring_room(const struct ring *r);
/* Puts io->req on the ring as it is, unpublished. 0, -EAGAIN (full) or -ENOTCONN. */
int ring_put(struct ring *r, struct io *io);
/* Publishes what was put, and notifies when the backend asked for it. */
void ring_push(struct ring *r);
void ring_send_event(struct ring *r);
/* Takes all events and responses that are there. */
void ring_process(struct ring *r);
/* Waits for ring events only, until io is done. 0, or -ETIMEDOUT. */
int ring_wait(struct ring *r, struct io *io, unsigned timeout_ms);
/* The request is no longer waited for; a response to it is a violation from now on. */
void ring_forget(struct ring *r, struct io *io);

#endif
