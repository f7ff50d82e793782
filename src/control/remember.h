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
/* Notes which device d is, for when it has to be opened again. True: the file must be saved. */
bool remember_device(struct vdev *d);
/*
 * Writes the file. This must be done before the worker can send commands to a device that was noted. If it fails, the
 * guest gets its device nevertheless, and remember_again() tries again.
 */
void remember_save(struct vhost *v);
/* Writes a file that is due again; v->unsaved says when. */
void remember_again(struct vhost *v);

#endif
