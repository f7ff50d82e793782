// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole vhost in one process: the real service, LUNs, ring and emulated disk
 * over a hypervisor made of arrays. The test acts as the guest.
 */
#include "config.h"

#include "service-fixture.h"
#include "suite.h"

START_TEST(a_read_arrives_whole_through_any_split)
{
    /* pieces of one 8 KiB read from LBA 3, each in a page of its own */
    static const uint16_t splits[][6] = {
        { 4096, 4096 }, { 1, 4095, 4096 }, { 4095, 1, 1, 4095 }, { 513, 1023, 1, 4096, 2559 }, { 0, 4096, 0, 4096 },
    };
    struct vscsiif_request *req = put(1);
    struct vscsiif_response r;
    uint32_t at = 0;

    rw10(req, false, 3, 16);
    for (unsigned i = 0; i < 6; i++) {
        req->seg[i] = (struct scsiif_request_segment){ 10 + i, (uint16_t)(4096 - splits[_i][i]), splits[_i][i] };
        memset(fake.page[10 + i], 0xcc, 4096);
    }
    req->nr_segments = 6;
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(r.rqid, 1);
    ck_assert_uint_eq(r.residual_len, 0);
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 4096u - splits[_i][i]; k++)
            ck_assert_uint_eq(fake.page[10 + i][k], 0xcc);
        for (unsigned k = 4096u - splits[_i][i]; k < 4096; k++, at++)
            ck_assert_uint_eq(fake.page[10 + i][k], (uint8_t)((3 + at / 512) * 7 + at % 512));
    }
    ck_assert_uint_eq(at, 8192);
    ck_assert_uint_eq(stats.lun[0].read_bytes, 8192);
}
END_TEST

START_TEST(indirect_lists_move_the_same_data)
{
    struct vscsiif_request *req;
    struct scsiif_request_segment seg;
    struct vscsiif_response r;
    unsigned n = 100;

    for (int direction = 0; direction < 2; direction++) {
        bool write = direction == 0;

        req = put(2);
        rw10(req, write, 0, (uint16_t)(n * 8));
        /* 60 records in one list page at an odd offset, 40 in another */
        for (unsigned i = 0; i < n; i++) {
            seg = (struct scsiif_request_segment){ 20 + i, 0, 4096 };
            if (i < 60)
                memcpy(&fake.page[10][3 + i * 8], &seg, 8);
            else
                memcpy(&fake.page[11][4096 - 40 * 8 + (i - 60) * 8], &seg, 8);
            memset(fake.page[20 + i], write ? (int)(i + 1) : 0, 4096);
        }
        req->seg[0] = (struct scsiif_request_segment){ 10, 3, 60 * 8 };
        req->seg[1] = (struct scsiif_request_segment){ 11, 4096 - 40 * 8, 40 * 8 };
        req->nr_segments = 0x80 | 2;
        work();
        r = take();
        ck_assert_int_eq(r.rslt, 0);
        ck_assert_uint_eq(r.residual_len, 0);
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < 4096; k += 255)
            ck_assert_uint_eq(fake.page[20 + i][k], i + 1);
    ck_assert_uint_eq(stats.lun[0].write_bytes, n * 4096u);
}
END_TEST

