/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From xenstore to the model: reads only what may have changed, believes nothing,
 * and leaves every decision to the tables. A watch event only marks what to read
 * again; a full mark and sweep makes up for events that were lost.
 */
#ifndef PVSCSI_SCAN_H
#define PVSCSI_SCAN_H

#include "control/model.h"

/* All vhosts there are: mark and sweep. 0 or -errno. */
int scan_list(struct host *h);
/* One vhost's dirty parts. 0 or -errno (the store is lost). */
int scan_vhost(struct vhost *v);
/* Ends the watch on the frontend. */
void scan_unwatch(struct vhost *v);

#endif
