// SPDX-License-Identifier: GPL-2.0-or-later
/* A change of a guest's devices; see change.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "change.h"
#include "hyp.h"
#include "progress.h"

enum {
    ASK_AGAIN_US = 2000000 /* how often to ask whether pvscsid runs */
};

void change_begin(struct change *c)
{
    uint64_t now = now_us();

    c->begun_us = now;
    c->deadline_us = now + c->timeout_us;
    c->ask_us = now + CHANGE_SERVED_US - ASK_AGAIN_US;
    c->away_us = 0;
    c->waits_for = NULL;
}

static bool backend_can_be_asked(const struct change *c, uint32_t backend, uint32_t id)
{
    return backend == own_domid(c->store) && !hyp_kernel_backend(c->domid, backend, id);
}

bool change_backend_is_away(const struct change *c, uint32_t backend, uint32_t id)
{
    return backend_can_be_asked(c, backend, id) && hyp_pvscsid_runs() == 0;
}

bool change_backend_runs(const struct change *c, uint32_t backend, uint32_t id)
{
    return backend_can_be_asked(c, backend, id) && hyp_pvscsid_runs() == 1;
}

bool change_is_vain(struct change *c, uint32_t backend, uint32_t id, uint64_t *wake)
{
    uint64_t now = now_us();

    if (now >= c->ask_us) {
        /* The change may have other vhosts too, for which there is an answer. */
        if (!backend_can_be_asked(c, backend, id))
            return false;
        if (hyp_pvscsid_runs() != 0)
            c->away_us = 0;
        else if (c->away_us == 0)
            c->away_us = now;
        else if (now >= c->away_us + ASK_AGAIN_US)
            return true;
        c->ask_us = now + ASK_AGAIN_US;
    }
    *wake = c->ask_us < *wake ? c->ask_us : *wake;
    return false;
}

int change_pause(struct change *c, uint64_t deadline_us)
{
    const char *what = c->waits_for ? c->waits_for : "backend and guest";
    int r;

    do {
        uint64_t next = progress_show(what, c->begun_us, c->deadline_us);

        r = xenstore_wait(c->store, next < deadline_us ? next : deadline_us);
    } while (r == -ETIMEDOUT && now_us() < deadline_us);
    progress_end();
    return r;
}

int change_wait(struct change *c, uint32_t backend, uint32_t id)
{
    for (;;) {
        uint64_t wake = c->deadline_us;

        if (change_is_vain(c, backend, id, &wake))
            return -ETIMEDOUT;
        int r = change_pause(c, wake);

        if (r != -ETIMEDOUT || now_us() >= c->deadline_us)
            return r;
    }
}

bool change_is_backends_turn(unsigned state, unsigned fe_state)
{
    return state <= 1 || fe_state == state || fe_state == 6 || (state == 2 && fe_state == 3)
           || (state == 8 && fe_state == 4);
}

const char *change_silent_side(const struct change *c, uint32_t backend, uint32_t id, unsigned state, unsigned fe_state)
{
    if (change_backend_is_away(c, backend, id))
        return CHANGE_AWAY;
    return change_is_backends_turn(state, fe_state) ? "the backend did not answer (is pvscsid running there?)"
                                                    : "the guest did not answer";
}

/* Notes the first error of a change. False: there is one already. */
static PRINTF(2, 0) bool note(struct change *c, const char *fmt, va_list ap)
{
    if (c->error[0] != '\0')
        return false;
    vsnprintf(c->error, sizeof(c->error), fmt, ap);
    return true;
}

int change_failed(struct change *c, int r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    note(c, fmt, ap);
    va_end(ap);
    return r;
}

int change_refused(struct change *c, int r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (note(c, fmt, ap))
        c->refused = true;
    va_end(ap);
    return r;
}

int change_store_failed(struct change *c, int r)
{
    if (r == -EACCES || r == -EPERM)
        return change_failed(c, r, "xenstored refuses this: no permission (run it as root in the toolstack's domain)");
    if (r == -EINTR)
        return change_failed(c, r, "interrupted by a signal");
    if (r == -EBUSY)
        return change_failed(c, r, "xenstored is too busy: the transaction failed again and again; try it again later");
    if (r == -ENOSPC)
        return change_failed(
            c, r,
            "xenstored has no room: a quota or its limit of transactions is reached; raise it, or free some nodes");
    if (r == -ENOTCONN)
        return change_failed(
            c, r, "the connection to xenstored is lost: the change may be half done; see xl-scsi list, and repeat it");
    return change_failed(c, r, "xenstore failed: %s", strerror(-r));
}

int change_locked(struct change *c, int fd, const char *busy)
{
    if (fd >= 0 || (errno != ETIMEDOUT && errno != EINTR))
        return 0;
    return errno == EINTR ? change_store_failed(c, -EINTR) : change_failed(c, -ETIMEDOUT, "time-out: %s", busy);
}

/* "it has 0:0:0:0, 0:0:1:0": what the user may have meant. */
static void list_vdevs(const struct guest_view *v, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "it has none");

    for (unsigned i = 0, any = 0; i < v->n_vhosts; i++)
        for (unsigned k = 0; k < v->vhosts[i].n_devs; k++) {
            char vdev[HCTL_TEXT_MAX];

            if (!v->vhosts[i].devs[k].vdev_ok)
                continue;
            hctl_format(&v->vhosts[i].devs[k].vdev, vdev);
            if (!any++)
                at = (size_t)snprintf(text, size, "it has %s", vdev);
            else if (at + strlen(vdev) + 8 < size)
                at += (size_t)snprintf(text + at, size - at, ", %s", vdev);
            else if (at + 5 < size)
                at += (size_t)snprintf(text + at, size - at, " ...");
        }
}

static struct dev_view *find_vdev(const struct guest_view *v, const struct hctl *vdev, const struct vhost_view **host)
{
    struct dev_view *d = NULL;

    for (unsigned i = 0; i < v->n_vhosts && !d; i++) {
        d = view_dev(&v->vhosts[i], vdev);
        *host = &v->vhosts[i];
    }
    return d;
}

int change_find(struct change *c, const struct hctl *vdev, struct guest_view *v, const struct vhost_view **host,
                struct dev_view **dev)
{
    char text[HCTL_TEXT_MAX], others[256];
    int r = view_load_near(c->store, c->domid, 0, v);

    *dev = r < 0 ? NULL : find_vdev(v, vdev, host);
    /* A guest may have removed the nodes that lead to it. */
    if (r == 0 && !*dev) {
        view_clear(v);
        r = view_load(c->store, c->domid, v);
        *dev = r < 0 ? NULL : find_vdev(v, vdev, host);
    }
    if (r < 0)
        return change_store_failed(c, r);
    if (*dev)
        return 0;
    hctl_format(vdev, text);
    list_vdevs(v, others, sizeof(others));
    return change_failed(c, -ENOENT, "domain %u has no device %s (%s)", c->domid, text, others);
}
