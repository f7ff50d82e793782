// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: floods of writes, errors and the loss of xenstored, and
 * the kernel's own backend on the same nodes.
 */
#include "config.h"

#include "host-fixture.h"

/* --- floods --- */

START_TEST(a_flood_of_events_costs_a_bounded_number_of_reads)
{
    unsigned before;
    uint64_t begin;

    connected();
    let_happen_ms(150);
    before = fake_calls;
    begin = now_us();
    while (now_us() < begin + 300000) {
        for (int i = 0; i < 200; i++)
            fake_put(FRONT "/state", "4");
        ck_assert_int_eq(loop_once(loop, 0), 0);
    }
    /* At most one look in a few milliseconds after the first burst, a handful of reads each. */
    ck_assert_uint_lt(fake_calls - before, 400 * (now_us() - begin) / 300000);
    fake_put(FRONT "/state", "5");
    expect(BACK "/state", "5");
}
END_TEST

START_TEST(a_start_with_many_luns_takes_few_round_trips)
{
    char back[64], vdev[32];

    for (unsigned v = 0; v < 10; v++) {
        create_vhost(10 + v, 0);
        snprintf(back, sizeof(back), "backend/vscsi/%u/0", 10 + v);
        for (unsigned i = 0; i < 20; i++) {
            snprintf(vdev, sizeof(vdev), "0:0:%u:0", i);
            add_dev(back, i, pdev_a, vdev);
        }
    }
    fake_calls = 0;
    start();
    for (unsigned v = 0; v < 10; v++) {
        snprintf(back, sizeof(back), "backend/vscsi/%u/0/state", 10 + v);
        expect(back, "2");
        for (unsigned i = 0; i < 20; i++) {
            char path[96];

            snprintf(path, sizeof(path), "backend/vscsi/%u/0/vscsi-devs/dev-%u/state", 10 + v, i);
            expect(path, "3");
        }
    }
    /*
     * Of a LUN: its state, its names, p-dev, v-dev; its state again after our write; its share of a few transactions.
     */
    ck_assert_uint_lt(fake_calls, 200 * 8 + 10 * 40);
}
END_TEST

static unsigned lines_of(const char *path)
{
    CLEANUP_FREE char *text = NULL;
    unsigned n = 0;

    ck_assert_int_eq(read_file(path, 1 << 20, &text, NULL), 0);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        n++;
    return n;
}

START_TEST(a_guest_that_comes_and_goes_does_not_flood_the_log)
{
    char path[128];
    int fd, saved = dup(STDERR_FILENO);

    connected();
    snprintf(path, sizeof(path), "%s/log", dir);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    log_set_level(XTL_INFO);
    for (int i = 0; i < 40; i++) {
        fake_put(FRONT "/state", "6");
        expect(BACK "/state", "2");
        offer_ring("20", "21");
        expect(BACK "/state", "4");
        fake_say(fake_child(), &(struct worker_msg){ .type = WM_HALTED,
                                                     .generation = fake_last(fake_child(), WM_CONNECT)->generation });
        fake_put(FRONT "/state", "4");
        expect(BACK "/vscsi-devs/dev-0/state", "4");
    }
    log_set_level(XTL_CRITICAL);
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    close(saved);
    close(fd);
    ck_assert_uint_lt(lines_of(path), 30);
}
END_TEST

static const struct {
    const char *name, *prefix;
} names[] = {
    { "web 1", "d3.0 (web 1)" },
    { "", "d3.0" },
    { "web--incoming", "d3.0 (web)" },
    { "--incoming", "d3.0" },
    { "--incoming-web", "d3.0 (--incoming-web)" },
    { "a\n2026: error: b\\\xff", "d3.0 (a\\x0a2026: error: b\\x5c\\xff)" },
    { "0123456789012345678901234567890123456789", "d3.0 (0123456789012345678901234567890123456789)" },
    { "0123456789012345678901234567890123456789x", "d3.0 (0123456789012345678901234567890123456789)" },
    { "012345678901234567890123456789012345678\n", "d3.0 (012345678901234567890123456789012345678)" },
};

