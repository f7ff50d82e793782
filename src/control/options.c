// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Options and config file; see options.h. The file has xl's grammar and is parsed
 * by libxlutil. That has no way to list what a file sets, so a small scan finds
 * the names and their lines, to refuse unknown ones.
 */
#include "config.h"

#include <errno.h>
#include <libxlutil.h>
#include <stddef.h>
#include <strings.h>

#include "common/log.h"
#include "common/util.h"
#include "control/options.h"
#include "pvscsi/stats.h"
#include "pvscsi/worker-proto.h"

#ifndef LOCALSTATEDIR
#define LOCALSTATEDIR "/var"
#endif
#define CONFIG_SIZE_MAX 65536
#define KEY_MAX 64

enum option_type {
    OT_FLAG,
    OT_BOOL,
    OT_NUMBER,
    OT_TEXT,
    OT_PATH,
    OT_LEVEL,
    OT_PR,
    OT_RESULT
};

struct option_def {
    const char *name;
    char short_name;
    enum option_type type;
    bool in_file, hidden;
    size_t offset, size;
    unsigned min, max;
    enum options_result result; /* OT_RESULT */
    const char *preset;         /* the default, as text */
    const char *arg, *help;
};

#define FIELD(f) .offset = offsetof(struct settings, f), .size = sizeof(((struct settings *)0)->f)

static const struct option_def options[] = {
    { "foreground", 'f', OT_FLAG, FIELD(foreground), .help = "stay in the foreground and log to standard error" },
    { "config", 0, OT_PATH, FIELD(config), .preset = SYSCONFDIR "/xen/pvscsid.conf", .arg = "FILE",
      .help = "config file; a missing default one is no error" },
    { "log-level", 0, OT_LEVEL, .in_file = true, FIELD(log_level), .preset = "info", .arg = "LEVEL",
      .help = "debug, verbose, detail, progress, info, notice, warning, error or critical" },
    { "log-file", 0, OT_PATH, .in_file = true, FIELD(log_file), .preset = LOCALSTATEDIR "/log/xen/pvscsid.log",
      .arg = "FILE", .help = "log of a daemon that is not in the foreground" },
    { "run-dir", 0, OT_PATH, .in_file = true, FIELD(run_dir), .preset = RUNSTATEDIR "/pvscsid", .arg = "DIR",
      .help = "directory for the control socket, journals and statistics" },
    { "max-segments", 0, OT_NUMBER, .in_file = true, FIELD(max_segments), .min = 26, .max = 128, .preset = "128",
      .arg = "N", .help = "most pages of one request, as offered in feature-sg-grant (26 to 128)" },
    { "max-luns", 0, OT_NUMBER, .in_file = true, FIELD(max_luns), .min = 1, .max = PVSCSI_STATS_LUNS, .preset = "256",
      .arg = "N", .help = "most LUNs of one vhost (1 to 256)" },
    { "pr", 0, OT_PR, .in_file = true, FIELD(pr_mode), .preset = "helper", .arg = "MODE",
      .help = "persistent reservations: helper, direct or deny" },
    { "pr-socket", 0, OT_PATH, .in_file = true, FIELD(pr_socket), .preset = "/run/qemu-pr-helper.sock", .arg = "SOCKET",
      .help = "the PR helper's socket" },
    { "pr-deadline", 0, OT_NUMBER, .in_file = true, FIELD(pr_deadline_s), .min = 1, .max = 3600, .preset = "30",
      .arg = "SECONDS", .help = "how long the PR helper may take for one command" },
    { "device-reset", 0, OT_BOOL, .in_file = true, FIELD(device_reset), .preset = "0", .arg = "0|1",
      .help = "let a guest's RESET that times out reset the physical device" },
    { "standalone", 0, OT_PATH, FIELD(standalone), .preset = "", .arg = "SOCKET",
      .help = "no Xen: use mock-xen at this socket; allows file: devices" },
    { "dump-config", 0, OT_RESULT, .result = OPTIONS_DUMP_CONFIG, .help = "print the settings in force and exit" },
    { "version", 0, OT_RESULT, .result = OPTIONS_VERSION, .help = "print the version and exit" },
    { "help", 'h', OT_RESULT, .result = OPTIONS_HELP, .help = "print this help and exit" },
    { "worker", 0, OT_RESULT, .hidden = true, .result = OPTIONS_WORKER },
};

