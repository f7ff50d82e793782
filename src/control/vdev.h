/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of a vhost: acts on what was recorded of them and carries out what the LUN table says. Only this file
 * writes a LUN's state.
 */
#ifndef PVSCSI_VDEV_H
#define PVSCSI_VDEV_H

#include "control/model.h"

/* Makes one step with every device. True: something changed. */
bool vdev_step_all(struct vhost *v);
/* Acts on what the worker said of the LUNs, and tells it what has changed for them. Needs no xenstore. */
void vdev_hear_all(struct vhost *v);
/* The settings say something else now of what guests may send. */
void vdev_change_all(struct vhost *v);
/* The worker died: the devices that it had are opened again. */
void vdev_worker_died(struct vhost *v);
/* Hands all open devices to the worker. */
void vdev_hand_all(struct vhost *v);
/* The guest's ring ended for good: what the guest has left in its devices is undone. */
void vdev_ring_ended(struct vhost *v);
/* That is done, or takes too long to wait for. */
bool vdev_all_given_back(const struct vhost *v);
/* No device is in a state that the frontend should wait for. */
bool vdev_all_settled(const struct vhost *v);
/* No device is being opened or has to be opened again: all can be handed to a new worker. */
bool vdev_all_opened(const struct vhost *v);
/* For every LUN that the frontend was told to look at, the frontend's node has been read since. */
bool vdev_all_looked_at(const struct vhost *v);
/* Back to LUN_OFFERED, for a frontend that starts anew. */
void vdev_restart_all(struct vhost *v);
/* The frontend was told to look: the LUNs at 3 become LUN_SHOWN. */
void vdev_mark_shown(struct vhost *v);
/* A device is back that was away when the frontend looked at it, and the frontend has not taken it. */
bool vdev_any_to_show_again(const struct vhost *v);
/* The number of segments for feature-sg-grant: as many as every open device can use. */
unsigned vdev_choose_segments(const struct vhost *v);
/* When to run vdev_step_all() again, as now_us(); UINT64_MAX: no need. */
uint64_t vdev_wake_us(const struct vhost *v);
void vdev_forget_all(struct vhost *v);

#endif
