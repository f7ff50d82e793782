// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Worker processes as the control process starts and loses them. The worker is this program, started with --worker: it
 * serves nobody. It is started by its path: in an emulator of programs, /proc/self/exe is the emulator.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util.h"
#include "control/orphans.h"
#include "control/supervise.h"
#include "suite.h"

static char program[4096];

int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);

int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    ck_assert_str_eq(path, "/proc/self/exe");
    return __real_posix_spawn(pid, program, actions, attr, argv, envp);
}

#define LAST_WORDS 70u /* more than the 64 that are read at once when they come; the socket has room for some 90 */
#define GROUP 30u      /* fewer */

static int talk_without_end(void)
{
    struct pollfd p = { .fd = WORKER_FD, .events = POLLOUT };
    int r;

    do
        r = worker_msg_send(WORKER_FD, &(struct worker_msg){ .type = WM_HOST_EH_ASK }, NULL, 0);
    while (r == 0 || (r == -EAGAIN && poll(&p, 1, -1) == 1));
    return 1;
}

/* There is always an end of what is read at once. */
static int ask_in_groups(void)
{
    struct pollfd p = { .fd = WORKER_FD, .events = POLLIN };
    struct worker_msg msg;
    int fds[WORKER_MAX_FDS];

    for (;;) {
        for (unsigned i = 0; i < GROUP; i++)
            if (worker_msg_send(WORKER_FD, &(struct worker_msg){ .type = WM_HOST_EH_ASK }, NULL, 0) < 0)
                return 1;
        for (unsigned i = 0; i < GROUP;) {
            int r = worker_msg_recv(WORKER_FD, &msg, fds);

            if (r == 1)
                i++;
            else if (r != -EAGAIN || poll(&p, 1, -1) != 1)
                return 1;
        }
    }
}

/* This program as a worker: when it hears something, it sends its messages and ends. */
static int last_words(void)
{
    struct pollfd p = { .fd = WORKER_FD, .events = POLLIN };
    struct worker_msg msg;
    int fds[WORKER_MAX_FDS];

    /* With a message that nobody has read, the end of the process would be an error of the socket. */
    if (poll(&p, 1, -1) != 1 || worker_msg_recv(WORKER_FD, &msg, fds) != 1)
        return 1;
    if (msg.type == WM_POLL)
        return msg.u.poll_us ? ask_in_groups() : talk_without_end();
    for (uint32_t i = 0; i < LAST_WORDS; i++)
        if (worker_msg_send(WORKER_FD, &(struct worker_msg){ .type = WM_LUN_REMOVED, .lun_index = i }, NULL, 0) < 0)
            return 1;
    return 0;
}

static struct child *dying;
static unsigned heard, heard_without_number;
static bool has_died;

static void on_message(void *ctx, const struct worker_msg *msg)
{
    ck_assert_uint_eq(msg->lun_index, heard++);
    if (kill(child_pid(dying), 0) < 0)
        heard_without_number++;
}

static void on_death(void *ctx, const char *how, bool clean)
{
    ck_assert_str_eq(how, "exit status 0");
    ck_assert(clean);
    has_died = true;
}

/* While its messages are handled, its number is not given to another process, whose descriptors would be looked at. */
START_TEST(a_dead_worker_has_its_number_until_its_last_message)
{
    static const struct child_ops ops = { .message = on_message, .died = on_death };
    struct loop *loop;
    siginfo_t info;
    pid_t pid;

    ck_assert_int_eq(loop_new(&loop), 0);
    ck_assert_int_eq(child_start(loop, "d3.0", &ops, NULL, &dying), 0);
    pid = child_pid(dying);
    ck_assert_int_eq(child_send(dying, &(struct worker_msg){ .type = WM_QUIT }, NULL, 0), 0);
    ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    while (!has_died)
        ck_assert_int_eq(loop_once(loop, 1000), 0);
    ck_assert_uint_eq(heard, 70);
    ck_assert_uint_eq(heard_without_number, 0);
    /* It has been reaped. */
    ck_assert(kill(pid, 0) < 0 && errno == ESRCH);
    loop_free(loop);
}
END_TEST

/*
 * A clock that only the test moves, so it does not matter how busy the machine is. Messages are expensive, and time
 * goes on where there are none.
 */
