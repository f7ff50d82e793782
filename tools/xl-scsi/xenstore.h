/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xenstore as a toolstack needs it: reads that tell "absent" from "failed",
 * transactions that are run again when another client was faster, and waiting
 * for a change with a deadline. Thin over libxenstore; knows nothing of vscsi.
 */
#ifndef XL_SCSI_XENSTORE_H
#define XL_SCSI_XENSTORE_H

#include <stdbool.h>
#include <stdint.h>
#include <xenstore.h>

#include "common/util.h"

#define XENSTORE_PATH_MAX 512

struct xenstore {
    struct xs_handle *xs;
    struct xs_handle *events; /* of the watches; NULL: there was none yet */
    xs_transaction_t t;       /* XBT_NULL outside xenstore_transact() */
    int error;                /* -errno of the first failed write in this transaction */
    uint64_t heard_us;        /* when the connection was last seen to work */
    int wake_fd;              /* besides watches, a readable descriptor ends xenstore_wait(); 0: none */
    bool dry_run;             /* writes are printed, and the transaction is dropped */
    /* xenstore_wait() calls it with the path of each event; NULL: nobody asks. It must not use the connection. */
    void (*heard)(void *ctx, const char *path);
    void *heard_ctx;
};

/*
 * Connects, and finds out whether xenstored answers at all. 0 or -errno (-ETIMEDOUT: connected, no
 * answer). xenstore_close() also after a failure.
 */
int xenstore_open(struct xenstore *s);
void xenstore_close(struct xenstore *s);

/* Path arguments are printf formats; a path beyond XENSTORE_PATH_MAX fails as -ENAMETOOLONG. */

/* The node's value, to be freed; NULL with errno (ENOENT: absent). A NUL inside ends it. */
char *xenstore_read(struct xenstore *s, const char *path, ...) PRINTF(2, 3);
/* Decimal value of a node in [0, max]; -ENOENT, or -EINVAL for anything else. */
int xenstore_read_u32(struct xenstore *s, uint32_t max, uint32_t *out, const char *path, ...) PRINTF(4, 5);
/* A XenbusState 0..8; 0 where there is no node or no such number in it. */
unsigned xenstore_state(struct xenstore *s, const char *path, ...) PRINTF(2, 3);
bool xenstore_exists(struct xenstore *s, const char *path, ...) PRINTF(2, 3);
/*
 * Names of the children, in one allocation to be freed, *n of them; NULL when there are none, when the
 * node does not exist or on failure (errno, 0 when there are just none).
 */
char **xenstore_dir(struct xenstore *s, unsigned *n, const char *path, ...) PRINTF(3, 4);

/* The domain that owns the node; UINT32_MAX when that cannot be read. */
uint32_t xenstore_owner(struct xenstore *s, const char *path, ...) PRINTF(2, 3);

/* These record their first failure in s->error, so that a transaction checks once, at its end. */
void xenstore_write(struct xenstore *s, const char *value, const char *path, ...) PRINTF(3, 4);
void xenstore_write_u32(struct xenstore *s, uint32_t value, const char *path, ...) PRINTF(3, 4);
void xenstore_rm(struct xenstore *s, const char *path, ...) PRINTF(2, 3);
/*
 * Makes the directory, owned by owner (whose quota it counts for), writable by writer (may be owner) and readable by
 * reader besides.
 */
void xenstore_mkdir(struct xenstore *s, unsigned owner, unsigned writer, unsigned reader, const char *path, ...)
    PRINTF(5, 6);

/*
 * Runs fn in a transaction, again and again until no other client interferes. fn returns 0 to commit; anything else
 * drops the transaction and is returned as it is. Else 0, or -errno of what failed.
 */
int xenstore_transact(struct xenstore *s, int (*fn)(struct xenstore *s, void *ctx), void *ctx);

/* Watches path and all below it; token for xenstore_unwatch. 0 or -errno. */
int xenstore_watch(struct xenstore *s, const char *token, const char *path, ...) PRINTF(3, 4);
void xenstore_unwatch(struct xenstore *s, const char *token, const char *path, ...) PRINTF(3, 4);
/*
 * Waits until any watch fired, and takes all events that are there. 0, -ETIMEDOUT at deadline_us
 * (CLOCK_MONOTONIC), -EINTR when a signal asked to stop, or -errno when the connection is lost.
 */
int xenstore_wait(struct xenstore *s, uint64_t deadline_us);

/* SIGINT, SIGTERM and SIGHUP from now on end a wait with -EINTR instead of ending the program. */
void xenstore_catch_signals(void);
bool xenstore_interrupted(void);
/* Forgets the signal that asked to stop, so that an incomplete change can be undone, which has to wait too. */
void xenstore_clear_interrupt(void);

#endif
