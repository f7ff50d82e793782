// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands attach, detach, set, list, scan, check and expect; see commands.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include <json-c/json.h>

#include "attach.h"
#include "cfg.h"
#include "commands.h"
#include "detach.h"
#include "expected.h"
#include "hyp.h"
#include "inuse.h"
#include "list.h"
#include "lookup.h"
#include "made.h"
#include "progress.h"
#include "remember.h"
#include "run.h"
#include "scan.h"
#include "set.h"
#include "wanted.h"

int connect_store(struct xenstore *s)
{
    int r = xenstore_open(s);

    if (r == 0) {
        xenstore_catch_signals();
        return EXIT_OK;
    }
    xenstore_close(s);
    if (r == -EACCES || r == -EPERM)
        return complain(EXIT_FAILED, "cannot talk to xenstored: no permission (run this as root)");
    return complain(EXIT_FAILED,
                    "cannot talk to xenstored: %s (is this the toolstack's domain, and is xenstored "
                    "running?)",
                    strerror(-r));
}

int find_guest(struct xenstore *s, const char *text, uint32_t *domid)
{
    int r = domain_find(s, text, domid);

    if (r == 0)
        return EXIT_OK;
    if (r == -ENOENT)
        return complain(EXIT_FAILED,
                        "domain '%s' does not exist: expected the name or number of a running "
                        "guest (xl list)",
                        text);
    return complain(EXIT_FAILED, "cannot look for domain '%s': %s", text, strerror(-r));
}

struct change change_for(struct xenstore *s, uint32_t domid, const struct options *o)
{
    return (struct change){ .store = s,
                            .domid = domid,
                            .no_wait = o->no_wait,
                            .force = o->force,
                            .lock = -1,
                            .timeout_us = o->timeout_s * 1000000ull };
}

int exit_status_of(const struct change *c, int r)
{
    if (r == -ETIMEDOUT)
        return EXIT_TIMED_OUT;
    if (!c->refused)
        return EXIT_FAILED;
    return r == -EBUSY || r == -EEXIST ? EXIT_IN_USE : EXIT_REFUSED;
}

/* What is attached now is attached again after a reboot only if the service runs. */
static void warn_without_service(void)
{
    if (run_lock_is_held("watch") != 0)
        return;
    complain(0, "note: the service xl-scsi-watch is not running: without it, devices do not come back after a reboot "
                "or migration of the guest");
}

int attach_and_remember(struct change *c, struct vscsi_entry **entries, unsigned *n)
{
    char err[CHANGE_ERROR_MAX], why[VSCSI_ERROR_MAX];
    unsigned which;
    int r = inuse_expand_hosts(c, &device_roots_system, entries, n);

    /* Checked again, because `host` has become v-devs. */
    if (r == 0 && vscsi_entries_check(*entries, *n, &which, why) < 0)
        r = change_failed(c, -EINVAL, "%s", why);
    if (r == 0)
        r = inuse_attach(c, *entries, *n);
    if (r < 0 || c->store->dry_run)
        return r;
    int noted = remember_add(c->domid, *entries, *n, err);

    if (noted < 0)
        complain(0,
                 "note: the device is attached, but will not come back after a reboot or migration: %s; attach it "
                 "again then",
                 err);
    else if (noted == 0)
        warn_without_service();
    return r;
}

