// SPDX-License-Identifier: GPL-2.0-or-later
/* One reading of sysfs for many look-ups; see inventory.h. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>

#include "common/util.h"
#include "device/inventory.h"

#define WWID_FILE_MAX 4096 /* the kernel gives at most a page */

static int add_address(struct inventory *i, const struct hctl *at, size_t *room)
{
    if (i->n == *room) {
        size_t more = *room ? *room * 2 : 64;
        struct inventory_item *grown = reallocarray(i->items, more, sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        i->items = grown;
        *room = more;
    }
    i->items[i->n++] = (struct inventory_item){ .at = *at };
    return 0;
}

static int read_addresses(const char *sysfs, struct inventory *i)
{
    CLEANUP_FREE char *path = strf("%s/bus/scsi/devices", sysfs);
    DIR *d = path ? opendir(path) : NULL;
    size_t room = 0;
    int r = 0;

    if (!path)
        return -ENOMEM;
    if (!d)
        return errno == ENOENT ? 0 : -errno; /* no SCSI in this kernel: no devices */
    for (struct dirent *e; r == 0 && (e = readdir(d));) {
        struct hctl at;

        if (hctl_parse(e->d_name, &at) == 0) /* the others are host0, target0:0:0 */
            r = add_address(i, &at, &room);
    }
    closedir(d);
    return r;
}

static int compare(const void *pa, const void *pb)
{
    const struct hctl *a = &((const struct inventory_item *)pa)->at, *b = &((const struct inventory_item *)pb)->at;

    if (a->host != b->host)
        return a->host < b->host ? -1 : 1;
    if (a->channel != b->channel)
        return a->channel < b->channel ? -1 : 1;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    return a->lun < b->lun ? -1 : a->lun > b->lun;
}

static int read_identifier(const char *sysfs, struct inventory_item *item)
{
    CLEANUP_FREE char *path = NULL;
    char text[HCTL_TEXT_MAX];
    int r;

    hctl_format(&item->at, text);
    path = strf("%s/bus/scsi/devices/%s/wwid", sysfs, text);
    r = path ? read_file(path, WWID_FILE_MAX, &item->wwid, NULL) : -ENOMEM;
    if (r < 0)
        return r == -ENOMEM ? r : 0;
    for (size_t len = strlen(item->wwid); len > 0 && isspace((unsigned char)item->wwid[len - 1]);)
        item->wwid[--len] = '\0';
    return 0;
}

int inventory_read(const char *sysfs, enum inventory_depth depth, struct inventory *out)
{
    struct inventory i = { 0 };
    int r = read_addresses(sysfs, &i);

    if (r == 0 && i.n > 0)
        qsort(i.items, i.n, sizeof(*i.items), compare);
    for (size_t k = 0; r == 0 && depth == INVENTORY_IDENTIFIERS && k < i.n; k++)
        r = read_identifier(sysfs, &i.items[k]);
    if (r < 0)
        inventory_clear(&i);
    *out = i;
    return r;
}

void inventory_clear(struct inventory *i)
{
    for (size_t k = 0; k < i->n; k++)
        free(i->items[k].wwid);
    free(i->items);
    *i = (struct inventory){ 0 };
}
