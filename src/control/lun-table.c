// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of a LUN; see lun-table.h. */
#include "config.h"

#include "control/lun-table.h"

const char *lun_state_name(enum lun_state l)
{
    static const char *const name[LUN_STATES] = {
        [LUN_NONE] = "none",         [LUN_OPENING] = "opening",   [LUN_OPENED] = "opened",
        [LUN_ADDING] = "adding",     [LUN_READY] = "ready",       [LUN_OFFERED] = "offered",
        [LUN_SHOWN] = "shown",       [LUN_REFUSED] = "refused",   [LUN_REOPENING] = "reopening",
        [LUN_REOPENED] = "reopened", [LUN_READDING] = "readding", [LUN_FOUND] = "found",
        [LUN_REMOVING] = "removing", [LUN_FAILING] = "failing",   [LUN_FAILED] = "failed",
    };

    return (unsigned)l < LUN_STATES ? name[l] : "unknown";
}

/* A cell of the table below. An empty one leaves the LUN as it is. */
#define TO(l) ((l) + 1)
#define RELEASED [LF_RELEASED] = TO(LUN_NONE)
/* The frontend was told to look at it, or may have been. */
#define MAY_BE_SHOWN \
    [LF_DIED] = TO(LUN_REOPENING), [LF_RESTART] = TO(LUN_OFFERED), [LF_SHOWN] = TO(LUN_SHOWN), \
    [LF_REMOVING] = TO(LUN_REMOVING), RELEASED

static const unsigned char after[LUN_STATES][LF_FACTS] = {
    [LUN_NONE] = {
        [LF_OPENING] = TO(LUN_OPENING), [LF_REOPENING] = TO(LUN_REOPENING), [LF_UNUSABLE] = TO(LUN_FAILING),
    },
    [LUN_OPENING] = { [LF_OPENED] = TO(LUN_OPENED), [LF_UNUSABLE] = TO(LUN_FAILING), RELEASED },
    [LUN_OPENED] = { [LF_HANDED] = TO(LUN_ADDING), RELEASED },
    [LUN_ADDING] = {
        [LF_ADDED] = TO(LUN_READY), [LF_NOT_ADDED] = TO(LUN_OPENING), [LF_DIED] = TO(LUN_OPENING),
        [LF_REMOVING] = TO(LUN_REMOVING), RELEASED,
    },
    [LUN_READY] = {
        [LF_DIED] = TO(LUN_OPENING), [LF_OFFERED] = TO(LUN_OFFERED), [LF_REMOVING] = TO(LUN_REMOVING), RELEASED,
    },
    [LUN_OFFERED] = { MAY_BE_SHOWN },
    [LUN_SHOWN] = { MAY_BE_SHOWN, [LF_REFUSED] = TO(LUN_REFUSED) },
    [LUN_REFUSED] = { MAY_BE_SHOWN },
    [LUN_REOPENING] = {
        [LF_OPENED] = TO(LUN_REOPENED), [LF_RESTART] = TO(LUN_OPENING), [LF_UNUSABLE] = TO(LUN_FAILING), RELEASED,
    },
    [LUN_REOPENED] = { [LF_HANDED] = TO(LUN_READDING), [LF_RESTART] = TO(LUN_OPENED), RELEASED },
    [LUN_READDING] = {
        [LF_ADDED] = TO(LUN_FOUND), [LF_NOT_ADDED] = TO(LUN_REOPENING), [LF_DIED] = TO(LUN_REOPENING),
        [LF_RESTART] = TO(LUN_ADDING), [LF_REMOVING] = TO(LUN_REMOVING), RELEASED,
    },
    [LUN_FOUND] = { MAY_BE_SHOWN },
    [LUN_REMOVING] = { [LF_REMOVED] = TO(LUN_NONE), [LF_DIED] = TO(LUN_NONE), RELEASED },
    [LUN_FAILING] = { [LF_SAID] = TO(LUN_FAILED), RELEASED },
    [LUN_FAILED] = { [LF_OPENING] = TO(LUN_OPENING), [LF_UNUSABLE] = TO(LUN_FAILING), RELEASED },
};

enum lun_state lun_after(enum lun_state lun, enum lun_fact fact)
{
    if ((unsigned)lun >= LUN_STATES || (unsigned)fact >= LF_FACTS || !after[lun][fact])
        return lun;
    return (enum lun_state)(after[lun][fact] - 1);
}

