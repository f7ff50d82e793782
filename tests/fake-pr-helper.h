/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PR helper that follows a script, in the same loop as the client under test: it
 * sends bytes, takes a request, sends single bytes slowly, closes, or hangs.
 */
#ifndef PVSCSI_FAKE_PR_HELPER_H
#define PVSCSI_FAKE_PR_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/loop.h"

enum fake_op {
    FAKE_END = 0,       /* nothing more is sent or read; the connection stays open */
    FAKE_SEND,          /* len bytes */
    FAKE_TRICKLE,       /* the same, one byte each millisecond */
    FAKE_TAKE_FEATURES, /* 4 bytes */
    FAKE_TAKE_REQUEST,  /* a CDB, and the list that a 5Fh announces */
    FAKE_TAKE_CDB,      /* only the CDB */
    FAKE_SLEEP,         /* len milliseconds */
    FAKE_CLOSE,
    FAKE_AGAIN, /* back to the first step after the features */
};
struct fake_step {
    enum fake_op op;
    const void *bytes;
    size_t len;
};

#define FAKE_REQUESTS 64
struct fake_request {
    uint8_t cdb[16];
    uint8_t list[8192];
    size_t list_len;
    unsigned n_fds;
    ino_t fd_ino; /* of the last descriptor that came */
    bool fd_with_cdb;
    unsigned connection;
};

#define FAKE_CONNECTIONS 32
struct fake_helper;
struct fake_connection {
    struct fake_helper *helper;
    struct loop_source source;
    struct loop_timer timer;
    const struct fake_step *script, *step;
    size_t at; /* within the step */
    uint8_t got[16 + 8192];
    unsigned n_fds;
    ino_t fd_ino;
    bool fd_with_cdb;
    unsigned number;
    bool open;
};

struct fake_helper {
    struct loop *loop;
    const char *path;
    struct loop_source listener;
    const struct fake_step *const *scripts; /* connection i runs scripts[i], the last one goes on */
    unsigned n_scripts;
    unsigned n_connections; /* accepted so far */
    struct fake_connection connections[FAKE_CONNECTIONS];
    unsigned n_requests;
    struct fake_request requests[FAKE_REQUESTS];
    uint8_t features[4]; /* what the client asked for last */
};

/* Listens at path (removing what is there). */
void fake_helper_start(struct fake_helper *h, struct loop *loop, const char *path,
                       const struct fake_step *const *scripts, unsigned n_scripts);
/* Closes everything; leave_file: as after a crash. Counters and requests stay. */
void fake_helper_stop(struct fake_helper *h, bool leave_file);

#endif
