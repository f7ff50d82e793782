/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker: serves one vhost's ring. It is the pvscsid binary itself, executed
 * with --worker and its end of the socketpair on fd WORKER_FD.
 */
#ifndef PVSCSI_WORKER_H
#define PVSCSI_WORKER_H

/* Runs until QUIT or EOF; the process's exit status. */
int worker_main(void);

#endif
