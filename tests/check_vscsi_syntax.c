// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries of vscsi=[...]: what each text means, and what is said about each mistake.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "alloc-fail.h"
#include "suite.h"
#include "common/util.h"
#include "xl-scsi/syntax.h"

static const struct {
    const char *text;
    enum pdev_kind kind;
    const char *pdev;
    struct hctl vdev;
    bool whole_host, feature_host, readonly, pr_move, pr_force, force;
    const char *backend, *pr, *unit;
    const char *allow, *deny;
    bool copy;
    struct lun_limits limits;
    const char *again; /* as vscsi_entry_format() gives it; NULL: text itself */
    enum vscsi_need need;
} good[] = {
    { "/dev/sda,0:0:0:0", PDEV_NODE, "/dev/sda" },
    { "/dev/sg12,1:2:3:4", PDEV_NODE, "/dev/sg12", { 1, 2, 3, 4 } },
    { "/dev/disk/by-id/wwn-0x5000c500:x,0:0:0:1", PDEV_NODE, "/dev/disk/by-id/wwn-0x5000c500:x", { 0, 0, 0, 1 } },
    { "3:0:1:2,0:0:0:0", PDEV_HCTL, "3:0:1:2" },
    { "naa.5000c50015ea71ac,0:0:0:0", PDEV_WWID, "naa.5000c50015ea71ac" },
    { "naa.6001405a53c2b32d0d2d4fa9ef0b3a51,0:0:0:0", PDEV_WWID, "naa.6001405a53c2b32d0d2d4fa9ef0b3a51" },
    { "naa.5000C50015EA71AC:7,0:0:0:0", PDEV_WWID, "naa.5000C50015EA71AC:7" },
    { "naa.600140500000000000000000000000ff:16383,0:0:0:0", PDEV_WWID, "naa.600140500000000000000000000000ff:16383" },
    { "t10.ATA     QEMU HARDDISK  QM00001 ,0:0:0:0", PDEV_WWID, "t10.ATA     QEMU HARDDISK  QM00001",
      .again = "t10.ATA     QEMU HARDDISK  QM00001,0:0:0:0" },
    { "eui.00253851910017fb,0:0:0:0", PDEV_WWID, "eui.00253851910017fb" },
    { "uuid.f81d4fae-7dec-11d0-a765-00a0c91e6bf6,0:0:0:0", PDEV_WWID, "uuid.f81d4fae-7dec-11d0-a765-00a0c91e6bf6" },
    { "iqn.2003-01.org.example:disk1,0:0:0:0", PDEV_WWID, "iqn.2003-01.org.example:disk1" },
    { "file:/srv/disk.img,0:0:0:0", PDEV_FILE, "file:/srv/disk.img" },
    { "/dev/sda,4294967295:255:65535:16383", PDEV_NODE, "/dev/sda", { UINT32_MAX, 255, 65535, 16383 } },
    { "/dev/sda,00:0:01:0", PDEV_NODE, "/dev/sda", { 0, 0, 1, 0 }, .again = "/dev/sda,0:0:1:0" },
    { " /dev/sda , 0:0:0:0 ,\treadonly ", PDEV_NODE, "/dev/sda", .readonly = true,
      .again = "/dev/sda,0:0:0:0,readonly" },
    { "/dev/sda,0:0:0:0,feature-host", PDEV_NODE, "/dev/sda", .feature_host = true },
    { "/dev/sda,0:0:0:0,backend=storage", PDEV_NODE, "/dev/sda", .backend = "storage" },
    { "/dev/sda,0:0:0:0,backend=3", PDEV_NODE, "/dev/sda", .backend = "3" },
    { "/dev/sda,0:0:0:0,pr=helper", PDEV_NODE, "/dev/sda", .pr = "helper" },
    { "/dev/sda,0:0:0:0,pr=direct", PDEV_NODE, "/dev/sda", .pr = "direct" },
    { "/dev/sda,0:0:0:0,pr=deny", PDEV_NODE, "/dev/sda", .pr = "deny" },
    { "/dev/sda,0:0:0:0,allow=3b+a3/0f", PDEV_NODE, "/dev/sda", .allow = "3b+a3/0f" },
    { "/dev/sda,0:0:0:0,deny=04", PDEV_NODE, "/dev/sda", .deny = "04" },
    { "/dev/sda,0:0:0:0,third-party-copy,deny=2a,allow=85", PDEV_NODE, "/dev/sda", .allow = "85", .deny = "2a",
      .copy = true, .again = "/dev/sda,0:0:0:0,allow=85,deny=2a,third-party-copy" },
    { "/dev/sda,0:0:0:0,iops=50,bps=100M,burst=5", PDEV_NODE, "/dev/sda", .limits = { 100 << 20, 50, 5 } },
    { "/dev/sda,0:0:0:0,force,bps=1048576,iops=0", PDEV_NODE, "/dev/sda", .force = true, .limits = { 1 << 20, 0, 0 },
      .again = "/dev/sda,0:0:0:0,bps=1M,force" },
    { "/dev/sda,0:0:0:0,force", PDEV_NODE, "/dev/sda", .force = true },
    { "/dev/sda,0:0:0:0,pr-move", PDEV_NODE, "/dev/sda", .pr_move = true },
    { "/dev/sda,0:0:0:0,pr-force", PDEV_NODE, "/dev/sda", .pr_force = true },
    { "/dev/sda,0:0:0:0,readonly,readonly", PDEV_NODE, "/dev/sda", .readonly = true,
      .again = "/dev/sda,0:0:0:0,readonly" },
    { "/dev/sda,0:0:0:0,force,pr-force,pr-move,pr=deny,backend=b,readonly,feature-host", PDEV_NODE, "/dev/sda",
      .feature_host = true, .readonly = true, .pr_move = true, .pr_force = true, .force = true, .backend = "b",
      .pr = "deny", .again = "/dev/sda,0:0:0:0,feature-host,readonly,backend=b,pr=deny,pr-move,pr-force,force" },
    { "/dev/sda,0:0:0:0,required", PDEV_NODE, "/dev/sda", .need = NEED_REQUIRED },
    { "/dev/sda,0:0:0:0,optional,optional", PDEV_NODE, "/dev/sda", .need = NEED_OPTIONAL,
      .again = "/dev/sda,0:0:0:0,optional" },
    { "/dev/sda,0:0:0:0,unit=naa.5000c500a1b2c3d4", PDEV_NODE, "/dev/sda", .unit = "naa.5000c500a1b2c3d4" },
    { "/dev/sda,0:0:0:0, unit=t10.ATA  a%2C%25b", PDEV_NODE, "/dev/sda", .unit = "t10.ATA  a,%b",
      .again = "/dev/sda,0:0:0:0,unit=t10.ATA%20%20a%2c%25b" },
    { "2:0:0:0,host", PDEV_HCTL, "2:0:0:0", .whole_host = true, .feature_host = true },
    { "/dev/sg0,host,readonly", PDEV_NODE, "/dev/sg0", .whole_host = true, .feature_host = true, .readonly = true },
};

