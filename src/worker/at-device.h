/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the journal says of devices: how many commands may be at one, and until when.
 * It outlives this process, so that the control process knows whether a dead worker has
 * left something at a device, and how long that may take. The count is raised before a command
 * is submitted and lowered after its end was seen. Nothing else of the journal is touched here.
 */
#ifndef PVSCSI_AT_DEVICE_H
#define PVSCSI_AT_DEVICE_H

#include <stdint.h>

#include "pvscsi/journal.h"

struct at_device {
    struct pvscsi_journal *journal; /* not owned */
    uint32_t ours;                  /* commands that sg has, strays included */
    uint32_t predecessors;          /* commands of dead predecessors, until their devices are known to be idle */
};

/* The count that the journal has now is that of dead predecessors. */
void at_device_init(struct at_device *a, struct pvscsi_journal *journal);
/*
 * sg is about to get the command of this journal entry, with a time-out that has ended for good at deadline_us
 * (CLOCK_MONOTONIC).
 */
void at_device_add(struct at_device *a, unsigned entry, uint64_t deadline_us);
/* The ring and its entries are about to go. Its commands that are at devices continue. */
void at_device_lose_ring(struct at_device *a);
/* sg has given one command back, or has not taken it. */
void at_device_remove(struct at_device *a);
/* What predecessors had submitted has ended. */
void at_device_forget_predecessors(struct at_device *a);

#endif