static const char *const pr_modes[] = { [PR_HELPER] = "helper", [PR_DIRECT] = "direct", [PR_DENY] = "deny" };

/* The file's grammar has no '-' in names. */
static void key_of(const struct option_def *o, char key[KEY_MAX])
{
    snprintf(key, KEY_MAX, "%s", o->name);
    for (char *p = key; *p; p++)
        if (*p == '-')
            *p = '_';
}

static const struct option_def *find_key(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        char key[KEY_MAX];

        key_of(&options[i], key);
        if (options[i].in_file && strcmp(key, name) == 0)
            return &options[i];
    }
    return NULL;
}

/* Sets one option from text. 0, or -EINVAL and what was expected in want. */
static int set(struct settings *s, const struct option_def *o, const char *text, char *want, size_t want_size)
{
    char *field = (char *)s + o->offset;
    xentoollog_level level;
    uint32_t number;

    switch (o->type) {
    case OT_FLAG:
        *(bool *)field = true;
        return 0;
    case OT_BOOL:
        if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0) {
            snprintf(want, want_size, "0 or 1");
            return -EINVAL;
        }
        *(bool *)field = text[0] == '1';
        return 0;
    case OT_NUMBER:
        if (parse_u32_str(text, o->max, &number) < 0 || number < o->min) {
            snprintf(want, want_size, "a number from %u to %u", o->min, o->max);
            return -EINVAL;
        }
        *(unsigned *)(void *)field = number;
        return 0;
    case OT_TEXT:
    case OT_PATH: {
        size_t most = o->size - 1;

        if (strlen(text) > most || (o->type == OT_PATH && text[0] == '\0' && o->preset && o->preset[0])) {
            snprintf(want, want_size, "a path of 1 to %zu characters", most);
            return -EINVAL;
        }
        strcpy(field, text);
        return 0;
    }
    case OT_LEVEL:
        if (log_level_parse(text, &level) < 0) {
            snprintf(want, want_size, "debug, verbose, detail, progress, info, notice, warning, error or critical");
            return -EINVAL;
        }
        *(unsigned *)(void *)field = (unsigned)level;
        return 0;
    case OT_PR:
        for (unsigned i = 0; i < ARRAY_SIZE(pr_modes); i++) {
            if (strcmp(text, pr_modes[i]) == 0) {
                *(unsigned *)(void *)field = i;
                return 0;
            }
        }
        snprintf(want, want_size, "helper, direct or deny");
        return -EINVAL;
    case OT_RESULT:
        break;
    }
    return 0;
}

static void set_defaults(struct settings *s)
{
    char want[128];

    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (options[i].preset)
            set(s, &options[i], options[i].preset, want, sizeof(want));
}

/* --- the command line --- */

static const struct option_def *find_option(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
            return &options[i];
    return NULL;
}

static enum options_result parse_argv(int argc, char **argv, struct settings *s, FILE *err)
{
    enum options_result result = OPTIONS_RUN;

