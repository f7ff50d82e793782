/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Says that SCSI devices of this machine came, went or changed. It never says which: its user looks at sysfs. An event
 * can be missed (the kernel drops what does not fit into a socket's buffer), so its user looks from time to time anyway.
 *
 * These are the kernel's own events (kobject_uevent), not udevd's: they need no udevd, and devtmpfs has made the nodes
 * before they are sent. A netlink socket needs no library.
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

/* A message of len bytes as the kernel sends it: is it of a SCSI device or its sg node? */
bool device_watch_concerns(const char *message, size_t len);

#endif
