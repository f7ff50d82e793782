// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A vhost: carries out what the state tables say. The tables know what; this
 * knows how, and when an action has to wait for the worker or a device.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/param.h>

#include "common/util.h"
#include "control/model.h"

/* One round trip of the tables moves at least one thing; more than this many is a loop of two that disagree. */
#define STEPS_MAX 16
/* So long we show 6 before we announce ourselves again: a frontend that came through 5 waits for our 6. */
#define REOPEN_US 2000000u
#define RETRY_US 10000u
/* More than any configuration offers (options.c). */
#define SEGMENTS_OFFERED_MAX 128
#define RIVAL_RETRY_US 1000000u

static void path_of(const struct vhost *v, const char *node, char out[STORE_PATH_MAX])
{
    snprintf(out, STORE_PATH_MAX, "%s/%s", v->back, node);
}

void vhost_set_error(struct vhost *v, const char *text)
{
    struct store_write w = { .expect = -1 };

    if (strcmp(v->error, text) == 0)
        return;
    snprintf(v->error, sizeof(v->error), "%s", text);
    path_of(v, "error", w.path);
    snprintf(w.value, sizeof(w.value), "%s", text);
    if (v->vanished || !v->host->store)
        return;
    if (text[0])
        store_write_batch(v->host->store, &w, 1);
    else
        store_remove(v->host->store, w.path);
}

/* Our state, if the node still holds what we read. True when it was written. */
static bool write_state(struct vhost *v, enum xenbus_state to)
{
    struct store_write w = { .expect = (int)v->own };

    path_of(v, "state", w.path);
    snprintf(w.value, sizeof(w.value), "%d", (int)to);
    if (v->own == XB_UNKNOWN)
        w.expect = -1;
    if (store_write_batch(v->host->store, &w, 1) < 0 || !w.done) {
        v->dirty_own = true; /* the toolstack wrote in between: look again */
        return false;
    }
    if (v->own != to)
        log_debug(v->prefix, "backend %s -> %s (ours)", xenbus_state_name(v->own), xenbus_state_name(to));
    v->own = to;
    return true;
}

static void complain(struct vhost *v, enum vhost_situation s)
{
    unsigned now = (unsigned)s * 16 + (unsigned)v->front_state;

    if (v->last_complaint == now + 1)
        return;
    v->last_complaint = now + 1;
    log_limited(&v->limit, XTL_WARN, v->prefix,
                "states make no sense together and are ignored: ours %d (%s), the frontend's %d "
                "(%s), while the vhost is %s",
                (int)v->own, xenbus_state_name(v->own), (int)v->front_state, xenbus_state_name(v->front_state),
                vhost_phase_name(v->phase));
}

/* --- actions --- */

static bool announce(struct vhost *v)
{
    struct store_write w[2] = { { .expect = -1 }, { .expect = (int)v->own } };

    if (!link_ring_free(v) || !vdev_all_opened(v))
        return false;
    if (!v->child)
        v->segments = vdev_choose_segments(v);
    v->take_over = false;
    link_ensure(v);
    vdev_reset_all(v);
    path_of(v, "feature-sg-grant", w[0].path);
    snprintf(w[0].value, sizeof(w[0].value), "%u", v->segments);
    path_of(v, "state", w[1].path);
    snprintf(w[1].value, sizeof(w[1].value), "%d", XB_INIT_WAIT);
    if (store_write_batch(v->host->store, w, 2) < 0 || !w[1].done) {
        v->dirty_own = true;
        return false;
    }
    log_debug(v->prefix, "announced with %u segments", v->segments);
    v->own = XB_INIT_WAIT;
    v->phase = VP_WAITING;
    v->seen_connected = v->reconnect = v->rewrite = false;
    return true;
}

/* What xenstore answers when it is the node that is wrong, and not xenstore. */
static bool node_at_fault(int error)
{
    return error == -ENOENT || error == -EACCES || error == -EINVAL || error == -ERANGE || error == -EMSGSIZE;
}

