// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host: the connection to xenstored, and when each vhost is read and its tables run. Events of xenstore only
 * set marks; after each round of the event loop the marked vhosts are read again and their tables run. A flood of
 * events costs memory for the marks only, and time at a bounded rate.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "control/at-work.h"
#include "control/away.h"
#include "control/claims.h"
#include "control/readings.h"
#include "control/events.h"
#include "control/giveback.h"
#include "control/host.h"
#include "control/model.h"
#include "control/news.h"
#include "control/orphans.h"
#include "control/scan.h"
#include "control/vdev.h"
#include "control/vhost.h"
#include "control/worker-link.h"

/* Everything is read again after this time, even without an event: xenstored drops events of a domain that was slow. */
#define RESCAN_US 30000000u
/* libxenstore does not report that its connection ended. Only a call finds that out, so one is made this often. */
#define HEARTBEAT_US 2000000u
/* Between two tries to connect to xenstored again. */
#define RECONNECT_US 1000000u
/* At least this much between two full listings. */
#define LIST_INTERVAL_US 50000u
/* The pause after a read or write that failed, or after the toolstack wrote first. */
#define SOON_US 2000u
#define EVENTS_PER_ROUND 4096
#define QUIT_WAIT_US 6000000u
#define QUIT_POLL_US 5000u
/* With this many devices stuck in open(), healthy ones have to wait. */
#define OPEN_THREADS 16
#define RESET_THREADS 8
#define GIVEBACK_THREADS 8

static void drop(struct vhost *v)
{
    model_unlink(v);
    log_info(v->prefix, "removed");
    worker_drop(v); /* before its journal is removed */
    if (!v->recalled)
        giveback_files(v->host, v->domid, v->id);
    vdev_forget_all(v);
    run_files_remove(v->host->settings->run_dir, v->domid, v->id);
    vhost_free(v);
}

/* --- the rhythm --- */

/* Takes the events of xenstore; sets marks only. False: the connection is lost. */
static bool drain(struct host *h)
{
    for (unsigned n = 0; n < EVENTS_PER_ROUND; n++) {
        struct store_event ev;
        int r = store_next_event(h->store, &ev);

        if (r == 0)
            return true;
        if (r < 0)
            return false;
        event_mark(h, ev.path, ev.token);
        free(ev.raw);
    }
    return true;
}

static bool any_worker(const struct host *h)
{
    for (const struct vhost *v = h->vhosts; v; v = v->next)
        if (v->worker.child)
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
        worker_quit(v);
    loop_timer_arm(h->loop, &h->quit_timer, QUIT_POLL_US);
}

void host_log(struct host *h)
{
    for (struct vhost *v = h->vhosts; v; v = v->next)
        worker_log(v);
}

void host_settings_changed(struct host *h)
{
    worker_divide_pages(h);
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        worker_set_poll(v);
        vdev_change_all(v);
    }
}

static bool known_vhost(void *ctx, uint16_t domid, uint32_t vhost)
{
    return model_find(ctx, domid, vhost) != NULL;
}

/* A guest that ended while no daemon was there. */
static void give_back_unknown(void *ctx, uint16_t domid, uint32_t vhost, bool served, const struct pvscsi_journal *j)
{
    (void)j;
    if (!served && !known_vhost(ctx, domid, vhost))
        giveback_files(ctx, domid, vhost);
}

static void lose_store(struct host *h)
{
    log_warn(NULL,
             "the connection to xenstored is lost; guests are still served, but no change is seen until it is back");
    news_tell(h->news, NEWS_XENSTORED_AWAY, NULL, NULL, "the connection to xenstored is lost; guests are still served");
    loop_timer_cancel(&h->scan_timer);
    loop_timer_cancel(&h->rescan_timer);
    loop_remove(&h->store_source);
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        v->seen.token[0] = '\0';
        v->seen.name_watched = false;
    }
    store_close(h->store);
    h->store = NULL;
    loop_timer_arm(h->loop, &h->reconnect_timer, RECONNECT_US);
}

