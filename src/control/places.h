/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many commands each worker may have at a SCSI host: a host takes so many at once (can_queue), and one more makes
 * the write() to sg sleep in the kernel, and with it the whole worker. The guests of a host divide its places. If there
 * are fewer places than guests, they get them in turn.
 *
 * This file only records who may have how much. worker-link.c tells the workers, and hears what they say.
 */
#ifndef PVSCSI_PLACES_H
#define PVSCSI_PLACES_H

#include "control/model.h"

/* The device of d, d->dev, has a SCSI host, and d uses it from now on; until places_leave(). */
void places_join(struct vdev *d);
void places_leave(struct vdev *d);

/* What d's worker has to know of the host of d's device. False: nothing is known of the host. */
bool places_of(const struct vdev *d, struct worker_places *out);
/* The same, if the worker does not know it yet: it does then. The worker must have d. */
bool places_to_tell(struct vdev *d, struct worker_places *out);
/* The worker is about to be told what places_of() says, with d. */
void places_told(struct vdev *d);

/* A worker that has no place says whether commands wait for one, and whether it has commands at the host still. */
void places_said(struct vhost *v, const struct worker_waits *said);
/* The worker is gone, after at_work_note(). */
void places_worker_gone(struct vhost *v);
/* A device of this SCSI host has no command of a dead worker any more. */
void places_freed(struct host *h, uint32_t scsi_host);

/*
 * Pure. The places of a guest with `mine` of the n_luns LUNs, of n_guests guests, on a host that takes can_queue
 * commands. One place is left to others than us. 0: there are fewer places than guests.
 */
uint32_t places_divide(uint32_t can_queue, unsigned n_guests, unsigned n_luns, unsigned mine);

#endif
