// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Options of the daemon: the table, values and their ranges, precedence, what --dump-config gives, and what is said
 * about each mistake. check_option_pages compares the manual pages.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/util.h"
#include "control/options.h"
#include "control/sandbox.h"
#include "expected-options.h"
#include "suite.h"
#include "pvscsi/worker-proto.h"

static char conf[] = "/tmp/check-options.XXXXXX";
static char *said; /* by the last load() */

static void setup(void)
{
    int fd;

    strcpy(conf, "/tmp/check-options.XXXXXX");
    fd = mkstemp(conf);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void)
{
    unlink(conf);
    free(said);
    said = NULL;
}

static void write_conf(const char *text)
{
    FILE *f = fopen(conf, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

/* pvscsid --config CONF [a [b]]. */
static enum options_result load(struct settings *s, const char *a, const char *b)
{
    char *argv[] = { (char *)(uintptr_t) "pvscsid", (char *)(uintptr_t) "--config", conf,
                     (char *)(uintptr_t)a,          (char *)(uintptr_t)b,           NULL };
    enum options_result result;
    size_t len;
    FILE *err;

    free(said);
    err = open_memstream(&said, &len);
    ck_assert_ptr_nonnull(err);
    result = options_load(a ? b ? 5 : 4 : 3, argv, s, err);
    fclose(err);
    return result;
}

static char *dump(const struct settings *s)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(out);
    options_dump(s, out);
    fclose(out);
    return text;
}

/* The setting as --dump-config writes it, without quotes. */
static void setting(const struct settings *s, const char *key, char *value, size_t size)
{
    CLEANUP_FREE char *text = dump(s);
    char *start = strf("\n%s = ", key), *at;
    CLEANUP_FREE char *all = strf("\n%s", text);

    at = strstr(all, start);
    ck_assert_msg(at != NULL, "--dump-config has no %s", key);
    at += strlen(start);
    free(start);
    at[strcspn(at, "\n")] = '\0';
    if (*at == '"') {
        ck_assert_msg(at[1] && at[strlen(at) - 1] == '"', "%s = %s", key, at);
        at[strlen(at) - 1] = '\0';
        at++;
    }
    snprintf(value, size, "%s", at);
}

static size_t seen;

static void check_option(void *ctx, const char *name, char short_name, const char *key)
{
    ck_assert_uint_lt(seen, ARRAY_SIZE(expected));
    ck_assert_str_eq(name, expected[seen].name);
    ck_assert_int_eq(short_name, expected[seen].short_name);
    ck_assert_msg(!key == !expected[seen].key, "%s: in the file or not?", name);
    if (key)
        ck_assert_str_eq(key, expected[seen].key);
    seen++;
}

START_TEST(the_table_is_what_is_expected_here)
{
    seen = 0;
    options_for_each(check_option, NULL);
    ck_assert_uint_eq(seen, ARRAY_SIZE(expected));
}
END_TEST

/* --- values --- */

START_TEST(defaults)
{
    struct settings s;

    ck_assert_int_eq(load(&s, NULL, NULL), OPTIONS_RUN);
    ck_assert_str_eq(said, "");
    ck_assert(!s.foreground && s.config_named && !s.device_reset);
    ck_assert_uint_eq(s.log_level, XTL_INFO);
    ck_assert_str_eq(s.log_file, LOCALSTATEDIR "/log/xen/pvscsid.log");
    ck_assert_str_eq(s.run_dir, "/run/pvscsid");
    ck_assert_str_eq(s.standalone, "");
    ck_assert_uint_eq(s.max_segments, 128);
    ck_assert_uint_eq(s.max_luns, 256);
    ck_assert_uint_eq(s.pr_mode, PR_AUTO);
    ck_assert_str_eq(s.pr_socket, "/run/qemu-pr-helper.sock");
    ck_assert_uint_eq(s.pr_deadline_s, 30);
    ck_assert_uint_eq(s.poll, POLL_AUTO);
    ck_assert_uint_eq(s.sandbox, SANDBOX_AUTO);
    ck_assert_uint_eq(s.sandbox_uid_base, 0x70000000);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        char value[512];

        if (!expected[i].key)
            continue;
        setting(&s, expected[i].key, value, sizeof(value));
        ck_assert_str_eq(value, expected[i].preset);
    }
}
END_TEST

