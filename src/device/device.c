// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a p-dev to a SCSI device by sysfs; see device.h. What sysfs says is read with limits and checked, because it
 * contains strings of the device.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/util.h"
#include "device/device.h"
#include "device/inventory.h"
#include "device/pdev.h"
#include "pvscsi/worker-proto.h"

const struct device_roots device_roots_system = {
    .sysfs = "/sys", .dev = "/dev", .proc = "/proc", .worker_uids = WORKER_UID_BASE
};

/*
 * Used until sg is asked: a size that every disk takes. BLK_SAFE_MAX_SECTORS is less, but no HBA in use has such a
 * low limit.
 */
#define MAX_TRANSFER_UNKNOWN (512u * 1024)

/* --- sysfs --- */

/* Reads one attribute without the blanks and the newline at its end. A value that is too long is cut. 0 or -errno. */
static int attr(char *out, size_t size, const char *fmt, ...) PRINTF(3, 4);

static int attr(char *out, size_t size, const char *fmt, ...)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *text = NULL;
    size_t len;
    va_list ap;
    int r;

    out[0] = '\0';
    va_start(ap, fmt);
    r = vasprintf(&path, fmt, ap);
    va_end(ap);
    if (r < 0) {
        path = NULL;
        return -ENOMEM;
    }
    r = read_file(path, 8192, &text, &len);
    if (r < 0)
        return r;
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    if (len >= size)
        len = size - 1;
    memcpy(out, text, len);
    out[len] = '\0';
    return 0;
}

static int attr_dev(const char *dir, const char *class, const char *name, dev_t *out)
{
    uint32_t major_no, minor_no;
    char text[32];
    size_t len;
    int r = attr(text, sizeof(text), "%s/%s/%s/dev", dir, class, name);

    if (r < 0)
        return r;
    len = strcspn(text, ":");
    if (text[len] != ':' || parse_u32(text, len, 0xfffff, &major_no) < 0
        || parse_u32_str(text + len + 1, 0xfffff, &minor_no) < 0)
        return -EINVAL;
    *out = makedev(major_no, minor_no);
    return 0;
}

/* The only entry of a class directory below a device: scsi_generic/sg3 -> "sg3". -ENOENT: there is none. */
static int only_entry(const char *dir, const char *class, char *out, size_t size)
{
    CLEANUP_FREE char *path = strf("%s/%s", dir, class);
    struct dirent *e;
    int r = -ENOENT;
    DIR *d;

    out[0] = '\0';
    if (!path)
        return -ENOMEM;
    d = opendir(path);
    if (!d)
        return -errno;
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        if (strlen(e->d_name) < size) {
            strcpy(out, e->d_name);
            r = 0;
        }
        break;
    }
    closedir(d);
    return r;
}

static char *hctl_dir(const struct device_roots *roots, const struct hctl *hctl)
{
    char text[HCTL_TEXT_MAX];

    hctl_format(hctl, text);
    return strf("%s/bus/scsi/devices/%s", roots->sysfs, text);
}

