// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What counts as a use of a device by this machine, over a made-up /sys and /proc.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "device/holder.h"
#include "xl-scsi/inuse.h"
#include "xl-scsi/lookup.h"
#include "suite.h"

static char root[64];

static void put(const char *path, const char *text)
{
    CLEANUP_FREE char *full = strf("%s/%s", root, path);
    FILE *f;

    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0755);
        *slash = '/';
    }
    if (!text) {
        ck_assert_int_eq(mkdir(full, 0755), 0);
        return;
    }
    f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* sda with two partitions, sdb without; 8:0 and 8:16. */
static void make_root(void)
{
    snprintf(root, sizeof(root), "/tmp/check_inuse.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    put("sys/class/block/sda/dev", "8:0\n");
    put("sys/class/block/sda/holders", NULL);
    put("sys/class/block/sda/queue/dev", "8:0\n");
    put("sys/class/block/sda/sda1/dev", "8:1\n");
    put("sys/class/block/sda/sda1/partition", "1\n");
    put("sys/class/block/sda/sda1/holders", NULL);
    put("sys/class/block/sda/sda2/dev", "8:2\n");
    put("sys/class/block/sda/sda2/partition", "2\n");
    put("sys/class/block/sda/sda2/holders", NULL);
    put("sys/class/block/sdb/dev", "8:16\n");
    put("proc/swaps", "Filename\t\t\t\tType\t\tSize\n/dev/vda2\tpartition\t100\n");
    put("proc/self/mountinfo", "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n");
}

static void remove_root(void)
{
    CLEANUP_FREE char *command = strf("rm -rf '%s'", root);

    ck_assert_int_eq(system(command), 0);
}

static const struct {
    const char *name, *path, *text, *disk, *why; /* why NULL: not in use */
} uses[] = {
    { "nothing", "proc/x", "", "sda", NULL },
    { "the disk is mounted", "proc/self/mountinfo",
      "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
      "40 22 8:0 / /srv/a\\040b rw - ext4 /dev/sda rw\n",
      "sda", "it is mounted on /srv/a\\040b" },
    { "a partition is mounted", "proc/self/mountinfo", "40 22 8:2 / /srv rw - ext4 /dev/sda2 rw\n", "sda",
      "it is mounted on /srv" },
    { "another disk is mounted", "proc/self/mountinfo", "40 22 8:2 / /srv rw - ext4 /dev/sda2 rw\n", "sdb", NULL },
    { "8:1 is not 8:16", "proc/self/mountinfo", "40 22 8:1 / /srv rw - ext4 /dev/sda1 rw\n", "sdb", NULL },
    { "a partition is swap", "proc/swaps", "Filename Type\n/dev/sda1 partition 1 2 3\n", "sda",
      "this system swaps to it" },
    { "the disk is swap", "proc/swaps", "Filename Type\n/dev/sdb partition 1 2 3\n", "sdb", "this system swaps to it" },
    { "swap on sda11 is not sda1's", "proc/swaps", "Filename Type\n/dev/sda11 partition 1\n", "sda", NULL },
    { "md holds the disk", "sys/class/block/sda/holders/md0/x", "", "sda", "it is part of /dev/md0" },
    { "LVM holds a partition", "sys/class/block/sda/sda2/holders/dm-3/dm/name", "vg-root\n", "sda",
      "it is part of /dev/mapper/vg-root" },
    { "dm holds a disk", "sys/class/block/sdb/holders/dm-0/dm/name", "mpatha\n", "sdb",
      "it is part of /dev/mapper/mpatha" },
    { "a directory that is no partition", "sys/class/block/sda/device/holders/dm-0/x", "", "sda", NULL },
    { "rubbish in mountinfo", "proc/self/mountinfo", "8:0\n\n 8:0 8:0 8:0 8:0 8:0\nx y 8:0 z /a\n", "sda", NULL },
    { "no such block device", "proc/x", "", "sdz", NULL },
    { "a tape has none", "proc/x", "", "", NULL },
};

START_TEST(use_is_seen)
{
    struct device dev = { .block_dev = makedev(8, 0) };
    char why[DEVICE_WHY_MAX] = "";

    make_root();
    put(uses[_i].path, uses[_i].text);
    CLEANUP_FREE char *sys = strf("%s/sys", root), *proc = strf("%s/proc", root), *nodes = strf("%s/dev", root);
    struct device_roots roots = { .sysfs = sys, .dev = nodes, .proc = proc };

    snprintf(dev.block_name, sizeof(dev.block_name), "%s", uses[_i].disk);
    int r = inuse_locally(&roots, &dev, why);

    remove_root();
    ck_assert_msg(r == (uses[_i].why != NULL), "%s: %d, %s", uses[_i].name, r, why);
    if (uses[_i].why)
        ck_assert_str_eq(why, uses[_i].why);
}
END_TEST

/* `force` would leave multipath on the device. */
START_TEST(multipath_is_named_with_the_way_out)
{
    struct device dev = { .block_dev = makedev(8, 16), .block_name = "sdb" };
    char why[DEVICE_WHY_MAX] = "";

    make_root();
    put("sys/class/block/sdb/holders/dm-0/dm/name", "mpatha\n");
    put("sys/class/block/sdb/holders/dm-0/dm/uuid", _i ? "mpath-35000c50012345678\n" : "LVM-x\n");
    CLEANUP_FREE char *sys = strf("%s/sys", root), *proc = strf("%s/proc", root), *nodes = strf("%s/dev", root);
    struct device_roots roots = { .sysfs = sys, .dev = nodes, .proc = proc };
    int r = inuse_locally(&roots, &dev, why);

    remove_root();
    ck_assert_int_eq(r, 1);
    ck_assert_str_eq(why, _i ? "the multipath of this domain has it as /dev/mapper/mpatha"
                             : "it is part of /dev/mapper/mpatha");
    ck_assert_str_eq(holder_advice(why), _i ? "; take it from multipath first, see MULTIPATH in vscsi(7)"
                                            : "; option force attaches it anyway");
}
END_TEST

static void put_device(const char *hctl, const char *sg, const char *wwid, const char *state)
{
    const struct {
        const char *file, *text;
    } files[] = { { "type", "0\n" }, { "wwid", wwid }, { "state", state } };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *path = strf("sys/bus/scsi/devices/%s/%s", hctl, files[i].file);

        put(path, files[i].text);
    }
    CLEANUP_FREE char *dev = strf("sys/bus/scsi/devices/%s/scsi_generic/%s/dev", hctl, sg),
                      *number = strf("21:%s\n", sg + 2);

    put(dev, number);
}

