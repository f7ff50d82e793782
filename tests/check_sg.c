// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands to sg nodes: channels, reserves, caps, refusals, and the end of every command. The test acts as the device.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "fake-sg.h"
#include "suite.h"
#include "worker/sg.h"

#define COMMANDS 40

static struct loop *loop;
static struct sg_pool pool;
static struct sg_device disk, tape;
static struct sg_command cmd[COMMANDS];
static uint8_t data[COMMANDS][4096];
static const uint8_t tur[6];
static unsigned done[COMMANDS]; /* how often each ended */
static unsigned n_done, order[COMMANDS];

static void on_done(struct sg_pool *p, struct sg_command *c)
{
    unsigned i = (unsigned)(c - cmd);

    ck_assert_uint_lt(i, COMMANDS);
    ck_assert_ptr_null(c->channel);
    done[i]++;
    order[n_done++ % COMMANDS] = i;
}

static const struct sg_device *lost[4];
static unsigned n_lost;

static void on_lost(struct sg_device *dev)
{
    ck_assert_uint_lt(n_lost, 4);
    lost[n_lost++] = dev;
}

static void setup(void)
{
    memset(&fake_sg, 0, sizeof(fake_sg));
    memset(cmd, 0, sizeof(cmd));
    memset(done, 0, sizeof(done));
    n_done = n_lost = 0;
    ck_assert_int_eq(loop_new(&loop), 0);
    sg_pool_init(&pool, loop, on_done, on_lost);
    ck_assert_int_eq(sg_device_init(&disk, &pool, fake_sg_node()), 0);
    ck_assert_int_eq(sg_device_init(&tape, &pool, fake_sg_node()), 0);
}

static void teardown(void)
{
    sg_device_deinit(&disk);
    sg_device_deinit(&tape);
    ck_assert_uint_eq(fake_sg.n_fds, 0);
    ck_assert_uint_eq(pool.n_channels, 0);
    ck_assert_uint_eq(pool.reserved, 0);
    loop_free(loop);
}

static int submit(struct sg_device *dev, unsigned i, uint32_t len)
{
    cmd[i].cdb = tur;
    cmd[i].cdb_len = 6;
    cmd[i].dir = len ? SCSI_DIR_IN : SCSI_DIR_NONE;
    cmd[i].data = data[i];
    cmd[i].len = len;
    cmd[i].timeout_ms = 1000 + i;
    return sg_submit(dev, &cmd[i]);
}

/* What the service does in a round, then what the loop does. */
static void turn(void)
{
    sg_pool_reap_fresh(&pool);
    ck_assert_int_eq(loop_once(loop, 0), 0);
}

/* A confined worker has no /proc. The nodes of its devices are in its root directory, under their numbers. */
START_TEST(channels_are_opened_where_the_worker_has_its_nodes)
{
    struct sg_device dev;
    char expected[32];
    int fd = open("/dev/random", O_RDWR | O_CLOEXEC);

    snprintf(expected, sizeof(expected), "/proc/self/fd/%d", fd);
    ck_assert_int_eq(sg_device_init(&dev, &pool, fd), 0);
    ck_assert_str_eq(fake_sg.path, expected);
    sg_device_deinit(&dev);
    pool.own_nodes = true;
    ck_assert_int_eq(sg_device_init(&dev, &pool, open("/dev/random", O_RDWR | O_CLOEXEC)), 0);
    ck_assert_str_eq(fake_sg.path, "/c1:8");
    sg_device_deinit(&dev);
}
END_TEST