START_TEST(a_bad_grant_fails_its_request_alone)
{
    /* which of five segments is bad; 5: in the list instead */
    struct vscsiif_response first, second, third;
    struct vscsiif_request *req;
    bool write = _i % 2 != 0;
    unsigned where = (unsigned)_i / 2;

    for (uint16_t id = 1; id <= 3; id++) {
        struct scsiif_request_segment seg;

        req = put(id);
        rw10(req, write, 8u * id, 5);
        for (unsigned i = 0; i < 5; i++) {
            seg = (struct scsiif_request_segment){ id == 2 && i == where ? 4000000u : 20 + id * 5u + i, 0, 512 };
            if (where == 5)
                memcpy(&fake.page[10 + id][i * 8], &seg, 8);
            else
                req->seg[i] = seg;
        }
        req->nr_segments = 5;
        if (where == 5) {
            req->seg[0] = (struct scsiif_request_segment){ id == 2 ? 4000000u : 10u + id, 0, 40 };
            req->nr_segments = 0x80 | 1;
        }
    }
    work();
    first = take();
    second = take();
    third = take();
    none();
    /* answers may come in any order; the bad one says so */
    struct vscsiif_response *all[] = { &first, &second, &third };
    for (unsigned i = 0; i < 3; i++) {
        if (all[i]->rqid == 2)
            expect_sense(all[i], 0x70002, 0x0b, 0x08, 0x00);
        else
            ck_assert_int_eq(all[i]->rslt, 0);
    }
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

START_TEST(a_copy_call_that_fails_is_repeated_command_by_command)
{
    struct vscsiif_request *req;
    struct vscsiif_response r;

    for (uint16_t id = 1; id <= 3; id++) {
        req = put(id);
        rw10(req, true, id, 1);
        req->seg[0] = (struct scsiif_request_segment){ 20, 0, 512 };
        req->nr_segments = 1;
    }
    fake.fail_copy_calls = 2; /* the batch, and the first of the singles */
    work();
    for (unsigned i = 0; i < 3; i++) {
        r = take();
        if (r.rqid == 1)
            expect_sense(&r, 0x70002, 0x0b, 0x08, 0x00);
        else
            ck_assert_int_eq(r.rslt, 0);
    }
    none();
}
END_TEST

START_TEST(malformed_requests_get_one_answer_each)
{
    struct vscsiif_request *req;
    struct vscsiif_response r;

    for (uint16_t id = 0; id < 16; id++) {
        req = put(id);
        if (id % 2)
            req->cmd_len = 17;
        else
            req->act = 4;
    }
    work();
    for (unsigned i = 0; i < 16; i++) {
        r = take();
        expect_sense(&r, 0x70002, 0x05, 0x24, 0x00);
    }
    none();
    ck_assert_uint_eq(stats.bad_requests, 16);
}
END_TEST

START_TEST(unknown_targets_and_absent_luns_differ)
{
    struct vscsiif_request *req;
    struct vscsiif_response r;

    req = put(1);
    req->id = 9;
    work();
    r = take();
    expect_sense(&r, 0x10002, 0x05, 0x25, 0x00);
    req = put(2);
    req->lun = 5;
    req->cmnd[0] = 0x12;
    req->cmnd[4] = 36;
    req->cmd_len = 6;
    req->sc_data_direction = SCSI_DIR_IN;
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 36 };
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(fake.page[20][0], 0x7f);
}
END_TEST

START_TEST(report_luns_names_the_guests_luns_and_no_others)
{
    static const uint8_t expected[] = { 0, 0, 0, 24, 0, 0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0,
                                        0, 4, 0, 0,  0, 0, 0, 0, 0x41, 0x2c, 0, 0, 0, 0, 0, 0 };
    struct vscsiif_request *req;
    struct vscsiif_response r;

    ck_assert_int_eq(add_lun(1, 0, 300, 0), 0);
    ck_assert_int_eq(add_lun(2, 0, 4, 0), 0);
    ck_assert_int_eq(add_lun(3, 1, 7, 0), 0); /* another target's */
    req = put(1);
    req->cmd_len = 12;
    req->cmnd[0] = 0xa0;
    req->cmnd[9] = 255;
    req->sc_data_direction = SCSI_DIR_IN;
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 255 };
    memset(fake.page[20], 0xcc, 4096);
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(r.residual_len, 255 - 32);
    ck_assert_mem_eq(fake.page[20], expected, 32);
    ck_assert_uint_eq(fake.page[20][32], 0xcc);
}
END_TEST

/* A command with n bytes of data-in at the start of page 20. */
static struct vscsiif_response data_in(uint16_t target, const uint8_t *cdb, uint8_t cdb_len, uint16_t n)
{
    struct vscsiif_request *req = put(1);

