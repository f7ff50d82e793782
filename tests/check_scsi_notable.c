// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which ends of commands the log names by default: by kind and sense data, and as docs/scsi.md has it.
 */
#include "config.h"

#include "check_scsi.h"
#include "scsi-page.h"

static const struct {
    uint8_t status;
    const char *sense; /* "": none */
    bool notable;
} ends[] = {
    { 0x00, "", false },
    { 0x04, "", false },
    { 0x08, "", false },
    { 0x18, "", true },
    { 0x28, "", false },
    { 0x40, "", true },
    { 0x02, "72 00 00 00 00 00 00 00", false },
    { 0x02, "72 00 00 17 00 00 00 00", true },
    { 0x02, "72 00 00 16 00 00 00 00", false }, /* OPERATION IN PROGRESS */
    { 0x02, "72 00 0b 01 00 00 00 00", true },
    { 0x02, "72 00 5d 10 00 00 00 00", true },
    { 0x02, "72 01 17 01 00 00 00 00", false },
    { 0x02, "72 01 5d 10 00 00 00 00", true },
    { 0x02, "72 01 0b 01 00 00 00 00", true },
    { 0x02, "72 02 3a 00 00 00 00 00", false },
    { 0x02, "72 02 3a 01 00 00 00 00", false },
    { 0x02, "72 02 3a 02 00 00 00 00", false },
    { 0x02, "72 02 04 00 00 00 00 00", true },
    { 0x02, "72 02 04 01 00 00 00 00", false },
    { 0x02, "72 02 04 02 00 00 00 00", false },
    { 0x02, "72 02 04 03 00 00 00 00", true },
    { 0x02, "72 02 04 07 00 00 00 00", false },
    { 0x02, "72 02 04 0b 00 00 00 00", false },
    { 0x02, "72 02 04 0c 00 00 00 00", true },
    { 0x02, "72 02 30 00 00 00 00 00", true },
    { 0x02, "72 03 11 00 00 00 00 00", true },
    { 0x02, "72 04 44 00 00 00 00 00", true },
    { 0x02, "72 05 20 00 00 00 00 00", false },
    { 0x02, "72 05 21 00 00 00 00 00", true },
    { 0x02, "72 05 24 00 00 00 00 00", false },
    { 0x02, "72 05 25 00 00 00 00 00", true },
    { 0x02, "72 06 28 00 00 00 00 00", false },
    { 0x02, "72 06 29 00 00 00 00 00", false },
    { 0x02, "72 06 38 07 00 00 00 00", true },
    { 0x02, "72 06 3f 0e 00 00 00 00", false },
    { 0x02, "72 06 3f 05 00 00 00 00", true },
    { 0x02, "72 06 5d 00 00 00 00 00", true },
    { 0x02, "72 07 27 00 00 00 00 00", true },
    { 0x02, "72 08 00 05 00 00 00 00", false },
    { 0x02, "72 0b 47 00 00 00 00 00", true },
    { 0x02, "72 0e 1d 00 00 00 00 00", false },
    { 0x02, "70 00 05 00 00 00 00 0a 00 00 00 00 24 00 00 00 00 00", false },
    { 0x02, "70 00 80 00 00 00 00 0a 00 00 00 00 00 01 00 00 00 00", false }, /* a file mark */
    { 0x02, "", true },
};

static struct scsi_answer answer_with(uint8_t status, const char *sense)
{
    struct scsi_answer a = { .status = status };

    a.sense_len = (uint8_t)unhex(sense, a.sense, SCSI_SENSE_MAX);
    return a;
}

START_TEST(an_end_is_routine_or_notable)
{
    struct scsi_answer a = answer_with(ends[_i].status, ends[_i].sense);

    must(scsi_is_notable(scsi_kind_of(NULL, &a), &a) == ends[_i].notable, "status %02x, %s", ends[_i].status,
         ends[_i].sense);
}
END_TEST

