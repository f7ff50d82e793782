// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service over devices that are slow, refuse, disappear or never answer: what becomes of commands whose ring or
 * LUN goes away while a device has them, and how many a device gets at once.
 */
#include "config.h"

#include "device-fixture.h"

START_TEST(a_slow_read_brings_its_data_and_what_was_left_over)
{
    struct vscsiif_request *req = put_to(TAPE, 1);
    struct vscsiif_response r;

    req->cmd_len = 6;
    req->cmnd[0] = 0x08;
    req->cmnd[3] = 2;
    req->sc_data_direction = SCSI_DIR_IN;
    req->nr_segments = 2;
    req->seg[0] = (struct scsiif_request_segment){ 20, 4000, 96 };
    req->seg[1] = (struct scsiif_request_segment){ 21, 0, 416 };
    memset(fake.page[20], 0xcc, 4096);
    memset(fake.page[21], 0xcc, 4096);
    kick();
    none();
    ck_assert_uint_eq(fake_sg.n, 1);
    memset(fake_sg.at[0].hdr.dxferp, 0x11, 512);
    fake_sg.at[0].hdr.resid = 412;
    end_all();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(r.residual_len, 412);
    ck_assert_uint_eq(fake.page[20][4095], 0x11);
    ck_assert_uint_eq(fake.page[21][3], 0x11);
    ck_assert_uint_eq(fake.page[21][4], 0xcc); /* not a byte more than the device moved */
    ck_assert_uint_eq(stats.lun[TAPE].read_bytes, 100);
}
END_TEST

/*
 * scsi_eh_tur() of Linux borrows the command that failed: xen-scsifront leaves nr_segments and seg[] as they were,
 * and the grants have ended.
 */
START_TEST(a_test_unit_ready_with_stale_segments_reaches_the_device)
{
    static const struct {
        uint8_t nr;
        uint16_t offset, length;
    } stale[] = { { 0, 0, 0 }, { 2, 0, 4096 }, { 26, 4000, 4096 }, { 0x81, 0, 800 }, { 0xff, 3, 5 } };
    struct vscsiif_request *req = put_to(DISK, 7);

    req->cmd_len = 6;
    req->nr_segments = stale[_i].nr;
    for (unsigned i = 0; i < VSCSIIF_SG_TABLESIZE; i++)
        req->seg[i] = (struct scsiif_request_segment){ 4000000u, stale[_i].offset, stale[_i].length };
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    ck_assert_int_eq(fake_sg.at[0].hdr.dxfer_direction, SG_DXFER_NONE);
    ck_assert_uint_eq(fake_sg.at[0].hdr.dxfer_len, 0);
    end_all();
    expect(7, 0);
    ck_assert_uint_eq(stats.bad_requests, 0);
}
END_TEST

/*
 * mmc_set_speed() of libcdio declares a buffer for a command that has none. The device is sent the command alone. What
 * the buffer names is larger than the device's limit in the last two, and LUN 0 is the emulated disk.
 */
START_TEST(a_command_without_data_is_sent_without_the_buffer_that_is_declared)
{
    static const struct {
        uint16_t target, len;
        uint8_t dir;
    } row[] = { { DISK, 14, SCSI_DIR_OUT }, { DISK, 14, SCSI_DIR_IN }, { TAPE, 512, SCSI_DIR_IN },
                { 0, 14, SCSI_DIR_OUT },    { 0, 512, SCSI_DIR_IN },   { DISK, 4096, SCSI_DIR_OUT },
                { DISK, 4096, SCSI_DIR_IN } };
    struct vscsiif_request *req = put_to(row[_i].target, 1);
    struct vscsiif_response r;

    if (row[_i].len == 4096)
        svc->luns[DISK]->facts.max_transfer = 1024;
    req->cmd_len = 6; /* TEST UNIT READY */
    req->sc_data_direction = row[_i].dir;
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, row[_i].len };
    memset(fake.page[20], 0xcc, 4096);
    kick();
    if (row[_i].target != 0) {
        ck_assert_uint_eq(fake_sg.n, 1);
        ck_assert_int_eq(fake_sg.at[0].hdr.dxfer_direction, SG_DXFER_NONE);
        ck_assert_uint_eq(fake_sg.at[0].hdr.dxfer_len, 0);
        end_all();
    }
    r = take();
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(r.residual_len, row[_i].len);
    for (unsigned i = 0; i < 4096; i++)
        ck_assert_uint_eq(fake.page[20][i], 0xcc);
    ck_assert_uint_eq(stats.lun[row[_i].target].read_bytes + stats.lun[row[_i].target].write_bytes, 0);
}
END_TEST

