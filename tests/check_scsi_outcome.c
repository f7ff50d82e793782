// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What sg says -> what the guest is told: every errno, host byte, status, sense key and type. Two rules above all:
 * whatever failed shows in the status, and no answer starts the guest's error handling.
 */
#include "config.h"

#include <errno.h>

#include "check_scsi.h"
#include "scsi-page.h"

/* One type of each kind that the tables tell apart. */
enum {
    DISK = 0x00,
    TAPE = 0x01,
    OTHER = 0x05
};

/* --- errno of write() and read() --- */
static const struct {
    int err;
    uint8_t host, status;
    const char *disk, *tape, *other; /* sense */
} errnos[] = {
    { ENODEV, 0, 0x02, "05 25 00", "05 25 00", "05 25 00" },
    { ENXIO, 0, 0x02, "05 25 00", "05 25 00", "05 25 00" },
    { ENOMEM, 0, 0x08, "", "", "" },
    { EAGAIN, 0, 0x08, "", "", "" },
    { EBUSY, 0, 0x08, "", "", "" },
    { EMFILE, 0, 0x08, "", "", "" },
    { ENFILE, 0, 0x08, "", "", "" },
    { EDOM, 0, 0x08, "", "", "" },
    { EINVAL, 0, 0x02, "05 24 00", "05 24 00", "05 24 00" },
    { EMSGSIZE, 0, 0x02, "05 24 00", "05 24 00", "05 24 00" },
    { EPERM, 0, 0x02, "0b 08 00", "06 29 00", "0b 08 00" },
    { EACCES, 0, 0x02, "0b 08 00", "06 29 00", "0b 08 00" },
    { EIO, 0, 0x02, "0b 08 00", "06 29 00", "0b 08 00" },
    { EFAULT, 0, 0x02, "0b 08 00", "06 29 00", "0b 08 00" },
    { ETIMEDOUT, 0, 0x02, "0b 08 00", "06 29 00", "0b 08 00" },
    { 4095, 0, 0x02, "0b 08 00", "06 29 00", "0b 08 00" },
};

static void check_ending(const char *what, const struct scsi_outcome *o, uint8_t type, uint8_t host, uint8_t status,
                         const char *sense)
{
    struct scsi_answer a;

    memset(&a, 0xee, sizeof(a));
    ck_assert_uint_eq(scsi_map_outcome(o, type, SCSI_DIR_IN, 4096, &a), 0);
    must(a.host == host && a.status == status, "%s, type %u: host byte %u, status %02x", what, type, a.host, a.status);
    ck_assert_uint_eq(a.residual, 4096);
    check_own_sense(what, &a, sense);
}

START_TEST(errno_becomes_an_answer_without_data)
{
    /* The rest of the outcome is not to be looked at. */
    static const uint8_t stale[] = { 0x70, 0, 0x01 };
    struct scsi_outcome o = { .os_error = errnos[_i].err, .resid = 5, .sense = stale, .sense_len = 3, .host = 3 };
    char name[16];

    snprintf(name, sizeof(name), "errno %d", errnos[_i].err);
    check_ending(name, &o, DISK, errnos[_i].host, errnos[_i].status, errnos[_i].disk);
    check_ending(name, &o, TAPE, errnos[_i].host, errnos[_i].status, errnos[_i].tape);
    check_ending(name, &o, OTHER, errnos[_i].host, errnos[_i].status, errnos[_i].other);
}
END_TEST

