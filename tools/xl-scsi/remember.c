// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest's devices outlive its domain; see remember.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include <json-c/json.h>

#include "hyp.h"
#include "remember.h"

#define JSON_USERDATA "libxl-json" /* libxl.h: the domain's configuration */

enum {
    LOCK_US = 10 * 1000000
}; /* libxl holds it for milliseconds */

static void put_json(struct json_object **o)
{
    if (*o)
        json_object_put(*o);
}
#define CLEANUP_JSON __attribute__((cleanup(put_json)))

/* The object under this key, made if there is none. NULL without memory or if it is something else. */
static struct json_object *child(struct json_object *parent, const char *key)
{
    struct json_object *o = NULL;

    if (json_object_object_get_ex(parent, key, &o) && o)
        return json_object_is_type(o, json_type_object) ? o : NULL;
    o = json_object_new_object();
    if (o && json_object_object_add(parent, key, o) < 0) {
        json_object_put(o);
        o = NULL;
    }
    return o;
}

static bool is_ours(const char *key)
{
    return strncmp(key, WANTED_DIR "/", sizeof(WANTED_DIR)) == 0;
}

static bool parse_noted(const char *key, struct json_object *value, struct vscsi_entry *e)
{
    char err[VSCSI_ERROR_MAX];

    return is_ours(key) && json_object_is_type(value, json_type_string)
           && vscsi_entry_parse(json_object_get_string(value), e, err) == 0;
}

static bool remove_vdev(struct json_object *xsdata, const struct hctl *vdev)
{
    json_object_object_foreach(xsdata, key, value)
    {
        struct vscsi_entry e = { 0 };
        bool match = parse_noted(key, value, &e) && hctl_equal(&e.vdev, vdev);

        vscsi_entry_clear(&e);
        if (match) {
            json_object_object_del(xsdata, key);
            return true; /* the iteration is not valid any more, and a v-dev is noted only once */
        }
    }
    return false;
}

static int add_entry(struct json_object *xsdata, const struct vscsi_entry *e)
{
    CLEANUP_FREE char *text = vscsi_entry_format(e);
    char key[32];
    unsigned n = 0;

    remove_vdev(xsdata, &e->vdev);
    do
        snprintf(key, sizeof(key), WANTED_DIR "/%u", n++);
    while (json_object_object_get_ex(xsdata, key, NULL));
    struct json_object *value = text ? json_object_new_string(text) : NULL;

    if (!value)
        return -ENOMEM;
    if (json_object_object_add(xsdata, key, value) < 0) {
        json_object_put(value);
        return -ENOMEM;
    }
    return 0;
}

int remember_edit(const char *json, const struct vscsi_entry *add, unsigned n, const struct hctl *remove, char **out)
{
    CLEANUP_JSON struct json_object *root = json_tokener_parse(json);
    struct json_object *c_info = NULL, *xsdata;
    int r = 0;

    if (!root || !json_object_is_type(root, json_type_object) || !json_object_object_get_ex(root, "c_info", &c_info)
        || !json_object_is_type(c_info, json_type_object))
        return -EINVAL;
    xsdata = child(c_info, "xsdata");
    if (!xsdata)
        return -EINVAL;
    if (!(remove && remove_vdev(xsdata, remove)) && n == 0)
        return 1;
    for (unsigned i = 0; r == 0 && i < n; i++)
        r = add_entry(xsdata, &add[i]);
    if (r < 0)
        return r;
    if (json_object_object_length(xsdata) == 0)
        json_object_object_del(c_info, "xsdata");
    const char *text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);

    *out = text ? strdup(text) : NULL;
    return *out ? 0 : -ENOMEM;
}

void remembered_clear(struct remembered *r)
{
    free(r->name);
    free(r->uuid);
    vscsi_entries_free(r->entries, r->n);
    *r = (struct remembered){ 0 };
}

/* *out stays NULL where there is no such string. */
static int copy_string(struct json_object *from, const char *key, char **out)
{
    struct json_object *value = NULL;

    if (!json_object_object_get_ex(from, key, &value) || !json_object_is_type(value, json_type_string))
        return 0;
    *out = strdup(json_object_get_string(value));
    return *out ? 0 : -ENOMEM;
}

static int read_entries(struct json_object *c_info, struct remembered *r)
{
    struct json_object *xsdata = NULL;

    if (!json_object_object_get_ex(c_info, "xsdata", &xsdata) || !json_object_is_type(xsdata, json_type_object)
        || json_object_object_length(xsdata) == 0)
        return 0;
    r->entries = calloc((size_t)json_object_object_length(xsdata), sizeof(*r->entries));
    if (!r->entries)
        return -ENOMEM;
    json_object_object_foreach(xsdata, key, value)
    {
        if (parse_noted(key, value, &r->entries[r->n]))
            r->n++;
        else
            r->entries[r->n] = (struct vscsi_entry){ 0 };
    }
    return 0;
}

