// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics for collectors; see metrics.h. One table has all families. Both formats want all samples of a family
 * together, so the answer is walked once for each family.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "common/util.h"
#include "pvscsictl/metrics.h"

enum type {
    COUNTER,
    GAUGE,
    INFO,
    HISTOGRAM
};

/* What has one sample or more of the family: the daemon, each vhost, each LUN; or what the statistics say of these. */
enum level {
    DAEMON,
    VHOST,
    RING,
    LUN,
    IO
};

enum value {
    NUMBER,
    FLAG,         /* 0 or 1 */
    MICROSECONDS, /* to be written in seconds */
    PAGES,        /* of 4 KiB, to be written in bytes */
    IS_AWAY,      /* 1 if the text is "away" */
    BY_KIND,      /* an object; one sample for each member, whose name is the label "kind" */
    BY_OTHER_KIND /* the same, without those that errors_by_kind has */
};

struct family {
    const char *name; /* without "_total" and "_info" */
    enum type type;
    enum level level;
    enum value value;
    const char *key, *help;
};

#define STATES \
    "1 Initialising, 2 InitWait, 3 Initialised, 4 Connected, 5 Closing, 6 Closed, 7 Reconfiguring, 8 Reconfigured"

/* The first one is also written when the daemon gives no answer. */
static const struct family families[] = {
    { "pvscsi_up", GAUGE, DAEMON, FLAG, "serving", "1 if pvscsid serves guests, 0 if it starts or does not run." },
    { "pvscsi_build", INFO, DAEMON, NUMBER, NULL, "The version of pvscsid." },
    { "pvscsi_start_time_seconds", GAUGE, DAEMON, NUMBER, "started", "When pvscsid was started, in Unix time." },
    { "pvscsi_xenstore_connected", GAUGE, DAEMON, FLAG, "xenstore", "1 while pvscsid is connected to xenstored." },

    { "pvscsi_vhost_up", GAUGE, VHOST, FLAG, "up", "1 while a worker serves the guest's ring." },
    { "pvscsi_vhost_state", GAUGE, VHOST, NUMBER, "state", "XenBus state of the backend: " STATES "." },
    { "pvscsi_vhost_frontend_state", GAUGE, VHOST, NUMBER, "frontend_state", "XenBus state of the frontend." },
    { "pvscsi_worker_restarts", COUNTER, VHOST, NUMBER, "restarts", "Deaths of workers since pvscsid was started." },
    { "pvscsi_ring_takeovers", COUNTER, RING, NUMBER, "restarts",
      "Connected rings that a new worker took over, after a death or a restart of pvscsid." },
    { "pvscsi_ring_halted", GAUGE, RING, NUMBER, "halted", "1 while the ring is halted." },
    { "pvscsi_ring_events", COUNTER, RING, NUMBER, "ring_events", "Events from the guest." },
    { "pvscsi_ring_scans", COUNTER, RING, NUMBER, "ring_scans", "Reads of the ring that found requests." },
    { "pvscsi_notifies", COUNTER, RING, NUMBER, "notifies", "Events sent to the guest." },
    { "pvscsi_bad_requests", COUNTER, RING, NUMBER, "bad_requests",
      "Malformed requests, and requests for a LUN that does not exist." },
    { "pvscsi_aborts", COUNTER, RING, NUMBER, "aborts", "ABORT requests." },
    { "pvscsi_resets", COUNTER, RING, NUMBER, "resets", "RESET requests." },
    { "pvscsi_granted_bytes", GAUGE, RING, PAGES, "granted_pages",
      "Buffers that are granted to the backend's own domain." },

    { "pvscsi_lun_up", GAUGE, LUN, FLAG, "up", "1 while the guest uses the LUN and its device is there." },
    { "pvscsi_lun_state", GAUGE, LUN, NUMBER, "state", "XenBus state of the LUN, as in pvscsi_vhost_state." },
    { "pvscsi_lun_limit_commands", GAUGE, LUN, NUMBER, "iops",
      "Commands per second that the LUN may use; 0: no limit." },
    { "pvscsi_lun_limit_bytes", GAUGE, LUN, NUMBER, "bps", "Bytes per second that the LUN may use; 0: no limit." },
    { "pvscsi_pr_helper_away", GAUGE, LUN, IS_AWAY, "pr_helper",
      "1 while the LUN's PR helper does not run or has failed." },
    { "pvscsi_commands", COUNTER, IO, NUMBER, "answered", "Commands answered." },
    { "pvscsi_in_flight", GAUGE, IO, NUMBER, "in_flight", "Commands not answered yet." },
    { "pvscsi_errors", COUNTER, IO, BY_KIND, "errors_by_kind", "Commands that failed, by how." },
    { "pvscsi_successes", COUNTER, IO, BY_OTHER_KIND, "ends", "Commands that did not fail, by how they ended." },
    { "pvscsi_reads", COUNTER, IO, NUMBER, "reads", "Answered commands with data from the device." },
    { "pvscsi_writes", COUNTER, IO, NUMBER, "writes", "Answered commands with data to the device." },
    { "pvscsi_read_bytes", COUNTER, IO, NUMBER, "read_bytes", "Bytes from the device to the guest." },
    { "pvscsi_written_bytes", COUNTER, IO, NUMBER, "write_bytes", "Bytes from the guest to the device." },
    { "pvscsi_submitted", COUNTER, IO, NUMBER, "submitted", "Answered commands that reached the device." },
    { "pvscsi_queued_seconds", COUNTER, IO, MICROSECONDS, "queued_us_sum",
      "Time of the submitted commands until they reached the device." },
    { "pvscsi_device_seconds", COUNTER, IO, MICROSECONDS, "device_us_sum",
      "Time of the submitted commands at the device." },
    { "pvscsi_limited", COUNTER, IO, NUMBER, "limited", "Answered commands that the limits of the LUN held up." },
    { "pvscsi_limited_seconds", COUNTER, IO, MICROSECONDS, "limited_us_sum", "Time for which they were held up." },
    { "pvscsi_lun_aborts", COUNTER, IO, NUMBER, "aborts", "ABORT requests for commands of the LUN." },
    { "pvscsi_lun_aborts_failed", COUNTER, IO, NUMBER, "aborts_failed", "Those answered with failure." },
    { "pvscsi_lun_resets", COUNTER, IO, NUMBER, "resets", "RESET requests for the LUN." },
    { "pvscsi_lun_resets_failed", COUNTER, IO, NUMBER, "resets_failed", "Those answered with failure." },
    { "pvscsi_latency_seconds", HISTOGRAM, IO, NUMBER, NULL, "Time of the commands from the ring to the answer." },
};

