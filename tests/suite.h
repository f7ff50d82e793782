/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a test program: how its suite is run. libcheck runs each test in a process of its own. Included by one .c
 * file of a program.
 */
#ifndef PVSCSI_TESTS_SUITE_H
#define PVSCSI_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs s and frees it. The program's exit status. */
static inline int run_suite(Suite *s)
{
    SRunner *r = srunner_create(s);
    int failed;

    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * For one case: runs the tests that add() adds, each between set_up() and tear_down() (NULL: none). The program's exit
 * status.
 */
static inline int run_tests(const char *name, void (*set_up)(void), void (*tear_down)(void), void (*add)(TCase *t))
{
    Suite *s = suite_create(name);
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, set_up, tear_down);
    add(t);
    suite_add_tcase(s, t);
    return run_suite(s);
}

#endif
