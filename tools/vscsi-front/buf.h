/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages granted to the backend for one request's data, and the segment list
 * that describes them. Every byte is poisoned first, so that a byte written
 * outside the request's data shows.
 */
#ifndef VSCSI_FRONT_BUF_H
#define VSCSI_FRONT_BUF_H

#include "ring.h"

/* How a buffer is cut into segments. All zero: as Linux does, whole pages. */
struct layout {
    unsigned offset; /* where in its page a segment begins: the first, or each when piece is set */
    unsigned piece;  /* bytes of each segment; 0: to the end of the page */
    bool random;     /* lengths from 0 up and any offset, from seed */
    bool indirect;   /* an indirect list even where direct segments would do */
    uint64_t seed;
};

struct segment {
    uint16_t page, offset, length;
};

struct buf {
    struct xen *xen;
    uint32_t len; /* bytes of data */
    bool readonly;
    unsigned n_pages;
    uint8_t *pages;
    uint32_t *refs;
    unsigned n_segs;
    struct segment *segs;
    bool indirect;
    unsigned n_lists; /* pages of the indirect list */
    uint8_t *lists;
    uint32_t *list_refs;
    struct buf *next; /* for a list of the caller's */
};

/*
 * Room for len bytes, at most max_segs segments (26 direct; beyond that the list goes into pages of its own).
 * readonly: the backend may only read. 0, -E2BIG (too many segments), or -errno. buf_free() takes it back.
 */
int buf_new(struct buf **out, struct xen *xen, uint16_t backend, uint32_t len, const struct layout *layout,
            unsigned max_segs, bool readonly);
/* 0, or -errno of what could not be taken back. NULL is fine. */
int buf_free(struct buf *b);
/* Fills every byte of every page. */
void buf_poison(struct buf *b);
void buf_put(struct buf *b, const void *src);
void buf_get(const struct buf *b, void *dst, uint32_t len);
/* nr_segments and seg[] of a request. */
void buf_describe(const struct buf *b, struct vscsiif_request *req);
/* After buf_poison() and a request that moved `moved` bytes in: nothing else was written. */
bool buf_untouched_beyond(const struct buf *b, uint32_t moved);

#endif
