// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker process: one vhost, single-threaded, driven by the control process
 * through the socketpair on WORKER_FD. It knows neither xenstore nor the
 * toolstack, and it ends when the control process does.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "common/log-line.h"
#include "standalone/xen-mock.h"
#include "worker/confine.h"
#include "worker/hotplug.h"
#include "worker/manage.h"
#include "worker/service.h"
#include "worker/worker.h"

/* After QUIT or EOF, commands in flight have this time to end. The journal tells a successor about the others. */
#define QUIT_WAIT_US 5000000u

#define OUTBOX_RETRY_US 10000u

struct worker {
    struct service svc;
    struct loop *loop;
    struct loop_source control;
    struct loop_timer quit_timer, outbox_timer;
    bool initialised, quitting;
    uint32_t generation;
    uint32_t removing[PVSCSI_STATS_LUNS / 32]; /* bit i: LUN_REMOVED has to be sent for LUN i */
    uint64_t removal[PVSCSI_STATS_LUNS];       /* ... with this ticket */
    struct worker_msg outbox[PVSCSI_STATS_LUNS * 3];
    unsigned out_from, out_n;
    struct journal_map {
        void *at;
        size_t size;
    } journal, stats;
    char prefix[WORKER_PREFIX_MAX];
};

static struct worker *worker_of(struct service *svc)
{
    return container_of(svc, struct worker, svc);
}

/*
 * Messages are queued if the control process does not read at once. If the queue is full, the control process does
 * not read at all.
 */
static void flush_outbox(struct worker *w)
{
    while (w->out_n > 0) {
        int r = worker_msg_send(w->control.fd, &w->outbox[w->out_from], NULL, 0);

        if (r == -EAGAIN)
            break;
        if (r == -ENOBUFS || r == -ENOMEM) { /* the socket says that it is writable nevertheless */
            loop_timer_arm(w->loop, &w->outbox_timer, OUTBOX_RETRY_US);
            return;
        }
        w->out_from = (w->out_from + 1) % ARRAY_SIZE(w->outbox);
        w->out_n--;
    }
    if (w->control.loop)
        loop_modify(&w->control, EPOLLIN | (w->out_n > 0 ? (uint32_t)EPOLLOUT : 0));
}

static void outbox_expired(struct loop_timer *timer)
{
    flush_outbox(container_of(timer, struct worker, outbox_timer));
}

static void queue(struct worker *w, struct worker_msg *msg)
{
    if (w->out_n == ARRAY_SIZE(w->outbox))
        return;
    msg->generation = w->generation;
    w->outbox[(w->out_from + w->out_n++) % ARRAY_SIZE(w->outbox)] = *msg;
    flush_outbox(w);
}

/* what: of WM_HELPER the state, of WM_LUN_CHANGED the number. */
static void tell(struct worker *w, uint32_t type, int error, uint32_t lun_index, uint32_t what)
{
    struct worker_msg msg = { .type = type, .error = error, .lun_index = lun_index };

    if (type == WM_HELPER)
        msg.u.helper_state = what;
    else if (type == WM_LUN_CHANGED)
        msg.u.change = what;
    queue(w, &msg);
}

/* Answers LUN_ADD or LUN_REMOVE. */
static void tell_of_lun(struct worker *w, uint32_t type, int error, uint32_t lun_index, uint64_t ticket)
{
    struct worker_msg msg = { .type = type, .error = error, .lun_index = lun_index, .ticket = ticket };

    queue(w, &msg);
}

static void check_removed(struct worker *w)
{
    for (unsigned word = 0; word < ARRAY_SIZE(w->removing); word++) {
        for (uint32_t bits = w->removing[word]; bits; bits &= bits - 1) {
            unsigned bit = (unsigned)__builtin_ctz(bits), i = word * 32 + bit;

            if (hotplug_reap(&w->svc, i)) {
                w->removing[word] &= ~(1u << bit);
                tell_of_lun(w, WM_LUN_REMOVED, 0, i, w->removal[i]);
            }
        }
    }
}

/*
 * Commands that wait for their turn at a device count too: a successor would have to end them as lost, and a tape
 * would have to be positioned again.
 */
static bool in_flight(const struct worker *w)
{
    for (unsigned i = 0; i < PVSCSI_STATS_LUNS; i++) {
        const struct lun *lun = w->svc.luns[i];

        if (lun && (lun->in_flight > 0 || (lun->queue && !lun->held)))
            return true;
    }
    return false;
}

static void on_progress(struct service *svc)
{
    struct worker *w = worker_of(svc);

    check_removed(w);
    if (w->quitting && !in_flight(w))
        loop_stop(w->loop);
}

static void on_halted(struct service *svc)
{
    tell(worker_of(svc), WM_HALTED, 0, 0, 0);
}

