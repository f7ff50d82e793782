/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses the command line of xl, as far as guests with SCSI devices need it: which command it is, and the arguments
 * of `create` and `restore`. Pure. Everything else is left to the real xl and its error messages.
 */
#ifndef XL_SCSI_XL_ARGS_H
#define XL_SCSI_XL_ARGS_H

#include <stdbool.h>

enum xl_command {
    XL_OTHER,
    XL_CREATE,
    XL_RESTORE,
    XL_ATTACH,
    XL_DETACH,
    XL_LIST,
    XL_SET
};

struct xl_line {
    int command;  /* index of the command word in argv */
    bool dry_run; /* the global -N */
};
/* argv[0] is the program. False when there is no command word, or a global option that is not known. */
bool xl_line_parse(int argc, char *const *argv, struct xl_line *out);

/*
 * What command a word means: exactly one of ours, or a prefix that no other command shares, as xl has it.
 * others: the real xl's commands, separated by blanks; only needed for a prefix (NULL: then a prefix is
 * not ours).
 */
enum xl_command xl_command_find(const char *word, const char *others);
/* True: the word may be a prefix of one of our commands, so `others` matters. */
bool xl_command_maybe(const char *word);

/* The arguments of create or restore; all pointers are to the caller's argv. */
struct xl_start {
    bool restore;
    bool paused, console, foreground, dry_run;
    char options[16];   /* letters of the others that were given */
    const char *config; /* create: the file; restore: the file that replaces the saved one, or NULL */
    const char *saved;  /* restore */
    char **extra;       /* create: KEY=VALUE...; to be freed (the array only) */
    unsigned n_extra;
    const char *uuid; /* create: one more KEY=VALUE, `uuid="..."`, that the caller adds; NULL: none */
};
/* argv[0] is the command word. False when this is for the real xl: help, a mistake, no file, or no memory. */
bool xl_start_parse(bool restore, int argc, char *const *argv, struct xl_start *out);
void xl_start_clear(struct xl_start *s);
/*
 * The command line that does the same paused, for argv[0] = xl and the global options
 * globals[0..n_globals). NULL-terminated; free() frees the array. NULL without memory.
 */
char **xl_start_args(const struct xl_start *s, const char *xl, char *const *globals, unsigned n_globals);

#endif
