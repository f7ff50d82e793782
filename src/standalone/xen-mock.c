// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hypervisor as mock-xen plays it: the ops table of xen-ops.h over a Unix socket,
 * shared memory and eventfds. Granting, mapping and binding ask mock-xen;
 * copies, events and masks do not, so that the data path costs about what it
 * costs on Xen. A domain's whole memory is mapped on first contact, copies go
 * through its grant table; a page mapped by map() is mapped on its own, so that
 * a use after unmap() faults.
 *
 * An event channel is a pair of eventfds. A port's own one is in the handle's
 * epoll set with EPOLLONESHOT: delivery masks it, unmask arms it again.
 */
#include "config.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "common/util.h"
#include "standalone/xen-mock-call.h"
#include "standalone/xen-mock.h"

struct region { /* a domain's memory */
    struct region *next;
    uint16_t domid;
    int fd;
    size_t size;
    struct mx_memory *mem;
};

struct mapping { /* a page mapped by map() */
    struct mapping *next;
    uint16_t domid;
    uint32_t ref;
    void *page;
};

struct port {
    struct port *next;
    uint32_t number;
    int own, peer; /* eventfds: events for us, events from us */
};

struct xen_mock {
    struct xen xen;
    int sock, epfd;
    uint16_t own_domid;
    unsigned flags;
    uint32_t req_id;
    struct region *regions;
    struct mapping *mappings;
    struct port *ports;
    struct mx_fault_page *faults;
};

static struct xen_mock *mock(struct xen *xen)
{
    return container_of(xen, struct xen_mock, xen);
}

static int call(struct xen_mock *m, uint32_t type, const struct mx_request *req, uint32_t *number, int fds[MX_MAX_FDS])
{
    return mx_call(m->sock, ++m->req_id, type, req, number, fds);
}

static int fault(struct xen_mock *m, uint32_t kind)
{
    int32_t value;

    return mx_fault_hit(m->faults, kind, m->own_domid, &value) ? value : 0;
}

/* --- a domain's memory --- */

static void region_free(struct region *r)
{
    if (r->mem)
        munmap(r->mem, r->size);
    if (r->fd >= 0)
        close(r->fd);
    free(r);
}

static int region_open(struct xen_mock *m, uint16_t domid, struct region **out)
{
    struct mx_request req = { .domid = domid };
    struct region *r = calloc(1, sizeof(*r));
    int fds[MX_MAX_FDS];
    uint32_t n_pages;
    void *p;
    int err;

    if (!r)
        return -ENOMEM;
    r->fd = -1;
    r->domid = domid;
    err = call(m, MX_MEMORY, &req, &n_pages, fds);
    if (err == 0) {
        r->fd = fds[0];
        r->size = mx_pages_offset(n_pages) + (size_t)n_pages * MX_PAGE_SIZE;
        p = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, r->fd, 0);
        if (p == MAP_FAILED)
            err = -errno;
        else
            r->mem = p;
    }
    if (err == 0 && (r->mem->magic != MX_MEMORY_MAGIC || r->mem->n_pages != n_pages))
        err = -EPROTO;
    if (err < 0) {
        region_free(r);
        return err;
    }
    *out = r;
    return 0;
}

static bool region_alive(const struct region *r)
{
    return atomic_load_explicit(&r->mem->state, memory_order_acquire) == MX_ALIVE;
}

/* Asks mock-xen on first contact, and again when the domain has died: a new domain may have its number. */
static int region_get(struct xen_mock *m, uint16_t domid, struct region **out)
{
    struct region **at = &m->regions, *fresh;
    int err;

    while (*at && (*at)->domid != domid)
        at = &(*at)->next;
    if (*at && region_alive(*at)) {
        *out = *at;
        return 0;
    }
    err = region_open(m, domid, &fresh);
    if (err < 0)
        return err;
    if (*at) {
        struct region *old = *at;

        *at = old->next;
        region_free(old);
    }
    fresh->next = m->regions;
    m->regions = fresh;
    *out = fresh;
    return 0;
}

static void *region_page(const struct region *r, uint32_t page)
{
    return (char *)r->mem + r->mem->pages_offset + (size_t)page * MX_PAGE_SIZE;
}

/* --- grants, backend side --- */

