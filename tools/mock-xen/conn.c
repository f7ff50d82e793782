// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections: bytes in, requests handed out, answers queued. A request is taken
 * only while the client reads its answers; watch events come unasked, so past a
 * limit they are dropped, as xenstored does with a client that sleeps.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/log.h"
#include "mock.h"

static void conn_ready(struct loop_source *src, uint32_t revents);
static void conn_go_on(struct loop_timer *timer);

void conn_new(struct mock *mock, int fd, uint32_t domid)
{
    struct fault fault = faults_check(&mock->faults, KIND_CONNECT, domid, NULL);
    struct conn *conn = fault.action == FAULT_NONE ? calloc(1, sizeof(*conn)) : NULL;

    if (!conn) {
        close(fd);
        return;
    }
    conn->mock = mock;
    conn->domid = domid;
    conn->restricted = -1;
    conn->out_last = &conn->out;
    conn->delay.expired = conn_go_on;
    conn->src = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = conn_ready };
    if (loop_add(mock->loop, &conn->src) < 0) {
        close(fd);
        free(conn);
        return;
    }
    conn->next = mock->conns;
    mock->conns = conn;
}

static void chunk_free(struct chunk *chunk)
{
    for (unsigned i = 0; i < chunk->n_fds; i++)
        close(chunk->fds[i]);
    free(chunk);
}

void conn_kill(struct conn *conn)
{
    if (conn->dead)
        return;
    conn->dead = true;
    loop_remove(&conn->src);
    loop_timer_cancel(&conn->delay);
    close(conn->src.fd);
    xs_release(conn);
    ports_release(conn);
    grants_release(conn);
    while (conn->out) {
        struct chunk *chunk = conn->out;

        conn->out = chunk->next;
        chunk_free(chunk);
    }
}

void conns_reap(struct mock *mock)
{
    for (struct conn **at = &mock->conns; *at;) {
        struct conn *conn = *at;

        if (!conn->dead) {
            at = &conn->next;
            continue;
        }
        *at = conn->next;
        free(conn);
    }
}

void conns_free(struct mock *mock)
{
    for (struct conn *conn = mock->conns; conn; conn = conn->next)
        conn_kill(conn);
    conns_reap(mock);
}

/* --- out --- */

/* Is the same event waiting already? Then one tells as much as two. Recent ones only: bounded work. */
static bool event_waits(const struct conn *conn, const char *payload, size_t len)
{
    unsigned n = 0;

    for (const struct chunk *c = conn->out; c && n < 64; c = c->next, n++)
        if (c->event && c->sent == 0 && c->len == sizeof(struct xsd_sockmsg) + len
            && memcmp(c->data + sizeof(struct xsd_sockmsg), payload, len) == 0)
            return true;
    return false;
}

static void update_events(struct conn *conn)
{
    uint32_t events = 0;

    if (conn->out)
        events |= EPOLLOUT;
    if (conn->out_bytes < CONN_OUT_HIGH && !loop_timer_armed(&conn->delay))
        events |= EPOLLIN;
    if (events != conn->src.events && loop_modify(&conn->src, events) < 0)
        conn_kill(conn);
}

void conn_send(struct conn *conn, const struct xsd_sockmsg *hdr, const void *payload, size_t len, const int *fds,
               unsigned n_fds)
{
    struct mock *mock = conn->mock;
    bool event = hdr->type == XS_WATCH_EVENT;
    struct chunk *chunk = NULL;

    if (!conn->dead && event && conn->out_bytes > CONN_EVENTS_HIGH) {
        if (!conn->dropped_events)
            log_warn(NULL, "a client of domain %u does not read: watch events are dropped", conn->domid);
        conn->dropped_events = true;
        mock->dropped_events++;
        return;
    }
    if (!conn->dead && event && event_waits(conn, payload, len))
        return;
    if (!conn->dead)
        chunk = calloc(1, sizeof(*chunk) + sizeof(*hdr) + len);
    if (!chunk) {
        for (unsigned i = 0; i < n_fds; i++)
            close(fds[i]);
        conn_kill(conn);
        return;
    }
    chunk->event = event;
    chunk->len = sizeof(*hdr) + len;
    memcpy(chunk->data, hdr, sizeof(*hdr));
    ((struct xsd_sockmsg *)(void *)chunk->data)->len = (uint32_t)len;
    if (len > 0)
        memcpy(chunk->data + sizeof(*hdr), payload, len);
    for (unsigned i = 0; i < n_fds; i++)
        chunk->fds[chunk->n_fds++] = fds[i];
    *conn->out_last = chunk;
    conn->out_last = &chunk->next;
    conn->out_bytes += chunk->len;
    update_events(conn);
}

