// SPDX-License-Identifier: GPL-2.0-or-later
/* Text for people; see render.h. */
#include "config.h"

#include <inttypes.h>

#include "common/util.h"
#include "pvscsictl/render.h"

static const char *text(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ? json_object_get_string(v)
                                                                                             : "";
}

static int64_t number(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) ? json_object_get_int64(v) : 0;
}

static bool flag(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) && json_object_get_boolean(v);
}

static struct json_object *list(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_array) ? v : NULL;
}

static size_t length(struct json_object *l)
{
    return l ? json_object_array_length(l) : 0;
}

/* The guest has the LUN without its device: the same words as in `xl-scsi list`. */
static const char *why_away(struct json_object *lun)
{
    static const char in_use[] = "it is in use in this domain";

    if (!text(lun, "presence")[0] || strcmp(text(lun, "presence"), "there") == 0)
        return "";
    return strncmp(text(lun, "error"), in_use, strlen(in_use)) == 0 ? " in use" : " gone";
}

static void status_lun(struct json_object *lun, FILE *out)
{
    /* A file has no node: its path is in the p-dev. */
    bool node = text(lun, "device")[0] && strncmp(text(lun, "p_dev"), "file:", 5) != 0;

    fprintf(out, "    %-8s %-12s %-28s %-10s %-14s%s", text(lun, "name"), text(lun, "v_dev"), text(lun, "p_dev"),
            node ? text(lun, "device") : "-", text(lun, "state_name"), why_away(lun));
    if (flag(lun, "readonly"))
        fprintf(out, " readonly");
    if (flag(lun, "feature_host"))
        fprintf(out, " feature-host");
    if (flag(lun, "shared"))
        fprintf(out, " shared");
    if (flag(lun, "held"))
        fprintf(out, " held");
    if (text(lun, "pr_helper")[0])
        fprintf(out, " pr-helper:%s", text(lun, "pr_helper"));
    else if (text(lun, "pr")[0])
        fprintf(out, " pr:%s", text(lun, "pr"));
    if (number(lun, "iops"))
        fprintf(out, " iops:%" PRId64, number(lun, "iops"));
    if (number(lun, "bps"))
        fprintf(out, " bps:%" PRId64, number(lun, "bps"));
    if (number(lun, "burst"))
        fprintf(out, " burst:%" PRId64, number(lun, "burst"));
    fputc('\n', out);
    if (text(lun, "error")[0])
        fprintf(out, "             error: %s\n", text(lun, "error"));
}

void render_status(struct json_object *answer, FILE *out)
{
    struct json_object *vhosts = list(answer, "vhosts");

    fprintf(out, "pvscsid %s, pid %" PRId64 ", domain %" PRId64 "%s: %s%s\n", text(answer, "version"),
            number(answer, "pid"), number(answer, "domid"), flag(answer, "standalone") ? " (standalone)" : "",
            flag(answer, "serving") ? "serving" : "starting", flag(answer, "xenstore") ? "" : ", xenstored is away");
    fprintf(out, "  sandbox: %s%s%s\n", text(answer, "sandbox"),
            text(answer, "sandbox_lacks")[0]                      ? ", without "
            : strcmp(text(answer, "sandbox"), "best-effort") == 0 ? ", and nothing is missing"
                                                                  : "",
            text(answer, "sandbox_lacks"));
    for (size_t i = 0; i < length(vhosts); i++) {
        struct json_object *v = json_object_array_get_idx(vhosts, i);
        struct json_object *luns = list(v, "luns");

        const char *name = text(v, "guest");

        fprintf(out, "  guest %" PRId64 " vhost %" PRId64 "%s%s%s: %s, frontend %s", number(v, "domid"),
                number(v, "vhost"), name[0] ? " (" : "", name, name[0] ? ")" : "", text(v, "state_name"),
                text(v, "frontend_state_name"));
        if (number(v, "worker_pid"))
            fprintf(out, ", worker %" PRId64, number(v, "worker_pid"));
        if (number(v, "restarts"))
            fprintf(out, ", %" PRId64 " restarts", number(v, "restarts"));
        if (number(v, "granted_pages"))
            fprintf(out, ", %" PRId64 " KiB of granted buffers", number(v, "granted_pages") * 4);
        fprintf(out, "%s\n", flag(v, "halted") ? ", HALTED" : "");
        if (text(v, "error")[0])
            fprintf(out, "    error: %s\n", text(v, "error"));
        for (size_t k = 0; k < length(luns); k++)
            status_lun(json_object_array_get_idx(luns, k), out);
    }
    if (length(vhosts) == 0)
        fprintf(out, "  no guest has a vhost here\n");
}

void render_policy(struct json_object *answer, FILE *out)
{
    struct json_object *commands = list(answer, "commands");

    fprintf(out, "%s (type %" PRId64 ", %s)%s%s\n", text(answer, "of"), number(answer, "type"), text(answer, "group"),
            flag(answer, "feature_host") ? ", feature-host" : "", flag(answer, "readonly") ? ", readonly" : "");
    for (size_t i = 0; i < length(commands); i++) {
        struct json_object *c = json_object_array_get_idx(commands, i);

        fprintf(out, "  %-6s %-8s %s\n", text(c, "command"), text(c, "state"), text(c, "name"));
    }
    fprintf(out, "  others %s\n", text(answer, "others"));
}

