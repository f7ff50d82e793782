// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host: the list of vhosts, and the rhythm. Xenstore's events only mark; after
 * each round of the loop the marked vhosts are read again and their tables run.
 * A flood of events costs memory for the marks only, and time at a bounded rate.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "control/host.h"
#include "control/model.h"

/* Everything is read again so often, whatever watches said: xenstored drops events of a domain that was slow. */
#define RESCAN_US 30000000u
/* libxenstore does not say that its connection has ended; a call does. */
#define HEARTBEAT_US 2000000u
/* A lost xenstored is looked for so often. */
#define RECONNECT_US 1000000u
/* Between two full listings. */
#define LIST_INTERVAL_US 50000u
/* After a read or write that failed, or lost against the toolstack's. */
#define SOON_US 2000u
#define EVENTS_PER_ROUND 4096
#define QUIT_WAIT_US 6000000u
#define QUIT_POLL_US 5000u
/* As many sick devices at once keep the healthy ones waiting. */
#define OPEN_THREADS 16
#define RESET_THREADS 8

struct vhost *host_find(struct host *h, uint16_t domid, uint32_t id)
{
    for (struct vhost *v = h->vhosts; v; v = v->next)
        if (v->domid == domid && v->id == id)
            return v;
    return NULL;
}

struct vhost *host_vhost(struct host *h, uint16_t domid, uint32_t id)
{
    struct vhost *v = host_find(h, domid, id);

    if (v)
        return v;
    if (h->n_vhosts >= VHOSTS_MAX) {
        static struct log_limit limit = LOG_LIMIT_INIT;

        log_limited(&limit, XTL_WARN, NULL, BACKEND_ROOT "/%u/%" PRIu32 " ignored: there are %u vhosts already", domid,
                    id, h->n_vhosts);
        return NULL;
    }
    v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->host = h;
    v->domid = domid;
    v->id = id;
    v->online = true;
    v->limit = (struct log_limit)LOG_LIMIT_INIT;
    v->found_us = now_us();
    snprintf(v->prefix, sizeof(v->prefix), "d%u.%" PRIu32, domid, id);
    snprintf(v->back, sizeof(v->back), BACKEND_ROOT "/%u/%" PRIu32, domid, id);
    v->next = h->vhosts;
    h->vhosts = v;
    h->n_vhosts++;
    scan_mark_all(v);
    return v;
}

void host_queue(struct vhost *v)
{
    struct host *h = v->host;

    if (v->pending)
        return;
    v->pending = true;
    v->next_pending = NULL;
    *h->pending_last = v;
    h->pending_last = &v->next_pending;
}

static void drop(struct vhost *v)
{
    struct host *h = v->host;
    struct vhost **at = &h->vhosts;

    if (v->pending) {
        struct vhost **p = &h->pending;

        while (*p != v)
            p = &(*p)->next_pending;
        *p = v->next_pending;
        if (!*p)
            h->pending_last = p;
    }
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    h->n_vhosts--;
    log_info(v->prefix, "removed");
    link_drop(v); /* while its journal is there */
    run_files_remove(h->settings->run_dir, v->domid, v->id);
    vhost_free(v);
}

/* --- devices that several guests have --- */

static unsigned bucket(const struct hctl *a)
{
    return (a->host + 17 * a->channel + 257 * a->target + (uint32_t)a->lun) % DEVICE_BUCKETS;
}

struct vdev *host_same_device(const struct host *h, const struct hctl *hctl)
{
    return h->by_hctl[bucket(hctl)];
}

static void note_shared(struct host *h, const struct hctl *hctl)
{
    const struct vdev *first = NULL;
    bool shared = false;

    for (const struct vdev *d = host_same_device(h, hctl); d; d = d->next_same) {
        if (!hctl_equal(&d->dev.hctl, hctl))
            continue;
        if (!first)
            first = d;
        shared |= d->vhost->domid != first->vhost->domid;
    }
    for (struct vdev *d = host_same_device(h, hctl); d; d = d->next_same) {
        if (d->shared == shared || !hctl_equal(&d->dev.hctl, hctl))
            continue;
        if (shared)
            log_limited(&d->vhost->limit, XTL_INFO, d->vhost->prefix, "%s: %s is given to another guest too", d->name,
                        d->dev.sg_name);
        d->shared = shared;
        link_shared(d);
    }
}

