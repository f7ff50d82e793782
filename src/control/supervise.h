/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker process, seen from its parent: starts it by exec of this same binary, exchanges messages over a
 * socketpair without ever waiting, and learns of its death by a pidfd. It knows nothing of vhosts and decides
 * nothing.
 */
#ifndef PVSCSI_SUPERVISE_H
#define PVSCSI_SUPERVISE_H

#include <signal.h>
#include <sys/types.h>

#include "common/loop.h"
#include "pvscsi/worker-proto.h"

struct child;

struct child_ops {
    /* A message of the worker. Workers send no descriptors; any that come are closed. */
    void (*message)(void *ctx, const struct worker_msg *msg);
    /*
     * The process has ended, so its mappings and descriptors are gone. how: for a log line, such as "exit status 1"
     * or "signal 9 (Killed)". The child is freed after this returns.
     */
    void (*died)(void *ctx, const char *how, bool clean);
};

/* prefix is for logs and is not copied. 0 or -errno. */
int child_start(struct loop *loop, const char *prefix, const struct child_ops *ops, void *ctx, struct child **out);
/*
 * Sends or queues a message. Takes over the fds, also on error. 0; -ENOMEM; -EPIPE: the worker is dying, died()
 * follows; -ENOBUFS: the worker does not read its messages and was killed.
 */
int child_send(struct child *c, const struct worker_msg *msg, const int *fds, unsigned nfds);
pid_t child_pid(const struct child *c);
void child_kill(struct child *c);
/*
 * Gives the child up: sends what is queued if that does not block, then closes the socket, and the worker ends by
 * itself. It is killed after 10 s. It is reaped without a call to its owner.
 */
void child_abandon(struct child *c);
/* The number of abandoned children that still live. */
unsigned child_abandoned(void);

#endif
