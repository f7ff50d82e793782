/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many commands each worker may have at a SCSI host: a host takes so many at once (can_queue), and one more makes
 * the write() to sg sleep in the kernel, and with it the whole worker. The vhosts with LUNs of a host divide its
 * places.
 *
 * This file only records who may have how much. worker-link.c tells the workers.
 */
#ifndef PVSCSI_PLACES_H
#define PVSCSI_PLACES_H

#include "control/model.h"

/* The device of d, d->dev, has a SCSI host, and d uses it from now on; until places_leave(). */
void places_join(struct vdev *d);
void places_leave(struct vdev *d);

/* What d's worker has to know of the SCSI host of d's device. The caller tells it. share 0: nothing is known of it. */
void places_tell(struct vdev *d, struct worker_places *out);
/* Whether the worker, which has d, does not know it yet. */
bool places_to_tell(const struct vdev *d);

/*
 * Pure. The places of a vhost with `mine` of the n_luns LUNs, of n_vhosts vhosts, on a host that takes can_queue
 * commands. One place is left to others than us. At least 1, also if there are fewer places than vhosts.
 */
uint32_t places_divide(uint32_t can_queue, unsigned n_vhosts, unsigned n_luns, unsigned mine);

#endif
