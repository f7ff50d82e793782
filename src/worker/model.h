/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of one vhost that is being served: its commands, its LUNs and its ring. All files of the worker use
 * them; this file calls nothing.
 *
 * A command's buffer is no memory of the guest, and it lives until its device is done with it,
 * whatever happens to the ring meanwhile. A command whose ring is gone is a stray: it
 * ends when its device has answered, and no guest gets that answer.
 */
#ifndef PVSCSI_WORKER_MODEL_H
#define PVSCSI_WORKER_MODEL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/log.h"
#include "common/loop.h"
#include "pr/client.h"
#include "pvscsi/stats.h"
#include "pvscsi/worker-proto.h"
#include "scsi/scsi.h"
#include "scsi/split.h"
#include "standalone/filedisk.h"
#include "worker/at-device.h"
#include "worker/buffers.h"
#include "worker/grants.h"
#include "worker/poll.h"
#include "worker/rate.h"
#include "worker/request.h"
#include "worker/ring.h"
#include "worker/sg.h"
#include "xen/xen-ops.h"

/*
 * The requests of a ring, and as many strays that are still at a sick device: they must not keep the guest's next
 * ring from its healthy devices.
 */
#define CMD_COUNT (2 * PVSCSI_RING_SLOTS)
static_assert(CMD_COUNT <= 32, "a command is a bit of 32");

enum cmd_state {
    CMD_FREE = 0,
    CMD_TAKEN,     /* this round works on it */
    CMD_QUEUED,    /* waits in its LUN's queue: the LUN is held, the device takes no more now, or a limit holds it */
    CMD_AT_DEVICE, /* sg or the PR helper has it */
    CMD_DONE,      /* its answer is made and goes out with this round */
    CMD_MANAGING,  /* an ABORT or RESET that waits for other commands */
};

struct lun;

struct cmd {
    uint8_t index; /* in service.cmd */
    uint8_t entry; /* in the journal; a stray has none */
    uint8_t state; /* enum cmd_state */
    bool stray;
    bool recovered; /* a dead predecessor took it: it is ended, never run */
    bool no_data;   /* it has none, whatever buffer the guest names */
    bool filter_in; /* its data-in passes scsi_filter_data_in() */
    bool check_out; /* its data-out passes scsi_check_parameters() */
    bool at_helper; /* the PR helper has it, or had it: no device will touch its buffer */
    bool in_pieces; /* it is larger than one command of its device: split has the progress */
    bool abort_due; /* an ABORT waits for it */
    bool reset_due; /* a RESET that has asked for the device's own reset */
    bool counted;   /* the meters of its LUN's limits have it */
    uint8_t retries;
    uint8_t kind; /* enum scsi_kind; SCSI_KINDS: taken from the answer */
    struct lun *lun;
    struct cmd *next;           /* in lun->queue */
    struct vscsiif_request req; /* private copy */
    uint8_t cdb[SCSI_CDB_MAX];  /* zero beyond cmd_len */
    unsigned n_lists, n_segs;
    struct scsiif_request_segment segs[REQUEST_SEGMENTS_MAX];
    uint32_t data_len;
    uint32_t in_len;     /* bytes of buf that go to the guest */
    uint32_t give;       /* the most bytes that may, if the device is asked for more than the guest asks for */
    uint32_t timeout_ms; /* what the device may take, over all pieces */
    struct scsi_split split;
    struct scsi_piece piece; /* at the device, or next */
    struct buffer buffer;    /* its memory; from buffers_take(), once the length of its data is known */
    /*
     * Its data, in the buffer: as far into the first page as the guest's data is in its page. So each page of the guest
     * is one piece for the hypervisor, not two.
     */
    uint8_t *buf;
    struct sg_command sg;
    struct scsi_answer answer;
    int32_t managed;      /* rslt of an ABORT or RESET */
    uint64_t start_us;    /* when it was taken from the ring; 0: it was not looked at yet */
    uint64_t limited_us;  /* when a limit of its LUN began to hold it up; 0: none did */
    uint64_t begun_us;    /* when it, or its first piece, went to the device or the PR helper; 0: not yet */
    uint64_t ended_us;    /* when it came back */
    uint64_t deadline_us; /* when its time-out at sg has ended for good */
    uint64_t step_us;     /* a RESET that waits: the time of its next step */
};

/* A SCSI host of the backend domain. Its LUNs share the number of commands that it takes at once. */
struct scsi_host_share {
    struct worker_places may; /* what the control process said last */
    unsigned n_luns;          /* 0: this place is free */
    unsigned at_device;       /* commands that sg has */
    uint32_t last;            /* index of the LUN that had a command submitted last */
};

