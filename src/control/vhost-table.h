/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do with a vhost, as a pure function of what is: our phase, the state
 * nodes of both sides, and whether the toolstack still wants the vhost. Every
 * state is judged as it stands, never by how it came about: watches are merged
 * and missed.
 */
#ifndef PVSCSI_VHOST_TABLE_H
#define PVSCSI_VHOST_TABLE_H

#include <stdbool.h>

#include "common/xenbus.h"

/* Our own side: what the vhost's worker does with the ring. */
enum vhost_phase {
    VP_UNSEEN,     /* found by a scan, nothing done yet */
    VP_WAITING,    /* announced; no ring */
    VP_CONNECTING, /* the worker was told to map a ring */
    VP_LIVE,       /* it serves one */
    VP_CLOSING,    /* it was told to end it */
    VP_CLOSED,     /* no ring any more */
    VP_PHASES
};
const char *vhost_phase_name(enum vhost_phase p);

/* Our phase together with our own state node, in which the toolstack writes too. */
enum vhost_situation {
    VS_BARE,  /* no usable state node (yet) */
    VS_FRESH, /* to be announced */
    VS_WAITING,
    VS_FOUND_LIVE,    /* found connected: an earlier daemon's ring */
    VS_FOUND_LEAVING, /* found in state 5 */
    VS_STRANGE,       /* a state that nobody should have written; no ring */
    VS_CONNECTING,
    VS_JOINING, /* the ring is served, state 4 not written yet */
    VS_LIVE,
    VS_WANTED,  /* the toolstack wrote 7 */
    VS_OFFERED, /* we wrote 8 */
    VS_LEAVING, /* the toolstack wrote 5 over a live ring */
    VS_RESTART, /* the toolstack wrote 1 over a live ring */
    VS_ODD,     /* as VS_STRANGE, with a live ring */
    VS_CLOSING,
    VS_SHUTTING, /* no ring, our state does not say so yet */
    VS_TOLD,     /* no ring, state 5 */
    VS_SHUT,     /* state 6, to be used again */
    VS_ENDING,   /* no ring, offline, not yet 6 */
    VS_DONE,     /* state 6, offline */
    VS_SITUATIONS
};

enum vhost_action {
    VA_NOTHING,
    VA_IGNORE,       /* an impossible state: say so once, and do nothing */
    VA_ANNOUNCE,     /* feature-sg-grant, devices back to "offered", state 2 */
    VA_CONNECT,      /* read the ring's nodes, have the worker map it */
    VA_TAKE_OVER,    /* go on with the ring in the journal if it is that one; else the frontend must start anew */
    VA_ACCEPT,       /* once every device is settled: state 4 */
    VA_SETTLE,       /* devices that the frontend has taken: 3 -> 4 */
    VA_FINISH,       /* the same, and state 4 after a reconfiguration */
    VA_CHECK_RING,   /* the frontend may have come with a new ring after a suspend */
    VA_RECONFIGURE,  /* once every device is settled: state 8 */
    VA_DISCONNECT,   /* have the worker end the ring */
    VA_TELL_CLOSING, /* state 5 */
    VA_TELL_CLOSED,  /* state 6 */
    VA_REOPEN,       /* after a moment in state 6: announce again, for a frontend that starts without saying 1 */
    VA_FORGET,       /* no more use for worker and devices */
    VA_ACTIONS
};

/* own: 0..8. */
enum vhost_situation vhost_classify(enum vhost_phase phase, enum xenbus_state own, bool online);
/* front: 0..9. */
enum vhost_action vhost_decide(enum vhost_situation s, enum xenbus_state front);

#endif
