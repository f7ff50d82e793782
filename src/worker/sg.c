// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands to /dev/sgN; see sg.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/util.h"
#include "worker/confine.h"
#include "worker/sg.h"

/* SG_FLAG_Q_AT_TAIL of the kernel's scsi/sg.h; libc's lacks it. Without it commands overtake each other. */
#define SG_FLAG_AT_TAIL 0x10
#define RESERVE_MIN 32768u /* what sg gives by default (SG_DEF_RESERVED_SIZE) */
#define EAGER_MAX 8
#define EAGER_PROBE (-32) /* after this many commands that were not done, one more try */
/* After so many commands in a row that were done at once, a channel leaves the loop. Each wake-up of the loop costs. */
#define DISARM_AFTER 64
#define ARM_AGAIN_US 1000 /* after the kernel had no memory for it */

struct sg_channel {
    struct loop_source src; /* in the loop while a command may end unseen: see channel_arm() */
    struct sg_device *dev;
    struct sg_channel *next;
    struct sg_channel *next_idle, **prev_idle; /* prev_idle is NULL: not among dev->idle */
    unsigned in_flight;
    bool old;         /* of a node that was replaced: takes nothing new, closed when it is idle */
    uint32_t reserve; /* bytes; as sg reported it */
};

/* The sg node, as it was handed to us. No command goes to it, so it reports nothing but that its device was deleted. */
struct sg_node {
    struct loop_source src;
    struct sg_device *dev;
};

static void idle_add(struct sg_channel *ch)
{
    struct sg_device *dev = ch->dev;

    if (ch->prev_idle || ch->old)
        return;
    ch->next_idle = dev->idle;
    ch->prev_idle = &dev->idle;
    if (ch->next_idle)
        ch->next_idle->prev_idle = &ch->next_idle;
    dev->idle = ch;
}

static void idle_remove(struct sg_channel *ch)
{
    if (!ch->prev_idle)
        return;
    *ch->prev_idle = ch->next_idle;
    if (ch->next_idle)
        ch->next_idle->prev_idle = ch->prev_idle;
    ch->next_idle = NULL;
    ch->prev_idle = NULL;
}

/* Takes nothing new. It is closed when what it has has ended. */
static void channel_retire(struct sg_channel *ch)
{
    ch->old = true;
    idle_remove(ch);
}

/* From now on the loop sees when a command of this channel ends. One that has ended already is seen too. */
static void channel_arm(struct sg_channel *ch)
{
    struct sg_pool *pool = ch->dev->pool;

    if (!ch->src.loop && loop_add(pool->loop, &ch->src) < 0)
        loop_timer_arm(pool->loop, &pool->arm_timer, ARM_AGAIN_US);
}

static void arm_expired(struct loop_timer *timer)
{
    struct sg_pool *pool = container_of(timer, struct sg_pool, arm_timer);

    for (struct sg_channel *ch = pool->channels; ch; ch = ch->next)
        if (ch->in_flight > 0)
            channel_arm(ch);
}

void sg_pool_init(struct sg_pool *pool, struct loop *loop, void (*done)(struct sg_pool *pool, struct sg_command *cmd),
                  void (*lost)(struct sg_device *dev))
{
    *pool = (struct sg_pool){ .loop = loop, .done = done, .lost = lost, .arm_timer.expired = arm_expired };
}

void sg_pool_deinit(struct sg_pool *pool)
{
    loop_timer_cancel(&pool->arm_timer);
}

/* Collects one finished command of this channel. False: there is none yet. */
static bool reap_one(struct sg_channel *ch)
{
    /* interface_id, a negative direction and pack_id -1 ask sg_read() for the oldest command, as v3. */
    struct sg_io_hdr hdr = { .interface_id = 'S', .dxfer_direction = SG_DXFER_NONE, .pack_id = -1 };
    struct sg_pool *pool = ch->dev->pool;
    struct sg_command *cmd;
    ssize_t n;

    do
        n = read(ch->src.fd, &hdr, sizeof(hdr));
    while (n < 0 && errno == EINTR);
    /* sg_new_read() writes the header, then the data. Even if that fails, it has forgotten the command. */
    cmd = hdr.usr_ptr;
    if (!cmd || cmd->channel != ch)
        return false;
    cmd->outcome = (struct scsi_outcome){
        /* The device has had the command, so it must not be sent again: no errno that asks for another try. */
        .os_error = n < 0 ? EIO : 0,
        .status = hdr.status,
        .host = hdr.host_status,
        .resid = hdr.resid,
        .sense_len = hdr.sb_len_wr <= SCSI_SENSE_MAX ? hdr.sb_len_wr : SCSI_SENSE_MAX,
        .sense = cmd->sense,
    };
    cmd->channel = NULL;
    ch->in_flight--;
    ch->dev->in_flight--;
    if (ch->in_flight == 0)
        idle_add(ch);
    pool->done(pool, cmd);
    return true;
}

