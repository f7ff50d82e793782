// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * READ and WRITE that are larger than their device takes, carried out in pieces.
 */
#include "config.h"

#include "device-fixture.h"

/*
 * A drive behind a small limit: 120 KiB in one command. Blocks of 2048 bytes in pages 20, 21... by a list in page 10.
 */
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
    struct vscsiif_request *req;
    struct vscsiif_response r;

    add_small_drive(_i == 0 ? 0x01 : 0x00);
    put_large(1, false, 0, 128);
    req = &vscsiif_slot(guest, guest->req_prod - 1)->req;
    if (_i == 0)
        memcpy(req->cmnd, (const uint8_t[]){ 0x08, 0, 4, 0, 0, 0 }, 6); /* a tape's READ(6) */
    else
        req->cmnd[1] = 0x20; /* RDPROTECT */
    kick();
    r = take();
    expect_sense(&r, 0x2, 0x05, 0x24, 0x00);
    ck_assert_uint_eq(r.residual_len, 128 * 2048);
    ck_assert_uint_eq(fake_sg.submitted, 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_read_of_more_than_the_drive_takes_arrives_whole_in_pieces);
    tcase_add_test(t, a_write_of_more_than_the_disk_takes_is_written_whole_in_pieces);
    tcase_add_test(t, a_piece_that_fails_ends_the_command_with_its_sense_and_the_exact_residual);
    tcase_add_test(t, pieces_share_the_time_of_their_command);
    tcase_add_loop_test(t, an_abort_or_reset_ends_a_command_after_its_piece, 0, 2);
    tcase_add_test(t, a_command_in_pieces_whose_ring_goes_writes_nothing_more);
    tcase_add_loop_test(t, what_cannot_be_cut_is_refused_when_it_is_too_large, 0, 2);
}

int main(void)
{
    return run_device_tests("service, pieces", add_tests);
}
