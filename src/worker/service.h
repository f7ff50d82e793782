/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One vhost being served: the commands between ring and devices. The flow of a
 * round (service_round): take requests, fetch their lists in one grant copy, check, decide, fetch
 * write data in one grant copy, submit; then one grant copy for all data of finished commands,
 * answer, push once, notify at most once. Knows no SCSI: that is command.c's.
 */
#ifndef PVSCSI_SERVICE_H
#define PVSCSI_SERVICE_H

#include "worker/model.h"

/* svc->loop, xen, prefix, domid, max_segments, journal, stats and the callbacks are set by the caller. 0 or -errno. */
int service_init(struct service *svc);
void service_deinit(struct service *svc);
/* Maps ring and binds the port. take_over: go on with the journal's ring. 0 or -errno (nothing is held then). */
int service_connect(struct service *svc, uint32_t ring_ref, uint32_t event_channel, bool take_over);
/* Lets go of ring and port at once; what the devices have goes on as strays. */
void service_disconnect(struct service *svc);
/* Unbinds and unmaps, and leaves ring and journal for a successor. */
void service_leave(struct service *svc);
/* One round; to be called after each round of the loop. */
void service_round(struct service *svc);

#endif
