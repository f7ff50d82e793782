/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost with a tape and a disk that the test itself is: the real sg code on nodes of fake-sg.h, and a clock that the
 * test moves. Link with $(FAKE_SG_FLAGS) and --wrap=now_us. Included by one .c file of a program.
 */
#ifndef PVSCSI_TESTS_DEVICE_FIXTURE_H
#define PVSCSI_TESTS_DEVICE_FIXTURE_H

#include "fake-sg.h"
#include "service-fixture.h"
#include "suite.h"

/* Time passes when a test says so. */
static uint64_t later_us;
static uint64_t stopped_us; /* not 0: only then */
uint64_t __real_now_us(void);
uint64_t __wrap_now_us(void);

uint64_t __wrap_now_us(void)
{
    return (stopped_us ? stopped_us : __real_now_us()) + later_us;
}

#define TAPE 1 /* its lun_index, and its target */
#define DISK 2

static UNUSED struct worker_msg lun_message(uint32_t index, uint8_t type, uint32_t flags)
{
    struct worker_msg msg = { .type = WM_LUN_ADD, .lun_index = index };

    msg.u.lun.target = (uint16_t)index;
    msg.u.lun.type = type;
    msg.u.lun.backing = LUN_BACKING_SG;
    msg.u.lun.flags = flags;
    msg.u.lun.max_transfer = 127 * 4096;
    msg.u.lun.pr_mode = PR_DENY;
    return msg;
}

static UNUSED int add_message(const struct worker_msg *msg)
{
    return hotplug_add(svc, msg, fake_sg_node(), -1);
}

static UNUSED int add_device(uint32_t index, uint8_t type, uint32_t flags)
{
    struct worker_msg msg = lun_message(index, type, flags);

    return add_message(&msg);
}

/*
 * Depth of the LUN; number of its SCSI host and commands that this host takes. The control process says the same for a
 * guest that has all LUNs of the host.
 */
static UNUSED void add_narrow_device(uint32_t index, uint32_t depth, uint32_t host, uint32_t can_queue)
{
    struct worker_msg msg = lun_message(index, 0x00, 0);
    uint32_t places = can_queue > 1 ? can_queue - 1 : 1, n_luns = 1;

    for (unsigned i = 0; i < svc->n_sorted; i++)
        n_luns += svc->sorted[i]->host && svc->sorted[i]->host->may.host == host;
    msg.u.lun.queue_depth = depth;
    msg.u.lun.places = (struct worker_places){ .host = host,
                                               .places = places,
                                               .share = can_queue == 0        ? 0
                                                        : places / n_luns > 4 ? places / n_luns
                                                                              : 4 };
    ck_assert_int_eq(add_message(&msg), 0);
}

static UNUSED void add_devices(uint32_t flags)
{
    ck_assert_int_eq(add_device(TAPE, 0x01, flags), 0);
    ck_assert_int_eq(add_device(DISK, 0x00, flags), 0);
}

static UNUSED void setup_devices(void)
{
    memset(&fake_sg, 0, sizeof(fake_sg));
    later_us = stopped_us = 0;
    host_eh_s = 120;
    host_eh_mute = false;
    host_eh_asks = 0;
    setup();
    add_devices(0);
}

static UNUSED void teardown_devices(void)
{
    teardown();
    ck_assert_uint_eq(fake_sg.n_fds, 0);
}

static UNUSED struct vscsiif_request *put_to(uint16_t target, uint16_t rqid)
{
    struct vscsiif_request *req = put(rqid);

    req->id = target;
    return req;
}

static UNUSED struct vscsiif_request *put_abort(uint16_t target, uint16_t rqid, uint16_t of)
{
    struct vscsiif_request *req = put_to(target, rqid);

    req->act = VSCSIIF_ACT_SCSI_ABORT;
    req->ref_rqid = of;
    return req;
}

static UNUSED void put_reset(uint16_t target, uint16_t rqid)
{
    put_to(target, rqid)->act = VSCSIIF_ACT_SCSI_RESET;
}

/* One turn of the loop and what follows it. */
static UNUSED void run(void)
{
    ck_assert_int_eq(loop_once(loop, 0), 0);
    service_round(svc);
}

/* The same, when what is due next is due in 50 ms at the latest. */
static UNUSED void wait_50_ms(void)
{
    ck_assert_int_eq(loop_once(loop, 50), 0);
    service_round(svc);
}

/* The guest's requests are seen, and all that follows. */
static UNUSED void kick(void)
{
    svc->work = true;
    run();
}

/* Ends everything that is at the devices, oldest first. */
static UNUSED void end_all(void)
{
    while (fake_sg.n > 0)
        fake_sg_end(0);
    run();
}

static UNUSED void expect(uint16_t rqid, int32_t rslt)
{
    struct vscsiif_response r = take();

    ck_assert_uint_eq(r.rqid, rqid);
    ck_assert_int_eq(r.rslt, rslt);
}

static UNUSED void pass(uint64_t seconds)
{
    later_us += seconds * 1000000;
    kick();
}

/*
 * Whole seconds: what sg was told of the i-th command at a device, three times, and what the host's error handling may
 * add.
 */
static UNUSED uint64_t patience(unsigned i)
{
    ck_assert_uint_lt(i, fake_sg.n);
    return fake_sg.at[i].hdr.timeout / 1000 * 3 + 120;
}

static UNUSED void connect_anew(void)
{
    memset(fake.page[RING_REF], 0, 4096);
    guest->req_event = guest->rsp_event = 1;
    guest_rsp_cons = 0;
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, false), 0);
}

/* kill -9: nothing is closed in order, and the devices continue. */
static UNUSED void successor(uint32_t flags)
{
    end_service();
    fake_sg.n = 0;
    new_service();
    add_devices(flags);
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, true), 0);
}

/* The whole of main(). */
static UNUSED int run_device_tests(const char *name, void (*add)(TCase *t))
{
    return run_tests(name, setup_devices, teardown_devices, add);
}

#endif
