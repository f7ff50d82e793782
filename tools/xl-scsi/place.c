// SPDX-License-Identifier: GPL-2.0-or-later
/* Placing the nodes of devices; see place.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "place.h"
#include "run.h"

enum {
    FEW = 4,
    NAME_MAX_SHOWN = 512, /* bytes of a device's name in a message */
};

void share_vdev(const struct share *sh, char text[HCTL_TEXT_MAX])
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
    share_vdev(sh, vdev);
    /*
     * Xen's pvscsi.txt: p-dev is an address, p-devname the user's name for it. Only the backend may know the address.
     */
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
    for (unsigned i = 0; i < LIMITS_COUNT; i++) {
        char value[LIMITS_VALUE_MAX];

        if (limits_value(&sh->entry->limits, i, value))
            xenstore_write(s, value, "%s/%s", dir, limits_names[i]);
    }
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
 * A guest that was restored without this vhost, and whose frontend has noticed (it writes an error node), never takes
 * the same number again: Linux keeps its old device of this number, and does not look at it any more.
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
    write_vhost(s, t);
    return 0;
}

/* Can these devices be added to a vhost that exists? 0 or -errno with the reason. */
static int check_existing(struct target *t, const struct vhost_view *h)
{
    char vdev[HCTL_TEXT_MAX];

    if (h->backend != t->backend)
        return change_refused(t->c, -EINVAL,
                              "virtual host %u is served by backend domain %u, not by %u: "
                              "use another host number in the v-dev",
                              t->host, h->backend, t->backend);
    if (h->feature_host != t->feature_host)
        return change_refused(t->c, -EINVAL,
                              "virtual host %u is there with%s feature-host, which holds for "
                              "all its devices: give the same option, or another host number in the v-dev",
                              t->host, h->feature_host ? "" : "out");
    for (unsigned i = 0; i < t->n_shares; i++) {
        const struct dev_view *d = view_dev(h, &t->shares[i].entry->vdev);

        if (!d || d->state == 6)
            continue;
        const char *text = view_name(d) ? view_name(d) : "unknown";
        char pdev[NAME_MAX_SHOWN];

        share_vdev(&t->shares[i], vdev);
        escape_for_log(pdev, sizeof(pdev), text, strlen(text));
        return change_refused(
            t->c, -EEXIST,
            "v-dev %s has a device already (p-dev %s, state %u %s); use another v-dev, or detach that one first", vdev,
            pdev, d->state, state_name(d->state));
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

    t->asked = false;
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

void place_drop_lock(struct change *c)
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
 * From then on, only the nodes of this target count. A few devices are watched one by one, because all the others of
 * the vhost may change too at this moment.
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
int place_target(struct target *t)
{
    struct change *c = t->c;
    struct xenstore *s = c->store;
    int r = heed_guest(t, true);

    while (r == 0) {
        r = place_in_turn(t);
        if (r != -EINPROGRESS)
            break;
        /* The lock is not held while waiting: a guest that does not answer must not delay other guests. */
        place_drop_lock(c);
        c->waits_for = "an earlier change to end";
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

void place_unwatch(const struct target *t)
{
    heed_answers(t, false);
}
