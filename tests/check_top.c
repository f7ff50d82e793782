// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of pvscsictl top: rates of two answers, sums of guests, the order, and lines of 79 columns. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util.h"
#include "pvscsictl/top-table.h"
#include "suite.h"

#define LUN(name, vdev, up, commands, answered, errors, in, to, us, out) \
    "{\"name\":\"" name "\",\"v_dev\":\"" vdev "\",\"device\":\"/dev/sg3\",\"up\":" up \
    ",\"stats\":{\"commands\":" commands ",\"answered\":" answered ",\"errors\":" errors ",\"read_bytes\":" in \
    ",\"write_bytes\":" to ",\"latency_us_sum\":" us ",\"in_flight\":" out "}}"
#define GUEST(domid, name, luns) "{\"domid\":" domid ",\"vhost\":0,\"guest\":\"" name "\",\"luns\":[" luns "]}"
#define ANSWER(vhosts) "{\"vhosts\":[" vhosts "]}"

static const char first[] = ANSWER(
    GUEST("1", "web",
          LUN("dev-0", "0:0:0:0", "true", "100", "100", "0", "1000000", "0", "5000", "0") "," LUN(
              "dev-1", "0:0:0:1", "true", "10", "10", "1", "0", "0", "0",
              "0")) "," GUEST("2", "db", LUN("dev-0", "0:0:0:0", "true", "7", "7", "0", "0", "0", "0", "0")));
static const char second[] = ANSWER(
    GUEST("1", "web",
          LUN("dev-0", "0:0:0:0", "true", "300", "298", "0", "5000000", "2000000", "401000",
              "2") "," LUN("dev-1", "0:0:0:1", "false", "30", "30", "4", "0", "500000", "1000",
                           "0")) "," GUEST("2", "db",
                                           LUN("dev-0", "0:0:0:0", "true", "5", "5", "0", "0", "0", "0", "1") "," LUN(
                                               "dev-9", "0:0:9:0", "true", "900", "900", "0", "0", "0", "0", "3")));

static struct top_table table;

static void two_answers(double seconds)
{
    struct json_object *a = json_tokener_parse(first), *b = json_tokener_parse(second);
    struct top_table before;

    ck_assert(a && b);
    ck_assert_int_eq(top_read(a, NULL, 0, &before), 0);
    ck_assert_int_eq(top_read(b, &before, seconds, &table), 0);
    top_clear(&before);
    json_object_put(a);
    json_object_put(b);
}

static void row_is(size_t i, unsigned width, const char *text)
{
    char line[TOP_WIDTH_MAX];

    ck_assert_uint_lt(i, table.n);
    top_line(&table.rows[i], width, line);
    ck_assert_str_eq(line, text);
}

START_TEST(rates_are_those_of_the_time_between_two_answers)
{
    char line[TOP_WIDTH_MAX];

    two_answers(2);
    top_heading(TOP_WIDTH, line);
    ck_assert_str_eq(line, "GUEST           LUN          DEVICE     CMD/s  RD MB/s  WR MB/s      ms  OUT ER");
    ck_assert_uint_eq(table.n, 4);
    row_is(0, 79, "web             0:0:0:0      sg3          100     2.00     1.00    2.00    2  0");
    row_is(1, 79, "web             0:0:0:1      (down)        10     0.00     0.25    0.05    0  3");
    /* Its counters have begun anew, and this one is new: both have no rates yet. */
    row_is(2, 79, "db              0:0:0:0      sg3            -        -        -       -    1  0");
    row_is(3, 79, "db              0:0:9:0      sg3            -        -        -       -    3  0");
    top_summary(&table, line);
    ck_assert_str_eq(line, "2 guests, 4 LUNs, 1 down; 110 CMD/s, 2.0 MB/s read, 1.2 MB/s written");
}
END_TEST

START_TEST(a_guests_luns_become_one_row)
{
    two_answers(2);
    top_by_guest(&table);
    ck_assert_uint_eq(table.n, 2);
    row_is(0, 79, "web             all          (down)       110     2.00     1.25    1.82    2  3");
    row_is(1, 79, "db              all                         -        -        -       -    4  0");
}
END_TEST

