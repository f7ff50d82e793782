// SPDX-License-Identifier: GPL-2.0-or-later
/* Grant copies in batches; see grants.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "worker/grants.h"

#define PAGE 4096u /* of a grant (xen/include/public/grant_table.h) */

int grants_init(struct grants *g, struct xen *xen, uint16_t domid, uint16_t own_domid, unsigned max)
{
    *g = (struct grants){ .xen = xen, .domid = domid, .own_domid = own_domid, .max = max };
    g->copies = calloc(max, sizeof(*g->copies));
    g->owner = calloc(max, sizeof(*g->owner));
    return g->copies && g->owner ? 0 : -ENOMEM;
}

void grants_deinit(struct grants *g)
{
    free(g->copies);
    free(g->owner);
    g->copies = NULL;
    g->owner = NULL;
}

void grants_add(struct grants *g, uint8_t owner, const struct scsiif_request_segment *seg, void *local, uint16_t len,
                bool to_guest)
{
    xen_copy *x = &g->copies[g->n];

    *x = (xen_copy){ .len = len, .flags = to_guest ? GNTCOPY_dest_gref : GNTCOPY_source_gref };
    if (to_guest) {
        x->source.virt = local;
        x->dest.foreign.ref = seg->gref;
        x->dest.foreign.offset = seg->offset;
        x->dest.foreign.domid = g->domid;
    } else {
        x->source.foreign.ref = seg->gref;
        x->source.foreign.offset = seg->offset;
        x->source.foreign.domid = g->domid;
        x->dest.virt = local;
    }
    g->owner[g->n++] = owner;
}

/*
 * From grant to grant: neither side of a copy may leave its page. There is a copy for each page, so each has to be
 * cheap.
 */
static void add_granted(struct grants *g, uint8_t owner, const struct scsiif_request_segment *seg, uint32_t len,
                        const struct grants_data *data, uint32_t at, bool to_guest)
{
    const uint32_t *ref = &data->refs[at / PAGE];
    uint16_t domid = g->domid, own_domid = g->own_domid, offset = (uint16_t)(at % PAGE), guest_offset = seg->offset;
    uint32_t guest_ref = seg->gref;
    xen_copy *x = &g->copies[g->n];
    uint8_t *of = &g->owner[g->n];

    for (; len > 0; x++) {
        uint16_t n = (uint16_t)(len < PAGE - offset ? len : PAGE - offset);
        union xengnttab_copy_ptr *guest = to_guest ? &x->dest : &x->source, *own = to_guest ? &x->source : &x->dest;

        guest->foreign.ref = guest_ref;
        guest->foreign.offset = guest_offset;
        guest->foreign.domid = domid;
        own->foreign.ref = *ref++;
        own->foreign.offset = offset;
        own->foreign.domid = own_domid;
        x->len = n;
        x->flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
        x->status = GNTST_okay;
        *of++ = owner;
        offset = 0;
        guest_offset = (uint16_t)(guest_offset + n);
        len -= n;
    }
    g->n = (unsigned)(x - g->copies);
}

void grants_add_data(struct grants *g, uint8_t owner, const struct scsiif_request_segment *segs, unsigned n_segs,
                     struct grants_data data, uint32_t len, bool to_guest)
{
    uint32_t at = 0;

    for (unsigned i = 0; i < n_segs && at < len; i++) {
        uint32_t piece = segs[i].length < len - at ? segs[i].length : len - at;

        if (piece > 0 && data.refs)
            add_granted(g, owner, &segs[i], piece, &data, data.at + at, to_guest);
        else if (piece > 0)
            grants_add(g, owner, &segs[i], data.pages + data.at + at, (uint16_t)piece, to_guest);
        at += piece;
    }
}

uint32_t grants_run(struct grants *g)
{
    uint32_t failed = 0;
    unsigned n = g->n;

    g->n = 0;
    if (n == 0)
        return 0;
    if (g->xen->ops->copy(g->xen, g->copies, n) < 0) {
        /*
         * The call itself failed: no memory, or the domain is gone. The pieces of each owner are tried once more by
         * themselves, so that one owner does not make the others fail.
         */
        for (unsigned from = 0, to; from < n; from = to) {
            for (to = from; to < n && g->owner[to] == g->owner[from]; to++)
                ;
            if (g->xen->ops->copy(g->xen, &g->copies[from], to - from) < 0)
                failed |= 1u << g->owner[from];
        }
    }
    for (unsigned i = 0; i < n; i++)
        if (g->copies[i].status != GNTST_okay)
            failed |= 1u << g->owner[i];
    return failed;
}
