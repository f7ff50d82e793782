// SPDX-License-Identifier: GPL-2.0-or-later
/* Worker processes; see supervise.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/linux-calls.h"
#include "common/log.h"
#include "common/util.h"
#include "control/supervise.h"

/* More than two messages for each LUN that a vhost can have. If so many wait, the worker does not read any. */
#define QUEUE_MAX 2048
/* The kernel refuses SCM_RIGHTS while too many descriptors are in flight: try again after this time. */
#define RETRY_US 5000

#define READ_AT_ONCE 64

/*
 * A worker that a guest has taken over may talk without end. It gets a fifth of our time, and CREDIT_US at once: more
 * than an honest worker of 256 LUNs needs. Each reading costs what it takes, and ROUND_US for what follows from it in
 * this round. More than DEBT_MAX_US is not owed, or a worker would be made to wait for minutes because this process was
 * stopped in the meantime.
 */
#define SHARE 5
#define CREDIT_US 100000
#define ROUND_US 200
#define DEBT_MAX_US 200000

#define ABANDONED_WAIT_US 10000000u

extern char **environ;

static unsigned abandoned_count;

struct queued {
    struct queued *next;
    struct worker_msg msg;
    int fds[WORKER_MAX_FDS];
    unsigned nfds;
};

struct child {
    struct loop *loop;
    const char *prefix;
    const struct child_ops *ops;
    void *ctx;
    pid_t pid;
    struct loop_source socket, death;
    struct loop_timer retry, patience, pause;
    int64_t credit_us;   /* of our time; below 0: it waits */
    uint64_t charged_us; /* when credit_us was right */
    bool abandoned;
    struct queued *first, **last;
    unsigned n_queued;
};

