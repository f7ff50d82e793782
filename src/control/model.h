/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the control process knows of its vhosts and their LUNs, shared by the files of this
 * folder. What is learnt from outside (a node, a watch, a worker's message or its death, a device that was opened,
 * a reset that ended) is recorded here by the file that learns it, which then calls model_changed(). Only vhost.c
 * and vdev.c decide what follows.
 *
 * Calls go one way; docs/architecture.md has the list of them. A group of members is written by the file that its
 * comment names. Another file may write one where a comment says so.
 */
#ifndef PVSCSI_MODEL_H
#define PVSCSI_MODEL_H

#include <time.h>

#include "common/log.h"
#include "common/loop.h"
#include "control/lun-table.h"
#include "control/offload.h"
#include "control/options.h"
#include "control/presence.h"
#include "control/run-files.h"
#include "control/sandbox.h"
#include "control/sandbox-nodes.h"
#include "control/store.h"
#include "control/supervise.h"
#include "control/vhost-table.h"
#include "device/device.h"
#include "device/watch.h"
#include "pvscsi/limits.h"
#include "pvscsi/stats.h"
#include "pvscsi/worker-proto.h"
#include "scsi/rules.h"

#define VHOSTS_MAX 4096 /* bounds what the daemon spends on a broken toolstack */
#define VDEVS_MAX (PVSCSI_STATS_LUNS * 2)
#define BACKEND_ROOT "backend/vscsi"
#define DEVICE_BUCKETS 1024
#define GUEST_NAME_MAX 128
#define GUEST_UUID_MAX 64
#define CHANGE_WHY_MAX 240 /* with its number it fits into STORE_SHORT_MAX */

struct host;
struct news; /* news.h */
struct vhost;
struct vdev;
struct opening; /* opening.h */
struct claim;   /* claims.h */
struct claims;
struct readings;  /* readings.h */
struct giveback;  /* giveback.c */
struct reset_job; /* reset.c */

/* What the toolstack wrote of a device (wish.c). */
struct wish {
    char pdev[PDEV_TEXT_MAX]; /* the user's name of the device: p-devname, or p-dev without one */
    char at[PDEV_TEXT_MAX];   /* p-dev, if it is another text */
    bool named;               /* there is a p-devname */
    char unit[UNIT_TEXT_MAX]; /* the unit that it must be; "": any */
    char wwid[UNIT_TEXT_MAX]; /* p-wwid: the unit that an earlier daemon has opened; "": not known */
    struct hctl vdev;
    bool readonly, feature_host, pr_force, pr_move, force;
    unsigned pr_mode;    /* enum worker_pr_mode */
    unsigned pr_default; /* what it is without a node `pr`: the config's, from when the device was attached */
    struct lun_limits limits;
    bool third_party_copy;
    unsigned n_allow, n_deny;
    struct scsi_rule allow[SCSI_RULE_LIST_MAX], deny[SCSI_RULE_LIST_MAX];
};

/* What a worker says of a LUN. */
enum lun_answer {
    LUN_SAID_NOTHING,
    LUN_SAID_ADDED, /* or not: answer_error */
    LUN_SAID_REMOVED
};

/* The toolstack has changed what it wants of a device that the guest has. */
enum change_state {
    CHANGE_NONE,
    CHANGE_ASKED, /* the node `change` must be read */
    CHANGE_SENT,  /* the worker was told, and has not answered */
    CHANGE_DONE   /* the toolstack must be told what came of it */
};

enum reset_state {
    RESET_NONE,
    RESET_WANTED, /* the worker asks for one */
    RESET_RUNNING,
    RESET_DONE /* reset_result is to be sent to the worker */
};

struct vdev {
    struct vhost *vhost;
    struct vdev *next;
    char name[24]; /* "dev-0" */

    /* scan.c; nodes.c when it has written one */
    enum xenbus_state own;
    bool dirty;       /* own must be read again; set by the file that finds out */
    bool dirty_front; /* the same of the frontend's node of the device; cleared by vdev.c */
    bool present;

    /* nodes.c */
    bool error_node; /* the node `error` exists; wish.c finds out */
    bool published;  /* xenstore says which device dev is (p-hctl and its like); vdev.c and away.c clear it */

