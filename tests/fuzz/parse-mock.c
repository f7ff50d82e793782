// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mock-xen's wire, for fuzz_parse.c: the real connections and requests, over a socketpair, in a mock-xen that is made
 * anew for each input. Each message that is answered is answered in its form, and at the end nothing is left.
 *
 * Input: 1 byte (bit 0: what follows is sent as it is; else it is a list of messages: 1 byte type, 1 byte transaction,
 * 1 byte length, payload; bit 1: the client is domain 1).
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "mock-xen/mock.h"
#include "parse-mock.h"

static char dir[] = "/tmp/fuzz-mock.XXXXXX";
static char socket_path[64];
static struct loop *loop;

static void end(void)
{
    unlink(socket_path);
    rmdir(dir);
}

static void reap(void *ctx)
{
    conns_reap(ctx);
}

/* All that came back: whole messages of known length. True: and the connection was ended. */
static bool read_answers(int fd)
{
    static char got[1 << 20];
    bool ended = false;
    size_t n = 0;

    for (;;) {
        union {
            struct cmsghdr align;
            char room[CMSG_SPACE(sizeof(int) * 8)];
        } ctl;
        struct iovec iov = { .iov_base = got + n, .iov_len = sizeof(got) - n };
        struct msghdr mh = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.room, .msg_controllen = sizeof(ctl.room)
        };
        ssize_t k = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (k <= 0) {
            ended = k == 0 || errno == ECONNRESET;
            break;
        }
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
            for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                int passed;

                memcpy(&passed, CMSG_DATA(c) + i * sizeof(int), sizeof(passed));
                close(passed);
            }
        }
        n += (size_t)k;
    }
    for (size_t at = 0; at < n;) {
        struct xsd_sockmsg hdr;

        if (n - at < sizeof(hdr))
            break; /* the connection ended in the middle */
        memcpy(&hdr, got + at, sizeof(hdr));
        MUST(hdr.len <= XENSTORE_PAYLOAD_MAX + sizeof(struct mx_reply) + XENSTORE_ABS_PATH_MAX);
        MUST(hdr.type < XS_TYPE_COUNT || (hdr.type >= MX_HELLO && hdr.type < MX_TYPE_END));
        at += sizeof(hdr) + hdr.len;
    }
    return ended;
}

/* The messages of the input's short form, as they go over the wire. */
static size_t expand(const uint8_t *data, size_t size, char *wire, size_t room)
{
    size_t n = 0;

    for (size_t at = 0; size - at >= 3;) {
        struct xsd_sockmsg hdr = { .req_id = (uint32_t)at, .tx_id = data[at + 1] };
        size_t len = data[at + 2] < size - at - 3 ? data[at + 2] : size - at - 3;

        hdr.type = data[at] < 0x40 ? data[at] : MX_HELLO + data[at] % (MX_TYPE_END - MX_HELLO + 1);
        hdr.len = (uint32_t)len;
        if (n + sizeof(hdr) + len > room)
            break;
        memcpy(wire + n, &hdr, sizeof(hdr));
        memcpy(wire + n + sizeof(hdr), data + at + 3, len);
        n += sizeof(hdr) + len;
        at += 3 + len;
    }
    return n;
}

void fuzz_mock(const uint8_t *data, size_t size)
{
    struct mock mock = { .quota = QUOTA_DEFAULT, .fault_fd = STDERR_FILENO, .n_pages = 64, .socket = socket_path };
    static char wire[65536];
    const char *bytes = wire;
    struct xsd_sockmsg hdr;
    bool ended;
    size_t n;
    int fd[2];

    if (size < 1)
        return;
    if (!loop) {
        MUST(mkdtemp(dir) && loop_new(&loop) == 0);
        snprintf(socket_path, sizeof(socket_path), "%s/xs", dir);
        atexit(end);
    }
    mock.loop = loop;
    MUST(mock_init(&mock) == 0);
    MUST(domain_create(&mock, 1, NULL, NULL) == 0 && domain_create(&mock, 0, NULL, NULL) == 0);
    loop_set_after_round(loop, reap, &mock);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) == 0);
    mock.connected(&mock, fd[0], data[0] & 2 ? 1 : 0);
    if (data[0] & 1) {
        bytes = (const char *)data + 1;
        n = size - 1;
    } else {
        n = expand(data + 1, size - 1, wire, sizeof(wire));
    }
    if (n > 0)
        (void)!send(fd[1], bytes, n, MSG_NOSIGNAL);
    for (unsigned i = 0; i < 8; i++)
        MUST(loop_once(loop, 0) == 0);
    ended = read_answers(fd[1]);
    if (n >= sizeof(hdr)) {
        memcpy(&hdr, bytes, sizeof(hdr));
        MUST(ended || hdr.len <= XENSTORE_PAYLOAD_MAX);
    }
    close(fd[1]);
    MUST(loop_once(loop, 0) == 0);
    MUST(mock_deinit(&mock));
    loop_set_after_round(loop, NULL, NULL);
}
