// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of the kernel for new SCSI devices; see uevents.h. */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util.h"
#include "uevents.h"

enum {
    KERNEL_GROUP = 1, /* messages of the kernel, not of udev */
    EVENT_MAX = 8192,
};

int uevents_open(void)
{
    struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
        return -1;
    return steal_fd(&fd);
}

int uevents_took(int fd)
{
    char event[EVENT_MAX];
    int came = 0;

    /* The first string is ACTION@PATH: add@/devices/.../2:0:0:0/scsi_generic/sg3. */
    for (ssize_t n; fd >= 0;) {
        n = recv(fd, event, sizeof(event) - 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            /* Messages were lost: one of them may have been for a SCSI device. */
            if (errno != ENOBUFS)
                break;
            came = 1;
            continue;
        }
        event[n] = '\0';
        if (strncmp(event, "add@", 4) == 0 && strstr(event, "/scsi_generic/"))
            came = 1;
    }
    return came;
}
