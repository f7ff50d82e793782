/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which guests may have a logical unit: an index in xenstore, so that one attach need not read what every guest has.
 * For each name of a unit (p-dev as it was written, h:c:t:l, wwid) it lists the guests that were given it:
 *
 *     /tool/xl-scsi/<backend>/units/<hash of the name>/<domid>
 *     /tool/xl-scsi/<backend>/guests/<domid>      all that this guest has is in the index
 *
 * An entry is a hint: whoever finds one reads that guest's nodes to see whether it still has the unit. An entry is
 * written before the guest's nodes are, so none is missing. Only a device that another tool adds to a guest which is
 * in the index already is not noticed; the daemon still sees that.
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

/* dev: what the p-dev leads to; NULL where that cannot be known. */
struct unit_names unit_names(const char *pdev, const struct device *dev);

/*
 * The guests of a backend that are not in the index, to be freed; NULL and *n 0 when there are none or on failure
 * (errno, 0 when there are just none). Takes those out of the index that the backend has no nodes of.
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
/* This guest has none of it any more. */
void units_forget(struct xenstore *s, uint32_t backend, uint32_t domid, const struct unit_names *unit);

#endif
