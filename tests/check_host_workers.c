// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: the death of a worker and a restart of the daemon. The
 * guest goes on with its ring in both cases.
 */
#include "config.h"

#include <dirent.h>
#include <scsi/sg.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "control/sandbox-nodes.h"
#include "host-fixture.h"

/* --- workers --- */

START_TEST(a_worker_that_dies_is_replaced_and_goes_on_with_the_ring)
{
    connected();
    write_journal(8, 9, true);
    fake_die(fake_child());
    UNTIL(fake_n_children == 2);
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref, 8);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
    /* The LUN comes before the ring, with its old number, and not as something new to the guest. */
    ck_assert_uint_eq(fake_child()->msgs[1].type, WM_LUN_ADD);
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & LUN_ATTACHED, 0);
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "4");
}
END_TEST

START_TEST(a_worker_that_dies_over_and_over_is_slowed_down_but_never_given_up)
{
    uint64_t begin;

    connected();
    write_journal(8, 9, false);
    begin = now_us();
    for (unsigned i = 1; i <= 6; i++) {
        fake_die(fake_child());
        UNTIL(fake_n_children == i + 1);
        UNTIL(fake_count(fake_child(), WM_CONNECT) == 1);
    }
    /* Three for free, then 50, 100 and 200 ms. */
    ck_assert_uint_ge(now_us() - begin, 350000);
}
END_TEST

START_TEST(a_worker_that_cannot_be_started_is_tried_again)
{
    fake_child_refuses = true;
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    offer_ring("8", "9");
    let_happen();
    fake_child_refuses = false;
    expect(BACK "/state", "4");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
}
END_TEST

START_TEST(a_worker_that_dies_without_a_ring_is_replaced)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
    fake_die(fake_child());
    UNTIL(fake_n_children == 2);
    UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 1);
    offer_ring("8", "9");
    expect(BACK "/state", "4");
}
END_TEST

START_TEST(a_worker_that_dies_while_it_lets_go_has_let_go)
{
    connected();
    fake_child_mute = true;
    fake_put(FRONT "/state", "5");
    UNTIL(fake_count(fake_child(), WM_DISCONNECT) == 1);
    fake_die(fake_child());
    expect(BACK "/state", "5");
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
}
END_TEST

START_TEST(what_a_worker_says_of_an_earlier_ring_is_ignored)
{
    struct worker_msg old = { .type = WM_DISCONNECTED, .generation = 1 };

    connected();
    offer_ring("30", "31");
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 2);
    let_happen();
    fake_say(fake_child(), &old);
    old.type = WM_HALTED;
    fake_say(fake_child(), &old);
    old = (struct worker_msg){ .type = WM_CONNECTED, .generation = 1, .error = -EIO };
    fake_say(fake_child(), &old);
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    /* And nonsense: unknown types, indexes that do not exist. */
    for (uint32_t type = 0; type < 70; type++) {
        if (type == WM_RESET || (type >= WM_LUN_ADDED && type <= WM_DISCONNECTED) || type == WM_HALTED)
            continue;
        fake_say(fake_child(), &(struct worker_msg){ .type = type, .generation = 77, .lun_index = 4000000000u });
    }
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_ADDED, .lun_index = 4000000000u, .error = -1 });
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_REMOVED, .lun_index = 255 });
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
}
END_TEST

/* A worker that a guest has taken over may say any number. 0 and up are no errors here, and below -4095 neither. */
START_TEST(an_error_that_no_kernel_has_is_an_error_of_the_protocol)
{
    static const int said[] = { 1, INT32_MAX, -4096, INT32_MIN };

    fake_added_error = said[_i];
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(LUN_0 "/state", "6");
    ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), "the worker cannot use it: Protocol error"));
}
END_TEST

static int kept; /* what is found of LUN 0's device: sandbox_nodes_kept() */

int __wrap_sandbox_nodes_kept(struct sandbox_nodes *nodes, uint32_t index);

int __wrap_sandbox_nodes_kept(struct sandbox_nodes *nodes, uint32_t index)
{
    (void)nodes;
    return index == 0 ? kept : 0;
}

