/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of a vhost: acts on what was recorded of them and carries out what the LUN
 * table says. The only writer of a LUN's state.
 */
#ifndef PVSCSI_VDEV_H
#define PVSCSI_VDEV_H

#include "control/model.h"

/* One step of every device; true when something moved. */
bool vdev_step_all(struct vhost *v);
/* Acts on what the worker said of the LUNs, and on what it has to be told of them. Needs no xenstore. */
void vdev_hear_all(struct vhost *v);
/* The worker is gone: what it had is opened again. */
void vdev_worker_died(struct vhost *v);
/* Hands the worker what is open. */
void vdev_hand_all(struct vhost *v);
/* Nothing under way that the frontend should wait for. */
bool vdev_all_settled(const struct vhost *v);
/* No device is still being opened, or to be opened again (all can be handed to a new worker). */
bool vdev_all_opened(const struct vhost *v);
/* Every LUN that the frontend was told to look at was looked up in the frontend's nodes since. */
bool vdev_all_looked_at(const struct vhost *v);
/* Back to "offered" for a frontend that starts anew. */
void vdev_restart_all(struct vhost *v);
/* Those at 3 are there when the frontend is told to look. */
void vdev_mark_shown(struct vhost *v);
/* Segments that every device opened so far can use, for feature-sg-grant. */
unsigned vdev_choose_segments(const struct vhost *v);
/* When to look at a device again: now_us() then; UINT64_MAX: no need. */
uint64_t vdev_wake_us(const struct vhost *v);
void vdev_forget_all(struct vhost *v);

#endif
