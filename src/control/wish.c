// SPDX-License-Identifier: GPL-2.0-or-later
/* What the toolstack wants of a device; see wish.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "control/wish.h"

static int read_node(struct vdev *d, const char *node, char *out, size_t size)
{
    char path[STORE_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/vscsi-devs/%s/%s", d->vhost->back, d->name, node);

    if (n < 0 || n >= (int)sizeof(path))
        return -ENAMETOOLONG;
    return store_read(d->vhost->host->store, path, out, size);
}

static bool has(char **names, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* A wrong value is the toolstack's mistake and gets a reason. Any other error may pass and gets none. */
static int unreadable(const char *node, int error, char *why)
{
    if (error == -ENOENT || error == -EINVAL || error == -EMSGSIZE || error == -EACCES)
        snprintf(why, DEVICE_WHY_MAX, "%s cannot be read: %s", node,
                 error == -EMSGSIZE ? "it is too long"
                 : error == -EINVAL ? "it holds a NUL"
                                    : strerror(-error));
    return error;
}

/*
 * Reads an optional node. text is "" if it is not in names or was removed since. 0 or -errno and why, as
 * wish_read().
 */
static int read_option(struct vdev *d, char **names, unsigned n, const char *node, char *text, size_t size, char *why)
{
    int r = has(names, n, node) ? read_node(d, node, text, size) : -ENOENT;

    if (r == 0)
        return 0;
    text[0] = '\0';
    return r == -ENOENT ? 0 : unreadable(node, r, why);
}

/* An error is never taken for "no": else a device could be attached without its `readonly`. */
static int read_flags(struct vdev *d, char **names, unsigned n, char *why)
{
    struct {
        const char *node;
        bool *flag;
    } flags[] = {
        { "readonly", &d->wish.readonly }, { "feature-host", &d->wish.feature_host },
        { "pr-force", &d->wish.pr_force }, { "pr-move", &d->wish.pr_move },
        { "force", &d->wish.force },       { "third-party-copy", &d->wish.third_party_copy },
    };

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        char text[64];
        int r = read_option(d, names, n, flags[i].node, text, sizeof(text), why);

        if (r < 0)
            return r;
        *flags[i].flag = strcmp(text, "1") == 0;
    }
    return 0;
}

static int read_pr(struct vdev *d, char **names, unsigned n, char *why)
{
    char text[64], shown[128];
    int r = read_option(d, names, n, "pr", text, sizeof(text), why);

    if (r < 0)
        return r;
    if (!lun_is_with_worker(d->lun))
        d->wish.pr_default = d->vhost->host->settings->pr_mode;
    d->wish.pr_mode = d->wish.pr_default;
    if (!has(names, n, "pr"))
        return 0;
    if (pr_mode_parse(text, &d->wish.pr_mode) == 0)
        return 0;
    escape_for_log(shown, sizeof(shown), text, strlen(text));
    snprintf(why, DEVICE_WHY_MAX, "pr is '%s'; expected " PR_MODES_TEXT, shown);
    return -EINVAL;
}

/* p-dev, and the user's name for it, if p-devname is one: SUSE's tools and ours write both. */
static int read_pdev(struct vdev *d, char **names, unsigned n, char *why)
{
    char name[PDEV_TEXT_MAX] = "";
    struct pdev p;
    int r = read_node(d, "p-dev", d->wish.pdev, sizeof(d->wish.pdev));

    if (r < 0)
        return unreadable("p-dev", r, why);
    r = has(names, n, "p-devname") ? read_node(d, "p-devname", name, sizeof(name)) : 0;
    if (r < 0 && r != -ENOENT)
        return unreadable("p-devname", r, why);
    if (r == 0 && strcmp(name, d->wish.pdev) != 0 && pdev_parse(name, &p, NULL) == 0) {
        memcpy(d->wish.at, d->wish.pdev, sizeof(d->wish.at));
        memcpy(d->wish.pdev, name, sizeof(d->wish.pdev));
    }
    d->wish.named = name[0] != '\0';
    r = read_option(d, names, n, "p-wwid", d->wish.wwid, sizeof(d->wish.wwid), why);
    return r < 0 ? r : read_option(d, names, n, "unit", d->wish.unit, sizeof(d->wish.unit), why);
}

