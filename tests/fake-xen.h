/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hypervisor made of arrays, for tests that act as the guest: a grant
 * reference is an index into the pages, and events are flags. Pages that the
 * backend grants to its own domain have references from OWN_REF on.
 */
#ifndef PVSCSI_TESTS_FAKE_XEN_H
#define PVSCSI_TESTS_FAKE_XEN_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"
#include "xen/xen-ops.h"
#include "pvscsi/vscsiif.h"

#define PAGES 200
#define OWN_DOMID 7
#define OWN_REF 100000u
#define OWN_STEP 1000u /* page p of share s: OWN_REF + s * OWN_STEP + p */
#define OWN_SHARES 64

static struct {
    struct xen xen;
    _Alignas(4096) uint8_t page[PAGES][4096]; /* grant reference = index */
    bool granted[PAGES], readonly[PAGES];
    unsigned notifies, unmasks, copies;
    int fail_copy_calls;
    bool pending, masked, mapped;
    int event_fd;
    unsigned own_left; /* pages that fake_share() still gives */
    struct {
        uint8_t *pages;
        unsigned n;
    } own[OWN_SHARES];
    unsigned own_copies; /* from or to them */
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
static UNUSED int fake_share(struct xen *x, uint16_t domid, unsigned n, bool readonly, uint32_t *refs, void **pages)
{
    unsigned s = 0;

    while (s < OWN_SHARES && fake.own[s].pages)
        s++;
    if (domid != OWN_DOMID || readonly || n > OWN_STEP)
        return -EINVAL;
    if (s == OWN_SHARES || n > fake.own_left)
        return -ENOSPC;
    fake.own[s].pages = aligned_alloc(4096, (size_t)n * 4096);
    if (!fake.own[s].pages)
        return -ENOMEM;
    memset(fake.own[s].pages, 0xee, (size_t)n * 4096); /* what no guest may ever read */
    fake.own[s].n = n;
    fake.own_left -= n;
    for (unsigned i = 0; i < n; i++)
        refs[i] = OWN_REF + s * OWN_STEP + i;
    *pages = fake.own[s].pages;
    return 0;
}
static UNUSED int fake_unshare(struct xen *x, void *pages, unsigned n)
{
    for (unsigned s = 0; s < OWN_SHARES; s++) {
        if (!pages || fake.own[s].pages != pages || fake.own[s].n != n)
            continue;
        free(fake.own[s].pages);
        fake.own[s].pages = NULL;
        fake.own_left += n;
        return 0;
    }
    return -EINVAL;
}
static uint8_t *own_page(uint16_t domid, uint32_t ref)
{
    uint32_t s = (ref - OWN_REF) / OWN_STEP, p = (ref - OWN_REF) % OWN_STEP;

    if (domid != OWN_DOMID || ref < OWN_REF || s >= OWN_SHARES || !fake.own[s].pages || p >= fake.own[s].n)
        return NULL;
    return fake.own[s].pages + (size_t)p * 4096;
}
/* One side that is a grant. NULL: no such grant. */
static uint8_t *granted_page(uint16_t domid, uint32_t ref, bool write)
{
    if (ref >= PAGES)
        return own_page(domid, ref);
    return fake.granted[ref] && !(write && fake.readonly[ref]) && domid != OWN_DOMID ? fake.page[ref] : NULL;
}
static int fake_copy(struct xen *x, xen_copy *c, unsigned n)
{
    fake.copies++;
    if (fake.fail_copy_calls > 0) {
        fake.fail_copy_calls--;
        return -ENOMEM;
    }
    for (unsigned i = 0; i < n; i++) {
        bool from_grant = (c[i].flags & GNTCOPY_source_gref) != 0, to_grant = (c[i].flags & GNTCOPY_dest_gref) != 0;
        uint8_t *from = c[i].source.virt, *to = c[i].dest.virt;
        unsigned from_at = 0, to_at = 0;

        if (from_grant) {
            from = granted_page(c[i].source.foreign.domid, c[i].source.foreign.ref, false);
            from_at = c[i].source.foreign.offset;
        }
        if (to_grant) {
            to = granted_page(c[i].dest.foreign.domid, c[i].dest.foreign.ref, true);
            to_at = c[i].dest.foreign.offset;
        }
        if (from_grant && to_grant)
            fake.own_copies++;
        if (!from || !to) {
            c[i].status = GNTST_bad_gntref;
        } else if (from_at + c[i].len > 4096 || to_at + c[i].len > 4096) {
            c[i].status = GNTST_bad_copy_arg;
        } else {
            memcpy(to + to_at, from + from_at, c[i].len);
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
    .share = fake_share,
    .unshare = fake_unshare,
};

#endif
