// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A worker that was taken over: a process with the same confinement tries to get at what is not its guest's. Each
 * attempt is made twice: with all parts, and without the list of system calls. So a hole in one part is not hidden
 * by another one.
 */
#include "config.h"

#include <cap-ng.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util.h"
#include "control/sandbox-nodes.h"
#include "control/sandbox.h"
#include "worker/confine.h"
#include "worker/syscalls.h"
#include "suite.h"
#include "confined-attempts.h"

#define ID 1879048192u

static struct sandbox_nodes *nodes;

/* --- the process that tries --- */

/* A worker has neither the control process's descriptors nor its list of nodes. */
static void become_worker(int ready, int go)
{
    int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

    if (dup2(sandbox_nodes_root(nodes), ROOT_FD) < 0 || dup2(ready, READY_FD) < 0 || dup2(go, GO_FD) < 0
        || dup2(zero, GRANTS_FD) < 0 || dup2(zero, OTHER_FD) < 0 || dup2(zero, SHARE_FD) < 0
        || close_range(3, ROOT_FD - 1, 0) < 0 || close_range(SHARE_FD + 1, ~0u, 0) < 0)
        _exit(252);
}

static void confined(unsigned parts, int (*try)(void), int ready, int go)
{
    struct confine c = { .parts = parts, .root_fd = ROOT_FD, .id = ID, .mappable = { SHARE_FD, GRANTS_FD } };
    int error[CONFINE_PARTS];
    char byte = 0;

    become_worker(ready, go);
    confine_enter(&c, error);
    for (unsigned i = 0; i < CONFINE_PARTS; i++)
        if (error[i] < 0)
            _exit(250);
    if (write(READY_FD, &byte, 1) != 1 || read(GO_FD, &byte, 1) != 1)
        _exit(251);
    _exit(try());
}

static pid_t child;
static int to_child;

/* Returns when the child is confined; its node of /dev/null is there. */
static void begin(unsigned parts, int (*try)(void))
{
    CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int ready[2], go[2];
    char byte;

    ck_assert_int_eq(sandbox_nodes_new(ID, &nodes), 0);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 0, null, -1), 0);
    ck_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        confined(parts, try, ready[1], go[0]);
    close(ready[1]);
    close(go[0]);
    to_child = go[1];
    ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

/* Lets the child try, and says what became of it: an errno, 0 or KILLED. */
static int end(void)
{
    int status;

    ck_assert_int_eq((int)write(to_child, "", 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    close(to_child);
    sandbox_nodes_free(nodes);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : -WTERMSIG(status);
    return WEXITSTATUS(status);
}

static int outcome(unsigned parts, int (*try)(void))
{
    CLEANUP_CLOSE int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

    begin(parts, try);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 7, zero, -1), 0);
    return end();
}

START_TEST(nothing_of_others_can_be_reached)
{
    const struct attempt *a = &attempts[_i];
    int got;

    if (a->expected != UNTRIED) {
        got = outcome(CONFINE_ALL & ~(unsigned)CONFINE_SYSCALLS, a->try);
        ck_assert_msg(got == a->expected, "%s: expected %d, got %d (errno)", a->name, a->expected, got);
    }
    got = outcome(CONFINE_ALL, a->try);
    ck_assert_msg(got == a->listed, "%s: expected %d, got %d (errno, or 256: killed)", a->name, a->listed, got);
}
END_TEST

/* Of /proc/PID/status. */
static void expect_status(const char *line)
{
    CLEANUP_FREE char *path = strf("/proc/%d/status", (int)child);
    CLEANUP_FREE char *text = NULL;

    ck_assert_int_eq(read_file(path, 65536, &text, NULL), 0);
    ck_assert_msg(strstr(text, line) != NULL, "no '%s' in: %s", line, text);
}