START_TEST(a_command_goes_as_it_is_and_comes_back_with_its_outcome)
{
    struct sg_io_hdr *hdr = &fake_sg.at[0].hdr;

    ck_assert_int_eq(submit(&disk, 3, 512), 0);
    ck_assert_uint_eq(fake_sg.n, 1);
    ck_assert_int_eq(hdr->interface_id, 'S');
    ck_assert_int_eq(hdr->dxfer_direction, SG_DXFER_FROM_DEV);
    ck_assert_uint_eq(hdr->dxfer_len, 512);
    ck_assert_ptr_eq(hdr->dxferp, data[3]);
    ck_assert_uint_eq(hdr->cmd_len, 6);
    ck_assert_uint_eq(hdr->timeout, 1003);
    ck_assert_uint_eq(hdr->flags, 0x10); /* SG_FLAG_Q_AT_TAIL: no command overtakes another */
    turn();
    ck_assert_uint_eq(n_done, 0);
    hdr->status = 2;
    hdr->host_status = 7;
    hdr->resid = -5;
    hdr->sb_len_wr = 20;
    memset(hdr->sbp, 0x5a, 20);
    fake_sg_end(0);
    turn();
    ck_assert_uint_eq(done[3], 1);
    ck_assert_uint_eq(cmd[3].outcome.status, 2);
    ck_assert_uint_eq(cmd[3].outcome.host, 7);
    ck_assert_int_eq(cmd[3].outcome.resid, -5);
    ck_assert_uint_eq(cmd[3].outcome.sense_len, 20);
    ck_assert_uint_eq(cmd[3].outcome.sense[19], 0x5a);
    ck_assert_uint_eq(disk.in_flight, 0);
}
END_TEST

START_TEST(each_command_at_once_has_a_channel_until_descriptors_run_out)
{
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(submit(&disk, i, 0), 0);
    ck_assert_uint_eq(fake_sg.n_fds, 5); /* 4, and the tape's */
    fake_sg.open_error = EMFILE;
    for (unsigned i = 4; i < 36; i++)
        ck_assert_int_eq(submit(&disk, i, 0), 0);
    ck_assert_uint_eq(fake_sg.n_fds, 5);
    while (fake_sg.n > 0)
        fake_sg_end(fake_sg.n / 2);
    turn();
    for (unsigned i = 0; i < 36; i++)
        ck_assert_uint_eq(done[i], 1);
}
END_TEST

START_TEST(a_full_descriptor_is_not_given_a_seventeenth)
{
    fake_sg.open_error = EMFILE;
    for (unsigned i = 0; i < 16; i++)
        ck_assert_int_eq(submit(&disk, i, 0), 0);
    ck_assert_int_eq(submit(&disk, 16, 0), -EAGAIN);
    ck_assert(sg_try_later(-EAGAIN));
    ck_assert_int_eq(submit(&tape, 17, 0), 0); /* another LUN is independent of it */
    fake_sg_end(0);
    turn();
    ck_assert_int_eq(submit(&disk, 16, 0), 0);
    while (fake_sg.n > 0)
        fake_sg_end(0);
    turn();
    for (unsigned i = 0; i < 18; i++)
        ck_assert_uint_eq(done[i], 1);
}
END_TEST

START_TEST(a_refused_command_leaves_nothing_behind)
{
    static const int errors[] = { ENOMEM, EDOM, EAGAIN, EBUSY, EINVAL, EPERM, ENODEV, ENXIO, EMSGSIZE };

    fake_sg.write_error = errors[_i];
    ck_assert_int_eq(submit(&disk, 0, 512), -errors[_i]);
    ck_assert_int_eq(sg_try_later(-errors[_i]), _i < 4);
    ck_assert_uint_eq(disk.in_flight, 0);
    sg_pool_reap_fresh(&pool);
    turn();
    ck_assert_uint_eq(n_done, 0);
    fake_sg.write_error = 0;
    ck_assert_int_eq(submit(&disk, 0, 512), 0);
    fake_sg_end(0);
    turn();
    ck_assert_uint_eq(done[0], 1);
}
END_TEST

START_TEST(what_is_done_at_once_is_collected_without_the_loop)
{
    fake_sg.instant = true;
    /* After the first ones the pool knows that reading at once succeeds. */
    for (unsigned i = 0; i < COMMANDS; i++) {
        ck_assert_int_eq(submit(&disk, i, 0), 0);
        sg_pool_reap_fresh(&pool);
    }
    ck_assert_uint_eq(done[COMMANDS - 1], 1);
    turn();
    for (unsigned i = 0; i < COMMANDS; i++)
        ck_assert_uint_eq(done[i], 1);
}
END_TEST

