// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices at which commands of a worker that is gone may still be: closing an sg
 * descriptor aborts nothing, and a write that lands late would undo a newer one.
 * Whoever has or gets such a device submits nothing to it until it was seen idle.
 *
 * `device_busy` counts everybody's commands. So while a LUN waits for a device, all
 * LUNs on it are held, until what they had under way has drained.
 *
 * The set is kept in the run directory too, for the daemon after this one.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "common/util.h"
#include "control/model.h"

#define OUTSTANDING_NAME "outstanding"
/* Often at first, since most commands end within a millisecond or so. */
#define POLL_FAST_US 1000u
#define POLL_SLOW_US 10000u
#define POLL_FAST_FOR_US 100000u
/* Between the end of one command and the start of the next that waits in the kernel's queue, nothing counts as busy. */
#define IDLE_READS 3
#define LOG_EVERY_US 30000000u
/*
 * Users that are not ours (dom0 itself, another backend) may keep a device busy for ever. No write of ours is still there by
 * then: the longest usual time-out, 60 s, and the error handling that follows it, 60 s and a reset or two.
 */
#define HOLD_MAX_US 180000000u

static void free_outstanding(struct outstanding *o)
{
    if (o->pidfd >= 0)
        close(o->pidfd);
    free(o);
}

static void print_all(FILE *f, void *ctx)
{
    for (const struct outstanding *o = ((struct host *)ctx)->outstanding; o; o = o->next)
        run_device_print(f, &o->at);
}

static void save(struct host *h)
{
    int r = run_devices_save(h->settings->run_dir, OUTSTANDING_NAME, h->outstanding ? print_all : NULL, h);

    if (r < 0)
        log_err(NULL, -r, "cannot write %s/" OUTSTANDING_NAME "; a restart now would forget what devices still do",
                h->settings->run_dir);
}

static void add(struct host *h, const struct run_device *at, pid_t worker)
{
    struct outstanding *o = h->outstanding;

    while (o && !(hctl_equal(&o->at.hctl, &at->hctl) && o->worker == worker))
        o = o->next;
    if (!o) {
        o = calloc(1, sizeof(*o));
        if (!o) {
            log_err(NULL, ENOMEM, "cannot wait for a device that a worker has left at work");
            return;
        }
        o->pidfd = -1;
        for (const struct outstanding *e = h->outstanding; e; e = e->next)
            o->waited |= e->waited && run_device_same(&e->at, at);
        o->next = h->outstanding;
        h->outstanding = o;
    }
    o->at = *at;
    snprintf(o->at.word, sizeof(o->at.word), "%d", (int)worker);
    o->worker = worker;
    o->idle = 0;
    o->since_us = o->logged_us = h->hold_since_us = now_us();
    loop_timer_arm(h->loop, &h->hold_timer, POLL_FAST_US);
}

static bool is_outstanding(const struct host *h, const struct run_device *at)
{
    for (const struct outstanding *o = h->outstanding; o; o = o->next)
        if (run_device_same(&o->at, at))
            return true;
    return false;
}

/* --- what the LUNs are told --- */

static void settle(struct host *h, const struct hctl *hctl)
{
    bool waited = false;

    if (h->quitting)
        return;
    for (const struct outstanding *o = h->outstanding; o; o = o->next)
        waited |= o->waited && hctl_equal(&o->at.hctl, hctl);
    for (struct vdev *d = host_same_device(h, hctl); d; d = d->next_same) {
        bool hold = waited || d->waits;

        if (!d->handed || d->held == hold || !hctl_equal(&d->dev.hctl, hctl))
            continue;
        d->held = hold;
        log_limited(&d->vhost->limit, XTL_INFO, d->vhost->prefix,
                    hold ? "%s: waits until the device is idle" : "%s: goes on", d->name);
        link_hold(d);
    }
}

void hold_begin(struct vdev *d)
{
    struct host *h = d->vhost->host;

    for (struct outstanding *o = h->outstanding; o; o = o->next) {
        if (o->waited || !run_device_same(&o->at, &d->was))
            continue;
        o->waited = true;
        settle(h, &o->at.hctl);
    }
}

static bool is_waited_for(const struct host *h, const struct outstanding *o)
{
    for (const struct vhost *v = h->vhosts; v; v = v->next)
        for (const struct vdev *d = v->devs; d; d = d->next)
            if (d->waits && run_device_same(&o->at, &d->was))
                return true;
    return false;
}

void hold_end(struct vdev *d)
{
    struct host *h = d->vhost->host;
    bool waited = d->waits;

    d->held = d->waits = false;
    if (!waited)
        return;
    for (struct outstanding *o = h->outstanding; o; o = o->next) {
        if (!run_device_same(&o->at, &d->was))
            continue;
        o->waited = is_waited_for(h, o);
        settle(h, &o->at.hctl);
    }
}

bool hold_wanted(const struct vdev *d)
{
    return is_outstanding(d->vhost->host, &d->was);
}

/* Those that waited for something that is not outstanding any more. */
static void release_all(struct host *h)
{
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        for (struct vdev *d = v->devs; d; d = d->next) {
            if (!d->waits || is_outstanding(h, &d->was))
                continue;
            d->waits = false;
            settle(h, &d->dev.hctl);
        }
    }
}

