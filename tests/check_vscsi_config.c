// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests' configurations as xl reads them, and libxl's JSON as it keeps them.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#include "common/util.h"
#include "xl-scsi/cfg.h"
#include "xl-scsi/remember.h"
#include "suite.h"

static const struct {
    const char *text;
    int result;
    unsigned n;
    const char *last; /* the last entry; or a part of the error */
} configs[] = {
    { "name='g'\n", 0, 0, NULL },
    { "", 0, 0, NULL },
    { "vscsi = []\n", 0, 0, NULL },
    { "vscsi = [ '/dev/sda,0:0:0:0' ]\n", 0, 1, "/dev/sda,0:0:0:0" },
    { "vscsi = [ '/dev/sda,0:0:0:0', \"/dev/sdb,0:0:0:1,readonly\" ]\n", 0, 2, "/dev/sdb,0:0:0:1,readonly" },
    { "vscsi=[\n  '/dev/sda, 0:0:0:0',\n  '3:0:0:1, 0:0:1:0', # two\n]\n", 0, 2, "3:0:0:1,0:0:1:0" },
    { "vscsi = [ '/dev/sda,0:0:0:0' ]\nvscsi = [ '/dev/sdb,0:0:0:1' ]\n", 0, 1, "/dev/sdb,0:0:0:1" },
    { "vscsi = [ '/dev/sda,0:0:0:0' ]\nvscsi += [ '/dev/sdb,0:0:0:1' ]\n", 0, 2, "/dev/sdb,0:0:0:1" },
    { "vscsi = [ '/dev/sda,0:0:0:0' ]\nvscsi = []\n", 0, 0, NULL },
    { "vscsi = '/dev/sda,0:0:0:0'\n", -EINVAL, 0, "g.cfg: vscsi is no list: expected vscsi=[" },
    { "vscsi = 5\n", -EINVAL, 0, "vscsi is no list" },
    { "vscsi = [ [ '/dev/sda' ] ]\n", -EINVAL, 0, "g.cfg: vscsi entry 1 is no string" },
    { "vscsi = [ '/dev/sda,0:0:0:0', 'sdb,0:0:0:1' ]\n", -EINVAL, 0,
      "g.cfg: vscsi entry 2 ('sdb,0:0:0:1'): p-dev 'sdb'" },
    { "vscsi = [ '' ]\n", -EINVAL, 0, "vscsi entry 1 (''): no p-dev" },
    { "vscsi = [ '/dev/sda,0:0:0:0', '/dev/sdb,0:0:0:0' ]\n", -EINVAL, 0,
      "vscsi entry 2: v-dev 0:0:0:0 is given twice" },
    { "vscsi = [ '/dev/sda,0:0:0:0'\n", -ENOEXEC, 0, "g.cfg:" },
    { "this is no configuration\n", -ENOEXEC, 0, "g.cfg:1: config parsing error" },
};

START_TEST(every_mistake_is_named)
{
    struct guest_config c;
    char err[CONFIG_ERROR_MAX] = "";

    ck_assert_int_eq(guest_config_parse("g.cfg",
                                        "vscsi = [ 'sda,0:0:0:0', '/dev/sdb,0:0:0:1', [ 'x' ], '/dev/sdc,0:0:0:1', "
                                        "'/dev/sdd,0:0:0:2,readonyl', '/dev/sde,0:0:0:1' ]\n",
                                        &c, err),
                     -EINVAL);
    ck_assert_str_eq(
        err, "g.cfg: vscsi entry 1 ('sda,0:0:0:0'): p-dev 'sda' does not name a SCSI device; expected /dev/..., "
             "h:c:t:l, naa.<16 or 32 hex digits>[:lun] or a wwid as in sysfs; did you mean /dev/sda?\n"
             "g.cfg: vscsi entry 3 is no string: expected 'pdev,vdev[,option...]'\n"
             "g.cfg: vscsi entry 5 ('/dev/sdd,0:0:0:2,readonyl'): unknown option 'readonyl': expected one of "
             "feature-host readonly backend=DOMAIN pr=auto|helper|direct|deny pr-move pr-force "
             "allow=COMMANDS deny=COMMANDS third-party-copy iops=COUNT bps=BYTES burst=SECONDS "
             "force required optional unit=IDENTIFIER\n"
             "g.cfg: vscsi entry 4: v-dev 0:0:0:1 is given twice (p-dev /dev/sdb and /dev/sdc)\n"
             "g.cfg: vscsi entry 6: v-dev 0:0:0:1 is given twice (p-dev /dev/sdb and /dev/sde)");
}
END_TEST

