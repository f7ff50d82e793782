/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes and locks: what the xl shim and the service share with the commands. */
#ifndef XL_SCSI_RUN_H
#define XL_SCSI_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Sets the directory of the locks, which is made at first use. NULL: the default, RUNSTATEDIR/xl-scsi. */
void run_set_dir(const char *dir);
const char *run_get_dir(void);
/*
 * Takes the named lock, which is held until the fd is closed; waits for it until deadline_us (CLOCK_MONOTONIC). -1
 * with errno ETIMEDOUT, EINTR (a stop signal has come), or another one if locks cannot be used. */
int run_lock(const char *name, uint64_t deadline_us);
/* The same for a domain. All share one file, so that files do not accumulate. */
int run_lock_domain(uint32_t domid, uint64_t deadline_us);
/* The same for the moment in which a process puts nodes of a guest in their place. It is never held while waiting. */
int run_lock_place(uint32_t domid, uint64_t deadline_us);
/*
 * The same for units, by numbers of any kind (equal ones exclude each other): all of which[0..n) together. Two
 * processes whose lists overlap do not block each other for good. The call sorts which.
 */
int run_lock_units(uint32_t *which, unsigned n, uint64_t deadline_us);
/* Does another process have the named lock? 1: yes; 0: no; -1: unknown. */
int run_lock_is_held(const char *name);

/* Prints a line on stderr: the program's name and what went wrong. code: an exit status, or 0. Returns code. */
int complain(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for each line of the text, which is changed. */
int complain_lines(int code, char *text);

/*
 * Starts argv[0] (a path) with this environment. out: becomes its stdout when >= 0. Ignored and blocked
 * signals are reset. The pid, or -errno.
 */
pid_t run_spawn(char *const argv[], int out);
/*
 * Waits for it; a stop signal that comes meanwhile is passed on to it. Exit status, 128 + signal, or
 * -errno.
 */
int run_wait(pid_t pid);
/* Its status as above if it has ended; -EAGAIN while it runs. */
int run_poll(pid_t pid);
/* Runs it to its end. */
int run_program(char *const argv[]);

#endif
