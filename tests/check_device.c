// SPDX-License-Identifier: GPL-2.0-or-later
/* Device resolution over a made-up sysfs: what is found, what is refused, and that a refusal names what p-dev is. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/util.h"
#include "device/device.h"
#include "device/uevents.h"
#include "made-sysfs.h"
#include "suite.h"

/* --- text --- */

static const struct {
    const char *text;
    int result;
    enum pdev_kind kind;
    const char *why; /* a part of the reason */
} texts[] = {
    { "1:0:0:0", 0, PDEV_HCTL, NULL },
    { "4294967295:0:0:0", 0, PDEV_HCTL, NULL },
    { "4294967296:0:0:0", -EINVAL, 0, "expected /dev/..., h:c:t:l" },
    { "1:0:0", -EINVAL, 0, "expected" },
    { "1:0:0:0:0", -EINVAL, 0, "expected" },
    { "1:0:0:x", -EINVAL, 0, "expected" },
    { "-1:0:0:0", -EINVAL, 0, "expected" },
    { " 1:0:0:0", -EINVAL, 0, "expected" },
    { "/dev/sda", 0, PDEV_NODE, NULL },
    { "/dev/disk/by-id/wwn-0x5", 0, PDEV_NODE, NULL },
    { "/dev/", -EINVAL, 0, "is a directory" },
    { "/tmp/sda", -EINVAL, 0, "not below /dev" },
    { "sda", -EINVAL, 0, "does not name a SCSI device" },
    { "naa.5000c50012345678", 0, PDEV_WWID, NULL },
    { "naa.5000C50012345678:3", 0, PDEV_WWID, NULL },
    { "naa.600140500000000000000000deadbeef", 0, PDEV_WWID, NULL },
    { "naa.5000c5001234567", -EINVAL, 0, "15 hex digits" },
    { "naa.5000c500123456789", -EINVAL, 0, "17 hex digits" },
    { "naa.5000c5001234567g", -EINVAL, 0, "15 hex digits" },
    { "naa.5000c50012345678:", -EINVAL, 0, "no LUN" },
    { "naa.5000c50012345678:-1", -EINVAL, 0, "no LUN" },
    { "naa.5000c50012345678x", -EINVAL, 0, "16 hex digits" },
    { "t10.ATA     X", 0, PDEV_WWID, NULL },
    { "eui.0025385000000001", 0, PDEV_WWID, NULL },
    { "eui.", -EINVAL, 0, "no identifier; expected a wwid" },
    { "/dev/sg0/", -EINVAL, 0, "is a directory; expected a device node" },
    { "naa.5000c50012345678:18446744073709551615", 0, PDEV_WWID, NULL },
    { "naa.5000c50012345678:18446744073709551616", -EINVAL, 0, "no LUN" },
    { "wwn-0x5000c50012345678", 0, PDEV_WWID, NULL },
    { "wwn-0x600140500000000000000000deadbeef", 0, PDEV_WWID, NULL },
    { "wwn-0x5000c50012345678-part1", -EINVAL, 0, "16 hex digits after 'wwn-0x'" },
    { "scsi-35000c50012345678", 0, PDEV_WWID, NULL },
    { "scsi-3600140500000000000000000deadbeef-part2", -EINVAL, 0, "32 hex digits after 'scsi-3'" },
    { "scsi-SATA_disk_1", 0, PDEV_NODE, NULL },
    { "scsi-", -EINVAL, 0, "does not name a SCSI device" },
    { "scsi-S/../sda", -EINVAL, 0, "does not name a SCSI device" },
    { "1:0:0:18446744073709551615", 0, PDEV_HCTL, NULL },
    { "1:0:0:18446744073709551616", -EINVAL, 0, "expected" },
    { "4294967296:0:0:0", -EINVAL, 0, "expected" },
    { "file:/tmp/x", 0, PDEV_FILE, NULL },
    { "file:x", -EINVAL, 0, "file:/path" },
    { "", -EINVAL, 0, "empty" },
};

