// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks whether a device is in use; see inuse.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attach.h"
#include "device/holder.h"
#include "device/identity.h"
#include "inuse.h"
#include "lookup.h"
#include "run.h"
#include "units.h"

/* The kernel lets only one at a time have a block device exclusively: mounts, dm, md and careful programs do. */
static bool is_claimed(const struct device_roots *roots, const struct device *dev)
{
    CLEANUP_FREE char *path = strf("%s/%s", roots->dev, dev->block_name);
    struct stat st;

    if (!path || stat(path, &st) < 0 || !S_ISBLK(st.st_mode) || st.st_rdev != dev->block_dev)
        return false;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);

    return fd < 0 && errno == EBUSY;
}

int inuse_locally(const struct device_roots *roots, const struct device *dev, char *why)
{
    if (dev->block_name[0] == '\0')
        return 0;
    if (holder_of_block(roots, dev, why))
        return 1;
    if (!is_claimed(roots, dev))
        return 0;
    switch (holder_opener(roots, dev, why)) {
    case OPENER_OURS: /* for another guest, which is looked for below, or for this guest's domain before a reboot */
        return 0;
    case OPENER_OTHER:
        return 1;
    case OPENER_NONE:
        break;
    }
    snprintf(why, DEVICE_WHY_MAX, "something in this domain has /dev/%s open exclusively", dev->block_name);
    return 1;
}

/* --- other guests --- */

struct given {
    uint32_t domid, backend;
    char *name, *vm;     /* vm: the guest's identity over its domains, "/vm/<uuid>" */
    char *vdev, *device; /* device: its name as the user wrote it */
    bool located;        /* hctl is set: the backend says so, or is this domain */
    bool readonly;
    struct hctl hctl;
    char *unit; /* its identifier; NULL: not known */
};

struct given_list {
    struct given *g;
    unsigned n;
    struct loaded { /* guests whose devices are in the list, each once for all entries */
        uint32_t domid, backend;
        bool any; /* it has devices */
    } * loaded;
    unsigned n_loaded;
    struct lookup lookup;
};

static void given_clear(struct given_list *l)
{
    lookup_clear(&l->lookup);
    for (unsigned i = 0; i < l->n; i++) {
        free(l->g[i].name);
        free(l->g[i].vm);
        free(l->g[i].vdev);
        free(l->g[i].device);
        free(l->g[i].unit);
    }
    free(l->g);
    free(l->loaded);
}

/*
 * Which unit it is: as the backend says. The nodes of an earlier version's backend, or of the kernel's, do not say it;
 * then it is looked up, if the backend is this domain.
 */
static void find_unit(const struct device_roots *roots, struct lookup *l, const struct dev_view *d, bool here,
                      struct given *g)
{
    const char *text = d->phctl ? d->phctl : d->pdev;
    struct device dev;

    g->located = d->phctl && hctl_parse(d->phctl, &g->hctl) == 0;
    if (d->wwid) {
        g->unit = strdup(d->wwid);
    } else if (here && text && lookup_device(l, roots, text, &dev)) {
        g->located = true;
        g->hctl = dev.hctl;
        g->unit = strdup(dev.wwid);
    }
}

