// SPDX-License-Identifier: GPL-2.0-or-later
/* Which unit a guest gets: the one that it was given, or none; and what xenstore says of it. */
#include "config.h"

#include "host-fixture.h"

#define OTHER "naa.5000c500ffffffff"
#define P(node) LUN_0 "/p-" node

static void say(const char *unit)
{
    __atomic_store_n(&unit_said, unit, __ATOMIC_RELEASE);
}

static void ask_fails(int error)
{
    __atomic_store_n(&ask_error, error, __ATOMIC_RELEASE);
}

/* A vhost of guest 3 with one device that the toolstack adds. nodes: names and values, then NULL. */
static void add_with(const char *pdev, const char *const *nodes)
{
    char path[96];

    start();
    create_vhost(3, 0);
    for (; *nodes; nodes += 2) {
        snprintf(path, sizeof(path), LUN_0 "/%s", nodes[0]);
        fake_put(path, nodes[1]);
    }
    add_dev(BACK, 0, pdev, "0:0:0:0");
}

#define NODES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void refused(const char *reason)
{
    expect(LUN_0 "/state", "6");
    ck_assert_msg(fake_get(LUN_0 "/error") && strstr(fake_get(LUN_0 "/error"), reason), "'%s', expected '%s'",
                  fake_get(LUN_0 "/error"), reason);
    ck_assert_uint_eq(fake_n_children ? fake_count(fake_child(), WM_LUN_ADD) : 0, 0);
}

/* --- a new device --- */

START_TEST(the_nodes_say_what_was_opened)
{
    static const struct {
        const char *p_dev, *name, *later; /* later: what p-dev is then */
    } forms[] = {
        { DISK, NULL, DISK },
        { DISK, WWID, DISK },
        { WWID ":0", WWID, WWID ":0" },
        /* Of a driver domain's device the toolstack knows only the name. */
        { WWID, WWID, DISK },
        /* An earlier toolstack's. It is the only name that there is. */
        { WWID, NULL, WWID },
        /* Another tool's own words are no name. */
        { DISK, "my disk", DISK },
    };

    make_scsi(DISK, 5, WWID);
    add_with(forms[_i].p_dev, NODES(forms[_i].name ? "p-devname" : "other", forms[_i].name ? forms[_i].name : ""));
    expect(LUN_0 "/state", "3");
    ck_assert_str_eq(fake_get(P("hctl")), DISK);
    ck_assert_str_eq(fake_get(P("wwid")), WWID);
    ck_assert_str_eq(fake_get(P("type")), "0");
    ck_assert_str_eq(fake_get(P("dev")), forms[_i].later);
    if (forms[_i].name)
        ck_assert_str_eq(fake_get(P("devname")), forms[_i].name);
    else
        ck_assert_ptr_null(fake_get(P("devname")));
}
END_TEST

START_TEST(a_name_that_leads_to_another_unit_is_refused)
{
    make_scsi(DISK, 5, WWID);
    say(OTHER);
    add_with(WWID, NODES("p-devname", WWID));
    refused("it is the unit " OTHER "; expected " WWID);
}
END_TEST

START_TEST(a_name_and_an_address_that_contradict_each_other_are_refused)
{
    make_scsi(DISK, 5, WWID);
    make_scsi("6:0:0:0", 6, _i ? WWID : OTHER);
    add_with(DISK, NODES("p-devname", "6:0:0:0"));
    if (_i)
        expect(LUN_0 "/state", "3"); /* two paths to one unit */
    else
        refused("p-devname 6:0:0:0 leads to 6:0:0:0, but p-dev is " DISK);
}
END_TEST

START_TEST(a_name_that_only_the_toolstack_knows_is_no_contradiction)
{
    make_scsi(DISK, 5, WWID);
    add_with(DISK, NODES("p-devname", "/dev/disk/by-id/nosuch"));
    expect(LUN_0 "/state", "3");
}
END_TEST

START_TEST(only_the_expected_unit_is_taken)
{
    make_scsi(DISK, 5, WWID);
    add_with(DISK, NODES("unit", _i ? "naa.5000C500A1B2C3D4" : OTHER));
    if (_i)
        expect(LUN_0 "/state", "3");
    else
        refused("it is the unit " WWID "; expected " OTHER);
}
END_TEST

START_TEST(a_unit_without_identifier_is_expected_only_within_its_boot)
{
    make_scsi(DISK, 5, "");
    say("boot.1b2c." DISK);
    add_with(DISK, NODES("unit", _i == 0 ? "boot.1b2c." DISK : _i == 1 ? "boot.ffff." DISK : "boot.1b2c.5:0:0:1"));
    if (_i == 0)
        expect(LUN_0 "/state", "3");
    else
        refused("known only until a reboot");
}
END_TEST

START_TEST(a_device_that_does_not_say_what_it_is_is_refused)
{
    make_scsi(DISK, 5, WWID);
    ask_fails(-EIO);
    add_with(DISK, NODES("p-devname", DISK));
    refused("it does not say which unit it is");
}
END_TEST

/* --- a device that the guest has --- */

