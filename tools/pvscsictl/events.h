/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvscsictl events: prints what happens to guests and devices, one line each, until it is ended. */
#ifndef PVSCSICTL_EVENTS_H
#define PVSCSICTL_EVENTS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

/* One event as text: "TIME EVENT GUEST (DOMID) VDEV DEV: TEXT". Pure; a missing member is left out. */
void events_render(struct json_object *event, FILE *out);
/*
 * json: one object a line. Goes on when the daemon ends, and connects to the next one. Returns an exit status: no
 * daemon runs at first, the daemon refuses, or standard output cannot be written.
 */
int events_follow(const char *run_dir, bool json);

#endif
