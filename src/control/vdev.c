// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The devices of a vhost: carries out what the device table says. Looking up and
 * opening is done in a thread; what comes of it arrives as a change of phase.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "control/model.h"

/* A device that takes longer to open is reported as failed, and the others go on; one that a guest has is waited for. */
#define OPEN_DEADLINE_US 5000000u
#define LATE_LOG_US 30000000u
/* Between tries at opening a device that the guest has already. */
#define REOPEN_FIRST_US 100000u
#define REOPEN_DOUBLINGS 6
/* A vhost's batch of state writes. */
#define BATCH_MAX 64
/* Linux never asks for fewer than VSCSIIF_SG_TABLESIZE (vscsiif.h) segments, whatever is offered. */
#define SEGMENTS_MIN 26
#define PAGE 4096u

struct vdev *vdev_new(struct vhost *v, const char *name)
{
    struct vdev **at = &v->devs;
    struct vdev *d;

    if (v->n_devs >= PVSCSI_STATS_LUNS * 2) {
        log_limited(&v->limit, XTL_WARN, v->prefix, "vscsi-devs/%s ignored: too many devices", name);
        return NULL;
    }
    d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->vhost = v;
    snprintf(d->name, sizeof(d->name), "%s", name);
    d->slot = -1;
    d->fds = (struct device_fds){ .sg = -1, .block = -1 };
    d->dirty = true;
    while (*at)
        at = &(*at)->next;
    *at = d;
    v->n_devs++;
    return d;
}

static void close_fds(struct device_fds *fds)
{
    if (fds->sg >= 0)
        close(steal_fd(&fds->sg));
    if (fds->block >= 0)
        close(steal_fd(&fds->block));
}

/* To DP_NONE: nothing of the device is left with us. */
static void let_go(struct vdev *d)
{
    if (d->job)
        d->job->vdev = NULL;
    d->job = NULL;
    close_fds(&d->fds);
    if (d->slot >= 0)
        d->vhost->slot_used[d->slot] = false;
    d->slot = -1;
    d->opened = d->handed = d->shown = d->inherited = d->front_checked = d->refused = false;
    d->reopen_us = 0;
    d->reopens = 0;
    d->helper = HELPER_IDLE;
    d->phase = DP_NONE;
    host_leave_device(d);
    hold_end(d);
    d->was_known = false;
}

void vdev_free(struct vdev *d)
{
    struct vdev **at = &d->vhost->devs;

    let_go(d);
    while (*at && *at != d)
        at = &(*at)->next;
    if (*at)
        *at = d->next;
    d->vhost->n_devs--;
    free(d);
}

void vdev_forget_all(struct vhost *v)
{
    while (v->devs)
        vdev_free(v->devs);
}

struct vdev *vdev_by_slot(struct vhost *v, uint32_t slot)
{
    for (struct vdev *d = v->devs; d; d = d->next)
        if (d->slot >= 0 && (uint32_t)d->slot == slot)
            return d;
    return NULL;
}

static void fail(struct vdev *d, const char *why)
{
    char text[DEVICE_WHY_MAX];

    escape_for_log(text, sizeof(text), why, strlen(why));
    let_go(d);
    d->phase = DP_FAILING;
    memcpy(d->error, text, sizeof(d->error));
    log_warn(d->vhost->prefix, "%s (%s) cannot be had: %s", d->name, d->pdev[0] ? d->pdev : "?", d->error);
}

static void recall(void *ctx, const struct run_device *was)
{
    struct vhost *v = ctx;

    for (struct vdev *d = v->devs; d; d = d->next) {
        if (strcmp(d->name, was->word) == 0) {
            d->was = *was;
            d->was_known = true;
        }
    }
}

void vdev_recall_all(struct vhost *v)
{
    char name[RUN_LUNS_NAME_MAX];

    run_luns_name(v->domid, v->id, name);
    run_devices_load(v->host->settings->run_dir, name, recall, v);
}

/* --- reading what the toolstack wants --- */

