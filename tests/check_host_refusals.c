// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: devices, rings and values that cannot be used are refused
 * with a reason, and harm nothing.
 */
#include "config.h"

#include "host-fixture.h"

/* A node of BACK's dev-N; overwritten by the next call. */
static const char *dev_node(unsigned n, const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), BACK "/vscsi-devs/dev-%u/%s", n, name);
    return path;
}

/* dev-N has an error that holds this text; NULL: it has none. */
static void expect_error(unsigned n, const char *text)
{
    const char *error = fake_get(dev_node(n, "error"));

    if (!text)
        ck_assert_msg(error == NULL, "dev-%u: '%s'", n, error);
    else
        ck_assert_msg(error && strstr(error, text), "dev-%u: '%s' instead of '%s'", n, error ? error : "(none)", text);
}

/* --- devices and rings that cannot be used --- */

START_TEST(a_device_that_cannot_be_used_says_why)
{
    /* why NULL: it can be used. */
    static const struct {
        const char *pdev, *vdev, *why;
    } devs[] = {
        { "file:/nonexistent", "0:0:0:0", "/nonexistent: No such file" },
        { "1:0:0", "0:0:0:1", "expected /dev/" },
        { pdev_a, "0:0:0", "v-dev is '0:0:0'; expected h:c:t:l" },
        { pdev_a, "0:0:0:16384", "expected h:c:t:l with c up to 255" },
        { pdev_a, "0:0:0:4", NULL },
        { pdev_b, "7:0:0:4", "belongs to dev-4" },
        { NULL, NULL, "p-dev cannot be read" },
    };

    start();
    create_vhost(3, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(devs); i++) {
        if (devs[i].pdev)
            add_dev(BACK, i, devs[i].pdev, devs[i].vdev);
        else
            fake_putf("1", BACK "/vscsi-devs/dev-%u/state", i);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(devs); i++) {
        expect(dev_node(i, "state"), devs[i].why ? "6" : "3");
        expect_error(i, devs[i].why);
    }
    /* The toolstack tries again with something better. */
    fake_put(BACK "/vscsi-devs/dev-0/p-dev", pdev_b);
    fake_put(BACK "/vscsi-devs/dev-0/state", "1");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
    expect(BACK "/vscsi-devs/dev-0/error", NULL);
    /* One that failed is detached at once. */
    fake_put(BACK "/vscsi-devs/dev-1/state", "5");
    expect(BACK "/vscsi-devs/dev-1/state", "6");
}
END_TEST

START_TEST(a_device_that_the_worker_refuses_says_why)
{
    fake_added_error = -EINVAL;
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(BACK "/vscsi-devs/dev-0/state", "6");
    expect_error(0, "worker cannot use it: Invalid argument");
}
END_TEST

START_TEST(the_limit_of_luns_holds)
{
    settings.max_luns = 2;
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    add_dev(BACK, 1, pdev_a, "0:0:0:1");
    add_dev(BACK, 2, pdev_b, "0:0:0:2");
    expect(BACK "/vscsi-devs/dev-2/state", "6");
    expect_error(2, "max_luns");
    expect(BACK "/vscsi-devs/dev-1/state", "3");
}
END_TEST

START_TEST(a_device_that_the_guest_refused_is_noted)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    offer_ring("8", "9");
    expect(BACK "/state", "4");
    fake_put(FRONT "/vscsi-devs/dev-0/state", "6");
    fake_put(FRONT "/state", "4");
    expect(BACK "/vscsi-devs/dev-0/error", "the guest refused the device");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "3");
}
END_TEST

