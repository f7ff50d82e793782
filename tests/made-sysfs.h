/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A made-up /sys and /dev with disks, a tape, a changer, an optical drive, an enclosure, and nodes that are no SCSI
 * devices. Included by one .c file of a program.
 */
#ifndef PVSCSI_TESTS_MADE_SYSFS_H
#define PVSCSI_TESTS_MADE_SYSFS_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/util.h"
#include "device/device.h"

static char root[64];
static char sysfs[80], dev[80];
static struct device_roots roots;
/* Only root can, and not in every container. main() sets it. Without it the program says so and counts as skipped. */
static bool can_mknod;

static UNUSED void run(const char *fmt, ...) PRINTF(1, 2);

static UNUSED void run(const char *fmt, ...)
{
    char cmd[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(cmd, sizeof(cmd), fmt, ap);
    va_end(ap);
    ck_assert_msg(system(cmd) == 0, "%s", cmd);
}

static UNUSED void make_dirs(const char *path)
{
    char part[512];

    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        mkdir(part, 0755);
    }
}

/* A symbolic link at a path below sysfs. */
static UNUSED void link_to(const char *target, const char *fmt, ...) PRINTF(2, 3);

static UNUSED void link_to(const char *target, const char *fmt, ...)
{
    char path[256], full[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    snprintf(full, sizeof(full), "%s/%s", sysfs, path);
    make_dirs(full);
    ck_assert_int_eq(symlink(target, full), 0);
}

static UNUSED void put(const char *path, const char *text)
{
    char full[512];
    FILE *f;

    snprintf(full, sizeof(full), "%s/%s", sysfs, path);
    make_dirs(full);
    f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s\n", text);
    fclose(f);
}

/*
 * One SCSI device as the kernel lays it out: the device, its sg node, and another class's node (block sda, scsi_tape
 * st0 ...).
 */
static UNUSED void add_device(const char *hctl, int type, const char *wwid, int sg_minor, const char *class,
                              const char *node, const char *number)
{
    char path[256], text[32], target[256];

    snprintf(path, sizeof(path), "devices/%s/type", hctl);
    snprintf(text, sizeof(text), "%d", type);
    put(path, text);
    snprintf(path, sizeof(path), "devices/%s/vendor", hctl);
    put(path, "Linux   ");
    snprintf(path, sizeof(path), "devices/%s/model", hctl);
    put(path, "scsi_debug      ");
    snprintf(path, sizeof(path), "devices/%s/state", hctl);
    put(path, "running");
    snprintf(path, sizeof(path), "devices/%s/device_busy", hctl);
    put(path, "0");
    if (wwid) {
        snprintf(path, sizeof(path), "devices/%s/wwid", hctl);
        put(path, wwid);
    }
    snprintf(target, sizeof(target), "../../../devices/%s", hctl);
    link_to(target, "bus/scsi/devices/%s", hctl);
    if (sg_minor >= 0) {
        snprintf(path, sizeof(path), "devices/%s/scsi_generic/sg%d/dev", hctl, sg_minor);
        snprintf(text, sizeof(text), "21:%d", sg_minor);
        put(path, text);
        snprintf(target, sizeof(target), "../../../%s", hctl);
        link_to(target, "devices/%s/scsi_generic/sg%d/device", hctl, sg_minor);
        snprintf(target, sizeof(target), "../../devices/%s/scsi_generic/sg%d", hctl, sg_minor);
        link_to(target, "dev/char/21:%d", sg_minor);
    }
    if (class) {
        bool block = strcmp(class, "block") == 0;

        snprintf(path, sizeof(path), "devices/%s/%s/%s/dev", hctl, class, node);
        put(path, number);
        snprintf(target, sizeof(target), "../../../%s", hctl);
        link_to(target, "devices/%s/%s/%s/device", hctl, class, node);
        snprintf(target, sizeof(target), "../../devices/%s/%s/%s", hctl, class, node);
        link_to(target, "dev/%s/%s", block ? "block" : "char", number);
    }
}

static UNUSED void node(const char *name, bool block, unsigned major_no, unsigned minor_no)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", dev, name);
    ck_assert(!can_mknod || mknod(path, (block ? S_IFBLK : S_IFCHR) | 0600, makedev(major_no, minor_no)) == 0);
}

