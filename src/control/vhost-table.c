// SPDX-License-Identifier: GPL-2.0-or-later
/* The vhost's state tables; see vhost-table.h. No function here does anything but look up. */
#include "config.h"

#include "control/vhost-table.h"

const char *xenbus_state_name(enum xenbus_state s)
{
    static const char *const name[XB_STATES] = {
        [XB_UNKNOWN] = "unknown",
        [XB_INITIALISING] = "Initialising",
        [XB_INIT_WAIT] = "InitWait",
        [XB_INITIALISED] = "Initialised",
        [XB_CONNECTED] = "Connected",
        [XB_CLOSING] = "Closing",
        [XB_CLOSED] = "Closed",
        [XB_RECONFIGURING] = "Reconfiguring",
        [XB_RECONFIGURED] = "Reconfigured",
        [XB_GONE] = "gone",
    };

    return (unsigned)s < XB_STATES ? name[s] : "unknown";
}

const char *vhost_phase_name(enum vhost_phase p)
{
    static const char *const name[VP_PHASES] = {
        [VP_UNSEEN] = "new", [VP_WAITING] = "waiting", [VP_CONNECTING] = "connecting",
        [VP_LIVE] = "live",  [VP_CLOSING] = "closing", [VP_CLOSED] = "closed",
    };

    return (unsigned)p < VP_PHASES ? name[p] : "unknown";
}

static const unsigned char situation[VP_PHASES][XB_GONE] = {
    [VP_UNSEEN] = {
        [XB_UNKNOWN] = VS_BARE, [XB_INITIALISING] = VS_FRESH, [XB_INIT_WAIT] = VS_FRESH,
        [XB_INITIALISED] = VS_FRESH, [XB_CONNECTED] = VS_FOUND_LIVE, [XB_CLOSING] = VS_FOUND_LEAVING,
        [XB_CLOSED] = VS_SHUT, [XB_RECONFIGURING] = VS_FOUND_LIVE, [XB_RECONFIGURED] = VS_FOUND_LIVE,
    },
    [VP_WAITING] = {
        [XB_UNKNOWN] = VS_BARE, [XB_INITIALISING] = VS_FRESH, [XB_INIT_WAIT] = VS_WAITING,
        [XB_INITIALISED] = VS_STRANGE, [XB_CONNECTED] = VS_STRANGE, [XB_CLOSING] = VS_TOLD,
        /* 7: the toolstack saw us connected a moment ago. */
        [XB_CLOSED] = VS_STRANGE, [XB_RECONFIGURING] = VS_FRESH, [XB_RECONFIGURED] = VS_STRANGE,
    },
    [VP_CONNECTING] = {
        /* What the toolstack wants is looked at when the worker has answered. */
        [XB_UNKNOWN] = VS_CONNECTING, [XB_INITIALISING] = VS_CONNECTING, [XB_INIT_WAIT] = VS_CONNECTING,
        [XB_INITIALISED] = VS_CONNECTING, [XB_CONNECTED] = VS_CONNECTING, [XB_CLOSING] = VS_CONNECTING,
        [XB_CLOSED] = VS_CONNECTING, [XB_RECONFIGURING] = VS_CONNECTING, [XB_RECONFIGURED] = VS_CONNECTING,
    },
    [VP_LIVE] = {
        [XB_UNKNOWN] = VS_ODD, [XB_INITIALISING] = VS_RESTART, [XB_INIT_WAIT] = VS_JOINING,
        [XB_INITIALISED] = VS_ODD, [XB_CONNECTED] = VS_LIVE, [XB_CLOSING] = VS_LEAVING,
        [XB_CLOSED] = VS_ODD, [XB_RECONFIGURING] = VS_WANTED, [XB_RECONFIGURED] = VS_OFFERED,
    },
    [VP_CLOSING] = {
        [XB_UNKNOWN] = VS_CLOSING, [XB_INITIALISING] = VS_CLOSING, [XB_INIT_WAIT] = VS_CLOSING,
        [XB_INITIALISED] = VS_CLOSING, [XB_CONNECTED] = VS_CLOSING, [XB_CLOSING] = VS_CLOSING,
        [XB_CLOSED] = VS_CLOSING, [XB_RECONFIGURING] = VS_CLOSING, [XB_RECONFIGURED] = VS_CLOSING,
    },
    [VP_CLOSED] = {
        [XB_UNKNOWN] = VS_BARE, [XB_INITIALISING] = VS_FRESH, [XB_INIT_WAIT] = VS_SHUTTING,
        [XB_INITIALISED] = VS_SHUTTING, [XB_CONNECTED] = VS_SHUTTING, [XB_CLOSING] = VS_TOLD,
        [XB_CLOSED] = VS_SHUT, [XB_RECONFIGURING] = VS_SHUTTING, [XB_RECONFIGURED] = VS_SHUTTING,
    },
};

