/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which logical unit a device is, as a text that can be kept and compared. The text comes from what the unit itself
 * says (VPD pages 83h and 80h, see vpd.h). Nothing here talks to a device.
 *
 * The forms of the text:
 *
 *     naa.<hex>, eui.<hex>, t10.<text>, or a SCSI name string    page 83h, in the words of the kernel's `wwid`
 *     serial.<vendor>.<product>.<serial number>.<LUN>            page 80h, of a unit without page 83h
 *     boot.<boot id>.<h:c:t:l>                                   a unit with neither: known only by its address, and
 *                                                                only until the backend domain boots again
 */
#ifndef PVSCSI_DEVICE_IDENTITY_H
#define PVSCSI_DEVICE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pvscsi/hctl.h"

#define UNIT_TEXT_MAX 256 /* with the NUL; a longer text is cut */

/* boot_id: /proc/sys/kernel/random/boot_id. */
void identity_within_boot(const char *boot_id, const struct hctl *at, char out[UNIT_TEXT_MAX]);
/* False for the form that does not outlive a boot. */
bool identity_lasts(const char *unit);
/* The boot id of this domain; "" if it cannot be read. */
#define BOOT_ID_MAX 48
void identity_boot_id(char out[BOOT_ID_MAX]);

/*
 * The same identifier? Blanks at the end do not count, nor capitals. Two empty texts are not the same.
 */
bool identity_equal(const char *a, const char *b);

#endif
