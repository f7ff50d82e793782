// SPDX-License-Identifier: GPL-2.0-or-later
/* Devices for a domain that does not exist yet; see expected.h. */
#include "config.h"

#include <errno.h>

#include "expected.h"
#include "made.h"
#include "remember.h"

#define EXPECTED_FMT "/tool/xl-scsi/expected/%s"
#define WANTED_FMT "/local/domain/%u/" WANTED_DIR

struct expected {
    const char *uuid;
    char **texts;
    unsigned n;
};

static int put(struct xenstore *s, void *ctx)
{
    const struct expected *x = ctx;

    if (xenstore_exists(s, EXPECTED_FMT, x->uuid))
        xenstore_rm(s, EXPECTED_FMT, x->uuid);
    else if (errno != ENOENT)
        return -errno;
    for (unsigned i = 0; i < x->n; i++)
        xenstore_write(s, x->texts[i], EXPECTED_FMT "/%u", x->uuid, i);
    return 0;
}

int expected_set(struct xenstore *s, const char *uuid, const struct vscsi_entry *e, unsigned n)
{
    char **texts = calloc(n ? n : 1, sizeof(*texts));
    struct expected x = { .uuid = uuid, .texts = texts, .n = n };
    int r = texts ? 0 : -ENOMEM;

    for (unsigned i = 0; r == 0 && i < n; i++) {
        texts[i] = vscsi_entry_format(&e[i]);
        r = texts[i] ? 0 : -ENOMEM;
    }
    if (r == 0)
        r = xenstore_transact(s, put, &x);
    for (unsigned i = 0; texts && i < n; i++)
        free(texts[i]);
    free(texts);
    return r;
}

struct handing {
    const char *uuid;
    uint32_t domid;
};

static int hand_over(struct xenstore *s, void *ctx)
{
    const struct handing *h = ctx;
    unsigned n;
    uint32_t number = 0;

    /* A domain that is gone by now must not get a new directory in xenstore by this. */
    if (!xenstore_exists(s, "/local/domain/%u/vm", h->domid))
        return errno ? -errno : -ENOENT;
    CLEANUP_FREE char **names = xenstore_dir(s, &n, EXPECTED_FMT, h->uuid);

    if (!names)
        return errno == 0 || errno == ENOENT ? 0 : -errno;
    for (unsigned i = 0; i < n; i++) {
        CLEANUP_FREE char *text = xenstore_read(s, EXPECTED_FMT "/%s", h->uuid, names[i]);

        if (!text)
            return errno ? -errno : -EIO;
        while (xenstore_exists(s, WANTED_FMT "/%u", h->domid, number))
            number++;
        if (errno != ENOENT)
            return -errno;
        xenstore_write(s, text, WANTED_FMT "/%u", h->domid, number++);
    }
    xenstore_rm(s, EXPECTED_FMT, h->uuid);
    return 0;
}

int expected_hand_over(struct xenstore *s, uint32_t domid)
{
    CLEANUP_FREE char *vm = xenstore_read(s, "/local/domain/%u/vm", domid);
    const char *last = vm ? strrchr(vm, '/') : NULL;
    char uuid[UUID_TEXT_MAX];
    struct handing h = { .uuid = uuid, .domid = domid };

    if (!vm)
        return errno == ENOENT ? 0 : -errno;
    if (!last || !made_uuid_form(last + 1, uuid))
        return 0;
    /* Most domains are not expected: no transaction for these. */
    if (!xenstore_exists(s, EXPECTED_FMT, uuid))
        return errno == ENOENT ? 0 : -errno;
    return xenstore_transact(s, hand_over, &h);
}
