// SPDX-License-Identifier: GPL-2.0-or-later
/* The names of the XenBus states; see xenbus.h. */
#include "config.h"

#include "common/xenbus.h"

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