/* guest: its domain and backend, its name and vm. */
static int add_given(struct change *c, const struct device_roots *roots, struct given_list *l,
                     const struct given *guest, const struct dev_view *d)
{
    struct given g = { .domid = guest->domid, .backend = guest->backend };
    const char *name = view_name(d);

    if (d->state == 6 || !name)
        return 0;
    struct given *grown = realloc(l->g, (l->n + 1) * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    l->g = grown;
    find_unit(roots, &l->lookup, d, g.backend == own_domid(c->store), &g);
    g.name = guest->name ? strdup(guest->name) : NULL;
    g.vm = guest->vm ? strdup(guest->vm) : NULL;
    g.vdev = d->vdev_text ? strdup(d->vdev_text) : NULL;
    g.device = strdup(name);
    g.readonly = d->readonly;
    l->g[l->n++] = g;
    return 0;
}

/* Adds the devices that this backend serves to this guest. 1: it has some; 0: none; or -errno. */
static int add_guest(struct change *c, const struct device_roots *roots, struct given_list *l, uint32_t backend,
                     uint32_t domid)
{
    struct guest_view v;
    unsigned before = l->n;
    struct loaded *grown;
    int r;

    for (unsigned i = 0; i < l->n_loaded; i++)
        if (l->loaded[i].domid == domid && l->loaded[i].backend == backend)
            return l->loaded[i].any;
    grown = realloc(l->loaded, (l->n_loaded + 1) * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    l->loaded = grown;
    r = view_load_from(c->store, domid, &backend, 1, &v);
    CLEANUP_FREE char *name = v.n_vhosts ? domain_name(c->store, domid) : NULL;
    CLEANUP_FREE char *vm = v.n_vhosts ? xenstore_read(c->store, "/local/domain/%u/vm", domid) : NULL;
    const struct given guest = { .domid = domid, .backend = backend, .name = name, .vm = vm };

    for (unsigned h = 0; r == 0 && h < v.n_vhosts; h++)
        for (unsigned k = 0; r == 0 && k < v.vhosts[h].n_devs; k++)
            r = add_given(c, roots, l, &guest, &v.vhosts[h].devs[k]);
    view_clear(&v);
    if (r < 0)
        return r;
    grown[l->n_loaded++] = (struct loaded){ .domid = domid, .backend = backend, .any = l->n > before };
    return l->n > before;
}

/* The names of a device of another guest. A device node is looked up, because it says nothing by itself. */
static struct unit_names names_of(struct change *c, struct lookup *l, const char *pdev, uint32_t backend)
{
    struct device dev;
    bool known = pdev[0] == '/' && backend == own_domid(c->store) && lookup_device(l, &device_roots_system, pdev, &dev);

    return unit_names(pdev, known ? &dev : NULL);
}

/* Only what the index needs is read: it may be about very many devices. */
static int learn_vhost(struct change *c, struct lookup *l, uint32_t backend, uint32_t domid, uint32_t id)
{
    struct xenstore *s = c->store;
    unsigned n, n_names = 0;
    CLEANUP_FREE char **devs = xenstore_dir(s, &n, BE_FMT "/vscsi-devs", backend, domid, id);

    if (!devs)
        return errno == 0 || errno == ENOENT ? 0 : -errno;
    static const char *const says[] = { "p-dev", "p-devname", "p-hctl", "p-wwid" };
    CLEANUP_FREE struct unit_names *names = calloc(n, ARRAY_SIZE(says) * sizeof(*names));

    if (!names)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(says); k++) {
            CLEANUP_FREE char *text = xenstore_read(s, BE_FMT "/vscsi-devs/%s/%s", backend, domid, id, devs[i],
                                                    says[k]);

            if (text && *text)
                names[n_names++] = names_of(c, l, text, backend);
        }
    }
    return units_note(s, backend, domid, names, n_names);
}

/* Puts devices that other tools, or an earlier version, have attached into the index, once for each guest. */
static int learn_guest(struct change *c, struct lookup *l, uint32_t backend, uint32_t domid)
{
    unsigned n;
    CLEANUP_FREE uint32_t *ids = numbered_dir(c->store, &n, "/local/domain/%u/backend/vscsi/%u", backend, domid);
    int r = ids ? 0 : -errno;

    for (unsigned i = 0; r == 0 && i < n; i++)
        r = learn_vhost(c, l, backend, domid, ids[i]);
    return r < 0 ? r : units_note_known(c->store, backend, domid);
}

