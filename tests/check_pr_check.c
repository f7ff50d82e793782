// SPDX-License-Identifier: GPL-2.0-or-later
/* Which commands may go to the PR helper: tables of CDBs and lists, with the exact sense of each refusal. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/util.h"
#include "pr/check.h"
#include "suite.h"

#define IN SCSI_DIR_IN
#define OUT SCSI_DIR_OUT
#define NONE SCSI_DIR_NONE
#define BOTH SCSI_DIR_BOTH
#define OK \
    { \
        0, 0, 0 \
    }

static const struct {
    const char *what;
    uint8_t cdb[16];
    uint8_t cdb_len;
    enum scsi_direction dir;
    uint32_t data_len;
    struct scsi_sense sense;
} ins[] = {
    { "READ KEYS", { 0x5e, 0, 0, 0, 0, 0, 0, 0x20, 0x00, 0 }, 10, IN, 8192, OK },
    { "READ RESERVATION", { 0x5e, 1, 0, 0, 0, 0, 0, 0x00, 0x18, 0 }, 10, IN, 24, OK },
    { "REPORT CAPABILITIES", { 0x5e, 2, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, IN, 8, OK },
    { "READ FULL STATUS", { 0x5e, 3, 0, 0, 0, 0, 0, 0x10, 0x00, 0 }, 10, IN, 4096, OK },
    { "padded to 16", { 0x5e, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 16, IN, 8, OK },
    { "no allocation", { 0x5e, 0 }, 10, NONE, 0, OK },
    { "no allocation, no data, direction in", { 0x5e, 0 }, 10, IN, 0, OK },
    { "buffer longer than the allocation", { 0x5e, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, IN, 4096, OK },
    { "buffer shorter than the allocation", { 0x5e, 0, 0, 0, 0, 0, 0, 0x20, 0x00, 0 }, 10, IN, 8, OK },
    { "allocation, no buffer", { 0x5e, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, NONE, 0, OK },
    { "reserved bits of byte 1", { 0x5e, 0xe0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, IN, 8, OK },
    { "service action 4", { 0x5e, 4, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, IN, 8, { 5, 0x24, 0 } },
    { "service action 31", { 0x5e, 0x1f, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, IN, 8, { 5, 0x24, 0 } },
    { "allocation 8193", { 0x5e, 0, 0, 0, 0, 0, 0, 0x20, 0x01, 0 }, 10, IN, 8193, OK },
    { "allocation 65535", { 0x5e, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0 }, 10, IN, 512, OK },
    { "direction out", { 0x5e, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, OUT, 8, { 5, 0x24, 0 } },
    { "direction both", { 0x5e, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, BOTH, 8, { 5, 0x24, 0 } },
    { "9 bytes of CDB", { 0x5e, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 9, IN, 8, { 5, 0x24, 0 } },
    { "no CDB", { 0x5e, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 0, IN, 8, { 5, 0x24, 0 } },
    { "17 bytes of CDB", { 0x5e, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 17, IN, 8, { 5, 0x24, 0 } },
    { "READ(10)", { 0x28, 0, 0, 0, 0, 0, 0, 0x00, 0x08, 0 }, 10, IN, 4096, { 5, 0x20, 0 } },
    { "TEST UNIT READY", { 0x00 }, 6, NONE, 0, { 5, 0x20, 0 } },
};

START_TEST(pr_in)
{
    struct scsi_sense sense = { 0, 0, 0 };
    bool ok = pr_check(ins[_i].cdb, ins[_i].cdb_len, ins[_i].dir, ins[_i].data_len, NULL, false, &sense);

    ck_assert_msg(ok == (ins[_i].sense.key == 0), "%s: %d", ins[_i].what, ok);
    ck_assert_msg(memcmp(&sense, &ins[_i].sense, sizeof(sense)) == 0, "%s: %02x/%02x/%02x", ins[_i].what, sense.key,
                  sense.asc, sense.ascq);
}
END_TEST

/* A basic list: RESERVATION KEY 1, SERVICE ACTION RESERVATION KEY 2, byte 20 as given. */
#define LIST(flags) 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, flags, 0, 0, 0
#define CDB(action, type, length) \
    { \
        0x5f, action, type, 0, 0, (length) >> 24, ((length) >> 16) & 0xff, ((length) >> 8) & 0xff, (length)&0xff \
    }
#define TRANSPORTID 0x06, 0, 0, 0, 0x50, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
/* REGISTER AND MOVE's: keys, RELATIVE TARGET PORT IDENTIFIER 1, length of the TransportID. */
#define MOVE(length) 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, length, TRANSPORTID