static int read_node(struct vdev *d, const char *node, char *out, size_t size)
{
    char path[STORE_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/vscsi-devs/%s/%s", d->vhost->back, d->name, node);

    if (n < 0 || n >= (int)sizeof(path))
        return -ENAMETOOLONG;
    return store_read(d->vhost->host->store, path, out, size);
}

static bool has(char **names, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool read_flag(struct vdev *d, char **names, unsigned n, const char *node)
{
    char text[8];

    return has(names, n, node) && read_node(d, node, text, sizeof(text)) == 0 && strcmp(text, "1") == 0;
}

static int read_pr(struct vdev *d, char **names, unsigned n, char *why)
{
    static const char *const mode[] = { [PR_HELPER] = "helper", [PR_DIRECT] = "direct", [PR_DENY] = "deny" };
    char text[16];

    d->pr_mode = d->vhost->host->settings->pr_mode;
    if (!has(names, n, "pr"))
        return 0;
    if (read_node(d, "pr", text, sizeof(text)) < 0)
        text[0] = '\0';
    for (unsigned i = 0; i < ARRAY_SIZE(mode); i++) {
        if (strcmp(text, mode[i]) == 0) {
            d->pr_mode = i;
            return 0;
        }
    }
    snprintf(why, DEVICE_WHY_MAX, "pr is '%s'; expected helper, direct or deny", text);
    return -EINVAL;
}

static int choose_slot(struct vdev *d)
{
    struct vhost *v = d->vhost;
    const struct pvscsi_stats *stats = NULL;
    uint64_t key = (uint64_t)d->vdev.channel << 32 | (uint64_t)d->vdev.target << 16 | d->vdev.lun;
    int free_slot = -1;
    unsigned limit = v->host->settings->max_luns;

    stats = run_files_map_stats(v->host->settings->run_dir, v->domid, v->id);
    for (unsigned i = 0; i < limit && i < PVSCSI_STATS_LUNS; i++) {
        if (v->slot_used[i])
            continue;
        /* The same address keeps its counters over a restart. */
        if (stats && stats->lun[i].vdev == key && (stats->lun[i].used || stats->lun[i].commands)) {
            free_slot = (int)i;
            break;
        }
        if (free_slot < 0)
            free_slot = (int)i;
    }
    run_files_unmap_stats(stats);
    return free_slot;
}

/* What the node holds is the toolstack's mistake; anything else may pass, and no reason is given. */
static int unreadable(const char *node, int error, char *why)
{
    if (error == -ENOENT || error == -EINVAL || error == -EMSGSIZE || error == -EACCES)
        snprintf(why, DEVICE_WHY_MAX, "%s cannot be read: %s", node,
                 error == -EMSGSIZE ? "it is too long"
                 : error == -EINVAL ? "it holds a NUL"
                                    : strerror(-error));
    return error;
}

static int read_wish(struct vdev *d, char *why)
{
    struct vhost *v = d->vhost;
    CLEANUP_FREE char **names = NULL;
    char path[STORE_PATH_MAX], text[64], shown[128];
    unsigned n = 0;
    int r;

    d->pdev[0] = '\0';
    snprintf(path, sizeof(path), "%s/vscsi-devs/%s", v->back, d->name);
    r = store_list(v->host->store, path, &names, &n);
    if (r == 0)
        r = read_node(d, "p-dev", d->pdev, sizeof(d->pdev));
    if (r < 0)
        return unreadable("p-dev", r, why);
    r = read_node(d, "v-dev", text, sizeof(text));
    if (r < 0)
        return unreadable("v-dev", r, why);
    r = vdev_parse(text, &d->vdev);
    if (r < 0) {
        escape_for_log(shown, sizeof(shown), text, strlen(text));
        snprintf(why, DEVICE_WHY_MAX, "v-dev is '%s'; expected h:c:t:l with c up to %d, t up to %d, l up to %d", shown,
                 VDEV_CHANNEL_MAX, VDEV_TARGET_MAX, VDEV_LUN_MAX);
        return r;
    }
    for (const struct vdev *o = v->devs; o; o = o->next) {
        if (o != d && o->slot >= 0 && o->vdev.channel == d->vdev.channel && o->vdev.target == d->vdev.target
            && o->vdev.lun == d->vdev.lun) {
            snprintf(why, DEVICE_WHY_MAX, "v-dev %s is taken by %s of the same vhost", text, o->name);
            return -EEXIST;
        }
    }
    d->error_node = has(names, n, "error");
    d->readonly = read_flag(d, names, n, "readonly");
    d->feature_host = read_flag(d, names, n, "feature-host");
    d->pr_force = read_flag(d, names, n, "pr-force");
    d->pr_move = read_flag(d, names, n, "pr-move");
    r = read_pr(d, names, n, why);
    if (r < 0)
        return r;
    d->slot = choose_slot(d);
    if (d->slot < 0) {
        snprintf(why, DEVICE_WHY_MAX, "the vhost has its %u LUNs already (max_luns)", v->host->settings->max_luns);
        return -ENOSPC;
    }
    v->slot_used[d->slot] = true;
    return 0;
}

/* --- opening --- */

/* Does the guest have it already? Then only what will never pass costs it the device. */
static bool guest_has(const struct vdev *d)
{
    return d->inherited || d->phase == DP_READY || d->phase == DP_OFFERED;
}

static bool never_passes(int error)
{
    return error == -ENOENT || error == -ENODEV || error == -ENXIO || error == -ENOTSUP || error == -EINVAL;
}

/* Where it was, or, if it is not there, wherever the p-dev leads now: but the same device. */
static int find_again(struct open_job *o)
{
    struct run_device now;
    int r = device_from_hctl(o->roots, &o->was.hctl, &o->dev, o->why);

    if (r < 0 && !never_passes(r))
        return r;
    run_device_set(&now, "", &o->dev.hctl, o->dev.wwid);
    if (r == 0 && run_device_compatible(&now, &o->was)) {
        o->dev.from = PDEV_HCTL;
        return 0;
    }
    r = device_resolve(o->roots, o->pdev, o->allow_file, &o->dev, o->why);
    if (r < 0)
        return r;
    run_device_set(&now, "", &o->dev.hctl, o->dev.wwid);
    if (run_device_compatible(&now, &o->was))
        return 0;
    snprintf(o->why, sizeof(o->why), "it is another device now: its wwid is %.80s; expected %.80s", now.wwid,
             o->was.wwid);
    return -ENODEV;
}

static void open_work(struct offload_job *job)
{
    struct open_job *o = container_of(job, struct open_job, job);

    __atomic_store_n(&o->started_us, now_us(), __ATOMIC_RELAXED);
    o->result = o->again ? find_again(o) : device_resolve(o->roots, o->pdev, o->allow_file, &o->dev, o->why);
    if (o->result == 0)
        o->result = device_open(o->roots, &o->dev, &o->fds, o->why);
}

static void cannot_open(struct vdev *d, int error, const char *why)
{
    if (!guest_has(d) || never_passes(error)) {
        fail(d, why);
        return;
    }
    d->reopen_us = now_us() + ((uint64_t)REOPEN_FIRST_US << d->reopens);
    if (d->reopens < REOPEN_DOUBLINGS)
        d->reopens++;
    log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix, "%s (%s) cannot be opened just now: %s", d->name, d->pdev,
                why);
}

static void open_done(struct offload_job *job)
{
    struct open_job *o = container_of(job, struct open_job, job);
    struct vdev *d = o->vdev;

    if (d) {
        d->job = NULL;
        if (o->result < 0) {
            cannot_open(d, o->result, o->why);
        } else {
            if (!hctl_equal(&d->dev.hctl, &o->dev.hctl))
                host_leave_device(d);
            d->dev = o->dev;
            host_enter_device(d);
            d->fds = o->fds;
            o->fds = (struct device_fds){ .sg = -1, .block = -1 };
            d->opened = true;
            d->reopens = 0;
            d->error[0] = '\0';
            link_hand(d);
        }
        host_queue(d->vhost);
    }
    close_fds(&o->fds);
    free(o);
}

static void start_open(struct vdev *d)
{
    struct host *h = d->vhost->host;
    struct open_job *o = calloc(1, sizeof(*o));
    int r = o ? 0 : -ENOMEM;

    d->opened = d->handed = false;
    d->reopen_us = 0;
    if (o) {
        o->job = (struct offload_job){ .work = open_work, .done = open_done };
        o->vdev = d;
        o->roots = h->roots;
        o->allow_file = h->standalone;
        o->again = d->was_known;
        o->was = d->was;
        o->fds = (struct device_fds){ .sg = -1, .block = -1 };
        memcpy(o->pdev, d->pdev, sizeof(o->pdev));
        r = offload_submit(h->offload, &o->job);
    }
    if (r < 0) {
        free(o);
        cannot_open(d, r, strerror(-r));
        return;
    }
    d->job = o;
    d->deadline_us = now_us() + OPEN_DEADLINE_US;
}

/* True when it was given up. Those that are queued behind sick devices have not begun. */
static bool open_is_late(struct vdev *d, uint64_t now)
{
    uint64_t started = __atomic_load_n(&d->job->started_us, __ATOMIC_RELAXED);

    if (started == 0 || now < started + OPEN_DEADLINE_US) {
        d->deadline_us = (started ? started : now) + OPEN_DEADLINE_US;
        return false;
    }
    if (guest_has(d)) {
        d->deadline_us = now + LATE_LOG_US;
        log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix,
                    "%s: opening it again takes %u s so far; is the device "
                    "stuck in error recovery?",
                    d->name, (unsigned)((now - started) / 1000000));
        return false;
    }
    fail(d, "opening it takes longer than 5 s; is the device stuck in error recovery?");
    return true;
}

