// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: it keeps this domain off the devices that guests have, and
 * undoes what a guest has left in a device.
 */
#include "config.h"

#include "control/away.h"
#include "host-fixture.h"

/* --- this domain keeps off --- */

START_TEST(a_device_is_claimed_as_long_as_a_guest_has_it)
{
    connected_disk();
    ck_assert_int_eq(count(&claimed), 1);
    connected_guest(4, DISK);
    ck_assert_int_eq(count(&claimed), 1);
    fake_put("backend/vscsi/4/0/vscsi-devs/dev-0/state", "5");
    fake_put("backend/vscsi/4/0/state", "7");
    fake_put("/local/domain/4/device/vscsi/0/state", "7");
    expect("backend/vscsi/4/0/vscsi-devs/dev-0/state", "6");
    ck_assert_int_eq(count(&unclaimed), 0);
    if (_i == 0) {
        fake_put(LUN_0 "/state", "5");
        fake_put(BACK "/state", "7");
        fake_put(FRONT "/state", "7");
        /* Who waits for the end of a detach may use the device at once. */
        expect(LUN_0 "/state", "6");
    } else {
        destroy(3);
        UNTIL(count(&unclaimed) == 1);
    }
    ck_assert_int_eq(count(&unclaimed), 1);
    ck_assert_int_eq(count(&put_back), 1);
}
END_TEST

START_TEST(a_dead_worker_or_a_restart_gives_nothing_back)
{
    connected_disk();
    die_or_restart(_i == 0);
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_int_eq(count(&claimed), _i == 0 ? 1 : 2);
    ck_assert_int_eq(count(&put_back), 0);
    stop();
    ck_assert_int_eq(count(&unclaimed), count(&claimed));
    ck_assert_int_eq(count(&put_back), 0);
}
END_TEST

START_TEST(a_new_device_that_this_domain_uses_needs_force)
{
    make_scsi(DISK, 5, WWID);
    set_used_as("it is mounted on /srv");
    start();
    create_vhost(3, 0);
    if (_i == 1)
        fake_put(LUN_0 "/force", "1");
    add_dev(BACK, 0, DISK, "0:0:0:0");
    if (_i == 1) {
        expect(LUN_0 "/state", "3");
        return;
    }
    expect(LUN_0 "/state", "6");
    ck_assert_str_eq(fake_get(LUN_0 "/error"),
                     "it is in use in this domain: it is mounted on /srv; option force attaches it anyway");
}
END_TEST

/* Mounted here while no daemon was there, or while the worker was dead. */
START_TEST(a_guest_waits_for_a_device_that_this_domain_uses_now)
{
    connected_disk();
    write_journal(8, 9, false);
    stop();
    set_used_as("it is mounted on /srv");
    restart();
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(last_flags(), LUN_AWAY);
    UNTIL(fake_get(LUN_0 "/error"));
    ck_assert_int_eq(strncmp(fake_get(LUN_0 "/error"), "it is in use in this domain: it is mounted on /srv", 50), 0);
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
    set_used_as(NULL);
    UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 2);
    ck_assert_uint_eq(last_flags(), LUN_RETURNED);
    UNTIL(!fake_get(LUN_0 "/error"));
}
END_TEST

START_TEST(a_device_that_returns_is_claimed_again)
{
    connected_disk();
    run("mv %s/bus/scsi/devices/" DISK " %s/away", sysfs, sysfs);
    say_lost();
    UNTIL(fake_get(LUN_0 "/error"));
    UNTIL(count(&unclaimed) == 1);
    run("mv %s/away %s/bus/scsi/devices/" DISK, sysfs, sysfs);
    UNTIL(lun_0()->presence == DEVICE_THERE);
    ck_assert_int_eq(count(&claimed), 2);
    ck_assert_int_eq(count(&unclaimed), 1);
}
END_TEST

/* --- given back clean --- */

/* As a worker writes it down: LUN 0 of the guest may have left this (scsi/left.h). */
static void leave(unsigned domid, uint32_t left)
{
    struct pvscsi_stats s;
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/d%u.0.stats", dir, domid);
    fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &s, sizeof(s), 0), (int)sizeof(s));
    s.lun[0].vdev = 0; /* 0:0:0:0 */
    s.lun[0].left = left;
    ck_assert_int_eq(pwrite(fd, &s, sizeof(s), 0), (int)sizeof(s));
    close(fd);
}