/* --- host bytes: by type, "BUSY" or the sense of CHECK CONDITION --- */
static const struct {
    uint16_t host;
    uint8_t to;
    const char *disk, *tape, *other;
} hosts[] = {
    { 1, 0, "05 25 00", "05 25 00", "05 25 00" },      { 2, 0, "BUSY", "06 29 00", "0b 08 00" },
    { 3, 0, "0b 08 01", "06 29 00", "0b 08 01" },      { 4, 0, "05 25 00", "05 25 00", "05 25 00" },
    { 5, 0, "0b 08 00", "06 29 00", "0b 08 00" },      { 6, 0, "0b 47 00", "06 29 00", "0b 47 00" },
    { 7, 0, "0b 08 00", "06 29 00", "0b 08 00" },      { 8, 0, "0b 08 00", "06 29 00", "0b 08 00" },
    { 9, 0, "0b 08 00", "06 29 00", "0b 08 00" },      { 10, 0, "0b 08 00", "06 29 00", "0b 08 00" },
    { 11, 0, "0b 08 00", "06 29 00", "0b 08 00" },     { 12, 0, "BUSY", "06 29 00", "0b 08 00" },
    { 13, 0, "BUSY", "06 29 00", "0b 08 00" },         { 14, 0, "0b 08 00", "06 29 00", "0b 08 00" },
    { 15, 15, "0b 08 00", "06 29 00", "0b 08 00" },    { 16, 0, "04 44 00", "04 44 00", "04 44 00" },
    { 17, 0, "0b 08 00", "0b 08 00", "0b 08 00" },     { 18, 0, "07 27 07", "07 27 07", "07 27 07" },
    { 19, 0, "03 00 00", "03 00 00", "03 00 00" },     { 20, 15, "0b 08 00", "06 29 00", "0b 08 00" },
    { 21, 0, "0b 08 00", "06 29 00", "0b 08 00" },     { 0xff, 0, "0b 08 00", "06 29 00", "0b 08 00" },
    { 0x100, 0, "0b 08 00", "06 29 00", "0b 08 00" }, /* does not fit the byte it would be sent in */
    { 0xffff, 0, "0b 08 00", "06 29 00", "0b 08 00" },
};

static void check_host(const struct scsi_outcome *o, uint8_t type, uint8_t to, const char *ending)
{
    bool busy = strcmp(ending, "BUSY") == 0;
    char name[40];

    snprintf(name, sizeof(name), "host byte %u, status %02x", o->host, o->status);
    check_ending(name, o, type, to, busy ? 0x08 : 0x02, busy ? "" : ending);
}

/* Alone, and beside every status that is not the device's word: those of success, of waiting, and unknown ones. */
START_TEST(a_host_byte_becomes_a_status_and_sense)
{
    static const uint8_t statuses[] = { 0x00, 0x02, 0x04, 0x08, 0x10, 0x14, 0x22, 0x28, 0x30, 0x40, 0x01, 0xff };
    static const char *const no_failures[] = {
        "",
        "70 00 00 00 00 00 00 0a 00 00 00 00 00 00", /* NO SENSE */
        "70 00 01 00 00 00 00 0a 00 00 00 00 17 01", /* RECOVERED ERROR: Linux takes all data as read */
        "72 0f 00 00 00 00 00 00",                   /* COMPLETED */
        "71 00 03 00 00 00 00 0a 00 00 00 00 0c 00", /* deferred */
        "7f 00 03",
        "00 00 03 00 00 00 00 0a 00 00 00 00 11 00",
        "70 00",
        "72 03", /* too short for Linux */
    };
    bool note = hosts[_i].host >= 16 && hosts[_i].host <= 19;

    for (unsigned s = 0; s < sizeof(statuses); s++) {
        for (unsigned n = 0; n < sizeof(no_failures) / sizeof(no_failures[0]); n++) {
            uint8_t sense[32];
            struct scsi_outcome o = { .host = hosts[_i].host, .status = statuses[s], .sense = sense };

            if (note && (o.status == 0x08 || o.status == 0x28 || o.status == 0x30 || o.status == 0x40))
                continue; /* below */
            o.sense_len = (uint8_t)unhex(no_failures[n], sense, sizeof(sense));
            check_host(&o, DISK, hosts[_i].to, hosts[_i].disk);
            check_host(&o, TAPE, hosts[_i].to, hosts[_i].tape);
            check_host(&o, OTHER, hosts[_i].to, hosts[_i].other);
        }
    }
}
END_TEST

/* Every type is a disk, a tape or another one. */
START_TEST(an_unknown_end_by_type)
{
    static const char disks[33] = "D...D..D......D.....D...........";
    struct scsi_outcome o = { .host = 7 };

    for (unsigned type = 0; type < 256; type++) {
        const char *sense = type == 1 ? "06 29 00" : "0b 08 00";

        check_ending("host byte 7", &o, (uint8_t)type, 0, 0x02, sense);
    }
    o.host = 2;
    for (unsigned type = 0; type < 256; type++) {
        bool disk = type < 32 && disks[type] == 'D';

        check_ending("host byte 2", &o, (uint8_t)type, 0, disk ? 0x08 : 0x02,
                     disk        ? ""
                     : type == 1 ? "06 29 00"
                                 : "0b 08 00");
    }
}
END_TEST

