// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens, for those who follow it; see news.h. */
#include "config.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "control/model.h"
#include "control/news.h"

struct news {
    char *line[NEWS_KEPT]; /* piece number i is at i % NEWS_KEPT; NULL: there was no memory for it */
    uint64_t next;         /* the number of the next piece */
    unsigned followers;
    time_t started;
    void (*added)(void *ctx);
    void *ctx;
};

const char *news_kind_name(enum news_kind kind)
{
    static const char *const names[NEWS_KINDS] = {
        [NEWS_ATTACH] = "attach",
        [NEWS_DETACH] = "detach",
        [NEWS_CONNECT] = "connect",
        [NEWS_DISCONNECT] = "disconnect",
        [NEWS_RESTART] = "restart",
        [NEWS_ERROR] = "error",
        [NEWS_REFUSED] = "refused",
        [NEWS_DEVICE_AWAY] = "device-away",
        [NEWS_DEVICE_BACK] = "device-back",
        [NEWS_HELPER_AWAY] = "helper-away",
        [NEWS_HELPER_BACK] = "helper-back",
        [NEWS_XENSTORED_AWAY] = "xenstored-away",
        [NEWS_XENSTORED_BACK] = "xenstored-back",
    };

    return kind < NEWS_KINDS ? names[kind] : "unknown";
}

struct news *news_new(void)
{
    struct news *n = calloc(1, sizeof(*n));

    if (n)
        n->started = time(NULL);
    return n;
}

void news_free(struct news *n)
{
    if (!n)
        return;
    for (unsigned i = 0; i < NEWS_KEPT; i++)
        free(n->line[i]);
    free(n);
}

void news_set_reader(struct news *n, void (*added)(void *ctx), void *ctx)
{
    n->added = added;
    n->ctx = ctx;
}

/* --- lines --- */

static void put_text(struct json_object *o, const char *key, const char *text)
{
    if (text[0])
        json_object_object_add(o, key, json_object_new_string(text));
}

static void put_number(struct json_object *o, const char *key, uint64_t n)
{
    json_object_object_add(o, key, json_object_new_int64((int64_t)n));
}

/* With the time and the word; NULL: no memory. */
static struct json_object *new_piece(const char *event)
{
    struct json_object *o = json_object_new_object();
    struct timespec now;
    struct tm tm;
    char date[32], text[48];

    if (!o)
        return NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof(text), "%s.%03ldZ", date, now.tv_nsec / 1000000);
    put_text(o, "time", text);
    put_text(o, "event", event);
    return o;
}

/* Frees o. NULL: no memory. */
static char *line_of(struct json_object *o)
{
    const char *text = o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
                         : NULL;
    char *line = text ? strf("%s\n", text) : NULL;

    json_object_put(o);
    return line;
}

static void put_vhost(struct json_object *o, const struct vhost *v)
{
    char uuid[GUEST_UUID_MAX];

    put_number(o, "domid", v->domid);
    put_number(o, "vhost", v->id);
    put_text(o, "guest", v->seen.name);
    model_guest_uuid(v, uuid);
    put_text(o, "uuid", uuid);
}

static void put_vdev(struct json_object *o, const struct vdev *d)
{
    char text[HCTL_TEXT_MAX], escaped[PDEV_TEXT_MAX];

    put_text(o, "dev", d->name);
    if (d->wish.pdev[0]) {
        hctl_format(&d->wish.vdev, text);
        put_text(o, "vdev", text);
        escape_for_log(escaped, sizeof(escaped), d->wish.pdev, strlen(d->wish.pdev));
        put_text(o, "pdev", escaped);
    }
    if (d->dev.sg_name[0]) {
        snprintf(text, sizeof(text), "/dev/%.20s", d->dev.sg_name);
        put_text(o, "device", text);
        put_text(o, "wwid", model_wwid(d));
    }
}

static void add(struct news *n, char *line)
{
    unsigned i = n->next % NEWS_KEPT;

    free(n->line[i]);
    n->line[i] = line;
    n->next++;
    if (n->added)
        n->added(n->ctx);
}

void news_tell(struct news *n, enum news_kind kind, const struct vhost *v, const struct vdev *d, const char *fmt, ...)
{
    struct json_object *o;
    char text[NEWS_TEXT_MAX], escaped[NEWS_TEXT_MAX];
    va_list ap;

    if (!n || n->followers == 0)
        return;
    o = new_piece(news_kind_name(kind));
    if (!o) {
        add(n, NULL);
        return;
    }
    if (v)
        put_vhost(o, v);
    if (d)
        put_vdev(o, d);
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    escape_for_log(escaped, sizeof(escaped), text, strlen(text));
    put_text(o, "text", escaped);
    add(n, line_of(o));
}

/* --- followers --- */

uint64_t news_follow(struct news *n)
{
    n->followers++;
    return n->next;
}

void news_unfollow(struct news *n)
{
    n->followers--;
}

const char *news_read(const struct news *n, uint64_t *at, uint64_t *missed)
{
    uint64_t oldest = n->next > NEWS_KEPT ? n->next - NEWS_KEPT : 0;
    uint64_t from = *at;

    *missed = 0;
    if (*at < oldest)
        *at = oldest;
    while (*at < n->next && !n->line[*at % NEWS_KEPT])
        (*at)++;
    *missed = *at - from;
    if (*missed || *at == n->next)
        return NULL;
    return n->line[(*at)++ % NEWS_KEPT];
}

char *news_greeting(const struct news *n)
{
    struct json_object *o = new_piece("following");

    if (!o)
        return NULL;
    put_text(o, "version", PACKAGE_VERSION);
    put_number(o, "pid", (uint64_t)getpid());
    put_number(o, "started", (uint64_t)n->started);
    return line_of(o);
}

char *news_missed(uint64_t missed)
{
    struct json_object *o = new_piece("lost");

    if (!o)
        return NULL;
    put_number(o, "count", missed);
    return line_of(o);
}
