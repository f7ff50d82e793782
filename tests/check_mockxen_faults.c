// SPDX-License-Identifier: GPL-2.0-or-later
/* mock-xen's fault script: its grammar, its counts, and the page that clients count in. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <xen/grant_table.h>

#include "../tools/mock-xen/faults.h"
#include "common/util.h"
#include "alloc-fail.h"
#include "must.h"
#include "suite.h"

static const struct {
    const char *line;
    int result;
    unsigned rules;
} scripts[] = {
    { "", 0, 0 },
    { "# nothing\n\n   \n", 0, 0 },
    { "read 1 EIO", 0, 1 },
    { "read 1 EIO 5\nwrite 2 drop *\n", 0, 2 },
    { "write@3:/local/*/state 2 EAGAIN # why", 0, 1 },
    { "rm 1 hang", 0, 1 },
    { "mkdir 1 delay=50", 0, 1 },
    { "connect 1 drop", 0, 1 },
    { "watch-event 1 drop 3", 0, 1 },
    { "map 1 EINVAL", 0, 1 },
    { "bind 2 ESRCH", 0, 1 },
    { "copy 1 ENOMEM", 0, 1 },
    { "copy-segment 3 bad_page 2", 0, 1 },
    { "notify 1 drop", 0, 1 },
    { "reed 1 EIO", -EINVAL, 0 },
    { "read", -EINVAL, 0 },
    { "read 1", -EINVAL, 0 },
    { "read 0 EIO", -EINVAL, 0 },
    { "read x EIO", -EINVAL, 0 },
    { "read 1 EWHAT", -EINVAL, 0 },
    { "read 1 EIO 0", -EINVAL, 0 },
    { "read 1 EIO 1 1", -EINVAL, 0 },
    { "read 1 ENODEV", -EINVAL, 0 },
    { "read@x 1 EIO", -EINVAL, 0 },
    { "map:/x 1 EIO", -EINVAL, 0 },
    { "copy 1 drop", -EINVAL, 0 },
    { "copy-segment 1 EIO", -EINVAL, 0 },
    { "connect 1 EIO", -EINVAL, 0 },
    { "watch-event 1 EIO", -EINVAL, 0 },
    { "read 1 delay=x", -EINVAL, 0 },
    { "copy 1 delay=5", -EINVAL, 0 },
    { "read 1 EIO\nread 1", -EINVAL, 0 },
    { "read 1 general_error", -EINVAL, 0 },
};

START_TEST(a_fault_script_is_taken_whole_or_refused_with_its_line)
{
    struct faults faults = { 0 };
    char why[128] = "";

    ck_assert_int_eq(faults_load(&faults, scripts[_i].line, false, why, sizeof(why)), scripts[_i].result);
    ck_assert_uint_eq(faults.n_rules, scripts[_i].rules);
    ck_assert_int_eq(strncmp(why, "line ", 5) == 0, scripts[_i].result < 0);
    faults_deinit(&faults);
}
END_TEST

