// SPDX-License-Identifier: GPL-2.0-or-later
/* A change of a guest's devices; see change.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "change.h"

int change_failed(struct change *c, int r, const char *fmt, ...)
{
    va_list ap;

    if (c->error[0] == '\0') {
        va_start(ap, fmt);
        vsnprintf(c->error, sizeof(c->error), fmt, ap);
        va_end(ap);
    }
    return r;
}

int change_refused(struct change *c, int r, const char *fmt, ...)
{
    va_list ap;

    if (c->error[0] == '\0') {
        va_start(ap, fmt);
        vsnprintf(c->error, sizeof(c->error), fmt, ap);
        va_end(ap);
        c->refused = true;
    }
    return r;
}

int change_store_failed(struct change *c, int r)
{
    if (r == -EACCES || r == -EPERM)
        return change_failed(c, r, "xenstored refuses this: no permission (run it as root in the toolstack's domain)");
    if (r == -EINTR)
        return change_failed(c, r, "interrupted by a signal");
    if (r == -EBUSY)
        return change_failed(c, r, "xenstored is too busy: the transaction failed again and again");
    if (r == -ENOSPC)
        return change_failed(c, r, "xenstored has no room: a quota or its limit of transactions is reached");
    if (r == -ENOTCONN)
        return change_failed(c, r, "the connection to xenstored is lost: the change may be half done");
    return change_failed(c, r, "xenstore failed: %s", strerror(-r));
}

int change_locked(struct change *c, int fd, const char *busy)
{
    if (fd >= 0 || (errno != ETIMEDOUT && errno != EINTR))
        return 0;
    return errno == EINTR ? change_store_failed(c, -EINTR) : change_failed(c, -ETIMEDOUT, "time-out: %s", busy);
}
