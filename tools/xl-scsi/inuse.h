/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks whether a device that a guest is to get is in use: by this machine (mounted, used as swap space, part of
 * dm, md or LVM, opened exclusively) or by another guest. What a driver domain does with its devices cannot be seen
 * from here. There, only the same p-dev in two guests is noticed.
 */
#ifndef XL_SCSI_INUSE_H
#define XL_SCSI_INUSE_H

#include "change.h"
#include "device/device.h"

/*
 * Does this machine use it? 1 and a few words in why[DEVICE_WHY_MAX] ("it is mounted on /srv"), or 0. A partition's
 * use counts as its disk's.
 */
int inuse_locally(const struct device_roots *roots, const struct device *dev, char *why);

/*
 * Checks all entries against this machine, the other guests, this guest, and each other; `force` exempts one. A
 * device that cannot be resolved is left for the backend to refuse. Sets `at` of each. 0, or -EBUSY and c->error.
 */
int inuse_check(struct change *c, const struct device_roots *roots, struct vscsi_entry *e, unsigned n);

/*
 * The same for one device that this guest has and is to write from now on. Only a file counts, because no other device
 * may be in two guests, written or not. 0, or -EBUSY and c->error.
 */
int inuse_check_write(struct change *c, const struct dev_view *dev);

/*
 * Puts the devices of a backend's guests into the index (units.h), if they are not in it. Each attach does this.
 * The service does it when it starts, so that the first attach is fast. 0 or -errno.
 */
int inuse_learn(struct change *c, uint32_t backend);

/* inuse_check(), then attach_run(), with no other attach of the same units in between. */
int inuse_attach(struct change *c, struct vscsi_entry *e, unsigned n);

/*
 * Replaces each entry with the v-dev `host` by one for every device of its physical host, numbered as there.
 * *entries is reallocated. 0, or -errno and c->error.
 */
int inuse_expand_hosts(struct change *c, const struct device_roots *roots, struct vscsi_entry **entries, unsigned *n);

#endif
