// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains: each has a number, a socket of its own (its clients act for the domain),
 * perhaps memory and event channels. A destroyed domain is out of reach at
 * once; while a page of it is still mapped, it stays as a zombie and its
 * number is taken, as on Xen.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/log.h"
#include "mock.h"

struct domain *domain_find(const struct mock *mock, uint32_t domid, bool zombies)
{
    struct domain *d = mock->domains;

    while (d && d->domid != domid)
        d = d->next;
    return d && d->dying && !zombies ? NULL : d;
}

/* --- its socket --- */

static void accept_again(struct loop_timer *timer)
{
    struct domain *d = container_of(timer, struct domain, accept_again);

    if (loop_add(d->mock->loop, &d->listener) < 0)
        loop_timer_arm(d->mock->loop, timer, 100000);
}

static void accept_ready(struct loop_source *src, uint32_t revents UNUSED)
{
    struct domain *d = container_of(src, struct domain, listener);
    int fd;

    while ((fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
        d->mock->connected(d->mock, fd, d->domid);
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        /* The connection stays in the queue: without a pause the loop would spin. */
        log_err(NULL, errno, "cannot accept a connection for domain %u", d->domid);
        loop_remove(src);
        loop_timer_arm(d->mock->loop, &d->accept_again, 100000);
    }
}

/* The socket gets its name only after listen(), so a client that finds it can connect. */
static int listen_at(const char *path, int *out)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    CLEANUP_CLOSE int fd = -1;
    int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.new", path);

    if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    unlink(addr.sun_path);
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
        return -errno;
    if (listen(fd, 128) < 0 || rename(addr.sun_path, path) < 0) {
        int r = -errno;

        unlink(addr.sun_path);
        return r;
    }
    *out = steal_fd(&fd);
    return 0;
}

static int domain_listen(struct domain *d)
{
    int n, r;

    if (d->domid == 0)
        n = snprintf(d->socket, sizeof(d->socket), "%s", d->mock->socket);
    else
        n = snprintf(d->socket, sizeof(d->socket), "%s.d%u", d->mock->socket, d->domid);
    if (n < 0 || (size_t)n >= sizeof(d->socket)) {
        d->socket[0] = '\0';
        return -ENAMETOOLONG;
    }
    r = listen_at(d->socket, &d->listener.fd);
    if (r < 0) {
        d->socket[0] = '\0';
        return r;
    }
    d->listener.events = EPOLLIN;
    d->listener.ready = accept_ready;
    d->accept_again.expired = accept_again;
    return loop_add(d->mock->loop, &d->listener);
}

static void stop_listening(struct domain *d)
{
    loop_remove(&d->listener);
    loop_timer_cancel(&d->accept_again);
    if (d->listener.fd >= 0)
        close(d->listener.fd);
    d->listener.fd = -1;
    if (d->socket[0])
        unlink(d->socket);
    d->socket[0] = '\0';
}

/* --- its nodes --- */

/* The nodes that libxl makes for a new domain, as far as drivers read them. */
static int make_nodes(struct domain *d, const char *name, struct tree_changes *changes)
{
    struct mock *mock = d->mock;
    const struct actor dom0 = { .tree = &mock->tree, .quota = &mock->quota, .changes = changes };
    const struct perm readable[] = { { 0, 0 }, { d->domid, PERM_READ } };
    const struct perm own[] = { { d->domid, 0 } };
    char path[64], number[16];
    int r;

    snprintf(path, sizeof(path), "/local/domain/%u", d->domid);
    r = op_mkdir(&dom0, path);
    if (r == 0)
        r = op_set_perms(&dom0, path, readable, d->domid == 0 ? 1 : 2);
    snprintf(path, sizeof(path), "/local/domain/%u/domid", d->domid);
    snprintf(number, sizeof(number), "%u", d->domid);
    if (r == 0)
        r = op_write(&dom0, path, number, strlen(number));
    snprintf(path, sizeof(path), "/local/domain/%u/name", d->domid);
    if (r == 0)
        r = op_write(&dom0, path, name, strlen(name));
    snprintf(path, sizeof(path), "/local/domain/%u/device", d->domid);
    if (r == 0 && d->domid != 0)
        r = op_mkdir(&dom0, path);
    snprintf(path, sizeof(path), "/local/domain/%u/data", d->domid);
    if (r == 0 && d->domid != 0)
        r = op_mkdir(&dom0, path);
    if (r == 0 && d->domid != 0)
        r = op_set_perms(&dom0, path, own, 1);
    return r;
}