/* False: nothing could be read now. */
static bool open_device(struct vdev *d)
{
    char why[DEVICE_WHY_MAX] = "";
    bool inherited = d->own == XB_INITIALISED || d->own == XB_CONNECTED || d->own == XB_CLOSING;

    if (read_wish(d, why) < 0) {
        if (why[0])
            fail(d, why);
        else
            d->dirty = true; /* xenstore has a bad moment: again soon */
        return why[0] != '\0';
    }
    d->phase = DP_OPENING;
    d->inherited = inherited;
    if (!inherited)
        d->was_known = false;
    start_open(d);
    return true;
}

void vdev_added(struct vhost *v, uint32_t slot, int error)
{
    struct vdev *d = vdev_by_slot(v, slot);

    if (!d || d->phase == DP_REMOVING)
        return;
    if (error < 0) {
        char why[DEVICE_WHY_MAX];

        snprintf(why, sizeof(why), "the worker cannot use it: %s", strerror(-error));
        d->handed = false;
        if (d->phase == DP_ADDING)
            d->phase = DP_OPENING;
        cannot_open(d, error, why);
        return;
    }
    if (d->phase == DP_ADDING) {
        char hctl[HCTL_TEXT_MAX];

        d->phase = DP_READY;
        hctl_format(&d->vdev, hctl);
        log_info(v->prefix, "%s: %s is %s%s%s", d->name, hctl, d->pdev, d->dev.sg_name[0] ? ", " : "", d->dev.sg_name);
    }
}

