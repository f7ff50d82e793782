// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The link between a vhost and its worker process: starting it, handing it
 * devices and the ring, hearing what it says, and having a successor go on where
 * it stopped.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <scsi/sg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>

#include "common/util.h"
#include "control/model.h"

/* The first deaths cost no time; one that dies at once, over and over, waits longer each time. */
#define FREE_FAILURES 3
#define BACKOFF_FIRST_US 50000u
#define BACKOFF_MAX_US 800000u
#define STABLE_US 10000000u
/* An earlier daemon's worker ends by itself within 5 s of its daemon's end; later it is taken for stuck. */
#define OLD_WORKER_WAIT_US 15000000u
#define OLD_WORKER_POLL_US 10000u
#define DISCONNECT_WAIT_US 5000000u
/* A guest whose controller is closed may lose it for good: so long is waited for memory or descriptors. */
#define CONNECT_AGAIN_US 100000u
#define CONNECT_TRIES 50
#ifndef SG_SCSI_RESET_NO_ESCALATE
#define SG_SCSI_RESET_NO_ESCALATE 0x100 /* scsi/sg.h since Linux 4.1 */
#endif

static void send(struct vhost *v, struct worker_msg *msg, const int *fds, unsigned nfds)
{
    int r;

    if (!v->child) {
        for (unsigned i = 0; i < nfds; i++)
            if (fds[i] >= 0)
                close(fds[i]);
        return;
    }
    msg->generation = v->generation;
    r = child_send(v->child, msg, fds, nfds);
    if (r == -ENOMEM)
        child_kill(v->child); /* it would miss a message: a fresh one gets them all */
}

/* --- devices --- */

static const char *pr_socket(const struct settings *s)
{
    static const char usual[] = "/run/qemu-pr-helper.sock", older[] = "/var/run/qemu-pr-helper.sock";

    if (strcmp(s->pr_socket, usual) == 0 && access(usual, F_OK) < 0 && access(older, F_OK) == 0)
        return older;
    return s->pr_socket;
}

static uint32_t max_transfer(const struct vdev *d)
{
    unsigned n = d->vhost->segments;
    /* One segment is lost when the buffer does not start at a page; frontends that know only 26 count all of them. */
    uint32_t by_ring = (n > 26 ? n - 1 : 26) * 4096;

    return d->dev.max_transfer < by_ring ? d->dev.max_transfer : by_ring;
}

static void print_luns(FILE *f, void *ctx)
{
    for (const struct vdev *d = ((const struct vhost *)ctx)->devs; d; d = d->next)
        if (d->was_known)
            run_device_print(f, &d->was);
}

/* Which device it is, for whoever has to open it again; before the worker can send anything there. */
static void write_down(struct vdev *d)
{
    struct vhost *v = d->vhost;
    struct run_device now;
    char name[RUN_LUNS_NAME_MAX];
    int r;

    if (d->dev.from == PDEV_FILE) {
        d->was_known = false; /* its commands are done when the process is, and its name is all there is to it */
        return;
    }
    run_device_set(&now, d->name, &d->dev.hctl, d->dev.wwid);
    if (d->was_known && hctl_equal(&now.hctl, &d->was.hctl) && strcmp(now.wwid, d->was.wwid) == 0)
        return;
    d->was = now;
    d->was_known = true;
    run_luns_name(v->domid, v->id, name);
    r = run_devices_save(v->host->settings->run_dir, name, print_luns, v);
    if (r < 0)
        log_limited(&v->limit, XTL_ERROR, v->prefix, "cannot write %s/%s: %s", v->host->settings->run_dir, name,
                    strerror(-r));
}