/* By the command line and by the file: taken, or refused with the range. */
static void check_value(const struct expected *e, const char *value, bool good)
{
    CLEANUP_FREE char *option = strf("--%s=%s", e->name, value), *line = strf("# one\n%s = \"%s\"\n", e->key, value);
    CLEANUP_FREE char *range = strf("expected a number from %u to %u\n", e->min, e->max);
    CLEANUP_FREE char *where = strf("%s:2: %s = '%s' ", conf, e->key, value), *at = strf("--%s: '%s' ", e->name, value);
    char now[512];
    struct settings s;

    write_conf("");
    ck_assert_msg(load(&s, option, NULL) == (good ? OPTIONS_RUN : OPTIONS_ERROR), "%s: %s", option, said);
    if (good) {
        setting(&s, e->key, now, sizeof(now));
        ck_assert_str_eq(now, value);
    } else {
        ck_assert_msg(strstr(said, at) && strstr(said, range), "%s: %s", option, said);
    }
    write_conf(line);
    ck_assert_msg(load(&s, NULL, NULL) == (good ? OPTIONS_RUN : OPTIONS_ERROR), "%s: %s", line, said);
    if (good) {
        setting(&s, e->key, now, sizeof(now));
        ck_assert_str_eq(now, value);
    } else {
        ck_assert_msg(strstr(said, where) && strstr(said, range), "%s: %s", line, said);
    }
}

START_TEST(numbers_are_taken_in_their_range_only)
{
    static const char *const no_number[] = {
        "", "-1", "+30", " 30", "30 ", "0x20", "30s", "3.0", "4294967297", "99999999999999999999",
    };
    unsigned numbers = 0;

    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct expected *e = &expected[i];
        unsigned long at[] = { e->min - 1, e->min, e->max, e->max + 1 };

        if (e->max < 2)
            continue;
        numbers++;
        for (size_t k = 0; k < ARRAY_SIZE(at); k++) {
            CLEANUP_FREE char *value = strf("%lu", at[k]);

            check_value(e, value, k == 1 || k == 2);
        }
        for (size_t k = 0; k < ARRAY_SIZE(no_number); k++)
            check_value(e, no_number[k], false);
    }
    ck_assert_uint_eq(numbers, 5);
}
END_TEST

static const struct {
    const char *name, *value;
    const char *want; /* NULL: taken */
} words[] = {
    { "log-level", "debug" },
    { "log-level", "verbose" },
    { "log-level", "detail" },
    { "log-level", "progress" },
    { "log-level", "info" },
    { "log-level", "notice" },
    { "log-level", "warning" },
    { "log-level", "error" },
    { "log-level", "critical" },
    { "log-level", "loud", "expected debug, verbose, detail, progress, info, notice, warning, error or critical" },
    { "log-level", "INFO", "expected debug, verbose" },
    { "log-level", "", "expected debug, verbose" },
    { "pr", "auto" },
    { "poll", "auto" },
    { "poll", "0" },
    { "poll", "200" },
    { "poll", "201", "expected auto, or a number from 0 to 200" },
    { "poll", "-1", "expected auto, or a number from 0 to 200" },
    { "poll", "Auto", "expected auto, or a number from 0 to 200" },
    { "poll", "", "expected auto, or a number from 0 to 200" },
    { "pr", "helper" },
    { "pr", "direct" },
    { "pr", "deny" },
    { "pr", "Helper", "expected auto, helper, direct or deny" },
    { "pr", "", "expected auto, helper, direct or deny" },
    { "device-reset", "0" },
    { "device-reset", "1" },
    { "device-reset", "2", "expected 0 or 1" },
    { "device-reset", "yes", "expected 0 or 1" },
    { "device-reset", "", "expected 0 or 1" },
    { "device-reset", "01", "expected 0 or 1" },
    { "run-dir", "", "expected a path of 1 to 255 characters" },
    { "log-file", "", "expected a path of 1 to 255 characters" },
    { "pr-socket", "", "expected a path of 1 to 107 characters" },
};

