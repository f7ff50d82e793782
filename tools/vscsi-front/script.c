// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command language: one command a line, words separated by blanks, options
 * as name=value. `expect CODE command ...` wants exactly that result, so that
 * a test can say in one line what must come back.
 */
#include "config.h"

#include <stdio.h>

#include "front.h"

#define MAX_WORDS 64

static const struct verb *const tables[] = { verbs_session, verbs_scsi, verbs_load, verbs_bad };

static const struct verb *find(const char *name)
{
    for (unsigned t = 0; t < ARRAY_SIZE(tables); t++)
        for (const struct verb *v = tables[t]; v->name; v++)
            if (strcmp(v->name, name) == 0)
                return v;
    return NULL;
}

const char *script_name(unsigned i)
{
    static const char *const more[] = { "expect", "help", "quit", "die" };

    for (unsigned t = 0; t < ARRAY_SIZE(tables); t++)
        for (const struct verb *v = tables[t]; v->name; v++)
            if (i-- == 0)
                return v->name;
    return i < ARRAY_SIZE(more) ? more[i] : NULL;
}

void script_help(void)
{
    printf("Commands, one a line (or separated by a lone comma on the command line):\n");
    for (unsigned t = 0; t < ARRAY_SIZE(tables); t++)
        for (const struct verb *v = tables[t]; v->name; v++)
            printf("  %s%s%s\n        %s\n", v->name, *v->args ? " " : "", v->args, v->help);
    printf("  expect CODE COMMAND\n"
           "        wants COMMAND's last result to be CODE: HOST/STATUS[/KEY/ASC/ASCQ] in\n"
           "        hexadecimal, 2002 or 2003 for abort and reset\n"
           "  quit\n"
           "        an orderly end (so does the end of input)\n"
           "  die\n"
           "        ends at once with everything open, as a guest that is destroyed\n");
}

static int run(struct front *f, int argc, char **argv)
{
    const struct verb *v;

    if (argc == 0)
        return fail(f, "a command is missing");
    v = find(argv[0]);
    if (!v)
        return fail(f, "'%s' is not a command; try help", argv[0]);
    if ((unsigned)(argc - 1) < v->min_args)
        return fail(f, "usage: %s %s", v->name, v->args);
    if (!v->offline && !session_usable(f))
        return fail(f, "not connected: backend state %u, own state %u", f->session.backend_state, f->session.own_state);
    return v->run(f, argc, argv);
}

static int run_expect(struct front *f, int argc, char **argv)
{
    char code[RESULT_CODE_MAX];

    if (argc < 3)
        return fail(f, "usage: expect CODE COMMAND ...");
    memset(&f->last, 0, sizeof(f->last));
    /* Whether the command calls it a failure does not matter: only the code counts. */
    run(f, argc - 2, argv + 2);
    show_code(&f->last, code);
    if (!f->last.answered)
        return -1;
    if (strcasecmp(code, argv[1]) != 0)
        return fail(f, "expected %s, got %s", argv[1], code);
    return 0;
}

int script_line(struct front *f, char *line)
{
    char *argv[MAX_WORDS], *save = NULL;
    int argc = 0;

    f->why[0] = '\0';
    for (char *w = strtok_r(line, " \t\r\n", &save); w; w = strtok_r(NULL, " \t\r\n", &save)) {
        if (argc == 0 && w[0] == '#')
            return 0;
        if (argc == MAX_WORDS)
            return fail(f, "more than %d words", MAX_WORDS);
        argv[argc++] = w;
    }
    if (argc == 0)
        return 0;
    if (strcmp(argv[0], "quit") == 0)
        return 1;
    if (strcmp(argv[0], "die") == 0) {
        fflush(stdout);
        _exit(0);
    }
    if (strcmp(argv[0], "help") == 0) {
        script_help();
        return 0;
    }
    return strcmp(argv[0], "expect") == 0 ? run_expect(f, argc, argv) : run(f, argc, argv);
}
