/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device resets that workers ask for, each done in a thread. Records what came of one; tells no worker. */
#ifndef PVSCSI_RESET_H
#define PVSCSI_RESET_H

#include "control/model.h"

/* From RESET_WANTED to RESET_RUNNING, or to RESET_DONE with the reason why not. */
void reset_start(struct vdev *d);
/* The worker that asked is gone, or the LUN is: no result is recorded. */
void reset_forget(struct vdev *d);

#endif
