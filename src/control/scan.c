// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From xenstore to the model: reads only what may have changed, believes nothing,
 * and leaves every decision to the tables. A watch event only marks what to read
 * again; a full mark and sweep makes up for events that were lost.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "control/model.h"

/* A backend tree without a frontend and without a domain is left alone so long: someone may be building it. */
#define ORPHAN_GRACE_US 10000000u
/* Scans of one vhost that chases itself are spread out up to this. */
#define INTERVAL_MAX_US 32000u
#define BURST_FREE 24
#define BURST_QUIET_US 100000u
#define DEVICE_NAME_PREFIX "dev-"

static int join(char out[STORE_PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, STORE_PATH_MAX, "%s/%s", dir, name);

    return n < 0 || n >= STORE_PATH_MAX ? -ENAMETOOLONG : 0;
}

/*
 * A state node into *state: anything that is no state is XB_UNKNOWN. When xenstore fails otherwise, *state stays and *dirty is
 * set again. *missing: the node is not there.
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

static bool read_flag(struct vhost *v, const char *dir, const char *name, bool absent)
{
    char path[STORE_PATH_MAX];
    uint32_t value;

    if (join(path, dir, name) < 0 || store_read_u32(v->host->store, path, 1, &value) < 0)
        return absent;
    return value == 1;
}

/* --- who the frontend is --- */

static void refuse_identity(struct vhost *v, const char *what, const char *got, const char *expected)
{
    char shown[80], text[DEVICE_WHY_MAX];

    escape_for_log(shown, sizeof(shown), got, strlen(got));
    snprintf(text, sizeof(text), "%s is '%s'; expected %s", what, shown, expected);
    if (strcmp(text, v->error) != 0)
        log_warn(v->prefix, "not served: %s", text);
    vhost_set_error(v, text);
}

/* False: it is not there yet, or cannot be read just now. */
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
        v->dirty_identity = true;
    return r == 0;
}

static void read_identity(struct vhost *v)
{
    char text[160], expected[64], front[sizeof(v->front)];
    uint32_t id;
    size_t len;

    v->dirty_identity = false;
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
    if (strcmp(v->front, front) != 0) {
        scan_unwatch(v);
        v->dirty_front = true;
    }
    memcpy(v->front, front, sizeof(v->front));
    v->feature_host = read_flag(v, v->back, "feature-host", false);
    v->known = true;
    if (v->error[0] && !v->rival)
        vhost_set_error(v, "");
}

static void watch_front(struct vhost *v)
{
    char token[sizeof(v->token)];
    int r;

    if (v->token[0] || !v->front[0])
        return;
    snprintf(token, sizeof(token), "f/%u/%" PRIu32, v->domid, v->id);
    /* Without it (quota) the regular rescan still finds what changes. */
    r = store_watch(v->host->store, v->front, token);
    if (r == 0)
        memcpy(v->token, token, sizeof(v->token));
    else
        log_limited(&v->limit, XTL_WARN, v->prefix, "cannot watch the frontend: %s; looking regularly instead",
                    strerror(-r));
}

void scan_unwatch(struct vhost *v)
{
    if (v->token[0] && v->host->store && !store_lost(v->host->store))
        store_unwatch(v->host->store, v->front, v->token);
    v->token[0] = '\0';
}

/* Is the domain still the one that we knew? */
static void read_domain(struct vhost *v)
{
    char path[STORE_PATH_MAX], vm[sizeof(v->vm)];

    int r = store_introduced(v->host->store, v->domid);

    if (r == -EACCES) {
        /* A driver domain may not ask: there only the frontend's node tells whether the guest lives. */
        v->dirty_domain = v->introduced = v->was_introduced = false;
        return;
    }
    v->dirty_domain = r < 0;
    if (r < 0)
        return;
    v->introduced = r == 1;
    if (!v->introduced)
        return;
    snprintf(path, sizeof(path), "/local/domain/%u/vm", v->domid);
    if (store_read(v->host->store, path, vm, sizeof(vm)) == 0) {
        /* Not readable in a driver domain: there only the frontend's node tells. */
        if (v->was_introduced && v->vm[0] && strcmp(v->vm, vm) != 0)
            v->replaced = true;
        snprintf(v->vm, sizeof(v->vm), "%s", vm);
    }
    v->was_introduced = true;
}

