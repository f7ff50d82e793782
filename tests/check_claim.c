// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is held of a device while a guest has it, and who is named when that fails: over a made-up /sys and /proc, and
 * device nodes that are dangling links. The program is linked with --wrap=open and --wrap=stat: for those they say what
 * a kernel would.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/util.h"
#include "control/claims.h"
#include "device/claim.h"
#include "device/holder.h"
#include "suite.h"
#include "wrapped.h"

static char root[64], sys[80], nodes[80], proc[80];
static struct device_roots roots;

static unsigned n_opened;
static char opened[64]; /* the last node that was opened, and how */
static int opened_flags;
static int busy_times;  /* this many opens end with EBUSY */
static int write_error; /* an open for writing ends with this errno */
static int other_error; /* each one does */

int __real_open(const char *path, int flags, ...) REAL("open64");
int __wrap_open(const char *path, int flags, ...) WRAP("open64");
int __real_stat(const char *path, struct stat *st) REAL("stat64");
int __wrap_stat(const char *path, struct stat *st) WRAP("stat64");

int __wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    unsigned mode;

    va_start(ap, flags);
    mode = (flags & O_CREAT) ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    if (strncmp(path, nodes, strlen(nodes)) != 0 || flags & O_CREAT)
        return __real_open(path, flags, mode);
    n_opened++;
    snprintf(opened, sizeof(opened), "%s", path + strlen(nodes) + 1);
    opened_flags = flags;
    if (busy_times > 0)
        errno = EBUSY;
    else if (write_error && (flags & O_ACCMODE) == O_RDWR)
        errno = write_error;
    else if (other_error)
        errno = other_error;
    else
        return __real_open("/dev/null", O_RDONLY | O_CLOEXEC);
    busy_times -= busy_times > 0;
    return -1;
}

/* open() in a build with _FORTIFY_SOURCE, where the compiler does not know the flags. */
int __wrap___open_2(const char *path, int flags) WRAP("__open64_2");
int __wrap___open_2(const char *path, int flags)
{
    return __wrap_open(path, flags);
}

/* A file in the made-up /dev, and what a made-up process has open, is a node: a link to "b,8,0". */
int __wrap_stat(const char *path, struct stat *st)
{
    unsigned major_no, minor_no;
    char target[256], kind;
    ssize_t n;

    if (strncmp(path, root, strlen(root)) != 0)
        return __real_stat(path, st);
    n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        return __real_stat(path, st);
    target[n] = '\0';
    if (sscanf(target, "%c,%u,%u", &kind, &major_no, &minor_no) != 3)
        return __real_stat(path, st);
    memset(st, 0, sizeof(*st));
    st->st_mode = kind == 'b' ? S_IFBLK : S_IFCHR;
    st->st_rdev = makedev(major_no, minor_no);
    return 0;
}

static void run(const char *fmt, ...) PRINTF(1, 2);

static void run(const char *fmt, ...)
{
    CLEANUP_FREE char *command = NULL;
    va_list ap;

    va_start(ap, fmt);
    ck_assert_int_ge(vasprintf(&command, fmt, ap), 0);
    va_end(ap);
    ck_assert_int_eq(system(command), 0);
}

