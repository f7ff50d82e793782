/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often a test does what differs only in its numbers: values of a byte, random histories. TEST_ROUNDS in the
 * environment is a percentage of the usual number. tools/check sets it for valgrind, which is fifty times slower and
 * looks for what a few rounds show; gcc and the sanitizers run all rounds.
 */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

#include <stdlib.h>

/* The number of rounds, at least 1, for a test that usually does so many. */
static inline unsigned rounds(unsigned usual)
{
    const char *text = getenv("TEST_ROUNDS");
    char *end = NULL;
    unsigned long percent = text ? strtoul(text, &end, 10) : 100;

    if (text && (end == text || *end || percent < 1 || percent > 1000000))
        abort(); /* a test must not pass with fewer rounds because of a mistake */
    percent = percent * usual / 100;
    return percent > 0 ? (unsigned)percent : 1;
}

#endif
