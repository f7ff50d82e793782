/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells the service manager how a daemon is, as sd_notify(3) describes. libsystemd is not used for these few bytes: it
 * loads six more libraries, into every worker and every xl-scsi, and that takes longer than most of their work.
 */
#ifndef PVSCSI_NOTIFY_H
#define PVSCSI_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Sends lines such as "READY=1" to the socket that NOTIFY_SOCKET names: a path, or a name in the abstract namespace
 * after '@'. Waits while the manager has too many of them to read. False: there is no manager, or it cannot be told.
 */
bool notify(const char *lines);
/*
 * The time between two "WATCHDOG=1" that the service manager allows this process (WATCHDOG_USEC, WATCHDOG_PID), in
 * microseconds; 0: it waits for none. Takes both out of the environment, so that no child believes that it is meant.
 */
uint64_t notify_watchdog_us(void);

#endif
