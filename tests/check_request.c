// SPDX-License-Identifier: GPL-2.0-or-later
/* A request's fields and segments: every limit from both sides. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "common/util.h"
#include "worker/request.h"
#include "must.h"
#include "suite.h"

static struct vscsiif_request sound(void)
{
    struct vscsiif_request req = { .act = VSCSIIF_ACT_SCSI_CDB, .cmd_len = 10, .sc_data_direction = SCSI_DIR_IN };

    return req;
}

static const struct {
    uint8_t act, cmd_len, direction, nr;
    enum request_defect defect;
    unsigned segments;
} fields[] = {
    { 1, 1, 3, 0, REQUEST_OK },
    { 1, 16, 2, 26, REQUEST_OK, 26 },
    { 1, 10, 1, 1, REQUEST_OK, 1 },
    /* without data direction, segments are what an earlier command has left there */
    { 1, 6, 3, 1, REQUEST_OK },
    { 1, 6, 3, 26, REQUEST_OK },
    { 1, 6, 3, 27, REQUEST_OK },
    { 1, 6, 3, 0x80 | 1, REQUEST_OK },
    { 1, 6, 3, 0xff, REQUEST_OK },
    { 1, 10, 0, 0, REQUEST_OK }, /* "bidirectional" without data: Linux sends TEST UNIT READY so */
    { 2, 0, 0, 0, REQUEST_OK },  /* ABORT and RESET have neither CDB nor data */
    { 3, 200, 77, 255, REQUEST_OK },
    { 0, 10, 2, 1, REQUEST_BAD_ACT },
    { 4, 10, 2, 1, REQUEST_BAD_ACT },
    { 5, 10, 2, 1, REQUEST_BAD_ACT },
    { 255, 10, 2, 1, REQUEST_BAD_ACT },
    { 1, 0, 2, 1, REQUEST_BAD_CDB_LENGTH },
    { 1, 17, 2, 1, REQUEST_BAD_CDB_LENGTH },
    { 1, 255, 2, 1, REQUEST_BAD_CDB_LENGTH },
    { 1, 10, 0, 1, REQUEST_BAD_DIRECTION },
    { 1, 10, 4, 1, REQUEST_BAD_DIRECTION },
    { 1, 10, 255, 0, REQUEST_BAD_DIRECTION },
    { 1, 10, 2, 27, REQUEST_BAD_SEGMENT_COUNT },
    { 1, 10, 2, 127, REQUEST_BAD_SEGMENT_COUNT },
    { 1, 10, 2, 0x80, REQUEST_BAD_SEGMENT_COUNT },
    { 1, 10, 2, 0x80 | 27, REQUEST_BAD_SEGMENT_COUNT },
    { 1, 10, 2, 0xff, REQUEST_BAD_SEGMENT_COUNT },
};

START_TEST(each_field_has_its_range)
{
    struct vscsiif_request req = sound();
    unsigned lists, records;

    req.act = fields[_i].act;
    req.cmd_len = fields[_i].cmd_len;
    req.sc_data_direction = fields[_i].direction;
    req.nr_segments = fields[_i].nr;
    ck_assert_int_eq(request_check(&req, 128, &lists, &records), fields[_i].defect);
    if (fields[_i].defect == REQUEST_OK && req.act == 1) {
        ck_assert_uint_eq(lists, 0);
        ck_assert_uint_eq(records, fields[_i].segments);
    }
}
END_TEST

