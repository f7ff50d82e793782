/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the hypervisor and about this domain: its kernel, its pvscsid. The answer is "unknown" without Xen
 * (standalone mode).
 */
#ifndef XL_SCSI_HYP_H
#define XL_SCSI_HYP_H

#include <stdbool.h>
#include <stdint.h>

#include "userdata.h"

/* May this domain ask the hypervisor? Opens the connection at first use. */
bool hyp_available(void);
void hyp_close(void);
/* 1 paused by a toolstack, 0 not, -1 unknown. */
int hyp_domain_paused(uint32_t domid);
/* Raises or lowers the domain's pause count. A pause by xl is counted separately. 0 or -errno. */
int hyp_pause(uint32_t domid);
int hyp_unpause(uint32_t domid);
/* The guest's uuid as libxl writes it in file names: 0; -ENOENT without such a domain; -ENOSYS. */
int hyp_domain_uuid(uint32_t domid, char uuid[UUID_TEXT_MAX]);
/*
 * The domains that have this uuid and are not being destroyed, at most max of them in ids. Their number; -ENOSYS or
 * another -errno.
 */
int hyp_find_uuid(const char *uuid, uint32_t *ids, unsigned max);
/* The directory of libxl's files about domains. */
const char *hyp_xen_lib_dir(void);
/* Is the kernel's xen-scsiback bound to this vhost? Known only if the backend is this domain. */
bool hyp_kernel_backend(uint32_t domid, uint32_t backend, uint32_t id);
/*
 * Does a process listen at the control socket of this domain's pvscsid, in RUNSTATEDIR/pvscsid? 1; 0: no, and there is
 * no process of this name; -1: not known.
 */
int hyp_pvscsid_runs(void);

#endif
