// SPDX-License-Identifier: GPL-2.0-or-later
/* The rate limits of a LUN: their text, and the meters that hold them. */
#include "config.h"

#include <check.h>
#include <errno.h>

#include "common/util.h"
#include "suite.h"
#include "worker/rate.h"

#define START_US UINT64_C(5000000000)
#define SECOND_US UINT64_C(1000000)
#define MIB (UINT32_C(1) << 20)

/* --- text --- */

static const struct {
    unsigned which;
    const char *text;
    uint64_t value;    /* WRONG: it is none */
    const char *again; /* as limits_value() gives it; NULL: text itself */
} texts[] = {
#define WRONG UINT64_MAX
    { LIMITS_IOPS, "2", 2 },
    { LIMITS_IOPS, "1000000", 1000000 },
    { LIMITS_IOPS, "0", 0 },
    { LIMITS_IOPS, "007", 7, "7" },
    { LIMITS_IOPS, "1", WRONG },
    { LIMITS_IOPS, "1000001", WRONG },
    { LIMITS_IOPS, "4294967298", WRONG },
    { LIMITS_IOPS, "5K", WRONG },
    { LIMITS_IOPS, "-5", WRONG },
    { LIMITS_IOPS, "5.5", WRONG },
    { LIMITS_IOPS, " 5", WRONG },
    { LIMITS_IOPS, "", WRONG },
    { LIMITS_BPS, "1048576", 1048576, "1M" },
    { LIMITS_BPS, "1048577", 1048577 },
    { LIMITS_BPS, "1049600", 1049600, "1025K" },
    { LIMITS_BPS, "1024K", 1048576, "1M" },
    { LIMITS_BPS, "100M", 104857600 },
    { LIMITS_BPS, "2G", UINT64_C(2147483648) },
    { LIMITS_BPS, "1T", UINT64_C(1099511627776) },
    { LIMITS_BPS, "0", 0 },
    { LIMITS_BPS, "0M", 0 },
    { LIMITS_BPS, "1048575", WRONG },
    { LIMITS_BPS, "1023K", WRONG },
    { LIMITS_BPS, "2T", WRONG },
    { LIMITS_BPS, "1099511627777", WRONG },
    { LIMITS_BPS, "18446744073709551615T", WRONG },
    { LIMITS_BPS, "17179869184G", WRONG },
    { LIMITS_BPS, "M", WRONG },
    { LIMITS_BPS, "10m", WRONG },
    { LIMITS_BPS, "10MB", WRONG },
    { LIMITS_BPS, "10 M", WRONG },
    { LIMITS_BPS, "", WRONG },
    { LIMITS_BURST, "1", 1 },
    { LIMITS_BURST, "3600", 3600 },
    { LIMITS_BURST, "0", WRONG },
    { LIMITS_BURST, "3601", WRONG },
    { LIMITS_BURST, "1s", WRONG },
};

START_TEST(a_limit_is_a_number_in_its_range)
{
    struct lun_limits l = { .iops = 77, .bps = 77, .burst_s = 77 };
    char value[LIMITS_VALUE_MAX];
    int r = limits_parse(&l, texts[_i].which, texts[_i].text);
    uint64_t want = texts[_i].value == WRONG ? 77 : texts[_i].value;

    ck_assert_msg(r == (texts[_i].value == WRONG ? -EINVAL : 0), "%s", texts[_i].text);
    ck_assert_uint_eq(l.iops, texts[_i].which == LIMITS_IOPS ? want : 77);
    ck_assert_uint_eq(l.bps, texts[_i].which == LIMITS_BPS ? want : 77);
    ck_assert_uint_eq(l.burst_s, texts[_i].which == LIMITS_BURST ? want : 77);
    if (r < 0) {
        ck_assert_int_eq(strncmp(limits_expected(texts[_i].which), "expected ", 9), 0);
        return;
    }
    ck_assert_int_eq(limits_value(&l, texts[_i].which, value), want > 0);
    if (want > 0)
        ck_assert_str_eq(value, texts[_i].again ? texts[_i].again : texts[_i].text);
}
END_TEST

/* --- meters --- */

static struct rate r;
static uint64_t now_us_is;

static void begin(struct lun_limits limits)
{
    r = (struct rate){ 0 };
    now_us_is = START_US;
    rate_set(&r, &limits, now_us_is);
}

/* As many commands as may go now, at most 10000. */
static unsigned go(uint32_t bytes)
{
    unsigned n = 0;

    for (; n < 10000 && rate_wait_us(&r, bytes, false, now_us_is) == 0; n++)
        rate_take(&r, bytes, now_us_is);
    return n;
}

