/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operation codes, service actions and page codes that the code treats by name (SPC-5, SBC-4, SSC-5, SMC-3).
 * All the others are rows of cdb-table.c.
 */
#ifndef PVSCSI_SCSI_OPCODES_H
#define PVSCSI_SCSI_OPCODES_H

#include <stdint.h>

enum scsi_opcode {
    OP_TEST_UNIT_READY = 0x00,
    OP_REQUEST_SENSE = 0x03,
    OP_READ_BLOCK_LIMITS = 0x05, /* tape */
    OP_READ_6 = 0x08,
    OP_WRITE_6 = 0x0a,
    OP_INQUIRY = 0x12,
    OP_MODE_SELECT_6 = 0x15,
    OP_RESERVE_6 = 0x16, /* SPC-2; of a changer RESERVE ELEMENT too */
    OP_RELEASE_6 = 0x17,
    OP_MODE_SENSE_6 = 0x1a,
    OP_PREVENT_ALLOW = 0x1e,
    OP_READ_CAPACITY_10 = 0x25,
    OP_READ_10 = 0x28,
    OP_WRITE_10 = 0x2a,
    OP_MODE_SELECT_10 = 0x55,
    OP_RESERVE_10 = 0x56, /* SPC-2 */
    OP_RELEASE_10 = 0x57,
    OP_MODE_SENSE_10 = 0x5a,
    OP_PERSISTENT_RESERVE_IN = 0x5e,
    OP_PERSISTENT_RESERVE_OUT = 0x5f,
    OP_VARIABLE_LENGTH = 0x7f,
    OP_EXTENDED_COPY = 0x83, /* and all the other service actions of third-party copy out */
    OP_ATA_PASS_THROUGH_16 = 0x85,
    OP_READ_16 = 0x88,
    OP_WRITE_16 = 0x8a,
    OP_SERVICE_ACTION_IN_16 = 0x9e,
    OP_REPORT_LUNS = 0xa0,
    OP_ATA_PASS_THROUGH_12 = 0xa1, /* disk */
    OP_SECURITY_PROTOCOL_IN = 0xa2,
    OP_MAINTENANCE_IN = 0xa3, /* not of optical drives */
    OP_MAINTENANCE_OUT = 0xa4,
    OP_READ_12 = 0xa8,
    OP_WRITE_12 = 0xaa,
    OP_SECURITY_PROTOCOL_OUT = 0xb5,
    OP_READ_CD = 0xbe,
};

enum {
    SA_REGISTER_AND_MOVE = 0x07,      /* of PERSISTENT RESERVE OUT */
    SA_REPORT_OPCODES = 0x0c,         /* of MAINTENANCE IN: REPORT SUPPORTED OPERATION CODES */
    SA_SET_TARGET_PORT_GROUPS = 0x0a, /* of MAINTENANCE OUT */
    SA_READ_CAPACITY_16 = 0x10,       /* of SERVICE ACTION IN(16) */
    SERVICE_ACTION_MASK = 0x1f,       /* in byte 1 of a CDB */
    VPD_SUPPORTED_PAGES = 0x00,
    VPD_THIRD_PARTY_COPY = 0x8f,
    VPD_BLOCK_LIMITS = 0xb0,
};

/*
 * How many bytes the opcode's group demands (SPC-5, OPERATION CODE: its upper three bits); 0 where it demands none:
 * vendor specific, variable, reserved.
 */
uint8_t scsi_cdb_group_len(uint8_t opcode);

#endif
