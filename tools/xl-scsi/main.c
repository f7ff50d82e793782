// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xl-scsi: SCSI devices for Xen guests, from the toolstack's side. This file is the command line: it
 * finds the command, its options and its domain, and says in one line what went wrong.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "commands.h"
#include "common/log-line.h"
#include "hyp.h"
#include "run.h"
#include "settings.h"
#include "syntax.h"

enum {
    MANY = 1000000,
    TIMEOUT_S = 30
};

struct command {
    const char *name, *arguments, *what; /* what NULL: not shown in --help */
    const char *options;                 /* letters of those that it takes */
    int min_args, max_args;
    int (*run)(const struct options *o, int argc, char **argv);
};

static const struct command commands[] = {
    { "attach", "DOMAIN PDEV VDEV[,option...]", "give a SCSI device to a guest", "tnfw", 3, 3, cmd_attach },
    { "detach", "DOMAIN VDEV", "take it away again", "tnf", 2, 2, cmd_detach },
    { "set", "DOMAIN VDEV KEY=VALUE...", "change options of a device that a guest has", "tn", 3, MANY, cmd_set },
    { "list", "[DOMAIN...]", "show guests' SCSI devices", "jl", 0, MANY, cmd_list },
    { "scan", "", "show this domain's SCSI devices, who uses them, and a PDEV for each", "jl", 0, 0, cmd_scan },
    { "check", "FILE [KEY=VALUE...]", "check the vscsi= of a guest's configuration", "", 1, MANY, cmd_check },
    { "expect", "UUID [PDEV,VDEV[,option...]...]", "devices for a guest that another toolstack starts", "n", 1, MANY,
      cmd_expect },
    { "watch", "", "the service: guests keep their devices over a reboot", "t", 0, 0, cmd_watch },
    { "xl", "XL [ARGUMENTS...]", "do the same as XL, with SCSI devices", "t", 1, MANY, cmd_xl },
    { "resume", "DOMAIN", NULL, "t", 1, 1, cmd_resume },
};

#define SHORT_OPTIONS "t:nfwjlR:hV"

/* One table for the parser, --help and the test of the manual page. */
static const struct option_text {
    struct option getopt;
    const char *argument, *what;
} option_texts[] = {
    { { "timeout", required_argument, NULL, 't' }, "SECONDS", "wait this long for backend and guest (default 30)" },
    { { "dry-run", no_argument, NULL, 'n' }, NULL, "print the nodes that would be written, and write none" },
    { { "force", no_argument, NULL, 'f' }, NULL, "attach a device that is in use; detach even if there is no answer" },
    { { "no-wait", no_argument, NULL, 'w' }, NULL, "succeed as soon as the backend has the device" },
    { { "json", no_argument, NULL, 'j' }, NULL, "print JSON for programs" },
    { { "long", no_argument, NULL, 'l' }, NULL, "everything that is known about each device" },
    { { "run-dir", required_argument, NULL, 'R' }, "DIR", "where the locks are (default " RUNSTATEDIR "/xl-scsi)" },
    { { "help", no_argument, NULL, 'h' }, NULL, "show this" },
    { { "version", no_argument, NULL, 'V' }, NULL, "show the version" },
};

/* " (list, scan)": the commands that take this option; nothing where all do. Ends the line. */
static void list_takers(FILE *out, int letter)
{
    const char *before = " (";

    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (commands[i].what && strchr(commands[i].options, letter)) {
            fprintf(out, "%s%s", before, commands[i].name);
            before = ", ";
        }
    fputs(*before == ',' ? ")\n" : "\n", out);
}

/* "[readonly=0|1 | ...]", for the lines below `set`. */
static const char *set_keys(char *text, size_t size)
{
    size_t at = 0, line = 0;

    for (unsigned i = 0; settings_key(i) && at < size; i++) {
        bool begin = i == 0 || at - line > 60;
        const char *between = i == 0 ? "          [" : begin ? "]\n          [" : " | ";

        line = begin ? at : line;
        at += (size_t)snprintf(text + at, size - at, "%s%s=%s", between, settings_key(i), settings_values(i));
    }
    if (at < size)
        snprintf(text + at, size - at, "]\n");
    return text;
}

