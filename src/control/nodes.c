// SPDX-License-Identifier: GPL-2.0-or-later
/* Every write to xenstore; see nodes.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "control/nodes.h"

/* The most writes in one transaction. */
#define BATCH_MAX 64

static void path_of(const struct vhost *v, const char *node, char out[STORE_PATH_MAX])
{
    snprintf(out, STORE_PATH_MAX, "%s/%s", v->back, node);
}

static void device_path(const struct vdev *d, const char *node, char out[STORE_PATH_MAX])
{
    snprintf(out, STORE_PATH_MAX, "%s/vscsi-devs/%s/%s", d->vhost->back, d->name, node);
}

/*
 * Ends a reason that is there. In a driver domain the node stays, empty: the toolstack made it, and a new one would
 * count for the domain's quota. 0 or -errno.
 */
static int clear(struct host *h, const char *path)
{
    struct store_write w = { .expect = -1 };

    if (h->own_domid == 0)
        return store_remove(h->store, path);
    snprintf(w.path, sizeof(w.path), "%s", path);
    return store_write_batch(h->store, &w, 1);
}

void nodes_set_error(struct vhost *v, const char *text)
{
    struct store_write w = { .expect = -1 };

    if (strcmp(v->error, text) == 0)
        return;
    snprintf(v->error, sizeof(v->error), "%s", text);
    path_of(v, "error", w.path);
    snprintf(w.value, sizeof(w.value), "%s", text);
    if (v->seen.vanished || !v->host->store)
        return;
    if (!text[0])
        clear(v->host, w.path);
    else if (store_write_batch(v->host->store, &w, 1) < 0)
        v->error[0] = '\0'; /* not written: the next call tries again */
}

#define QUOTA_TEXT \
    "xenstore refuses new nodes of this domain: its quota of nodes is used up (xenstored's default is 1000); free " \
    "some, raise it, or have a newer xl-scsi make the nodes"

void nodes_say_quota(struct vhost *v)
{
    log_limited(&v->limit, XTL_ERROR, v->prefix, QUOTA_TEXT);
    nodes_set_error(v, QUOTA_TEXT);
}

bool nodes_write_state(struct vhost *v, enum xenbus_state to)
{
    struct store_write w = { .expect = (int)v->seen.own };

    path_of(v, "state", w.path);
    snprintf(w.value, sizeof(w.value), "%d", (int)to);
    if (v->seen.own == XB_UNKNOWN)
        w.expect = -1;
    if (store_write_batch(v->host->store, &w, 1) < 0 || !w.done) {
        v->dirty.own = true; /* the toolstack has written the node since we read it */
        return false;
    }
    if (v->seen.own != to)
        log_debug(v->prefix, "backend %s -> %s (ours)", xenbus_state_name(v->seen.own), xenbus_state_name(to));
    v->seen.own = to;
    return true;
}

void nodes_show_life(struct vhost *v)
{
    struct store_write w = { .expect = -1 };

    if (v->seen.own != XB_INITIALISING)
        return;
    path_of(v, "feature-sg-grant", w.path);
    snprintf(w.value, sizeof(w.value), "%u", v->host->settings->max_segments);
    store_write_batch(v->host->store, &w, 1);
}

bool nodes_announce(struct vhost *v)
{
    struct store_write w[2] = { { .expect = -1 }, { .expect = (int)v->seen.own } };

    path_of(v, "feature-sg-grant", w[0].path);
    snprintf(w[0].value, sizeof(w[0].value), "%u", v->segments);
    path_of(v, "state", w[1].path);
    snprintf(w[1].value, sizeof(w[1].value), "%d", XB_INIT_WAIT);
    int r = store_write_batch(v->host->store, w, 2);

    if (r == -ENOSPC)
        nodes_say_quota(v);
    if (r < 0 || !w[1].done) {
        v->dirty.own = true;
        return false;
    }
    log_debug(v->prefix, "announced with %u segments", v->segments);
    v->seen.own = XB_INIT_WAIT;
    return true;
}

void nodes_remove_guest(struct host *h, uint16_t domid)
{
    char path[64];

    snprintf(path, sizeof(path), BACKEND_ROOT "/%u", domid);
    store_remove_if_empty(h->store, path);
}

bool nodes_remove(struct vhost *v)
{
    if (store_remove(v->host->store, v->back) < 0)
        return false;
    nodes_remove_guest(v->host, v->domid);
    return true;
}

void nodes_clear_device_error(struct vdev *d)
{
    char path[STORE_PATH_MAX];

    if (!d->error_node)
        return;
    device_path(d, "error", path);
    d->error_node = clear(d->vhost->host, path) < 0;
}

/* --- many devices --- */

/* What a write is about. Only a state depends on the value that the node has. */
enum what {
    A_STATE,
    AN_ERROR,
    AN_ANSWER, /* to a change */
    A_FACT     /* about the device that was opened */
};

struct node_batch {
    struct vhost *vhost;
    unsigned n;
    bool wrote;
    struct store_write write[BATCH_MAX];
    struct {
        struct vdev *dev;
        enum what what;
        enum xenbus_state to;
    } of[BATCH_MAX];
};

struct node_batch *node_batch_new(struct vhost *v)
{
    struct node_batch *b = calloc(1, sizeof(*b));

