// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lists of the model and its marks; see model.h. Nothing here reads xenstore, talks to a worker or decides
 * anything.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "control/model.h"

#define NAME_SHOWN_MAX 40u /* as WORKER_PREFIX_MAX has it */
/* What one guest and its worker can tell followers, who want to see the rest too. */
#define NEWS_BURST 128
#define NEWS_INTERVAL_US 100000u

void model_changed(struct vhost *v)
{
    struct host *h = v->host;

    if (v->pending || v->unlinked)
        return;
    v->pending = true;
    v->next_pending = NULL;
    *h->pending_last = v;
    h->pending_last = &v->next_pending;
}

struct vhost *model_find(struct host *h, uint16_t domid, uint32_t id)
{
    for (struct vhost *v = h->vhosts; v; v = v->next)
        if (v->domid == domid && v->id == id)
            return v;
    return NULL;
}

void model_set_name(struct vhost *v, const char *name)
{
    char shown[NAME_SHOWN_MAX + 1];

    escape_for_log(shown, sizeof(shown), name, strlen(name));
    snprintf(v->prefix, sizeof(v->prefix), "d%u.%" PRIu32 "%s%s%s", v->domid, v->id, shown[0] ? " (" : "", shown,
             shown[0] ? ")" : "");
}

struct vhost *model_get(struct host *h, uint16_t domid, uint32_t id)
{
    struct vhost *v = model_find(h, domid, id);

    if (v)
        return v;
    if (h->n_vhosts >= VHOSTS_MAX) {
        static struct log_limit limit = LOG_LIMIT_INIT;

        log_limited(&limit, XTL_WARN, NULL,
                    BACKEND_ROOT "/%u/%" PRIu32 " ignored: there are %u vhosts already, which is the limit", domid, id,
                    h->n_vhosts);
        return NULL;
    }
    v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->host = h;
    v->domid = domid;
    v->id = id;
    v->limit = (struct log_limit)LOG_LIMIT_INIT;
    v->news_limit = (struct log_limit){ .burst = NEWS_BURST, .tokens = NEWS_BURST, .interval_us = NEWS_INTERVAL_US };
    v->seen.online = true;
    v->seen.found_us = now_us();
    model_set_name(v, "");
    snprintf(v->back, sizeof(v->back), BACKEND_ROOT "/%u/%" PRIu32, domid, id);
    v->next = h->vhosts;
    h->vhosts = v;
    h->n_vhosts++;
    model_mark_all(v);
    return v;
}

void model_unlink(struct vhost *v)
{
    struct host *h = v->host;
    struct vhost **at = &h->vhosts;

    v->unlinked = true;
    if (v->pending) {
        struct vhost **p = &h->pending;

        while (*p != v)
            p = &(*p)->next_pending;
        *p = v->next_pending;
        if (!*p)
            h->pending_last = p;
        v->pending = false;
    }
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    h->n_vhosts--;
}

void model_mark_all(struct vhost *v)
{
    v->dirty = (struct vhost_dirty){
        .own = true, .front = true, .list = true, .identity = true, .domain = true, .ring = true
    };
    for (struct vdev *d = v->devs; d; d = d->next)
        d->dirty = d->dirty_front = true;
}

void model_ask_changes(struct host *h)
{
    for (struct vhost *v = h->vhosts; v; v = v->next)
        for (struct vdev *d = v->devs; d; d = d->next)
            d->change = CHANGE_ASKED;
}

bool model_may_tell(struct vhost *v)
{
    return log_limit_take(&v->news_limit, now_us());
}

void model_guest_uuid(const struct vhost *v, char out[GUEST_UUID_MAX])
{
    const char *slash = strrchr(v->seen.vm, '/'), *uuid = slash ? slash + 1 : v->seen.vm;

    escape_for_log(out, GUEST_UUID_MAX, uuid, strlen(uuid));
}

const char *model_wwid(const struct vdev *d)
{
    return d->dev.unit[0] && identity_lasts(d->dev.unit) ? d->dev.unit : d->dev.wwid;
}

bool model_dirty(const struct vhost *v)
{
    if (v->dirty.own || v->dirty.front || v->dirty.list || v->dirty.identity || v->dirty.domain || v->dirty.name)
        return true;
    for (const struct vdev *d = v->devs; d; d = d->next)
        if (d->dirty)
            return true;
    return false;
}

struct vdev *model_find_vdev(struct vhost *v, const char *name, size_t len)
{
    for (struct vdev *d = v->devs; d; d = d->next)
        if (strlen(d->name) == len && strncmp(d->name, name, len) == 0)
            return d;
    return NULL;
}

struct vdev *model_find_lun(struct vhost *v, uint32_t lun_index)
{
    for (struct vdev *d = v->devs; d; d = d->next)
        if (d->lun_index >= 0 && (uint32_t)d->lun_index == lun_index)
            return d;
    return NULL;
}

struct vdev *model_add_vdev(struct vhost *v, const char *name)
{
    struct vdev **at = &v->devs;
    struct vdev *d;

    if (v->n_devs >= VDEVS_MAX) {
        log_limited(&v->limit, XTL_WARN, v->prefix, "vscsi-devs/%s ignored: too many devices; use another virtual host",
                    name);
        return NULL;
    }
    d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->vhost = v;
    snprintf(d->name, sizeof(d->name), "%s", name);
    d->lun_index = -1;
    d->helper_socket = -1;
    d->helper_asks = (struct log_limit){ .burst = 10, .tokens = 10, .interval_us = 100000 };
    d->fds = (struct device_fds){ .sg = -1, .block = -1 };
    d->dirty = d->dirty_front = true;
    while (*at)
        at = &(*at)->next;
    *at = d;
    v->n_devs++;
    return d;
}

void model_unlink_vdev(struct vdev *d)
{
    struct vdev **at = &d->vhost->devs;

    while (*at && *at != d)
        at = &(*at)->next;
    if (*at)
        *at = d->next;
    d->vhost->n_devs--;
}