static void read_front(struct vhost *v)
{
    enum xenbus_state before = v->front_state;
    bool missing, dead;

    if (before == XB_GONE)
        v->front_state = XB_UNKNOWN;
    read_state(v, v->front, &v->front_state, &v->dirty_front, &missing);
    if (!missing && !v->dirty_front)
        v->front_seen = true;
    if (missing && v->introduced && !v->dirty_domain)
        read_domain(v); /* the only sign of a guest's end that a driver domain gets */
    if (v->dirty_domain) {
        v->dirty_front = true; /* judged when the domain could be asked for */
        return;
    }
    dead = !v->introduced && v->was_introduced;
    if (missing && !dead)
        dead = v->introduced ? v->front_seen
                             : v->front_seen || !v->host->first_scan_done || now_us() - v->found_us > ORPHAN_GRACE_US;
    if (dead || v->replaced)
        v->front_state = XB_GONE;
    if (v->front_state == XB_CONNECTED)
        v->seen_connected = true;
    if (v->front_state != before) {
        log_debug(v->prefix, "frontend %s -> %s", xenbus_state_name(before), xenbus_state_name(v->front_state));
        for (struct vdev *d = v->devs; d; d = d->next)
            d->front_checked = false;
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

static struct vdev *find_device(struct vhost *v, const char *name, size_t len)
{
    for (struct vdev *d = v->devs; d; d = d->next)
        if (strlen(d->name) == len && strncmp(d->name, name, len) == 0)
            return d;
    return NULL;
}

static void list_devices(struct vhost *v)
{
    CLEANUP_FREE char **names = NULL;
    char path[STORE_PATH_MAX];
    unsigned n = 0;
    int r = join(path, v->back, "vscsi-devs");

    v->dirty_list = false;
    if (r == 0)
        r = store_list(v->host->store, path, &names, &n);
    if (r < 0 && r != -ENOENT) {
        v->dirty_list = true; /* memory or the connection: again later */
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
        d = find_device(v, names[i], strlen(names[i]));
        if (!d)
            d = vdev_new(v, names[i]);
        if (d)
            d->present = true;
    }
    for (struct vdev *d = v->devs; d; d = d->next)
        if (!d->present)
            d->own = XB_GONE;
    if (!v->recalled)
        vdev_recall_all(v);
    v->recalled = true;
}

/* One that is done with is not: its nodes may stay for long, and would be taken up only to be let go of again. */
static void choose_to_list(struct vhost *v)
{
    bool done = vhost_classify(v->phase, v->own, v->online) == VS_DONE;

    v->dirty_list = !done && (v->dirty_list || v->unlisted);
    v->unlisted = done;
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

void scan_mark_all(struct vhost *v)
{
    v->dirty_own = v->dirty_front = v->dirty_list = v->dirty_identity = v->dirty_domain = true;
    v->dirty_ring = true;
    for (struct vdev *d = v->devs; d; d = d->next) {
        d->dirty = true;
        d->front_checked = false;
    }
}

/* A handshake is a burst of its own; what goes on beyond that is spread out. */
static void slow_down(struct vhost *v, uint64_t now)
{
    uint64_t interval = 0;

    if (now - v->last_scan_us > BURST_QUIET_US)
        v->burst = 0;
    else
        v->burst++;
    if (v->burst > BURST_FREE) {
        unsigned over = v->burst - BURST_FREE;

        interval = over < 6 ? 1000u << over : INTERVAL_MAX_US;
    }
    v->last_scan_us = now;
    v->not_before_us = now + (interval < INTERVAL_MAX_US ? interval : INTERVAL_MAX_US);
}

bool scan_dirty(const struct vhost *v)
{
    if (v->dirty_own || v->dirty_front || v->dirty_list || v->dirty_identity || v->dirty_domain)
        return true;
    for (const struct vdev *d = v->devs; d; d = d->next)
        if (d->dirty)
            return true;
    return false;
}

static void read_online(struct vhost *v)
{
    char path[STORE_PATH_MAX];
    uint32_t value = 1; /* hand-made nodes may lack it */
    int r = join(path, v->back, "online");

    if (r == 0)
        r = store_read_u32(v->host->store, path, UINT32_MAX, &value);
    if (r < 0 && r != -ENOENT && r != -EINVAL && r != -ERANGE)
        v->dirty_own = true;
    else
        v->online = r < 0 || value != 0;
}

static void look_for_rival(struct vhost *v)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/bus/xen-backend/devices/vscsi-%u-%" PRIu32 "/driver", v->host->roots->sysfs,
             v->domid, v->id);
    v->rival = !v->host->standalone && access(path, F_OK) == 0;
}

int scan_vhost(struct vhost *v)
{
    struct store *st = v->host->store;

    look_for_rival(v);
    if (!scan_dirty(v))
        return 0;
    slow_down(v, now_us());
    if (v->dirty_own) {
        bool missing;
        enum xenbus_state before = v->own;

        read_state(v, v->back, &v->own, &v->dirty_own, &missing);
        v->vanished = false;
        if (missing) {
            char text[STORE_VALUE_MAX];
            int r = store_read(st, v->back, text, sizeof(text));

            v->vanished = r == -ENOENT;
            v->dirty_own = r < 0 && r != -ENOENT && r != -EACCES && r != -EINVAL && r != -EMSGSIZE;
        }
        read_online(v);
        if (v->own != before)
            log_debug(v->prefix, "backend %s -> %s", xenbus_state_name(before), xenbus_state_name(v->own));
    }
    if (v->vanished)
        return store_lost(st) ? -EIO : 0;
    if (v->dirty_identity && (!v->known || v->phase == VP_UNSEEN || v->phase == VP_WAITING || v->phase == VP_CLOSED))
        read_identity(v);
    else
        v->dirty_identity = false;
    watch_front(v);
    if (v->dirty_domain)
        read_domain(v);
    if (v->dirty_front || v->replaced)
        read_front(v);
    choose_to_list(v);
    if (v->dirty_list)
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
        store_remove_if_empty(h->store, path); /* what `xl destroy` left of a guest */
    for (unsigned i = 0; i < n; i++) {
        struct vhost *v;
        uint32_t id;

        if (parse_u32_str(names[i], UINT32_MAX, &id) < 0)
            continue;
        v = host_vhost(h, domid, id);
        if (v) {
            v->seen = true;
            scan_mark_all(v);
            host_queue(v);
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
        v->seen = false;
    for (unsigned i = 0; i < n; i++) {
        uint32_t domid;

        /* 0x7FF0 and above are no domains (xen.h: DOMID_FIRST_RESERVED). */
        if (parse_u32_str(names[i], 0x7fef, &domid) < 0)
            continue;
        r = list_domain(h, (uint16_t)domid);
        if (r < 0)
            return r;
    }
    for (struct vhost *v = h->vhosts; v; v = v->next) {
        if (v->seen)
            continue;
        v->vanished = true;
        host_queue(v);
    }
    return 0;
}

/* --- events --- */

/* Takes "/<number>" off the path; false when there is none. */
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

/* rest is below vscsi-devs: "", "/dev-N" or "/dev-N/...". Whose state, front's or ours, is the caller's. */
static struct vdev *event_device(struct vhost *v, const char *rest, const char **node)
{
    size_t len = *rest == '/' ? strcspn(rest + 1, "/") : 0;

    *node = len ? rest + 1 + len : "";
    return len ? find_device(v, rest + 1, len) : NULL;
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
        /* A whole guest's tree was made or removed. */
        for (v = h->vhosts; v; v = v->next) {
            if (v->domid == domid) {
                v->dirty_own = true;
                host_queue(v);
            }
        }
        return;
    }
    /* Our own writes that change nothing for us. */
    if (is_dir(rest, "/error") || is_dir(rest, "/feature-sg-grant"))
        return;
    v = host_find(h, (uint16_t)domid, id);
    if (!v) {
        v = host_vhost(h, (uint16_t)domid, id);
        if (!v)
            return;
        scan_mark_all(v);
    } else if (*rest == '\0') {
        scan_mark_all(v);
    } else if (is_dir(rest, "/vscsi-devs")) {
        const char *node;
        struct vdev *d = event_device(v, rest + strlen("/vscsi-devs"), &node);

        if (is_dir(node, "/error"))
            return;
        if (d)
            d->dirty = true;
        if (!d || *node == '\0')
            v->dirty_list = true;
    } else {
        v->dirty_own = true;
        if (!is_dir(rest, "/state") && !is_dir(rest, "/online"))
            v->dirty_identity = true;
    }
    host_queue(v);
}

static void frontend_event(struct host *h, const char *token, const char *path)
{
    const char *at = token + 1;
    uint32_t domid, id;
    struct vhost *v;
    size_t len;

    if (!take_number(&at, 0x7fef, &domid) || !take_number(&at, UINT32_MAX, &id))
        return;
    v = host_find(h, (uint16_t)domid, id);
    if (!v)
        return;
    len = strlen(v->front);
    if (strncmp(path, v->front, len) == 0 && is_dir(path + len, "/vscsi-devs")) {
        const char *node;
        struct vdev *d = event_device(v, path + len + strlen("/vscsi-devs"), &node);

        if (!d)
            return;
        d->front_checked = false;
        d->dirty = true; /* so that a guest that writes without end is slowed down */
    } else {
        v->dirty_front = v->dirty_ring = true;
    }
    host_queue(v);
}

void scan_event(struct host *h, const char *path, const char *token)
{
    if (token[0] == 'f') {
        frontend_event(h, token, path);
    } else if (token[0] == 'd') {
        h->domains_dirty = true;
    } else {
        const char *root = strstr(path, BACKEND_ROOT);

        /* Relative as it was registered, or absolute. */
        if (root)
            backend_event(h, root + strlen(BACKEND_ROOT));
        else
            h->list_dirty = true;
    }
}