/* 1: ours; 0: not, said; -1: look again. */
static int check_protocol(struct vhost *v)
{
#if defined(__x86_64__) || defined(__i386__)
    static const char *const native[] = { "x86_64-abi", "x86_32-abi" };
#else
    static const char *const native[] = { "arm-abi" };
#endif
    char path[STORE_PATH_MAX], text[32], shown[64], why[DEVICE_WHY_MAX];
    int r;

    snprintf(path, sizeof(path), "%s/protocol", v->front);
    r = store_read(v->host->store, path, text, sizeof(text));
    if (r == -ENOENT || r == -EACCES)
        return 1;
    if (r < 0 && !node_at_fault(r)) {
        v->dirty_front = true;
        return -1;
    }
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(native); i++)
        if (strcmp(text, native[i]) == 0)
            return 1;
    escape_for_log(shown, sizeof(shown), text, strlen(text));
    snprintf(why, sizeof(why), "the frontend's protocol is '%s'; expected %s or none", r == 0 ? shown : "unreadable",
             native[0]);
    if (strcmp(why, v->error) != 0)
        log_limited(&v->limit, XTL_WARN, v->prefix, "%s", why);
    vhost_set_error(v, why);
    return 0;
}

/* 1: read; 0: the nodes are not usable, said; -1: look again. */
static int read_ring(struct vhost *v, uint32_t *ref, uint32_t *port)
{
    char path_ref[STORE_PATH_MAX], path_port[STORE_PATH_MAX];
    int r;

    snprintf(path_ref, sizeof(path_ref), "%s/ring-ref", v->front);
    snprintf(path_port, sizeof(path_port), "%s/event-channel", v->front);
    r = store_read_pair(v->host->store, path_ref, path_port, ref, port);
    if (r == 0)
        return 1;
    if (!node_at_fault(r)) {
        v->dirty_front = v->dirty_ring = true;
        return -1;
    }
    log_limited(&v->limit, XTL_WARN, v->prefix,
                "the frontend is %s, but its ring-ref and event-channel cannot be used: %s",
                xenbus_state_name(v->front_state), strerror(-r));
    return 0;
}

static bool do_connect(struct vhost *v)
{
    int r = check_protocol(v);

    if (r == 0) {
        v->phase = VP_CLOSED;
        v->close_due = true;
        return true;
    }
    if (r < 0 || read_ring(v, &v->ring_ref, &v->event_channel) != 1)
        return false;
    v->take_over = v->seen_connected = v->dirty_ring = false;
    if (!link_ensure(v))
        return false;
    v->phase = VP_CONNECTING;
    link_send_connect(v);
    return true;
}

/* The frontend has to close and start anew: nothing is known of what it has in flight. */
static bool give_up_ring(struct vhost *v, const char *why)
{
    log_limited(&v->limit, XTL_WARN, v->prefix,
                "cannot go on with the ring of an earlier daemon: %s; the frontend is told to "
                "close",
                why);
    v->take_over = false;
    v->phase = VP_CLOSED;
    v->close_due = true;
    return true;
}

bool vhost_takes_over(const struct vhost *v)
{
    return vhost_decide(vhost_classify(v->phase, v->own, v->online), v->front_state) == VA_TAKE_OVER;
}

static bool take_over(struct vhost *v)
{
    char path[STORE_PATH_MAX];
    uint32_t segments;
    int r;

    /* All of them: a LUN that is missing now would have its interrupted commands refused. */
    if (scan_dirty(v) || !link_ring_free(v) || !vdev_all_opened(v))
        return false;
    r = read_ring(v, &v->ring_ref, &v->event_channel);
    if (r < 1)
        return r < 0 || v->front_state == XB_INITIALISED ? false : give_up_ring(v, "its nodes are unusable");
    path_of(v, "feature-sg-grant", path);
    r = store_read_u32(v->host->store, path, SEGMENTS_OFFERED_MAX, &segments);
    if (r < 0 && !node_at_fault(r)) {
        v->dirty_front = true;
        return false;
    }
    if (r < 0 || segments == 0)
        segments = v->host->settings->max_segments;
    v->segments = segments;
    if (!link_journal_fits(v)) {
        if (v->front_state != XB_INITIALISED)
            return give_up_ring(v, "its journal is missing or of another ring");
        /* It has not been told 4 on this ring: a first connect like any other. */
        v->rewrite = true;
        return do_connect(v);
    }
    v->take_over = true;
    if (!link_ensure(v))
        return false;
    for (struct vdev *d = v->devs; d; d = d->next)
        link_hand(d);
    v->phase = VP_CONNECTING;
    v->seen_connected = false;
    link_send_connect(v);
    return true;
}

static bool accept(struct vhost *v)
{
    if (!vdev_all_settled(v))
        return false;
    if (!write_state(v, XB_CONNECTED))
        return false;
    v->rewrite = false;
    vdev_mark_shown(v);
    vhost_set_error(v, "");
    return true;
}

