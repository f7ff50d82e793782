// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: how it divides the places of a SCSI host among the workers
 * of several guests, and gives them in turn if there are too few.
 */
#include "config.h"

#include "control/places.h"
#include "host-fixture.h"

#define SECOND "5:0:1:0"
#define THIRD "5:0:2:0"

/* Literals of the rule in docs/architecture.md: one place for others, one for each guest, the rest by LUNs. */
static const struct {
    uint32_t can_queue;
    unsigned guests, luns, mine;
    uint32_t places;
} divisions[] = {
    { 1, 1, 1, 1, 1 },
    { 1, 2, 2, 1, 0 },
    { 2, 1, 1, 1, 1 },
    { 2, 2, 2, 1, 0 },
    { 3, 2, 2, 1, 1 },
    { 3, 3, 3, 1, 0 },
    { 8, 1, 1, 1, 7 },
    { 8, 1, 5, 5, 7 },
    { 8, 2, 2, 1, 3 },
    { 8, 2, 4, 1, 2 },
    { 8, 2, 4, 3, 4 },
    { 32, 2, 2, 1, 15 },
    { 128, 7, 7, 1, 18 },
    { 128, 8, 8, 1, 15 },
    { 192, 1, 1, 1, 32 },
    { 192, 4, 4, 1, 32 },
    { 4294967295u, 2, 512, 511, 32 },
};

START_TEST(the_places_of_a_host_are_divided)
{
    ck_assert_uint_eq(
        places_divide(divisions[_i].can_queue, divisions[_i].guests, divisions[_i].luns, divisions[_i].mine),
        divisions[_i].places);
}
END_TEST

/* Whatever there is: all guests together never have more than the host takes but one, and each has one if it can. */
START_TEST(all_parts_together_fit)
{
    for (uint32_t can_queue = 2; can_queue < 40; can_queue++)
        for (unsigned a = 1; a < 9; a++)
            for (unsigned b = 1; b < 9; b++)
                for (unsigned c = 1; c < 9; c++) {
                    uint32_t n[3] = { places_divide(can_queue, 3, a + b + c, a),
                                      places_divide(can_queue, 3, a + b + c, b),
                                      places_divide(can_queue, 3, a + b + c, c) };

                    ck_assert_uint_le(n[0] + n[1] + n[2], can_queue - 1);
                    for (unsigned i = 0; i < 3; i++)
                        ck_assert_int_eq(n[i] > 0, can_queue >= 4);
                }
}
END_TEST

static void host_takes(unsigned can_queue)
{
    make_scsi(DISK, 5, WWID);
    make_scsi(SECOND, 6, "naa.5000c500a1b2c3d5");
    make_scsi(THIRD, 7, "naa.5000c500a1b2c3d6");
    run("mkdir -p %s/class/scsi_host/host5 && echo %u >%s/class/scsi_host/host5/can_queue", sysfs, can_queue, sysfs);
    start();
}

/* Guest 3 has the first disk, guest 4 the second one. Their workers. */
static struct fake_child *w3, *w4;

static void two_guests(unsigned can_queue)
{
    host_takes(can_queue);
    connected_guest(3, DISK);
    w3 = fake_child();
    connected_guest(4, SECOND);
    w4 = fake_child();
}

static struct worker_places added(const struct fake_child *c)
{
    return fake_last(c, WM_LUN_ADD)->u.lun.places;
}

/* The nth WM_HOST_PLACES of a worker. */
static struct worker_places told(const struct fake_child *c, unsigned n)
{
    unsigned i = 0;

    UNTIL(fake_count(c, WM_HOST_PLACES) >= n);
    while (c->msgs[i].type != WM_HOST_PLACES || --n > 0)
        i++;
    ck_assert_uint_eq(c->msgs[i].u.places.host, 5);
    return c->msgs[i].u.places;
}

static void check_untold(const struct fake_child *c, unsigned n)
{
    let_happen();
    ck_assert_uint_eq(fake_count(c, WM_HOST_PLACES), n);
}

static void say(struct fake_child *c, uint32_t turn, uint32_t waits, uint32_t busy)
{
    struct worker_msg msg = { .type = WM_HOST_WAITS };

    msg.u.waits = (struct worker_waits){ .host = 5, .turn = turn, .waits = waits, .busy = busy };
    fake_say(c, &msg);
}

START_TEST(guests_that_come_and_go_change_the_parts_of_others)
{
    two_guests(8);
    ck_assert_uint_eq(added(w3).host, 5);
    ck_assert_uint_eq(added(w3).places, 7);
    ck_assert_uint_eq(added(w3).share, 7);
    ck_assert_uint_eq(told(w3, 1).places, 3);
    ck_assert_uint_eq(told(w3, 1).share, 4);
    ck_assert_uint_eq(added(w4).places, 3);
    ck_assert_uint_eq(added(w4).share, 4);
    check_untold(w4, 0);
    destroy(4);
    ck_assert_uint_eq(told(w3, 2).places, 7);
    ck_assert_uint_eq(told(w3, 2).share, 7);
}
END_TEST

/* No guest hears of others as long as there is enough. Nothing is limited if the host does not say what it takes. */
START_TEST(a_host_that_takes_much_costs_no_messages)
{
    two_guests(_i == 0 ? 500 : 0);
    ck_assert_uint_eq(added(w3).places, _i == 0 ? 32 : 0);
    ck_assert_uint_eq(added(w3).share, _i == 0 ? 32 : 0);
    check_untold(w3, 0);
    check_untold(w4, 0);
}
END_TEST

