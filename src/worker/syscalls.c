// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system calls of a confined worker; see syscalls.h. The table is what the tests need: they run with the
 * confinement, so a call that is missing here kills the worker in one of them.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <scsi/sg.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/grant_table.h> /* the next ones need its types */

#include <xen/evtchn.h>
#include <xen/gntalloc.h>
#include <xen/gntdev.h>

#include "common/util.h"
#include "worker/syscalls.h"

/* musl has these as macros for the functions without the number. The names here are those of system calls. */
#undef pread64
#undef pwrite64

struct allowed {
    int number;
    const char *why;
};
#define CALL(name, why) \
    { \
        SCMP_SYS(name), why \
    }

static const struct allowed calls[] = {
    CALL(read, "answers of sg, event channels"),
    CALL(write, "commands to sg, events, the log"),
    CALL(pread64, "the emulated disk"),
    CALL(pwrite64, "the emulated disk"),
    CALL(fdatasync, "the emulated disk"),
    CALL(recvmsg, "messages of the control process, mock-xen"),
    CALL(sendmsg, "messages to the control process, the PR helper, mock-xen"),
    CALL(recvfrom, "the PR helper"),
    CALL(sendto, "the PR helper"),
    CALL(epoll_wait, "the event loop"),
    CALL(epoll_pwait, "the event loop, where the C library prefers it"),
    CALL(epoll_ctl, "the event loop"),
    CALL(poll, "waiting for mock-xen's answer"),
    CALL(ppoll, "waiting for mock-xen's answer, where the C library prefers it"),
    CALL(fstat, "which device a node is, the size of a file"),
    CALL(newfstatat, "the same, where the C library prefers it"),
    CALL(munmap, "grants, memory"),
    CALL(mremap, "memory"),
    CALL(madvise, "memory"),
    CALL(brk, "memory"),
    CALL(futex, "locks of the C library"),
    CALL(getrandom, "the C library's memory allocator"),
    CALL(clock_gettime, "the time, where the kernel offers no faster way"),
    CALL(gettimeofday, "the time, where the kernel offers no faster way"),
    CALL(clock_nanosleep, "short waits"),
    CALL(nanosleep, "short waits, where the C library prefers it"),
    CALL(sched_yield, "short waits"),
    CALL(restart_syscall, "a wait goes on after a stop and SIGCONT"),
    CALL(rt_sigreturn, "the end of a signal handler"),
    CALL(rt_sigprocmask, "abort() of the C library"),
    CALL(getpid, "abort() of the C library"),
    CALL(gettid, "abort() of the C library"),
    CALL(exit, "the end"),
    CALL(exit_group, "the end"),
};

/* Requests of ioctl(). All others are refused, among them those that put input into a terminal (TIOCSTI). */
struct request {
    uint32_t number;
    const char *why;
};
#define REQUEST(name, why) \
    { \
        (uint32_t)(name), why \
    }

static const struct request requests[] = {
    REQUEST(SG_GET_RESERVED_SIZE, "sg channels"),
    REQUEST(SG_SET_RESERVED_SIZE, "sg channels"),
    REQUEST(BLKSSZGET, "the size of a disk's blocks"),
    REQUEST(IOCTL_GNTDEV_MAP_GRANT_REF, "mapping the ring"),
    REQUEST(IOCTL_GNTDEV_UNMAP_GRANT_REF, "unmapping the ring"),
    REQUEST(IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, "unmapping the ring"),
    REQUEST(IOCTL_GNTDEV_GRANT_COPY, "data from and to the guest"),
    REQUEST(IOCTL_GNTALLOC_ALLOC_GREF, "granted buffers"),
    REQUEST(IOCTL_GNTALLOC_DEALLOC_GREF, "granted buffers"),
    REQUEST(IOCTL_EVTCHN_BIND_INTERDOMAIN, "the ring's event channel"),
    REQUEST(IOCTL_EVTCHN_UNBIND, "the ring's event channel"),
    REQUEST(IOCTL_EVTCHN_NOTIFY, "events to the guest"),
};

/*
 * Memory that RLIMIT_DATA counts, and the hypervisor's; no code. A mapping outlives its descriptor, so a worker that
 * was taken over could keep a disk in this way when the disk goes to another guest. A private mapping, too, has the
 * data that the disk has then.
 */
static int allow_mmap(scmp_filter_ctx ctx, const int mappable[2])
{
    const struct scmp_arg_cmp no_code = SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp a_file = SCMP_A3_64(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0);
    const uint64_t kinds = MAP_ANONYMOUS | MAP_SHARED | MAP_GROWSDOWN;
    int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, no_code,
                             SCMP_A3_64(SCMP_CMP_MASKED_EQ, kinds, MAP_ANONYMOUS));

    if (r == 0 && !mappable)
        return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, no_code, a_file);
    for (unsigned i = 0; r == 0 && i < 2; i++)
        if (mappable[i] >= 0)
            r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 3, no_code, a_file,
                                 SCMP_A4_32(SCMP_CMP_EQ, (uint32_t)mappable[i]));
    return r;
}

/* All but these two numbers, which another file could get. Their owner learns that they stay open. */
static int allow_close(scmp_filter_ctx ctx, const int mappable[2])
{
    int low = -1, high = -1, r;

    for (unsigned i = 0; mappable && i < 2; i++) {
        if (mappable[i] < 0)
            continue;
        low = low < 0 || mappable[i] < low ? mappable[i] : low;
        high = mappable[i] > high ? mappable[i] : high;
    }
    if (low < 0)
        return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(close), 0);
    r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(close), 1, SCMP_A0_32(SCMP_CMP_LT, (uint32_t)low));
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(close), 1, SCMP_A0_32(SCMP_CMP_GT, (uint32_t)high));
    /* A rule has one condition for an argument, so those between are listed. */
    for (int fd = low; r == 0 && fd <= high; fd++)
        r = seccomp_rule_add(ctx, fd == low || fd == high ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW, SCMP_SYS(close), 1,
                             SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)fd));
    return r;
}

static int allow(scmp_filter_ctx ctx)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(calls); i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i].number, 0);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(requests); i++)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, requests[i].number));
    /* An open() that sleeps could end after the control process has looked at the descriptors. */
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                             SCMP_A2_32(SCMP_CMP_MASKED_EQ, O_NONBLOCK, O_NONBLOCK));
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                             SCMP_A1_32(SCMP_CMP_MASKED_EQ, O_NONBLOCK, O_NONBLOCK));
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /*
     * Another log becomes standard error. To other numbers, a descriptor could be moved to and fro while the control
     * process looks at all of them (sandbox_nodes_kept()).
     */
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(dup3), 1, SCMP_A1_32(SCMP_CMP_EQ, STDERR_FILENO));
    /* A signal to itself only. */
    if (r == 0)
        r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid()));
    return r;
}

int syscalls_restrict(const int mappable[2])
{
    scmp_filter_ctx ctx;
    int r;

    if (mappable && (mappable[0] == STDERR_FILENO || mappable[1] == STDERR_FILENO))
        return -EBADF; /* another log would replace it */
    ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!ctx)
        return -ENOMEM;
    /* A search in a tree, not along the list: the calls of the data path are made for each command. */
    r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (r == 0)
        r = allow(ctx);
    if (r == 0)
        r = allow_mmap(ctx, mappable);
    if (r == 0)
        r = allow_close(ctx, mappable);
    if (r == 0)
        r = seccomp_load(ctx);
    seccomp_release(ctx);
    return r;
}
