/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ABI of Xen's public headers, with the barriers that they leave to the user, and checks of sizes and offsets. */
#ifndef PVSCSI_VSCSIIF_H
#define PVSCSI_VSCSIIF_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/io/vscsiif.h>

#include "pvscsi/journal.h"

static_assert(sizeof(struct vscsiif_request) == 252, "request");
static_assert(offsetof(struct vscsiif_request, cmnd) == 4, "cmnd");
static_assert(offsetof(struct vscsiif_request, timeout_per_command) == 20, "timeout");
static_assert(offsetof(struct vscsiif_request, channel) == 22, "channel");
static_assert(offsetof(struct vscsiif_request, ref_rqid) == 28, "ref_rqid");
static_assert(offsetof(struct vscsiif_request, sc_data_direction) == 30, "direction");
static_assert(offsetof(struct vscsiif_request, nr_segments) == 31, "nr_segments");
static_assert(offsetof(struct vscsiif_request, seg) == 32, "seg");
static_assert(sizeof(struct vscsiif_response) == 252, "response");
static_assert(offsetof(struct vscsiif_response, sense_len) == 3, "sense_len");
static_assert(offsetof(struct vscsiif_response, sense_buffer) == 4, "sense_buffer");
static_assert(offsetof(struct vscsiif_response, rslt) == 100, "rslt");
static_assert(offsetof(struct vscsiif_response, residual_len) == 104, "residual");
static_assert(sizeof(struct scsiif_request_segment) == 8, "segment");
static_assert(offsetof(struct vscsiif_sring, ring) == 64, "ring");
static_assert(__CONST_RING_SIZE(vscsiif, 4096) == PVSCSI_RING_SLOTS, "slots");

/* The slot of a free-running index. The header declares ring[1], but the page holds more slots. */
static inline union vscsiif_sring_entry *vscsiif_slot(struct vscsiif_sring *s, uint32_t index)
{
    char *base = (char *)s + offsetof(struct vscsiif_sring, ring);

    return (union vscsiif_sring_entry *)(void *)base + (index & (PVSCSI_RING_SLOTS - 1));
}

#endif
