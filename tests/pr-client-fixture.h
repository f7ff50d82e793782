/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PR helper's client and a scripted helper, with a real Unix socket between them: scripts that several tests use,
 * what the client said, and the waits for it. Included by one .c file of a program.
 */
#ifndef PVSCSI_TESTS_PR_CLIENT_FIXTURE_H
#define PVSCSI_TESTS_PR_CLIENT_FIXTURE_H

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
#include "suite.h"

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

/* Helpers that always do the same, or hang. */
static const struct fake_step always_good[] = { SHAKE, TAKE, SEND(good), AGAIN };
static const struct fake_step always_keys[] = { SHAKE, TAKE, SEND(keys), AGAIN };
static const struct fake_step hangs_at_features[] = { { FAKE_SEND, zeros, 3 }, END };
static const struct fake_step hangs_with_request[] = { SHAKE, TAKE, END };

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

static UNUSED void done(void *ctx, void *token, const struct scsi_answer *answer, const uint8_t *data, uint32_t len)
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

static UNUSED void state_changed(void *ctx, enum worker_helper_state state)
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

static UNUSED void connect_helper(void *ctx)
{
    ck_assert_ptr_eq(ctx, &records);
    asked++;
    if (answers == ANSWER_AT_ONCE)
        pr_client_connected(client, pr_connect(path));
}

static UNUSED void set_up(void)
{
    n_records = n_states = asked = 0;
    answers = ANSWER_AT_ONCE;
    on_done = NULL;
    strcpy(dir, "/tmp/check_pr_client.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sock", dir);
    ck_assert_int_eq(loop_new(&loop), 0);
    /* A write to a closed socket must not kill: the default action stays in force. */
    signal(SIGPIPE, SIG_DFL);
}

static UNUSED void tear_down(void)
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

static UNUSED void new_client(uint32_t deadline_ms, uint32_t away_busy_ms)
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

static UNUSED void start(const struct fake_step *const *scripts, unsigned n)
{
    fake_helper_start(&helper, loop, path, scripts, n);
}
#define START(...) \
    start((const struct fake_step *const[]){ __VA_ARGS__ }, \
          ARRAY_SIZE(((const struct fake_step *const[]){ __VA_ARGS__ })))

static UNUSED int submit_in(void *token)
{
    int r;

    submitting = true;
    r = pr_client_submit(client, token, read_keys, NULL, 0, 24, 0);
    submitting = false;
    return r;
}

static UNUSED int submit_out(void *token)
{
    int r;

    submitting = true;
    r = pr_client_submit(client, token, reg, reg_list, 24, 0, 0);
    submitting = false;
    return r;
}

/* Runs the loop until n commands have ended, or a limit is reached. */
static UNUSED void wait_records(unsigned n)
{
    uint64_t end = now_us() + 60000000;

    while (n_records < n) {
        ck_assert_msg(now_us() < end, "%u of %u ended", n_records, n);
        ck_assert_int_eq(loop_once(loop, 100), 0);
    }
}

static UNUSED void wait_ms(unsigned ms)
{
    uint64_t end = now_us() + ms * 1000;

    for (unsigned rounds = 0; rounds < 20 || now_us() < end; rounds++)
        ck_assert_int_eq(loop_once(loop, 1), 0);
}

static UNUSED void wait_requests(unsigned n)
{
    uint64_t end = now_us() + 60000000;

    while (helper.n_requests < n) {
        ck_assert_msg(now_us() < end, "%u of %u came", helper.n_requests, n);
        ck_assert_int_eq(loop_once(loop, 10), 0);
    }
}

static UNUSED void wait_connections(unsigned n)
{
    uint64_t end = now_us() + 60000000;

    while (helper.n_connections < n) {
        ck_assert_msg(now_us() < end, "%u of %u came", helper.n_connections, n);
        ck_assert_int_eq(loop_once(loop, 10), 0);
    }
}

static UNUSED void wait_state(enum worker_helper_state state)
{
    uint64_t end = now_us() + 60000000;

    while (pr_client_state(client) != state) {
        ck_assert(now_us() < end);
        ck_assert_int_eq(loop_once(loop, 100), 0);
    }
}

static UNUSED void expect_failed(unsigned i, uint32_t residual)
{
    static const uint8_t sense[18] = { 0x70, 0, 0x0b, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x08, 0, 0, 0, 0, 0 };

    ck_assert_uint_eq(records[i].answer.status, 0x02);
    ck_assert_uint_eq(records[i].answer.host, 0);
    ck_assert_uint_eq(records[i].answer.sense_len, 18);
    ck_assert_mem_eq(records[i].answer.sense, sense, 18);
    ck_assert_uint_eq(records[i].answer.residual, residual);
    ck_assert_uint_eq(records[i].data_len, 0);
}

static UNUSED void expect_status(unsigned i, uint8_t status, uint32_t residual)
{
    ck_assert_msg(records[i].answer.status == status, "%u: status %02x, not %02x", i, records[i].answer.status, status);
    ck_assert_uint_eq(records[i].answer.host, 0);
    ck_assert_uint_eq(records[i].answer.sense_len, 0);
    ck_assert_uint_eq(records[i].answer.residual, residual);
}

/* Runs the tests that add() adds, each in a process of its own. The program's exit status. */
static UNUSED int run_client_tests(const char *name, void (*add)(TCase *t))
{
    return run_tests(name, set_up, tear_down, add);
}

#endif