/*
 * Of the daemon's buckets, which are powers of two of a microsecond, these have a line: up to 16 us, 32 us ... 67 s.
 */
#define BUCKET_FIRST 3
#define BUCKET_LAST 25

int metrics_format_parse(const char *name, enum metrics_format *out)
{
    if (strcmp(name, "prometheus") == 0)
        *out = METRICS_PROMETHEUS;
    else if (strcmp(name, "openmetrics") == 0)
        *out = METRICS_OPENMETRICS;
    else
        return -EINVAL;
    return 0;
}

static struct json_object *member(struct json_object *o, const char *key, json_type type)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, type) ? v : NULL;
}

static const char *text(struct json_object *o, const char *key)
{
    struct json_object *v = member(o, key, json_type_string);

    return v ? json_object_get_string(v) : "";
}

static uint64_t number(struct json_object *o, const char *key)
{
    struct json_object *v = member(o, key, json_type_int);
    int64_t n = v ? json_object_get_int64(v) : 0;

    return n > 0 ? (uint64_t)n : 0;
}

struct writer {
    FILE *out;
    const struct family *family;
    struct json_object *answer, *vhost, *lun; /* NULL where the family's level has none */
};

static void label_value(FILE *out, const char *value)
{
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c == '\\' || *c == '"')
            fprintf(out, "\\%c", *c);
        else if (*c == '\n')
            fputs("\\n", out);
        else if (*c < 0x20 || *c > 0x7e)
            fprintf(out, "\\\\x%02x", *c);
        else
            fputc(*c, out);
    }
}

