// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Malformed requests: a table of twists, each of which spoils one field of a well-formed
 * request, and of the answers that must come back ("bad request, bad grant" and
 * "unknown LUN", as host/status/key/asc/ascq). Nothing is sent here.
 */
#include "config.h"

#include "bad.h"

#define BAD_FIELD "07/02/5/24/00" /* ILLEGAL REQUEST, INVALID FIELD IN CDB */
#define BAD_GRANT "07/02/B/08/00" /* ABORTED COMMAND, LOGICAL UNIT COMMUNICATION FAILURE */
#define NO_DEVICE "01/02/5/25/00" /* ILLEGAL REQUEST, LOGICAL UNIT NOT SUPPORTED */
#define NO_LUN "00/02/5/25/00"
#define REFUSED "00/02/5/24/00"
#define SUCCESS "2002"
#define FAILURE "2003"
#define BAD_REF 0x00fffff0u /* beyond any grant table */

/* --- twists --- */
#define TWIST(name, ...) \
    static void name(struct attempt *a) \
    { \
        struct vscsiif_request *r = &a->io.req; \
        __VA_ARGS__; \
    }

static struct scsiif_request_segment *record(struct attempt *a, unsigned i)
{
    return (struct scsiif_request_segment *)(void *)a->buf->lists + i;
}

/* The list in two pieces instead of one. */
static void split_list(struct vscsiif_request *r)
{
    uint16_t half = r->seg[0].length / 16 * 8;

    r->seg[1] = r->seg[0];
    r->seg[1].offset = (uint16_t)(r->seg[0].offset + half);
    r->seg[1].length = (uint16_t)(r->seg[0].length - half);
    r->seg[0].length = half;
    r->nr_segments = VSCSIIF_SG_GRANT | 2;
}

TWIST(segments_27, r->nr_segments = 27)
TWIST(segments_127, r->nr_segments = 127)
TWIST(lists_0, r->nr_segments = VSCSIIF_SG_GRANT)
TWIST(lists_27, r->nr_segments = VSCSIIF_SG_GRANT | 27)
TWIST(lists_127, r->nr_segments = 255)
TWIST(list_length_7, r->seg[0].length = 7)
TWIST(list_length_0, r->seg[0].length = 0)
TWIST(list_length_0_second, split_list(r); r->seg[1].length = 0)
TWIST(list_length_odd, r->seg[0].length = (uint16_t)(r->seg[0].length - 1))
TWIST(list_leaves_page, r->seg[0].offset = (uint16_t)(FRONT_PAGE - r->seg[0].length + 8))
TWIST(list_offset_4096, r->seg[0].offset = FRONT_PAGE)
TWIST(list_offset_max, r->seg[0].offset = 65528; r->seg[0].length = 16)
TWIST(list_length_max, r->seg[0].length = 65528)
TWIST(list_too_many, r->seg[0].length = (uint16_t)((a->f->session.max_segments + 1) * 8))
static void lists_too_many(struct attempt *a)
{
    for (unsigned i = 0; i < VSCSIIF_SG_TABLESIZE; i++) {
        a->io.req.seg[i] = a->io.req.seg[0];
        a->io.req.seg[i].length = FRONT_PAGE;
    }
    a->io.req.nr_segments = VSCSIIF_SG_GRANT | VSCSIIF_SG_TABLESIZE;
}
TWIST(list_ref, r->seg[0].gref = BAD_REF)
TWIST(list_ref_second, split_list(r); r->seg[1].gref = BAD_REF)
TWIST(list_ref_revoked, r->seg[0].gref = a->revoked_ref)
TWIST(segment_leaves_page, r->seg[1].offset = 4000; r->seg[1].length = 200)
TWIST(segment_length_4097, r->seg[1].length = 4097)
TWIST(segment_offset_max, r->seg[2].offset = 65535)
TWIST(segment_length_max, r->seg[0].length = 65535)
TWIST(segment_both_max, r->seg[3].offset = 65535; r->seg[3].length = 65535)
TWIST(record_leaves_page, (void)r; record(a, 17)->offset = 4095; record(a, 17)->length = 2)
TWIST(record_both_max, (void)r; record(a, PAGES_LIST - 1)->offset = 65535; record(a, PAGES_LIST - 1)->length = 65535)
TWIST(ref_first, r->seg[0].gref = BAD_REF)
TWIST(ref_middle, r->seg[1].gref = BAD_REF)
TWIST(ref_last, r->seg[PAGES_DIRECT - 1].gref = BAD_REF)
TWIST(ref_max, r->seg[0].gref = UINT32_MAX)
TWIST(ref_revoked, r->seg[2].gref = a->revoked_ref)
TWIST(ref_read_only, r->seg[2].gref = a->other->refs[0])
TWIST(ref_all, for (unsigned i = 0; i < PAGES_DIRECT; i++) r->seg[i].gref = BAD_REF + i)
TWIST(record_ref_first, (void)r; record(a, 0)->gref = BAD_REF)
TWIST(record_ref_middle, (void)r; record(a, PAGES_LIST / 2)->gref = BAD_REF)
TWIST(record_ref_last, (void)r; record(a, PAGES_LIST - 1)->gref = BAD_REF)
TWIST(cmd_len_0, r->cmd_len = 0)
TWIST(cmd_len_17, r->cmd_len = 17)
TWIST(cmd_len_255, r->cmd_len = 255)
TWIST(direction_0, r->sc_data_direction = 0)
TWIST(direction_4, r->sc_data_direction = 4)
TWIST(direction_255, r->sc_data_direction = 255)
TWIST(direction_none, r->sc_data_direction = 3)
TWIST(act_0, r->act = 0)
TWIST(act_4, r->act = VSCSIIF_ACT_SCSI_SG_PRESET)
TWIST(act_5, r->act = 5)
TWIST(act_255, r->act = 255)
TWIST(channel_1, r->channel++)
TWIST(channel_max, r->channel = 65535)
TWIST(target_max, r->id = 65535)
TWIST(lun_max, r->lun = 65535)
TWIST(lun_16383, r->lun = 16383)
TWIST(abort_nothing, r->act = VSCSIIF_ACT_SCSI_ABORT; r->ref_rqid = (uint16_t)(r->rqid + 1000))
TWIST(abort_itself, r->act = VSCSIIF_ACT_SCSI_ABORT; r->ref_rqid = r->rqid)
TWIST(abort_elsewhere, r->act = VSCSIIF_ACT_SCSI_ABORT; r->id = 65535; r->channel = 77)
TWIST(reset_elsewhere, r->act = VSCSIIF_ACT_SCSI_RESET; r->id = 65535; r->channel = 77)