static const struct {
    uint8_t n;
    uint16_t offset, length; /* of each list */
    unsigned max;
    enum request_defect defect;
    unsigned records;
} lists_of[] = {
    { 1, 0, 8, 128, REQUEST_OK, 1 },
    { 1, 0, 1024, 128, REQUEST_OK, 128 },
    { 2, 0, 512, 128, REQUEST_OK, 128 },
    { 26, 4088, 8, 128, REQUEST_OK, 26 },
    { 1, 3, 8, 128, REQUEST_OK, 1 },
    { 1, 4089, 8, 128, REQUEST_BAD_LIST, 0 },
    { 1, 65535, 8, 128, REQUEST_BAD_LIST, 0 },
    { 1, 0, 0, 128, REQUEST_BAD_LIST, 0 },
    { 1, 0, 4, 128, REQUEST_BAD_LIST, 0 },
    { 1, 0, 9, 128, REQUEST_BAD_LIST, 0 },
    { 1, 0, 65535, 128, REQUEST_BAD_LIST, 0 },
    { 1, 0, 4104, 128, REQUEST_BAD_LIST, 0 },
    { 1, 0, 1032, 128, REQUEST_TOO_MANY_SEGMENTS, 0 },
    { 26, 0, 4096, 128, REQUEST_TOO_MANY_SEGMENTS, 0 },
    { 1, 0, 24, 2, REQUEST_TOO_MANY_SEGMENTS, 0 },
    { 1, 0, 8, 0, REQUEST_LISTS_NOT_OFFERED, 0 },
    { 1, 0, 1032, 500, REQUEST_TOO_MANY_SEGMENTS, 0 }, /* our own limit holds whatever was advertised */
};

START_TEST(each_list_has_its_range)
{
    struct vscsiif_request req = sound();
    unsigned lists, records;

    req.nr_segments = (uint8_t)(0x80 | lists_of[_i].n);
    for (unsigned i = 0; i < lists_of[_i].n; i++) {
        req.seg[i].offset = lists_of[_i].offset;
        req.seg[i].length = lists_of[_i].length;
    }
    ck_assert_int_eq(request_check(&req, lists_of[_i].max, &lists, &records), lists_of[_i].defect);
    ck_assert_uint_eq(records, lists_of[_i].records);
    ck_assert_uint_eq(lists, lists_of[_i].records ? lists_of[_i].n : 0);
}
END_TEST

static const struct {
    uint16_t offset, length;
    enum request_defect defect;
    uint32_t sum; /* of three such segments */
} segments_of[] = {
    { 0, 4096, REQUEST_OK, 12288 },
    { 4095, 1, REQUEST_OK, 3 },
    { 4096, 0, REQUEST_OK, 0 },
    { 0, 0, REQUEST_OK, 0 },
    { 1, 4096, REQUEST_BAD_SEGMENT, 0 },
    { 4096, 1, REQUEST_BAD_SEGMENT, 0 },
    { 65535, 65535, REQUEST_BAD_SEGMENT, 0 },
    { 0, 4097, REQUEST_BAD_SEGMENT, 0 },
};

START_TEST(each_segment_stays_in_its_page)
{
    struct scsiif_request_segment segs[3];
    uint32_t sum = 99;

    for (unsigned i = 0; i < 3; i++)
        segs[i] = (struct scsiif_request_segment){ 5, segments_of[_i].offset, segments_of[_i].length };
    ck_assert_int_eq(request_check_segments(segs, 3, &sum), segments_of[_i].defect);
    ck_assert_uint_eq(sum, segments_of[_i].sum);
}
END_TEST

START_TEST(every_defect_has_a_text_and_a_sense)
{
    for (int d = REQUEST_BAD_ACT; d < REQUEST_DEFECTS; d++) {
        struct scsi_sense s = request_defect_sense((enum request_defect)d);

        ck_assert_uint_gt(strlen(request_defect_text((enum request_defect)d)), 10);
        ck_assert_uint_eq(s.key, 0x05);
        ck_assert_uint_eq(s.asc, 0x24);
        ck_assert_uint_eq(s.ascq, 0x00);
    }
}
END_TEST

/* --- what docs/tracing.md and the scripts for bpftrace know of a request --- */

