// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service over devices that are slow, refuse, disappear or never answer. The real sg code works on nodes that the
 * test itself emulates (fake-sg.h). What happens to commands whose ring, LUN or worker goes away while they are at a device.
 * Long because each way to lose something is a history of its own.
 */
#include "config.h"

#include <stdio.h>
#include <sys/un.h>

#include "fake-sg.h"
#include "service-fixture.h"

/* Time passes when a test says so. */
static uint64_t later_us;
uint64_t __real_now_us(void);
uint64_t __wrap_now_us(void);

uint64_t __wrap_now_us(void)
{
    return __real_now_us() + later_us;
}

#define TAPE 1 /* its lun_slot, and its target */
#define DISK 2

static struct worker_msg lun_message(uint32_t slot, uint8_t type, uint32_t flags)
{
    struct worker_msg msg = { .type = WM_LUN_ADD, .lun_slot = slot };

    msg.u.lun.target = (uint16_t)slot;
    msg.u.lun.type = type;
    msg.u.lun.backing = LUN_BACKING_SG;
    msg.u.lun.flags = flags;
    msg.u.lun.max_transfer = 127 * 4096;
    msg.u.lun.pr_mode = PR_DENY;
    return msg;
}

static int add_message(const struct worker_msg *msg)
{
    return hotplug_add(svc, msg, eventfd(0, EFD_CLOEXEC), -1);
}

static int add_device(uint32_t slot, uint8_t type, uint32_t flags)
{
    struct worker_msg msg = lun_message(slot, type, flags);

    return add_message(&msg);
}

/* Depth of the LUN; number of its SCSI host and commands that this host takes. */
static void add_narrow_device(uint32_t slot, uint32_t depth, uint32_t host, uint32_t can_queue)
{
    struct worker_msg msg = lun_message(slot, 0x00, 0);

    msg.u.lun.queue_depth = depth;
    msg.u.lun.host = host;
    msg.u.lun.can_queue = can_queue;
    ck_assert_int_eq(add_message(&msg), 0);
}

static void add_devices(uint32_t flags)
{
    ck_assert_int_eq(add_device(TAPE, 0x01, flags), 0);
    ck_assert_int_eq(add_device(DISK, 0x00, flags), 0);
}

static void setup_devices(void)
{
    memset(&fake_sg, 0, sizeof(fake_sg));
    later_us = 0;
    setup();
    add_devices(0);
}

static void teardown_devices(void)
{
    teardown();
    ck_assert_uint_eq(fake_sg.n_fds, 0);
}

static struct vscsiif_request *put_to(uint16_t target, uint16_t rqid)
{
    struct vscsiif_request *req = put(rqid);

    req->id = target;
    return req;
}

static struct vscsiif_request *put_abort(uint16_t target, uint16_t rqid, uint16_t of)
{
    struct vscsiif_request *req = put_to(target, rqid);

    req->act = VSCSIIF_ACT_SCSI_ABORT;
    req->ref_rqid = of;
    return req;
}

static void put_reset(uint16_t target, uint16_t rqid)
{
    put_to(target, rqid)->act = VSCSIIF_ACT_SCSI_RESET;
}

/* One turn of the loop and what follows it. */
static void run(void)
{
    ck_assert_int_eq(loop_once(loop, 0), 0);
    service_round(svc);
}

/* The guest's requests are seen, and all that follows. */
static void kick(void)
{
    svc->work = true;
    run();
}

/* Ends everything that is at the devices, oldest first. */
static void end_all(void)
{
    while (fake_sg.n > 0)
        fake_sg_end(0);
    run();
}

static void expect(uint16_t rqid, int32_t rslt)
{
    struct vscsiif_response r = take();

    ck_assert_uint_eq(r.rqid, rqid);
    ck_assert_int_eq(r.rslt, rslt);
}

static void pass(uint64_t seconds)
{
    later_us += seconds * 1000000;
    kick();
}

/* What sg was told of the i-th command at a device, and what the host's error handling may add: whole seconds. */
static uint64_t patience(unsigned i)
{
    ck_assert_uint_lt(i, fake_sg.n);
    return fake_sg.at[i].hdr.timeout / 1000 + 120;
}

static void connect_anew(void)
{
    memset(fake.page[RING_REF], 0, 4096);
    guest->req_event = guest->rsp_event = 1;
    guest_rsp_cons = 0;
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, false), 0);
}

