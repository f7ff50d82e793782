// SPDX-License-Identifier: GPL-2.0-or-later
/* The vhost's state tables; see vhost-table.h. */
#include "config.h"

#include "control/vhost-table.h"

const char *ring_state_name(enum ring_state r)
{
    static const char *const name[RING_STATES] = {
        [RING_UNSEEN] = "unseen",  [RING_NONE] = "waiting",
        [RING_NEXT] = "next",      [RING_CONNECTING] = "connecting",
        [RING_NEW] = "new",        [RING_LIVE] = "live",
        [RING_LOST] = "lost",      [RING_TAKING_OVER] = "taking over",
        [RING_ENDING] = "closing", [RING_REPLACING] = "replacing",
        [RING_FAILED] = "failed",  [RING_ENDED] = "closed",
    };

    return (unsigned)r < RING_STATES ? name[r] : "unknown";
}

/* A cell of the table below. An empty one leaves the ring as it is. */
#define TO(r) ((r) + 1)

static const unsigned char after[RING_STATES][RF_FACTS] = {
    [RING_UNSEEN] = {
        [RF_FOUND_BEGUN] = TO(RING_LOST), [RF_FOUND] = TO(RING_NEXT), [RF_UNUSABLE] = TO(RING_FAILED),
        [RF_ANNOUNCED] = TO(RING_NONE), [RF_ENDED] = TO(RING_ENDED),
    },
    [RING_NONE] = {
        [RF_CONNECTING] = TO(RING_CONNECTING), [RF_UNUSABLE] = TO(RING_FAILED), [RF_ENDED] = TO(RING_ENDED),
    },
    [RING_NEXT] = {
        [RF_ANNOUNCED] = TO(RING_NONE), [RF_CONNECTING] = TO(RING_CONNECTING), [RF_UNUSABLE] = TO(RING_FAILED),
        [RF_ENDED] = TO(RING_ENDED),
    },
    [RING_CONNECTING] = {
        [RF_CONNECTED] = TO(RING_NEW), [RF_CONNECT_FAILED] = TO(RING_FAILED), [RF_DIED] = TO(RING_NEXT),
        [RF_DIED_BEGUN] = TO(RING_LOST), [RF_ENDING] = TO(RING_ENDING),
    },
    [RING_NEW] = {
        [RF_DIED] = TO(RING_LOST), [RF_DIED_BEGUN] = TO(RING_LOST), [RF_ACCEPTED] = TO(RING_LIVE),
        [RF_ENDING] = TO(RING_ENDING), [RF_REPLACING] = TO(RING_REPLACING),
    },
    [RING_LIVE] = {
        [RF_DIED] = TO(RING_LOST), [RF_DIED_BEGUN] = TO(RING_LOST), [RF_ENDING] = TO(RING_ENDING),
        [RF_REPLACING] = TO(RING_REPLACING),
    },
    [RING_LOST] = { [RF_TAKING_OVER] = TO(RING_TAKING_OVER), [RF_ENDING] = TO(RING_ENDING) },
    [RING_TAKING_OVER] = {
        [RF_CONNECTED] = TO(RING_NEW), [RF_CONNECT_FAILED] = TO(RING_FAILED), [RF_DIED] = TO(RING_LOST),
        [RF_DIED_BEGUN] = TO(RING_LOST), [RF_ENDING] = TO(RING_ENDING),
    },
    /* When the process ends, the kernel unmaps the ring. */
    [RING_ENDING] = {
        [RF_DISCONNECTED] = TO(RING_ENDED), [RF_DIED] = TO(RING_ENDED), [RF_DIED_BEGUN] = TO(RING_ENDED),
    },
    [RING_REPLACING] = {
        [RF_DISCONNECTED] = TO(RING_NEXT), [RF_DIED] = TO(RING_NEXT), [RF_DIED_BEGUN] = TO(RING_NEXT),
    },
    [RING_FAILED] = { [RF_ENDED] = TO(RING_ENDED) },
    [RING_ENDED] = { [RF_ANNOUNCED] = TO(RING_NONE) },
};

enum ring_state ring_after(enum ring_state ring, enum ring_fact fact)
{
    if ((unsigned)ring >= RING_STATES || (unsigned)fact >= RF_FACTS || !after[ring][fact])
        return ring;
    return (enum ring_state)(after[ring][fact] - 1);
}

