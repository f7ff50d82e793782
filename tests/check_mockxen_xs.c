// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mock-xen as libxenstore sees it: values, directories, watches, transactions, quotas, and faults that a script orders.
 */
#include "config.h"

#include <poll.h>

#include "mockxen-client.h"
#include "suite.h"

/* The next watch event as "path token"; "" when none comes within 10 s. */
static const char *event(struct xs_handle *h)
{
    static char text[4096];
    struct pollfd p = { .fd = xs_fileno(h), .events = POLLIN };
    CLEANUP_FREE char **got = NULL;

    text[0] = '\0';
    got = xs_check_watch(h);
    if (!got && poll(&p, 1, 10000) == 1)
        got = xs_check_watch(h);
    if (got)
        snprintf(text, sizeof(text), "%s %s", got[XS_WATCH_PATH], got[XS_WATCH_TOKEN]);
    return text;
}

/* No watch event waits: one that was fired before this request would have come before its answer. */
static void no_event(struct xs_handle *h)
{
    CLEANUP_FREE char *answer = xs_get_domain_path(h, 0);
    CLEANUP_FREE char **got = NULL;

    ck_assert_ptr_nonnull(answer);
    got = xs_check_watch(h);
    ck_assert_msg(!got, "%s", got ? got[XS_WATCH_PATH] : "");
}

/* --- through libxenstore --- */

START_TEST(values_are_bytes_of_any_kind)
{
    char all[256];
    unsigned len;
    char *got;

    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    ck_assert(xs_write(xs, XBT_NULL, "/a", all, 256));
    got = xs_read(xs, XBT_NULL, "/a", &len);
    ck_assert_uint_eq(len, 256);
    ck_assert_mem_eq(got, all, 256);
    free(got);
    ck_assert(xs_write(xs, XBT_NULL, "/a", "", 0));
    got = xs_read(xs, XBT_NULL, "/a", &len);
    ck_assert_uint_eq(len, 0);
    free(got);
}
END_TEST

START_TEST(a_relative_path_starts_at_the_domains_home)
{
    struct xs_handle *guest = open_as(3);

    expect_value(guest, XBT_NULL, "domid", "3");
    expect_value(xs, XBT_NULL, "domid", "0");
    put(guest, "data/x", "1");
    expect_value(xs, XBT_NULL, "/local/domain/3/data/x", "1");
    ck_assert(!xs_write(guest, XBT_NULL, "device/x", "1", 1));
    ck_assert_int_eq(errno, EACCES);
    ck_assert(!xs_write(guest, XBT_NULL, "/local/domain/1/data/x", "1", 1));
    ck_assert_int_eq(errno, EACCES);
    xs_close(guest);
}
END_TEST

/* The lengths around those where a part of a long list ends at a boundary. */
START_TEST(long_directories_come_whole_whatever_their_length)
{
    char path[80], name[64];

    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "/big/child-of-some-length-%04d", i); /* 27 bytes with the NUL */
        put(xs, path, "");
    }
    for (size_t extra = 1; extra <= 60; extra++) {
        unsigned n = 0;
        char **list;

        memset(name, 'z', extra);
        name[extra] = '\0';
        snprintf(path, sizeof(path), "/big/%s", name);
        put(xs, path, "");
        list = xs_directory(xs, XBT_NULL, "/big", &n);
        ck_assert_ptr_nonnull(list);
        ck_assert_uint_eq(n, 301);
        ck_assert_str_eq(list[0], "child-of-some-length-0000");
        ck_assert_str_eq(list[299], "child-of-some-length-0299");
        ck_assert_str_eq(list[300], name);
        free(list);
        ck_assert(xs_rm(xs, XBT_NULL, path));
    }
}
END_TEST

