/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sense data, read: both formats of SPC-5 4.4. */
#ifndef PVSCSI_SCSI_SENSE_H
#define PVSCSI_SCSI_SENSE_H

#include <stdbool.h>
#include <stdint.h>

struct scsi_sense_data {
    uint8_t key, asc, ascq; /* asc and ascq are 0 when they are not in the data */
    bool deferred;          /* an error of an earlier command: the one it came with was not performed */
    bool filemark, eom, ili;
};

/*
 * False: these bytes have no sense key: too few of them, or a response code other than 70h to 73h.
 * sense: len valid bytes.
 */
bool scsi_sense_parse(const uint8_t *sense, uint8_t len, struct scsi_sense_data *out);

#endif
