// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing options of a device: their nodes and another number in the node `change`, in one transaction. The backend
 * answers in `changed` with this number, and behind it the reason if it refuses. Then, and if there is no answer,
 * the nodes are put back, with one more number: a backend that reads late finds the options that hold.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "hyp.h"
#include "inuse.h"
#include "set.h"

#define ANSWER_MAX 512 /* of a foreign text that is shown */

struct set {
    struct change *c;
    const struct dev_settings *settings;
    const struct hctl *vdev;
    const struct dev_view *dev;
    uint32_t backend, id;
    uint32_t number;            /* in `change`: the backend answers with it */
    unsigned touched;           /* bit i: the node of the key i */
    char *before[SETTINGS_MAX]; /* values of these nodes; NULL: there was none */
};

static void forget_before(struct set *set)
{
    for (unsigned i = 0; i < SETTINGS_MAX; i++) {
        free(set->before[i]);
        set->before[i] = NULL;
    }
}

/* Writes the next number into `change`, and returns it. 0 is none. */
static uint32_t bump(struct xenstore *s, const char *dir)
{
    uint32_t last = 0, next;

    if (xenstore_read_u32(s, UINT32_MAX, &last, "%s/change", dir) < 0)
        last = 0;
    next = last == UINT32_MAX ? 1 : last + 1;
    /* In a driver domain it counts for the quota of who makes it. */
    if (!xenstore_exists(s, "%s/changed", dir))
        xenstore_write(s, "", "%s/changed", dir);
    xenstore_write_u32(s, next, "%s/change", dir);
    return next;
}

static void dir_of(const struct set *set, char dir[XENSTORE_PATH_MAX])
{
    snprintf(dir, XENSTORE_PATH_MAX, DEV_FMT, set->backend, set->c->domid, set->id, set->dev->n);
}

/* Is the same device still there, and in use? 0, or -errno and the reason; -errno alone if xenstore fails. */
static int check(struct xenstore *s, const struct set *set, const char *dir)
{
    CLEANUP_FREE char *vdev = xenstore_read(s, "%s/v-dev", dir);
    char text[HCTL_TEXT_MAX];

    if (!vdev && errno != ENOENT)
        return -errno;
    unsigned state = xenstore_state(s, "%s/state", dir);

    hctl_format(set->vdev, text);
    if (!vdev || strcmp(vdev, set->dev->vdev_text) != 0)
        return change_failed(set->c, -ENOENT, "domain %u has no device %s any more", set->c->domid, text);
    if (state == 3 || state == 4)
        return 0;
    return change_refused(
        set->c, -EINVAL, "device %s is in state %u (%s): expected one that the guest has or can take; see xl-scsi list",
        text, state, state_name(state));
}

/* Which nodes are to change depends on the limits that the device has. */
static int find_touched(struct xenstore *s, struct set *set, const char *dir)
{
    struct lun_limits limits = { 0 };
    char err[VSCSI_ERROR_MAX];

    for (unsigned i = 0; i < LIMITS_COUNT; i++) {
        CLEANUP_FREE char *text = xenstore_read(s, "%s/%s", dir, limits_names[i]);

        if (!text && errno != ENOENT)
            return -errno;
        if (text)
            limits_parse(&limits, i, text);
    }
    if (settings_touch(set->settings, &limits, &set->touched, err) < 0)
        return change_refused(set->c, -EINVAL, "%s", err);
    return 0;
}

static int write_nodes(struct xenstore *s, void *ctx)
{
    struct set *set = ctx;
    char dir[XENSTORE_PATH_MAX];
    int r;

    forget_before(set);
    dir_of(set, dir);
    r = check(s, set, dir);
    if (r == 0)
        r = find_touched(s, set, dir);
    for (unsigned i = 0; r == 0 && settings_key(i); i++) {
        const char *value = settings_value(set->settings, i), *key = settings_key(i);

        if (!(set->touched & 1u << i))
            continue;
        set->before[i] = xenstore_read(s, "%s/%s", dir, key);
        if (!set->before[i] && errno != ENOENT)
            return -errno;
        if (value)
            xenstore_write(s, value, "%s/%s", dir, key);
        else if (set->before[i])
            xenstore_rm(s, "%s/%s", dir, key);
    }
    if (r == 0)
        set->number = bump(s, dir);
    return r;
}

