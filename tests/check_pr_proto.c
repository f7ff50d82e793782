// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PR helper protocol machine: every reply, valid or not, is fed whole, byte by
 * byte, and split in two at every place. All bytes are literals.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"
#include "pr/proto.h"
#include "suite.h"

static const uint8_t read_keys[16] = { 0x5e, 0x00, 0, 0, 0, 0, 0, 0x00, 0x18, 0 }; /* allocation 24 */
static const uint8_t reg[16] = { 0x5f, 0x00, 0, 0, 0, 0, 0, 0x00, 0x18, 0 };       /* list of 24 */
static const uint8_t reg_list[24] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xca, 0xfe };

/* Takes all output; checks it against bytes. */
static void expect_output(struct pr_proto *p, const uint8_t *bytes, uint32_t n, bool fd)
{
    const uint8_t *out;
    bool with_fd;

    ck_assert_uint_eq(pr_proto_output(p, &out, &with_fd), n);
    if (n)
        ck_assert_mem_eq(out, bytes, n);
    ck_assert_int_eq(with_fd, fd);
    pr_proto_sent(p, n);
}

static void shake(struct pr_proto *p)
{
    static const uint8_t none[4] = { 0, 0, 0, 0 };

    pr_proto_init(p);
    ck_assert_int_eq(pr_proto_input(p, none, 4), PR_HANDSHAKEN);
    expect_output(p, none, 4, false);
}

static void ask(struct pr_proto *p, bool out)
{
    shake(p);
    if (out) {
        ck_assert(pr_proto_start(p, reg, reg_list, 24));
        expect_output(p, reg, 16, true);
        expect_output(p, reg_list, 24, false);
    } else {
        ck_assert(pr_proto_start(p, read_keys, NULL, 0));
        expect_output(p, read_keys, 16, true);
    }
    expect_output(p, NULL, 0, false);
}

static const uint8_t features[][4] = { { 0, 0, 0, 0 }, { 0, 0, 0, 1 }, { 0xff, 0xff, 0xff, 0xff }, "HTTP" };

/* The protocol allows the helper to offer features that the client does not use. The client uses none. */
START_TEST(handshake_asks_for_nothing)
{
    static const uint8_t none[4] = { 0, 0, 0, 0 };
    struct pr_proto p;

    pr_proto_init(&p);
    expect_output(&p, NULL, 0, false);
    ck_assert(!pr_proto_start(&p, read_keys, NULL, 0));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pr_proto_input(&p, &features[_i][i], 1), PR_MORE);
    ck_assert_int_eq(pr_proto_input(&p, &features[_i][3], 1), PR_HANDSHAKEN);
    ck_assert(!pr_proto_start(&p, read_keys, NULL, 0)); /* our answer comes first */
    expect_output(&p, none, 4, false);
    ck_assert(pr_proto_start(&p, read_keys, NULL, 0));
}
END_TEST

START_TEST(more_than_features)
{
    static const uint8_t five[5] = { 0, 0, 0, 0, 0 };
    struct pr_proto p;

    pr_proto_init(&p);
    ck_assert_int_eq(pr_proto_input(&p, five, 5), PR_BROKEN);
    ck_assert_ptr_nonnull(p.error);
    expect_output(&p, NULL, 0, false);
    ck_assert_int_eq(pr_proto_input(&p, five, 1), PR_BROKEN);
    ck_assert(!pr_proto_start(&p, read_keys, NULL, 0));
}
END_TEST

START_TEST(bytes_while_idle)
{
    struct pr_proto p;

    shake(&p);
    ck_assert_int_eq(pr_proto_input(&p, reg, 1), PR_BROKEN);
}
END_TEST

START_TEST(request_is_cut_to_ten_bytes)
{
    static const uint8_t cdb[16] = {
        0x5e, 3, 0, 0, 0, 0, 0, 0x20, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
    };
    static const uint8_t sent[16] = { 0x5e, 3, 0, 0, 0, 0, 0, 0x20, 0, 0x11, 0, 0, 0, 0, 0, 0 };
    struct pr_proto p;

    shake(&p);
    ck_assert(pr_proto_start(&p, cdb, NULL, 0));
    expect_output(&p, sent, 16, true);
}
END_TEST