static void check_same(const struct vscsi_entry *e, size_t i)
{
    ck_assert_int_eq(e->kind, good[i].kind);
    ck_assert_str_eq(e->pdev, good[i].pdev);
    ck_assert(hctl_equal(&e->vdev, &good[i].vdev));
    ck_assert_int_eq(e->whole_host, good[i].whole_host);
    ck_assert_int_eq(e->feature_host, good[i].feature_host);
    ck_assert_int_eq(e->third_party_copy, good[i].copy);
    ck_assert(limits_equal(&e->limits, &good[i].limits));
    ck_assert_str_eq(e->allow ? e->allow : "", good[i].allow ? good[i].allow : "");
    ck_assert_str_eq(e->deny ? e->deny : "", good[i].deny ? good[i].deny : "");
    ck_assert_int_eq(e->readonly, good[i].readonly);
    ck_assert_int_eq(e->pr_move, good[i].pr_move);
    ck_assert_int_eq(e->pr_force, good[i].pr_force);
    ck_assert_int_eq(e->force, good[i].force);
    ck_assert_int_eq(e->need, good[i].need);
    ck_assert_pstr_eq(e->backend, good[i].backend);
    ck_assert_pstr_eq(e->pr, good[i].pr);
    ck_assert_pstr_eq(e->unit, good[i].unit);
}

