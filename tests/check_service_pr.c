// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Persistent reservations: the way they take, and a PR helper that does not answer.
 */
#include "config.h"

#include <stdio.h>
#include <sys/un.h>

#include "device-fixture.h"

/* A LUN whose PR helper greets, takes one command, and never answers. */
static int helper_listener, helper_connection;

static struct worker_msg pr_lun(uint32_t mode, uint32_t flags)
{
    struct worker_msg msg = lun_message(6, 0x00, flags);

    msg.u.lun.max_transfer = 4096;
    msg.u.lun.pr_mode = mode;
    return msg;
}

static void add_pr_lun(void)
{
    struct worker_msg msg = pr_lun(PR_HELPER, 0);
    struct sockaddr_un addr = { .sun_family = AF_UNIX };

    snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/check-service-device.%d", (int)getpid());
    unlink(addr.sun_path);
    helper_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    helper_connection = -1;
    ck_assert_int_eq(bind(helper_listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(helper_listener, 8), 0);
    memcpy(helper_path, addr.sun_path, sizeof(addr.sun_path));
    ck_assert_int_eq(hotplug_add(svc, &msg, fake_sg_node(), eventfd(0, EFD_CLOEXEC)), 0);
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

    msg.u.lun.pr_mode = cases[_i].mode;
    if (cases[_i].socket)
        msg.u.lun.flags |= LUN_PR_SOCKET;
    helper_told = HELPER_IDLE;
    ck_assert_int_eq(hotplug_add(svc, &msg, fake_sg_node(), cases[_i].block ? eventfd(0, EFD_CLOEXEC) : -1), 0);
    ck_assert_int_eq(svc->luns[7]->facts.pr, cases[_i].pr);
    ck_assert_int_eq(svc->luns[7]->pr != NULL, cases[_i].pr == SCSI_PR_HELPER);
    ck_assert_int_eq(helper_told, cases[_i].pr == SCSI_PR_DIRECT ? HELPER_UNUSED : HELPER_IDLE);
}
END_TEST

/* With pr=direct the device judges a list that is too short; what a guest may not send does not reach it. */
START_TEST(the_device_judges_what_goes_to_it)
{
    struct worker_msg msg = lun_message(7, 0x00, 0);
    struct vscsiif_request *req;
    struct vscsiif_response r;

    msg.u.lun.pr_mode = PR_DIRECT;
    ck_assert_int_eq(add_message(&msg), 0);
    for (uint8_t action = 0; action <= 8; action += 8) {
        req = put_to(7, (uint16_t)(action + 1));
        req->cmnd[0] = 0x5f;
        req->cmnd[1] = action;
        req->cmnd[8] = 8;
        req->sc_data_direction = SCSI_DIR_OUT;
        req->nr_segments = 1;
        req->seg[0] = (struct scsiif_request_segment){ 20, 0, 8 };
    }
    kick();
    r = take();
    ck_assert_uint_eq(r.rqid, 9);
    expect_sense(&r, 0x2, 0x05, 0x24, 0x00);
    ck_assert_uint_eq(fake_sg.n, 1);
    ck_assert_uint_eq(fake_sg.at[0].hdr.dxfer_len, 8);
    end_all();
    expect(1, 0);
}
END_TEST

static void put_read_keys(uint16_t id)
{
    struct vscsiif_request *req = put_to(6, id);

    req->cmnd[0] = 0x5e;
    req->cmnd[8] = 8;
    req->sc_data_direction = SCSI_DIR_IN;
    req->nr_segments = 1;
    req->seg[0] = (struct scsiif_request_segment){ 20, 0, 8 };
}

/* Three READ KEYS; the helper has the first and has not answered yet. */
static void three_reservation_commands(void)
{
    uint8_t greeting[4] = { 0 }, got[64];

    for (uint16_t id = 1; id <= 3; id++)
        put_read_keys(id);
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

/* --- the toolstack changes pr --- */

static void change_pr(uint32_t mode)
{
    struct worker_msg msg = pr_lun(mode, 0);

    msg.type = WM_LUN_CHANGE;
    hotplug_change(svc, &msg);
}

START_TEST(reservations_leave_the_helper_and_come_back_to_it)
{
    add_pr_lun();
    change_pr(PR_DIRECT);
    put_read_keys(1);
    kick();
    ck_assert_uint_eq(pr_client_pending(svc->luns[6]->pr), 0);
    ck_assert_uint_eq(fake_sg.n, 1);
    ck_assert_uint_eq(fake_sg.at[0].cdb[0], 0x5e);
    end_all();
    expect(1, 0);
    change_pr(PR_AUTO);
    three_reservation_commands();
    ck_assert_uint_eq(fake_sg.n, 0);
    remove_helper();
}
END_TEST

/* It waits when the change comes: it must not reach the device past the helper. */
START_TEST(what_was_sent_before_a_denial_goes_to_the_helper)
{
    add_pr_lun();
    hotplug_hold(svc, 6);
    put_read_keys(1);
    kick();
    ck_assert_uint_eq(pr_client_pending(svc->luns[6]->pr), 0);
    change_pr(PR_DENY);
    hotplug_release(svc, 6);
    kick();
    ck_assert_uint_eq(pr_client_pending(svc->luns[6]->pr), 1);
    ck_assert_uint_eq(fake_sg.n, 0);
    none();
    remove_helper();
}
END_TEST

/* Else the helper would get the block node of the device before, when its reservations go to the helper again. */
START_TEST(a_device_that_comes_back_needs_its_block_node_if_there_is_a_way_to_the_helper)
{
    static const uint32_t modes[] = { PR_HELPER, PR_DIRECT, PR_DENY };
    struct worker_msg msg = pr_lun(modes[_i], LUN_RETURNED);

    add_pr_lun();
    change_pr(modes[_i]);
    ck_assert_int_eq(hotplug_add(svc, &msg, fake_sg_node(), -1), -EAGAIN);
    ck_assert_int_eq(hotplug_add(svc, &msg, fake_sg_node(), eventfd(0, EFD_CLOEXEC)), 0);
    change_pr(PR_HELPER);
    three_reservation_commands();
    remove_helper();
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, reservations_leave_the_helper_and_come_back_to_it);
    tcase_add_test(t, what_was_sent_before_a_denial_goes_to_the_helper);
    tcase_add_loop_test(t, a_device_that_comes_back_needs_its_block_node_if_there_is_a_way_to_the_helper, 0, 3);
    tcase_add_loop_test(t, a_lun_s_reservations_go_where_they_can_be_carried_out, 0, 11);
    tcase_add_test(t, the_device_judges_what_goes_to_it);
    tcase_add_test(t, a_status_that_guests_do_not_know_is_not_passed_on_from_the_helper);
    tcase_add_test(t, a_reservation_command_that_waits_for_its_turn_can_be_aborted);
    tcase_add_test(t, a_reset_ends_reservation_commands_that_wait_for_their_turn);
    tcase_add_test(t, a_reservation_command_of_a_gone_ring_is_not_sent_any_more);
    tcase_add_test(t, a_removed_lun_waits_for_one_reservation_command_not_for_all);
}

int main(void)
{
    return run_device_tests("service, reservations", add_tests);
}
