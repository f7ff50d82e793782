// SPDX-License-Identifier: GPL-2.0-or-later
/* The devices of a vhost; see vdev.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/param.h>

#include "common/trace.h"
#include "common/util.h"
#include "control/at-work.h"
#include "control/away.h"
#include "control/change.h"
#include "control/giveback.h"
#include "control/helper-link.h"
#include "control/news.h"
#include "control/nodes.h"
#include "control/opening.h"
#include "control/remember.h"
#include "control/reset.h"
#include "control/shared.h"
#include "control/vdev.h"
#include "control/wish.h"
#include "control/worker-link.h"

/*
 * A new device that takes longer is reported as failed, so that the others need not wait. A device that the guest has
 * already is waited for. The time is one that a machine twenty times slower than usual keeps with a healthy device, and
 * less than the 30 s after which xl-scsi stops waiting (TIMEOUT_S there), so that the user gets the reason.
 */
#define OPEN_DEADLINE_S 25
#define OPEN_DEADLINE_US (OPEN_DEADLINE_S * 1000000u)
/*
 * The toolstack waits 10 s for a sign of life of a driver domain. A device in error recovery may take long, and so may
 * the nodes of many devices.
 */
#define LIFE_US 2000000u
#define LATE_LOG_US 30000000u
/* Between two tries to open a device that the guest has already. */
#define REOPEN_FIRST_US 100000u
#define REOPEN_DOUBLINGS 6
/* Linux never asks for fewer than VSCSIIF_SG_TABLESIZE (vscsiif.h) segments, whatever is offered. */
#define SEGMENTS_MIN 26
#define PAGE 4096u

/* Nothing else writes the state of a LUN. True: it changed. */
static bool follow(struct vdev *d, enum lun_fact fact)
{
    enum lun_state before = d->lun;

    d->lun = lun_after(before, fact);
    return d->lun != before;
}

static void tell(const struct vdev *d, enum news_kind kind, const char *text)
{
    news_tell(d->vhost->host->news, kind, d->vhost, d, "%s", text);
}

/* Releases all that we have of the device. */
static void release(struct vdev *d)
{
    if (d->announced && !d->vhost->host->quitting) {
        trace_detached(d->vhost->domid, d->vhost->id, d->wish.vdev.channel, d->wish.vdev.target, d->wish.vdev.lun,
                       d->dev.sg_name);
        tell(d, NEWS_DETACH, "the guest does not have it any more");
    }
    d->announced = false;
    away_over(d);
    d->away_said = d->was_away = d->lost = d->was_reset = false;
    if (d->opening)
        opening_free(steal_ptr(d->opening));
    reset_forget(d);
    device_close(&d->fds);
    giveback_device(d);
    if (d->lun_index >= 0)
        d->vhost->lun_index_used[d->lun_index] = false;
    d->lun_index = -1;
    d->dirty_front = true;
    d->reopen_us = 0;
    d->reopens = 0;
    d->helper = HELPER_IDLE;
    d->helper_away_told = false;
    helper_disconnect(d);
    d->answer = LUN_SAID_NOTHING;
    d->change = CHANGE_NONE;
    shared_remove_user(d);
    at_work_end_wait(d);
    d->was_known = false;
}

static void let_go(struct vdev *d)
{
    follow(d, LF_RELEASED);
    release(d);
}

static void forget(struct vdev *d)
{
    let_go(d);
    giveback_forget(d);
    model_unlink_vdev(d);
    free(d);
}

void vdev_forget_all(struct vhost *v)
{
    while (v->devs)
        forget(v->devs);
}

static void fail(struct vdev *d, const char *why)
{
    char text[DEVICE_WHY_MAX];

    escape_for_log(text, sizeof(text), why, strlen(why));
    follow(d, LF_UNUSABLE);
    release(d);
    memcpy(d->error, text, sizeof(d->error));
    log_warn(d->vhost->prefix, "%s (%s) cannot be used: %s; when that has changed, detach it and attach it again",
             d->name, d->wish.pdev[0] ? d->wish.pdev : "?", d->error);
    news_tell(d->vhost->host->news, NEWS_ERROR, d->vhost, d, "it cannot be used: %s", d->error);
}

/* --- opening --- */

