// SPDX-License-Identifier: GPL-2.0-or-later
/* Two meters of what a LUN may do; see rate.h. */
#include "worker/rate.h"

/*
 * Nothing overflows: bytes are below 2^32 and a second has 10^9 ns, so a product is below 2^62. A clock of 64 bits in
 * nanoseconds lasts for 584 years.
 */
#define SECOND_NS UINT64_C(1000000000)

static uint64_t burst_ns(const struct rate *r)
{
    return SECOND_NS * (r->limits.burst_s ? r->limits.burst_s : LIMITS_BURST_PRESET_S);
}

/* The oldest moment that a meter may show: more is not saved up. */
static uint64_t floor_ns(const struct rate *r, uint64_t now_ns)
{
    uint64_t burst = burst_ns(r);

    return now_ns > burst ? now_ns - burst : 0;
}

void rate_set(struct rate *r, const struct lun_limits *limits, uint64_t now_us)
{
    if (limits_equal(&r->limits, limits))
        return;
    r->limits = *limits;
    r->commands_ns = r->bytes_ns = floor_ns(r, now_us * 1000);
}

bool rate_is_limited(const struct rate *r)
{
    return r->limits.iops > 0 || r->limits.bps > 0;
}

static uint64_t after(uint64_t meter_ns, uint64_t may_go_ns)
{
    return meter_ns > may_go_ns ? (meter_ns - may_go_ns + 999) / 1000 : 0;
}

uint64_t rate_wait_us(const struct rate *r, uint32_t bytes, bool urgent, uint64_t now_us)
{
    uint64_t may_go_ns = (now_us + (urgent ? RATE_URGENT_US : 0)) * 1000, commands = 0, data = 0;

    if (r->limits.iops > 0)
        commands = after(r->commands_ns, may_go_ns);
    if (r->limits.bps > 0 && bytes > 0)
        data = after(r->bytes_ns, may_go_ns);
    return commands > data ? commands : data;
}

/* Rounds up: a limit is never exceeded. */
static void take(uint64_t *meter_ns, uint64_t amount, uint64_t per_second, uint64_t floor, uint64_t ceiling)
{
    uint64_t from = *meter_ns > floor ? *meter_ns : floor;
    uint64_t to = from + (amount * SECOND_NS + per_second - 1) / per_second;

    *meter_ns = to < ceiling ? to : ceiling;
}

void rate_take(struct rate *r, uint32_t bytes, uint64_t now_us)
{
    uint64_t now_ns = now_us * 1000, floor = floor_ns(r, now_ns);
    uint64_t ceiling = now_ns + RATE_DEBT_MAX_US * UINT64_C(1000);

    if (r->limits.iops > 0)
        take(&r->commands_ns, 1, r->limits.iops, floor, ceiling);
    if (r->limits.bps > 0)
        take(&r->bytes_ns, bytes, r->limits.bps, floor, ceiling);
}

void rate_give_back(struct rate *r, uint32_t bytes)
{
    uint64_t ns = r->limits.bps > 0 ? bytes * SECOND_NS / r->limits.bps : 0;

    r->bytes_ns = r->bytes_ns > ns ? r->bytes_ns - ns : 0;
}
