// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the domain that our own xl has made; see made.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "hyp.h"
#include "made.h"
#include "view.h"

enum {
    LOCKS_MAX = 4 << 20,
    LET_GO_US = 1000000,  /* between waiting for a lock and having it, a process is not in /proc/locks */
    UNSEEN_US = 10000000, /* an xl takes its lock as soon as it has read the configuration */
};

bool made_uuid_form(const char *text, char uuid[UUID_TEXT_MAX])
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (strlen(text) != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < sizeof(form); i++) {
        if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
        uuid[i] = (char)tolower((unsigned char)text[i]);
    }
    return true;
}

enum xl_lock made_lock_line(const char *line, pid_t pid)
{
    int owner, waits = 0;

    /* proc(5): "1: POSIX  ADVISORY  WRITE 568 00:2f:132 0 EOF"; a process that waits for this lock has
     * "1: -> POSIX ...". xl takes its lock by fcntl(). */
    if (sscanf(line, "%*d: -> POSIX ADVISORY WRITE %d", &owner) == 1)
        waits = 1;
    else if (sscanf(line, "%*d: POSIX ADVISORY WRITE %d", &owner) != 1)
        return XL_LOCK_UNSEEN;
    return owner != pid ? XL_LOCK_UNSEEN : waits ? XL_LOCK_WAITED_FOR : XL_LOCK_HELD;
}

/* libxl notes the guest's uuid in xenstore too. Used if the hypervisor cannot be asked. */
static int find_in_store(struct made *m, uint32_t *ids, unsigned max)
{
    unsigned n, found = 0, known = 0;
    CLEANUP_FREE uint32_t *all = domain_list(m->store, &n);
    uint32_t named;

    if (!all && errno != ENOENT)
        return -errno;
    for (unsigned i = 0; all && i < n; i++) {
        CLEANUP_FREE char *vm = xenstore_read(m->store, "/local/domain/%u/vm", all[i]);
        const char *uuid = vm ? strrchr(vm, '/') : NULL;

        known += uuid && all[i] != 0;
        if (uuid && strcmp(uuid + 1, m->uuid) == 0 && found < max)
            ids[found++] = all[i];
    }
    m->by_name = known == 0;
    if (m->by_name && max && domain_find_name(m->store, m->name, &named) == 0)
        ids[found++] = named;
    return (int)found;
}

enum {
    SAME_UUID_MAX = 64
};

static int find_all(struct made *m, uint32_t ids[SAME_UUID_MAX])
{
    int n = hyp_find_uuid(m->uuid, ids, SAME_UUID_MAX);

    m->by_name = false;
    return n == -ENOSYS ? find_in_store(m, ids, SAME_UUID_MAX) : n;
}

static bool was_before(const struct made *m, uint32_t domid)
{
    for (unsigned i = 0; i < m->n_before; i++)
        if (m->before[i] == domid)
            return true;
    return false;
}

int made_init(struct made *m, struct xenstore *s, const char *name, const char *uuid)
{
    CLEANUP_FREE char *fresh = NULL;
    uint32_t ids[SAME_UUID_MAX];

    *m = (struct made){ .store = s, .name = name, .shared = uuid != NULL, .began_us = now_us() };
    if (!uuid) {
        int r = read_file("/proc/sys/kernel/random/uuid", 64, &fresh, NULL);

        if (r < 0)
            return r;
        fresh[strcspn(fresh, "\n")] = '\0';
        uuid = fresh;
    }
    if (!made_uuid_form(uuid, m->uuid))
        return -EINVAL;
    int n = find_all(m, ids);

    if (n < 0)
        return n;
    m->before = calloc((size_t)n + 1, sizeof(*m->before));
    if (!m->before)
        return -ENOMEM;
    memcpy(m->before, ids, (size_t)n * sizeof(*ids));
    m->n_before = (unsigned)n;
    return 0;
}

void made_clear(struct made *m)
{
    free(m->before);
    m->before = NULL;
    m->n_before = 0;
}

int made_find(struct made *m, uint32_t *domid)
{
    uint32_t ids[SAME_UUID_MAX];
    int n = find_all(m, ids), found = 0;

    for (int i = 0; i < n; i++)
        if (!was_before(m, ids[i]))
            ids[found++] = ids[i];
    if (n < 0 || found == 0)
        return n < 0 ? n : -ENOENT;
    *domid = ids[0];
    for (int i = 0; found > 1 && i < found; i++) {
        CLEANUP_FREE char *name = domain_name(m->store, ids[i]);

        if (name && strcmp(name, m->name) == 0)
            *domid = ids[i];
    }
    return 0;
}

bool made_is(struct made *m, uint32_t domid)
{
    uint32_t ids[SAME_UUID_MAX];
    int n = find_all(m, ids);

    for (int i = 0; i < n; i++)
        if (ids[i] == domid)
            return true;
    return false;
}

void made_observe(struct made *m, pid_t xl)
{
    CLEANUP_FREE char *locks = NULL;
    enum xl_lock now = XL_LOCK_UNSEEN;

    /* A new uuid says enough; all locks of the host need not be read every moment. */
    if (!m->shared && !m->by_name) {
        m->began_us = now_us();
        return;
    }
    if (m->lock == XL_LOCK_LET_GO || read_file("/proc/locks", LOCKS_MAX, &locks, NULL) < 0)
        return;
    for (const char *line = locks; line && *line && now == XL_LOCK_UNSEEN;) {
        now = made_lock_line(line, xl);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (now != XL_LOCK_UNSEEN) {
        m->lock = now;
        m->seen_us = now_us();
    } else if (m->lock != XL_LOCK_UNSEEN ? now_us() >= m->seen_us + LET_GO_US : now_us() >= m->began_us + UNSEEN_US) {
        m->lock = XL_LOCK_LET_GO;
    }
}

bool made_sure(const struct made *m)
{
    return (!m->shared && !m->by_name) || m->lock == XL_LOCK_LET_GO;
}

bool made_half(const struct made *m)
{
    return (!m->shared && !m->by_name) || m->lock == XL_LOCK_HELD;
}