int device_from_hctl(const struct device_roots *roots, const struct hctl *hctl, struct device *out, char *why)
{
    CLEANUP_FREE char *dir = hctl_dir(roots, hctl);
    char text[HCTL_TEXT_MAX], number[32];
    uint32_t value;
    int r;

    memset(out, 0, sizeof(*out));
    hctl_format(hctl, text);
    if (!dir)
        return device_say(why, -ENOMEM, "out of memory");
    out->hctl = *hctl;
    r = attr(number, sizeof(number), "%s/type", dir);
    if (r < 0)
        return r == -ENOENT ? device_say(why, r, "there is no SCSI device %s", text)
                            : device_say(why, r, "%s/type: %s", dir, strerror(-r));
    if (parse_u32_str(number, 31, &value) < 0)
        return device_say(why, -ENOTSUP, "SCSI device %s has the type '%s'; expected 0 to 31", text, number);
    out->type = (uint8_t)value;
    attr(out->wwid, sizeof(out->wwid), "%s/wwid", dir);
    attr(out->vendor, sizeof(out->vendor), "%s/vendor", dir);
    attr(out->model, sizeof(out->model), "%s/model", dir);
    attr(out->state, sizeof(out->state), "%s/state", dir);
    r = only_entry(dir, "scsi_generic", out->sg_name, sizeof(out->sg_name));
    if (r == 0)
        r = attr_dev(dir, "scsi_generic", out->sg_name, &out->sg_dev);
    if (r < 0)
        return device_say(why, -ENODEV, "SCSI device %s has no sg node; expected one (modprobe sg)", text);
    if (only_entry(dir, "block", out->block_name, sizeof(out->block_name)) == 0
        && attr_dev(dir, "block", out->block_name, &out->block_dev) < 0)
        out->block_name[0] = '\0';
    out->max_transfer = MAX_TRANSFER_UNKNOWN;
    if (out->block_name[0]
        && attr(number, sizeof(number), "%s/block/%s/queue/max_hw_sectors_kb", dir, out->block_name) == 0
        && parse_u32_str(number, UINT32_MAX / 1024, &value) == 0 && value > 0)
        out->max_transfer = value * 1024;
    if (attr(number, sizeof(number), "%s/queue_depth", dir) == 0 && parse_u32_str(number, UINT32_MAX, &value) == 0)
        out->queue_depth = value;
    if (attr(number, sizeof(number), "%s/class/scsi_host/host%" PRIu32 "/can_queue", roots->sysfs, hctl->host) == 0
        && parse_u32_str(number, UINT32_MAX, &value) == 0)
        out->can_queue = value;
    return 0;
}

/* The names of the block devices below a device-mapper volume: "sdb, sdc". */
static void list_slaves(const char *dir, char *out, size_t size)
{
    CLEANUP_FREE char *path = strf("%s/slaves", dir);
    DIR *d = path ? opendir(path) : NULL;
    size_t at = 0;

    out[0] = '\0';
    for (struct dirent *e; d && (e = readdir(d)) && at + 32 < size;)
        if (e->d_name[0] != '.')
            at += (size_t)snprintf(out + at, size - at, "%s%.24s", at ? ", " : "", e->d_name);
    if (d)
        closedir(d);
}

/* A guest needs the paths themselves: its commands must reach the device, and reservations belong to a path. */
static int refuse_dm(const char *dir, const char *name, char *why)
{
    char uuid[128], slaves[80];

    if (attr(uuid, sizeof(uuid), "%s/dm/uuid", dir) < 0 || strncmp(uuid, "mpath-", 6) != 0)
        return device_say(why, -ENOTSUP, "it is the device-mapper volume %.64s; expected a SCSI device", name);
    list_slaves(dir, slaves, sizeof(slaves));
    return device_say(
        why, -ENOTSUP,
        "it is the multipath device %.32s, not a SCSI device; attach each of its paths%s%s as a VDEV of its "
        "own, see MULTIPATH in vscsi(7)",
        name, slaves[0] ? ": " : "", slaves);
}

/* Refuses a device node that has no SCSI device behind it, and says what it is. */
static int refuse_node(const char *dir, bool block, dev_t rdev, char *why)
{
    CLEANUP_FREE char *md = strf("%s/md", dir);
    CLEANUP_FREE char *loop = strf("%s/loop", dir);
    char text[128];
    char *eq;

    if (!md || !loop)
        return device_say(why, -ENOMEM, "out of memory");
    if (attr(text, sizeof(text), "%s/dm/name", dir) == 0)
        return refuse_dm(dir, text, why);
    if (access(md, F_OK) == 0)
        return device_say(why, -ENOTSUP, "it is an md array; expected a SCSI device");
    if (access(loop, F_OK) == 0)
        return device_say(why, -ENOTSUP, "it is a loop device; expected a SCSI device");
    text[0] = '\0';
    attr(text, sizeof(text), "%s/uevent", dir);
    eq = strstr(text, "DEVNAME=");
    if (eq) {
        eq += 8;
        eq[strcspn(eq, "\n")] = '\0';
    }
    return device_say(why, -ENOTSUP, "it is the %s device %u:%u%s%s%s; expected a SCSI device",
                      block ? "block" : "character", major(rdev), minor(rdev), eq ? " (" : "", eq ? eq : "",
                      eq ? ")" : "");
}

