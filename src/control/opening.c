// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks a device up, opens and claims it; see opening.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "control/claims.h"
#include "control/giveback.h"
#include "control/opening.h"
#include "device/ask.h"
#include "device/holder.h"

static bool is_it(const struct opening *o)
{
    struct run_device now;

    run_device_set(&now, "", &o->dev.hctl, o->dev.unit);
    return run_device_compatible(&now, &o->was);
}

/* NULL, or why a device that was away cannot be used yet. */
static const char *not_usable(const struct opening *o)
{
    /* In these states the kernel ends every command with NO_CONNECT (scsi_prep_state_check() of Linux). */
    static const struct {
        const char *state, *why;
    } without[] = {
        { "offline", "its state is offline" },
        { "transport-offline", "its state is transport-offline" },
        { "cancel", "it is being deleted" },
        { "deleted", "it is being deleted" },
    };

    if (!o->usable)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(without); i++)
        if (strcmp(o->dev.state, without[i].state) == 0)
            return without[i].why;
    return o->needs_block && !o->dev.block_name[0] ? "its block device is not there yet" : NULL;
}

/*
 * A device that still works on commands of the guest's last worker may not answer before they end. A unit that is
 * mapped away ends them at once, so it is taken for the same one.
 */
static bool works_for_the_guest(const struct opening *o, unsigned busy)
{
    return o->again && busy > 0 && hctl_equal(&o->dev.hctl, &o->was.hctl);
}

/* Opens o->dev, and asks it which unit it is. */
static int open_and_ask(struct opening *o)
{
    unsigned busy = 0;
    int r = device_open(o->roots, &o->dev, &o->fds, o->why);

    if (r < 0)
        return r;
    if (o->dev.from != PDEV_FILE)
        device_busy(o->roots, &o->dev.hctl, &busy);
    if (works_for_the_guest(o, busy) && o->dev.can_queue > 0 && busy >= o->dev.can_queue)
        r = -ETIMEDOUT; /* its host takes no other command now, and a question would sleep in the kernel */
    else
        r = device_ask(o->roots, o->fds.sg, &o->dev, o->why);
    if (r == -ETIMEDOUT && works_for_the_guest(o, busy)) {
        memcpy(o->dev.unit, o->unit, sizeof(o->dev.unit));
        return 0;
    }
    if (r < 0)
        device_close(&o->fds);
    return r;
}

/* o->dev may be the device that the guest has. Any other one is refused. */
static int open_if_it(struct opening *o)
{
    const char *why = not_usable(o);
    int r;

    if (why) {
        snprintf(o->why, sizeof(o->why), "%s", why);
        return -ENODEV;
    }
    r = open_and_ask(o);
    if (r < 0 || is_it(o))
        return r;
    device_close(&o->fds);
    snprintf(o->why, sizeof(o->why), "it is another device now: its wwid is %.80s; expected %.80s", o->dev.unit,
             o->was.wwid);
    return -ENODEV;
}

/* Looks for the device at the address that it had. If it is not there, looks its p-dev up. */
static int find_again(struct opening *o)
{
    int r = device_from_hctl(o->roots, &o->was.hctl, &o->dev, o->why);

    if (r == 0) {
        o->dev.from = PDEV_HCTL;
        r = open_if_it(o);
    }
    if (r == 0 || !device_error_is_final(r))
        return r;
    r = device_resolve(o->roots, o->pdev, o->allow_file, &o->dev, o->why);
    return r < 0 ? r : open_if_it(o);
}

/*
 * p-dev is an address that the toolstack has found for the user's name. Does the name lead there now too? A name that
 * leads nowhere is not a contradiction: only the toolstack's domain may know it.
 */
static int check_name(struct opening *o)
{
    char there[HCTL_TEXT_MAX];
    struct device named;
    struct pdev p;

    /* An identifier that the device has leads to it, or to another path to it. All of sysfs need not be searched. */
    if (o->at[0] && pdev_parse(o->pdev, &p, NULL) == 0 && p.kind == PDEV_WWID && identity_equal(p.text, o->dev.wwid))
        return 0;
    if (!o->at[0] || device_resolve(o->roots, o->pdev, o->allow_file, &named, NULL) < 0
        || hctl_equal(&named.hctl, &o->dev.hctl) || identity_equal(named.wwid, o->dev.wwid))
        return 0;
    hctl_format(&named.hctl, there);
    snprintf(o->why, sizeof(o->why), "p-devname %.80s leads to %s, but p-dev is %.64s; attach it again", o->pdev, there,
             o->at);
    return -ENODEV;
}

