/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far workers are confined: the setting `sandbox`, and what of it this machine can do. It is tried once, in a
 * process that ends, before the daemon serves anybody or starts a thread. Workers confine themselves
 * (worker/confine.h). The daemon keeps the capabilities that it needs, whoever starts it.
 */
#ifndef PVSCSI_SANDBOX_H
#define PVSCSI_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pvscsi/worker-proto.h"

enum sandbox_mode {
    SANDBOX_OFF = 0,
    SANDBOX_BEST_EFFORT, /* what this machine can do */
    SANDBOX_FULL,        /* everything, or the daemon does not start */
    SANDBOX_AUTO,        /* full on Xen, best-effort in standalone mode */
};
#define SANDBOX_MODES_TEXT "auto, full, best-effort or off"
const char *sandbox_mode_name(unsigned mode);
/* 0 and *out (enum sandbox_mode), or -EINVAL. */
int sandbox_mode_parse(const char *text, unsigned *out);

/* Above the numbers that distributions and systemd give to users, containers and services. */
#define SANDBOX_TEXT_OF(number) #number
#define SANDBOX_TEXT(number) SANDBOX_TEXT_OF(number)
#define SANDBOX_UID_BASE_DEFAULT SANDBOX_TEXT(WORKER_UID_BASE)
#define SANDBOX_UID_BASE_MIN 65536u
#define SANDBOX_UID_BASE_MAX 2143289344u /* 2^31 - 2^22: with a process ID it is still less than 2^31 */

struct sandbox {
    enum sandbox_mode mode; /* not SANDBOX_AUTO */
    unsigned parts;         /* CONFINE_*: what each worker enters */
    uint32_t id_base;
    char lacks[320]; /* best-effort: "PART (reason), ..." of what is missing; or "" */
};

/* What each worker is to enter. 0; or -errno and why[size]: the mode is SANDBOX_FULL and something is missing. */
int sandbox_prepare(unsigned mode, bool standalone, uint32_t id_base, struct sandbox *out, char *why, size_t size);
/*
 * The user and group of the worker with this process ID. No two processes that run have the same, so no two workers
 * have, also those of an earlier daemon.
 */
uint32_t sandbox_id(const struct sandbox *s, pid_t pid);
/*
 * For the daemon itself: gives up the capabilities that it does not need, for its workers too. To be called before
 * other threads start. 0, or -EPERM and it has what it had.
 */
int sandbox_drop_capabilities(void);

#endif
