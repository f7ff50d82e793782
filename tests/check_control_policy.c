// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules of a LUN: the config of the backend domain, and what the toolstack asks for within it. */
#include "config.h"

#include "check_scsi.h"
#include "control/policy.h"

static const struct {
    const char *allow, *deny, *permit; /* the config */
    uint8_t type;
    bool host, copy;
    const char *dev_allow, *dev_deny; /* the device; "": none */
    bool want_host;
    const char *narrowed;
    const char *rules; /* opcode, some_action, action, deny each */
} cases[] = {
    { "none", "none", "all", 0x00, false, false, "", "", false, "", "" },
    { "none", "none", "all", 0x00, true, false, "", "", true, "", "" },
    { "tape:b5/20", "none", "all", 0x00, false, false, "", "", false, "", "" },
    { "tape:b5/20", "none", "all", 0x01, false, false, "", "", false, "", "b5 01 20 00" },
    { "disk:85", "all:04", "all", 0x00, false, false, "3b", "2a", false, "",
      "04 00 00 01 2a 00 00 01 85 00 00 00 3b 00 00 00" },
    { "none", "none", "all", 0x00, false, true, "", "", false, "",
      "18 00 00 00 39 00 00 00 3a 00 00 00 7f 00 00 00 83 00 00 00 84 00 00 00" },
    /* The toolstack may allow nothing. */
    { "none", "none", "none", 0x00, true, false, "", "", false, "feature-host", "" },
    { "none", "none", "none", 0x00, false, false, "3b", "", false, "allow=3b", "" },
    { "none", "none", "none", 0x00, false, true, "", "", false, "third-party-copy", "" },
    { "disk:3b", "none", "none", 0x00, false, false, "3b", "", false, "", "3b 00 00 00" },
    { "none", "none", "none", 0x00, false, false, "", "2a", false, "", "2a 00 00 01" }, /* less is no question */
    /* It may allow some. */
    { "none", "none", "disk:3b", 0x00, false, false, "3b/05", "", false, "", "3b 01 05 00" },
    { "none", "none", "disk:3b/05", 0x00, false, false, "3b", "", false, "allow=3b (permitted: 3b/05)", "3b 01 05 00" },
    { "none", "none", "disk:3b/05", 0x00, false, false, "3b/05", "", false, "", "3b 01 05 00" },
    { "none", "none", "disk:3b/05", 0x00, false, false, "3b/07", "", false, "allow=3b/07", "" },
    { "none", "none", "tape:3b", 0x00, false, false, "3b", "", false, "allow=3b", "" },
    { "none", "none", "disk:3b", 0x00, false, false, "3b+85", "", false, "allow=85", "3b 00 00 00" },
    /* With feature-host: what is permitted, without third-party copy. */
    { "none", "none", "disk:3b+83 tape:4c", 0x00, true, false, "", "", false, "feature-host", "3b 00 00 00" },
    { "none", "none", "disk:83", 0x00, true, true, "", "", false, "feature-host, third-party-copy (permitted: 83)",
      "83 00 00 00" },
    /* What the config denies stays denied, whoever asks for it. */
    { "none", "disk:42/01 tape:3b", "all", 0x00, false, false, "42+3b", "", false, "allow=42 (denied: 42/01)",
      "42 01 01 01 42 00 00 00 3b 00 00 00" },
    { "none", "disk:42", "all", 0x00, false, false, "42/01", "", false, "allow=42/01 (denied: 42/01)",
      "42 00 00 01 42 01 01 00" },
    { "none", "disk:84", "all", 0x00, false, true, "", "", false, "third-party-copy (denied: 84)",
      "84 00 00 01 18 00 00 00 39 00 00 00 3a 00 00 00 7f 00 00 00 83 00 00 00 84 00 00 00" },
    { "none", "none", "disk:3b/01+3b/02+3b/03+3b/04+3b/05+3b/06+3b/07+3b/08+3b/09+3b/0a", 0x00, false, false, "3b", "",
      false, "allow=3b (permitted: 3b/01+3b/02+3b/03+3b/04+3b/05+3b/06+3b/07+3b/08...)",
      "3b 01 01 00 3b 01 02 00 3b 01 03 00 3b 01 04 00 3b 01 05 00 3b 01 06 00 3b 01 07 00 3b 01 08 00 3b 01 09 00 "
      "3b 01 0a 00" },
};

