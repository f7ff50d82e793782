/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device nodes of one confined worker: a file system in memory that holds the sg nodes of its LUNs and nothing
 * else. It is mounted nowhere; the worker gets it as a descriptor and makes it its root. It disappears with the worker
 * and with this.
 *
 * The kernel gives the number of a deleted sg device to the next one, but not while somebody has it open. So a node's
 * device is held open here for as long as the node exists. Otherwise a worker could wait for another disk to get its
 * number.
 *
 * A worker closes a device that is taken from its guest, and says so. One that a guest has taken over may keep it, and
 * the next guest may get the device. So its descriptors are looked at.
 */
#ifndef PVSCSI_SANDBOX_NODES_H
#define PVSCSI_SANDBOX_NODES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sandbox_nodes;

/*
 * The nodes will be for the group id: root:id 0660, in a directory in which only root writes. 0, or -errno: -EPERM
 * without CAP_SYS_ADMIN, -ENOSYS before Linux 5.2.
 */
int sandbox_nodes_new(uint32_t id, struct sandbox_nodes **out);
/*
 * This process is the worker that uses the nodes. What is needed to look at its descriptors is opened now: there may be
 * no descriptors left when a device is taken away. 0 or -errno: a lack of memory or descriptors.
 */
int sandbox_nodes_watch(struct sandbox_nodes *nodes, pid_t pid);
/* The root directory, opened; it belongs to nodes. */
int sandbox_nodes_root(const struct sandbox_nodes *nodes);
/*
 * The LUN of this index (below PVSCSI_STATS_LUNS) is on the device that fd has open. Its node replaces the one that the
 * index had. block: its block node, for the PR helper, or -1. Both stay the caller's. Anything but a character device
 * needs no node. 0 or -errno.
 */
int sandbox_nodes_add(struct sandbox_nodes *nodes, uint32_t index, int fd, int block);
/*
 * The LUN is to be removed: the node goes if no other LUN is on the device. The worker opens it no more, but it may be
 * in the middle of that. NULL, an index without a LUN, or out of range, is fine.
 */
void sandbox_nodes_hide(struct sandbox_nodes *nodes, uint32_t index);
/*
 * The device is lost: the node goes if no other LUN is on the device. The LUN stays, and the worker may keep its
 * descriptors. An index without a node, or out of range, is fine.
 */
void sandbox_nodes_remove(struct sandbox_nodes *nodes, uint32_t index);
/* The LUN is removed, and its node too. NULL, an index without a LUN, or out of range, is fine. */
void sandbox_nodes_forget(struct sandbox_nodes *nodes, uint32_t index);
/*
 * Removes the node, so that the worker cannot open it again, and looks at what the process of sandbox_nodes_watch() has
 * open. 1: it still has the device, or the block node, that the index had last, and not for another LUN: one on that
 * device, or with that block node, that was added and not removed since. 0: it has not, or its descriptors may not be
 * read (CAP_SYS_PTRACE); also for NULL. -ENOMEM: it is not known.
 */
int sandbox_nodes_kept(struct sandbox_nodes *nodes, uint32_t index);
/* Removes all nodes. NULL is allowed. */
void sandbox_nodes_free(struct sandbox_nodes *nodes);

#endif
