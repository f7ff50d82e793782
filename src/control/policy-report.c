// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The answer of the control socket to "policy": which commands a LUN's guest may send, or any guest to a type of device
 * without options of the toolstack. It asks src/scsi/policy.c, as the worker does, and changes nothing.
 */
#include "config.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/sense-text.h"
#include "common/util.h"
#include "control/host.h"
#include "control/policy.h"
#include "scsi/scsi.h"

static const char *const state_names[] = {
    [SCSI_POLICY_REFUSED] = "refused",
    [SCSI_POLICY_ALLOWED] = "allowed",
    [SCSI_POLICY_ALONE] = "alone",
    [SCSI_POLICY_PARTLY] = "partly",
};

static void add_command(struct json_object *list, const struct scsi_lun_facts *f, uint8_t opcode, bool some_action,
                        uint8_t action)
{
    const uint8_t cdb[SCSI_CDB_MAX] = { opcode, action };
    struct json_object *o = json_object_new_object();
    char command[8], name[SENSE_TEXT_SIZE];

    if (!o)
        return;
    snprintf(command, sizeof(command), some_action ? "%02x/%02x" : "%02x", opcode, action);
    sense_text_command(cdb, sizeof(cdb), f->type, name, sizeof(name));
    /* For an opcode without a service action the library adds the name of service action 0, after a comma. */
    if (!some_action)
        name[strcspn(name, ",")] = '\0';
    json_object_object_add(o, "command", json_object_new_string(command));
    json_object_object_add(o, "state",
                           json_object_new_string(state_names[scsi_policy_state(f, opcode, some_action, action)]));
    json_object_object_add(o, "name", json_object_new_string(name));
    json_object_array_add(list, o);
}

static bool has_rule(const struct scsi_lun_facts *f, uint8_t opcode, bool some_action, uint8_t action)
{
    for (uint32_t i = 0; i < f->rules.n; i++) {
        const struct scsi_rule *r = &f->rules.rule[i];

        if (r->opcode == opcode && (!some_action || (r->some_action && r->action == action)))
            return true;
    }
    return false;
}

/* A rule that names the opcode without an action holds for actions that the table does not have too. */
static bool has_whole_rule(const struct scsi_lun_facts *f, uint8_t opcode)
{
    for (uint32_t i = 0; i < f->rules.n; i++)
        if (f->rules.rule[i].opcode == opcode && !f->rules.rule[i].some_action)
            return true;
    return false;
}

/* feature-host allows the others, and not this. */
static bool is_exception(const struct scsi_lun_facts *f, uint8_t opcode)
{
    return f->feature_host && scsi_is_third_party_copy(opcode);
}

/* What the table or a rule names, or "others" would be wrong about; the rest is in "others". */
static struct json_object *commands(const struct scsi_lun_facts *f)
{
    struct json_object *list = json_object_new_array();

    for (unsigned opcode = 0; list && opcode < 256; opcode++) {
        uint8_t op = (uint8_t)opcode;
        bool has_actions = scsi_has_actions(op, f->type);

        if (is_exception(f, op)
            || (has_actions ? has_whole_rule(f, op)
                            : scsi_is_known(op, f->type, false, 0) || has_rule(f, op, false, 0)))
            add_command(list, f, op, false, 0);
        /* A rule may name an action of any opcode. */
        for (unsigned action = 0; action < 256; action++)
            if ((has_actions && scsi_is_known(op, f->type, true, (uint8_t)action))
                || has_rule(f, op, true, (uint8_t)action))
                add_command(list, f, op, true, (uint8_t)action);
    }
    return list;
}

static struct json_object *report(const char *of, const struct scsi_lun_facts *f)
{
    struct json_object *o = json_object_new_object();

    if (!o)
        return NULL;
    json_object_object_add(o, "of", json_object_new_string(of));
    json_object_object_add(o, "type", json_object_new_int(f->type));
    json_object_object_add(o, "group", json_object_new_string(scsi_type_group(f->type)));
    json_object_object_add(o, "feature_host", json_object_new_boolean(f->feature_host));
    json_object_object_add(o, "readonly", json_object_new_boolean(f->readonly));
    json_object_object_add(o, "others", json_object_new_string(f->feature_host ? "allowed" : "refused"));
    json_object_object_add(o, "commands", commands(f));
    return o;
}

