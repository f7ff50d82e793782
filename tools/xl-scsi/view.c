// SPDX-License-Identifier: GPL-2.0-or-later
/* What xenstore says about a guest's virtual SCSI hosts; see view.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/xenbus.h"
#include "view.h"

const char *state_name(unsigned state)
{
    return state == 0 ? "absent" : xenbus_state_name(state);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/*
 * The children of a directory whose names are prefix and a number, as numbers in ascending order. Other
 * names are not ours and are left alone. 0 and *out (to be freed; NULL when there are none), or -errno.
 */
static int numbered_children(struct xenstore *s, const char *path, const char *prefix, uint32_t **out, unsigned *n)
{
    unsigned count;
    CLEANUP_FREE char **names = xenstore_dir(s, &count, "%s", path);
    size_t skip = strlen(prefix);

    *out = NULL;
    *n = 0;
    if (!names)
        return errno == 0 || errno == ENOENT ? 0 : -errno;
    uint32_t *numbers = calloc(count, sizeof(*numbers));

    if (!numbers)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++)
        if (strncmp(names[i], prefix, skip) == 0 && parse_u32_str(names[i] + skip, UINT32_MAX, &numbers[*n]) == 0)
            (*n)++;
    qsort(numbers, *n, sizeof(*numbers), by_number);
    *out = numbers;
    return 0;
}

static void dev_clear(struct dev_view *d)
{
    free(d->pdev);
    free(d->vdev_text);
    free(d->devname);
    free(d->phctl);
    free(d->wwid);
    free(d->node);
    free(d->error);
    for (unsigned i = 0; i < SETTINGS_MAX; i++)
        free(d->options[i]);
}

void vhost_view_clear(struct vhost_view *h)
{
    for (unsigned i = 0; i < h->n_devs; i++)
        dev_clear(&h->devs[i]);
    free(h->devs);
    free(h->error);
    free(h->backend_name);
    *h = (struct vhost_view){ 0 };
}

void view_clear(struct guest_view *v)
{
    for (unsigned i = 0; i < v->n_vhosts; i++)
        vhost_view_clear(&v->vhosts[i]);
    free(v->vhosts);
    free(v->uuid);
    *v = (struct guest_view){ 0 };
}

static bool read_flag(struct xenstore *s, const char *dir, const char *name, bool absent)
{
    uint32_t value;
    int r = xenstore_read_u32(s, UINT32_MAX, &value, "%s/%s", dir, name);

    return r < 0 ? absent : value != 0;
}

/* NULL also for an empty one: a driver domain's nodes are made before there is anything to say. */
static char *read_text(struct xenstore *s, const char *dir, const char *name)
{
    char *text = xenstore_read(s, "%s/%s", dir, name);

    if (text && *text == '\0') {
        free(text);
        text = NULL;
    }
    return text;
}

static void load_dev(struct xenstore *s, uint32_t domid, const struct vhost_view *h, enum view_depth depth,
                     struct dev_view *d)
{
    char dir[XENSTORE_PATH_MAX];
    uint32_t type;

    snprintf(dir, sizeof(dir), DEV_FMT, h->backend, domid, h->id, d->n);
    d->state = xenstore_state(s, "%s/state", dir);
    if (d->state != 4 || depth == VIEW_ALL)
        d->fe_state = xenstore_state(s, FE_DEV_FMT "/state", domid, h->id, d->n);
    if (depth == VIEW_STATES)
        return;
    d->pdev = xenstore_read(s, "%s/p-dev", dir);
    d->vdev_text = xenstore_read(s, "%s/v-dev", dir);
    d->vdev_ok = d->vdev_text && hctl_parse(d->vdev_text, &d->vdev) == 0;
    d->devname = read_text(s, dir, "p-devname");
    if (depth == VIEW_PLACES)
        return;
    d->phctl = read_text(s, dir, "p-hctl");
    d->wwid = read_text(s, dir, "p-wwid");
    d->type = xenstore_read_u32(s, 31, &type, "%s/p-type", dir) < 0 ? -1 : (int)type;
    d->error = read_text(s, dir, "error");
    d->readonly = read_flag(s, dir, "readonly", false);
}

