// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaching: each vhost's share of the request is placed in one transaction, which also decides the
 * numbers of its devs, so that two tools that work at the same time cannot collide. Then the answers of
 * backend and guest are awaited. If anything fails, everything that was placed is removed.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "attach.h"
#include "detach.h"
#include "device/identity.h"
#include "hyp.h"
#include "run.h"

enum {
    UNDO_S = 5,                /* the time that backend and guest have to release a device again */
    FRONTEND_US = 5 * 1000000, /* if a running guest's driver has not answered by then, there is none */
    NUDGE_US = 1000000,
    FEW = 4,
    FOREIGN_MAX = 512, /* bytes of a driver domain's text in a message */
};

enum dev_outcome {
    DEV_PENDING,
    DEV_CONNECTED,
    DEV_TAKEN,
    DEV_REFUSED,
    DEV_REFUSED_BY_GUEST,
    DEV_VANISHED
};

struct share {
    struct vscsi_entry *entry;
    uint32_t n; /* dev-N, once placed */
    enum dev_outcome outcome;
    unsigned state;
};

struct target {
    struct change *c;
    const struct vscsi_entry *entries;
    uint32_t backend, host, id;
    bool feature_host;
    bool foreign; /* the backend is a driver domain */
    struct share *shares;
    unsigned n_shares, n_later;  /* n_later: those of the targets that are placed after this one */
    bool placed, created, asked; /* asked: state 7 was written */
    unsigned state, fe_state;
    uint64_t placed_us, taken_us, stuck_us;
};

static void vdev_text(const struct share *sh, char text[HCTL_TEXT_MAX])
{
    hctl_format(&sh->entry->vdev, text);
}

/*
 * Nodes that the backend fills. What a driver domain makes itself counts for its quota of 1000 nodes, what is ours does
 * not.
 */
static void make_for_backend(struct xenstore *s, const char *dir, const char *const *nodes)
{
    for (; *nodes; nodes++)
        xenstore_write(s, "", "%s/%s", dir, *nodes);
}

static void write_dev(struct xenstore *s, const struct target *t, const struct share *sh)
{
    char dir[XENSTORE_PATH_MAX], vdev[HCTL_TEXT_MAX];

    snprintf(dir, sizeof(dir), DEV_FMT, t->backend, t->c->domid, t->id, sh->n);
    vdev_text(sh, vdev);
    /* Xen's pvscsi.txt: p-dev is an address, p-devname the user's name for it. Only the backend may know the address. */
    xenstore_write(s, sh->entry->at[0] ? sh->entry->at : sh->entry->pdev, "%s/p-dev", dir);
    xenstore_write(s, sh->entry->pdev, "%s/p-devname", dir);
    if (sh->entry->unit)
        xenstore_write(s, sh->entry->unit, "%s/unit", dir);
    xenstore_write(s, vdev, "%s/v-dev", dir);
    if (sh->entry->readonly)
        xenstore_write(s, "1", "%s/readonly", dir);
    if (sh->entry->pr)
        xenstore_write(s, sh->entry->pr, "%s/pr", dir);
    if (sh->entry->pr_move)
        xenstore_write(s, "1", "%s/pr-move", dir);
    if (sh->entry->pr_force)
        xenstore_write(s, "1", "%s/pr-force", dir);
    if (sh->entry->force)
        xenstore_write(s, "1", "%s/force", dir);
    if (sh->entry->allow)
        xenstore_write(s, sh->entry->allow, "%s/allow", dir);
    if (sh->entry->deny)
        xenstore_write(s, sh->entry->deny, "%s/deny", dir);
    if (sh->entry->third_party_copy)
        xenstore_write(s, "1", "%s/third-party-copy", dir);
    if (t->foreign)
        make_for_backend(s, dir, (const char *const[]){ "p-hctl", "p-wwid", "p-type", "error", NULL });
    /* The state is last: a backend that sees it finds all other nodes. */
    xenstore_write(s, "1", "%s/state", dir);
    /* A state 6 that an earlier dev of this number left there would be taken for a refusal of this one. */
    xenstore_rm(s, FE_DEV_FMT, t->c->domid, t->id, sh->n);
}