START_TEST(a_line_has_the_name_of_its_guest)
{
    fake_put("/local/domain/3/name", names[_i].name);
    connected();
    ck_assert_str_eq(host->vhosts->prefix, names[_i].prefix);
    ck_assert_str_eq(fake_last(fake_child(), WM_INIT)->u.init.prefix, names[_i].prefix);
}
END_TEST

START_TEST(a_name_that_cannot_be_read_or_changes_does_no_harm)
{
    connected();
    ck_assert_str_eq(host->vhosts->prefix, "d3.0");
    fake_put("/local/domain/3/name", "renamed");
    fake_domain(4, true);
    UNTIL(strcmp(host->vhosts->prefix, "d3.0 (renamed)") == 0);
    ck_assert(fake_child()->connected);
}
END_TEST

/* --- xenstored --- */

START_TEST(a_lost_xenstored_is_found_again)
{
    connected();
    fake_lose(true);
    let_happen_ms(100);
    ck_assert(fake_child()->connected);
    fake_lose(false);
    /* What the guest did meanwhile is seen then. */
    fake_put(FRONT "/state", "5");
    expect(BACK "/state", "5");
}
END_TEST

START_TEST(an_error_of_xenstored_is_survived_wherever_it_falls)
{
    static const int errors[] = { EIO, ENOSPC, EAGAIN, ENOMEM };

    start();
    UNTIL(ready);
    for (unsigned nth = 1; nth < 40; nth++) {
        create_vhost(3, 0);
        fake_fail(nth, errors[nth % ARRAY_SIZE(errors)]);
        add_dev(BACK, 0, pdev_a, "0:0:0:0");
        expect(BACK "/state", "2");
        expect(BACK "/vscsi-devs/dev-0/state", "3");
        offer_ring("8", "9");
        expect(BACK "/state", "4");
        fake_put(FRONT "/state", "4");
        expect(BACK "/vscsi-devs/dev-0/state", "4");
        fake_put(FRONT "/state", "6");
        expect(BACK "/state", "2");
        fake_put(BACK "/online", "0");
        fake_put(BACK "/state", "5");
        expect(BACK "/state", "6");
        fake_remove(BACK);
        fake_remove(FRONT);
        UNTIL(!fake_child()->alive);
        let_happen_ms(5);
        fake_fail(0, 0);
        fake_n_children = 0;
    }
}
END_TEST

/* Wherever xenstore fails once. */
START_TEST(a_devices_state_is_written_in_the_end)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    offer_ring("8", "9");
    expect(BACK "/state", "4");
    let_happen();
    fake_put(FRONT "/vscsi-devs/dev-0/state", "4");
    let_happen();
    fake_fail((unsigned)_i, ENOSPC);
    fake_put(FRONT "/state", "4");
    expect(BACK "/vscsi-devs/dev-0/state", "4");
}
END_TEST

START_TEST(a_device_keeps_its_options_in_a_bad_moment_of_xenstore)
{
    const struct worker_msg *m;

    start();
    create_vhost(3, 0);
    fake_put(BACK "/feature-host", "1");
    fake_put(BACK "/vscsi-devs/dev-0/readonly", "1");
    fake_put(BACK "/vscsi-devs/dev-0/pr", "deny");
    fake_fail((unsigned)_i, EIO);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
    m = fake_last(fake_child(), WM_LUN_ADD);
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(m->u.lun.flags & (LUN_READONLY | LUN_FEATURE_HOST), LUN_READONLY | LUN_FEATURE_HOST);
    ck_assert_uint_eq(m->u.lun.pr_mode, PR_DENY);
}
END_TEST

