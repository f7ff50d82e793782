// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service: when a domain appears that a guest continues in (it wants devices, see wanted.h), it pauses the
 * domain, attaches the devices, and unpauses it. Its pause is counted separately, so it does not matter what xl
 * does to the domain meanwhile.
 *
 * A process for each domain attaches the devices: a guest whose backend does not answer must not delay other
 * guests. The process is started by exec of this program, because libxenstore's thread would not survive a fork.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "commands.h"
#include "common/log-line.h"
#include "common/notify.h"
#include "device/uevents.h"
#include "expected.h"
#include "hyp.h"
#include "inuse.h"
#include "remember.h"
#include "run.h"
#include "wanted.h"

enum {
    MAX_AT_ONCE = 64,
    POLL_US = 100000,
    RETRY_US = 1000000,
    IDLE_US = 60000000,
    START_US = 1000000, /* a process that asks whether we run holds the lock for a moment */
    LAST_TRIES = 20,
    SETTLE_US = 60000000,
    BACK_OFF_MIN_US = 5000000,
    BACK_OFF_MAX_US = 60000000,
};
#define PAUSED_FMT "/local/domain/%u/" WANTED_DIR "/paused"
#define ARRIVES "arrives" /* there: the guest came by migration, so that its devices are required */

struct job {
    uint32_t domid;
    bool used;
    bool held;   /* paused, by us or by a service before us */
    bool let_go; /* it runs again, but the mark may still be there */
    pid_t pid;   /* 0: it has ended, and the domain can run */
};

/* A domain that exists. */
struct seen {
    uint32_t domid;
    bool asked;                           /* whether devices were noted for its uuid (expected.h) */
    bool wants;                           /* it wants devices that it does not have yet */
    bool wants_foreign;                   /* ... one of a driver domain is among them */
    uint64_t first_us, tried_us, next_us; /* CLOCK_MONOTONIC: seen first; tried last; to be tried again */
    uint64_t delay_us;                    /* between the last two */
};

struct watcher {
    struct xenstore store;
    struct seen *seen;
    unsigned n_seen;
    struct job jobs[MAX_AT_ONCE];
    bool later; /* a domain was left for the next scan */
    int daemon; /* the last answer of hyp_pvscsid_runs() that was known, or -1 */
    uint64_t asked_us;
    char *noted; /* WANTED_NOTED when it was last read */
    char timeout[16];
};

static bool is_busy(const struct watcher *w, uint32_t domid)
{
    for (unsigned i = 0; i < MAX_AT_ONCE; i++)
        if (w->jobs[i].used && w->jobs[i].domid == domid)
            return true;
    return false;
}

/* NULL: all are in use; then there will be another scan. */
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

/* While a guest arrives by migration, xl adds this suffix to the name of its domain. */
static bool arrives(struct xenstore *s, uint32_t domid)
{
    static const char suffix[] = "--incoming";
    CLEANUP_FREE char *name = domain_name(s, domid);
    size_t len = name ? strlen(name) : 0;

    return len >= sizeof(suffix) - 1 && strcmp(name + len - (sizeof(suffix) - 1), suffix) == 0;
}

static int put_mark(struct xenstore *s, void *ctx)
{
    uint32_t domid = *(uint32_t *)ctx;

    if (xenstore_exists(s, PAUSED_FMT, domid))
        return MARKED_ALREADY;
    /* A domain that is destroyed at this moment must not get a new directory in xenstore by this. */
    if (!xenstore_exists(s, "/local/domain/%u/" WANTED_DIR, domid))
        return errno ? -errno : -ENOENT;
    xenstore_write(s, arrives(s, domid) ? ARRIVES : "1", PAUSED_FMT, domid);
    return 0;
}

/*
 * The mark is written before the pause. If the service is killed in between, the next one unpauses the domain once too
 * often, which is better than never. A mark that is found means that an earlier service has paused the domain; this
 * service unpauses it.
 */
static void hold(struct watcher *w, struct job *job)
{
    int r = hyp_available() ? xenstore_transact(&w->store, put_mark, &job->domid) : -ENOSYS;

    if (r == 0 && hyp_pause(job->domid) < 0)
        xenstore_transact(&w->store, rm_mark, &job->domid);
    else if (r == 0 || r == MARKED_ALREADY)
        job->held = true;
}

