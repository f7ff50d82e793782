// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PR helper's client against a scripted helper on a real Unix socket: a fault
 * affects only the command that it hits. Long because the scripts of the faults are its data.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/loop.h"
#include "common/util.h"
#include "fake-pr-helper.h"
#include "pr/client.h"
#include "pr/connect.h"

static const uint8_t read_keys[16] = { 0x5e, 0x00, 0, 0, 0, 0, 0, 0x00, 0x18, 0 }; /* allocation 24 */
static const uint8_t reg[16] = { 0x5f, 0x06, 0, 0, 0, 0, 0, 0x00, 0x18, 0 };       /* list of 24 */
static const uint8_t reg_list[24] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xca, 0xfe };

static const uint8_t zeros[4];
static const uint8_t all_ones[4] = { 0xff, 0xff, 0xff, 0xff };
static const uint8_t good[104];
static const uint8_t conflict[104] = { 0, 0, 0, 0x18 };
static const uint8_t keys[120] = { [7] = 16, [107] = 7, [111] = 8, [118] = 0xbe, 0xef };
static const uint8_t unit_attention[104] = {
    0, 0, 0, 2, 0, 0, 0, 0, 0x70, 0, 6, 0, 0, 0, 0, 10, [20] = 0x2a, 3,
};
static const uint8_t no_sense[104] = { 0, 0, 0, 2 };

#define SHAKE \
    { FAKE_SEND, zeros, 4 }, \
    { \
        FAKE_TAKE_FEATURES, NULL, 0 \
    }
#define TAKE \
    { \
        FAKE_TAKE_REQUEST, NULL, 0 \
    }
#define SEND(bytes) \
    { \
        FAKE_SEND, bytes, sizeof(bytes) \
    }
#define CLOSE \
    { \
        FAKE_CLOSE, NULL, 0 \
    }
#define AGAIN \
    { \
        FAKE_AGAIN, NULL, 0 \
    }
#define END \
    { \
        FAKE_END, NULL, 0 \
    }

/* Helpers that always do the same. */
static const struct fake_step always_good[] = { SHAKE, TAKE, SEND(good), AGAIN };
static const struct fake_step always_keys[] = { SHAKE, TAKE, SEND(keys), AGAIN };

/* --- what the client said --- */

#define RECORDS 40 /* more than PR_QUEUE_MAX */
static struct record {
    void *token;
    struct scsi_answer answer;
    uint8_t data[64];
    uint32_t data_len;
} records[RECORDS];
static unsigned n_records;
static enum worker_helper_state states[16];
static unsigned n_states;
static bool submitting;
static void (*on_done)(void);

static char dir[64], path[80];
static struct loop *loop;
static struct fake_helper helper;
static struct pr_client *client;
static ino_t device_ino;

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

static void done(void *ctx, void *token, const struct scsi_answer *answer, const uint8_t *data, uint32_t len)
{
    struct record *r = &records[n_records];

    ck_assert(!submitting);
    ck_assert_ptr_eq(ctx, &records);
    ck_assert_uint_lt(n_records, RECORDS);
    ck_assert_uint_le(len, sizeof(r->data));
    r->token = token;
    r->answer = *answer;
    r->data_len = len;
    if (len)
        memcpy(r->data, data, len);
    n_records++;
    if (on_done)
        on_done();
}

static void state_changed(void *ctx, enum worker_helper_state state)
{
    ck_assert_ptr_eq(ctx, &records);
    ck_assert_int_eq(state, pr_client_state(client));
    if (n_states < ARRAY_SIZE(states))
        states[n_states++] = state;
}

/* How connect() is answered. */
static enum {
    ANSWER_AT_ONCE,
    ANSWER_LATER, /* the test does it */
} answers;
static unsigned asked;

static void connect_helper(void *ctx)
{
    ck_assert_ptr_eq(ctx, &records);
    asked++;
    if (answers == ANSWER_AT_ONCE)
        pr_client_connected(client, pr_connect(path));
}

static void set_up(void)
{
    n_records = n_states = asked = 0;
    answers = ANSWER_AT_ONCE;
    on_done = NULL;
    calloc_fails_after = -1;
    strcpy(dir, "/tmp/check_pr_client.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sock", dir);
    ck_assert_int_eq(loop_new(&loop), 0);
    /* A write to a closed socket must not kill: the default action stays in force. */
    signal(SIGPIPE, SIG_DFL);
}

static void tear_down(void)
{
    pr_client_free(client);
    client = NULL;
    fake_helper_stop(&helper, false);
    loop_free(loop);
    unlink(path);
    rmdir(dir);
}

/* A time that never passes in a test, however slow the machine is. */
#define AMPLE_MS 100000

static void new_client(uint32_t deadline_ms, uint32_t away_busy_ms)
{
    struct pr_client_config config = {
        .socket_path = path,
        .deadline_ms = deadline_ms,
        .away_busy_ms = away_busy_ms,
        .prefix = "d1.0",
        .connect = connect_helper,
        .done = done,
        .state_changed = state_changed,
        .ctx = &records,
    };
    char name[96];
    struct stat st;

    snprintf(name, sizeof(name), "%s/device", dir);
    config.device_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(config.device_fd, 0);
    ck_assert_int_eq(fstat(config.device_fd, &st), 0);
    device_ino = st.st_ino;
    unlink(name);
    ck_assert_int_eq(pr_client_new(loop, &config, &client), 0);
}