START_TEST(a_conflict_beside_a_host_byte_is_the_devices_word)
{
    struct scsi_outcome o = { .host = hosts[_i].host, .status = 0x18 };

    for (unsigned type = 0; type < 32; type++)
        check_ending("conflict", &o, (uint8_t)type, 0, 0x18, "");
}
END_TEST

START_TEST(sense_beside_a_host_byte_is_the_devices_word)
{
    static const uint8_t statuses[] = { 0x00, 0x02 }, sense[] = { 0x72, 0x0b, 0x4b, 0x03 };
    struct scsi_answer a;

    if (hosts[_i].host >= 16 && hosts[_i].host <= 19)
        return; /* below */
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned type = 0; type < 32; type++) {
            struct scsi_outcome o = { .host = hosts[_i].host, .status = statuses[s], .sense = sense, .sense_len = 4 };

            ck_assert_uint_eq(scsi_map_outcome(&o, (uint8_t)type, SCSI_DIR_IN, 512, &a), 0);
            ck_assert_uint_eq(a.host, 0);
            ck_assert_uint_eq(a.status, 0x02);
            check_bytes("sense", a.sense, a.sense_len, "72 0b 4b 03");
            ck_assert_uint_eq(a.residual, 512);
            scsi_map_outcome(&o, (uint8_t)type, SCSI_DIR_OUT, 512, &a);
            ck_assert_uint_eq(a.residual, 512);
        }
    }
}
END_TEST

/* 16..19 are notes that old kernels' mid-layer made of status and sense. */
START_TEST(host_notes_beside_a_failing_status_are_dropped)
{
    static const uint8_t sense[18] = { 0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20 };
    static const uint8_t failing[] = { 0x08, 0x18, 0x28, 0x30, 0x40 };
    struct scsi_outcome o = {
        .host = (uint16_t)(16 + _i), .status = 0x02, .resid = 100, .sense = sense, .sense_len = 18
    };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_OUT, 512, &a), 0);
    ck_assert_uint_eq(a.host, 0);
    ck_assert_uint_eq(a.status, 0x02);
    ck_assert_uint_eq(a.residual, 100);
    check_own_sense("note", &a, "05 20 00");
    for (unsigned i = 0; i < sizeof(failing); i++) {
        o = (struct scsi_outcome){ .host = (uint16_t)(16 + _i), .status = failing[i] };
        check_ending("note", &o, DISK, 0, failing[i], "");
    }
}
END_TEST

