// SPDX-License-Identifier: GPL-2.0-or-later
/* READ and WRITE in pieces: which commands, the CDB of each piece, and the answer of the whole. */
#include "config.h"

#include "check_scsi.h"

#include "scsi/split.h"

#define MAX_PIECES 8

/* --- the CDBs of the pieces, as their standard prints them --- */
static const struct {
    const char *what;
    uint8_t type;
    uint32_t block_size, data_len, piece_max;
    const char *cdb;
    struct {
        const char *cdb;
        uint32_t offset, len;
    } piece[MAX_PIECES];
} plans[] = {
    { "READ(10), 16 blocks in pieces of 8",
      0x00,
      512,
      8192,
      4096,
      "28 00 00 00 10 00 00 00 10 00",
      { { "28 00 00 00 10 00 00 00 08 00", 0, 4096 }, { "28 00 00 00 10 08 00 00 08 00", 4096, 4096 } } },
    { "the last piece is smaller; DPO, FUA, group and CONTROL stay",
      0x00,
      512,
      5120,
      4096,
      "2a 18 00 00 00 ff 15 00 0a 04",
      { { "2a 18 00 00 00 ff 15 00 08 04", 0, 4096 }, { "2a 18 00 00 01 07 15 00 02 04", 4096, 1024 } } },
    { "a limit that is no multiple of 4096 is rounded down to one",
      0x00,
      512,
      12288,
      7168,
      "28 00 00 00 00 00 00 00 18 00",
      { { "28 00 00 00 00 00 00 00 08 00", 0, 4096 },
        { "28 00 00 00 00 08 00 00 08 00", 4096, 4096 },
        { "28 00 00 00 00 10 00 00 08 00", 8192, 4096 } } },
    { "a limit below 4096",
      0x00,
      512,
      2048,
      1535,
      "28 00 00 00 00 00 00 00 04 00",
      { { "28 00 00 00 00 00 00 00 02 00", 0, 1024 }, { "28 00 00 00 00 02 00 00 02 00", 1024, 1024 } } },
    { "READ(6): 0 means 256 blocks",
      0x00,
      512,
      131072,
      65536,
      "08 01 02 03 00 00",
      { { "08 01 02 03 80 00", 0, 65536 }, { "08 01 02 83 80 00", 65536, 65536 } } },
    { "READ(6): the reserved bits of byte 1 are no part of the address",
      0x00,
      512,
      8192,
      4096,
      "08 e1 ff ff 10 80",
      { { "08 e1 ff ff 08 80", 0, 4096 }, { "08 e2 00 07 08 80", 4096, 4096 } } },
    { "READ(6) that passes 21 bits goes on as READ(10)",
      0x00,
      512,
      8192,
      4096,
      "08 1f ff f8 10 c0",
      { { "08 1f ff f8 08 c0", 0, 4096 }, { "28 00 00 20 00 00 00 00 08 c0", 4096, 4096 } } },
    { "WRITE(6) that passes 21 bits goes on as WRITE(10)",
      0x0e,
      512,
      8192,
      4096,
      "0a 1f ff f8 10 00",
      { { "0a 1f ff f8 08 00", 0, 4096 }, { "2a 00 00 20 00 00 00 00 08 00", 4096, 4096 } } },
    { "READ(10) that passes 32 bits goes on as READ(16)",
      0x00,
      4096,
      8192,
      4096,
      "28 18 ff ff ff ff 1f 00 02 40",
      { { "28 18 ff ff ff ff 1f 00 01 40", 0, 4096 },
        { "88 18 00 00 00 01 00 00 00 00 00 00 00 01 1f 40", 4096, 4096 } } },
    { "WRITE(12) that passes 32 bits goes on as WRITE(16)",
      0x00,
      4096,
      8192,
      4096,
      "aa 08 ff ff ff ff 00 00 00 02 05 00",
      { { "aa 08 ff ff ff ff 00 00 00 01 05 00", 0, 4096 },
        { "8a 08 00 00 00 01 00 00 00 00 00 00 00 01 05 00", 4096, 4096 } } },
    { "READ(12) of an optical drive with its Streaming bit",
      0x05,
      2048,
      131072,
      122880,
      "a8 00 00 00 00 20 00 00 00 40 80 00",
      { { "a8 00 00 00 00 20 00 00 00 3c 80 00", 0, 122880 },
        { "a8 00 00 00 00 5c 00 00 00 04 80 00", 122880, 8192 } } },
    { "READ CD of audio: 75 sectors, as Linux's cdrom driver reads them",
      0x05,
      2048,
      176400,
      122880,
      "be 04 00 00 01 00 00 00 4b f8 00 00",
      { { "be 04 00 00 01 00 00 00 34 f8 00 00", 0, 122304 },
        { "be 04 00 00 01 34 00 00 17 f8 00 00", 122304, 54096 } } },
    { "READ CD with C2 errors and the raw subchannel: 2352 + 294 + 96",
      0x05,
      2048,
      5484,
      4096,
      "be 02 00 00 ff ff 00 00 02 fa 01 40",
      { { "be 02 00 00 ff ff 00 00 01 fa 01 40", 0, 2742 }, { "be 02 00 01 00 00 00 00 01 fa 01 40", 2742, 2742 } } },
    { "READ CD of the user data of mode 1",
      0x05,
      0,
      8192,
      4096,
      "be 08 00 00 00 10 00 00 04 10 00 00",
      { { "be 08 00 00 00 10 00 00 02 10 00 00", 0, 4096 }, { "be 08 00 00 00 12 00 00 02 10 00 00", 4096, 4096 } } },
    { "READ(16) with its highest address",
      0x14,
      512,
      8192,
      4096,
      "88 00 ff ff ff ff ff ff ff f0 00 00 00 10 00 00",
      { { "88 00 ff ff ff ff ff ff ff f0 00 00 00 08 00 00", 0, 4096 },
        { "88 00 ff ff ff ff ff ff ff f8 00 00 00 08 00 00", 4096, 4096 } } },
    { "the block size is that of the command where it is not known",
      0x00,
      0,
      8192,
      4096,
      "8a 00 00 00 00 00 00 00 00 01 00 00 00 02 00 00",
      { { "8a 00 00 00 00 00 00 00 00 01 00 00 00 01 00 00", 0, 4096 },
        { "8a 00 00 00 00 00 00 00 00 02 00 00 00 01 00 00", 4096, 4096 } } },
    { "blocks of 520 bytes",
      0x00,
      520,
      2080,
      1100,
      "28 00 00 00 00 00 00 00 04 00",
      { { "28 00 00 00 00 00 00 00 02 00", 0, 1040 }, { "28 00 00 00 00 02 00 00 02 00", 1040, 1040 } } },
};

