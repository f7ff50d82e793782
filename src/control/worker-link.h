/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The link between a vhost and its worker process: starts and ends it, tells it of LUNs
 * and of the ring, and records what it says and that it died. What follows from that is
 * vhost.c's and vdev.c's to decide.
 */
#ifndef PVSCSI_WORKER_LINK_H
#define PVSCSI_WORKER_LINK_H

#include "control/model.h"

/* Starts it if there is none. go_on: the journal describes the ring that it will serve, and stays. True when it is there. */
bool worker_start(struct vhost *v, bool go_on);
/* Does the journal describe the ring that v->ring_ref and v->event_channel name? */
bool worker_journal_fits(const struct vhost *v);
/* No worker of an earlier daemon serves a ring of this vhost any more. */
bool worker_ring_is_free(struct vhost *v);

/* d->lun is LUN_OPENED or LUN_REOPENED, and there is a worker: takes d->fds. */
void worker_add_lun(struct vdev *d);
void worker_remove_lun(struct vdev *d);
/* Tells it d->must_hold, d->shared and the end of a reset, as far as it does not know. d is with the worker. */
void worker_update_lun(struct vdev *d);

/* Answered by RING_SAID_CONNECTED. A failure on our side that may pass is tried again for 5 s before it is recorded. */
void worker_connect(struct vhost *v, bool take_over);
/* Answered by RING_SAID_DISCONNECTED. */
void worker_disconnect(struct vhost *v);
void worker_kill(struct vhost *v);
/* Ends it without waiting for it. */
void worker_drop(struct vhost *v);
void worker_quit(struct vhost *v);
void worker_log_level(struct vhost *v);

#endif
