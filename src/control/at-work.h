/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices at which commands of a worker that is gone may still be: closing an sg
 * descriptor aborts nothing, and a write that lands late would undo a newer one.
 * A LUN on such a device is held: nothing is submitted until the device was seen idle.
 *
 * `device_busy` counts everybody's commands. So while a LUN waits for a device, all
 * LUNs on it are held, until what they had under way has drained.
 *
 * The set is kept in the run directory too, for the daemon after this one. Here is only
 * recorded which LUNs must be held (vdev.must_hold); no worker is told.
 */
#ifndef PVSCSI_AT_WORK_H
#define PVSCSI_AT_WORK_H

#include "control/model.h"

/* Reads what earlier daemons and their workers have left. */
void at_work_init(struct host *h);
void at_work_free(struct host *h);
/*
 * v's worker is gone, or about to be abandoned: notes the devices at which its commands may still be. worker: its pid while it
 * may live, else 0. To be called while the LUNs' states say that the worker has them, and the journal is there.
 */
void at_work_note(struct vhost *v, pid_t worker);
/* d is about to be handed to a worker: sets d->waits and d->must_hold, and the latter of others on its device too. */
void at_work_begin_wait(struct vdev *d);
/* d waits no more, whatever for: it is gone, or its worker. */
void at_work_end_wait(struct vdev *d);

#endif