static int mock_map(struct xen *xen, uint16_t domid, uint32_t ref, void **page)
{
    struct xen_mock *m = mock(xen);
    struct mx_request req = { .domid = domid, .number = ref };
    struct mapping *map;
    struct region *r;
    uint32_t number;
    void *p;
    int err;

    if (!(m->flags & XEN_OPEN_GRANTS))
        return -EBADF;
    /* Needed for mmap() below, and later copies need no system call for this domain then. */
    err = region_get(m, domid, &r);
    if (err < 0)
        return err == -ESRCH ? -EINVAL : err;
    map = calloc(1, sizeof(*map));
    if (!map)
        return -ENOMEM;
    err = call(m, MX_MAP, &req, &number, NULL);
    if (err < 0) {
        free(map);
        return err;
    }
    p = mmap(NULL, MX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
             (off_t)r->mem->pages_offset + (off_t)number * MX_PAGE_SIZE);
    if (p == MAP_FAILED) {
        err = -errno;
        free(map);
        call(m, MX_UNMAP, &req, NULL, NULL);
        return err;
    }
    *map = (struct mapping){ .next = m->mappings, .domid = domid, .ref = ref, .page = p };
    m->mappings = map;
    *page = p;
    return 0;
}

static int mock_unmap(struct xen *xen, void *page)
{
    struct xen_mock *m = mock(xen);
    struct mapping **at = &m->mappings, *map;
    struct mx_request req;
    int err;

    if (!(m->flags & XEN_OPEN_GRANTS))
        return -EBADF;
    while (*at && (*at)->page != page)
        at = &(*at)->next;
    map = *at;
    if (!map)
        return -ENOENT;
    req = (struct mx_request){ .domid = map->domid, .number = map->ref };
    err = call(m, MX_UNMAP, &req, NULL, NULL);
    if (err < 0)
        return err;
    munmap(map->page, MX_PAGE_SIZE);
    *at = map->next;
    free(map);
    return 0;
}

/*
 * One side of a copy that is a grant: its address and GNTST_okay, or the status that Xen gives
 * (xen/common/grant_table.c: a reference beyond the table is bad_gntref, any other
 * fault of a grant is general_error). -errno when mock-xen cannot be asked.
 */
static int granted(struct xen_mock *m, uint16_t domid, uint32_t ref, uint16_t offset, bool write, int16_t *status,
                   char **out)
{
    struct region *r;
    uint64_t grant;
    int err = region_get(m, domid, &r);

    if (err == -ESRCH) {
        *status = GNTST_bad_domain;
        return 0;
    }
    if (err < 0)
        return err;
    if (ref >= r->mem->n_pages) {
        *status = GNTST_bad_gntref;
        return 0;
    }
    grant = atomic_load_explicit(&r->mem->grant[ref], memory_order_acquire);
    if (!(grant & MX_GRANT_VALID) || mx_grant_domid(grant) != m->own_domid || (write && (grant & MX_GRANT_READONLY))) {
        *status = GNTST_general_error;
        return 0;
    }
    *status = GNTST_okay;
    *out = (char *)region_page(r, mx_grant_page(grant)) + offset;
    return 0;
}

/* As the kernel does it, a segment that it finds impossible fails the whole call (gntdev_grant_copy_seg). */
static int copy_segment(struct xen_mock *m, xen_copy *seg)
{
    char *from = seg->source.virt, *to = seg->dest.virt;
    int32_t forced;
    int err;

    if (!(seg->flags & (GNTCOPY_source_gref | GNTCOPY_dest_gref)))
        return -EINVAL;
    if ((seg->flags & GNTCOPY_source_gref) && seg->source.foreign.offset + (unsigned)seg->len > MX_PAGE_SIZE)
        return -EINVAL;
    if ((seg->flags & GNTCOPY_dest_gref) && seg->dest.foreign.offset + (unsigned)seg->len > MX_PAGE_SIZE)
        return -EINVAL;
    seg->status = GNTST_okay;
    if (mx_fault_hit(m->faults, MX_CALL_COPY_SEGMENT, m->own_domid, &forced)) {
        seg->status = (int16_t)forced;
        return 0;
    }
    if (seg->len == 0) /* makes no hypercall: nothing is checked */
        return 0;
    if (seg->flags & GNTCOPY_source_gref) {
        err = granted(m, seg->source.foreign.domid, seg->source.foreign.ref, seg->source.foreign.offset, false,
                      &seg->status, &from);
        if (err < 0 || seg->status != GNTST_okay)
            return err;
    }
    if (seg->flags & GNTCOPY_dest_gref) {
        err = granted(m, seg->dest.foreign.domid, seg->dest.foreign.ref, seg->dest.foreign.offset, true, &seg->status,
                      &to);
        if (err < 0 || seg->status != GNTST_okay)
            return err;
    }
    memmove(to, from, seg->len);
    return 0;
}

static int mock_copy(struct xen *xen, xen_copy *segs, unsigned n)
{
    struct xen_mock *m = mock(xen);
    int err;

    if (!(m->flags & XEN_OPEN_GRANTS))
        return -EBADF;
    err = fault(m, MX_CALL_COPY);
    if (err < 0)
        return err;
    for (unsigned i = 0; i < n; i++) {
        err = copy_segment(m, &segs[i]);
        if (err < 0)
            return err;
    }
    return 0;
}

/* --- grants, frontend side --- */