START_TEST(words_are_taken_from_their_list_only)
{
    CLEANUP_FREE char *option = strf("--%s", words[_i].name);
    struct settings s;

    ck_assert_int_eq(load(&s, option, words[_i].value), words[_i].want ? OPTIONS_ERROR : OPTIONS_RUN);
    if (words[_i].want)
        ck_assert_msg(strstr(said, option) && strstr(said, words[_i].want), "%s", said);
}
END_TEST

START_TEST(paths_have_a_length)
{
    static const struct {
        const char *name;
        int most;
    } paths[] = {
        { "log-file", 255 },
        { "run-dir", 255 },
        { "pr-socket", 107 },
        { "standalone", 107 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        for (int extra = 0; extra < 2; extra++) {
            CLEANUP_FREE char *option = strf("--%s=/%0*d", paths[i].name, paths[i].most - 1 + extra, 0);
            CLEANUP_FREE char *want = strf("expected a path of 1 to %d characters\n", paths[i].most);
            struct settings s;

            ck_assert_int_eq(load(&s, option, NULL), extra ? OPTIONS_ERROR : OPTIONS_RUN);
            ck_assert_msg(!extra || strstr(said, want), "%s", said);
        }
    }
}
END_TEST

START_TEST(the_command_line_wins_over_the_file)
{
    CLEANUP_FREE char *text = NULL;
    struct settings s;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
        if (expected[i].key)
            fprintf(f, "%s = \"%s\"\n", expected[i].key, expected[i].in_file);
    fclose(f);
    write_conf(text);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const char *given = expected[i].given ? expected[i].given : expected[i].preset;
        char value[512];

        if (!expected[i].key)
            continue;
        ck_assert_msg(load(&s, NULL, NULL) == OPTIONS_RUN, "%s", said);
        setting(&s, expected[i].key, value, sizeof(value));
        ck_assert_str_eq(value, expected[i].in_file);
        for (int form = 0; form < 2; form++) { /* --name VALUE, --name=VALUE */
            CLEANUP_FREE char *option = strf("--%s%s%s", expected[i].name, form ? "=" : "", form ? given : "");

            ck_assert_msg(load(&s, option, form ? NULL : given) == OPTIONS_RUN, "%s", said);
            setting(&s, expected[i].key, value, sizeof(value));
            ck_assert_str_eq(value, given);
        }
    }
}
END_TEST

static void same_settings(const struct settings *a, const struct settings *b)
{
    ck_assert_uint_eq(a->log_level, b->log_level);
    ck_assert_str_eq(a->log_file, b->log_file);
    ck_assert_str_eq(a->run_dir, b->run_dir);
    ck_assert_uint_eq(a->max_segments, b->max_segments);
    ck_assert_uint_eq(a->max_luns, b->max_luns);
    ck_assert_uint_eq(a->pr_mode, b->pr_mode);
    ck_assert_str_eq(a->pr_socket, b->pr_socket);
    ck_assert_uint_eq(a->pr_deadline_s, b->pr_deadline_s);
    ck_assert_int_eq(a->device_reset, b->device_reset);
    ck_assert_uint_eq(a->granted_pages, b->granted_pages);
    ck_assert_uint_eq(a->poll, b->poll);
    ck_assert_int_eq(a->policy, b->policy);
    ck_assert_str_eq(a->allow.text, b->allow.text);
    ck_assert_str_eq(a->deny.text, b->deny.text);
    ck_assert_str_eq(a->permit.text, b->permit.text);
    ck_assert_uint_eq(a->deny.rules.n, b->deny.rules.n);
    ck_assert_int_eq(a->permit.rules.all, b->permit.rules.all);
    ck_assert_uint_eq(a->sandbox, b->sandbox);
    ck_assert_uint_eq(a->sandbox_uid_base, b->sandbox_uid_base);
}

START_TEST(what_is_dumped_gives_the_same_settings)
{
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        for (int which = 0; which < 2; which++) {
            const char *value = which ? expected[i].given : expected[i].in_file;
            CLEANUP_FREE char *option = strf("--%s=%s", expected[i].name, value ? value : "");
            CLEANUP_FREE char *text = NULL;
            struct settings a, b;

            if (!value)
                continue;
            write_conf("");
            ck_assert_msg(load(&a, option, "--dump-config") == OPTIONS_DUMP_CONFIG, "%s", said);
            text = dump(&a);
            write_conf(text);
            ck_assert_msg(load(&b, NULL, NULL) == OPTIONS_RUN, "%s%s", text, said);
            same_settings(&a, &b);
        }
    }
}
END_TEST

