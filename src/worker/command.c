// SPDX-License-Identifier: GPL-2.0-or-later
/* One command's way to its device and back; see command.h. */
#include "config.h"

#include <errno.h>

#include "common/trace.h"
#include "pr/check.h"
#include "scsi/left.h"
#include "scsi/opcodes.h"
#include "worker/command.h"
#include "worker/lun.h"
#include "worker/throttle.h"

/* A command that the device cannot take now (memory, its queue) is tried again after this time. */
#define RETRY_DELAY_US 10000
#define RETRIES_MAX 200
/* The least time for a piece, if the pieces before it have used up the command's time-out. */
#define PIECE_TIMEOUT_MIN_MS 1000
/*
 * How often the kernel may start the time-out of one command. The transport or the driver may want that when it ends
 * (Linux, eh_timed_out): FC while the port is blocked, iSCSI while a ping is under way and while others get answers,
 * megaraid_sas for 180 s.
 */
#define TIMEOUT_RUNS 3

void command_finish(struct service *svc, struct cmd *c)
{
    /* Every answer passes here, the PR helper's too: none starts the guest's error handling. */
    if (scsi_answer_make_safe(&c->answer, c->lun ? c->lun->facts.type : PDT_UNKNOWN, c->data_len))
        c->in_len = 0;
    if (c->lun && c->cdb[0] == OP_TEST_UNIT_READY)
        scsi_answer_of_test(&c->answer);
    c->state = CMD_DONE;
    svc->managing &= ~(1u << c->index);
    svc->done |= 1u << c->index;
    svc->work = true;
}

void command_finish_sense(struct service *svc, struct cmd *c, struct scsi_sense s, uint8_t host)
{
    scsi_answer_sense(&c->answer, s, host, c->data_len);
    c->in_len = 0;
    command_finish(svc, c);
}

/* The guest keeps the LUN, and it works again when the device is back: nothing may start the guest's error handling. */
static void finish_away(struct service *svc, struct cmd *c)
{
    command_finish_sense(svc, c, (struct scsi_sense){ 0x05, 0x25, 0x00 }, SCSI_HOST_OK);
}

void command_finish_status(struct service *svc, struct cmd *c, uint8_t status, uint8_t host)
{
    scsi_answer_status(&c->answer, status, host, c->data_len);
    c->in_len = 0;
    command_finish(svc, c);
}

void command_finish_aborted(struct service *svc, struct cmd *c, uint8_t host)
{
    /* Some frontends drop the host byte, so the status says it too: TASK ABORTED. */
    command_finish_status(svc, c, SCSI_TASK_ABORTED, host);
}

/* Runs the queues after this time, or sooner if that was asked for before. */
static void retry_in(struct service *svc, uint64_t us)
{
    if (!loop_timer_armed(&svc->retry_timer) || svc->retry_timer.due_us > now_us() + us)
        loop_timer_arm(svc->loop, &svc->retry_timer, us);
}

static bool has_begun(const struct cmd *c)
{
    return c->in_pieces && c->split.done > 0;
}

static void begin_at_device(struct service *svc, struct cmd *c)
{
    uint64_t now = now_us(), left_ms = c->timeout_ms;

    if (!has_begun(c)) {
        c->begun_us = now;
    } else {
        uint64_t spent_ms = (now - c->begun_us) / 1000;

        left_ms = spent_ms + PIECE_TIMEOUT_MIN_MS < left_ms ? left_ms - spent_ms : PIECE_TIMEOUT_MIN_MS;
    }
    c->sg.timeout_ms = (uint32_t)left_ms;
    c->deadline_us = now + TIMEOUT_RUNS * (uint64_t)c->sg.timeout_ms * 1000;
    at_device_add(&svc->at_device, c->entry, c->deadline_us);
    if (c->lun->host) {
        c->lun->host->at_device++;
        c->lun->host->last = c->lun->index;
    }
}

/* sg has given c back, or has not taken it. */
static void end_at_device(struct service *svc, struct cmd *c)
{
    at_device_remove(&svc->at_device);
    if (c->lun->host)
        c->lun->host->at_device--;
}

static void leave_device(struct service *svc, struct cmd *c)
{
    c->ended_us = now_us();
    c->lun->in_flight--;
    if (!c->at_helper) {
        end_at_device(svc, c);
        if (c->stray)
            c->lun->strays--;
    }
}

/* A command has left this LUN: its queue may continue, or that of another LUN of the same SCSI host. */
static void wake_queues(struct service *svc, struct lun *lun)
{
    if ((lun->queue && !lun->limit_waits) || lun_others_wait(svc, lun))
        retry_in(svc, 0);
}

