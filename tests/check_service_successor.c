// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a worker that takes a ring over makes of the commands of its dead predecessor.
 */
#include "config.h"

#include "device-fixture.h"

/* A unit attention would make Linux take the disc for another one. */
START_TEST(a_successor_ends_the_commands_of_an_optical_drive_as_aborted)
{
    struct vscsiif_response r;

    put_to(TAPE, 1);
    kick();
    successor(LUN_HELD);
    svc->luns[TAPE]->facts.type = 0x05;
    hotplug_release(svc, TAPE);
    run();
    r = take();
    ck_assert_uint_eq(r.rqid, 1);
    expect_sense(&r, 0x2, 0x0b, 0x08, 0x00);
    hotplug_release(svc, DISK);
}
END_TEST

START_TEST(a_successor_tells_a_tape_s_initiator_that_its_place_is_uncertain)
{
    struct vscsiif_response r;

    put_to(TAPE, 1);
    put_to(DISK, 2);
    kick();
    ck_assert_uint_eq(fake_sg.n, 2);
    successor(LUN_HELD);
    put_to(TAPE, 3);
    kick();
    none();
    ck_assert_uint_eq(fake_sg.n, 0);
    hotplug_release(svc, TAPE);
    run();
    r = take();
    ck_assert_uint_eq(r.rqid, 1);
    expect_sense(&r, 0x2, 0x06, 0x29, 0x00);
    none();
    hotplug_release(svc, DISK);
    run();
    expect(2, 0x08);
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    expect(3, 0);
}
END_TEST

/* Death between a request's being taken and its answer: what the journal holds then. */
static void taken_by_a_dead_worker(unsigned slot, uint8_t act, uint16_t target, uint8_t opcode)
{
    journal.entry[slot] = (struct pvscsi_journal_entry){ .state = JOURNAL_TAKEN,
                                                         .ring_index = journal.req_cons,
                                                         .rqid = (uint16_t)(slot + 1),
                                                         .target = target,
                                                         .act = act,
                                                         .opcode = opcode,
                                                         .data_len = 512 };
    journal.req_cons++;
    guest->req_prod++;
}

START_TEST(a_malformed_request_of_a_dead_worker_is_refused_not_performed)
{
    struct vscsiif_response r;

    taken_by_a_dead_worker(0, 4, DISK, 0x2a); /* obsolete, and what we never heard of */
    taken_by_a_dead_worker(1, 0, DISK, 0x2a);
    taken_by_a_dead_worker(2, 77, TAPE, 0x0a);
    taken_by_a_dead_worker(3, VSCSIIF_ACT_SCSI_ABORT, TAPE, 0);
    taken_by_a_dead_worker(4, VSCSIIF_ACT_SCSI_RESET, 99, 0);
    successor(0);
    run();
    for (unsigned i = 0; i < 3; i++) {
        r = take();
        ck_assert_uint_eq(r.rqid, i + 1);
        expect_sense(&r, 0x70002, 0x05, 0x24, 0x00);
    }
    expect(4, 0x2002); /* nothing is outstanding there */
    expect(5, 0x2003);
    none();
}
END_TEST

START_TEST(counters_hold_over_a_take_over)
{
    const struct pvscsi_lun_stats *s = &stats.lun[TAPE];

    put_to(TAPE, 1);
    kick();
    end_all();
    put_to(TAPE, 2);
    put_to(TAPE, 3);
    kick();
    ck_assert_uint_eq(s->commands, 3);
    ck_assert_uint_eq(s->answered, 1);
    successor(LUN_HELD);
    ck_assert_uint_eq(s->commands - s->answered, 2); /* still in flight */
    put_to(TAPE, 4);
    kick();
    ck_assert_uint_eq(s->commands - s->answered, 3);
    hotplug_release(svc, TAPE);
    run();
    end_all();
    ck_assert_uint_eq(s->commands, 4);
    ck_assert_uint_eq(s->answered, 4);
    ck_assert_uint_eq(s->errors, 2);
    ck_assert_uint_eq(stats.restarts, 1);
}
END_TEST

