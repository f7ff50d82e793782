/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Showing guests' virtual SCSI devices: a table, a longer text, or JSON. */
#ifndef XL_SCSI_LIST_H
#define XL_SCSI_LIST_H

#include <stdbool.h>

#include "view.h"
#include "wanted.h"

struct json_object;

/* name may be NULL. missing: what the guest should have and has not. heading: there may be several guests. */
void list_table(const struct guest_view *v, const struct wanted *missing, const char *name, bool heading);
void list_long(const struct guest_view *v, const struct wanted *missing, const char *name);
/* A new object, or NULL without memory. */
struct json_object *list_json(const struct guest_view *v, const struct wanted *missing, const char *name);

#endif