START_TEST(what_is_dumped_keeps_what_quotes_would_change)
{
    CLEANUP_FREE char *text = NULL;
    struct settings a, b;

    write_conf("");
    ck_assert_int_eq(load(&a, "--log-file=/var/log/a\"b\\n${HOME}", "--dump-config"), OPTIONS_DUMP_CONFIG);
    ck_assert_str_eq(a.log_file, "/var/log/a\"b\\n${HOME}");
    text = dump(&a);
    write_conf(text);
    ck_assert_msg(load(&b, NULL, NULL) == OPTIONS_RUN, "%s%s", text, said);
    same_settings(&a, &b);
}
END_TEST

START_TEST(a_reload_that_fails_changes_nothing)
{
    char *argv[] = { (char *)(uintptr_t) "pvscsid", (char *)(uintptr_t) "--config", conf, NULL };
    struct settings s;
    FILE *err = fopen("/dev/null", "w");

    write_conf("max_luns = 7\nlog_level = \"error\"\n");
    ck_assert_int_eq(load(&s, NULL, NULL), OPTIONS_RUN);
    write_conf("log_level = \"debug\"\nmax_luns = 0\n");
    ck_assert_int_eq(options_reload(3, argv, &s, err), -EINVAL);
    ck_assert_uint_eq(s.log_level, XTL_ERROR);
    ck_assert_uint_eq(s.max_luns, 7);
    write_conf("log_level = \"debug\"\n");
    ck_assert_int_eq(options_reload(3, argv, &s, err), 0);
    ck_assert_uint_eq(s.log_level, XTL_DEBUG);
    ck_assert_uint_eq(s.max_luns, 256);
    fclose(err);
}
END_TEST

/* What of the settings the daemon keeps when this key has changed, and where it is told. */
START_TEST(a_changed_key_is_taken_over_or_waits)
{
    static const struct {
        const char *says;
        enum option_effect effect;
        const char *text;
    } effects[] = {
        { AT_ONCE, EFFECT_AT_ONCE, "in force" },
        { NEW_DEVICES, EFFECT_ATTACH, "for devices that are attached from now on" },
        { NEW_VHOSTS, EFFECT_VHOST, "for virtual hosts that are made from now on" },
        { AT_RESTART, EFFECT_RESTART, "after a restart of the daemon" },
    };
    unsigned keys = 0;

    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct expected *e = &expected[i];
        CLEANUP_FREE char *text = NULL;
        struct options_changes changes;
        struct settings before, s, fresh;
        size_t which = 0;

        if (!e->key) {
            ck_assert_int_eq(options_effect(e->name), EFFECT_NONE);
            continue;
        }
        keys++;
        while (which < ARRAY_SIZE(effects) && strcmp(effects[which].says, e->effect) != 0)
            which++;
        ck_assert_uint_lt(which, ARRAY_SIZE(effects));
        ck_assert_int_eq(options_effect(e->key), effects[which].effect);
        ck_assert_str_eq(option_effect_text(effects[which].effect), effects[which].text);
        write_conf("");
        ck_assert_int_eq(load(&before, NULL, NULL), OPTIONS_RUN);
        text = strf("%s = '%s'\n", e->key, e->in_file);
        write_conf(text);
        ck_assert_msg(load(&fresh, NULL, NULL) == OPTIONS_RUN, "%s%s", text, said);
        s = before;
        options_take_over(&s, &fresh, &changes);
        ck_assert_uint_eq(changes.n, 1);
        for (unsigned j = 0; j < OPTION_EFFECTS; j++) {
            const char *told = changes.keys[j];

            if (j != (unsigned)effects[which].effect)
                ck_assert_str_eq(told, "");
            else if (j == EFFECT_RESTART)
                ck_assert_msg(strncmp(told, e->key, strlen(e->key)) == 0 && strstr(told, e->in_file), "%s", told);
            else
                ck_assert_str_eq(told, e->key);
        }
        same_settings(&s, effects[which].effect == EFFECT_RESTART ? &before : &fresh);
        /* What was taken over is not told again, and what waits is. */
        options_take_over(&s, &fresh, &changes);
        ck_assert_uint_eq(changes.n, effects[which].effect == EFFECT_RESTART);
    }
    ck_assert_uint_eq(keys, 17);
}
END_TEST