START_TEST(descriptor_goes_with_the_first_byte_only)
{
    const uint8_t *out;
    struct pr_proto p;
    bool with_fd;

    shake(&p);
    ck_assert(pr_proto_start(&p, reg, reg_list, 24));
    ck_assert(!pr_proto_request_left(&p));
    for (uint32_t i = 0; i < 40; i++) {
        ck_assert_uint_eq(pr_proto_output(&p, &out, &with_fd), i < 16 ? 16 - i : 40 - i);
        ck_assert_int_eq(with_fd, i == 0);
        ck_assert_uint_eq(out[0], i < 16 ? reg[i] : reg_list[i - 16]);
        pr_proto_sent(&p, 1);
        ck_assert(pr_proto_request_left(&p));
    }
    expect_output(&p, NULL, 0, false);
}
END_TEST

/* Bytes that arrive before the whole list was sent cannot be the answer to it. */
START_TEST(reply_before_the_request)
{
    static const uint8_t reply[104] = { 0 };
    struct pr_proto p;

    shake(&p);
    ck_assert(pr_proto_start(&p, reg, reg_list, 24));
    pr_proto_sent(&p, 39);
    ck_assert_int_eq(pr_proto_input(&p, reply, 104), PR_BROKEN);
}
END_TEST

static const struct {
    uint8_t cdb[16];
    const uint8_t *list;
    uint32_t list_len;
} not_ours[] = {
    { { 0x28, 0, 0, 0, 0, 0, 0, 0, 8, 0 }, NULL, 0 },
    { { 0x5e, 0, 0, 0, 0, 0, 0, 0x20, 0x01, 0 }, NULL, 0 },   /* 8193 */
    { { 0x5e, 0, 0, 0, 0, 0, 0, 0, 0x18, 0 }, reg_list, 24 }, /* a list with 5Eh */
    { { 0x5f, 0, 0, 0, 0, 0, 0, 0, 0x18, 0 }, reg_list, 23 },
    { { 0x5f, 0, 0, 0, 0, 0, 0, 0, 0x18, 0 }, NULL, 24 },
    { { 0x5f, 0, 0, 0, 0, 0, 1, 0, 0x18, 0 }, reg_list, 24 }, /* byte 6 */
    { { 0x5f, 0, 0, 0, 0, 1, 0, 0, 0x18, 0 }, reg_list, 24 }, /* byte 5 */
    { { 0x5f, 0, 0, 0, 0, 0, 0, 0x20, 0x01, 0 }, reg_list, 8193 },
};

START_TEST(refuses_what_is_not_for_the_helper)
{
    struct pr_proto p;

    shake(&p);
    ck_assert(!pr_proto_start(&p, not_ours[_i].cdb, not_ours[_i].list, not_ours[_i].list_len));
    ck_assert_int_eq(p.state, PR_STATE_READY);
}
END_TEST

START_TEST(one_at_a_time)
{
    struct pr_proto p;

    ask(&p, false);
    ck_assert(!pr_proto_start(&p, read_keys, NULL, 0));
}
END_TEST

