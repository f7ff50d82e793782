// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of the kernel's device model; see uevents.h. */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "common/util.h"
#include "device/uevents.h"

#define KERNEL_GROUP 1   /* of NETLINK_KOBJECT_UEVENT; udevd sends to 2 */
#define MESSAGE_MAX 8192 /* the kernel's is at most 2048 and a path (kobject.h: UEVENT_BUFFER_SIZE) */

int uevents_open(void)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return steal_fd(&fd);
}

unsigned uevents_parse(const char *message, size_t len)
{
    static const char add[] = "add@";
    static const struct {
        const char *text;
        bool sg_node;
    } subsystems[] = { { "SUBSYSTEM=scsi", false }, { "SUBSYSTEM=scsi_generic", true } };
    bool added = len >= strlen(add) && memcmp(message, add, strlen(add)) == 0;

    /* "add@/devices/...", then NAME=VALUE; each ends with a zero byte. */
    for (size_t at = 0; at < len;) {
        size_t n = strnlen(message + at, len - at);

        for (size_t i = 0; i < ARRAY_SIZE(subsystems); i++)
            if (n == strlen(subsystems[i].text) && memcmp(message + at, subsystems[i].text, n) == 0)
                return UEVENT_SCSI | (added && subsystems[i].sg_node ? UEVENT_ADDED : 0);
        at += n + 1;
    }
    return 0;
}

unsigned uevents_read(int fd)
{
    unsigned events = 0;

    while (fd >= 0) {
        char message[MESSAGE_MAX];
        struct sockaddr_nl from = { 0 };
        socklen_t from_len = sizeof(from);
        ssize_t n = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from, &from_len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ENOBUFS) {
            events = UEVENT_SCSI | UEVENT_ADDED; /* some were lost */
            continue;
        }
        if (n < 0)
            break;
        /* Port 0 is the kernel. Any process may send to a netlink socket. */
        if (from.nl_pid == 0)
            events |= uevents_parse(message, (size_t)n);
    }
    return events;
}
