// SPDX-License-Identifier: GPL-2.0-or-later
/* ABORT and RESET; see manage.h. */
#include "config.h"

#include "worker/account.h"
#include "worker/command.h"
#include "worker/lun.h"
#include "worker/manage.h"

/*
 * When the device has kept a command for this time, a RESET asks the control process to reset the device. That
 * reset has the same time to take effect.
 */
#define RESET_ASK_US 15000000u
#define RESET_EFFECT_US 15000000u
/*
 * The host's transports and drivers change what they allow at run time, and they lose connections. So an answer of the
 * control process holds for this time. It is also what a question has before it is asked again.
 */
#define HOST_EH_HOLDS_US 60000000u
#define NEVER UINT64_MAX

static void end(struct service *svc, struct cmd *c, bool success)
{
    account_management(svc, c, success);
    c->managed = success ? XEN_VSCSIIF_RSLT_RESET_SUCCESS : XEN_VSCSIIF_RSLT_RESET_FAILED;
    command_finish(svc, c);
}

static bool same_address(const struct cmd *a, const struct cmd *b)
{
    return a->req.channel == b->req.channel && a->req.id == b->req.id && a->req.lun == b->req.lun;
}

/*
 * The command that an ABORT names, while it has no answer. The journal does not say which command an ABORT of a dead
 * predecessor named: it is any that this predecessor left at the same address.
 */
static struct cmd *aborted(struct service *svc, const struct cmd *abort)
{
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        struct cmd *c = &svc->cmd[i];

        if ((c->state == CMD_QUEUED || c->state == CMD_AT_DEVICE) && !c->stray && c->req.act == VSCSIIF_ACT_SCSI_CDB
            && (abort->recovered ? c->recovered : c->req.rqid == abort->req.ref_rqid) && same_address(c, abort))
            return c;
    }
    return NULL;
}

static void end_queued(struct service *svc, struct cmd *c, uint8_t host)
{
    lun_unqueue(c);
    command_finish_aborted(svc, c, host);
}

static void ask_host_eh(struct service *svc, struct lun *lun, uint64_t now)
{
    if (lun->host_eh.asked_us > 0 && now - lun->host_eh.asked_us < HOST_EH_HOLDS_US)
        return;
    lun->host_eh.asked_us = now;
    svc->ask_host_eh(svc, lun);
}

static bool host_eh_holds(const struct lun *lun, uint64_t now)
{
    return lun->host_eh.told_us > 0 && now - lun->host_eh.told_us < HOST_EH_HOLDS_US;
}

/* The time after which c cannot end any more. An outage without limit may have stopped its time-out meanwhile. */
static uint64_t host_eh_ends(const struct cmd *c)
{
    const struct host_eh_said *eh = &c->lun->host_eh;
    uint64_t from = c->deadline_us, whole = c->deadline_us > c->begun_us ? c->deadline_us - c->begun_us : 0;

    if (eh->us == NEVER)
        return NEVER;
    if (eh->no_limit_us > 0 && eh->no_limit_us + whole > from)
        from = eh->no_limit_us + whole;
    return from + eh->us;
}

/*
 * When to look again whether this command can still end; 0: it cannot. NEVER: something else ends it. The PR helper's
 * client has a deadline of its own, and the control process waits for commands of a dead predecessor.
 */
static uint64_t command_until(struct service *svc, const struct cmd *c, uint64_t now)
{
    struct lun *lun = c->lun;
    uint64_t until, holds;

    if (c->state != CMD_AT_DEVICE || c->at_helper)
        return NEVER;
    if (now < c->deadline_us)
        return c->deadline_us;
    if (!host_eh_holds(lun, now)) {
        ask_host_eh(svc, lun, now);
        if (!host_eh_holds(lun, now))
            return lun->host_eh.asked_us + HOST_EH_HOLDS_US;
    }
    until = host_eh_ends(c);
    holds = lun->host_eh.told_us + HOST_EH_HOLDS_US;
    return now >= until ? 0 : until < holds ? until : holds;
}

