/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One vhost being served: the commands between ring and devices. The flow of a
 * round (service_round): take requests, fetch their lists in one grant copy, check, decide, fetch
 * write data in one grant copy, submit; then one grant copy for all data of finished commands,
 * answer, push once, notify at most once.
 *
 * A command's buffer is private memory that lives until its device is done with it, whatever
 * happens to the ring meanwhile (an orphan: it is finished and answers nobody).
 */
#ifndef PVSCSI_SERVICE_H
#define PVSCSI_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/log.h"
#include "common/loop.h"
#include "xen/xen-ops.h"
#include "pvscsi/stats.h"
#include "pvscsi/worker-proto.h"
#include "scsi/scsi.h"
#include "standalone/filedisk.h"
#include "pr/client.h"
#include "worker/request.h"
#include "worker/ring.h"
#include "worker/sg.h"

/*
 * A ring's requests, and as many of gone rings that are still at a sick device: they must not keep the guest's
 * next ring from its healthy ones.
 */
#define CMD_SLOTS (2 * PVSCSI_RING_SLOTS)

enum cmd_state {
    CMD_FREE = 0,
    CMD_TAKEN,     /* in this round's hands */
    CMD_QUEUED,    /* waits in its LUN's queue: held, or the device took no more */
    CMD_AT_DEVICE, /* sg or the PR helper has it */
    CMD_DONE,      /* answer made, goes out with this round */
    CMD_MANAGING,  /* an ABORT or RESET that waits for others */
};

struct lun;

struct cmd {
    uint8_t slot;   /* its index */
    uint8_t entry;  /* in the journal; an orphan has none */
    uint8_t state;  /* enum cmd_state */
    bool orphan;    /* its ring is gone */
    bool recovered; /* a dead predecessor took it: it is ended, never run */
    bool filter_in;
    bool at_helper; /* the PR helper has it, or had: no device will touch its buffer */
    bool aborting;  /* an ABORT or RESET waits for it */
    uint8_t retries;
    struct lun *lun;
    struct cmd *next;           /* in lun->queue */
    struct vscsiif_request req; /* private copy */
    uint8_t cdb[SCSI_CDB_MAX];  /* zero beyond cmd_len */
    unsigned n_lists, n_segs;
    struct scsiif_request_segment segs[REQUEST_SEGMENTS_MAX];
    uint32_t data_len;
    uint32_t in_len; /* bytes of buf that go to the guest */
    uint8_t *pages;  /* REQUEST_DATA_MAX bytes and a page, page-aligned */
    uint8_t *buf;    /* in there, as far into its page as the guest's is into its own: then each
                                   granted page is one piece for the hypervisor, not two */
    struct sg_command sg;
    struct scsi_answer answer;
    int32_t managed; /* rslt of an ABORT or RESET */
    uint64_t start_us;
    uint64_t deadline_us; /* of a CMD_MANAGING */
};

struct lun {
    bool used, held, removing, gone, resetting;
    bool reset_asked; /* of the control process, which has not answered yet */
    uint16_t channel, target, number;
    uint8_t backing; /* enum worker_lun_backing */
    uint32_t flags;  /* enum worker_lun_flags */
    uint32_t index;  /* lun_slot of worker-proto.h */
    struct scsi_lun_facts facts;
    bool ua_reset, ua_luns_changed; /* unit attentions due: 29h/00h, 3Fh/0Eh */
    char device[64];
    struct sg_device sg;
    struct filedisk file;
    int file_fd;
    struct pr_client *pr;
    struct pr_link {
        struct service *svc;
        struct lun *lun;
    } pr_link;
    struct cmd *queue, **queue_tail;
    unsigned in_flight; /* at the device or the helper, orphans included */
    unsigned orphans;   /* of in_flight, at the device: while there are any, new commands wait */
    struct pvscsi_lun_stats *stats;
};

