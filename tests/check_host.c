// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process as a whole, over a xenstore and workers in memory: every sequence of the protocol, what the
 * toolstack and guests may do wrong, the death of workers, take-over, the loss of xenstored. What becomes of the devices
 * then is in check_host_devices.c. Long because each case is a history of its own, a dozen lines over one fixture.
 */
#include "config.h"

#include <json-c/json.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "control/ctlsock.h"
#include "host-fixture.h"

/* --- the protocol's sequences --- */

START_TEST(a_new_vhost_is_announced_and_its_device_offered)
{
    start();
    UNTIL(ready);
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(BACK "/state", "2");
    ck_assert_str_eq(fake_get(BACK "/feature-sg-grant"), "128");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
    ck_assert_ptr_null(fake_get(BACK "/vscsi-devs/dev-0/error"));
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_CONNECT), 0);
    ck_assert_uint_eq(fake_last(fake_child(), WM_INIT)->u.init.max_segments, 128);
    ck_assert_uint_eq(fake_last(fake_child(), WM_INIT)->u.init.domid, 3);
    ck_assert_str_eq(fake_last(fake_child(), WM_INIT)->u.init.prefix, "d3.0");
}
END_TEST

START_TEST(a_frontend_connects_and_takes_its_devices)
{
    connected();
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref, 8);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.event_channel, 9);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 0);
    ck_assert_uint_eq(fake_n_children, 1);
}
END_TEST

START_TEST(a_frontend_may_be_at_3_before_we_are_at_2)
{
    start();
    UNTIL(ready);
    create_vhost(3, 0);
    offer_ring("8", "9");
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(BACK "/state", "4");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "3");
    ck_assert_str_eq(fake_get(BACK "/feature-sg-grant"), "128");
}
END_TEST

/* The frontend scans its devices once, when it sees our 4. */
START_TEST(state_4_is_written_only_when_every_device_is_settled)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    add_dev(BACK, 1, "file:/nonexistent", "0:0:0:1");
    fake_child_mute = true;
    expect(BACK "/state", "2");
    offer_ring("8", "9");
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 1);
    fake_child_mute = false;
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_CONNECTED,
                                                 .generation = fake_last(fake_child(), WM_CONNECT)->generation });
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "2");
    fake_say(fake_child(),
             &(struct worker_msg){ .type = WM_LUN_ADDED, .lun_slot = fake_last(fake_child(), WM_LUN_ADD)->lun_slot });
    expect(BACK "/state", "4");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "3");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-1/state"), "6");
}
END_TEST

START_TEST(a_device_is_added_by_7_and_8)
{
    connected();
    add_dev(BACK, 1, pdev_b, "0:0:0:1");
    fake_put(BACK "/state", "7");
    expect(BACK "/vscsi-devs/dev-1/state", "3");
    settle();
    /* Opened and offered early, but not taken for accepted before the frontend was told to look. */
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-1/state"), "3");
    ck_assert_str_eq(fake_get(BACK "/state"), "7");
    fake_put(FRONT "/state", "7");
    expect(BACK "/state", "8");
    fake_put(FRONT "/vscsi-devs/dev-1/state", "4");
    fake_put(FRONT "/state", "4");
    expect(BACK "/vscsi-devs/dev-1/state", "4");
    expect(BACK "/state", "4");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "4");
}
END_TEST

START_TEST(a_device_leaves_only_when_the_guest_has_let_go_of_it)
{
    connected();
    fake_put(BACK "/vscsi-devs/dev-0/state", "5");
    fake_put(BACK "/state", "7");
    settle();
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 0);
    fake_put(FRONT "/vscsi-devs/dev-0/state", "6");
    fake_put(FRONT "/state", "7");
    expect(BACK "/vscsi-devs/dev-0/state", "6");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 1);
    expect(BACK "/state", "8");
    fake_put(FRONT "/state", "4");
    expect(BACK "/state", "4");
    fake_remove(BACK "/vscsi-devs/dev-0");
    settle();
    /* The same name again, another device. */
    add_dev(BACK, 0, pdev_b, "0:0:0:0");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    expect(BACK "/state", "8");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "3");
    fake_put(FRONT "/vscsi-devs/dev-0/state", "4");
    fake_put(FRONT "/state", "4");
    expect(BACK "/vscsi-devs/dev-0/state", "4");
}
END_TEST

