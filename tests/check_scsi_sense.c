// SPDX-License-Identifier: GPL-2.0-or-later
/* Sense data: what is written for answers of our own, and what is read from a device's. */
#include "config.h"

#include "check_scsi.h"

#include "scsi/sense.h"

START_TEST(own_sense_is_18_bytes_of_fixed_format)
{
    struct scsi_answer a;

    memset(&a, 0xee, sizeof(a));
    scsi_answer_sense(&a, (struct scsi_sense){ 0x05, 0x21, 0x07 }, 7, 512);
    ck_assert_uint_eq(a.status, 0x02);
    ck_assert_uint_eq(a.host, 7);
    ck_assert_uint_eq(a.residual, 512);
    check_bytes("sense", a.sense, a.sense_len, "70 00 05 00 00 00 00 0a 00 00 00 00 21 07 00 00 00 00");
    for (unsigned i = a.sense_len; i < SCSI_SENSE_MAX; i++)
        ck_assert_uint_eq(a.sense[i], 0);
}
END_TEST

START_TEST(status_alone_carries_no_sense)
{
    struct scsi_answer a;

    memset(&a, 0xee, sizeof(a));
    scsi_answer_status(&a, 0x28, 2, 77);
    ck_assert_uint_eq(a.status, 0x28);
    ck_assert_uint_eq(a.host, 2);
    ck_assert_uint_eq(a.residual, 77);
    ck_assert_uint_eq(a.sense_len, 0);
    for (unsigned i = 0; i < SCSI_SENSE_MAX; i++)
        ck_assert_uint_eq(a.sense[i], 0);
}
END_TEST

static const struct {
    const char *bytes;
    bool valid;
    struct scsi_sense_data is;
} senses[] = {
    { "70 00 03 00 00 00 00 0a 00 00 00 00 11 01 00 00 00 00", true, { .key = 3, .asc = 0x11, .ascq = 0x01 } },
    { "f0 00 03 00 00 12 34 0a 00 00 00 00 11 00 00 00 00 00", true, { .key = 3, .asc = 0x11 } },
    { "71 00 04 00 00 00 00 0a 00 00 00 00 44 00 00 00 00 00", true, { .key = 4, .asc = 0x44, .deferred = true } },
    { "f0 00 80 00 00 00 00 0a 00 00 00 00 00 01", true, { .ascq = 0x01, .filemark = true } },
    { "f0 00 40 00 00 00 00 0a 00 00 00 00 00 02", true, { .ascq = 0x02, .eom = true } },
    { "f0 00 20 00 00 02 00 0a 00 00 00 00 00 00", true, { .ili = true } },
    { "70 00 e8", true, { .key = 8, .filemark = true, .eom = true, .ili = true } },
    { "70 00 05 00 00 00 00 0a 00 00 00 00 24", true, { .key = 5 } }, /* both codes or none */
    { "72 05 24 00 00 00 00 00", true, { .key = 5, .asc = 0x24 } },
    { "72 f5", true, { .key = 5 } },
    { "73 0b 08 01 00 00 00 00", true, { .key = 0xb, .asc = 0x08, .ascq = 0x01, .deferred = true } },
    { "72 00 00 01 00 00 00 10 00 0a 80 00 00 00 00 00 00 00 00 00 04 02 00 80",
      true,
      { .ascq = 0x01, .filemark = true } },
    { "72 00 00 02 00 00 00 04 04 02 00 60", true, { .ascq = 0x02, .eom = true, .ili = true } },
    { "72 00 00 00 00 00 00 04 04 02 00", true, { 0 } }, /* a descriptor that is cut off */
    { "", false, { 0 } },
    { "70", false, { 0 } },
    { "70 00", false, { 0 } },
    { "72", false, { 0 } },
    { "7f 00 03 00", false, { .deferred = false } },
    { "74 03 11 00", false, { 0 } },
    { "00 00 03 00 00 00 00 0a 00 00 00 00 11 00", false, { 0 } },
};

START_TEST(sense_is_read_in_both_formats)
{
    struct scsi_sense_data d;
    uint8_t bytes[SCSI_SENSE_MAX];
    unsigned len = unhex(senses[_i].bytes, bytes, sizeof(bytes));

    memset(&d, 0xee, sizeof(d));
    ck_assert_int_eq(scsi_sense_parse(bytes, (uint8_t)len, &d), senses[_i].valid);
    if (!senses[_i].valid)
        return;
    must(d.key == senses[_i].is.key && d.asc == senses[_i].is.asc && d.ascq == senses[_i].is.ascq, "%s: %x/%02x/%02x",
         senses[_i].bytes, d.key, d.asc, d.ascq);
    ck_assert_int_eq(d.deferred, senses[_i].is.deferred);
    ck_assert_int_eq(d.filemark, senses[_i].is.filemark);
    ck_assert_int_eq(d.eom, senses[_i].is.eom);
    ck_assert_int_eq(d.ili, senses[_i].is.ili);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, own_sense_is_18_bytes_of_fixed_format);
    tcase_add_test(tc, status_alone_carries_no_sense);
    tcase_add_loop_test(tc, sense_is_read_in_both_formats, 0, sizeof(senses) / sizeof(senses[0]));
}

int main(void)
{
    return run_tests("scsi-sense", NULL, NULL, add_tests);
}