/* in_use: this domain uses the device itself. */
static void cannot_open(struct vdev *d, int error, const char *why, bool in_use)
{
    /*
     * A guest keeps a LUN whose device is not there, and its other LUNs do not wait for it. The same holds for a device
     * that this domain put to another use while no daemon was there: two users would destroy its data.
     */
    if (lun_is_missed(d->lun) && (in_use || device_error_is_absence(error))) {
        follow(d, LF_OPENED);
        away_begin(d, why, in_use);
        return;
    }
    if (!lun_is_missed(d->lun) || device_error_is_final(error)) {
        fail(d, why);
        return;
    }
    d->reopen_us = now_us() + ((uint64_t)REOPEN_FIRST_US << d->reopens);
    if (d->reopens < REOPEN_DOUBLINGS)
        d->reopens++;
    log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix,
                "%s (%s) cannot be opened just now: %s; it is tried again", d->name, d->wish.pdev, why);
}

/* d is LUN_OPENING or LUN_REOPENING. */
static void start_open(struct vdev *d)
{
    int r = opening_start(d);

    d->reopen_us = 0;
    if (r < 0)
        cannot_open(d, r, strerror(-r), false);
    else
        d->deadline_us = now_us() + LIFE_US;
}

static void take_opened(struct vdev *d)
{
    struct opening *o = steal_ptr(d->opening);

    if (opening_result(o) < 0) {
        cannot_open(d, o->result, o->why, o->in_use);
    } else {
        if (!hctl_equal(&d->dev.hctl, &o->dev.hctl))
            shared_remove_user(d);
        d->dev = o->dev;
        shared_add_user(d);
        d->published = false;
        opening_hand_over(o);
        follow(d, LF_OPENED);
        d->reopens = 0;
        d->error[0] = '\0';
        away_ended(d);
    }
    opening_free(o);
}

/* True: the device was given up. The time of one that is queued behind sick devices has not begun. */
static bool open_is_late(struct vdev *d, uint64_t now)
{
    uint64_t begun = opening_started_us(d->opening), started = begun ? begun : now;
    char why[DEVICE_WHY_MAX];

    if (now < started + OPEN_DEADLINE_US) { /* it was time to show life */
        d->deadline_us = started + OPEN_DEADLINE_US;
        return false;
    }
    if (lun_is_missed(d->lun)) {
        d->deadline_us = now + LATE_LOG_US;
        log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix,
                    "%s: opening it again has taken %u s so far; is the device stuck in error recovery (kernel log)?",
                    d->name, (unsigned)((now - started) / 1000000));
        return false;
    }
    snprintf(why, sizeof(why),
             "it was not open after %d s; if the kernel's log shows error recovery of the device, end that first, then "
             "attach it again",
             OPEN_DEADLINE_S);
    fail(d, why);
    return true;
}

/* Follows the opening of the device: its end, the next try, the deadline. True: something changed. */
static bool follow_opening(struct vdev *d, uint64_t now)
{
    if (d->presence != DEVICE_THERE)
        return lun_is_with_worker(d->lun) && away_step(d, now);
    if (d->opening && d->opening->finished) {
        take_opened(d);
        return true;
    }
    if (d->reopen_us && now >= d->reopen_us)
        start_open(d);
    return d->opening && now >= d->deadline_us && open_is_late(d, now);
}

static int choose_index(struct vdev *d)
{
    struct vhost *v = d->vhost;
    const struct pvscsi_stats *stats = NULL;
    uint64_t key = (uint64_t)d->wish.vdev.channel << 32 | (uint64_t)d->wish.vdev.target << 16 | d->wish.vdev.lun;
    int free_index = -1;
    unsigned limit = v->host->settings->max_luns;

    stats = run_files_map_stats(v->host->settings->run_dir, v->domid, v->id);
    for (unsigned i = 0; i < limit && i < PVSCSI_STATS_LUNS; i++) {
        if (v->lun_index_used[i])
            continue;
        /* A LUN keeps its counters over a restart. */
        if (stats && stats->lun[i].vdev == key && (stats->lun[i].used || stats->lun[i].commands)) {
            free_index = (int)i;
            break;
        }
        if (free_index < 0)
            free_index = (int)i;
    }
    run_files_unmap_stats(stats);
    return free_index;
}

static int read_wish(struct vdev *d, char *why)
{
    int r = wish_read(d, why);

    if (r < 0)
        return r;
    d->lun_index = choose_index(d);
    if (d->lun_index < 0) {
        snprintf(why, DEVICE_WHY_MAX, "the vhost has %u LUNs already, as many as max_luns allows",
                 d->vhost->host->settings->max_luns);
        return -ENOSPC;
    }
    d->vhost->lun_index_used[d->lun_index] = true;
    return 0;
}

