/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the control process knows of its vhosts and their devices: shared by the
 * files that make up the host (host.c, scan.c, vhost.c, vdev.c, link.c) and by the
 * report. One owner each: the host owns the vhosts, a vhost its devices.
 *
 * Calls go one way: host -> scan -> vhost -> vdev -> link -> supervise; hold.c stands
 * beside link.c.
 */
#ifndef PVSCSI_MODEL_H
#define PVSCSI_MODEL_H

#include "common/log.h"
#include "common/loop.h"
#include "control/dev-table.h"
#include "device/device.h"
#include "control/offload.h"
#include "control/options.h"
#include "control/run-files.h"
#include "control/store.h"
#include "control/supervise.h"
#include "control/vhost-table.h"
#include "pvscsi/stats.h"

#define VHOSTS_MAX 4096 /* a toolstack gone wild must not take the daemon along */
#define BACKEND_ROOT "backend/vscsi"
#define DEVICE_BUCKETS 1024

struct host;
struct vhost;
struct vdev;

/* A device being looked up and opened, in a thread; survives its vdev. */
struct open_job {
    struct offload_job job;
    struct vdev *vdev; /* NULL: nobody wants the result any more */
    const struct device_roots *roots;
    bool allow_file;
    bool again; /* the guest knew it as `was`: no other device will do */
    struct run_device was;
    uint64_t started_us; /* 0 while it is queued; atomic */
    char pdev[PDEV_TEXT_MAX];
    struct device dev;
    struct device_fds fds;
    int result;
    char why[DEVICE_WHY_MAX];
};

struct vdev {
    struct vhost *vhost;
    struct vdev *next;
    char name[24]; /* "dev-0" */
    /* as read */
    enum xenbus_state own;
    bool dirty, present;
    char pdev[PDEV_TEXT_MAX];
    struct hctl vdev;
    bool readonly, feature_host, pr_force, pr_move;
    unsigned pr_mode;
    /* ours */
    enum dev_phase phase;
    int slot;       /* -1: none */
    bool opened;    /* fds below are waiting to be handed to the worker */
    bool handed;    /* the worker was told of it */
    bool shown;     /* it was at 3 when the frontend was told to look */
    bool inherited; /* its state is an earlier daemon's work */
    bool front_checked, refused;
    bool held;  /* the worker submits nothing until it is told to go on */
    bool waits; /* ... for what a worker that is gone has left at the device; else for another LUN's sake */
    bool shared;
    bool was_known;  /* `was` is a device that a worker was handed, by an earlier daemon perhaps */
    bool error_node; /* there is a node `error` */
    unsigned helper; /* enum worker_helper_state */
    struct device dev;
    struct run_device was;
    struct vdev *next_same; /* in the host's by_hctl, when `entered` */
    bool entered;
    struct device_fds fds;
    struct open_job *job;
    uint64_t deadline_us; /* while something is under way */
    uint64_t reopen_us;   /* opening is tried again then; 0: no need */
    unsigned reopens;
    char error[DEVICE_WHY_MAX];
};

/* A device reset asked for by a worker, done in a thread. */
struct reset_job {
    struct offload_job job;
    struct host *host;
    uint16_t domid;
    uint32_t vhost;
    int slot;    /* which LUN, if it is still `dev` then */
    pid_t child; /* whom to answer */
    const struct device_roots *roots;
    struct device dev;
    int result;
};

struct vhost {
    struct host *host;
    struct vhost *next;
    struct vhost *next_pending;
    bool pending, seen;
    uint16_t domid;
    uint32_t id;
    char prefix[32]; /* "d3.0" */
    char back[64];   /* "backend/vscsi/3/0" */
    char front[96];  /* "/local/domain/3/device/vscsi/0"; "" until it is known */
    char token[32];  /* of the watch on front; "" when there is none */

