// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The result from sg and the result for the guest: every errno, host byte, status, sense
 * key and type. The first rule is that every failure shows in the status byte.
 */
#include "config.h"

#include <errno.h>

#include "check_scsi.h"

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

/* --- errno of write() and read() --- */
static const struct {
    int err;
    uint8_t host, status;
    const char *sense;
} errnos[] = {
    { ENODEV, 1, 0x02, "05 25 00" },   { ENXIO, 1, 0x02, "05 25 00" },  { ENOMEM, 0, 0x08, "" },
    { EAGAIN, 0, 0x08, "" },           { EDOM, 0, 0x08, "" },           { EINVAL, 0, 0x02, "05 24 00" },
    { EMSGSIZE, 0, 0x02, "05 24 00" }, { EPERM, 7, 0x02, "0b 08 00" },  { EACCES, 7, 0x02, "0b 08 00" },
    { EIO, 7, 0x02, "0b 08 00" },      { EFAULT, 7, 0x02, "0b 08 00" }, { ETIMEDOUT, 7, 0x02, "0b 08 00" },
    { 4095, 7, 0x02, "0b 08 00" },
};

START_TEST(errno_becomes_an_answer_without_data)
{
    /* The rest of the outcome is not to be looked at. */
    static const uint8_t stale[] = { 0x70, 0, 0x01 };
    struct scsi_outcome o = { .os_error = errnos[_i].err, .resid = 5, .sense = stale, .sense_len = 3, .host = 3 };
    struct scsi_answer a;
    char name[16];

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_IN, 4096, &a), 0);
    ck_assert_uint_eq(a.host, errnos[_i].host);
    ck_assert_uint_eq(a.status, errnos[_i].status);
    ck_assert_uint_eq(a.residual, 4096);
    snprintf(name, sizeof(name), "errno %d", errnos[_i].err);
    check_own_sense(name, &a, errnos[_i].sense);
}
END_TEST

/* --- host bytes --- */
static const struct {
    uint16_t host;
    uint8_t to, status;
    const char *sense;
} hosts[] = {
    { 1, 1, 0x02, "05 25 00" },
    { 2, 2, 0x08, "" },
    { 3, 3, 0x02, "0b 08 01" },
    { 4, 4, 0x02, "05 25 00" },
    { 5, 5, 0x02, "0b 08 00" },
    { 6, 6, 0x02, "0b 47 00" },
    { 7, 7, 0x02, "0b 08 00" },
    { 8, 8, 0x02, "0b 08 00" },
    { 9, 9, 0x02, "0b 08 00" },
    { 10, 10, 0x02, "0b 08 00" },
    { 11, 11, 0x02, "0b 08 00" },
    { 12, 12, 0x08, "" },
    { 13, 13, 0x08, "" },
    { 14, 14, 0x02, "0b 08 00" },
    { 15, 15, 0x02, "0b 08 00" },
    { 16, 16, 0x02, "0b 08 00" },
    { 17, 17, 0x02, "0b 08 00" },
    { 18, 18, 0x02, "07 27 07" },
    { 19, 19, 0x02, "03 00 00" },
    { 20, 20, 0x02, "0b 08 00" },
    { 21, 7, 0x02, "0b 08 00" },
    { 0xff, 7, 0x02, "0b 08 00" },
    { 0x100, 7, 0x02, "0b 08 00" }, /* does not fit the byte it is sent in */
    { 0xffff, 7, 0x02, "0b 08 00" },
};

START_TEST(host_byte_is_never_alone)
{
    struct scsi_outcome o = { .host = hosts[_i].host, .status = 0, .resid = 0 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_IN, 4096, &a), 0);
    ck_assert_uint_eq(a.host, hosts[_i].to);
    ck_assert_uint_eq(a.status, hosts[_i].status);
    ck_assert_uint_eq(a.residual, 4096);
    check_own_sense("host", &a, hosts[_i].sense);
}
END_TEST

START_TEST(host_byte_with_a_sense_buffer_but_no_sense)
{
    static const uint8_t empty[18];
    struct scsi_outcome o = { .host = 7, .sense = empty, .sense_len = 0 };
    struct scsi_answer a;

    scsi_map_outcome(&o, 0, SCSI_DIR_IN, 512, &a);
    ck_assert_uint_eq(a.status, 0x02);
    check_own_sense("empty", &a, "0b 08 00");
}
END_TEST

START_TEST(host_byte_with_a_failing_status_keeps_both)
{
    struct scsi_outcome o = { .host = 14, .status = 0x18, .resid = 0 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_OUT, 512, &a), 0);
    ck_assert_uint_eq(a.host, 14);
    ck_assert_uint_eq(a.status, 0x18);
    ck_assert_uint_eq(a.residual, 512);
    ck_assert_uint_eq(a.sense_len, 0);
}
END_TEST

