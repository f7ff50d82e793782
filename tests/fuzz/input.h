/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of a fuzzer's input, for fuzzers that read it as a list of steps. */
#ifndef PVSCSI_TESTS_FUZZ_INPUT_H
#define PVSCSI_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input {
    const uint8_t *at;
    size_t left;
};

/* The next byte; 0 after the end. */
static inline unsigned byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

#endif
