/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Malformed requests and other misbehaviour. Calls go from bad.c down: bad-ring.c, malformed.c, attempt.c. */
#ifndef VSCSI_FRONT_BAD_H
#define VSCSI_FRONT_BAD_H

#include "front.h"

/* A well-formed request, to which a twist is applied. */
struct attempt {
    struct front *f;
    struct hctl dev;
    struct io io;
    struct buf *buf;
    struct buf *other;    /* one more page, read-only, for the twists that need one */
    uint32_t revoked_ref; /* a reference that was granted once */
};

#define PAGES_DIRECT 4u /* of data, in direct segments */
#define PAGES_LIST 40u  /* of data, in an indirect list */

enum bad_base {
    BASE_READ,
    BASE_WRITE,
    BASE_LIST,
    BASE_WRITE_LIST,
    BASE_NO_DATA
};

/* --- attempt.c --- */
/* A request of this base for dev, ready to be sent. 0 or fail(). attempt_end() in any case. */
int attempt_begin(struct attempt *a, struct front *f, const struct hctl *dev, enum bad_base base);
void attempt_end(struct attempt *a);
/* A well-formed INQUIRY gets a good answer. 0 or fail(). */
int still_serves(struct front *f, const struct hctl *dev);

/* --- malformed.c: one wrong field each; ends with a NULL name --- */
struct malformation {
    const char *name, *help;
    enum bad_base base;
    void (*twist)(struct attempt *a);
    const char *expect[2]; /* codes as show_code() writes them; one of them must come back */
    bool data_may_move;    /* segments before the bad one may have been filled */
};
extern const struct malformation malformations[];

/* --- bad-ring.c: what takes more than one request; ends with a NULL name --- */
struct bad_program {
    const char *name, *help;
    bool halts; /* the ring is dead afterwards; not part of `bad all` */
    int (*run)(struct front *f, const struct hctl *dev, int argc, char **argv);
};
extern const struct bad_program bad_programs[];

#endif
