// SPDX-License-Identifier: GPL-2.0-or-later
/* Gives devices back to this domain; see giveback.h. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "control/claims.h"
#include "control/giveback.h"
#include "control/shared.h"
#include "device/ask.h"
#include "device/send.h"
#include "scsi/left.h"
#include "scsi/scsi.h"
#include "scsi/sense.h"

#define WAIT_US 3000000u
/* A device may have several unit attentions, and tells one with each command. */
#define UNIT_ATTENTIONS_MAX 8

/* It may live longer than its vdev and its vhost. */
struct giveback {
    struct offload_job job;
    struct vdev *vdev; /* NULL: nothing waits for it */
    const struct device_roots *roots;
    struct claims *claims;
    struct claim *claim; /* NULL: none, or ended */
    char prefix[WORKER_PREFIX_MAX];
    struct run_device at; /* word: the name of the LUN */
    uint32_t left;
    char said[DEVICE_WHY_MAX]; /* for the log; "": nothing was undone */
    bool failed;
};

/* --- in a thread --- */

static void say(struct giveback *g, uint32_t bit, const char *why)
{
    size_t n = strlen(g->said);

    g->failed |= why[0] != '\0';
    snprintf(g->said + n, sizeof(g->said) - n, "%s%s%s%s", n ? ", " : "", scsi_left_name(bit), why[0] ? ": " : "", why);
}

/* How it ended, and the sense data of a failure. The kinds are those of a guest's commands. */
static enum scsi_kind kind_of(const struct device_end *end, struct scsi_sense_data *sense)
{
    struct scsi_outcome o = {
        .status = end->status, .host = end->host, .sense_len = end->sense_len, .sense = end->sense
    };
    struct scsi_answer answer;

    *sense = (struct scsi_sense_data){ 0 };
    scsi_sense_parse(end->sense, end->sense_len, sense);
    scsi_map_outcome(&o, PDT_UNKNOWN, SCSI_DIR_NONE, 0, &answer);
    return scsi_kind_of(&o, &answer);
}

/* Passes unit attentions over. why is "" after success. */
static void send_one(int sg, const uint8_t *cdb, unsigned len, char *why)
{
    struct device_end end;
    struct scsi_sense_data sense;
    enum scsi_kind kind = SCSI_KIND_UNIT_ATTENTION;

    for (unsigned n = 0; n < UNIT_ATTENTIONS_MAX && kind == SCSI_KIND_UNIT_ATTENTION; n++) {
        int r = device_send(sg, cdb, len, &end);

        if (r < 0) {
            snprintf(why, DEVICE_WHY_MAX, "%s", strerror(-r));
            return;
        }
        kind = kind_of(&end, &sense);
    }
    why[0] = '\0';
    if (!scsi_kind_is_error(kind))
        return;
    if (end.host == 0 && end.status == SCSI_CHECK_CONDITION)
        snprintf(why, DEVICE_WHY_MAX, "sense %02x/%02x/%02x", sense.key, sense.asc, sense.ascq);
    else
        snprintf(why, DEVICE_WHY_MAX, "status %02xh, host byte %u", end.status, end.host);
}

static void undo(struct giveback *g)
{
    struct device dev;
    struct device_fds fds;
    struct run_device now;
    uint32_t left = g->left;
    uint8_t cdb[SCSI_LEFT_CDB_MAX];
    char why[DEVICE_WHY_MAX];
    unsigned len;

    /* A device that is gone has lost its state. */
    if (device_from_hctl(g->roots, &g->at.hctl, &dev, why) < 0)
        return;
    if (device_open(g->roots, &dev, &fds, why) < 0) {
        say(g, left, why);
        return;
    }
    if (device_ask(g->roots, fds.sg, DEVICE_ASK_AGAIN_MS, &dev, why) < 0) {
        say(g, left, why);
        left = 0;
    }
    run_device_set(&now, "", &dev.hctl, dev.unit);
    if (!run_device_compatible(&now, &g->at))
        left = 0; /* another unit, which the guest never had */
    for (uint32_t before = left; (len = scsi_left_undo(&left, cdb)) > 0; before = left) {
        send_one(fds.sg, cdb, len, why);
        say(g, before & ~left, why);
    }
    device_close(&fds);
}

static void end_claim(struct giveback *g, bool put_back)
{
    if (g->claim)
        claim_end(g->claims, g->roots, steal_ptr(g->claim), put_back);
}

static void giveback_work(struct offload_job *job)
{
    struct giveback *g = container_of(job, struct giveback, job);

    if (g->left)
        undo(g);
    end_claim(g, true);
}

/* --- in the loop --- */

static void giveback_ended(struct offload_job *job)
{
    struct giveback *g = container_of(job, struct giveback, job);

    end_claim(g, false); /* the daemon ended before a thread began with it */
    if (g->said[0] && g->failed)
        log_warn(g->prefix,
                 "%s: what the guest left in the device cannot be undone: %s; reset it (sg_reset) before you use it",
                 g->at.word, g->said);
    else if (g->said[0])
        log_info(g->prefix, "%s: what the guest left in the device is undone: %s", g->at.word, g->said);
    if (g->vdev) {
        g->vdev->giveback = NULL;
        model_changed(g->vdev->vhost);
    }
    claims_unref(g->claims);
    free(g);
}

