/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes options of a device that a guest has, and waits until the backend has taken them over. */
#ifndef XL_SCSI_SET_H
#define XL_SCSI_SET_H

#include "change.h"
#include "settings.h"

/*
 * 0: they hold. Else -errno and c->error, and nothing is changed: the nodes are as they were. With c->store->dry_run it
 * only prints, and gives 0.
 */
int set_run(struct change *c, const struct hctl *vdev, const struct dev_settings *settings);

#endif