static void detach(unsigned domid)
{
    char back[64], path[96];

    snprintf(back, sizeof(back), "backend/vscsi/%u/0", domid);
    fake_putf("5", "%s/vscsi-devs/dev-0/state", back);
    fake_putf("7", "%s/state", back);
    fake_putf("7", "/local/domain/%u/device/vscsi/0/state", domid);
    snprintf(path, sizeof(path), "%s/vscsi-devs/dev-0/state", back);
    expect(path, "6");
}

static const struct {
    uint32_t left;
    const char *sent;
} lefts[] = {
    { 0, "" },
    { 1, "1e0000000000 " },
    { 2, "1e0000000200 " },
    { 4, "170000000000 " },
    { 8, "57000000000000000000 " },
    { 15, "1e0000000000 1e0000000200 170000000000 57000000000000000000 " },
};

START_TEST(a_detach_undoes_what_the_guest_has_left)
{
    connected_disk();
    leave(3, lefts[_i].left);
    detach(3);
    ck_assert_str_eq(take_sent(), lefts[_i].sent);
    ck_assert_int_eq(count(&unclaimed), 1);
}
END_TEST

START_TEST(the_end_of_a_guest_undoes_it_too)
{
    connected_disk();
    leave(3, 5);
    if (_i == 1) {
        fake_die(fake_child()); /* a moment before */
        let_happen_ms(1);
    }
    destroy(3);
    UNTIL(count(&unclaimed) == 1);
    /* The end of the ring and the end of the device are handled by threads of their own. */
    UNTIL(has_sent("1e0000000000 "));
    UNTIL(has_sent("170000000000 "));
}
END_TEST

/* The next ring's commands must not be undone: it is connected afterwards. */
START_TEST(the_end_of_a_ring_undoes_it_before_the_next_one)
{
    connected_disk();
    leave(3, 1);
    fake_put(FRONT "/state", "5");
    expect(BACK "/state", "5");
    UNTIL(was_sent("1e0000000000 "));
    take_sent();
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    fake_put(FRONT "/state", "1");
    expect(BACK "/state", "2");
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.clean, 0);
    offer_ring("10", "11");
    expect(BACK "/state", "4");
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.clean, 1);
    ck_assert_str_eq(take_sent(), "");
    /* What the worker wrote down since then counts. */
    leave(3, 4);
    detach(3);
    ck_assert_str_eq(take_sent(), "170000000000 ");
}
END_TEST

START_TEST(a_dead_worker_a_restart_or_a_suspend_undoes_nothing)
{
    connected_disk();
    leave(3, 15);
    if (_i < 2) {
        die_or_restart(_i == 1);
        UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    } else {
        offer_ring("10", "11");
        UNTIL(fake_count(fake_child(), WM_CONNECT) == 2);
        ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.clean, 0);
    }
    let_happen();
    ck_assert_str_eq(take_sent(), "");
}
END_TEST

/* To the device both are one initiator. */
START_TEST(what_another_guest_has_locked_stays_locked)
{
    connected_disk();
    connected_guest(4, DISK);
    leave(3, 5);
    leave(4, 1);
    detach(3);
    ck_assert_str_eq(take_sent(), "170000000000 ");
    detach(4);
    ck_assert_str_eq(take_sent(), "1e0000000000 ");
}
END_TEST

/* The guest ended while no daemon was there; its nodes are left or not. */
START_TEST(a_guest_that_ended_without_a_daemon_leaves_nothing_either)
{
    connected_disk();
    leave(3, 1);
    stop();
    fake_remove("/local/domain/3");
    fake_domain(3, false);
    if (_i == 1)
        fake_remove("backend/vscsi/3");
    restart();
    UNTIL(ready);
    UNTIL(was_sent("1e0000000000 "));
    take_sent();
    expect("backend/vscsi/3", NULL);
    let_happen();
    ck_assert_str_eq(take_sent(), "");
    UNTIL(no_file("d3.0.stats"));
}
END_TEST