bool ring_is_served(enum ring_state ring)
{
    return ring == RING_CONNECTING || ring == RING_NEW || ring == RING_LIVE || ring == RING_TAKING_OVER;
}

bool ring_exists(enum ring_state ring)
{
    return ring_is_served(ring) || ring == RING_LOST || ring == RING_ENDING || ring == RING_REPLACING;
}

bool ring_is_used(enum ring_state ring)
{
    return ring_is_served(ring) || ring == RING_LOST || ring == RING_REPLACING || ring == RING_NEXT;
}

#define ANY_OWN(s) \
    [XB_UNKNOWN] = s, [XB_INITIALISING] = s, [XB_INIT_WAIT] = s, [XB_INITIALISED] = s, [XB_CONNECTED] = s, \
    [XB_CLOSING] = s, [XB_CLOSED] = s, [XB_RECONFIGURING] = s, [XB_RECONFIGURED] = s

static const unsigned char situation[RING_STATES][XB_GONE] = {
    [RING_UNSEEN] = {
        [XB_UNKNOWN] = VS_BARE, [XB_INITIALISING] = VS_FRESH, [XB_INIT_WAIT] = VS_FRESH,
        [XB_INITIALISED] = VS_FRESH, [XB_CONNECTED] = VS_FOUND_LIVE, [XB_CLOSING] = VS_FOUND_LEAVING,
        [XB_CLOSED] = VS_SHUT, [XB_RECONFIGURING] = VS_FOUND_LIVE, [XB_RECONFIGURED] = VS_FOUND_LIVE,
    },
    [RING_NONE] = {
        [XB_UNKNOWN] = VS_BARE, [XB_INITIALISING] = VS_FRESH, [XB_INIT_WAIT] = VS_WAITING,
        [XB_INITIALISED] = VS_STRANGE, [XB_CONNECTED] = VS_STRANGE, [XB_CLOSING] = VS_TOLD,
        /* 7: the toolstack saw us connected a moment ago. */
        [XB_CLOSED] = VS_STRANGE, [XB_RECONFIGURING] = VS_FRESH, [XB_RECONFIGURED] = VS_STRANGE,
    },
    [RING_NEXT] = {
        [XB_UNKNOWN] = VS_NEXT, [XB_INITIALISING] = VS_FRESH, [XB_INIT_WAIT] = VS_NEXT,
        [XB_INITIALISED] = VS_NEXT, [XB_CONNECTED] = VS_NEXT, [XB_CLOSING] = VS_NEXT,
        [XB_CLOSED] = VS_NEXT, [XB_RECONFIGURING] = VS_NEXT, [XB_RECONFIGURED] = VS_NEXT,
    },
    /* What the toolstack wants is decided after the worker has answered. */
    [RING_CONNECTING] = { ANY_OWN(VS_CONNECTING) },
    [RING_TAKING_OVER] = { ANY_OWN(VS_CONNECTING) },
    [RING_NEW] = {
        [XB_UNKNOWN] = VS_ODD, [XB_INITIALISING] = VS_RESTART, [XB_INIT_WAIT] = VS_JOINING,
        [XB_INITIALISED] = VS_ODD, [XB_CONNECTED] = VS_REJOINING, [XB_CLOSING] = VS_LEAVING,
        [XB_CLOSED] = VS_ODD, [XB_RECONFIGURING] = VS_REJOINING, [XB_RECONFIGURED] = VS_REJOINING,
    },
    [RING_LIVE] = {
        [XB_UNKNOWN] = VS_ODD, [XB_INITIALISING] = VS_RESTART, [XB_INIT_WAIT] = VS_JOINING,
        [XB_INITIALISED] = VS_ODD, [XB_CONNECTED] = VS_LIVE, [XB_CLOSING] = VS_LEAVING,
        [XB_CLOSED] = VS_ODD, [XB_RECONFIGURING] = VS_WANTED, [XB_RECONFIGURED] = VS_OFFERED,
    },
    [RING_LOST] = {
        [XB_UNKNOWN] = VS_LOST, [XB_INITIALISING] = VS_RESTART, [XB_INIT_WAIT] = VS_LOST,
        [XB_INITIALISED] = VS_LOST, [XB_CONNECTED] = VS_LOST, [XB_CLOSING] = VS_LOST,
        [XB_CLOSED] = VS_LOST, [XB_RECONFIGURING] = VS_LOST, [XB_RECONFIGURED] = VS_LOST,
    },
    [RING_ENDING] = { ANY_OWN(VS_CLOSING) },
    [RING_REPLACING] = { ANY_OWN(VS_CLOSING) },
    [RING_FAILED] = { ANY_OWN(VS_FAILED) },
    [RING_ENDED] = {
        [XB_UNKNOWN] = VS_BARE, [XB_INITIALISING] = VS_FRESH, [XB_INIT_WAIT] = VS_SHUTTING,
        [XB_INITIALISED] = VS_SHUTTING, [XB_CONNECTED] = VS_SHUTTING, [XB_CLOSING] = VS_TOLD,
        [XB_CLOSED] = VS_SHUT, [XB_RECONFIGURING] = VS_SHUTTING, [XB_RECONFIGURED] = VS_SHUTTING,
    },
};