bool lun_is_with_worker(enum lun_state lun)
{
    static const bool with[LUN_STATES] = {
        [LUN_ADDING] = true,  [LUN_READY] = true,    [LUN_OFFERED] = true, [LUN_SHOWN] = true,
        [LUN_REFUSED] = true, [LUN_READDING] = true, [LUN_FOUND] = true,   [LUN_REMOVING] = true,
    };

    return (unsigned)lun < LUN_STATES && with[lun];
}

bool lun_is_open(enum lun_state lun)
{
    return lun == LUN_OPENED || lun == LUN_REOPENED;
}

bool lun_is_missed(enum lun_state lun)
{
    return lun == LUN_REOPENING || lun == LUN_REOPENED || lun == LUN_READDING;
}

bool lun_was_looked_at(enum lun_state lun)
{
    return lun == LUN_REFUSED || lun == LUN_FOUND;
}

static const unsigned char action[LUN_STATES][XB_STATES] = {
    [LUN_NONE] = {
        /* An earlier daemon left 3, 4 or 5. */
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_OPEN, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_REOPEN, [XB_CONNECTED] = LA_REOPEN, [XB_CLOSING] = LA_FOUND_CLOSING,
        [XB_CLOSED] = LA_NOTHING, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_DROP,
    },
    [LUN_OPENING] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_NOTHING, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_NOTHING, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_REMOVE,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_OPENED] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_NOTHING, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_NOTHING, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_REMOVE,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_ADDING] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_NOTHING, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_NOTHING, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_REMOVE,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_READY] = {
        /* 4: the guest had the device and has started anew. */
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_OFFER, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_OFFER, [XB_CONNECTED] = LA_OFFER, [XB_CLOSING] = LA_REMOVE,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_OFFERED] = {
        /* 1 again: the node was deleted and made anew between two reads. */
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_REMOVE, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_NOTHING, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_REMOVE,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_SHOWN] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_REMOVE, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_CHECK_TAKEN, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_DETACH,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_REFUSED] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_REMOVE, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_CHECK_TAKEN, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_DETACH,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_REOPENING] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_REMOVE, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_NOTHING, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_DETACH,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_REOPENED] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_REMOVE, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_NOTHING, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_DETACH,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_READDING] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_REMOVE, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_NOTHING, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_DETACH,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_FOUND] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_REMOVE, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_CHECK_TAKEN, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_DETACH,
        [XB_CLOSED] = LA_REMOVE, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_REMOVE,
    },
    [LUN_REMOVING] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_NOTHING, [XB_INIT_WAIT] = LA_NOTHING,
        [XB_INITIALISED] = LA_NOTHING, [XB_CONNECTED] = LA_NOTHING, [XB_CLOSING] = LA_NOTHING,
        [XB_CLOSED] = LA_NOTHING, [XB_RECONFIGURING] = LA_NOTHING, [XB_RECONFIGURED] = LA_NOTHING,
        [XB_GONE] = LA_NOTHING,
    },
    [LUN_FAILING] = {
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_SAY_FAILED, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_SAY_FAILED, [XB_CONNECTED] = LA_SAY_FAILED, [XB_CLOSING] = LA_SAY_DETACHED,
        [XB_CLOSED] = LA_SAID, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_DROP,
    },
    [LUN_FAILED] = {
        /* 1: the toolstack tries again. */
        [XB_UNKNOWN] = LA_NOTHING, [XB_INITIALISING] = LA_OPEN, [XB_INIT_WAIT] = LA_IGNORE,
        [XB_INITIALISED] = LA_IGNORE, [XB_CONNECTED] = LA_IGNORE, [XB_CLOSING] = LA_SAY_DETACHED,
        [XB_CLOSED] = LA_NOTHING, [XB_RECONFIGURING] = LA_IGNORE, [XB_RECONFIGURED] = LA_IGNORE,
        [XB_GONE] = LA_DROP,
    },
};

enum lun_action lun_decide(enum lun_state lun, enum xenbus_state own)
{
    if ((unsigned)lun >= LUN_STATES || (unsigned)own >= XB_STATES)
        return LA_IGNORE;
    return (enum lun_action)action[lun][own];
}
