/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readings of sysfs for the threads that open devices. Many openings at once cost few readings: those that begin during
 * a reading share the next one. An opening never gets a reading that began before the opening did, so it learns
 * everything that a reading of its own would have shown.
 */
#ifndef PVSCSI_READINGS_H
#define PVSCSI_READINGS_H

#include <stdint.h>

#include "device/device.h"
#include "device/inventory.h"

struct readings; /* the readings of one control process, with a lock */
struct reading;  /* one of them */

/* NULL: out of memory. The set is freed when its creator and all that have joined it have left it. */
struct readings *readings_new(void);
/* An opening joins the set. Returns a number for readings_take(), which shows when it joined. */
uint64_t readings_join(struct readings *rs);
/* When only the creator is left, the latest reading is freed. NULL is allowed. */
void readings_leave(struct readings *rs);

/*
 * For a thread. Gives a reading that began after readings_join() had returned `joined`, and that ended less than a
 * second ago. If another thread reads now, waits until it has ended. That does not take long, because a reading of
 * sysfs does not wait for a device. 0, and *out until readings_give_back(); or -errno.
 */
int readings_take(struct readings *rs, const struct device_roots *roots, uint64_t joined, struct reading **out);
/* What it has found, with the identifiers. Valid until readings_give_back(). */
const struct inventory *reading_inventory(const struct reading *r);
/* NULL is allowed. */
void readings_give_back(struct readings *rs, struct reading *r);

#endif
