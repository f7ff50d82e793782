// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PR helper's client against a scripted helper: what it sends and answers, and a fault affects only the command
 * that it hits.
 */
#include "config.h"

#include "pr-client-fixture.h"

/* calloc() of the code under test (the linker wraps it): fails when so many calls have been made. */
static int calloc_fails_after = -1;
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    if (calloc_fails_after >= 0 && calloc_fails_after-- == 0)
        return NULL;
    return __real_calloc(n, size);
}

/* --- the usual --- */

START_TEST(in_and_out)
{
    static const struct fake_step script[] = { SHAKE, TAKE, SEND(keys), TAKE, SEND(good), END };
    int a, b;

    START(script);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(pr_client_state(client), HELPER_IDLE);
    ck_assert_int_eq(submit_in(&a), 0);
    ck_assert_int_eq(submit_out(&b), 0);
    ck_assert_uint_eq(pr_client_pending(client), 2);
    wait_records(2);
    ck_assert_uint_eq(pr_client_pending(client), 0);

    ck_assert_ptr_eq(records[0].token, &a);
    expect_status(0, 0x00, 8);
    ck_assert_uint_eq(records[0].data_len, 16);
    ck_assert_mem_eq(records[0].data, keys + 104, 16);
    ck_assert_ptr_eq(records[1].token, &b);
    expect_status(1, 0x00, 0);
    ck_assert_uint_eq(records[1].data_len, 0);

    ck_assert_mem_eq(helper.features, zeros, 4);
    ck_assert_uint_eq(helper.n_requests, 2);
    ck_assert_mem_eq(helper.requests[0].cdb, read_keys, 16);
    ck_assert_mem_eq(helper.requests[1].cdb, reg, 16);
    ck_assert_uint_eq(helper.requests[1].list_len, 24);
    ck_assert_mem_eq(helper.requests[1].list, reg_list, 24);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(helper.requests[i].n_fds, 1);
        ck_assert_uint_eq(helper.requests[i].fd_ino, device_ino);
        ck_assert(helper.requests[i].fd_with_cdb);
    }
    ck_assert_uint_eq(helper.n_connections, 1);
    ck_assert_uint_eq(n_states, 1);
    ck_assert_int_eq(states[0], HELPER_CONNECTED);
}
END_TEST

START_TEST(unknown_features_are_not_asked_for)
{
    static const struct fake_step script[] = {
        SEND(all_ones), { FAKE_TAKE_FEATURES, NULL, 0 }, TAKE, SEND(good), END,
    };

    START(script);
    new_client(AMPLE_MS, AMPLE_MS);
    helper.features[0] = 1;
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_status(0, 0x00, 0);
    ck_assert_mem_eq(helper.features, zeros, 4);
}
END_TEST

START_TEST(buffer_shorter_than_what_comes)
{
    START(always_keys);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(pr_client_submit(client, NULL, read_keys, NULL, 0, 10, 0), 0);
    ck_assert_int_eq(pr_client_submit(client, NULL, read_keys, NULL, 0, 0, 0), 0);
    wait_records(2);
    expect_status(0, 0x00, 0);
    ck_assert_uint_eq(records[0].data_len, 10);
    expect_status(1, 0x00, 0);
    ck_assert_uint_eq(records[1].data_len, 0);
}
END_TEST

START_TEST(buffer_longer_than_the_list)
{
    uint8_t buffer[40] = { 0 };

    START(always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(pr_client_submit(client, NULL, reg, buffer, 40, 0, 0), 0);
    memset(buffer, 0xee, sizeof(buffer)); /* it was copied */
    wait_records(1);
    expect_status(0, 0x00, 16);
    ck_assert_uint_eq(helper.requests[0].list_len, 24);
    ck_assert_uint_eq(helper.requests[0].list[0], 0);
}
END_TEST

START_TEST(status_and_sense_of_the_helper)
{
    static const struct fake_step script[] = {
        SHAKE, TAKE, SEND(conflict), TAKE, SEND(unit_attention), TAKE, SEND(no_sense), TAKE, SEND(good), END,
    };

    START(script);
    new_client(AMPLE_MS, AMPLE_MS);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(4);
    expect_status(0, 0x18, 24);
    ck_assert_uint_eq(records[1].answer.status, 0x02);
    ck_assert_uint_eq(records[1].answer.sense_len, 18);
    ck_assert_mem_eq(records[1].answer.sense, unit_attention + 8, 18);
    ck_assert_uint_eq(records[1].answer.residual, 24);
    expect_failed(2, 24);
    expect_status(3, 0x00, 0);
    ck_assert_uint_eq(helper.n_connections, 1);
}
END_TEST

START_TEST(slow_replies_are_replies)
{
    static const struct fake_step script[] = {
        { FAKE_TRICKLE, zeros, 4 }, { FAKE_TAKE_FEATURES, NULL, 0 }, TAKE, { FAKE_TRICKLE, keys, 120 }, AGAIN,
    };

    START(script);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_in(NULL), 0);
    wait_records(1);
    expect_status(0, 0x00, 8);
    ck_assert_mem_eq(records[0].data, keys + 104, 16);
}
END_TEST