static void write_vhost(struct xenstore *s, const struct target *t)
{
    uint32_t domid = t->c->domid;
    char be[XENSTORE_PATH_MAX], fe[XENSTORE_PATH_MAX];

    snprintf(be, sizeof(be), BE_FMT, t->backend, domid, t->id);
    snprintf(fe, sizeof(fe), FE_FMT, domid, t->id);
    /* What was left under this name, in the frontend's tree too, belongs to no vhost any more. */
    xenstore_rm(s, "%s", be);
    xenstore_rm(s, "%s", fe);

    /* Children are made with the owner and rights of their parent. */
    xenstore_mkdir(s, domid, domid, t->backend, "%s", fe);
    xenstore_write(s, be, "%s/backend", fe);
    xenstore_write_u32(s, t->backend, "%s/backend-id", fe);
    xenstore_write(s, "1", "%s/state", fe);

    /* Ours, not the backend's, because of a driver domain's quota. It may write them all. */
    xenstore_mkdir(s, own_domid(s), t->backend, domid, "%s", be);
    xenstore_write(s, fe, "%s/frontend", be);
    xenstore_write_u32(s, domid, "%s/frontend-id", be);
    xenstore_write(s, "1", "%s/online", be);
    xenstore_write_u32(s, t->feature_host, "%s/feature-host", be);
    xenstore_write_u32(s, t->host, "%s/libxl_ctrl_index", be);
    if (t->foreign) {
        make_for_backend(s, be, (const char *const[]){ "error", NULL });
        xenstore_write(s, "0", "%s/feature-sg-grant", be); /* as if it was not there */
    }
    for (unsigned i = 0; i < t->n_shares; i++)
        write_dev(s, t, &t->shares[i]);
    xenstore_write(s, "1", "%s/state", be);
}

static bool id_in_use(const struct guest_view *v, uint32_t id)
{
    for (unsigned i = 0; i < v->n_vhosts; i++)
        if (v->vhosts[i].id == id)
            return true;
    return false;
}

/*
 * A guest that was restored without this vhost, and whose driver has noticed (it writes an error node), never takes the
 * same number again: Linux keeps its old device of this number, and does not look at it any more.
 */
static bool id_is_spoilt(struct xenstore *s, uint32_t domid, uint32_t id)
{
    return xenstore_exists(s, "/local/domain/%u/error/device/vscsi/%u", domid, id);
}

static bool dev_in_use(const struct vhost_view *h, uint32_t n)
{
    for (unsigned i = 0; i < h->n_devs; i++)
        if (h->devs[i].n == n && h->devs[i].state != 6)
            return true;
    return false;
}

static int place_new(struct xenstore *s, struct target *t, const struct guest_view *v)
{
    t->id = t->host;
    if (id_in_use(v, t->id) || id_is_spoilt(s, v->domid, t->id))
        for (t->id = 0; id_in_use(v, t->id) || id_is_spoilt(s, v->domid, t->id);)
            t->id++;
    for (unsigned i = 0; i < t->n_shares; i++)
        t->shares[i].n = i;
    t->created = true;
    write_vhost(s, t);
    return 0;
}

/* Can these devices be added to a vhost that exists? 0 or -errno with the reason. */
static int check_existing(struct target *t, const struct vhost_view *h)
{
    char vdev[HCTL_TEXT_MAX];

    if (h->backend != t->backend)
        return change_refused(t->c, -EEXIST,
                              "virtual host %u is served by backend domain %u, not by %u: "
                              "use another host number in the v-dev",
                              t->host, h->backend, t->backend);
    if (h->feature_host != t->feature_host)
        return change_refused(t->c, -EEXIST,
                              "virtual host %u is there with%s feature-host, which holds for "
                              "all its devices: give the same option, or another host number in the v-dev",
                              t->host, h->feature_host ? "" : "out");
    for (unsigned i = 0; i < t->n_shares; i++) {
        const struct dev_view *d = view_dev(h, &t->shares[i].entry->vdev);

        if (!d || d->state == 6)
            continue;
        const char *text = view_name(d) ? view_name(d) : "unknown";
        char pdev[FOREIGN_MAX];

        vdev_text(&t->shares[i], vdev);
        escape_for_log(pdev, sizeof(pdev), text, strlen(text));
        return change_refused(t->c, -EEXIST, "v-dev %s is taken already (by p-dev %s, state %u %s)", vdev, pdev,
                              d->state, state_name(d->state));
    }
    return 0;
}

