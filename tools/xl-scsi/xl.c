// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command xl for guests with SCSI devices: handles `create` with vscsi=, `restore` of a guest that had devices
 * (start.c does the work for both), and the scsi- commands. For everything else it runs the real xl with the same
 * arguments.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cfg.h"
#include "commands.h"
#include "inuse.h"
#include "real-xl.h"
#include "remember.h"
#include "run.h"
#include "start.h"
#include "xl-args.h"

#define SAVED_CONFIG_MAX (16u << 20)

/* Becomes the real xl. Returns only when that is impossible. */
static int real_xl(char **argv)
{
    fflush(stdout);
    execv(argv[0], argv);
    return complain(errno == ENOENT ? 127 : 126, "cannot run %s: %s", argv[0], strerror(errno));
}

/* --- create --- */

/* A pipe can be read once: the real xl gets a copy. NULL: not needed, or not possible. */
static char *spool(const char *path)
{
    struct stat st;

    if (strcmp(path, "/dev/null") == 0 || stat(path, &st) < 0 || S_ISREG(st.st_mode))
        return NULL;
    return guest_config_copy(path, NULL);
}

/* The user's command line with another configuration file. */
static int real_create_with(const struct call *call, const struct xl_start *args)
{
    CLEANUP_FREE char **made = xl_start_args(args, call->argv[0], call->argv + 1, (unsigned)call->line.command - 1);
    size_t n = 0, skip = (size_t)call->line.command + 1; /* where "-p" stands */
    CLEANUP_FREE char **argv = NULL;

    for (; made && made[n]; n++)
        continue;
    argv = calloc(n + 4, sizeof(*argv));
    if (!made || !argv)
        return complain(EXIT_FAILED, "out of memory");
    memcpy(argv, made, skip * sizeof(*argv));
    n = skip;
    if (args->paused)
        argv[n++] = (char *)"-p";
    if (args->dry_run)
        argv[n++] = (char *)"-n";
    for (size_t i = skip + 1; made[i]; i++)
        argv[n++] = made[i];
    return real_xl(argv);
}

/* Checks the required devices before anything is made: some mistakes can be seen already. */
static int check_early(struct start *s)
{
    struct change c = change_for(&s->store, DOMID_MAX + 1, s->call->o);
    struct vscsi_entry *required = calloc(s->n, sizeof(*required));
    unsigned n = 0;
    int r = required ? 0 : change_failed(&c, -ENOMEM, "out of memory");

    for (unsigned i = 0; r == 0 && i < s->n; i++)
        if (s->entries[i].need != NEED_OPTIONAL && (r = vscsi_entry_copy(&s->entries[i], &required[n])) == 0)
            n++;
    if (r == 0)
        r = inuse_expand_hosts(&c, &device_roots_system, &required, &n);
    if (r == 0)
        r = inuse_check(&c, &device_roots_system, required, n);
    vscsi_entries_free(required, n);
    return r < 0 ? complain(EXIT_FAILED, "guest %s is not started: %s", s->name, c.error) : EXIT_OK;
}

/* The guest's configuration is `config` from now on. */
static void take_config(struct start *s, struct guest_config *config)
{
    s->name = steal_ptr(config->name);
    s->uuid = steal_ptr(config->uuid);
    s->entries = steal_ptr(config->entries);
    s->n = config->n;
}

/* The real xl refuses a wrong uuid. */
static bool can_start(const struct start *s)
{
    char uuid[UUID_TEXT_MAX];

    return s->n > 0 && s->name && (!s->uuid || made_uuid_form(s->uuid, uuid)) && !real_xl_knows_scsi(s->call->argv[0]);
}

static int run_create(const struct call *call)
{
    __attribute__((cleanup(start_clear))) struct start s = { .call = call };
    CLEANUP_FREE char *spooled = NULL;
    char err[CONFIG_ERROR_MAX];
    struct guest_config config;

    if (!xl_start_parse(false, call->argc - call->line.command, call->argv + call->line.command, &s.args))
        return real_xl(call->argv);
    spooled = spool(s.args.config);
    if (spooled)
        s.args.config = spooled;
    int r = guest_config_read(s.args.config, s.args.extra, s.args.n_extra, &config, err);

    if ((r == -EINVAL || r == -ELIBACC) && !real_xl_knows_scsi(call->argv[0]))
        return complain_lines(EXIT_FAILED, err);
    take_config(&s, &config);
    /* Other mistakes in the file are left to the real xl and its messages. */
    if (r < 0 || s.args.dry_run || call->line.dry_run || !can_start(&s))
        return spooled ? real_create_with(call, &s.args) : real_xl(call->argv);
    int code = connect_store(&s.store);

    /* A guest of this name may run already. Then the real xl refuses, and the devices are in use. */
    if (code == EXIT_OK && domain_find_name(&s.store, s.name, &s.domid) != 0)
        code = check_early(&s);
    return code == EXIT_OK ? start_guest(&s) : code;
}