START_TEST(a_guest_that_goes_in_a_bad_moment_of_xenstore_is_seen)
{
    fake_no_domain_watch = true;
    connected();
    let_happen();
    fake_domain(3, false);
    fake_fail((unsigned)_i, EIO);
    fake_remove("/local/domain/3");
    expect(BACK, NULL);
}
END_TEST

START_TEST(the_number_of_this_domain_must_be_known)
{
    struct host_config config = { .loop = loop, .settings = &settings, .roots = &roots, .ready = on_ready };
    char why[256] = "";

    settings.standalone[0] = '\0';
    ck_assert_int_eq(host_new(&config, &host, why, sizeof(why)), -ENOENT);
    ck_assert_ptr_nonnull(strstr(why, "/xen/gntdev: No such file"));
    ck_assert_ptr_nonnull(strstr(why, "expected a Xen domain"));
    run("mkdir -p %s/xen && touch %s/xen/gntdev %s/xen/evtchn", devdir, devdir, devdir);
    fake_remove("domid");
    ck_assert_int_eq(host_new(&config, &host, why, sizeof(why)), -ENOENT);
    ck_assert_ptr_nonnull(strstr(why, "node 'domid'"));
    fake_put("domid", "32768");
    ck_assert_int_eq(host_new(&config, &host, why, sizeof(why)), -ERANGE);
    fake_put("domid", "7");
    ck_assert_int_eq(host_new(&config, &host, why, sizeof(why)), 0);
    fake_lose(true);
    host_free(host);
    ck_assert_int_lt(host_new(&config, &host, why, sizeof(why)), 0);
    ck_assert_str_eq(why, "cannot connect to xenstored");
    host = NULL;
}
END_TEST

/* --- the kernel's backend --- */

START_TEST(a_vhost_that_the_kernel_serves_is_left_to_it)
{
    settings.standalone[0] = '\0';
    run("mkdir -p %s/xen %s/bus/xen-backend/devices/vscsi-3-0 && touch %s/xen/gntdev %s/xen/evtchn", devdir, sysfs,
        devdir, devdir);
    run("mkdir %s/bus/xen-backend/devices/vscsi-3-0/driver", sysfs);
    start();
    create_vhost(3, 0);
    UNTIL(fake_get(BACK "/error") != NULL);
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/error"), "xen-scsiback"));
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/error"), "vscsi-3-0 > /sys/bus/xen-backend/drivers/vscsi/unbind"));
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/error"), "blacklist"));
    offer_ring("8", "9");
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "1");
    ck_assert_uint_eq(fake_n_children, 0);
    run("rmdir %s/bus/xen-backend/devices/vscsi-3-0/driver", sysfs);
    expect(BACK "/state", "4");
    expect(BACK "/error", NULL);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_flood_of_events_costs_a_bounded_number_of_reads);
    tcase_add_test(t, a_start_with_many_luns_takes_few_round_trips);
    tcase_add_test(t, a_guest_that_comes_and_goes_does_not_flood_the_log);
    tcase_add_loop_test(t, a_line_has_the_name_of_its_guest, 0, ARRAY_SIZE(names));
    tcase_add_test(t, a_name_that_cannot_be_read_or_changes_does_no_harm);
    tcase_add_test(t, a_lost_xenstored_is_found_again);
    tcase_add_test(t, an_error_of_xenstored_is_survived_wherever_it_falls);
    tcase_add_loop_test(t, a_devices_state_is_written_in_the_end, 1, 9);
    tcase_add_loop_test(t, a_device_keeps_its_options_in_a_bad_moment_of_xenstore, 1, 30);
    tcase_add_loop_test(t, a_guest_that_goes_in_a_bad_moment_of_xenstore_is_seen, 1, 9);
    tcase_add_test(t, the_number_of_this_domain_must_be_known);
    tcase_add_test(t, a_vhost_that_the_kernel_serves_is_left_to_it);
}

int main(void)
{
    return run_host_tests("host-xenstore", add_tests);
}
