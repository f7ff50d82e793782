/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices for a domain that does not exist yet. Another toolstack, such as libvirt, makes its domains without this
 * program. Before it does so, `xl-scsi expect` notes the devices in xenstore under the guest's uuid. When a domain
 * with this uuid appears, the service moves them to the list of what the domain wants (wanted.h), before the domain
 * runs.
 *
 * This file only moves notes. It attaches nothing.
 */
#ifndef XL_SCSI_EXPECTED_H
#define XL_SCSI_EXPECTED_H

#include "syntax.h"
#include "xenstore.h"

/*
 * Notes these devices for the next domain with this uuid (in libxl's form, see made_uuid_form()), in place of those
 * that were noted before. n 0: removes the note. 0 or -errno.
 */
int expected_set(struct xenstore *s, const char *uuid, const struct vscsi_entry *e, unsigned n);

/* Moves what is noted for the uuid of this domain to the list of what it wants. 0, or -errno: try again later. */
int expected_hand_over(struct xenstore *s, uint32_t domid);

#endif