/* The device is free only when the process that had it has ended. 0: it has closed it; 1: not; 2: it is not known. */
START_TEST(a_worker_that_keeps_a_device_is_killed)
{
    connected();
    write_journal(8, 9, true);
    log_to_file();
    kept = _i == 2 ? -ENOMEM : _i;
    fake_put(BACK "/vscsi-devs/dev-0/state", "5");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    UNTIL(fake_count(&fake_children[0], WM_LUN_REMOVE) == 1);
    expect(BACK "/vscsi-devs/dev-0/state", "6");
    UNTIL(fake_n_children == (_i > 0 ? 2 : 1));
    expect(BACK "/state", "8");
    fake_put(FRONT "/state", "4");
    expect(BACK "/state", "4");
    let_happen();
    ck_assert_int_eq(fake_children[0].alive, _i == 0);
    ck_assert_uint_eq(fake_n_children, _i > 0 ? 2 : 1);
    ck_assert_uint_eq(fake_count(&fake_children[1], WM_LUN_ADD), 0);
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    /* The guest is accused only of what was seen. */
    ck_assert_uint_eq(logged("keeps a device open that was taken away; killing it. Look at its guest"), _i == 1);
    ck_assert_uint_eq(logged("has closed a device that was taken away: Cannot allocate memory; killing it"), _i == 2);
    kept = 0;
}
END_TEST

/*
 * A worker that was taken over may answer before it reads: then what it has not read has a descriptor of the device,
 * and it may be in the middle of an open().
 */
START_TEST(a_worker_answers_what_it_has_read)
{
    uint64_t added;

    connected();
    write_journal(8, 9, true);
    added = fake_last(fake_child(), WM_LUN_ADD)->ticket;
    ck_assert_uint_ne(added, 0);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_ADDED, .ticket = added + 1, .error = -EIO });
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_REMOVED, .ticket = added });
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "4");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 0);
    fake_child_mute = true;
    fake_put(BACK "/vscsi-devs/dev-0/state", "5");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    UNTIL(fake_count(fake_child(), WM_LUN_REMOVE) == 1);
    ck_assert_uint_ne(fake_last(fake_child(), WM_LUN_REMOVE)->ticket, 0);
    ck_assert_uint_ne(fake_last(fake_child(), WM_LUN_REMOVE)->ticket, added);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_REMOVED, .ticket = added });
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_REMOVED, .ticket = 1 });
    /* That of the other message: it does not say that the device is closed. */
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_ADDED, .error = -EIO });
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "5");
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_REMOVED });
    expect(BACK "/vscsi-devs/dev-0/state", "6");
}
END_TEST

/* A device that a worker says it cannot use is free when it has let go of it. 0: it has; 1: not. */
START_TEST(a_worker_that_refuses_a_device_lets_go_of_it)
{
    fake_added_error = -EIO;
    kept = _i;
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    UNTIL(fake_n_children > 0 && fake_count(&fake_children[0], WM_LUN_REMOVE) == 1);
    UNTIL(fake_children[0].alive == (_i == 0));
    kept = 0;
    expect(LUN_0 "/state", "6");
    ck_assert_ptr_nonnull(strstr(fake_get(LUN_0 "/error"), "the worker cannot use it: Input/output error"));
}
END_TEST

/* 0: of a file, and of a LUN that is not known any more: the usual time. 1: of a device, what sysfs says now. */
START_TEST(a_worker_learns_how_long_the_kernel_may_keep_a_command)
{
    if (_i == 0)
        connected();
    else
        connected_disk();
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HOST_EH_ASK, .lun_index = 99 });
    UNTIL(fake_count(fake_child(), WM_HOST_EH) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_HOST_EH)->lun_index, 99);
    ck_assert_uint_eq(fake_last(fake_child(), WM_HOST_EH)->u.host_eh_s, 120);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HOST_EH_ASK, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_HOST_EH) == 2);
    ck_assert_uint_eq(fake_last(fake_child(), WM_HOST_EH)->u.host_eh_s, 120);
    run("mkdir -p %s/class/scsi_host/host5 && echo 3 >%s/class/scsi_host/host5/host_busy", sysfs, sysfs);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HOST_EH_ASK, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_HOST_EH) == 3);
    ck_assert_uint_eq(fake_last(fake_child(), WM_HOST_EH)->u.host_eh_s, _i == 0 ? 120 : 210);
}
END_TEST

START_TEST(a_reset_is_refused_unless_it_is_configured)
{
    connected();
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_RESET, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_RESET_DONE) == 1);
    ck_assert_int_eq(fake_last(fake_child(), WM_RESET_DONE)->error, -EOPNOTSUPP);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_RESET, .lun_index = 99 });
    UNTIL(fake_count(fake_child(), WM_RESET_DONE) == 2);
}
END_TEST