static void for_each_lun(struct json_object *vhosts,
                         void (*fn)(struct json_object *vhost, struct json_object *lun, FILE *out), FILE *out)
{
    for (size_t i = 0; i < length(vhosts); i++) {
        struct json_object *v = json_object_array_get_idx(vhosts, i);
        struct json_object *luns = list(v, "luns");

        for (size_t k = 0; k < length(luns); k++)
            fn(v, json_object_array_get_idx(luns, k), out);
    }
}

static int64_t mean(struct json_object *lun, const char *sum, const char *count)
{
    int64_t n = number(lun, count);

    return n > 0 ? number(lun, sum) / n : 0;
}

static void stats_lun_name(struct json_object *vhost, struct json_object *lun, FILE *out)
{
    fprintf(out, "%-6" PRId64 " %-6" PRId64 " %-14s", number(vhost, "domid"), number(vhost, "vhost"),
            text(lun, "v_dev"));
}

static void stats_traffic(struct json_object *vhost, struct json_object *lun, FILE *out)
{
    stats_lun_name(vhost, lun, out);
    fprintf(out, " %12" PRId64 " %8" PRId64 " %8" PRId64 " %14" PRId64 " %14" PRId64 " %10" PRId64 "\n",
            number(lun, "commands"), number(lun, "in_flight"), number(lun, "errors"), number(lun, "read_bytes"),
            number(lun, "write_bytes"), mean(lun, "latency_us_sum", "answered"));
}

static void stats_work(struct json_object *vhost, struct json_object *lun, FILE *out)
{
    stats_lun_name(vhost, lun, out);
    fprintf(out,
            " %12" PRId64 " %12" PRId64 " %10" PRId64 " %10" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64
            " %10" PRId64 " %10" PRId64 "\n",
            number(lun, "reads"), number(lun, "writes"), mean(lun, "queued_us_sum", "submitted"),
            mean(lun, "device_us_sum", "submitted"), number(lun, "aborts"), number(lun, "aborts_failed"),
            number(lun, "resets"), number(lun, "resets_failed"), number(lun, "limited"),
            number(lun, "limited_us_sum") / 1000);
}

/* The object "ends" of a LUN, kind by kind. */
static struct json_object *ends(struct json_object *lun)
{
    struct json_object *v;

    return json_object_object_get_ex(lun, "ends", &v) && json_object_is_type(v, json_type_object) ? v : NULL;
}

static void stats_ends(struct json_object *vhost, struct json_object *lun, FILE *out)
{
    struct json_object *all = ends(lun);
    const char *separator = " ";

    stats_lun_name(vhost, lun, out);
    if (all) {
        json_object_object_foreach(all, kind, count)
        {
            if (json_object_get_int64(count) == 0)
                continue;
            fprintf(out, "%s%s %" PRId64, separator, kind, json_object_get_int64(count));
            separator = ", ";
        }
    }
    fputc('\n', out);
}

void render_stats(struct json_object *answer, FILE *out)
{
    struct json_object *vhosts = list(answer, "vhosts");

    fprintf(out, "%-6s %-6s %12s %12s %12s %8s %8s %8s %8s %s\n", "guest", "vhost", "events", "scans", "notifies",
            "bad", "aborts", "resets", "restarts", "ring");
    for (size_t i = 0; i < length(vhosts); i++) {
        struct json_object *v = json_object_array_get_idx(vhosts, i);

        fprintf(out,
                "%-6" PRId64 " %-6" PRId64 " %12" PRId64 " %12" PRId64 " %12" PRId64 " %8" PRId64 " %8" PRId64
                " %8" PRId64 " %8" PRId64 " %s\n",
                number(v, "domid"), number(v, "vhost"), number(v, "ring_events"), number(v, "ring_scans"),
                number(v, "notifies"), number(v, "bad_requests"), number(v, "aborts"), number(v, "resets"),
                number(v, "restarts"), number(v, "halted") ? "halted" : "ok");
    }
    fprintf(out, "\n%-6s %-6s %-14s %12s %8s %8s %14s %14s %10s\n", "guest", "vhost", "LUN", "commands", "inflight",
            "errors", "read bytes", "write bytes", "mean us");
    for_each_lun(vhosts, stats_traffic, out);
    fprintf(out, "\n%-6s %-6s %-14s %12s %12s %10s %10s %8s %8s %8s %8s %10s %10s\n", "guest", "vhost", "LUN", "reads",
            "writes", "queue us", "device us", "aborts", "failed", "resets", "failed", "limited", "for ms");
    for_each_lun(vhosts, stats_work, out);
    fprintf(out, "\n%-6s %-6s %-14s %s\n", "guest", "vhost", "LUN", "how its commands ended");
    for_each_lun(vhosts, stats_ends, out);
}