/* The toolstack's second 7 must not be lost between our 8 and our 4. */
START_TEST(a_wish_of_the_toolstack_is_never_overwritten)
{
    connected();
    add_dev(BACK, 1, pdev_b, "0:0:0:1");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    expect(BACK "/state", "8");
    fake_put(FRONT "/state", "4");
    add_dev(BACK, 2, pdev_b, "0:0:0:2");
    fake_put(BACK "/state", "7");
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "7");
    fake_put(FRONT "/state", "7");
    expect(BACK "/state", "8");
    fake_put(FRONT "/state", "4");
    expect(BACK "/state", "4");
    expect(BACK "/vscsi-devs/dev-2/state", "4");
}
END_TEST

START_TEST(a_device_before_the_guest_runs_is_removed_at_once)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
    fake_put(BACK "/vscsi-devs/dev-0/state", "5");
    expect(BACK "/vscsi-devs/dev-0/state", "6");
}
END_TEST

START_TEST(the_last_device_goes_with_the_vhost)
{
    connected();
    fake_put(BACK "/online", "0");
    fake_put(BACK "/state", "5");
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "5");
    ck_assert(fake_child()->connected);
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    ck_assert_uint_eq(fake_count(fake_child(), WM_DISCONNECT), 1);
    UNTIL(!fake_child()->alive);
    fake_remove(BACK);
    fake_remove(FRONT);
    settle();
    ck_assert_ptr_null(fake_get(BACK "/state"));
    ck_assert_uint_eq(fake_watches, 3);
}
END_TEST

START_TEST(a_vhost_that_is_done_with_is_not_taken_up_again)
{
    unsigned before;

    connected();
    for (unsigned i = 1; i < 40; i++) {
        char vdev[16];

        snprintf(vdev, sizeof(vdev), "0:0:0:%u", i);
        add_dev(BACK, i, pdev_a, vdev);
    }
    fake_put(BACK "/online", "0");
    fake_put(BACK "/state", "5");
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    UNTIL(!fake_child()->alive);
    settle();
    before = fake_calls;
    host->list_dirty = true; /* as every 30 s */
    settle_ms(100);
    ck_assert_uint_lt(fake_calls - before, 20);
    ck_assert_ptr_null(model_find(host, 3, 0)->devs);
    /* Wanted again, with what it had. */
    fake_put(BACK "/vscsi-devs/dev-0/state", "1");
    fake_put(BACK "/online", "1");
    fake_put(BACK "/state", "1");
    expect(BACK "/state", "2");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
}
END_TEST

START_TEST(a_vhost_that_never_connected_closes_at_once)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(BACK "/state", "2");
    fake_put(BACK "/online", "0");
    fake_put(BACK "/state", "5");
    expect(BACK "/state", "6");
}
END_TEST

/* Linux: rmmod and modprobe of xen-scsifront. It must never meet a 6. */
START_TEST(an_unloaded_module_may_come_back)
{
    connected();
    for (int i = 0; i < 3; i++) {
        fake_put(FRONT "/state", "6");
        expect(BACK "/state", "2");
        ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "3");
        offer_ring("20", "21");
        expect(BACK "/state", "4");
        /* Still there from before: not this connection's word. */
        settle();
        ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "3");
        fake_put(FRONT "/state", "4");
        expect(BACK "/vscsi-devs/dev-0/state", "4");
    }
    ck_assert_uint_eq(fake_n_children, 1);
}
END_TEST

START_TEST(the_windows_driver_closes_in_steps_and_comes_back)
{
    connected();
    fake_put(FRONT "/state", "5");
    expect(BACK "/state", "5");
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    settle_ms(100);
    ck_assert_str_eq(fake_get(BACK "/state"), "6");
    fake_put(FRONT "/state", "1");
    expect(BACK "/state", "2");
    offer_ring("11", "12");
    expect(BACK "/state", "4");
}
END_TEST

/* A guest that is stuck in 6 may be a Linux that closed politely and loads its module later. */
START_TEST(a_closed_vhost_is_announced_again_after_a_while)
{
    connected();
    fake_put(FRONT "/state", "5");
    expect(BACK "/state", "5");
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    expect(BACK "/state", "2");
}
END_TEST

