// SPDX-License-Identifier: GPL-2.0-or-later
/* Showing guests' virtual SCSI devices; see list.h. */
#include "config.h"

#include <stdio.h>

#include <json-c/json.h>

#include "device/identity.h"
#include "device/holder.h"
#include "list.h"
#include "show.h"

/* If the backend has not written the address, p-dev is used where it is one. */
static const char *phctl_of(const struct dev_view *d)
{
    struct hctl parsed;

    return d->phctl ? d->phctl : d->pdev && hctl_parse(d->pdev, &parsed) == 0 ? d->pdev : NULL;
}

/* Its node, else the user's name, unless that is an address. */
static const char *phy_of(const struct dev_view *d)
{
    struct hctl parsed;
    const char *name = view_name(d);

    return d->node ? d->node : name && hctl_parse(name, &parsed) == 0 ? NULL : name;
}

/* Its backend has written why the guest, which keeps the LUN, has no device behind it (vscsi(7)). */
static const char *why_away(const struct dev_view *d)
{
    static const struct {
        const char *begins, *word;
    } reasons[] = { { "the device is gone", " gone" }, { HOLDER_IN_USE, " in use" } };

    for (size_t i = 0; i < ARRAY_SIZE(reasons) && d->state != 6 && d->error; i++)
        if (strncmp(d->error, reasons[i].begins, strlen(reasons[i].begins)) == 0)
            return reasons[i].word;
    return "";
}

static void print_dev(const struct vhost_view *h, const struct dev_view *d)
{
    char vdev[HCTL_TEXT_MAX] = "-", phctl[CHANGE_ERROR_MAX], phy[CHANGE_ERROR_MAX];

    if (d->vdev_ok)
        hctl_format(&d->vdev, vdev);
    printf("%-3u %-3u %-5u %-4u %-10s %-10s %-10s %u%s\n", h->id, h->backend, h->state, h->host,
           show_word(phctl_of(d), phctl), show_word(phy_of(d), phy), vdev, d->state, why_away(d));
}

void list_table(const struct guest_view *v, const struct wanted *missing, const char *name, bool heading)
{
    if (heading)
        printf("%s (domain %u)\n", name ? name : "?", v->domid);
    printf("%-3s %-3s %-5s %-4s %-10s %-10s %-10s %s\n", "Idx", "BE", "state", "host", "phy-hctl", "phy", "vir-hctl",
           "devstate");
    for (unsigned i = 0; i < v->n_vhosts; i++)
        for (unsigned k = 0; k < v->vhosts[i].n_devs; k++)
            print_dev(&v->vhosts[i], &v->vhosts[i].devs[k]);
    for (unsigned i = 0; i < missing->n; i++) {
        const struct vscsi_entry *e = &missing->entries[i];
        char vdev[HCTL_TEXT_MAX], phy[CHANGE_ERROR_MAX];

        hctl_format(&e->vdev, vdev);
        printf("%-3s %-3s %-5s %-4u %-10s %-10s %-10s %s\n", "-", "-", "-", e->vdev.host, "-", show_word(e->pdev, phy),
               vdev, "-");
    }
}

/* The word for it in vscsi=; NULL: neither of them. */
static const char *need_of(const struct dev_view *d)
{
    return d->need == NEED_REQUIRED ? "required" : d->need == NEED_OPTIONAL ? "optional" : NULL;
}

/* Adds ",TEXT" to the options; what does not fit is cut. */
static void add_option(char out[CHANGE_ERROR_MAX], const char *key, const char *value)
{
    size_t at = strlen(out);

    snprintf(out + at, CHANGE_ERROR_MAX - at, "%s%s%s%s", at ? "," : "", key, value ? "=" : "", value ? value : "");
}

