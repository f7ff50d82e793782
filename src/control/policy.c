// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules of a LUN; see policy.h. */
#include "config.h"

#include <stdio.h>

#include "control/policy.h"
#include "scsi/scsi.h"

static_assert(SCSI_RULES_MAX >= 5 * SCSI_RULE_LIST_MAX + 6, "the lists of the config and of a device fit");

static void add(struct scsi_rules *rules, struct scsi_rule rule)
{
    if (rules->n < SCSI_RULES_MAX)
        rules->rule[rules->n++] = rule;
}

static void add_config(struct scsi_rules *rules, const struct scsi_typed_rules *from, uint8_t type)
{
    for (uint32_t i = 0; i < from->n; i++)
        if (scsi_type_in(type, from->types[i]))
            add(rules, from->rule[i]);
}

/*
 * Adds what the config permits of a rule that the toolstack asks for. False: nothing of it. A part of it may be left
 * out: all forms are asked for, and some are permitted.
 */
static bool add_permitted(struct scsi_rules *rules, const struct scsi_typed_rules *permit, uint8_t type,
                          struct scsi_rule rule)
{
    bool some = permit->all;

    if (permit->all)
        add(rules, rule);
    for (uint32_t i = 0; i < permit->n; i++) {
        const struct scsi_rule *p = &permit->rule[i];

        if (p->opcode != rule.opcode || !scsi_type_in(type, permit->types[i]))
            continue;
        if (!p->some_action)
            add(rules, rule);
        else if (!rule.some_action || rule.action == p->action)
            add(rules, *p);
        else
            continue;
        some = true;
    }
    return some;
}

static void allow_third_party_copy(struct scsi_rules *rules)
{
    for (unsigned opcode = 0; opcode < 256; opcode++)
        if (scsi_is_third_party_copy((uint8_t)opcode))
            add(rules, (struct scsi_rule){ .opcode = (uint8_t)opcode });
}

void policy_make(const struct settings *s, uint8_t type, bool feature_host, const struct wish *wish,
                 struct lun_policy *out)
{
    const struct scsi_typed_rules *permit = &s->permit.rules;

    *out = (struct lun_policy){ .feature_host = feature_host && permit->all };
    add_config(&out->rules, &s->deny.rules, type);
    for (unsigned i = 0; wish && i < wish->n_deny; i++)
        add(&out->rules, wish->deny[i]);
    if (!s->policy) {
        out->feature_host = true;
        allow_third_party_copy(&out->rules);
        return;
    }
    add_config(&out->rules, &s->allow.rules, type);
    /* Unless `permit` is "all", feature-host allows what is permitted, except third-party copy. */
    if (feature_host && !permit->all) {
        out->narrowed = true;
        for (uint32_t i = 0; i < permit->n; i++)
            if (scsi_type_in(type, permit->types[i]) && !scsi_is_third_party_copy(permit->rule[i].opcode))
                add(&out->rules, permit->rule[i]);
    }
    for (unsigned i = 0; wish && i < wish->n_allow; i++)
        if (!add_permitted(&out->rules, permit, type, wish->allow[i]))
            out->narrowed = true;
    for (unsigned opcode = 0; wish && wish->third_party_copy && opcode < 256; opcode++)
        if (scsi_is_third_party_copy((uint8_t)opcode)
            && !add_permitted(&out->rules, permit, type, (struct scsi_rule){ .opcode = (uint8_t)opcode }))
            out->narrowed = true;
}

static bool permits(const struct settings *s, uint8_t type, struct scsi_rule rule)
{
    struct scsi_rules ignored = { 0 };

    return !s->policy || add_permitted(&ignored, &s->permit.rules, type, rule);
}

static bool permits_third_party_copy(const struct settings *s, uint8_t type)
{
    for (unsigned opcode = 0; opcode < 256; opcode++)
        if (scsi_is_third_party_copy((uint8_t)opcode)
            && !permits(s, type, (struct scsi_rule){ .opcode = (uint8_t)opcode }))
            return false;
    return true;
}

static bool asks_for(const struct wish *wish, const struct scsi_rule *rule)
{
    for (unsigned i = 0; i < wish->n_allow; i++) {
        const struct scsi_rule *r = &wish->allow[i];

        if (r->opcode == rule->opcode && r->some_action == rule->some_action && r->action == rule->action)
            return true;
    }
    return false;
}

bool policy_refuses_more(const struct settings *s, uint8_t type, const struct wish *before, const struct wish *now,
                         char *what, size_t size)
{
    for (unsigned i = 0; i < now->n_allow; i++) {
        const struct scsi_rule *r = &now->allow[i];

        if (asks_for(before, r) || permits(s, type, *r))
            continue;
        if (r->some_action)
            snprintf(what, size, "allow=%02x/%02x", r->opcode, r->action);
        else
            snprintf(what, size, "allow=%02x", r->opcode);
        return true;
    }
    if (!now->third_party_copy || before->third_party_copy || permits_third_party_copy(s, type))
        return false;
    snprintf(what, size, "third-party-copy");
    return true;
}
