// SPDX-License-Identifier: GPL-2.0-or-later
/* Watches: which connection is told of which change. A watch fires for its path and everything below it. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "mock.h"

static struct watch **watch_find(struct conn *conn, const char *canonical, const char *token)
{
    struct watch **at = &conn->watches;

    while (*at && (strcmp((*at)->path, canonical) != 0 || strcmp((*at)->token, token) != 0))
        at = &(*at)->next;
    return at;
}

static void watch_free(struct watch *watch)
{
    free(watch->path);
    free(watch->token);
    free(watch);
}

int watch_add(struct conn *conn, const char *path, const char *canonical, const char *token)
{
    struct watch **at = watch_find(conn, canonical, token), *watch;

    if (*at)
        return -EEXIST;
    watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    watch->path = strdup(canonical);
    watch->token = strdup(token);
    watch->relative = strlen(canonical) - strlen(path);
    if (!watch->path || !watch->token) {
        watch_free(watch);
        return -ENOMEM;
    }
    *at = watch; /* the end of the list: events come in the order of registration */
    return 0;
}

int watch_remove(struct conn *conn, const char *canonical, const char *token)
{
    struct watch **at = watch_find(conn, canonical, token), *watch = *at;

    if (!watch)
        return -ENOENT;
    *at = watch->next;
    watch_free(watch);
    return 0;
}

void watches_free(struct conn *conn)
{
    while (conn->watches) {
        struct watch *watch = conn->watches;

        conn->watches = watch->next;
        watch_free(watch);
    }
}

unsigned watches_of_domain(const struct mock *mock, uint32_t domid)
{
    unsigned n = 0;

    for (const struct conn *conn = mock->conns; conn; conn = conn->next)
        if (conn->domid == domid)
            for (const struct watch *w = conn->watches; w; w = w->next)
                n++;
    return n;
}

void watch_event(struct conn *conn, const char *path, const char *token)
{
    static const struct xsd_sockmsg hdr = { .type = XS_WATCH_EVENT };
    char canonical[XENSTORE_ABS_PATH_MAX + 1];
    size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
    CLEANUP_FREE char *payload = malloc(path_len + token_len);
    struct fault fault;

    fault = faults_check(&conn->mock->faults, XS_WATCH_EVENT, conn->domid,
                         path_canonical(conn->domid, path, canonical) == 0 ? canonical : NULL);
    if (fault.action == FAULT_DROP)
        return;
    if (!payload) { /* the client notices the end of its connection, but not a lost event */
        conn_kill(conn);
        return;
    }
    memcpy(payload, path, path_len);
    memcpy(payload + path_len, token, token_len);
    conn_send(conn, &hdr, payload, path_len + token_len, NULL, 0);
}

void watches_fire(struct mock *mock, const struct tree_changes *changes)
{
    for (const struct tree_change *c = changes->first; c; c = c->next) {
        for (struct conn *conn = mock->conns; conn; conn = conn->next) {
            if (!conn->watches || !change_visible(c, &mock->tree, conn->domid))
                continue;
            for (struct watch *w = conn->watches; w; w = w->next) {
                bool hit = c->exact ? strcmp(w->path, c->path) == 0 : path_below(w->path, c->path);

                if (hit)
                    watch_event(conn, c->path + w->relative, w->token);
                if (conn->dead) /* its watches are freed already */
                    break;
            }
        }
    }
}

void watches_fire_special(struct mock *mock, const char *name)
{
    CLEANUP_FREE char *path = strf("/%s", name);
    struct node *node = path ? tree_find(&mock->special, path) : NULL;

    for (struct conn *conn = mock->conns; conn; conn = conn->next) {
        if (node && !perms_allow(node->perms, node->n_perms, conn->domid, PERM_READ))
            continue;
        for (struct watch *w = conn->watches; w; w = w->next) {
            if (strcmp(w->path, name) == 0)
                watch_event(conn, name, w->token);
            if (conn->dead)
                break;
        }
    }
}
