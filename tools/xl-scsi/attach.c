// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaching: each vhost's share of the request is placed in one transaction (place.c), which also decides the
 * numbers of its devs, so that two tools that work at the same time cannot collide. Then the answers of
 * backend and guest are awaited. If anything fails, everything that was placed is removed.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/param.h>

#include "attach.h"
#include "detach.h"
#include "device/holder.h"
#include "device/identity.h"
#include "hyp.h"
#include "place.h"

enum {
    UNDO_S = 5,                /* the time that backend and guest have to release a device again */
    FRONTEND_US = 5 * 1000000, /* if a running guest has not answered by then, it has no frontend */
    NUDGE_US = 1000000,
    FOREIGN_MAX = 512, /* bytes of a driver domain's text in a message */
};

/* A backend that runs may be slow, while it has many devices to open. */
static bool shows_life(const struct target *t)
{
    uint32_t segments;

    if (change_backend_runs(t->c, t->backend, t->id))
        return true;
    /* We made the node with 0. pvscsid writes it when its first devices take longer than 2 s. */
    return t->foreign
           && xenstore_read_u32(t->c->store, UINT32_MAX, &segments, BE_FMT "/feature-sg-grant", t->backend, t->c->domid,
                                t->id)
                  == 0
           && segments > 0;
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
        return shows_life(t) ? "the backend has not opened it yet"
                             : "no backend serves this (is pvscsid running there?)";
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
                           ? "; the kernel's xen-scsiback is bound to this vhost (rmmod it, and see vscsi(7))"
                           : "";

    for (unsigned i = 0; i < t->n_shares; i++)
        if (t->shares[i].outcome == DEV_PENDING) {
            sh = &t->shares[i];
            break;
        }
    share_vdev(sh, vdev);
    said_by_backend(t, sh, said);
    return change_failed(t->c, -ETIMEDOUT,
                         "time-out for v-dev %s: %s; backend state %u (%s), device state %u "
                         "(%s), guest's state %u (%s)%s%s%s",
                         vdev, silent_side(t), t->state, state_name(t->state), sh->state, state_name(sh->state),
                         t->fe_state, state_name(t->fe_state), hint, said[0] ? "; the backend says: " : "", said);
}

/* For progress.h. */
static const char *waits_for(const struct target *t)
{
    for (unsigned i = 0; i < t->n_shares; i++)
        if (t->shares[i].outcome == DEV_PENDING && t->shares[i].state < 3)
            return "the backend to open the device";
    if (t->state <= 1)
        return "the backend to serve the guest";
    return t->fe_state <= 1 || t->fe_state == 6 ? "a frontend in the guest" : "the guest to take the device";
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
        sh->outcome = sh->state == 3 ? DEV_OFFERED : DEV_PENDING;
}

/*
 * Reads the states for which this target waits, as far as they have changed. With many devices, each of them changes
 * alone. This needs no transaction: if two values are of different moments, the next event corrects the judgement.
 */
static void look(struct xenstore *s, struct target *t)
{
    if (t->changed) {
        t->state = xenstore_state(s, BE_FMT "/state", t->backend, t->c->domid, t->id);
        t->fe_state = xenstore_state(s, FE_FMT "/state", t->c->domid, t->id);
    }
    t->changed = false;
    for (unsigned i = 0; i < t->n_shares; i++) {
        enum dev_outcome o = t->shares[i].outcome;

        if (t->shares[i].changed && o != DEV_CONNECTED && !(o == DEV_OFFERED && t->c->no_wait))
            look_at_dev(s, t, &t->shares[i]);
        t->shares[i].changed = false;
    }
}

static void mark_all(struct target *t)
{
    t->changed = true;
    for (unsigned i = 0; i < t->n_shares; i++)
        t->shares[i].changed = true;
}

static void mark_dev(struct target *t, uint32_t n)
{
    for (unsigned i = 0; i < t->n_shares; i++)
        t->shares[i].changed |= t->shares[i].n == n;
}