/*
 * 1: the domain must stay paused, because it lacks a device without which it may not run; 0: not; -errno: xenstore
 * failed.
 */
static int must_stay(struct watcher *w, uint32_t domid)
{
    CLEANUP_FREE char *mark = xenstore_read(&w->store, PAUSED_FMT, domid);
    struct wanted wanted;

    if (!mark)
        return errno == ENOENT ? 0 : -errno;
    int r = wanted_load(&w->store, domid, &wanted);

    if (r < 0)
        return r;
    r = wanted_lacks_required(&wanted, strcmp(mark, ARRIVES) == 0);
    wanted_clear(&wanted);
    return r;
}

/* False: the store failed, and this must be tried again, because nothing else would let the domain run. */
static bool let_run(struct watcher *w, struct job *job)
{
    int stays = job->let_go ? 0 : must_stay(w, job->domid);

    if (stays > 0)
        return true;
    if (!job->let_go) {
        /* If xenstored does not answer, what this process has done itself counts. */
        if (!xenstore_exists(&w->store, PAUSED_FMT, job->domid) && !job->held)
            return errno == ENOENT;
        int r = hyp_unpause(job->domid);

        if (r < 0 && r != -ESRCH)
            complain(0, "domain %u cannot be unpaused: %s; run xl unpause %u", job->domid, strerror(-r), job->domid);
        job->let_go = true;
    }
    return xenstore_transact(&w->store, rm_mark, &job->domid) == 0;
}

/* pause: some of its devices have not been tried yet, so that it may not have begun to run. */
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
        complain(0, "domain %u: cannot start the process that attaches its devices: %s; it is tried again", domid,
                 strerror(-pid));
    else
        job->pid = pid;
}

/* NULL without memory. */
static struct seen *seen_get(struct watcher *w, uint32_t domid)
{
    for (unsigned i = 0; i < w->n_seen; i++)
        if (w->seen[i].domid == domid)
            return &w->seen[i];
    struct seen *grown = realloc(w->seen, (w->n_seen + 1) * sizeof(*grown));

    if (!grown)
        return NULL;
    w->seen = grown;
    grown[w->n_seen] = (struct seen){ .domid = domid, .first_us = now_us() };
    return &grown[w->n_seen++];
}

static void forget_gone(struct watcher *w, const uint32_t *ids, unsigned n)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < w->n_seen; i++) {
        bool there = false;

        for (unsigned k = 0; k < n && !there; k++)
            there = ids[k] == w->seen[i].domid;
        if (there)
            w->seen[kept++] = w->seen[i];
    }
    w->n_seen = kept;
}

/*
 * There is news: the next try comes soon, but not sooner than BACK_OFF_MIN_US after the last one. foreign: only for
 * those that want a device of a driver domain.
 */
static void try_soon(struct watcher *w, bool foreign)
{
    uint64_t now = now_us();

    for (unsigned i = 0; i < w->n_seen; i++) {
        struct seen *seen = &w->seen[i];
        uint64_t soon = seen->tried_us + BACK_OFF_MIN_US;

        if (foreign && !seen->wants_foreign)
            continue;
        seen->delay_us = BACK_OFF_MIN_US;
        soon = soon > now + RETRY_US ? soon : now + RETRY_US;
        seen->next_us = soon < seen->next_us ? soon : seen->next_us;
    }
}

static void try_domain(struct watcher *w, struct seen *seen, bool fresh)
{
    seen->tried_us = now_us();
    /* The delay doubles each time. The tries never end. */
    seen->delay_us = fresh || seen->delay_us == 0 ? BACK_OFF_MIN_US : seen->delay_us * 2;
    if (seen->delay_us > BACK_OFF_MAX_US)
        seen->delay_us = BACK_OFF_MAX_US;
    seen->next_us = seen->tried_us + seen->delay_us;
    begin(w, seen->domid, fresh || xenstore_exists(&w->store, PAUSED_FMT, seen->domid));
}

