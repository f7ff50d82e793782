// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory, and its SCSI devices. A LUN stays the device that it was.
 * A temporary error takes no device away from a guest.
 */
#include "config.h"

#include "control/away.h"
#include "host-fixture.h"

/* --- the same device again --- */

START_TEST(a_lun_stays_on_its_path)
{
    make_scsi("6:0:0:0", 6, WWID);
    start();
    connected_guest(3, WWID);
    make_scsi(DISK, 5, WWID); /* would be preferred */
    die_or_restart(_i == 1);
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_str_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.device, "sg6 (6:0:0:0)");
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
}
END_TEST

START_TEST(a_lun_follows_its_disk_to_another_address)
{
    connected_disk();
    fake_put(LUN_0 "/p-dev", WWID);
    model_find(host, 3, 0)->devs->wish.pdev[0] = '\0';
    strcpy(model_find(host, 3, 0)->devs->wish.pdev, WWID);
    run("mv %s/bus/scsi/devices/" DISK " %s/bus/scsi/devices/7:0:0:0", sysfs, sysfs);
    die_or_restart(_i == 1);
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_str_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.device, "sg5 (7:0:0:0)");
}
END_TEST

/* 3: another unit has the address meanwhile. */
START_TEST(a_lun_follows_its_disk_to_an_address_that_its_name_does_not_lead_to)
{
    connected_disk();
    run("mv %s/bus/scsi/devices/" DISK " %s/bus/scsi/devices/7:0:0:0", sysfs, sysfs);
    if (_i == 3)
        make_scsi(DISK, 9, "naa.5000c500ffffffff");
    if (_i == 1 || _i == 2) {
        die_or_restart(_i == 1);
        UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    } else {
        say_lost();
        UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 2);
    }
    ck_assert_str_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.device, "sg5 (7:0:0:0)");
    ck_assert_uint_eq(last_flags() & LUN_AWAY, 0);
    expect(LUN_0 "/error", NULL);
    expect(LUN_0 "/p-hctl", "7:0:0:0");
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
}
END_TEST

/* Its identifier is not one that sysfs has, or is only that of an address. */
START_TEST(a_disk_without_an_identifier_is_not_found_elsewhere)
{
    unit_said = _i == 0 ? "serial.ACME.DISK.17.0" : "boot.0b1c2d3e.5:0:0:0";
    connected_disk();
    run("mv %s/bus/scsi/devices/" DISK " %s/bus/scsi/devices/7:0:0:0", sysfs, sysfs);
    say_lost();
    UNTIL(fake_get(LUN_0 "/error"));
    let_happen_ms(300);
    ck_assert_str_eq(fake_get(LUN_0 "/error"), "the device is gone: there is no SCSI device 5:0:0:0");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
}
END_TEST

static unsigned there(void)
{
    unsigned n = 0;

    for (const struct vdev *d = lun_0(); d; d = d->next)
        n += d->presence == DEVICE_THERE;
    return n;
}

/* A guest with two paths to a unit. One of them goes; then both, and one path is there again. */
START_TEST(no_lun_gets_the_path_of_another_one)
{
    connected_disk();
    make_scsi("6:0:0:0", 6, WWID);
    add_dev(BACK, 1, "6:0:0:0", "0:0:0:1");
    fake_put(BACK "/state", "7");
    expect(BACK "/vscsi-devs/dev-1/state", "3");
    run("mv %s/bus/scsi/devices/" DISK " %s/away", sysfs, sysfs);
    if (_i == 1)
        run("mv %s/bus/scsi/devices/6:0:0:0 %s/away-too", sysfs, sysfs);
    say_lost();
    if (_i == 1)
        fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_LOST, .lun_index = 1 });
    UNTIL(there() == (_i == 0));
    UNTIL(fake_get(LUN_0 "/error"));
    let_happen_ms(300);
    ck_assert_uint_eq(there(), _i == 0);
    make_scsi("7:0:0:0", 7, WWID);
    away_hurry(model_find(host, 3, 0));
    UNTIL(there() == (_i == 0 ? 2 : 1));
    ck_assert_str_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.device, "sg7 (7:0:0:0)");
    away_hurry(model_find(host, 3, 0));
    let_happen_ms(400);
    ck_assert_uint_eq(there(), _i == 0 ? 2 : 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 3);
}
END_TEST

