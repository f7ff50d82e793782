// SPDX-License-Identifier: GPL-2.0-or-later
/* Counters and log lines of ended commands; see account.h. */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/sense-text.h"
#include "common/trace.h"
#include "scsi/sense.h"
#include "worker/account.h"
#include "worker/lun.h"

static_assert((unsigned)SCSI_KINDS <= PVSCSI_STATS_KINDS, "each kind has a counter");

/* While the device is away, all commands end with this sense. The control process has said once that it is away. */
static bool is_known_to_be_away(const struct cmd *c)
{
    struct scsi_sense_data sense;

    return c->lun->lost_said && scsi_sense_parse(c->answer.sense, c->answer.sense_len, &sense)
           && sense.key == SPC_SK_ILLEGAL_REQUEST && sense.asc == 0x25 && sense.ascq == 0x00;
}

/* Routine ends are logged at a lower level. What the policy refuses is said once: say_refused(). */
static void log_end(struct service *svc, const struct cmd *c, enum scsi_kind kind, bool notable)
{
    xentoollog_level level = notable ? XTL_WARN : XTL_DEBUG;
    struct lun *lun = c->lun;
    char command[SENSE_TEXT_SIZE], why[SENSE_TEXT_SIZE];

    if (level < log_level())
        return;
    sense_text_command(c->cdb, c->req.cmd_len, lun->facts.type, command, sizeof(command));
    if (c->answer.sense_len > 0)
        sense_text(c->answer.sense, c->answer.sense_len, why, sizeof(why));
    else
        snprintf(why, sizeof(why), "status %02xh, host byte %u", c->answer.status, c->answer.host);
    log_limited(scsi_kind_is_error(kind) ? &lun->failure_limit : &lun->warning_limit, level, svc->prefix,
                "LUN %u:%u:%u at %s: %s %s (%s): %s", lun->channel, lun->target, lun->number, lun->device, command,
                scsi_kind_is_error(kind) ? "failed" : "succeeded", scsi_kind_name(kind), why);
}

/* Once for each opcode: what the guest tried, and what would let it pass. */
static void say_refused(struct service *svc, const struct cmd *c)
{
    struct lun *lun = c->lun;
    uint8_t opcode = c->cdb[0], bit = (uint8_t)(1u << opcode % 8);
    char command[SENSE_TEXT_SIZE], how[96];

    if (svc->refused_said[opcode / 8] & bit)
        return;
    svc->refused_said[opcode / 8] |= bit;
    sense_text_command(c->cdb, c->req.cmd_len, lun->facts.type, command, sizeof(command));
    if (scsi_policy_denies(&lun->facts, c->cdb))
        snprintf(how, sizeof(how), "deny names it, for the device or in pvscsid.conf");
    else if (scsi_is_third_party_copy(opcode))
        snprintf(how, sizeof(how), "the option third-party-copy of the device lets it pass");
    else
        snprintf(how, sizeof(how), "the option allow=%02x of the device lets it pass", opcode);
    svc->ended(svc, c, SCSI_KIND_POLICY);
    log_limited(&lun->failure_limit, XTL_NOTICE, svc->prefix,
                "LUN %u:%u:%u at %s: %s (%02xh) is refused by the command policy; %s, see vscsi(7)", lun->channel,
                lun->target, lun->number, lun->device, command, opcode, how);
}

static void trace_failure(const struct service *svc, const struct cmd *c)
{
    struct scsi_sense_data s;
    uint32_t sense = 0;

    if (scsi_sense_parse(c->answer.sense, c->answer.sense_len, &s))
        sense = (uint32_t)s.key << 16 | (uint32_t)s.asc << 8 | s.ascq;
    trace_failed(svc->domid, svc->vhost, &c->req, c->answer.status, c->answer.host, sense);
}

static enum scsi_kind kind_of(const struct cmd *c)
{
    return c->kind < SCSI_KINDS ? (enum scsi_kind)c->kind : scsi_kind_of(NULL, &c->answer);
}

void account_command(struct service *svc, const struct cmd *c, uint64_t now_us)
{
    struct pvscsi_lun_stats *s = c->lun ? c->lun->stats : NULL;
    uint64_t us = now_us > c->start_us ? now_us - c->start_us : 0;
    unsigned bucket = us < 2 ? 0 : 63 - (unsigned)__builtin_clzll(us);
    enum scsi_kind kind;

    if (!s || c->stray || c->req.act != VSCSIIF_ACT_SCSI_CDB)
        return;
    kind = kind_of(c);
    s->kinds[kind]++;
    if (scsi_kind_is_error(kind)) {
        s->errors++;
        trace_failure(svc, c);
        if (kind == SCSI_KIND_POLICY)
            say_refused(svc, c);
    }
    if (scsi_kind_is_error(kind) || scsi_is_notable(kind, &c->answer)) {
        bool notable = scsi_is_notable(kind, &c->answer) && !is_known_to_be_away(c);

        log_end(svc, c, kind, notable);
        if (notable && log_limit_take(&c->lun->news_limit, now_us))
            svc->ended(svc, c, kind);
    }
    if (c->data_len > 0 && c->req.sc_data_direction == SCSI_DIR_OUT) {
        s->writes++;
        s->write_bytes += c->data_len - (c->answer.residual <= c->data_len ? c->answer.residual : c->data_len);
    } else if (c->data_len > 0) {
        s->reads++;
        s->read_bytes += c->in_len;
    }
    if (c->begun_us > 0) {
        s->submitted++;
        s->queued_us_sum += c->begun_us > c->start_us ? c->begun_us - c->start_us : 0;
        s->device_us_sum += c->ended_us > c->begun_us ? c->ended_us - c->begun_us : 0;
    }
    if (c->limited_us > 0) {
        uint64_t until = c->begun_us > c->limited_us ? c->begun_us : now_us;

        s->limited++;
        s->limited_us_sum += until > c->limited_us ? until - c->limited_us : 0;
    }
    s->latency_us_sum += us;
    s->latency[bucket < PVSCSI_STATS_BUCKETS ? bucket : PVSCSI_STATS_BUCKETS - 1]++;
    s->answered++;
}

void account_management(struct service *svc, const struct cmd *c, bool success)
{
    struct lun *lun = c->lun ? c->lun : lun_find(svc, c->req.channel, c->req.id, c->req.lun);
    bool abort = c->req.act == VSCSIIF_ACT_SCSI_ABORT;

    if (!success)
        log_limited(
            lun ? &lun->failure_limit : &svc->bad_limit, XTL_WARN, svc->prefix,
            "%s of LUN %u:%u:%u failed: its device has kept commands beyond their time-outs; see the kernel's log",
            abort ? "ABORT" : "RESET", c->req.channel, c->req.id, c->req.lun);
    if (!lun)
        return;
    if (abort) {
        lun->stats->aborts++;
        lun->stats->aborts_failed += !success;
    } else {
        lun->stats->resets++;
        lun->stats->resets_failed += !success;
    }
}
