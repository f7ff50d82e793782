/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads xenstore into the model. It reads only what is marked as changed, checks every value, and leaves every
 * decision to the tables. A full mark and sweep finds what lost events did not report.
 */
#ifndef PVSCSI_SCAN_H
#define PVSCSI_SCAN_H

#include "control/model.h"

/* Lists all vhosts and marks everything of them to be read: mark and sweep. 0 or -errno. */
int scan_list(struct host *h);
/* Reads what is marked of one vhost. 0, or -errno: the connection to xenstored is lost. */
int scan_vhost(struct vhost *v);
/* Ends the watch on the frontend. */
void scan_unwatch(struct vhost *v);

#endif
