/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a vhost in the run directory: its journal, its statistics and
 * where its LUNs were, which outlive its worker and the daemon. The journal is
 * locked by whoever serves the ring: the lock goes to the worker with the
 * descriptor and ends with the process, so that a successor knows when the ring
 * is really free.
 */
#ifndef PVSCSI_RUN_FILES_H
#define PVSCSI_RUN_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "pvscsi/hctl.h"
#include "pvscsi/journal.h"
#include "pvscsi/stats.h"

/* Makes the directory (0755) if need be. 0 or -errno. */
int run_dir_prepare(const char *dir);
/*
 * Locks this file and writes our pid. The descriptor is the lock. -EEXIST: another daemon has it, *other is its
 * pid (0: unknown); or -errno.
 */
int pid_file_lock(const char *path, int *fd, uint32_t *other);

struct run_files {
    int journal; /* with the lock on it */
    int stats;
};
/*
 * Opens or makes both at their full size. fresh: the journal is emptied (a new ring starts), except for what may still be at a
 * device. -EWOULDBLOCK: an earlier worker still has the journal, *pid is what it holds for that worker.
 */
int run_files_open(const char *dir, uint16_t domid, uint32_t vhost, bool fresh, struct run_files *out, uint32_t *pid);
/* A copy of the journal as it is now; zeroes when there is none or it is no journal. 0 or -errno. */
int run_files_journal(const char *dir, uint16_t domid, uint32_t vhost, struct pvscsi_journal *out);
/* Maps the statistics for reading; NULL when there are none. */
const struct pvscsi_stats *run_files_map_stats(const char *dir, uint16_t domid, uint32_t vhost);
void run_files_unmap_stats(const struct pvscsi_stats *stats);
void run_files_remove(const char *dir, uint16_t domid, uint32_t vhost);
/* Removes the files of vhosts for which known() is false and which no worker holds. */
void run_files_sweep(const char *dir, bool (*known)(void *ctx, uint16_t domid, uint32_t vhost), void *ctx);
/* Calls fn with each journal there is; served: a worker holds it. */
void run_files_each(const char *dir,
                    void (*fn)(void *ctx, uint16_t domid, uint32_t vhost, bool served, const struct pvscsi_journal *j),
                    void *ctx);
/* A pidfd of the worker with this pid; -ESRCH: there is none (any more); -errno. */
int run_files_worker(pid_t pid);

/*
 * A device in a text file, one a line: "WORD H:C:T:L WWID". In dN.N.luns the word is the name of the LUN's node; in `outstanding`
 * (at-work.c) a worker's pid.
 */
struct run_device {
    char word[24];
    struct hctl hctl;
    char wwid[256]; /* escaped and cut, so only good for comparing with another that was made so; "": unknown */
};
void run_device_set(struct run_device *out, const char *word, const struct hctl *hctl, const char *wwid);
/* False when both have a wwid, and not the same. */
bool run_device_compatible(const struct run_device *a, const struct run_device *b);
/* One device by two ways counts too. */
bool run_device_same(const struct run_device *a, const struct run_device *b);
void run_device_print(FILE *f, const struct run_device *d);
/* Replaces dir/name by what print() writes (NULL: removes it), or leaves it as it was. 0 or -errno. */
int run_devices_save(const char *dir, const char *name, void (*print)(FILE *f, void *ctx), void *ctx);
/* Calls fn with each line that is one; nothing when there is no such file. */
void run_devices_load(const char *dir, const char *name, void (*fn)(void *ctx, const struct run_device *d), void *ctx);
#define RUN_LUNS_NAME_MAX 32
void run_luns_name(uint16_t domid, uint32_t vhost, char out[RUN_LUNS_NAME_MAX]);

/* Pure: does the journal hold a request to this LUN that was taken and not answered? */
bool journal_has_unanswered(const struct pvscsi_journal *j, uint16_t channel, uint16_t target, uint16_t lun);
/* Pure: may anything of the worker that is gone still reach a device? */
bool journal_unfinished(const struct pvscsi_journal *j);

#endif
