// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rate limits of a LUN: what waits for them, what does not, and what ends the wait. The clock stands still unless a
 * test moves it.
 */
#include "config.h"

#include "device-fixture.h"

#define LIMITED 5
#define BUSY_FULL 0x28   /* TASK SET FULL */
#define ABORTED 0x050040 /* host byte ABORT, TASK ABORTED */
#define RESET 0x080040
#define DONE 0x2002 /* an ABORT or RESET that succeeded */

static void limit(struct lun_limits limits)
{
    hotplug_set_limits(svc, LIMITED, &limits);
    service_round(svc); /* as after each round of the loop */
}

static void setup_limited(void)
{
    struct worker_msg msg = lun_message(LIMITED, 0x00, 0);

    setup_devices();
    stopped_us = __real_now_us();
    msg.u.lun.limits.iops = 2; /* with a burst of 1 s: three at once, then one each half second */
    ck_assert_int_eq(add_message(&msg), 0);
}

static void put_read(uint16_t target, uint16_t rqid)
{
    struct vscsiif_request *req = put_to(target, rqid);

    rw10(req, false, 0, 1);
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 512 };
}

static void put_reads(uint16_t from, uint16_t to)
{
    for (uint16_t id = from; id <= to; id++)
        put_read(LIMITED, id);
}

static void pass_ms(uint64_t ms)
{
    later_us += ms * 1000;
    run();
}

/* All that is at devices ends well: these commands. Answers of one round have no order. */
static void expect_reads(uint16_t from, uint16_t to)
{
    uint32_t wanted = 0, got = 0;

    end_all();
    for (uint16_t id = from; id <= to; id++) {
        struct vscsiif_response r = take();

        ck_assert_int_eq(r.rslt, 0);
        ck_assert_uint_lt(r.rqid, 32);
        wanted |= 1u << id;
        got |= 1u << r.rqid;
    }
    ck_assert_uint_eq(got, wanted);
    none();
}