/* --- status bytes, host 0: '=' as it is with data, '-' as it is without; all others are not known to guests --- */
START_TEST(statuses_that_guests_know_are_as_they_are)
{
    static const char known[256] = {
        [0x00] = '=', [0x04] = '=', [0x08] = '-', [0x10] = '=', [0x14] = '=',
        [0x18] = '-', [0x28] = '-', [0x30] = '-', [0x40] = '-',
    };
    uint8_t status = (uint8_t)_i;
    struct scsi_outcome o = { .status = status, .resid = 96 };
    struct scsi_answer a;

    if (!known[status]) {
        check_ending("unknown status", &o, DISK, 0, 0x02, "0b 08 00"); /* 02h without sense is one of them */
        check_ending("unknown status", &o, TAPE, 0, 0x02, "06 29 00");
        check_ending("unknown status", &o, OTHER, 0, 0x02, "0b 08 00");
        return;
    }
    ck_assert_uint_eq(scsi_map_outcome(&o, 0, SCSI_DIR_IN, 512, &a), known[status] == '=' ? 416 : 0);
    ck_assert_uint_eq(a.host, 0);
    ck_assert_uint_eq(a.status, status);
    ck_assert_uint_eq(a.sense_len, 0);
    ck_assert_uint_eq(a.residual, known[status] == '=' ? 96 : 512);
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
    { 3, 3 }, { 8, 8 }, { 18, 18 }, { 95, 95 }, { 96, 96 }, { 97, 96 }, { 255, 96 },
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

START_TEST(sense_length_without_sense_is_no_sense)
{
    struct scsi_outcome o = { .status = 0x02, .sense = NULL, .sense_len = 18 };

    check_ending("no sense", &o, TAPE, 0, 0x02, "06 29 00");
    check_ending("no sense", &o, DISK, 0, 0x02, "0b 08 00");
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

static const char *const unreadable[] = { "", "70", "70 00", "72", "72 01", "00 01 01 01", "6f 01 01 01", "80 01 01" };

START_TEST(check_condition_without_valid_sense_gets_some)
{
    uint8_t sense[8];
    struct scsi_outcome o = { .status = 0x02, .sense = sense };

    o.sense_len = (uint8_t)unhex(unreadable[_i], sense, sizeof(sense));
    check_ending(unreadable[_i], &o, DISK, 0, 0x02, "0b 08 00");
    check_ending(unreadable[_i], &o, TAPE, 0, 0x02, "06 29 00");
    check_ending(unreadable[_i], &o, OTHER, 0, 0x02, "0b 08 00");
}
END_TEST

START_TEST(vendor_specific_sense_passes_without_data)
{
    static const uint8_t sense[] = { 0x7f, 0x01, 0x01, 0x5a };
    struct scsi_outcome o = { .status = 0x02, .sense = sense, .sense_len = 4 };
    struct scsi_answer a;

    ck_assert_uint_eq(scsi_map_outcome(&o, TAPE, SCSI_DIR_IN, 512, &a), 0);
    ck_assert_uint_eq(a.status, 0x02);
    ck_assert_uint_eq(a.residual, 512);
    check_bytes("sense", a.sense, a.sense_len, "7f 01 01 5a");
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

/* --- the rules, whatever sg says --- */
static bool starts_no_error_handling(const struct scsi_answer *a)
{
    static const uint8_t known[] = { 0x00, 0x02, 0x04, 0x08, 0x10, 0x14, 0x18, 0x28, 0x30, 0x40 };

    if (a->host != 0 && a->host != 1 && a->host != 15)
        return false;
    if (!memchr(known, a->status, sizeof(known)))
        return false;
    return a->status != 0x02 || (a->sense_len >= 3 && (a->sense[0] & 0x70) == 0x70);
}

static bool says_failure(uint8_t status)
{
    return status != 0x00 && status != 0x04 && status != 0x10 && status != 0x14;
}

START_TEST(no_answer_starts_the_guests_error_handling)
{
    static const uint8_t types[] = { DISK, TAPE, OTHER };
    static const uint8_t sense[18] = { 0x70, 0, 0x01 };
    uint8_t type = types[_i];
    struct scsi_answer a;

    for (int err = 1; err < 140; err++) {
        struct scsi_outcome o = { .os_error = err };

        scsi_map_outcome(&o, type, SCSI_DIR_IN, 512, &a);
        must(says_failure(a.status) && starts_no_error_handling(&a), "errno %d", err);
        must(scsi_answer_is_safe(&a), "errno %d is not safe", err);
    }
    for (unsigned host = 0; host < 300; host++) {
        for (unsigned status = 0; status < 256; status++) {
            for (unsigned len = 0; len <= 18; len += 6) {
                struct scsi_outcome o = { .host = (uint16_t)host, .status = (uint8_t)status, .sense = sense };

                o.sense_len = (uint8_t)len;
                scsi_map_outcome(&o, type, SCSI_DIR_IN, 512, &a);
                must(starts_no_error_handling(&a) && scsi_answer_is_safe(&a), "host byte %u, status %02x: %u, %02x",
                     host, status, a.host, a.status);
                must(says_failure(a.status) || (host == 0 && !says_failure((uint8_t)status)),
                     "host byte %u, status %02x: %u, %02x", host, status, a.host, a.status);
            }
        }
    }
}
END_TEST

/* --- answers from elsewhere --- */
static const struct {
    uint8_t status, host;
    const char *sense;
    bool safe;
} answers[] = {
    { 0x00, 0, "", true },
    { 0x04, 0, "", true },
    { 0x08, 0, "", true },
    { 0x18, 0, "", true },
    { 0x02, 0, "70 00 05 00 00 00 00 0a 00 00 00 00 24 00", true },
    { 0x02, 1, "70 00 05 00 00 00 00 0a 00 00 00 00 25 00", true },
    { 0x02, 7, "72 0b 08 00", true },
    { 0x40, 5, "", true },  /* ABORT */
    { 0x40, 8, "", true },  /* RESET */
    { 0x00, 7, "", false }, /* the host byte alone says that it failed */
    { 0x04, 1, "", false },
    { 0x02, 0, "", false },
    { 0x02, 0, "00 00 05 00 00 00 00 0a 00 00 00 00 24 00", false },
    { 0x02, 3, "72 0b 08 01", false },
    { 0x02, 9, "72 0b 08 01", false },
    { 0x02, 16, "72 0b 08 01", false },
    { 0x02, 20, "72 0b 08 01", false },
    { 0x02, 255, "72 0b 08 01", false },
    { 0x08, 2, "", false },
    { 0x22, 0, "", false },
    { 0x03, 0, "70 00 05", false },
    { 0xff, 0, "", false },
};

START_TEST(an_answer_from_elsewhere_is_made_safe)
{
    for (unsigned type = 0; type < 2; type++) {
        struct scsi_answer a = { .status = answers[_i].status, .host = answers[_i].host, .residual = 7 }, before;

        a.sense_len = (uint8_t)unhex(answers[_i].sense, a.sense, SCSI_SENSE_MAX);
        before = a;
        must(scsi_answer_is_safe(&a) == answers[_i].safe, "status %02x, host byte %u", a.status, a.host);
        ck_assert_int_eq(scsi_answer_make_safe(&a, (uint8_t)type, 512), !answers[_i].safe);
        if (answers[_i].safe) {
            ck_assert_mem_eq(&a, &before, sizeof(a));
            continue;
        }
        ck_assert_uint_eq(a.status, 0x02);
        ck_assert_uint_eq(a.host, 0);
        ck_assert_uint_eq(a.residual, 512);
        check_own_sense("made safe", &a, type == TAPE ? "06 29 00" : "0b 08 00");
    }
}
END_TEST

START_TEST(a_test_unit_ready_fails_by_its_sense_alone)
{
    struct scsi_outcome o = { .host = 15 };
    struct scsi_answer a;

    scsi_map_outcome(&o, DISK, SCSI_DIR_NONE, 0, &a);
    ck_assert_uint_eq(a.host, 15);
    scsi_answer_of_test(&a);
    ck_assert_uint_eq(a.host, 0);
    ck_assert_uint_eq(a.status, 0x02);
    ck_assert_uint_eq(a.sense[2], 0x0b);
    /* One that an ABORT has ended keeps the byte that says so. */
    scsi_answer_status(&a, 0x40, 5, 0);
    scsi_answer_of_test(&a);
    ck_assert_uint_eq(a.host, 5);
    ck_assert_uint_eq(a.status, 0x40);
}
END_TEST

/* --- kinds --- */
static const struct {
    int err;
    uint8_t status;
    uint16_t host;
    const char *sense;
    const char *name;
    bool error;
} kinds[] = {
    { 0, 0x00, 0, "", "good", false },
    { 0, 0x00, 0, "71 00 03", "good", false },
    { 0, 0x10, 0, "", "good", false },
    { 0, 0x04, 0, "", "condition met", false },
    { 0, 0x02, 0, "70 00 01", "recovered error", false },
    { 0, 0x02, 0, "72 0f 00", "recovered error", false },
    { 0, 0x02, 0, "f0 00 80", "mark", false }, /* a file mark */
    { 0, 0x02, 0, "f0 00 40", "mark", false }, /* early warning */
    { 0, 0x02, 0, "f0 00 20", "mark", false }, /* a short block */
    { 0, 0x02, 0, "72 00 00 01 00 00 00 04 04 02 00 80", "mark", false },
    { 0, 0x02, 0, "70 00 00", "recovered error", false },
    { 0, 0x02, 0, "72 00 00 17 00 00 00 00", "recovered error", false },
    { 0, 0x02, 0, "71 00 00", "other sense", true },
    { 0, 0x02, 0, "70 00 02", "not ready", true },
    { 0, 0x02, 0, "70 00 03", "medium error", true },
    { 0, 0x02, 0, "70 00 04", "hardware error", true },
    { 0, 0x02, 0, "70 00 05", "illegal request", true },
    { 0, 0x02, 0, "70 00 06", "unit attention", true },
    { 0, 0x02, 0, "70 00 07", "data protect", true },
    { 0, 0x02, 0, "70 00 08", "blank check", true },
    { 0, 0x02, 0, "70 00 09", "other sense", true },
    { 0, 0x02, 0, "70 00 0a", "other sense", true },
    { 0, 0x02, 0, "70 00 0b", "aborted command", true },
    { 0, 0x02, 0, "70 00 0c", "other sense", true },
    { 0, 0x02, 0, "70 00 0d", "other sense", true },
    { 0, 0x02, 0, "70 00 0e", "miscompare", true },
    { 0, 0x02, 0, "7f 00 03", "other sense", true },
    { 0, 0x02, 0, "", "aborted command", true }, /* as it went to the guest */
    { 0, 0x08, 0, "", "busy", true },
    { 0, 0x28, 0, "", "busy", true },
    { 0, 0x18, 0, "", "reservation conflict", true },
    { 0, 0x18, 7, "", "reservation conflict", true },
    { 0, 0x30, 0, "", "other status", true },
    { 0, 0x40, 0, "", "other status", true },
    { 0, 0x00, 3, "", "time-out", true },
    { 0, 0x00, 2, "", "host", true },
    { 0, 0x00, 7, "", "host", true },
    { 0, 0x02, 7, "70 00 01", "host", true },
    { 0, 0x02, 3, "70 00 03", "medium error", true },
    { ENODEV, 0, 0, "", "host", true },
    { EIO, 0, 3, "", "host", true },
    { ENOMEM, 0, 0, "", "host", true },
};

START_TEST(an_end_has_a_kind)
{
    uint8_t sense[32];
    struct scsi_outcome o = { .os_error = kinds[_i].err, .status = kinds[_i].status, .host = kinds[_i].host };
    struct scsi_answer a;
    enum scsi_kind kind;

    o.sense = sense;
    o.sense_len = (uint8_t)unhex(kinds[_i].sense, sense, sizeof(sense));
    scsi_map_outcome(&o, DISK, SCSI_DIR_IN, 512, &a);
    kind = scsi_kind_of(&o, &a);
    ck_assert_str_eq(scsi_kind_name(kind), kinds[_i].name);
    ck_assert_int_eq(scsi_kind_is_error(kind), kinds[_i].error);
}
END_TEST

START_TEST(an_answer_of_our_own_has_a_kind)
{
    struct scsi_answer a;

    scsi_answer_sense(&a, (struct scsi_sense){ 0x06, 0x29, 0x00 }, 0, 0);
    ck_assert_str_eq(scsi_kind_name(scsi_kind_of(NULL, &a)), "unit attention");
    scsi_answer_status(&a, 0x08, 0, 0);
    ck_assert_str_eq(scsi_kind_name(scsi_kind_of(NULL, &a)), "busy");
}
END_TEST

START_TEST(every_kind_has_a_name_of_its_own)
{
    for (int i = 0; i < SCSI_KINDS; i++) {
        ck_assert_ptr_nonnull(scsi_kind_name((enum scsi_kind)i));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(scsi_kind_name((enum scsi_kind)i), scsi_kind_name((enum scsi_kind)j));
    }
    ck_assert_str_eq(scsi_kind_name(SCSI_KIND_REFUSED), "refused");
    ck_assert(scsi_kind_is_error(SCSI_KIND_REFUSED));
    ck_assert_str_eq(scsi_kind_name(SCSI_KIND_POLICY), "refused by policy");
    ck_assert(scsi_kind_is_error(SCSI_KIND_POLICY));
    ck_assert_str_eq(scsi_kind_name(SCSI_KINDS), "unknown");
}
END_TEST

/* --- docs/scsi.md has the same tables --- */
/* "0B/08/01" -> "0b 08 01"; "BUSY" stays. */
static const char *ending_of(const char *cell, char out[9])
{
    snprintf(out, 9, "%s", cell);
    if (strcmp(out, "BUSY") != 0) {
        for (char *p = out; *p; p++)
            *p = *p == '/' ? ' ' : (*p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p);
    }
    return out;
}

static bool host_told[22];

static void check_host_row(char *cell[CELLS], unsigned n)
{
    struct scsi_outcome o = { .host = (uint16_t)strtoul(cell[0], NULL, 10) };
    char ending[9];
    uint8_t to;

    ck_assert_uint_eq(n, CELLS);
    if (strcmp(cell[0], "any other") == 0)
        o.host = 21;
    must(o.host > 0 && o.host < 22 && !host_told[o.host], "a row for host byte %s", cell[0]);
    host_told[o.host] = true;
    to = (uint8_t)strtoul(cell[5], NULL, 10);
    check_host(&o, DISK, to, ending_of(cell[2], ending));
    check_host(&o, TAPE, to, ending_of(cell[3], ending));
    check_host(&o, OTHER, to, ending_of(cell[4], ending));
    must(strlen(cell[6]) >= 8, "host byte %s: no reason", cell[0]);
}

START_TEST(the_documented_host_bytes_are_these)
{
    ck_assert_uint_eq(read_table("### Host bytes", check_host_row), 2 + 21);
}
END_TEST

static bool status_told[256];

static void check_status_row(char *cell[CELLS], unsigned n)
{
    char *end;
    unsigned long status = strtoul(cell[0], &end, 16);
    static const uint8_t sense[3] = { 0x70, 0, 0x01 };
    struct scsi_outcome o = { .status = (uint8_t)status, .resid = 96, .sense = sense, .sense_len = 3 };
    struct scsi_answer a;

    ck_assert_uint_ge(n, 4);
    if (strcmp(cell[0], "any other") == 0) {
        for (unsigned i = 0; i < 256; i++) {
            o.status = (uint8_t)i;
            if (!status_told[i])
                check_ending("any other status", &o, DISK, 0, 0x02, "0b 08 00");
        }
        return;
    }
    must(*end == 'h' && status < 256 && !status_told[status], "a row for status %s", cell[0]);
    status_told[status] = true;
    must(strncmp(cell[2], "as it is", 8) == 0, "status %s: %s", cell[0], cell[2]);
    scsi_map_outcome(&o, DISK, SCSI_DIR_IN, 512, &a);
    ck_assert_uint_eq(a.status, status);
    must(a.residual == (strcmp(cell[3], "all") == 0 ? 512 : 96), "status %s: residual %u", cell[0], a.residual);
}

START_TEST(the_documented_statuses_are_these)
{
    ck_assert_uint_eq(read_table("### Statuses", check_status_row), 2 + 11);
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *s = suite_create("scsi-outcome");
    TCase *tc = tcase_create("outcome");

    LOOP(tc, errno_becomes_an_answer_without_data, errnos);
    LOOP(tc, a_host_byte_becomes_a_status_and_sense, hosts);
    tcase_add_test(tc, an_unknown_end_by_type);
    LOOP(tc, a_conflict_beside_a_host_byte_is_the_devices_word, hosts);
    LOOP(tc, sense_beside_a_host_byte_is_the_devices_word, hosts);
    tcase_add_loop_test(tc, host_notes_beside_a_failing_status_are_dropped, 0, 4);
    tcase_add_loop_test(tc, statuses_that_guests_know_are_as_they_are, 0, 256);
    tcase_add_loop_test(tc, status_other_than_check_condition_drops_sense, 0, 5);
    LOOP(tc, residual_is_clamped_to_the_request, resids);
    tcase_add_test(tc, direction_none_gives_no_data);
    LOOP(tc, sense_is_copied_with_its_real_length, sense_lens);
    tcase_add_test(tc, good_with_sense_keeps_the_sense_and_the_data);
    tcase_add_test(tc, sense_length_without_sense_is_no_sense);
    tcase_add_loop_test(tc, data_with_check_condition_by_type_and_sense_key, 0, 32);
    LOOP(tc, check_condition_without_valid_sense_gets_some, unreadable);
    tcase_add_test(tc, vendor_specific_sense_passes_without_data);
    tcase_add_test(tc, three_bytes_of_sense_are_enough_for_a_key);
    tcase_add_loop_test(tc, no_answer_starts_the_guests_error_handling, 0, 3);
    suite_add_tcase(s, tc);
    tc = tcase_create("elsewhere");
    LOOP(tc, an_answer_from_elsewhere_is_made_safe, answers);
    suite_add_tcase(s, tc);
    tcase_add_test(tc, a_test_unit_ready_fails_by_its_sense_alone);
    tc = tcase_create("kinds");
    LOOP(tc, an_end_has_a_kind, kinds);
    tcase_add_test(tc, an_answer_of_our_own_has_a_kind);
    tcase_add_test(tc, every_kind_has_a_name_of_its_own);
    suite_add_tcase(s, tc);
    tc = tcase_create("docs");
    tcase_add_test(tc, the_documented_host_bytes_are_these);
    tcase_add_test(tc, the_documented_statuses_are_these);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