START_TEST(another_disk_at_the_same_address_is_refused)
{
    connected_disk();
    if (_i < 2)
        make_scsi(DISK, 5, "naa.5000c500ffffffff");
    die_or_restart(_i == 1);
    if (_i == 2) {
        UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
        return;
    }
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1 && fake_get(LUN_0 "/error"));
    ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), "another device now: its wwid is naa.5000c500ffffffff"));
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
    let_happen_ms(300);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & LUN_AWAY, LUN_AWAY);
    /* The administrator means the new one. */
    fake_put(LUN_0 "/state", "1");
    fake_put(BACK "/state", "7");
    expect(LUN_0 "/state", "3");
}
END_TEST

/* --- opening that takes long or fails for now --- */

START_TEST(what_passes_costs_no_guest_its_device)
{
    static const int passing[] = { -EBUSY, -ENOMEM, -EMFILE, -EAGAIN, -EIO, -EACCES };

    connected_disk();
    set_open_error(passing[_i / 2]);
    die_or_restart(_i % 2 == 0);
    let_happen_ms(350);
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
    ck_assert_ptr_null(fake_get(LUN_0 "/error"));
    set_open_error(0);
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 1);
    let_happen();
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
}
END_TEST

START_TEST(what_never_passes_does)
{
    connected_disk();
    set_open_error(-ENOTSUP);
    die_or_restart(_i == 0);
    expect(LUN_0 "/state", "6");
    ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), "it is so"));
}
END_TEST

/* --- a device that goes and comes back --- */

/* A worker or a daemon that starts while the device is away serves the vhost without it. */
START_TEST(a_device_that_is_not_there_costs_no_guest_its_lun)
{
    static const int absent[] = { -ENOENT, -ENODEV, -ENXIO };

    connected_disk();
    set_open_error(absent[_i / 2]);
    die_or_restart(_i % 2 == 0);
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 1);
    ck_assert_uint_eq(last_flags(), LUN_AWAY);
    /* A new daemon knows no type: what is left of a tape's commands must not be sent again. */
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.type, _i % 2 == 0 ? 0 : 0x1f);
    UNTIL(fake_get(LUN_0 "/error"));
    ck_assert_int_eq(strncmp(fake_get(LUN_0 "/error"), "the device is gone: it is so", 28), 0);
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
    set_open_error(0);
    UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 2);
    ck_assert_uint_eq(last_flags(), LUN_RETURNED);
    UNTIL(!fake_get(LUN_0 "/error"));
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
    ck_assert_str_eq(lun_0()->error, "");
}
END_TEST

/* Deleted and found again under another number; set offline, and running again. */
START_TEST(a_device_that_goes_is_given_to_the_worker_when_it_is_back)
{
    static const char *const gone[] = { "there is no SCSI device 5:0:0:0", "its state is offline" };

    connected_disk();
    for (unsigned round = 1; round < 3; round++) {
        if (_i == 0)
            run("mv %s/bus/scsi/devices/" DISK " %s/away", sysfs, sysfs);
        else
            run("echo offline >%s/bus/scsi/devices/" DISK "/state", sysfs);
        say_lost();
        UNTIL(fake_get(LUN_0 "/error"));
        ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), gone[_i]));
        ck_assert_int_eq(lun_0()->presence, DEVICE_GONE);
        ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
        ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), round);
        if (_i == 0)
            run("cd %s && mv away bus/scsi/devices/" DISK " && cd bus/scsi/devices/" DISK
                " && mv scsi_generic/sg* scsi_generic/sg%u",
                sysfs, round + 6);
        else
            run("echo running >%s/bus/scsi/devices/" DISK "/state", sysfs);
        away_hurry(model_find(host, 3, 0));
        UNTIL(lun_0()->presence == DEVICE_THERE);
        ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), round + 1);
        ck_assert_uint_eq(last_flags(), LUN_RETURNED);
        UNTIL(!fake_get(LUN_0 "/error"));
    }
    ck_assert_uint_eq(fake_n_children, 1);
    if (_i == 0)
        ck_assert_str_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.device, "sg8 (5:0:0:0)");
}
END_TEST