/* kill -9: nothing is closed in order, and the devices continue. */
static void successor(uint32_t flags)
{
    end_service();
    fake_sg.n = 0;
    new_service();
    add_devices(flags);
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, true), 0);
}

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

/* Sixteen wait at a slow device, and req_prod goes on: nobody would take what it promises, nor rest before. */
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

/* A drive behind a small limit: 120 KiB in one command. Blocks of 2048 bytes in pages 20, 21... by a list in page 10. */
static void put_large(uint16_t rqid, bool write, uint32_t lba, uint16_t blocks)
{
    struct vscsiif_request *req = put_to(5, rqid);

    rw10(req, write, lba, blocks);
    req->timeout_per_command = 60;
    for (unsigned i = 0; i < blocks / 2u; i++)
        ((struct scsiif_request_segment *)fake.page[10])[i] = (struct scsiif_request_segment){ 20 + i, 0, 4096 };
    req->nr_segments = 0x81;
    req->seg[0] = (struct scsiif_request_segment){ 10, 0, (uint16_t)(8 * (blocks / 2u)) };
}

static void add_small_drive(uint8_t type)
{
    struct worker_msg msg = lun_message(5, type, 0);

    msg.u.lun.max_transfer = 120 * 1024;
    ck_assert_int_eq(add_message(&msg), 0);
}

static void expect_piece(uint8_t opcode, uint8_t lba, uint8_t blocks)
{
    const uint8_t cdb[10] = { opcode, 0, 0, 0, 0, lba, 0, 0, blocks, 0 };

    ck_assert_uint_eq(fake_sg.n, 1);
    ck_assert_mem_eq(fake_sg.at[0].cdb, cdb, 10);
    ck_assert_uint_eq(fake_sg.at[0].hdr.cmd_len, 10);
    ck_assert_uint_eq(fake_sg.at[0].hdr.dxfer_len, blocks * 2048u);
}

START_TEST(a_read_of_more_than_the_drive_takes_arrives_whole_in_pieces)
{
    struct vscsiif_response r;

    add_small_drive(0x05);
    put_large(1, false, 4, 124);
    kick();
    expect_piece(0x28, 4, 60);
    memset(fake_sg.at[0].hdr.dxferp, 0xa1, 60 * 2048);
    fake_sg_end(0);
    run();
    run();
    none();
    expect_piece(0x28, 64, 60);
    memset(fake_sg.at[0].hdr.dxferp, 0xa2, 60 * 2048);
    fake_sg_end(0);
    run();
    run();
    expect_piece(0x28, 124, 4);
    memset(fake_sg.at[0].hdr.dxferp, 0xa3, 4 * 2048);
    fake_sg_end(0);
    run();
    run();
    r = take();
    ck_assert_uint_eq(r.rqid, 1);
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(r.residual_len, 0);
    for (unsigned i = 0; i < 62; i++)
        for (unsigned k = 0; k < 4096; k += 4095)
            ck_assert_uint_eq(fake.page[20 + i][k], i < 30 ? 0xa1 : i < 60 ? 0xa2 : 0xa3);
    ck_assert_uint_eq(stats.lun[5].read_bytes, 124 * 2048);
}
END_TEST

START_TEST(a_write_of_more_than_the_disk_takes_is_written_whole_in_pieces)
{
    struct vscsiif_response r;

    add_small_drive(0x00);
    put_large(1, true, 0, 64);
    for (unsigned i = 0; i < 32; i++)
        memset(fake.page[20 + i], (int)(i + 1), 4096);
    kick();
    expect_piece(0x2a, 0, 60);
    for (unsigned i = 0; i < 30; i++)
        ck_assert_uint_eq(((uint8_t *)fake_sg.at[0].hdr.dxferp)[i * 4096 + 4095], i + 1);
    fake_sg_end(0);
    run();
    run();
    expect_piece(0x2a, 60, 4);
    ck_assert_uint_eq(*(uint8_t *)fake_sg.at[0].hdr.dxferp, 31);
    ck_assert_uint_eq(journal.at_device, 1);
    end_all();
    r = take();
    ck_assert_int_eq(r.rslt, 0);
    ck_assert_uint_eq(r.residual_len, 0);
    ck_assert_uint_eq(stats.lun[5].write_bytes, 64 * 2048);
    ck_assert_uint_eq(stats.lun[5].commands, 1);
    ck_assert_uint_eq(stats.lun[5].answered, 1);
}
END_TEST

