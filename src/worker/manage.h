/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ABORT and RESET. sg can abort nothing, so both wait for what is at the device:
 * until the time-out of each command and the host's error handling after it are over. The control process knows how
 * long that handling may take. It is asked when a time-out is over, and again before anything fails if its last answer
 * is older than 60 s.
 * The original command always gets its own answer first, and success is never reported
 * while it is outstanding: the frontend would reuse its pages. If the device has not given a command back by then,
 * the ABORT or RESET fails.
 */
#ifndef PVSCSI_MANAGE_H
#define PVSCSI_MANAGE_H

#include "worker/model.h"

/* c is an ABORT or RESET that was just taken, or a RESET that a dead predecessor had taken. */
void manage_start(struct service *svc, struct cmd *c);
/* Answers those that have nothing left to wait for, or have waited too long. Arms manage_timer for the others. */
void manage_check(struct service *svc);
/* The control process's answer to reset_device(): 0, or -errno: there will be no reset. */
void manage_reset_done(struct service *svc, struct lun *lun, int error);

/*
 * The control process's answer to ask_host_eh(): seconds that the host's error handling may take, or HOST_EH_NO_LIMIT.
 */
void manage_host_eh(struct service *svc, struct lun *lun, uint32_t seconds);

#endif
