// SPDX-License-Identifier: GPL-2.0-or-later
/* The claims on devices; see claims.h. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/util.h"
#include "control/claims.h"

enum claim_state {
    CLAIM_MOVING, /* a thread takes it, or gives it back */
    CLAIM_HELD,
    CLAIM_FORCED /* the device is in use, and the guest has it nevertheless */
};

struct claim {
    struct claim *next;
    struct device dev;
    enum claim_state state;
    unsigned shares;
    bool listed; /* false: the device has gone since, and its address may have another one */
    struct device_claim hold;
    char why[DEVICE_WHY_MAX];
};

struct claims {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned refs;
    struct claim *list;
};

struct claims *claims_new(void)
{
    struct claims *cs = calloc(1, sizeof(*cs));

    if (!cs)
        return NULL;
    pthread_mutex_init(&cs->lock, NULL);
    pthread_cond_init(&cs->moved, NULL);
    cs->refs = 1;
    return cs;
}

struct claims *claims_ref(struct claims *cs)
{
    pthread_mutex_lock(&cs->lock);
    cs->refs++;
    pthread_mutex_unlock(&cs->lock);
    return cs;
}

void claims_unref(struct claims *cs)
{
    bool last;

    if (!cs)
        return;
    pthread_mutex_lock(&cs->lock);
    last = --cs->refs == 0;
    pthread_mutex_unlock(&cs->lock);
    if (!last)
        return;
    pthread_cond_destroy(&cs->moved);
    pthread_mutex_destroy(&cs->lock);
    free(cs);
}

/* From here on the caller has the lock. */
static void unlist(struct claims *cs, struct claim *c)
{
    for (struct claim **at = &cs->list; c->listed && *at; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            break;
        }
    }
    c->listed = false;
}

/* The claim of this address that a thread may join. NULL: there is none. */
static struct claim *find(struct claims *cs, const struct device_roots *roots, const struct device *dev)
{
    struct claim *c = cs->list;

    while (c) {
        if (!hctl_equal(&c->dev.hctl, &dev->hctl)) {
            c = c->next;
        } else if (c->state == CLAIM_MOVING) {
            pthread_cond_wait(&cs->moved, &cs->lock);
            c = cs->list; /* it may be gone */
        } else if (!device_claim_is_current(roots, dev, &c->hold)) {
            unlist(cs, c);
            c = cs->list;
        } else {
            return c;
        }
    }
    return NULL;
}

static int acquire(struct claims *cs, const struct device_roots *roots, struct claim *c, bool force)
{
    int r;

    c->state = CLAIM_MOVING;
    c->shares++; /* so that no other thread frees it */
    pthread_mutex_unlock(&cs->lock);
    r = device_claim(roots, &c->dev, &c->hold, c->why);
    pthread_mutex_lock(&cs->lock);
    c->state = r < 0 ? CLAIM_FORCED : CLAIM_HELD;
    pthread_cond_broadcast(&cs->moved);
    if (r == 0 || force)
        return 0;
    c->shares--;
    return r;
}

int claim_take(struct claims *cs, const struct device_roots *roots, const struct device *dev, bool force,
               struct claim **out, char *why)
{
    struct claim *c;
    int r = 0;

    *out = NULL;
    why[0] = '\0';
    if (dev->from == PDEV_FILE)
        return 0;
    pthread_mutex_lock(&cs->lock);
    c = find(cs, roots, dev);
    if (!c) {
        c = calloc(1, sizeof(*c));
        if (!c) {
            pthread_mutex_unlock(&cs->lock);
            snprintf(why, DEVICE_WHY_MAX, "out of memory");
            return -ENOMEM;
        }
        c->dev = *dev;
        c->hold.fd = -1;
        c->listed = true;
        c->next = cs->list;
        cs->list = c;
        r = acquire(cs, roots, c, force);
    } else if (c->state == CLAIM_FORCED && !force) {
        r = acquire(cs, roots, c, false);
    } else {
        c->shares++;
    }
    snprintf(why, DEVICE_WHY_MAX, "%s", c->why);
    if (r == 0) {
        *out = c;
    } else if (c->shares == 0) {
        unlist(cs, c);
        free(c);
    }
    pthread_mutex_unlock(&cs->lock);
    return r;
}

bool claim_drop(struct claims *cs, struct claim *c)
{
    bool last;

    if (!c)
        return false;
    pthread_mutex_lock(&cs->lock);
    last = --c->shares == 0;
    if (last)
        c->state = CLAIM_MOVING;
    pthread_mutex_unlock(&cs->lock);
    return last;
}

void claim_end(struct claims *cs, const struct device_roots *roots, struct claim *c, bool put_back)
{
    device_claim_end(roots, &c->dev, &c->hold, put_back);
    pthread_mutex_lock(&cs->lock);
    unlist(cs, c);
    pthread_cond_broadcast(&cs->moved);
    pthread_mutex_unlock(&cs->lock);
    free(c);
}
