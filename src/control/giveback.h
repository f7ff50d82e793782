/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives devices back to this domain when no guest has them any more. That can sleep in the kernel, so it is done in
 * threads. When the daemon ends, nothing is given back: the next one goes on with the guests' devices.
 */
#ifndef PVSCSI_GIVEBACK_H
#define PVSCSI_GIVEBACK_H

#include "control/model.h"

/* Gives d->claim back, which becomes NULL. d->giveback is set until that is done. */
void giveback_device(struct vdev *d);
/* The same for a claim that belongs to no LUN. NULL is allowed. */
void giveback_claim(struct host *h, struct claim *c);
/*
 * Whoever waits for the end of d waits for this too, so that the device can be used at once. That has a limit, because a
 * sick device takes long.
 */
bool giveback_pending(const struct vdev *d, uint64_t now);
/* d is about to be freed. */
void giveback_forget(struct vdev *d);

#endif
