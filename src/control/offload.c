// SPDX-License-Identifier: GPL-2.0-or-later
/* Threads for what may sleep; see offload.h. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include "common/util.h"
#include "control/offload.h"

struct offload {
    struct loop_source source;
    pthread_mutex_t lock;
    pthread_cond_t more, ended;
    struct offload_job *todo, **todo_last;
    struct offload_job *finished, **finished_last;
    unsigned threads, threads_max, idle, queued;
    bool stop;
};

static void *thread_main(void *arg)
{
    struct offload *o = arg;

    pthread_mutex_lock(&o->lock);
    while (!o->stop) {
        struct offload_job *job = o->todo;
        uint64_t one = 1;

        if (!job) {
            o->idle++;
            pthread_cond_wait(&o->more, &o->lock);
            o->idle--;
            continue;
        }
        o->todo = job->next;
        if (!o->todo)
            o->todo_last = &o->todo;
        o->queued--;
        pthread_mutex_unlock(&o->lock);
        job->work(job);
        pthread_mutex_lock(&o->lock);
        job->next = NULL;
        *o->finished_last = job;
        o->finished_last = &job->next;
        if (write(o->source.fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
            break; /* does not happen: a write of 1 to an eventfd fails only with EAGAIN */
    }
    o->threads--;
    pthread_cond_signal(&o->ended);
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

static void run_finished(struct offload *o)
{
    for (;;) {
        struct offload_job *job;

        pthread_mutex_lock(&o->lock);
        job = o->finished;
        if (job) {
            o->finished = job->next;
            if (!o->finished)
                o->finished_last = &o->finished;
        }
        pthread_mutex_unlock(&o->lock);
        if (!job)
            return;
        job->done(job);
    }
}

static void finished_ready(struct loop_source *src, uint32_t revents)
{
    struct offload *o = container_of(src, struct offload, source);
    uint64_t count;

    (void)revents;
    if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return;
    run_finished(o);
}

int offload_new(struct loop *loop, unsigned threads, struct offload **out)
{
    struct offload *o = calloc(1, sizeof(*o));
    pthread_condattr_t steady;
    int r;

    if (!o)
        return -ENOMEM;
    o->threads_max = threads;
    o->source = (struct loop_source){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                      .events = EPOLLIN,
                                      .ready = finished_ready };
    if (o->source.fd < 0) {
        r = -errno;
        free(o);
        return r;
    }
    r = loop_add(loop, &o->source);
    if (r < 0) {
        close(o->source.fd);
        free(o);
        return r;
    }
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->more, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&o->ended, &steady);
    pthread_condattr_destroy(&steady);
    o->todo_last = &o->todo;
    o->finished_last = &o->finished;
    *out = o;
    return 0;
}

static int start_thread(struct offload *o)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    int r = pthread_attr_init(&attr);

    if (r != 0)
        return -r;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&thread, &attr, thread_main, o);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return -r;
}

int offload_submit(struct offload *o, struct offload_job *job)
{
    int r = 0;

    pthread_mutex_lock(&o->lock);
    if (o->queued >= o->idle && o->threads < o->threads_max) {
        r = start_thread(o);
        if (r == 0)
            o->threads++;
        else if (o->threads > 0)
            r = 0; /* another thread takes the job later */
    }
    if (r == 0) {
        job->next = NULL;
        *o->todo_last = job;
        o->todo_last = &job->next;
        o->queued++;
        pthread_cond_signal(&o->more);
    }
    pthread_mutex_unlock(&o->lock);
    return r;
}

void offload_free(struct offload *o)
{
    struct timespec until;
    bool all_ended;

    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    o->stop = true;
    pthread_cond_broadcast(&o->more);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    while (o->threads > 0)
        if (pthread_cond_timedwait(&o->ended, &o->lock, &until) == ETIMEDOUT)
            break;
    all_ended = o->threads == 0;
    /* Jobs that were not begun are completed without being run. */
    *o->finished_last = o->todo;
    if (o->todo)
        o->finished_last = o->todo_last;
    o->todo = NULL;
    o->todo_last = &o->todo;
    pthread_mutex_unlock(&o->lock);
    run_finished(o);
    loop_remove(&o->source);
    if (!all_ended)
        return;
    close(o->source.fd);
    pthread_cond_destroy(&o->more);
    pthread_cond_destroy(&o->ended);
    pthread_mutex_destroy(&o->lock);
    free(o);
}
