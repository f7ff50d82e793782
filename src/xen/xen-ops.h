/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls to the hypervisor: grants and event channels behind one small ops table. The real implementation
 * (libxengnttab, libxenevtchn) is xen-real.c; the one that talks to mock-xen is standalone/xen-mock.h. Xenstore is
 * not in the table, because libxenstore works with both: mock-xen speaks xenstored's wire protocol on
 * XENSTORED_PATH.
 *
 * A handle is used by one thread. All calls return 0 (or a count) or -errno.
 */
#ifndef PVSCSI_XEN_OPS_H
#define PVSCSI_XEN_OPS_H

#include <stdbool.h>
#include <stdint.h>
#include <xengnttab.h>

typedef struct xengnttab_grant_copy_segment xen_copy;

struct xen;

struct xen_ops {
    void (*close)(struct xen *xen);

    /* --- backend side --- */
    /* Maps one page that domid granted read-write. It stays mapped until unmap(). */
    int (*map)(struct xen *xen, uint16_t domid, uint32_t ref, void **page);
    int (*unmap)(struct xen *xen, void *page);
    /*
     * Copies n segments (GNTCOPY_source_gref or GNTCOPY_dest_gref in flags). 0 means
     * only that the call was made: each segment has its own status (GNTST_*).
     */
    int (*copy)(struct xen *xen, xen_copy *segs, unsigned n);
    /* Binds to remote_port, which domid allocated for us. The new local port has an event pending at once. */
    int (*bind)(struct xen *xen, uint16_t domid, uint32_t remote_port, uint32_t *local_port);

    /* --- both sides --- */
    int (*unbind)(struct xen *xen, uint32_t local_port);
    /* One fd to poll for EPOLLIN; valid for the life of the handle. */
    int (*event_fd)(struct xen *xen);
    /* 1: *port had an event and is masked until unmask(); 0: none. Never blocks. */
    int (*pending)(struct xen *xen, uint32_t *port);
    int (*unmask)(struct xen *xen, uint32_t port);
    int (*notify)(struct xen *xen, uint32_t port);
    /* From now on only event channels of domid can be used. -EOPNOTSUPP: the kernel or the domain does not allow it. */
    int (*restrict_events)(struct xen *xen, uint16_t domid);

    /*
     * The descriptors whose memory map() and share() map, for as long as the handle lives: fds[0] of the first, fds[1]
     * of the second; -1: it is not open. -EOPNOTSUPP: others come with each call.
     */
    int (*memory_fds)(struct xen *xen, int fds[2]);

    /* --- frontend side --- */
    /* Allocates a port that domid may bind. */
    int (*alloc_port)(struct xen *xen, uint16_t domid, uint32_t *local_port);
    /* Grants n new zeroed pages to domid; they are contiguous in our address space. Fills refs[n]. */
    int (*share)(struct xen *xen, uint16_t domid, unsigned n, bool readonly, uint32_t *refs, void **pages);
    int (*unshare)(struct xen *xen, void *pages, unsigned n);
};

struct xen {
    const struct xen_ops *ops;
};

/* What a handle can be used for; each flag opens one device node. */
enum xen_open_flags {
    XEN_OPEN_GRANTS = 1, /* map and copy: /dev/xen/gntdev */
    XEN_OPEN_EVENTS = 2, /* /dev/xen/evtchn */
    XEN_OPEN_SHARE = 4,  /* grant pages to others: /dev/xen/gntalloc */
};

/* flags: enum xen_open_flags. The caller owns *out and ends it with xen_close(). 0 or -errno. */
int xen_open_real(unsigned flags, struct xen **out);
static inline void xen_close(struct xen *xen)
{
    if (xen)
        xen->ops->close(xen);
}

#endif
