/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc says of a process: its name, its user, and its parent. It only reads. */
#ifndef PVSCSI_PROCESS_H
#define PVSCSI_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
    char comm[64]; /* any characters but '\0' and a last newline: each process names itself */
    uint32_t uid;  /* the real user */
    uint32_t parent;
};

/* proc: "/proc". pid: a number as text. False: there is no such process, or it cannot be read. */
bool process_read(const char *proc, const char *pid, struct process *out);

/*
 * Is its user root, ours, or that of a confined worker with this process ID? A name alone proves nothing, because every
 * user can give it to a process. Root does not lie here, and the user of a confined worker is no user of the system.
 * worker_uids: as in struct device_roots; 0: not known.
 */
bool process_is_trusted(const struct process *p, const char *pid, uint32_t worker_uids);

#endif
