// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: what its workers are told when the settings, or the
 * toolstack's options of a device, change under way.
 */
#include "config.h"

#include "host-fixture.h"

static void set_rules(struct rules_setting *s, const char *text, bool deny)
{
    char why[SCSI_RULES_WHY_MAX];

    ck_assert_msg(scsi_typed_rules_parse(text, deny, &s->rules, why) == 0, "%s", why);
}

static void rules_are(const struct worker_msg *m, unsigned n, uint8_t opcode, bool deny)
{
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(m->u.lun.n_rules, n);
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(m->u.lun.rule[i].opcode, opcode);
        ck_assert_uint_eq(m->u.lun.rule[i].some_action, 0);
        ck_assert_uint_eq(m->u.lun.rule[i].deny, deny);
    }
}

START_TEST(rules_of_the_config_reach_the_luns_that_guests_have)
{
    struct fake_child *w;
    const struct worker_msg *m;

    connected();
    w = fake_child();
    ck_assert_uint_eq(fake_count(w, WM_LUN_CHANGE), 0);
    set_rules(&settings.deny, "disk:42", true);
    host_settings_changed(host);
    m = fake_last(w, WM_LUN_CHANGE);
    rules_are(m, 1, 0x42, true);
    ck_assert_uint_eq(m->lun_index, fake_last(w, WM_LUN_ADD)->lun_index);
    ck_assert_uint_eq(m->u.lun.flags & LUN_FEATURE_HOST, 0);
    /* So does a successor. */
    fake_die(w);
    UNTIL(fake_child() != w && fake_count(fake_child(), WM_LUN_ADD) == 1);
    rules_are(fake_last(fake_child(), WM_LUN_ADD), 1, 0x42, true);
    set_rules(&settings.deny, "none", true);
    host_settings_changed(host);
    rules_are(fake_last(fake_child(), WM_LUN_CHANGE), 0, 0, false);
    settings.policy = false;
    host_settings_changed(host);
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_CHANGE)->u.lun.flags, LUN_FEATURE_HOST);
}
END_TEST

START_TEST(what_is_not_permitted_any_more_is_taken_away)
{
    start();
    create_vhost(3, 0);
    fake_put(LUN_0 "/allow", "3b");
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(LUN_0 "/state", "3");
    rules_are(fake_last(fake_child(), WM_LUN_ADD), 1, 0x3b, false);
    log_to_file();
    set_rules(&settings.permit, "none", false);
    host_settings_changed(host);
    rules_are(fake_last(fake_child(), WM_LUN_CHANGE), 0, 0, false);
    ck_assert_uint_eq(logged("does not permit"), 1);
}
END_TEST

START_TEST(a_device_that_no_worker_has_is_no_matter_for_one)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, "no such device", "0:0:0:0");
    expect(LUN_0 "/state", "6");
    host_settings_changed(host);
    add_dev(BACK, 1, pdev_a, "0:0:0:1");
    expect(BACK "/vscsi-devs/dev-1/state", "3");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
    host_settings_changed(host);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_CHANGE)->lun_index,
                      fake_last(fake_child(), WM_LUN_ADD)->lun_index);
}
END_TEST

START_TEST(workers_learn_how_long_to_look)
{
    settings.poll = 50;
    connected();
    ck_assert_uint_eq(fake_last(fake_child(), WM_INIT)->u.init.poll_us, 50);
    settings.poll = 7;
    host_settings_changed(host);
    ck_assert_uint_eq(fake_last(fake_child(), WM_POLL)->u.poll_us, 7);
}
END_TEST

static uint32_t wish(struct fake_child *w, uint32_t pages)
{
    struct worker_msg msg = { .type = WM_PAGES };

    msg.u.pages = pages;
    fake_say(w, &msg);
    let_happen_ms(0);
    return fake_last(w, WM_PAGES)->u.pages;
}

