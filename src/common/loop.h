/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: epoll for file descriptors, one sorted list of timers. Sources
 * and timers are embedded in their owners; the loop allocates nothing.
 * Callbacks may remove any source or timer, including their own.
 */
#ifndef PVSCSI_LOOP_H
#define PVSCSI_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

struct loop_source {
    int fd;          /* not owned */
    uint32_t events; /* EPOLLIN ... EPOLLET */
    void (*ready)(struct loop_source *src, uint32_t revents);
    struct loop *loop; /* set while added */
};

struct loop_timer {
    uint64_t due_us; /* CLOCK_MONOTONIC */
    void (*expired)(struct loop_timer *timer);
    struct loop_timer *next, **prev_next; /* linked while armed */
};

/* 0 or -errno. */
int loop_new(struct loop **out);
void loop_free(struct loop *loop);

/* fd, events and ready are set by the caller. 0 or -errno. */
int loop_add(struct loop *loop, struct loop_source *src);
int loop_modify(struct loop_source *src, uint32_t events);
/* No-op for a source that is not added. */
void loop_remove(struct loop_source *src);

/* (Re)arm: fires once, delay_us from now. */
void loop_timer_arm(struct loop *loop, struct loop_timer *timer, uint64_t delay_us);
/* No-op for a timer that is not armed. */
void loop_timer_cancel(struct loop_timer *timer);
static inline bool loop_timer_armed(const struct loop_timer *t)
{
    return t->prev_next != 0;
}

/* after_round is called after each round of callbacks (may be NULL). */
void loop_set_after_round(struct loop *loop, void (*fn)(void *ctx), void *ctx);

/* Runs until loop_stop(); returns 0, or -errno when epoll itself fails. */
int loop_run(struct loop *loop);
/* One round: waits at most timeout_ms, or without limit if it is -1. 0 or -errno. */
int loop_once(struct loop *loop, int timeout_ms);
void loop_stop(struct loop *loop);

#endif
