/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All vhosts of this backend domain: see host.c. */
#ifndef PVSCSI_HOST_H
#define PVSCSI_HOST_H

#include "device/device.h"
#include "control/options.h"
#include "common/loop.h"

struct host;
struct json_object;
struct news;

struct host_config {
    struct loop *loop;
    const struct settings *settings; /* owned by the caller; must outlive the host */
    const struct device_roots *roots;
    struct news *news;        /* may be NULL; must outlive the host */
    void (*ready)(void *ctx); /* everything that existed at the start was read once */
    void (*quit_done)(void *ctx);
    void *ctx;
};

/*
 * Connects to xenstored and starts. It forks once, so the process must have no other thread yet. 0, or -errno and one
 * line in why.
 */
int host_new(const struct host_config *config, struct host **out, char *why, size_t why_size);
void host_free(struct host *h);
/*
 * Ends the workers, which finish what is in flight. Rings, nodes and journals stay for the next daemon. Calls
 * quit_done() when all workers have ended, but after 6 seconds at the latest.
 */
void host_quit(struct host *h);
/* The log level or standard error has changed: the workers get both. */
void host_log(struct host *h);
/* The settings that the host was given have changed: the workers get what concerns them. */
void host_settings_changed(struct host *h);

/* For the control socket (report.c): vhosts and LUNs, and the statistics pages. NULL: no memory. */
struct json_object *host_report_status(struct host *h);
struct json_object *host_report_stats(struct host *h);
/* The status, in which each vhost and each LUN with a statistics page has that as its member "stats". */
struct json_object *host_report_metrics(struct host *h);
/* what: "TYPE" or "DOMID VDEV". An object with "error" if there is no such thing. */
struct json_object *host_report_policy(struct host *h, const char *what);

#endif