START_TEST(directories_around_the_limit_of_one_message)
{
    char path[64];

    for (int i = 0; i < 127; i++) { /* 127 * 32 = 4064 bytes */
        snprintf(path, sizeof(path), "/d/a-name-of-thirty-one-bytes-%04d", i);
        ck_assert_uint_eq(strlen(strrchr(path, '/')), 32);
        put(xs, path, "");
    }
    for (int extra = 1; extra < 300; extra++) {
        unsigned n = 0;
        char **list;

        snprintf(path, sizeof(path), "/d/x%d", extra);
        put(xs, path, "");
        list = xs_directory(xs, XBT_NULL, "/d", &n);
        ck_assert_ptr_nonnull(list);
        ck_assert_uint_eq(n, 127u + (unsigned)extra);
        free(list);
    }
}
END_TEST

START_TEST(a_watch_fires_at_once_and_then_for_its_path_and_below)
{
    ck_assert(xs_watch(xs, "/w", "t1"));
    ck_assert_str_eq(event(xs), "/w t1");
    put(xs, "/w", "1");
    ck_assert_str_eq(event(xs), "/w t1");
    put(xs, "/w/a/b", "1");
    ck_assert_str_eq(event(xs), "/w/a/b t1");
    put(xs, "/ww", "1");
    no_event(xs);
    ck_assert(xs_watch(xs, "/w/a/b", "t2"));
    ck_assert_str_eq(event(xs), "/w/a/b t2");
    ck_assert(xs_rm(xs, XBT_NULL, "/w"));
    ck_assert_str_eq(event(xs), "/w/a/b t2");
    ck_assert_str_eq(event(xs), "/w t1");
    no_event(xs);
    ck_assert(!xs_watch(xs, "/w", "t1"));
    ck_assert_int_eq(errno, EEXIST);
    ck_assert(xs_unwatch(xs, "/w", "t1"));
    ck_assert(!xs_unwatch(xs, "/w", "t1"));
    ck_assert_int_eq(errno, ENOENT);
    put(xs, "/w", "1");
    no_event(xs);
}
END_TEST

START_TEST(a_relative_watch_has_relative_events)
{
    struct xs_handle *guest = open_as(3);

    ck_assert(xs_watch(guest, "data", "rel"));
    ck_assert_str_eq(event(guest), "data rel");
    put(xs, "/local/domain/3/data/x", "1");
    ck_assert_str_eq(event(guest), "data/x rel");
    ck_assert(xs_watch(guest, "/local/domain/3/data", "abs"));
    ck_assert_str_eq(event(guest), "/local/domain/3/data abs");
    put(guest, "data/y", "1");
    ck_assert_str_eq(event(guest), "data/y rel");
    ck_assert_str_eq(event(guest), "/local/domain/3/data/y abs");
    xs_close(guest);
}
END_TEST

START_TEST(a_domain_is_not_told_of_what_it_may_not_read)
{
    struct xs_handle *guest = open_as(3);
    struct xs_permissions perms[2] = { { .id = 0 }, { .id = 3, .perms = XS_PERM_READ } };

    ck_assert(xs_watch(guest, "/", "t"));
    ck_assert_str_eq(event(guest), "/ t");
    put(xs, "/secret", "1");
    no_event(guest);
    ck_assert(xs_set_permissions(xs, XBT_NULL, "/secret", perms, 2));
    ck_assert_str_eq(event(guest), "/secret t");
    ck_assert(xs_rm(xs, XBT_NULL, "/secret"));
    ck_assert_str_eq(event(guest), "/secret t");
    ck_assert(xs_watch(guest, "@releaseDomain", "r"));
    ck_assert_str_eq(event(guest), "@releaseDomain r");
    server_ctl("destroy 1");
    no_event(guest);
    ck_assert(xs_set_permissions(xs, XBT_NULL, "@releaseDomain", perms, 2));
    server_ctl("create 1");
    server_ctl("destroy 1");
    ck_assert_str_eq(event(guest), "@releaseDomain r");
    xs_close(guest);
}
END_TEST

