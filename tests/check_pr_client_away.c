// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PR helper's client while its helper is away, restarts or dies again and again, and when the control process
 * connects late.
 */
#include "config.h"

#include "pr-client-fixture.h"

/* --- away and back --- */

static void stale_socket_file(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(addr.sun_path, path, strlen(path) + 1);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    close(fd);
}

/* _i 0: no socket; 1: one that nobody listens to; 2: not a socket. */
START_TEST(busy_then_failed_then_back)
{
    uint64_t away = 0; /* not before the client has found the helper away */

    if (_i == 1)
        stale_socket_file();
    if (_i == 2)
        close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    new_client(AMPLE_MS, 3000);
    /*
     * An initiator that repeats at once is slowed down: BUSY is not given more often than the client tries to connect.
     */
    for (unsigned n = 0; n < 3; n++) {
        ck_assert_int_eq(submit_out(NULL), 0);
        wait_records(n + 1);
        expect_status(n, 0x08, 24);
        ck_assert_uint_ge(asked, n_records);
        if (!away)
            away = now_us();
    }
    ck_assert_int_eq(pr_client_state(client), HELPER_AWAY);
    while (now_us() < away + 3020000)
        loop_once(loop, 5);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(i == 1 ? submit_in(NULL) : submit_out(NULL), 0);
        wait_records(3 + i + 1);
        expect_failed(3 + i, 24);
    }
    n_records = 0;

    START(always_good);
    wait_state(HELPER_CONNECTED);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_status(0, 0x00, 0);
    ck_assert_int_eq(pr_client_state(client), HELPER_CONNECTED);
    ck_assert_uint_eq(n_states, 2);
    ck_assert_int_eq(states[0], HELPER_AWAY);
    ck_assert_int_eq(states[1], HELPER_CONNECTED);
}
END_TEST

/* The client connects again even without a command, so that the status that is shown is true. */
START_TEST(back_by_itself)
{
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_status(0, 0x08, 24);
    START(always_good);
    wait_state(HELPER_CONNECTED);
    ck_assert_uint_eq(helper.n_requests, 0);
}
END_TEST

/* Restarted while no command needs it: no command fails. _i 1: its socket file stayed. */
START_TEST(restart_while_idle)
{
    START(always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    fake_helper_stop(&helper, _i == 1);
    wait_state(HELPER_AWAY);
    START(always_good);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_status(1, 0x00, 0);
    ck_assert_uint_eq(helper.n_requests, 1);
}
END_TEST

/* Restarted under a command: a PERSISTENT RESERVE OUT fails, the queued one behind it waits and is served. */
START_TEST(restart_under_load)
{
    START(hangs_with_request);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_requests(1);
    fake_helper_stop(&helper, false);
    START(always_good);
    wait_records(2);
    expect_failed(0, 24);
    expect_status(1, 0x00, 0);
    ck_assert_uint_eq(helper.n_requests, 1);
}
END_TEST

/* A helper that accepts and dies at once must not make the client spin. */
START_TEST(crash_loop_is_tried_with_back_off)
{
    static const struct fake_step script[] = { SHAKE, CLOSE };
    uint64_t begin = now_us();

    START(script);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_failed(0, 24);
    wait_connections(5);
    /* After pauses of 20, 40, 80 and 160 ms. */
    ck_assert_uint_ge(now_us() - begin, 300000);
}
END_TEST

/* ... and after a good answer the next attempt comes at once again. */
START_TEST(back_off_starts_again_after_an_answer)
{
    static const struct fake_step dies[] = { SHAKE, CLOSE };
    static const struct fake_step dies_later[] = { SHAKE, TAKE, SEND(good), { FAKE_SLEEP, NULL, 10 }, CLOSE };
    uint64_t begin;

    START(dies, dies, dies, dies, dies, dies, dies, dies, dies_later, always_good);
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    wait_connections(9);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_status(1, 0x00, 0);
    begin = now_us();
    wait_state(HELPER_AWAY);
    wait_state(HELPER_CONNECTED);
    ck_assert_uint_eq(helper.n_connections, 10);
    /* 20 ms, where the next pause would be of 5 s */
    ck_assert_uint_lt(now_us() - begin, 4000000);
}
END_TEST

/* --- a connection that comes late --- */

/* The control process makes the connection, and its answer takes a round of the loop or more. */
START_TEST(a_connection_may_come_later)
{
    START(always_good);
    answers = ANSWER_LATER;
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(loop_once(loop, 10), 0);
    ck_assert_uint_eq(asked, 1);
    ck_assert_uint_eq(pr_client_pending(client), 1);
    ck_assert_int_eq(pr_client_state(client), HELPER_IDLE);
    pr_client_connected(client, pr_connect(path));
    wait_records(1);
    expect_status(0, 0x00, 0);
    ck_assert_uint_eq(asked, 1);
}
END_TEST

START_TEST(a_refused_connection_may_come_later)
{
    answers = ANSWER_LATER;
    new_client(AMPLE_MS, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    ck_assert_int_eq(loop_once(loop, 10), 0);
    pr_client_connected(client, -ECONNREFUSED);
    wait_records(1);
    expect_status(0, 0x08, 24);
    ck_assert_int_eq(pr_client_state(client), HELPER_AWAY);
}
END_TEST

/* A helper that was killed leaves its socket. pr = auto must not take this for a host without a helper. */
START_TEST(a_socket_without_listener_is_a_helper_that_is_away)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.left", path);
    ck_assert(!pr_socket_is_there(addr.sun_path));
    ck_assert_int_eq(pr_connect(addr.sun_path), -ENOENT);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    close(fd);
    ck_assert(pr_socket_is_there(addr.sun_path));
    ck_assert_int_eq(pr_connect(addr.sun_path), -ECONNREFUSED);
    unlink(addr.sun_path);
    /* What is no socket is no helper. */
    fd = open(addr.sun_path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert(!pr_socket_is_there(addr.sun_path));
    unlink(addr.sun_path);
}
END_TEST

START_TEST(a_connection_that_does_not_come_costs_the_deadline)
{
    int fd;

    START(always_good);
    answers = ANSWER_LATER;
    /* The second command has to be served in this time too. */
    new_client(500, AMPLE_MS);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(1);
    expect_status(0, 0x08, 24);
    ck_assert_int_eq(pr_client_state(client), HELPER_AWAY);
    /* It asks again by itself, and takes what it gets only once. */
    while (asked < 2)
        ck_assert_int_eq(loop_once(loop, 50), 0);
    pr_client_connected(client, pr_connect(path));
    fd = pr_connect(path);
    ck_assert_int_ge(fd, 0);
    pr_client_connected(client, fd);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_int_eq(submit_out(NULL), 0);
    wait_records(2);
    expect_status(1, 0x00, 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, busy_then_failed_then_back, 0, 3);
    tcase_add_test(t, back_by_itself);
    tcase_add_loop_test(t, restart_while_idle, 0, 2);
    tcase_add_test(t, restart_under_load);
    tcase_add_test(t, crash_loop_is_tried_with_back_off);
    tcase_add_test(t, back_off_starts_again_after_an_answer);
    tcase_add_test(t, a_connection_may_come_later);
    tcase_add_test(t, a_refused_connection_may_come_later);
    tcase_add_test(t, a_socket_without_listener_is_a_helper_that_is_away);
    tcase_add_test(t, a_connection_that_does_not_come_costs_the_deadline);
}

int main(void)
{
    return run_client_tests("pr-client-away", add_tests);
}
