// SPDX-License-Identifier: GPL-2.0-or-later
/* What the service manager is told, and how it names its socket and its watchdog. */
#include "config.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/notify.h"
#include "common/util.h"
#include "suite.h"

START_TEST(a_socket_in_the_abstract_namespace_gets_the_lines)
{
    static const char name[] = "@pvscsi-check-notify";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    char unique[64], got[64] = "";

    snprintf(unique, sizeof(unique), "%s-%d", name, (int)getpid());
    memcpy(address.sun_path + 1, unique + 1, strlen(unique) - 1);
    ck_assert_int_eq(
        bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(unique))), 0);
    setenv("NOTIFY_SOCKET", unique, 1);
    ck_assert(notify("READY=1\nSTATUS=serving"));
    ck_assert_int_eq(recv(fd, got, sizeof(got) - 1, 0), 22);
    ck_assert_str_eq(got, "READY=1\nSTATUS=serving");
}
END_TEST

START_TEST(without_a_manager_nothing_is_said)
{
    static const char *const names[] = { "", "@", "/", "relative", "vsock:2:1234", "/nosuch/socket" };
    char longer[200];

    unsetenv("NOTIFY_SOCKET");
    ck_assert(!notify("READY=1"));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        ck_assert_msg(!notify("READY=1"), "NOTIFY_SOCKET=%s", names[i]);
    }
    memset(longer, 'x', sizeof(longer));
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    setenv("NOTIFY_SOCKET", longer, 1);
    ck_assert(!notify("READY=1"));
}
END_TEST

START_TEST(a_watchdog_counts_for_the_process_that_is_meant)
{
    char own[16];
    const struct {
        const char *limit, *pid;
        uint64_t expected;
    } cases[] = {
        { NULL, NULL, 0 },
        { "20000000", NULL, 20000000 },
        { "20000000", own, 20000000 },
        { "20000000", "1", 0 },
        { "20000000", "", 0 },
        { "20000000", "x", 0 },
        { "", own, 0 },
        { "-1", own, 0 },
        { "20000000 ", own, 0 },
    };

    snprintf(own, sizeof(own), "%d", (int)getpid());
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        if (cases[i].limit)
            setenv("WATCHDOG_USEC", cases[i].limit, 1);
        if (cases[i].pid)
            setenv("WATCHDOG_PID", cases[i].pid, 1);
        ck_assert_msg(notify_watchdog_us() == cases[i].expected, "case %zu", i);
        ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
        ck_assert_ptr_null(getenv("WATCHDOG_PID"));
    }
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_socket_in_the_abstract_namespace_gets_the_lines);
    tcase_add_test(t, without_a_manager_nothing_is_said);
    tcase_add_test(t, a_watchdog_counts_for_the_process_that_is_meant);
}

int main(void)
{
    return run_tests("notify", NULL, NULL, add_tests);
}