/*
 * Sixteen wait at a slow device, and req_prod goes on. No request can be taken until one of them ends, so the worker
 * must sleep.
 */
START_TEST(a_ring_that_is_fuller_than_a_ring_can_be_halts_at_once)
{
    static const uint32_t beyond[] = { 1, 2, 1000000, 0x7fffffff, 0xffffffef };

    for (uint16_t id = 1; id <= PVSCSI_RING_SLOTS; id++)
        put_to(TAPE, id);
    kick();
    ck_assert_uint_eq(fake_sg.n, PVSCSI_RING_SLOTS);
    ck_assert_int_eq(halts, 0);
    guest->req_prod += beyond[_i];
    kick();
    ck_assert_int_eq(halts, 1);
    ck_assert_uint_eq(stats.halted, 1);
    ck_assert_uint_eq(journal.halted, 1);
    ck_assert(!svc->work);
    ck_assert(!loop_timer_armed(&svc->manage_timer)); /* no further round is due */
    kick();
    ck_assert_int_eq(halts, 1);
    end_all();
    none();
}
END_TEST

/* The same with no command left to take another request with: those of gone rings are still at the device. */
START_TEST(a_full_worker_halts_such_a_ring_too)
{
    for (unsigned ring = 0; ring < 2; ring++) {
        for (uint16_t id = 1; id <= PVSCSI_RING_SLOTS; id++)
            put_to(TAPE, id);
        kick();
        service_disconnect(svc);
        connect_anew();
        if (ring == 0)
            svc->luns[TAPE]->strays = 0; /* let the second ring's commands through */
    }
    ck_assert_uint_eq(svc->n_busy, CMD_COUNT);
    for (uint16_t id = 1; id <= PVSCSI_RING_SLOTS; id++)
        put_to(DISK, id);
    kick();
    ck_assert_int_eq(halts, 0);
    ck_assert(!svc->work); /* it sleeps until a command comes back */
    guest->req_prod++;
    kick();
    ck_assert_int_eq(halts, 1);
    svc->luns[TAPE]->strays = CMD_COUNT;
    end_all();
}
END_TEST

START_TEST(a_device_gets_as_many_commands_as_it_takes_and_the_rest_waits)
{
    add_narrow_device(5, 2, 0, 0);
    for (uint16_t id = 1; id <= 5; id++)
        put_to(5, id);
    put_to(DISK, 6);
    kick();
    ck_assert_uint_eq(fake_sg.n, 3); /* 1, 2, and that of the other LUN */
    put_abort(5, 7, 5);
    kick();
    expect(5, 0x50040); /* one that waits can be ended at once */
    expect(7, 0x2002);
    fake_sg_end(2);
    run();
    expect(6, 0);
    for (uint16_t id = 1; id <= 4; id++) {
        ck_assert_uint_eq(fake_sg.n, id < 4 ? 2 : 1);
        fake_sg_end(0);
        run();
        expect(id, 0);
        run(); /* the next one goes on its way */
    }
    ck_assert_uint_eq(fake_sg.n, 0);
    none();
}
END_TEST

START_TEST(a_full_host_that_refuses_a_command_is_not_asked_without_a_pause)
{
    add_narrow_device(5, 1, 3, 1);
    fake_sg.write_error = ENOMEM;
    put_to(5, 1);
    kick();
    for (unsigned i = 0; i < 300; i++)
        run();
    none();
    ck_assert_uint_lt(svc->luns[5]->queue->retries, 100);
    fake_sg.write_error = 0;
    for (unsigned i = 0; i < 3; i++)
        wait_50_ms();
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    expect(1, 0);
}
END_TEST