int cmd_attach(const struct options *o, int argc, char **argv)
{
    CLEANUP_FREE char *text = strf("%s,%s", argv[1], argv[2]);
    struct vscsi_entry *entry = calloc(1, sizeof(*entry));
    char err[VSCSI_ERROR_MAX];
    struct xenstore s = { 0 };
    unsigned n = 1;
    uint32_t domid;
    int code;

    if (!text || !entry) {
        free(entry);
        return complain(EXIT_FAILED, "out of memory");
    }
    if (strchr(argv[1], ','))
        code = complain(EXIT_USAGE, "p-dev '%s' holds a comma: expected DOMAIN PDEV VDEV[,option...]", argv[1]);
    else if (vscsi_entry_parse(text, entry, err) < 0)
        code = complain(EXIT_USAGE, "%s", err);
    else
        code = connect_store(&s);
    if (code == EXIT_OK)
        code = find_guest(&s, argv[0], &domid);
    if (code == EXIT_OK) {
        struct change c = change_for(&s, domid, o);

        entry->force |= o->force;
        s.dry_run = o->dry_run;
        progress_allow();
        int r = attach_and_remember(&c, &entry, &n);

        if (r < 0)
            code = complain(exit_status_of(&c, r), "%s", c.error);
        else if (r == ATTACH_OFFERED)
            printf("The backend has the device (state 3); the guest gets it when its frontend connects.\n");
        else if (r == ATTACH_NO_FRONTEND)
            code = complain(EXIT_TIMED_OUT,
                            "the guest did not take v-dev %s: no frontend is running there; the device stays "
                            "attached (the backend has it, state 3), and the guest gets it when its frontend connects",
                            argv[2]);
    }
    xenstore_close(&s);
    vscsi_entries_free(entry, n);
    return code;
}

/*
 * A change of a device that the guest has. While *lock is open, no other xl-scsi changes the guest's devices. EXIT_OK,
 * or why not is printed; xenstore_close() must follow in both cases.
 */
static int begin_change(const struct options *o, const char *guest, struct xenstore *s, struct change *c, int *lock)
{
    uint32_t domid;
    int code = connect_store(s);

    if (code == EXIT_OK)
        code = find_guest(s, guest, &domid);
    if (code != EXIT_OK)
        return code;
    *c = change_for(s, domid, o);
    s->dry_run = o->dry_run;
    progress_allow();
    int r = o->dry_run ? 0 : wanted_lock(c, lock);

    return r < 0 ? complain(exit_status_of(c, r), "%s", c->error) : EXIT_OK;
}

int cmd_detach(const struct options *o, int argc, char **argv)
{
    char err[VSCSI_ERROR_MAX], note[CHANGE_ERROR_MAX];
    CLEANUP_CLOSE int lock = -1;
    struct xenstore s = { 0 };
    struct change c;
    struct hctl vdev;
    int code;

    if (vscsi_vdev_parse(argv[1], &vdev, err) < 0)
        return complain(EXIT_USAGE, "%s", err);
    code = begin_change(o, argv[0], &s, &c, &lock);
    if (code == EXIT_OK) {
        /* A device that is missing can be detached too: with the lock, it is not being attached now. */
        int missing = o->dry_run ? 0 : wanted_drop(&s, c.domid, &vdev);
        int r = detach_run(&c, &vdev);
        bool gone = r == -ENOENT;
        int noted = !o->dry_run && (r == 0 || gone) ? remember_remove(c.domid, &vdev, note) : 0;

        /* A device that is only on a list is removed from the list. This also completes a detach that was killed. */
        if (gone && !o->dry_run && (missing == 1 || noted == 0))
            r = 0;
        if (r < 0)
            code = complain(exit_status_of(&c, r), "%s", c.error);
        else if (noted < 0)
            complain(
                0, "note: the device is detached, but comes back after a reboot or migration: %s; detach it again then",
                note);
    }
    xenstore_close(&s);
    return code;
}

/* The noted device is the one of the next domain; the change of this one is done. */
static void note_change(uint32_t domid, const struct hctl *vdev, const struct dev_settings *settings)
{
    char err[CHANGE_ERROR_MAX];
    int r = remember_change(domid, vdev, settings, err);

    if (r == REMEMBER_NOT_NOTED)
        complain(0, "note: the change ends with this domain: the device is not noted for a reboot or migration");
    else if (r < 0)
        complain(0, "note: the change ends with this domain: %s; repeat it after a reboot or migration", err);
}

