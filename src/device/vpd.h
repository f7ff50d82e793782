/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identifier that a logical unit has in its vital product data. Bytes in, text out; no device is asked here. */
#ifndef PVSCSI_DEVICE_VPD_H
#define PVSCSI_DEVICE_VPD_H

#include <stdint.h>

#include "device/identity.h"

/*
 * The identifier in page 83h (SPC-5 7.7.6), all len bytes from the page's header on. Of several designators of the
 * logical unit, the one that scsi_vpd_lun_id() of Linux prefers is taken. False: the page has none.
 */
bool identity_from_page83(const uint8_t *page, size_t len, char out[UNIT_TEXT_MAX]);
/* The same from page 80h (SPC-5 7.7.24). False: the page has no serial number. */
bool identity_from_page80(const uint8_t *page, size_t len, const char *vendor, const char *product, uint64_t lun,
                          char out[UNIT_TEXT_MAX]);

#endif
