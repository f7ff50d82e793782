/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which SCSI devices this machine has and what identifiers they have, from one reading of sysfs. A reading opens a file
 * of each device, so many identifiers are looked up in one inventory (device_resolve_in()). It never opens a device.
 */
#ifndef PVSCSI_DEVICE_INVENTORY_H
#define PVSCSI_DEVICE_INVENTORY_H

#include <stddef.h>

#include "pvscsi/hctl.h"

struct inventory_item {
    struct hctl at;
    char *wwid; /* as sysfs gives it, without blanks at its end; NULL: it has none, or it was not read */
};

struct inventory {
    struct inventory_item *items; /* in the order of h:c:t:l */
    size_t n;
};

enum inventory_depth {
    INVENTORY_ADDRESSES,
    INVENTORY_IDENTIFIERS
};

/* sysfs: its directory. 0 and *out, which the caller clears; or -errno. Empty if the kernel has no SCSI. */
int inventory_read(const char *sysfs, enum inventory_depth depth, struct inventory *out);
/* Frees what it has, and leaves it empty. */
void inventory_clear(struct inventory *i);
#define CLEANUP_INVENTORY __attribute__((cleanup(inventory_clear)))

#endif
