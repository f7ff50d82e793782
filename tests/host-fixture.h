/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control process over a xenstore and workers in memory (fake-control.h), and a machine of made-up SCSI devices.
 * Included by one .c file of a program, which is linked with --wrap= of device_open, device_ask, device_claim,
 * device_claim_end and device_send.
 */
#ifndef PVSCSI_TESTS_HOST_FIXTURE_H
#define PVSCSI_TESTS_HOST_FIXTURE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/util.h"
#include "control/host.h"
#include "control/news.h"
#include "device/claim.h"
#include "device/send.h"
#include "control/model.h"
#include "control/opening.h"
#include "control/run-files.h"
#include "control/vhost-table.h"
#include "fake-control.h"
#include "must.h"
#include "suite.h"

#define BACK "backend/vscsi/3/0"
#define FRONT "/local/domain/3/device/vscsi/0"

static char dir[64], file_a[96], file_b[96], pdev_a[112], pdev_b[112];
static struct settings settings;
static struct device_roots roots;
static char sysfs[96], devdir[96];
static struct loop *loop;
static struct host *host;
static struct news *news; /* of the host */
static bool ready, quit;
static uint32_t left_at_device; /* what the next write_journal() says of it, and of the time-out of its orphan */
static uint64_t left_deadline_us;

/*
 * What opening a device does in the threads: the error it ends with, and the name of an sg device at which it sleeps.
 */
static int open_error;
static const char *open_sleeps;
/*
 * What asking it does: how often it was begun and with which time-out last, the error, and the identifier that a device
 * gives instead of the one in sysfs.
 */
static int ask_error, asked;
static unsigned asked_ms;
static const char *unit_said;

static UNUSED void set_open_error(int error)
{
    __atomic_store_n(&open_error, error, __ATOMIC_RELEASE);
}
static UNUSED void set_open_sleeps(const char *name)
{
    __atomic_store_n(&open_sleeps, name, __ATOMIC_RELEASE);
}

static UNUSED void on_ready(void *ctx)
{
    (void)ctx;
    ready = true;
}

static UNUSED void on_quit(void *ctx)
{
    (void)ctx;
    quit = true;
}

static UNUSED void run(const char *fmt, ...) PRINTF(1, 2);