/* how: LF_OPENING or LF_REOPENING. False: xenstore could not be read now. */
static bool open_device(struct vdev *d, enum lun_fact how)
{
    char why[DEVICE_WHY_MAX] = "";

    if (read_wish(d, why) < 0) {
        if (why[0])
            fail(d, why);
        else
            d->dirty = true; /* xenstore failed: try again soon */
        return why[0] != '\0';
    }
    follow(d, how);
    if (how == LF_OPENING)
        d->was_known = false;
    start_open(d);
    return true;
}

/* --- the worker --- */

/* Those that are to follow d are noted too, so that the file is written once for all of them. */
static void remember_open(struct vdev *d)
{
    if (d->presence != DEVICE_THERE || !remember_device(d))
        return;
    for (struct vdev *o = d->vhost->devs; o; o = o->next)
        if (lun_is_open(o->lun) && o->presence == DEVICE_THERE)
            remember_device(o);
    remember_save(d->vhost);
}

static bool hand(struct vdev *d)
{
    if (!lun_is_open(d->lun) || !d->vhost->worker.child || !d->vhost->segments)
        return false;
    remember_open(d);
    at_work_begin_wait(d);
    worker_add_lun(d);
    return follow(d, LF_HANDED);
}

void vdev_hand_all(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next)
        hand(d);
}

static void added(struct vdev *d)
{
    struct vhost *v = d->vhost;
    char text[HCTL_TEXT_MAX];

    if (d->answer_error < 0) {
        char why[DEVICE_WHY_MAX];

        if (!follow(d, LF_NOT_ADDED))
            return;
        snprintf(why, sizeof(why), "the worker cannot use it: %s", strerror(-d->answer_error));
        reset_forget(d);
        away_over(d);
        cannot_open(d, d->answer_error, why, false);
        return;
    }
    if (!follow(d, LF_ADDED))
        return;
    if (d->lun != LUN_FOUND && !d->announced) {
        trace_attached(v->domid, v->id, d->wish.vdev.channel, d->wish.vdev.target, d->wish.vdev.lun, d->dev.sg_name);
        tell(d, NEWS_ATTACH, "the guest may have it");
    }
    d->announced = true;
    if (d->presence == DEVICE_GONE) {
        away_search(d);
        return;
    }
    hctl_format(&d->wish.vdev, text);
    log_info(v->prefix, "%s: %s is %s%s%s", d->name, text, d->wish.pdev, d->dev.sg_name[0] ? ", " : "", d->dev.sg_name);
    if (d->lun == LUN_FOUND)
        d->away_node |= d->error_node; /* an earlier daemon's reason */
}

static void hear(struct vdev *d)
{
    enum lun_answer answer = d->answer;

    d->answer = LUN_SAID_NOTHING;
    if (answer == LUN_SAID_ADDED && d->presence == DEVICE_RETURNING) {
        away_answered(d);
    } else if (answer == LUN_SAID_ADDED) {
        added(d);
    } else if (answer == LUN_SAID_REMOVED && follow(d, LF_REMOVED)) {
        log_info(d->vhost->prefix, "%s is gone from the vhost", d->name);
        release(d);
    }
    if (d->lost) {
        d->lost = false;
        away_lost(d);
    }
}

void vdev_hear_all(struct vhost *v)
{
    remember_again(v);
    for (struct vdev *d = v->devs; d; d = d->next) {
        hear(d);
        if (!lun_is_with_worker(d->lun))
            continue;
        if (d->reset == RESET_WANTED)
            reset_start(d);
        worker_update_lun(d);
    }
}

void vdev_change_all(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next)
        if (lun_is_with_worker(d->lun))
            worker_change_lun(d, 0);
}

void vdev_worker_died(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next) {
        bool had = lun_is_with_worker(d->lun);

        d->helper = HELPER_IDLE;
        helper_disconnect(d);
        reset_forget(d);
        at_work_end_wait(d);
        if (d->change == CHANGE_SENT)
            d->change = CHANGE_ASKED; /* its successor is asked */
        d->lost = false;
        if (had)
            away_over(d);
        follow(d, LF_DIED);
        if (d->lun == LUN_NONE)
            release(d);
        else if (had)
            start_open(d);
    }
}

static void remove_now(struct vdev *d)
{
    away_over(d);
    if (lun_is_with_worker(d->lun)) {
        follow(d, LF_REMOVING);
        worker_remove_lun(d);
    } else {
        let_go(d);
    }
}

/* --- what the vhost asks --- */

bool vdev_all_opened(const struct vhost *v)
{
    for (const struct vdev *d = v->devs; d; d = d->next)
        if (d->presence == DEVICE_THERE && (d->opening || d->reopen_us))
            return false;
    return true;
}

void vdev_ring_ended(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next)
        giveback_ring(d);
    v->clean = true;
}

