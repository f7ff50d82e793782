// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of LUNs and their queues; see lun.h. */
#include "config.h"

#include "worker/lun.h"

static int compare(const struct lun *lun, uint16_t channel, uint16_t target, uint16_t number)
{
    if (lun->channel != channel)
        return lun->channel < channel ? -1 : 1;
    if (lun->target != target)
        return lun->target < target ? -1 : 1;
    if (lun->number != number)
        return lun->number < number ? -1 : 1;
    return 0;
}

/* The first sorted position that is not below the address. */
static unsigned position(const struct service *svc, uint16_t channel, uint16_t target, uint16_t number)
{
    unsigned low = 0, high = svc->n_sorted;

    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (compare(svc->sorted[mid], channel, target, number) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct lun *lun_find(const struct service *svc, uint16_t channel, uint16_t target, uint16_t number)
{
    unsigned at = position(svc, channel, target, number);

    return at < svc->n_sorted && compare(svc->sorted[at], channel, target, number) == 0 ? svc->sorted[at] : NULL;
}

bool lun_target_exists(const struct service *svc, uint16_t channel, uint16_t target)
{
    unsigned at = position(svc, channel, target, 0);

    return at < svc->n_sorted && svc->sorted[at]->channel == channel && svc->sorted[at]->target == target;
}

unsigned lun_numbers(const struct service *svc, uint16_t channel, uint16_t target, uint16_t *out, unsigned max)
{
    unsigned n = 0;

    for (unsigned i = position(svc, channel, target, 0); i < svc->n_sorted && n < max; i++) {
        if (svc->sorted[i]->channel != channel || svc->sorted[i]->target != target)
            break;
        out[n++] = svc->sorted[i]->number;
    }
    return n;
}

void lun_insert(struct service *svc, struct lun *lun)
{
    unsigned at = position(svc, lun->channel, lun->target, lun->number);

    memmove(&svc->sorted[at + 1], &svc->sorted[at], (svc->n_sorted - at) * sizeof(svc->sorted[0]));
    svc->sorted[at] = lun;
    svc->n_sorted++;
}

void lun_withdraw(struct service *svc, struct lun *lun)
{
    unsigned at = position(svc, lun->channel, lun->target, lun->number);

    svc->n_sorted--;
    memmove(&svc->sorted[at], &svc->sorted[at + 1], (svc->n_sorted - at) * sizeof(svc->sorted[0]));
}

struct scsi_host_share *lun_join_host(struct service *svc, const struct worker_places *may)
{
    struct scsi_host_share *free_place = NULL;

    if (may->share == 0)
        return NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(svc->hosts); i++) {
        struct scsi_host_share *h = &svc->hosts[i];

        if (h->n_luns > 0 && h->may.host == may->host) {
            h->n_luns++;
            h->may = *may;
            return h;
        }
        if (h->n_luns == 0 && !free_place)
            free_place = h;
    }
    if (free_place)
        *free_place = (struct scsi_host_share){ .may = *may, .n_luns = 1, .last = PVSCSI_STATS_LUNS - 1 };
    return free_place;
}

void lun_leave_host(struct scsi_host_share *host)
{
    if (host)
        host->n_luns--;
}

void lun_set_places(struct service *svc, const struct worker_places *may)
{
    for (unsigned i = 0; i < ARRAY_SIZE(svc->hosts); i++)
        if (svc->hosts[i].n_luns > 0 && svc->hosts[i].may.host == may->host)
            svc->hosts[i].may = *may;
}

/*
 * Linux divides the tags of a host among its devices in use, with 4 for each at least (hctx_may_queue() of blk-mq), and
 * lets the write() sleep for more: a device that loses commands would stop the worker although the host has places.
 */
static bool within_share(const struct lun *lun)
{
    return !lun->host || lun->sg.in_flight < lun->host->may.share;
}

static bool is_ready(const struct lun *lun)
{
    return !lun->held && !lun->resetting && lun->strays == 0
           && (lun->queue_depth == 0 || lun->sg.in_flight < lun->queue_depth) && within_share(lun);
}

static bool last_place(const struct scsi_host_share *host)
{
    return host && host->at_device + 1 >= host->may.places;
}

/* How many turns until this LUN has its own. */
static uint32_t turns_until(const struct lun *lun)
{
    return (lun->index + PVSCSI_STATS_LUNS - lun->host->last - 1) % PVSCSI_STATS_LUNS;
}

bool lun_may_go(const struct service *svc, const struct lun *lun)
{
    if (!is_ready(lun))
        return false;
    if (!last_place(lun->host))
        return true;
    if (lun->host->at_device >= lun->host->may.places)
        return false;
    for (unsigned i = 0; i < svc->n_sorted; i++) {
        const struct lun *other = svc->sorted[i];

        if (other->host == lun->host && other->queue && !other->limit_waits && is_ready(other)
            && turns_until(other) < turns_until(lun))
            return false;
    }
    return true;
}

bool lun_others_wait(const struct service *svc, const struct lun *lun)
{
    if (!last_place(lun->host))
        return false;
    for (unsigned i = 0; i < svc->n_sorted; i++)
        if (svc->sorted[i] != lun && svc->sorted[i]->host == lun->host && svc->sorted[i]->queue
            && !svc->sorted[i]->limit_waits)
            return true;
    return false;
}

void lun_lost(struct service *svc, struct lun *lun, bool dead)
{
    if (lun->removing)
        return;
    if (dead && !lun->away) {
        lun->away = true;
        if (lun->sg.pool)
            sg_device_abandon(&lun->sg);
        svc->work = true;
        loop_timer_arm(svc->loop, &svc->retry_timer, 0); /* what is queued ends */
    }
    if (lun->lost_said)
        return;
    lun->lost_said = true;
    svc->device_lost(svc, lun);
}

void lun_enqueue(struct cmd *c)
{
    c->state = CMD_QUEUED;
    c->next = NULL;
    *c->lun->queue_tail = c;
    c->lun->queue_tail = &c->next;
}

void lun_put_back(struct cmd *c)
{
    struct lun *lun = c->lun;

    c->state = CMD_QUEUED;
    c->next = lun->queue;
    lun->queue = c;
    lun->limit_waits = false; /* that was said of another head */
    if (!c->next)
        lun->queue_tail = &c->next;
}

void lun_unqueue(struct cmd *c)
{
    struct cmd **at = &c->lun->queue;

    while (*at && *at != c)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = c->next;
    if (!c->next)
        c->lun->queue_tail = at;
    c->next = NULL;
    if (!c->lun->queue)
        c->lun->limit_waits = false;
}

struct cmd *lun_dequeue(struct lun *lun)
{
    struct cmd *c = lun->queue;

    if (!c)
        return NULL;
    lun_unqueue(c);
    c->state = CMD_TAKEN;
    return c;
}

void lun_empty_queue(struct lun *lun)
{
    lun->queue = NULL;
    lun->queue_tail = &lun->queue;
    lun->limit_waits = false;
}
