/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PR helper protocol (qemu-pr-helper's, documented in QEMU's
 * docs/interop/pr-helper.rst) as one connection sees it from the client's side.
 * Pure: bytes in, bytes out; no descriptor, no time, no allocation.
 *
 * One object is one connection. After PR_BROKEN, only pr_proto_init() may be called. The peer is not trusted: a
 * reply counts only if it is complete and consistent, and if nothing follows it.
 */
#ifndef PVSCSI_PR_PROTO_H
#define PVSCSI_PR_PROTO_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pr/check.h"

/* The structs on the wire. Integers are big-endian, so they are arrays of bytes here. */
struct pr_wire_features {
    uint8_t bits[4];
};
struct pr_wire_request { /* exactly one descriptor goes with the first byte; 5Fh: the list follows */
    uint8_t cdb[16];
};
struct pr_wire_reply { /* 5Eh and GOOD: size bytes follow */
    uint8_t status[4];
    uint8_t size[4];
    uint8_t sense[96];
};
static_assert(sizeof(struct pr_wire_features) == 4, "wire");
static_assert(sizeof(struct pr_wire_request) == 16, "wire");
static_assert(sizeof(struct pr_wire_reply) == 104, "wire");
static_assert(offsetof(struct pr_wire_reply, size) == 4, "wire");
static_assert(offsetof(struct pr_wire_reply, sense) == 8, "wire");
static_assert(sizeof(((struct pr_wire_request *)0)->cdb) == SCSI_CDB_MAX, "a CDB fits");
static_assert(sizeof(((struct pr_wire_reply *)0)->sense) == SCSI_SENSE_MAX, "the guest's sense buffer");

enum pr_proto_state {
    PR_STATE_FEATURES = 0, /* waiting for the helper's features */
    PR_STATE_READY,        /* no command is asked; any byte from the helper is an error */
    PR_STATE_REQUEST,      /* a command is asked; its reply is not complete */
    PR_STATE_DEAD,
};

enum pr_event {
    PR_MORE = 0,   /* not complete yet */
    PR_HANDSHAKEN, /* READY now, once what pr_proto_output() has is sent */
    PR_REPLIED,    /* READY again; see pr_proto_reply() */
    PR_BROKEN,     /* protocol error: close; the command that was asked, if any, has failed */
};

struct pr_proto {
    enum pr_proto_state state;
    const char *error; /* what was wrong, for a log line; set with PR_BROKEN */

    uint8_t out[sizeof(struct pr_wire_request) + PR_DATA_MAX];
    uint32_t out_len, out_sent;

    uint8_t opcode;
    uint32_t alloc; /* 5Eh: allocation length */
    uint8_t in[sizeof(struct pr_wire_reply) + PR_DATA_MAX];
    uint32_t in_have, in_want; /* in_want grows once the size is known */
};

/* Points into the pr_proto, so it is valid until the next pr_proto_start() or _init(). */
struct pr_reply {
    uint8_t status;       /* enum scsi_status: one of 00 02 08 18 28 30 40 */
    const uint8_t *sense; /* sense_len bytes; 0 unless CHECK CONDITION */
    uint8_t sense_len;
    const uint8_t *data;
    uint32_t data_len; /* 0 unless 5Eh and GOOD; at most the allocation length */
};

/* Starts a new connection. */
void pr_proto_init(struct pr_proto *p);
/*
 * Starts one command, in state READY with all output sent. list_len: the parameter list length of 5Fh, 0 for 5Eh.
 * The first 10 bytes of cdb are sent, then zeros. False: not a command of this protocol, or not ready.
 */
bool pr_proto_start(struct pr_proto *p, const uint8_t cdb[SCSI_CDB_MAX], const uint8_t *list, uint32_t list_len);
/*
 * What to send next: *bytes points to that many (0: nothing now). *with_fd: the descriptor must go with the
 * first of these bytes. A CDB and its list are given one after the other: the descriptor goes with the CDB.
 */
uint32_t pr_proto_output(const struct pr_proto *p, const uint8_t **bytes, bool *with_fd);
void pr_proto_sent(struct pr_proto *p, uint32_t n);
/* A byte of the command that was asked has been sent. */
bool pr_proto_request_left(const struct pr_proto *p);
/*
 * n bytes arrived. Bytes past a complete reply, or while no command is asked, are a protocol error: they could be
 * taken for the answer to another command.
 */
enum pr_event pr_proto_input(struct pr_proto *p, const uint8_t *bytes, uint32_t n);
/* After PR_REPLIED. */
void pr_proto_reply(const struct pr_proto *p, struct pr_reply *reply);

/*
 * The number of bytes of buf that are sense data, by its response code and additional length; at most 96, the size
 * of the sense buffer. 0: it is not sense data (SPC-5 4.4).
 */
uint8_t pr_sense_length(const uint8_t buf[SCSI_SENSE_MAX]);

#endif
