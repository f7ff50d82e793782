// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines on standard error; see log-line.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/log-line.h"

static enum log_form form = LOG_FORM_PLAIN;

enum log_form log_form_of(int fd, const char *journal_stream)
{
    char name[48];
    struct stat st;

    if (fstat(fd, &st) < 0)
        return LOG_FORM_PLAIN;
    if (S_ISREG(st.st_mode))
        return LOG_FORM_FILE;
    snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return journal_stream && strcmp(name, journal_stream) == 0 ? LOG_FORM_JOURNAL : LOG_FORM_PLAIN;
}

void log_head(char head[LOG_HEAD_MAX], enum log_form of, int priority, const struct timespec *at)
{
    struct tm tm;

    head[0] = '\0';
    if (of == LOG_FORM_JOURNAL)
        snprintf(head, LOG_HEAD_MAX, "<%d>", priority);
    else if (of == LOG_FORM_FILE && gmtime_r(&at->tv_sec, &tm))
        snprintf(head, LOG_HEAD_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(at->tv_nsec / 1000000));
}

static void look(void)
{
    form = log_form_of(STDERR_FILENO, getenv("JOURNAL_STREAM"));
}

void log_line_init_command(void)
{
    look();
    if (form == LOG_FORM_FILE)
        form = LOG_FORM_PLAIN;
}

void log_line_init(void)
{
    const struct timespec at = { 0 };
    char head[LOG_HEAD_MAX];

    look();
    /* The C library reads the time zone when it first makes a date of a time. A confined worker could not. */
    log_head(head, LOG_FORM_FILE, 0, &at);
}

int log_to(int fd)
{
    if (dup3(fd, STDERR_FILENO, 0) < 0)
        return -errno;
    look();
    return 0;
}

void log_line_begin(struct log_line *line, int priority)
{
    struct timespec now = { 0 };
    char head[LOG_HEAD_MAX];

    line->len = 0;
    clock_gettime(CLOCK_REALTIME, &now);
    log_head(head, form, priority, &now);
    log_line_add(line, "%s", head);
}

void log_line_add_v(struct log_line *line, const char *fmt, va_list ap)
{
    size_t room = sizeof(line->text) - 1 - line->len; /* the newline has its place */
    int n = vsnprintf(line->text + line->len, room, fmt, ap);

    if (n > 0)
        line->len += (size_t)n < room ? (size_t)n : room - 1;
}

void log_line_add(struct log_line *line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_line_add_v(line, fmt, ap);
    va_end(ap);
}

void log_line_end(struct log_line *line)
{
    for (size_t i = 0; i < line->len; i++)
        if ((unsigned char)line->text[i] < 0x20 || line->text[i] == 0x7f)
            line->text[i] = '?';
    line->text[line->len++] = '\n';
    while (write(STDERR_FILENO, line->text, line->len) < 0 && errno == EINTR) {
    }
}

void log_say(int priority, const char *program, const char *fmt, va_list ap)
{
    struct log_line line;

    log_line_begin(&line, priority);
    log_line_add(&line, "%s: ", program);
    log_line_add_v(&line, fmt, ap);
    log_line_end(&line);
}