START_TEST(a_smaller_budget_is_divided_anew)
{
    struct fake_child *a, *b;
    unsigned n;

    settings.granted_pages = 1000;
    start();
    connected_guest(3, pdev_a);
    a = fake_child();
    connected_guest(4, pdev_b);
    b = fake_child();
    ck_assert_uint_eq(wish(a, 600), 600);
    ck_assert_uint_eq(wish(b, 600), 400);
    settings.granted_pages = 501;
    host_settings_changed(host);
    ck_assert_uint_eq(fake_last(a, WM_PAGES)->u.pages, 300);
    ck_assert_uint_eq(fake_last(b, WM_PAGES)->u.pages, 200);
    ck_assert_uint_eq(host->pages, 500);
    ck_assert_uint_eq(wish(a, 600), 301);
    settings.granted_pages = 0;
    host_settings_changed(host);
    ck_assert_uint_eq(fake_last(a, WM_PAGES)->u.pages, 0);
    ck_assert_uint_eq(fake_last(b, WM_PAGES)->u.pages, 0);
    /* A larger one is there for those who ask. */
    n = fake_count(a, WM_PAGES);
    settings.granted_pages = 2000;
    host_settings_changed(host);
    ck_assert_uint_eq(fake_count(a, WM_PAGES), n);
    ck_assert_uint_eq(wish(a, 600), 600);
}
END_TEST

/* --- the options of a device --- */

static void change_to(const char *number)
{
    fake_put(LUN_0 "/change", number);
}

static const uint32_t all_flags = LUN_FEATURE_HOST | LUN_READONLY | LUN_PR_FORCED | LUN_PR_MOVE;

START_TEST(changed_options_reach_the_worker_and_are_answered)
{
    static const struct {
        const char *node, *value;
        uint32_t flags;
        unsigned pr_mode, n_rules;
    } changes[] = {
        { "readonly", "1", LUN_READONLY, PR_DIRECT, 0 },
        { "pr", "deny", LUN_READONLY, PR_DENY, 0 },
        { "pr-force", "1", LUN_READONLY | LUN_PR_FORCED, PR_DENY, 0 },
        { "pr-move", "1", LUN_READONLY | LUN_PR_FORCED | LUN_PR_MOVE, PR_DENY, 0 },
        { "readonly", "0", LUN_PR_FORCED | LUN_PR_MOVE, PR_DENY, 0 },
        { "readonly", NULL, LUN_PR_FORCED | LUN_PR_MOVE, PR_DENY, 0 },
        { "allow", "3b", LUN_PR_FORCED | LUN_PR_MOVE, PR_DENY, 1 },
        { "deny", "42+93", LUN_PR_FORCED | LUN_PR_MOVE, PR_DENY, 3 },
        { "allow", NULL, LUN_PR_FORCED | LUN_PR_MOVE, PR_DENY, 2 },
        { "pr", "direct", LUN_PR_FORCED | LUN_PR_MOVE, PR_DIRECT, 2 },
    };

    settings.pr_mode = PR_DIRECT;
    connected();
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        CLEANUP_FREE char *number = strf("%zu", i + 1), *node = strf(LUN_0 "/%s", changes[i].node);
        const struct worker_msg *m;

        if (changes[i].value)
            fake_put(node, changes[i].value);
        else
            fake_remove(node);
        change_to(number);
        expect(LUN_0 "/changed", number);
        ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), i + 1);
        m = fake_last(fake_child(), WM_LUN_CHANGE);
        ck_assert_uint_eq(m->u.lun.flags & all_flags, changes[i].flags);
        ck_assert_uint_eq(m->u.lun.pr_mode, changes[i].pr_mode);
        ck_assert_uint_eq(m->u.lun.n_rules, changes[i].n_rules);
    }
    /* Nothing of this touches the device. */
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
    ck_assert(node_is(LUN_0 "/state", "4"));
}
END_TEST

static const struct {
    const char *node, *value, *why;
} refused[] = {
    { "pr", "off", "pr is 'off'; expected auto, helper, direct or deny" },
    { "allow", "zz", "allow is 'zz': " },
    { "deny", "12", "deny is '12': " },
    { "v-dev", "0:0:0:7", "the v-dev cannot change" },
    { "v-dev", "x", "v-dev is 'x'; expected h:c:t:l" },
    { "p-dev", "/dev/other", "the device itself cannot change" },
    { "unit", "naa.5", "the device itself cannot change" },
    { "feature-host", "1", "feature-host cannot change" },
    { "pr", "helper", "the guest's worker got no way to the PR helper when it was given the device" },
    { "pr", "auto", "the guest's worker got no way to the PR helper when it was given the device" },
};