enum vhost_situation vhost_classify(enum ring_state ring, enum xenbus_state own, bool online)
{
    enum vhost_situation s;

    if ((unsigned)ring >= RING_STATES || (unsigned)own >= XB_GONE)
        return VS_BARE;
    s = (enum vhost_situation)situation[ring][own];
    if (!online && (s == VS_FRESH || s == VS_SHUTTING))
        return VS_ENDING;
    if (!online && s == VS_SHUT)
        return VS_DONE;
    return s;
}

#define ALL(a) \
    [XB_UNKNOWN] = a, [XB_INITIALISING] = a, [XB_INIT_WAIT] = a, [XB_INITIALISED] = a, [XB_CONNECTED] = a, \
    [XB_CLOSING] = a, [XB_CLOSED] = a, [XB_RECONFIGURING] = a, [XB_RECONFIGURED] = a, [XB_GONE] = a

static const unsigned char action[VS_SITUATIONS][XB_STATES] = {
    [VS_BARE] = { ALL(VA_NOTHING) },
    [VS_FRESH] = {
        [XB_UNKNOWN] = VA_ANNOUNCE, [XB_INITIALISING] = VA_ANNOUNCE, [XB_INIT_WAIT] = VA_ANNOUNCE,
        [XB_INITIALISED] = VA_ANNOUNCE, [XB_CONNECTED] = VA_ANNOUNCE, [XB_CLOSING] = VA_ANNOUNCE,
        [XB_CLOSED] = VA_ANNOUNCE, [XB_RECONFIGURING] = VA_ANNOUNCE, [XB_RECONFIGURED] = VA_ANNOUNCE,
        [XB_GONE] = VA_NOTHING,
    },
    [VS_WAITING] = {
        /* 3 may come before our 2. A frontend that ended leaves a 6, and may start again. */
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_NOTHING, [XB_INIT_WAIT] = VA_NOTHING,
        [XB_INITIALISED] = VA_CONNECT, [XB_CONNECTED] = VA_IGNORE, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_NOTHING, [XB_RECONFIGURING] = VA_IGNORE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_FOUND_LIVE] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_ANNOUNCE, [XB_INIT_WAIT] = VA_ANNOUNCE,
        [XB_INITIALISED] = VA_RECALL, [XB_CONNECTED] = VA_RECALL, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_TELL_CLOSED, [XB_RECONFIGURING] = VA_RECALL, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_FOUND_LEAVING] = {
        /* The guest still writes its caches back while it leaves. */
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_TELL_CLOSED, [XB_INIT_WAIT] = VA_TELL_CLOSED,
        [XB_INITIALISED] = VA_RECALL, [XB_CONNECTED] = VA_RECALL, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_TELL_CLOSED, [XB_RECONFIGURING] = VA_RECALL, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_STRANGE] = {
        [XB_UNKNOWN] = VA_IGNORE, [XB_INITIALISING] = VA_IGNORE, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_IGNORE, [XB_CONNECTED] = VA_IGNORE, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_IGNORE, [XB_RECONFIGURING] = VA_IGNORE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_NEXT] = {
        /* 4: it may have gone on already, because it saw our old 4. 0: its state cannot be read at the moment. */
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_END, [XB_INIT_WAIT] = VA_END,
        [XB_INITIALISED] = VA_CONNECT, [XB_CONNECTED] = VA_CONNECT, [XB_CLOSING] = VA_END,
        [XB_CLOSED] = VA_END, [XB_RECONFIGURING] = VA_END, [XB_RECONFIGURED] = VA_END,
        [XB_GONE] = VA_END,
    },
    [VS_CONNECTING] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_NOTHING,
        [XB_INITIALISED] = VA_NOTHING, [XB_CONNECTED] = VA_NOTHING, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_NOTHING, [XB_RECONFIGURED] = VA_NOTHING,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_JOINING] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_ACCEPT, [XB_CONNECTED] = VA_ACCEPT, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_IGNORE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_REJOINING] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_WELCOME, [XB_CONNECTED] = VA_WELCOME, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_WELCOME, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_LIVE] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_CHECK_RING, [XB_CONNECTED] = VA_SHOW_AGAIN, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_RECONFIGURE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_WANTED] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_CHECK_RING, [XB_CONNECTED] = VA_SERVE, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_RECONFIGURE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_OFFERED] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_CHECK_RING, [XB_CONNECTED] = VA_FINISH, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_NOTHING, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_LEAVING] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_NOTHING, [XB_CONNECTED] = VA_NOTHING, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_NOTHING, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_RESTART] = { ALL(VA_DISCONNECT) },
    [VS_ODD] = {
        [XB_UNKNOWN] = VA_IGNORE, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_IGNORE, [XB_CONNECTED] = VA_IGNORE, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_IGNORE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_LOST] = {
        /* Commands of the guest are under way: they are served unless the frontend says that it leaves. */
        [XB_UNKNOWN] = VA_TAKE_OVER, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_TAKE_OVER,
        [XB_INITIALISED] = VA_TAKE_OVER, [XB_CONNECTED] = VA_TAKE_OVER, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_TAKE_OVER, [XB_RECONFIGURED] = VA_TAKE_OVER,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_CLOSING] = { ALL(VA_NOTHING) },
    [VS_FAILED] = { ALL(VA_TELL_CLOSING) },
    [VS_SHUTTING] = {
        /*
         * 6 without a 5 of ours before it: Linux has unloaded its module. It does not wait for us, and if it finds
         * our 6 when it is loaded again it closes permanently. A frontend that waits for our 6 (the Windows one) waits
         * for our 5 first.
         */
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_ANNOUNCE, [XB_INIT_WAIT] = VA_NOTHING,
        [XB_INITIALISED] = VA_ANNOUNCE, [XB_CONNECTED] = VA_TELL_CLOSING, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_ANNOUNCE, [XB_RECONFIGURING] = VA_TELL_CLOSING, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_TOLD] = {
        /* 3, 4, 7: the frontend has yet to see our 5. */
        [XB_UNKNOWN] = VA_TELL_CLOSED, [XB_INITIALISING] = VA_TELL_CLOSED, [XB_INIT_WAIT] = VA_TELL_CLOSED,
        [XB_INITIALISED] = VA_NOTHING, [XB_CONNECTED] = VA_NOTHING, [XB_CLOSING] = VA_NOTHING,
        [XB_CLOSED] = VA_TELL_CLOSED, [XB_RECONFIGURING] = VA_NOTHING, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_SHUT] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_ANNOUNCE, [XB_INIT_WAIT] = VA_NOTHING,
        [XB_INITIALISED] = VA_ANNOUNCE, [XB_CONNECTED] = VA_IGNORE, [XB_CLOSING] = VA_NOTHING,
        [XB_CLOSED] = VA_REOPEN, [XB_RECONFIGURING] = VA_IGNORE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_NOTHING,
    },
    [VS_ENDING] = {
        [XB_UNKNOWN] = VA_TELL_CLOSED, [XB_INITIALISING] = VA_TELL_CLOSED, [XB_INIT_WAIT] = VA_TELL_CLOSED,
        [XB_INITIALISED] = VA_TELL_CLOSED, [XB_CONNECTED] = VA_TELL_CLOSED, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_TELL_CLOSED, [XB_RECONFIGURING] = VA_TELL_CLOSED, [XB_RECONFIGURED] = VA_TELL_CLOSED,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_DONE] = { ALL(VA_FORGET) },
};

enum vhost_action vhost_decide(enum vhost_situation s, enum xenbus_state front)
{
    if ((unsigned)s >= VS_SITUATIONS || (unsigned)front >= XB_STATES)
        return VA_IGNORE;
    return (enum vhost_action)action[s][front];
}
