// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random sequences of events from guest, devices and toolstack, and of workers' deaths. After each step these rules
 * must hold: every request is answered once, ABORT and RESET never succeed before the commands that they ended were
 * answered, what waits for a rate limit has a timer, and every count of commands agrees with the commands. A failure
 * names its seed, which repeats it. TEST_ROUNDS (rounds.h) tries more.
 */
#include "config.h"

#include "fake-sg.h"
#include "must.h"
#include "rounds.h"
#include "service-fixture.h"
#include "suite.h"

#define TARGETS 4 /* 0: the fixture's emulated disk; 1: tape; 2: disk; 3: nobody at first */
#define STEPS 400
#define SEEDS 12

static uint32_t random_state;

static struct outstanding {
    bool used;
    uint16_t rqid, target, of; /* of: what an ABORT names */
    uint8_t act;
    uint64_t put_at;
} requests[PVSCSI_RING_SLOTS];
static uint16_t next_rqid;
static uint64_t clock_steps;
static int resets_answered;
static struct lun_limits limits[TARGETS]; /* of the toolstack; a worker's successor gets them too */

static unsigned pick(unsigned n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static unsigned n_outstanding(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        n += requests[i].used;
    return n;
}

static struct outstanding *outstanding(uint16_t rqid)
{
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        if (requests[i].used && requests[i].rqid == rqid)
            return &requests[i];
    return NULL;
}

static void add_target(uint32_t target, uint32_t flags)
{
    static const uint8_t types[TARGETS] = { 0x00, 0x01, 0x00, 0x08 };
    struct worker_msg msg = { .type = WM_LUN_ADD, .lun_index = target };

    msg.u.lun.target = (uint16_t)target;
    msg.u.lun.type = types[target];
    msg.u.lun.backing = target == 0 ? LUN_BACKING_FILE : LUN_BACKING_SG;
    msg.u.lun.flags = flags;
    msg.u.lun.max_transfer = target == 2 ? 1024 : 65536; /* its larger reads and writes go in pieces */
    msg.u.lun.queue_depth = target == 1 ? 2 : 0;
    msg.u.lun.places = (struct worker_places){ .host = 5, .places = 2, .share = target == 0 ? 0 : 4 };
    msg.u.lun.pr_mode = PR_DENY;
    msg.u.lun.limits = limits[target];
    fake_sg.open_error = 0;
    ck_assert_int_eq(hotplug_add(svc, &msg, target == 0 ? disk_fd() : fake_sg_node(), -1), 0);
}

/* --- the guest --- */

static void put_something(void)
{
    struct outstanding *o = requests, *victim = &requests[pick(PVSCSI_RING_SLOTS)];
    struct vscsiif_request *req;

    if (n_outstanding() == PVSCSI_RING_SLOTS)
        return;
    while (o->used)
        o++;
    req = put(++next_rqid);
    req->id = (uint16_t)pick(TARGETS);
    *o = (struct outstanding){ .used = true, .rqid = next_rqid, .target = req->id, .put_at = ++clock_steps };
    switch (pick(12)) {
    case 0:
        req->act = VSCSIIF_ACT_SCSI_ABORT;
        if (victim->used && victim != o && victim->act == VSCSIIF_ACT_SCSI_CDB) {
            req->ref_rqid = o->of = victim->rqid;
            req->id = o->target = victim->target;
        }
        break;
    case 1:
        req->act = VSCSIIF_ACT_SCSI_RESET;
        break;
    case 2:
        req->act = (uint8_t)(pick(8) * 31);
        break;
    case 3:
    case 4:
        req->cmd_len = 6;
        req->cmnd[0] = pick(2) ? 0x08 : 0x0a;
        req->cmnd[4] = pick(2) ? 1 : 8;
        req->sc_data_direction = req->cmnd[0] == 0x08 ? SCSI_DIR_IN : SCSI_DIR_OUT;
        req->nr_segments = 1;
        req->seg[0] = (struct scsiif_request_segment){ pick(30) ? 20 : 4000000u, 0, (uint16_t)(req->cmnd[4] * 512) };
        break;
    case 5:
        req->nr_segments = (uint8_t)pick(256);
        break;
    default:
        break;
    }
    o->act = req->act;
}

/* A successful RESET or ABORT means that the commands before it have ended. */
static void check_success(const struct outstanding *o)
{
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++) {
        const struct outstanding *c = &requests[i];

        if (!c->used || c->act != VSCSIIF_ACT_SCSI_CDB || c->target != o->target || c->put_at > o->put_at)
            continue;
        ck_assert_msg(o->act == VSCSIIF_ACT_SCSI_ABORT && c->rqid != o->of, "%u succeeded while %u had no answer",
                      o->rqid, c->rqid);
    }
}

