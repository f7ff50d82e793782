// SPDX-License-Identifier: GPL-2.0-or-later
/* An event as text; see events.h. */
#include "config.h"

#include <inttypes.h>

#include "pvscsictl/events.h"

static const char *text(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ? json_object_get_string(v)
                                                                                             : "";
}

/* False: there is none. */
static bool number(struct json_object *o, const char *key, int64_t *out)
{
    struct json_object *v;

    if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
        return false;
    *out = json_object_get_int64(v);
    return true;
}

void events_render(struct json_object *event, FILE *out)
{
    static const char *const names[] = { "vdev", "dev", "device" };
    int64_t n;

    fprintf(out, "%s %-11s", text(event, "time"), text(event, "event"));
    if (number(event, "domid", &n)) {
        if (text(event, "guest")[0])
            fprintf(out, " %s (%" PRId64 ")", text(event, "guest"), n);
        else
            fprintf(out, " guest %" PRId64, n);
    }
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text(event, names[i])[0])
            fprintf(out, " %s", text(event, names[i]));
    if (text(event, "text")[0])
        fprintf(out, ": %s", text(event, "text"));
    if (number(event, "count", &n))
        fprintf(out, ": %" PRId64 " events, because they were not read in time", n);
    if (number(event, "pid", &n))
        fprintf(out, ": pvscsid %s, pid %" PRId64, text(event, "version"), n);
    fputc('\n', out);
}
