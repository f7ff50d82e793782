// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long the kernel's error handling may keep a command: each source in a made-up sysfs, as the kernel lays it out.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>

#include "common/util.h"
#include "device/host-eh.h"
#include "suite.h"

static char root[64];

struct row {
    const char *path;                      /* of the device, below devices/ */
    const char *files[4];                  /* "class/.../file=text" */
    const char *state, *host_state, *busy; /* NULL: "running", "running", "0" */
    uint32_t seconds;
    const char *why;
};

#define SESSION "platform/host3/session1/target3:0:0/3:0:0:0"
#define RECOVERY "class/iscsi_session/session1/recovery_tmo="
#define PORT "pci0000:00/0000:00:05.0/host3/rport-3:0-12/target3:0:0/3:0:0:0"
#define FAST "class/fc_remote_ports/rport-3:0-12/fast_io_fail_tmo="
#define LOSS "class/fc_remote_ports/rport-3:0-12/dev_loss_tmo="
#define PLAIN "pci0000:00/0000:00:06.0/host3/target3:0:0/3:0:0:0"
#define SRP_FAST "class/srp_remote_ports/port-3:1/fast_io_fail_tmo="
#define SRP_LOSS "class/srp_remote_ports/port-3:1/dev_loss_tmo="
#define DRIVER "class/scsi_host/host3/proc_name="

static const struct row rows[] = {
    /* Nothing that gets lost and comes back. */
    { PLAIN, { DRIVER "ahci" }, NULL, NULL, NULL, 120, "" },
    { PLAIN, { NULL }, NULL, NULL, "7", 330, "" },
    { PLAIN, { NULL }, NULL, NULL, "4294967295", UINT32_MAX - 1, "" },
    { PLAIN, { NULL }, NULL, NULL, "many", 120, "" },
    { PLAIN, { NULL }, "offline", NULL, NULL, 120, "" },
    { PLAIN, { NULL }, "blocked", NULL, NULL, 172920, "the device is blocked" },
    { PLAIN, { NULL }, NULL, "recovery", "2", 172980, "the error handling of SCSI host 3 is at work" },
    { PLAIN, { NULL }, NULL, "cancel/recovery", NULL, 172920, "the error handling of SCSI host 3 is at work" },
    { PLAIN, { DRIVER "virtio_scsi" }, NULL, NULL, NULL, HOST_EH_NO_LIMIT, "virtio_scsi starts each time-out anew" },
    { PLAIN, { DRIVER "storvsc_host" }, NULL, NULL, NULL, HOST_EH_NO_LIMIT, "storvsc_host starts each time-out anew" },
    { PLAIN, { DRIVER "storvsc" }, NULL, NULL, NULL, 120, "" },
    /* iSCSI: 0 ends an outage at once; "off" and less than 0 never. */
    { SESSION, { RECOVERY "120" }, NULL, NULL, NULL, 360, "recovery_tmo of session1 is 120 s" },
    { SESSION, { RECOVERY "86400" }, "blocked", NULL, NULL, 172920, "recovery_tmo of session1 is 86400 s" },
    { SESSION, { RECOVERY "0" }, NULL, NULL, NULL, 120, "recovery_tmo of session1 is 0 s" },
    { SESSION, { RECOVERY "off" }, NULL, NULL, NULL, 120, "recovery_tmo of session1 is off" },
    { SESSION,
      { RECOVERY "off" },
      "blocked",
      NULL,
      NULL,
      HOST_EH_NO_LIMIT,
      "session1 has lost its connection, and its recovery_tmo is off" },
    { SESSION,
      { RECOVERY "-2" },
      "blocked",
      NULL,
      NULL,
      HOST_EH_NO_LIMIT,
      "session1 has lost its connection, and its recovery_tmo is off" },
    { SESSION, { RECOVERY "soon" }, NULL, NULL, NULL, 360, "recovery_tmo of session1 is 120 s" },
    { SESSION, { NULL }, NULL, NULL, NULL, 360, "recovery_tmo of session1 is 120 s" },
    { SESSION, { RECOVERY "5" }, NULL, "recovery", NULL, 172930, "the error handling of SCSI host 3 is at work" },
    /* FC: the earlier of two ends. multipathd's "infinity" is 2147483647. */
    { PORT, { FAST "5", LOSS "600" }, NULL, NULL, NULL, 130, "fast_io_fail_tmo of rport-3:0-12 is 5 s" },
    { PORT, { FAST "off", LOSS "60" }, "blocked", NULL, NULL, 240, "dev_loss_tmo of rport-3:0-12 is 60 s" },
    { PORT, { FAST "off", LOSS "30" }, NULL, NULL, "1", 210, "dev_loss_tmo of rport-3:0-12 is 30 s" },
    { PORT, { FAST "0", LOSS "2147483647" }, NULL, NULL, NULL, 120, "fast_io_fail_tmo of rport-3:0-12 is 0 s" },
    { PORT,
      { FAST "off", LOSS "2147483647" },
      NULL,
      NULL,
      NULL,
      UINT32_MAX - 1,
      "dev_loss_tmo of rport-3:0-12 is 2147483647 s" },
    { PORT, { FAST "off", LOSS "off" }, NULL, NULL, NULL, 120, "fast_io_fail_tmo of rport-3:0-12 is off" },
    { PORT,
      { FAST "off", LOSS "off" },
      "blocked",
      NULL,
      NULL,
      HOST_EH_NO_LIMIT,
      "rport-3:0-12 has lost its connection, and its fast_io_fail_tmo is off" },
    { PORT, { NULL }, NULL, NULL, NULL, 360, "dev_loss_tmo of rport-3:0-12 is 120 s" },
    /* SRP: the port is not in the device's path. */
    { PLAIN, { SRP_FAST "15", SRP_LOSS "600" }, NULL, NULL, NULL, 150, "fast_io_fail_tmo of port-3:1 is 15 s" },
    { PLAIN, { SRP_FAST "off", SRP_LOSS "600" }, NULL, NULL, NULL, 1320, "dev_loss_tmo of port-3:1 is 600 s" },
    { PLAIN,
      { SRP_FAST "off", SRP_LOSS "off" },
      "blocked",
      NULL,
      NULL,
      HOST_EH_NO_LIMIT,
      "port-3:1 has lost its connection, and its fast_io_fail_tmo is off" },
    /* Names that only look alike. */
    { "platform/host3/sessions/rport-x/target3:0:0/3:0:0:0", { NULL }, NULL, NULL, NULL, 120, "" },
};