/* sda with a partition, a removable disk sdb, the optical drive sr0, the tape nst0, a changer; nobody has one open. */
static void setup(void)
{
    snprintf(root, sizeof(root), "/tmp/check_claim.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    snprintf(sys, sizeof(sys), "%s/sys", root);
    snprintf(nodes, sizeof(nodes), "%s/dev", root);
    snprintf(proc, sizeof(proc), "%s/proc", root);
    roots = (struct device_roots){ .sysfs = sys, .dev = nodes, .proc = proc };
    opened_flags = 0;
    run("cd %s && mkdir -p sys dev proc/self proc/1/fd proc/20/fd && : >proc/swaps && : >proc/self/mountinfo && "
        "echo init >proc/1/comm && echo mt >proc/20/comm && "
        "printf 'Name:\\tinit\\nPPid:\\t0\\nUid:\\t0\\t0\\t0\\t0\\n' | tee proc/1/status >proc/20/status && "
        "ln -s b,8,0 dev/sda && ln -s b,8,16 dev/sdb && ln -s b,11,0 dev/sr0 && ln -s c,9,128 dev/nst0",
        root);
    run("cd %s && mkdir -p class/block bus/scsi/devices && cd class/block && mkdir -p sda/sda1 sdb sr0 && "
        "echo 8:0 >sda/dev && echo 8:1 >sda/sda1/dev && echo 1 >sda/sda1/partition && echo 8:16 >sdb/dev && "
        "echo 11:0 >sr0/dev && echo 0 >sda/removable && echo 1 >sdb/removable && echo 1 >sr0/removable && "
        "for i in sda sdb sr0; do echo -1 >$i/events_poll_msecs; done",
        sys);
    run("cd %s/bus/scsi/devices && mkdir -p 1:0:0:0 2:0:0:0 3:0:0:0 5:0:0:0/scsi_generic/sg5 "
        "4:0:0:0/scsi_tape/st0 4:0:0:0/scsi_tape/nst0a 4:0:0:0/scsi_tape/nst0 4:0:0:0/scsi_generic/sg4 && "
        "echo 21:5 >5:0:0:0/scsi_generic/sg5/dev && echo 21:4 >4:0:0:0/scsi_generic/sg4/dev && "
        "echo 9:0 >4:0:0:0/scsi_tape/st0/dev && echo 9:224 >4:0:0:0/scsi_tape/nst0a/dev && "
        "echo 9:128 >4:0:0:0/scsi_tape/nst0/dev",
        sys);
    n_opened = 0;
    opened[0] = '\0';
    busy_times = write_error = other_error = 0;
}

static void teardown(void)
{
    run("rm -rf '%s'", root);
}

/* By the name of its node; "sch0" has no block device. */
static struct device device_of(const char *name)
{
    struct device d = { 0 };

    d.hctl.host = !strcmp(name, "sda")   ? 1
                  : !strcmp(name, "sdb") ? 2
                  : !strcmp(name, "sr0") ? 3
                  : !strcmp(name, "st0") ? 4
                                         : 5;
    d.type = d.hctl.host == 3 ? 0x05 : d.hctl.host == 4 ? 0x01 : d.hctl.host == 5 ? 0x08 : 0x00;
    snprintf(d.sg_name, sizeof(d.sg_name), "sg%u", d.hctl.host);
    if (d.hctl.host < 4)
        snprintf(d.block_name, sizeof(d.block_name), "%s", name);
    d.block_dev = d.hctl.host == 3 ? makedev(11, 0) : makedev(8, d.hctl.host == 1 ? 0 : 16);
    return d;
}

static void expect_polling(const char *name, const char *value)
{
    run("test \"$(cat %s/class/block/%s/events_poll_msecs)\" = \"%s\"", sys, name, value);
}

/* --- what is held --- */

static const struct {
    const char *name;
    const char *opened; /* "": nothing */
    int flags;
    bool polled;
} holds[] = {
    { "sda", "sda", O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC, false },
    { "sdb", "sdb", O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC, true },
    { "sr0", "sr0", O_RDWR | O_EXCL | O_NONBLOCK | O_CLOEXEC, true },
    { "st0", "nst0", O_RDONLY | O_NONBLOCK | O_CLOEXEC, false },
    { "sch0", "", 0, false },
};

START_TEST(each_type_is_held_in_its_way)
{
    struct device d = device_of(holds[_i].name);
    struct device_claim c;
    char why[DEVICE_WHY_MAX] = "x";

    ck_assert_int_eq(device_claim(&roots, &d, &c, why), 0);
    ck_assert_str_eq(why, "");
    ck_assert_str_eq(opened, holds[_i].opened);
    ck_assert_int_eq(opened_flags, holds[_i].flags);
    ck_assert_uint_eq(n_opened, holds[_i].opened[0] != '\0');
    ck_assert_int_eq(c.fd >= 0, holds[_i].opened[0] != '\0');
    ck_assert_int_eq(c.polled, holds[_i].polled);
    if (holds[_i].polled)
        expect_polling(holds[_i].name, "0");
    device_claim_end(&roots, &d, &c, true);
    ck_assert_int_eq(c.fd, -1);
    if (d.block_name[0])
        expect_polling(holds[_i].name, "-1");
}
END_TEST

/* The next daemon claims while the polling is off. */
START_TEST(polling_is_put_back_to_what_it_was)
{
    static const struct {
        const char *before, *after;
        bool put_back;
    } cases[] = { { "2000", "2000", true }, { "2000", "0", false }, { "0", "-1", true } };
    struct device d = device_of("sr0");
    struct device_claim c;
    char why[DEVICE_WHY_MAX];

    run("echo %s >%s/class/block/sr0/events_poll_msecs", cases[_i].before, sys);
    ck_assert_int_eq(device_claim(&roots, &d, &c, why), 0);
    expect_polling("sr0", "0");
    device_claim_end(&roots, &d, &c, cases[_i].put_back);
    expect_polling("sr0", cases[_i].after);
}
END_TEST

START_TEST(a_drive_that_cannot_be_written_is_held_for_reading)
{
    struct device d = device_of("sr0");
    struct device_claim c;
    char why[DEVICE_WHY_MAX];

    write_error = _i ? EROFS : EACCES;
    ck_assert_int_eq(device_claim(&roots, &d, &c, why), 0);
    ck_assert_uint_eq(n_opened, 2);
    ck_assert_int_eq(opened_flags, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
    device_claim_end(&roots, &d, &c, true);
}
END_TEST

START_TEST(a_missing_node_is_said)
{
    struct device d = device_of("sda");
    struct device_claim c;
    char why[DEVICE_WHY_MAX], expected[DEVICE_WHY_MAX];

    run(_i ? "rm %s/dev/sda && ln -s b,8,1 %s/dev/sda" : "rm %s/dev/sda # %s", root, root);
    snprintf(expected, sizeof(expected), "%s/sda: %s, so this domain is not kept off the device", nodes,
             _i ? "it is the node of something else" : "there is no such node");
    ck_assert_int_eq(device_claim(&roots, &d, &c, why), 0);
    ck_assert_str_eq(why, expected);
    ck_assert_int_eq(c.fd, -1);
    ck_assert_uint_eq(n_opened, 0);
}
END_TEST

START_TEST(another_error_is_told)
{
    struct device d = device_of("sda");
    struct device_claim c;
    char why[DEVICE_WHY_MAX], expected[DEVICE_WHY_MAX];

    other_error = EIO;
    snprintf(expected, sizeof(expected), "%s/sda: Input/output error", nodes);
    ck_assert_int_eq(device_claim(&roots, &d, &c, why), -EIO);
    ck_assert_str_eq(why, expected);
}
END_TEST

/* --- who is named --- */

static const struct {
    const char *name, *setup; /* a command in the made-up root */
    int busy;
    const char *why; /* NULL: it is not refused */
} uses[] = {
    { "sda", "echo '40 22 8:1 / /srv rw - ext4 /dev/sda1 rw' >proc/self/mountinfo", 0, "it is mounted on /srv" },
    { "sda", "echo '/dev/sda partition 1 2 3' >proc/swaps", 0, "this system swaps to it" },
    { "sda", "mkdir -p sys/class/block/sda/holders/md0", 0, "it is part of /dev/md0" },
    /* Not exclusively: that is allowed for disks. */
    { "sda", "ln -s b,8,0 proc/20/fd/5", 0, NULL },
    { "sda", "ln -s b,8,0 proc/20/fd/5", 99, "process 20 (mt) has /dev/sda open" },
    { "sda", "ln -s b,8,1 proc/20/fd/5", 99, "process 20 (mt) has /dev/sda1 open" },
    { "sda", "ln -s c,8,0 proc/20/fd/5", 99, "something in this domain has %s/sda open exclusively" },
    { "sda", ":", 99, "something in this domain has %s/sda open exclusively" },
    { "sda", ":", 3, NULL }, /* for a moment */
    { "sr0", "ln -s b,11,0 proc/20/fd/5", 99, "process 20 (mt) has /dev/sr0 open" },
    { "st0", "ln -s c,9,128 proc/20/fd/5", 0, "process 20 (mt) has /dev/nst0 open" },
    { "st0", "ln -s c,9,0 proc/20/fd/5", 0, "process 20 (mt) has /dev/st0 open" },
    { "st0", "ln -s c,21,4 proc/20/fd/5", 0, "process 20 (mt) has /dev/sg4 open" },
    { "st0", "ln -s c,21,5 proc/20/fd/5", 0, NULL },
    { "st0", "ln -s b,9,0 proc/20/fd/5", 0, NULL },
    { "st0", "ln -s c,21,4 proc/20/fd/5; echo pvscsid-worker >proc/20/comm", 0, NULL },
    { "st0", ":", 99, "something in this domain has %s/nst0 open exclusively" },
    { "st0", "rm -r sys/bus/scsi/devices/4:0:0:0/scsi_tape", 99, NULL }, /* the kernel's st is not loaded */
    { "sch0", "ln -s c,21,5 proc/20/fd/5", 0, "process 20 (mt) has /dev/sg5 open" },
    { "sch0", "ln -s c,21,5 proc/20/fd/5; printf 'a\\033b' >proc/20/comm", 0,
      "process 20 (a\\x1bb) has /dev/sg5 open" },
};

START_TEST(who_uses_it_is_named)
{
    struct device d = device_of(uses[_i].name);
    struct device_claim c;
    char why[DEVICE_WHY_MAX] = "", expected[DEVICE_WHY_MAX] = "";
    int r;

    run("cd %s && %s", root, uses[_i].setup);
    busy_times = uses[_i].busy;
    r = device_claim(&roots, &d, &c, why);
    if (uses[_i].why && strchr(uses[_i].why, '%'))
        snprintf(expected, sizeof(expected), "something in this domain has %s/%s open exclusively", nodes,
                 d.block_name[0] ? d.block_name : "nst0");
    else if (uses[_i].why)
        snprintf(expected, sizeof(expected), "%s", uses[_i].why);
    ck_assert_msg(r == (uses[_i].why ? -EBUSY : 0), "%d: %d, %s", _i, r, why);
    ck_assert_str_eq(why, expected);
    if (r == 0)
        device_claim_end(&roots, &d, &c, true);
}
END_TEST

/* A name is what a process says of itself. Process 30 is the parent of process 20. */
static const struct {
    const char *comm;
    uint32_t uid;
    const char *parent;
    uint32_t parent_uid;
    enum holder_opener want;
} named[] = {
    { "pvscsid", 0, "init", 0, OPENER_OURS },
    { "pvscsid-worker", 0, "init", 0, OPENER_OURS },
    { "pvscsid-worker", 70020, "init", 0, OPENER_OURS }, /* base and process ID */
    { "pvscsid-worker", 70021, "init", 0, OPENER_OTHER },
    { "pvscsid-worker", 4242, "pvscsid", 0, OPENER_OURS }, /* a base of another daemon's config */
    { "pvscsid-worker", 4242, "pvscsid", 4242, OPENER_OTHER },
    { "pvscsid-worker", 4242, "bash", 0, OPENER_OTHER },
    { "pvscsid", 4242, "init", 0, OPENER_OTHER },
    { "pvscsid2", 0, "init", 0, OPENER_OTHER },
    { "mt", 0, "pvscsid", 0, OPENER_OTHER },
};

START_TEST(only_a_process_that_certainly_is_one_of_ours_counts_as_such)
{
    struct device d = device_of("sda");
    char why[DEVICE_WHY_MAX];

    roots.worker_uids = 70000;
    run("cd %s/proc && mkdir 30 && echo %s >30/comm && printf 'Name:\\tx\\nPPid:\\t1\\nUid:\\t%u\\t1\\n' >30/status && "
        "ln -s b,8,0 20/fd/5 && echo %s >20/comm && printf 'Name:\\tx\\nPPid:\\t30\\nUid:\\t%u\\t1\\n' >20/status",
        root, named[_i].parent, named[_i].parent_uid, named[_i].comm, named[_i].uid);
    ck_assert_int_eq(holder_opener(&roots, &d, why), named[_i].want);
}
END_TEST

/* The kernel allows a process 65536 groups. */
START_TEST(a_process_of_many_groups_is_seen)
{
    struct device d = device_of("sda");
    char why[DEVICE_WHY_MAX];

    run("cd %s/proc/20 && ln -s b,8,0 fd/5 && { printf 'Groups:\t'; seq 70000 135536 | tr '\\n' ' '; } >>status", root);
    ck_assert_int_eq(holder_opener(&roots, &d, why), OPENER_OTHER);
    ck_assert_str_eq(why, "process 20 (mt) has /dev/sda open");
}
END_TEST

START_TEST(a_program_of_ours_does_not_count)
{
    struct device d = device_of("sda");
    char why[DEVICE_WHY_MAX];

    ck_assert_int_eq(holder_opener(&roots, &d, why), OPENER_NONE);
    run("cd %s && ln -s b,8,0 proc/20/fd/5 && echo pvscsid >proc/20/comm", root);
    ck_assert_int_eq(holder_opener(&roots, &d, why), OPENER_OURS);
    run("cd %s && ln -s b,8,0 proc/1/fd/7", root);
    ck_assert_int_eq(holder_opener(&roots, &d, why), OPENER_OTHER);
    ck_assert_str_eq(why, "process 1 (init) has /dev/sda open");
}
END_TEST

/* --- the set --- */

static struct claims *cs;

static int take(const char *name, bool force, struct claim **out, char *why)
{
    struct device d = device_of(name);

    return claim_take(cs, &roots, &d, force, out, why);
}

static void give(struct claim *c)
{
    if (claim_drop(cs, c))
        claim_end(cs, &roots, c, true);
}

static void setup_set(void)
{
    setup();
    cs = claims_new();
    ck_assert_ptr_nonnull(cs);
}

static void teardown_set(void)
{
    claims_unref(cs);
    teardown();
}

START_TEST(a_device_is_claimed_once)
{
    struct claim *a, *b, *other;
    char why[DEVICE_WHY_MAX];

    ck_assert_int_eq(take("sda", false, &a, why), 0);
    ck_assert_int_eq(take("sda", false, &b, why), 0);
    ck_assert_ptr_eq(a, b);
    ck_assert_uint_eq(n_opened, 1);
    ck_assert_int_eq(take("sdb", false, &other, why), 0);
    ck_assert_ptr_ne(a, other);
    ck_assert(!claim_drop(cs, a));
    ck_assert(claim_drop(cs, b));
    claim_end(cs, &roots, b, true);
    give(other);
    ck_assert_int_eq(take("sda", false, &a, why), 0);
    ck_assert_uint_eq(n_opened, 3);
    give(a);
}
END_TEST

START_TEST(a_file_is_not_claimed)
{
    struct device d = { .from = PDEV_FILE };
    struct claim *c;
    char why[DEVICE_WHY_MAX];

    ck_assert_int_eq(claim_take(cs, &roots, &d, false, &c, why), 0);
    ck_assert_ptr_null(c);
    ck_assert(!claim_drop(cs, c));
}
END_TEST

START_TEST(force_goes_on_without_a_claim)
{
    struct claim *a, *b;
    char why[DEVICE_WHY_MAX];

    run("echo '/dev/sda partition 1 2 3' >%s/proc/swaps", root);
    ck_assert_int_eq(take("sda", false, &a, why), -EBUSY);
    ck_assert_ptr_null(a);
    ck_assert_int_eq(take("sda", true, &a, why), 0);
    ck_assert_str_eq(why, "this system swaps to it");
    ck_assert_uint_eq(n_opened, 0);
    /* Another guest, without force, and then when the swap is off. */
    ck_assert_int_eq(take("sda", false, &b, why), -EBUSY);
    run(": >%s/proc/swaps", root);
    ck_assert_int_eq(take("sda", false, &b, why), 0);
    ck_assert_ptr_eq(a, b);
    ck_assert_uint_eq(n_opened, 1);
    give(a);
    give(b);
}
END_TEST

/* The old device is still open somewhere when another one has its address. */
START_TEST(a_new_device_at_the_address_is_claimed_anew)
{
    struct claim *a, *b;
    char why[DEVICE_WHY_MAX];

    ck_assert_int_eq(take("sda", false, &a, why), 0);
    run("cd %s/bus/scsi/devices && mkdir new && rmdir 1:0:0:0 && mv new 1:0:0:0", sys);
    ck_assert_int_eq(take("sda", false, &b, why), 0);
    ck_assert_ptr_ne(a, b);
    ck_assert_uint_eq(n_opened, 2);
    give(a);
    give(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("claims");
    TCase *t = tcase_create("device"), *set = tcase_create("set");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, each_type_is_held_in_its_way, 0, ARRAY_SIZE(holds));
    tcase_add_loop_test(t, polling_is_put_back_to_what_it_was, 0, 3);
    tcase_add_loop_test(t, a_drive_that_cannot_be_written_is_held_for_reading, 0, 2);
    tcase_add_loop_test(t, a_missing_node_is_said, 0, 2);
    tcase_add_test(t, another_error_is_told);
    tcase_add_loop_test(t, who_uses_it_is_named, 0, ARRAY_SIZE(uses));
    tcase_add_test(t, a_process_of_many_groups_is_seen);
    tcase_add_test(t, a_program_of_ours_does_not_count);
    tcase_add_loop_test(t, only_a_process_that_certainly_is_one_of_ours_counts_as_such, 0,
                        sizeof(named) / sizeof(named[0]));
    suite_add_tcase(s, t);
    tcase_add_checked_fixture(set, setup_set, teardown_set);
    tcase_add_test(set, a_device_is_claimed_once);
    tcase_add_test(set, a_file_is_not_claimed);
    tcase_add_test(set, force_goes_on_without_a_claim);
    tcase_add_test(set, a_new_device_at_the_address_is_claimed_anew);
    suite_add_tcase(s, set);
    return run_suite(s);
}
