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
}
