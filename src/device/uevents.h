/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of the kernel's device model about SCSI devices. They are only hints: the kernel drops what does not fit into
 * a socket's buffer. It never says which device it is: its user looks at sysfs, and looks from time to time anyway.
 *
 * These are the kernel's own events (kobject_uevent), not udevd's: they need no udevd, and devtmpfs has made the nodes
 * before they are sent. A netlink socket needs no library.
 */
#ifndef PVSCSI_DEVICE_UEVENTS_H
#define PVSCSI_DEVICE_UEVENTS_H

#include <stddef.h>

/* A set of these bits. */
enum uevents {
    UEVENT_SCSI = 1 << 0,  /* a SCSI device or its sg node came, went or changed */
    UEVENT_ADDED = 1 << 1, /* an sg node came */
};

/* A descriptor that does not block and is readable when there are events; the caller closes it. Or -errno. */
int uevents_open(void);
/* Reads all events. Their bits, all of them if events were lost; 0: none of a SCSI device. fd may be negative: 0. */
unsigned uevents_read(int fd);

/* The bits of one message of len bytes as the kernel sends it. Pure. */
unsigned uevents_parse(const char *message, size_t len);

#endif
