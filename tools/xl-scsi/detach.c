// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Detaching: state 5 for the devices and 7 for their vhost, or, with the last device, 5 for the vhost
 * itself; then 6 is awaited and the nodes go. If backend or guest does not answer, everything is put back as it was.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "detach.h"
#include "hyp.h"

/* Positive results of a transaction: it was dropped, for this reason. */
enum step {
    STEP_GONE = 1,
    STEP_BUSY = 2,
    STEP_WAIT = 3
};

struct removal {
    struct change *c;
    uint32_t backend, id;
    const uint32_t *n;
    unsigned count;
    bool began, whole; /* our states are written; for the whole vhost */
    bool force;
    unsigned state, fe_state; /* last seen, for the message */
};

static bool is_ours(const struct removal *r, uint32_t n)
{
    for (unsigned i = 0; i < r->count; i++)
        if (r->n[i] == n)
            return true;
    return false;
}

static void rm_dev(struct xenstore *s, uint32_t domid, const struct vhost_view *h, uint32_t n)
{
    xenstore_rm(s, DEV_FMT, h->backend, domid, h->id, n);
    xenstore_rm(s, FE_DEV_FMT, domid, h->id, n);
}

/* Both trees, and the directories above that have become empty. */
static void rm_vhost(struct xenstore *s, uint32_t domid, uint32_t backend, uint32_t id)
{
    unsigned n;

    xenstore_rm(s, FE_FMT, domid, id);
    xenstore_rm(s, BE_FMT, backend, domid, id);
    CLEANUP_FREE char **left = xenstore_dir(s, &n, "/local/domain/%u/backend/vscsi/%u", backend, domid);

    if (!left)
        xenstore_rm(s, "/local/domain/%u/backend/vscsi/%u", backend, domid);
    CLEANUP_FREE char **others = xenstore_dir(s, &n, "/local/domain/%u/device/vscsi", domid);

    if (!others)
        xenstore_rm(s, "/local/domain/%u/device/vscsi", domid);
}

static void put_state(struct xenstore *s, uint32_t domid, const struct vhost_view *h, unsigned state)
{
    xenstore_write_u32(s, state, BE_FMT "/state", h->backend, domid, h->id);
}

static void put_dev_state(struct xenstore *s, uint32_t domid, const struct vhost_view *h, uint32_t n, unsigned state)
{
    xenstore_write_u32(s, state, DEV_FMT "/state", h->backend, domid, h->id, n);
}

/* No frontend has ever connected, or the last one has closed: neither side needs to be asked. */
static bool unconnected(const struct vhost_view *h)
{
    bool fe_idle = !h->has_frontend || h->fe_state <= 1 || h->fe_state == 6;

    return fe_idle && (h->state <= 2 || h->state == 6);
}

/* The last device: the whole vhost goes. */
static int step_whole(struct xenstore *s, struct removal *r, struct vhost_view *h)
{
    uint32_t domid = r->c->domid;

    if (unconnected(h) || (h->state == 6 && !h->online) || r->force) {
        rm_vhost(s, domid, h->backend, h->id);
        return 0;
    }
    if (h->state == 5 && !h->online)
        return STEP_WAIT;
    if (r->began && h->state != 4)
        return STEP_WAIT;
    if (h->state == 7 || h->state == 8)
        return STEP_BUSY;
    xenstore_write(s, "0", BE_FMT "/online", h->backend, domid, h->id);
    put_state(s, domid, h, 5);
    r->began = r->whole = true;
    return 0;
}

/* Some of several devices. */
static int step_some(struct xenstore *s, struct removal *r, struct vhost_view *h)
{
    uint32_t domid = r->c->domid;
    bool asked = false, reconfiguring = h->state == 7 || h->state == 8;

    if (!unconnected(h) && !r->force) {
        for (unsigned i = 0; i < h->n_devs; i++) {
            struct dev_view *d = &h->devs[i];

            /* A paused guest that has never looked at the device need not be asked. */
            if (d->state == 3 && d->fe_state == 0 && h->state == 7 && h->fe_state == 4 && hyp_domain_paused(domid) == 1)
                continue;
            if (is_ours(r, d->n) && d->state >= 3 && d->state != 6) {
                asked = true;
                if (d->state != 5 && !reconfiguring)
                    put_dev_state(s, domid, h, d->n, 5);
            }
        }
        if (asked && r->began && (reconfiguring || h->state != 4))
            return STEP_WAIT;
        if (asked && (h->state != 4 || h->fe_state != 4))
            return STEP_BUSY;
        if (asked) {
            put_state(s, domid, h, 7);
            r->began = true;
            return 0;
        }
        /* Our devices are at 6; the frontend may still be on its way back to 4. */
        if (r->began && reconfiguring)
            return STEP_WAIT;
    }
    for (unsigned i = 0; i < h->n_devs; i++)
        if (is_ours(r, h->devs[i].n))
            rm_dev(s, domid, h, h->devs[i].n);
    return 0;
}

