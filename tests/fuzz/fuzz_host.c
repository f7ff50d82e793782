// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control process against any history: what toolstacks and guests write to xenstore, what workers say, and what
 * fails. The input is a list of steps; see step(). Whatever they are, the daemon writes printable text below its own
 * nodes only, keeps no descriptor and no memory, and serves a guest that comes afterwards.
 *
 * xenstore and the workers are those of fake-control.c; the devices are files, and one disk in a made-up sysfs that
 * answers nothing. Built with libFuzzer, and without it as a program that replays files.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fake-control.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/util.h"
#include "control/host.h"
#include "control/store.h"
#include "device/ask.h"
#include "device/claim.h"
#include "device/send.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PATIENCE_US 8000000u /* for what must happen, on a slow machine */
#define STEPS_MAX 300
#define DISK "5:0:0:0"
#define LATE "backend/vscsi/7/0" /* of the guest that comes afterwards */

static char dir[64], pdev[2][96];
static struct settings settings;
static struct device_roots roots;
static struct loop *loop;
static struct host *host;
static int open_error;

static void check(bool fine, const char *what, const char *which)
{
    if (!fine) {
        fprintf(stderr, "fuzz_host: %s: %s\n", what, which);
        abort();
    }
}

/* --- the machine --- */

int __wrap_device_open(const struct device_roots *r, struct device *dev, struct device_fds *fds, char *why);
int __wrap_device_ask(const struct device_roots *r, int sg, unsigned kernel_ms, struct device *dev, char *why);
int __wrap_device_claim(const struct device_roots *r, const struct device *dev, struct device_claim *out, char *why);
void __wrap_device_claim_end(const struct device_roots *r, const struct device *dev, struct device_claim *c, bool back);
int __wrap_device_send(int sg, const uint8_t *cdb, unsigned cdb_len, struct device_end *end);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until);

/*
 * The daemon's end waits 1 s for its threads, because a sick device may keep one. No device here keeps one, but a
 * computer that has other work may be slow: what such a thread leaves would look like a leak.
 */
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *until)
{
    (void)until;
    return pthread_cond_wait(cond, lock);
}

int __wrap_device_open(const struct device_roots *r, struct device *dev, struct device_fds *fds, char *why)
{
    int error = __atomic_load_n(&open_error, __ATOMIC_ACQUIRE);

    (void)r;
    (void)dev;
    if (error) {
        snprintf(why, DEVICE_WHY_MAX, "it is so: %s", strerror(error));
        return -error;
    }
    *fds = (struct device_fds){ .sg = open("/dev/null", O_RDWR | O_CLOEXEC), .block = -1 };
    return 0;
}

int __wrap_device_ask(const struct device_roots *r, int sg, unsigned kernel_ms, struct device *dev, char *why)
{
    (void)r;
    (void)sg;
    (void)why;
    snprintf(dev->unit, sizeof(dev->unit), "%s", dev->wwid);
    return 0;
}

int __wrap_device_claim(const struct device_roots *r, const struct device *dev, struct device_claim *out, char *why)
{
    (void)r;
    (void)dev;
    *out = (struct device_claim){ .fd = -1 };
    why[0] = '\0';
    return 0;
}

void __wrap_device_claim_end(const struct device_roots *r, const struct device *dev, struct device_claim *c, bool back)
{
    (void)r;
    (void)dev;
    (void)c;
    (void)back;
}

int __wrap_device_send(int sg, const uint8_t *cdb, unsigned cdb_len, struct device_end *end)
{
    (void)sg;
    (void)cdb;
    (void)cdb_len;
    *end = (struct device_end){ .status = 0 };
    return 0;
}

static void make_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    check(f && fputs(text, f) >= 0 && fclose(f) == 0, "cannot write", path);
}