static void put(const char *path, const char *text, int len)
{
    CLEANUP_FREE char *command = strf("mkdir -p $(dirname %s/%.*s)", root, len, path);
    CLEANUP_FREE char *full = strf("%s/%.*s", root, len, path);
    FILE *f;

    ck_assert_int_eq(system(command), 0);
    f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s\n", text);
    fclose(f);
}

static void put_attr(const char *path, const char *text)
{
    put(path, text, (int)strlen(path));
}

static void setup_sysfs(void)
{
    strcpy(root, "/tmp/check-eh-time.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void teardown_sysfs(void)
{
    CLEANUP_FREE char *command = strf("rm -rf %s", root);

    ck_assert_int_eq(system(command), 0);
}

static const struct hctl at = { 3, 0, 0, 0 };

START_TEST(each_source_counts)
{
    const struct row *r = &rows[_i];
    const struct device_roots roots = { .sysfs = root };
    CLEANUP_FREE char *target = strf("../../../devices/%s", r->path);
    CLEANUP_FREE char *link = strf("%s/bus/scsi/devices/3:0:0:0", root);
    CLEANUP_FREE char *state = strf("devices/%s/state", r->path);
    struct host_eh eh;

    put_attr(state, r->state ? r->state : "running");
    put_attr("bus/scsi/devices/other", "");
    ck_assert_int_eq(symlink(target, link), 0);
    put_attr("class/scsi_host/host3/state", r->host_state ? r->host_state : "running");
    put_attr("class/scsi_host/host3/host_busy", r->busy ? r->busy : "0");
    for (unsigned i = 0; i < ARRAY_SIZE(r->files) && r->files[i]; i++)
        put(r->files[i], strchr(r->files[i], '=') + 1, (int)strcspn(r->files[i], "="));
    host_eh_read(&roots, &at, &eh);
    ck_assert_uint_eq(eh.seconds, r->seconds);
    ck_assert_str_eq(eh.why, r->why);
}
END_TEST

START_TEST(a_device_that_is_gone_has_the_usual_time)
{
    const struct device_roots roots = { .sysfs = root };
    struct host_eh eh;

    host_eh_read(&roots, &at, &eh);
    ck_assert_uint_eq(eh.seconds, 120);
    ck_assert_str_eq(eh.why, "");
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, each_source_counts, 0, ARRAY_SIZE(rows));
    tcase_add_test(t, a_device_that_is_gone_has_the_usual_time);
}

int main(void)
{
    return run_tests("time of the kernel's error handling", setup_sysfs, teardown_sysfs, add_tests);
}