/* --- life and death --- */

static void domain_free(struct domain *d)
{
    struct domain **at = &d->mock->domains;

    while (*at && *at != d)
        at = &(*at)->next;
    if (*at)
        *at = d->next;
    stop_listening(d);
    ports_close_all(d);
    memory_free(d);
    free(d);
}

int domain_create(struct mock *mock, uint32_t domid, const char *name, struct domain **out)
{
    struct domain *d = domain_find(mock, domid, true);
    struct tree_changes changes;
    char made_up[32];
    int r;

    if (d)
        return d->dying ? -EBUSY : -EEXIST;
    d = calloc(1, sizeof(*d));
    if (!d)
        return -ENOMEM;
    d->mock = mock;
    d->domid = domid;
    d->memfd = -1;
    d->listener.fd = -1;
    snprintf(made_up, sizeof(made_up), domid == 0 ? "Domain-0" : "guest%u", domid);
    changes_init(&changes, &mock->pool);
    r = domain_listen(d);
    if (r == 0)
        r = make_nodes(d, name ? name : made_up, &changes);
    if (r < 0) {
        domain_free(d);
    } else {
        d->next = mock->domains;
        mock->domains = d;
        d->introduced = true;
        watches_fire(mock, &changes);
        watches_fire_special(mock, "@introduceDomain");
        log_info(NULL, "domain %u: created", domid);
        if (out)
            *out = d;
    }
    changes_deinit(&changes);
    return r;
}

int domain_introduce(struct mock *mock, uint32_t domid)
{
    struct domain *d = domain_find(mock, domid, false);

    if (!d)
        return domain_create(mock, domid, NULL, NULL);
    if (!d->introduced) {
        d->introduced = true;
        watches_fire_special(mock, "@introduceDomain");
    }
    return 0;
}

/* As xenstored does at the end of a domain: its nodes are removed and @releaseDomain fires. */
static int forget(struct domain *d)
{
    struct mock *mock = d->mock;
    struct tree_changes changes;
    struct actor dom0 = { .tree = &mock->tree, .quota = &mock->quota, .changes = &changes };
    int r;

    d->introduced = false;
    changes_init(&changes, &mock->pool);
    r = op_forget_domain(&dom0, d->domid, mock->keep_orphans);
    watches_fire(mock, &changes);
    changes_deinit(&changes);
    watches_fire_special(mock, "@releaseDomain");
    return r;
}

int domain_release(struct mock *mock, uint32_t domid)
{
    struct domain *d = domain_find(mock, domid, false);

    if (domid == 0)
        return -EINVAL;
    return d && d->introduced ? forget(d) : -ENOENT;
}

void domain_bury(struct domain *d)
{
    if (d->dying && d->n_mapped == 0) {
        log_info(NULL, "domain %u: gone", d->domid);
        domain_free(d);
    }
}

void domain_destroy(struct domain *d)
{
    struct mock *mock = d->mock;

    if (d->mem)
        atomic_store_explicit(&d->mem->state, MX_DEAD, memory_order_release);
    stop_listening(d);
    for (struct conn *conn = mock->conns; conn; conn = conn->next)
        if (conn->domid == d->domid)
            conn_kill(conn);
    ports_close_all(d);
    d->dying = true; /* only now: the end of its own connections must not free it (domain_bury()) */
    if (d->n_mapped > 0)
        log_info(NULL, "domain %u: destroyed; a zombie while %u of its pages are mapped", d->domid, d->n_mapped);
    if (d->introduced && forget(d) < 0)
        log_warn(NULL, "domain %u: no memory to remove all its nodes", d->domid);
    domain_bury(d);
}

void domains_free(struct mock *mock)
{
    while (mock->domains)
        domain_free(mock->domains);
}
