/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ABORT and RESET. sg can abort nothing, so both wait a bounded time for what is at
 * the device. The original command always gets its own answer first, and success is
 * never reported while it is outstanding: the frontend would reuse its pages.
 */
#ifndef PVSCSI_MANAGE_H
#define PVSCSI_MANAGE_H

#include "worker/model.h"

/* c is an ABORT or RESET just taken, or a RESET that a dead predecessor had taken. */
void manage_start(struct service *svc, struct cmd *c);
/* Answers those that wait for nothing any more, or for too long; arms manage_timer for the rest. */
void manage_check(struct service *svc);
/* The control process's answer to reset_device(): 0 or -errno. */
void manage_reset_done(struct service *svc, struct lun *lun, int error);

#endif
