/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of workers to the PR helper: a worker has no path to its socket and asks for each of them. This file
 * sends nothing to a worker.
 *
 * A LUN has one connection. A worker that a guest has taken over could ask for so many that the helper has no
 * descriptors left for other guests, or so often that it accepts no others. The pauses of pr/client.c keep a worker
 * within the limit, unless the helper ends each connection at once.
 */
#ifndef PVSCSI_HELPER_LINK_H
#define PVSCSI_HELPER_LINK_H

#include "control/model.h"

/*
 * The worker got the device with pr=helper or pr=auto. So it may ask for connections to the PR helper, whatever pr is
 * now.
 */
bool helper_may_be_used(const struct vdev *d);
/*
 * A new connection of the LUN, which ends the one before; it is the caller's. -ENOENT: its worker may have none.
 * -EAGAIN: it asks too often; or -errno.
 */
int helper_connect(struct vdev *d);
/*
 * The LUN's connection to the PR helper ends, whoever has a descriptor of it. To be called before another guest can
 * get the device: what a worker that was taken over has sent there must not be carried out later. The helper ends with
 * the command that it is at, because it cannot answer any more.
 */
void helper_disconnect(struct vdev *d);
/* The worker says that its connection is in this state (enum worker_helper_state). Followers learn what matters. */
void helper_is(struct vdev *d, unsigned state);

#endif
