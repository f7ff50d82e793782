// SPDX-License-Identifier: GPL-2.0-or-later
/* The link between a vhost and its worker process; see worker-link.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/linux-calls.h"
#include "common/trace.h"
#include "common/util.h"
#include "control/at-work.h"
#include "control/ended.h"
#include "control/helper-link.h"
#include "control/news.h"
#include "control/orphans.h"
#include "control/places.h"
#include "control/policy.h"
#include "control/worker-link.h"
#include "device/host-eh.h"
#include "pr/connect.h"
#include "scsi/scsi.h"
#include "worker/confine.h"

/* After the first deaths a worker is started again at once. If it keeps dying at once, the pauses grow. */
#define FREE_FAILURES 3
#define BACKOFF_FIRST_US 50000u
#define BACKOFF_MAX_US 800000u
#define STABLE_US 10000000u
/* A worker of an earlier daemon ends by itself within 5 s after its daemon. One that lives longer is stuck. */
#define OLD_WORKER_WAIT_US 15000000u
#define OLD_WORKER_POLL_US 10000u
/*
 * A guest may lose a controller permanently when it is closed. So a lack of memory or descriptors is waited for: 5 s.
 */
#define CONNECT_AGAIN_US 100000u
#define CONNECT_TRIES 50
/* The setting "auto". A Linux guest sends its next request 10 to 40 microseconds after an answer. */
#define POLL_AUTO_US 50
/* The kernel's MAX_ERRNO. */
#define ERRNO_MAX 4095

static void send(struct vhost *v, struct worker_msg *msg, const int *fds, unsigned nfds)
{
    int r;

    if (!v->worker.child) {
        for (unsigned i = 0; i < nfds; i++)
            if (fds[i] >= 0)
                close(fds[i]);
        return;
    }
    msg->generation = v->worker.generation;
    r = child_send(v->worker.child, msg, fds, nfds);
    if (r == -ENOMEM)
        child_kill(v->worker.child); /* it would miss a message; a new worker gets them all */
}

static_assert((unsigned)SCSI_RULES_MAX <= (unsigned)WORKER_RULES_MAX, "a LUN's rules fit into a message");

/* --- devices --- */

static uint32_t max_transfer(const struct vdev *d)
{
    unsigned n = d->vhost->segments;
    /* One segment is lost when the buffer does not start at a page; frontends that know only 26 count all of them. */
    uint32_t by_ring = (n > 26 ? n - 1 : 26) * 4096;

    return d->dev.max_transfer < by_ring ? d->dev.max_transfer : by_ring;
}

/* What the guest may do with the device, into the message. */
static void put_policy(struct vdev *d, struct worker_msg *msg)
{
    struct vhost *v = d->vhost;
    struct lun_policy p;

    policy_make(v->host->settings, d->dev.type, v->seen.feature_host || d->wish.feature_host, &d->wish, &p);
    if (p.narrowed[0] && (d->lun == LUN_OPENED || msg->type == WM_LUN_CHANGE))
        log_limited(&v->limit, XTL_WARN, v->prefix,
                    "%s: the config of this domain does not permit all that the toolstack allows, which stays refused: "
                    "%s; pvscsictl policy says what is in force (permit and deny in pvscsid.conf(5))",
                    d->name, p.narrowed);
    if (p.feature_host)
        msg->u.lun.flags |= LUN_FEATURE_HOST;
    if (d->wish.readonly)
        msg->u.lun.flags |= LUN_READONLY;
    if (d->wish.pr_force)
        msg->u.lun.flags |= LUN_PR_FORCED;
    if (d->wish.pr_move)
        msg->u.lun.flags |= LUN_PR_MOVE;
    msg->u.lun.pr_mode = d->wish.pr_mode;
    msg->u.lun.n_rules = p.rules.n;
    for (uint32_t i = 0; i < p.rules.n; i++) {
        msg->u.lun.rule[i].opcode = p.rules.rule[i].opcode;
        msg->u.lun.rule[i].some_action = p.rules.rule[i].some_action;
        msg->u.lun.rule[i].action = p.rules.rule[i].action;
        msg->u.lun.rule[i].deny = p.rules.rule[i].deny;
    }
}

/*
 * The worker can open the node when it gets the message. Without it, LUN_ADDED says that the device cannot be opened.
 */