static enum scsi_direction direction(const struct cmd *c)
{
    return (enum scsi_direction)c->req.sc_data_direction;
}

/* What the device is told: a command without data has no direction. */
static enum scsi_direction direction_at_device(const struct cmd *c)
{
    return c->no_data ? SCSI_DIR_NONE : direction(c);
}

/* Bytes from c->buf to the end of the buffer. */
static uint32_t command_room(const struct cmd *c)
{
    return c->buffer.room - (uint32_t)(c->buf - c->buffer.pages);
}

static void report_luns(struct service *svc, struct cmd *c)
{
    uint16_t numbers[PVSCSI_STATS_LUNS];
    unsigned n = lun_numbers(svc, c->req.channel, c->req.id, numbers, ARRAY_SIZE(numbers));
    struct scsi_sense refuse;
    uint32_t len = scsi_report_luns(c->cdb, numbers, n, c->buf, command_room(c), &refuse);

    if (len == 0) {
        command_finish_sense(svc, c, refuse, SCSI_HOST_OK);
        return;
    }
    /* SPC-5 6.32: REPORT LUNS clears this unit attention for every LUN of the target. */
    for (unsigned i = 0; i < svc->n_sorted; i++)
        if (svc->sorted[i]->channel == c->req.channel && svc->sorted[i]->target == c->req.id)
            svc->sorted[i]->ua_luns_changed = false;
    c->in_len = direction(c) == SCSI_DIR_IN ? (len < c->data_len ? len : c->data_len) : 0;
    scsi_answer_status(&c->answer, SCSI_GOOD, SCSI_HOST_OK, c->data_len - c->in_len);
    command_finish(svc, c);
}

/* True: a unit attention was due, and it is the answer to this command. */
static bool unit_attention(struct service *svc, struct cmd *c)
{
    struct lun *lun = c->lun;

    if (!lun->ua_reset && !lun->ua_luns_changed && !lun->ua_mode_changed)
        return false;
    if (c->cdb[0] == OP_INQUIRY || c->cdb[0] == OP_REPORT_LUNS || c->cdb[0] == OP_REQUEST_SENSE)
        return false;
    if (lun->ua_reset) {
        lun->ua_reset = false;
        command_finish_sense(svc, c, (struct scsi_sense){ 0x06, 0x29, 0x00 }, SCSI_HOST_OK);
    } else if (lun->ua_luns_changed) {
        lun->ua_luns_changed = false;
        command_finish_sense(svc, c, (struct scsi_sense){ 0x06, 0x3f, 0x0e }, SCSI_HOST_OK);
    } else {
        lun->ua_mode_changed = false;
        command_finish_sense(svc, c, (struct scsi_sense){ 0x06, 0x2a, 0x01 }, SCSI_HOST_OK);
    }
    return true;
}

bool command_decide(struct service *svc, struct cmd *c)
{
    struct scsi_decision d;

    c->lun = lun_find(svc, c->req.channel, c->req.id, c->req.lun);
    if (!c->lun) {
        svc->stats->bad_requests++;
        if (!lun_target_exists(svc, c->req.channel, c->req.id)) {
            command_finish_sense(svc, c, (struct scsi_sense){ 0x05, 0x25, 0x00 }, SCSI_HOST_NO_CONNECT);
        } else if (c->cdb[0] == OP_REPORT_LUNS) {
            report_luns(svc, c);
        } else {
            uint32_t room = direction(c) == SCSI_DIR_IN ? c->data_len : 0;

            c->in_len = scsi_absent_lun(c->cdb, c->data_len, c->buf, room, &c->answer);
            command_finish(svc, c);
        }
        return false;
    }
    c->lun->stats->commands++;
    if (c->lun->away && c->cdb[0] != OP_REPORT_LUNS) {
        finish_away(svc, c);
        return false;
    }
    if (unit_attention(svc, c))
        return false;
    scsi_decide(&c->lun->facts, c->cdb, c->req.cmd_len, direction(c), c->data_len, &d);
    switch (d.route) {
    case SCSI_TO_US:
        report_luns(svc, c);
        return false;
    case SCSI_REFUSED:
        c->kind = d.by_policy ? SCSI_KIND_POLICY : SCSI_KIND_REFUSED;
        command_finish_sense(svc, c, d.sense, SCSI_HOST_OK);
        return false;
    case SCSI_TO_HELPER:
    case SCSI_TO_DEVICE:
        break;
    }
    c->no_data = d.no_data;
    if (!c->no_data && c->data_len > c->lun->facts.max_transfer) {
        const struct scsi_lun_facts *f = &c->lun->facts;

        c->in_pieces = scsi_split_begin(&c->split, f->type, f->block_size, c->cdb, c->req.cmd_len, c->data_len,
                                        f->max_transfer);
    }
    c->filter_in = d.filter_in;
    c->check_out = d.check_out;
    c->timeout_ms = scsi_timeout_ms(&d, c->req.timeout_per_command);
    return true;
}

