// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks the fields and segments of a request; see request.h. */
#include "config.h"

#include "common/util.h"
#include "worker/request.h"

static const struct {
    const char *text;
    struct scsi_sense sense;
} defects[] = {
    [REQUEST_OK] = { "well-formed", { 0, 0, 0 } },
    [REQUEST_BAD_ACT] = { "unknown act, expected 1 (CDB), 2 (ABORT) or 3 (RESET)", { 0x05, 0x24, 0x00 } },
    [REQUEST_BAD_CDB_LENGTH] = { "cmd_len is not 1..16", { 0x05, 0x24, 0x00 } },
    [REQUEST_BAD_DIRECTION] = { "data direction is not 1, 2 or 3", { 0x05, 0x24, 0x00 } },
    [REQUEST_BAD_SEGMENT_COUNT] = { "nr_segments is above 26 or an indirect one is not 1..26", { 0x05, 0x24, 0x00 } },
    [REQUEST_BAD_LIST] = { "an indirect list's length is not a multiple of 8, is 0, or leaves its page",
                           { 0x05, 0x24, 0x00 } },
    [REQUEST_LISTS_NOT_OFFERED] = { "indirect lists were not offered", { 0x05, 0x24, 0x00 } },
    [REQUEST_TOO_MANY_SEGMENTS] = { "more segments than feature-sg-grant says", { 0x05, 0x24, 0x00 } },
    [REQUEST_BAD_SEGMENT] = { "a segment leaves its page", { 0x05, 0x24, 0x00 } },
};

const char *request_defect_text(enum request_defect d)
{
    return (size_t)d < ARRAY_SIZE(defects) ? defects[d].text : "malformed";
}

struct scsi_sense request_defect_sense(enum request_defect d)
{
    return (size_t)d < ARRAY_SIZE(defects) ? defects[d].sense : defects[REQUEST_BAD_ACT].sense;
}

enum request_defect request_check(const struct vscsiif_request *req, unsigned max_segments, unsigned *n_lists,
                                  unsigned *n_records)
{
    unsigned n = req->nr_segments, records = 0;

    *n_lists = *n_records = 0;
    if (req->act != VSCSIIF_ACT_SCSI_CDB && req->act != VSCSIIF_ACT_SCSI_ABORT && req->act != VSCSIIF_ACT_SCSI_RESET)
        return REQUEST_BAD_ACT;
    /* ABORT and RESET use neither CDB nor data. Linux leaves those of the command there. */
    if (req->act != VSCSIIF_ACT_SCSI_CDB)
        return REQUEST_OK;
    if (req->cmd_len < 1 || req->cmd_len > VSCSIIF_MAX_COMMAND_SIZE)
        return REQUEST_BAD_CDB_LENGTH;
    if (req->sc_data_direction > SCSI_DIR_NONE || (req->sc_data_direction == SCSI_DIR_BOTH && n != 0))
        return REQUEST_BAD_DIRECTION;
    /*
     * Linux's error handler sends TEST UNIT READY in the request of the command that failed, with that command's
     * segments.
     */
    if (req->sc_data_direction == SCSI_DIR_NONE)
        return REQUEST_OK;
    if (!(n & VSCSIIF_SG_GRANT)) {
        if (n > VSCSIIF_SG_TABLESIZE)
            return REQUEST_BAD_SEGMENT_COUNT;
        *n_records = n;
        return REQUEST_OK;
    }
    if (max_segments == 0)
        return REQUEST_LISTS_NOT_OFFERED;
    n &= ~(unsigned)VSCSIIF_SG_GRANT;
    if (n < 1 || n > VSCSIIF_SG_TABLESIZE)
        return REQUEST_BAD_SEGMENT_COUNT;
    for (unsigned i = 0; i < n; i++) {
        unsigned offset = req->seg[i].offset, length = req->seg[i].length;

        if (length == 0 || length % sizeof(struct scsiif_request_segment) != 0 || offset + length > VSCSIIF_PAGE_SIZE)
            return REQUEST_BAD_LIST;
        records += length / (unsigned)sizeof(struct scsiif_request_segment);
    }
    if (records > max_segments || records > REQUEST_SEGMENTS_MAX)
        return REQUEST_TOO_MANY_SEGMENTS;
    *n_lists = n;
    *n_records = records;
    return REQUEST_OK;
}

enum request_defect request_check_segments(const struct scsiif_request_segment *segs, unsigned n, uint32_t *data_len)
{
    uint32_t sum = 0;

    *data_len = 0;
    for (unsigned i = 0; i < n; i++) {
        if ((unsigned)segs[i].offset + segs[i].length > VSCSIIF_PAGE_SIZE)
            return REQUEST_BAD_SEGMENT;
        sum += segs[i].length;
    }
    *data_len = sum;
    return REQUEST_OK;
}
