// SPDX-License-Identifier: GPL-2.0-or-later
/* Granted data pages and their segment lists; see buf.h. */
#include "config.h"

#include <errno.h>

#include "buf.h"
#include "common/util.h"
#include "pattern.h"

/* Neighbouring bytes differ, and so do pages, so that misplaced bytes show. */
static uint8_t poison_at(size_t i)
{
    return (uint8_t)(0xd5 ^ (i * 7) ^ (i >> 12) * 13);
}

static int cut(struct buf *b, const struct layout *l, unsigned max_segs)
{
    uint64_t state = l->seed;
    uint32_t left = b->len;
    struct segment *segs;

    if (b->len > (uint64_t)max_segs * FRONT_PAGE)
        return -E2BIG;
    segs = calloc(max_segs ? max_segs : 1, sizeof(*segs));
    if (!segs)
        return -ENOMEM;
    b->segs = segs;
    while (left > 0) {
        unsigned room, n = b->n_segs;
        struct segment *s = &segs[n];

        if (n == max_segs)
            return -E2BIG;
        s->page = (uint16_t)n;
        if (l->random) {
            /* The rest of the data must still fit into the rest of the segments. */
            uint32_t least = left > (max_segs - n - 1) * FRONT_PAGE ? left - (max_segs - n - 1) * FRONT_PAGE : 0;
            uint32_t most = left < FRONT_PAGE ? left : FRONT_PAGE;
            uint64_t dice = pattern_next(&state);

            if (dice % 8 == 0)
                s->length = (uint16_t)least;
            else
                s->length = (uint16_t)(least + pattern_next(&state) % (most - least + 1));
            s->offset = (uint16_t)(pattern_next(&state) % (FRONT_PAGE - s->length + 1));
        } else {
            s->offset = (uint16_t)(l->piece || n == 0 ? l->offset : 0);
            room = FRONT_PAGE - s->offset;
            if (l->piece && l->piece < room)
                room = l->piece;
            s->length = (uint16_t)(left < room ? left : room);
        }
        left -= s->length;
        b->n_segs++;
    }
    return 0;
}

static int share_lists(struct buf *b, uint16_t backend)
{
    const unsigned per_page = FRONT_PAGE / sizeof(struct scsiif_request_segment);
    unsigned n = (b->n_segs + per_page - 1) / per_page;
    void *lists;
    int e;

    b->list_refs = calloc(n, sizeof(*b->list_refs));
    if (!b->list_refs)
        return -ENOMEM;
    e = b->xen->ops->share(b->xen, backend, n, true, b->list_refs, &lists);
    if (e < 0)
        return e;
    b->lists = lists;
    b->n_lists = n;
    for (unsigned i = 0; i < b->n_segs; i++) {
        struct scsiif_request_segment rec = {
            .gref = b->refs[b->segs[i].page],
            .offset = b->segs[i].offset,
            .length = b->segs[i].length,
        };

        memcpy(b->lists + i * sizeof(rec), &rec, sizeof(rec));
    }
    return 0;
}

int buf_new(struct buf **out, struct xen *xen, uint16_t backend, uint32_t len, const struct layout *layout,
            unsigned max_segs, bool readonly)
{
    struct buf *b = calloc(1, sizeof(*b));
    void *pages;
    int e;

    if (!b)
        return -ENOMEM;
    b->xen = xen;
    b->len = len;
    b->readonly = readonly;
    e = cut(b, layout, max_segs);
    if (e < 0)
        goto fail;
    if (b->n_segs > 0) {
        b->refs = calloc(b->n_segs, sizeof(*b->refs));
        if (!b->refs) {
            e = -ENOMEM;
            goto fail;
        }
        e = xen->ops->share(xen, backend, b->n_segs, readonly, b->refs, &pages);
        if (e < 0)
            goto fail;
        b->pages = pages;
        b->n_pages = b->n_segs;
        b->indirect = layout->indirect || b->n_segs > VSCSIIF_SG_TABLESIZE;
        if (b->indirect) {
            e = share_lists(b, backend);
            if (e < 0)
                goto fail;
        }
    }
    buf_poison(b);
    *out = b;
    return 0;
fail:
    buf_free(b);
    return e;
}

int buf_free(struct buf *b)
{
    int e = 0, e2 = 0;

    if (!b)
        return 0;
    if (b->pages)
        e = b->xen->ops->unshare(b->xen, b->pages, b->n_pages);
    if (b->lists)
        e2 = b->xen->ops->unshare(b->xen, b->lists, b->n_lists);
    free(b->refs);
    free(b->list_refs);
    free(b->segs);
    free(b);
    return e < 0 ? e : e2;
}

void buf_poison(struct buf *b)
{
    for (size_t i = 0; i < (size_t)b->n_pages * FRONT_PAGE; i++)
        b->pages[i] = poison_at(i);
}

void buf_put(struct buf *b, const void *src)
{
    const uint8_t *from = src;

    for (unsigned i = 0; i < b->n_segs; i++) {
        memcpy(b->pages + (size_t)b->segs[i].page * FRONT_PAGE + b->segs[i].offset, from, b->segs[i].length);
        from += b->segs[i].length;
    }
}

void buf_get(const struct buf *b, void *dst, uint32_t len)
{
    uint8_t *to = dst;

    for (unsigned i = 0; i < b->n_segs && len > 0; i++) {
        uint32_t n = b->segs[i].length < len ? b->segs[i].length : len;

        memcpy(to, b->pages + (size_t)b->segs[i].page * FRONT_PAGE + b->segs[i].offset, n);
        to += n;
        len -= n;
    }
}

void buf_describe(const struct buf *b, struct vscsiif_request *req)
{
    memset(req->seg, 0, sizeof(req->seg));
    if (!b->indirect) {
        req->nr_segments = (uint8_t)b->n_segs;
        for (unsigned i = 0; i < b->n_segs; i++) {
            req->seg[i].gref = b->refs[b->segs[i].page];
            req->seg[i].offset = b->segs[i].offset;
            req->seg[i].length = b->segs[i].length;
        }
    } else {
        uint32_t left = b->n_segs * (uint32_t)sizeof(struct scsiif_request_segment);

        req->nr_segments = (uint8_t)(VSCSIIF_SG_GRANT | b->n_lists);
        for (unsigned i = 0; i < b->n_lists; i++) {
            uint32_t n = left < FRONT_PAGE ? left : FRONT_PAGE;

            req->seg[i].gref = b->list_refs[i];
            req->seg[i].offset = 0;
            req->seg[i].length = (uint16_t)n;
            left -= n;
        }
    }
}

bool buf_untouched_beyond(const struct buf *b, uint32_t moved)
{
    /* Every segment has a page of its own, in order. */
    for (unsigned p = 0; p < b->n_pages; p++) {
        const struct segment *s = &b->segs[p];
        uint32_t from = s->offset, len = s->length < moved ? s->length : moved;

        moved -= len;
        for (uint32_t i = 0; i < FRONT_PAGE; i++) {
            size_t at = (size_t)p * FRONT_PAGE + i;

            if ((i < from || i >= from + len) && b->pages[at] != poison_at(at))
                return false;
        }
    }
    return true;
}