static bool reservation_command(const struct cmd *c)
{
    return c->cdb[0] == PR_OP_IN || c->cdb[0] == PR_OP_OUT;
}

/*
 * The whole command, as it goes to the device. There is room for what the filter fetches: it is less than any buffer.
 */
static void prepare_whole(struct cmd *c)
{
    c->piece = (struct scsi_piece){ .cdb_len = c->req.cmd_len, .len = c->no_data ? 0 : c->data_len };
    memcpy(c->piece.cdb, c->cdb, sizeof(c->cdb));
    c->give = c->data_len;
    if (c->filter_in) {
        struct scsi_fetch fetch = scsi_filter_fetch(&c->lun->facts, c->cdb, c->data_len);

        c->piece.len = fetch.len;
        c->give = fetch.give;
        memcpy(c->piece.cdb, fetch.cdb, sizeof(fetch.cdb));
    }
}

/* Filters what a device says of itself; the same for every backing. c->piece is what the device was asked for. */
static void filter_answer(struct cmd *c)
{
    if (!c->filter_in)
        return;
    if (c->in_len == 0)
        c->in_len = scsi_fix_refused(&c->lun->facts, c->cdb, c->buf, c->data_len, &c->answer);
    else
        c->in_len = scsi_filter_data_in(&c->lun->facts, c->piece.cdb, c->buf, c->in_len, c->piece.len);
    if (c->in_len > c->give)
        c->in_len = c->give;
    c->answer.residual = c->data_len - c->in_len;
}

/* Prepares what goes to the device next: the whole command, or a piece of it. */
static void prepare_piece(struct cmd *c)
{
    if (c->in_pieces)
        scsi_split_piece(&c->split, &c->piece);
    else
        prepare_whole(c);
    c->sg.cdb = c->piece.cdb;
    c->sg.cdb_len = c->piece.cdb_len;
    c->sg.dir = direction_at_device(c);
    c->sg.data = c->buf + c->piece.offset;
    c->sg.len = c->piece.len;
}

/* Takes the outcome of what prepare_piece() made. False: there is another piece. */
static bool end_piece(struct cmd *c)
{
    uint8_t type = c->lun->facts.type;
    struct scsi_answer answer;

    if (!c->in_pieces) {
        c->in_len = scsi_map_outcome(&c->sg.outcome, type, direction_at_device(c), c->piece.len, &c->answer);
        if (c->no_data)
            c->answer.residual = c->data_len;
        /* A driver's host byte for "again" does not say that the command has not begun. */
        if (c->answer.status == SCSI_BUSY && !c->sg.outcome.os_error && c->sg.outcome.host
            && !scsi_may_run_twice(c->cdb[0]))
            scsi_answer_unknown(&c->answer, type, c->data_len);
        filter_answer(c);
        c->kind = (uint8_t)scsi_kind_of(&c->sg.outcome, &c->answer);
        return true;
    }
    scsi_map_outcome(&c->sg.outcome, type, direction(c), c->piece.len, &answer);
    if (!scsi_split_end_piece(&c->split, &answer, &c->answer))
        return false;
    c->in_len = direction(c) == SCSI_DIR_IN ? c->data_len - c->answer.residual : 0;
    c->kind = (uint8_t)scsi_kind_of(&c->sg.outcome, &c->answer);
    return true;
}

/* Before the command can have an effect: a worker that dies then has noted what it may leave. */
static void note_left(struct lun *lun, uint32_t left)
{
    if (left != lun->stats->left)
        __atomic_store_n(&lun->stats->left, left, __ATOMIC_RELEASE);
}