START_TEST(commands_go_at_once_while_the_burst_lasts_and_then_at_the_rate)
{
    begin((struct lun_limits){ .iops = 50 });
    ck_assert(rate_is_limited(&r));
    ck_assert_uint_eq(go(0), 51);
    ck_assert_uint_eq(rate_wait_us(&r, 0, false, now_us_is), 20000);
    for (unsigned i = 0; i < 500; i++) {
        now_us_is += 19999;
        ck_assert_uint_eq(rate_wait_us(&r, 0, false, now_us_is), 1);
        now_us_is++;
        ck_assert_uint_eq(go(0), 1);
    }
    now_us_is += SECOND_US / 2;
    ck_assert_uint_eq(go(0), 25);
    now_us_is += 1000 * SECOND_US; /* no more than the burst is saved up */
    ck_assert_uint_eq(go(0), 51);
}
END_TEST

START_TEST(a_burst_is_so_many_seconds_worth_of_both_limits)
{
    begin((struct lun_limits){ .iops = 50, .burst_s = 10 });
    ck_assert_uint_eq(go(MIB), 501);
    begin((struct lun_limits){ .bps = 4 * MIB, .burst_s = 10 });
    ck_assert_uint_eq(go(MIB), 41);
    begin((struct lun_limits){ .iops = 50, .bps = 4 * MIB, .burst_s = 10 });
    ck_assert_uint_eq(go(MIB), 41);
    ck_assert_uint_eq(go(0), 460); /* without data only the commands count */
    ck_assert_uint_eq(rate_wait_us(&r, 0, false, now_us_is), 20000);
    ck_assert_uint_eq(rate_wait_us(&r, MIB, false, now_us_is), 250000);
}
END_TEST

START_TEST(a_command_larger_than_the_burst_goes_and_the_next_one_waits_for_it)
{
    begin((struct lun_limits){ .bps = MIB });
    ck_assert_uint_eq(rate_wait_us(&r, 5 * MIB, false, now_us_is), 0);
    rate_take(&r, 5 * MIB, now_us_is);
    ck_assert_uint_eq(rate_wait_us(&r, 1, false, now_us_is), 4 * SECOND_US);
    ck_assert_uint_eq(rate_wait_us(&r, 1, false, now_us_is + 4 * SECOND_US), 0);
}
END_TEST

START_TEST(what_was_not_moved_is_given_back)
{
    uint64_t before;

    begin((struct lun_limits){ .bps = MIB });
    ck_assert_uint_eq(go(MIB / 2), 3);
    ck_assert_uint_eq(rate_wait_us(&r, 1, false, now_us_is), SECOND_US / 2);
    rate_give_back(&r, MIB / 4);
    ck_assert_uint_eq(rate_wait_us(&r, 1, false, now_us_is), SECOND_US / 4);
    rate_give_back(&r, 5 * MIB / 4);
    ck_assert_uint_eq(go(MIB / 2), 3);
    /* It is late, and no more than the burst is saved up. */
    now_us_is += 1000 * SECOND_US;
    rate_give_back(&r, 3 * MIB / 2);
    ck_assert_uint_eq(go(MIB / 2), 3);
    /* Nothing is won by rounding. */
    begin((struct lun_limits){ .bps = LIMITS_BPS_MIN + 7 });
    go(MIB / 2);
    before = r.bytes_ns;
    for (unsigned i = 0; i < 1000; i++) {
        rate_take(&r, 3, now_us_is);
        rate_give_back(&r, 3);
    }
    ck_assert_uint_ge(r.bytes_ns, before);
    /* Extremes, and commands alone. */
    r.bytes_ns = 1;
    rate_give_back(&r, UINT32_MAX);
    ck_assert_uint_eq(r.bytes_ns, 0);
    begin((struct lun_limits){ .iops = 50 });
    before = r.commands_ns;
    rate_give_back(&r, MIB);
    ck_assert_uint_eq(r.commands_ns, before);
}
END_TEST

/* throttle.h: commands with data and without, in any order, at the lowest limits. */
START_TEST(the_last_of_a_full_queue_waits_six_seconds_at_most)
{
    uint64_t longest = 0;

    for (unsigned order = 0; order < 1u << LIMITS_WAITING_MAX; order++) {
        uint64_t waited = 0;

        begin((struct lun_limits){ .iops = LIMITS_IOPS_MIN, .bps = LIMITS_BPS_MIN });
        go(MIB / 2);
        for (unsigned i = 0; i < LIMITS_WAITING_MAX; i++) {
            uint32_t bytes = order >> i & 1 ? MIB / 2 : 0;
            uint64_t wait = rate_wait_us(&r, bytes, false, now_us_is);

            now_us_is += wait;
            waited += wait;
            rate_take(&r, bytes, now_us_is);
        }
        longest = waited > longest ? waited : longest;
    }
    ck_assert_uint_eq(longest, 6 * SECOND_US);
}
END_TEST

/* A debt has an end, whatever was taken. */
START_TEST(no_debt_is_beyond_its_maximum)
{
    begin((struct lun_limits){ .iops = LIMITS_IOPS_MIN, .bps = LIMITS_BPS_MIN });
    for (unsigned i = 0; i < 1000; i++)
        rate_take(&r, UINT32_MAX, now_us_is);
    ck_assert_uint_eq(rate_wait_us(&r, 1, false, now_us_is), RATE_DEBT_MAX_US);
    ck_assert_uint_eq(rate_wait_us(&r, 0, false, now_us_is), RATE_DEBT_MAX_US);
}
END_TEST

