// SPDX-License-Identifier: GPL-2.0-or-later
/* Which LUNs are on the same device; see shared.h. */
#include "config.h"

#include "common/util.h"
#include "control/places.h"
#include "control/shared.h"

static unsigned bucket(const struct hctl *a)
{
    return (a->host + 17 * a->channel + 257 * a->target + (uint32_t)a->lun) % DEVICE_BUCKETS;
}

struct vdev *shared_first_user(const struct host *h, const struct hctl *hctl)
{
    return h->users[bucket(hctl)];
}

static void note_shared(struct host *h, const struct hctl *hctl)
{
    const struct vdev *first = NULL;
    bool shared = false;

    for (const struct vdev *d = shared_first_user(h, hctl); d; d = d->next_user) {
        if (!hctl_equal(&d->dev.hctl, hctl))
            continue;
        if (!first)
            first = d;
        shared |= d->vhost->domid != first->vhost->domid;
    }
    for (struct vdev *d = shared_first_user(h, hctl); d; d = d->next_user) {
        if (d->shared == shared || !hctl_equal(&d->dev.hctl, hctl))
            continue;
        if (shared)
            log_limited(&d->vhost->limit, XTL_INFO, d->vhost->prefix, "%s: %s is given to another guest too", d->name,
                        d->dev.sg_name);
        d->shared = shared;
        model_changed(d->vhost);
    }
}

void shared_add_user(struct vdev *d)
{
    struct vdev **head = &d->vhost->host->users[bucket(&d->dev.hctl)];

    if (d->is_user || !d->dev.sg_name[0])
        return;
    d->is_user = true;
    d->next_user = *head;
    *head = d;
    places_join(d);
    note_shared(d->vhost->host, &d->dev.hctl);
}

void shared_remove_user(struct vdev *d)
{
    struct vdev **at = &d->vhost->host->users[bucket(&d->dev.hctl)];

    if (!d->is_user)
        return;
    while (*at != d)
        at = &(*at)->next_user;
    *at = d->next_user;
    d->is_user = d->shared = false;
    places_leave(d);
    /* When the daemon ends, no guest loses a device. */
    if (!d->vhost->host->quitting)
        note_shared(d->vhost->host, &d->dev.hctl);
}
