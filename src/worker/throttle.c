// SPDX-License-Identifier: GPL-2.0-or-later
/* The limits of a LUN; see throttle.h. */
#include "config.h"

#include "common/util.h"
#include "scsi/opcodes.h"
#include "worker/throttle.h"

void throttle_set(struct lun *lun, const struct lun_limits *limits)
{
    rate_set(&lun->rate, limits, now_us());
    lun->limited = rate_is_limited(&lun->rate);
}

bool throttle_is_urgent(const struct cmd *c)
{
    switch (c->cdb[0]) {
    case OP_TEST_UNIT_READY:
    case OP_REQUEST_SENSE:
    case OP_INQUIRY:
    case OP_PERSISTENT_RESERVE_IN:
    case OP_PERSISTENT_RESERVE_OUT:
        return true;
    default:
        return false;
    }
}

bool throttle_is_full(const struct service *svc)
{
    unsigned n = 0;

    for (unsigned i = 0; i < CMD_COUNT; i++)
        n += svc->cmd[i].state == CMD_QUEUED && svc->cmd[i].lun && svc->cmd[i].lun->limited;
    return n >= LIMITS_WAITING_MAX;
}

/* What is queued behind c waits for the same limit. */
static void note_wait(struct cmd *c, uint64_t now)
{
    if (c->limited_us > 0)
        return;
    c->limited_us = now;
    for (struct cmd *q = c->lun->queue; q; q = q->next)
        if (q->limited_us == 0)
            q->limited_us = now;
}

bool throttle_allows(struct service *svc, struct cmd *c)
{
    uint64_t now, wait, left;

    /* Pieces of one command are one command. A successor would have to end what waits as lost. */
    if (c->counted || c->lun->away || svc->stopping)
        return true;
    now = now_us();
    wait = rate_wait_us(&c->lun->rate, c->data_len, throttle_is_urgent(c), now);
    if (wait > 0) {
        note_wait(c, now);
        left = c->limited_us + THROTTLE_WAIT_MAX_US;
        left = left > now ? left - now : 0;
        wait = wait < left ? wait : left;
    }
    if (wait > 0) {
        if (!loop_timer_armed(&svc->limit_timer) || svc->limit_timer.due_us > now + wait)
            loop_timer_arm(svc->loop, &svc->limit_timer, wait);
        return false;
    }
    rate_take(&c->lun->rate, c->data_len, now);
    c->counted = true;
    return true;
}

void throttle_give_back(struct service *svc, const struct cmd *c)
{
    uint32_t unmoved = c->answer.residual < c->data_len ? c->answer.residual : c->data_len;

    if (!c->counted || unmoved == 0)
        return;
    rate_give_back(&c->lun->rate, unmoved);
    if (c->lun->limit_waits)
        loop_timer_arm(svc->loop, &svc->limit_timer, 0);
}
