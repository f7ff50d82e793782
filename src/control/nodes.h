/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every write to xenstore. What is written replaces only what we believe to be there;
 * where it did not hold any more, the node is marked to be read again. Nothing here
 * decides what to write.
 */
#ifndef PVSCSI_NODES_H
#define PVSCSI_NODES_H

#include "control/model.h"

/* Our state. True when it was written. */
bool nodes_write_state(struct vhost *v, enum xenbus_state to);
/* feature-sg-grant and state 2, at one moment. True when they were written. */
bool nodes_announce(struct vhost *v);
/* The node `error` of the vhost; "" removes it. Nothing when it says so already. */
void nodes_set_error(struct vhost *v, const char *text);
/* The vhost's whole tree, and its guest's when that is empty then. True when it is gone. */
bool nodes_remove(struct vhost *v);
/* What `xl destroy` left of a guest: "backend/vscsi/3" without a vhost. */
void nodes_remove_guest(struct host *h, uint16_t domid);
/* An `error` of a device that is there from an attempt before. */
void nodes_clear_device_error(struct vdev *d);

/* Writes to the devices of a vhost, as many as possible in one transaction. */
struct node_batch;
/* NULL: no memory. */
struct node_batch *node_batch_new(struct vhost *v);
void node_batch_state(struct node_batch *b, struct vdev *d, enum xenbus_state to);
void node_batch_error(struct node_batch *b, struct vdev *d, const char *text);
/* Writes what is left, and frees the batch. True when any state was written since it was made. */
bool node_batch_end(struct node_batch *b);

#endif
