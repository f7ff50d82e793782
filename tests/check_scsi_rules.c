// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of rules: of one device, and of a config file. */
#include "config.h"

#include "check_scsi.h"

static const struct {
    const char *text;
    bool deny;
    int n; /* -1: refused */
    struct scsi_rule first, last;
    const char *why; /* a part of the message */
} lists[] = {
    { "3b", false, 1, { 0x3b, 0, 0, 0 }, { 0x3b, 0, 0, 0 }, "" },
    { "3B", true, 1, { 0x3b, 0, 0, 1 }, { 0x3b, 0, 0, 1 }, "" },
    { "a3/0f+85", false, 2, { 0xa3, 1, 0x0f, 0 }, { 0x85, 0, 0, 0 }, "" },
    { "00/00+ff/1f", false, 2, { 0x00, 1, 0x00, 0 }, { 0xff, 1, 0x1f, 0 }, "" },
    { "a2/20+b5/ff", false, 2, { 0xa2, 1, 0x20, 0 }, { 0xb5, 1, 0xff, 0 }, "" },
    { "01+02+03+04+05+06+07+08+09+0a+0b+0c+0d+0e+0f+10+11+12+13+14+15+16+17+18",
      false,
      24,
      { 0x01, 0, 0, 0 },
      { 0x18, 0, 0, 0 },
      "" },
    { "01+02+03+04+05+06+07+08+09+0a+0b+0c+0d+0e+0f+10+11+12+13+14+15+16+17+18+19",
      false,
      -1,
      { 0 },
      { 0 },
      "more than 24 commands" },
    { "", false, -1, { 0 }, { 0 }, "'' is no command" },
    { "3b+", false, -1, { 0 }, { 0 }, "'' is no command" },
    { "+3b", false, -1, { 0 }, { 0 }, "'' is no command" },
    { "3", false, -1, { 0 }, { 0 }, "'3' is no command" },
    { "3bh", false, -1, { 0 }, { 0 }, "'3bh' is no command" },
    { "0x3b", false, -1, { 0 }, { 0 }, "'0x3b' is no command" },
    { "3b/5", false, -1, { 0 }, { 0 }, "'3b/5' is no command" },
    { "3b/050", false, -1, { 0 }, { 0 }, "'3b/050' is no command" },
    { "3b.05", false, -1, { 0 }, { 0 }, "'3b.05' is no command" },
    { "gg", false, -1, { 0 }, { 0 }, "'gg' is no command; expected an opcode in two hexadecimal digits" },
    { "3b 85", false, -1, { 0 }, { 0 }, "not part of a command" },
    { "\n", false, -1, { 0 }, { 0 }, "not part of a command" },
    { "a3/20", false, -1, { 0 }, { 0 }, "'a3/20': a service action is 00 to 1f" },
    { "00", true, -1, { 0 }, { 0 }, "'00' cannot be denied" },
    { "03", true, -1, { 0 }, { 0 }, "'03' cannot be denied" },
    { "2a+12", true, -1, { 0 }, { 0 }, "'12' cannot be denied" },
    { "a0", true, -1, { 0 }, { 0 }, "'a0' cannot be denied" },
    { "12", false, 1, { 0x12, 0, 0, 0 }, { 0x12, 0, 0, 0 }, "" },
};

static void check_rule(const struct scsi_rule *got, const struct scsi_rule *want)
{
    ck_assert_uint_eq(got->opcode, want->opcode);
    ck_assert_uint_eq(got->some_action, want->some_action);
    ck_assert_uint_eq(got->action, want->action);
    ck_assert_uint_eq(got->deny, want->deny);
}

START_TEST(rules_of_a_device)
{
    struct scsi_rule rules[SCSI_RULE_LIST_MAX];
    char why[SCSI_RULES_WHY_MAX] = "";
    int n = scsi_rules_parse(lists[_i].text, lists[_i].deny, rules, why);

    if (lists[_i].n < 0) {
        ck_assert_int_lt(n, 0);
        must(strstr(why, lists[_i].why) != NULL, "'%s': %s", lists[_i].text, why);
        return;
    }
    must(n == lists[_i].n, "'%s': %d, %s", lists[_i].text, n, why);
    check_rule(&rules[0], &lists[_i].first);
    check_rule(&rules[n - 1], &lists[_i].last);
}
END_TEST

