/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limits of a LUN: which of its commands may go to its device now, and when the others may be tried again. Commands
 * that have to wait are in the LUN's queue; this file moves none.
 *
 * A guest must not come near the time-out of its commands, which is 30 s in Linux: no command waits longer than
 * THROTTLE_WAIT_MAX_US for limits. After that it goes whatever they say. A ring full of the largest commands is far
 * from that, also with both limits at their lowest: each command costs the guest the larger of two times, 0.5 s, so the
 * last of LIMITS_WAITING_MAX waits 6 s. Only a guest that uses up a limit by urgent commands alone gets there, or one
 * whose limits change meanwhile.
 *
 * All LUNs of a vhost share the 16 slots of its ring. What waits in queues of limited LUNs, for a limit or for the
 * device, holds LIMITS_WAITING_MAX of them at most. A command beyond that gets TASK SET FULL, and its initiator sends
 * it again. So the other LUNs always have slots, and so do ABORTs and RESETs.
 */
#ifndef PVSCSI_THROTTLE_H
#define PVSCSI_THROTTLE_H

#include "worker/model.h"

#define THROTTLE_WAIT_MAX_US RATE_DEBT_MAX_US

/* From now on. What waits in the LUN's queue is for the caller to try again. */
void throttle_set(struct lun *lun, const struct lun_limits *limits);
/*
 * c's LUN is limited. True: c may go, and is counted. False: it has to wait, and svc->limit_timer runs when it may be
 * tried again.
 */
bool throttle_allows(struct service *svc, struct cmd *c);
/*
 * The device has done c, and c->answer says how much of the buffer it has not moved, such as the rest of a short block
 * of a tape: that part does not count. Not for a command that has failed, which has used the device.
 */
void throttle_give_back(struct service *svc, const struct cmd *c);
/* It asks for the state of the LUN, or reserves it: it does not wait behind commands that a limit holds. */
bool throttle_is_urgent(const struct cmd *c);
/* As many commands of limited LUNs wait as may. */
bool throttle_is_full(const struct service *svc);

#endif
