/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data that can be computed again: each 8 bytes depend on their place on the disk,
 * on a seed, and on how often that place was written. So a block that was lost,
 * misplaced, torn or not overwritten differs from the pattern.
 */
#ifndef VSCSI_FRONT_PATTERN_H
#define VSCSI_FRONT_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* The next number of a stream (splitmix64); *state is its position. */
uint64_t pattern_next(uint64_t *state);
/* len bytes, a multiple of 8, as they belong at `offset` bytes from the disk's start. */
void pattern_fill(void *dst, size_t len, uint64_t offset, uint64_t seed, uint32_t generation);
/* Index of the first byte that differs from the pattern, or -1. */
long pattern_check(const void *src, size_t len, uint64_t offset, uint64_t seed, uint32_t generation);

#endif