int remember_read(const char *json, struct remembered *out)
{
    CLEANUP_JSON struct json_object *root = json_tokener_parse(json);
    struct json_object *c_info = NULL;
    int r = 0;

    *out = (struct remembered){ 0 };
    if (!root || !json_object_is_type(root, json_type_object) || !json_object_object_get_ex(root, "c_info", &c_info)
        || !json_object_is_type(c_info, json_type_object))
        return -EINVAL;
    r = copy_string(c_info, "name", &out->name);
    if (r == 0)
        r = copy_string(c_info, "uuid", &out->uuid);
    if (r == 0)
        r = read_entries(c_info, out);
    if (r < 0)
        remembered_clear(out);
    return r;
}

/* --- libxl's copy --- */

/* What to do with the JSON: add entries, remove a v-dev, or change options of one. */
struct edit {
    const struct vscsi_entry *add;
    unsigned n;
    const struct hctl *remove;
    const struct hctl *vdev;
    const struct dev_settings *settings; /* of vdev; NULL: no change */
};

static int edit_locked(const struct userdata *u, const struct edit *e, char *err)
{
    CLEANUP_FREE char *json = NULL, *edited = NULL;
    int r = userdata_read(u, JSON_USERDATA, &json);

    if (r < 0) {
        snprintf(err, CHANGE_ERROR_MAX, "xl keeps no configuration of domain %u in %s: %s", u->domid, u->dir,
                 strerror(-r));
        return r;
    }
    r = e->settings ? remember_change_text(json, e->vdev, e->settings, &edited)
                    : remember_edit(json, e->add, e->n, e->remove, &edited);
    if (r == 1)
        return REMEMBER_NOT_NOTED;
    if (r < 0) {
        snprintf(err, CHANGE_ERROR_MAX, "xl's configuration of domain %u cannot be edited: %s", u->domid, strerror(-r));
        return r;
    }
    r = userdata_replace(u, JSON_USERDATA, edited);
    if (r < 0)
        snprintf(err, CHANGE_ERROR_MAX, "xl's configuration of domain %u cannot be stored: %s", u->domid, strerror(-r));
    return r;
}

static int edit_file(const struct userdata *u, const struct edit *e, char *err)
{
    int lock = userdata_lock(u, now_us() + LOCK_US);

    if (lock < 0) {
        snprintf(err, CHANGE_ERROR_MAX, "xl's configuration of domain %u cannot be locked: %s", u->domid,
                 strerror(-lock));
        return lock;
    }
    int r = edit_locked(u, e, err);

    userdata_unlock(u, lock);
    return r;
}

int remember_edit_file(const struct userdata *u, const struct vscsi_entry *add, unsigned n, const struct hctl *remove,
                       char err[CHANGE_ERROR_MAX])
{
    const struct edit e = { .add = add, .n = n, .remove = remove };

    return edit_file(u, &e, err);
}

/* -ENOSYS without Xen. */
static int find_userdata(uint32_t domid, struct userdata *u)
{
    *u = (struct userdata){ .dir = hyp_xen_lib_dir(), .domid = domid };
    return hyp_domain_uuid(domid, u->uuid);
}

static int edit(uint32_t domid, const struct edit *e, char *err)
{
    struct userdata u;
    int r = find_userdata(domid, &u);

    if (r == -ENOSYS)
        return REMEMBER_NO_XEN;
    if (r < 0) {
        snprintf(err, CHANGE_ERROR_MAX, "domain %u is gone", domid);
        return r;
    }
    return edit_file(&u, e, err);
}

int remember_add(uint32_t domid, const struct vscsi_entry *e, unsigned n, char err[CHANGE_ERROR_MAX])
{
    const struct edit add = { .add = e, .n = n };

    return edit(domid, &add, err);
}

int remember_remove(uint32_t domid, const struct hctl *vdev, char err[CHANGE_ERROR_MAX])
{
    const struct edit remove = { .remove = vdev };

    return edit(domid, &remove, err);
}

int remember_change_text(const char *json, const struct hctl *vdev, const struct dev_settings *settings, char **out)
{
    struct remembered all;
    int r = remember_read(json, &all);
    unsigned i = 0;

    if (r < 0)
        return r;
    while (i < all.n && !hctl_equal(&all.entries[i].vdev, vdev))
        i++;
    if (i == all.n)
        r = 1;
    else
        r = settings_apply(settings, &all.entries[i]);
    if (r == 0)
        r = remember_edit(json, &all.entries[i], 1, NULL, out);
    remembered_clear(&all);
    return r;
}

int remember_change(uint32_t domid, const struct hctl *vdev, const struct dev_settings *settings,
                    char err[CHANGE_ERROR_MAX])
{
    const struct edit e = { .vdev = vdev, .settings = settings };

    return edit(domid, &e, err);
}

bool remember_domain_complete(uint32_t domid)
{
    struct userdata u;
    int r = find_userdata(domid, &u);

    return r == -ENOSYS || (r == 0 && userdata_exists(&u, JSON_USERDATA));
}

/* Without the lock: libxl and edit_locked() replace the file as a whole. */
int remember_load(uint32_t domid, struct remembered *out)
{
    CLEANUP_FREE char *json = NULL;
    struct userdata u;
    int r = find_userdata(domid, &u);

    *out = (struct remembered){ 0 };
    if (r == 0)
        r = userdata_read(&u, JSON_USERDATA, &json);
    if (r == 0)
        r = remember_read(json, out);
    return r == -ENOSYS ? 0 : r;
}
