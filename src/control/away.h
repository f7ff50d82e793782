/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that goes away while a guest has its LUN: deleted, offline, or its iSCSI session ended. The guest keeps the
 * LUN and gets errors. The device is looked for until the same unit is back, and is then given to the worker. Nothing
 * here changes the LUN's state, and a device that no guest has yet is not looked for.
 */
#ifndef PVSCSI_AWAY_H
#define PVSCSI_AWAY_H

#include "control/model.h"

/* The worker says that the device is gone. */
void away_lost(struct vdev *d);
/*
 * The device of a LUN that the guest may have was not found, or this domain uses it (in_use). The worker gets the LUN
 * without it.
 */
void away_begin(struct vdev *d, const char *why, bool in_use);
/* The worker has the LUN without its device, which is looked for from now on. */
void away_search(struct vdev *d);
/* Follows the search, and hands the worker what was found. True: something changed. */
bool away_step(struct vdev *d, uint64_t now);
/* The worker has answered about the device that it was handed (d->answer_error). */
void away_answered(struct vdev *d);
/* The device was opened for a LUN that no worker has: says that it is back, if it was said to be gone. */
void away_ended(struct vdev *d);
/* The worker no longer has the LUN: ends the search. */
void away_over(struct vdev *d);
/* Devices came or went: what is gone is looked for now. */
void away_hurry(struct vhost *v);

#endif