static const struct {
    const char *what;
    uint8_t cdb[16];
    enum scsi_direction dir;
    uint32_t data_len;
    bool allow_move;
    uint8_t list[64];
    struct scsi_sense sense;
} outs[] = {
    { "REGISTER", CDB(0, 0, 24), OUT, 24, false, { LIST(0) }, OK },
    { "REGISTER, APTPL", CDB(0, 0, 24), OUT, 24, false, { LIST(1) }, OK },
    { "REGISTER, ALL_TG_PT", CDB(0, 0, 24), OUT, 24, false, { LIST(4) }, OK },
    { "REGISTER, a type is ignored", CDB(0, 0x1f, 24), OUT, 24, false, { LIST(0) }, OK },
    { "RESERVE type 1", CDB(1, 1, 24), OUT, 24, false, { LIST(0) }, OK },
    { "RESERVE type 3", CDB(1, 3, 24), OUT, 24, false, { LIST(0) }, OK },
    { "RESERVE type 5", CDB(1, 5, 24), OUT, 24, false, { LIST(0) }, OK },
    { "RESERVE type 6", CDB(1, 6, 24), OUT, 24, false, { LIST(0) }, OK },
    { "RESERVE type 7", CDB(1, 7, 24), OUT, 24, false, { LIST(0) }, OK },
    { "RESERVE type 8", CDB(1, 8, 24), OUT, 24, false, { LIST(0) }, OK },
    { "RESERVE type 0", CDB(1, 0, 24), OUT, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "RESERVE type 2", CDB(1, 2, 24), OUT, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "RESERVE type 4", CDB(1, 4, 24), OUT, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "RESERVE type 9", CDB(1, 9, 24), OUT, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "RESERVE type 15", CDB(1, 15, 24), OUT, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "RESERVE scope 1 (extent)", CDB(1, 0x11, 24), OUT, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "RESERVE scope 2 (element)", CDB(1, 0x21, 24), OUT, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "RELEASE", CDB(2, 5, 24), OUT, 24, false, { LIST(0) }, OK },
    { "RELEASE type 0: for the device to judge", CDB(2, 0, 24), OUT, 24, false, { LIST(0) }, OK },
    { "CLEAR", CDB(3, 0, 24), OUT, 24, false, { LIST(0) }, OK },
    { "PREEMPT", CDB(4, 5, 24), OUT, 24, false, { LIST(0) }, OK },
    { "PREEMPT of one that holds nothing", CDB(4, 0, 24), OUT, 24, false, { LIST(0) }, OK },
    { "PREEMPT AND ABORT", CDB(5, 5, 24), OUT, 24, false, { LIST(0) }, OK },
    { "REGISTER AND IGNORE", CDB(6, 0, 24), OUT, 24, false, { LIST(0) }, OK },
    { "buffer longer than the list", CDB(0, 0, 24), OUT, 64, false, { LIST(0) }, OK },
    { "service action 8", CDB(8, 0, 24), OUT, 24, true, { LIST(0) }, { 5, 0x24, 0 } },
    { "service action 31", CDB(31, 0, 24), OUT, 24, true, { LIST(0) }, { 5, 0x24, 0 } },
    { "list length 0", CDB(0, 0, 0), NONE, 0, false, { 0 }, { 5, 0x1a, 0 } },
    { "list length 8", CDB(0, 0, 8), OUT, 8, false, { 0 }, { 5, 0x1a, 0 } },
    { "list length 23", CDB(0, 0, 23), OUT, 24, false, { LIST(0) }, { 5, 0x1a, 0 } },
    { "list length 25", CDB(0, 0, 25), OUT, 25, false, { LIST(0) }, { 5, 0x1a, 0 } },
    { "list length 28 without SPEC_I_PT", CDB(0, 0, 28), OUT, 28, false, { LIST(0) }, { 5, 0x1a, 0 } },
    { "list length 8193", CDB(0, 0, 8193), OUT, 64, false, { LIST(0) }, { 5, 0x1a, 0 } },
    { "list length 65536 + 24", CDB(0, 0, 65560), OUT, 64, false, { LIST(0) }, { 5, 0x1a, 0 } },
    { "list length 2^24 + 24", CDB(0, 0, 16777240), OUT, 64, false, { LIST(0) }, { 5, 0x1a, 0 } },
    { "buffer of 23 bytes", CDB(0, 0, 24), OUT, 23, false, { LIST(0) }, { 5, 0x1a, 0 } },
    { "no buffer", CDB(0, 0, 24), NONE, 0, false, { 0 }, { 5, 0x1a, 0 } },
    { "no buffer, direction out", CDB(0, 0, 24), OUT, 0, false, { 0 }, { 5, 0x1a, 0 } },
    { "direction in", CDB(0, 0, 24), IN, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "direction both", CDB(0, 0, 24), BOTH, 24, false, { LIST(0) }, { 5, 0x24, 0 } },
    { "SPEC_I_PT", CDB(0, 0, 52), OUT, 52, true, { LIST(8), 0, 0, 0, 24, TRANSPORTID }, OK },
    { "SPEC_I_PT, no TransportIDs", CDB(0, 0, 28), OUT, 28, true, { LIST(8), 0, 0, 0, 0 }, OK },
    { "SPEC_I_PT not allowed", CDB(0, 0, 52), OUT, 52, false, { LIST(8), 0, 0, 0, 24, TRANSPORTID }, { 5, 0x26, 0 } },
    { "SPEC_I_PT not allowed, short", CDB(0, 0, 24), OUT, 24, false, { LIST(8) }, { 5, 0x26, 0 } },
    { "SPEC_I_PT without a length", CDB(0, 0, 24), OUT, 24, true, { LIST(8) }, { 5, 0x1a, 0 } },
    { "SPEC_I_PT, half a length", CDB(0, 0, 27), OUT, 27, true, { LIST(8) }, { 5, 0x1a, 0 } },
    { "SPEC_I_PT, length too large",
      CDB(0, 0, 52),
      OUT,
      52,
      true,
      { LIST(8), 0, 0, 0, 25, TRANSPORTID },
      { 5, 0x1a, 0 } },
    { "SPEC_I_PT, length too small",
      CDB(0, 0, 52),
      OUT,
      52,
      true,
      { LIST(8), 0, 0, 0, 23, TRANSPORTID },
      { 5, 0x1a, 0 } },
    { "SPEC_I_PT, length that wraps",
      CDB(0, 0, 24),
      OUT,
      28,
      true,
      { LIST(8), 0xff, 0xff, 0xff, 0xfc },
      { 5, 0x1a, 0 } },
    { "SPEC_I_PT with RESERVE", CDB(1, 5, 24), OUT, 24, true, { LIST(8) }, { 5, 0x26, 0 } },
    { "SPEC_I_PT with REGISTER AND IGNORE",
      CDB(6, 0, 52),
      OUT,
      52,
      true,
      { LIST(8), 0, 0, 0, 24, TRANSPORTID },
      { 5, 0x26, 0 } },
    { "MOVE", CDB(7, 5, 48), OUT, 48, true, { LIST(0), TRANSPORTID }, { 5, 0x1a, 0 } },
    { "MOVE not allowed", CDB(7, 5, 48), OUT, 48, false, { MOVE(24) }, { 5, 0x24, 0 } },
    { "MOVE with its length", CDB(7, 5, 48), OUT, 48, true, { MOVE(24) }, OK },
    { "MOVE, length too small", CDB(7, 5, 48), OUT, 48, true, { MOVE(23) }, { 5, 0x1a, 0 } },
    { "MOVE, no TransportID", CDB(7, 5, 24), OUT, 24, true, { MOVE(0) }, { 5, 0x1a, 0 } },
    { "MOVE, half a TransportID", CDB(7, 5, 36), OUT, 36, true, { MOVE(12) }, { 5, 0x1a, 0 } },
};

