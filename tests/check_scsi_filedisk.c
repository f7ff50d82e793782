// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulated disk: what it says of itself byte by byte, what moves, and the exact sense of
 * every refusal and error.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check_scsi.h"

#include "standalone/filedisk.h"
#include "wrapped.h"

enum {
    BLOCKS = 2048,
    POISON = 0xa5,
    ROOM = 20 << 20
};

static int fd = -1;
static struct filedisk disk;
static uint8_t *buf;
static struct scsi_answer answer;

/* The linker sends the disk's system calls here: see tests/scsi.mk. */
static struct {
    size_t most;        /* bytes one call moves; 0: all */
    int fail_at, error; /* this call and no other, counted from 1, fails with error */
    int calls, syncs;
} faults;

ssize_t __real_pread(int f, void *to, size_t n, off_t at) REAL("pread64");
ssize_t __real_pwrite(int f, const void *from, size_t n, off_t at) REAL("pwrite64");
int __real_fdatasync(int f);
ssize_t __wrap_pread(int f, void *to, size_t n, off_t at) WRAP("pread64");
ssize_t __wrap_pwrite(int f, const void *from, size_t n, off_t at) WRAP("pwrite64");
int __wrap_fdatasync(int f);

static bool fault(size_t *n)
{
    if (n && faults.most && *n > faults.most)
        *n = faults.most;
    if (++faults.calls != faults.fail_at)
        return false;
    errno = faults.error;
    return true;
}

ssize_t __wrap_pread(int f, void *to, size_t n, off_t at)
{
    return fault(&n) ? -1 : __real_pread(f, to, n, at);
}
ssize_t __wrap_pwrite(int f, const void *from, size_t n, off_t at)
{
    return fault(&n) ? -1 : __real_pwrite(f, from, n, at);
}
int __wrap_fdatasync(int f)
{
    faults.syncs++;
    return fault(NULL) ? -1 : __real_fdatasync(f);
}

static uint8_t pattern(uint64_t lba, unsigned at)
{
    return (uint8_t)(lba * 7 + at * 3 + (at >> 8));
}

