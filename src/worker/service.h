/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One vhost being served: the commands between ring and devices. The flow of a
 * round (service_round): take requests, fetch their lists in one grant copy, check, decide, fetch
 * write data in one grant copy, submit; then one grant copy for all data of finished commands,
 * answer, push once, send at most one event. It knows no SCSI; command.c does.
 */
#ifndef PVSCSI_SERVICE_H
#define PVSCSI_SERVICE_H

#include "worker/model.h"

/*
 * svc->loop, xen, prefix, domid, own_domid, max_segments, poll_us, journal, stats and the callbacks are set by the
 * caller. 0 or -errno.
 */
int service_init(struct service *svc);
void service_deinit(struct service *svc);
/*
 * Maps the ring and binds the port. take_over: continues with the journal's ring. 0, or -errno and nothing is
 * mapped or bound.
 */
int service_connect(struct service *svc, uint32_t ring_ref, uint32_t event_channel, bool take_over);
/* Releases ring and port at once. Commands at devices become strays. */
void service_disconnect(struct service *svc);
/* Unbinds and unmaps, and leaves ring and journal for a successor. */
void service_leave(struct service *svc);
/* The control process lets us have so many pages of granted memory for buffers. */
void service_allot(struct service *svc, uint32_t pages);
/* From now on this is the longest look at the ring before the worker sleeps; 0: none. */
void service_set_poll(struct service *svc, uint32_t poll_us);
/* After svc->stopping was set: what waits for limits goes to its device now. */
void service_end_limits(struct service *svc);
/* One round; to be called after each round of the loop. */
void service_round(struct service *svc);

#endif
