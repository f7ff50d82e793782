// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The confinement of a worker; see confine.h. The order matters: each part takes away what the parts after it do not
 * need any more. sg compares credentials, so sg nodes are opened after the user has changed, and the system calls that
 * open them stay allowed.
 */
#include "config.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/linux-calls.h"
#include "common/util.h"
#include "worker/confine.h"
#include "worker/syscalls.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) \
    || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

/*
 * Two descriptors for each of 256 LUNs and one for its first sg channel, 64 more channels, 256 connections to the PR
 * helper, and those of channels that are still at work on a device that was replaced.
 */
#define FDS_MAX 2048
/*
 * Private memory: 17 MiB of plain buffers (docs/architecture.md), and a few KiB for each of 256 LUNs with its
 * reservations; and all mappings, so that their page tables have a bound too. Shared memory without a file is not
 * allowed (syscalls.c), because RLIMIT_DATA does not count it.
 */
#define DATA_MAX (64u << 20)
#define MAPPED_MAX (1u << 30)

static const char *const part_names[CONFINE_PARTS] = {
    "file system of its own",
    "network, IPC and UTS namespaces of its own",
    "user of its own and no capability",
    "list of system calls",
};

const char *confine_part_name(unsigned part)
{
    for (unsigned i = 0; i < CONFINE_PARTS; i++)
        if (part == 1u << i)
            return part_names[i];
    return "unknown part";
}

unsigned confine_built_in(void)
{
    return HAS_SANITIZER ? 0 : CONFINE_ALL;
}

void confine_node_name(dev_t rdev, char name[CONFINE_NODE_MAX])
{
    snprintf(name, CONFINE_NODE_MAX, "c%u:%u", major(rdev), minor(rdev));
}

/*
 * The size of files has no limit here: the log counts, and it grows for as long as the daemon runs. A worker cannot
 * create files.
 */
static void limit_resources(void)
{
    static const struct {
        int resource;
        rlim_t most;
    } limits[] = {
        { RLIMIT_CORE, 0 }, /* it would hold data of the guest */
        { RLIMIT_NPROC, 0 },
        { RLIMIT_MEMLOCK, 0 },
        { RLIMIT_MSGQUEUE, 0 },
        { RLIMIT_NOFILE, FDS_MAX },
#if !HAS_SANITIZER
        { RLIMIT_DATA, DATA_MAX },
        { RLIMIT_AS, MAPPED_MAX },
#endif
    };

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        struct rlimit lim;

        if (getrlimit(limits[i].resource, &lim) < 0)
            continue;
        if (lim.rlim_max > limits[i].most)
            lim.rlim_max = limits[i].most;
        if (lim.rlim_cur > lim.rlim_max)
            lim.rlim_cur = lim.rlim_max;
        setrlimit(limits[i].resource, &lim);
    }
}

/*
 * The mount gets a read-only twin on top of it. The twin becomes the root; the control process goes on adding device
 * nodes through its descriptor of the first one. No other process sees either of them.
 */
static int enter_root(struct confine *c)
{
    struct mount_attr sealed = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };
    CLEANUP_CLOSE int twin = -1;

    if (c->root_fd < 0)
        return -EBADF;
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
        || move_mount(c->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    twin = open_tree(c->root_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (twin < 0 || mount_setattr(twin, "", AT_EMPTY_PATH, &sealed, sizeof(sealed)) < 0
        || move_mount(twin, "", c->root_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
        || fchdir(twin) < 0)
        return -errno;
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        /*
         * The old root is mounted on the new one now, and on it what was moved there. Both go: ".." of the root would
         * lead to the last one that stays.
         */
        if (umount2(".", MNT_DETACH) < 0 || umount2(".", MNT_DETACH) < 0)
            return -errno;
    } else if (errno != EINVAL || chroot(".") < 0) { /* EINVAL: the system runs from its initramfs, which stays */
        return -errno;
    }
    if (chdir("/") < 0)
        return -errno;
    close(steal_fd(&c->root_fd));
    return 0;
}

static int enter_namespaces(void)
{
    return unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0 ? -errno : 0;
}

static int change_user(uint32_t id)
{
    if (id == 0)
        return -EINVAL;
    capng_clear(CAPNG_SELECT_ALL);
    /* The bounding set first: without a capability it cannot be changed. */
    if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
        return -EPERM;
    if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
        return -errno;
    if (capng_apply(CAPNG_SELECT_CAPS) < 0)
        return -EPERM;
    return 0;
}

void confine_enter(struct confine *c, int error[CONFINE_PARTS])
{
    for (unsigned i = 0; i < CONFINE_PARTS; i++)
        error[i] = 0;
    limit_resources();
    if (c->parts & CONFINE_NAMESPACES)
        error[1] = enter_namespaces();
    if (c->parts & CONFINE_ROOT)
        error[0] = enter_root(c);
    /* Device nodes outside of a file system of its own belong to root. */
    if (c->parts & CONFINE_USER)
        error[2] = !(c->parts & CONFINE_ROOT) || error[0] < 0 ? -EOPNOTSUPP : change_user(c->id);
    if (c->parts & CONFINE_SYSCALLS)
        error[3] = syscalls_restrict(c->any_file ? NULL : c->mappable);
}