    req->id = target;
    memcpy(req->cmnd, cdb, cdb_len);
    req->cmd_len = cdb_len;
    req->sc_data_direction = SCSI_DIR_IN;
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, n };
    memset(fake.page[20], 0xcc, 4096);
    work();
    return take();
}

/* It takes 32768 blocks at once; 120 pages are 960 = 3c0h of its blocks, or 120 of the largest there are. */
START_TEST(an_emulated_disk_promises_no_more_than_the_ring_can_carry)
{
    static const uint8_t b0[6] = { 0x12, 0x01, 0xb0, 0, 64, 0 }, capacity[10] = { 0x25 };
    static const uint8_t before[4] = { 0, 0, 0, 0x78 }, after[4] = { 0, 0, 0x03, 0xc0 };
    struct vscsiif_response r = data_in(0, b0, 6, 64);

    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(r.residual_len, 0);
    ck_assert_mem_eq(fake.page[20] + 8, before, 4);
    ck_assert_int_eq(data_in(0, capacity, 10, 8).rslt, 0);
    ck_assert_int_eq(data_in(0, b0, 6, 64).rslt, 0);
    ck_assert_mem_eq(fake.page[20] + 8, after, 4);
    ck_assert_uint_eq(fake.page[20][64], 0xcc);
}
END_TEST

/* What a page says of its length is right even if the guest asks for no more than that. */
START_TEST(a_page_cut_short_names_its_whole_length)
{
    static const struct {
        uint8_t page, alloc, len, bytes[8];
    } cases[] = {
        { 0x00, 4, 4, { 0x00, 0x00, 0x00, 0x04 } },
        { 0x00, 7, 7, { 0x00, 0x00, 0x00, 0x04, 0x00, 0x80, 0x83 } },
        { 0x00, 3, 3, { 0x00, 0x00, 0x00 } },
        { 0xb0, 4, 4, { 0x00, 0xb0, 0x00, 0x3c } },
        { 0xb0, 0, 0, { 0 } },
    };
    struct vscsiif_request *req = put(1);
    struct vscsiif_response r;

    req->cmd_len = 6;
    memcpy(req->cmnd, (uint8_t[]){ 0x12, 0x01, cases[_i].page, 0, cases[_i].alloc, 0 }, 6);
    req->sc_data_direction = SCSI_DIR_IN;
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 512 };
    memset(fake.page[20], 0xa5, 512);
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(r.residual_len, 512u - cases[_i].len);
    ck_assert_mem_eq(fake.page[20], cases[_i].bytes, cases[_i].len);
    ck_assert_uint_eq(fake.page[20][cases[_i].len], 0xa5);
}
END_TEST

START_TEST(a_readonly_lun_is_read_and_nothing_else)
{
    static const uint8_t mode_sense[6] = { 0x1a, 0, 0x3f, 0, 4 }, read[10] = { 0x28, 0, 0, 0, 0, 5, 0, 0, 1 };
    struct vscsiif_request *req;
    struct vscsiif_response r;

    ck_assert_int_eq(add_lun(1, 3, 0, LUN_READONLY | LUN_FEATURE_HOST), 0);
    req = put(1);
    req->id = 3;
    rw10(req, true, 5, 1);
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 512 };
    work();
    r = take();
    expect_sense(&r, 0x2, 0x07, 0x27, 0x00);
    ck_assert_uint_eq(r.residual_len, 512);
    req = put(2);
    req->id = 3;
    req->cmd_len = 6;
    req->cmnd[0] = 0x1b; /* START STOP UNIT */
    work();
    r = take();
    expect_sense(&r, 0x2, 0x05, 0x20, 0x00);
    ck_assert_int_eq(data_in(3, mode_sense, 6, 4).rslt, 0);
    ck_assert_uint_eq(fake.page[20][2] & 0x80, 0x80);
    ck_assert_int_eq(data_in(0, mode_sense, 6, 4).rslt, 0);
    ck_assert_uint_eq(fake.page[20][2] & 0x80, 0);
    ck_assert_int_eq(data_in(3, read, 10, 512).rslt, 0);
    for (unsigned k = 0; k < 512; k++)
        ck_assert_uint_eq(fake.page[20][k], (uint8_t)(5 * 7 + k));
}
END_TEST

