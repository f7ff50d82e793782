// SPDX-License-Identifier: GPL-2.0-or-later
/* The journal's count of commands at devices; see at-device.h. */
#include "config.h"

#include "worker/at-device.h"

static void store(struct at_device *a)
{
    __atomic_store_n(&a->journal->at_device, a->predecessors + a->ours, __ATOMIC_RELEASE);
}

void at_device_init(struct at_device *a, struct pvscsi_journal *journal)
{
    *a = (struct at_device){ .journal = journal, .predecessors = journal->at_device };
}

void at_device_add(struct at_device *a)
{
    a->ours++;
    store(a);
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
