// SPDX-License-Identifier: GPL-2.0-or-later
/* Which unit a device is: what its VPD pages say, and whether that is what sysfs remembers. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/util.h"
#include "device/ask.h"
#include "device/vpd.h"
#include "suite.h"

/* A designator of the logical unit (association 0) in page 83h, and its text. */
#define NAA5 0x01, 0x03, 0x00, 0x08, 0x50, 0x00, 0xc5, 0x00, 0xa1, 0xb2, 0xc3, 0xd4
#define NAA3 0x01, 0x03, 0x00, 0x08, 0x33, 0x33, 0x33, 0x30, 0x00, 0x00, 0x07, 0xd0
#define NAA2 0x01, 0x03, 0x00, 0x08, 0x20, 0x01, 0x00, 0x04, 0x02, 0x03, 0x04, 0x05
#define NAA6 \
    0x01, 0x03, 0x00, 0x10, 0x60, 0x01, 0x40, 0x5a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, \
        0x12
#define T10 0x02, 0x01, 0x00, 0x0c, 'L', 'I', 'O', '-', 'O', 'R', 'G', ' ', 'd', 'i', 's', 'k'
#define T10_LONG 0x02, 0x01, 0x00, 0x10, 'L', 'I', 'O', '-', 'O', 'R', 'G', ' ', 'd', 'i', 's', 'k', '1', '2', ' ', ' '
#define EUI8 0x01, 0x02, 0x00, 0x08, 0x00, 0x25, 0x38, 0x5a, 0x91, 0xb0, 0x00, 0x01
#define EUI16 \
    0x01, 0x02, 0x00, 0x10, 0x00, 0x25, 0x38, 0x5a, 0x91, 0xb0, 0x00, 0x01, 0x00, 0x25, 0x38, 0x5a, 0x91, 0xb0, 0x00, \
        0x02
#define NAME 0x03, 0x08, 0x00, 0x0c, 'i', 'q', 'n', '.', '2', '0', '0', '3', ',', 'x', 0x00, 0x00
#define PORT_NAA 0x61, 0x93, 0x00, 0x08, 0x52, 0x22, 0x22, 0x20, 0x00, 0x00, 0x00, 0x01
#define TARGET_NAME 0x63, 0xa8, 0x00, 0x04, 'i', 'q', 'n', '.'
#define BROKEN 0x02, 0x01, 0x00, 0xff, 'A', 'B'
#define CONTROL 0x02, 0x01, 0x00, 0x0c, 'A', 'T', 'A', ' ', 0x1b, '[', '1', 'm', 0xff, ' ', ' ', ' '

struct page {
    const char *says; /* NULL: no identifier */
    uint8_t bytes[64];
    size_t len; /* of the designators */
};
#define PAGE(text, ...) \
    { \
        text, { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }) \
    }

static const struct page pages[] = {
    PAGE("naa.5000c500a1b2c3d4", NAA5),
    PAGE("naa.33333330000007d0", NAA3),
    PAGE("naa.2001000402030405", NAA2),
    PAGE("naa.6001405abcdef0123456789abcdef012", NAA6),
    PAGE("t10.LIO-ORG disk", T10),
    PAGE("eui.0025385a91b00001", EUI8),
    PAGE("iqn.2003,x", NAME),
    /* The better one, wherever it is. */
    PAGE("naa.5000c500a1b2c3d4", T10_LONG, NAA5),
    PAGE("naa.5000c500a1b2c3d4", NAA5, T10_LONG),
    PAGE("naa.6001405abcdef0123456789abcdef012", NAA5, NAA6),
    PAGE("naa.6001405abcdef0123456789abcdef012", NAA6, EUI16),
    PAGE("eui.0025385a91b000010025385a91b00002", NAA5, EUI16),
    PAGE("naa.5000c500a1b2c3d4", EUI8, NAA5),
    PAGE("iqn.2003,x", NAME, NAA5),
    PAGE("t10.LIO-ORG disk12", T10, T10_LONG),
    PAGE("t10.LIO-ORG disk12", T10_LONG, T10),
    PAGE("naa.33333330000007d0", T10_LONG, NAA3), /* as scsi_debug has it */
    PAGE("t10.LIO-ORG disk12", NAA3, T10_LONG),
    /* Not of the logical unit. */
    PAGE("t10.LIO-ORG disk", PORT_NAA, T10, TARGET_NAME),
    PAGE(NULL, PORT_NAA, TARGET_NAME),
    /* Nonsense. */
    PAGE(NULL, BROKEN),
    PAGE("naa.5000c500a1b2c3d4", NAA5, BROKEN),
    PAGE("t10.ATA _[1m_", CONTROL),
};