static void setup(void)
{
    uint8_t block[512];

    fd = memfd_create("filedisk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    must(fd >= 0, "memfd: %s", strerror(errno));
    for (uint64_t lba = 0; lba < BLOCKS; lba++) {
        for (unsigned i = 0; i < 512; i++)
            block[i] = pattern(lba, i);
        must(write(fd, block, 512) == 512, "write: %s", strerror(errno));
    }
    must(filedisk_init(&disk, fd, false, "PVSCSI-TEST-0001") == 0, "init");
    buf = calloc(1, ROOM);
    must(buf != NULL, "memory");
    memset(&faults, 0, sizeof(faults));
}

static void teardown(void)
{
    close(fd);
    free(buf);
}

/* dir: 'i', 'o' or 'n'. Poisons what data-in may fill. */
static uint32_t run(const char *cdb_text, char dir, uint32_t data_len)
{
    uint8_t cdb[SCSI_CDB_MAX] = { 0 };
    uint8_t len = (uint8_t)unhex(cdb_text, cdb, sizeof(cdb));

    must(data_len < ROOM, "room");
    if (dir == 'i')
        memset(buf, POISON, data_len + 1);
    memset(&answer, 0xee, sizeof(answer));
    return filedisk_execute(&disk, cdb, len,
                            dir == 'i'   ? SCSI_DIR_IN
                            : dir == 'o' ? SCSI_DIR_OUT
                                         : SCSI_DIR_NONE,
                            buf, data_len, &answer);
}

static void check_answer(const char *what, const char *sense, uint32_t residual)
{
    must(answer.host == 0, "%s: host %u", what, answer.host);
    must(answer.status == (*sense ? 0x02 : 0x00), "%s: status %02x, sense %02x %02x/%02x", what, answer.status,
         answer.sense[2], answer.sense[12], answer.sense[13]);
    must(answer.residual == residual, "%s: residual %u, expected %u", what, answer.residual, residual);
    check_own_sense(what, &answer, sense);
}

/* --- init --- */
static const struct {
    off_t size;
    int result;
    uint64_t blocks;
} sizes[] = {
    { 512, 0, 1 },       { 1024, 0, 2 },      { 0, -EINVAL, 0 },
    { 511, -EINVAL, 0 }, { 513, -EINVAL, 0 }, { (off_t)1 << 42, 0, UINT64_C(1) << 33 },
};

START_TEST(size_is_whole_blocks)
{
    struct filedisk d;

    ck_assert_int_eq(ftruncate(fd, sizes[_i].size), 0);
    ck_assert_int_eq(filedisk_init(&d, fd, false, "x"), sizes[_i].result);
    if (sizes[_i].result == 0)
        ck_assert_uint_eq(d.disk.blocks, sizes[_i].blocks);
}
END_TEST

START_TEST(only_a_regular_file_is_a_disk)
{
    struct filedisk d;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(filedisk_init(&d, fds[0], false, "x"), -EINVAL);
    close(fds[0]);
    close(fds[1]);
    ck_assert_int_eq(filedisk_init(&d, fds[0], false, "x"), -EBADF);
    fds[0] = open("/dev/zero", O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fds[0], 0);
    ck_assert_int_eq(filedisk_init(&d, fds[0], false, "x"), -EINVAL);
    close(fds[0]);
}
END_TEST

START_TEST(serial_number_is_the_name_or_made_from_it)
{
    struct filedisk a, b;

    ck_assert_int_eq(filedisk_init(&a, fd, false, ""), 0);
    ck_assert_str_eq(a.disk.serial, "");
    ck_assert_int_eq(filedisk_init(&a, fd, false, "0123456789abcdef"), 0);
    ck_assert_str_eq(a.disk.serial, "0123456789abcdef");
    ck_assert_int_eq(filedisk_init(&a, fd, false, "/var/lib/images/one"), 0);
    ck_assert_int_eq(filedisk_init(&b, fd, false, "/var/lib/images/two"), 0);
    ck_assert_uint_eq(strlen(a.disk.serial), 16);
    ck_assert_int_eq(filedisk_init(&b, fd, false, "0123456789abcdefg"), 0);
    ck_assert_uint_eq(strlen(b.disk.serial), 16);
    ck_assert_str_ne(b.disk.serial, "0123456789abcdef");
    ck_assert_int_eq(filedisk_init(&b, fd, false, "/var/lib/images/two"), 0);
    ck_assert_str_ne(a.disk.serial, b.disk.serial);
    ck_assert_int_eq(filedisk_init(&b, fd, false, "/var/lib/images/one"), 0);
    ck_assert_str_eq(a.disk.serial, b.disk.serial);
}
END_TEST

/* --- pages --- */
#define Z4 "00 00 00 00 "
#define Z16 Z4 Z4 Z4 Z4
#define INQUIRY_36 \
    "00 00 06 02 1f 00 00 02 58 45 4e 20 20 20 20 20 " \
    "50 56 53 43 53 49 20 46 49 4c 45 20 44 49 53 4b 31 20 20 20" /* "XEN     " "PVSCSI FILE DISK" "1   " */
#define CACHING "08 12 04 " Z16 "00 "
#define CACHING_NO_CHANGE "08 12 00 " Z16 "00 "
#define CONTROL "0a 0a 00 10 " Z4 Z4
#define CONTROL_NO_CHANGE "0a 0a 00 00 " Z4 Z4
#define BD "00 00 08 00 00 00 02 00 " /* 2048 blocks of 512 bytes */
#define LONG_BD "00 00 00 00 00 00 08 00 00 00 00 00 00 00 02 00 "

static const struct {
    const char *name, *cdb;
    uint32_t room;
    const char *data, *sense;
} pages[] = {
    { "INQUIRY", "12 00 00 00 24 00", 36, INQUIRY_36, "" },
    { "INQUIRY, 255", "12 00 00 00 ff 00", 255, INQUIRY_36, "" },
    { "INQUIRY, 5", "12 00 00 00 05 00", 5, "00 00 06 02 1f", "" },
    { "INQUIRY, 5 of a room of 36", "12 00 00 00 05 00", 36, "00 00 06 02 1f", "" },
    { "INQUIRY, 36 of a room of 5", "12 00 00 00 24 00", 5, "00 00 06 02 1f", "" },
    { "INQUIRY, 256", "12 00 00 01 00 00", 4, "00 00 06 02", "" },
    { "INQUIRY, nothing", "12 00 00 00 00 00", 36, "", "" },
    { "INQUIRY, a page without EVPD", "12 00 80 00 24 00", 36, "", "05 24 00" },
    { "INQUIRY, NACA", "12 00 00 00 24 04", 36, "", "05 24 00" },
    { "VPD 00h", "12 01 00 00 ff 00", 255, "00 00 00 04 00 80 83 b0", "" },
    { "VPD 80h", "12 01 80 00 ff 00", 255, "00 80 00 10 50 56 53 43 53 49 2d 54 45 53 54 2d 30 30 30 31", "" },
    { "VPD 83h", "12 01 83 00 ff 00", 255,
      "00 83 00 28 01 03 00 08 31 2c 42 04 ca 5a 28 08 "
      "02 01 00 18 58 45 4e 20 20 20 20 20 50 56 53 43 53 49 2d 54 45 53 54 2d 30 30 30 31",
      "" },
    { "VPD B0h", "12 01 b0 00 ff 00", 255, "00 b0 00 3c 00 00 00 00 00 00 80 00 " Z4 Z16 Z16 Z16, "" },
    { "VPD B0h, its header", "12 01 b0 00 04 00", 4, "00 b0 00 3c", "" },
    { "VPD B1h", "12 01 b1 00 ff 00", 255, "", "05 24 00" },
    { "TEST UNIT READY", "00 00 00 00 00 00", 0, "", "" },
    { "REQUEST SENSE", "03 00 00 00 12 00", 18, "70 00 00 00 00 00 00 0a " Z4 Z4 "00 00", "" },
    { "REQUEST SENSE, descriptors", "03 01 00 00 12 00", 18, "72 00 00 00 00 00 00 00", "" },
    { "REQUEST SENSE, 4", "03 00 00 00 04 00", 18, "70 00 00 00", "" },
    { "START STOP UNIT, start", "1b 00 00 00 01 00", 0, "", "" },
    { "START STOP UNIT, stop", "1b 00 00 00 00 00", 0, "", "" },
    { "READ CAPACITY(10)", "25 00 00 00 00 00 00 00 00 00", 8, "00 00 07 ff 00 00 02 00", "" },
    { "READ CAPACITY(10), an address without PMI", "25 00 00 00 00 01 00 00 00 00", 8, "", "05 24 00" },
    { "READ CAPACITY(10), PMI", "25 00 00 00 00 01 00 00 01 00", 8, "00 00 07 ff 00 00 02 00", "" },
    { "READ CAPACITY(16)", "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", 32,
      "00 00 00 00 00 00 07 ff 00 00 02 00 " Z4 Z16, "" },
    { "READ CAPACITY(16), 12", "9e 10 00 00 00 00 00 00 00 00 00 00 00 0c 00 00", 32,
      "00 00 00 00 00 00 07 ff 00 00 02 00", "" },
    { "GET LBA STATUS", "9e 12 00 00 00 00 00 00 00 00 00 00 00 20 00 00", 32, "", "05 24 00" },
    { "MODE SENSE(6), all", "1a 00 3f 00 ff 00", 255, "2b 00 10 08 " BD CACHING CONTROL, "" },
    { "MODE SENSE(6), all and subpages", "1a 00 3f ff ff 00", 255, "2b 00 10 08 " BD CACHING CONTROL, "" },
    { "MODE SENSE(6), no descriptor", "1a 08 3f 00 ff 00", 255, "23 00 10 00 " CACHING CONTROL, "" },
    { "MODE SENSE(6), caching", "1a 08 08 00 ff 00", 255, "17 00 10 00 " CACHING, "" },
    { "MODE SENSE(6), caching, changeable", "1a 08 48 00 ff 00", 255, "17 00 10 00 " CACHING_NO_CHANGE, "" },
    { "MODE SENSE(6), caching, default", "1a 08 88 00 ff 00", 255, "17 00 10 00 " CACHING, "" },
    { "MODE SENSE(6), caching, saved", "1a 08 c8 00 ff 00", 255, "", "05 39 00" },
    { "MODE SENSE(6), control", "1a 08 0a 00 ff 00", 255, "0f 00 10 00 " CONTROL, "" },
    { "MODE SENSE(6), control, changeable", "1a 08 4a 00 ff 00", 255, "0f 00 10 00 " CONTROL_NO_CHANGE, "" },
    { "MODE SENSE(6), control, subpage 1", "1a 08 0a 01 ff 00", 255, "", "05 24 00" },
    { "MODE SENSE(6), page 1", "1a 08 01 00 ff 00", 255, "", "05 24 00" },
    { "MODE SENSE(6), 4", "1a 00 3f 00 04 00", 4, "2b 00 10 08", "" },
    { "MODE SENSE(6), LLBAA does not exist", "1a 10 08 00 ff 00", 255, "1f 00 10 08 " BD CACHING, "" },
    { "MODE SENSE(10), all", "5a 00 3f 00 00 00 00 00 ff 00", 255, "00 2e 00 10 00 00 00 08 " BD CACHING CONTROL, "" },
    { "MODE SENSE(10), long descriptor", "5a 10 08 00 00 00 00 00 ff 00", 255,
      "00 2a 00 10 01 00 00 10 " LONG_BD CACHING, "" },
    { "MODE SENSE(10), long descriptor, none wanted", "5a 18 08 00 00 00 00 00 ff 00", 255,
      "00 1a 00 10 00 00 00 00 " CACHING, "" },
    { "MODE SENSE(10), 256", "5a 08 0a 00 00 00 00 01 00 00", 255, "00 12 00 10 00 00 00 00 " CONTROL, "" },
    { "MODE SENSE(10), saved", "5a 00 ff 00 00 00 00 00 ff 00", 255, "", "05 39 00" },
};

START_TEST(page)
{
    uint32_t n = run(pages[_i].cdb, pages[_i].room ? 'i' : 'n', pages[_i].room);

    check_bytes(pages[_i].name, buf, n, pages[_i].data);
    check_answer(pages[_i].name, pages[_i].sense, pages[_i].room - n);
    must(!pages[_i].room || buf[n] == POISON, "%s: more was written than said", pages[_i].name);
}
END_TEST

START_TEST(write_protection_shows_in_mode_sense)
{
    disk.disk.readonly = true;
    check_bytes("6", buf, run("1a 08 0a 00 ff 00", 'i', 255), "0f 00 90 00 " CONTROL);
    check_bytes("10", buf, run("5a 08 0a 00 00 00 00 00 ff 00", 'i', 255), "00 12 00 90 00 00 00 00 " CONTROL);
}
END_TEST

START_TEST(a_disk_beyond_2_tib)
{
    ck_assert_int_eq(ftruncate(fd, (off_t)1 << 42), 0);
    ck_assert_int_eq(filedisk_init(&disk, fd, false, "big"), 0);
    check_bytes("10", buf, run("25 00 00 00 00 00 00 00 00 00", 'i', 8), "ff ff ff ff 00 00 02 00");
    check_bytes("16", buf, run("9e 10 00 00 00 00 00 00 00 00 00 00 00 0c 00 00", 'i', 12),
                "00 00 00 01 ff ff ff ff 00 00 02 00");
    check_bytes("descriptor", buf, run("1a 00 0a 00 0c 00", 'i', 12), "17 00 10 08 ff ff ff ff 00 00 02 00");
    check_bytes("long descriptor", buf, run("5a 10 0a 00 00 00 00 00 18 00", 'i', 24),
                "00 22 00 10 01 00 00 10 00 00 00 02 00 00 00 00 00 00 00 00 00 00 02 00");
    /* The last block, and the one behind it. */
    ck_assert_uint_eq(run("88 00 00 00 00 01 ff ff ff ff 00 00 00 01 00 00", 'i', 512), 512);
    check_answer("last", "", 0);
    run("88 00 00 00 00 02 00 00 00 00 00 00 00 01 00 00", 'i', 512);
    check_answer("behind", "05 21 00", 512);
    run("88 00 ff ff ff ff ff ff ff ff 00 00 00 01 00 00", 'i', 512);
    check_answer("the largest LBA", "05 21 00", 512);
}
END_TEST

/* --- reading --- */
static const struct {
    const char *name, *cdb;
    uint32_t room;
    uint64_t lba;
    uint32_t moved;
    const char *sense;
} reads[] = {
    { "READ(6)", "08 00 00 05 03 00", 1536, 5, 1536, "" },
    { "READ(6), 21 bits of address", "08 e0 07 ff 01 00", 512, 2047, 512, "" },
    { "READ(6), 0 is 256", "08 00 00 00 00 00", 131072, 0, 131072, "" },
    { "READ(6), 256 past the end", "08 00 07 01 00 00", 131072, 0, 0, "05 21 00" },
    { "READ(10)", "28 00 00 00 01 00 00 00 08 00", 4096, 256, 4096, "" },
    { "READ(10), the last", "28 00 00 00 07 ff 00 00 01 00", 512, 2047, 512, "" },
    { "READ(10), none", "28 00 00 00 07 ff 00 00 00 00", 512, 0, 0, "" },
    { "READ(10), none, behind the end", "28 00 00 00 08 00 00 00 00 00", 512, 0, 0, "05 21 00" },
    { "READ(10), behind the end", "28 00 00 00 08 00 00 00 01 00", 512, 0, 0, "05 21 00" },
    { "READ(10), over the end", "28 00 00 00 07 ff 00 00 02 00", 1024, 0, 0, "05 21 00" },
    { "READ(10), far", "28 00 ff ff ff ff 00 ff ff 00", 512, 0, 0, "05 21 00" },
    { "READ(10), all", "28 00 00 00 00 00 00 08 00 00", 1048576, 0, 1048576, "" },
    { "READ(10), DPO and FUA", "28 18 00 00 00 01 00 00 01 00", 512, 1, 512, "" },
    { "READ(10), RDPROTECT", "28 20 00 00 00 01 00 00 01 00", 512, 0, 0, "05 24 00" },
    { "READ(10), NACA", "28 00 00 00 00 01 00 00 01 04", 512, 0, 0, "05 24 00" },
    { "READ(10), room for less", "28 00 00 00 00 01 00 00 08 00", 1024, 1, 1024, "" },
    { "READ(10), room for a part of a block", "28 00 00 00 00 01 00 00 08 00", 1023, 1, 512, "" },
    { "READ(10), room for not one", "28 00 00 00 00 01 00 00 01 00", 511, 1, 0, "" },
    { "READ(10), room for more", "28 00 00 00 00 01 00 00 01 00", 4096, 1, 512, "" },
    { "READ(16)", "88 00 00 00 00 00 00 00 07 f8 00 00 00 08 00 00", 4096, 2040, 4096, "" },
    { "READ(16), over the end", "88 00 00 00 00 00 00 00 07 f9 00 00 00 08 00 00", 4096, 0, 0, "05 21 00" },
    { "READ(16), a sum beyond 64 bits", "88 00 ff ff ff ff ff ff ff ff ff ff ff ff 00 00", 4096, 0, 0, "05 21 00" },
    { "READ(16), a count beyond 32 bits with the address", "88 00 00 00 00 00 00 00 00 01 ff ff ff ff 00 00", 4096, 0,
      0, "05 21 00" },
    { "READ(16), RDPROTECT", "88 80 00 00 00 00 00 00 00 00 00 00 00 01 00 00", 512, 0, 0, "05 24 00" },
};

START_TEST(read_blocks)
{
    uint32_t n = run(reads[_i].cdb, 'i', reads[_i].room);

    check_answer(reads[_i].name, reads[_i].sense, reads[_i].room - reads[_i].moved);
    ck_assert_uint_eq(n, reads[_i].moved);
    for (uint32_t i = 0; i < n; i++)
        must(buf[i] == pattern(reads[_i].lba + i / 512, i % 512), "%s: byte %u", reads[_i].name, i);
    must(buf[n] == POISON, "%s: more was written than said", reads[_i].name);
}
END_TEST

START_TEST(more_than_the_limit_it_names_is_refused)
{
    ck_assert_int_eq(ftruncate(fd, 65536 * 512), 0);
    ck_assert_int_eq(filedisk_init(&disk, fd, false, "x"), 0);
    ck_assert_uint_eq(run("88 00 00 00 00 00 00 00 00 00 00 00 80 00 00 00", 'i', 32768 * 512), 32768 * 512);
    check_answer("32768 blocks", "", 0);
    run("88 00 00 00 00 00 00 00 00 00 00 00 80 01 00 00", 'i', 512);
    check_answer("READ", "05 24 00", 512);
    run("8a 00 00 00 00 00 00 00 00 00 00 00 80 01 00 00", 'o', 512);
    check_answer("WRITE", "05 24 00", 512);
    run("8f 00 00 00 00 00 00 00 00 00 00 00 80 01 00 00", 'n', 0);
    check_answer("VERIFY", "05 24 00", 0);
}
END_TEST

/* --- writing --- */
static const struct {
    const char *name, *cdb;
    uint32_t given;
    uint64_t lba;
    uint32_t moved;
    const char *sense;
} writes[] = {
    { "WRITE(6)", "0a 00 00 05 03 00", 1536, 5, 1536, "" },
    { "WRITE(6), 0 is 256", "0a 00 00 00 00 00", 131072, 0, 131072, "" },
    { "WRITE(10)", "2a 00 00 00 01 00 00 00 08 00", 4096, 256, 4096, "" },
    { "WRITE(10), the last", "2a 00 00 00 07 ff 00 00 01 00", 512, 2047, 512, "" },
    { "WRITE(10), none", "2a 00 00 00 00 00 00 00 00 00", 0, 0, 0, "" },
    { "WRITE(10), none, behind the end", "2a 00 00 00 08 00 00 00 00 00", 0, 0, 0, "05 21 00" },
    { "WRITE(10), over the end", "2a 00 00 00 07 ff 00 00 02 00", 1024, 0, 0, "05 21 00" },
    { "WRITE(10), FUA", "2a 08 00 00 00 01 00 00 01 00", 512, 1, 512, "" },
    { "WRITE(10), WRPROTECT", "2a 20 00 00 00 01 00 00 01 00", 512, 0, 0, "05 24 00" },
    { "WRITE(10), fewer bytes than blocks", "2a 00 00 00 00 01 00 00 08 00", 1024, 1, 1024, "" },
    { "WRITE(10), a part of a block stays out", "2a 00 00 00 00 01 00 00 08 00", 1023, 1, 512, "" },
    { "WRITE(10), more bytes than blocks", "2a 00 00 00 00 01 00 00 01 00", 4096, 1, 512, "" },
    { "WRITE(16)", "8a 00 00 00 00 00 00 00 07 f8 00 00 00 08 00 00", 4096, 2040, 4096, "" },
    { "WRITE(16), over the end", "8a 00 00 00 00 00 00 00 07 f9 00 00 00 08 00 00", 4096, 0, 0, "05 21 00" },
    { "WRITE(16), FUA", "8a 08 00 00 00 00 00 00 00 01 00 00 00 01 00 00", 512, 1, 512, "" },
};

START_TEST(write_blocks)
{
    static uint8_t after[BLOCKS * 512];
    uint64_t from = writes[_i].lba * 512, to = from + writes[_i].moved;

    for (uint32_t i = 0; i < writes[_i].given; i++)
        buf[i] = (uint8_t)(0x5a ^ i ^ i >> 9);
    ck_assert_uint_eq(run(writes[_i].cdb, 'o', writes[_i].given), 0);
    check_answer(writes[_i].name, writes[_i].sense, writes[_i].given - writes[_i].moved);
    ck_assert_int_eq(pread(fd, after, sizeof(after), 0), sizeof(after));
    for (uint64_t i = 0; i < sizeof(after); i++) {
        uint8_t want = i >= from && i < to ? (uint8_t)(0x5a ^ (i - from) ^ (i - from) >> 9) : pattern(i / 512, i % 512);

        must(after[i] == want, "%s: byte %lu of the medium", writes[_i].name, (unsigned long)i);
    }
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), sizeof(after));
}
END_TEST

