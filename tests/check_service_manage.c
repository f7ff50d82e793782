// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ABORT and RESET: how long they wait, and what is answered first.
 */
#include "config.h"

#include "device-fixture.h"

/* A guest's 30 s are over, and the array still works at an UNMAP: it ends with the answer of the device. */
START_TEST(an_abort_waits_as_long_as_the_device_may_take)
{
    struct vscsiif_request *req = put_to(DISK, 1);

    req->cmnd[0] = 0x42;
    req->cmnd[8] = 24;
    req->sc_data_direction = SCSI_DIR_OUT;
    req->timeout_per_command = 30;
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 24 };
    kick();
    pass(30);
    put_abort(DISK, 2, 1);
    kick();
    none();
    pass(40);
    put_reset(DISK, 3);
    kick();
    none();
    pass(15);
    ck_assert_int_eq(resets, 1);
    manage_reset_done(svc, svc->luns[DISK], -EOPNOTSUPP);
    kick();
    none(); /* no reset is possible; the device itself may still answer */
    pass(30);
    none();
    end_all();
    expect(1, 0);
    expect(2, 0x2002);
    expect(3, 0x2002);
    none();
}
END_TEST

START_TEST(an_abort_fails_when_the_host_s_error_handling_should_be_over)
{
    uint64_t wait;

    put_to(TAPE, 1);
    put_to(TAPE, 2);
    kick();
    wait = patience(1);
    put_abort(TAPE, 11, 1);
    put_abort(TAPE, 12, 2);
    kick();
    none();
    fake_sg_end(0);
    run();
    expect(1, 0);
    expect(11, 0x2002);
    pass(wait - 2);
    none();
    pass(2);
    expect(12, 0x2003);
    none();
    end_all();
    expect(2, 0);
}
END_TEST

/* A TEST UNIT READY of the disk, with 25 s at sg, which the kernel may start three times. */
static void wait_for_a_disk(uint16_t rqid)
{
    put_to(DISK, 1);
    kick();
    ck_assert_uint_eq(fake_sg.at[0].hdr.timeout, 25000);
    put_abort(DISK, rqid, 1);
    kick();
    none();
}

/* An FC port with fast_io_fail_tmo = 600, say. */
START_TEST(an_abort_waits_as_long_as_the_host_says)
{
    host_eh_s = 1320;
    wait_for_a_disk(2);
    pass(74);
    ck_assert_int_eq(host_eh_asks, 0); /* a device that answers in time costs no question */
    pass(1);
    ck_assert_int_eq(host_eh_asks, 1);
    pass(59);
    ck_assert_int_eq(host_eh_asks, 1);
    pass(1260);
    none();
    if (_i == 0) {
        pass(1);
        expect(2, 0x2003);
        end_all();
        expect(1, 0);
    } else {
        end_all();
        expect(1, 0);
        expect(2, 0x2002);
    }
    none();
}
END_TEST

/* multipathd changes it, or the host's error handling begins. */
START_TEST(the_host_s_time_is_asked_for_again_before_an_abort_fails)
{
    wait_for_a_disk(2);
    pass(80);
    ck_assert_int_eq(host_eh_asks, 1);
    host_eh_s = 600;
    pass(115); /* 75 + 120 = 195 */
    ck_assert_int_eq(host_eh_asks, 2);
    none();
    pass(479);
    none();
    pass(1);
    expect(2, 0x2003);
    end_all();
    expect(1, 0);
}
END_TEST

/* iSCSI with recovery_tmo off: until it is back, and then the time that the command had from the beginning. */
START_TEST(an_abort_waits_without_limit_while_the_host_has_none)
{
    host_eh_s = HOST_EH_NO_LIMIT;
    wait_for_a_disk(2);
    for (unsigned i = 0; i < 100; i++) {
        pass(61);
        none();
    }
    ck_assert_int_ge(host_eh_asks, 98);
    host_eh_s = 120;
    pass(61);
    none(); /* there was no limit 61 s ago; 75 s and 120 s from then on */
    pass(133);
    none();
    pass(1);
    expect(2, 0x2003);
    end_all();
    expect(1, 0);
}
END_TEST