START_TEST(a_resumed_frontend_gets_its_new_ring_served)
{
    connected();
    offer_ring("30", "31");
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 2);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref, 30);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 0);
    fake_put(FRONT "/state", "4");
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "4");
    /* 4, 3, 4 between two looks, and the same numbers: only the 3 can tell, so it must be seen; other numbers suffice. */
    fake_put(FRONT "/ring-ref", "40");
    fake_put(FRONT "/event-channel", "41");
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 3);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref, 40);
}
END_TEST

/* Wherever xenstore fails once between the end of the old ring and the start of the new one, the frontend does not notice. */
START_TEST(a_new_ring_survives_a_bad_moment_of_xenstore)
{
    uint64_t end = now_us() + 3000000;

    connected();
    settle();
    fake_fail((unsigned)_i / 2, EAGAIN);
    if (_i % 2 == 0)
        offer_ring("30", "31");
    fake_put(FRONT "/event-channel", "31");
    fake_put(FRONT "/ring-ref", "30");
    while (fake_count(fake_child(), WM_CONNECT) < 2 && now_us() < end) {
        fake_pump();
        ck_assert_int_eq(loop_once(loop, 1), 0);
        ck_assert_str_eq(fake_get(BACK "/state"), "4");
    }
    UNTIL(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref == 30);
    fake_put(FRONT "/state", "4");
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
}
END_TEST

START_TEST(the_same_numbers_may_be_a_new_ring)
{
    connected();
    settle();
    fake_put(FRONT "/state", "3");
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 2);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref, 8);
}
END_TEST

START_TEST(a_frontend_that_stays_at_3_is_connected_once)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    offer_ring("8", "9");
    expect(BACK "/state", "4");
    for (int i = 0; i < 5; i++) {
        fake_put(FRONT "/state", "3");
        settle();
    }
    ck_assert_uint_eq(fake_count(fake_child(), WM_CONNECT), 1);
}
END_TEST

START_TEST(a_vhost_that_the_toolstack_resets_starts_anew)
{
    connected();
    fake_put(BACK "/state", "1");
    UNTIL(fake_count(fake_child(), WM_DISCONNECT) == 1);
    expect(BACK "/state", "2");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
}
END_TEST

/* --- the guest goes --- */

START_TEST(a_destroyed_guest_leaves_nothing)
{
    char path[128];

    connected();
    /* xl destroy: the frontend's tree goes, ours is left. */
    fake_remove("/local/domain/3");
    fake_domain(3, false);
    expect(BACK, NULL);
    expect("backend/vscsi/3", NULL);
    ck_assert(!fake_child()->connected);
    UNTIL(!fake_child()->alive);
    UNTIL(fake_watches == 3);
    snprintf(path, sizeof(path), "%s/d3.0.journal", dir);
    ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_driver_domain_sees_a_guest_go_by_its_nodes)
{
    fake_no_domain_watch = true;
    connected();
    fake_domain(3, false);
    fake_remove("/local/domain/3");
    expect(BACK, NULL);
}
END_TEST

START_TEST(a_guest_that_deletes_its_own_nodes_is_closed)
{
    connected();
    fake_remove(FRONT);
    expect(BACK "/state", "6");
    ck_assert(!fake_child()->connected);
    settle();
    /* The domain lives: the nodes are the toolstack's. */
    ck_assert_ptr_nonnull(fake_get(BACK));
}
END_TEST

START_TEST(nodes_of_a_dead_guest_are_removed_at_start)
{
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    fake_put(BACK "/state", "4");
    fake_domain(3, false);
    fake_remove("/local/domain/3");
    fake_put("backend/vscsi/4", "");
    start();
    expect(BACK, NULL);
    expect("backend/vscsi/3", NULL);
    expect("backend/vscsi/4", NULL);
    ck_assert_uint_eq(fake_n_children, 0);
}
END_TEST