    /* as read */
    enum xenbus_state own, front_state;
    bool online, feature_host, introduced, was_introduced, front_seen, replaced;
    bool known;    /* frontend and frontend-id were read and are right */
    bool recalled; /* what an earlier daemon wrote down of the devices was read */
    bool unlisted; /* done with: its devices are not looked at */
    bool dirty_own, dirty_front, dirty_list, dirty_identity, dirty_domain, dirty_ring;
    bool vanished; /* our node is no more */
    uint64_t found_us, last_scan_us, not_before_us;
    uint64_t wake_us; /* to be looked at then, 0: no need */
    unsigned retries; /* of reads and writes that failed */
    unsigned burst;   /* scans close upon each other */
    char vm[64];      /* tells a domain from the next one with its number */

    /* ours */
    enum vhost_phase phase;
    uint32_t generation;
    uint32_t ring_ref, event_channel;
    unsigned segments;   /* advertised; 0: not yet chosen */
    bool seen_connected; /* the frontend was at 4 since the ring was connected */
    bool reconnect;      /* end this ring, then connect the next without closing */
    bool rewrite;        /* state 4 is written once more for a frontend that resumed */
    bool take_over;      /* the next CONNECT goes on with the ring in the journal */
    bool connect_due;    /* CONNECT has to be sent as soon as the worker has its devices */
    bool close_due;      /* the ring could not be had: state 5 */
    bool rival;          /* the kernel's backend driver has the node */
    bool halted;
    bool gone_done;
    uint64_t closing_deadline_us, reopen_at_us;
    unsigned last_complaint; /* situation and frontend state that were logged */
    struct log_limit limit;
    char error[DEVICE_WHY_MAX];

    struct child *child;
    uint64_t child_since_us, child_not_before_us, lock_since_us;
    unsigned child_failures;
    uint32_t restarts;
    bool connect_again; /* connect_timer is for another try */
    unsigned connect_tries;
    struct loop_timer connect_timer;

    struct vdev *devs;
    unsigned n_devs;
    bool slot_used[PVSCSI_STATS_LUNS];
};

/* A device at which commands of a worker that is gone may still be (hold.c). */
struct outstanding {
    struct outstanding *next;
    struct run_device at; /* its word is the worker's pid */
    pid_t worker;         /* 0 when it is known to have ended: until then it may submit more */
    int pidfd;
    bool waited;   /* a LUN waits for it, and those on its address are held */
    unsigned idle; /* reads of 0 in a row */
    uint64_t since_us, logged_us;
};

struct host {
    struct loop *loop;
    const struct settings *settings;
    const struct device_roots *roots;
    struct offload *offload;
    struct offload *resets; /* threads of their own: a reset may take minutes, and opening must not wait */
    struct store *store;
    struct loop_source store_source;
    struct loop_timer scan_timer, rescan_timer, reconnect_timer, quit_timer;
    uint16_t own_domid;
    bool standalone, first_scan_done, list_dirty, domains_dirty, quitting;
    uint64_t list_not_before_us, next_wake_us, quit_until_us;
    unsigned heartbeats; /* since the last full listing */
    struct vhost *vhosts;
    unsigned n_vhosts;
    struct vhost *pending, **pending_last;
    struct vdev *by_hctl[DEVICE_BUCKETS]; /* who has a device, by its address */
    struct outstanding *outstanding;
    struct loop_timer hold_timer;
    uint64_t hold_since_us; /* the newest of them */
    void (*ready)(void *ctx);
    void (*quit_done)(void *ctx);
    void *ctx;
};

/* --- host.c --- */
/* The vhost is looked at again in this round. */
void host_queue(struct vhost *v);
struct vhost *host_find(struct host *h, uint16_t domid, uint32_t id);
/* Finds or makes; NULL when there is no memory, or too many. */
struct vhost *host_vhost(struct host *h, uint16_t domid, uint32_t id);
/* d has d->dev from now on, or no more: those that share it with other guests are told. */
void host_enter_device(struct vdev *d);
void host_leave_device(struct vdev *d);
/* The first of those that have the device, and perhaps of others: follow next_same, and compare dev.hctl. */
struct vdev *host_same_device(const struct host *h, const struct hctl *hctl);

