// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory, and SCSI devices that a worker has left at work: its
 * commands are waited for, whichever guest gets the device next.
 */
#include "config.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "host-fixture.h"

extern char **environ;

static bool added_held(const struct fake_child *c)
{
    const struct worker_msg *m = fake_last(c, WM_LUN_ADD);

    ck_assert_ptr_nonnull(m);
    return (m->u.lun.flags & LUN_HELD) != 0;
}

/* The last started worker has its LUN held, while the device is busy, and no longer. */
static void check_waits(const struct fake_child *c)
{
    ck_assert(added_held(c));
    let_happen_ms(60);
    ck_assert_uint_eq(fake_count(c, WM_LUN_RELEASE), 0);
    set_busy(DISK, 0);
    UNTIL(fake_count(c, WM_LUN_RELEASE) == 1);
    let_happen();
    ck_assert_uint_eq(fake_count(c, WM_LUN_RELEASE), 1);
}

START_TEST(a_held_lun_is_released_whatever_becomes_of_the_ring)
{
    connected_disk();
    set_busy(DISK, 2);
    write_journal(8, 9, true);
    if (_i == 1)
        fake_connect_error = -EINVAL; /* the guest has just taken its ring away */
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_CONNECT) == 1);
    if (_i == 0)
        fake_put(FRONT "/state", "5"); /* the guest unloads its frontend meanwhile */
    expect(BACK "/state", "5");
    check_waits(fake_child());
}
END_TEST

START_TEST(a_held_lun_is_released_while_xenstored_is_away)
{
    connected_disk();
    set_busy(DISK, 1);
    write_journal(8, 9, true);
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert(added_held(fake_child()));
    let_happen();
    fake_lose(true);
    UNTIL(!host->store);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_RELEASE), 0);
    set_busy(DISK, 0);
    UNTIL(fake_count(fake_child(), WM_LUN_RELEASE) == 1);
    ck_assert_ptr_null(host->store);
    fake_lose(false);
}
END_TEST

/* A worker that sleeps in a write() to the device lets go of the ring only by its death. Nothing is taken over then. */
START_TEST(a_new_ring_waits_for_the_commands_of_the_old_one)
{
    struct pvscsi_journal j;

    connected_disk();
    set_busy(DISK, 1);
    left_at_device = 1;
    write_journal(8, 9, false);
    fake_child_mute = true;
    fake_put(FRONT "/state", "5");
    UNTIL(fake_count(fake_child(), WM_DISCONNECT) == 1);
    fake_child_mute = false;
    fake_die(fake_child());
    expect(BACK "/state", "5");
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    fake_put(FRONT "/state", "1");
    expect(BACK "/state", "2");
    offer_ring("10", "11");
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 0);
    /* The journal says it too, in case this worker and the daemon die. */
    ck_assert_int_eq(run_files_journal(dir, 3, 0, &j), 0);
    ck_assert_uint_eq(j.at_device, 1);
    check_waits(fake_child());
}
END_TEST

START_TEST(a_restarted_daemon_waits_for_commands_of_any_ring)
{
    connected_disk();
    stop();
    set_busy(DISK, 1);
    left_at_device = 1;
    write_journal(8, 9, false);
    if (_i == 1)
        offer_ring("50", "51"); /* the guest resumed meanwhile */
    restart();
    UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, _i == 0);
    check_waits(fake_child());
}
END_TEST

START_TEST(a_restarted_daemon_holds_nothing_without_need)
{
    connected_disk();
    stop();
    write_journal(8, 9, false);
    set_busy(DISK, 1); /* somebody else's */
    restart();
    UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert(!added_held(fake_child()));
}
END_TEST

/* 0: the daemon lives on; 1: it is restarted after the guest's end, 2: before. */
START_TEST(the_next_guest_waits_for_what_a_destroyed_one_has_left)
{
    connected_disk();
    set_busy(DISK, 1);
    left_at_device = 1;
    write_journal(8, 9, true);
    if (_i == 2) {
        stop();
        fake_remove("/local/domain/3");
        fake_remove("backend/vscsi/3");
        fake_domain(3, false);
    } else {
        destroy(3);
        UNTIL(fake_get(BACK) == NULL && model_find(host, 3, 0) == NULL);
    }
    if (_i == 1)
        stop();
    if (_i > 0)
        restart();
    UNTIL(ready);
    UNTIL(no_file("d3.0.luns") && no_file("d3.0.journal"));
    connected_guest(4, DISK);
    check_waits(fake_child());
}
END_TEST

/* A process with --worker among its arguments that does nothing; it ends when the descriptor is closed. */
static pid_t spawn_worker(int *out)
{
    char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "read x" }, (char[]){ "--worker" }, NULL };
    posix_spawn_file_actions_t actions;
    int fds[2];
    pid_t pid;

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[0], STDIN_FILENO);
    ck_assert_int_eq(posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[0]);
    *out = fds[1];
    return pid;
}