START_TEST(the_options_of_a_device_reach_the_worker)
{
    /* What the toolstack writes, and what the worker is told. */
    static const struct {
        const char *option[4][2];
        uint32_t flags;
        uint8_t pr_mode;
        unsigned n_rules;
        const char *rules; /* 4 bytes each */
    } devs[] = {
        { .option = { { "readonly", "1" }, { "feature-host", "1" }, { "pr", "deny" }, { "pr-move", "0" } },
          .flags = LUN_READONLY | LUN_FEATURE_HOST | LUN_ATTACHED,
          .pr_mode = PR_DENY },
        { .option = { { "pr-move", "1" } }, .flags = LUN_PR_MOVE | LUN_ATTACHED, .pr_mode = PR_HELPER },
        { .option = { { "pr-force", "1" }, { "pr", "direct" } },
          .flags = LUN_PR_FORCED | LUN_ATTACHED,
          .pr_mode = PR_DIRECT },
        { .option = { { "allow", "3b+a3/0f" }, { "deny", "04" } },
          .flags = LUN_ATTACHED,
          .pr_mode = PR_HELPER,
          .n_rules = 3,
          .rules = "\x04\0\0\1\x3b\0\0\0\xa3\1\x0f\0" },
        { .option = { { "third-party-copy", "1" } },
          .flags = LUN_ATTACHED,
          .pr_mode = PR_HELPER,
          .n_rules = 6,
          .rules = "\x18\0\0\0\x39\0\0\0\x3a\0\0\0\x7f\0\0\0\x83\0\0\0\x84\0\0\0" },
    };

    start();
    create_vhost(3, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(devs); i++) {
        const struct worker_msg *m;
        char vdev[16];

        for (unsigned k = 0; k < ARRAY_SIZE(devs[i].option) && devs[i].option[k][0]; k++)
            fake_put(dev_node(i, devs[i].option[k][0]), devs[i].option[k][1]);
        snprintf(vdev, sizeof(vdev), "0:2:3:%u", 4 + i);
        add_dev(BACK, i, pdev_a, vdev);
        expect(dev_node(i, "state"), "3");
        m = fake_last(fake_child(), WM_LUN_ADD);
        ck_assert_uint_eq(m->u.lun.flags, devs[i].flags);
        ck_assert_uint_eq(m->u.lun.pr_mode, devs[i].pr_mode);
        ck_assert_uint_eq(m->u.lun.channel, 2);
        ck_assert_uint_eq(m->u.lun.target, 3);
        ck_assert_uint_eq(m->u.lun.lun, 4 + i);
        ck_assert_uint_eq(m->u.lun.backing, LUN_BACKING_FILE);
        ck_assert_uint_eq(m->u.lun.max_transfer, 127 * 4096);
        ck_assert_uint_eq(m->u.lun.n_rules, devs[i].n_rules);
        if (devs[i].n_rules)
            ck_assert_mem_eq(m->u.lun.rule, devs[i].rules, 4 * devs[i].n_rules);
    }
}
END_TEST

/* What the toolstack wrote, and what a wish that has changed since makes of it. */
START_TEST(the_limits_of_a_device_reach_the_worker)
{
    const struct lun_limits at_first = { .iops = 50, .bps = 100 << 20, .burst_s = 5 }, then = { .iops = 7 };
    const struct lun_limits none = { 0 };
    const struct worker_msg *m;
    struct vhost *v;

    start();
    create_vhost(3, 0);
    fake_put(dev_node(0, "iops"), "50");
    fake_put(dev_node(0, "bps"), "100M");
    fake_put(dev_node(0, "burst"), "5");
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(dev_node(0, "state"), "3");
    ck_assert(limits_equal(&fake_last(fake_child(), WM_LUN_ADD)->u.lun.limits, &at_first));
    add_dev(BACK, 1, pdev_b, "0:0:0:1");
    expect(dev_node(1, "state"), "3");
    ck_assert(limits_equal(&fake_last(fake_child(), WM_LUN_ADD)->u.lun.limits, &none));
    v = model_find(host, 3, 0);
    offer_ring("8", "9");
    expect(BACK "/state", "4");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_LIMITS), 0);
    v->devs->wish.limits = then;
    model_changed(v);
    UNTIL(fake_count(fake_child(), WM_LUN_LIMITS) == 1);
    m = fake_last(fake_child(), WM_LUN_LIMITS);
    ck_assert_uint_eq(m->lun_index, (uint32_t)v->devs->lun_index);
    ck_assert(limits_equal(&m->u.limits, &then));
    model_changed(v);
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_LIMITS), 1);
    /* A worker that takes over has them from the beginning. */
    write_journal(8, 9, false);
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_LUN_ADD) == 2);
    ck_assert(limits_equal(&v->devs->limits_told, &then));
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_LIMITS), 0);
}
END_TEST