static size_t make_page(uint8_t *out, const struct page *p)
{
    memcpy(out, (uint8_t[]){ 0x00, 0x83, 0x00, (uint8_t)p->len }, 4);
    memcpy(out + 4, p->bytes, p->len);
    return p->len + 4;
}

START_TEST(page_83_has_the_identifier_that_linux_prefers)
{
    const struct page *p = &pages[_i];
    uint8_t bytes[80];
    char text[UNIT_TEXT_MAX];
    size_t len = make_page(bytes, p);

    ck_assert_int_eq(identity_from_page83(bytes, len, text), p->says != NULL);
    ck_assert_str_eq(text, p->says ? p->says : "");
}
END_TEST

START_TEST(a_page_that_is_cut_or_another_one_has_none)
{
    uint8_t bytes[80];
    char text[UNIT_TEXT_MAX];
    size_t len = make_page(bytes, &pages[0]);

    for (size_t n = 0; n < len; n++)
        ck_assert_msg(!identity_from_page83(bytes, n, text), "%zu bytes: %s", n, text);
    bytes[3] = 3; /* the page says so itself */
    ck_assert(!identity_from_page83(bytes, len, text));
    bytes[3] = 12;
    bytes[1] = 0x80;
    ck_assert(!identity_from_page83(bytes, len, text));
}
END_TEST

START_TEST(page_80_has_the_serial_number)
{
    static const uint8_t page[] = { 0x05, 0x80, 0x00, 0x08, ' ', ' ', 'K', '1', ' ', '2', ' ', ' ' };
    static const uint8_t blank[] = { 0x05, 0x80, 0x00, 0x04, ' ', ' ', ' ', ' ' };
    char text[UNIT_TEXT_MAX];

    ck_assert(identity_from_page80(page, sizeof(page), "HL-DT-ST", "DVDRAM GH24", 1, text));
    ck_assert_str_eq(text, "serial.HL-DT-ST.DVDRAM GH24.K1 2.1");
    ck_assert(!identity_from_page80(blank, sizeof(blank), "a", "b", 0, text));
    ck_assert_str_eq(text, "");
    ck_assert(!identity_from_page80(page, 3, "a", "b", 0, text));
}
END_TEST

static const struct {
    uint8_t status, sense[3];
    unsigned len;
    bool answered;
} inquiries[] = {
    { 0x00, { 0 }, 0, true },
    { 0x02, { 0x70, 0x00, 0x00 }, 18, true }, /* NO SENSE: no failure */
    { 0x02, { 0xf0, 0x00, 0x01 }, 18, true }, /* RECOVERED ERROR */
    { 0x02, { 0x72, 0x01, 0x17 }, 8, true },
    { 0x02, { 0x70, 0x00, 0x21 }, 18, true }, /* with a mark */
    { 0x02, { 0x70, 0x00, 0x05 }, 18, false },
    { 0x02, { 0x72, 0x05, 0x00 }, 8, false },
    { 0x02, { 0x70, 0x00, 0x06 }, 18, false },
    { 0x02, { 0x71, 0x00, 0x01 }, 18, false }, /* deferred */
    { 0x02, { 0x73, 0x00, 0x01 }, 8, false },
    { 0x02, { 0x70, 0x00, 0x00 }, 2, false }, /* no sense data at all */
    { 0x08, { 0 }, 0, false },
    { 0x18, { 0x70, 0x00, 0x00 }, 18, false },
};

START_TEST(an_inquiry_with_a_recovered_error_is_answered)
{
    ck_assert_int_eq(device_inquiry_is_answered(inquiries[_i].status, inquiries[_i].sense, inquiries[_i].len),
                     inquiries[_i].answered);
}
END_TEST