/* The kernel finds a disk's size before it makes the node. With its driver unbound there will be none. */
START_TEST(a_disk_without_its_block_device_is_waited_for_and_taken_at_last)
{
    make_scsi(DISK, 5, WWID);
    run("cd %s/bus/scsi/devices/" DISK " && mkdir -p block/sda && echo 8:0 >block/sda/dev", sysfs);
    start();
    connected_guest(3, DISK);
    run("mv %s/bus/scsi/devices/" DISK "/block %s", sysfs, dir);
    say_lost();
    UNTIL(fake_get(LUN_0 "/error"));
    ck_assert_str_eq(fake_get(LUN_0 "/error"), "the device is gone: its block device is not there yet");
    let_happen_ms(300);
    ck_assert_int_ne(lun_0()->presence, DEVICE_THERE);
    ck_assert_uint_ge(lun_0()->block_until_us, now_us() + 60000000);
    if (_i == 0)
        run("mv %s/block %s/bus/scsi/devices/" DISK, dir, sysfs);
    else
        lun_0()->block_until_us = 1;
    away_hurry(model_find(host, 3, 0));
    UNTIL(lun_0()->presence == DEVICE_THERE);
    ck_assert_str_eq(lun_0()->dev.block_name, _i == 0 ? "sda" : "");
    ck_assert_uint_eq(lun_0()->block_until_us, 0);
}
END_TEST

START_TEST(another_unit_at_the_address_is_not_given_to_the_guest)
{
    connected_disk();
    make_scsi(DISK, 5, "naa.5000c500ffffffff");
    say_lost();
    UNTIL(fake_get(LUN_0 "/error"));
    ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), "another device now: its wwid is naa.5000c500ffffffff"));
    let_happen_ms(300);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
    make_scsi(DISK, 5, WWID);
    UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 2);
    ck_assert_uint_eq(last_flags(), LUN_RETURNED);
}
END_TEST

/* A driver may end commands with NO_CONNECT while the device runs. */
START_TEST(a_device_that_goes_again_and_again_is_searched_for_at_a_bounded_rate)
{
    uint64_t begin = now_us();

    connected_disk();
    for (unsigned i = 0; i < 3; i++) {
        UNTIL(lun_0()->presence == DEVICE_THERE);
        say_lost();
        UNTIL(lun_0()->presence != DEVICE_THERE);
    }
    UNTIL(lun_0()->presence == DEVICE_THERE);
    /* The first search is at once; the others wait 200 and 400 ms. */
    ck_assert_uint_ge(now_us() - begin, 600000);
}
END_TEST

START_TEST(a_lun_whose_device_is_gone_can_be_detached)
{
    connected_disk();
    set_open_error(-ENXIO);
    say_lost();
    UNTIL(fake_get(LUN_0 "/error"));
    if (_i == 1) { /* its opening is under way */
        set_open_sleeps("sg5");
        away_hurry(model_find(host, 3, 0));
        UNTIL(lun_0()->opening);
    }
    fake_put(LUN_0 "/state", "5");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    expect(LUN_0 "/state", "6");
    ck_assert_ptr_null(fake_get(LUN_0 "/error"));
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 1);
    set_open_sleeps("-");
}
END_TEST

/* The worker dies while it has a LUN without its device; then while the device is on its way to it. */
START_TEST(a_worker_may_die_while_a_device_is_away)
{
    connected_disk();
    write_journal(8, 9, false);
    set_open_error(-ENXIO);
    say_lost();
    UNTIL(fake_get(LUN_0 "/error"));
    if (_i == 1) {
        fake_child_mute = true;
        set_open_error(0);
        UNTIL(lun_0()->presence == DEVICE_RETURNING);
        fake_child_mute = false;
        set_open_error(-ENXIO);
    }
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(last_flags(), LUN_AWAY);
    set_open_error(0);
    UNTIL(lun_0()->presence == DEVICE_THERE);
    ck_assert_uint_eq(last_flags(), LUN_RETURNED);
    UNTIL(!fake_get(LUN_0 "/error"));
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
}
END_TEST

static void take_away(void)
{
    run("mv %s/bus/scsi/devices/" DISK " %s/away", sysfs, sysfs);
    say_lost();
    UNTIL(fake_get(LUN_0 "/error"));
}

