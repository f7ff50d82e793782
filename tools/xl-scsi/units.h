/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which guests may have a logical unit: an index in xenstore, so that an attach need not read the devices of every
 * guest. For each name of a unit (p-dev as it was written, h:c:t:l, wwid) it lists the guests that were given it:
 *
 *     /tool/xl-scsi/<backend>/units/<hash of the name>/<domid>
 *     /tool/xl-scsi/<backend>/guests/<domid>      all that this guest has is in the index
 *
 * An entry is a hint: an attach that finds one reads that guest's nodes to see whether it still has the unit. An
 * entry is written before the guest's nodes, so none is missing. One case is not noticed here: another tool adds a
 * device to a guest that is in the index already. The daemon does see it.
 *
 * This file reads no guest's devices and knows nothing of sysfs.
 */
#ifndef XL_SCSI_UNITS_H
#define XL_SCSI_UNITS_H

#include <stdint.h>

#include "device/device.h"
#include "xenstore.h"

#define UNIT_NAMES_MAX 3

/* The names of one unit, as numbers. */
struct unit_names {
    uint64_t hash[UNIT_NAMES_MAX];
    unsigned n;
};

/* dev: the device to which the p-dev leads; NULL: not known. */
struct unit_names unit_names(const char *pdev, const struct device *dev);

/*
 * The guests of a backend that are not in the index; the caller frees the list. NULL and *n 0: there are none
 * (errno 0), or it failed (errno). Removes guests from the index of which the backend has no nodes.
 */
uint32_t *units_unknown(struct xenstore *s, uint32_t backend, unsigned *n);
/* Notes that a guest may have these units, n of them. 0 or -errno. */
int units_note(struct xenstore *s, uint32_t backend, uint32_t domid, const struct unit_names *units, unsigned n);
/* Afterwards: all that this guest has is in the index now. 0 or -errno. */
int units_note_known(struct xenstore *s, uint32_t backend, uint32_t domid);
/*
 * The guests that may have the unit: added to ids[*n..), which is grown. Each domid once. 0 or -errno.
 */
int units_guests(struct xenstore *s, uint32_t backend, const struct unit_names *unit, uint32_t **ids, unsigned *n);
/* Notes that this guest does not have the unit any more. */
void units_forget(struct xenstore *s, uint32_t backend, uint32_t domid, const struct unit_names *unit);

#endif