START_TEST(another_unit_at_the_address_gets_no_command)
{
    connected_disk();
    leave(3, 1);
    make_scsi(DISK, 5, "naa.5000c500ffffffff");
    detach(3);
    ck_assert_str_eq(take_sent(), "");
}
END_TEST

START_TEST(a_device_that_refuses_is_asked_once)
{
    connected_disk();
    leave(3, 1);
    send_status = 2;
    detach(3);
    ck_assert_str_eq(take_sent(), "1e0000000000 ");
}
END_TEST

/* What the log says of it. sense: 18 bytes, the first three of which count. */
static const struct {
    int status;
    uint8_t sense[3];
    unsigned unit_attentions;
    const char *sent, *said;
} ends[] = {
    { 0, { 0 }, 0, "1e0000000000 ", "is undone: PREVENT MEDIUM REMOVAL\n" },
    { 2, { 0x70, 0, 0x00 }, 0, "1e0000000000 ", "is undone: PREVENT MEDIUM REMOVAL\n" },
    { 2, { 0x70, 0, 0x01 }, 0, "1e0000000000 ", "is undone: PREVENT MEDIUM REMOVAL\n" },
    { 2, { 0x72, 0x01, 0x17 }, 0, "1e0000000000 ", "is undone: PREVENT MEDIUM REMOVAL\n" },
    { 2, { 0x72, 0x0f, 0 }, 2, "1e0000000000 1e0000000000 1e0000000000 ", "is undone: PREVENT MEDIUM REMOVAL\n" },
    { 2, { 0x70, 0, 0x05 }, 0, "1e0000000000 ", "cannot be undone: PREVENT MEDIUM REMOVAL: sense 05/00/00; reset it" },
    { 2,
      { 0x70, 0, 0x02 },
      1,
      "1e0000000000 1e0000000000 ",
      "cannot be undone: PREVENT MEDIUM REMOVAL: sense 02/00/00; reset it" },
    { 2, { 0x71, 0, 0x00 }, 0, "1e0000000000 ", "cannot be undone: PREVENT MEDIUM REMOVAL: sense 00/00/00; reset it" },
    { 8, { 0 }, 0, "1e0000000000 ", "cannot be undone: PREVENT MEDIUM REMOVAL: status 08h, host byte 0; reset it" },
};

START_TEST(what_the_device_said_decides_whether_it_is_undone)
{
    log_to_file();
    connected_disk();
    leave(3, 1);
    send_status = ends[_i].status;
    memcpy(send_sense, ends[_i].sense, 3);
    send_unit_attentions = ends[_i].unit_attentions;
    detach(3);
    ck_assert_str_eq(take_sent(), ends[_i].sent);
    ck_assert_uint_eq(logged(ends[_i].said), 1);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_device_is_claimed_as_long_as_a_guest_has_it, 0, 2);
    tcase_add_loop_test(t, a_dead_worker_or_a_restart_gives_nothing_back, 0, 2);
    tcase_add_loop_test(t, a_new_device_that_this_domain_uses_needs_force, 0, 2);
    tcase_add_test(t, a_guest_waits_for_a_device_that_this_domain_uses_now);
    tcase_add_test(t, a_device_that_returns_is_claimed_again);
    tcase_add_loop_test(t, what_the_device_said_decides_whether_it_is_undone, 0, ARRAY_SIZE(ends));
    tcase_add_loop_test(t, a_detach_undoes_what_the_guest_has_left, 0, ARRAY_SIZE(lefts));
    tcase_add_loop_test(t, the_end_of_a_guest_undoes_it_too, 0, 2);
    tcase_add_test(t, the_end_of_a_ring_undoes_it_before_the_next_one);
    tcase_add_loop_test(t, a_dead_worker_a_restart_or_a_suspend_undoes_nothing, 0, 3);
    tcase_add_test(t, what_another_guest_has_locked_stays_locked);
    tcase_add_loop_test(t, a_guest_that_ended_without_a_daemon_leaves_nothing_either, 0, 2);
    tcase_add_test(t, another_unit_at_the_address_gets_no_command);
    tcase_add_test(t, a_device_that_refuses_is_asked_once);
}

int main(void)
{
    return run_host_tests("host-claim", add_tests);
}