static const char *const protected_writes[] = {
    "0a 00 00 00 01 00",
    "2a 00 00 00 00 00 00 00 01 00",
    "8a 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00",
};

START_TEST(a_readonly_disk_is_write_protected)
{
    uint8_t first;

    disk.disk.readonly = true;
    memset(buf, 0x11, 512);
    run(protected_writes[_i], 'o', 512);
    check_answer("readonly", "07 27 00", 512);
    ck_assert_int_eq(pread(fd, &first, 1, 0), 1);
    ck_assert_uint_eq(first, pattern(0, 0));
    /* Out of range is said first; reading goes on. */
    run("2a 00 00 00 08 00 00 00 01 00", 'o', 512);
    check_answer("range", "05 21 00", 512);
    ck_assert_uint_eq(run("28 00 00 00 00 00 00 00 01 00", 'i', 512), 512);
    check_answer("read", "", 0);
}
END_TEST

/* --- verifying --- */
START_TEST(verify_compares_only_when_asked)
{
    static const char *const none[] = { "2f 00 00 00 00 00 00 08 00 00",
                                        "8f 00 00 00 00 00 00 00 00 00 00 00 08 00 00 00" };
    static const char *const compare[] = { "2f 02 00 00 00 04 00 00 10 00",
                                           "8f 02 00 00 00 00 00 00 00 04 00 00 00 10 00 00" };

    ck_assert_uint_eq(run(none[_i], 'n', 0), 0);
    check_answer("BYTCHK 00b", "", 0);
    for (uint32_t i = 0; i < 8192; i++)
        buf[i] = pattern(4 + i / 512, i % 512);
    ck_assert_uint_eq(run(compare[_i], 'o', 8192), 0);
    check_answer("equal", "", 0);
    /* Less data than blocks: what there is is compared. */
    run(compare[_i], 'o', 1025);
    check_answer("equal, less", "", 1);
    run(compare[_i], 'o', 8200);
    check_answer("equal, more", "", 8);
    /* The last byte of block 4 + 15 differs: INFORMATION names it. */
    buf[8191] ^= 1;
    run(compare[_i], 'o', 8192);
    ck_assert_uint_eq(answer.status, 0x02);
    ck_assert_uint_eq(answer.residual, 8192);
    check_bytes("miscompare", answer.sense, answer.sense_len, "f0 00 0e 00 00 00 13 0a 00 00 00 00 1d 00 00 00 00 00");
}
END_TEST