int cmd_set(const struct options *o, int argc, char **argv)
{
    __attribute__((cleanup(settings_clear))) struct dev_settings settings = { 0 };
    char err[VSCSI_ERROR_MAX];
    CLEANUP_CLOSE int lock = -1;
    struct xenstore s = { 0 };
    struct change c;
    struct hctl vdev;
    int code;

    if (vscsi_vdev_parse(argv[1], &vdev, err) < 0)
        return complain(EXIT_USAGE, "%s", err);
    for (int i = 2; i < argc; i++)
        if (settings_parse(argv[i], &settings, err) < 0)
            return complain(EXIT_USAGE, "%s", err);
    /* With its lock: the backend answers only the last change of a device. */
    code = begin_change(o, argv[0], &s, &c, &lock);
    if (code == EXIT_OK) {
        int r = set_run(&c, &vdev, &settings);

        if (r < 0)
            code = complain(exit_status_of(&c, r), "%s", c.error);
        else if (!o->dry_run)
            note_change(c.domid, &vdev, &settings);
    }
    xenstore_close(&s);
    return code;
}

/*
 * Finds the nodes of devices of this domain: at the address that the backend has written or, with the nodes of the
 * kernel's backend or an earlier version's, where the p-dev leads now. Without memory the p-dev itself is shown.
 */
static void resolve_here(struct xenstore *s, struct guest_view *v, struct lookup *l)
{
    for (unsigned i = 0; i < v->n_vhosts; i++) {
        for (unsigned k = 0; v->vhosts[i].backend == own_domid(s) && k < v->vhosts[i].n_devs; k++) {
            struct dev_view *d = &v->vhosts[i].devs[k];
            struct device dev;
            char text[HCTL_TEXT_MAX];

            const char *where = d->phctl ? d->phctl : d->pdev;

            if (!where || !lookup_device(l, &device_roots_system, where, &dev))
                continue;
            if (!d->phctl) {
                hctl_format(&dev.hctl, text);
                d->phctl = strdup(text);
            }
            d->node = strf("/dev/%s", dev.block_name[0] ? dev.block_name : dev.sg_name);
        }
    }
}

/* Its options, by the names of their nodes: most devices have none. */
static void load_options(struct xenstore *s, uint32_t domid, const struct vhost_view *h, struct dev_view *d)
{
    unsigned n;
    CLEANUP_FREE char **names = xenstore_dir(s, &n, DEV_FMT, h->backend, domid, h->id, d->n);

    for (unsigned i = 0; names && i < n; i++) {
        for (unsigned k = 0; settings_key(k); k++)
            if (strcmp(names[i], settings_key(k)) == 0 && !d->options[k])
                d->options[k] = xenstore_read(s, DEV_FMT "/%s", h->backend, domid, h->id, d->n, names[i]);
        if (strcmp(names[i], "force") == 0) {
            CLEANUP_FREE char *force = xenstore_read(s, DEV_FMT "/force", h->backend, domid, h->id, d->n);

            d->force = force && strcmp(force, "1") == 0;
        }
    }
}

/* May the guest be started without it? Only what is noted for the next start says so. */
static void load_need(const struct remembered *noted, struct dev_view *d)
{
    for (unsigned i = 0; d->vdev_ok && i < noted->n; i++)
        if (hctl_equal(&noted->entries[i].vdev, &d->vdev))
            d->need = noted->entries[i].need;
}

/* What the table does not show. */
static void load_more(struct xenstore *s, struct guest_view *v)
{
    CLEANUP_FREE char *vm = xenstore_read(s, "/local/domain/%u/vm", v->domid);
    const char *uuid = vm ? strrchr(vm, '/') : NULL;
    struct remembered noted;

    remember_load(v->domid, &noted);
    v->uuid = uuid ? strdup(uuid + 1) : NULL;
    for (unsigned i = 0; i < v->n_vhosts; i++) {
        struct vhost_view *h = &v->vhosts[i];

        h->backend_name = domain_name(s, h->backend);
        for (unsigned k = 0; k < h->n_devs; k++) {
            load_options(s, v->domid, h, &h->devs[k]);
            load_need(&noted, &h->devs[k]);
        }
    }
    remembered_clear(&noted);
}

struct backends {
    uint32_t *ids;
    unsigned n;
    struct lookup lookup;
};

