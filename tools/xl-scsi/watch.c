// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service: when a domain appears that is some guest's next one (it wants devices, see wanted.h), it is
 * paused, gets them, and runs on. The pause is one more in the domain's count, so it does not matter
 * what xl does to it meanwhile.
 *
 * The devices are attached by a process for each domain: one guest whose backend is silent must not keep
 * another's start from being noticed. It is a fresh run of this program, since libxenstore's thread
 * would not survive a fork.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "commands.h"
#include "hyp.h"
#include "remember.h"
#include "run.h"
#include "wanted.h"

enum {
    MAX_AT_ONCE = 64,
    POLL_US = 100000,
    RETRY_US = 1000000,
    IDLE_US = 60000000,
    START_US = 1000000, /* who asks whether we run has the lock for a moment */
    LAST_TRIES = 20,
};
#define PAUSED_FMT "/local/domain/%u/" WANTED_DIR "/paused"

struct job {
    uint32_t domid;
    bool used;
    bool held;   /* paused, by us or by a service before us */
    bool let_go; /* no more so, but the mark may still be there */
    pid_t pid;   /* 0: it has ended, and the domain is to run */
};

struct watcher {
    struct xenstore store;
    struct job jobs[MAX_AT_ONCE];
    bool later; /* a domain was left for the next scan */
    char timeout[16];
};

static bool is_busy(const struct watcher *w, uint32_t domid)
{
    for (unsigned i = 0; i < MAX_AT_ONCE; i++)
        if (w->jobs[i].used && w->jobs[i].domid == domid)
            return true;
    return false;
}

/* NULL, and a scan later, when all are taken. */
static struct job *new_job(struct watcher *w, uint32_t domid)
{
    for (unsigned i = 0; i < MAX_AT_ONCE; i++)
        if (!w->jobs[i].used) {
            w->jobs[i] = (struct job){ .used = true, .domid = domid };
            return &w->jobs[i];
        }
    w->later = true;
    return NULL;
}

static int rm_mark(struct xenstore *s, void *ctx)
{
    uint32_t domid = *(uint32_t *)ctx;
    unsigned n;

    xenstore_rm(s, PAUSED_FMT, domid);
    CLEANUP_FREE char **left = xenstore_dir(s, &n, "/local/domain/%u/" WANTED_DIR, domid);

    if (!left && (errno == 0 || errno == ENOENT))
        xenstore_rm(s, "/local/domain/%u/" WANTED_DIR, domid);
    return 0;
}

enum {
    MARKED_ALREADY = 1
};

static int put_mark(struct xenstore *s, void *ctx)
{
    uint32_t domid = *(uint32_t *)ctx;

    if (xenstore_exists(s, PAUSED_FMT, domid))
        return MARKED_ALREADY;
    /* A domain that is destroyed just now must not get a new home by this. */
    if (!xenstore_exists(s, "/local/domain/%u/" WANTED_DIR, domid))
        return errno ? -errno : -ENOENT;
    xenstore_write(s, "1", PAUSED_FMT, domid);
    return 0;
}

/*
 * The mark is there before the pause: a service that is killed in between, and started again, lets the
 * domain run once too often rather than never. A mark that is found is that service's pause: ours now.
 */
static void hold(struct watcher *w, struct job *job)
{
    int r = hyp_available() ? xenstore_transact(&w->store, put_mark, &job->domid) : -ENOSYS;

    if (r == 0 && hyp_pause(job->domid) < 0)
        xenstore_transact(&w->store, rm_mark, &job->domid);
    else if (r == 0 || r == MARKED_ALREADY)
        job->held = true;
}

/* False: the store failed, and this is to be tried again. Nobody else would let the domain run. */
static bool let_run(struct watcher *w, struct job *job)
{
    if (!job->let_go) {
        /* Without an answer, what we know ourselves has to do. */
        if (!xenstore_exists(&w->store, PAUSED_FMT, job->domid) && !job->held)
            return errno == ENOENT;
        int r = hyp_unpause(job->domid);

        if (r < 0 && r != -ESRCH)
            complain(0, "domain %u cannot be unpaused: %s", job->domid, strerror(-r));
        job->let_go = true;
    }
    return xenstore_transact(&w->store, rm_mark, &job->domid) == 0;
}

/* pause: it lacks what it has never been tried to give it, and has not begun perhaps. */
static void begin(struct watcher *w, uint32_t domid, bool pause)
{
    char id[16];
    char *argv[] = { (char *)"/proc/self/exe",
                     (char *)"--run-dir",
                     (char *)run_get_dir(),
                     (char *)"--timeout",
                     w->timeout,
                     (char *)"resume",
                     id,
                     NULL };
    struct job *job = new_job(w, domid);

    if (!job)
        return;
    snprintf(id, sizeof(id), "%u", domid);
    if (pause)
        hold(w, job);
    pid_t pid = run_spawn(argv, -1);

    if (pid < 0)
        complain(0, "domain %u: cannot start the process that attaches its devices: %s", domid, strerror(-pid));
    else
        job->pid = pid;
}

