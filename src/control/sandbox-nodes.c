// SPDX-License-Identifier: GPL-2.0-or-later
/* The device nodes of one confined worker; see sandbox-nodes.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/linux-calls.h"
#include "common/util.h"
#include "control/sandbox-nodes.h"
#include "pvscsi/stats.h"
#include "worker/confine.h"

struct sandbox_nodes {
    int root;
    DIR *fds; /* /proc/PID/fd of the worker; NULL: it is not looked at */
    struct {
        int held;          /* the device; -1: the LUN has none */
        bool hidden;       /* ... but no node */
        bool present;      /* the worker has not said yet that the LUN is removed */
        dev_t rdev, block; /* of the device that it had last; 0: none */
    } lun[PVSCSI_STATS_LUNS];
};

/* A mount that no directory shows. *out gets its root directory, whose group (S_ISGID) its nodes get. */
static int make_root(uint32_t group, int *out)
{
    char gid[16];
    const char *const options[][2] = { { "mode", "2755" }, { "gid", gid }, { "size", "64k" }, { "nr_inodes", "1024" } };
    CLEANUP_CLOSE int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

    if (fs < 0)
        return -errno;
    snprintf(gid, sizeof(gid), "%" PRIu32, group);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (fsconfig(fs, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0) < 0)
            return -errno;
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    *out = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    return *out < 0 ? -errno : 0;
}

int sandbox_nodes_new(uint32_t id, struct sandbox_nodes **out)
{
    struct sandbox_nodes *n = calloc(1, sizeof(*n));
    int r;

    if (!n)
        return -ENOMEM;
    for (unsigned i = 0; i < PVSCSI_STATS_LUNS; i++)
        n->lun[i].held = -1;
    r = make_root(id, &n->root);
    if (r < 0) {
        free(n);
        return r;
    }
    *out = n;
    return 0;
}

int sandbox_nodes_watch(struct sandbox_nodes *n, pid_t pid)
{
    CLEANUP_FREE char *path = strf("/proc/%d/fd", (int)pid);

    if (!path)
        return -ENOMEM;
    if (n->fds)
        closedir(n->fds);
    n->fds = opendir(path);
    return !n->fds && (errno == ENOMEM || errno == EMFILE || errno == ENFILE) ? -errno : 0;
}

int sandbox_nodes_root(const struct sandbox_nodes *n)
{
    return n->root;
}

static bool others_have(const struct sandbox_nodes *n, uint32_t index, dev_t rdev)
{
    for (uint32_t i = 0; i < PVSCSI_STATS_LUNS; i++)
        if (i != index && n->lun[i].held >= 0 && !n->lun[i].hidden && n->lun[i].rdev == rdev)
            return true;
    return false;
}

/* One whose device is lost has no node any more. But the worker closes it only when the LUN is removed. */
static bool others_may_keep(const struct sandbox_nodes *n, uint32_t index, dev_t rdev)
{
    for (uint32_t i = 0; i < PVSCSI_STATS_LUNS; i++)
        if (i != index && n->lun[i].present && n->lun[i].rdev == rdev)
            return true;
    return false;
}

/* Another disk may have got the number of a block node since. */
static bool others_may_keep_block(const struct sandbox_nodes *n, uint32_t index, dev_t block)
{
    for (uint32_t i = 0; i < PVSCSI_STATS_LUNS; i++)
        if (i != index && n->lun[i].present && n->lun[i].block == block)
            return true;
    return false;
}

static int make_node(const struct sandbox_nodes *n, dev_t rdev)
{
    char name[CONFINE_NODE_MAX];

    confine_node_name(rdev, name);
    if (mknodat(n->root, name, S_IFCHR | 0600, rdev) < 0)
        return -errno;
    if (fchmodat(n->root, name, 0660, 0) < 0) { /* the umask has no say */
        int e = errno;

        unlinkat(n->root, name, 0);
        return -e;
    }
    return 0;
}

int sandbox_nodes_add(struct sandbox_nodes *n, uint32_t index, int fd, int block)
{
    CLEANUP_CLOSE int held = -1;
    struct stat st, block_st;
    int r;

    if (index >= PVSCSI_STATS_LUNS)
        return -EINVAL;
    sandbox_nodes_forget(n, index);
    n->lun[index].rdev = n->lun[index].block = 0;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISCHR(st.st_mode))
        return 0;
    held = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (held < 0)
        return -errno;
    r = others_have(n, index, st.st_rdev) ? 0 : make_node(n, st.st_rdev);
    if (r < 0)
        return r;
    n->lun[index].rdev = st.st_rdev;
    if (block >= 0 && fstat(block, &block_st) == 0 && S_ISBLK(block_st.st_mode))
        n->lun[index].block = block_st.st_rdev;
    n->lun[index].held = steal_fd(&held);
    n->lun[index].hidden = false;
    n->lun[index].present = true;
    return 0;
}

void sandbox_nodes_hide(struct sandbox_nodes *n, uint32_t index)
{
    char name[CONFINE_NODE_MAX];

    if (!n || index >= PVSCSI_STATS_LUNS || n->lun[index].held < 0 || n->lun[index].hidden)
        return;
    confine_node_name(n->lun[index].rdev, name);
    if (!others_have(n, index, n->lun[index].rdev))
        unlinkat(n->root, name, 0);
    n->lun[index].hidden = true;
}

void sandbox_nodes_remove(struct sandbox_nodes *n, uint32_t index)
{
    if (index >= PVSCSI_STATS_LUNS || n->lun[index].held < 0)
        return;
    sandbox_nodes_hide(n, index);
    close(steal_fd(&n->lun[index].held)); /* after the node, see above */
}

void sandbox_nodes_forget(struct sandbox_nodes *n, uint32_t index)
{
    if (!n || index >= PVSCSI_STATS_LUNS)
        return;
    sandbox_nodes_remove(n, index);
    n->lun[index].present = false;
}

/* 1: a descriptor is of one of these devices. 0: none, or they cannot be read. -errno: it is not known. */
static int find_open(DIR *fds, dev_t rdev, dev_t block)
{
    struct dirent *e;

    rewinddir(fds);
    while (errno = 0, e = readdir(fds)) {
        struct stat st;

        /* Another error is that of a file, such as a log on a server that is away. Those of a device are in memory. */
        if (fstatat(dirfd(fds), e->d_name, &st, 0) < 0) {
            if (errno == ENOMEM)
                return -errno;
        } else if ((S_ISCHR(st.st_mode) && st.st_rdev == rdev)
                   || (S_ISBLK(st.st_mode) && block != 0 && st.st_rdev == block)) {
            return 1;
        }
    }
    return errno == ENOMEM ? -errno : 0;
}

int sandbox_nodes_kept(struct sandbox_nodes *n, uint32_t index)
{
    dev_t rdev = n && index < PVSCSI_STATS_LUNS ? n->lun[index].rdev : 0, block;

    if (rdev == 0 || others_may_keep(n, index, rdev))
        return 0;
    /* The node first, or the worker could open it again after the look. */
    sandbox_nodes_remove(n, index);
    block = others_may_keep_block(n, index, n->lun[index].block) ? 0 : n->lun[index].block;
    return n->fds ? find_open(n->fds, rdev, block) : 0;
}

void sandbox_nodes_free(struct sandbox_nodes *n)
{
    if (!n)
        return;
    for (uint32_t i = 0; i < PVSCSI_STATS_LUNS; i++)
        sandbox_nodes_remove(n, i);
    if (n->fds)
        closedir(n->fds);
    close(n->root);
    free(n);
}