/* --- scan.c --- */
/* All vhosts there are: mark and sweep. 0 or -errno. */
int scan_list(struct host *h);
/* One vhost's dirty parts. 0 or -errno (the store is lost). */
int scan_vhost(struct vhost *v);
/* What an event's path says that is dirty. */
void scan_event(struct host *h, const char *path, const char *token);
/* Something is to be read again. */
bool scan_dirty(const struct vhost *v);
void scan_unwatch(struct vhost *v);
void scan_mark_all(struct vhost *v);

/* --- vhost.c --- */
/* Runs the tables until nothing moves. Returns when to look again (microseconds from now), 0: not needed. */
uint64_t vhost_reconcile(struct vhost *v);
void vhost_free(struct vhost *v);
/* The `error` node of the vhost, "" removes it. */
void vhost_set_error(struct vhost *v, const char *text);
void vhost_closed(struct vhost *v);
static inline bool vhost_has_ring(const struct vhost *v)
{
    return v->phase == VP_CONNECTING || v->phase == VP_LIVE || v->phase == VP_CLOSING;
}
/* It was found with a ring that an earlier daemon served, and will be served on. */
bool vhost_takes_over(const struct vhost *v);

/* --- vdev.c --- */
struct vdev *vdev_new(struct vhost *v, const char *name);
void vdev_free(struct vdev *d);
/* One step of every device; true when something moved. */
bool vdev_step_all(struct vhost *v);
/* Nothing under way that the frontend should wait for. */
bool vdev_all_settled(const struct vhost *v);
/* Before any of them is opened: which devices they were to an earlier daemon. */
void vdev_recall_all(struct vhost *v);
/* No device is still being opened, or to be opened again (all can be handed to a new worker). */
bool vdev_all_opened(const struct vhost *v);
/* Back to "offered" for a frontend that starts anew. */
void vdev_reset_all(struct vhost *v);
/* They were at 3 when the frontend was told to look. */
void vdev_mark_shown(struct vhost *v);
/* The worker is gone: open again what it had. */
void vdev_worker_died(struct vhost *v);
void vdev_forget_all(struct vhost *v);
void vdev_added(struct vhost *v, uint32_t slot, int error);
void vdev_removed(struct vhost *v, uint32_t slot);
void vdev_helper(struct vhost *v, uint32_t slot, uint32_t state);
struct vdev *vdev_by_slot(struct vhost *v, uint32_t slot);
unsigned vdev_choose_segments(const struct vhost *v);

/* --- link.c: the vhost's worker --- */
/* Starts it if there is none, and hands it what is opened. True when it is there. */
bool link_ensure(struct vhost *v);
/* Does the journal describe the ring that v->ring_ref and v->event_channel name? */
bool link_journal_fits(const struct vhost *v);
/* No worker of an earlier daemon serves the ring any more. */
bool link_ring_free(struct vhost *v);
void link_hand(struct vdev *d);
void link_remove_lun(struct vdev *d);
/* Tells the worker d->shared; nothing when it does not have the LUN. */
void link_shared(struct vdev *d);
/* The same with d->held. */
void link_hold(struct vdev *d);
void link_disconnect(struct vhost *v);
void link_send_connect(struct vhost *v);
/* Ends the worker without waiting for it. */
void link_drop(struct vhost *v);
void link_quit(struct vhost *v);
void link_log_level(struct vhost *v);

/* --- hold.c: devices that a worker which is gone has left at work --- */
/* Reads what earlier daemons and their workers have left. */
void hold_init(struct host *h);
void hold_free(struct host *h);
/*
 * v's worker is gone, or about to be abandoned: notes the devices at which its commands may still be. worker: its pid while it
 * may live, else 0. To be called while the LUNs are still marked as handed and the journal is there.
 */
void hold_worker(struct vhost *v, pid_t worker);
/* Must a worker that gets d hold it? */
bool hold_wanted(const struct vdev *d);
/* d->waits was set, and its worker holds it; or d waits no more, whatever for: it is gone, or its worker. */
void hold_begin(struct vdev *d);
void hold_end(struct vdev *d);

#endif