static const struct {
    const char *pdev, *hctl; /* NULL: none */
} lookups[] = {
    { "naa.5000c50015ea71ac", "3:0:0:0" }, /* the first path is offline */
    { "naa.5000C50015EA71AC", "3:0:0:0" },
    { "naa.5000c50015ea71ac:1", "2:0:0:1" },
    { "naa.5000c50015ea71ac:2", NULL },
    { "naa.5000c50015ea71ad", "2:0:0:5" }, /* offline, but the only one */
    { "naa.5000c50015ea71ae", NULL },
    { "t10.ATA     QEMU HARDDISK  QM00001 ", "4:0:0:0" },
    { "naa.5000c50015ea71af", NULL }, /* two units have it */
    { "5:0:0:0", "5:0:0:0" },
    { "2:0:0:1", "2:0:0:1" },
    { "9:0:0:1", NULL },
    { "file:/x", NULL },
    { "nonsense", NULL },
};

/* The answers are those of device_resolve(), which reads sysfs each time. */
START_TEST(lookup_finds_what_resolve_finds)
{
    struct lookup l = { 0 };

    make_root();
    put_device("2:0:0:0", "sg0", "naa.5000c50015ea71ac\n", "offline\n");
    put_device("2:0:0:1", "sg1", "naa.5000c50015ea71ac\n", "offline\n");
    put_device("2:0:0:5", "sg2", "naa.5000c50015ea71ad\n", "offline\n");
    put_device("3:0:0:0", "sg3", "naa.5000c50015ea71ac\n", "running\n");
    put_device("4:0:0:0", "sg4", "t10.ATA     QEMU HARDDISK  QM00001\n", "running\n");
    put_device("5:0:0:0", "sg5", "naa.5000c50015ea71af\n", "running\n");
    put_device("5:0:0:1", "sg6", "naa.5000c50015ea71af\n", "running\n");
    put("sys/bus/scsi/devices/5:0:0:1/model", "another model\n");
    CLEANUP_FREE char *sys = strf("%s/sys", root), *nodes = strf("%s/dev", root);
    struct device_roots roots = { .sysfs = sys, .dev = nodes };

    for (size_t i = 0; i < ARRAY_SIZE(lookups); i++) {
        char text[HCTL_TEXT_MAX] = "", same[HCTL_TEXT_MAX] = "";
        struct device dev, other;

        if (lookup_device(&l, &roots, lookups[i].pdev, &dev))
            hctl_format(&dev.hctl, text);
        if (device_resolve(&roots, lookups[i].pdev, false, &other, NULL) == 0)
            hctl_format(&other.hctl, same);
        ck_assert_msg(strcmp(text, lookups[i].hctl ? lookups[i].hctl : "") == 0, "%s: %s", lookups[i].pdev, text);
        ck_assert_str_eq(text, same);
    }
    lookup_clear(&l);
    remove_root();
}
END_TEST

START_TEST(no_sysfs_is_no_use)
{
    struct device_roots roots = { .sysfs = "/nonexistent", .dev = "/nonexistent", .proc = "/nonexistent" };
    struct device dev = { .block_name = "sda" };
    char why[DEVICE_WHY_MAX];

    ck_assert_int_eq(inuse_locally(&roots, &dev, why), 0);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, use_is_seen, 0, ARRAY_SIZE(uses));
    tcase_add_loop_test(t, multipath_is_named_with_the_way_out, 0, 2);
    tcase_add_test(t, lookup_finds_what_resolve_finds);
    tcase_add_test(t, no_sysfs_is_no_use);
}

int main(void)
{
    return run_tests("devices in use", NULL, NULL, add_tests);
}
