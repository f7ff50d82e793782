/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assertions that cost nothing while they hold, for conditions that are checked many thousand times. libcheck writes
 * the place of each of its own assertions to a file. It shows that place when a test ends by a signal; valgrind and the
 * sanitizers show more. This file ends that for the assertions that follow, and has two shorter ones.
 */
#ifndef TESTS_MUST_H
#define TESTS_MUST_H

#include <check.h>

#undef mark_point
#define _mark_point(file, line) ((void)0)

/* As ck_assert_msg(). */
#define must(cond, ...) \
    do { \
        if (!(cond)) \
            ck_abort_msg(__VA_ARGS__); \
    } while (0)

/* As ck_assert_uint_eq(). */
#define must_eq(a, b) \
    do { \
        unsigned long long a_ = (unsigned long long)(a), b_ = (unsigned long long)(b); \
        must(a_ == b_, "'%s == %s' failed: %llu and %llu", #a, #b, a_, b_); \
    } while (0)

#endif