static void add_node(struct vdev *d)
{
    struct sandbox_nodes *nodes = d->vhost->worker.nodes;
    int r = nodes && d->fds.sg >= 0 ? sandbox_nodes_add(nodes, (uint32_t)d->lun_index, d->fds.sg, d->fds.block) : 0;

    if (r < 0)
        log_limited(&d->vhost->limit, XTL_ERROR, d->vhost->prefix, "%s: cannot make the worker's device node: %s",
                    d->name, strerror(-r));
}

static void remove_node(struct vhost *v, uint32_t index)
{
    if (v->worker.nodes)
        sandbox_nodes_remove(v->worker.nodes, index);
}

static uint64_t new_ticket(void)
{
    uint64_t ticket = 0;

    while (getrandom(&ticket, sizeof(ticket), 0) < 0 && errno == EINTR)
        ;
    return ticket;
}

void worker_add_lun(struct vdev *d)
{
    struct vhost *v = d->vhost;
    struct worker_msg msg = { .type = WM_LUN_ADD, .lun_index = (uint32_t)d->lun_index };
    int fds[2] = { d->fds.sg, d->fds.block };
    char hctl[HCTL_TEXT_MAX];

    msg.u.lun.channel = (uint16_t)d->wish.vdev.channel;
    msg.u.lun.target = (uint16_t)d->wish.vdev.target;
    msg.u.lun.lun = (uint16_t)d->wish.vdev.lun;
    msg.u.lun.type = d->dev.type;
    msg.u.lun.backing = d->dev.from == PDEV_FILE ? LUN_BACKING_FILE : LUN_BACKING_SG;
    put_policy(d, &msg);
    if (d->shared)
        msg.u.lun.flags |= LUN_SHARED;
    if (d->lun == LUN_OPENED)
        msg.u.lun.flags |= LUN_ATTACHED;
    if (d->must_hold)
        msg.u.lun.flags |= LUN_HELD;
    if (d->presence == DEVICE_FOUND)
        msg.u.lun.flags |= LUN_RETURNED;
    if (d->presence == DEVICE_GONE)
        msg.u.lun.flags |= LUN_AWAY;
    if (d->wish.pr_mode == PR_AUTO && pr_socket_is_there(v->host->settings->pr_socket))
        msg.u.lun.flags |= LUN_PR_SOCKET;
    msg.u.lun.max_transfer = max_transfer(d);
    msg.u.lun.queue_depth = d->dev.queue_depth;
    places_tell(d, &msg.u.lun.places);
    msg.u.lun.limits = d->wish.limits;
    msg.u.lun.pr_deadline_ms = v->host->settings->pr_deadline_s * 1000;
    hctl_format(&d->dev.hctl, hctl);
    if (d->dev.from == PDEV_FILE)
        snprintf(msg.u.lun.device, sizeof(msg.u.lun.device), "file");
    else
        snprintf(msg.u.lun.device, sizeof(msg.u.lun.device), "%.20s (%.40s)", d->dev.sg_name, hctl);
    snprintf(msg.u.lun.pr_socket, sizeof(msg.u.lun.pr_socket), "%s", v->host->settings->pr_socket);
    /* As the worker decides it: with a device for the first time. */
    if (!(msg.u.lun.flags & LUN_RETURNED) || d->pr_chosen == PR_DENY)
        d->pr_chosen = msg.u.lun.flags & LUN_AWAY ? PR_DENY : d->wish.pr_mode;
    d->ticket = msg.ticket = new_ticket();
    d->asked_back = false;
    add_node(d);
    d->fds = (struct device_fds){ .sg = -1, .block = -1 };
    d->answer = LUN_SAID_NOTHING;
    d->held = d->must_hold;
    d->shared_told = d->shared;
    d->limits_told = d->wish.limits;
    send(v, &msg, fds, fds[0] < 0 ? 0 : fds[1] >= 0 ? 2 : 1);
}

void worker_change_lun(struct vdev *d, uint32_t number)
{
    struct worker_msg msg = { .type = WM_LUN_CHANGE, .lun_index = (uint32_t)d->lun_index };

    msg.u.lun.change = number;
    if (number) /* 0 must not lose an answer that is on record */
        d->change_heard = 0;
    put_policy(d, &msg);
    send(d->vhost, &msg, NULL, 0);
}

/*
 * An answer with this ticket comes from a worker that opens the device no more, and has no descriptor of it in messages
 * that it has not read: it has one thread, and the node is gone before it can know the ticket.
 */
