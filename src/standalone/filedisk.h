/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An emulated disk over a file. Only standalone mode has it: a real guest gets real devices.
 */
#ifndef PVSCSI_FILEDISK_H
#define PVSCSI_FILEDISK_H

#include "standalone/filedisk-pages.h"

struct filedisk {
    int fd; /* not owned */
    struct disk disk;
};
/*
 * Takes the size from the file. serial: becomes the unit serial number if it has at most 16 characters; of a longer
 * one a hash does. 0 or -errno (-EINVAL: no regular file, no whole number of 512-byte blocks, or empty).
 */
int filedisk_init(struct filedisk *d, int fd, bool readonly, const char *serial);
/*
 * Executes one command, synchronously. buf: data-out of data_len bytes, or room for data_len bytes of data-in.
 * Returns the number of data-in bytes made; *a is the whole answer.
 */
uint32_t filedisk_execute(struct filedisk *d, const uint8_t cdb[SCSI_CDB_MAX], uint8_t cdb_len, enum scsi_direction dir,
                          uint8_t *buf, uint32_t data_len, struct scsi_answer *a);

#endif