START_TEST(its_credentials_are_nobodys)
{
    static const char *const namespaces[] = { "mnt", "net", "ipc", "uts" };

    begin(CONFINE_ALL, memory);
    expect_status("\nUid:\t1879048192\t1879048192\t1879048192\t1879048192\n");
    expect_status("\nGid:\t1879048192\t1879048192\t1879048192\t1879048192\n");
    expect_status("\nGroups:\t \n");
    expect_status("\nCapInh:\t0000000000000000\n");
    expect_status("\nCapPrm:\t0000000000000000\n");
    expect_status("\nCapEff:\t0000000000000000\n");
    expect_status("\nCapBnd:\t0000000000000000\n");
    expect_status("\nCapAmb:\t0000000000000000\n");
    expect_status("\nNoNewPrivs:\t1\n");
    expect_status("\nSeccomp:\t2\n");
    for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
        CLEANUP_FREE char *theirs = strf("/proc/%d/ns/%s", (int)child, namespaces[i]);
        CLEANUP_FREE char *ours = strf("/proc/self/ns/%s", namespaces[i]);
        struct stat a, b;

        ck_assert(stat(theirs, &a) == 0 && stat(ours, &b) == 0);
        ck_assert_msg(a.st_ino != b.st_ino, "%s", namespaces[i]);
    }
    ck_assert_int_eq(end(), 0);
}
END_TEST

/* Two LUNs may be on one device. Its node goes with the last of them. */
START_TEST(a_node_goes_with_its_last_lun)
{
    CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    begin(CONFINE_ALL, own_node);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 3, null, -1), 0);
    if (_i > 0)
        sandbox_nodes_remove(nodes, 0);
    if (_i > 1)
        sandbox_nodes_remove(nodes, 3);
    sandbox_nodes_remove(nodes, 3000000000u);
    ck_assert_int_eq(end(), _i > 1 ? ENOENT : 0);
}
END_TEST

static bool node_is_there(int fd)
{
    char name[CONFINE_NODE_MAX];
    struct stat st;

    ck_assert_int_eq(fstat(fd, &st), 0);
    confine_node_name(st.st_rdev, name);
    return fstatat(sandbox_nodes_root(nodes), name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct rlimit descriptors;

static void no_more_descriptors(void)
{
    struct rlimit none;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = descriptors.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_int_lt(open("/", O_RDONLY | O_CLOEXEC), 0);
}

static void more_descriptors(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
}

/* What sandbox_nodes_kept() says in a process in which stat() of everything fails with ENOMEM. */
static int kept_without_memory(uint32_t index)
{
    pid_t pid = fork();
    int status;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

        if (!ctx || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(newfstatat), 0) < 0
            || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(statx), 0) < 0 || seccomp_load(ctx) < 0)
            _exit(255);
        _exit(-sandbox_nodes_kept(nodes, index));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return -WEXITSTATUS(status);
}

