// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of each SCSI device of this machine; see scan.h. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "device/holder.h"
#include "device/inventory.h"
#include "inuse.h"
#include "lookup.h"
#include "scan.h"
#include "scsi/types.h"

/* --- what it is --- */

/* A node of this class whose name begins with prefix and ends in a digit: nst0 of a tape's st0, nst0, nst0l ... */
static char *name_in_class(const struct device_roots *roots, const char *hctl, const char *class, const char *prefix)
{
    CLEANUP_FREE char *path = strf("%s/bus/scsi/devices/%s/%s", roots->sysfs, hctl, class);
    DIR *d = path ? opendir(path) : NULL;
    char *found = NULL;

    for (struct dirent *e; d && !found && (e = readdir(d));)
        if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 && isdigit((unsigned char)e->d_name[strlen(e->d_name) - 1]))
            found = strf("/dev/%s", e->d_name);
    if (d)
        closedir(d);
    return found;
}

static char *node_of(const struct device_roots *roots, const struct device *dev)
{
    static const struct {
        const char *class, *prefix;
    } uppers[] = { { "scsi_tape", "nst" }, { "scsi_changer", "sch" } };
    char hctl[HCTL_TEXT_MAX];

    if (dev->block_name[0])
        return strf("/dev/%s", dev->block_name);
    hctl_format(&dev->hctl, hctl);
    for (size_t i = 0; i < ARRAY_SIZE(uppers); i++) {
        char *node = name_in_class(roots, hctl, uppers[i].class, uppers[i].prefix);

        if (node)
            return node;
    }
    return strf("/dev/%s", dev->sg_name);
}

/* What a file of the block device's directory says; 0: nothing. */
static uint64_t block_number(const struct device_roots *roots, const struct device *dev, const char *name)
{
    CLEANUP_FREE char *path = NULL, *text = NULL;
    char hctl[HCTL_TEXT_MAX];

    hctl_format(&dev->hctl, hctl);
    path = strf("%s/bus/scsi/devices/%s/block/%s/%s", roots->sysfs, hctl, dev->block_name, name);
    if (!path || dev->block_name[0] == '\0' || read_file(path, 64, &text, NULL) < 0)
        return 0;
    return strtoull(text, NULL, 10);
}

/* An optical drive has none: sysfs gives the size of its medium, or a made-up one. It counts in 512 bytes. */
static uint64_t size_of(const struct device_roots *roots, const struct device *dev)
{
    return dev->type == PDT_MMC ? 0 : block_number(roots, dev, "size") * 512;
}

/* --- what uses it --- */

/*
 * A block device may be opened to see whether something has it open exclusively. If its medium can be removed, the
 * kernel would send commands to it. If its SCSI host is in error handling, open() would wait for the end of that.
 */
static bool may_be_opened(const struct device_roots *roots, const struct device *dev)
{
    CLEANUP_FREE char *path = strf("%s/class/scsi_host/host%u/state", roots->sysfs, dev->hctl.host), *text = NULL;

    if (dev->type == PDT_MMC || block_number(roots, dev, "removable") != 0 || !path)
        return false;
    return read_file(path, 64, &text, NULL) < 0 || strcmp(text, "running\n") == 0;
}

static bool is_used(const struct device_roots *roots, const struct device *dev, char *why)
{
    if (dev->block_name[0] && may_be_opened(roots, dev))
        return inuse_locally(roots, dev, why);
    return holder_of_block(roots, dev, why) || holder_opener(roots, dev, why) == OPENER_OTHER;
}

static char *why_not(const struct device_roots *roots, const struct device *dev)
{
    char why[DEVICE_WHY_MAX];

    if (dev->state[0] && strcmp(dev->state, "running") != 0)
        return strf("its state is %s; expected running", dev->state);
    return is_used(roots, dev, why) ? strf("in use: %s%s", why, holder_advice(why)) : NULL;
}

/* --- its names --- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_link(struct scan_device *d, const char *path)
{
    char **grown = reallocarray(d->links, d->n_links + 1, sizeof(*grown));
    char *copy = strdup(path);

    if (grown)
        d->links = grown;
    if (!grown || !copy) {
        free(copy);
        return -ENOMEM;
    }
    grown[d->n_links++] = copy;
    return 0;
}

/* To which device a node belongs. A character device is looked up in sysfs, because a tape has several nodes. */
static struct scan_device *find_node(const struct device_roots *roots, struct scan *s, const struct stat *st)
{
    bool block = S_ISBLK(st->st_mode);
    struct device dev;

    if (!block && (!S_ISCHR(st->st_mode) || device_from_rdev(roots, false, st->st_rdev, &dev, NULL) < 0))
        return NULL;
    for (unsigned i = 0; i < s->n; i++)
        if (block ? s->d[i].dev.block_name[0] && s->d[i].dev.block_dev == st->st_rdev
                  : hctl_equal(&s->d[i].dev.hctl, &dev.hctl))
            return &s->d[i];
    return NULL;
}

static int load_links(const struct device_roots *roots, struct scan *s, const char *dir)
{
    CLEANUP_FREE char *path = strf("%s/%s", roots->dev, dir);
    DIR *d = path ? opendir(path) : NULL;
    int r = 0;

    for (struct dirent *e; d && r == 0 && (e = readdir(d));) {
        CLEANUP_FREE char *at = strf("%s/%s", path, e->d_name), *name = strf("/dev/%s/%s", dir, e->d_name);
        struct scan_device *of;
        struct stat st;

        if (!at || !name)
            r = -ENOMEM;
        else if (e->d_name[0] != '.' && stat(at, &st) == 0 && (of = find_node(roots, s, &st)))
            r = add_link(of, name);
    }
    if (d)
        closedir(d);
    return r;
}