/* Reads what is marked, then runs v's tables. v may be freed afterwards. */
static void run_vhost(struct vhost *v)
{
    struct host *h = v->host;
    uint64_t again;

    v->wake_us = 0;
    if (scan_vhost(v) < 0)
        return;
    again = vhost_reconcile(v);
    if (v->seen.vanished) {
        drop(v);
        return;
    }
    if (!model_dirty(v)) {
        v->retries = 0;
    } else {
        /* Something could not be read or written now. The pauses grow up to a second. */
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
            model_changed(v);
        else if (next == 0 || v->wake_us < next)
            next = v->wake_us;
    }
    h->next_wake_us = next;
}

static void mark_domains(struct host *h)
{
    h->domains_dirty = false;
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        v->dirty.domain = v->dirty.front = true;
        model_changed(v);
    }
}

static void sooner(uint64_t *at, uint64_t t)
{
    if (t < *at)
        *at = t;
}

/* Runs each vhost at most once. A vhost that is queued meanwhile is for the next round. */
static void run_pending(struct host *h, uint64_t *next)
{
    struct vhost *todo = h->pending;

    h->pending = NULL;
    h->pending_last = &h->pending;
    while (todo) {
        struct vhost *v = todo;

        todo = v->next_pending;
        v->pending = false;
        if (store_lost(h->store) || now_us() < v->seen.not_before_us) {
            sooner(next, v->seen.not_before_us);
            model_changed(v);
            continue;
        }
        run_vhost(v);
        drain(h);
    }
    /* These were queued while the others ran. */
    for (struct vhost *v = h->pending; v; v = v->next_pending)
        sooner(next, v->seen.not_before_us);
}

/* Workers are told what concerns them even without xenstored, and while the daemon ends. */
static void hear_pending(struct host *h)
{
    for (struct vhost *v = h->pending; v; v = v->next_pending)
        vdev_hear_all(v);
}

