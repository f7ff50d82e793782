// SPDX-License-Identifier: GPL-2.0-or-later
/* Starting a guest with SCSI devices; see start.h. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "cfg.h"
#include "progress.h"
#include "remember.h"
#include "run.h"
#include "start.h"
#include "wanted.h"

enum {
    POLL_NS = 50 * 1000000,
    END_TRIES = 40, /* polls: the time for xl to notice that its guest was destroyed */
};

void start_clear(struct start *s)
{
    xl_start_clear(&s->args);
    made_clear(&s->made);
    free(s->name);
    free(s->uuid);
    vscsi_entries_free(s->entries, s->n);
    xenstore_close(&s->store);
}

/* Runs the real xl with one command for this guest and the user's global options. */
static int tell_xl(const struct start *s, const char *command, const char *what)
{
    const struct call *call = s->call;
    CLEANUP_FREE char **argv = calloc((size_t)call->line.command + 3, sizeof(*argv));

    if (!argv)
        return -ENOMEM;
    memcpy(argv, call->argv, (size_t)call->line.command * sizeof(*argv));
    argv[call->line.command] = (char *)command;
    argv[call->line.command + 1] = (char *)what;
    return run_program(argv);
}

/* Checked each time: the domain may have ended, and another domain may have its number. */
static int tell_xl_domain(struct start *s, const char *command)
{
    char id[16];

    if (!made_is(&s->made, s->domid))
        return -ESRCH;
    snprintf(id, sizeof(id), "%u", s->domid);
    return tell_xl(s, command, id);
}

/* xl has ended before it was certain that it made the domain. Status 0 says that it has. */
static int ended_early(struct start *s, int status)
{
    s->xl = 0;
    if (status != 0)
        return status < 0 ? EXIT_FAILED : status;
    if (made_find(&s->made, &s->domid) == 0)
        return EXIT_OK;
    return complain(EXIT_FAILED, "%s ended, but there is no guest %s", s->call->argv[0], s->name);
}

/* Waits until the domain is complete. xl may run longer: until the guest ends (-F), or its console is left (-c). */
static int await_domain(struct start *s)
{
    struct timespec pause = { .tv_nsec = POLL_NS };

    for (;;) {
        int r = run_poll(s->xl);

        if (r != -EAGAIN)
            return ended_early(s, r);
        made_observe(&s->made, s->xl);
        /* libxl stores the domain's configuration last: after that, the domain is complete. */
        if (made_find(&s->made, &s->domid) == 0 && made_sure(&s->made) && remember_domain_complete(s->domid))
            return EXIT_OK;
        if (xenstore_interrupted())
            return ended_early(s, run_wait(s->xl)); /* passes the signal on */
        nanosleep(&pause, NULL);
    }
}

/*
 * An xl that fails destroys the domain that it has made. An xl that is ended by a signal does not, so it is done
 * here. A complete domain is left alone if another tool may have made it.
 */
static void drop_half_made(struct start *s)
{
    xenstore_clear_interrupt(); /* or it would end the destroy */
    if (made_find(&s->made, &s->domid) == 0 && made_half(&s->made)
        && (!(s->made.shared || s->made.by_name) || !remember_domain_complete(s->domid)))
        tell_xl_domain(s, "destroy");
}

/* Makes the domain, paused. EXIT_OK, or the real xl's status. */
static int make_domain(struct start *s)
{
    const struct call *call = s->call;
    int r = made_init(&s->made, &s->store, s->name, s->uuid);

    if (r < 0)
        return complain(EXIT_FAILED, "guest %s is not started: its uuid cannot be looked for: %s", s->name,
                        strerror(-r));
    CLEANUP_FREE char *set = strf("uuid=\"%s\"", s->made.uuid), *copy = NULL;

    if (!s->uuid && set && s->args.restore) {
        CLEANUP_FREE char *line = strf("\n%s\n", set);

        s->args.config = copy = line ? guest_config_copy(s->args.config, line) : NULL;
    }
    if (!set || (s->args.restore && !s->uuid && !copy))
        return complain(EXIT_FAILED, "guest %s is not started: its configuration cannot be copied", s->name);
    if (!s->uuid)
        s->args.uuid = set;
    CLEANUP_FREE char **argv = xl_start_args(&s->args, call->argv[0], call->argv + 1, (unsigned)call->line.command - 1);

    s->xl = argv ? run_spawn(argv, -1) : -ENOMEM;
    if (s->xl < 0)
        return complain(127, "cannot run %s: %s", call->argv[0], strerror((int)-s->xl));
    int code = await_domain(s);

    if (code != EXIT_OK)
        drop_half_made(s);
    return code;
}

