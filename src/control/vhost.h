/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost: acts on what was recorded of it, and carries out what the state tables say. The tables say what to do;
 * this file knows how, and when an action has to wait for the worker or a device. Only this file writes the state
 * of the ring.
 */
#ifndef PVSCSI_VHOST_H
#define PVSCSI_VHOST_H

#include "control/model.h"

/*
 * Runs the tables until nothing changes. Returns when to run them again, in microseconds from now; 0: no need. If
 * v->seen.vanished is set afterwards, the caller has to drop v.
 */
uint64_t vhost_reconcile(struct vhost *v);
/* Releases what v has, and frees it. v must have been unlinked. */
void vhost_free(struct vhost *v);

#endif
