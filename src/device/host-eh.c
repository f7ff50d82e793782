// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time of the kernel's error handling; see host-eh.h. What is known of it, from Linux 5.10 to 6.12:
 *
 * - scsi_error.c, scmd_eh_abort_handler(): the driver aborts the commands of a SCSI host that are past their time-outs
 *   one after the other. No state in sysfs shows this.
 * - scsi_error.c, scsi_eh_scmd_add(): when an abort fails, the host's state becomes "recovery", until the resets of
 *   LUN, target, bus and host have ended. The resets begin when all other commands of the host have ended or are past
 *   their time-outs too. How long each step takes (eh_timeout, eh_deadline) does not matter here, because the state
 *   tells when the last one is over.
 * - While the connection to a target is lost, its devices are "blocked": no command begins and no time-out counts. The
 *   transport ends this after its own time: fast_io_fail_tmo or dev_loss_tmo (scsi_transport_fc.c,
 *   scsi_transport_srp.c), recovery_tmo (scsi_transport_iscsi.c). A command may meet this twice: before it begins, and
 *   in the error handling after its time-out, when iSCSI logs in again.
 * - virtio_scsi.c, virtscsi_eh_timed_out(), and storvsc_drv.c, storvsc_eh_timed_out() (hv_storvsc): the time-out starts
 *   anew each time.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "device/host-eh.h"

#define ABORT_S 30u              /* the abort of one other command */
#define TRANSPORT_S 120u         /* a transport that does not say: the default of iSCSI, the longest of the three */
#define KERNEL_AT_WORK_S 172800u /* the longest time-out of a command, which another LUN of the host may have begun */

/* A short attribute without the newline; "": there is none. */
static void read_text(const struct device_roots *roots, const char *dir, const char *name, char *out, size_t size)
{
    CLEANUP_FREE char *path = strf("%s/%s/%s", roots->sysfs, dir, name);
    CLEANUP_FREE char *text = NULL;

    out[0] = '\0';
    if (path && read_file(path, 4096, &text, NULL) == 0)
        snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

/* A time in seconds; "off" and negative ones are no limit. False: it is not there, or something else. */
static bool read_time(const struct device_roots *roots, const char *dir, const char *name, uint32_t *out)
{
    char text[32];

    read_text(roots, dir, name, text, sizeof(text));
    if (strcmp(text, "off") == 0 || text[0] == '-') {
        *out = HOST_EH_NO_LIMIT;
        return true;
    }
    return parse_u32_str(text, UINT32_MAX, out) == 0;
}

/* What the device is connected by; name[0] = 0: by nothing that gets lost and comes back. */
struct transport {
    char name[32];    /* "session1", "rport-5:0-2", "port-7:1" */
    const char *file; /* the file that says the time */
    uint32_t seconds;
};

/* The earlier of two ends of an outage. */
static void read_port(const struct device_roots *roots, const char *class, struct transport *t)
{
    static const char *const files[] = { "fast_io_fail_tmo", "dev_loss_tmo" };
    CLEANUP_FREE char *dir = strf("class/%s/%s", class, t->name);
    bool any = false;

    for (unsigned i = 0; dir && i < ARRAY_SIZE(files); i++) {
        uint32_t seconds;

        if (!read_time(roots, dir, files[i], &seconds) || (any && seconds >= t->seconds))
            continue;
        t->file = files[i];
        t->seconds = seconds;
        any = true;
    }
}

static void read_session(const struct device_roots *roots, struct transport *t)
{
    CLEANUP_FREE char *dir = strf("class/iscsi_session/%s", t->name);
    uint32_t seconds;

    t->file = "recovery_tmo";
    if (dir && read_time(roots, dir, t->file, &seconds))
        t->seconds = seconds;
}

/* A directory of the device's path that has the name of a kind of port: ".../host5/rport-5:0-2/target5:0:0/5:0:0:0". */
static bool find_in_path(const char *path, const char *prefix, char *out, size_t size)
{
    for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
        size_t len = strcspn(at, "/");

        if (strncmp(at, prefix, strlen(prefix)) == 0 && at[strlen(prefix)] >= '0' && at[strlen(prefix)] <= '9'
            && len < size) {
            snprintf(out, size, "%.*s", (int)len, at);
            return true;
        }
    }
    return false;
}

