// SPDX-License-Identifier: GPL-2.0-or-later
/* ABORT and RESET; see manage.h. */
#include "config.h"

#include "worker/command.h"
#include "worker/lun.h"
#include "worker/manage.h"

#define ABORT_WAIT_US 10000000u
#define RESET_WAIT_US 15000000u

static void end(struct service *svc, struct cmd *c, bool success)
{
    c->managed = success ? XEN_VSCSIIF_RSLT_RESET_SUCCESS : XEN_VSCSIIF_RSLT_RESET_FAILED;
    command_finish(svc, c);
}

static bool same_address(const struct cmd *a, const struct cmd *b)
{
    return a->req.channel == b->req.channel && a->req.id == b->req.id && a->req.lun == b->req.lun;
}

/* The command that an ABORT names, while it has no answer. */
static struct cmd *aborted(struct service *svc, const struct cmd *abort)
{
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        struct cmd *c = &svc->cmd[i];

        if ((c->state == CMD_QUEUED || c->state == CMD_AT_DEVICE) && !c->stray && c->req.act == VSCSIIF_ACT_SCSI_CDB
            && c->req.rqid == abort->req.ref_rqid && same_address(c, abort))
            return c;
    }
    return NULL;
}

static void end_queued(struct service *svc, struct cmd *c, uint8_t host)
{
    lun_unqueue(c);
    /* A status besides the host byte, for frontends that drop the latter: TASK ABORTED says just this. */
    scsi_answer_status(&c->answer, SCSI_TASK_ABORTED, host, c->data_len);
    c->in_len = 0;
    command_finish(svc, c);
}

static void start_abort(struct service *svc, struct cmd *c)
{
    struct cmd *victim = aborted(svc, c);

    svc->stats->aborts++;
    /* One that a dead predecessor submitted may still be at the device: it has to wait like one of ours. */
    if (victim && ((victim->state == CMD_QUEUED && !victim->recovered) || command_take_back(victim))) {
        end_queued(svc, victim, SCSI_HOST_ABORT);
        end(svc, c, true);
    } else if (!victim) {
        end(svc, c, true);
    } else {
        c->state = CMD_MANAGING;
        c->deadline_us = c->start_us + ABORT_WAIT_US;
    }
}

static void start_reset(struct service *svc, struct cmd *c)
{
    svc->stats->resets++;
    c->lun = lun_find(svc, c->req.channel, c->req.id, c->req.lun);
    if (!c->lun) {
        end(svc, c, false);
        return;
    }
    for (struct cmd *q = c->lun->queue, *next; q; q = next) {
        next = q->next;
        if (!q->recovered)
            end_queued(svc, q, SCSI_HOST_RESET);
    }
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        struct cmd *q = &svc->cmd[i];

        if (q->lun == c->lun && !q->stray && command_take_back(q))
            end_queued(svc, q, SCSI_HOST_RESET);
    }
    c->lun->resetting = true;
    c->state = CMD_MANAGING;
    c->deadline_us = c->start_us + RESET_WAIT_US;
    c->reset_due = false;
}

void manage_start(struct service *svc, struct cmd *c)
{
    if (c->req.act == VSCSIIF_ACT_SCSI_ABORT)
        start_abort(svc, c);
    else
        start_reset(svc, c);
}

static void end_reset(struct service *svc, struct cmd *c, bool success)
{
    struct lun *lun = c->lun;

    if (success)
        lun->ua_reset = true;
    end(svc, c, success);
    lun->resetting = false;
    for (unsigned i = 0; i < CMD_COUNT; i++)
        if (svc->cmd[i].state == CMD_MANAGING && svc->cmd[i].lun == lun)
            lun->resetting = true;
    command_pump(svc, lun);
}

void manage_check(struct service *svc)
{
    uint64_t now = 0, next = 0;

    for (unsigned i = 0; i < CMD_COUNT; i++) {
        struct cmd *c = &svc->cmd[i];
        bool idle;

        if (c->state != CMD_MANAGING)
            continue;
        if (now == 0)
            now = now_us();
        idle = c->req.act == VSCSIIF_ACT_SCSI_ABORT ? !aborted(svc, c) : c->lun->in_flight == 0 && !c->lun->held;
        if (c->req.act == VSCSIIF_ACT_SCSI_ABORT) {
            if (idle || now >= c->deadline_us) {
                end(svc, c, idle);
                continue;
            }
        } else if (idle) {
            end_reset(svc, c, true);
            continue;
        } else if (now >= c->deadline_us) {
            /* The device does not come back by itself: once, the control process may reset it. */
            if (c->reset_due || c->lun->held) {
                end_reset(svc, c, false);
                continue;
            }
            c->reset_due = true;
            c->deadline_us = now + RESET_WAIT_US;
            /* One at a time: each keeps a thread of the control process, which other guests need too. */
            if (!c->lun->reset_asked) {
                c->lun->reset_asked = true;
                svc->reset_device(svc, c->lun);
            }
        }
        if (next == 0 || c->deadline_us < next)
            next = c->deadline_us;
    }
    if (next > 0)
        loop_timer_arm(svc->loop, &svc->manage_timer, next > now ? next - now : 0);
}

void manage_reset_done(struct service *svc, struct lun *lun, int error)
{
    lun->reset_asked = false;
    if (error == 0) {
        svc->work = true; /* what was in flight comes back now; the deadline was set anew */
        return;
    }
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        struct cmd *c = &svc->cmd[i];

        if (c->state == CMD_MANAGING && c->lun == lun && c->req.act == VSCSIIF_ACT_SCSI_RESET)
            end_reset(svc, c, false);
    }
}
