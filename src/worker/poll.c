// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether to look at the ring before sleeping; see poll.h. */
#include "config.h"

#include "worker/poll.h"

void poll_init(struct poll *p, uint32_t most_us)
{
    *p = (struct poll){ .most_us = most_us };
}

uint32_t poll_begin(struct poll *p, uint64_t now_us)
{
    if (p->most_us == 0 || now_us < p->not_before_us)
        return 0;
    if (p->skip > 0) {
        p->skip--;
        return 0;
    }
    return p->most_us;
}

void poll_end(struct poll *p, enum poll_result result, uint64_t now_us)
{
    switch (result) {
    case POLL_FOUND:
        p->penalty /= 2;
        break;
    case POLL_NOTHING:
        p->penalty = p->penalty == 0 ? 1 : p->penalty * 2 < POLL_SKIP_MAX ? p->penalty * 2 : POLL_SKIP_MAX;
        p->skip = p->penalty - 1;
        break;
    case POLL_BUSY:
        p->not_before_us = now_us + POLL_BUSY_US;
        break;
    }
}
