/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the fields and segments of a request. No other file checks integers of the guest. Pure: works on private
 * copies only.
 */
#ifndef PVSCSI_REQUEST_H
#define PVSCSI_REQUEST_H

#include <stdint.h>

#include "scsi/scsi.h"
#include "pvscsi/vscsiif.h"

#define REQUEST_SEGMENTS_MAX 128 /* what feature-sg-grant may advertise; Linux uses no more */
#define REQUEST_DATA_MAX (REQUEST_SEGMENTS_MAX * 4096u)

/* Why a request is malformed; request_defect_text() gives the words for the log. */
enum request_defect {
    REQUEST_OK = 0,
    REQUEST_BAD_ACT,
    REQUEST_BAD_CDB_LENGTH,
    REQUEST_BAD_DIRECTION,
    REQUEST_BAD_SEGMENT_COUNT,
    REQUEST_BAD_LIST, /* length or place of an indirect list */
    REQUEST_LISTS_NOT_OFFERED,
    REQUEST_TOO_MANY_SEGMENTS,
    REQUEST_BAD_SEGMENT, /* offset + length beyond its page */
    REQUEST_DEFECTS
};
const char *request_defect_text(enum request_defect d);
/* The sense of the answer. */
struct scsi_sense request_defect_sense(enum request_defect d);

/*
 * act, cmd_len, direction, nr_segments and, for an indirect request, the lists themselves.
 * max_segments: as advertised; 0 when feature-sg-grant was not.
 * A request without data direction has no segments, whatever nr_segments and seg[] say.
 * *n_lists: 0 for a direct request, else how many entries of seg[] describe lists; *n_records: how many segments in
 * all.
 */
enum request_defect request_check(const struct vscsiif_request *req, unsigned max_segments, unsigned *n_lists,
                                  unsigned *n_records);
/* Checks the n data segments, from the request or from its lists. *data_len: the sum of their lengths. */
enum request_defect request_check_segments(const struct scsiif_request_segment *segs, unsigned n, uint32_t *data_len);

#endif
