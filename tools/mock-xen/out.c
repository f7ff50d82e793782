// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The output of a connection: messages wait in its queue until the client reads. A connection is also ended here;
 * then mock->ended releases what it held. This file reads no requests and decides nothing.
 */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/log.h"
#include "mock.h"

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
    conn->mock->ended(conn);
    while (conn->out) {
        struct chunk *chunk = conn->out;

        conn->out = chunk->next;
        chunk_free(chunk);
    }
}

/*
 * True: the same event is queued already, so another one is not needed. Only the first 64 are compared, to bound
 * the work.
 */
static bool event_waits(const struct conn *conn, const char *payload, size_t len)
{
    unsigned n = 0;

    for (const struct chunk *c = conn->out; c && n < 64; c = c->next, n++)
        if (c->event && c->sent == 0 && c->len == sizeof(struct xsd_sockmsg) + len
            && memcmp(c->data + sizeof(struct xsd_sockmsg), payload, len) == 0)
            return true;
    return false;
}

void conn_poll_again(struct conn *conn)
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
    conn_poll_again(conn);
}

/* 0: sent, completely or in part; or -errno. */
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

void conn_flush(struct conn *conn)
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