/* What has no room is left out, by whole lines. */
START_TEST(too_many_mistakes)
{
    CLEANUP_FREE char *text = calloc(1, 20000);
    char err[CONFIG_ERROR_MAX] = "";
    struct guest_config c;

    strcpy(text, "vscsi = [ 'x'");
    for (unsigned i = 0; i < 1000; i++)
        strcat(text, ", 'x'");
    strcat(text, " ]\n");
    ck_assert_int_eq(guest_config_parse("g.cfg", text, &c, err), -EINVAL);
    ck_assert_uint_gt(strlen(err), CONFIG_ERROR_MAX - 300);
    ck_assert_str_eq(strrchr(err, '\n') + strlen(strrchr(err, '\n')) - 6, "dev/x?");
}
END_TEST

START_TEST(config_is_read)
{
    struct guest_config c;
    char err[CONFIG_ERROR_MAX] = "";

    ck_assert_int_eq(guest_config_parse("g.cfg", configs[_i].text, &c, err), configs[_i].result);
    ck_assert_uint_eq(c.n, configs[_i].n);
    if (configs[_i].result < 0) {
        ck_assert_msg(strstr(err, configs[_i].last), "%s", err);
        ck_assert_ptr_null(strchr(err, '\n'));
        return;
    }
    if (c.n) {
        CLEANUP_FREE char *last = vscsi_entry_format(&c.entries[c.n - 1]);

        ck_assert_str_eq(last, configs[_i].last);
    }
    guest_config_clear(&c);
}
END_TEST

/* Lines on the command line come after the file and override it. */
START_TEST(arguments_count_as_lines)
{
    char *extra[] = { (char *)"name=\"other\"", (char *)"vscsi=['/dev/sdb,0:0:0:1','/dev/sdc,0:0:0:2']" };
    char path[] = "/tmp/check_vscsi_config.XXXXXX", err[CONFIG_ERROR_MAX];
    static const char text[] = "name='g'\nvscsi=['/dev/sda,0:0:0:0']";
    struct guest_config c;
    int fd = mkstemp(path);

    ck_assert_int_eq(write_all(fd, text, sizeof(text) - 1), 0);
    close(fd);
    ck_assert_int_eq(guest_config_read(path, extra, 0, &c, err), 0);
    ck_assert_str_eq(c.name, "g");
    ck_assert_uint_eq(c.n, 1);
    guest_config_clear(&c);
    ck_assert_int_eq(guest_config_read(path, extra, 2, &c, err), 0);
    ck_assert_str_eq(c.name, "other");
    ck_assert_uint_eq(c.n, 2);
    ck_assert_str_eq(c.entries[0].pdev, "/dev/sdb");
    guest_config_clear(&c);
    unlink(path);
    ck_assert_int_eq(guest_config_read(path, extra, 2, &c, err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err, "cannot read /tmp/check_vscsi_config."));
    ck_assert_int_eq(guest_config_read("/dev/null", extra, 2, &c, err), 0);
    ck_assert_uint_eq(c.n, 2);
    guest_config_clear(&c);
}
END_TEST