bool vdev_all_given_back(const struct vhost *v)
{
    uint64_t now = now_us();

    for (const struct vdev *d = v->devs; d; d = d->next)
        if (giveback_pending(d, now))
            return false;
    return true;
}

bool vdev_all_settled(const struct vhost *v)
{
    static const bool moving[LUN_STATES] = {
        [LUN_OPENING] = true,  [LUN_OPENED] = true,   [LUN_ADDING] = true,  [LUN_READY] = true,
        [LUN_READDING] = true, [LUN_REMOVING] = true, [LUN_FAILING] = true,
    };

    for (const struct vdev *d = v->devs; d; d = d->next) {
        if (!d->present || d->dirty)
            continue;
        if (moving[d->lun] || d->own == XB_INITIALISING || d->own == XB_CLOSING)
            return false;
    }
    return true;
}

bool vdev_all_looked_at(const struct vhost *v)
{
    for (const struct vdev *d = v->devs; d; d = d->next)
        if (d->lun == LUN_SHOWN && d->own == XB_INITIALISED && d->dirty_front)
            return false;
    return true;
}

void vdev_mark_shown(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next) {
        if (d->own != XB_INITIALISED)
            continue;
        follow(d, LF_SHOWN);
        if (d->lun == LUN_SHOWN)
            d->dirty_front = true;
        d->was_away = d->presence != DEVICE_THERE;
    }
}

bool vdev_any_to_show_again(const struct vhost *v)
{
    for (const struct vdev *d = v->devs; d; d = d->next)
        if (d->was_away && d->presence == DEVICE_THERE && lun_was_looked_at(d->lun) && d->own == XB_INITIALISED
            && d->present && !d->dirty && !d->dirty_front)
            return true;
    return false;
}

unsigned vdev_choose_segments(const struct vhost *v)
{
    unsigned n = v->host->settings->max_segments;

    for (const struct vdev *d = v->devs; d; d = d->next) {
        unsigned most = d->dev.max_transfer / PAGE + 1;

        if (lun_is_open(d->lun) && d->presence == DEVICE_THERE && most < n)
            n = most;
    }
    return n < SEGMENTS_MIN ? SEGMENTS_MIN : n;
}

uint64_t vdev_wake_us(const struct vhost *v)
{
    uint64_t at = v->unsaved.due_us ? v->unsaved.due_us : UINT64_MAX, now = now_us();

    for (const struct vdev *d = v->devs; d; d = d->next) {
        at = MIN(at, d->opening ? d->deadline_us : d->reopen_us ? d->reopen_us : UINT64_MAX);
        if (giveback_pending(d, now))
            at = MIN(at, d->giveback_until_us);
    }
    return at;
}

/* --- the table's actions --- */

/*
 * Has the frontend taken or refused the device? If it is not known whether it was told to look (LUN_FOUND), only
 * its 4 counts.
 */
static void check_taken(struct vdev *d, struct node_batch *b)
{
    struct vhost *v = d->vhost;
    char path[STORE_PATH_MAX];
    uint32_t front = 0;
    int n;

    if (!d->dirty_front || !v->seen.front_path[0])
        return;
    /*
     * Before that, the frontend's node may be of an earlier connection: Linux leaves a 4 there when its module is
     * unloaded.
     */
    if (v->ring != RING_LIVE || v->seen.front != XB_CONNECTED)
        return;
    n = snprintf(path, sizeof(path), "%s/vscsi-devs/%s/state", v->seen.front_path, d->name);
    if (n < 0 || n >= (int)sizeof(path) || store_read_u32(v->host->store, path, XB_RECONFIGURED, &front) < 0)
        front = 0;
    d->dirty_front = false;
    if (front == XB_CLOSED && d->lun == LUN_SHOWN) {
        follow(d, LF_REFUSED);
        if (d->was_away)
            return; /* it found no device; it is told to look again when that is back */
        snprintf(d->error, sizeof(d->error), "the guest refused the device");
        log_limited(&v->limit, XTL_WARN, v->prefix, "%s: %s; see its kernel's log", d->name, d->error);
        if (model_may_tell(v))
            tell(d, NEWS_ERROR, d->error);
        node_batch_error(b, d, d->error);
    } else if (front == XB_CONNECTED || (d->lun != LUN_FOUND && front != XB_CLOSED)) {
        node_batch_state(b, d, XB_CONNECTED);
    }
}

/* Has the frontend released the devices at 5? It writes its caches back before it says 7. */
static bool has_let_go(const struct vhost *v)
{
    return v->seen.front == XB_RECONFIGURING || v->seen.front == XB_GONE;
}

