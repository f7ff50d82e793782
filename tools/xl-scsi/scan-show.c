// SPDX-License-Identifier: GPL-2.0-or-later
/* Printing what scan.c has found. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include <scsi/sg_lib.h>

#include "scan.h"
#include "show.h"

enum {
    TYPE_TEXT_MAX = 64,
    CELL_MAX = CHANGE_ERROR_MAX
};

/* "8.0M", "1.2T": three digits, in powers of 1024. "-" for 0. */
static const char *size_text(uint64_t bytes, char out[16])
{
    static const char units[] = "BKMGTPE";
    double value = (double)bytes;
    unsigned u = 0;

    while (value >= 1000 && u + 2 < sizeof(units)) {
        value /= 1024;
        u++;
    }
    if (bytes == 0)
        strcpy(out, "-");
    else
        snprintf(out, 16, value < 10 && u > 0 ? "%.1f%c" : "%.0f%c", value, units[u]);
    return out;
}

/* "g1 (domain 3) has it as 0:0:0:0"; "domain 3 has it as 0:0:0:0" where names cannot be read. */
static void guest_text(const struct scan_guest *g, char *out, size_t size)
{
    char name[CHANGE_ERROR_MAX], vdev[CHANGE_ERROR_MAX];

    snprintf(out, size, "%.64s%sdomain %u%s has it%s as %.40s", g->name ? show_safe(g->name, name) : "",
             g->name ? " (" : "", g->domid, g->name ? ")" : "", g->other_path ? " by another path" : "",
             show_safe(g->vdev, vdev));
}

/* In one line: which guests have it, and why else no guest can have it; or "free". */
static void use_text(const struct scan_device *d, char out[CELL_MAX])
{
    size_t at = 0;

    strcpy(out, "free");
    for (unsigned i = 0; i < d->n_guests && at + 200 < CELL_MAX; i++) {
        at += (size_t)snprintf(out + at, CELL_MAX - at, "%s", i ? "; " : "");
        guest_text(&d->guests[i], out + at, CELL_MAX - at);
        at += strlen(out + at);
    }
    if (d->why)
        snprintf(out + at, CELL_MAX - at, "%s%s", at ? "; " : "", d->why);
}

static void model_text(const struct scan_device *d, char out[CELL_MAX])
{
    CLEANUP_FREE char *both = strf("%s%s%s", d->dev.vendor, d->dev.vendor[0] ? " " : "", d->dev.model);

    show_safe(both, out);
}

/* --- the table --- */

enum {
    ADDRESS,
    TYPE,
    SIZE,
    LIMIT,
    NODE,
    MODEL,
    PDEV,
    USE,
    N_CELLS
};

static const char *const headings[N_CELLS] = { "Address", "Type", "Size", "Limit", "Node", "Model", "PDEV", "Use" };

static void cell(const struct scan_device *d, int which, char out[CELL_MAX])
{
    char text[TYPE_TEXT_MAX > HCTL_TEXT_MAX ? TYPE_TEXT_MAX : HCTL_TEXT_MAX];

    switch (which) {
    case ADDRESS:
        hctl_format(&d->dev.hctl, text);
        show_safe(text, out);
        break;
    case TYPE:
        show_safe(sg_get_pdt_str(d->dev.type, sizeof(text), text), out);
        break;
    case SIZE:
        show_safe(size_text(d->size, text), out);
        break;
    case LIMIT:
        show_safe(size_text(d->dev.max_transfer, text), out);
        break;
    case NODE:
        show_safe(d->node, out);
        break;
    case MODEL:
        model_text(d, out);
        break;
    case PDEV:
        show_safe(d->pdev, out);
        break;
    default:
        use_text(d, out);
        break;
    }
}

void scan_table(const struct scan *s, FILE *out)
{
    size_t width[N_CELLS];
    char text[CELL_MAX];

    for (int c = 0; c < N_CELLS; c++) {
        width[c] = strlen(headings[c]);
        for (unsigned i = 0; i < s->n; i++) {
            cell(&s->d[i], c, text);
            width[c] = strlen(text) > width[c] ? strlen(text) : width[c];
        }
    }
    for (int c = 0; c < N_CELLS; c++)
        fprintf(out, "%-*s%s", c < USE ? (int)width[c] : 0, headings[c], c < USE ? "  " : "\n");
    for (unsigned i = 0; i < s->n; i++) {
        for (int c = 0; c < N_CELLS; c++) {
            cell(&s->d[i], c, text);
            fprintf(out, "%-*s%s", c < USE ? (int)width[c] : 0, text, c < USE ? "  " : "\n");
        }
    }
}