void host_enter_device(struct vdev *d)
{
    struct vdev **head = &d->vhost->host->by_hctl[bucket(&d->dev.hctl)];

    if (d->entered || !d->dev.sg_name[0])
        return;
    d->entered = true;
    d->next_same = *head;
    *head = d;
    note_shared(d->vhost->host, &d->dev.hctl);
}

void host_leave_device(struct vdev *d)
{
    struct vdev **at = &d->vhost->host->by_hctl[bucket(&d->dev.hctl)];

    if (!d->entered)
        return;
    while (*at != d)
        at = &(*at)->next_same;
    *at = d->next_same;
    d->entered = d->shared = false;
    /* At the daemon's end nobody loses a device: the workers go on to a successor. */
    if (!d->vhost->host->quitting)
        note_shared(d->vhost->host, &d->dev.hctl);
}

/* --- the rhythm --- */

/* Only marks: bounded work, no memory. False: the connection is gone. */
static bool drain(struct host *h)
{
    for (unsigned n = 0; n < EVENTS_PER_ROUND; n++) {
        struct store_event ev;
        int r = store_next_event(h->store, &ev);

        if (r == 0)
            return true;
        if (r < 0)
            return false;
        scan_event(h, ev.path, ev.token);
        free(ev.raw);
    }
    return true;
}

static bool any_worker(const struct host *h)
{
    for (const struct vhost *v = h->vhosts; v; v = v->next)
        if (v->child)
            return true;
    return child_abandoned() > 0;
}

static void quit_expired(struct loop_timer *timer)
{
    struct host *h = container_of(timer, struct host, quit_timer);

    if (any_worker(h) && now_us() < h->quit_until_us) {
        loop_timer_arm(h->loop, timer, QUIT_POLL_US);
        return;
    }
    h->quit_done(h->ctx);
}

void host_quit(struct host *h)
{
    if (h->quitting)
        return;
    h->quitting = true;
    h->quit_until_us = now_us() + QUIT_WAIT_US;
    for (struct vhost *v = h->vhosts; v; v = v->next)
        link_quit(v);
    loop_timer_arm(h->loop, &h->quit_timer, QUIT_POLL_US);
}

void host_log_level(struct host *h)
{
    for (struct vhost *v = h->vhosts; v; v = v->next)
        link_log_level(v);
}

static bool known_vhost(void *ctx, uint16_t domid, uint32_t vhost)
{
    return host_find(ctx, domid, vhost) != NULL;
}

static void lose_store(struct host *h)
{
    log_warn(NULL, "the connection to xenstored is lost; guests are still served, nothing else until it is back");
    loop_timer_cancel(&h->scan_timer);
    loop_timer_cancel(&h->rescan_timer);
    loop_remove(&h->store_source);
    for (struct vhost *v = h->vhosts; v; v = v->next)
        v->token[0] = '\0';
    store_close(h->store);
    h->store = NULL;
    loop_timer_arm(h->loop, &h->reconnect_timer, RECONNECT_US);
}

/* Runs v's tables, after reading what is marked; v may be gone afterwards. */
static void run_vhost(struct vhost *v)
{
    struct host *h = v->host;
    uint64_t again;

    v->wake_us = 0;
    if (scan_vhost(v) < 0)
        return;
    again = vhost_reconcile(v);
    if (v->vanished) {
        drop(v);
        return;
    }
    if (!scan_dirty(v)) {
        v->retries = 0;
    } else {
        /* Something could not be read or written just now; what never can is tried once a second. */
        uint64_t soon = (uint64_t)SOON_US << (v->retries < 9 ? v->retries++ : 9);

        if (again == 0 || again > soon)
            again = soon;
    }
    if (again == 0)
        return;
    v->wake_us = now_us() + again;
    if (h->next_wake_us == 0 || v->wake_us < h->next_wake_us)
        h->next_wake_us = v->wake_us;
}

static void queue_due(struct host *h, uint64_t now)
{
    uint64_t next = 0;

    for (struct vhost *v = h->vhosts; v; v = v->next) {
        if (v->wake_us == 0)
            continue;
        if (v->wake_us <= now)
            host_queue(v);
        else if (next == 0 || v->wake_us < next)
            next = v->wake_us;
    }
    h->next_wake_us = next;
}