START_TEST(a_refused_change_changes_nothing)
{
    CLEANUP_FREE char *node = strf(LUN_0 "/%s", refused[_i].node), *answer = NULL, *before = NULL;
    const struct worker_msg *m;

    settings.pr_mode = PR_DIRECT;
    connected();
    before = fake_get(node) ? strdup(fake_get(node)) : NULL;
    fake_put(LUN_0 "/readonly", "1");
    fake_put(node, refused[_i].value);
    change_to("7");
    UNTIL(fake_get(LUN_0 "/changed"));
    answer = strf("7 %s", refused[_i].why);
    ck_assert_msg(strncmp(fake_get(LUN_0 "/changed"), answer, strlen(answer)) == 0, "%s, not %s",
                  fake_get(LUN_0 "/changed"), answer);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
    /* The toolstack puts the nodes back. */
    if (before)
        fake_put(node, before);
    else
        fake_remove(node);
    fake_remove(LUN_0 "/readonly");
    change_to("8");
    expect(LUN_0 "/changed", "8");
    m = fake_last(fake_child(), WM_LUN_CHANGE);
    ck_assert_uint_eq(m->u.lun.flags & all_flags, 0);
    ck_assert_uint_eq(m->u.lun.pr_mode, PR_DIRECT);
}
END_TEST

/* Without the node `pr` the mode is the one that the config had when the device was attached. */
START_TEST(a_change_keeps_the_mode_of_reservations)
{
    settings.pr_mode = PR_AUTO;
    connected();
    settings.pr_mode = PR_DENY;
    fake_put(LUN_0 "/readonly", "1");
    change_to("1");
    expect(LUN_0 "/changed", "1");
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_CHANGE)->u.lun.pr_mode, PR_AUTO);
    /* And back, to the helper too. */
    fake_put(LUN_0 "/pr", "direct");
    change_to("2");
    expect(LUN_0 "/changed", "2");
    fake_put(LUN_0 "/pr", "helper");
    change_to("3");
    expect(LUN_0 "/changed", "3");
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_CHANGE)->u.lun.pr_mode, PR_HELPER);
}
END_TEST

/* 0: the worker dies before it answers; 1: the daemon ends; 2: the change comes while there is no daemon. */
START_TEST(a_change_outlives_who_carries_it_out)
{
    const struct worker_msg *m;

    connected();
    fake_child_mute = true;
    fake_put(LUN_0 "/readonly", "1");
    if (_i == 2) {
        stop();
        change_to("5");
    } else {
        change_to("5");
        UNTIL(fake_count(fake_child(), WM_LUN_CHANGE) == 1);
        let_happen();
        ck_assert_ptr_null(fake_get(LUN_0 "/changed"));
    }
    fake_child_mute = false;
    write_journal(8, 9, false);
    if (_i == 0) {
        fake_die(fake_child());
    } else {
        if (_i == 1)
            stop();
        restart();
    }
    expect(LUN_0 "/changed", "5");
    m = fake_last(fake_child(), WM_LUN_ADD);
    ck_assert_uint_eq(m->u.lun.flags & all_flags, LUN_READONLY);
    /* It is not answered again. */
    fake_put(LUN_0 "/changed", "5 so");
    write_journal(8, 9, false);
    stop();
    restart();
    UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_CONNECT) == 1);
    let_happen();
    ck_assert_str_eq(fake_get(LUN_0 "/changed"), "5 so");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
}
END_TEST

/* The daemon reads its config again between the worker's answer and the answer to the toolstack. */
START_TEST(a_reload_does_not_lose_an_answer)
{
    struct worker_msg heard = { .type = WM_LUN_CHANGED, .u.change = 5 };

    connected();
    fake_child_mute = true;
    change_to("5");
    UNTIL(fake_count(fake_child(), WM_LUN_CHANGE) == 1);
    fake_say(fake_child(), &heard);
    host_settings_changed(host);
    expect(LUN_0 "/changed", "5");
}
END_TEST

