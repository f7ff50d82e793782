/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The states of XenBus and their names, for every program that reads or writes state nodes. It never touches xenstore.
 */
#ifndef PVSCSI_XENBUS_H
#define PVSCSI_XENBUS_H

/* The states 1 to 8 of xen/io/xenbus.h; 0 means missing or not a state. */
enum xenbus_state {
    XB_UNKNOWN = 0,
    XB_INITIALISING = 1,
    XB_INIT_WAIT = 2,
    XB_INITIALISED = 3,
    XB_CONNECTED = 4,
    XB_CLOSING = 5,
    XB_CLOSED = 6,
    XB_RECONFIGURING = 7,
    XB_RECONFIGURED = 8,
    XB_GONE = 9, /* the frontend's node or its domain does not exist any more; of a device: its node */
    XB_STATES
};
/* "unknown", "Initialising" ... "Reconfigured", "gone"; "unknown" for any other number. Static text. */
const char *xenbus_state_name(enum xenbus_state s);

#endif
