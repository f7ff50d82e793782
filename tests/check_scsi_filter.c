// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages of a device, clamped to what its guest can have: expected bytes as SBC, SPC and
 * SSC lay them out, lengths that lie, buffers that end in the middle of a field.
 */
#include "config.h"

#include "check_scsi.h"

enum {
    ROOM = 512,
    POISON = 0xa5
};

static bool is_disk(unsigned t)
{
    return t == 0x00 || t == 0x04 || t == 0x07 || t == 0x0e || t == 0x14;
}

#define Z4 "00 00 00 00 "
#define Z16 Z4 Z4 Z4 Z4

/* --- VPD B0h: max_transfer 520192 (508 KiB) is 1016 = 3f8h blocks of 512, 127 = 7fh of 4096 --- */
static const struct {
    const char *name;
    uint32_t max_transfer, block_size, alloc;
    const char *page, *expected;
} limits[] = {
    { "no limit named: ours; nothing optimal stays so", 520192, 512, 64, "00 b0 00 3c 00 00 00 00 " Z4 Z4 Z16 Z16 Z16,
      "00 b0 00 3c 00 00 00 00 00 00 03 f8 " Z4 Z16 Z16 Z16 },
    { "blocks of 4096 bytes", 520192, 4096, 64, "00 b0 00 3c 00 00 00 00 " Z4 Z4 Z16 Z16 Z16,
      "00 b0 00 3c 00 00 00 00 00 00 00 7f " Z4 Z16 Z16 Z16 },
    { "blocks of 520 bytes", 520192, 520, 64, "00 b0 00 3c 00 00 00 00 " Z4 Z4 Z16 Z16 Z16,
      "00 b0 00 3c 00 00 00 00 00 00 03 e8 " Z4 Z16 Z16 Z16 },
    { "an unknown block length is taken for 4096", 520192, 0, 64, "00 b0 00 3c 00 00 00 00 " Z4 Z4 Z16 Z16 Z16,
      "00 b0 00 3c 00 00 00 00 00 00 00 7f " Z4 Z16 Z16 Z16 },
    { "larger limits come down", 520192, 512, 64, "00 b0 00 3c 00 00 00 08 00 00 ff ff 00 00 04 00 " Z16 Z16 Z16,
      "00 b0 00 3c 00 00 00 08 00 00 03 f8 00 00 03 f8 " Z16 Z16 Z16 },
    { "smaller limits stay", 520192, 512, 64, "00 b0 00 3c 00 00 00 08 00 00 03 f7 00 00 00 80 " Z16 Z16 Z16,
      "00 b0 00 3c 00 00 00 08 00 00 03 f7 00 00 00 80 " Z16 Z16 Z16 },
    { "the limit itself stays", 520192, 512, 64, "00 b0 00 3c 00 00 00 00 00 00 03 f8 00 00 03 f8 " Z16 Z16 Z16,
      "00 b0 00 3c 00 00 00 00 00 00 03 f8 00 00 03 f8 " Z16 Z16 Z16 },
    { "all ones", 520192, 512, 64, "00 b0 00 3c 00 00 00 00 ff ff ff ff ff ff ff ff " Z16 Z16 Z16,
      "00 b0 00 3c 00 00 00 00 00 00 03 f8 00 00 03 f8 " Z16 Z16 Z16 },
    { "COMPARE AND WRITE moves twice its blocks", 8192, 512, 64, "00 b0 00 3c 00 ff 00 00 " Z4 Z4 Z16 Z16 Z16,
      "00 b0 00 3c 00 08 00 00 00 00 00 10 " Z4 Z16 Z16 Z16 },
    { "COMPARE AND WRITE of one block", 8192, 512, 64, "00 b0 00 3c 00 01 00 00 " Z4 Z4 Z16 Z16 Z16,
      "00 b0 00 3c 00 01 00 00 00 00 00 10 " Z4 Z16 Z16 Z16 },
    { "a limit below one block is one block", 511, 512, 64, "00 b0 00 3c 00 05 00 00 " Z4 Z4 Z16 Z16 Z16,
      "00 b0 00 3c 00 01 00 00 00 00 00 01 " Z4 Z16 Z16 Z16 },
    { "UNMAP, WRITE SAME and prefetch limits move no data", 8192, 512, 64,
      "00 b0 00 3c 00 00 00 00 00 00 00 10 00 00 00 00 00 01 00 00 00 40 00 00 00 00 00 10 00 00 00 80 "
      "80 00 00 00 00 00 00 00 00 01 00 00 " Z4 Z4 Z4 Z4 Z4,
      "00 b0 00 3c 00 00 00 00 00 00 00 10 00 00 00 00 00 01 00 00 00 40 00 00 00 00 00 10 00 00 00 80 "
      "80 00 00 00 00 00 00 00 00 01 00 00 " Z4 Z4 Z4 Z4 Z4 },
    { "atomic writes, alone and with a boundary", 8192, 512, 64,
      "00 b0 00 3c 00 00 00 00 00 00 00 10 " Z4 Z16 Z4 Z4 Z4
      "00 00 01 00 00 00 00 08 00 00 00 04 00 00 02 00 00 00 00 40 ",
      "00 b0 00 3c 00 00 00 00 00 00 00 10 " Z4 Z16 Z4 Z4 Z4
      "00 00 00 10 00 00 00 08 00 00 00 04 00 00 00 10 00 00 00 40 " },
    { "a page that ends with the atomic length", 8192, 512, 64,
      "00 b0 00 2c 00 00 00 00 00 00 00 10 00 00 00 00 " Z16 Z4 Z4 Z4 "ff ff ff ff",
      "00 b0 00 2c 00 00 00 00 00 00 00 10 00 00 00 00 " Z16 Z4 Z4 Z4 "00 00 00 10" },
    { "a page that ends with the atomic length with a boundary", 8192, 512, 64,
      "00 b0 00 38 00 00 00 00 00 00 00 10 00 00 00 00 " Z16 Z16 Z4 Z4 "ff ff ff ff",
      "00 b0 00 38 00 00 00 00 00 00 00 10 00 00 00 00 " Z16 Z16 Z4 Z4 "00 00 00 10" },
    { "a page of SBC-2", 520192, 512, 64, "00 b0 00 0c 00 00 00 00 00 00 00 00 00 00 00 00",
      "00 b0 00 0c 00 00 00 00 00 00 03 f8 00 00 00 00" },
    { "bytes past the page's own length are not its", 8192, 512, 64,
      "00 b0 00 0c 00 00 00 00 00 00 00 00 00 00 00 00 " Z16 Z4 Z4 Z4 "ff ff ff ff " Z16,
      "00 b0 00 0c 00 00 00 00 00 00 00 10 00 00 00 00 " Z16 Z4 Z4 Z4 Z4 Z16 },
    { "a page too short for the limit is made longer", 520192, 512, 64, "00 b0 00 04 00 00 00 08",
      "00 b0 00 3c 00 00 00 08 00 00 03 f8 " Z4 Z16 Z16 Z16 },
    { "a page of nothing but its header", 520192, 512, 64, "00 b0 00 00",
      "00 b0 00 3c 00 00 00 00 00 00 03 f8 " Z4 Z16 Z16 Z16 },
    { "made longer as far as there is room", 520192, 512, 12, "00 b0 00 00", "00 b0 00 3c 00 00 00 00 00 00 03 f8" },
    { "a length that lies beyond the data", 520192, 512, 64, "00 b0 ff ff 00 00 00 00 00 00 ff ff 00 00 00 00",
      "00 b0 ff ff 00 00 00 00 00 00 03 f8 00 00 00 00" },
    { "cut in the middle of the field", 520192, 512, 11, "00 b0 00 3c 00 00 00 00 00 00 ff",
      "00 b0 00 3c 00 00 00 00 00 00 03" },
    { "the header alone", 520192, 512, 4, "00 b0 00 3c", "00 b0 00 3c" },
    { "less than a header", 520192, 512, 64, "00 b0 00", "00 b0 00" },
    { "nothing", 520192, 512, 64, "", "" },
    { "standard data from a device that ignores EVPD", 520192, 512, 64, "00 00 05 02 1f 00 00 00 41 42 43 44 ",
      "00 00 05 02 1f 00 00 00 41 42 43 44" },
    { "a page longer than we know keeps its tail", 520192, 512, 80,
      "00 b0 00 44 00 00 00 00 " Z4 Z4 Z16 Z16 Z16 "11 22 33 44 55 66 77 88",
      "00 b0 00 44 00 00 00 00 00 00 03 f8 " Z4 Z16 Z16 Z16 "11 22 33 44 55 66 77 88" },
};