static void ask_back(struct vdev *d, int refused)
{
    struct worker_msg msg = { .type = WM_LUN_REMOVE, .lun_index = (uint32_t)d->lun_index, .ticket = new_ticket() };

    sandbox_nodes_hide(d->vhost->worker.nodes, (uint32_t)d->lun_index);
    d->ticket = msg.ticket;
    d->asked_back = true;
    d->refused = refused;
    send(d->vhost, &msg, NULL, 0);
}

void worker_remove_lun(struct vdev *d)
{
    ask_back(d, 0);
}

static void tell_hold(struct vdev *d)
{
    struct worker_msg msg = { .type = d->must_hold ? WM_LUN_HOLD : WM_LUN_RELEASE,
                              .lun_index = (uint32_t)d->lun_index };

    d->held = d->must_hold;
    log_limited(&d->vhost->limit, XTL_INFO, d->vhost->prefix,
                d->held ? "%s: waits until the device is idle" : "%s: goes on", d->name);
    send(d->vhost, &msg, NULL, 0);
}

static void tell_shared(struct vdev *d)
{
    struct worker_msg msg = { .type = WM_LUN_SHARED, .lun_index = (uint32_t)d->lun_index };

    d->shared_told = d->shared;
    msg.u.lun.flags = d->shared ? LUN_SHARED : 0;
    send(d->vhost, &msg, NULL, 0);
}

static void tell_places(struct vdev *d)
{
    struct worker_msg msg = { .type = WM_HOST_PLACES, .lun_index = (uint32_t)d->lun_index };

    if (!places_to_tell(d))
        return;
    places_tell(d, &msg.u.places);
    send(d->vhost, &msg, NULL, 0);
}

static void tell_limits(struct vdev *d)
{
    struct worker_msg msg = { .type = WM_LUN_LIMITS, .lun_index = (uint32_t)d->lun_index };

    d->limits_told = msg.u.limits = d->wish.limits;
    send(d->vhost, &msg, NULL, 0);
}

void worker_update_lun(struct vdev *d)
{
    tell_places(d);
    if (d->held != d->must_hold)
        tell_hold(d);
    if (d->shared_told != d->shared)
        tell_shared(d);
    if (!limits_equal(&d->limits_told, &d->wish.limits))
        tell_limits(d);
    if (d->was_reset) {
        struct worker_msg msg = { .type = WM_LUN_WAS_RESET, .lun_index = (uint32_t)d->lun_index };

        d->was_reset = false;
        send(d->vhost, &msg, NULL, 0);
    }
    if (d->reset == RESET_DONE) {
        struct worker_msg msg = { .type = WM_RESET_DONE,
                                  .error = d->reset_result,
                                  .lun_index = (uint32_t)d->lun_index };

        d->reset = RESET_NONE;
        send(d->vhost, &msg, NULL, 0);
    }
}

/* --- the ring --- */

static void send_connect(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_CONNECT };

    v->worker.generation++;
    v->worker.answer = RING_SAID_NOTHING;
    v->worker.halted = false;
    msg.u.connect.ring_ref = v->ring_ref;
    msg.u.connect.event_channel = v->event_channel;
    msg.u.connect.take_over = v->worker.take_over;
    msg.u.connect.clean = v->clean;
    send(v, &msg, NULL, 0);
}

void worker_connect(struct vhost *v, bool take_over)
{
    loop_timer_cancel(&v->worker.connect_timer);
    v->worker.connect_tries = 0;
    v->worker.take_over = take_over;
    send_connect(v);
}

void worker_disconnect(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_DISCONNECT };

    loop_timer_cancel(&v->worker.connect_timer);
    v->worker.answer = RING_SAID_NOTHING;
    send(v, &msg, NULL, 0);
}

static void connect_expired(struct loop_timer *timer)
{
    send_connect(container_of(timer, struct vhost, worker.connect_timer));
}

/* True: a problem on our side that may pass, not a wrong grant reference or port of the guest. */
static bool may_pass(int error)
{
    return error == -ENOMEM || error == -EAGAIN || error == -EBUSY || error == -EINTR || error == -EMFILE
           || error == -ENFILE || error == -ENOSPC;
}

