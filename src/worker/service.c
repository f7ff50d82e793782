// SPDX-License-Identifier: GPL-2.0-or-later
/* One vhost being served: ring, rounds and grant copies; see service.h. */
#include "config.h"

#include <errno.h>
#include <sched.h>

#include "common/trace.h"
#include "worker/account.h"
#include "worker/command.h"
#include "worker/hotplug.h"
#include "worker/lun.h"
#include "worker/manage.h"
#include "worker/service.h"

/* A pass takes all requests of the ring. After this many passes the other sources of the event loop have their turn. */
#define PASSES_PER_ROUND 4
/* After this many events in a row without work, the next unmask waits; the wait doubles up to a second. */
#define QUIET_EVENTS_FREE 16
#define QUIET_DELAY_MAX_US 1000000u
#define UNMASK_AGAIN_US 100000u
/* The control process is asked for granted memory at most this often. */
#define WISH_AGAIN_US 100000u
#define ALL_ENTRIES ((1u << PVSCSI_RING_SLOTS) - 1)

static void note_pages(struct service *svc)
{
    svc->stats->granted_pages = svc->buffers.held;
}

static void unmask(struct service *svc)
{
    int r = svc->page ? svc->xen->ops->unmask(svc->xen, svc->port) : 0;

    svc->port_masked = r < 0;
    if (r < 0) {
        /* If the port stayed masked, no event of the guest would arrive any more. */
        log_limited(&svc->bad_limit, XTL_ERROR, svc->prefix, "cannot unmask event channel %u: %s; it is tried again",
                    svc->port, strerror(-r));
        loop_timer_arm(svc->loop, &svc->unmask_timer, UNMASK_AGAIN_US);
    }
}

static void unmask_expired(struct loop_timer *timer)
{
    unmask(container_of(timer, struct service, unmask_timer));
}

static void retry_expired(struct loop_timer *timer)
{
    struct service *svc = container_of(timer, struct service, retry_timer);

    svc->work = true;
    for (unsigned i = 0; i < PVSCSI_STATS_LUNS; i++)
        if (svc->luns[i])
            command_pump(svc, svc->luns[i]);
}

/* The limits of a LUN may let its queue continue. */
static void limit_expired(struct loop_timer *timer)
{
    struct service *svc = container_of(timer, struct service, limit_timer);

    svc->work = true;
    for (unsigned i = 0; i < svc->n_sorted; i++)
        if (svc->sorted[i]->limit_waits)
            command_pump(svc, svc->sorted[i]);
}

void service_end_limits(struct service *svc)
{
    loop_timer_arm(svc->loop, &svc->limit_timer, 0);
}

static void manage_expired(struct loop_timer *timer)
{
    container_of(timer, struct service, manage_timer)->work = true;
}

/* Granted memory is given back when no command has taken any for a while, and the control process is told. */
static void buffers_expired(struct loop_timer *timer)
{
    struct service *svc = container_of(timer, struct service, buffers_timer);

    if (now_us() - svc->buffers.used_us >= BUFFERS_IDLE_US) {
        buffers_release_idle(&svc->buffers);
        note_pages(svc);
        svc->wish_pages(svc, svc->buffers.held);
    }
    if (svc->buffers.held > 0)
        loop_timer_arm(svc->loop, &svc->buffers_timer, BUFFERS_IDLE_US);
}

void service_allot(struct service *svc, uint32_t pages)
{
    buffers_allot(&svc->buffers, pages);
    note_pages(svc);
}

void service_set_poll(struct service *svc, uint32_t poll_us)
{
    if (poll_us == svc->poll_us)
        return; /* what it has learnt of this guest stays */
    svc->poll_us = poll_us;
    poll_init(&svc->poll, poll_us);
}

static void event_ready(struct loop_source *src, uint32_t revents)
{
    struct service *svc = container_of(src, struct service, events);
    uint32_t port;
    int r;

    while ((r = svc->xen->ops->pending(svc->xen, &port)) == 1) {
        if (!svc->page || port != svc->port)
            continue;
        svc->stats->ring_events++;
        svc->port_masked = true;
        svc->work = true;
        if (svc->taken_since_event > 0)
            svc->quiet_events = 0;
        else
            svc->quiet_events++;
        svc->taken_since_event = 0;
        return; /* ours is the only port. It is masked now, so nothing follows before the unmask. */
    }
    /* Edge-triggered: an event that could not be read is reported once more. */
    if (r < 0)
        loop_modify(src, src->events);
}

