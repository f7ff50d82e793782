// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices that went away under a guest; see away.h. */
#include "config.h"

#include <sys/param.h>

#include "common/util.h"
#include "control/at-work.h"
#include "control/away.h"
#include "control/giveback.h"
#include "control/news.h"
#include "control/opening.h"
#include "control/remember.h"
#include "control/shared.h"
#include "control/worker-link.h"

/*
 * Between two searches: 0.1 s, doubled up to 6.4 s. An event of the kernel's device model makes the next one due at
 * once.
 */
#define SEARCH_FIRST_US 100000u
#define SEARCH_DOUBLINGS 6
/* After an event: the kernel sends many at a time. */
#define HURRY_US 100000u
/* A device that goes again within this time is not searched for at once. */
#define STABLE_US 10000000u
#define LATE_LOG_US 30000000u
/*
 * How long the block device of a disk is waited for. Linux's sd waits 100 s for one that spins up (sd_spinup_disk()).
 * If sd is not bound, it never comes, and the sg node is enough for all but the PR helper.
 */
#define BLOCK_WAIT_US 120000000u
/* Peripheral device type 1Fh: unknown (SPC-5 table 150). */
#define TYPE_UNKNOWN 0x1f

/* Nothing else writes the presence of a device. True: it changed. */
static bool follow(struct vdev *d, enum presence_fact fact)
{
    enum presence before = d->presence;

    d->presence = presence_after(before, fact);
    d->was_away |= d->presence != DEVICE_THERE;
    return d->presence != before;
}

static void search_later(struct vdev *d)
{
    d->reopen_us = now_us() + ((uint64_t)SEARCH_FIRST_US << MIN(d->reopens, SEARCH_DOUBLINGS));
    if (d->reopens < SEARCH_DOUBLINGS)
        d->reopens++;
}

/* One line for each new reason. */
static void say_gone(struct vdev *d, const char *why, bool in_use)
{
    char text[DEVICE_WHY_MAX], said[DEVICE_WHY_MAX];

    escape_for_log(text, sizeof(text), why, strlen(why));
    snprintf(said, sizeof(said), "%s%.*s", in_use ? "" : "the device is gone: ", (int)sizeof(said) - 32, text);
    if (d->away_said && strcmp(said, d->error) == 0)
        return;
    memcpy(d->error, said, sizeof(said));
    d->away_said = true;
    d->away_noted = false;
    log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix, "%s (%s): %s; its commands fail until it is %s", d->name,
                d->wish.pdev, d->error, in_use ? "free" : "back");
    news_tell(d->vhost->host->news, NEWS_DEVICE_AWAY, d->vhost, d, "%s", d->error);
}

void away_ended(struct vdev *d)
{
    if (!d->away_said)
        return;
    d->away_said = false;
    d->error[0] = '\0';
    log_info(d->vhost->prefix, "%s (%s): the device is back%s%s", d->name, d->wish.pdev,
             d->dev.sg_name[0] ? " as " : "", d->dev.sg_name);
    news_tell(d->vhost->host->news, NEWS_DEVICE_BACK, d->vhost, d, "the device is back");
}

static void not_found(struct vdev *d, const char *why, bool in_use)
{
    say_gone(d, why, in_use);
    search_later(d);
}

static void search(struct vdev *d)
{
    int r;

    d->reopen_us = 0;
    d->deadline_us = now_us() + LATE_LOG_US;
    r = opening_start(d);
    if (r < 0)
        not_found(d, strerror(-r), false);
}

void away_lost(struct vdev *d)
{
    if (!lun_is_with_worker(d->lun) || d->lun == LUN_REMOVING || !follow(d, DF_LOST))
        return;
    giveback_claim(d->vhost->host, steal_ptr(d->claim));
    if (now_us() - d->returned_us > STABLE_US)
        d->reopens = 0;
    if (d->reopens == 0)
        search(d);
    else
        search_later(d);
}

void away_begin(struct vdev *d, const char *why, bool in_use)
{
    follow(d, DF_LOST);
    d->reopen_us = 0;
    d->reopens = 0;
    giveback_claim(d->vhost->host, steal_ptr(d->claim));
    if (d->was_known) {
        d->dev.hctl = d->was.hctl;
        snprintf(d->dev.wwid, sizeof(d->dev.wwid), "%s", d->was.wwid);
        snprintf(d->dev.unit, sizeof(d->dev.unit), "%s", d->was.wwid);
    }
    if (!d->dev.sg_name[0] && d->dev.from != PDEV_FILE)
        d->dev.type = TYPE_UNKNOWN; /* what a dead worker left is not called BUSY: a tape would be written twice */
    say_gone(d, why, in_use);
}

void away_search(struct vdev *d)
{
    search_later(d);
}

static void found(struct vdev *d, struct opening *o)
{
    if (!hctl_equal(&d->dev.hctl, &o->dev.hctl))
        shared_remove_user(d);
    d->dev = o->dev;
    shared_add_user(d);
    opening_hand_over(o);
    d->published = false;
    d->block_until_us = 0;
    follow(d, DF_OPENED);
    if (d->reopens == 0)
        d->reopens = 1; /* if it goes again at once, the next search has to wait */
}

static void take_opened(struct vdev *d)
{
    struct opening *o = steal_ptr(d->opening);

    if (o->lacks_block && !d->block_until_us)
        d->block_until_us = now_us() + BLOCK_WAIT_US;
    if (opening_result(o) < 0)
        not_found(d, o->why, o->in_use);
    else
        found(d, o);
    opening_free(o);
}

static bool hand(struct vdev *d)
{
    if (d->presence != DEVICE_FOUND || !d->vhost->worker.child)
        return false;
    at_work_end_wait(d);
    if (remember_device(d))
        remember_save(d->vhost);
    at_work_begin_wait(d);
    worker_add_lun(d);
    return follow(d, DF_HANDED);
}

bool away_step(struct vdev *d, uint64_t now)
{
    if (d->opening && d->opening->finished) {
        take_opened(d);
        hand(d);
        return true;
    }
    if (d->reopen_us && now >= d->reopen_us)
        search(d);
    if (d->opening && now >= d->deadline_us) {
        d->deadline_us = now + LATE_LOG_US;
        log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix,
                    "%s: opening it again takes long; is the device stuck in error recovery (kernel log)?", d->name);
    }
    return hand(d);
}

void away_answered(struct vdev *d)
{
    follow(d, d->answer_error < 0 ? DF_NOT_TAKEN : DF_TAKEN);
    if (d->presence == DEVICE_GONE) {
        not_found(d, strerror(-d->answer_error), false);
        return;
    }
    d->returned_us = now_us();
    away_ended(d);
}

void away_over(struct vdev *d)
{
    if (!follow(d, DF_OVER))
        return;
    if (d->opening)
        opening_free(steal_ptr(d->opening));
    device_close(&d->fds);
    d->block_until_us = 0;
    d->reopen_us = 0;
    d->reopens = 0;
}

void away_hurry(struct vhost *v)
{
    uint64_t soon = now_us() + HURRY_US;

    for (struct vdev *d = v->devs; d; d = d->next) {
        if (d->presence != DEVICE_GONE || !d->reopen_us)
            continue;
        d->reopens = 0;
        if (d->reopen_us > soon)
            d->reopen_us = soon;
        model_changed(v);
    }
}
