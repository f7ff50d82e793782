/* Processes and locks; see run.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/util.h"
#include "run.h"
#include "store.h"

extern char **environ;

static const char *run_dir = RUNSTATEDIR "/xl-scsi";

void run_set_dir(const char *dir)
{
    run_dir = dir ? dir : RUNSTATEDIR "/xl-scsi";
}

static int lock_file(const char *name, int how)
{
    CLEANUP_FREE char *path = strf("%s/%s.lock", run_dir, name);
    CLEANUP_CLOSE int fd = -1;

    if (!path)
        return -1;
    if (mkdir(run_dir, 0755) < 0 && errno != EEXIST)
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    while (flock(fd, how) < 0)
        if (errno != EINTR)
            return -1;
    return steal_fd(&fd);
}

int run_lock(const char *name)
{
    return lock_file(name, LOCK_EX);
}

int run_trylock(const char *name)
{
    return lock_file(name, LOCK_EX | LOCK_NB);
}

int complain(int code, const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fputs("xl-scsi: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
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
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
        if (store_interrupted()) {
            store_clear_interrupt();
            kill(pid, SIGTERM);
        }
    }
    return status_of(status);
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