void link_hand(struct vdev *d)
{
    struct vhost *v = d->vhost;
    struct worker_msg msg = { .type = WM_LUN_ADD };
    int fds[2] = { d->fds.sg, d->fds.block };
    char hctl[HCTL_TEXT_MAX];

    if (!v->child || !v->segments || !d->opened || d->handed || d->slot < 0)
        return;
    write_down(d);
    msg.lun_slot = (uint32_t)d->slot;
    msg.u.lun.channel = (uint16_t)d->vdev.channel;
    msg.u.lun.target = (uint16_t)d->vdev.target;
    msg.u.lun.lun = (uint16_t)d->vdev.lun;
    msg.u.lun.type = d->dev.type;
    msg.u.lun.backing = d->dev.from == PDEV_FILE ? LUN_BACKING_FILE : LUN_BACKING_SG;
    if (v->feature_host || d->feature_host)
        msg.u.lun.flags |= LUN_FEATURE_HOST;
    if (d->readonly)
        msg.u.lun.flags |= LUN_READONLY;
    if (d->shared)
        msg.u.lun.flags |= LUN_SHARED;
    if (d->pr_force)
        msg.u.lun.flags |= LUN_PR_FORCED;
    if (d->pr_move)
        msg.u.lun.flags |= LUN_PR_MOVE;
    if (!d->inherited && d->phase == DP_OPENING)
        msg.u.lun.flags |= LUN_ATTACHED;
    d->held = d->waits = d->was_known && hold_wanted(d);
    if (d->held)
        msg.u.lun.flags |= LUN_HELD;
    msg.u.lun.max_transfer = max_transfer(d);
    msg.u.lun.pr_mode = d->pr_mode;
    msg.u.lun.pr_deadline_ms = v->host->settings->pr_deadline_s * 1000;
    hctl_format(&d->dev.hctl, hctl);
    if (d->dev.from == PDEV_FILE)
        snprintf(msg.u.lun.device, sizeof(msg.u.lun.device), "file");
    else
        snprintf(msg.u.lun.device, sizeof(msg.u.lun.device), "%.20s (%.40s)", d->dev.sg_name, hctl);
    snprintf(msg.u.lun.pr_socket, sizeof(msg.u.lun.pr_socket), "%s", pr_socket(v->host->settings));
    d->fds = (struct device_fds){ .sg = -1, .block = -1 };
    d->opened = false;
    d->handed = true;
    if (d->phase == DP_OPENING)
        d->phase = DP_ADDING;
    send(v, &msg, fds, fds[1] >= 0 ? 2 : 1);
    if (d->waits)
        hold_begin(d);
}

void link_remove_lun(struct vdev *d)
{
    struct worker_msg msg = { .type = WM_LUN_REMOVE, .lun_slot = (uint32_t)d->slot };

    send(d->vhost, &msg, NULL, 0);
}

void link_shared(struct vdev *d)
{
    struct worker_msg msg = { .type = WM_LUN_SHARED, .lun_slot = (uint32_t)d->slot };

    if (!d->vhost->child || !d->handed || d->slot < 0)
        return;
    msg.u.lun.flags = d->shared ? LUN_SHARED : 0;
    send(d->vhost, &msg, NULL, 0);
}

void link_hold(struct vdev *d)
{
    struct worker_msg msg = { .type = d->held ? WM_LUN_HOLD : WM_LUN_RELEASE, .lun_slot = (uint32_t)d->slot };

    if (d->handed && d->slot >= 0)
        send(d->vhost, &msg, NULL, 0);
}

/* --- the ring --- */

void link_send_connect(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_CONNECT };

    v->generation++;
    v->connect_due = v->connect_again = false;
    msg.u.connect.ring_ref = v->ring_ref;
    msg.u.connect.event_channel = v->event_channel;
    msg.u.connect.take_over = v->take_over;
    v->halted = false;
    send(v, &msg, NULL, 0);
}

void link_disconnect(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_DISCONNECT };

    v->connect_due = v->connect_again = v->take_over = false;
    v->closing_deadline_us = now_us() + DISCONNECT_WAIT_US;
    send(v, &msg, NULL, 0);
}

static void connect_expired(struct loop_timer *timer)
{
    struct vhost *v = container_of(timer, struct vhost, connect_timer);

    if (!v->connect_again)
        return;
    v->connect_again = false;
    if (v->child && (v->phase == VP_CONNECTING || v->phase == VP_LIVE))
        link_send_connect(v);
}

/* Our side's trouble, not a wrong reference or port of the guest's. */
static bool may_pass(int error)
{
    return error == -ENOMEM || error == -EAGAIN || error == -EBUSY || error == -EINTR || error == -EMFILE
           || error == -ENFILE || error == -ENOSPC;
}

