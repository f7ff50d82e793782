// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * REPORT LUNS and LUNs that are not there, byte by byte.
 */
#include "config.h"

#include "check_scsi.h"

#define POISON 0xa5

static const struct {
    const char *name, *cdb;
    unsigned n;
    uint16_t luns[4];
    uint32_t room;
    const char *data; /* NULL: refused with 05/24/00 */
} lists[] = {
    { "no LUN: LUN 0 is reported nevertheless",
      "a0 00 00 00 00 00 00 00 00 10 00 00",
      0,
      { 0 },
      256,
      "00 00 00 08 00 00 00 00  00 00 00 00 00 00 00 00" },
    { "LUN 0 once",
      "a0 00 00 00 00 00 00 00 00 40 00 00",
      1,
      { 0 },
      256,
      "00 00 00 08 00 00 00 00  00 00 00 00 00 00 00 00" },
    { "LUN 0 is added",
      "a0 00 00 00 00 00 00 00 00 40 00 00",
      1,
      { 5 },
      256,
      "00 00 00 10 00 00 00 00  00 00 00 00 00 00 00 00  00 05 00 00 00 00 00 00" },
    { "255 is peripheral, 256 is flat",
      "a0 00 00 00 00 00 00 00 01 00 00 00",
      3,
      { 0, 255, 256 },
      256,
      "00 00 00 18 00 00 00 00  00 00 00 00 00 00 00 00  00 ff 00 00 00 00 00 00  41 00 00 00 00 00 00 00" },
    { "the largest",
      "a0 00 00 00 00 00 00 00 01 00 00 00",
      2,
      { 0, 16383 },
      256,
      "00 00 00 10 00 00 00 00  00 00 00 00 00 00 00 00  7f ff 00 00 00 00 00 00" },
    { "beyond 14 bits is left out",
      "a0 00 00 00 00 00 00 00 01 00 00 00",
      3,
      { 0, 1, 16384 },
      256,
      "00 00 00 10 00 00 00 00  00 00 00 00 00 00 00 00  00 01 00 00 00 00 00 00" },
    { "a number twice counts once",
      "a0 00 00 00 00 00 00 00 01 00 00 00",
      3,
      { 0, 7, 7 },
      256,
      "00 00 00 10 00 00 00 00  00 00 00 00 00 00 00 00  00 07 00 00 00 00 00 00" },
    { "what follows the list is not of it",
      "a0 00 00 00 00 00 00 00 00 40 00 00",
      2,
      { 0, 1, 2, 3 },
      256,
      "00 00 00 10 00 00 00 00  00 00 00 00 00 00 00 00  00 01 00 00 00 00 00 00" },
    { "SELECT REPORT 02h: all",
      "a0 00 02 00 00 00 00 00 00 40 00 00",
      2,
      { 0, 1 },
      256,
      "00 00 00 10 00 00 00 00  00 00 00 00 00 00 00 00  00 01 00 00 00 00 00 00" },
    { "SELECT REPORT 01h: well known only",
      "a0 00 01 00 00 00 00 00 00 40 00 00",
      2,
      { 0, 1 },
      256,
      "00 00 00 00 00 00 00 00" },
    { "SELECT REPORT 03h", "a0 00 03 00 00 00 00 00 00 40 00 00", 1, { 0 }, 256, NULL },
    { "SELECT REPORT 10h", "a0 00 10 00 00 00 00 00 00 40 00 00", 1, { 0 }, 256, NULL },
    { "SELECT REPORT ffh", "a0 00 ff 00 00 00 00 00 00 40 00 00", 1, { 0 }, 256, NULL },
    { "allocation length 15", "a0 00 00 00 00 00 00 00 00 0f 00 00", 1, { 0 }, 256, NULL },
    { "allocation length 0", "a0 00 00 00 00 00 00 00 00 00 00 00", 1, { 0 }, 256, NULL },
    { "cut by the allocation length, the length in it whole",
      "a0 00 00 00 00 00 00 00 00 11 00 00",
      3,
      { 0, 1, 2 },
      256,
      "00 00 00 18 00 00 00 00  00 00 00 00 00 00 00 00  00" },
    { "cut by the room",
      "a0 00 00 00 00 00 00 ff ff ff 00 00",
      3,
      { 0, 1, 2 },
      18,
      "00 00 00 18 00 00 00 00  00 00 00 00 00 00 00 00  00 01" },
    { "room for half a header", "a0 00 00 00 00 00 00 00 00 10 00 00", 2, { 0, 1 }, 4, "00 00 00 10" },
    { "an allocation length of 4 GiB",
      "a0 00 00 00 00 00 ff ff ff ff 00 00",
      1,
      { 1 },
      256,
      "00 00 00 10 00 00 00 00  00 00 00 00 00 00 00 00  00 01 00 00 00 00 00 00" },
};

START_TEST(report_luns)
{
    uint8_t cdb[SCSI_CDB_MAX], out[260];
    struct scsi_sense refuse = { 0xff, 0xff, 0xff };
    uint32_t n;

    memset(out, POISON, sizeof(out));
    cdb_of(lists[_i].cdb, cdb);
    n = scsi_report_luns(cdb, lists[_i].luns, lists[_i].n, out, lists[_i].room, &refuse);
    if (!lists[_i].data) {
        ck_assert_uint_eq(n, 0);
        ck_assert_uint_eq(refuse.key, 0x05);
        ck_assert_uint_eq(refuse.asc, 0x24);
        ck_assert_uint_eq(refuse.ascq, 0x00);
    } else {
        ck_assert_uint_eq(refuse.key, 0);
        check_bytes(lists[_i].name, out, n, lists[_i].data);
    }
    for (uint32_t i = n; i < sizeof(out); i++)
        must(out[i] == POISON, "%s: byte %u was written", lists[_i].name, i);
}
END_TEST