int inuse_learn(struct change *c, uint32_t backend)
{
    unsigned n;
    __attribute__((cleanup(lookup_clear))) struct lookup lookup = { 0 };
    CLEANUP_FREE uint32_t *ids = units_unknown(c->store, backend, &n);
    int r = 0;

    if (!ids)
        return -errno;
    free(ids);
    /* One process does the work; the others wait and find it done. */
    UNUSED CLEANUP_CLOSE int lock = run_lock("learn", c->deadline_us);

    ids = units_unknown(c->store, backend, &n);
    for (unsigned i = 0; r == 0 && i < n; i++)
        r = learn_guest(c, &lookup, backend, ids[i]);
    return r;
}

#define ADVICE_ATTACH "option force attaches it anyway"
#define ADVICE_WRITE "make it readonly there first, or detach it here and attach it again with option force"

/* An entry, and what is known about its device. */
struct asked {
    uint32_t backend;
    bool found, resolved; /* found: its backend exists, and it is a device that one guest at a time may have */
    bool file;            /* standalone mode's emulated disk: not found */
    bool checked;         /* against other guests: not forced, and found or a file that the guest may write */
    struct device dev;    /* when resolved */
    struct unit_names names;
};

static bool same_guest(const struct change *c, const struct given *g, const char *own_vm)
{
    /* It may be the other domain of the same guest, which reboots or migrates within this host. */
    return g->domid == c->domid || (own_vm && g->vm && strcmp(own_vm, g->vm) == 0);
}

/* The same unit, as far as the entry's own words say it: only the driver domain can look it up. */
static bool says_same(const struct given *g, const struct vscsi_entry *e)
{
    struct pdev p;

    if (strcmp(g->device, e->pdev) == 0 || (e->unit && g->unit && identity_equal(e->unit, g->unit)))
        return true;
    if (pdev_parse(e->pdev, &p, NULL) < 0)
        return false;
    return p.kind == PDEV_HCTL   ? g->located && hctl_equal(&p.hctl, &g->hctl)
           : p.kind == PDEV_WWID ? g->unit && identity_equal(p.text, g->unit)
                                 : false;
}

