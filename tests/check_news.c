// SPDX-License-Identifier: GPL-2.0-or-later
/* The news of the control process: what a piece says, and what a follower that is too slow learns. */
#include "config.h"

#include <check.h>
#include <json-c/json.h>
#include <stdio.h>

#include "control/model.h"
#include "control/news.h"
#include "suite.h"

static struct news *news;
static unsigned added;

static void count_added(void *ctx)
{
    ck_assert_ptr_eq(ctx, news);
    added++;
}

static void begin(void)
{
    news = news_new();
    ck_assert_ptr_nonnull(news);
    added = 0;
    news_set_reader(news, count_added, news);
}

static void end(void)
{
    news_free(news);
}

static const char *member(const char *line, const char *key)
{
    static char text[256];
    struct json_object *o = json_tokener_parse(line), *v;

    ck_assert_msg(o && line[strlen(line) - 1] == '\n' && strchr(line, '\n') == line + strlen(line) - 1, "%s", line);
    snprintf(text, sizeof(text), "%s", json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) : "(none)");
    json_object_put(o);
    return text;
}

static void tell(const char *text)
{
    news_tell(news, NEWS_ERROR, NULL, NULL, "%s", text);
}

START_TEST(a_piece_says_what_it_is_about)
{
    struct vhost v = { .domid = 7, .id = 1 };
    struct vdev d = { .vhost = &v, .name = "dev-2" };
    uint64_t at = news_follow(news), missed;
    const char *line;

    strcpy(v.seen.name, "web");
    strcpy(v.seen.vm, "/vm/12-\n");
    strcpy(d.wish.pdev, "naa.5\n");
    d.wish.vdev = (struct hctl){ 0, 1, 2, 3 };
    strcpy(d.dev.sg_name, "sg4");
    strcpy(d.dev.wwid, "naa.5");
    news_tell(news, NEWS_HELPER_AWAY, &v, &d, "line %d\nnext", 1);
    line = news_read(news, &at, &missed);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(member(line, "event"), "helper-away");
    ck_assert_str_eq(member(line, "domid"), "7");
    ck_assert_str_eq(member(line, "vhost"), "1");
    ck_assert_str_eq(member(line, "guest"), "web");
    ck_assert_str_eq(member(line, "uuid"), "12-\\x0a");
    ck_assert_str_eq(member(line, "dev"), "dev-2");
    ck_assert_str_eq(member(line, "vdev"), "0:1:2:3");
    ck_assert_str_eq(member(line, "pdev"), "naa.5\\x0a");
    ck_assert_str_eq(member(line, "device"), "/dev/sg4");
    ck_assert_str_eq(member(line, "wwid"), "naa.5");
    ck_assert_str_eq(member(line, "text"), "line 1\\x0anext");
    ck_assert_int_eq((int)strlen(member(line, "time")), (int)strlen("2026-11-29T23:59:59.000Z"));
    ck_assert_ptr_null(news_read(news, &at, &missed));
    ck_assert_uint_eq(missed, 0);
    ck_assert_uint_eq(added, 1);
}
END_TEST

START_TEST(each_kind_has_a_name)
{
    for (enum news_kind k = 0; k < NEWS_KINDS; k++) {
        ck_assert_ptr_nonnull(news_kind_name(k));
        for (enum news_kind o = 0; o < k; o++)
            ck_assert_str_ne(news_kind_name(k), news_kind_name(o));
    }
}
END_TEST

START_TEST(nothing_is_kept_for_nobody)
{
    uint64_t at, missed;

    tell("before");
    news_tell(NULL, NEWS_ERROR, NULL, NULL, "nowhere");
    ck_assert_uint_eq(added, 0);
    at = news_follow(news);
    tell("one");
    ck_assert_str_eq(member(news_read(news, &at, &missed), "text"), "one");
    news_unfollow(news);
    tell("two");
    ck_assert_uint_eq(added, 1);
    ck_assert_ptr_null(news_read(news, &at, &missed));
}
END_TEST

START_TEST(a_slow_follower_learns_how_many_it_missed_and_gets_the_rest)
{
    uint64_t slow = news_follow(news), quick = news_follow(news), missed;
    char text[32];

    for (unsigned i = 0; i < NEWS_KEPT + 10; i++) {
        snprintf(text, sizeof(text), "%u", i);
        tell(text);
        ck_assert_str_eq(member(news_read(news, &quick, &missed), "text"), text);
    }
    ck_assert_ptr_null(news_read(news, &slow, &missed));
    ck_assert_uint_eq(missed, 10);
    for (unsigned i = 10; i < NEWS_KEPT + 10; i++) {
        snprintf(text, sizeof(text), "%u", i);
        ck_assert_str_eq(member(news_read(news, &slow, &missed), "text"), text);
    }
    ck_assert_ptr_null(news_read(news, &slow, &missed));
    ck_assert_uint_eq(missed, 0);
}
END_TEST

START_TEST(a_follower_has_lines_of_its_own)
{
    CLEANUP_FREE char *hello = news_greeting(news);
    CLEANUP_FREE char *lost = news_missed(12);

    ck_assert_str_eq(member(hello, "event"), "following");
    ck_assert_int_eq(atoi(member(hello, "pid")), (int)getpid());
    ck_assert_int_gt(atoi(member(hello, "started")), 1500000000);
    ck_assert_str_eq(member(hello, "version"), PACKAGE_VERSION);
    ck_assert_str_eq(member(lost, "event"), "lost");
    ck_assert_str_eq(member(lost, "count"), "12");
}
END_TEST

START_TEST(a_long_text_is_cut)
{
    uint64_t at = news_follow(news), missed;
    char text[2 * NEWS_TEXT_MAX];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    tell(text);
    ck_assert_uint_lt(strlen(news_read(news, &at, &missed)), NEWS_TEXT_MAX + 100);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_piece_says_what_it_is_about);
    tcase_add_test(t, each_kind_has_a_name);
    tcase_add_test(t, nothing_is_kept_for_nobody);
    tcase_add_test(t, a_slow_follower_learns_how_many_it_missed_and_gets_the_rest);
    tcase_add_test(t, a_follower_has_lines_of_its_own);
    tcase_add_test(t, a_long_text_is_cut);
}

int main(void)
{
    return run_tests("news", begin, end, add_tests);
}