static void ring_answered(struct vhost *v, enum ring_answer answer, int error)
{
    if (answer == RING_SAID_CONNECTED && may_pass(error) && v->worker.connect_tries < CONNECT_TRIES) {
        log_limited(&v->limit, XTL_WARN, v->prefix,
                    "cannot connect to ring-ref %u, event-channel %u just now: %s; it is tried again", v->ring_ref,
                    v->event_channel, strerror(-error));
        v->worker.connect_tries++;
        loop_timer_arm(v->host->loop, &v->worker.connect_timer, CONNECT_AGAIN_US);
        return;
    }
    v->worker.answer = answer;
    v->worker.answer_error = error;
}

/* --- the process --- */

static void reset_wanted(struct vhost *v, const struct worker_msg *msg)
{
    struct vdev *d = model_find_lun(v, msg->lun_index);

    if (d && lun_is_with_worker(d->lun)) {
        d->reset = RESET_WANTED;
    } else {
        struct worker_msg answer = { .type = WM_RESET_DONE, .error = -EOPNOTSUPP, .lun_index = msg->lun_index };

        send(v, &answer, NULL, 0);
    }
}

/*
 * A command of this LUN is past its time-out, and the guest waits for its end. What sysfs says is read now, because
 * the daemons that manage the transports change it.
 */
static void host_eh_wanted(struct vhost *v, const struct worker_msg *msg)
{
    const struct vdev *d = model_find_lun(v, msg->lun_index);
    struct worker_msg answer = { .type = WM_HOST_EH, .lun_index = msg->lun_index };
    struct host_eh eh = { .seconds = HOST_EH_USUAL_S };
    char time[32] = "any time";

    if (d && d->dev.from != PDEV_FILE) {
        host_eh_read(v->host->roots, &d->dev.hctl, &eh);
        if (eh.seconds != HOST_EH_NO_LIMIT)
            snprintf(time, sizeof(time), "%" PRIu32 " s more", eh.seconds);
        log_limited(&v->limit, XTL_WARN, v->prefix,
                    "%s: a command is past its time-out; this machine's kernel may keep it for %s%s%s%s", d->name, time,
                    eh.why[0] ? " (" : "", eh.why, eh.why[0] ? ")" : "");
    }
    answer.u.host_eh_s = eh.seconds;
    send(v, &answer, NULL, 0);
}

static void helper_wanted(struct vhost *v, const struct worker_msg *msg)
{
    struct vdev *d = model_find_lun(v, msg->lun_index);
    struct worker_msg answer = { .type = WM_HELPER_SOCKET, .lun_index = msg->lun_index };
    int fd = d ? helper_connect(d) : -ENOENT;

    answer.u.helper_ask = msg->u.helper_ask;
    answer.error = fd < 0 ? fd : 0;
    send(v, &answer, &fd, fd < 0 ? 0 : 1);
}

static void set_pages(struct vhost *v, uint32_t pages)
{
    v->host->pages = v->host->pages - v->worker.pages + pages;
    v->worker.pages = pages;
}

/* First come, first served: a worker that gets less than it wants copies some of its data by way of plain memory. */
static void pages_wanted(struct vhost *v, uint32_t wanted)
{
    uint32_t others = v->host->pages - v->worker.pages, most = v->host->settings->granted_pages;
    uint32_t room = most > others ? most - others : 0;
    struct worker_msg answer = { .type = WM_PAGES };

    set_pages(v, wanted < room ? wanted : room);
    answer.u.pages = v->worker.pages;
    send(v, &answer, NULL, 0);
}

void worker_divide_pages(struct host *h)
{
    const uint64_t all = h->pages, most = h->settings->granted_pages;

    if (all <= most)
        return; /* who had to do without asks again */
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        struct worker_msg msg = { .type = WM_PAGES };

        if (v->worker.pages == 0)
            continue;
        set_pages(v, (uint32_t)(v->worker.pages * most / all));
        msg.u.pages = v->worker.pages;
        send(v, &msg, NULL, 0);
    }
}

/*
 * The worker says that it has let go of a device. If it has not, a guest has taken it over. The death of the worker
 * lets go of the device, and the next worker serves the guest's other ones. The same is done when nobody knows: the
 * next guest must not get a device that another one may have.
 */
