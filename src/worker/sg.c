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

struct sg_channel {
    struct loop_source src;
    struct sg_device *dev;
    struct sg_channel *next;
    unsigned in_flight;
    bool old;         /* of a node that was replaced: takes nothing new, closed when it is idle */
    uint32_t reserve; /* bytes; as sg reported it */
};

void sg_pool_init(struct sg_pool *pool, struct loop *loop, void (*done)(struct sg_pool *pool, struct sg_command *cmd),
                  void (*lost)(struct sg_device *dev))
{
    *pool = (struct sg_pool){ .loop = loop, .done = done, .lost = lost };
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
    loop_remove(&ch->src);
    close(ch->src.fd);
    free(ch);
}

static void channel_close_if_over(struct sg_channel *ch)
{
    if (ch->old && ch->in_flight == 0)
        channel_close(ch);
}

void sg_device_abandon(struct sg_device *dev)
{
    for (struct sg_channel *ch = dev->pool->channels, *next; ch; ch = next) {
        next = ch->next;
        if (ch->dev != dev)
            continue;
        ch->old = true;
        channel_close_if_over(ch);
    }
    if (dev->node_fd >= 0)
        close(steal_fd(&dev->node_fd));
}

static void channel_ready(struct loop_source *src, uint32_t revents)
{
    struct sg_channel *ch = container_of(src, struct sg_channel, src);
    struct sg_device *dev = ch->dev;

    /* Edge-triggered: a command that was collected before still raises an event, so read only if some are in flight. */
    while (ch->in_flight > 0 && reap_one(ch))
        ;
    /* sg_remove_device(). What is in flight ends later, with an event of its own. */
    if (!ch->old && (revents & EPOLLHUP)) {
        sg_device_abandon(dev);
        dev->pool->lost(dev);
    } else {
        channel_close_if_over(ch);
    }
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
        snprintf(path, size, "/proc/self/fd/%d", dev->node_fd);
        return 0;
    }
    if (fstat(dev->node_fd, &st) < 0)
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

    if (!ch)
        return -ENOMEM;
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
    r = loop_add(pool->loop, &ch->src);
    if (r < 0) {
        close(ch->src.fd);
        free(ch);
        return r;
    }
    ch->next = pool->channels;
    pool->channels = ch;
    pool->n_channels++;
    channel_read_reserve(ch);
    *out = ch;
    return 0;
}

int sg_device_init(struct sg_device *dev, struct sg_pool *pool, int node_fd)
{
    struct sg_channel *first;
    int r;

    *dev = (struct sg_device){ .pool = pool, .node_fd = node_fd };
    r = channel_open(dev, &first);
    if (r < 0)
        close(steal_fd(&dev->node_fd));
    return r;
}

int sg_device_replace(struct sg_device *dev, int node_fd)
{
    struct sg_channel *fresh;
    int old = dev->node_fd, r;

    dev->node_fd = node_fd;
    r = channel_open(dev, &fresh);
    if (r < 0) {
        dev->node_fd = old;
        close(node_fd);
        return r;
    }
    for (struct sg_channel *ch = dev->pool->channels, *next; ch; ch = next) {
        next = ch->next;
        if (ch->dev != dev || ch == fresh)
            continue;
        ch->old = true;
        channel_close_if_over(ch);
    }
    if (old >= 0)
        close(old);
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
    if (dev->node_fd >= 0)
        close(steal_fd(&dev->node_fd));
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

/*
 * Chooses the idle channel with the smallest reserve that is enough, else with the largest one, else the least
 * busy channel.
 */
static struct sg_channel *choose(struct sg_device *dev, uint32_t len)
{
    struct sg_channel *fit = NULL, *largest = NULL, *busy = NULL;

    for (struct sg_channel *ch = dev->pool->channels; ch; ch = ch->next) {
        if (ch->dev != dev || ch->old)
            continue;
        if (ch->in_flight > 0) {
            if (ch->in_flight < SG_COMMANDS_PER_FD && (!busy || ch->in_flight < busy->in_flight))
                busy = ch;
        } else if (ch->reserve >= len) {
            if (!fit || ch->reserve < fit->reserve)
                fit = ch;
        } else if (!largest || ch->reserve > largest->reserve) {
            largest = ch;
        }
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
    return busy;
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
        return -EAGAIN;
    if (ch->in_flight == 0 && ch->reserve < cmd->len)
        grow_reserve(ch, cmd->len);
    do
        n = write(ch->src.fd, &hdr, sizeof(hdr));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    cmd->channel = ch;
    ch->in_flight++;
    dev->in_flight++;
    if (pool->n_fresh < ARRAY_SIZE(pool->fresh))
        pool->fresh[pool->n_fresh++] = cmd;
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
        if (ch->dev->eager <= 0 && ch->dev->eager-- > EAGER_PROBE)
            continue;
        if (reap_one(ch)) {
            ch->dev->eager = EAGER_MAX;
        } else {
            ch->dev->eager = ch->dev->eager > 0 ? ch->dev->eager - 1 : 0;
        }
        channel_close_if_over(ch);
    }
}