/* Sense data of our own says why, but the kind says who: pvscsid refuses without a word, dom0 gives nothing up so. */
START_TEST(what_the_device_did_not_say_goes_by_its_kind)
{
    struct scsi_answer out_of_range = answer_with(0x02, "72 05 21 00 00 00 00 00");
    struct scsi_answer no_medium = answer_with(0x02, "72 02 3a 00 00 00 00 00");

    ck_assert(!scsi_is_notable(SCSI_KIND_REFUSED, &out_of_range));
    ck_assert(!scsi_is_notable(SCSI_KIND_POLICY, &out_of_range));
    ck_assert(scsi_is_notable(SCSI_KIND_HOST, &no_medium));
    ck_assert(scsi_is_notable(SCSI_KIND_TIME_OUT, &no_medium));
    ck_assert(scsi_is_notable(SCSI_KINDS, &no_medium));
}
END_TEST

/* --- docs/scsi.md has the same table --- */
enum {
    LINE_NONE,
    LINE_WARNING
};
static uint8_t said[16][256][256];    /* by sense data: 1 + LINE_*; 0: "any other" */
static uint8_t precise[16][256][256]; /* how many of asc and ascq the row names */
static bool other_said;

static void say(const char *code, uint8_t line)
{
    unsigned long key = strtoul(code, NULL, 16), asc = strtoul(code + 3, NULL, 16), ascq = strtoul(code + 6, NULL, 16);
    bool any_asc = strncmp(code + 3, "xx", 2) == 0, any_ascq = strncmp(code + 6, "xx", 2) == 0;
    uint8_t names = (uint8_t)(1 + !any_asc + !any_ascq);

    must(strlen(code) >= 8 && code[2] == '/' && code[5] == '/' && key < 16 && (!any_asc || any_ascq), "%s", code);
    for (unsigned i = any_asc ? 0 : (unsigned)asc; i <= (any_asc ? 255 : (unsigned)asc); i++) {
        for (unsigned j = any_ascq ? 0 : (unsigned)ascq; j <= (any_ascq ? 255 : (unsigned)ascq); j++) {
            must(precise[key][i][j] != names, "two rows for %s", code);
            if (precise[key][i][j] > names)
                continue;
            precise[key][i][j] = names;
            said[key][i][j] = (uint8_t)(1 + line);
        }
    }
}

static void read_row(char *cell[CELLS], unsigned n)
{
    uint8_t line;

    ck_assert_uint_eq(n, 3);
    line = strcmp(cell[1], "warning") == 0 ? LINE_WARNING : LINE_NONE;
    must(line == LINE_WARNING || strcmp(cell[1], "debug") == 0, "%s", cell[1]);
    if (strcmp(cell[0], "any other failure") == 0) {
        ck_assert_uint_eq(line, LINE_WARNING);
        other_said = true;
        return;
    }
    if (cell[0][0] == '0')
        for (char *code = strtok(cell[0], ", "); code; code = strtok(NULL, ", "))
            say(code, line);
}

START_TEST(the_documented_log_lines_are_these)
{
    ck_assert_uint_eq(read_table("## What the log says", read_row), 2 + 11);
    ck_assert(other_said);
    for (unsigned key = 0; key < 16; key++) {
        for (unsigned asc = 0; asc < 256; asc++) {
            for (unsigned ascq = 0; ascq < 256; ascq++) {
                struct scsi_answer a = { .status = 0x02,
                                         .sense_len = 8,
                                         .sense = { 0x72, (uint8_t)key, (uint8_t)asc, (uint8_t)ascq } };
                enum scsi_kind kind = scsi_kind_of(NULL, &a);
                uint8_t want = said[key][asc][ascq];

                if (!scsi_kind_is_error(kind) && !want)
                    want = 1 + LINE_NONE; /* no failure */
                must(scsi_is_notable(kind, &a) == (want != 1 + LINE_NONE), "%02X/%02X/%02X", key, asc, ascq);
            }
        }
    }
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

int main(void)
{
    Suite *s = suite_create("scsi-notable");
    TCase *tc = tcase_create("notable");

    LOOP(tc, an_end_is_routine_or_notable, ends);
    tcase_add_test(tc, what_the_device_did_not_say_goes_by_its_kind);
    tcase_add_test(tc, the_documented_log_lines_are_these);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