static int load_vhost(struct xenstore *s, uint32_t domid, enum view_depth depth, struct vhost_view *h)
{
    char be[XENSTORE_PATH_MAX], fe[XENSTORE_PATH_MAX], devs[XENSTORE_PATH_MAX];
    CLEANUP_FREE uint32_t *numbers = NULL;
    unsigned n;
    int r;

    snprintf(be, sizeof(be), BE_FMT, h->backend, domid, h->id);
    snprintf(fe, sizeof(fe), FE_FMT, domid, h->id);
    snprintf(devs, sizeof(devs), BE_FMT "/vscsi-devs", h->backend, domid, h->id);
    h->state = xenstore_state(s, "%s/state", be);
    h->fe_state = xenstore_state(s, "%s/state", fe);
    h->has_frontend = h->fe_state != 0 || xenstore_exists(s, "%s", fe);
    h->online = read_flag(s, be, "online", true);
    if (depth >= VIEW_PLACES)
        h->feature_host = read_flag(s, be, "feature-host", false);
    if (depth == VIEW_ALL)
        h->error = read_text(s, be, "error");
    r = numbered_children(s, devs, "dev-", &numbers, &n);
    if (r < 0 || n == 0)
        return r;
    h->devs = calloc(n, sizeof(*h->devs));
    if (!h->devs)
        return -ENOMEM;
    h->n_devs = n;
    for (unsigned i = 0; i < n; i++) {
        h->devs[i].n = numbers[i];
        load_dev(s, domid, h, depth, &h->devs[i]);
    }
    return 0;
}

int view_load_vhost(struct xenstore *s, uint32_t domid, uint32_t backend, uint32_t id, struct vhost_view *out)
{
    int r;

    *out = (struct vhost_view){ .backend = backend, .id = id };
    r = load_vhost(s, domid, VIEW_STATES, out);
    if (r == 0 && out->state == 0 && out->n_devs == 0 && !xenstore_exists(s, BE_FMT, backend, domid, id))
        r = errno == ENOENT ? -ENOENT : -errno;
    return r;
}

/*
 * Tools that number their controllers 0, 1, 2.. say in libxl_ctrl_index which virtual host it is, and
 * the v-devs say it too.
 */
static void set_host_number(struct xenstore *s, uint32_t domid, struct vhost_view *h)
{
    bool known = xenstore_read_u32(s, UINT32_MAX, &h->host, BE_FMT "/libxl_ctrl_index", h->backend, domid, h->id) == 0;

    for (unsigned i = 0; !known && i < h->n_devs; i++) {
        known = h->devs[i].vdev_ok;
        h->host = h->devs[i].vdev.host;
    }
    if (!known)
        h->host = h->id;
    for (unsigned i = 0; i < h->n_devs; i++)
        h->devs[i].vdev.host = h->host;
}

