/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring: the only place that touches memory shared with the guest. Requests
 * come out as private copies; nothing that the guest can change later is read
 * twice. Each step is first recorded in the journal, so that a successor can continue with the ring after this
 * process died at any instruction.
 *
 * It uses only the memory that it is given: the caller maps the ring and sends events.
 */
#ifndef PVSCSI_RING_H
#define PVSCSI_RING_H

#include <stdbool.h>

#include "scsi/scsi.h"
#include "pvscsi/vscsiif.h"

struct ring {
    struct vscsiif_sring *shared; /* NULL while detached */
    struct pvscsi_journal *journal;
    uint32_t req_cons; /* next request to take */
    uint32_t rsp_prod; /* next response to write */
    uint32_t rsp_published;
    uint32_t answered; /* bit i: journal entry i is ANSWERED and not yet published */
    bool halted;
};

/* A new ring: the journal is reset. page: the mapped ring page. */
void ring_start(struct ring *r, void *page, struct pvscsi_journal *journal, uint32_t ring_ref, uint32_t event_channel);
/*
 * Continues with the ring that the journal describes. *orphans gets a bit for each orphan's journal entry; the
 * caller has to answer each once. Complete but unpublished responses are published by the next ring_push().
 * -EPROTO: ring and journal contradict each other, because the guest changed the ring: the ring is halted.
 */
int ring_resume(struct ring *r, void *page, struct pvscsi_journal *journal, uint32_t *orphans);
/* Forgets the ring; the journal says that there is none. */
void ring_detach(struct ring *r);

/*
 * Is there a request? 1: yes; 0: no; -EPROTO: req_prod is impossible, the ring stays halted. To be called
 * even if no request could be taken: it finds a guest that claims more requests than a ring can hold.
 */
int ring_look(struct ring *r);
/*
 * Takes the next request into *req, entered under journal entry `entry` (which must be FREE).
 * 1: taken; 0: none; -EPROTO: req_prod is impossible, the ring stays halted.
 */
int ring_take(struct ring *r, unsigned entry, struct vscsiif_request *req);
/* Records how much data the request of this entry moves: the residual if a successor has to end it. */
void ring_note_length(struct ring *r, unsigned entry, uint32_t data_len);
/* Writes one response for the request in this entry. rslt as in vscsiif.h. */
void ring_answer(struct ring *r, unsigned entry, int32_t rslt, const struct scsi_answer *a);
/* Publishes the answers. True: the guest wants an event. */
bool ring_push(struct ring *r);
/* Before going to sleep: asks for an event at the next request. The result is that of ring_look(). */
int ring_final_check(struct ring *r);

#endif
