/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of xl-scsi, one function each: argv without the command itself, exit status out. */
#ifndef XL_SCSI_COMMANDS_H
#define XL_SCSI_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "change.h"

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_REFUSED = 3,   /* attach: backend or guest do not accept the device */
    EXIT_TIMED_OUT = 4, /* attach, detach: no answer in time */
    EXIT_IN_USE = 5,    /* attach: the device is in use, or the v-dev has a device */

    OPTION_TIMEOUT_MAX_S = 86400
};

struct options {
    uint32_t timeout_s;
    bool force, dry_run, no_wait, json, as_long;
};

int cmd_attach(const struct options *o, int argc, char **argv);
int cmd_detach(const struct options *o, int argc, char **argv);
/* Changes options of a device that the guest has. */
int cmd_set(const struct options *o, int argc, char **argv);
int cmd_list(const struct options *o, int argc, char **argv);
/* Lists this machine's SCSI devices, to choose one. */
int cmd_scan(const struct options *o, int argc, char **argv);
/* Checks the vscsi= of a configuration and shows it. */
int cmd_check(const struct options *o, int argc, char **argv);
/* Notes devices for a guest whose domain another toolstack is about to make (expected.h). */
int cmd_expect(const struct options *o, int argc, char **argv);
/* The service that attaches a guest's devices again when its domain is made anew (watch.c). */
int cmd_watch(const struct options *o, int argc, char **argv);
/* The work of the service for one domain, in a process of its own. */
int cmd_resume(const struct options *o, int argc, char **argv);
/* Does the same as `XL ARGS...`, with SCSI devices (xl.c): argv[0] is the real xl. */
int cmd_xl(const struct options *o, int argc, char **argv);

/* --- what several of them need --- */
/* Connects, or prints why not. EXIT_OK or another exit status; xenstore_close() must follow in both cases. */
int connect_store(struct xenstore *s);
int find_guest(struct xenstore *s, const char *text, uint32_t *domid);
/* The exit status of a change that gave r (negative). */
int exit_status_of(const struct change *c, int r);
struct change change_for(struct xenstore *s, uint32_t domid, const struct options *o);
/*
 * Attaches entries to c->domid with all checks, and notes them for the guest's next domain. *entries is
 * replaced where it holds v-devs `host`. As attach_run().
 */
int attach_and_remember(struct change *c, struct vscsi_entry **entries, unsigned *n);

#endif