void vdev_removed(struct vhost *v, uint32_t slot)
{
    struct vdev *d = vdev_by_slot(v, slot);

    if (d && d->phase == DP_REMOVING) {
        log_info(v->prefix, "%s is gone from the vhost", d->name);
        let_go(d);
    }
}

void vdev_helper(struct vhost *v, uint32_t slot, uint32_t state)
{
    struct vdev *d = vdev_by_slot(v, slot);

    if (d && state <= HELPER_AWAY)
        d->helper = state;
}

void vdev_worker_died(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next) {
        d->helper = HELPER_IDLE;
        hold_end(d);
        switch (d->phase) {
        case DP_ADDING:
            d->phase = DP_OPENING;
            start_open(d);
            break;
        case DP_READY:
        case DP_OFFERED:
            if (d->handed)
                start_open(d);
            break;
        case DP_REMOVING:
            let_go(d);
            break;
        default:
            break;
        }
    }
}

static void remove_now(struct vdev *d)
{
    if (d->handed) {
        d->phase = DP_REMOVING;
        link_remove_lun(d);
    } else {
        let_go(d);
    }
}

/* --- what the vhost asks --- */

bool vdev_all_opened(const struct vhost *v)
{
    for (const struct vdev *d = v->devs; d; d = d->next)
        if (d->job || d->reopen_us)
            return false;
    return true;
}