/* Attaches a device that the guest may run without. If that fails, it is noted, and the service tries it again. */
static int give_optional(struct start *s, const struct vscsi_entry *e)
{
    struct change c = change_for(&s->store, s->domid, s->call->o);
    struct vscsi_entry *one = calloc(1, sizeof(*one));
    char err[CHANGE_ERROR_MAX];
    unsigned n = 1;
    int r = one ? vscsi_entry_copy(e, one) : -ENOMEM;

    c.no_wait = true;
    if (r == 0)
        r = attach_and_remember(&c, &one, &n);
    vscsi_entries_free(one, n);
    if (r == -EINTR)
        return r;
    if (r < 0) {
        complain(0, "note: guest %s starts without an optional device: %s", s->name, c.error);
        /* The devices that `host` stands for are not known. */
        if (!e->whole_host
            && (wanted_note(&s->store, s->domid, e, c.error) < 0 || remember_add(s->domid, e, 1, err) < 0))
            complain(0, "note: it is not tried again; attach it with xl-scsi attach when it is there");
    }
    return 0;
}

static int give_configured(struct start *s, struct change *c)
{
    struct vscsi_entry *required = calloc(s->n, sizeof(*required));
    unsigned n = 0;
    int r = required ? 0 : change_failed(c, -ENOMEM, "out of memory");

    for (unsigned i = 0; r == 0 && i < s->n; i++)
        if (s->entries[i].need != NEED_OPTIONAL && (r = vscsi_entry_copy(&s->entries[i], &required[n])) == 0)
            n++;
    if (r == 0 && n)
        r = attach_and_remember(c, &required, &n);
    vscsi_entries_free(required, n);
    for (unsigned i = 0; r >= 0 && i < s->n; i++)
        if (s->entries[i].need == NEED_OPTIONAL)
            r = give_optional(s, &s->entries[i]);
    return r;
}

/* Attaches the devices that the saved guest had. A failure does not count if the guest may run without the device. */
static int give_saved(struct start *s, struct change *c)
{
    struct wanted missing;
    int r = wanted_attach(c);

    if (r <= 0)
        return r;
    r = wanted_load(&s->store, s->domid, &missing);
    if (r == 0 && wanted_lacks_required(&missing, true))
        r = -ENODEV;
    else if (r == 0)
        complain(0, "note: guest %s starts without an optional device: %s", s->name, c->error);
    wanted_clear(&missing);
    return r;
}

/* Attaches the guest's devices: those of the configuration, or those that the saved guest had. */
static int give_devices(struct start *s)
{
    struct change c = change_for(&s->store, s->domid, s->call->o);

    c.no_wait = true;
    /* With -c the terminal is the guest's console by now. */
    if (!s->args.console)
        progress_allow();
    int r = s->args.restore && !s->args.config ? give_saved(s, &c) : give_configured(s, &c);

    if (r < 0)
        return complain(EXIT_FAILED, "guest %s is not started: %s", s->name, c.error[0] ? c.error : strerror(-r));
    return EXIT_OK;
}

/* Ends xl after the guest was destroyed: it may wait for a console that never came. */
static void end_xl(struct start *s)
{
    struct timespec pause = { .tv_nsec = POLL_NS };
    unsigned tries = END_TRIES;
    int r = s->xl > 0 ? -EAGAIN : 0;

    while (r == -EAGAIN && tries-- && (r = run_poll(s->xl)) == -EAGAIN)
        nanosleep(&pause, NULL);
    if (r == -EAGAIN) {
        kill(s->xl, SIGTERM);
        run_wait(s->xl);
    }
    s->xl = 0;
}

int start_guest(struct start *s)
{
    int code = make_domain(s);

    if (code != EXIT_OK)
        return code;
    code = give_devices(s);
    if (code == EXIT_OK && !s->args.paused && tell_xl_domain(s, "unpause") != 0)
        code = complain(EXIT_FAILED, "guest %s is not started: xl cannot unpause it", s->name);
    if (code != EXIT_OK) {
        xenstore_clear_interrupt();
        tell_xl_domain(s, "destroy");
        end_xl(s);
        return code;
    }
    int r = s->xl > 0 ? run_wait(s->xl) : 0;

    return r < 0 ? EXIT_FAILED : r;
}