START_TEST(domains_come_and_go_with_their_watches_and_nodes)
{
    struct xs_handle *guest;
    char *path;

    ck_assert(xs_watch(xs, "@introduceDomain", "i"));
    ck_assert_str_eq(event(xs), "@introduceDomain i");
    ck_assert(xs_watch(xs, "@releaseDomain", "r"));
    ck_assert_str_eq(event(xs), "@releaseDomain r");
    ck_assert(!xs_is_domain_introduced(xs, 9));
    ck_assert(xs_introduce_domain(xs, 9, 0, 0));
    ck_assert_str_eq(event(xs), "@introduceDomain i");
    ck_assert(xs_introduce_domain(xs, 9, 0, 0));
    no_event(xs);
    ck_assert(xs_is_domain_introduced(xs, 9));
    path = xs_get_domain_path(xs, 9);
    ck_assert_str_eq(path, "/local/domain/9");
    free(path);
    guest = open_as(9);
    put(guest, "data/x", "1");
    expect_value(xs, XBT_NULL, "/local/domain/9/data/x", "1");
    server_ctl("shutdown 9");
    ck_assert_str_eq(event(xs), "@releaseDomain r");
    ck_assert(xs_is_domain_introduced(xs, 9));
    server_ctl("destroy 9");
    ck_assert_str_eq(event(xs), "@releaseDomain r");
    ck_assert(!xs_is_domain_introduced(xs, 9));
    expect_value(xs, XBT_NULL, "/local/domain/9/data/x", NULL);   /* it was the domain's own */
    expect_value(xs, XBT_NULL, "/local/domain/9/name", "guest9"); /* this is the toolstack's */
    ck_assert_ptr_null(xs_read(guest, XBT_NULL, "domid", NULL));
    ck_assert(!xs_release_domain(xs, 9));
    ck_assert_int_eq(errno, ENOENT);
    xs_close(guest);
}
END_TEST

START_TEST(a_transaction_is_seen_when_it_commits_and_fails_when_overtaken)
{
    struct xs_handle *other = open_as(0);
    xs_transaction_t t = xs_transaction_start(xs);

    put(xs, "/t/a", "0");
    ck_assert(xs_watch(other, "/t", "w"));
    ck_assert_str_eq(event(other), "/t w");
    ck_assert(xs_transaction_end(xs, t, false));
    t = xs_transaction_start(xs);
    ck_assert_uint_ne(t, XBT_NULL);
    ck_assert(xs_write(xs, t, "/t/a", "1", 1));
    expect_value(xs, t, "/t/a", "1");
    expect_value(other, XBT_NULL, "/t/a", "0");
    no_event(other);
    ck_assert(xs_transaction_end(xs, t, false));
    expect_value(other, XBT_NULL, "/t/a", "1");
    ck_assert_str_eq(event(other), "/t/a w");

    t = xs_transaction_start(xs);
    expect_value(xs, t, "/t/a", "1");
    put(other, "/t/a", "2");
    ck_assert(xs_write(xs, t, "/t/b", "1", 1));
    ck_assert(!xs_transaction_end(xs, t, false));
    ck_assert_int_eq(errno, EAGAIN);
    expect_value(xs, XBT_NULL, "/t/b", NULL);
    ck_assert(!xs_transaction_end(xs, t, false));
    ck_assert_int_eq(errno, ENOENT);

    t = xs_transaction_start(xs);
    ck_assert(xs_write(xs, t, "/t/a", "3", 1));
    ck_assert(xs_transaction_end(xs, t, true));
    expect_value(xs, XBT_NULL, "/t/a", "2");
    xs_close(other);
}
END_TEST

START_TEST(an_open_transaction_goes_with_its_connection)
{
    struct xs_handle *other = open_as(0);

    ck_assert_uint_ne(xs_transaction_start(other), XBT_NULL);
    ck_assert_int_eq(server_count(server_ctl("status"), "transactions"), 1);
    xs_close(other);
    ck_assert_int_eq(server_count(server_ctl("status"), "transactions"), 0);
}
END_TEST

