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

static const unsigned char after[LUN_STATES][LF_FACTS] = {
    [LUN_NONE] = {
        [LF_OPENED] = LUN_NONE,
        [LF_HANDED] = LUN_NONE,
        [LF_ADDED] = LUN_NONE,
        [LF_NOT_ADDED] = LUN_NONE,
        [LF_REMOVED] = LUN_NONE,
        [LF_DIED] = LUN_NONE,
        [LF_RESTART] = LUN_NONE,
        [LF_SHOWN] = LUN_NONE,
        [LF_REFUSED] = LUN_NONE,
    },
    [LUN_OPENING] = {
        [LF_OPENED] = LUN_OPENED,
        [LF_HANDED] = LUN_OPENING,
        [LF_ADDED] = LUN_OPENING,
        [LF_NOT_ADDED] = LUN_OPENING,
        [LF_REMOVED] = LUN_OPENING,
        [LF_DIED] = LUN_OPENING,
        [LF_RESTART] = LUN_OPENING,
        [LF_SHOWN] = LUN_OPENING,
        [LF_REFUSED] = LUN_OPENING,
    },
    [LUN_OPENED] = {
        [LF_OPENED] = LUN_OPENED,
        [LF_HANDED] = LUN_ADDING,
        [LF_ADDED] = LUN_OPENED,
        [LF_NOT_ADDED] = LUN_OPENED,
        [LF_REMOVED] = LUN_OPENED,
        [LF_DIED] = LUN_OPENED,
        [LF_RESTART] = LUN_OPENED,
        [LF_SHOWN] = LUN_OPENED,
        [LF_REFUSED] = LUN_OPENED,
    },
    [LUN_ADDING] = {
        [LF_OPENED] = LUN_ADDING,
        [LF_HANDED] = LUN_ADDING,
        [LF_ADDED] = LUN_READY,
        [LF_NOT_ADDED] = LUN_OPENING,
        [LF_REMOVED] = LUN_ADDING,
        [LF_DIED] = LUN_OPENING,
        [LF_RESTART] = LUN_ADDING,
        [LF_SHOWN] = LUN_ADDING,
        [LF_REFUSED] = LUN_ADDING,
    },
    [LUN_READY] = {
        [LF_OPENED] = LUN_READY,
        [LF_HANDED] = LUN_READY,
        [LF_ADDED] = LUN_READY,
        [LF_NOT_ADDED] = LUN_READY,
        [LF_REMOVED] = LUN_READY,
        [LF_DIED] = LUN_OPENING,
        [LF_RESTART] = LUN_READY,
        [LF_SHOWN] = LUN_READY,
        [LF_REFUSED] = LUN_READY,
    },
    [LUN_OFFERED] = {
        [LF_OPENED] = LUN_OFFERED,
        [LF_HANDED] = LUN_OFFERED,
        [LF_ADDED] = LUN_OFFERED,
        [LF_NOT_ADDED] = LUN_OFFERED,
        [LF_REMOVED] = LUN_OFFERED,
        [LF_DIED] = LUN_REOPENING,
        [LF_RESTART] = LUN_OFFERED,
        [LF_SHOWN] = LUN_SHOWN,
        [LF_REFUSED] = LUN_OFFERED,
    },
    [LUN_SHOWN] = {
        [LF_OPENED] = LUN_SHOWN,
        [LF_HANDED] = LUN_SHOWN,
        [LF_ADDED] = LUN_SHOWN,
        [LF_NOT_ADDED] = LUN_SHOWN,
        [LF_REMOVED] = LUN_SHOWN,
        [LF_DIED] = LUN_REOPENING,
        [LF_RESTART] = LUN_OFFERED,
        [LF_SHOWN] = LUN_SHOWN,
        [LF_REFUSED] = LUN_REFUSED,
    },
    [LUN_REFUSED] = {
        [LF_OPENED] = LUN_REFUSED,
        [LF_HANDED] = LUN_REFUSED,
        [LF_ADDED] = LUN_REFUSED,
        [LF_NOT_ADDED] = LUN_REFUSED,
        [LF_REMOVED] = LUN_REFUSED,
        [LF_DIED] = LUN_REOPENING,
        [LF_RESTART] = LUN_OFFERED,
        [LF_SHOWN] = LUN_SHOWN,
        [LF_REFUSED] = LUN_REFUSED,
    },
    [LUN_REOPENING] = {
        [LF_OPENED] = LUN_REOPENED,
        [LF_HANDED] = LUN_REOPENING,
        [LF_ADDED] = LUN_REOPENING,
        [LF_NOT_ADDED] = LUN_REOPENING,
        [LF_REMOVED] = LUN_REOPENING,
        [LF_DIED] = LUN_REOPENING,
        [LF_RESTART] = LUN_OPENING,
        [LF_SHOWN] = LUN_REOPENING,
        [LF_REFUSED] = LUN_REOPENING,
    },
    [LUN_REOPENED] = {
        [LF_OPENED] = LUN_REOPENED,
        [LF_HANDED] = LUN_READDING,
        [LF_ADDED] = LUN_REOPENED,
        [LF_NOT_ADDED] = LUN_REOPENED,
        [LF_REMOVED] = LUN_REOPENED,
        [LF_DIED] = LUN_REOPENED,
        [LF_RESTART] = LUN_OPENED,
        [LF_SHOWN] = LUN_REOPENED,
        [LF_REFUSED] = LUN_REOPENED,
    },
    [LUN_READDING] = {
        [LF_OPENED] = LUN_READDING,
        [LF_HANDED] = LUN_READDING,
        [LF_ADDED] = LUN_FOUND,
        [LF_NOT_ADDED] = LUN_REOPENING,
        [LF_REMOVED] = LUN_READDING,
        [LF_DIED] = LUN_REOPENING,
        [LF_RESTART] = LUN_ADDING,
        [LF_SHOWN] = LUN_READDING,
        [LF_REFUSED] = LUN_READDING,
    },
    [LUN_FOUND] = {
        [LF_OPENED] = LUN_FOUND,
        [LF_HANDED] = LUN_FOUND,
        [LF_ADDED] = LUN_FOUND,
        [LF_NOT_ADDED] = LUN_FOUND,
        [LF_REMOVED] = LUN_FOUND,
        [LF_DIED] = LUN_REOPENING,
        [LF_RESTART] = LUN_OFFERED,
        [LF_SHOWN] = LUN_SHOWN,
        [LF_REFUSED] = LUN_FOUND,
    },
    [LUN_REMOVING] = {
        [LF_OPENED] = LUN_REMOVING,
        [LF_HANDED] = LUN_REMOVING,
        [LF_ADDED] = LUN_REMOVING,
        [LF_NOT_ADDED] = LUN_REMOVING,
        [LF_REMOVED] = LUN_NONE,
        [LF_DIED] = LUN_NONE,
        [LF_RESTART] = LUN_REMOVING,
        [LF_SHOWN] = LUN_REMOVING,
        [LF_REFUSED] = LUN_REMOVING,
    },
    [LUN_FAILING] = {
        [LF_OPENED] = LUN_FAILING,
        [LF_HANDED] = LUN_FAILING,
        [LF_ADDED] = LUN_FAILING,
        [LF_NOT_ADDED] = LUN_FAILING,
        [LF_REMOVED] = LUN_FAILING,
        [LF_DIED] = LUN_FAILING,
        [LF_RESTART] = LUN_FAILING,
        [LF_SHOWN] = LUN_FAILING,
        [LF_REFUSED] = LUN_FAILING,
    },
    [LUN_FAILED] = {
        [LF_OPENED] = LUN_FAILED,
        [LF_HANDED] = LUN_FAILED,
        [LF_ADDED] = LUN_FAILED,
        [LF_NOT_ADDED] = LUN_FAILED,
        [LF_REMOVED] = LUN_FAILED,
        [LF_DIED] = LUN_FAILED,
        [LF_RESTART] = LUN_FAILED,
        [LF_SHOWN] = LUN_FAILED,
        [LF_REFUSED] = LUN_FAILED,
    },
};

enum lun_state lun_after(enum lun_state lun, enum lun_fact fact)
{
    if ((unsigned)lun >= LUN_STATES || (unsigned)fact >= LF_FACTS)
        return lun;
    return (enum lun_state)after[lun][fact];
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
