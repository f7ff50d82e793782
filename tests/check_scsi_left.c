// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest leaves in a device, and what undoes it: by the CDBs of the standards. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scsi/left.h"
#include "suite.h"

#define PREVENT SCSI_LEFT_PREVENT
#define PERSISTENT SCSI_LEFT_PREVENT_PERSISTENT
#define RESERVE_6 SCSI_LEFT_RESERVE_6
#define RESERVE_10 SCSI_LEFT_RESERVE_10
#define ALL 0x0fu

static const struct {
    uint8_t type, cdb[10];
    uint32_t makes, ends; /* of nothing, of ALL */
} commands[] = {
    { 0x00, { 0x1e, 0, 0, 0, 0x01 }, PREVENT, 0 },
    { 0x00, { 0x1e, 0, 0, 0, 0x00 }, 0, PREVENT },
    { 0x01, { 0x1e, 0, 0, 0, 0x01 }, PREVENT, 0 },
    { 0x01, { 0x1e, 0, 0, 0, 0x02 }, PREVENT, 0 },
    { 0x01, { 0x1e, 0, 0, 0, 0xfc }, 0, PREVENT }, /* reserved bits */
    { 0x08, { 0x1e, 0, 0, 0, 0x03 }, PREVENT, 0 },
    { 0x05, { 0x1e, 0, 0, 0, 0x01 }, PREVENT, 0 },
    { 0x05, { 0x1e, 0, 0, 0, 0x00 }, 0, PREVENT },
    { 0x05, { 0x1e, 0, 0, 0, 0x03 }, PERSISTENT, 0 },
    { 0x05, { 0x1e, 0, 0, 0, 0x02 }, 0, PERSISTENT },
    { 0x00, { 0x16 }, RESERVE_6, 0 },
    { 0x01, { 0x16 }, RESERVE_6, 0 },
    { 0x08, { 0x16, 0x01, 7, 0, 8 }, RESERVE_6, 0 }, /* RESERVE ELEMENT */
    { 0x01, { 0x17 }, 0, RESERVE_6 },
    { 0x01, { 0x17, 0xe0 }, 0, RESERVE_6 }, /* the LUN of SCSI-2 */
    { 0x08, { 0x17, 0x01, 7 }, 0, 0 },      /* one element's */
    { 0x00, { 0x17, 0x10 }, 0, 0 },         /* a third party's */
    { 0x01, { 0x56 }, RESERVE_10, 0 },
    { 0x01, { 0x57 }, 0, RESERVE_10 },
    { 0x01, { 0x57, 0x12, 0, 5 }, 0, 0 },
    { 0x1f, { 0x1e, 0, 0, 0, 0x01 }, PREVENT, 0 },
    { 0xff, { 0x1e, 0, 0, 0, 0x01 }, 0, 0 }, /* there is no such type */
};

START_TEST(a_command_leaves_what_it_locks_until_it_is_undone)
{
    uint8_t type = commands[_i].type;
    const uint8_t *cdb = commands[_i].cdb;

    ck_assert_uint_eq(scsi_left_sent(0, type, cdb), commands[_i].makes);
    ck_assert_uint_eq(scsi_left_sent(ALL, type, cdb), ALL);
    ck_assert_uint_eq(scsi_left_done(0, type, cdb), 0);
    ck_assert_uint_eq(scsi_left_done(ALL, type, cdb), ALL & ~commands[_i].ends);
}
END_TEST

START_TEST(no_other_command_counts)
{
    for (unsigned type = 0; type < 32; type++) {
        for (unsigned op = 0; op < 256; op++) {
            uint8_t cdb[10] = { (uint8_t)op, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

            if (op == 0x16 || op == 0x17 || op == 0x1e || op == 0x56 || op == 0x57)
                continue;
            ck_assert_uint_eq(scsi_left_sent(0, (uint8_t)type, cdb), 0);
            ck_assert_uint_eq(scsi_left_done(ALL, (uint8_t)type, cdb), ALL);
        }
    }
}
END_TEST

static const struct {
    uint32_t bit;
    unsigned len;
    uint8_t cdb[10];
    const char *name;
} undos[] = {
    { PREVENT, 6, { 0x1e, 0, 0, 0, 0, 0 }, "PREVENT MEDIUM REMOVAL" },
    { PERSISTENT, 6, { 0x1e, 0, 0, 0, 2, 0 }, "persistent PREVENT MEDIUM REMOVAL" },
    { RESERVE_6, 6, { 0x17, 0, 0, 0, 0, 0 }, "RESERVE(6)" },
    { RESERVE_10, 10, { 0x57 }, "RESERVE(10)" },
};

START_TEST(each_is_undone_by_its_command)
{
    uint8_t cdb[SCSI_LEFT_CDB_MAX];
    uint32_t left = undos[_i].bit, all = ALL;

    ck_assert_str_eq(scsi_left_name(left), undos[_i].name);
    ck_assert_uint_eq(scsi_left_undo(&left, cdb), undos[_i].len);
    ck_assert_mem_eq(cdb, undos[_i].cdb, undos[_i].len);
    ck_assert_uint_eq(left, 0);
    ck_assert_uint_eq(scsi_left_undo(&left, cdb), 0);
    /* Of all, in this order. */
    for (int k = 0; k <= _i; k++)
        ck_assert_uint_gt(scsi_left_undo(&all, cdb), 0);
    ck_assert_mem_eq(cdb, undos[_i].cdb, undos[_i].len);
}
END_TEST

/* Of a file that another version wrote. */
START_TEST(unknown_bits_end_too)
{
    uint8_t cdb[SCSI_LEFT_CDB_MAX];
    uint32_t left = 0xfffffff0u;

    ck_assert_uint_eq(scsi_left_undo(&left, cdb), 0);
    ck_assert_uint_eq(left, 0);
    ck_assert_str_eq(scsi_left_name(0x10), "nothing");
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_command_leaves_what_it_locks_until_it_is_undone, 0,
                        sizeof(commands) / sizeof(commands[0]));
    tcase_add_test(t, no_other_command_counts);
    tcase_add_loop_test(t, each_is_undone_by_its_command, 0, 4);
    tcase_add_test(t, unknown_bits_end_too);
}

int main(void)
{
    return run_tests("left", NULL, NULL, add_tests);
}