static const struct {
    const char *cdb, *sense;
} bad_verifies[] = {
    { "2f 00 00 00 07 ff 00 00 02 00", "05 21 00" },
    { "2f 04 00 00 00 00 00 00 01 00", "05 24 00" },
    { "2f 06 00 00 00 00 00 00 01 00", "05 24 00" },
    { "2f 20 00 00 00 00 00 00 01 00", "05 24 00" },
    { "8f 00 00 00 00 00 00 00 07 ff 00 00 00 02 00 00", "05 21 00" },
    { "8f 04 00 00 00 00 00 00 00 00 00 00 00 01 00 00", "05 24 00" },
    { "8f 06 00 00 00 00 00 00 00 00 00 00 00 01 00 00", "05 24 00" },
    { "8f 20 00 00 00 00 00 00 00 00 00 00 00 01 00 00", "05 24 00" },
};

START_TEST(verify_refuses)
{
    run(bad_verifies[_i].cdb, 'o', 512);
    check_answer(bad_verifies[_i].cdb, bad_verifies[_i].sense, 512);
}
END_TEST

/* --- synchronizing --- */
static const struct {
    const char *cdb, *sense;
} flushes[] = {
    { "35 00 00 00 00 00 00 00 00 00", "" },
    { "35 02 00 00 00 00 00 00 00 00", "" },
    { "35 00 00 00 07 ff 00 00 01 00", "" },
    { "35 00 00 00 07 ff 00 00 02 00", "05 21 00" },
    { "35 00 00 00 08 00 00 00 00 00", "05 21 00" },
    { "91 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", "" },
    { "91 00 00 00 00 00 00 00 00 00 00 00 08 00 00 00", "" },
    { "91 00 00 00 00 00 00 00 00 00 00 00 08 01 00 00", "05 21 00" },
};

