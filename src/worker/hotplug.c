// SPDX-License-Identifier: GPL-2.0-or-later
/* LUNs that come and go; see hotplug.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "common/trace.h"
#include "worker/command.h"
#include "worker/hotplug.h"
#include "worker/lun.h"
#include "worker/throttle.h"

/* A device may give the same warning with each command. */
#define WARNING_INTERVAL_US 3600000000u

/*
 * SPC-5 6.32: the target's other LUNs report that the inventory changed. Only disks are told: Linux takes any unit
 * attention of a device with removable medium for a changed medium and fails what is running.
 */
static void inventory_changed(struct service *svc, const struct lun *changed)
{
    for (unsigned i = 0; i < svc->n_sorted; i++) {
        struct lun *lun = svc->sorted[i];

        if (lun != changed && lun->channel == changed->channel && lun->target == changed->target
            && scsi_is_fixed_disk(lun->facts.type) && svc->page)
            lun->ua_luns_changed = true;
    }
}

/*
 * How the persistent reservations of a LUN that is added reach its device; later changed_pr() decides. A device without
 * a block node never uses the helper, which gives each command 1 ms: the kernel raises that time-out for block nodes
 * only.
 */
static enum scsi_pr pr_path(const struct worker_msg *msg, bool has_block)
{
    switch (msg->u.lun.pr_mode) {
    case PR_AUTO:
        return has_block && (msg->u.lun.flags & LUN_PR_SOCKET) ? SCSI_PR_HELPER : SCSI_PR_DIRECT;
    case PR_HELPER:
        return has_block ? SCSI_PR_HELPER : SCSI_PR_DIRECT;
    case PR_DIRECT:
        return SCSI_PR_DIRECT;
    default:
        return SCSI_PR_DENY;
    }
}

static void helper_state(void *ctx, enum worker_helper_state state)
{
    struct pr_link *link = ctx;

    link->svc->helper_changed(link->svc, link->lun, state);
}

static void helper_connect(void *ctx)
{
    struct pr_link *link = ctx;

    link->asked++;
    link->svc->helper_connect(link->svc, link->lun);
}

#define HELPER_PREFIX_MAX 80

static void helper_prefix(const struct service *svc, const struct lun *lun, char prefix[HELPER_PREFIX_MAX])
{
    snprintf(prefix, HELPER_PREFIX_MAX, "%s %u:%u:%u", svc->prefix, lun->channel, lun->target, lun->number);
}

void hotplug_set_prefix(struct service *svc)
{
    char prefix[HELPER_PREFIX_MAX];

    for (unsigned i = 0; i < svc->n_sorted; i++) {
        if (!svc->sorted[i]->pr)
            continue;
        helper_prefix(svc, svc->sorted[i], prefix);
        pr_client_set_prefix(svc->sorted[i]->pr, prefix);
    }
}

static int open_helper(struct service *svc, struct lun *lun, const struct worker_msg *msg, int *fd)
{
    char prefix[HELPER_PREFIX_MAX];
    struct pr_client_config config = {
        .socket_path = msg->u.lun.pr_socket,
        .deadline_ms = msg->u.lun.pr_deadline_ms,
        .prefix = prefix,
        .device_fd = *fd,
        .connect = helper_connect,
        .done = command_pr_done,
        .state_changed = helper_state,
        .ctx = &lun->pr_link,
    };
    int r;

    helper_prefix(svc, lun, prefix);
    lun->pr_link.svc = svc;
    lun->pr_link.lun = lun;
    r = pr_client_new(svc->loop, &config, &lun->pr);
    if (r == 0)
        *fd = -1;
    return r;
}

/*
 * Linux guests read the Block Limits page before they ask for the capacity, and split every transfer by its limits.
 * So limits in blocks must be right from the first command on.
 */
static uint32_t block_size(int block_node)
{
    int size = 0;

    return block_node >= 0 && ioctl(block_node, BLKSSZGET, &size) == 0 && size > 0 ? (uint32_t)size : 0;
}