static void read_transport(const struct device_roots *roots, const char *dir, uint32_t host, struct transport *t)
{
    CLEANUP_FREE char *link = strf("%s/%s", roots->sysfs, dir);
    CLEANUP_FREE char *srp = NULL;
    char path[1024];
    ssize_t n = link ? readlink(link, path, sizeof(path) - 1) : -1;

    *t = (struct transport){ .file = "dev_loss_tmo", .seconds = TRANSPORT_S };
    path[n > 0 ? n : 0] = '\0';
    if (find_in_path(path, "session", t->name, sizeof(t->name))) {
        read_session(roots, t);
    } else if (find_in_path(path, "rport-", t->name, sizeof(t->name))) {
        read_port(roots, "fc_remote_ports", t);
    } else {
        /* Not in the path: the one port of an SRP host. */
        srp = strf("%s/class/srp_remote_ports/port-%" PRIu32 ":1", roots->sysfs, host);
        if (srp && access(srp, F_OK) == 0) {
            snprintf(t->name, sizeof(t->name), "port-%" PRIu32 ":1", host);
            read_port(roots, "srp_remote_ports", t);
        }
    }
}

/* Does this driver (proc_name in sysfs) start each time-out anew, without end? */
static bool has_no_timeout(const char *driver)
{
    static const char *const drivers[] = { "virtio_scsi", "storvsc_host" };

    for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
        if (strcmp(driver, drivers[i]) == 0)
            return true;
    return false;
}

void host_eh_read(const struct device_roots *roots, const struct hctl *hctl, struct host_eh *out)
{
    char address[HCTL_TEXT_MAX], dir[96], host[64], driver[32], host_state[32], state[32], number[16];
    bool blocked, recovery, no_limit;
    uint64_t seconds = HOST_EH_USUAL_S;
    uint32_t busy;
    struct transport t;

    hctl_format(hctl, address);
    snprintf(dir, sizeof(dir), "bus/scsi/devices/%s", address);
    snprintf(host, sizeof(host), "class/scsi_host/host%" PRIu32, hctl->host);
    read_text(roots, host, "proc_name", driver, sizeof(driver));
    read_text(roots, host, "state", host_state, sizeof(host_state));
    read_text(roots, host, "host_busy", number, sizeof(number));
    read_text(roots, dir, "state", state, sizeof(state));
    read_transport(roots, dir, hctl->host, &t);
    blocked = strcmp(state, "blocked") == 0;
    recovery = strstr(host_state, "recovery") != NULL; /* "cancel/recovery" and "deleted/recovery" too */
    no_limit = t.name[0] && t.seconds == HOST_EH_NO_LIMIT;

    if (parse_u32_str(number, UINT32_MAX, &busy) == 0)
        seconds += (uint64_t)busy * ABORT_S;
    if (t.name[0] && !no_limit)
        seconds += 2 * (uint64_t)t.seconds;
    if (recovery || (blocked && !t.name[0]))
        seconds += KERNEL_AT_WORK_S;
    out->seconds = seconds < HOST_EH_NO_LIMIT ? (uint32_t)seconds : HOST_EH_NO_LIMIT - 1;
    out->why[0] = '\0';
    if (has_no_timeout(driver)) {
        out->seconds = HOST_EH_NO_LIMIT;
        snprintf(out->why, sizeof(out->why), "%s starts each time-out anew", driver);
    } else if (no_limit && blocked) {
        out->seconds = HOST_EH_NO_LIMIT;
        snprintf(out->why, sizeof(out->why), "%s has lost its connection, and its %s is off", t.name, t.file);
    } else if (recovery) {
        snprintf(out->why, sizeof(out->why), "the error handling of SCSI host %" PRIu32 " is at work", hctl->host);
    } else if (blocked && !t.name[0]) {
        snprintf(out->why, sizeof(out->why), "the device is blocked");
    } else if (no_limit) {
        snprintf(out->why, sizeof(out->why), "%s of %s is off", t.file, t.name);
    } else if (t.name[0]) {
        snprintf(out->why, sizeof(out->why), "%s of %s is %" PRIu32 " s", t.file, t.name, t.seconds);
    }
}