START_TEST(a_lun_that_was_attached_says_so_once)
{
    struct vscsiif_response r;

    ck_assert_int_eq(add_lun(1, 3, 0, LUN_ATTACHED), 0);
    put(1)->id = 3;
    work();
    r = take();
    expect_sense(&r, 0x2, 0x06, 0x29, 0x00);
    put(2)->id = 3;
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
}
END_TEST

START_TEST(abort_of_nothing_succeeds_and_of_a_queued_command_ends_it_first)
{
    struct vscsiif_request *req;
    struct vscsiif_response r;

    req = put(1);
    req->act = VSCSIIF_ACT_SCSI_ABORT;
    req->ref_rqid = 77;
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0x2002);

    svc->luns[0]->held = true;
    put(2);
    work();
    none();
    req = put(3);
    req->act = VSCSIIF_ACT_SCSI_ABORT;
    req->ref_rqid = 2;
    req->lun = 1; /* not its address */
    work();
    r = take();
    ck_assert_uint_eq(r.rqid, 3);
    ck_assert_int_eq(r.rslt, 0x2002);
    none();
    req = put(4);
    req->act = VSCSIIF_ACT_SCSI_ABORT;
    req->ref_rqid = 2;
    work();
    r = take();
    ck_assert_uint_eq(r.rqid, 2);
    ck_assert_int_eq(r.rslt, 0x50040);
    r = take();
    ck_assert_uint_eq(r.rqid, 4);
    ck_assert_int_eq(r.rslt, 0x2002);
    none();
}
END_TEST

START_TEST(reset_ends_what_is_queued_and_leaves_a_unit_attention)
{
    struct vscsiif_response r;

    svc->luns[0]->held = true;
    put(1);
    put(2);
    work();
    put(3)->act = VSCSIIF_ACT_SCSI_RESET;
    work();
    r = take();
    ck_assert_uint_eq(r.rqid, 1);
    ck_assert_int_eq(r.rslt, 0x80040);
    r = take();
    ck_assert_uint_eq(r.rqid, 2);
    none(); /* held: the device may still be busy for a predecessor */
    hotplug_release(svc, 0);
    work();
    r = take();
    ck_assert_uint_eq(r.rqid, 3);
    ck_assert_int_eq(r.rslt, 0x2002);
    put(4);
    work();
    r = take();
    expect_sense(&r, 0x2, 0x06, 0x29, 0x00);
    put(5);
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
}
END_TEST

START_TEST(a_successor_ends_orphans_once_the_device_is_idle)
{
    struct vscsiif_request *req;
    struct vscsiif_response r;

    svc->luns[0]->held = true; /* as if the device had them */
    for (uint16_t id = 1; id <= 3; id++)
        put(id);
    req = put(4);
    req->act = VSCSIIF_ACT_SCSI_RESET;
    work();
    /* The RESET ended all three and is the only one that waits. Put three more behind it. */
    for (unsigned i = 0; i < 3; i++)
        take();
    for (uint16_t id = 5; id <= 7; id++)
        put(id);
    work();
    none();
    end_service(); /* ring and journal stay as after a kill -9 */
    new_service();
    ck_assert_int_eq(add_lun(0, 0, 0, LUN_HELD), 0);
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, true), 0);
    ck_assert_uint_eq(stats.restarts, 1);
    ck_assert_uint_ge(fake.notifies, 1);
    put(8);
    work();
    none();
    hotplug_release(svc, 0);
    work();
    for (uint16_t id = 5; id <= 7; id++) {
        r = take();
        ck_assert_uint_eq(r.rqid, id);
        ck_assert_int_eq(r.rslt, 0x08); /* BUSY: a disk's initiator repeats it */
    }
    r = take();
    ck_assert_uint_eq(r.rqid, 8);
    ck_assert_int_eq(r.rslt, 0);
    r = take();
    ck_assert_uint_eq(r.rqid, 4); /* the RESET goes on where its worker died, and has its success */
    ck_assert_int_eq(r.rslt, 0x2002);
    none();
}
END_TEST