START_TEST(a_guest_has_quotas)
{
    struct xs_handle *guest = open_as(3);
    char big[2050], path[32];
    unsigned n = 0;

    memset(big, 'x', sizeof(big));
    ck_assert(xs_write(guest, XBT_NULL, "data/big", big, 2048));
    ck_assert(!xs_write(guest, XBT_NULL, "data/big", big, 2049));
    ck_assert_int_eq(errno, ENOSPC);
    do
        snprintf(path, sizeof(path), "data/n%u", n++);
    while (n < 2000 && xs_write(guest, XBT_NULL, path, "", 0));
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_uint_eq(n, 1000 - 2 + 1); /* data and data/big were there */
    for (n = 0; n < 200; n++) {
        snprintf(path, sizeof(path), "t%u", n);
        if (!xs_watch(guest, "data", path))
            break;
    }
    ck_assert_int_eq(errno, E2BIG);
    ck_assert_uint_eq(n, 128);
    for (n = 0; n < 20 && xs_transaction_start(guest) != XBT_NULL; n++)
        ;
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_uint_eq(n, 10);
    xs_close(guest);
}
END_TEST

START_TEST(a_guest_gives_no_orders)
{
    struct xs_handle *guest = open_as(3);

    ck_assert(!xs_introduce_domain(guest, 5, 0, 0));
    ck_assert_int_eq(errno, EACCES);
    ck_assert(!xs_release_domain(guest, 1));
    ck_assert_int_eq(errno, EACCES);
    ck_assert(!xs_resume_domain(guest, 1));
    ck_assert_int_eq(errno, EACCES);
    ck_assert_ptr_null(xs_control_command(guest, "status", NULL, 0));
    ck_assert_int_eq(errno, EACCES);
    xs_close(guest);
}
END_TEST

/* --- faults --- */

static const struct {
    const char *script;
    const char *op;
    int error; /* of the first try; the second succeeds */
} faults[] = {
    { "read 1 EIO", "read", EIO },
    { "write:/f/* 1 EAGAIN", "write", EAGAIN },
    { "write:/g 1 EAGAIN", "write", 0 },
    { "mkdir 1 ENOSPC", "mkdir", ENOSPC },
    { "rm 1 EACCES", "rm", EACCES },
    { "directory 1 ENOMEM", "directory", ENOMEM },
    { "watch 1 E2BIG", "watch", E2BIG },
    { "unwatch 1 ENOENT", "unwatch", ENOENT },
    { "get-perms 1 EIO", "get-perms", EIO },
    { "set-perms 1 EPERM", "set-perms", EPERM },
    { "transaction-start 1 ENOSPC", "start", ENOSPC },
    { "transaction-end 1 EAGAIN", "end", EAGAIN },
    { "introduce 1 EINVAL", "introduce", EINVAL },
};

static bool do_op(const char *op)
{
    struct xs_permissions perms = { .id = 0 };
    xs_transaction_t t;
    unsigned n;

    if (strcmp(op, "read") == 0) {
        CLEANUP_FREE void *got = xs_read(xs, XBT_NULL, "/f/x", &n);
        return got != NULL;
    }
    if (strcmp(op, "directory") == 0) {
        CLEANUP_FREE void *got = xs_directory(xs, XBT_NULL, "/f", &n);
        return got != NULL;
    }
    if (strcmp(op, "get-perms") == 0) {
        CLEANUP_FREE void *got = xs_get_permissions(xs, XBT_NULL, "/f", &n);
        return got != NULL;
    }
    if (strcmp(op, "write") == 0)
        return xs_write(xs, XBT_NULL, "/f/x", "1", 1);
    if (strcmp(op, "mkdir") == 0)
        return xs_mkdir(xs, XBT_NULL, "/f/y");
    if (strcmp(op, "rm") == 0)
        return xs_rm(xs, XBT_NULL, "/f/y");
    if (strcmp(op, "watch") == 0)
        return xs_watch(xs, "/f", "t");
    if (strcmp(op, "unwatch") == 0)
        return xs_unwatch(xs, "/f", "u");
    if (strcmp(op, "set-perms") == 0)
        return xs_set_permissions(xs, XBT_NULL, "/f", &perms, 1);
    if (strcmp(op, "introduce") == 0)
        return xs_introduce_domain(xs, 12, 0, 0);
    t = xs_transaction_start(xs);
    if (t == XBT_NULL)
        return false;
    return xs_transaction_end(xs, t, false);
}

