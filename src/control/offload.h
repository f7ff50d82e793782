/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs work that may sleep in the kernel (opening a sick device, resetting one) in a few threads, so that the event
 * loop never waits. A job is a function and its data. Nothing else touches the data until done() runs in the loop.
 */
#ifndef PVSCSI_OFFLOAD_H
#define PVSCSI_OFFLOAD_H

#include "common/loop.h"

struct offload;

struct offload_job {
    void (*work)(struct offload_job *job); /* runs in a thread: must not log or use the loop */
    void (*done)(struct offload_job *job); /* runs in the loop; owns the job */
    struct offload_job *next;
};

/* At most `threads` jobs run at a time. 0 or -errno. */
int offload_new(struct loop *loop, unsigned threads, struct offload **out);
/*
 * Abandons the jobs that are queued or running. done() is called for each that ends within a second. The others,
 * and this object, are never freed: a thread that sleeps in the kernel cannot be stopped.
 */
void offload_free(struct offload *o);
/* 0, or -errno when no thread can be started (the caller still owns the job). */
int offload_submit(struct offload *o, struct offload_job *job);

#endif
