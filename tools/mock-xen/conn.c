// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way in of a connection: bytes become requests, which xs.c and mx.c answer. A
 * request is taken only while the client reads its answers. The fault script is
 * asked here, before a request is served.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/log.h"
#include "mock.h"

static void conn_ready(struct loop_source *src, uint32_t revents);
static void conn_go_on(struct loop_timer *timer);

/* mock->connected */
static void conn_new(struct mock *mock, int fd, uint32_t domid)
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

/* mock->ended: releases everything that the connection holds. */
static void conn_release(struct conn *conn)
{
    xs_release(conn);
    ports_release(conn, domain_find(conn->mock, conn->domid, true));
    grants_release(conn);
}

void conns_init(struct mock *mock)
{
    mock->connected = conn_new;
    mock->ended = conn_release;
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

/* --- in --- */

static bool is_private(uint32_t type)
{
    return type >= MX_HELLO && type < MX_TYPE_END;
}

/* The path that a request is about, absolute, in buf; NULL: it has none, or a bad one. */
static const char *request_path(const struct conn *conn, const struct xsd_sockmsg *hdr, const char *payload,
                                char buf[XENSTORE_ABS_PATH_MAX + 1])
{
    switch (hdr->type) {
    case XS_DIRECTORY:
    case XS_DIRECTORY_PART:
    case XS_READ:
    case XS_GET_PERMS:
    case XS_WATCH:
    case XS_UNWATCH:
    case XS_WRITE:
    case XS_MKDIR:
    case XS_RM:
    case XS_SET_PERMS:
        return memchr(payload, '\0', hdr->len) && path_canonical(conn->domid, payload, buf) == 0 ? buf : NULL;
    }
    return NULL;
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
                             is_private(hdr->type) ? NULL : request_path(conn, hdr, payload, path));
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

    /* Reads until no more requests can be taken. epoll reports what is left. */
    do {
        before = conn->in_len;
        conn_flush(conn);
        if (!conn->dead)
            take_requests(conn);
        if (conn->dead)
            return;
    } while (conn->in_len != before);
    conn_flush(conn);
    if (!conn->dead)
        conn_poll_again(conn);
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