START_TEST(a_vhost_being_built_before_its_domain_is_left_alone)
{
    start();
    UNTIL(ready);
    fake_put(BACK "/frontend", FRONT);
    fake_put(BACK "/frontend-id", "3");
    fake_put(BACK "/state", "1");
    settle();
    ck_assert_ptr_nonnull(fake_get(BACK));
    fake_put(FRONT "/state", "1");
    fake_domain(3, true);
    expect(BACK "/state", "2");
}
END_TEST

START_TEST(a_domain_number_used_again_drops_what_was_there)
{
    connected();
    /* Destroyed and created between two looks: everything about the old one is stale. */
    fake_put("/local/domain/3/vm", "/vm/another");
    fake_fire("@releaseDomain");
    fake_fire("@introduceDomain");
    expect(BACK, NULL);
    ck_assert(!fake_child()->connected);
}
END_TEST

START_TEST(a_vhost_whose_node_is_deleted_is_dropped)
{
    connected();
    fake_remove(BACK);
    UNTIL(!fake_child()->alive);
    ck_assert_uint_eq(fake_count(fake_child(), WM_DISCONNECT), 1);
}
END_TEST

/* --- what cannot be had --- */

START_TEST(a_device_that_cannot_be_had_says_why)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, "file:/nonexistent", "0:0:0:0");
    add_dev(BACK, 1, "1:0:0", "0:0:0:1");
    add_dev(BACK, 2, pdev_a, "0:0:0");
    add_dev(BACK, 3, pdev_a, "0:0:0:16384");
    add_dev(BACK, 4, pdev_a, "0:0:0:4");
    add_dev(BACK, 5, pdev_b, "7:0:0:4");
    fake_put(BACK "/vscsi-devs/dev-6/state", "1");
    expect(BACK "/vscsi-devs/dev-0/state", "6");
    expect(BACK "/vscsi-devs/dev-6/state", "6");
    expect(BACK "/vscsi-devs/dev-4/state", "3");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-1/state"), "6");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-2/state"), "6");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-3/state"), "6");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-5/state"), "6");
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-0/error"), "/nonexistent: No such file"));
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-1/error"), "expected /dev/"));
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-2/error"), "v-dev is '0:0:0'; expected h:c:t:l"));
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-3/error"), "expected h:c:t:l with c up to 255"));
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-5/error"), "taken by dev-4"));
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-6/error"), "p-dev cannot be read"));
    /* The toolstack tries again with something better. */
    fake_put(BACK "/vscsi-devs/dev-0/p-dev", pdev_b);
    fake_put(BACK "/vscsi-devs/dev-0/state", "1");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
    expect(BACK "/vscsi-devs/dev-0/error", NULL);
    /* One that failed is detached without ado. */
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
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-0/error"), "worker cannot use it: Invalid argument"));
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
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-2/error"), "max_luns"));
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
    const struct worker_msg *m;

    start();
    create_vhost(3, 0);
    fake_put(BACK "/vscsi-devs/dev-0/readonly", "1");
    fake_put(BACK "/vscsi-devs/dev-0/feature-host", "1");
    fake_put(BACK "/vscsi-devs/dev-0/pr", "deny");
    fake_put(BACK "/vscsi-devs/dev-0/pr-move", "0");
    add_dev(BACK, 0, pdev_a, "0:2:3:4");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
    m = fake_last(fake_child(), WM_LUN_ADD);
    ck_assert_uint_eq(m->u.lun.flags, LUN_READONLY | LUN_FEATURE_HOST | LUN_ATTACHED);
    ck_assert_uint_eq(m->u.lun.pr_mode, PR_DENY);
    ck_assert_uint_eq(m->u.lun.channel, 2);
    ck_assert_uint_eq(m->u.lun.target, 3);
    ck_assert_uint_eq(m->u.lun.lun, 4);
    ck_assert_uint_eq(m->u.lun.backing, LUN_BACKING_FILE);
    ck_assert_uint_eq(m->u.lun.max_transfer, 127 * 4096);
    fake_put(BACK "/vscsi-devs/dev-2/pr-move", "1");
    add_dev(BACK, 2, pdev_a, "0:2:3:5");
    expect(BACK "/vscsi-devs/dev-2/state", "3");
    m = fake_last(fake_child(), WM_LUN_ADD);
    ck_assert_uint_eq(m->u.lun.flags, LUN_PR_MOVE | LUN_ATTACHED);
    ck_assert_uint_eq(m->u.lun.pr_mode, PR_HELPER);
    fake_put(BACK "/vscsi-devs/dev-3/pr-force", "1");
    fake_put(BACK "/vscsi-devs/dev-3/pr", "direct");
    add_dev(BACK, 3, pdev_a, "0:2:3:6");
    expect(BACK "/vscsi-devs/dev-3/state", "3");
    m = fake_last(fake_child(), WM_LUN_ADD);
    ck_assert_uint_eq(m->u.lun.flags, LUN_PR_FORCED | LUN_ATTACHED);
    ck_assert_uint_eq(m->u.lun.pr_mode, PR_DIRECT);
    fake_put(BACK "/vscsi-devs/dev-1/pr", "perhaps");
    add_dev(BACK, 1, pdev_a, "0:0:0:0");
    expect(BACK "/vscsi-devs/dev-1/state", "6");
    ck_assert_ptr_nonnull(strstr(fake_get(BACK "/vscsi-devs/dev-1/error"), "pr is 'perhaps'"));
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
    settle();
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
    settle_ms(60);
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        char path[96];

        snprintf(path, sizeof(path), "backend/vscsi/3/%u/state", i);
        /* It may have been right for the moment before the wrong one was written; nothing is ever read at another place. */
        ck_assert_msg(!node_is(path, "4"), "%s", wrong[i]);
    }
}
END_TEST