static void on_wish_pages(struct service *svc, uint32_t pages)
{
    struct worker_msg msg = { .type = WM_PAGES };

    msg.u.pages = pages;
    queue(worker_of(svc), &msg);
}

static void on_reset_device(struct service *svc, struct lun *lun)
{
    tell(worker_of(svc), WM_RESET, 0, lun->index, 0);
}

static void on_ask_host_eh(struct service *svc, struct lun *lun)
{
    tell(worker_of(svc), WM_HOST_EH_ASK, 0, lun->index, 0);
}

static void on_device_lost(struct service *svc, struct lun *lun)
{
    tell(worker_of(svc), WM_LUN_LOST, 0, lun->index, 0);
}

static void on_helper_connect(struct service *svc, struct lun *lun)
{
    struct worker_msg msg = { .type = WM_HELPER_CONNECT, .lun_index = lun->index };

    msg.u.helper_ask = lun->pr_link.asked;
    queue(worker_of(svc), &msg);
}

static void on_helper_changed(struct service *svc, struct lun *lun, enum worker_helper_state state)
{
    tell(worker_of(svc), WM_HELPER, 0, lun->index, state);
}

static_assert(sizeof(((struct worker_msg *)0)->u.ended.sense) == SCSI_SENSE_MAX, "sense data fits into a message");

/* Nothing waits for this message, so it leaves half of the queue to the others. */
static void on_ended(struct service *svc, const struct cmd *c, enum scsi_kind kind)
{
    struct worker *w = worker_of(svc);
    struct worker_msg msg = { .type = WM_ENDED, .lun_index = c->lun->index };

    if (w->out_n > ARRAY_SIZE(w->outbox) / 2)
        return;
    memcpy(msg.u.ended.cdb, c->cdb, sizeof(msg.u.ended.cdb));
    msg.u.ended.cdb_len = c->req.cmd_len < sizeof(msg.u.ended.cdb) ? c->req.cmd_len : sizeof(msg.u.ended.cdb);
    msg.u.ended.kind = (uint8_t)kind;
    msg.u.ended.sense_len = c->answer.sense_len;
    memcpy(msg.u.ended.sense, c->answer.sense, c->answer.sense_len);
    queue(w, &msg);
}

static void quit_expired(struct loop_timer *timer)
{
    struct worker *w = container_of(timer, struct worker, quit_timer);

    log_warn(w->prefix, "commands are still at their devices; a successor has to wait for them");
    loop_stop(w->loop);
}

static void quit(struct worker *w)
{
    if (w->quitting)
        return;
    w->quitting = true;
    w->svc.stopping = true;
    if (!w->initialised || !in_flight(w)) {
        loop_stop(w->loop);
        return;
    }
    service_end_limits(&w->svc);
    loop_timer_arm(w->loop, &w->quit_timer, QUIT_WAIT_US);
}

static int map_shared(int fd, size_t size, struct journal_map *out)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return -errno;
    out->at = at;
    out->size = size;
    return 0;
}

static int open_xen(const char *mock_socket, uint16_t own_domid, unsigned flags, struct xen **out)
{
    return mock_socket[0] ? xen_open_mock(mock_socket, own_domid, flags, out) : xen_open_real(flags, out);
}

/* Nothing of the guest was touched yet. What is opened already stays open: the hypervisor's devices, the run files. */
static int confine(struct worker *w, const struct worker_msg *msg, int *root_fd)
{
    struct confine c = {
        .parts = msg->u.init.confine, .root_fd = steal_fd(root_fd), .id = msg->u.init.confine_id, .mappable = { -1, -1 }
    };
    int error[CONFINE_PARTS], r;

    /* Domain 0 cannot be named here, and a backend in another domain may serve it. */
    r = c.parts ? w->svc.xen->ops->restrict_events(w->svc.xen, w->svc.domid) : 0;
    if (r < 0 && r != -EOPNOTSUPP) {
        log_err(w->prefix, -r, "cannot restrict event channels to the guest");
        return r;
    }
    if (!c.parts)
        return 0;
    c.any_file = w->svc.xen->ops->memory_fds(w->svc.xen, c.mappable) < 0;
    confine_enter(&c, error);
    if (c.root_fd >= 0)
        close(c.root_fd);
    for (unsigned i = 0; i < CONFINE_PARTS; i++) {
        if (error[i] < 0) {
            log_err(w->prefix, -error[i], "cannot be confined: no %s", confine_part_name(1u << i));
            return error[i];
        }
    }
    w->svc.own_nodes = (c.parts & CONFINE_ROOT) != 0;
    return 0;
}

