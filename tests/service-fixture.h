/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost in one process, for tests that act as its guest: the real service, ring, LUNs and
 * emulated disk over a hypervisor made of arrays. Included by one .c file of a program.
 */
#ifndef PVSCSI_TESTS_SERVICE_FIXTURE_H
#define PVSCSI_TESTS_SERVICE_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "common/util.h"
#include "fake-xen.h"
#include "must.h"
#include "pr/connect.h"
#include "worker/hotplug.h"
#include "worker/manage.h"
#include "worker/service.h"

#define RING_REF 1
#define DISK_BLOCKS 2048u

static struct service *svc;
static struct loop *loop;
static struct pvscsi_journal journal;
static struct pvscsi_stats stats;
static struct vscsiif_sring *guest;
static uint32_t guest_rsp_cons;
static int halts, progresses, resets, losses;

static void on_progress(struct service *s)
{
    progresses++;
}
static void on_halted(struct service *s)
{
    halts++;
}
static void on_reset(struct service *s, struct lun *lun)
{
    resets++;
}
/* What the control process says of the host's error handling; host_eh_mute: nothing. */
static uint32_t host_eh_s = 120;
static bool host_eh_mute;
static int host_eh_asks;
static void on_ask_host_eh(struct service *s, struct lun *lun)
{
    host_eh_asks++;
    if (!host_eh_mute)
        manage_host_eh(s, lun, host_eh_s);
}
static void on_lost(struct service *s, struct lun *lun)
{
    losses++;
}
static enum worker_helper_state helper_told;
/* Where this fixture connects for a LUN that needs the PR helper. */
static char helper_path[108] = "/nonexistent/socket";
static void on_helper_connect(struct service *s, struct lun *lun)
{
    hotplug_helper_connected(s, lun->index, pr_connect(helper_path));
}
static void on_helper(struct service *s, struct lun *lun, enum worker_helper_state st)
{
    helper_told = st;
}
static unsigned told_ends[SCSI_KINDS];
static void on_ended(struct service *s, const struct cmd *c, enum scsi_kind kind)
{
    told_ends[kind]++;
}
/* As the control process does it: what is wished, as far as the budget goes. */
static uint32_t budget = 100000, wished;
static void on_wish(struct service *s, uint32_t pages)
{
    wished = pages;
    service_allot(s, pages < budget ? pages : budget);
}

static UNUSED void new_service(void)
{
    svc = calloc(1, sizeof(*svc));
    ck_assert_ptr_nonnull(svc);
    svc->loop = loop;
    svc->xen = &fake.xen;
    svc->prefix = "d1.0";
    svc->domid = 1;
    svc->own_domid = OWN_DOMID;
    svc->max_segments = 128;
    svc->journal = &journal;
    svc->stats = &stats;
    svc->progress = on_progress;
    svc->halted = on_halted;
    svc->reset_device = on_reset;
    svc->ask_host_eh = on_ask_host_eh;
    svc->helper_connect = on_helper_connect;
    svc->helper_changed = on_helper;
    svc->ended = on_ended;
    memset(told_ends, 0, sizeof(told_ends));
    svc->device_lost = on_lost;
    svc->wish_pages = on_wish;
    ck_assert_int_eq(service_init(svc), 0);
    service_allot(svc, budget);
}

static UNUSED void end_service(void)
{
    service_deinit(svc);
    free(svc);
}

static UNUSED int disk_fd(void)
{
    static uint8_t disk[DISK_BLOCKS * 512];
    int fd = memfd_create("disk", MFD_CLOEXEC);

    if (disk[1] == 0) /* the first time */
        for (unsigned i = 0; i < sizeof(disk); i++)
            disk[i] = (uint8_t)(i / 512 * 7 + i % 512);
    ck_assert_int_eq((int)write(fd, disk, sizeof(disk)), (int)sizeof(disk));
    return fd;
}

