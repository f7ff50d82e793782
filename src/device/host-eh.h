/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long this machine's kernel may keep a command whose time-out is over, as far as sysfs tells. Reads a few files;
 * asks no device, and remembers nothing: the figures change at run time (multipathd sets those of the transports).
 */
#ifndef PVSCSI_DEVICE_HOST_EH_H
#define PVSCSI_DEVICE_HOST_EH_H

#include <stdint.h>

#include "device/device.h"
#include "pvscsi/worker-proto.h"

/*
 * Without anything that sysfs tells: the abort of the command by its driver (15 to 60 s), and what lies between two
 * states of the kernel's error handling.
 */
#define HOST_EH_USUAL_S 120u

struct host_eh {
    uint32_t seconds; /* from the end of the time-out on; HOST_EH_NO_LIMIT: as long as it likes */
    char why[112];    /* what the figure comes from, for a log line; "": nothing but the kernel's usual time */
};

/* What sysfs does not say counts as usual, so there is an answer for a device that is gone too. */
void host_eh_read(const struct device_roots *roots, const struct hctl *hctl, struct host_eh *out);

#endif