static struct json_object *wrong(const char *fmt, ...) PRINTF(1, 2);

static struct json_object *wrong(const char *fmt, ...)
{
    struct json_object *o = json_object_new_object();
    char why[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (o)
        json_object_object_add(o, "error", json_object_new_string(why));
    return o;
}

/* Text of the client, for an answer. */
static const char *safe(const char *text, char out[GUEST_NAME_MAX])
{
    escape_for_log(out, GUEST_NAME_MAX, text, strlen(text));
    return out;
}

static struct json_object *report_type(const struct host *h, const char *name)
{
    uint32_t types = scsi_types_named(name, strlen(name));
    struct scsi_lun_facts f = { 0 };
    char shown[GUEST_NAME_MAX];
    struct lun_policy p;

    if (!types || types == SCSI_ALL)
        return wrong("no such type '%s'; expected disk, tape, optical, changer or other", safe(name, shown));
    while (!scsi_type_in(f.type, types))
        f.type++;
    policy_make(h->settings, f.type, false, NULL, &p);
    f.feature_host = p.feature_host;
    f.rules = p.rules;
    return report(name, &f);
}

static struct json_object *report_lun(struct host *h, uint32_t domid, const struct hctl *vdev)
{
    char text[HCTL_TEXT_MAX];

    for (struct vhost *v = h->vhosts; v; v = v->next) {
        for (struct vdev *d = v->devs; v->domid == domid && d; d = d->next) {
            struct lun_policy p;
            char of[HCTL_TEXT_MAX + 32];

            if (d->lun == LUN_NONE || !hctl_equal(&d->wish.vdev, vdev))
                continue;
            policy_make(h->settings, d->dev.type, v->seen.feature_host || d->wish.feature_host, &d->wish, &p);
            hctl_format(vdev, text);
            snprintf(of, sizeof(of), "guest %" PRIu32 " LUN %s", domid, text);
            return report(of, &(struct scsi_lun_facts){ .type = d->dev.type,
                                                        .feature_host = p.feature_host,
                                                        .readonly = d->wish.readonly,
                                                        .shared = d->shared,
                                                        .rules = p.rules });
        }
    }
    hctl_format(vdev, text);
    return wrong("guest %" PRIu32 " has no LUN %s here; pvscsictl status shows which there are", domid, text);
}

/* By its number, or by its name as it is shown. False: there is none. */
static bool find_guest(const struct host *h, const char *text, uint32_t *domid)
{
    bool number = parse_u32_str(text, UINT16_MAX, domid) == 0;
    char shown[GUEST_NAME_MAX];

    safe(text, shown);
    for (const struct vhost *v = h->vhosts; v; v = v->next)
        if (number ? v->domid == *domid : v->seen.name[0] && strcmp(v->seen.name, shown) == 0) {
            *domid = v->domid;
            return true;
        }
    return false;
}

struct json_object *host_report_policy(struct host *h, const char *what)
{
    CLEANUP_FREE char *guest = strdup(what);
    /* A name may hold a blank, and neither a type nor a v-dev does. */
    char *blank = guest ? strrchr(guest, ' ') : NULL;
    char shown[GUEST_NAME_MAX];
    struct hctl vdev;
    uint32_t domid;

    if (!guest)
        return NULL;
    if (!blank)
        return report_type(h, what);
    *blank = '\0';
    if (vdev_parse(blank + 1, &vdev) < 0)
        return wrong("'%s' is no v-dev; expected h:c:t:l, such as 0:0:0:0", safe(blank + 1, shown));
    if (!find_guest(h, guest, &domid))
        return wrong("no such guest '%s' here; expected the name or number of one that pvscsictl status shows",
                     safe(guest, shown));
    return report_lun(h, domid, &vdev);
}
