// SPDX-License-Identifier: GPL-2.0-or-later
/* The places of the SCSI hosts; see places.h. */
#include "config.h"

#include <stdlib.h>

#include "common/util.h"
#include "control/places.h"

/* A ring has 16 slots, and a worker not more than twice as many commands. More places than that change nothing. */
#define PLACES_MOST 32u
/* Linux keeps so many tags at least for each device in use (hctx_may_queue() of blk-mq). */
#define SHARE_LEAST 4u

/* One vhost at one SCSI host. */
struct places {
    struct places *next;
    struct places_host *at;
    struct vhost *vhost;
    unsigned n_luns;
    uint32_t may, share;           /* as struct worker_places has them */
    uint32_t told_may, told_share; /* what its worker knows */
};

struct places_host {
    struct places_host *next;
    uint32_t number, can_queue;
    unsigned n_luns, n_vhosts;
    struct places *first;
};

/* One place is left to others: dom0's own devices, and what the control process asks of devices. */
static uint32_t all_places(uint32_t can_queue)
{
    return can_queue > 1 ? can_queue - 1 : 1;
}

static uint32_t at_most(uint64_t n)
{
    return n < PLACES_MOST ? (uint32_t)n : PLACES_MOST;
}

uint32_t places_divide(uint32_t can_queue, unsigned n_vhosts, unsigned n_luns, unsigned mine)
{
    uint32_t all = all_places(can_queue);

    if (n_luns == 0 || all <= n_vhosts)
        return 1;
    return at_most(1 + (uint64_t)(all - n_vhosts) * mine / n_luns);
}

static uint32_t share_of_lun(const struct places_host *at)
{
    uint32_t share = all_places(at->can_queue) / (at->n_luns > 0 ? at->n_luns : 1);

    return share < SHARE_LEAST ? SHARE_LEAST : at_most(share);
}

static void share_out(struct places_host *at)
{
    uint32_t share = share_of_lun(at);

    for (struct places *p = at->first; p; p = p->next) {
        uint32_t may = places_divide(at->can_queue, at->n_vhosts, at->n_luns, p->n_luns);

        if (p->share != share || p->may != may)
            model_changed(p->vhost);
        p->share = share;
        p->may = may;
    }
}

/* --- who is there --- */

static struct places_host *get_host(struct host *h, uint32_t number)
{
    struct places_host *at = h->places_hosts;

    while (at && at->number != number)
        at = at->next;
    if (at)
        return at;
    at = calloc(1, sizeof(*at));
    if (!at)
        return NULL;
    at->number = number;
    at->next = h->places_hosts;
    h->places_hosts = at;
    return at;
}

static void drop_if_empty(struct host *h, struct places_host *at)
{
    struct places_host **link = &h->places_hosts;

    if (at->first)
        return;
    while (*link != at)
        link = &(*link)->next;
    *link = at->next;
    free(at);
}

static struct places *get(struct vhost *v, struct places_host *at)
{
    struct places *p = at->first;

    while (p && p->vhost != v)
        p = p->next;
    if (p)
        return p;
    p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->at = at;
    p->vhost = v;
    at->n_vhosts++;
    p->next = at->first;
    at->first = p;
    return p;
}

void places_join(struct vdev *d)
{
    struct host *h = d->vhost->host;
    struct places_host *at = d->places || d->dev.can_queue == 0 ? NULL : get_host(h, d->dev.hctl.host);

    if (!at)
        return;
    d->places = get(d->vhost, at);
    if (!d->places) { /* without memory its number is not limited, as if the host had not told it */
        drop_if_empty(h, at);
        return;
    }
    at->can_queue = d->dev.can_queue;
    at->n_luns++;
    d->places->n_luns++;
    share_out(at);
}

void places_leave(struct vdev *d)
{
    struct places *p = d->places;
    struct places_host *at = p ? p->at : NULL;

    d->places = NULL;
    if (!p)
        return;
    at->n_luns--;
    if (--p->n_luns == 0) {
        struct places **link = &at->first;

        while (*link != p)
            link = &(*link)->next;
        *link = p->next;
        at->n_vhosts--;
        free(p);
    }
    share_out(at);
    drop_if_empty(d->vhost->host, at);
}

/* --- what the workers know --- */

void places_tell(struct vdev *d, struct worker_places *out)
{
    struct places *p = d->places;

    *out = (struct worker_places){ .host = d->dev.hctl.host };
    if (!p)
        return;
    out->places = p->told_may = p->may;
    out->share = p->told_share = p->share;
}

bool places_to_tell(const struct vdev *d)
{
    const struct places *p = d->places;

    return p && (p->told_may != p->may || p->told_share != p->share);
}
