/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Detaches devices from a guest: asks backend and guest to release them, then removes the nodes.
 */
#ifndef XL_SCSI_DETACH_H
#define XL_SCSI_DETACH_H

#include "change.h"

/* Detaches one device by its v-dev. 0 once it is really gone; else -errno, c->error, and it stays. */
int detach_run(struct change *c, const struct hctl *vdev);

/* The inner part: removes devs n[0..count) of a vhost; those that are not there do not count. */
int detach_devs(struct change *c, uint32_t backend, uint32_t id, const uint32_t *n, unsigned count);

#endif
