// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks a device up, opens and claims it; see opening.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "control/claims.h"
#include "control/giveback.h"
#include "control/opening.h"
#include "control/readings.h"
#include "device/ask.h"
#include "device/holder.h"

static bool is_it(const struct opening *o)
{
    struct run_device now;

    run_device_set(&now, "", &o->dev.hctl, o->dev.unit);
    return run_device_compatible(&now, &o->was);
}

/* An identifier is looked for in a reading of sysfs that others share. */
static int take_reading(struct opening *o, struct reading **out, char *why)
{
    int r = readings_take(o->readings, o->roots, o->joined, out);

    return r < 0 ? device_say(why, r, "%s/bus/scsi/devices: %s", o->roots->sysfs, strerror(-r)) : 0;
}

/* device_resolve() */
static int look_up(struct opening *o, const char *pdev, struct device *out, char *why)
{
    struct reading *reading;
    struct pdev p;
    int r;

    if (pdev_parse(pdev, &p, NULL) < 0 || !pdev_names_unit(&p, NULL))
        return device_resolve(o->roots, pdev, o->allow_file, out, why);
    r = take_reading(o, &reading, why);
    if (r < 0)
        return r;
    r = device_resolve_in(o->roots, reading_inventory(reading), pdev, o->allow_file, out, why);
    readings_give_back(o->readings, reading);
    return r;
}

/* NULL, or why a device that was away cannot be used yet. */
static const char *not_usable(struct opening *o)
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
    o->lacks_block = o->needs_block && !o->dev.block_name[0];
    return o->lacks_block ? "its block device is not there yet" : NULL;
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
        r = device_ask(o->roots, o->fds.sg, o->again ? DEVICE_ASK_AGAIN_MS : DEVICE_ASK_NEW_MS, &o->dev, o->why);
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
    o->is_another = true;
    snprintf(o->why, sizeof(o->why), "it is another device now: its wwid is %.80s; expected %.80s", o->dev.unit,
             o->was.wwid);
    return -ENODEV;
}

/* The unit has another address, to which nothing but its identifier leads. r: why it was not found without that. */
static int search(struct opening *o, int r)
{
    struct reading *reading;
    struct device dev;
    int found;

    if (!identity_lasts(o->was.wwid) || o->n_taken > OPENING_TAKEN_MAX || take_reading(o, &reading, NULL) < 0)
        return r;
    found = device_find_unit(o->roots, reading_inventory(reading), o->was.wwid, o->taken, o->n_taken, &dev, NULL);
    readings_give_back(o->readings, reading);
    if (found < 0)
        return r;
    o->dev = dev;
    o->searched = true;
    return open_if_it(o);
}

/*
 * Looks for the device at the address that it had. If it is not there, looks its p-dev up. A device that has left its
 * address is searched for by its identifier at last: a p-dev such as "5:0:0:0" does not lead to it any more.
 */
static int find_again(struct opening *o)
{
    int r = device_from_hctl(o->roots, &o->was.hctl, &o->dev, o->why);
    bool absent = r == -ENOENT;

    if (r == 0) {
        o->dev.from = PDEV_HCTL;
        r = open_if_it(o);
        absent = o->is_another;
    }
    if (r == 0 || !device_error_is_final(r))
        return r;
    r = look_up(o, o->pdev, &o->dev, o->why);
    if (r == 0)
        r = open_if_it(o);
    return r < 0 && absent && device_error_is_final(r) ? search(o, r) : r;
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
    if (!o->at[0] || look_up(o, o->pdev, &named, NULL) < 0 || hctl_equal(&named.hctl, &o->dev.hctl)
        || identity_equal(named.wwid, o->dev.wwid))
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
    int r = look_up(o, o->at[0] ? o->at : o->pdev, &o->dev, o->why);

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
    snprintf(o->why, sizeof(o->why), "%s%.180s%s", o->in_use ? HOLDER_IN_USE ": " : "", why,
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
    readings_leave(o->readings);
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

/* d, whether its device is there or not, has this address of the unit. */
static bool has_taken(const struct vdev *d, const char *unit, const struct hctl *at)
{
    return (d->was_known && hctl_equal(&d->was.hctl, at) && identity_equal(d->was.wwid, unit))
           || (d->is_user && hctl_equal(&d->dev.hctl, at) && identity_equal(d->dev.unit, unit));
}

static void add_taken(struct opening *o, const struct hctl *at)
{
    if (o->n_taken > OPENING_TAKEN_MAX)
        return;
    for (unsigned i = 0; i < o->n_taken; i++)
        if (hctl_equal(&o->taken[i], at))
            return;
    if (o->n_taken < OPENING_TAKEN_MAX)
        o->taken[o->n_taken] = *at;
    o->n_taken++;
}

/* Where other LUNs, of this guest and of others, have the unit. */
static void note_taken(struct opening *o)
{
    for (const struct vhost *v = o->host->vhosts; v; v = v->next)
        for (const struct vdev *d = v->devs; d; d = d->next) {
            if (d == o->vdev)
                continue;
            if (has_taken(d, o->was.wwid, &d->was.hctl))
                add_taken(o, &d->was.hctl);
            if (has_taken(d, o->was.wwid, &d->dev.hctl))
                add_taken(o, &d->dev.hctl);
        }
}

int opening_result(struct opening *o)
{
    if (o->result < 0 || !o->searched)
        return o->result;
    for (const struct vhost *v = o->host->vhosts; v; v = v->next)
        for (const struct vdev *d = v->devs; d; d = d->next) {
            if (d == o->vdev || !has_taken(d, o->was.wwid, &o->dev.hctl))
                continue;
            o->result = -ENOENT;
            snprintf(o->why, sizeof(o->why), "each path to the unit %.64s that is there belongs to another LUN",
                     o->was.wwid);
            return o->result;
        }
    return 0;
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
    o->readings = h->readings;
    o->joined = readings_join(h->readings);
    o->force = d->wish.force;
    o->allow_file = h->standalone;
    o->again = d->was_known;
    o->usable = d->presence != DEVICE_THERE;
    o->needs_block = d->dev.block_name[0] && (!d->block_until_us || now_us() < d->block_until_us);
    o->was = d->was;
    o->fds = (struct device_fds){ .sg = -1, .block = -1 };
    if (o->again)
        note_taken(o);
    memcpy(o->pdev, d->wish.pdev, sizeof(o->pdev));
    memcpy(o->at, d->wish.at, sizeof(o->at));
    if (d->wish.unit[0] || lun_is_missed(d->lun) || o->usable)
        memcpy(o->unit, d->wish.unit[0] ? d->wish.unit : d->wish.wwid, sizeof(o->unit));
    r = offload_submit(h->offload, &o->job);
    if (r < 0) {
        claims_unref(o->claims);
        readings_leave(o->readings);
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
