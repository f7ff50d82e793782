/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest leaves in a device that ends with the guest: medium removal that it has prevented, and a reservation. By
 * tables, from the CDBs alone. Persistent reservations are meant to stay, and are not among these.
 */
#ifndef PVSCSI_SCSI_LEFT_H
#define PVSCSI_SCSI_LEFT_H

#include <stdint.h>

enum scsi_left {
    SCSI_LEFT_PREVENT = 1,            /* PREVENT ALLOW MEDIUM REMOVAL */
    SCSI_LEFT_PREVENT_PERSISTENT = 2, /* the same of an optical drive, with its persistent bit (MMC-6 6.17) */
    SCSI_LEFT_RESERVE_6 = 4,
    SCSI_LEFT_RESERVE_10 = 8,
};

/* What there may be once this command is sent to a device of this type, if there was `left`. cdb: its whole group. */
uint32_t scsi_left_sent(uint32_t left, uint8_t type, const uint8_t *cdb);
/* What there still is once it has ended with GOOD. */
uint32_t scsi_left_done(uint32_t left, uint8_t type, const uint8_t *cdb);

#define SCSI_LEFT_CDB_MAX 10
/*
 * The command that undoes the lowest bit of *left, which is cleared: its length in bytes, in cdb. 0: nothing is left.
 */
unsigned scsi_left_undo(uint32_t *left, uint8_t cdb[SCSI_LEFT_CDB_MAX]);
/* In words, for a log line: "PREVENT MEDIUM REMOVAL", of the lowest bit. */
const char *scsi_left_name(uint32_t left);

#endif
