// SPDX-License-Identifier: GPL-2.0-or-later
/* The devices that a domain should have because the guest had them before; see wanted.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "inuse.h"
#include "remember.h"
#include "run.h"
#include "wanted.h"

#define WANTED_FMT "/local/domain/%u/" WANTED_DIR

void wanted_clear(struct wanted *w)
{
    vscsi_entries_free(w->entries, w->n);
    for (unsigned i = 0; i < w->n; i++)
        free(w->errors[i]);
    free(w->errors);
    free(w->numbers);
    *w = (struct wanted){ 0 };
}

int wanted_load(struct xenstore *s, uint32_t domid, struct wanted *out)
{
    struct wanted w = { 0 };
    unsigned n;
    CLEANUP_FREE char **names = xenstore_dir(s, &n, WANTED_FMT, domid);

    *out = w;
    if (!names)
        return errno == 0 || errno == ENOENT ? 0 : -errno;
    w.entries = calloc(n, sizeof(*w.entries));
    w.numbers = calloc(n, sizeof(*w.numbers));
    w.errors = calloc(n, sizeof(*w.errors));
    if (!w.entries || !w.numbers || !w.errors) {
        wanted_clear(&w);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < n; i++) {
        char err[VSCSI_ERROR_MAX];

        if (parse_u32_str(names[i], UINT32_MAX, &w.numbers[w.n]) < 0)
            continue;
        /* Only libxl's entries count. If a guest could write here, it would choose its own devices. */
        if (xenstore_owner(s, WANTED_FMT "/%s", domid, names[i]) == domid)
            continue;
        CLEANUP_FREE char *text = xenstore_read(s, WANTED_FMT "/%s", domid, names[i]);

        /* A node that cannot be read now still exists: the next load reads it. */
        if (!text && errno != ENOENT) {
            int r = -errno;

            wanted_clear(&w);
            return r;
        }
        if (!text || vscsi_entry_parse(text, &w.entries[w.n], err) < 0)
            continue;
        w.errors[w.n] = xenstore_read(s, WANTED_FMT "/%s/error", domid, names[i]);
        w.n++;
    }
    *out = w;
    return 0;
}

struct outcome_ctx {
    uint32_t domid, number;
    const char *error; /* NULL: attached; the node is removed */
};

/* The directory is removed with its last entry. */
static int record_outcome(struct xenstore *s, void *ctx)
{
    struct outcome_ctx *r = ctx;
    unsigned n;

    if (!xenstore_exists(s, WANTED_FMT "/%u", r->domid, r->number))
        return 0;
    if (r->error) {
        xenstore_write(s, r->error, WANTED_FMT "/%u/error", r->domid, r->number);
        return 0;
    }
    xenstore_rm(s, WANTED_FMT "/%u", r->domid, r->number);
    CLEANUP_FREE char **left = xenstore_dir(s, &n, WANTED_FMT, r->domid);

    if (!left)
        xenstore_rm(s, WANTED_FMT, r->domid);
    return 0;
}

static int record_outcome_of(struct xenstore *s, uint32_t domid, uint32_t number, const char *error)
{
    struct outcome_ctx ctx = { .domid = domid, .number = number, .error = error };

    return xenstore_transact(s, record_outcome, &ctx);
}

int wanted_drop(struct xenstore *s, uint32_t domid, const struct hctl *vdev)
{
    struct wanted w;
    int r = wanted_load(s, domid, &w), found = 0;

    for (unsigned i = 0; r == 0 && i < w.n; i++)
        if (hctl_equal(&w.entries[i].vdev, vdev)) {
            r = record_outcome_of(s, domid, w.numbers[i], NULL);
            found = 1;
        }
    wanted_clear(&w);
    return r < 0 ? r : found;
}

bool wanted_lacks_required(const struct wanted *w, bool arrives)
{
    for (unsigned i = 0; i < w->n; i++)
        if (w->entries[i].need == NEED_REQUIRED || (arrives && w->entries[i].need == NEED_DEFAULT))
            return true;
    return false;
}

struct note {
    uint32_t domid;
    const char *text, *error, *stamp;
};

static int put_note(struct xenstore *s, void *ctx)
{
    struct note *note = ctx;
    uint32_t n = 0;

    if (!xenstore_exists(s, "/local/domain/%u", note->domid))
        return errno ? -errno : -ENOENT;
    while (xenstore_exists(s, WANTED_FMT "/%u", note->domid, n))
        n++;
    xenstore_write(s, note->text, WANTED_FMT "/%u", note->domid, n);
    xenstore_write(s, note->error, WANTED_FMT "/%u/error", note->domid, n);
    xenstore_write(s, note->stamp, WANTED_NOTED);
    return 0;
}

