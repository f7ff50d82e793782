/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Showing guests' virtual SCSI devices: a table, a longer text, or JSON. */
#ifndef XL_SCSI_LIST_H
#define XL_SCSI_LIST_H

#include <stdbool.h>

#include "view.h"
#include "wanted.h"

struct json_object;

/* name may be NULL. missing: devices that the guest should have and does not have. heading: a line for each guest. */
void list_table(const struct guest_view *v, const struct wanted *missing, const char *name, bool heading);
void list_long(const struct guest_view *v, const struct wanted *missing, const char *name);
/* A new object, or NULL without memory. */
struct json_object *list_json(const struct guest_view *v, const struct wanted *missing, const char *name);

#endif
