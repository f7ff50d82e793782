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

/* Another vhost of the host comes, and goes again: what is at the device stays there, and the rest waits. */
START_TEST(places_change_while_commands_wait)
{
    add_narrow_device(5, 0, 3, 4);
    for (uint16_t id = 1; id <= 5; id++)
        put_to(5, id);
    put_to(DISK, 6); /* of another host */
    kick();
    ck_assert_uint_eq(fake_sg.n, 4);
    hotplug_set_places(svc, &(struct worker_places){ .host = 3, .places = 1, .share = 4 });
    fake_sg_end(0);
    run();
    expect(1, 0);
    fake_sg_end(0);
    run();
    expect(2, 0);
    ck_assert_uint_eq(fake_sg.n, 2); /* 3, and 6 of the other host */
    hotplug_set_places(svc, &(struct worker_places){ .host = 4, .places = 9, .share = 9 }); /* it has no LUN there */
    ck_assert_uint_eq(fake_sg.n, 2);
    hotplug_set_places(svc, &(struct worker_places){ .host = 3, .places = 3, .share = 4 });
    ck_assert_uint_eq(fake_sg.n, 4); /* at once */
    end_all();
    for (uint16_t id = 3; id <= 6; id++)
        take();
    none();
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, luns_of_one_scsi_host_share_its_places_in_turn);
    tcase_add_loop_test(t, luns_of_one_scsi_host_leave_places_to_others, 0, 7);
    tcase_add_test(t, a_host_s_places_go_with_its_luns);
    tcase_add_test(t, places_change_while_commands_wait);
}

int main(void)
{
    return run_device_tests("service-places", add_tests);
}