/* Replies. The sense area is 96 bytes: HEAD gives status and size, the rest is zero unless said. */
#define HEAD(s3, s2, s1, s0, z3, z2, z1, z0) s3, s2, s1, s0, z3, z2, z1, z0
struct reply_case {
    const char *what;
    bool out;
    uint32_t len; /* bytes of the reply */
    uint8_t bytes[136];
    enum pr_event end; /* after the last byte */
    uint8_t status, sense_len;
    uint32_t data_len;
};
static const struct reply_case replies[] = {
    { "IN GOOD, no data", false, 104, { HEAD(0, 0, 0, 0, 0, 0, 0, 0) }, PR_REPLIED, 0, 0, 0 },
    { "IN GOOD, 8 bytes",
      false,
      112,
      { HEAD(0, 0, 0, 0, 0, 0, 0, 8), [104] = 0, 0, 0, 7, 0, 0, 0, 0 },
      PR_REPLIED,
      0,
      0,
      8 },
    { "IN GOOD, all 24 bytes",
      false,
      128,
      { HEAD(0, 0, 0, 0, 0, 0, 0, 24), [107] = 7, [111] = 16, [126] = 0xca, 0xfe },
      PR_REPLIED,
      0,
      0,
      24 },
    { "OUT GOOD", true, 104, { HEAD(0, 0, 0, 0, 0, 0, 0, 0) }, PR_REPLIED, 0, 0, 0 },
    { "OUT RESERVATION CONFLICT", true, 104, { HEAD(0, 0, 0, 0x18, 0, 0, 0, 0) }, PR_REPLIED, 0x18, 0, 0 },
    { "IN RESERVATION CONFLICT", false, 104, { HEAD(0, 0, 0, 0x18, 0, 0, 0, 0) }, PR_REPLIED, 0x18, 0, 0 },
    { "OUT BUSY", true, 104, { HEAD(0, 0, 0, 0x08, 0, 0, 0, 0) }, PR_REPLIED, 0x08, 0, 0 },
    { "OUT TASK SET FULL", true, 104, { HEAD(0, 0, 0, 0x28, 0, 0, 0, 0) }, PR_REPLIED, 0x28, 0, 0 },
    { "OUT ACA ACTIVE", true, 104, { HEAD(0, 0, 0, 0x30, 0, 0, 0, 0) }, PR_REPLIED, 0x30, 0, 0 },
    { "OUT TASK ABORTED", true, 104, { HEAD(0, 0, 0, 0x40, 0, 0, 0, 0) }, PR_REPLIED, 0x40, 0, 0 },
    { "CHECK CONDITION, fixed format",
      true,
      104,
      { HEAD(0, 0, 0, 2, 0, 0, 0, 0), 0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x2a, 3 },
      PR_REPLIED,
      2,
      18,
      0 },
    { "CHECK CONDITION, deferred",
      false,
      104,
      { HEAD(0, 0, 0, 2, 0, 0, 0, 0), 0x71, 0, 3, 0, 0, 0, 0, 24 },
      PR_REPLIED,
      2,
      32,
      0 },
    { "CHECK CONDITION, descriptor format",
      true,
      104,
      { HEAD(0, 0, 0, 2, 0, 0, 0, 0), 0x72, 5, 0x26, 0, 0, 0, 0, 0 },
      PR_REPLIED,
      2,
      8,
      0 },
    { "CHECK CONDITION, sense with VALID",
      true,
      104,
      { HEAD(0, 0, 0, 2, 0, 0, 0, 0), 0xf0, 0, 5, 0, 0, 0, 0, 10 },
      PR_REPLIED,
      2,
      18,
      0 },
    { "CHECK CONDITION, sense longer than its room",
      true,
      104,
      { HEAD(0, 0, 0, 2, 0, 0, 0, 0), 0x70, 0, 5, 0, 0, 0, 0, 255 },
      PR_REPLIED,
      2,
      96,
      0 },
    { "CHECK CONDITION, no sense", true, 104, { HEAD(0, 0, 0, 2, 0, 0, 0, 0) }, PR_REPLIED, 2, 0, 0 },
    { "CHECK CONDITION, unknown format",
      true,
      104,
      { HEAD(0, 0, 0, 2, 0, 0, 0, 0), 0x7f, 0, 5, 0, 0, 0, 0, 10 },
      PR_REPLIED,
      2,
      0,
      0 },
    { "sense with GOOD does not count",
      true,
      104,
      { HEAD(0, 0, 0, 0, 0, 0, 0, 0), 0x70, 0, 5, 0, 0, 0, 0, 10 },
      PR_REPLIED,
      0,
      0,
      0 },

    { "IN, a byte more than allocated", false, 104, { HEAD(0, 0, 0, 0, 0, 0, 0, 25) }, PR_BROKEN, 0, 0, 0 },
    { "IN, 8193", false, 104, { HEAD(0, 0, 0, 0, 0, 0, 0x20, 1) }, PR_BROKEN, 0, 0, 0 },
    { "IN, 4 GiB", false, 104, { HEAD(0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff) }, PR_BROKEN, 0, 0, 0 },
    { "IN, a size that wraps", false, 104, { HEAD(0, 0, 0, 0, 0xff, 0xff, 0xff, 0x98) }, PR_BROKEN, 0, 0, 0 },
    { "IN, size in the wrong order", false, 104, { HEAD(0, 0, 0, 0, 8, 0, 0, 0) }, PR_BROKEN, 0, 0, 0 },
    { "IN, CHECK CONDITION with a size",
      false,
      104,
      { HEAD(0, 0, 0, 2, 0, 0, 0, 8), 0x70, 0, 5, 0, 0, 0, 0, 10 },
      PR_BROKEN,
      0,
      0,
      0 },
    { "IN, RESERVATION CONFLICT with a size", false, 104, { HEAD(0, 0, 0, 0x18, 0, 0, 0, 8) }, PR_BROKEN, 0, 0, 0 },
    { "OUT, GOOD with a size", true, 104, { HEAD(0, 0, 0, 0, 0, 0, 0, 1) }, PR_BROKEN, 0, 0, 0 },
    { "status 04 passes for success in some guests", true, 104, { HEAD(0, 0, 0, 4, 0, 0, 0, 0) }, PR_BROKEN, 0, 0, 0 },
    { "status 10, obsolete", true, 104, { HEAD(0, 0, 0, 0x10, 0, 0, 0, 0) }, PR_BROKEN, 0, 0, 0 },
    { "status 01", true, 104, { HEAD(0, 0, 0, 1, 0, 0, 0, 0) }, PR_BROKEN, 0, 0, 0 },
    { "status 100h", true, 104, { HEAD(0, 0, 1, 0, 0, 0, 0, 0) }, PR_BROKEN, 0, 0, 0 },
    { "status in the wrong order", true, 104, { HEAD(0x18, 0, 0, 0, 0, 0, 0, 0) }, PR_BROKEN, 0, 0, 0 },
    { "status -1", false, 104, { HEAD(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0) }, PR_BROKEN, 0, 0, 0 },
};

