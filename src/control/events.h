/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a watch's event to the marks of what it makes dirty. Nothing is read here: a
 * flood of events costs no memory, and time only at a bounded rate.
 */
#ifndef PVSCSI_EVENTS_H
#define PVSCSI_EVENTS_H

#include "control/model.h"

/* token: "b" our tree, "d" domains that come and go, "f/<domid>/<id>" the frontend of that vhost. */
void event_mark(struct host *h, const char *path, const char *token);

#endif
