/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The link between a vhost and its worker process: starts and ends it, sends it messages about LUNs and the ring,
 * and records its answers and its death. vhost.c and vdev.c decide what follows.
 */
#ifndef PVSCSI_WORKER_LINK_H
#define PVSCSI_WORKER_LINK_H

#include "control/model.h"

/*
 * Starts a worker if there is none. go_on: keeps the journal, because it describes the ring to be served. True:
 * there is a worker.
 */
bool worker_start(struct vhost *v, bool go_on);
/* Does the journal describe the ring that v->ring_ref and v->event_channel name? */
bool worker_journal_fits(const struct vhost *v);
/* True: no worker of an earlier daemon serves a ring of this vhost. */
bool worker_ring_is_free(struct vhost *v);

/* d->lun must be LUN_OPENED or LUN_REOPENED, and there must be a worker. Takes over d->fds. */
void worker_add_lun(struct vdev *d);
void worker_remove_lun(struct vdev *d);
/*
 * Sends what the settings and d->wish say now of what the guest may do with the device. The worker must have d.
 * d->change_heard becomes number when this holds; 0: nobody wants to know.
 */
void worker_change_lun(struct vdev *d, uint32_t number);
/*
 * Sends d->must_hold, d->shared, the places of its SCSI host and the end of a reset, if the worker does not know them.
 * The worker must have d.
 */
void worker_update_lun(struct vdev *d);

/*
 * The answer is RING_SAID_CONNECTED. After a failure on our side that may pass, tries again for 5 s before it
 * records it.
 */
void worker_connect(struct vhost *v, bool take_over);
/* The answer is RING_SAID_DISCONNECTED. */
void worker_disconnect(struct vhost *v);
void worker_kill(struct vhost *v);
/* Ends it without waiting for it. */
void worker_drop(struct vhost *v);
void worker_quit(struct vhost *v);
/* The log level and standard error of this process are the worker's from now on. */
void worker_log(struct vhost *v);
/* Sends the setting `poll`. */
void worker_set_poll(struct vhost *v);
/* If the guest was given another name: the worker's lines of the log have it from now on. */
void worker_tell_name(struct vhost *v);
/* The setting `granted_pages` may be less than all workers have: then each has to give back the same part. */
void worker_divide_pages(struct host *h);

#endif
