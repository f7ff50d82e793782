/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the form of a PERSISTENT RESERVE IN (5Eh) or OUT (5Fh) before it is sent to the PR helper, and whether it is
 * one that a guest may send to the device itself (pr=direct). Pure: bytes in, a yes or the exact sense out. It does not
 * check what only the device knows: keys, registrations, and whether a type fits the reservation that is held.
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
 * those bytes when dir is SCSI_DIR_OUT; not used otherwise (may be NULL).
 * allow_move: REGISTER AND MOVE and SPEC_I_PT are allowed by configuration.
 * True: the command may be submitted. False: *refuse is the sense of the answer (host OK, residual data_len).
 */
bool pr_check(const uint8_t cdb[SCSI_CDB_MAX], uint8_t cdb_len, enum scsi_direction dir, uint32_t data_len,
              const uint8_t *data_out, bool allow_move, struct scsi_sense *refuse);
/*
 * The same for a command that goes to the device as any other: the device judges its form. Refused are service actions
 * that SPC-5 does not have or that are of no use to a guest, and registrations for others unless allow_move.
 */
bool pr_check_direct(const uint8_t cdb[SCSI_CDB_MAX], uint32_t data_len, const uint8_t *data_out, bool allow_move,
                     struct scsi_sense *refuse);

#endif
