// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is counted when a command has ended.
 */
#include "config.h"

#include "device-fixture.h"

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

START_TEST(data_that_cannot_be_given_to_the_guest_counts_as_an_error)
{
    const struct pvscsi_lun_stats *s = &stats.lun[DISK];
    struct vscsiif_request *req = put_to(DISK, 1);
    struct vscsiif_response r;

    rw10(req, false, 0, 1);
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 512 };
    kick();
    ck_assert_uint_eq(fake_sg.n, 1);
    fake.fail_copy_calls = 2; /* the batch, and the one in it */
    end_all();
    r = take();
    expect_sense(&r, 0x70002, 0x0b, 0x08, 0x00);
    ck_assert_uint_eq(s->kinds[SCSI_KIND_GOOD], 0);
    ck_assert_uint_eq(s->kinds[SCSI_KIND_ABORTED_COMMAND], 1);
    ck_assert_uint_eq(s->errors, 1);
    ck_assert_uint_eq(s->reads, 1);
    ck_assert_uint_eq(s->read_bytes, 0);
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

START_TEST(what_the_policy_refuses_counts_apart)
{
    struct vscsiif_request *req;
    struct vscsiif_response r;

    for (unsigned i = 0; i < 2; i++) {
        req = put_to(DISK, 1);
        req->cmnd[0] = 0x3b; /* WRITE BUFFER */
        kick();
        r = take();
        expect_sense(&r, 0x2, 0x05, 0x20, 0x00);
    }
    ck_assert_uint_eq(told_ends[SCSI_KIND_POLICY], 1); /* followers hear of each operation code once */
    ck_assert_uint_eq(stats.lun[DISK].kinds[SCSI_KIND_POLICY], 2);
    ck_assert_uint_eq(stats.lun[DISK].kinds[SCSI_KIND_REFUSED], 0);
    ck_assert_uint_eq(stats.lun[DISK].errors, 2);
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
    put_reset(77, 3); /* no such LUN: it failed, and counts for no LUN */
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

/* What the worker wrote to its log so far. */
static char said[8192];

static void write_log_to(int fd)
{
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    log_init(XTL_INFO);
}

static unsigned lines_said(int fd)
{
    ssize_t n = pread(fd, said, sizeof(said) - 1, 0);
    unsigned lines = 0;

    ck_assert_int_ge((int)n, 0);
    said[n] = '\0';
    for (const char *at = said; (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

static void read_that_fails(uint16_t target, uint8_t key, uint8_t asc)
{
    struct vscsiif_request *req = put_to(target, 1);
    uint8_t *sense;

    rw10(req, false, 0, 1);
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 512 };
    kick();
    sense = fake_sg.at[0].hdr.sbp;
    memset(sense, 0, 18);
    sense[0] = 0x70;
    sense[2] = key;
    sense[7] = 10;
    sense[12] = asc;
    fake_sg.at[0].hdr.sb_len_wr = 18;
    fake_sg.at[0].hdr.status = 0x02;
    end_all();
    take();
}

START_TEST(a_command_that_failed_leaves_one_line_in_words)
{
    int fd = memfd_create("log", MFD_CLOEXEC);

    write_log_to(fd);
    put_to(TAPE, 1);
    kick();
    end_all();
    take();
    ck_assert_uint_eq(lines_said(fd), 0);
    read_that_fails(DISK, 0x03, 0x11);
    ck_assert_uint_eq(lines_said(fd), 1);
    ck_assert_ptr_nonnull(strstr(said, "d1.0"));
    ck_assert_ptr_nonnull(strstr(said, "LUN 0:2:0 at "));
    ck_assert_ptr_nonnull(
        strstr(said, "Read(10) failed (medium error): Medium Error: Unrecovered read error (03/11/00)"));
    read_that_fails(DISK, 0x06, 0x28); /* a guest that changes media meets one each time */
    read_that_fails(DISK, 0x02, 0x3a); /* and one that polls a drive */
    ck_assert_uint_eq(lines_said(fd), 1);
    read_that_fails(DISK, 0x02, 0x30);
    ck_assert_uint_eq(lines_said(fd), 2);
    /* What the log warns of is told to followers. */
    ck_assert_uint_eq(told_ends[SCSI_KIND_MEDIUM_ERROR], 1);
    ck_assert_uint_eq(told_ends[SCSI_KIND_NOT_READY], 1);
    ck_assert_uint_eq(told_ends[SCSI_KIND_UNIT_ATTENTION], 0);
    for (unsigned i = 0; i < 20; i++)
        read_that_fails(DISK, 0x01, 0x5d); /* once an hour */
    ck_assert_uint_eq(lines_said(fd), 3);
    ck_assert_ptr_nonnull(strstr(said, "Read(10) succeeded (recovered error): Recovered Error: Failure prediction"));
    for (unsigned i = 0; i < 100; i++)
        read_that_fails(DISK, 0x04, 0x44);
    ck_assert_uint_le(lines_said(fd), 11); /* limited, ... */
    ck_assert_uint_le(told_ends[SCSI_KIND_RECOVERED] + told_ends[SCSI_KIND_HARDWARE_ERROR], 9);
    ck_assert_int_eq(add_device(3, 0x00, 0), 0);
    read_that_fails(3, 0x04, 0x44); /* ... each LUN by itself */
    lines_said(fd);
    ck_assert_ptr_nonnull(strstr(said, "LUN 0:3:0 at "));
    close(fd);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_command_that_failed_leaves_one_line_in_words);
    tcase_add_loop_test(t, counters_belong_to_an_address_not_to_a_slot, 0, 3);
    tcase_add_loop_test(t, each_end_of_a_command_counts_as_what_it_is, 0, 12);
    tcase_add_test(t, data_that_cannot_be_given_to_the_guest_counts_as_an_error);
    tcase_add_test(t, what_never_reaches_the_device_counts_as_refused);
    tcase_add_test(t, what_the_policy_refuses_counts_apart);
    tcase_add_test(t, time_in_the_queue_and_at_the_device_is_told_apart);
    tcase_add_test(t, aborts_and_resets_count_at_their_lun_with_their_outcome);
}

int main(void)
{
    return run_device_tests("service, counters", add_tests);
}