/* Nothing that a device says makes the guest's error handling start. */
static void check_safe(const struct vscsiif_response *r)
{
    struct scsi_answer a = { .status = (uint8_t)r->rslt, .host = (uint8_t)(r->rslt >> 16), .sense_len = r->sense_len };

    memcpy(a.sense, r->sense_buffer, SCSI_SENSE_MAX);
    ck_assert_msg(scsi_answer_is_safe(&a), "%u: %x", r->rqid, (unsigned)r->rslt);
}

static void take_answers(void)
{
    while (guest->rsp_prod != guest_rsp_cons) {
        struct vscsiif_response r = take();
        struct outstanding *o = outstanding(r.rqid);

        ck_assert_msg(o != NULL, "an answer to %u, which is not outstanding", r.rqid);
        if (o->act == VSCSIIF_ACT_SCSI_ABORT || o->act == VSCSIIF_ACT_SCSI_RESET)
            ck_assert_msg(r.rslt == 0x2002 || r.rslt == 0x2003, "%u: %x", r.rqid, (unsigned)r.rslt);
        else
            check_safe(&r);
        if (r.rslt == 0x2002)
            check_success(o);
        o->used = false;
    }
    guest->rsp_event = guest->rsp_prod + 1;
}

/* --- everybody else --- */

static void turn(void)
{
    ck_assert_int_eq(loop_once(loop, 0), 0);
    service_round(svc);
}

static void kick(void)
{
    svc->work = true;
    turn();
}

static void end_some_command(void)
{
    static const uint8_t statuses[] = { 0, 0, 0, 0x02, 0x08, 0x18, 0x28 };
    unsigned i;

    if (fake_sg.n == 0)
        return;
    i = pick(fake_sg.n);
    fake_sg.at[i].hdr.status = statuses[pick(sizeof(statuses))];
    fake_sg.at[i].hdr.host_status = pick(6) ? 0 : (unsigned short)pick(25);
    fake_sg.at[i].hdr.resid = pick(3) ? 0 : (int)pick(1000) - 100;
    fake_sg_end(i);
}

static void reconnect(void)
{
    service_disconnect(svc);
    memset(requests, 0, sizeof(requests));
    memset(fake.page[RING_REF], 0, 4096);
    guest->req_event = guest->rsp_event = 1;
    guest_rsp_cons = 0;
    if (pick(3) == 0)
        turn();
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, false), 0);
}

/* Copies of ring and journal at the moment of a death in the middle of a round. */
static struct {
    unsigned countdown; /* calls of the hypervisor until then; 0: never */
    bool over;
    struct pvscsi_journal journal;
    uint8_t page[4096];
} death;
static struct xen_ops mortal_ops;

static void live_on(void)
{
    if (death.countdown == 0 || --death.countdown > 0)
        return;
    death.over = true;
    death.journal = journal;
    memcpy(death.page, fake.page[RING_REF], sizeof(death.page));
}

static int mortal_copy(struct xen *x, xen_copy *c, unsigned n)
{
    live_on();
    return fake_copy(x, c, n);
}

static int mortal_notify(struct xen *x, uint32_t port)
{
    live_on();
    return fake_notify(x, port);
}

/* kill -9 between two rounds, or within one. Of the latter the guest has seen only what was published. */
static void die(void)
{
    if (pick(2)) {
        death.over = false;
        death.countdown = 1 + pick(5);
        kick();
        death.countdown = 0;
        if (death.over) {
            journal = death.journal;
            memcpy(fake.page[RING_REF], death.page, sizeof(death.page));
        }
    }
    end_service();
    fake_sg.n = 0;
    new_service();
    for (uint32_t t = 0; t < TARGETS; t++)
        if (t < 3 || pick(2))
            add_target(t, t == 0 ? 0 : LUN_HELD);
    resets_answered = resets;
    ck_assert_int_eq(service_connect(svc, RING_REF, 9, true), 0);
    ck_assert_int_eq(halts, 0);
}

