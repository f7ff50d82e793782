/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which LUNs are on the same device. Records whether another guest has it too; sends nothing to a worker. */
#ifndef PVSCSI_SHARED_H
#define PVSCSI_SHARED_H

#include "control/model.h"

/* d uses d->dev from now on, and a place of its SCSI host. A device without an address (a file) is never shared. */
void shared_add_user(struct vdev *d);
/* d does not use d->dev any more. To be called before d->dev changes. */
void shared_remove_user(struct vdev *d);
/* The first entry of a list of LUNs on this device, and perhaps on others: follow next_user and compare dev.hctl. */
struct vdev *shared_first_user(const struct host *h, const struct hctl *hctl);

#endif
