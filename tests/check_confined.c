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
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sched.h>
#include <scsi/sg.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xen/grant_table.h> /* the next ones need its types */

#include <xen/evtchn.h>

#include "common/util.h"
#include "control/sandbox-nodes.h"
#include "control/sandbox.h"
#include "worker/confine.h"
#include "worker/syscalls.h"
#include "suite.h"

#define ID 1879048192u
/* Descriptors of the process that tries. */
#define ROOT_FD 100
#define READY_FD 101
#define GO_FD 102
#define GRANTS_FD 103 /* the hypervisor's devices, which can be mapped, and another one between them */
#define OTHER_FD 104
#define SHARE_FD 105
#define KILLED 256  /* by SIGSYS */
#define UNTRIED 257 /* without the list: the kernel's settings decide, or it would reach what is not the test's */

static char secret[] = "/tmp/check_confined.XXXXXX"; /* a file that everybody may read: another guest's journal */
static struct sandbox_nodes *nodes;
static pid_t test_pid;

/* --- attempts: 0 when they succeed, or the errno --- */

static int result(long r)
{
    return r < 0 ? errno : 0;
}

static int own_node(void)
{
    return result(open("/c1:3", O_RDWR | O_NONBLOCK | O_CLOEXEC));
}
static int own_node_of_a_later_lun(void)
{
    return result(open("/c1:5", O_RDWR | O_NONBLOCK | O_CLOEXEC));
}
/* One that is asked for exclusively sleeps in sg while others have it. */
static int open_that_may_sleep(void)
{
    return result(open("/c1:3", O_RDWR | O_CLOEXEC));
}
static int another_node(void)
{
    return result(open("/c1:8", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}
static int node_in_dev(void)
{
    return result(open("/dev/null", O_RDWR | O_NONBLOCK | O_CLOEXEC));
}
static int another_guests_files(void)
{
    return result(open(secret, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}
static int above_the_root(void)
{
    return result(open("/../../../etc/passwd", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}
static int memory_of_init(void)
{
    return result(open("/proc/1/mem", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}
static int new_file(void)
{
    return result(open("/file", O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600));
}
static int make_a_node(void)
{
    return result(mknod("/node", S_IFCHR | 0600, makedev(1, 3)));
}
static int mount_something(void)
{
    return result(mount("none", "/", "tmpfs", 0, NULL));
}
static int change_the_root(void)
{
    return result(chroot("/"));
}
static int become_root(void)
{
    return result(setresuid(0, 0, 0));
}
static int take_a_group(void)
{
    return result(setresgid(0, 0, 0));
}
static int xenstore(void)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket" };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno : result(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
}
static int network(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(22),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno : result(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
}
static int raw_network(void)
{
    return result(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}
static int trace_the_daemon(void)
{
    return result(ptrace(PTRACE_ATTACH, test_pid, NULL, NULL));
}
static int kill_the_daemon(void)
{
    return result(kill(test_pid, 0));
}
static int run_a_program(void)
{
    static char name[] = "/bin/sh", *const argv[] = { name, NULL };

    return result(execve(name, argv, argv + 1));
}
static int new_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return result(pid);
}
static int executable_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}
/* A mapping of its node would be a way to the device that no descriptor shows. */
static int map_file(int fd, int flags)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, fd, 0) == MAP_FAILED ? errno : 0;
}
static int mapping_of_a_device(void)
{
    return map_file(open("/c1:5", O_RDWR | O_NONBLOCK | O_CLOEXEC), MAP_SHARED);
}
static int private_mapping_of_a_device(void)
{
    return map_file(open("/c1:5", O_RDWR | O_NONBLOCK | O_CLOEXEC), MAP_PRIVATE);
}
static int mapping_of_the_ring(void)
{
    return map_file(GRANTS_FD, MAP_SHARED);
}
static int mapping_of_granted_buffers(void)
{
    return map_file(SHARE_FD, MAP_SHARED);
}
static int mapping_between(void)
{
    return map_file(OTHER_FD, MAP_SHARED);
}
/* Another file would get the number, and could be mapped. */
static int number_of_the_first(void)
{
    return result(close(GRANTS_FD));
}
static int number_of_the_last(void)
{
    return result(close(SHARE_FD));
}
static int numbers_around(void)
{
    int fd = -1;

    while (fd <= SHARE_FD) {
        fd = open("/c1:3", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            return errno;
    }
    return close(fd) < 0 || close(OTHER_FD) < 0 || close(GO_FD) < 0 ? errno : 0;
}
static int memory(void)
{
    void *p = malloc(4 << 20);

    if (!p)
        return errno;
    memset(p, 1, 4 << 20);
    free(p);
    return 0;
}

static int mapping(size_t size, int prot, int flags)
{
    return mmap(NULL, size, prot, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED ? errno : 0;
}
static int more_memory(void)
{
    return mapping((size_t)96 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}
static int more_address_space(void)
{
    return mapping((size_t)1 << 30, PROT_NONE, MAP_PRIVATE);
}
/* RLIMIT_DATA counts neither of the next two. */
static int shared_memory(void)
{
    return mapping(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
}
static int memory_as_a_stack(void)
{
    return mapping(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_GROWSDOWN);
}
static int memory_file(void)
{
    return result(memfd_create("file", 0));
}
static int more_sockets(void)
{
    int fds[2];

    return result(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}
static int flags_of_the_log(void)
{
    return result(fcntl(STDERR_FILENO, F_SETFL, 0)); /* without O_APPEND it could be written over */
}
static int length_of_the_log(void)
{
    return result(ftruncate(STDERR_FILENO, 0));
}
static int file_by_its_handle(void)
{
    struct {
        struct file_handle head;
        unsigned char inode[8];
    } handle = { .head = { .handle_bytes = 8, .handle_type = 1 }, .inode = { 2 } };

    return result(open_by_handle_at(GO_FD, &handle.head, O_RDONLY | O_CLOEXEC));
}
static int node_away(void)
{
    return result(unlink("/c1:3"));
}
static int namespace_of_its_own(void)
{
    return result(unshare(CLONE_NEWUSER));
}
static int handle_of_the_daemon(void)
{
    return result(syscall(SYS_pidfd_open, test_pid, 0));
}
static int memory_of_the_daemon(void)
{
    struct iovec here = { .iov_base = secret, .iov_len = 1 }, there = { .iov_base = secret, .iov_len = 1 };

    return result(process_vm_readv(test_pid, &here, 1, &there, 1, 0));
}
static int signal_to_a_thread_of_the_daemon(void)
{
    return result(tgkill(test_pid, test_pid, 0));
}
static int higher_priority(void)
{
    return result(setpriority(PRIO_PROCESS, 0, -20));
}
static int dumpable(void)
{
    return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}
static int kernel_module(void)
{
    return result(syscall(SYS_finit_module, STDIN_FILENO, "", 0));
}
static int keys(void)
{
    return result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
}
static int io_uring(void)
{
    struct io_uring_params p = { 0 };

    return result(syscall(SYS_io_uring_setup, 1, &p));
}
static int kernel_program(void)
{
    union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

    return result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}
static int page_faults(void)
{
    return result(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}
static int counters(void)
{
    struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr) };

    return result(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}
static int terminal_input(void)
{
    return result(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}
/* The control process has opened the node of a device, and sg compares no credentials for this one. */
static int command_by_ioctl(void)
{
    struct sg_io_hdr hdr = { .interface_id = 'S' };

    return result(ioctl(STDIN_FILENO, SG_IO, &hdr));
}
static int hypercall(void)
{
    uint64_t call[6] = { 0 };

    /* IOCTL_PRIVCMD_HYPERCALL; its header needs another one that no package has. */
    return result(ioctl(STDIN_FILENO, _IOC(_IOC_NONE, 'P', 0, sizeof(call)), call));
}
static int another_log(void)
{
    return result(dup3(STDIN_FILENO, STDERR_FILENO, 0));
}
static int other_number(void)
{
    return result(dup3(STDIN_FILENO, 60, 0));
}
static int event_channel_for_another_guest(void)
{
    struct ioctl_evtchn_bind_unbound_port bind = { .remote_domain = 2 };

    return result(ioctl(STDIN_FILENO, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &bind));
}
#ifdef __x86_64__
/* getpid() by the i386 kernel interface, whose numbers mean other calls. */
static int another_architecture(void)
{
    long r = 20;

    __asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
    return r < 0 ? (int)-r : 0;
}
#endif

static const struct attempt {
    const char *name;
    int (*try)(void);
    int expected; /* without the list of system calls: errno, 0 for success, or UNTRIED */
    int listed;   /* with it: errno, 0, or KILLED */
} attempts[] = {
    { "its own node", own_node, 0, 0 },
    { "a node that came later", own_node_of_a_later_lun, 0, 0 },
    { "an open() that may sleep", open_that_may_sleep, 0, KILLED },
    { "memory", memory, 0, 0 },
    { "the ring", mapping_of_the_ring, 0, 0 },
    { "granted buffers", mapping_of_granted_buffers, 0, 0 },
    { "a mapping of another file", mapping_between, 0, KILLED },
    { "a mapping of a device", mapping_of_a_device, 0, KILLED },
    { "a private mapping of a device", private_mapping_of_a_device, 0, KILLED },
    { "gntdev's number", number_of_the_first, 0, EPERM },
    { "gntalloc's number", number_of_the_last, 0, EPERM },
    { "numbers around these", numbers_around, 0, 0 },
    { "another log", another_log, 0, 0 },
    { "a descriptor's other number", other_number, 0, KILLED },
    { "another guest's disk", another_node, ENOENT, ENOENT },
    { "a node in /dev", node_in_dev, ENOENT, ENOENT },
    { "another guest's journal", another_guests_files, ENOENT, ENOENT },
    { "a file above the root", above_the_root, ENOENT, ENOENT },
    { "/proc/1/mem", memory_of_init, ENOENT, ENOENT },
    { "a new file", new_file, EROFS, EROFS },
    { "a new node", make_a_node, EROFS, KILLED },
    { "mount()", mount_something, EPERM, KILLED },
    { "chroot()", change_the_root, EPERM, KILLED },
    { "user 0", become_root, EPERM, KILLED },
    { "group 0", take_a_group, EPERM, KILLED },
    { "xenstored's socket", xenstore, ENOENT, KILLED },
    { "the network", network, ENETUNREACH, KILLED },
    { "raw packets", raw_network, EPERM, KILLED },
    { "ptrace() of the daemon", trace_the_daemon, EPERM, KILLED },
    { "a signal to the daemon", kill_the_daemon, EPERM, KILLED },
    { "another program", run_a_program, ENOENT, KILLED },
    { "another process", new_process, EAGAIN, KILLED },
    { "executable memory", executable_memory, 0, KILLED },
    { "96 MiB", more_memory, ENOMEM, ENOMEM },
    { "1 GiB of addresses", more_address_space, ENOMEM, ENOMEM },
    { "shared memory", shared_memory, 0, KILLED },
    { "memory that grows", memory_as_a_stack, 0, KILLED },
    { "a file in memory", memory_file, 0, KILLED },
    { "a pair of sockets", more_sockets, 0, KILLED },
    { "O_APPEND of the log", flags_of_the_log, UNTRIED, KILLED },
    { "the length of the log", length_of_the_log, UNTRIED, KILLED },
    { "open_by_handle_at()", file_by_its_handle, EPERM, KILLED },
    { "unlink() of its node", node_away, EROFS, KILLED },
    { "a user namespace", namespace_of_its_own, UNTRIED, KILLED },
    { "a pidfd of the daemon", handle_of_the_daemon, 0, KILLED },
    { "the daemon's memory", memory_of_the_daemon, EPERM, KILLED },
    { "a signal to a thread of the daemon", signal_to_a_thread_of_the_daemon, EPERM, KILLED },
    { "a higher priority", higher_priority, EACCES, KILLED },
    { "being dumpable", dumpable, 0, KILLED },
    { "a kernel module", kernel_module, UNTRIED, KILLED },
    { "keyctl()", keys, UNTRIED, KILLED },
    { "io_uring", io_uring, UNTRIED, KILLED },
    { "bpf()", kernel_program, UNTRIED, KILLED },
    { "userfaultfd()", page_faults, UNTRIED, KILLED },
    { "perf_event_open()", counters, UNTRIED, KILLED },
    { "input of a terminal", terminal_input, UNTRIED, KILLED },
    { "a command by SG_IO", command_by_ioctl, UNTRIED, KILLED },
    { "a hypercall", hypercall, UNTRIED, KILLED },
    { "an event channel for another guest", event_channel_for_another_guest, UNTRIED, KILLED },
#ifdef __x86_64__
    { "a system call of i386", another_architecture, UNTRIED, KILLED },
#endif
};

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