/* --- everything --- */

static void long_one(const struct scan_device *d, FILE *out)
{
    char type[TYPE_TEXT_MAX], size[16], a[CELL_MAX], b[CELL_MAX];

    hctl_format(&d->dev.hctl, a);
    model_text(d, b);
    fprintf(out, "%s: %s, %s\n", a, sg_get_pdt_str(d->dev.type, sizeof(type), type), b);
    if (d->pdev)
        fprintf(out, "    PDEV to give it to a guest: %s\n", show_safe(d->pdev, a));
    if (d->node)
        fprintf(out, "    node %s, /dev/%s\n", show_safe(d->node, a), show_safe(d->dev.sg_name, b));
    if (d->size)
        fprintf(out, "    size %s (%" PRIu64 " bytes)\n", size_text(d->size, size), d->size);
    if (d->dev.max_transfer)
        fprintf(out, "    one command moves at most %u KiB\n", d->dev.max_transfer / 1024);
    fprintf(out, "    identifier %s\n", show_safe(d->dev.wwid, a));
    for (unsigned i = 0; i < d->n_links; i++)
        fprintf(out, "    link %s\n", show_safe(d->links[i], a));
    for (unsigned i = 0; i < d->n_guests; i++) {
        guest_text(&d->guests[i], a, sizeof(a));
        fprintf(out, "    %s\n", a);
    }
    if (d->why)
        fprintf(out, "    a guest cannot have it now: %s\n", show_safe(d->why, a));
}

void scan_long(const struct scan *s, FILE *out)
{
    for (unsigned i = 0; i < s->n; i++)
        long_one(&s->d[i], out);
}

/* --- JSON --- */

static struct json_object *guests_json(const struct scan_device *d)
{
    struct json_object *array = json_object_new_array();
    bool ok = array;

    for (unsigned i = 0; ok && i < d->n_guests; i++) {
        const struct scan_guest *g = &d->guests[i];
        struct json_object *o = json_object_new_object();

        ok = o && json_put_number(o, "domid", g->domid) && json_put_foreign(o, "name", g->name)
             && json_put_foreign(o, "v-dev", g->vdev) && json_put_flag(o, "other-path", g->other_path);
        if (!ok)
            json_object_put(o);
        ok = ok && json_append(array, o);
    }
    if (ok)
        return array;
    json_object_put(array);
    return NULL;
}

static struct json_object *links_json(const struct scan_device *d)
{
    struct json_object *array = json_object_new_array();
    bool ok = array;

    for (unsigned i = 0; ok && i < d->n_links; i++)
        ok = json_append(array, json_object_new_string(d->links[i]));
    if (ok)
        return array;
    json_object_put(array);
    return NULL;
}

static struct json_object *device_json(const struct scan_device *d)
{
    struct json_object *o = json_object_new_object();
    char hctl[HCTL_TEXT_MAX], type[TYPE_TEXT_MAX];
    const char *sg = d->dev.sg_name[0] ? d->dev.sg_name : NULL;

    hctl_format(&d->dev.hctl, hctl);
    if (o && json_put_text(o, "p-hctl", hctl) && json_put_number(o, "type", d->dev.type)
        && json_put_text(o, "type-name", sg_get_pdt_str(d->dev.type, sizeof(type), type))
        && json_put_foreign(o, "vendor", d->dev.vendor) && json_put_foreign(o, "model", d->dev.model)
        && json_put_foreign(o, "wwid", d->dev.wwid[0] ? d->dev.wwid : NULL) && json_put_foreign(o, "node", d->node)
        && json_put_foreign(o, "sg", sg)
        && (d->size ? json_put_number(o, "size", d->size) : json_put_text(o, "size", NULL))
        && json_put_number(o, "max-transfer", d->dev.max_transfer) && json_put_foreign(o, "state", d->dev.state)
        && json_put(o, "links", links_json(d)) && json_put(o, "guests", guests_json(d))
        && json_put_foreign(o, "p-dev", d->pdev) && json_put_flag(o, "free", !d->why && d->n_guests == 0)
        && json_put_foreign(o, "why-not", d->why))
        return o;
    json_object_put(o);
    return NULL;
}

struct json_object *scan_json(const struct scan *s)
{
    struct json_object *array = json_object_new_array();
    bool ok = array;

    for (unsigned i = 0; ok && i < s->n; i++)
        ok = json_append(array, device_json(&s->d[i]));
    if (ok)
        return array;
    json_object_put(array);
    return NULL;
}
