/*
 * The devices of a vhost: carries out what the device table says. Looking up and
 * opening is done in a thread; what comes of it arrives as a change of phase.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "control/model.h"
#include "control/run-files.h"

/* A device that takes longer to open is reported as failed, and the others go on. */
#define OPEN_DEADLINE_US 5000000u
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
    d->held = d->released = d->shared = false;
    d->helper = HELPER_IDLE;
    d->phase = DP_NONE;
    host_note_shared(d->vhost->host);
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
                 error == -EMSGSIZE ? "it is too long" : error == -EINVAL ? "it holds a NUL" : strerror(-error));
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

static void open_work(struct offload_job *job)
{
    struct open_job *o = container_of(job, struct open_job, job);

    o->result = o->known ? 0 : device_resolve(o->roots, o->pdev, o->allow_file, &o->dev, o->why);
    if (o->result == 0)
        o->result = device_open(o->roots, &o->dev, &o->fds, o->why);
}

static void open_done(struct offload_job *job)
{
    struct open_job *o = container_of(job, struct open_job, job);
    struct vdev *d = o->vdev;

    if (d) {
        d->job = NULL;
        if (o->result < 0) {
            fail(d, o->why);
        } else {
            d->dev = o->dev;
            d->fds = o->fds;
            o->fds = (struct device_fds){ .sg = -1, .block = -1 };
            d->opened = true;
            d->error[0] = '\0';
            host_note_shared(d->vhost->host);
            link_hand(d);
        }
        host_queue(d->vhost);
    }
    close_fds(&o->fds);
    free(o);
}

/* known: open again what was resolved before. */
static void start_open(struct vdev *d, bool known)
{
    struct host *h = d->vhost->host;
    struct open_job *o = calloc(1, sizeof(*o));
    int r = o ? 0 : -ENOMEM;

    if (o) {
        o->job = (struct offload_job){ .work = open_work, .done = open_done };
        o->vdev = d;
        o->roots = h->roots;
        o->allow_file = h->standalone;
        o->known = known;
        o->dev = d->dev;
        o->fds = (struct device_fds){ .sg = -1, .block = -1 };
        memcpy(o->pdev, d->pdev, sizeof(o->pdev));
        d->opened = d->handed = false;
        r = offload_submit(h->offload, &o->job);
    }
    if (r < 0) {
        free(o);
        fail(d, strerror(-r));
        return;
    }
    d->job = o;
    d->deadline_us = now_us() + OPEN_DEADLINE_US;
}

/* False: nothing could be read now. */
static bool open_device(struct vdev *d)
{
    char why[DEVICE_WHY_MAX] = "";
    bool inherited = d->own == XB_INITIALISED || d->own == XB_CONNECTED;

    if (read_wish(d, why) < 0) {
        if (why[0])
            fail(d, why);
        else
            d->dirty = true;        /* xenstore has a bad moment: again soon */
        return why[0] != '\0';
    }
    d->phase = DP_OPENING;
    d->inherited = inherited;
    start_open(d, false);
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
        fail(d, why);
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
        d->held = d->released = false;
        switch (d->phase) {
        case DP_ADDING:
            d->phase = DP_OPENING;
            start_open(d, true);
            break;
        case DP_READY:
        case DP_OFFERED:
            if (d->handed)
                start_open(d, true);
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
        if (d->job)
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
    struct vdev *dev[BATCH_MAX];        /* whose state it is, NULL for `error` */
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
            d->dirty = true;            /* somebody else wrote there: look again */
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
            log_warn(v->prefix, "%s: %s", d->name, d->error);
            batch_add(b, d, "error", 0, d->error);
        }
        d->refused = true;
        return false;
    }
    return batch_add(b, d, "state", XB_CONNECTED, NULL), true;
}

/* May a device that the frontend knows be taken away? Its own caches are written back before it says 7. */
static bool may_detach(const struct vdev *d)
{
    const struct vhost *v = d->vhost;

    if (v->phase != VP_LIVE || (!d->shown && !d->inherited))
        return true;
    return v->front_state == XB_RECONFIGURING || v->front_state == XB_GONE;
}

static void ignore(struct vdev *d)
{
    log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix, "%s/state %d (%s) makes no sense while the device is %s; ignored",
                d->name, (int)d->own, xenbus_state_name(d->own), dev_phase_name(d->phase));
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
    struct batch *b = calloc(1, sizeof(*b));    /* too big for a stack that others share */
    bool moved = false;
    uint64_t now = now_us();

    if (!b)
        return false;
    b->vhost = v;
    for (struct vdev *d = v->devs, *next; d; d = next) {
        next = d->next;
        if (d->dirty && d->present)
            continue;           /* to be read first */
        if (d->job && now >= d->deadline_us) {
            fail(d, "opening it takes longer than 5 s; is the device stuck in error recovery?");
            moved = true;
        }
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
