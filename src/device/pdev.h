/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of a p-dev, the text by which a user or the toolstack names a SCSI device of this machine. It turns
 * the text into a struct and never looks at sysfs or /dev; device.h does that.
 */
#ifndef PVSCSI_PDEV_H
#define PVSCSI_PDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "common/util.h"
#include "pvscsi/hctl.h"

enum pdev_kind {
    PDEV_HCTL, /* "1:0:0:0" */
    PDEV_NODE, /* "/dev/...", or the name of a link in /dev/disk/by-id that begins with "scsi-" */
    /* "naa.<16 or 32 hex>", or any text as in sysfs' wwid ("t10.ATA ...", "eui...."); "wwn-0x<hex>", "scsi-3<hex>" */
    PDEV_WWID,
    PDEV_FILE, /* "file:/path": an emulated disk, in standalone mode only */
};
#define PDEV_TEXT_MAX 512 /* with the NUL */
#define DEVICE_WHY_MAX 256
/* The forms of a p-dev in short, for messages. vscsi(7) has them all. */
#define PDEV_FORMS "/dev/..., h:c:t:l, naa.<16 or 32 hex digits>[:lun] or a wwid as in sysfs"

/* The parts of a p-dev, before it is looked up. */
struct pdev {
    enum pdev_kind kind;
    struct hctl hctl; /* PDEV_HCTL */
    bool has_lun;     /* PDEV_WWID: ":lun" was given; the device must have this LUN too */
    uint64_t lun;
    char text[PDEV_TEXT_MAX]; /* PDEV_NODE: the path; PDEV_WWID: the identifier, as in sysfs; PDEV_FILE: the path */
};
/*
 * Writes a reason or a remark to why[DEVICE_WHY_MAX], unless that is NULL. Returns error, for "return device_say(...)".
 */
int device_say(char *why, int error, const char *fmt, ...) PRINTF(3, 4);

/* 0, or -EINVAL and a reason in why[DEVICE_WHY_MAX] (may be NULL). */
int pdev_parse(const char *text, struct pdev *out, char *why);

/*
 * Whether p names a unit by an identifier, as PDEV_WWID does, and as udev's links do that have one in their name:
 * /dev/disk/by-id/wwn-0x<hex>, scsi-3<hex>, also with a suffix such as "-nst". Then *unit (may be NULL) is it.
 */
bool pdev_names_unit(const struct pdev *p, struct pdev *unit);

#endif
