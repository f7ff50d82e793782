/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the control process knows of its vhosts and their LUNs, shared by the files of this
 * folder. What is learnt from outside (a node, a watch, a worker's word or its death, a
 * device that was opened, a reset that ended) is recorded here by the file that learns it,
 * which then calls model_changed(). Only vhost.c and vdev.c decide what follows.
 *
 * Calls go one way:
 *   host -> vhost -> vdev -> away, wish, reset; away -> opening, remember, worker-link -> at-work -> shared -> model
 *   host -> events; host, vhost, vdev -> scan -> nodes -> model
 * A group of members is written by the file that its comment names.
 */
#ifndef PVSCSI_MODEL_H
#define PVSCSI_MODEL_H

#include "common/log.h"
#include "common/loop.h"
#include "control/lun-table.h"
#include "control/offload.h"
#include "control/options.h"
#include "control/presence.h"
#include "control/run-files.h"
#include "control/store.h"
#include "control/supervise.h"
#include "control/vhost-table.h"
#include "device/device.h"
#include "device/watch.h"
#include "pvscsi/stats.h"
#include "pvscsi/worker-proto.h"

#define VHOSTS_MAX 4096 /* a toolstack gone wild must not take the daemon along */
#define VDEVS_MAX (PVSCSI_STATS_LUNS * 2)
#define BACKEND_ROOT "backend/vscsi"
#define DEVICE_BUCKETS 1024

struct host;
struct vhost;
struct vdev;
struct opening;   /* opening.h */
struct reset_job; /* reset.c */

/* What the toolstack wrote of a device (wish.c). */
struct wish {
    char pdev[PDEV_TEXT_MAX];
    struct hctl vdev;
    bool readonly, feature_host, pr_force, pr_move;
    unsigned pr_mode; /* enum worker_pr_mode */
};

/* What a worker says of a LUN. */
enum lun_answer {
    LUN_SAID_NOTHING,
    LUN_SAID_ADDED, /* or not: answer_error */
    LUN_SAID_REMOVED
};

enum reset_state {
    RESET_NONE,
    RESET_WANTED, /* the worker asks for one */
    RESET_RUNNING,
    RESET_DONE /* reset_result is to be told */
};

struct vdev {
    struct vhost *vhost;
    struct vdev *next;
    char name[24]; /* "dev-0" */

    /* scan.c; nodes.c when it has written one */
    enum xenbus_state own;
    bool dirty;       /* own is to be read again */
    bool dirty_front; /* the frontend's node of it is to be looked at (again) */
    bool present;

    /* nodes.c */
    bool error_node; /* there is a node `error`; wish.c finds it */

    /* vdev.c */
    struct wish wish;
    enum lun_state lun;
    int lun_slot; /* its number with the worker and in the statistics; -1: none */
    struct device dev;
    struct device_fds fds; /* while it waits for a worker */
    struct opening *opening;
    uint64_t deadline_us; /* of opening */
    uint64_t reopen_us;   /* opening is tried again then; 0: no need */
    unsigned reopens;
    bool was_known; /* `was` is a device that a worker was handed, by an earlier daemon perhaps */
    struct run_device was;
    char error[DEVICE_WHY_MAX];
    bool away_noted, away_node; /* xenstore has the reason as it is now; it has one */

    /* away.c; vdev.c ends it */
    enum presence presence;
    bool away_said; /* in the log, and why in error */
    uint64_t returned_us;

    /* worker-link.c */
    bool lost; /* the worker says that the device is gone; vdev.c has acted on it when it clears this */
    enum lun_answer answer;
    int answer_error;
    unsigned helper;  /* enum worker_helper_state */
    bool held;        /* what the worker was told last of must_hold */
    bool shared_told; /* the same of shared */

    /* reset.c; RESET_WANTED by worker-link.c */
    enum reset_state reset;
    int reset_result;
    struct reset_job *reset_job;

    /* at-work.c */
    bool waits;     /* for what a worker that is gone has left at the device */
    bool must_hold; /* the worker submits nothing, for this LUN's sake or for another's on the same device */

    /* shared.c */
    bool shared; /* another guest has the device too */
    bool is_user;
    struct vdev *next_user; /* in the host's users, while is_user */
};

/* What is to be read again. */
struct vhost_dirty {
    bool own, front, list, identity, domain;
    bool ring; /* the ring's nodes: looked at when the states say so */
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
    char prefix[32]; /* "d3.0" */
    char back[64];   /* "backend/vscsi/3/0" */
    struct log_limit limit;

    /* model.c: the queue of those to be looked at */
    bool pending;
    struct vhost *next_pending;

    struct vhost_dirty dirty; /* set by whoever finds out; cleared by scan.c, ring by vhost.c */

