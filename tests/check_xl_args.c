// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xl's command line: which command it names, and the arguments of create and restore. What is accepted follows the real
 * xl (4.17): cmdtable_lookup(), main_create(), main_restore().
 */
#include "config.h"

#include <check.h>
#include <stdio.h>

#include "common/util.h"
#include "xl-scsi/xl-args.h"
#include "suite.h"

#define ARGS 16

/* Splits at blanks; *argc of them. The array is static. */
static char **split(const char *text, int *argc)
{
    static char copy[512], *argv[ARGS + 1];

    snprintf(copy, sizeof(copy), "%s", text);
    *argc = 0;
    for (char *p = strtok(copy, " "); p && *argc < ARGS; p = strtok(NULL, " "))
        argv[(*argc)++] = p;
    argv[*argc] = NULL;
    return argv;
}

static const char others[] = "create config-update list destroy shutdown reboot pause unpause console save restore "
                             "migrate sched-credit rename remus cd-insert cpupool-create ";

static const struct {
    const char *word;
    enum xl_command with, without; /* knowing the others, and not */
    bool maybe;
} words[] = {
    { "create", XL_CREATE, XL_CREATE, true },      { "cre", XL_CREATE, XL_OTHER, true },
    { "cr", XL_CREATE, XL_OTHER, true },           { "c", XL_OTHER, XL_OTHER, true },
    { "creates", XL_OTHER, XL_OTHER, false },      { "restore", XL_RESTORE, XL_RESTORE, true },
    { "res", XL_RESTORE, XL_OTHER, true },         { "re", XL_OTHER, XL_OTHER, true },
    { "scsi-attach", XL_ATTACH, XL_ATTACH, true }, { "scsi-a", XL_ATTACH, XL_OTHER, true },
    { "scsi-", XL_OTHER, XL_OTHER, true },         { "s", XL_OTHER, XL_OTHER, true },
    { "scsi-detach", XL_DETACH, XL_DETACH, true }, { "scsi-d", XL_DETACH, XL_OTHER, true },
    { "scsi-list", XL_LIST, XL_LIST, true },       { "scsi-l", XL_LIST, XL_OTHER, true },
    { "scsi-set", XL_SET, XL_SET, true },          { "scsi-s", XL_SET, XL_OTHER, true },
    { "list", XL_OTHER, XL_OTHER, false },         { "", XL_OTHER, XL_OTHER, false },
};

START_TEST(word_is_a_command)
{
    ck_assert_int_eq(xl_command_find(words[_i].word, others), words[_i].with);
    ck_assert_int_eq(xl_command_find(words[_i].word, NULL), words[_i].without);
    ck_assert_int_eq(xl_command_maybe(words[_i].word), words[_i].maybe);
}
END_TEST

static const struct {
    const char *text;
    int command; /* 0: not understood */
    bool dry_run;
} lines[] = {
    { "xl create x", 1, false },    { "xl -v create x", 2, false },   { "xl -vvv -f -t create -p", 4, false },
    { "xl -vN create x", 2, true }, { "xl -N -T create x", 3, true }, { "xl", 0, false },
    { "xl -v", 0, false },          { "xl -x create", 0, false },     { "xl - create", 0, false },
    { "xl -- create", 0, false },
};

