/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which device each LUN of a vhost is, in a file of the run directory: for a daemon or a worker that has to open it
 * again. Decides nothing.
 */
#ifndef PVSCSI_REMEMBER_H
#define PVSCSI_REMEMBER_H

#include "control/model.h"

/* Reads the file once, before any device of v is opened. */
void remember_load(struct vhost *v);
/*
 * Records which device d is, for when it has to be opened again. This must be done before the worker can send
 * commands to it.
 */
void remember_device(struct vdev *d);

#endif