static void change_lun(uint32_t t)
{
    if (!svc->luns[t])
        add_target(t, pick(2) ? LUN_ATTACHED : 0);
    else if (!svc->luns[t]->held)
        hotplug_remove(svc, t);
}

static void pass_deadlines(void)
{
    for (unsigned i = 0; i < CMD_COUNT; i++)
        svc->cmd[i].deadline_us = svc->cmd[i].step_us = 0;
}

static void answer_resets(int error)
{
    if (resets_answered == resets)
        return;
    resets_answered = resets;
    for (uint32_t t = 0; t < TARGETS; t++)
        if (svc->luns[t])
            manage_reset_done(svc, svc->luns[t], error);
}

static void retry_now(void)
{
    if (!loop_timer_armed(&svc->retry_timer))
        return;
    loop_timer_cancel(&svc->retry_timer);
    svc->retry_timer.expired(&svc->retry_timer);
}

/* The toolstack sets or ends the limits of a LUN. With these a third command has to wait. */
static void change_limits(uint32_t t)
{
    static const struct lun_limits some[] = {
        { 0 }, { .iops = 2 }, { .bps = 1 << 20 }, { .iops = 2, .bps = 1 << 20, .burst_s = 2 }, { .iops = 1000000 }
    };

    limits[t] = some[pick(ARRAY_SIZE(some))];
    hotplug_set_limits(svc, t, &limits[t]);
}

/* As if all that waits for a limit had waited for as long as anything may. */
static void pass_limits(void)
{
    for (unsigned i = 0; i < CMD_COUNT; i++)
        if (svc->cmd[i].state == CMD_QUEUED && svc->cmd[i].limited_us > 0)
            svc->cmd[i].limited_us = 1;
    if (!loop_timer_armed(&svc->limit_timer))
        return;
    loop_timer_cancel(&svc->limit_timer);
    svc->limit_timer.expired(&svc->limit_timer);
}

/* --- what must hold --- */

static void check_lun(const struct lun *lun)
{
    unsigned at_device = 0, strays = 0, queued = 0, owed = 0, in_queue = 0;
    struct cmd *const *tail = &lun->queue;

    for (unsigned i = 0; i < CMD_COUNT; i++) {
        const struct cmd *c = &svc->cmd[i];

        if (c->state == CMD_FREE || c->lun != lun)
            continue;
        at_device += c->state == CMD_AT_DEVICE;
        strays += c->state == CMD_AT_DEVICE && c->stray;
        queued += c->state == CMD_QUEUED;
        owed += c->req.act == VSCSIIF_ACT_SCSI_CDB && !c->stray;
    }
    for (; *tail; tail = &(*tail)->next, in_queue++)
        must_eq((*tail)->state, CMD_QUEUED);
    must(lun->queue_tail == tail, "the tail of the queue is wrong");
    must_eq(in_queue, queued);
    must(!lun->limit_waits || (queued > 0 && loop_timer_armed(&svc->limit_timer)), "a limit holds %u without a timer",
         queued);
    must_eq(lun->in_flight, at_device);
    must(lun->queue_depth == 0 || at_device <= lun->queue_depth, "%u at a device for %u", at_device,
         (unsigned)lun->queue_depth);
    must(!lun->host || lun->host->at_device <= lun->host->may.places, "too many at a host");
    must_eq(lun->strays, strays);
    must_eq(lun->stats->commands - lun->stats->answered, owed);
}