static unsigned len_of(const char *cdb)
{
    uint8_t bytes[SCSI_CDB_MAX];

    return unhex(cdb, bytes, sizeof(bytes));
}

START_TEST(pieces_have_their_cdbs)
{
    struct scsi_answer good = { 0 }, whole;
    struct scsi_split s;
    struct scsi_piece p;
    uint8_t cdb[SCSI_CDB_MAX];
    unsigned i = 0;
    bool ended;

    cdb_of(plans[_i].cdb, cdb);
    must(scsi_split_begin(&s, plans[_i].type, plans[_i].block_size, cdb, (uint8_t)len_of(plans[_i].cdb),
                          plans[_i].data_len, plans[_i].piece_max),
         "%s: not cut", plans[_i].what);
    do {
        memset(&p, 0xee, sizeof(p));
        scsi_split_piece(&s, &p);
        must(i < MAX_PIECES && plans[_i].piece[i].cdb, "%s: one piece too many", plans[_i].what);
        check_bytes(plans[_i].what, p.cdb, p.cdb_len, plans[_i].piece[i].cdb);
        for (unsigned b = p.cdb_len; b < SCSI_CDB_MAX; b++)
            ck_assert_uint_eq(p.cdb[b], 0);
        ck_assert_uint_eq(p.offset, plans[_i].piece[i].offset);
        ck_assert_uint_eq(p.len, plans[_i].piece[i].len);
        i++;
        memset(&whole, 0xee, sizeof(whole));
        ended = scsi_split_end_piece(&s, &good, &whole);
    } while (!ended);
    must(i == MAX_PIECES || !plans[_i].piece[i].cdb, "%s: %u pieces", plans[_i].what, i);
    ck_assert_uint_eq(whole.status, 0);
    ck_assert_uint_eq(whole.host, 0);
    ck_assert_uint_eq(whole.residual, 0);
    ck_assert_uint_eq(whole.sense_len, 0);
}
END_TEST

