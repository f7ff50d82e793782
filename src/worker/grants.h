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
    uint16_t domid;
    unsigned n, max;
    xen_copy *copies; /* owned, max of them */
    uint8_t *owner;   /* owned; of each copy, 0..31 */
};

/* max: pieces in one batch. 0 or -ENOMEM; grants_deinit() must follow in both cases. */
int grants_init(struct grants *g, struct xen *xen, uint16_t domid, unsigned max);
void grants_deinit(struct grants *g);
/*
 * len bytes between local memory and the beginning of one segment (len is at most the segment's length), to the
 * guest or from it. There is room: the caller adds at most the max of grants_init() before grants_run().
 */
void grants_add(struct grants *g, uint8_t owner, const struct scsiif_request_segment *seg, void *local, uint16_t len,
                bool to_guest);
/* Adds copies between the first len bytes of buf and the segments, in their order. */
void grants_add_data(struct grants *g, uint8_t owner, const struct scsiif_request_segment *segs, unsigned n_segs,
                     uint8_t *buf, uint32_t len, bool to_guest);
/* Runs the batch and empties it. Bit i of the result: at least one piece of owner i failed. */
uint32_t grants_run(struct grants *g);

#endif
