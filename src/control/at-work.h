/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that may still have commands of a dead worker, or of one that has lost the device: closing an sg descriptor
 * aborts nothing, and a late write would undo a newer one. A LUN on such a device is held: nothing is submitted until
 * the device is idle.
 *
 * `device_busy` counts the commands of all users. So while a LUN waits for a device, all LUNs on it are held until
 * the commands that they had submitted have ended.
 *
 * The set is kept in the run directory too, for the next daemon. This file only records which LUNs must be held
 * (vdev.must_hold). It sends nothing to a worker.
 */
#ifndef PVSCSI_AT_WORK_H
#define PVSCSI_AT_WORK_H

#include "control/model.h"

/* Reads what earlier daemons and their workers left in the run directory. */
void at_work_init(struct host *h);
void at_work_free(struct host *h);
/*
 * v's worker died, or is about to be abandoned: records the devices that may still have its commands. worker: its
 * pid while it may live, else 0. To be called while the LUNs' states say that the worker has them, and while the
 * journal exists.
 */
void at_work_note(struct vhost *v, pid_t worker);
/*
 * d's worker has let go of its device, but lives on. An honest worker has no command there any more. One that a guest
 * has taken over may: then the device is recorded, unless other LUNs use it, whose commands keep it busy. To be called
 * before d gives its device up.
 */
void at_work_note_lun(const struct vdev *d);
/*
 * d is about to be handed to a worker: sets d->waits and d->must_hold, and must_hold of the other LUNs on its
 * device.
 */
void at_work_begin_wait(struct vdev *d);
/* d waits no longer, because d or its worker is gone. */
void at_work_end_wait(struct vdev *d);

#endif
