/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts a guest with SCSI devices: the real xl makes it paused, it gets its devices, and then it runs. After a failure
 * there is no guest. This file changes only the domain that this xl has made (made.h).
 */
#ifndef XL_SCSI_START_H
#define XL_SCSI_START_H

#include <stdint.h>
#include <sys/types.h>

#include "commands.h"
#include "made.h"
#include "syntax.h"
#include "xl-args.h"

/* What the shim was called with. */
struct call {
    char **argv; /* [0]: the real xl; the user's arguments follow */
    int argc;
    struct xl_line line;
    const struct options *o;
};

struct start {
    const struct call *call;
    struct xl_start args;
    char *name;
    char *uuid; /* the configuration's own; NULL: it has none */
    struct vscsi_entry *entries;
    unsigned n;
    struct xenstore store;
    struct made made;
    uint32_t domid;
    pid_t xl; /* while it runs; else 0 */
};

/* s: all above `store` set, and `store` open. The exit status: that of the real xl where xl is what fails. */
int start_guest(struct start *s);
void start_clear(struct start *s);

#endif
