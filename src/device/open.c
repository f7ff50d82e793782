// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opens the nodes of a SCSI device and makes sure that they belong to the device that sysfs named: in the meantime
 * another device may have got the numbers. It is apart from device.c because it may sleep in the kernel, and needs
 * a real device.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <scsi/sg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/util.h"
#include "device/device.h"
#include "device/pdev.h"

/* sg builds a request from pieces of 32 KiB (sg.c: SG_SCATTER_SZ). */
#define SG_PIECE 32768u

static int open_file(const struct device *dev, struct device_fds *fds, char *why)
{
    int fd = open(dev->file, O_RDWR | O_CLOEXEC);
    int e = errno;

    if (fd < 0 && (e == EACCES || e == EROFS))
        fd = open(dev->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return device_say(why, -e, "%.128s: %s", dev->file, strerror(e));
    fds->sg = fd;
    return 0;
}

static void lower(uint32_t *value, uint64_t limit)
{
    if (limit > 0 && limit < *value)
        *value = (uint32_t)limit;
}

static int check_sg(const struct device_roots *roots, const char *path, int fd, struct device *dev, char *why)
{
    struct sg_scsi_id id;
    char wwid[sizeof(dev->wwid)];
    struct stat st;
    int value;

    if (fstat(fd, &st) < 0)
        return device_say(why, -errno, "%.128s: %s", path, strerror(errno));
    if (!S_ISCHR(st.st_mode) || major(st.st_rdev) != SCSI_GENERIC_MAJOR || st.st_rdev != dev->sg_dev)
        return device_say(why, -ENOTSUP, "%.128s: %s", path, "not the sg node that sysfs names");
    memset(&id, 0, sizeof(id));
    if (ioctl(fd, SG_GET_SCSI_ID, &id) < 0)
        return device_say(why, -errno, "%.128s: %s", path, strerror(errno));
    if ((uint32_t)id.host_no != dev->hctl.host || (uint32_t)id.channel != dev->hctl.channel
        || (uint32_t)id.scsi_id != dev->hctl.target || (uint32_t)id.lun != (uint32_t)dev->hctl.lun)
        return device_say(why, -ENODEV, "%.128s: %s", path, "became another device in the meantime");
    if (dev->wwid[0] && device_wwid(roots, &dev->hctl, wwid, sizeof(wwid)) == 0 && wwid[0]
        && strcmp(wwid, dev->wwid) != 0)
        return device_say(why, -ENODEV, "%.128s: %s", path, "another device has taken its address");
    /* On an sg node BLKSECTGET gives bytes (sg.c), unlike on a block device. */
    value = 0;
    if (ioctl(fd, BLKSECTGET, &value) == 0 && value > 0)
        dev->max_transfer = (uint32_t)value;
    value = 0;
    if (ioctl(fd, SG_GET_SG_TABLESIZE, &value) == 0 && value > 0)
        lower(&dev->max_transfer, (uint64_t)value * SG_PIECE);
    return 0;
}

/*
 * The descriptor for the PR helper, which knows only disks (SPC-5 5.14 is used by types 0, 7, 0Eh, 14h). It is for
 * writing because qemu-pr-helper refuses PERSISTENT RESERVE OUT without that (do_pr_out()). -1: there is none.
 */
static int open_block(const struct device_roots *roots, const struct device *dev)
{
    CLEANUP_FREE char *path = strf("%s/%s", roots->dev, dev->block_name);
    CLEANUP_CLOSE int fd = -1;
    struct stat st;

    if (!path || !dev->block_name[0] || dev->type == 5)
        return -1;
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && (errno == EROFS || errno == EACCES))
        fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || st.st_rdev != dev->block_dev)
        return -1;
    return steal_fd(&fd);
}

int device_open(const struct device_roots *roots, struct device *dev, struct device_fds *fds, char *why)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_CLOSE int sg = -1;
    int r;

    *fds = (struct device_fds){ .sg = -1, .block = -1 };
    if (dev->from == PDEV_FILE)
        return open_file(dev, fds, why);
    path = strf("%s/%s", roots->dev, dev->sg_name);
    if (!path)
        return device_say(why, -ENOMEM, "%.128s: %s", dev->sg_name, "out of memory");
    sg = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (sg < 0) {
        int e = errno;

        return device_say(why, -e, "%.128s: %s", path,
                          e == EBUSY ? "busy: opened exclusively by someone else" : strerror(e));
    }
    r = check_sg(roots, path, sg, dev, why);
    if (r < 0)
        return r;
    fds->block = open_block(roots, dev);
    fds->sg = steal_fd(&sg);
    return 0;
}

void device_close(struct device_fds *fds)
{
    if (fds->sg >= 0)
        close(steal_fd(&fds->sg));
    if (fds->block >= 0)
        close(steal_fd(&fds->block));
}

bool device_error_is_absence(int error)
{
    return error == -ENOENT || error == -ENODEV || error == -ENXIO || error == -ENOTUNIQ;
}

bool device_error_is_final(int error)
{
    return device_error_is_absence(error) || error == -ENOTSUP || error == -EINVAL;
}
