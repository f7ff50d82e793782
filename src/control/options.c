// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Options and config file; see options.h. getopt_long reads the command line. libconfuse reads the config file. It
 * gets one line at a time, so that each message names the right line: libconfuse 3.3 counts a line with a comment
 * three times. A line holds one setting.
 *
 * This file never decides what a setting does: main.c, the host and the workers do. It knows only which changed ones
 * can take effect while the daemon runs.
 */
#include "config.h"

#include <confuse.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <strings.h>

#include "common/log.h"
#include "common/util.h"
#include "control/options.h"
#include "control/sandbox.h"
#include "pvscsi/stats.h"
#include "pvscsi/worker-proto.h"

#ifndef LOCALSTATEDIR
#define LOCALSTATEDIR "/var"
#endif
#define CONFIG_SIZE_MAX 65536
#define KEY_MAX 64
#define WANT_MAX 256
/* A value as the file has it: in quotes, each character escaped. */
#define VALUE_MAX (2 * SETTING_TEXT_MAX + 3)
/* A longer value is not repeated in a message. */
#define VALUE_SHORT_MAX 40

enum option_type {
    OT_FLAG,
    OT_BOOL,
    OT_NUMBER,
    OT_PATH,
    OT_LEVEL,
    OT_PR,
    OT_RULES,
    OT_DENY,
    OT_SANDBOX,
    OT_POLL,
    OT_RESULT
};

struct option_def {
    const char *name;
    char short_name;
    enum option_type type;
    bool hidden;
    size_t offset, size;
    unsigned min, max;
    enum option_effect effect;  /* of a change in the file; EFFECT_NONE: it is no key of the file */
    enum options_result result; /* OT_RESULT */
    const char *preset;         /* the default, as text */
    const char *arg, *help;
};

#define FIELD(f) .offset = offsetof(struct settings, f), .size = sizeof(((struct settings *)0)->f)