static void check_reply(const struct pr_proto *p, const struct reply_case *c, enum pr_event event)
{
    struct pr_reply reply;

    ck_assert_msg(event == c->end, "%s: event %d", c->what, event);
    if (event == PR_BROKEN) {
        ck_assert_ptr_nonnull(p->error);
        ck_assert_int_eq(p->state, PR_STATE_DEAD);
        return;
    }
    ck_assert_int_eq(p->state, PR_STATE_READY);
    pr_proto_reply(p, &reply);
    ck_assert_msg(reply.status == c->status, "%s: status %02x", c->what, reply.status);
    ck_assert_msg(reply.sense_len == c->sense_len, "%s: %u bytes of sense", c->what, reply.sense_len);
    ck_assert_msg(reply.data_len == c->data_len, "%s: %u bytes", c->what, reply.data_len);
    ck_assert_mem_eq(reply.sense, c->bytes + 8, 96);
    if (reply.data_len)
        ck_assert_mem_eq(reply.data, c->bytes + 104, reply.data_len);
}

START_TEST(replies_whole_and_in_pieces)
{
    const struct reply_case *c = &replies[_i];
    enum pr_event event = PR_MORE;
    struct pr_proto p;

    ask(&p, c->out);
    check_reply(&p, c, pr_proto_input(&p, c->bytes, c->len));

    ask(&p, c->out);
    for (uint32_t i = 0; i < c->len; i++) {
        ck_assert_int_eq(event, PR_MORE);
        event = pr_proto_input(&p, c->bytes + i, 1);
    }
    check_reply(&p, c, event);

    for (uint32_t split = 1; split < c->len; split++) {
        ask(&p, c->out);
        event = pr_proto_input(&p, c->bytes, split);
        ck_assert_int_eq(event, PR_MORE);
        check_reply(&p, c, pr_proto_input(&p, c->bytes + split, c->len - split));
    }
}
END_TEST