/* A worker has no path to the PR helper's socket. It gets a connection for each LUN that may use the helper. */
START_TEST(a_worker_gets_connections_to_the_pr_helper)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), fd, next, n;
    uint64_t begun;
    char byte;

    snprintf(settings.pr_socket, sizeof(settings.pr_socket), "%s/helper", dir);
    connected();
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER_CONNECT, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_HELPER_SOCKET) == 1);
    ck_assert_int_eq(fake_last(fake_child(), WM_HELPER_SOCKET)->error, -ENOENT);
    strcpy(addr.sun_path, settings.pr_socket);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(listener, 64), 0);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER_CONNECT, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_HELPER_SOCKET) == 2);
    ck_assert_int_eq(fake_last(fake_child(), WM_HELPER_SOCKET)->error, 0);
    fd = accept(listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    /* The next one ends it, whatever the worker does with it. */
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER_CONNECT, .u.helper_ask = 7 });
    UNTIL(fake_count(fake_child(), WM_HELPER_SOCKET) == 3);
    ck_assert_uint_eq(fake_last(fake_child(), WM_HELPER_SOCKET)->u.helper_ask, 7);
    ck_assert_int_eq(fake_last(fake_child(), WM_HELPER_SOCKET)->error, 0);
    next = accept(listener, NULL, NULL);
    ck_assert_int_ge(next, 0);
    ck_assert_int_eq((int)recv(fd, &byte, 1, MSG_DONTWAIT), 0);
    ck_assert_int_eq((int)recv(next, &byte, 1, MSG_DONTWAIT), -1);
    /* The worker keeps its way to the helper when the toolstack changes pr. */
    fake_put(LUN_0 "/pr", "deny");
    fake_put(LUN_0 "/change", "1");
    expect(LUN_0 "/changed", "1");
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER_CONNECT, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_HELPER_SOCKET) == 4);
    ck_assert_int_eq(fake_last(fake_child(), WM_HELPER_SOCKET)->error, 0);
    close(fd);
    close(next);
    next = accept(listener, NULL, NULL);
    ck_assert_int_ge(next, 0);
    close(next);
    /* There is no such LUN. */
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER_CONNECT, .lun_index = 99 });
    UNTIL(fake_count(fake_child(), WM_HELPER_SOCKET) == 5);
    ck_assert_int_eq(fake_last(fake_child(), WM_HELPER_SOCKET)->error, -ENOENT);
    /* Another guest's worker must find the helper free to accept it: ten connections at once, then ten a second. */
    begun = now_us();
    for (unsigned i = 0; i < 30; i++)
        fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER_CONNECT, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_HELPER_SOCKET) == 35);
    ck_assert_int_eq(fake_last(fake_child(), WM_HELPER_SOCKET)->error, -EAGAIN);
    for (n = 0; (next = accept(listener, NULL, NULL)) >= 0; n++)
        close(next);
    ck_assert_int_le(n, 10 + (int)((now_us() - begun) / 100000));
    /* The next worker got the device with pr=deny. */
    die_or_restart(true);
    UNTIL(fake_count(fake_child(), WM_LUN_ADD) == 1);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER_CONNECT, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_HELPER_SOCKET) == 1);
    ck_assert_int_eq(fake_last(fake_child(), WM_HELPER_SOCKET)->error, -ENOENT);
    ck_assert_int_lt(accept(listener, NULL, NULL), 0);
    close(listener);
    unlink(settings.pr_socket);
}
END_TEST

/*
 * A worker that was taken over may send commands to the helper and read no answers. They must not be carried out when
 * another guest has the device.
 */
START_TEST(a_removed_lun_has_no_connection_to_the_pr_helper)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), fd, worker_end = -1;
    char byte;

    snprintf(settings.pr_socket, sizeof(settings.pr_socket), "%s/helper", dir);
    strcpy(addr.sun_path, settings.pr_socket);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(listener, 64), 0);
    connected();
    fake_keeps_helper = &worker_end;
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER_CONNECT, .lun_index = 0 });
    UNTIL(fake_count(fake_child(), WM_HELPER_SOCKET) == 1);
    ck_assert_int_ge(worker_end, 0);
    fd = accept(listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)send(worker_end, "x", 1, MSG_NOSIGNAL), 1);
    ck_assert_int_eq((int)send(fd, "y", 1, MSG_NOSIGNAL), 1);
    fake_put(BACK "/vscsi-devs/dev-0/state", "5");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    expect(BACK "/vscsi-devs/dev-0/state", "6");
    /* The helper cannot answer, so it does not go on to the next command; and no more can be sent. */
    ck_assert_int_lt((int)send(fd, "y", 1, MSG_NOSIGNAL), 0);
    ck_assert_int_lt((int)send(worker_end, "x", 1, MSG_NOSIGNAL), 0);
    ck_assert_int_eq((int)recv(fd, &byte, 1, MSG_DONTWAIT), 1);
    ck_assert_int_eq((int)recv(fd, &byte, 1, MSG_DONTWAIT), 0);
    close(fd);
    close(worker_end);
    close(listener);
    fake_keeps_helper = NULL;
    unlink(settings.pr_socket);
}
END_TEST