static const struct option_def options[] = {
    { "foreground", 'f', OT_FLAG, FIELD(foreground), .help = "stay in the foreground and log to standard error" },
    { "config", 0, OT_PATH, FIELD(config), .preset = SYSCONFDIR "/xen/pvscsid.conf", .arg = "FILE",
      .help = "config file; a missing default one is no error" },
    { "log-level", 0, OT_LEVEL, .effect = EFFECT_AT_ONCE, FIELD(log_level), .preset = "info", .arg = "LEVEL",
      .help = "debug, verbose, detail, progress, info, notice, warning, error or critical" },
    { "log-file", 0, OT_PATH, .effect = EFFECT_AT_ONCE, FIELD(log_file), .preset = LOCALSTATEDIR "/log/xen/pvscsid.log",
      .arg = "FILE", .help = "log of a daemon that is not in the foreground" },
    { "run-dir", 0, OT_PATH, .effect = EFFECT_RESTART, FIELD(run_dir), .preset = RUNSTATEDIR "/pvscsid", .arg = "DIR",
      .help = "directory for the control socket, journals and statistics" },
    { "max-segments", 0, OT_NUMBER, .effect = EFFECT_VHOST, FIELD(max_segments), .min = 26, .max = 128, .preset = "128",
      .arg = "N", .help = "largest number of pages in one request, as offered in feature-sg-grant (26 to 128)" },
    { "max-luns", 0, OT_NUMBER, .effect = EFFECT_ATTACH, FIELD(max_luns), .min = 1, .max = PVSCSI_STATS_LUNS,
      .preset = "256", .arg = "N", .help = "largest number of LUNs on one vhost (1 to 256)" },
    { "pr", 0, OT_PR, .effect = EFFECT_ATTACH, FIELD(pr_mode), .preset = "auto", .arg = "MODE",
      .help = "persistent reservations: " PR_MODES_TEXT },
    { "pr-socket", 0, OT_PATH, .effect = EFFECT_AT_ONCE, FIELD(pr_socket), .preset = PR_SOCKET_DEFAULT, .arg = "SOCKET",
      .help = "the PR helper's socket" },
    { "pr-deadline", 0, OT_NUMBER, .effect = EFFECT_ATTACH, FIELD(pr_deadline_s), .min = 1, .max = 3600, .preset = "30",
      .arg = "SECONDS", .help = "how long the PR helper may take for one command" },
    { "device-reset", 0, OT_BOOL, .effect = EFFECT_AT_ONCE, FIELD(device_reset), .preset = "0", .arg = "0|1",
      .help = "reset the physical device if it still has a command 15 seconds after a guest's RESET" },
    { "granted-pages", 0, OT_NUMBER, .effect = EFFECT_AT_ONCE, FIELD(granted_pages), .min = 0, .max = 1048576,
      .preset = "8192", .arg = "N",
      .help = "most pages of 4 KiB that all workers together grant to their own domain for buffers" },
    { "poll", 0, OT_POLL, .effect = EFFECT_AT_ONCE, FIELD(poll), .max = 200, .preset = "auto", .arg = "TIME",
      .help = "how long a worker looks at the ring before it sleeps: auto, or 0 to 200 microseconds" },
    { "policy", 0, OT_BOOL, .effect = EFFECT_AT_ONCE, FIELD(policy), .preset = "1", .arg = "0|1",
      .help = "let guests send only what the command policy allows" },
    { "allow", 0, OT_RULES, .effect = EFFECT_AT_ONCE, FIELD(allow), .preset = "none", .arg = "RULES",
      .help = "what guests may send in addition: TYPE:OPCODE+OPCODE/ACTION..." },
    { "deny", 0, OT_DENY, .effect = EFFECT_AT_ONCE, FIELD(deny), .preset = "none", .arg = "RULES",
      .help = "what no guest may send" },
    { "permit", 0, OT_RULES, .effect = EFFECT_AT_ONCE, FIELD(permit), .preset = "all", .arg = "RULES",
      .help = "what the toolstack may allow: all or none, or rules" },
    { "sandbox", 0, OT_SANDBOX, .effect = EFFECT_RESTART, FIELD(sandbox), .preset = "auto", .arg = "MODE",
      .help = "confinement of workers: " SANDBOX_MODES_TEXT },
    { "sandbox-uid-base", 0, OT_NUMBER, .effect = EFFECT_RESTART, FIELD(sandbox_uid_base), .min = SANDBOX_UID_BASE_MIN,
      .max = SANDBOX_UID_BASE_MAX, .preset = SANDBOX_UID_BASE_DEFAULT, .arg = "N",
      .help = "a confined worker's user and group: N plus its process ID" },
    { "standalone", 0, OT_PATH, FIELD(standalone), .preset = "", .arg = "SOCKET",
      .help = "no Xen: use mock-xen at this socket; allows file: devices" },
    { "dump-config", 0, OT_RESULT, .result = OPTIONS_DUMP_CONFIG, .help = "print the settings in force and exit" },
    { "version", 0, OT_RESULT, .result = OPTIONS_VERSION, .help = "print the version and exit" },
    { "help", 'h', OT_RESULT, .result = OPTIONS_HELP, .help = "print this help and exit" },
    { "worker", 0, OT_RESULT, .hidden = true, .result = OPTIONS_WORKER },
};

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
        if (options[i].effect != EFFECT_NONE && strcmp(key, name) == 0)
            return &options[i];
    }
    return NULL;
}