/* Another process has changed the device since then: what that one wrote stays. */
static int put_back(struct xenstore *s, void *ctx)
{
    struct set *set = ctx;
    char dir[XENSTORE_PATH_MAX];
    uint32_t number;

    dir_of(set, dir);
    CLEANUP_FREE char *text = xenstore_read(s, "%s/change", dir);

    if (!text)
        return errno == ENOENT ? 0 : -errno;
    if (parse_u32_str(text, UINT32_MAX, &number) < 0 || number != set->number)
        return 0;
    for (unsigned i = 0; settings_key(i); i++) {
        if (!(set->touched & 1u << i))
            continue;
        if (set->before[i])
            xenstore_write(s, set->before[i], "%s/%s", dir, settings_key(i));
        else
            xenstore_rm(s, "%s/%s", dir, settings_key(i));
    }
    bump(s, dir);
    return 0;
}

/* Added to the reason of the failure: the next worker would read these nodes. */
static void say_not_put_back(struct change *c, int r)
{
    size_t at = strlen(c->error);

    snprintf(
        c->error + at, sizeof(c->error) - at,
        "; xenstore keeps the new options, because putting the old ones back failed (%s): set those that are to hold",
        strerror(-r));
}

/* 1: it holds; 0: no answer yet; or -errno and the reason. */
static int look(struct set *set)
{
    char dir[XENSTORE_PATH_MAX], want[16], shown[ANSWER_MAX], vdev[HCTL_TEXT_MAX];

    dir_of(set, dir);
    CLEANUP_FREE char *answer = xenstore_read(set->c->store, "%s/changed", dir);
    int len = snprintf(want, sizeof(want), "%" PRIu32, set->number);

    hctl_format(set->vdev, vdev);
    if (!answer && errno != ENOENT)
        return change_store_failed(set->c, -errno);
    /* A device that fails meanwhile gets no answer. */
    if (!answer || strncmp(answer, want, (size_t)len) != 0 || (answer[len] != '\0' && answer[len] != ' '))
        return check(set->c->store, set, dir);
    if (answer[len] == '\0')
        return 1;
    escape_for_log(shown, sizeof(shown), answer + len + 1, strlen(answer + len + 1));
    return change_refused(set->c, -EINVAL, "the backend does not change device %s: %s", vdev, shown);
}

static int no_answer(struct set *set)
{
    if (change_backend_is_away(set->c, set->backend, set->id))
        return change_failed(set->c, -ETIMEDOUT, "time-out: %s", CHANGE_AWAY);
    return change_failed(set->c, -ETIMEDOUT,
                         "time-out: the backend did not answer: is pvscsid running there, and no older than xl-scsi? "
                         "An older one cannot change a device that is attached: detach it, and attach it again");
}

static int wait_for_answer(struct set *set)
{
    struct change *c = set->c;
    int r = 0;

    c->waits_for = "the backend to take the options";
    while (r == 0) {
        r = look(set);
        if (r != 0)
            break;
        r = change_wait(c, set->backend, set->id);
    }
    if (r == -ETIMEDOUT)
        return no_answer(set);
    return r < 0 ? change_store_failed(c, r) : 0;
}

static int run(struct set *set)
{
    struct change *c = set->c;
    struct xenstore *s = c->store;
    char dir[XENSTORE_PATH_MAX];
    int r;

    if (hyp_kernel_backend(c->domid, set->backend, set->id))
        return change_refused(
            c, -EOPNOTSUPP,
            "the kernel's backend serves this virtual host, and it cannot change a device: detach it, "
            "and attach it again");
    dir_of(set, dir);
    r = xenstore_watch(s, "set", "%s", dir);
    if (r < 0)
        return change_store_failed(c, r);
    r = xenstore_transact(s, write_nodes, set);
    if (r < 0) {
        r = change_store_failed(c, r);
    } else if (!s->dry_run) {
        r = wait_for_answer(set);
        if (r < 0) {
            xenstore_clear_interrupt();
            int back = xenstore_transact(s, put_back, set);

            if (back < 0)
                say_not_put_back(c, back);
        }
    }
    xenstore_unwatch(s, "set", "%s", dir);
    return r;
}

int set_run(struct change *c, const struct hctl *vdev, const struct dev_settings *settings)
{
    struct set set = { .c = c, .settings = settings, .vdev = vdev };
    const struct vhost_view *h = NULL;
    struct dev_view *d = NULL;
    struct guest_view v;
    int r;

    change_begin(c);
    r = change_find(c, vdev, &v, &h, &d);
    if (r == 0) {
        set.backend = h->backend;
        set.id = h->id;
        set.dev = d;
        r = settings_let_write(settings) ? inuse_check_write(c, d) : 0;
    }
    if (r == 0) {
        r = run(&set);
    }
    view_clear(&v);
    forget_before(&set);
    return r;
}
