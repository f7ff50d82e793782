// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of the kernel's device model; see watch.h. */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "common/util.h"
#include "device/watch.h"

#define KERNEL_GROUP 1   /* of NETLINK_KOBJECT_UEVENT; udevd sends to 2 */
#define MESSAGE_MAX 8192 /* the kernel's is at most 2048 and a path (kobject.h: UEVENT_BUFFER_SIZE) */

bool device_watch_concerns(const char *message, size_t len)
{
    static const char *const subsystems[] = { "SUBSYSTEM=scsi", "SUBSYSTEM=scsi_generic" };

    /* "add@/devices/...", then NAME=VALUE; each ends with a zero byte. */
    for (size_t at = 0; at < len;) {
        size_t n = strnlen(message + at, len - at);

        for (size_t i = 0; i < ARRAY_SIZE(subsystems); i++)
            if (n == strlen(subsystems[i]) && memcmp(message + at, subsystems[i], n) == 0)
                return true;
        at += n + 1;
    }
    return false;
}

static void ready(struct loop_source *src, uint32_t revents)
{
    struct device_watch *w = container_of(src, struct device_watch, src);
    bool concerns = false;

    (void)revents;
    for (;;) {
        char message[MESSAGE_MAX];
        struct sockaddr_nl from = { 0 };
        socklen_t from_len = sizeof(from);
        ssize_t n = recvfrom(src->fd, message, sizeof(message), 0, (struct sockaddr *)&from, &from_len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ENOBUFS) {
            concerns = true; /* some were lost */
            continue;
        }
        if (n < 0)
            break;
        /* Port 0 is the kernel. Any process may send to a netlink socket. */
        if (from.nl_pid == 0)
            concerns |= device_watch_concerns(message, (size_t)n);
    }
    if (concerns)
        w->changed(w->ctx);
}

int device_watch_init(struct device_watch *w, struct loop *loop, void (*changed)(void *ctx), void *ctx)
{
    struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    int r;

    *w =
        (struct device_watch){ .src = { .fd = -1, .events = EPOLLIN, .ready = ready }, .changed = changed, .ctx = ctx };
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    w->src.fd = fd;
    r = loop_add(loop, &w->src);
    if (r < 0) {
        w->src.fd = -1;
        return r;
    }
    steal_fd(&fd);
    return 0;
}

void device_watch_deinit(struct device_watch *w)
{
    loop_remove(&w->src);
    if (w->src.fd >= 0)
        close(steal_fd(&w->src.fd));
}