/* --- restore --- */

/* The JSON in the head of a file that xl save wrote; NULL when it is none. */
static char *saved_config(const char *path)
{
    static const char magic[] = "Xen saved domain, xl format\n";
    struct {
        char magic[32];
        uint32_t byteorder, mandatory, optional, length;
    } head;
    struct stat st;
    uint32_t len;
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return NULL;
    if (read(fd, &head, sizeof(head)) != sizeof(head) || memcmp(head.magic, magic, sizeof(magic) - 1) != 0
        || read(fd, &len, sizeof(len)) != sizeof(len) || len > SAVED_CONFIG_MAX || len > head.length)
        return NULL;
    CLEANUP_FREE char *text = calloc(1, (size_t)len + 1);

    if (!text || read(fd, text, len) != (ssize_t)len)
        return NULL;
    return steal_ptr(text);
}

/* Reads the guest and its devices from the file that replaces the saved configuration. */
static int read_new_config(struct start *s, char err[CONFIG_ERROR_MAX])
{
    struct guest_config config;
    struct stat st;

    if (stat(s->args.config, &st) < 0 || !S_ISREG(st.st_mode))
        return -ENOENT;
    int r = guest_config_read(s->args.config, NULL, 0, &config, err);

    take_config(s, &config);
    return r;
}

static int read_saved_config(struct start *s)
{
    CLEANUP_FREE char *json = saved_config(s->args.saved);
    struct remembered saved;
    int r = json ? remember_read(json, &saved) : -ENOENT;

    if (r < 0)
        return r;
    s->name = saved.name;
    s->uuid = saved.uuid;
    s->entries = saved.entries;
    s->n = saved.n;
    return s->uuid ? 0 : -EINVAL;
}

static int run_restore(const struct call *call)
{
    __attribute__((cleanup(start_clear))) struct start s = { .call = call };
    char err[CONFIG_ERROR_MAX];

    if (!xl_start_parse(true, call->argc - call->line.command, call->argv + call->line.command, &s.args))
        return real_xl(call->argv);
    bool fresh = s.args.config != NULL;
    int r = fresh ? read_new_config(&s, err) : read_saved_config(&s);

    if (fresh && (r == -EINVAL || r == -ELIBACC) && !real_xl_knows_scsi(call->argv[0]))
        return complain_lines(EXIT_FAILED, err);
    if (r < 0 || !can_start(&s))
        return real_xl(call->argv);
    int code = connect_store(&s.store);

    return code == EXIT_OK ? start_guest(&s) : code;
}

/* --- the commands --- */

/* xm and SUSE's xl had the backend's domain as a fourth argument. */
static int attach_with_backend(const struct options *o, int argc, char **argv)
{
    CLEANUP_FREE char *vdev = argc == 4 ? strf("%s,backend=%s", argv[2], argv[3]) : NULL;
    char *with[] = { argv[0], argv[1], vdev, NULL };

    if (argc < 4)
        return cmd_attach(o, argc, argv);
    return vdev ? cmd_attach(o, 3, with) : complain(EXIT_FAILED, "out of memory");
}

static const struct {
    enum xl_command command;
    const char *name, *arguments, *what;
    const char *options; /* letters, as for getopt() */
    int (*run)(const struct options *o, int argc, char **argv);
    int min_args, max_args;
} scsi_commands[] = {
    { XL_ATTACH, "scsi-attach", "[-f] [-w] [-t SECONDS] <Domain> <PhysDev> <VirtDev>[,<option>...] [<BackendDomain>]",
      "Attach a SCSI device to a domain", "fwt:", attach_with_backend, 3, 4 },
    { XL_DETACH, "scsi-detach", "[-f] [-t SECONDS] <Domain> <VirtDev>", "Detach a domain's SCSI device",
      "ft:", cmd_detach, 2, 2 },
    { XL_SET, "scsi-set", "[-t SECONDS] <Domain> <VirtDev> <key>=<value>...",
      "Change options of a domain's SCSI device", "t:", cmd_set, 3, 1000000 },
    { XL_LIST, "scsi-list", "[--long|--json] [<Domain>...]", "List domains' SCSI devices", "lj", cmd_list, 0, 1000000 },
};

static const struct option scsi_longs[] = {
    { "force", no_argument, NULL, 'f' },         { "no-wait", no_argument, NULL, 'w' },
    { "timeout", required_argument, NULL, 't' }, { "long", no_argument, NULL, 'l' },
    { "json", no_argument, NULL, 'j' },          { NULL, 0, NULL, 0 },
};

