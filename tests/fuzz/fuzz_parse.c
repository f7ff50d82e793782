// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parsers of foreign bytes that are neither a guest's requests nor a helper's answers: addresses and p-devs,
 * values of xenstore, entries of vscsi=, the control socket's requests, messages between control process and worker,
 * and mock-xen's wire (parse-mock.c). Whatever the input is, what must hold is checked: ranges, that a text formatted
 * again parses to the same, that what xl-scsi lets pass the daemon understands, that a refusal has a reason of one
 * line.
 *
 * Input: 1 byte selects the parser, the rest is for it. Built with libFuzzer, and without it as a program that replays
 * files.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xenstore.h>

#include "common/util.h"
#include "control/ctlsock.h"
#include "control/news.h"
#include "device/device.h"
#include "control/store.h"
#include "parse-mock.h"
#include "pvscsi/worker-proto.h"
#include "xl-scsi/syntax.h"

/* Exactly as long as it is, so that a sanitizer sees what is read past its end. */
static char *text_of(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    MUST(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

static void one_line(const char *why)
{
    MUST(why[0] && !strchr(why, '\n'));
}

/* --- h:c:t:l --- */

static void fuzz_hctl(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = text_of(data, size);
    struct hctl a, v, again;
    char out[HCTL_TEXT_MAX];
    int r = hctl_parse(text, &a), rv = vdev_parse(text, &v);

    MUST(r == 0 || r == -EINVAL || r == -ERANGE);
    MUST(rv == r || (r == 0 && rv == -ERANGE));
    if (r == 0) {
        hctl_format(&a, out);
        MUST(hctl_parse(out, &again) == 0 && hctl_equal(&a, &again));
        MUST(strlen(out) <= strlen(text));
        MUST((rv == 0) == (a.channel <= 255 && a.target <= 65535 && a.lun <= 16383));
        MUST(rv < 0 || hctl_equal(&a, &v));
    }
}

/* --- p-dev --- */

static void fuzz_pdev(const uint8_t *data, size_t size)
{
    static const struct device_roots none = { .sysfs = "/nonexistent", .dev = "/nonexistent" };
    CLEANUP_FREE char *text = text_of(data, size);
    char why[DEVICE_WHY_MAX] = "";
    struct device d;
    struct pdev p, unit;
    int r = pdev_parse(text, &p, why);

    MUST(r == 0 || r == -EINVAL);
    MUST(memchr(p.text, '\0', sizeof(p.text)));
    if (r < 0) {
        MUST(why[0]);
    } else {
        if (p.kind == PDEV_NODE && text[0] != '/') /* a link's name */
            MUST(strncmp(p.text, "/dev/disk/by-id/scsi-", 21) == 0 && strcmp(p.text + 16, text) == 0);
        else
            MUST(p.kind != PDEV_NODE || strcmp(p.text, text) == 0);
        MUST(p.kind != PDEV_FILE || p.text[0] == '/');
        MUST(p.kind == PDEV_WWID || !p.has_lun);
        MUST(p.kind == PDEV_HCTL || p.text[0]);
        if (pdev_names_unit(&p, &unit))
            MUST(unit.kind == PDEV_WWID && unit.text[0] && memchr(unit.text, '\0', sizeof(unit.text)));
        else
            MUST(p.kind != PDEV_WWID);
    }
    why[0] = '\0';
    MUST(device_resolve(&none, text, false, &d, why) < 0);
    MUST(why[0]);
}

/* --- xenstore's values: libxenstore is these --- */

static const uint8_t *value;
static size_t value_len;

struct xs_handle *xs_open(unsigned long flags UNUSED)
{
    static int handle;

    return (struct xs_handle *)(void *)&handle;
}
void xs_close(struct xs_handle *h UNUSED)
{
}
int xs_fileno(struct xs_handle *h UNUSED)
{
    return -1;
}
void *xs_read(struct xs_handle *h UNUSED, xs_transaction_t t UNUSED, const char *path UNUSED, unsigned *len)
{
    *len = (unsigned)value_len;
    return text_of(value, value_len); /* as libxenstore: a NUL after what came */
}
bool xs_write(struct xs_handle *h UNUSED, xs_transaction_t t UNUSED, const char *path UNUSED, const void *data UNUSED,
              unsigned len UNUSED)
{
    return true;
}
bool xs_rm(struct xs_handle *h UNUSED, xs_transaction_t t UNUSED, const char *path UNUSED)
{
    return true;
}
char **xs_directory(struct xs_handle *h UNUSED, xs_transaction_t t UNUSED, const char *path UNUSED, unsigned *n UNUSED)
{
    return NULL;
}
xs_transaction_t xs_transaction_start(struct xs_handle *h UNUSED)
{
    return 1;
}
bool xs_transaction_end(struct xs_handle *h UNUSED, xs_transaction_t t UNUSED, bool abandon UNUSED)
{
    return true;
}
bool xs_watch(struct xs_handle *h UNUSED, const char *path UNUSED, const char *token UNUSED)
{
    return true;
}
bool xs_unwatch(struct xs_handle *h UNUSED, const char *path UNUSED, const char *token UNUSED)
{
    return true;
}
char **xs_check_watch(struct xs_handle *h UNUSED)
{
    return NULL;
}
bool xs_is_domain_introduced(struct xs_handle *h UNUSED, unsigned domid UNUSED)
{
    return true;
}

/* Input: 4 bytes of the greatest number, 1 of the buffer's size, the value. */
static void fuzz_store(const uint8_t *data, size_t size)
{
    static struct store *st;
    CLEANUP_FREE char *text = NULL, *buf = NULL;
    uint32_t max, number = 0, a = 0, b = 0;
    size_t room, digits;
    char why[256];
    int r;

    if (size < 5)
        return;
    if (!st)
        MUST(store_open(&st, why, sizeof(why)) == 0);
    memcpy(&max, data, 4);
    room = (size_t)data[4] + 1;
    value = data + 5;
    value_len = size - 5;
    buf = malloc(room);
    MUST(buf);
    r = store_read(st, "x", buf, room);
    MUST(memchr(buf, '\0', room));
    if (value_len >= room)
        MUST(r == -EMSGSIZE && buf[0] == '\0');
    else if (memchr(value, '\0', value_len))
        MUST(r == -EINVAL && buf[0] == '\0');
    else
        MUST(r == 0 && strlen(buf) == value_len && memcmp(buf, value, value_len) == 0);

    text = text_of(value, value_len);
    digits = strspn(text, "0123456789");
    r = store_read_u32(st, "x", max, &number);
    if (r == 0) {
        MUST(digits == value_len && value_len > 0 && value_len < 32 && number <= max);
        MUST(strtoull(text, NULL, 10) == number);
    } else if (r == -ERANGE) {
        MUST(value_len >= 32 || (digits == value_len && (value_len > 10 || strtoull(text, NULL, 10) > max)));
    } else {
        MUST(r == -EINVAL && (digits != value_len || value_len == 0));
    }
    MUST((store_read_pair(st, "x", "y", &a, &b) == 0) == (store_read_u32(st, "x", UINT32_MAX, &number) == 0));
    MUST(a == b);
}

/* --- vscsi= --- */

static void same_entry(const struct vscsi_entry *a, const struct vscsi_entry *b)
{
    MUST(strcmp(a->pdev, b->pdev) == 0 && a->kind == b->kind && a->whole_host == b->whole_host);
    MUST(hctl_equal(&a->vdev, &b->vdev) && a->feature_host == b->feature_host && a->readonly == b->readonly);
    MUST(a->pr_move == b->pr_move && a->pr_force == b->pr_force && a->force == b->force);
    MUST(!a->backend == !b->backend && (!a->backend || strcmp(a->backend, b->backend) == 0));
    MUST(a->third_party_copy == b->third_party_copy && limits_equal(&a->limits, &b->limits));
    MUST(!a->allow == !b->allow && (!a->allow || strcmp(a->allow, b->allow) == 0));
    MUST(!a->deny == !b->deny && (!a->deny || strcmp(a->deny, b->deny) == 0));
    MUST(!a->pr == !b->pr && (!a->pr || strcmp(a->pr, b->pr) == 0));
}

/* Input: entries, each in a line of its own. */
static void fuzz_vscsi(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = text_of(data, size);
    struct vscsi_entry e[4];
    char err[VSCSI_ERROR_MAX] = "", *rest = text;
    unsigned n = 0, which = 99;
    int r;

    for (char *line; n < ARRAY_SIZE(e) && (line = strsep(&rest, "\n")) != NULL;) {
        CLEANUP_FREE char *again = NULL;
        struct vscsi_entry copy;
        struct pdev p;

        r = vscsi_entry_parse(line, &e[n], err);
        if (r < 0) {
            MUST(r == -EINVAL && !e[n].pdev);
            one_line(err);
            continue;
        }
        MUST(pdev_parse(e[n].pdev, &p, NULL) == 0 && p.kind == e[n].kind);
        again = vscsi_entry_format(&e[n]);
        MUST(again && vscsi_entry_parse(again, &copy, err) == 0);
        same_entry(&e[n], &copy);
        vscsi_entry_clear(&copy);
        n++;
    }
    r = vscsi_entries_check(e, n, &which, err);
    MUST(r == 0 || (r == -EINVAL && which < n));
    if (r < 0)
        one_line(err);
    while (n > 0)
        vscsi_entry_clear(&e[--n]);
}

/* --- the control socket --- */

struct json_object *host_report_status(struct host *h UNUSED)
{
    return json_object_new_object();
}
struct json_object *host_report_policy(struct host *h UNUSED, const char *what UNUSED)
{
    return NULL;
}

struct json_object *host_report_stats(struct host *h UNUSED)
{
    return json_object_new_array();
}

struct json_object *host_report_metrics(struct host *h UNUSED)
{
    return json_object_new_boolean(true);
}

static char dir[] = "/tmp/fuzz-parse.XXXXXX";
static struct ctlsock *server;
static struct news *news;

static void ctlsock_end(void)
{
    ctlsock_free(server);
    news_free(news);
    rmdir(dir);
}

/* Input: 1 byte says after how many bytes the client pauses, the rest is what it says. */
static void fuzz_ctlsock(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const char *want = "";
    const uint8_t *end;
    char got[64];
    size_t pause;
    ssize_t n;

    if (size < 1)
        return;
    if (!server) {
        MUST(mkdtemp(dir) && loop_new(&loop) == 0 && (news = news_new()) != NULL
             && ctlsock_new(loop, dir, NULL, news, &server) == 0);
        atexit(ctlsock_end);
    }
    pause = data[0] % size;
    data++;
    size--;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CTLSOCK_NAME, dir);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    MUST(loop_once(loop, 0) == 0);
    for (unsigned i = 0; i < 2; i++) {
        if (send(fd, i ? data + pause : data, i ? size - pause : pause, MSG_NOSIGNAL) < 0)
            MUST(i && (errno == EPIPE || errno == EAGAIN || errno == ECONNRESET));
        MUST(loop_once(loop, 0) == 0);
    }
    shutdown(fd, SHUT_WR);
    MUST(loop_once(loop, 0) == 0 && loop_once(loop, 0) == 0);
    end = size ? memchr(data, '\n', size) : NULL;
    if (end && end - data == 6 && memcmp(data, "status", 6) == 0)
        want = "{}\n";
    if (end && end - data == 5 && memcmp(data, "stats", 5) == 0)
        want = "[]\n";
    if (end && end - data == 7 && memcmp(data, "metrics", 7) == 0)
        want = "true\n";
    if (end && end - data == 6 && memcmp(data, "events", 6) == 0)
        return; /* its first line tells the time, and then it waits */
    n = recv(fd, got, sizeof(got), 0);
    if (n < 0) { /* it left bytes of ours unread */
        MUST(errno == ECONNRESET);
        n = recv(fd, got, sizeof(got), 0);
    }
    MUST(n == (ssize_t)strlen(want) && memcmp(got, want, (size_t)n) == 0);
    n = recv(fd, got, sizeof(got), 0);
    MUST(n == 0 || errno == ECONNRESET);
}

/* --- a message between control process and worker --- */

/* Input: 1 byte how many descriptors come along (bit 7: the datagram gets a message's size), then the datagram. */
static void fuzz_message(const uint8_t *data, size_t size)
{
    static int pair[2] = { -1, -1 };
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * 4)];
    } ctl;
    struct worker_msg msg;
    unsigned n_fds, got = 0;
    uint8_t datagram[4096] = { 0 };
    struct iovec iov = { .iov_base = datagram };
    struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
    int fds[WORKER_MAX_FDS], r;

    if (size < 2 || size - 1 > sizeof(datagram))
        return;
    memcpy(datagram, data + 1, size - 1);
    iov.iov_len = data[0] & 0x80 ? sizeof(msg) : size - 1;
    if (pair[0] < 0)
        MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    n_fds = (data[0] & 0x7f) % 5;
    if (n_fds) {
        struct cmsghdr *c;

        memset(&ctl, 0, sizeof(ctl));
        mh.msg_control = ctl.room;
        mh.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        c = CMSG_FIRSTHDR(&mh);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        for (unsigned i = 0; i < n_fds; i++)
            memcpy(CMSG_DATA(c) + i * sizeof(int), &pair[1], sizeof(int));
    }
    MUST(sendmsg(pair[0], &mh, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)iov.iov_len);
    r = worker_msg_recv(pair[1], &msg, fds);
    for (unsigned i = 0; i < WORKER_MAX_FDS; i++) {
        got += fds[i] >= 0;
        if (fds[i] >= 0)
            close(fds[i]);
    }
    MUST(r == 1 ? iov.iov_len == sizeof(msg) && n_fds <= WORKER_MAX_FDS && got == n_fds : r == -EBADMSG && got == 0);
    MUST(r < 0 || memcmp(&msg, datagram, sizeof(msg)) == 0);
    MUST(r == 1 || iov.iov_len != sizeof(msg) || n_fds > WORKER_MAX_FDS);
    MUST(worker_msg_recv(pair[1], &msg, fds) == -EAGAIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(const uint8_t *data, size_t size) = {
        fuzz_hctl, fuzz_pdev, fuzz_store, fuzz_vscsi, fuzz_ctlsock, fuzz_message, fuzz_mock,
    };

    if (size > 0)
        parsers[data[0] % ARRAY_SIZE(parsers)](data + 1, size - 1);
    return 0;
}

#include "replay.h"
