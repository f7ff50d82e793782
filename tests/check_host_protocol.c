// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: every sequence of the protocol between toolstack, frontend
 * and backend, and the end of a guest.
 */
#include "config.h"

#include "host-fixture.h"

/* --- histories: what is written, what follows --- */

enum history_op {
    END,    /* of the steps */
    PUT,    /* a node gets a value */
    REMOVE, /* a node goes */
    ADD,    /* the toolstack adds dev-N, at 0:0:0:N; value: which of the two devices */
    RING,   /* the frontend offers a ring: reference and port */
    DOMAIN, /* the guest's domain is there */
    BECOMES,
    STAYS,   /* 100 ms later it is still this */
    SENT,    /* the worker has got this message so many times */
    GETS,    /* the same, when it comes to that */
    LETS_GO, /* the worker has no ring */
    DIES,    /* the worker's process ends */
};

/* Where a history begins. */
enum history_begin {
    NOTHING,
    VHOST,  /* the toolstack has made it, and dev-0 */
    AT_WORK /* all is at 4 */
};

#define B BACK "/state"
#define F FRONT "/state"
#define DEV(n) BACK "/vscsi-devs/dev-" n "/state"
#define FRONT_DEV(n) FRONT "/vscsi-devs/dev-" n "/state"

struct step {
    enum history_op op;
    const char *what, *value;
    unsigned type, times; /* of messages */
};

/* clang-format off */
static const struct history {
    const char *about;
    enum history_begin begin;
    struct step step[24];
} histories[] = {
    { "a frontend may be at 3 before we are at 2", NOTHING, {
        { PUT, BACK "/frontend", FRONT }, { PUT, BACK "/frontend-id", "3" }, { PUT, BACK "/online", "1" },
        { PUT, F, "1" }, { DOMAIN }, { PUT, B, "1" },
        { RING, "8", "9" }, { ADD, "0", "a" },
        { BECOMES, B, "4" }, { STAYS, DEV("0"), "3" }, { STAYS, BACK "/feature-sg-grant", "128" } } },
    { "a device is added by 7 and 8", AT_WORK, {
        { ADD, "1", "b" }, { PUT, B, "7" },
        /* Opened and offered early, but not taken for accepted before the frontend was told to look. */
        { BECOMES, DEV("1"), "3" }, { STAYS, DEV("1"), "3" }, { STAYS, B, "7" },
        { PUT, F, "7" },
        { BECOMES, B, "8" },
        { PUT, FRONT_DEV("1"), "4" }, { PUT, F, "4" },
        { BECOMES, DEV("1"), "4" }, { BECOMES, B, "4" }, { STAYS, DEV("0"), "4" } } },
    { "a device leaves only when the guest has let go of it", AT_WORK, {
        { PUT, DEV("0"), "5" }, { PUT, B, "7" },
        { STAYS, DEV("0"), "5" }, { SENT, .type = WM_LUN_REMOVE, .times = 0 },
        { PUT, FRONT_DEV("0"), "6" }, { PUT, F, "7" },
        { BECOMES, DEV("0"), "6" }, { SENT, .type = WM_LUN_REMOVE, .times = 1 }, { BECOMES, B, "8" },
        { PUT, F, "4" },
        { BECOMES, B, "4" } } },
    { "the name of a device that left may be used again", AT_WORK, {
        { PUT, DEV("0"), "5" }, { PUT, B, "7" }, { PUT, FRONT_DEV("0"), "6" }, { PUT, F, "7" },
        { BECOMES, B, "8" },
        { PUT, F, "4" },
        { BECOMES, B, "4" },
        { REMOVE, BACK "/vscsi-devs/dev-0" }, { STAYS, B, "4" },
        { ADD, "0", "b" }, { PUT, B, "7" }, { PUT, F, "7" },
        { BECOMES, B, "8" }, { STAYS, DEV("0"), "3" },
        { PUT, FRONT_DEV("0"), "4" }, { PUT, F, "4" },
        { BECOMES, DEV("0"), "4" } } },
    { "a second 7 of the toolstack is not lost between our 8 and our 4", AT_WORK, {
        { ADD, "1", "b" }, { PUT, B, "7" }, { PUT, F, "7" },
        { BECOMES, B, "8" },
        { PUT, F, "4" }, { ADD, "2", "b" }, { PUT, B, "7" },
        { STAYS, B, "7" },
        { PUT, F, "7" },
        { BECOMES, B, "8" },
        { PUT, F, "4" },
        { BECOMES, B, "4" }, { BECOMES, DEV("2"), "4" } } },
    { "a device before the guest runs is removed at once", VHOST, {
        { BECOMES, DEV("0"), "3" },
        { PUT, DEV("0"), "5" },
        { BECOMES, DEV("0"), "6" } } },
    { "a vhost that never connected closes at once", VHOST, {
        { BECOMES, B, "2" },
        { PUT, BACK "/online", "0" }, { PUT, B, "5" },
        { BECOMES, B, "6" } } },
    { "the Windows frontend closes in steps and comes back", AT_WORK, {
        { PUT, F, "5" },
        { BECOMES, B, "5" },
        { PUT, F, "6" },
        { BECOMES, B, "6" }, { STAYS, B, "6" },
        { PUT, F, "1" },
        { BECOMES, B, "2" },
        { RING, "11", "12" },
        { BECOMES, B, "4" } } },
    /* A guest that is stuck in 6 may be a Linux that closed politely and loads its module later. */
    { "a closed vhost is announced again after a while", AT_WORK, {
        { PUT, F, "5" },
        { BECOMES, B, "5" },
        { PUT, F, "6" },
        { BECOMES, B, "6" }, { BECOMES, B, "2" } } },
    { "the same numbers may be a new ring", AT_WORK, {
        { STAYS, B, "4" },
        { PUT, F, "3" },
        { GETS, .type = WM_CONNECT, .times = 2 } } },
    { "a frontend that stays at 3 is connected once", VHOST, {
        { RING, "8", "9" },
        { BECOMES, B, "4" },
        { PUT, F, "3" }, { STAYS, B, "4" }, { PUT, F, "3" }, { STAYS, B, "4" }, { PUT, F, "3" }, { STAYS, B, "4" },
        { SENT, .type = WM_CONNECT, .times = 1 } } },
    { "a vhost that the toolstack resets starts anew", AT_WORK, {
        { PUT, B, "1" },
        { GETS, .type = WM_DISCONNECT, .times = 1 }, { BECOMES, B, "2" }, { BECOMES, DEV("0"), "3" } } },
    /* The domain lives: the nodes are the toolstack's. */
    { "a guest that deletes its own nodes is closed", AT_WORK, {
        { REMOVE, FRONT },
        { BECOMES, B, "6" }, { LETS_GO }, { STAYS, B, "6" } } },
    { "a vhost that is built before its domain is left alone", NOTHING, {
        { PUT, BACK "/frontend", FRONT }, { PUT, BACK "/frontend-id", "3" }, { PUT, B, "1" },
        { STAYS, BACK "/frontend", FRONT },
        { PUT, F, "1" }, { DOMAIN },
        { BECOMES, B, "2" } } },
    { "a vhost whose node is deleted is dropped", AT_WORK, {
        { REMOVE, BACK },
        { DIES }, { SENT, .type = WM_DISCONNECT, .times = 1 } } },
};
/* clang-format on */

