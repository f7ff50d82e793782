// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the PR helper listens; see connect.h. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/util.h"
#include "pr/connect.h"
#include "pvscsi/worker-proto.h"

static const char *path_or_default(const char *path)
{
    return path && path[0] ? path : PR_SOCKET_DEFAULT;
}

static bool is_default(const char *path)
{
    return strcmp(path, PR_SOCKET_DEFAULT) == 0;
}

static bool is_socket(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

bool pr_socket_is_there(const char *path)
{
    path = path_or_default(path);
    return is_socket(path) || (is_default(path) && is_socket(PR_SOCKET_OLDER));
}

/* 0 or -errno. A Unix socket connects at once or fails. It never has to be waited for. */
static int try_path(int fd, const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
}

int pr_connect(const char *path)
{
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r;

    if (fd < 0)
        return -errno;
    path = path_or_default(path);
    r = try_path(fd, path);
    if (r < 0 && is_default(path) && try_path(fd, PR_SOCKET_OLDER) == 0)
        r = 0;
    return r < 0 ? r : steal_fd(&fd);
}

void pr_disconnect(int fd)
{
    shutdown(fd, SHUT_RDWR);
    close(fd);
}
