// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The answers of the control socket: the model and the statistics pages as JSON. It changes nothing. If an
 * allocation fails, that part is missing from the report, or there is no report.
 */
#include "config.h"

#include <inttypes.h>
#include <json-c/json.h>

#include "common/util.h"
#include "control/host.h"
#include "control/model.h"
#include "control/run-files.h"
#include "scsi/scsi.h"

static void add_text(struct json_object *o, const char *key, const char *text)
{
    if (text && text[0])
        json_object_object_add(o, key, json_object_new_string(text));
}

static void add_number(struct json_object *o, const char *key, uint64_t n)
{
    json_object_object_add(o, key, json_object_new_int64((int64_t)(n > INT64_MAX ? INT64_MAX : n)));
}

static void add_flag(struct json_object *o, const char *key, bool b)
{
    json_object_object_add(o, key, json_object_new_boolean(b));
}

/* An object, and a list that the caller puts into it at the end. NULL without memory. */
static struct json_object *new_with_list(struct json_object **list)
{
    struct json_object *o = json_object_new_object();

    *list = o ? json_object_new_array() : NULL;
    if (*list)
        return o;
    json_object_put(o);
    return NULL;
}

static struct json_object *report_lun_stats(const struct vdev *d, const struct pvscsi_lun_stats *s)
{
    struct json_object *o = json_object_new_object();
    struct json_object *buckets = json_object_new_array();
    struct json_object *kinds = json_object_new_object();
    struct json_object *errors = json_object_new_object();
    char text[HCTL_TEXT_MAX];
    uint64_t commands = s->commands, answered = s->answered;

    if (!o || !buckets || !kinds || !errors) {
        json_object_put(o);
        json_object_put(buckets);
        json_object_put(kinds);
        json_object_put(errors);
        return NULL;
    }
    hctl_format(&d->wish.vdev, text);
    add_text(o, "v_dev", text);
    add_text(o, "p_dev", d->wish.pdev);
    add_number(o, "commands", commands);
    add_number(o, "answered", answered);
    add_number(o, "in_flight", commands > answered ? commands - answered : 0);
    add_number(o, "errors", s->errors);
    add_number(o, "reads", s->reads);
    add_number(o, "writes", s->writes);
    add_number(o, "read_bytes", s->read_bytes);
    add_number(o, "write_bytes", s->write_bytes);
    add_number(o, "latency_us_sum", s->latency_us_sum);
    add_number(o, "submitted", s->submitted);
    add_number(o, "queued_us_sum", s->queued_us_sum);
    add_number(o, "device_us_sum", s->device_us_sum);
    add_number(o, "limited", s->limited);
    add_number(o, "limited_us_sum", s->limited_us_sum);
    add_number(o, "aborts", s->aborts);
    add_number(o, "aborts_failed", s->aborts_failed);
    add_number(o, "resets", s->resets);
    add_number(o, "resets_failed", s->resets_failed);
    for (enum scsi_kind i = 0; i < SCSI_KINDS; i++) {
        add_number(kinds, scsi_kind_name(i), s->kinds[i]);
        if (scsi_kind_is_error(i))
            add_number(errors, scsi_kind_name(i), s->kinds[i]);
    }
    json_object_object_add(o, "ends", kinds);
    json_object_object_add(o, "errors_by_kind", errors);
    for (unsigned i = 0; i < PVSCSI_STATS_BUCKETS; i++)
        json_object_array_add(buckets, json_object_new_int64((int64_t)s->latency[i]));
    json_object_object_add(o, "latency_us_log2", buckets);
    return o;
}

static void add_ring_stats(struct json_object *o, const struct pvscsi_stats *s)
{
    add_number(o, "ring_events", s->ring_events);
    add_number(o, "ring_scans", s->ring_scans);
    add_number(o, "notifies", s->notifies);
    add_number(o, "bad_requests", s->bad_requests);
    add_number(o, "aborts", s->aborts);
    add_number(o, "resets", s->resets);
    add_number(o, "restarts", s->restarts);
    add_number(o, "halted", s->halted);
    add_number(o, "granted_pages", s->granted_pages);
}

/* Those in force. A LUN without limits has no such members. */
static void add_limits(struct json_object *o, const struct lun_limits *l)
{
    if (l->iops > 0)
        add_number(o, "iops", l->iops);
    if (l->bps > 0)
        add_number(o, "bps", l->bps);
    if (l->iops > 0 || l->bps > 0)
        add_number(o, "burst", l->burst_s > 0 ? l->burst_s : LIMITS_BURST_PRESET_S);
}

/* The guest can use its LUNs. */
static bool is_up(const struct vhost *v)
{
    return v->ring == RING_LIVE && v->worker.child && !v->worker.halted;
}

static struct json_object *report_device(const struct vdev *d)
{
    static const char *const helper[] = {
        [HELPER_IDLE] = "idle", [HELPER_CONNECTED] = "connected", [HELPER_AWAY] = "away", [HELPER_UNUSED] = "unused"
    };
    struct json_object *o = json_object_new_object();
    char text[HCTL_TEXT_MAX];