int wanted_note(struct xenstore *s, uint32_t domid, const struct vscsi_entry *e, const char *error)
{
    CLEANUP_FREE char *text = vscsi_entry_format(e);
    CLEANUP_FREE char *stamp = strf("%" PRIu32 " %" PRIu64, domid, now_us());
    struct note note = { .domid = domid, .text = text, .error = error, .stamp = stamp };

    return text && stamp ? xenstore_transact(s, put_note, &note) : -ENOMEM;
}

/*
 * A user may have attached it by hand in the meantime. A device that is on its way out (states 5 and 6) does not count.
 */
static bool there_already(struct xenstore *s, uint32_t domid, const struct vscsi_entry *e)
{
    struct guest_view v;
    uint32_t backend = 0;
    bool there = false;

    if ((e->backend && domain_find(s, e->backend, &backend) < 0) || view_load_near(s, domid, backend, &v) < 0)
        return false;
    struct vhost_view *h = view_host(&v, e->vdev.host);
    struct dev_view *d = h ? view_dev(h, &e->vdev) : NULL;

    there = d && d->state <= 4;
    view_clear(&v);
    return there;
}

/* A device that an earlier version noted without its unit. The next domain is to get the same unit. */
static void note_units(struct change *c, const struct wanted *w, const bool *had)
{
    char err[CHANGE_ERROR_MAX];

    for (unsigned i = 0; i < w->n; i++)
        if (!had[i] && w->entries[i].unit && remember_add(c->domid, &w->entries[i], 1, err) < 0)
            complain(0, "note: it cannot be noted which unit v-dev %u:%u:%u:%u is: %s", w->entries[i].vdev.host,
                     w->entries[i].vdev.channel, w->entries[i].vdev.target, (unsigned)w->entries[i].vdev.lun, err);
}

static int attach_each(struct change *c, const struct wanted *w)
{
    int left = 0;
    char first[CHANGE_ERROR_MAX] = "";
    bool silent = false;

    for (unsigned i = 0; i < w->n; i++) {
        struct change one = *c;
        int r = -ETIMEDOUT;

        one.error[0] = '\0';
        if (!silent)
            r = inuse_attach(&one, &w->entries[i], 1);
        else
            snprintf(one.error, sizeof(one.error), "not tried: an earlier device of this guest got no answer");
        if (r >= 0) {
            record_outcome_of(c->store, c->domid, w->numbers[i], NULL);
            continue;
        }
        left++;
        if (first[0] == '\0')
            memcpy(first, one.error, sizeof(first));
        record_outcome_of(c->store, c->domid, w->numbers[i], one.error);
        /* The other devices would get no answer either, and a guest must not wait for minutes. */
        if (r == -ETIMEDOUT || r == -EINTR)
            silent = true;
    }
    memcpy(c->error, first, sizeof(first));
    return left;
}

int wanted_lock(struct change *c, int *fd)
{
    *fd = run_lock_domain(c->domid, now_us() + c->timeout_us);
    return change_locked(c, *fd, "another xl-scsi is changing this guest's devices all the time; try again");
}

int wanted_attach(struct change *c)
{
    CLEANUP_CLOSE int lock = -1;
    struct wanted w;
    int r = wanted_lock(c, &lock);

    if (r < 0)
        return r;
    r = wanted_load(c->store, c->domid, &w);
    if (r < 0)
        return change_store_failed(c, r);
    for (unsigned i = 0; i < w.n; i++)
        if (there_already(c->store, c->domid, &w.entries[i]))
            record_outcome_of(c->store, c->domid, w.numbers[i], NULL);
    wanted_clear(&w);
    r = wanted_load(c->store, c->domid, &w);
    if (r < 0)
        return change_store_failed(c, r);
    CLEANUP_FREE bool *had = calloc(w.n ? w.n : 1, sizeof(*had));

    for (unsigned i = 0; had && i < w.n; i++)
        had[i] = w.entries[i].unit != NULL;
    /* A device may be in use by now: while a guest is saved, it does not keep its devices. */
    r = w.n ? inuse_attach(c, w.entries, w.n) : 0;
    if (r >= 0) {
        for (unsigned i = 0; i < w.n; i++)
            record_outcome_of(c->store, c->domid, w.numbers[i], NULL);
        r = 0;
    } else if (w.n == 1) {
        record_outcome_of(c->store, c->domid, w.numbers[0], c->error);
        r = 1;
    } else {
        r = attach_each(c, &w);
    }
    if (had)
        note_units(c, &w, had);
    wanted_clear(&w);
    return r;
}
