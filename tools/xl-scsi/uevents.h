/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's word that a SCSI device has come: a device that could not be attached may be there now. A hint only: one
 * that is lost makes the next try later.
 */
#ifndef XL_SCSI_UEVENTS_H
#define XL_SCSI_UEVENTS_H

/* A descriptor that is readable when there is news, to be closed; -1 where there is none. */
int uevents_open(void);
/* Takes all news. 1: a SCSI device has come, or news was lost; 0: none. fd may be -1. */
int uevents_took(int fd);

#endif
