/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which LUNs are on the same device. Records whether other guests have it; tells no worker. */
#ifndef PVSCSI_SHARED_H
#define PVSCSI_SHARED_H

#include "control/model.h"

/* d has d->dev from now on. A device without an address (a file) is not shared. */
void shared_add_user(struct vdev *d);
/* ... or no more; to be called before d->dev changes. */
void shared_remove_user(struct vdev *d);
/* The first of the LUNs on the device, and perhaps on others: follow next_user, and compare dev.hctl. */
struct vdev *shared_first_user(const struct host *h, const struct hctl *hctl);

#endif
