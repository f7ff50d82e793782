// SPDX-License-Identifier: GPL-2.0-or-later
/* The real xl's help, and what was learnt from it; see real-xl.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "common/util.h"
#include "real-xl.h"
#include "run.h"

enum {
    HELP_MAX = 64 * 1024,
    ANSWER_MAX = 4096 + 256
};

char *real_xl_commands(char *xl)
{
    char *argv[] = { xl, (char *)"help", NULL };
    CLEANUP_CLOSE int in = -1, out = -1;
    int fds[2];
    size_t len = 0;
    ssize_t n;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return NULL;
    in = fds[0];
    out = fds[1];
    CLEANUP_FREE char *text = malloc(HELP_MAX + 1), *names = calloc(1, HELP_MAX + 1);
    pid_t pid = text && names ? run_spawn(argv, out) : -ENOMEM;

    if (pid < 0)
        return NULL;
    close(steal_fd(&out));
    while (len < HELP_MAX && ((n = read(in, text + len, HELP_MAX - len)) > 0 || (n < 0 && errno == EINTR)))
        len += n > 0 ? (size_t)n : 0;
    close(steal_fd(&in));
    text[len] = '\0';
    if (run_wait(pid) != 0)
        return NULL;
    /* Each command is the first word of a line that begins with one blank. */
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        size_t word = line[0] == ' ' ? strspn(line + 1, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;

        if (word && line[1 + word] == ' ') {
            memcpy(names + strlen(names), line + 1, word);
            names[strlen(names)] = ' ';
        }
    }
    return steal_ptr(names);
}

/* --- the answer that is kept --- */

/* Which file it is, in which version. NULL: it is not there, or no memory. */
static char *identity_of(const char *xl)
{
    struct stat st;

    if (stat(xl, &st) < 0)
        return NULL;
    return strf("%s %ju %ju %jd %jd.%09ld %jd.%09ld", xl, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
                (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
                st.st_ctim.tv_nsec);
}

static bool is_recent(int fd)
{
    struct timespec now;
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid()
           && clock_gettime(CLOCK_REALTIME, &now) == 0 && st.st_mtim.tv_sec <= now.tv_sec
           && now.tv_sec - st.st_mtim.tv_sec < REAL_XL_ANSWER_S;
}

/* 1: it has scsi-attach; 0: it has not; -1: it must be asked. */
static int kept(const char *path, const char *identity)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char text[ANSWER_MAX];
    size_t len = strlen(identity);
    ssize_t n = fd >= 0 && is_recent(fd) ? read(fd, text, sizeof(text) - 1) : -1;

    if (n < 0)
        return -1;
    text[n] = '\0';
    if (strncmp(text, identity, len) != 0)
        return -1;
    return strcmp(text + len, " yes\n") == 0 ? 1 : strcmp(text + len, " no\n") == 0 ? 0 : -1;
}

/* Under another name first: another process may be reading. Where it cannot be kept, xl is asked each time. */
static void keep(const char *path, const char *identity, bool knows)
{
    CLEANUP_FREE char *fresh = strf("%s.%d", path, (int)getpid());
    CLEANUP_FREE char *text = strf("%s %s\n", identity, knows ? "yes" : "no");
    CLEANUP_CLOSE int fd = -1;

    if (!fresh || !text || (mkdir(run_get_dir(), 0755) < 0 && errno != EEXIST))
        return;
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && (write_all(fd, text, strlen(text)) < 0 || rename(fresh, path) < 0))
        unlink(fresh);
}

bool real_xl_knows_scsi(char *xl)
{
    CLEANUP_FREE char *path = strf("%s/real-xl", run_get_dir()), *identity = identity_of(xl);
    int answer = path && identity ? kept(path, identity) : -1;

    if (answer >= 0)
        return answer;
    CLEANUP_FREE char *names = real_xl_commands(xl);
    bool knows = names && strstr(names, "scsi-attach ");

    if (names && path && identity)
        keep(path, identity, knows);
    return knows;
}