/* The options that the device has, in the words and in the order of vscsi=. "" for none. */
static void options_of(const struct vhost_view *h, const struct dev_view *d, char out[CHANGE_ERROR_MAX])
{
    out[0] = '\0';
    if (h->feature_host)
        add_option(out, "feature-host", NULL);
    for (unsigned i = 0; settings_key(i); i++) {
        const char *node = d->options[i];
        bool flag = settings_kind(i) == SETTING_FLAG;

        /* A limit of 0 is none. One that no backend takes is shown as it is. */
        if (!node || !*node || (flag && !settings_number(i, node))
            || (settings_kind(i) == SETTING_LIMIT && strcmp(node, "0") == 0))
            continue;
        add_option(out, settings_key(i), flag ? NULL : node);
    }
    if (d->force)
        add_option(out, "force", NULL);
    if (need_of(d))
        add_option(out, need_of(d), NULL);
}

static void long_dev(const struct vhost_view *h, const struct dev_view *d)
{
    char vdev[HCTL_TEXT_MAX] = "(no v-dev)", a[CHANGE_ERROR_MAX], b[CHANGE_ERROR_MAX];

    if (d->vdev_ok)
        hctl_format(&d->vdev, vdev);
    printf("  %s\n    p-dev %s", vdev, show_safe(view_name(d), a));
    if (d->phctl || d->node)
        printf(" is %s at %s", show_safe(d->node, a), show_safe(d->phctl, b));
    if (d->wwid)
        printf("\n    unit %s, type %d", show_safe(d->wwid, a), d->type);
    printf("\n    dev-%u of virtual host %u (Idx %u), backend domain %u\n", d->n, h->host, h->id, h->backend);
    options_of(h, d, b);
    if (b[0])
        printf("    options %s\n", show_safe(b, a));
    printf("    states: device %u (%s), its host %u (%s), the guest's side %u (%s)%s\n", d->state, state_name(d->state),
           h->state, state_name(h->state), h->fe_state, state_name(h->fe_state), h->online ? "" : ", going away");
    if (d->error)
        printf("    %s: %s\n", d->state == 6 ? "closed by the backend" : "the backend says", show_safe(d->error, a));
    else if (h->error)
        printf("    the backend says: %s\n", show_safe(h->error, a));
    else if (d->fe_state == 6 && d->state != 6)
        printf("    refused by the guest\n");
}

