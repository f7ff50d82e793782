/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One entry of vscsi=[...]: 'pdev,vdev[,option...]', as in a guest's configuration and on the command
 * line. Pure: text in, a struct or one line saying what is wrong out. It looks at no device and no store:
 * only the backend domain can tell whether a p-dev exists.
 */
#ifndef XL_SCSI_SYNTAX_H
#define XL_SCSI_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "device/pdev.h"
#include "pvscsi/hctl.h"
#include "pvscsi/limits.h"

/* May the guest run without the device? */
enum vscsi_need {
    NEED_DEFAULT, /* no when it is created, restored by the shim, or arrives by migration; yes when it reboots */
    NEED_REQUIRED,
    NEED_OPTIONAL,
};

/* All text is allocated; vscsi_entry_clear() frees it. */
struct vscsi_entry {
    char *pdev;
    enum pdev_kind kind;
    struct hctl phctl; /* PDEV_HCTL */
    bool whole_host;   /* v-dev is the word `host`: every LUN of that physical host, numbered alike */
    struct hctl vdev;
    bool feature_host; /* no command policy */
    bool readonly;
    bool pr_move;  /* lets the guest move its persistent reservation (PR OUT, REGISTER AND MOVE) */
    bool pr_force; /* persistent reservations although another guest has the device over the same path */
    enum vscsi_need need;
    bool force;    /* attach although the device is in use */
    char *backend; /* number or name of a domain; NULL: domain 0 */
    bool third_party_copy;
    char *allow, *deny; /* commands, as scsi/rules.h has them; NULL: none */
    struct lun_limits limits;
    char *pr;               /* helper, direct or deny; NULL: the daemon's own setting */
    char *unit;             /* the device must be this unit (device/identity.h); NULL: any */
    char at[HCTL_TEXT_MAX]; /* where the p-dev leads now, as h:c:t:l; "": not known. No part of the text */
};
#define VSCSI_ERROR_MAX 384

/*
 * Parses `pdev,vdev[,option...]`; blanks around commas do not count. 0, or -EINVAL with one line in err
 * (what is wrong, what was expected), or -ENOMEM. *out is cleared on failure.
 */
int vscsi_entry_parse(const char *text, struct vscsi_entry *out, char err[VSCSI_ERROR_MAX]);
/*
 * Do n entries fit together: no v-dev twice, one backend and one feature-host for each virtual host?
 * 0, or -EINVAL with err about entry *which (counted from 0).
 */
int vscsi_entries_check(const struct vscsi_entry *e, unsigned n, unsigned *which, char err[VSCSI_ERROR_MAX]);
/* One option of an entry, such as `readonly` or `pr=deny`, which is set in *e. As vscsi_entry_parse(). */
int vscsi_option_parse(const char *text, struct vscsi_entry *e, char err[VSCSI_ERROR_MAX]);
/* Do limits fit together? A burst alone is none. 0, or -EINVAL with err. */
int vscsi_limits_check(const struct lun_limits *limits, char err[VSCSI_ERROR_MAX]);
/* Only a v-dev h:c:t:l, as for detach. */
int vscsi_vdev_parse(const char *text, struct hctl *out, char err[VSCSI_ERROR_MAX]);
/* Can it be the value of unit=: not empty or too long, and printable? */
bool vscsi_unit_ok(const char *unit);
/* The entry as text; parsing it gives the same entry. NULL: out of memory. */
char *vscsi_entry_format(const struct vscsi_entry *e);
/* A copy that owns its texts; 0 or -ENOMEM. */
int vscsi_entry_copy(const struct vscsi_entry *from, struct vscsi_entry *to);
void vscsi_entry_clear(struct vscsi_entry *e);
/* Frees the entries of an array and the array. */
void vscsi_entries_free(struct vscsi_entry *e, unsigned n);

/* All option words, separated by blanks: what --help and completion show. */
extern const char vscsi_options_help[];

#endif