static uint32_t filter(struct scsi_lun_facts *f, const char *cdb_text, const char *in, uint8_t out[ROOM],
                       uint32_t alloc)
{
    uint8_t cdb[SCSI_CDB_MAX];
    uint32_t len;

    memset(out, POISON, ROOM);
    cdb_of(cdb_text, cdb);
    len = unhex(in, out, ROOM);
    len = scsi_filter_data_in(f, cdb, out, len, alloc);
    for (uint32_t i = alloc; i < ROOM; i++)
        must(out[i] == POISON || i < strlen(in) / 3, "byte %u, past the room, was written", i);
    return len;
}

START_TEST(block_limits)
{
    struct scsi_lun_facts f = { .max_transfer = limits[_i].max_transfer, .block_size = limits[_i].block_size };
    uint8_t out[ROOM];
    uint32_t len = filter(&f, "12 01 b0 00 ff 00", limits[_i].page, out, limits[_i].alloc);

    check_bytes(limits[_i].name, out, len, limits[_i].expected);
}
END_TEST

/* --- what is fetched for a guest that asks for little --- */
static const struct {
    const char *cdb;
    uint32_t data_len;
    uint32_t len, give;
    const char *fetched;
} fetches[] = {
    { "12 01 00 00 04 00", 512, 255, 4, "12 01 00 00 ff 00" },
    { "12 01 00 00 ff 00", 8, 255, 8, "12 01 00 00 ff 00" },
    { "12 01 00 01 00 00", 8, 255, 8, "12 01 00 00 ff 00" },
    { "12 01 00 00 ff 00", 255, 255, 255, "12 01 00 00 ff 00" },
    { "12 01 00 02 00 00", 512, 512, 512, "12 01 00 02 00 00" },
    { "12 01 00 00 03 00", 512, 512, 3, "12 01 00 00 03 00" },
    { "12 01 00 00 00 00", 512, 512, 0, "12 01 00 00 00 00" },
    { "12 01 b0 00 0b 00", 64, 64, 11, "12 01 b0 00 40 00" },
    { "12 01 b0 00 40 00", 16, 64, 16, "12 01 b0 00 40 00" },
    { "12 01 b0 00 40 00", 64, 64, 64, "12 01 b0 00 40 00" },
    { "12 01 83 00 04 00", 64, 64, 4, "12 01 83 00 04 00" },
    { "12 00 00 00 05 00", 64, 64, 64, "12 00 00 00 05 00" },
    { "12 03 00 00 05 00", 64, 64, 64, "12 03 00 00 05 00" },
    { "a3 0c 00 00 00 00 00 00 00 04 00 00", 64, 16384, 4, "a3 0c 00 00 00 00 00 00 40 00 00 00" },
    { "a3 0c 80 00 00 00 00 01 00 00 00 00", 64, 16384, 64, "a3 0c 80 00 00 00 00 00 40 00 00 00" },
    { "a3 0c 00 00 00 00 00 00 40 00 00 00", 16384, 16384, 16384, "a3 0c 00 00 00 00 00 00 40 00 00 00" },
    { "a3 0c 00 00 00 00 00 00 00 03 00 00", 64, 64, 3, "a3 0c 00 00 00 00 00 00 00 03 00 00" },
    { "a3 0c 01 12 00 00 00 00 00 04 00 00", 64, 64, 64, "a3 0c 01 12 00 00 00 00 00 04 00 00" },
    { "05 00 00 00 00 00", 3, 6, 3, "05 00 00 00 00 00" },
    { "05 00 00 00 00 00", 6, 6, 6, "05 00 00 00 00 00" },
    { "05 01 00 00 00 00", 3, 3, 3, "05 01 00 00 00 00" },
    { "1a 00 3f 00 04 00", 64, 64, 64, "1a 00 3f 00 04 00" },
};

START_TEST(a_list_is_fetched_whole)
{
    struct scsi_lun_facts f = { .max_transfer = 520192 };
    uint8_t cdb[SCSI_CDB_MAX], want[SCSI_CDB_MAX];
    struct scsi_fetch fetch;

    cdb_of(fetches[_i].cdb, cdb);
    cdb_of(fetches[_i].fetched, want);
    fetch = scsi_filter_fetch(&f, cdb, fetches[_i].data_len);
    must(fetch.len == fetches[_i].len && fetch.give == fetches[_i].give, "%s, %u bytes: %u, %u", fetches[_i].cdb,
         fetches[_i].data_len, fetch.len, fetch.give);
    ck_assert_mem_eq(fetch.cdb, want, SCSI_CDB_MAX);
    f.max_transfer = 8192; /* no more than the device takes */
    ck_assert_uint_le(scsi_filter_fetch(&f, cdb, 64).len, 8192);
}
END_TEST

