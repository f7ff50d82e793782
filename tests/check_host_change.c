// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: what its workers are told when the settings change under
 * way.
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

static void add_tests(TCase *t)
{
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