START_TEST(synchronize_cache)
{
    run(flushes[_i].cdb, 'n', 0);
    check_answer(flushes[_i].cdb, flushes[_i].sense, 0);
}
END_TEST

/* --- errors of the file --- */
START_TEST(a_file_that_became_shorter_has_a_bad_medium)
{
    ck_assert_int_eq(ftruncate(fd, 1000 * 512 + 100), 0);
    ck_assert_uint_eq(run("28 00 00 00 03 e7 00 00 01 00", 'i', 512), 512);
    check_answer("the last whole one", "", 0);
    ck_assert_uint_eq(run("28 00 00 00 03 e4 00 00 08 00", 'i', 4096), 0);
    ck_assert_uint_eq(answer.status, 0x02);
    ck_assert_uint_eq(answer.residual, 4096);
    check_bytes("read", answer.sense, answer.sense_len, "f0 00 03 00 00 03 e8 0a 00 00 00 00 11 00 00 00 00 00");
    run("2f 00 00 00 03 e4 00 00 20 00", 'n', 0);
    check_bytes("verify", answer.sense, answer.sense_len, "f0 00 03 00 00 03 e8 0a 00 00 00 00 11 00 00 00 00 00");
}
END_TEST

START_TEST(a_bad_block_beyond_32_bits_is_not_named)
{
    ck_assert_int_eq(ftruncate(fd, (off_t)1 << 42), 0);
    ck_assert_int_eq(filedisk_init(&disk, fd, false, "x"), 0);
    ck_assert_int_eq(ftruncate(fd, 512), 0);
    run("88 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00", 'i', 512);
    check_answer("far", "03 11 00", 512);
    run("88 00 00 00 00 00 ff ff ff ff 00 00 00 01 00 00", 'i', 512);
    check_bytes("near", answer.sense, answer.sense_len, "f0 00 03 ff ff ff ff 0a 00 00 00 00 11 00 00 00 00 00");
}
END_TEST