/* Pages of so many bytes at an odd offset: one more at each begin of 64 KiB. 480 KiB: 120 + 1 + 7 = 128. */
static const struct {
    uint32_t segments, bytes;
} mapped[] = {
    { 1, 4096 },       { 2, 4096 },       { 17, 16 * 4096 },   { 18, 16 * 4096 },
    { 19, 17 * 4096 }, { 26, 24 * 4096 }, { 128, 480 * 1024 },
};

START_TEST(what_a_linux_guest_surely_gets_through)
{
    ck_assert_uint_eq(scsi_surely_mapped(mapped[_i].segments), mapped[_i].bytes);
}
END_TEST

START_TEST(a_guest_is_told_less_than_it_may_ask_for)
{
    struct scsi_lun_facts f = { .max_transfer = 520192, .max_told = 480 * 1024, .block_size = 512 };
    uint8_t out[ROOM];
    uint32_t len = filter(&f, "12 01 b0 00 ff 00", "00 b0 00 3c 00 00 00 00 00 00 ff ff 00 00 04 00 " Z16 Z16 Z16, out,
                          64);

    check_bytes("480 KiB", out, len, "00 b0 00 3c 00 00 00 00 00 00 03 c0 00 00 03 c0 " Z16 Z16 Z16);
}
END_TEST

START_TEST(block_limits_at_every_length)
{
    /* Whatever part of it arrives, it is the beginning of the whole. */
    static const char whole[] = "00 b0 00 3c 00 08 00 00 00 00 00 10 00 00 00 10 " Z16 Z4 Z4 Z4 "00 00 00 10 " Z16;
    uint8_t want[64];

    unhex(whole, want, sizeof(want));
    for (uint32_t len = 0; len <= 64; len++) {
        struct scsi_lun_facts f = { .max_transfer = 8192, .block_size = 512 };
        uint8_t cdb[SCSI_CDB_MAX], *data = malloc(len + 1); /* to the byte, for ASan and valgrind */

        cdb_of("12 01 b0 00 40 00", cdb);
        must(data != NULL, "memory");
        for (uint32_t i = 0; i < len; i++)
            data[i] = i == 1              ? 0xb0
                      : i == 3            ? 0x3c
                      : i == 5            ? 0xff
                      : i >= 8 && i < 16  ? 0xff
                      : i >= 44 && i < 48 ? 0xff
                                          : 0;
        must(scsi_filter_data_in(&f, cdb, data, len, len) == len, "length %u", len);
        /* A field cut off is known by its upper bytes only; what is left of it is not above the limit's. */
        for (uint32_t i = 0; i < len && len >= 4; i++)
            must(data[i] == want[i], "length %u, byte %u: %02x", len, i, data[i]);
        free(data);
    }
}
END_TEST

/* --- VPD 00h --- */
static const struct {
    const char *name, *cdb;
    uint32_t alloc;
    const char *page, *expected;
} lists[] = {
    { "appended", "12 01 00 00 ff 00", 255, "00 00 00 03 00 80 83", "00 00 00 04 00 80 83 b0" },
    { "in order", "12 01 00 00 ff 00", 255, "00 00 00 05 00 80 83 b1 b2", "00 00 00 06 00 80 83 b0 b1 b2" },
    { "there already", "12 01 00 00 ff 00", 255, "00 00 00 05 00 80 83 b0 b1", "00 00 00 05 00 80 83 b0 b1" },
    { "an empty list", "12 01 00 00 ff 00", 255, "00 00 00 00", "00 00 00 01 b0" },
    { "no list: it does not begin with 00h", "12 01 00 00 ff 00", 255, "00 00 00 01 c0", "00 00 00 01 c0" },
    { "INQUIRY data of a SCSI-1 disk that ignores EVPD", "12 01 00 00 ff 00", 255,
      "00 00 00 02 1f 00 00 00 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 31 2e 30 30",
      "00 00 00 02 1f 00 00 00 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 31 2e 30 30" },
    { "... and of a SCSI-2 disk", "12 01 00 00 24 00", 36,
      "00 00 02 02 1f 00 00 12 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 31 2e 30 30",
      "00 00 02 02 1f 00 00 12 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 54 55 56 57 58 31 2e 30 30" },
    { "... asked for B0h", "12 01 b0 00 ff 00", 255, "00 00 00 02 1f 00 00 00 41 42 43 44 45 46 47 48",
      "00 00 00 02 1f 00 00 00 41 42 43 44 45 46 47 48" },
    { "qualifier and type stay", "12 01 00 00 ff 00", 255, "14 00 00 01 00", "14 00 00 02 00 b0" },
    { "no room behind: the last one goes, the length stays whole", "12 01 00 00 09 00", 9, "00 00 00 05 00 80 83 b1 b2",
      "00 00 00 06 00 80 83 b0 b1" },
    { "the allocation length counts, not the buffer", "12 01 00 00 09 00", 255, "00 00 00 05 00 80 83 b1 b2",
      "00 00 00 06 00 80 83 b0 b1" },
    { "no room for it at all", "12 01 00 00 07 00", 7, "00 00 00 03 00 80 83", "00 00 00 04 00 80 83" },
    { "cut before its place: not known", "12 01 00 00 06 00", 6, "00 00 00 05 00 80", "00 00 00 05 00 80" },
    { "cut behind its place", "12 01 00 00 08 00", 8, "00 00 00 06 00 80 83 b1", "00 00 00 07 00 80 83 b0" },
    { "the header alone", "12 01 00 00 04 00", 4, "00 00 00 05", "00 00 00 05" },
    { "the header alone, of an empty list", "12 01 00 00 04 00", 4, "00 00 00 00", "00 00 00 01" },
    { "less than a header", "12 01 00 00 ff 00", 255, "00 00 00", "00 00 00" },
    { "a length that lies beyond the data", "12 01 00 00 ff 00", 255, "00 00 ff ff 00 80", "00 00 ff ff 00 80" },
    { "the same, and nowhere to count up to", "12 01 00 00 ff 00", 255, "00 00 ff ff 00 b1", "00 00 ff ff 00 b1" },
    { "bytes past its length are not of the list", "12 01 00 00 ff 00", 255, "00 00 00 02 00 80 b0",
      "00 00 00 03 00 80 b0" },
    { "another page came", "12 01 00 00 ff 00", 255, "00 80 00 03 00 80 83", "00 80 00 03 00 80 83" },
};

START_TEST(supported_pages)
{
    struct scsi_lun_facts f = { .max_transfer = 520192 };
    uint8_t out[ROOM];
    uint32_t len = filter(&f, lists[_i].cdb, lists[_i].page, out, lists[_i].alloc);

    check_bytes(lists[_i].name, out, len, lists[_i].expected);
}
END_TEST