static int mock_share(struct xen *xen, uint16_t domid, unsigned n, bool readonly, uint32_t *refs, void **pages)
{
    struct xen_mock *m = mock(xen);
    struct mx_request req = { .domid = domid, .count = n, .flags = readonly ? MX_READONLY : 0 };
    struct region *r;
    uint32_t first;
    int err;

    if (!(m->flags & XEN_OPEN_SHARE))
        return -EBADF;
    err = region_get(m, m->own_domid, &r);
    if (err == 0)
        err = call(m, MX_SHARE, &req, &first, NULL);
    if (err < 0)
        return err;
    for (unsigned i = 0; i < n; i++)
        refs[i] = mx_ref_of_page(first + i, r->mem->n_pages);
    *pages = region_page(r, first);
    return 0;
}

static int mock_unshare(struct xen *xen, void *pages, unsigned n)
{
    struct xen_mock *m = mock(xen);
    struct mx_request req = { .count = n };

    if (!(m->flags & XEN_OPEN_SHARE))
        return -EBADF;
    for (struct region *r = m->regions; r; r = r->next) {
        uintptr_t base = (uintptr_t)region_page(r, 0), at = (uintptr_t)pages;

        if (r->domid != m->own_domid || at < base || at - base >= (uintptr_t)r->mem->n_pages * MX_PAGE_SIZE
            || at % MX_PAGE_SIZE != 0)
            continue;
        req.number = (uint32_t)((at - base) / MX_PAGE_SIZE);
        return call(m, MX_UNSHARE, &req, NULL, NULL);
    }
    return -EINVAL;
}

/* --- event channels --- */

static struct port **find_port(struct xen_mock *m, uint32_t number)
{
    struct port **at = &m->ports;

    while (*at && (*at)->number != number)
        at = &(*at)->next;
    return at;
}

static void port_free(struct xen_mock *m, struct port *p)
{
    if (p->own >= 0) {
        /* Closing is not enough to leave the set: mock-xen has the eventfd open too. */
        epoll_ctl(m->epfd, EPOLL_CTL_DEL, p->own, NULL);
        close(p->own);
    }
    if (p->peer >= 0)
        close(p->peer);
    free(p);
}

static int open_port(struct xen_mock *m, uint32_t type, const struct mx_request *req, uint32_t *local)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };
    struct port *p = calloc(1, sizeof(*p));
    int fds[MX_MAX_FDS];
    int err;

    if (!p)
        return -ENOMEM;
    p->own = p->peer = -1;
    err = call(m, type, req, &p->number, fds);
    if (err < 0) {
        free(p);
        return err;
    }
    p->own = fds[0];
    p->peer = fds[1];
    ev.data.u32 = p->number;
    if (p->own < 0 || p->peer < 0)
        err = -EPROTO;
    else if (epoll_ctl(m->epfd, EPOLL_CTL_ADD, p->own, &ev) < 0)
        err = -errno;
    if (err < 0) {
        struct mx_request undo = { .number = p->number };

        call(m, MX_UNBIND, &undo, NULL, NULL);
        port_free(m, p);
        return err;
    }
    p->next = m->ports;
    m->ports = p;
    *local = p->number;
    return 0;
}

static int mock_bind(struct xen *xen, uint16_t domid, uint32_t remote_port, uint32_t *local_port)
{
    struct mx_request req = { .domid = domid, .number = remote_port };
    struct xen_mock *m = mock(xen);

    return m->flags & XEN_OPEN_EVENTS ? open_port(m, MX_BIND, &req, local_port) : -EBADF;
}

static int mock_alloc_port(struct xen *xen, uint16_t domid, uint32_t *local_port)
{
    struct mx_request req = { .domid = domid };
    struct xen_mock *m = mock(xen);

    return m->flags & XEN_OPEN_EVENTS ? open_port(m, MX_ALLOC_PORT, &req, local_port) : -EBADF;
}

static int mock_unbind(struct xen *xen, uint32_t local_port)
{
    struct xen_mock *m = mock(xen);
    struct mx_request req = { .number = local_port };
    struct port **at = find_port(m, local_port), *p = *at;
    int err;

    if (!p)
        return -ENOTCONN; /* as the kernel's evtchn driver answers for a port not its own */
    err = call(m, MX_UNBIND, &req, NULL, NULL);
    if (err < 0)
        return err;
    *at = p->next;
    port_free(m, p);
    return 0;
}

static int mock_event_fd(struct xen *xen)
{
    struct xen_mock *m = mock(xen);

    return m->flags & XEN_OPEN_EVENTS ? m->epfd : -EBADF;
}

