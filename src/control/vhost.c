// SPDX-License-Identifier: GPL-2.0-or-later
/* A vhost; see vhost.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/param.h>

#include "common/util.h"
#include "control/at-work.h"
#include "control/news.h"
#include "control/nodes.h"
#include "control/scan.h"
#include "control/vdev.h"
#include "control/vhost.h"
#include "control/worker-link.h"

/* Each step changes at least one thing. More steps than this mean that two tables undo each other's changes. */
#define STEPS_MAX 16
/* We show 6 for this time before we announce again: a frontend that came through 5 waits for our 6. */
#define REOPEN_US 2000000u
#define RETRY_US 10000u
/* The most that max_segments allows (options.c). */
#define SEGMENTS_OFFERED_MAX 128
#define RIVAL_RETRY_US 1000000u
/* A worker that has not released the ring after this time is killed. */
#define DISCONNECT_WAIT_US 5000000u

static void complain(struct vhost *v, enum vhost_situation s)
{
    unsigned now = (unsigned)s * 16 + (unsigned)v->seen.front;

    if (v->last_complaint == now + 1)
        return;
    v->last_complaint = now + 1;
    log_limited(&v->limit, XTL_WARN, v->prefix,
                "states that make no sense together are ignored: ours is %d (%s), the frontend's is %d (%s), "
                "and the ring is %s; detach its devices and attach them again",
                (int)v->seen.own, xenbus_state_name(v->seen.own), (int)v->seen.front, xenbus_state_name(v->seen.front),
                ring_state_name(v->ring));
}

/* Nothing else writes the ring's state. True: it changed. */
static bool follow(struct vhost *v, enum ring_fact fact)
{
    enum ring_state before = v->ring;

    v->ring = ring_after(before, fact);
    if (v->ring == before)
        return false;
    if (before == RING_ENDING || before == RING_REPLACING) {
        log_limited(&v->limit, XTL_INFO, v->prefix, "disconnected");
        if (model_may_tell(v))
            news_tell(v->host->news, NEWS_DISCONNECT, v, NULL, "the ring is disconnected");
        v->worker.halted = v->seen.front_connected = false;
        /* A guest that has made a new ring after a suspend goes on, and what it has locked is its own. */
        if (before == RING_ENDING)
            vdev_ring_ended(v);
    } else if (fact == RF_CONNECTED) {
        v->clean = false;
        log_limited(&v->limit, XTL_INFO, v->prefix,
                    before == RING_TAKING_OVER ? "ring taken over (ring-ref %u, event-channel %u)"
                                               : "connected (ring-ref %u, event-channel %u)",
                    v->ring_ref, v->event_channel);
        if (model_may_tell(v))
            news_tell(v->host->news, NEWS_CONNECT, v, NULL, "%s",
                      before == RING_TAKING_OVER ? "a new worker goes on with the ring" : "the ring is connected");
    } else if (fact == RF_CONNECT_FAILED) {
        char why[DEVICE_WHY_MAX];

        snprintf(why, sizeof(why), "cannot connect to ring-ref %u, event-channel %u: %s", v->ring_ref, v->event_channel,
                 strerror(-v->worker.answer_error));
        log_limited(&v->limit, XTL_WARN, v->prefix, "%s", why);
        if (model_may_tell(v))
            news_tell(v->host->news, NEWS_ERROR, v, NULL, "%s", why);
        nodes_set_error(v, why);
    }
    return true;
}

/* What the worker said comes first, then its death. */
static void hear(struct vhost *v)
{
    enum ring_answer answer = v->worker.answer;

    vdev_hear_all(v);
    v->worker.answer = RING_SAID_NOTHING;
    if (answer == RING_SAID_CONNECTED)
        follow(v, v->worker.answer_error < 0 ? RF_CONNECT_FAILED : RF_CONNECTED);
    else if (answer == RING_SAID_DISCONNECTED)
        follow(v, RF_DISCONNECTED);
    if (v->worker.died) {
        v->worker.died = false;
        vdev_worker_died(v);
        follow(v, worker_journal_fits(v) ? RF_DIED_BEGUN : RF_DIED);
    }
}

/* --- actions --- */

static bool have_worker(struct vhost *v, bool go_on)
{
    if (!worker_start(v, go_on))
        return false;
    vdev_hand_all(v);
    return true;
}

