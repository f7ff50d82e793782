// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices that may still have commands of a dead worker; see at-work.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "common/util.h"
#include "control/at-work.h"
#include "control/shared.h"
#include "device/host-eh.h"

#define AT_WORK_NAME "outstanding"
/* Polls often at first, because most commands end within about a millisecond. */
#define POLL_FAST_US 1000u
#define POLL_SLOW_US 10000u
#define POLL_FAST_FOR_US 100000u
/*
 * One read of 0 proves nothing: between the end of one command and the start of the next one in the kernel's
 * queue, device_busy is 0.
 */
#define IDLE_READS 3
#define LOG_EVERY_US 30000000u
/*
 * Users other than pvscsid (dom0 itself, another backend) may keep a device busy without end. When the time-outs of
 * all commands of the dead worker and the host's error handling after them are over, none of these commands is at
 * the device. If the time-outs are not known, that of a disk's usual commands counts, as often as it may start.
 */
#define TIMEOUT_UNKNOWN_US 180000000u
/*
 * A worker that a guest has taken over can write any time into its journal. The kernel's longest time-out is that of a
 * format, 48 hours, and a worker counts it three times (worker/command.c).
 */
#define DEADLINE_MOST_US (UINT64_C(3) * 172800 * 1000000)

static void free_one(struct at_work *o)
{
    if (o->pidfd >= 0)
        close(o->pidfd);
    free(o);
}

static void print_all(FILE *f, void *ctx)
{
    for (const struct at_work *o = ((struct host *)ctx)->at_work; o; o = o->next)
        run_device_print(f, &o->at);
}

static void save(struct host *h)
{
    const char *dir = h->settings->run_dir;
    int r = run_devices_save(dir, AT_WORK_NAME, h->at_work ? print_all : NULL, h);

    run_save_ended(&h->at_work_unsaved, r, NULL, dir, AT_WORK_NAME);
}

static void write_word(struct at_work *o)
{
    snprintf(o->at.word, sizeof(o->at.word), "%d@%" PRIu64, (int)o->worker, (o->deadline_us + 999999) / 1000000);
}

static void add(struct host *h, const struct run_device *at, pid_t worker, uint64_t deadline_us)
{
    struct at_work *o = h->at_work;
    uint64_t latest = now_us() + DEADLINE_MOST_US;

    if (deadline_us > latest)
        deadline_us = latest;
    while (o && !(hctl_equal(&o->at.hctl, &at->hctl) && o->worker == worker))
        o = o->next;
    if (!o) {
        o = calloc(1, sizeof(*o));
        if (!o) {
            log_err(NULL, 0,
                    "out of memory: a device that may still have commands of a dead worker is not remembered; reset it "
                    "before others use it");
            return;
        }
        o->pidfd = -1;
        for (const struct at_work *e = h->at_work; e; e = e->next)
            o->waited |= e->waited && run_device_same(&e->at, at);
        o->next = h->at_work;
        h->at_work = o;
    }
    o->at = *at;
    o->worker = worker;
    if (deadline_us > o->deadline_us)
        o->deadline_us = deadline_us;
    write_word(o);
    o->idle = 0;
    o->since_us = o->logged_us = h->at_work_since_us = now_us();
    loop_timer_arm(h->loop, &h->at_work_timer, POLL_FAST_US);
}

static bool is_at_work(const struct host *h, const struct run_device *at)
{
    for (const struct at_work *o = h->at_work; o; o = o->next)
        if (run_device_same(&o->at, at))
            return true;
    return false;
}

/* --- which LUNs are held --- */

static void update_hold(struct host *h, const struct hctl *hctl)
{
    bool waited = false;

    if (h->quitting)
        return;
    for (const struct at_work *o = h->at_work; o; o = o->next)
        waited |= o->waited && hctl_equal(&o->at.hctl, hctl);
    for (struct vdev *d = shared_first_user(h, hctl); d; d = d->next_user) {
        bool hold = waited || d->waits;

        if (!lun_is_with_worker(d->lun) || d->must_hold == hold || !hctl_equal(&d->dev.hctl, hctl))
            continue;
        d->must_hold = hold;
        model_changed(d->vhost);
    }
}

