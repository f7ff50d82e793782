/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxl's own files about a domain, below /var/lib/xen. libxl has calls to read one and to store one, but none that
 * keeps its lock in between: what xl changes meanwhile (a disk that is attached, say) would be lost. So
 * they are read and replaced here, under libxl's lock and as libxl does it (4.17: libxl__lock_domain_userdata(),
 * libxl__userdata_store()).
 */
#ifndef XL_SCSI_USERDATA_H
#define XL_SCSI_USERDATA_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_TEXT_MAX 37

struct userdata {
    const char *dir; /* "/var/lib/xen" */
    uint32_t domid;
    char uuid[UUID_TEXT_MAX];
};

/* The lock's fd, for userdata_unlock(); -errno: -ETIMEDOUT at deadline_us (CLOCK_MONOTONIC). */
int userdata_lock(const struct userdata *u, uint64_t deadline_us);
void userdata_unlock(const struct userdata *u, int fd);

/* name: as "libxl-json". The file's text, to be freed. 0 or -errno. */
int userdata_read(const struct userdata *u, const char *name, char **text);
bool userdata_exists(const struct userdata *u, const char *name);
/* All of it or nothing, the final NUL included. 0 or -errno. */
int userdata_replace(const struct userdata *u, const char *name, const char *text);

#endif
