// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of rules; see rules.h. Decides nothing: policy.c does. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "scsi/opcodes.h"
#include "scsi/rules.h"
#include "scsi/types.h"

/* The last one is what is left. */
static const struct {
    const char *name;
    uint32_t types;
} groups[] = {
    { "disk", SCSI_DISK },
    { "tape", SCSI_TAPE },
    { "optical", SCSI_MMC },
    { "changer", SCSI_CHANGER },
    { "other", SCSI_ALL & ~(SCSI_DISK | SCSI_TAPE | SCSI_MMC | SCSI_CHANGER) },
    { "all", SCSI_ALL },
};
#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

static int wrong(char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int wrong(char *why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, SCSI_RULES_WHY_MAX, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

uint8_t scsi_rule_action(const uint8_t *cdb)
{
    bool protocol = cdb[0] == OP_SECURITY_PROTOCOL_IN || cdb[0] == OP_SECURITY_PROTOCOL_OUT;

    return protocol ? cdb[1] : cdb[1] & SERVICE_ACTION_MASK;
}

/* Without these no initiator finds out what a device is. REPORT LUNS is answered by the backend. */
static bool is_basic(uint8_t opcode)
{
    return opcode == OP_TEST_UNIT_READY || opcode == OP_REQUEST_SENSE || opcode == OP_INQUIRY
           || opcode == OP_REPORT_LUNS;
}

static bool hex_byte(const char *text, uint8_t *out)
{
    unsigned value = 0;

    for (unsigned i = 0; i < 2; i++) {
        char c = (char)tolower((unsigned char)text[i]);

        if (!isxdigit((unsigned char)c))
            return false;
        value = value * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = (uint8_t)value;
    return true;
}

/* One rule: text[0..len). */
static int parse_rule(const char *text, size_t len, bool deny, struct scsi_rule *out, char *why)
{
    struct scsi_rule r = { .deny = deny, .some_action = len == 5 };
    bool fits = (len == 2 || len == 5) && hex_byte(text, &r.opcode);
    uint8_t cdb[2];

    if (fits && len == 5)
        fits = text[2] == '/' && hex_byte(text + 3, &r.action);
    for (size_t i = 0; i < len; i++)
        if (!isgraph((unsigned char)text[i]))
            return wrong(why, "a character that is not part of a command; expected such as 3b or a3/0f");
    if (!fits)
        return wrong(why,
                     "'%.*s' is no command; expected an opcode in two hexadecimal digits, or with a service action, "
                     "such as 3b or a3/0f",
                     (int)(len < 24 ? len : 24), text);
    cdb[0] = r.opcode;
    cdb[1] = r.action;
    if (r.some_action && scsi_rule_action(cdb) != r.action)
        return wrong(why, "'%.*s': a service action is 00 to 1f", (int)len, text);
    if (deny && is_basic(r.opcode))
        return wrong(why, "'%.*s' cannot be denied: every initiator needs it", (int)len, text);
    *out = r;
    return 0;
}

/* Rules with '+' between them: text[0..len). Their number, or -EINVAL. */
static int parse_list(const char *text, size_t len, bool deny, struct scsi_rule *out, unsigned room, char *why)
{
    unsigned n = 0;

    for (size_t at = 0; at <= len;) {
        const char *plus = memchr(text + at, '+', len - at);
        size_t part = plus ? (size_t)(plus - text) - at : len - at;
        int r;

        if (n == room)
            return wrong(why, "more than %u commands", SCSI_RULE_LIST_MAX);
        r = parse_rule(text + at, part, deny, &out[n], why);
        if (r < 0)
            return r;
        n++;
        at += part + 1;
    }
    return (int)n;
}

int scsi_rules_parse(const char *text, bool deny, struct scsi_rule *out, char why[SCSI_RULES_WHY_MAX])
{
    return parse_list(text, strlen(text), deny, out, SCSI_RULE_LIST_MAX, why);
}

uint32_t scsi_types_named(const char *name, size_t len)
{
    for (unsigned i = 0; i < N_GROUPS; i++)
        if (strlen(groups[i].name) == len && memcmp(groups[i].name, name, len) == 0)
            return groups[i].types;
    return 0;
}

const char *scsi_type_group(uint8_t type)
{
    unsigned i = 0;

    while (i + 2 < N_GROUPS && !scsi_type_in(type, groups[i].types))
        i++;
    return groups[i].name;
}

/* "TYPE:RULES", text[0..len). */
static int parse_group(const char *text, size_t len, bool deny, struct scsi_typed_rules *out, char *why)
{
    const char *colon = memchr(text, ':', len);
    size_t name = colon ? (size_t)(colon - text) : len;
    uint32_t types = colon ? scsi_types_named(text, name) : 0;
    int n;

    if (!types)
        return wrong(why,
                     "'%.*s' is no type of device; expected TYPE:COMMANDS, "
                     "with disk, tape, optical, changer, other or all as TYPE",
                     (int)(name < 24 ? name : 24), text);
    n = parse_list(colon + 1, len - name - 1, deny, out->rule + out->n, SCSI_RULE_LIST_MAX - out->n, why);
    if (n < 0)
        return n;
    for (int i = 0; i < n; i++)
        out->types[out->n++] = types;
    return 0;
}

int scsi_typed_rules_parse(const char *text, bool deny, struct scsi_typed_rules *out, char why[SCSI_RULES_WHY_MAX])
{
    static const char blanks[] = " \t";
    struct scsi_typed_rules rules = { 0 };

    if (!deny && strcmp(text, "all") == 0) {
        rules.all = true;
    } else if (strcmp(text, "none") != 0) {
        for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
            size_t len = strcspn(text, blanks);
            int r = parse_group(text, len, deny, &rules, why);

            if (r < 0)
                return r;
            text += len;
        }
    }
    *out = rules;
    return 0;
}
