// SPDX-License-Identifier: GPL-2.0-or-later
/* From xenstore to the model; see scan.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "control/nodes.h"
#include "control/scan.h"

/*
 * A backend tree without a frontend and without a domain is left alone for this time: the toolstack may be
 * building it.
 */
#define UNCLAIMED_GRACE_US 10000000u
/* The longest pause between two scans of a vhost whose nodes change all the time. */
#define INTERVAL_MAX_US 32000u
#define BURST_FREE 24
#define BURST_QUIET_US 100000u
#define DEVICE_NAME_PREFIX "dev-"
#define TOKEN_MAX sizeof(((struct vhost_seen *)0)->token)

static int join(char out[STORE_PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, STORE_PATH_MAX, "%s/%s", dir, name);

    return n < 0 || n >= STORE_PATH_MAX ? -ENAMETOOLONG : 0;
}

/*
 * Reads a state node into *state; a value that is not a state is XB_UNKNOWN. If xenstore fails otherwise, *state is
 * unchanged and *dirty is set again. *missing: the node does not exist.
 */
static void read_state(struct vhost *v, const char *dir, enum xenbus_state *state, bool *dirty, bool *missing)
{
    char path[STORE_PATH_MAX];
    uint32_t value = 0;
    int r = join(path, dir, "state");

    if (r == 0)
        r = store_read_u32(v->host->store, path, XB_RECONFIGURED, &value);
    *missing = r == -ENOENT || r == -EACCES;
    *dirty = false;
    if (r == -EINVAL || r == -ERANGE || r == -EMSGSIZE) {
        log_limited(&v->limit, XTL_WARN, v->prefix, "%s holds no state; expected a number from 1 to 8", path);
        value = XB_UNKNOWN;
    } else if (r < 0 && !*missing) {
        *dirty = true;
        return;
    }
    *state = (enum xenbus_state)value;
}

/* --- which frontend it is --- */

static void refuse_identity(struct vhost *v, const char *what, const char *got, const char *expected)
{
    char shown[80], text[DEVICE_WHY_MAX];

    escape_for_log(shown, sizeof(shown), got, strlen(got));
    snprintf(text, sizeof(text), "%s is '%s'; expected %s", what, shown, expected);
    if (strcmp(text, v->error) != 0)
        log_warn(v->prefix, "not served: %s", text);
    nodes_set_error(v, text);
}

/* False: the node does not exist yet, or cannot be read now. */
static bool read_text(struct vhost *v, const char *node, char *text, size_t size)
{
    char path[STORE_PATH_MAX];
    int r = join(path, v->back, node);

    if (r == 0)
        r = store_read(v->host->store, path, text, size);
    if (r == -EMSGSIZE || r == -EINVAL) {
        snprintf(text, size, "(%s)", r == -EINVAL ? "it holds a NUL" : "too long");
        return true;
    }
    if (r < 0 && r != -ENOENT && r != -EACCES)
        v->dirty.identity = true;
    return r == 0;
}

static void unwatch_front(struct vhost *v)
{
    if (v->seen.token[0] && v->host->store && !store_lost(v->host->store))
        store_unwatch(v->host->store, v->seen.front_path, v->seen.token);
    v->seen.token[0] = '\0';
}

static void read_identity(struct vhost *v)
{
    char text[160], expected[64], front[sizeof(v->seen.front_path)], path[STORE_PATH_MAX];
    uint32_t id, feature_host = 0;
    size_t len;

    v->dirty.identity = false;
    snprintf(expected, sizeof(expected), "/local/domain/%u/device/vscsi/", v->domid);
    if (!read_text(v, "frontend-id", text, sizeof(text)))
        return;
    if (parse_u32_str(text, UINT32_MAX, &id) < 0 || id != v->domid) {
        char number[16];

        snprintf(number, sizeof(number), "%u", v->domid);
        refuse_identity(v, "frontend-id", text, number);
        return;
    }
    if (!read_text(v, "frontend", text, sizeof(text)))
        return;
    len = strlen(expected);
    if (strncmp(text, expected, len) != 0 || parse_u32_str(text + len, UINT32_MAX, &id) < 0) {
        strcat(expected, "<number>");
        refuse_identity(v, "frontend", text, expected);
        return;
    }
    snprintf(front, sizeof(front), "%s%" PRIu32, expected, id);
    if (strcmp(v->seen.front_path, front) != 0) {
        unwatch_front(v);
        v->dirty.front = true;
    }
    memcpy(v->seen.front_path, front, sizeof(v->seen.front_path));
    if (join(path, v->back, "feature-host") == 0) {
        int r = store_read_u32(v->host->store, path, 1, &feature_host);

        v->seen.feature_host = r == 0 && feature_host == 1;
        v->dirty.identity |= r < 0 && r != -ENOENT && r != -EACCES && r != -EINVAL && r != -ERANGE;
    }
    v->seen.known = true;
    if (v->error[0] && !v->seen.rival)
        nodes_set_error(v, "");
}