/* c: what getopt_long() gave for these letters. Those of a long option with a value that it does not take are known. */
static bool refuse_option(const char *name, const char *letters, int c, char **argv)
{
    if (c == '?' && (optopt == 0 || strchr(letters, optopt)))
        complain(EXIT_USAGE, "%s takes no option %s", name, argv[optind - 1]);
    else
        complain(EXIT_USAGE, "%s takes no option -%c", name, c == '?' ? optopt : c);
    return false;
}

/*
 * Options come before the arguments: an argument may begin with a minus. False: wrong, and a line says what. *argc and
 * *argv: what is left.
 */
static bool scsi_options(const char *name, const char *letters, struct options *o, int *argc, char ***argv)
{
    CLEANUP_FREE char *first = strf("+:%s", letters);
    int c;

    optind = 0; /* glibc: start afresh */
    opterr = 0;
    while (first && (c = getopt_long(*argc, *argv, first, scsi_longs, NULL)) != -1) {
        if (c != ':' && (c == '?' || !strchr(letters, c)))
            return refuse_option(name, letters, c, *argv);
        if (c == ':'
            || (c == 't' && (parse_u32_str(optarg, OPTION_TIMEOUT_MAX_S, &o->timeout_s) < 0 || o->timeout_s == 0))) {
            complain(EXIT_USAGE, "--timeout '%s': expected seconds, 1..%d", c == ':' ? "" : optarg,
                     OPTION_TIMEOUT_MAX_S);
            return false;
        }
        o->force |= c == 'f';
        o->no_wait |= c == 'w';
        o->as_long |= c == 'l';
        o->json |= c == 'j';
    }
    *argc -= optind;
    *argv += optind;
    return first != NULL;
}

static int run_scsi(const struct call *call, enum xl_command command)
{
    struct options o = *call->o;
    /* With the command word, which stands where getopt() expects the program. */
    int argc = call->argc - call->line.command;
    char **argv = call->argv + call->line.command;

    o.dry_run |= call->line.dry_run;
    for (size_t i = 0; i < ARRAY_SIZE(scsi_commands); i++) {
        if (scsi_commands[i].command != command)
            continue;
        const char *name = scsi_commands[i].name;
        bool help = argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0);
        bool good = !help && scsi_options(name, scsi_commands[i].options, &o, &argc, &argv);

        if (good && (argc < scsi_commands[i].min_args || argc > scsi_commands[i].max_args)) {
            complain(EXIT_USAGE, "wrong number of arguments for %s", name);
            good = false;
        }
        if (!good) {
            fprintf(help ? stdout : stderr, "Usage: xl [-N] %s %s\n\nSee xl-scsi(8) and vscsi(7).\n",
                    scsi_commands[i].name, scsi_commands[i].arguments);
            return help ? EXIT_OK : EXIT_USAGE;
        }
        return scsi_commands[i].run(&o, argc, argv);
    }
    return EXIT_USAGE;
}

/* Completion asks for this list. */
static int run_help(char **argv)
{
    CLEANUP_FREE char *names = real_xl_commands(argv[0]);

    if (!names || strstr(names, "scsi-attach "))
        return real_xl(argv);
    int r = run_program(argv);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(scsi_commands); i++)
        printf(" %-19s %s\n", scsi_commands[i].name, scsi_commands[i].what);
    return r < 0 ? EXIT_FAILED : r;
}

int cmd_xl(const struct options *o, int argc, char **argv)
{
    struct call call = { .argv = argv, .argc = argc, .o = o };
    CLEANUP_FREE char *others = NULL;

    if (!xl_line_parse(argc, argv, &call.line))
        return real_xl(argv);
    const char *word = argv[call.line.command];
    bool help = strcmp(word, "help") == 0;

    if (help && call.line.command + 1 == argc)
        return run_help(argv);
    if (help)
        word = argv[call.line.command + 1];
    enum xl_command command = xl_command_find(word, NULL);

    if (command == XL_OTHER && xl_command_maybe(word)) {
        others = real_xl_commands(argv[0]);
        command = xl_command_find(word, others);
    }
    bool scsi = command == XL_ATTACH || command == XL_DETACH || command == XL_LIST || command == XL_SET;

    if (command == XL_OTHER || (scsi && real_xl_knows_scsi(argv[0])) || (help && !scsi))
        return real_xl(argv);
    char *help_argv[] = { argv[0], (char *)word, (char *)"-h", NULL };

    if (help)
        call = (struct call){ .argv = help_argv, .argc = 3, .line = { .command = 1 }, .o = o };
    return command == XL_CREATE    ? run_create(&call)
           : command == XL_RESTORE ? run_restore(&call)
                                   : run_scsi(&call, command);
}