/*
 * Its worker sleeps in a write() and cannot end. A device that is attached to the next guest is held even before this
 * is noticed.
 */
START_TEST(the_next_guest_waits_while_the_worker_before_it_still_sleeps)
{
    struct fake_child *sleeper;

    connected_disk();
    sleeper = fake_child();
    set_busy(DISK, 1);
    fake_child_mute = true;
    fake_remove("/local/domain/3");
    fake_domain(3, false);
    UNTIL(fake_count(sleeper, WM_DISCONNECT) == 1);
    fake_child_mute = false;
    connected_guest(4, DISK);
    ck_assert(sleeper->alive);
    check_waits(fake_child());
}
END_TEST

/* A guest that is alive and has only deleted its nodes delays no other guest. */
START_TEST(a_guest_that_deletes_its_nodes_keeps_no_other_waiting)
{
    pid_t pid;
    int fd;

    connected_disk();
    pid = spawn_worker(&fd);
    fake_child()->pid = pid;
    fake_remove(FRONT);
    expect(BACK "/state", "6");
    connected_guest(4, DISK);
    ck_assert(!added_held(fake_child()));
    close(fd);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/*
 * A worker that sleeps in the kernel still submits its command when it wakes up. Until then an idle device proves
 * nothing.
 */
START_TEST(an_abandoned_worker_is_waited_for_too)
{
    pid_t pid;
    int fd;

    connected_disk();
    pid = spawn_worker(&fd);
    fake_child()->pid = pid;
    if (_i == 0) {
        fake_remove(BACK); /* with its ring: whatever the journal says now */
        UNTIL(!fake_child()->alive);
    } else {
        left_at_device = 1;
        write_journal(8, 9, false);
        destroy(3);
        stop();
        restart();
    }
    connected_guest(4, DISK);
    ck_assert(added_held(fake_child()));
    let_happen_ms(60);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_RELEASE), 0);
    set_busy(DISK, 1); /* its last command */
    close(fd);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    check_waits(fake_child());
}
END_TEST

/* 0: as it is; 1: the other's worker is replaced meanwhile; 2: the LUN that waits goes away. */
START_TEST(who_shares_a_device_keeps_still_while_another_waits_for_it)
{
    struct fake_child *mine, *other;

    connected_disk();
    mine = fake_child();
    connected_guest(4, DISK);
    other = fake_child();
    set_busy(DISK, 2);
    write_journal(8, 9, true);
    fake_die(mine);
    UNTIL(fake_n_children == 3 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    mine = fake_child();
    UNTIL(fake_count(other, WM_LUN_HOLD) == 1);
    ck_assert_uint_eq(fake_count(mine, WM_LUN_HOLD), 0);
    if (_i == 1) {
        fake_die(other);
        UNTIL(fake_n_children == 4 && fake_count(fake_child(), WM_LUN_ADD) == 1);
        other = fake_child();
        ck_assert(added_held(other));
    }
    let_happen();
    ck_assert_uint_eq(fake_count(other, WM_LUN_RELEASE), 0);
    if (_i == 2) {
        destroy(3);
        UNTIL(fake_count(other, WM_LUN_RELEASE) == 1);
        return;
    }
    check_waits(mine);
    UNTIL(fake_count(other, WM_LUN_RELEASE) == 1);
    let_happen();
    ck_assert_uint_eq(fake_count(other, WM_LUN_RELEASE), 1);
}
END_TEST

START_TEST(a_device_that_others_keep_busy_is_not_waited_for_without_end)
{
    connected_disk();
    set_busy(DISK, 1);
    write_journal(8, 9, true);
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    ck_assert(added_held(fake_child()));
    host->at_work->since_us -= 299000000;
    let_happen_ms(50);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_RELEASE), 0);
    host->at_work->since_us -= 2000000;
    UNTIL(fake_count(fake_child(), WM_LUN_RELEASE) == 1);
    ck_assert_ptr_null(host->at_work);
    UNTIL(no_file("outstanding"));
}
END_TEST

