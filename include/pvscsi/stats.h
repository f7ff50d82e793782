/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The statistics page of a vhost: a small file in the run directory, written by
 * the vhost's worker only, mapped read-only by whoever reports. It outlives a
 * worker, so counters go on after a restart. A reader may see a
 * counter a moment early or late; every field is one aligned 64-bit store.
 */
#ifndef PVSCSI_STATS_H
#define PVSCSI_STATS_H

#include <assert.h>
#include <stdint.h>

#define PVSCSI_STATS_MAGIC 0x31545356u /* "VST1" */
#define PVSCSI_STATS_LUNS 256          /* LUNs of one vhost */
#define PVSCSI_STATS_BUCKETS 24        /* latency: bucket b counts [2^b, 2^(b+1)) microseconds; the last is open */

struct pvscsi_lun_stats {
    uint64_t used;       /* 1: the slot belongs to a LUN now */
    uint64_t vdev;       /* channel << 32 | target << 16 | lun */
    uint64_t commands;   /* taken from the ring */
    uint64_t answered;   /* in flight = commands - answered */
    uint64_t errors;     /* answered with a host byte or a status other than GOOD */
    uint64_t read_bytes; /* from the device to the guest */
    uint64_t write_bytes;
    uint64_t latency_us_sum;
    uint64_t latency[PVSCSI_STATS_BUCKETS];
};

struct pvscsi_stats {
    uint32_t magic;
    uint32_t version;      /* 1 */
    uint64_t ring_events;  /* wake-ups by the guest */
    uint64_t ring_scans;   /* that found requests */
    uint64_t notifies;     /* sent to the guest */
    uint64_t bad_requests; /* malformed, or to no LUN of ours */
    uint64_t aborts, resets;
    uint64_t restarts; /* take-overs of a live ring */
    uint64_t halted;   /* 1: the guest broke the ring protocol */
    uint64_t spare[7];
    struct pvscsi_lun_stats lun[PVSCSI_STATS_LUNS];
};
static_assert(sizeof(struct pvscsi_lun_stats) == 8 * (8 + PVSCSI_STATS_BUCKETS), "layout");
static_assert(sizeof(struct pvscsi_stats) == 128 + PVSCSI_STATS_LUNS * sizeof(struct pvscsi_lun_stats), "layout");

#endif
