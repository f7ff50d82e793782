/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the device of a LUN is there, as a pure function. This is apart from the LUN's own state (lun-table.h): a
 * guest keeps a LUN whose device has gone, whatever the frontend and the toolstack do with it meanwhile.
 */
#ifndef PVSCSI_PRESENCE_H
#define PVSCSI_PRESENCE_H

/* Only follow() of away.c writes vdev.presence. */
enum presence {
    DEVICE_THERE,
    DEVICE_GONE,      /* looked for again and again; the worker has the LUN without it */
    DEVICE_FOUND,     /* open here, for the worker to get */
    DEVICE_RETURNING, /* handed to the worker, which has not answered */
    DEVICE_PRESENCES
};
const char *presence_name(enum presence p);

enum presence_fact {
    DF_LOST,      /* the worker says that it is gone, or it could not be found for a LUN that the guest has */
    DF_OPENED,    /* the same unit was opened again */
    DF_HANDED,    /* the worker was told of it */
    DF_TAKEN,     /* the worker has it */
    DF_NOT_TAKEN, /* the worker could not use it */
    DF_OVER,      /* the worker no longer has the LUN: it died, or lets go of it */
    DF_FACTS
};
enum presence presence_after(enum presence p, enum presence_fact fact);

#endif
