/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How list and scan show text that other domains and devices have written: without control characters, in columns, and
 * as JSON. What is shown is decided elsewhere.
 */
#ifndef XL_SCSI_SHOW_H
#define XL_SCSI_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "change.h"

/* The text without control characters, which are escaped; "-" for NULL and "". Returns out. */
const char *show_safe(const char *text, char out[CHANGE_ERROR_MAX]);
/* The same as one word of a table: blanks are escaped too. */
const char *show_word(const char *text, char out[CHANGE_ERROR_MAX]);

/* The value belongs to the object from now on; it is freed if that fails. False: out of memory, also for value NULL. */
bool json_put(struct json_object *o, const char *key, struct json_object *value);
bool json_append(struct json_object *array, struct json_object *o);
/* text NULL: null. */
bool json_put_text(struct json_object *o, const char *key, const char *text);
/* The same for text that a device or another domain may have written: JSON must be UTF-8. */
bool json_put_foreign(struct json_object *o, const char *key, const char *text);
bool json_put_number(struct json_object *o, const char *key, uint64_t value);
bool json_put_flag(struct json_object *o, const char *key, bool value);

#endif