/* --- faults: one command fails, the next is served --- */

static const uint8_t size_lie[128] = { [6] = 0xff, [7] = 0xff };
static const uint8_t size_with_conflict[112] = { 0, 0, 0, 0x18, 0, 0, 0, 8 };
static const uint8_t size_too_large[129] = { [7] = 25 };
static const uint8_t size_with_out[112] = { [7] = 8 };
static const uint8_t status_lie[104] = { 0, 0, 0, 4 };
static const uint8_t trailing[105];
static const uint8_t garbage[65536] = { [0 ... 65535] = 0x55 };

static const struct {
    const char *what;
    const uint8_t *bytes;
    size_t len;
    bool in_too; /* wrong for 5Eh as well */
} nonsense[] = {
    { "size of 65535", size_lie, sizeof(size_lie), true },
    { "size with RESERVATION CONFLICT", size_with_conflict, sizeof(size_with_conflict), true },
    { "size beyond the allocation length", size_too_large, sizeof(size_too_large), true },
    { "size with PERSISTENT RESERVE OUT", size_with_out, sizeof(size_with_out), false },
    { "status 04", status_lie, sizeof(status_lie), true },
    { "a trailing byte", trailing, sizeof(trailing), true },
    { "64 KiB of garbage", garbage, sizeof(garbage), true },
};

START_TEST(nonsense_costs_one_command)
{
    struct fake_step script[] = { SHAKE, TAKE, { FAKE_SEND, nonsense[_i].bytes, nonsense[_i].len }, END };

    for (int out = nonsense[_i].in_too ? 0 : 1; out < 2; out++) {
        n_records = 0;
        START(script, always_good);
        new_client(AMPLE_MS, AMPLE_MS);
        ck_assert_int_eq(out ? submit_out(NULL) : submit_in(NULL), 0);
        ck_assert_int_eq(submit_out(NULL), 0);
        wait_records(2);
        expect_failed(0, 24);
        expect_status(1, 0x00, 0);
        ck_assert_uint_eq(helper.n_connections, 2);
        ck_assert_uint_eq(helper.n_requests, 2); /* after a wrong answer not even a 5Eh is sent again */
        pr_client_free(client);
        client = NULL;
        fake_helper_stop(&helper, false);
    }
}
END_TEST

/* The connection is closed after _i bytes of the reply to a PERSISTENT RESERVE OUT: it is not sent again. */
START_TEST(out_cut_off)
{
    struct fake_step script[] = { SHAKE, TAKE, { FAKE_SEND, good, (size_t)_i }, CLOSE };

    START(script, always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_failed(0, 24);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_status(1, 0x00, 0);
    ck_assert_uint_eq(helper.n_requests, 2);
    ck_assert_uint_eq(helper.requests[1].connection, 1);
}
END_TEST

START_TEST(in_cut_off_is_asked_once_more)
{
    struct fake_step script[] = { SHAKE, TAKE, { FAKE_SEND, keys, (size_t)_i }, CLOSE };

    START(script, always_keys);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_in(NULL), 0);
    wait_records(1);
    expect_status(0, 0x00, 8);
    ck_assert_mem_eq(records[0].data, keys + 104, 16);
    ck_assert_uint_eq(helper.n_requests, 2);
}
END_TEST

START_TEST(in_cut_off_twice_fails)
{
    static const struct fake_step script[] = { SHAKE, TAKE, { FAKE_SEND, keys, 100 }, CLOSE };

    START(script, script, always_keys);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_in(NULL), 0);
    ck_assert_int_eq(submit_in(NULL), 0);
    wait_records(2);
    expect_failed(0, 24);
    expect_status(1, 0x00, 8);
    ck_assert_uint_eq(helper.n_requests, 3);
}
END_TEST

