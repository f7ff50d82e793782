/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks an opened device which logical unit it is. What sysfs remembers is of the time of the last scan: an array may
 * have mapped another unit to the LUN since then.
 */
#ifndef PVSCSI_DEVICE_ASK_H
#define PVSCSI_DEVICE_ASK_H

#include "device/device.h"

/*
 * For a device that no guest has: the time that Linux gives an INQUIRY of its own scan (inq_timeout of scsi_mod).
 * The error handling of a SCSI host stops its other devices, and a device that is slow at its start does not need it.
 */
#define DEVICE_ASK_NEW_MS 20000u
/* For one that a guest waits for: a question that was lost must not keep it busy for longer than it is waited for. */
#define DEVICE_ASK_AGAIN_MS 3000u
/*
 * Sends INQUIRY through sg (of device_open()), sets dev->unit, and compares the answers with what sysfs says. A file
 * is not asked: its device number and inode are its identity. 0, or -errno and why: -ENODEV it is not the unit that
 * sysfs remembers; -ETIMEDOUT no answer within 3 s; -EIO no answer of the device itself. May sleep in the kernel.
 * kernel_ms: after this time the kernel begins its error handling for an INQUIRY without an answer.
 */
int device_ask(const struct device_roots *roots, int sg, unsigned kernel_ms, struct device *dev, char *why);

/*
 * Is this the answer to an INQUIRY? Sense data with NO SENSE or RECOVERED ERROR may come with it. sense: len valid
 * bytes, of CHECK CONDITION.
 */
bool device_inquiry_is_answered(uint8_t status, const uint8_t *sense, unsigned len);

/* What the device has answered. A page of length 0 is one that it does not have. */
struct answers {
    uint8_t inquiry[36];
    uint8_t page83[4096], page80[255];
    size_t page83_len, page80_len;
};
/* The second half of device_ask(), without the device. Pure but for sysfs. */
int device_judge(const struct device_roots *roots, const struct answers *a, struct device *dev, char *why);

#endif