void at_work_begin_wait(struct vdev *d)
{
    struct host *h = d->vhost->host;

    d->waits = d->must_hold = d->was_known && is_at_work(h, &d->was);
    if (!d->waits)
        return;
    for (struct at_work *o = h->at_work; o; o = o->next) {
        if (o->waited || !run_device_same(&o->at, &d->was))
            continue;
        o->waited = true;
        update_hold(h, &o->at.hctl);
    }
}

static bool is_waited_for(const struct host *h, const struct at_work *o)
{
    for (const struct vhost *v = h->vhosts; v; v = v->next)
        for (const struct vdev *d = v->devs; d; d = d->next)
            if (d->waits && run_device_same(&o->at, &d->was))
                return true;
    return false;
}

void at_work_end_wait(struct vdev *d)
{
    struct host *h = d->vhost->host;
    bool waited = d->waits;

    d->must_hold = d->waits = false;
    if (!waited)
        return;
    for (struct at_work *o = h->at_work; o; o = o->next) {
        if (!run_device_same(&o->at, &d->was))
            continue;
        o->waited = is_waited_for(h, o);
        update_hold(h, &o->at.hctl);
    }
}

/* Releases the LUNs whose device has left the set. */
static void release_all(struct host *h)
{
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        for (struct vdev *d = v->devs; d; d = d->next) {
            if (!d->waits || is_at_work(h, &d->was))
                continue;
            d->waits = false;
            update_hold(h, &d->dev.hctl);
        }
    }
}

/* --- what workers have left --- */

void at_work_note(struct vhost *v, pid_t worker)
{
    struct host *h = v->host;
    struct pvscsi_journal j;
    bool any = false, all;

    /* The journal of a worker that lives and has a ring may still change. */
    all = run_files_journal(h->settings->run_dir, v->domid, v->id, &j) < 0 || j.at_device > 0
          || (worker > 0 && ring_exists(v->ring));
    for (const struct vdev *d = v->devs; d; d = d->next) {
        if (!lun_is_with_worker(d->lun) || !d->was_known)
            continue;
        if (!all
            && !journal_has_unanswered(&j, (uint16_t)d->wish.vdev.channel, (uint16_t)d->wish.vdev.target,
                                       (uint16_t)d->wish.vdev.lun))
            continue;
        add(h, &d->was, worker, pvscsi_journal_deadline(&j));
        any = true;
    }
    if (any)
        save(h);
}

void at_work_note_lun(const struct vdev *d)
{
    struct host *h = d->vhost->host;
    unsigned busy;

    if (!d->was_known || device_busy(h->roots, &d->was.hctl, &busy) < 0 || busy == 0)
        return;
    for (const struct vdev *o = shared_first_user(h, &d->was.hctl); o; o = o->next_user)
        if (o != d && hctl_equal(&o->dev.hctl, &d->was.hctl))
            return;
    add(h, &d->was, 0, 0);
    save(h);
}

struct left {
    struct host *host;
    pid_t worker;
    uint64_t deadline_us;
};

static void load_lun(void *ctx, const struct run_device *at)
{
    const struct left *l = ctx;

    add(l->host, at, l->worker, l->deadline_us);
}

static void load_at_work(void *ctx, const struct run_device *at)
{
    const char *end = strchrnul(at->word, '@');
    uint32_t pid = 0, deadline_s = 0;

    /* Without either, the worker counts as gone and its deadline as not known. */
    parse_u32(at->word, (size_t)(end - at->word), INT32_MAX, &pid);
    parse_u32_str(*end ? end + 1 : "", UINT32_MAX, &deadline_s);
    add(ctx, at, (pid_t)pid, (uint64_t)deadline_s * 1000000);
}

static void load_journal(void *ctx, uint16_t domid, uint32_t vhost, bool served, const struct pvscsi_journal *j)
{
    struct left left = { .host = ctx,
                         .worker = served ? (pid_t)j->worker_pid : 0,
                         .deadline_us = pvscsi_journal_deadline(j) };
    char name[RUN_LUNS_NAME_MAX];

    if (!served && !journal_unfinished(j))
        return;
    run_luns_name(domid, vhost, name);
    run_devices_load(left.host->settings->run_dir, name, load_lun, &left);
}