static int set_rules(struct rules_setting *s, const char *text, bool deny, char *want, size_t want_size)
{
    char why[SCSI_RULES_WHY_MAX];

    if (strlen(text) >= sizeof(s->text)) {
        snprintf(want, want_size, "at most %zu characters", sizeof(s->text) - 1);
        return -EINVAL;
    }
    if (scsi_typed_rules_parse(text, deny, &s->rules, why) < 0) {
        snprintf(want, want_size, "TYPE:OPCODE+... (%s)", why);
        return -EINVAL;
    }
    strcpy(s->text, text);
    return 0;
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
    case OT_PATH: {
        size_t most = o->size - 1;

        if (strlen(text) > most || (text[0] == '\0' && o->preset && o->preset[0])) {
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
        snprintf(want, want_size, PR_MODES_TEXT);
        return pr_mode_parse(text, (unsigned *)(void *)field);
    case OT_RULES:
    case OT_DENY:
        return set_rules((struct rules_setting *)(void *)field, text, o->type == OT_DENY, want, want_size);
    case OT_SANDBOX:
        snprintf(want, want_size, SANDBOX_MODES_TEXT);
        return sandbox_mode_parse(text, (unsigned *)(void *)field);
    case OT_POLL:
        snprintf(want, want_size, "auto, or a number from 0 to %u", o->max);
        number = POLL_AUTO;
        if (strcmp(text, "auto") != 0 && parse_u32_str(text, o->max, &number) < 0)
            return -EINVAL;
        *(unsigned *)(void *)field = number;
        return 0;
    case OT_RESULT:
        break;
    }
    return 0;
}

static void set_defaults(struct settings *s)
{
    char want[WANT_MAX];

    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (options[i].preset)
            set(s, &options[i], options[i].preset, want, sizeof(want));
}

/* --- the command line --- */

/* What getopt_long returns for options[i]: its letter, or this + i. */
#define LONG_ONLY 256

static void make_getopt_tables(struct option longs[ARRAY_SIZE(options) + 1], char shorts[2 * ARRAY_SIZE(options) + 3])
{
    char *letter = stpcpy(shorts, "+:"); /* the first argument that is no option ends it; a missing value is ':' */

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option_def *o = &options[i];

        longs[i] = (struct option){ .name = o->name,
                                    .has_arg = o->arg ? required_argument : no_argument,
                                    .val = o->short_name ? o->short_name : LONG_ONLY + (int)i };
        if (o->short_name)
            *letter++ = o->short_name;
        if (o->short_name && o->arg)
            *letter++ = ':';
    }
    longs[ARRAY_SIZE(options)] = (struct option){ 0 };
    *letter = '\0';
}

static const struct option_def *find_option(int val)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (val == (options[i].short_name ? options[i].short_name : LONG_ONLY + (int)i))
            return &options[i];
    return NULL;
}

/*
 * getopt_long takes "--max-l" for "--max-luns". Here it is an unknown option: a later version may have two options
 * that begin so.
 */
static bool is_abbreviated(const char *word, const struct option_def *o)
{
    return word[0] == '-' && word[1] == '-' && strcspn(word + 2, "=") != strlen(o->name);
}

static enum options_result parse_argv(int argc, char **argv, struct settings *s, FILE *err)
{
    struct option longs[ARRAY_SIZE(options) + 1];
    char shorts[2 * ARRAY_SIZE(options) + 3];
    enum options_result result = OPTIONS_RUN;

    make_getopt_tables(longs, shorts);
    optind = 0; /* glibc: start anew, the arguments may have been parsed before */
    opterr = 0;
    for (;;) {
        int at = optind ? optind : 1, val = getopt_long(argc, argv, shorts, longs, NULL);
        const char *word = at < argc ? argv[at] : NULL;
        const struct option_def *o = find_option(val == '?' || val == ':' ? optopt : val);
        char want[WANT_MAX];

        if (val == -1) {
            if (!word)
                return result;
            fprintf(err, "unexpected argument '%s'; expected options only (see --help)\n", word);
            return OPTIONS_ERROR;
        }
        if (!o || is_abbreviated(word, o)) {
            fprintf(err, "unknown option '%s' (see --help)\n", word);
            return OPTIONS_ERROR;
        }
        if (val == '?') {
            fprintf(err, "--%s takes no value\n", o->name);
            return OPTIONS_ERROR;
        }
        if (val == ':') {
            fprintf(err, "--%s needs a value: %s\n", o->name, o->arg);
            return OPTIONS_ERROR;
        }
        if (o->type == OT_RESULT) {
            if (result == OPTIONS_RUN || o->result > result)
                result = o->result;
            continue;
        }
        if (set(s, o, optarg, want, sizeof(want)) < 0) {
            fprintf(err, "--%s: '%s' is not valid; expected %s\n", o->name, optarg, want);
            return OPTIONS_ERROR;
        }
        if (strcmp(o->name, "config") == 0)
            s->config_named = true;
    }
}