START_TEST(too_few_places_go_in_turn)
{
    uint32_t t3, t4;

    two_guests(1 + _i); /* with two, one is left to others */
    ck_assert_uint_eq(added(w3).places, 1);
    ck_assert_uint_eq(added(w4).places, 0);
    ck_assert_uint_eq(told(w3, 1).places, 0);
    t3 = told(w3, 1).turn;
    t4 = added(w4).turn;
    ck_assert_uint_ne(t3, t4);
    say(w4, t4, 1, 0);
    check_untold(w4, 0); /* guest 3 may have a command there */
    say(w3, t3, 0, 1);
    check_untold(w4, 0);
    say(w3, t3, 0, 0);
    ck_assert_uint_eq(told(w4, 1).places, 1);
    check_untold(w3, 1);
    /* Now guest 3 has commands: guest 4 gives its place back when it has none any more. */
    say(w3, t3, 1, 0);
    ck_assert_uint_eq(told(w4, 2).places, 0);
    say(w4, t4, 0, 0); /* what it said of an earlier turn does not count */
    check_untold(w3, 1);
    t4 = told(w4, 2).turn;
    say(w4, t4, 1, 1); /* it has more */
    check_untold(w3, 1);
    say(w4, t4, 1, 0);
    ck_assert_uint_eq(told(w3, 2).places, 1); /* its turn has come, */
    ck_assert_uint_eq(told(w3, 3).places, 0); /* and goes when what it has submitted at once has ended */
    t3 = told(w3, 3).turn;
    check_untold(w4, 2);
    say(w3, t3, 0, 1);
    check_untold(w4, 2);
    say(w3, t3, 0, 0);
    ck_assert_uint_eq(told(w4, 3).places, 1);
}
END_TEST

/* With one guest left there are no turns. */
START_TEST(the_last_guest_keeps_all_places)
{
    two_guests(1);
    told(w3, 1);
    destroy(4);
    ck_assert_uint_eq(told(w3, 2).places, 1);
    say(w3, told(w3, 2).turn, 1, 0); /* it need not ask */
    check_untold(w3, 2);
    connected_guest(4, SECOND);
    ck_assert_uint_eq(told(w3, 3).places, 0);
    ck_assert_uint_eq(added(fake_child()).places, 0);
}
END_TEST

/* A detached LUN needs no place; another LUN of the guest on the same host does. */
START_TEST(a_guest_that_has_left_the_host_holds_no_place)
{
    two_guests(1);
    say(w4, added(w4).turn, 1, 0);
    say(w3, told(w3, 1).turn, 0, 1);
    check_untold(w4, 0);
    fake_put(LUN_0 "/state", "5");
    fake_put(BACK "/state", "7");
    fake_put(FRONT "/state", "7");
    expect(LUN_0 "/state", "6");
    ck_assert_uint_eq(told(w4, 1).places, 1);
}
END_TEST

/* Its command may still be at the host: 0, nothing is known to be there; 1, the journal says that it is. */
START_TEST(the_place_of_a_dead_worker_is_free_when_its_commands_have_ended)
{
    two_guests(1);
    say(w4, added(w4).turn, 1, 0);
    say(w3, told(w3, 1).turn, 0, 1);
    check_untold(w4, 0);
    set_busy(DISK, 1);
    left_at_device = (uint32_t)_i;
    write_journal(8, 9, false);
    fake_die(w3);
    if (_i == 1) {
        UNTIL(fake_n_children == 3 && fake_count(fake_child(), WM_LUN_ADD) == 1);
        ck_assert_uint_eq(added(fake_child()).places, 0);
        check_untold(w4, 0);
        set_busy(DISK, 0);
    }
    ck_assert_uint_eq(told(w4, 1).places, 1);
}
END_TEST

/* A guest with two LUNs of the host is destroyed: nothing of it is looked at again. */
START_TEST(a_guest_may_end_in_the_middle_of_it)
{
    two_guests(_i == 0 ? 1 : 8);
    create_vhost(6, 0);
    add_dev("backend/vscsi/6/0", 0, THIRD, "0:0:0:0");
    add_dev("backend/vscsi/6/0", 1, DISK, "0:0:0:1");
    expect("backend/vscsi/6/0/vscsi-devs/dev-1/state", "3");
    destroy(6);
    UNTIL(!model_find(host, 6, 0));
    let_happen();
    ck_assert_uint_eq(fake_last(w3, WM_HOST_PLACES)->u.places.places, _i == 0 ? 0 : 3);
    stop();
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, the_places_of_a_host_are_divided, 0, (int)ARRAY_SIZE(divisions));
    tcase_add_test(t, all_parts_together_fit);
    tcase_add_test(t, guests_that_come_and_go_change_the_parts_of_others);
    tcase_add_loop_test(t, a_host_that_takes_much_costs_no_messages, 0, 2);
    tcase_add_loop_test(t, too_few_places_go_in_turn, 0, 2);
    tcase_add_test(t, the_last_guest_keeps_all_places);
    tcase_add_test(t, a_guest_that_has_left_the_host_holds_no_place);
    tcase_add_loop_test(t, the_place_of_a_dead_worker_is_free_when_its_commands_have_ended, 0, 2);
    tcase_add_loop_test(t, a_guest_may_end_in_the_middle_of_it, 0, 2);
}

int main(void)
{
    return run_host_tests("host-places", add_tests);
}