static int place_existing(struct xenstore *s, struct target *t, struct vhost_view *h)
{
    bool connected = h->state == 4 && h->fe_state == 4;
    /* Another change has asked, and the backend has not said 8 yet: it takes this device in the same round. */
    bool joins = h->state == 7 && (h->fe_state == 4 || h->fe_state == 7);
    bool idle = (h->state <= 2 || h->state == 6) && (h->fe_state <= 1 || h->fe_state == 6);
    uint32_t next = 0;
    int r = check_existing(t, h);

    if (r < 0)
        return r;
    if (!connected && !idle && !joins)
        return -EINPROGRESS;
    t->id = h->id;
    for (unsigned i = 0; i < h->n_devs; i++)
        /* Ours replaces one with this v-dev that was refused. */
        for (unsigned k = 0; k < t->n_shares; k++)
            if (h->devs[i].state == 6 && hctl_equal(&h->devs[i].vdev, &t->shares[k].entry->vdev))
                xenstore_rm(s, DEV_FMT, h->backend, t->c->domid, h->id, h->devs[i].n);
    for (unsigned i = 0; i < t->n_shares; i++) {
        while (dev_in_use(h, next) || xenstore_exists(s, DEV_FMT, h->backend, t->c->domid, h->id, next))
            next++;
        t->shares[i].n = next++;
        write_dev(s, t, &t->shares[i]);
    }
    t->asked = connected;
    if (connected)
        xenstore_write(s, "7", BE_FMT "/state", h->backend, t->c->domid, h->id);
    return 0;
}

/* -EINPROGRESS: the vhost is changing its state; wait and look again. */
static int place(struct xenstore *s, void *ctx)
{
    struct target *t = ctx;
    struct guest_view v;
    int r;

    t->created = t->asked = false;
    if (!xenstore_exists(s, "/local/domain/%u", t->c->domid))
        return change_failed(t->c, -ENOENT, "domain %u is gone", t->c->domid);
    r = view_load_near(s, t->c->domid, t->backend, &v);
    if (r < 0)
        return r;
    struct vhost_view *h = view_host(&v, t->host);

    if (h) {
        t->id = h->id;
        t->state = h->state;
        t->fe_state = h->fe_state;
    }
    bool over = h && (!h->online || !h->has_frontend);

    if (h && !over)
        r = place_existing(s, t, h);
    else if (h && h->state > 1 && h->state != 6)
        r = -EINPROGRESS; /* another tool removes it at this moment */
    else {
        if (h)
            xenstore_rm(s, BE_FMT, h->backend, v.domid, h->id);
        r = place_new(s, t, &v);
    }
    view_clear(&v);
    return r;
}

static const char *silent_side(const struct target *t)
{
    bool dev_waits_for_backend = false;

    for (unsigned i = 0; i < t->n_shares; i++)
        if (t->shares[i].outcome == DEV_PENDING && t->shares[i].state < 3)
            dev_waits_for_backend = true;
    if (change_backend_is_away(t->c, t->backend, t->id))
        return CHANGE_AWAY;
    if (t->state <= 1)
        return "no backend serves this (is pvscsid running there?)";
    if (t->state == 7 && t->fe_state != 7)
        return "the guest did not answer";
    if ((t->state == 2 || t->state == 6 || t->state == 7) && dev_waits_for_backend)
        return "the backend did not answer (is pvscsid running there?)";
    if (t->state == 2 && t->fe_state == 3)
        return "the backend did not connect (is pvscsid running there?)";
    return "the guest did not connect it";
}

