/*
 * The files of a vhost in the run directory: its journal and statistics, which
 * outlive its worker and the daemon. The journal is locked by whoever serves the
 * ring: the lock goes to the worker with the descriptor and ends with the
 * process, so that a successor knows when the ring is really free.
 */
#ifndef PVSCSI_RUN_FILES_H
#define PVSCSI_RUN_FILES_H

#include <stdbool.h>
#include <stdint.h>

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
    int journal;            /* with the lock on it */
    int stats;
};
/*
 * Opens or makes both at their full size. fresh: the journal is emptied (a new ring starts). -EWOULDBLOCK: an earlier worker
 * still has the journal, *pid is what it holds for that worker.
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

/* Pure: does the journal hold a request to this LUN that was taken and not answered? */
bool journal_has_orphan(const struct pvscsi_journal *j, uint16_t channel, uint16_t target, uint16_t lun);

#endif
