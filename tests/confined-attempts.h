/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker that a guest has taken over may try, each with what becomes of it. check_confined.c includes this and
 * tries all of it.
 */
#ifndef CONFINED_ATTEMPTS_H
#define CONFINED_ATTEMPTS_H

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
#include <signal.h>
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
#include <unistd.h>
#include <xen/grant_table.h> /* the next ones need its types */

#include <xen/evtchn.h>

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

#endif