START_TEST(report_luns_of_all_16384)
{
    enum {
        N = 16384,
        LEN = 8 + 8 * N
    };
    uint8_t *out = malloc(LEN), cdb[SCSI_CDB_MAX];
    uint16_t *luns = malloc(N * sizeof(*luns));
    struct scsi_sense refuse;

    ck_assert_ptr_nonnull(out);
    ck_assert_ptr_nonnull(luns);
    for (unsigned i = 0; i < N; i++)
        luns[i] = (uint16_t)i;
    cdb_of("a0 00 00 00 00 00 00 10 00 00 00 00", cdb);
    ck_assert_uint_eq(scsi_report_luns(cdb, luns, N, out, LEN, &refuse), LEN);
    check_bytes("length", out, 8, "00 02 00 00 00 00 00 00");
    for (unsigned i = 0; i < N; i++) {
        const uint8_t *e = out + 8 + 8 * i;

        must(e[0] == (i < 256 ? 0 : 0x40 | i >> 8) && e[1] == (i & 0xff), "LUN %u: %02x %02x", i, e[0], e[1]);
        must((e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) == 0, "LUN %u: a second level", i);
    }
    free(out);
    free(luns);
}
END_TEST

#define SPACES_28 "20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20"

static const struct {
    const char *name, *cdb;
    uint32_t data_len, room;
    const char *data, *sense; /* sense "": GOOD */
} absent[] = {
    { "INQUIRY: qualifier 011b, type 1Fh", "12 00 00 00 24 00", 36, 36, "7f 00 06 02 1f 00 00 00 " SPACES_28, "" },
    { "INQUIRY into a larger buffer", "12 00 00 00 60 00", 96, 96, "7f 00 06 02 1f 00 00 00 " SPACES_28, "" },
    { "INQUIRY, 5 bytes asked for", "12 00 00 00 05 00", 36, 36, "7f 00 06 02 1f", "" },
    { "INQUIRY, 5 bytes of room", "12 00 00 00 24 00", 36, 5, "7f 00 06 02 1f", "" },
    { "INQUIRY, a buffer of 5 bytes", "12 00 00 00 24 00", 5, 36, "7f 00 06 02 1f", "" },
    { "INQUIRY, an allocation length of 256", "12 00 00 01 00 00", 4, 4, "7f 00 06 02", "" },
    { "INQUIRY, nothing asked for", "12 00 00 00 00 00", 0, 0, "", "" },
    { "INQUIRY, a page code without EVPD", "12 00 83 00 24 00", 36, 36, "", "05 24 00" },
    { "VPD 00h", "12 01 00 00 24 00", 36, 36, "7f 00 00 01 00", "" },
    { "VPD 83h", "12 01 83 00 24 00", 36, 36, "", "05 24 00" },
    { "REQUEST SENSE", "03 00 00 00 12 00", 18, 18, "70 00 05 00 00 00 00 0a 00 00 00 00 25 00 00 00 00 00", "" },
    { "REQUEST SENSE, 14 bytes", "03 00 00 00 0e 00", 18, 18, "70 00 05 00 00 00 00 0a 00 00 00 00 25 00", "" },
    { "REQUEST SENSE, descriptors", "03 01 00 00 fc 00", 252, 252, "72 05 25 00 00 00 00 00", "" },
    { "TEST UNIT READY", "00 00 00 00 00 00", 0, 0, "", "05 25 00" },
    { "READ(10)", "28 00 00 00 00 00 00 00 08 00", 4096, 4096, "", "05 25 00" },
    { "vendor specific", "c0 00 00 00 00 00", 12, 12, "", "05 25 00" },
};

START_TEST(absent_lun)
{
    uint8_t cdb[SCSI_CDB_MAX], out[128];
    struct scsi_answer a;
    uint32_t n;

    memset(out, POISON, sizeof(out));
    memset(&a, 0xee, sizeof(a));
    cdb_of(absent[_i].cdb, cdb);
    n = scsi_absent_lun(cdb, absent[_i].data_len, out, absent[_i].room, &a);
    check_bytes(absent[_i].name, out, n, absent[_i].data);
    for (uint32_t i = n; i < sizeof(out); i++)
        must(out[i] == POISON, "%s: byte %u was written", absent[_i].name, i);
    ck_assert_uint_eq(a.host, 0);
    ck_assert_uint_eq(a.status, *absent[_i].sense ? 0x02 : 0x00);
    ck_assert_uint_eq(a.residual, absent[_i].data_len - n);
    check_own_sense(absent[_i].name, &a, absent[_i].sense);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, report_luns, 0, sizeof(lists) / sizeof(lists[0]));
    tcase_add_test(tc, report_luns_of_all_16384);
    tcase_add_loop_test(tc, absent_lun, 0, sizeof(absent) / sizeof(absent[0]));
}

int main(void)
{
    return run_tests("scsi-luns", NULL, NULL, add_tests);
}
