/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's counters and states for collectors, in two formats: Prometheus' text format 0.0.4, which the textfile
 * collector of node_exporter reads, and OpenMetrics 1.0. pvscsictl(8) lists the metrics.
 */
#ifndef PVSCSICTL_METRICS_H
#define PVSCSICTL_METRICS_H

#include <json-c/json.h>
#include <stdio.h>

enum metrics_format {
    METRICS_PROMETHEUS,
    METRICS_OPENMETRICS /* ends with "# EOF"; the families of counters are named without "_total" */
};
/* 0, or -EINVAL: no format has this name. */
int metrics_format_parse(const char *name, enum metrics_format *out);

/*
 * answer: of the daemon to "metrics"; NULL: it gives none, and the only metric is pvscsi_up, which is 0. Pure. A
 * label's value may hold any bytes: what is not printable ASCII is written as \xNN, so the text is always valid UTF-8.
 */
void metrics_render(struct json_object *answer, enum metrics_format format, FILE *out);
/*
 * Replaces the file by what metrics_render() writes, with mode 0644: a reader sees the old text or the new one, never a
 * part. The temporary file is in the same directory, and its name does not end as path does. 0, or -errno and the file
 * is unchanged.
 */
int metrics_save(struct json_object *answer, enum metrics_format format, const char *path);

#endif