/* Whether a worker still has the device of a LUN that was taken away, when it says that it has closed it. */
START_TEST(a_device_that_is_kept_is_seen)
{
    CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    CLEANUP_CLOSE int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    int fds[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(sandbox_nodes_new(ID, &nodes), 0);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 0, null, -1), 0);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 1, zero, -1), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (dup2(zero, 0) < 0 || dup2(fds[1], 1) < 0 || close_range(2, ~0u, 0) < 0 || write(1, "", 1) != 1)
            _exit(1);
        pause();
    }
    ck_assert_int_eq((int)read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(sandbox_nodes_kept(nodes, 1), 0); /* nobody is watched yet, and the node is gone */
    ck_assert_int_eq(sandbox_nodes_add(nodes, 1, zero, -1), 0);
    ck_assert_int_eq(sandbox_nodes_watch(nodes, pid), 0);
    no_more_descriptors();                             /* it can be seen all the same */
    ck_assert_int_eq(sandbox_nodes_kept(nodes, 0), 0); /* it has closed it */
    ck_assert(!node_is_there(null));                   /* ... and cannot open it again */
    ck_assert(node_is_there(zero));
    ck_assert_int_eq(sandbox_nodes_kept(nodes, 1), 1);
    ck_assert(!sandbox_nodes_kept(nodes, 2) && !sandbox_nodes_kept(nodes, 300));
    ck_assert_int_eq(sandbox_nodes_kept(NULL, 1), 0);
    more_descriptors();
    /* It may have it for another LUN. */
    ck_assert_int_eq(sandbox_nodes_add(nodes, 7, zero, -1), 0);
    ck_assert_int_eq(sandbox_nodes_kept(nodes, 1), 0);
    /* ... also when the device is lost for both: it closes it when the LUN is removed. */
    sandbox_nodes_remove(nodes, 7);
    sandbox_nodes_remove(nodes, 1);
    ck_assert_int_eq(sandbox_nodes_kept(nodes, 1), 0);
    /* A worker that says that the device is lost does not get round this. */
    sandbox_nodes_forget(nodes, 7);
    ck_assert_int_eq(sandbox_nodes_kept(nodes, 1), 1);
    ck_assert_int_eq(kept_without_memory(1), -ENOMEM);
    sandbox_nodes_forget(NULL, 1);
    sandbox_nodes_forget(nodes, 3000000000u);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    sandbox_nodes_free(nodes);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* The kernel may give the number of a lost disk's block node to the next disk, which the guest gets too. */
START_TEST(a_block_node_that_is_another_luns_now_is_not_kept)
{
    CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    CLEANUP_CLOSE int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
    CLEANUP_CLOSE int block = -1;
    int fds[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(sandbox_nodes_new(ID, &nodes), 0);
    ck_assert_int_eq(mknodat(sandbox_nodes_root(nodes), "block", S_IFBLK | 0600, makedev(8, 16)), 0);
    block = openat(sandbox_nodes_root(nodes), "block", O_PATH | O_CLOEXEC); /* the disk itself is not touched */
    ck_assert_int_ge(block, 0);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 0, null, block), 0);
    sandbox_nodes_remove(nodes, 0);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 1, zero, block), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (dup2(block, 0) < 0 || dup2(fds[1], 1) < 0 || close_range(2, ~0u, 0) < 0 || write(1, "", 1) != 1)
            _exit(1);
        pause();
    }
    ck_assert_int_eq((int)read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(sandbox_nodes_watch(nodes, pid), 0);
    ck_assert_int_eq(sandbox_nodes_kept(nodes, 0), 0);
    /* When both are removed, it is nobody's. */
    sandbox_nodes_forget(nodes, 0);
    ck_assert_int_eq(sandbox_nodes_kept(nodes, 1), 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    sandbox_nodes_free(nodes);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* The kernel gives the number of a deleted device to another one only when nobody has it open any more. */
START_TEST(the_device_of_a_node_stays_open)
{
    int fds[2], null;
    char byte;

    ck_assert_int_eq(sandbox_nodes_new(ID, &nodes), 0);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    fds[0] = fcntl(null, F_DUPFD_CLOEXEC, 0); /* the number that the duplicate would get, and the one after it */
    close(fds[0]);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 0, null, -1), 0);
    ck_assert_int_ge(fcntl(fds[0], F_GETFD), 0);
    /* The node goes before its worker is asked to close the device. With another LUN on it that is the other's part. */
    ck_assert_int_eq(sandbox_nodes_add(nodes, 1, null, -1), 0);
    sandbox_nodes_hide(nodes, 1);
    ck_assert(node_is_there(null));
    sandbox_nodes_hide(nodes, 0);
    ck_assert(!node_is_there(null));
    ck_assert_int_eq(sandbox_nodes_add(nodes, 1, null, -1), 0);
    ck_assert(node_is_there(null));
    sandbox_nodes_remove(nodes, 0);
    ck_assert(node_is_there(null));
    sandbox_nodes_hide(nodes, 1);
    sandbox_nodes_remove(nodes, 1);
    ck_assert(!node_is_there(null));
    sandbox_nodes_hide(nodes, 1);
    sandbox_nodes_hide(nodes, 300);
    sandbox_nodes_hide(NULL, 0);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 0, null, -1), 0);
    sandbox_nodes_hide(nodes, 0);
    close(null);
    ck_assert_int_eq((int)read(fds[0], &byte, 1), 0);
    sandbox_nodes_remove(nodes, 0);
    ck_assert_int_lt(fcntl(fds[0], F_GETFD), 0);
    /* A file of standalone mode needs no node. */
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 0, fds[0], -1), 0);
    close(fds[0]);
    close(fds[1]);
    ck_assert_int_eq(sandbox_nodes_add(nodes, 256, 0, -1), -EINVAL);
    sandbox_nodes_free(nodes);
}
END_TEST

