/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mock-xen for one test. It is started before each test in a new directory and ended after it.
 * Then its report of existing objects must be that of an idle mock-xen.
 */
#ifndef PVSCSI_TESTS_MOCKXEN_SERVER_H
#define PVSCSI_TESTS_MOCKXEN_SERVER_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "must.h"

static struct {
    char dir[32], socket[64], report[64], answer[8192];
    pid_t pid;
} server;

static const char *server_program(void)
{
    static char path[4096];
    const char *top = getenv("top_builddir");

    snprintf(path, sizeof(path), "%s/mock-xen", top ? top : ".");
    return path;
}

/* option: one more argument of mock-xen's, or NULL. */
static void server_start_with(const char *option, const char *value)
{
    char fd_text[16], line[8] = "";
    int ready[2];

    strcpy(server.dir, "/tmp/mockxen.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server.dir));
    snprintf(server.socket, sizeof(server.socket), "%s/xs", server.dir);
    snprintf(server.report, sizeof(server.report), "%s/report", server.dir);
    ck_assert_int_eq(pipe(ready), 0);
    snprintf(fd_text, sizeof(fd_text), "%d", ready[1]);
    server.pid = fork();
    ck_assert_int_ge(server.pid, 0);
    if (server.pid == 0) {
        close(ready[0]);
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that fails does not reach server_stop() */
        execl(server_program(), "mock-xen", "--socket", server.socket, "--domains", "1,3", "--ready-fd", fd_text,
              "--report", server.report, "--log-level", "error", option, value, (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], line, 6), 6);
    ck_assert_str_eq(line, "ready\n");
    close(ready[0]);
    setenv("XENSTORED_PATH", server.socket, 1);
}

static inline void server_start(void)
{
    server_start_with(NULL, NULL);
}

/* What `mock-xen ctl ARGS` prints; its exit status must be as said. */
static const char *server_ctl_status(int expected, const char *args)
{
    char command[8192];
    size_t n;
    FILE *p;
    int status;

    snprintf(command, sizeof(command), "%s --socket %s ctl %s%s", server_program(), server.socket, args,
             expected ? " 2>&1" : "");
    p = popen(command, "re");
    ck_assert_ptr_nonnull(p);
    n = fread(server.answer, 1, sizeof(server.answer) - 1, p);
    server.answer[n] = '\0';
    status = pclose(p);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "%s: status %d: %s", command, status,
                  server.answer);
    return server.answer;
}

static inline const char *server_ctl(const char *args)
{
    return server_ctl_status(0, args);
}

static inline void server_faults(const char *script)
{
    char path[64], args[80];
    FILE *f;

    snprintf(path, sizeof(path), "%s/faults", server.dir);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(script, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    snprintf(args, sizeof(args), "faults %s", path);
    ck_assert_str_eq(server_ctl(args), "OK\n");
}

/* The number after `name` in a status of mock-xen's; -1: no such name. */
static inline long server_count(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

static void server_stop(void)
{
    static const char *const idle[] = { "connections", "watches", "transactions", "mapped" };
    char text[8192], command[64];
    int status;
    size_t n;
    FILE *f;

    ck_assert_int_eq(kill(server.pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(server.pid, &status, 0), server.pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "mock-xen ended with status %#x", status);
    f = fopen(server.report, "re");
    ck_assert_ptr_nonnull(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    for (size_t i = 0; i < 4; i++)
        ck_assert_msg(server_count(text, idle[i]) == 0, "%s are left: %s", idle[i], text);
    ck_assert_ptr_null(strstr(text, "zombie"));
    ck_assert_int_ne(access(server.socket, F_OK), 0);
    snprintf(command, sizeof(command), "rm -r %s", server.dir);
    ck_assert_int_eq(system(command), 0);
}

#endif
