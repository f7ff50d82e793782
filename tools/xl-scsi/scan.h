/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SCSI devices of this machine, to choose one for a guest: what each is, what uses it, and the p-dev to write. It
 * reads sysfs, /dev and /proc. It sends no command to a device. It opens a disk for a moment to see whether something
 * has it open exclusively, unless its medium is removable.
 */
#ifndef XL_SCSI_SCAN_H
#define XL_SCSI_SCAN_H

#include <stdio.h>

#include "device/device.h"
#include "view.h"

struct json_object;

struct scan_guest {
    uint32_t domid;
    char *name, *vdev; /* NULL: xenstore has none */
    bool other_path;   /* it has the unit by another path */
};

struct scan_device {
    struct device dev; /* sg_name "": it cannot be given to a guest, and only what device_from_hctl() says is set */
    char *node;        /* "/dev/sda", "/dev/nst0", "/dev/sg3"; NULL: none */
    uint64_t size;     /* bytes of a disk or of the medium in it; 0: not known, or an optical drive or no disk */
    char **links;      /* in /dev/disk/by-id and its like, sorted */
    unsigned n_links;
    char *pdev; /* leads to this device and no other: an identifier, else a link, else h:c:t:l; NULL: as sg_name "" */
    char *why;  /* the reason, besides guests[], why no guest can have it now; NULL: there is none */
    struct scan_guest *guests;
    unsigned n_guests;
};

/* { 0 } before scan_load(); scan_clear() at the end, also after a failure. */
struct scan {
    struct scan_device *d; /* in the order of h:c:t:l */
    unsigned n;
};

/* 0 or -errno. */
int scan_load(const struct device_roots *roots, struct scan *out);
/*
 * Notes which of this domain's devices a guest has. A device of a view is found by phctl, else by a p-dev that is an
 * address, and by its identifier. 0 or -ENOMEM.
 */
int scan_note_guest(struct scan *s, const char *name, const struct guest_view *v);
void scan_clear(struct scan *s);

/* --- scan-show.c --- */
/* A line for each device. */
void scan_table(const struct scan *s, FILE *out);
/* Everything about each device. */
void scan_long(const struct scan *s, FILE *out);
/* A new array, or NULL without memory. */
struct json_object *scan_json(const struct scan *s);

#endif