/* INFORMATION names the block, so only key and codes are compared. */
static void check_write_error(const char *key_codes)
{
    uint8_t s[3];

    unhex(key_codes, s, 3);
    run("2a 00 00 00 00 01 00 00 08 00", 'o', 4096);
    must(answer.status == 0x02 && answer.residual == 4096 && answer.sense_len == 18, "status %02x", answer.status);
    must((answer.sense[2] & 0x0f) == s[0] && answer.sense[12] == s[1] && answer.sense[13] == s[2], "%02x %02x/%02x",
         answer.sense[2], answer.sense[12], answer.sense[13]);
}

START_TEST(a_file_that_is_not_writable_is_write_protected)
{
    char path[64];

    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    check_write_error("07 27 00"); /* EPERM */
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    disk.fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(disk.fd, 0);
    check_write_error("07 27 00"); /* EBADF */
    ck_assert_uint_eq(run("28 00 00 00 00 00 00 00 01 00", 'i', 512), 512);
    run("35 00 00 00 00 00 00 00 00 00", 'n', 0);
    check_answer("flush", "", 0);
    close(disk.fd);
}
END_TEST

START_TEST(a_write_that_fails_is_a_medium_error)
{
    struct rlimit limit = { 3 * 512, RLIM_INFINITY };

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_write_error("03 0c 00"); /* EFBIG, after two blocks */
    check_bytes("where", answer.sense, 7, "f0 00 03 00 00 00 03");
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
}
END_TEST