static uint64_t clock_us, cost_us, spent_us;
static bool clock_is_ours;
static struct child *talking;

uint64_t __real_now_us(void);
uint64_t __wrap_now_us(void);

uint64_t __wrap_now_us(void)
{
    return clock_is_ours ? clock_us : __real_now_us();
}

static void on_question(void *ctx, const struct worker_msg *msg)
{
    clock_us += cost_us;
    spent_us += cost_us;
    heard++;
    child_send(talking, &(struct worker_msg){ .type = WM_HOST_EH }, NULL, 0);
}

static void on_kill(void *ctx, const char *how, bool clean)
{
    has_died = true;
}

static struct loop *begin_talk(unsigned kind)
{
    static const struct child_ops ops = { .message = on_question, .died = on_kill };
    struct worker_msg start = { .type = WM_POLL, .u.poll_us = kind };
    struct loop *loop;

    heard = 0;
    spent_us = 0;
    has_died = false;
    clock_is_ours = true;
    clock_us = 1000000;
    ck_assert_int_eq(loop_new(&loop), 0);
    ck_assert_int_eq(child_start(loop, "d3.0", &ops, NULL, &talking), 0);
    ck_assert_int_eq(child_send(talking, &start, NULL, 0), 0);
    return loop;
}

/* One round of the loop. The worker has a real 0.1 ms for its next message, and the clock goes on by 1 ms. */
static void round_of_talk(struct loop *loop)
{
    unsigned before = heard;

    ck_assert_int_eq(loop_once(loop, 0), 0);
    if (heard > before)
        return;
    usleep(100);
    clock_us += 1000;
}

static void end_talk(struct loop *loop)
{
    child_kill(talking);
    while (!has_died)
        ck_assert_int_eq(loop_once(loop, 1), 0);
    clock_is_ours = false;
    loop_free(loop);
}

/*
 * A guest that has taken its worker over can keep the control process from others for a fifth of the time, and a tenth
 * of a second. 0: it never stops talking; 1: it waits for answers.
 */
START_TEST(a_worker_that_never_stops_talking_leaves_time_for_others)
{
    struct loop *loop = begin_talk((unsigned)_i);
    const uint64_t begun = clock_us;

    cost_us = 1000;
    while (heard < 600) {
        round_of_talk(loop);
        /* What is read at once is 64 messages at most. */
        ck_assert_msg(spent_us <= (clock_us - begun) / 5 + 100000 + 64000, "%u of %u us", (unsigned)spent_us,
                      (unsigned)(clock_us - begun));
    }
    end_talk(loop);
}
END_TEST

/* The machine, or this process, was stopped for a minute while a message was handled. */
START_TEST(a_worker_waits_for_a_second_at_most)
{
    struct loop *loop = begin_talk(0);
    uint64_t stopped;

    cost_us = 60000000;
    while (heard == 0)
        round_of_talk(loop);
    cost_us = 0;
    stopped = clock_us;
    heard = 0;
    while (heard < 100)
        round_of_talk(loop);
    ck_assert_uint_le(clock_us - stopped, 1100000);
    end_talk(loop);
}
END_TEST

/* --- workers of an earlier daemon --- */

static char proc[64];

/* A process that sleeps, and what the made-up /proc says of it. Its user is uid_base plus its number. */
static pid_t sleeper(const char *comm, unsigned parent, unsigned uid_base)
{
    CLEANUP_FREE char *make = NULL;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        pause();
        _exit(0);
    }
    make = strf(
        "cd %s && mkdir %d && echo %s >%d/comm && printf 'Name:\\tx\\nPPid:\\t%u\\nUid:\\t%u\\t9\\n' >%d/status", proc,
        (int)pid, comm, (int)pid, parent, uid_base + (unsigned)pid, (int)pid);
    ck_assert_int_eq(system(make), 0);
    return pid;
}

