/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages between the control process and a vhost's worker: one struct a message over a SOCK_SEQPACKET
 * socketpair (fd 3 in the worker), file descriptors by SCM_RIGHTS. Both ends are the same binary. A message of
 * another size or type closes the connection.
 *
 * The usual order:
 *   INIT, LUN_ADD ..., CONNECT          -> READY, LUN_ADDED ..., CONNECTED
 *   LUN_ADD / LUN_REMOVE at any time    -> LUN_ADDED / LUN_REMOVED (after its commands ended)
 *   DISCONNECT                          -> DISCONNECTED: all answered or dropped, ring unmapped
 *   QUIT                                -> the worker takes nothing more, finishes what is in flight,
 *                                          leaves ring and journal for a successor, exits 0
 * The worker also acts on EOF as on QUIT.
 * After a worker died: INIT, LUN_ADD with LUN_HELD, CONNECT with take_over; then LUN_RELEASE
 * for each LUN whose device is idle again. Its orphans are ended and new requests submitted only after that.
 * A device that goes and comes back: LUN_LOST, once; then LUN_ADD with LUN_RETURNED and new descriptors for the
 * same index -> LUN_ADDED. A worker that starts while a device is away gets LUN_ADD with LUN_AWAY and no descriptor.
 * A LUN needs the PR helper: HELPER_CONNECT -> HELPER_SOCKET, because a worker has no path to its socket.
 * A guest waits for a command that is past its time-out: HOST_EH_ASK -> HOST_EH, again and again until the time that
 * this says is over.
 * LUN_LIMITS changes the rate limits that LUN_ADD gave.
 * What the guest may do with a LUN has changed: LUN_CHANGE -> LUN_CHANGED.
 * HOST_PLACES says how many commands a worker may have at a SCSI host from now on.
 * PAGES of a worker says how many pages of granted memory it would like to have in all. PAGES is the answer.
 */
#ifndef PVSCSI_WORKER_PROTO_H
#define PVSCSI_WORKER_PROTO_H

#include <assert.h>
#include <stdint.h>

#include "pvscsi/limits.h"

#define DAEMON_NAME "pvscsid"        /* of the control process */
#define WORKER_NAME "pvscsid-worker" /* of a worker; at most 15 characters */
#define WORKER_UID_BASE 1879048192   /* of its user, unless the config says another number: plus its process ID */
#define WORKER_FD 3                  /* the worker's end of the socketpair */
#define WORKER_MAX_FDS 3             /* with one message */
#define WORKER_RULES_MAX 128

