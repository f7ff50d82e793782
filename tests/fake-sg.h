/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Emulated sg nodes. What the sources under test open as /proc/self/fd/N becomes one end of a socket pair, so that
 * epoll works as on a real node. The test acts as the device: commands wait until the test ends them. It keeps sg's
 * rules: at most 16 commands on an fd (EDOM), one reserved buffer, results in order of completion. Link with
 * $(FAKE_SG_FLAGS). Included by one .c file of a program.
 */
#ifndef PVSCSI_TESTS_FAKE_SG_H
#define PVSCSI_TESTS_FAKE_SG_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/util.h"
#include "wrapped.h"

#define FAKE_SG_FDS 1024
#define FAKE_SG_COMMANDS 64

struct fake_sg_command {
    struct sg_io_hdr hdr;
    uint8_t cdb[16];
    int fd;
};

static struct {
    int device[FAKE_SG_FDS];      /* by sg fd that takes commands: the device's end of the pair; 0: no such fd */
    int node[FAKE_SG_FDS];        /* by fd of fake_sg_node(): the same */
    unsigned queued[FAKE_SG_FDS]; /* submitted and not yet read back */
    int reserve[FAKE_SG_FDS];
    struct fake_sg_command at[FAKE_SG_COMMANDS]; /* at the device, in order of submission */
    unsigned n, n_fds, submitted;
    int reserve_max;             /* what the queue's limit leaves of a reserve that is asked for */
    char path[32];               /* of the sg node that was opened last */
    int open_error, write_error; /* errno; as long as it is set */
    int read_error;              /* errno of the next read of a result, which is lost with it, as in sg_new_read() */
    bool instant;                /* done by the time that write() returns */
} fake_sg;

int __real_open(const char *path, int flags, ...) REAL("open64");
int __real_close(int fd);
ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __real_read(int fd, void *buf, size_t n);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_open(const char *path, int flags, ...) WRAP("open64");
int __wrap_close(int fd);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);
int __wrap_ioctl(int fd, unsigned long request, ...);

static bool fake_sg_is(int fd)
{
    return fd > 0 && fd < FAKE_SG_FDS && fake_sg.device[fd] > 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    int pair[2];

    if (strncmp(path, "/proc/self/fd/", 14) != 0 && strncmp(path, "/c1:", 4) != 0) {
        va_list ap;
        mode_t mode;

        va_start(ap, flags);
        mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
        va_end(ap);
        return __real_open(path, flags, mode);
    }
    snprintf(fake_sg.path, sizeof(fake_sg.path), "%s", path);
    if (fake_sg.open_error) {
        errno = fake_sg.open_error;
        return -1;
    }
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_lt(pair[0], FAKE_SG_FDS);
    fake_sg.device[pair[0]] = pair[1];
    fake_sg.queued[pair[0]] = 0;
    fake_sg.reserve[pair[0]] = 32768;
    fake_sg.n_fds++;
    return pair[0];
}

/* The fd of a node, as the control process hands it over. It takes no commands. */
static UNUSED int fake_sg_node(void)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_lt(pair[0], FAKE_SG_FDS);
    fake_sg.node[pair[0]] = pair[1];
    return pair[0];
}

int __wrap_close(int fd)
{
    if (fd > 0 && fd < FAKE_SG_FDS && fake_sg.node[fd] > 0) {
        __real_close(fake_sg.node[fd]);
        fake_sg.node[fd] = 0;
    }
    if (fake_sg_is(fd)) {
        __real_close(fake_sg.device[fd]);
        fake_sg.device[fd] = 0;
        fake_sg.n_fds--;
        /* Its commands continue, and their results are dropped. */
        for (unsigned i = 0; i < fake_sg.n; i++)
            if (fake_sg.at[i].fd == fd)
                fake_sg.at[i].fd = -1;
    }
    return __real_close(fd);
}

/* Ends the i-th command at the device as its hdr says. */
static void fake_sg_end(unsigned i)
{
    struct fake_sg_command c = fake_sg.at[i];

    ck_assert_uint_lt(i, fake_sg.n);
    memmove(&fake_sg.at[i], &fake_sg.at[i + 1], (fake_sg.n - i - 1) * sizeof(c));
    fake_sg.n--;
    if (c.fd >= 0)
        ck_assert_int_eq((int)send(fake_sg.device[c.fd], &c.hdr, sizeof(c.hdr), MSG_NOSIGNAL), (int)sizeof(c.hdr));
}

/* The kernel deletes all devices: what is open of them hangs up. */
static UNUSED void fake_sg_unplug(void)
{
    for (int fd = 0; fd < FAKE_SG_FDS; fd++) {
        if (fake_sg_is(fd))
            ck_assert_int_eq(shutdown(fake_sg.device[fd], SHUT_RDWR), 0);
        if (fake_sg.node[fd] > 0)
            ck_assert_int_eq(shutdown(fake_sg.node[fd], SHUT_RDWR), 0);
    }
}

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
    struct fake_sg_command *c = &fake_sg.at[fake_sg.n];

    if (!fake_sg_is(fd))
        return __real_write(fd, buf, n);
    ck_assert_uint_eq(n, sizeof(c->hdr));
    ck_assert_uint_lt(fake_sg.n, FAKE_SG_COMMANDS);
    if (fake_sg.write_error || fake_sg.queued[fd] == 16) {
        errno = fake_sg.write_error ? fake_sg.write_error : EDOM;
        return -1;
    }
    memcpy(&c->hdr, buf, n);
    memcpy(c->cdb, c->hdr.cmdp, c->hdr.cmd_len);
    c->fd = fd;
    fake_sg.queued[fd]++;
    fake_sg.n++;
    fake_sg.submitted++;
    if (fake_sg.instant)
        fake_sg_end(fake_sg.n - 1);
    return (ssize_t)n;
}

ssize_t __wrap_read(int fd, void *buf, size_t n)
{
    ssize_t got = __real_read(fd, buf, n);

    if (!fake_sg_is(fd) || got <= 0)
        return got;
    fake_sg.queued[fd]--;
    if (fake_sg.read_error) {
        errno = fake_sg.read_error;
        fake_sg.read_error = 0;
        return -1;
    }
    return got;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    int *value;

    va_start(ap, request);
    value = va_arg(ap, int *);
    va_end(ap);
    if (!fake_sg_is(fd))
        return __real_ioctl(fd, request, value);
    if (request == SG_GET_RESERVED_SIZE) {
        *value = fake_sg.reserve[fd];
    } else if (request == SG_SET_RESERVED_SIZE) {
        fake_sg.reserve[fd] = fake_sg.reserve_max && *value > fake_sg.reserve_max ? fake_sg.reserve_max : *value;
    } else {
        errno = ENOTTY;
        return -1;
    }
    return 0;
}

#endif
