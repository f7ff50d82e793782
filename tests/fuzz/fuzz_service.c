// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service against any ring content: the input is what a guest puts into ring slots
 * and granted pages. Whatever it is, each request gets exactly one answer, nothing
 * stays behind, and no byte of ours shows up in the guest's pages.
 *
 * Input: repeatedly one request (252 bytes, cut ones padded with zeros), its first byte replaced by us with a running
 * rqid. The same bytes also fill page 2, which indirect lists may name. Built with libFuzzer, and without it as a
 * program that replays files.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "../fake-xen.h"
#include "worker/hotplug.h"
#include "worker/manage.h"
#include "worker/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RING_REF 1
#define LIST_REF 2
#define POISON 0x5a

static struct service *svc;
static struct loop *loop;
static struct pvscsi_journal journal;
static struct pvscsi_stats stats;
static int disk[2];

static void on_progress(struct service *s)
{
    (void)s;
}
static void on_halted(struct service *s)
{
    (void)s;
}
static void on_reset(struct service *s, struct lun *lun)
{
    (void)s;
}
static void on_ask_host_eh(struct service *s, struct lun *lun)
{
    manage_host_eh(s, lun, 0);
}
static void on_lost(struct service *s, struct lun *lun)
{
    (void)s;
}

static void on_helper(struct service *s, struct lun *lun, enum worker_helper_state st)
{
    (void)s;
}

static void on_ended(struct service *s, const struct cmd *c, enum scsi_kind kind)
{
    (void)s;
    (void)c;
    (void)kind;
}

static void check(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "fuzz_service: %s\n", what);
        abort();
    }
}

static void on_wish(struct service *s, uint32_t pages)
{
    (void)s;
    (void)pages;
}

static void prepare(void)
{
    fake.xen.ops = &fake_ops;
    fake.event_fd = eventfd(0, EFD_CLOEXEC);
    check(loop_new(&loop) == 0, "no loop");
    svc = calloc(1, sizeof(*svc));
    check(svc != NULL, "no memory");
    svc->loop = loop;
    svc->xen = &fake.xen;
    svc->prefix = "fuzz";
    svc->domid = 1;
    svc->own_domid = OWN_DOMID;
    fake.own_left = 8192;
    svc->max_segments = 128;
    svc->journal = &journal;
    svc->stats = &stats;
    svc->progress = on_progress;
    svc->halted = on_halted;
    svc->reset_device = on_reset;
    svc->ask_host_eh = on_ask_host_eh;
    svc->helper_changed = on_helper;
    svc->ended = on_ended;
    svc->device_lost = on_lost;
    svc->wish_pages = on_wish;
    check(service_init(svc) == 0, "no service");
    for (uint32_t i = 0; i < 2; i++) {
        struct worker_msg msg = { .type = WM_LUN_ADD, .lun_index = i };
        int fd = memfd_create("disk", MFD_CLOEXEC);

        disk[i] = dup(fd);
        check(disk[i] >= 0 && ftruncate(fd, 1 << 20) == 0, "no disk");
        msg.u.lun.lun = (uint16_t)i;
        msg.u.lun.backing = LUN_BACKING_FILE;
        msg.u.lun.max_transfer = 127 * 4096;
        msg.u.lun.pr_mode = PR_DENY;
        check(hotplug_add(svc, &msg, fd, -1) == 0, "no LUN");
    }
}

/* No answer of an emulated disk holds so many of them one after another. */
static bool has_poison(const uint8_t *page)
{
    static const uint8_t poison[8] = { POISON, POISON, POISON, POISON, POISON, POISON, POISON, POISON };

    return memmem(page, 4096, poison, sizeof(poison)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vscsiif_sring *ring = (void *)fake.page[RING_REF];
    uint32_t answered[16] = { 0 };
    unsigned n = 0;

    if (!svc)
        prepare();
    memset(fake.page, 0, sizeof(fake.page));
    for (unsigned i = 0; i < svc->buffers.count; i++)
        memset(buffers_plain(&svc->buffers, i).pages, POISON, 4096); /* what must never come out unasked */
    for (unsigned i = 0; i < 2; i++)
        check(ftruncate(disk[i], 0) == 0 && ftruncate(disk[i], 1 << 20) == 0, "no empty disk");
    service_allot(svc, size % 2 ? 8192 : 0); /* buffers granted to ourselves, or plain ones */
    for (unsigned i = 0; i < PAGES; i++) {
        fake.granted[i] = i % 5 != 4;
        fake.readonly[i] = i % 7 == 6;
    }
    ring->req_event = ring->rsp_event = 1;
    for (size_t at = 0; at < size && n < 16; at += sizeof(struct vscsiif_request), n++) {
        size_t len = size - at < sizeof(struct vscsiif_request) ? size - at : sizeof(struct vscsiif_request);

        memcpy(&vscsiif_slot(ring, n)->req, data + at, len);
        vscsiif_slot(ring, n)->req.rqid = (uint16_t)n;
    }
    memcpy(fake.page[LIST_REF], data, size < 4096 ? size : 4096);
    fake.granted[LIST_REF] = fake.granted[RING_REF] = true;
    ring->req_prod = n;
    check(service_connect(svc, RING_REF, 1, false) == 0, "cannot connect");
    fake.granted[RING_REF] = false; /* a guest that reads a disk over its own ring confuses only our checks */
    for (unsigned i = 0; i < 3; i++) {
        svc->work = true;
        service_round(svc);
    }
    check(svc->ring.halted == false, "a sound ring was halted");
    check(ring->rsp_prod == n, "not one answer for each request");
    check(svc->n_busy == 0, "commands are left");
    for (unsigned i = 0; i < n; i++) {
        const struct vscsiif_response *r = &vscsiif_slot(ring, i)->rsp;

        check(r->rqid < n && answered[r->rqid]++ == 0, "an answer twice, or to nothing");
        check(r->sense_len <= VSCSIIF_SENSE_BUFFERSIZE, "sense length");
        for (unsigned k = r->sense_len; k < VSCSIIF_SENSE_BUFFERSIZE; k++)
            check(r->sense_buffer[k] == 0, "stale bytes in the sense");
    }
    service_disconnect(svc);
    /* A guest that has the value itself may write it to its disk and read it. */
    if (!memchr(data, POISON, size))
        for (unsigned i = 0; i < PAGES; i++)
            check(!has_poison(fake.page[i]), "our memory shows up in the guest's");
    return 0;
}

#include "replay.h"