START_TEST(what_is_urgent_may_owe_a_second_more)
{
    begin((struct lun_limits){ .iops = 2, .bps = MIB });
    for (unsigned i = 0; i < 3; i++)
        rate_take(&r, MIB / 2, now_us_is);
    ck_assert_uint_eq(rate_wait_us(&r, 512, false, now_us_is), SECOND_US / 2);
    ck_assert_uint_eq(rate_wait_us(&r, 512, true, now_us_is), 0);
    rate_take(&r, 0, now_us_is);
    ck_assert_uint_eq(rate_wait_us(&r, 512, true, now_us_is), 0);
    rate_take(&r, 0, now_us_is);
    ck_assert_uint_eq(rate_wait_us(&r, 512, true, now_us_is), SECOND_US / 2);
    begin((struct lun_limits){ .bps = MIB });
    for (unsigned i = 0; i < 4; i++)
        rate_take(&r, MIB, now_us_is);
    ck_assert_uint_eq(rate_wait_us(&r, 512, true, now_us_is), 2 * SECOND_US);
    ck_assert_uint_eq(rate_wait_us(&r, 0, true, now_us_is), 0);
}
END_TEST

START_TEST(other_limits_begin_anew_and_the_same_ones_do_not)
{
    begin((struct lun_limits){ .iops = 50 });
    go(0);
    rate_set(&r, &(struct lun_limits){ .iops = 50 }, now_us_is);
    ck_assert_uint_eq(go(0), 0);
    rate_set(&r, &(struct lun_limits){ .iops = 10 }, now_us_is);
    ck_assert_uint_eq(go(0), 11);
    rate_set(&r, &(struct lun_limits){ 0 }, now_us_is);
    ck_assert(!rate_is_limited(&r));
    ck_assert_uint_eq(go(MIB), 10000);
}
END_TEST

/* In 10 s no command too many passes: those at the rate, and the burst. */
START_TEST(a_limit_is_never_exceeded_in_the_long_run)
{
    static const uint32_t rates[] = { 2, 3, 7, 999, 30000, 999999, LIMITS_IOPS_MAX };
    uint64_t n = 0;

    begin((struct lun_limits){ .iops = rates[_i], .bps = UINT64_C(512) * 3 * rates[_i] + LIMITS_BPS_MIN });
    for (unsigned ms = 0; ms < 10000; ms += 7) {
        for (unsigned k; (k = go(512)) > 0;)
            n += k;
        now_us_is += 7000;
    }
    ck_assert_uint_le(n, UINT64_C(11) * rates[_i] + 1);
    ck_assert_uint_ge(n, UINT64_C(9) * rates[_i]); /* and it is used */
}
END_TEST

/* Nothing overflows: a clock near its beginning and near its end, the largest limits and the smallest. */
START_TEST(extremes_do_not_overflow)
{
    static const uint64_t times[] = { 0, 1, SECOND_US, UINT64_C(1) << 53 };

    begin((struct lun_limits){ .iops = LIMITS_IOPS_MAX, .bps = LIMITS_BPS_MAX, .burst_s = LIMITS_BURST_MAX_S });
    for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
        struct lun_limits small = { .iops = 1, .bps = 1, .burst_s = LIMITS_BURST_MAX_S };

        rate_set(&r, &small, times[i]);
        for (unsigned k = 0; k < 3601 && rate_wait_us(&r, UINT32_MAX, false, times[i]) == 0; k++)
            rate_take(&r, UINT32_MAX, times[i]);
        ck_assert_uint_eq(rate_wait_us(&r, UINT32_MAX, false, times[i]), RATE_DEBT_MAX_US);
        ck_assert_uint_eq(rate_wait_us(&r, 1, false, times[i] + RATE_DEBT_MAX_US), 0);
        rate_set(&r, &(struct lun_limits){ 0 }, times[i]);
    }
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_limit_is_a_number_in_its_range, 0, ARRAY_SIZE(texts));
    tcase_add_test(t, commands_go_at_once_while_the_burst_lasts_and_then_at_the_rate);
    tcase_add_test(t, a_burst_is_so_many_seconds_worth_of_both_limits);
    tcase_add_test(t, a_command_larger_than_the_burst_goes_and_the_next_one_waits_for_it);
    tcase_add_test(t, what_was_not_moved_is_given_back);
    tcase_add_test(t, the_last_of_a_full_queue_waits_six_seconds_at_most);
    tcase_add_test(t, no_debt_is_beyond_its_maximum);
    tcase_add_test(t, what_is_urgent_may_owe_a_second_more);
    tcase_add_test(t, other_limits_begin_anew_and_the_same_ones_do_not);
    tcase_add_loop_test(t, a_limit_is_never_exceeded_in_the_long_run, 0, 7);
    tcase_add_test(t, extremes_do_not_overflow);
}

int main(void)
{
    return run_tests("rate", NULL, NULL, add_tests);
}
