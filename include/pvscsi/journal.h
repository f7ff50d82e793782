/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal of a vhost: which requests were taken from the ring and not yet
 * answered. A small file in the run directory, mapped shared by the vhost's
 * worker, which is its only writer; it outlives the worker (and the daemon), so
 * that a successor can go on with the ring where it stopped.
 *
 * A worker may die between any two stores, so the order of stores is the protocol. x86 keeps the order; release
 * stores make the compiler keep it:
 *   take:    fill the entry; state = TAKEN; then req_cons = index + 1
 *   answer:  response into the ring slot; rsp_index; state = ANSWERED; then publish
 *   free:    after sring->rsp_prod covers rsp_index, state = FREE
 * at_device is raised before a command is submitted and lowered after its end was seen, those of former
 * rings too; it and the latest deadline of those outlive a ring. Not 0 in a dead worker's journal: something may still
 * reach a device. A TAKEN entry whose ring_index is not below req_cons was never taken; an ANSWERED entry
 * at or beyond sring->rsp_prod has a complete response in the ring, unpublished.
 */
#ifndef PVSCSI_JOURNAL_H
#define PVSCSI_JOURNAL_H

#include <assert.h>
#include <stdint.h>

#define PVSCSI_JOURNAL_MAGIC 0x314e4a56u /* "VJN1" */
#define PVSCSI_JOURNAL_VERSION 3
#define PVSCSI_RING_SLOTS 16 /* __CONST_RING_SIZE(vscsiif, 4096) */

enum pvscsi_journal_state {
    JOURNAL_FREE = 0,
    JOURNAL_TAKEN = 1,
    JOURNAL_ANSWERED = 2
};

struct pvscsi_journal_entry {
    uint32_t state;
    uint32_t ring_index; /* free-running request index */
    uint32_t rsp_index;  /* free-running response index, when ANSWERED */
    uint16_t rqid;
    uint16_t channel, target, lun;
    uint8_t act;
    uint8_t opcode;
    uint32_t data_len; /* what the guest asked for: the residual if it is ended without being served */
    uint32_t spare;
    /* When its time-out at the device has ended for good (CLOCK_MONOTONIC); 0: it was not at a device. */
    uint64_t deadline_us;
};

struct pvscsi_journal {
    uint32_t magic;
    uint32_t version;   /* PVSCSI_JOURNAL_VERSION */
    uint32_t connected; /* 1 while the fields below describe a live ring */
    uint32_t ring_ref;
    uint32_t event_channel; /* the guest's port */
    uint32_t req_cons;
    uint32_t halted; /* the guest broke the ring protocol; a successor must not go on */
    uint32_t worker_pid;
    uint32_t at_device; /* commands that sg may have */
    uint32_t spare;
    uint64_t strays_deadline_us; /* as an entry's, the latest among commands of former rings; 0: none is left */
    struct pvscsi_journal_entry entry[PVSCSI_RING_SLOTS];
};
static_assert(sizeof(struct pvscsi_journal_entry) == 40, "layout");
static_assert(sizeof(struct pvscsi_journal) == 48 + 40 * PVSCSI_RING_SLOTS, "layout");

/* The latest deadline among the commands that may be at devices; 0: none is known. */
static inline uint64_t pvscsi_journal_deadline(const struct pvscsi_journal *j)
{
    uint64_t latest = j->strays_deadline_us;

    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        if (j->entry[i].state == JOURNAL_TAKEN && j->entry[i].deadline_us > latest)
            latest = j->entry[i].deadline_us;
    return latest;
}

#endif