static void channel_close(struct sg_channel *ch)
{
    struct sg_pool *pool = ch->dev->pool;
    struct sg_channel **at = &pool->channels;

    while (*at != ch)
        at = &(*at)->next;
    *at = ch->next;
    pool->n_channels--;
    pool->reserved -= ch->reserve;
    idle_remove(ch);
    loop_remove(&ch->src);
    close(ch->src.fd);
    free(ch);
}

static void channel_close_if_over(struct sg_channel *ch)
{
    if (ch->old && ch->in_flight == 0)
        channel_close(ch);
}

static void node_close(struct sg_node *node)
{
    if (!node)
        return;
    loop_remove(&node->src);
    close(node->src.fd);
    free(node);
}

void sg_device_abandon(struct sg_device *dev)
{
    for (struct sg_channel *ch = dev->pool->channels, *next; ch; ch = next) {
        next = ch->next;
        if (ch->dev != dev)
            continue;
        channel_retire(ch);
        channel_close_if_over(ch);
    }
    node_close(steal_ptr(dev->node));
}

static void abandon_if_gone(struct sg_device *dev, uint32_t revents)
{
    if (!(revents & EPOLLHUP))
        return;
    /* sg_remove_device(). What is in flight ends later, with an event of its own. */
    sg_device_abandon(dev);
    dev->pool->lost(dev);
}

static void channel_ready(struct loop_source *src, uint32_t revents)
{
    struct sg_channel *ch = container_of(src, struct sg_channel, src);
    struct sg_device *dev = ch->dev;

    /* Edge-triggered: a command that was collected before still raises an event, so read only if some are in flight. */
    while (ch->in_flight > 0 && reap_one(ch))
        ;
    if (ch->old)
        channel_close_if_over(ch);
    else
        abandon_if_gone(dev, revents);
}

static void channel_read_reserve(struct sg_channel *ch)
{
    struct sg_pool *pool = ch->dev->pool;
    int size = 0;

    pool->reserved -= ch->reserve;
    if (ioctl(ch->src.fd, SG_GET_RESERVED_SIZE, &size) < 0 || size < 0)
        size = 0;
    ch->reserve = (uint32_t)size;
    pool->reserved += ch->reserve;
}

static int node_path(const struct sg_device *dev, char *path, size_t size)
{
    char name[CONFINE_NODE_MAX];
    struct stat st;

    if (!dev->pool->own_nodes) {
        snprintf(path, size, "/proc/self/fd/%d", dev->node->src.fd);
        return 0;
    }
    if (fstat(dev->node->src.fd, &st) < 0)
        return -errno;
    confine_node_name(st.st_rdev, name);
    snprintf(path, size, "/%s", name);
    return 0;
}

static int channel_open(struct sg_device *dev, struct sg_channel **out)
{
    struct sg_pool *pool = dev->pool;
    struct sg_channel *ch = calloc(1, sizeof(*ch));
    char path[CONFINE_NODE_MAX + 1];
    int r;

    if (!dev->node || !ch) {
        free(ch);
        return dev->node ? -ENOMEM : -ENODEV;
    }
    ch->dev = dev;
    /* The worker opens its own: sg compares the opener's credentials on every read and write. */
    r = node_path(dev, path, sizeof(path));
    if (r < 0) {
        free(ch);
        return r;
    }
    ch->src = (struct loop_source){ .fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC),
                                    .events = EPOLLIN | EPOLLET,
                                    .ready = channel_ready };
    if (ch->src.fd < 0) {
        r = -errno;
        free(ch);
        return r;
    }
    ch->next = pool->channels;
    pool->channels = ch;
    pool->n_channels++;
    channel_read_reserve(ch);
    idle_add(ch);
    *out = ch;
    return 0;
}

