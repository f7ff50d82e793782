// SPDX-License-Identifier: GPL-2.0-or-later
/* The journal's count of commands at devices; see at-device.h. */
#include "config.h"

#include "worker/at-device.h"

static void store(struct at_device *a)
{
    __atomic_store_n(&a->journal->at_device, a->predecessors + a->ours, __ATOMIC_RELEASE);
    if (a->predecessors + a->ours == 0)
        __atomic_store_n(&a->journal->strays_deadline_us, 0, __ATOMIC_RELEASE);
}

void at_device_init(struct at_device *a, struct pvscsi_journal *journal)
{
    *a = (struct at_device){ .journal = journal, .predecessors = journal->at_device };
}

void at_device_add(struct at_device *a, unsigned entry, uint64_t deadline_us)
{
    __atomic_store_n(&a->journal->entry[entry].deadline_us, deadline_us, __ATOMIC_RELEASE);
    a->ours++;
    store(a);
}

void at_device_lose_ring(struct at_device *a)
{
    uint64_t deadline_us = a->predecessors + a->ours > 0 ? pvscsi_journal_deadline(a->journal) : 0;

    __atomic_store_n(&a->journal->strays_deadline_us, deadline_us, __ATOMIC_RELEASE);
}

void at_device_remove(struct at_device *a)
{
    a->ours--;
    store(a);
}

void at_device_forget_predecessors(struct at_device *a)
{
    a->predecessors = 0;
    store(a);
}