static void close_fds(const int *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void drop_queue(struct child *c)
{
    while (c->first) {
        struct queued *q = c->first;

        c->first = q->next;
        close_fds(q->fds, q->nfds);
        free(q);
    }
    c->last = &c->first;
    c->n_queued = 0;
}

static void child_free(struct child *c)
{
    loop_timer_cancel(&c->retry);
    loop_timer_cancel(&c->patience);
    loop_timer_cancel(&c->pause);
    loop_remove(&c->socket);
    loop_remove(&c->death);
    if (c->socket.fd >= 0)
        close(c->socket.fd);
    if (c->death.fd >= 0)
        close(c->death.fd);
    drop_queue(c);
    free(c);
}

pid_t child_pid(const struct child *c)
{
    return c->pid;
}

void child_kill(struct child *c)
{
    /* By the pidfd, so it is never another process with the same number. */
    if (c->death.fd >= 0)
        pidfd_send_signal(c->death.fd, SIGKILL, NULL, 0);
}

static void stop_talking(struct child *c)
{
    loop_timer_cancel(&c->retry);
    loop_timer_cancel(&c->pause);
    loop_remove(&c->socket);
    if (c->socket.fd >= 0)
        close(steal_fd(&c->socket.fd));
    drop_queue(c);
}

static bool must_wait(int r)
{
    return r == -EAGAIN || r == -ENOBUFS || r == -ETOOMANYREFS || r == -ENOMEM;
}

static void flush_queue(struct child *c)
{
    while (c->first) {
        struct queued *q = c->first;
        int r = worker_msg_send(c->socket.fd, &q->msg, q->fds, q->nfds);

        if (must_wait(r)) {
            loop_timer_arm(c->loop, &c->retry, RETRY_US);
            return;
        }
        if (r < 0) {
            stop_talking(c); /* it is dying: death_ready() follows */
            return;
        }
        close_fds(q->fds, q->nfds);
        c->first = q->next;
        if (!c->first)
            c->last = &c->first;
        c->n_queued--;
        free(q);
    }
}

static void retry_expired(struct loop_timer *timer)
{
    flush_queue(container_of(timer, struct child, retry));
}

int child_send(struct child *c, const struct worker_msg *msg, const int *fds, unsigned nfds)
{
    struct queued *q;
    int r;

    if (c->socket.fd < 0) {
        close_fds(fds, nfds);
        return -EPIPE;
    }
    if (!c->first) {
        r = worker_msg_send(c->socket.fd, msg, fds, nfds);
        if (!must_wait(r)) {
            close_fds(fds, nfds);
            if (r < 0)
                stop_talking(c);
            return r < 0 ? -EPIPE : 0;
        }
    }
    if (c->n_queued >= QUEUE_MAX) {
        close_fds(fds, nfds);
        log_warn(c->prefix, "worker %d does not read its messages; killing it", (int)c->pid);
        child_kill(c);
        stop_talking(c);
        return -ENOBUFS;
    }
    q = calloc(1, sizeof(*q));
    if (!q) {
        close_fds(fds, nfds);
        return -ENOMEM;
    }
    q->msg = *msg;
    q->nfds = nfds;
    for (unsigned i = 0; i < nfds; i++)
        q->fds[i] = fds[i];
    *c->last = q;
    c->last = &q->next;
    c->n_queued++;
    if (!loop_timer_armed(&c->retry))
        loop_timer_arm(c->loop, &c->retry, RETRY_US);
    return 0;
}

/* Takes a bounded number of messages. True: there may be more. */
static bool read_messages(struct child *c)
{
    for (unsigned i = 0; i < READ_AT_ONCE; i++) {
        struct worker_msg msg;
        int fds[WORKER_MAX_FDS];
        int r = worker_msg_recv(c->socket.fd, &msg, fds);

        if (r == -EAGAIN)
            return false;
        close_fds(fds, WORKER_MAX_FDS);
        if (r == 1) {
            c->ops->message(c->ctx, &msg);
            if (c->socket.fd < 0)
                return false;
            continue;
        }
        if (r == -EBADMSG) {
            log_warn(c->prefix, "worker %d sent a malformed message; killing it", (int)c->pid);
            child_kill(c);
        }
        stop_talking(c);
        return false;
    }
    return true;
}

static void pause_expired(struct loop_timer *timer)
{
    struct child *c = container_of(timer, struct child, pause);

    loop_modify(&c->socket, EPOLLIN);
}

/* For a reading that began at this time. How long its next one has to wait, microseconds. */
static uint64_t charge(struct child *c, uint64_t begun)
{
    uint64_t now = now_us(), earned = (now - c->charged_us) / SHARE;

    c->charged_us = now;
    c->credit_us += earned < CREDIT_US + DEBT_MAX_US ? (int64_t)earned : CREDIT_US + DEBT_MAX_US;
    if (c->credit_us > CREDIT_US)
        c->credit_us = CREDIT_US;
    c->credit_us -= (int64_t)(now - begun) + ROUND_US;
    if (c->credit_us < -DEBT_MAX_US)
        c->credit_us = -DEBT_MAX_US;
    return c->credit_us < 0 ? (uint64_t)-c->credit_us * SHARE : 0;
}

static void socket_ready(struct loop_source *src, uint32_t revents)
{
    struct child *c = container_of(src, struct child, socket);
    uint64_t begun = now_us(), pause;

    (void)revents;
    read_messages(c);
    pause = charge(c, begun);
    if (pause == 0 || c->socket.fd < 0)
        return;
    loop_modify(&c->socket, 0);
    loop_timer_arm(c->loop, &c->pause, pause);
}

static void death_ready(struct loop_source *src, uint32_t revents)
{
    struct child *c = container_of(src, struct child, death);
    siginfo_t info = { 0 };
    char how[96];
    bool clean = false;

    (void)revents;
    /* It is reaped only below: until then its number is not that of another process. */
    if (waitid(P_PIDFD, (id_t)c->death.fd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return;
    /* Messages that it sent before it died still count. A dead worker adds none. */
    while (c->socket.fd >= 0 && read_messages(c))
        ;
    waitid(P_PIDFD, (id_t)c->death.fd, &info, WEXITED | WNOHANG);
    if (c->abandoned) {
        abandoned_count--;
        child_free(c);
        return;
    }
    if (info.si_code == CLD_EXITED) {
        snprintf(how, sizeof(how), "exit status %d", info.si_status);
        clean = info.si_status == 0;
    } else {
        snprintf(how, sizeof(how), "signal %d (%s)%s", info.si_status, strsignal(info.si_status),
                 info.si_status == SIGSYS     ? ", its confinement allows no such system call"
                 : info.si_code == CLD_DUMPED ? ", core dumped"
                                              : "");
    }
    stop_talking(c);
    loop_remove(&c->death);
    c->ops->died(c->ctx, how, clean);
    child_free(c);
}

static void patience_expired(struct loop_timer *timer)
{
    child_kill(container_of(timer, struct child, patience));
}

void child_abandon(struct child *c)
{
    flush_queue(c);
    stop_talking(c);
    c->abandoned = true;
    c->prefix = NULL;
    abandoned_count++;
    loop_timer_arm(c->loop, &c->patience, ABANDONED_WAIT_US);
}

unsigned child_abandoned(void)
{
    return abandoned_count;
}

static int spawn(pid_t *pid, int child_sock)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, defaults;
    char name[] = "pvscsid", arg[] = "--worker";
    char *argv[] = { name, arg, NULL };
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&attr);
    if (r != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -r;
    }
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGHUP);
    /*
     * All other descriptors are close-on-exec. A process group of its own: Ctrl-C in a terminal must reach only
     * the daemon.
     */
    r = posix_spawn_file_actions_adddup2(&actions, child_sock, WORKER_FD);
    if (r == 0)
        r = posix_spawnattr_setsigmask(&attr, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(&attr, &defaults);
    if (r == 0)
        r = posix_spawnattr_setpgroup(&attr, 0);
    if (r == 0)
        r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (r == 0)
        r = posix_spawn(pid, "/proc/self/exe", &actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int child_start(struct loop *loop, const char *prefix, const struct child_ops *ops, void *ctx, struct child **out)
{
    struct child *c = calloc(1, sizeof(*c));
    int sv[2] = { -1, -1 };
    int r;

    if (!c)
        return -ENOMEM;
    *c = (struct child){ .loop = loop, .prefix = prefix, .ops = ops, .ctx = ctx, .socket.fd = -1, .death.fd = -1 };
    c->last = &c->first;
    c->retry.expired = retry_expired;
    c->patience.expired = patience_expired;
    c->pause.expired = pause_expired;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0) {
        r = -errno;
        child_free(c);
        return r;
    }
    c->socket = (struct loop_source){ .fd = sv[0], .events = EPOLLIN, .ready = socket_ready };
    r = spawn(&c->pid, sv[1]);
    close(sv[1]);
    if (r < 0) {
        child_free(c);
        return r;
    }
    c->death = (struct loop_source){ .fd = pidfd_open(c->pid, 0), .events = EPOLLIN, .ready = death_ready };
    r = c->death.fd < 0 ? -errno : loop_add(loop, &c->death);
    if (r == 0)
        r = loop_add(loop, &c->socket);
    if (r < 0) {
        kill(c->pid, SIGKILL); /* our child, and not waited for yet: the number is still its own */
        waitpid(c->pid, NULL, 0);
        child_free(c);
        return r;
    }
    *out = c;
    return 0;
}