static void look_at(struct watcher *w, struct seen *seen)
{
    struct wanted wanted;
    bool fresh = false;

    /* libxl writes the list before it introduces the domain: a domain that had none for a while will have none. */
    if (!seen->wants && now_us() > seen->first_us + SETTLE_US)
        return;
    seen->asked = seen->asked || expected_hand_over(&w->store, seen->domid) == 0;
    if (!seen->asked || wanted_load(&w->store, seen->domid, &wanted) < 0) {
        w->later = true;
        return;
    }
    seen->wants_foreign = false;
    for (unsigned k = 0; k < wanted.n; k++) {
        fresh |= !wanted.errors[k];
        seen->wants_foreign |= wanted.entries[k].backend != NULL;
    }
    seen->wants = wanted.n > 0;
    if (fresh || (wanted.n && now_us() >= seen->next_us))
        try_domain(w, seen, fresh);
    else if ((xenstore_exists(&w->store, PAUSED_FMT, seen->domid) || errno != ENOENT) && must_stay(w, seen->domid) <= 0)
        new_job(w, seen->domid); /* what a former service left, or what the user has given up */
    wanted_clear(&wanted);
}

/*
 * xl-scsi notes what a guest lacks after its creation too, long after the domain has appeared. So a note makes all
 * domains as new.
 */
static void hear_notes(struct watcher *w)
{
    char *noted = xenstore_read(&w->store, WANTED_NOTED);

    if (!noted || (w->noted && strcmp(noted, w->noted) == 0)) {
        free(noted);
        return;
    }
    free(w->noted);
    w->noted = noted;
    for (unsigned i = 0; i < w->n_seen; i++)
        w->seen[i].first_us = now_us();
}

static void scan(struct watcher *w)
{
    unsigned n, before;
    CLEANUP_FREE uint32_t *ids = domain_list(&w->store, &n);

    w->later = !ids && errno != ENOENT;
    if (ids)
        forget_gone(w, ids, n);
    before = w->n_seen;
    for (unsigned i = 0; ids && i < n; i++) {
        struct seen *seen = is_busy(w, ids[i]) ? NULL : seen_get(w, ids[i]);

        if (seen)
            look_at(w, seen);
    }
    /* A new domain may be the driver domain that a device lacks. */
    if (w->n_seen > before)
        try_soon(w, true);
}

/* While a guest lacks a device: has the daemon of this domain come back? */
static void ask_for_daemon(struct watcher *w)
{
    bool any = false;
    int daemon;

    for (unsigned i = 0; i < w->n_seen; i++)
        any |= w->seen[i].wants;
    if (!any || now_us() < w->asked_us + BACK_OFF_MIN_US)
        return;
    daemon = hyp_pvscsid_runs();
    if (daemon == 1 && w->daemon == 0)
        try_soon(w, false);
    if (daemon >= 0)
        w->daemon = daemon; /* while it starts, it is neither there nor away */
    w->asked_us = now_us();
}

/* When the next domain is to be tried again. */
static uint64_t next_try(const struct watcher *w)
{
    uint64_t next = now_us() + IDLE_US;

    for (unsigned i = 0; i < w->n_seen; i++)
        if (w->seen[i].wants && !is_busy(w, w->seen[i].domid) && w->seen[i].next_us < next)
            next = w->seen[i].next_us;
    return next;
}

/* When to look again for a daemon that was away; UINT64_MAX: nobody waits for it. */
static uint64_t next_question(const struct watcher *w)
{
    for (unsigned i = 0; i < w->n_seen; i++)
        if (w->seen[i].wants && !is_busy(w, w->seen[i].domid))
            return w->asked_us + BACK_OFF_MIN_US;
    return UINT64_MAX;
}

/* The pause between two tries begins when the first has ended. */
static void rest(struct watcher *w, uint32_t domid)
{
    for (unsigned i = 0; i < w->n_seen; i++)
        if (w->seen[i].domid == domid) {
            w->seen[i].tried_us = now_us();
            w->seen[i].next_us = w->seen[i].tried_us + w->seen[i].delay_us;
        }
}

