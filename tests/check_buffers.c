// SPDX-License-Identifier: GPL-2.0-or-later
/* Data buffers: which memory a command gets, what is asked for, and what is given back. */
#include "config.h"

#include <check.h>

#include "fake-xen.h"
#include "suite.h"
#include "worker/buffers.h"

#define COUNT 32

static struct buffers b;

static void setup(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.xen.ops = &fake_ops;
    fake.own_left = 10000;
    ck_assert_int_eq(buffers_init(&b, &fake.xen, "d1.0", OWN_DOMID, COUNT), 0);
}

static void teardown(void)
{
    buffers_deinit(&b);
    ck_assert_uint_eq(fake.own_left, 10000);
}

START_TEST(without_an_allotment_memory_is_plain_and_what_was_missing_is_wished)
{
    struct buffer one = buffers_take(&b, 0, 4096, 1), two = buffers_take(&b, 1, 528384, 1);

    ck_assert_ptr_null(one.refs);
    ck_assert_ptr_null(two.refs);
    ck_assert_uint_eq(one.room, 528384);
    ck_assert_uint_eq(two.room, 528384);
    ck_assert_ptr_eq(two.pages, one.pages + 528384);
    memset(one.pages, 1, one.room);
    memset(two.pages, 2, two.room);
    buffers_give(&b, 0, &one);
    one = buffers_take(&b, 0, 4096, 1); /* the same again is not missing twice */
    ck_assert(buffers_has_wish(&b));
    ck_assert_uint_eq(buffers_wish(&b), 17 + 129);
    ck_assert(!buffers_has_wish(&b));
    buffers_give(&b, 0, &one);
    buffers_give(&b, 1, &two);
    ck_assert(!buffers_has_wish(&b));
    ck_assert_uint_eq(buffers_wish(&b), 0);
}
END_TEST

static const struct {
    uint32_t bytes, pages;
} sizes[] = { { 1, 17 }, { 4096, 17 }, { 69632, 17 }, { 69633, 129 }, { 528384, 129 } };

START_TEST(a_granted_buffer_is_large_enough_and_is_used_again)
{
    struct buffer buffer, again;

    buffers_allot(&b, 10000);
    buffer = buffers_take(&b, 3, sizes[_i].bytes, 1);
    ck_assert_ptr_nonnull(buffer.refs);
    ck_assert_uint_eq(buffer.room, sizes[_i].pages * 4096);
    ck_assert_uint_eq(b.held, sizes[_i].pages);
    for (uint32_t i = 0; i < sizes[_i].pages; i++)
        ck_assert_ptr_eq(own_page(OWN_DOMID, buffer.refs[i]), buffer.pages + i * 4096);
    memset(buffer.pages, 1, buffer.room);
    again = buffer;
    buffers_give(&b, 3, &buffer);
    ck_assert_ptr_null(buffer.refs);
    ck_assert_ptr_eq(buffer.pages, b.plain + 3 * 528384);
    buffer = buffers_take(&b, 4, sizes[_i].bytes, 1);
    ck_assert_ptr_eq(buffer.pages, again.pages);
    ck_assert_uint_eq(b.held, sizes[_i].pages);
    ck_assert(!buffers_has_wish(&b));
    buffers_give(&b, 4, &buffer);
}
END_TEST

START_TEST(two_commands_never_have_one_buffer)
{
    struct buffer buffer[COUNT];

    buffers_allot(&b, 10000);
    for (unsigned i = 0; i < COUNT; i++) {
        buffer[i] = buffers_take(&b, i, i % 2 ? 4096 : 300000, 1);
        ck_assert_ptr_nonnull(buffer[i].refs);
        memset(buffer[i].pages, (int)i, buffer[i].room);
    }
    ck_assert_uint_eq(b.held, 16 * 17 + 16 * 129);
    for (unsigned i = 0; i < COUNT; i++)
        for (uint32_t k = 0; k < buffer[i].room; k += 4096)
            ck_assert_uint_eq(buffer[i].pages[k], i);
    /* A small transfer is content with a large buffer that is free. */
    buffers_give(&b, 0, &buffer[0]);
    buffer[0] = buffers_take(&b, 0, 1, 1);
    ck_assert_uint_eq(buffer[0].room, 528384);
    for (unsigned i = 0; i < COUNT; i++)
        buffers_give(&b, i, &buffer[i]);
}
END_TEST

