/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change of a guest's devices (attach.h, detach.h, set.h): which guest it is about, how long it may take, and in one
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
/* A backend that runs gives a sign of life in milliseconds. Without one, a change gives up after this time. */
#define CHANGE_SERVED_US (10 * 1000000ull)
#define CHANGE_AWAY \
    "pvscsid does not answer, because it does not run in this domain: start it (systemctl start pvscsid)"

struct change {
    struct xenstore *store;
    uint32_t domid;
    uint64_t timeout_us;  /* how long backend and guest may take to answer */
    uint64_t deadline_us; /* of the change under way, CLOCK_MONOTONIC; set by change_begin() */
    uint64_t begun_us;    /* set by change_begin() */
    uint64_t ask_us;      /* set by change_begin(): when to ask (again) whether pvscsid runs */
    uint64_t away_us;     /* when it was first found not to run; 0: it runs, or was not asked for */
    int lock;             /* fd or -1: keeps what was checked true until the nodes are written; then it is closed */
    /* attach: takes the lock and checks entries; after each wait again, which no lock is held over. NULL: neither */
    int (*claim)(struct change *c, struct vscsi_entry *e, unsigned n);
    const char *waits_for;        /* for progress.h; NULL, as after change_begin(): backend and guest */
    bool no_wait;                 /* attach: succeed as soon as the backend has the device */
    bool force;                   /* detach: delete the nodes even if backend or guest does not answer */
    bool refused;                 /* the error is a refusal: see change_refused() */
    char error[CHANGE_ERROR_MAX]; /* one line, without a full stop, after a negative result */
};

/* The times of the change begin now. */
void change_begin(struct change *c);
/*
 * The backend of this vhost is this domain's pvscsid, and it does not run. False where that cannot be known: of a
 * driver domain, and of a vhost that the kernel's backend has.
 */
bool change_backend_is_away(const struct change *c, uint32_t backend, uint32_t id);
/* ... and it runs. False also where that cannot be known. */
bool change_backend_runs(const struct change *c, uint32_t backend, uint32_t id);
/*
 * True: the change need not wait any more, because pvscsid was away at two questions, one after the other. The second
 * is asked CHANGE_SERVED_US after the begin of the change, or later. (A daemon that is being restarted is away at one
 * of them.) Lowers *wake to the time of the next question.
 */
bool change_is_vain(struct change *c, uint32_t backend, uint32_t id, uint64_t *wake);
/* xenstore_wait() until deadline_us. A long one shows c->waits_for on a terminal (progress.h). */
int change_pause(struct change *c, uint64_t deadline_us);
/* change_pause() until c->deadline_us; -ETIMEDOUT also if change_is_vain(). */
int change_wait(struct change *c, uint32_t backend, uint32_t id);
/* It is for the backend of a vhost in these states (0..8) to do the next step; else it is for the guest. */
bool change_is_backends_turn(unsigned state, unsigned fe_state);
/*
 * The words that tell the user which side of a vhost in these states (0..8) did not answer, and what to do if pvscsid
 * does not run.
 */
const char *change_silent_side(const struct change *c, uint32_t backend, uint32_t id, unsigned state,
                               unsigned fe_state);

/*
 * The guest's device at this v-dev, and its vhost: both point into *v, which view_clear() frees, also after a failure.
 * 0, or -errno and c->error.
 */
int change_find(struct change *c, const struct hctl *vdev, struct guest_view *v, const struct vhost_view **host,
                struct dev_view **dev);

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
 * What run_lock() gave: 0 with the lock, or where there can be none; else -errno and the reason. busy: what
 * is likely to have it.
 */
int change_locked(struct change *c, int fd, const char *busy);

#endif
