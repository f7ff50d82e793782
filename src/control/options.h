/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the daemon. One table is the source of the command line parser, the keys of the config file, --help
 * and --dump-config. The tests compare the manual pages with it.
 */
#ifndef PVSCSI_OPTIONS_H
#define PVSCSI_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "scsi/rules.h"

#define SETTING_TEXT_MAX 256
/* sun_path of a Unix socket less its NUL (unix(7)). */
#define SETTING_SOCKET_MAX 108

/* A list of commands: the text, for --dump-config, and what it means. */
struct rules_setting {
    char text[SETTING_TEXT_MAX];
    struct scsi_typed_rules rules;
};

struct settings {
    bool foreground;
    char config[SETTING_TEXT_MAX];
    bool config_named;  /* --config was given: the file must exist */
    unsigned log_level; /* xentoollog_level */
    char log_file[SETTING_TEXT_MAX];
    char run_dir[SETTING_TEXT_MAX];
    char standalone[SETTING_SOCKET_MAX]; /* mock-xen's socket; "" on a real Xen */
    unsigned max_segments;               /* the most to offer in feature-sg-grant */
    unsigned max_luns;                   /* of one vhost */
    unsigned pr_mode;                    /* enum worker_pr_mode */
    char pr_socket[SETTING_SOCKET_MAX];
    unsigned pr_deadline_s;
    bool device_reset;
    unsigned granted_pages;           /* of 4 KiB, over all workers */
    unsigned poll;                    /* microseconds, or POLL_AUTO */
    bool policy;                      /* without it guests may send everything that deny does not name */
    struct rules_setting allow, deny; /* before the command policy */
    struct rules_setting permit;      /* what the toolstack may allow */
    unsigned sandbox;                 /* enum sandbox_mode */
    unsigned sandbox_uid_base;
};

#define POLL_AUTO UINT_MAX

enum options_result {
    OPTIONS_RUN,
    OPTIONS_DUMP_CONFIG,
    OPTIONS_VERSION,
    OPTIONS_HELP,
    OPTIONS_WORKER,
    OPTIONS_ERROR, /* one line on err says what is wrong */
};

/* When a changed key of the config file takes effect, if the file is read again while the daemon runs. */
enum option_effect {
    EFFECT_NONE, /* an option that is no key */
    EFFECT_AT_ONCE,
    EFFECT_ATTACH,
    EFFECT_VHOST,
    EFFECT_RESTART,
    OPTION_EFFECTS
};
/* In words: "in force", "for devices that are attached from now on"... */
const char *option_effect_text(enum option_effect effect);

#define CHANGED_KEYS_MAX 512 /* all keys of the table together are shorter */
struct options_changes {
    unsigned n; /* keys that differ */
    /* Their names, "a, b", by what becomes of them; "": none. With EFFECT_RESTART, short values too. */
    char keys[OPTION_EFFECTS][CHANGED_KEYS_MAX];
};

/*
 * Defaults, then the config file, then the command line, which wins. For OPTIONS_VERSION, _HELP and _WORKER no file
 * is read.
 */
enum options_result options_load(int argc, char **argv, struct settings *s, FILE *err);
/* Reads options and file again, into *s. 0, or -EINVAL and a message on err. For SIGHUP. */
int options_reload(int argc, char **argv, struct settings *s, FILE *err);
/* Takes from fresh what may change while the daemon runs. The keys that wait for a restart stay in *s as they are. */
void options_take_over(struct settings *s, const struct settings *fresh, struct options_changes *out);
void options_help(FILE *out);
/* Prints the settings in force, in the form of a config file. */
void options_dump(const struct settings *s, FILE *out);

/* For tests of the table: calls fn(name, short_or_0, config key or NULL) for each visible option. */
void options_for_each(void (*fn)(void *ctx, const char *name, char short_name, const char *key), void *ctx);
/* For tests too: what becomes of a change of this key. */
enum option_effect options_effect(const char *key);

#endif
