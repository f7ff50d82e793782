/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that may sleep in the kernel (opening a sick device, resetting one), done
 * by a few threads so that the main loop never waits. A job is a function on
 * data that nobody else touches until its completion runs on the loop.
 */
#ifndef PVSCSI_OFFLOAD_H
#define PVSCSI_OFFLOAD_H

#include "common/loop.h"

struct offload;

struct offload_job {
    void (*work)(struct offload_job *job); /* in a thread: no logging, no loop */
    void (*done)(struct offload_job *job); /* on the loop; owns the job */
    struct offload_job *next;
};

/* At most `threads` jobs run at a time. 0 or -errno. */
int offload_new(struct loop *loop, unsigned threads, struct offload **out);
/*
 * The jobs still queued or running are abandoned: their done() is called if they end within a second, else
 * they (and this object) are left to the end of the process, since a thread asleep in the kernel cannot be stopped.
 */
void offload_free(struct offload *o);
/* 0, or -errno when no thread can be had (the job is still the caller's). */
int offload_submit(struct offload *o, struct offload_job *job);

#endif
