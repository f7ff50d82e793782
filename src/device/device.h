/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the SCSI device of this machine that a p-dev names, with the help of sysfs, and opens it. Every path starts
 * from the directories in struct device_roots, so that tests can use directories of their own.
 *
 * It does not log: a refusal is a negative errno and a sentence that says what was found and what was expected.
 */
#ifndef PVSCSI_DEVICE_H
#define PVSCSI_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "device/identity.h"
#include "device/pdev.h"
#include "pvscsi/hctl.h"

struct inventory; /* inventory.h */

struct device_roots {
    const char *sysfs;    /* "/sys" */
    const char *dev;      /* "/dev": stands for the leading /dev of a p-dev, and holds the nodes that are opened */
    const char *proc;     /* "/proc", for what uses a device; NULL: nothing is known of that */
    uint32_t worker_uids; /* the user of a confined worker is this plus its process ID; 0: not known */
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
    char wwid[UNIT_TEXT_MAX];   /* as sysfs gives it, "" when the device has none */
    char unit[UNIT_TEXT_MAX];   /* which unit it is; device_ask() sets it, "" before that (see identity.h) */
    char vendor[16], model[32]; /* trimmed */
    char state[24];             /* sysfs state: "running", "offline" ... */
    uint32_t max_transfer;      /* bytes that one command can move, according to sysfs; device_open() asks sg too */
    /* Commands that the LUN, and all LUNs of its host together, take at once; 0: sysfs does not say. */
    uint32_t queue_depth, can_queue;
    char file[PDEV_TEXT_MAX]; /* PDEV_FILE: the path */
};

/*
 * Looks the p-dev up. 0, or -errno and a sentence without a full stop in why[DEVICE_WHY_MAX] (may be NULL):
 * -EINVAL not a p-dev at all, -ENOENT no such node or device, -ENOTSUP it exists but is no SCSI device that can be
 * given away (partition, dm, md, loop, NVMe, /dev/null ...), -ENODEV it is a SCSI device without an sg node,
 * -ENOTUNIQ two units have this identifier, -EACCES ... as the system says. allow_file: PDEV_FILE is accepted
 * (standalone mode). A WWID that several paths share gives the running one with the lowest h:c:t:l.
 */
int device_resolve(const struct device_roots *roots, const char *pdev, bool allow_file, struct device *out, char *why);
/*
 * The same, but an identifier, also one in the name of a link (pdev_names_unit()), is looked for among the devices of
 * this inventory, which has the identifiers. What is found there is read again, so an old inventory may miss a device,
 * but gives no wrong one. all: NULL: sysfs is read.
 */
int device_resolve_in(const struct device_roots *roots, const struct inventory *all, const char *pdev, bool allow_file,
                      struct device *out, char *why);
/*
 * The same, for the unit with this identifier (identity.h), by another path than the n_taken addresses in taken. Only
 * what sysfs has as `wwid` is found, so -ENOENT for the other forms of identifier too.
 */
int device_find_unit(const struct device_roots *roots, const struct inventory *all, const char *unit,
                     const struct hctl *taken, size_t n_taken, struct device *out, char *why);
/* The same, for a device number of stat(). */
int device_from_rdev(const struct device_roots *roots, bool block, dev_t rdev, struct device *out, char *why);
/* The same, for an address. After -ENODEV, type, wwid, vendor, model and state are set too. */
int device_from_hctl(const struct device_roots *roots, const struct hctl *hctl, struct device *out, char *why);

/*
 * Calls fn for each SCSI device of the machine that can be given away, in the order of h:c:t:l; stops when fn returns
 * non-zero and returns that; else 0 or -errno. For "a whole physical host" compare dev->hctl.host.
 */
int device_for_each(const struct device_roots *roots, int (*fn)(const struct device *dev, void *ctx), void *ctx);

struct device_fds {
    int sg;    /* O_RDWR|O_NONBLOCK, or the file of PDEV_FILE */
    int block; /* for the PR helper: O_RDWR, else O_RDONLY; -1: the device has none, or it cannot be opened */
};
/*
 * Opens what device_resolve() found and makes sure that it is that device: the sg node has the device number that
 * sysfs says, SG_GET_SCSI_ID gives dev->hctl, and the WWID is dev->wwid if both are known. Lowers dev->max_transfer
 * to the limits of sg. May sleep in the kernel, so it is called in a thread. 0 and fds that the caller closes, or
 * -errno and why.
 */
int device_open(const struct device_roots *roots, struct device *dev, struct device_fds *fds, char *why);

/* Closes those that are open, and sets them to -1. */
void device_close(struct device_fds *fds);

/*
 * An error of the functions above that means that the device is not there, or cannot be told from another. That may
 * pass.
 */
bool device_error_is_absence(int error);

/* True: the error of a function above will not pass by itself. There is no such device, or it cannot be given away. */
bool device_error_is_final(int error);

/* Reads the WWID that sysfs has now for this address. 0 or -errno. */
int device_wwid(const struct device_roots *roots, const struct hctl *hctl, char *out, size_t size);

/* The number of commands at the device (device_busy in sysfs). 0 and *busy, or -errno (-ENOENT: the device is gone). */
int device_busy(const struct device_roots *roots, const struct hctl *hctl, unsigned *busy);

#endif