START_TEST(a_wrong_frontend_id_is_refused_with_a_reason)
{
    static const char *const wrong[] = { "4", "-3", "3 ", "0x3", "99999999999", "" };

    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
        char back[64], path[96];

        snprintf(back, sizeof(back), "backend/vscsi/3/%u", i);
        fake_putf(wrong[i], "%s/frontend-id", back);
        fake_putf("/local/domain/3/device/vscsi/0", "%s/frontend", back);
        fake_putf("1", "%s/state", back);
        snprintf(path, sizeof(path), "%s/state", back);
    }
    fake_domain(3, true);
    fake_put(FRONT "/state", "1");
    start();
    UNTIL(ready);
    settle();
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
        settle_ms(5);
    }
    memset(digits, '4', sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    fake_put(FRONT "/state", digits);
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    ck_assert_uint_eq(fake_count(fake_child(), WM_DISCONNECT), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
        fake_put(BACK "/vscsi-devs/dev-0/state", odd[i]);
        settle_ms(5);
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
        settle_ms(5);
        offer_ring("8", odd[i]);
        settle_ms(5);
    }
    fake_remove(FRONT "/ring-ref");
    fake_put(FRONT "/event-channel", "9");
    fake_put(FRONT "/state", "3");
    settle();
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
    settle();
    ck_assert_uint_eq(fake_n_children, 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_ADD), 0);
}
END_TEST

/* --- floods --- */

START_TEST(a_flood_of_events_costs_a_bounded_number_of_reads)
{
    unsigned before;
    uint64_t end;

    connected();
    settle_ms(150);
    before = fake_calls;
    end = now_us() + 300000;
    while (now_us() < end) {
        for (int i = 0; i < 200; i++)
            fake_put(FRONT "/state", "4");
        ck_assert_int_eq(loop_once(loop, 0), 0);
    }
    /* At most one look in a few milliseconds after the first burst, a handful of reads each. */
    ck_assert_uint_lt(fake_calls - before, 400);
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
    /* Of a LUN: its state, its names, p-dev, v-dev; its state again after our write; its share of a few transactions. */
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
    settle();
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
    ck_assert_uint_lt(now_us() - begin, 3000000);
}
END_TEST

START_TEST(a_worker_that_cannot_be_started_is_tried_again)
{
    fake_child_refuses = true;
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    offer_ring("8", "9");
    settle();
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
    settle();
    fake_say(fake_child(), &old);
    old.type = WM_HALTED;
    fake_say(fake_child(), &old);
    old = (struct worker_msg){ .type = WM_CONNECTED, .generation = 1, .error = -EIO };
    fake_say(fake_child(), &old);
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    /* And nonsense: unknown types, slots that do not exist. */
    for (uint32_t type = 0; type < 70; type++) {
        if (type == WM_RESET || (type >= WM_LUN_ADDED && type <= WM_DISCONNECTED) || type == WM_HALTED)
            continue;
        fake_say(fake_child(), &(struct worker_msg){ .type = type, .generation = 77, .lun_slot = 4000000000u });
    }
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_ADDED, .lun_slot = 4000000000u, .error = -1 });
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_REMOVED, .lun_slot = 255 });
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
}
END_TEST

