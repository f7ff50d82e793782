// SPDX-License-Identifier: GPL-2.0-or-later
/* Keeps a device to ourselves; see claim.h. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/util.h"
#include "device/claim.h"
#include "device/holder.h"

/* Between two tries while a program has the device open. */
#define TRY_AGAIN_US 50000
/* The kernel's own setting, /sys/module/block/parameters/events_dfl_poll_msecs, counts. */
#define POLLING_DEFAULT "-1"

enum hold {
    HOLD_NOTHING,
    HOLD_BLOCK,
    HOLD_TAPE
};

/* By peripheral device type (SPC-5 table 150). Any other type with a block device is claimed as a disk. */
static const struct {
    enum hold hold;
    /*
     * The kernel polls an optical drive unless it is open exclusively and for writing. Anything else is opened for
     * reading: udev looks at a disk that was closed after writing, and LVM could take it before the next daemon has it.
     */
    bool for_writing;
    bool one_user; /* a program that has a node open is refused: it moves the medium */
} types[32] = {
    [0x01] = { .hold = HOLD_TAPE, .one_user = true },
    [0x05] = { .hold = HOLD_BLOCK, .for_writing = true },
    [0x08] = { .hold = HOLD_NOTHING, .one_user = true },
};

static enum hold hold_of(const struct device *dev)
{
    enum hold h = types[dev->type & 0x1f].hold;

    return h == HOLD_NOTHING && dev->block_name[0] ? HOLD_BLOCK : h;
}

static char *device_dir(const struct device_roots *roots, const struct device *dev)
{
    char hctl[HCTL_TEXT_MAX];

    hctl_format(&dev->hctl, hctl);
    return strf("%s/bus/scsi/devices/%s", roots->sysfs, hctl);
}

static ino_t inode_of(const struct device_roots *roots, const struct device *dev)
{
    CLEANUP_FREE char *dir = device_dir(roots, dev);
    struct stat st;

    return dir && stat(dir, &st) == 0 ? st.st_ino : 0;
}

bool device_claim_is_current(const struct device_roots *roots, const struct device *dev, const struct device_claim *c)
{
    return inode_of(roots, dev) == c->sysfs_inode;
}

/* The tape's node that does not rewind, "nst0". False: the kernel's st does not have the device. */
static bool tape_node(const struct device_roots *roots, const struct device *dev, char *out, size_t size)
{
    CLEANUP_FREE char *at = device_dir(roots, dev);
    CLEANUP_FREE char *dir = at ? strf("%s/scsi_tape", at) : NULL;
    DIR *d = dir ? opendir(dir) : NULL;
    bool found = false;

    if (!d)
        return false;
    for (struct dirent *e; !found && (e = readdir(d)) != NULL;) {
        const char *digits = e->d_name + 3;

        /* nst0l, nst0m and nst0a are the same drive in other modes. */
        found = strncmp(e->d_name, "nst", 3) == 0 && digits[0] && strspn(digits, "0123456789") == strlen(digits)
                && strlen(e->d_name) < size;
        if (found)
            strcpy(out, e->d_name);
    }
    closedir(d);
    return found;
}

/* 0; -EBUSY; or another -errno and why. */
static int open_node(const char *path, const struct device *dev, enum hold hold, bool for_writing, int *out, char *why)
{
    int flags = O_NONBLOCK | O_CLOEXEC | (hold == HOLD_BLOCK ? O_EXCL : 0);
    CLEANUP_CLOSE int fd = -1;
    struct stat st;
    int e;

    /* Before it is opened: opening can do something to a device that is not meant. */
    if (stat(path, &st) < 0)
        return device_say(why, errno == ENOENT ? 0 : -errno, "%.128s: %s", path,
                          errno == ENOENT ? "there is no such node, so this domain is not kept off the device"
                                          : strerror(errno));
    if (hold == HOLD_BLOCK ? !S_ISBLK(st.st_mode) || st.st_rdev != dev->block_dev : !S_ISCHR(st.st_mode))
        return device_say(why, 0, "%.128s: %s", path,
                          "it is the node of something else, so this domain is not kept off the device");
    fd = open(path, (for_writing ? O_RDWR : O_RDONLY) | flags);
    e = errno;
    if (fd < 0 && for_writing && (e == EROFS || e == EACCES)) {
        fd = open(path, O_RDONLY | flags);
        e = errno;
    }
    if (fd < 0)
        return e == EBUSY ? -EBUSY : device_say(why, -e, "%.128s: %s", path, strerror(e));
    *out = steal_fd(&fd);
    return 0;
}