/* --- what is never cut --- */
static const struct {
    const char *what;
    uint8_t type;
    uint32_t block_size, data_len, piece_max;
    const char *cdb;
} whole_ones[] = {
    { "WRITE ATOMIC(16)", 0, 512, 8192, 4096, "9c 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00" },
    { "COMPARE AND WRITE", 0, 512, 8192, 4096, "89 00 00 00 00 00 00 00 00 00 00 00 00 08 00 00" },
    { "WRITE AND VERIFY(10)", 0, 512, 8192, 4096, "2e 00 00 00 00 00 00 00 10 00" },
    { "VERIFY(10), BYTCHK", 0, 512, 8192, 4096, "2f 02 00 00 00 00 00 00 10 00" },
    { "WRITE SAME(16)", 0, 512, 8192, 4096, "93 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00" },
    { "ORWRITE(16)", 0, 512, 8192, 4096, "8b 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00" },
    { "READ(10), RDPROTECT 001b", 0, 512, 8192, 4096, "28 20 00 00 00 00 00 00 10 00" },
    { "WRITE(16), WRPROTECT 100b", 0, 512, 8192, 4096, "8a 80 00 00 00 00 00 00 00 00 00 00 00 10 00 00" },
    { "READ(6) of a tape", 1, 512, 8192, 4096, "08 01 00 00 10 00" },
    { "READ(16) of a tape", 1, 512, 8192, 4096, "88 00 00 00 00 00 00 00 00 00 00 00 00 10 00 00" },
    { "READ(6) of an optical drive", 5, 2048, 8192, 4096, "08 00 00 00 04 00" },
    { "READ(16) of an optical drive", 5, 2048, 8192, 4096, "88 00 00 00 00 00 00 00 00 00 00 00 00 04 00 00" },
    { "READ CD: the sectors say what they are", 5, 2048, 8192, 4096, "be 00 00 00 00 00 00 00 04 10 00 00" },
    { "READ CD of mode 2, formless", 5, 2048, 9344, 4096, "be 0c 00 00 00 00 00 00 04 10 00 00" },
    { "READ CD with headers", 5, 2048, 8208, 4096, "be 08 00 00 00 00 00 00 04 30 00 00" },
    { "READ CD with reserved C2 bits", 5, 2048, 9408, 4096, "be 04 00 00 00 00 00 00 04 fe 00 00" },
    { "READ CD with a reserved subchannel", 5, 2048, 9408, 4096, "be 04 00 00 00 00 00 00 04 f8 03 00" },
    { "READ CD with less room than data", 5, 2048, 8192, 4096, "be 04 00 00 00 00 00 00 04 f8 00 00" },
    { "READ CD without main data", 5, 2048, 384, 100, "be 04 00 00 00 00 00 00 04 00 01 00" },
    { "READ CD from the lead-in", 5, 2048, 9408, 4096, "be 04 ff ff ff fe 00 00 04 f8 00 00" },
    { "READ CD of a disk", 0, 512, 9408, 4096, "be 04 00 00 00 00 00 00 04 f8 00 00" },
    { "READ(10) of an enclosure", 13, 512, 8192, 4096, "28 00 00 00 00 00 00 00 10 00" },
    { "READ(10) of no type", 0x20, 512, 8192, 4096, "28 00 00 00 00 00 00 00 10 00" },
    { "no blocks", 0, 512, 8192, 4096, "28 00 00 00 00 00 00 00 00 00" },
    { "less data than blocks", 0, 512, 4096, 2048, "28 00 00 00 00 00 00 00 10 00" },
    { "more data than blocks", 0, 512, 16384, 4096, "28 00 00 00 00 00 00 00 10 00" },
    { "data that is no whole number of blocks", 0, 0, 8191, 4096, "28 00 00 00 00 00 00 00 10 00" },
    { "no data", 0, 0, 0, 4096, "28 00 00 00 00 00 00 00 10 00" },
    { "one block is more than the limit", 0, 4096, 8192, 4095, "28 00 00 00 00 00 00 00 02 00" },
    { "no limit at all", 0, 512, 8192, 0, "28 00 00 00 00 00 00 00 10 00" },
    { "a CDB that is too short", 0, 512, 8192, 4096, "28 00 00 00 00 00 00 00 10" },
    { "past the last address", 0, 512, 8192, 4096, "88 00 ff ff ff ff ff ff ff f1 00 00 00 10 00 00" },
    { "past the last address of an optical drive", 5, 2048, 8192, 4096, "28 00 ff ff ff fd 00 00 04 00" },
};