/* --- the file --- */

static void say_nothing(cfg_t *cfg, const char *fmt, va_list ap)
{
    (void)cfg, (void)fmt, (void)ap;
}

/*
 * Reads one line, "key = value", with libconfuse. It is told of this one key only: another setting on the line is
 * an error. 0 and a copy of the value, which the caller frees; -EINVAL when this is not such a line; -ENOMEM.
 */
static int read_setting(const char *key, const char *line, char **value)
{
    cfg_opt_t known[] = { CFG_STR(key, NULL, CFGF_NODEFAULT), CFG_END() };
    cfg_t *cfg = cfg_init(known, CFGF_NONE);
    const char *text = NULL;
    int r = 0;

    if (!cfg)
        return -ENOMEM;
    cfg_set_error_function(cfg, say_nothing);
    if (cfg_parse_buf(cfg, line) != CFG_SUCCESS || !(text = cfg_getstr(cfg, key)))
        r = -EINVAL;
    else if (!(*value = strdup(text)))
        r = -ENOMEM;
    cfg_free(cfg);
    return r;
}

/* Sets what line n of the config file says. 0, or -errno and a message on err. */
static int apply_line(struct settings *s, const char *line, unsigned n, FILE *err)
{
    static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *name = line + strspn(line, " \t\r");
    const struct option_def *o;
    CLEANUP_FREE char *value = NULL;
    char key[KEY_MAX], want[WANT_MAX];
    int r;

    if (*name == '\0' || *name == '#')
        return 0;
    snprintf(key, sizeof(key), "%.*s", (int)strspn(name, name_chars), name);
    if (!key[0]) {
        fprintf(err, "%s:%u: syntax error; expected KEY = VALUE\n", s->config, n);
        return -EINVAL;
    }
    o = find_key(key);
    if (!o) {
        fprintf(err, "%s:%u: unknown key '%s' (pvscsid.conf(5) has the list)\n", s->config, n, key);
        return -EINVAL;
    }
    r = read_setting(key, name, &value);
    if (r == -ENOMEM) {
        fprintf(err, "out of memory\n");
        return r;
    }
    if (r < 0) {
        fprintf(err, "%s:%u: syntax error; expected %s = VALUE and no more, a text in quotes\n", s->config, n, key);
        return r;
    }
    if (set(s, o, value, want, sizeof(want)) < 0) {
        fprintf(err, "%s:%u: %s = '%s' is not valid; expected %s\n", s->config, n, key, value, want);
        return -EINVAL;
    }
    return 0;
}

static int load_file(struct settings *s, FILE *err)
{
    CLEANUP_FREE char *text = NULL;
    unsigned n = 0;
    size_t len;
    int r = read_file(s->config, CONFIG_SIZE_MAX, &text, &len);

    if (r == -ENOENT && !s->config_named)
        return 0;
    if (r < 0) {
        fprintf(err, "cannot read the config file %s: %s\n", s->config, strerror(-r));
        return r;
    }
    if (memchr(text, '\0', len)) {
        fprintf(err, "the config file %s holds a NUL byte; expected text\n", s->config);
        return -EINVAL;
    }
    for (char *at = text, *line; r == 0 && (line = strsep(&at, "\n")) != NULL;)
        r = apply_line(s, line, ++n, err);
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
    return parse_argv(argc, argv, s, err); /* again, because the command line wins over the file */
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
        snprintf(left, sizeof(left), "%c%c%c --%s%s%s", o->short_name ? '-' : ' ', o->short_name ? o->short_name : ' ',
                 o->short_name ? ',' : ' ', o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        fprintf(out, "  %-26s %s", left, o->help);
        if (o->preset && o->preset[0])
            fprintf(out, " [%s]", o->preset);
        fputc('\n', out);
    }
    fprintf(out, "\nIn the config file the same names are written with '_' for '-'; see pvscsid.conf(5).\n");
}