/* One try. 0; -EBUSY and why; or another -errno and why. *passing: a program that has it open may close it soon. */
static int try_once(const struct device_roots *roots, const struct device *dev, struct device_claim *out, char *why,
                    bool *passing)
{
    enum hold hold = hold_of(dev);
    bool one_user = types[dev->type & 0x1f].one_user;
    CLEANUP_FREE char *path = NULL;
    char name[64];
    int r;

    *passing = false;
    if (holder_of_block(roots, dev, why))
        return -EBUSY;
    if (one_user && holder_opener(roots, dev, why) == OPENER_OTHER) {
        *passing = true;
        return -EBUSY;
    }
    if (hold == HOLD_NOTHING || (hold == HOLD_TAPE && !tape_node(roots, dev, name, sizeof(name))))
        return 0;
    path = strf("%s/%s", roots->dev, hold == HOLD_TAPE ? name : dev->block_name);
    if (!path)
        return device_say(why, -ENOMEM, "%.128s: %s", dev->sg_name, "out of memory");
    r = open_node(path, dev, hold, types[dev->type & 0x1f].for_writing, &out->fd, why);
    if (r != -EBUSY)
        return r;
    *passing = true;
    if (holder_opener(roots, dev, why) != OPENER_OTHER)
        snprintf(why, DEVICE_WHY_MAX, "something in this domain has %s open exclusively", path);
    return -EBUSY;
}

static char *polling_path(const struct device_roots *roots, const struct device *dev)
{
    return strf("%s/class/block/%s/events_poll_msecs", roots->sysfs, dev->block_name);
}

static bool write_text(const char *path, const char *text)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* A disk that is not removable has no events to poll for. */
static void stop_polling(const struct device_roots *roots, const struct device *dev, struct device_claim *c)
{
    CLEANUP_FREE char *removable = strf("%s/class/block/%s/removable", roots->sysfs, dev->block_name), *is = NULL;
    CLEANUP_FREE char *path = polling_path(roots, dev), *was = NULL;

    if (!dev->block_name[0] || !removable || !path || read_file(removable, 64, &is, NULL) < 0 || is[0] != '1'
        || read_file(path, 64, &was, NULL) < 0)
        return;
    was[strcspn(was, "\n")] = '\0';
    /* 0: an earlier daemon turned it off, and ended without giving the device back. */
    snprintf(c->polling, sizeof(c->polling), "%s", strcmp(was, "0") == 0 ? POLLING_DEFAULT : was);
    c->polled = write_text(path, "0");
}

int device_claim(const struct device_roots *roots, const struct device *dev, struct device_claim *out, char *why)
{
    bool passing;
    int r;

    *out = (struct device_claim){ .fd = -1, .sysfs_inode = inode_of(roots, dev) };
    /* By the clock: one try looks through all processes, which takes long on a busy machine. */
    for (uint64_t end = now_us() + CLAIM_PATIENCE_US;;) {
        why[0] = '\0';
        r = try_once(roots, dev, out, why, &passing);
        if (r != -EBUSY || !passing || now_us() >= end)
            break;
        usleep(TRY_AGAIN_US);
    }
    if (r == 0)
        stop_polling(roots, dev, out);
    return r;
}

void device_claim_end(const struct device_roots *roots, const struct device *dev, struct device_claim *c, bool put_back)
{
    if (put_back && c->polled && device_claim_is_current(roots, dev, c)) {
        CLEANUP_FREE char *path = polling_path(roots, dev);

        if (path)
            write_text(path, c->polling);
    }
    c->polled = false;
    if (c->fd >= 0)
        close(steal_fd(&c->fd));
}