START_TEST(every_form_of_text_is_taken_or_refused_with_a_reason)
{
    char why[DEVICE_WHY_MAX];
    struct pdev p;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        ck_assert_msg(pdev_parse(texts[i].text, &p, why) == texts[i].result, "%s", texts[i].text);
        if (texts[i].result == 0)
            ck_assert_msg(p.kind == texts[i].kind, "%s", texts[i].text);
        else
            ck_assert_msg(strstr(why, texts[i].why) != NULL, "%s: %s", texts[i].text, why);
    }
    ck_assert_int_eq(pdev_parse("naa.5000C50012345678:3", &p, NULL), 0);
    ck_assert(p.has_lun && p.lun == 3);
    ck_assert_str_eq(p.text, "naa.5000C50012345678");
    ck_assert_int_eq(pdev_parse("scsi-35000c50012345678:65535", &p, NULL), 0);
    ck_assert(p.has_lun && p.lun == 65535);
    ck_assert_str_eq(p.text, "naa.5000c50012345678");
    ck_assert_int_eq(pdev_parse("wwn-0x5000C50012345678", &p, NULL), 0);
    ck_assert_str_eq(p.text, "naa.5000C50012345678");
    ck_assert_int_eq(pdev_parse("scsi-SATA_disk_1", &p, NULL), 0);
    ck_assert_str_eq(p.text, "/dev/disk/by-id/scsi-SATA_disk_1");
    ck_assert_int_eq(pdev_parse(NULL, &p, why), -EINVAL);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_refused)
{
    char text[PDEV_TEXT_MAX + 1], why[DEVICE_WHY_MAX];
    struct pdev p;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(text, "/dev/", 5);
    ck_assert_int_eq(pdev_parse(text, &p, why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "512 characters"));
    text[PDEV_TEXT_MAX - 1] = '\0';
    ck_assert_int_eq(pdev_parse(text, &p, why), 0);
}
END_TEST

/* --- what is found --- */

static void expect(const char *pdev, const char *hctl, const char *sg, const char *block, int type)
{
    char why[DEVICE_WHY_MAX] = "", text[HCTL_TEXT_MAX];
    struct device d;
    int r = device_resolve(&roots, pdev, false, &d, why);

    ck_assert_msg(r == 0, "%s: %s", pdev, why);
    hctl_format(&d.hctl, text);
    ck_assert_str_eq(text, hctl);
    ck_assert_str_eq(d.sg_name, sg);
    ck_assert_str_eq(d.block_name, block);
    ck_assert_int_eq(d.type, type);
}

START_TEST(an_address_leads_to_its_sg_node)
{
    struct device d;

    expect("1:0:0:0", "1:0:0:0", "sg3", "sda", 0);
    expect("3:0:1:16383", "3:0:1:16383", "sg6", "sdd", 0);
    expect("4:0:0:0", "4:0:0:0", "sg7", "", 1);
    expect("10:0:0:0", "10:0:0:0", "sg10", "", 13);
    ck_assert_int_eq(device_resolve(&roots, "1:0:0:0", false, &d, NULL), 0);
    ck_assert_uint_eq(d.sg_dev, makedev(21, 3));
    ck_assert_uint_eq(d.block_dev, makedev(8, 0));
    ck_assert_str_eq(d.wwid, "naa.5000c50012345678");
    ck_assert_str_eq(d.vendor, "Linux");
    ck_assert_str_eq(d.model, "scsi_debug");
    ck_assert_str_eq(d.state, "running");
    ck_assert_uint_eq(d.max_transfer, 256 * 1024);
    ck_assert_int_eq(d.from, PDEV_HCTL);
}
END_TEST

START_TEST(sysfs_says_how_many_commands_a_device_and_its_host_take)
{
    static const struct {
        const char *depth, *can;
        uint32_t queue_depth, can_queue;
    } cases[] = { { NULL, NULL, 0, 0 }, { "1", "1", 1, 1 }, { "32", "7", 32, 7 }, { "-1", "many", 0, 0 } };
    struct device d;

    if (cases[_i].depth)
        put("devices/1:0:0:0/queue_depth", cases[_i].depth);
    if (cases[_i].can)
        put("class/scsi_host/host1/can_queue", cases[_i].can);
    ck_assert_int_eq(device_resolve(&roots, "1:0:0:0", false, &d, NULL), 0);
    ck_assert_uint_eq(d.queue_depth, cases[_i].queue_depth);
    ck_assert_uint_eq(d.can_queue, cases[_i].can_queue);
}
END_TEST