/* Is the unit the one that the name stands for, and the one that the toolstack expects? */
static int check_unit(struct opening *o)
{
    struct pdev p;
    const char *expected = o->unit;

    if (pdev_parse(o->pdev, &p, NULL) == 0 && p.kind == PDEV_WWID && !identity_equal(p.text, o->dev.unit))
        expected = p.text;
    else if (!o->unit[0] || identity_equal(o->unit, o->dev.unit))
        return 0;
    snprintf(o->why, sizeof(o->why), "it is the unit %.72s; expected %.72s%s", o->dev.unit, expected,
             identity_lasts(expected)
                 ? ""
                 : " (it has no identifier, so it is known only until a reboot); attach it by hand");
    return -ENODEV;
}

static int find(struct opening *o)
{
    int r = device_resolve(o->roots, o->at[0] ? o->at : o->pdev, o->allow_file, &o->dev, o->why);

    if (r == 0)
        r = check_name(o);
    if (r < 0)
        return r;
    r = open_and_ask(o);
    if (r < 0)
        return r;
    r = check_unit(o);
    if (r < 0)
        device_close(&o->fds);
    return r;
}

/* This domain is kept off the device from now on. */
static int claim(struct opening *o)
{
    char why[DEVICE_WHY_MAX];
    int r = claim_take(o->claims, o->roots, &o->dev, o->force, &o->claim, why);

    if (r == 0) {
        memcpy(o->why, why, sizeof(o->why));
        return 0;
    }
    device_close(&o->fds);
    o->in_use = r == -EBUSY;
    snprintf(o->why, sizeof(o->why), "%s%.180s%s", o->in_use ? "it is in use in this domain: " : "", why,
             o->in_use ? holder_advice(why) : "");
    return r;
}

static void open_work(struct offload_job *job)
{
    struct opening *o = container_of(job, struct opening, job);

    __atomic_store_n(&o->started_us, now_us(), __ATOMIC_RELAXED);
    o->result = o->again ? find_again(o) : find(o);
    if (o->result == 0)
        o->result = claim(o);
}

static void discard(struct opening *o)
{
    device_close(&o->fds);
    giveback_claim(o->host, steal_ptr(o->claim));
    claims_unref(o->claims);
    free(o);
}

static void open_ended(struct offload_job *job)
{
    struct opening *o = container_of(job, struct opening, job);

    if (!o->vdev) {
        discard(o);
        return;
    }
    o->finished = true;
    model_changed(o->vdev->vhost);
}

int opening_start(struct vdev *d)
{
    struct host *h = d->vhost->host;
    struct opening *o = calloc(1, sizeof(*o));
    int r;

    if (!o)
        return -ENOMEM;
    o->job = (struct offload_job){ .work = open_work, .done = open_ended };
    o->vdev = d;
    o->host = h;
    o->roots = h->roots;
    o->claims = claims_ref(h->claims);
    o->force = d->wish.force;
    o->allow_file = h->standalone;
    o->again = d->was_known;
    o->usable = d->presence != DEVICE_THERE;
    o->needs_block = d->dev.block_name[0] != '\0';
    o->was = d->was;
    o->fds = (struct device_fds){ .sg = -1, .block = -1 };
    memcpy(o->pdev, d->wish.pdev, sizeof(o->pdev));
    memcpy(o->at, d->wish.at, sizeof(o->at));
    if (d->wish.unit[0] || lun_is_missed(d->lun) || o->usable)
        memcpy(o->unit, d->wish.unit[0] ? d->wish.unit : d->wish.wwid, sizeof(o->unit));
    r = offload_submit(h->offload, &o->job);
    if (r < 0) {
        claims_unref(o->claims);
        free(o);
        return r;
    }
    d->opening = o;
    return 0;
}

uint64_t opening_started_us(const struct opening *o)
{
    return __atomic_load_n(&o->started_us, __ATOMIC_RELAXED);
}

void opening_hand_over(struct opening *o)
{
    struct vdev *d = o->vdev;
    struct claim *before = d->claim;

    d->fds = o->fds;
    o->fds = (struct device_fds){ .sg = -1, .block = -1 };
    d->claim = steal_ptr(o->claim);
    giveback_claim(o->host, before);
    if (o->why[0])
        log_limited(&d->vhost->limit, XTL_WARN, d->vhost->prefix, "%s (%s): %s", d->name, d->wish.pdev, o->why);
}

void opening_free(struct opening *o)
{
    if (!o)
        return;
    if (o->finished)
        discard(o);
    else
        o->vdev = NULL;
}