/* 0: sent or to be continued; -errno. */
static int send_some(struct conn *conn, struct chunk *chunk)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * MX_MAX_FDS)];
    } ctl;
    struct iovec iov = { .iov_base = chunk->data + chunk->sent, .iov_len = chunk->len - chunk->sent };
    struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;

    if (chunk->n_fds > 0) {
        struct cmsghdr *c;

        memset(&ctl, 0, sizeof(ctl));
        mh.msg_control = ctl.room;
        mh.msg_controllen = CMSG_SPACE(sizeof(int) * chunk->n_fds);
        c = CMSG_FIRSTHDR(&mh);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * chunk->n_fds);
        memcpy(CMSG_DATA(c), chunk->fds, sizeof(int) * chunk->n_fds);
    }
    n = sendmsg(conn->src.fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0)
        return -errno;
    chunk->sent += (size_t)n;
    conn->out_bytes -= (size_t)n;
    for (; chunk->n_fds > 0; chunk->n_fds--) /* they went with the first byte */
        close(chunk->fds[chunk->n_fds - 1]);
    return 0;
}

static void flush_out(struct conn *conn)
{
    while (conn->out) {
        struct chunk *chunk = conn->out;
        int r = send_some(conn, chunk);

        if (r == -EINTR)
            continue;
        if (r == -EAGAIN)
            return;
        if (r < 0) {
            conn_kill(conn);
            return;
        }
        if (chunk->sent < chunk->len)
            continue;
        conn->out = chunk->next;
        if (!conn->out)
            conn->out_last = &conn->out;
        chunk_free(chunk);
    }
    conn->dropped_events = false;
}

/* --- in --- */

static bool is_private(uint32_t type)
{
    return type >= MX_HELLO && type < MX_TYPE_END;
}

/* false: the request stays where it is for now. */
static bool take_request(struct conn *conn, const struct xsd_sockmsg *hdr, char *payload)
{
    char path[XENSTORE_ABS_PATH_MAX + 1];
    struct fault fault = { FAULT_NONE, 0 };

    if (!conn->fault_over) {
        unsigned kind = is_private(hdr->type)       ? KIND_MX + (hdr->type - MX_HELLO)
                        : hdr->type < XS_TYPE_COUNT ? hdr->type
                                                    : KINDS;

        fault = faults_check(&conn->mock->faults, kind, conn->domid,
                             is_private(hdr->type) ? NULL : xs_request_path(conn, hdr, payload, path));
    }
    conn->fault_over = false;
    switch (fault.action) {
    case FAULT_DROP:
        conn_kill(conn);
        return true;
    case FAULT_HANG:
        return true;
    case FAULT_DELAY:
        conn->fault_over = true;
        loop_timer_arm(conn->mock->loop, &conn->delay, (uint64_t)fault.value * 1000);
        return false;
    case FAULT_ERROR:
        if (is_private(hdr->type))
            mx_error(conn, hdr, -fault.value);
        else
            xs_error(conn, hdr, fault.value);
        return true;
    case FAULT_NONE:
        break;
    }
    if (is_private(hdr->type))
        mx_request(conn, hdr, payload);
    else
        xs_request(conn, hdr, payload);
    return true;
}

static void take_requests(struct conn *conn)
{
    size_t at = 0;

    while (!conn->dead && conn->out_bytes < CONN_OUT_HIGH && !loop_timer_armed(&conn->delay)) {
        struct xsd_sockmsg hdr;

        if (conn->in_len - at < sizeof(hdr))
            break;
        memcpy(&hdr, conn->in + at, sizeof(hdr));
        if (hdr.len > XENSTORE_PAYLOAD_MAX) {
            log_warn(NULL, "a client of domain %u sent a message of %u bytes: its connection is closed", conn->domid,
                     hdr.len);
            conn_kill(conn);
            return;
        }
        if (conn->in_len - at < sizeof(hdr) + hdr.len)
            break;
        if (take_request(conn, &hdr, conn->in + at + sizeof(hdr)))
            at += sizeof(hdr) + hdr.len;
    }
    if (conn->dead)
        return;
    memmove(conn->in, conn->in + at, conn->in_len - at);
    conn->in_len -= at;
}

static void conn_work(struct conn *conn)
{
    size_t before;

    /* Until nothing more can be taken: only then is all that is left for epoll to tell us of. */
    do {
        before = conn->in_len;
        flush_out(conn);
        if (!conn->dead)
            take_requests(conn);
        if (conn->dead)
            return;
    } while (conn->in_len != before);
    flush_out(conn);
    if (!conn->dead)
        update_events(conn);
}

static void conn_go_on(struct loop_timer *timer)
{
    conn_work(container_of(timer, struct conn, delay));
}

static void conn_ready(struct loop_source *src, uint32_t revents)
{
    struct conn *conn = container_of(src, struct conn, src);

    if (revents & EPOLLIN) {
        ssize_t n;

        /* There is room: a full buffer holds at least one request, and we poll only when all are taken. */
        n = recv(src->fd, conn->in + conn->in_len, sizeof(conn->in) - conn->in_len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            conn_kill(conn);
            return;
        }
        if (n > 0)
            conn->in_len += (size_t)n;
    } else if (revents & (EPOLLHUP | EPOLLERR)) {
        conn_kill(conn);
        return;
    }
    conn_work(conn);
}