#define DISKS (1u << 0x00 | 1u << 0x04 | 1u << 0x07 | 1u << 0x0e | 1u << 0x14)
static const struct {
    const char *text;
    bool deny;
    int n; /* -1: refused */
    bool all;
    uint32_t first, last; /* their types */
    const char *why;
} typed[] = {
    { "", false, 0, false, 0, 0, "" },
    { "  ", false, 0, false, 0, 0, "" },
    { "none", false, 0, false, 0, 0, "" },
    { "none", true, 0, false, 0, 0, "" },
    { "all", false, 0, true, 0, 0, "" },
    { "tape:b5", false, 1, false, 1u << 0x01, 1u << 0x01, "" },
    { "disk:85+a1\tchanger:16+17 ", false, 4, false, DISKS, 1u << 0x08, "" },
    { "optical:3b all:4c", true, 2, false, 1u << 0x05, UINT32_MAX, "" },
    { "other:24", false, 1, false, ~(DISKS | 1u << 0x01 | 1u << 0x05 | 1u << 0x08),
      ~(DISKS | 1u << 0x01 | 1u << 0x05 | 1u << 0x08), "" },
    { "all", true, -1, false, 0, 0, "'all' is no type of device" },
    { "3b", false, -1, false, 0, 0, "'3b' is no type of device; expected TYPE:COMMANDS" },
    { "tapes:3b", false, -1, false, 0, 0, "'tapes' is no type of device" },
    { ":3b", false, -1, false, 0, 0, "'' is no type of device" },
    { "tape:", false, -1, false, 0, 0, "'' is no command" },
    { "tape:zz", false, -1, false, 0, 0, "'zz' is no command" },
    { "tape:3b disk", false, -1, false, 0, 0, "'disk' is no type of device" },
    { "none disk:3b", false, -1, false, 0, 0, "'none' is no type of device" },
    { "disk:12", true, -1, false, 0, 0, "'12' cannot be denied" },
    { "disk:01+02+03+04+05+06+07+08+09+0a+0b+0c tape:01+02+03+04+05+06+07+08+09+0a+0b+0c", false, 24, false, DISKS,
      1u << 0x01, "" },
    { "disk:01+02+03+04+05+06+07+08+09+0a+0b+0c tape:01+02+03+04+05+06+07+08+09+0a+0b+0c all:0d", false, -1, false, 0,
      0, "more than 24 commands" },
};

START_TEST(rules_of_a_config_file)
{
    struct scsi_typed_rules rules = { .n = 99 };
    char why[SCSI_RULES_WHY_MAX] = "";
    int r = scsi_typed_rules_parse(typed[_i].text, typed[_i].deny, &rules, why);

    if (typed[_i].n < 0) {
        ck_assert_int_lt(r, 0);
        must(strstr(why, typed[_i].why) != NULL, "'%s': %s", typed[_i].text, why);
        ck_assert_uint_eq(rules.n, 99);
        return;
    }
    must(r == 0, "'%s': %s", typed[_i].text, why);
    ck_assert_uint_eq(rules.n, (unsigned)typed[_i].n);
    ck_assert_int_eq(rules.all, typed[_i].all);
    if (rules.n > 0) {
        ck_assert_uint_eq(rules.types[0], typed[_i].first);
        ck_assert_uint_eq(rules.types[rules.n - 1], typed[_i].last);
    }
}
END_TEST

START_TEST(each_type_belongs_to_one_group)
{
    for (uint8_t t = 0; t < 32; t++) {
        const char *name = scsi_type_group(t);
        bool disk = DISKS >> t & 1;

        ck_assert_str_eq(name, disk        ? "disk"
                               : t == 0x01 ? "tape"
                               : t == 0x05 ? "optical"
                               : t == 0x08 ? "changer"
                                           : "other");
        ck_assert(scsi_types_named(name, strlen(name)) >> t & 1);
    }
    ck_assert_str_eq(scsi_type_group(32), "other");
    ck_assert_uint_eq(scsi_types_named("tap", 3), 0);
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *tc)
{
    LOOP(tc, rules_of_a_device, lists);
    LOOP(tc, rules_of_a_config_file, typed);
    tcase_add_test(tc, each_type_belongs_to_one_group);
}

int main(void)
{
    return run_tests("scsi-rules", NULL, NULL, add_tests);
}