struct lun {
    bool held, removing, resetting;
    bool away;        /* its descriptors are dead, or it has none: commands end with 05/25/00 */
    bool lost_said;   /* the control process was told that the device is gone */
    bool reset_asked; /* the control process has not answered reset_device() yet */
    /*
     * What the control process said of the host's error handling: how long it may keep a command whose time-out is
     * over.
     */
    struct host_eh_said {
        uint64_t asked_us, told_us; /* when, last; 0: never */
        uint64_t us;                /* UINT64_MAX: no limit */
        uint64_t no_limit_us;       /* when there was no limit, last; 0: there always was one */
    } host_eh;
    uint16_t channel, target, number;
    uint8_t backing; /* enum worker_lun_backing */
    uint32_t flags;  /* enum worker_lun_flags */
    uint32_t index;  /* lun_index of worker-proto.h */
    struct scsi_lun_facts facts;
    bool ua_reset, ua_luns_changed, ua_mode_changed; /* unit attentions due: 29h/00h, 3Fh/0Eh, 2Ah/01h */
    char device[64];
    struct sg_device sg;
    struct filedisk file;
    int file_fd;
    struct pr_client *pr;
    struct pr_link {
        struct service *svc;
        struct lun *lun;
        uint32_t asked; /* how often for a connection */
    } pr_link;
    struct cmd *queue, **queue_tail;
    uint32_t queue_depth;         /* commands that the device takes at once; 0: not known */
    struct scsi_host_share *host; /* NULL: not known */
    bool limited;                 /* rate has a limit */
    bool limit_waits;             /* the head of the queue waits for it; false while there is no queue */
    struct rate rate;
    unsigned in_flight; /* commands at the device or the PR helper, strays included */
    unsigned strays;    /* of in_flight, at the device: while there are any, new commands wait */
    struct pvscsi_lun_stats *stats;
    /* Each LUN has its own, so that none hides another's: for commands that failed, and for warnings with others. */
    struct log_limit failure_limit, warning_limit, news_limit;
};

struct service {
    struct loop *loop;
    bool own_nodes;   /* set by the caller; see sg_pool */
    uint32_t poll_us; /* set by the caller: the longest look at the ring before it sleeps; 0: none */
    struct xen *xen;
    const char *prefix;
    uint16_t domid, own_domid;
    uint32_t vhost;        /* its number; for probes only */
    uint32_t max_segments; /* as advertised; 0: lists not offered */
    struct ring ring;
    void *page;            /* the mapped ring; NULL while detached */
    uint32_t port;         /* local event channel */
    bool port_masked;      /* an event was taken and not yet unmasked */
    bool stopping;         /* no more requests are taken */
    uint32_t quiet_events; /* events in a row that brought no work */
    uint32_t taken_since_event;
    struct loop_source events;
    struct poll poll;
    struct loop_timer unmask_timer, retry_timer, manage_timer, buffers_timer, limit_timer;
    struct sg_pool sg_pool;
    struct pvscsi_journal *journal;
    struct pvscsi_stats *stats;
    struct log_limit bad_limit; /* of malformed requests */
    uint8_t refused_said[32];   /* bit n % 8 of byte n / 8: the log has said that the policy refuses opcode n */
    struct cmd cmd[CMD_COUNT];
    struct buffers buffers;
    uint64_t wished_us; /* when wish_pages() was called last */
    unsigned n_busy;    /* commands not FREE */
    uint32_t done;      /* bit i: command i is DONE; a round is too frequent to look at each command */
    uint32_t managing;  /* the same for MANAGING */
    uint32_t entries;   /* bit i: entry i of the journal is some command's */
    struct at_device at_device;
    struct lun *luns[PVSCSI_STATS_LUNS];   /* by index */
    struct lun *sorted[PVSCSI_STATS_LUNS]; /* by address, those not removing */
    unsigned n_sorted;
    struct scsi_host_share hosts[PVSCSI_STATS_LUNS];
    struct grants grants;
    bool work; /* something happened since the last round */
    /*
     * To main.c: something ended that it may wait for; the ring was halted; please reset this LUN's device; it is
     * gone.
     */
    void (*progress)(struct service *svc);
    void (*halted)(struct service *svc);
    void (*reset_device)(struct service *svc, struct lun *lun);
    /* How long may the host's error handling take? The answer is manage_host_eh(), from inside it or later. */
    void (*ask_host_eh)(struct service *svc, struct lun *lun);
    void (*device_lost)(struct service *svc, struct lun *lun);
    /* Asks for a connection to the PR helper; the answer is hotplug_helper_connected(), from inside it or later. */
    void (*helper_connect)(struct service *svc, struct lun *lun);
    /* A command of this LUN has ended in a way that the administrator should know of, or the policy refuses it. */
    void (*ended)(struct service *svc, const struct cmd *c, enum scsi_kind kind);
    void (*helper_changed)(struct service *svc, struct lun *lun, enum worker_helper_state state);
    /* To main.c: so many pages of granted memory would serve now. service_allot() follows. */
    void (*wish_pages)(struct service *svc, uint32_t pages);
};

#endif
