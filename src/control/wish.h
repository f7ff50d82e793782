/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the toolstack wants of a device: its nodes below vscsi-devs/dev-N except the state. They are read when it
 * is attached, and when the toolstack has changed them.
 */
#ifndef PVSCSI_WISH_H
#define PVSCSI_WISH_H

#include "control/model.h"

/*
 * Reads d->wish and d->error_node. 0 or -errno. If the toolstack made a mistake, why[DEVICE_WHY_MAX] says which. If
 * xenstore failed, which may pass, why is unchanged.
 */
int wish_read(struct vdev *d, char *why);

#endif