    /* vdev.c */
    struct wish wish; /* wish.c; nodes.c the address and unit that it has written */
    enum lun_state lun;
    bool announced;          /* it was told to followers that the guest has it (news.h) */
    int lun_index;           /* its index in the worker and in the statistics; -1: none */
    struct device dev;       /* dev, deadline_us, reopen_us, reopens, error: away.c too, when the device is gone */
    struct device_fds fds;   /* opening.c, worker-link.c: set while the device waits for a worker */
    struct opening *opening; /* opening.c sets it; away.c ends it too */
    struct claim *claim;     /* of the device, from the opening on; NULL: none. opening.c, giveback.c and away.c */
    uint64_t deadline_us;    /* of opening */
    uint64_t reopen_us;      /* when to try again to open the device; 0: no need */
    unsigned reopens;
    bool was_known; /* remember.c too: `was` is a device that a worker got, perhaps from an earlier daemon */
    struct run_device was;
    char error[DEVICE_WHY_MAX];
    bool away_noted; /* xenstore has the reason as it is now; away.c clears it with each new reason */
    bool away_node;  /* xenstore has a reason */

    /* away.c; vdev.c ends it */
    enum presence presence;
    bool was_away;  /* at some time since the frontend was last told to look; ended by vdev_mark_shown() */
    bool away_said; /* in the log, and why in error */
    uint64_t returned_us;
    uint64_t block_until_us; /* it is back without its block device, which is waited for until then; 0: it is not */

    /* worker-link.c */
    bool lost;              /* the worker says that the device is gone; vdev.c clears it after it acted on that */
    enum lun_answer answer; /* likewise */
    int answer_error;
    unsigned helper;       /* enum worker_helper_state; vdev.c sets it to idle when the worker has lost the LUN */
    bool helper_away_told; /* to followers (news.h); worker-link.c and vdev.c, when the LUN is released */
    struct log_limit helper_asks;  /* the worker may ask for it so often */
    uint64_t ticket;               /* what the answer to the last LUN_ADD or LUN_REMOVE must have */
    bool asked_back;               /* it was LUN_REMOVE */
    int refused;                   /* ... because the worker cannot use it, which has this -errno; 0: not so */
    int helper_socket;             /* a duplicate of the worker's last connection to the PR helper; -1: none */
    bool held;                     /* the must_hold that the worker was told last */
    bool shared_told;              /* the shared that the worker was told last */
    struct lun_limits limits_told; /* likewise; all 0 before */

    unsigned pr_chosen;    /* enum worker_pr_mode with which the worker got the device; PR_DENY: it has none yet */
    uint32_t change_heard; /* the number of the change that the worker answered last */

    /* change.c; CHANGE_ASKED by events.c, wish.c, vdev.c and model.c, and CHANGE_NONE by nodes.c when it was told */
    enum change_state change;
    uint32_t change_number;
    char change_why[CHANGE_WHY_MAX]; /* why it is refused; "": it holds */

    /* reset.c; RESET_WANTED by worker-link.c */
    enum reset_state reset;
    int reset_result;
    struct reset_job *reset_job;
    bool was_reset; /* for another LUN; worker-link.c clears it when it has told the worker */

    /* at-work.c */
    bool waits;     /* until the commands of a dead worker have left the device */
    bool must_hold; /* the worker must submit nothing, because this LUN waits or another one on the same device does */

    /* giveback.c */
    struct giveback *giveback; /* the device is on its way back to this domain */
    uint64_t giveback_until_us;

    /* shared.c */
    bool shared; /* another guest has the device too */
    bool is_user;
    struct vdev *next_user; /* in the host's users, while is_user */

    /* places.c */
    struct places *places; /* its vhost's at the SCSI host of its device; NULL: not known */
};

/* What must be read again. */
struct vhost_dirty {
    bool own, front, list, identity, domain, name;
    bool ring; /* the ring's nodes: read when the states say so */
};

/* What a worker said of the ring. */
enum ring_answer {
    RING_SAID_NOTHING,
    RING_SAID_CONNECTED, /* or not: answer_error */
    RING_SAID_DISCONNECTED
};