static void label(FILE *out, bool *some, const char *name, const char *value)
{
    fprintf(out, "%s%s=\"", *some ? "," : "{", name);
    label_value(out, value);
    fputc('"', out);
    *some = true;
}

static void label_number(FILE *out, bool *some, const char *name, uint64_t n)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%" PRIu64, n);
    label(out, some, name, digits);
}

/* The name and the labels of one sample. name, value: of one more label, or NULL. */
static void head(const struct writer *w, const char *suffix, const char *name, const char *value)
{
    bool some = false;

    fprintf(w->out, "%s%s", w->family->name, suffix);
    if (w->vhost) {
        label_number(w->out, &some, "domid", number(w->vhost, "domid"));
        label_number(w->out, &some, "vhost", number(w->vhost, "vhost"));
        label(w->out, &some, "guest", text(w->vhost, "guest"));
        label(w->out, &some, "uuid", text(w->vhost, "uuid"));
    }
    if (w->lun) {
        label(w->out, &some, "dev", text(w->lun, "name"));
        label(w->out, &some, "vdev", text(w->lun, "v_dev"));
        label(w->out, &some, "device", text(w->lun, "device"));
        label(w->out, &some, "wwid", text(w->lun, "wwid"));
    }
    if (name)
        label(w->out, &some, name, value);
    fputs(some ? "} " : " ", w->out);
}

