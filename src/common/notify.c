// SPDX-License-Identifier: GPL-2.0-or-later
/* The service manager's datagram socket; see notify.h. */
#include "config.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/notify.h"
#include "common/util.h"

bool notify(const char *lines)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = name ? strlen(name) : 0;
    CLEANUP_CLOSE int fd = -1;

    if (len < 2 || (name[0] != '/' && name[0] != '@') || len >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0
           && sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len))
                  == (ssize_t)strlen(lines);
}

uint64_t notify_watchdog_us(void)
{
    const char *limit = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
    uint64_t us = 0, pid = (uint64_t)getpid();

    if (!limit || parse_u64(limit, strlen(limit), UINT64_MAX, &us) < 0
        || (whose && (parse_u64(whose, strlen(whose), INT32_MAX, &pid) < 0 || pid != (uint64_t)getpid())))
        us = 0;
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return us;
}