START_TEST(any_node_or_link_of_a_device_leads_to_it)
{
    expect("/dev/sda", "1:0:0:0", "sg3", "sda", 0);
    expect("/dev/sg3", "1:0:0:0", "sg3", "sda", 0);
    expect("/dev/disk/by-id/wwn-0x5000c50012345678", "1:0:0:0", "sg3", "sda", 0);
    expect("/dev/nst0", "4:0:0:0", "sg7", "", 1);
    expect("/dev/sch0", "4:0:0:1", "sg8", "", 8);
    expect("/dev/sr0", "5:0:0:0", "sg9", "sr0", 5);
    expect("/dev/bsg/1:0:0:0", "1:0:0:0", "sg3", "sda", 0);
}
END_TEST

START_TEST(a_number_leads_to_its_device)
{
    struct device d;

    ck_assert_int_eq(device_from_rdev(&roots, true, makedev(8, 0), &d, NULL), 0);
    ck_assert_str_eq(d.sg_name, "sg3");
    ck_assert_int_eq(device_from_rdev(&roots, false, makedev(86, 0), &d, NULL), 0);
    ck_assert_str_eq(d.sg_name, "sg8");
    ck_assert_int_eq(device_from_rdev(&roots, false, makedev(250, 0), &d, NULL), 0);
    ck_assert_str_eq(d.sg_name, "sg3");
}
END_TEST

START_TEST(a_wwid_leads_to_the_running_path_with_the_lowest_address)
{
    expect("naa.5000c50012345678", "1:0:0:0", "sg3", "sda", 0);
    expect("NAA.5000C50012345678", "1:0:0:0", "sg3", "sda", 0);
    expect("naa.5000c50012345678:5", "2:0:0:5", "sg5", "sdc", 0);
    expect("naa.600140500000000000000000deadbeef", "3:0:1:16383", "sg6", "sdd", 0);
    expect("t10.HP      Ultrium 5-SCSI  HU1", "4:0:0:0", "sg7", "", 1);
    put("devices/1:0:0:0/state", "offline");
    expect("naa.5000c50012345678", "2:0:0:0", "sg4", "sdb", 0);
    put("devices/2:0:0:0/state", "offline");
    put("devices/2:0:0:5/state", "transport-offline");
    expect("naa.5000c50012345678", "1:0:0:0", "sg3", "sda", 0);
}
END_TEST

/* Of its paths, 1:0:0:0, 2:0:0:0 and 2:0:0:5, those that are free. */
START_TEST(a_unit_is_found_by_a_path_that_is_free)
{
    static const struct hctl taken[] = { { 1, 0, 0, 0 }, { 2, 0, 0, 0 }, { 2, 0, 0, 5 } };
    char why[DEVICE_WHY_MAX] = "";
    struct device d;

    ck_assert_int_eq(device_find_unit(&roots, NULL, "naa.5000c50012345678", taken, 0, &d, why), 0);
    ck_assert_str_eq(d.sg_name, "sg3");
    ck_assert_int_eq(device_find_unit(&roots, NULL, "naa.5000c50012345678", taken, 1, &d, why), 0);
    ck_assert_str_eq(d.sg_name, "sg4");
    ck_assert_int_eq(d.from, PDEV_WWID);
    ck_assert_int_eq(device_find_unit(&roots, NULL, "naa.5000c50012345678", taken, 2, &d, why), 0);
    ck_assert_str_eq(d.sg_name, "sg5");
    ck_assert_int_eq(device_find_unit(&roots, NULL, "naa.5000c50012345678", taken, 3, &d, why), -ENOENT);
    ck_assert_str_eq(why, "each path to the unit naa.5000c50012345678 that is there belongs to another LUN");
    ck_assert_int_eq(device_find_unit(&roots, NULL, "naa.5000c500ffffffff", taken, 3, &d, why), -ENOENT);
    ck_assert_str_eq(why, "no SCSI device has the wwid naa.5000c500ffffffff");
    ck_assert_int_eq(device_find_unit(&roots, NULL, "serial.ACME.DISK.17.0", taken, 0, &d, why), -ENOENT);
    ck_assert_str_eq(why, "sysfs does not show the identifier of the unit serial.ACME.DISK.17.0");
    /* A path that is taken may be another unit with the same identifier. */
    put("devices/1:0:0:0/model", "other");
    ck_assert_int_eq(device_find_unit(&roots, NULL, "naa.5000c50012345678", taken, 1, &d, why), -ENOTUNIQ);
}
END_TEST