/* An event on the backend's or the frontend's side of the target, which is at root. Only states are waited for. */
static void mark_side(struct target *t, const char *root, const char *path)
{
    static const char dev[] = "/vscsi-devs/dev-";
    size_t len = strlen(root);
    const char *rest = path + len;
    uint32_t n;

    if (strncmp(path, root, len) != 0 || (*rest != '\0' && *rest != '/'))
        return;
    if (strncmp(rest, dev, sizeof(dev) - 1) == 0) {
        const char *number = rest + sizeof(dev) - 1;
        size_t digits = strcspn(number, "/");

        if (parse_u32(number, digits, UINT32_MAX, &n) == 0
            && (number[digits] == '\0' || strcmp(number + digits, "/state") == 0))
            mark_dev(t, n);
    } else if (*rest == '\0' || strcmp(rest, "/vscsi-devs") == 0) {
        mark_all(t); /* made or removed; or the first event of a watch */
    } else if (strcmp(rest, "/state") == 0) {
        t->changed = true;
    }
}

struct waiting {
    struct target *targets;
    unsigned n;
};

static void heard(void *ctx, const char *path)
{
    const struct waiting *w = ctx;
    char root[XENSTORE_PATH_MAX];

    for (unsigned i = 0; i < w->n; i++) {
        struct target *t = &w->targets[i];

        snprintf(root, sizeof(root), BE_FMT, t->backend, t->c->domid, t->id);
        mark_side(t, root, path);
        snprintf(root, sizeof(root), FE_FMT, t->c->domid, t->id);
        mark_side(t, root, path);
    }
}

static int refused(struct target *t, const struct share *sh)
{
    char vdev[HCTL_TEXT_MAX];
    char safe[FOREIGN_MAX];

    share_vdev(sh, vdev);
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
    return change_refused(t->c, strncmp(safe, HOLDER_IN_USE, strlen(HOLDER_IN_USE)) == 0 ? -EBUSY : -EIO,
                          "v-dev %s was refused by the backend: p-dev %s: %s", vdev, sh->entry->pdev, safe);
}

/*
 * The backend can take a dev at the moment when the guest has finished looking for devs at 3, or can have finished with
 * the devs at 1 when this one was placed. Then neither side does anything more, and the guest has to be asked to look
 * again.
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
    struct vhost_view h;
    int r = view_load_vhost(s, t->c->domid, t->backend, t->id, &h);

    if (r == 0 && h.state == 7 && h.fe_state == 4 && !view_has_untaken(&h))
        xenstore_write(s, "4", BE_FMT "/state", t->backend, t->c->domid, t->id);
    vhost_view_clear(&h);
    if (r == -ENOENT)
        r = 0;
    return r;
}

enum progress {
    FINISHED,
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
    unsigned pending = 0, offered = 0;
    uint64_t now = now_us();

    for (unsigned i = 0; i < t->n_shares; i++) {
        enum dev_outcome o = t->shares[i].outcome;

        if (o == DEV_REFUSED || o == DEV_REFUSED_BY_GUEST || o == DEV_VANISHED)
            return refused(t, &t->shares[i]);
        pending += o == DEV_PENDING;
        offered += o == DEV_OFFERED;
    }
    if (pending == 0 && offered == 0)
        return FINISHED;
    if (t->state == 1) {
        uint64_t until = t->placed_us + CHANGE_SERVED_US;

        if (now >= until && !t->lives) {
            if (!shows_life(t))
                return timed_out(t);
            t->lives = true;
        }
        until = now < until ? until : now + NUDGE_US;
        *wake = until < *wake ? until : *wake;
    }
    /* In state 1 the vhost serves nobody yet. Its backend may be unable to, for lack of nodes for instance. */
    if (pending || t->state == 1)
        return ask_again(t, now, wake);

    /* The backend has all devices. Is there a guest to wait for? */
    if (t->offered_us == 0)
        t->offered_us = now;
    bool absent = t->fe_state <= 1 || t->fe_state == 6;
    int paused = hyp_domain_paused(t->c->domid);
    uint64_t grace = t->offered_us + (paused == 1 || t->state == 6 ? 0 : FRONTEND_US);

    /* A paused guest takes them when it runs again, whatever the state of its frontend is now. */
    if (t->c->no_wait || paused == 1 || (absent && now >= grace)) {
        int came_to = t->c->no_wait || paused != 0 ? ATTACH_OFFERED : ATTACH_NO_FRONTEND;

        *result = came_to > *result ? came_to : *result;
        return FINISHED;
    }
    if (absent)
        *wake = grace < *wake ? grace : *wake;
    return ask_again(t, now, wake);
}

