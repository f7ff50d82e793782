/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many p-devs looked up at once: device_resolve(), but identifiers are looked for in one reading of sysfs, and not in
 * one for each. It never opens a device.
 */
#ifndef XL_SCSI_LOOKUP_H
#define XL_SCSI_LOOKUP_H

#include <stdbool.h>

#include "device/device.h"
#include "device/inventory.h"

/* { 0 } before the first use; lookup_clear() at the end. What it has read of sysfs it keeps. */
struct lookup {
    struct inventory all;
    bool loaded;
};

/* Whether the p-dev leads to a device of this machine; then *out is it. A file is none. */
bool lookup_device(struct lookup *l, const struct device_roots *roots, const char *pdev, struct device *out);
void lookup_clear(struct lookup *l);

#endif
