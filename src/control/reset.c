// SPDX-License-Identifier: GPL-2.0-or-later
/* Device resets; see reset.h. */
#include "config.h"

#include <errno.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>

#include "common/util.h"
#include "control/reset.h"
#include "control/shared.h"

#ifndef SG_SCSI_RESET_NO_ESCALATE
#define SG_SCSI_RESET_NO_ESCALATE 0x100 /* scsi/sg.h since Linux 4.1 */
#endif

/* It may live longer than its vdev. */
struct reset_job {
    struct offload_job job;
    struct vdev *vdev; /* NULL: the result is not wanted any more */
    struct host *host;
    const struct device_roots *roots;
    struct device dev;
    int result;
};

static void reset_work(struct offload_job *job)
{
    struct reset_job *rj = container_of(job, struct reset_job, job);
    struct device_fds fds;
    char why[DEVICE_WHY_MAX];
    int what = SG_SCSI_RESET_DEVICE | SG_SCSI_RESET_NO_ESCALATE;

    rj->result = device_open(rj->roots, &rj->dev, &fds, why);
    if (rj->result < 0)
        return;
    rj->result = ioctl(fds.sg, SG_SCSI_RESET, &what) < 0 ? -errno : 0;
    close(fds.sg);
    if (fds.block >= 0)
        close(fds.block);
}

static void done(struct vdev *d, int result)
{
    d->reset = RESET_DONE;
    d->reset_result = result;
    model_changed(d->vhost);
}

/*
 * To the device all guests are one initiator, so its own unit attention reaches one of them. A RESET of SAM-5 is told
 * to each.
 */
static void tell_others(const struct reset_job *rj)
{
    for (struct vdev *o = shared_first_user(rj->host, &rj->dev.hctl); o; o = o->next_user) {
        if (o == rj->vdev || !hctl_equal(&o->dev.hctl, &rj->dev.hctl))
            continue;
        o->was_reset = true;
        model_changed(o->vhost);
    }
}

static void reset_ended(struct offload_job *job)
{
    struct reset_job *rj = container_of(job, struct reset_job, job);
    struct vdev *d = rj->vdev;

    if (rj->result == 0)
        tell_others(rj);
    if (d) {
        d->reset_job = NULL;
        log_limited(&d->vhost->limit, XTL_INFO, d->vhost->prefix, "%s: device reset: %s", d->name,
                    rj->result < 0 ? strerror(-rj->result) : "done");
        done(d, rj->result);
    }
    free(rj);
}

void reset_start(struct vdev *d)
{
    struct host *h = d->vhost->host;
    struct reset_job *rj;
    int r;

    if (d->dev.from == PDEV_FILE || !h->settings->device_reset) {
        done(d, -EOPNOTSUPP);
        return;
    }
    rj = calloc(1, sizeof(*rj));
    if (!rj) {
        done(d, -ENOMEM);
        return;
    }
    *rj = (struct reset_job){
        .job = { .work = reset_work, .done = reset_ended }, .vdev = d, .host = h, .roots = h->roots, .dev = d->dev
    };
    log_limited(&d->vhost->limit, XTL_INFO, d->vhost->prefix, "%s: the guest's RESET timed out; resetting the device",
                d->name);
    r = offload_submit(h->resets, &rj->job);
    if (r < 0) {
        free(rj);
        done(d, r);
        return;
    }
    d->reset = RESET_RUNNING;
    d->reset_job = rj;
}

void reset_forget(struct vdev *d)
{
    if (d->reset_job)
        d->reset_job->vdev = NULL;
    d->reset_job = NULL;
    d->reset = RESET_NONE;
}