static void mark_domains(struct host *h)
{
    h->domains_dirty = false;
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        v->dirty_domain = v->dirty_front = true;
        host_queue(v);
    }
}

static void sooner(uint64_t *at, uint64_t t)
{
    if (t < *at)
        *at = t;
}

/* Each vhost at most once; what is queued meanwhile is for the next round. */
static void run_pending(struct host *h, uint64_t *next)
{
    struct vhost *todo = h->pending;

    h->pending = NULL;
    h->pending_last = &h->pending;
    while (todo) {
        struct vhost *v = todo;

        todo = v->next_pending;
        v->pending = false;
        if (store_lost(h->store) || now_us() < v->not_before_us) {
            sooner(next, v->not_before_us);
            host_queue(v);
            continue;
        }
        run_vhost(v);
        drain(h);
    }
    /* Queued while the others ran, and due. */
    for (struct vhost *v = h->pending; v; v = v->next_pending)
        sooner(next, v->not_before_us);
}

static void after_round(void *ctx)
{
    struct host *h = ctx;
    uint64_t now = now_us(), next = UINT64_MAX;

    if (!h->store || h->quitting)
        return;
    if (h->list_dirty && now >= h->list_not_before_us) {
        h->list_dirty = false;
        h->list_not_before_us = now + LIST_INTERVAL_US;
        if (scan_list(h) < 0)
            h->list_dirty = true;
    }
    if (h->domains_dirty)
        mark_domains(h);
    if (h->next_wake_us && now >= h->next_wake_us)
        queue_due(h, now);
    run_pending(h, &next);
    if (store_lost(h->store)) {
        lose_store(h);
        return;
    }
    if (!h->first_scan_done && !h->list_dirty) {
        h->first_scan_done = true;
        run_files_sweep(h->settings->run_dir, known_vhost, h);
        h->ready(h->ctx);
    }
    if (h->list_dirty)
        sooner(&next, h->list_not_before_us);
    if (h->next_wake_us)
        sooner(&next, h->next_wake_us);
    if (next == UINT64_MAX)
        return;
    now = now_us();
    loop_timer_arm(h->loop, &h->scan_timer, next > now ? next - now : 0);
}

static void scan_expired(struct loop_timer *timer)
{
    (void)timer; /* only to have a round */
}

static void rescan_expired(struct loop_timer *timer)
{
    struct host *h = container_of(timer, struct host, rescan_timer);

    if (++h->heartbeats >= RESCAN_US / HEARTBEAT_US) {
        h->heartbeats = 0;
        h->list_dirty = true;
    } else if (h->store) {
        char value[16];

        store_read(h->store, "domid", value, sizeof(value)); /* after_round() sees it when the store is lost */
    }
    loop_timer_arm(h->loop, timer, HEARTBEAT_US);
}

static void store_ready(struct loop_source *src, uint32_t revents)
{
    (void)revents;
    drain(container_of(src, struct host, store_source));
}

/* --- start, loss and end --- */

/* Our own number: 0 only where it is sure, since a wrong one would watch someone else's tree. */
static int find_own_domid(struct host *h, char *why, size_t why_size)
{
    CLEANUP_FREE char *caps = NULL;
    uint32_t domid;
    int r = store_read_u32(h->store, "domid", 0x7fef, &domid);

    if (r == 0) {
        h->own_domid = (uint16_t)domid;
        return 0;
    }
    if (h->standalone || (read_file("/proc/xen/capabilities", 256, &caps, NULL) == 0 && strstr(caps, "control_d"))) {
        h->own_domid = 0;
        return 0;
    }
    snprintf(why, why_size,
             "cannot find out the number of this domain: xenstore's node 'domid': %s; expected a number "
             "(in dom0, xen-init-dom0 writes it)",
             strerror(-r));
    return r;
}