START_TEST(a_reset_is_refused_unless_it_is_configured)
{
    connected();
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_RESET, .lun_slot = 0 });
    UNTIL(fake_count(fake_child(), WM_RESET_DONE) == 1);
    ck_assert_int_eq(fake_last(fake_child(), WM_RESET_DONE)->error, -EOPNOTSUPP);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_RESET, .lun_slot = 99 });
    UNTIL(fake_count(fake_child(), WM_RESET_DONE) == 2);
}
END_TEST

/* --- restart of the daemon --- */

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
    settle();
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
    uint32_t pid;

    connected();
    stop();
    write_journal(8, 9, false);
    /* It still holds its journal. */
    ck_assert_int_eq(run_files_open(dir, 3, 0, false, &files, &pid), 0);
    fake_n_children = 0;
    start();
    settle_ms(100);
    ck_assert_uint_eq(fake_n_children, 0);
    close(files.journal);
    close(files.stats);
    UNTIL(fake_n_children == 1);
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 1);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.take_over, 1);
}
END_TEST

START_TEST(the_end_of_the_daemon_leaves_everything_as_it_is)
{
    connected();
    host_quit(host);
    ck_assert(fake_child()->quit);
    settle();
    ck_assert(!quit);
    fake_die(fake_child());
    UNTIL(quit);
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
    ck_assert_str_eq(fake_get(BACK "/vscsi-devs/dev-0/state"), "4");
    ck_assert_uint_eq(fake_n_children, 1);
    ck_assert_uint_eq(fake_count(fake_child(), WM_DISCONNECT), 0);
}
END_TEST

/* --- xenstored --- */

START_TEST(a_lost_xenstored_is_found_again)
{
    connected();
    fake_lose(true);
    settle_ms(100);
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
        settle_ms(5);
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
    settle();
    fake_put(FRONT "/vscsi-devs/dev-0/state", "4");
    settle();
    fake_fail((unsigned)_i, ENOSPC);
    fake_put(FRONT "/state", "4");
    expect(BACK "/vscsi-devs/dev-0/state", "4");
}
END_TEST

START_TEST(a_guest_that_goes_in_a_bad_moment_of_xenstore_is_seen)
{
    fake_no_domain_watch = true;
    connected();
    settle();
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
    settle();
    ck_assert_str_eq(fake_get(BACK "/state"), "1");
    ck_assert_uint_eq(fake_n_children, 0);
    run("rmdir %s/bus/xen-backend/devices/vscsi-3-0/driver", sysfs);
    expect(BACK "/state", "4");
    expect(BACK "/error", NULL);
}
END_TEST

/* --- the reports --- */

static struct json_object *field(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;

    ck_assert_msg(json_object_object_get_ex(o, key, &v), "%s", key);
    return v;
}

START_TEST(the_status_says_what_is_served)
{
    struct json_object *o, *v, *l;

    connected();
    o = host_report_status(host);
    ck_assert(json_object_get_boolean(field(o, "serving")));
    ck_assert_int_eq(json_object_get_int(field(o, "domid")), 0);
    ck_assert_int_eq((int)json_object_array_length(field(o, "vhosts")), 1);
    v = json_object_array_get_idx(field(o, "vhosts"), 0);
    ck_assert_int_eq(json_object_get_int(field(v, "domid")), 3);
    ck_assert_int_eq(json_object_get_int(field(v, "state")), 4);
    ck_assert_int_eq(json_object_get_int(field(v, "worker_pid")), FAKE_PID);
    l = json_object_array_get_idx(field(v, "luns"), 0);
    ck_assert_str_eq(json_object_get_string(field(l, "p_dev")), pdev_a);
    ck_assert_str_eq(json_object_get_string(field(l, "v_dev")), "0:0:0:0");
    ck_assert_str_eq(json_object_get_string(field(l, "device")), file_a);
    ck_assert_int_eq(json_object_get_int(field(l, "state")), 4);
    ck_assert_str_eq(json_object_get_string(field(l, "pr_helper")), "idle");
    json_object_put(o);
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_HELPER, .u.helper_state = HELPER_AWAY });
    o = host_report_status(host);
    l = json_object_array_get_idx(field(json_object_array_get_idx(field(o, "vhosts"), 0), "luns"), 0);
    ck_assert_str_eq(json_object_get_string(field(l, "pr_helper")), "away");
    json_object_put(o);
}
END_TEST

