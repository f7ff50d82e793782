/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps a device to ourselves while a guest has it. A claim is a file descriptor, so the kernel gives the device back
 * if this process ends in any way:
 *
 *   disk          the block device, exclusively: mount, swapon, dm, md, LVM, partitions get EBUSY
 *   optical drive the same, for writing: only that stops the kernel's polling. An eject gets EBUSY
 *   tape          the node that does not rewind: the kernel's st has one user at a time, and closing it moves nothing
 *   changer       nothing: its driver sends no command by itself, and has no exclusive use
 *
 * The kernel's polling of removable media is turned off too, because it takes the guest's unit attentions.
 */
#ifndef PVSCSI_CLAIM_H
#define PVSCSI_CLAIM_H

#include <sys/types.h>

#include "device/device.h"

struct device_claim {
    int fd;            /* -1: there is nothing to keep open */
    ino_t sysfs_inode; /* of the device's directory in sysfs; another one belongs to a later device of this address */
    bool polled;       /* its polling was turned off */
    char polling[16];  /* what events_poll_msecs was before */
};

/*
 * Claims it. May sleep in the kernel, so it is called in a thread. A program that has it open for a moment is waited
 * for, up to CLAIM_PATIENCE_US. 0; -EBUSY and what uses it in why[DEVICE_WHY_MAX]; or another -errno and why. If
 * nothing can be opened because a device node is missing: 0, and why says so; else why is "".
 */
#define CLAIM_PATIENCE_US 1000000
int device_claim(const struct device_roots *roots, const struct device *dev, struct device_claim *out, char *why);
/* The device of this address is still the one that was claimed. */
bool device_claim_is_current(const struct device_roots *roots, const struct device *dev, const struct device_claim *c);
/* put_back: the device is this domain's again, so its polling is turned on. May sleep in the kernel. */
void device_claim_end(const struct device_roots *roots, const struct device *dev, struct device_claim *c,
                      bool put_back);

#endif
