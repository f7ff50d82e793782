// SPDX-License-Identifier: GPL-2.0-or-later
/* Small helpers for every layer; see util.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "common/util.h"

int parse_u64(const char *s, size_t len, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    bool fits = true;

    if (!s || len == 0)
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(s[i] - '0');

        if (s[i] < '0' || s[i] > '9')
            return -EINVAL;
        fits = fits && digit <= max && value <= (max - digit) / 10;
        value = fits ? value * 10 + digit : 0;
    }
    if (!fits)
        return -ERANGE;
    *out = value;
    return 0;
}

int parse_u32(const char *s, size_t len, uint32_t max, uint32_t *out)
{
    uint64_t value;
    int r = parse_u64(s, len, max, &value);

    if (r == 0)
        *out = (uint32_t)value;
    return r;
}

int parse_u32_str(const char *s, uint32_t max, uint32_t *out)
{
    return s ? parse_u32(s, strlen(s), max, out) : -EINVAL;
}

char *strf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    return text;
}

void escape_for_log(char *dst, size_t dst_size, const char *src, size_t src_len)
{
    size_t at = 0;

    if (dst_size == 0)
        return;
    for (size_t i = 0; i < src_len; i++) {
        unsigned char c = (unsigned char)src[i];

        if (c >= 0x20 && c <= 0x7e && c != '\\') {
            if (at + 1 >= dst_size)
                break;
            dst[at++] = (char)c;
        } else {
            static const char hex[] = "0123456789abcdef";

            if (at + 4 >= dst_size)
                break;
            dst[at++] = '\\';
            dst[at++] = 'x';
            dst[at++] = hex[c >> 4];
            dst[at++] = hex[c & 15];
        }
    }
    dst[at] = '\0';
}

uint64_t now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

int fd_set_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

int fd_set_cloexec(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

int write_all(int fd, const void *buf, size_t len)
{
    const char *p = buf;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int read_file(const char *path, size_t max, char **out, size_t *len)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    CLEANUP_FREE char *buf = NULL;
    size_t size = 0, room = 0;

    if (fd < 0)
        return -errno;
    for (;;) {
        if (size + 1 >= room) {
            size_t want = room ? room * 2 : 512;
            char *grown = realloc(buf, want);

            if (!grown)
                return -ENOMEM;
            buf = grown;
            room = want;
        }
        ssize_t n = read(fd, buf + size, room - size - 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        size += (size_t)n;
        if (size > max)
            return -EFBIG;
    }
    buf[size] = '\0';
    if (len)
        *len = size;
    *out = steal_ptr(buf);
    return 0;
}