static void set_prefix(struct worker *w, const char prefix[WORKER_PREFIX_MAX])
{
    snprintf(w->prefix, sizeof(w->prefix), "%.*s", WORKER_PREFIX_MAX - 1, prefix);
}

static int init(struct worker *w, const struct worker_msg *msg, int fds[WORKER_MAX_FDS])
{
    unsigned flags = XEN_OPEN_GRANTS | XEN_OPEN_EVENTS;
    struct service *svc = &w->svc;
    char socket[sizeof(msg->u.init.mock_socket)];
    int r;

    if (w->initialised)
        return -EALREADY;
    if (fds[0] < 0 || fds[1] < 0)
        return -EBADF;
    set_prefix(w, msg->u.init.prefix);
    snprintf(socket, sizeof(socket), "%.*s", (int)sizeof(socket) - 1, msg->u.init.mock_socket);
    if (msg->u.init.log_level > XTL_NONE && msg->u.init.log_level < XTL_NUM_LEVELS)
        log_set_level((xentoollog_level)msg->u.init.log_level);
    r = map_shared(fds[0], sizeof(struct pvscsi_journal), &w->journal);
    if (r == 0)
        r = map_shared(fds[1], sizeof(struct pvscsi_stats), &w->stats);
    if (r < 0)
        return r;
    /* Without xen-gntalloc all buffers are plain memory. */
    r = open_xen(socket, (uint16_t)msg->u.init.own_domid, flags | XEN_OPEN_SHARE, &svc->xen);
    if (r < 0)
        r = open_xen(socket, (uint16_t)msg->u.init.own_domid, flags, &svc->xen);
    if (r < 0) {
        log_err(w->prefix, -r, "cannot open the hypervisor's devices (/dev/xen/gntdev, /dev/xen/evtchn)");
        return r;
    }
    svc->loop = w->loop;
    svc->prefix = w->prefix;
    svc->domid = (uint16_t)msg->u.init.domid;
    svc->own_domid = (uint16_t)msg->u.init.own_domid;
    svc->vhost = msg->u.init.vhost;
    r = confine(w, msg, &fds[2]);
    if (r < 0)
        return r;
    svc->poll_us = msg->u.init.poll_us;
    svc->max_segments = msg->u.init.max_segments <= REQUEST_SEGMENTS_MAX ? msg->u.init.max_segments
                                                                         : REQUEST_SEGMENTS_MAX;
    svc->journal = w->journal.at;
    svc->journal->worker_pid = (uint32_t)getpid();
    svc->stats = w->stats.at;
    if (svc->stats->version != PVSCSI_STATS_VERSION) /* fresh, or counted otherwise */
        memset(svc->stats, 0, sizeof(*svc->stats));
    svc->stats->magic = PVSCSI_STATS_MAGIC;
    svc->stats->version = PVSCSI_STATS_VERSION;
    svc->progress = on_progress;
    svc->halted = on_halted;
    svc->reset_device = on_reset_device;
    svc->ask_host_eh = on_ask_host_eh;
    svc->helper_connect = on_helper_connect;
    svc->helper_changed = on_helper_changed;
    svc->ended = on_ended;
    svc->device_lost = on_device_lost;
    svc->wish_pages = on_wish_pages;
    r = service_init(svc);
    w->initialised = r == 0;
    return r;
}

