/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the emulated disk says of itself: pages as bytes, without any I/O. Internal
 * to src/standalone. Each function writes a whole page or list to out (DISK_PAGE_MAX bytes) and
 * returns its length; 0 means that there is no such page (CHECK CONDITION 05/24/00).
 */
#ifndef PVSCSI_FILEDISK_PAGES_H
#define PVSCSI_FILEDISK_PAGES_H

#include "scsi/scsi.h"

enum {
    DISK_BLOCK = 512,
    DISK_PAGE_MAX = 128,
    DISK_MAX_BLOCKS = 32768, /* one command may name: 16 MiB */
};

/* What of the emulated disk the pages are made of. */
struct disk {
    uint64_t blocks; /* of 512 bytes */
    bool readonly;
    char serial[17];
};

uint32_t disk_inquiry(const struct disk *d, const uint8_t *cdb, uint8_t *out);
uint32_t disk_capacity_10(const struct disk *d, uint8_t *out);
uint32_t disk_capacity_16(const struct disk *d, uint8_t *out);
/* *refuse is set when 0 is returned: saved values have a sense of their own. */
uint32_t disk_mode_sense(const struct disk *d, const uint8_t *cdb, uint8_t *out, struct scsi_sense *refuse);

#endif
