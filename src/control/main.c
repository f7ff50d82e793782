// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon: reads its options, makes sure that it is the only one, starts the
 * host and the control socket, tells its starter that it serves, and ends on a signal. `pvscsid --worker` is a
 * worker process instead.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>

#include "common/log-line.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/notify.h"
#include "common/util.h"
#include "control/ctlsock.h"
#include "control/host.h"
#include "control/news.h"
#include "control/options.h"
#include "control/run-files.h"
#include "control/sandbox.h"
#include "worker/worker.h"

/* Two descriptors for each LUN until a worker has it, one while a confined worker has it, and some more. */
#define FDS_WANTED 65536

struct daemon {
    int argc;
    char **argv;
    struct settings settings;
    struct device_roots roots;
    struct loop *loop;
    struct loop_source signals;
    struct news *news;
    struct host *host;
    struct ctlsock *ctlsock;
    int lock_fd;            /* of the run directory */
    int nodes_fd;           /* of the nodes in xenstore */
    int log_fd;             /* the log, until it becomes standard error; -1 in the foreground */
    int parent_fd;          /* a byte in it tells the parent that the daemon serves; -1 in the foreground */
    bool serving, stopping; /* systemd was told so */
    struct loop_timer beat; /* of systemd's watchdog */
    uint64_t beat_us;
};

/* Prints why the start failed, on standard error and not only in the log. Returns status. */
static int complain(int status, const char *fmt, ...) PRINTF(2, 3);

static int complain(int status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_say(LOG_ERR, "pvscsid", fmt, ap);
    va_end(ap);
    return status;
}

/* --- going into the background --- */

/* In the parent: waits for the child's byte and ends the process. In the child: returns 0 and the pipe. */
static int daemonise(int *to_parent)
{
    int fds[2];
    pid_t pid;
    char ok;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        return -errno;
    }
    if (pid > 0) {
        ssize_t n;

        close(fds[1]);
        do
            n = read(fds[0], &ok, 1);
        while (n < 0 && errno == EINTR);
        /* No byte: the child ended and wrote the reason to our standard error. */
        _exit(n == 1 ? 0 : 1);
    }
    close(fds[0]);
    setsid();
    if (chdir("/") < 0)
        return -errno;
    *to_parent = fds[1];
    return 0;
}

/* Opens the log, and makes its directories if they are missing. Returns the descriptor or -errno. */
static int open_log(const struct settings *s)
{
    CLEANUP_FREE char *path = strdup(s->log_file);
    int fd;

    if (!path)
        return -ENOMEM;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    return fd < 0 ? -errno : fd;
}

static int leave_terminal(struct daemon *d)
{
    CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = steal_fd(&d->log_fd);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return -errno;
    return log_to(log);
}

/* --- the service manager --- */

/*
 * The heart-beat of WatchdogSec. The timer fires in a round of the loop, so nothing is sent while something keeps the
 * loop from going round.
 */
static void beat(struct loop_timer *timer)
{
    struct daemon *d = container_of(timer, struct daemon, beat);

    notify("WATCHDOG=1");
    loop_timer_arm(d->loop, timer, d->beat_us);
}

static void start_beat(struct daemon *d)
{
    uint64_t limit_us = notify_watchdog_us();

    if (limit_us == 0)
        return;
    d->beat.expired = beat;
    d->beat_us = limit_us / 3;
    loop_timer_arm(d->loop, &d->beat, 0);
}

static void serving(void *ctx)
{
    struct daemon *d = ctx;

    if (d->parent_fd >= 0) {
        int r = leave_terminal(d);

        if (r < 0)
            log_err(NULL, -r, "cannot leave the terminal");
        host_log(d->host);
    }
    log_info(NULL, "pvscsid " PACKAGE_VERSION " serves%s", d->settings.standalone[0] ? " (standalone)" : "");
    if (d->parent_fd >= 0) {
        if (write(d->parent_fd, "1", 1) < 0)
            log_debug(NULL, "the starting process is gone");
        close(steal_fd(&d->parent_fd));
    }
    d->serving = true;
    notify("READY=1\nSTATUS=serving");
}

/* --- what the config says now --- */

/* Opens the log again, because it may have been renamed (logrotate), or the config names another one now. */
static void reopen_log(const struct settings *in_force, struct settings *fresh)
{
    CLEANUP_CLOSE int fd = open_log(fresh);
    int r = fd < 0 ? fd : log_to(fd);

    if (r == 0)
        return;
    log_warn(NULL, "cannot open the log %s: %s; it stays where it was until the next reload", fresh->log_file,
             strerror(-r));
    memcpy(fresh->log_file, in_force->log_file, sizeof(fresh->log_file));
}

/* 0; or -EINVAL, and what is wrong with the config in the log, and one line in out[size]. */
static int read_config(struct daemon *d, struct settings *fresh, char *out, size_t size)
{
    CLEANUP_FREE char *said = NULL;
    size_t said_size = 0;
    FILE *err = open_memstream(&said, &said_size);
    int r = err ? options_reload(d->argc, d->argv, fresh, err) : -ENOMEM;
    const char *why = err && fclose(err) == 0 ? said : "out of memory";

    if (r == 0)
        return 0;
    snprintf(out, size, "%.*s; no setting is changed", (int)strcspn(why, "\n"), why);
    log_err(NULL, 0, "%.*s; no setting is changed", (int)strcspn(why, "\n"), why);
    return r;
}