/* retry: also those whose devices could not be had before. */
static void scan(struct watcher *w, bool retry)
{
    unsigned n;
    CLEANUP_FREE uint32_t *ids = domain_list(&w->store, &n);

    w->later = !ids && errno != ENOENT;
    for (unsigned i = 0; ids && i < n; i++) {
        struct wanted wanted;
        bool fresh = false;

        if (is_busy(w, ids[i]))
            continue;
        if (wanted_load(&w->store, ids[i], &wanted) < 0) {
            w->later = true;
            continue;
        }
        for (unsigned k = 0; k < wanted.n; k++)
            fresh |= !wanted.errors[k];
        if (fresh || (retry && wanted.n))
            begin(w, ids[i], fresh);
        else if (xenstore_exists(&w->store, PAUSED_FMT, ids[i]) || errno != ENOENT)
            new_job(w, ids[i]); /* what a former service left */
        wanted_clear(&wanted);
    }
}

/* Those whose process has ended run on. Returns how many are at work still. */
static unsigned reap(struct watcher *w)
{
    unsigned left = 0;

    for (unsigned i = 0; i < MAX_AT_ONCE; i++) {
        struct job *job = &w->jobs[i];

        if (job->used && job->pid && run_poll(job->pid) != -EAGAIN)
            job->pid = 0;
        if (job->used && job->pid == 0 && let_run(w, job))
            job->used = false;
        left += job->used;
    }
    return left;
}

/* The processes end by themselves; the signal was for us. */
static void finish(struct watcher *w)
{
    const struct timespec pause = { .tv_nsec = POLL_US * 1000L };

    xenstore_clear_interrupt();
    for (unsigned i = 0; i < MAX_AT_ONCE; i++) {
        if (w->jobs[i].used && w->jobs[i].pid)
            run_wait(w->jobs[i].pid);
        w->jobs[i].pid = 0;
    }
    for (unsigned i = 0; reap(w) && i < LAST_TRIES; i++)
        nanosleep(&pause, NULL);
}

static int serve(struct watcher *w)
{
    int r = xenstore_watch(&w->store, "introduced", "@introduceDomain");

    if (r < 0)
        return complain(EXIT_FAILED, "cannot watch for new domains: %s", strerror(-r));
    scan(w, true);
    sd_notify(0, "READY=1");
    for (;;) {
        unsigned busy = reap(w);

        if (w->later)
            scan(w, false);
        r = xenstore_wait(&w->store, now_us() + (busy ? POLL_US : w->later ? RETRY_US : IDLE_US));
        if (r == 0)
            scan(w, false);
        else if (r != -ETIMEDOUT)
            break;
    }
    sd_notify(0, "STOPPING=1");
    finish(w);
    return r == -EINTR ? EXIT_OK : complain(EXIT_FAILED, "the connection to xenstored is lost: %s", strerror(-r));
}

int cmd_watch(const struct options *o, int argc, char **argv)
{
    CLEANUP_CLOSE int lock = run_lock("watch", now_us() + START_US);
    struct watcher w = { 0 };

    if (lock < 0)
        return errno == ETIMEDOUT
                   ? complain(EXIT_FAILED, "another xl-scsi watch runs already")
                   : complain(EXIT_FAILED, "cannot take the service's lock in %s: %s", run_get_dir(), strerror(errno));
    snprintf(w.timeout, sizeof(w.timeout), "%u", o->timeout_s);
    int code = connect_store(&w.store);

    if (code == EXIT_OK)
        code = serve(&w);
    xenstore_close(&w.store);
    return code;
}

int cmd_resume(const struct options *o, int argc, char **argv)
{
    struct xenstore s = { 0 };
    uint32_t domid;
    int code = connect_store(&s);

    if (code == EXIT_OK)
        code = find_guest(&s, argv[0], &domid);
    if (code == EXIT_OK) {
        CLEANUP_FREE char *name = domain_name(&s, domid);
        struct change c = change_for(&s, domid, o);

        c.no_wait = true;
        int r = wanted_attach(&c);

        if (r != 0)
            code = complain(EXIT_FAILED, "guest %s (domain %u) lacks %d of its devices: %s", name ? name : "?", domid,
                            r < 0 ? 1 : r, c.error);
    }
    xenstore_close(&s);
    return code;
}