static void lun_free(struct lun *lun)
{
    if (!lun)
        return;
    lun_leave_host(lun->host);
    pr_client_free(lun->pr);
    sg_device_deinit(&lun->sg);
    if (lun->file_fd >= 0)
        close(lun->file_fd);
    if (lun->stats)
        lun->stats->used = 0;
    free(lun);
}

static void cleanup_lunp(struct lun **lun)
{
    lun_free(*lun);
}

/* Opens, or opens again, what the message brings. It takes over *node and *block as far as it needs them. */
static int open_backing(struct service *svc, struct lun *lun, const struct worker_msg *msg, int *node, int *block)
{
    int r;

    if (msg->u.lun.backing == LUN_BACKING_FILE) {
        if (lun->file_fd >= 0)
            close(lun->file_fd);
        lun->file_fd = steal_fd(node);
        return filedisk_init(&lun->file, lun->file_fd, (msg->u.lun.flags & LUN_READONLY) != 0, lun->device);
    }
    /*
     * The helper gets the block node, as a descriptor of its own. A client that is not used now, because of pr=direct
     * or pr=deny, may be used again, and must not keep the block node of the device before.
     */
    if ((lun->pr || lun->facts.pr == SCSI_PR_HELPER) && *block < 0)
        return -EAGAIN;
    if (lun->pr && *block >= 0) {
        pr_client_set_device(lun->pr, steal_fd(block));
    } else if (lun->facts.pr == SCSI_PR_HELPER) {
        r = open_helper(svc, lun, msg, block);
        if (r < 0)
            return r;
    }
    return lun->sg.pool ? sg_device_replace(&lun->sg, steal_fd(node))
                        : sg_device_init(&lun->sg, &svc->sg_pool, steal_fd(node));
}

/* What is in flight counts at the host that the LUN belongs to now. */
static void move_to_host(struct service *svc, struct lun *lun, const struct worker_places *may)
{
    if (lun->host)
        lun->host->at_device -= lun->sg.in_flight;
    lun_leave_host(lun->host);
    lun->host = lun_join_host(svc, may);
    if (lun->host)
        lun->host->at_device += lun->sg.in_flight;
}

static struct scsi_rules rules_of(const struct worker_msg *msg)
{
    struct scsi_rules rules = { 0 };

    for (uint32_t i = 0; i < msg->u.lun.n_rules && i < SCSI_RULES_MAX; i++)
        rules.rule[rules.n++] = (struct scsi_rule){ .opcode = msg->u.lun.rule[i].opcode,
                                                    .some_action = msg->u.lun.rule[i].some_action,
                                                    .action = msg->u.lun.rule[i].action,
                                                    .deny = msg->u.lun.rule[i].deny };
    return rules;
}

static void set_facts(struct service *svc, struct lun *lun, const struct worker_msg *msg, enum scsi_pr pr,
                      uint32_t block_bytes)
{
    lun->backing = msg->u.lun.backing;
    lun->flags = msg->u.lun.flags;
    lun->held = (lun->flags & LUN_HELD) != 0;
    lun->queue_depth = msg->u.lun.queue_depth;
    throttle_set(lun, &msg->u.lun.limits);
    lun->facts = (struct scsi_lun_facts){
        .type = msg->u.lun.type & 0x1f,
        .feature_host = (lun->flags & LUN_FEATURE_HOST) != 0,
        .readonly = (lun->flags & LUN_READONLY) != 0,
        .shared = (lun->flags & LUN_SHARED) != 0,
        .pr_forced = (lun->flags & LUN_PR_FORCED) != 0,
        .pr_move = (lun->flags & LUN_PR_MOVE) != 0,
        .pr = pr,
        .max_transfer = msg->u.lun.max_transfer,
        .max_told = scsi_surely_mapped(svc->max_segments ? svc->max_segments : VSCSIIF_SG_TABLESIZE),
        .block_size = block_bytes,
        .rules = rules_of(msg),
    };
}