/* Whether the next worker uses the helper is known when it has answered, and not before. */
START_TEST(a_change_waits_for_what_the_next_worker_says_of_the_helper)
{
    settings.pr_mode = PR_AUTO;
    connected();
    write_journal(8, 9, false);
    fake_child_mute = true;
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    fake_put(LUN_0 "/pr", "helper");
    change_to("1");
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_UNUSED });
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_ADDED });
    UNTIL(fake_get(LUN_0 "/changed"));
    ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/changed"), "1 the guest's worker got no way to the PR helper"));
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
}
END_TEST

/* The same of a device that is on its way back to its worker. */
START_TEST(a_change_waits_for_a_device_that_returns)
{
    connected_disk();
    fake_child_mute = true;
    say_lost();
    UNTIL(last_flags() & LUN_RETURNED);
    fake_put(LUN_0 "/readonly", "1");
    change_to("1");
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_ADDED });
    UNTIL(fake_count(fake_child(), WM_LUN_CHANGE) == 1);
}
END_TEST

static void is_refused(const char *number, const char *what)
{
    CLEANUP_FREE char *answer = strf("%s the config of the backend domain does not permit %s: leave it out, or add it "
                                     "to permit in pvscsid.conf(5) there",
                                     number, what);

    change_to(number);
    expect(LUN_0 "/changed", answer);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
}

START_TEST(what_the_config_does_not_permit_is_no_change)
{
    settings.permit.rules.all = false;
    set_rules(&settings.permit, "disk:3b+42/01 tape:3c", false);
    connected();
    fake_put(LUN_0 "/allow", "3b+3c");
    is_refused("1", "allow=3c");
    fake_put(LUN_0 "/allow", "42/02");
    is_refused("2", "allow=42/02");
    fake_remove(LUN_0 "/allow");
    fake_put(LUN_0 "/third-party-copy", "1");
    is_refused("3", "third-party-copy");
    fake_remove(LUN_0 "/third-party-copy");
    fake_put(LUN_0 "/allow", "3b+42/01");
    change_to("4");
    expect(LUN_0 "/changed", "4");
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_CHANGE)->u.lun.n_rules, 2);
}
END_TEST

/* An answer without a reason means that all that is asked for is in force. At an attach the part that may be is. */
START_TEST(what_the_config_leaves_in_part_is_no_change)
{
    settings.permit.rules.all = false;
    /* One of them is in allow, too. It is named once. */
    set_rules(&settings.permit, "disk:3b+42/01+42/02+83", false);
    set_rules(&settings.allow, "disk:42/01", false);
    set_rules(&settings.deny, "disk:3b/05", true);
    log_to_file();
    fake_put(LUN_0 "/allow", "42/01");
    connected();
    fake_put(LUN_0 "/allow", "42/01+42");
    change_to("1");
    expect(LUN_0 "/changed",
           "1 the config of the backend domain permits only 42/01+42/02 of allow=42: ask for that, or add the rest to "
           "permit in pvscsid.conf(5) there");
    fake_put(LUN_0 "/allow", "42/01+3b");
    change_to("2");
    expect(LUN_0 "/changed",
           "2 the config of the backend domain denies 3b/05, which allow=3b asks for: leave it out, or take it out of "
           "deny in pvscsid.conf(5) there");
    fake_put(LUN_0 "/allow", "42/01");
    fake_put(LUN_0 "/third-party-copy", "1");
    change_to("3");
    expect(LUN_0 "/changed",
           "3 the config of the backend domain permits only 83 of third-party-copy: ask for that, or add the rest to "
           "permit in pvscsid.conf(5) there");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
    ck_assert_uint_eq(logged("does not permit"), 0);
    fake_remove(LUN_0 "/third-party-copy");
    fake_put(LUN_0 "/allow", "42/01+3b/04+42/02");
    change_to("4");
    expect(LUN_0 "/changed", "4");
}
END_TEST

/* They stay refused to the guest, and are no reason to refuse another change. */
START_TEST(commands_that_were_not_permitted_before_do_not_hinder_a_change)
{
    settings.permit.rules.all = false;
    fake_put(LUN_0 "/allow", "3b/02");
    fake_put(LUN_0 "/third-party-copy", "1");
    connected();
    fake_put(LUN_0 "/allow", "3b/02+3b");
    is_refused("1", "allow=3b");
    fake_put(LUN_0 "/allow", "3b/02");
    fake_put(LUN_0 "/readonly", "1");
    change_to("2");
    expect(LUN_0 "/changed", "2");
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_CHANGE)->u.lun.n_rules, 0);
    /* What the config switches off is not looked at. */
    settings.policy = false;
    fake_put(LUN_0 "/allow", "3b");
    change_to("3");
    expect(LUN_0 "/changed", "3");
}
END_TEST

