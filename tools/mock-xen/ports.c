// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Event channels, by the rules of xen/common/event_channel.c: a port waits unbound
 * for one domain; that domain binds a port of its own to it; when one end is
 * closed, the other waits again for the same domain. The two eventfds belong to
 * the channel and are passed to the clients, which signal each other directly.
 */
#include "config.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "mock.h"

static void channel_unref(struct channel *c)
{
    if (--c->refs > 0)
        return;
    for (int i = 0; i < 2; i++)
        if (c->fd[i] >= 0)
            close(c->fd[i]);
    free(c);
}

static int channel_new(struct channel **out)
{
    struct channel *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->refs = 1;
    c->fd[1] = -1;
    c->fd[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->fd[0] >= 0)
        c->fd[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->fd[1] < 0) {
        int r = -errno;

        channel_unref(c);
        return r;
    }
    *out = c;
    return 0;
}

/* With the lowest free number, from 1 up. Takes over the reference to channel. */
static struct port *port_new(struct conn *conn, struct domain *d, uint32_t remote_domid, struct channel *channel,
                             unsigned side)
{
    struct port **at = &d->ports, *port = calloc(1, sizeof(*port));
    uint32_t number = 1;

    if (!port) {
        channel_unref(channel);
        return NULL;
    }
    for (; *at && (*at)->number == number; at = &(*at)->next)
        number++;
    *port = (struct port){ .next = *at,
                           .number = number,
                           .domain = d,
                           .owner = conn,
                           .remote_domid = remote_domid,
                           .channel = channel,
                           .side = side };
    *at = port;
    return port;
}

static void port_free(struct port **at)
{
    struct port *port = *at;

    *at = port->next;
    if (port->peer) {
        port->peer->peer = NULL;
        port->peer->remote_domid = port->domain->domid;
    }
    channel_unref(port->channel);
    free(port);
}

static bool allowed(const struct conn *conn, uint32_t remote_domid)
{
    return conn->restricted < 0 || (uint32_t)conn->restricted == remote_domid;
}

int port_alloc(struct conn *conn, struct domain *d, uint32_t remote_domid, struct port **out)
{
    struct channel *channel = NULL;
    int r;

    if (!allowed(conn, remote_domid))
        return -EACCES;
    if (remote_domid > DOMID_MAX)
        return -ESRCH;
    r = channel_new(&channel);
    if (r < 0)
        return r;
    *out = port_new(conn, d, remote_domid, channel, 0);
    return *out ? 0 : -ENOMEM;
}

int port_bind(struct conn *conn, struct domain *d, uint32_t remote_domid, const struct domain *remote,
              uint32_t remote_port, struct port **out)
{
    static const uint64_t one = 1;
    struct port *peer, *port;

    if (!allowed(conn, remote_domid))
        return -EACCES;
    if (!remote)
        return -ESRCH;
    peer = remote->ports;
    while (peer && peer->number != remote_port)
        peer = peer->next;
    if (!peer || peer->peer || peer->remote_domid != d->domid)
        return -EINVAL;
    peer->channel->refs++;
    port = port_new(conn, d, remote_domid, peer->channel, 1 - peer->side);
    if (!port)
        return -ENOMEM;
    port->peer = peer;
    peer->peer = port;
    /* Events sent before the bind are lost, so one event is always pending after it. */
    (void)!write(port->channel->fd[port->side], &one, sizeof(one));
    *out = port;
    return 0;
}

int port_close(struct conn *conn, struct domain *d, uint32_t number)
{
    struct port **at = &d->ports;

    while (*at && (*at)->number != number)
        at = &(*at)->next;
    if (!*at || (*at)->owner != conn)
        return -ENOTCONN;
    port_free(at);
    return 0;
}

void ports_release(struct conn *conn, struct domain *d)
{
    for (struct port **at = d ? &d->ports : NULL; at && *at;) {
        if ((*at)->owner == conn)
            port_free(at);
        else
            at = &(*at)->next;
    }
}

void ports_close_all(struct domain *d)
{
    while (d->ports)
        port_free(&d->ports);
}
