// SPDX-License-Identifier: GPL-2.0-or-later
/* Text of other domains and of devices, for a terminal and for JSON; see show.h. */
#include "config.h"

#include <stdio.h>

#include "common/util.h"
#include "show.h"

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

const char *show_safe(const char *text, char out[CHANGE_ERROR_MAX])
{
    escape_for_log(out, CHANGE_ERROR_MAX, or_dash(text), strlen(or_dash(text)));
    return out;
}

/* A word of the table: identifiers may hold blanks. */
const char *show_word(const char *text, char out[CHANGE_ERROR_MAX])
{
    char plain[CHANGE_ERROR_MAX];
    size_t at = 0;

    for (const char *from = show_safe(text, plain); *from && at + 5 < CHANGE_ERROR_MAX; from++)
        if (*from == ' ')
            at += (size_t)sprintf(out + at, "\\x20");
        else
            out[at++] = *from;
    out[at] = '\0';
    return out;
}

bool json_put(struct json_object *o, const char *key, struct json_object *value)
{
    if (value && json_object_object_add(o, key, value) == 0)
        return true;
    json_object_put(value);
    return false;
}

bool json_put_text(struct json_object *o, const char *key, const char *text)
{
    return text ? json_put(o, key, json_object_new_string(text)) : json_object_object_add(o, key, NULL) == 0;
}

bool json_put_foreign(struct json_object *o, const char *key, const char *text)
{
    size_t room = text ? 4 * strlen(text) + 1 : 1;
    CLEANUP_FREE char *copy = malloc(room);

    if (!copy)
        return false;
    escape_for_log(copy, room, text ? text : "", text ? strlen(text) : 0);
    return json_put_text(o, key, text ? copy : NULL);
}

bool json_put_number(struct json_object *o, const char *key, uint64_t value)
{
    return json_put(o, key, json_object_new_uint64(value));
}

bool json_put_flag(struct json_object *o, const char *key, bool value)
{
    return json_put(o, key, json_object_new_boolean(value));
}

bool json_append(struct json_object *array, struct json_object *o)
{
    if (o && json_object_array_add(array, o) == 0)
        return true;
    json_object_put(o);
    return false;
}
