/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two meters of what a LUN may do: commands and bytes per second. Pure: time is an argument, and nothing is waited for.
 *
 * Each meter is one moment: when all that was taken so far is paid for at the limit's rate. In the past it is what was
 * saved up, at most the burst. In the future it is a debt. A command may go when there is no debt, whatever it then
 * takes: so a command larger than the burst passes too, and the next one waits for it.
 */
#ifndef PVSCSI_RATE_H
#define PVSCSI_RATE_H

#include "pvscsi/limits.h"

/* A debt beyond this is forgiven: no command waits longer for it (throttle.h). */
#define RATE_DEBT_MAX_US 10000000u
/*
 * How far commands that overtake others (throttle.h) may go into debt. That is more than one command of data owes, at
 * the lowest limit 0.5 s (limits.h).
 */
#define RATE_URGENT_US 1000000u

struct rate {
    struct lun_limits limits;
    uint64_t commands_ns, bytes_ns; /* CLOCK_MONOTONIC */
};

/* Sets limits. It begins as a LUN that was idle, with the whole burst, except if these are its limits already. */
void rate_set(struct rate *r, const struct lun_limits *limits, uint64_t now_us);
/* Is there any limit? */
bool rate_is_limited(const struct rate *r);
/* How long until a command with this many bytes of data may go, in microseconds; 0: now. */
uint64_t rate_wait_us(const struct rate *r, uint32_t bytes, bool urgent, uint64_t now_us);
/* The command goes. */
void rate_take(struct rate *r, uint32_t bytes, uint64_t now_us);
/*
 * So many of the bytes that a command took were not moved. At most what it took; rounded down, so that a limit is never
 * exceeded. (If the limits have changed since, they are given back at the new rate.)
 */
void rate_give_back(struct rate *r, uint32_t bytes);

#endif
