// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The places of SCSI hosts: how many commands the LUNs of a worker have at one host, and what the worker says if it may
 * have none. Who may have how many is the control process's business (check_host_places).
 */
#include "config.h"

#include "device-fixture.h"

START_TEST(luns_of_one_scsi_host_share_its_places_in_turn)
{
    /* which LUN each command at the device belongs to, as its target */
    static const uint16_t turns[] = { 5, 6, 5, 6, 5, 6 };

    add_narrow_device(5, 0, 3, 1);
    add_narrow_device(6, 0, 3, 1);
    add_narrow_device(7, 0, 4, 1);
    for (uint16_t id = 1; id <= 3; id++)
        put_to(5, (uint16_t)(50 + id));
    for (uint16_t id = 1; id <= 3; id++)
        put_to(6, (uint16_t)(60 + id));
    put_to(7, 71);
    kick();
    ck_assert_uint_eq(fake_sg.n, 2);
    fake_sg_end(1); /* another host's LUN does not wait */
    run();
    expect(71, 0);
    for (unsigned i = 0; i < 6; i++) {
        struct vscsiif_response r;

        ck_assert_uint_eq(fake_sg.n, 1);
        fake_sg_end(0);
        run();
        r = take();
        ck_assert_uint_eq(r.rqid / 10, turns[i]);
        /* A guest that always has one more for the first LUN does not keep the other one waiting. */
        if (i < 3) {
            put_to(5, (uint16_t)(54 + i));
            kick();
        }
        run();
    }
    while (fake_sg.n > 0) {
        end_all();
        run();
    }
    ck_assert_uint_eq(guest->rsp_prod - guest_rsp_cons, 3);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

/* One place is left to other users of the host, and no LUN takes what the kernel keeps for another one. */
START_TEST(luns_of_one_scsi_host_leave_places_to_others)
{
    static const struct {
        uint32_t can_queue;
        unsigned first, both; /* commands at devices after seven to one LUN, and after seven to another */
    } cases[] = {
        { 1, 1, 1 }, { 2, 1, 1 }, { 3, 2, 2 }, { 6, 4, 5 }, { 9, 4, 8 }, { 13, 6, 12 }, { 64, 7, 14 },
    };

    add_narrow_device(5, 0, 3, cases[_i].can_queue);
    add_narrow_device(6, 0, 3, cases[_i].can_queue);
    for (uint16_t id = 1; id <= 7; id++)
        put_to(5, id);
    kick();
    ck_assert_uint_eq(fake_sg.n, cases[_i].first);
    for (uint16_t id = 8; id <= 14; id++)
        put_to(6, id);
    kick();
    ck_assert_uint_eq(fake_sg.n, cases[_i].both);
    put_to(DISK, 15); /* its host is not known */
    kick();
    ck_assert_uint_eq(fake_sg.n, cases[_i].both + 1);
    while (fake_sg.n > 0) {
        end_all();
        run();
    }
    ck_assert_uint_eq(guest->rsp_prod - guest_rsp_cons, 15);
}
END_TEST

START_TEST(a_host_s_places_go_with_its_luns)
{
    add_narrow_device(5, 0, 3, 1);
    put_to(5, 1);
    kick();
    ck_assert(!hotplug_remove(svc, 5));
    end_all();
    expect(1, 0);
    ck_assert(hotplug_reap(svc, 5));
    add_narrow_device(6, 0, 3, 3);
    put_to(6, 2);
    put_to(6, 3);
    put_to(6, 4);
    kick();
    ck_assert_uint_eq(fake_sg.n, 2);
    end_all();
    run();
    end_all();
    expect(2, 0);
    expect(3, 0);
    expect(4, 0);
}
END_TEST

/* --- a host with fewer places than guests: see control/places.h --- */

static void set_places(uint32_t host, uint32_t places, uint32_t turn)
{
    hotplug_set_places(svc, &(struct worker_places){ .host = host, .places = places, .share = 4, .turn = turn });
    run();
}

/* A place that is taken back at once, because another guest waits: one command begins nevertheless. */
START_TEST(each_turn_is_good_for_one_command)
{
    add_narrow_device(5, 0, 3, 1);
    hotplug_set_places(svc, &(struct worker_places){ .host = 3, .places = 0, .share = 4, .turn = 1 });
    for (uint16_t id = 1; id <= 3; id++)
        put_to(5, id);
    kick();
    for (uint16_t id = 1; id <= 3; id++) {
        ck_assert_uint_eq(fake_sg.n, 0);
        hotplug_set_places(svc, &(struct worker_places){ .host = 3, .places = 1, .share = 4, .turn = 2u * id });
        hotplug_set_places(svc, &(struct worker_places){ .host = 3, .places = 0, .share = 4, .turn = 2u * id + 1 });
        run();
        ck_assert_uint_eq(fake_sg.n, 1);
        ck_assert_uint_eq(waits_said.turn, 2u * id + 1);
        ck_assert_uint_eq(waits_said.busy, 1);
        end_all();
        expect(id, 0);
        run();
        ck_assert_uint_eq(waits_said.busy, 0);
        ck_assert_uint_eq(waits_said.waits, id < 3);
    }
}
END_TEST

static void check_said(int told, uint32_t turn, uint32_t waits, uint32_t busy)
{
    ck_assert_int_eq(waits_told, told);
    ck_assert_uint_eq(waits_said.host, 3);
    ck_assert_uint_eq(waits_said.turn, turn);
    ck_assert_uint_eq(waits_said.waits, waits);
    ck_assert_uint_eq(waits_said.busy, busy);
}

START_TEST(a_worker_without_a_place_submits_nothing_and_says_what_waits)
{
    add_narrow_device(5, 0, 3, 1);
    put_to(5, 1);
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    ck_assert_int_eq(waits_told, 0); /* it has its place */
    put_to(5, 2);
    kick();
    set_places(3, 0, 7);
    check_said(1, 7, 1, 1);
    put_to(DISK, 3); /* another host's LUN goes on */
    kick();
    ck_assert_uint_eq(fake_sg.n, 2);
    fake_sg_end(1);
    run();
    expect(3, 0);
    end_all();
    expect(1, 0);
    ck_assert_uint_eq(fake_sg.n, 0);
    check_said(2, 7, 1, 0);
    kick();
    ck_assert_int_eq(waits_told, 2); /* nothing is new */
    put_abort(5, 4, 2);
    put_to(5, 5);
    kick();
    expect(2, 0x50040); /* what waits can be aborted at any time */
    expect(4, 0x2002);
    ck_assert_int_eq(waits_told, 2); /* a guest makes the control process no work by that */
    set_places(3, 1, 8);
    ck_assert_uint_eq(fake_sg.n, 1);
    put_to(5, 6);
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    run();
    end_all();
    expect(5, 0);
    expect(6, 0);
    ck_assert_int_eq(waits_told, 2);
}
END_TEST

/* Each turn is answered, even if nothing waits: a place that is not used is free for others. */
START_TEST(a_place_that_is_not_used_is_given_back_at_once)
{
    struct worker_msg msg = lun_message(5, 0x00, 0);

    msg.u.lun.places = (struct worker_places){ .host = 3, .places = 0, .share = 4, .turn = 1 };
    ck_assert_int_eq(add_message(&msg), 0);
    kick();
    check_said(1, 1, 0, 0);
    set_places(4, 0, 2); /* a host that this worker has not */
    ck_assert_int_eq(waits_told, 1);
    set_places(3, 1, 3);
    ck_assert_int_eq(waits_told, 1);
    set_places(3, 0, 4);
    check_said(2, 4, 0, 0);
    svc->luns[5]->held = true; /* a dead worker's commands are at the device: what waits for them needs no place */
    put_to(5, 1);
    kick();
    ck_assert_int_eq(waits_told, 2);
    hotplug_release(svc, 5);
    kick();
    check_said(3, 4, 1, 0);
    set_places(3, 1, 5);
    end_all();
    expect(1, 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, luns_of_one_scsi_host_share_its_places_in_turn);
    tcase_add_loop_test(t, luns_of_one_scsi_host_leave_places_to_others, 0, 7);
    tcase_add_test(t, a_host_s_places_go_with_its_luns);
    tcase_add_test(t, a_worker_without_a_place_submits_nothing_and_says_what_waits);
    tcase_add_test(t, a_place_that_is_not_used_is_given_back_at_once);
    tcase_add_test(t, each_turn_is_good_for_one_command);
}

int main(void)
{
    return run_device_tests("service-places", add_tests);
}
