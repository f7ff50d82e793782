/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a p-dev as a user or the toolstack writes it to a SCSI device of this
 * machine, by sysfs alone. Every step that depends on the machine starts from
 * the two directories in struct device_roots, so that tests use made-up ones.
 *
 * Nothing here logs: a refusal is a negative errno and a sentence that says what
 * the thing is and what was expected.
 */
#ifndef PVSCSI_DEVICE_H
#define PVSCSI_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "device/pdev.h"
#include "pvscsi/hctl.h"

struct device_roots {
    const char *sysfs; /* "/sys" */
    const char *dev;   /* "/dev": stands for the leading /dev of a p-dev, and holds the nodes that are opened */
};
extern const struct device_roots device_roots_system;

struct device {
    enum pdev_kind from; /* PDEV_FILE: only file[], type and max_transfer are set */
    struct hctl hctl;
    uint8_t type;     /* peripheral device type, SPC-5 table 150 */
    char sg_name[32]; /* "sg3" */
    dev_t sg_dev;
    char block_name[64]; /* "sda", the whole disk; "" for a device without one (tape, changer...) */
    dev_t block_dev;
    char wwid[256];             /* as sysfs gives it, "" when the device has none */
    char vendor[16], model[32]; /* trimmed */
    char state[24];             /* sysfs state: "running", "offline" ... */
    uint32_t max_transfer;      /* bytes that one command can move, as far as sysfs tells; device_open() refines it */
    /* Commands that the LUN, and all LUNs of its host together, take at once; 0: sysfs does not say. */
    uint32_t queue_depth, can_queue;
    char file[PDEV_TEXT_MAX]; /* PDEV_FILE: the path */
};

/*
 * Looks the p-dev up. 0, or -errno and a sentence without a full stop in why[DEVICE_WHY_MAX] (may be NULL):
 * -EINVAL not a p-dev at all, -ENOENT no such node or device, -ENOTSUP it exists but is no SCSI device that can be given
 * away (partition, dm, md, loop, NVMe, /dev/null ...), -ENODEV it is a SCSI device without an sg node,
 * -EACCES ... as the system says. allow_file: PDEV_FILE is accepted (standalone mode).
 * A WWID that several paths share gives the running one with the lowest h:c:t:l.
 */
int device_resolve(const struct device_roots *roots, const char *pdev, bool allow_file, struct device *out, char *why);
/* The same from a number that stat() gave. */
int device_from_rdev(const struct device_roots *roots, bool block, dev_t rdev, struct device *out, char *why);
/* The same from an address. */
int device_from_hctl(const struct device_roots *roots, const struct hctl *hctl, struct device *out, char *why);

/*
 * Calls fn for each SCSI device of the machine that can be given away, in the order of h:c:t:l; stops when fn returns
 * non-zero and returns that; else 0 or -errno. For "a whole physical host" compare dev->hctl.host.
 */
int device_for_each(const struct device_roots *roots, int (*fn)(const struct device *dev, void *ctx), void *ctx);

struct device_fds {
    int sg;    /* O_RDWR|O_NONBLOCK, or the file of PDEV_FILE */
    int block; /* for the PR helper: O_RDWR, else O_RDONLY; -1 when there is none or it cannot be opened */
};
/*
 * Opens what device_resolve() found and makes sure that it is the device meant: an sg node by its number, whose own address
 * (SG_GET_SCSI_ID) is dev->hctl and whose wwid is dev->wwid, if both are known. Lowers dev->max_transfer by what sg says. May sleep in the kernel: a sick
 * device is opened off the main loop. 0 and fds that the caller closes, or -errno and why.
 */
int device_open(const struct device_roots *roots, struct device *dev, struct device_fds *fds, char *why);

/* Closes what is open of them, and says -1. */
void device_close(struct device_fds *fds);

/* An error of the functions above that means that the device is not there. It may come back. */
bool device_error_is_absence(int error);

/* An error of the functions above that will not pass by itself: no such device, or none that can be given away. */
bool device_error_is_final(int error);

/* What sysfs says of it now: device.wwid. 0 or -errno. */
int device_wwid(const struct device_roots *roots, const struct hctl *hctl, char *out, size_t size);

/* Commands that the device is working at (sysfs device_busy). 0 and *busy, or -errno (-ENOENT: the device is gone). */
int device_busy(const struct device_roots *roots, const struct hctl *hctl, unsigned *busy);

#endif
