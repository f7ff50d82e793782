// SPDX-License-Identifier: GPL-2.0-or-later
/* Xenstore as a toolstack needs it; see xenstore.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "xenstore.h"

enum {
    FIRST_ANSWER_S = 10,   /* a running xenstored answers in milliseconds */
    ASK_US = 2000000,      /* how often an idle connection is checked */
    EVENTS_AT_ONCE = 1000, /* then the time is looked at */
    TRANSACT_TRIES = 2000, /* with the pauses below, about ten seconds of continuous interference */
};

static volatile sig_atomic_t interrupted;

static void on_stop(int sig)
{
    interrupted = 1;
}

void xenstore_catch_signals(void)
{
    /* No SA_RESTART: a wait must end. */
    struct sigaction sa = { .sa_handler = on_stop };

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
}

bool xenstore_interrupted(void)
{
    return interrupted;
}

void xenstore_clear_interrupt(void)
{
    interrupted = 0;
}

/*
 * In dom0 the kernel lets us connect before any xenstored runs, and then the first request waits without end inside
 * libxenstore. Only the end of the program stops that.
 */
static void on_no_answer(int sig)
{
    static const char text[] = "xl-scsi: xenstored does not answer (is it running?)\n";

    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(1);
    _exit(1);
}

int xenstore_open(struct xenstore *s)
{
    struct sigaction sa = { .sa_handler = on_no_answer }, old;

    *s = (struct xenstore){ .t = XBT_NULL };
    s->xs = xs_open(0);
    if (!s->xs)
        return errno ? -errno : -EIO;
    sigaction(SIGALRM, &sa, &old);
    alarm(FIRST_ANSWER_S);
    CLEANUP_FREE void *any = xs_read(s->xs, XBT_NULL, "/local", NULL);
    int err = any ? 0 : errno;
    alarm(0);
    sigaction(SIGALRM, &old, NULL);
    return err == 0 || err == ENOENT || err == EACCES ? 0 : -err;
}

void xenstore_close(struct xenstore *s)
{
    if (s->events)
        xs_close(s->events);
    if (s->xs)
        xs_close(s->xs);
    s->xs = s->events = NULL;
}

