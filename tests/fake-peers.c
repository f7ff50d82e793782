// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The peers of xl-scsi: a backend and a guest that only write xenstore states and have no rings or devices.
 * It imitates each side as its arguments say, with misbehaviour too, until it is ended.
 *
 *   fake-peers GUEST [backend=on|off|mute] [refuse=TEXT] [refuse-pdev=PDEV]
 *              [guest=linux|absent|silent|refuse]
 *
 * backend=mute does not answer after state 2. guest=silent connects and then does not answer any more.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <xenstore.h>

#include "common/util.h"

static struct xs_handle *xs;
static const char *guest, *backend_mode = "on", *guest_mode = "linux", *refuse, *refuse_pdev;

static bool is(const char *mode, const char *word)
{
    return strcmp(mode, word) == 0;
}

static unsigned get(const char *dir, const char *name)
{
    CLEANUP_FREE char *path = strf("%s/%s", dir, name);
    CLEANUP_FREE char *text = path ? xs_read(xs, XBT_NULL, path, NULL) : NULL;
    uint32_t value = 0;

    return parse_u32_str(text, 8, &value) < 0 ? 0 : value;
}

/* Writes dir/name, unless `owner` is gone: a peer must not bring back a node that the toolstack has removed. */
static void put(const char *owner, const char *dir, const char *name, const char *value)
{
    CLEANUP_FREE char *path = strf("%s/%s", dir, name);

    for (bool done = !path; !done;) {
        xs_transaction_t t = xs_transaction_start(xs);
        CLEANUP_FREE char *found = xs_read(xs, t, owner, NULL);
        bool written = found && xs_write(xs, t, path, value, (unsigned)strlen(value));

        done = xs_transaction_end(xs, t, !written) || errno != EAGAIN;
    }
}

/* Replaces the state `from`, unless another process has changed it or it is gone. */
static void move(const char *dir, unsigned from, const char *to)
{
    CLEANUP_FREE char *path = strf("%s/state", dir);

    for (bool done = !path; !done;) {
        xs_transaction_t t = xs_transaction_start(xs);
        CLEANUP_FREE char *text = xs_read(xs, t, path, NULL);
        uint32_t value = 0;
        bool match = parse_u32_str(text, 8, &value) == 0 && value == from
                     && xs_write(xs, t, path, to, (unsigned)strlen(to));

        done = xs_transaction_end(xs, t, !match) || errno != EAGAIN;
    }
}

static char **children(const char *dir, unsigned *n)
{
    *n = 0;
    return xs_directory(xs, XBT_NULL, dir, n);
}

static void each_dev(const char *be, const char *fe, void (*fn)(const char *be_dev, const char *fe_dev))
{
    unsigned n;
    CLEANUP_FREE char *dir = strf("%s/vscsi-devs", be);
    CLEANUP_FREE char **names = children(dir, &n);

    for (unsigned i = 0; i < n; i++) {
        CLEANUP_FREE char *be_dev = strf("%s/%s", dir, names[i]);
        CLEANUP_FREE char *fe_dev = strf("%s/vscsi-devs/%s", fe, names[i]);

        fn(be_dev, fe_dev);
    }
}

static bool is_refused(const char *be_dev)
{
    CLEANUP_FREE char *path = strf("%s/p-dev", be_dev);
    CLEANUP_FREE char *pdev = path && refuse_pdev ? xs_read(xs, XBT_NULL, path, NULL) : NULL;

    return refuse || (pdev && strcmp(pdev, refuse_pdev) == 0);
}

static void take(const char *be_dev, const char *fe_dev)
{
    /* Read once: another device may take its place between two reads. */
    unsigned state = get(be_dev, "state");

    if (state == 1 && is_refused(be_dev)) {
        put(be_dev, be_dev, "error", refuse ? refuse : "refused");
        move(be_dev, 1, "6");
    } else if (state == 1) {
        put(be_dev, be_dev, "p-wwid", "t10.ATA disk");
        put(be_dev, be_dev, "p-type", "0");
        put(be_dev, be_dev, "p-hctl", "7:0:0:0");
        move(be_dev, 1, "3");
    }
    if (state == 5)
        move(be_dev, 5, "6");
}