static int mock_pending(struct xen *xen, uint32_t *port)
{
    struct xen_mock *m = mock(xen);
    struct epoll_event ev;
    struct port *p;
    uint64_t count;
    int n = fault(m, MX_CALL_PENDING);

    if (n < 0)
        return n;
    n = epoll_wait(m->epfd, &ev, 1, 0);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    if (n == 0)
        return 0;
    p = *find_port(m, ev.data.u32);
    if (!p)
        return 0;
    if (read(p->own, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return -errno;
    *port = p->number;
    return 1;
}

static int mock_unmask(struct xen *xen, uint32_t port)
{
    struct xen_mock *m = mock(xen);
    struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT, .data.u32 = port };
    struct port *p = *find_port(m, port);
    int err = fault(m, MX_CALL_UNMASK);

    if (err < 0)
        return err;
    if (!p)
        return -ENOTCONN; /* the kernel ignores it; here it shows a bug of the caller */
    return epoll_ctl(m->epfd, EPOLL_CTL_MOD, p->own, &ev) < 0 ? -errno : 0;
}

static int mock_notify(struct xen *xen, uint32_t port)
{
    struct xen_mock *m = mock(xen);
    struct port *p = *find_port(m, port);
    static const uint64_t one = 1;
    int err = fault(m, MX_CALL_NOTIFY);

    if (err == MX_FAULT_DROP)
        return 0;
    if (err < 0)
        return err;
    if (!p)
        return -ENOTCONN;
    /* EAGAIN: 2^64 events unread; one more changes nothing. */
    return write(p->peer, &one, sizeof(one)) < 0 && errno != EAGAIN ? -errno : 0;
}

static int mock_restrict_events(struct xen *xen, uint16_t domid)
{
    struct xen_mock *m = mock(xen);
    struct mx_request req = { .domid = domid };

    if (!(m->flags & XEN_OPEN_EVENTS))
        return -EBADF;
    return domid == 0 ? -EOPNOTSUPP : call(m, MX_RESTRICT, &req, NULL, NULL);
}

/* --- life of a handle --- */

static void mock_close(struct xen *xen)
{
    struct xen_mock *m = mock(xen);
    static const struct mx_request nothing;

    /* Returns when mock-xen has given up everything of this handle, as close() of a device node does. */
    if (m->faults)
        call(m, MX_BYE, &nothing, NULL, NULL);
    while (m->ports) {
        struct port *p = m->ports;

        m->ports = p->next;
        port_free(m, p);
    }
    while (m->mappings) {
        struct mapping *map = m->mappings;

        m->mappings = map->next;
        munmap(map->page, MX_PAGE_SIZE);
        free(map);
    }
    while (m->regions) {
        struct region *r = m->regions;

        m->regions = r->next;
        region_free(r);
    }
    if (m->faults)
        munmap(m->faults, MX_PAGE_SIZE);
    if (m->epfd >= 0)
        close(m->epfd);
    if (m->sock >= 0)
        close(m->sock);
    free(m);
}

/* mock-xen hands over a file for each domain's memory. */
static int mock_memory_fds(struct xen *xen UNUSED, int fds[2] UNUSED)
{
    return -EOPNOTSUPP;
}

static const struct xen_ops mock_ops = {
    .close = mock_close,
    .map = mock_map,
    .unmap = mock_unmap,
    .copy = mock_copy,
    .bind = mock_bind,
    .unbind = mock_unbind,
    .event_fd = mock_event_fd,
    .pending = mock_pending,
    .unmask = mock_unmask,
    .notify = mock_notify,
    .restrict_events = mock_restrict_events,
    .memory_fds = mock_memory_fds,
    .alloc_port = mock_alloc_port,
    .share = mock_share,
    .unshare = mock_unshare,
};

static int hello(struct xen_mock *m)
{
    struct mx_request req = { .domid = m->own_domid, .number = MX_VERSION };
    int fds[MX_MAX_FDS];
    void *p;
    int err = call(m, MX_HELLO, &req, NULL, fds);

    if (err < 0)
        return err;
    if (fds[0] < 0)
        return -EPROTO;
    p = mmap(NULL, MX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
    err = p == MAP_FAILED ? -errno : 0;
    close(fds[0]);
    if (err < 0)
        return err;
    m->faults = p;
    return m->faults->magic == MX_FAULT_MAGIC ? 0 : -EPROTO;
}

int xen_open_mock(const char *socket_path, uint16_t own_domid, unsigned flags, struct xen **out)
{
    struct xen_mock *m = calloc(1, sizeof(*m));
    int err;

    if (!m)
        return -ENOMEM;
    m->xen.ops = &mock_ops;
    m->sock = m->epfd = -1;
    m->own_domid = own_domid;
    m->flags = flags;
    err = mx_connect(socket_path, &m->sock);
    if (err == 0) {
        m->epfd = epoll_create1(EPOLL_CLOEXEC);
        err = m->epfd < 0 ? -errno : hello(m);
    }
    if (err < 0) {
        mock_close(&m->xen);
        return err;
    }
    *out = &m->xen;
    return 0;
}