static void start(const struct fake_step *const *scripts, unsigned n)
{
    fake_helper_start(&helper, loop, path, scripts, n);
}
#define START(...) \
    start((const struct fake_step *const[]){ __VA_ARGS__ }, \
          ARRAY_SIZE(((const struct fake_step *const[]){ __VA_ARGS__ })))

static int submit_in(void *token)
{
    int r;

    submitting = true;
    r = pr_client_submit(client, token, read_keys, NULL, 0, 24, 0);
    submitting = false;
    return r;
}

static int submit_out(void *token)
{
    int r;

    submitting = true;
    r = pr_client_submit(client, token, reg, reg_list, 24, 0, 0);
    submitting = false;
    return r;
}

/* Runs the loop until n commands have ended, or a limit is reached. */
static void wait_records(unsigned n)
{
    uint64_t end = now_us() + 60000000;

    while (n_records < n) {
        ck_assert_msg(now_us() < end, "%u of %u ended", n_records, n);
        ck_assert_int_eq(loop_once(loop, 100), 0);
    }
}

static void wait_ms(unsigned ms)
{
    uint64_t end = now_us() + ms * 1000;

    for (unsigned rounds = 0; rounds < 20 || now_us() < end; rounds++)
        ck_assert_int_eq(loop_once(loop, 1), 0);
}

static void wait_requests(unsigned n)
{
    uint64_t end = now_us() + 60000000;

    while (helper.n_requests < n) {
        ck_assert_msg(now_us() < end, "%u of %u came", helper.n_requests, n);
        ck_assert_int_eq(loop_once(loop, 10), 0);
    }
}

static void wait_connections(unsigned n)
{
    uint64_t end = now_us() + 60000000;

    while (helper.n_connections < n) {
        ck_assert_msg(now_us() < end, "%u of %u came", helper.n_connections, n);
        ck_assert_int_eq(loop_once(loop, 10), 0);
    }
}

static void wait_state(enum worker_helper_state state)
{
    uint64_t end = now_us() + 60000000;

    while (pr_client_state(client) != state) {
        ck_assert(now_us() < end);
        ck_assert_int_eq(loop_once(loop, 100), 0);
    }
}

static void expect_failed(unsigned i, uint32_t residual)
{
    static const uint8_t sense[18] = { 0x70, 0, 0x0b, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x08, 0, 0, 0, 0, 0 };

    ck_assert_uint_eq(records[i].answer.status, 0x02);
    ck_assert_uint_eq(records[i].answer.host, 0);
    ck_assert_uint_eq(records[i].answer.sense_len, 18);
    ck_assert_mem_eq(records[i].answer.sense, sense, 18);
    ck_assert_uint_eq(records[i].answer.residual, residual);
    ck_assert_uint_eq(records[i].data_len, 0);
}

static void expect_status(unsigned i, uint8_t status, uint32_t residual)
{
    ck_assert_msg(records[i].answer.status == status, "%u: status %02x, not %02x", i, records[i].answer.status, status);
    ck_assert_uint_eq(records[i].answer.host, 0);
    ck_assert_uint_eq(records[i].answer.sense_len, 0);
    ck_assert_uint_eq(records[i].answer.residual, residual);
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
static const struct fake_step hangs_at_features[] = { { FAKE_SEND, zeros, 3 }, END };
static const struct fake_step hangs_with_request[] = { SHAKE, TAKE, END };
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

/* An initiator with a time-out shorter than pr_deadline gets its answer before its time-out. The next command has its own deadline. */
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

/* The helper sends junk (_i 0), closes (1), or stops reading (2), and the loop has not seen it when the next command is sent. */
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
    /* An initiator that repeats at once is slowed down: BUSY is not given more often than the client tries to connect. */
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

int main(void)
{
    Suite *s = suite_create("pr-client");
    TCase *t = tcase_create("all");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, set_up, tear_down);
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
    tcase_add_loop_test(t, busy_then_failed_then_back, 0, 3);
    tcase_add_test(t, back_by_itself);
    tcase_add_loop_test(t, restart_while_idle, 0, 2);
    tcase_add_test(t, restart_under_load);
    tcase_add_test(t, crash_loop_is_tried_with_back_off);
    tcase_add_test(t, back_off_starts_again_after_an_answer);
    tcase_add_test(t, one_at_a_time_in_order);
    tcase_add_test(t, queue_has_a_bound);
    tcase_add_test(t, cancel_one);
    tcase_add_test(t, cancel_during_the_handshake);
    tcase_add_test(t, cancel_all);
    tcase_add_loop_test(t, free_with_commands_pending, 0, 2);
    tcase_add_loop_test(t, free_from_the_callback, 0, ARRAY_SIZE(endings));
    tcase_add_loop_test(t, cancel_all_from_the_callback, 0, ARRAY_SIZE(endings));
    tcase_add_loop_test(t, submit_from_the_callback, 0, 2);
    tcase_add_test(t, not_for_the_helper);
    tcase_add_test(t, bad_configuration);
    tcase_add_test(t, a_connection_may_come_later);
    tcase_add_test(t, a_refused_connection_may_come_later);
    tcase_add_test(t, a_socket_without_listener_is_a_helper_that_is_away);
    tcase_add_test(t, a_connection_that_does_not_come_costs_the_deadline);
    tcase_add_test(t, no_memory);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