static void set_device_name(struct lun *lun, const struct worker_msg *msg)
{
    snprintf(lun->device, sizeof(lun->device), "%.*s", (int)sizeof(msg->u.lun.device) - 1, msg->u.lun.device);
}

/* New descriptors for a LUN that is there. */
static int take_again(struct service *svc, struct lun *lun, const struct worker_msg *msg, int *node, int *block)
{
    uint32_t block_bytes = block_size(*block);
    bool first; /* it had no device yet: its way of reservations is not chosen */
    int r;

    if (!lun || lun->removing || lun->channel != msg->u.lun.channel || lun->target != msg->u.lun.target
        || lun->number != msg->u.lun.lun)
        return -ENOENT;
    first = !lun->sg.pool;
    if (first)
        lun->facts.pr = pr_path(msg, *block >= 0);
    set_device_name(lun, msg);
    r = open_backing(svc, lun, msg, node, block);
    if (r < 0)
        return r;
    move_to_host(svc, lun, &msg->u.lun.places);
    /* That was of another host. When it had no limit still counts, for commands of before. */
    lun->host_eh = (struct host_eh_said){ .no_limit_us = lun->host_eh.no_limit_us };
    set_facts(svc, lun, msg, lun->facts.pr, block_bytes);
    if (first && lun->facts.pr == SCSI_PR_DIRECT)
        svc->helper_changed(svc, lun, HELPER_UNUSED);
    /* A device that was away is as after a hard reset. One that was offline was not away. */
    if (lun->away)
        lun->ua_reset = true;
    lun->away = lun->lost_said = false;
    svc->work = true;
    loop_timer_arm(svc->loop, &svc->retry_timer, 0);
    return 0;
}

int hotplug_add(struct service *svc, const struct worker_msg *msg, int node_fd, int block_fd)
{
    __attribute__((cleanup(cleanup_lunp))) struct lun *lun = NULL;
    CLEANUP_CLOSE int node = node_fd;
    CLEANUP_CLOSE int block = block_fd;
    uint64_t vdev = (uint64_t)msg->u.lun.channel << 32 | (uint64_t)msg->u.lun.target << 16 | msg->u.lun.lun;
    bool away = (msg->u.lun.flags & LUN_AWAY) != 0;
    int r;

    if (msg->lun_index >= PVSCSI_STATS_LUNS || (node < 0) != away)
        return -EINVAL;
    if (msg->u.lun.flags & LUN_RETURNED)
        return away ? -EINVAL : take_again(svc, svc->luns[msg->lun_index], msg, &node, &block);
    if (svc->luns[msg->lun_index] || lun_find(svc, msg->u.lun.channel, msg->u.lun.target, msg->u.lun.lun))
        return -EEXIST;
    lun = calloc(1, sizeof(*lun));
    if (!lun)
        return -ENOMEM;
    lun->file_fd = -1;
    lun->failure_limit = lun->news_limit = (struct log_limit)LOG_LIMIT_INIT;
    lun->warning_limit = (struct log_limit){ .burst = 1, .tokens = 1, .interval_us = WARNING_INTERVAL_US };
    lun->index = msg->lun_index;
    lun->channel = msg->u.lun.channel;
    lun->target = msg->u.lun.target;
    lun->number = msg->u.lun.lun;
    lun->queue_tail = &lun->queue;
    lun->away = lun->lost_said = away;
    set_device_name(lun, msg);
    move_to_host(svc, lun, &msg->u.lun.places);
    set_facts(svc, lun, msg, pr_path(msg, block >= 0), block_size(block));
    lun->ua_reset = (lun->flags & LUN_ATTACHED) != 0;
    r = away ? 0 : open_backing(svc, lun, msg, &node, &block);
    if (r < 0)
        return r;
    lun->stats = &svc->stats->lun[lun->index];
    /* A worker that was killed leaves its LUNs' counters marked as used; this one may be another LUN. */
    if ((!lun->held && !lun->stats->used) || lun->stats->vdev != vdev)
        memset(&lun->stats->commands, 0, sizeof(*lun->stats) - offsetof(struct pvscsi_lun_stats, commands));
    if (!lun->stats->used || lun->stats->vdev != vdev)
        lun->stats->left = 0;
    lun->stats->vdev = vdev;
    lun->stats->commands = lun->stats->answered;
    lun->stats->used = 1;
    lun_insert(svc, lun);
    if (lun->flags & LUN_ATTACHED)
        inventory_changed(svc, lun);
    if (!away && lun->facts.pr == SCSI_PR_DIRECT)
        svc->helper_changed(svc, lun, HELPER_UNUSED);
    trace_lun_added(svc->domid, svc->vhost, lun->channel, lun->target, lun->number, lun->device);
    svc->luns[msg->lun_index] = steal_ptr(lun);
    return 0;
}

