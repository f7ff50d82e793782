// SPDX-License-Identifier: GPL-2.0-or-later
/* When a worker looks at the ring before it sleeps. */
#include "config.h"

#include <check.h>

#include "suite.h"
#include "worker/poll.h"

static struct poll p;

/* How many of so many occasions were looks, each with this result. */
static unsigned looks(unsigned occasions, enum poll_result result)
{
    unsigned n = 0;

    for (unsigned i = 0; i < occasions; i++) {
        uint32_t us = poll_begin(&p, 1000);

        if (us == 0)
            continue;
        ck_assert_uint_eq(us, 50);
        n++;
        poll_end(&p, result, 1000);
    }
    return n;
}

static void setup(void)
{
    poll_init(&p, 50);
}

START_TEST(without_a_time_there_is_no_look)
{
    poll_init(&p, 0);
    ck_assert_uint_eq(poll_begin(&p, 1000), 0);
}
END_TEST

START_TEST(each_occasion_is_a_look_while_something_is_found)
{
    ck_assert_uint_eq(looks(1000, POLL_FOUND), 1000);
}
END_TEST

START_TEST(looks_in_vain_become_rare)
{
    ck_assert_uint_eq(looks(255, POLL_NOTHING), 8); /* after 1, 2, 4... occasions */
    ck_assert_uint_eq(looks(256 * 20, POLL_NOTHING), 20);
}
END_TEST

START_TEST(a_look_in_vain_among_many_good_ones_costs_nothing)
{
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(looks(1, POLL_NOTHING), 1);
        ck_assert_uint_eq(looks(9, POLL_FOUND), 9);
    }
}
END_TEST

START_TEST(a_guest_that_begins_to_work_is_looked_at_often_again)
{
    looks(10000, POLL_NOTHING);
    looks(256 + 8, POLL_FOUND); /* one occasion in 256 is a look, each success halves what the next failure costs */
    ck_assert_uint_eq(looks(100, POLL_FOUND), 100);
    ck_assert_uint_eq(looks(2, POLL_NOTHING), 2);
}
END_TEST

START_TEST(a_busy_processor_is_left_alone)
{
    ck_assert_uint_eq(poll_begin(&p, 5000), 50);
    poll_end(&p, POLL_BUSY, 5020);
    ck_assert_uint_eq(poll_begin(&p, 5021), 0);
    ck_assert_uint_eq(poll_begin(&p, 105019), 0);
    ck_assert_uint_eq(poll_begin(&p, 105020), 50);
    poll_end(&p, POLL_FOUND, 105021);
    ck_assert_uint_eq(poll_begin(&p, 105022), 50);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, without_a_time_there_is_no_look);
    tcase_add_test(t, each_occasion_is_a_look_while_something_is_found);
    tcase_add_test(t, looks_in_vain_become_rare);
    tcase_add_test(t, a_look_in_vain_among_many_good_ones_costs_nothing);
    tcase_add_test(t, a_guest_that_begins_to_work_is_looked_at_often_again);
    tcase_add_test(t, a_busy_processor_is_left_alone);
}

int main(void)
{
    return run_tests("poll", setup, NULL, add_tests);
}
