// SPDX-License-Identifier: GPL-2.0-or-later
/* What a worker does when it looks at the ring before it sleeps: a clock and a guest that move while it looks. */
#include "config.h"

#include <sched.h>

#include "service-fixture.h"
#include "suite.h"

static uint64_t clock_us, step_us;
static void (*meanwhile)(void); /* what the guest does when the worker has begun to look */
uint64_t __wrap_now_us(void);
int __wrap_sched_yield(void);

uint64_t __wrap_now_us(void)
{
    return clock_us += step_us;
}

static unsigned looks;

int __wrap_sched_yield(void)
{
    looks++;
    if (meanwhile)
        meanwhile();
    return 0;
}

static void test_unit_ready(void)
{
    static uint16_t rqid = 100;

    meanwhile = NULL;
    put(rqid++);
}

static void impossible_index(void)
{
    meanwhile = NULL;
    guest->req_prod += 1000;
}

static void setup_poll(void)
{
    clock_us = 1000000;
    step_us = 1;
    looks = 0;
    meanwhile = NULL;
    setup();
    svc->poll_us = 50;
    poll_init(&svc->poll, 50);
}

/* An event of the guest was taken, and what is on the ring is served. */
static void event(void)
{
    svc->port_masked = true;
    svc->taken_since_event = 0;
    work();
}

START_TEST(a_request_that_comes_in_time_needs_no_event)
{
    put(1);
    meanwhile = test_unit_ready;
    guest->req_event = 1;
    event();
    ck_assert_uint_eq(take().rqid, 1);
    ck_assert_uint_eq(take().rqid, 100);
    none();
    ck_assert_uint_eq(looks, 2);        /* the second finds nothing */
    ck_assert_uint_eq(fake.unmasks, 1); /* after the second look */
    ck_assert_uint_eq(guest->req_event, 3);
}
END_TEST

START_TEST(without_a_request_the_worker_sleeps_after_its_time)
{
    uint64_t begin = clock_us;

    put(1);
    event();
    ck_assert_uint_eq(looks, 1);
    ck_assert_uint_eq(fake.unmasks, 1);
    ck_assert_uint_ge(clock_us - begin, 50);
    ck_assert_uint_lt(clock_us - begin, 80);
}
END_TEST

START_TEST(a_busy_processor_ends_the_look)
{
    put(1);
    step_us = POLL_GAP_US + 1;
    event();
    ck_assert_uint_eq(looks, 1);
    put(2);
    event();
    ck_assert_uint_eq(looks, 1); /* for a tenth of a second */
    clock_us += POLL_BUSY_US;
    put(3);
    event();
    ck_assert_uint_eq(looks, 2);
    ck_assert_uint_eq(fake.unmasks, 3);
}
END_TEST

START_TEST(an_impossible_index_halts_the_ring_as_ever)
{
    put(1);
    meanwhile = impossible_index;
    event();
    ck_assert_int_eq(halts, 1);
    ck_assert_uint_eq(stats.halted, 1);
    ck_assert_uint_eq(fake.unmasks, 0);
}
END_TEST

START_TEST(an_event_without_requests_and_a_worker_that_stops_see_no_look)
{
    event();
    ck_assert_uint_eq(looks, 0);
    put(1);
    svc->stopping = true;
    event();
    ck_assert_uint_eq(looks, 0);
}
END_TEST

START_TEST(the_time_may_change_under_way)
{
    uint64_t begin;

    service_set_poll(svc, 0);
    put(1);
    event();
    ck_assert_uint_eq(looks, 0);
    service_set_poll(svc, 20);
    begin = clock_us;
    put(2);
    event();
    ck_assert_uint_eq(looks, 1);
    ck_assert_uint_ge(clock_us - begin, 20);
    ck_assert_uint_lt(clock_us - begin, 50);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_request_that_comes_in_time_needs_no_event);
    tcase_add_test(t, without_a_request_the_worker_sleeps_after_its_time);
    tcase_add_test(t, a_busy_processor_ends_the_look);
    tcase_add_test(t, an_impossible_index_halts_the_ring_as_ever);
    tcase_add_test(t, an_event_without_requests_and_a_worker_that_stops_see_no_look);
    tcase_add_test(t, the_time_may_change_under_way);
}

int main(void)
{
    return run_tests("service, looking at the ring", setup_poll, teardown, add_tests);
}
