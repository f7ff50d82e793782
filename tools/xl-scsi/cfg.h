/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vscsi= of a guest's configuration. libxlutil reads the file, so that it means here what it means
 * to xl. Other keys than name, uuid and vscsi are left to xl.
 */
#ifndef XL_SCSI_CFG_H
#define XL_SCSI_CFG_H

#include "syntax.h"

#define CONFIG_ERROR_MAX 16384 /* room for a line for each mistake */

struct guest_config {
    char *name; /* NULL when it has none */
    char *uuid; /* as it is written; NULL when it has none */
    struct vscsi_entry *entries;
    unsigned n;
};

/*
 * text: the configuration; source: its name in messages. 0; -EINVAL: vscsi= is wrong; -ENOEXEC:
 * it is no configuration at all; -ELIBACC: libxlutil is not there; -ENOMEM; each with the reason in err, in one
 * line, or in a line for each mistake in vscsi=. *out is cleared on failure.
 */
int guest_config_parse(const char *source, const char *text, struct guest_config *out, char err[CONFIG_ERROR_MAX]);
/*
 * The same for a file and for the KEY=VALUE arguments of xl create, which count as lines after it.
 * /dev/null is an empty file to xl, and here. Also -errno when the file cannot be read.
 */
int guest_config_read(const char *file, char *const *extra, unsigned n_extra, struct guest_config *out,
                      char err[CONFIG_ERROR_MAX]);
/*
 * Copies the file, with the text `more` (or NULL) after it, to one that has no name and that child processes inherit
 * until this program ends. Its path, to be freed, works in a child too. NULL when that is not possible.
 */
char *guest_config_copy(const char *file, const char *more);
void guest_config_clear(struct guest_config *c);

#endif
