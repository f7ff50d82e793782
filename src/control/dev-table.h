/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do with one device of a vhost, as a pure function of its phase and of
 * its backend state node, in which the toolstack writes 1 (attach) and 5 (detach).
 */
#ifndef PVSCSI_DEV_TABLE_H
#define PVSCSI_DEV_TABLE_H

#include "control/vhost-table.h"

enum dev_phase {
    DP_NONE,     /* nothing opened */
    DP_OPENING,  /* being looked up and opened, off the loop */
    DP_ADDING,   /* handed to the worker, which has not answered */
    DP_READY,    /* the worker has it; not offered in our state node */
    DP_OFFERED,  /* state 3 or 4 */
    DP_REMOVING, /* the worker was told to let go of it */
    DP_FAILING,  /* could not be had; not said yet */
    DP_FAILED,   /* ... and said: state 6 and the node `error` */
    DP_PHASES
};
const char *dev_phase_name(enum dev_phase p);

enum dev_action {
    DA_NOTHING,
    DA_IGNORE,        /* an impossible state */
    DA_OPEN,          /* look it up, open it */
    DA_OFFER,         /* state 3 (when it is 1) */
    DA_SETTLE,        /* 3 -> 4 if the frontend has taken it */
    DA_REMOVE,        /* have the worker let go of it, now */
    DA_DETACH,        /* the same, when the frontend has let go of it */
    DA_FOUND_CLOSING, /* if an earlier daemon's guest may still write to it, open it; else as the next */
    DA_SAY_DETACHED,  /* state 6 */
    DA_SAY_FAILED,    /* state 6 and the reason */
    DA_DROP,          /* forget it */
    DA_ACTIONS
};

enum dev_action dev_decide(enum dev_phase phase, enum xenbus_state own);

#endif
