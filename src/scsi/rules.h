/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that go before the command policy, and their text. "3b+a3/0f+a2/20" is WRITE BUFFER, MAINTENANCE IN with the
 * service action 0Fh, and SECURITY PROTOCOL IN with the protocol 20h: two hexadecimal digits each. Pure: text in,
 * rules or one line that says what is wrong out.
 */
#ifndef PVSCSI_SCSI_RULES_H
#define PVSCSI_SCSI_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One command that is allowed or denied. */
struct scsi_rule {
    uint8_t opcode;
    uint8_t some_action; /* 1: only with .action; 0: in all forms */
    uint8_t action;      /* scsi_rule_action() of the CDB */
    uint8_t deny;        /* 1: denied, which counts more than all that allows it */
};

/* The most rules of one list, and of one LUN, which has several lists. */
#define SCSI_RULE_LIST_MAX 24
#define SCSI_RULES_MAX 128

struct scsi_rules {
    uint32_t n;
    struct scsi_rule rule[SCSI_RULES_MAX];
};

/* A list of a config file: each rule holds for a set of types (types.h). */
struct scsi_typed_rules {
    bool all; /* every command */
    uint32_t n;
    uint32_t types[SCSI_RULE_LIST_MAX];
    struct scsi_rule rule[SCSI_RULE_LIST_MAX];
};

#define SCSI_RULES_WHY_MAX 160

/* The service action of a CDB, or the protocol of SECURITY PROTOCOL IN and OUT: what a rule may name after '/'. */
uint8_t scsi_rule_action(const uint8_t *cdb);
/*
 * Parses the rules of one device. out: room for SCSI_RULE_LIST_MAX. Returns their number (at least 1), or -EINVAL and
 * one line in why.
 */
int scsi_rules_parse(const char *text, bool deny, struct scsi_rule *out, char why[SCSI_RULES_WHY_MAX]);
/*
 * Parses "TYPE:RULES TYPE:RULES": TYPE is disk, tape, optical, changer, other or all. "none" and "" are no rules. If
 * deny is false, "all" is every command. 0, or -EINVAL and one line in why.
 */
int scsi_typed_rules_parse(const char *text, bool deny, struct scsi_typed_rules *out, char why[SCSI_RULES_WHY_MAX]);
/* The set of types with this name; 0: there is none. */
uint32_t scsi_types_named(const char *name, size_t len);
/* "disk" and so on, for one peripheral device type. */
const char *scsi_type_group(uint8_t type);

#endif