START_TEST(an_allotment_is_never_exceeded)
{
    struct buffer one, two, three;

    buffers_allot(&b, 17 + 129);
    one = buffers_take(&b, 0, 4096, 1);
    two = buffers_take(&b, 1, 100000, 1);
    three = buffers_take(&b, 2, 4096, 1);
    ck_assert_ptr_nonnull(one.refs);
    ck_assert_ptr_nonnull(two.refs);
    ck_assert_ptr_null(three.refs);
    ck_assert_uint_eq(buffers_wish(&b), 17 + 129 + 17);
    /* Less: what is in use stays until its command is over. */
    buffers_allot(&b, 17);
    ck_assert_uint_eq(b.held, 17 + 129);
    buffers_give(&b, 1, &two);
    ck_assert_uint_eq(b.held, 17);
    buffers_give(&b, 0, &one);
    ck_assert_uint_eq(b.held, 17);
    buffers_allot(&b, 16);
    ck_assert_uint_eq(b.held, 0);
    ck_assert_uint_eq(fake.own_left, 10000);
    buffers_give(&b, 2, &three);
}
END_TEST

START_TEST(what_is_idle_goes_back_and_what_is_in_use_stays)
{
    struct buffer one, two;

    buffers_allot(&b, 10000);
    one = buffers_take(&b, 0, 4096, 5);
    two = buffers_take(&b, 1, 4096, 6);
    ck_assert_uint_eq(b.used_us, 6);
    buffers_give(&b, 0, &one);
    buffers_release_idle(&b);
    ck_assert_uint_eq(b.held, 17);
    memset(two.pages, 1, two.room);
    buffers_give(&b, 1, &two);
    buffers_release_idle(&b);
    ck_assert_uint_eq(b.held, 0);
}
END_TEST

START_TEST(a_kernel_that_refuses_is_asked_again_later_and_others_may_have_the_rest)
{
    struct buffer buffer;

    buffers_allot(&b, 10000);
    fake.own_left = 16;
    buffer = buffers_take(&b, 0, 4096, 1000);
    ck_assert_ptr_null(buffer.refs);
    ck_assert(buffers_has_wish(&b));
    ck_assert_uint_eq(buffers_wish(&b), 0);
    buffers_allot(&b, 0);
    buffers_give(&b, 0, &buffer);
    buffer = buffers_take(&b, 0, 4096, 9999999);
    ck_assert_ptr_null(buffer.refs);
    ck_assert(!buffers_has_wish(&b)); /* nothing is missing that the kernel refuses */
    buffers_give(&b, 0, &buffer);
    fake.own_left = 10000;
    buffer = buffers_take(&b, 0, 4096, 10001000);
    ck_assert_uint_eq(buffers_wish(&b), 17);
    buffers_allot(&b, 17);
    buffers_give(&b, 0, &buffer);
    buffer = buffers_take(&b, 0, 4096, 10001001);
    ck_assert_ptr_nonnull(buffer.refs);
    buffers_give(&b, 0, &buffer);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, without_an_allotment_memory_is_plain_and_what_was_missing_is_wished);
    tcase_add_loop_test(t, a_granted_buffer_is_large_enough_and_is_used_again, 0, (int)ARRAY_SIZE(sizes));
    tcase_add_test(t, two_commands_never_have_one_buffer);
    tcase_add_test(t, an_allotment_is_never_exceeded);
    tcase_add_test(t, what_is_idle_goes_back_and_what_is_in_use_stays);
    tcase_add_test(t, a_kernel_that_refuses_is_asked_again_later_and_others_may_have_the_rest);
}

int main(void)
{
    return run_tests("buffers", setup, teardown, add_tests);
}
