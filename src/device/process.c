// SPDX-License-Identifier: GPL-2.0-or-later
/* What /proc says of a process; see process.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "device/process.h"

/* The kernel escapes newlines in the name that the file begins with, so no process can make up such a line. */
static bool read_line(const char *status, const char *name, uint32_t *out)
{
    const char *at = strstr(status, name);

    return at && sscanf(at + strlen(name), "%u", out) == 1;
}

bool process_read(const char *proc, const char *pid, struct process *out)
{
    CLEANUP_FREE char *comm_path = strf("%s/%s/comm", proc, pid), *comm = NULL;
    CLEANUP_FREE char *status_path = strf("%s/%s/status", proc, pid), *status = NULL;

    if (!comm_path || !status_path || read_file(comm_path, sizeof(out->comm), &comm, NULL) < 0
        || read_file(status_path, 65536, &status, NULL) < 0 || !read_line(status, "\nUid:", &out->uid)
        || !read_line(status, "\nPPid:", &out->parent))
        return false;
    comm[strcspn(comm, "\n")] = '\0';
    snprintf(out->comm, sizeof(out->comm), "%s", comm);
    return true;
}
