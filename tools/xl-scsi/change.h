/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change of a guest's devices (attach.h, detach.h): which guest it is about, how long it may take, and in one
 * line what went wrong. It makes no change itself.
 */
#ifndef XL_SCSI_CHANGE_H
#define XL_SCSI_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "xenstore.h"
#include "syntax.h"
#include "view.h"

#define CHANGE_ERROR_MAX 1024

struct change {
    struct xenstore *store;
    uint32_t domid;
    uint64_t timeout_us;  /* how long backend and guest may take to answer */
    uint64_t deadline_us; /* of the change under way, CLOCK_MONOTONIC; set by the function that runs it */
    int lock;             /* fd or -1: keeps what was checked true until the nodes are written; then it is closed */
    /* attach: takes the lock and checks entries; after each wait again, which no lock is held over. NULL: neither */
    int (*claim)(struct change *c, struct vscsi_entry *e, unsigned n);
    bool no_wait;                 /* attach: succeed as soon as the backend has the device */
    bool force;                   /* detach: delete the nodes even if backend or guest does not answer */
    bool refused;                 /* the error is a refusal: see change_refused() */
    char error[CHANGE_ERROR_MAX]; /* one line, without a full stop, after a negative result */
};

/* Notes what went wrong. A later call does not replace the text. Returns r (negative). */
int change_failed(struct change *c, int r, const char *fmt, ...) PRINTF(3, 4);
/*
 * The same for a refusal: backend, guest or this program has looked at the request and does not want it. Trying again
 * does not help until something is changed.
 */
int change_refused(struct change *c, int r, const char *fmt, ...) PRINTF(3, 4);
/* change_failed() for a xenstore_* result that needs no more context. */
int change_store_failed(struct change *c, int r);
/*
 * What run_lock() gave: 0 with the lock, or where there can be none; else -errno and the reason. busy: who is
 * likely to have it.
 */
int change_locked(struct change *c, int fd, const char *busy);

#endif
