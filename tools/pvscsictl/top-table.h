/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of pvscsictl top, without a screen: what two answers of the daemon say of the time between them, in which
 * order the rows are, and how a row is written. Pure.
 */
#ifndef PVSCSICTL_TOP_TABLE_H
#define PVSCSICTL_TOP_TABLE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The narrowest line that has all columns; one column is left free, because some terminals wrap after the last one. */
#define TOP_WIDTH 79
#define TOP_WIDTH_MAX 256

enum top_key {
    TOP_COMMANDS,
    TOP_READ,
    TOP_WRITE,
    TOP_LATENCY,
    TOP_OUTSTANDING,
    TOP_ERRORS,
    TOP_GUEST,
    TOP_KEYS
};
/* "commands" ... "guest"; NULL behind the last. */
const char *top_key_name(enum top_key key);
/* 0, or -EINVAL: there is no such key. */
int top_key_parse(const char *name, enum top_key *out);

/* What the daemon has counted for a LUN, or for a guest. */
struct top_counters {
    uint64_t commands, answered, errors, read_bytes, write_bytes, latency_us, outstanding;
};

struct top_row {
    uint64_t domid, vhost;
    char guest[64], dev[24], vdev[32], device[32]; /* dev, vdev, device: "" for a guest */
    bool up;
    struct top_counters sum, since; /* since the answer before; outstanding: now */
    double seconds;                 /* between the two */
};

struct top_table {
    struct top_row *rows;
    size_t n;
};

/*
 * The LUNs of the daemon's answer to "metrics". before: the rows of the last answer, of which rates are made, or NULL;
 * a LUN that was not in it, or whose counters have begun anew, has no rates yet. 0 or -ENOMEM; free with top_clear().
 */
int top_read(struct json_object *answer, const struct top_table *before, double seconds, struct top_table *out);
void top_clear(struct top_table *t);
/* The rows of each guest become one. */
void top_by_guest(struct top_table *t);
/* The largest first, a guest's name from A on; equal ones by guest and LUN. reverse: the other way round. */
void top_sort(struct top_table *t, enum top_key key, bool reverse);

/* Both write a line of width columns (TOP_WIDTH ... TOP_WIDTH_MAX - 1), without its end. Printable ASCII only. */
void top_heading(unsigned width, char out[TOP_WIDTH_MAX]);
void top_line(const struct top_row *row, unsigned width, char out[TOP_WIDTH_MAX]);
/* One line on all rows: guests, LUNs, commands and bytes a second. */
void top_summary(const struct top_table *luns, char out[TOP_WIDTH_MAX]);

#endif