/* What a guest writes into its state node keeps nobody from serving its commands, unless it says that it leaves. */
START_TEST(a_lost_ring_is_taken_over_whatever_the_frontends_state)
{
    static const char *const state[] = { "nonsense", "2", "7", "8" };

    connected();
    write_journal(8, 9, true);
    fake_put(FRONT "/state", state[_i]);
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_DISCONNECT), 0);
}
END_TEST

/* The frontend has seen the 4 that we still show, and is at 4 itself. Its ring is in no journal yet. */
START_TEST(a_worker_that_dies_while_it_connects_a_resumed_frontend_is_replaced)
{
    connected();
    write_journal(8, 9, false);
    fake_child_mute = true;
    offer_ring("30", "31");
    UNTIL(fake_count(fake_child(), WM_DISCONNECT) == 1);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_DISCONNECTED, .generation = 1 });
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 2);
    fake_put(FRONT "/state", "4");
    let_happen();
    fake_child_mute = false;
    fake_die(fake_child());
    UNTIL(fake_n_children == 2 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref, 30);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 0);
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
}
END_TEST

/* --- restart of the daemon --- */

static int proc_listed; /* how often all processes were looked at */

DIR *__real_opendir(const char *name);
DIR *__wrap_opendir(const char *name);

DIR *__wrap_opendir(const char *name)
{
    if (strcmp(name, "/proc") == 0)
        proc_listed++;
    return __real_opendir(name);
}

START_TEST(a_restarted_daemon_takes_a_live_ring_over)
{
    connected();
    stop();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    write_journal(8, 9, false);
    fake_n_children = 0;
    start();
    UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 1);
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "4");
    ck_assert_uint_eq(fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & LUN_ATTACHED, 0);
    ck_assert_uint_eq(fake_last(fake_child(), WM_INIT)->u.init.max_segments, 128);
}
END_TEST

START_TEST(a_reconfiguration_goes_on_over_a_restart)
{
    connected();
    stop();
    write_journal(8, 9, false);
    add_dev(BACK, 1, pdev_b, "0:0:0:1");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    fake_n_children = 0;
    start();
    expect(BACK "/state", "8");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-1/state"), "3");
    fake_put(FRONT "/vscsi-devs/dev-1/state", "4");
    fake_put(FRONT "/state", "4");
    expect(BACK "/state", "4");
    expect(BACK "/vscsi-devs/dev-1/state", "4");
}
END_TEST

/* Linux takes only devices at 3 when it connects. */
START_TEST(a_device_is_offered_again_to_a_frontend_that_restarted_with_the_daemon)
{
    connected();
    stop();
    write_journal(8, 9, false);
    fake_put(FRONT "/state", "1");
    restart();
    expect(BACK "/state", "2");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
}
END_TEST

START_TEST(a_live_ring_without_its_journal_is_closed)
{
    connected();
    stop();
    write_journal(77, 9, false);
    fake_n_children = 0;
    start();
    expect(BACK "/state", "5");
    ck_assert(fake_n_children == 0 || fake_count(fake_child(), WM_CONNECT) == 0);
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    expect(BACK "/state", "2");
}
END_TEST

START_TEST(a_new_ring_offered_meanwhile_is_connected_afresh)
{
    connected();
    stop();
    write_journal(8, 9, false);
    offer_ring("50", "51");
    fake_n_children = 0;
    start();
    UNTIL(fake_n_children == 1 && fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 0);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref, 50);
}
END_TEST

