// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of pvscsictl top; see top-table.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/param.h>

#include "common/util.h"
#include "pvscsictl/top-table.h"

/* The columns behind guest, LUN and device have 42 characters with the blanks before them. */
#define NUMBERS_WIDTH 42
#define LUN_WIDTH 12
#define DEVICE_WIDTH 8

static const char *const keys[TOP_KEYS + 1] = {
    [TOP_COMMANDS] = "commands",       [TOP_READ] = "read",     [TOP_WRITE] = "write", [TOP_LATENCY] = "latency",
    [TOP_OUTSTANDING] = "outstanding", [TOP_ERRORS] = "errors", [TOP_GUEST] = "guest",
};

const char *top_key_name(enum top_key key)
{
    return key < TOP_KEYS ? keys[key] : NULL;
}

int top_key_parse(const char *name, enum top_key *out)
{
    for (enum top_key k = 0; k < TOP_KEYS; k++) {
        if (strcmp(name, keys[k]) == 0) {
            *out = k;
            return 0;
        }
    }
    return -EINVAL;
}

/* --- from the answer --- */

static struct json_object *member(struct json_object *o, const char *key, json_type type)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, type) ? v : NULL;
}

static uint64_t number(struct json_object *o, const char *key)
{
    struct json_object *v = member(o, key, json_type_int);
    int64_t n = v ? json_object_get_int64(v) : 0;

    return n > 0 ? (uint64_t)n : 0;
}

static size_t length(struct json_object *list)
{
    return list ? json_object_array_length(list) : 0;
}

