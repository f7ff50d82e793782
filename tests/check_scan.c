// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xl-scsi scan over a made-up sysfs: what is said of each device, which p-dev is proposed, and that this p-dev leads to
 * the device. Its nodes need mknod.
 */
#include "config.h"

#include <check.h>
#include <json-c/json.h>
#include <stdio.h>

#include "made-sysfs.h"
#include "suite.h"
#include "wrapped.h"
#include "xl-scsi/scan.h"

static struct scan scan;
static char proc[80];

static void setup_scan(void)
{
    setup();
    snprintf(proc, sizeof(proc), "%s/proc", root);
    roots.proc = proc;
    run("mkdir -p %s/self %s/disk/by-path %s/tape/by-id %s/100/fd", proc, dev, dev, proc);
    put("devices/1:0:0:0/block/sda/size", "2097152");
    put("devices/3:0:1:16383/block/sdd/size", "16384");
    put("devices/5:0:0:0/block/sr0/size", "2097151");
    put("devices/4:0:0:0/scsi_tape/nst0/dev", "9:128");
    put("devices/2:0:0:5/state", "offline");
    put("devices/2:0:0:0/block/sdb/removable", "1");
    put("class/scsi_host/host3/state", "recovery");
    put("class/block/sdd/holders/md0/x", "");
    node("sdb", true, 8, 16);
    node("sdd", true, 8, 48);
    run("ln -s ../../sdb %s/disk/by-path/pci-2 && ln -s ../../nst0 %s/tape/by-id/scsi-HU1", dev, dev);
    run("ln -s ../../sdd %s/disk/by-id/scsi-x && ln -s ../../sdd %s/disk/by-id/ata-x && ln -s ../../sda1 "
        "%s/disk/by-id/ata-x-part1",
        dev, dev, dev);
    run("echo mt >%s/100/comm && printf 'Name:\\tmt\\nPPid:\\t1\\nUid:\\t0\\t0\\n' >%s/100/status", proc, proc);
    run("ln -s %s/sch0 %s/100/fd/3", dev, proc);
    ck_assert_int_eq(scan_load(&roots, &scan), 0);
}

static void teardown_scan(void)
{
    scan_clear(&scan);
    teardown();
}

#define ADVICE_MD "in use: it is part of /dev/md0"

static const struct {
    const char *hctl, *node, *pdev, *why;
    uint64_t size;
    unsigned n_links;
} expected[] = {
    /* Three have one identifier. It names none of them alone, and neither does a link that is made from it. */
    { "1:0:0:0", "/dev/sda", "1:0:0:0", NULL, 1073741824, 1 },
    { "2:0:0:0", "/dev/sdb", "/dev/disk/by-path/pci-2", NULL, 0, 1 },
    { "2:0:0:5", "/dev/sdc", "2:0:0:5", "its state is offline; expected running", 0, 0 },
    { "3:0:1:16383", "/dev/sdd", "naa.600140500000000000000000deadbeef", ADVICE_MD, 8388608, 2 },
    /* The identifier of a tape that has blanks in it cannot be written in vscsi= as it stands. */
    { "4:0:0:0", "/dev/nst0", "/dev/tape/by-id/scsi-HU1", NULL, 0, 1 },
    { "4:0:0:1", "/dev/sch0", "4:0:0:1", "in use: process 100 (mt) has /dev/sch0 open", 0, 0 },
    /* What sysfs says of the size is about a medium. */
    { "5:0:0:0", "/dev/sr0", "5:0:0:0", NULL, 0, 0 },
    { "6:0:0:0", NULL, NULL, "SCSI device 6:0:0:0 has no sg node; expected one (modprobe sg)", 0, 0 },
    { "10:0:0:0", "/dev/sg10", "10:0:0:0", NULL, 0, 0 },
};