START_TEST(host_byte_with_sense_is_a_check_condition_with_that_sense)
{
    static const uint8_t sense[] = { 0x72, 0x0b, 0x4b, 0x03 };
    struct scsi_outcome o = { .host = 3, .status = 0, .sense = sense, .sense_len = 4 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_IN, 512, &a), 0);
    ck_assert_uint_eq(a.host, 3);
    ck_assert_uint_eq(a.status, 0x02);
    check_bytes("sense", a.sense, a.sense_len, "72 0b 4b 03");
    ck_assert_uint_eq(a.residual, 512);
}
END_TEST

/* 16..19 are host bytes that the mid-layer of old kernels derives from status and sense. */
START_TEST(host_notes_beside_a_failing_status_are_dropped)
{
    static const uint8_t sense[18] = { 0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20 };
    struct scsi_outcome o = {
        .host = (uint16_t)(16 + _i), .status = 0x02, .resid = 100, .sense = sense, .sense_len = 18
    };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_OUT, 512, &a), 0);
    ck_assert_uint_eq(a.host, 0);
    ck_assert_uint_eq(a.status, 0x02);
    ck_assert_uint_eq(a.residual, 100);
    check_own_sense("note", &a, "05 20 00");

    o = (struct scsi_outcome){ .host = (uint16_t)(16 + _i), .status = 0x18 };
    scsi_map_outcome(&o, 0, SCSI_DIR_OUT, 512, &a);
    ck_assert_uint_eq(a.host, 0);
    ck_assert_uint_eq(a.status, 0x18);
}
END_TEST

/* --- status bytes, host 0 --- */
START_TEST(every_status_byte_goes_to_the_guest_as_it_is)
{
    uint8_t status = (uint8_t)_i;
    bool moved = status == 0x00 || status == 0x04 || status == 0x10 || status == 0x14;
    struct scsi_outcome o = { .status = status, .resid = 96 };
    struct scsi_answer a;
    uint32_t in = scsi_map_outcome(&o, 0, SCSI_DIR_IN, 512, &a);

    ck_assert_uint_eq(a.host, 0);
    ck_assert_uint_eq(a.status, status);
    ck_assert_uint_eq(a.sense_len, 0);
    ck_assert_uint_eq(in, moved ? 416 : 0);
    ck_assert_uint_eq(a.residual, moved ? 96 : 512);
}
END_TEST

START_TEST(status_other_than_check_condition_drops_sense)
{
    static const uint8_t failing[] = { 0x08, 0x18, 0x28, 0x30, 0x40 };
    static const uint8_t sense[18] = { 0x70, 0, 0x06 };
    struct scsi_outcome o = { .status = failing[_i], .sense = sense, .sense_len = 18 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 1, SCSI_DIR_IN, 512, &a), 0);
    ck_assert_uint_eq(a.sense_len, 0);
    ck_assert_uint_eq(a.residual, 512);
}
END_TEST

/* --- residual --- */
static const struct {
    int32_t resid;
    uint32_t len;
    uint32_t residual, in;
} resids[] = {
    { 0, 512, 0, 512 },
    { 1, 512, 1, 511 },
    { 512, 512, 512, 0 },
    { 513, 512, 512, 0 },
    { INT32_MAX, 512, 512, 0 },
    { -1, 512, 0, 512 },
    { INT32_MIN, 512, 0, 512 },
    { 0, 0, 0, 0 },
    { 4, 0, 0, 0 },
    { -4, 0, 0, 0 },
};

START_TEST(residual_is_clamped_to_the_request)
{
    struct scsi_outcome o = { .resid = resids[_i].resid };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_IN, resids[_i].len, &a), resids[_i].in);
    ck_assert_uint_eq(a.residual, resids[_i].residual);
    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_OUT, resids[_i].len, &a), 0);
    ck_assert_uint_eq(a.residual, resids[_i].residual);
    ck_assert_uint_eq(a.status, 0);
}
END_TEST

START_TEST(direction_none_gives_no_data)
{
    struct scsi_outcome o = { .resid = 0 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_NONE, 0, &a), 0);
    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_BOTH, 512, &a), 0);
}
END_TEST

/* --- sense --- */
static const struct {
    uint8_t said, given;
} sense_lens[] = {
    { 0, 0 }, { 1, 1 }, { 8, 8 }, { 18, 18 }, { 95, 95 }, { 96, 96 }, { 97, 96 }, { 255, 96 },
};