START_TEST(pr_out)
{
    struct scsi_sense sense = { 0, 0, 0 };
    /* Exactly as long as the guest's buffer, so that a sanitizer detects a read past its end. */
    uint8_t *list = malloc(outs[_i].data_len ? outs[_i].data_len : 1);
    bool ok;

    ck_assert_ptr_nonnull(list);
    memcpy(list, outs[_i].list, outs[_i].data_len);
    ok = pr_check(outs[_i].cdb, 10, outs[_i].dir, outs[_i].data_len, list, outs[_i].allow_move, &sense);
    ck_assert_msg(ok == (outs[_i].sense.key == 0), "%s: %d", outs[_i].what, ok);
    ck_assert_msg(memcmp(&sense, &outs[_i].sense, sizeof(sense)) == 0, "%s: %02x/%02x/%02x", outs[_i].what, sense.key,
                  sense.asc, sense.ascq);
    free(list);
}
END_TEST

START_TEST(largest_list)
{
    static const uint8_t cdb[16] = CDB(0, 0, 8192);
    struct scsi_sense sense = { 0, 0, 0 };
    uint8_t *list = calloc(1, 8192);

    ck_assert_ptr_nonnull(list);
    list[20] = 8;
    list[26] = 0x1f; /* 8192 - 28 = 1FE4h */
    list[27] = 0xe4;
    ck_assert(pr_check(cdb, 10, SCSI_DIR_OUT, 8192, list, true, &sense));
    list[27] = 0xe5;
    ck_assert(!pr_check(cdb, 10, SCSI_DIR_OUT, 8192, list, true, &sense));
    free(list);
}
END_TEST