/* The backend's reason: that of the device, or that of the vhost. "" without one. */
static void said_by_backend(struct target *t, const struct share *sh, char safe[FOREIGN_MAX])
{
    CLEANUP_FREE char *why = xenstore_read(t->c->store, DEV_FMT "/error", t->backend, t->c->domid, t->id, sh->n);
    CLEANUP_FREE char *host_why = xenstore_read(t->c->store, BE_FMT "/error", t->backend, t->c->domid, t->id);
    const char *text = why && *why ? why : host_why ? host_why : "";

    escape_for_log(safe, FOREIGN_MAX, text, strlen(text));
}

static int timed_out(struct target *t)
{
    char vdev[HCTL_TEXT_MAX], said[FOREIGN_MAX];
    const struct share *sh = &t->shares[0];
    const char *hint = hyp_kernel_backend(t->c->domid, t->backend, t->id)
                           ? "; the kernel's xen-scsiback has taken this vhost (rmmod it, and see vscsi(7))"
                           : "";

    for (unsigned i = 0; i < t->n_shares; i++)
        if (t->shares[i].outcome == DEV_PENDING) {
            sh = &t->shares[i];
            break;
        }
    vdev_text(sh, vdev);
    said_by_backend(t, sh, said);
    return change_failed(t->c, -ETIMEDOUT,
                         "time-out for v-dev %s: %s; backend state %u (%s), device state %u "
                         "(%s), guest's state %u (%s)%s%s%s",
                         vdev, silent_side(t), t->state, state_name(t->state), sh->state, state_name(sh->state),
                         t->fe_state, state_name(t->fe_state), hint, said[0] ? "; the backend says: " : "", said);
}

static void drop_lock(struct change *c)
{
    if (c->lock >= 0)
        close(c->lock);
    c->lock = -1;
}

/* Checks again after a wait that the devices are free: those of this target, and those that are not placed yet. */
static int claim_again(struct target *t)
{
    unsigned n = t->n_shares + t->n_later;
    CLEANUP_FREE struct vscsi_entry *e = calloc(n, sizeof(*e));

    if (!t->c->claim)
        return 0;
    if (!e)
        return -ENOMEM;
    /* The shares of all targets are in one array, in the order of the targets. */
    for (unsigned i = 0; i < n; i++)
        e[i] = *t->shares[i].entry;
    return t->c->claim(t->c, e, n);
}

/* Sets or removes one watch. */
static int heed(struct xenstore *s, bool on, const char *dir, const char *name)
{
    if (on)
        return xenstore_watch(s, "attach", "%s%s", dir, name);
    xenstore_unwatch(s, "attach", "%s%s", dir, name);
    return 0;
}

/* Until a target has its place, all vhosts of the guest count. */
static int heed_guest(const struct target *t, bool on)
{
    char be[XENSTORE_PATH_MAX], fe[XENSTORE_PATH_MAX];

    snprintf(be, sizeof(be), "/local/domain/%u/backend/vscsi/%u", t->backend, t->c->domid);
    snprintf(fe, sizeof(fe), "/local/domain/%u/device/vscsi", t->c->domid);
    int r = heed(t->c->store, on, be, "");

    return r < 0 ? r : heed(t->c->store, on, fe, "");
}

/*
 * Then only what is told about it. A few devices are watched one by one, because all the others of the vhost may change
 * too at this moment.
 */
static int heed_answers(const struct target *t, bool on)
{
    char be[XENSTORE_PATH_MAX], fe[XENSTORE_PATH_MAX], dev[32];
    bool few = t->n_shares <= FEW;
    int r;

    snprintf(be, sizeof(be), BE_FMT, t->backend, t->c->domid, t->id);
    snprintf(fe, sizeof(fe), FE_FMT, t->c->domid, t->id);
    r = heed(t->c->store, on, be, few ? "/state" : "");
    if (r == 0)
        r = heed(t->c->store, on, fe, few ? "/state" : "");
    for (unsigned i = 0; r == 0 && few && i < t->n_shares; i++) {
        snprintf(dev, sizeof(dev), "/vscsi-devs/dev-%u", t->shares[i].n);
        r = heed(t->c->store, on, be, dev);
        if (r == 0)
            r = heed(t->c->store, on, fe, dev);
    }
    return r;
}

