// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The one place where vscsi-front waits: for the ring, for xenstore, and for one file
 * descriptor more. The ring is served here; what xenstore has to say goes up by
 * a callback, since the session that handles it sends commands and so waits here itself.
 */
#include "config.h"

#include <poll.h>

#include "front.h"

bool front_poll(struct front *f, int timeout_ms, int fd)
{
    struct pollfd p[3] = {
        { .fd = f->xen->ops->event_fd(f->xen), .events = POLLIN },
        { .fd = xs_fileno(f->xs), .events = POLLIN },
        { .fd = fd, .events = POLLIN },
    };

    if (poll(p, 3, timeout_ms) <= 0)
        return false;
    if (p[0].revents)
        ring_process(&f->ring);
    if (p[1].revents)
        f->xenstore_event(f);
    return p[2].revents != 0;
}
