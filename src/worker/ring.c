// SPDX-License-Identifier: GPL-2.0-or-later
/* The ring and its journal; see ring.h and pvscsi/journal.h for the order of stores. */
#include "config.h"

#include <errno.h>

#include "worker/ring.h"

static uint32_t load(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *p, uint32_t value)
{
    __atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static void journal_reset(struct pvscsi_journal *j)
{
    store(&j->connected, 0);
    memset(j->entry, 0, sizeof(j->entry));
    j->magic = PVSCSI_JOURNAL_MAGIC;
    j->version = PVSCSI_JOURNAL_VERSION;
    j->ring_ref = 0;
    j->event_channel = 0;
    j->req_cons = 0;
    j->halted = 0;
}

void ring_start(struct ring *r, void *page, struct pvscsi_journal *journal, uint32_t ring_ref, uint32_t event_channel)
{
    *r = (struct ring){ .shared = page, .journal = journal };
    /* A frontend may use a ring that was in use before (kexec, resume): serving starts after the last response. */
    r->rsp_prod = r->rsp_published = r->req_cons = load(&r->shared->rsp_prod);
    journal_reset(journal);
    journal->ring_ref = ring_ref;
    journal->event_channel = event_channel;
    journal->req_cons = r->req_cons;
    store(&journal->connected, 1);
}

int ring_resume(struct ring *r, void *page, struct pvscsi_journal *journal, uint32_t *orphans)
{
    unsigned unpublished = 0, waiting = 0;

    *r = (struct ring){ .shared = page, .journal = journal };
    *orphans = 0;
    r->req_cons = journal->req_cons;
    r->rsp_published = r->rsp_prod = load(&r->shared->rsp_prod);
    r->halted = journal->halted != 0;

    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++) {
        struct pvscsi_journal_entry *s = &journal->entry[i];

        if (s->state == JOURNAL_TAKEN && (int32_t)(s->ring_index - r->req_cons) < 0) {
            *orphans |= 1u << i;
            waiting++;
        } else if (s->state == JOURNAL_ANSWERED && (int32_t)(s->rsp_index - r->rsp_published) >= 0) {
            r->answered |= 1u << i;
            unpublished++;
        } else {
            store(&s->state, JOURNAL_FREE);
        }
    }
    r->rsp_prod += unpublished;
    /* Every taken request is either answered in full or an orphan, or rsp_prod is not what we left there. */
    if (r->req_cons - r->rsp_published != waiting + unpublished || r->halted) {
        r->halted = true;
        journal->halted = 1;
        return -EPROTO;
    }
    return 0;
}

void ring_detach(struct ring *r)
{
    if (r->journal)
        journal_reset(r->journal);
    r->shared = NULL;
    r->halted = false;
}

int ring_look(struct ring *r)
{
    uint32_t prod;

    if (r->halted)
        return -EPROTO;
    prod = load(&r->shared->req_prod);
    if (prod - r->rsp_prod > PVSCSI_RING_SLOTS || prod - r->req_cons > PVSCSI_RING_SLOTS) {
        r->halted = true;
        store(&r->journal->halted, 1);
        return -EPROTO;
    }
    return prod != r->req_cons;
}

int ring_take(struct ring *r, unsigned entry, struct vscsiif_request *req)
{
    struct pvscsi_journal_entry *s = &r->journal->entry[entry];
    int n = ring_look(r);

    if (n <= 0)
        return n;
    memcpy(req, &vscsiif_slot(r->shared, r->req_cons)->req, sizeof(*req));
    /* From here on only *req is used; the compiler must not read the page again. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);

    s->ring_index = r->req_cons;
    s->rsp_index = 0;
    s->rqid = req->rqid;
    s->channel = req->channel;
    s->target = req->id;
    s->lun = req->lun;
    s->act = req->act;
    s->opcode = req->cmnd[0];
    s->data_len = 0;
    s->deadline_us = 0;
    store(&s->state, JOURNAL_TAKEN);
    r->req_cons++;
    store(&r->journal->req_cons, r->req_cons);
    return 1;
}

void ring_note_length(struct ring *r, unsigned entry, uint32_t data_len)
{
    r->journal->entry[entry].data_len = data_len;
}

void ring_answer(struct ring *r, unsigned entry, int32_t rslt, const struct scsi_answer *a)
{
    struct pvscsi_journal_entry *s = &r->journal->entry[entry];
    struct vscsiif_response rsp;

    memset(&rsp, 0, sizeof(rsp));
    rsp.rqid = s->rqid;
    rsp.rslt = rslt;
    if (a) {
        rsp.sense_len = a->sense_len <= VSCSIIF_SENSE_BUFFERSIZE ? a->sense_len : VSCSIIF_SENSE_BUFFERSIZE;
        memcpy(rsp.sense_buffer, a->sense, rsp.sense_len);
        rsp.residual_len = a->residual;
    }
    memcpy(&vscsiif_slot(r->shared, r->rsp_prod)->rsp, &rsp, sizeof(rsp));
    s->rsp_index = r->rsp_prod;
    store(&s->state, JOURNAL_ANSWERED);
    r->answered |= 1u << entry;
    r->rsp_prod++;
}

bool ring_push(struct ring *r)
{
    uint32_t before = r->rsp_published;
    uint32_t event;

    if (r->rsp_prod == before)
        return false;
    store(&r->shared->rsp_prod, r->rsp_prod);
    r->rsp_published = r->rsp_prod;
    xen_mb(); /* the guest sees the responses before we look at rsp_event */
    event = load(&r->shared->rsp_event);
    for (unsigned i = 0; r->answered; i++) {
        if (r->answered & (1u << i)) {
            store(&r->journal->entry[i].state, JOURNAL_FREE);
            r->answered &= ~(1u << i);
        }
    }
    return r->rsp_prod - event < r->rsp_prod - before;
}

int ring_final_check(struct ring *r)
{
    if (r->halted)
        return -EPROTO;
    store(&r->shared->req_event, r->req_cons + 1);
    xen_mb(); /* the guest sees req_event before we look at req_prod */
    return ring_look(r);
}