struct vhost {
    struct host *host;
    struct vhost *next;
    uint16_t domid;
    uint32_t id;
    char prefix[WORKER_PREFIX_MAX]; /* "d3.0 (web)", without a name if the daemon may not read it; model_set_name() */
    char back[64];                  /* "backend/vscsi/3/0" */
    struct log_limit limit, news_limit;
    uint64_t
        life_us; /* vdev.c: when to show life to the toolstack; 0: the vhost was not at 1; UINT64_MAX: it was shown */

    /* model.c: the queue of vhosts whose tables have to run. host.c takes them out */
    bool pending;
    bool unlinked; /* it is never in that queue again */
    struct vhost *next_pending;

    struct vhost_dirty dirty; /* set by the file that finds out; cleared by scan.c, ring and list by vhost.c too */

    /* scan.c: what xenstore says. nodes.c writes own too */
    struct vhost_seen {
        enum xenbus_state own, front;
        char front_path[96]; /* "/local/domain/3/device/vscsi/0"; "" until it is known */
        char token[32];      /* of the watch on front_path; "": no watch. Cleared by host.c with the connection */
        bool known;          /* frontend and frontend-id were read and are right */
        bool online, feature_host;
        bool vanished; /* our node does not exist any more; vhost.c sets it after it removed the node */
        bool introduced, was_introduced; /* the domain */
        bool replaced;                   /* another domain has its number now */
        char vm[64];                     /* differs between a domain and a later one with the same number */
        char name[GUEST_NAME_MAX];       /* of the guest, escaped for a log; "": not known, as in a driver domain */
        bool name_watched;               /* cleared by host.c with the connection */
        bool front_there;                /* the frontend's node existed at some time */
        bool front_connected;            /* the frontend was at 4 on this ring; cleared by vhost.c with each ring */
        bool rival;                      /* the kernel's backend has the node */
        bool listed;                     /* found by the sweep that is running */
        bool unlisted;                   /* the vhost is done (VS_DONE): its devices are not read */
        uint64_t found_us, last_scan_us, not_before_us;
        unsigned burst; /* number of scans in quick succession */
    } seen;

    /* host.c */
    uint64_t wake_us; /* when to run its tables again; 0: no need */
    unsigned retries; /* since the last time that all reads and writes succeeded */

    /* nodes.c */
    char error[DEVICE_WHY_MAX];

    /* vhost.c */
    enum ring_state ring;
    uint32_t ring_ref, event_channel;
    unsigned segments; /* advertised; 0: not yet chosen */
    uint64_t closing_deadline_us, reopen_at_us;
    unsigned last_complaint; /* the situation and frontend state that were logged last */

    /* worker-link.c */
    struct worker_link {
        struct child *child;
        struct sandbox_nodes *nodes; /* NULL: it has no file system of its own */
        bool died;                   /* the worker died; vhost.c clears it after it acted on that */
        enum ring_answer answer;     /* likewise */
        int answer_error;
        bool halted;         /* vhost.c clears it when the ring ends */
        uint32_t generation; /* of the ring */
        bool take_over;      /* as the last CONNECT said */
        unsigned connect_tries;
        struct loop_timer connect_timer;
        uint64_t since_us, not_before_us, lock_since_us;
        unsigned failures;
        uint32_t restarts;
        uint32_t pages;                 /* allotted to it for granted buffers */
        char prefix[WORKER_PREFIX_MAX]; /* what its lines of the log begin with */
    } worker;

    /* vdev.c */
    struct vdev *devs;
    unsigned n_devs;
    bool clean;    /* cleared by vhost.c; what the guest left in its devices is undone, and it has no new ring yet */
    bool recalled; /* remember.c: the file in which an earlier daemon recorded the devices was read */
    struct run_unsaved unsaved; /* remember.c: that file */
    bool lun_index_used[PVSCSI_STATS_LUNS];
};