#define JSON(xsdata) \
    "{ \"c_info\": { \"name\": \"g\", \"domid\": 4294967295" xsdata " }, \"b_info\": { \"kernel\": " \
    "\"/boot/x\", \"max_memkb\": 18446744073709551615 }, \"on_reboot\": \"restart\" }"

static const struct {
    const char *json, *add, *remove;
    int result;
    const char *want; /* the same JSON as this, but for blanks */
} edits[] = {
    { JSON(""), "/dev/sda,0:0:0:0", NULL, 0, JSON(", \"xsdata\": { \"pvscsi/0\": \"/dev/sda,0:0:0:0\" }") },
    { JSON(", \"xsdata\": { \"vm-data/x\": \"1\", \"pvscsi/0\": \"/dev/sda,0:0:0:0\" }"), "/dev/sdb,0:0:0:1,readonly",
      NULL, 0,
      JSON(", \"xsdata\": { \"vm-data/x\": \"1\", \"pvscsi/0\": \"/dev/sda,0:0:0:0\", \"pvscsi/1\": "
           "\"/dev/sdb,0:0:0:1,readonly\" }") },
    { JSON(", \"xsdata\": { \"pvscsi/0\": \"/dev/sda,0:0:0:0\" }"), "/dev/sdb,0:0:0:0", NULL, 0,
      JSON(", \"xsdata\": { \"pvscsi/0\": \"/dev/sdb,0:0:0:0\" }") },
    { JSON(", \"xsdata\": { \"pvscsi/1\": \"/dev/sda,0:0:0:0\" }"), "/dev/sdb,0:0:0:1", NULL, 0,
      JSON(", \"xsdata\": { \"pvscsi/1\": \"/dev/sda,0:0:0:0\", \"pvscsi/0\": \"/dev/sdb,0:0:0:1\" }") },
    { JSON(", \"xsdata\": { \"pvscsi/0\": \"/dev/sda,0:0:0:0\" }"), NULL, "0:0:0:0", 0, JSON("") },
    { JSON(", \"xsdata\": { \"a\": \"b\", \"pvscsi/0\": \"/dev/sda,0:0:0:0\" }"), NULL, "0:0:0:0", 0,
      JSON(", \"xsdata\": { \"a\": \"b\" }") },
    { JSON(", \"xsdata\": { \"pvscsi/0\": \"/dev/sda,0:0:0:0\" }"), NULL, "0:0:0:1", 1, NULL },
    { JSON(""), NULL, "0:0:0:1", 1, NULL },
    { JSON(", \"xsdata\": { \"pvscsi/0\": \"rubbish\", \"pvscsi/1\": 5 }"), NULL, "0:0:0:0", 1, NULL },
    { JSON(", \"xsdata\": [ 1 ]"), "/dev/sda,0:0:0:0", NULL, -EINVAL, NULL },
    { "{ \"c_info\": [] }", "/dev/sda,0:0:0:0", NULL, -EINVAL, NULL },
    { "{ }", "/dev/sda,0:0:0:0", NULL, -EINVAL, NULL },
    { "[ ]", "/dev/sda,0:0:0:0", NULL, -EINVAL, NULL },
    { "{ \"c_info\": {", "/dev/sda,0:0:0:0", NULL, -EINVAL, NULL },
    { "", "/dev/sda,0:0:0:0", NULL, -EINVAL, NULL },
};

/* None of the strings here holds a blank that matters. */
static char *squeeze(const char *text)
{
    char *out = calloc(1, strlen(text) + 1), *p = out;

    for (; *text; text++)
        if (*text != ' ' && *text != '\n')
            *p++ = *text;
    return out;
}