/* The steps that only the backend can make: to show life, to announce a vhost, to open a device. */
static unsigned count_steps_left(const struct target *targets, unsigned n)
{
    unsigned left = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct target *t = &targets[i];

        if (t->state <= 1)
            left += t->lives ? 1 : 2;
        for (unsigned k = 0; k < t->n_shares; k++)
            left += t->shares[k].outcome == DEV_PENDING;
    }
    return left;
}

/*
 * The first event of each watch, which xenstored sends at once, makes look() read everything. The time begins again
 * with each step of the backend: fifty devices may take longer than one, and a backend that goes on is not silent. In
 * all it is three times as long at most: others wait for this change.
 */
static int wait_all(struct change *c, struct target *targets, unsigned n)
{
    uint64_t latest_us = c->deadline_us + 2 * c->timeout_us;
    unsigned before = count_steps_left(targets, n);

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
        unsigned left = count_steps_left(targets, n);

        if (left < before) {
            before = left;
            change_begin(c);
            c->deadline_us = MIN(c->deadline_us, latest_us);
            continue;
        }
        c->waits_for = waits_for(waiting);
        int r = change_pause(c, wake);

        if (r == -ETIMEDOUT && now_us() >= c->deadline_us)
            return timed_out(waiting);
        if (r < 0 && r != -ETIMEDOUT)
            return change_store_failed(c, r);
        for (unsigned i = 0; r < 0 && i < n; i++)
            mark_all(&targets[i]);
    }
}

/* Removes all that was placed. The error that led here is kept. */
static void undo(struct change *c, struct target *targets, unsigned n)
{
    struct change u = *c;

    xenstore_clear_interrupt();
    u.force = true;
    u.begun_us = now_us();
    u.deadline_us = u.begun_us + UNDO_S * 1000000ull;
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
            return change_failed(c, -ENOENT,
                                 "v-dev %s: backend domain '%s' does not exist; expected a name or number of xl list",
                                 vdev, e[i].backend);
        if (backends[i] == c->domid)
            return change_failed(c, -EINVAL,
                                 "v-dev %s: domain %u cannot be its own backend: give the domain that has the device",
                                 vdev, c->domid);
        for (unsigned k = 0; k < i; k++) {
            if (hctl_equal(&e[k].vdev, &e[i].vdev))
                return change_refused(c, -EEXIST, "v-dev %s is given twice (p-dev %s and %s)", vdev, e[k].pdev,
                                      e[i].pdev);
            if (e[k].vdev.host != e[i].vdev.host)
                continue;
            if (backends[k] != backends[i])
                return change_failed(c, -EINVAL,
                                     "v-dev %s: virtual host %u cannot have two backend domains (%u "
                                     "and %u): use another host number in one v-dev",
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
    struct waiting w = { .targets = targets, .n = n_targets };

    /* From here on: the first events of one target may come while the next one waits to be placed. */
    c->store->heard = heard;
    c->store->heard_ctx = &w;
    for (unsigned i = 0; r == 0 && i < n_targets; i++)
        r = place_target(&targets[i]);
    place_drop_lock(c);
    /* To write many devices may take long, and neither side is to blame: now backend and guest are waited for. */
    change_begin(c);
    if (r == 0 && !c->store->dry_run)
        r = wait_all(c, targets, n_targets);
    c->store->heard = NULL;
    c->store->heard_ctx = NULL;
    if (r >= 0 && !c->store->dry_run) {
        int learnt = learn_units(c, targets, n_targets);

        r = learnt < 0 ? learnt : r;
    }
    for (unsigned i = 0; i < n_targets; i++)
        if (targets[i].placed)
            place_unwatch(&targets[i]);
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
    place_drop_lock(c);
    return r;
}