START_TEST(a_limited_lun_waits_and_its_neighbours_do_not)
{
    put_reads(1, 6);
    put_read(DISK, 7);
    put_to(TAPE, 8);
    kick();
    ck_assert_uint_eq(fake_sg.n, 5); /* three, 7 and 8 */
    end_all();
    for (unsigned i = 0; i < 5; i++)
        take();
    pass_ms(499);
    ck_assert_uint_eq(fake_sg.n, 0);
    pass_ms(1);
    ck_assert_uint_eq(fake_sg.n, 1);
    expect_reads(4, 4);
    put_read(DISK, 9);
    kick();
    expect_reads(9, 9);
    pass_ms(1000);
    expect_reads(5, 6);
    ck_assert_uint_eq(stats.lun[LIMITED].limited, 3);
    ck_assert_uint_eq(stats.lun[LIMITED].limited_us_sum, 500000 + 1500000 + 1500000);
    ck_assert_uint_eq(stats.lun[DISK].limited, 0);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

START_TEST(the_end_of_a_command_lets_no_other_go_before_its_time)
{
    put_reads(1, 5);
    kick();
    expect_reads(1, 3);
    run();
    ck_assert_uint_eq(fake_sg.n, 0);
    put_reads(6, 6);
    kick();
    ck_assert_uint_eq(fake_sg.n, 0);
    pass_ms(1500);
    expect_reads(4, 6);
}
END_TEST

START_TEST(an_abort_ends_what_waits_at_once)
{
    put_reads(1, 6);
    kick();
    put_abort(LIMITED, 20, 4); /* the head of the queue */
    put_abort(LIMITED, 21, 6); /* its end */
    kick();
    expect(4, ABORTED);
    expect(6, ABORTED);
    expect(20, DONE);
    expect(21, DONE);
    expect_reads(1, 3);
    pass_ms(500);
    expect_reads(5, 5);
    ck_assert(!svc->luns[LIMITED]->limit_waits);
}
END_TEST

START_TEST(a_reset_ends_what_waits_at_once)
{
    put_reads(1, 5);
    kick();
    put_reset(LIMITED, 20);
    kick();
    expect(4, RESET);
    expect(5, RESET);
    end_all();
    for (uint16_t id = 1; id <= 3; id++)
        expect(id, 0);
    run();
    expect(20, DONE);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

START_TEST(limits_change_while_commands_wait)
{
    put_reads(1, 10);
    kick();
    ck_assert_uint_eq(fake_sg.n, 3);
    limit((struct lun_limits){ .iops = 2 }); /* the same */
    ck_assert_uint_eq(fake_sg.n, 3);
    limit((struct lun_limits){ .iops = 4 });
    ck_assert_uint_eq(fake_sg.n, 8);
    limit((struct lun_limits){ 0 });
    ck_assert_uint_eq(fake_sg.n, 10);
    expect_reads(1, 10);
    put_reads(11, 26);
    kick();
    ck_assert_uint_eq(fake_sg.n, 16);
    expect_reads(11, 26);
    limit((struct lun_limits){ .bps = 1024, .burst_s = 1 });
    put_reads(27, 30);
    kick();
    ck_assert_uint_eq(fake_sg.n, 3);
    pass_ms(500);
    expect_reads(27, 30);
    hotplug_set_limits(svc, 7, &(struct lun_limits){ .iops = 2 }); /* there is none */
}
END_TEST

/* Slots of the ring stay free for other LUNs: what has no room gets a status with which it is sent again. */
START_TEST(what_waits_for_limits_leaves_slots_to_others)
{
    put_reads(1, 16);
    kick();
    expect(16, BUSY_FULL);
    none();
    ck_assert_uint_eq(fake_sg.n, 3);
    expect_reads(1, 3);
    put_read(LIMITED, 17);
    put_read(DISK, 18);
    kick();
    expect(17, BUSY_FULL);
    expect_reads(18, 18);
    pass_ms(500);
    put_read(LIMITED, 19);
    kick();
    expect_reads(4, 4);
    for (uint16_t id = 5; id <= 15; id++) {
        pass_ms(500);
        expect_reads(id, id);
    }
    pass_ms(500);
    expect_reads(19, 19);
    ck_assert_uint_eq(stats.lun[LIMITED].limited, 13);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

START_TEST(what_asks_for_the_state_does_not_wait_behind_data)
{
    put_reads(1, 4);
    kick();
    expect_reads(1, 3);
    put_to(LIMITED, 5); /* TEST UNIT READY */
    put_to(LIMITED, 6);
    put_to(LIMITED, 7);
    put_to(LIMITED, 8);
    kick();
    ck_assert_uint_eq(fake_sg.n, 2); /* one second's worth; they count too */
    expect_reads(5, 6);
    pass_ms(500);
    ck_assert_uint_eq(fake_sg.n, 0); /* in order: 7 is behind 4 */
    pass_ms(1000);
    ck_assert_uint_eq(fake_sg.n, 3);
    end_all();
    take();
    take();
    take();
    none();
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

/* As a limit that was lowered while many commands were there: no guest's time-out is near. */
START_TEST(no_command_waits_longer_than_ten_seconds)
{
    limit((struct lun_limits){ .iops = 1 });
    put_reads(1, 14);
    kick();
    expect_reads(1, 2);
    for (uint16_t id = 3; id <= 11; id++) {
        pass_ms(1000);
        expect_reads(id, id);
    }
    pass_ms(999);
    ck_assert_uint_eq(fake_sg.n, 0);
    pass_ms(1);
    expect_reads(12, 14);
}
END_TEST

START_TEST(a_worker_that_ends_sends_what_waits)
{
    put_reads(1, 10);
    kick();
    ck_assert_uint_eq(fake_sg.n, 3);
    svc->stopping = true;
    service_end_limits(svc);
    run();
    expect_reads(1, 10);
}
END_TEST

START_TEST(what_waits_ends_with_its_lun_and_with_its_ring)
{
    put_reads(1, 4);
    kick();
    expect_reads(1, 3);
    service_disconnect(svc);
    connect_anew();
    pass_ms(500);
    ck_assert_uint_eq(fake_sg.n, 0);
    put_reads(1, 2);
    kick();
    expect_reads(1, 1);
    ck_assert(!hotplug_remove(svc, LIMITED));
    run();
    expect(2, 0x010002); /* NO_CONNECT */
    ck_assert(hotplug_reap(svc, LIMITED));
}
END_TEST

/* A host with one place: the LUN that waits for its limit does not keep the other one from its turn. */
START_TEST(a_limited_lun_gives_its_turn_to_others_of_its_host)
{
    static const uint16_t order[] = { 11, 21, 12, 22, 13, 23, 24, 25 };

    add_narrow_device(10, 0, 3, 1);
    add_narrow_device(20, 0, 3, 1);
    hotplug_set_limits(svc, 10, &(struct lun_limits){ .iops = 2 });
    for (uint16_t i = 1; i <= 5; i++)
        put_read(10, 10 + i);
    for (uint16_t i = 1; i <= 5; i++)
        put_read(20, 20 + i);
    kick();
    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        struct vscsiif_response rsp;

        ck_assert_uint_eq(fake_sg.n, 1);
        fake_sg_end(0);
        run();
        rsp = take();
        ck_assert_msg(rsp.rqid == order[i], "%u: %u instead of %u", i, rsp.rqid, order[i]);
        run();
        run();
    }
    ck_assert_uint_eq(fake_sg.n, 0);
    pass_ms(500);
    end_all();
    expect(14, 0);
    pass_ms(500);
    end_all();
    expect(15, 0);
}
END_TEST

START_TEST(a_limit_that_ends_while_the_host_is_busy)
{
    add_narrow_device(10, 0, 3, 1);
    add_narrow_device(20, 0, 3, 1);
    hotplug_set_limits(svc, 10, &(struct lun_limits){ .iops = 2 });
    for (uint16_t id = 1; id <= 4; id++)
        put_read(10, id);
    kick();
    for (uint16_t id = 1; id <= 3; id++) {
        end_all();
        expect(id, 0);
        run();
    }
    ck_assert_uint_eq(fake_sg.n, 0);
    put_read(20, 21);
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    pass_ms(500);
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    expect(21, 0);
    run();
    ck_assert_uint_eq(fake_sg.n, 1);
    expect_reads(4, 4);
}
END_TEST

/* One place is left, and the other LUN that has commands cannot use it: nothing is tried again and again. */
START_TEST(a_limited_lun_beside_one_that_is_not_ready_sleeps)
{
    struct worker_places places;

    add_narrow_device(10, 0, 3, 3);
    add_narrow_device(20, 1, 3, 3);
    hotplug_set_limits(svc, 10, &(struct lun_limits){ .iops = 2 });
    for (uint16_t id = 1; id <= 3; id++) {
        put_read(10, id);
        kick();
        end_all();
        expect(id, 0);
    }
    for (uint16_t id = 21; id <= 23; id++)
        put_read(20, id);
    kick();
    put_read(10, 4);
    kick();
    fake_sg_end(0);
    run();
    expect(21, 0);
    run();
    places = svc->luns[10]->host->may;
    hotplug_set_places(svc, &places);
    for (unsigned i = 0; i < 5; i++)
        run();
    ck_assert_uint_eq(fake_sg.n, 1);
    ck_assert(!loop_timer_armed(&svc->retry_timer));
    pass_ms(500);
    ck_assert_uint_eq(fake_sg.n, 2);
    for (unsigned i = 0; i < 2; i++) {
        end_all();
        run();
    }
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(take().rslt, 0);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

/* What waits for the device can wait for the limit later: it counts, too. */
START_TEST(a_limited_lun_with_a_short_queue_leaves_slots_to_others)
{
    add_narrow_device(10, 1, 3, 8);
    hotplug_set_limits(svc, 10, &(struct lun_limits){ .iops = 2 });
    for (uint16_t id = 1; id <= 15; id++)
        put_read(10, id);
    put_read(DISK, 16);
    kick();
    expect(14, BUSY_FULL);
    expect(15, BUSY_FULL);
    none();
    ck_assert_uint_eq(fake_sg.n, 2);
    ck_assert_uint_eq(stats.lun[10].limited, 0);
}
END_TEST

static const struct {
    int resid;
    uint8_t status, key, flags; /* of byte 2 of the sense data */
    unsigned next;              /* so many go at once when three of 512 bytes have ended so: at 1024 bytes a second */
} ends[] = {
    { 0, 0x00, 0, 0, 0 },         { 512, 0x00, 0, 0, 3 },       { 256, 0x00, 0, 0, 1 },
    { 350, 0x00, 0, 0, 2 },       { 512, 0x02, 0x00, 0x20, 3 }, /* a short block of a tape: ILI */
    { 512, 0x02, 0x00, 0x80, 3 },                               /* a filemark */
    { 512, 0x02, 0x03, 0, 0 },                                  /* MEDIUM ERROR: the device has worked */
    { 512, 0x08, 0x00, 0, 0 },                                  /* BUSY */
};

/* Others wait already: they need no other event to go. */
START_TEST(what_a_device_has_not_moved_does_not_count)
{
    limit((struct lun_limits){ .bps = 1024 });
    put_reads(1, 9);
    kick();
    ck_assert_uint_eq(fake_sg.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct sg_io_hdr *h = &fake_sg.at[i].hdr;

        h->resid = ends[_i].resid;
        h->status = ends[_i].status;
        if (ends[_i].status != 0x02)
            continue;
        memset(h->sbp, 0, 18);
        h->sbp[0] = 0x70;
        h->sbp[2] = (uint8_t)(ends[_i].key | ends[_i].flags);
        h->sbp[7] = 10;
        h->sb_len_wr = 18;
    }
    for (unsigned i = 0; i < 3; i++)
        fake_sg_end(0);
    run();
    run();
    for (unsigned i = 0; i < 3; i++)
        take();
    ck_assert_uint_eq(fake_sg.n, ends[_i].next);
    ck_assert_uint_eq(stats.lun[LIMITED].read_bytes,
                      ends[_i].status == 0x08 ? 0 : 3 * (512u - (unsigned)ends[_i].resid));
    later_us += 10000000;
    run();
    ck_assert_uint_eq(fake_sg.n, 6);
}
END_TEST

/* 248 KiB in pieces of 120 KiB: one command, which is not held up in the middle. */
START_TEST(pieces_of_a_command_count_once)
{
    struct worker_msg msg = lun_message(6, 0x05, 0);
    struct vscsiif_request *req;

    msg.u.lun.max_transfer = 120 * 1024;
    msg.u.lun.limits.iops = 2;
    ck_assert_int_eq(add_message(&msg), 0);
    for (uint16_t id = 1; id <= 4; id++) {
        req = put_to(6, id);
        rw10(req, false, 4, 124);
        for (unsigned i = 0; i < 62; i++)
            ((struct scsiif_request_segment *)fake.page[10])[i] = (struct scsiif_request_segment){ 20 + i, 0, 4096 };
        req->nr_segments = 0x81;
        req->seg[0] = (struct scsiif_request_segment){ 10, 0, 8 * 62 };
    }
    kick();
    for (unsigned i = 0; i < 20; i++) {
        end_all();
        run();
    }
    expect(1, 0);
    expect(2, 0);
    expect(3, 0);
    none();
    pass_ms(500);
    for (unsigned i = 0; i < 5; i++) {
        end_all();
        run();
    }
    expect(4, 0);
    ck_assert_uint_eq(fake_sg.submitted, 12);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_limited_lun_waits_and_its_neighbours_do_not);
    tcase_add_test(t, the_end_of_a_command_lets_no_other_go_before_its_time);
    tcase_add_test(t, an_abort_ends_what_waits_at_once);
    tcase_add_test(t, a_reset_ends_what_waits_at_once);
    tcase_add_test(t, limits_change_while_commands_wait);
    tcase_add_test(t, what_waits_for_limits_leaves_slots_to_others);
    tcase_add_test(t, what_asks_for_the_state_does_not_wait_behind_data);
    tcase_add_test(t, no_command_waits_longer_than_ten_seconds);
    tcase_add_test(t, a_worker_that_ends_sends_what_waits);
    tcase_add_test(t, what_waits_ends_with_its_lun_and_with_its_ring);
    tcase_add_test(t, a_limited_lun_gives_its_turn_to_others_of_its_host);
    tcase_add_test(t, a_limit_that_ends_while_the_host_is_busy);
    tcase_add_test(t, a_limited_lun_beside_one_that_is_not_ready_sleeps);
    tcase_add_test(t, a_limited_lun_with_a_short_queue_leaves_slots_to_others);
    tcase_add_test(t, pieces_of_a_command_count_once);
    tcase_add_loop_test(t, what_a_device_has_not_moved_does_not_count, 0, ARRAY_SIZE(ends));
}

int main(void)
{
    return run_tests("service-limits", setup_limited, teardown_devices, add_tests);
}