#define MEMBER(m) offsetof(struct vscsiif_request, m), sizeof(((struct vscsiif_request *)0)->m)
static const struct {
    size_t offset, size;
    const char *content; /* as the row of the page begins; NULL: it has none */
    const char *traced;  /* its name in the scripts, which have the first ones, in order */
} members[] = {
    { MEMBER(rqid), "request id", "rqid" },
    { MEMBER(act), "what it is", "act" },
    { MEMBER(cmd_len), "length of the CDB", "cmd_len" },
    { MEMBER(cmnd), "CDB; its first byte", "cdb" },
    { MEMBER(timeout_per_command), NULL, "timeout" },
    { MEMBER(channel), "channel", "channel" },
    { MEMBER(id), "target", "target" },
    { MEMBER(lun), "LUN", "lun" },
    { MEMBER(ref_rqid), "of an ABORT: the id", NULL },
    { MEMBER(sc_data_direction), "direction: 0 both, 1 to the device, 2 from the device, 3 no data", NULL },
};

/* The text of a file of the tree from `begin` on, which must be in it. */
static char *text_from(const char *file, const char *begin)
{
    const char *top = getenv("top_srcdir");
    CLEANUP_FREE char *path = strf("%s/%s", top ? top : "..", file), *text = NULL;
    const char *at;

    ck_assert_ptr_nonnull(path);
    ck_assert_int_eq(read_file(path, 1000000, &text, NULL), 0);
    at = strstr(text, begin);
    ck_assert_msg(at != NULL, "%s does not have: %s", file, begin);
    return strdup(at + strlen(begin));
}

START_TEST(the_page_about_tracing_has_the_layout_of_a_request)
{
    CLEANUP_FREE char *rows = text_from("docs/tracing.md", "\n| offset | bytes | content |\n|---|---|---|\n");
    const char *row = rows;

    ck_assert_ptr_nonnull(rows);
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        CLEANUP_FREE char *want = strf("| %zu | %zu | %s", members[i].offset, members[i].size, members[i].content);

        if (!members[i].content)
            continue;
        ck_assert_ptr_nonnull(want);
        ck_assert_msg(strncmp(row, want, strlen(want)) == 0, "expected a row '%s', found: %.80s", want, row);
        row = strchr(row, '\n');
        ck_assert_ptr_nonnull(row);
        row++;
    }
    ck_assert_msg(*row != '|', "one row too many: %.80s", row);
}
END_TEST

START_TEST(the_scripts_for_bpftrace_have_the_layout_of_a_request)
{
    static const char *const scripts[] = { "tools/trace/errors.bt.in", "tools/trace/latency.bt.in" };
    CLEANUP_FREE char *text = text_from(scripts[_i], "\nstruct vscsiif_request {\n");
    char *line = text;
    size_t offset = 0;

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < ARRAY_SIZE(members) && members[i].traced; i++) {
        char name[32];
        unsigned n = 1;
        char type[8];

        must(sscanf(line, " unsigned %7s %31[a-z_][%u];", type, name, &n) >= 2, "%s: %.40s", scripts[_i], line);
        /* No member is padded: each lies at a multiple of its size. */
        must_eq(offset, members[i].offset);
        must_eq((strcmp(type, "short") == 0 ? 2u : 1u) * n, members[i].size);
        ck_assert_str_eq(name, members[i].traced);
        offset += members[i].size;
        line = strchr(line, '\n') + 1;
    }
    ck_assert_msg(strncmp(line, "};\n", 3) == 0, "%s has more: %.40s", scripts[_i], line);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, each_field_has_its_range, 0, (int)ARRAY_SIZE(fields));
    tcase_add_loop_test(t, each_list_has_its_range, 0, (int)ARRAY_SIZE(lists_of));
    tcase_add_loop_test(t, each_segment_stays_in_its_page, 0, (int)ARRAY_SIZE(segments_of));
    tcase_add_test(t, every_defect_has_a_text_and_a_sense);
    tcase_add_test(t, the_page_about_tracing_has_the_layout_of_a_request);
    tcase_add_loop_test(t, the_scripts_for_bpftrace_have_the_layout_of_a_request, 0, 2);
}

int main(void)
{
    return run_tests("request", NULL, NULL, add_tests);
}