static void watch_front(struct vhost *v)
{
    char token[sizeof(v->seen.token)];
    int r;

    if (v->seen.token[0] || !v->seen.front_path[0])
        return;
    snprintf(token, sizeof(token), "f/%u/%" PRIu32, v->domid, v->id);
    /* Without the watch (quota), the regular rescan still finds changes. */
    r = store_watch(v->host->store, v->seen.front_path, token);
    if (r == 0)
        memcpy(v->seen.token, token, sizeof(v->seen.token));
    else
        log_limited(&v->limit, XTL_WARN, v->prefix, "cannot watch the frontend: %s; looking regularly instead",
                    strerror(-r));
}

static void name_node(const struct vhost *v, char path[STORE_PATH_MAX], char token[TOKEN_MAX])
{
    snprintf(path, STORE_PATH_MAX, "/local/domain/%u/name", v->domid);
    snprintf(token, TOKEN_MAX, "n/%u/%" PRIu32, v->domid, v->id);
}

void scan_unwatch(struct vhost *v)
{
    char path[STORE_PATH_MAX], token[TOKEN_MAX];

    unwatch_front(v);
    name_node(v, path, token);
    if (v->seen.name_watched && v->host->store && !store_lost(v->host->store))
        store_unwatch(v->host->store, path, token);
    v->seen.name_watched = false;
}

/* The name is for log and reports only. A driver domain cannot read this node either, and sets no watch on it. */
static void read_name(struct vhost *v)
{
    static const char arriving[] = "--incoming"; /* xl adds this to the name while a guest arrives by migration */
    char path[STORE_PATH_MAX], token[TOKEN_MAX], name[STORE_VALUE_MAX];
    size_t len;

    v->dirty.name = false;
    name_node(v, path, token);
    if (store_read(v->host->store, path, name, sizeof(name)) < 0)
        return;
    /* Its first event comes at once, so no other name is missed. */
    if (!v->seen.name_watched)
        v->seen.name_watched = store_watch(v->host->store, path, token) == 0;
    len = strlen(name);
    if (len >= sizeof(arriving) - 1 && strcmp(name + len - (sizeof(arriving) - 1), arriving) == 0)
        name[len - (sizeof(arriving) - 1)] = '\0';
    model_set_name(v, name);
    escape_for_log(v->seen.name, sizeof(v->seen.name), name, strlen(name));
}

/* Does the domain exist, and is it still the same one? */
static void read_domain(struct vhost *v)
{
    char path[STORE_PATH_MAX], vm[sizeof(v->seen.vm)];

    int r = store_introduced(v->host->store, v->domid);

    if (r == -EACCES) {
        /* A driver domain may not ask. There, only the frontend's node shows whether the guest lives. */
        v->dirty.domain = v->seen.introduced = v->seen.was_introduced = false;
        return;
    }
    v->dirty.domain = r < 0;
    if (r < 0)
        return;
    v->seen.introduced = r == 1;
    if (!v->seen.introduced)
        return;
    snprintf(path, sizeof(path), "/local/domain/%u/vm", v->domid);
    if (store_read(v->host->store, path, vm, sizeof(vm)) == 0) {
        /* A driver domain cannot read this node. There, only the frontend's node shows it. */
        if (v->seen.was_introduced && v->seen.vm[0] && strcmp(v->seen.vm, vm) != 0)
            v->seen.replaced = true;
        snprintf(v->seen.vm, sizeof(v->seen.vm), "%s", vm);
    }
    v->seen.was_introduced = true;
    read_name(v);
}