static UNUSED void run(const char *fmt, ...)
{
    char cmd[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(cmd, sizeof(cmd), fmt, ap);
    va_end(ap);
    ck_assert_int_eq(system(cmd), 0);
}

static UNUSED void make_file(char *path, char *pdev, const char *name)
{
    int fd;

    snprintf(path, 96, "%s/%s", dir, name);
    snprintf(pdev, 112, "file:%s", path);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
    close(fd);
}

static UNUSED void setup(void)
{
    strcpy(dir, "/tmp/check-host.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    make_file(file_a, pdev_a, "a");
    make_file(file_b, pdev_b, "b");
    snprintf(sysfs, sizeof(sysfs), "%s/sys", dir);
    snprintf(devdir, sizeof(devdir), "%s/dev", dir);
    roots = (struct device_roots){ .sysfs = sysfs, .dev = devdir };
    memset(&settings, 0, sizeof(settings));
    settings.max_segments = 128;
    settings.max_luns = 256;
    settings.pr_deadline_s = 30;
    settings.policy = true;
    settings.permit.rules.all = true;
    strcpy(settings.standalone, "/fake");
    strcpy(settings.pr_socket, "/run/qemu-pr-helper.sock");
    snprintf(settings.run_dir, sizeof(settings.run_dir), "%s", dir);
    log_init(XTL_CRITICAL);
    ck_assert_int_eq(loop_new(&loop), 0);
    host = NULL;
    ready = quit = false;
    left_at_device = 0;
    left_deadline_us = 0;
    set_open_error(0);
    ask_error = asked = 0;
    unit_said = "";
    set_open_sleeps("-");
    fake_reset();
    fake_put("domid", "0");
    fake_domain(0, true);
}

static UNUSED void start(void)
{
    struct host_config config = {
        .loop = loop, .settings = &settings, .roots = &roots, .ready = on_ready, .quit_done = on_quit
    };
    char why[256] = "";

    news = news_new();
    ck_assert_ptr_nonnull(news);
    config.news = news;
    ck_assert_msg(host_new(&config, &host, why, sizeof(why)) == 0, "%s", why);
}

static UNUSED void stop(void)
{
    host_free(host);
    host = NULL;
    news_free(news);
    news = NULL;
}

static UNUSED void teardown(void)
{
    stop();
    loop_free(loop);
    fake_reset();
    run("rm -rf %s", dir);
}

/* How long an event is waited for, microseconds: also on a slow machine that has other work. */
#define PATIENCE_US 60000000u

/*
 * Lets everything happen for at least ms milliseconds, and the event loop go round some times however slow the machine
 * is.
 */
static UNUSED void let_happen_ms(unsigned ms)
{
    uint64_t end = now_us() + ms * 1000u;

    for (unsigned rounds = 0; rounds < 20 || now_us() < end; rounds++) {
        fake_pump();
        ck_assert_int_eq(loop_once(loop, 1), 0);
    }
}

static UNUSED void let_happen(void)
{
    let_happen_ms(25);
}

static UNUSED bool node_is(const char *path, const char *value)
{
    const char *now = fake_get(path);

    return value ? now && strcmp(now, value) == 0 : !now;
}

static UNUSED void expect(const char *path, const char *value)
{
    uint64_t end = now_us() + PATIENCE_US;

    while (!node_is(path, value) && now_us() < end) {
        fake_pump();
        ck_assert_int_eq(loop_once(loop, 1), 0);
    }
    ck_assert_msg(node_is(path, value), "%s is %s, expected %s", path, fake_get(path) ? fake_get(path) : "absent",
                  value ? value : "absent");
}

/*
 * Set by tools/check. Valgrind 3.19 has no pidfd_open(), and it closes what accept4() returns beyond the limit of
 * descriptors. Under valgrind the tests of these two are left out.
 */
static UNUSED bool under_valgrind(void)
{
    return getenv("UNDER_VALGRIND") != NULL;
}

/* A file of the run directory, "d3.0.stats", is not there. */
static UNUSED bool no_file(const char *name)
{
    CLEANUP_FREE char *path = strf("%s/%s", dir, name);

    return access(path, F_OK) < 0 && errno == ENOENT;
}

/* From now on the log goes to a file, from level info. */
static UNUSED void log_to_file(void)
{
    CLEANUP_FREE char *path = strf("%s/log", dir);

    ck_assert_ptr_nonnull(freopen(path, "w", stderr));
    log_set_level(XTL_INFO);
}

/* How many lines of it have this text. */
static UNUSED unsigned logged(const char *text)
{
    CLEANUP_FREE char *path = strf("%s/log", dir);
    CLEANUP_FREE char *log = NULL;
    unsigned n = 0;

    fflush(stderr);
    ck_assert_int_eq(read_file(path, 1 << 20, &log, NULL), 0);
    for (const char *at = log; (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

#define UNTIL(cond) \
    do { \
        uint64_t end_ = now_us() + PATIENCE_US; \
        while (!(cond) && now_us() < end_) { \
            fake_pump(); \
            loop_once(loop, 1); \
        } \
        ck_assert_msg(cond, "%s", #cond); \
    } while (0)

static UNUSED void add_dev(const char *back, unsigned n, const char *pdev, const char *vdev)
{
    fake_putf(pdev, "%s/vscsi-devs/dev-%u/p-dev", back, n);
    fake_putf(vdev, "%s/vscsi-devs/dev-%u/v-dev", back, n);
    fake_putf("1", "%s/vscsi-devs/dev-%u/state", back, n);
}

static UNUSED void create_vhost(unsigned domid, unsigned id)
{
    char back[64], text[96];

    snprintf(back, sizeof(back), "backend/vscsi/%u/%u", domid, id);
    fake_domain(domid, true);
    snprintf(text, sizeof(text), "/vm/%u", domid);
    fake_putf(text, "/local/domain/%u/vm", domid);
    fake_putf("1", "/local/domain/%u/device/vscsi/%u/state", domid, id);
    snprintf(text, sizeof(text), "/local/domain/%u/device/vscsi/%u", domid, id);
    fake_putf(text, "%s/frontend", back);
    snprintf(text, sizeof(text), "%u", domid);
    fake_putf(text, "%s/frontend-id", back);
    fake_putf("1", "%s/online", back);
    fake_putf("1", "%s/state", back);
}

static UNUSED void offer_ring(const char *ref, const char *port)
{
    fake_put(FRONT "/ring-ref", ref);
    fake_put(FRONT "/event-channel", port);
    fake_put(FRONT "/state", "3");
}

/* Another guest than 3 with one LUN, connected. */
static UNUSED void connected_guest(unsigned domid, const char *pdev)
{
    char back[64], front[64], path[96];

    snprintf(back, sizeof(back), "backend/vscsi/%u/0", domid);
    snprintf(front, sizeof(front), "/local/domain/%u/device/vscsi/0", domid);
    create_vhost(domid, 0);
    add_dev(back, 0, pdev, "0:0:0:0");
    snprintf(path, sizeof(path), "%s/state", back);
    expect(path, "2");
    fake_putf("8", "%s/ring-ref", front);
    fake_putf("9", "%s/event-channel", front);
    fake_putf("3", "%s/state", front);
    expect(path, "4");
    fake_putf("4", "%s/vscsi-devs/dev-0/state", front);
    fake_putf("4", "%s/state", front);
    snprintf(path, sizeof(path), "%s/vscsi-devs/dev-0/state", back);
    expect(path, "4");
}

/* One guest with one LUN, connected. */
static UNUSED void connected(void)
{
    start();
    create_vhost(3, 0);
    add_dev(BACK, 0, pdev_a, "0:0:0:0");
    expect(BACK "/state", "2");
    expect(BACK "/vscsi-devs/dev-0/state", "3");
    offer_ring("8", "9");
    expect(BACK "/state", "4");
    fake_put(FRONT "/vscsi-devs/dev-0/state", "4");
    fake_put(FRONT "/state", "4");
    expect(BACK "/vscsi-devs/dev-0/state", "4");
}

static UNUSED void write_journal(uint32_t ref, uint32_t port, bool orphan)
{
    struct pvscsi_journal j = { .magic = PVSCSI_JOURNAL_MAGIC,
                                .version = PVSCSI_JOURNAL_VERSION,
                                .connected = 1,
                                .ring_ref = ref,
                                .event_channel = port,
                                .req_cons = 5,
                                .at_device = left_at_device };
    char path[128];
    int fd;

    if (orphan)
        j.entry[2] =
            (struct pvscsi_journal_entry){ .state = JOURNAL_TAKEN, .ring_index = 4, .deadline_us = left_deadline_us };
    snprintf(path, sizeof(path), "%s/d3.0.journal", dir);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, &j, sizeof(j)), (int)sizeof(j));
    close(fd);
}

/* One of a directory's SCSI devices, a disk: "5:0:0:0", 5 for sg5. */
static UNUSED void make_scsi(const char *hctl, unsigned sg, const char *wwid)
{
    run("D=%s/bus/scsi/devices/%s; mkdir -p $D/scsi_generic/sg%u && echo 0 >$D/type && echo 0 >$D/device_busy && "
        "echo running >$D/state && echo %s >$D/wwid && echo 21:%u >$D/scsi_generic/sg%u/dev",
        sysfs, hctl, sg, wwid, sg, sg);
}

static UNUSED void set_busy(const char *hctl, unsigned n)
{
    run("echo %u >%s/bus/scsi/devices/%s/device_busy", n, sysfs, hctl);
}

#define DISK "5:0:0:0"
#define WWID "naa.5000c500a1b2c3d4"
#define LUN_0 BACK "/vscsi-devs/dev-0"

/* Guest 3 with the disk at 5:0:0:0. */
static UNUSED void connected_disk(void)
{
    make_scsi(DISK, 5, WWID);
    start();
    connected_guest(3, DISK);
}

/* The guest ends, and the daemon has removed what is its own. */
static UNUSED void destroy(unsigned domid)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    fake_remove(path);
    fake_domain(domid, false);
    snprintf(path, sizeof(path), "backend/vscsi/%u", domid);
    expect(path, NULL);
}

/* The daemon after one that was stopped. Workers are counted anew. */
static UNUSED void restart(void)
{
    fake_n_children = 0;
    start();
}

int __real_device_open(const struct device_roots *r, struct device *dev, struct device_fds *fds, char *why);
int __wrap_device_open(const struct device_roots *r, struct device *dev, struct device_fds *fds, char *why);

/* An sg node cannot be made here; what is opened does not matter. */
int __wrap_device_open(const struct device_roots *r, struct device *dev, struct device_fds *fds, char *why)
{
    int error = __atomic_load_n(&open_error, __ATOMIC_ACQUIRE);

    while (!strcmp(dev->sg_name, __atomic_load_n(&open_sleeps, __ATOMIC_ACQUIRE)))
        usleep(1000);
    if (error < 0) {
        snprintf(why, DEVICE_WHY_MAX, "it is so: %s", strerror(-error));
        return error;
    }
    if (dev->from == PDEV_FILE)
        return __real_device_open(r, dev, fds, why);
    *fds = (struct device_fds){ .sg = open("/dev/null", O_RDWR | O_CLOEXEC), .block = -1 };
    return 0;
}

int __real_device_ask(const struct device_roots *r, int sg, unsigned kernel_ms, struct device *dev, char *why);
int __wrap_device_ask(const struct device_roots *r, int sg, unsigned kernel_ms, struct device *dev, char *why);

/* The device says what sysfs says of it, or what `unit_said` holds. */
int __wrap_device_ask(const struct device_roots *r, int sg, unsigned kernel_ms, struct device *dev, char *why)
{
    const char *said = __atomic_load_n(&unit_said, __ATOMIC_ACQUIRE);

    __atomic_store_n(&asked_ms, kernel_ms, __ATOMIC_RELEASE);
    __atomic_add_fetch(&asked, 1, __ATOMIC_ACQ_REL);
    if (__atomic_load_n(&ask_error, __ATOMIC_ACQUIRE) < 0) {
        snprintf(why, DEVICE_WHY_MAX, "it does not say which unit it is");
        return ask_error;
    }
    if (dev->from == PDEV_FILE)
        return __real_device_ask(r, sg, kernel_ms, dev, why);
    snprintf(dev->unit, sizeof(dev->unit), "%s", said[0] ? said : dev->wwid);
    return 0;
}

/* Claims of devices: how often each of these was done, and what this domain uses (NULL: nothing). */
static int claimed, unclaimed, put_back;
static const char *used_as;

static UNUSED void set_used_as(const char *why)
{
    __atomic_store_n(&used_as, why, __ATOMIC_RELEASE);
}

static UNUSED int count(const int *of)
{
    return __atomic_load_n(of, __ATOMIC_ACQUIRE);
}

int __wrap_device_claim(const struct device_roots *r, const struct device *dev, struct device_claim *out, char *why);
void __wrap_device_claim_end(const struct device_roots *r, const struct device *dev, struct device_claim *c, bool back);

int __wrap_device_claim(const struct device_roots *r, const struct device *dev, struct device_claim *out, char *why)
{
    const char *used = __atomic_load_n(&used_as, __ATOMIC_ACQUIRE);
    CLEANUP_FREE char *path = strf("%s/bus/scsi/devices/%u:%u:%u:%u", r->sysfs, dev->hctl.host, dev->hctl.channel,
                                   dev->hctl.target, (unsigned)dev->hctl.lun);
    struct stat st;

    *out = (struct device_claim){ .fd = -1, .sysfs_inode = stat(path, &st) == 0 ? st.st_ino : 0 };
    snprintf(why, DEVICE_WHY_MAX, "%s", used ? used : "");
    if (used)
        return -EBUSY;
    __atomic_add_fetch(&claimed, 1, __ATOMIC_ACQ_REL);
    return 0;
}

void __wrap_device_claim_end(const struct device_roots *r, const struct device *dev, struct device_claim *c, bool back)
{
    (void)r;
    (void)dev;
    (void)c;
    /* Tests wait for the second one. */
    __atomic_add_fetch(&put_back, back, __ATOMIC_ACQ_REL);
    __atomic_add_fetch(&unclaimed, 1, __ATOMIC_ACQ_REL);
}

/* The commands that give a device back: "1e0000000000 170000000000 ". */
static char sent[1024];
static pthread_mutex_t sent_lock = PTHREAD_MUTEX_INITIALIZER;
static int send_status; /* SCSI status of the end; with 2, its sense is ILLEGAL REQUEST, or send_sense */
static uint8_t send_sense[18];
static unsigned send_unit_attentions; /* that come first */

int __wrap_device_send(int sg, const uint8_t *cdb, unsigned cdb_len, struct device_end *end);

int __wrap_device_send(int sg, const uint8_t *cdb, unsigned cdb_len, struct device_end *end)
{
    size_t n;

    (void)sg;
    pthread_mutex_lock(&sent_lock);
    for (unsigned i = 0; i < cdb_len; i++) {
        n = strlen(sent);
        snprintf(sent + n, sizeof(sent) - n, "%02x%s", cdb[i], i + 1 == cdb_len ? " " : "");
    }
    pthread_mutex_unlock(&sent_lock);
    *end = (struct device_end){ .status = (uint8_t)send_status, .sense_len = 18, .sense = { 0x70, 0, 0x05 } };
    if (send_sense[0])
        memcpy(end->sense, send_sense, sizeof(send_sense));
    if (send_unit_attentions > 0) {
        send_unit_attentions--;
        *end = (struct device_end){ .status = 2, .sense_len = 18, .sense = { 0x70, 0, 0x06 } };
    }
    return 0;
}

static UNUSED bool was_sent(const char *all)
{
    bool is;

    pthread_mutex_lock(&sent_lock);
    is = strcmp(sent, all) == 0;
    pthread_mutex_unlock(&sent_lock);
    return is;
}

/* Whether this was sent, whatever else. Two threads may send at once. */
static UNUSED bool has_sent(const char *one)
{
    bool has;

    pthread_mutex_lock(&sent_lock);
    has = strstr(sent, one) != NULL;
    pthread_mutex_unlock(&sent_lock);
    return has;
}

/* All that was sent so far; the next answer begins anew. */
static UNUSED const char *take_sent(void)
{
    static char taken[sizeof(sent)];

    pthread_mutex_lock(&sent_lock);
    memcpy(taken, sent, sizeof(taken));
    sent[0] = '\0';
    pthread_mutex_unlock(&sent_lock);
    return taken;
}

static UNUSED void die_or_restart(bool die)
{
    write_journal(8, 9, false);
    if (die) {
        fake_die(fake_child());
        UNTIL(fake_n_children == 2);
        return;
    }
    stop();
    restart();
}

static UNUSED struct vdev *lun_0(void)
{
    return model_find(host, 3, 0)->devs;
}

static UNUSED void say_lost(void)
{
    fake_say(fake_child(), &(struct worker_msg){ .type = WM_LUN_LOST, .lun_index = 0 });
}

static UNUSED uint32_t last_flags(void)
{
    return fake_last(fake_child(), WM_LUN_ADD)->u.lun.flags & (LUN_AWAY | LUN_RETURNED | LUN_ATTACHED);
}

/* Runs the tests that add() adds, each in a process of its own. The program's exit status. */
static UNUSED int run_host_tests(const char *name, void (*add)(TCase *t))
{
    return run_tests(name, setup, teardown, add);
}

#endif