static void take_step(const struct step *s)
{
    switch (s->op) {
    case PUT:
        fake_put(s->what, s->value);
        break;
    case REMOVE:
        fake_remove(s->what);
        break;
    case ADD: {
        CLEANUP_FREE char *vdev = strf("0:0:0:%s", s->what);

        add_dev(BACK, (unsigned)atoi(s->what), s->value[0] == 'a' ? pdev_a : pdev_b, vdev);
        break;
    }
    case RING:
        offer_ring(s->what, s->value);
        break;
    case DOMAIN:
        fake_domain(3, true);
        break;
    case BECOMES:
        expect(s->what, s->value);
        break;
    case STAYS:
        let_happen_ms(100);
        ck_assert(fake_get(s->what) != NULL);
        ck_assert_str_eq(fake_get(s->what), s->value);
        break;
    case SENT:
        ck_assert_uint_eq(fake_count(fake_child(), s->type), s->times);
        break;
    case GETS:
        UNTIL(fake_count(fake_child(), s->type) == s->times);
        break;
    case LETS_GO:
        ck_assert(!fake_child()->connected);
        break;
    case DIES:
        UNTIL(!fake_child()->alive);
        break;
    case END:
        break;
    }
}

/* A failure is in the last history and step that were printed. */
START_TEST(history_goes_as_written)
{
    const struct history *h = &histories[_i];

    if (h->begin == AT_WORK) {
        connected();
    } else {
        start();
        UNTIL(ready);
    }
    if (h->begin == VHOST) {
        create_vhost(3, 0);
        add_dev(BACK, 0, pdev_a, "0:0:0:0");
    }
    for (unsigned i = 0; h->step[i].op != END; i++) {
        printf("%s: step %u\n", h->about, i + 1);
        fflush(stdout);
        take_step(&h->step[i]);
    }
}
END_TEST

/* --- sequences that look into the worker's messages, or repeat --- */

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
    /*
     * 4, 3, 4 between two looks, and the same numbers: only the 3 can tell, so it must be seen; other numbers suffice.
     */
    fake_put(FRONT "/ring-ref", "40");
    fake_put(FRONT "/event-channel", "41");
    UNTIL(fake_count(fake_child(), WM_CONNECT) == 3);
    ck_assert_uint_eq(fake_last(fake_child(), WM_CONNECT)->u.connect.ring_ref, 40);
}
END_TEST

/*
 * Wherever xenstore fails once between the end of the old ring and the start of the new one, the frontend does not
 * notice.
 */
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

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, history_goes_as_written, 0, ARRAY_SIZE(histories));
    tcase_add_test(t, a_new_vhost_is_announced_and_its_device_offered);
    tcase_add_test(t, a_frontend_connects_and_takes_its_devices);
    tcase_add_test(t, state_4_is_written_only_when_every_device_is_settled);
    tcase_add_test(t, the_last_device_goes_with_the_vhost);
    tcase_add_test(t, a_vhost_that_is_done_with_is_not_taken_up_again);
    tcase_add_test(t, an_unloaded_module_may_come_back);
    tcase_add_test(t, a_resumed_frontend_gets_its_new_ring_served);
    tcase_add_loop_test(t, a_new_ring_survives_a_bad_moment_of_xenstore, 2, 30);
    tcase_add_test(t, a_destroyed_guest_leaves_nothing);
    tcase_add_test(t, a_driver_domain_sees_a_guest_go_by_its_nodes);
    tcase_add_test(t, nodes_of_a_dead_guest_are_removed_at_start);
    tcase_add_test(t, a_domain_number_used_again_drops_what_was_there);
}

int main(void)
{
    return run_host_tests("host-protocol", add_tests);
}