/* --- until it is idle --- */

/* The worker ends by itself or is killed. But one that sleeps in the kernel submits its command when it wakes up. */
static bool has_ended(struct at_work *o, uint64_t now)
{
    struct pollfd p = { .events = POLLIN };

    if (o->worker == 0)
        return true;
    if (o->pidfd < 0) {
        o->pidfd = run_files_worker(o->worker);
        if (o->pidfd < 0 && o->pidfd != -ESRCH)
            return false; /* no descriptor or no memory: the next poll tries again */
    }
    p.fd = o->pidfd;
    if (p.fd >= 0 && poll(&p, 1, 0) != 1)
        return false;
    if (o->pidfd >= 0)
        close(o->pidfd);
    o->pidfd = -1;
    o->worker = 0;
    /* A command that slept in its submission begins only now, with the whole time-out that it had then. */
    if (o->deadline_us)
        o->deadline_us += now - o->since_us;
    write_word(o);
    o->since_us = now;
    return true;
}

/* The time-outs are over, and so is what the host's error handling may take then. */
static bool time_is_over(struct host *h, struct at_work *o, uint64_t now)
{
    uint64_t deadline_us = o->deadline_us ? o->deadline_us : o->since_us + TIMEOUT_UNKNOWN_US;
    struct host_eh eh;

    if (now < deadline_us)
        return false;
    host_eh_read(h->roots, &o->at.hctl, &eh);
    if (eh.seconds != HOST_EH_NO_LIMIT)
        return now >= deadline_us + eh.seconds * UINT64_C(1000000);
    /* An outage may have stopped a time-out until it is over. */
    o->deadline_us = now + TIMEOUT_UNKNOWN_US;
    write_word(o);
    save(h);
    return false;
}

static bool is_over(struct host *h, struct at_work *o, uint64_t now)
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
    if (ended && time_is_over(h, o, now)) {
        log_warn(NULL,
                 "device %s is still busy after the last time-out of a dead worker, so other users keep it busy; "
                 "LUNs that wait for it are released",
                 hctl);
        return true;
    }
    if (now - o->logged_us >= LOG_EVERY_US) {
        o->logged_us = now;
        log_warn(NULL, "device %s: waiting until it has ended the commands of a dead worker", hctl);
    }
    return false;
}

static void poll_expired(struct loop_timer *timer)
{
    struct host *h = container_of(timer, struct host, at_work_timer);
    uint64_t now = now_us(), wait = now - h->at_work_since_us < POLL_FAST_FOR_US ? POLL_FAST_US : POLL_SLOW_US, spent;
    bool changed = false;

    for (struct at_work **at = &h->at_work; *at;) {
        struct at_work *o = *at;

        if (!is_over(h, o, now)) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        update_hold(h, &o->at.hctl);
        free_one(o);
        changed = true;
    }
    if (changed)
        release_all(h);
    if (changed || (h->at_work_unsaved.due_us && now >= h->at_work_unsaved.due_us))
        save(h);
    if (!h->at_work) {
        now = now_us();
        if (h->at_work_unsaved.due_us) /* the file could not be removed */
            loop_timer_arm(h->loop, timer, h->at_work_unsaved.due_us > now ? h->at_work_unsaved.due_us - now : 0);
        return;
    }
    /* Polling takes at most a fifth of the time, however many devices there are. */
    spent = now_us() - now;
    loop_timer_arm(h->loop, timer, wait > 4 * spent ? wait : 4 * spent);
}

void at_work_init(struct host *h)
{
    h->at_work_timer.expired = poll_expired;
    run_devices_load(h->settings->run_dir, AT_WORK_NAME, load_at_work, h);
    run_files_each(h->settings->run_dir, true, load_journal, h);
    if (h->at_work)
        save(h);
}

void at_work_free(struct host *h)
{
    loop_timer_cancel(&h->at_work_timer);
    while (h->at_work) {
        struct at_work *o = h->at_work;

        h->at_work = o->next;
        free_one(o);
    }
}
