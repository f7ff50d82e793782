/* A guest's devices outlive its domain; see remember.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include <json-c/json.h>
#include <libxl.h>

#include "hyp.h"
#include "remember.h"
#include "run.h"

#define JSON_USERDATA "libxl-json"      /* libxl.h: the domain's configuration */

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
    json_object_object_foreach(xsdata, key, value) {
        struct vscsi_entry e = { 0 };
        bool match = parse_noted(key, value, &e) && hctl_equal(&e.vdev, vdev);

        vscsi_entry_clear(&e);
        if (match) {
            json_object_object_del(xsdata, key);
            return true;    /* the iteration has lost its place; a v-dev is noted once */
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

    if (!root || !json_object_is_type(root, json_type_object)
        || !json_object_object_get_ex(root, "c_info", &c_info) || !json_object_is_type(c_info, json_type_object))
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

int remember_read(const char *json, char **name, struct vscsi_entry **entries, unsigned *n)
{
    CLEANUP_JSON struct json_object *root = json_tokener_parse(json);
    struct json_object *c_info = NULL, *xsdata = NULL, *named = NULL;

    *name = NULL;
    *entries = NULL;
    *n = 0;
    if (!root || !json_object_is_type(root, json_type_object)
        || !json_object_object_get_ex(root, "c_info", &c_info) || !json_object_is_type(c_info, json_type_object))
        return -EINVAL;
    if (json_object_object_get_ex(c_info, "name", &named) && json_object_is_type(named, json_type_string)) {
        *name = strdup(json_object_get_string(named));
        if (!*name)
            return -ENOMEM;
    }
    if (!json_object_object_get_ex(c_info, "xsdata", &xsdata) || !json_object_is_type(xsdata, json_type_object)
        || json_object_object_length(xsdata) == 0)
        return 0;
    *entries = calloc((size_t)json_object_object_length(xsdata), sizeof(**entries));
    if (!*entries) {
        free(*name);
        *name = NULL;
        return -ENOMEM;
    }
    json_object_object_foreach(xsdata, key, value) {
        if (parse_noted(key, value, &(*entries)[*n]))
            (*n)++;
        else
            (*entries)[*n] = (struct vscsi_entry){ 0 };
    }
    return 0;
}

/* --- libxl's copy --- */

struct keeper {
    libxl_ctx *ctx;
    xentoollog_logger *log;
    int lock;
};

static void keeper_close(struct keeper *k)
{
    if (k->ctx)
        libxl_ctx_free(k->ctx);
    if (k->log)
        xtl_logger_destroy(k->log);
    if (k->lock >= 0)
        close(k->lock);
}

/* libxl locks each store and each retrieval; between the two of them only our own lock stands. */
static int keeper_open(struct keeper *k, char *err)
{
    *k = (struct keeper){ .lock = run_lock("remember") };
    k->log = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
    if (!k->log || libxl_ctx_alloc(&k->ctx, LIBXL_VERSION, 0, k->log) != 0) {
        snprintf(err, CHANGE_ERROR_MAX, "libxl cannot be used");
        return -EIO;
    }
    return 0;
}

/* NULL without; to be freed. */
static char *retrieve(struct keeper *k, uint32_t domid)
{
    uint8_t *data = NULL;
    int len = 0;
    char *text = NULL;

    if (libxl_userdata_retrieve(k->ctx, domid, JSON_USERDATA, &data, &len) == 0 && len > 0)
        text = strndup((const char *)data, (size_t)len);
    free(data);
    return text;
}

static int edit(uint32_t domid, const struct vscsi_entry *add, unsigned n, const struct hctl *remove, char *err)
{
    __attribute__((cleanup(keeper_close))) struct keeper k = { .lock = -1 };

    if (!hyp_available())
        return 1;
    int r = keeper_open(&k, err);

    if (r < 0)
        return r;
    /* Again, if xl has just stored a version that knows nothing of our change. */
    for (unsigned i = 0; i < 5; i++) {
        CLEANUP_FREE char *json = retrieve(&k, domid), *edited = NULL, *after = NULL;

        if (!json) {
            snprintf(err, CHANGE_ERROR_MAX, "xl keeps no configuration of domain %u", domid);
            return -ENOENT;
        }
        r = remember_edit(json, add, n, remove, &edited);
        if (r < 0) {
            snprintf(err, CHANGE_ERROR_MAX, "xl's configuration of domain %u cannot be edited: %s", domid, strerror(-r));
            return r;
        }
        if (r == 1)
            return 0;
        /* libxl counts the final NUL. */
        if (libxl_userdata_store(k.ctx, domid, JSON_USERDATA, (const uint8_t *)edited, (int)strlen(edited) + 1) != 0)
            break;
        after = retrieve(&k, domid);
        if (after && strcmp(after, edited) == 0)
            return 0;
    }
    snprintf(err, CHANGE_ERROR_MAX, "xl's configuration of domain %u cannot be stored", domid);
    return -EIO;
}

int remember_add(uint32_t domid, const struct vscsi_entry *e, unsigned n, char err[CHANGE_ERROR_MAX])
{
    return edit(domid, e, n, NULL, err);
}

int remember_remove(uint32_t domid, const struct hctl *vdev, char err[CHANGE_ERROR_MAX])
{
    return edit(domid, NULL, 0, vdev, err);
}

bool remember_domain_complete(uint32_t domid)
{
    __attribute__((cleanup(keeper_close))) struct keeper k = { .lock = -1 };
    char err[CHANGE_ERROR_MAX];

    if (!hyp_available())
        return true;
    if (keeper_open(&k, err) < 0)
        return false;
    CLEANUP_FREE char *json = retrieve(&k, domid);

    return json != NULL;
}