START_TEST(each_device_is_described)
{
    ck_assert_uint_eq(scan.n, ARRAY_SIZE(expected));
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct scan_device *d = &scan.d[i];
        char hctl[HCTL_TEXT_MAX];

        hctl_format(&d->dev.hctl, hctl);
        ck_assert_str_eq(hctl, expected[i].hctl);
        ck_assert_pstr_eq(d->node, expected[i].node);
        ck_assert_pstr_eq(d->pdev, expected[i].pdev);
        if (expected[i].why)
            ck_assert_msg(d->why && strncmp(d->why, expected[i].why, strlen(expected[i].why)) == 0, "%s: %s", hctl,
                          d->why ? d->why : "no reason");
        else
            ck_assert_pstr_eq(d->why, NULL);
        ck_assert_uint_eq(d->size, expected[i].size);
        ck_assert_uint_eq(d->n_links, expected[i].n_links);
    }
    ck_assert_str_eq(scan.d[3].links[0], "/dev/disk/by-id/ata-x");
    ck_assert_uint_eq(scan.d[0].dev.max_transfer, 262144);
    ck_assert_uint_eq(scan.d[4].dev.max_transfer, 0);
}
END_TEST

static unsigned opened; /* block devices */
int __real_open(const char *path, int flags, ...) REAL("open64");
int __wrap_open(const char *path, int flags, ...) WRAP("open64");

/* The code under test does not create files. */
int __wrap_open(const char *path, int flags, ...)
{
    opened += strncmp(path, dev, strlen(dev)) == 0;
    return __real_open(path, flags);
}

/* open() in a build with _FORTIFY_SOURCE, where the compiler does not know the flags. */
int __wrap___open_2(const char *path, int flags) WRAP("__open64_2");
int __wrap___open_2(const char *path, int flags)
{
    return __wrap_open(path, flags);
}

/* sda is fixed, and its host is not in error handling. Of the others this is not so, or they are no disks. */
START_TEST(only_a_fixed_disk_that_can_answer_is_opened)
{
    struct scan again = { 0 };

    run("rm -r %s/class/block/sdd", sysfs);
    opened = 0;
    ck_assert_int_eq(scan_load(&roots, &again), 0);
    ck_assert_uint_eq(opened, 1);
    ck_assert_pstr_eq(again.d[3].why, NULL);
    scan_clear(&again);
}
END_TEST

/* One vhost with n devices. */
static struct guest_view view_of(struct vhost_view *h, struct dev_view *devs, unsigned n)
{
    *h = (struct vhost_view){ .devs = devs, .n_devs = n };
    return (struct guest_view){ .domid = 3, .vhosts = h, .n_vhosts = 1 };
}

START_TEST(a_guest_is_found_by_address_and_by_identifier)
{
    struct dev_view has[] = {
        { .phctl = (char *)"2:0:0:0",
          .wwid = (char *)"naa.5000C50012345678 ",
          .vdev_text = (char *)"0:0:0:0",
          .state = 4 },
        { .pdev = (char *)"5:0:0:0", .vdev_text = (char *)"0:0:1:0", .state = 3 },
        { .phctl = (char *)"4:0:0:0", .vdev_text = (char *)"0:0:2:0", .state = 6 }, /* detached */
        { .pdev = (char *)"/dev/gone", .vdev_text = (char *)"0:0:3:0", .state = 4 },
    };
    struct vhost_view h;
    struct guest_view v = view_of(&h, has, ARRAY_SIZE(has));
    static const unsigned guests[] = { 1, 1, 1, 0, 0, 0, 1, 0, 0 };

    ck_assert_int_eq(scan_note_guest(&scan, "web", &v), 0);
    for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
        ck_assert_uint_eq(scan.d[i].n_guests, guests[i]);
    ck_assert(scan.d[0].guests[0].other_path && !scan.d[1].guests[0].other_path && scan.d[2].guests[0].other_path);
    ck_assert_str_eq(scan.d[6].guests[0].vdev, "0:0:1:0");
}
END_TEST

