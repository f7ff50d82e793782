// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvscsictl: shows the status and the counters of a running pvscsid, and lets it read its config again. It asks over
 * the control socket, knows nothing of Xen, and shows only what the daemon answers.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>

#include "common/util.h"
#include "pvscsictl/client.h"
#include "pvscsictl/events.h"
#include "pvscsictl/metrics.h"
#include "pvscsictl/render.h"
#include "pvscsictl/top.h"

struct options {
    const char *run_dir;
    bool json;
    const char *format, *output; /* NULL: not given, here and below */
    bool batch;
    const char *count, *interval, *sort, *by;
};

static const struct option long_options[] = {
    { "run-dir", required_argument, NULL, 'r' },  { "json", no_argument, NULL, 'j' },
    { "format", required_argument, NULL, 'f' },   { "output", required_argument, NULL, 'o' },
    { "batch", no_argument, NULL, 'b' },          { "count", required_argument, NULL, 'n' },
    { "interval", required_argument, NULL, 'd' }, { "sort", required_argument, NULL, 's' },
    { "by", required_argument, NULL, 'y' },       { "version", no_argument, NULL, 'V' },
    { "help", no_argument, NULL, 'h' },           { NULL, 0, NULL, 0 },
};

#define COMMANDS "'status', 'stats', 'metrics', 'events', 'top', 'policy' or 'reload'"

static void usage(FILE *out)
{
    fprintf(out, "Usage: pvscsictl [OPTION...] COMMAND\n"
                 "Shows what the running pvscsid reports.\n\n"
                 "  status               virtual hosts and LUNs; exit status 0 if the daemon serves guests\n"
                 "  stats                counters of every LUN\n"
                 "  metrics              states and counters for Prometheus and other collectors\n"
                 "  events               what happens from now on, until it is interrupted\n"
                 "  top                  what each guest does with each LUN, live\n"
                 "  policy [TYPE|GUEST VDEV]\n"
                 "                       commands that a guest may send: to each type of device,\n"
                 "                       to TYPE (disk, tape, optical, changer or other), or to a\n"
                 "                       LUN of a guest\n"
                 "  reload               the daemon reads its config again; exit status 1 if it is wrong\n\n"
                 "      --run-dir DIR    the daemon's run directory [" RUNSTATEDIR "/pvscsid]\n"
                 "      --json           JSON instead of text (not metrics, top, reload)\n"
                 "      --format FORMAT  prometheus or openmetrics [prometheus] (metrics)\n"
                 "      --output FILE    replace FILE, as a whole, instead of printing (metrics)\n"
                 "  -b, --batch          text, one table after the other, for scripts (top)\n"
                 "  -n, --count N        end after N tables (top)\n"
                 "  -d, --interval SECONDS  time between two tables [2] (top)\n"
                 "      --sort KEY       commands, read, write, latency, outstanding, errors or\n"
                 "                       guest [commands] (top)\n"
                 "      --by WHAT        a row for each LUN or guest [LUN] (top)\n"
                 "      --version        print the version and exit\n"
                 "  -h, --help           print this help and exit\n");
}

/* Of what was printed; an exit status. */
static int printed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "pvscsictl: cannot write the answer: %s\n", strerror(errno));
    return EXIT_FAILED;
}

static int show(const char *command, struct json_object *o, bool json)
{
    struct json_object *serving, *error, *reloaded;
    int code = EXIT_FINE;

    if (json_object_object_get_ex(o, "error", &error)) {
        fprintf(stderr, "pvscsictl: %s\n", json_object_get_string(error));
        return EXIT_FAILED;
    }

    if (strcmp(command, "status") == 0
        && (!json_object_object_get_ex(o, "serving", &serving) || !json_object_get_boolean(serving)))
        code = EXIT_NOT_SERVING;
    if (json)
        printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                                             | JSON_C_TO_STRING_NOSLASHESCAPE));
    else if (json_object_object_get_ex(o, "reloaded", &reloaded))
        printf("%s\n", json_object_get_string(reloaded));
    else if (strncmp(command, "policy", 6) == 0)
        render_policy(o, stdout);
    else if (strcmp(command, "status") == 0)
        render_status(o, stdout);
    else
        render_stats(o, stdout);
    return printed(code);
}

