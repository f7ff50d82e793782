/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request's fields and segments, checked: the one place where the guest's
 * integers are judged. Pure: works on private copies only.
 */
#ifndef PVSCSI_REQUEST_H
#define PVSCSI_REQUEST_H

#include <stdint.h>

#include "scsi/scsi.h"
#include "pvscsi/vscsiif.h"

#define REQUEST_SEGMENTS_MAX 128 /* what feature-sg-grant may advertise; Linux uses no more */
#define REQUEST_DATA_MAX (REQUEST_SEGMENTS_MAX * 4096u)

/* Why a request is malformed; request_defect_text() says it for the log. */
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
/* The sense that answers it. */
struct scsi_sense request_defect_sense(enum request_defect d);

/*
 * act, cmd_len, direction, nr_segments and, for an indirect request, the lists themselves.
 * max_segments: as advertised; 0 when feature-sg-grant was not.
 * A request without data direction has no segments, whatever nr_segments and seg[] say.
 * *n_lists: 0 for a direct request, else how many entries of seg[] describe lists; *n_records: how many segments in all.
 */
enum request_defect request_check(const struct vscsiif_request *req, unsigned max_segments, unsigned *n_lists,
                                  unsigned *n_records);
/* The n data segments; *data_len: their sum. Works for direct ones and for those out of lists. */
enum request_defect request_check_segments(const struct scsiif_request_segment *segs, unsigned n, uint32_t *data_len);

#endif
