/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hypervisor made of arrays, for tests that act as the guest: a grant
 * reference is an index into the pages, and events are flags.
 */
#ifndef PVSCSI_TESTS_FAKE_XEN_H
#define PVSCSI_TESTS_FAKE_XEN_H

#include <errno.h>
#include <string.h>

#include "xen/xen-ops.h"
#include "pvscsi/vscsiif.h"

#define PAGES 200

static struct {
    struct xen xen;
    _Alignas(4096) uint8_t page[PAGES][4096]; /* grant reference = index */
    bool granted[PAGES], readonly[PAGES];
    unsigned notifies, unmasks, copies;
    int fail_copy_calls;
    bool pending, masked, mapped;
    int event_fd;
} fake;

static void fake_close(struct xen *x)
{
    (void)x;
}
static int fake_map(struct xen *x, uint16_t domid, uint32_t ref, void **page)
{
    if (ref >= PAGES || !fake.granted[ref])
        return -EINVAL;
    fake.mapped = true;
    *page = fake.page[ref];
    return 0;
}
static int fake_unmap(struct xen *x, void *page)
{
    fake.mapped = false;
    return 0;
}
static int fake_copy(struct xen *x, xen_copy *c, unsigned n)
{
    fake.copies++;
    if (fake.fail_copy_calls > 0) {
        fake.fail_copy_calls--;
        return -ENOMEM;
    }
    for (unsigned i = 0; i < n; i++) {
        bool to_guest = c[i].flags == GNTCOPY_dest_gref;
        uint32_t ref = to_guest ? c[i].dest.foreign.ref : c[i].source.foreign.ref;
        uint32_t offset = to_guest ? c[i].dest.foreign.offset : c[i].source.foreign.offset;

        if (ref >= PAGES || !fake.granted[ref] || (to_guest && fake.readonly[ref])) {
            c[i].status = GNTST_bad_gntref;
        } else if (offset + c[i].len > 4096) {
            c[i].status = GNTST_bad_copy_arg;
        } else {
            if (to_guest)
                memcpy(&fake.page[ref][offset], c[i].source.virt, c[i].len);
            else
                memcpy(c[i].dest.virt, &fake.page[ref][offset], c[i].len);
            c[i].status = GNTST_okay;
        }
    }
    return 0;
}
static int fake_bind(struct xen *x, uint16_t domid, uint32_t remote, uint32_t *local)
{
    *local = 5;
    return 0;
}
static int fake_unbind(struct xen *x, uint32_t port)
{
    return 0;
}
static int fake_event_fd(struct xen *x)
{
    return fake.event_fd;
}
static int fake_pending(struct xen *x, uint32_t *port)
{
    if (!fake.pending || fake.masked)
        return 0;
    fake.pending = false;
    fake.masked = true;
    *port = 5;
    return 1;
}
static int fake_unmask(struct xen *x, uint32_t port)
{
    fake.masked = false;
    fake.unmasks++;
    return 0;
}
static int fake_notify(struct xen *x, uint32_t port)
{
    fake.notifies++;
    return 0;
}

static const struct xen_ops fake_ops = {
    .close = fake_close,
    .map = fake_map,
    .unmap = fake_unmap,
    .copy = fake_copy,
    .bind = fake_bind,
    .unbind = fake_unbind,
    .event_fd = fake_event_fd,
    .pending = fake_pending,
    .unmask = fake_unmask,
    .notify = fake_notify,
};

#endif