START_TEST(what_a_dead_worker_left_is_answered_before_the_reset_that_waited_for_it)
{
    taken_by_a_dead_worker(1, VSCSIIF_ACT_SCSI_CDB, DISK, 0x2a);
    successor(LUN_HELD);
    put_to(DISK, 9)->act = VSCSIIF_ACT_SCSI_RESET;
    kick();
    none();
    hotplug_release(svc, DISK);
    run();
    expect(2, 0x08);
    expect(9, 0x2002);
    none();
}
END_TEST

/* "Failed" would start the rest of the guest's error handling, and "success" before the end would not be true. */
START_TEST(an_abort_of_a_dead_worker_waits_for_what_that_worker_left)
{
    taken_by_a_dead_worker(1, VSCSIIF_ACT_SCSI_CDB, DISK, 0x2a);
    taken_by_a_dead_worker(0, VSCSIIF_ACT_SCSI_ABORT, DISK, 0);
    taken_by_a_dead_worker(2, VSCSIIF_ACT_SCSI_ABORT, TAPE, 0);
    successor(LUN_HELD);
    run();
    expect(3, 0x2002); /* no command was left at the tape */
    put_abort(DISK, 9, 2);
    kick();
    pass(100000);
    none();
    hotplug_release(svc, DISK);
    run();
    expect(2, 0x08);
    expect(1, 0x2002);
    expect(9, 0x2002);
    none();
    ck_assert_uint_eq(stats.lun[DISK].aborts, 2);
    ck_assert_uint_eq(stats.lun[DISK].aborts_failed, 0);
    hotplug_release(svc, TAPE);
}
END_TEST

/*
 * PERSISTENT RESERVE OUT, COMPARE AND WRITE, the XOR writes, ATA PASS-THROUGH; then SECURITY PROTOCOL OUT,
 * WRITE BUFFER, FORMAT UNIT, SANITIZE, EXTENDED COPY, two that nobody knows.
 */
START_TEST(a_successor_invites_no_repetition_of_what_must_run_once)
{
    static const uint8_t once[2][7] = { { 0x5f, 0x89, 0x50, 0x51, 0x53, 0x85, 0xa1 },
                                        { 0xb5, 0x3b, 0x04, 0x48, 0x83, 0x7f, 0xc1 } },
                         again[] = { 0x2a, 0x8a, 0x28, 0x42, 0x5e, 0x35, 0x00 };
    struct vscsiif_response r;

    for (unsigned i = 0; i < 7; i++)
        taken_by_a_dead_worker(i, VSCSIIF_ACT_SCSI_CDB, DISK, once[_i][i]);
    for (unsigned i = 0; i < 7; i++)
        taken_by_a_dead_worker(7 + i, VSCSIIF_ACT_SCSI_CDB, DISK, again[i]);
    successor(0);
    run();
    for (unsigned i = 0; i < 7; i++) {
        r = take();
        expect_sense(&r, 0x2, 0x0b, 0x08, 0x00);
        ck_assert_uint_eq(r.residual_len, 512);
    }
    for (unsigned i = 0; i < 7; i++)
        expect((uint16_t)(7 + i + 1), 0x08);
    none();
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_successor_ends_the_commands_of_an_optical_drive_as_aborted);
    tcase_add_test(t, a_successor_tells_a_tape_s_initiator_that_its_place_is_uncertain);
    tcase_add_test(t, a_malformed_request_of_a_dead_worker_is_refused_not_performed);
    tcase_add_test(t, counters_hold_over_a_take_over);
    tcase_add_test(t, what_a_dead_worker_left_is_answered_before_the_reset_that_waited_for_it);
    tcase_add_test(t, an_abort_of_a_dead_worker_waits_for_what_that_worker_left);
    tcase_add_loop_test(t, a_successor_invites_no_repetition_of_what_must_run_once, 0, 2);
}

int main(void)
{
    return run_device_tests("service, successor", add_tests);
}