/* Block 62 = 3Eh cannot be read: what came before it is the guest's, and the sense names the block. */
START_TEST(a_piece_that_fails_ends_the_command_with_its_sense_and_the_exact_residual)
{
    static const uint8_t sense[18] = { 0xf0, 0, 0x03, 0, 0, 0, 0x3e, 10, 0, 0, 0, 0, 0x11, 0 };
    struct vscsiif_response r;

    add_small_drive(0x00);
    put_large(1, false, 0, 128);
    memset(fake.page[20 + 30], 0xcc, 4096);
    kick();
    expect_piece(0x28, 0, 60);
    memset(fake_sg.at[0].hdr.dxferp, 0xa1, 60 * 2048);
    fake_sg_end(0);
    run();
    run();
    expect_piece(0x28, 60, 60);
    memcpy(fake_sg.at[0].hdr.sbp, sense, sizeof(sense));
    fake_sg.at[0].hdr.sb_len_wr = sizeof(sense);
    fake_sg.at[0].hdr.status = 0x02;
    fake_sg.at[0].hdr.resid = 58 * 2048;
    end_all();
    run();
    r = take();
    ck_assert_int_eq(r.rslt, 0x2);
    ck_assert_uint_eq(r.sense_len, 18);
    ck_assert_mem_eq(r.sense_buffer, sense, 18);
    ck_assert_uint_eq(r.residual_len, 68 * 2048);
    ck_assert_uint_eq(fake.page[20 + 29][4095], 0xa1);
    ck_assert_uint_eq(fake.page[20 + 30][0], 0xcc);
    ck_assert_uint_eq(fake_sg.n, 0); /* nothing after it was tried */
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

START_TEST(pieces_share_the_time_of_their_command)
{
    unsigned first;

    add_small_drive(0x00);
    put_large(1, false, 0, 128);
    kick();
    first = fake_sg.at[0].hdr.timeout;
    later_us += 7000000;
    fake_sg_end(0);
    run();
    run();
    ck_assert_uint_le(fake_sg.at[0].hdr.timeout, first - 7000);
    ck_assert_uint_ge(fake_sg.at[0].hdr.timeout, first - 9000);
    later_us += 3600000000u;
    fake_sg_end(0);
    run();
    run();
    ck_assert_uint_eq(fake_sg.at[0].hdr.timeout, 1000);
    end_all();
    expect(1, 0);
}
END_TEST

/* Between two pieces nothing is at the device: ABORT and RESET end the command there, and never wait for the rest. */
START_TEST(an_abort_or_reset_ends_a_command_after_its_piece)
{
    add_small_drive(0x00);
    put_large(1, true, 0, 128);
    kick();
    if (_i == 0)
        put_abort(5, 2, 1);
    else
        put_reset(5, 2);
    kick();
    none();
    fake_sg_end(0);
    run();
    run();
    expect(1, _i == 0 ? 0x50040 : 0x80040);
    expect(2, 0x2002);
    none();
    ck_assert_uint_eq(fake_sg.submitted, 1);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

START_TEST(a_command_in_pieces_whose_ring_goes_writes_nothing_more)
{
    add_small_drive(0x00);
    put_large(1, true, 0, 128);
    kick();
    service_disconnect(svc);
    connect_anew();
    end_all();
    run();
    ck_assert_uint_eq(fake_sg.n, 0);
    ck_assert_uint_eq(fake_sg.submitted, 1);
    ck_assert_uint_eq(svc->n_busy, 0);
    none();
}
END_TEST

START_TEST(what_cannot_be_cut_is_refused_when_it_is_too_large)
{
    struct vscsiif_response r;

    add_small_drive(_i == 0 ? 0x01 : 0x00);
    put_large(1, false, 0, 128);
    if (_i == 1)
        vscsiif_slot(guest, guest->req_prod - 1)->req.cmnd[1] = 0x20; /* RDPROTECT */
    kick();
    r = take();
    expect_sense(&r, 0x2, 0x05, 0x24, 0x00);
    ck_assert_uint_eq(r.residual_len, 128 * 2048);
    ck_assert_uint_eq(fake_sg.submitted, 0);
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
        ck_assert_int_eq(loop_once(loop, 50), 0);
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    expect(1, 0);
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
    add_narrow_device(6, 0, 3, 2);
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
    deadline = now_us() + fake_sg.at[0].hdr.timeout * UINT64_C(1000);
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
    none(); /* no reset is to be had; the device itself still may answer */
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

START_TEST(a_device_that_is_gone_answers_for_itself)
{
    struct vscsiif_response r;

    put_to(DISK, 1);
    kick();
    fake_sg.at[0].hdr.host_status = 1; /* DID_NO_CONNECT */
    end_all();
    r = take();
    expect_sense(&r, 0x10002, 0x05, 0x25, 0x00);
    fake_sg.write_error = ENODEV;
    put_to(DISK, 2);
    kick();
    r = take();
    expect_sense(&r, 0x10002, 0x05, 0x25, 0x00);
    ck_assert_uint_eq(svc->n_busy, 0);
}
END_TEST

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

START_TEST(a_device_without_memory_delays_but_loses_and_reorders_nothing)
{
    /* One that is alone in the queue while it is tried again, then more behind it. */
    fake_sg.write_error = ENOMEM;
    put_to(TAPE, 1);
    kick();
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(loop_once(loop, 50), 0);
    put_to(TAPE, 2);
    put_to(TAPE, 3);
    kick();
    none();
    fake_sg.write_error = 0;
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(loop_once(loop, 50), 0);
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
    expect(4, 0x2003);
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

START_TEST(counters_belong_to_an_address_not_to_a_slot)
{
    /* what a worker that died left: of the same LUN, of another one, of one that had been removed */
    static const struct {
        uint64_t used, vdev;
        bool kept;
    } cases[] = {
        { 1, (uint64_t)5 << 16, true },
        { 1, (uint64_t)4 << 16, false },
        { 0, (uint64_t)5 << 16, false },
    };
    struct pvscsi_lun_stats *s = &stats.lun[5];

    *s = (struct pvscsi_lun_stats){
        .used = cases[_i].used, .vdev = cases[_i].vdev, .commands = 9, .answered = 8, .errors = 3, .read_bytes = 4096
    };
    s->latency[3] = 8;
    ck_assert_int_eq(add_device(5, 0x00, 0), 0);
    ck_assert_uint_eq(s->used, 1);
    ck_assert_uint_eq(s->vdev, (uint64_t)5 << 16);
    ck_assert_uint_eq(s->answered, cases[_i].kept ? 8 : 0);
    ck_assert_uint_eq(s->commands, s->answered);
    ck_assert_uint_eq(s->errors, cases[_i].kept ? 3 : 0);
    ck_assert_uint_eq(s->latency[3], cases[_i].kept ? 8 : 0);
}
END_TEST

/* What sg says of a command, and as what it counts. */
START_TEST(each_end_of_a_command_counts_as_what_it_is)
{
    static const struct {
        uint8_t opcode, status, sense[4]; /* byte 2, key with file mark, EOM, ILI; ASC; ASCQ; 1: there is sense */
        uint16_t host;
        uint32_t target;
        enum scsi_kind kind;
        unsigned errors;
    } cases[] = {
        { 0x00, 0x00, { 0 }, 0, DISK, SCSI_KIND_GOOD, 0 },
        { 0x34, 0x04, { 0 }, 0, DISK, SCSI_KIND_CONDITION_MET, 0 },
        { 0x00, 0x02, { 0x80, 0x00, 0x01, 1 }, 0, TAPE, SCSI_KIND_MARK, 0 },
        { 0x00, 0x02, { 0x20, 0x00, 0x00, 1 }, 0, TAPE, SCSI_KIND_MARK, 0 },
        { 0x00, 0x02, { 0x01, 0x17, 0x01, 1 }, 0, DISK, SCSI_KIND_RECOVERED, 0 },
        { 0x00, 0x02, { 0x03, 0x11, 0x00, 1 }, 0, DISK, SCSI_KIND_MEDIUM_ERROR, 1 },
        { 0x00, 0x02, { 0x02, 0x3a, 0x00, 1 }, 0, DISK, SCSI_KIND_NOT_READY, 1 },
        { 0x00, 0x02, { 0x05, 0x24, 0x00, 1 }, 0, DISK, SCSI_KIND_ILLEGAL_REQUEST, 1 },
        { 0x00, 0x08, { 0 }, 0, DISK, SCSI_KIND_BUSY, 1 },
        { 0x00, 0x18, { 0 }, 0, DISK, SCSI_KIND_CONFLICT, 1 },
        { 0x00, 0x00, { 0 }, 3, DISK, SCSI_KIND_TIME_OUT, 1 },
        { 0x00, 0x00, { 0 }, 7, DISK, SCSI_KIND_HOST, 1 },
    };
    const struct pvscsi_lun_stats *s = &stats.lun[cases[_i].target];
    struct vscsiif_request *req = put_to((uint16_t)cases[_i].target, 1);

    req->cmnd[0] = cases[_i].opcode;
    req->cmnd[8] = cases[_i].opcode ? 1 : 0;
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    fake_sg.at[0].hdr.status = cases[_i].status;
    fake_sg.at[0].hdr.host_status = cases[_i].host;
    if (cases[_i].sense[3]) {
        uint8_t *sense = fake_sg.at[0].hdr.sbp;

        memset(sense, 0, 18);
        sense[0] = 0x70;
        sense[2] = cases[_i].sense[0];
        sense[7] = 10;
        sense[12] = cases[_i].sense[1];
        sense[13] = cases[_i].sense[2];
        fake_sg.at[0].hdr.sb_len_wr = 18;
    }
    end_all();
    take();
    for (unsigned k = 0; k < PVSCSI_STATS_KINDS; k++)
        ck_assert_uint_eq(s->kinds[k], k == cases[_i].kind);
    ck_assert_uint_eq(s->errors, cases[_i].errors);
    ck_assert_uint_eq(s->reads + s->writes, 0);
    ck_assert_uint_eq(s->submitted, 1);
}
END_TEST

START_TEST(what_never_reaches_the_device_counts_as_refused)
{
    struct vscsiif_request *req = put_to(DISK, 1);

    req->cmd_len = 6; /* too short for its group */
    req->cmnd[0] = 0x28;
    kick();
    take();
    ck_assert_uint_eq(stats.lun[DISK].kinds[SCSI_KIND_REFUSED], 1);
    ck_assert_uint_eq(stats.lun[DISK].errors, 1);
    ck_assert_uint_eq(stats.lun[DISK].submitted, 0);
}
END_TEST

/* 3 s in the LUN's queue, 2 h at the device: bucket 32 is [4294.967296 s, 8589.934592 s). */
START_TEST(time_in_the_queue_and_at_the_device_is_told_apart)
{
    const struct pvscsi_lun_stats *s = &stats.lun[5];
    struct vscsiif_request *req;

    add_narrow_device(5, 1, 0, 0);
    put_to(5, 1);
    kick();
    req = put_to(5, 2);
    rw10(req, true, 0, 1);
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 512 };
    kick();
    later_us += 3000000;
    end_all();
    run();
    later_us += 7200000000u;
    end_all();
    expect(1, 0);
    expect(2, 0);
    ck_assert_uint_eq(s->submitted, 2);
    ck_assert_uint_ge(s->queued_us_sum, 3000000);
    ck_assert_uint_lt(s->queued_us_sum, 8000000);
    ck_assert_uint_ge(s->device_us_sum, 7203000000u);
    ck_assert_uint_lt(s->device_us_sum, 7210000000u);
    ck_assert_uint_eq(s->latency[21], 1); /* 2.097152 s to 4.194304 s */
    ck_assert_uint_eq(s->latency[32], 1);
    ck_assert_uint_eq(s->writes, 1);
    ck_assert_uint_eq(s->reads, 0);
    ck_assert_uint_eq(s->write_bytes, 512);
}
END_TEST

START_TEST(aborts_and_resets_count_at_their_lun_with_their_outcome)
{
    const struct pvscsi_lun_stats *s = &stats.lun[TAPE];

    put_abort(TAPE, 1, 99); /* not outstanding: success */
    put_reset(TAPE, 2);
    put_reset(77, 3); /* no such LUN: failed, and nobody's */
    kick();
    expect(1, 0x2002);
    expect(3, 0x2003);
    expect(2, 0x2002);
    put_to(TAPE, 4); /* the unit attention */
    kick();
    take();
    put_to(TAPE, 5);
    kick();
    put_abort(TAPE, 6, 5);
    pass(patience(0) + 1);
    expect(6, 0x2003);
    end_all();
    take();
    ck_assert_uint_eq(s->aborts, 2);
    ck_assert_uint_eq(s->aborts_failed, 1);
    ck_assert_uint_eq(s->resets, 1);
    ck_assert_uint_eq(s->resets_failed, 0);
    ck_assert_uint_eq(stats.aborts, 2);
    ck_assert_uint_eq(stats.resets, 2);
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

START_TEST(a_successor_invites_no_repetition_of_what_must_run_once)
{
    /* PERSISTENT RESERVE OUT, COMPARE AND WRITE, the XOR writes; then some that may be repeated */
    static const uint8_t once[] = { 0x5f, 0x89, 0x50, 0x51, 0x53 }, again[] = { 0x2a, 0x8a, 0x28, 0x42, 0x5e, 0x35 };
    struct vscsiif_response r;

    for (unsigned i = 0; i < sizeof(once); i++)
        taken_by_a_dead_worker(i, VSCSIIF_ACT_SCSI_CDB, DISK, once[i]);
    for (unsigned i = 0; i < sizeof(again); i++)
        taken_by_a_dead_worker(sizeof(once) + i, VSCSIIF_ACT_SCSI_CDB, DISK, again[i]);
    successor(0);
    run();
    for (unsigned i = 0; i < sizeof(once); i++) {
        r = take();
        expect_sense(&r, 0x2, 0x0b, 0x08, 0x00);
        ck_assert_uint_eq(r.residual_len, 512);
    }
    for (unsigned i = 0; i < sizeof(again); i++)
        expect((uint16_t)(sizeof(once) + i + 1), 0x08);
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

/* A LUN whose PR helper greets, takes one command, and never answers. */
static int helper_listener, helper_connection;

static void add_pr_lun(void)
{
    struct worker_msg msg = { .type = WM_LUN_ADD, .lun_slot = 6 };
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/check-service-device.%d", (int)getpid());
    unlink(addr.sun_path);
    helper_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    helper_connection = -1;
    ck_assert_int_eq(bind(helper_listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(helper_listener, 8), 0);
    msg.u.lun.target = 6;
    msg.u.lun.max_transfer = 4096;
    msg.u.lun.pr_mode = PR_HELPER;
    memcpy(msg.u.lun.pr_socket, addr.sun_path, sizeof(addr.sun_path));
    ck_assert_int_eq(hotplug_add(svc, &msg, eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)), 0);
}

static void remove_helper(void)
{
    struct sockaddr_un addr;
    socklen_t len = sizeof(addr);

    ck_assert_int_eq(getsockname(helper_listener, (struct sockaddr *)&addr, &len), 0);
    unlink(addr.sun_path);
    close(helper_listener);
    if (helper_connection >= 0)
        close(helper_connection);
}

/* A tape that a program reserves at mount has no block node, and many a host has no helper. */
START_TEST(a_lun_s_reservations_go_where_they_can_be_carried_out)
{
    static const struct {
        uint32_t mode;
        bool socket, block;
        enum scsi_pr pr;
    } cases[] = {
        { PR_AUTO, true, true, SCSI_PR_HELPER },    { PR_AUTO, true, false, SCSI_PR_DIRECT },
        { PR_AUTO, false, true, SCSI_PR_DIRECT },   { PR_AUTO, false, false, SCSI_PR_DIRECT },
        { PR_HELPER, true, true, SCSI_PR_HELPER },  { PR_HELPER, true, false, SCSI_PR_DIRECT },
        { PR_HELPER, false, true, SCSI_PR_HELPER }, { PR_DIRECT, true, true, SCSI_PR_DIRECT },
        { PR_DENY, true, true, SCSI_PR_DENY },      { PR_DENY, false, false, SCSI_PR_DENY },
        { 99, true, true, SCSI_PR_DENY },
    };
    struct worker_msg msg = lun_message(7, 0x00, 0);

    add_pr_lun(); /* for its socket */
    msg.u.lun.pr_mode = cases[_i].mode;
    if (cases[_i].socket) {
        struct sockaddr_un addr;
        socklen_t len = sizeof(addr);

        ck_assert_int_eq(getsockname(helper_listener, (struct sockaddr *)&addr, &len), 0);
        memcpy(msg.u.lun.pr_socket, addr.sun_path, sizeof(addr.sun_path));
    } else {
        strcpy(msg.u.lun.pr_socket, "/nonexistent/socket");
    }
    helper_told = HELPER_IDLE;
    ck_assert_int_eq(hotplug_add(svc, &msg, eventfd(0, EFD_CLOEXEC), cases[_i].block ? eventfd(0, EFD_CLOEXEC) : -1),
                     0);
    ck_assert_int_eq(svc->luns[7]->facts.pr, cases[_i].pr);
    ck_assert_int_eq(svc->luns[7]->pr != NULL, cases[_i].pr == SCSI_PR_HELPER);
    ck_assert_int_eq(helper_told, cases[_i].pr == SCSI_PR_DIRECT ? HELPER_UNUSED : HELPER_IDLE);
    remove_helper();
}
END_TEST

/* Three READ KEYS; the helper has the first and has not answered yet. */
static void three_reservation_commands(void)
{
    uint8_t greeting[4] = { 0 }, got[64];

    for (uint16_t id = 1; id <= 3; id++) {
        struct vscsiif_request *req = put_to(6, id);

        req->cmnd[0] = 0x5e;
        req->cmnd[8] = 8;
        req->sc_data_direction = SCSI_DIR_IN;
        req->nr_segments = 1;
        req->seg[0] = (struct scsiif_request_segment){ 20, 0, 8 };
    }
    kick();
    run();
    helper_connection = accept(helper_listener, NULL, NULL);
    ck_assert_int_ge(helper_connection, 0);
    ck_assert_int_eq((int)send(helper_connection, greeting, 4, 0), 4);
    run();
    ck_assert_int_eq((int)recv(helper_connection, got, sizeof(got), MSG_DONTWAIT), 4 + 16);
    none();
}

START_TEST(a_status_that_guests_do_not_know_is_not_passed_on_from_the_helper)
{
    uint8_t reply[104] = { [3] = 0x22 }; /* COMMAND TERMINATED: Linux takes it for success */
    struct vscsiif_response r;

    add_pr_lun();
    three_reservation_commands();
    ck_assert_int_eq((int)send(helper_connection, reply, sizeof(reply), 0), (int)sizeof(reply));
    run();
    r = take();
    ck_assert_uint_eq(r.rqid, 1);
    expect_sense(&r, 2, 0x0b, 0x08, 0x00);
    ck_assert_uint_eq(r.residual_len, 8);
    remove_helper();
}
END_TEST

START_TEST(a_reservation_command_that_waits_for_its_turn_can_be_aborted)
{
    add_pr_lun();
    three_reservation_commands();
    put_abort(6, 11, 1);
    put_abort(6, 12, 2);
    kick();
    expect(2, 0x50040);
    expect(12, 0x2002);
    none(); /* 1 is on its way */
    ck_assert_uint_eq(svc->luns[6]->in_flight, 2);
    remove_helper();
}
END_TEST

START_TEST(a_reset_ends_reservation_commands_that_wait_for_their_turn)
{
    add_pr_lun();
    three_reservation_commands();
    put_to(6, 4)->act = VSCSIIF_ACT_SCSI_RESET;
    kick();
    expect(2, 0x80040);
    expect(3, 0x80040);
    none();
    ck_assert_uint_eq(svc->luns[6]->in_flight, 1);
    remove_helper();
}
END_TEST

START_TEST(a_reservation_command_of_a_gone_ring_is_not_sent_any_more)
{
    add_pr_lun();
    three_reservation_commands();
    service_disconnect(svc);
    ck_assert_uint_eq(svc->n_busy, 1); /* a hung helper costs one deadline, not one each */
    ck_assert_uint_eq(pr_client_pending(svc->luns[6]->pr), 1);
    /* It does not keep the next ring from the device either, because no buffer of the device is involved. */
    connect_anew();
    put_to(6, 4);
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    end_all();
    expect(4, 0);
    close(helper_connection);
    helper_connection = -1;
    for (unsigned i = 0; i < 100 && svc->n_busy > 0; i++) {
        int fd = accept(helper_listener, NULL, NULL);

        if (fd >= 0)
            close(fd);
        ck_assert_int_eq(loop_once(loop, 50), 0);
        service_round(svc);
    }
    ck_assert_uint_eq(svc->n_busy, 0);
    none();
    remove_helper();
}
END_TEST

START_TEST(a_removed_lun_waits_for_one_reservation_command_not_for_all)
{
    add_pr_lun();
    three_reservation_commands();
    ck_assert(!hotplug_remove(svc, 6));
    kick();
    expect(2, 0x10002);
    expect(3, 0x10002);
    none(); /* 1 is on its way */
    ck_assert_uint_eq(svc->luns[6]->in_flight, 1);
    remove_helper();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("service over devices");
    TCase *t = tcase_create("service over devices");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup_devices, teardown_devices);
    tcase_add_test(t, a_slow_read_brings_its_data_and_what_was_left_over);
    tcase_add_loop_test(t, a_test_unit_ready_with_stale_segments_reaches_the_device, 0, 5);
    tcase_add_loop_test(t, a_ring_that_is_fuller_than_a_ring_can_be_halts_at_once, 0, 5);
    tcase_add_test(t, a_full_worker_halts_such_a_ring_too);
    tcase_add_test(t, a_read_of_more_than_the_drive_takes_arrives_whole_in_pieces);
    tcase_add_test(t, a_write_of_more_than_the_disk_takes_is_written_whole_in_pieces);
    tcase_add_test(t, a_piece_that_fails_ends_the_command_with_its_sense_and_the_exact_residual);
    tcase_add_test(t, pieces_share_the_time_of_their_command);
    tcase_add_loop_test(t, an_abort_or_reset_ends_a_command_after_its_piece, 0, 2);
    tcase_add_test(t, a_command_in_pieces_whose_ring_goes_writes_nothing_more);
    tcase_add_loop_test(t, what_cannot_be_cut_is_refused_when_it_is_too_large, 0, 2);
    tcase_add_test(t, a_device_gets_as_many_commands_as_it_takes_and_the_rest_waits);
    tcase_add_test(t, luns_of_one_scsi_host_share_its_places_in_turn);
    tcase_add_test(t, a_full_host_that_refuses_a_command_is_not_asked_without_a_pause);
    tcase_add_test(t, a_host_s_places_go_with_its_luns);
    tcase_add_test(t, a_new_ring_waits_for_what_the_old_one_left_at_the_device);
    tcase_add_test(t, what_a_gone_ring_left_at_a_sick_device_keeps_nobody_else);
    tcase_add_test(t, orphans_end_without_any_ring_too);
    tcase_add_test(t, a_removed_lun_stays_until_its_device_has_ended_all);
    tcase_add_test(t, an_abort_waits_as_long_as_the_device_may_take);
    tcase_add_test(t, an_abort_fails_when_the_host_s_error_handling_should_be_over);
    tcase_add_test(t, a_reset_waits_for_the_device_and_holds_new_commands_back);
    tcase_add_loop_test(t, a_reset_asks_for_the_device_s_own_once_and_fails_when_the_device_gives_nothing_back, 0, 4);
    tcase_add_loop_test(t, a_reset_after_all_hope_still_gives_the_device_s_own_a_chance, 0, 2);
    tcase_add_test(t, a_reset_waits_for_what_a_dead_worker_left_as_long_as_the_lun_is_held);
    tcase_add_test(t, a_device_that_is_gone_answers_for_itself);
    tcase_add_test(t, a_successor_ends_the_commands_of_an_optical_drive_as_aborted);
    tcase_add_test(t, a_successor_tells_a_tape_s_initiator_that_its_place_is_uncertain);
    tcase_add_test(t, a_device_without_memory_delays_but_loses_and_reorders_nothing);
    tcase_add_test(t, a_device_that_stays_without_memory_is_busy_in_the_end);
    tcase_add_test(t, a_guest_that_comes_and_goes_does_not_lock_a_slow_device);
    tcase_add_test(t, a_malformed_request_of_a_dead_worker_is_refused_not_performed);
    tcase_add_test(t, counters_hold_over_a_take_over);
    tcase_add_loop_test(t, counters_belong_to_an_address_not_to_a_slot, 0, 3);
    tcase_add_loop_test(t, each_end_of_a_command_counts_as_what_it_is, 0, 12);
    tcase_add_test(t, what_never_reaches_the_device_counts_as_refused);
    tcase_add_test(t, time_in_the_queue_and_at_the_device_is_told_apart);
    tcase_add_test(t, aborts_and_resets_count_at_their_lun_with_their_outcome);
    tcase_add_test(t, a_disconnect_lets_a_removed_lun_go_and_says_so);
    tcase_add_test(t, an_aborted_command_is_answered_before_its_abort);
    tcase_add_test(t, a_command_that_just_ended_is_answered_before_its_abort);
    tcase_add_test(t, what_a_dead_worker_left_is_answered_before_the_reset_that_waited_for_it);
    tcase_add_test(t, a_successor_invites_no_repetition_of_what_must_run_once);
    tcase_add_test(t, many_resets_of_one_lun_ask_for_one_device_reset_at_a_time);
    tcase_add_test(t, a_status_that_guests_do_not_know_is_not_passed_on_from_the_helper);
    tcase_add_loop_test(t, a_lun_s_reservations_go_where_they_can_be_carried_out, 0, 11);
    tcase_add_test(t, a_reservation_command_that_waits_for_its_turn_can_be_aborted);
    tcase_add_test(t, a_reset_ends_reservation_commands_that_wait_for_their_turn);
    tcase_add_test(t, a_reservation_command_of_a_gone_ring_is_not_sent_any_more);
    tcase_add_test(t, a_removed_lun_waits_for_one_reservation_command_not_for_all);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