/* A tape that erases has a day: it is waited for until that is over, and 120 s for the host's error handling. */
START_TEST(a_device_is_waited_for_until_the_last_time_out_is_over)
{
    connected_disk();
    set_busy(DISK, 1);
    left_deadline_us = now_us() + 86400000000u;
    write_journal(8, 9, true);
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    ck_assert(added_held(fake_child()));
    if (_i == 1) { /* the next daemon knows it too */
        stop();
        restart();
        UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    }
    ck_assert_uint_ge(host->at_work->deadline_us, left_deadline_us);
    ck_assert_uint_le(host->at_work->deadline_us, left_deadline_us + 60000000);
    host->at_work->since_us -= 80000000000u;
    let_happen_ms(50);
    ck_assert_ptr_nonnull(host->at_work);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_RELEASE), 0);
    host->at_work->deadline_us = now_us() - 119000000;
    let_happen_ms(50);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_RELEASE), 0);
    host->at_work->deadline_us = now_us() - 120000000;
    UNTIL(fake_count(fake_child(), WM_LUN_RELEASE) == 1);
    ck_assert_ptr_null(host->at_work);
}
END_TEST

/* 0: the kernel's error handling is at work. 1: there is no limit. */
START_TEST(a_device_is_waited_for_as_long_as_the_kernel_may_keep_a_command)
{
    connected_disk();
    set_busy(DISK, 1);
    left_deadline_us = now_us();
    write_journal(8, 9, true);
    run("mkdir -p %s/class/scsi_host/host5 && echo %s >%s/class/scsi_host/host5/%s", sysfs,
        _i == 0 ? "recovery" : "virtio_scsi", sysfs, _i == 0 ? "state" : "proc_name");
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    host->at_work->deadline_us = now_us() - 120000000;
    if (_i == 0) {
        let_happen_ms(50);
        ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_RELEASE), 0);
        run("echo running >%s/class/scsi_host/host5/state", sysfs);
    } else { /* no time counts until there is a limit again */
        UNTIL(host->at_work->deadline_us >= now_us() + 100000000);
        ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_RELEASE), 0);
        run("echo ahci >%s/class/scsi_host/host5/proc_name", sysfs);
        host->at_work->deadline_us = now_us() - 119000000;
        let_happen_ms(50);
        ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_RELEASE), 0);
        host->at_work->deadline_us = now_us() - 120000000;
    }
    UNTIL(fake_count(fake_child(), WM_LUN_RELEASE) == 1);
}
END_TEST

/* Three times what a format may take: 518400 s. A worker that a guest has taken over may write any time. */
START_TEST(what_a_journal_says_of_the_time_has_a_limit)
{
    connected_disk();
    set_busy(DISK, 1);
    left_deadline_us = UINT64_MAX;
    write_journal(8, 9, true);
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    ck_assert_uint_le(host->at_work->deadline_us, now_us() + 518400000000u);
    ck_assert_uint_ge(host->at_work->deadline_us, now_us() + 518300000000u);
}
END_TEST

/* While there is no limit, no time counts: not for the next daemon either. */
START_TEST(a_postponed_deadline_outlives_the_daemon)
{
    connected_disk();
    set_busy(DISK, 1);
    left_deadline_us = now_us();
    write_journal(8, 9, true);
    run("mkdir -p %s/class/scsi_host/host5 && echo virtio_scsi >%s/class/scsi_host/host5/proc_name", sysfs, sysfs);
    fake_die(fake_child());
    UNTIL(host->at_work && host->at_work->worker == 0 && host->at_work->deadline_us >= now_us() + 100000000);
    stop();
    run("echo ahci >%s/class/scsi_host/host5/proc_name", sysfs);
    restart();
    ck_assert_ptr_nonnull(host->at_work);
    ck_assert_uint_ge(host->at_work->deadline_us, now_us() + 120000000);
}
END_TEST

/* The file with these devices cannot be written for a while; see a_file_that_cannot_be_written_is_tried_again. */
START_TEST(what_is_at_work_is_written_later_if_it_cannot_be_now)
{
    connected_disk();
    set_busy(DISK, 1);
    write_journal(8, 9, true);
    run("mkdir %s/outstanding.new", dir);
    log_to_file();
    fake_die(fake_child());
    UNTIL(host->at_work && host->at_work_unsaved.tries >= 2);
    ck_assert(no_file("outstanding"));
    ck_assert_uint_eq(logged("cannot write"), 1);
    run("rmdir %s/outstanding.new", dir);
    UNTIL(!no_file("outstanding"));
    ck_assert_uint_eq(logged("outstanding is written now"), 1);
}
END_TEST

/* A directory in its place cannot be removed. Nothing is at work any more, so nothing else makes the daemon look. */
START_TEST(what_was_at_work_is_removed_later_if_it_cannot_be_now)
{
    connected_disk();
    set_busy(DISK, 1);
    write_journal(8, 9, true);
    fake_die(fake_child());
    UNTIL(host->at_work && !no_file("outstanding"));
    run("rm %s/outstanding && mkdir %s/outstanding", dir, dir);
    set_busy(DISK, 0);
    UNTIL(host->at_work_unsaved.tries >= 2);
    ck_assert_ptr_null(host->at_work);
    run("rmdir %s/outstanding && touch %s/outstanding", dir, dir);
    UNTIL(no_file("outstanding"));
    ck_assert_uint_eq(host->at_work_unsaved.due_us, 0);
    let_happen();
    ck_assert(!loop_timer_armed(&host->at_work_timer));
}
END_TEST