/* One process at a time: many transactions on the same nodes would only make each other run again. */
static int place_in_turn(struct target *t)
{
    struct change *c = t->c;
    UNUSED CLEANUP_CLOSE int turn = c->store->dry_run ? -1 : run_lock_place(c->domid, c->deadline_us);

    return xenstore_transact(c->store, place, t);
}

/* Places the devices of one vhost. Waits if another change is under way. */
static int place_target(struct target *t)
{
    struct change *c = t->c;
    struct xenstore *s = c->store;
    int r = heed_guest(t, true);

    while (r == 0) {
        r = place_in_turn(t);
        if (r != -EINPROGRESS)
            break;
        /* The lock is not held while waiting: a guest that does not answer must not delay other guests. */
        drop_lock(c);
        r = change_wait(c, t->backend, t->id);
        if (r == 0)
            r = claim_again(t);
    }
    heed_guest(t, false);
    if (r == 0) {
        t->placed = !s->dry_run;
        t->placed_us = now_us();
        r = t->placed ? heed_answers(t, true) : 0;
    }
    if (r == 0)
        return 0;
    if (r == -ETIMEDOUT)
        return change_failed(
            c, r, "time-out: virtual host %u does not settle: %s; backend state %u (%s), guest's state %u (%s)",
            t->host, change_silent_side(c, t->backend, t->id, t->state, t->fe_state), t->state, state_name(t->state),
            t->fe_state, state_name(t->fe_state));
    return change_store_failed(c, r);
}

static void look_at_dev(struct xenstore *s, struct target *t, struct share *sh)
{
    sh->state = xenstore_state(s, DEV_FMT "/state", t->backend, t->c->domid, t->id, sh->n);
    if (sh->state == 4)
        sh->outcome = DEV_CONNECTED;
    else if (sh->state == 6 || sh->state == 5)
        sh->outcome = DEV_REFUSED;
    else if (sh->state == 0 && !xenstore_exists(s, DEV_FMT, t->backend, t->c->domid, t->id, sh->n))
        sh->outcome = DEV_VANISHED;
    else if (xenstore_state(s, FE_DEV_FMT "/state", t->c->domid, t->id, sh->n) == 6)
        sh->outcome = DEV_REFUSED_BY_GUEST;
    else
        sh->outcome = sh->state == 3 ? DEV_TAKEN : DEV_PENDING;
}

/*
 * Reads all that this target waits for. Not in a transaction, because this runs often with many devices: if two
 * values are of different moments, the next event corrects the judgement.
 */
static void look(struct xenstore *s, struct target *t)
{
    t->state = xenstore_state(s, BE_FMT "/state", t->backend, t->c->domid, t->id);
    t->fe_state = xenstore_state(s, FE_FMT "/state", t->c->domid, t->id);
    for (unsigned i = 0; i < t->n_shares; i++) {
        enum dev_outcome o = t->shares[i].outcome;

        if (o != DEV_CONNECTED && !(o == DEV_TAKEN && t->c->no_wait))
            look_at_dev(s, t, &t->shares[i]);
    }
}

static int refused(struct target *t, const struct share *sh)
{
    char vdev[HCTL_TEXT_MAX];
    char safe[FOREIGN_MAX];

    vdev_text(sh, vdev);
    said_by_backend(t, sh, safe);
    if (safe[0] == '\0')
        snprintf(safe, sizeof(safe), "no reason given; see the backend's log");
    if (sh->outcome == DEV_VANISHED)
        return change_failed(t->c, -ENOENT,
                             "v-dev %s: its nodes were removed by somebody else, or the domain is "
                             "gone",
                             vdev);
    if (sh->outcome == DEV_REFUSED_BY_GUEST)
        return change_refused(t->c, -EIO, "v-dev %s was refused by the guest (see its kernel's log)", vdev);
    return change_refused(t->c, -EIO, "v-dev %s was refused by the backend: p-dev %s: %s", vdev, sh->entry->pdev, safe);
}