/* bus/scsi/devices/5:0:0:0 with what is read of it. */
static void make_disk(void)
{
    static const char *const dirs[] = { "sys", "bus", "scsi", "devices", DISK };
    static const struct {
        const char *name, *text;
    } files[] = { { "type", "0\n" },
                  { "device_busy", "0\n" },
                  { "state", "running\n" },
                  { "wwid", "naa.5000c500a1b2c3d4\n" },
                  { "scsi_generic/sg5/dev", "21:5\n" } };
    char path[256];
    size_t n = (size_t)snprintf(path, sizeof(path), "%s", dir);

    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        n += (size_t)snprintf(path + n, sizeof(path) - n, "/%s", dirs[i]);
        check(mkdir(path, 0755) == 0, "cannot make", path);
    }
    snprintf(path + n, sizeof(path) - n, "/scsi_generic");
    check(mkdir(path, 0755) == 0, "cannot make", path);
    snprintf(path + n, sizeof(path) - n, "/scsi_generic/sg5");
    check(mkdir(path, 0755) == 0, "cannot make", path);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        snprintf(path + n, sizeof(path) - n, "/%s", files[i].name);
        make_text(path, files[i].text);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static void clean_up(void)
{
    nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void prepare(void)
{
    static char sysfs[80], dev[80];

    snprintf(dir, sizeof(dir), "/tmp/fuzz-host.XXXXXX");
    check(mkdtemp(dir) != NULL, "no directory", dir);
    check(atexit(clean_up) == 0, "no memory", "");
    for (unsigned i = 0; i < 2; i++) {
        char path[80];

        snprintf(path, sizeof(path), "%s/disk%u", dir, i);
        snprintf(pdev[i], sizeof(pdev[i]), "file:%s", path);
        make_text(path, "");
        check(truncate(path, 1 << 20) == 0, "cannot make", path);
    }
    make_disk();
    snprintf(sysfs, sizeof(sysfs), "%s/sys", dir);
    snprintf(dev, sizeof(dev), "%s/dev", dir);
    roots = (struct device_roots){ .sysfs = sysfs, .dev = dev };
    settings.max_segments = 128;
    settings.max_luns = 8;
    settings.pr_deadline_s = 30;
    settings.policy = true;
    settings.permit.rules.all = true;
    snprintf(settings.standalone, sizeof(settings.standalone), "/fake");
    snprintf(settings.pr_socket, sizeof(settings.pr_socket), "/nonexistent");
    snprintf(settings.run_dir, sizeof(settings.run_dir), "%s/run", dir);
    log_init(XTL_CRITICAL);
}

/* Journals and other files of the run directory do not last from one input to the next. */
static void empty_run_dir(void)
{
    DIR *d;

    if (mkdir(settings.run_dir, 0755) < 0)
        check(errno == EEXIST, "cannot make", settings.run_dir);
    d = opendir(settings.run_dir);
    check(d != NULL, "cannot read", settings.run_dir);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

static unsigned open_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;

    check(d != NULL, "cannot read", "/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* --- what the daemon does --- */

int __real_store_write_batch(struct store *st, struct store_write *writes, unsigned n);
int __wrap_store_write_batch(struct store *st, struct store_write *writes, unsigned n);
int __real_store_remove(struct store *st, const char *path);
int __wrap_store_remove(struct store *st, const char *path);

/* "backend/vscsi/DOMID/ID..." */
static bool is_ours(const char *path)
{
    unsigned domid, id;
    int n = 0;

    return sscanf(path, "backend/vscsi/%5u/%10u%n", &domid, &id, &n) == 2 && (path[n] == '\0' || path[n] == '/')
           && !strstr(path, "..");
}

int __wrap_store_write_batch(struct store *st, struct store_write *writes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        check(is_ours(writes[i].path), "a node of others is written", writes[i].path);
        for (const char *p = writes[i].value; *p; p++)
            check(isascii((unsigned char)*p) && isprint((unsigned char)*p), "unprintable text", writes[i].path);
    }
    return __real_store_write_batch(st, writes, n);
}

int __wrap_store_remove(struct store *st, const char *path)
{
    check(is_ours(path), "a node of others is removed", path);
    return __real_store_remove(st, path);
}

static void on_ready(void *ctx)
{
    (void)ctx;
}

static void start(void)
{
    const struct host_config config = { .loop = loop, .settings = &settings, .roots = &roots, .ready = on_ready };
    char why[256] = "";

    check(host_new(&config, &host, why, sizeof(why)) == 0, "the daemon does not start", why);
}

static void go_round(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        fake_pump();
        check(loop_once(loop, 0) == 0, "the loop", "");
    }
}

/* --- the input --- */

/* Nodes; % is a domain, # a vhost or a device. New ones come last: the corpus has their numbers. */
static const char *const nodes[] = {
    "backend/vscsi/%/#/state",
    "backend/vscsi/%/#/online",
    "backend/vscsi/%/#/frontend",
    "backend/vscsi/%/#/frontend-id",
    "backend/vscsi/%/#/feature-host",
    "backend/vscsi/%/#/libxl_ctrl_index",
    "backend/vscsi/%/0/vscsi-devs/dev-#/p-dev",
    "backend/vscsi/%/0/vscsi-devs/dev-#/v-dev",
    "backend/vscsi/%/0/vscsi-devs/dev-#/state",
    "backend/vscsi/%/0/vscsi-devs/dev-#/p-wwid",
    "backend/vscsi/%/0/vscsi-devs/dev-#/p-hctl",
    "backend/vscsi/%/0/vscsi-devs/dev-#/pr",
    "backend/vscsi/%/0/vscsi-devs/dev-#/readonly",
    "backend/vscsi/%/0/vscsi-devs/dev-#/feature-host",
    "backend/vscsi/%/0/vscsi-devs/dev-#/allow",
    "backend/vscsi/%/0/vscsi-devs/dev-#/deny",
    "backend/vscsi/%/0/vscsi-devs/dev-#/iops",
    "backend/vscsi/%/0/vscsi-devs/dev-#/bps",
    "backend/vscsi/%/0/vscsi-devs/dev-#/error",
    "backend/vscsi/%/0/vscsi-devs/dev-#",
    "backend/vscsi/%/0/vscsi-devs/dev-#x/state",
    "backend/vscsi/%/0/vscsi-devs/dev--#/state",
    "backend/vscsi/%/x#/state",
    "backend/vscsi/0%/#/state",
    "backend/vscsi/%/#",
    "backend/vscsi/%",
    "backend/vscsi",
    "/local/domain/%/device/vscsi/#/state",
    "/local/domain/%/device/vscsi/#/ring-ref",
    "/local/domain/%/device/vscsi/#/event-channel",
    "/local/domain/%/device/vscsi/#/protocol",
    "/local/domain/%/device/vscsi/0/vscsi-devs/dev-#/state",
    "/local/domain/%/device/vscsi/#",
    "/local/domain/%/vm",
    "/local/domain/%",
    "domid",
    "backend/vscsi/%/0/vscsi-devs/dev-#/burst",
    "backend/vscsi/%/0/vscsi-devs/dev-#/change",
    "backend/vscsi/%/0/vscsi-devs/dev-#/changed",
    "backend/vscsi/%/0/vscsi-devs/dev-#/p-devname",
    "backend/vscsi/%/0/vscsi-devs/dev-#/unit",
    "backend/vscsi/%/0/vscsi-devs/dev-#/force",
    "backend/vscsi/%/0/vscsi-devs/dev-#/pr-force",
    "backend/vscsi/%/0/vscsi-devs/dev-#/pr-move",
    "backend/vscsi/%/0/vscsi-devs/dev-#/third-party-copy",
};
static const char *const values[] = {
    "",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "0:0:0:0",
    "0:0:1:0",
    "0:0:0:16384",
    DISK,
    "naa.5000c500a1b2c3d4",
    "/dev/sg5",
    "/local/domain/3/device/vscsi/0",
    "/local/domain/4/device/vscsi/0",
    "/local/domain/0/backend/vscsi/3/0",
    "-1",
    "4294967295",
    "4294967296",
    "65535",
    "18446744073709551616",
    "x86_64-abi",
    "helper",
    "deny",
    "3b+85/01",
    "100M",
    " 4",
    "4 ",
    "/vm/1",
    "\x01\x7f\xff",
    "../../../etc/passwd",
    "direct",
    "3b+42/01+ff",
    "1 no",
};

/* A node of the table, of one of three guests. */
static void node_of(struct input *in, char out[STORE_PATH_MAX])
{
    static const char *const domains[] = { "3", "4", "0" };
    const char *from = nodes[byte(in) % ARRAY_SIZE(nodes)];
    unsigned of = byte(in);
    size_t n = 0;

    for (; *from; from++)
        if (*from == '%')
            n += (size_t)snprintf(out + n, STORE_PATH_MAX - n, "%s", domains[of / 16 % ARRAY_SIZE(domains)]);
        else if (*from == '#')
            n += (size_t)snprintf(out + n, STORE_PATH_MAX - n, "%u", of % 4);
        else
            out[n++] = *from;
    out[n] = '\0';
}

/* A value of the table, one of the files, or any text. */
static void put_value(struct input *in, const char *path)
{
    char text[256];
    unsigned which = byte(in), n;

    if (which < ARRAY_SIZE(values)) {
        fake_put(path, values[which]);
    } else if (which < 128) {
        fake_put(path, pdev[which % 2]);
    } else {
        for (n = 0; n < which % 64; n++) {
            unsigned c = byte(in);

            text[n] = c ? (char)c : '.';
        }
        text[n] = '\0';
        fake_put(path, text);
    }
}

/* What a toolstack and a frontend do, in one step. */
static void make_guest(unsigned domid, const char *device)
{
    char back[64], front[64];

    snprintf(back, sizeof(back), "backend/vscsi/%u/0", domid);
    snprintf(front, sizeof(front), "/local/domain/%u/device/vscsi/0", domid);
    fake_domain(domid, true);
    fake_putf("/vm/x", "/local/domain/%u/vm", domid);
    fake_putf(front, "%s/frontend", back);
    fake_putf(domid == 3 ? "3" : domid == 4 ? "4" : "7", "%s/frontend-id", back);
    fake_putf("1", "%s/online", back);
    fake_putf(device, "%s/vscsi-devs/dev-0/p-dev", back);
    fake_putf("0:0:0:0", "%s/vscsi-devs/dev-0/v-dev", back);
    fake_putf("1", "%s/vscsi-devs/dev-0/state", back);
    fake_putf("8", "%s/ring-ref", front);
    fake_putf("9", "%s/event-channel", front);
    fake_putf("1", "%s/state", front);
    fake_putf("1", "%s/state", back);
}

/* A worker may say anything; its messages are of the right size, see worker_msg_recv(). */
static void say(struct input *in)
{
    struct fake_child *c = fake_n_children ? &fake_children[byte(in) % fake_n_children] : NULL;
    struct worker_msg msg = { .type = byte(in) % 48 };
    unsigned how = byte(in);

    msg.lun_index = how & 1 ? byte(in) * 0x01010101u : byte(in) % 8;
    msg.generation = how & 2 ? byte(in) * 0x01010101u : byte(in);
    msg.error = how & 4 ? -(int)byte(in) : how & 8 ? (int)(byte(in) * 0x01010101u) : 0;
    msg.u.pages = how & 16 ? byte(in) * 0x01010101u : byte(in);
    if (c && c->alive)
        fake_say(c, &msg);
}

static void step(struct input *in)
{
    static const int errors[] = { EIO, ENOSPC, EAGAIN, ENOMEM, EACCES, EINVAL, ENOENT };
    char path[STORE_PATH_MAX];

    switch (byte(in) % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
        node_of(in, path);
        put_value(in, path);
        break;
    case 4:
        node_of(in, path);
        fake_remove(path);
        break;
    case 5:
        make_guest(3 + byte(in) % 2, byte(in) % 2 ? DISK : pdev[0]);
        break;
    case 6:
        go_round(1 + byte(in) % 8);
        break;
    case 7:
        say(in);
        break;
    case 8:
        if (fake_child() && fake_child()->alive)
            fake_die(fake_child());
        break;
    case 9:
        fake_fail(1 + byte(in) % 16, errors[byte(in) % ARRAY_SIZE(errors)]);
        break;
    case 10: {
        unsigned domid = 3 + byte(in) % 2;

        fake_domain(domid, byte(in) % 2);
        break;
    }
    case 11:
        fake_child_mute = byte(in) % 2;
        fake_connect_error = -(int)(byte(in) % 3);
        fake_added_error = -(int)(byte(in) % 3);
        break;
    case 12:
        fake_child_refuses = byte(in) % 2;
        break;
    case 13:
        __atomic_store_n(&open_error, (int)(byte(in) % 32), __ATOMIC_RELEASE);
        break;
    case 14:
        fake_fail(0, 0);
        fake_remove("domid");
        fake_put("domid", "0");
        host_free(host);
        start();
        break;
    default: /* a frontend goes through its states */
        fake_putf((const char *[]){ "1", "3", "4", "5", "6" }[byte(in) % 5], "/local/domain/%u/device/vscsi/0/state",
                  3 + byte(in) % 2);
        go_round(2);
        break;
    }
}

static bool is(const char *path, const char *value)
{
    const char *now = fake_get(path);

    return now && strcmp(now, value) == 0;
}

static void wait_for(const char *path, const char *value, uint64_t end)
{
    while (!is(path, value) && now_us() < end) {
        fake_pump();
        check(loop_once(loop, 1) == 0, "the loop", "");
    }
}

/* Whatever was before, a guest that does everything right gets its device, and its toolstack may change the options. */
static void serve_another(void)
{
    uint64_t end = now_us() + PATIENCE_US;

    fake_fail(0, 0);
    fake_child_mute = fake_child_refuses = false;
    fake_connect_error = fake_added_error = 0;
    __atomic_store_n(&open_error, 0, __ATOMIC_RELEASE);
    if (fake_n_children > FAKE_CHILDREN - 8)
        return; /* fake-control.c has no more */
    make_guest(7, pdev[1]);
    while (!is(LATE "/state", "2") && !is(LATE "/state", "4") && now_us() < end) {
        fake_pump();
        check(loop_once(loop, 1) == 0, "the loop", "");
    }
    fake_put("/local/domain/7/device/vscsi/0/state", "3");
    wait_for(LATE "/state", "4", end);
    check(is(LATE "/state", "4"), "another guest is not served, its state is", fake_get(LATE "/state"));
    fake_put(LATE "/vscsi-devs/dev-0/iops", "9");
    fake_put(LATE "/vscsi-devs/dev-0/burst", "7");
    fake_put(LATE "/vscsi-devs/dev-0/change", "5");
    wait_for(LATE "/vscsi-devs/dev-0/changed", "5", end);
    check(is(LATE "/vscsi-devs/dev-0/changed", "5"), "a change is not answered", "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .at = data, .left = size };
    uint64_t end;
    unsigned known_fds;

    if (!dir[0])
        prepare();
    empty_run_dir();
    known_fds = open_fds(); /* libFuzzer has some of its own */
    fake_reset();
    fake_put("domid", "0");
    fake_domain(0, true);
    check(loop_new(&loop) == 0, "no loop", "");
    start();
    for (unsigned i = 0; in.left && i < STEPS_MAX; i++) {
        step(&in);
        if (i % 16 == 15)
            go_round(4); /* fake-control.c's queues are bounded */
    }
    serve_another();
    host_free(host);
    loop_free(loop);
    fake_reset();
    /* A thread that opens a device may end after the daemon. */
    for (end = now_us() + PATIENCE_US; open_fds() > known_fds && now_us() < end;)
        usleep(1000);
    check(open_fds() <= known_fds, "descriptors are left", "");
    return 0;
}

#include "replay.h"
