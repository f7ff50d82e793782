// SPDX-License-Identifier: GPL-2.0-or-later
/* Who in this domain uses a device; see holder.h. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/util.h"
#include "device/holder.h"
#include "device/process.h"
#include "pvscsi/worker-proto.h"

enum {
    PROC_FILE_MAX = 4 << 20,
    NODES_MAX = 300 /* a disk has at most 256 minor numbers, a tape 8 nodes */
};

static bool read_dev(const char *dir, dev_t *out)
{
    CLEANUP_FREE char *path = strf("%s/dev", dir), *text = NULL;
    unsigned major_no, minor_no;

    if (!path || read_file(path, 64, &text, NULL) < 0 || sscanf(text, "%u:%u", &major_no, &minor_no) != 2)
        return false;
    *out = makedev(major_no, minor_no);
    return true;
}

/* Calls fn for each name in a directory, until it returns true. */
static bool any_name(const char *dir, bool (*fn)(const char *dir, const char *name, void *ctx), void *ctx)
{
    DIR *d = opendir(dir);
    bool found = false;

    if (!d)
        return false;
    for (struct dirent *e; !found && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            found = fn(dir, e->d_name, ctx);
    closedir(d);
    return found;
}

/* --- mounts, swap, dm, md --- */

struct question {
    const char *mounts, *swaps; /* the whole files, or NULL */
    char *why;
};

/* "36 35 98:0 /mnt1 /mnt/parent ...": proc(5), mountinfo. */
static bool is_mounted(const struct question *q, dev_t dev)
{
    for (const char *line = q->mounts; line && *line;) {
        unsigned major_no, minor_no;
        char where[160];

        if (sscanf(line, "%*d %*d %u:%u %*s %159s", &major_no, &minor_no, where) == 3
            && makedev(major_no, minor_no) == dev) {
            snprintf(q->why, DEVICE_WHY_MAX, "it is mounted on %s", where);
            return true;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return false;
}

static bool is_swap(const struct question *q, const char *name)
{
    for (const char *line = q->swaps; line && *line;) {
        char path[256];
        const char *last;

        if (sscanf(line, "%255s", path) == 1 && (last = strrchr(path, '/')) && strcmp(last + 1, name) == 0) {
            snprintf(q->why, DEVICE_WHY_MAX, "this system swaps to it");
            return true;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return false;
}

#define OF_MULTIPATH "the multipath of this domain has it as /dev/mapper/"

const char *holder_advice(const char *why)
{
    return strncmp(why, OF_MULTIPATH, strlen(OF_MULTIPATH)) == 0
               ? "; take it from multipath first, see MULTIPATH in vscsi(7)"
               : "; option force attaches it anyway";
}

/* dm calls a volume by its name, md and bcache by that of their block device. */
static bool name_holder(const char *dir, const char *name, void *ctx)
{
    struct question *q = ctx;
    CLEANUP_FREE char *path = strf("%s/%s/dm/name", dir, name), *dm = NULL;
    CLEANUP_FREE char *uuid_path = strf("%s/%s/dm/uuid", dir, name), *uuid = NULL;

    if (path && read_file(path, 256, &dm, NULL) == 0)
        dm[strcspn(dm, "\n")] = '\0';
    if (dm && uuid_path && read_file(uuid_path, 256, &uuid, NULL) == 0 && strncmp(uuid, "mpath-", 6) == 0)
        snprintf(q->why, DEVICE_WHY_MAX, OF_MULTIPATH "%.64s", dm);
    else
        snprintf(q->why, DEVICE_WHY_MAX, "it is part of /dev/%s%.100s", dm ? "mapper/" : "", dm ? dm : name);
    return true;
}

/* One block device, whole or partition, at its place in sysfs. */
static bool block_used(struct question *q, const char *dir, const char *name)
{
    CLEANUP_FREE char *holders = strf("%s/holders", dir);
    dev_t dev;

    return (read_dev(dir, &dev) && is_mounted(q, dev)) || is_swap(q, name)
           || (holders && any_name(holders, name_holder, q));
}

/* The place of a partition in sysfs, or NULL: the name is not one of a partition. The caller frees it. */
static char *partition_dir(const char *dir, const char *name)
{
    CLEANUP_FREE char *mark = strf("%s/%s/partition", dir, name);

    return mark && access(mark, F_OK) == 0 ? strf("%s/%s", dir, name) : NULL;
}

static bool partition_used(const char *dir, const char *name, void *ctx)
{
    CLEANUP_FREE char *sub = partition_dir(dir, name);

    return sub && block_used(ctx, sub, name);
}

int holder_of_block(const struct device_roots *roots, const struct device *dev, char *why)
{
    CLEANUP_FREE char *mounts_path = strf("%s/self/mountinfo", roots->proc), *mounts = NULL;
    CLEANUP_FREE char *swaps_path = strf("%s/swaps", roots->proc), *swaps = NULL;
    CLEANUP_FREE char *dir = strf("%s/class/block/%s", roots->sysfs, dev->block_name);
    struct question q = { .why = why };

    if (dev->block_name[0] == '\0' || !roots->proc || !dir || !mounts_path || !swaps_path)
        return 0;
    if (read_file(mounts_path, PROC_FILE_MAX, &mounts, NULL) == 0)
        q.mounts = mounts;
    if (read_file(swaps_path, PROC_FILE_MAX, &swaps, NULL) == 0)
        q.swaps = swaps;
    return block_used(&q, dir, dev->block_name) || any_name(dir, partition_used, &q);
}

/* --- open device nodes --- */

struct search {
    const struct device_roots *roots;
    bool block;
    unsigned n;
    struct node {
        dev_t dev;
        char name[32];
    } node[NODES_MAX];
    const char *pid; /* of the process that is looked at */
    struct process process;
    enum holder_opener found;
    char *why;
};

static bool add_node(const char *dir, const char *name, void *ctx)
{
    struct search *s = ctx;
    CLEANUP_FREE char *at = strf("%s/%s", dir, name);

    if (s->n == NODES_MAX)
        return true;
    if (!at || strlen(name) >= sizeof(s->node[0].name) || !read_dev(at, &s->node[s->n].dev))
        return false;
    strcpy(s->node[s->n++].name, name);
    return false;
}

static bool add_partition(const char *dir, const char *name, void *ctx)
{
    CLEANUP_FREE char *sub = partition_dir(dir, name);

    return sub && add_node(dir, name, ctx);
}

static void list_nodes(struct search *s, const struct device *dev)
{
    static const char *const class[] = { "scsi_tape", "scsi_changer", "scsi_generic", "bsg" };
    char hctl[HCTL_TEXT_MAX];

    s->block = dev->block_name[0] != '\0';
    if (s->block) {
        CLEANUP_FREE char *all = strf("%s/class/block", s->roots->sysfs);
        CLEANUP_FREE char *disk = strf("%s/class/block/%s", s->roots->sysfs, dev->block_name);

        if (all && disk && !add_node(all, dev->block_name, s))
            any_name(disk, add_partition, s);
        return;
    }
    hctl_format(&dev->hctl, hctl);
    for (size_t i = 0; i < ARRAY_SIZE(class); i++) {
        CLEANUP_FREE char *dir = strf("%s/bus/scsi/devices/%s/%s", s->roots->sysfs, hctl, class[i]);

        if (dir)
            any_name(dir, add_node, s);
    }
}

/*
 * Is the process pvscsid or a worker? Its user says so, or its parent: nobody else has a daemon of root as parent.
 */
static bool is_ours(const struct search *s)
{
    const struct process *p = &s->process;
    struct process parent;
    char number[16];

    if (strcmp(p->comm, DAEMON_NAME) != 0 && strcmp(p->comm, WORKER_NAME) != 0)
        return false;
    if (process_is_trusted(p, s->pid, s->roots->worker_uids))
        return true;
    snprintf(number, sizeof(number), "%u", p->parent);
    return process_read(s->roots->proc, number, &parent) && strcmp(parent.comm, DAEMON_NAME) == 0 && parent.uid == 0;
}

/* One descriptor of a process; true: it is a node of the device, and the process is not ours. */
static bool look_at_fd(const char *dir, const char *name, void *ctx)
{
    struct search *s = ctx;
    CLEANUP_FREE char *path = strf("%s/%s", dir, name);
    char comm[64];
    struct stat st;

    if (!path || stat(path, &st) < 0 || (s->block ? !S_ISBLK(st.st_mode) : !S_ISCHR(st.st_mode)))
        return false;
    for (unsigned i = 0; i < s->n; i++) {
        if (s->node[i].dev != st.st_rdev)
            continue;
        if (is_ours(s)) {
            s->found = OPENER_OURS;
            return false;
        }
        escape_for_log(comm, sizeof(comm), s->process.comm, strlen(s->process.comm));
        snprintf(s->why, DEVICE_WHY_MAX, "process %.16s (%s) has /dev/%s open", s->pid, comm, s->node[i].name);
        s->found = OPENER_OTHER;
        return true;
    }
    return false;
}

static bool look_at_process(const char *proc, const char *name, void *ctx)
{
    struct search *s = ctx;
    CLEANUP_FREE char *fds = strf("%s/%s/fd", proc, name);

    if (!isdigit((unsigned char)name[0]) || !fds || !process_read(proc, name, &s->process))
        return false;
    s->pid = name;
    return any_name(fds, look_at_fd, s);
}

enum holder_opener holder_opener(const struct device_roots *roots, const struct device *dev, char *why)
{
    CLEANUP_FREE struct search *s = calloc(1, sizeof(*s));

    if (!s)
        return OPENER_NONE;
    s->roots = roots;
    s->why = why;
    list_nodes(s, dev);
    if (s->n > 0 && roots->proc)
        any_name(roots->proc, look_at_process, s);
    return s->found;
}