/*
 * No later event would end the commands in the queue. Those of a dead predecessor wait for WM_LUN_RELEASE, which comes
 * for a LUN that is being removed too: until then a device may have them, and their ABORTs must not succeed.
 */
static void end_queue(struct service *svc, struct lun *lun)
{
    for (struct cmd *c = lun->queue, *next; c; c = next) {
        next = c->next;
        if (c->recovered && lun->held)
            continue;
        lun_unqueue(c);
        command_finish_sense(svc, c, (struct scsi_sense){ 0x05, 0x25, 0x00 }, SCSI_HOST_NO_CONNECT);
    }
}

bool hotplug_remove(struct service *svc, uint32_t index)
{
    struct lun *lun = index < PVSCSI_STATS_LUNS ? svc->luns[index] : NULL;

    if (!lun)
        return true;
    if (!lun->removing) {
        lun->removing = true;
        lun_withdraw(svc, lun);
        inventory_changed(svc, lun);
        end_queue(svc, lun);
        /* Commands that were not sent to the PR helper do not keep the LUN either. */
        for (unsigned i = 0; i < CMD_COUNT; i++) {
            struct cmd *c = &svc->cmd[i];

            if (c->lun == lun && !c->stray && command_take_back(c))
                command_finish_sense(svc, c, (struct scsi_sense){ 0x05, 0x25, 0x00 }, SCSI_HOST_NO_CONNECT);
        }
    }
    return hotplug_reap(svc, index);
}

bool hotplug_reap(struct service *svc, uint32_t index)
{
    struct lun *lun = index < PVSCSI_STATS_LUNS ? svc->luns[index] : NULL;

    if (!lun)
        return true;
    if (!lun->removing || lun->in_flight > 0)
        return false;
    for (unsigned i = 0; i < CMD_COUNT; i++)
        if (svc->cmd[i].state != CMD_FREE && svc->cmd[i].lun == lun)
            return false;
    svc->luns[index] = NULL;
    trace_lun_removed(svc->domid, svc->vhost, lun->channel, lun->target, lun->number);
    lun_free(lun);
    return true;
}

void hotplug_helper_connected(struct service *svc, uint32_t index, int fd)
{
    struct lun *lun = index < PVSCSI_STATS_LUNS ? svc->luns[index] : NULL;

    if (lun && lun->pr)
        pr_client_connected(lun->pr, fd);
    else if (fd >= 0)
        close(fd);
}

void hotplug_check_held(struct service *svc)
{
    for (unsigned i = 0; i < PVSCSI_STATS_LUNS; i++)
        if (svc->luns[i] && svc->luns[i]->held)
            return; /* one that is being removed counts too */
    at_device_forget_predecessors(&svc->at_device);
}

void hotplug_release(struct service *svc, uint32_t index)
{
    struct lun *lun = index < PVSCSI_STATS_LUNS ? svc->luns[index] : NULL;

    if (!lun)
        return;
    lun->held = false;
    hotplug_check_held(svc);
    svc->work = true;
    command_pump(svc, lun);
}