START_TEST(entry_is_understood)
{
    struct vscsi_entry e, again, copy;
    char err[VSCSI_ERROR_MAX] = "";
    int r = vscsi_entry_parse(good[_i].text, &e, err);

    ck_assert_msg(r == 0, "%s: %s", good[_i].text, err);
    check_same(&e, (size_t)_i);

    CLEANUP_FREE char *text = vscsi_entry_format(&e);

    ck_assert_str_eq(text, good[_i].again ? good[_i].again : good[_i].text);
    ck_assert_int_eq(vscsi_entry_parse(text, &again, err), 0);
    check_same(&again, (size_t)_i);
    ck_assert_int_eq(vscsi_entry_copy(&e, &copy), 0);
    check_same(&copy, (size_t)_i);
    vscsi_entry_clear(&e);
    vscsi_entry_clear(&again);
    vscsi_entry_clear(&copy);
}
END_TEST

static const struct {
    const char *text, *error; /* a part of it */
} bad[] = {
    { "", "no p-dev" },
    { "/dev/sda,0:0:0:0,unit=", "option 'unit=' has no value: expected unit=IDENTIFIER" },
    { "/dev/sda,0:0:0:0,unit=a%2", "option 'unit=a%2': expected an identifier" },
    { "/dev/sda,0:0:0:0,unit=a%0a", "option 'unit=a%0a': expected an identifier" },
    { "/dev/sda,0:0:0:0,unit=a,unit=b", "option 'unit=' is given twice" },
    { ",0:0:0:0", "no p-dev" },
    { "/dev/sda", "no v-dev after p-dev '/dev/sda'" },
    { "/dev/sda,", "no v-dev" },
    { "/dev/sda, ,readonly", "no v-dev" },
    { "/dev/,0:0:0:0", "is a directory" },
    { "/dev/disk/by-id/,0:0:0:0", "is a directory" },
    { "sda,0:0:0:0", "did you mean /dev/sda?" },
    { "dev/sg3,0:0:0:0", "did you mean /dev/sg3?" },
    { "Disk One,0:0:0:0", "p-dev 'Disk One' does not name a SCSI device; expected /dev/..., h:c:t:l, naa." },
    { "1:0:0,0:0:0:0", "p-dev '1:0:0': expected four decimal numbers" },
    { "1:0:0:0:0,0:0:0:0", "expected four decimal numbers" },
    { "1:0:0:,0:0:0:0", "expected four decimal numbers" },
    { "0x1:0:0:0,0:0:0:0", "expected four decimal numbers" },
    { "-1:0:0:0,0:0:0:0", "expected four decimal numbers" },
    { "4294967296:0:0:0,0:0:0:0", "expected four decimal numbers" },
    { "naa.5000c50015ea71a,0:0:0:0", "hex digits after 'naa.'; expected 16 or 32" },
    { "naa.5000c50015ea71acd,0:0:0:0", "hex digits after 'naa.'; expected 16 or 32" },
    { "naa.5000c50015ea71ag,0:0:0:0", "hex digits after 'naa.'; expected 16 or 32" },
    { "naa.,0:0:0:0", "0 hex digits after 'naa.'; expected 16 or 32" },
    { "naa.5000c50015ea71ac:,0:0:0:0", "has no LUN after the ':'; expected a decimal number" },
    { "naa.5000c50015ea71ac:18446744073709551616,0:0:0:0", "has no LUN after the ':'" },
    { "naa.5000c50015ea71ac:x,0:0:0:0", "has no LUN after the ':'" },
    { "t10.,0:0:0:0", "expected a wwid" },
    { "/dev/sd\001,0:0:0:0", "'/dev/sd\\x01' holds a character that cannot be printed" },
    { "/dev/sda,0:0:0", "v-dev '0:0:0': expected four decimal numbers h:c:t:l" },
    { "/dev/sda,0:0:0:0:0", "expected four decimal numbers" },
    { "/dev/sda,0:0:0:a", "expected four decimal numbers" },
    { "/dev/sda,0:256:0:0", "out of range: h:c:t:l with channel 0..255, target 0..65535, lun 0..16383" },
    { "/dev/sda,0:0:65536:0", "out of range" },
    { "/dev/sda,0:0:0:16384", "out of range" },
    { "/dev/sda,4294967296:0:0:0", "out of range" },
    { "/dev/sda,hosts", "expected four decimal numbers" },
    { "/dev/sda,0:0:0:0,", "there is no option after the last comma, or between two: expected one of feature-host" },
    { "/dev/sda,0:0:0:0,,readonly", "there is no option after the last comma, or between two" },
    { "/dev/sda,0:0:0:0,readonly=1", "option 'readonly=1' takes no value: expected readonly" },
    { "/dev/sda,0:0:0:0,pr-move=0", "option 'pr-move=0' takes no value: expected pr-move" },
    { "/dev/sda,0:0:0:0,pr", "option 'pr' has no value: expected pr=auto|helper|direct|deny" },
    { "/dev/sda,0:0:0:0,=1", "unknown option '=1': expected one of" },
    { "/dev/sda,0:0:0:0,readonyl",
      "unknown option 'readonyl': expected one of feature-host readonly backend=DOMAIN "
      "pr=auto|helper|direct|deny pr-move pr-force allow=COMMANDS deny=COMMANDS third-party-copy iops=COUNT "
      "bps=BYTES burst=SECONDS force required optional unit=IDENTIFIER" },
    { "/dev/sda,0:0:0:0,backend", "option 'backend' has no value: expected backend=DOMAIN" },
    { "/dev/sda,0:0:0:0,backend=", "option 'backend=' has no value: expected backend=DOMAIN" },
    { "/dev/sda,0:0:0:0,backend=a,backend=b", "option 'backend=' is given twice" },
    { "/dev/sda,0:0:0:0,pr=", "expected pr=auto, pr=helper, pr=direct or pr=deny" },
    { "/dev/sda,0:0:0:0,pr=Helper", "expected pr=auto, pr=helper, pr=direct or pr=deny" },
    { "/dev/sda,0:0:0:0,required,optional", "options required and optional exclude each other" },
    { "/dev/sda,0:0:0:0,allow=", "option 'allow=' has no value: expected allow=COMMANDS" },
    { "/dev/sda,0:0:0:0,allow=3b,allow=85", "option 'allow=' is given twice" },
    { "/dev/sda,0:0:0:0,allow=write", "option 'allow=': 'write' is no command; expected an opcode" },
    { "/dev/sda,0:0:0:0,deny=2a+12", "option 'deny=': '12' cannot be denied" },
    { "/dev/sda,0:0:0:0,iops=1", "option 'iops=1': expected commands per second, 2 to 1000000, or 0 for no limit" },
    { "/dev/sda,0:0:0:0,iops=50K", "option 'iops=50K': expected commands per second" },
    { "/dev/sda,0:0:0:0,bps=512K",
      "option 'bps=512K': expected bytes per second, 1M to 1T, or 0 for no limit; a capital K, M, " },
    { "/dev/sda,0:0:0:0,bps=", "option 'bps=': expected bytes per second" },
    { "/dev/sda,0:0:0:0,iops=5,burst=0", "option 'burst=0': expected seconds, 1 to 3600" },
    { "/dev/sda,0:0:0:0,burst=5", "option 'burst=' without a limit: give iops= or bps= too" },
    { "/dev/sda,0:0:0:0,iops=5,iops=6", "option 'iops=' is given twice" },
    { "/dev/sda,0:0:0:0,iopsy=5", "unknown option 'iopsy=5'" },
    { "/dev/sda,0:0:0:0,bps", "option 'bps' has no value: expected bps=BYTES" },
    { "/dev/sda,0:0:0:0,pr=deny,pr=deny", "option 'pr=' is given twice" },
};