/*
 * The backend can take a dev at the moment when the guest has finished looking for devs at 3, or can have finished with
 * the devs at 1 when this one was placed. Then neither side does anything more, and the guest has to be asked to look again.
 */
static int nudge(struct xenstore *s, void *ctx)
{
    struct target *t = ctx;

    if (xenstore_state(s, BE_FMT "/state", t->backend, t->c->domid, t->id) == 4
        && xenstore_state(s, FE_FMT "/state", t->c->domid, t->id) == 4)
        xenstore_write(s, "7", BE_FMT "/state", t->backend, t->c->domid, t->id);
    t->asked = true;
    return 0;
}

/* Takes state 7 back: if the guest never answers it, every later change would have to wait. */
static int withdraw(struct xenstore *s, void *ctx)
{
    struct target *t = ctx;
    struct guest_view v;
    int r = view_load_from(s, t->c->domid, &t->backend, 1, &v);

    for (unsigned i = 0; r == 0 && i < v.n_vhosts; i++) {
        const struct vhost_view *h = &v.vhosts[i];

        if (h->id == t->id && h->state == 7 && h->fe_state == 4 && !view_has_untaken(h))
            xenstore_write(s, "4", BE_FMT "/state", t->backend, t->c->domid, t->id);
    }
    view_clear(&v);
    return r;
}

enum progress {
    SETTLED,
    WAITING
};

/* The vhost is connected, but a device is not: after a while the guest is asked to look again. */
static int ask_again(struct target *t, uint64_t now, uint64_t *wake)
{
    if (t->state != 4 || t->fe_state != 4) {
        t->stuck_us = 0;
        return WAITING;
    }
    if (t->stuck_us == 0)
        t->stuck_us = now + NUDGE_US;
    if (now >= t->stuck_us) {
        int r = xenstore_transact(t->c->store, nudge, t);

        t->stuck_us = 0;
        return r < 0 ? change_store_failed(t->c, r) : WAITING;
    }
    *wake = t->stuck_us < *wake ? t->stuck_us : *wake;
    return WAITING;
}

/* 0, or -errno: failed. *wake: when to look again even if nothing changes. *result: raised to the target's result. */
static int judge(struct target *t, uint64_t *wake, int *result)
{
    unsigned pending = 0, taken = 0;
    uint64_t now = now_us();

    for (unsigned i = 0; i < t->n_shares; i++) {
        enum dev_outcome o = t->shares[i].outcome;

        if (o == DEV_REFUSED || o == DEV_REFUSED_BY_GUEST || o == DEV_VANISHED)
            return refused(t, &t->shares[i]);
        pending += o == DEV_PENDING;
        taken += o == DEV_TAKEN;
    }
    if (pending == 0 && taken == 0)
        return SETTLED;
    if (t->state == 1) {
        uint64_t until = t->placed_us + CHANGE_SERVED_US;

        /* One that runs may be slow, while it has many devices to open. */
        if (now >= until && !change_backend_runs(t->c, t->backend, t->id))
            return timed_out(t);
        until = now < until ? until : now + NUDGE_US;
        *wake = until < *wake ? until : *wake;
    }
    if (pending)
        return ask_again(t, now, wake);

    /* The backend has all devices. Is there a guest to wait for? */
    if (t->taken_us == 0)
        t->taken_us = now;
    bool absent = t->fe_state <= 1 || t->fe_state == 6;
    int paused = hyp_domain_paused(t->c->domid);
    uint64_t grace = t->taken_us + (paused == 1 || t->state == 6 ? 0 : FRONTEND_US);

    /* A paused guest takes them when it runs again, whatever the state of its frontend is now. */
    if (t->c->no_wait || paused == 1 || (absent && now >= grace)) {
        int came_to = t->c->no_wait || paused != 0 ? ATTACH_TAKEN : ATTACH_NO_FRONTEND;

        *result = came_to > *result ? came_to : *result;
        return SETTLED;
    }
    if (absent)
        *wake = grace < *wake ? grace : *wake;
    return ask_again(t, now, wake);
}

