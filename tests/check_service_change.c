// SPDX-License-Identifier: GPL-2.0-or-later
/* A worker whose guest may send other commands from one moment to the next. */
#include "config.h"

#include "service-fixture.h"
#include "suite.h"

/* What add_lun() has set up, changed. */
static struct worker_msg change(uint32_t flags)
{
    struct worker_msg msg = { .type = WM_LUN_CHANGE };

    msg.u.lun.flags = flags;
    msg.u.lun.pr_mode = PR_DENY;
    return msg;
}

/* The sense of a command with this opcode and without data: key, ASC and ASCQ as one number; 0: it was good. */
static uint32_t sense_of(uint8_t opcode)
{
    struct vscsiif_response r;

    put(1)->cmnd[0] = opcode;
    work();
    r = take();
    if (r.rslt == 0)
        return 0;
    ck_assert_int_eq(r.rslt, 2);
    return (uint32_t)(r.sense_buffer[2] & 0xf) << 16 | (uint32_t)r.sense_buffer[12] << 8 | r.sense_buffer[13];
}

START_TEST(rules_hold_from_the_next_command_on)
{
    struct worker_msg msg = change(0);

    ck_assert_uint_eq(sense_of(0x35), 0); /* SYNCHRONIZE CACHE(10) */
    ck_assert_uint_eq(sense_of(0x3b), 0x52000);
    msg.u.lun.n_rules = 1;
    msg.u.lun.rule[0].opcode = 0x35;
    msg.u.lun.rule[0].deny = 1;
    hotplug_change(svc, &msg);
    ck_assert_uint_eq(sense_of(0x35), 0x52000);
    ck_assert_uint_eq(told_ends[SCSI_KIND_POLICY], 2);
    /* It is said again of an opcode that is refused anew. */
    ck_assert_uint_eq(sense_of(0x3b), 0x52000);
    ck_assert_uint_eq(told_ends[SCSI_KIND_POLICY], 3);
    msg.u.lun.n_rules = 0;
    hotplug_change(svc, &msg);
    ck_assert_uint_eq(sense_of(0x35), 0);
}
END_TEST

START_TEST(a_lun_that_is_not_there_does_not_change)
{
    static const uint32_t index[] = { 1, PVSCSI_STATS_LUNS - 1, PVSCSI_STATS_LUNS, UINT32_MAX };
    struct worker_msg msg = change(LUN_FEATURE_HOST);

    for (size_t i = 0; i < ARRAY_SIZE(index); i++) {
        msg.lun_index = index[i];
        hotplug_change(svc, &msg);
    }
    ck_assert_uint_eq(sense_of(0x3b), 0x52000);
}
END_TEST

/* The device is not asked: the answer is the worker's. */
START_TEST(write_protection_comes_and_goes)
{
    struct worker_msg msg = change(LUN_READONLY);

    ck_assert_uint_eq(sense_of(0x2a), 0); /* WRITE(10) of 0 blocks */
    hotplug_change(svc, &msg);
    ck_assert_uint_eq(sense_of(0x2a), 0x62a01); /* MODE PARAMETERS CHANGED */
    ck_assert_uint_eq(sense_of(0x2a), 0x72700); /* WRITE PROTECTED */
    ck_assert_uint_eq(sense_of(0x00), 0);
    /* The same again is no change. */
    hotplug_change(svc, &msg);
    ck_assert_uint_eq(sense_of(0x00), 0);
    msg = change(0);
    hotplug_change(svc, &msg);
    ck_assert_uint_eq(sense_of(0x00), 0x62a01);
    ck_assert_uint_eq(sense_of(0x2a), 0);
}
END_TEST

START_TEST(nobody_hears_of_a_change_without_a_ring)
{
    struct worker_msg msg = change(LUN_READONLY);

    service_disconnect(svc);
    hotplug_change(svc, &msg);
    memset(fake.page[RING_REF], 0, 4096);
    guest_rsp_cons = 0;
    guest->req_event = guest->rsp_event = 1;
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, false), 0);
    ck_assert_uint_eq(sense_of(0x2a), 0x72700);
}
END_TEST

START_TEST(reservations_come_and_go)
{
    struct worker_msg msg = change(0);

    ck_assert_uint_eq(sense_of(0x5e), 0x52000); /* PERSISTENT RESERVE IN: PR_DENY */
    msg.u.lun.pr_mode = PR_DIRECT;
    hotplug_change(svc, &msg);
    ck_assert_int_eq(svc->luns[0]->facts.pr, SCSI_PR_DIRECT);
    /* Without a way to the helper they go to the device. */
    msg.u.lun.pr_mode = PR_AUTO;
    hotplug_change(svc, &msg);
    ck_assert_int_eq(svc->luns[0]->facts.pr, SCSI_PR_DIRECT);
    msg.u.lun.pr_mode = PR_DENY;
    hotplug_change(svc, &msg);
    ck_assert_uint_eq(sense_of(0x5e), 0x52000);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, write_protection_comes_and_goes);
    tcase_add_test(t, nobody_hears_of_a_change_without_a_ring);
    tcase_add_test(t, reservations_come_and_go);
    tcase_add_test(t, rules_hold_from_the_next_command_on);
    tcase_add_test(t, a_lun_that_is_not_there_does_not_change);
}

int main(void)
{
    return run_tests("service, changes under way", setup, teardown, add_tests);
}