/*
 * The device may still have what a dead worker took: neither that nor its ABORT ends before the device is known to be
 * idle.
 */
START_TEST(removing_a_held_lun_does_not_end_the_abort_of_what_a_device_may_have)
{
    struct vscsiif_request *req;
    struct vscsiif_response r;

    svc->luns[0]->held = true; /* as if the device had it */
    put(1);
    work();
    none();
    end_service();
    journal.at_device = 1;
    new_service();
    ck_assert_int_eq(add_lun(0, 0, 0, LUN_HELD), 0);
    ck_assert_int_eq(add_lun(1, 1, 0, LUN_HELD), 0);
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, true), 0);
    req = put(2);
    req->act = VSCSIIF_ACT_SCSI_ABORT;
    req->ref_rqid = 1;
    put(3);
    put(4)->act = VSCSIIF_ACT_SCSI_RESET;
    work();
    r = take(); /* the RESET ends what waits for the device */
    ck_assert_uint_eq(r.rqid, 3);
    ck_assert_int_eq(r.rslt, 0x80040);
    none();
    put(5)->cmnd[0] = 0x1b;
    work();
    ck_assert(!hotplug_remove(svc, 0));
    work();
    r = take();
    ck_assert_uint_eq(r.rqid, 5);
    expect_sense(&r, 0x10002, 0x05, 0x25, 0x00);
    none();
    hotplug_release(svc, 1);
    work();
    ck_assert_uint_eq(journal.at_device, 1);
    ck_assert(!hotplug_reap(svc, 0));
    hotplug_release(svc, 0);
    work();
    r = take();
    ck_assert_uint_eq(r.rqid, 1);
    ck_assert_int_eq(r.rslt, 0x08);
    r = take();
    ck_assert_uint_eq(r.rqid, 2);
    ck_assert_int_eq(r.rslt, 0x2002);
    r = take();
    ck_assert_uint_eq(r.rqid, 4);
    ck_assert_int_eq(r.rslt, 0x2002);
    none();
    ck_assert_uint_eq(journal.at_device, 0);
    ck_assert(hotplug_reap(svc, 0));
}
END_TEST

START_TEST(an_impossible_index_halts_and_a_new_connection_mends_it)
{
    struct vscsiif_response r;

    put(1);
    guest->req_prod += 40;
    work();
    none();
    ck_assert_int_eq(halts, 1);
    work();
    ck_assert_int_eq(halts, 1);
    service_disconnect(svc);
    ck_assert(!fake.mapped);
    memset(fake.page[RING_REF], 0, 4096);
    guest->req_event = guest->rsp_event = 1;
    guest_rsp_cons = 0;
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, false), 0);
    put(2);
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
}
END_TEST

START_TEST(a_disconnect_forgets_what_was_queued)
{
    svc->luns[0]->held = true;
    for (uint16_t id = 1; id <= 16; id++)
        put(id);
    work();
    ck_assert_uint_eq(svc->n_busy, 16);
    service_disconnect(svc);
    ck_assert_uint_eq(svc->n_busy, 0);
    ck_assert_uint_eq(journal.connected, 0);
}
END_TEST

START_TEST(removing_a_lun_answers_what_waits_for_it)
{
    struct vscsiif_response r;

    svc->luns[0]->held = true;
    put(1);
    work();
    ck_assert(!hotplug_remove(svc, 0));
    work();
    r = take();
    expect_sense(&r, 0x2, 0x05, 0x25, 0x00);
    ck_assert(hotplug_reap(svc, 0));
    ck_assert_ptr_null(svc->luns[0]);
    put(2);
    work();
    r = take();
    expect_sense(&r, 0x10002, 0x05, 0x25, 0x00);
    ck_assert_int_eq(add_lun(0, 0, 0, 0), 0);
    put(3);
    work();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
}
END_TEST