/* Takes over c (NULL: none). at: NULL if nothing is to be undone. NULL: it is done, or cannot be. */
static struct giveback *start(struct host *h, struct claim *c, const char *prefix, const struct run_device *at,
                              uint32_t left)
{
    struct giveback *g = h->quitting ? NULL : calloc(1, sizeof(*g));

    if (g) {
        *g = (struct giveback){ .job = { .work = giveback_work, .done = giveback_ended },
                                .roots = h->roots,
                                .claims = claims_ref(h->claims),
                                .claim = c,
                                .left = at ? left : 0 };
        if (at)
            g->at = *at;
        snprintf(g->prefix, sizeof(g->prefix), "%s", prefix);
        if (offload_submit(h->givebacks, &g->job) == 0)
            return g;
        claims_unref(g->claims);
        free(g);
    }
    if (c)
        claim_end(h->claims, h->roots, c, !h->quitting);
    return NULL;
}

static uint64_t key_of(const struct vdev *d)
{
    return (uint64_t)d->wish.vdev.channel << 32 | (uint64_t)d->wish.vdev.target << 16 | d->wish.vdev.lun;
}

/* What d's guest may have left in the device, as its worker wrote it down. */
static uint32_t left_by(const struct vdev *d)
{
    const struct vhost *v = d->vhost;
    const struct pvscsi_stats *stats;
    uint32_t left = 0;

    if (d->lun_index < 0 || d->lun_index >= PVSCSI_STATS_LUNS || v->clean)
        return 0;
    stats = run_files_map_stats(v->host->settings->run_dir, v->domid, v->id);
    if (stats && stats->lun[d->lun_index].vdev == key_of(d))
        left = __atomic_load_n(&stats->lun[d->lun_index].left, __ATOMIC_ACQUIRE);
    run_files_unmap_stats(stats);
    return left;
}

/* Where the device is. False: no guest has had a command at it. */
static bool where(const struct vdev *d, struct run_device *at)
{
    if (d->dev.from == PDEV_FILE)
        return false;
    if (d->dev.sg_name[0])
        run_device_set(at, d->name, &d->dev.hctl, d->dev.unit);
    else if (d->was_known)
        *at = d->was;
    else
        return false;
    return true;
}

/* To the device, all guests of this backend domain are one initiator: what another one has locked stays locked. */
static uint32_t to_undo(const struct vdev *d, struct run_device *at)
{
    uint32_t left = where(d, at) ? left_by(d) : 0;

    if (!left)
        return 0;
    for (const struct vdev *o = shared_first_user(d->vhost->host, &at->hctl); o; o = o->next_user)
        if (o != d && hctl_equal(&o->dev.hctl, &at->hctl))
            left &= ~left_by(o);
    return left;
}

static void wait_for(struct vdev *d, struct giveback *g)
{
    giveback_forget(d);
    d->giveback = g;
    if (!g)
        return;
    g->vdev = d;
    d->giveback_until_us = now_us() + WAIT_US;
}

void giveback_claim(struct host *h, struct claim *c)
{
    if (claim_drop(h->claims, c))
        start(h, c, "", NULL, 0);
}

void giveback_device(struct vdev *d)
{
    struct host *h = d->vhost->host;
    struct claim *c = steal_ptr(d->claim);
    struct run_device at = { 0 };
    uint32_t left = h->quitting ? 0 : to_undo(d, &at);

    if (!claim_drop(h->claims, c))
        c = NULL;
    if (c || left)
        wait_for(d, start(h, c, d->vhost->prefix, &at, left));
}

void giveback_ring(struct vdev *d)
{
    struct run_device at = { 0 };
    uint32_t left = d->vhost->host->quitting ? 0 : to_undo(d, &at);

    if (left)
        wait_for(d, start(d->vhost->host, NULL, d->vhost->prefix, &at, left));
}

struct files {
    struct host *host;
    const char *prefix;
    uint32_t left;
};

static void undo_file_line(void *ctx, const struct run_device *at)
{
    struct files *f = ctx;

    start(f->host, NULL, f->prefix, at, f->left);
}

void giveback_files(struct host *h, uint16_t domid, uint32_t vhost)
{
    const struct pvscsi_stats *stats = run_files_map_stats(h->settings->run_dir, domid, vhost);
    char prefix[32], name[RUN_LUNS_NAME_MAX];
    struct files f = { .host = h, .prefix = prefix };

    /* Which LUN is which device is not known any more, so it is undone on all of them. They were this guest's. */
    for (unsigned i = 0; stats && i < PVSCSI_STATS_LUNS; i++)
        f.left |= stats->lun[i].left;
    run_files_unmap_stats(stats);
    if (!f.left)
        return;
    snprintf(prefix, sizeof(prefix), "d%u.%" PRIu32, domid, vhost);
    run_luns_name(domid, vhost, name);
    run_devices_load(h->settings->run_dir, name, undo_file_line, &f);
}

bool giveback_pending(const struct vdev *d, uint64_t now)
{
    return d->giveback && now < d->giveback_until_us;
}

void giveback_forget(struct vdev *d)
{
    if (d->giveback)
        d->giveback->vdev = NULL;
    d->giveback = NULL;
}