static void handle(struct worker *w, const struct worker_msg *msg, int fds[WORKER_MAX_FDS])
{
    struct service *svc = &w->svc;
    int r;

    if (!w->initialised && msg->type != WM_INIT && msg->type != WM_QUIT)
        return;
    switch (msg->type) {
    case WM_INIT:
        r = init(w, msg, fds);
        tell(w, WM_READY, r, 0, 0);
        if (r < 0)
            quit(w);
        break;
    case WM_LUN_ADD: {
        int node = steal_fd(&fds[0]), block = steal_fd(&fds[1]);

        tell_of_lun(w, WM_LUN_ADDED, hotplug_add(svc, msg, node, block), msg->lun_index, msg->ticket);
        break;
    }
    case WM_LUN_REMOVE:
        if (hotplug_remove(svc, msg->lun_index)) {
            tell_of_lun(w, WM_LUN_REMOVED, 0, msg->lun_index, msg->ticket);
        } else {
            w->removing[msg->lun_index / 32] |= 1u << (msg->lun_index % 32);
            w->removal[msg->lun_index] = msg->ticket;
        }
        break;
    case WM_LUN_RELEASE:
        hotplug_release(svc, msg->lun_index);
        break;
    case WM_LUN_HOLD:
        hotplug_hold(svc, msg->lun_index);
        break;
    case WM_LUN_SHARED:
        hotplug_set_shared(svc, msg->lun_index, (msg->u.lun.flags & LUN_SHARED) != 0);
        break;
    case WM_LUN_CHANGE:
        hotplug_change(svc, msg);
        if (msg->u.lun.change)
            tell(w, WM_LUN_CHANGED, 0, msg->lun_index, msg->u.lun.change);
        break;
    case WM_LUN_WAS_RESET:
        hotplug_was_reset(svc, msg->lun_index);
        break;
    case WM_CONNECT:
        service_disconnect(svc);
        w->generation = msg->generation;
        if (msg->u.connect.clean)
            hotplug_set_clean(svc);
        r = service_connect(svc, msg->u.connect.ring_ref, msg->u.connect.event_channel, msg->u.connect.take_over != 0);
        tell(w, WM_CONNECTED, r, 0, 0);
        break;
    case WM_DISCONNECT:
        service_disconnect(svc);
        w->generation = msg->generation;
        tell(w, WM_DISCONNECTED, 0, 0, 0);
        break;
    case WM_RESET_DONE:
        if (msg->lun_index < PVSCSI_STATS_LUNS && svc->luns[msg->lun_index])
            manage_reset_done(svc, svc->luns[msg->lun_index], msg->error);
        break;
    case WM_HOST_EH:
        if (msg->lun_index < PVSCSI_STATS_LUNS && svc->luns[msg->lun_index])
            manage_host_eh(svc, svc->luns[msg->lun_index], msg->u.host_eh_s);
        break;
    case WM_LUN_LIMITS:
        hotplug_set_limits(svc, msg->lun_index, &msg->u.limits);
        break;
    case WM_HOST_PLACES:
        hotplug_set_places(svc, &msg->u.places);
        break;
    case WM_HELPER_SOCKET:
        /* A connection that came too late has a successor, and the control process has ended it. */
        if (msg->lun_index >= PVSCSI_STATS_LUNS || !svc->luns[msg->lun_index]
            || svc->luns[msg->lun_index]->pr_link.asked != msg->u.helper_ask)
            break;
        r = msg->error < 0 ? msg->error : fds[0] < 0 ? -EPROTO : steal_fd(&fds[0]);
        hotplug_helper_connected(svc, msg->lun_index, r);
        break;
    case WM_PAGES:
        service_allot(svc, msg->u.pages);
        break;
    case WM_POLL:
        service_set_poll(svc, msg->u.poll_us);
        break;
    case WM_PREFIX:
        set_prefix(w, msg->u.prefix);
        hotplug_set_prefix(svc);
        break;
    case WM_LOG:
        if (msg->u.log_level > XTL_NONE && msg->u.log_level < XTL_NUM_LEVELS)
            log_set_level((xentoollog_level)msg->u.log_level);
        if (fds[0] >= 0 && (r = log_to(fds[0])) < 0)
            log_msg(XTL_WARN, w->prefix, -r, "cannot change to the new log");
        break;
    case WM_QUIT:
        quit(w);
        break;
    default:
        log_warn(w->prefix, "unknown message %u from the control process", msg->type);
        break;
    }
}

static void control_ready(struct loop_source *src, uint32_t revents)
{
    struct worker *w = container_of(src, struct worker, control);
    struct worker_msg msg;
    int fds[WORKER_MAX_FDS];

    if (revents & EPOLLOUT)
        flush_outbox(w);
    for (;;) {
        int r = worker_msg_recv(src->fd, &msg, fds);

        if (r == -EAGAIN)
            return;
        if (r <= 0) {
            loop_remove(src);
            quit(w);
            return;
        }
        handle(w, &msg, fds);
        for (unsigned i = 0; i < WORKER_MAX_FDS; i++)
            if (fds[i] >= 0)
                close(fds[i]);
    }
}

static void after_round(void *ctx)
{
    service_round(ctx);
}

int worker_main(void)
{
    struct worker *w = calloc(1, sizeof(*w));
    int r;

    if (!w)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    prctl(PR_SET_NAME, WORKER_NAME);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    log_init(XTL_INFO);
    r = loop_new(&w->loop);
    if (r == 0) {
        w->control = (struct loop_source){ .fd = WORKER_FD, .events = EPOLLIN, .ready = control_ready };
        w->quit_timer.expired = quit_expired;
        w->outbox_timer.expired = outbox_expired;
        fd_set_cloexec(WORKER_FD);
        r = loop_add(w->loop, &w->control);
    }
    if (r == 0) {
        loop_set_after_round(w->loop, after_round, &w->svc);
        r = loop_run(w->loop);
    }
    service_deinit(&w->svc);
    xen_close(w->svc.xen);
    if (w->journal.at)
        munmap(w->journal.at, w->journal.size);
    if (w->stats.at)
        munmap(w->stats.at, w->stats.size);
    loop_free(w->loop);
    free(w);
    return r == 0 ? 0 : 1;
}