static void connect_dev(const char *be_dev, const char *fe_dev)
{
    if (get(be_dev, "state") == 3 && get(fe_dev, "state") == 4)
        move(be_dev, 3, "4");
}

static void backend(const char *be, const char *fe)
{
    unsigned own = get(be, "state"), other = get(fe, "state");

    if (is(backend_mode, "off"))
        return;
    if (own == 1)
        move(be, 1, "2");
    if (is(backend_mode, "mute"))
        return;
    own = get(be, "state");
    if ((own == 2 && other != 4) || (own == 7 && other == 7) || own == 6)
        each_dev(be, fe, take);
    if (own == 2 && other == 3)
        move(be, 2, "4");
    if (own == 7 && other == 7)
        move(be, 7, "8");
    if (own == 8 && other == 4) {
        each_dev(be, fe, connect_dev);
        move(be, 8, "4");
    }
    if (own == 4 && other == 4)
        each_dev(be, fe, connect_dev);
    if (own == 5 && other == 6)
        move(be, 5, "6");
}

static void add(const char *be_dev, const char *fe_dev)
{
    if (get(be_dev, "state") == 3 && get(fe_dev, "state") == 0)
        put(be_dev, fe_dev, "state", is(guest_mode, "refuse") ? "6" : "4");
}

static void del(const char *be_dev, const char *fe_dev)
{
    if (get(be_dev, "state") == 5)
        put(be_dev, fe_dev, "state", "6");
}

static void frontend(const char *be, const char *fe)
{
    unsigned own = get(fe, "state"), other = get(be, "state");

    if (is(guest_mode, "absent") || own == 0)
        return;
    if (is(guest_mode, "silent") && own == 4)
        return;
    if (own == 1 && other == 2)
        move(fe, 1, "3");
    if ((own == 3 && other == 4) || (own == 7 && other == 8)) {
        each_dev(be, fe, add);
        move(fe, own, "4");
    }
    if (own == 4 && other == 7) {
        each_dev(be, fe, del);
        move(fe, 4, "7");
    }
    if ((other == 5 || other == 6) && own != 6)
        move(fe, own, "6");
}

static void look(void)
{
    CLEANUP_FREE char *dir = strf("/local/domain/0/backend/vscsi/%s", guest);
    unsigned n;
    CLEANUP_FREE char **ids = dir ? children(dir, &n) : NULL;

    for (unsigned i = 0; ids && i < n; i++) {
        CLEANUP_FREE char *be = strf("%s/%s", dir, ids[i]);
        CLEANUP_FREE char *fe = strf("/local/domain/%s/device/vscsi/%s", guest, ids[i]);

        if (be && fe) {
            backend(be, fe);
            frontend(be, fe);
        }
    }
}

static bool watch(const char *fmt)
{
    CLEANUP_FREE char *path = strf("%s%s", fmt, guest);

    return path && xs_watch(xs, path, "x");
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    guest = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "backend=", 8) == 0)
            backend_mode = argv[i] + 8;
        else if (strncmp(argv[i], "guest=", 6) == 0)
            guest_mode = argv[i] + 6;
        else if (strncmp(argv[i], "refuse=", 7) == 0)
            refuse = argv[i] + 7;
        else if (strncmp(argv[i], "refuse-pdev=", 12) == 0)
            refuse_pdev = argv[i] + 12;
        else
            return 2;
    }
    xs = xs_open(0);
    if (!xs || !watch("/local/domain/0/backend/vscsi/") || !watch("/local/domain/"))
        return 1;
    puts("ready");
    fflush(stdout);
    struct pollfd fd = { .fd = xs_fileno(xs), .events = POLLIN };

    for (;;) {
        look();
        if (poll(&fd, 1, -1) < 0 && errno != EINTR)
            return 1;
        for (char **event; (event = xs_check_watch(xs)) != NULL;)
            free(event);
    }
}
