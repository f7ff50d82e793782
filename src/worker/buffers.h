/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data buffers of a vhost's commands. A buffer is either plain memory or memory of xen-gntalloc that is granted to
 * our own domain. The hypervisor copies from grant to grant without a look-up of our pages in the kernel, which costs
 * about 1,000 instructions a page in a PV domain (drivers/xen/gntdev.c, gntdev_grant_copy_seg()).
 *
 * Granted memory cannot be swapped, and it takes entries of the domain's grant table. So the control process allots it
 * in pages, over all vhosts; it is taken when a transfer needs it, and given back when nothing used it for a while.
 * Where there is none, plain memory serves, buffer by buffer. This file knows no commands and no SCSI.
 */
#ifndef PVSCSI_BUFFERS_H
#define PVSCSI_BUFFERS_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/request.h"
#include "xen/xen-ops.h"

#define BUFFER_PAGE 4096u
/* The most data of a request, and a page because the guest's data may start anywhere in its first page. */
#define BUFFER_BYTES (REQUEST_DATA_MAX + BUFFER_PAGE)
/* Granted buffers have one of two sizes: for 64 KiB, which most transfers of guests do not exceed, or for all. */
#define BUFFER_SMALL_PAGES 17u
#define BUFFER_LARGE_PAGES (BUFFER_BYTES / BUFFER_PAGE)
/* Granted memory that nothing used for this long is given back, in microseconds. */
#define BUFFERS_IDLE_US 10000000u
/* At most so many commands have a buffer at a time. */
#define BUFFERS_MAX 32u

struct granted_memory;

struct buffer {
    uint8_t *pages;                 /* page-aligned */
    struct granted_memory *granted; /* whose pages these are; NULL: plain memory */
    const uint32_t *refs;           /* grant reference of each page, granted to our own domain; NULL: plain memory */
    uint32_t room;                  /* bytes */
    uint32_t missing;               /* pages of granted memory that would have served, but were not allotted */
};

struct granted_memory {
    uint8_t *pages; /* NULL: this place is free */
    uint32_t *refs;
    uint32_t n_pages;
    bool taken;
};

struct buffers {
    struct xen *xen;
    const char *prefix;
    uint16_t own_domid;
    unsigned count;        /* commands */
    uint8_t *plain;        /* count times BUFFER_BYTES; only what is used takes memory */
    uint32_t allot;        /* pages that the control process lets us have */
    uint32_t held;         /* pages that we have; more than allot only until commands end */
    uint32_t missing;      /* the sum of missing of all buffers that are in use */
    uint32_t most_missing; /* the most of it since the last buffers_wish(); 0: nothing was missing */
    bool unused;           /* the kernel refused some of what is allotted: others may have it */
    bool refused_said;
    uint64_t used_us;    /* when granted memory was taken last */
    uint64_t refused_us; /* when the kernel refused some; 0: not lately */
    struct granted_memory granted[2 * BUFFERS_MAX];
    unsigned used; /* places of granted[] that were ever in use: no other has memory */
};

/* xen must be open for sharing, else all buffers are plain. count: at most BUFFERS_MAX. 0 or -ENOMEM. */
int buffers_init(struct buffers *b, struct xen *xen, const char *prefix, uint16_t own_domid, unsigned count);
/* Gives everything back. No device may be working on a buffer any more. */
void buffers_deinit(struct buffers *b);

/* The plain buffer of command `index`, which is always there. */
struct buffer buffers_plain(const struct buffers *b, unsigned index);
/*
 * A buffer for `bytes` (at most BUFFER_BYTES) of command `index`: granted if there is enough such memory, else the
 * plain one.
 */
struct buffer buffers_take(struct buffers *b, unsigned index, uint32_t bytes, uint64_t now);
/* The command is over. After this the buffer is its plain one. */
void buffers_give(struct buffers *b, unsigned index, struct buffer *buffer);

/* From now on at most this many pages. What is not in use beyond that is given back at once, the rest when it is. */
void buffers_allot(struct buffers *b, uint32_t pages);
/* Gives back all that no command uses. */
void buffers_release_idle(struct buffers *b);
/* True: the control process should hear buffers_wish(). */
bool buffers_has_wish(const struct buffers *b);
/* The pages that we would like to have in all: what we have, and the most that was missing since the last call. */
uint32_t buffers_wish(struct buffers *b);

#endif
