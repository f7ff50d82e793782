/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peripheral device types (SPC-5, standard INQUIRY data) and the sets of them that share commands.
 * No other file says which types are disks.
 */
#ifndef PVSCSI_SCSI_TYPES_H
#define PVSCSI_SCSI_TYPES_H

#include <scsi/sg_lib.h>
#include <stdbool.h>
#include <stdint.h>

/* A set of types: bit n is type n. The names PDT_* are those of libsgutils2. */
#define SCSI_TYPE(t) (UINT32_C(1) << (t))
#define SCSI_ALL UINT32_MAX
/* Direct access, write-once, optical memory, simplified direct access, host managed zoned. */
#define SCSI_DISK \
    (SCSI_TYPE(PDT_DISK) | SCSI_TYPE(PDT_WO) | SCSI_TYPE(PDT_OPTICAL) | SCSI_TYPE(PDT_RBC) | SCSI_TYPE(PDT_ZBC))
#define SCSI_TAPE SCSI_TYPE(PDT_TAPE)
#define SCSI_MMC SCSI_TYPE(PDT_MMC)
#define SCSI_CHANGER SCSI_TYPE(PDT_MCHANGER)
/* Disks whose medium as a rule cannot be changed. */
#define SCSI_FIXED_DISK (SCSI_TYPE(PDT_DISK) | SCSI_TYPE(PDT_RBC) | SCSI_TYPE(PDT_ZBC))
/* Types whose mode parameter header has a WP bit (SBC-4, SSC-5: DEVICE-SPECIFIC PARAMETER). */
#define SCSI_HAS_WP (SCSI_DISK | SCSI_TAPE)

/* type: any byte. A type above 1Fh does not exist and is in no set. */
static inline bool scsi_type_in(uint8_t type, uint32_t set)
{
    return type < 32 && (set & SCSI_TYPE(type));
}

static inline bool scsi_is_disk(uint8_t type)
{
    return scsi_type_in(type, SCSI_DISK);
}
static inline bool scsi_is_fixed_disk(uint8_t type)
{
    return scsi_type_in(type, SCSI_FIXED_DISK);
}
static inline bool scsi_is_tape(uint8_t type)
{
    return scsi_type_in(type, SCSI_TAPE);
}
static inline bool scsi_is_optical_drive(uint8_t type)
{
    return scsi_type_in(type, SCSI_MMC);
}

#endif
