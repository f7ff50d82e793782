/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the domain that our own xl has made. The name is not enough: another xl may make a guest of that name at
 * the same moment, and names can be changed. So xl gets a new uuid for the guest, and the domain with that uuid is
 * ours. If the configuration has a uuid of its own, other tools may use it too. Then the domain counts as ours only
 * if xl confirms it: xl has ended with status 0, or it is still alive after it has released the lock under which
 * every xl makes its domains (an xl that finds the name taken ends instead).
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
    const char *name; /* of the guest; owned by the caller */
    char uuid[UUID_TEXT_MAX];
    bool shared;      /* the uuid was not made by us: other domains may have it */
    uint32_t *before; /* the domains that had the uuid before */
    unsigned n_before;
    bool by_name; /* uuids are not known (standalone mode): the last made_find() used the name */
    enum xl_lock lock;
    uint64_t began_us, seen_us; /* CLOCK_MONOTONIC: since when xl is observed; when the lock was last seen with it */
};

/*
 * uuid: the configuration's own, or NULL to make a new one. To be called before xl is started. 0 or -errno.
 * made_clear() must follow, also after a failure.
 */
int made_init(struct made *m, struct xenstore *s, const char *name, const char *uuid);
void made_clear(struct made *m);

/*
 * Finds the domain that has the uuid now and did not have it before made_init(); the name decides between several.
 * made_sure(), or xl's exit status, says whether our xl has made it. 0; -ENOENT: none; or another -errno.
 */
int made_find(struct made *m, uint32_t *domid);
/* Is domid still the domain that made_find() gave? */
bool made_is(struct made *m, uint32_t domid);

/* Notes what xl does with its lock at this moment, if that is needed; to be called regularly while xl runs. */
void made_observe(struct made *m, pid_t xl);
/* While xl runs: is a complete domain that made_find() gives ours? */
bool made_sure(const struct made *m);
/* After xl was ended by a signal: has it made the unfinished domain that made_find() gives? */
bool made_half(const struct made *m);

/* What a line of /proc/locks says about a process; XL_LOCK_UNSEEN: nothing. Pure. */
enum xl_lock made_lock_line(const char *line, pid_t pid);
/* A uuid in the form that libxl gives it, or false: not 36 characters of one. Pure. */
bool made_uuid_form(const char *text, char uuid[UUID_TEXT_MAX]);

#endif