static bool let_go(struct vhost *v, uint32_t index)
{
    int r = sandbox_nodes_kept(v->worker.nodes, index);

    if (r == 0) {
        sandbox_nodes_forget(v->worker.nodes, index);
        return true;
    }
    if (r > 0) {
        log_limited(&v->limit, XTL_ERROR, v->prefix,
                    "worker %d keeps a device open that was taken away; killing it. Look at its guest, which may have "
                    "taken it over",
                    (int)child_pid(v->worker.child));
        news_tell(v->host->news, NEWS_ERROR, v, NULL,
                  "the worker keeps a device open that was taken away; it is killed");
    } else {
        log_limited(&v->limit, XTL_ERROR, v->prefix,
                    "cannot see whether worker %d has closed a device that was taken away: %s; killing it, so that it "
                    "certainly has",
                    (int)child_pid(v->worker.child), strerror(-r));
    }
    worker_kill(v);
    return false;
}

/*
 * A worker that cannot use a device says that it has let go of it, too. One whose device has returned keeps the LUN,
 * and has the device at its next try.
 */
static void lun_added(struct vdev *d, const struct worker_msg *msg)
{
    if (d->asked_back || msg->ticket != d->ticket)
        return;
    if (msg->error < 0 && d->presence != DEVICE_RETURNING) {
        ask_back(d, msg->error);
        return;
    }
    d->answer = LUN_SAID_ADDED;
    d->answer_error = msg->error;
}

static void lun_removed(struct vdev *d, const struct worker_msg *msg)
{
    if (!d->asked_back || msg->ticket != d->ticket || !let_go(d->vhost, msg->lun_index))
        return;
    at_work_note_lun(d);
    d->asked_back = false;
    d->ticket = 0;
    d->answer = d->refused ? LUN_SAID_ADDED : LUN_SAID_REMOVED;
    d->answer_error = d->refused;
}

/* 0 or -errno: a worker that a guest has taken over may say any number. */
static int clean_error(int32_t said)
{
    return said > 0 || said < -ERRNO_MAX ? -EPROTO : said;
}

static void child_message(void *ctx, const struct worker_msg *said)
{
    struct vhost *v = ctx;
    struct worker_msg clean = *said;
    const struct worker_msg *msg = &clean;
    bool stale = msg->generation != v->worker.generation;
    struct vdev *d;

    clean.error = clean_error(said->error);
    switch (msg->type) {
    case WM_READY:
        if (msg->error < 0)
            log_limited(&v->limit, XTL_WARN, v->prefix, "the worker could not start: %s; it is tried again",
                        strerror(-msg->error));
        break;
    case WM_LUN_ADDED:
        d = model_find_lun(v, msg->lun_index);
        if (d)
            lun_added(d, msg);
        break;
    case WM_LUN_REMOVED:
        d = model_find_lun(v, msg->lun_index);
        if (d)
            lun_removed(d, msg);
        break;
    case WM_CONNECTED:
        if (!stale)
            ring_answered(v, RING_SAID_CONNECTED, msg->error);
        break;
    case WM_DISCONNECTED:
        if (!stale)
            ring_answered(v, RING_SAID_DISCONNECTED, 0);
        break;
    case WM_HALTED:
        if (!stale && !v->worker.halted) {
            v->worker.halted = true;
            log_limited(&v->limit, XTL_WARN, v->prefix, "the ring is halted");
            news_tell(v->host->news, NEWS_ERROR, v, NULL, "the ring is halted");
        }
        break;
    case WM_LUN_LOST:
        d = model_find_lun(v, msg->lun_index);
        remove_node(v, msg->lun_index);
        if (d)
            d->lost = true;
        break;
    case WM_LUN_CHANGED:
        d = model_find_lun(v, msg->lun_index);
        if (d)
            d->change_heard = msg->u.change;
        break;
    case WM_RESET:
        reset_wanted(v, msg);
        break;
    case WM_HOST_EH_ASK:
        host_eh_wanted(v, msg);
        return; /* nothing of the model has changed */
    case WM_HELPER_CONNECT:
        helper_wanted(v, msg);
        return; /* nothing of the model has changed */
    case WM_PAGES:
        pages_wanted(v, msg->u.pages);
        return; /* nothing of the model has changed */
    case WM_HELPER:
        d = model_find_lun(v, msg->lun_index);
        if (d && msg->u.helper_state <= HELPER_UNUSED)
            helper_is(d, msg->u.helper_state);
        break;
    case WM_ENDED:
        ended_tell(v, msg);
        return; /* nothing of the model has changed */
    default:
        log_limited(&v->limit, XTL_WARN, v->prefix, "unknown message %u from the worker", msg->type);
        break;
    }
    model_changed(v);
}

