/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks a device up, opens and claims it, in a thread, because open() of a sick device may sleep for a long time.
 * Records the result. vdev.c decides what follows.
 */
#ifndef PVSCSI_OPENING_H
#define PVSCSI_OPENING_H

#include "control/model.h"

#define OPENING_TAKEN_MAX 32

/* It may live longer than its vdev. */
struct opening {
    struct offload_job job;
    struct vdev *vdev; /* NULL: the result is not wanted any more */
    struct host *host;
    const struct device_roots *roots;
    struct claims *claims;
    struct readings *readings;
    uint64_t joined; /* readings_join() */
    bool allow_file;
    bool usable;      /* only if the kernel passes commands on to it now */
    bool force;       /* as the toolstack wants it */
    bool needs_block; /* ... and its block device, which comes later than the sg node, is there too */
    bool again;       /* the guest has the device `was`: no other device is accepted */
    struct run_device was;
    /* Addresses at which other LUNs have the unit `was`; more than OPENING_TAKEN_MAX: it is not searched for. */
    struct hctl taken[OPENING_TAKEN_MAX];
    unsigned n_taken;
    char pdev[PDEV_TEXT_MAX], at[PDEV_TEXT_MAX], unit[UNIT_TEXT_MAX]; /* of the wish */
    uint64_t started_us; /* now_us() when a thread began with it; 0: none has; atomic */
    bool finished;       /* the members below are valid */
    struct device dev;
    struct device_fds fds;
    struct claim *claim;
    int result;               /* 0 or -errno */
    bool lacks_block;         /* its block device is not there yet */
    bool is_another;          /* another unit is where the device was looked for */
    bool searched;            /* it was found by its identifier alone */
    bool in_use;              /* that is why: this domain uses the device itself */
    char why[DEVICE_WHY_MAX]; /* after success "", or why this domain is not kept off the device */
};

/* Sets d->opening. The device is d->wish.pdev or, if d->was_known, d->was. 0 or -errno. */
int opening_start(struct vdev *d);
/* now_us() when a thread began with it; 0: it waits for a thread. */
uint64_t opening_started_us(const struct opening *o);
/*
 * The result of one that has finished, now that it is acted on: two LUNs may have found the same path at the same time,
 * and the second one may not have it. 0, or -errno and o->why.
 */
int opening_result(struct opening *o);
/* Hands descriptors and claim over to o->vdev's LUN. If this domain is not kept off the device, the log says so. */
void opening_hand_over(struct opening *o);
/* The caller does not need it any more, finished or not. d->opening must not point to it. NULL is allowed. */
void opening_free(struct opening *o);

#endif