START_TEST(an_option_that_is_none_is_refused_with_a_reason)
{
    static const struct {
        const char *option, *value, *why;
    } devs[] = {
        { "allow", "write", "allow is 'write': 'write' is no command" },
        { "pr", "perhaps", "pr is 'perhaps'; expected auto, helper, direct or deny" },
        { "iops", "1", "iops is '1'; expected commands per second, 2 to 1000000" },
        { "bps", "10MB", "bps is '10MB'; expected bytes per second, 1M to 1T, or 0 for no limit" },
        { "burst", "0", "burst is '0'; expected seconds, 1 to 3600" },
    };

    start();
    create_vhost(3, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(devs); i++) {
        fake_put(dev_node(i, devs[i].option), devs[i].value);
        add_dev(BACK, i, pdev_a, "0:0:0:0");
        expect(dev_node(i, "state"), "6");
        expect_error(i, devs[i].why);
    }
}
END_TEST

START_TEST(a_ring_that_cannot_be_mapped_closes_the_vhost)
{
    fake_connect_error = -EINVAL;
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    offer_ring("8", "9");
    expect(BACK "/state", "5");
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/error"), "ring-ref 8"));
    ck_assert_uint_eq(fake_count(fake_child(), WM_CONNECT), 1);
    fake_connect_error = 0;
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    fake_put(FRONT "/state", "1");
    expect(BACK "/state", "2");
    offer_ring("10", "11");
    expect(BACK "/state", "4");
    expect(BACK "/error", NULL);
}
END_TEST

START_TEST(a_protocol_that_is_not_ours_is_refused)
{
    start();
    create_vhost(3, 0);
    fake_put(FRONT "/protocol", "arm-abi-of-mars");
    offer_ring("8", "9");
    expect(BACK "/state", "5");
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/error"), "'arm-abi-of-mars'"));
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_CONNECT), 0);
}
END_TEST

/* --- values that are no values --- */

START_TEST(a_frontend_that_is_not_the_paths_own_is_never_followed)
{
    static const char *const wrong[] = {
        "/local/domain/4/device/vscsi/0",
        "/local/domain/3/device/vscsi/",
        "/local/domain/3/device/vscsi/x",
        "/local/domain/3/device/vscsi/0/",
        "/local/domain/3/device/vscsi/../../../4/device/vscsi/0",
        "",
        "/local/domain/3/device/vbd/0",
        "local/domain/3/device/vscsi/0",
        "/local/domain/3/device/vscsi/4294967296",
    };

    start();
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        create_vhost(3, i);
        fake_putf(wrong[i], "backend/vscsi/3/%u/frontend", i);
    }
    let_happen_ms(60);
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        char path[96];

        snprintf(path, sizeof(path), "backend/vscsi/3/%u/state", i);
        /*
         * It may have been right for the moment before the wrong one was written; nothing is ever read at another
         * place.
         */
        ck_assert_msg(!node_is(path, "4"), "%s", wrong[i]);
    }
}
END_TEST

START_TEST(a_wrong_frontend_id_is_refused_with_a_reason)
{
    static const char *const wrong[] = { "4", "-3", "3 ", "0x3", "99999999999", "" };

    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        fake_putf(wrong[i], "backend/vscsi/3/%u/frontend-id", i);
        fake_putf(FRONT, "backend/vscsi/3/%u/frontend", i);
        fake_putf("1", "backend/vscsi/3/%u/state", i);
    }
    fake_domain(3, true);
    fake_put(FRONT "/state", "1");
    start();
    UNTIL(ready);
    let_happen();
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        char path[96];

        snprintf(path, sizeof(path), "backend/vscsi/3/%u/state", i);
        ck_assert_str_eq(fake_get(path), "1");
        snprintf(path, sizeof(path), "backend/vscsi/3/%u/error", i);
        ck_assert_ptr_nonnull(fake_get(path));
        ck_assert_ptr_nonnull(strstr(fake_get(path), "expected 3"));
    }
    ck_assert_uint_eq(fake_n_children, 0);
    /* Put right, it is served. */
    fake_put("backend/vscsi/3/0/frontend-id", "3");
    expect("backend/vscsi/3/0/state", "2");
    expect("backend/vscsi/3/0/error", NULL);
}
END_TEST