START_TEST(mistake_is_explained)
{
    struct vscsi_entry e;
    char err[VSCSI_ERROR_MAX] = "";

    ck_assert_int_eq(vscsi_entry_parse(bad[_i].text, &e, err), -EINVAL);
    ck_assert_msg(strstr(err, bad[_i].error), "%s: expected '%s' in '%s'", bad[_i].text, bad[_i].error, err);
    ck_assert_ptr_null(strchr(err, '\n'));
    ck_assert_ptr_null(e.pdev);
    ck_assert_ptr_null(e.backend);
}
END_TEST

START_TEST(pdev_length)
{
    struct vscsi_entry e;
    char err[VSCSI_ERROR_MAX], text[600];

    snprintf(text, sizeof(text), "/dev/%0*d,0:0:0:0", 506, 0);
    ck_assert_int_eq(vscsi_entry_parse(text, &e, err), 0);
    ck_assert_uint_eq(strlen(e.pdev), 511);
    vscsi_entry_clear(&e);
    snprintf(text, sizeof(text), "/dev/%0*d,0:0:0:0", 507, 0);
    ck_assert_int_eq(vscsi_entry_parse(text, &e, err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err, "at most 511 characters"));
}
END_TEST

static const struct {
    const char *a, *b, *error; /* NULL: they fit */
} pairs[] = {
    { "/dev/sda,0:0:0:0", "/dev/sdb,0:0:0:1", NULL },
    { "/dev/sda,0:0:0:0", "/dev/sdb,1:0:0:0", NULL },
    { "/dev/sda,0:0:0:0", "/dev/sdb,0:0:0:0", "v-dev 0:0:0:0 is given twice (p-dev /dev/sda and /dev/sdb)" },
    { "/dev/sda,0:0:0:0", "/dev/sda,0:0:0:1", NULL },
    { "/dev/sda,0:0:0:0,backend=a", "/dev/sdb,0:0:0:1,backend=a", NULL },
    { "/dev/sda,0:0:0:0,backend=0", "/dev/sdb,0:0:0:1", NULL },
    { "/dev/sda,0:0:0:0,backend=a", "/dev/sdb,0:0:0:1", "cannot have two backend domains" },
    { "/dev/sda,0:0:0:0,backend=a", "/dev/sdb,1:0:0:1", NULL },
    { "/dev/sda,2:0:0:0,feature-host", "/dev/sdb,2:0:0:1", "feature-host holds for all devices of virtual host 2" },
    { "/dev/sda,2:0:0:0,feature-host", "/dev/sdb,3:0:0:1", NULL },
    { "/dev/sda,host", "/dev/sdb,0:0:0:1", NULL },
};