START_TEST(others_are_not_cut)
{
    struct scsi_split s;
    uint8_t cdb[SCSI_CDB_MAX];

    cdb_of(whole_ones[_i].cdb, cdb);
    must(!scsi_split_begin(&s, whole_ones[_i].type, whole_ones[_i].block_size, cdb, (uint8_t)len_of(whole_ones[_i].cdb),
                           whole_ones[_i].data_len, whole_ones[_i].piece_max),
         "%s: cut", whole_ones[_i].what);
}
END_TEST

/* --- three pieces of 4096 bytes, and what becomes of the whole --- */
static const struct {
    const char *what;
    unsigned piece; /* the one that this answer is for; those before and after it are GOOD */
    uint8_t status, host;
    const char *sense;
    uint32_t residual;
    /* the whole: */
    unsigned pieces; /* carried out */
    uint8_t whole_status;
    const char *whole_sense;
    uint32_t whole_residual;
} ends[] = {
    { "the first fails", 0, 0x02, 0, "70 00 05 00 00 00 00 0a 00 00 00 00 21 00 00 00 00 00", 4096, 1, 0x02,
      "70 00 05 00 00 00 00 0a 00 00 00 00 21 00 00 00 00 00", 12288 },
    { "the second has a bad block, with its address", 1, 0x02, 0,
      "f0 00 03 00 00 00 0b 0a 00 00 00 00 11 00 00 00 00 00", 4096, 2, 0x02,
      "f0 00 03 00 00 00 0b 0a 00 00 00 00 11 00 00 00 00 00", 8192 },
    { "... and 1536 bytes before it arrived", 1, 0x02, 0, "72 03 11 00 00 00 00 00", 2560, 2, 0x02,
      "72 03 11 00 00 00 00 00", 6656 },
    { "the last is busy", 2, 0x08, 0, "", 4096, 3, 0x08, "", 4096 },
    { "the second conflicts", 1, 0x18, 0, "", 4096, 2, 0x18, "", 8192 },
    { "the second has no connection", 1, 0x02, 1, "70 00 05 00 00 00 00 0a 00 00 00 00 25 00", 4096, 2, 0x02,
      "70 00 05 00 00 00 00 0a 00 00 00 00 25 00", 8192 },
    { "the second is short without an error", 1, 0x00, 0, "", 512, 2, 0x00, "", 4608 },
    { "a residual larger than the piece", 1, 0x00, 0, "", 5000, 2, 0x00, "", 8192 },
    { "the first recovered an error", 0, 0x02, 0, "70 00 01 00 00 00 00 0a 00 00 00 00 17 01", 0, 3, 0x02,
      "70 00 01 00 00 00 00 0a 00 00 00 00 17 01", 0 },
    { "the first recovered an error and is short", 0, 0x02, 0, "72 01 17 01", 1024, 1, 0x02, "72 01 17 01", 9216 },
    { "a deferred error is none of this command's data", 1, 0x02, 0, "71 00 01 00 00 00 00 0a 00 00 00 00 17 01", 0, 2,
      0x02, "71 00 01 00 00 00 00 0a 00 00 00 00 17 01", 4096 },
    { "GOOD with sense", 1, 0x00, 0, "71 00 03", 0, 3, 0x00, "71 00 03", 0 },
};

