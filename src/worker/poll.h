/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a worker looks at the ring for a moment before it sleeps. A guest whose next request comes in that moment needs
 * no event, and the worker no unmask, no wait and no read of an event. The time is lost when nothing comes, so a worker
 * looks only while it tends to find something, and not while the processor has other work. Pure: no clock, no ring.
 */
#ifndef PVSCSI_POLL_H
#define PVSCSI_POLL_H

#include <stdint.h>

/* Between two looks at the clock nothing takes this long, in microseconds, unless something else has the processor. */
#define POLL_GAP_US 20u
/* How long no look is taken after something else had the processor. */
#define POLL_BUSY_US 100000u
/* After many looks that found nothing, one of so many occasions is used. */
#define POLL_SKIP_MAX 256u

enum poll_result {
    POLL_FOUND,
    POLL_NOTHING, /* the time passed */
    POLL_BUSY,    /* something else had the processor meanwhile */
};

struct poll {
    uint32_t most_us; /* the longest look; 0: no look is taken */
    uint32_t skip;    /* occasions that pass without a look */
    uint32_t penalty; /* a look that finds nothing doubles it, and sets skip to penalty - 1; a request halves it */
    uint64_t not_before_us;
};

void poll_init(struct poll *p, uint32_t most_us);
/* The worker is about to sleep. How long to look now, in microseconds; if it is not 0, poll_end() follows. */
uint32_t poll_begin(struct poll *p, uint64_t now_us);
void poll_end(struct poll *p, enum poll_result result, uint64_t now_us);

#endif