int service_init(struct service *svc)
{
    if (grants_init(&svc->grants, svc->xen, svc->domid, svc->own_domid, 2 * CMD_COUNT * REQUEST_SEGMENTS_MAX) < 0)
        return -ENOMEM;
    /* Only the part that transfers use takes memory: at most 16 MiB of this process. */
    if (buffers_init(&svc->buffers, svc->xen, svc->prefix, svc->own_domid, CMD_COUNT) < 0)
        return -ENOMEM;
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        svc->cmd[i].index = (uint8_t)i;
        svc->cmd[i].buffer = buffers_plain(&svc->buffers, i);
        svc->cmd[i].buf = svc->cmd[i].buffer.pages;
    }
    note_pages(svc);
    at_device_init(&svc->at_device, svc->journal);
    svc->unmask_timer.expired = unmask_expired;
    svc->retry_timer.expired = retry_expired;
    svc->manage_timer.expired = manage_expired;
    svc->buffers_timer.expired = buffers_expired;
    svc->limit_timer.expired = limit_expired;
    svc->bad_limit = (struct log_limit)LOG_LIMIT_INIT;
    sg_pool_init(&svc->sg_pool, svc->loop, command_sg_done, command_sg_lost);
    svc->sg_pool.own_nodes = svc->own_nodes;
    poll_init(&svc->poll, svc->poll_us);
    return 0;
}

void service_deinit(struct service *svc)
{
    if (svc->page)
        service_leave(svc);
    hotplug_free_all(svc);
    sg_pool_deinit(&svc->sg_pool);
    loop_timer_cancel(&svc->unmask_timer);
    loop_timer_cancel(&svc->retry_timer);
    loop_timer_cancel(&svc->manage_timer);
    loop_timer_cancel(&svc->buffers_timer);
    loop_timer_cancel(&svc->limit_timer);
    buffers_deinit(&svc->buffers);
    grants_deinit(&svc->grants);
}

static bool is_management(const struct cmd *c)
{
    return c->req.act == VSCSIIF_ACT_SCSI_ABORT || c->req.act == VSCSIIF_ACT_SCSI_RESET;
}

static void recover(struct service *svc, uint32_t orphans)
{
    uint32_t management = 0;

    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++) {
        const struct pvscsi_journal_entry *s = &svc->journal->entry[i];
        struct cmd *c = &svc->cmd[i];

        if (!(orphans & (1u << i)))
            continue;
        svc->entries |= 1u << i;
        c->entry = (uint8_t)i;
        c->kind = SCSI_KINDS;
        c->recovered = true;
        c->stray = false;
        c->start_us = now_us();
        c->limited_us = 0;
        c->data_len = s->data_len;
        c->in_len = 0;
        memset(&c->req, 0, sizeof(c->req));
        c->req.rqid = s->rqid;
        c->req.act = s->act;
        c->req.channel = s->channel;
        c->req.id = s->target;
        c->req.lun = s->lun;
        c->req.cmnd[0] = c->cdb[0] = s->opcode;
        c->lun = s->act == VSCSIIF_ACT_SCSI_CDB ? lun_find(svc, s->channel, s->target, s->lun) : NULL;
        if (c->lun)
            c->lun->stats->commands++; /* in flight again; the counters started without it */
        svc->n_busy++;
        if (c->lun && c->lun->held) {
            lun_enqueue(c);
        } else {
            c->state = CMD_TAKEN;
            if (is_management(c))
                management |= 1u << i;
            else
                command_end_recovered(svc, c);
        }
    }
    /* ABORT and RESET need only their address. They start anew, after the commands that they wait for are known. */
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        if (management & (1u << i))
            manage_start(svc, &svc->cmd[i]);
}