/* --- READ BLOCK LIMITS --- */
static const struct {
    const char *name, *cdb;
    uint32_t max_transfer;
    const char *data, *expected;
} tapes[] = {
    { "no limit named", "05 00 00 00 00 00", 520192, "00 00 00 00 00 01", "00 07 f0 00 00 01" },
    { "a larger one", "05 00 00 00 00 00", 520192, "00 ff ff ff 00 01", "00 07 f0 00 00 01" },
    { "a smaller one", "05 00 00 00 00 00", 520192, "00 04 00 00 00 01", "00 04 00 00 00 01" },
    { "the same", "05 00 00 00 00 00", 520192, "00 07 f0 00 00 01", "00 07 f0 00 00 01" },
    { "a granularity of 2^9", "05 00 00 00 00 00", 520000, "09 00 00 00 02 00", "09 07 ee 00 02 00" },
    { "a granularity above the limit", "05 00 00 00 00 00", 520192, "1f 00 00 00 02 00", "1f 07 f0 00 02 00" },
    { "reserved bits beside the granularity", "05 00 00 00 00 00", 520192, "e0 ff ff ff 00 01", "e0 07 f0 00 00 01" },
    { "a limit beyond 24 bits", "05 00 00 00 00 00", 1 << 28, "00 00 00 00 00 01", "00 ff ff ff 00 01" },
    { "MLOI: another page", "05 01 00 00 00 00", 520192, "00 00 00 10 00 00 00 00 00 00 00 00 ff ff ff ff ff ff ff ff",
      "00 00 00 10 00 00 00 00 00 00 00 00 ff ff ff ff ff ff ff ff" },
    { "cut", "05 00 00 00 00 00", 520192, "00 ff ff", "00 ff ff" },
    { "the maximum alone", "05 00 00 00 00 00", 520192, "00 ff ff ff", "00 07 f0 00" },
    { "nothing", "05 00 00 00 00 00", 520192, "", "" },
};

START_TEST(tape_block_limits)
{
    struct scsi_lun_facts f = { .type = 0x01, .max_transfer = tapes[_i].max_transfer };
    uint8_t out[ROOM];
    uint32_t len = filter(&f, tapes[_i].cdb, tapes[_i].data, out, 20);

    check_bytes(tapes[_i].name, out, len, tapes[_i].expected);
}
END_TEST

/* --- READ CAPACITY teaches the block length, and passes --- */
static const struct {
    const char *name, *cdb, *data;
    uint32_t before, after;
} capacities[] = {
    { "(10)", "25 00", "00 0f ff ff 00 00 10 00", 0, 4096 },
    { "(16)", "9e 10", "00 00 00 00 00 0f ff ff 00 00 02 08 00 00", 512, 520 },
    { "(16), not one byte more", "9e 10", "00 00 00 00 00 0f ff ff 00 00 10 00", 512, 4096 },
    { "(10), cut", "25 00", "00 0f ff ff 00 00 10", 512, 512 },
    { "(16), cut", "9e 10", "00 00 00 00 00 0f ff ff 00 00 02", 512, 512 },
    { "no medium", "25 00", "00 00 00 00 00 00 00 00", 512, 512 },
};

START_TEST(read_capacity_teaches_the_block_length)
{
    struct scsi_lun_facts f = { .max_transfer = 65536, .block_size = capacities[_i].before };
    uint8_t out[ROOM];
    uint32_t len = filter(&f, capacities[_i].cdb, capacities[_i].data, out, 32);

    check_bytes(capacities[_i].name, out, len, capacities[_i].data);
    ck_assert_uint_eq(f.block_size, capacities[_i].after);
}
END_TEST

/* --- the WP bit of a LUN that may only be read --- */
static const struct {
    const char *name;
    uint8_t type;
    bool readonly;
    const char *cdb;
    uint32_t alloc;
    const char *data, *expected;
} modes[] = {
    { "(6)", 0x00, true, "1a 00 3f 00 ff 00", 255, "17 00 10 08 00 00 08 00", "17 00 90 08 00 00 08 00" },
    { "(6), protected already", 0x00, true, "1a 00 3f 00 ff 00", 255, "17 00 80 00", "17 00 80 00" },
    { "(6), all bits", 0x00, true, "1a 00 3f 00 ff 00", 255, "ff ff 7f ff ff", "ff ff ff ff ff" },
    { "(6), as Linux asks first", 0x00, true, "1a 00 3f 00 04 00", 4, "17 00 00 08", "17 00 80 08" },
    { "(6), to the byte", 0x00, true, "1a 00 3f 00 03 00", 3, "17 00 00", "17 00 80" },
    { "(6), cut before it", 0x00, true, "1a 00 3f 00 02 00", 2, "17 00", "17 00" },
    { "(6), one byte", 0x00, true, "1a 00 3f 00 01 00", 1, "17", "17" },
    { "(6), nothing", 0x00, true, "1a 00 3f 00 ff 00", 255, "", "" },
    { "(6), more than there is room for", 0x00, true, "1a 00 3f 00 02 00", 2, "17 00 00 08 ", "17 00" },
    { "(6), a length that denies the byte", 0x00, true, "1a 00 3f 00 ff 00", 255, "00 00 00 00", "00 00 80 00" },
    { "(6), a length beyond the data", 0x00, true, "1a 00 3f 00 ff 00", 255, "ff 00 00", "ff 00 80" },
    { "(6), may be written", 0x00, false, "1a 00 3f 00 ff 00", 255, "17 00 10 08", "17 00 10 08" },
    { "(6), may be written, the device says not", 0x00, false, "1a 00 3f 00 ff 00", 255, "17 00 90 08", "17 00 90 08" },
    { "(10)", 0x00, true, "5a 00 3f 00 00 00 00 00 ff 00", 255, "00 1a 00 10 00 00 00 08", "00 1a 00 90 00 00 00 08" },
    { "(10), long block descriptor", 0x00, true, "5a 10 3f 00 00 00 00 00 ff 00", 255,
      "00 1a 00 00 01 00 00 10 00 00 00 00", "00 1a 00 80 01 00 00 10 00 00 00 00" },
    { "(10), to the byte", 0x00, true, "5a 00 3f 00 00 00 00 00 04 00", 4, "00 1a 00 10", "00 1a 00 90" },
    { "(10), cut before it", 0x00, true, "5a 00 3f 00 00 00 00 00 03 00", 3, "00 1a 00", "00 1a 00" },
    { "(10), nothing", 0x00, true, "5a 00 3f 00 00 00 00 00 ff 00", 255, "", "" },
    { "(10), a length that denies the byte", 0x00, true, "5a 00 3f 00 00 00 00 00 ff 00", 255, "00 00 00 00",
      "00 00 00 80" },
    { "(10), may be written", 0x00, false, "5a 00 3f 00 00 00 00 00 ff 00", 255, "00 1a 00 10", "00 1a 00 10" },
    { "tape: BUFFERED MODE and SPEED stay", 0x01, true, "1a 00 00 00 0c 00", 12, "0b 58 12 08 58 00 00 00 00 00 00 00",
      "0b 58 92 08 58 00 00 00 00 00 00 00" },
    { "write once", 0x04, true, "1a 00 3f 00 ff 00", 255, "03 00 00 00", "03 00 80 00" },
    { "optical memory", 0x07, true, "1a 00 3f 00 ff 00", 255, "03 00 00 00", "03 00 80 00" },
    { "simplified disk", 0x0e, true, "1a 00 3f 00 ff 00", 255, "03 00 00 00", "03 00 80 00" },
    { "zoned", 0x14, true, "5a 00 3f 00 00 00 00 00 ff 00", 255, "00 06 00 00", "00 06 00 80" },
    { "an optical drive has no such bit", 0x05, true, "5a 00 2a 00 00 00 00 00 ff 00", 255, "00 06 00 00",
      "00 06 00 00" },
    { "a changer has none", 0x08, true, "1a 00 1d 00 ff 00", 255, "03 00 00 00", "03 00 00 00" },
    { "an enclosure has none", 0x0d, true, "1a 00 3f 00 ff 00", 255, "03 00 00 00", "03 00 00 00" },
    { "MODE SELECT's bytes are the guest's", 0x00, true, "15 10 00 00 04 00", 4, "00 00 00 00", "00 00 00 00" },
    { "a read has no page", 0x00, true, "28 00 00 00 00 00 00 00 01 00", 8, "00 00 00 00 00 00", "00 00 00 00 00 00" },
};