    /* scan.c: as it is in xenstore, own also by nodes.c */
    struct vhost_seen {
        enum xenbus_state own, front;
        char front_path[96]; /* "/local/domain/3/device/vscsi/0"; "" until it is known */
        char token[32];      /* of the watch on front_path; "" when there is none */
        bool known;          /* frontend and frontend-id were read and are right */
        bool online, feature_host;
        bool vanished;                   /* our node is no more; vhost.c when it has removed it */
        bool introduced, was_introduced; /* the domain */
        bool replaced;                   /* its number is another domain's by now */
        char vm[64];                     /* tells a domain from the next one with its number */
        bool front_there;                /* the frontend's node was there once */
        bool front_connected;            /* the frontend was at 4 on this ring; cleared by vhost.c with each ring */
        bool rival;                      /* the kernel's backend driver has the node */
        bool listed;                     /* in the sweep under way */
        bool unlisted;                   /* done with: its devices are not looked at */
        uint64_t found_us, last_scan_us, not_before_us;
        unsigned burst; /* scans close upon each other */
    } seen;

    /* host.c */
    uint64_t wake_us; /* to be looked at then, 0: no need */
    unsigned retries; /* of reads and writes that failed */

    /* nodes.c */
    char error[DEVICE_WHY_MAX];

    /* vhost.c */
    enum ring_state ring;
    uint32_t ring_ref, event_channel;
    unsigned segments; /* advertised; 0: not yet chosen */
    uint64_t closing_deadline_us, reopen_at_us;
    unsigned last_complaint; /* situation and frontend state that were logged */

    /* worker-link.c */
    struct worker_link {
        struct child *child;
        bool died; /* it was there, and is gone; vhost.c clears it when it has acted on it */
        enum ring_answer answer;
        int answer_error;
        bool halted;
        uint32_t generation; /* of the ring */
        bool take_over;      /* as the last CONNECT said */
        unsigned connect_tries;
        struct loop_timer connect_timer;
        uint64_t since_us, not_before_us, lock_since_us;
        unsigned failures;
        uint32_t restarts;
    } worker;

    /* vdev.c */
    struct vdev *devs;
    unsigned n_devs;
    bool recalled; /* what an earlier daemon wrote down of the devices was read */
    bool lun_slot_used[PVSCSI_STATS_LUNS];
};

/* A device at which commands of a worker that is gone may still be (at-work.c). */
struct at_work {
    struct at_work *next;
    struct run_device at; /* its word is the worker's pid and the deadline: "PID@SECONDS" */
    pid_t worker;         /* 0 when it is known to have ended: until then it may submit more */
    int pidfd;
    bool waited;          /* a LUN waits for it, and those on its address are held */
    unsigned idle;        /* reads of 0 in a row */
    uint64_t since_us;    /* it was noted, or its worker has ended since */
    uint64_t deadline_us; /* CLOCK_MONOTONIC: the last time-out of what is there ends; 0: not known */
    uint64_t logged_us;
};

struct host {
    struct loop *loop;
    const struct settings *settings;
    const struct device_roots *roots;
    struct offload *offload;
    struct offload *resets; /* threads of their own: a reset may take minutes, and opening must not wait */
    struct store *store;    /* NULL: xenstored is not there */
    struct loop_source store_source;
    struct device_watch device_watch;
    struct loop_timer scan_timer, rescan_timer, reconnect_timer, quit_timer;
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

    /* shared.c */
    struct vdev *users[DEVICE_BUCKETS]; /* the LUNs by the address of their device */

    /* at-work.c */
    struct at_work *at_work;
    struct loop_timer at_work_timer;
    uint64_t at_work_since_us; /* the newest of them */
};

/* A fact about the vhost or one of its LUNs was recorded: it is looked at in this round. */
void model_changed(struct vhost *v);

struct vhost *model_find(struct host *h, uint16_t domid, uint32_t id);
/* Finds or makes; NULL when there is no memory, or too many. */
struct vhost *model_get(struct host *h, uint16_t domid, uint32_t id);
/* Takes it off the lists; the caller frees it. */
void model_unlink(struct vhost *v);
/* All of it is to be read again. */
void model_mark_all(struct vhost *v);
/* Something is to be read again before anything is decided. */
bool model_dirty(const struct vhost *v);

/* name is not terminated at len. NULL: there is none. */
struct vdev *model_find_vdev(struct vhost *v, const char *name, size_t len);
struct vdev *model_find_lun(struct vhost *v, uint32_t lun_slot);
/* At the end of v's; NULL when there is no memory, or too many (logged). */
struct vdev *model_add_vdev(struct vhost *v, const char *name);
/* Takes it off its vhost's list; the caller frees it. */
void model_unlink_vdev(struct vdev *d);

#endif