/* --- what is refused --- */

static void refuse(const char *pdev, int error, const char *part)
{
    char why[DEVICE_WHY_MAX] = "";
    struct device d;
    int r = device_resolve(&roots, pdev, false, &d, why);

    ck_assert_msg(r == error, "%s: %d, not %d (%s)", pdev, r, error, why);
    ck_assert_msg(strstr(why, part) != NULL, "%s: '%s' lacks '%s'", pdev, why, part);
}

START_TEST(two_units_with_one_identifier_are_refused)
{
    static const struct {
        const char *file, *what;
    } cases[] = {
        { "type", "type" }, { "model", "model" }, { "vpd_pg80", "serial number" }, { "block/sdb/size", "size" }
    };

    put("devices/1:0:0:0/vpd_pg80", "one");
    put("devices/2:0:0:0/vpd_pg80", "one");
    put("devices/1:0:0:0/block/sda/size", "1");
    put("devices/2:0:0:0/block/sdb/size", "0");
    expect("naa.5000c50012345678", "1:0:0:0", "sg3", "sda", 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char path[64], part[160];

        snprintf(path, sizeof(path), "devices/2:0:0:0/%s", cases[i].file);
        put(path, "2");
        snprintf(part, sizeof(part),
                 "two units have the identifier naa.5000c50012345678, and they differ in %s: 1:0:0:0 and 2:0:0:0",
                 cases[i].what);
        refuse("wwn-0x5000c50012345678", -ENOTUNIQ, part);
        put(path, i == 0 ? "0" : i == 1 ? "scsi_debug" : i == 2 ? "one" : "1");
    }
    /* An address, and an identifier with the LUN of one of them, say which is meant. */
    put("devices/2:0:0:5/vpd_pg80", "two");
    refuse("naa.5000c50012345678", -ENOTUNIQ, "1:0:0:0 and 2:0:0:5");
    expect("naa.5000c50012345678:5", "2:0:0:5", "sg5", "sdc", 0);
    expect("1:0:0:0", "1:0:0:0", "sg3", "sda", 0);
}
END_TEST

/* Only root can make the nodes. */
START_TEST(a_link_with_the_identifier_of_two_units_is_refused)
{
    put("devices/2:0:0:0/model", "another");
    refuse("/dev/disk/by-id/wwn-0x5000c50012345678", -ENOTUNIQ,
           "two units have the identifier naa.5000c50012345678, and they differ in model: 1:0:0:0 and 2:0:0:0");
    expect("/dev/sda", "1:0:0:0", "sg3", "sda", 0);
    /* A unit of another type has links of other names. */
    put("devices/2:0:0:0/type", "8");
    expect("/dev/disk/by-id/wwn-0x5000c50012345678", "1:0:0:0", "sg3", "sda", 0);
}
END_TEST