START_TEST(equal_means_the_same_unit)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } pairs[] = {
        { "naa.5000C500A1B2C3D4", "naa.5000c500a1b2c3d4", true },
        { "EUI.0025385A91B00001", "eui.0025385a91b00001", true },
        { "t10.ATA  disk  ", "t10.ATA  disk", true },
        { "t10.ATA  disk", "t10.ATA disk", false },
        { "naa.5000c500a1b2c3d4", "naa.5000c500a1b2c3d5", false },
        { "naa.5000c500a1b2c3d4", "naa.5000c500a1b2c3d400", false },
        { "", "", false },
        { " ", "", false },
        { "naa.5000c500a1b2c3d4", "", false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        ck_assert_msg(identity_equal(pairs[i].a, pairs[i].b) == pairs[i].equal, "'%s' and '%s'", pairs[i].a,
                      pairs[i].b);
}
END_TEST

START_TEST(a_unit_without_identifier_is_known_by_its_address_within_one_boot)
{
    const struct hctl at = { 3, 0, 1, 2 };
    char one[UNIT_TEXT_MAX], other[UNIT_TEXT_MAX];

    identity_within_boot("5d2c", &at, one);
    ck_assert_str_eq(one, "boot.5d2c.3:0:1:2");
    ck_assert(!identity_lasts(one));
    ck_assert(identity_lasts("naa.5000c500a1b2c3d4"));
    identity_within_boot("5d2d", &at, other);
    ck_assert(!identity_equal(one, other));
}
END_TEST

/* --- against sysfs --- */

static char sysfs[64];
static const struct device_roots roots = { .sysfs = sysfs, .dev = "/dev" };

static void setup(void)
{
    char path[128];

    strcpy(sysfs, "/tmp/check_identity.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(sysfs));
    for (const char *const *part =
             (const char *const[]){ "/bus", "/bus/scsi", "/bus/scsi/devices", "/bus/scsi/devices/1:0:0:0", NULL };
         *part; part++) {
        snprintf(path, sizeof(path), "%s%s", sysfs, *part);
        ck_assert_int_eq(mkdir(path, 0755), 0);
    }
}

static void teardown(void)
{
    char cmd[128];

    snprintf(cmd, sizeof(cmd), "rm -rf %s", sysfs);
    ck_assert_int_eq(system(cmd), 0);
}

static void remember(const char *attr, const uint8_t *bytes, size_t len)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/bus/scsi/devices/1:0:0:0/%s", sysfs, attr);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
}

static struct device disk(const char *wwid)
{
    struct device dev = { .from = PDEV_HCTL, .hctl = { 1, 0, 0, 0 }, .type = 0, .vendor = "LIO-ORG", .model = "disk" };

    snprintf(dev.wwid, sizeof(dev.wwid), "%s", wwid);
    return dev;
}

static struct answers answers(const struct page *p)
{
    struct answers a = { .inquiry = "\x00\x00\x06\x02\x1f\x00\x00\x02LIO-ORG disk            4.0 " };

    a.page83_len = p ? make_page(a.page83, p) : 0;
    return a;
}

static const struct page naa5 = PAGE(NULL, NAA5), naa6 = PAGE(NULL, NAA6), both = PAGE(NULL, T10, NAA5);

START_TEST(a_unit_that_sysfs_remembers_rightly_is_taken)
{
    struct device dev = disk("naa.5000c500a1b2c3d4");
    struct answers a = answers(&naa5);
    uint8_t page[80];
    char why[DEVICE_WHY_MAX] = "";

    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), 0);
    ck_assert_str_eq(dev.unit, "naa.5000c500a1b2c3d4");
    /* Other designators came, but the unit is the same. */
    remember("vpd_pg83", page, make_page(page, &both));
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), 0);
    /* Sysfs knows nothing: the device's own word counts. */
    dev = disk("");
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), 0);
    ck_assert_str_eq(dev.unit, "naa.5000c500a1b2c3d4");
}
END_TEST

START_TEST(a_unit_that_was_mapped_to_another_lun_is_refused_with_both_identifiers)
{
    struct device dev = disk("naa.5000c500a1b2c3d4");
    struct answers a = answers(&naa6);
    uint8_t page[80];
    char why[DEVICE_WHY_MAX] = "";

    if (_i == 1)
        remember("vpd_pg83", page, make_page(page, &naa5));
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), -ENODEV);
    ck_assert_str_eq(why,
                     "the kernel knows it as naa.5000c500a1b2c3d4, but it says that it is "
                     "naa.6001405abcdef0123456789abcdef012: another unit was mapped to its LUN; rescan it or delete it "
                     "in sysfs");
}
END_TEST

