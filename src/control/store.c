// SPDX-License-Identifier: GPL-2.0-or-later
/* Xenstore with limits; see store.h. Each call waits for xenstored's answer, as libxenstore's functions do. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xenstore.h>

#include "common/util.h"
#include "control/store.h"

/* A transaction that conflicts this often is given up; the next scan tries again. */
#define BATCH_TRIES 8

/*
 * Watches have a connection of their own. The first watch makes libxenstore start a thread that reads the answers, and
 * then each request costs two more switches of threads than without.
 */
struct store {
    struct xs_handle *xs, *events;
    bool lost;
};

static int failed(struct store *st)
{
    int e = errno ? errno : EIO;

    /* The errors of libxenstore after its connection broke. None of these is an answer of xenstored. */
    if (e == EBADF || e == EPIPE || e == ECONNRESET || e == ENOTCONN || e == ESHUTDOWN)
        st->lost = true;
    return -e;
}

int store_open(struct store **out, char *why, size_t why_size)
{
    CLEANUP_FREE struct store *st = calloc(1, sizeof(*st));

    if (!st) {
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    errno = 0;
    st->xs = xs_open(0);
    if (st->xs)
        st->events = xs_open(0);
    if (!st->events) {
        int e = errno ? errno : ENOENT;
        const char *path = getenv("XENSTORED_PATH");

        snprintf(
            why, why_size, "cannot connect to xenstored: %s; expected it at %s", strerror(e),
            path ? path
                 : "/run/xenstored/socket or behind /dev/xen/xenbus (is this a Xen domain, and xenstored running?)");
        if (st->xs)
            xs_close(st->xs);
        return -e;
    }
    *out = steal_ptr(st);
    return 0;
}

void store_close(struct store *st)
{
    if (!st)
        return;
    xs_close(st->events);
    xs_close(st->xs);
    free(st);
}

int store_fd(const struct store *st)
{
    return xs_fileno(st->events);
}

bool store_lost(const struct store *st)
{
    return st->lost;
}

static int read_in(struct store *st, xs_transaction_t t, const char *path, char *buf, size_t size)
{
    CLEANUP_FREE char *text = NULL;
    unsigned len = 0;

    buf[0] = '\0';
    text = xs_read(st->xs, t, path, &len);
    if (!text) {
        int r = failed(st);

        /* libxenstore says EINVAL when the connection ended while it waited. That is no bad value. */
        return r == -EINVAL ? -EIO : r;
    }
    if (len >= size)
        return -EMSGSIZE;
    if (memchr(text, '\0', len))
        return -EINVAL;
    memcpy(buf, text, len);
    buf[len] = '\0';
    return 0;
}

static int read_u32_in(struct store *st, xs_transaction_t t, const char *path, uint32_t max, uint32_t *out)
{
    char text[32];
    int r = read_in(st, t, path, text, sizeof(text));

    if (r == -EMSGSIZE)
        return -ERANGE;
    return r < 0 ? r : parse_u32_str(text, max, out);
}

int store_read(struct store *st, const char *path, char *buf, size_t size)
{
    return read_in(st, XBT_NULL, path, buf, size);
}

int store_read_u32(struct store *st, const char *path, uint32_t max, uint32_t *out)
{
    return read_u32_in(st, XBT_NULL, path, max, out);
}

int store_read_pair(struct store *st, const char *path_a, const char *path_b, uint32_t *a, uint32_t *b)
{
    for (int tries = 0; tries < BATCH_TRIES; tries++) {
        xs_transaction_t t = xs_transaction_start(st->xs);
        int r;

        if (!t)
            return failed(st);
        r = read_u32_in(st, t, path_a, UINT32_MAX, a);
        if (r == 0)
            r = read_u32_in(st, t, path_b, UINT32_MAX, b);
        if (xs_transaction_end(st->xs, t, r < 0) || r < 0)
            return r;
        if (errno != EAGAIN)
            return failed(st);
    }
    return -EAGAIN;
}

int store_remove(struct store *st, const char *path)
{
    if (xs_rm(st->xs, XBT_NULL, path) || errno == ENOENT)
        return 0;
    return failed(st);
}

int store_remove_if_empty(struct store *st, const char *path)
{
    for (int tries = 0; tries < BATCH_TRIES; tries++) {
        xs_transaction_t t = xs_transaction_start(st->xs);
        CLEANUP_FREE char **names = NULL;
        unsigned n = 0;

        if (!t)
            return failed(st);
        names = xs_directory(st->xs, t, path, &n);
        if (!names || n > 0 || !xs_rm(st->xs, t, path)) {
            int r = names || errno == ENOENT ? 0 : failed(st);

            xs_transaction_end(st->xs, t, true);
            return r;
        }
        if (xs_transaction_end(st->xs, t, false))
            return 0;
        if (errno != EAGAIN)
            return failed(st);
    }
    return -EAGAIN;
}

int store_list(struct store *st, const char *path, char ***names, unsigned *n)
{
    *n = 0;
    *names = xs_directory(st->xs, XBT_NULL, path, n);
    return *names ? 0 : failed(st);
}

int store_introduced(struct store *st, uint16_t domid)
{
    /*
     * Only errno tells a failure from the answer "no". If a failure were taken for "no", a living guest's ring
     * would be ended.
     */
    errno = 0;
    if (xs_is_domain_introduced(st->xs, domid))
        return 1;
    return errno ? failed(st) : 0;
}

/*
 * Writing a node makes its parents too. If the toolstack has removed them, they must not come back. seen: the last one
 * that was there, in this transaction; a device's nodes follow each other.
 */
static int parent_exists(struct store *st, xs_transaction_t t, const char *path, char seen[STORE_PATH_MAX])
{
    char parent[STORE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    unsigned len;
    char *value;

    if (!slash || slash == path || (size_t)(slash - path) >= sizeof(parent))
        return -EINVAL;
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = '\0';
    if (strcmp(parent, seen) == 0)
        return 1;
    value = xs_read(st->xs, t, parent, &len);
    if (!value)
        return errno == ENOENT ? 0 : failed(st);
    free(value);
    strcpy(seen, parent);
    return 1;
}

static int write_one(struct store *st, xs_transaction_t t, struct store_write *w, char seen[STORE_PATH_MAX])
{
    int r;

    w->done = false;
    if (w->expect >= 0) {
        uint32_t now;

        r = read_u32_in(st, t, w->path, UINT32_MAX, &now);
        if (r == -ENOENT || r == -EINVAL || r == -ERANGE)
            return 0; /* the node has changed since we read it: it is not written */
        if (r < 0)
            return r;
        if (now != (uint32_t)w->expect)
            return 0;
    } else {
        r = parent_exists(st, t, w->path, seen);
        if (r <= 0)
            return r;
    }
    if (!xs_write(st->xs, t, w->path, w->value, (unsigned)strlen(w->value)))
        return failed(st);
    w->done = true;
    return 0;
}

int store_write_batch(struct store *st, struct store_write *writes, unsigned n)
{
    if (n == 0)
        return 0;
    for (int tries = 0; tries < BATCH_TRIES; tries++) {
        xs_transaction_t t = xs_transaction_start(st->xs);
        char seen[STORE_PATH_MAX] = "";
        int r = 0;

        if (!t)
            return failed(st);
        for (unsigned i = 0; i < n && r == 0; i++)
            r = write_one(st, t, &writes[i], seen);
        if (r < 0) {
            xs_transaction_end(st->xs, t, true);
            for (unsigned i = 0; i < n; i++)
                writes[i].done = false;
            return r;
        }
        if (xs_transaction_end(st->xs, t, false))
            return 0;
        for (unsigned i = 0; i < n; i++)
            writes[i].done = false;
        if (errno != EAGAIN)
            return failed(st);
    }
    return -EAGAIN;
}

int store_watch(struct store *st, const char *path, const char *token)
{
    return xs_watch(st->events, path, token) ? 0 : failed(st);
}

void store_unwatch(struct store *st, const char *path, const char *token)
{
    xs_unwatch(st->events, path, token);
}

int store_next_event(struct store *st, struct store_event *out)
{
    errno = 0;
    out->raw = xs_check_watch(st->events);
    if (out->raw) {
        out->path = out->raw[XS_WATCH_PATH];
        out->token = out->raw[XS_WATCH_TOKEN];
        return 1;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == 0 ? 0 : failed(st);
}
