/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small helpers for every layer: cleanup attributes, strict parsing of numbers, formatted strings in new memory.
 */
#ifndef PVSCSI_UTIL_H
#define PVSCSI_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define UNUSED __attribute__((unused))

/* Cleanup attributes: each local owner has one; steal_*() hands the thing over. */
static inline void cleanup_freep(void *p)
{
    free(*(void **)p);
}
static inline void cleanup_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define CLEANUP_FREE __attribute__((cleanup(cleanup_freep)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_closep)))
#define steal_ptr(p) \
    __extension__({ \
        __typeof__(p) steal_tmp = (p); \
        (p) = NULL; \
        steal_tmp; \
    })
static inline int steal_fd(int *fd)
{
    int f = *fd;
    *fd = -1;
    return f;
}

/*
 * Decimal digits only (no sign, blank, prefix or leading plus), value in
 * [0, max]. All len bytes at s are checked, so an embedded NUL is refused too.
 * Returns 0 and sets *out, or -EINVAL (empty, other characters) or -ERANGE.
 */
int parse_u32(const char *s, size_t len, uint32_t max, uint32_t *out);
/* The same for numbers of 64 bits. */
int parse_u64(const char *s, size_t len, uint64_t max, uint64_t *out);
/* The same for a NUL-terminated string; NULL gives -EINVAL. */
int parse_u32_str(const char *s, uint32_t max, uint32_t *out);

/* printf into new memory that the caller frees. NULL: out of memory. */
char *strf(const char *fmt, ...) PRINTF(1, 2);

/*
 * Copies src in a form that is safe in one log line: at most dst_size - 1 bytes, every byte
 * outside 0x20..0x7e and every backslash as \xNN. Always NUL-terminated.
 */
void escape_for_log(char *dst, size_t dst_size, const char *src, size_t src_len);

/* CLOCK_MONOTONIC in microseconds. */
uint64_t now_us(void);

/* Set O_NONBLOCK / FD_CLOEXEC; 0 or -errno. */
int fd_set_nonblock(int fd);
int fd_set_cloexec(int fd);

/* Writes all of it, also after EINTR. 0 or -errno. */
int write_all(int fd, const void *buf, size_t len);
/*
 * Reads a whole small file (sysfs, config) into new NUL-terminated memory that the caller frees.
 * At most max bytes are read (-EFBIG beyond). *len may be NULL. 0 or -errno.
 */
int read_file(const char *path, size_t max, char **out, size_t *len);

#endif
