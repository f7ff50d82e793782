/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assertions for inner loops. libcheck writes the place of each of its own assertions to a file before it looks at the
 * condition; these cost nothing while the condition holds. They are for conditions that are checked many thousand times.
 */
#ifndef TESTS_MUST_H
#define TESTS_MUST_H

#include <check.h>

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