static bool format_path(char path[XENSTORE_PATH_MAX], const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static bool format_path(char path[XENSTORE_PATH_MAX], const char *fmt, va_list ap)
{
    int n = vsnprintf(path, XENSTORE_PATH_MAX, fmt, ap);

    if (n < 0 || n >= XENSTORE_PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

/* Each public function below takes a format: turn it into path, or leave by `failed`. */
#define PATH_OR(failed) \
    char where[XENSTORE_PATH_MAX]; \
    va_list ap; \
    va_start(ap, path); \
    bool path_ok = format_path(where, path, ap); \
    va_end(ap); \
    if (!path_ok) \
    failed

char *xenstore_read(struct xenstore *s, const char *path, ...)
{
    PATH_OR(return NULL);
    return xs_read(s->xs, s->t, where, NULL);
}

static int read_u32(struct xenstore *s, uint32_t max, uint32_t *out, const char *where)
{
    unsigned len = 0;
    CLEANUP_FREE char *text = xs_read(s->xs, s->t, where, &len);

    if (!text)
        return errno == ENOENT ? -ENOENT : -EINVAL;
    return parse_u32(text, len, max, out) < 0 ? -EINVAL : 0;
}

int xenstore_read_u32(struct xenstore *s, uint32_t max, uint32_t *out, const char *path, ...)
{
    PATH_OR(return -EINVAL);
    return read_u32(s, max, out, where);
}

unsigned xenstore_state(struct xenstore *s, const char *path, ...)
{
    uint32_t state = 0;

    PATH_OR(return 0);
    return read_u32(s, 8, &state, where) < 0 ? 0 : state;
}

bool xenstore_exists(struct xenstore *s, const char *path, ...)
{
    PATH_OR(return false);
    CLEANUP_FREE void *value = xs_read(s->xs, s->t, where, NULL);

    return value != NULL;
}

char **xenstore_dir(struct xenstore *s, unsigned *n, const char *path, ...)
{
    *n = 0;
    PATH_OR(return NULL);
    errno = 0;
    char **names = xs_directory(s->xs, s->t, where, n);

    if (names && *n == 0) {
        free(names);
        errno = 0;
        return NULL;
    }
    return names;
}

uint32_t xenstore_owner(struct xenstore *s, const char *path, ...)
{
    unsigned n = 0;

    PATH_OR(return UINT32_MAX);
    CLEANUP_FREE struct xs_permissions *perms = xs_get_permissions(s->xs, s->t, where, &n);

    return perms && n ? perms[0].id : UINT32_MAX;
}

static void note_failure(struct xenstore *s)
{
    if (s->error == 0)
        s->error = errno ? -errno : -EIO;
}

static void write_node(struct xenstore *s, const char *where, const char *value)
{
    if (s->dry_run)
        printf("%s = \"%s\"\n", where, value);
    if (!xs_write(s->xs, s->t, where, value, (unsigned)strlen(value)))
        note_failure(s);
}

void xenstore_write(struct xenstore *s, const char *value, const char *path, ...)
{
    PATH_OR({
        note_failure(s);
        return;
    });
    write_node(s, where, value);
}

void xenstore_write_u32(struct xenstore *s, uint32_t value, const char *path, ...)
{
    char text[16];

    PATH_OR({
        note_failure(s);
        return;
    });
    snprintf(text, sizeof(text), "%u", value);
    write_node(s, where, text);
}

void xenstore_rm(struct xenstore *s, const char *path, ...)
{
    PATH_OR({
        note_failure(s);
        return;
    });
    if (s->dry_run) {
        CLEANUP_FREE void *value = xs_read(s->xs, s->t, where, NULL);

        if (value)
            printf("remove %s\n", where);
        else if (errno == ENOENT)
            return;
    }
    if (!xs_rm(s->xs, s->t, where) && errno != ENOENT)
        note_failure(s);
}

static void print_dir(const char *where, const struct xs_permissions *perms, unsigned n)
{
    printf("%s/ (n%u", where, perms[0].id);
    for (unsigned i = 1; i < n; i++)
        printf(",%c%u", perms[i].perms & XS_PERM_WRITE ? 'b' : 'r', perms[i].id);
    puts(")");
}

void xenstore_mkdir(struct xenstore *s, unsigned owner, unsigned writer, unsigned reader, const char *path, ...)
{
    /* The first entry is the owner; its right holds for all domains that are not named. */
    struct xs_permissions perms[3] = { { .id = owner, .perms = XS_PERM_NONE } };
    unsigned n = 1;

    if (writer != owner)
        perms[n++] = (struct xs_permissions){ .id = writer, .perms = XS_PERM_READ | XS_PERM_WRITE };
    perms[n++] = (struct xs_permissions){ .id = reader, .perms = XS_PERM_READ };

    PATH_OR({
        note_failure(s);
        return;
    });
    if (s->dry_run)
        print_dir(where, perms, n);
    if (!xs_mkdir(s->xs, s->t, where) || !xs_set_permissions(s->xs, s->t, where, perms, n))
        note_failure(s);
}

int xenstore_transact(struct xenstore *s, int (*fn)(struct xenstore *s, void *ctx), void *ctx)
{
    for (unsigned i = 0; i < TRANSACT_TRIES; i++) {
        int r;

        s->error = 0;
        s->t = xs_transaction_start(s->xs);
        if (s->t == XBT_NULL)
            return errno ? -errno : -EIO;
        r = fn(s, ctx);
        if (r == 0)
            r = s->error;
        bool done = xs_transaction_end(s->xs, s->t, r != 0 || s->dry_run);
        int end_errno = errno;

        s->t = XBT_NULL;
        /*
         * xenstored may notice a conflict in the middle of a transaction; then the values that were read do not
         * count.
         */
        if (r == -EAGAIN || (r == 0 && !done && end_errno == EAGAIN)) {
            struct timespec pause = { .tv_nsec = 1000000L + (long)(now_us() % 8) * 1000000L };

            nanosleep(&pause, NULL);
            continue;
        }
        return r ? r : done ? 0 : -end_errno;
    }
    return -EBUSY;
}

/*
 * Watches have a connection of their own. The first watch makes libxenstore start a thread that reads the answers, and
 * then each request costs two more switches of threads than without.
 */
int xenstore_watch(struct xenstore *s, const char *token, const char *path, ...)
{
    PATH_OR(return -ENAMETOOLONG);
    if (!s->events)
        s->events = xs_open(0);
    if (!s->events)
        return errno ? -errno : -EIO;
    return xs_watch(s->events, where, token) ? 0 : -errno;
}

void xenstore_unwatch(struct xenstore *s, const char *token, const char *path, ...)
{
    PATH_OR(return );
    if (s->events)
        xs_unwatch(s->events, where, token);
}

static bool take_events(struct xenstore *s)
{
    unsigned n = 0;

    /* Bounded: while a guest writes without a pause, there is always one more. */
    for (char **event; n < EVENTS_AT_ONCE && (event = xs_check_watch(s->events)) != NULL; n++) {
        if (s->heard)
            s->heard(s->heard_ctx, event[XS_WATCH_PATH]);
        free(event);
    }
    return n > 0;
}

/* libxenstore's descriptor does not become readable when its connection ends. Only a request shows it. */
static bool is_connected(struct xenstore *s)
{
    CLEANUP_FREE void *any = xs_read(s->xs, XBT_NULL, "/local", NULL);

    return any || errno == ENOENT || errno == EACCES;
}

int xenstore_wait(struct xenstore *s, uint64_t deadline_us)
{
    struct pollfd fds[] = { { .fd = s->events ? xs_fileno(s->events) : -1, .events = POLLIN },
                            { .fd = s->wake_fd > 0 ? s->wake_fd : -1, .events = POLLIN } };

    /* Kept from one call to the next: many short waits must notice it too. */
    if (s->heard_us == 0)
        s->heard_us = now_us();
    for (;;) {
        uint64_t now = now_us();

        if (interrupted)
            return -EINTR;
        if (now >= deadline_us)
            return -ETIMEDOUT;
        uint64_t ms = (deadline_us - now) / 1000 + 1;
        /* Bounded, so that a signal between the check above and the poll delays nothing for long. */
        int r = poll(fds, ARRAY_SIZE(fds), ms > 500 ? 500 : (int)ms);

        if (r < 0 && errno != EINTR)
            return -errno;
        if (r == 0 && now >= s->heard_us + ASK_US) {
            if (!is_connected(s))
                return -ENOTCONN;
            s->heard_us = now;
        }
        if (r > 0 && fds[1].revents && !fds[0].revents)
            return 0;
        if (r > 0) {
            if (take_events(s)) {
                s->heard_us = now;
                return 0;
            }
            /* EINVAL: libxenstore has closed its connection. */
            if (errno != EAGAIN)
                return errno == EINVAL ? -ENOTCONN : -errno;
        }
    }
}
