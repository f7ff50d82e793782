/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices that a domain should have because the guest had them before (see remember.h): libxl
 * writes them below /local/domain/<id>/pvscsi when it makes the domain. The process that comes first attaches them
 * and removes their nodes. The node of a device that cannot be attached stays, with the reason: `list` shows it,
 * and the service tries again.
 */
#ifndef XL_SCSI_WANTED_H
#define XL_SCSI_WANTED_H

#include <stdbool.h>

#include "change.h"

struct wanted {
    struct vscsi_entry *entries;
    uint32_t *numbers; /* their nodes */
    char **errors;     /* why not yet; or NULL */
    unsigned n;
};

/* 0 (perhaps with none), or -errno. */
int wanted_load(struct xenstore *s, uint32_t domid, struct wanted *out);
void wanted_clear(struct wanted *w);
/*
 * Does the guest lack a device without which it may not run? arrives: the domain was made anew or has come by
 * migration, so a device that is neither required nor optional counts as required. Pure.
 */
bool wanted_lacks_required(const struct wanted *w, bool arrives);
/* Changes whenever wanted_note() has put a device on a list. */
#define WANTED_NOTED "/tool/xl-scsi/noted"
/* Puts a device on the list that could not be attached, with the reason, and tells the service. 0 or -errno. */
int wanted_note(struct xenstore *s, uint32_t domid, const struct vscsi_entry *e, const char *error);
/* Removes one v-dev from the list. 1: removed; 0: it was not on the list; or -errno. */
int wanted_drop(struct xenstore *s, uint32_t domid, const struct hctl *vdev);

/*
 * While it is held, no other process attaches or gives up what c->domid wants. *fd: to be closed; -1 where there
 * can be no lock. 0, or -errno and c->error after c->timeout_us.
 */
int wanted_lock(struct change *c, int *fd);

/*
 * Attaches the devices that c->domid wants: all together, and if that fails one by one, so that the guest gets as
 * many as possible. 0: all are attached; else how many are not, with the first reason in c->error; or -errno.
 */
int wanted_attach(struct change *c);

#endif