static_assert(CTLSOCK_RELOAD_MAX >= OPTION_EFFECTS * CHANGED_KEYS_MAX + 1024, "all keys and the words fit");

/* One line that says what is in force, and one for what waits; in the log and in out[size]. */
static void say_changes(const struct options_changes *c, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "reloaded: ");
    const char *between = "", *waits = c->keys[EFFECT_RESTART];

    for (unsigned e = EFFECT_AT_ONCE; e < EFFECT_RESTART; e++) {
        if (!c->keys[e][0])
            continue;
        at += (size_t)snprintf(out + at, size - at, "%s%s %s", between, c->keys[e],
                               option_effect_text((enum option_effect)e));
        between = "; ";
    }
    if (!between[0])
        at += (size_t)snprintf(out + at, size - at, "nothing that is in force has changed");
    log_info(NULL, "%s", out);
    if (!waits[0])
        return;
    log_warn(NULL, "what waits for a restart of the daemon: %s", waits);
    snprintf(out + at, size - at, "\nwhat waits for a restart of the daemon: %s", waits);
}

static void take_over(struct daemon *d, const struct settings *fresh, char *out, size_t size)
{
    const unsigned before = d->settings.log_level;
    struct options_changes changes;

    options_take_over(&d->settings, fresh, &changes);
    /* A level that hides these lines hides them the next time. */
    log_set_level((xentoollog_level)MIN(before, d->settings.log_level));
    say_changes(&changes, out, size);
    log_set_level((xentoollog_level)d->settings.log_level);
    for (unsigned e = EFFECT_AT_ONCE; e < EFFECT_RESTART; e++)
        if (changes.keys[e][0]) {
            host_settings_changed(d->host);
            break;
        }
}

/* For SIGHUP and pvscsictl reload; see ctlsock.h. */
static bool reload(void *ctx, char *out, size_t size)
{
    struct daemon *d = ctx;
    struct settings fresh = d->settings;
    bool good, tell = d->serving && !d->stopping;

    if (tell)
        notify("RELOADING=1");
    good = read_config(d, &fresh, out, size) == 0;
    if (!d->settings.foreground)
        reopen_log(&d->settings, &fresh);
    if (good)
        take_over(d, &fresh, out, size);
    host_log(d->host);
    if (tell)
        notify("READY=1");
    return good;
}

/* --- signals --- */

static void quit_done(void *ctx)
{
    loop_stop(((struct daemon *)ctx)->loop);
}

static void signal_ready(struct loop_source *src, uint32_t revents)
{
    struct daemon *d = container_of(src, struct daemon, signals);
    struct signalfd_siginfo info;
    char text[CTLSOCK_RELOAD_MAX];

    (void)revents;
    if (read(src->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP) {
        reload(d, text, sizeof(text));
        return;
    }
    if (d->stopping) {
        loop_stop(d->loop); /* a second signal: end at once */
        return;
    }
    log_info(NULL, "ending on signal %" PRIu32 "; guests keep their rings for the next start", info.ssi_signo);
    d->stopping = true;
    notify("STOPPING=1");
    host_quit(d->host);
}

static int watch_signals(struct daemon *d)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* Must be before any thread starts: threads inherit the mask. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    d->signals = (struct loop_source){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
                                       .events = EPOLLIN,
                                       .ready = signal_ready };
    return d->signals.fd < 0 ? -errno : loop_add(d->loop, &d->signals);
}

static void raise_fd_limit(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur >= FDS_WANTED)
        return;
    lim.rlim_cur = FDS_WANTED;
    if (lim.rlim_max < FDS_WANTED)
        lim.rlim_max = FDS_WANTED;
    if (setrlimit(RLIMIT_NOFILE, &lim) < 0 && getrlimit(RLIMIT_NOFILE, &lim) == 0) {
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
}

/* --- one run --- */

static int lock_run_dir(struct daemon *d)
{
    const char *dir = d->settings.run_dir;
    CLEANUP_FREE char *path = strf("%s/pvscsid.pid", dir);
    uint32_t other;
    int r = path ? run_dir_prepare(dir) : -ENOMEM;

    if (r < 0)
        return complain(1, "cannot use the run directory %s: %s; expected to be able to create it (are you root?)", dir,
                        strerror(-r));
    r = pid_file_lock(path, &d->lock_fd, &other);
    if (r == -EEXIST)
        return complain(1, "another pvscsid (pid %" PRIu32 ") is running with the run directory %s", other, dir);
    if (r < 0)
        return complain(1, "cannot lock %s: %s", path, strerror(-r));
    return 0;
}

