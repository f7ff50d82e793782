/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on standard error, for logs and for what a program says of an error. What standard error is decides how a line
 * begins: nothing on a terminal, the time in a file, a priority in the journal.
 *
 * A line is one write(), because several processes write to one log. libxentoollog's logger writes a line in pieces.
 *
 * The journal gets text with the priority in front (sd-daemon(3)). Its own protocol has fields, but each worker would
 * need a socket for it. A guest that took over its worker could then write entries of any form and size.
 */
#ifndef PVSCSI_LOG_LINE_H
#define PVSCSI_LOG_LINE_H

#include <stdarg.h>
#include <time.h>

#include "common/util.h"

enum log_form {
    LOG_FORM_PLAIN,  /* a terminal, a pipe */
    LOG_FORM_FILE,   /* the time: UTC in the form of ISO 8601, with milliseconds */
    LOG_FORM_JOURNAL /* "<N>", a priority of syslog(3) */
};

/* From now on lines begin as standard error asks for. Before, they begin with nothing. */
void log_line_init(void);
/* The same for a command, which is no service: its lines have no time in a file, where a user keeps its output. */
void log_line_init_command(void);
/* fd (not consumed) becomes standard error. 0 or -errno. */
int log_to(int fd);

/* The longest line, with its newline. What does not fit is left out. */
#define LOG_LINE_MAX 2048
struct log_line {
    char text[LOG_LINE_MAX];
    size_t len;
};
/* priority: LOG_CRIT .. LOG_DEBUG of syslog(3). */
void log_line_begin(struct log_line *line, int priority);
void log_line_add(struct log_line *line, const char *fmt, ...) PRINTF(2, 3);
void log_line_add_v(struct log_line *line, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Writes it, with '?' for each control character. A line that cannot be written is lost. */
void log_line_end(struct log_line *line);

/* The line "program: text". */
void log_say(int priority, const char *program, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/* For tests. journal_stream: the variable JOURNAL_STREAM, "DEVICE:INODE" of the journal's socket, or NULL. */
enum log_form log_form_of(int fd, const char *journal_stream);
#define LOG_HEAD_MAX 64
/* How a line begins at this time (CLOCK_REALTIME). */
void log_head(char head[LOG_HEAD_MAX], enum log_form of, int priority, const struct timespec *at);

#endif