static void read_front(struct vhost *v)
{
    enum xenbus_state before = v->seen.front;
    bool missing, dead;

    if (before == XB_GONE)
        v->seen.front = XB_UNKNOWN;
    read_state(v, v->seen.front_path, &v->seen.front, &v->dirty.front, &missing);
    if (!missing && !v->dirty.front)
        v->seen.front_there = true;
    if (missing && v->seen.introduced && !v->dirty.domain)
        read_domain(v); /* the node may be missing because the guest has ended */
    if (v->dirty.domain) {
        v->dirty.front = true; /* decided when the domain can be read */
        return;
    }
    dead = !v->seen.introduced && v->seen.was_introduced;
    if (missing && !dead)
        dead = v->seen.introduced ? v->seen.front_there
                                  : v->seen.front_there || !v->host->first_scan_done
                                        || now_us() - v->seen.found_us > UNCLAIMED_GRACE_US;
    if (dead || v->seen.replaced)
        v->seen.front = XB_GONE;
    if (v->seen.front == XB_CONNECTED)
        v->seen.front_connected = true;
    if (v->seen.front != before) {
        log_debug(v->prefix, "frontend %s -> %s", xenbus_state_name(before), xenbus_state_name(v->seen.front));
        for (struct vdev *d = v->devs; d; d = d->next)
            d->dirty_front = true;
    }
}

/* --- devices --- */

static bool device_name_ok(const char *name)
{
    uint32_t number;

    return strlen(name) < sizeof(((struct vdev *)0)->name)
           && strncmp(name, DEVICE_NAME_PREFIX, strlen(DEVICE_NAME_PREFIX)) == 0
           && parse_u32_str(name + strlen(DEVICE_NAME_PREFIX), UINT32_MAX, &number) == 0;
}

static void list_devices(struct vhost *v)
{
    CLEANUP_FREE char **names = NULL;
    char path[STORE_PATH_MAX];
    unsigned n = 0;
    int r = join(path, v->back, "vscsi-devs");

    v->dirty.list = false;
    if (r == 0)
        r = store_list(v->host->store, path, &names, &n);
    if (r < 0 && r != -ENOENT) {
        v->dirty.list = true; /* out of memory or no connection: again later */
        return;
    }
    for (struct vdev *d = v->devs; d; d = d->next)
        d->present = false;
    for (unsigned i = 0; i < n; i++) {
        struct vdev *d;

        if (!device_name_ok(names[i])) {
            char shown[64];

            escape_for_log(shown, sizeof(shown), names[i], strlen(names[i]));
            log_limited(&v->limit, XTL_WARN, v->prefix, "vscsi-devs/%s ignored; expected dev-<number>", shown);
            continue;
        }
        d = model_find_vdev(v, names[i], strlen(names[i]));
        if (!d)
            d = model_add_vdev(v, names[i]);
        if (d)
            d->present = true;
    }
    for (struct vdev *d = v->devs; d; d = d->next)
        if (!d->present)
            d->own = XB_GONE;
}

/*
 * The devices of a vhost that is done (VS_DONE) are not listed. Its nodes may stay for a long time, and each
 * listing would open the devices only to close them again.
 */
static void choose_to_list(struct vhost *v)
{
    bool done = vhost_classify(v->ring, v->seen.own, v->seen.online) == VS_DONE;

    v->dirty.list = !done && (v->dirty.list || v->seen.unlisted);
    v->seen.unlisted = done;
}

static void read_devices(struct vhost *v)
{
    char path[STORE_PATH_MAX];

    for (struct vdev *d = v->devs; d; d = d->next) {
        bool missing;
        int n;

        if (!d->dirty || !d->present)
            continue;
        n = snprintf(path, sizeof(path), "%s/vscsi-devs/%s", v->back, d->name);
        if (n < 0 || n >= (int)sizeof(path))
            continue;
        read_state(v, path, &d->own, &d->dirty, &missing);
    }
}

/* --- one vhost --- */