static bool announce(struct vhost *v)
{
    if ((v->ring == RING_UNSEEN && !worker_ring_is_free(v)) || !vdev_all_opened(v))
        return false;
    if (!v->worker.child)
        v->segments = vdev_choose_segments(v);
    have_worker(v, false);
    vdev_restart_all(v);
    if (!nodes_announce(v))
        return false;
    follow(v, RF_ANNOUNCED);
    v->seen.front_connected = false;
    return true;
}

/* True: the node is wrong. False: xenstore failed. */
static bool node_at_fault(int error)
{
    return error == -ENOENT || error == -EACCES || error == -EINVAL || error == -ERANGE || error == -EMSGSIZE;
}

/* 1: the frontend has our ABI; 0: it has not (logged); -1: look again. */
static int check_protocol(struct vhost *v)
{
#if defined(__x86_64__) || defined(__i386__)
    static const char *const native[] = { "x86_64-abi", "x86_32-abi" };
#else
    static const char *const native[] = { "arm-abi" };
#endif
    char path[STORE_PATH_MAX], text[32], shown[64], why[DEVICE_WHY_MAX];
    int r;

    snprintf(path, sizeof(path), "%s/protocol", v->seen.front_path);
    r = store_read(v->host->store, path, text, sizeof(text));
    if (r == -ENOENT || r == -EACCES)
        return 1;
    if (r < 0 && !node_at_fault(r)) {
        v->dirty.front = true;
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
    nodes_set_error(v, why);
    return 0;
}

/* 1: read; 0: the nodes are not usable (logged); -1: look again. */
static int read_ring(struct vhost *v, uint32_t *ref, uint32_t *port)
{
    char path_ref[STORE_PATH_MAX], path_port[STORE_PATH_MAX];
    int r;

    snprintf(path_ref, sizeof(path_ref), "%s/ring-ref", v->seen.front_path);
    snprintf(path_port, sizeof(path_port), "%s/event-channel", v->seen.front_path);
    r = store_read_pair(v->host->store, path_ref, path_port, ref, port);
    if (r == 0)
        return 1;
    if (!node_at_fault(r)) {
        v->dirty.front = v->dirty.ring = true;
        return -1;
    }
    log_limited(&v->limit, XTL_WARN, v->prefix,
                "the frontend is %s, but its ring-ref and event-channel cannot be used: %s; it has to connect again",
                xenbus_state_name(v->seen.front), strerror(-r));
    return 0;
}

static bool do_connect(struct vhost *v)
{
    int r;

    /* Else it would undo what the new ring's commands do. */
    if (!vdev_all_given_back(v))
        return false;
    r = check_protocol(v);

    if (r == 0)
        return follow(v, RF_UNUSABLE);
    if (r < 0 || read_ring(v, &v->ring_ref, &v->event_channel) != 1)
        return false;
    v->seen.front_connected = v->dirty.ring = false;
    if (!have_worker(v, false))
        return false;
    follow(v, RF_CONNECTING);
    worker_connect(v, false);
    return true;
}

/* The frontend has to close and start anew, because its requests in flight are not known. */
static bool give_up_ring(struct vhost *v, const char *why)
{
    log_limited(&v->limit, XTL_WARN, v->prefix,
                "cannot go on with the ring of an earlier daemon: %s; the frontend is told to close", why);
    return follow(v, RF_UNUSABLE);
}

static bool recall(struct vhost *v)
{
    char path[STORE_PATH_MAX];
    uint32_t segments;
    int r;

    /* All devices must be open: interrupted commands to a LUN that is missing would be refused. */
    if (model_dirty(v) || !worker_ring_is_free(v) || !vdev_all_opened(v))
        return false;
    r = read_ring(v, &v->ring_ref, &v->event_channel);
    if (r < 1)
        return r < 0 || v->seen.front == XB_INITIALISED ? false : give_up_ring(v, "its nodes are unusable");
    snprintf(path, sizeof(path), "%s/feature-sg-grant", v->back);
    r = store_read_u32(v->host->store, path, SEGMENTS_OFFERED_MAX, &segments);
    if (r < 0 && !node_at_fault(r)) {
        v->dirty.front = true;
        return false;
    }
    if (r < 0 || segments == 0)
        segments = v->host->settings->max_segments;
    v->segments = segments;
    v->seen.front_connected = v->seen.front == XB_CONNECTED || v->seen.front == XB_RECONFIGURING;
    if (worker_journal_fits(v))
        return follow(v, RF_FOUND_BEGUN);
    if (v->seen.front == XB_INITIALISED)
        return follow(v, RF_FOUND); /* it never saw our 4 with this ring: a first connect */
    return give_up_ring(v, "its journal is missing or belongs to another ring");
}

static bool take_over(struct vhost *v)
{
    if (!have_worker(v, true) || !vdev_all_opened(v))
        return false;
    follow(v, RF_TAKING_OVER);
    worker_connect(v, true);
    return true;
}

static bool accept(struct vhost *v)
{
    if (!vdev_all_settled(v) || !nodes_write_state(v, XB_CONNECTED))
        return false;
    follow(v, RF_ACCEPTED);
    vdev_mark_shown(v);
    nodes_set_error(v, "");
    return true;
}

static bool reconfigure(struct vhost *v)
{
    if (!vdev_all_settled(v) || !nodes_write_state(v, XB_RECONFIGURED))
        return false;
    vdev_mark_shown(v);
    return true;
}

static bool finish(struct vhost *v)
{
    /* The LUN table first writes 4 for the devices that the frontend has taken. */
    return vdev_all_looked_at(v) && nodes_write_state(v, XB_CONNECTED);
}

/* Asks for the domain, because a guest can delete its nodes. A driver domain sees only the nodes. */
static bool guest_is_gone(const struct vhost *v)
{
    return v->seen.front == XB_GONE && (!v->seen.introduced || v->seen.replaced);
}

/* how: RF_ENDING or RF_REPLACING. */
static bool disconnect(struct vhost *v, enum ring_fact how)
{
    /*
     * The toolstack may give its devices to the next guest at once. A worker that sleeps in the kernel ends much
     * later.
     */
    if (v->worker.child && guest_is_gone(v))
        at_work_note(v, child_pid(v->worker.child));
    follow(v, how);
    v->closing_deadline_us = now_us() + DISCONNECT_WAIT_US;
    if (v->worker.child)
        worker_disconnect(v);
    else
        follow(v, RF_DISCONNECTED);
    return true;
}

/*
 * A frontend at 3 while we are connected has a new ring after a suspend, or has not gone on to 4 yet. At 4, only
 * the numbers show a new ring: it may have gone from 4 to 3 to 4 between two reads.
 */
static bool check_ring(struct vhost *v)
{
    uint32_t ref, port;

    v->dirty.ring = false;
    if (read_ring(v, &ref, &port) != 1)
        return false;
    if (ref == v->ring_ref && port == v->event_channel && (v->seen.front != XB_INITIALISED || !v->seen.front_connected))
        return false;
    log_limited(&v->limit, XTL_INFO, v->prefix, "the frontend has made a new ring");
    return disconnect(v, RF_REPLACING);
}

/* A guest that meets a device which is away does not take it, and looks again only when it is told to. */
static bool show_again(struct vhost *v)
{
    if (!vdev_any_to_show_again(v) || !nodes_write_state(v, XB_RECONFIGURING))
        return false;
    log_limited(&v->limit, XTL_INFO, v->prefix,
                "a device that was away when the guest looked at it is back: the guest is told to look again");
    return true;
}

/* A frontend that has been past 3 with this ring does not wait for our state. */
static bool welcome(struct vhost *v)
{
    if (!v->seen.front_connected && v->seen.front != XB_RECONFIGURING) {
        if (!vdev_all_settled(v))
            return v->dirty.ring && check_ring(v);
        if (!nodes_write_state(v, v->seen.own))
            return false;
    }
    return follow(v, RF_ACCEPTED);
}

static bool tell(struct vhost *v, enum xenbus_state to)
{
    bool moved = v->ring != RING_ENDED || v->seen.own != to;

    if ((v->seen.own != to || v->ring == RING_FAILED) && !nodes_write_state(v, to))
        return false;
    follow(v, RF_ENDED);
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
    if (!v->worker.child && !v->devs)
        return false;
    log_info(v->prefix, "offline: its worker and devices are released");
    worker_drop(v);
    vdev_forget_all(v);
    v->segments = 0;
    v->dirty.list = false;
    return false;
}

static bool act(struct vhost *v, enum vhost_action a, enum vhost_situation s)
{
    switch (a) {
    case VA_NOTHING:
    case VA_ACTIONS:
        return false;
    case VA_IGNORE:
        complain(v, s);
        return false;
    case VA_ANNOUNCE:
        return announce(v);
    case VA_CONNECT:
        return do_connect(v);
    case VA_RECALL:
        return recall(v);
    case VA_TAKE_OVER:
        return take_over(v);
    case VA_ACCEPT:
        return accept(v);
    case VA_WELCOME:
        return welcome(v);
    case VA_SERVE:
        return v->dirty.ring && check_ring(v);
    case VA_SHOW_AGAIN:
        return (v->dirty.ring && check_ring(v)) || show_again(v);
    case VA_FINISH:
        return finish(v);
    case VA_CHECK_RING:
        return check_ring(v);
    case VA_RECONFIGURE:
        return reconfigure(v);
    case VA_DISCONNECT:
        return disconnect(v, RF_ENDING);
    case VA_END:
        return follow(v, RF_ENDED);
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

/* The guest does not exist any more: removes what the toolstack left of it in our tree. */
static bool purge(struct vhost *v)
{
    if (!guest_is_gone(v) || ring_exists(v->ring))
        return false;
    log_info(v->prefix, "the guest is gone; removing %s", v->back);
    if (!nodes_remove(v))
        return false;
    v->seen.vanished = true;
    return true;
}

/* The kernel's xen-scsiback has the same node: two backends on one ring would destroy data. */
static bool keep_off(struct vhost *v)
{
    char why[DEVICE_WHY_MAX];

    if (!v->seen.rival) {
        if (strncmp(v->error, "the kernel's", 12) == 0)
            nodes_set_error(v, "");
        return false;
    }
    snprintf(why, sizeof(why),
             "the kernel's xen-scsiback is bound to it; unbind it (echo vscsi-%u-%" PRIu32
             " > /sys/bus/xen-backend/drivers/vscsi/unbind) and blacklist the module (modprobe.d)",
             v->domid, v->id);
    if (strcmp(why, v->error) != 0) {
        log_warn(v->prefix, "%s: %s", ring_exists(v->ring) ? "still served" : "not served", why);
        nodes_set_error(v, why);
    }
    return !ring_exists(v->ring);
}

static bool step(struct vhost *v)
{
    enum vhost_situation s = vhost_classify(v->ring, v->seen.own, v->seen.online);
    enum vhost_action a = vhost_decide(s, v->seen.front);

    if (a != VA_IGNORE)
        v->last_complaint = 0;
    if (s == VS_CLOSING && now_us() > v->closing_deadline_us && v->worker.child) {
        log_limited(&v->limit, XTL_WARN, v->prefix, "the worker does not release the ring; killing it");
        v->closing_deadline_us = UINT64_MAX;
        worker_kill(v);
    }
    return act(v, a, s);
}

/* A vhost without a ring needs its worker too: starts it again if it died or could not be started. */
static void keep_worker(struct vhost *v)
{
    if (v->segments && v->ring != RING_UNSEEN && !ring_exists(v->ring))
        have_worker(v, false);
}

static uint64_t look_again(const struct vhost *v)
{
    uint64_t now = now_us(), at = vdev_wake_us(v);

    if (v->ring == RING_ENDING || v->ring == RING_REPLACING)
        at = MIN(at, v->closing_deadline_us);
    if (v->ring == RING_ENDED && v->seen.own == XB_CLOSED && v->seen.front == XB_CLOSED && v->seen.online)
        at = MIN(at, v->reopen_at_us);
    if (!v->worker.child && (v->segments || v->worker.not_before_us > now))
        at = MIN(at, MAX(v->worker.not_before_us, now + RETRY_US));
    if (v->seen.rival)
        at = MIN(at, now + RIVAL_RETRY_US);
    if (at == UINT64_MAX)
        return 0;
    return at > now ? at - now : 1;
}

uint64_t vhost_reconcile(struct vhost *v)
{
    if (v->seen.vanished)
        return 0;
    hear(v);
    worker_tell_name(v);
    if (purge(v))
        return 0;
    if (!v->seen.known && !ring_exists(v->ring) && v->seen.front != XB_GONE)
        return 0;
    if (keep_off(v))
        return look_again(v);
    for (unsigned n = 0; n < STEPS_MAX && !store_lost(v->host->store); n++) {
        bool moved = v->seen.own == XB_CLOSED && !v->seen.online ? false : vdev_step_all(v);

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
    worker_drop(v);
    vdev_forget_all(v);
    scan_unwatch(v);
    free(v);
}
