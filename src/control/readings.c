// SPDX-License-Identifier: GPL-2.0-or-later
/* Readings of sysfs that several openings share; see readings.h. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/util.h"
#include "control/readings.h"

/* An opening may wait long for a thread. A reading that is older than this could lack a device that has come since. */
#define VALID_US 1000000u

struct reading {
    struct inventory all;
    uint64_t number, ended_us;
    unsigned users; /* threads that use it, and the set while it is the latest */
};

struct readings {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    unsigned members;
    uint64_t begun; /* readings so far */
    bool busy;      /* a thread reads */
    struct reading *latest;
};

struct readings *readings_new(void)
{
    struct readings *rs = calloc(1, sizeof(*rs));

    if (!rs)
        return NULL;
    pthread_mutex_init(&rs->lock, NULL);
    pthread_cond_init(&rs->ended, NULL);
    rs->members = 1;
    return rs;
}

uint64_t readings_join(struct readings *rs)
{
    uint64_t joined;

    pthread_mutex_lock(&rs->lock);
    rs->members++;
    joined = rs->begun;
    pthread_mutex_unlock(&rs->lock);
    return joined;
}

/* With the lock. */
static void let_go(struct reading *r)
{
    if (!r || --r->users > 0)
        return;
    inventory_clear(&r->all);
    free(r);
}

void readings_leave(struct readings *rs)
{
    unsigned left;

    if (!rs)
        return;
    pthread_mutex_lock(&rs->lock);
    left = --rs->members;
    if (left <= 1)
        let_go(steal_ptr(rs->latest));
    pthread_mutex_unlock(&rs->lock);
    if (left > 0)
        return;
    pthread_cond_destroy(&rs->ended);
    pthread_mutex_destroy(&rs->lock);
    free(rs);
}

/* With the lock, which is released during the reading. The caller becomes a user of *out. */
static int read_now(struct readings *rs, const struct device_roots *roots, struct reading **out)
{
    struct reading *r = calloc(1, sizeof(*r));
    int error;

    if (!r)
        return -ENOMEM;
    r->number = ++rs->begun;
    r->users = 1;
    rs->busy = true;
    pthread_mutex_unlock(&rs->lock);
    error = inventory_read(roots->sysfs, INVENTORY_IDENTIFIERS, &r->all);
    pthread_mutex_lock(&rs->lock);
    rs->busy = false;
    pthread_cond_broadcast(&rs->ended);
    if (error < 0) {
        let_go(r);
        return error;
    }
    r->ended_us = now_us();
    r->users++;
    let_go(rs->latest);
    rs->latest = r;
    *out = r;
    return 0;
}

int readings_take(struct readings *rs, const struct device_roots *roots, uint64_t joined, struct reading **out)
{
    int error = 0;

    *out = NULL;
    pthread_mutex_lock(&rs->lock);
    while (!*out && error == 0) {
        struct reading *r = rs->latest;

        if (r && r->number > joined && now_us() - r->ended_us < VALID_US) {
            r->users++;
            *out = r;
        } else if (rs->busy) {
            pthread_cond_wait(&rs->ended, &rs->lock);
        } else {
            error = read_now(rs, roots, out);
        }
    }
    pthread_mutex_unlock(&rs->lock);
    return error;
}

const struct inventory *reading_inventory(const struct reading *r)
{
    return &r->all;
}

void readings_give_back(struct readings *rs, struct reading *r)
{
    pthread_mutex_lock(&rs->lock);
    let_go(r);
    pthread_mutex_unlock(&rs->lock);
}
