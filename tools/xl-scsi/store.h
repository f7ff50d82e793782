/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Xenstore as a toolstack needs it: reads that tell "absent" from "failed",
 * transactions that are run again when somebody else was faster, and waiting
 * for a change with a deadline. Thin over libxenstore; knows nothing of vscsi.
 */
#ifndef XL_SCSI_STORE_H
#define XL_SCSI_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <xenstore.h>

#include "common/util.h"

#define STORE_PATH_MAX 512

struct store {
    struct xs_handle *xs;
    xs_transaction_t t; /* XBT_NULL outside store_transact() */
    int error;          /* -errno of the first failed write in this transaction */
    uint64_t heard_us;  /* when the connection was last seen to be one */
    bool dry_run;       /* writes are printed, and the transaction is dropped */
};

/*
 * Connects, and finds out whether xenstored answers at all. 0 or -errno (-ETIMEDOUT: connected, no
 * answer). store_close() also after a failure.
 */
int store_open(struct store *s);
void store_close(struct store *s);

/* Path arguments are printf formats; a path beyond STORE_PATH_MAX fails as -ENAMETOOLONG. */

/* The node's value, to be freed; NULL with errno (ENOENT: absent). A NUL inside ends it. */
char *store_read(struct store *s, const char *path, ...) PRINTF(2, 3);
/* Decimal value of a node in [0, max]; -ENOENT, or -EINVAL for anything else. */
int store_read_u32(struct store *s, uint32_t max, uint32_t *out, const char *path, ...) PRINTF(4, 5);
/* A XenbusState 0..8; 0 where there is no node or no such number in it. */
unsigned store_state(struct store *s, const char *path, ...) PRINTF(2, 3);
bool store_exists(struct store *s, const char *path, ...) PRINTF(2, 3);
/*
 * Names of the children, in one allocation to be freed, *n of them; NULL when there are none, when the
 * node does not exist or on failure (errno, 0 when there are just none).
 */
char **store_dir(struct store *s, unsigned *n, const char *path, ...) PRINTF(3, 4);

/* The domain that owns the node; UINT32_MAX when that cannot be read. */
uint32_t store_owner(struct store *s, const char *path, ...) PRINTF(2, 3);

/* These record their first failure in s->error, so that a transaction checks once, at its end. */
void store_write(struct store *s, const char *value, const char *path, ...) PRINTF(3, 4);
void store_write_u32(struct store *s, uint32_t value, const char *path, ...) PRINTF(3, 4);
void store_rm(struct store *s, const char *path, ...) PRINTF(2, 3);
/* Makes the directory, owned by owner and readable by reader besides. */
void store_mkdir(struct store *s, unsigned owner, unsigned reader, const char *path, ...) PRINTF(4, 5);

/*
 * Runs fn in a transaction until nobody else interferes. fn returns 0 to commit; anything else drops
 * the transaction and is returned as it is. Else 0, or -errno of what failed.
 */
int store_transact(struct store *s, int (*fn)(struct store *s, void *ctx), void *ctx);

/* Watches path and all below it; token for store_unwatch. 0 or -errno. */
int store_watch(struct store *s, const char *token, const char *path, ...) PRINTF(3, 4);
void store_unwatch(struct store *s, const char *token, const char *path, ...) PRINTF(3, 4);
/*
 * Waits until any watch fired, and takes all events that are there. 0, -ETIMEDOUT at deadline_us
 * (CLOCK_MONOTONIC), -EINTR when a signal asked to stop, or -errno when the connection is lost.
 */
int store_wait(struct store *s, uint64_t deadline_us);

/* SIGINT, SIGTERM and SIGHUP from now on end a wait with -EINTR instead of ending the program. */
void store_catch_signals(void);
bool store_interrupted(void);
/* The wish to stop has been served: what undoes a half-made change must be able to wait again. */
void store_clear_interrupt(void);

#endif