static void put(struct rules_setting *s, const char *text, bool deny)
{
    char why[SCSI_RULES_WHY_MAX];

    must(scsi_typed_rules_parse(text, deny, &s->rules, why) == 0, "%s: %s", text, why);
}

static unsigned list(struct scsi_rule *rules, const char *text, bool deny)
{
    char why[SCSI_RULES_WHY_MAX];
    int n = *text ? scsi_rules_parse(text, deny, rules, why) : 0;

    must(n >= 0, "%s: %s", text, why);
    return (unsigned)n;
}

START_TEST(the_rules_of_a_lun)
{
    struct settings s = { .policy = true };
    struct wish wish = { .third_party_copy = cases[_i].copy };
    struct lun_policy p;

    put(&s.allow, cases[_i].allow, false);
    put(&s.deny, cases[_i].deny, true);
    put(&s.permit, cases[_i].permit, false);
    wish.n_allow = list(wish.allow, cases[_i].dev_allow, false);
    wish.n_deny = list(wish.deny, cases[_i].dev_deny, true);
    policy_make(&s, cases[_i].type, cases[_i].host, &wish, &p);
    ck_assert_int_eq(p.feature_host, cases[_i].want_host);
    ck_assert_str_eq(p.narrowed, cases[_i].narrowed);
    check_bytes("rules", (const uint8_t *)p.rules.rule, p.rules.n * 4, cases[_i].rules);
}
END_TEST

START_TEST(the_longest_lists_fit)
{
    static const char longest[] = "all:01+02+04+05+06+07+08+09+0a+0b+0c+0d+0e+0f+10+11+13+14+15+16+17+18+19+1a";
    struct settings s = { .policy = true };
    struct wish wish = { .third_party_copy = true };
    struct lun_policy p;

    put(&s.allow, longest, false);
    put(&s.deny, longest, true);
    put(&s.permit, "all", false);
    wish.n_allow = list(wish.allow, longest + 4, false);
    wish.n_deny = list(wish.deny, longest + 4, true);
    policy_make(&s, 0x00, true, &wish, &p);
    ck_assert_uint_eq(p.rules.n, 4 * 24 + 6);
    put(&s.permit, longest, false);
    policy_make(&s, 0x00, true, &wish, &p);
    ck_assert_uint_le(p.rules.n, SCSI_RULES_MAX);
    ck_assert_uint_eq(p.rules.n, 4 * 24 + 23 + 1); /* feature-host: all but COPY; COPY as third-party copy */
}
END_TEST

START_TEST(without_the_policy_all_but_what_is_denied_is_allowed)
{
    struct settings s = { .policy = false };
    struct wish wish = { 0 };
    struct lun_policy p;

    put(&s.deny, "disk:04 tape:19", true);
    put(&s.permit, "none", false);
    wish.n_deny = list(wish.deny, "2a", true);
    wish.n_allow = list(wish.allow, "3b", false);
    policy_make(&s, 0x00, false, &wish, &p);
    ck_assert(p.feature_host && !p.narrowed[0]);
    check_bytes("rules", (const uint8_t *)p.rules.rule, p.rules.n * 4,
                "04 00 00 01 2a 00 00 01 18 00 00 00 39 00 00 00 3a 00 00 00 7f 00 00 00 83 00 00 00 84 00 00 00");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, the_rules_of_a_lun, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, the_longest_lists_fit);
    tcase_add_test(tc, without_the_policy_all_but_what_is_denied_is_allowed);
}

int main(void)
{
    return run_tests("control-policy", NULL, NULL, add_tests);
}
