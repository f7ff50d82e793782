/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device resets that workers ask for, each in a thread. Records the result; sends nothing to a worker. */
#ifndef PVSCSI_RESET_H
#define PVSCSI_RESET_H

#include "control/model.h"

/* From RESET_WANTED to RESET_RUNNING, or to RESET_DONE with an error if the reset cannot be started. */
void reset_start(struct vdev *d);
/* The worker that asked for the reset is gone, or the LUN is. The result is not recorded. */
void reset_forget(struct vdev *d);

#endif