START_TEST(the_whole_has_one_answer)
{
    static const uint8_t cdb[SCSI_CDB_MAX] = { 0x28, [8] = 24 };
    struct scsi_answer good = { 0 }, odd = { .status = ends[_i].status, .host = ends[_i].host }, whole;
    struct scsi_split s;
    unsigned i = 0;

    odd.residual = ends[_i].residual;
    odd.sense_len = (uint8_t)unhex(ends[_i].sense, odd.sense, SCSI_SENSE_MAX);
    memset(&whole, 0xee, sizeof(whole));
    must(scsi_split_begin(&s, 0, 512, cdb, 10, 12288, 4096), "not cut");
    while (!scsi_split_end_piece(&s, i == ends[_i].piece ? &odd : &good, &whole))
        must(++i < 3, "%s: no end", ends[_i].what);
    must(i + 1 == ends[_i].pieces, "%s: %u pieces", ends[_i].what, i + 1);
    ck_assert_uint_eq(whole.status, ends[_i].whole_status);
    ck_assert_uint_eq(whole.host, ends[_i].host);
    must(whole.residual == ends[_i].whole_residual, "%s: residual %u", ends[_i].what, whole.residual);
    check_bytes(ends[_i].what, whole.sense, whole.sense_len, ends[_i].whole_sense);
}
END_TEST

/* Every piece but the first begins where the one before ended, whatever the figures are. */
START_TEST(pieces_cover_the_command_once)
{
    for (uint32_t blocks = 1; blocks <= 300; blocks++) {
        for (uint32_t max = 512; max <= 20480; max += 1536) {
            uint8_t cdb[SCSI_CDB_MAX] = { 0x88, [8] = 0xff, [12] = (uint8_t)(blocks >> 8), [13] = (uint8_t)blocks };
            struct scsi_answer good = { 0 }, whole;
            struct scsi_split s;
            struct scsi_piece p;
            uint32_t at = 0, lba = 0xff00;

            must(scsi_split_begin(&s, 0, 512, cdb, 16, blocks * 512, max), "not cut");
            do {
                scsi_split_piece(&s, &p);
                must(p.offset == at && p.len > 0 && p.len <= max, "%u blocks, %u bytes: piece at %u", blocks, max, at);
                must((uint32_t)(p.cdb[7] << 16 | p.cdb[8] << 8 | p.cdb[9]) == lba, "address");
                must((uint32_t)(p.cdb[12] << 8 | p.cdb[13]) * 512 == p.len, "length");
                at += p.len;
                lba += p.len / 512;
            } while (!scsi_split_end_piece(&s, &good, &whole));
            must(at == blocks * 512, "%u blocks, %u bytes: %u moved", blocks, max, at);
        }
    }
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *tc)
{
    LOOP(tc, pieces_have_their_cdbs, plans);
    LOOP(tc, others_are_not_cut, whole_ones);
    LOOP(tc, the_whole_has_one_answer, ends);
    tcase_add_test(tc, pieces_cover_the_command_once);
}

int main(void)
{
    return run_tests("scsi-split", NULL, NULL, add_tests);
}
