// SPDX-License-Identifier: GPL-2.0-or-later
/* The scripted PR helper; see fake-pr-helper.h. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util.h"
#include "fake-pr-helper.h"

static void run(struct fake_connection *conn);

static void conn_close(struct fake_connection *conn)
{
    if (!conn->open)
        return;
    loop_remove(&conn->source);
    loop_timer_cancel(&conn->timer);
    close(conn->source.fd);
    conn->open = false;
}

static void on_timer(struct loop_timer *timer)
{
    run(container_of(timer, struct fake_connection, timer));
}

static void on_readable(struct loop_source *src, uint32_t revents)
{
    struct fake_connection *conn = container_of(src, struct fake_connection, source);
    uint8_t byte;

    if (recv(src->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        conn_close(conn);
        return;
    }
    /* Not now: there is nothing to wait for but the timer, or nothing at all. */
    if (loop_timer_armed(&conn->timer) || conn->step->op == FAKE_END) {
        loop_modify(src, EPOLLRDHUP);
        return;
    }
    run(conn);
}

static void note_fds(struct fake_connection *conn, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        ck_assert_int_eq(c->cmsg_type, SCM_RIGHTS);
        for (size_t i = 0; i < n; i++) {
            struct stat st;
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            ck_assert_int_eq(fstat(fd, &st), 0);
            conn->fd_ino = st.st_ino;
            conn->fd_with_cdb = conn->at == 0;
            conn->n_fds++;
            close(fd);
        }
    }
}

/* True when `want` bytes of this step are there. */
static bool take(struct fake_connection *conn, size_t want)
{
    while (conn->at < want) {
        char control[CMSG_SPACE(8 * sizeof(int))];
        struct iovec iov = { .iov_base = conn->got + conn->at, .iov_len = want - conn->at };
        struct msghdr msg = {
            .msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = control,
            .msg_controllen = sizeof(control),
        };
        ssize_t n = recvmsg(conn->source.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n < 0 && errno == EAGAIN)
            return false;
        if (n <= 0) {
            conn_close(conn);
            return false;
        }
        note_fds(conn, &msg);
        conn->at += (size_t)n;
    }
    return true;
}

static size_t list_length(const uint8_t *cdb)
{
    return cdb[0] == 0x5f ? (size_t)cdb[7] << 8 | cdb[8] : 0;
}

static bool take_request(struct fake_connection *conn, bool with_list)
{
    struct fake_helper *h = conn->helper;
    struct fake_request *req = &h->requests[h->n_requests];
    size_t list;

    if (!take(conn, 16))
        return false;
    list = with_list ? list_length(conn->got) : 0;
    if (!take(conn, 16 + list))
        return false;
    ck_assert_uint_lt(h->n_requests, FAKE_REQUESTS);
    memcpy(req->cdb, conn->got, 16);
    memcpy(req->list, conn->got + 16, list);
    req->list_len = list;
    req->n_fds = conn->n_fds;
    req->fd_ino = conn->fd_ino;
    req->fd_with_cdb = conn->fd_with_cdb;
    req->connection = conn->number;
    conn->n_fds = 0;
    h->n_requests++;
    return true;
}

static bool say(struct fake_connection *conn, bool slowly)
{
    const struct fake_step *step = conn->step;

    while (conn->at < step->len) {
        size_t n = slowly ? 1 : step->len - conn->at;
        ssize_t sent = send(conn->source.fd, (const uint8_t *)step->bytes + conn->at, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0) {
            if (errno == EAGAIN)
                loop_timer_arm(conn->helper->loop, &conn->timer, 1000);
            else
                conn_close(conn);
            return false;
        }
        conn->at += (size_t)sent;
        if (slowly && conn->at < step->len) {
            loop_timer_arm(conn->helper->loop, &conn->timer, 1000);
            return false;
        }
    }
    return true;
}

static void run(struct fake_connection *conn)
{
    if (conn->open && conn->source.events != EPOLLIN)
        loop_modify(&conn->source, EPOLLIN);
    while (conn->open) {
        bool done = true;

        switch (conn->step->op) {
        case FAKE_END:
            return;
        case FAKE_SEND:
            done = say(conn, false);
            break;
        case FAKE_TRICKLE:
            done = say(conn, true);
            break;
        case FAKE_TAKE_FEATURES:
            done = take(conn, 4);
            if (done)
                memcpy(conn->helper->features, conn->got, 4);
            break;
        case FAKE_TAKE_REQUEST:
            done = take_request(conn, true);
            break;
        case FAKE_TAKE_CDB:
            done = take_request(conn, false);
            break;
        case FAKE_SLEEP:
            if (conn->at == 0) {
                conn->at = 1;
                loop_timer_arm(conn->helper->loop, &conn->timer, conn->step->len * 1000);
                done = false;
            }
            break;
        case FAKE_CLOSE:
            conn_close(conn);
            return;
        case FAKE_AGAIN:
            conn->step = conn->script + 1; /* past the features; one more below */
            break;
        }
        if (!done)
            return;
        conn->step++;
        conn->at = 0;
    }
}

static void on_listener(struct loop_source *src, uint32_t revents)
{
    struct fake_helper *h = container_of(src, struct fake_helper, listener);
    int fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    unsigned i = h->n_connections;
    struct fake_connection *conn;

    ck_assert_int_ge(fd, 0);
    ck_assert_uint_lt(i, FAKE_CONNECTIONS);
    conn = &h->connections[i];
    memset(conn, 0, sizeof(*conn));
    conn->helper = h;
    conn->number = i;
    conn->source = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = on_readable };
    conn->timer.expired = on_timer;
    conn->script = h->scripts[i < h->n_scripts ? i : h->n_scripts - 1];
    conn->step = conn->script;
    conn->open = true;
    h->n_connections++;
    ck_assert_int_eq(loop_add(h->loop, &conn->source), 0);
    run(conn);
}

void fake_helper_start(struct fake_helper *h, struct loop *loop, const char *path,
                       const struct fake_step *const *scripts, unsigned n_scripts)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memset(h, 0, sizeof(*h));
    h->loop = loop;
    h->path = path;
    h->scripts = scripts;
    h->n_scripts = n_scripts;
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_lt(strlen(path), sizeof(addr.sun_path));
    memcpy(addr.sun_path, path, strlen(path) + 1);
    unlink(path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    h->listener = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = on_listener };
    ck_assert_int_eq(loop_add(loop, &h->listener), 0);
}

void fake_helper_stop(struct fake_helper *h, bool leave_file)
{
    for (unsigned i = 0; i < h->n_connections; i++)
        conn_close(&h->connections[i]);
    if (h->listener.loop) {
        loop_remove(&h->listener);
        close(h->listener.fd);
        if (!leave_file)
            unlink(h->path);
    }
}
