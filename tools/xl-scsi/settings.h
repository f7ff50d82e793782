/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which options of a device can change while the guest has it: one table of keys. A key is an option of vscsi= and a
 * node of the device in xenstore. Pure.
 */
#ifndef XL_SCSI_SETTINGS_H
#define XL_SCSI_SETTINGS_H

#include "syntax.h"

#define SETTINGS_MAX 16

/* The changes of one device. settings_clear() frees the texts. */
struct dev_settings {
    unsigned given;                              /* bit i: the key i of the table */
    struct vscsi_entry now;                      /* the values of those keys; nothing else is set */
    char limits[LIMITS_COUNT][LIMITS_VALUE_MAX]; /* as texts; "": none */
};

/*
 * Adds `KEY=VALUE`, with the values of vscsi=: 0 or 1 of a word without a value there, "none" for no commands. 0, or
 * -EINVAL with one line in err, or -ENOMEM.
 */
int settings_parse(const char *text, struct dev_settings *s, char err[VSCSI_ERROR_MAX]);
void settings_clear(struct dev_settings *s);

/* The key i, which is the name of its node too; NULL: there is no such. */
const char *settings_key(unsigned i);
/* The values that it takes, "0|1", for --help. */
const char *settings_values(unsigned i);
enum setting_kind {
    SETTING_FLAG, /* 0 or 1; no node is 0 */
    SETTING_TEXT,
    SETTING_LIMIT
};
enum setting_kind settings_kind(unsigned i);
/*
 * What the node of a key says: a flag as 0 or 1, a limit in commands, bytes or seconds. 0 also for a text, and for a
 * limit that no backend would take.
 */
uint64_t settings_number(unsigned i, const char *node);
/* What its node holds; NULL: there is no node. */
const char *settings_value(const struct dev_settings *s, unsigned i);
/*
 * Which nodes change of a device that has these limits: a bit for each key that is given, and the one of burst if the
 * last limit goes. 0, or -EINVAL with one line in err: a burst is given, and there would be no limit.
 */
int settings_touch(const struct dev_settings *s, const struct lun_limits *has, unsigned *bits,
                   char err[VSCSI_ERROR_MAX]);
/* True: readonly=0 is among them. */
bool settings_let_write(const struct dev_settings *s);
/* Gives the entry the same values. 0 or -ENOMEM. */
int settings_apply(const struct dev_settings *s, struct vscsi_entry *e);

#endif