int service_connect(struct service *svc, uint32_t ring_ref, uint32_t event_channel, bool take_over)
{
    uint32_t orphans = 0, stale;
    int r;

    r = svc->xen->ops->map(svc->xen, svc->domid, ring_ref, &svc->page);
    if (r < 0) {
        svc->page = NULL;
        return r;
    }
    /* What is left of another port must not keep the kernel from waking us: it does so when it had nothing for us. */
    while (svc->xen->ops->pending(svc->xen, &stale) == 1)
        ;
    r = svc->xen->ops->bind(svc->xen, svc->domid, event_channel, &svc->port);
    if (r < 0)
        goto unmap;
    svc->events = (struct loop_source){ .fd = svc->xen->ops->event_fd(svc->xen),
                                        .events = EPOLLIN | EPOLLET,
                                        .ready = event_ready };
    r = loop_add(svc->loop, &svc->events);
    if (r < 0)
        goto unbind;
    svc->quiet_events = svc->taken_since_event = 0;
    svc->port_masked = false;
    svc->entries = 0;
    svc->stats->halted = 0;
    if (take_over) {
        svc->stats->restarts++;
        r = ring_resume(&svc->ring, svc->page, svc->journal, &orphans);
        if (r < 0) {
            svc->stats->halted = 1;
            log_limited(&svc->bad_limit, XTL_WARN, svc->prefix,
                        "ring and journal do not agree after a restart: the "
                        "ring stays halted until the guest connects again");
            svc->halted(svc);
            return 0;
        }
        recover(svc, orphans);
    } else {
        at_device_lose_ring(&svc->at_device);
        ring_start(&svc->ring, svc->page, svc->journal, ring_ref, event_channel);
    }
    hotplug_check_held(svc);
    svc->work = true; /* requests may be waiting, and a dead predecessor may not have sent its event */
    if (take_over) {
        ring_push(&svc->ring);
        svc->xen->ops->notify(svc->xen, svc->port);
    }
    return 0;
unbind:
    svc->xen->ops->unbind(svc->xen, svc->port);
unmap:
    svc->xen->ops->unmap(svc->xen, svc->page);
    svc->page = NULL;
    return r;
}

static void let_go(struct service *svc)
{
    loop_timer_cancel(&svc->unmask_timer);
    loop_remove(&svc->events);
    svc->xen->ops->unbind(svc->xen, svc->port);
    svc->xen->ops->unmap(svc->xen, svc->page);
    svc->page = NULL;
    svc->port_masked = false;
}

static void release(struct service *svc, struct cmd *c)
{
    c->state = CMD_FREE;
    svc->done &= ~(1u << c->index);
    svc->managing &= ~(1u << c->index);
    svc->n_busy--;
    buffers_give(&svc->buffers, c->index, &c->buffer);
}

void service_disconnect(struct service *svc)
{
    if (!svc->page)
        return;
    at_device_lose_ring(&svc->at_device);
    ring_detach(&svc->ring);
    let_go(svc);
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        struct cmd *c = &svc->cmd[i];

        if (c->state == CMD_AT_DEVICE && (c->stray || !command_take_back(c))) {
            /* One of a ring before was counted then. */
            if (!c->stray && !c->at_helper)
                c->lun->strays++;
            c->stray = true;
        } else if (c->state != CMD_FREE) {
            release(svc, c);
        }
    }
    for (unsigned i = 0; i < PVSCSI_STATS_LUNS; i++) {
        struct lun *lun = svc->luns[i];

        if (lun) {
            lun_empty_queue(lun);
            lun->resetting = false;
            lun->stats->commands = lun->stats->answered;
        }
    }
    buffers_release_idle(&svc->buffers);
    note_pages(svc);
    if (svc->buffers.allot > 0)
        svc->wish_pages(svc, svc->buffers.held);
    svc->progress(svc); /* the removal of a LUN may have waited for commands that were dropped now */
}

void service_leave(struct service *svc)
{
    if (!svc->page)
        return;
    svc->ring.shared = NULL;
    let_go(svc);
}

/* --- a pass --- */

/* Requests of one pass that have no answer yet, in the order of the ring. */
struct batch {
    unsigned n;
    struct cmd *c[PVSCSI_RING_SLOTS];
};

/* Ends a command that the guest has made wrong. */
static void refuse(struct service *svc, struct cmd *c, struct scsi_sense sense)
{
    svc->stats->bad_requests++;
    if (c->start_us == 0)
        c->start_us = now_us();
    command_finish_sense(svc, c, sense, SCSI_HOST_ERROR);
}

