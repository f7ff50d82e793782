// SPDX-License-Identifier: GPL-2.0-or-later
/* The rate limits of a LUN as text; see pvscsi/limits.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "pvscsi/limits.h"

const char *const limits_names[LIMITS_COUNT] = {
    [LIMITS_IOPS] = "iops", [LIMITS_BPS] = "bps", [LIMITS_BURST] = "burst"
};

static const struct range {
    uint64_t min, max;
    bool none;     /* 0 is a value too: no limit */
    bool suffixes; /* K, M, G and T, which stand for 2^10, 2^20, 2^30 and 2^40 */
    const char *expected;
} ranges[LIMITS_COUNT] = {
    [LIMITS_IOPS] = { LIMITS_IOPS_MIN, LIMITS_IOPS_MAX, .none = true,
                      .expected = "expected commands per second, 2 to 1000000, or 0 for no limit" },
    [LIMITS_BPS] = { LIMITS_BPS_MIN, LIMITS_BPS_MAX, .none = true, .suffixes = true,
                     .expected =
                         "expected bytes per second, 1M to 1T, or 0 for no limit; a capital K, M, G or T stands "
                         "for a power of 1024" },
    [LIMITS_BURST] = { LIMITS_BURST_MIN_S, LIMITS_BURST_MAX_S, .expected = "expected seconds, 1 to 3600" },
};
static const char suffixes[] = "KMGT";

const char *limits_expected(unsigned which)
{
    return ranges[which].expected;
}

static int parse(const struct range *range, const char *text, uint64_t *out)
{
    size_t len = strlen(text);
    const char *suffix = range->suffixes && len > 0 ? strchr(suffixes, text[len - 1]) : NULL;
    unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
    uint64_t n;

    /* What is not above the largest value cannot overflow when it is shifted. */
    if (parse_u64(text, suffix ? len - 1 : len, range->max >> shift, &n) < 0)
        return -EINVAL;
    *out = n << shift;
    return *out >= range->min || (range->none && *out == 0) ? 0 : -EINVAL;
}

int limits_parse(struct lun_limits *l, unsigned which, const char *text)
{
    uint64_t n;

    if (parse(&ranges[which], text, &n) < 0)
        return -EINVAL;
    if (which == LIMITS_IOPS)
        l->iops = (uint32_t)n;
    else if (which == LIMITS_BPS)
        l->bps = n;
    else
        l->burst_s = (uint32_t)n;
    return 0;
}

bool limits_value(const struct lun_limits *l, unsigned which, char out[LIMITS_VALUE_MAX])
{
    uint64_t n = which == LIMITS_IOPS ? l->iops : which == LIMITS_BPS ? l->bps : l->burst_s;
    unsigned i = 0;
    bool set = n > 0;

    while (set && ranges[which].suffixes && suffixes[i] && n % 1024 == 0) {
        n /= 1024;
        i++;
    }
    snprintf(out, LIMITS_VALUE_MAX, i > 0 ? "%" PRIu64 "%c" : "%" PRIu64, n, i > 0 ? suffixes[i - 1] : '\0');
    return set;
}

bool limits_equal(const struct lun_limits *a, const struct lun_limits *b)
{
    return a->iops == b->iops && a->bps == b->bps && a->burst_s == b->burst_s;
}