static bool lives(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == 0;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* What it has mapped, as the made-up /proc says it. */
static void maps(pid_t pid, const char *file)
{
    CLEANUP_FREE char *make = strf("echo '7f0000000000-7f0000001000 rw-s 00000000 00:17 123 %s' >%s/%d/maps", file,
                                   proc, (int)pid);

    ck_assert_int_eq(system(make), 0);
}

static unsigned open_fds(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/*
 * It may have given up its journal, so that nobody waits for it. What has a daemon, or another name, is left alone, and
 * what has the name but another user: every user can make as many of these as the kernel allows.
 */
START_TEST(a_worker_that_outlives_its_daemon_is_killed)
{
    const struct device_roots roots = { .proc = proc, .worker_uids = 70000 };
    CLEANUP_FREE char *away = NULL;
    pid_t daemon, served, orphan, other, namesake;
    struct orphans *o;
    struct loop *loop;
    unsigned before;

    strcpy(proc, "/tmp/check_supervise.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(proc));
    ck_assert_int_eq(loop_new(&loop), 0);
    daemon = sleeper(DAEMON_NAME, 1, 0);
    served = sleeper(WORKER_NAME, (unsigned)daemon, 70000);
    other = sleeper("worker", 1, 70000);
    namesake = sleeper(WORKER_NAME, 1, 70001);
    before = open_fds();
    ck_assert_ptr_null(orphans_find(loop, &roots, 10000));
    ck_assert_uint_eq(open_fds(), before);
    orphan = sleeper(WORKER_NAME, 1, 70000);
    maps(orphan, "/run/pvscsid/d3.0.journal");
    o = orphans_find(loop, &roots, 10000);
    ck_assert_ptr_nonnull(o);
    ck_assert_uint_eq(open_fds(), before + 1);
    ck_assert(lives(orphan));
    for (unsigned i = 0; i < 500 && lives(orphan); i++)
        ck_assert_int_eq(loop_once(loop, 20), 0);
    ck_assert(!lives(orphan));
    ck_assert_uint_eq(open_fds(), before);
    ck_assert(lives(daemon) && lives(served) && lives(other) && lives(namesake));
    orphans_free(o);
    loop_free(loop);
    end(daemon);
    end(served);
    end(other);
    end(namesake);
    away = strf("rm -r %s", proc);
    ck_assert_int_eq(system(away), 0);
}
END_TEST

/*
 * 0: one that is about to end has nothing mapped; 1: one whose guest was destroyed has a journal that was removed; 2: a
 * worker without a journal gives no device up, and nobody waits for it.
 */
START_TEST(a_worker_without_its_journal_is_killed_at_once)
{
    static const char *const mapped[] = { NULL, "/run/pvscsid/d3.0.journal (deleted)", "/usr/sbin/d3.0.pvscsid" };
    const struct device_roots roots = { .proc = proc, .worker_uids = 70000 };
    CLEANUP_FREE char *away = NULL;
    struct orphans *o;
    struct loop *loop;
    pid_t orphan;

    strcpy(proc, "/tmp/check_supervise.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(proc));
    ck_assert_int_eq(loop_new(&loop), 0);
    orphan = sleeper(WORKER_NAME, 1, 70000);
    if (mapped[_i]) {
        maps(orphan, mapped[_i]);
    } else {
        CLEANUP_FREE char *none = strf(": >%s/%d/maps", proc, (int)orphan);

        ck_assert_int_eq(system(none), 0);
    }
    o = orphans_find(loop, &roots, 60000000);
    ck_assert_int_eq(lives(orphan), _i < 2);
    orphans_free(o);
    loop_free(loop);
    if (_i < 2)
        end(orphan);
    away = strf("rm -r %s", proc);
    ck_assert_int_eq(system(away), 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_dead_worker_has_its_number_until_its_last_message);
    tcase_add_loop_test(t, a_worker_that_never_stops_talking_leaves_time_for_others, 0, 2);
    tcase_add_test(t, a_worker_waits_for_a_second_at_most);
    tcase_add_test(t, a_worker_that_outlives_its_daemon_is_killed);
    tcase_add_loop_test(t, a_worker_without_its_journal_is_killed_at_once, 0, 3);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--worker") == 0)
        return last_words();
    if (getenv("UNDER_VALGRIND")) {
        printf("SKIP: valgrind 3.19 has no pidfd_open()\n");
        return 77;
    }
    if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
        return 1;
    return run_tests("host-supervise", NULL, NULL, add_tests);
}