/* The same for all commands at this LUN's device. */
static uint64_t lun_until(struct service *svc, const struct lun *lun, uint64_t now)
{
    uint64_t until = 0;

    if (lun->held)
        return NEVER;
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        const struct cmd *c = &svc->cmd[i];
        uint64_t again = c->state == CMD_AT_DEVICE && c->lun == lun ? command_until(svc, c, now) : 0;

        if (again > 0 && (until == 0 || again < until))
            until = again;
    }
    return until;
}

static void begin_waiting(struct service *svc, struct cmd *c)
{
    c->state = CMD_MANAGING;
    svc->managing |= 1u << c->index;
}

static void start_abort(struct service *svc, struct cmd *c)
{
    struct cmd *victim = aborted(svc, c);

    svc->stats->aborts++;
    /* A command of a dead predecessor may still be at the device, so the ABORT waits for it too. */
    if (victim && ((victim->state == CMD_QUEUED && !victim->recovered) || command_take_back(victim))) {
        end_queued(svc, victim, SCSI_HOST_ABORT);
        end(svc, c, true);
    } else if (!victim) {
        end(svc, c, true);
    } else {
        victim->abort_due = true;
        begin_waiting(svc, c);
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
    begin_waiting(svc, c);
    c->reset_due = false;
    c->step_us = c->start_us + RESET_ASK_US;
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

/* When to look again if nothing happens until then; 0: it is answered. */
static uint64_t check_abort(struct service *svc, struct cmd *c, uint64_t now)
{
    const struct cmd *victim = aborted(svc, c);
    uint64_t until = victim ? command_until(svc, victim, now) : 0;

    if (until > 0)
        return until;
    end(svc, c, !victim);
    return 0;
}

static uint64_t check_reset(struct service *svc, struct cmd *c, uint64_t now)
{
    struct lun *lun = c->lun;
    uint64_t until;

    if (lun->in_flight == 0 && !lun->held) {
        end_reset(svc, c, true);
        return 0;
    }
    if (now < c->step_us)
        return c->step_us;
    until = lun_until(svc, lun, now);
    if (c->reset_due && until == 0) {
        end_reset(svc, c, false);
        return 0;
    }
    if (!c->reset_due && !lun->held) {
        c->reset_due = true;
        c->step_us = now + RESET_EFFECT_US;
        /* One at a time: each reset uses a thread of the control process, which other guests need too. */
        if (!lun->reset_asked) {
            lun->reset_asked = true;
            svc->reset_device(svc, lun);
        }
        return c->step_us;
    }
    return until;
}

void manage_check(struct service *svc)
{
    uint64_t now = 0, next = NEVER;

    for (uint32_t bits = svc->managing; bits; bits &= bits - 1) {
        struct cmd *c = &svc->cmd[__builtin_ctz(bits)];
        uint64_t again;

        if (now == 0)
            now = now_us();
        again = c->req.act == VSCSIIF_ACT_SCSI_ABORT ? check_abort(svc, c, now) : check_reset(svc, c, now);
        if (again > 0 && again < next)
            next = again;
    }
    if (next < NEVER)
        loop_timer_arm(svc->loop, &svc->manage_timer, next > now ? next - now : 0);
}

void manage_reset_done(struct service *svc, struct lun *lun, int error)
{
    uint64_t step = error == 0 ? now_us() + RESET_EFFECT_US : 0;

    lun->reset_asked = false;
    for (unsigned i = 0; i < CMD_COUNT; i++) {
        struct cmd *c = &svc->cmd[i];

        if (c->state == CMD_MANAGING && c->lun == lun && c->req.act == VSCSIIF_ACT_SCSI_RESET && c->reset_due)
            c->step_us = step;
    }
    svc->work = true;
}

void manage_host_eh(struct service *svc, struct lun *lun, uint32_t seconds)
{
    struct host_eh_said *eh = &lun->host_eh;

    eh->told_us = now_us();
    eh->us = seconds == HOST_EH_NO_LIMIT ? NEVER : seconds * UINT64_C(1000000);
    if (eh->us == NEVER)
        eh->no_limit_us = eh->told_us;
    svc->work = true;
}
