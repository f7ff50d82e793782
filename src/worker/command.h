/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A command's way: the decision, then the device, the PR helper or our own answer, and back. The CDB that was
 * checked is the CDB that runs: both are the private copy. A command that has ended is CMD_DONE, and svc->work is
 * set. This file never looks at the ring.
 */
#ifndef PVSCSI_COMMAND_H
#define PVSCSI_COMMAND_H

#include "worker/model.h"

/* Finds c's LUN and decides, before any data is fetched. False: c has its answer already. */
bool command_decide(struct service *svc, struct cmd *c);
/* c is decided and has its write data: goes to the device, the PR helper or the queue. */
void command_submit(struct service *svc, struct cmd *c);
/* c is DONE with the answer that it holds, or with this one. The residual is all that the guest asked for. */
void command_finish(struct service *svc, struct cmd *c);
void command_finish_sense(struct service *svc, struct cmd *c, struct scsi_sense s, uint8_t host);
void command_finish_status(struct service *svc, struct cmd *c, uint8_t status, uint8_t host);
/* Ends c because of an ABORT or RESET. c must not be at the device. host: SCSI_HOST_ABORT or SCSI_HOST_RESET. */
void command_finish_aborted(struct service *svc, struct cmd *c, uint8_t host);
/* Ends a recovered command with the answer that its device type needs. */
void command_end_recovered(struct service *svc, struct cmd *c);
/* Submits the commands that are queued at this LUN, as many as the device takes. */
void command_pump(struct service *svc, struct lun *lun);
/*
 * True: c was waiting for its LUN's PR helper and had not been sent. Then the helper's client has forgotten it, it
 * is not in flight any more, and the caller has to end it.
 */
bool command_take_back(struct cmd *c);

/* Callbacks: of the sg pool in struct service, and of a LUN's PR helper (ctx is the LUN's pr_link). */
void command_sg_done(struct sg_pool *pool, struct sg_command *sg);
void command_sg_lost(struct sg_device *dev);
void command_pr_done(void *ctx, void *token, const struct scsi_answer *answer, const uint8_t *in_data, uint32_t in_len);

#endif