static void node_ready(struct loop_source *src, uint32_t revents)
{
    abandon_if_gone(container_of(src, struct sg_node, src)->dev, revents);
}

/* Takes fd over. */
static int node_open(struct sg_device *dev, int fd, struct sg_node **out)
{
    struct sg_node *node = calloc(1, sizeof(*node));
    int r;

    if (!node) {
        close(fd);
        return -ENOMEM;
    }
    node->dev = dev;
    node->src = (struct loop_source){ .fd = fd, .events = EPOLLET, .ready = node_ready };
    r = loop_add(dev->pool->loop, &node->src);
    if (r < 0) {
        node_close(node);
        return r;
    }
    *out = node;
    return 0;
}

int sg_device_init(struct sg_device *dev, struct sg_pool *pool, int node_fd)
{
    struct sg_channel *first;
    int r;

    *dev = (struct sg_device){ .pool = pool };
    r = node_open(dev, node_fd, &dev->node);
    if (r == 0)
        r = channel_open(dev, &first);
    if (r < 0)
        node_close(steal_ptr(dev->node));
    return r;
}

int sg_device_replace(struct sg_device *dev, int node_fd)
{
    struct sg_node *old = dev->node;
    struct sg_channel *fresh;
    int r;

    r = node_open(dev, node_fd, &dev->node);
    if (r < 0)
        return r;
    r = channel_open(dev, &fresh);
    if (r < 0) {
        node_close(dev->node);
        dev->node = old;
        return r;
    }
    for (struct sg_channel *ch = dev->pool->channels, *next; ch; ch = next) {
        next = ch->next;
        if (ch->dev != dev || ch == fresh)
            continue;
        channel_retire(ch);
        channel_close_if_over(ch);
    }
    node_close(old);
    return 0;
}

void sg_device_deinit(struct sg_device *dev)
{
    struct sg_pool *pool = dev->pool;

    if (!pool)
        return;
    for (struct sg_channel *ch = pool->channels, *next; ch; ch = next) {
        next = ch->next;
        if (ch->dev == dev)
            channel_close(ch);
    }
    node_close(steal_ptr(dev->node));
    dev->pool = NULL;
}

/* Makes room for one more channel. It may close an idle one of another LUN that has several. */
static bool make_room(struct sg_device *dev)
{
    struct sg_pool *pool = dev->pool;

    if (pool->n_channels < SG_CHANNELS_MAX && pool->reserved + RESERVE_MIN <= SG_RESERVE_MAX)
        return true;
    for (struct sg_channel *ch = pool->channels; ch; ch = ch->next) {
        if (ch->dev == dev || ch->in_flight > 0)
            continue;
        for (struct sg_channel *other = pool->channels; other; other = other->next) {
            if (other != ch && other->dev == ch->dev && !other->old) {
                channel_close(ch);
                return pool->n_channels < SG_CHANNELS_MAX && pool->reserved + RESERVE_MIN <= SG_RESERVE_MAX;
            }
        }
    }
    return false;
}

static struct sg_channel *least_busy(struct sg_device *dev)
{
    struct sg_channel *busy = NULL;

    for (struct sg_channel *ch = dev->pool->channels; ch; ch = ch->next)
        if (ch->dev == dev && !ch->old && ch->in_flight < SG_COMMANDS_PER_FD
            && (!busy || ch->in_flight < busy->in_flight))
            busy = ch;
    return busy;
}

/*
 * Chooses the idle channel with the smallest reserve that is enough, else with the largest one, else the least
 * busy channel. Reserves double as they grow, so one of less than twice the length is taken without a look at the rest.
 */
static struct sg_channel *choose(struct sg_device *dev, uint32_t len)
{
    uint32_t tight = 2 * (len > RESERVE_MIN ? len : RESERVE_MIN);
    struct sg_channel *fit = NULL, *largest = NULL;

    for (struct sg_channel *ch = dev->idle; ch && (!fit || fit->reserve >= tight); ch = ch->next_idle) {
        if (ch->reserve >= len && (!fit || ch->reserve < fit->reserve))
            fit = ch;
        else if (ch->reserve < len && (!largest || ch->reserve > largest->reserve))
            largest = ch;
    }
    if (fit)
        return fit;
    if (largest)
        return largest;
    if (make_room(dev)) {
        struct sg_channel *fresh;

        if (channel_open(dev, &fresh) == 0)
            return fresh;
    }
    return least_busy(dev);
}