bool vdev_all_settled(const struct vhost *v)
{
    for (const struct vdev *d = v->devs; d; d = d->next) {
        if (!d->present || d->dirty)
            continue;
        if (d->phase == DP_OPENING || d->phase == DP_ADDING || d->phase == DP_REMOVING || d->phase == DP_FAILING)
            return false;
        if (d->own == XB_INITIALISING || d->own == XB_CLOSING)
            return false;
    }
    return true;
}

void vdev_mark_shown(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next) {
        if (d->phase == DP_OFFERED && d->own == XB_INITIALISED) {
            d->shown = true;
            d->refused = d->front_checked = false;
        }
    }
}

unsigned vdev_choose_segments(const struct vhost *v)
{
    unsigned n = v->host->settings->max_segments;

    for (const struct vdev *d = v->devs; d; d = d->next) {
        unsigned most = d->dev.max_transfer / PAGE + 1;

        if (d->opened && most < n)
            n = most;
    }
    return n < SEGMENTS_MIN ? SEGMENTS_MIN : n;
}

/* --- state writes, many in one transaction --- */

struct batch {
    struct vhost *vhost;
    unsigned n;
    struct store_write write[BATCH_MAX];
    struct vdev *dev[BATCH_MAX]; /* whose state it is, NULL for `error` */
    struct vdev *error_of[BATCH_MAX];
    enum xenbus_state to[BATCH_MAX];
};

static bool commit(struct batch *b)
{
    bool moved = false;
    int r = store_write_batch(b->vhost->host->store, b->write, b->n);

    if (r < 0 && !store_lost(b->vhost->host->store))
        log_limited(&b->vhost->limit, XTL_WARN, b->vhost->prefix, "cannot write device states: %s", strerror(-r));
    for (unsigned i = 0; i < b->n; i++) {
        struct vdev *d = b->dev[i];

        if (!d) {
            b->error_of[i]->error_node |= b->write[i].done;
            continue;
        }
        if (!b->write[i].done) {
            d->dirty = true; /* somebody else wrote there: look again */
            d->front_checked = false;
            continue;
        }
        moved = true;
        d->own = b->to[i];
        if (d->phase == DP_READY)
            d->phase = DP_OFFERED;
        else if (d->phase == DP_FAILING)
            d->phase = DP_FAILED;
        log_debug(b->vhost->prefix, "%s -> %s", d->name, xenbus_state_name(b->to[i]));
    }
    b->n = 0;
    return moved;
}

static bool batch_add(struct batch *b, struct vdev *d, const char *node, enum xenbus_state to, const char *text)
{
    struct store_write *w;
    bool moved = false;

    if (b->n == BATCH_MAX)
        moved = commit(b);
    w = &b->write[b->n];
    snprintf(w->path, sizeof(w->path), "%s/vscsi-devs/%s/%s", b->vhost->back, d->name, node);
    w->expect = text ? -1 : (int)d->own;
    if (text)
        snprintf(w->value, sizeof(w->value), "%s", text);
    else
        snprintf(w->value, sizeof(w->value), "%d", (int)to);
    b->dev[b->n] = text ? NULL : d;
    b->error_of[b->n] = d;
    b->to[b->n] = to;
    b->n++;
    return moved;
}

/* --- the table's actions --- */

/* Has the frontend taken (or refused) the device that it was shown? */
static bool settle(struct vdev *d, struct batch *b)
{
    struct vhost *v = d->vhost;
    char path[STORE_PATH_MAX];
    uint32_t front = 0;
    int n;

    if ((!d->shown && !d->inherited) || d->front_checked || !v->front[0])
        return false;
    /* Before that its node may be from an earlier connection: Linux leaves a 4 there when its module goes. */
    if (v->phase != VP_LIVE || v->front_state != XB_CONNECTED)
        return false;
    n = snprintf(path, sizeof(path), "%s/vscsi-devs/%s/state", v->front, d->name);
    if (n < 0 || n >= (int)sizeof(path) || store_read_u32(v->host->store, path, XB_RECONFIGURED, &front) < 0)
        front = 0;
    d->front_checked = true;
    if (!d->shown && front != XB_CONNECTED)
        return false;
    if (front == XB_CLOSED) {
        if (!d->refused) {
            snprintf(d->error, sizeof(d->error), "the guest refused the device");
            log_limited(&v->limit, XTL_WARN, v->prefix, "%s: %s", d->name, d->error);
            batch_add(b, d, "error", 0, d->error);
        }
        d->refused = true;
        return false;
    }
    return batch_add(b, d, "state", XB_CONNECTED, NULL), true;
}

