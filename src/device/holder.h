/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What in this domain uses a device: mounts, swap, what is built on it (dm, md, LVM), and programs that have it open.
 * It only reads /proc and sysfs, and changes nothing.
 */
#ifndef PVSCSI_HOLDER_H
#define PVSCSI_HOLDER_H

#include "device/device.h"

/*
 * Is the block device, or a partition of it, mounted, swap space, or part of another block device? 1 and a few words in
 * why[DEVICE_WHY_MAX] ("it is mounted on /srv"), or 0.
 */
int holder_of_block(const struct device_roots *roots, const struct device *dev, char *why);

/*
 * What to do about such a use: the end of a message, from the semicolon on. `force` is no help against multipath, which
 * would go on sending commands to the device and take its unit attentions.
 */
const char *holder_advice(const char *why);

/* How the reason of a device begins that its backend domain uses itself. xl-scsi knows it by this. */
#define HOLDER_IN_USE "it is in use in this domain"

enum holder_opener {
    OPENER_NONE,
    OPENER_OURS,  /* only pvscsid and its workers: by their names and users, which nobody else has */
    OPENER_OTHER, /* why names the process and the node */
};
/*
 * What programs have the device open: its block device or a partition of it, or, if it has no block device, any of its
 * character device nodes (st, nst, sch, sg, bsg).
 */
enum holder_opener holder_opener(const struct device_roots *roots, const struct device *dev, char *why);

#endif
