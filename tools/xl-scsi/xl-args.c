// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of xl; see xl-args.h. */
#include "config.h"

#include <getopt.h>

#include "common/util.h"
#include "xl-args.h"

static const struct {
    const char *name;
    enum xl_command command;
} ours[] = {
    { "create", XL_CREATE },      { "restore", XL_RESTORE }, { "scsi-attach", XL_ATTACH },
    { "scsi-detach", XL_DETACH }, { "scsi-list", XL_LIST },  { "scsi-set", XL_SET },
};

bool xl_line_parse(int argc, char *const *argv, struct xl_line *out)
{
    *out = (struct xl_line){ 0 };
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            out->command = i;
            return true;
        }
        if (argv[i][1] == '\0' || argv[i][strspn(argv[i] + 1, "vftTN") + 1] != '\0')
            return false;
        out->dry_run |= strchr(argv[i], 'N') != NULL;
    }
    return false;
}

bool xl_command_maybe(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
        if (*word && strncmp(ours[i].name, word, strlen(word)) == 0)
            return true;
    return false;
}

enum xl_command xl_command_find(const char *word, const char *others)
{
    enum xl_command found = XL_OTHER;
    size_t len = strlen(word);
    unsigned matches = 0;

    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        if (strcmp(ours[i].name, word) == 0)
            return ours[i].command;
        if (len && strncmp(ours[i].name, word, len) == 0) {
            found = ours[i].command;
            matches++;
        }
    }
    if (!others || matches != 1)
        return XL_OTHER;
    for (const char *p = others + strspn(others, " "); *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        bool counted = false;

        for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
            counted |= strlen(ours[i].name) == n && strncmp(ours[i].name, p, n) == 0;
        if (!counted && n >= len && strncmp(p, word, len) == 0)
            return XL_OTHER;
        p += n;
    }
    return found;
}

static const struct option create_longs[] = {
    { "dryrun", no_argument, NULL, 'n' },
    { "quiet", no_argument, NULL, 'q' },
    { "defconfig", required_argument, NULL, 'f' },
    { "vncviewer", no_argument, NULL, 'V' },
    { "vncviewer-autopass", no_argument, NULL, 'A' },
    { "ignore-global-affinity-masks", no_argument, NULL, 'i' },
    { NULL, 0, NULL, 0 },
};
static const struct option restore_longs[] = {
    { "vncviewer", no_argument, NULL, 'V' },
    { "vncviewer-autopass", no_argument, NULL, 'A' },
    { "ignore-global-affinity-masks", no_argument, NULL, 'i' },
    { NULL, 0, NULL, 0 },
};

static void note_option(struct xl_start *s, int c)
{
    size_t n = strlen(s->options);

    if (!strchr(s->options, c) && n + 1 < sizeof(s->options))
        s->options[n] = (char)c;
}

static bool parse_options(int argc, char **argv, struct xl_start *s)
{
    int c;

    optind = 0; /* glibc: start afresh, the permutation too */
    opterr = 0;
    while ((c = s->restore ? getopt_long(argc, argv, "FcpdeVAi", restore_longs, NULL)
                           : getopt_long(argc, argv, "Fnqf:pcdeVAi", create_longs, NULL))
           != -1) {
        switch (c) {
        case 'p':
            s->paused = true;
            break;
        case 'c':
            s->console = true;
            break;
        case 'F':
            s->foreground = true;
            break;
        case 'n':
            s->dry_run = true;
            break;
        case 'f':
            s->config = optarg;
            break;
        case '?':
            return false;
        default:
            note_option(s, c);
            break;
        }
    }
    return true;
}

static bool take_create(int argc, char **argv, struct xl_start *s)
{
    for (int i = optind; i < argc; i++) {
        if (strchr(argv[i], '='))
            s->extra[s->n_extra++] = argv[i];
        else if (!s->config)
            s->config = argv[i];
        else
            return false;
    }
    return s->config != NULL;
}

static bool take_restore(int argc, char **argv, struct xl_start *s)
{
    int n = argc - optind;

    if (n != 1 && n != 2)
        return false;
    s->config = n == 2 ? argv[optind] : NULL;
    s->saved = argv[argc - 1];
    return true;
}

bool xl_start_parse(bool restore, int argc, char *const *argv, struct xl_start *out)
{
    /* getopt() moves arguments to the end, so it works on a copy. */
    CLEANUP_FREE char **copy = calloc((size_t)argc + 1, sizeof(*copy));
    struct xl_start s = { .restore = restore };
    bool ok = copy != NULL;
    int skip = 0;

    s.extra = calloc((size_t)argc + 1, sizeof(*s.extra));
    ok = ok && s.extra;
    if (ok)
        memcpy(copy, argv, (size_t)argc * sizeof(*copy));
    /* xl's create takes a leading word as the file, whatever comes after; -f still wins over it. */
    if (ok && !restore && argc > 1 && copy[1][0] != '-' && !strchr(copy[1], '=')) {
        s.config = copy[1];
        copy[1] = copy[0];
        skip = 1;
    }
    ok = ok && parse_options(argc - skip, copy + skip, &s)
         && (restore ? take_restore(argc - skip, copy + skip, &s) : take_create(argc - skip, copy + skip, &s));
    if (!ok)
        xl_start_clear(&s);
    *out = s;
    return ok;
}

void xl_start_clear(struct xl_start *s)
{
    free(s->extra);
    s->extra = NULL;
}

static const char *const letters[] = {
    ['F'] = "-F", ['c'] = "-c", ['q'] = "-q", ['d'] = "-d", ['e'] = "-e", ['V'] = "-V", ['A'] = "-A", ['i'] = "-i",
};

char **xl_start_args(const struct xl_start *s, const char *xl, char *const *globals, unsigned n_globals)
{
    size_t n = 0, room = n_globals + strlen(s->options) + s->n_extra + 11;
    const char **args = calloc(room, sizeof(*args));

    if (!args)
        return NULL;
    args[n++] = xl;
    for (unsigned i = 0; i < n_globals; i++)
        args[n++] = globals[i];
    args[n++] = s->restore ? "restore" : "create";
    args[n++] = "-p";
    if (s->console)
        args[n++] = letters['c'];
    if (s->foreground)
        args[n++] = letters['F'];
    for (const char *p = s->options; *p; p++)
        if ((size_t)*p < ARRAY_SIZE(letters) && letters[(size_t)*p])
            args[n++] = letters[(size_t)*p];
    if (s->restore) {
        args[n++] = "--";
        if (s->config)
            args[n++] = s->config;
        args[n++] = s->saved;
    } else {
        args[n++] = "-f";
        args[n++] = s->config;
        for (unsigned i = 0; i < s->n_extra; i++)
            args[n++] = s->extra[i];
        if (s->uuid)
            args[n++] = s->uuid;
    }
    return (char **)args;
}