START_TEST(sense_is_copied_with_its_real_length)
{
    static uint8_t sense[255] = { 0x70, 0, 0x03, 0, 0, 0x12, 0x34, 247, 0, 0, 0, 0, 0x11 };
    struct scsi_outcome o = { .status = 0x02, .sense = sense, .sense_len = sense_lens[_i].said };
    struct scsi_answer a;

    memset(sense + 18, 0x5a, sizeof(sense) - 18);
    memset(&a, 0xee, sizeof(a));
    scsi_map_outcome(&o, 0, SCSI_DIR_IN, 512, &a);
    ck_assert_uint_eq(a.status, 0x02);
    ck_assert_uint_eq(a.sense_len, sense_lens[_i].given);
    ck_assert_mem_eq(a.sense, sense, a.sense_len);
    for (unsigned i = a.sense_len; i < SCSI_SENSE_MAX; i++)
        ck_assert_uint_eq(a.sense[i], 0);
}
END_TEST

START_TEST(good_with_sense_keeps_the_sense_and_the_data)
{
    static const uint8_t sense[18] = { 0x71, 0, 0x03, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x0c };
    struct scsi_outcome o = { .sense = sense, .sense_len = 18, .resid = 12 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_IN, 512, &a), 500);
    ck_assert_uint_eq(a.status, 0);
    ck_assert_uint_eq(a.residual, 12);
    ck_assert_uint_eq(a.sense_len, 18);
    ck_assert_mem_eq(a.sense, sense, 18);
}
END_TEST

START_TEST(sense_length_without_sense_is_harmless)
{
    struct scsi_outcome o = { .status = 0x02, .sense = NULL, .sense_len = 18 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 1, SCSI_DIR_IN, 512, &a), 0);
    ck_assert_uint_eq(a.sense_len, 0);
}
END_TEST

/*
 * Data-in with CHECK CONDITION: one character a sense key, 0..F; D: len - resid arrives,
 * '.': none does. Disks as sd drives them: 0, 4, 7, 0Eh, 14h.
 */
static const char *const with_data[32] = {
    [0x00] = ".D..............", [0x04] = ".D..............", [0x07] = ".D..............", [0x0e] = ".D..............",
    [0x14] = ".D..............", [0x01] = "DD.DD...D....D.D", [0x02] = "DD.DD...D....D.D", [0x03] = "DD.DD...D....D.D",
    [0x05] = "DD.DD...D....D.D", [0x06] = "DD.DD...D....D.D", [0x08] = "DD.DD...D....D.D", [0x09] = "DD.DD...D....D.D",
    [0x0a] = "DD.DD...D....D.D", [0x0b] = "DD.DD...D....D.D", [0x0c] = "DD.DD...D....D.D", [0x0d] = "DD.DD...D....D.D",
    [0x0f] = "DD.DD...D....D.D", [0x10] = "DD.DD...D....D.D", [0x11] = "DD.DD...D....D.D", [0x12] = "DD.DD...D....D.D",
    [0x13] = "DD.DD...D....D.D", [0x15] = "DD.DD...D....D.D", [0x16] = "DD.DD...D....D.D", [0x17] = "DD.DD...D....D.D",
    [0x18] = "DD.DD...D....D.D", [0x19] = "DD.DD...D....D.D", [0x1a] = "DD.DD...D....D.D", [0x1b] = "DD.DD...D....D.D",
    [0x1c] = "DD.DD...D....D.D", [0x1d] = "DD.DD...D....D.D", [0x1e] = "DD.DD...D....D.D", [0x1f] = "DD.DD...D....D.D",
};

START_TEST(data_with_check_condition_by_type_and_sense_key)
{
    uint8_t type = (uint8_t)_i;

    for (uint8_t key = 0; key < 16; key++) {
        bool data = with_data[type][key] == 'D';
        /* ILI, EOM and FILEMARK are not part of the key. */
        uint8_t fixed[18] = { 0xf0, 0, (uint8_t)(0xe0 | key) }, desc[8] = { 0x72, (uint8_t)(0xf0 | key) };
        struct scsi_outcome o = { .status = 0x02, .resid = 12, .sense = fixed, .sense_len = 18 };
        struct scsi_answer a;

        ck_assert_uint_eq(scsi_map_outcome(&o, type, SCSI_DIR_IN, 512, &a), data ? 500 : 0);
        ck_assert_uint_eq(a.residual, data ? 12 : 512);
        ck_assert_mem_eq(a.sense, fixed, 18);
        o.sense = desc;
        o.sense_len = 8;
        ck_assert_uint_eq(scsi_map_outcome(&o, type, SCSI_DIR_IN, 512, &a), data ? 500 : 0);
        /* A deferred error: this command was not performed. */
        fixed[0] = 0x71;
        o.sense = fixed;
        ck_assert_uint_eq(scsi_map_outcome(&o, type, SCSI_DIR_IN, 512, &a), 0);
        ck_assert_uint_eq(a.residual, 512);
        desc[0] = 0x73;
        o.sense = desc;
        ck_assert_uint_eq(scsi_map_outcome(&o, type, SCSI_DIR_IN, 512, &a), 0);
        /* Data-out is as the device says. */
        ck_assert_uint_eq(scsi_map_outcome(&o, type, SCSI_DIR_OUT, 512, &a), 0);
        ck_assert_uint_eq(a.residual, 12);
    }
}
END_TEST

