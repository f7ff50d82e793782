/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SCSI address host:channel:target:lun, physical or virtual, and its text. */
#ifndef PVSCSI_HCTL_H
#define PVSCSI_HCTL_H

#include <stdbool.h>
#include <stdint.h>

struct hctl {
    uint32_t host, channel, target;
    uint64_t lun; /* as the kernel prints it: 64 bits with extended addressing; 0 to 16383 in a v-dev */
};

/* The limits of a pvSCSI request (vscsiif.h: 16 bits each) and of SCSI (SAM-5 4.7.7.5: a flat LUN has 14 bits). */
enum {
    VDEV_CHANNEL_MAX = 255,
    VDEV_TARGET_MAX = 65535,
    VDEV_LUN_MAX = 16383
};

/* Exactly "h:c:t:l", decimal, h, c and t within 32 bits, l within 64. 0, -EINVAL or -ERANGE. */
int hctl_parse(const char *text, struct hctl *out);
/* hctl_parse() plus the ranges above for channel, target and LUN. */
int vdev_parse(const char *text, struct hctl *out);
#define HCTL_TEXT_MAX 56
void hctl_format(const struct hctl *a, char out[HCTL_TEXT_MAX]);
bool hctl_equal(const struct hctl *a, const struct hctl *b);

#endif
