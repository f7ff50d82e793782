// SPDX-License-Identifier: GPL-2.0-or-later
/* libxl's own files about a domain; see userdata.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "common/util.h"
#include "userdata.h"

#define LOCK_NAME "domain-userdata-lock"

enum {
    USERDATA_MAX = 16 << 20,
    LOCK_POLL_NS = 20 * 1000000
};

/* what: l for a lock, d for the data, n for data that is being written. NULL without memory. */
static char *path_of(const struct userdata *u, char what, const char *name)
{
    return strf("%s/userdata-%c.%u.%s.%s", u->dir, what, u->domid, u->uuid, name);
}

/*
 * The holder of the lock removes the file before it lets go. Then our lock is on a file that no longer has this name.
 */
static bool is_still(const char *path, int fd)
{
    struct stat by_name, by_fd;

    return stat(path, &by_name) == 0 && fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev
           && by_name.st_ino == by_fd.st_ino;
}

int userdata_lock(const struct userdata *u, uint64_t deadline_us)
{
    CLEANUP_FREE char *path = path_of(u, 'l', LOCK_NAME);
    const struct timespec pause = { .tv_nsec = LOCK_POLL_NS };

    if (!path)
        return -ENOMEM;
    for (;;) {
        CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

        if (fd < 0)
            return -errno;
        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            if (errno != EWOULDBLOCK && errno != EINTR)
                return -errno;
            if (now_us() >= deadline_us)
                return -ETIMEDOUT;
            nanosleep(&pause, NULL);
        }
        if (is_still(path, fd))
            return steal_fd(&fd);
    }
}

void userdata_unlock(const struct userdata *u, int fd)
{
    CLEANUP_FREE char *path = path_of(u, 'l', LOCK_NAME);

    if (path)
        unlink(path);
    close(fd);
}

int userdata_read(const struct userdata *u, const char *name, char **text)
{
    CLEANUP_FREE char *path = path_of(u, 'd', name);

    return path ? read_file(path, USERDATA_MAX, text, NULL) : -ENOMEM;
}

bool userdata_exists(const struct userdata *u, const char *name)
{
    CLEANUP_FREE char *path = path_of(u, 'd', name);

    return path && access(path, F_OK) == 0;
}

int userdata_replace(const struct userdata *u, const char *name, const char *text)
{
    CLEANUP_FREE char *path = path_of(u, 'd', name), *fresh = path_of(u, 'n', name);
    CLEANUP_CLOSE int fd = path && fresh ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    int r = !path || !fresh ? -ENOMEM : fd < 0 ? -errno : write_all(fd, text, strlen(text) + 1);

    if (r == 0 && rename(fresh, path) < 0)
        r = -errno;
    if (r < 0 && fd >= 0)
        unlink(fresh);
    return r;
}