START_TEST(missing_list)
{
    static const uint8_t cdb[16] = CDB(0, 0, 24);
    struct scsi_sense sense = { 0, 0, 0 };

    ck_assert(!pr_check(cdb, 10, SCSI_DIR_OUT, 24, NULL, true, &sense));
    ck_assert_uint_eq(sense.asc, 0x1a);
}
END_TEST

static const struct {
    uint8_t cdb[16];
    uint32_t length;
} lengths[] = {
    { { 0x5e, 0, 0, 0, 0, 0xff, 0xff, 0x12, 0x34, 0xff }, 0x1234 },
    { { 0x5f, 0, 0, 0, 0xff, 0x12, 0x34, 0x56, 0x78, 0xff }, 0x12345678 },
    { { 0x28, 0, 0, 0, 0, 0, 0, 0, 8, 0 }, 0 },
};

START_TEST(cdb_length)
{
    ck_assert_uint_eq(pr_cdb_length(lengths[_i].cdb), lengths[_i].length);
}
END_TEST

/* --- pr=direct: the device judges the form --- */
static const struct {
    const char *what;
    uint8_t cdb[16];
    uint32_t data_len;
    bool allow_move;
    uint8_t list[64];
    struct scsi_sense sense;
} directs[] = {
    { "READ KEYS", { 0x5e, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 0, false, { 0 }, OK },
    { "READ FULL STATUS", { 0x5e, 3, 0, 0, 0, 0, 0, 0, 8 }, 0, false, { 0 }, OK },
    { "READ 4", { 0x5e, 4, 0, 0, 0, 0, 0, 0, 8 }, 0, false, { 0 }, { 5, 0x24, 0 } },
    { "READ 31", { 0x5e, 0x1f, 0, 0, 0, 0, 0, 0, 8 }, 0, false, { 0 }, { 5, 0x24, 0 } },
    { "REGISTER", CDB(0, 0, 24), 24, false, { LIST(0) }, OK },
    { "REGISTER without a list", CDB(0, 0, 0), 0, false, { 0 }, OK },
    { "REGISTER, a short list", CDB(0, 0, 8), 8, false, { LIST(0) }, OK },
    { "REGISTER, a list shorter than it says", CDB(0, 0, 600), 24, false, { LIST(0) }, OK },
    { "REGISTER, SPEC_I_PT", CDB(0, 0, 24), 24, false, { LIST(8) }, { 5, 0x26, 0 } },
    { "REGISTER, SPEC_I_PT beyond the list", CDB(0, 0, 20), 20, false, { LIST(8) }, OK },
    { "REGISTER, SPEC_I_PT, allowed", CDB(0, 0, 24), 24, true, { LIST(8) }, OK },
    { "REGISTER AND IGNORE, SPEC_I_PT", CDB(6, 0, 24), 24, false, { LIST(9) }, { 5, 0x26, 0 } },
    { "RESERVE type 0", CDB(1, 0, 24), 24, false, { LIST(0) }, OK },
    { "REGISTER AND MOVE", CDB(7, 1, 48), 48, false, { MOVE(24) }, { 5, 0x24, 0 } },
    { "REGISTER AND MOVE, allowed", CDB(7, 1, 48), 48, true, { MOVE(24) }, OK },
    { "REPLACE LOST RESERVATION", CDB(8, 1, 24), 24, true, { LIST(0) }, { 5, 0x24, 0 } },
    { "31", CDB(31, 1, 24), 24, true, { LIST(0) }, { 5, 0x24, 0 } },
};

START_TEST(what_goes_to_the_device_itself)
{
    struct scsi_sense sense = { 0 };
    bool ok = pr_check_direct(directs[_i].cdb, directs[_i].data_len, directs[_i].list, directs[_i].allow_move, &sense);

    ck_assert_msg(ok == (directs[_i].sense.key == 0), "%s", directs[_i].what);
    ck_assert_msg(sense.key == directs[_i].sense.key && sense.asc == directs[_i].sense.asc && sense.ascq == 0,
                  "%s: %02x", directs[_i].what, sense.asc);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, pr_in, 0, ARRAY_SIZE(ins));
    tcase_add_loop_test(t, pr_out, 0, ARRAY_SIZE(outs));
    tcase_add_loop_test(t, what_goes_to_the_device_itself, 0, ARRAY_SIZE(directs));
    tcase_add_test(t, largest_list);
    tcase_add_test(t, missing_list);
    tcase_add_loop_test(t, cdb_length, 0, ARRAY_SIZE(lengths));
}

int main(void)
{
    return run_tests("pr-check", NULL, NULL, add_tests);
}