START_TEST(states_that_are_no_states_do_nothing)
{
    static const char *const odd[] = { "", "0", "9", "-1", "4 ", "four", "99999999999999999999", "0x4", "2", "8" };
    char digits[1024];

    connected();
    for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
        fake_put(FRONT "/state", odd[i]);
        let_happen_ms(5);
    }
    memset(digits, '4', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    fake_put(FRONT "/state", digits);
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    ck_assert_uint_eq(fake_count(fake_child(), WM_DISCONNECT), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
        fake_put(BACK "/vscsi-devs/dev-0/state", odd[i]);
        let_happen_ms(5);
    }
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 0);
    fake_put(FRONT "/state", "5");
    expect(BACK "/state", "5");
}
END_TEST

START_TEST(a_ring_that_is_no_number_is_not_connected)
{
    static const char *const odd[] = { "", "-1", "4294967296", "8 ", "x" };

    start();
    create_vhost(3, 0);
    expect(BACK "/state", "2");
    for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
        offer_ring(odd[i], "9");
        let_happen_ms(5);
        offer_ring("8", odd[i]);
        let_happen_ms(5);
    }
    fake_remove(FRONT "/ring-ref");
    fake_put(FRONT "/event-channel", "9");
    fake_put(FRONT "/state", "3");
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_CONNECT), 0);
    fake_put(FRONT "/ring-ref", "8");
    expect(BACK "/state", "4");
}
END_TEST

START_TEST(names_that_are_none_are_ignored)
{
    static const char *const odd[] = { "x", "-1", "32752", "65536", "4294967299", "3x" };

    start();
    UNTIL(ready);
    for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
        fake_putf("1", "backend/vscsi/%s/0/state", odd[i]);
        fake_putf("1", "backend/vscsi/3/%s/state", i == 0 ? "y" : i == 1 ? "-2" : "4294967296");
    }
    create_vhost(3, 0);
    fake_put(BACK "/vscsi-devs/dev-x/state", "1");
    fake_put(BACK "/vscsi-devs/dev-99999999999/state", "1");
    fake_put(BACK "/vscsi-devs/disk/state", "1");
    expect(BACK "/state", "2");
    let_happen();
    ck_assert_uint_eq(fake_n_children, 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_device_that_cannot_be_used_says_why);
    tcase_add_test(t, a_device_that_the_worker_refuses_says_why);
    tcase_add_test(t, the_limit_of_luns_holds);
    tcase_add_test(t, a_device_that_the_guest_refused_is_noted);
    tcase_add_test(t, the_options_of_a_device_reach_the_worker);
    tcase_add_test(t, the_limits_of_a_device_reach_the_worker);
    tcase_add_test(t, an_option_that_is_none_is_refused_with_a_reason);
    tcase_add_test(t, a_ring_that_cannot_be_mapped_closes_the_vhost);
    tcase_add_test(t, a_protocol_that_is_not_ours_is_refused);
    tcase_add_test(t, a_frontend_that_is_not_the_paths_own_is_never_followed);
    tcase_add_test(t, a_wrong_frontend_id_is_refused_with_a_reason);
    tcase_add_test(t, states_that_are_no_states_do_nothing);
    tcase_add_test(t, a_ring_that_is_no_number_is_not_connected);
    tcase_add_test(t, names_that_are_none_are_ignored);
}

int main(void)
{
    return run_host_tests("host-refusals", add_tests);
}
