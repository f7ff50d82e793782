/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of a vhost's LUNs, found by address, and the queue of each. It only moves pointers: it opens, submits
 * and answers nothing.
 */
#ifndef PVSCSI_LUN_H
#define PVSCSI_LUN_H

#include "worker/model.h"

/* A LUN that is being removed is not found. NULL: there is none. */
struct lun *lun_find(const struct service *svc, uint16_t channel, uint16_t target, uint16_t number);
bool lun_target_exists(const struct service *svc, uint16_t channel, uint16_t target);
/* The numbers of a target's LUNs, ascending; returns how many (at most max). */
unsigned lun_numbers(const struct service *svc, uint16_t channel, uint16_t target, uint16_t *out, unsigned max);
/* From now on it is found. The caller has checked that its address is not in use; there is always room. */
void lun_insert(struct service *svc, struct lun *lun);
/* From now on it is not found any more. It must have been inserted. */
void lun_withdraw(struct service *svc, struct lun *lun);

/*
 * Adds a LUN to the SCSI host of that number; NULL: what the host takes is not known. A LUN that is removed gives its
 * share back (NULL is allowed). There is an entry for each LUN.
 */
struct scsi_host_share *lun_join_host(struct service *svc, const struct worker_places *may);
void lun_leave_host(struct scsi_host_share *host);
/* What the LUNs of this SCSI host may have at it from now on. What is there already stays. */
void lun_set_places(struct service *svc, const struct worker_places *may);
/*
 * May a new command go to the device now? False: the LUN has to wait for commands of another worker, or for a place
 * at its device or its SCSI host. The LUNs of a host get its places, and each not more than its share. The last place
 * goes to them in turn.
 */
bool lun_may_go(const struct service *svc, const struct lun *lun);
/*
 * The host of this LUN has one free place at most, and some other LUN of that host has commands in its queue that wait
 * for no limit.
 */
bool lun_others_wait(const struct service *svc, const struct lun *lun);

/*
 * Its device gives no answer. dead: its descriptors are of no use any more. Otherwise it may be offline, and
 * commands go on being sent to it. The control process is told once.
 */
void lun_lost(struct service *svc, struct lun *lun, bool dead);

/* Puts c at the end of c->lun's queue, or back at its head. c becomes CMD_QUEUED. */
void lun_enqueue(struct cmd *c);
void lun_put_back(struct cmd *c);
/* Removes the head of the queue and returns it as CMD_TAKEN. NULL: the queue is empty. */
struct cmd *lun_dequeue(struct lun *lun);
/* Removes c from its LUN's queue. Does nothing if c is not in it. */
void lun_unqueue(struct cmd *c);
void lun_empty_queue(struct lun *lun);

#endif
