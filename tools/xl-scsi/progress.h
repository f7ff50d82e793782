/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line on the terminal while something takes long: what is waited for, for how long already, and for how long at
 * most. It is overwritten and vanishes, so nothing of it gets into a log. A program for which standard error is a log,
 * even on a terminal, never allows it.
 */
#ifndef XL_SCSI_PROGRESS_H
#define XL_SCSI_PROGRESS_H

#include <stdint.h>

/* From now on the line is shown, if standard error is a terminal. Before, and elsewhere, the others do nothing. */
void progress_allow(void);
/*
 * To be called while waiting for `what` since begun_us until until_us (both CLOCK_MONOTONIC). `what` is "the guest to
 * take the device" or the like, of at most 32 columns, so that the line has 80. Shows or renews the line when it is
 * time. Returns when it wants to be called again; UINT64_MAX: it has nothing to show.
 */
uint64_t progress_show(const char *what, uint64_t begun_us, uint64_t until_us);
/* The wait has ended: removes the line. */
void progress_end(void);

#endif
