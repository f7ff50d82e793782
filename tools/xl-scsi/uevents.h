/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of the kernel for new SCSI devices: a device that could not be attached may exist now. They are only
 * hints: if one is lost, the next try comes later.
 */
#ifndef XL_SCSI_UEVENTS_H
#define XL_SCSI_UEVENTS_H

/* A descriptor that is readable when there are events; the caller closes it. -1: not possible. */
int uevents_open(void);
/* Reads all events. 1: there is a new SCSI device, or events were lost; 0: no new device. fd may be -1. */
int uevents_took(int fd);

#endif