START_TEST(any_column_is_a_key)
{
    static const struct {
        const char *name;
        bool reverse;
        const char *order; /* guest's first letter and the last of the vdev */
    } cases[] = {
        { "commands", false, "w0w1d0d0" }, { "commands", true, "d0d0w1w0" }, { "read", false, "w0d0d0w1" },
        { "write", false, "w0w1d0d0" },    { "latency", false, "w0w1d0d0" }, { "outstanding", false, "d0w0d0w1" },
        { "errors", false, "w1d0d0w0" },   { "guest", false, "d0d0w0w1" },
    };

    two_answers(2);
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        enum top_key key;
        char order[16] = "";

        ck_assert_int_eq(top_key_parse(cases[c].name, &key), 0);
        ck_assert_str_eq(top_key_name(key), cases[c].name);
        top_sort(&table, key, cases[c].reverse);
        for (size_t i = 0; i < table.n; i++) {
            const struct top_row *r = &table.rows[i];

            order[2 * i] = r->guest[0];
            order[2 * i + 1] = r->vdev[strlen(r->vdev) - 1];
        }
        ck_assert_msg(strncmp(order, cases[c].order, 8) == 0, "%s: %s, not %s", cases[c].name, order, cases[c].order);
    }
}
END_TEST

START_TEST(a_line_never_leaves_its_columns)
{
    static const unsigned widths[] = { 0, 1, 79, 80, 132, TOP_WIDTH_MAX - 1, TOP_WIDTH_MAX, 100000 };
    struct top_row row = { .up = true, .seconds = 0.001 };
    enum top_key key;

    memset(row.guest, 'g', sizeof(row.guest) - 1);
    memset(row.vdev, 'v', sizeof(row.vdev) - 1);
    memset(row.device, 'd', sizeof(row.device) - 1);
    row.since = (struct top_counters){ UINT64_MAX, 1, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        unsigned want = widths[i] < TOP_WIDTH ? TOP_WIDTH : widths[i] < TOP_WIDTH_MAX ? widths[i] : TOP_WIDTH_MAX - 1;
        char line[TOP_WIDTH_MAX];

        top_heading(widths[i], line);
        ck_assert_uint_eq(strlen(line), want);
        top_line(&row, widths[i], line);
        ck_assert_uint_eq(strlen(line), want);
    }
    ck_assert_int_lt(top_key_parse("size", &key), 0);
    ck_assert_ptr_null(top_key_name(TOP_KEYS));
}
END_TEST

START_TEST(no_byte_of_a_name_moves_the_cursor)
{
    struct json_object *a = json_tokener_parse(ANSWER(GUEST("5", "a\\u001b[2J\xff", "{\"name\":\"dev-0\"}")));

    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(top_read(a, NULL, 0, &table), 0);
    row_is(0, 79, "a?[2J?          dev-0        (down)         -        -        -       -    0  0");
    json_object_put(a);
}
END_TEST

START_TEST(members_that_are_missing_count_as_none)
{
    static const char *const answers[] = { "{}", "{\"vhosts\":7}",
                                           "{\"vhosts\":[null,{\"luns\":7},{\"luns\":[null]}]}" };
    char line[TOP_WIDTH_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct json_object *a = json_tokener_parse(answers[i]);

        ck_assert_int_eq(top_read(a, NULL, 0, &table), 0);
        ck_assert_uint_eq(table.n, 0);
        top_by_guest(&table);
        top_sort(&table, TOP_READ, true);
        top_summary(&table, line);
        ck_assert_str_eq(line, "0 guests, 0 LUNs, 0 down; 0 CMD/s, 0.0 MB/s read, 0.0 MB/s written");
        top_clear(&table);
        json_object_put(a);
    }
}
END_TEST

/* Commands that have lost their ring were taken, and are answered never. */
START_TEST(commands_that_have_lost_their_ring_are_no_new_lun)
{
    struct json_object *a = json_tokener_parse(
        ANSWER(GUEST("1", "web", LUN("dev-0", "0:0:0:0", "true", "12", "8", "0", "0", "0", "0", "4"))));
    struct json_object *b = json_tokener_parse(
        ANSWER(GUEST("1", "web", LUN("dev-0", "0:0:0:0", "true", "10", "10", "0", "2000000", "0", "4000", "0"))));
    struct top_table before;

    ck_assert_int_eq(top_read(a, NULL, 0, &before), 0);
    ck_assert_int_eq(top_read(b, &before, 2, &table), 0);
    top_clear(&before);
    row_is(0, 79, "web             0:0:0:0      sg3            0     1.00     0.00    2.00    0  0");
    json_object_put(a);
    json_object_put(b);
}
END_TEST

static void clear(void)
{
    top_clear(&table);
}

static void add_tests(TCase *t)
{
    tcase_add_test(t, rates_are_those_of_the_time_between_two_answers);
    tcase_add_test(t, a_guests_luns_become_one_row);
    tcase_add_test(t, commands_that_have_lost_their_ring_are_no_new_lun);
    tcase_add_test(t, any_column_is_a_key);
    tcase_add_test(t, a_line_never_leaves_its_columns);
    tcase_add_test(t, no_byte_of_a_name_moves_the_cursor);
    tcase_add_test(t, members_that_are_missing_count_as_none);
}

int main(void)
{
    return run_tests("top", NULL, clear, add_tests);
}
