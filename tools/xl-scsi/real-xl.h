/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the real xl can do, by its own help. */
#ifndef XL_SCSI_REAL_XL_H
#define XL_SCSI_REAL_XL_H

#include <stdbool.h>

/* The commands that `xl help` lists, each with a blank after it. The caller frees it. NULL: xl cannot be run. */
char *real_xl_commands(char *xl);
/*
 * True: it has scsi-attach, as SUSE's xl had. To ask it takes longer than most commands, so its answer is kept in the
 * directory of the locks. The answer counts for this file while it is unchanged, and for REAL_XL_ANSWER_S seconds: the
 * file may be a wrapper that runs another program.
 */
bool real_xl_knows_scsi(char *xl);

#define REAL_XL_ANSWER_S 600

#endif
