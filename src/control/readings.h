/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readings of sysfs for the threads that open devices. All who ask while one of them reads share the next reading, so
 * many openings at once cost few readings. Nobody gets a reading that began before it asked: it is never told less than
 * its own reading would have told it.
 */
#ifndef PVSCSI_READINGS_H
#define PVSCSI_READINGS_H

#include <stdint.h>

#include "device/device.h"
#include "device/inventory.h"

struct readings; /* the set, which has a lock */
struct reading;  /* one */

/* NULL: out of memory. The set lives until its creator and all that have joined it have left it. */
struct readings *readings_new(void);
/* Joins the set. The number says since when: readings_take() wants it. */
uint64_t readings_join(struct readings *rs);
/* The last one but the creator takes the latest reading with it. NULL is allowed. */
void readings_leave(struct readings *rs);

/*
 * In a thread: a reading that began after this readings_join(), and that is not older than a second. Waits for a thread
 * that reads; a reading of sysfs does not sleep at a device. 0 and *out for readings_give_back(), or -errno.
 */
int readings_take(struct readings *rs, const struct device_roots *roots, uint64_t joined, struct reading **out);
/* With the identifiers; valid until readings_give_back(). */
const struct inventory *reading_inventory(const struct reading *r);
/* NULL is allowed. */
void readings_give_back(struct readings *rs, struct reading *r);

#endif