/* Quotes the value so that libconfuse reads the same text back: it would expand "${...}" from the environment. */
static void quote(const char *value, char out[VALUE_MAX])
{
    char *to = out;

    *to++ = '"';
    for (; *value && to < out + VALUE_MAX - 4; value++) {
        if (strchr("\"\\$", *value))
            *to++ = '\\';
        *to++ = *value;
    }
    strcpy(to, "\"");
}

/* The value as the file would have it. */
static void value_of(const struct option_def *o, const struct settings *s, char out[VALUE_MAX])
{
    const char *field = (const char *)s + o->offset;
    const unsigned *number = (const void *)field;

    if (o->type == OT_NUMBER || (o->type == OT_POLL && *number != POLL_AUTO))
        snprintf(out, VALUE_MAX, "%u", *number);
    else if (o->type == OT_POLL)
        quote("auto", out);
    else if (o->type == OT_BOOL)
        snprintf(out, VALUE_MAX, "%d", *(const bool *)field);
    else if (o->type == OT_LEVEL)
        quote(xtl_level_to_string((xentoollog_level)*number), out);
    else if (o->type == OT_PR)
        quote(pr_mode_name(*number), out);
    else if (o->type == OT_RULES || o->type == OT_DENY)
        quote(((const struct rules_setting *)(const void *)field)->text, out);
    else if (o->type == OT_SANDBOX)
        quote(sandbox_mode_name(*number), out);
    else
        quote(field, out);
}

void options_dump(const struct settings *s, FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        char key[KEY_MAX], value[VALUE_MAX];

        if (options[i].effect == EFFECT_NONE)
            continue;
        key_of(&options[i], key);
        value_of(&options[i], s, value);
        fprintf(out, "%s = %s\n", key, value);
    }
}

/* --- changes --- */

const char *option_effect_text(enum option_effect effect)
{
    static const char *const text[OPTION_EFFECTS] = {
        [EFFECT_NONE] = "never",
        [EFFECT_AT_ONCE] = "in force",
        [EFFECT_ATTACH] = "for devices that are attached from now on",
        [EFFECT_VHOST] = "for virtual hosts that are made from now on",
        [EFFECT_RESTART] = "after a restart of the daemon",
    };

    return effect < OPTION_EFFECTS ? text[effect] : text[EFFECT_NONE];
}

static void add_change(char *to, size_t size, const char *key, const char *before, const char *after)
{
    size_t at = strlen(to);
    int n = snprintf(to + at, size - at, "%s%s", at ? ", " : "", key);

    if (n < 0 || (size_t)n >= size - at || strlen(before) > VALUE_SHORT_MAX || strlen(after) > VALUE_SHORT_MAX)
        return;
    at += (size_t)n;
    snprintf(to + at, size - at, " (%s now, %s then)", before, after);
}

void options_take_over(struct settings *s, const struct settings *fresh, struct options_changes *out)
{
    *out = (struct options_changes){ .n = 0 };
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option_def *o = &options[i];
        char key[KEY_MAX], before[VALUE_MAX], after[VALUE_MAX];
        char *to = out->keys[o->effect];
        size_t size = sizeof(out->keys[o->effect]), at = strlen(to);

        if (o->effect == EFFECT_NONE)
            continue;
        value_of(o, s, before);
        value_of(o, fresh, after);
        if (strcmp(before, after) == 0)
            continue;
        out->n++;
        key_of(o, key);
        if (o->effect == EFFECT_RESTART) {
            add_change(to, size, key, before, after);
            continue;
        }
        snprintf(to + at, size - at, "%s%s", at ? ", " : "", key);
        memcpy((char *)s + o->offset, (const char *)fresh + o->offset, o->size);
    }
}

void options_for_each(void (*fn)(void *ctx, const char *name, char short_name, const char *key), void *ctx)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        char key[KEY_MAX];

        if (options[i].hidden)
            continue;
        key_of(&options[i], key);
        fn(ctx, options[i].name, options[i].short_name, options[i].effect != EFFECT_NONE ? key : NULL);
    }
}

enum option_effect options_effect(const char *key)
{
    const struct option_def *o = find_key(key);

    return o ? o->effect : EFFECT_NONE;
}
