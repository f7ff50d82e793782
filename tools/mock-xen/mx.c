// SPDX-License-Identifier: GPL-2.0-or-later
/* The private requests of xen-mock-proto.h: grants and event channels. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "mock.h"

struct outcome {
    uint32_t number;
    int fds[MX_MAX_FDS]; /* still owned by the channel: the answer has copies */
    unsigned n_fds;
};

static void answer(struct conn *conn, const struct xsd_sockmsg *hdr, int err, const struct outcome *out)
{
    struct xsd_sockmsg head = { .type = hdr->type, .req_id = hdr->req_id };
    struct mx_reply reply = { .error = err, .number = err == 0 ? out->number : 0 };
    int fds[MX_MAX_FDS] = { -1, -1 };
    unsigned n = 0;

    while (err == 0 && n < out->n_fds) {
        int fd = fcntl(out->fds[n], F_DUPFD_CLOEXEC, 0);

        if (fd < 0) { /* the request was carried out, but cannot be answered: end the connection, which undoes it */
            while (n > 0)
                close(fds[--n]);
            conn_kill(conn);
            return;
        }
        fds[n++] = fd;
    }
    conn_send(conn, &head, &reply, sizeof(reply), fds, n);
}

void mx_error(struct conn *conn, const struct xsd_sockmsg *hdr, int err)
{
    answer(conn, hdr, err, NULL);
}

static int hello(struct conn *conn, const struct mx_request *rq, struct outcome *out)
{
    if (rq->number != MX_VERSION)
        return -EPROTO;
    if (!domain_find(conn->mock, rq->domid, false))
        return -ESRCH;
    /* On domain 0's socket a client may act for any domain, on a guest's only for that guest. */
    if (conn->greeted || (conn->domid != 0 && conn->domid != rq->domid))
        return -EPERM;
    conn->greeted = true;
    conn->domid = rq->domid;
    out->fds[out->n_fds++] = conn->mock->fault_fd;
    return 0;
}

static int memory(struct conn *conn, const struct mx_request *rq, struct outcome *out)
{
    struct domain *d = domain_find(conn->mock, rq->domid, false);
    int r = d ? memory_get(d) : -ESRCH;

    if (r < 0)
        return r;
    out->number = conn->mock->n_pages;
    out->fds[out->n_fds++] = d->memfd;
    return 0;
}

static void give_port(const struct port *port, struct outcome *out)
{
    out->number = port->number;
    out->fds[out->n_fds++] = port->channel->fd[port->side];
    out->fds[out->n_fds++] = port->channel->fd[1 - port->side];
}

static int restrict_events(struct conn *conn, const struct mx_request *rq)
{
    if (conn->restricted >= 0)
        return -EACCES;
    if (rq->domid == 0 || rq->domid > DOMID_MAX)
        return -EINVAL;
    conn->restricted = (int32_t)rq->domid;
    return 0;
}

static int handle(struct conn *conn, uint32_t type, const struct mx_request *rq, struct outcome *out)
{
    struct domain *own = domain_find(conn->mock, conn->domid, false);
    struct domain *other = domain_find(conn->mock, rq->domid, true);
    struct port *port;
    int r;

    if (type == MX_HELLO)
        return hello(conn, rq, out);
    if (!conn->greeted || !own)
        return -EPROTO;
    switch (type) {
    case MX_MEMORY:
        return memory(conn, rq, out);
    case MX_MAP:
        return other && !other->dying ? grants_map(conn, other, rq->number, &out->number) : -EINVAL;
    case MX_UNMAP:
        return other ? grants_unmap(conn, other, rq->number) : -EINVAL;
    case MX_SHARE:
        return grants_share(conn, own, rq->domid, rq->count, rq->flags & MX_READONLY, &out->number);
    case MX_UNSHARE:
        return grants_unshare(conn, own, rq->number, rq->count);
    case MX_ALLOC_PORT:
        r = port_alloc(conn, own, rq->domid, &port);
        if (r == 0)
            give_port(port, out);
        return r;
    case MX_BIND:
        r = port_bind(conn, own, rq->domid, other && !other->dying ? other : NULL, rq->number, &port);
        if (r == 0)
            give_port(port, out);
        return r;
    case MX_UNBIND:
        return port_close(conn, own, rq->number);
    case MX_RESTRICT:
        return restrict_events(conn, rq);
    case MX_BYE:
        ports_release(conn, own);
        grants_release(conn);
        return 0;
    }
    return -ENOSYS;
}

void mx_request(struct conn *conn, const struct xsd_sockmsg *hdr, const char *payload)
{
    struct outcome out = { .n_fds = 0 };
    struct mx_request rq;

    if (hdr->len != sizeof(rq)) {
        mx_error(conn, hdr, -EPROTO);
        return;
    }
    memcpy(&rq, payload, sizeof(rq));
    answer(conn, hdr, handle(conn, hdr->type, &rq, &out), &out);
}
