/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vscsi-front: a pvSCSI frontend in userspace. One struct front is one guest's view
 * of one controller: a xenstore session, a ring, and the devices found.
 *
 * Calls go one way, in the order of the sections below: a function calls only those
 * above it, and ring.h, buf.h, pattern.h and persona.h, which know nothing of this page. The
 * commands (verbs-*.c, load.c, bad.c) stand between args.c and script.c. Two callbacks
 * carry what must go up: xenstore_event here, and violation in struct ring.
 */
#ifndef VSCSI_FRONT_H
#define VSCSI_FRONT_H

#include <stdbool.h>
#include <stdint.h>
#include <xenstore.h>

#include "buf.h"
#include "common/util.h"
#include "persona.h"
#include "pvscsi/hctl.h"
#include "ring.h"

#define MAX_DEVICES 256

struct device {
    char node[32]; /* "dev-0" */
    struct hctl v;
    bool usable; /* it answered INQUIRY */
};
struct session {
    char *frontend, *backend; /* paths */
    uint16_t backend_id;
    unsigned own_state;     /* enum xenbus_state, as we wrote it last */
    unsigned backend_state; /* as last seen */
    unsigned max_segments;  /* of one request */
    bool watching, gone, paused;
    unsigned reconfigured; /* how often the backend's 8 was answered */
    struct device devices[MAX_DEVICES];
    unsigned n_devices;
};

/* The outcome of a command, as the guest sees it. */
struct result {
    bool answered;
    uint8_t host, status;
    uint16_t rslt_low; /* what a frontend keeps that drops the host byte */
    uint32_t rslt, residual;
    uint8_t sense_len, sense[VSCSIIF_SENSE_BUFFERSIZE];
};

struct options {
    const char *socket; /* of mock-xen, or NULL on a real Xen */
    unsigned domid;
    int vhost;                /* -1: the first there is */
    const struct persona *as; /* --like */
    bool no_connect, abandon, quiet;
    unsigned timeout_ms; /* of each wait */
};

struct front {
    struct options opt;
    struct xen *xen;
    struct xs_handle *xs;
    struct ring ring;
    struct session session;
    struct result last;
    unsigned violations;                     /* how often the backend did what it must never do */
    bool in_session;                         /* inside session_event(): only the ring is waited for */
    void (*xenstore_event)(struct front *f); /* xs_fileno() is readable: session_event() */
    struct buf *unanswered;                  /* of requests that were never answered: granted until the end */
    char why[256];                           /* of the command that failed */
};

/* --- report.c --- */
/* Keeps the reason for a failed command; returns -1. */
int fail(struct front *f, const char *fmt, ...) PRINTF(2, 3);
/* The backend did something it must never do: prints it at once, and sets the exit status. */
void violation(struct front *f, const char *fmt, ...) PRINTF(2, 3);
/* Prints how a command ended: r < 0: it failed (f->why); otherwise "ok", with `tell`. 1 when it failed, else 0. */
int show_outcome(const struct front *f, int r, bool tell);

/* --- poll.c --- */
/* Waits at most timeout_ms for anything, also for fd (-1: none), and serves it. True: fd is readable. */
bool front_poll(struct front *f, int timeout_ms, int fd);

/* --- show.c --- */
/* "HH/SS" (host, status) and "/K/AA/QQ" when there is sense, hexadecimal. */
#define RESULT_CODE_MAX 24
void show_code(const struct result *res, char out[RESULT_CODE_MAX]);
void show_result(const struct result *res);
void show_hex(const void *data, size_t len, size_t max);

/* --- io.c: one SCSI command --- */
enum {
    DIR_OUT = 1,
    DIR_IN = 2,
    DIR_NONE = 3
}; /* as on the wire */
struct command {
    struct hctl dev;
    uint8_t cdb[16];
    uint8_t cdb_len, dir;
    uint32_t len;       /* of data */
    void *data;         /* sent, or filled */
    unsigned timeout_s; /* told to the backend */
    struct layout layout;
};
/* Fills a request but its id and its segments. */
void io_address(struct vscsiif_request *req, const struct hctl *dev);
/*
 * Sends it and waits for the answer; *res is filled and, for data-in, only bytes that moved go to data.
 * 0 when there was an answer, whatever it says; else fail().
 */
