/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xenstore as the daemon uses it: libxenstore with limits. No value is longer than the caller's buffer, holds a NUL
 * or is a number out of range. A write can be made to depend on the value that we read last, because the toolstack
 * writes the same nodes.
 */
#ifndef PVSCSI_STORE_H
#define PVSCSI_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* xenstored's limit for an absolute path is 3072; our paths are much shorter. */
#define STORE_PATH_MAX 192
#define STORE_VALUE_MAX 1024
#define STORE_SHORT_MAX 272 /* what we write ourselves: a state or a reason */

struct store;

/* Connects; why (256 bytes) says what was wrong. 0 or -errno. */
int store_open(struct store **out, char *why, size_t why_size);
void store_close(struct store *st);
/* For epoll: readable when store_next_event() has something. */
int store_fd(const struct store *st);
/* The connection broke (xenstored ended): close and open again. */
bool store_lost(const struct store *st);

/*
 * Reads a node into buf (always NUL-terminated). 0, -ENOENT, -EACCES, -EMSGSIZE (longer than size - 1), -EINVAL
 * (holds a NUL), or -errno.
 */
int store_read(struct store *st, const char *path, char *buf, size_t size);
/* 0, -EINVAL (no decimal number), -ERANGE, or as store_read(). */
int store_read_u32(struct store *st, const char *path, uint32_t max, uint32_t *out);
/* Two numbers, read in one transaction; otherwise as above. */
int store_read_pair(struct store *st, const char *path_a, const char *path_b, uint32_t *a, uint32_t *b);
/* Removes a tree. 0 also if it does not exist. */
int store_remove(struct store *st, const char *path);
/* Removes a node that has no children. 0 also if it has some or does not exist. */
int store_remove_if_empty(struct store *st, const char *path);
/* Names below path in one malloc()ed block for free(). 0 or -errno. */
int store_list(struct store *st, const char *path, char ***names, unsigned *n);
/* 1: the domain exists; 0: it does not; -errno: unknown. */
int store_introduced(struct store *st, uint16_t domid);

/* One of several writes of one transaction. */
struct store_write {
    char path[STORE_PATH_MAX];
    int expect; /* >= 0: write only if the node holds this number; < 0: write if the parent exists */
    char value[STORE_SHORT_MAX];
    bool done; /* out: false: not written, because that did not hold */
};

/* Does the writes whose condition holds, in one transaction. 0, or -errno: nothing was written. */
int store_write_batch(struct store *st, struct store_write *writes, unsigned n);

int store_watch(struct store *st, const char *path, const char *token);
void store_unwatch(struct store *st, const char *path, const char *token);
struct store_event {
    char **raw; /* free() it; path and token point into it */
    const char *path, *token;
};
/* 1: an event; 0: none now; -errno: the connection is lost. */
int store_next_event(struct store *st, struct store_event *out);

#endif
