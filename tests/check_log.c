// SPDX-License-Identifier: GPL-2.0-or-later
/* How lines of the log begin and what becomes of them on their way. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>

#include "common/log-line.h"
#include "common/log.h"
#include "suite.h"

START_TEST(the_time_in_a_file_is_utc_whatever_the_time_zone)
{
    static const struct {
        struct timespec at;
        const char *head;
    } rows[] = {
        { { 0, 0 }, "1970-01-01T00:00:00.000Z " },
        { { 951827696, 7999999 }, "2000-02-29T12:34:56.007Z " },
        { { 4102444799, 999999999 }, "2099-12-31T23:59:59.999Z " },
    };

    setenv("TZ", "XYZ-5:30", 1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char head[LOG_HEAD_MAX];

        log_head(head, LOG_FORM_FILE, LOG_WARNING, &rows[i].at);
        ck_assert_str_eq(head, rows[i].head);
    }
}
END_TEST

START_TEST(standard_error_decides_the_form)
{
    CLEANUP_CLOSE int file = memfd_create("log", MFD_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int ends[2];
    struct stat st;
    char name[48];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(fstat(ends[1], &st), 0);
    snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    ck_assert_int_eq(log_form_of(file, NULL), LOG_FORM_FILE);
    ck_assert_int_eq(log_form_of(file, name), LOG_FORM_FILE);
    ck_assert_int_eq(log_form_of(ends[1], name), LOG_FORM_JOURNAL);
    ck_assert_int_eq(log_form_of(ends[1], NULL), LOG_FORM_PLAIN);
    ck_assert_int_eq(log_form_of(ends[1], ""), LOG_FORM_PLAIN);
    ck_assert_int_eq(log_form_of(ends[1], "1:2"), LOG_FORM_PLAIN);
    ck_assert_int_eq(log_form_of(null, name), LOG_FORM_PLAIN);
    ck_assert_int_eq(log_form_of(-1, name), LOG_FORM_PLAIN);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static int stderr_before = -1;

static void keep_stderr(void)
{
    stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

static void give_stderr_back(void)
{
    unsetenv("JOURNAL_STREAM");
    log_to(stderr_before);
    close(steal_fd(&stderr_before));
}

/* Each write() to standard error becomes a packet. */
static int packets;

/* As the journal: by JOURNAL_STREAM. */
static void listen_to_log(bool journal)
{
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    if (journal) {
        struct stat st;
        char name[48];

        ck_assert_int_eq(fstat(ends[1], &st), 0);
        snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        setenv("JOURNAL_STREAM", name, 1);
    }
    log_init(XTL_INFO);
    ck_assert_int_eq(log_to(ends[1]), 0);
    close(ends[1]);
    packets = ends[0];
}

static const char *next_packet(void)
{
    static char got[4096];
    ssize_t n = recv(packets, got, sizeof(got) - 1, 0);

    got[n < 0 ? 0 : n] = '\0';
    return got;
}

static void say(const char *fmt, ...) PRINTF(1, 2);

static void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_say(LOG_ERR, "prog", fmt, ap);
    va_end(ap);
}

START_TEST(a_line_is_one_write_and_stays_one_line)
{
    char longest[3000];

    listen_to_log(false);
    log_warn("d3.0", "dev-%u is %s", 7u, "gone");
    ck_assert_str_eq(next_packet(), "d3.0: warning: dev-7 is gone\n");
    log_err(NULL, ENOENT, "no %s", "file");
    ck_assert_str_eq(next_packet(), "error: no file: No such file or directory\n");
    log_info("", "two\nlines\x1b[2J\x7f, \xc3\xa4");
    ck_assert_str_eq(next_packet(), "info: two?lines?[2J?, \xc3\xa4\n");
    log_debug(NULL, "below the level");
    ck_assert_str_eq(next_packet(), "");
    say("cannot %s", "start");
    ck_assert_str_eq(next_packet(), "prog: cannot start\n");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    log_err("d3.0", ENOENT, "%s", longest);
    ck_assert_uint_eq(strlen(next_packet()), 2047);
    ck_assert_str_eq(next_packet(), "");
    close(packets);
}
END_TEST

START_TEST(each_level_has_its_priority_in_the_journal)
{
    static const struct {
        const char *level, *line;
    } rows[] = {
        { "debug", "<7>d3.0: debug: x\n" },       { "verbose", "<7>d3.0: verbose: x\n" },
        { "detail", "<7>d3.0: detail: x\n" },     { "progress", "<6>d3.0: progress: x\n" },
        { "info", "<6>d3.0: info: x\n" },         { "notice", "<5>d3.0: notice: x\n" },
        { "warning", "<4>d3.0: warning: x\n" },   { "error", "<3>d3.0: error: x\n" },
        { "critical", "<2>d3.0: critical: x\n" },
    };

    ck_assert_uint_eq(ARRAY_SIZE(rows), XTL_NUM_LEVELS - XTL_DEBUG);
    listen_to_log(true);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        xentoollog_level level;

        ck_assert_int_eq(log_level_parse(rows[i].level, &level), 0);
        log_set_level(level);
        ck_assert_int_eq(log_level(), level);
        log_msg(level, "d3.0", 0, "x");
        ck_assert_str_eq(next_packet(), rows[i].line);
    }
    say("last words");
    ck_assert_str_eq(next_packet(), "<3>prog: last words\n");
    close(packets);
}
END_TEST

START_TEST(the_form_changes_with_standard_error)
{
    CLEANUP_CLOSE int file = memfd_create("log", MFD_CLOEXEC);
    char got[256] = "";

    listen_to_log(false);
    log_info(NULL, "before");
    ck_assert_int_eq(log_to(file), 0);
    log_info(NULL, "after");
    say("last words");
    ck_assert_str_eq(next_packet(), "info: before\n");
    ck_assert_int_gt(pread(file, got, sizeof(got) - 1, 0), 0);
    ck_assert_int_eq(got[10], 'T');
    ck_assert_ptr_nonnull(strstr(got, "Z info: after\n"));
    ck_assert_ptr_nonnull(strstr(got, "Z prog: last words\n"));
    ck_assert_int_eq(log_to(-1), -EBADF);
    close(packets);
}
END_TEST

START_TEST(lines_of_a_command_have_a_priority_but_no_time)
{
    CLEANUP_CLOSE int file = memfd_create("log", MFD_CLOEXEC);
    char got[256] = "";

    listen_to_log(true);
    log_line_init_command();
    say("in the journal");
    ck_assert_str_eq(next_packet(), "<3>prog: in the journal\n");
    ck_assert_int_eq(log_to(file), 0);
    log_line_init_command();
    say("in a file");
    ck_assert_int_gt(pread(file, got, sizeof(got) - 1, 0), 0);
    ck_assert_str_eq(got, "prog: in a file\n");
    close(packets);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, the_time_in_a_file_is_utc_whatever_the_time_zone);
    tcase_add_test(t, standard_error_decides_the_form);
    tcase_add_test(t, a_line_is_one_write_and_stays_one_line);
    tcase_add_test(t, each_level_has_its_priority_in_the_journal);
    tcase_add_test(t, the_form_changes_with_standard_error);
    tcase_add_test(t, lines_of_a_command_have_a_priority_but_no_time);
}

int main(void)
{
    return run_tests("log", keep_stderr, give_stderr_back, add_tests);
}