bool worker_journal_fits(const struct vhost *v)
{
    struct pvscsi_journal j;

    return run_files_journal(v->host->settings->run_dir, v->domid, v->id, &j) == 0 && j.connected
           && j.ring_ref == v->ring_ref && j.event_channel == v->event_channel;
}

static void child_died(void *ctx, const char *how, bool clean)
{
    struct vhost *v = ctx;
    struct worker_link *w = &v->worker;
    pid_t pid = child_pid(w->child);
    uint64_t now = now_us();

    (void)clean;
    w->child = NULL;
    set_pages(v, 0);
    sandbox_nodes_free(steal_ptr(w->nodes));
    loop_timer_cancel(&w->connect_timer);
    if (v->host->quitting)
        return; /* the next daemon learns it from the journal */
    trace_worker_died(v->domid, v->id, pid, how);
    at_work_note(v, 0);
    if (now - w->since_us > STABLE_US)
        w->failures = 0;
    w->failures++;
    w->restarts++;
    w->not_before_us = now;
    if (w->failures > FREE_FAILURES) {
        unsigned doublings = w->failures - FREE_FAILURES - 1;
        uint64_t wait = doublings < 7 ? (uint64_t)BACKOFF_FIRST_US << doublings : BACKOFF_MAX_US;

        w->not_before_us += wait < BACKOFF_MAX_US ? wait : BACKOFF_MAX_US;
    }
    log_limited(&v->limit, XTL_WARN, v->prefix, "the worker died: %s; starting a new one%s", how,
                w->failures > FREE_FAILURES ? " after a pause" : "");
    news_tell(v->host->news, NEWS_RESTART, v, NULL, "the worker died: %s; a new one is started", how);
    w->died = true;
    model_changed(v);
}

static const struct child_ops child_ops = { .message = child_message, .died = child_died };

/* Kills a worker of an earlier daemon that does not end by itself. It holds the journal's lock, so it is alive. */
static void kill_old_worker(struct vhost *v, uint32_t pid)
{
    CLEANUP_CLOSE int fd = run_files_worker((pid_t)pid);

    if (fd >= 0)
        orphan_kill(v->prefix, pid, fd);
}

/* The journal cannot be opened (yet). */
static void wait_for_files(struct vhost *v, int error, uint64_t now)
{
    if (error != -EWOULDBLOCK) {
        log_limited(&v->limit, XTL_ERROR, v->prefix,
                    "cannot make the journal in %s: %s; make room there, it is tried again", v->host->settings->run_dir,
                    strerror(-error));
        v->worker.not_before_us = now + BACKOFF_MAX_US;
        return;
    }
    v->worker.not_before_us = now + OLD_WORKER_POLL_US;
    if (v->worker.lock_since_us == 0) {
        v->worker.lock_since_us = now;
        log_info(v->prefix, "waiting for worker %" PRIu32 " of an earlier daemon to end",
                 run_files_holder(v->host->settings->run_dir, v->domid, v->id));
    } else if (now - v->worker.lock_since_us > OLD_WORKER_WAIT_US) {
        v->worker.lock_since_us = now;
        kill_old_worker(v, run_files_holder(v->host->settings->run_dir, v->domid, v->id));
    }
}

static bool open_files(struct vhost *v, bool fresh, struct run_files *files)
{
    int r = run_files_open(v->host->settings->run_dir, v->domid, v->id, fresh, files);

    if (r < 0) {
        wait_for_files(v, r, now_us());
        return false;
    }
    v->worker.lock_since_us = 0;
    return true;
}

bool worker_ring_is_free(struct vhost *v)
{
    struct run_files files;

    if (v->worker.child)
        return true;
    if (now_us() < v->worker.not_before_us || !open_files(v, false, &files))
        return false;
    close(files.journal);
    close(files.stats);
    return true;
}

/* With one processor nothing comes while the worker looks: the guest, or what brings its event, waits for it. */
static uint32_t poll_time_us(unsigned poll)
{
    if (poll != POLL_AUTO)
        return poll;
    return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? POLL_AUTO_US : 0;
}