    if (!o)
        return NULL;
    add_text(o, "name", d->name);
    add_number(o, "state", d->own);
    add_text(o, "state_name", xenbus_state_name(d->own));
    add_text(o, "phase", lun_state_name(d->lun));
    add_text(o, "p_dev", d->wish.pdev);
    if (d->lun != LUN_NONE) {
        hctl_format(&d->wish.vdev, text);
        add_text(o, "v_dev", text);
    }
    if (d->dev.sg_name[0]) {
        char node[48];

        hctl_format(&d->dev.hctl, text);
        add_text(o, "hctl", text);
        snprintf(node, sizeof(node), "/dev/%s", d->dev.sg_name);
        add_text(o, "device", node);
        add_text(o, "block", d->dev.block_name);
        add_text(o, "wwid", model_wwid(d));
    } else if (d->dev.from == PDEV_FILE) {
        add_text(o, "device", d->dev.file);
    }
    if (d->lun != LUN_NONE)
        add_number(o, "type", d->dev.type);
    add_flag(o, "readonly", d->wish.readonly);
    add_flag(o, "feature_host", d->wish.feature_host || d->vhost->seen.feature_host);
    add_flag(o, "shared", d->shared);
    add_flag(o, "held", d->held);
    add_text(o, "presence", presence_name(d->presence));
    add_flag(o, "up", is_up(d->vhost) && d->own == XB_CONNECTED && d->presence == DEVICE_THERE);
    add_text(o, "pr", pr_mode_name(d->wish.pr_mode));
    if (d->wish.pr_mode == PR_HELPER || d->wish.pr_mode == PR_AUTO)
        add_text(o, "pr_helper", helper[d->helper]);
    add_limits(o, &d->limits_told);
    add_text(o, "error", d->error);
    return o;
}

/* stats: NULL, or what is to be the member "stats" of the vhost and of its LUNs. */
static struct json_object *report_vhost(const struct vhost *v, const struct pvscsi_stats *stats)
{
    struct json_object *luns, *o = new_with_list(&luns);
    struct json_object *ring = stats ? json_object_new_object() : NULL;
    char uuid[GUEST_UUID_MAX];

    if (!o) {
        json_object_put(ring);
        return NULL;
    }
    model_guest_uuid(v, uuid);
    add_text(o, "guest", v->seen.name);
    add_text(o, "uuid", uuid);
    add_flag(o, "up", is_up(v));
    add_number(o, "domid", v->domid);
    add_number(o, "vhost", v->id);
    add_number(o, "state", v->seen.own);
    add_text(o, "state_name", xenbus_state_name(v->seen.own));
    add_number(o, "frontend_state", v->seen.front);
    add_text(o, "frontend_state_name", xenbus_state_name(v->seen.front));
    add_text(o, "phase", ring_state_name(v->ring));
    add_flag(o, "online", v->seen.online);
    if (v->worker.child)
        add_number(o, "worker_pid", (uint64_t)child_pid(v->worker.child));
    add_number(o, "restarts", v->worker.restarts);
    add_flag(o, "halted", v->worker.halted);
    add_number(o, "segments", v->segments);
    add_number(o, "granted_pages", v->worker.pages);
    add_text(o, "error", v->error);
    if (ring) {
        add_ring_stats(ring, stats);
        json_object_object_add(o, "stats", ring);
    }
    for (const struct vdev *d = v->devs; d; d = d->next) {
        struct json_object *lun = report_device(d);

        if (lun && stats && d->lun_index >= 0)
            json_object_object_add(lun, "stats", report_lun_stats(d, &stats->lun[d->lun_index]));
        json_object_array_add(luns, lun);
    }
    json_object_object_add(o, "luns", luns);
    return o;
}

static struct json_object *report_host(const struct host *h, bool with_stats)
{
    struct json_object *vhosts, *o = new_with_list(&vhosts);

    if (!o)
        return NULL;
    add_text(o, "version", PACKAGE_VERSION);
    add_number(o, "pid", (uint64_t)getpid());
    add_number(o, "started", (uint64_t)h->started);
    add_number(o, "domid", h->own_domid);
    add_flag(o, "serving", h->first_scan_done);
    add_flag(o, "xenstore", h->store != NULL);
    add_flag(o, "standalone", h->standalone);
    add_text(o, "sandbox", sandbox_mode_name(h->sandbox.mode));
    add_text(o, "sandbox_lacks", h->sandbox.lacks);
    for (const struct vhost *v = h->vhosts; v; v = v->next) {
        const struct pvscsi_stats *stats = with_stats ? run_files_map_stats(h->settings->run_dir, v->domid, v->id)
                                                      : NULL;

        json_object_array_add(vhosts, report_vhost(v, stats));
        run_files_unmap_stats(stats);
    }
    json_object_object_add(o, "vhosts", vhosts);
    return o;
}

struct json_object *host_report_status(struct host *h)
{
    return report_host(h, false);
}

struct json_object *host_report_metrics(struct host *h)
{
    return report_host(h, true);
}

static struct json_object *report_vhost_stats(const struct host *h, const struct vhost *v)
{
    const struct pvscsi_stats *s = run_files_map_stats(h->settings->run_dir, v->domid, v->id);
    struct json_object *luns = NULL, *o = s ? new_with_list(&luns) : NULL;

    if (!o) {
        run_files_unmap_stats(s);
        return NULL;
    }
    add_number(o, "domid", v->domid);
    add_number(o, "vhost", v->id);
    add_ring_stats(o, s);
    for (const struct vdev *d = v->devs; d; d = d->next)
        if (d->lun_index >= 0)
            json_object_array_add(luns, report_lun_stats(d, &s->lun[d->lun_index]));
    json_object_object_add(o, "luns", luns);
    run_files_unmap_stats(s);
    return o;
}

struct json_object *host_report_stats(struct host *h)
{
    struct json_object *vhosts, *o = new_with_list(&vhosts);

    if (!o)
        return NULL;
    add_text(o, "version", PACKAGE_VERSION);
    add_number(o, "domid", h->own_domid);
    for (const struct vhost *v = h->vhosts; v; v = v->next) {
        struct json_object *one = report_vhost_stats(h, v);

        if (one)
            json_object_array_add(vhosts, one);
    }
    json_object_object_add(o, "vhosts", vhosts);
    return o;
}