static void seconds(FILE *out, uint64_t us)
{
    fprintf(out, "%" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

static void histogram(const struct writer *w, struct json_object *stats)
{
    struct json_object *buckets = member(stats, "latency_us_log2", json_type_array);
    size_t n = buckets ? json_object_array_length(buckets) : 0;
    uint64_t total = 0;

    for (size_t b = 0; b < n; b++) {
        int64_t count = json_object_get_int64(json_object_array_get_idx(buckets, b));
        char le[32];

        total += count > 0 ? (uint64_t)count : 0;
        if (b < BUCKET_FIRST || b > BUCKET_LAST)
            continue;
        /* Bucket b ends below 2^(b+1) microseconds. */
        snprintf(le, sizeof(le), "%.6f", (double)(UINT64_C(1) << (b + 1)) / 1e6);
        head(w, "_bucket", "le", le);
        fprintf(w->out, "%" PRIu64 "\n", total);
    }
    head(w, "_bucket", "le", "+Inf");
    fprintf(w->out, "%" PRIu64 "\n", total);
    head(w, "_sum", NULL, NULL);
    seconds(w->out, number(stats, "latency_us_sum"));
    head(w, "_count", NULL, NULL);
    fprintf(w->out, "%" PRIu64 "\n", total);
}

static void by_kind(const struct writer *w, struct json_object *o)
{
    struct json_object *kinds = member(o, w->family->key, json_type_object);
    struct json_object *errors = member(o, "errors_by_kind", json_type_object);

    if (!kinds)
        return;
    json_object_object_foreach(kinds, kind, count)
    {
        if (w->family->value == BY_OTHER_KIND && errors && json_object_object_get_ex(errors, kind, NULL))
            continue;
        int64_t n = json_object_get_int64(count);

        head(w, "_total", "kind", kind);
        fprintf(w->out, "%" PRIu64 "\n", n > 0 ? (uint64_t)n : 0);
    }
}

static void samples(const struct writer *w, struct json_object *o)
{
    const struct family *f = w->family;
    struct json_object *v;

    if (f->type == HISTOGRAM) {
        histogram(w, o);
        return;
    }
    if (f->type == INFO) {
        head(w, "_info", "version", text(o, "version"));
        fputs("1\n", w->out);
        return;
    }
    if (f->value == BY_KIND || f->value == BY_OTHER_KIND) {
        by_kind(w, o);
        return;
    }
    head(w, f->type == COUNTER ? "_total" : "", NULL, NULL);
    if (f->value == MICROSECONDS)
        seconds(w->out, number(o, f->key));
    else if (f->value == FLAG)
        fprintf(w->out, "%d\n", (v = member(o, f->key, json_type_boolean)) && json_object_get_boolean(v) ? 1 : 0);
    else if (f->value == IS_AWAY)
        fprintf(w->out, "%d\n", strcmp(text(o, f->key), "away") == 0 ? 1 : 0);
    else
        fprintf(w->out, "%" PRIu64 "\n", number(o, f->key) * (f->value == PAGES ? 4096 : 1));
}

/* What the samples of this level are taken from; NULL: there are no statistics yet. */
static struct json_object *source(const struct writer *w)
{
    struct json_object *at = w->lun ? w->lun : w->vhost ? w->vhost : w->answer;

    return w->family->level == RING || w->family->level == IO ? member(at, "stats", json_type_object) : at;
}

static void samples_if_any(const struct writer *w)
{
    struct json_object *o = source(w);

    if (o)
        samples(w, o);
}

static void each_lun(struct writer *w)
{
    struct json_object *luns = member(w->vhost, "luns", json_type_array);
    size_t n = luns ? json_object_array_length(luns) : 0;

    for (size_t i = 0; i < n; i++) {
        w->lun = json_object_array_get_idx(luns, i);
        if (w->lun)
            samples_if_any(w);
    }
    w->lun = NULL;
}

static void each_vhost(struct writer *w)
{
    struct json_object *vhosts = member(w->answer, "vhosts", json_type_array);
    size_t n = vhosts ? json_object_array_length(vhosts) : 0;

    for (size_t i = 0; i < n; i++) {
        w->vhost = json_object_array_get_idx(vhosts, i);
        if (!w->vhost)
            continue;
        if (w->family->level == VHOST || w->family->level == RING)
            samples_if_any(w);
        else
            each_lun(w);
    }
    w->vhost = NULL;
}

static void render_family(struct writer *w, enum metrics_format format)
{
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [INFO] = "info", [HISTOGRAM] = "histogram"
    };
    const struct family *f = w->family;
    bool open = format == METRICS_OPENMETRICS;
    /* Prometheus' format has no type "info", and names a family as its samples. */
    const char *type = !open && f->type == INFO ? "gauge" : types[f->type];
    const char *suffix = open ? "" : f->type == COUNTER ? "_total" : f->type == INFO ? "_info" : "";

    fprintf(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", f->name, suffix, f->help, f->name, suffix, type);
    if (f->level == DAEMON)
        samples_if_any(w);
    else
        each_vhost(w);
}

void metrics_render(struct json_object *answer, enum metrics_format format, FILE *out)
{
    struct writer w = { .out = out, .answer = answer };

    for (size_t i = 0; i < (answer ? ARRAY_SIZE(families) : 1); i++) {
        w.family = &families[i];
        if (answer) {
            render_family(&w, format);
        } else {
            fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n%s 0\n", families[i].name, families[i].help, families[i].name,
                    families[i].name);
        }
    }
    if (format == METRICS_OPENMETRICS)
        fputs("# EOF\n", out);
}

/* Takes over fd. 0 or -errno. */
static int write_and_close(struct json_object *answer, enum metrics_format format, int fd)
{
    CLEANUP_CLOSE int file = fd;
    FILE *out = fdopen(file, "w");
    int r = 0;

    if (!out)
        return -errno;
    steal_fd(&file);
    metrics_render(answer, format, out);
    /* The collector is another user, and mkstemp() keeps others out. */
    if (fflush(out) != 0 || ferror(out) || fchmod(fileno(out), 0644) < 0 || fsync(fileno(out)) < 0)
        r = errno ? -errno : -EIO;
    if (fclose(out) != 0 && r == 0)
        r = -errno;
    return r;
}

int metrics_save(struct json_object *answer, enum metrics_format format, const char *path)
{
    CLEANUP_FREE char *temporary = strf("%s.XXXXXX", path);
    struct stat st;
    int fd, r;

    /* It would be replaced too: a device node, or a link to the file that was meant. */
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return -EEXIST;

    if (!temporary)
        return -ENOMEM;
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = write_and_close(answer, format, fd);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(temporary);
    return r;
}