static void malformed(struct service *svc, struct cmd *c, enum request_defect defect)
{
    log_limited(&svc->bad_limit, XTL_WARN, svc->prefix, "request %u refused: %s", c->req.rqid,
                request_defect_text(defect));
    c->data_len = 0;
    refuse(svc, c, request_defect_sense(defect));
}

static void copy_failed(struct service *svc, struct cmd *c, const char *what)
{
    log_limited(&svc->bad_limit, XTL_WARN, svc->prefix, "request %u failed: a grant of its %s cannot be copied",
                c->req.rqid, what);
    c->kind = SCSI_KINDS; /* not what the device's answer was */
    refuse(svc, c, (struct scsi_sense){ 0x0b, 0x08, 0x00 });
}

/* Runs the copies that were added for the batch; those that failed are answered and leave it. */
static void fetch(struct service *svc, struct batch *b, const char *what)
{
    uint32_t failed = grants_run(&svc->grants);
    unsigned kept = 0;

    for (unsigned i = 0; i < b->n; i++) {
        if (failed & (1u << b->c[i]->index))
            copy_failed(svc, b->c[i], what);
        else
            b->c[kept++] = b->c[i];
    }
    b->n = kept;
}

static struct cmd *free_command(struct service *svc)
{
    for (unsigned i = 0; i < CMD_COUNT; i++)
        if (svc->cmd[i].state == CMD_FREE)
            return &svc->cmd[i];
    return NULL;
}

static void begin(struct cmd *c, unsigned entry)
{
    c->entry = (uint8_t)entry;
    c->state = CMD_TAKEN;
    c->stray = c->recovered = c->no_data = c->filter_in = c->at_helper = c->in_pieces = c->abort_due = c->reset_due =
        false;
    c->counted = false;
    c->retries = 0;
    c->lun = NULL;
    c->next = NULL;
    c->n_lists = c->n_segs = 0;
    c->buf = c->buffer.pages; /* the plain one */
    c->data_len = c->in_len = 0;
    c->start_us = c->limited_us = c->begun_us = c->ended_us = 0;
    c->kind = SCSI_KINDS;
}

static void halt(struct service *svc)
{
    svc->stats->halted = 1;
    log_limited(&svc->bad_limit, XTL_WARN, svc->prefix,
                "the guest's request index is impossible: the ring is halted until it connects again");
    svc->halted(svc);
}

/* Takes what is on the ring; returns how many. Well-formed ones go into the batch, the others are answered. */
static unsigned take_requests(struct service *svc, struct batch *b)
{
    unsigned n = 0;
    struct cmd *c;
    int r;

    /* There is a free entry for each request that the ring lets us take. There may be no free command. */
    while ((r = ring_look(&svc->ring)) == 1 && svc->entries != ALL_ENTRIES && (c = free_command(svc)) != NULL) {
        unsigned entry = (unsigned)__builtin_ctz(~svc->entries);
        enum request_defect defect;

        r = ring_take(&svc->ring, entry, &c->req);
        if (r != 1)
            break;
        svc->entries |= 1u << entry;
        begin(c, entry);
        svc->n_busy++;
        n++;
        trace_taken(svc->domid, svc->vhost, &c->req);
        defect = request_check(&c->req, svc->max_segments, &c->n_lists, &c->n_segs);
        if (defect == REQUEST_OK)
            b->c[b->n++] = c;
        else
            malformed(svc, c, defect);
    }
    if (r < 0)
        halt(svc);
    return n;
}

/* Gets the segments of each command, from the request itself or from the lists that it names. */
static void fetch_segments(struct service *svc, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        struct cmd *c = b->c[i];
        uint8_t *to = (uint8_t *)c->segs;

        if (c->n_lists == 0)
            memcpy(c->segs, c->req.seg, c->n_segs * sizeof(c->segs[0]));
        for (unsigned l = 0; l < c->n_lists; l++) {
            grants_add(&svc->grants, c->index, &c->req.seg[l], to, c->req.seg[l].length, false);
            to += c->req.seg[l].length;
        }
    }
    fetch(svc, b, "segment list");
}

