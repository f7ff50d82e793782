// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queue of the PR helper's client: order, bound, cancelling, and calls from its own callback.
 */
#include "config.h"

#include "pr-client-fixture.h"

/* --- queue, cancel, free --- */

static void one_request_each(void)
{
    ck_assert_uint_eq(helper.n_requests, n_records);
}

START_TEST(one_at_a_time_in_order)
{
    static const struct fake_step script[] = {
        SHAKE, TAKE, { FAKE_SLEEP, NULL, 30 }, SEND(conflict), TAKE, SEND(good), TAKE, SEND(conflict), END,
    };
    int tokens[3];

    START(script);
    new_client(AMPLE_MS, AMPLE_MS);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(submit_out(&tokens[i]), 0);
    /* When a command ends, the next one has not been sent. */
    on_done = one_request_each;
    wait_records(3);
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_eq(records[i].token, &tokens[i]);
        ck_assert_uint_eq(records[i].answer.status, i == 1 ? 0x00 : 0x18);
    }
}
END_TEST

START_TEST(queue_has_a_bound)
{
    START(always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    for (int i = 0; i < PR_QUEUE_MAX; i++)
        ck_assert_int_eq(submit_out(NULL), 0);
    ck_assert_int_eq(submit_out(NULL), -EBUSY);
    wait_records(PR_QUEUE_MAX);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(PR_QUEUE_MAX + 1);
    ck_assert_uint_eq(helper.n_requests, PR_QUEUE_MAX + 1);
}
END_TEST

START_TEST(cancel_one)
{
    static const struct fake_step script[] = {
        SHAKE, TAKE, { FAKE_SLEEP, NULL, 300 }, SEND(good), TAKE, SEND(good), TAKE, SEND(good), END,
    };
    int a, b, c, d;

    START(script);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(pr_client_cancel(client, &a), -ENOENT);
    ck_assert_int_eq(submit_out(&a), 0);
    ck_assert_int_eq(pr_client_cancel(client, &a), 0); /* before the loop ran at all */
    ck_assert_int_eq(submit_out(&a), 0);
    ck_assert_int_eq(submit_out(&b), 0);
    ck_assert_int_eq(submit_out(&c), 0);
    wait_requests(1);
    ck_assert_int_eq(pr_client_cancel(client, &a), -EBUSY);
    ck_assert_int_eq(pr_client_cancel(client, &c), 0);
    ck_assert_int_eq(pr_client_cancel(client, &c), -ENOENT);
    ck_assert_int_eq(submit_out(&d), 0);
    wait_records(3);
    wait_ms(20);
    ck_assert_uint_eq(n_records, 3);
    ck_assert_ptr_eq(records[0].token, &a);
    ck_assert_ptr_eq(records[1].token, &b);
    ck_assert_ptr_eq(records[2].token, &d);
}
END_TEST

/* The first command is cancelled during a handshake that hangs. Its deadline goes; the handshake keeps one. */
START_TEST(cancel_during_the_handshake)
{
    int a, b;

    START(hangs_at_features, always_good);
    new_client(500, AMPLE_MS);
    ck_assert_int_eq(submit_out(&a), 0);
    ck_assert_int_eq(submit_out(&b), 0);
    wait_connections(1);
    ck_assert_int_eq(pr_client_cancel(client, &a), 0);
    ck_assert_int_eq(pr_client_cancel(client, &b), 0);
    wait_state(HELPER_CONNECTED);
    ck_assert_uint_eq(n_records, 0);
    ck_assert_uint_eq(helper.n_connections, 2);
}
END_TEST

START_TEST(cancel_all)
{
    START(hangs_with_request, always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_requests(1);
    pr_client_cancel_all(client);
    ck_assert_uint_eq(pr_client_pending(client), 0);
    wait_ms(20);
    ck_assert_uint_eq(n_records, 0);
    ck_assert_int_eq(pr_client_state(client), HELPER_IDLE);
    ck_assert_int_eq(states[n_states - 1], HELPER_IDLE);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_status(0, 0x00, 0);
    ck_assert_uint_eq(helper.requests[1].connection, 1);
}
END_TEST

START_TEST(free_with_commands_pending)
{
    START(hangs_with_request);
    new_client(AMPLE_MS, AMPLE_MS);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(submit_out(NULL), 0);
    if (_i)
        wait_requests(1);
    pr_client_free(client);
    client = NULL;
    wait_ms(20);
    ck_assert_uint_eq(n_records, 0);
}
END_TEST

static void free_it(void)
{
    pr_client_free(client);
    client = NULL;
}

static void cancel_everything(void)
{
    pr_client_cancel_all(client);
}

static const struct fake_step closes[] = { SHAKE, TAKE, CLOSE };
static const struct fake_step closes_at_once[] = { CLOSE };
static const struct fake_step *const endings[] = { always_good, closes, closes_at_once, hangs_with_request };

/* From the callback of each way to end: an answer, a loss, BUSY, the deadline. */
START_TEST(free_from_the_callback)
{
    START(endings[_i]);
    new_client(60, AMPLE_MS);
    on_done = free_it;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    wait_ms(50);
    ck_assert_uint_eq(n_records, 1);
}
END_TEST

START_TEST(cancel_all_from_the_callback)
{
    START(endings[_i], always_good);
    new_client(60, AMPLE_MS);
    on_done = cancel_everything;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    wait_ms(50);
    ck_assert_uint_eq(n_records, 1);
    on_done = NULL;
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
}
END_TEST

static int resubmit_left;

static void submit_more(void)
{
    if (resubmit_left-- > 0)
        ck_assert_int_eq(submit_out(NULL), 0);
}

/* Also while the helper is away: each gets its answer, and the loop goes on between them. */
START_TEST(submit_from_the_callback)
{
    static const struct fake_step *const script[] = { always_good };

    if (_i)
        start(script, ARRAY_SIZE(script));
    new_client(AMPLE_MS, AMPLE_MS);
    on_done = submit_more;
    resubmit_left = 4;
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    ck_assert_uint_eq(n_records, 1);
    wait_records(5);
    for (unsigned i = 0; i < 5; i++)
        expect_status(i, _i ? 0x00 : 0x08, _i ? 0 : 24);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, one_at_a_time_in_order);
    tcase_add_test(t, queue_has_a_bound);
    tcase_add_test(t, cancel_one);
    tcase_add_test(t, cancel_during_the_handshake);
    tcase_add_test(t, cancel_all);
    tcase_add_loop_test(t, free_with_commands_pending, 0, 2);
    tcase_add_loop_test(t, free_from_the_callback, 0, ARRAY_SIZE(endings));
    tcase_add_loop_test(t, cancel_all_from_the_callback, 0, ARRAY_SIZE(endings));
    tcase_add_loop_test(t, submit_from_the_callback, 0, 2);
}

int main(void)
{
    return run_client_tests("pr-client-queue", add_tests);
}