static UNUSED void setup(void)
{
    strcpy(root, "/tmp/check-device.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(sysfs, sizeof(sysfs), "%s/sys", root);
    snprintf(dev, sizeof(dev), "%s/dev", root);
    roots = (struct device_roots){ .sysfs = sysfs, .dev = dev };
    run("mkdir -p %s %s/disk/by-id %s/bsg", sysfs, dev, dev);
    add_device("1:0:0:0", 0, "naa.5000c50012345678", 3, "block", "sda", "8:0");
    put("devices/1:0:0:0/block/sda/queue/max_hw_sectors_kb", "256");
    put("devices/1:0:0:0/block/sda/sda1/partition", "1");
    put("devices/1:0:0:0/block/sda/sda1/dev", "8:1");
    link_to("../../devices/1:0:0:0/block/sda/sda1", "dev/block/8:1");
    /* The same LUN by a second path, one LUN 5 of the same name, and a 32-digit name. */
    add_device("2:0:0:0", 0, "naa.5000c50012345678", 4, "block", "sdb", "8:16");
    add_device("2:0:0:5", 0, "naa.5000c50012345678", 5, "block", "sdc", "8:32");
    add_device("3:0:1:16383", 0, "naa.600140500000000000000000deadbeef", 6, "block", "sdd", "8:48");
    add_device("4:0:0:0", 1, "t10.HP      Ultrium 5-SCSI  HU1", 7, "scsi_tape", "st0", "9:0");
    add_device("4:0:0:1", 8, NULL, 8, "scsi_changer", "sch0", "86:0");
    add_device("5:0:0:0", 5, NULL, 9, "block", "sr0", "11:0");
    add_device("6:0:0:0", 0, NULL, -1, "block", "sde", "8:64"); /* as without the module sg */
    add_device("10:0:0:0", 13, NULL, 10, NULL, NULL, NULL);     /* an enclosure has nothing but its sg node */
    link_to("nowhere", "bus/scsi/devices/host1");
    link_to("nowhere", "bus/scsi/devices/target1:0:0");
    /* bsg: one of a device, one of a host. */
    link_to("../../../devices/1:0:0:0", "class/bsg/1:0:0:0/device");
    link_to("../../../devices/host1", "class/bsg/host1/device");
    link_to("../../class/bsg/1:0:0:0", "dev/char/250:0");
    link_to("../../class/bsg/host1", "dev/char/250:1");
    /* Devices that are not SCSI devices. */
    put("dev/block/253:0/dm/name", "vg0-root");
    put("dev/block/253:1/dm/name", "mpatha");
    put("dev/block/253:1/dm/uuid", "mpath-35000c50012345678");
    put("dev/block/253:1/slaves/sda/x", "");
    put("dev/block/9:127/md/level", "raid1");
    put("dev/block/7:0/loop/backing_file", "/x");
    put("dev/block/259:0/uevent", "MAJOR=259\nMINOR=0\nDEVNAME=nvme0n1");
    link_to("../../../devices/nvme0", "dev/block/259:0/device");
    put("dev/char/1:3/uevent", "MAJOR=1\nMINOR=3\nDEVNAME=null\nDEVMODE=0666");
    node("sda", true, 8, 0);
    node("sda1", true, 8, 1);
    node("sg3", false, 21, 3);
    node("nst0", false, 9, 0);
    node("sch0", false, 86, 0);
    node("sr0", true, 11, 0);
    node("sde", true, 8, 64);
    node("bsg/1:0:0:0", false, 250, 0);
    node("bsg/host1", false, 250, 1);
    node("dm-0", true, 253, 0);
    node("md127", true, 9, 127);
    node("loop0", true, 7, 0);
    node("nvme0n1", true, 259, 0);
    node("null", false, 1, 3);
    run("touch %s/file && ln -s ../../sda %s/disk/by-id/wwn-0x5000c50012345678 && ln -s nowhere %s/dangling", dev, dev,
        dev);
}

static UNUSED void teardown(void)
{
    run("rm -rf %s", root);
}

/* Whether can_mknod may be set. */
static UNUSED bool try_mknod(void)
{
    char dir[] = "/tmp/check-device.XXXXXX", path[64];
    bool made;

    if (!mkdtemp(dir))
        return false;
    snprintf(path, sizeof(path), "%s/node", dir);
    made = mknod(path, S_IFCHR | 0600, makedev(1, 3)) == 0;
    unlink(path);
    rmdir(dir);
    return made;
}

#endif