/* Reads the states once and does the next step. */
static int step(struct xenstore *s, void *ctx)
{
    struct removal *r = ctx;
    struct vhost_view h;
    unsigned ours = 0, others = 0;
    int result = view_load_vhost(s, r->c->domid, r->backend, r->id, &h);

    for (unsigned i = 0; i < h.n_devs; i++) {
        ours += is_ours(r, h.devs[i].n);
        others += !is_ours(r, h.devs[i].n) && h.devs[i].state != 6;
    }
    if (result == 0) {
        r->state = h.state;
        r->fe_state = h.fe_state;
    }
    if (result == -ENOENT || (result == 0 && ours == 0))
        result = STEP_GONE;
    else if (result == 0 && others == 0)
        result = step_whole(s, r, &h);
    else if (result == 0)
        result = step_some(s, r, &h);
    vhost_view_clear(&h);
    return result;
}

/*
 * There was no answer: everything becomes as it was, so that the guest keeps its device and the next change finds a
 * sane state. What the guest has removed already it does not get back by a state 4: that stays at 5, and the vhost at
 * 7, until the backend takes note.
 */
static int put_back(struct xenstore *s, void *ctx)
{
    struct removal *r = ctx;
    uint32_t domid = r->c->domid;
    struct vhost_view h;
    int result = view_load_vhost(s, domid, r->backend, r->id, &h);

    if (result == 0 && r->whole && h.state == 5 && h.fe_state == 4) {
        xenstore_write(s, "1", BE_FMT "/online", h.backend, domid, h.id);
        put_state(s, domid, &h, 4);
    } else if (result == 0 && !r->whole) {
        bool removed = false;

        for (unsigned i = 0; i < h.n_devs; i++) {
            const struct dev_view *d = &h.devs[i];

            if (!is_ours(r, d->n) || d->state != 5)
                continue;
            if (d->fe_state == 6)
                removed = true;
            else
                put_dev_state(s, domid, &h, d->n, 4);
        }
        if (h.state == 7 && h.fe_state == 4 && !removed && !view_has_untaken(&h))
            put_state(s, domid, &h, 4);
    }
    vhost_view_clear(&h);
    return result == -ENOENT ? 0 : result;
}

static int no_answer(struct removal *r)
{
    return change_failed(r->c, -ETIMEDOUT, "time-out: %s; backend state %u (%s), guest's state %u (%s)",
                         change_silent_side(r->c, r->backend, r->id, r->state, r->fe_state), r->state,
                         state_name(r->state), r->fe_state, state_name(r->fe_state));
}

int detach_devs(struct change *c, uint32_t backend, uint32_t id, const uint32_t *n, unsigned count)
{
    struct removal rm = { .c = c, .backend = backend, .id = id, .n = n, .count = count };
    struct xenstore *s = c->store;
    int r = xenstore_watch(s, "detach", BE_FMT, backend, c->domid, id);

    if (r == 0)
        r = xenstore_watch(s, "detach-fe", FE_FMT, c->domid, id);
    while (r >= 0) {
        r = xenstore_transact(s, step, &rm);
        c->waits_for = change_is_backends_turn(rm.state, rm.fe_state) ? "the backend to close the device"
                                                                      : "the guest to release the device";
        if (r == STEP_GONE || (r == 0 && s->dry_run))
            break;
        /* What a step has written is the next event. If the time is over, it may have been the last step. */
        if (r == 0 && !rm.force)
            change_wait(c, backend, id);
        else if (r == STEP_WAIT || r == STEP_BUSY)
            r = change_wait(c, backend, id);
        if ((r == -ETIMEDOUT || r == -EINTR) && c->force && !rm.force) {
            rm.force = true;
            r = 0;
        }
    }
    xenstore_unwatch(s, "detach", BE_FMT, backend, c->domid, id);
    xenstore_unwatch(s, "detach-fe", FE_FMT, c->domid, id);
    if (r >= 0)
        return 0;
    if (rm.began)
        xenstore_transact(s, put_back, &rm);
    return r == -ETIMEDOUT ? no_answer(&rm) : change_store_failed(c, r);
}

int detach_run(struct change *c, const struct hctl *vdev)
{
    const struct vhost_view *h = NULL;
    struct dev_view *d = NULL;
    struct guest_view v;
    int r;

    change_begin(c);
    r = change_find(c, vdev, &v, &h, &d);
    if (r == 0)
        r = detach_devs(c, h->backend, h->id, &d->n, 1);
    view_clear(&v);
    return r;
}
