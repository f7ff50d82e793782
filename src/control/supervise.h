/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One worker process as its parent sees it: started by exec of this same binary,
 * spoken to over a socketpair without ever waiting for it, watched for its
 * death by a pidfd. It knows nothing of vhosts; what to do is its owner's.
 */
#ifndef PVSCSI_SUPERVISE_H
#define PVSCSI_SUPERVISE_H

#include <signal.h>
#include <sys/types.h>

#include "common/loop.h"
#include "pvscsi/worker-proto.h"

struct child;

struct child_ops {
    /* A message; fds do not come this way round and are closed. */
    void (*message)(void *ctx, const struct worker_msg *msg);
    /*
     * The process is gone, and with it its mappings and descriptors. how: for a log line, "exit status 1", "signal 9
     * (Killed)". The child is freed after this returns.
     */
    void (*died)(void *ctx, const char *how, bool clean);
};

/* prefix is for logs and is not copied. 0 or -errno. */
int child_start(struct loop *loop, const char *prefix, const struct child_ops *ops, void *ctx, struct child **out);
/*
 * Sends or queues; fds are the callee's from here on, also on error. -ENOMEM, -EPIPE (it is dying: died() comes), or
 * -ENOBUFS: it has not read for so long that it was killed.
 */
int child_send(struct child *c, const struct worker_msg *msg, const int *fds, unsigned nfds);
pid_t child_pid(const struct child *c);
void child_kill(struct child *c);
/*
 * Lets go of it: what is queued is still sent if it can be at once, then its socket is closed, at which it ends by itself. It
 * is reaped when it does (killed after 10 s), with no word to its owner.
 */
void child_abandon(struct child *c);
/* Children that were abandoned and live still. */
unsigned child_abandoned(void);

#endif