static void connected(struct vhost *v, int error)
{
    if (v->phase != VP_CONNECTING && v->phase != VP_LIVE)
        return;
    if (may_pass(error) && v->connect_tries < CONNECT_TRIES) {
        log_limited(&v->limit, XTL_WARN, v->prefix, "cannot connect to ring-ref %u, event-channel %u just now: %s",
                    v->ring_ref, v->event_channel, strerror(-error));
        v->connect_tries++;
        v->connect_again = true;
        loop_timer_arm(v->host->loop, &v->connect_timer, CONNECT_AGAIN_US);
        return;
    }
    v->connect_tries = 0;
    if (error < 0) {
        char why[DEVICE_WHY_MAX];

        snprintf(why, sizeof(why), "cannot connect to ring-ref %u, event-channel %u: %s", v->ring_ref, v->event_channel,
                 strerror(-error));
        log_limited(&v->limit, XTL_WARN, v->prefix, "%s", why);
        vhost_set_error(v, why);
        v->phase = VP_CLOSED;
        v->close_due = true;
        v->take_over = v->rewrite = false;
        return;
    }
    log_limited(&v->limit, XTL_INFO, v->prefix,
                v->take_over ? "ring taken over (ring-ref %u, event-channel %u)"
                             : "connected (ring-ref %u, event-channel %u)",
                v->ring_ref, v->event_channel);
    v->phase = VP_LIVE;
    v->take_over = false;
}

/* --- resets --- */

static void reset_work(struct offload_job *job)
{
    struct reset_job *rj = container_of(job, struct reset_job, job);
    struct device_fds fds;
    char why[DEVICE_WHY_MAX];
    int what = SG_SCSI_RESET_DEVICE | SG_SCSI_RESET_NO_ESCALATE;

    rj->result = device_open(rj->roots, &rj->dev, &fds, why);
    if (rj->result < 0)
        return;
    rj->result = ioctl(fds.sg, SG_SCSI_RESET, &what) < 0 ? -errno : 0;
    close(fds.sg);
    if (fds.block >= 0)
        close(fds.block);
}

static void reset_done(struct offload_job *job)
{
    struct reset_job *rj = container_of(job, struct reset_job, job);
    struct vhost *v = host_find(rj->host, rj->domid, rj->vhost);
    const struct vdev *d = v ? vdev_by_slot(v, (uint32_t)rj->slot) : NULL;

    /* The worker that asked may be gone by now, and its successor knows nothing of it; or the LUN, and its place is another's. */
    if (d && v->child && child_pid(v->child) == rj->child && d->handed && hctl_equal(&d->dev.hctl, &rj->dev.hctl)) {
        struct worker_msg msg = { .type = WM_RESET_DONE, .error = rj->result, .lun_slot = (uint32_t)rj->slot };

        log_limited(&v->limit, XTL_INFO, v->prefix, "%s: device reset: %s", d->name,
                    rj->result < 0 ? strerror(-rj->result) : "done");
        send(v, &msg, NULL, 0);
    }
    free(rj);
}

static void reset_wanted(struct vhost *v, uint32_t slot)
{
    struct worker_msg msg = { .type = WM_RESET_DONE, .error = -EOPNOTSUPP, .lun_slot = slot };
    struct vdev *d = vdev_by_slot(v, slot);
    struct reset_job *rj = NULL;

    if (d && d->handed && d->dev.from != PDEV_FILE && v->host->settings->device_reset) {
        rj = calloc(1, sizeof(*rj));
        msg.error = -ENOMEM;
    }
    if (rj) {
        *rj = (struct reset_job){ .job = { .work = reset_work, .done = reset_done },
                                  .host = v->host,
                                  .domid = v->domid,
                                  .vhost = v->id,
                                  .slot = (int)slot,
                                  .child = child_pid(v->child),
                                  .roots = v->host->roots,
                                  .dev = d->dev };
        log_limited(&v->limit, XTL_INFO, v->prefix, "%s: the guest's RESET timed out; resetting the device", d->name);
        msg.error = offload_submit(v->host->resets, &rj->job);
        if (msg.error == 0)
            return;
        free(rj);
    }
    send(v, &msg, NULL, 0);
}