/* It can be used in vscsi= and in a shell's command without quoting. */
static bool can_be_pasted(const char *pdev)
{
    struct pdev p;

    return pdev[0] && pdev[strcspn(pdev, " \t,;'\"\\$`()[]{}<>|&*?#!~")] == '\0' && pdev_parse(pdev, &p, NULL) == 0;
}

/* pdev leads to d, and cannot lead to another path or another unit. names_the_unit: all paths to the unit have it. */
static bool leads_here(const struct device_roots *roots, const struct scan *s, const struct scan_device *d,
                       struct lookup *l, const char *pdev, bool names_the_unit)
{
    struct device dev;

    for (unsigned i = 0; names_the_unit && i < s->n; i++)
        if (&s->d[i] != d && identity_equal(s->d[i].dev.wwid, d->dev.wwid))
            return false;
    return can_be_pasted(pdev) && lookup_device(l, roots, pdev, &dev) && hctl_equal(&dev.hctl, &d->dev.hctl);
}

static char *pdev_of(const struct device_roots *roots, const struct scan *s, const struct scan_device *d,
                     struct lookup *l)
{
    char hctl[HCTL_TEXT_MAX];

    if (leads_here(roots, s, d, l, d->dev.wwid, true))
        return strdup(d->dev.wwid);
    for (unsigned i = 0; i < d->n_links; i++)
        if (leads_here(roots, s, d, l, d->links[i], strstr(d->links[i], "/by-id/") != NULL))
            return strdup(d->links[i]);
    hctl_format(&d->dev.hctl, hctl);
    return strdup(hctl);
}

static int load_names(const struct device_roots *roots, struct scan *s)
{
    static const char *const dirs[] = { "disk/by-id", "tape/by-id", "disk/by-path", "tape/by-path" };
    __attribute__((cleanup(lookup_clear))) struct lookup lookup = { 0 };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
        r = load_links(roots, s, dirs[i]);
    for (unsigned i = 0; r == 0 && i < s->n; i++) {
        struct scan_device *d = &s->d[i];

        if (d->dev.sg_name[0] == '\0')
            continue;
        if (d->n_links)
            qsort(d->links, d->n_links, sizeof(*d->links), compare_texts);
        d->pdev = pdev_of(roots, s, d, &lookup);
        r = d->pdev ? 0 : -ENOMEM;
    }
    return r;
}

int scan_load(const struct device_roots *roots, struct scan *out)
{
    CLEANUP_INVENTORY struct inventory all = { 0 };
    char why[DEVICE_WHY_MAX];
    int r = inventory_read(roots->sysfs, INVENTORY_ADDRESSES, &all);

    if (r < 0)
        return r;
    out->d = calloc(all.n ? all.n : 1, sizeof(*out->d));
    if (!out->d)
        return -ENOMEM;
    for (size_t i = 0; i < all.n; i++) {
        struct scan_device *d = &out->d[out->n];

        r = device_from_hctl(roots, &all.items[i].at, &d->dev, why);
        if (r == -ENOENT)
            continue; /* it has gone meanwhile */
        out->n++;
        if (r < 0) {
            d->dev.sg_name[0] = '\0';
            d->why = strdup(why);
            if (!d->why)
                return -ENOMEM;
            continue;
        }
        d->node = node_of(roots, &d->dev);
        d->size = size_of(roots, &d->dev);
        if (d->dev.block_name[0] == '\0')
            d->dev.max_transfer = 0; /* only the directory of a block device says it */
        d->why = why_not(roots, &d->dev);
        if (!d->node)
            return -ENOMEM;
    }
    return load_names(roots, out);
}

/* --- guests --- */

static int add_guest(struct scan_device *d, const char *name, uint32_t domid, const struct dev_view *v, bool other_path)
{
    struct scan_guest *grown = reallocarray(d->guests, d->n_guests + 1, sizeof(*grown));
    struct scan_guest g = { .domid = domid, .other_path = other_path };

    if (!grown)
        return -ENOMEM;
    d->guests = grown;
    g.name = name ? strdup(name) : NULL;
    g.vdev = v->vdev_text ? strdup(v->vdev_text) : NULL;
    grown[d->n_guests++] = g;
    return 0;
}

int scan_note_guest(struct scan *s, const char *name, const struct guest_view *v)
{
    for (unsigned h = 0; h < v->n_vhosts; h++) {
        for (unsigned k = 0; k < v->vhosts[h].n_devs; k++) {
            const struct dev_view *dev = &v->vhosts[h].devs[k];
            const char *where = dev->phctl ? dev->phctl : dev->pdev;
            struct hctl at;
            bool located = where && hctl_parse(where, &at) == 0;

            for (unsigned i = 0; dev->state != 6 && i < s->n; i++) {
                bool here = located && hctl_equal(&at, &s->d[i].dev.hctl);
                bool unit = dev->wwid && identity_equal(dev->wwid, s->d[i].dev.wwid);

                if ((here || unit) && add_guest(&s->d[i], name, v->domid, dev, !here) < 0)
                    return -ENOMEM;
            }
        }
    }
    return 0;
}

void scan_clear(struct scan *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct scan_device *d = &s->d[i];

        for (unsigned k = 0; k < d->n_links; k++)
            free(d->links[k]);
        for (unsigned k = 0; k < d->n_guests; k++) {
            free(d->guests[k].name);
            free(d->guests[k].vdev);
        }
        free(d->links);
        free(d->guests);
        free(d->node);
        free(d->pdev);
        free(d->why);
    }
    free(s->d);
    *s = (struct scan){ 0 };
}
