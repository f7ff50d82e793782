/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The confinement of a worker: what a process that serves a guest gives up before it sees anything of the guest. It
 * lasts until the process ends. docs/confinement.md says what the worker keeps.
 */
#ifndef PVSCSI_WORKER_CONFINE_H
#define PVSCSI_WORKER_CONFINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Apart from these, every confinement limits resources, which cannot fail. */
enum confine_part {
    CONFINE_ROOT = 1,       /* a file system with its own device nodes, and nothing else */
    CONFINE_NAMESPACES = 2, /* network, IPC and UTS namespaces of its own; the network is empty */
    CONFINE_USER = 4,       /* a user and a group of its own, no other group, no capability; needs CONFINE_ROOT */
    CONFINE_SYSCALLS = 8,   /* only the system calls of syscalls.c */
};
#define CONFINE_PARTS 4 /* bits */
#define CONFINE_ALL ((1u << CONFINE_PARTS) - 1)

/* "file system" for CONFINE_ROOT and so on; for messages. */
const char *confine_part_name(unsigned part);

/* The parts that this build has: none with sanitizers, which need /proc and many system calls. */
unsigned confine_built_in(void);

struct confine {
    unsigned parts;
    int root_fd; /* CONFINE_ROOT: a detached mount, see sandbox-nodes.h; closed on success */
    uint32_t id; /* CONFINE_USER: of user and group */
    /*
     * CONFINE_SYSCALLS: no other file can be mapped. These stay open until the process ends, so that no other file
     * gets their numbers: close() of them fails with EPERM. Not standard error; -1: none. any_file: every file can be
     * mapped.
     */
    int mappable[2];
    bool any_file;
};

/*
 * Enters the parts one after the other. error[i] is 0 or the -errno of part 1 << i; a part that is not wanted has 0. A
 * part that fails leaves the process as it was in this respect, or with a part of it; the caller ends, or goes on
 * without it.
 */
void confine_enter(struct confine *c, int error[CONFINE_PARTS]);

/* The name of a device node in the worker's file system: "c21:3". */
#define CONFINE_NODE_MAX 32
void confine_node_name(dev_t rdev, char name[CONFINE_NODE_MAX]);

#endif