START_TEST(links_that_name_a_unit)
{
    static const struct {
        const char *pdev, *unit; /* NULL: it names none */
    } cases[] = {
        { "naa.5000c50012345678", "naa.5000c50012345678" },
        { "/dev/disk/by-id/wwn-0x5000c50012345678", "naa.5000c50012345678" },
        { "/dev/disk/by-id/scsi-35000c50012345678", "naa.5000c50012345678" },
        { "/dev/tape/by-id/scsi-35000c50012345678-nst", "naa.5000c50012345678" },
        { "/dev/tape/by-id/scsi-35000c50012345678-changer", "naa.5000c50012345678" },
        { "/dev/disk/by-id/ata-QEMU_HARDDISK_QM00001", NULL },
        { "/dev/disk/by-id/scsi-1ATA_QEMU_HARDDISK_QM00001", NULL },
        { "/dev/disk/by-id/wwn-0x5000", NULL },
        { "/dev/disk/by-id/wwn", NULL },
        { "/dev/disk/by-path/wwn-0x5000c50012345678", NULL },
        { "/dev/sda", NULL },
        { "1:0:0:0", NULL },
        { "file:/naa.5000c50012345678", NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pdev p, unit = { 0 };

        ck_assert_int_eq(pdev_parse(cases[i].pdev, &p, NULL), 0);
        ck_assert_msg(pdev_names_unit(&p, &unit) == (cases[i].unit != NULL), "%s", cases[i].pdev);
        if (cases[i].unit)
            ck_assert_str_eq(unit.text, cases[i].unit);
        ck_assert(pdev_names_unit(&p, NULL) == (cases[i].unit != NULL));
    }
}
END_TEST

START_TEST(what_is_missing_is_refused)
{
    refuse("9:0:0:0", -ENOENT, "no SCSI device 9:0:0:0");
    refuse("naa.0000000000000000", -ENOENT, "no SCSI device has the wwid");
    refuse("naa.5000c50012345678:9", -ENOENT, "and LUN 9");
    refuse("/dev/sdz", -ENOENT, "/dev/sdz: No such file");
    refuse("/dev/dangling", -ENOENT, "No such file");
    refuse("6:0:0:0", -ENODEV, "no sg node");
}
END_TEST

START_TEST(what_is_no_scsi_device_is_refused_by_its_name)
{
    refuse("/dev/file", -ENOTSUP, "regular file");
    refuse("/dev/disk", -ENOTSUP, "directory");
    refuse("file:/tmp/x", -ENOTSUP, "only standalone mode");
}
END_TEST

START_TEST(a_node_of_no_scsi_device_is_refused_by_its_name)
{
    refuse("/dev/sda1", -ENOTSUP, "partition 1 of sda");
    refuse("/dev/dm-0", -ENOTSUP, "device-mapper volume vg0-root");
    refuse("/dev/md127", -ENOTSUP, "md array");
    refuse("/dev/loop0", -ENOTSUP, "loop device");
    refuse("/dev/nvme0n1", -ENOTSUP, "nvme0n1");
    refuse("/dev/null", -ENOTSUP, "character device 1:3 (null)");
    refuse("/dev/bsg/host1", -ENOTSUP, "expected a SCSI device");
    refuse("/dev/sde", -ENODEV, "no sg node");
}
END_TEST

START_TEST(numbers_of_no_scsi_device_are_refused_by_their_name)
{
    static const struct {
        bool block;
        unsigned major_no, minor_no;
        const char *part;
    } numbers[] = {
        { true, 8, 1, "partition 1 of sda" },
        { true, 253, 1, "the multipath device mpatha, not a SCSI device; attach each of its paths: sda as a VDEV of" },
        { true, 253, 0, "vg0-root" },
        { true, 9, 127, "md array" },
        { true, 7, 0, "loop device" },
        { true, 259, 0, "(nvme0n1)" },
        { false, 1, 3, "(null)" },
        { false, 250, 1, "expected a SCSI device" },
        { true, 4000, 77, "block device 4000:77" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        char why[DEVICE_WHY_MAX] = "";
        struct device d;

        ck_assert_int_eq(
            device_from_rdev(&roots, numbers[i].block, makedev(numbers[i].major_no, numbers[i].minor_no), &d, why),
            -ENOTSUP);
        ck_assert_msg(strstr(why, numbers[i].part) != NULL, "%s", why);
    }
}
END_TEST

START_TEST(nonsense_in_sysfs_is_refused)
{
    put("devices/1:0:0:0/type", "32");
    refuse("1:0:0:0", -ENOTSUP, "the type '32'");
    put("devices/1:0:0:0/type", "");
    refuse("1:0:0:0", -ENOTSUP, "the type ''");
    put("devices/1:0:0:0/type", "0");
    put("devices/1:0:0:0/scsi_generic/sg3/dev", "21:x");
    refuse("1:0:0:0", -ENODEV, "no sg node");
    put("devices/1:0:0:0/scsi_generic/sg3/dev", "21:3");
    put("devices/1:0:0:0/block/sda/dev", "8");
    expect("1:0:0:0", "1:0:0:0", "sg3", "", 0);
}
END_TEST

static int count(const struct device *d, void *ctx)
{
    char *text = ctx, hctl[HCTL_TEXT_MAX];

    hctl_format(&d->hctl, hctl);
    strcat(text, hctl);
    strcat(text, " ");
    return d->hctl.host == 5 && d->hctl.lun == 1 ? 42 : 0;
}

static int stop_at_tape(const struct device *d, void *ctx)
{
    ++*(int *)ctx;
    return d->type == 1 ? 42 : 0;
}

START_TEST(all_devices_are_listed_in_the_order_of_their_addresses)
{
    char text[512] = "";
    int n = 0;

    ck_assert_int_eq(device_for_each(&roots, count, text), 0);
    /* 6:0:0:0 has no sg node; 10 comes after 5, not after 1. */
    ck_assert_str_eq(text, "1:0:0:0 2:0:0:0 2:0:0:5 3:0:1:16383 4:0:0:0 4:0:0:1 5:0:0:0 10:0:0:0 ");
    ck_assert_int_eq(device_for_each(&roots, stop_at_tape, &n), 42);
    ck_assert_int_eq(n, 5);
}
END_TEST

START_TEST(a_machine_without_scsi_has_no_devices)
{
    struct device_roots none = { .sysfs = "/nonexistent", .dev = "/nonexistent" };
    char text[8] = "";

    ck_assert_int_eq(device_for_each(&none, count, text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(busy_is_read_or_the_device_is_gone)
{
    struct hctl a = { 1, 0, 0, 0 }, none = { 9, 0, 0, 0 };
    unsigned busy = 99;

    ck_assert_int_eq(device_busy(&roots, &a, &busy), 0);
    ck_assert_uint_eq(busy, 0);
    put("devices/1:0:0:0/device_busy", "17");
    ck_assert_int_eq(device_busy(&roots, &a, &busy), 0);
    ck_assert_uint_eq(busy, 17);
    put("devices/1:0:0:0/device_busy", "many");
    ck_assert_int_eq(device_busy(&roots, &a, &busy), -EINVAL);
    ck_assert_int_eq(device_busy(&roots, &none, &busy), -ENOENT);
}
END_TEST

/* --- opening --- */

START_TEST(a_file_is_opened_in_standalone_mode_only)
{
    char why[DEVICE_WHY_MAX], pdev[160], path[128];
    struct device_fds fds;
    struct device d;

    snprintf(path, sizeof(path), "%s/disk.img", root);
    snprintf(pdev, sizeof(pdev), "file:%s", path);
    ck_assert_int_eq(device_resolve(&roots, pdev, true, &d, why), -ENOENT);
    run("truncate -s 1M %s", path);
    ck_assert_int_eq(device_resolve(&roots, pdev, true, &d, why), 0);
    ck_assert_int_eq(d.from, PDEV_FILE);
    ck_assert_int_eq(device_open(&roots, &d, &fds, why), 0);
    ck_assert_int_ge(fds.sg, 0);
    ck_assert_int_eq(fds.block, -1);
    ck_assert_int_eq(fcntl(fds.sg, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fds.sg);
    ck_assert_int_eq(device_resolve(&roots, pdev, false, &d, why), -ENOTSUP);
    snprintf(pdev, sizeof(pdev), "file:%s", root);
    ck_assert_int_eq(device_resolve(&roots, pdev, true, &d, why), -ENOTSUP);
}
END_TEST

/* Between the look-up and the opening the number may be given to another device, so the node's name is not enough. */
START_TEST(a_node_that_is_not_the_sg_device_is_not_opened)
{
    char why[DEVICE_WHY_MAX], path[128];
    struct device_fds fds;
    struct device d;

    ck_assert_int_eq(device_resolve(&roots, "4:0:0:0", false, &d, why), 0);
    ck_assert_int_eq(device_open(&roots, &d, &fds, why), -ENOENT);
    snprintf(path, sizeof(path), "%s/sg7", dev);
    run("touch %s", path);
    ck_assert_int_eq(device_open(&roots, &d, &fds, why), -ENOTSUP);
    ck_assert_ptr_nonnull(strstr(why, "not the sg node"));
    ck_assert_int_eq(fds.sg, -1);
}
END_TEST

START_TEST(a_node_of_another_number_is_not_opened)
{
    char why[DEVICE_WHY_MAX];
    struct device_fds fds;
    struct device d;

    ck_assert_int_eq(device_resolve(&roots, "4:0:0:0", false, &d, why), 0);
    node("sg7", false, 1, 3);
    ck_assert_int_eq(device_open(&roots, &d, &fds, why), -ENOTSUP);
    ck_assert_ptr_nonnull(strstr(why, "not the sg node"));
    ck_assert_int_eq(fds.sg, -1);
}
END_TEST

START_TEST(only_events_of_scsi_devices_concern_us)
{
#define EVENT(text) text, sizeof(text)
    static const struct {
        const char *message;
        size_t len;
        unsigned bits;
    } events[] = {
        { EVENT("add@/devices/a\0ACTION=add\0SUBSYSTEM=scsi_generic\0DEVNAME=sg3"), 3 },
        { EVENT("remove@/devices/a\0ACTION=remove\0SUBSYSTEM=scsi\0DEVTYPE=scsi_device"), 1 },
        { EVENT("remove@/devices/a\0ACTION=remove\0SUBSYSTEM=scsi_generic\0DEVNAME=sg3"), 1 },
        { EVENT("xadd@/devices/a\0SUBSYSTEM=scsi_generic"), 1 },
        { EVENT("change@/devices/a\0SUBSYSTEM=scsi"), 1 },
        { EVENT("add@/devices/a\0SUBSYSTEM=scsi_host"), 0 },
        { EVENT("add@/devices/a\0SUBSYSTEM=scs"), 0 },
        { EVENT("add@/devices/a\0SUBSYSTEM=block\0DEVNAME=sda"), 0 },
        { EVENT("add@/devices/a\0XSUBSYSTEM=scsi"), 0 },
        { "add@/devices/a\0SUBSYSTEM=scsi", 29, 1 }, /* no zero byte at the end */
        { "add", 3, 0 },
        { "", 0, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        ck_assert_msg(uevents_parse(events[i].message, events[i].len) == events[i].bits, "event %zu", i);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, every_form_of_text_is_taken_or_refused_with_a_reason);
    tcase_add_test(t, a_text_that_is_too_long_is_refused);
    tcase_add_test(t, an_address_leads_to_its_sg_node);
    tcase_add_loop_test(t, sysfs_says_how_many_commands_a_device_and_its_host_take, 0, 4);
    tcase_add_test(t, a_number_leads_to_its_device);
    tcase_add_test(t, a_wwid_leads_to_the_running_path_with_the_lowest_address);
    tcase_add_test(t, a_unit_is_found_by_a_path_that_is_free);
    tcase_add_test(t, two_units_with_one_identifier_are_refused);
    tcase_add_test(t, what_is_missing_is_refused);
    tcase_add_test(t, what_is_no_scsi_device_is_refused_by_its_name);
    tcase_add_test(t, numbers_of_no_scsi_device_are_refused_by_their_name);
    tcase_add_test(t, nonsense_in_sysfs_is_refused);
    tcase_add_test(t, all_devices_are_listed_in_the_order_of_their_addresses);
    tcase_add_test(t, a_machine_without_scsi_has_no_devices);
    tcase_add_test(t, only_events_of_scsi_devices_concern_us);
    tcase_add_test(t, busy_is_read_or_the_device_is_gone);
    tcase_add_test(t, a_file_is_opened_in_standalone_mode_only);
    tcase_add_test(t, a_node_that_is_not_the_sg_device_is_not_opened);
    tcase_add_test(t, links_that_name_a_unit);
    if (can_mknod) {
        tcase_add_test(t, a_link_with_the_identifier_of_two_units_is_refused);
        tcase_add_test(t, any_node_or_link_of_a_device_leads_to_it);
        tcase_add_test(t, a_node_of_no_scsi_device_is_refused_by_its_name);
        tcase_add_test(t, a_node_of_another_number_is_not_opened);
    }
}

int main(void)
{
    int status;

    can_mknod = try_mknod();
    if (!can_mknod)
        printf("SKIP: four tests need mknod, which is not permitted here; the others follow\n");
    status = run_tests("device", setup, teardown, add_tests);
    return status == EXIT_SUCCESS && !can_mknod ? 77 : status;
}