#define READ_FIELD(n, h) .name = n, .help = h, .base = BASE_READ, .expect = { BAD_FIELD }
#define LIST_FIELD(n, h) .name = n, .help = h, .base = BASE_LIST, .expect = { BAD_FIELD }
const struct malformation malformations[] = {
    { READ_FIELD("segments-27", "nr_segments 27"), .twist = segments_27 },
    { READ_FIELD("segments-127", "nr_segments 127"), .twist = segments_127 },
    { LIST_FIELD("lists-0", "indirect, but no list"), .twist = lists_0 },
    { LIST_FIELD("lists-27", "27 lists"), .twist = lists_27 },
    { LIST_FIELD("lists-127", "127 lists"), .twist = lists_127 },
    { LIST_FIELD("list-length-7", "a list of 7 bytes"), .twist = list_length_7 },
    { LIST_FIELD("list-length-0", "a list of 0 bytes"), .twist = list_length_0 },
    { LIST_FIELD("list-length-0-second", "a second list of 0 bytes"), .twist = list_length_0_second },
    { LIST_FIELD("list-length-odd", "a list of 319 bytes"), .twist = list_length_odd },
    { LIST_FIELD("list-leaves-page", "a list that goes 8 bytes beyond its page"), .twist = list_leaves_page },
    { LIST_FIELD("list-offset-4096", "a list that begins behind its page"), .twist = list_offset_4096 },
    { LIST_FIELD("list-offset-max", "a list at offset 65528"), .twist = list_offset_max },
    { LIST_FIELD("list-length-max", "a list of 65528 bytes"), .twist = list_length_max },
    { LIST_FIELD("list-too-many", "one record more than feature-sg-grant"), .twist = list_too_many },
    { LIST_FIELD("lists-too-many", "26 lists of 512 records"), .twist = lists_too_many },
    { .name = "list-ref",
      .help = "the list's grant is no grant",
      .base = BASE_LIST,
      .twist = list_ref,
      .expect = { BAD_GRANT } },
    { .name = "list-ref-second",
      .help = "the second list's grant is none",
      .base = BASE_LIST,
      .twist = list_ref_second,
      .expect = { BAD_GRANT } },
    { .name = "list-ref-revoked",
      .help = "the list's grant was revoked",
      .base = BASE_LIST,
      .twist = list_ref_revoked,
      .expect = { BAD_GRANT } },
    { .name = "list-ref-write",
      .help = "as list-ref, for a WRITE",
      .base = BASE_WRITE_LIST,
      .twist = list_ref,
      .expect = { BAD_GRANT } },
    { READ_FIELD("segment-leaves-page", "offset 4000, length 200"), .twist = segment_leaves_page },
    { READ_FIELD("segment-length-4097", "length 4097"), .twist = segment_length_4097 },
    { READ_FIELD("segment-offset-max", "offset 65535"), .twist = segment_offset_max },
    { READ_FIELD("segment-length-max", "length 65535"), .twist = segment_length_max },
    { READ_FIELD("segment-both-max", "offset and length 65535"), .twist = segment_both_max },
    { LIST_FIELD("record-leaves-page", "in a list: offset 4095, length 2"), .twist = record_leaves_page },
    { LIST_FIELD("record-both-max", "in a list: offset and length 65535"), .twist = record_both_max },
    { .name = "ref-first",
      .help = "READ: the first grant is none",
      .base = BASE_READ,
      .twist = ref_first,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "ref-middle",
      .help = "READ: a grant in the middle is none",
      .base = BASE_READ,
      .twist = ref_middle,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "ref-last",
      .help = "READ: the last grant is none",
      .base = BASE_READ,
      .twist = ref_last,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "ref-max",
      .help = "READ: grant 2^32-1",
      .base = BASE_READ,
      .twist = ref_max,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "ref-revoked",
      .help = "READ: a grant that was revoked",
      .base = BASE_READ,
      .twist = ref_revoked,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "ref-read-only",
      .help = "READ into a page granted for reading only",
      .base = BASE_READ,
      .twist = ref_read_only,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "ref-all",
      .help = "READ: no grant is one",
      .base = BASE_READ,
      .twist = ref_all,
      .expect = { BAD_GRANT } },
    { .name = "ref-first-write",
      .help = "WRITE: the first grant is none",
      .base = BASE_WRITE,
      .twist = ref_first,
      .expect = { BAD_GRANT } },
    { .name = "ref-middle-write",
      .help = "WRITE: a grant in the middle is none",
      .base = BASE_WRITE,
      .twist = ref_middle,
      .expect = { BAD_GRANT } },
    { .name = "ref-last-write",
      .help = "WRITE: the last grant is none",
      .base = BASE_WRITE,
      .twist = ref_last,
      .expect = { BAD_GRANT } },
    { .name = "ref-revoked-write",
      .help = "WRITE: a grant that was revoked",
      .base = BASE_WRITE,
      .twist = ref_revoked,
      .expect = { BAD_GRANT } },
    { .name = "record-ref-first",
      .help = "in a list: the first grant is none",
      .base = BASE_LIST,
      .twist = record_ref_first,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "record-ref-middle",
      .help = "in a list: a grant in the middle is none",
      .base = BASE_LIST,
      .twist = record_ref_middle,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "record-ref-last",
      .help = "in a list: the last grant is none",
      .base = BASE_LIST,
      .twist = record_ref_last,
      .expect = { BAD_GRANT },
      .data_may_move = true },
    { .name = "record-ref-last-write",
      .help = "WRITE, in a list: the last grant is none",
      .base = BASE_WRITE_LIST,
      .twist = record_ref_last,
      .expect = { BAD_GRANT } },
    { READ_FIELD("cmd-len-0", "cmd_len 0"), .twist = cmd_len_0 },
    { READ_FIELD("cmd-len-17", "cmd_len 17"), .twist = cmd_len_17 },
    { READ_FIELD("cmd-len-255", "cmd_len 255"), .twist = cmd_len_255 },
    { READ_FIELD("direction-0", "both directions, with data"), .twist = direction_0 },
    { READ_FIELD("direction-4", "direction 4"), .twist = direction_4 },
    { READ_FIELD("direction-255", "direction 255"), .twist = direction_255 },
    /* Well-formed: segments mean nothing then. A READ without a buffer is refused as a command, with host byte 0. */
    { .name = "direction-none",
      .help = "no direction, with data",
      .base = BASE_READ,
      .twist = direction_none,
      .expect = { "00/02/5/24/00" } },
    { READ_FIELD("act-0", "act 0"), .twist = act_0 },
    { READ_FIELD("act-4", "act 4, obsolete"), .twist = act_4 },
    { READ_FIELD("act-5", "act 5"), .twist = act_5 },
    { READ_FIELD("act-255", "act 255"), .twist = act_255 },
    { .name = "channel-unknown",
      .help = "the next channel",
      .base = BASE_READ,
      .twist = channel_1,
      .expect = { NO_DEVICE } },
    { .name = "channel-max",
      .help = "channel 65535",
      .base = BASE_READ,
      .twist = channel_max,
      .expect = { NO_DEVICE } },
    { .name = "target-max", .help = "target 65535", .base = BASE_READ, .twist = target_max, .expect = { NO_DEVICE } },
    { .name = "lun-max",
      .help = "LUN 65535 of a target that exists",
      .base = BASE_READ,
      .twist = lun_max,
      .expect = { NO_LUN, NO_DEVICE } },
    { .name = "lun-unknown",
      .help = "LUN 16383 of a target that exists",
      .base = BASE_READ,
      .twist = lun_16383,
      .expect = { NO_LUN, NO_DEVICE } },
    { .name = "abort-nothing",
      .help = "ABORT of what is not in flight",
      .base = BASE_NO_DATA,
      .twist = abort_nothing,
      .expect = { SUCCESS } },
    { .name = "abort-itself",
      .help = "ABORT of itself",
      .base = BASE_NO_DATA,
      .twist = abort_itself,
      .expect = { SUCCESS, FAILURE } },
    { .name = "abort-elsewhere",
      .help = "ABORT at a target that does not exist",
      .base = BASE_NO_DATA,
      .twist = abort_elsewhere,
      .expect = { SUCCESS, FAILURE } },
    { .name = "reset-elsewhere",
      .help = "RESET of a target that does not exist",
      .base = BASE_NO_DATA,
      .twist = reset_elsewhere,
      .expect = { FAILURE, SUCCESS } },
    { NULL },
};
