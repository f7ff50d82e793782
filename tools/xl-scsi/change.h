/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two changes a toolstack makes: attaching devices to a guest and detaching them, each as PROTOCOL's
 * sequences have it: nodes in one transaction, then waiting for backend and guest.
 */
#ifndef XL_SCSI_CHANGE_H
#define XL_SCSI_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"
#include "syntax.h"
#include "view.h"

#define CHANGE_ERROR_MAX 1024

struct change {
    struct store *store;
    uint32_t domid;
    uint64_t timeout_us;  /* how long everybody has to answer */
    uint64_t deadline_us; /* of the change under way, CLOCK_MONOTONIC; set by attach_run() and detach_run() */
    int lock;             /* fd or -1: what was checked before holds until the nodes are there; then closed */
    /* attach: takes the lock and checks entries; after each wait again, which no lock is held over. NULL: neither */
    int (*claim)(struct change *c, const struct vscsi_entry *e, unsigned n);
    bool no_wait;                 /* attach: be content once the backend has the device */
    bool force;                   /* detach: delete the nodes even if nobody answers */
    char error[CHANGE_ERROR_MAX]; /* one line, without a full stop, after a negative result */
};

enum {
    ATTACH_CONNECTED = 0,
    ATTACH_TAKEN = 1,
    ATTACH_NO_FRONTEND = 2
};

/*
 * Attaches all n entries or none. ATTACH_CONNECTED: the guest uses them. ATTACH_TAKEN: the backend has
 * them all (state 3), and the guest, which cannot answer now (or need not: no_wait), gets them when its frontend
 * connects. ATTACH_NO_FRONTEND: the same, but it runs and should have answered. Otherwise
 * -errno and c->error, with everything undone. With c->store->dry_run it only prints, and gives 0.
 */
int attach_run(struct change *c, const struct vscsi_entry *entries, unsigned n);

/* Detaches one device by its v-dev. 0 once it is really gone; else -errno, c->error, and it stays. */
int detach_run(struct change *c, const struct hctl *vdev);

/* The inner part: removes devs n[0..count) of a vhost; those that are not there do not count. */
int detach_devs(struct change *c, uint32_t backend, uint32_t id, const uint32_t *n, unsigned count);

/* Notes what went wrong, once: a later call does not replace it. Returns r (negative). */
int change_failed(struct change *c, int r, const char *fmt, ...) PRINTF(3, 4);
/* change_failed() for a store_* result that needs no more context. */
int change_store_failed(struct change *c, int r);
/*
 * What run_lock() gave: 0 with the lock, or where there can be none; else -errno and the reason. busy: who is
 * likely to have it.
 */
int change_locked(struct change *c, int fd, const char *busy);

#endif