/* --- who left something --- */

void hold_worker(struct vhost *v, pid_t worker)
{
    struct host *h = v->host;
    struct pvscsi_journal j;
    bool any = false, all;

    /* Of one that lives and has a ring, the journal does not say the last word. */
    all = run_files_journal(h->settings->run_dir, v->domid, v->id, &j) < 0 || j.at_device > 0
          || (worker > 0 && vhost_has_ring(v));
    for (const struct vdev *d = v->devs; d; d = d->next) {
        if (!d->handed || !d->was_known)
            continue;
        if (!all && !journal_has_orphan(&j, (uint16_t)d->vdev.channel, (uint16_t)d->vdev.target, (uint16_t)d->vdev.lun))
            continue;
        add(h, &d->was, worker);
        any = true;
    }
    if (any)
        save(h);
}

struct left {
    struct host *host;
    pid_t worker;
};

static void load_lun(void *ctx, const struct run_device *at)
{
    const struct left *l = ctx;

    add(l->host, at, l->worker);
}

static void load_outstanding(void *ctx, const struct run_device *at)
{
    uint32_t pid = 0;

    parse_u32_str(at->word, INT32_MAX, &pid);
    add(ctx, at, (pid_t)pid);
}

static void load_journal(void *ctx, uint16_t domid, uint32_t vhost, bool served, const struct pvscsi_journal *j)
{
    struct left left = { .host = ctx, .worker = served ? (pid_t)j->worker_pid : 0 };
    char name[RUN_LUNS_NAME_MAX];

    if (!served && !journal_unfinished(j))
        return;
    run_luns_name(domid, vhost, name);
    run_devices_load(left.host->settings->run_dir, name, load_lun, &left);
}

/* --- until it is idle --- */

/* It ends by itself or is killed, but one that sleeps in the kernel submits what it had when it wakes up. */
static bool has_ended(struct outstanding *o, uint64_t now)
{
    struct pollfd p = { .events = POLLIN };

    if (o->worker == 0)
        return true;
    if (o->pidfd < 0) {
        o->pidfd = run_files_worker(o->worker);
        if (o->pidfd < 0 && o->pidfd != -ESRCH)
            return false; /* no descriptor or no memory: asked again */
    }
    p.fd = o->pidfd;
    if (p.fd >= 0 && poll(&p, 1, 0) != 1)
        return false;
    if (o->pidfd >= 0)
        close(o->pidfd);
    o->pidfd = -1;
    o->worker = 0;
    snprintf(o->at.word, sizeof(o->at.word), "0");
    o->since_us = now;
    return true;
}

static bool is_over(struct host *h, struct outstanding *o, uint64_t now)
{
    char hctl[HCTL_TEXT_MAX];
    unsigned busy = 0;
    bool ended = has_ended(o, now);
    int r = ended ? device_busy(h->roots, &o->at.hctl, &busy) : 0;

    o->idle = ended && r == 0 && busy == 0 ? o->idle + 1 : 0;
    /* A device that left sysfs has nothing in flight any more. */
    if (r == -ENOENT || o->idle >= IDLE_READS)
        return true;
    hctl_format(&o->at.hctl, hctl);
    if (ended && now - o->since_us >= HOLD_MAX_US) {
        log_warn(NULL, "device %s has been busy for %u s, by users other than pvscsid; what waits for it goes on", hctl,
                 HOLD_MAX_US / 1000000);
        return true;
    }
    if (now - o->logged_us >= LOG_EVERY_US) {
        o->logged_us = now;
        log_warn(NULL, "device %s: waiting for it to end the commands of a worker that is gone", hctl);
    }
    return false;
}

static void hold_expired(struct loop_timer *timer)
{
    struct host *h = container_of(timer, struct host, hold_timer);
    uint64_t now = now_us(), wait = now - h->hold_since_us < POLL_FAST_FOR_US ? POLL_FAST_US : POLL_SLOW_US, spent;
    bool changed = false;

    for (struct outstanding **at = &h->outstanding; *at;) {
        struct outstanding *o = *at;

        if (!is_over(h, o, now)) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        settle(h, &o->at.hctl);
        free_outstanding(o);
        changed = true;
    }
    if (changed) {
        release_all(h);
        save(h);
    }
    if (!h->outstanding)
        return;
    /* However many there are, most of the time is for other work. */
    spent = now_us() - now;
    loop_timer_arm(h->loop, timer, wait > 4 * spent ? wait : 4 * spent);
}

void hold_init(struct host *h)
{
    h->hold_timer.expired = hold_expired;
    run_devices_load(h->settings->run_dir, OUTSTANDING_NAME, load_outstanding, h);
    run_files_each(h->settings->run_dir, load_journal, h);
    if (h->outstanding)
        save(h);
}

void hold_free(struct host *h)
{
    loop_timer_cancel(&h->hold_timer);
    while (h->outstanding) {
        struct outstanding *o = h->outstanding;

        h->outstanding = o->next;
        free_outstanding(o);
    }
}