START_TEST(an_identifier_that_cannot_be_printed_can_be_kept)
{
    static const struct page name = PAGE(NULL, 0x03, 0x08, 0x00, 0x04, 0xc3, 0xa4, 'b', '\n');
    struct device dev = disk("\xc3\xa4"
                             "b\n");
    struct answers a = answers(&name);
    char why[DEVICE_WHY_MAX] = "";

    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), 0);
    ck_assert_str_eq(dev.unit, "__b_");
}
END_TEST

START_TEST(a_unit_that_has_lost_its_identifier_is_refused)
{
    struct device dev = disk("naa.5000c500a1b2c3d4");
    struct answers a = answers(NULL);
    char why[DEVICE_WHY_MAX] = "";

    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), -ENODEV);
    ck_assert_ptr_nonnull(strstr(why, "it says that it is a unit without an identifier"));
}
END_TEST

START_TEST(another_type_or_no_unit_is_refused)
{
    struct device dev = disk("naa.5000c500a1b2c3d4");
    struct answers a = answers(&naa5);
    char why[DEVICE_WHY_MAX] = "";

    a.inquiry[0] = 0x01;
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), -ENODEV);
    ck_assert_ptr_nonnull(strstr(why, "knows it as a device of type 0, but it says that it has type 1"));
    a.inquiry[0] = 0x7f;
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), -ENODEV);
    ck_assert_ptr_nonnull(strstr(why, "no unit at this LUN"));
    a.inquiry[0] = 0x20; /* nothing is connected now: a changer's drive, an array's LUN 0 */
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), 0);
}
END_TEST

START_TEST(without_page_83_the_serial_number_and_the_model_count)
{
    static const uint8_t k1[] = { 0x00, 0x80, 0x00, 0x02, 'K', '1' }, k2[] = { 0x00, 0x80, 0x00, 0x02, 'K', '2' };
    struct device dev = disk("");
    struct answers a = answers(NULL);
    char why[DEVICE_WHY_MAX] = "", boot_id[BOOT_ID_MAX], expected[UNIT_TEXT_MAX];

    identity_boot_id(boot_id);
    ck_assert_str_ne(boot_id, "");
    snprintf(expected, sizeof(expected), "boot.%.40s.1:0:0:0", boot_id);
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), 0);
    ck_assert_str_eq(dev.unit, expected);
    memcpy(a.page80, k1, sizeof(k1));
    a.page80_len = sizeof(k1);
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), 0);
    ck_assert_str_eq(dev.unit, "serial.LIO-ORG.disk.K1.0");
    remember("vpd_pg80", k2, sizeof(k2));
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), -ENODEV);
    ck_assert_ptr_nonnull(
        strstr(why, "knows it as serial.LIO-ORG.disk.K2.0, but it says that it is serial.LIO-ORG.disk.K1.0"));
    strcpy(dev.model, "other");
    ck_assert_int_eq(device_judge(&roots, &a, &dev, why), -ENODEV);
    ck_assert_ptr_nonnull(strstr(why, "knows it as LIO-ORG other, but it says that it is LIO-ORG disk"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("identity");
    TCase *t = tcase_create("pages"), *u = tcase_create("sysfs");

    tcase_add_loop_test(t, page_83_has_the_identifier_that_linux_prefers, 0, (int)ARRAY_SIZE(pages));
    tcase_add_test(t, a_page_that_is_cut_or_another_one_has_none);
    tcase_add_test(t, page_80_has_the_serial_number);
    tcase_add_loop_test(t, an_inquiry_with_a_recovered_error_is_answered, 0, (int)ARRAY_SIZE(inquiries));
    tcase_add_test(t, equal_means_the_same_unit);
    tcase_add_test(t, a_unit_without_identifier_is_known_by_its_address_within_one_boot);
    tcase_add_checked_fixture(u, setup, teardown);
    tcase_add_test(u, a_unit_that_sysfs_remembers_rightly_is_taken);
    tcase_add_loop_test(u, a_unit_that_was_mapped_to_another_lun_is_refused_with_both_identifiers, 0, 2);
    tcase_add_test(u, an_identifier_that_cannot_be_printed_can_be_kept);
    tcase_add_test(u, a_unit_that_has_lost_its_identifier_is_refused);
    tcase_add_test(u, another_type_or_no_unit_is_refused);
    tcase_add_test(u, without_page_83_the_serial_number_and_the_model_count);
    suite_add_tcase(s, t);
    suite_add_tcase(s, u);
    return run_suite(s);
}
