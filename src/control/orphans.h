/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workers of an earlier daemon. Each ends within 5 s after its daemon, and the LUNs on its devices are held until then,
 * because of its journal (at-work.h). One that a guest has taken over may give its journal up, so that nobody waits for
 * it. It is killed at once. What is left after 15 s is killed too.
 */
#ifndef PVSCSI_ORPHANS_H
#define PVSCSI_ORPHANS_H

#include "common/loop.h"
#include "device/device.h"

#define ORPHANS_WAIT_US 15000000u

struct orphans;

/*
 * Finds the workers whose daemon has ended. Kills those without a journal, waiting up to 1 s for the end of each, and
 * those that are left after wait_us. A process of another user that
 * has the name is not one. Nor is a worker of a daemon that had another sandbox_uid_base: it cannot be told from such a
 * process. roots: its proc may be NULL; it is not needed any more afterwards. To be called before there are workers of
 * our own. Returns NULL if there are none, or no memory or descriptors for them. orphans_free() frees it, and kills
 * none.
 */
struct orphans *orphans_find(struct loop *loop, const struct device_roots *roots, uint64_t wait_us);
/* Kills this worker, and says so. prefix: of its vhost, or NULL. */
void orphan_kill(const char *prefix, uint32_t pid, int pidfd);
void orphans_free(struct orphans *o);

#endif