START_TEST(a_new_ring_waits_for_what_the_old_one_left_at_the_device)
{
    put_to(TAPE, 1);
    put_to(TAPE, 2);
    kick();
    ck_assert_uint_eq(fake_sg.n, 2);
    service_disconnect(svc);
    connect_anew();
    put_to(TAPE, 3);
    put_to(DISK, 4);
    kick();
    ck_assert_uint_eq(fake_sg.n, 3); /* 3 must not overtake 1 and 2; the disk is independent of them */
    fake_sg_end(2);
    run();
    expect(4, 0);
    fake_sg_end(1);
    run();
    run();
    ck_assert_uint_eq(fake_sg.n, 1);
    fake_sg_end(0);
    run();
    run();
    none(); /* 1 and 2 were not requests of this ring */
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    expect(3, 0);
    ck_assert_uint_eq(svc->n_busy, 0);
    ck_assert_uint_eq(stats.lun[TAPE].commands, stats.lun[TAPE].answered);
}
END_TEST

/* Sixteen commands are at a device that does not answer, and the guest reconnects. Its other LUNs must not wait. */
START_TEST(what_a_gone_ring_left_at_a_sick_device_keeps_nobody_else)
{
    uint64_t deadline;

    for (uint16_t id = 1; id <= PVSCSI_RING_SLOTS; id++)
        put_to(TAPE, id);
    kick();
    ck_assert_uint_eq(journal.at_device, PVSCSI_RING_SLOTS);
    ck_assert_uint_eq(journal.strays_deadline_us, 0);
    deadline = now_us() + fake_sg.at[0].hdr.timeout * UINT64_C(3000);
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        ck_assert_uint_ge(journal.entry[i].deadline_us, deadline - 1000000);
    service_disconnect(svc);
    connect_anew();
    ck_assert_uint_eq(journal.at_device, PVSCSI_RING_SLOTS); /* what a successor has to know */
    ck_assert_uint_ge(journal.strays_deadline_us, deadline - 1000000);
    ck_assert_uint_le(journal.strays_deadline_us, deadline);
    for (uint16_t id = 1; id <= PVSCSI_RING_SLOTS; id++)
        put_to(DISK, id);
    kick();
    ck_assert_uint_eq(fake_sg.n, 2 * PVSCSI_RING_SLOTS);
    end_all();
    for (uint16_t id = 1; id <= PVSCSI_RING_SLOTS; id++)
        expect(id, 0);
    none();
    ck_assert_uint_eq(journal.at_device, 0);
    ck_assert_uint_eq(journal.strays_deadline_us, 0);
}
END_TEST

