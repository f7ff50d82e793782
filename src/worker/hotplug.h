/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LUNs that come and go while the ring runs: opened, removed after their commands have ended, held while a device
 * may have commands of another worker. index is lun_index of worker-proto.h; one that is out of range or free is
 * ignored.
 */
#ifndef PVSCSI_HOTPLUG_H
#define PVSCSI_HOTPLUG_H

#include "worker/model.h"

/*
 * The fds are taken over whatever happens; block_fd may be -1, and with LUN_AWAY node_fd is -1. With LUN_RETURNED the
 * LUN is there, and these are new descriptors of its device: what is in flight ends on the old ones. A device that was
 * deleted in between is reported to the guest by UNIT ATTENTION 29h/00h. 0 or -errno; nothing is added or replaced
 * then.
 */
int hotplug_add(struct service *svc, const struct worker_msg *msg, int node_fd, int block_fd);
/*
 * From now on no new command reaches the LUN. True: it is removed; else progress() tells when to call
 * hotplug_reap().
 */
bool hotplug_remove(struct service *svc, uint32_t index);
/* Frees a LUN that is being removed and whose commands have ended; true then, and when there is none. */
bool hotplug_reap(struct service *svc, uint32_t index);
/* Nothing is submitted to a held LUN. When no LUN is held, all commands of predecessors are known to have ended. */
void hotplug_hold(struct service *svc, uint32_t index);
void hotplug_release(struct service *svc, uint32_t index);
/* To be called after LUNs were added: if none is held, does the same as hotplug_release(). */
void hotplug_check_held(struct service *svc);
/* svc->prefix has changed. */
void hotplug_set_prefix(struct service *svc);
/* The answer to svc->helper_connect(): a connection, which this takes over, or -errno. */
void hotplug_helper_connected(struct service *svc, uint32_t index, int fd);
/*
 * WM_LUN_CHANGE: the guest may send other commands from now on. Those that it has sent already are carried out. A disk
 * whose write protection changes tells by UNIT ATTENTION 2Ah/01h.
 */
void hotplug_change(struct service *svc, const struct worker_msg *msg);
/* The rate limits of a LUN from now on. Nothing changes if it has these already. */
void hotplug_set_limits(struct service *svc, uint32_t index, const struct lun_limits *limits);
void hotplug_set_shared(struct service *svc, uint32_t index, bool shared);
/* Its device was reset for another LUN: the guest is told with its next command. */
void hotplug_was_reset(struct service *svc, uint32_t index);
/* What this worker may have at a SCSI host from now on. */
void hotplug_set_places(struct service *svc, const struct worker_places *may);
/* A new ring begins, and what the guest had left in its devices is undone. */
void hotplug_set_clean(struct service *svc);
/* At the end of the process. The counters stay for a successor. */
void hotplug_free_all(struct service *svc);

#endif
