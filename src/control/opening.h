/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device being looked up and opened, in a thread: a sick one may sleep there for
 * long. What comes of it is recorded and decided upon by vdev.c.
 */
#ifndef PVSCSI_OPENING_H
#define PVSCSI_OPENING_H

#include "control/model.h"

/* Survives its vdev. */
struct opening {
    struct offload_job job;
    struct vdev *vdev; /* NULL: the result is not needed any more */
    const struct device_roots *roots;
    bool allow_file;
    bool again; /* the guest knew it as `was`: no other device will do */
    struct run_device was;
    char pdev[PDEV_TEXT_MAX];
    uint64_t started_us; /* 0 while it is queued; atomic */
    bool finished;       /* what follows is valid */
    struct device dev;
    struct device_fds fds;
    int result; /* 0 or -errno */
    char why[DEVICE_WHY_MAX];
};

/* Sets d->opening. The device is d->wish.pdev, or d->was wherever it is now. 0 or -errno. */
int opening_start(struct vdev *d);
/* 0: it waits for a thread. */
uint64_t opening_started_us(const struct opening *o);
/* The caller is done with it, finished or not; its vdev no longer names it. NULL is allowed. */
void opening_free(struct opening *o);

#endif
