/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do with one device of a vhost, as pure functions of what its LUN is and of its
 * backend state node, in which the toolstack writes 1 (attach) and 5 (detach). Nothing
 * here does anything but look up.
 */
#ifndef PVSCSI_LUN_TABLE_H
#define PVSCSI_LUN_TABLE_H

#include <stdbool.h>

#include "common/xenbus.h"

/* What the LUN is. Only vdev.c writes a vdev's. */
enum lun_state {
    LUN_NONE, /* nothing opened */
    /* A new one: */
    LUN_OPENING, /* its device is being looked up and opened, off the loop */
    LUN_OPENED,  /* it waits for a worker */
    LUN_ADDING,  /* handed to the worker, which has not answered */
    LUN_READY,   /* the worker has it; not offered in our state node */
    LUN_OFFERED, /* state 3; the frontend was not told to look */
    LUN_SHOWN,   /* state 3 or 4; the frontend was told to look */
    LUN_REFUSED, /* the frontend looked, and did not take it */
    /* One that the guest may have, and that no worker has: its worker died, or an earlier daemon ended. */
    LUN_REOPENING, /* its device is being opened again */
    LUN_REOPENED,  /* it waits for a worker */
    LUN_READDING,  /* handed to the worker, which has not answered */
    LUN_FOUND,     /* the worker has it; whether the frontend was told to look is not known */
    LUN_REMOVING,  /* the worker was told to let go of it */
    LUN_FAILING,   /* the device cannot be used; not said yet */
    LUN_FAILED,    /* ... and said: state 6 and the node `error` */
    LUN_STATES
};
const char *lun_state_name(enum lun_state l);

/* What changes a LUN, other than the state node. */
enum lun_fact {
    LF_OPENED,    /* its device was opened */
    LF_HANDED,    /* the worker was told of it */
    LF_ADDED,     /* the worker has it */
    LF_NOT_ADDED, /* the worker could not use it */
    LF_REMOVED,   /* the worker has let go of it */
    LF_DIED,      /* the worker died */
    LF_RESTART,   /* the frontend starts anew */
    LF_SHOWN,     /* it was at 3 when the frontend was told to look */
    LF_REFUSED,   /* the frontend says 6 to it */
    LF_FACTS
};
enum lun_state lun_after(enum lun_state lun, enum lun_fact fact);

/* The worker was told of it, and did not say that it let go of it. */
bool lun_is_with_worker(enum lun_state lun);
/* It is open here, for a worker to get. */
bool lun_is_open(enum lun_state lun);
/* The guest may have it, though no worker has it. */
bool lun_is_missed(enum lun_state lun);

enum lun_action {
    LA_NOTHING,
    LA_IGNORE,        /* an impossible state */
    LA_OPEN,          /* look the device up, open it */
    LA_REOPEN,        /* the same for one that an earlier daemon's guest may have */
    LA_OFFER,         /* state 3 (unless it is that) */
    LA_CHECK_TAKEN,   /* state 4 if the frontend has looked, and not refused it */
    LA_REMOVE,        /* have the worker let go of it, now */
    LA_DETACH,        /* the same, when the frontend has let go of it */
    LA_FOUND_CLOSING, /* if an earlier daemon's guest may still write to it, as LA_REOPEN; else LA_SAY_DETACHED */
    LA_SAY_DETACHED,  /* state 6 */
    LA_SAY_FAILED,    /* state 6 and the reason */
    LA_SAID,          /* the reason is there */
    LA_DROP,          /* forget it */
    LA_ACTIONS
};

enum lun_action lun_decide(enum lun_state lun, enum xenbus_state own);

#endif
