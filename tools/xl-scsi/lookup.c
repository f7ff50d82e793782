// SPDX-License-Identifier: GPL-2.0-or-later
/* Many p-devs looked up at once; see lookup.h. */
#include "config.h"

#include "common/util.h"
#include "lookup.h"

bool lookup_device(struct lookup *l, const struct device_roots *roots, const char *pdev, struct device *out)
{
    struct pdev p;

    if (pdev_parse(pdev, &p, NULL) < 0 || p.kind == PDEV_FILE)
        return false;
    if (pdev_names_unit(&p, NULL) && !l->loaded)
        l->loaded = inventory_read(roots->sysfs, INVENTORY_IDENTIFIERS, &l->all) == 0;
    return device_resolve_in(roots, l->loaded ? &l->all : NULL, pdev, false, out, NULL) == 0;
}

void lookup_clear(struct lookup *l)
{
    inventory_clear(&l->all);
    l->loaded = false;
}
