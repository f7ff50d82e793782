/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a vhost in the run directory: its journal, its statistics and the addresses of its LUNs. They
 * outlive its worker and the daemon. The worker that serves the ring holds a lock on the journal: it gets the lock
 * with the descriptor, and the lock ends with the process. So a successor knows when the ring is really free.
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

/* Makes the directory (0755) if it is missing. 0 or -errno. */
int run_dir_prepare(const char *dir);
/*
 * Locks this file and writes our pid into it. The lock lasts as long as the descriptor is open. 0; -EEXIST: another
 * daemon has the lock, *other is its pid (0: unknown); or -errno.
 */
int pid_file_lock(const char *path, int *fd, uint32_t *other);

struct run_files {
    int journal; /* with the lock on it */
    int stats;
};
/*
 * Opens or makes both at their full size. fresh: empties the journal for a new ring, but keeps the count of
 * commands that may still be at a device. 0, or -errno. -EWOULDBLOCK: an earlier worker still has the journal
 * locked.
 */
int run_files_open(const char *dir, uint16_t domid, uint32_t vhost, bool fresh, struct run_files *out);
/*
 * The process that has the journal mapped: the worker that has it locked. If none is found, the pid in the journal; 0:
 * there is none. Not to be called at each poll: if the journal names another process, all of /proc is read.
 */
uint32_t run_files_holder(const char *dir, uint16_t domid, uint32_t vhost);
/* Copies the journal; all zeroes if there is none or it is not valid. 0 or -errno. */
int run_files_journal(const char *dir, uint16_t domid, uint32_t vhost, struct pvscsi_journal *out);
/* Maps the statistics for reading. NULL: there are none. */
const struct pvscsi_stats *run_files_map_stats(const char *dir, uint16_t domid, uint32_t vhost);
void run_files_unmap_stats(const struct pvscsi_stats *stats);
void run_files_remove(const char *dir, uint16_t domid, uint32_t vhost);
/* Removes the files of vhosts for which known() is false and whose journal no worker has locked. */
void run_files_sweep(const char *dir, bool (*known)(void *ctx, uint16_t domid, uint32_t vhost), void *ctx);
/*
 * Calls fn for each journal. served: a worker has it locked. holders: then j->worker_pid is what run_files_holder()
 * says; else it is the worker's own word, which proves nothing.
 */
void run_files_each(const char *dir, bool holders,
                    void (*fn)(void *ctx, uint16_t domid, uint32_t vhost, bool served, const struct pvscsi_journal *j),
                    void *ctx);
/*
 * Has this process the journal of a vhost mapped, as each worker has as long as it serves? That of any run directory
 * counts, and one that was removed. proc: "/proc". pid: a number as text. 1 or 0; -ESRCH: it is about to end; or
 * -errno.
 */
int run_files_maps_journal(const char *proc, const char *pid);
/* A pidfd of the worker with this pid. -ESRCH: there is no such worker (any more); or -errno. */
int run_files_worker(pid_t pid);

/*
 * A device in a text file, one a line: "WORD H:C:T:L WWID". In dN.N.luns the word is the name of the LUN's node. In
 * `outstanding` it is what at-work.c writes there.
 */
struct run_device {
    char word[24];
    struct hctl hctl;
    /* device.unit, escaped and cut: only to be compared with another one made by run_device_set(); "": unknown */
    char wwid[256];
};
void run_device_set(struct run_device *out, const char *word, const struct hctl *hctl, const char *wwid);
/* May they be one unit? The same WWID or, if one has none (a file of an earlier version), the same address. */
bool run_device_compatible(const struct run_device *a, const struct run_device *b);
/* The same address, or the same WWID: two paths to one device are the same device. */
bool run_device_same(const struct run_device *a, const struct run_device *b);
void run_device_print(FILE *f, const struct run_device *d);
/* Replaces dir/name by what print() writes (NULL: removes the file). 0, or -errno and the file is unchanged. */
int run_devices_save(const char *dir, const char *name, void (*print)(FILE *f, void *ctx), void *ctx);
/* A file that could not be written: when to write it again. */
struct run_unsaved {
    uint64_t due_us; /* 0: it is written */
    unsigned tries;
};
/*
 * What becomes of dir/name after run_devices_save() has returned r: after a failure it is due after 0.1 s, doubled up
 * to 6.4 s. The log has one line for the first failure in a row, and one for their end. prefix: NULL, or of a vhost.
 */
void run_save_ended(struct run_unsaved *u, int r, const char *prefix, const char *dir, const char *name);
/* Calls fn for each valid line. A missing file is like an empty one. */
void run_devices_load(const char *dir, const char *name, void (*fn)(void *ctx, const struct run_device *d), void *ctx);
#define RUN_LUNS_NAME_MAX 32
void run_luns_name(uint16_t domid, uint32_t vhost, char out[RUN_LUNS_NAME_MAX]);

/* Does the journal have a request to this LUN that was taken and not answered? Pure. */
bool journal_has_unanswered(const struct pvscsi_journal *j, uint16_t channel, uint16_t target, uint16_t lun);
/* May a command of the dead worker still reach a device? Pure. */
bool journal_unfinished(const struct pvscsi_journal *j);

#endif
