/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says in an event loop that SCSI devices of this machine came, went or changed. It never says which: its user looks at
 * sysfs, and looks from time to time anyway, because an event can be missed (uevents.h).
 */
#ifndef PVSCSI_DEVICE_WATCH_H
#define PVSCSI_DEVICE_WATCH_H

#include "common/loop.h"

struct device_watch {
    struct loop_source src;
    void (*changed)(void *ctx);
    void *ctx;
};

/* From the loop: changed() once for all events that have come. 0 or -errno; fd is -1 then. */
int device_watch_init(struct device_watch *w, struct loop *loop, void (*changed)(void *ctx), void *ctx);
/* No-op for one that was not initialised with success, if its fd is -1. */
void device_watch_deinit(struct device_watch *w);

#endif
