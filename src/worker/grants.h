/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant copies between granted pages of the guest and our memory, collected and run as one batch. No other file
 * copies from or to a granted page. Knows nothing of commands: each piece has an owner, a small number, and a
 * failure names its owner.
 */
#ifndef PVSCSI_GRANTS_H
#define PVSCSI_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "pvscsi/vscsiif.h"
#include "xen/xen-ops.h"

struct grants {
    struct xen *xen;
    uint16_t domid, own_domid;
    unsigned n, max;
    xen_copy *copies; /* owned, max of them */
    uint8_t *owner;   /* owned; of each copy, 0..31 */
};

/* max: pieces in one batch. 0 or -ENOMEM; grants_deinit() must follow in both cases. */
int grants_init(struct grants *g, struct xen *xen, uint16_t domid, uint16_t own_domid, unsigned max);
void grants_deinit(struct grants *g);
/*
 * len bytes between local memory and the beginning of one segment (len is at most the segment's length), to the
 * guest or from it. There is room: the caller adds at most the max of grants_init() before grants_run().
 */
void grants_add(struct grants *g, uint8_t owner, const struct scsiif_request_segment *seg, void *local, uint16_t len,
                bool to_guest);
/* Our side of a copy of data. */
struct grants_data {
    uint8_t *pages;       /* page-aligned */
    const uint32_t *refs; /* grant references of the pages, granted to own_domid; NULL: plain memory */
    uint32_t at;          /* where the data begins, in bytes from the first page */
};
/*
 * Adds copies between the first len bytes of the data and the segments, in their order. A segment that lies in two of
 * our granted pages takes two copies: max of grants_init() has to count each segment of the guest twice.
 */
void grants_add_data(struct grants *g, uint8_t owner, const struct scsiif_request_segment *segs, unsigned n_segs,
                     struct grants_data data, uint32_t len, bool to_guest);
/* Runs the batch and empties it. Bit i of the result: at least one piece of owner i failed. */
uint32_t grants_run(struct grants *g);

#endif
