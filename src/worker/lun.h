/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LUNs of a vhost as a table, found by address, and the queue of each. Only
 * moves pointers: it opens, submits and answers nothing.
 */
#ifndef PVSCSI_LUN_H
#define PVSCSI_LUN_H

#include "worker/model.h"

/* Those that are being removed are not found. NULL: there is none. */
struct lun *lun_find(const struct service *svc, uint16_t channel, uint16_t target, uint16_t number);
bool lun_target_exists(const struct service *svc, uint16_t channel, uint16_t target);
/* The numbers of a target's LUNs, ascending; returns how many (at most max). */
unsigned lun_numbers(const struct service *svc, uint16_t channel, uint16_t target, uint16_t *out, unsigned max);
/* From now on it is found. The caller has checked that its address is not in use; there is always room. */
void lun_insert(struct service *svc, struct lun *lun);
/* From now on it is not found any more. It must have been inserted. */
void lun_withdraw(struct service *svc, struct lun *lun);

/* The queue of c->lun: c goes to its end, or back to its head; it becomes CMD_QUEUED. */
void lun_enqueue(struct cmd *c);
void lun_put_back(struct cmd *c);
/* The head of the queue, taken out of it and CMD_TAKEN; NULL: it is empty. */
struct cmd *lun_dequeue(struct lun *lun);
/* Takes c out of its LUN's queue, wherever it is there. No-op when it is not in it. */
void lun_unqueue(struct cmd *c);
void lun_empty_queue(struct lun *lun);

#endif