/* --- system calls that stop half way, or fail --- */
START_TEST(short_and_interrupted_transfers_go_on)
{
    faults.most = 100;
    faults.fail_at = 3;
    faults.error = EINTR;
    ck_assert_uint_eq(run("28 00 00 00 00 05 00 00 02 00", 'i', 1024), 1024);
    check_answer("read", "", 0);
    ck_assert_int_eq(faults.calls, 12);
    for (uint32_t i = 0; i < 1024; i++)
        must(buf[i] == pattern(5 + i / 512, i % 512), "byte %u", i);

    memset(buf, 0x77, 1024);
    faults.calls = 0;
    run("2a 00 00 00 00 09 00 00 02 00", 'o', 1024);
    check_answer("write", "", 0);
    ck_assert_int_eq(faults.calls, 12);
    memset(&faults, 0, sizeof(faults));
    ck_assert_uint_eq(run("28 00 00 00 00 08 00 00 04 00", 'i', 2048), 2048);
    for (uint32_t i = 0; i < 2048; i++)
        must(buf[i] == (i >= 512 && i < 1536 ? 0x77 : pattern(8 + i / 512, i % 512)), "byte %u", i);
}
END_TEST

static const struct {
    const char *cdb;
    char dir;
    int fail_at, error;
    const char *sense; /* fixed, whole */
} broken[] = {
    { "28 00 00 00 00 05 00 00 04 00", 'i', 1, EIO, "f0 00 03 00 00 00 05 0a 00 00 00 00 11 00 00 00 00 00" },
    { "28 00 00 00 00 05 00 00 04 00", 'i', 3, EIO, "f0 00 03 00 00 00 06 0a 00 00 00 00 11 00 00 00 00 00" },
    { "28 00 00 00 00 05 00 00 04 00", 'i', 5, EIO, "f0 00 03 00 00 00 07 0a 00 00 00 00 11 00 00 00 00 00" },
    { "2f 00 00 00 00 05 00 00 04 00", 'n', 4, EIO, "f0 00 03 00 00 00 06 0a 00 00 00 00 11 00 00 00 00 00" },
    { "2f 02 00 00 00 05 00 00 04 00", 'o', 4, EIO, "f0 00 03 00 00 00 06 0a 00 00 00 00 11 00 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 1, EIO, "f0 00 03 00 00 00 05 0a 00 00 00 00 0c 00 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 6, EIO, "f0 00 03 00 00 00 07 0a 00 00 00 00 0c 00 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 1, EFBIG, "f0 00 03 00 00 00 05 0a 00 00 00 00 0c 00 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 1, ENOSPC, "f0 00 07 00 00 00 05 0a 00 00 00 00 27 07 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 1, EDQUOT, "f0 00 07 00 00 00 05 0a 00 00 00 00 27 07 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 1, EROFS, "f0 00 07 00 00 00 05 0a 00 00 00 00 27 00 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 1, EPERM, "f0 00 07 00 00 00 05 0a 00 00 00 00 27 00 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 1, EACCES, "f0 00 07 00 00 00 05 0a 00 00 00 00 27 00 00 00 00 00" },
    { "2a 00 00 00 00 05 00 00 04 00", 'o', 1, EBADF, "f0 00 07 00 00 00 05 0a 00 00 00 00 27 00 00 00 00 00" },
    /* 2048 bytes in writes of 256, then the flush. */
    { "2a 08 00 00 00 05 00 00 04 00", 'o', 9, EIO, "70 00 03 00 00 00 00 0a 00 00 00 00 0c 00 00 00 00 00" },
    { "35 00 00 00 00 00 00 00 00 00", 'n', 1, EIO, "70 00 03 00 00 00 00 0a 00 00 00 00 0c 00 00 00 00 00" },
    { "35 00 00 00 00 00 00 00 00 00", 'n', 1, ENOSPC, "70 00 03 00 00 00 00 0a 00 00 00 00 0c 00 00 00 00 00" },
};

START_TEST(errors_of_the_file_are_errors_of_the_medium)
{
    uint32_t len = broken[_i].dir == 'n' ? 0 : 2048;

    for (uint32_t i = 0; i < len; i++)
        buf[i] = pattern(5 + i / 512, i % 512); /* what VERIFY compares with */
    faults.most = 256;
    faults.fail_at = broken[_i].fail_at;
    faults.error = broken[_i].error;
    ck_assert_uint_eq(run(broken[_i].cdb, broken[_i].dir, len), 0);
    ck_assert_uint_eq(answer.status, 0x02);
    ck_assert_uint_eq(answer.residual, len);
    check_bytes(broken[_i].cdb, answer.sense, answer.sense_len, broken[_i].sense);
}
END_TEST

static const struct {
    const char *cdb;
    char dir;
    int syncs;
} synced[] = {
    { "0a 00 00 00 01 00", 'o', 0 },
    { "0a 08 00 00 01 00", 'o', 0 }, /* a bit of the address in the 6 byte form */
    { "2a 00 00 00 00 00 00 00 01 00", 'o', 0 },
    { "2a 10 00 00 00 00 00 00 01 00", 'o', 0 },
    { "2a 08 00 00 00 00 00 00 01 00", 'o', 1 },
    { "8a 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", 'o', 0 },
    { "8a 08 00 00 00 00 00 00 00 00 00 00 00 01 00 00", 'o', 1 },
    { "28 08 00 00 00 00 00 00 01 00", 'i', 0 },
    { "35 00 00 00 00 00 00 00 00 00", 'n', 1 },
    { "91 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", 'n', 1 },
};

