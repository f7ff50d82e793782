// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vscsi-front: options, start and end, and where commands come from: the arguments, or standard input.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "front.h"
#include "standalone/xen-mock.h"

static void ring_violation(void *ctx, const char *what)
{
    violation(ctx, "%s", what);
}

/* Commands from the arguments, separated by a lone comma; stops at the first that fails. */
static int run_arguments(struct front *f, char **args)
{
    while (*args) {
        char line[4096];
        size_t at = 0;
        int r;

        line[0] = '\0';
        for (; *args && strcmp(*args, ",") != 0; args++) {
            int n = snprintf(line + at, sizeof(line) - at, "%s ", *args);

            if (n < 0 || (size_t)n >= sizeof(line) - at) {
                fail(f, "a command of more than %zu bytes", sizeof(line));
                return show_outcome(f, -1, false);
            }
            at += (size_t)n;
        }
        if (*args)
            args++;
        r = script_line(f, line);
        if (show_outcome(f, r, false))
            return 1;
        if (r > 0)
            break;
    }
    return 0;
}

static int usage(FILE *to)
{
    fprintf(to, "usage: vscsi-front [OPTION]... [COMMAND [ARGUMENT]... [, COMMAND ...]]\n"
                "A pvSCSI frontend in userspace: connects to a backend as a guest would, and runs\n"
                "commands from its arguments, or line by line from standard input.\n\n"
                "  --standalone SOCKET  mock-xen's socket (default: a real Xen, from inside a guest)\n"
                "  --domid N            the guest to be, in standalone mode (default 1)\n"
                "  --vhost N            the controller (default: the lowest number there is)\n"
                "  --like FRONTEND      the frontend to behave like (default linux; a list is below)\n"
                "  --no-connect         begin without a connection; see the commands offer, state, node\n"
                "  --abandon            end without disconnecting, as a guest that is destroyed\n"
                "  --timeout SECONDS    of each wait (default 30)\n"
                "  --commands           describe the commands\n"
                "  --version, --help\n\n"
                "Frontends:\n");
    persona_list(to);
    fprintf(to, "\n"
                "Exit status: 0 all went well; 1 a command failed, or no connection; 2 wrong usage;\n"
                "3 the backend did what a backend must never do (lines that begin with VIOLATION).\n");
    return to == stderr ? 2 : 0;
}

/* -1: go on; else the exit status. */
static int parse_options(struct front *f, int argc, char **argv)
{
    enum {
        O_SOCKET = 256,
        O_DOMID,
        O_VHOST,
        O_LIKE,
        O_NO_CONNECT,
        O_ABANDON,
        O_TIMEOUT,
        O_COMMANDS,
        O_VERSION,
        O_HELP
    };
    static const struct option options[] = {
        { "standalone", required_argument, NULL, O_SOCKET },
        { "domid", required_argument, NULL, O_DOMID },
        { "vhost", required_argument, NULL, O_VHOST },
        { "like", required_argument, NULL, O_LIKE },
        { "no-connect", no_argument, NULL, O_NO_CONNECT },
        { "abandon", no_argument, NULL, O_ABANDON },
        { "timeout", required_argument, NULL, O_TIMEOUT },
        { "commands", no_argument, NULL, O_COMMANDS },
        { "version", no_argument, NULL, O_VERSION },
        { "help", no_argument, NULL, O_HELP },
        { NULL, 0, NULL, 0 },
    };
    int o;

    while ((o = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
        uint32_t n = 0;

        switch (o) {
        case O_SOCKET:
            f->opt.socket = optarg;
            break;
        case O_DOMID:
        case O_VHOST:
        case O_TIMEOUT:
            if (parse_u32_str(optarg, o == O_DOMID ? 0x7fef : 0xfffff, &n) < 0) {
                fprintf(stderr, "vscsi-front: '%s' is not a number in range\n", optarg);
                return 2;
            }
            if (o == O_DOMID)
                f->opt.domid = n;
            else if (o == O_VHOST)
                f->opt.vhost = (int)n;
            else
                f->opt.timeout_ms = n * 1000;
            break;
        case O_LIKE:
            f->opt.as = persona_find(optarg);
            if (!f->opt.as) {
                fprintf(stderr, "vscsi-front: option --like: there is no frontend '%s'; --help lists them\n", optarg);
                return 2;
            }
            break;
        case O_NO_CONNECT:
            f->opt.no_connect = true;
            break;
        case O_ABANDON:
            f->opt.abandon = true;
            break;
        case O_COMMANDS:
            script_help();
            return 0;
        case O_VERSION:
            printf("vscsi-front %s\n", PACKAGE_VERSION);
            return 0;
        case O_HELP:
        case 'h':
            return usage(stdout);
        default:
            return usage(stderr);
        }
    }
    return -1;
}

static int open_xen(struct front *f)
{
    const unsigned flags = XEN_OPEN_SHARE | XEN_OPEN_EVENTS;
    int e;

    if (f->opt.socket) {
        /* mock-xen has a socket for each domain; a client of that socket acts for the domain. */
        CLEANUP_FREE char *path = strf("%s.d%u", f->opt.socket, f->opt.domid);

        if (!path || setenv("XENSTORED_PATH", path, 1) < 0)
            return fail(f, "out of memory");
        e = xen_open_mock(path, (uint16_t)f->opt.domid, flags, &f->xen);
        if (e < 0)
            return fail(f, "cannot reach mock-xen as domain %u at %s: %s", f->opt.domid, path, strerror(-e));
    } else {
        e = xen_open_real(flags, &f->xen);
        if (e < 0)
            return fail(f,
                        "cannot open /dev/xen/gntalloc and /dev/xen/evtchn: %s (in a guest: modprobe"
                        " xen-gntalloc xen-evtchn; without Xen: --standalone)",
                        strerror(-e));
    }
    f->xs = xs_open(0);
    if (!f->xs)
        return fail(f, "cannot reach xenstored: %s", strerror(errno));
    return 0;
}

int main(int argc, char **argv)
{
    static struct front front;
    struct front *f = &front;
    int failed = 0, status;

    f->opt.domid = 1;
    f->opt.vhost = -1;
    f->opt.timeout_ms = 30000;
    f->opt.as = persona_default();
    f->ring.violation = ring_violation;
    f->ring.ctx = f;
    f->xenstore_event = session_event;
    status = parse_options(f, argc, argv);
    if (status >= 0)
        return status;
    f->ring.reuses_ids = f->opt.as->reuses_ids;
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (open_xen(f) < 0 || (!f->opt.no_connect && session_connect(f) < 0)) {
        fprintf(stderr, "vscsi-front: %s\n", f->why);
        failed = 1;
    } else {
        failed = optind < argc ? run_arguments(f, argv + optind) : lines_run(f);
        if (f->ring.up && !f->opt.abandon && session_disconnect(f) < 0)
            failed += show_outcome(f, -1, false);
    }
    if (f->xen && f->xs)
        session_close(f);
    while (f->unanswered) {
        struct buf *b = f->unanswered;

        f->unanswered = b->next;
        buf_free(b);
    }
    if (f->xs)
        xs_close(f->xs);
    xen_close(f->xen);
    return f->violations ? 3 : failed ? 1 : 0;
}