START_TEST(mode_sense_says_write_protected)
{
    struct scsi_lun_facts f = { .type = modes[_i].type, .readonly = modes[_i].readonly, .max_transfer = 65536 };
    uint8_t out[ROOM];
    uint32_t len = filter(&f, modes[_i].cdb, modes[_i].data, out, modes[_i].alloc);

    check_bytes(modes[_i].name, out, len, modes[_i].expected);
}
END_TEST

START_TEST(mode_sense_of_every_length_and_type)
{
    for (unsigned t = 0; t < 32; t++) {
        for (uint32_t len = 0; len <= 8; len++) {
            for (int ten = 0; ten < 2; ten++) {
                struct scsi_lun_facts f = { .type = (uint8_t)t, .readonly = true };
                uint8_t cdb[SCSI_CDB_MAX] = { ten ? 0x5a : 0x1a };
                uint8_t *data = calloc(1, len + 1);

                must(data != NULL, "memory");
                must(scsi_filter_data_in(&f, cdb, data, len, len) == len, "length %u", len);
                must(data[len] == 0, "type %02x, length %u: the byte behind was written", t, len);
                for (uint32_t i = 0; i < len; i++)
                    must(data[i] == ((is_disk(t) || t == 0x01) && i == (ten ? 3 : 2) ? 0x80 : 0),
                         "type %02x, length %u, byte %u: %02x", t, len, i, data[i]);
                free(data);
            }
        }
    }
}
END_TEST

START_TEST(other_commands_pass_unchanged)
{
    for (unsigned op = 0; op < 256; op++) {
        struct scsi_lun_facts f = { .max_transfer = 512, .block_size = 512 };
        uint8_t cdb[SCSI_CDB_MAX] = { (uint8_t)op, 0x01, 0x83, 0, 0xff }, data[64], copy[64];

        if (op == 0x25 || op == 0x9e)
            continue;
        memset(data, 0xff, sizeof(data));
        memcpy(copy, data, sizeof(data));
        must(scsi_filter_data_in(&f, cdb, data, sizeof(data), sizeof(data)) == sizeof(data), "opcode %02x", op);
        must(memcmp(data, copy, sizeof(data)) == 0, "opcode %02x", op);
        must(f.block_size == 512, "opcode %02x", op);
    }
}
END_TEST

START_TEST(more_data_than_room_is_cut)
{
    struct scsi_lun_facts f = { .max_transfer = 512, .block_size = 512 };
    uint8_t cdb[SCSI_CDB_MAX] = { 0x28 }, data[8] = { 0 };

    ck_assert_uint_eq(scsi_filter_data_in(&f, cdb, data, 8, 4), 4);
}
END_TEST