/* What is not printable ASCII would move the cursor. */
static void copy(char *dst, size_t size, struct json_object *o, const char *key)
{
    struct json_object *v = member(o, key, json_type_string);

    snprintf(dst, size, "%s", v ? json_object_get_string(v) : "");
    for (char *c = dst; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void read_row(struct json_object *vhost, struct json_object *lun, struct top_row *row)
{
    struct json_object *stats = member(lun, "stats", json_type_object);
    struct json_object *up = member(lun, "up", json_type_boolean);
    struct top_counters *c = &row->sum;
    char device[256];

    *row = (struct top_row){ .domid = number(vhost, "domid"), .vhost = number(vhost, "vhost") };
    copy(row->guest, sizeof(row->guest), vhost, "guest");
    if (!row->guest[0])
        snprintf(row->guest, sizeof(row->guest), "%" PRIu64, row->domid);
    copy(row->dev, sizeof(row->dev), lun, "name");
    copy(row->vdev, sizeof(row->vdev), lun, "v_dev");
    copy(device, sizeof(device), lun, "device");
    snprintf(row->device, sizeof(row->device), "%.31s", last_part(device));
    row->up = up && json_object_get_boolean(up);
    if (!stats)
        return;
    c->commands = number(stats, "commands");
    c->answered = number(stats, "answered");
    c->errors = number(stats, "errors");
    c->read_bytes = number(stats, "read_bytes");
    c->write_bytes = number(stats, "write_bytes");
    c->latency_us = number(stats, "latency_us_sum");
    c->outstanding = number(stats, "in_flight");
}

static const struct top_row *find(const struct top_table *t, const struct top_row *like)
{
    for (size_t i = 0; t && i < t->n; i++)
        if (t->rows[i].domid == like->domid && t->rows[i].vhost == like->vhost
            && strcmp(t->rows[i].dev, like->dev) == 0)
            return &t->rows[i];
    return NULL;
}

static void subtract(struct top_row *row, const struct top_row *before, double seconds)
{
    const struct top_counters *now = &row->sum, *then = &before->sum;

    row->since.outstanding = now->outstanding;
    /* Counters that have begun anew belong to another LUN. */
    if (seconds <= 0 || now->answered < then->answered || now->errors < then->errors
        || now->read_bytes < then->read_bytes || now->write_bytes < then->write_bytes
        || now->latency_us < then->latency_us)
        return;
    row->seconds = seconds;
    /* Commands that have lost their ring, or their worker, are taken back from this counter. */
    row->since.commands = now->commands > then->commands ? now->commands - then->commands : 0;
    row->since.answered = now->answered - then->answered;
    row->since.errors = now->errors - then->errors;
    row->since.read_bytes = now->read_bytes - then->read_bytes;
    row->since.write_bytes = now->write_bytes - then->write_bytes;
    row->since.latency_us = now->latency_us - then->latency_us;
}

int top_read(struct json_object *answer, const struct top_table *before, double seconds, struct top_table *out)
{
    struct json_object *vhosts = member(answer, "vhosts", json_type_array);
    size_t n = 0;

    *out = (struct top_table){ 0 };
    for (size_t i = 0; i < length(vhosts); i++)
        n += length(member(json_object_array_get_idx(vhosts, i), "luns", json_type_array));
    out->rows = calloc(n ? n : 1, sizeof(*out->rows));
    if (!out->rows)
        return -ENOMEM;
    for (size_t i = 0; i < length(vhosts); i++) {
        struct json_object *vhost = json_object_array_get_idx(vhosts, i);
        struct json_object *luns = member(vhost, "luns", json_type_array);

        for (size_t k = 0; k < length(luns); k++) {
            struct top_row *row = &out->rows[out->n];
            const struct top_row *then;

            if (!json_object_array_get_idx(luns, k))
                continue;
            read_row(vhost, json_object_array_get_idx(luns, k), row);
            row->since.outstanding = row->sum.outstanding;
            then = find(before, row);
            if (then)
                subtract(row, then, seconds);
            out->n++;
        }
    }
    return 0;
}

void top_clear(struct top_table *t)
{
    free(t->rows);
    *t = (struct top_table){ 0 };
}

static void add(struct top_counters *to, const struct top_counters *c)
{
    to->commands += c->commands;
    to->answered += c->answered;
    to->errors += c->errors;
    to->read_bytes += c->read_bytes;
    to->write_bytes += c->write_bytes;
    to->latency_us += c->latency_us;
    to->outstanding += c->outstanding;
}

void top_by_guest(struct top_table *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        struct top_row *row = &t->rows[i];
        size_t k = 0;

        while (k < n && t->rows[k].domid != row->domid)
            k++;
        if (k < n) {
            add(&t->rows[k].sum, &row->sum);
            add(&t->rows[k].since, &row->since);
            t->rows[k].up &= row->up;
            t->rows[k].seconds = MAX(t->rows[k].seconds, row->seconds);
            continue;
        }
        t->rows[n] = *row;
        t->rows[n].dev[0] = t->rows[n].vdev[0] = t->rows[n].device[0] = '\0';
        n++;
    }
    t->n = n;
}

/* --- order --- */

/* Microseconds; 0: nothing was answered. */
static double latency(const struct top_row *r)
{
    return r->since.answered ? (double)r->since.latency_us / (double)r->since.answered : 0;
}

static double value(const struct top_row *r, enum top_key key)
{
    switch (key) {
    case TOP_COMMANDS:
        return (double)r->since.commands;
    case TOP_READ:
        return (double)r->since.read_bytes;
    case TOP_WRITE:
        return (double)r->since.write_bytes;
    case TOP_LATENCY:
        return latency(r);
    case TOP_OUTSTANDING:
        return (double)r->since.outstanding;
    case TOP_ERRORS:
        return (double)r->since.errors;
    case TOP_GUEST:
    case TOP_KEYS:
        break;
    }
    return 0;
}

/* qsort() has no context of its own. */
static enum top_key sort_key;
static bool sort_reverse;

static int compare(const void *a, const void *b)
{
    const struct top_row *x = a, *y = b;
    double vx = value(x, sort_key), vy = value(y, sort_key);
    int r = vx > vy ? -1 : vx < vy ? 1 : 0;

    if (r == 0)
        r = strcmp(x->guest, y->guest);
    if (r == 0)
        r = x->domid != y->domid ? (x->domid < y->domid ? -1 : 1) : 0;
    if (r == 0)
        r = x->vhost != y->vhost ? (x->vhost < y->vhost ? -1 : 1) : 0;
    if (r == 0)
        r = strcmp(x->vdev, y->vdev);
    if (r == 0)
        r = strcmp(x->dev, y->dev);
    return sort_reverse ? -r : r;
}

void top_sort(struct top_table *t, enum top_key key, bool reverse)
{
    sort_key = key;
    sort_reverse = reverse;
    qsort(t->rows, t->n, sizeof(*t->rows), compare);
}

/* --- lines --- */

/* What is left of the width for the name of the guest. */
static int guest_width(unsigned width)
{
    return (int)(width - NUMBERS_WIDTH - LUN_WIDTH - 1 - DEVICE_WIDTH - 1);
}

static unsigned usable(unsigned width)
{
    return MIN(MAX(width, TOP_WIDTH), TOP_WIDTH_MAX - 1);
}

void top_heading(unsigned width, char out[TOP_WIDTH_MAX])
{
    snprintf(out, TOP_WIDTH_MAX, "%-*s %-*s %-*s %7s %8s %8s %7s %4s %2s", guest_width(usable(width)), "GUEST",
             LUN_WIDTH, "LUN", DEVICE_WIDTH, "DEVICE", "CMD/s", "RD MB/s", "WR MB/s", "ms", "OUT", "ER");
}

/* At most `width` characters: fewer decimals for larger values, and at last "9.9e9". */
static void figure(char *out, size_t size, double v, int width)
{
    int n = -1;

    for (int decimals = 2; decimals >= 0 && (n < 0 || n > width); decimals--)
        n = snprintf(out, size, "%.*f", decimals, v);
    if (n > width)
        snprintf(out, size, "%.0e", v);
}

static void rate(char *out, size_t size, const struct top_row *row, double n, int width)
{
    if (row->seconds > 0)
        figure(out, size, n / row->seconds, width);
    else
        snprintf(out, size, "-");
}

void top_line(const struct top_row *row, unsigned width, char out[TOP_WIDTH_MAX])
{
    int name = guest_width(usable(width));
    char commands[16], in[16], to[16], time[16] = "-", outstanding[16], errors[16];

    if (row->seconds > 0)
        snprintf(commands, sizeof(commands), "%.0f", (double)row->since.commands / row->seconds);
    else
        snprintf(commands, sizeof(commands), "-");
    rate(in, sizeof(in), row, (double)row->since.read_bytes / 1e6, 8);
    rate(to, sizeof(to), row, (double)row->since.write_bytes / 1e6, 8);
    if (row->since.answered)
        figure(time, sizeof(time), latency(row) / 1000, 7);
    snprintf(outstanding, sizeof(outstanding), "%" PRIu64, MIN(row->since.outstanding, 9999));
    if (row->since.errors > 99)
        snprintf(errors, sizeof(errors), "++");
    else
        snprintf(errors, sizeof(errors), "%" PRIu64, row->since.errors);
    snprintf(out, TOP_WIDTH_MAX, "%-*.*s %-*.*s %-*.*s %7.7s %8.8s %8.8s %7.7s %4.4s %2.2s", name, name, row->guest,
             LUN_WIDTH, LUN_WIDTH,
             row->vdev[0]  ? row->vdev
             : row->dev[0] ? row->dev
                           : "all",
             DEVICE_WIDTH, DEVICE_WIDTH, !row->up ? "(down)" : row->device, commands, in, to, time, outstanding,
             errors);
}

void top_summary(const struct top_table *luns, char out[TOP_WIDTH_MAX])
{
    double commands = 0, in = 0, to = 0;
    size_t guests = 0, down = 0;

    for (size_t i = 0; i < luns->n; i++) {
        const struct top_row *r = &luns->rows[i];
        size_t k = 0;

        while (k < i && luns->rows[k].domid != r->domid)
            k++;
        guests += k == i;
        down += !r->up;
        if (r->seconds > 0) {
            commands += (double)r->since.commands / r->seconds;
            in += (double)r->since.read_bytes / r->seconds / 1e6;
            to += (double)r->since.write_bytes / r->seconds / 1e6;
        }
    }
    snprintf(out, TOP_WIDTH_MAX, "%zu guests, %zu LUNs, %zu down; %.0f CMD/s, %.1f MB/s read, %.1f MB/s written",
             guests, luns->n, down, commands, in, to);
}
