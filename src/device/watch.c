// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's events of SCSI devices, in an event loop; see watch.h. */
#include "config.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "common/util.h"
#include "device/uevents.h"
#include "device/watch.h"

static void ready(struct loop_source *src, uint32_t revents)
{
    struct device_watch *w = container_of(src, struct device_watch, src);

    (void)revents;
    if (uevents_read(src->fd) != 0)
        w->changed(w->ctx);
}

int device_watch_init(struct device_watch *w, struct loop *loop, void (*changed)(void *ctx), void *ctx)
{
    CLEANUP_CLOSE int fd = uevents_open();
    int r;

    *w =
        (struct device_watch){ .src = { .fd = -1, .events = EPOLLIN, .ready = ready }, .changed = changed, .ctx = ctx };
    if (fd < 0)
        return fd;
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