START_TEST(a_worker_of_an_earlier_daemon_is_waited_for)
{
    struct run_files files;
    int before;

    connected();
    stop();
    write_journal(8, 9, false);
    /* It still holds its journal. */
    ck_assert_int_eq(run_files_open(dir, 3, 0, false, &files), 0);
    before = proc_listed;
    fake_n_children = 0;
    start();
    /* Its journal names no worker, so all processes were looked at: at the start, and for the log line. */
    UNTIL(proc_listed - before == 2);
    let_happen_ms(100);
    ck_assert_uint_eq(fake_n_children, 0);
    ck_assert_int_eq(proc_listed - before, 2);
    close(files.journal);
    close(files.stats);
    UNTIL(fake_n_children == 1);
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 1);
}
END_TEST

/*
 * Has the journal mapped, as a worker has, and says that it or (honest is false) another process has it. Its arguments
 * are the test's.
 */
static pid_t worker_with(const struct run_files *files, bool honest)
{
    int fds[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct pvscsi_journal *j = mmap(NULL, sizeof(*j), PROT_READ | PROT_WRITE, MAP_SHARED, files->journal, 0);

        if (j == MAP_FAILED || prctl(PR_SET_NAME, "pvscsid-worker") < 0)
            _exit(1);
        j->worker_pid = (uint32_t)(honest ? getpid() : getppid());
        if (dup2(fds[1], 0) < 0 || close_range(1, ~0u, 0) < 0 || write(0, "", 1) != 1)
            _exit(1);
        pause();
    }
    ck_assert_int_eq((int)read(fds[0], &byte, 1), 1);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static pid_t holder_said;

static void on_journal(void *ctx, uint16_t domid, uint32_t vhost, bool served, const struct pvscsi_journal *j)
{
    (void)ctx;
    (void)domid;
    (void)vhost;
    holder_said = served ? (pid_t)j->worker_pid : 0;
}

/* 0: it lies; 1: it does not, and no other process is looked at. */
START_TEST(a_worker_is_known_by_its_journal_whatever_it_says)
{
    CLEANUP_CLOSE int pidfd = -1;
    struct run_files files;
    int before;
    pid_t pid;

    ck_assert_int_eq(run_files_open(dir, 3, 0, true, &files), 0);
    pid = worker_with(&files, _i == 1);
    close(files.journal);
    close(files.stats);
    before = proc_listed;
    ck_assert_int_eq(run_files_open(dir, 3, 0, false, &files), -EWOULDBLOCK);
    run_files_each(dir, false, on_journal, NULL);
    ck_assert_int_eq(holder_said, _i == 1 ? pid : getpid());
    ck_assert_int_eq(proc_listed - before, 0);
    ck_assert_int_eq((pid_t)run_files_holder(dir, 3, 0), pid);
    ck_assert_int_eq(proc_listed - before, _i == 1 ? 0 : 1);
    run_files_each(dir, true, on_journal, NULL);
    ck_assert_int_eq(holder_said, pid);
    ck_assert_int_eq(proc_listed - before, _i == 1 ? 0 : 2);
    if (!under_valgrind()) {
        pidfd = run_files_worker(pid);
        ck_assert_int_ge(pidfd, 0);
        ck_assert_int_eq(run_files_worker(getpid()), -ESRCH);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert_int_eq(run_files_open(dir, 3, 0, false, &files), 0);
    close(files.journal);
    close(files.stats);
}
END_TEST

/* 0: the larger journal of another version; 1: a shorter one. */
START_TEST(a_journal_of_another_size_stays_while_a_worker_has_it)
{
    struct run_files files = { .journal = -1, .stats = -1 };
    const off_t size = _i == 0 ? (off_t)sizeof(struct pvscsi_journal) + 40 : 8;
    CLEANUP_FREE char *path = strf("%s/d3.0.journal", dir);
    CLEANUP_CLOSE int worker = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat st;

    ck_assert_int_ge(worker, 0);
    ck_assert_int_eq(pwrite(worker, "v", 1, size - 1), 1);
    ck_assert_int_eq(flock(worker, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(run_files_open(dir, 3, 0, false, &files), -EWOULDBLOCK);
    ck_assert_int_eq(run_files_open(dir, 3, 0, true, &files), -EWOULDBLOCK);
    ck_assert_int_eq(fstat(worker, &st), 0);
    ck_assert_int_eq(st.st_size, size);
    close(steal_fd(&worker));
    ck_assert_int_eq(run_files_open(dir, 3, 0, true, &files), 0);
    ck_assert_int_eq(fstat(files.journal, &st), 0);
    ck_assert_int_eq(st.st_size, (off_t)sizeof(struct pvscsi_journal));
    close(files.journal);
    close(files.stats);
}
END_TEST

START_TEST(the_end_of_the_daemon_leaves_everything_as_it_is)
{
    connected();
    host_quit(host);
    ck_assert(fake_child()->quit);
    let_happen();
    ck_assert(!quit);
    fake_die(fake_child());
    UNTIL(quit);
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "4");
    ck_assert_uint_eq(fake_n_children, 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_DISCONNECT), 0);
}
END_TEST

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

static int reset_error; /* of SG_SCSI_RESET; 0: the device was reset */

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    void *arg;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    if (request != SG_SCSI_RESET)
        return __real_ioctl(fd, request, arg);
    errno = reset_error;
    return reset_error ? -1 : 0;
}

/* The device's own unit attention reaches one of them only. 0: it was reset; 1: it was not. */
START_TEST(a_reset_for_one_guest_is_told_to_the_others)
{
    struct fake_child *mine, *other, *elsewhere;

    settings.device_reset = true;
    connected_disk();
    mine = fake_child();
    connected_guest(4, DISK);
    other = fake_child();
    make_scsi("5:0:1:0", 6, "naa.5000c500a1b2c3d5");
    connected_guest(6, "5:0:1:0");
    elsewhere = fake_child();
    reset_error = _i == 0 ? 0 : EAGAIN;
    fake_say(mine, &(struct worker_msg){ .type = WM_RESET, .lun_index = 0 });
    UNTIL(fake_count(mine, WM_RESET_DONE) == 1);
    ck_assert_int_eq(fake_last(mine, WM_RESET_DONE)->error, -reset_error);
    let_happen();
    ck_assert_uint_eq(fake_count(other, WM_LUN_WAS_RESET), _i == 0);
    ck_assert_uint_eq(fake_count(mine, WM_LUN_WAS_RESET), 0);
    ck_assert_uint_eq(fake_count(elsewhere, WM_LUN_WAS_RESET), 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_worker_that_dies_is_replaced_and_goes_on_with_the_ring);
    tcase_add_test(t, a_worker_that_dies_over_and_over_is_slowed_down_but_never_given_up);
    tcase_add_test(t, a_worker_that_cannot_be_started_is_tried_again);
    tcase_add_test(t, a_worker_gets_connections_to_the_pr_helper);
    tcase_add_test(t, a_removed_lun_has_no_connection_to_the_pr_helper);
    tcase_add_test(t, a_worker_that_dies_without_a_ring_is_replaced);
    tcase_add_test(t, a_worker_that_dies_while_it_lets_go_has_let_go);
    tcase_add_test(t, what_a_worker_says_of_an_earlier_ring_is_ignored);
    tcase_add_loop_test(t, an_error_that_no_kernel_has_is_an_error_of_the_protocol, 0, 4);
    tcase_add_loop_test(t, a_worker_that_keeps_a_device_is_killed, 0, 3);
    tcase_add_test(t, a_worker_answers_what_it_has_read);
    tcase_add_loop_test(t, a_worker_that_refuses_a_device_lets_go_of_it, 0, 2);
    tcase_add_loop_test(t, a_worker_learns_how_long_the_kernel_may_keep_a_command, 0, 2);
    tcase_add_test(t, a_reset_is_refused_unless_it_is_configured);
    tcase_add_loop_test(t, a_reset_for_one_guest_is_told_to_the_others, 0, 2);
    tcase_add_loop_test(t, a_lost_ring_is_taken_over_whatever_the_frontends_state, 0, 4);
    tcase_add_test(t, a_worker_that_dies_while_it_connects_a_resumed_frontend_is_replaced);
    tcase_add_test(t, a_restarted_daemon_takes_a_live_ring_over);
    tcase_add_test(t, a_reconfiguration_goes_on_over_a_restart);
    tcase_add_test(t, a_device_is_offered_again_to_a_frontend_that_restarted_with_the_daemon);
    tcase_add_test(t, a_live_ring_without_its_journal_is_closed);
    tcase_add_test(t, a_new_ring_offered_meanwhile_is_connected_afresh);
    tcase_add_test(t, a_worker_of_an_earlier_daemon_is_waited_for);
    tcase_add_loop_test(t, a_worker_is_known_by_its_journal_whatever_it_says, 0, 2);
    tcase_add_loop_test(t, a_journal_of_another_size_stays_while_a_worker_has_it, 0, 2);
    tcase_add_test(t, the_end_of_the_daemon_leaves_everything_as_it_is);
}

int main(void)
{
    return run_host_tests("host-workers", add_tests);
}