/* False: c has its answer. */
static bool check_and_decide(struct service *svc, struct cmd *c)
{
    enum request_defect defect = request_check_segments(c->segs, c->n_segs, &c->data_len);

    if (defect != REQUEST_OK) {
        malformed(svc, c, defect);
        return false;
    }
    memset(c->cdb, 0, sizeof(c->cdb));
    memcpy(c->cdb, c->req.cmnd, c->req.cmd_len);
    if (c->data_len > 0) {
        /* The offset was checked: it is less than a page. */
        c->buffer = buffers_take(&svc->buffers, c->index, c->segs[0].offset + c->data_len, c->start_us);
        c->buf = c->buffer.pages + c->segs[0].offset;
    }
    ring_note_length(&svc->ring, c->entry, c->data_len);
    return command_decide(svc, c);
}

static void decide(struct service *svc, struct batch *b)
{
    uint64_t now = now_us();
    unsigned kept = 0;

    for (unsigned i = 0; i < b->n; i++) {
        struct cmd *c = b->c[i];

        c->start_us = now;
        if (is_management(c) || check_and_decide(svc, c))
            b->c[kept++] = c;
    }
    b->n = kept;
}

static struct grants_data data_of(const struct cmd *c)
{
    return (struct grants_data){ .pages = c->buffer.pages,
                                 .refs = c->buffer.refs,
                                 .at = (uint32_t)(c->buf - c->buffer.pages) };
}

static void fetch_data(struct service *svc, struct batch *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        struct cmd *c = b->c[i];

        if (!is_management(c) && c->req.sc_data_direction == SCSI_DIR_OUT)
            grants_add_data(&svc->grants, c->index, c->segs, c->n_segs, data_of(c), c->data_len, false);
    }
    fetch(svc, b, "data");
}

static void take_pass(struct service *svc)
{
    struct batch b = { .n = 0 };
    unsigned n = take_requests(svc, &b);

    if (n == 0)
        return;
    svc->stats->ring_scans++;
    svc->taken_since_event += n;
    fetch_segments(svc, &b);
    decide(svc, &b);
    fetch_data(svc, &b);
    for (unsigned i = 0; i < b.n; i++) {
        if (is_management(b.c[i]))
            manage_start(svc, b.c[i]);
        else
            command_submit(svc, b.c[i]);
    }
}

TRACE_FUNCTION trace_answer(const struct service *svc, const struct cmd *c, int32_t rslt, uint64_t now)
{
    trace_answered(svc->domid, svc->vhost, &c->req, c->data_len, (uint32_t)rslt, now - c->start_us);
}

/*
 * Sends everything that is DONE: data, answers, one push, at most one event. The answers of commands go before
 * those of ABORT and RESET: when the guest sees that an ABORT or RESET succeeded, the commands that it ended must
 * not be outstanding.
 */
static void complete_pass(struct service *svc)
{
    struct cmd *done[CMD_COUNT], *management[CMD_COUNT];
    unsigned n = 0, n_management = 0;
    uint32_t failed;
    uint64_t now;

    if (!svc->done)
        return;
    for (uint32_t bits = svc->done; bits; bits &= bits - 1) {
        struct cmd *c = &svc->cmd[__builtin_ctz(bits)];

        if (is_management(c)) {
            management[n_management++] = c;
            continue;
        }
        done[n++] = c;
        if (svc->page && !c->stray)
            grants_add_data(&svc->grants, c->index, c->segs, c->n_segs, data_of(c), c->in_len, true);
    }
    for (unsigned i = 0; i < n_management; i++)
        done[n++] = management[i];
    failed = grants_run(&svc->grants);
    now = now_us();
    for (unsigned i = 0; i < n; i++) {
        struct cmd *c = done[i];

        if (failed & (1u << c->index)) {
            copy_failed(svc, c, "data");
            c->in_len = 0;
        }
        account_command(svc, c, now);
        if (svc->page && !c->stray && !svc->ring.halted) {
            if (is_management(c)) {
                trace_answer(svc, c, c->managed, now);
                ring_answer(&svc->ring, c->entry, c->managed, NULL);
            } else {
                int32_t rslt = (int32_t)((uint32_t)c->answer.host << 16 | c->answer.status);

                trace_answer(svc, c, rslt, now);
                ring_answer(&svc->ring, c->entry, rslt, &c->answer);
            }
        }
        if (!c->stray)
            svc->entries &= ~(1u << c->entry);
        release(svc, c);
    }
    if (svc->page && !svc->ring.halted && ring_push(&svc->ring)) {
        svc->stats->notifies++;
        svc->xen->ops->notify(svc->xen, svc->port);
    }
    svc->progress(svc);
}