static void put_back_there(void)
{
    run("mv %s/away %s/bus/scsi/devices/" DISK, sysfs, sysfs);
    away_hurry(model_find(host, 3, 0));
    UNTIL(lun_0()->presence == DEVICE_THERE);
}

/* What Linux does with a LUN whose INQUIRY fails. */
static void guest_does_not_take_it(void)
{
    fake_put(FRONT "/vscsi-devs/dev-0/state", "6");
    fake_put(FRONT "/state", "4");
    UNTIL(lun_0()->lun == LUN_REFUSED);
}

/*
 * The guest looks at the LUN while the device is away: 0: it starts then; 1: it says so only when the device is back;
 * 2: it reloads its frontend then; 3: the daemon ends meanwhile; 4: the worker dies meanwhile.
 */
START_TEST(a_guest_that_found_no_device_is_told_to_look_again)
{
    if (_i == 2) {
        connected_disk();
        take_away();
        fake_put(FRONT "/state", "6");
        expect(BACK "/state", "2");
        expect(LUN_0 "/state", "3");
    } else {
        make_scsi(DISK, 5, WWID);
        start();
        create_vhost(3, 0);
        add_dev(BACK, 0, DISK, "0:0:0:0");
        expect(BACK "/state", "2");
        expect(LUN_0 "/state", "3");
        take_away();
    }
    offer_ring("8", "9");
    expect(BACK "/state", "4");
    if (_i == 1)
        put_back_there();
    guest_does_not_take_it();
    if (_i != 1) {
        let_happen();
        ck_assert_str_eq(fake_get(BACK "/state"), "4"); /* in vain as long as the device is away */
        ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), "there is no SCSI device 5:0:0:0"));
    }
    if (_i > 2) {
        die_or_restart(_i == 4);
        UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1 && lun_0()->lun == LUN_FOUND);
    }
    if (_i != 1)
        put_back_there();
    expect(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    expect(BACK "/state", "8");
    fake_put(FRONT "/vscsi-devs/dev-0/state", "4");
    fake_put(FRONT "/state", "4");
    expect(LUN_0 "/state", "4");
    expect(BACK "/state", "4");
    expect(LUN_0 "/error", NULL);
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
}
END_TEST

START_TEST(a_guest_that_refuses_a_device_that_is_there_is_left_alone)
{
    make_scsi(DISK, 5, WWID);
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, DISK, "0:0:0:0");
    expect(LUN_0 "/state", "3");
    if (_i == 1)
        take_away();
    offer_ring("8", "9");
    expect(BACK "/state", "4");
    guest_does_not_take_it();
    if (_i == 1) {
        put_back_there();
        expect(BACK "/state", "7");
        fake_put(FRONT "/state", "7");
        expect(BACK "/state", "8");
        guest_does_not_take_it();
    }
    expect(LUN_0 "/error", "the guest refused the device");
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "3");
}
END_TEST

/* A new LUN whose device is not there fails as it always has. */
START_TEST(a_new_lun_whose_device_is_not_there_fails)
{
    make_scsi(DISK, 5, WWID);
    set_open_error(-ENXIO);
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, DISK, "0:0:0:0");
    expect(LUN_0 "/state", "6");
    ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), "it is so"));
}
END_TEST

/* Devices that a thread is opening now. */
static unsigned begun(const struct vhost *v)
{
    unsigned n = 0;

    for (const struct vdev *d = v->devs; d; d = d->next)
        n += d->opening && __atomic_load_n(&d->opening->started_us, __ATOMIC_RELAXED) != 0;
    return n;
}

static void set_times(struct vdev *d, uint64_t us)
{
    __atomic_store_n(&d->opening->started_us, us, __ATOMIC_RELAXED);
}

/* Sets the clock as if all openings, running and waiting, had begun 26 s earlier. */
static void make_late(struct vhost *v)
{
    for (struct vdev *d = v->devs; d; d = d->next) {
        if (!d->opening)
            continue;
        d->deadline_us = 0;
        if (__atomic_load_n(&d->opening->started_us, __ATOMIC_RELAXED) != 0)
            set_times(d, now_us() - 26000000);
    }
    model_changed(v);
}

