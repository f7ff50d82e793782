/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records a command that has ended: the counters in the statistics page, and one log line if it failed. Changes
 * nothing else.
 */
#ifndef PVSCSI_ACCOUNT_H
#define PVSCSI_ACCOUNT_H

#include "worker/model.h"

/* c has its answer, which is sent at now_us. ABORT, RESET and strays are not counted here. */
void account_command(struct service *svc, const struct cmd *c, uint64_t now_us);
/* c is an ABORT or RESET that is answered with this outcome. */
void account_management(struct service *svc, const struct cmd *c, bool success);

#endif