/* Unmasks the port, at once or later: a guest that sends events without requests has to wait. */
static void sleep_until_event(struct service *svc)
{
    uint32_t over, delay = 1000;

    /* The events of a halted ring are ignored. */
    if (!svc->port_masked || svc->ring.halted || loop_timer_armed(&svc->unmask_timer))
        return;
    if (svc->taken_since_event > 0 || svc->quiet_events <= QUIET_EVENTS_FREE) {
        unmask(svc);
        return;
    }
    for (over = svc->quiet_events - QUIET_EVENTS_FREE; over > 0 && delay < QUIET_DELAY_MAX_US; over--)
        delay *= 2;
    loop_timer_arm(svc->loop, &svc->unmask_timer, delay < QUIET_DELAY_MAX_US ? delay : QUIET_DELAY_MAX_US);
}

/*
 * Looks at the ring for a moment, if that is worth while. True: there is a request. Only while the guest waits for
 * nothing: the end of a command is seen by the loop alone.
 */
static bool look_a_moment(struct service *svc)
{
    uint64_t begin, now, last;
    uint32_t us;
    int r;

    if (svc->poll_us == 0 || svc->n_busy > 0 || svc->stopping || svc->ring.halted || svc->taken_since_event == 0)
        return false;
    begin = last = now_us();
    us = poll_begin(&svc->poll, begin);
    if (us == 0)
        return false;
    sched_yield(); /* a thread that wants this processor has it now */
    for (;;) {
        now = now_us();
        if (now - last > POLL_GAP_US) {
            poll_end(&svc->poll, POLL_BUSY, now);
            return false;
        }
        r = ring_look(&svc->ring);
        if (r != 0) {
            poll_end(&svc->poll, POLL_FOUND, now);
            if (r < 0)
                halt(svc);
            return r > 0;
        }
        if (now - begin >= us) {
            poll_end(&svc->poll, POLL_NOTHING, now);
            return false;
        }
        last = now;
    }
}

/* Asks for an event at the next request. True: there is a request already, and a free command for it. */
static bool more_to_take(struct service *svc)
{
    int r;

    if (svc->stopping || svc->ring.halted)
        return false;
    r = ring_final_check(&svc->ring);
    if (r < 0)
        halt(svc);
    return r > 0 && svc->n_busy < CMD_COUNT;
}

/* After a round that had to do without granted memory, the control process is asked for more. */
static void wish_pages(struct service *svc)
{
    uint64_t now;

    if (svc->buffers.held > 0 && !loop_timer_armed(&svc->buffers_timer))
        loop_timer_arm(svc->loop, &svc->buffers_timer, BUFFERS_IDLE_US);
    note_pages(svc);
    if (!buffers_has_wish(&svc->buffers))
        return;
    now = now_us();
    if (svc->wished_us && now - svc->wished_us < WISH_AGAIN_US)
        return;
    svc->wished_us = now;
    svc->wish_pages(svc, buffers_wish(&svc->buffers));
}

void service_round(struct service *svc)
{
    if (!svc->work && svc->sg_pool.n_fresh == 0)
        return;
    for (unsigned pass = 0; pass < PASSES_PER_ROUND; pass++) {
        svc->work = false;
        if (svc->page && !svc->stopping && !svc->ring.halted)
            take_pass(svc);
        sg_pool_reap_fresh(&svc->sg_pool);
        complete_pass(svc);
        manage_check(svc);
        complete_pass(svc);
        wish_pages(svc);
        /* What manage_check() submitted is looked at in the next pass. */
        if (svc->sg_pool.n_fresh == 0) {
            if (!svc->page)
                return;
            if (!svc->work && !look_a_moment(svc) && !more_to_take(svc)) {
                sleep_until_event(svc);
                return;
            }
        }
        svc->work = true;
    }
    /* There is more to do: first the other sources of the loop have their turn. */
    loop_timer_arm(svc->loop, &svc->manage_timer, 0);
}