START_TEST(a_device_in_error_recovery_is_waited_for)
{
    connected_disk();
    set_open_sleeps("sg5");
    die_or_restart(_i == 1);
    UNTIL(model_find(host, 3, 0) && begun(model_find(host, 3, 0)) == 1);
    make_late(model_find(host, 3, 0));
    let_happen_ms(50);
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
    set_open_sleeps("-");
    UNTIL(fake_n_children > 0 && fake_count(fake_child(), WM_CONNECT) == 1);
    let_happen();
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "4");
}
END_TEST

START_TEST(a_new_device_that_sleeps_fails_and_those_behind_it_have_their_time)
{
    struct vhost *v;
    char vdev[16], path[64];
    unsigned failed = 0, waiting = 0;

    make_scsi(DISK, 5, WWID);
    set_open_sleeps("sg5");
    start();
    create_vhost(3, 0);
    for (unsigned i = 0; i < 17; i++) {
        snprintf(vdev, sizeof(vdev), "0:0:0:%u", i);
        add_dev(BACK, i, DISK, vdev);
    }
    UNTIL((v = model_find(host, 3, 0)) && begun(v) == 16);
    let_happen();
    make_late(v);
    UNTIL(begun(v) == 0);
    let_happen();
    for (unsigned i = 0; i < 17; i++) {
        snprintf(path, sizeof(path), BACK "/vscsi-devs/dev-%u/state", i);
        failed += node_is(path, "6");
        waiting += node_is(path, "1");
    }
    ck_assert_uint_eq(failed, 16);
    ck_assert_uint_eq(waiting, 1);
    set_open_sleeps("-");
    for (struct vdev *d = v->devs; d; d = d->next) {
        if (!d->opening)
            continue;
        snprintf(path, sizeof(path), BACK "/vscsi-devs/%s/state", d->name);
        expect(path, "3");
        return;
    }
    ck_abort_msg("none is under way any more");
}
END_TEST

/* 1: it takes longer. */
START_TEST(a_new_device_has_25_seconds_even_where_everything_is_slow)
{
    struct vdev *d;

    make_scsi(DISK, 5, WWID);
    set_open_sleeps("sg5");
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, DISK, "0:0:0:0");
    UNTIL(model_find(host, 3, 0) && begun(model_find(host, 3, 0)) == 1);
    d = lun_0();
    set_times(d, now_us() - (_i ? 26000000 : 23000000));
    d->deadline_us = 0;
    d->vhost->life_us = 1;
    model_changed(d->vhost);
    let_happen();
    if (_i == 0) {
        ck_assert_str_eq(fake_get(LUN_0 "/state"), "1");
        ck_assert_str_eq(fake_get(BACK "/feature-sg-grant"), "128"); /* the sign of life */
        set_open_sleeps("-");
        expect(LUN_0 "/state", "3");
        return;
    }
    expect(LUN_0 "/state", "6");
    ck_assert_str_eq(fake_get(LUN_0 "/error"),
                     "it was not open after 25 s; if the kernel's log shows error recovery of the device, end that "
                     "first, then attach it again");
    set_open_sleeps("-");
}
END_TEST

START_TEST(resets_that_take_long_keep_no_device_from_being_opened)
{
    settings.device_reset = true;
    connected_disk();
    make_scsi("6:0:0:0", 6, "naa.5000c500a1b2c3d5");
    set_open_sleeps("sg5");
    for (int i = 0; i < 40; i++)
        fake_say(fake_child(), &(struct worker_msg){ .type = WM_RESET, .lun_index = 0 });
    add_dev(BACK, 1, "6:0:0:0", "0:0:0:1");
    fake_put(BACK "/state", "7");
    expect(BACK "/vscsi-devs/dev-1/state", "3");
    set_open_sleeps("-");
}
END_TEST

/*
 * 1: the LUN has gone meanwhile, and another has its place; 2: the daemon ends meanwhile, and lets the worker finish.
 */
