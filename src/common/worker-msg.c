// SPDX-License-Identifier: GPL-2.0-or-later
/* One message between control process and worker; see pvscsi/worker-proto.h. */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>

#include "common/util.h"
#include "pvscsi/worker-proto.h"

union control_buf {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int) * WORKER_MAX_FDS)];
};

static const char *const pr_modes[] = {
    [PR_HELPER] = "helper", [PR_DIRECT] = "direct", [PR_DENY] = "deny", [PR_AUTO] = "auto"
};

const char *pr_mode_name(unsigned mode)
{
    return mode < ARRAY_SIZE(pr_modes) ? pr_modes[mode] : "unknown";
}

int pr_mode_parse(const char *text, unsigned *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(pr_modes); i++) {
        if (strcmp(text, pr_modes[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return -EINVAL;
}

int worker_msg_send(int sock, const struct worker_msg *msg, const int *fds, unsigned nfds)
{
    struct iovec iov = { .iov_base = (void *)(uintptr_t)msg, .iov_len = sizeof(*msg) };
    union control_buf ctl;
    struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;

    if (nfds > WORKER_MAX_FDS)
        return -EINVAL;
    if (nfds > 0) {
        struct cmsghdr *c;

        memset(&ctl, 0, sizeof(ctl));
        mh.msg_control = ctl.room;
        mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
        c = CMSG_FIRSTHDR(&mh);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
    }
    do
        n = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return n == (ssize_t)sizeof(*msg) ? 0 : -EIO;
}

int worker_msg_recv(int sock, struct worker_msg *msg, int fds[WORKER_MAX_FDS])
{
    struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
    union control_buf ctl;
    struct msghdr mh = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.room, .msg_controllen = sizeof(ctl.room)
    };
    unsigned got = 0;
    bool too_many = false;
    ssize_t n;

    for (unsigned i = 0; i < WORKER_MAX_FDS; i++)
        fds[i] = -1;
    do
        n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? -EAGAIN : -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            /* CMSG_SPACE is rounded up, so there may be room for one more than were asked for, without MSG_CTRUNC. */
            if (got < WORKER_MAX_FDS) {
                fds[got++] = fd;
            } else {
                too_many = true;
                close(fd);
            }
        }
    }
    if (n == 0)
        return 0;
    if (n != (ssize_t)sizeof(*msg) || too_many || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        for (unsigned i = 0; i < WORKER_MAX_FDS; i++)
            if (fds[i] >= 0)
                close(steal_fd(&fds[i]));
        return -EBADMSG;
    }
    return 1;
}