/* EXIT_FINE and *answer (json_object_put); or an exit status, after a line that says why. */
static int ask(const char *run_dir, const char *command, struct json_object **answer)
{
    CLEANUP_CLOSE int fd = client_connect(run_dir);
    int r;

    *answer = NULL;
    if (fd < 0)
        return client_complain(run_dir, fd);
    r = client_ask(fd, command, answer);
    if (r == 0)
        return EXIT_FINE;
    json_object_put(*answer);
    *answer = NULL;
    fprintf(stderr, "pvscsictl: no usable answer from pvscsid: %s; is it of the same version, and does it hang?\n",
            strerror(-r));
    return EXIT_FAILED;
}

static int ask_and_show(const struct options *o, const char *command)
{
    struct json_object *answer;
    int code = ask(o->run_dir, command, &answer);

    if (code == EXIT_FINE)
        code = show(command, answer, o->json);
    json_object_put(answer);
    return code;
}

static int plain(const struct options *o, int argc, char **argv)
{
    if (argc == 1)
        return ask_and_show(o, argv[0]);
    fprintf(stderr, "pvscsictl: too many arguments; expected '%s' alone\n", argv[0]);
    return EXIT_USAGE;
}

/* Without an answer, the collector is told that the daemon is not up, unless it may run: then nothing is known. */
static int metrics(const struct options *o, int argc, char **argv)
{
    enum metrics_format format = METRICS_PROMETHEUS;
    struct json_object *answer;
    int code, r;

    if (argc > 1)
        return plain(o, argc, argv);
    if (o->format && metrics_format_parse(o->format, &format) < 0) {
        fprintf(stderr, "pvscsictl: --format '%s': expected 'prometheus' or 'openmetrics'\n", o->format);
        return EXIT_USAGE;
    }
    code = ask(o->run_dir, argv[0], &answer);
    if (code != EXIT_FINE && code != EXIT_NO_DAEMON)
        return code;
    if (!o->output) {
        metrics_render(answer, format, stdout);
        code = printed(code);
    } else if ((r = metrics_save(answer, format, o->output)) < 0) {
        fprintf(stderr, "pvscsictl: cannot write %s: %s\n", o->output,
                r == -EEXIST ? "it is no regular file; expected one, or a name that is free" : strerror(-r));
        code = EXIT_FAILED;
    }
    json_object_put(answer);
    return code;
}

static int events(const struct options *o, int argc, char **argv)
{
    return argc > 1 ? plain(o, argc, argv) : events_follow(o->run_dir, o->json);
}

/* A decimal number from least to most. 0 or -EINVAL. */
static int parse_seconds(const char *text, double least, double most, double *out)
{
    char *end;

    if (!text[0] || text[strspn(text, "0123456789.")])
        return -EINVAL;
    *out = strtod(text, &end);
    return *end || *out < least || *out > most ? -EINVAL : 0;
}

static int top(const struct options *o, int argc, char **argv)
{
    struct top_options t = { .run_dir = o->run_dir, .batch = o->batch, .interval = 2, .key = TOP_COMMANDS };
    uint32_t count = 0;

    if (argc > 1)
        return plain(o, argc, argv);
    if (o->count && (parse_u32_str(o->count, 1000000, &count) < 0 || count == 0))
        fprintf(stderr, "pvscsictl: --count '%s': expected a number from 1 to 1000000\n", o->count);
    else if (o->interval && parse_seconds(o->interval, 0.1, 3600, &t.interval) < 0)
        fprintf(stderr, "pvscsictl: --interval '%s': expected seconds, from 0.1 to 3600\n", o->interval);
    else if (o->sort && top_key_parse(o->sort, &t.key) < 0)
        fprintf(stderr,
                "pvscsictl: --sort '%s': expected commands, read, write, latency, outstanding, errors or guest\n",
                o->sort);
    else if (o->by && strcmp(o->by, "guest") != 0 && strcmp(o->by, "LUN") != 0)
        fprintf(stderr, "pvscsictl: --by '%s': expected 'guest' or 'LUN'\n", o->by);
    else {
        t.count = count;
        t.by_guest = o->by && strcmp(o->by, "guest") == 0;
        return top_run(&t);
    }
    return EXIT_USAGE;
}

