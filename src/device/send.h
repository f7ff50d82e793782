/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends a command without data to a device, and waits for its end. May sleep in the kernel, so it is called in a
 * thread.
 */
#ifndef PVSCSI_SEND_H
#define PVSCSI_SEND_H

#include <stdint.h>

/* Enough for a command that touches no medium, behind others that the device still has. */
#define DEVICE_SEND_TIMEOUT_MS 20000u

/* How it ended, as sg says it: status 0 and host 0 is success. */
struct device_end {
    uint8_t status;
    uint16_t host;
    uint8_t sense_len; /* valid bytes of sense */
    uint8_t sense[64];
};

/* sg: an sg descriptor, opened for writing. cdb_len: up to 16. 0 and *end, or -errno: it was not sent. */
int device_send(int sg, const uint8_t *cdb, unsigned cdb_len, struct device_end *end);

#endif