/* A driver domain at its quota of nodes, and a toolstack that has not made `changed`. */
START_TEST(an_answer_waits_for_room)
{
    connected();
    fake_quota = true;
    change_to("1");
    UNTIL(fake_count(fake_child(), WM_LUN_CHANGE) == 1);
    let_happen();
    ck_assert_ptr_null(fake_get(LUN_0 "/changed"));
    fake_quota = false;
    expect(LUN_0 "/changed", "1");
    /* Where it is there, it needs no room. */
    fake_quota = true;
    change_to("2");
    expect(LUN_0 "/changed", "2");
}
END_TEST

/* 0: no change is under way; 1: the worker has not answered to the one before. */
START_TEST(a_change_that_comes_without_a_connection_to_xenstored_is_seen)
{
    connected();
    if (_i == 1) {
        fake_child_mute = true;
        change_to("1");
        UNTIL(fake_count(fake_child(), WM_LUN_CHANGE) == 1);
    }
    fake_lose(true);
    UNTIL(!host->store);
    fake_put(LUN_0 "/readonly", "1");
    change_to("2");
    fake_lose(false);
    fake_child_mute = false;
    expect(LUN_0 "/changed", "2");
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_CHANGE)->u.lun.flags & all_flags, LUN_READONLY);
}
END_TEST

START_TEST(a_call_that_fails_is_repeated)
{
    connected();
    fake_put(LUN_0 "/readonly", "1");
    change_to("1");
    fake_fail((unsigned)_i + 1, EAGAIN);
    expect(LUN_0 "/changed", "1");
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_CHANGE)->u.lun.flags & all_flags, LUN_READONLY);
    fake_fail(0, 0);
}
END_TEST

START_TEST(a_number_that_is_none_is_ignored)
{
    static const char *const numbers[] = { "", "x", "-1", "4294967296", "1 2", "0" };

    connected();
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        change_to(numbers[i]);
        let_happen_ms(0);
    }
    ck_assert_ptr_null(fake_get(LUN_0 "/changed"));
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_CHANGE), 0);
    change_to("4294967295");
    expect(LUN_0 "/changed", "4294967295");
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, changed_options_reach_the_worker_and_are_answered);
    tcase_add_loop_test(t, a_refused_change_changes_nothing, 0, (int)ARRAY_SIZE(refused));
    tcase_add_test(t, a_change_keeps_the_mode_of_reservations);
    tcase_add_loop_test(t, a_change_outlives_who_carries_it_out, 0, 3);
    tcase_add_test(t, a_reload_does_not_lose_an_answer);
    tcase_add_test(t, a_change_waits_for_what_the_next_worker_says_of_the_helper);
    tcase_add_test(t, a_change_waits_for_a_device_that_returns);
    tcase_add_test(t, what_the_config_does_not_permit_is_no_change);
    tcase_add_test(t, what_the_config_leaves_in_part_is_no_change);
    tcase_add_test(t, commands_that_were_not_permitted_before_do_not_hinder_a_change);
    tcase_add_test(t, an_answer_waits_for_room);
    tcase_add_loop_test(t, a_change_that_comes_without_a_connection_to_xenstored_is_seen, 0, 2);
    tcase_add_loop_test(t, a_call_that_fails_is_repeated, 0, 20);
    tcase_add_test(t, a_number_that_is_none_is_ignored);
    tcase_add_test(t, rules_of_the_config_reach_the_luns_that_guests_have);
    tcase_add_test(t, what_is_not_permitted_any_more_is_taken_away);
    tcase_add_test(t, a_device_that_no_worker_has_is_no_matter_for_one);
    tcase_add_test(t, workers_learn_how_long_to_look);
    tcase_add_test(t, a_smaller_budget_is_divided_anew);
}

int main(void)
{
    return run_host_tests("host-change", add_tests);
}