START_TEST(a_channel_whose_commands_end_at_once_leaves_the_loop_until_one_does_not)
{
    fake_sg.instant = true;
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(submit(&disk, i % COMMANDS, 0), 0);
        turn();
    }
    ck_assert_uint_eq(n_done, 100);
    ck_assert_uint_eq(fake_sg.n_fds, 2);
    ck_assert_int_eq(submit(&disk, 0, 0), 0);
    ck_assert_int_eq(loop_once(loop, 0), 0);
    ck_assert_uint_eq(n_done, 100); /* the loop does not see it */
    sg_pool_reap_fresh(&pool);
    ck_assert_uint_eq(n_done, 101);
    fake_sg.instant = false;
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(submit(&disk, i, 0), 0);
        sg_pool_reap_fresh(&pool);
        ck_assert_uint_eq(n_done, 101 + i);
        fake_sg_end(0);
        ck_assert_int_eq(loop_once(loop, 0), 0);
        ck_assert_uint_eq(n_done, 102 + i);
    }
}
END_TEST

/* More commands than the pool keeps in mind: the loop sees the others. */
START_TEST(each_of_many_commands_at_once_is_collected)
{
    fake_sg.open_error = _i ? EMFILE : 0;
    for (unsigned i = 0; i < COMMANDS; i++) {
        struct sg_device *dev = i % 3 ? &disk : &tape;
        bool full = _i && dev->in_flight == SG_COMMANDS_PER_FD;

        ck_assert_int_eq(submit(dev, i, 0), full ? -EAGAIN : 0);
    }
    while (fake_sg.n > 0)
        fake_sg_end(fake_sg.n / 2);
    turn();
    ck_assert_uint_eq(disk.in_flight + tape.in_flight, 0);
    ck_assert_uint_eq(n_done, fake_sg.submitted);
}
END_TEST

START_TEST(an_idle_channel_of_another_lun_makes_room_but_never_its_last)
{
    for (unsigned i = 0; i < 20; i++)
        ck_assert_int_eq(submit(&tape, i, 0), 0);
    while (fake_sg.n > 0)
        fake_sg_end(0);
    turn();
    ck_assert_uint_eq(fake_sg.n_fds, 21);
    pool.n_channels += SG_CHANNELS_MAX - 21; /* as if other LUNs had them */
    for (unsigned i = 20; i < 40; i++)
        ck_assert_int_eq(submit(&disk, i, 0), 0);
    ck_assert_uint_eq(pool.n_channels, SG_CHANNELS_MAX);
    ck_assert_uint_eq(fake_sg.n_fds, 21);
    pool.n_channels -= SG_CHANNELS_MAX - 21;
    while (fake_sg.n > 0)
        fake_sg_end(0);
    turn();
    ck_assert_int_eq(submit(&tape, 0, 0), 0);
    fake_sg_end(0);
    turn();
    ck_assert_uint_eq(done[0], 2);
    for (unsigned i = 1; i < COMMANDS; i++)
        ck_assert_uint_eq(done[i], 1);
}
END_TEST

START_TEST(results_that_a_vanished_device_left_are_still_collected)
{
    int fd;

    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(submit(&disk, i, 0), 0);
    fd = fake_sg.at[2].fd;
    for (unsigned i = 0; i < 3; i++) {
        fake_sg.at[0].hdr.host_status = 1;
        fake_sg_end(0);
    }
    shutdown(fake_sg.device[fd], SHUT_RDWR); /* EPOLLHUP on top */
    turn();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(done[i], 1);
        ck_assert_uint_eq(cmd[i].outcome.host, 1);
    }
    fake_sg.write_error = ENODEV;
    ck_assert_int_eq(submit(&disk, 0, 0), -ENODEV);
    ck_assert(!sg_try_later(-ENODEV));
}
END_TEST

START_TEST(a_result_whose_data_cannot_be_had_is_a_failure_and_not_a_loss)
{
    /* sg_new_read(): header first, then data; when that fails, read() does, and sg forgets the command. */
    fake_sg.open_error = EMFILE; /* all on one channel */
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(submit(&disk, i, 512), 0);
    for (unsigned i = 0; i < 3; i++)
        fake_sg_end(0);
    fake_sg.read_error = _i ? ENOMEM : EFAULT; /* either way the device has had the command */
    turn();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(done[i], 1);
        ck_assert_int_eq(cmd[i].outcome.os_error, i == 0 ? EIO : 0);
    }
    ck_assert_uint_eq(disk.in_flight, 0);
}
END_TEST