/* --- the process --- */

static void child_message(void *ctx, const struct worker_msg *msg)
{
    struct vhost *v = ctx;
    bool stale = msg->generation != v->generation;

    switch (msg->type) {
    case WM_READY:
        if (msg->error < 0)
            log_warn(v->prefix, "the worker could not start: %s", strerror(-msg->error));
        break;
    case WM_LUN_ADDED:
        vdev_added(v, msg->lun_slot, msg->error);
        break;
    case WM_LUN_REMOVED:
        vdev_removed(v, msg->lun_slot);
        break;
    case WM_CONNECTED:
        if (!stale)
            connected(v, msg->error);
        break;
    case WM_DISCONNECTED:
        if (!stale && v->phase == VP_CLOSING)
            vhost_closed(v);
        break;
    case WM_HALTED:
        if (!stale) {
            v->halted = true;
            log_limited(&v->limit, XTL_WARN, v->prefix, "the ring is halted");
        }
        break;
    case WM_RESET:
        reset_wanted(v, msg->lun_slot);
        break;
    case WM_HELPER:
        vdev_helper(v, msg->lun_slot, msg->u.helper_state);
        break;
    default:
        log_limited(&v->limit, XTL_WARN, v->prefix, "unknown message %u from the worker", msg->type);
        break;
    }
    host_queue(v);
}

bool link_journal_fits(const struct vhost *v)
{
    struct pvscsi_journal j;

    return run_files_journal(v->host->settings->run_dir, v->domid, v->id, &j) == 0 && j.connected
           && j.ring_ref == v->ring_ref && j.event_channel == v->event_channel;
}

static void child_died(void *ctx, const char *how, bool clean)
{
    struct vhost *v = ctx;
    uint64_t now = now_us();

    (void)clean;
    v->child = NULL;
    loop_timer_cancel(&v->connect_timer);
    if (v->host->quitting)
        return; /* the journal says it to the next daemon */
    hold_worker(v, 0);
    if (now - v->child_since_us > STABLE_US)
        v->child_failures = 0;
    v->child_failures++;
    v->restarts++;
    v->child_not_before_us = now;
    if (v->child_failures > FREE_FAILURES) {
        unsigned doublings = v->child_failures - FREE_FAILURES - 1;
        uint64_t wait = doublings < 7 ? (uint64_t)BACKOFF_FIRST_US << doublings : BACKOFF_MAX_US;

        v->child_not_before_us += wait < BACKOFF_MAX_US ? wait : BACKOFF_MAX_US;
    }
    log_limited(&v->limit, XTL_WARN, v->prefix, "the worker died: %s; starting a new one%s", how,
                v->child_failures > FREE_FAILURES ? " after a pause" : "");
    vdev_worker_died(v);
    switch (v->phase) {
    case VP_CONNECTING:
    case VP_LIVE:
        /* The kernel unmapped the ring with the process; the next one goes on with it, if it was begun. */
        v->take_over = v->phase == VP_LIVE || link_journal_fits(v);
        v->connect_due = true;
        break;
    case VP_CLOSING:
        vhost_closed(v);
        break;
    default:
        break;
    }
    host_queue(v);
}

static const struct child_ops child_ops = { .message = child_message, .died = child_died };

/* A worker of an earlier daemon that does not end by itself. The lock that it holds proves that it is alive. */
static void kill_old_worker(struct vhost *v, uint32_t pid)
{
    CLEANUP_CLOSE int fd = run_files_worker((pid_t)pid);

    if (fd < 0)
        return;
    log_warn(v->prefix, "worker %" PRIu32 " of an earlier daemon does not end; killing it", pid);
    pidfd_send_signal(fd, SIGKILL, NULL, 0);
}

