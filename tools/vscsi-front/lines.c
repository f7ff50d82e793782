// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands from standard input, line by line. While the next one is awaited, xenstore and the ring are served. On a
 * terminal there is a prompt and, with libedit, a history and editing. What is no terminal gets neither prompt nor
 * echo, because programs read the answers.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#ifdef HAVE_LIBEDIT
#include <histedit.h>
#include <locale.h>
#include <wchar.h>
#endif

#include "front.h"

#define PROMPT "vscsi-front> "

static int run_plain(struct front *f, bool prompt)
{
    static char buf[8192];
    size_t have = 0;
    int failed = 0;

    for (;;) {
        char *end = memchr(buf, '\n', have);
        ssize_t n;

        if (end) {
            size_t used = (size_t)(end - buf) + 1;
            int r;

            *end = '\0';
            r = script_line(f, buf);
            failed += show_outcome(f, r, true);
            if (r > 0)
                return failed;
            memmove(buf, buf + used, have - used);
            have -= used;
            continue;
        }
        if (have == sizeof(buf)) {
            fail(f, "a line of more than %zu bytes", sizeof(buf));
            return failed + show_outcome(f, -1, true);
        }
        if (prompt && have == 0) {
            fputs(PROMPT, stdout);
            fflush(stdout);
        }
        while (!front_poll(f, -1, STDIN_FILENO))
            ;
        n = read(STDIN_FILENO, buf + have, sizeof(buf) - have);
        if (n <= 0) {
            if (prompt)
                putchar('\n');
            return failed;
        }
        have += (size_t)n;
    }
}

#ifdef HAVE_LIBEDIT
static char *prompt_text(EditLine *el UNUSED)
{
    static char text[] = PROMPT;

    return text;
}

static struct front *front_of(EditLine *el)
{
    void *f = NULL;

    el_get(el, EL_CLIENTDATA, &f);
    return f;
}

/* libedit's reader of one character: 1, 0 at the end, -1 on an error. Bytes that are no character are left out. */
static int next_character(EditLine *el, wchar_t *out)
{
    struct front *f = front_of(el);
    mbstate_t state = { 0 };

    for (;;) {
        unsigned violations = f->violations;
        char byte;
        ssize_t n;
        size_t r;

        while (!front_poll(f, -1, STDIN_FILENO)) {
            if (f->violations == violations)
                continue;
            violations = f->violations;
            el_set(el, EL_REFRESH); /* what was typed so far, again, below the message */
        }
        n = read(STDIN_FILENO, &byte, 1);
        if (n <= 0)
            return (int)n;
        r = mbrtowc(out, &byte, 1, &state);
        if (r == (size_t)-1)
            state = (mbstate_t){ 0 };
        else if (r != (size_t)-2)
            return 1;
    }
}

/* The words that may stand at the cursor: commands at the beginning of a line, devices behind one. NULL: no more. */
static const char *word_at(const struct front *f, bool first, unsigned i, char text[HCTL_TEXT_MAX])
{
    if (first)
        return script_name(i);
    if (i >= f->session.n_devices)
        return NULL;
    hctl_format(&f->session.devices[i].v, text);
    return text;
}

static unsigned char complete(EditLine *el, int key UNUSED)
{
    const struct front *f = front_of(el);
    const LineInfo *line = el_line(el);
    const char *begin = line->buffer, *word = line->cursor, *w;
    char common[HCTL_TEXT_MAX] = "", text[HCTL_TEXT_MAX];
    unsigned fits = 0;
    size_t len;

    while (word > line->buffer && word[-1] != ' ')
        word--;
    while (begin < word && *begin == ' ')
        begin++;
    len = (size_t)(line->cursor - word);
    for (unsigned i = 0; (w = word_at(f, begin == word, i, text)) != NULL; i++) {
        size_t same = 0;

        if (strncmp(w, word, len) != 0)
            continue;
        if (fits++ == 0)
            snprintf(common, sizeof(common), "%s", w);
        while (common[same] && common[same] == w[same])
            same++;
        common[same] = '\0';
    }
    if (fits == 0)
        return CC_ERROR;
    if (strlen(common) > len) {
        el_insertstr(el, common + len);
    } else if (fits > 1) {
        putchar('\n');
        for (unsigned i = 0; (w = word_at(f, begin == word, i, text)) != NULL; i++)
            if (strncmp(w, word, len) == 0)
                printf("%s\n", w);
        fflush(stdout);
        return CC_REDISPLAY;
    }
    if (fits == 1)
        el_insertstr(el, " ");
    return CC_REFRESH;
}

/* NULL: libedit has no memory. The user's own ~/.editrc counts, as for every program with libedit. */
static EditLine *new_editor(struct front *f, History *history_of)
{
    EditLine *el;

    setlocale(LC_CTYPE, "");
    el = el_init("vscsi-front", stdin, stdout, stderr);
    if (!el)
        return NULL;
    el_set(el, EL_CLIENTDATA, f);
    el_set(el, EL_PROMPT, prompt_text);
    el_set(el, EL_GETCFN, next_character);
    el_set(el, EL_SIGNAL, 1); /* a signal that ends the program leaves the terminal as it was */
    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_HIST, history, history_of);
    /* el_set() would copy both texts, and libedit never frees the copies. */
    el_wset(el, EL_ADDFN, L"complete-word", L"Complete a command or a device", complete);
    el_set(el, EL_BIND, "^I", "complete-word", NULL);
    el_source(el, NULL);
    return el;
}

/* -ENOMEM: nothing was read yet. */
static int run_edited(struct front *f)
{
    History *past = history_init();
    EditLine *el = past ? new_editor(f, past) : NULL;
    HistEvent event;
    const char *line;
    int n, r = 0, failed = 0;

    if (el)
        history(past, &event, H_SETSIZE, 500);
    while (el && r <= 0 && (line = el_gets(el, &n)) != NULL && n > 0) {
        CLEANUP_FREE char *copy = strdup(line);

        if (line[strspn(line, " \t\r\n")])
            history(past, &event, H_ENTER, line);
        r = copy ? script_line(f, copy) : fail(f, "out of memory");
        failed += show_outcome(f, r, true);
    }
    if (el) {
        if (r <= 0)
            putchar('\n');
        el_end(el);
    }
    if (past)
        history_end(past);
    return el ? failed : -ENOMEM;
}
#endif

int lines_run(struct front *f)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
#ifdef HAVE_LIBEDIT
    int failed = terminal ? run_edited(f) : -ENOMEM;

    if (failed >= 0)
        return failed;
#endif
    return run_plain(f, terminal);
}
