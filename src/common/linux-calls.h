/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls of Linux 5.1 to 5.12 for which musl, and glibc before 2.36, have no function: pidfd_open(2),
 * pidfd_send_signal(2), fsopen(2), fsconfig(2), fsmount(2), move_mount(2), open_tree(2), mount_setattr(2). With such a
 * C library they are called by number, and the kernel's header has their constants.
 */
#ifndef COMMON_LINUX_CALLS_H
#define COMMON_LINUX_CALLS_H

#include "config.h"

#include <sys/mount.h>

#ifdef HAVE_SYS_PIDFD_H
#include <sys/pidfd.h>
#endif

#if !defined(HAVE_SYS_PIDFD_H) || !defined(HAVE_FSOPEN)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#ifndef HAVE_SYS_PIDFD_H
#include <signal.h>
#include <sys/types.h>

static inline int pidfd_open(pid_t pid, unsigned int flags)
{
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned int flags)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, info, flags);
}
#endif

#ifndef HAVE_FSOPEN
#include <linux/mount.h>

static inline int fsopen(const char *name, unsigned int flags)
{
    return (int)syscall(SYS_fsopen, name, flags);
}

static inline int fsconfig(int fs, unsigned int command, const char *key, const void *value, int aux)
{
    return (int)syscall(SYS_fsconfig, fs, command, key, value, aux);
}

static inline int fsmount(int fs, unsigned int flags, unsigned int attributes)
{
    return (int)syscall(SYS_fsmount, fs, flags, attributes);
}

static inline int move_mount(int from, const char *from_path, int to, const char *to_path, unsigned int flags)
{
    return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int open_tree(int dir, const char *path, unsigned int flags)
{
    return (int)syscall(SYS_open_tree, dir, path, flags);
}

static inline int mount_setattr(int dir, const char *path, unsigned int flags, struct mount_attr *attributes,
                                size_t size)
{
    return (int)syscall(SYS_mount_setattr, dir, path, flags, attributes, size);
}
#endif

#endif
