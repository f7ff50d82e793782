/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every write to xenstore. A state is written only if the node still has the value that we read last; if it does
 * not, the node is marked to be read again. This file does not decide what to write.
 */
#ifndef PVSCSI_NODES_H
#define PVSCSI_NODES_H

#include "control/model.h"

/* Writes our state. True: it was written. */
bool nodes_write_state(struct vhost *v, enum xenbus_state to);
/*
 * The vhost is seen, but its devices take long to open, and there is no state for that. Writes feature-sg-grant, once:
 * xl-scsi takes it for a sign of life, and a frontend reads it after state 2 only.
 */
void nodes_show_life(struct vhost *v);
/* Writes feature-sg-grant and state 2 in one transaction. True: they were written. */
bool nodes_announce(struct vhost *v);
/* Writes the node `error` of the vhost; "" removes it. Does nothing if the text is the same as before. */
void nodes_set_error(struct vhost *v, const char *text);
/* Says in the log and in the vhost's node `error` that xenstored refuses new nodes. */
void nodes_say_quota(struct vhost *v);
/* Removes the vhost's tree, and its guest's if that is empty then. True: the vhost's tree is removed. */
bool nodes_remove(struct vhost *v);
/* Removes the empty directory of a guest, such as backend/vscsi/3, which `xl destroy` leaves. */
void nodes_remove_guest(struct host *h, uint16_t domid);
/* Removes the node `error` of a device, which an earlier attempt to attach it left. */
void nodes_clear_device_error(struct vdev *d);

/* Writes to the devices of a vhost, as many as possible in one transaction. */
struct node_batch;
/* NULL: no memory. */
struct node_batch *node_batch_new(struct vhost *v);
void node_batch_state(struct node_batch *b, struct vdev *d, enum xenbus_state to);
void node_batch_error(struct node_batch *b, struct vdev *d, const char *text);
/* What came of the change d->change_number. */
void node_batch_changed(struct node_batch *b, struct vdev *d);
/* Which device was opened: p-hctl, p-wwid, p-type, and p-dev where it is a name only. Sets d->published. */
void node_batch_device(struct node_batch *b, struct vdev *d);
/* Writes what is left, and frees the batch. True: at least one state was written with this batch. */
bool node_batch_end(struct node_batch *b);

#endif