static int read_limits(struct vdev *d, char **names, unsigned n, char *why)
{
    struct lun_limits limits = { 0 };

    for (unsigned i = 0; i < LIMITS_COUNT; i++) {
        char text[64], shown[128];
        int r = read_option(d, names, n, limits_names[i], text, sizeof(text), why);

        if (r < 0)
            return r;
        if (!text[0] || limits_parse(&limits, i, text) == 0)
            continue;
        escape_for_log(shown, sizeof(shown), text, strlen(text));
        snprintf(why, DEVICE_WHY_MAX, "%s is '%.64s'; %s", limits_names[i], shown, limits_expected(i));
        return -EINVAL;
    }
    d->wish.limits = limits;
    return 0;
}

static int read_rules(struct vdev *d, char **names, unsigned n, const char *node, bool deny, struct scsi_rule *rules,
                      unsigned *n_rules, char *why)
{
    char text[256], shown[128], wrong[SCSI_RULES_WHY_MAX];
    int r = read_option(d, names, n, node, text, sizeof(text), why);

    *n_rules = 0;
    if (r < 0 || !has(names, n, node))
        return r;
    r = scsi_rules_parse(text, deny, rules, wrong);
    if (r >= 0) {
        *n_rules = (unsigned)r;
        return 0;
    }
    escape_for_log(shown, sizeof(shown), text, strlen(text));
    snprintf(why, DEVICE_WHY_MAX, "%s is '%.60s': %s", node, shown, wrong);
    return r;
}

int wish_read(struct vdev *d, char *why)
{
    struct vhost *v = d->vhost;
    CLEANUP_FREE char **names = NULL;
    char path[STORE_PATH_MAX], text[64], shown[128];
    unsigned n = 0;
    int r;

    d->wish.pdev[0] = d->wish.at[0] = '\0';
    snprintf(path, sizeof(path), "%s/vscsi-devs/%s", v->back, d->name);
    r = store_list(v->host->store, path, &names, &n);
    r = r == 0 ? read_pdev(d, names, n, why) : unreadable("p-dev", r, why);
    if (r < 0)
        return r;
    r = read_node(d, "v-dev", text, sizeof(text));
    if (r < 0)
        return unreadable("v-dev", r, why);
    r = vdev_parse(text, &d->wish.vdev);
    if (r < 0) {
        escape_for_log(shown, sizeof(shown), text, strlen(text));
        snprintf(why, DEVICE_WHY_MAX, "v-dev is '%s'; expected h:c:t:l with c up to %d, t up to %d, l up to %d", shown,
                 VDEV_CHANNEL_MAX, VDEV_TARGET_MAX, VDEV_LUN_MAX);
        return r;
    }
    for (const struct vdev *o = v->devs; o; o = o->next) {
        if (o != d && o->lun_index >= 0 && o->wish.vdev.channel == d->wish.vdev.channel
            && o->wish.vdev.target == d->wish.vdev.target && o->wish.vdev.lun == d->wish.vdev.lun) {
            snprintf(why, DEVICE_WHY_MAX, "v-dev %s belongs to %s of the same vhost already", text, o->name);
            return -EEXIST;
        }
    }
    /* A change may have come while no daemon was there: what is read here holds, and the toolstack waits. */
    if (has(names, n, "change") && d->change == CHANGE_NONE)
        d->change = CHANGE_ASKED;
    /* In a driver domain the toolstack makes it, empty. */
    d->error_node = has(names, n, "error") && (read_node(d, "error", text, sizeof(text)) < 0 || text[0]);
    r = read_flags(d, names, n, why);
    if (r == 0)
        r = read_pr(d, names, n, why);
    if (r == 0)
        r = read_limits(d, names, n, why);
    if (r == 0)
        r = read_rules(d, names, n, "allow", false, d->wish.allow, &d->wish.n_allow, why);
    if (r == 0)
        r = read_rules(d, names, n, "deny", true, d->wish.deny, &d->wish.n_deny, why);
    return r;
}