START_TEST(the_end_of_a_reset_is_told_to_the_lun_that_wanted_it)
{
    settings.device_reset = true;
    connected_disk();
    make_scsi("6:0:0:0", 6, "naa.5000c500a1b2c3d5");
    set_open_sleeps("sg5");
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_RESET, .lun_index = 0 });
    if (_i == 1) {
        fake_put(LUN_0 "/state", "5");
        fake_put(BACK "/state", "7");
        fake_put(FRONT "/state", "7");
        expect(BACK "/state", "8");
        fake_put(FRONT "/state", "4");
        expect(BACK "/state", "4");
        fake_remove(LUN_0);
        let_happen();
        add_dev(BACK, 0, "6:0:0:0", "0:0:0:0");
        UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 2);
        ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->lun_index, 0);
    }
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_RESET_DONE), 0);
    if (_i == 2)
        host_quit(host);
    set_open_sleeps("-");
    if (_i != 1)
        UNTIL(fake_count(fake_child(), WM_RESET_DONE) == 1);
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_RESET_DONE), _i != 1);
}
END_TEST

/* --- a detach over a restart --- */

/*
 * The frontend writes its caches back before it goes to 7. The device goes to 5: 0 before the start, 1 while it is
 * opened, 2 while it is added.
 */
START_TEST(a_device_that_leaves_over_a_restart_keeps_its_caches)
{
    connected_disk();
    stop();
    write_journal(8, 9, false);
    if (_i == 0)
        fake_put(LUN_0 "/state", "5");
    fake_put(BACK "/state", "7");
    if (_i == 1)
        set_open_sleeps("sg5");
    if (_i == 2)
        fake_child_mute = true;
    restart();
    if (_i == 1)
        UNTIL(model_find(host, 3, 0) && model_find(host, 3, 0)->devs
              && model_find(host, 3, 0)->devs->lun == LUN_REOPENING);
    if (_i == 2)
        UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_CONNECT) == 1);
    fake_put(LUN_0 "/state", "5");
    let_happen();
    set_open_sleeps("-");
    fake_child_mute = false;
    UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_CONNECT) == 1);
    if (_i == 2) {
        fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_ADDED, .lun_index = 0 });
        fake_say(fake_child(), &(struct worker_msg){ .type = WM_CONNECTED,
                                                     .generation = fake_last(fake_child(), WM_CONNECT)->generation });
    }
    let_happen();
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 0);
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "5");
    fake_put(FRONT "/vscsi-devs/dev-0/state", "6");
    fake_put(FRONT "/state", "7");
    expect(LUN_0 "/state", "6");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 1);
    expect(BACK "/state", "8");
}
END_TEST

/* Wherever xenstore fails once in the daemon's first look. */
START_TEST(a_device_that_leaves_keeps_its_caches_in_a_bad_moment_of_xenstore)
{
    connected_disk();
    stop();
    write_journal(8, 9, false);
    fake_put(LUN_0 "/state", "5");
    fake_put(BACK "/state", "7");
    restart();
    fake_fail((unsigned)_i, EIO);
    UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_CONNECT) == 1);
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
    ck_assert_str_eq(fake_get(LUN_0 "/state"), "5");
}
END_TEST

START_TEST(a_device_that_the_frontend_let_go_of_is_not_opened_again)
{
    connected_disk();
    stop();
    write_journal(8, 9, false);
    fake_put(LUN_0 "/state", "5");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/vscsi-devs/dev-0/state", "6");
    fake_put(FRONT "/state", "7");
    restart();
    expect(LUN_0 "/state", "6");
    expect(BACK "/state", "8");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 0);
}
END_TEST

/* --- devices of several guests --- */

static unsigned shared_flag(const struct fake_child *c)
{
    const struct worker_msg *m = fake_last(c, WM_LUN_SHARED);

    if (!m)
        m = fake_last(c, WM_LUN_ADD);
    return m->u.lun.flags & LUN_SHARED;
}

