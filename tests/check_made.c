// SPDX-License-Identifier: GPL-2.0-or-later
/* Which domain our own xl has made: the pure parts, and when a domain may be taken for ours. */
#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/util.h"
#include "xl-scsi/made.h"
#include "suite.h"

static const struct {
    const char *line;
    enum xl_lock is; /* for process 568 */
} lines[] = {
    { "1: POSIX  ADVISORY  WRITE 568 00:1a:7841 0 EOF", XL_LOCK_HELD },
    { "27: POSIX  ADVISORY  WRITE 568 08:01:7841 0 EOF", XL_LOCK_HELD },
    { "1: -> POSIX  ADVISORY  WRITE 568 00:1a:7841 0 EOF", XL_LOCK_WAITED_FOR },
    { "1: POSIX  ADVISORY  WRITE 5680 00:1a:7841 0 EOF", XL_LOCK_UNSEEN },
    { "1: POSIX  ADVISORY  READ 568 00:1a:7841 0 EOF", XL_LOCK_UNSEEN },
    { "1: FLOCK  ADVISORY  WRITE 568 00:1a:7841 0 EOF", XL_LOCK_UNSEEN },
    { "1: OFDLCK ADVISORY  WRITE -1 00:1a:7841 0 EOF", XL_LOCK_UNSEEN },
    { "", XL_LOCK_UNSEEN },
    { "nonsense", XL_LOCK_UNSEEN },
};

START_TEST(line_of_proc_locks)
{
    ck_assert_int_eq(made_lock_line(lines[_i].line, 568), lines[_i].is);
}
END_TEST

static const struct {
    const char *text, *uuid; /* NULL: none */
} uuids[] = {
    { "01234567-89ab-cdef-0123-456789abcdef", "01234567-89ab-cdef-0123-456789abcdef" },
    { "01234567-89AB-CDEF-0123-456789ABCDEF", "01234567-89ab-cdef-0123-456789abcdef" },
    { "0123456789abcdef0123456789abcdef", NULL },
    { "01234567-89ab-cdef-0123-456789abcde", NULL },
    { "01234567-89ab-cdef-0123-456789abcdef0", NULL },
    { "01234567-89ab-cdef-0123-456789abcdeg", NULL },
    { "01234567x89ab-cdef-0123-456789abcdef", NULL },
    { "", NULL },
};

START_TEST(form_of_a_uuid)
{
    char uuid[UUID_TEXT_MAX];

    ck_assert_int_eq(made_uuid_form(uuids[_i].text, uuid), uuids[_i].uuid != NULL);
    if (uuids[_i].uuid)
        ck_assert_str_eq(uuid, uuids[_i].uuid);
}
END_TEST

static const struct {
    bool shared, by_name;
    enum xl_lock lock;
    bool sure, half;
} cells[] = {
    { false, false, XL_LOCK_UNSEEN, true, true },  { false, false, XL_LOCK_WAITED_FOR, true, true },
    { false, false, XL_LOCK_HELD, true, true },    { false, false, XL_LOCK_LET_GO, true, true },
    { true, false, XL_LOCK_UNSEEN, false, false }, { true, false, XL_LOCK_WAITED_FOR, false, false },
    { true, false, XL_LOCK_HELD, false, true },    { true, false, XL_LOCK_LET_GO, true, false },
    { false, true, XL_LOCK_UNSEEN, false, false }, { false, true, XL_LOCK_WAITED_FOR, false, false },
    { false, true, XL_LOCK_HELD, false, true },    { false, true, XL_LOCK_LET_GO, true, false },
};

START_TEST(whose_domain)
{
    struct made m = { .shared = cells[_i].shared, .by_name = cells[_i].by_name, .lock = cells[_i].lock };

    ck_assert_int_eq(made_sure(&m), cells[_i].sure);
    ck_assert_int_eq(made_half(&m), cells[_i].half);
}
END_TEST

/* All locks of the host are read only for a guest that they decide about. This process plays an xl with its lock. */
START_TEST(locks_are_read_only_if_they_decide)
{
    char path[] = "/tmp/check_made.XXXXXX";
    struct made shared = { .shared = true }, by_name = { .by_name = true }, ours = { 0 };
    struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_SETLK, &all), 0);
    made_observe(&shared, getpid());
    made_observe(&by_name, getpid());
    made_observe(&ours, getpid());
    unlink(path);
    close(fd);
    ck_assert_int_eq(shared.lock, XL_LOCK_HELD);
    ck_assert_int_eq(by_name.lock, XL_LOCK_HELD);
    ck_assert_int_eq(ours.lock, XL_LOCK_UNSEEN);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, line_of_proc_locks, 0, ARRAY_SIZE(lines));
    tcase_add_loop_test(t, form_of_a_uuid, 0, ARRAY_SIZE(uuids));
    tcase_add_loop_test(t, whose_domain, 0, ARRAY_SIZE(cells));
    tcase_add_test(t, locks_are_read_only_if_they_decide);
}

int main(void)
{
    return run_tests("which domain is ours", NULL, NULL, add_tests);
}