START_TEST(json_is_edited)
{
    struct vscsi_entry e = { 0 };
    struct hctl vdev = { 0 };
    char err[VSCSI_ERROR_MAX];
    CLEANUP_FREE char *out = NULL;

    if (edits[_i].add)
        ck_assert_int_eq(vscsi_entry_parse(edits[_i].add, &e, err), 0);
    if (edits[_i].remove)
        ck_assert_int_eq(vscsi_vdev_parse(edits[_i].remove, &vdev, err), 0);
    ck_assert_int_eq(remember_edit(edits[_i].json, &e, edits[_i].add ? 1 : 0, edits[_i].remove ? &vdev : NULL, &out),
                     edits[_i].result);
    if (edits[_i].want) {
        CLEANUP_FREE char *got = squeeze(out), *want = squeeze(edits[_i].want);

        ck_assert_str_eq(got, want);
    } else {
        ck_assert_ptr_null(out);
    }
    vscsi_entry_clear(&e);
}
END_TEST

START_TEST(json_is_read)
{
    struct remembered r;

    ck_assert_int_eq(remember_read(JSON(", \"uuid\": \"u\", \"xsdata\": { \"a\": \"b\", \"pvscsi/0\": "
                                        "\"/dev/sda,0:0:0:0\", \"pvscsi/1\": \"rubbish\", \"pvscsi/2\": "
                                        "\"/dev/sdb,0:0:0:1,readonly\", \"pvscsix/3\": \"/dev/sdc,0:0:0:1\" }"),
                                   &r),
                     0);
    ck_assert_str_eq(r.name, "g");
    ck_assert_str_eq(r.uuid, "u");
    ck_assert_uint_eq(r.n, 2);
    ck_assert_str_eq(r.entries[0].pdev, "/dev/sda");
    ck_assert_str_eq(r.entries[1].pdev, "/dev/sdb");
    ck_assert(r.entries[1].readonly);
    remembered_clear(&r);
    ck_assert_int_eq(remember_read("{ \"c_info\": { } }", &r), 0);
    ck_assert_ptr_null(r.name);
    ck_assert_ptr_null(r.uuid);
    ck_assert_uint_eq(r.n, 0);
    ck_assert_int_eq(remember_read("{ \"b_info\": { } }", &r), -EINVAL);
    ck_assert_int_eq(remember_read("nonsense", &r), -EINVAL);
}
END_TEST

START_TEST(options_of_a_noted_device_change)
{
    static const char json[] = JSON(
        ", \"xsdata\": { \"pvscsi/0\": \"/dev/sda,0:0:0:0\", \"pvscsi/1\": \"/dev/sdb,0:0:0:1,deny=42,optional\" }");
    static const struct {
        const char *vdev, *change;
        int result;
        const char *want;
    } changes[] = {
        { "0:0:0:1", "readonly=1", 0, "/dev/sdb,0:0:0:1,readonly,deny=42,optional" },
        { "0:0:0:1", "deny=none", 0, "/dev/sdb,0:0:0:1,optional" },
        { "0:0:0:1", "pr=deny", 0, "/dev/sdb,0:0:0:1,pr=deny,deny=42,optional" },
        { "0:0:0:2", "readonly=1", 1, NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        CLEANUP_FREE char *out = NULL;
        struct dev_settings settings = { 0 };
        char err[VSCSI_ERROR_MAX];
        struct remembered r;
        struct hctl vdev;

        ck_assert_int_eq(vscsi_vdev_parse(changes[i].vdev, &vdev, err), 0);
        ck_assert_int_eq(settings_parse(changes[i].change, &settings, err), 0);
        ck_assert_int_eq(remember_change_text(json, &vdev, &settings, &out), changes[i].result);
        settings_clear(&settings);
        if (!changes[i].want) {
            ck_assert_ptr_null(out);
            continue;
        }
        ck_assert_int_eq(remember_read(out, &r), 0);
        ck_assert_uint_eq(r.n, 2);
        for (unsigned k = 0; k < r.n; k++) {
            CLEANUP_FREE char *text = vscsi_entry_format(&r.entries[k]);

            ck_assert_str_eq(text, hctl_equal(&r.entries[k].vdev, &vdev) ? changes[i].want : "/dev/sda,0:0:0:0");
        }
        remembered_clear(&r);
    }
}
END_TEST

static char dir[] = "/tmp/check_vscsi_config.XXXXXX";

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static int take_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0666);

    return fd >= 0 && flock(fd, LOCK_EX) == 0 ? fd : -1;
}