static void after_round(void *ctx)
{
    struct host *h = ctx;
    uint64_t now = now_us(), next = UINT64_MAX;

    hear_pending(h);
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
    hear_pending(h); /* what the vhosts that ran changed for others: a device is shared, or must be held */
    if (store_lost(h->store)) {
        lose_store(h);
        return;
    }
    if (!h->first_scan_done && !h->list_dirty) {
        h->first_scan_done = true;
        run_files_each(h->settings->run_dir, false, give_back_unknown, h);
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
    (void)timer; /* the timer only starts a round */
}

static void rescan_expired(struct loop_timer *timer)
{
    struct host *h = container_of(timer, struct host, rescan_timer);

    if (++h->heartbeats >= RESCAN_US / HEARTBEAT_US) {
        h->heartbeats = 0;
        h->list_dirty = true;
    } else if (h->store) {
        char value[16];

        store_read(h->store, "domid", value, sizeof(value)); /* after_round() checks whether the store is lost */
    }
    loop_timer_arm(h->loop, timer, HEARTBEAT_US);
}

static void store_ready(struct loop_source *src, uint32_t revents)
{
    (void)revents;
    drain(container_of(src, struct host, store_source));
}

/* --- start, loss and end --- */

/*
 * Finds our own domain number. It is 0 only if that is certain: a wrong number would watch the tree of another
 * domain.
 */
static int find_own_domid(struct host *h, char *why, size_t why_size)
{
    CLEANUP_FREE char *caps = NULL;
    uint32_t domid;
    int r = store_read_u32(h->store, "domid", 0x7fef, &domid);

    if (r == 0) {
        h->own_domid = (uint16_t)domid;
        return 0;
    }
    /* A connection that ended says nothing of the node. */
    if (!store_lost(h->store)
        && (h->standalone
            || (read_file("/proc/xen/capabilities", 256, &caps, NULL) == 0 && strstr(caps, "control_d")))) {
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
    /* A driver domain may not set these watches. Then the frontends' nodes and the regular rescan have to suffice. */
    if (store_watch(h->store, "@releaseDomain", "d") < 0 || store_watch(h->store, "@introduceDomain", "d") < 0)
        log_debug(NULL, "cannot watch domains that come and go; looking regularly instead");
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
        model_ask_changes(h); /* the list, which is read now, marks the vhosts */
        log_info(NULL, "connected to xenstored again");
        news_tell(h->news, NEWS_XENSTORED_BACK, NULL, NULL, "connected to xenstored again");
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

static void devices_changed(void *ctx)
{
    struct host *h = ctx;

    for (struct vhost *v = h->vhosts; v; v = v->next)
        away_hurry(v);
}

static int prepare_sandbox(struct host *h, char *why, size_t why_size)
{
    const struct settings *s = h->settings;
    int r = sandbox_prepare(s->sandbox, h->standalone, s->sandbox_uid_base, &h->sandbox, why, why_size);

    if (r == 0 && h->sandbox.lacks[0])
        /* In standalone mode this is usual and nobody asked for more. `pvscsictl status` shows it. */
        log_msg(s->sandbox == SANDBOX_AUTO ? XTL_DEBUG : XTL_WARN, NULL, 0, "workers are confined without %s",
                h->sandbox.lacks);
    return r;
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
    h->news = config->news;
    h->ready = config->ready;
    h->quit_done = config->quit_done;
    h->ctx = config->ctx;
    h->standalone = h->settings->standalone[0] != '\0';
    h->started = time(NULL);
    h->pending_last = &h->pending;
    h->store_source.fd = h->device_watch.src.fd = -1;
    h->scan_timer.expired = scan_expired;
    h->rescan_timer.expired = rescan_expired;
    h->reconnect_timer.expired = reconnect_expired;
    h->quit_timer.expired = quit_expired;
    r = check_xen_nodes(h, why, why_size);
    if (r == 0)
        r = prepare_sandbox(h, why, why_size);
    if (r == 0) {
        r = offload_new(h->loop, OPEN_THREADS, &h->offload);
        if (r == 0)
            r = offload_new(h->loop, RESET_THREADS, &h->resets);
        if (r == 0)
            r = offload_new(h->loop, GIVEBACK_THREADS, &h->givebacks);
        h->claims = claims_new();
        h->readings = readings_new();
        if (r == 0 && (!h->claims || !h->readings))
            r = -ENOMEM;
        if (r < 0)
            snprintf(why, why_size, "cannot start: %s", strerror(-r));
    }
    if (r == 0)
        r = attach_store(h, why, why_size);
    if (r < 0) {
        host_free(h);
        return r;
    }
    at_work_init(h);
    /* In standalone mode there may be other daemons. */
    if (!h->standalone)
        h->orphans = orphans_find(h->loop, h->roots, ORPHANS_WAIT_US);
    r = device_watch_init(&h->device_watch, h->loop, devices_changed, h);
    if (r < 0)
        log_warn(NULL, "no events of devices that come and go: %s; looking regularly instead", strerror(-r));
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
    /* Rings, nodes and files stay for the next daemon. The workers only see that their sockets are closed. */
    while (h->vhosts) {
        struct vhost *v = h->vhosts;

        model_unlink(v);
        vhost_free(v);
    }
    offload_free(h->offload);
    offload_free(h->resets);
    offload_free(h->givebacks);
    claims_unref(h->claims);
    readings_leave(h->readings);
    at_work_free(h);
    orphans_free(h->orphans);
    loop_timer_cancel(&h->scan_timer);
    loop_timer_cancel(&h->rescan_timer);
    loop_timer_cancel(&h->reconnect_timer);
    loop_timer_cancel(&h->quit_timer);
    loop_remove(&h->store_source);
    device_watch_deinit(&h->device_watch);
    store_close(h->store);
    free(h);
}