/* One file, under any of its names. The backend of a file is on this machine, and says which one it has opened. */
static bool same_file(const struct given *g, const struct vscsi_entry *e)
{
    struct stat st;
    struct pdev p;

    if (strcmp(g->device, e->pdev) == 0)
        return true;
    if (!g->unit || pdev_parse(e->pdev, &p, NULL) < 0 || stat(p.text, &st) < 0)
        return false;
    CLEANUP_FREE char *unit = strf("file.%ju.%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);

    return unit && strcmp(g->unit, unit) == 0;
}

/* Two paths to one unit in one guest are what multipath wants; the same path twice is a mistake. */
static bool collides(const struct change *c, const struct given *g, const char *own_vm, const struct vscsi_entry *e,
                     const struct asked *a)
{
    bool same_path;

    if (g->backend != a->backend || (g->domid != c->domid && same_guest(c, g, own_vm)))
        return false;
    if (a->file)
        return g->domid != c->domid && !g->readonly && g->device && same_file(g, e);
    if (!a->resolved || !g->located)
        return g->device && says_same(g, e);
    same_path = hctl_equal(&g->hctl, &a->dev.hctl);
    return same_path || (g->domid != c->domid && g->unit && identity_equal(g->unit, a->dev.wwid));
}

static int check_one(struct change *c, const struct device_roots *roots, const struct vscsi_entry *e,
                     const struct asked *a, const struct given_list *given, const char *own_vm, const char *advice)
{
    char why[DEVICE_WHY_MAX];

    for (unsigned i = 0; i < given->n; i++) {
        const struct given *g = &given->g[i];
        const char *text = g->vdev ? g->vdev : "a device";
        char vdev[HCTL_TEXT_MAX * 4];

        if (!collides(c, g, own_vm, e, a))
            continue;
        escape_for_log(vdev, sizeof(vdev), text, strlen(text));
        return change_refused(c, -EBUSY, "p-dev %s is in use: it is %s of %s%s (domain %u); %s", e->pdev, vdev,
                              g->domid == c->domid ? "this guest, " : "guest ", g->name ? g->name : "?", g->domid,
                              advice);
    }
    if (a->resolved && inuse_locally(roots, &a->dev, why))
        return change_refused(c, -EBUSY, "p-dev %s is in use: %s%s", e->pdev, why, holder_advice(why));
    return 0;
}

/* What p-dev is to be: an address, where it is not one already or naa.HEX:LUN. */
static void note_address(struct vscsi_entry *e, const struct asked *a)
{
    struct pdev p;

    e->at[0] = '\0';
    if (!a->resolved || pdev_parse(e->pdev, &p, NULL) < 0 || p.kind == PDEV_HCTL)
        return;
    if (p.kind == PDEV_WWID && p.has_lun && strncmp(e->pdev, "naa.", 4) == 0)
        return;
    hctl_format(&a->dev.hctl, e->at);
}

static void ask(struct change *c, const struct device_roots *roots, struct vscsi_entry *e, struct lookup *l,
                struct asked *a)
{
    bool there;

    a->backend = 0;
    there = !e->backend || domain_find(c->store, e->backend, &a->backend) == 0;
    a->file = e->kind == PDEV_FILE;
    a->found = there && !a->file;
    a->checked = there && !e->force && !(a->file && e->readonly);
    a->resolved = a->found && a->backend == own_domid(c->store) && lookup_device(l, roots, e->pdev, &a->dev);
    a->names = unit_names(e->pdev, a->resolved ? &a->dev : NULL);
    note_address(e, a);
}

static bool same_asked(const struct asked *a, const struct asked *b, const char *a_text, const char *b_text)
{
    if (!a->checked || !b->checked || a->file || b->file || a->backend != b->backend)
        return false;
    return a->resolved && b->resolved ? hctl_equal(&a->dev.hctl, &b->dev.hctl) : strcmp(a_text, b_text) == 0;
}

/* Loads the devices of this guest, and of all guests that may have this unit. */
static int load_given(struct change *c, const struct device_roots *roots, const struct asked *a, struct given_list *l)
{
    CLEANUP_FREE uint32_t *ids = NULL;
    unsigned n = 0, n_unknown = 0;
    int r = 0;

    if (a->file) { /* the index is for SCSI devices; a mock-xen has few guests */
        ids = numbered_dir(c->store, &n, "/local/domain/%u/backend/vscsi", a->backend);
        if (!ids && errno)
            return -errno;
        for (unsigned i = 0; r >= 0 && i < n; i++)
            if (ids[i] != c->domid)
                r = add_guest(c, roots, l, a->backend, ids[i]);
        return r < 0 ? r : 0;
    }
    r = units_guests(c->store, a->backend, &a->names, &ids, &n);
    CLEANUP_FREE uint32_t *unknown = c->store->dry_run ? units_unknown(c->store, a->backend, &n_unknown) : NULL;

    for (unsigned i = 0; r >= 0 && i < n; i++) {
        r = add_guest(c, roots, l, a->backend, ids[i]);
        if (r == 0 && ids[i] != c->domid && !c->store->dry_run)
            units_forget(c->store, a->backend, ids[i], &a->names);
    }
    if (r >= 0)
        r = add_guest(c, roots, l, a->backend, c->domid);
    for (unsigned i = 0; r >= 0 && i < n_unknown; i++)
        r = add_guest(c, roots, l, a->backend, unknown[i]);
    return r < 0 ? r : 0;
}

/* advice: what the user can do about a device that another guest has. */
static int check_asked(struct change *c, const struct device_roots *roots, const struct vscsi_entry *e,
                       const struct asked *asked, unsigned n, const char *advice)
{
    CLEANUP_FREE char *own_vm = xenstore_read(c->store, "/local/domain/%u/vm", c->domid);
    __attribute__((cleanup(given_clear))) struct given_list given = { 0 };
    int r = 0;

    for (unsigned i = 0; r == 0 && i < n; i++) {
        for (unsigned k = 0; k < i; k++)
            if (same_asked(&asked[i], &asked[k], e[i].pdev, e[k].pdev))
                return change_refused(c, -EBUSY,
                                      "p-dev %s and p-dev %s are the same device; option force attaches it "
                                      "twice",
                                      e[k].pdev, e[i].pdev);
        if (!asked[i].checked)
            continue;
        r = load_given(c, roots, &asked[i], &given);
        if (r < 0)
            return change_store_failed(c, r);
        r = check_one(c, roots, &e[i], &asked[i], &given, own_vm, advice);
    }
    return r;
}

/* Looks the entries' devices up, and puts all guests of their backends into the index. */
static int ask_all(struct change *c, const struct device_roots *roots, struct vscsi_entry *e, unsigned n,
                   struct asked **out)
{
    __attribute__((cleanup(lookup_clear))) struct lookup lookup = { 0 };
    struct asked *asked = calloc(n ? n : 1, sizeof(*asked));
    int r = asked ? 0 : -ENOMEM;

    *out = asked;
    for (unsigned i = 0; r == 0 && i < n; i++) {
        bool learnt = c->store->dry_run;

        ask(c, roots, &e[i], &lookup, &asked[i]);
        for (unsigned k = 0; k < i; k++)
            learnt |= asked[k].found && asked[k].backend == asked[i].backend;
        if (asked[i].found && !learnt)
            r = inuse_learn(c, asked[i].backend);
    }
    return r < 0 ? change_store_failed(c, r) : 0;
}

int inuse_check(struct change *c, const struct device_roots *roots, struct vscsi_entry *e, unsigned n)
{
    CLEANUP_FREE struct asked *asked = NULL;
    int r = ask_all(c, roots, e, n, &asked);

    return r < 0 ? r : check_asked(c, roots, e, asked, n, ADVICE_ATTACH);
}

int inuse_check_write(struct change *c, const struct dev_view *dev)
{
    CLEANUP_FREE char *pdev = strdup(view_name(dev) ? view_name(dev) : "");
    struct vscsi_entry e = { .pdev = pdev, .kind = PDEV_FILE };
    struct pdev p;

    if (!pdev)
        return change_failed(c, -ENOMEM, "out of memory");
    if (pdev_parse(pdev, &p, NULL) < 0 || p.kind != PDEV_FILE)
        return 0;
    CLEANUP_FREE struct asked *asked = NULL;
    int r = ask_all(c, &device_roots_system, &e, 1, &asked);

    return r < 0 ? r : check_asked(c, &device_roots_system, &e, asked, 1, ADVICE_WRITE);
}

/* Until our nodes can be seen, no other process may find the same units unused. */
static int lock_units(struct change *c, const struct asked *asked, unsigned n)
{
    CLEANUP_FREE uint32_t *which = calloc((size_t)n * UNIT_NAMES_MAX, sizeof(*which));
    unsigned count = 0;

    if (!which)
        return change_failed(c, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; asked[i].found && k < asked[i].names.n; k++)
            which[count++] = (uint32_t)asked[i].names.hash[k] & INT32_MAX;
    if (count == 0)
        return 0;
    c->lock = run_lock_units(which, count, c->deadline_us);
    return change_locked(c, c->lock, "another xl-scsi has been attaching this device all the time; try again");
}

static int claim(struct change *c, struct vscsi_entry *e, unsigned n)
{
    CLEANUP_FREE struct asked *asked = NULL;
    int r = ask_all(c, &device_roots_system, e, n, &asked);

    if (r == 0)
        r = lock_units(c, asked, n);
    if (r == 0)
        r = check_asked(c, &device_roots_system, e, asked, n, ADVICE_ATTACH);
    for (unsigned i = 0; r == 0 && i < n && !c->store->dry_run; i++)
        if (asked[i].found
            && (units_note(c->store, asked[i].backend, c->domid, &asked[i].names, 1) < 0
                || (i == 0 && units_note_known(c->store, asked[i].backend, c->domid) < 0)))
            r = change_store_failed(c, c->store->error);
    return r;
}

/* A driver domain's device is known by what its backend has written, so that it is found under another name too. */
static void note_foreign(struct change *c, const struct vscsi_entry *e)
{
    struct unit_names names[2] = { 0 };
    uint32_t backend;
    unsigned n = 0;

    if (!e->backend || domain_find(c->store, e->backend, &backend) < 0)
        return;
    if (e->at[0])
        names[n++] = unit_names(e->at, NULL);
    if (e->unit)
        names[n++] = unit_names(e->unit, NULL);
    units_note(c->store, backend, c->domid, names, n);
}

int inuse_attach(struct change *c, struct vscsi_entry *e, unsigned n)
{
    int r;

    c->claim = claim;
    r = attach_run(c, e, n);
    for (unsigned i = 0; r >= 0 && !c->store->dry_run && i < n; i++)
        note_foreign(c, &e[i]);
    return r;
}

/* --- the v-dev `host` --- */

struct expansion {
    const struct vscsi_entry *from;
    uint32_t host;
    struct vscsi_entry *e;
    unsigned n;
};

static int add_lun(const struct device *dev, void *ctx)
{
    struct expansion *x = ctx;
    char pdev[HCTL_TEXT_MAX];
    struct vscsi_entry *grown, copy = *x->from;

    if (dev->hctl.host != x->host)
        return 0;
    grown = realloc(x->e, (x->n + 1) * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    x->e = grown;
    hctl_format(&dev->hctl, pdev);
    copy.pdev = pdev;
    copy.kind = PDEV_HCTL;
    copy.phctl = copy.vdev = dev->hctl;
    copy.whole_host = false;
    int r = vscsi_entry_copy(&copy, &x->e[x->n]);

    if (r == 0)
        x->n++;
    return r;
}

static int expand(struct change *c, const struct device_roots *roots, const struct vscsi_entry *e, struct expansion *x)
{
    char why[DEVICE_WHY_MAX];
    struct device dev;

    if (!e->whole_host) {
        struct vscsi_entry *grown = realloc(x->e, (x->n + 1) * sizeof(*grown));

        if (!grown)
            return change_failed(c, -ENOMEM, "out of memory");
        x->e = grown;
        if (vscsi_entry_copy(e, &x->e[x->n]) < 0)
            return change_failed(c, -ENOMEM, "out of memory");
        x->n++;
        return 0;
    }
    uint32_t backend = 0;

    if ((e->backend && domain_find(c->store, e->backend, &backend) < 0) || backend != own_domid(c->store))
        return change_failed(c, -EINVAL,
                             "p-dev %s: v-dev `host` needs a backend in this domain: the devices of a driver "
                             "domain's host cannot be listed from here; give each as h:c:t:l",
                             e->pdev);
    if (device_resolve(roots, e->pdev, false, &dev, why) < 0)
        return change_failed(c, -ENOENT, "p-dev %s: %s", e->pdev, why);
    x->from = e;
    x->host = dev.hctl.host;
    int r = device_for_each(roots, add_lun, x);

    return r < 0 ? change_failed(c, r, "p-dev %s: cannot list its host's devices: %s", e->pdev, strerror(-r)) : 0;
}

int inuse_expand_hosts(struct change *c, const struct device_roots *roots, struct vscsi_entry **entries, unsigned *n)
{
    struct expansion x = { 0 };
    int r = 0;

    for (unsigned i = 0; r == 0 && i < *n; i++)
        r = expand(c, roots, &(*entries)[i], &x);
    if (r < 0) {
        vscsi_entries_free(x.e, x.n);
        return r;
    }
    vscsi_entries_free(*entries, *n);
    *entries = x.e;
    *n = x.n;
    return 0;
}