static void grow_reserve(struct sg_channel *ch, uint32_t len)
{
    uint32_t want = RESERVE_MIN;
    int size;

    while (want < len)
        want *= 2;
    if (ch->dev->pool->reserved - ch->reserve + want > SG_RESERVE_MAX)
        return;
    size = (int)want;
    /* A failure does no harm: sg then allocates for each command. */
    if (ioctl(ch->src.fd, SG_SET_RESERVED_SIZE, &size) < 0)
        return;
    channel_read_reserve(ch);
    if (ch->reserve < len) {
        /*
         * sg may give less, because of the queue's limit. What was asked for is stored, so that the next command
         * does not ask again.
         */
        ch->dev->pool->reserved += len - ch->reserve;
        ch->reserve = len;
    }
}

int sg_submit(struct sg_device *dev, struct sg_command *cmd)
{
    static const int directions[] = { [SCSI_DIR_BOTH] = SG_DXFER_NONE,
                                      [SCSI_DIR_OUT] = SG_DXFER_TO_DEV,
                                      [SCSI_DIR_IN] = SG_DXFER_FROM_DEV,
                                      [SCSI_DIR_NONE] = SG_DXFER_NONE };
    struct sg_pool *pool = dev->pool;
    struct sg_channel *ch = choose(dev, cmd->len);
    struct sg_io_hdr hdr = {
        .interface_id = 'S',
        /* Data-in does not use TO_FROM_DEV, which would copy our zeros first: Linux 6.1 ends it with ENOMEM. */
        .dxfer_direction = cmd->len > 0 ? directions[cmd->dir] : SG_DXFER_NONE,
        .cmd_len = cmd->cdb_len,
        .cmdp = (unsigned char *)(uintptr_t)cmd->cdb,
        .dxfer_len = cmd->len,
        .dxferp = cmd->len > 0 ? cmd->data : NULL,
        .sbp = cmd->sense,
        .mx_sb_len = SCSI_SENSE_MAX,
        .timeout = cmd->timeout_ms,
        .flags = SG_FLAG_AT_TAIL,
        .usr_ptr = cmd,
    };
    ssize_t n;

    if (!ch)
        return dev->node ? -EAGAIN : -ENODEV;
    if (ch->in_flight == 0 && ch->reserve < cmd->len)
        grow_reserve(ch, cmd->len);
    do
        n = write(ch->src.fd, &hdr, sizeof(hdr));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    cmd->channel = ch;
    idle_remove(ch);
    ch->in_flight++;
    dev->in_flight++;
    if (pool->n_fresh < ARRAY_SIZE(pool->fresh))
        pool->fresh[pool->n_fresh++] = cmd;
    else
        channel_arm(ch);
    return 0;
}

bool sg_try_later(int r)
{
    return r == -EAGAIN || r == -ENOMEM || r == -EBUSY || r == -EMFILE || r == -ENFILE || r == -EDOM;
}

void sg_pool_reap_fresh(struct sg_pool *pool)
{
    unsigned n = pool->n_fresh;

    pool->n_fresh = 0;
    for (unsigned i = 0; i < n; i++) {
        struct sg_command *cmd = pool->fresh[i];
        struct sg_channel *ch = cmd ? cmd->channel : NULL;

        if (!ch)
            continue;
        if (ch->dev->eager <= 0 && ch->dev->eager-- > EAGER_PROBE) {
            channel_arm(ch);
            continue;
        }
        if (reap_one(ch)) {
            ch->dev->eager = EAGER_MAX;
            if (ch->dev->at_once < DISARM_AFTER)
                ch->dev->at_once++;
            if (ch->in_flight > 0)
                channel_arm(ch); /* it may have been another command of this channel that ended */
            else if (ch->dev->at_once == DISARM_AFTER)
                loop_remove(&ch->src);
        } else {
            ch->dev->eager = ch->dev->eager > 0 ? ch->dev->eager - 1 : 0;
            ch->dev->at_once = 0;
            channel_arm(ch);
        }
        channel_close_if_over(ch);
    }
}