static int attach_store(struct host *h, char *why, size_t why_size)
{
    int r = store_open(&h->store, why, why_size);

    if (r < 0)
        return r;
    r = find_own_domid(h, why, why_size);
    if (r < 0)
        return r;
    r = store_watch(h->store, BACKEND_ROOT, "b");
    if (r < 0) {
        snprintf(why, why_size, "cannot watch " BACKEND_ROOT " in xenstore: %s", strerror(-r));
        return r;
    }
    /* A driver domain may not have these: the frontends' own nodes and the regular rescan do then. */
    if (store_watch(h->store, "@releaseDomain", "d") < 0 || store_watch(h->store, "@introduceDomain", "d") < 0)
        log_debug(NULL, "no watch on domains coming and going; looking regularly instead");
    h->store_source = (struct loop_source){ .fd = store_fd(h->store), .events = EPOLLIN, .ready = store_ready };
    r = loop_add(h->loop, &h->store_source);
    if (r < 0) {
        snprintf(why, why_size, "epoll: %s", strerror(-r));
        return r;
    }
    h->list_dirty = true;
    h->list_not_before_us = 0;
    loop_timer_arm(h->loop, &h->scan_timer, 0);
    loop_timer_arm(h->loop, &h->rescan_timer, HEARTBEAT_US);
    return 0;
}

static void reconnect_expired(struct loop_timer *timer)
{
    struct host *h = container_of(timer, struct host, reconnect_timer);
    char why[256];

    if (attach_store(h, why, sizeof(why)) == 0) {
        log_info(NULL, "connected to xenstored again");
        return;
    }
    log_debug(NULL, "%s", why);
    loop_remove(&h->store_source);
    store_close(h->store);
    h->store = NULL;
    loop_timer_arm(h->loop, timer, RECONNECT_US);
}

static int check_xen_nodes(const struct host *h, char *why, size_t why_size)
{
    static const char *const node[] = { "gntdev", "evtchn" };

    if (h->standalone)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(node); i++) {
        CLEANUP_FREE char *path = strf("%s/xen/%s", h->roots->dev, node[i]);

        if (!path || access(path, R_OK | W_OK) < 0) {
            int e = path ? errno : ENOMEM;

            snprintf(why, why_size, "cannot use %s/xen/%s: %s; expected a Xen domain with the module xen-%s loaded%s",
                     h->roots->dev, node[i], strerror(e), node[i], e == EACCES ? ", and root's rights" : "");
            return -e;
        }
    }
    return 0;
}

int host_new(const struct host_config *config, struct host **out, char *why, size_t why_size)
{
    struct host *h = calloc(1, sizeof(*h));
    int r;

    if (!h) {
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    h->loop = config->loop;
    h->settings = config->settings;
    h->roots = config->roots;
    h->ready = config->ready;
    h->quit_done = config->quit_done;
    h->ctx = config->ctx;
    h->standalone = h->settings->standalone[0] != '\0';
    h->pending_last = &h->pending;
    h->store_source.fd = -1;
    h->scan_timer.expired = scan_expired;
    h->rescan_timer.expired = rescan_expired;
    h->reconnect_timer.expired = reconnect_expired;
    h->quit_timer.expired = quit_expired;
    r = check_xen_nodes(h, why, why_size);
    if (r == 0) {
        r = offload_new(h->loop, OPEN_THREADS, &h->offload);
        if (r == 0)
            r = offload_new(h->loop, RESET_THREADS, &h->resets);
        if (r < 0)
            snprintf(why, why_size, "cannot start: %s", strerror(-r));
    }
    if (r == 0)
        r = attach_store(h, why, why_size);
    if (r < 0) {
        host_free(h);
        return r;
    }
    hold_init(h);
    loop_set_after_round(h->loop, after_round, h);
    *out = h;
    return 0;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    loop_set_after_round(h->loop, NULL, NULL);
    h->quitting = true;
    while (h->vhosts) {
        struct vhost *v = h->vhosts;

        h->vhosts = v->next;
        /* Its ring, nodes and files are a successor's: the worker only sees its socket close. */
        if (v->phase == VP_LIVE || v->phase == VP_CONNECTING)
            v->phase = VP_CLOSING;
        vhost_free(v);
    }
    offload_free(h->offload);
    offload_free(h->resets);
    hold_free(h);
    loop_timer_cancel(&h->scan_timer);
    loop_timer_cancel(&h->rescan_timer);
    loop_timer_cancel(&h->reconnect_timer);
    loop_timer_cancel(&h->quit_timer);
    loop_remove(&h->store_source);
    store_close(h->store);
    free(h);
}