int device_from_rdev(const struct device_roots *roots, bool block, dev_t rdev, struct device *out, char *why)
{
    CLEANUP_FREE char *dir = strf("%s/dev/%s/%u:%u", roots->sysfs, block ? "block" : "char", major(rdev), minor(rdev));
    CLEANUP_FREE char *link = dir ? strf("%s/device", dir) : NULL;
    char target[1024], number[16], whole[64];
    struct hctl hctl;
    char *base;
    ssize_t n;

    memset(out, 0, sizeof(*out));
    if (!link)
        return device_say(why, -ENOMEM, "out of memory");
    if (block && attr(number, sizeof(number), "%s/partition", dir) == 0) {
        /* .../block/sda/sda1: the directory above is the disk. */
        n = readlink(dir, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        base = strrchr(target, '/');
        if (base)
            *base = '\0';
        base = strrchr(target, '/');
        snprintf(whole, sizeof(whole), "%s", base ? base + 1 : "a disk");
        return device_say(why, -ENOTSUP, "it is partition %s of %s; expected a whole SCSI device", number, whole);
    }
    n = readlink(link, target, sizeof(target) - 1);
    if (n <= 0)
        return refuse_node(dir, block, rdev, why);
    target[n] = '\0';
    base = strrchr(target, '/');
    if (hctl_parse(base ? base + 1 : target, &hctl) < 0)
        return refuse_node(dir, block, rdev, why);
    return device_from_hctl(roots, &hctl, out, why);
}

/* --- all devices --- */

int device_for_each(const struct device_roots *roots, int (*fn)(const struct device *dev, void *ctx), void *ctx)
{
    CLEANUP_INVENTORY struct inventory all = { 0 };
    int r = inventory_read(roots->sysfs, INVENTORY_ADDRESSES, &all);

    if (r < 0)
        return r;
    for (size_t i = 0; i < all.n; i++) {
        struct device dev;

        r = device_from_hctl(roots, &all.items[i].at, &dev, NULL);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        r = fn(&dev, ctx);
        if (r != 0)
            return r;
    }
    return 0;
}

/* A file of a device's directory. False: it has none. */
static bool read_attr(const struct device_roots *roots, const struct device *dev, const char *name, char **out,
                      size_t *len)
{
    CLEANUP_FREE char *path = NULL;
    char text[HCTL_TEXT_MAX];

    hctl_format(&dev->hctl, text);
    path = strf("%s/bus/scsi/devices/%s/%s", roots->sysfs, text, name);
    return path && read_file(path, 65536, out, len) == 0;
}

/* Both have it, and it differs. */
static bool differs(const struct device_roots *roots, const struct device *a, const char *name_a,
                    const struct device *b, const char *name_b)
{
    CLEANUP_FREE char *of_a = NULL, *of_b = NULL;
    size_t len_a, len_b;

    if (!read_attr(roots, a, name_a, &of_a, &len_a) || !read_attr(roots, b, name_b, &of_b, &len_b))
        return false;
    return len_a != len_b || memcmp(of_a, of_b, len_a) != 0;
}

static bool sizes_differ(const struct device_roots *roots, const struct device *a, const struct device *b)
{
    CLEANUP_FREE char *name_a = strf("block/%s/size", a->block_name), *name_b = strf("block/%s/size", b->block_name);
    CLEANUP_FREE char *of_a = NULL, *of_b = NULL;

    if (!name_a || !name_b || !a->block_name[0] || !b->block_name[0] || !read_attr(roots, a, name_a, &of_a, NULL)
        || !read_attr(roots, b, name_b, &of_b, NULL))
        return false;
    return strtoull(of_a, NULL, 10) != 0 && strtoull(of_b, NULL, 10) != 0
           && strtoull(of_a, NULL, 10) != strtoull(of_b, NULL, 10);
}

/*
 * Two devices have one identifier: are they two paths to one unit, or two units to which somebody has given the same
 * identifier (a cloned target, a cheap bridge)? NULL: nothing says that they are two; else what differs. A size of 0 is
 * that of a path that cannot be used now.
 */
static const char *twins(const struct device_roots *roots, const struct device *a, const struct device *b)
{
    if (a->type != b->type)
        return "type";
    if (strcmp(a->vendor, b->vendor) != 0 || strcmp(a->model, b->model) != 0)
        return "model";
    if (differs(roots, a, "vpd_pg80", b, "vpd_pg80"))
        return "serial number";
    return sizes_differ(roots, a, b) ? "size" : NULL;
}

static int refuse_twins(const struct device *a, const struct device *b, const char *what, const struct pdev *p,
                        char *why)
{
    char one[HCTL_TEXT_MAX], other[HCTL_TEXT_MAX];

    hctl_format(&a->hctl, one);
    hctl_format(&b->hctl, other);
    return device_say(why, -ENOTUNIQ,
                      "two units have the identifier %.64s, and they differ in %s: %s and %s; give the "
                      "address of one, or a link in /dev/disk/by-path",
                      p->text, what, one, other);
}

static bool is_among(const struct hctl *a, const struct hctl *set, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (hctl_equal(a, &set[i]))
            return true;
    return false;
}

/* A path that runs is preferred, then one with a lower address. all: NULL: it is read here. */
static int resolve_wwid(const struct device_roots *roots, const struct inventory *all, const struct pdev *p,
                        const struct hctl *taken, size_t n_taken, struct device *out, char *why)
{
    CLEANUP_INVENTORY struct inventory own = { 0 };
    struct device first = { 0 };
    bool seen = false, found = false;
    int r = all ? 0 : inventory_read(roots->sysfs, INVENTORY_IDENTIFIERS, &own);

    if (r < 0)
        return device_say(why, r, "%s/bus/scsi/devices: %s", roots->sysfs, strerror(-r));
    all = all ? all : &own;
    for (size_t i = 0; i < all->n; i++) {
        const struct inventory_item *item = &all->items[i];
        const char *differ;
        struct device dev;

        if ((p->has_lun && item->at.lun != p->lun) || !item->wwid || !identity_equal(item->wwid, p->text))
            continue;
        r = device_from_hctl(roots, &item->at, &dev, why);
        if (r == -ENOMEM)
            return r;
        /* An inventory may be older than what its address has now. */
        if (r < 0 || !identity_equal(dev.wwid, p->text))
            continue;
        differ = seen ? twins(roots, &first, &dev) : NULL;
        if (differ)
            return refuse_twins(&first, &dev, differ, p, why);
        if (!seen)
            first = dev;
        seen = true;
        if (is_among(&dev.hctl, taken, n_taken))
            continue;
        if (!found || (strcmp(out->state, "running") != 0 && strcmp(dev.state, "running") == 0))
            *out = dev;
        found = true;
    }
    if (found)
        return 0;
    if (seen)
        return device_say(why, -ENOENT, "each path to the unit %.64s that is there belongs to another LUN", p->text);
    if (r == -ENODEV)
        return r; /* there is one, but it cannot be given away: the reason is in why */
    if (p->has_lun)
        return device_say(why, -ENOENT, "no SCSI device has the wwid %.64s and LUN %" PRIu64, p->text, p->lun);
    return device_say(why, -ENOENT, "no SCSI device has the wwid %.64s", p->text);
}

/*
 * If two units have one identifier, chance decides to which of them udev's link of that name leads, at each boot anew.
 * Units of other types have links of other names.
 */
static int check_link(const struct device_roots *roots, const struct inventory *all, const struct pdev *p,
                      const struct device *dev, char *why)
{
    CLEANUP_INVENTORY struct inventory own = { 0 };
    struct pdev unit;
    int r;

    if (!pdev_names_unit(p, &unit) || !identity_equal(unit.text, dev->wwid))
        return 0;
    r = all ? 0 : inventory_read(roots->sysfs, INVENTORY_IDENTIFIERS, &own);
    if (r < 0)
        return device_say(why, r, "%s/bus/scsi/devices: %s", roots->sysfs, strerror(-r));
    all = all ? all : &own;
    for (size_t i = 0; i < all->n; i++) {
        const char *differ;
        struct device other;

        if (!all->items[i].wwid || !identity_equal(all->items[i].wwid, dev->wwid)
            || hctl_equal(&all->items[i].at, &dev->hctl) || device_from_hctl(roots, &all->items[i].at, &other, NULL) < 0
            || other.type != dev->type || !identity_equal(other.wwid, dev->wwid))
            continue;
        differ = twins(roots, dev, &other);
        if (differ)
            return refuse_twins(dev, &other, differ, &unit, why);
    }
    return 0;
}

static int resolve_node(const struct device_roots *roots, const struct inventory *all, const struct pdev *p,
                        struct device *out, char *why)
{
    int r;

    CLEANUP_FREE char *path = strf("%s/%s", roots->dev, p->text + strlen("/dev/"));
    struct stat st;

    if (!path)
        return device_say(why, -ENOMEM, "out of memory");
    if (stat(path, &st) < 0) {
        int e = errno;

        return device_say(why, -e, "%.128s: %s; expected the node of a SCSI device", p->text, strerror(e));
    }
    if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
        return device_say(why, -ENOTSUP, "%.128s is a %s; expected the node of a SCSI device", p->text,
                          S_ISDIR(st.st_mode)   ? "directory"
                          : S_ISREG(st.st_mode) ? "regular file"
                                                : "socket or pipe");
    r = device_from_rdev(roots, S_ISBLK(st.st_mode), st.st_rdev, out, why);
    return r < 0 ? r : check_link(roots, all, p, out, why);
}

static int resolve_file(const struct pdev *p, bool allow, struct device *out, char *why)
{
    struct stat st;

    if (!allow)
        return device_say(why, -ENOTSUP,
                          "file:%.100s is an emulated disk, which only standalone mode has; expected a SCSI "
                          "device",
                          p->text);
    if (stat(p->text, &st) < 0) {
        int e = errno;

        return device_say(why, -e, "%.128s: %s", p->text, strerror(e));
    }
    if (!S_ISREG(st.st_mode))
        return device_say(why, -ENOTSUP, "%.128s is not a regular file", p->text);
    memset(out, 0, sizeof(*out));
    out->from = PDEV_FILE;
    strcpy(out->file, p->text);
    strcpy(out->state, "running");
    out->max_transfer = MAX_TRANSFER_UNKNOWN;
    return 0;
}

int device_resolve(const struct device_roots *roots, const char *pdev, bool allow_file, struct device *out, char *why)
{
    return device_resolve_in(roots, NULL, pdev, allow_file, out, why);
}

int device_resolve_in(const struct device_roots *roots, const struct inventory *all, const char *pdev, bool allow_file,
                      struct device *out, char *why)
{
    struct pdev p;
    int r = pdev_parse(pdev, &p, why);

    if (r < 0)
        return r;
    switch (p.kind) {
    case PDEV_HCTL:
        r = device_from_hctl(roots, &p.hctl, out, why);
        break;
    case PDEV_NODE:
        r = resolve_node(roots, all, &p, out, why);
        break;
    case PDEV_WWID:
        r = resolve_wwid(roots, all, &p, NULL, 0, out, why);
        break;
    case PDEV_FILE:
        r = resolve_file(&p, allow_file, out, why);
        break;
    }
    if (r == 0)
        out->from = p.kind;
    return r;
}

int device_find_unit(const struct device_roots *roots, const struct inventory *all, const char *unit,
                     const struct hctl *taken, size_t n_taken, struct device *out, char *why)
{
    struct pdev p;
    int r;

    if (pdev_parse(unit, &p, NULL) < 0 || p.kind != PDEV_WWID)
        return device_say(why, -ENOENT, "sysfs does not show the identifier of the unit %.64s", unit);
    r = resolve_wwid(roots, all, &p, taken, n_taken, out, why);
    if (r == 0)
        out->from = PDEV_WWID;
    return r;
}

int device_wwid(const struct device_roots *roots, const struct hctl *hctl, char *out, size_t size)
{
    CLEANUP_FREE char *dir = hctl_dir(roots, hctl);

    return dir ? attr(out, size, "%s/wwid", dir) : -ENOMEM;
}

int device_busy(const struct device_roots *roots, const struct hctl *hctl, unsigned *busy)
{
    CLEANUP_FREE char *dir = hctl_dir(roots, hctl);
    char text[32];
    uint32_t value;
    int r;

    if (!dir)
        return -ENOMEM;
    r = attr(text, sizeof(text), "%s/device_busy", dir);
    if (r == 0)
        r = parse_u32_str(text, UINT32_MAX, &value);
    if (r == 0)
        *busy = value;
    return r;
}