START_TEST(a_refusal_says_what_is_allowed)
{
    static const struct {
        const char *line, *why;
    } refused[] = {
        { "watch-event 1 EIO", "line 1: \"EIO\" cannot happen to watch-event; expected one of: drop" },
        { "connect 1 hang", "line 1: \"hang\" cannot happen to connect; expected one of: drop" },
        { "copy-segment 1 drop",
          "line 1: \"drop\" cannot happen to copy-segment; expected one of: general_error, bad_domain, bad_gntref, "
          "bad_handle, bad_virt_addr, bad_dev_addr, no_device_space, permission_denied, bad_page, bad_copy_arg, "
          "address_too_big, eagain, no_space" },
        { "write 1 ENXIO",
          "line 1: \"ENXIO\" cannot happen to write; expected one of: drop, hang, delay=MS, EPERM, ENOENT, EIO, "
          "E2BIG, EAGAIN, ENOMEM, EACCES, EBUSY, EEXIST, EISDIR, EINVAL, ENOSPC, EROFS, ENOSYS, ENOTEMPTY, EISCONN" },
        { "reed 1 EIO",
          "line 1: \"reed\" is not a kind of call; expected one of: control, directory, read, get-perms, "
          "watch, unwatch, transaction-start, transaction-end, introduce, release, get-domain-path, write, "
          "mkdir, rm, set-perms, watch-event, is-domain-introduced, resume, reset-watches, directory-part, "
          "connect, hello, memory, map, unmap, share, unshare, alloc-port, bind, unbind, restrict, bye, copy, "
          "copy-segment, notify, unmask, "
          "pending" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct faults faults = { 0 };
        char why[FAULT_WHY_MAX];

        ck_assert_int_eq(faults_load(&faults, refused[i].line, false, why, sizeof(why)), -EINVAL);
        ck_assert_str_eq(why, refused[i].why);
        faults_deinit(&faults);
    }
}
END_TEST

START_TEST(a_bad_script_leaves_the_old_rules)
{
    struct faults faults = { 0 };
    char why[128];

    ck_assert_int_eq(faults_load(&faults, "read 2 EIO", false, why, sizeof(why)), 0);
    ck_assert_int_eq(faults_check(&faults, XS_READ, 0, "/x").action, FAULT_NONE);
    ck_assert_int_eq(faults_load(&faults, "read 1 EIO\nx", false, why, sizeof(why)), -EINVAL);
    ck_assert_str_eq(why, "line 2: expected: KIND[@DOMID][:GLOB] NTH WHAT [COUNT]");
    ck_assert_int_eq(faults_load(&faults, "write 1 EACCES", true, why, sizeof(why)), 0);
    ck_assert_int_eq(faults_check(&faults, XS_READ, 0, "/x").value, EIO); /* the count continued */
    ck_assert_int_eq(faults_check(&faults, XS_WRITE, 0, "/x").value, EACCES);
    faults_deinit(&faults);
}
END_TEST

START_TEST(the_nth_call_of_a_kind_fails_and_so_many_after_it)
{
    struct faults faults = { 0 };
    uint64_t seen, fired;
    char why[128];

    ck_assert_int_eq(faults_load(&faults, "write@3:/a/* 3 EAGAIN 2", false, why, sizeof(why)), 0);
    for (int i = 1; i <= 6; i++) {
        struct fault f;

        ck_assert_int_eq(faults_check(&faults, XS_WRITE, 0, "/a/b").action, FAULT_NONE);
        ck_assert_int_eq(faults_check(&faults, XS_WRITE, 3, "/b").action, FAULT_NONE);
        ck_assert_int_eq(faults_check(&faults, XS_WRITE, 3, NULL).action, FAULT_NONE);
        ck_assert_int_eq(faults_check(&faults, XS_READ, 3, "/a/b").action, FAULT_NONE);
        f = faults_check(&faults, XS_WRITE, 3, "/a/b");
        ck_assert_int_eq(f.action, i == 3 || i == 4 ? FAULT_ERROR : FAULT_NONE);
        if (f.action != FAULT_NONE)
            ck_assert_int_eq(f.value, EAGAIN);
    }
    faults_counts(&faults, &faults.rules[0], &seen, &fired);
    ck_assert_uint_eq(seen, 6);
    ck_assert_uint_eq(fired, 2);
    ck_assert_uint_eq(faults.calls[XS_WRITE], 24);
    faults_deinit(&faults);
}
END_TEST

START_TEST(calls_of_clients_are_counted_in_the_shared_page)
{
    static struct mx_fault_page page;
    struct faults faults = { .page = &page };
    uint64_t seen, fired;
    int32_t value;
    char why[128];

    ck_assert_int_eq(faults_load(&faults,
                                 "read 1 EIO\ncopy@5 2 ENOMEM\n"
                                 "copy-segment 1 bad_page *\nnotify 1 drop",
                                 false, why, sizeof(why)),
                     0);
    ck_assert_uint_eq(page.n_rules, 3);
    ck_assert(!mx_fault_hit(&page, MX_CALL_COPY, 5, &value));
    ck_assert(!mx_fault_hit(&page, MX_CALL_COPY, 6, &value));
    ck_assert(mx_fault_hit(&page, MX_CALL_COPY, 5, &value));
    ck_assert_int_eq(value, -ENOMEM);
    ck_assert(!mx_fault_hit(&page, MX_CALL_COPY, 5, &value));
    for (int i = 0; i < 3; i++) {
        ck_assert(mx_fault_hit(&page, MX_CALL_COPY_SEGMENT, 0, &value));
        ck_assert_int_eq(value, GNTST_bad_page);
    }
    ck_assert(mx_fault_hit(&page, MX_CALL_NOTIFY, 0, &value));
    ck_assert_int_eq(value, MX_FAULT_DROP);
    faults_counts(&faults, &faults.rules[1], &seen, &fired);
    ck_assert_uint_eq(seen, 3);
    ck_assert_uint_eq(fired, 1);
    ck_assert_int_eq(faults_load(&faults, "", false, why, sizeof(why)), 0);
    ck_assert(!mx_fault_hit(&page, MX_CALL_COPY_SEGMENT, 0, &value));
    faults_deinit(&faults);
}
END_TEST

START_TEST(a_fault_script_without_memory_leaves_the_old_one)
{
    long n = 0;
    int r;

    do {
        struct faults faults = { 0 };
        char why[128];

        ck_assert_int_eq(faults_load(&faults, "read:/x 1 EIO", false, why, sizeof(why)), 0);
        fail_at = ++n;
        r = faults_load(&faults, "write:/y 1 EIO\nrm:/z 1 EIO", true, why, sizeof(why));
        fail_at = 0;
        ck_assert_uint_eq(faults.n_rules, r == 0 ? 3 : 1);
        ck_assert(r == 0 || r == -ENOMEM);
        faults_deinit(&faults);
    } while (r < 0);
    ck_assert_int_gt(n, 4);
}
END_TEST

START_TEST(a_reference_and_its_page_find_each_other)
{
    static const uint32_t sizes[] = { 64, 1024, 16384, 1u << 20 };

    for (size_t s = 0; s < 4; s++)
        for (uint32_t page = 0; page < sizes[s]; page++) {
            uint32_t ref = mx_ref_of_page(page, sizes[s]);

            must(ref < sizes[s], "page %u of %u: reference %u", page, sizes[s], ref);
            must_eq(mx_page_of_ref(ref, sizes[s]), page);
        }
}
END_TEST

START_TEST(the_man_page_names_every_kind_of_call)
{
    const char *top = getenv("top_srcdir");
    CLEANUP_FREE char *path = strf("%s/docs/mock-xen.1", top ? top : ".."), *text = NULL;
    unsigned named = 0;

    ck_assert_ptr_nonnull(path);
    ck_assert_int_eq(read_file(path, 1000000, &text, NULL), 0);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        CLEANUP_FREE char *word = strf(" %s ", fault_kind_name(kind) ? fault_kind_name(kind) : "");

        if (!fault_kind_name(kind))
            continue;
        ck_assert_ptr_nonnull(word);
        ck_assert_msg(strstr(strstr(text, "FAULT SCRIPT"), word) != NULL, "%s is not in %s", word, path);
        named++;
    }
    ck_assert_uint_eq(named, 37);
}
END_TEST

#define N(table) (int)(sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_fault_script_is_taken_whole_or_refused_with_its_line, 0, N(scripts));
    tcase_add_test(t, a_refusal_says_what_is_allowed);
    tcase_add_test(t, a_bad_script_leaves_the_old_rules);
    tcase_add_test(t, the_nth_call_of_a_kind_fails_and_so_many_after_it);
    tcase_add_test(t, calls_of_clients_are_counted_in_the_shared_page);
    tcase_add_test(t, a_fault_script_without_memory_leaves_the_old_one);
    tcase_add_test(t, a_reference_and_its_page_find_each_other);
    tcase_add_test(t, the_man_page_names_every_kind_of_call);
}

int main(void)
{
    return run_tests("mock-xen faults", NULL, NULL, add_tests);
}