/* The options of an entry in its own words, in *text, which is allocated. NULL: it has none, or no memory. */
static const char *entry_options(const struct vscsi_entry *e, char **text)
{
    const char *at = *text = vscsi_entry_format(e);

    /* Neither p-dev nor v-dev holds a comma. */
    for (int commas = 0; at && commas < 2; commas++) {
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
    return at;
}

void list_long(const struct guest_view *v, const struct wanted *missing, const char *name)
{
    unsigned any = missing->n;

    printf("%s (domain %u)\n", name ? name : "?", v->domid);
    for (unsigned i = 0; i < v->n_vhosts; i++) {
        any += v->vhosts[i].n_devs;
        for (unsigned k = 0; k < v->vhosts[i].n_devs; k++)
            long_dev(&v->vhosts[i], &v->vhosts[i].devs[k]);
    }
    for (unsigned i = 0; i < missing->n; i++) {
        char vdev[HCTL_TEXT_MAX], a[CHANGE_ERROR_MAX];
        CLEANUP_FREE char *text = NULL;
        const char *options = entry_options(&missing->entries[i], &text);

        hctl_format(&missing->entries[i].vdev, vdev);
        printf("  %s\n    p-dev %s: the guest had it before it was restarted, and it is not attached yet\n", vdev,
               show_safe(missing->entries[i].pdev, a));
        if (options)
            printf("    options %s\n", show_safe(options, a));
        if (missing->errors[i])
            printf("    because: %s\n", show_safe(missing->errors[i], a));
    }
    if (!any)
        printf("  no SCSI devices\n");
}

/* A device without an identifier of its own has none here. */
static const char *wwid_of(const struct dev_view *d)
{
    return d->wwid && identity_lasts(d->wwid) ? d->wwid : NULL;
}

static bool put_type(struct json_object *o, const struct dev_view *d)
{
    return d->type < 0 ? json_put_text(o, "type", NULL) : json_put_number(o, "type", (uint32_t)d->type);
}

/* Each option is a member, whether the device has it or not: a flag, a text or null, a number or null. */
static bool put_options(struct json_object *o, const struct dev_view *d)
{
    bool ok = json_put_flag(o, "force", d->force) && json_put_text(o, "need", need_of(d));

    for (unsigned i = 0; ok && settings_key(i); i++) {
        const char *node = d->options[i] ? d->options[i] : "", *key = settings_key(i);
        uint64_t number = settings_number(i, node);

        if (settings_kind(i) == SETTING_FLAG)
            ok = json_put_flag(o, key, number);
        else if (settings_kind(i) == SETTING_TEXT)
            ok = json_put_foreign(o, key, *node ? node : NULL);
        else
            ok = number ? json_put_number(o, key, number) : json_put_text(o, key, NULL);
    }
    return ok;
}

static struct json_object *dev_json(const struct vhost_view *h, const struct dev_view *d)
{
    struct json_object *o = json_object_new_object();
    char vdev[HCTL_TEXT_MAX];

    hctl_format(&d->vdev, vdev);
    if (!o)
        return NULL;
    if (json_put_number(o, "idx", h->id) && json_put_number(o, "backend", h->backend)
        && json_put_foreign(o, "backend-name", h->backend_name) && json_put_number(o, "state", h->state)
        && json_put_number(o, "host", h->host) && json_put_foreign(o, "p-hctl", phctl_of(d))
        && json_put_foreign(o, "node", d->node) && json_put_foreign(o, "p-devname", d->devname)
        && json_put_foreign(o, "p-dev", d->pdev) && json_put_foreign(o, "wwid", wwid_of(d)) && put_type(o, d)
        && json_put_text(o, "v-dev", d->vdev_ok ? vdev : NULL) && json_put_number(o, "dev", d->n)
        && json_put_number(o, "devstate", d->state) && json_put_number(o, "frontend-state", h->fe_state)
        && json_put_number(o, "frontend-devstate", d->fe_state) && json_put_flag(o, "feature-host", h->feature_host)
        && put_options(o, d) && json_put_flag(o, "online", h->online)
        && json_put_foreign(o, "error", d->error ? d->error : h->error))
        return o;
    json_object_put(o);
    return NULL;
}

static struct json_object *missing_json(const struct vscsi_entry *e, const char *error)
{
    struct json_object *o = json_object_new_object();
    CLEANUP_FREE char *text = NULL;
    const char *options = entry_options(e, &text);
    char vdev[HCTL_TEXT_MAX];

    hctl_format(&e->vdev, vdev);
    if (o && text && json_put_foreign(o, "p-dev", e->pdev) && json_put_text(o, "v-dev", vdev)
        && json_put_foreign(o, "options", options) && json_put_foreign(o, "error", error))
        return o;
    json_object_put(o);
    return NULL;
}

struct json_object *list_json(const struct guest_view *v, const struct wanted *missing, const char *name)
{
    struct json_object *o = json_object_new_object(), *devices = json_object_new_array();
    struct json_object *absent = json_object_new_array();
    bool ok = o && devices && absent;

    for (unsigned i = 0; ok && i < v->n_vhosts; i++)
        for (unsigned k = 0; ok && k < v->vhosts[i].n_devs; k++)
            ok = json_append(devices, dev_json(&v->vhosts[i], &v->vhosts[i].devs[k]));
    for (unsigned i = 0; ok && i < missing->n; i++)
        ok = json_append(absent, missing_json(&missing->entries[i], missing->errors[i]));
    ok = ok && json_put_number(o, "domid", v->domid) && json_put_text(o, "name", name)
         && json_put_text(o, "uuid", v->uuid);
    if (ok && json_object_object_add(o, "devices", devices) == 0) {
        devices = NULL;
        if (json_object_object_add(o, "missing", absent) == 0)
            return o;
    }
    json_object_put(devices);
    json_object_put(absent);
    json_object_put(o);
    return NULL;
}