/* The guest uses its LUNs. */
static bool is_used(const struct vhost *v)
{
    return ring_is_used(v->ring)
           || vhost_decide(vhost_classify(v->ring, v->seen.own, v->seen.online), v->seen.front) == VA_RECALL;
}

static void ignore(struct vdev *d)
{
    log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix,
                "%s/state %d (%s) makes no sense while the device is %s; ignored, detach it and attach it again",
                d->name, (int)d->own, xenbus_state_name(d->own), lun_state_name(d->lun));
}

static bool offer(struct vdev *d, struct node_batch *b)
{
    d->error[0] = '\0';
    nodes_clear_device_error(d);
    if (d->own != XB_INITIALISED) {
        node_batch_state(b, d, XB_INITIALISED);
        return false;
    }
    return follow(d, LF_OFFERED);
}

/* The reason is in xenstore as long as the device is gone. */
static void tell_away(struct vdev *d, struct node_batch *b)
{
    if (d->away_said && !d->away_noted) {
        node_batch_error(b, d, d->error);
        d->away_noted = d->away_node = true;
    } else if (!d->away_said && d->away_node) {
        nodes_clear_device_error(d);
        d->away_node = false;
    }
}

/* Says which device it is, before the state 3 that makes others look. */
static void publish(struct vdev *d, struct node_batch *b)
{
    if (!d->published && d->presence == DEVICE_THERE && lun_is_with_worker(d->lun) && d->lun != LUN_REMOVING
        && d->own != XB_UNKNOWN)
        node_batch_device(b, d);
}

/* True: the device changed at once. Changes in the batch count when they are written. */
static bool step(struct vdev *d, struct node_batch *b)
{
    switch (lun_decide(d->lun, d->own)) {
    case LA_NOTHING:
    case LA_ACTIONS:
        return false;
    case LA_IGNORE:
        ignore(d);
        return false;
    case LA_OPEN:
        return open_device(d, LF_OPENING);
    case LA_REOPEN:
        return open_device(d, LF_REOPENING);
    case LA_OFFER:
        return offer(d, b);
    case LA_CHECK_TAKEN:
        check_taken(d, b);
        return false;
    case LA_DETACH:
        if (is_used(d->vhost) && !has_let_go(d->vhost))
            return false;
        /* fall through */
    case LA_REMOVE:
        remove_now(d);
        return true;
    case LA_FOUND_CLOSING:
        if (model_dirty(d->vhost))
            return false; /* what the frontend does is not known yet */
        if (is_used(d->vhost) && !has_let_go(d->vhost))
            return open_device(d, LF_REOPENING);
        /* fall through */
    case LA_SAY_DETACHED:
        if (giveback_pending(d, now_us()))
            return false;
        node_batch_state(b, d, XB_CLOSED);
        return false;
    case LA_SAY_FAILED:
        node_batch_error(b, d, d->error);
        node_batch_state(b, d, XB_CLOSED);
        return false;
    case LA_SAID:
        return follow(d, LF_SAID);
    case LA_DROP:
        forget(d);
        return true;
    }
    return false;
}

/* Nothing else is written before the first devices are open. */
static void show_life(struct vhost *v)
{
    uint64_t now = now_us();

    if (v->seen.own != XB_INITIALISING) {
        v->life_us = 0;
    } else if (v->life_us == 0) {
        v->life_us = now + LIFE_US;
    } else if (now >= v->life_us) {
        nodes_show_life(v);
        v->life_us = UINT64_MAX;
    }
}

bool vdev_step_all(struct vhost *v)
{
    struct node_batch *b = node_batch_new(v);
    bool moved = false;
    uint64_t now = now_us();

    if (!b)
        return false;
    remember_load(v);
    for (struct vdev *d = v->devs, *next; d; d = next) {
        next = d->next;
        show_life(v);
        moved |= follow_opening(d, now);
        moved |= hand(d);
        if (d->dirty && d->present)
            continue; /* its state must be read first */
        if (d->present && d->change != CHANGE_NONE)
            change_step(d, b);
        tell_away(d, b);
        publish(d, b);
        moved |= step(d, b);
    }
    moved |= node_batch_end(b);
    return moved;
}

void vdev_restart_all(struct vhost *v)
{
    struct node_batch *b = node_batch_new(v);

    if (!b)
        return;
    for (struct vdev *d = v->devs; d; d = d->next) {
        follow(d, LF_RESTART);
        d->dirty_front = true;
        if (d->lun == LUN_OFFERED && d->own == XB_CONNECTED)
            node_batch_state(b, d, XB_INITIALISED);
    }
    node_batch_end(b);
}
