/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of a confined worker: a table of those that it needs, each with the reason. Any other one ends the
 * process. docs/confinement.md has the same list, and a test compares both.
 */
#ifndef PVSCSI_WORKER_SYSCALLS_H
#define PVSCSI_WORKER_SYSCALLS_H

/*
 * mappable: the only two descriptors whose files can be mapped, see confine.h; NULL: any.
 *
 * Allows this process only the calls of the table, for good. Another call kills the process with SIGSYS; it does not
 * return an error. 0 or -errno: -EINVAL or -ENOSYS from a kernel without seccomp filters; -EBADF: standard error is
 * mappable.
 */
int syscalls_restrict(const int mappable[2]);

#endif
