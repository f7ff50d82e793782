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
    /* Options by which the toolstack asks for more than the config leaves in force, for the log; "": there are none. */
    char narrowed[160];
    struct scsi_rules rules;
};

/*
 * feature_host: as the toolstack wrote it for the device or its virtual host. wish: NULL for a type without a device.
 */
void policy_make(const struct settings *s, uint8_t type, bool feature_host, const struct wish *wish,
                 struct lun_policy *out);

/*
 * True, and one line in why: now asks for something that before does not ask for, and the config does not leave all of
 * it in force. Else why is "".
 */
bool policy_refuses_more(const struct settings *s, uint8_t type, const struct wish *before, const struct wish *now,
                         char *why, size_t size);

#endif
