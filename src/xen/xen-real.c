// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hypervisor itself: the ops table of xen-ops.h over libxengnttab, libxengntshr
 * and libxenevtchn. Each operation is one library call, so one system call on
 * the data path. The libraries would log each failure to stderr, and a guest can cause failures (a bad grant
 * reference). So they get a logger that drops everything, and the callers log at a limited rate.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xentoollog.h>

#include "common/util.h"
#include "xen/xen-ops.h"

struct xen_real {
    struct xen xen;
    xengnttab_handle *gnttab;
    xenevtchn_handle *evtchn;
    xengntshr_handle *gntshr;
};

static void drop_message(struct xentoollog_logger *logger UNUSED, xentoollog_level level UNUSED, int errnoval UNUSED,
                         const char *context UNUSED, const char *format UNUSED, va_list al UNUSED)
{
}

static void drop_progress(struct xentoollog_logger *logger UNUSED, const char *context UNUSED,
                          const char *doing_what UNUSED, int percent UNUSED, unsigned long done UNUSED,
                          unsigned long total UNUSED)
{
}

static void drop_destroy(struct xentoollog_logger *logger UNUSED)
{
}

static struct xentoollog_logger silent = {
    .vmessage = drop_message,
    .progress = drop_progress,
    .destroy = drop_destroy,
};

static struct xen_real *real(struct xen *xen)
{
    return container_of(xen, struct xen_real, xen);
}

/* The errno of a failed library call as a negative number; never 0. */
static int failed(void)
{
    return errno > 0 ? -errno : -EIO;
}

static void real_close(struct xen *xen)
{
    struct xen_real *r = real(xen);

    if (r->gntshr)
        xengntshr_close(r->gntshr);
    if (r->evtchn)
        xenevtchn_close(r->evtchn);
    if (r->gnttab)
        xengnttab_close(r->gnttab);
    free(r);
}

static int real_map(struct xen *xen, uint16_t domid, uint32_t ref, void **page)
{
    struct xen_real *r = real(xen);
    void *p;

    if (!r->gnttab)
        return -EBADF;
    p = xengnttab_map_grant_ref(r->gnttab, domid, ref, PROT_READ | PROT_WRITE);
    if (!p)
        return failed();
    *page = p;
    return 0;
}

static int real_unmap(struct xen *xen, void *page)
{
    struct xen_real *r = real(xen);

    if (!r->gnttab)
        return -EBADF;
    return xengnttab_unmap(r->gnttab, page, 1) < 0 ? failed() : 0;
}

/* The kernel splits the array into hypercalls itself (drivers/xen/gntdev.c: batches of 24). */
static int real_copy(struct xen *xen, xen_copy *segs, unsigned n)
{
    struct xen_real *r = real(xen);

    if (!r->gnttab)
        return -EBADF;
    return xengnttab_grant_copy(r->gnttab, n, segs) < 0 ? failed() : 0;
}

static int real_bind(struct xen *xen, uint16_t domid, uint32_t remote_port, uint32_t *local_port)
{
    struct xen_real *r = real(xen);
    xenevtchn_port_or_error_t port;

    if (!r->evtchn)
        return -EBADF;
    port = xenevtchn_bind_interdomain(r->evtchn, domid, remote_port);
    if (port < 0)
        return failed();
    *local_port = (uint32_t)port;
    return 0;
}

static int real_unbind(struct xen *xen, uint32_t local_port)
{
    struct xen_real *r = real(xen);

    if (!r->evtchn)
        return -EBADF;
    return xenevtchn_unbind(r->evtchn, local_port) < 0 ? failed() : 0;
}

static int real_event_fd(struct xen *xen)
{
    struct xen_real *r = real(xen);

    return r->evtchn ? xenevtchn_fd(r->evtchn) : -EBADF;
}

static int real_pending(struct xen *xen, uint32_t *port)
{
    struct xen_real *r = real(xen);
    xenevtchn_port_or_error_t got;

    if (!r->evtchn)
        return -EBADF;
    errno = 0;
    got = xenevtchn_pending(r->evtchn);
    if (got >= 0) {
        *port = (uint32_t)got;
        return 1;
    }
    /* EINTR: epoll is level-triggered, so the caller asks again. */
    return errno == EAGAIN || errno == EINTR ? 0 : failed();
}