START_TEST(the_table_and_the_long_form_say_the_same)
{
    struct dev_view has[] = { { .phctl = (char *)"5:0:0:0", .vdev_text = (char *)"0:0:1:0", .state = 4 } };
    struct vhost_view h;
    struct guest_view v = view_of(&h, has, 1);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    snprintf(scan.d[0].dev.model, sizeof(scan.d[0].dev.model), "a\033[2J");
    ck_assert_int_eq(scan_note_guest(&scan, "web\n", &v), 0);
    scan_table(&scan, out);
    fflush(out);
    ck_assert_ptr_nonnull(
        strstr(text, "Address      Type                       Size  Limit  Node       Model             PDEV "));
    ck_assert_ptr_nonnull(
        strstr(text, "\n1:0:0:0      disk                       1.0G  256K   /dev/sda   Linux a\\x1b[2J"));
    ck_assert_ptr_nonnull(strstr(text, "  free\n2:0:0:0"));
    ck_assert_ptr_nonnull(strstr(text, "naa.600140500000000000000000deadbeef  " ADVICE_MD));
    ck_assert_ptr_nonnull(strstr(text, "web\\x0a (domain 3) has it as 0:0:1:0\n"));
    fclose(out);
    free(text);
    out = open_memstream(&text, &size);
    scan_long(&scan, out);
    fflush(out);
    ck_assert_ptr_nonnull(strstr(text, "1:0:0:0: disk, Linux a\\x1b[2J\n"
                                       "    PDEV to give it to a guest: 1:0:0:0\n"
                                       "    node /dev/sda, /dev/sg3\n"
                                       "    size 1.0G (1073741824 bytes)\n"
                                       "    one command moves at most 256 KiB\n"
                                       "    identifier naa.5000c50012345678\n"
                                       "    link /dev/disk/by-id/wwn-0x5000c50012345678\n"
                                       "2:0:0:0: "));
    ck_assert_ptr_nonnull(strstr(text, "    a guest cannot have it now: SCSI device 6:0:0:0 has no sg node"));
    fclose(out);
    free(text);
}
END_TEST

START_TEST(json_has_it_all)
{
    struct dev_view has[] = { { .phctl = (char *)"2:0:0:0", .wwid = (char *)"naa.5000c50012345678", .state = 4 } };
    struct vhost_view h;
    struct guest_view v = view_of(&h, has, 1);
    struct json_object *array;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    /* As in a driver domain, which may not read names. */
    ck_assert_int_eq(scan_note_guest(&scan, NULL, &v), 0);
    scan_table(&scan, out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "  domain 3 has it by another path as -\n"));
    free(text);
    array = scan_json(&scan);
    ck_assert_ptr_nonnull(array);
    ck_assert_uint_eq(json_object_array_length(array), ARRAY_SIZE(expected));
    ck_assert_str_eq(
        json_object_to_json_string_ext(json_object_array_get_idx(array, 0), JSON_C_TO_STRING_NOSLASHESCAPE),
        "{\"p-hctl\":\"1:0:0:0\",\"type\":0,\"type-name\":\"disk\",\"vendor\":\"Linux\","
        "\"model\":\"scsi_debug\",\"wwid\":\"naa.5000c50012345678\",\"node\":\"/dev/sda\",\"sg\":\"sg3\","
        "\"size\":1073741824,\"max-transfer\":262144,\"state\":\"running\","
        "\"links\":[\"/dev/disk/by-id/wwn-0x5000c50012345678\"],"
        "\"guests\":[{\"domid\":3,\"name\":null,\"v-dev\":null,\"other-path\":true}],"
        "\"p-dev\":\"1:0:0:0\",\"free\":false,\"why-not\":null}");
    ck_assert_str_eq(
        json_object_to_json_string_ext(json_object_array_get_idx(array, 7), JSON_C_TO_STRING_NOSLASHESCAPE),
        "{\"p-hctl\":\"6:0:0:0\",\"type\":0,\"type-name\":\"disk\",\"vendor\":\"Linux\","
        "\"model\":\"scsi_debug\",\"wwid\":null,\"node\":null,\"sg\":null,\"size\":null,"
        "\"max-transfer\":0,\"state\":\"running\",\"links\":[],\"guests\":[],\"p-dev\":null,\"free\":false,"
        "\"why-not\":\"SCSI device 6:0:0:0 has no sg node; expected one (modprobe sg)\"}");
    json_object_put(array);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, each_device_is_described);
    tcase_add_test(t, only_a_fixed_disk_that_can_answer_is_opened);
    tcase_add_test(t, a_guest_is_found_by_address_and_by_identifier);
    tcase_add_test(t, the_table_and_the_long_form_say_the_same);
    tcase_add_test(t, json_has_it_all);
}

int main(void)
{
    can_mknod = try_mknod();
    if (!can_mknod) {
        printf("SKIP: this needs mknod, which is not permitted here\n");
        return 77;
    }
    return run_tests("scan", setup_scan, teardown_scan, add_tests);
}
