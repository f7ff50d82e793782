// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process over a xenstore and workers in memory: how it divides the places of a SCSI host among the workers
 * of several guests.
 */
#include "config.h"

#include "control/places.h"
#include "host-fixture.h"

#define SECOND "5:0:1:0"
#define THIRD "5:0:2:0"

/* Literals of the rule in docs/architecture.md: one place for others, one for each vhost, the rest by LUNs. */
static const struct {
    uint32_t can_queue;
    unsigned vhosts, luns, mine;
    uint32_t places;
} divisions[] = {
    { 1, 1, 1, 1, 1 },
    { 1, 2, 2, 1, 1 },
    { 2, 1, 1, 1, 1 },
    { 2, 2, 2, 1, 1 },
    { 3, 2, 2, 1, 1 },
    { 3, 3, 3, 1, 1 },
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
        places_divide(divisions[_i].can_queue, divisions[_i].vhosts, divisions[_i].luns, divisions[_i].mine),
        divisions[_i].places);
}
END_TEST

/* Each has a place. Together they have not more than the host takes but one, if that is enough for all. */
START_TEST(all_parts_together_fit)
{
    for (uint32_t can_queue = 2; can_queue < 40; can_queue++)
        for (unsigned a = 1; a < 9; a++)
            for (unsigned b = 1; b < 9; b++)
                for (unsigned c = 1; c < 9; c++) {
                    uint32_t n[3] = { places_divide(can_queue, 3, a + b + c, a),
                                      places_divide(can_queue, 3, a + b + c, b),
                                      places_divide(can_queue, 3, a + b + c, c) };

                    ck_assert_uint_le(n[0] + n[1] + n[2], can_queue < 4 ? 3 : can_queue - 1);
                    for (unsigned i = 0; i < 3; i++)
                        ck_assert_uint_ge(n[i], 1);
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

/* Each has one nevertheless: a write() to sg may sleep until a command of the other one ends. */
START_TEST(each_guest_has_a_place_of_a_host_that_takes_one)
{
    two_guests(1 + _i); /* with two, one is left to others */
    ck_assert_uint_eq(added(w3).places, 1);
    ck_assert_uint_eq(added(w3).share, 4);
    ck_assert_uint_eq(added(w4).places, 1);
    check_untold(w3, 0);
    check_untold(w4, 0);
}
END_TEST

/* Its successor is told with its LUNs, and the other guest's worker hears nothing. */
START_TEST(the_part_of_a_dead_worker_is_its_successors)
{
    two_guests(8);
    told(w3, 1);
    fake_die(w3);
    UNTIL(fake_n_children == 3 && fake_count(fake_child(), WM_LUN_ADD) == 1);
    ck_assert_uint_eq(added(fake_child()).places, 3);
    check_untold(w4, 0);
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
    ck_assert_uint_eq(_i == 0 ? added(w3).places : fake_last(w3, WM_HOST_PLACES)->u.places.places, _i == 0 ? 1 : 3);
    stop();
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, the_places_of_a_host_are_divided, 0, (int)ARRAY_SIZE(divisions));
    tcase_add_test(t, all_parts_together_fit);
    tcase_add_test(t, guests_that_come_and_go_change_the_parts_of_others);
    tcase_add_loop_test(t, a_host_that_takes_much_costs_no_messages, 0, 2);
    tcase_add_loop_test(t, each_guest_has_a_place_of_a_host_that_takes_one, 0, 2);
    tcase_add_test(t, the_part_of_a_dead_worker_is_its_successors);
    tcase_add_loop_test(t, a_guest_may_end_in_the_middle_of_it, 0, 2);
}

int main(void)
{
    return run_host_tests("host-places", add_tests);
}
