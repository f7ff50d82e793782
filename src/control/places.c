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
    uint32_t may, share; /* as struct worker_places has them */
    uint32_t turn;       /* changes with `may` */
    bool told;           /* its worker knows the host, by what stands next */
    uint32_t told_turn, told_share;
    bool holds; /* only while places go in turn: it has one, or has not given it back yet */
    bool asks;  /* likewise: commands wait for one */
};

struct places_host {
    struct places_host *next;
    struct host *host;
    uint32_t number, can_queue;
    unsigned n_luns, n_guests;
    bool in_turn;
    struct places *first; /* in turn: who was given a place last is the last one */
};

/* One place is left to others: dom0's own devices, and what the control process asks of devices. */
static uint32_t all_places(uint32_t can_queue)
{
    return can_queue > 1 ? can_queue - 1 : 1;
}

uint32_t places_divide(uint32_t can_queue, unsigned n_guests, unsigned n_luns, unsigned mine)
{
    uint32_t all = all_places(can_queue);
    uint64_t n;

    if (n_guests == 0 || n_luns == 0 || all < n_guests)
        return 0;
    n = 1 + (uint64_t)(all - n_guests) * mine / n_luns;
    return n < PLACES_MOST ? (uint32_t)n : PLACES_MOST;
}

static uint32_t share_of_lun(const struct places_host *at)
{
    uint32_t share = all_places(at->can_queue) / (at->n_luns > 0 ? at->n_luns : 1);

    return share < SHARE_LEAST ? SHARE_LEAST : share < PLACES_MOST ? share : PLACES_MOST;
}

/* A number is never used twice, so an answer of a worker belongs to one of them. */
static void set(struct places *p, uint32_t may)
{
    p->may = may;
    p->turn = ++p->at->host->places_turn;
    model_changed(p->vhost);
}

static void take_out(struct places *p)
{
    struct places **at = &p->at->first;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->next = NULL;
}

static void to_the_end(struct places *p)
{
    struct places **at = &p->at->first;

    take_out(p);
    while (*at)
        at = &(*at)->next;
    *at = p;
}

/* --- in turn --- */

/* A dead worker has left commands there. How many is not known: at least one for each device. */
static unsigned left_at(const struct places_host *at)
{
    unsigned n = 0;

    for (const struct at_work *o = at->host->at_work; o; o = o->next)
        n += o->at.hctl.host == at->number;
    return n;
}

static unsigned n_held(const struct places_host *at)
{
    unsigned n = left_at(at);

    for (const struct places *p = at->first; p; p = p->next)
        n += p->holds;
    return n;
}

static struct places *first_that_waits(struct places_host *at)
{
    for (struct places *p = at->first; p; p = p->next)
        if (p->asks && !p->holds)
            return p;
    return NULL;
}

/* A place that its worker does not know of yet is not taken back: it would never submit anything. */
static struct places *first_that_may(struct places_host *at)
{
    for (struct places *p = at->first; p; p = p->next)
        if (p->holds && p->may > 0 && p->told_turn == p->turn)
            return p;
    return NULL;
}

/* Gives free places to those that wait, and asks for the places of those that have had one longest. */
static void take_turns(struct places_host *at)
{
    unsigned waiting = 0, coming = 0;
    struct places *p;

    while (n_held(at) < all_places(at->can_queue) && (p = first_that_waits(at))) {
        p->holds = true;
        p->asks = false;
        set(p, 1);
        to_the_end(p);
    }
    for (p = at->first; p; p = p->next) {
        waiting += p->asks && !p->holds;
        coming += p->holds && p->may == 0;
    }
    for (; coming < waiting && (p = first_that_may(at)); coming++)
        set(p, 0);
}

/* Nobody has a place by right any more: each says whether its commands have left the host. */
static void begin_turns(struct places_host *at)
{
    at->in_turn = true;
    for (struct places *p = at->first; p; p = p->next) {
        p->holds = p->told;
        p->asks = false;
        set(p, 0);
    }
}

/* --- who is there --- */

