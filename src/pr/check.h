/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a PERSISTENT RESERVE IN (5Eh) or OUT (5Fh) must look like before it may
 * leave for the PR helper (or, with pr=direct, for the device). Pure: bytes in,
 * a verdict with exact sense out. What only the device can judge (keys, who is
 * registered, whether a type fits the reservation that is held) is left to it.
 *
 * Figures are from SPC-5 6.16 (PERSISTENT RESERVE IN) and 6.17 (OUT); the limit
 * of 8192 bytes for a parameter list is the helper protocol's.
 */
#ifndef PVSCSI_PR_CHECK_H
#define PVSCSI_PR_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "scsi/scsi.h"

#define PR_OP_IN 0x5e
#define PR_OP_OUT 0x5f
#define PR_CDB_LEN 10    /* of both; the helper protocol pads with zeros to 16 */
#define PR_DATA_MAX 8192 /* bytes of parameter data, either way */
#define PR_LIST_BASIC 24 /* bytes of the basic PR OUT parameter list */

/*
 * What the CDB says of the length: 5Eh: the allocation length (16 bits); 5Fh: the parameter list length (32
 * bits); any other opcode: 0.
 */
uint32_t pr_cdb_length(const uint8_t cdb[SCSI_CDB_MAX]);

/*
 * cdb: zero-padded beyond cdb_len. data_len: bytes that the guest's buffer has. data_out: the private copy of
 * those bytes when dir is SCSI_DIR_OUT; not looked at otherwise (may be NULL).
 * allow_move: REGISTER AND MOVE and SPEC_I_PT are allowed by configuration.
 * True: may be submitted. False: *refuse is the sense to answer with (host OK, residual data_len).
 */
bool pr_check(const uint8_t cdb[SCSI_CDB_MAX], uint8_t cdb_len, enum scsi_direction dir, uint32_t data_len,
              const uint8_t *data_out, bool allow_move, struct scsi_sense *refuse);

#endif