START_TEST(a_device_of_two_guests_is_shared)
{
    struct fake_child *first, *second;

    connected_disk();
    first = fake_child();
    ck_assert_uint_eq(shared_flag(first), 0);
    connected_guest(4, DISK);
    second = fake_child();
    ck_assert_uint_eq(shared_flag(first), LUN_SHARED);
    ck_assert_uint_eq(shared_flag(second), LUN_SHARED);
    /* A worker's death changes nothing of it. */
    write_journal(8, 9, false);
    fake_die(first);
    UNTIL(fake_n_children == 3 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    first = fake_child();
    ck_assert_uint_eq(shared_flag(first), LUN_SHARED);
    ck_assert_uint_eq(fake_count(second, WM_LUN_SHARED), 0);
    destroy(4);
    UNTIL(shared_flag(first) == 0);
}
END_TEST

START_TEST(a_device_of_one_guests_two_vhosts_is_not_shared)
{
    struct fake_child *first;

    connected_disk();
    first = fake_child();
    create_vhost(3, 1);
    add_dev("backend/vscsi/3/1", 0, DISK, "1:0:0:0");
    expect("backend/vscsi/3/1/vscsi-devs/dev-0/state", "3");
    ck_assert_uint_eq(shared_flag(first), 0);
    ck_assert_uint_eq(shared_flag(fake_child()), 0);
}
END_TEST

/* Another device whose address falls together with the first's in the table. */
START_TEST(other_devices_are_not_shared)
{
    char hctl[32];

    connected_disk();
    snprintf(hctl, sizeof(hctl), "%d:0:0:0", 5 + DEVICE_BUCKETS);
    make_scsi(hctl, 6, "naa.5000c500a1b2c3d5");
    connected_guest(4, hctl);
    ck_assert_uint_eq(shared_flag(fake_child()), 0);
    ck_assert_uint_eq(shared_flag(&fake_children[0]), 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_lun_stays_on_its_path, 0, 2);
    tcase_add_loop_test(t, a_lun_follows_its_disk_to_another_address, 0, 2);
    tcase_add_loop_test(t, a_lun_follows_its_disk_to_an_address_that_its_name_does_not_lead_to, 0, 4);
    tcase_add_loop_test(t, a_disk_without_an_identifier_is_not_found_elsewhere, 0, 2);
    tcase_add_loop_test(t, no_lun_gets_the_path_of_another_one, 0, 2);
    tcase_add_loop_test(t, another_disk_at_the_same_address_is_refused, 0, 3);
    tcase_add_loop_test(t, what_passes_costs_no_guest_its_device, 0, 12);
    tcase_add_loop_test(t, what_never_passes_does, 0, 2);
    tcase_add_loop_test(t, a_device_that_is_not_there_costs_no_guest_its_lun, 0, 6);
    tcase_add_loop_test(t, a_device_that_goes_is_given_to_the_worker_when_it_is_back, 0, 2);
    tcase_add_loop_test(t, a_disk_without_its_block_device_is_waited_for_and_taken_at_last, 0, 2);
    tcase_add_test(t, another_unit_at_the_address_is_not_given_to_the_guest);
    tcase_add_test(t, a_device_that_goes_again_and_again_is_searched_for_at_a_bounded_rate);
    tcase_add_loop_test(t, a_lun_whose_device_is_gone_can_be_detached, 0, 2);
    tcase_add_loop_test(t, a_worker_may_die_while_a_device_is_away, 0, 2);
    tcase_add_loop_test(t, a_guest_that_found_no_device_is_told_to_look_again, 0, 5);
    tcase_add_loop_test(t, a_guest_that_refuses_a_device_that_is_there_is_left_alone, 0, 2);
    tcase_add_test(t, a_new_lun_whose_device_is_not_there_fails);
    tcase_add_loop_test(t, a_device_in_error_recovery_is_waited_for, 0, 2);
    tcase_add_test(t, a_new_device_that_sleeps_fails_and_those_behind_it_have_their_time);
    tcase_add_loop_test(t, a_new_device_has_25_seconds_even_where_everything_is_slow, 0, 2);
    tcase_add_test(t, resets_that_take_long_keep_no_device_from_being_opened);
    tcase_add_loop_test(t, the_end_of_a_reset_is_told_to_the_lun_that_wanted_it, 0, 3);
    tcase_add_loop_test(t, a_device_that_leaves_over_a_restart_keeps_its_caches, 0, 3);
    tcase_add_loop_test(t, a_device_that_leaves_keeps_its_caches_in_a_bad_moment_of_xenstore, 1, 24);
    tcase_add_test(t, a_device_that_the_frontend_let_go_of_is_not_opened_again);
    tcase_add_test(t, a_device_of_two_guests_is_shared);
    tcase_add_test(t, a_device_of_one_guests_two_vhosts_is_not_shared);
    tcase_add_test(t, other_devices_are_not_shared);
}

int main(void)
{
    return run_host_tests("host-devices", add_tests);
}