static int wait_all(struct change *c, struct target *targets, unsigned n)
{
    for (;;) {
        uint64_t wake = c->deadline_us;
        int result = ATTACH_CONNECTED;
        struct target *waiting = NULL;

        for (unsigned i = 0; i < n; i++) {
            look(c->store, &targets[i]);
            int r = judge(&targets[i], &wake, &result);

            if (r < 0)
                return r;
            if (r != WAITING)
                continue;
            /* To open a device may take long. To see that the daemon does not run does not. */
            if (change_is_vain(c, targets[i].backend, targets[i].id, &wake))
                return timed_out(&targets[i]);
            if (!waiting)
                waiting = &targets[i];
        }
        if (!waiting)
            return result;
        int r = xenstore_wait(c->store, wake);

        if (r == -ETIMEDOUT && now_us() >= c->deadline_us)
            return timed_out(waiting);
        if (r < 0 && r != -ETIMEDOUT)
            return change_store_failed(c, r);
    }
}

/* Removes all that was placed. The error that led here is kept. */
static void undo(struct change *c, struct target *targets, unsigned n)
{
    struct change u = *c;

    xenstore_clear_interrupt();
    u.force = true;
    u.deadline_us = now_us() + UNDO_S * 1000000ull;
    for (unsigned i = 0; i < n; i++) {
        struct target *t = &targets[i];
        CLEANUP_FREE uint32_t *numbers = calloc(t->n_shares, sizeof(*numbers));

        for (unsigned k = 0; numbers && k < t->n_shares; k++)
            numbers[k] = t->shares[k].n;
        if (t->placed && numbers)
            detach_devs(&u, t->backend, t->id, numbers, t->n_shares);
        if (t->placed && t->asked)
            xenstore_transact(c->store, withdraw, t);
    }
}

static int check_entries(struct change *c, const struct vscsi_entry *e, unsigned n, uint32_t *backends)
{
    for (unsigned i = 0; i < n; i++) {
        char vdev[HCTL_TEXT_MAX];

        hctl_format(&e[i].vdev, vdev);
        backends[i] = 0;
        if (e[i].backend && domain_find(c->store, e[i].backend, &backends[i]) < 0)
            return change_failed(c, -ENOENT, "v-dev %s: backend domain '%s' does not exist", vdev, e[i].backend);
        if (backends[i] == c->domid)
            return change_failed(c, -EINVAL, "v-dev %s: domain %u cannot be its own backend", vdev, c->domid);
        for (unsigned k = 0; k < i; k++) {
            if (hctl_equal(&e[k].vdev, &e[i].vdev))
                return change_refused(c, -EEXIST, "v-dev %s is given twice (p-dev %s and %s)", vdev, e[k].pdev,
                                      e[i].pdev);
            if (e[k].vdev.host != e[i].vdev.host)
                continue;
            if (backends[k] != backends[i])
                return change_failed(c, -EINVAL,
                                     "v-dev %s: virtual host %u cannot have two backend domains (%u "
                                     "and %u)",
                                     vdev, e[i].vdev.host, backends[k], backends[i]);
            if (e[k].feature_host != e[i].feature_host)
                return change_failed(c, -EINVAL,
                                     "v-dev %s: feature-host holds for all devices of virtual host %u: "
                                     "give it for all or none",
                                     vdev, e[i].vdev.host);
        }
    }
    return 0;
}

static struct target *target_for(struct target *targets, unsigned *n, uint32_t host)
{
    for (unsigned i = 0; i < *n; i++)
        if (targets[i].host == host)
            return &targets[i];
    targets[*n].host = host;
    return &targets[(*n)++];
}