struct service {
    struct loop *loop;
    struct xen *xen;
    const char *prefix;
    uint16_t domid;
    uint32_t max_segments; /* as advertised; 0: lists not offered */
    struct ring ring;
    void *page;            /* the mapped ring; NULL while detached */
    uint32_t port;         /* local event channel */
    bool port_masked;      /* an event was taken and not yet unmasked */
    bool stopping;         /* take nothing more */
    uint32_t quiet_events; /* events in a row that brought no work */
    uint32_t taken_since_event;
    struct loop_source events;
    struct loop_timer unmask_timer, retry_timer, manage_timer;
    struct sg_pool sg_pool;
    struct pvscsi_journal *journal;
    struct pvscsi_stats *stats;
    struct log_limit bad_limit;
    struct cmd cmd[CMD_SLOTS];
    uint8_t *buffers;
    unsigned n_busy;                       /* commands not FREE */
    uint32_t entries;                      /* bit i: entry i of the journal is some command's */
    unsigned at_device;                    /* commands that sg has, those of gone rings too */
    uint32_t inherited;                    /* the same of dead predecessors, until their devices are known to be idle */
    struct lun *luns[PVSCSI_STATS_LUNS];   /* by index */
    struct lun *sorted[PVSCSI_STATS_LUNS]; /* by address, those not removing */
    unsigned n_sorted;
    xen_copy *copies;   /* scratch for one grant copy */
    uint8_t *copy_slot; /* which command each copy belongs to */
    unsigned n_copies;
    bool work; /* something happened since the last round */
    /* To main.c: something ended that it may wait for; the ring was halted; please reset this LUN's device. */
    void (*progress)(struct service *svc);
    void (*halted)(struct service *svc);
    void (*reset_device)(struct service *svc, struct lun *lun);
    void (*helper_changed)(struct service *svc, struct lun *lun, enum worker_helper_state state);
};

/* --- service.c --- */
/* svc->loop, xen, prefix, domid, max_segments, journal, stats and the callbacks are set by the caller. 0 or -errno. */
int service_init(struct service *svc);
void service_deinit(struct service *svc);
/* sg is about to get one command (1), or has given it back or not taken it (-1). */
void service_at_device(struct service *svc, int change);
/* No LUN is held (any more): what predecessors had submitted has ended. */
void service_forget_inherited(struct service *svc);
/* Maps ring and binds the port. take_over: go on with the journal's ring. 0 or -errno (nothing is held then). */
int service_connect(struct service *svc, uint32_t ring_ref, uint32_t event_channel, bool take_over);
/* Lets go of ring and port at once; what the devices have goes on as orphans. */
void service_disconnect(struct service *svc);
/* Unbinds and unmaps, and leaves ring and journal for a successor. */
void service_leave(struct service *svc);
/* One round; to be called after each round of the loop. */
void service_round(struct service *svc);

/* --- command.c: one command's way to its device and back --- */
/* Checked, decided, with its write data: to the device, the helper, our own answer or the queue. */
void command_submit(struct service *svc, struct cmd *c);
/* The decision, before any data is fetched. False: c is DONE already. */
bool command_decide(struct service *svc, struct cmd *c);
void command_finish_sense(struct service *svc, struct cmd *c, struct scsi_sense s, uint8_t host);
void command_finish(struct service *svc, struct cmd *c);
/* A recovered command is ended in the way its device type needs. */
void command_end_recovered(struct service *svc, struct cmd *c);
/* Submits what is queued at this LUN, as far as it goes. */
void command_pump(struct service *svc, struct lun *lun);
/* From its LUN's PR helper, if it has not been sent there yet: c is at no device then, and nobody's. */
bool command_take_back(struct cmd *c);
void command_sg_done(struct sg_pool *pool, struct sg_command *sg);
void command_pr_done(void *ctx, void *token, const struct scsi_answer *answer, const uint8_t *in_data, uint32_t in_len);

/* --- manage.c: ABORT and RESET --- */
void manage_start(struct service *svc, struct cmd *c);
/* Looks whether waiting ones can be answered. */
void manage_check(struct service *svc);
/* The control process's answer to reset_device(). */
void manage_reset_done(struct service *svc, struct lun *lun, int error);

/* --- lun.c --- */
/* fds are taken over whatever happens. 0 or -errno. */
int lun_add(struct service *svc, const struct worker_msg *msg, int node_fd, int block_fd);
/* No new command reaches it; true when it has gone already (else progress() says when to look again). */
bool lun_remove(struct service *svc, uint32_t index);
/* A removing LUN whose commands have ended is freed; true then. */
bool lun_reap(struct service *svc, uint32_t index);
void lun_release(struct service *svc, uint32_t index);
void lun_hold(struct service *svc, uint32_t index);
void lun_set_shared(struct service *svc, uint32_t index, bool shared);
struct lun *lun_find(const struct service *svc, uint16_t channel, uint16_t target, uint16_t number);
bool lun_target_exists(const struct service *svc, uint16_t channel, uint16_t target);
/* The numbers of a target's LUNs, ascending; returns how many (at most max). */
unsigned lun_numbers(const struct service *svc, uint16_t channel, uint16_t target, uint16_t *out, unsigned max);
void lun_free_all(struct service *svc);

#endif
