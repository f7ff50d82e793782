// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks a device up and opens it; see opening.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "control/opening.h"

static int is_it(const struct opening *o, struct run_device *now)
{
    run_device_set(now, "", &o->dev.hctl, o->dev.wwid);
    return run_device_compatible(now, &o->was);
}

/* NULL, or why a device that was away cannot be used yet. */
static const char *not_usable(const struct opening *o)
{
    /* In these states the kernel ends every command with NO_CONNECT (scsi_prep_state_check() of Linux). */
    static const struct {
        const char *state, *why;
    } without[] = {
        { "offline", "its state is offline" },
        { "transport-offline", "its state is transport-offline" },
        { "cancel", "it is being deleted" },
        { "deleted", "it is being deleted" },
    };

    if (!o->usable)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(without); i++)
        if (strcmp(o->dev.state, without[i].state) == 0)
            return without[i].why;
    return o->needs_block && !o->dev.block_name[0] ? "its block device is not there yet" : NULL;
}

/*
 * Looks for the device at the address that it had. If it is not there, looks its p-dev up. Any other device is
 * refused.
 */
static int find_again(struct opening *o)
{
    struct run_device now;
    int r = device_from_hctl(o->roots, &o->was.hctl, &o->dev, o->why);

    if (r < 0 && !device_error_is_final(r))
        return r;
    if (r == 0 && is_it(o, &now) && !not_usable(o)) {
        o->dev.from = PDEV_HCTL;
        return 0;
    }
    r = device_resolve(o->roots, o->pdev, o->allow_file, &o->dev, o->why);
    if (r < 0)
        return r;
    if (is_it(o, &now))
        return 0;
    snprintf(o->why, sizeof(o->why), "it is another device now: its wwid is %.80s; expected %.80s", now.wwid,
             o->was.wwid);
    return -ENODEV;
}

static void open_work(struct offload_job *job)
{
    struct opening *o = container_of(job, struct opening, job);
    const char *why;

    __atomic_store_n(&o->started_us, now_us(), __ATOMIC_RELAXED);
    o->result = o->again ? find_again(o) : device_resolve(o->roots, o->pdev, o->allow_file, &o->dev, o->why);
    why = o->result == 0 ? not_usable(o) : NULL;
    if (why) {
        snprintf(o->why, sizeof(o->why), "%s", why);
        o->result = -ENODEV;
    }
    if (o->result == 0)
        o->result = device_open(o->roots, &o->dev, &o->fds, o->why);
}

static void discard(struct opening *o)
{
    device_close(&o->fds);
    free(o);
}

static void open_ended(struct offload_job *job)
{
    struct opening *o = container_of(job, struct opening, job);

    if (!o->vdev) {
        discard(o);
        return;
    }
    o->finished = true;
    model_changed(o->vdev->vhost);
}

int opening_start(struct vdev *d)
{
    struct host *h = d->vhost->host;
    struct opening *o = calloc(1, sizeof(*o));
    int r;

    if (!o)
        return -ENOMEM;
    o->job = (struct offload_job){ .work = open_work, .done = open_ended };
    o->vdev = d;
    o->roots = h->roots;
    o->allow_file = h->standalone;
    o->again = d->was_known;
    o->usable = d->presence != DEVICE_THERE;
    o->needs_block = d->dev.block_name[0] != '\0';
    o->was = d->was;
    o->fds = (struct device_fds){ .sg = -1, .block = -1 };
    memcpy(o->pdev, d->wish.pdev, sizeof(o->pdev));
    r = offload_submit(h->offload, &o->job);
    if (r < 0) {
        free(o);
        return r;
    }
    d->opening = o;
    return 0;
}

uint64_t opening_started_us(const struct opening *o)
{
    return __atomic_load_n(&o->started_us, __ATOMIC_RELAXED);
}

void opening_free(struct opening *o)
{
    if (!o)
        return;
    if (o->finished)
        discard(o);
    else
        o->vdev = NULL;
}