START_TEST(entries_fit_together)
{
    struct vscsi_entry e[2];
    char err[VSCSI_ERROR_MAX] = "";
    unsigned which = 77;
    int r;

    ck_assert_int_eq(vscsi_entry_parse(pairs[_i].a, &e[0], err), 0);
    ck_assert_int_eq(vscsi_entry_parse(pairs[_i].b, &e[1], err), 0);
    r = vscsi_entries_check(e, 2, &which, err);
    ck_assert_int_eq(r, pairs[_i].error ? -EINVAL : 0);
    if (pairs[_i].error) {
        ck_assert_uint_eq(which, 1);
        ck_assert_msg(strstr(err, pairs[_i].error), "%s", err);
    }
    vscsi_entry_clear(&e[0]);
    vscsi_entry_clear(&e[1]);
}
END_TEST

START_TEST(lack_of_memory_is_survived)
{
    static const char text[] = "/dev/sda,0:0:0:0,backend=b,pr=deny";
    struct vscsi_entry e, copy;
    char err[VSCSI_ERROR_MAX];
    int n = 1;

    for (; fail_at = n, vscsi_entry_parse(text, &e, err) < 0; n++) {
        ck_assert_str_eq(err, "out of memory");
        ck_assert_ptr_null(e.pdev);
    }
    ck_assert_int_eq(n, 5); /* the text, p-dev, backend, pr; then none failed */
    for (n = 1; fail_at = n, vscsi_entry_copy(&e, &copy) < 0; n++)
        ck_assert_ptr_null(copy.pdev);
    ck_assert_int_eq(n, 4);
    fail_at = 0;
    vscsi_entry_clear(&e);
    vscsi_entry_clear(&copy);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, entry_is_understood, 0, ARRAY_SIZE(good));
    tcase_add_loop_test(t, mistake_is_explained, 0, ARRAY_SIZE(bad));
    tcase_add_test(t, pdev_length);
    tcase_add_loop_test(t, entries_fit_together, 0, ARRAY_SIZE(pairs));
    tcase_add_test(t, lack_of_memory_is_survived);
}

int main(void)
{
    return run_tests("vscsi syntax", NULL, NULL, add_tests);
}