START_TEST(a_deleted_device_is_reported_and_its_loop_sleeps)
{
    fake_sg_unplug();
    turn();
    ck_assert_uint_eq(n_lost, 2);
    ck_assert(lost[0] != lost[1]);
    ck_assert_uint_eq(fake_sg.n_fds, 0); /* a driver that is unloaded needs them closed */
    for (unsigned i = 0; i < 10; i++)
        turn();
    ck_assert_uint_eq(n_lost, 2); /* an edge: a hang-up does not wake the loop again and again */
}
END_TEST

START_TEST(a_new_node_takes_the_new_commands_and_the_old_one_ends_its_own)
{
    int old;

    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(submit(&disk, i, 0), 0);
    fake_sg_end(2);
    turn(); /* one channel is idle, two are not */
    old = fake_sg.at[0].fd;
    ck_assert_uint_eq(fake_sg.n_fds, 4);
    ck_assert_int_eq(sg_device_replace(&disk, fake_sg_node()), 0);
    ck_assert_uint_eq(fake_sg.n_fds, 4); /* the idle one went, the new one came */
    ck_assert_int_eq(submit(&disk, 3, 0), 0);
    ck_assert_int_ne(fake_sg.at[2].fd, fake_sg.at[0].fd);
    ck_assert_int_ne(fake_sg.at[2].fd, fake_sg.at[1].fd);
    fake_sg_end(0);
    if (_i == 1)
        sg_pool_reap_fresh(&pool);
    turn();
    ck_assert_uint_eq(done[0], 1);
    ck_assert(!fake_sg_is(old));
    ck_assert_uint_eq(fake_sg.n_fds, 3);
    while (fake_sg.n > 0)
        fake_sg_end(0);
    turn();
    ck_assert_uint_eq(done[1], 1);
    ck_assert_uint_eq(done[3], 1);
    ck_assert_uint_eq(fake_sg.n_fds, 2);
    ck_assert_uint_eq(disk.in_flight, 0);
}
END_TEST

START_TEST(a_new_node_that_does_not_open_leaves_the_old_one_in_use)
{
    fake_sg.open_error = ENXIO;
    ck_assert_int_eq(sg_device_replace(&disk, fake_sg_node()), -ENXIO);
    fake_sg.open_error = 0;
    ck_assert_int_eq(submit(&disk, 0, 0), 0);
    fake_sg_end(0);
    turn();
    ck_assert_uint_eq(done[0], 1);
    ck_assert_uint_eq(fake_sg.n_fds, 2);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, channels_are_opened_where_the_worker_has_its_nodes);
    tcase_add_test(t, a_command_goes_as_it_is_and_comes_back_with_its_outcome);
    tcase_add_test(t, each_command_at_once_has_a_channel_until_descriptors_run_out);
    tcase_add_test(t, a_full_descriptor_is_not_given_a_seventeenth);
    tcase_add_loop_test(t, a_refused_command_leaves_nothing_behind, 0, 9);
    tcase_add_test(t, what_is_done_at_once_is_collected_without_the_loop);
    tcase_add_test(t, a_channel_whose_commands_end_at_once_leaves_the_loop_until_one_does_not);
    tcase_add_loop_test(t, each_of_many_commands_at_once_is_collected, 0, 2);
    tcase_add_test(t, an_idle_channel_of_another_lun_makes_room_but_never_its_last);
    tcase_add_test(t, a_deleted_device_is_reported_and_its_loop_sleeps);
    tcase_add_loop_test(t, a_new_node_takes_the_new_commands_and_the_old_one_ends_its_own, 0, 2);
    tcase_add_test(t, a_new_node_that_does_not_open_leaves_the_old_one_in_use);
    tcase_add_test(t, results_that_a_vanished_device_left_are_still_collected);
    tcase_add_loop_test(t, a_result_whose_data_cannot_be_had_is_a_failure_and_not_a_loss, 0, 2);
}

int main(void)
{
    return run_tests("sg", setup, teardown, add_tests);
}