static const struct {
    const char *sense;
} unreadable[] = {
    { "" }, { "70" }, { "70 00" }, { "72 01" }, { "7f 01 01 01" }, { "00 01 01 01" },
};

START_TEST(unreadable_sense_brings_no_data)
{
    uint8_t sense[8];
    struct scsi_outcome o = { .status = 0x02, .sense = sense };
    struct scsi_answer a;

    o.sense_len = (uint8_t)unhex(unreadable[_i].sense, sense, sizeof(sense));
    ck_assert_uint_eq(scsi_map_outcome(&o, 1, SCSI_DIR_IN, 512, &a), 0);
    ck_assert_uint_eq(a.status, 0x02);
    ck_assert_uint_eq(a.residual, 512);
    ck_assert_uint_eq(a.sense_len, o.sense_len);
}
END_TEST

START_TEST(three_bytes_of_sense_are_enough_for_a_key)
{
    static const uint8_t sense[3] = { 0x70, 0, 0x00 };
    struct scsi_outcome o = { .status = 0x02, .sense = sense, .sense_len = 3 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 1, SCSI_DIR_IN, 512, &a), 512);
    ck_assert_uint_eq(a.sense_len, 3);
}
END_TEST

/* Every result that is not a success says so in the low byte. */
START_TEST(no_failure_hides_behind_a_good_status)
{
    struct scsi_answer a;

    for (int err = 1; err < 140; err++) {
        struct scsi_outcome o = { .os_error = err };

        scsi_map_outcome(&o, 0, SCSI_DIR_IN, 512, &a);
        must(a.status != 0, "errno %d", err);
    }
    for (unsigned host = 1; host < 0x10000; host++) {
        static const uint8_t success[] = { 0x00, 0x04, 0x10, 0x14 };

        for (unsigned s = 0; s < sizeof(success); s++) {
            struct scsi_outcome o = { .host = (uint16_t)host, .status = success[s] };

            scsi_map_outcome(&o, 0, SCSI_DIR_IN, 512, &a);
            must((a.status == 0x02 || a.status == 0x08) && a.host != 0, "host %u: %02x", host, a.status);
        }
    }
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *s = suite_create("scsi-sense");
    TCase *tc = tcase_create("answers");

    tcase_add_test(tc, own_sense_is_18_bytes_of_fixed_format);
    tcase_add_test(tc, status_alone_carries_no_sense);
    suite_add_tcase(s, tc);
    tc = tcase_create("outcome");
    LOOP(tc, errno_becomes_an_answer_without_data, errnos);
    LOOP(tc, host_byte_is_never_alone, hosts);
    tcase_add_test(tc, host_byte_with_a_sense_buffer_but_no_sense);
    tcase_add_test(tc, host_byte_with_a_failing_status_keeps_both);
    tcase_add_test(tc, host_byte_with_sense_is_a_check_condition_with_that_sense);
    tcase_add_loop_test(tc, host_notes_beside_a_failing_status_are_dropped, 0, 4);
    tcase_add_loop_test(tc, every_status_byte_goes_to_the_guest_as_it_is, 0, 256);
    tcase_add_loop_test(tc, status_other_than_check_condition_drops_sense, 0, 5);
    LOOP(tc, residual_is_clamped_to_the_request, resids);
    tcase_add_test(tc, direction_none_gives_no_data);
    LOOP(tc, sense_is_copied_with_its_real_length, sense_lens);
    tcase_add_test(tc, good_with_sense_keeps_the_sense_and_the_data);
    tcase_add_test(tc, sense_length_without_sense_is_harmless);
    tcase_add_loop_test(tc, data_with_check_condition_by_type_and_sense_key, 0, 32);
    LOOP(tc, unreadable_sense_brings_no_data, unreadable);
    tcase_add_test(tc, three_bytes_of_sense_are_enough_for_a_key);
    tcase_add_test(tc, no_failure_hides_behind_a_good_status);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
