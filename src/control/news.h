/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to guests and devices, for those who follow it (`pvscsictl events`). The files that record a fact tell
 * it here, and nothing depends on what becomes of it. The last pieces are kept, each as one line of JSON. A follower
 * has a place in this list, and one that is too slow learns how many pieces it has missed. So a follower costs nothing
 * but its place, and never holds anything up.
 */
#ifndef PVSCSI_NEWS_H
#define PVSCSI_NEWS_H

#include <stdint.h>

#include "common/util.h"

struct vdev;
struct vhost;

#define NEWS_KEPT 256      /* pieces */
#define NEWS_TEXT_MAX 1024 /* bytes of a piece's text; a longer one is cut */

enum news_kind {
    NEWS_ATTACH,
    NEWS_DETACH,
    NEWS_CONNECT, /* the guest's ring */
    NEWS_DISCONNECT,
    NEWS_RESTART, /* of a worker */
    NEWS_ERROR,
    NEWS_REFUSED, /* a command, by the command policy */
    NEWS_DEVICE_AWAY,
    NEWS_DEVICE_BACK,
    NEWS_HELPER_AWAY,
    NEWS_HELPER_BACK,
    NEWS_XENSTORED_AWAY,
    NEWS_XENSTORED_BACK,
    NEWS_KINDS
};
/* "attach", "helper-away"; pvscsictl(8) has the list. */
const char *news_kind_name(enum news_kind kind);

struct news;

/* NULL: no memory. */
struct news *news_new(void);
void news_free(struct news *n);
/* added() is called after each piece that a follower can read. It must not add one. */
void news_set_reader(struct news *n, void (*added)(void *ctx), void *ctx);

/*
 * Adds a piece. v, d: what it is about; NULL: not about one. The text is plain, one line. Nothing happens if nobody
 * follows, or n is NULL. Without memory the piece counts as missed.
 */
void news_tell(struct news *n, enum news_kind kind, const struct vhost *v, const struct vdev *d, const char *fmt, ...)
    PRINTF(5, 6);

/* Begins to follow: the place of the first piece that is added from now on. */
uint64_t news_follow(struct news *n);
void news_unfollow(struct news *n);
/*
 * The line at this place, which is then one further; it stays valid until the next piece is added. NULL: there is none
 * yet (*missed is 0), or pieces were missed, and the place is now behind them.
 */
const char *news_read(const struct news *n, uint64_t *at, uint64_t *missed);
/* Lines of a follower's own: the first one, and the one instead of missed pieces. free(); NULL: no memory. */
char *news_greeting(const struct news *n);
char *news_missed(uint64_t missed);

#endif