    if (b)
        b->vhost = v;
    return b;
}

/*
 * New nodes count for the quota of a driver domain. The states are there already, so they are written first: the
 * guest's devices do not depend on the others. Those are tried one by one, because some may be there too.
 */
static int commit_without_room(struct node_batch *b)
{
    struct vhost *v = b->vhost;
    struct store_write *states = calloc(b->n, sizeof(*states));
    unsigned n = 0, k = 0;
    int r;

    nodes_say_quota(v);
    if (!states)
        return -ENOMEM;
    for (unsigned i = 0; i < b->n; i++)
        if (b->of[i].what == A_STATE)
            states[n++] = b->write[i];
    r = store_write_batch(v->host->store, states, n);
    for (unsigned i = 0; i < b->n; i++) {
        if (b->of[i].what == A_STATE)
            b->write[i].done = states[k++].done;
        else
            store_write_batch(v->host->store, &b->write[i], 1);
    }
    free(states);
    return r;
}

static void commit(struct node_batch *b)
{
    struct vhost *v = b->vhost;
    int r = store_write_batch(v->host->store, b->write, b->n);

    if (r == -ENOSPC)
        r = commit_without_room(b);
    if (r < 0 && !store_lost(v->host->store))
        log_limited(&v->limit, XTL_WARN, v->prefix, "cannot write device states: %s; it is tried again", strerror(-r));
    for (unsigned i = 0; i < b->n; i++) {
        struct vdev *d = b->of[i].dev;

        if (b->of[i].what == AN_ERROR) {
            d->error_node |= b->write[i].done;
        } else if (b->of[i].what == AN_ANSWER) {
            if (!b->write[i].done)
                d->dirty = true; /* so that it is tried again soon */
            else if (d->change == CHANGE_DONE)
                d->change = CHANGE_NONE;
        } else if (b->of[i].what == A_FACT) {
            d->published &= r >= 0;
        } else if (!b->write[i].done) {
            d->dirty = d->dirty_front = true; /* the node has been written since we read it */
        } else {
            b->wrote = true;
            d->own = b->of[i].to;
            log_debug(v->prefix, "%s -> %s", d->name, xenbus_state_name(d->own));
        }
    }
    b->n = 0;
}

static struct store_write *next_write(struct node_batch *b, struct vdev *d, const char *node, enum what what)
{
    struct store_write *w;

    if (b->n == BATCH_MAX)
        commit(b);
    w = &b->write[b->n];
    device_path(d, node, w->path);
    w->expect = -1;
    b->of[b->n].dev = d;
    b->of[b->n].what = what;
    b->n++;
    return w;
}

void node_batch_state(struct node_batch *b, struct vdev *d, enum xenbus_state to)
{
    struct store_write *w = next_write(b, d, "state", A_STATE);

    w->expect = (int)d->own;
    snprintf(w->value, sizeof(w->value), "%d", (int)to);
    b->of[b->n - 1].to = to;
}

void node_batch_error(struct node_batch *b, struct vdev *d, const char *text)
{
    snprintf(next_write(b, d, "error", AN_ERROR)->value, STORE_SHORT_MAX, "%s", text);
}

void node_batch_changed(struct node_batch *b, struct vdev *d)
{
    snprintf(next_write(b, d, "changed", AN_ANSWER)->value, STORE_SHORT_MAX, "%" PRIu32 "%s%s", d->change_number,
             d->change_why[0] ? " " : "", d->change_why);
}

/* Does p-dev, as the toolstack wrote it, say less than the address? Without p-devname it is the user's only name. */
static bool p_dev_is_vague(const struct vdev *d, const char *address)
{
    const char *p_dev = d->wish.at[0] ? d->wish.at : d->wish.pdev;
    struct pdev p;

    if (!d->wish.named || pdev_parse(p_dev, &p, NULL) < 0)
        return false;
    return p.kind == PDEV_NODE || (p.kind == PDEV_WWID && !p.has_lun)
           || (p.kind == PDEV_HCTL && strcmp(p_dev, address) != 0);
}

void node_batch_device(struct node_batch *b, struct vdev *d)
{
    char address[HCTL_TEXT_MAX] = "";

    if (d->dev.from != PDEV_FILE)
        hctl_format(&d->dev.hctl, address);
    d->published = true;
    memcpy(d->wish.wwid, d->dev.unit, sizeof(d->wish.wwid));
    snprintf(next_write(b, d, "p-hctl", A_FACT)->value, STORE_SHORT_MAX, "%s", address);
    snprintf(next_write(b, d, "p-wwid", A_FACT)->value, STORE_SHORT_MAX, "%s", d->dev.unit);
    snprintf(next_write(b, d, "p-type", A_FACT)->value, STORE_SHORT_MAX, "%u", d->dev.type);
    if (address[0] && p_dev_is_vague(d, address)) {
        snprintf(next_write(b, d, "p-dev", A_FACT)->value, STORE_SHORT_MAX, "%s", address);
        snprintf(d->wish.at, sizeof(d->wish.at), "%s", address);
    }
}

bool node_batch_end(struct node_batch *b)
{
    bool wrote;

    commit(b);
    wrote = b->wrote;
    free(b);
    return wrote;
}