enum worker_msg_type {
    /* control -> worker */
    /*
     * fds: journal, statistics (both of their full size); with CONFINE_ROOT the file system that becomes the
     * worker's root, a detached mount. The nodes of its sg devices appear in it before WM_LUN_ADD.
     */
    WM_INIT = 1,
    WM_LUN_ADD, /* fds: device node opened O_RDWR|O_NONBLOCK; [block node O_RDWR or O_RDONLY] */
    WM_LUN_REMOVE,
    WM_LUN_RELEASE, /* a held LUN's device is idle */
    WM_LUN_HOLD,    /* from now on as with LUN_HELD: commands of another worker may still be at the same device */
    WM_LUN_SHARED,  /* LUN_SHARED in u.lun.flags says whether another guest has the device now */
    WM_CONNECT,
    WM_DISCONNECT,
    WM_QUIT,
    WM_RESET_DONE,    /* answer to WM_RESET; error = 0 or -errno */
    WM_LOG,           /* u.log_level from now on; fds: [what becomes the worker's standard error] */
    WM_HELPER_SOCKET, /* answer to WM_HELPER_CONNECT: a connection, which ends the last one; or error = -errno */
    WM_PAGES,   /* u.pages: how many pages of memory the worker may grant to its own domain for buffers; 0 at first */
    WM_HOST_EH, /* answer to WM_HOST_EH_ASK: u.host_eh_s */
    WM_LUN_WAS_RESET, /* the RESET of another LUN has reset the device: UNIT ATTENTION 29h/00h is due */
    /*
     * These of u.lun hold from the next command on: rule, pr_mode, and LUN_FEATURE_HOST, _READONLY, _PR_FORCED and
     * _PR_MOVE of flags.
     */
    WM_LUN_CHANGE,
    WM_POLL,        /* u.poll_us from now on */
    WM_HOST_PLACES, /* u.places, as in WM_LUN_ADD, for all LUNs of this SCSI host */
    WM_LUN_LIMITS,  /* u.limits from now on */
    WM_PREFIX,      /* u.prefix from now on, as in init: the guest has another name */
    /* worker -> control */
    WM_READY = 32,
    WM_LUN_ADDED, /* error = 0 or -errno */
    WM_LUN_REMOVED,
    WM_CONNECTED, /* error = 0 or -errno */
    WM_DISCONNECTED,
    WM_RESET,          /* asks for an SG_SCSI_RESET of this LUN's device */
    WM_HALTED,         /* the ring is halted: nothing is served until DISCONNECT */
    WM_HELPER,         /* the PR helper's state for this LUN: see enum worker_helper_state */
    WM_HELPER_CONNECT, /* asks for a connection to the PR helper for this LUN */
    WM_LUN_LOST,    /* its device was deleted, or does not answer to its address; not said again before LUN_RETURNED */
    WM_ENDED,       /* u.ended: a command that the administrator should know of; for followers of events only */
    WM_LUN_CHANGED, /* answer to WM_LUN_CHANGE: u.change is that of u.lun */
    WM_HOST_EH_ASK, /* how long may this machine's kernel keep a command of this LUN that is past its time-out? */
};

/* How many commands a worker may have at a SCSI host at once. One more could make it sleep in the kernel. */
struct worker_places {
    uint32_t host;   /* its number */
    uint32_t places; /* of all LUNs together; at least 1 */
    uint32_t share;  /* of each LUN; 0: what the host takes is not known, and nothing is limited */
};

#define HOST_EH_NO_LIMIT UINT32_MAX

enum worker_lun_backing {
    LUN_BACKING_SG = 0,
    LUN_BACKING_FILE = 1, /* an emulated disk over a file; standalone mode only */
};
enum worker_lun_flags {
    LUN_FEATURE_HOST = 1, /* every command but third-party copy, and what the rules deny */
    LUN_READONLY = 2,
    LUN_SHARED = 4,     /* the device is given to more than one local guest */
    LUN_HELD = 8,       /* submit nothing until WM_LUN_RELEASE */
    LUN_ATTACHED = 16,  /* newly attached: UNIT ATTENTION 29h/00h is due */
    LUN_PR_FORCED = 32, /* PR is allowed although the LUN is shared */
    LUN_PR_MOVE = 64,   /* REGISTER AND MOVE and SPEC_I_PT allowed */
    LUN_RETURNED = 128, /* the index has this LUN already: these are new descriptors of its device */
    LUN_AWAY = 256,     /* its device is not there: no descriptors, and commands end with 05/25/00 until LUN_RETURNED */
    LUN_PR_SOCKET = 512, /* there is a socket where the PR helper should listen */
};
enum worker_pr_mode {
    PR_HELPER = 0,
    PR_DIRECT = 1,
    PR_DENY = 2,
    PR_AUTO = 3 /* the helper where its socket is, else direct */
};
#define PR_MODES_TEXT "auto, helper, direct or deny"
/* "helper" for PR_HELPER... */
const char *pr_mode_name(unsigned mode);
/* 0 and *out (enum worker_pr_mode), or -EINVAL. */
int pr_mode_parse(const char *text, unsigned *out);
enum worker_helper_state {
    HELPER_IDLE = 0,
    HELPER_CONNECTED = 1,
    HELPER_AWAY = 2,
    HELPER_UNUSED = 3 /* reservations of this LUN go to the device itself */
};

/* Where a PR helper listens by default: upstream's path, then the one of older packages, tried in this order. */
#define PR_SOCKET_DEFAULT "/run/qemu-pr-helper.sock"
#define PR_SOCKET_OLDER "/var/run/qemu-pr-helper.sock"

