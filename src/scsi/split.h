/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A READ, WRITE or READ CD that is larger than its device takes, cut into pieces that the device takes.
 *
 * The caller submits one piece after the other, each when the one before has ended:
 *
 *     if (scsi_split_begin(&s, ...))
 *         do {
 *             scsi_split_piece(&s, &piece);
 *             ... carry out piece.cdb with data[piece.offset], piece.len bytes; scsi_map_outcome() makes its answer
 *         } while (!scsi_split_end_piece(&s, &answer, &whole));
 *
 * Nothing is kept but struct scsi_split, which owns nothing.
 */
#ifndef PVSCSI_SCSI_SPLIT_H
#define PVSCSI_SCSI_SPLIT_H

#include "scsi/scsi.h"

struct scsi_split {
    uint8_t cdb[SCSI_CDB_MAX]; /* the guest's */
    uint64_t lba;              /* of the whole command */
    uint32_t blocks;           /* of the whole command */
    uint32_t block_size;       /* bytes */
    uint32_t piece_blocks;     /* of every piece but the last */
    uint32_t done;             /* blocks of the pieces that ended well */
    uint8_t noted_len;         /* sense of pieces that ended well: a recovered or deferred error; 0: none */
    uint8_t noted_status;
    uint8_t noted[SCSI_SENSE_MAX];
};

struct scsi_piece {
    uint8_t cdb[SCSI_CDB_MAX];
    uint8_t cdb_len;
    uint32_t offset, len; /* bytes, in the buffer of the whole command */
};

/*
 * Prepares the pieces of a command. type: peripheral device type; block_size: bytes, 0 when it is not known;
 * data_len: bytes of the guest's buffer; piece_max: bytes that the device takes in one command.
 * False, and *s is of no use, for every command that cannot be carried out in pieces: it is no READ or WRITE (6, 10,
 * 12, 16) of a disk, and no READ or WRITE (10, 12) or READ CD with sectors of a known size of an optical drive; it has
 * protection information; it names other than
 * data_len bytes; one block is more than piece_max; its last block has no address.
 */
bool scsi_split_begin(struct scsi_split *s, uint8_t type, uint32_t block_size, const uint8_t cdb[SCSI_CDB_MAX],
                      uint8_t cdb_len, uint32_t data_len, uint32_t piece_max);
/*
 * The next piece. It has the guest's opcode and flags (DPO, FUA, group number, CONTROL), or those of the next longer
 * READ or WRITE when its address does not fit the guest's.
 */
void scsi_split_piece(const struct scsi_split *s, struct scsi_piece *piece);
/*
 * Takes the answer of the piece that scsi_split_piece() gave last. False: there is another piece. True: the command has
 * ended, and *whole is its answer: that of the piece that failed or that moved less than it was asked for, with the
 * residual of the whole command; else success, with the sense of a recovered error if a piece had one. What the
 * residual leaves is a prefix of the guest's buffer. INFORMATION in sense data needs no change: pieces have the
 * device's own addresses.
 */
bool scsi_split_end_piece(struct scsi_split *s, const struct scsi_answer *answer, struct scsi_answer *whole);

#endif