static UNUSED int add_lun(uint32_t index, uint16_t target, uint16_t lun, uint32_t flags)
{
    struct worker_msg msg = { .type = WM_LUN_ADD, .lun_index = index };

    msg.u.lun.target = target;
    msg.u.lun.lun = lun;
    msg.u.lun.backing = LUN_BACKING_FILE;
    msg.u.lun.flags = flags;
    msg.u.lun.max_transfer = 127 * 4096;
    msg.u.lun.pr_mode = PR_DENY;
    return hotplug_add(svc, &msg, disk_fd(), -1);
}

static UNUSED void setup(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.xen.ops = &fake_ops;
    fake.own_left = 100000;
    /* The tests raise events by calling ready() themselves; epoll gets something that never fires. */
    fake.event_fd = eventfd(0, EFD_CLOEXEC);
    ck_assert_int_eq(loop_new(&loop), 0);
    memset(&journal, 0, sizeof(journal));
    memset(&stats, 0, sizeof(stats));
    for (unsigned i = 0; i < PAGES; i++)
        fake.granted[i] = true;
    guest = (void *)fake.page[RING_REF];
    guest->req_event = guest->rsp_event = 1;
    guest_rsp_cons = 0;
    halts = progresses = resets = losses = 0;
    new_service();
    ck_assert_int_eq(add_lun(0, 0, 0, 0), 0);
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, false), 0);
}

/* All data goes by way of plain memory. */
static UNUSED void setup_plain(void)
{
    budget = 0;
    setup();
}

static UNUSED void teardown(void)
{
    end_service();
    ck_assert_uint_eq(fake.own_left, 100000);
    loop_free(loop);
    close(fake.event_fd);
}

/* The next request of the ring, which the worker does not see before put_done(). */
static UNUSED struct vscsiif_request *prepare(uint16_t rqid)
{
    struct vscsiif_request *req = &vscsiif_slot(guest, guest->req_prod)->req;

    memset(req, 0, sizeof(*req));
    req->rqid = rqid;
    req->act = VSCSIIF_ACT_SCSI_CDB;
    req->cmd_len = 10;
    req->sc_data_direction = SCSI_DIR_NONE;
    return req;
}

static UNUSED void put_done(void)
{
    __atomic_store_n(&guest->req_prod, guest->req_prod + 1, __ATOMIC_RELEASE);
}

/* For a worker that runs in the test's own process: what is returned may still be changed. */
static UNUSED struct vscsiif_request *put(uint16_t rqid)
{
    struct vscsiif_request *req = prepare(rqid);

    put_done();
    return req;
}

static UNUSED void rw10(struct vscsiif_request *req, bool write, uint32_t lba, uint16_t blocks)
{
    req->cmnd[0] = write ? 0x2a : 0x28;
    req->cmnd[2] = (uint8_t)(lba >> 24);
    req->cmnd[3] = (uint8_t)(lba >> 16);
    req->cmnd[4] = (uint8_t)(lba >> 8);
    req->cmnd[5] = (uint8_t)lba;
    req->cmnd[7] = (uint8_t)(blocks >> 8);
    req->cmnd[8] = (uint8_t)blocks;
    req->sc_data_direction = write ? SCSI_DIR_OUT : SCSI_DIR_IN;
}

static UNUSED void work(void)
{
    svc->work = true;
    service_round(svc);
}

/* The next response; fails when there is none. */
static UNUSED struct vscsiif_response take(void)
{
    struct vscsiif_response rsp;

    ck_assert_msg(guest->rsp_prod != guest_rsp_cons, "no response");
    rsp = vscsiif_slot(guest, guest_rsp_cons++)->rsp;
    return rsp;
}

static UNUSED void none(void)
{
    ck_assert_uint_eq(guest->rsp_prod, guest_rsp_cons);
}

static UNUSED void expect_sense(const struct vscsiif_response *r, int32_t rslt, uint8_t key, uint8_t asc, uint8_t ascq)
{
    ck_assert_int_eq(r->rslt, rslt);
    ck_assert_uint_ge(r->sense_len, 14);
    ck_assert_uint_eq(r->sense_buffer[0] & 0x7f, 0x70);
    ck_assert_uint_eq(r->sense_buffer[2] & 0xf, key);
    ck_assert_uint_eq(r->sense_buffer[12], asc);
    ck_assert_uint_eq(r->sense_buffer[13], ascq);
}

#endif
