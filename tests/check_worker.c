// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker process as the control process sees it: worker_main() in a child, with messages over its socketpair. The
 * test acts as control process, guest and device. The hypervisor made of arrays is memory that both processes share.
 * The "sg node" is a socket whose other end the test has, so each command comes as a struct sg_io_hdr.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "service-fixture.h"
#include "suite.h"
#include "worker/worker.h"
#include "wrapped.h"

#define WAIT_MS 20000
#define DEVICE 255 /* lun_index and target of the LUN at `node` */

static pid_t child;
static int control = -1, node = -1, journal_fd = -1, stats_fd = -1;
static struct pvscsi_journal *shared_journal;
static struct pvscsi_stats *shared_stats;

int __wrap_open(const char *path, int flags, ...) WRAP("open64");
int __real_open(const char *path, int flags, ...) REAL("open64");
int __wrap_xen_open_real(unsigned flags, struct xen **out);

int __wrap_open(const char *path, int flags, ...)
{
    int fd;

    if (sscanf(path, "/proc/self/fd/%d", &fd) == 1)
        return fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return __real_open(path, flags, 0);
}

static int worker_pending(struct xen *x, uint32_t *port)
{
    uint64_t count;

    *port = 5;
    return read(fake.event_fd, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

int __wrap_xen_open_real(unsigned flags, struct xen **out)
{
    static struct xen_ops ops;

    ops = fake_ops;
    ops.pending = worker_pending;
    fake.xen.ops = &ops;
    *out = &fake.xen;
    return 0;
}

static void *map_file(int *fd, size_t size)
{
    void *at;

    *fd = memfd_create("run", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(*fd, (off_t)size), 0);
    at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    ck_assert(at != MAP_FAILED);
    return at;
}

static void start(void)
{
    int pair[2];

    ck_assert(mmap(&fake, sizeof(fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
              == (void *)&fake);
    fake.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (unsigned i = 0; i < PAGES; i++)
        fake.granted[i] = true;
    guest = (void *)fake.page[RING_REF];
    guest->req_event = guest->rsp_event = 1;
    guest_rsp_cons = 0;
    shared_journal = map_file(&journal_fd, sizeof(*shared_journal));
    shared_stats = map_file(&stats_fd, sizeof(*shared_stats));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(pair[0]);
        dup2(pair[1], WORKER_FD);
        if (pair[1] != WORKER_FD)
            close(pair[1]);
        _exit(worker_main());
    }
    close(pair[1]);
    control = pair[0];
}

static void stop(void)
{
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    child = 0;
    if (control >= 0)
        close(steal_fd(&control));
    if (node >= 0)
        close(steal_fd(&node));
    close(journal_fd);
    close(stats_fd);
    close(fake.event_fd);
    munmap(shared_journal, sizeof(*shared_journal));
    munmap(shared_stats, sizeof(*shared_stats));
}

static void wait_for(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    ck_assert_msg(poll(&p, 1, WAIT_MS) == 1, "nothing comes");
}

static uint64_t ticket[256]; /* the last that was said of each LUN; LUN_ADDED and LUN_REMOVED must have it */

static void say(struct worker_msg *msg, const int *fds, unsigned n)
{
    static uint64_t tickets = 0x123456789abc;

    msg->ticket = ticket[msg->lun_index % 256] = ++tickets;
    ck_assert_int_eq(worker_msg_send(control, msg, fds, n), 0);
}

static void say_type(uint32_t type, uint32_t index)
{
    say(&(struct worker_msg){ .type = type, .lun_index = index }, NULL, 0);
}

static void hear(uint32_t type, int error, uint32_t index)
{
    struct worker_msg msg;
    int fds[WORKER_MAX_FDS];

    wait_for(control);
    ck_assert_int_eq(worker_msg_recv(control, &msg, fds), 1);
    ck_assert_uint_eq(msg.type, type);
    ck_assert_int_eq(msg.error, error);
    ck_assert_uint_eq(msg.lun_index, index);
    if (type == WM_LUN_ADDED || type == WM_LUN_REMOVED)
        ck_assert_uint_eq(msg.ticket, ticket[index % 256]);
}

/* True while the worker says nothing and runs. */
static bool quiet_for(int ms)
{
    struct pollfd p = { .fd = control, .events = POLLIN };

    return poll(&p, 1, ms) == 0;
}

static void expect_exit(int status)
{
    int got;

    for (unsigned i = 0; waitpid(child, &got, WNOHANG) == 0; i++) {
        ck_assert_msg(i < WAIT_MS / 10, "the worker does not end");
        usleep(10000);
    }
    child = 0;
    ck_assert(WIFEXITED(got));
    ck_assert_int_eq(WEXITSTATUS(got), status);
}

static void init(void)
{
    struct worker_msg msg = { .type = WM_INIT };
    int fds[2] = { journal_fd, stats_fd };

    msg.u.init.domid = 1;
    msg.u.init.log_level = XTL_CRITICAL;
    msg.u.init.max_segments = 128;
    strcpy(msg.u.init.prefix, "d1.0");
    say(&msg, fds, 2);
    hear(WM_READY, 0, 0);
}

/* index DEVICE: the one at `node`; any other: an emulated disk. */
static void give_lun(uint32_t index, uint32_t flags)
{
    struct worker_msg msg = { .type = WM_LUN_ADD, .lun_index = index };
    int pair[2], fd;

    msg.u.lun.target = (uint16_t)index;
    msg.u.lun.backing = index == DEVICE ? LUN_BACKING_SG : LUN_BACKING_FILE;
    msg.u.lun.flags = flags;
    msg.u.lun.max_transfer = 4096;
    msg.u.lun.pr_mode = PR_DENY;
    if (index == DEVICE) {
        if (node >= 0)
            close(node);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        node = pair[0];
        fd = pair[1];
    } else {
        fd = disk_fd();
    }
    say(&msg, &fd, 1);
    close(fd);
    hear(WM_LUN_ADDED, 0, index);
}

static void connect_ring(void)
{
    struct worker_msg msg = { .type = WM_CONNECT, .generation = 7 };

    msg.u.connect.ring_ref = RING_REF;
    msg.u.connect.event_channel = 9;
    say(&msg, NULL, 0);
    hear(WM_CONNECTED, 0, 0);
}

static void begin(void)
{
    init();
    give_lun(0, 0);
    give_lun(DEVICE, 0);
    connect_ring();
}

/* The worker is another process and looks at the ring whenever it likes: a request is whole before it is there. */
static void put_at(uint16_t rqid, uint32_t index, uint8_t act)
{
    struct vscsiif_request *req = prepare(rqid);

    req->id = (uint16_t)index;
    req->act = act;
    put_done();
}

/* The event that follows put_at(). */
static void notify(void)
{
    uint64_t one = 1;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    ck_assert_int_eq((int)write(fake.event_fd, &one, sizeof(one)), (int)sizeof(one));
}

static void expect_answer(uint16_t rqid, int32_t rslt)
{
    struct vscsiif_response r;

    for (unsigned i = 0; __atomic_load_n(&guest->rsp_prod, __ATOMIC_ACQUIRE) == guest_rsp_cons; i++) {
        ck_assert_msg(i < WAIT_MS / 10, "no answer to %u", rqid);
        usleep(10000);
    }
    r = take();
    ck_assert_uint_eq(r.rqid, rqid);
    ck_assert_int_eq(r.rslt, rslt);
}

static struct sg_io_hdr at_device(void)
{
    struct sg_io_hdr hdr;

    wait_for(node);
    ck_assert_int_eq((int)recv(node, &hdr, sizeof(hdr), 0), (int)sizeof(hdr));
    return hdr;
}

static void device_ends(const struct sg_io_hdr *hdr)
{
    ck_assert_int_eq((int)send(node, hdr, sizeof(*hdr), 0), (int)sizeof(*hdr));
}

START_TEST(a_worker_serves_from_init_to_quit)
{
    begin();
    put_at(1, 0, VSCSIIF_ACT_SCSI_CDB);
    notify();
    expect_answer(1, 0);
    put_at(2, DEVICE, VSCSIIF_ACT_SCSI_CDB);
    notify();
    device_ends((struct sg_io_hdr[1]){ at_device() });
    expect_answer(2, 0);
    say_type(WM_DISCONNECT, 0);
    hear(WM_DISCONNECTED, 0, 0);
    ck_assert_uint_eq(shared_journal->connected, 0);
    say_type(WM_QUIT, 0);
    expect_exit(0);
    ck_assert_uint_eq(shared_stats->lun[DEVICE].used, 1); /* a successor goes on with the counters */
    ck_assert_uint_eq(shared_stats->lun[DEVICE].answered, 1);
}
END_TEST

START_TEST(it_ends_when_the_control_process_does_whenever_that_is)
{
    if (_i >= 1)
        init();
    if (_i >= 2)
        give_lun(DEVICE, 0);
    if (_i >= 3)
        connect_ring();
    close(steal_fd(&control));
    expect_exit(0);
    ck_assert_uint_eq(shared_journal->connected, _i >= 3);
}
END_TEST

START_TEST(it_does_nothing_before_init_and_ends_after_a_bad_one)
{
    say_type(WM_LUN_REMOVE, 3);
    say_type(WM_CONNECT, 0);
    say_type(WM_DISCONNECT, 0);
    say_type(WM_LUN_RELEASE, 1000);
    say_type(WM_RESET_DONE, 1000);
    say_type(WM_LUN_CHANGE, 0);
    say_type(WM_POLL, 0);
    say_type(WM_PREFIX, 0);
    ck_assert(quiet_for(50));
    say_type(WM_INIT, 0); /* without its files */
    hear(WM_READY, -EBADF, 0);
    expect_exit(0);
}
END_TEST

START_TEST(a_quit_waits_for_what_is_at_a_device_and_takes_nothing_new)
{
    struct sg_io_hdr hdr;

    begin();
    put_at(1, DEVICE, VSCSIIF_ACT_SCSI_CDB);
    notify();
    hdr = at_device();
    say_type(WM_QUIT, 0);
    ck_assert(quiet_for(50));
    put_at(2, 0, VSCSIIF_ACT_SCSI_CDB);
    notify();
    ck_assert(quiet_for(50));
    device_ends(&hdr);
    expect_answer(1, 0);
    expect_exit(0);
    none();
    ck_assert_uint_eq(shared_journal->connected, 1);
    ck_assert_uint_eq(shared_journal->req_cons, 1); /* the successor answers the other one */
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        ck_assert_uint_eq(shared_journal->entry[i].state, JOURNAL_FREE);
}
END_TEST

START_TEST(a_quit_does_not_wait_for_ever)
{
    uint64_t before = now_us();

    begin();
    put_at(1, DEVICE, VSCSIIF_ACT_SCSI_CDB);
    notify();
    at_device();
    close(steal_fd(&control));
    expect_exit(0);
    ck_assert_uint_ge(now_us() - before, 4000000);
    ck_assert_uint_eq(shared_journal->entry[0].state, JOURNAL_TAKEN);
    ck_assert_uint_eq(shared_journal->entry[0].target, DEVICE);
}
END_TEST

START_TEST(a_removed_lun_is_said_to_be_gone_when_it_is)
{
    struct sg_io_hdr hdr;

    begin();
    say_type(WM_LUN_REMOVE, 77);
    hear(WM_LUN_REMOVED, 0, 77);
    say_type(WM_LUN_REMOVE, 100000);
    hear(WM_LUN_REMOVED, 0, 100000);
    put_at(1, DEVICE, VSCSIIF_ACT_SCSI_CDB);
    notify();
    hdr = at_device();
    say_type(WM_LUN_REMOVE, DEVICE);
    ck_assert(quiet_for(50));
    if (_i == 1) { /* while its command is of no ring any more */
        say_type(WM_DISCONNECT, 0);
        hear(WM_DISCONNECTED, 0, 0);
        ck_assert(quiet_for(50));
    }
    device_ends(&hdr);
    if (_i == 0)
        expect_answer(1, 0);
    hear(WM_LUN_REMOVED, 0, DEVICE);
    give_lun(DEVICE, 0);
    say_type(WM_QUIT, 0);
    expect_exit(0);
}
END_TEST

START_TEST(a_quit_leaves_no_command_behind_that_only_waited_for_its_turn)
{
    struct sg_io_hdr hdr;

    /* 1 at the device, 2 a RESET that waits for it, 3 behind that: a successor would have to call 3 lost. */
    begin();
    put_at(1, DEVICE, VSCSIIF_ACT_SCSI_CDB);
    put_at(2, DEVICE, VSCSIIF_ACT_SCSI_RESET);
    put_at(3, DEVICE, VSCSIIF_ACT_SCSI_CDB);
    notify();
    hdr = at_device();
    say_type(WM_QUIT, 0);
    ck_assert(quiet_for(50));
    device_ends(&hdr);
    expect_answer(1, 0);
    expect_answer(2, 0x2002);
    device_ends((struct sg_io_hdr[1]){ at_device() });
    expect_answer(3, 0);
    expect_exit(0);
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        ck_assert_uint_eq(shared_journal->entry[i].state, JOURNAL_FREE);
}
END_TEST

START_TEST(a_quit_does_not_wait_for_a_held_lun)
{
    uint64_t before;

    init();
    give_lun(DEVICE, LUN_HELD);
    connect_ring();
    put_at(1, DEVICE, VSCSIIF_ACT_SCSI_CDB);
    notify();
    for (unsigned i = 0; __atomic_load_n(&shared_journal->req_cons, __ATOMIC_ACQUIRE) == 0; i++) {
        ck_assert_uint_lt(i, WAIT_MS / 10);
        usleep(10000);
    }
    before = now_us();
    say_type(WM_QUIT, 0);
    expect_exit(0);
    ck_assert_uint_le(now_us() - before, 3000000);
    ck_assert_uint_eq(shared_journal->entry[0].state, JOURNAL_TAKEN);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, a_worker_serves_from_init_to_quit);
    tcase_add_loop_test(t, it_ends_when_the_control_process_does_whenever_that_is, 0, 4);
    tcase_add_test(t, it_does_nothing_before_init_and_ends_after_a_bad_one);
    tcase_add_test(t, a_quit_waits_for_what_is_at_a_device_and_takes_nothing_new);
    tcase_add_test(t, a_quit_does_not_wait_for_ever);
    tcase_add_loop_test(t, a_removed_lun_is_said_to_be_gone_when_it_is, 0, 2);
    tcase_add_test(t, a_quit_leaves_no_command_behind_that_only_waited_for_its_turn);
    tcase_add_test(t, a_quit_does_not_wait_for_a_held_lun);
}

int main(void)
{
    return run_tests("worker", start, stop, add_tests);
}