static void check_all(void)
{
    const struct cmd *by_entry[PVSCSI_RING_SLOTS] = { NULL };
    unsigned busy = 0, at_device = 0, at_host = 0;

    for (unsigned i = 0; i < CMD_COUNT; i++) {
        const struct cmd *c = &svc->cmd[i];

        busy += c->state != CMD_FREE;
        at_device += c->state == CMD_AT_DEVICE;
        if (c->state == CMD_AT_DEVICE)
            must((c->stray ? journal.strays_deadline_us : journal.entry[c->entry].deadline_us) >= c->deadline_us,
                 "a command outlives its deadline in the journal");
        at_host += c->state == CMD_AT_DEVICE && c->lun->host;
        if (c->state == CMD_FREE || c->stray)
            continue;
        must(by_entry[c->entry] == NULL, "two commands have journal entry %u", (unsigned)c->entry);
        by_entry[c->entry] = c;
    }
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++) {
        must_eq(journal.entry[i].state, by_entry[i] ? JOURNAL_TAKEN : JOURNAL_FREE);
        if (by_entry[i])
            must_eq(journal.entry[i].rqid, by_entry[i]->req.rqid);
    }
    must_eq(journal.at_device, svc->at_device.predecessors + at_device);
    must_eq(svc->n_busy, busy);
    if (journal.at_device == 0)
        must_eq(journal.strays_deadline_us, 0);
    must_eq(svc->hosts[0].n_luns > 0 ? svc->hosts[0].at_device : 0, at_host);
    for (uint32_t t = 0; t < TARGETS; t++) {
        hotplug_reap(svc, t);
        if (svc->luns[t])
            check_lun(svc->luns[t]);
    }
}

static void step(void)
{
    static const int errors[] = { 0, 0, 0, ENOMEM, EDOM, ENODEV, EINVAL };

    switch (pick(26)) {
    case 0:
        fake_sg.write_error = errors[pick(ARRAY_SIZE(errors))];
        break;
    case 1:
        fake_sg.instant = pick(3) == 0;
        break;
    case 2:
        fake_sg.read_error = EFAULT;
        break;
    case 3:
        if (pick(4) == 0)
            reconnect();
        break;
    case 4:
        if (pick(4) == 0)
            die();
        break;
    case 5:
        change_lun(pick(TARGETS));
        break;
    case 6:
        pass_deadlines();
        break;
    case 7:
        answer_resets(pick(2) ? 0 : -EIO);
        break;
    case 8:
        hotplug_release(svc, pick(TARGETS));
        break;
    case 9:
        retry_now();
        break;
    case 10:
        fake_sg.open_error = pick(2) ? EMFILE : 0;
        break;
    case 11:
        turn();
        break;
    case 12:
    case 13:
    case 14:
        end_some_command();
        break;
    case 15:
        change_limits(pick(TARGETS));
        break;
    case 16:
        pass_limits();
        break;
    default:
        put_something();
        break;
    }
    if (pick(2))
        kick();
    take_answers();
    check_all();
}

/* Without any more faults, all outstanding requests must end. */
static void finish_all(void)
{
    fake_sg.write_error = fake_sg.open_error = fake_sg.read_error = 0;
    for (unsigned n = 0; n < 200; n++) {
        for (uint32_t t = 0; t < TARGETS; t++)
            hotplug_release(svc, t);
        answer_resets(0);
        end_some_command();
        retry_now();
        pass_limits();
        kick();
        take_answers();
        check_all();
    }
    ck_assert_uint_eq(n_outstanding(), 0);
    ck_assert_uint_eq(svc->n_busy, 0);
    ck_assert_uint_eq(fake_sg.n, 0);
}

static void setup_random(void)
{
    memset(&fake_sg, 0, sizeof(fake_sg));
    memset(limits, 0, sizeof(limits));
    setup();
    mortal_ops = fake_ops;
    mortal_ops.copy = mortal_copy;
    mortal_ops.notify = mortal_notify;
    fake.xen.ops = &mortal_ops;
    add_target(1, 0);
    add_target(2, 0);
}

START_TEST(a_random_history_keeps_every_promise)
{
    static const uint32_t budgets[] = { 100000, 0, 60 };

    random_state = (uint32_t)_i * 2654435761u + 1;
    budget = budgets[_i % 3]; /* all buffers granted, none, or some of the small ones */
    service_allot(svc, budget);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < STEPS; i++)
            step();
        finish_all();
    }
    for (uint32_t t = 0; t < TARGETS; t++)
        if (svc->luns[t])
            ck_assert(hotplug_remove(svc, t));
    ck_assert_uint_eq(fake_sg.n_fds, 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, a_random_history_keeps_every_promise, 0, (int)rounds(SEEDS));
}

int main(void)
{
    return run_tests("service, at random", setup_random, teardown, add_tests);
}