static int policy(const struct options *o, int argc, char **argv)
{
    static const char *const types[] = { "disk", "tape", "optical", "changer", "other" };
    CLEANUP_FREE char *one = argc == 2 ? strf("policy %s", argv[1]) : NULL;
    CLEANUP_FREE char *lun = argc == 3 ? strf("policy %s %s", argv[1], argv[2]) : NULL;
    const char *command = one ? one : lun;

    if (argc > 3) {
        fprintf(stderr, "pvscsictl: too many arguments; expected 'policy', 'policy TYPE' or 'policy GUEST VDEV'\n");
        return EXIT_USAGE;
    }
    if (argc > 1) {
        if (command && strlen(command) <= CLIENT_COMMAND_MAX && !strchr(command, '\n'))
            return ask_and_show(o, command);
        fprintf(stderr, "pvscsictl: no such type, guest or LUN: the words are too long, or hold a line break\n");
        return EXIT_USAGE;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        CLEANUP_FREE char *each = strf("policy %s", types[i]);
        int code;

        if (o->json)
            fputs(i == 0 ? "[" : ",", stdout);
        code = each ? ask_and_show(o, each) : EXIT_FAILED;
        if (code != EXIT_FINE)
            return code;
    }
    if (o->json)
        puts("]");
    return EXIT_FINE;
}

static const struct command {
    const char *name;
    /* argv[0] is the name; returns an exit status */
    int (*run)(const struct options *o, int argc, char **argv);
    bool json, metrics, top; /* it takes --json; --format and --output; the options of top */
} commands[] = {
    { "status", plain, .json = true },  { "stats", plain, .json = true }, { "metrics", metrics, .metrics = true },
    { "events", events, .json = true }, { "top", top, .top = true },      { "policy", policy, .json = true },
    { "reload", plain, .json = false },
};

/* NULL, or an option that was given and is not for the command. */
static const char *misplaced(const struct options *o, const struct command *c)
{
    return o->json && !c->json        ? "--json"
           : o->format && !c->metrics ? "--format"
           : o->output && !c->metrics ? "--output"
           : o->batch && !c->top      ? "--batch"
           : o->count && !c->top      ? "--count"
           : o->interval && !c->top   ? "--interval"
           : o->sort && !c->top       ? "--sort"
           : o->by && !c->top         ? "--by"
                                      : NULL;
}

static int run(const struct options *o, int argc, char **argv)
{
    for (size_t i = 0; argc > 0 && i < ARRAY_SIZE(commands); i++) {
        const char *wrong;

        if (strcmp(argv[0], commands[i].name) != 0)
            continue;
        wrong = misplaced(o, &commands[i]);
        if (!wrong)
            return commands[i].run(o, argc, argv);
        fprintf(stderr, "pvscsictl: %s does not go with '%s' (see --help)\n", wrong, argv[0]);
        return EXIT_USAGE;
    }
    if (argc == 0)
        fprintf(stderr, "pvscsictl: no command; expected " COMMANDS " (see --help)\n");
    else
        fprintf(stderr, "pvscsictl: unknown command '%s'; expected " COMMANDS " (see --help)\n", argv[0]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options o = { .run_dir = RUNSTATEDIR "/pvscsid" };
    int c;

    while ((c = getopt_long(argc, argv, "hbn:d:", long_options, NULL)) != -1) {
        switch (c) {
        case 'r':
            o.run_dir = optarg;
            break;
        case 'j':
            o.json = true;
            break;
        case 'f':
            o.format = optarg;
            break;
        case 'o':
            o.output = optarg;
            break;
        case 'b':
            o.batch = true;
            break;
        case 'n':
            o.count = optarg;
            break;
        case 'd':
            o.interval = optarg;
            break;
        case 's':
            o.sort = optarg;
            break;
        case 'y':
            o.by = optarg;
            break;
        case 'V':
            printf("pvscsictl %s\n", PACKAGE_VERSION);
            return EXIT_FINE;
        case 'h':
            usage(stdout);
            return EXIT_FINE;
        default: /* getopt has printed which */
            fputs("pvscsictl: see pvscsictl --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    return run(&o, argc - optind, argv + optind);
}