    for (int i = 1; i < argc; i++) {
        const struct option_def *o = NULL;
        const char *arg = argv[i], *value = NULL;
        char want[128];

        if (arg[0] == '-' && arg[1] == '-') {
            size_t len = strcspn(arg + 2, "=");

            o = find_option(arg + 2, len);
            if (o && arg[2 + len] == '=')
                value = arg + 2 + len + 1;
        } else if (arg[0] == '-' && arg[1] && !arg[2]) {
            for (size_t k = 0; k < ARRAY_SIZE(options); k++)
                if (options[k].short_name == arg[1])
                    o = &options[k];
        } else {
            fprintf(err, "pvscsid: unexpected argument '%s'; expected options only (see --help)\n", arg);
            return OPTIONS_ERROR;
        }
        if (!o) {
            fprintf(err, "pvscsid: unknown option '%s' (see --help)\n", arg);
            return OPTIONS_ERROR;
        }
        if (!o->arg && value) {
            fprintf(err, "pvscsid: --%s takes no value\n", o->name);
            return OPTIONS_ERROR;
        }
        if (o->arg && !value) {
            if (i + 1 >= argc) {
                fprintf(err, "pvscsid: --%s needs a value: %s\n", o->name, o->arg);
                return OPTIONS_ERROR;
            }
            value = argv[++i];
        }
        if (o->type == OT_RESULT) {
            if (result == OPTIONS_RUN || o->result > result)
                result = o->result;
            continue;
        }
        if (set(s, o, value, want, sizeof(want)) < 0) {
            fprintf(err, "pvscsid: --%s: '%s' is no good; expected %s\n", o->name, value, want);
            return OPTIONS_ERROR;
        }
        if (strcmp(o->name, "config") == 0)
            s->config_named = true;
    }
    return result;
}

/* --- the file --- */

/* Finds the next name that a statement starts with. */
static bool next_key(const char **at, unsigned *line, unsigned *depth, char key[KEY_MAX])
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    bool fresh = *at[0] != '\0';
    const char *p = *at;

    for (; *p; p++) {
        size_t len;

        if (*p == '\n') {
            ++*line;
            if (*depth == 0)
                fresh = true;
        } else if (*p == ';') {
            fresh = *depth == 0;
        } else if (*p == '#') {
            p += strcspn(p, "\n") - 1;
        } else if (*p == '"' || *p == '\'') {
            len = strcspn(p + 1, *p == '"' ? "\"\n" : "'\n");
            p += len + (p[1 + len] == *p ? 1 : 0);
            fresh = false;
        } else if (*p == '[') {
            ++*depth;
        } else if (*p == ']') {
            if (*depth)
                --*depth;
        } else if (fresh && (len = strspn(p, word)) > 0) {
            snprintf(key, KEY_MAX, "%.*s", (int)(len < KEY_MAX ? len : KEY_MAX - 1), p);
            *at = p + len;
            return true;
        } else if (*p != ' ' && *p != '\t' && *p != '\r') {
            fresh = false;
        }
    }
    *at = p;
    return false;
}

static int apply_keys(XLU_Config *cfg, const char *text, struct settings *s, FILE *err)
{
    unsigned line = 1, depth = 0;
    const char *at = text;
    char key[KEY_MAX];

    while (next_key(&at, &line, &depth, key)) {
        const struct option_def *o = find_key(key);
        const char *value = NULL;
        char want[128];

        if (!o) {
            fprintf(err, "pvscsid: %s:%u: unknown key '%s' (pvscsid.conf(5) has the list)\n", s->config, line, key);
            return -EINVAL;
        }
        if (xlu_cfg_get_string(cfg, key, &value, 1) != 0 || !value) {
            fprintf(err, "pvscsid: %s:%u: %s must have one value, not a list\n", s->config, line, key);
            return -EINVAL;
        }
        if (set(s, o, value, want, sizeof(want)) < 0) {
            fprintf(err, "pvscsid: %s:%u: %s = '%s' is no good; expected %s\n", s->config, line, key, value, want);
            return -EINVAL;
        }
        /* The value just seen must not be taken for the next name. */
        at += strcspn(at, "\n;#\"'");
    }
    return 0;
}

