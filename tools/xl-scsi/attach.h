/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaches devices to a guest: writes their nodes in one transaction for each virtual host, then waits for the
 * answers of backend and guest.
 */
#ifndef XL_SCSI_ATTACH_H
#define XL_SCSI_ATTACH_H

#include "change.h"

enum {
    ATTACH_CONNECTED = 0,
    ATTACH_OFFERED = 1,
    ATTACH_NO_FRONTEND = 2
};

/*
 * Attaches all n entries or none. ATTACH_CONNECTED: the guest uses them. ATTACH_OFFERED: the backend has them all
 * (state 3). The guest cannot answer now, or need not (no_wait); it gets them when its frontend connects.
 * ATTACH_NO_FRONTEND: the same, but the guest runs and should have answered. Otherwise -errno and c->error, with
 * everything undone. With c->store->dry_run it only prints, and gives 0.
 */
int attach_run(struct change *c, struct vscsi_entry *entries, unsigned n);

#endif
