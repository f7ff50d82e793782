/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Marks what has to be read again after a watch event. It reads nothing itself: a flood of events costs no memory,
 * and little time.
 */
#ifndef PVSCSI_EVENTS_H
#define PVSCSI_EVENTS_H

#include "control/model.h"

/* token: "b": our tree; "d": domains that come and go; "f/<domid>/<id>": the frontend of that vhost. */
void event_mark(struct host *h, const char *path, const char *token);

#endif