/* 0: the command is at the device, or done already. -errno of sg_try_later(): not now. */
static int to_device(struct service *svc, struct cmd *c)
{
    struct lun *lun = c->lun;
    int r;

    if (lun->away) {
        finish_away(svc, c);
        return 0;
    }
    if (reservation_command(c)) {
        struct scsi_sense refuse;
        bool out = direction(c) == SCSI_DIR_OUT;
        /* One that was decided before pr=deny still goes to the helper. */
        bool by_helper = lun->pr && lun->facts.pr != SCSI_PR_DIRECT;
        bool move = lun->facts.pr_move;

        if (by_helper ? !pr_check(c->cdb, c->req.cmd_len, direction(c), c->data_len, c->buf, move, &refuse)
                      : !pr_check_direct(c->cdb, c->data_len, out ? c->buf : NULL, move, &refuse)) {
            c->kind = SCSI_KIND_REFUSED;
            command_finish_sense(svc, c, refuse, SCSI_HOST_OK);
            return 0;
        }
        if (by_helper) {
            r = pr_client_submit(lun->pr, c, c->cdb, out ? c->buf : NULL, out ? c->data_len : 0, out ? 0 : c->data_len,
                                 c->timeout_ms);
            if (r < 0) {
                command_finish_status(svc, c, SCSI_BUSY, SCSI_HOST_OK);
                return 0;
            }
            c->begun_us = now_us();
            c->at_helper = true;
            c->state = CMD_AT_DEVICE;
            lun->in_flight++;
            trace_submitted(svc->domid, svc->vhost, &c->req, c->data_len, TRACE_HELPER, c->timeout_ms);
            return 0;
        }
    }
    if (c->check_out) {
        struct scsi_sense refuse;

        if (!scsi_check_parameters(&lun->facts, c->cdb, c->buf, c->data_len, &refuse)) {
            c->kind = SCSI_KIND_POLICY;
            command_finish_sense(svc, c, refuse, SCSI_HOST_OK);
            return 0;
        }
    }
    if (lun->backing == LUN_BACKING_FILE) {
        c->begun_us = now_us();
        prepare_whole(c);
        trace_submitted(svc->domid, svc->vhost, &c->req, c->piece.len, TRACE_FILE, 0);
        c->in_len = filedisk_execute(&lun->file, c->piece.cdb, c->piece.cdb_len, direction_at_device(c), c->buf,
                                     c->piece.len, &c->answer);
        if (c->no_data)
            c->answer.residual = c->data_len;
        filter_answer(c);
        c->ended_us = now_us();
        trace_completed(svc->domid, svc->vhost, &c->req, c->answer.status, c->answer.host, c->ended_us - c->begun_us);
        command_finish(svc, c);
        return 0;
    }
    prepare_piece(c);
    begin_at_device(svc, c);
    note_left(lun, scsi_left_sent(lun->stats->left, lun->facts.type, c->cdb));
    r = sg_submit(&lun->sg, &c->sg);
    if (r == 0) {
        c->state = CMD_AT_DEVICE;
        lun->in_flight++;
        trace_submitted(svc->domid, svc->vhost, &c->req, c->piece.len, TRACE_DEVICE, c->sg.timeout_ms);
        return 0;
    }
    end_at_device(svc, c);
    if (sg_try_later(r) && c->retries < RETRIES_MAX)
        return r;
    if (r == -ENODEV || r == -ENXIO)
        lun_lost(svc, lun, true);
    c->sg.outcome = (struct scsi_outcome){ .os_error = -r };
    end_piece(c); /* after an error it is the last one */
    command_finish(svc, c);
    return 0;
}

/*
 * A command of a limited LUN has to wait. Whatever it waits for now, it can be a limit later. held: it is a limit
 * already.
 */
static void wait_in_limited(struct service *svc, struct cmd *c, bool held)
{
    if (throttle_is_full(svc)) {
        c->limited_us = 0;
        command_finish_status(svc, c, SCSI_TASK_SET_FULL, SCSI_HOST_OK);
        return;
    }
    c->lun->limit_waits |= held;
    if (c->lun->limit_waits && c->limited_us == 0)
        c->limited_us = now_us();
    lun_enqueue(c);
    if (!c->lun->limit_waits && lun_others_wait(svc, c->lun))
        retry_in(svc, 0); /* another LUN has its turn */
}

void command_submit(struct service *svc, struct cmd *c)
{
    struct lun *lun = c->lun;
    /*
     * In order: no command overtakes those that are queued (tapes depend on it), except an urgent one, if it is a limit
     * that holds the others.
     */
    bool first = !lun->queue || (lun->limit_waits && throttle_is_urgent(c));
    bool ready = first && lun_may_go(svc, lun);
    bool held = ready && lun->limited && !throttle_allows(svc, c);

    if (lun->limited && (held || !ready)) {
        wait_in_limited(svc, c, held);
        return;
    }
    if (!ready) {
        lun_enqueue(c);
        if (lun_others_wait(svc, lun))
            retry_in(svc, 0); /* another LUN has its turn */
        return;
    }
    if (to_device(svc, c) < 0) {
        lun_enqueue(c);
        /* If commands are in flight, the end of one continues the queue. Otherwise the timer does. */
        retry_in(svc, RETRY_DELAY_US);
    }
}

