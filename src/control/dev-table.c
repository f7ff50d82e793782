// SPDX-License-Identifier: GPL-2.0-or-later
/* The device's state table; see dev-table.h. */
#include "config.h"

#include "control/dev-table.h"

const char *dev_phase_name(enum dev_phase p)
{
    static const char *const name[DP_PHASES] = {
        [DP_NONE] = "none",       [DP_OPENING] = "opening",   [DP_ADDING] = "adding",   [DP_READY] = "ready",
        [DP_OFFERED] = "offered", [DP_REMOVING] = "removing", [DP_FAILING] = "failing", [DP_FAILED] = "failed",
    };

    return (unsigned)p < DP_PHASES ? name[p] : "unknown";
}

static const unsigned char action[DP_PHASES][XB_STATES] = {
    [DP_NONE] = {
        /* 3, 4 and 5 are what an earlier daemon left. */
        [XB_UNKNOWN] = DA_NOTHING, [XB_INITIALISING] = DA_OPEN, [XB_INIT_WAIT] = DA_IGNORE,
        [XB_INITIALISED] = DA_OPEN, [XB_CONNECTED] = DA_OPEN, [XB_CLOSING] = DA_FOUND_CLOSING,
        [XB_CLOSED] = DA_NOTHING, [XB_RECONFIGURING] = DA_IGNORE, [XB_RECONFIGURED] = DA_IGNORE,
        [XB_GONE] = DA_DROP,
    },
    [DP_OPENING] = {
        [XB_UNKNOWN] = DA_NOTHING, [XB_INITIALISING] = DA_NOTHING, [XB_INIT_WAIT] = DA_IGNORE,
        [XB_INITIALISED] = DA_NOTHING, [XB_CONNECTED] = DA_NOTHING, [XB_CLOSING] = DA_DETACH,
        [XB_CLOSED] = DA_REMOVE, [XB_RECONFIGURING] = DA_IGNORE, [XB_RECONFIGURED] = DA_IGNORE,
        [XB_GONE] = DA_REMOVE,
    },
    [DP_ADDING] = {
        [XB_UNKNOWN] = DA_NOTHING, [XB_INITIALISING] = DA_NOTHING, [XB_INIT_WAIT] = DA_IGNORE,
        [XB_INITIALISED] = DA_NOTHING, [XB_CONNECTED] = DA_NOTHING, [XB_CLOSING] = DA_DETACH,
        [XB_CLOSED] = DA_REMOVE, [XB_RECONFIGURING] = DA_IGNORE, [XB_RECONFIGURED] = DA_IGNORE,
        [XB_GONE] = DA_REMOVE,
    },
    [DP_READY] = {
        [XB_UNKNOWN] = DA_NOTHING, [XB_INITIALISING] = DA_OFFER, [XB_INIT_WAIT] = DA_IGNORE,
        [XB_INITIALISED] = DA_OFFER, [XB_CONNECTED] = DA_OFFER, [XB_CLOSING] = DA_DETACH,
        [XB_CLOSED] = DA_REMOVE, [XB_RECONFIGURING] = DA_IGNORE, [XB_RECONFIGURED] = DA_IGNORE,
        [XB_GONE] = DA_REMOVE,
    },
    [DP_OFFERED] = {
        /* 1 again: the node was deleted and made anew between two looks. */
        [XB_UNKNOWN] = DA_NOTHING, [XB_INITIALISING] = DA_REMOVE, [XB_INIT_WAIT] = DA_IGNORE,
        [XB_INITIALISED] = DA_SETTLE, [XB_CONNECTED] = DA_NOTHING, [XB_CLOSING] = DA_DETACH,
        [XB_CLOSED] = DA_REMOVE, [XB_RECONFIGURING] = DA_IGNORE, [XB_RECONFIGURED] = DA_IGNORE,
        [XB_GONE] = DA_REMOVE,
    },
    [DP_REMOVING] = {
        [XB_UNKNOWN] = DA_NOTHING, [XB_INITIALISING] = DA_NOTHING, [XB_INIT_WAIT] = DA_NOTHING,
        [XB_INITIALISED] = DA_NOTHING, [XB_CONNECTED] = DA_NOTHING, [XB_CLOSING] = DA_NOTHING,
        [XB_CLOSED] = DA_NOTHING, [XB_RECONFIGURING] = DA_NOTHING, [XB_RECONFIGURED] = DA_NOTHING,
        [XB_GONE] = DA_NOTHING,
    },
    [DP_FAILING] = {
        [XB_UNKNOWN] = DA_NOTHING, [XB_INITIALISING] = DA_SAY_FAILED, [XB_INIT_WAIT] = DA_IGNORE,
        [XB_INITIALISED] = DA_SAY_FAILED, [XB_CONNECTED] = DA_SAY_FAILED, [XB_CLOSING] = DA_SAY_DETACHED,
        [XB_CLOSED] = DA_NOTHING, [XB_RECONFIGURING] = DA_IGNORE, [XB_RECONFIGURED] = DA_IGNORE,
        [XB_GONE] = DA_DROP,
    },
    [DP_FAILED] = {
        /* 1: the toolstack tries again. */
        [XB_UNKNOWN] = DA_NOTHING, [XB_INITIALISING] = DA_OPEN, [XB_INIT_WAIT] = DA_IGNORE,
        [XB_INITIALISED] = DA_IGNORE, [XB_CONNECTED] = DA_IGNORE, [XB_CLOSING] = DA_SAY_DETACHED,
        [XB_CLOSED] = DA_NOTHING, [XB_RECONFIGURING] = DA_IGNORE, [XB_RECONFIGURED] = DA_IGNORE,
        [XB_GONE] = DA_DROP,
    },
};

enum dev_action dev_decide(enum dev_phase phase, enum xenbus_state own)
{
    if ((unsigned)phase >= DP_PHASES || (unsigned)own >= XB_STATES)
        return DA_IGNORE;
    return (enum dev_action)action[phase][own];
}