/* The unit is another one, and sysfs does not know it. */
START_TEST(a_remapped_lun_is_not_given_to_the_guest_again)
{
    connected_disk();
    say(OTHER);
    die_or_restart(_i == 1);
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1 && fake_get(LUN_0 "/error"));
    ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), "its wwid is " OTHER "; expected " WWID));
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & LUN_AWAY, LUN_AWAY);
    ck_assert_str_eq(fake_get(P("wwid")), WWID);
    say("");
    UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 2);
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & LUN_RETURNED, LUN_RETURNED);
}
END_TEST

START_TEST(without_its_file_a_new_daemon_goes_by_the_node)
{
    connected_disk();
    write_journal(8, 9, false);
    stop();
    run("rm %s/d3.0.luns", dir);
    say(_i ? WWID : OTHER);
    restart();
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & LUN_AWAY, _i ? 0 : LUN_AWAY);
}
END_TEST

/* The run directory is full for a while, as a directory in the place of the new file shows it. */
START_TEST(a_file_that_cannot_be_written_is_tried_again)
{
    make_scsi(DISK, 5, WWID);
    run("mkdir %s/d3.0.luns.new", dir);
    log_to_file();
    start();
    connected_guest(3, DISK);                          /* it gets its device nevertheless */
    UNTIL(model_find(host, 3, 0)->unsaved.tries >= 2); /* due after 0, 0.1 and 0.3 s */
    ck_assert(no_file("d3.0.luns"));
    ck_assert_uint_eq(logged("cannot write"), 1);
    run("rmdir %s/d3.0.luns.new", dir);
    UNTIL(!no_file("d3.0.luns"));
    ck_assert_uint_eq(logged("cannot write"), 1);
    ck_assert_uint_eq(logged("d3.0.luns is written now"), 1);
    ck_assert_uint_eq(model_find(host, 3, 0)->unsaved.due_us, 0);
    run("grep -qx 'dev-0 " DISK " " WWID "' %s/d3.0.luns", dir);
}
END_TEST

/* Its file has no identifier where sysfs had none. */
START_TEST(a_device_of_an_earlier_version_is_known_by_its_address)
{
    connected_disk();
    write_journal(8, 9, false);
    stop();
    run("echo 'dev-0 %s ' >%s/d3.0.luns", _i ? DISK : "6:0:0:0", dir);
    make_scsi("6:0:0:0", 6, OTHER);
    fake_remove(P("wwid"));
    if (_i == 0)
        run("rm -r %s/bus/scsi/devices/6:0:0:0", sysfs);
    restart();
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & LUN_AWAY, _i ? 0 : LUN_AWAY);
}
END_TEST

/* A tape that still rewinds for the guest may not answer. */
START_TEST(a_device_that_still_works_for_the_guest_need_not_answer)
{
    connected_disk();
    ask_fails(-ETIMEDOUT);
    set_busy(DISK, _i ? 1 : 0);
    die_or_restart(true);
    if (_i == 0) {
        let_happen_ms(300);
        ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 0);
        ask_fails(0);
    }
    UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & LUN_AWAY, 0);
}
END_TEST

START_TEST(the_nodes_follow_a_device_to_another_address)
{
    make_scsi(DISK, 5, WWID);
    add_with(DISK, NODES("p-devname", WWID));
    expect(LUN_0 "/state", "3");
    stop();
    run("mv %s/bus/scsi/devices/" DISK " %s/bus/scsi/devices/7:0:0:0", sysfs, sysfs);
    restart();
    expect(P("hctl"), "7:0:0:0");
    expect(P("dev"), "7:0:0:0");
    ck_assert_str_eq(fake_get(P("devname")), WWID);
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "3");
}
END_TEST

/* The kernel begins its error handling later for a device that no guest waits for. */
START_TEST(a_new_device_has_the_time_of_a_scan_and_a_known_one_less)
{
    connected_disk();
    ck_assert_uint_eq(__atomic_load_n(&asked_ms, __ATOMIC_ACQUIRE), 20000);
    die_or_restart(_i == 0);
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(__atomic_load_n(&asked_ms, __ATOMIC_ACQUIRE), 3000);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_file_that_cannot_be_written_is_tried_again);
    tcase_add_loop_test(t, a_new_device_has_the_time_of_a_scan_and_a_known_one_less, 0, 2);
    tcase_add_loop_test(t, the_nodes_say_what_was_opened, 0, 6);
    tcase_add_test(t, a_name_that_leads_to_another_unit_is_refused);
    tcase_add_loop_test(t, a_name_and_an_address_that_contradict_each_other_are_refused, 0, 2);
    tcase_add_test(t, a_name_that_only_the_toolstack_knows_is_no_contradiction);
    tcase_add_loop_test(t, only_the_expected_unit_is_taken, 0, 2);
    tcase_add_loop_test(t, a_unit_without_identifier_is_expected_only_within_its_boot, 0, 3);
    tcase_add_test(t, a_device_that_does_not_say_what_it_is_is_refused);
    tcase_add_loop_test(t, a_remapped_lun_is_not_given_to_the_guest_again, 0, 2);
    tcase_add_loop_test(t, without_its_file_a_new_daemon_goes_by_the_node, 0, 2);
    tcase_add_loop_test(t, a_device_of_an_earlier_version_is_known_by_its_address, 0, 2);
    tcase_add_loop_test(t, a_device_that_still_works_for_the_guest_need_not_answer, 0, 2);
    tcase_add_test(t, the_nodes_follow_a_device_to_another_address);
}

int main(void)
{
    return run_host_tests("host-identity", add_tests);
}