static void send_init(struct vhost *v, const struct run_files *files)
{
    struct worker_link *w = &v->worker;
    const struct sandbox *s = &v->host->sandbox;
    const int fds[3] = { files->journal, files->stats,
                         w->nodes ? fcntl(sandbox_nodes_root(w->nodes), F_DUPFD_CLOEXEC, 0) : -1 };
    struct worker_msg msg = { .type = WM_INIT };

    msg.u.init.confine = s->parts;
    msg.u.init.confine_id = sandbox_id(s, child_pid(w->child));
    msg.u.init.domid = v->domid;
    msg.u.init.own_domid = v->host->own_domid;
    msg.u.init.vhost = v->id;
    msg.u.init.log_level = (uint32_t)log_level();
    msg.u.init.max_segments = v->segments;
    msg.u.init.poll_us = poll_time_us(v->host->settings->poll);
    snprintf(msg.u.init.prefix, sizeof(msg.u.init.prefix), "%s", v->prefix);
    memcpy(w->prefix, v->prefix, sizeof(w->prefix));
    snprintf(msg.u.init.mock_socket, sizeof(msg.u.init.mock_socket), "%s", v->host->settings->standalone);
    send(v, &msg, fds, fds[2] >= 0 ? 3 : 2);
}

bool worker_start(struct vhost *v, bool go_on)
{
    struct worker_link *w = &v->worker;
    struct run_files files;
    int r;

    if (w->child)
        return true;
    /* The death of the worker before must have been handled first: its devices have to be opened again. */
    if (w->died || v->host->quitting || now_us() < w->not_before_us || !v->segments || !open_files(v, !go_on, &files))
        return false;
    sandbox_nodes_free(steal_ptr(w->nodes));
    r = child_start(v->host->loop, v->prefix, &child_ops, v, &w->child);
    if (r == 0 && v->host->sandbox.parts & CONFINE_ROOT) {
        r = sandbox_nodes_new(sandbox_id(&v->host->sandbox, child_pid(w->child)), &w->nodes);
        if (r == 0)
            r = sandbox_nodes_watch(w->nodes, child_pid(w->child));
        if (r < 0)
            child_abandon(w->child); /* it was told nothing yet, and ends */
    }
    if (r < 0) {
        close(files.journal);
        close(files.stats);
        w->child = NULL;
        w->not_before_us = now_us() + BACKOFF_MAX_US;
        log_limited(&v->limit, XTL_ERROR, v->prefix, "cannot start a worker: %s; it is tried again", strerror(-r));
        return false;
    }
    w->since_us = now_us();
    w->connect_timer.expired = connect_expired;
    w->answer = RING_SAID_NOTHING;
    log_debug(v->prefix, "worker %d started", (int)child_pid(w->child));
    trace_worker_started(v->domid, v->id, child_pid(w->child));
    send_init(v, &files);
    return true;
}

void worker_set_poll(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_POLL };

    msg.u.poll_us = poll_time_us(v->host->settings->poll);
    send(v, &msg, NULL, 0);
}

void worker_tell_name(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_PREFIX };

    if (!v->worker.child || strcmp(v->worker.prefix, v->prefix) == 0)
        return;
    memcpy(v->worker.prefix, v->prefix, sizeof(v->worker.prefix));
    memcpy(msg.u.prefix, v->prefix, sizeof(msg.u.prefix));
    send(v, &msg, NULL, 0);
}

void worker_kill(struct vhost *v)
{
    if (v->worker.child)
        child_kill(v->worker.child);
}

void worker_drop(struct vhost *v)
{
    loop_timer_cancel(&v->worker.connect_timer);
    v->worker.died = false;
    if (!v->worker.child)
        return;
    if (!v->host->quitting) {
        at_work_note(v, child_pid(v->worker.child));
        if (ring_is_served(v->ring))
            worker_disconnect(v); /* it unmaps the ring now, even if commands are still at the devices */
    }
    child_abandon(v->worker.child);
    v->worker.child = NULL;
    set_pages(v, 0);                                /* without a ring it keeps only what its strays need */
    sandbox_nodes_free(steal_ptr(v->worker.nodes)); /* it opens nothing any more */
}

void worker_quit(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_QUIT };

    loop_timer_cancel(&v->worker.connect_timer);
    send(v, &msg, NULL, 0);
}

void worker_log(struct vhost *v)
{
    struct worker_msg msg = { .type = WM_LOG };
    const int log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

    msg.u.log_level = (uint32_t)log_level();
    send(v, &msg, &log, log < 0 ? 0 : 1);
}