int io_run(struct front *f, struct command *c, struct result *res);
/* Puts and pushes io->req, waits for its end. 0, -ETIMEDOUT (forgotten then), -ECONNRESET, -ENOTCONN. */
int io_send(struct front *f, struct io *io);
void io_result(const struct front *f, const struct vscsiif_response *rsp, struct result *res);
/* The guest may use the data: host byte 0, status GOOD or CONDITION MET. */
bool io_good(const struct result *res);
/*
 * The guest sends such a command again: unit attention, aborted command, busy, reset; with a persona that repeats all,
 * every command that failed.
 */
bool io_retryable(const struct front *f, const struct result *res);
/* io_run(), repeated while io_retryable(), at most 6 times in all. 0 only for a good result. */
int io_run_retry(struct front *f, struct command *c, struct result *res);
uint64_t get_be(const uint8_t *p, unsigned n);
void put_be(uint8_t *p, unsigned n, uint64_t v);
/* READ or WRITE with the given CDB size (6, 10, 16). */
void io_rw_cdb(struct command *c, bool write, unsigned cdb_size, uint64_t lba, uint32_t blocks);
/* READ CAPACITY (10), and (16) for large disks. 0 or fail(). */
int io_capacity(struct front *f, const struct hctl *dev, uint64_t *blocks, uint32_t *block_size);

/* --- session.c: the handshake through xenstore --- */
/* Finds the controller's nodes (waits for them), reads where the backend is. 0 or fail(). */
int session_open(struct front *f);
void session_close(struct front *f);
/* New ring, ring-ref and event-channel in one transaction, state 3. 0 or fail(). */
int session_offer(struct front *f);
/* session_offer() where needed, and waits until both sides are at 4. 0 or fail(). */
int session_connect(struct front *f);
/* Handles the watch events that wait; to be called when xs_fileno() is readable. */
void session_event(struct front *f);
bool session_usable(const struct front *f);
int session_disconnect(struct front *f);
/* As after save and restore: what was in flight ends, a new ring is offered. */
int session_suspend(struct front *f);
int session_set_state(struct front *f, unsigned state);
int session_write(struct front *f, const char *node, const char *value, unsigned len);
struct device *session_device(struct front *f, const struct hctl *v);
/* The backend's node for a device says this state; 0 when there is none. */
unsigned session_backend_dev_state(struct front *f, const struct device *d);

/* --- args.c: the arguments of a command --- */
/* name=value among the arguments. 0 (found, or absent: *out unchanged) or fail(). k, m, g: powers of 1024. */
int arg_number(struct front *f, int argc, char **argv, const char *name, uint64_t *out);
/* NULL when absent. */
const char *arg_text(int argc, char **argv, const char *name);
bool arg_flag(int argc, char **argv, const char *name);
int arg_device(struct front *f, const char *text, struct hctl *out);
int arg_layout(struct front *f, int argc, char **argv, struct layout *out);
/* A whole argument as a number, 0x... too. 0 or fail(). */
int parse_number(struct front *f, const char *text, const char *what, uint64_t max, uint64_t *out);

/* --- script.c: the command language --- */
struct verb {
    const char *name;
    const char *args; /* for help */
    const char *help;
    unsigned min_args; /* without the name */
    bool offline;      /* works without a connection */
    int (*run)(struct front *f, int argc, char **argv);
};
extern const struct verb verbs_session[], verbs_scsi[], verbs_load[], verbs_bad[];
/* One line; prints what it finds. 0 (also for blank lines and # comments), -1 (failed: f->why), 1 (quit). */
int script_line(struct front *f, char *line);
void script_help(void);
/* The names of the commands, from 0; NULL behind the last. */
const char *script_name(unsigned i);

/* --- lines.c: commands from standard input --- */
/* Carries its lines out until it ends or one says quit. How many have failed. */
int lines_run(struct front *f);

#endif
