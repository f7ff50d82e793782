// SPDX-License-Identifier: GPL-2.0-or-later
/* Which device each LUN is; see remember.h. */
#include "config.h"

#include <stdio.h>

#include "common/util.h"
#include "control/remember.h"

static void recall(void *ctx, const struct run_device *was)
{
    struct vdev *d = model_find_vdev(ctx, was->word, strlen(was->word));

    if (d) {
        d->was = *was;
        d->was_known = true;
    }
}

void remember_load(struct vhost *v)
{
    char name[RUN_LUNS_NAME_MAX];

    if (v->recalled || v->dirty.list)
        return;
    v->recalled = true;
    run_luns_name(v->domid, v->id, name);
    run_devices_load(v->host->settings->run_dir, name, recall, v);
}

static void print_luns(FILE *f, void *ctx)
{
    for (const struct vdev *d = ((const struct vhost *)ctx)->devs; d; d = d->next)
        if (d->was_known)
            run_device_print(f, &d->was);
}

bool remember_device(struct vdev *d)
{
    struct run_device now;

    if (d->dev.from == PDEV_FILE) {
        d->was_known = false; /* its commands end with the worker, and the p-dev is enough to find it again */
        return false;
    }
    run_device_set(&now, d->name, &d->dev.hctl, d->dev.unit);
    if (d->was_known && hctl_equal(&now.hctl, &d->was.hctl) && strcmp(now.wwid, d->was.wwid) == 0)
        return false;
    d->was = now;
    d->was_known = true;
    return true;
}

void remember_save(struct vhost *v)
{
    const char *dir = v->host->settings->run_dir;
    char name[RUN_LUNS_NAME_MAX];

    run_luns_name(v->domid, v->id, name);
    run_save_ended(&v->unsaved, run_devices_save(dir, name, print_luns, v), v->prefix, dir, name);
}

void remember_again(struct vhost *v)
{
    if (v->unsaved.due_us && now_us() >= v->unsaved.due_us)
        remember_save(v);
}