/* Two daemons with different run directories would serve the same nodes. So there is one daemon for each xenstore. */
static int lock_nodes(struct daemon *d)
{
    static const char dir[] = RUNSTATEDIR "/pvscsid";
    const char *socket = d->settings.standalone;
    CLEANUP_FREE char *real = socket[0] ? realpath(socket, NULL) : NULL;
    CLEANUP_FREE char *path = socket[0] ? strf("%s.lock", real ? real : socket) : strf("%s/nodes.lock", dir);
    uint32_t other;
    int r = !path ? -ENOMEM : socket[0] ? 0 : run_dir_prepare(dir);

    if (r == 0)
        r = pid_file_lock(path, &d->nodes_fd, &other);
    if (r == -EEXIST)
        return complain(1,
                        "another pvscsid (pid %" PRIu32 ") serves the nodes in this xenstore; its run directory is "
                        "not %s",
                        other, d->settings.run_dir);
    if (r < 0)
        return complain(1, "cannot lock %s: %s", path ? path : "the nodes in xenstore", strerror(-r));
    return 0;
}

static int start(struct daemon *d)
{
    const struct host_config config = { .loop = d->loop,
                                        .settings = &d->settings,
                                        .roots = &d->roots,
                                        .news = d->news,
                                        .ready = serving,
                                        .quit_done = quit_done,
                                        .ctx = d };
    char why[640];
    int r;

    d->roots = device_roots_system;
    d->roots.worker_uids = d->settings.sandbox_uid_base;
    r = host_new(&config, &d->host, why, sizeof(why));
    if (r < 0)
        return complain(1, "%s", why);
    r = ctlsock_new(d->loop, d->settings.run_dir, d->host, d->news, &d->ctlsock);
    if (r < 0)
        return complain(1, "cannot make the control socket %s/" CTLSOCK_NAME ": %s", d->settings.run_dir, strerror(-r));
    ctlsock_set_reload(d->ctlsock, reload, d);
    return 0;
}

static int run(struct daemon *d)
{
    int status = lock_run_dir(d), r;

    if (status == 0)
        status = lock_nodes(d);
    if (status != 0)
        return status;
    /* Before any guest is served: the daemon does not run without its log. */
    if (!d->settings.foreground && (d->log_fd = open_log(&d->settings)) < 0)
        return complain(1, "cannot open the log %s: %s", d->settings.log_file, strerror(-d->log_fd));
    raise_fd_limit();
    r = sandbox_drop_capabilities();
    if (r < 0)
        log_warn(NULL, "cannot give up the capabilities that are not needed; it keeps them");
    if (d->settings.standalone[0])
        setenv("XENSTORED_PATH", d->settings.standalone, 1);
    d->news = news_new();
    r = d->news ? loop_new(&d->loop) : -ENOMEM;
    if (r == 0)
        r = watch_signals(d);
    if (r < 0)
        return complain(1, "cannot start: %s", strerror(-r));
    status = start(d);
    if (status != 0)
        return status;
    start_beat(d);
    r = loop_run(d->loop);
    if (r < 0)
        return complain(1, "the event loop failed: %s", strerror(-r));
    log_info(NULL, "ended");
    return 0;
}

/* As the config file is read later, but what is wrong is a line of the program's own: there is no log yet. */
static enum options_result read_options(struct daemon *d)
{
    CLEANUP_FREE char *said = NULL;
    size_t said_size = 0;
    FILE *err = open_memstream(&said, &said_size);
    enum options_result result = err ? options_load(d->argc, d->argv, &d->settings, err) : OPTIONS_ERROR;
    const char *why = err && fclose(err) == 0 ? said : "out of memory";

    if (result == OPTIONS_ERROR)
        complain(2, "%.*s", (int)strcspn(why, "\n"), why);
    return result;
}

int main(int argc, char **argv)
{
    struct daemon d = {
        .argc = argc, .argv = argv, .lock_fd = -1, .nodes_fd = -1, .log_fd = -1, .parent_fd = -1, .signals.fd = -1
    };
    int *const fds[] = { &d.lock_fd, &d.nodes_fd, &d.log_fd, &d.parent_fd };
    int status, r;

    log_line_init();
    switch (read_options(&d)) {
    case OPTIONS_WORKER:
        return worker_main();
    case OPTIONS_HELP:
        options_help(stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    case OPTIONS_VERSION:
        printf("pvscsid %s\n", PACKAGE_VERSION);
        return fflush(stdout) == 0 ? 0 : 1;
    case OPTIONS_DUMP_CONFIG:
        options_dump(&d.settings, stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    case OPTIONS_ERROR:
        return 2;
    case OPTIONS_RUN:
        break;
    }
    if (!d.settings.foreground) {
        /* Must be before threads are started and locks are taken: fork() keeps neither. */
        r = daemonise(&d.parent_fd);
        if (r < 0)
            return complain(1, "cannot go into the background: %s", strerror(-r));
    }
    log_init((xentoollog_level)d.settings.log_level);
    status = run(&d);
    ctlsock_free(d.ctlsock);
    host_free(d.host);
    news_free(d.news);
    loop_remove(&d.signals);
    if (d.signals.fd >= 0)
        close(d.signals.fd);
    loop_free(d.loop);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (*fds[i] >= 0)
            close(*fds[i]);
    return status;
}
