// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands and sense data in words. The words are libsgutils2's, so they are compared without regard to case. */
#include "config.h"

#include <ctype.h>

#include "check_scsi.h"

#include "common/sense-text.h"

static void check_text(char *got, const char *expected)
{
    for (char *p = got; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    ck_assert_str_eq(got, expected);
}

static const struct {
    const char *cdb;
    uint8_t type;
    const char *name;
} commands[] = {
    { "00 00 00 00 00 00", 0x00, "test unit ready" },
    { "28 00 00 00 00 00 00 00 08 00", 0x00, "read(10)" },
    { "9e 10", 0x00, "read capacity(16)" },
    { "5f 07", 0x00, "persistent reserve out, register and move" },
    { "a3 0c", 0x00, "report supported operation codes" },
    { "a4", 0x05, "report key" },
    { "01", 0x01, "rewind" },
    { "c1", 0x00, "vendor specific [0xc1]" },
};

START_TEST(a_command_has_its_name)
{
    uint8_t cdb[SCSI_CDB_MAX];
    unsigned len = unhex(commands[_i].cdb, cdb, sizeof(cdb));
    char text[SENSE_TEXT_SIZE];

    sense_text_command(cdb, (uint8_t)len, commands[_i].type, text, sizeof(text));
    check_text(text, commands[_i].name);
}
END_TEST

static const struct {
    const char *sense, *text;
} senses[] = {
    { "70 00 03 00 00 00 00 0a 00 00 00 00 11 00 00 00 00 00", "medium error: unrecovered read error (03/11/00)" },
    { "71 00 04 00 00 00 00 0a 00 00 00 00 44 00 00 00 00 00",
      "deferred: hardware error: internal target failure (04/44/00)" },
    { "72 05 24 00 00 00 00 00", "illegal request: invalid field in cdb (05/24/00)" },
    { "73 0b 08 01 00 00 00 00", "deferred: aborted command: logical unit communication time-out (0b/08/01)" },
    { "70 00 06", "unit attention: no additional sense information (06/00/00)" }, /* codes not there: 0 */
    { "", "no valid sense data" },
    { "7f 00 03 00 00 00 00 0a 00 00 00 00 11 00", "no valid sense data" },
    { "00 00 03 00 00 00 00 0a 00 00 00 00 11 00", "no valid sense data" },
};

START_TEST(sense_data_has_words_and_numbers)
{
    uint8_t sense[SCSI_SENSE_MAX];
    unsigned len = unhex(senses[_i].sense, sense, sizeof(sense));
    char text[SENSE_TEXT_SIZE];

    sense_text(sense, (uint8_t)len, text, sizeof(text));
    check_text(text, senses[_i].text);
}
END_TEST

START_TEST(a_text_never_leaves_its_room)
{
    static const uint8_t sense[18] = { 0x70, 0, 0x03, [7] = 10, [12] = 0x11 };
    static const uint8_t cdb[16] = { 0x5f, 0x07 };

    for (size_t size = 1; size <= SENSE_TEXT_SIZE; size++) {
        char *text = malloc(size);

        must(text != NULL, "no memory");
        memset(text, 'x', size);
        sense_text(sense, sizeof(sense), text, size);
        must(memchr(text, '\0', size) != NULL, "sense, %zu bytes: no end", size);
        memset(text, 'x', size);
        sense_text_command(cdb, sizeof(cdb), 0, text, size);
        must(memchr(text, '\0', size) != NULL, "command, %zu bytes: no end", size);
        free(text);
    }
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_command_has_its_name, 0, sizeof(commands) / sizeof(commands[0]));
    tcase_add_loop_test(t, sense_data_has_words_and_numbers, 0, sizeof(senses) / sizeof(senses[0]));
    tcase_add_test(t, a_text_never_leaves_its_room);
}

int main(void)
{
    return run_tests("sense-text", NULL, NULL, add_tests);
}
