// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A change of a device that the guest has; see change.h. It holds when the worker has said so: the toolstack may rely
 * on it for the guest's next command. A worker that dies, and a daemon that ends, lose nothing: their successors read
 * the nodes, and answer.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/util.h"
#include "control/change.h"
#include "control/helper-link.h"
#include "control/policy.h"
#include "control/wish.h"
#include "control/worker-link.h"

/* The number in the node `change`, and whether `changed` has it. 0 or -errno. */
static int read_number(struct vdev *d, uint32_t *number, bool *answered)
{
    struct store *st = d->vhost->host->store;
    char path[STORE_PATH_MAX], text[STORE_SHORT_MAX], want[16];
    int r, n = snprintf(path, sizeof(path), "%s/vscsi-devs/%s/change", d->vhost->back, d->name);

    if (n < 0 || n + 1 >= (int)sizeof(path))
        return -ENAMETOOLONG;
    r = store_read_u32(st, path, UINT32_MAX, number);
    if (r < 0)
        return r;
    strcat(path, "d");
    r = store_read(st, path, text, sizeof(text));
    snprintf(want, sizeof(want), "%" PRIu32, *number);
    *answered = r == 0 && strncmp(text, want, strlen(want)) == 0 && strchr(" ", text[strlen(want)]);
    return r == -ENOENT || r == -EMSGSIZE || r == -EINVAL ? 0 : r;
}

/* The toolstack's mistake. Other errors may pass. */
static bool is_wrong(int error)
{
    return error == -ENOENT || error == -EINVAL || error == -ERANGE || error == -EMSGSIZE || error == -EACCES
           || error == -ENAMETOOLONG;
}

/* Why the LUN that the worker has cannot become what d->wish says now; nothing if it can. */
static void refuse(const struct vdev *d, const struct wish *before, char why[DEVICE_WHY_MAX])
{
    const struct wish *now = &d->wish;
    bool to_helper = now->pr_mode == PR_HELPER || now->pr_mode == PR_AUTO;
    const char *reason = NULL;

    /* The daemon itself replaces a p-dev by the address. */
    if ((strcmp(now->pdev, before->pdev) != 0 && strcmp(now->pdev, before->at) != 0)
        || strcmp(now->unit, before->unit) != 0)
        reason = "the device itself cannot change: detach it, and attach the other one";
    else if (!hctl_equal(&now->vdev, &before->vdev))
        reason = "the v-dev cannot change: detach the device, and attach it at the other v-dev";
    else if (now->feature_host != before->feature_host)
        reason = "feature-host cannot change: detach the device, and attach it again with the option";
    else if (now->pr_mode != before->pr_mode && to_helper
             && (!helper_may_be_used(d) || (now->pr_mode == PR_HELPER && d->helper == HELPER_UNUSED)))
        reason = "the guest's worker got no way to the PR helper when it was given the device (at the attach, or when "
                 "it was started anew): detach the device, and attach it again with this pr=";
    if (reason)
        snprintf(why, DEVICE_WHY_MAX, "%s", reason);
    else
        policy_refuses_more(d->vhost->host->settings, d->dev.type, before, now, why, DEVICE_WHY_MAX);
}

static void done(struct vdev *d, const char *why)
{
    snprintf(d->change_why, sizeof(d->change_why), "%s", why);
    d->change = CHANGE_DONE;
    if (why[0])
        log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix,
                    "%s: the toolstack's change of options is refused: %s", d->name, why);
    else
        log_info(d->vhost->prefix, "%s: options changed: %s, pr=%s, %u rules", d->name,
                 d->wish.readonly ? "readonly" : "writable", pr_mode_name(d->wish.pr_mode),
                 d->wish.n_allow + d->wish.n_deny);
}

static void act(struct vdev *d)
{
    const struct wish before = d->wish;
    char why[DEVICE_WHY_MAX] = "", shown[CHANGE_WHY_MAX];
    bool answered = false;
    int r = read_number(d, &d->change_number, &answered);

    if (r < 0 && !is_wrong(r)) {
        d->dirty = true; /* xenstore failed: try again soon */
        return;
    }
    if (r < 0 || answered || d->change_number == 0) {
        d->change = CHANGE_NONE;
        return;
    }
    r = wish_read(d, why);
    if (r == 0)
        refuse(d, &before, why);
    if (r < 0 || why[0])
        d->wish = before;
    if (r < 0 && !why[0]) {
        d->dirty = true;
    } else if (why[0]) {
        escape_for_log(shown, sizeof(shown), why, strlen(why));
        done(d, shown);
    } else {
        d->change = CHANGE_SENT;
        worker_update_lun(d); /* its limits */
        worker_change_lun(d, d->change_number);
    }
}

/* The worker has the device, and has said before that whether it uses the PR helper. */
static bool worker_has_answered(const struct vdev *d)
{
    return lun_is_with_worker(d->lun) && d->lun != LUN_ADDING && d->lun != LUN_READDING && d->lun != LUN_REMOVING
           && d->presence != DEVICE_RETURNING;
}

void change_step(struct vdev *d, struct node_batch *b)
{
    /* A device that is being opened, or handed to a worker, comes here again when it is there. */
    if (d->change == CHANGE_ASKED && worker_has_answered(d))
        act(d);
    if (d->change == CHANGE_SENT && d->change_heard == d->change_number)
        done(d, "");
    if (d->change == CHANGE_DONE)
        node_batch_changed(b, d);
}