enum vhost_situation vhost_classify(enum vhost_phase phase, enum xenbus_state own, bool online)
{
    enum vhost_situation s;

    if ((unsigned)phase >= VP_PHASES || (unsigned)own >= XB_GONE)
        return VS_BARE;
    s = (enum vhost_situation)situation[phase][own];
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
        /* 3 may come before our 2. 6 is what a frontend leaves behind that may start again. */
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_NOTHING, [XB_INIT_WAIT] = VA_NOTHING,
        [XB_INITIALISED] = VA_CONNECT, [XB_CONNECTED] = VA_IGNORE, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_NOTHING, [XB_RECONFIGURING] = VA_IGNORE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_FOUND_LIVE] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_ANNOUNCE, [XB_INIT_WAIT] = VA_ANNOUNCE,
        [XB_INITIALISED] = VA_TAKE_OVER, [XB_CONNECTED] = VA_TAKE_OVER, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_TELL_CLOSED, [XB_RECONFIGURING] = VA_TAKE_OVER, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_FOUND_LEAVING] = {
        /* The guest still writes its caches back while it leaves. */
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_TELL_CLOSED, [XB_INIT_WAIT] = VA_TELL_CLOSED,
        [XB_INITIALISED] = VA_TAKE_OVER, [XB_CONNECTED] = VA_TAKE_OVER, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_TELL_CLOSED, [XB_RECONFIGURING] = VA_TAKE_OVER, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
    },
    [VS_STRANGE] = {
        [XB_UNKNOWN] = VA_IGNORE, [XB_INITIALISING] = VA_IGNORE, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_IGNORE, [XB_CONNECTED] = VA_IGNORE, [XB_CLOSING] = VA_TELL_CLOSING,
        [XB_CLOSED] = VA_IGNORE, [XB_RECONFIGURING] = VA_IGNORE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_TELL_CLOSED,
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
    [VS_LIVE] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_CHECK_RING, [XB_CONNECTED] = VA_SETTLE, [XB_CLOSING] = VA_DISCONNECT,
        [XB_CLOSED] = VA_DISCONNECT, [XB_RECONFIGURING] = VA_RECONFIGURE, [XB_RECONFIGURED] = VA_IGNORE,
        [XB_GONE] = VA_DISCONNECT,
    },
    [VS_WANTED] = {
        [XB_UNKNOWN] = VA_NOTHING, [XB_INITIALISING] = VA_DISCONNECT, [XB_INIT_WAIT] = VA_IGNORE,
        [XB_INITIALISED] = VA_CHECK_RING, [XB_CONNECTED] = VA_SETTLE, [XB_CLOSING] = VA_DISCONNECT,
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
    [VS_CLOSING] = { ALL(VA_NOTHING) },
    [VS_SHUTTING] = {
        /*
         * 6 without a 5 of ours before it: Linux, its module unloaded. It waits for nothing, and when it is loaded again it
         * closes for good if it finds a 6. Who waits for our 6 (the Windows driver) waited for our 5 first.
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