static int load_file(struct settings *s, FILE *err)
{
    CLEANUP_FREE char *text = NULL;
    CLEANUP_FREE char *report = NULL;
    size_t len, report_len;
    XLU_Config *cfg;
    FILE *sink;
    int r = read_file(s->config, CONFIG_SIZE_MAX, &text, &len);

    if (r == -ENOENT && !s->config_named)
        return 0;
    if (r < 0) {
        fprintf(err, "pvscsid: cannot read the config file %s: %s\n", s->config, strerror(-r));
        return r;
    }
    if (memchr(text, '\0', len)) {
        fprintf(err, "pvscsid: the config file %s holds a NUL byte; expected text\n", s->config);
        return -EINVAL;
    }
    sink = open_memstream(&report, &report_len);
    cfg = sink ? xlu_cfg_init(sink, s->config) : NULL;
    if (!cfg) {
        if (sink)
            fclose(sink);
        fprintf(err, "pvscsid: out of memory\n");
        return -ENOMEM;
    }
    if (xlu_cfg_readdata(cfg, text, (int)len) != 0) {
        fflush(sink);
        if (report)
            report[strcspn(report, "\n")] = '\0';
        fprintf(err, "pvscsid: cannot parse the config file: %s\n", report && *report ? report : s->config);
        r = -EINVAL;
    } else {
        r = apply_keys(cfg, text, s, err);
    }
    xlu_cfg_destroy(cfg);
    fclose(sink);
    return r;
}

static enum options_result load(int argc, char **argv, struct settings *s, FILE *err)
{
    enum options_result result;

    set_defaults(s);
    result = parse_argv(argc, argv, s, err);
    if (result != OPTIONS_RUN && result != OPTIONS_DUMP_CONFIG)
        return result;
    if (load_file(s, err) < 0)
        return OPTIONS_ERROR;
    return parse_argv(argc, argv, s, err); /* again: it wins over the file */
}

enum options_result options_load(int argc, char **argv, struct settings *s, FILE *err)
{
    return load(argc, argv, s, err);
}

int options_reload(int argc, char **argv, struct settings *s, FILE *err)
{
    struct settings fresh;

    if (load(argc, argv, &fresh, err) == OPTIONS_ERROR)
        return -EINVAL;
    *s = fresh;
    return 0;
}

/* --- output --- */

void options_help(FILE *out)
{
    fprintf(out, "Usage: pvscsid [OPTION...]\nThe userspace backend for Xen's paravirtual SCSI.\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option_def *o = &options[i];
        char left[64];

        if (o->hidden)
            continue;
        snprintf(left, sizeof(left), "%s--%s%s%s",
                 o->short_name == 'f' ? "-f, "
                 : o->short_name      ? "-h, "
                                      : "    ",
                 o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        fprintf(out, "  %-26s %s", left, o->help);
        if (o->preset && o->preset[0])
            fprintf(out, " [%s]", o->preset);
        fputc('\n', out);
    }
    fprintf(out, "\nIn the config file the same names are written with '_' for '-'; see pvscsid.conf(5).\n");
}

/* As libxlutil reads it back. */
static void dump_string(const char *key, const char *value, FILE *out)
{
    fprintf(out, "%s = \"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
    fputs("\"\n", out);
}

void options_dump(const struct settings *s, FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option_def *o = &options[i];
        const char *field = (const char *)s + o->offset;
        char key[KEY_MAX];

        if (!o->in_file)
            continue;
        key_of(o, key);
        if (o->type == OT_NUMBER)
            fprintf(out, "%s = %u\n", key, *(const unsigned *)(const void *)field);
        else if (o->type == OT_BOOL)
            fprintf(out, "%s = %d\n", key, *(const bool *)field);
        else if (o->type == OT_LEVEL)
            fprintf(out, "%s = \"%s\"\n", key,
                    xtl_level_to_string((xentoollog_level) * (const unsigned *)(const void *)field));
        else if (o->type == OT_PR)
            fprintf(out, "%s = \"%s\"\n", key, pr_modes[*(const unsigned *)(const void *)field]);
        else
            dump_string(key, field, out);
    }
}

void options_for_each(void (*fn)(void *ctx, const char *name, char short_name, const char *key), void *ctx)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        char key[KEY_MAX];

        if (options[i].hidden)
            continue;
        key_of(&options[i], key);
        fn(ctx, options[i].name, options[i].short_name, options[i].in_file ? key : NULL);
    }
}