static int load_backend(struct xenstore *s, struct guest_view *v, uint32_t backend, enum view_depth depth)
{
    CLEANUP_FREE uint32_t *ids = NULL;
    char dir[XENSTORE_PATH_MAX];
    unsigned n;
    int r;

    snprintf(dir, sizeof(dir), "/local/domain/%u/backend/vscsi/%u", backend, v->domid);
    r = numbered_children(s, dir, "", &ids, &n);
    if (r < 0 || n == 0)
        return r;
    struct vhost_view *grown = realloc(v->vhosts, (v->n_vhosts + n) * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    v->vhosts = grown;
    for (unsigned i = 0; i < n; i++) {
        struct vhost_view *h = &v->vhosts[v->n_vhosts++];

        *h = (struct vhost_view){ .backend = backend, .id = ids[i] };
        r = load_vhost(s, v->domid, depth, h);
        if (r < 0)
            return r;
        set_host_number(s, v->domid, h);
    }
    return 0;
}

static int load_backends(struct xenstore *s, uint32_t domid, const uint32_t *backends, unsigned n,
                         enum view_depth depth, struct guest_view *out)
{
    struct guest_view v = { .domid = domid };
    int r = 0;

    for (unsigned i = 0; r == 0 && i < n; i++)
        r = load_backend(s, &v, backends[i], depth);
    if (r < 0)
        view_clear(&v);
    *out = v;
    return r;
}

int view_load_from(struct xenstore *s, uint32_t domid, const uint32_t *backends, unsigned n, struct guest_view *out)
{
    return load_backends(s, domid, backends, n, VIEW_ALL, out);
}

uint32_t *numbered_dir(struct xenstore *s, unsigned *n, const char *path, ...)
{
    char where[XENSTORE_PATH_MAX];
    uint32_t *out = NULL;
    va_list ap;
    int r;

    va_start(ap, path);
    vsnprintf(where, sizeof(where), path, ap);
    va_end(ap);
    r = numbered_children(s, where, "", &out, n);
    errno = -r;
    return out;
}

int view_load_near(struct xenstore *s, uint32_t domid, uint32_t also, struct guest_view *out)
{
    unsigned n_ids, n = 0;
    CLEANUP_FREE uint32_t *ids = numbered_dir(s, &n_ids, "/local/domain/%u/device/vscsi", domid);

    *out = (struct guest_view){ .domid = domid };
    if (!ids && errno)
        return -errno;
    CLEANUP_FREE uint32_t *backends = calloc(n_ids + 2, sizeof(*backends));

    if (!backends)
        return -ENOMEM;
    backends[n++] = 0;
    if (also != 0)
        backends[n++] = also;
    for (unsigned i = 0; i < n_ids; i++) {
        uint32_t backend;
        bool known = false;

        if (xenstore_read_u32(s, DOMID_MAX, &backend, FE_FMT "/backend-id", domid, ids[i]) < 0)
            continue;
        for (unsigned k = 0; k < n; k++)
            known |= backends[k] == backend;
        if (!known)
            backends[n++] = backend;
    }
    qsort(backends, n, sizeof(*backends), by_number);
    return load_backends(s, domid, backends, n, VIEW_PLACES, out);
}

int view_load(struct xenstore *s, uint32_t domid, struct guest_view *out)
{
    unsigned n;
    CLEANUP_FREE uint32_t *backends = domain_list(s, &n);

    *out = (struct guest_view){ .domid = domid };
    if (!backends)
        return errno == ENOENT ? 0 : -errno;
    return load_backends(s, domid, backends, n, VIEW_PLACES, out);
}

uint32_t *view_backends(struct xenstore *s, unsigned *n)
{
    unsigned all, used = 0;
    uint32_t *ids = domain_list(s, &all);

    for (unsigned i = 0; ids && i < all; i++)
        if (xenstore_exists(s, "/local/domain/%u/backend/vscsi", ids[i]))
            ids[used++] = ids[i];
    *n = used;
    if (ids && used == 0) {
        free(ids);
        ids = NULL;
        errno = ENOENT;
    }
    return ids;
}

struct vhost_view *view_host(const struct guest_view *v, uint32_t host)
{
    for (unsigned i = 0; i < v->n_vhosts; i++)
        if (v->vhosts[i].host == host)
            return &v->vhosts[i];
    return NULL;
}

const char *view_name(const struct dev_view *d)
{
    return d->devname ? d->devname : d->pdev;
}

bool view_has_untaken(const struct vhost_view *h)
{
    for (unsigned i = 0; i < h->n_devs; i++)
        if (h->devs[i].state == 3 && h->devs[i].fe_state == 0)
            return true;
    return false;
}

struct dev_view *view_dev(const struct vhost_view *h, const struct hctl *vdev)
{
    for (unsigned i = 0; i < h->n_devs; i++)
        if (h->devs[i].vdev_ok && hctl_equal(&h->devs[i].vdev, vdev))
            return &h->devs[i];
    return NULL;
}

uint32_t *domain_list(struct xenstore *s, unsigned *n)
{
    uint32_t *ids = NULL;
    int r = numbered_children(s, "/local/domain", "", &ids, n);

    if (!ids)
        errno = r < 0 ? -r : ENOENT;
    return ids;
}

uint32_t own_domid(struct xenstore *s)
{
    uint32_t own;

    /* A relative path. */
    return xenstore_read_u32(s, DOMID_MAX, &own, "domid") < 0 ? 0 : own;
}

char *domain_name(struct xenstore *s, uint32_t domid)
{
    return xenstore_read(s, "/local/domain/%u/name", domid);
}

int domain_find_name(struct xenstore *s, const char *name, uint32_t *domid)
{
    unsigned n;
    CLEANUP_FREE uint32_t *ids = domain_list(s, &n);

    if (!ids)
        return errno == ENOENT ? -ENOENT : -errno;
    for (unsigned i = 0; i < n; i++) {
        CLEANUP_FREE char *text = domain_name(s, ids[i]);

        if (text && strcmp(text, name) == 0) {
            *domid = ids[i];
            return 0;
        }
    }
    return -ENOENT;
}

int domain_find(struct xenstore *s, const char *text, uint32_t *domid)
{
    /* As xl does: what is all digits is an id, whatever names there are. */
    if (parse_u32_str(text, DOMID_MAX, domid) == 0)
        return xenstore_exists(s, "/local/domain/%u", *domid) ? 0 : errno == EACCES ? -EACCES : -ENOENT;
    return domain_find_name(s, text, domid);
}
