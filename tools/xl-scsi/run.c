// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes and locks; see run.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>

#include "common/linux-calls.h"
#include "common/log-line.h"
#include "common/util.h"
#include "progress.h"
#include "run.h"
#include "xenstore.h"

enum {
    LOCK_POLL_NS = 20 * 1000000,
    PLACES_FIRST = 0x10000, /* numbers of domains are below, public/xen.h */
};

extern char **environ;

static const char *run_dir = RUNSTATEDIR "/xl-scsi";

void run_set_dir(const char *dir)
{
    run_dir = dir ? dir : RUNSTATEDIR "/xl-scsi";
}

const char *run_get_dir(void)
{
    return run_dir;
}

static int open_lock(const char *name)
{
    CLEANUP_FREE char *path = strf("%s/%s.lock", run_dir, name);

    if (!path || (mkdir(run_dir, 0755) < 0 && errno != EEXIST))
        return -1;
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int try_flock(int fd, uint32_t unused)
{
    return flock(fd, LOCK_EX | LOCK_NB);
}

/* Only the numbers of bytes are locked: the file stays empty. */
static int try_byte(int fd, uint32_t offset)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1 };

    return fcntl(fd, F_OFD_SETLK, &lock);
}

/* Polls, because a call that waits for a lock takes no deadline. 0, or -1 and errno as run_lock(). */
static int take(int fd, int (*try)(int fd, uint32_t which), uint32_t which, uint64_t deadline_us)
{
    const struct timespec pause = { .tv_nsec = LOCK_POLL_NS };
    const uint64_t begun_us = now_us();
    int r;

    while ((r = try(fd, which)) < 0) {
        if (errno != EWOULDBLOCK && errno != EACCES && errno != EINTR)
            break;
        if (xenstore_interrupted() || now_us() >= deadline_us) {
            errno = xenstore_interrupted() ? EINTR : ETIMEDOUT;
            break;
        }
        progress_show("another xl-scsi to finish", begun_us, deadline_us);
        nanosleep(&pause, NULL);
    }
    int error = errno;

    progress_end();
    errno = error;
    return r < 0 ? -1 : 0;
}

int run_lock(const char *name, uint64_t deadline_us)
{
    CLEANUP_CLOSE int fd = open_lock(name);

    return fd < 0 || take(fd, try_flock, 0, deadline_us) < 0 ? -1 : steal_fd(&fd);
}

static int lock_number(uint32_t number, uint64_t deadline_us)
{
    CLEANUP_CLOSE int fd = open_lock("domains");

    return fd < 0 || take(fd, try_byte, number, deadline_us) < 0 ? -1 : steal_fd(&fd);
}

int run_lock_domain(uint32_t domid, uint64_t deadline_us)
{
    return lock_number(domid, deadline_us);
}

int run_lock_place(uint32_t domid, uint64_t deadline_us)
{
    return lock_number(PLACES_FIRST + domid, deadline_us);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

int run_lock_units(uint32_t *which, unsigned n, uint64_t deadline_us)
{
    CLEANUP_CLOSE int fd = open_lock("units");

    /* All processes take the locks in the same order, so two of them never wait for each other. */
    qsort(which, n, sizeof(*which), by_number);
    for (unsigned i = 0; i < n && fd >= 0; i++)
        if (take(fd, try_byte, which[i], deadline_us) < 0)
            return -1;
    return steal_fd(&fd);
}

int run_lock_is_held(const char *name)
{
    CLEANUP_FREE char *path = strf("%s/%s.lock", run_dir, name);
    CLEANUP_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return path && errno == ENOENT ? 0 : -1;
    /* Shared, so that another process that asks at the same time is not taken for a holder. */
    return flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : -1;
}

int complain(int code, const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    va_start(ap, fmt);
    log_say(code ? LOG_ERR : LOG_WARNING, "xl-scsi", fmt, ap);
    va_end(ap);
    return code;
}

int complain_lines(int code, char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        complain(code, "%s", line);
    return code;
}

pid_t run_spawn(char *const argv[], int out)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    pid_t pid = -1;
    int r = posix_spawn_file_actions_init(&files);

    if (r)
        return -r;
    r = posix_spawnattr_init(&attr);
    if (r) {
        posix_spawn_file_actions_destroy(&files);
        return -r;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (out >= 0)
        r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    fflush(stdout);
    if (r == 0)
        r = posix_spawn(&pid, argv[0], &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return r ? -r : pid;
}

static int status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_wait(pid_t pid)
{
    /* Readable when the process ends. If there is no such descriptor (-1), poll() is only a pause. */
    CLEANUP_CLOSE int end = pidfd_open(pid, 0);
    struct pollfd fd = { .fd = end, .events = POLLIN };

    for (;;) {
        int status;
        pid_t got = waitpid(pid, &status, WNOHANG);

        if (got == pid)
            return status_of(status);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (xenstore_interrupted()) {
            xenstore_clear_interrupt();
            kill(pid, SIGTERM);
        }
        /* The wait is bounded, because a signal may come just before it. */
        poll(&fd, 1, end < 0 ? 20 : 500);
    }
}

int run_poll(pid_t pid)
{
    int status;
    pid_t got = waitpid(pid, &status, WNOHANG);

    if (got < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    return got == 0 ? -EAGAIN : status_of(status);
}

int run_program(char *const argv[])
{
    pid_t pid = run_spawn(argv, -1);

    return pid < 0 ? pid : run_wait(pid);
}
