/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The toolstack changes options of a device that the guest has: it writes their nodes, and then another number into
 * `change`. The answer is in `changed`: the same number, and behind it the reason if nothing is changed.
 */
#ifndef PVSCSI_CHANGE_H
#define PVSCSI_CHANGE_H

#include "control/nodes.h"

/* One step of a change that is under way (d->change). What becomes of it goes into the batch. */
void change_step(struct vdev *d, struct node_batch *b);

#endif
