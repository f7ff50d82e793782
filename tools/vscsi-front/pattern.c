// SPDX-License-Identifier: GPL-2.0-or-later
/* Data that can be computed again; see pattern.h. */
#include "config.h"

#include <string.h>

#include "pattern.h"

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t pattern_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    return mix(*state);
}

static uint64_t base(uint64_t seed, uint32_t generation)
{
    return mix(seed * 0x9e3779b97f4a7c15u + generation + 1);
}

void pattern_fill(void *dst, size_t len, uint64_t offset, uint64_t seed, uint32_t generation)
{
    uint64_t b = base(seed, generation);

    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = mix(b + offset + i);

        memcpy((char *)dst + i, &word, 8);
    }
}

long pattern_check(const void *src, size_t len, uint64_t offset, uint64_t seed, uint32_t generation)
{
    uint64_t b = base(seed, generation);

    for (size_t i = 0; i < len; i += 8) {
        uint64_t want = mix(b + offset + i), got;

        memcpy(&got, (const char *)src + i, 8);
        if (want == got)
            continue;
        for (size_t j = 0; j < 8; j++)
            if (((const unsigned char *)src)[i + j] != ((const unsigned char *)&want)[j])
                return (long)(i + j);
    }
    return -1;
}