/* Numbers of domain and virtual host, and 40 characters of the domain's name. */
#define WORKER_PREFIX_MAX 64

struct worker_msg {
    uint32_t type;
    uint32_t generation; /* of the ring: CONNECT sets it, CONNECTED/DISCONNECTED/HALTED echo it */
    int32_t error;
    uint32_t
        lun_index; /* LUN messages: 0..PVSCSI_STATS_LUNS-1, chosen by control; the same index in the statistics page */
    /*
     * Of LUN_ADD and LUN_REMOVE: a number that nobody can guess; LUN_ADDED and LUN_REMOVED echo it. So these answers
     * come from a worker that has read the message, and all before it.
     */
    uint64_t ticket;
    union {
        struct {
            uint32_t domid; /* the guest */
            uint32_t own_domid;
            uint32_t vhost;
            uint32_t log_level;    /* xentoollog_level */
            uint32_t max_segments; /* as advertised in feature-sg-grant; 0 = not advertised, 26 direct */
            uint32_t poll_us;      /* the longest look at the ring before it sleeps; 0: none */
            uint32_t confine;      /* what it enters before it does anything else: CONFINE_* of worker/confine.h */
            uint32_t confine_id;   /* its user and group */
            char prefix[WORKER_PREFIX_MAX]; /* for logs: "d3.0 (web)" */
            char mock_socket[108];          /* "" on a real Xen */
        } init;
        struct {
            uint16_t channel, target, lun;
            uint8_t type; /* peripheral device type, SPC-5 table 150 */
            uint8_t backing;
            uint32_t flags;
            uint32_t max_transfer; /* bytes one command may move */
            uint32_t pr_mode;
            uint32_t pr_deadline_ms;
            uint32_t queue_depth; /* commands that the device takes at once; 0: not known */
            uint32_t change;      /* WM_LUN_CHANGE: its number; 0: no answer is wanted */
            struct worker_places places;
            struct lun_limits limits;
            /* What goes before the command policy: scsi/rules.h has the meaning of the members. */
            uint32_t n_rules;
            struct {
                uint8_t opcode, some_action, action, deny;
            } rule[WORKER_RULES_MAX];
            char device[64]; /* for logs: "/dev/sg3", "1:0:0:0" */
            char pr_socket[108];
        } lun;
        struct {
            uint32_t ring_ref, event_channel;
            uint32_t take_over; /* 1: go on with the ring that the journal describes */
            uint32_t clean;     /* 1: what the guest had left in its devices is undone */
        } connect;
        struct {
            uint8_t cdb[16], cdb_len;
            uint8_t kind; /* enum scsi_kind of scsi.h */
            uint8_t sense[96], sense_len;
        } ended;
        uint32_t helper_state;
        uint32_t helper_ask; /* HELPER_CONNECT: its number for this LUN; HELPER_SOCKET echoes it */
        uint32_t log_level;
        struct worker_places places;
        struct lun_limits limits;
        uint32_t pages;
        uint32_t change;
        uint32_t poll_us; /* as in init */
        char prefix[WORKER_PREFIX_MAX];
        uint32_t host_eh_s; /* seconds from the end of the time-out on, or HOST_EH_NO_LIMIT */
    } u;
};
static_assert(sizeof(struct worker_msg) <= 784, "a message stays small");

/*
 * Sends msg with nfds descriptors (not consumed). 0, or -errno (-EAGAIN: the peer does not read).
 */
int worker_msg_send(int sock, const struct worker_msg *msg, const int *fds, unsigned nfds);
/*
 * Receives one. fds[WORKER_MAX_FDS] get the descriptors (CLOEXEC), -1 where there is none; the caller owns them.
 * 1: a message; 0: EOF; -EAGAIN: none now; -EBADMSG: not a message; -errno.
 */
int worker_msg_recv(int sock, struct worker_msg *msg, int fds[WORKER_MAX_FDS]);

#endif
