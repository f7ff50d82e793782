// SPDX-License-Identifier: GPL-2.0-or-later
/* From a watch's event to marks; see events.h. */
#include "config.h"

#include "common/util.h"
#include "control/events.h"

/* Moves *path past "/<number>". False: there is no such number. */
static bool take_number(const char **path, uint32_t max, uint32_t *out)
{
    size_t len;

    if (**path != '/')
        return false;
    len = strcspn(*path + 1, "/");
    if (parse_u32(*path + 1, len, max, out) < 0)
        return false;
    *path += 1 + len;
    return true;
}

static bool is_dir(const char *path, const char *name)
{
    size_t len = strlen(name);

    return strncmp(path, name, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/*
 * rest is what follows vscsi-devs, the frontend's or ours: "", "/dev-N" or "/dev-N/...". *node is what follows
 * dev-N.
 */
static struct vdev *event_device(struct vhost *v, const char *rest, const char **node)
{
    size_t len = *rest == '/' ? strcspn(rest + 1, "/") : 0;

    *node = len ? rest + 1 + len : "";
    return len ? model_find_vdev(v, rest + 1, len) : NULL;
}

static void backend_event(struct host *h, const char *rest)
{
    uint32_t domid, id;
    struct vhost *v;

    if (!take_number(&rest, 0x7fef, &domid)) {
        h->list_dirty = true;
        return;
    }
    if (!take_number(&rest, UINT32_MAX, &id)) {
        /* The tree of a whole guest was made or removed. */
        for (v = h->vhosts; v; v = v->next) {
            if (v->domid == domid) {
                v->dirty.own = true;
                model_changed(v);
            }
        }
        return;
    }
    /* Only we write these, and we need not read them. */
    if (is_dir(rest, "/error") || is_dir(rest, "/feature-sg-grant"))
        return;
    v = model_find(h, (uint16_t)domid, id);
    if (!v) {
        v = model_get(h, (uint16_t)domid, id);
        if (!v)
            return;
        model_mark_all(v);
    } else if (*rest == '\0') {
        model_mark_all(v);
    } else if (is_dir(rest, "/vscsi-devs")) {
        const char *node;
        struct vdev *d = event_device(v, rest + strlen("/vscsi-devs"), &node);

        /*
         * The toolstack writes the others before the state, or before `change`, and we write the rest: only these two
         * are followed.
         */
        if (d && is_dir(node, "/change"))
            d->change = CHANGE_ASKED;
        else if (d && *node && !is_dir(node, "/state"))
            return;
        if (d)
            d->dirty = true;
        if (!d || *node == '\0')
            v->dirty.list = true;
    } else {
        v->dirty.own = true;
        if (!is_dir(rest, "/state") && !is_dir(rest, "/online"))
            v->dirty.identity = true;
    }
    model_changed(v);
}

static void frontend_event(struct host *h, const char *token, const char *path)
{
    const char *at = token + 1;
    uint32_t domid, id;
    struct vhost *v;
    size_t len;

    if (!take_number(&at, 0x7fef, &domid) || !take_number(&at, UINT32_MAX, &id))
        return;
    v = model_find(h, (uint16_t)domid, id);
    if (!v)
        return;
    len = strlen(v->seen.front_path);
    if (strncmp(path, v->seen.front_path, len) == 0 && is_dir(path + len, "/vscsi-devs")) {
        const char *node;
        struct vdev *d = event_device(v, path + len + strlen("/vscsi-devs"), &node);

        if (!d)
            return;
        d->dirty_front = true;
        d->dirty = true; /* so that slow_down() in scan.c sees a guest that writes without end */
    } else {
        v->dirty.front = v->dirty.ring = true;
    }
    model_changed(v);
}

/* The guest has another name, or the watch is new. */
static void name_event(struct host *h, const char *token)
{
    const char *at = token + 1;
    uint32_t domid, id;
    struct vhost *v;

    if (!take_number(&at, 0x7fef, &domid) || !take_number(&at, UINT32_MAX, &id))
        return;
    v = model_find(h, (uint16_t)domid, id);
    if (!v)
        return;
    v->dirty.name = true;
    model_changed(v);
}

void event_mark(struct host *h, const char *path, const char *token)
{
    if (token[0] == 'f') {
        frontend_event(h, token, path);
    } else if (token[0] == 'n') {
        name_event(h, token);
    } else if (token[0] == 'd') {
        h->domains_dirty = true;
    } else {
        const char *root = strstr(path, BACKEND_ROOT);

        /* The path is relative, as it was registered, or absolute. */
        if (root)
            backend_event(h, root + strlen(BACKEND_ROOT));
        else
            h->list_dirty = true;
    }
}