/* Sorts the entries by vhost. targets and shares have room for n of them. */
static unsigned share_out(struct change *c, struct vscsi_entry *entries, unsigned n, const uint32_t *backends,
                          struct target *targets, struct share *shares)
{
    unsigned n_targets = 0, used = 0;
    uint32_t own = own_domid(c->store);

    for (unsigned i = 0; i < n; i++) {
        struct target *t = target_for(targets, &n_targets, entries[i].vdev.host);

        t->c = c;
        t->backend = backends[i];
        t->foreign = backends[i] != own;
        t->feature_host = entries[i].feature_host;
        t->n_shares++;
    }
    for (unsigned i = 0; i < n_targets; i++) {
        targets[i].shares = &shares[used];
        used += targets[i].n_shares;
        targets[i].n_later = n - used;
        targets[i].n_shares = 0;
    }
    for (unsigned i = 0; i < n; i++) {
        struct target *t = target_for(targets, &n_targets, entries[i].vdev.host);

        t->shares[t->n_shares++].entry = &entries[i];
    }
    return n_targets;
}

/* Only the driver domain could look it up. */
static void learn_address(struct target *t, uint32_t n, struct vscsi_entry *e)
{
    CLEANUP_FREE char *at = xenstore_read(t->c->store, DEV_FMT "/p-hctl", t->backend, t->c->domid, t->id, n);
    struct hctl parsed;

    if (at && hctl_parse(at, &parsed) == 0)
        hctl_format(&parsed, e->at);
}

/* Notes which units the devices are that the backend has opened: the guest is to get the same ones next time. */
static int learn_units(struct change *c, struct target *targets, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < targets[i].n_shares; k++) {
            struct target *t = &targets[i];
            struct vscsi_entry *e = t->shares[k].entry;
            CLEANUP_FREE char *unit = xenstore_read(c->store, DEV_FMT "/p-wwid", t->backend, c->domid, t->id,
                                                    t->shares[k].n);

            if (!unit && errno == ENOMEM)
                return change_failed(c, -ENOMEM, "out of memory");
            /* A driver domain may write anything. */
            if (!unit || !*unit || !vscsi_unit_ok(unit))
                continue;
            free(e->unit);
            e->unit = steal_ptr(unit);
            if (t->foreign)
                learn_address(t, t->shares[k].n, e);
        }
    return 0;
}

static int attach_all(struct change *c, struct vscsi_entry *entries, unsigned n)
{
    CLEANUP_FREE uint32_t *backends = calloc(n, sizeof(*backends));
    CLEANUP_FREE struct target *targets = calloc(n, sizeof(*targets));
    CLEANUP_FREE struct share *shares = calloc(n, sizeof(*shares));

    if (!backends || !targets || !shares)
        return change_failed(c, -ENOMEM, "out of memory");
    int r = check_entries(c, entries, n, backends);

    if (r < 0)
        return r;
    unsigned n_targets = share_out(c, entries, n, backends, targets, shares);

    for (unsigned i = 0; r == 0 && i < n_targets; i++)
        r = place_target(&targets[i]);
    drop_lock(c);
    if (r == 0 && !c->store->dry_run)
        r = wait_all(c, targets, n_targets);
    if (r >= 0 && !c->store->dry_run) {
        int learnt = learn_units(c, targets, n_targets);

        r = learnt < 0 ? learnt : r;
    }
    for (unsigned i = 0; i < n_targets; i++)
        if (targets[i].placed)
            heed_answers(&targets[i], false);
    if (r < 0)
        undo(c, targets, n_targets);
    return r;
}

int attach_run(struct change *c, struct vscsi_entry *entries, unsigned n)
{
    change_begin(c);
    int r = n && c->claim ? c->claim(c, entries, n) : 0;

    /* The wait for the lock does not count: now backend and guest are waited for. */
    change_begin(c);
    if (r == 0)
        r = n ? attach_all(c, entries, n) : ATTACH_CONNECTED;
    drop_lock(c);
    return r;
}