/* The same disk by another way. */
START_TEST(a_second_path_waits_for_the_first)
{
    connected_disk();
    set_busy(DISK, 1);
    left_at_device = 1;
    write_journal(8, 9, true);
    destroy(3);
    make_scsi("6:0:0:0", 6, WWID);
    connected_guest(4, "6:0:0:0");
    check_waits(fake_child());
}
END_TEST

/* ... and meanwhile others on the first path are held. */
START_TEST(who_has_the_first_path_keeps_still_for_the_second)
{
    struct fake_child *other;

    connected_disk();
    connected_guest(4, DISK);
    other = fake_child();
    set_busy(DISK, 1);
    left_at_device = 1;
    write_journal(8, 9, true);
    destroy(3);
    let_happen();
    ck_assert_uint_eq(fake_count(other, WM_LUN_HOLD), 0);
    make_scsi("6:0:0:0", 6, WWID);
    connected_guest(5, "6:0:0:0");
    UNTIL(fake_count(other, WM_LUN_HOLD) == 1);
    let_happen();
    ck_assert_uint_eq(fake_count(other, WM_LUN_RELEASE), 0);
    if (_i == 1) {
        destroy(5);
        UNTIL(fake_count(other, WM_LUN_RELEASE) == 1);
        return;
    }
    check_waits(fake_child());
    UNTIL(fake_count(other, WM_LUN_RELEASE) == 1);
}
END_TEST

/*
 * A worker that was taken over may say that it has closed a device, with commands at it. 0: it has left some; 1: it has
 * not; 2: another guest's commands keep the device busy.
 */
START_TEST(the_next_guest_waits_for_what_a_worker_that_lives_has_left)
{
    const struct fake_child *worker;

    connected_disk();
    worker = fake_child();
    write_journal(8, 9, false);
    if (_i == 2)
        connected_guest(6, DISK);
    set_busy(DISK, _i == 1 ? 0 : 1);
    fake_put(LUN_0 "/state", "5");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    expect(LUN_0 "/state", "6");
    ck_assert(worker->alive);
    ck_assert_int_eq(no_file("outstanding"), _i > 0);
    connected_guest(4, DISK);
    if (_i == 0)
        check_waits(fake_child());
    else
        ck_assert(!added_held(fake_child()));
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_held_lun_is_released_whatever_becomes_of_the_ring, 0, 2);
    tcase_add_test(t, a_held_lun_is_released_while_xenstored_is_away);
    tcase_add_test(t, a_new_ring_waits_for_the_commands_of_the_old_one);
    tcase_add_loop_test(t, a_restarted_daemon_waits_for_commands_of_any_ring, 0, 2);
    tcase_add_test(t, a_restarted_daemon_holds_nothing_without_need);
    if (!under_valgrind())
        tcase_add_loop_test(t, the_next_guest_waits_for_what_a_destroyed_one_has_left, 0, 3);
    if (!under_valgrind())
        tcase_add_test(t, the_next_guest_waits_while_the_worker_before_it_still_sleeps);
    tcase_add_loop_test(t, the_next_guest_waits_for_what_a_worker_that_lives_has_left, 0, 3);
    tcase_add_test(t, a_guest_that_deletes_its_nodes_keeps_no_other_waiting);
    if (!under_valgrind())
        tcase_add_loop_test(t, an_abandoned_worker_is_waited_for_too, 0, 2);
    tcase_add_loop_test(t, who_shares_a_device_keeps_still_while_another_waits_for_it, 0, 3);
    tcase_add_test(t, a_device_that_others_keep_busy_is_not_waited_for_without_end);
    tcase_add_loop_test(t, a_device_is_waited_for_until_the_last_time_out_is_over, 0, 2);
    tcase_add_loop_test(t, a_device_is_waited_for_as_long_as_the_kernel_may_keep_a_command, 0, 2);
    tcase_add_test(t, a_postponed_deadline_outlives_the_daemon);
    tcase_add_test(t, what_a_journal_says_of_the_time_has_a_limit);
    tcase_add_test(t, what_is_at_work_is_written_later_if_it_cannot_be_now);
    tcase_add_test(t, what_was_at_work_is_removed_later_if_it_cannot_be_now);
    if (!under_valgrind())
        tcase_add_test(t, a_second_path_waits_for_the_first);
    if (!under_valgrind())
        tcase_add_loop_test(t, who_has_the_first_path_keeps_still_for_the_second, 0, 2);
}

int main(void)
{
    return run_host_tests("host-at-work", add_tests);
}
