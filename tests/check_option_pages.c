// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The options of the daemon in pvscsid(8), in pvscsid.conf(5) and in --help: each is there with its argument, default
 * and range, and the pages have no other. The pages may be templates (*.in); their directories stand for those that the
 * build was configured with.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util.h"
#include "control/options.h"
#include "expected-options.h"
#include "must.h"
#include "suite.h"

struct item {
    char name[64], arg[64], body[2048];
    char short_name;
};

static void append(char *to, size_t size, const char *from, size_t len)
{
    size_t at = strlen(to);

    ck_assert_uint_lt(at + len, size);
    memcpy(to + at, from, len);
    to[at + len] = '\0';
}

/* The page with its directories as configured. */
static char *read_page(const char *name)
{
    static const char *const as_template[][2] = {
        { "@sysconfdir@", SYSCONFDIR },
        { "@localstatedir@", LOCALSTATEDIR },
        { "@runstatedir@", RUNSTATEDIR },
        { "@pkgdatadir@", PKGDATADIR },
    };
    static const char *const as_page[][2] = { { "/etc/xen/", SYSCONFDIR "/xen/" },
                                              { "/var/log/", LOCALSTATEDIR "/log/" } };
    const char *top = getenv("top_srcdir");
    CLEANUP_FREE char *path = strf("%s/docs/%s.in", top ? top : ".", name);
    bool template = access(path, R_OK) == 0;
    CLEANUP_FREE char *text = NULL;
    static char page[65536];
    size_t to = 0;

    if (!template)
        path[strlen(path) - 3] = '\0';
    ck_assert_msg(read_file(path, sizeof(page) / 2, &text, NULL) == 0, "cannot read %s", path);
    for (const char *at = text; *at;) {
        const char *const(*pair)[2] = template ? as_template : as_page;
        size_t n = template ? ARRAY_SIZE(as_template) : ARRAY_SIZE(as_page), i = 0;
        const char *from = at;
        size_t len = 1;

        while (i < n && strncmp(at, pair[i][0], strlen(pair[i][0])) != 0)
            i++;
        if (i < n) {
            from = pair[i][1];
            len = strlen(from);
        }
        must(to + len < sizeof(page), "%s is too long", path);
        memcpy(page + to, from, len);
        to += len;
        at += i < n ? strlen(pair[i][0]) : 1;
    }
    page[to] = '\0';
    ck_assert_msg(!template || !strchr(page, '@'), "%s has a variable that this test does not know", path);
    return page;
}

/* "Fl f , -foreground", "Fl -config Ar FILE", "Fl -device-reset Ar 0 Ns | Ns Ar 1", "Va log_level" */
static void parse_head(char *head, struct item *it)
{
    char *save = NULL;

    for (char *w = strtok_r(head, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        if (strcmp(w, "Fl") == 0 || strcmp(w, "Va") == 0 || strcmp(w, "Ar") == 0 || strcmp(w, "Ns") == 0
            || strcmp(w, ",") == 0)
            continue;
        if (it->name[0])
            append(it->arg, sizeof(it->arg), w, strlen(w));
        else if (w[0] == '-')
            append(it->name, sizeof(it->name), w + 1, strlen(w + 1));
        else if (w[1] == '\0')
            it->short_name = w[0];
        else
            append(it->name, sizeof(it->name), w, strlen(w));
    }
}

/* The items of this kind (".It Fl ", ".It Va "), with their text in one line and without macros. */
static size_t items(const char *page, const char *kind, struct item *out, size_t room)
{
    CLEANUP_FREE char *text = strdup(read_page(page));
    struct item *it = NULL;
    char *save = NULL;
    size_t n = 0;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, kind, strlen(kind)) == 0) {
            ck_assert_uint_lt(n, room);
            it = &out[n++];
            memset(it, 0, sizeof(*it));
            parse_head(line + 4, it);
        } else if (strncmp(line, ".It", 3) == 0 || strncmp(line, ".El", 3) == 0 || strncmp(line, ".Sh", 3) == 0
                   || strncmp(line, ".Ss", 3) == 0) {
            it = NULL;
        } else if (it) {
            const char *words = line[0] == '.' && strchr(line, ' ') ? strchr(line, ' ') + 1 : line;

            append(it->body, sizeof(it->body), words, strlen(words));
            append(it->body, sizeof(it->body), " ", 1);
        }
    }
    return n;
}

static const struct item *find(const struct item *its, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(its[i].name, name) == 0)
            return &its[i];
    return NULL;
}

/* The word that an item calls the default; "" when it names none. */
static void default_of(const struct item *it, char word[128])
{
    static const char *const before[] = { "Default: ", "he default is ", "he default one, " };
    static const char *const after[] = { " , the default," };

    word[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        const char *at = strstr(it->body, before[i]);

        if (at) {
            at += strlen(before[i]);
            append(word, 128, at, strcspn(at, " "));
            while (word[0] && strchr(".,:", word[strlen(word) - 1]))
                word[strlen(word) - 1] = '\0';
            return;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
        const char *end = strstr(it->body, after[i]), *at = end;

        while (at && at > it->body && at[-1] != ' ')
            at--;
        if (at)
            append(word, 128, at, (size_t)(end - at));
    }
}

START_TEST(every_option_is_in_the_page_and_the_other_way_round)
{
    struct item its[64];
    size_t n = items("pvscsid.8", ".It Fl ", its, ARRAY_SIZE(its));
    unsigned defaults = 0;

    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct item *it = find(its, n, expected[i].name);
        char word[128];

        ck_assert_msg(it != NULL, "--%s is not in pvscsid(8)", expected[i].name);
        ck_assert_msg(it->short_name == expected[i].short_name, "the letter of --%s in pvscsid(8)", expected[i].name);
        ck_assert_msg(strcmp(it->arg, expected[i].arg) == 0, "--%s in pvscsid(8): '%s', not '%s'", expected[i].name,
                      it->arg, expected[i].arg);
        default_of(it, word);
        /* A default that is not repeated here is in the section FILES. */
        if (word[0])
            ck_assert_msg(expected[i].preset && strcmp(word, expected[i].preset) == 0,
                          "--%s in pvscsid(8): default '%s', not '%s'", expected[i].name, word, expected[i].preset);
        defaults += word[0] != '\0';
    }
    ck_assert_uint_eq(n, ARRAY_SIZE(expected));
    ck_assert_uint_ge(defaults, 9);
}
END_TEST