/* The same replies with one byte too many. A broken connection stays broken. */
START_TEST(replies_with_a_trailing_byte)
{
    const struct reply_case *c = &replies[_i];
    struct pr_proto p;

    ask(&p, c->out);
    ck_assert_int_eq(pr_proto_input(&p, c->bytes, c->len + 1), PR_BROKEN);
    ck_assert_int_eq(p.state, PR_STATE_DEAD);
}
END_TEST

START_TEST(a_connection_serves_many)
{
    static const uint8_t good[104] = { 0 };
    struct pr_reply reply;
    struct pr_proto p;

    ask(&p, true);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pr_proto_input(&p, replies[2].bytes + 104, 0), PR_MORE);
        ck_assert_int_eq(pr_proto_input(&p, good, 104), PR_REPLIED);
        ck_assert(pr_proto_start(&p, read_keys, NULL, 0));
        expect_output(&p, read_keys, 16, true);
        ck_assert_int_eq(pr_proto_input(&p, replies[2].bytes, 128), PR_REPLIED);
        pr_proto_reply(&p, &reply);
        ck_assert_uint_eq(reply.data_len, 24);
        ck_assert(pr_proto_start(&p, reg, reg_list, 24));
        expect_output(&p, reg, 16, true);
        expect_output(&p, reg_list, 24, false);
    }
}
END_TEST

START_TEST(largest_data_both_ways)
{
    static uint8_t reply[104 + 8192] = { HEAD(0, 0, 0, 0, 0, 0, 0x20, 0) };
    static const uint8_t in[16] = { 0x5e, 3, 0, 0, 0, 0, 0, 0x20, 0, 0 };
    static const uint8_t out[16] = { 0x5f, 0, 0, 0, 0, 0, 0, 0x20, 0, 0 };
    struct pr_reply r;
    struct pr_proto p;

    memset(reply + 104, 0xa5, 8192);
    shake(&p);
    ck_assert(pr_proto_start(&p, in, NULL, 0));
    expect_output(&p, in, 16, true);
    ck_assert_int_eq(pr_proto_input(&p, reply, 8295), PR_MORE);
    ck_assert_int_eq(pr_proto_input(&p, reply + 8295, 1), PR_REPLIED);
    pr_proto_reply(&p, &r);
    ck_assert_uint_eq(r.data_len, 8192);
    ck_assert_mem_eq(r.data, reply + 104, 8192);
    ck_assert(pr_proto_start(&p, out, reply + 104, 8192));
    expect_output(&p, out, 16, true);
    expect_output(&p, reply + 104, 8192, false);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, handshake_asks_for_nothing, 0, ARRAY_SIZE(features));
    tcase_add_test(t, more_than_features);
    tcase_add_test(t, bytes_while_idle);
    tcase_add_test(t, request_is_cut_to_ten_bytes);
    tcase_add_test(t, descriptor_goes_with_the_first_byte_only);
    tcase_add_test(t, reply_before_the_request);
    tcase_add_loop_test(t, refuses_what_is_not_for_the_helper, 0, ARRAY_SIZE(not_ours));
    tcase_add_test(t, one_at_a_time);
    tcase_add_loop_test(t, replies_whole_and_in_pieces, 0, ARRAY_SIZE(replies));
    tcase_add_loop_test(t, replies_with_a_trailing_byte, 0, ARRAY_SIZE(replies));
    tcase_add_test(t, a_connection_serves_many);
    tcase_add_test(t, largest_data_both_ways);
}

int main(void)
{
    return run_tests("pr-proto", NULL, NULL, add_tests);
}
