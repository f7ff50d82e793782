/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What list and scan need to show text that other domains and devices have written: without control characters, in
 * columns, and as JSON. It never decides what is shown.
 */
#ifndef XL_SCSI_SHOW_H
#define XL_SCSI_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "change.h"

/* Escapes what a terminal must not get. "-" for NULL and "". Returns out. */
const char *show_safe(const char *text, char out[CHANGE_ERROR_MAX]);
/* The same as one word of a table: blanks are escaped too. */
const char *show_word(const char *text, char out[CHANGE_ERROR_MAX]);

/* Each takes over the value, also when it fails. False: no memory. */
bool json_put(struct json_object *o, const char *key, struct json_object *value);
bool json_append(struct json_object *array, struct json_object *o);
/* text NULL: null. */
bool json_put_text(struct json_object *o, const char *key, const char *text);
/* The same for text that a device or another domain may have written: JSON must be UTF-8. */
bool json_put_foreign(struct json_object *o, const char *key, const char *text);
bool json_put_number(struct json_object *o, const char *key, uint64_t value);
bool json_put_flag(struct json_object *o, const char *key, bool value);

#endif