static int real_unmask(struct xen *xen, uint32_t port)
{
    struct xen_real *r = real(xen);

    if (!r->evtchn)
        return -EBADF;
    return xenevtchn_unmask(r->evtchn, port) < 0 ? failed() : 0;
}

static int real_notify(struct xen *xen, uint32_t port)
{
    struct xen_real *r = real(xen);

    if (!r->evtchn)
        return -EBADF;
    return xenevtchn_notify(r->evtchn, port) < 0 ? failed() : 0;
}

static int real_restrict_events(struct xen *xen, uint16_t domid)
{
    struct xen_real *r = real(xen);

    if (!r->evtchn)
        return -EBADF;
    if (domid == 0) /* the kernel would answer EINVAL; our callers expect "not supported" */
        return -EOPNOTSUPP;
    if (xenevtchn_restrict(r->evtchn, domid) < 0)
        return errno == ENOTTY || errno == ENOSYS ? -EOPNOTSUPP : failed();
    return 0;
}

static int real_memory_fds(struct xen *xen, int fds[2])
{
    struct xen_real *r = real(xen);

    fds[0] = r->gnttab ? xengnttab_fd(r->gnttab) : -1;
    fds[1] = r->gntshr ? xengntshr_fd(r->gntshr) : -1;
    return 0;
}

static int real_alloc_port(struct xen *xen, uint16_t domid, uint32_t *local_port)
{
    struct xen_real *r = real(xen);
    xenevtchn_port_or_error_t port;

    if (!r->evtchn)
        return -EBADF;
    port = xenevtchn_bind_unbound_port(r->evtchn, domid);
    if (port < 0)
        return failed();
    *local_port = (uint32_t)port;
    return 0;
}

static int real_share(struct xen *xen, uint16_t domid, unsigned n, bool readonly, uint32_t *refs, void **pages)
{
    struct xen_real *r = real(xen);
    void *p;

    if (!r->gntshr)
        return -EBADF;
    if (n == 0 || n > INT32_MAX)
        return -EINVAL;
    p = xengntshr_share_pages(r->gntshr, domid, (int)n, refs, !readonly);
    if (!p)
        return failed();
    *pages = p;
    return 0;
}

static int real_unshare(struct xen *xen, void *pages, unsigned n)
{
    struct xen_real *r = real(xen);

    if (!r->gntshr)
        return -EBADF;
    return xengntshr_unshare(r->gntshr, pages, n) < 0 ? failed() : 0;
}

static const struct xen_ops real_ops = {
    .close = real_close,
    .map = real_map,
    .unmap = real_unmap,
    .copy = real_copy,
    .bind = real_bind,
    .unbind = real_unbind,
    .event_fd = real_event_fd,
    .pending = real_pending,
    .unmask = real_unmask,
    .notify = real_notify,
    .restrict_events = real_restrict_events,
    .memory_fds = real_memory_fds,
    .alloc_port = real_alloc_port,
    .share = real_share,
    .unshare = real_unshare,
};

static int open_all(struct xen_real *r, unsigned flags)
{
    errno = 0;
    if (flags & XEN_OPEN_GRANTS) {
        r->gnttab = xengnttab_open(&silent, 0);
        if (!r->gnttab)
            return failed();
    }
    if (flags & XEN_OPEN_EVENTS) {
        int err;

        r->evtchn = xenevtchn_open(&silent, 0);
        if (!r->evtchn)
            return failed();
        /* Makes xenevtchn_pending() answer EAGAIN instead of waiting (evtchn_read() of the kernel). */
        err = fd_set_nonblock(xenevtchn_fd(r->evtchn));
        if (err < 0)
            return err;
    }
    if (flags & XEN_OPEN_SHARE) {
        r->gntshr = xengntshr_open(&silent, 0);
        if (!r->gntshr)
            return failed();
    }
    return 0;
}

int xen_open_real(unsigned flags, struct xen **out)
{
    struct xen_real *r = calloc(1, sizeof(*r));
    int err;

    if (!r)
        return -ENOMEM;
    r->xen.ops = &real_ops;
    err = open_all(r, flags);
    if (err < 0) {
        real_close(&r->xen);
        return err;
    }
    *out = &r->xen;
    return 0;
}