/* What was said of the host that the LUN had before is not said of its new one. */
START_TEST(a_lun_that_returns_on_another_host_has_that_one_s_time)
{
    struct worker_msg again = lun_message(DISK, 0x00, LUN_RETURNED);

    host_eh_s = HOST_EH_NO_LIMIT;
    wait_for_a_disk(2);
    pass(75);
    ck_assert_int_eq(host_eh_asks, 1);
    end_all();
    expect(1, 0);
    expect(2, 0x2002);
    host_eh_s = 120;
    again.u.lun.places = (struct worker_places){ .host = 7 };
    ck_assert_int_eq(add_message(&again), 0);
    put_to(DISK, 3)->timeout_per_command = 2;
    kick();
    ck_assert_uint_eq(fake_sg.at[0].hdr.timeout, 1000);
    put_abort(DISK, 4, 3);
    kick();
    pass(3);
    ck_assert_int_eq(host_eh_asks, 2);
    pass(119);
    none();
    pass(1);
    expect(4, 0x2003);
    end_all();
    expect(3, 0);
}
END_TEST

START_TEST(a_reset_for_another_guest_is_told_with_the_next_command)
{
    struct vscsiif_response r;

    hotplug_was_reset(svc, DISK);
    hotplug_was_reset(svc, 99); /* not there */
    put_to(DISK, 1);
    put_to(DISK, 2);
    put_to(TAPE, 3);
    kick();
    r = take();
    ck_assert_uint_eq(r.rqid, 1);
    expect_sense(&r, 2, 0x06, 0x29, 0x00);
    ck_assert_uint_eq(fake_sg.n, 2);
    end_all();
    expect(2, 0);
    expect(3, 0);
}
END_TEST

/* The control process is busy, or is being replaced: nothing fails without its word. */
START_TEST(an_abort_does_not_fail_while_nobody_answers)
{
    host_eh_mute = true;
    wait_for_a_disk(2);
    for (int i = 0; i < 10; i++) {
        pass(75);
        ck_assert_int_eq(host_eh_asks, i + 1);
        none();
    }
    manage_host_eh(svc, svc->luns[DISK], 120);
    run();
    expect(2, 0x2003);
    end_all();
    expect(1, 0);
}
END_TEST

START_TEST(a_reset_waits_as_long_as_the_host_says)
{
    host_eh_s = 1320;
    put_to(DISK, 1);
    put_reset(DISK, 2);
    kick();
    pass(15);
    manage_reset_done(svc, svc->luns[DISK], -EOPNOTSUPP);
    pass(1379); /* 75 + 1320 = 1395 */
    none();
    pass(1);
    expect(2, 0x2003);
    end_all();
    expect(1, 0);
}
END_TEST

START_TEST(a_reset_waits_for_the_device_and_holds_new_commands_back)
{
    put_to(TAPE, 1);
    kick();
    put_to(TAPE, 2)->act = VSCSIIF_ACT_SCSI_RESET;
    put_to(TAPE, 3);
    kick();
    none();
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    expect(1, 0);
    expect(2, 0x2002);
    ck_assert_uint_eq(fake_sg.n, 1); /* 3 has gone on its way */
    end_all();
    expect(3, 0);
}
END_TEST

START_TEST(a_reset_asks_for_the_device_s_own_once_and_fails_when_the_device_gives_nothing_back)
{
    uint64_t wait;

    put_to(TAPE, 1);
    put_reset(TAPE, 2);
    kick();
    wait = patience(0);
    pass(14);
    ck_assert_int_eq(resets, 0);
    pass(1);
    ck_assert_int_eq(resets, 1);
    none();
    if (_i == 0) { /* refused or failed */
        manage_reset_done(svc, svc->luns[TAPE], -EOPNOTSUPP);
    } else if (_i == 1) { /* it helps */
        manage_reset_done(svc, svc->luns[TAPE], 0);
        run();
        none();
        end_all();
        expect(1, 0);
        expect(2, 0x2002);
        return;
    } else if (_i == 2) { /* it does not help */
        manage_reset_done(svc, svc->luns[TAPE], 0);
    } /* 3: nobody answers */
    pass(wait - 17);
    none();
    pass(2);
    expect(2, 0x2003);
    ck_assert_int_eq(resets, 1);
    put_to(TAPE, 3);
    kick();
    ck_assert_uint_eq(fake_sg.n, 2); /* a failed reset holds nothing back */
    end_all();
    expect(1, 0);
    expect(3, 0);
}
END_TEST

