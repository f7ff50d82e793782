// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The event loop; see loop.h. A callback may remove a source that has an event
 * later in the same round, so loop_remove() also deletes this event.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/loop.h"
#include "common/util.h"

#define ROUND_EVENTS 64

struct loop {
    int epfd;
    bool stop;
    struct loop_timer *timers; /* sorted by due_us */
    int n_events, at_event;
    struct epoll_event events[ROUND_EVENTS];
    void (*after_round)(void *ctx);
    void *after_ctx;
};

int loop_new(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (!loop)
        return -ENOMEM;
    loop->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epfd < 0) {
        int r = -errno;

        free(loop);
        return r;
    }
    *out = loop;
    return 0;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (loop->timers)
        loop_timer_cancel(loop->timers);
    close(loop->epfd);
    free(loop);
}

int loop_add(struct loop *loop, struct loop_source *src)
{
    struct epoll_event ev = { .events = src->events, .data.ptr = src };

    if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, src->fd, &ev) < 0)
        return -errno;
    src->loop = loop;
    return 0;
}

int loop_modify(struct loop_source *src, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = src };

    if (!src->loop)
        return -ENOENT;
    if (epoll_ctl(src->loop->epfd, EPOLL_CTL_MOD, src->fd, &ev) < 0)
        return -errno;
    src->events = events;
    return 0;
}

void loop_remove(struct loop_source *src)
{
    struct loop *loop = src->loop;

    if (!loop)
        return;
    epoll_ctl(loop->epfd, EPOLL_CTL_DEL, src->fd, NULL);
    for (int i = loop->at_event; i < loop->n_events; i++)
        if (loop->events[i].data.ptr == src)
            loop->events[i].data.ptr = NULL;
    src->loop = NULL;
}

void loop_timer_cancel(struct loop_timer *timer)
{
    if (!timer->prev_next)
        return;
    *timer->prev_next = timer->next;
    if (timer->next)
        timer->next->prev_next = timer->prev_next;
    timer->next = NULL;
    timer->prev_next = NULL;
}

void loop_timer_arm(struct loop *loop, struct loop_timer *timer, uint64_t delay_us)
{
    struct loop_timer **at = &loop->timers;

    loop_timer_cancel(timer);
    timer->due_us = now_us() + delay_us;
    while (*at && (*at)->due_us <= timer->due_us)
        at = &(*at)->next;
    timer->next = *at;
    timer->prev_next = at;
    if (timer->next)
        timer->next->prev_next = &timer->next;
    *at = timer;
}

void loop_set_after_round(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    loop->after_round = fn;
    loop->after_ctx = ctx;
}

static int wait_ms(const struct loop *loop, int timeout_ms)
{
    uint64_t now, ms;

    if (!loop->timers)
        return timeout_ms;
    now = now_us();
    if (loop->timers->due_us <= now)
        return 0;
    ms = (loop->timers->due_us - now + 999) / 1000;
    if (ms > 3600000)
        ms = 3600000;
    return timeout_ms >= 0 && (uint64_t)timeout_ms < ms ? timeout_ms : (int)ms;
}

int loop_once(struct loop *loop, int timeout_ms)
{
    int n = epoll_wait(loop->epfd, loop->events, ROUND_EVENTS, wait_ms(loop, timeout_ms));

    if (n < 0) {
        if (errno != EINTR)
            return -errno;
        n = 0;
    }
    loop->n_events = n;
    for (loop->at_event = 0; loop->at_event < n;) {
        struct epoll_event *ev = &loop->events[loop->at_event++];
        struct loop_source *src = ev->data.ptr;

        if (src)
            src->ready(src, ev->events);
    }
    loop->n_events = 0;
    if (loop->timers) {
        uint64_t now = now_us();

        /* Ends: `now` is read once, so a timer that is armed again with a delay is not due. */
        while (loop->timers && loop->timers->due_us <= now) {
            struct loop_timer *timer = loop->timers;

            loop_timer_cancel(timer);
            timer->expired(timer);
        }
    }
    if (loop->after_round)
        loop->after_round(loop->after_ctx);
    return 0;
}

int loop_run(struct loop *loop)
{
    int r = 0;

    loop->stop = false;
    while (!loop->stop && r == 0)
        r = loop_once(loop, -1);
    return r;
}

void loop_stop(struct loop *loop)
{
    loop->stop = true;
}
