// SPDX-License-Identifier: GPL-2.0-or-later
/* Workers of an earlier daemon; see orphans.h. */
#include "config.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/linux-calls.h"
#include "common/log.h"
#include "common/util.h"
#include "control/orphans.h"
#include "control/run-files.h"
#include "device/process.h"
#include "pvscsi/worker-proto.h"

/* A worker that sleeps in the kernel ends later. */
#define DEATH_WAIT_MS 1000

struct orphan {
    struct orphan *next;
    uint32_t pid;
    int pidfd;
};

struct orphans {
    struct loop *loop;
    struct loop_timer timer;
    struct orphan *first;
};

/* The daemon of another worker lives: it is in standalone mode, or serves another run directory. */
static bool is_orphan(const struct device_roots *roots, const char *pid)
{
    struct process p, parent;
    char number[16];

    if (!process_read(roots->proc, pid, &p) || strcmp(p.comm, WORKER_NAME) != 0
        || !process_is_trusted(&p, pid, roots->worker_uids))
        return false;
    snprintf(number, sizeof(number), "%u", p.parent);
    return !process_read(roots->proc, number, &parent) || strcmp(parent.comm, DAEMON_NAME) != 0;
}

/*
 * Without its journal, nobody knows that its devices may have commands of it (at-work.h). So it ends before anybody
 * gets a device.
 */
static void end_without_journal(const struct orphan *one, const char *proc, const char *pid)
{
    struct pollfd p = { .fd = one->pidfd, .events = POLLIN };

    if (run_files_maps_journal(proc, pid) != 0)
        return;
    log_warn(NULL, "worker %" PRIu32 " of an earlier daemon has given up its journal; killing it", one->pid);
    pidfd_send_signal(one->pidfd, SIGKILL, NULL, 0);
    poll(&p, 1, DEATH_WAIT_MS);
}

static void add(struct orphans *o, const struct device_roots *roots, const char *name)
{
    struct orphan *one;
    uint32_t pid;

    if (parse_u32_str(name, INT32_MAX, &pid) < 0 || !is_orphan(roots, name))
        return;
    one = calloc(1, sizeof(*one));
    if (!one)
        return;
    one->pid = pid;
    one->pidfd = pidfd_open((pid_t)pid, 0);
    /* Once more: only since the pidfd is open the number cannot become that of another process. */
    if (one->pidfd < 0 || !is_orphan(roots, name)) {
        if (one->pidfd >= 0)
            close(one->pidfd);
        free(one);
        return;
    }
    one->next = o->first;
    o->first = one;
    end_without_journal(one, roots->proc, name);
}

static void forget_all(struct orphans *o)
{
    while (o->first) {
        struct orphan *one = o->first;

        o->first = one->next;
        close(one->pidfd);
        free(one);
    }
}

void orphan_kill(const char *prefix, uint32_t pid, int pidfd)
{
    log_warn(prefix, "worker %" PRIu32 " of an earlier daemon does not end; killing it", pid);
    pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
}

static void wait_is_over(struct loop_timer *timer)
{
    struct orphans *o = container_of(timer, struct orphans, timer);

    for (const struct orphan *one = o->first; one; one = one->next) {
        struct pollfd p = { .fd = one->pidfd, .events = POLLIN };

        if (poll(&p, 1, 0) == 1)
            continue;
        orphan_kill(NULL, one->pid, one->pidfd);
    }
    forget_all(o);
}

struct orphans *orphans_find(struct loop *loop, const struct device_roots *roots, uint64_t wait_us)
{
    struct orphans *o = calloc(1, sizeof(*o));
    DIR *d = o && roots->proc ? opendir(roots->proc) : NULL;
    struct dirent *e;

    while (d && (e = readdir(d)))
        add(o, roots, e->d_name);
    if (d)
        closedir(d);
    if (!o || !o->first) {
        free(o);
        return NULL;
    }
    o->loop = loop;
    o->timer.expired = wait_is_over;
    loop_timer_arm(loop, &o->timer, wait_us);
    return o;
}

void orphans_free(struct orphans *o)
{
    if (!o)
        return;
    loop_timer_cancel(&o->timer);
    forget_all(o);
    free(o);
}
