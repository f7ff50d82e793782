// SPDX-License-Identifier: GPL-2.0-or-later
/* Gives devices back to this domain; see giveback.h. */
#include "config.h"

#include "common/util.h"
#include "control/claim.h"
#include "control/giveback.h"

#define WAIT_US 3000000u

/* It may live longer than its vdev. */
struct giveback {
    struct offload_job job;
    struct vdev *vdev; /* NULL: nobody waits for it */
    const struct device_roots *roots;
    struct claims *claims;
    struct claim *claim; /* NULL: ended */
};

static void end_claim(struct giveback *g, bool put_back)
{
    if (g->claim)
        claim_end(g->claims, g->roots, steal_ptr(g->claim), put_back);
}

static void giveback_work(struct offload_job *job)
{
    end_claim(container_of(job, struct giveback, job), true);
}

static void giveback_ended(struct offload_job *job)
{
    struct giveback *g = container_of(job, struct giveback, job);

    end_claim(g, false); /* the daemon ended before a thread began with it */
    if (g->vdev) {
        g->vdev->giveback = NULL;
        model_changed(g->vdev->vhost);
    }
    claims_unref(g->claims);
    free(g);
}

static struct giveback *start(struct host *h, struct claim *c)
{
    struct giveback *g = h->quitting ? NULL : calloc(1, sizeof(*g));

    if (g) {
        *g = (struct giveback){ .job = { .work = giveback_work, .done = giveback_ended },
                                .roots = h->roots,
                                .claims = claims_ref(h->claims),
                                .claim = c };
        if (offload_submit(h->givebacks, &g->job) == 0)
            return g;
        claims_unref(g->claims);
        free(g);
    }
    claim_end(h->claims, h->roots, c, !h->quitting);
    return NULL;
}

void giveback_claim(struct host *h, struct claim *c)
{
    if (claim_drop(h->claims, c))
        start(h, c);
}

void giveback_device(struct vdev *d)
{
    struct host *h = d->vhost->host;
    struct claim *c = steal_ptr(d->claim);

    if (!claim_drop(h->claims, c))
        return;
    giveback_forget(d);
    d->giveback = start(h, c);
    if (!d->giveback)
        return;
    d->giveback->vdev = d;
    d->giveback_until_us = now_us() + WAIT_US;
}

bool giveback_pending(const struct vdev *d, uint64_t now)
{
    return d->giveback && now < d->giveback_until_us;
}

void giveback_forget(struct vdev *d)
{
    if (d->giveback)
        d->giveback->vdev = NULL;
    d->giveback = NULL;
}
