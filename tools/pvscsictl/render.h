/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's answers as text. Pure: JSON in, text out; a missing field shows as empty or 0. */
#ifndef PVSCSICTL_RENDER_H
#define PVSCSICTL_RENDER_H

#include <json-c/json.h>
#include <stdio.h>

void render_status(struct json_object *answer, FILE *out);
void render_policy(struct json_object *answer, FILE *out);
void render_stats(struct json_object *answer, FILE *out);

#endif