START_TEST(a_scripted_request_fails_once_and_works_after)
{
    put(xs, "/f/x", "1");
    ck_assert(xs_watch(xs, "/f", "u"));
    server_faults(faults[_i].script);
    errno = 0;
    ck_assert_int_eq(do_op(faults[_i].op), faults[_i].error == 0);
    ck_assert_int_eq(errno, faults[_i].error);
    ck_assert(do_op(faults[_i].op) || strcmp(faults[_i].op, "unwatch") != 0);
    ck_assert_ptr_nonnull(strstr(server_ctl("faults"), faults[_i].error ? "fired 1" : "fired 0"));
}
END_TEST

START_TEST(a_dropped_event_never_comes)
{
    ck_assert(xs_watch(xs, "/w", "t"));
    ck_assert_str_eq(event(xs), "/w t");
    server_faults("watch-event:/w/* 1 drop 2");
    put(xs, "/w/a", "1");
    put(xs, "/w/b", "1");
    put(xs, "/w/c", "1");
    ck_assert_str_eq(event(xs), "/w/c t");
}
END_TEST

START_TEST(a_dropped_connection_is_an_end_of_file)
{
    struct xs_handle *victim = open_as(0);

    server_faults("read:/victim 1 drop");
    ck_assert_ptr_null(xs_read(victim, XBT_NULL, "/victim", NULL));
    ck_assert_int_ne(errno, ENOENT);
    xs_close(victim);
    ck_assert_ptr_null(xs_read(xs, XBT_NULL, "/victim", NULL));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(a_delayed_answer_delays_nobody_else)
{
    struct xs_handle *slow = open_as(0);
    uint64_t start;
    pid_t child;

    put(xs, "/slow", "1");
    put(xs, "/fast", "1");
    server_faults("read:/slow 1 delay=2000");
    start = now_us();
    child = fork();
    if (child == 0) {
        char *got = xs_read(slow, XBT_NULL, "/slow", NULL);
        bool late = got && now_us() - start >= 2000000;

        free(got); /* valgrind looks at this process too */
        _exit(late ? 0 : 1);
    }
    usleep(100000);
    for (int i = 0; i < 100; i++)
        expect_value(xs, XBT_NULL, "/fast", "1");
    ck_assert_uint_lt(now_us() - start, 1900000);
    {
        int status;

        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
    xs_close(slow);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, values_are_bytes_of_any_kind);
    tcase_add_test(t, a_relative_path_starts_at_the_domains_home);
    tcase_add_test(t, long_directories_come_whole_whatever_their_length);
    tcase_add_test(t, directories_around_the_limit_of_one_message);
    tcase_add_test(t, a_watch_fires_at_once_and_then_for_its_path_and_below);
    tcase_add_test(t, a_relative_watch_has_relative_events);
    tcase_add_test(t, a_domain_is_not_told_of_what_it_may_not_read);
    tcase_add_test(t, domains_come_and_go_with_their_watches_and_nodes);
    tcase_add_test(t, a_transaction_is_seen_when_it_commits_and_fails_when_overtaken);
    tcase_add_test(t, an_open_transaction_goes_with_its_connection);
    tcase_add_test(t, a_guest_has_quotas);
    tcase_add_test(t, a_guest_gives_no_orders);
    tcase_add_loop_test(t, a_scripted_request_fails_once_and_works_after, 0, ARRAY_SIZE(faults));
    tcase_add_test(t, a_dropped_event_never_comes);
    tcase_add_test(t, a_dropped_connection_is_an_end_of_file);
    tcase_add_test(t, a_delayed_answer_delays_nobody_else);
}

int main(void)
{
    return run_tests("mock-xen xs", begin, end, add_tests);
}