/* The BURST_FREE scans that a handshake needs are not delayed. Further ones are. */
static void slow_down(struct vhost *v, uint64_t now)
{
    uint64_t interval = 0;

    if (now - v->seen.last_scan_us > BURST_QUIET_US)
        v->seen.burst = 0;
    else
        v->seen.burst++;
    if (v->seen.burst > BURST_FREE) {
        unsigned over = v->seen.burst - BURST_FREE;

        interval = over < 6 ? 1000u << over : INTERVAL_MAX_US;
    }
    v->seen.last_scan_us = now;
    v->seen.not_before_us = now + (interval < INTERVAL_MAX_US ? interval : INTERVAL_MAX_US);
}

static void read_online(struct vhost *v)
{
    char path[STORE_PATH_MAX];
    uint32_t value = 1; /* nodes made by hand may lack it */
    int r = join(path, v->back, "online");

    if (r == 0)
        r = store_read_u32(v->host->store, path, UINT32_MAX, &value);
    if (r < 0 && r != -ENOENT && r != -EINVAL && r != -ERANGE)
        v->dirty.own = true;
    else
        v->seen.online = r < 0 || value != 0;
}

static void look_for_rival(struct vhost *v)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/bus/xen-backend/devices/vscsi-%u-%" PRIu32 "/driver", v->host->roots->sysfs,
             v->domid, v->id);
    v->seen.rival = !v->host->standalone && access(path, F_OK) == 0;
}

int scan_vhost(struct vhost *v)
{
    struct store *st = v->host->store;

    look_for_rival(v);
    if (!model_dirty(v))
        return 0;
    slow_down(v, now_us());
    if (v->dirty.own) {
        bool missing;
        enum xenbus_state before = v->seen.own;

        read_state(v, v->back, &v->seen.own, &v->dirty.own, &missing);
        v->seen.vanished = false;
        if (missing) {
            char text[STORE_VALUE_MAX];
            int r = store_read(st, v->back, text, sizeof(text));

            v->seen.vanished = r == -ENOENT;
            v->dirty.own = r < 0 && r != -ENOENT && r != -EACCES && r != -EINVAL && r != -EMSGSIZE;
        }
        read_online(v);
        if (v->seen.own != before)
            log_debug(v->prefix, "backend %s -> %s", xenbus_state_name(before), xenbus_state_name(v->seen.own));
    }
    if (v->seen.vanished)
        return store_lost(st) ? -EIO : 0;
    if (v->dirty.identity && (!v->seen.known || !ring_exists(v->ring)))
        read_identity(v);
    else
        v->dirty.identity = false;
    watch_front(v);
    if (v->dirty.domain)
        read_domain(v);
    if (v->dirty.name)
        read_name(v);
    if (v->dirty.front || v->seen.replaced)
        read_front(v);
    choose_to_list(v);
    if (v->dirty.list)
        list_devices(v);
    read_devices(v);
    return store_lost(st) ? -EIO : 0;
}

/* --- all vhosts --- */

static int list_domain(struct host *h, uint16_t domid)
{
    CLEANUP_FREE char **names = NULL;
    char path[64];
    unsigned n;
    int r;

    snprintf(path, sizeof(path), BACKEND_ROOT "/%u", domid);
    r = store_list(h->store, path, &names, &n);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    if (n == 0)
        nodes_remove_guest(h, domid);
    for (unsigned i = 0; i < n; i++) {
        struct vhost *v;
        uint32_t id;

        if (parse_u32_str(names[i], UINT32_MAX, &id) < 0)
            continue;
        v = model_get(h, domid, id);
        if (v) {
            v->seen.listed = true;
            model_mark_all(v);
            model_changed(v);
        }
    }
    return 0;
}

int scan_list(struct host *h)
{
    CLEANUP_FREE char **names = NULL;
    unsigned n = 0;
    int r = store_list(h->store, BACKEND_ROOT, &names, &n);

    if (r < 0 && r != -ENOENT)
        return r;
    for (struct vhost *v = h->vhosts; v; v = v->next)
        v->seen.listed = false;
    for (unsigned i = 0; i < n; i++) {
        uint32_t domid;

        /* 0x7FF0 and above are not domains (xen.h: DOMID_FIRST_RESERVED). */
        if (parse_u32_str(names[i], 0x7fef, &domid) < 0)
            continue;
        r = list_domain(h, (uint16_t)domid);
        if (r < 0)
            return r;
    }
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        if (v->seen.listed)
            continue;
        v->seen.vanished = true;
        model_changed(v);
    }
    return 0;
}