START_TEST(all_keys_can_change_at_once)
{
    CLEANUP_FREE char *text = strdup("");
    struct options_changes changes;
    struct settings s, fresh;

    write_conf("");
    ck_assert_int_eq(load(&s, NULL, NULL), OPTIONS_RUN);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        CLEANUP_FREE char *before = text;

        text = expected[i].key ? strf("%s%s = '%s'\n", before, expected[i].key, expected[i].in_file) : strdup(before);
    }
    write_conf(text);
    ck_assert_int_eq(load(&fresh, NULL, NULL), OPTIONS_RUN);
    options_take_over(&s, &fresh, &changes);
    ck_assert_uint_eq(changes.n, 17);
    ck_assert_str_eq(changes.keys[EFFECT_AT_ONCE], "log_level, log_file, pr_socket, device_reset, granted_pages, poll, "
                                                   "policy, allow, deny, permit");
    ck_assert_str_eq(changes.keys[EFFECT_ATTACH], "max_luns, pr, pr_deadline");
    ck_assert_str_eq(changes.keys[EFFECT_VHOST], "max_segments");
    ck_assert_str_eq(changes.keys[EFFECT_RESTART],
                     "run_dir (\"/run/pvscsid\" now, \"/a\" then), sandbox (\"auto\" now, \"off\" then), "
                     "sandbox_uid_base (1879048192 now, 65536 then)");
}
END_TEST

START_TEST(a_long_value_is_not_repeated)
{
    struct options_changes changes;
    struct settings s, fresh;

    write_conf("");
    ck_assert_int_eq(load(&s, NULL, NULL), OPTIONS_RUN);
    write_conf("run_dir = '/a/directory/with/a/name/that/is/longer/than/a/line/has/room/for'\n");
    ck_assert_int_eq(load(&fresh, NULL, NULL), OPTIONS_RUN);
    options_take_over(&s, &fresh, &changes);
    ck_assert_str_eq(changes.keys[EFFECT_RESTART], "run_dir");
}
END_TEST

/* --- mistakes --- */

static const struct {
    const char *a, *b;
    enum options_result result;
} outcomes[] = {
    { "--foreground", NULL, OPTIONS_RUN },
    { "-f", NULL, OPTIONS_RUN },
    { "--dump-config", NULL, OPTIONS_DUMP_CONFIG },
    { "--version", NULL, OPTIONS_VERSION },
    { "--help", NULL, OPTIONS_HELP },
    { "-h", NULL, OPTIONS_HELP },
    { "-fh", NULL, OPTIONS_HELP },
    { "--worker", NULL, OPTIONS_WORKER },
    { "--dump-config", "--version", OPTIONS_VERSION },
    { "--version", "--dump-config", OPTIONS_VERSION },
    { "--version", "-h", OPTIONS_HELP },
};

START_TEST(what_is_asked_for_is_told)
{
    struct settings s;

    ck_assert_int_eq(load(&s, outcomes[_i].a, outcomes[_i].b), outcomes[_i].result);
    ck_assert_str_eq(said, "");
    /* For these no file is read. */
    write_conf("nonsense = 1\n");
    ck_assert_int_eq(load(&s, outcomes[_i].a, outcomes[_i].b),
                     outcomes[_i].result == OPTIONS_RUN || outcomes[_i].result == OPTIONS_DUMP_CONFIG
                         ? OPTIONS_ERROR
                         : outcomes[_i].result);
}
END_TEST

