// SPDX-License-Identifier: GPL-2.0-or-later
/* Which guests may have a logical unit; see units.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "units.h"
#include "view.h"

#define INDEX_FMT "/tool/xl-scsi/%u"
#define UNIT_FMT INDEX_FMT "/units/%016" PRIx64
#define GUEST_FMT INDEX_FMT "/guests"

/* FNV-1a, 64 bits. If two names have the same hash, a guest is read that does not have the unit. */
static uint64_t hash_of(char kind, const char *text)
{
    uint64_t h = 0xcbf29ce484222325;

    size_t len = strlen(text);

    /* Blanks after a wwid do not count, nor capitals. */
    while (kind == 'w' && len && isspace((unsigned char)text[len - 1]))
        len--;
    h = (h ^ (unsigned char)kind) * 0x100000001b3;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)(kind == 'w' ? tolower((unsigned char)text[i]) : text[i])) * 0x100000001b3;
    return h;
}

struct unit_names unit_names(const char *pdev, const struct device *dev)
{
    struct unit_names u = { .hash = { hash_of('p', pdev) }, .n = 1 };
    char hctl[HCTL_TEXT_MAX];
    struct pdev p;

    if (dev) {
        hctl_format(&dev->hctl, hctl);
        u.hash[u.n++] = hash_of('a', hctl);
        if (dev->wwid[0])
            u.hash[u.n++] = hash_of('w', dev->wwid);
    } else if (pdev_parse(pdev, &p, NULL) == 0) {
        /* What the text itself says. */
        if (p.kind == PDEV_WWID)
            u.hash[u.n++] = hash_of('w', p.text);
        hctl_format(&p.hctl, hctl);
        if (p.kind == PDEV_HCTL)
            u.hash[u.n++] = hash_of('a', hctl);
    }
    return u;
}

static bool holds(const uint32_t *ids, unsigned n, uint32_t id)
{
    for (unsigned i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

uint32_t *units_unknown(struct xenstore *s, uint32_t backend, unsigned *n)
{
    unsigned n_served, n_known;
    CLEANUP_FREE uint32_t *served = numbered_dir(s, &n_served, "/local/domain/%u/backend/vscsi", backend);
    CLEANUP_FREE uint32_t *known = NULL;

    *n = 0;
    if (!served && errno)
        return NULL;
    known = numbered_dir(s, &n_known, GUEST_FMT, backend);
    if (!known && errno)
        return NULL;
    for (unsigned i = 0; i < n_known; i++)
        if (!holds(served, n_served, known[i]))
            xenstore_rm(s, GUEST_FMT "/%u", backend, known[i]);
    for (unsigned i = 0; i < n_served; i++)
        if (!holds(known, n_known, served[i]))
            served[(*n)++] = served[i];
    errno = 0;
    return *n ? steal_ptr(served) : NULL;
}

int units_note(struct xenstore *s, uint32_t backend, uint32_t domid, const struct unit_names *units, unsigned n)
{
    s->error = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < units[i].n; k++)
            xenstore_write(s, "", UNIT_FMT "/%u", backend, units[i].hash[k], domid);
    return s->error;
}

int units_note_known(struct xenstore *s, uint32_t backend, uint32_t domid)
{
    s->error = 0;
    xenstore_write(s, "", GUEST_FMT "/%u", backend, domid);
    return s->error;
}

int units_guests(struct xenstore *s, uint32_t backend, const struct unit_names *unit, uint32_t **ids, unsigned *n)
{
    for (unsigned k = 0; k < unit->n; k++) {
        unsigned found;
        CLEANUP_FREE uint32_t *more = numbered_dir(s, &found, UNIT_FMT, backend, unit->hash[k]);

        if (!more && errno)
            return -errno;
        for (unsigned i = 0; i < found; i++) {
            if (holds(*ids, *n, more[i]))
                continue;
            uint32_t *grown = realloc(*ids, (*n + 1) * sizeof(*grown));

            if (!grown)
                return -ENOMEM;
            *ids = grown;
            grown[(*n)++] = more[i];
        }
    }
    return 0;
}

void units_forget(struct xenstore *s, uint32_t backend, uint32_t domid, const struct unit_names *unit)
{
    for (unsigned k = 0; k < unit->n; k++)
        xenstore_rm(s, UNIT_FMT "/%u", backend, unit->hash[k], domid);
}
