/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives devices back to this domain: undoes what the guest has left in them (scsi/left.h), and ends their claims. That
 * can sleep in the kernel, so it is done in threads. When the daemon ends, nothing is given back: the next one goes on
 * with the guests' devices.
 */
#ifndef PVSCSI_GIVEBACK_H
#define PVSCSI_GIVEBACK_H

#include "control/model.h"

/*
 * The guest no longer has d's LUN. To be called while d knows its index and its device. d->claim becomes NULL, and
 * d->giveback is set until all is done.
 */
void giveback_device(struct vdev *d);
/* The guest's ring has ended, and d stays: what the guest has left is undone. d->giveback is set until that is done. */
void giveback_ring(struct vdev *d);
/* Only for a claim that belongs to no LUN. NULL is allowed. */
void giveback_claim(struct host *h, struct claim *c);
/* What the files in the run directory say of a vhost that this daemon has not served. */
void giveback_files(struct host *h, uint16_t domid, uint32_t vhost);
/*
 * What waits for the end of d, or of its ring, waits for this too. That has a limit, because a sick device takes long.
 */
bool giveback_pending(const struct vdev *d, uint64_t now);
/* d is about to be freed. */
void giveback_forget(struct vdev *d);

#endif
