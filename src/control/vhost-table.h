/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do with a vhost: pure functions of the ring, the state nodes of both sides, and whether the toolstack
 * still wants the vhost. Only the present states count, not how they came about, because watch events are merged
 * and lost. The functions only look up tables.
 */
#ifndef PVSCSI_VHOST_TABLE_H
#define PVSCSI_VHOST_TABLE_H

#include <stdbool.h>

#include "common/xenbus.h"

/* The state of the ring. Only follow() of vhost.c writes vhost.ring. */
enum ring_state {
    RING_UNSEEN,      /* found by a scan, nothing done yet: an earlier daemon may have served a ring */
    RING_NONE,        /* announced; no ring */
    RING_NEXT,        /* the frontend has a ring; no worker was told of it; it can be connected without closing first */
    RING_CONNECTING,  /* the worker was told to map it */
    RING_NEW,         /* the worker serves it; our state has not been written since */
    RING_LIVE,        /* the worker serves it, and the frontend was told so */
    RING_LOST,        /* its worker is gone; the journal says how to go on */
    RING_TAKING_OVER, /* a worker was told to go on with it */
    RING_ENDING,      /* the worker was told to end it */
    RING_REPLACING,   /* the worker was told to end it; RING_NEXT follows */
    RING_FAILED,      /* it cannot be used; the frontend has not been told to close yet */
    RING_ENDED,       /* there is no ring any more */
    RING_STATES
};
const char *ring_state_name(enum ring_state r);

/* What changes the ring. A fact that has no meaning in the ring's state changes nothing. */
enum ring_fact {
    /* The worker said it. */
    RF_CONNECTED,
    RF_CONNECT_FAILED, /* permanently: there are no more tries */
    RF_DISCONNECTED,
    /* The worker died. */
    RF_DIED,       /* its journal does not describe this ring */
    RF_DIED_BEGUN, /* its journal describes this ring */
    /* What the nodes and the files in the run directory say. */
    RF_FOUND,       /* no journal describes an earlier daemon's ring, and the frontend still waits for us to connect */
    RF_FOUND_BEGUN, /* the journal describes an earlier daemon's ring */
    RF_UNUSABLE,    /* the ring cannot be used as the nodes describe it */
    /* An action did it. */
    RF_ANNOUNCED,   /* the frontend may make a ring */
    RF_CONNECTING,  /* the worker was told to map the ring */
    RF_TAKING_OVER, /* the worker was told to go on with the ring */
    RF_ACCEPTED,    /* the frontend was told that its ring is served, or knows it */
    RF_ENDING,      /* the worker was told to end the ring */
    RF_REPLACING,   /* the same, and the frontend has a new one */
    RF_ENDED,       /* the frontend was told that there is no ring, or has none after all */
    RF_FACTS
};
enum ring_state ring_after(enum ring_state ring, enum ring_fact fact);

/* A worker has the ring mapped, or had it mapped when it died. */
bool ring_exists(enum ring_state ring);
/* A worker was told to serve the ring, and not yet to end it. */
bool ring_is_served(enum ring_state ring);
/* The guest uses its LUNs, through this ring or the next one. */
bool ring_is_used(enum ring_state ring);

/* The ring together with our own state node, in which the toolstack writes too. */
enum vhost_situation {
    VS_BARE,  /* no usable state node (yet) */
    VS_FRESH, /* to be announced */
    VS_WAITING,
    VS_FOUND_LIVE,    /* found connected: an earlier daemon's ring */
    VS_FOUND_LEAVING, /* found in state 5 */
    VS_STRANGE,       /* a state that should not occur; no ring */
    VS_NEXT,          /* a ring is to be connected without closing */
    VS_CONNECTING,
    VS_JOINING,   /* the ring is served, state 4 not written yet */
    VS_REJOINING, /* a new ring is served; our state is from the one before */
    VS_LIVE,
    VS_WANTED,  /* the toolstack wrote 7, or VA_SHOW_AGAIN did */
    VS_OFFERED, /* we wrote 8 */
    VS_LEAVING, /* the toolstack wrote 5 over a live ring */
    VS_RESTART, /* the toolstack wrote 1 over a live ring */
    VS_ODD,     /* as VS_STRANGE, with a live ring */
    VS_LOST,    /* no worker serves the ring */
    VS_CLOSING,
    VS_FAILED,   /* the ring cannot be used */
    VS_SHUTTING, /* no ring, our state does not say so yet */
    VS_TOLD,     /* no ring, state 5 */
    VS_SHUT,     /* state 6, to be used again */
    VS_ENDING,   /* no ring, offline, not yet 6 */
    VS_DONE,     /* state 6, offline */
    VS_SITUATIONS
};

enum vhost_action {
    VA_NOTHING,
    VA_IGNORE,       /* an impossible state: log it once, and do nothing */
    VA_ANNOUNCE,     /* feature-sg-grant, devices back to "offered", state 2 */
    VA_CONNECT,      /* read the ring's nodes, have the worker map it */
    VA_RECALL,       /* is the ring the one in the journal? Else the frontend must start anew */
    VA_TAKE_OVER,    /* once every device is open: have a worker go on with the ring */
    VA_ACCEPT,       /* once every device is settled: state 4 */
    VA_WELCOME,      /* the same for a new ring under a state that is 4, 7 or 8 already: it is written once more */
    VA_SERVE,        /* as VA_CHECK_RING if the ring's nodes changed; else nothing */
    VA_SHOW_AGAIN,   /* as VA_SERVE; state 7 if a device is back that was away when the frontend looked at it */
    VA_FINISH,       /* once every device was looked at: state 4 after a reconfiguration */
    VA_CHECK_RING,   /* the frontend may have come with a new ring after a suspend */
    VA_RECONFIGURE,  /* once every device is settled: state 8 */
    VA_DISCONNECT,   /* have the worker end the ring */
    VA_END,          /* the frontend has no next ring after all */
    VA_TELL_CLOSING, /* state 5 */
    VA_TELL_CLOSED,  /* state 6 */
    VA_REOPEN,       /* after a moment in state 6: announce again, for a frontend that starts without saying 1 */
    VA_FORGET,       /* release worker and devices */
    VA_ACTIONS
};

/* own: 0..8. */
enum vhost_situation vhost_classify(enum ring_state ring, enum xenbus_state own, bool online);
/* front: 0..9. */
enum vhost_action vhost_decide(enum vhost_situation s, enum xenbus_state front);

#endif
