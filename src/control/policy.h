/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a LUN: what the config of this domain says of its type, and what the toolstack asked for, as far as the
 * config permits it. What the rules mean for a command is not decided here: src/scsi/policy.c does that in the worker.
 */
#ifndef PVSCSI_CONTROL_POLICY_H
#define PVSCSI_CONTROL_POLICY_H

#include "control/model.h"

struct lun_policy {
    bool feature_host;
    bool narrowed; /* the toolstack asked for more than the config permits */
    struct scsi_rules rules;
};

/*
 * feature_host: as the toolstack wrote it for the device or its virtual host. wish: NULL for a type without a device.
 */
void policy_make(const struct settings *s, uint8_t type, bool feature_host, const struct wish *wish,
                 struct lun_policy *out);

/*
 * True: now asks for something that before does not ask for, and the config permits nothing of it. Its name, as an
 * option of the device ("allow=3b/02"), is in what.
 */
bool policy_refuses_more(const struct settings *s, uint8_t type, const struct wish *before, const struct wish *now,
                         char *what, size_t size);

#endif