static void share_out(struct places_host *at)
{
    uint32_t share = share_of_lun(at);
    bool in_turn = all_places(at->can_queue) < at->n_guests;

    for (struct places *p = at->first; p; p = p->next) {
        uint32_t may = places_divide(at->can_queue, at->n_guests, at->n_luns, p->n_luns);

        if (p->share != share)
            model_changed(p->vhost);
        p->share = share;
        if (!in_turn && p->may != may)
            set(p, may);
    }
    if (in_turn && !at->in_turn)
        begin_turns(at);
    at->in_turn = in_turn;
    if (in_turn)
        take_turns(at);
}

static struct places_host *find_host(struct host *h, uint32_t number)
{
    struct places_host *at = h->places_hosts;

    while (at && at->number != number)
        at = at->next;
    return at;
}

static struct places *find(struct vhost *v, uint32_t number)
{
    struct places_host *at = find_host(v->host, number);
    struct places *p = at ? at->first : NULL;

    while (p && p->vhost != v)
        p = p->next;
    return p;
}

static struct places_host *get_host(struct host *h, uint32_t number)
{
    struct places_host *at = find_host(h, number);

    if (at)
        return at;
    at = calloc(1, sizeof(*at));
    if (!at)
        return NULL;
    at->host = h;
    at->number = number;
    at->next = h->places_hosts;
    h->places_hosts = at;
    return at;
}

static void drop_if_empty(struct places_host *at)
{
    struct places_host **link = &at->host->places_hosts;

    if (at->first)
        return;
    while (*link != at)
        link = &(*link)->next;
    *link = at->next;
    free(at);
}

static struct places *get(struct vhost *v, struct places_host *at)
{
    struct places *p = find(v, at->number);

    if (p)
        return p;
    p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->at = at;
    p->vhost = v;
    p->turn = ++v->host->places_turn;
    at->n_guests++;
    p->next = at->first;
    at->first = p;
    return p;
}

void places_join(struct vdev *d)
{
    struct places_host *at = d->places || d->dev.can_queue == 0 ? NULL : get_host(d->vhost->host, d->dev.hctl.host);

    if (!at)
        return;
    d->places = get(d->vhost, at);
    if (!d->places) { /* without memory its number is not limited, as if the host had not told it */
        drop_if_empty(at);
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
        take_out(p);
        at->n_guests--;
        free(p);
    }
    if (at->first)
        share_out(at);
    drop_if_empty(at);
}

/* --- what the workers know and say --- */

bool places_of(const struct vdev *d, struct worker_places *out)
{
    const struct places *p = d->places;

    *out = (struct worker_places){ .host = d->dev.hctl.host };
    if (!p)
        return false;
    out->places = p->may;
    out->share = p->share;
    out->turn = p->turn;
    return true;
}

void places_told(struct vdev *d)
{
    struct places *p = d->places;

    if (!p)
        return;
    p->told = true;
    p->told_turn = p->turn;
    p->told_share = p->share;
    if (p->at->in_turn)
        take_turns(p->at); /* others may wait for it already */
}

bool places_to_tell(struct vdev *d, struct worker_places *out)
{
    const struct places *p = d->places;

    if (!p || !p->told || (p->told_turn == p->turn && p->told_share == p->share))
        return false;
    places_of(d, out);
    places_told(d);
    return true;
}

void places_said(struct vhost *v, const struct worker_waits *said)
{
    struct places *p = find(v, said->host);

    if (!p || p->turn != said->turn || p->may > 0)
        return;
    p->holds = said->busy;
    p->asks = said->waits;
    if (p->at->in_turn)
        take_turns(p->at);
}

void places_worker_gone(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next) {
        struct places *p = d->places;

        if (!p || !p->told)
            continue;
        p->told = p->asks = p->holds = false;
        if (!p->at->in_turn)
            continue;
        set(p, 0);
        take_turns(p->at);
    }
}

void places_freed(struct host *h, uint32_t scsi_host)
{
    struct places_host *at = find_host(h, scsi_host);

    if (at && at->in_turn)
        take_turns(at);
}
