/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do with one device of a vhost: pure functions of the state of its LUN and of its backend state node, in
 * which the toolstack writes 1 (attach) and 5 (detach). The functions only look up tables.
 */
#ifndef PVSCSI_LUN_TABLE_H
#define PVSCSI_LUN_TABLE_H

#include <stdbool.h>

#include "common/xenbus.h"

/* The state of a LUN. Only follow() of vdev.c writes vdev.lun. */
enum lun_state {
    LUN_NONE, /* nothing opened */
    /* A new one: */
    LUN_OPENING, /* a thread looks its device up and opens it */
    LUN_OPENED,  /* it waits for a worker */
    LUN_ADDING,  /* handed to the worker, which has not answered */
    LUN_READY,   /* the worker has it; our state node does not say so yet */
    LUN_OFFERED, /* state 3; the frontend has not been told to look */
    LUN_SHOWN,   /* state 3 or 4; the frontend was told to look */
    LUN_REFUSED, /* the frontend looked, and did not take it */
    /* One that the guest may have, but no worker has: the worker died, or an earlier daemon ended. */
    LUN_REOPENING, /* its device is being opened again */
    LUN_REOPENED,  /* it waits for a worker */
    LUN_READDING,  /* handed to the worker, which has not answered */
    LUN_FOUND,     /* the worker has it; whether the frontend was told to look is not known */
    LUN_REMOVING,  /* the worker was told to release it */
    LUN_FAILING,   /* the device cannot be used; this is not in xenstore yet */
    LUN_FAILED,    /* the device cannot be used; state 6 and the node `error` say so */
    LUN_STATES
};
const char *lun_state_name(enum lun_state l);

/* What changes a LUN. A fact that has no meaning in the LUN's state changes nothing. */
enum lun_fact {
    LF_OPENED,    /* its device was opened */
    LF_HANDED,    /* the worker was told of it */
    LF_ADDED,     /* the worker has it */
    LF_NOT_ADDED, /* the worker could not use it */
    LF_REMOVED,   /* the worker has released it */
    LF_DIED,      /* the worker died */
    LF_RESTART,   /* the frontend starts anew */
    LF_SHOWN,     /* it was at 3 when the frontend was told to look */
    LF_REFUSED,   /* the frontend wrote 6 for it */
    LF_UNUSABLE,  /* its nodes or its device are of no use */
    /* An action did it. */
    LF_OPENING,   /* the opening of its device has begun */
    LF_REOPENING, /* the same, and the guest may have had it from an earlier daemon */
    LF_OFFERED,   /* state 3 is written */
    LF_REMOVING,  /* the worker was told to release it */
    LF_SAID,      /* state 6 and the reason are written */
    LF_RELEASED,  /* no worker has it, and nothing of it is kept */
    LF_FACTS
};
enum lun_state lun_after(enum lun_state lun, enum lun_fact fact);

/* The worker was told of it, and has not said that it released it. */
bool lun_is_with_worker(enum lun_state lun);
/* Its device is open here and can be handed to a worker. */
bool lun_is_open(enum lun_state lun);
/* The guest may have it, but no worker has it. */
bool lun_is_missed(enum lun_state lun);
/* The frontend has looked at it, or may have. While our state node is 3, it has not taken it. */
bool lun_was_looked_at(enum lun_state lun);

enum lun_action {
    LA_NOTHING,
    LA_IGNORE,        /* an impossible state */
    LA_OPEN,          /* look the device up, open it */
    LA_REOPEN,        /* the same, for a LUN that the guest may have had from an earlier daemon */
    LA_OFFER,         /* write state 3, unless it is 3 */
    LA_CHECK_TAKEN,   /* write state 4 if the frontend has looked and has not refused it */
    LA_REMOVE,        /* have the worker release it now */
    LA_DETACH,        /* have the worker release it when the frontend has released it */
    LA_FOUND_CLOSING, /* as LA_REOPEN if the guest may still write to it; else as LA_SAY_DETACHED */
    LA_SAY_DETACHED,  /* state 6 */
    LA_SAY_FAILED,    /* state 6 and the reason */
    LA_SAID,          /* state 6 and the reason are written */
    LA_DROP,          /* forget it */
    LA_ACTIONS
};

enum lun_action lun_decide(enum lun_state lun, enum xenbus_state own);

#endif