void hotplug_hold(struct service *svc, uint32_t index)
{
    if (index < PVSCSI_STATS_LUNS && svc->luns[index])
        svc->luns[index]->held = true;
}

/*
 * The way to the PR helper was laid, or not, when the LUN got its device: its client stays, so that the guest's
 * reservations can go through it again.
 */
static enum scsi_pr changed_pr(const struct lun *lun, uint32_t mode)
{
    if (mode == PR_DENY)
        return SCSI_PR_DENY;
    return mode != PR_DIRECT && lun->pr ? SCSI_PR_HELPER : SCSI_PR_DIRECT;
}

void hotplug_change(struct service *svc, const struct worker_msg *msg)
{
    const uint32_t mask = LUN_FEATURE_HOST | LUN_READONLY | LUN_PR_FORCED | LUN_PR_MOVE;
    struct lun *lun = msg->lun_index < PVSCSI_STATS_LUNS ? svc->luns[msg->lun_index] : NULL;
    uint32_t before;

    if (!lun)
        return;
    before = lun->flags;
    lun->flags = (before & ~mask) | (msg->u.lun.flags & mask);
    lun->facts.feature_host = (lun->flags & LUN_FEATURE_HOST) != 0;
    lun->facts.readonly = (lun->flags & LUN_READONLY) != 0;
    lun->facts.pr_forced = (lun->flags & LUN_PR_FORCED) != 0;
    lun->facts.pr_move = (lun->flags & LUN_PR_MOVE) != 0;
    lun->facts.pr = changed_pr(lun, msg->u.lun.pr_mode);
    lun->facts.rules = rules_of(msg);
    lun->file.disk.readonly = lun->facts.readonly;
    /* SPC-5 5.17: the WP bit of the mode parameters is another one now. As inventory_changed(), for disks only. */
    if ((before ^ lun->flags) & LUN_READONLY && scsi_is_fixed_disk(lun->facts.type) && svc->page)
        lun->ua_mode_changed = true;
    /* What is refused from now on is new to the log. */
    memset(svc->refused_said, 0, sizeof(svc->refused_said));
}

void hotplug_set_shared(struct service *svc, uint32_t index, bool shared)
{
    if (index < PVSCSI_STATS_LUNS && svc->luns[index])
        svc->luns[index]->facts.shared = shared;
}

void hotplug_set_limits(struct service *svc, uint32_t index, const struct lun_limits *limits)
{
    struct lun *lun = index < PVSCSI_STATS_LUNS ? svc->luns[index] : NULL;

    if (!lun)
        return;
    throttle_set(lun, limits);
    lun->limit_waits = false;
    svc->work = true;
    command_pump(svc, lun);
}

void hotplug_was_reset(struct service *svc, uint32_t index)
{
    if (index < PVSCSI_STATS_LUNS && svc->luns[index])
        svc->luns[index]->ua_reset = true;
}

void hotplug_set_places(struct service *svc, const struct worker_places *may)
{
    lun_set_places(svc, may);
    /* There may be more than before. */
    for (unsigned i = 0; i < svc->n_sorted; i++)
        if (svc->sorted[i]->host && svc->sorted[i]->host->may.host == may->host)
            command_pump(svc, svc->sorted[i]);
}

void hotplug_set_clean(struct service *svc)
{
    for (unsigned i = 0; i < svc->n_sorted; i++)
        svc->sorted[i]->stats->left = 0;
}

void hotplug_free_all(struct service *svc)
{
    for (unsigned i = 0; i < PVSCSI_STATS_LUNS; i++) {
        struct lun *lun = svc->luns[i];

        if (!lun)
            continue;
        lun->stats = NULL; /* a successor continues the counters */
        trace_lun_removed(svc->domid, svc->vhost, lun->channel, lun->target, lun->number);
        lun_free(lun);
        svc->luns[i] = NULL;
    }
    svc->n_sorted = 0;
}