/* Lets the domains run whose process has ended. Returns how many jobs are left. */
static unsigned reap(struct watcher *w)
{
    unsigned left = 0;

    for (unsigned i = 0; i < MAX_AT_ONCE; i++) {
        struct job *job = &w->jobs[i];

        if (job->used && job->pid && run_poll(job->pid) != -EAGAIN) {
            job->pid = 0;
            rest(w, job->domid);
        }
        if (job->used && job->pid == 0 && let_run(w, job))
            job->used = false;
        left += job->used;
    }
    return left;
}

/* Waits for the processes, which the signal does not end. */
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

static int serve(struct watcher *w, const struct options *o)
{
    int r = xenstore_watch(&w->store, "introduced", "@introduceDomain");

    if (r == 0)
        r = xenstore_watch(&w->store, "noted", WANTED_NOTED);
    struct change c = change_for(&w->store, 0, o);

    if (r < 0)
        return complain(EXIT_FAILED, "cannot watch for new domains: %s", strerror(-r));
    scan(w);
    notify("READY=1");
    /* Done now, so that the first attach need not do it. */
    c.deadline_us = now_us() + c.timeout_us;
    inuse_learn(&c, 0);
    for (;;) {
        ask_for_daemon(w);
        if (w->later || now_us() >= next_try(w))
            scan(w);
        unsigned busy = reap(w);
        uint64_t now = now_us(), next = next_try(w);

        if (busy && next > now + POLL_US)
            next = now + POLL_US;
        if (w->later && next > now + RETRY_US)
            next = now + RETRY_US;
        if (next > next_question(w))
            next = next_question(w);
        r = xenstore_wait(&w->store, next);
        if (r == 0) {
            /* A device that could not be attached may exist now. Without the event the next try comes later. */
            if (uevents_read(w->store.wake_fd) & UEVENT_ADDED)
                try_soon(w, false);
            hear_notes(w);
            scan(w);
        } else if (r != -ETIMEDOUT) {
            break;
        }
    }
    notify("STOPPING=1");
    finish(w);
    return r == -EINTR ? EXIT_OK : complain(EXIT_FAILED, "the connection to xenstored is lost: %s", strerror(-r));
}

int cmd_watch(const struct options *o, int argc, char **argv)
{
    log_line_init();
    CLEANUP_CLOSE int lock = run_lock("watch", now_us() + START_US);
    struct watcher w = { .daemon = -1 };

    if (lock < 0)
        return errno == ETIMEDOUT
                   ? complain(EXIT_FAILED, "another xl-scsi watch runs already")
                   : complain(EXIT_FAILED, "cannot take the service's lock in %s: %s", run_get_dir(), strerror(errno));
    snprintf(w.timeout, sizeof(w.timeout), "%u", o->timeout_s);
    int code = connect_store(&w.store);

    CLEANUP_CLOSE int uevents = uevents_open();

    w.store.wake_fd = uevents;
    if (code == EXIT_OK)
        code = serve(&w, o);
    xenstore_close(&w.store);
    free(w.seen);
    free(w.noted);
    return code;
}

static char *first_error(struct xenstore *s, uint32_t domid)
{
    struct wanted w;
    char *error = NULL;

    if (wanted_load(s, domid, &w) < 0)
        return NULL;
    for (unsigned i = 0; i < w.n && !error; i++)
        error = steal_ptr(w.errors[i]);
    wanted_clear(&w);
    return error;
}

int cmd_resume(const struct options *o, int argc, char **argv)
{
    struct xenstore s = { 0 };
    uint32_t domid;
    log_line_init(); /* the service has started this process */
    int code = connect_store(&s);

    if (code == EXIT_OK)
        code = find_guest(&s, argv[0], &domid);
    if (code == EXIT_OK) {
        CLEANUP_FREE char *name = domain_name(&s, domid), *before = first_error(&s, domid);
        struct change c = change_for(&s, domid, o);

        c.no_wait = true;
        int r = wanted_attach(&c);

        if (r != 0)
            code = EXIT_FAILED;
        /* It is tried again and again, so the same reason is printed only once. */
        if (r != 0 && (!before || strcmp(before, c.error) != 0))
            complain(0, "guest %s (domain %u) lacks %d of its devices: %s", name ? name : "?", domid, r < 0 ? 1 : r,
                     c.error);
    }
    xenstore_close(&s);
    return code;
}