/* A device that may still have commands of a dead worker (at-work.c). */
struct at_work {
    struct at_work *next;
    struct run_device at; /* at.word is the worker's pid and the deadline: "PID@SECONDS" */
    pid_t worker;         /* 0: it has ended. Until then it may submit more */
    int pidfd;
    bool waited;          /* a LUN waits for the device, and all LUNs on its address are held */
    unsigned idle;        /* reads of 0 in a row */
    uint64_t since_us;    /* when it was added, or when its worker ended after that */
    uint64_t deadline_us; /* CLOCK_MONOTONIC: when the last time-out of the commands ends; 0: not known */
    uint64_t logged_us;
};

struct host {
    struct loop *loop;
    const struct settings *settings;
    const struct device_roots *roots;
    struct news *news; /* NULL: nobody can follow */
    struct sandbox sandbox;
    struct offload *offload;
    struct offload *givebacks; /* threads of their own: those that open devices may have to wait for them */
    struct offload
        *resets; /* threads of their own: a reset may take minutes, and must not delay the opening of devices */
    struct claims *claims;
    struct readings *readings;
    struct store *store; /* NULL: not connected to xenstored */
    struct loop_source store_source;
    struct device_watch device_watch;
    struct loop_timer scan_timer, rescan_timer, reconnect_timer, quit_timer;
    time_t started; /* seconds since 1970 */
    uint16_t own_domid;
    bool standalone, first_scan_done, quitting;
    bool list_dirty, domains_dirty; /* events.c */
    uint64_t list_not_before_us, next_wake_us, quit_until_us;
    unsigned heartbeats; /* since the last full listing */
    void (*ready)(void *ctx);
    void (*quit_done)(void *ctx);
    void *ctx;

    /* model.c */
    struct vhost *vhosts;
    unsigned n_vhosts;
    struct vhost *pending, **pending_last;

    /* worker-link.c */
    uint32_t pages; /* the sum of worker.pages of all vhosts */

    /* shared.c */
    struct vdev *users[DEVICE_BUCKETS]; /* hash table: the LUNs by the address of their device */

    /* places.c */
    struct places_host *places_hosts;

    /* at-work.c */
    struct at_work *at_work;
    struct orphans *orphans; /* NULL: no worker of an earlier daemon was left at our start */
    struct run_unsaved at_work_unsaved;
    struct loop_timer at_work_timer;
    uint64_t at_work_since_us; /* when the newest of at_work was added */
};

/* To be called after a fact about the vhost or one of its LUNs was recorded: v's tables run in this round. */
void model_changed(struct vhost *v);

struct vhost *model_find(struct host *h, uint16_t domid, uint32_t id);
/* Finds or makes a vhost. NULL: out of memory, or there are too many. */
struct vhost *model_get(struct host *h, uint16_t domid, uint32_t id);
/* The domain's name, "" if it is not known. It is escaped, and what is longer than the prefix has room for is cut. */
void model_set_name(struct vhost *v, const char *name);
/* Removes v from the lists; the caller frees it. */
void model_unlink(struct vhost *v);
/* Marks everything of v to be read again. */
void model_mark_all(struct vhost *v);
/*
 * The toolstack may have changed options of any device while nobody watched. The caller has all vhosts marked to be
 * read again.
 */
void model_ask_changes(struct host *h);
/* May followers (news.h) hear of something that the guest or its worker can bring about as often as they like? */
bool model_may_tell(struct vhost *v);
/* The guest's uuid, escaped: what follows the last slash of its domain's node `vm`. "": not known. */
void model_guest_uuid(const struct vhost *v, char out[GUEST_UUID_MAX]);
/* The identifier of d's device that lasts, or what sysfs calls it. "": it has none, or was not opened yet. */
const char *model_wwid(const struct vdev *d);
/* Something must be read again before anything is decided. */
bool model_dirty(const struct vhost *v);

/* The name has len bytes and need not be NUL-terminated. NULL: there is no such device. */
struct vdev *model_find_vdev(struct vhost *v, const char *name, size_t len);
struct vdev *model_find_lun(struct vhost *v, uint32_t lun_index);
/* Adds it at the end of v's list. NULL: out of memory, or there are too many (logged). */
struct vdev *model_add_vdev(struct vhost *v, const char *name);
/* Removes d from its vhost's list; the caller frees it. */
void model_unlink_vdev(struct vdev *d);

#endif
