/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands to /dev/sgN, asynchronously (sg v3: write() submits a struct
 * sg_io_hdr, read() collects it; Linux drivers/scsi/sg.c).
 *
 * An sg fd has one reserved buffer that one command at a time can use, and takes at
 * most 16 commands. A command that finds no reserved buffer makes sg allocate and
 * zero its pages, so each concurrent command of a LUN gets an fd of its own (a
 * channel). It is opened when it is first needed, and its reserve grows to the size of the commands. Fds and
 * reserved memory are limited for all LUNs of a worker together; at the limit, channels are shared.
 */
#ifndef PVSCSI_SG_H
#define PVSCSI_SG_H

#include "common/loop.h"
#include "scsi/scsi.h"

#define SG_CHANNELS_MAX 64                 /* of one worker */
#define SG_RESERVE_MAX (16u * 1024 * 1024) /* bytes of reserved buffers of one worker */
#define SG_COMMANDS_PER_FD 16              /* SG_MAX_QUEUE of scsi/sg.h */

struct sg_channel;
struct sg_node;
struct sg_device;

struct sg_command {
    const uint8_t *cdb;
    uint8_t cdb_len;
    enum scsi_direction dir;
    void *data; /* len bytes, valid until done() */
    uint32_t len;
    uint32_t timeout_ms;
    /* filled before done() */
    struct scsi_outcome outcome;
    uint8_t sense[SCSI_SENSE_MAX];
    struct sg_channel *channel; /* while at the device */
};

/* All channels of a worker. */
struct sg_pool {
    struct loop *loop;
    bool own_nodes; /* the root directory has the nodes, as confine_node_name() names them; false: /proc has them */
    void (*done)(struct sg_pool *pool, struct sg_command *cmd);
    void (*lost)(struct sg_device *dev);
    struct sg_channel *channels;
    unsigned n_channels;
    uint32_t reserved;            /* bytes */
    struct sg_command *fresh[32]; /* submitted since the last sg_pool_reap_fresh() */
    unsigned n_fresh;
    struct loop_timer arm_timer; /* a channel could not be added to the loop */
};

/* One LUN's device. */
struct sg_device {
    struct sg_pool *pool;
    struct sg_node *node;    /* channels are opened through it; NULL: the device was deleted */
    struct sg_channel *idle; /* those that take a command now, the one that ended its last one latest first */
    unsigned in_flight;
    int eager;        /* > 0: commands are mostly done when write() returns */
    unsigned at_once; /* in a row that were collected without the loop; it stops counting at a limit */
};

/*
 * done() is called for each command that ended. lost() is called once when the kernel deleted
 * a device: the nodes that are open of it will never work again. What is in flight still ends.
 */
void sg_pool_init(struct sg_pool *pool, struct loop *loop, void (*done)(struct sg_pool *pool, struct sg_command *cmd),
                  void (*lost)(struct sg_device *dev));
/* After all its devices. */
void sg_pool_deinit(struct sg_pool *pool);
/* Takes node_fd over. Opens the first channel. 0, or -errno (node_fd is closed). */
int sg_device_init(struct sg_device *dev, struct sg_pool *pool, int node_fd);
/*
 * The same for a device that has another node now: new commands go there. Commands in flight end on the old one,
 * which is then closed. After -errno the old node is in use as before (node_fd is closed).
 */
int sg_device_replace(struct sg_device *dev, int node_fd);
/*
 * Its device was deleted: closes its fds as soon as they are idle. sg_device_replace() or sg_device_deinit() follows.
 */
void sg_device_abandon(struct sg_device *dev);
/* Closes its fds. Only with nothing in flight, or when the process is about to end. */
void sg_device_deinit(struct sg_device *dev);
/*
 * 0: submitted, done() will be called once, never from here. -EDOM, -EAGAIN, -ENOMEM, -EBUSY, -EMFILE: not
 * submitted, try again later. Any other -errno: not submitted, final (scsi_outcome.os_error).
 */
int sg_submit(struct sg_device *dev, struct sg_command *cmd);
bool sg_try_later(int r);
/*
 * Collects commands that are done soon after they were submitted, which saves a round through epoll. For the others the
 * loop looks from now on. It must be called before the loop waits, if n_fresh > 0.
 */
void sg_pool_reap_fresh(struct sg_pool *pool);

#endif