static bool reconfigure(struct vhost *v)
{
    if (!vdev_all_settled(v) || !write_state(v, XB_RECONFIGURED))
        return false;
    vdev_mark_shown(v);
    return true;
}

static bool finish(struct vhost *v)
{
    for (const struct vdev *d = v->devs; d; d = d->next)
        if (d->phase == DP_OFFERED && d->own == XB_INITIALISED && d->shown && !d->front_checked)
            return false; /* the device table takes it to 4 first */
    return write_state(v, XB_CONNECTED);
}

/* The domain, and not only its nodes, which a guest can delete. A driver domain sees no more than those. */
static bool guest_is_gone(const struct vhost *v)
{
    return v->front_state == XB_GONE && (!v->introduced || v->replaced);
}

static bool disconnect(struct vhost *v)
{
    /* Its devices may be given to the next guest at once, long before a worker that sleeps at one of them ends. */
    if (v->child && guest_is_gone(v))
        hold_worker(v, child_pid(v->child));
    v->phase = VP_CLOSING;
    if (v->child)
        link_disconnect(v);
    else
        vhost_closed(v);
    return true;
}

void vhost_closed(struct vhost *v)
{
    log_limited(&v->limit, XTL_INFO, v->prefix, "disconnected");
    v->phase = VP_CLOSED;
    v->halted = v->seen_connected = false;
    v->connect_due = v->take_over = false;
}

/*
 * A frontend at 3 while we are connected: a new ring after a suspend, or it has just not gone on to 4 yet. At 4, only other
 * numbers tell: it may have gone from 4 to 3 to 4 between two looks.
 */
static bool check_ring(struct vhost *v)
{
    uint32_t ref, port;

    if (v->rewrite && vdev_all_settled(v)) {
        if (write_state(v, v->own))
            v->rewrite = false;
        return true; /* a ring that is newer still is looked at next */
    }
    v->dirty_ring = false;
    if (read_ring(v, &ref, &port) != 1)
        return false;
    if (ref == v->ring_ref && port == v->event_channel && (v->front_state != XB_INITIALISED || !v->seen_connected))
        return false;
    log_limited(&v->limit, XTL_INFO, v->prefix, "the frontend came with a new ring");
    v->reconnect = true;
    return disconnect(v);
}

static bool tell(struct vhost *v, enum xenbus_state to)
{
    bool moved = v->phase != VP_CLOSED;

    v->phase = VP_CLOSED;
    if (v->own != to)
        moved |= write_state(v, to);
    if (to == XB_CLOSED && moved)
        v->reopen_at_us = now_us() + REOPEN_US;
    return moved;
}

static bool reopen(struct vhost *v)
{
    if (v->reopen_at_us && now_us() < v->reopen_at_us)
        return false;
    return announce(v);
}

static bool forget(struct vhost *v)
{
    if (!v->child && !v->devs)
        return false;
    log_info(v->prefix, "offline; done with it");
    link_drop(v);
    vdev_forget_all(v);
    v->segments = 0;
    v->dirty_list = false;
    return false;
}

static bool act(struct vhost *v, enum vhost_action a, enum vhost_situation s)
{
    switch (a) {
    case VA_NOTHING:
    case VA_ACTIONS:
        return false;
    case VA_SETTLE: /* the devices are their own table's */
        return (v->dirty_ring || v->rewrite) && check_ring(v);
    case VA_IGNORE:
        complain(v, s);
        return false;
    case VA_ANNOUNCE:
        return announce(v);
    case VA_CONNECT:
        return do_connect(v);
    case VA_TAKE_OVER:
        return take_over(v);
    case VA_ACCEPT:
        return accept(v);
    case VA_FINISH:
        return finish(v);
    case VA_CHECK_RING:
        return check_ring(v);
    case VA_RECONFIGURE:
        return reconfigure(v);
    case VA_DISCONNECT:
        return disconnect(v);
    case VA_TELL_CLOSING:
        return tell(v, XB_CLOSING);
    case VA_TELL_CLOSED:
        return tell(v, XB_CLOSED);
    case VA_REOPEN:
        return reopen(v);
    case VA_FORGET:
        return forget(v);
    }
    return false;
}

/* The guest is gone for good: what the toolstack left of it in our tree is ours to remove. */
static bool purge(struct vhost *v)
{
    char path[64];

    if (!guest_is_gone(v) || vhost_has_ring(v))
        return false;
    log_info(v->prefix, "the guest is gone; removing %s", v->back);
    if (store_remove(v->host->store, v->back) < 0)
        return false;
    snprintf(path, sizeof(path), BACKEND_ROOT "/%u", v->domid);
    store_remove_if_empty(v->host->store, path);
    v->vanished = true;
    return true;
}