START_TEST(every_key_is_in_the_page_and_the_other_way_round)
{
    struct item its[64];
    size_t n = items("pvscsid.conf.5", ".It Va ", its, ARRAY_SIZE(its)), keys = 0;

    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct item *it = expected[i].key ? find(its, n, expected[i].key) : NULL;
        char word[128], range[64];

        if (!expected[i].key)
            continue;
        keys++;
        ck_assert_msg(it != NULL, "%s is not in pvscsid.conf(5)", expected[i].key);
        default_of(it, word);
        ck_assert_msg(strcmp(word, expected[i].preset) == 0, "%s in pvscsid.conf(5): default '%s', not '%s'",
                      expected[i].key, word, expected[i].preset);
        snprintf(range, sizeof(range), ", %u to %u. ", expected[i].min, expected[i].max);
        ck_assert_msg(expected[i].max < 2 || strstr(it->body, range), "%s in pvscsid.conf(5) has no range '%s'",
                      expected[i].key, range);
        ck_assert_msg(strstr(it->body, expected[i].effect), "%s in pvscsid.conf(5) does not say '%s'", expected[i].key,
                      expected[i].effect);
    }
    ck_assert_uint_eq(n, keys);
}
END_TEST

START_TEST(the_pages_name_every_word_that_is_taken)
{
    static const char levels[] = "debug , verbose , detail , progress , info , notice , warning , error or critical .";
    static const struct {
        const char *page, *kind, *name, *text;
    } texts[] = {
        { "pvscsid.8", ".It Fl ", "log-level", levels },
        { "pvscsid.conf.5", ".It Va ", "log_level", levels },
        { "pvscsid.8", ".It Fl ", "pr",
          "auto , the default, through the PR helper if its socket exists when the device is attached, "
          "otherwise directly; helper , through qemu-pr-helper 8 ; direct , as any other command; or deny ." },
        { "pvscsid.conf.5", ".It Va ", "pr", "auto , helper , direct or deny ." },
        { "pvscsid.8", ".It Fl ", "max-segments", "26 to 128." },
        { "pvscsid.8", ".It Fl ", "max-luns", "1 to 256." },
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct item its[64];
        const struct item *it = find(its, items(texts[i].page, texts[i].kind, its, ARRAY_SIZE(its)), texts[i].name);

        ck_assert_msg(it && strstr(it->body, texts[i].text), "%s: %s: no '%s' in '%s'", texts[i].page, texts[i].name,
                      texts[i].text, it ? it->body : "");
    }
}
END_TEST

START_TEST(the_pages_name_the_files)
{
    static const char *const files[][2] = {
        { "pvscsid.8", ".It Pa " SYSCONFDIR "/xen/pvscsid.conf\n" },
        { "pvscsid.8", ".It Pa " LOCALSTATEDIR "/log/xen/pvscsid.log\n" },
        { "pvscsid.8", ".It Pa /run/pvscsid/pvscsid.pid\n" },
        { "pvscsid.8", ".It Pa /run/pvscsid/pvscsid.sock\n" },
        { "pvscsid.conf.5", ".It Pa " SYSCONFDIR "/xen/pvscsid.conf\n" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        ck_assert_msg(strstr(read_page(files[i][0]), files[i][1]), "no '%s' in %s", files[i][1], files[i][0]);
}
END_TEST

START_TEST(help_names_every_option_with_its_default)
{
    CLEANUP_FREE char *text = NULL;
    unsigned lines = 0;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    options_help(out);
    fclose(out);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct expected *e = &expected[i];
        CLEANUP_FREE char *head = strf("--%s%s%s ", e->name, e->arg[0] ? " " : "", e->arg);
        CLEANUP_FREE char *tail = strf(" [%s]", e->preset ? e->preset : "");
        const char *at = strstr(text, head), *end = at ? strchr(at, '\n') : NULL;

        ck_assert_msg(end != NULL, "--help has no '%s'", head);
        ck_assert_msg(end[-1] == ']' ? e->preset && strncmp(end - strlen(tail), tail, strlen(tail)) == 0 : !e->preset,
                      "--help gives --%s another default than '%s'", e->name, e->preset ? e->preset : "");
    }
    for (const char *at = text; (at = strstr(at, "\n  ")) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines, ARRAY_SIZE(expected));
    ck_assert_ptr_null(strstr(text, "--worker"));
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, every_option_is_in_the_page_and_the_other_way_round);
    tcase_add_test(t, every_key_is_in_the_page_and_the_other_way_round);
    tcase_add_test(t, the_pages_name_every_word_that_is_taken);
    tcase_add_test(t, the_pages_name_the_files);
    tcase_add_test(t, help_names_every_option_with_its_default);
}

int main(void)
{
    return run_tests("option-pages", NULL, NULL, add_tests);
}