/* A worker changes its log, so this number does not stay with its file. */
START_TEST(standard_error_cannot_be_the_hypervisors)
{
    ck_assert_int_eq(syscalls_restrict((const int[]){ -1, STDERR_FILENO }), -EBADF);
    ck_assert_int_eq(syscalls_restrict((const int[]){ STDERR_FILENO, -1 }), -EBADF);
}
END_TEST

START_TEST(what_is_not_wanted_is_not_tried)
{
    struct sandbox s;
    char why[512] = "";

    ck_assert_int_eq(sandbox_prepare(SANDBOX_OFF, false, ID, &s, why, sizeof(why)), 0);
    ck_assert_uint_eq(s.parts, 0);
    ck_assert_int_eq(s.mode, SANDBOX_OFF);
    ck_assert_int_eq(sandbox_prepare(SANDBOX_AUTO, true, ID, &s, why, sizeof(why)), 0);
    ck_assert_int_eq(s.mode, SANDBOX_BEST_EFFORT);
    ck_assert_uint_eq(s.parts, CONFINE_ALL);
    ck_assert_str_eq(s.lacks, "");
    ck_assert_int_eq(sandbox_prepare(SANDBOX_AUTO, false, ID, &s, why, sizeof(why)), 0);
    ck_assert_int_eq(s.mode, SANDBOX_FULL);
    ck_assert_uint_eq(sandbox_id(&s, 4194304), 1883242496u);
}
END_TEST

/* As a user without capabilities: only the list of system calls is possible. */
START_TEST(without_root_full_is_refused_with_the_reasons)
{
    struct sandbox s;
    char why[512] = "";

    ck_assert_int_eq(setresuid(65534, 65534, 65534), 0); /* check runs each test in a process of its own */
    ck_assert_int_eq(sandbox_prepare(SANDBOX_BEST_EFFORT, false, ID, &s, why, sizeof(why)), 0);
    ck_assert_uint_eq(s.parts, CONFINE_SYSCALLS);
    ck_assert_str_eq(s.lacks,
                     "file system of its own (Operation not permitted), network, IPC and UTS namespaces of its "
                     "own (Operation not permitted), user of its own and no capability (it needs the file "
                     "system)");
    ck_assert_int_eq(sandbox_prepare(SANDBOX_FULL, false, ID, &s, why, sizeof(why)), -EPERM);
    ck_assert_ptr_nonnull(
        strstr(why, "workers cannot be confined: file system of its own (Operation not permitted), "));
    ck_assert_ptr_nonnull(strstr(why, "; expected all of it to be possible: run as root"));
}
END_TEST

/* As in a container that may mount but not make device nodes. */
START_TEST(a_file_system_without_nodes_is_none)
{
    struct sandbox s;
    char why[512] = "";

    ck_assert_int_eq(prctl(PR_CAPBSET_DROP, CAP_MKNOD), 0);
    capng_get_caps_process();
    ck_assert_int_eq(capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_MKNOD), 0);
    ck_assert_int_eq(capng_apply(CAPNG_SELECT_CAPS), 0);
    ck_assert_int_eq(sandbox_prepare(SANDBOX_BEST_EFFORT, false, ID, &s, why, sizeof(why)), 0);
    ck_assert_uint_eq(s.parts, CONFINE_NAMESPACES | CONFINE_SYSCALLS);
    ck_assert_str_eq(s.lacks, "file system of its own (Operation not permitted), user of its own and no capability (it "
                              "needs the file system)");
}
END_TEST

