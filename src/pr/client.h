/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Persistent reservations of one LUN through a PR helper (qemu-pr-helper's
 * protocol, see proto.h): the connection, the queue, the deadline and the
 * reconnecting. It asks its caller for each connection, because a worker has no path to the socket. Never blocks. One
 * command at a time is on the socket.
 *
 * The helper may be absent, hang, be killed or send nonsense: each command ends exactly once, with a SCSI status
 * that is true:
 *  - the helper's own status, sense and data, when a complete and sane reply came;
 *  - BUSY, while the helper is away for less than away_busy_ms and the command has not been sent;
 *  - CHECK CONDITION 0B/08/00 otherwise. RESERVATION CONFLICT comes only from the helper.
 * A PERSISTENT RESERVE OUT is never sent again once a byte of it may have left.
 */
#ifndef PVSCSI_PR_CLIENT_H
#define PVSCSI_PR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/loop.h"
#include "pvscsi/worker-proto.h"
#include "scsi/scsi.h"

#define PR_QUEUE_MAX 32 /* the most commands that are accepted and not ended; a ring has 16 */
#define PR_DEADLINE_MS 30000
#define PR_AWAY_BUSY_MS 5000

struct pr_client;

struct pr_client_config {
    const char *socket_path; /* for logs, copied; at most 107 bytes; NULL or "": PR_SOCKET_DEFAULT */
    uint32_t deadline_ms;    /* from a command's turn until its reply is complete; 0: PR_DEADLINE_MS */
    uint32_t away_busy_ms;   /* 0: PR_AWAY_BUSY_MS */
    const char *prefix;      /* for logs, copied (cut at 79 bytes); may be NULL */
    int device_fd;           /* sent with each command; see pr_client_new() */

    /*
     * Asks for a connection to the helper. The answer is pr_client_connected(), from inside this callback or later. If
     * it does not come within deadline_ms, the client asks again.
     */
    void (*connect)(void *ctx);
    /*
     * A command has ended: called exactly once for each accepted one that is not cancelled, from the loop,
     * never from inside a function of this header. in_data (in_len bytes, 0 unless 5Eh and GOOD) is valid
     * during the call only. answer->residual is already right: against out_len for 5Fh, in_room for 5Eh.
     * The callback may submit, cancel, and free the client.
     */
    void (*done)(void *ctx, void *token, const struct scsi_answer *answer, const uint8_t *in_data, uint32_t in_len);
    /* From the loop: the state has changed. May be NULL. May submit and cancel, but not free the client. */
    void (*state_changed)(void *ctx, enum worker_helper_state state);
    void *ctx;
};

/*
 * device_fd: a descriptor that nobody else uses (the helper gets the same open file): the disk's block node,
 * or the sg node where there is none; open for writing, or the helper refuses 5Fh (05/20/00). On success it
 * belongs to the client, which closes it; on failure it stays the caller's. The first command connects.
 * 0; -ENAMETOOLONG (socket_path), -EINVAL (a callback is missing, device_fd < 0), -ENOMEM.
 */
int pr_client_new(struct loop *loop, const struct pr_client_config *config, struct pr_client **out);
/*
 * The answer to connect(): a connected stream socket (O_NONBLOCK), which the client takes over, or -errno. Without a
 * question, or after the deadline, the socket is closed.
 */
void pr_client_connected(struct pr_client *client, int fd);
/* Cancels all commands without callbacks, closes socket and device_fd. NULL is allowed. */
void pr_client_free(struct pr_client *client);
/* As in the config: the guest has another name. */
void pr_client_set_prefix(struct pr_client *client, const char *prefix);

/*
 * Queues one 5Eh or 5Fh that pr_check() allowed. The first 10 bytes of cdb count. 5Fh: out_data holds
 * out_len bytes, at least the parameter list length; copied. 5Eh: at most in_room bytes are handed to done().
 * out_len or in_room, whichever applies, is the length of the guest's whole buffer; the other is 0. deadline_ms: this
 * command's, where the initiator waits for less than the configured one; 0: the configured one.
 * 0: done() will come. -EBUSY: PR_QUEUE_MAX are queued (answer BUSY); -ENOMEM; -EINVAL: not a command for us
 * (pr_check() was not asked). After a failure done() does not come.
 */
int pr_client_submit(struct pr_client *client, void *token, const uint8_t cdb[SCSI_CDB_MAX], const uint8_t *out_data,
                     uint32_t out_len, uint32_t in_room, uint32_t deadline_ms);
/* Commands that are sent from now on go to this device; the old descriptor is closed. It belongs to the client. */
void pr_client_set_device(struct pr_client *client, int device_fd);
/*
 * Cancels one command. 0: it was not sent yet; done() is not called. -EBUSY: it may have reached the helper; done()
 * is called, after its deadline at the latest. -ENOENT: no such token.
 */
int pr_client_cancel(struct pr_client *client, const void *token);
/* Forgets all commands without callbacks. Closes the socket if a command is on it. */
void pr_client_cancel_all(struct pr_client *client);

/* Accepted commands not yet ended. */
unsigned pr_client_pending(const struct pr_client *client);
/*
 * IDLE: not connected, because no command needed it yet. CONNECTED: handshake done. AWAY: the helper does not
 * answer, or the connection was lost; the client tries again by itself, so this changes without a command.
 */
enum worker_helper_state pr_client_state(const struct pr_client *client);

#endif