START_TEST(orphans_end_without_any_ring_too)
{
    put_to(TAPE, 1);
    kick();
    service_disconnect(svc);
    ck_assert(!hotplug_remove(svc, TAPE)); /* the device still has one of its commands */
    run();
    ck_assert(!hotplug_reap(svc, TAPE));
    progresses = 0;
    end_all();
    ck_assert_int_eq(progresses, 1);
    ck_assert(hotplug_reap(svc, TAPE));
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

static void prevent(uint16_t rqid, uint8_t how)
{
    struct vscsiif_request *req = put_to(TAPE, rqid);

    req->cmnd[0] = 0x1e;
    req->cmnd[4] = how;
    req->cmd_len = 6;
    req->sc_data_direction = SCSI_DIR_NONE;
}

/* PREVENT, and what undoes it: noted before the device has it, forgotten when that has ended well. */
START_TEST(what_a_guest_leaves_in_a_device_is_noted)
{
    struct pvscsi_lun_stats *s = &stats.lun[TAPE];

    prevent(1, 1);
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    ck_assert_uint_eq(s->left, 1);
    end_all();
    expect(1, 0);
    prevent(2, 0);
    kick();
    ck_assert_uint_eq(s->left, 1);
    fake_sg.at[0].hdr.status = 2;
    end_all();
    take();
    ck_assert_uint_eq(s->left, 1);
    prevent(3, 0);
    kick();
    end_all();
    expect(3, 0);
    ck_assert_uint_eq(s->left, 0);
    ck_assert_uint_eq(stats.lun[DISK].left, 0);
}
END_TEST

START_TEST(what_is_left_outlives_the_worker_and_its_ring)
{
    struct pvscsi_lun_stats *s = &stats.lun[TAPE];

    prevent(1, 1);
    kick();
    successor(LUN_HELD);
    ck_assert_uint_eq(s->left, 1);
    service_disconnect(svc);
    connect_anew();
    ck_assert_uint_eq(s->left, 1);
    hotplug_set_clean(svc);
    ck_assert_uint_eq(s->left, 0);
    /* A LUN that was removed leaves it for the control process to see; another one begins without. */
    s->left = 1;
    ck_assert(hotplug_remove(svc, TAPE));
    ck_assert_uint_eq(s->left, 1);
    ck_assert_int_eq(add_device(TAPE, 0x01, LUN_ATTACHED), 0);
    ck_assert_uint_eq(s->left, 0);
}
END_TEST

START_TEST(a_removed_lun_stays_until_its_device_has_ended_all)
{
    put_to(TAPE, 1);
    kick();
    ck_assert(!hotplug_remove(svc, TAPE));
    put_to(TAPE, 2);
    kick();
    expect_sense(&(struct vscsiif_response[1]){ take() }[0], 0x10002, 0x05, 0x25, 0x00);
    ck_assert(!hotplug_reap(svc, TAPE));
    end_all();
    expect(1, 0); /* its own answer, not one of ours */
    ck_assert(hotplug_reap(svc, TAPE));
}
END_TEST

START_TEST(a_device_that_is_gone_answers_for_itself)
{
    struct vscsiif_response r;

    put_to(DISK, 1);
    kick();
    fake_sg.at[0].hdr.host_status = 1; /* DID_NO_CONNECT */
    end_all();
    r = take();
    expect_sense(&r, 0x2, 0x05, 0x25, 0x00);
    /* The path is given up: any other command says so by its host byte too. */
    put_to(DISK, 3);
    put_to(DISK, 4)->cmnd[0] = 0x1b;
    kick();
    fake_sg.at[0].hdr.host_status = fake_sg.at[1].hdr.host_status = 15;
    end_all();
    r = take();
    expect_sense(&r, 0x2, 0x0b, 0x08, 0x00);
    r = take();
    expect_sense(&r, 0xf0002, 0x0b, 0x08, 0x00);
    fake_sg.write_error = ENODEV;
    put_to(DISK, 2);
    kick();
    r = take();
    expect_sense(&r, 0x2, 0x05, 0x25, 0x00);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

/*
 * BUS_BUSY, IMM_RETRY and REQUEUE: as a rule the command did not start. PERSISTENT RESERVE OUT, COMPARE AND WRITE and a
 * vendor's command must not run twice, so no initiator is invited to repeat them; a WRITE may.
 */
START_TEST(a_host_byte_for_again_invites_no_repetition_of_what_must_run_once)
{
    static const uint8_t hosts[] = { 2, 12, 13 }, once[] = { 0x5f, 0x89, 0xc1 };
    struct scsi_lun_facts *f = &svc->luns[DISK]->facts;
    struct vscsiif_response r;

    f->pr = SCSI_PR_DIRECT;
    f->feature_host = true;
    for (unsigned i = 0; i < 3; i++) {
        for (uint16_t rqid = 1; rqid <= 3; rqid++) {
            struct vscsiif_request *req = put_to(DISK, rqid);

            req->cmnd[0] = rqid == 2 ? 0x35 : once[i];
            req->cmd_len = once[i] == 0x89 && rqid != 2 ? 16 : 10;
        }
        kick();
        ck_assert_uint_eq(fake_sg.n, 3);
        ck_assert_uint_eq(fake_sg.at[0].cdb[0], once[i]);
        fake_sg.at[0].hdr.host_status = fake_sg.at[1].hdr.host_status = hosts[_i];
        fake_sg.at[2].hdr.status = 0x08; /* the device's own word: it has not run */
        end_all();
        r = take();
        ck_assert_uint_eq(r.rqid, 1);
        expect_sense(&r, 0x2, 0x0b, 0x08, 0x00);
        expect(2, 0x08);
        expect(3, 0x08);
    }
}
END_TEST

/* The device is asked for the whole list of pages; what it answers is cut to what the guest asked for. */
START_TEST(a_list_that_the_guest_cuts_short_is_fetched_whole)
{
    static const struct {
        uint8_t status;
        int resid;
        uint32_t residual;
        uint8_t given[5];
        const char page[8]; /* with its 0 */
    } cases[] = {
        { 0x00, 248, 507, { 0x00, 0x00, 0x00, 0x04, 0x00 }, "\x00\x00\x00\x03\x00\x80\x83" },
        { 0x00, 251, 507, { 0x00, 0x00, 0x00, 0x01, 0xb0 }, "\x00\x00\x00\x00" },
        { 0x08, 0, 512, { 0xa5, 0xa5, 0xa5, 0xa5, 0xa5 }, "" },
    };
    struct vscsiif_request *req = put_to(DISK, 1);
    struct vscsiif_response r;
    struct sg_io_hdr *hdr;

    req->cmd_len = 6;
    memcpy(req->cmnd, (uint8_t[]){ 0x12, 0x01, 0x00, 0x00, 0x05, 0x00 }, 6);
    req->sc_data_direction = SCSI_DIR_IN;
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 512 };
    memset(fake.page[20], 0xa5, 512);
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    hdr = &fake_sg.at[0].hdr;
    ck_assert_uint_eq(hdr->dxfer_len, 255);
    ck_assert_mem_eq(hdr->cmdp, ((uint8_t[]){ 0x12, 0x01, 0x00, 0x00, 0xff, 0x00 }), 6);
    hdr->status = cases[_i].status;
    hdr->resid = cases[_i].resid;
    memcpy(hdr->dxferp, cases[_i].page, 7);
    end_all();
    r = take();
    ck_assert_int_eq(r.rslt, cases[_i].status);
    ck_assert_uint_eq(r.residual_len, cases[_i].residual);
    ck_assert_mem_eq(fake.page[20], cases[_i].given, 5);
    ck_assert_uint_eq(fake.page[20][5], 0xa5);
}
END_TEST

static struct vscsiif_response answer_of(uint16_t target, uint16_t rqid)
{
    struct vscsiif_response r;

    put_to(target, rqid);
    kick();
    end_all();
    r = take();
    ck_assert_uint_eq(r.rqid, rqid);
    return r;
}

/* Deleted and found again: errors, one message, one unit attention, and then it works. */
START_TEST(a_deleted_device_comes_back)
{
    struct vscsiif_response r;

    if (_i == 0) {
        fake_sg_unplug();
        run();
        losses -= 1; /* the tape's */
        run();
    } else {
        fake_sg.write_error = _i == 1 ? ENODEV : ENXIO;
        r = answer_of(DISK, 1);
        expect_sense(&r, 0x2, 0x05, 0x25, 0x00);
        fake_sg.write_error = 0;
    }
    ck_assert_int_eq(losses, 1);
    for (uint16_t id = 2; id < 5; id++) {
        r = answer_of(DISK, id);
        expect_sense(&r, 0x2, 0x05, 0x25, 0x00);
    }
    ck_assert_int_eq(losses, 1);
    ck_assert_uint_eq(fake_sg.submitted, 0);
    ck_assert_uint_eq(fake_sg.n_fds, _i == 0 ? 0 : 1);
    ck_assert_int_eq(add_device(DISK, 0x00, LUN_RETURNED), 0);
    r = answer_of(DISK, 5);
    expect_sense(&r, 0x2, 0x06, 0x29, 0x00);
    r = answer_of(DISK, 6);
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(fake_sg.submitted, 1);
    ck_assert_uint_eq(stats.lun[DISK].commands, stats.lun[DISK].answered);
    fake_sg.write_error = ENODEV; /* a second time */
    answer_of(DISK, 7);
    ck_assert_int_eq(losses, 2);
}
END_TEST

/* Its descriptors stay good: it is asked again with each command, and its guest learns of no reset. */
START_TEST(an_offline_device_goes_on_as_soon_as_it_runs)
{
    struct vscsiif_response r;

    for (uint16_t id = 1; id < 4; id++) {
        put_to(DISK, id);
        kick();
        fake_sg.at[0].hdr.host_status = _i == 0 ? 1 : 4;
        end_all();
        r = take();
        expect_sense(&r, 0x2, 0x05, 0x25, 0x00);
        ck_assert_int_eq(losses, 1);
    }
    r = answer_of(DISK, 4);
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_int_eq(add_device(DISK, 0x00, LUN_RETURNED), 0);
    r = answer_of(DISK, 5);
    ck_assert_int_eq(r.rslt, 0);
}
END_TEST

START_TEST(a_worker_may_start_while_a_device_is_away)
{
    struct vscsiif_response r;

    put_to(DISK, 1);
    kick();
    end_service();
    fake_sg.n = 0;
    new_service();
    ck_assert_int_eq(add_device(TAPE, 0x01, LUN_HELD), 0);
    {
        struct worker_msg msg = { .type = WM_LUN_ADD, .lun_index = DISK };

        msg.u.lun.target = DISK;
        msg.u.lun.type = 0x1f;
        msg.u.lun.flags = LUN_HELD | LUN_AWAY;
        ck_assert_int_eq(hotplug_add(svc, &msg, fake_sg_node(), -1), -EINVAL);
        ck_assert_int_eq(hotplug_add(svc, &msg, -1, -1), 0);
    }
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, true), 0);
    hotplug_release(svc, DISK);
    run();
    r = take();
    ck_assert_uint_eq(r.rqid, 1);
    expect_sense(&r, 0x2, 0x0b, 0x08, 0x00);
    r = answer_of(DISK, 2);
    expect_sense(&r, 0x2, 0x05, 0x25, 0x00);
    ck_assert_int_eq(losses, 0); /* the control process knows */
    ck_assert_int_eq(add_device(DISK, 0x00, LUN_RETURNED), 0);
    r = answer_of(DISK, 3);
    expect_sense(&r, 0x2, 0x06, 0x29, 0x00);
    r = answer_of(DISK, 4);
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(svc->luns[DISK]->facts.type, 0);
}
END_TEST