START_TEST(the_statistics_come_from_the_shared_page)
{
    struct pvscsi_stats *s;
    struct json_object *o, *v, *l;
    char path[128];
    int fd;

    connected();
    snprintf(path, sizeof(path), "%s/d3.0.stats", dir);
    fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    s = calloc(1, sizeof(*s));
    s->notifies = 17;
    s->lun[0] = (struct pvscsi_lun_stats){
        .used = 1, .commands = 100, .answered = 97, .read_bytes = 4096, .latency = { 5, 6 }
    };
    ck_assert_int_eq(pwrite(fd, s, sizeof(*s), 0), (int)sizeof(*s));
    free(s);
    close(fd);
    o = host_report_stats(host);
    v = json_object_array_get_idx(field(o, "vhosts"), 0);
    ck_assert_int_eq(json_object_get_int(field(v, "notifies")), 17);
    l = json_object_array_get_idx(field(v, "luns"), 0);
    ck_assert_int_eq(json_object_get_int(field(l, "commands")), 100);
    ck_assert_int_eq(json_object_get_int(field(l, "in_flight")), 3);
    ck_assert_int_eq(json_object_get_int(field(l, "read_bytes")), 4096);
    ck_assert_int_eq(json_object_get_int(json_object_array_get_idx(field(l, "latency_us_log2"), 1)), 6);
    json_object_put(o);
}
END_TEST

