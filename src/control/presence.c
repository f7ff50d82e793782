// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of a device's coming and going; see presence.h. */
#include "config.h"

#include "control/presence.h"

const char *presence_name(enum presence p)
{
    static const char *const name[DEVICE_PRESENCES] = {
        [DEVICE_THERE] = "there",
        [DEVICE_GONE] = "gone",
        [DEVICE_FOUND] = "found",
        [DEVICE_RETURNING] = "returning",
    };

    return (unsigned)p < DEVICE_PRESENCES ? name[p] : "unknown";
}

static const unsigned char after[DEVICE_PRESENCES][DF_FACTS] = {
    [DEVICE_THERE] = {
        [DF_LOST] = DEVICE_GONE,
        [DF_OPENED] = DEVICE_THERE,
        [DF_HANDED] = DEVICE_THERE,
        [DF_TAKEN] = DEVICE_THERE,
        [DF_NOT_TAKEN] = DEVICE_THERE,
        [DF_OVER] = DEVICE_THERE,
    },
    [DEVICE_GONE] = {
        [DF_LOST] = DEVICE_GONE,
        [DF_OPENED] = DEVICE_FOUND,
        [DF_HANDED] = DEVICE_GONE,
        [DF_TAKEN] = DEVICE_GONE,
        [DF_NOT_TAKEN] = DEVICE_GONE,
        [DF_OVER] = DEVICE_THERE,
    },
    [DEVICE_FOUND] = {
        [DF_LOST] = DEVICE_FOUND,
        [DF_OPENED] = DEVICE_FOUND,
        [DF_HANDED] = DEVICE_RETURNING,
        [DF_TAKEN] = DEVICE_FOUND,
        [DF_NOT_TAKEN] = DEVICE_FOUND,
        [DF_OVER] = DEVICE_THERE,
    },
    [DEVICE_RETURNING] = {
        /* The worker says it of the new device after it has taken it, so LOST is of the old one here. */
        [DF_LOST] = DEVICE_RETURNING,
        [DF_OPENED] = DEVICE_RETURNING,
        [DF_HANDED] = DEVICE_RETURNING,
        [DF_TAKEN] = DEVICE_THERE,
        [DF_NOT_TAKEN] = DEVICE_GONE,
        [DF_OVER] = DEVICE_THERE,
    },
};

enum presence presence_after(enum presence p, enum presence_fact fact)
{
    if ((unsigned)p >= DEVICE_PRESENCES || (unsigned)fact >= DF_FACTS)
        return p;
    return (enum presence)after[p][fact];
}
