/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the toolstack wants of a device: its nodes below vscsi-devs/dev-N but for the state, read once at its attach. */
#ifndef PVSCSI_WISH_H
#define PVSCSI_WISH_H

#include "control/model.h"

/*
 * Reads d->wish and d->error_node. 0, or -errno: with a reason in why[DEVICE_WHY_MAX] when it is the toolstack's mistake,
 * without one when xenstore failed, which may pass.
 */
int wish_read(struct vdev *d, char *why);

#endif