/* The journal is not to be had (yet). */
static void wait_for_files(struct vhost *v, int error, uint32_t pid, uint64_t now)
{
    if (error != -EWOULDBLOCK) {
        log_limited(&v->limit, XTL_ERROR, v->prefix, "cannot make the journal in %s: %s", v->host->settings->run_dir,
                    strerror(-error));
        v->child_not_before_us = now + BACKOFF_MAX_US;
        return;
    }
    v->child_not_before_us = now + OLD_WORKER_POLL_US;
    if (v->lock_since_us == 0) {
        v->lock_since_us = now;
        log_info(v->prefix, "waiting for worker %" PRIu32 " of an earlier daemon to end", pid);
    } else if (now - v->lock_since_us > OLD_WORKER_WAIT_US) {
        v->lock_since_us = now;
        kill_old_worker(v, pid);
    }
}

bool link_ring_free(struct vhost *v)
{
    struct run_files files;
    uint32_t pid;
    uint64_t now = now_us();
    int r;

    if (v->child || v->phase != VP_UNSEEN)
        return true;
    if (now < v->child_not_before_us)
        return false;
    r = run_files_open(v->host->settings->run_dir, v->domid, v->id, false, &files, &pid);
    if (r == 0) {
        v->lock_since_us = 0;
        close(files.journal);
        close(files.stats);
        return true;
    }
    wait_for_files(v, r, pid, now);
    return false;
}

static bool open_files(struct vhost *v, int fds[2])
{
    struct run_files files;
    uint32_t pid;
    uint64_t now = now_us();
    int r = run_files_open(v->host->settings->run_dir, v->domid, v->id, !v->take_over, &files, &pid);

    if (r == 0) {
        v->lock_since_us = 0;
        fds[0] = files.journal;
        fds[1] = files.stats;
        return true;
    }
    wait_for_files(v, r, pid, now);
    return false;
}

static void send_init(struct vhost *v, const int fds[2])
{
    struct worker_msg msg = { .type = WM_INIT };

    msg.u.init.domid = v->domid;
    msg.u.init.own_domid = v->host->own_domid;
    msg.u.init.vhost = v->id;
    msg.u.init.log_level = (uint32_t)log_level();
    msg.u.init.max_segments = v->segments;
    snprintf(msg.u.init.prefix, sizeof(msg.u.init.prefix), "%s", v->prefix);
    snprintf(msg.u.init.mock_socket, sizeof(msg.u.init.mock_socket), "%s", v->host->settings->standalone);
    send(v, &msg, fds, 2);
}

bool link_ensure(struct vhost *v)
{
    int fds[2], r;

    if (v->child)
        return true;
    if (v->host->quitting || now_us() < v->child_not_before_us || !v->segments || !open_files(v, fds))
        return false;
    r = child_start(v->host->loop, v->prefix, &child_ops, v, &v->child);
    if (r < 0) {
        close(fds[0]);
        close(fds[1]);
        v->child = NULL;
        v->child_not_before_us = now_us() + BACKOFF_MAX_US;
        log_limited(&v->limit, XTL_ERROR, v->prefix, "cannot start a worker: %s", strerror(-r));
        return false;
    }
    v->child_since_us = now_us();
    v->connect_timer.expired = connect_expired;
    log_debug(v->prefix, "worker %d started", (int)child_pid(v->child));
    send_init(v, fds);
    for (struct vdev *d = v->devs; d; d = d->next)
        link_hand(d);
    return true;
}

void link_drop(struct vhost *v)
{
    loop_timer_cancel(&v->connect_timer);
    v->connect_due = v->take_over = false;
    if (!v->child)
        return;
    if (!v->host->quitting)
        hold_worker(v, child_pid(v->child));
    if (v->phase == VP_LIVE || v->phase == VP_CONNECTING) {
        struct worker_msg msg = { .type = WM_DISCONNECT };

        send(v, &msg, NULL, 0); /* unmap now, whatever is still at the devices */
    }
    child_abandon(v->child);
    v->child = NULL;
    for (struct vdev *d = v->devs; d; d = d->next)
        d->handed = false;
}

void link_quit(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_QUIT };

    loop_timer_cancel(&v->connect_timer);
    send(v, &msg, NULL, 0);
}

void link_log_level(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_LOG_LEVEL };

    msg.u.log_level = (uint32_t)log_level();
    send(v, &msg, NULL, 0);
}
