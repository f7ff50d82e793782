// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: every sequence of the protocol between toolstack, frontend
 * and backend, and the end of a guest.
 */
#include "config.h"

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
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "2");
    fake_say(fake_child(),
             &(struct worker_msg){ .type = WM_LUN_ADDED, .lun_index = fake_last(fake_child(), WM_LUN_ADD)->lun_index });
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
    let_happen();
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
    let_happen();
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 0);
    fake_put(FRONT "/vscsi-devs/dev-0/state", "6");
    fake_put(FRONT "/state", "7");
    expect(BACK "/vscsi-devs/dev-0/state", "6");
    ck_assert_uint_eq(fake_count(fake_child(), WM_LUN_REMOVE), 1);
    expect(BACK "/state", "8");
    fake_put(FRONT "/state", "4");
    expect(BACK "/state", "4");
    fake_remove(BACK "/vscsi-devs/dev-0");
    let_happen();
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
    let_happen();
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
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "5");
    ck_assert(fake_child()->connected);
    fake_put(FRONT "/state", "6");
    expect(BACK "/state", "6");
    ck_assert_uint_eq(fake_count(fake_child(), WM_DISCONNECT), 1);
    UNTIL(!fake_child()->alive);
    fake_remove(BACK);
    fake_remove(FRONT);
    UNTIL(fake_watches == 3);
    ck_assert_ptr_null(fake_get(BACK "/state"));
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
    let_happen();
    before = fake_calls;
    host->list_dirty = true; /* as every 30 s */
    let_happen_ms(100);
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
        let_happen();
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
    let_happen_ms(100);
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
    let_happen();
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
    uint64_t end = now_us() + PATIENCE_US;

    connected();
    let_happen();
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
    let_happen();
    ck_assert_str_eq(fake_get(BACK "/state"), "4");
}
END_TEST

START_TEST(the_same_numbers_may_be_a_new_ring)
{
    connected();
    let_happen();
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
        let_happen();
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
    let_happen();
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
    let_happen();
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

static void add_tests(TCase *t)
{
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
}

int main(void)
{
    return run_suite("host-protocol", add_tests);
}
