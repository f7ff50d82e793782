/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The statistics page of a vhost: a small file in the run directory, written by the vhost's worker only, mapped
 * read-only by the control process. It outlives a worker, so the counters are kept over a restart. Each counter is
 * written by one aligned 64-bit store, but a reader may see some counters of an event before others.
 */
#ifndef PVSCSI_STATS_H
#define PVSCSI_STATS_H

#include <assert.h>
#include <stdint.h>

#define PVSCSI_STATS_MAGIC 0x31545356u /* "VST1" */
#define PVSCSI_STATS_VERSION 3
#define PVSCSI_STATS_LUNS 256 /* LUNs of one vhost */
#define PVSCSI_STATS_BUCKETS \
    36 /* latency: bucket b counts [2^b, 2^(b+1)) microseconds; the last, from 9.5 hours, is open */
#define PVSCSI_STATS_KINDS 24 /* enum scsi_kind of scsi.h, and room */

struct pvscsi_lun_stats {
    uint32_t used;       /* 1: this place belongs to a LUN now */
    uint32_t left;       /* what the guest may have left in the device (scsi/left.h): no counter, but kept as long */
    uint64_t vdev;       /* channel << 32 | target << 16 | lun */
    uint64_t commands;   /* taken from the ring */
    uint64_t answered;   /* in flight = commands - answered */
    uint64_t errors;     /* the sum of kinds[] that are errors: scsi_kind_is_error() */
    uint64_t reads;      /* answered commands with data from the device, whether it came or not */
    uint64_t writes;     /* ... with data to the device */
    uint64_t read_bytes; /* from the device to the guest */
    uint64_t write_bytes;
    uint64_t latency_us_sum;        /* from the ring to the answer */
    uint64_t submitted;             /* answered commands that were at the device or at the PR helper; of those alone: */
    uint64_t queued_us_sum;         /* from the ring to the device */
    uint64_t device_us_sum;         /* at the device; all pieces and what is between them */
    uint64_t limited;               /* answered commands that the LUN's limits held up */
    uint64_t limited_us_sum;        /* for how long, until they went to the device or ended */
    uint64_t aborts, aborts_failed; /* answered ABORTs of the LUN's commands, and those answered with failure */
    uint64_t resets, resets_failed;
    uint64_t kinds[PVSCSI_STATS_KINDS]; /* answered commands by enum scsi_kind */
    uint64_t latency[PVSCSI_STATS_BUCKETS];
};

struct pvscsi_stats {
    uint32_t magic;
    uint32_t version;      /* PVSCSI_STATS_VERSION */
    uint64_t ring_events;  /* wake-ups by the guest */
    uint64_t ring_scans;   /* scans of the ring that found requests */
    uint64_t notifies;     /* events sent to the guest */
    uint64_t bad_requests; /* malformed, or to a LUN that does not exist */
    uint64_t aborts, resets;
    uint64_t restarts;      /* take-overs of a live ring */
    uint64_t halted;        /* 1: the guest broke the ring protocol */
    uint64_t granted_pages; /* of 4 KiB: buffers that are granted to our own domain now */
    uint64_t spare[6];
    struct pvscsi_lun_stats lun[PVSCSI_STATS_LUNS];
};
static_assert(sizeof(struct pvscsi_lun_stats) == 8 * (19 + PVSCSI_STATS_KINDS + PVSCSI_STATS_BUCKETS), "layout");
static_assert(sizeof(struct pvscsi_stats) == 128 + PVSCSI_STATS_LUNS * sizeof(struct pvscsi_lun_stats), "layout");

#endif