START_TEST(two_luns_cannot_have_one_address_or_one_slot)
{
    ck_assert_int_eq(add_lun(1, 0, 0, 0), -EEXIST);
    ck_assert_int_eq(add_lun(0, 5, 0, 0), -EEXIST);
    ck_assert_int_eq(add_lun(PVSCSI_STATS_LUNS, 5, 0, 0), -EINVAL);
}
END_TEST

START_TEST(events_without_requests_are_heard_ever_less)
{
    uint64_t begin = now_us(), took;
    unsigned heard = 0, waits = 0;

    for (unsigned i = 0; i < 1000; i++) {
        uint64_t until = now_us() + 200;

        fake.pending = true;
        svc->events.ready(&svc->events, EPOLLIN);
        service_round(svc);
        heard = fake.unmasks;
        while (now_us() < until)
            ck_assert_int_eq(loop_once(loop, 0), 0);
    }
    took = now_us() - begin;
    /* 16 for free, then pauses of 2, 4, 8, ... ms, at most 1 s: 6 of them in the 200 ms that this takes at least. */
    for (uint64_t pause = 2000, all = pause; all <= took; all += pause) {
        waits++;
        pause = pause < 500000 ? pause * 2 : 1000000;
    }
    ck_assert_uint_ge(heard, 16);
    ck_assert_uint_le(heard, 17 + waits);
}
END_TEST

START_TEST(halting_again_and_again_does_not_fill_the_log)
{
    for (unsigned i = 0; i < 30; i++) {
        guest->req_prod += 40;
        work();
        ck_assert_int_eq(halts, (int)i + 1);
        service_disconnect(svc);
        memset(fake.page[RING_REF], 0, 4096);
        ck_assert_int_eq(service_connect(svc, RING_REF, 9, false), 0);
    }
    ck_assert_uint_ge(svc->bad_limit.dropped, 15);
}
END_TEST

static void add_tests(Suite *s, const char *name, SFun begin)
{
    TCase *t = tcase_create(name);

    tcase_add_checked_fixture(t, begin, teardown);
    tcase_add_loop_test(t, a_read_arrives_whole_through_any_split, 0, 5);
    tcase_add_test(t, indirect_lists_move_the_same_data);
    tcase_add_loop_test(t, a_bad_grant_fails_its_request_alone, 0, 12);
    tcase_add_test(t, a_copy_call_that_fails_is_repeated_command_by_command);
    tcase_add_test(t, malformed_requests_get_one_answer_each);
    tcase_add_test(t, unknown_targets_and_absent_luns_differ);
    tcase_add_test(t, report_luns_names_the_guests_luns_and_no_others);
    tcase_add_test(t, an_emulated_disk_promises_no_more_than_the_ring_can_carry);
    tcase_add_loop_test(t, a_page_cut_short_names_its_whole_length, 0, 5);
    tcase_add_test(t, a_readonly_lun_is_read_and_nothing_else);
    tcase_add_test(t, a_lun_that_was_attached_says_so_once);
    tcase_add_test(t, abort_of_nothing_succeeds_and_of_a_queued_command_ends_it_first);
    tcase_add_test(t, reset_ends_what_is_queued_and_leaves_a_unit_attention);
    tcase_add_test(t, a_successor_ends_orphans_once_the_device_is_idle);
    tcase_add_test(t, an_impossible_index_halts_and_a_new_connection_mends_it);
    tcase_add_test(t, a_disconnect_forgets_what_was_queued);
    tcase_add_test(t, removing_a_lun_answers_what_waits_for_it);
    tcase_add_test(t, removing_a_held_lun_does_not_end_the_abort_of_what_a_device_may_have);
    tcase_add_test(t, two_luns_cannot_have_one_address_or_one_slot);
    tcase_add_test(t, events_without_requests_are_heard_ever_less);
    tcase_add_test(t, halting_again_and_again_does_not_fill_the_log);
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("service");

    add_tests(s, "granted buffers", setup);
    add_tests(s, "plain buffers", setup_plain);
    return run_suite(s);
}