START_TEST(a_lack_of_descriptors_does_not_spin_at_the_control_socket)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    struct rlimit before, none;
    struct ctlsock *s;
    unsigned rounds = 0;
    char answer[4096] = "";
    uint64_t end;
    ssize_t n = 0;
    int fd;

    connected();
    ck_assert_int_eq(ctlsock_new(loop, dir, host, &s), 0);
    settle();
    snprintf(to.sun_path, sizeof(to.sun_path), "%s/" CTLSOCK_NAME, dir);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    ck_assert_int_eq(write(fd, "status\n", 7), 7);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (end = now_us() + 100000; now_us() < end; rounds++)
        ck_assert_int_eq(loop_once(loop, 20), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_lt(rounds, 100);
    UNTIL(n > 0 || (n = read(fd, answer, sizeof(answer) - 1)) > 0);
    ck_assert_ptr_nonnull(strstr(answer, "\"serving\""));
    close(fd);
    ctlsock_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("host");
    SRunner *r;
    int failed;
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, a_new_vhost_is_announced_and_its_device_offered);
    tcase_add_test(t, a_frontend_connects_and_takes_its_devices);
    tcase_add_test(t, a_frontend_may_be_at_3_before_we_are_at_2);
    tcase_add_test(t, state_4_is_written_only_when_every_device_is_settled);
    tcase_add_test(t, a_device_is_added_by_7_and_8);
    tcase_add_test(t, a_device_leaves_only_when_the_guest_has_let_go_of_it);
    tcase_add_test(t, a_wish_of_the_toolstack_is_never_overwritten);
    tcase_add_test(t, a_device_before_the_guest_runs_is_removed_at_once);
    tcase_add_test(t, the_last_device_goes_with_the_vhost);
    tcase_add_test(t, a_vhost_that_is_done_with_is_not_taken_up_again);
    tcase_add_test(t, a_vhost_that_never_connected_closes_at_once);
    tcase_add_test(t, an_unloaded_module_may_come_back);
    tcase_add_test(t, the_windows_driver_closes_in_steps_and_comes_back);
    tcase_add_test(t, a_closed_vhost_is_announced_again_after_a_while);
    tcase_add_test(t, a_resumed_frontend_gets_its_new_ring_served);
    tcase_add_loop_test(t, a_new_ring_survives_a_bad_moment_of_xenstore, 2, 30);
    tcase_add_test(t, the_same_numbers_may_be_a_new_ring);
    tcase_add_test(t, a_frontend_that_stays_at_3_is_connected_once);
    tcase_add_test(t, a_vhost_that_the_toolstack_resets_starts_anew);
    tcase_add_test(t, a_destroyed_guest_leaves_nothing);
    tcase_add_test(t, a_driver_domain_sees_a_guest_go_by_its_nodes);
    tcase_add_test(t, a_guest_that_deletes_its_own_nodes_is_closed);
    tcase_add_test(t, nodes_of_a_dead_guest_are_removed_at_start);
    tcase_add_test(t, a_vhost_being_built_before_its_domain_is_left_alone);
    tcase_add_test(t, a_domain_number_used_again_drops_what_was_there);
    tcase_add_test(t, a_vhost_whose_node_is_deleted_is_dropped);
    tcase_add_test(t, a_device_that_cannot_be_had_says_why);
    tcase_add_test(t, a_device_that_the_worker_refuses_says_why);
    tcase_add_test(t, the_limit_of_luns_holds);
    tcase_add_test(t, a_device_that_the_guest_refused_is_noted);
    tcase_add_test(t, the_options_of_a_device_reach_the_worker);
    tcase_add_test(t, a_ring_that_cannot_be_mapped_closes_the_vhost);
    tcase_add_test(t, a_protocol_that_is_not_ours_is_refused);
    tcase_add_test(t, a_frontend_that_is_not_the_paths_own_is_never_followed);
    tcase_add_test(t, a_wrong_frontend_id_is_refused_with_a_reason);
    tcase_add_test(t, states_that_are_no_states_do_nothing);
    tcase_add_test(t, a_ring_that_is_no_number_is_not_connected);
    tcase_add_test(t, names_that_are_none_are_ignored);
    tcase_add_test(t, a_flood_of_events_costs_a_bounded_number_of_reads);
    tcase_add_test(t, a_start_with_many_luns_takes_few_round_trips);
    tcase_add_test(t, a_guest_that_comes_and_goes_does_not_flood_the_log);
    tcase_add_test(t, a_worker_that_dies_is_replaced_and_goes_on_with_the_ring);
    tcase_add_test(t, a_worker_that_dies_over_and_over_is_slowed_down_but_never_given_up);
    tcase_add_test(t, a_worker_that_cannot_be_started_is_tried_again);
    tcase_add_test(t, a_worker_that_dies_without_a_ring_is_replaced);
    tcase_add_test(t, a_worker_that_dies_while_it_lets_go_has_let_go);
    tcase_add_test(t, what_a_worker_says_of_an_earlier_ring_is_ignored);
    tcase_add_test(t, a_reset_is_refused_unless_it_is_configured);
    tcase_add_test(t, a_restarted_daemon_takes_a_live_ring_over);
    tcase_add_test(t, a_reconfiguration_goes_on_over_a_restart);
    tcase_add_test(t, a_live_ring_without_its_journal_is_closed);
    tcase_add_test(t, a_new_ring_offered_meanwhile_is_connected_afresh);
    tcase_add_test(t, a_worker_of_an_earlier_daemon_is_waited_for);
    tcase_add_test(t, the_end_of_the_daemon_leaves_everything_as_it_is);
    tcase_add_test(t, a_lost_xenstored_is_found_again);
    tcase_add_test(t, an_error_of_xenstored_is_survived_wherever_it_falls);
    tcase_add_loop_test(t, a_devices_state_is_written_in_the_end, 1, 9);
    tcase_add_loop_test(t, a_guest_that_goes_in_a_bad_moment_of_xenstore_is_seen, 1, 9);
    tcase_add_test(t, the_number_of_this_domain_must_be_known);
    tcase_add_test(t, a_vhost_that_the_kernel_serves_is_left_to_it);
    tcase_add_test(t, the_status_says_what_is_served);
    tcase_add_test(t, the_statistics_come_from_the_shared_page);
    if (!under_valgrind())
        tcase_add_test(t, a_lack_of_descriptors_does_not_spin_at_the_control_socket);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