static const struct {
    const char *text; /* of the file */
    const char *a, *b;
    const char *said; /* CONF stands for the file's name */
} mistakes[] = {
    { "", "--no-such", NULL, "unknown option '--no-such' (see --help)\n" },
    { "", "--max-lun=5", NULL, "unknown option '--max-lun=5' (see --help)\n" },
    { "", "--", NULL, "unexpected argument '--'; expected options only (see --help)\n" },
    { "", "--max-luns=5", "stray", "unexpected argument 'stray'; expected options only (see --help)\n" },
    { "", "--max-lun", "5", "unknown option '--max-lun' (see --help)\n" },
    { "", "--foregroun", NULL, "unknown option '--foregroun' (see --help)\n" },
    { "", "--standalon", NULL, "unknown option '--standalon' (see --help)\n" },
    { "", "--helpme", NULL, "unknown option '--helpme' (see --help)\n" },
    { "", "-x", NULL, "unknown option '-x' (see --help)\n" },
    { "", "-fx", NULL, "unknown option '-fx' (see --help)\n" },
    { "", "-", NULL, "unexpected argument '-'; expected options only (see --help)\n" },
    { "", "stray", NULL, "unexpected argument 'stray'; expected options only (see --help)\n" },
    { "", "", NULL, "unexpected argument ''; expected options only (see --help)\n" },
    { "", "--foreground=1", NULL, "--foreground takes no value\n" },
    { "", "--max-luns", NULL, "--max-luns needs a value: N\n" },
    { "", "--pr-socket", NULL, "--pr-socket needs a value: SOCKET\n" },
    { "", "--max-luns", "257", "--max-luns: '257' is not valid; expected a number from 1 to 256\n" },
    { "", "--config", "/nonexistent/c", "cannot read the config file /nonexistent/c: No such file or directory\n" },
    { "", "--config", "/", "cannot read the config file /: Is a directory\n" },
    { "no_such = 1\n", NULL, NULL, "CONF:1: unknown key 'no_such' (pvscsid.conf(5) has the list)\n" },
    { "# x\n\nmax-luns = 1\n", NULL, NULL, "CONF:3: unknown key 'max-luns' (pvscsid.conf(5) has the list)\n" },
    { "pr = 'deny' # max_luns = 0\nfoo = [\n1, 2 ]\n", NULL, NULL, "CONF:2: unknown key 'foo'" },
    { "max_luns = 5\nconfig = '/x'\n", NULL, NULL, "CONF:2: unknown key 'config'" },
    { "standalone = '/x'\n", NULL, NULL, "CONF:1: unknown key 'standalone'" },
    { "worker = 1\n", NULL, NULL, "CONF:1: unknown key 'worker'" },
    { "max_luns = 0\n", NULL, NULL, "CONF:1: max_luns = '0' is not valid; expected a number from 1 to 256\n" },
    { "max_luns = 4294967301\n", NULL, NULL,
      "CONF:1: max_luns = '4294967301' is not valid; expected a number from 1 to 256\n" },
    { "max_luns = 5;\n", NULL, NULL, "CONF:1: max_luns = '5;' is not valid; expected a number from 1 to 256\n" },
    { "pr = \"x\"\n", NULL, NULL, "CONF:1: pr = 'x' is not valid; expected auto, helper, direct or deny\n" },
    { "\n\nmax_luns = [ 1, 2 ]\n", NULL, NULL,
      "CONF:3: syntax error; expected max_luns = VALUE and no more, a text in quotes\n" },
    { "log_level = 'info'; nope = 1\n", NULL, NULL,
      "CONF:1: syntax error; expected log_level = VALUE and no more, a text in quotes\n" },
    { "max_luns = { 1 }\n", NULL, NULL, "CONF:1: syntax error; expected max_luns = VALUE" },
    { "max_luns = 5 pr = 'deny'\n", NULL, NULL, "CONF:1: syntax error; expected max_luns = VALUE" },
    { "max_luns =\n", NULL, NULL, "CONF:1: syntax error; expected max_luns = VALUE" },
    { "max_luns =\npr = 'deny'\n", NULL, NULL, "CONF:1: syntax error; expected max_luns = VALUE" },
    { "max_luns\n", NULL, NULL, "CONF:1: syntax error; expected max_luns = VALUE" },
    { "max_luns += 5\n", NULL, NULL, "CONF:1: syntax error; expected max_luns = VALUE" },
    { "max_luns = 5 }\n", NULL, NULL, "CONF:1: syntax error; expected max_luns = VALUE" },
    { "run_dir = \"/a\n\"\n", NULL, NULL, "CONF:1: syntax error; expected run_dir = VALUE" },
    { "run_dir = '/a\n'\n", NULL, NULL, "CONF:1: syntax error; expected run_dir = VALUE" },
    { "# '\n#\n\n  # \"\n\t\n= 5\n", NULL, NULL, "CONF:6: syntax error; expected KEY = VALUE\n" },
    { "// max_luns = 5\n", NULL, NULL, "CONF:1: syntax error; expected KEY = VALUE\n" },
    { "/* max_luns = 5 */\n", NULL, NULL, "CONF:1: syntax error; expected KEY = VALUE\n" },
    { "include('/etc/xen/more')\n", NULL, NULL, "CONF:1: unknown key 'include'" },
};