/*
 * Holds the lock as libxl would and changes the file. It removes the lock's file before it releases the lock, and by
 * then it holds the next one for another change.
 */
static int play_libxl(const char *lock, const char *data, int ready)
{
    const struct timespec pause = { .tv_nsec = 300 * 1000000L };
    int first = take_lock(lock), second;

    if (first < 0 || write(ready, "x", 1) != 1)
        return 1;
    nanosleep(&pause, NULL);
    unlink(lock);
    second = take_lock(lock);
    close(first);
    if (second < 0)
        return 1;
    nanosleep(&pause, NULL);
    put_file(data, JSON(", \"xsdata\": { \"disk\": \"of xl\" }"));
    unlink(lock);
    close(second);
    return 0;
}

/* What another process writes under the lock stays, and so does what we add. */
START_TEST(json_is_changed_under_libxls_lock)
{
    struct userdata u = { .domid = 7, .uuid = "01234567-89ab-cdef-0123-456789abcdef" };
    struct vscsi_entry e = { 0 };
    char err[CHANGE_ERROR_MAX] = "", why[VSCSI_ERROR_MAX];
    int ready[2], status;

    u.dir = mkdtemp(dir);
    ck_assert_ptr_nonnull(u.dir);
    CLEANUP_FREE char *data = strf("%s/userdata-d.7.%s.libxl-json", dir, u.uuid), *text = NULL;
    CLEANUP_FREE char *lock = strf("%s/userdata-l.7.%s.domain-userdata-lock", dir, u.uuid);
    CLEANUP_FREE char *got = NULL, *want = NULL;

    ck_assert_int_eq(vscsi_entry_parse("/dev/sda,0:0:0:0", &e, why), 0);
    ck_assert_int_eq(remember_edit_file(&u, &e, 1, NULL, err), -ENOENT);
    ck_assert_ptr_nonnull(strstr(err, "xl keeps no configuration of domain 7"));
    ck_assert_int_eq(access(lock, F_OK), -1);
    put_file(data, JSON(""));
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();

    if (pid == 0) {
        status = play_libxl(lock, data, ready[1]);
        /* Valgrind looks at this process too. */
        free(data);
        free(lock);
        vscsi_entry_clear(&e);
        _exit(status);
    }
    ck_assert_int_eq(read(ready[0], err, 1), 1);
    ck_assert_int_eq(remember_edit_file(&u, &e, 1, NULL, err), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(read_file(data, 4096, &text, NULL), 0);
    got = squeeze(text);
    want = squeeze(JSON(", \"xsdata\": { \"disk\": \"of xl\", \"pvscsi/0\": \"/dev/sda,0:0:0:0\" }"));
    ck_assert_str_eq(got, want);
    ck_assert_int_eq(unlink(data), 0);
    /* Nothing else is left. */
    ck_assert_int_eq(rmdir(dir), 0);
    vscsi_entry_clear(&e);
    close(ready[0]);
    close(ready[1]);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, config_is_read, 0, ARRAY_SIZE(configs));
    tcase_add_test(t, every_mistake_is_named);
    tcase_add_test(t, too_many_mistakes);
    tcase_add_test(t, arguments_count_as_lines);
    tcase_add_loop_test(t, json_is_edited, 0, ARRAY_SIZE(edits));
    tcase_add_test(t, json_is_read);
    tcase_add_test(t, options_of_a_noted_device_change);
    tcase_add_test(t, json_is_changed_under_libxls_lock);
}

int main(void)
{
    return run_tests("guests' configurations", NULL, NULL, add_tests);
}