START_TEST(line_has_a_command)
{
    int argc;
    char **argv = split(lines[_i].text, &argc);
    struct xl_line line;

    ck_assert_int_eq(xl_line_parse(argc, argv, &line), lines[_i].command != 0);
    if (lines[_i].command) {
        ck_assert_int_eq(line.command, lines[_i].command);
        ck_assert_int_eq(line.dry_run, lines[_i].dry_run);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *config, *saved, *again; /* again NULL: for the real xl */
    bool paused, console, foreground, dry_run;
} starts[] = {
    { "create a.cfg", "a.cfg", NULL, "/xl -v create -p -f a.cfg" },
    { "create -p a.cfg", "a.cfg", NULL, "/xl -v create -p -f a.cfg", .paused = true },
    { "create a.cfg -pc", "a.cfg", NULL, "/xl -v create -p -c -f a.cfg", .paused = true, .console = true },
    { "create -c -F a.cfg", "a.cfg", NULL, "/xl -v create -p -c -F -f a.cfg", .console = true, .foreground = true },
    { "create -qdeVAi a.cfg", "a.cfg", NULL, "/xl -v create -p -q -d -e -V -A -i -f a.cfg" },
    { "create -Fe a.cfg", "a.cfg", NULL, "/xl -v create -p -F -e -f a.cfg", .foreground = true },
    { "create --quiet --vncviewer a.cfg", "a.cfg", NULL, "/xl -v create -p -q -V -f a.cfg" },
    { "create -n a.cfg", "a.cfg", NULL, "/xl -v create -p -f a.cfg", .dry_run = true },
    { "create --dryrun a.cfg", "a.cfg", NULL, "/xl -v create -p -f a.cfg", .dry_run = true },
    { "create -f a.cfg", "a.cfg", NULL, "/xl -v create -p -f a.cfg" },
    { "create -fa.cfg", "a.cfg", NULL, "/xl -v create -p -f a.cfg" },
    { "create --defconfig=a.cfg x=1", "a.cfg", NULL, "/xl -v create -p -f a.cfg x=1" },
    { "create --defconfig a.cfg", "a.cfg", NULL, "/xl -v create -p -f a.cfg" },
    { "create a.cfg memory=1 name='b'", "a.cfg", NULL, "/xl -v create -p -f a.cfg memory=1 name='b'" },
    { "create memory=1 a.cfg vcpus=2 -c", "a.cfg", NULL, "/xl -v create -p -c -f a.cfg memory=1 vcpus=2",
      .console = true },
    { "create b.cfg -f a.cfg", "a.cfg", NULL, "/xl -v create -p -f a.cfg" },
    { "create -p -- -odd.cfg", "-odd.cfg", NULL, "/xl -v create -p -f -odd.cfg", .paused = true },
    { "create /dev/null name=x", "/dev/null", NULL, "/xl -v create -p -f /dev/null name=x" },
    { "create", NULL, NULL, NULL },
    { "create -p", NULL, NULL, NULL },
    { "create name=x", NULL, NULL, NULL },
    { "create a.cfg b.cfg", NULL, NULL, NULL },
    { "create -p a.cfg b.cfg", NULL, NULL, NULL },
    { "create -h", NULL, NULL, NULL },
    { "create --help", NULL, NULL, NULL },
    { "create -Z a.cfg", NULL, NULL, NULL },
    { "create -f", NULL, NULL, NULL },
    { "restore s", NULL, "s", "/xl -v restore -p -- s" },
    { "restore -pcF s", NULL, "s", "/xl -v restore -p -c -F -- s", .paused = true, .console = true,
      .foreground = true },
    { "restore a.cfg s", "a.cfg", "s", "/xl -v restore -p -- a.cfg s" },
    { "restore a.cfg s -de", "a.cfg", "s", "/xl -v restore -p -d -e -- a.cfg s" },
    { "restore -- -s", NULL, "-s", "/xl -v restore -p -- -s" },
    { "restore", NULL, NULL, NULL },
    { "restore a b c", NULL, NULL, NULL },
    { "restore -n s", NULL, NULL, NULL },
};

START_TEST(start_is_understood)
{
    int argc;
    char **argv = split(starts[_i].text, &argc), *globals[] = { (char *)"-v" }, joined[512] = "";
    char *before[ARGS + 1];
    struct xl_start s;

    memcpy(before, argv, sizeof(before));
    ck_assert_int_eq(xl_start_parse(argv[0][0] == 'r', argc, argv, &s), starts[_i].again != NULL);
    /* What the real xl gets in the end is the user's line, not a permutation of it. */
    ck_assert_mem_eq(before, argv, sizeof(before));
    if (!starts[_i].again)
        return;
    ck_assert_pstr_eq(s.config, starts[_i].config);
    ck_assert_pstr_eq(s.saved, starts[_i].saved);
    ck_assert_int_eq(s.paused, starts[_i].paused);
    ck_assert_int_eq(s.console, starts[_i].console);
    ck_assert_int_eq(s.foreground, starts[_i].foreground);
    ck_assert_int_eq(s.dry_run, starts[_i].dry_run);

    CLEANUP_FREE char **again = xl_start_args(&s, "/xl", globals, 1);

    for (char **p = again; *p; p++) {
        strcat(joined, p == again ? "" : " ");
        strcat(joined, *p);
    }
    ck_assert_str_eq(joined, starts[_i].again);
    xl_start_clear(&s);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, word_is_a_command, 0, ARRAY_SIZE(words));
    tcase_add_loop_test(t, line_has_a_command, 0, ARRAY_SIZE(lines));
    tcase_add_loop_test(t, start_is_understood, 0, ARRAY_SIZE(starts));
}

int main(void)
{
    return run_tests("xl's command line", NULL, NULL, add_tests);
}