START_TEST(mistake_is_explained_in_one_line)
{
    CLEANUP_FREE char *got = NULL;
    const char *at;
    struct settings s;

    write_conf(mistakes[_i].text);
    ck_assert_int_eq(load(&s, mistakes[_i].a, mistakes[_i].b), OPTIONS_ERROR);
    at = strstr(said, conf);
    got = at ? strf("%.*sCONF%s", (int)(at - said), said, at + strlen(conf)) : strdup(said);
    ck_assert_msg(strncmp(got, mistakes[_i].said, strlen(mistakes[_i].said)) == 0, "'%s', not '%s'", got,
                  mistakes[_i].said);
    at = strchr(said, '\n');
    ck_assert_msg(at && at[1] == '\0', "not one line: '%s'", said);
}
END_TEST

START_TEST(the_forms_of_a_setting_are_read)
{
    static const struct {
        const char *text, *log_file;
        unsigned max_luns;
    } forms[] = {
        { "log_file=\"/a\"\nmax_luns=7", "/a", 7 },
        { "# first\n\n  log_file = '/a b' # why\n\tmax_luns\t=\t\"7\"   # 8\n", "/a b", 7 },
        { "log_file = '#/\"${HOME}'\r\nmax_luns = 7\r\n", "#/\"${HOME}", 7 },
        { "max_luns = 8\nlog_file = \"/\\\"\\\\\\${HOME}'\"\nmax_luns = 7\n", "/\"\\${HOME}'", 7 },
        { "log_file = \"/${PVSCSI_TEST}\"\nmax_luns = 7\n", "/of the environment", 7 },
    };

    setenv("PVSCSI_TEST", "of the environment", 1);
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        struct settings s;

        write_conf(forms[i].text);
        ck_assert_msg(load(&s, NULL, NULL) == OPTIONS_RUN, "%s: %s", forms[i].text, said);
        ck_assert_str_eq(s.log_file, forms[i].log_file);
        ck_assert_uint_eq(s.max_luns, forms[i].max_luns);
    }
}
END_TEST

START_TEST(a_file_with_a_nul_is_refused)
{
    FILE *f = fopen(conf, "w");
    struct settings s;

    fwrite("pr = 'deny'\n\0x", 1, 14, f);
    fclose(f);
    ck_assert_int_eq(load(&s, NULL, NULL), OPTIONS_ERROR);
    ck_assert_ptr_nonnull(strstr(said, "holds a NUL byte; expected text\n"));
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, the_table_is_what_is_expected_here);
    tcase_add_test(t, defaults);
    tcase_add_test(t, numbers_are_taken_in_their_range_only);
    tcase_add_loop_test(t, words_are_taken_from_their_list_only, 0, ARRAY_SIZE(words));
    tcase_add_test(t, paths_have_a_length);
    tcase_add_test(t, the_command_line_wins_over_the_file);
    tcase_add_test(t, what_is_dumped_gives_the_same_settings);
    tcase_add_test(t, what_is_dumped_keeps_what_quotes_would_change);
    tcase_add_test(t, a_reload_that_fails_changes_nothing);
    tcase_add_test(t, a_changed_key_is_taken_over_or_waits);
    tcase_add_test(t, all_keys_can_change_at_once);
    tcase_add_test(t, a_long_value_is_not_repeated);
    tcase_add_loop_test(t, what_is_asked_for_is_told, 0, ARRAY_SIZE(outcomes));
    tcase_add_loop_test(t, mistake_is_explained_in_one_line, 0, ARRAY_SIZE(mistakes));
    tcase_add_test(t, the_forms_of_a_setting_are_read);
    tcase_add_test(t, a_file_with_a_nul_is_refused);
}

int main(void)
{
    return run_tests("options", setup, teardown, add_tests);
}