/* As on a kernel without seccomp, or in a container that may not make networks: the other parts are there. */
static const struct {
    int call, error;
    struct scmp_arg_cmp when;
    unsigned missing;
    const char *lacks;
} refusals[] = {
    { SCMP_SYS(prctl),
      EINVAL,
      { 0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0 },
      CONFINE_SYSCALLS,
      "list of system calls (the kernel refuses seccomp filters)" },
    { SCMP_SYS(unshare),
      ENOSPC,
      { 0, SCMP_CMP_MASKED_EQ, CLONE_NEWNET, CLONE_NEWNET },
      CONFINE_NAMESPACES,
      "network, IPC and UTS namespaces of its own (No space left on device)" },
    { SCMP_SYS(pivot_root),
      EPERM,
      { 0, SCMP_CMP_GE, 0, 0 },
      CONFINE_ROOT | CONFINE_USER,
      "file system of its own (Operation not permitted), user of its own and no capability (it needs the file "
      "system)" },
};

START_TEST(a_part_that_the_kernel_refuses_is_named)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    struct sandbox s;
    char why[512] = "";

    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(refusals[_i].error), refusals[_i].call, 1, refusals[_i].when),
                     0);
    if (refusals[_i].missing == CONFINE_SYSCALLS)
        ck_assert_int_eq(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0), 0);
    ck_assert_int_eq(seccomp_load(ctx), 0);
    seccomp_release(ctx);
    ck_assert_int_eq(sandbox_prepare(SANDBOX_BEST_EFFORT, false, ID, &s, why, sizeof(why)), 0);
    ck_assert_uint_eq(s.parts, CONFINE_ALL & ~refusals[_i].missing);
    ck_assert_str_eq(s.lacks, refusals[_i].lacks);
    ck_assert_int_eq(sandbox_prepare(SANDBOX_FULL, false, ID, &s, why, sizeof(why)), -EPERM);
    ck_assert_ptr_nonnull(strstr(why, refusals[_i].lacks));
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, nothing_of_others_can_be_reached, 0, ARRAY_SIZE(attempts));
    tcase_add_test(t, its_credentials_are_nobodys);
    tcase_add_loop_test(t, a_node_goes_with_its_last_lun, 0, 3);
    tcase_add_test(t, a_device_that_is_kept_is_seen);
    tcase_add_test(t, a_block_node_that_is_another_luns_now_is_not_kept);
    tcase_add_test(t, the_device_of_a_node_stays_open);
    tcase_add_test(t, standard_error_cannot_be_the_hypervisors);
    tcase_add_test(t, what_is_not_wanted_is_not_tried);
    tcase_add_test(t, a_file_system_without_nodes_is_none);
    tcase_add_loop_test(t, a_part_that_the_kernel_refuses_is_named, 0, ARRAY_SIZE(refusals));
    tcase_add_test(t, without_root_full_is_refused_with_the_reasons);
}

int main(void)
{
    struct sandbox s;
    char why[512];
    int status, fd;

    if (!confine_built_in()) {
        printf("SKIP: a build with sanitizers is not confined\n");
        return 77;
    }
    if (getenv("UNDER_VALGRIND")) {
        printf("SKIP: valgrind cannot run a confined program\n");
        return 77;
    }
    if (sandbox_prepare(SANDBOX_FULL, false, ID, &s, why, sizeof(why)) < 0) {
        printf("SKIP: %s\n", why);
        return 77;
    }
    test_pid = getpid();
    fd = mkstemp(secret);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return 1;
    close(fd);
    status = run_tests("confined", NULL, NULL, add_tests);
    unlink(secret);
    return status;
}