START_TEST(what_waits_for_a_device_that_goes_is_answered)
{
    struct vscsiif_response r;

    hotplug_hold(svc, DISK);
    put_to(DISK, 1);
    kick();
    none();
    fake_sg_unplug();
    run();
    none(); /* held: a predecessor's command may still be under way */
    hotplug_release(svc, DISK);
    run();
    r = take();
    expect_sense(&r, 0x2, 0x05, 0x25, 0x00);
}
END_TEST

START_TEST(only_the_lun_that_is_there_gets_new_descriptors)
{
    ck_assert_int_eq(add_device(DISK + 1, 0x00, LUN_RETURNED), -ENOENT);
    ck_assert_int_eq(add_device(DISK, 0x00, 0), -EEXIST);
    svc->luns[DISK]->number = 1;
    ck_assert_int_eq(add_device(DISK, 0x00, LUN_RETURNED), -ENOENT);
    svc->luns[DISK]->number = 0;
    put_to(DISK, 1);
    kick();
    ck_assert(!hotplug_remove(svc, DISK));
    ck_assert_int_eq(add_device(DISK, 0x00, LUN_RETURNED), -ENOENT);
    end_all();
}
END_TEST

START_TEST(a_device_without_memory_delays_but_loses_and_reorders_nothing)
{
    /* One that is alone in the queue while it is tried again, then more behind it. */
    fake_sg.write_error = ENOMEM;
    put_to(TAPE, 1);
    kick();
    for (unsigned i = 0; i < 3; i++)
        wait_50_ms();
    put_to(TAPE, 2);
    put_to(TAPE, 3);
    kick();
    none();
    fake_sg.write_error = 0;
    for (unsigned i = 0; i < 3; i++)
        wait_50_ms();
    ck_assert_uint_eq(fake_sg.n, 3);
    end_all();
    expect(1, 0);
    expect(2, 0);
    expect(3, 0);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

START_TEST(a_device_that_stays_without_memory_is_busy_in_the_end)
{
    fake_sg.write_error = ENOMEM;
    put_to(DISK, 1);
    kick();
    ck_assert_uint_eq(svc->luns[DISK]->queue->retries, 0);
    for (unsigned i = 0; i < 500 && guest->rsp_prod == 0; i++) {
        if (svc->luns[DISK]->queue && svc->luns[DISK]->queue->retries == 2)
            svc->luns[DISK]->queue->retries = 190; /* not all of the two seconds */
        ck_assert_int_eq(loop_once(loop, 50), 0);
        service_round(svc);
    }
    expect(1, 0x08);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

START_TEST(a_guest_that_comes_and_goes_does_not_lock_a_slow_device)
{
    put_to(TAPE, 1);
    kick();
    service_disconnect(svc);
    connect_anew();
    service_disconnect(svc); /* while the first ring's command is still there */
    connect_anew();
    end_all();
    put_to(TAPE, 2);
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    expect(2, 0);
}
END_TEST

START_TEST(a_disconnect_lets_a_removed_lun_go_and_says_so)
{
    svc->luns[TAPE]->held = true;
    put_to(TAPE, 1)->act = VSCSIIF_ACT_SCSI_RESET;
    kick();
    none();
    ck_assert(!hotplug_remove(svc, TAPE)); /* the RESET waits for it */
    run();
    progresses = 0;
    service_disconnect(svc);
    ck_assert_int_ge(progresses, 1); /* no other event comes here */
    ck_assert(hotplug_reap(svc, TAPE));
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_slow_read_brings_its_data_and_what_was_left_over);
    tcase_add_loop_test(t, a_test_unit_ready_with_stale_segments_reaches_the_device, 0, 5);
    tcase_add_loop_test(t, a_command_without_data_is_sent_without_the_buffer_that_is_declared, 0, 7);
    tcase_add_loop_test(t, a_ring_that_is_fuller_than_a_ring_can_be_halts_at_once, 0, 5);
    tcase_add_test(t, a_full_worker_halts_such_a_ring_too);
    tcase_add_test(t, a_device_gets_as_many_commands_as_it_takes_and_the_rest_waits);
    tcase_add_test(t, a_full_host_that_refuses_a_command_is_not_asked_without_a_pause);
    tcase_add_test(t, a_new_ring_waits_for_what_the_old_one_left_at_the_device);
    tcase_add_test(t, what_a_gone_ring_left_at_a_sick_device_keeps_nobody_else);
    tcase_add_test(t, orphans_end_without_any_ring_too);
    tcase_add_test(t, what_a_guest_leaves_in_a_device_is_noted);
    tcase_add_test(t, what_is_left_outlives_the_worker_and_its_ring);
    tcase_add_test(t, a_removed_lun_stays_until_its_device_has_ended_all);
    tcase_add_test(t, a_device_that_is_gone_answers_for_itself);
    tcase_add_loop_test(t, a_host_byte_for_again_invites_no_repetition_of_what_must_run_once, 0, 3);
    tcase_add_loop_test(t, a_list_that_the_guest_cuts_short_is_fetched_whole, 0, 3);
    tcase_add_loop_test(t, a_deleted_device_comes_back, 0, 3);
    tcase_add_loop_test(t, an_offline_device_goes_on_as_soon_as_it_runs, 0, 2);
    tcase_add_test(t, a_worker_may_start_while_a_device_is_away);
    tcase_add_test(t, what_waits_for_a_device_that_goes_is_answered);
    tcase_add_test(t, only_the_lun_that_is_there_gets_new_descriptors);
    tcase_add_test(t, a_device_without_memory_delays_but_loses_and_reorders_nothing);
    tcase_add_test(t, a_device_that_stays_without_memory_is_busy_in_the_end);
    tcase_add_test(t, a_guest_that_comes_and_goes_does_not_lock_a_slow_device);
    tcase_add_test(t, a_disconnect_lets_a_removed_lun_go_and_says_so);
}

int main(void)
{
    return run_device_tests("service over devices", add_tests);
}
