// SPDX-License-Identifier: GPL-2.0-or-later
/* Asking mock-xen; see xen-mock-call.h. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <xen/io/xs_wire.h>

#include "common/util.h"
#include "standalone/xen-mock-call.h"

static int send_request(int sock, const void *buf, size_t len)
{
    const char *p = buf;

    while (len > 0) {
        ssize_t n = send(sock, p, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static void take_fds(struct msghdr *mh, int fds[MX_MAX_FDS])
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
        size_t n;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (i < MX_MAX_FDS && fds[i] < 0)
                fds[i] = fd;
            else
                close(fd);
        }
    }
}

static int recv_answer(int sock, void *buf, size_t len, int fds[MX_MAX_FDS])
{
    char *p = buf;

    while (len > 0) {
        union {
            struct cmsghdr align;
            char room[CMSG_SPACE(sizeof(int) * MX_MAX_FDS)];
        } ctl;
        struct iovec iov = { .iov_base = p, .iov_len = len };
        struct msghdr mh = {
            .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.room, .msg_controllen = sizeof(ctl.room)
        };
        ssize_t n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        take_fds(&mh, fds);
        if (n == 0)
            return -EPIPE; /* mock-xen is gone, or has ended the connection with its domain */
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int mx_call(int sock, uint32_t req_id, uint32_t type, const struct mx_request *req, uint32_t *number,
            int fds[MX_MAX_FDS])
{
    struct {
        struct xsd_sockmsg hdr;
        struct mx_request req;
    } out = { { .type = type, .req_id = req_id, .len = sizeof(*req) }, *req };
    struct {
        struct xsd_sockmsg hdr;
        struct mx_reply reply;
    } in;
    int none[MX_MAX_FDS];
    int r;

    for (int i = 0; i < MX_MAX_FDS; i++) {
        none[i] = -1;
        if (fds)
            fds[i] = -1;
    }
    r = send_request(sock, &out, sizeof(out));
    if (r == 0)
        r = recv_answer(sock, &in, sizeof(in), fds ? fds : none);
    for (int i = 0; i < MX_MAX_FDS; i++)
        if (none[i] >= 0)
            close(none[i]);
    if (r < 0)
        return r == -ECONNRESET ? -EPIPE : r;
    if (in.hdr.type != type || in.hdr.req_id != req_id || in.hdr.len != sizeof(in.reply))
        return -EPROTO;
    if (in.reply.error < 0)
        return in.reply.error;
    if (number)
        *number = in.reply.number;
    return 0;
}

int mx_connect(const char *path, int *out)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    CLEANUP_CLOSE int sock = -1;

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sock < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
        return -errno;
    *out = steal_fd(&sock);
    return 0;
}