/* The kernel's xen-scsiback has the same node: two backends on one ring would destroy data. */
static bool held_by_rival(struct vhost *v)
{
    char why[DEVICE_WHY_MAX];

    if (!v->rival) {
        if (strncmp(v->error, "the kernel's", 12) == 0)
            vhost_set_error(v, "");
        return false;
    }
    snprintf(why, sizeof(why),
             "the kernel's xen-scsiback is bound to it; unbind it (echo vscsi-%u-%" PRIu32
             " > /sys/bus/xen-backend/drivers/vscsi/unbind) and blacklist the module (modprobe.d)",
             v->domid, v->id);
    if (strcmp(why, v->error) != 0) {
        log_warn(v->prefix, "%s: %s", vhost_has_ring(v) ? "served, but" : "not served", why);
        vhost_set_error(v, why);
    }
    return !vhost_has_ring(v);
}

/* What fails for now is tried again: no other action knows that a ring is to come. */
static bool reconnect(struct vhost *v)
{
    bool moved = do_connect(v);

    v->reconnect = !moved;
    return moved;
}

static bool step(struct vhost *v)
{
    enum vhost_situation s = vhost_classify(v->phase, v->own, v->online);
    enum vhost_action a = vhost_decide(s, v->front_state);

    if (a != VA_IGNORE)
        v->last_complaint = 0;
    if (v->reconnect && v->phase == VP_CLOSED) {
        /* It may have gone on to 4 already, having seen the 4 that we still show. */
        v->reconnect = v->front_state == XB_INITIALISED || v->front_state == XB_CONNECTED;
        if (v->reconnect) {
            v->rewrite = true;
            return reconnect(v);
        }
    }
    if (v->close_due) {
        v->close_due = v->phase == VP_CLOSED && !write_state(v, XB_CLOSING);
        return !v->close_due;
    }
    if (v->phase == VP_CLOSING && now_us() > v->closing_deadline_us && v->child) {
        log_limited(&v->limit, XTL_WARN, v->prefix, "the worker does not let go of the ring; killing it");
        v->closing_deadline_us = UINT64_MAX;
        child_kill(v->child);
    }
    return act(v, a, s);
}

/* A worker that died under a ring, or could not be started yet. */
static void keep_worker(struct vhost *v)
{
    if (!v->segments || v->phase == VP_UNSEEN)
        return;
    if (!link_ensure(v) || !v->connect_due)
        return;
    for (struct vdev *d = v->devs; d; d = d->next)
        link_hand(d);
    if (vdev_all_opened(v))
        link_send_connect(v);
}

static uint64_t look_again(const struct vhost *v)
{
    uint64_t now = now_us(), at = UINT64_MAX;

    if (v->phase == VP_CLOSING)
        at = MIN(at, v->closing_deadline_us);
    if (v->phase == VP_CLOSED && v->own == XB_CLOSED && v->front_state == XB_CLOSED && v->online)
        at = MIN(at, v->reopen_at_us);
    if (!v->child && (v->segments || v->child_not_before_us > now))
        at = MIN(at, MAX(v->child_not_before_us, now + RETRY_US));
    if (v->rival)
        at = MIN(at, now + RIVAL_RETRY_US);
    for (const struct vdev *d = v->devs; d; d = d->next)
        at = MIN(at, d->job ? d->deadline_us : d->reopen_us ? d->reopen_us : UINT64_MAX);
    if (at == UINT64_MAX)
        return 0;
    return at > now ? at - now : 1;
}

uint64_t vhost_reconcile(struct vhost *v)
{
    if (v->vanished || v->phase >= VP_PHASES)
        return 0;
    if (purge(v))
        return 0;
    if (!v->known && !vhost_has_ring(v) && v->front_state != XB_GONE)
        return 0;
    if (held_by_rival(v))
        return look_again(v);
    for (unsigned n = 0; n < STEPS_MAX && !store_lost(v->host->store); n++) {
        bool moved = v->own == XB_CLOSED && !v->online ? false : vdev_step_all(v);

        keep_worker(v);
        moved |= step(v);
        if (!moved)
            break;
    }
    if (purge(v))
        return 0;
    return look_again(v);
}

void vhost_free(struct vhost *v)
{
    link_drop(v);
    vdev_forget_all(v);
    scan_unwatch(v);
    free(v);
}