void command_pump(struct service *svc, struct lun *lun)
{
    struct cmd *c;

    while (lun->queue) {
        bool waited = lun->limit_waits;

        /* If it waits for something else, the end of that continues the queue, as it does for a LUN without limits. */
        lun->limit_waits = false;
        /* A request of a dead predecessor is not sent to a device. It only waits until no device has it any more. */
        if (lun->queue->recovered ? lun->held : !lun_may_go(svc, lun))
            break;
        if (lun->limited && !lun->queue->recovered && !throttle_allows(svc, lun->queue)) {
            lun->limit_waits = true;
            /* Another LUN has its turn. Once: those that still wait do so for an event that wakes them. */
            if (!waited && lun_others_wait(svc, lun))
                retry_in(svc, 0);
            break;
        }
        c = lun_dequeue(lun);
        if (c->recovered) {
            command_end_recovered(svc, c);
            continue;
        }
        if (to_device(svc, c) == 0)
            continue;
        c->retries++;
        lun_put_back(c);
        retry_in(svc, RETRY_DELAY_US);
        break;
    }
}

void command_end_recovered(struct service *svc, struct cmd *c)
{
    if (c->req.act != VSCSIIF_ACT_SCSI_CDB) {
        command_finish_sense(svc, c, request_defect_sense(REQUEST_BAD_ACT), SCSI_HOST_ERROR);
    } else if (!c->lun) {
        command_finish_sense(svc, c, (struct scsi_sense){ 0x05, 0x25, 0x00 }, SCSI_HOST_NO_CONNECT);
    } else if (scsi_is_disk(c->lun->facts.type) && scsi_may_run_twice(c->cdb[0])) {
        /* It is not known whether it ran. The initiator repeats it, which does no harm. */
        command_finish_status(svc, c, SCSI_BUSY, SCSI_HOST_OK);
    } else {
        scsi_answer_unknown(&c->answer, c->lun->facts.type, c->data_len);
        c->in_len = 0;
        command_finish(svc, c);
    }
}

bool command_take_back(struct cmd *c)
{
    if (c->state != CMD_AT_DEVICE || !c->lun->pr || pr_client_cancel(c->lun->pr, c) != 0)
        return false;
    c->lun->in_flight--;
    return true;
}

void command_sg_done(struct sg_pool *pool, struct sg_command *sg)
{
    struct service *svc = container_of(pool, struct service, sg_pool);
    struct cmd *c = container_of(sg, struct cmd, sg);

    /* The address does not answer: the device is offline, or on its way out. */
    if (!sg->outcome.os_error && (sg->outcome.host == SCSI_HOST_NO_CONNECT || sg->outcome.host == SCSI_HOST_BAD_TARGET))
        lun_lost(svc, c->lun, false);
    leave_device(svc, c);
    trace_completed(svc->domid, svc->vhost, &c->req, sg->outcome.status,
                    sg->outcome.os_error ? SCSI_HOST_ERROR : sg->outcome.host, c->ended_us - c->begun_us);
    if (end_piece(c) || c->stray) {
        if (c->kind == SCSI_KIND_GOOD || c->kind == SCSI_KIND_RECOVERED)
            note_left(c->lun, scsi_left_done(c->lun->stats->left, c->lun->facts.type, c->cdb));
        if (!scsi_kind_is_error((enum scsi_kind)c->kind))
            throttle_give_back(svc, c);
        command_finish(svc, c);
    } else if (c->abort_due || c->lun->resetting) {
        command_finish_aborted(svc, c, c->lun->resetting ? SCSI_HOST_RESET : SCSI_HOST_ABORT);
    } else {
        /* The next piece goes before what waits behind this command. A device that works well starts anew. */
        c->retries = 0;
        lun_put_back(c);
    }
    wake_queues(svc, c->lun);
}

void command_sg_lost(struct sg_device *dev)
{
    struct lun *lun = container_of(dev, struct lun, sg);

    lun_lost(container_of(dev->pool, struct service, sg_pool), lun, true);
}

void command_pr_done(void *ctx, void *token, const struct scsi_answer *answer, const uint8_t *in_data, uint32_t in_len)
{
    struct pr_link *link = ctx;
    struct cmd *c = token;

    c->answer = *answer;
    c->in_len = in_len <= c->data_len ? in_len : c->data_len;
    if (c->in_len > 0)
        memcpy(c->buf, in_data, c->in_len);
    leave_device(link->svc, c);
    trace_completed(link->svc->domid, link->svc->vhost, &c->req, c->answer.status, c->answer.host,
                    c->ended_us - c->begun_us);
    command_finish(link->svc, c);
    wake_queues(link->svc, c->lun);
}