static int list_one(struct xenstore *s, uint32_t domid, struct backends *b, const struct options *o, bool heading,
                    bool even_if_empty, struct json_object *array)
{
    CLEANUP_FREE char *name = domain_name(s, domid);
    struct wanted missing = { 0 };
    struct guest_view v;
    int r = view_load_from(s, domid, b->ids, b->n, &v), code = EXIT_OK;

    if (r == 0)
        r = wanted_load(s, domid, &missing);
    if (r == 0)
        resolve_here(s, &v, &b->lookup);
    if (r == 0 && (array || o->as_long))
        load_more(s, &v);
    if (r < 0) {
        code = complain(EXIT_FAILED, "cannot read domain %u's devices: %s", domid, strerror(-r));
    } else if (v.n_vhosts || missing.n || even_if_empty) {
        if (o->as_long) {
            list_long(&v, &missing, name);
        } else if (array) {
            struct json_object *guest = list_json(&v, &missing, name);

            if (!guest || json_object_array_add(array, guest) < 0) {
                json_object_put(guest);
                code = complain(EXIT_FAILED, "out of memory");
            }
        } else {
            list_table(&v, &missing, name, heading);
        }
    }
    view_clear(&v);
    wanted_clear(&missing);
    return code;
}

int cmd_list(const struct options *o, int argc, char **argv)
{
    struct json_object *array = o->json ? json_object_new_array() : NULL;
    struct xenstore s = { 0 };
    int code;

    if (o->json && (o->as_long || !array)) {
        json_object_put(array);
        return o->as_long ? complain(EXIT_USAGE, "--long and --json exclude each other: give one of them")
                          : complain(EXIT_FAILED, "out of memory");
    }
    code = connect_store(&s);
    struct backends b = { 0 };

    if (code == EXIT_OK)
        b.ids = view_backends(&s, &b.n);
    if (code == EXIT_OK && argc == 0) {
        unsigned n;
        CLEANUP_FREE uint32_t *ids = domain_list(&s, &n);

        if (!ids && errno != ENOENT)
            code = complain(EXIT_FAILED, "cannot list domains: %s", strerror(errno));
        for (unsigned i = 0; i < n; i++)
            code |= list_one(&s, ids[i], &b, o, true, false, array);
    }
    /* A domain that does not exist must not keep the others from being shown. */
    for (int i = 0; s.xs && i < argc; i++) {
        uint32_t domid;
        int one = find_guest(&s, argv[i], &domid);

        code |= one == EXIT_OK ? list_one(&s, domid, &b, o, argc > 1, true, array) : one;
    }
    if (array && s.xs)
        printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(array);
    free(b.ids);
    lookup_clear(&b.lookup);
    xenstore_close(&s);
    return code;
}

/* Which guests of this backend domain have which of its devices. */
static int note_guests(struct xenstore *s, struct scan *scan)
{
    __attribute__((cleanup(lookup_clear))) struct lookup lookup = { 0 };
    const uint32_t own = own_domid(s);
    unsigned n;
    CLEANUP_FREE uint32_t *ids = numbered_dir(s, &n, "/local/domain/%u/backend/vscsi", own);
    int r = ids || errno == 0 || errno == ENOENT ? 0 : -errno;

    for (unsigned i = 0; r == 0 && i < n; i++) {
        CLEANUP_FREE char *name = domain_name(s, ids[i]);
        struct guest_view v;

        r = view_load_from(s, ids[i], &own, 1, &v);
        if (r == 0) {
            resolve_here(s, &v, &lookup);
            r = scan_note_guest(scan, name, &v);
        }
        view_clear(&v);
    }
    return r;
}