static void usage(FILE *out)
{
    char keys[512];

    fputs("Usage: xl-scsi COMMAND [options] [arguments]\n\nCommands:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (commands[i].what)
            fprintf(out, "  %-8s%-32s %s\n%s", commands[i].name, commands[i].arguments, commands[i].what,
                    commands[i].run == cmd_set ? set_keys(keys, sizeof(keys)) : "");
    fprintf(out,
            "\nPDEV: " PDEV_FORMS ", in the backend's domain.\n"
            "VDEV: h:c:t:l as the guest will see it. Options: %s.\n\nOptions:\n",
            vscsi_options_help);
    for (size_t i = 0; i < ARRAY_SIZE(option_texts); i++) {
        const struct option_text *o = &option_texts[i];
        char text[64];

        snprintf(text, sizeof(text), "--%s%s%s", o->getopt.name, o->argument ? "=" : "",
                 o->argument ? o->argument : "");
        fprintf(out, "  -%c, %-18s%s", o->getopt.val, text, o->what);
        list_takers(out, o->getopt.val);
    }
    fputs("\nExit status: 0 done, 1 failed (and undone), 2 wrong usage, 3 refused, 4 timed out, 5 in use. "
          "See xl-scsi(8) and vscsi(7).\n",
          out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* c: what getopt_long() gives in place of an option, '?' or ':'. word: where it has stopped. */
static int refuse_option(int c, const char *word)
{
    const char letter[] = { '-', (char)optopt, '\0' };
    const struct option_text *o = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(option_texts) && !o; i++)
        if (option_texts[i].getopt.val == optopt)
            o = &option_texts[i];
    if (o && c == ':')
        return complain(EXIT_USAGE, "--%s needs a value: %s (xl-scsi --help)", o->getopt.name, o->argument);
    if (o)
        return complain(EXIT_USAGE, "--%s takes no value (xl-scsi --help)", o->getopt.name);
    return complain(EXIT_USAGE, "unknown option '%s' (xl-scsi --help)", optopt ? letter : word);
}

/* 0, and optind at the first argument; else the program's end with *code. letters: with ':' in front. */
static int parse_options(int argc, char **argv, const char *letters, struct options *o, char seen[32], int *code)
{
    struct option longs[ARRAY_SIZE(option_texts) + 1] = { 0 };
    size_t n_seen = strlen(seen);
    int c;

    for (size_t i = 0; i < ARRAY_SIZE(option_texts); i++)
        longs[i] = option_texts[i].getopt;
    optind = 0; /* glibc: start afresh */
    opterr = 0;
    while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        switch (c) {
        case 't':
            if (parse_u32_str(optarg, OPTION_TIMEOUT_MAX_S, &o->timeout_s) < 0 || o->timeout_s == 0) {
                *code = complain(EXIT_USAGE, "--timeout '%s': expected seconds, 1..%d", optarg, OPTION_TIMEOUT_MAX_S);
                return 1;
            }
            break;
        case 'n':
            o->dry_run = true;
            break;
        case 'f':
            o->force = true;
            break;
        case 'w':
            o->no_wait = true;
            break;
        case 'j':
            o->json = true;
            break;
        case 'l':
            o->as_long = true;
            break;
        case 'R':
            run_set_dir(optarg);
            continue; /* for all commands */
        case 'h':
            usage(stdout);
            *code = EXIT_OK;
            return 1;
        case 'V':
            printf("xl-scsi %s\n", PACKAGE_VERSION);
            *code = EXIT_OK;
            return 1;
        default:
            *code = refuse_option(c, argv[optind - 1]);
            return 1;
        }
        if (n_seen + 1 < 32 && !strchr(seen, c))
            seen[n_seen++] = (char)c;
    }
    return 0;
}

/* Finds the command, and the options before and after it. As parse_options(). */
static int parse_line(int *argc, char ***argv, const struct command **cmd, struct options *o, char seen[32], int *code)
{
    if (parse_options(*argc, *argv, "+:" SHORT_OPTIONS, o, seen, code))
        return 1;
    if (optind >= *argc) {
        *code = complain(
            EXIT_USAGE,
            "no command: expected attach, detach, set, list, scan, check, expect or watch (xl-scsi --help)");
        return 1;
    }
    *argc -= optind;
    *argv += optind;
    *cmd = find_command((*argv)[0]);
    if (!*cmd) {
        *code = complain(EXIT_USAGE, "unknown command '%s' (xl-scsi --help)", (*argv)[0]);
        return 1;
    }
    optind = 1;
    /* "xl" passes its arguments on unchanged: options among them are not ours. */
    if ((*cmd)->run != cmd_xl && parse_options(*argc, *argv, ":" SHORT_OPTIONS, o, seen, code))
        return 1;
    *argc -= optind;
    *argv += optind;
    return 0;
}

/* "-t, -n", "none": the options that it takes besides those of all commands. */
static int refuse_letter(const struct command *cmd, char letter)
{
    char takes[64] = "none";
    size_t at = 0;

    for (const char *p = cmd->options; *p && at + 5 < sizeof(takes); p++)
        at += (size_t)snprintf(takes + at, sizeof(takes) - at, "%s-%c", at ? ", " : "", *p);
    return complain(EXIT_USAGE, "%s takes no option -%c: expected %s (xl-scsi --help)", cmd->name, letter, takes);
}

int main(int argc, char **argv)
{
    struct options o = { .timeout_s = TIMEOUT_S };
    const struct command *cmd = NULL;
    char seen[32] = "";
    int code;

    log_line_init_command();
    if (parse_line(&argc, &argv, &cmd, &o, seen, &code))
        return code;
    for (const char *p = seen; *p; p++)
        if (!strchr(cmd->options, *p))
            return refuse_letter(cmd, *p);
    if (argc < cmd->min_args || argc > cmd->max_args)
        return complain(EXIT_USAGE, "wrong number of arguments: expected xl-scsi %s %s", cmd->name,
                        *cmd->arguments ? cmd->arguments : "alone");
    code = cmd->run(&o, argc, argv);
    hyp_close();
    if (fflush(stdout) != 0 || ferror(stdout))
        return complain(EXIT_FAILED, "cannot write the output: %s", strerror(errno));
    return code;
}