/* The helper dies after it took the CDB and before the list. The CDB has been sent, so it is not sent again. */
START_TEST(out_cut_off_before_the_list)
{
    static const struct fake_step script[] = { SHAKE, { FAKE_TAKE_CDB, NULL, 0 }, CLOSE };

    START(script, always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_failed(0, 24);
    expect_status(1, 0x00, 0);
    ck_assert_uint_eq(helper.n_requests, 2);
}
END_TEST

/* Closed after _i bytes of the features. No command was sent, so the helper counts as away. */
START_TEST(handshake_cut_off)
{
    struct fake_step script[] = { { FAKE_SEND, zeros, (size_t)_i }, CLOSE };

    START(script, always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_status(0, 0x08, 24);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_status(1, 0x00, 0);
    ck_assert_uint_eq(helper.n_requests, 1);
}
END_TEST

START_TEST(handshake_with_a_flood)
{
    static const struct fake_step script[] = { SEND(garbage), END };

    START(script, always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_status(0, 0x08, 24);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_status(1, 0x00, 0);
}
END_TEST

static const struct fake_step hangs_at_once[] = { END };
static const struct fake_step hangs_in_reply[] = { SHAKE, TAKE, { FAKE_SEND, good, 103 }, END };
static const struct fake_step hangs_after_cdb[] = { SHAKE, { FAKE_TAKE_CDB, NULL, 0 }, END };
static const struct fake_step *const hangs[] = {
    hangs_at_once, hangs_at_features, hangs_with_request, hangs_in_reply, hangs_after_cdb,
};

START_TEST(hang_costs_one_command)
{
    uint64_t begin = now_us();

    START(hangs[_i], always_good);
    /* The second command has to be served in this time too. */
    new_client(500, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    ck_assert_uint_ge(now_us() - begin, 500000);
    expect_failed(0, 24);
    wait_records(2);
    expect_status(1, 0x00, 0);
    wait_state(HELPER_CONNECTED);
}
END_TEST

/* Single bytes do not extend the deadline. */
START_TEST(deadline_is_for_the_whole_reply)
{
    static const struct fake_step script[] = {
        SHAKE,
        TAKE,
        { FAKE_TRICKLE, good, 40 },
        { FAKE_SLEEP, NULL, 300 },
        { FAKE_TRICKLE, good + 40, 40 },
        { FAKE_SLEEP, NULL, 300 },
        { FAKE_TRICKLE, good + 80, 24 },
        END,
    };
    uint64_t begin = now_us();

    START(script, always_good);
    new_client(500, AMPLE_MS);
    ck_assert_int_eq(submit_in(NULL), 0);
    wait_records(1);
    ck_assert_uint_ge(now_us() - begin, 500000);
    expect_failed(0, 24);
    ck_assert_uint_eq(helper.n_requests, 1);
}
END_TEST

/*
 * An initiator with a time-out shorter than pr_deadline gets its answer before its time-out. The next command has its
 * own deadline.
 */
START_TEST(deadline_of_a_command_is_the_initiator_s_if_that_is_less)
{
    static const struct fake_step script[] = { SHAKE, TAKE, END };
    uint64_t begin = now_us(), took;

    START(script, always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(pr_client_submit(client, NULL, read_keys, NULL, 0, 24, 60), 0);
    ck_assert_int_eq(pr_client_submit(client, NULL, reg, reg_list, 24, 0, 60000), 0);
    wait_records(1);
    took = now_us() - begin;
    ck_assert_uint_ge(took, 60000);
    ck_assert_uint_lt(took, AMPLE_MS * 1000u);
    expect_failed(0, 24);
    wait_records(2);
    expect_status(1, 0x00, 0);
}
END_TEST

START_TEST(junk_while_idle_costs_nothing)
{
    static const struct fake_step script[] = {
        SHAKE, TAKE, SEND(good), { FAKE_SLEEP, NULL, 20 }, { FAKE_SEND, conflict, 104 }, END
    };

    START(script, always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    wait_ms(60);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_status(0, 0x00, 0);
    expect_status(1, 0x00, 0); /* not the conflict that the helper sent without a request */
    ck_assert_uint_eq(helper.n_connections, 2);
}
END_TEST

static int late_case;

static void submit_and_disturb(void)
{
    static const uint8_t byte = 0x18;
    int fd = helper.connections[0].source.fd;

    on_done = NULL;
    ck_assert_int_eq(submit_out(NULL), 0);
    if (late_case == 0)
        ck_assert_int_eq(send(fd, &byte, 1, MSG_NOSIGNAL), 1);
    else
        ck_assert_int_eq(shutdown(fd, late_case == 1 ? SHUT_RDWR : SHUT_RD), 0);
}

/*
 * The helper sends junk (_i 0), closes (1), or stops reading (2), and the loop has not seen it when the next command is
 * sent.
 */
START_TEST(late_bytes_are_not_the_next_answer)
{
    START(always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    late_case = _i;
    on_done = submit_and_disturb;
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_status(0, 0x00, 0);
    expect_status(1, 0x00, 0);
    ck_assert_uint_eq(helper.n_requests, 2);
    ck_assert_uint_eq(helper.requests[1].connection, 1);
}
END_TEST

/* --- refused before they are queued --- */

/* The helper closes its socket for more than 8192 bytes; a device would answer with what it has. */
START_TEST(an_allocation_length_above_8192_is_cut_for_the_helper)
{
    static const struct {
        uint16_t asked, sent;
    } cases[] = { { 8191, 8191 }, { 8192, 8192 }, { 8193, 8192 }, { 65535, 8192 } };
    uint8_t cdb[16] = { 0x5e, [7] = (uint8_t)(cases[_i].asked >> 8), [8] = (uint8_t)cases[_i].asked };

    START(always_keys);
    new_client(0, 0);
    ck_assert_int_eq(pr_client_submit(client, &helper, cdb, NULL, 0, cases[_i].asked, 0), 0);
    wait_records(1);
    ck_assert_uint_eq(records[0].answer.status, 0x00);
    ck_assert_uint_eq(records[0].answer.residual, cases[_i].asked - records[0].data_len);
    ck_assert_uint_eq(helper.requests[0].cdb[7] << 8 | helper.requests[0].cdb[8], cases[_i].sent);
}
END_TEST

START_TEST(not_for_the_helper)
{
    static const uint8_t inquiry[16] = { 0x12, 0, 0, 0, 36, 0 };
    static const uint8_t out_64k[16] = { 0x5f, 0, 0, 0, 0, 0, 1, 0, 0x18, 0 };

    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(pr_client_submit(client, NULL, inquiry, NULL, 0, 36, 0), -EINVAL);
    ck_assert_int_eq(pr_client_submit(client, NULL, out_64k, reg_list, 24, 0, 0), -EINVAL);
    ck_assert_int_eq(pr_client_submit(client, NULL, reg, reg_list, 23, 0, 0), -EINVAL);
    ck_assert_int_eq(pr_client_submit(client, NULL, reg, NULL, 24, 0, 0), -EINVAL);
    ck_assert_uint_eq(pr_client_pending(client), 0);
}
END_TEST

START_TEST(bad_configuration)
{
    char long_path[200];
    struct pr_client_config config = {
        .socket_path = long_path, .connect = connect_helper, .done = done, .device_fd = 0
    };

    memset(long_path, 'x', sizeof(long_path));
    long_path[108] = 0;
    ck_assert_int_eq(pr_client_new(loop, &config, &client), -ENAMETOOLONG);
    config.socket_path = NULL;
    config.device_fd = -1;
    ck_assert_int_eq(pr_client_new(loop, &config, &client), -EINVAL);
    config.device_fd = 0;
    config.done = NULL;
    ck_assert_int_eq(pr_client_new(loop, &config, &client), -EINVAL);
    config.done = done;
    config.connect = NULL;
    ck_assert_int_eq(pr_client_new(loop, &config, &client), -EINVAL);
    ck_assert_ptr_null(client);
    pr_client_free(NULL);
}
END_TEST

START_TEST(no_memory)
{
    struct pr_client_config config = { .socket_path = path, .connect = connect_helper, .done = done, .device_fd = 0 };

    calloc_fails_after = 0;
    ck_assert_int_eq(pr_client_new(loop, &config, &client), -ENOMEM);
    START(always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    calloc_fails_after = 0;
    ck_assert_int_eq(submit_out(NULL), -ENOMEM);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_status(0, 0x00, 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, an_allocation_length_above_8192_is_cut_for_the_helper, 0, 4);
    tcase_add_test(t, in_and_out);
    tcase_add_test(t, unknown_features_are_not_asked_for);
    tcase_add_test(t, buffer_shorter_than_what_comes);
    tcase_add_test(t, buffer_longer_than_the_list);
    tcase_add_test(t, status_and_sense_of_the_helper);
    tcase_add_test(t, slow_replies_are_replies);
    tcase_add_loop_test(t, nonsense_costs_one_command, 0, ARRAY_SIZE(nonsense));
    tcase_add_loop_test(t, out_cut_off, 0, sizeof(good));
    tcase_add_loop_test(t, in_cut_off_is_asked_once_more, 0, sizeof(keys));
    tcase_add_test(t, in_cut_off_twice_fails);
    tcase_add_test(t, out_cut_off_before_the_list);
    tcase_add_loop_test(t, handshake_cut_off, 0, 4);
    tcase_add_test(t, handshake_with_a_flood);
    tcase_add_loop_test(t, hang_costs_one_command, 0, ARRAY_SIZE(hangs));
    tcase_add_test(t, deadline_is_for_the_whole_reply);
    tcase_add_test(t, deadline_of_a_command_is_the_initiator_s_if_that_is_less);
    tcase_add_test(t, junk_while_idle_costs_nothing);
    tcase_add_loop_test(t, late_bytes_are_not_the_next_answer, 0, 3);
    tcase_add_test(t, not_for_the_helper);
    tcase_add_test(t, bad_configuration);
    tcase_add_test(t, no_memory);
}

int main(void)
{
    return run_client_tests("pr-client", add_tests);
}
