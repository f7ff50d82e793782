// SPDX-License-Identifier: GPL-2.0-or-later
/* Many p-devs looked up at once; see lookup.h. */
#include "config.h"

#include <errno.h>

#include "common/util.h"
#include "lookup.h"

static int add_device(const struct device *dev, void *ctx)
{
    struct lookup *l = ctx;
    struct device *grown = realloc(l->devices, (l->n + 1) * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    l->devices = grown;
    grown[l->n++] = *dev;
    return 0;
}

/* As device_resolve() chooses: the first path that runs, else the first. */
static const struct device *find_wwid(const struct lookup *l, const struct pdev *p)
{
    const struct device *first = NULL;
    for (unsigned i = 0; i < l->n; i++) {
        const struct device *d = &l->devices[i];

        if ((p->has_lun && d->hctl.lun != p->lun) || !identity_equal(d->wwid, p->text))
            continue;
        if (strcmp(d->state, "running") == 0)
            return d;
        first = first ? first : d;
    }
    return first;
}

bool lookup_device(struct lookup *l, const struct device_roots *roots, const char *pdev, struct device *out)
{
    const struct device *found;
    struct pdev p;

    if (pdev_parse(pdev, &p, NULL) < 0)
        return false;
    if (p.kind != PDEV_WWID)
        return device_resolve(roots, pdev, false, out, NULL) == 0;
    if (!l->loaded && device_for_each(roots, add_device, l) < 0) {
        lookup_clear(l);
        return device_resolve(roots, pdev, false, out, NULL) == 0;
    }
    l->loaded = true;
    found = find_wwid(l, &p);
    if (found) {
        *out = *found;
        out->from = PDEV_WWID;
    }
    return found != NULL;
}

void lookup_clear(struct lookup *l)
{
    free(l->devices);
    *l = (struct lookup){ 0 };
}
