/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a device that is to be given away in use already: by this machine (mounted, swapped to, part of dm, md or
 * LVM, held by a driver) or by another guest? What a driver domain does with its devices cannot be seen from
 * here. There, only the same p-dev in two guests is noticed.
 */
#ifndef XL_SCSI_INUSE_H
#define XL_SCSI_INUSE_H

#include "change.h"
#include "device/device.h"

struct inuse_roots {
    struct device_roots device;
    const char *proc; /* "/proc" */
};
extern const struct inuse_roots inuse_roots_system;

/*
 * By this machine: 1 and a few words in why[DEVICE_WHY_MAX] ("mounted on /srv"), or 0. A partition's use counts
 * as its disk's.
 */
int inuse_locally(const struct inuse_roots *roots, const struct device *dev, char *why);

/*
 * Checks all entries against this machine, the other guests, this guest, and each other; `force` exempts one. A
 * device that cannot be resolved is left for the backend to refuse. 0, or -EBUSY and c->error.
 */
int inuse_check(struct change *c, const struct inuse_roots *roots, const struct vscsi_entry *e, unsigned n);

/*
 * Puts what the guests of a backend have into the index (units.h), where it is not there yet. Each attach does it; a
 * service that does it at its start spares the first attach the work. 0 or -errno.
 */
int inuse_learn(struct change *c, uint32_t backend);

/* attach_run() of what inuse_check() allows on this machine, with no other attach of the same units in between. */
int inuse_attach(struct change *c, const struct vscsi_entry *e, unsigned n);

/*
 * Replaces each entry with the v-dev `host` by one for every device of its physical host, numbered as there.
 * *entries is reallocated. 0, or -errno and c->error.
 */
int inuse_expand_hosts(struct change *c, const struct inuse_roots *roots, struct vscsi_entry **entries, unsigned *n);

#endif