/* Has the frontend let go of the devices at 5? Its own caches are written back before it says 7. */
static bool has_let_go(const struct vhost *v)
{
    return v->front_state == XB_RECONFIGURING || v->front_state == XB_GONE;
}

/* May a device that the frontend may know be taken away? */
static bool may_detach(const struct vdev *d)
{
    const struct vhost *v = d->vhost;

    if (!d->shown && !d->inherited)
        return true;
    if (v->phase != VP_LIVE && v->phase != VP_CONNECTING && !vhost_takes_over(v))
        return true;
    return has_let_go(v);
}

static void ignore(struct vdev *d)
{
    log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix,
                "%s/state %d (%s) makes no sense while the device is %s; ignored", d->name, (int)d->own,
                xenbus_state_name(d->own), dev_phase_name(d->phase));
}

/* An `error` of an attempt before. */
static void clear_error(struct vdev *d)
{
    char path[STORE_PATH_MAX];

    d->error[0] = '\0';
    if (!d->error_node)
        return;
    snprintf(path, sizeof(path), "%s/vscsi-devs/%s/error", d->vhost->back, d->name);
    d->error_node = store_remove(d->vhost->host->store, path) < 0;
}

/* True when the device moved at once; what is batched counts when it is written. */
static bool step(struct vdev *d, struct batch *b)
{
    switch (dev_decide(d->phase, d->own)) {
    case DA_NOTHING:
    case DA_ACTIONS:
        return false;
    case DA_IGNORE:
        ignore(d);
        return false;
    case DA_OPEN:
        return open_device(d);
    case DA_OFFER:
        clear_error(d);
        if (d->own == XB_INITIALISING) {
            batch_add(b, d, "state", XB_INITIALISED, NULL);
            return false;
        }
        d->phase = DP_OFFERED;
        return true;
    case DA_SETTLE:
        settle(d, b);
        return false;
    case DA_DETACH:
        if (!may_detach(d))
            return false;
        /* fall through */
    case DA_REMOVE:
        remove_now(d);
        return true;
    case DA_FOUND_CLOSING:
        if (scan_dirty(d->vhost))
            return false; /* what the frontend does is not known yet */
        if (vhost_takes_over(d->vhost) && !has_let_go(d->vhost))
            return open_device(d);
        /* fall through */
    case DA_SAY_DETACHED:
        batch_add(b, d, "state", XB_CLOSED, NULL);
        return false;
    case DA_SAY_FAILED:
        batch_add(b, d, "error", 0, d->error);
        batch_add(b, d, "state", XB_CLOSED, NULL);
        return false;
    case DA_DROP:
        vdev_free(d);
        return true;
    }
    return false;
}

bool vdev_step_all(struct vhost *v)
{
    struct batch *b = calloc(1, sizeof(*b)); /* too big for a stack that others share */
    bool moved = false;
    uint64_t now = now_us();

    if (!b)
        return false;
    b->vhost = v;
    for (struct vdev *d = v->devs, *next; d; d = next) {
        next = d->next;
        if (d->reopen_us && now >= d->reopen_us)
            start_open(d);
        if (d->job && now >= d->deadline_us)
            moved |= open_is_late(d, now);
        if (d->dirty && d->present)
            continue; /* to be read first */
        moved |= step(d, b);
    }
    moved |= commit(b);
    free(b);
    return moved;
}

void vdev_reset_all(struct vhost *v)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (!b)
        return;
    b->vhost = v;
    for (struct vdev *d = v->devs; d; d = d->next) {
        d->shown = d->inherited = d->refused = d->front_checked = false;
        if (d->phase == DP_OFFERED && d->own == XB_CONNECTED)
            batch_add(b, d, "state", XB_INITIALISED, NULL);
    }
    commit(b);
    free(b);
}