/* --- a page for disks that have none --- */
#define SYNTHETIC "b0 00 3c 00 00 00 00 00 00 03 f8 " Z4 Z16 Z16 Z16
static const struct {
    const char *name, *cdb;
    uint8_t type, status, host;
    const char *sense;
    uint32_t data_len;
    const char *data; /* NULL: the refusal stands */
} refusals[] = {
    { "fixed", "12 01 b0 00 ff 00", 0x00, 2, 0, "70 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 00 00 00", 255,
      "00 " SYNTHETIC },
    { "fixed, VALID and a field pointer", "12 01 b0 00 ff 00", 0x00, 2, 0,
      "f0 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 c0 00 02", 255, "00 " SYNTHETIC },
    { "descriptors", "12 01 b0 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255, "00 " SYNTHETIC },
    { "zoned", "12 01 b0 00 ff 00", 0x14, 2, 0, "72 05 24 00 00 00 00 00", 255, "14 " SYNTHETIC },
    { "the header alone", "12 01 b0 00 04 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 4, "00 b0 00 3c" },
    { "a large buffer, 12 bytes asked for", "12 01 b0 00 0c 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255,
      "00 b0 00 3c 00 00 00 00 00 00 03 f8" },
    { "12 bytes of buffer", "12 01 b0 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 12,
      "00 b0 00 3c 00 00 00 00 00 00 03 f8" },
    { "fixed, no byte behind the code", "12 01 b0 00 04 00", 0x00, 2, 0, "70 00 05 00 00 00 00 0a 00 00 00 00 24 00", 4,
      "00 b0 00 3c" },
    { "descriptors, no byte behind the code", "12 01 b0 00 04 00", 0x00, 2, 0, "72 05 24 00", 4, "00 b0 00 3c" },
    { "an old disk: INVALID COMMAND OPERATION CODE", "12 01 b0 00 ff 00", 0x00, 2, 0,
      "70 00 05 00 00 00 00 0a 00 00 00 00 20 00 00 00 00 00", 255, "00 " SYNTHETIC },
    { "an old disk: INVALID FIELD IN PARAMETER LIST", "12 01 b0 00 ff 00", 0x00, 2, 0, "72 05 26 00 00 00 00 00", 255,
      "00 " SYNTHETIC },
    { "no list of pages, 24h", "12 01 00 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255, "00 00 00 02 00 b0" },
    { "no list of pages, 20h", "12 01 00 00 ff 00", 0x0e, 2, 0, "72 05 20 00 00 00 00 00", 255, "0e 00 00 02 00 b0" },
    { "no list of pages, 26h", "12 01 00 00 ff 00", 0x07, 2, 0, "72 05 26 00 00 00 00 00", 255, "07 00 00 02 00 b0" },
    { "no list of pages, its header", "12 01 00 00 04 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255, "00 00 00 02" },
    { "no list of pages, in a small buffer", "12 01 00 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 5,
      "00 00 00 02 00" },
    { "standard data refused", "12 00 00 00 24 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 36, NULL },
    { "not ready", "12 01 00 00 ff 00", 0x00, 2, 0, "72 02 04 01 00 00 00 00", 255, NULL },
    { "another page", "12 01 b1 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255, NULL },
    { "no EVPD", "12 00 b0 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255, NULL },
    { "EVPD with CMDDT", "12 03 b0 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255, NULL },
    { "EVPD with CMDDT, no page", "12 03 00 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255, NULL },
    { "another command", "1a 01 b0 00 ff 00", 0x00, 2, 0, "72 05 24 00 00 00 00 00", 255, NULL },
    { "another sense code", "12 01 b0 00 ff 00", 0x00, 2, 0, "72 05 25 00 00 00 00 00", 255, NULL },
    { "another sense key", "12 01 b0 00 ff 00", 0x00, 2, 0, "70 00 06 00 00 00 00 0a 00 00 00 00 24 00 00 00 00 00",
      255, NULL },
    { "a deferred error", "12 01 b0 00 ff 00", 0x00, 2, 0, "71 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 00 00 00", 255,
      NULL },
    { "sense too short", "12 01 b0 00 ff 00", 0x00, 2, 0, "70 00 05 00 00 00 00 0a 00 00 00 00 24", 255, NULL },
    { "sense too short, descriptors", "12 01 b0 00 ff 00", 0x00, 2, 0, "72 05 24", 255, NULL },
    { "no sense", "12 01 b0 00 ff 00", 0x00, 2, 0, "", 255, NULL },
    { "BUSY", "12 01 b0 00 ff 00", 0x00, 8, 0, "72 05 24 00 00 00 00 00", 255, NULL },
    { "GOOD", "12 01 b0 00 ff 00", 0x00, 0, 0, "72 05 24 00 00 00 00 00", 255, NULL },
    { "a transport error", "12 01 b0 00 ff 00", 0x00, 2, 1, "72 05 24 00 00 00 00 00", 255, NULL },
};

START_TEST(absent_block_limits_are_made)
{
    struct scsi_lun_facts f = { .type = refusals[_i].type, .max_transfer = 520192, .block_size = 512 };
    struct scsi_answer a = { .status = refusals[_i].status, .host = refusals[_i].host, .residual = 99 }, before;
    uint8_t cdb[SCSI_CDB_MAX], data[ROOM];
    uint32_t len;

    memset(data, POISON, sizeof(data));
    a.sense_len = (uint8_t)unhex(refusals[_i].sense, a.sense, SCSI_SENSE_MAX);
    before = a;
    cdb_of(refusals[_i].cdb, cdb);
    len = scsi_fix_refused(&f, cdb, data, refusals[_i].data_len, &a);
    if (refusals[_i].data) {
        check_bytes(refusals[_i].name, data, len, refusals[_i].data);
        ck_assert_uint_eq(a.status, 0);
        ck_assert_uint_eq(a.host, 0);
        ck_assert_uint_eq(a.sense_len, 0);
        ck_assert_uint_eq(a.residual, refusals[_i].data_len - len);
    } else {
        ck_assert_uint_eq(len, 0);
        ck_assert_mem_eq(&a, &before, sizeof(a));
    }
    for (uint32_t i = len; i < sizeof(data); i++)
        must(data[i] == POISON, "%s: byte %u was written", refusals[_i].name, i);
}
END_TEST

START_TEST(only_disks_get_block_limits)
{
    for (unsigned t = 0; t < 32; t++) {
        struct scsi_lun_facts f = { .type = (uint8_t)t, .max_transfer = 520192, .block_size = 512 };
        struct scsi_answer a;
        uint8_t cdb[SCSI_CDB_MAX], data[ROOM];

        cdb_of("12 01 b0 00 ff 00", cdb);
        scsi_answer_sense(&a, (struct scsi_sense){ 0x05, 0x24, 0x00 }, 0, 255);
        ck_assert_uint_eq(scsi_fix_refused(&f, cdb, data, 255, &a), is_disk(t) ? 64 : 0);
        ck_assert_uint_eq(a.status, is_disk(t) ? 0 : 2);
    }
}
END_TEST

/* --- what the policy refuses is not shown --- */
static const struct {
    const char *name;
    const char *allow; /* of third-party copy and others; "": nothing besides the policy */
    const char *cdb, *data, *expected;
} refused_shown[] = {
    { "3PC, cleared", "", "12 00 00 00 ff 00", "00 00 06 12 1f 09 10 02", "00 00 06 12 1f 01 10 02" },
    { "3PC, allowed", "83", "12 00 00 00 ff 00", "00 00 06 12 1f 09 10 02", "00 00 06 12 1f 09 10 02" },
    { "TPGS, implicit and explicit", "", "12 00 00 00 ff 00", "00 00 06 12 1f 31 10 02", "00 00 06 12 1f 11 10 02" },
    { "TPGS, allowed", "a4/0a", "12 00 00 00 ff 00", "00 00 06 12 1f 31 10 02", "00 00 06 12 1f 31 10 02" },
    { "TPGS, another action allowed", "a4/06", "12 00 00 00 ff 00", "00 00 06 12 1f 31 10 02",
      "00 00 06 12 1f 11 10 02" },
    { "TPGS, implicit", "", "12 00 00 00 ff 00", "00 00 06 12 1f 11 10 02", "00 00 06 12 1f 11 10 02" },
    { "TPGS, explicit only", "", "12 00 00 00 ff 00", "00 00 06 12 1f 21 10 02", "00 00 06 12 1f 21 10 02" },
    { "data that ends before 3PC", "", "12 00 00 00 05 00", "00 00 06 12 1f", "00 00 06 12 1f" },
    { "no standard data: CMDDT, where byte 5 is the length of the CDB", "", "12 02 28 00 ff 00",
      "00 03 03 00 00 0a 28 1f", "00 03 03 00 00 0a 28 1f" },
    { "the list of pages of a tape", "", "12 01 00 00 ff 00", "01 00 00 04 00 80 83 8f", "01 00 00 03 00 80 83" },
    { "8Fh in the middle", "", "12 01 00 00 ff 00", "01 00 00 05 00 80 83 8f b0", "01 00 00 04 00 80 83 b0" },
    { "8Fh, allowed", "83", "12 01 00 00 ff 00", "01 00 00 04 00 80 83 8f", "01 00 00 04 00 80 83 8f" },
    { "a list without 8Fh", "", "12 01 00 00 ff 00", "01 00 00 03 00 80 83", "01 00 00 03 00 80 83" },
    { "a list that is cut off before 8Fh", "", "12 01 00 00 06 00", "01 00 00 04 00 80", "01 00 00 04 00 80" },
    { "no list: standard data of a device without EVPD", "", "12 01 00 00 ff 00", "01 80 03 02 1f 8f 00 00",
      "01 80 03 02 1f 8f 00 00" },
    /* REPORT SUPPORTED OPERATION CODES, all */
    { "all that is allowed stays", "", "a3 0c 00 00 00 00 00 00 10 00 00 00",
      "00 00 00 10 00 00 00 00 00 00 00 06 a3 00 00 0c 00 01 00 0c",
      "00 00 00 10 00 00 00 00 00 00 00 06 a3 00 00 0c 00 01 00 0c" },
    { "WRITE BUFFER goes", "", "a3 0c 00 00 00 00 00 00 10 00 00 00",
      "00 00 00 18 00 00 00 00 00 00 00 06 3b 00 00 05 00 01 00 0a a3 00 00 0c 00 01 00 0c",
      "00 00 00 10 00 00 00 00 00 00 00 06 a3 00 00 0c 00 01 00 0c" },
    { "WRITE BUFFER, allowed in one mode", "3b/05", "a3 0c 00 00 00 00 00 00 10 00 00 00",
      "00 00 00 18 3b 00 00 05 00 01 00 0a 3b 00 00 07 00 01 00 0a 00 00 00 00 00 00 00 06",
      "00 00 00 10 3b 00 00 05 00 01 00 0a 00 00 00 00 00 00 00 06" },
    { "one service action of MAINTENANCE IN goes", "", "a3 0c 00 00 00 00 00 00 10 00 00 00",
      "00 00 00 10 a3 00 00 1f 00 01 00 0c a3 00 00 0a 00 01 00 0c", "00 00 00 08 a3 00 00 0a 00 01 00 0c" },
    { "with time-outs: 20 bytes each", "", "a3 0c 80 00 00 00 00 00 10 00 00 00",
      "00 00 00 28 3b 00 00 00 00 02 00 0a 00 0a 00 00 00 00 00 01 00 00 00 02 "
      "00 00 00 00 00 02 00 06 00 0a 00 00 00 00 00 03 00 00 00 04",
      "00 00 00 14 00 00 00 00 00 02 00 06 00 0a 00 00 00 00 00 03 00 00 00 04" },
    { "a descriptor that is cut off", "", "a3 0c 00 00 00 00 00 00 10 00 00 00",
      "00 00 00 20 3b 00 00 00 00 00 00 0a 12 00 00 00", "00 00 00 18 12 00 00 00" },
    { "only the length", "", "a3 0c 00 00 00 00 00 00 04 00 00 00", "00 00 00 20", "00 00 00 20" },
    { "less than the length", "", "a3 0c 00 00 00 00 00 00 03 00 00 00", "00 00 00", "00 00 00" },
    { "a length that lies", "", "a3 0c 00 00 00 00 00 00 10 00 00 00",
      "ff ff ff ff 3b 00 00 00 00 00 00 0a 12 00 00 00 00 00 00 06", "ff ff ff f7 12 00 00 00 00 00 00 06" },
    { "a length of less than came", "", "a3 0c 00 00 00 00 00 00 10 00 00 00",
      "00 00 00 08 3b 00 00 00 00 00 00 0a 12 00 00 00", "00 00 00 00 12 00 00 00" },
    /* ... of one command */
    { "one that is allowed", "", "a3 0c 01 12 00 00 00 00 10 00 00 00", "00 03 00 06 12 01 ff ff ff 00",
      "00 03 00 06 12 01 ff ff ff 00" },
    { "one that is refused", "", "a3 0c 01 3b 00 00 00 00 10 00 00 00", "00 03 00 0a 3b 1f ff ff ff ff ff ff ff 00",
      "00 01 00 00" },
    { "one with a service action, refused", "", "a3 0c 02 a3 00 1f 00 00 10 00 00 00", "00 03 00 0c a3 1f",
      "00 01 00 00" },
    { "one with a service action, allowed", "", "a3 0c 02 a3 00 0a 00 00 10 00 00 00", "00 03 00 0c a3 0a",
      "00 03 00 0c a3 0a" },
    { "either form, refused", "", "a3 0c 03 83 00 01 00 00 10 00 00 00", "00 03 00 10 83 01", "00 01 00 00" },
    { "either form, service action 0, refused", "", "a3 0c 03 a3 00 00 00 00 10 00 00 00", "00 03 00 0c a3 00",
      "00 01 00 00" },
    { "either form, service action 0, allowed", "a3/00", "a3 0c 03 a3 00 00 00 00 10 00 00 00", "00 03 00 0c a3 00",
      "00 03 00 0c a3 00" },
    { "either form of what has no service actions", "", "a3 0c 03 12 00 00 00 00 10 00 00 00", "00 03 00 06 12 01",
      "00 03 00 06 12 01" },
    { "with its time-outs", "", "a3 0c 81 3b 00 00 00 00 10 00 00 00", "00 83 00 0a 3b 1f ff ff", "00 01 00 00" },
    { "a service action of sixteen bits", "", "a3 0c 02 7f 08 09 00 00 10 00 00 00", "00 03 00 20 7f 00",
      "00 01 00 00" },
    { "another service action of MAINTENANCE IN", "", "a3 0a 00 00 00 00 00 00 10 00 00 00",
      "00 00 00 08 3b 00 00 00 00 00 00 0a", "00 00 00 08 3b 00 00 00 00 00 00 0a" },
};

START_TEST(what_is_refused_is_not_shown)
{
    struct scsi_lun_facts f = { .type = 0x01, .pr = SCSI_PR_DIRECT, .max_transfer = 65536 };
    uint8_t cdb[SCSI_CDB_MAX], data[ROOM] = { 0 };
    char why[SCSI_RULES_WHY_MAX];
    unsigned len = unhex(refused_shown[_i].data, data, sizeof(data));

    if (*refused_shown[_i].allow)
        f.rules.n = (uint32_t)scsi_rules_parse(refused_shown[_i].allow, false, f.rules.rule, why);
    cdb_of(refused_shown[_i].cdb, cdb);
    len = scsi_filter_data_in(&f, cdb, data, len, sizeof(data));
    check_bytes(refused_shown[_i].name, data, len, refused_shown[_i].expected);
}
END_TEST

/* With feature-host, third-party copy is the one thing that is not shown, and with its option that is shown too. */
static const struct {
    const char *cdb, *data, *shown; /* shown without the option; "": the command is refused */
} host_shown[] = {
    { "12 00 00 00 ff 00", "00 00 06 12 1f 09 10 02", "00 00 06 12 1f 01 10 02" },
    { "12 01 00 00 ff 00", "01 00 00 04 00 80 83 8f", "01 00 00 03 00 80 83" },
    { "12 01 8f 00 ff 00", "01 8f 00 00", "" },
    { "a3 0c 00 00 00 00 00 00 10 00 00 00",
      "00 00 00 38 18 00 00 00 00 00 00 06 7f 00 01 03 00 01 00 20 83 00 00 00 00 01 00 10 84 00 00 03 00 01 00 10 "
      "c0 00 00 00 00 00 00 0a a3 00 00 1f 00 01 00 0c b5 00 00 00 00 00 00 0c",
      "00 00 00 18 c0 00 00 00 00 00 00 0a a3 00 00 1f 00 01 00 0c b5 00 00 00 00 00 00 0c" },
    { "a3 0c 01 84 00 00 00 00 10 00 00 00", "00 03 00 10 84 1f", "00 01 00 00" },
    { "a3 0c 02 84 00 03 00 00 10 00 00 00", "00 03 00 10 84 03", "00 01 00 00" },
    { "a3 0c 03 83 00 00 00 00 10 00 00 00", "00 03 00 10 83 00", "00 01 00 00" },
    { "a3 0c 03 7f 00 05 00 00 10 00 00 00", "00 03 00 20 7f 05", "00 01 00 00" },
    { "a3 0c 82 83 00 11 00 00 10 00 00 00", "00 83 00 10 83 11", "00 01 00 00" },
    { "a3 0c 02 a3 00 1f 00 00 10 00 00 00", "00 03 00 0c a3 1f", "00 03 00 0c a3 1f" },
};

START_TEST(feature_host_shows_all_but_third_party_copy)
{
    for (unsigned option = 0; option < 2; option++) {
        struct scsi_lun_facts f = { .type = 0x01, .pr = SCSI_PR_DIRECT, .max_transfer = 65536, .feature_host = true };
        const char *want = option ? host_shown[_i].data : host_shown[_i].shown;
        uint8_t cdb[SCSI_CDB_MAX], data[ROOM] = { 0 };
        unsigned len = unhex(host_shown[_i].data, data, sizeof(data));
        struct scsi_decision d;
        char why[SCSI_RULES_WHY_MAX];

        if (option)
            f.rules.n = (uint32_t)scsi_rules_parse("18+39+3a+7f+83+84", false, f.rules.rule, why);
        cdb_of(host_shown[_i].cdb, cdb);
        scsi_decide(&f, cdb, 16, SCSI_DIR_IN, sizeof(data), &d);
        ck_assert_int_eq(d.route, *want ? SCSI_TO_DEVICE : SCSI_REFUSED);
        if (!*want)
            continue;
        if (d.filter_in)
            len = scsi_filter_data_in(&f, cdb, data, len, sizeof(data));
        check_bytes(host_shown[_i].cdb, data, len, want);
    }
}
END_TEST

/* Reservations that are refused by another rule are not shown either. */
START_TEST(refused_reservations_are_not_shown)
{
    static const char all[] = "00 00 00 20 5e 00 00 00 00 00 00 0a 5f 00 00 07 00 01 00 0a 16 00 00 00 00 00 00 06 "
                              "12 00 00 00 00 00 00 06";
    static const struct {
        enum scsi_pr pr;
        bool shared, forced, move;
        const char *expected;
    } cases[] = {
        { SCSI_PR_DIRECT, false, false, true, all },
        { SCSI_PR_DIRECT, true, true, true, all },
        { SCSI_PR_DIRECT, false, false, false,
          "00 00 00 18 5e 00 00 00 00 00 00 0a 16 00 00 00 00 00 00 06 12 00 00 00 00 00 00 06" },
        { SCSI_PR_DENY, false, false, true, "00 00 00 10 16 00 00 00 00 00 00 06 12 00 00 00 00 00 00 06" },
        { SCSI_PR_HELPER, true, false, true, "00 00 00 08 12 00 00 00 00 00 00 06" },
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct scsi_lun_facts f = { .type = 0x00,
                                    .pr = cases[i].pr,
                                    .shared = cases[i].shared,
                                    .pr_forced = cases[i].forced,
                                    .pr_move = cases[i].move };
        uint8_t cdb[SCSI_CDB_MAX] = { 0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x10 }, data[ROOM];
        unsigned len = unhex(all, data, sizeof(data));

        len = scsi_filter_data_in(&f, cdb, data, len, sizeof(data));
        check_bytes("reservations", data, len, cases[i].expected);
    }
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *tc)
{
    LOOP(tc, block_limits, limits);
    tcase_add_test(tc, block_limits_at_every_length);
    tcase_add_loop_test(tc, what_a_linux_guest_surely_gets_through, 0, (int)(sizeof(mapped) / sizeof(mapped[0])));
    tcase_add_test(tc, a_guest_is_told_less_than_it_may_ask_for);
    LOOP(tc, a_list_is_fetched_whole, fetches);
    LOOP(tc, supported_pages, lists);
    LOOP(tc, tape_block_limits, tapes);
    LOOP(tc, read_capacity_teaches_the_block_length, capacities);
    LOOP(tc, mode_sense_says_write_protected, modes);
    tcase_add_test(tc, mode_sense_of_every_length_and_type);
    tcase_add_test(tc, other_commands_pass_unchanged);
    tcase_add_test(tc, more_data_than_room_is_cut);
    LOOP(tc, absent_block_limits_are_made, refusals);
    tcase_add_test(tc, only_disks_get_block_limits);
    LOOP(tc, what_is_refused_is_not_shown, refused_shown);
    LOOP(tc, feature_host_shows_all_but_third_party_copy, host_shown);
    tcase_add_test(tc, refused_reservations_are_not_shown);
}

int main(void)
{
    return run_tests("scsi-filter", NULL, NULL, add_tests);
}
