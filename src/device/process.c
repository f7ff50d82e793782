// SPDX-License-Identifier: GPL-2.0-or-later
/* What /proc says of a process; see process.h. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/util.h"
#include "device/process.h"

/* The kernel escapes newlines in the name that the file begins with, so no process can make up such a line. */
static bool read_line(const char *status, const char *name, uint32_t *out)
{
    const char *at = strstr(status, name);

    return at && sscanf(at + strlen(name), "%u", out) == 1;
}

/*
 * The beginning of a file, as text. A process of many groups has a long list of them, which comes after what is wanted.
 */
static bool read_start(const char *path, char *text, size_t size)
{
    CLEANUP_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    if (n < 0)
        return false;
    text[n] = '\0';
    return true;
}

bool process_read(const char *proc, const char *pid, struct process *out)
{
    CLEANUP_FREE char *comm_path = strf("%s/%s/comm", proc, pid);
    CLEANUP_FREE char *status_path = strf("%s/%s/status", proc, pid);
    char status[4096];

    if (!read_start(comm_path, out->comm, sizeof(out->comm)) || !read_start(status_path, status, sizeof(status))
        || !read_line(status, "\nUid:", &out->uid) || !read_line(status, "\nPPid:", &out->parent))
        return false;
    out->comm[strcspn(out->comm, "\n")] = '\0';
    return true;
}

bool process_is_trusted(const struct process *p, const char *pid, uint32_t worker_uids)
{
    uint32_t number;

    return p->uid == 0 || p->uid == geteuid()
           || (worker_uids && parse_u32_str(pid, INT32_MAX, &number) == 0 && p->uid == worker_uids + number);
}
