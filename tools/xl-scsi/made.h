/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which domain has our own xl made? A name does not tell: another xl may make a guest of that name at the same
 * moment, and names can be changed. So xl is given a fresh uuid for the guest, and the domain with that uuid is the
 * one. Where the configuration has a uuid of its own, others may use it too. Then the domain counts as ours only when
 * xl has said so: it has ended with status 0, or it lives on after it has let go of the lock under which every xl
 * makes its domains (an xl that finds the name taken ends instead).
 *
 * This file only looks. It never changes a domain.
 */
#ifndef XL_SCSI_MADE_H
#define XL_SCSI_MADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xenstore.h"
#include "userdata.h"

/* What an xl that makes a domain has been seen to do with its lock. */
enum xl_lock {
    XL_LOCK_UNSEEN,
    XL_LOCK_WAITED_FOR,
    XL_LOCK_HELD,
    XL_LOCK_LET_GO,
};

struct made {
    struct xenstore *store;
    const char *name; /* of the guest; the caller's */
    char uuid[UUID_TEXT_MAX];
    bool shared;      /* the uuid was not made by us: other domains may have it */
    uint32_t *before; /* the domains that had it already */
    unsigned n_before;
    bool by_name; /* nothing here knows uuids (standalone mode): the last made_find() has gone by the name */
    enum xl_lock lock;
    uint64_t began_us, seen_us; /* CLOCK_MONOTONIC: when xl was started, and when the lock was last seen with it */
};

/*
 * uuid: the configuration's own, or NULL: a fresh one is made. Call it before xl is started. 0 or -errno.
 * made_clear() also after a failure.
 */
int made_init(struct made *m, struct xenstore *s, const char *name, const char *uuid);
void made_clear(struct made *m);

/*
 * The domain that has the uuid and had not before made_init(); the name decides between several. Whether our xl
 * has made it is for made_sure(), or for xl's exit status. 0; -ENOENT: none; or another -errno.
 */
int made_find(struct made *m, uint32_t *domid);
/* Is domid still the domain that made_find() gave? */
bool made_is(struct made *m, uint32_t domid);

/* Notes what xl does with its lock at this moment; to be called every now and then while it runs. */
void made_observe(struct made *m, pid_t xl);
/* While xl runs: may a complete domain that made_find() gives be taken for ours? */
bool made_sure(const struct made *m);
/* After xl was ended by a signal: has it made the unfinished domain that made_find() gives? */
bool made_half(const struct made *m);

/* What a line of /proc/locks says about a process; XL_LOCK_UNSEEN: nothing. Pure. */
enum xl_lock made_lock_line(const char *line, pid_t pid);
/* A uuid in the form that libxl gives it, or false: not 36 characters of one. Pure. */
bool made_uuid_form(const char *text, char uuid[UUID_TEXT_MAX]);

#endif
