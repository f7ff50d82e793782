// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvscsictl top on a terminal. ncurses draws; the waiting is our own: signals that end the program are blocked but
 * while it waits, so the terminal is always restored before it ends.
 */
#include "config.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <term.h>
#include <time.h>

#include "common/util.h"
#include "pvscsictl/client.h"
#include "pvscsictl/top.h"

#define HEAD_LINES 3 /* the summary, what is shown, the heading */

struct view {
    const struct top_options *o;
    struct top_look *look;
    enum top_key key;
    bool reverse, by_guest, paused;
    size_t first; /* row on the screen */
    unsigned shown;
};

static volatile sig_atomic_t ended_by;

static void on_signal(int signal)
{
    ended_by = signal;
}

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* *wait: the mask while it waits. */
static void catch_signals(sigset_t *wait)
{
    struct sigaction sa = { .sa_handler = on_signal };
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
        sigaction(ending[i], &sa, NULL);
        sigaddset(&set, ending[i]);
    }
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, wait);
    for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
        sigdelset(wait, ending[i]);
    sigdelset(wait, SIGWINCH);
}

static void put_line(int y, attr_t attr, const char *text)
{
    attrset(attr);
    mvaddnstr(y, 0, text, COLS > 1 ? COLS - 1 : 1);
    clrtoeol();
    attrset(A_NORMAL);
}

static size_t rows_on_screen(void)
{
    return LINES > HEAD_LINES + 1 ? (size_t)(LINES - HEAD_LINES - 1) : 0;
}

static void draw(struct view *v)
{
    const struct top_table *t = &v->look->shown;
    unsigned width = COLS > 1 ? (unsigned)COLS - 1 : 1;
    size_t room = rows_on_screen();
    char line[TOP_WIDTH_MAX];

    if (v->first + room > t->n)
        v->first = t->n > room ? t->n - room : 0;
    erase();
    top_summary(&v->look->luns, line);
    put_line(0, A_NORMAL, line);
    if (v->look->error)
        snprintf(line, sizeof(line), "no answer from pvscsid: %s; what is shown is old", strerror(-v->look->error));
    else
        snprintf(line, sizeof(line), "by %s, sorted by %s%s, every %g s%s", v->by_guest ? "guest" : "LUN",
                 top_key_name(v->key), v->reverse ? " (reversed)" : "", v->o->interval, v->paused ? ", PAUSED" : "");
    put_line(1, v->look->error ? A_BOLD : A_NORMAL, line);
    top_heading(width, line);
    put_line(2, A_REVERSE, line);
    for (size_t i = 0; i < room && v->first + i < t->n; i++) {
        const struct top_row *row = &t->rows[v->first + i];

        top_line(row, width, line);
        put_line(HEAD_LINES + (int)i, row->up ? A_NORMAL : A_BOLD, line);
    }
    if (LINES > HEAD_LINES)
        put_line(LINES - 1, A_DIM, "q quit  b by guest/LUN  sort: c r w l o e g  R reverse  p pause  arrows");
    refresh();
}

static void sort_by(struct view *v, enum top_key key)
{
    v->key = key;
    v->first = 0;
}

/* False: the user wants to quit. */
static bool press(struct view *v, int key)
{
    static const struct {
        int key;
        enum top_key order;
    } orders[] = {
        { 'c', TOP_COMMANDS },    { 'r', TOP_READ },   { 'w', TOP_WRITE }, { 'l', TOP_LATENCY },
        { 'o', TOP_OUTSTANDING }, { 'e', TOP_ERRORS }, { 'g', TOP_GUEST },
    };
    size_t page = rows_on_screen();

    for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
        if (key == orders[i].key)
            sort_by(v, orders[i].order);
    switch (key) {
    case 'q':
        return false;
    case 'b':
        v->by_guest = !v->by_guest;
        v->first = 0;
        break;
    case 'R':
        v->reverse = !v->reverse;
        break;
    case 'p':
        v->paused = !v->paused;
        break;
    case KEY_DOWN:
        v->first++;
        break;
    case KEY_UP:
        v->first -= v->first > 0;
        break;
    case KEY_NPAGE:
        v->first += page;
        break;
    case KEY_PPAGE:
        v->first -= v->first < page ? v->first : page;
        break;
    case KEY_HOME:
        v->first = 0;
        break;
    default:
        break;
    }
    return true;
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Waits for a key, a signal or the time. False: the terminal is gone. */
static bool wait_until(double at, const sigset_t *mask)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    double left = at - now_s();
    struct timespec t = { 0 };
    int n;

    if (left > 0) {
        t.tv_sec = (time_t)left;
        t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
    }
    n = ppoll(&in, 1, &t, mask);
    return n <= 0 || !(in.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* True: the user wants to quit. */
static bool read_keys(struct view *v)
{
    for (int key = getch(); key != ERR; key = getch())
        if (!press(v, key))
            return true;
    return false;
}

static int show(struct view *v, const sigset_t *mask)
{
    double next = v->look->at + v->o->interval; /* the rates are those since then */

    while (!ended_by) {
        if (now_s() >= next) {
            if (!v->paused || v->look->error) {
                if (v->o->count && v->shown++ == v->o->count)
                    return EXIT_FINE;
                top_look(v->o->run_dir, v->look);
            }
            next = now_s() + v->o->interval;
        }
        if (top_arrange(v->look, v->key, v->reverse, v->by_guest) == 0)
            draw(v);
        if (!wait_until(next, mask))
            return EXIT_FAILED;
        if (!ended_by && read_keys(v))
            return EXIT_FINE;
    }
    return EXIT_FINE;
}

/* False, after a line that says why. */
static bool terminal_fits(void)
{
    const char *name = getenv("TERM"), *why = NULL;
    int error;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        fprintf(stderr, "pvscsictl: standard input or output is no terminal; expected one, or --batch\n");
        return false;
    }
    if (setupterm(NULL, STDOUT_FILENO, &error) != OK) {
        why = "is not known";
    } else {
        if (!tigetstr("cup"))
            why = "cannot place its cursor";
        del_curterm(cur_term); /* newterm() makes its own */
    }
    if (why)
        fprintf(stderr, "pvscsictl: the terminal '%s' (TERM) %s; expected another one, or --batch\n", name ? name : "",
                why);
    return !why;
}

int top_screen(const struct top_options *o, struct top_look *look)
{
    struct view v = { .o = o, .look = look, .key = o->key, .by_guest = o->by_guest };
    SCREEN *screen;
    sigset_t mask;
    int status;

    if (!terminal_fits())
        return EXIT_FAILED;
    catch_signals(&mask); /* from here on the terminal has to be restored */
    screen = newterm(NULL, stdout, stdin);
    if (!screen) {
        fprintf(stderr, "pvscsictl: cannot use the terminal '%s' (TERM)\n", getenv("TERM"));
        return EXIT_FAILED;
    }
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    status = show(&v, &mask);
    endwin();
    delscreen(screen);
    if (ended_by) {
        int by = ended_by;

        /* As it would have ended without the handler. */
        signal(by, SIG_DFL);
        sigprocmask(SIG_SETMASK, &mask, NULL);
        raise(by);
    }
    return status;
}
