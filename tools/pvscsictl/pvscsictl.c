// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvscsictl: shows the status and the counters of a running pvscsid. It asks over the control socket, knows nothing
 * of Xen, and shows only what the daemon answers.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/util.h"
#include "pvscsictl/render.h"

#define ANSWER_MAX (64u * 1024 * 1024)
#define WAIT_S 30
#define COMMAND_MAX 60 /* of the daemon */

/* Documented in pvscsictl(8). */
enum {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_DAEMON = 3,
    EXIT_NOT_SERVING = 4
};

static const struct option long_options[] = {
    { "run-dir", required_argument, NULL, 'r' }, { "json", no_argument, NULL, 'j' },
    { "openmetrics", no_argument, NULL, 'o' },   { "version", no_argument, NULL, 'V' },
    { "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
};

static void usage(FILE *out)
{
    fprintf(out, "Usage: pvscsictl [OPTION...] status|stats|policy [TYPE|GUEST VDEV]\n"
                 "Shows what the running pvscsid reports.\n\n"
                 "  status               virtual hosts and LUNs; exit status 0 if the daemon serves guests\n"
                 "  stats                counters of every LUN\n"
                 "  policy               commands that a guest may send: to each type of device,\n"
                 "                       to TYPE, or to a LUN of a guest\n\n"
                 "      --run-dir DIR    the daemon's run directory [" RUNSTATEDIR "/pvscsid]\n"
                 "      --json           JSON instead of text\n"
                 "      --openmetrics    OpenMetrics text instead of a table (stats only)\n"
                 "      --version        print the version and exit\n"
                 "  -h, --help           print this help and exit\n");
}

static int connect_to(const char *run_dir)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval wait = { .tv_sec = WAIT_S };
    CLEANUP_CLOSE int fd = -1;
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/pvscsid.sock", run_dir);

    if (n < 0 || (size_t)n >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return steal_fd(&fd);
}

/* 0 and *out (json_object_put), or -errno. */
static int ask(int fd, const char *command, struct json_object **out)
{
    CLEANUP_FREE char *request = strf("%s\n", command);
    CLEANUP_FREE char *text = NULL;
    size_t got = 0, room = 0;
    int r = request ? write_all(fd, request, strlen(request)) : -ENOMEM;

    if (r < 0)
        return r;
    for (;;) {
        ssize_t n;

        if (got + 1 >= room) {
            char *grown = room < ANSWER_MAX ? realloc(text, room ? room * 2 : 65536) : NULL;

            if (!grown)
                return -ENOMEM;
            text = grown;
            room = room ? room * 2 : 65536;
        }
        n = read(fd, text + got, room - got - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    text[got] = '\0';
    *out = json_tokener_parse(text);
    return *out && json_object_is_type(*out, json_type_object) ? 0 : -EBADMSG;
}

static int show(const char *command, struct json_object *o, bool json, bool openmetrics)
{
    struct json_object *serving, *error;
    int code = EXIT_FINE;

    if (json_object_object_get_ex(o, "error", &error)) {
        fprintf(stderr, "pvscsictl: %s\n", json_object_get_string(error));
        return EXIT_FAILED;
    }

    if (strcmp(command, "status") == 0
        && (!json_object_object_get_ex(o, "serving", &serving) || !json_object_get_boolean(serving)))
        code = EXIT_NOT_SERVING;
    if (json)
        printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
    else if (openmetrics)
        render_openmetrics(o, stdout);
    else if (strncmp(command, "policy", 6) == 0)
        render_policy(o, stdout);
    else if (strcmp(command, "status") == 0)
        render_status(o, stdout);
    else
        render_stats(o, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "pvscsictl: cannot write the answer: %s\n", strerror(errno));
    return EXIT_FAILED;
}

/* An exit status. */
static int ask_and_show(const char *run_dir, const char *command, bool json, bool openmetrics)
{
    struct json_object *answer = NULL;
    CLEANUP_CLOSE int fd = -1;
    int r, code;

    fd = connect_to(run_dir);
    if (fd < 0) {
        fprintf(stderr, "pvscsictl: cannot reach pvscsid at %s/pvscsid.sock: %s%s\n", run_dir, strerror(-fd),
                fd == -ENOENT || fd == -ECONNREFUSED ? " (is it running?)"
                : fd == -EACCES                      ? " (root only)"
                                                     : "");
        return fd == -EACCES ? EXIT_FAILED : EXIT_NO_DAEMON;
    }
    r = ask(fd, command, &answer);
    if (r < 0) {
        fprintf(stderr, "pvscsictl: no usable answer from pvscsid: %s\n", strerror(-r));
        code = EXIT_FAILED;
    } else {
        code = show(command, answer, json, openmetrics);
    }
    json_object_put(answer);
    return code;
}

static int policy(const char *run_dir, int n, char **what, bool json)
{
    static const char *const types[] = { "disk", "tape", "optical", "changer", "other" };

    for (unsigned i = 0; n == 0 && i < ARRAY_SIZE(types); i++) {
        CLEANUP_FREE char *command = strf("policy %s", types[i]);
        int code;

        if (json)
            fputs(i == 0 ? "[" : ",", stdout);
        code = command ? ask_and_show(run_dir, command, json, false) : EXIT_FAILED;
        if (code != EXIT_FINE)
            return code;
    }
    if (n == 0 && json)
        puts("]");
    if (n > 0) {
        CLEANUP_FREE char *command = n == 1 ? strf("policy %s", what[0]) : strf("policy %s %s", what[0], what[1]);

        if (command && strlen(command) <= COMMAND_MAX && !strchr(command, '\n'))
            return ask_and_show(run_dir, command, json, false);
        fprintf(stderr, "pvscsictl: no such type, or no such LUN\n");
        return EXIT_USAGE;
    }
    return EXIT_FINE;
}

int main(int argc, char **argv)
{
    const char *run_dir = RUNSTATEDIR "/pvscsid", *command;
    bool json = false, openmetrics = false;
    int c;

    while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (c) {
        case 'r':
            run_dir = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'o':
            openmetrics = true;
            break;
        case 'V':
            printf("pvscsictl %s\n", PACKAGE_VERSION);
            return EXIT_FINE;
        case 'h':
            usage(stdout);
            return EXIT_FINE;
        default:
            return EXIT_USAGE;
        }
    }
    command = argc == optind + 1 ? argv[optind] : "";
    if (argc > optind && strcmp(argv[optind], "policy") == 0) {
        if (argc > optind + 3 || openmetrics) {
            fprintf(stderr, "pvscsictl: %s\n",
                    openmetrics ? "--openmetrics goes with 'stats' only"
                                : "too many arguments; expected 'policy', 'policy TYPE' or 'policy GUEST VDEV'");
            return EXIT_USAGE;
        }
        return policy(run_dir, argc - optind - 1, argv + optind + 1, json);
    }
    if (strcmp(command, "status") != 0 && strcmp(command, "stats") != 0) {
        CLEANUP_FREE char *unknown = argc == optind + 1 ? strf("unknown command '%s'", command) : NULL;

        fprintf(stderr, "pvscsictl: %s; expected 'status', 'stats' or 'policy' (see --help)\n",
                unknown             ? unknown
                : argc > optind + 1 ? "too many arguments"
                : argc > optind     ? "unknown command"
                                    : "no command");
        return EXIT_USAGE;
    }
    if (json && openmetrics) {
        fprintf(stderr, "pvscsictl: --json and --openmetrics exclude each other\n");
        return EXIT_USAGE;
    }
    if (openmetrics && strcmp(command, "stats") != 0) {
        fprintf(stderr, "pvscsictl: --openmetrics goes with 'stats' only\n");
        return EXIT_USAGE;
    }
    return ask_and_show(run_dir, command, json, openmetrics);
}