int cmd_scan(const struct options *o, UNUSED int argc, UNUSED char **argv)
{
    __attribute__((cleanup(scan_clear))) struct scan scan = { 0 };
    struct json_object *array = NULL;
    struct xenstore s = { 0 };
    int code, r = 0;

    if (o->json && o->as_long)
        return complain(EXIT_USAGE, "--long and --json exclude each other: give one of them");
    code = connect_store(&s);
    if (code == EXIT_OK)
        r = scan_load(&device_roots_system, &scan);
    if (r < 0)
        code = complain(EXIT_FAILED, "cannot list the SCSI devices: %s", strerror(-r));
    r = code == EXIT_OK ? note_guests(&s, &scan) : 0;
    if (r < 0)
        code = complain(EXIT_FAILED, "cannot read the guests' devices: %s", strerror(-r));
    xenstore_close(&s);
    if (code != EXIT_OK)
        return code;
    if (o->json && !(array = scan_json(&scan)))
        return complain(EXIT_FAILED, "out of memory");
    if (array)
        printf("%s\n", json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    else if (o->as_long)
        scan_long(&scan, stdout);
    else
        scan_table(&scan, stdout);
    json_object_put(array);
    return EXIT_OK;
}

int cmd_check(const struct options *o, int argc, char **argv)
{
    struct guest_config config;
    char err[CONFIG_ERROR_MAX];

    for (int i = 1; i < argc; i++)
        if (!strchr(argv[i], '='))
            return complain(EXIT_USAGE, "'%s': expected KEY=VALUE after the file, as for xl create", argv[i]);
    if (guest_config_read(argv[0], argv + 1, (unsigned)argc - 1, &config, err) < 0)
        return complain_lines(EXIT_FAILED, err);
    printf("%s: %u SCSI device%s\n", config.name ? config.name : "(no name)", config.n, config.n == 1 ? "" : "s");
    for (unsigned i = 0; i < config.n; i++) {
        CLEANUP_FREE char *text = vscsi_entry_format(&config.entries[i]);

        printf("  %s\n", text ? text : "?");
    }
    guest_config_clear(&config);
    return EXIT_OK;
}

/* Prints each mistake. EXIT_OK and n entries in e, or the exit status. */
static int parse_expected(unsigned n, char **texts, struct vscsi_entry *e)
{
    char err[VSCSI_ERROR_MAX];
    int code = EXIT_OK;

    for (unsigned i = 0; i < n; i++) {
        if (vscsi_entry_parse(texts[i], &e[i], err) < 0)
            code = complain(EXIT_USAGE, "device %u ('%s'): %s", i + 1, texts[i], err);
        /* Whether this guest is created or reboots cannot be told, so what holds at creation holds always. */
        if (e[i].need == NEED_DEFAULT)
            e[i].need = NEED_REQUIRED;
    }
    return code;
}

/* Without the service, nothing would attach the devices. If its lock cannot be looked at, that is no reason to stop. */
static int need_service(void)
{
    if (run_lock_is_held("watch") != 0)
        return EXIT_OK;
    return complain(EXIT_FAILED,
                    "the service xl-scsi-watch is not running, and only it can give the guest its devices: "
                    "start it (systemctl start xl-scsi-watch)");
}

int cmd_expect(const struct options *o, int argc, char **argv)
{
    unsigned n = (unsigned)argc - 1, which;
    struct vscsi_entry *e = calloc(n ? n : 1, sizeof(*e));
    char uuid[UUID_TEXT_MAX], why[VSCSI_ERROR_MAX];
    struct xenstore s = { 0 };
    struct change c = change_for(&s, 0, o);
    int code = EXIT_OK, r;

    if (!e)
        code = complain(EXIT_FAILED, "out of memory");
    else if (!made_uuid_form(argv[0], uuid))
        code = complain(EXIT_USAGE, "'%s' is no uuid: expected 32 hex digits with hyphens, as 8-4-4-4-12", argv[0]);
    else
        code = parse_expected(n, argv + 1, e);
    if (code == EXIT_OK && n && !o->dry_run)
        code = need_service();
    if (code == EXIT_OK)
        code = connect_store(&s);
    s.dry_run = o->dry_run;
    if (code == EXIT_OK && inuse_expand_hosts(&c, &device_roots_system, &e, &n) < 0)
        code = complain(EXIT_FAILED, "%s", c.error);
    if (code == EXIT_OK && vscsi_entries_check(e, n, &which, why) < 0)
        code = complain(EXIT_USAGE, "device %u: %s", which + 1, why);
    r = code == EXIT_OK ? expected_set(&s, uuid, e, n) : 0;
    if (r < 0)
        code = complain(EXIT_FAILED, "cannot note the devices in xenstore: %s", strerror(-r));
    xenstore_close(&s);
    vscsi_entries_free(e, n);
    return code;
}
