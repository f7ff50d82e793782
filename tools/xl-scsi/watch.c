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

#include "commands.h"
#include "hyp.h"
#include "remember.h"
#include "run.h"
#include "wanted.h"

enum { MAX_AT_ONCE = 64, POLL_US = 100000, IDLE_US = 60000000 };
#define PAUSED_FMT "/local/domain/%u/" WANTED_DIR "/paused"

struct job {
    uint32_t domid;
    pid_t pid;              /* 0: a free slot */
};

struct watcher {
    struct store store;
    struct job jobs[MAX_AT_ONCE];
    bool full;              /* a domain was left for later */
    char timeout[16];
};

static bool is_busy(const struct watcher *w, uint32_t domid)
{
    for (unsigned i = 0; i < MAX_AT_ONCE; i++)
        if (w->jobs[i].pid && w->jobs[i].domid == domid)
            return true;
    return false;
}

static int rm_mark(struct store *s, void *ctx)
{
    uint32_t domid = *(uint32_t *)ctx;
    unsigned n;

    store_rm(s, PAUSED_FMT, domid);
    CLEANUP_FREE char **left = store_dir(s, &n, "/local/domain/%u/" WANTED_DIR, domid);

    if (!left)
        store_rm(s, "/local/domain/%u/" WANTED_DIR, domid);
    return 0;
}

static int put_mark(struct store *s, void *ctx)
{
    store_write(s, "1", PAUSED_FMT, *(uint32_t *)ctx);
    return 0;
}

static void let_run(struct watcher *w, uint32_t domid)
{
    if (!store_exists(&w->store, PAUSED_FMT, domid))
        return;
    if (hyp_unpause(domid) < 0 && hyp_available())
        complain(0, "domain %u cannot be unpaused: %s", domid, strerror(errno));
    store_transact(&w->store, rm_mark, &domid);
}

/*
 * The mark is there before the pause: a service that is killed in between, and started again, lets the
 * domain run once too often rather than never.
 */
static void hold(struct watcher *w, uint32_t domid)
{
    if (hyp_available() && store_transact(&w->store, put_mark, &domid) == 0 && hyp_pause(domid) < 0)
        store_transact(&w->store, rm_mark, &domid);
}

static void begin(struct watcher *w, uint32_t domid)
{
    char id[16];
    char *argv[] = { (char *)"/proc/self/exe", (char *)"--timeout", w->timeout, (char *)"resume", id, NULL };
    struct job *job = NULL;

    for (unsigned i = 0; i < MAX_AT_ONCE && !job; i++)
        job = w->jobs[i].pid ? NULL : &w->jobs[i];
    w->full |= !job;
    if (!job)
        return;
    snprintf(id, sizeof(id), "%u", domid);
    hold(w, domid);
    pid_t pid = run_spawn(argv, -1);

    if (pid < 0) {
        complain(0, "domain %u: cannot start the process that attaches its devices: %s", domid, strerror(-pid));
        let_run(w, domid);
        return;
    }
    *job = (struct job){ .domid = domid, .pid = pid };
}

/* retry: also those whose devices could not be had before. */
static void scan(struct watcher *w, bool retry)
{
    unsigned n;
    CLEANUP_FREE uint32_t *ids = domain_list(&w->store, &n);

    w->full = false;
    for (unsigned i = 0; ids && i < n; i++) {
        struct wanted wanted;
        bool fresh = false;

        if (is_busy(w, ids[i]) || wanted_load(&w->store, ids[i], &wanted) < 0)
            continue;
        for (unsigned k = 0; k < wanted.n; k++)
            fresh |= retry || !wanted.errors[k];
        wanted_clear(&wanted);
        if (fresh)
            begin(w, ids[i]);
        else if (retry)
            let_run(w, ids[i]);     /* what a former service left */
    }
}

/* Those whose process has ended run on. Returns how many are at work still. */
static unsigned reap(struct watcher *w)
{
    unsigned left = 0;

    for (unsigned i = 0; i < MAX_AT_ONCE; i++) {
        if (!w->jobs[i].pid)
            continue;
        if (run_poll(w->jobs[i].pid) == -EAGAIN) {
            left++;
            continue;
        }
        w->jobs[i].pid = 0;
        let_run(w, w->jobs[i].domid);
    }
    return left;
}

static int serve(struct watcher *w)
{
    int r = store_watch(&w->store, "introduced", "@introduceDomain");

    if (r < 0)
        return complain(EXIT_FAILED, "cannot watch for new domains: %s", strerror(-r));
    scan(w, true);
    sd_notify(0, "READY=1");
    for (;;) {
        unsigned busy = reap(w);

        if (w->full)
            scan(w, false);
        r = store_wait(&w->store, now_us() + (busy ? POLL_US : IDLE_US));
        if (r == 0)
            scan(w, false);
        else if (r != -ETIMEDOUT)
            break;
    }
    sd_notify(0, "STOPPING=1");
    for (unsigned i = 0; i < MAX_AT_ONCE; i++)
        if (w->jobs[i].pid) {
            run_wait(w->jobs[i].pid);
            let_run(w, w->jobs[i].domid);
        }
    return r == -EINTR ? EXIT_OK : complain(EXIT_FAILED, "the connection to xenstored is lost: %s", strerror(-r));
}

int cmd_watch(const struct options *o, int argc, char **argv)
{
    CLEANUP_CLOSE int lock = run_trylock("watch");
    struct watcher w = { 0 };

    if (lock < 0)
        return complain(EXIT_FAILED, errno == EWOULDBLOCK ? "another xl-scsi watch runs already"
                        : "cannot take the service's lock in " RUNSTATEDIR "/xl-scsi");
    snprintf(w.timeout, sizeof(w.timeout), "%u", o->timeout_s);
    int code = connect_store(&w.store);

    if (code == EXIT_OK)
        code = serve(&w);
    store_close(&w.store);
    return code;
}

int cmd_resume(const struct options *o, int argc, char **argv)
{
    struct store s = { 0 };
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
    store_close(&s);
    return code;
}
