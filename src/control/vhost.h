/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost: acts on what was recorded of it, and carries out what the state tables say.
 * The tables know what; this knows how, and when an action has to wait for the worker or
 * a device. The only writer of what the ring is.
 */
#ifndef PVSCSI_VHOST_H
#define PVSCSI_VHOST_H

#include "control/model.h"

/*
 * Runs the tables until nothing moves. Returns when to look again (microseconds from now), 0: not needed. v->seen.vanished
 * afterwards: it is to be dropped.
 */
uint64_t vhost_reconcile(struct vhost *v);
/* Ends what it has, and frees it; it is off the lists. */
void vhost_free(struct vhost *v);

#endif