START_TEST(only_fua_and_synchronize_cache_wait_for_the_medium)
{
    ck_assert_int_eq(ftruncate(fd, (off_t)1 << 30), 0);
    ck_assert_int_eq(filedisk_init(&disk, fd, false, "x"), 0);
    memset(buf, 0, 512);
    run(synced[_i].cdb, synced[_i].dir, synced[_i].dir == 'n' ? 0 : 512);
    check_answer(synced[_i].cdb, "", 0);
    ck_assert_int_eq(faults.syncs, synced[_i].syncs);
}
END_TEST

START_TEST(an_interrupted_flush_is_begun_again)
{
    faults.fail_at = 1;
    faults.error = EINTR;
    run("35 00 00 00 00 00 00 00 00 00", 'n', 0);
    check_answer("flush", "", 0);
    ck_assert_int_eq(faults.syncs, 2);
}
END_TEST

/* --- the rest --- */
START_TEST(every_other_opcode_is_invalid)
{
    static const uint8_t known[] = { 0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x1b, 0x25, 0x28,
                                     0x2a, 0x2f, 0x35, 0x5a, 0x88, 0x8a, 0x8f, 0x91, 0x9e };

    for (unsigned op = 0; op < 256; op++) {
        char cdb[] = "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00";

        snprintf(cdb, 3, "%02x", op);
        cdb[2] = ' ';
        if (memchr(known, (int)op, sizeof(known)))
            continue;
        ck_assert_uint_eq(run(cdb, 'i', 512), 0);
        check_answer(cdb, "05 20 00", 512);
    }
}
END_TEST

static const struct {
    const char *cdb, *sense;
} short_cdbs[] = {
    { "28 00 00 00 00 00 00 00 01", "05 24 00" },
    { "88 00 00 00 00 00 00 00 00 00 00 00 00 01 00", "05 24 00" },
    { "12 00 00 00 24", "05 24 00" },
    { "", "05 20 00" },
};

START_TEST(a_short_cdb_is_refused)
{
    run(short_cdbs[_i].cdb, 'i', 512);
    check_answer(short_cdbs[_i].cdb, short_cdbs[_i].sense, 512);
}
END_TEST

START_TEST(a_longer_cdb_is_taken)
{
    ck_assert_uint_eq(run("12 00 00 00 24 00 00 00 00 00 00 00", 'i', 36), 36);
    check_answer("12 bytes", "", 0);
}
END_TEST

START_TEST(data_moves_only_in_its_direction)
{
    uint8_t before[512];

    memcpy(buf, "guest", 5);
    ck_assert_uint_eq(run("12 00 00 00 24 00", 'o', 36), 0);
    check_answer("INQUIRY, out", "", 36);
    ck_assert_mem_eq(buf, "guest", 5);
    ck_assert_uint_eq(run("28 00 00 00 00 00 00 00 01 00", 'o', 512), 0);
    check_answer("READ, out", "", 512);
    ck_assert_mem_eq(buf, "guest", 5);
    ck_assert_int_eq(pread(fd, before, 512, 0), 512);
    ck_assert_uint_eq(run("2a 00 00 00 00 00 00 00 01 00", 'i', 512), 0);
    check_answer("WRITE, in", "", 512);
    ck_assert_int_eq(pread(fd, buf, 512, 0), 512);
    ck_assert_mem_eq(buf, before, 512);
    ck_assert_uint_eq(run("2a 00 00 00 00 00 00 00 01 00", 'n', 0), 0);
    check_answer("WRITE, none", "", 0);
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *tc)
{
    LOOP(tc, size_is_whole_blocks, sizes);
    tcase_add_test(tc, only_a_regular_file_is_a_disk);
    tcase_add_test(tc, serial_number_is_the_name_or_made_from_it);
    LOOP(tc, page, pages);
    tcase_add_test(tc, write_protection_shows_in_mode_sense);
    tcase_add_test(tc, a_disk_beyond_2_tib);
    LOOP(tc, read_blocks, reads);
    tcase_add_test(tc, more_than_the_limit_it_names_is_refused);
    LOOP(tc, write_blocks, writes);
    LOOP(tc, a_readonly_disk_is_write_protected, protected_writes);
    tcase_add_loop_test(tc, verify_compares_only_when_asked, 0, 2);
    LOOP(tc, verify_refuses, bad_verifies);
    LOOP(tc, synchronize_cache, flushes);
    tcase_add_test(tc, a_file_that_became_shorter_has_a_bad_medium);
    tcase_add_test(tc, a_bad_block_beyond_32_bits_is_not_named);
    tcase_add_test(tc, a_file_that_is_not_writable_is_write_protected);
    tcase_add_test(tc, a_write_that_fails_is_a_medium_error);
    tcase_add_test(tc, short_and_interrupted_transfers_go_on);
    LOOP(tc, errors_of_the_file_are_errors_of_the_medium, broken);
    LOOP(tc, only_fua_and_synchronize_cache_wait_for_the_medium, synced);
    tcase_add_test(tc, an_interrupted_flush_is_begun_again);
    tcase_add_test(tc, every_other_opcode_is_invalid);
    LOOP(tc, a_short_cdb_is_refused, short_cdbs);
    tcase_add_test(tc, a_longer_cdb_is_taken);
    tcase_add_test(tc, data_moves_only_in_its_direction);
}

int main(void)
{
    return run_tests("scsi-filedisk", setup, teardown, add_tests);
}