/* Past all time-outs a RESET is the device's last chance: it gets the time of a reset, and then fails. */
START_TEST(a_reset_after_all_hope_still_gives_the_device_s_own_a_chance)
{
    put_to(TAPE, 1);
    kick();
    pass(patience(0));
    put_reset(TAPE, 2);
    kick();
    none();
    pass(15);
    ck_assert_int_eq(resets, 1);
    none();
    if (_i == 0) { /* no such reset is configured */
        manage_reset_done(svc, svc->luns[TAPE], -EOPNOTSUPP);
        kick();
    } else { /* it was made, and has changed nothing */
        manage_reset_done(svc, svc->luns[TAPE], 0);
        pass(14);
        none();
        pass(1);
    }
    expect(2, 0x2003);
    none();
    end_all();
    expect(1, 0);
}
END_TEST

START_TEST(a_reset_waits_for_what_a_dead_worker_left_as_long_as_the_lun_is_held)
{
    svc->luns[TAPE]->held = true;
    put_reset(TAPE, 1);
    kick();
    pass(100000);
    none();
    ck_assert_int_eq(resets, 0);
    hotplug_release(svc, TAPE);
    run();
    expect(1, 0x2002);
}
END_TEST

/* One command in a high slot, with a lower one free for what comes next. */
static void one_in_a_high_slot(uint16_t rqid)
{
    put_to(DISK, 99);
    kick();
    put_to(TAPE, rqid);
    kick();
    fake_sg_end(0);
    run();
    expect(99, 0);
    ck_assert_uint_eq(svc->cmd[0].state, CMD_FREE);
}

START_TEST(an_aborted_command_is_answered_before_its_abort)
{
    svc->luns[TAPE]->held = true;
    one_in_a_high_slot(2);
    put_abort(TAPE, 3, 2);
    kick();
    expect(2, 0x50040);
    expect(3, 0x2002);
    none();
}
END_TEST

START_TEST(a_command_that_just_ended_is_answered_before_its_abort)
{
    one_in_a_high_slot(2);
    fake_sg_end(0);
    ck_assert_int_eq(loop_once(loop, 0), 0); /* ended, but no round since */
    put_abort(TAPE, 3, 2);
    kick();
    expect(2, 0);
    expect(3, 0x2002);
    none();
}
END_TEST

START_TEST(many_resets_of_one_lun_ask_for_one_device_reset_at_a_time)
{
    uint64_t wait;

    put_to(TAPE, 1);
    for (uint16_t id = 2; id <= 16; id++)
        put_reset(TAPE, id);
    kick();
    wait = patience(0);
    pass(15);
    ck_assert_int_eq(resets, 1);
    pass(wait); /* the control process has not answered yet */
    for (uint16_t id = 2; id <= 16; id++)
        expect(id, 0x2003);
    put_reset(TAPE, 17);
    kick();
    pass(15);
    ck_assert_int_eq(resets, 1);
    manage_reset_done(svc, svc->luns[TAPE], -EIO);
    run();
    expect(17, 0x2003);
    put_reset(TAPE, 18);
    kick();
    pass(15);
    ck_assert_int_eq(resets, 2); /* answered: the next one may ask again */
    end_all();
    expect(1, 0);
    expect(18, 0x2002);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, an_abort_waits_as_long_as_the_device_may_take);
    tcase_add_test(t, an_abort_fails_when_the_host_s_error_handling_should_be_over);
    tcase_add_loop_test(t, an_abort_waits_as_long_as_the_host_says, 0, 2);
    tcase_add_test(t, the_host_s_time_is_asked_for_again_before_an_abort_fails);
    tcase_add_test(t, an_abort_waits_without_limit_while_the_host_has_none);
    tcase_add_test(t, an_abort_does_not_fail_while_nobody_answers);
    tcase_add_test(t, a_reset_for_another_guest_is_told_with_the_next_command);
    tcase_add_test(t, a_lun_that_returns_on_another_host_has_that_one_s_time);
    tcase_add_test(t, a_reset_waits_as_long_as_the_host_says);
    tcase_add_test(t, a_reset_waits_for_the_device_and_holds_new_commands_back);
    tcase_add_loop_test(t, a_reset_asks_for_the_device_s_own_once_and_fails_when_the_device_gives_nothing_back, 0, 4);
    tcase_add_loop_test(t, a_reset_after_all_hope_still_gives_the_device_s_own_a_chance, 0, 2);
    tcase_add_test(t, a_reset_waits_for_what_a_dead_worker_left_as_long_as_the_lun_is_held);
    tcase_add_test(t, an_aborted_command_is_answered_before_its_abort);
    tcase_add_test(t, a_command_that_just_ended_is_answered_before_its_abort);
    tcase_add_test(t, many_resets_of_one_lun_ask_for_one_device_reset_at_a_time);
}

int main(void)
{
    return run_device_tests("service, ABORT and RESET", add_tests);
}
