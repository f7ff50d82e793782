// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules of a LUN; see policy.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>

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
 * Adds what the config permits of a rule that the toolstack asks for. A part of it may be left out: all forms are asked
 * for, and some are permitted.
 */
static void add_permitted(struct scsi_rules *rules, const struct scsi_typed_rules *permit, uint8_t type,
                          struct scsi_rule rule)
{
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
    }
}

/* --- what the config leaves of a wish --- */

struct reach {
    bool all;      /* all that is asked for is in force */
    bool denied;   /* it is not, because of deny */
    char part[56]; /* rules, "42/01+42/02": what is denied, else what is permitted; "": nothing */
};

static bool covers(const struct scsi_rule *a, const struct scsi_rule *b)
{
    return a->opcode == b->opcode && (!a->some_action || (b->some_action && a->action == b->action));
}

static void name_rule(const struct scsi_rule *r, char out[8])
{
    if (r->some_action)
        snprintf(out, 8, "%02x/%02x", r->opcode, r->action);
    else
        snprintf(out, 8, "%02x", r->opcode);
}

/* Appends to a list. What does not fit any more becomes "...". */
static void append(char *list, size_t size, const char *separator, const char *item)
{
    size_t len = strlen(list);

    if (len + strlen(separator) + strlen(item) + sizeof("...") <= size)
        snprintf(list + len, size - len, "%s%s", len ? separator : "", item);
    else if (len >= 3 && strcmp(list + len - 3, "...") != 0)
        strcat(list, "...");
}

/* Of a list "ITEM+ITEM". */
static bool has(const char *list, const char *item)
{
    const size_t len = strlen(item);

    for (const char *at = list; (at = strstr(at, item)); at += len)
        if ((at == list || at[-1] == '+') && (at[len] == '\0' || at[len] == '+'))
            return true;
    return false;
}

/* Appends the rules of a list that a rule is a part of, or that are a part of it. True: one of them is all of it. */
static bool find_in(const struct scsi_typed_rules *list, uint8_t type, const struct scsi_rule *rule, char *found,
                    size_t size)
{
    for (uint32_t i = 0; i < list->n; i++) {
        const struct scsi_rule *r = &list->rule[i];
        char name[8];

        if (!scsi_type_in(type, list->types[i]) || (!covers(r, rule) && !covers(rule, r)))
            continue;
        name_rule(covers(rule, r) ? r : rule, name);
        if (!has(found, name))
            append(found, size, "+", name);
        if (covers(r, rule))
            return true;
    }
    return false;
}

static struct reach reach_of(const struct settings *s, uint8_t type, const struct scsi_rule *rules, unsigned n)
{
    struct reach r = { .all = true };
    char permitted[sizeof(r.part)] = "";

    for (unsigned i = 0; i < n; i++) {
        find_in(&s->deny.rules, type, &rules[i], r.part, sizeof(r.part));
        r.all &= !s->policy || s->permit.rules.all
                 || find_in(&s->allow.rules, type, &rules[i], permitted, sizeof(permitted))
                 || find_in(&s->permit.rules, type, &rules[i], permitted, sizeof(permitted));
    }
    r.denied = r.part[0] != '\0';
    if (r.denied)
        r.all = false;
    else
        memcpy(r.part, permitted, sizeof(r.part));
    return r;
}

/* The rules of third-party copy. Returns their number. */
static unsigned third_party_copy(struct scsi_rule rules[SCSI_RULE_LIST_MAX])
{
    unsigned n = 0;

    for (unsigned opcode = 0; opcode < 256; opcode++)
        if (n < SCSI_RULE_LIST_MAX && scsi_is_third_party_copy((uint8_t)opcode))
            rules[n++] = (struct scsi_rule){ .opcode = (uint8_t)opcode };
    return n;
}

static void note_narrowed(struct lun_policy *p, const struct reach *r, const char *option)
{
    char text[sizeof(r->part) + 64];

    if (r->all)
        return;
    snprintf(text, sizeof(text), "%s%s%s%s", option, r->part[0] ? r->denied ? " (denied: " : " (permitted: " : "",
             r->part, r->part[0] ? ")" : "");
    append(p->narrowed, sizeof(p->narrowed), ", ", text);
}

static void option_of(const struct scsi_rule *rule, char out[16])
{
    strcpy(out, "allow=");
    name_rule(rule, out + strlen(out));
}

void policy_make(const struct settings *s, uint8_t type, bool feature_host, const struct wish *wish,
                 struct lun_policy *out)
{
    const struct scsi_typed_rules *permit = &s->permit.rules;
    struct scsi_rule copy[SCSI_RULE_LIST_MAX];
    unsigned n_copy = third_party_copy(copy);
    struct reach reach;

    *out = (struct lun_policy){ .feature_host = feature_host && permit->all };
    add_config(&out->rules, &s->deny.rules, type);
    for (unsigned i = 0; wish && i < wish->n_deny; i++)
        add(&out->rules, wish->deny[i]);
    if (!s->policy) {
        out->feature_host = true;
        for (unsigned i = 0; i < n_copy; i++)
            add(&out->rules, copy[i]);
        return;
    }
    add_config(&out->rules, &s->allow.rules, type);
    /* Unless `permit` is "all", feature-host allows what is permitted, except third-party copy. */
    if (feature_host && !permit->all) {
        append(out->narrowed, sizeof(out->narrowed), ", ", "feature-host");
        for (uint32_t i = 0; i < permit->n; i++)
            if (scsi_type_in(type, permit->types[i]) && !scsi_is_third_party_copy(permit->rule[i].opcode))
                add(&out->rules, permit->rule[i]);
    }
    for (unsigned i = 0; wish && i < wish->n_allow; i++) {
        char option[16];

        add_permitted(&out->rules, permit, type, wish->allow[i]);
        option_of(&wish->allow[i], option);
        reach = reach_of(s, type, &wish->allow[i], 1);
        note_narrowed(out, &reach, option);
    }
    if (wish && wish->third_party_copy) {
        for (unsigned i = 0; i < n_copy; i++)
            add_permitted(&out->rules, permit, type, copy[i]);
        reach = reach_of(s, type, copy, n_copy);
        note_narrowed(out, &reach, "third-party-copy");
    }
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

/* Returns true, and why, if the config does not leave all of an option in force. */
static bool refuses(const struct reach *r, const char *option, char *why, size_t size)
{
    if (r->all)
        return false;
    if (r->denied)
        snprintf(why, size,
                 "the config of the backend domain denies %s, which %s asks for: leave it out, or take it out of deny "
                 "in pvscsid.conf(5) there",
                 r->part, option);
    else if (r->part[0])
        snprintf(why, size,
                 "the config of the backend domain permits only %s of %s: ask for that, or add the rest to permit in "
                 "pvscsid.conf(5) there",
                 r->part, option);
    else
        snprintf(why, size,
                 "the config of the backend domain does not permit %s: leave it out, or add it to permit in "
                 "pvscsid.conf(5) there",
                 option);
    return true;
}

bool policy_refuses_more(const struct settings *s, uint8_t type, const struct wish *before, const struct wish *now,
                         char *why, size_t size)
{
    struct scsi_rule copy[SCSI_RULE_LIST_MAX];
    struct reach reach;

    for (unsigned i = 0; i < now->n_allow; i++) {
        char option[16];

        if (asks_for(before, &now->allow[i]))
            continue;
        option_of(&now->allow[i], option);
        reach = reach_of(s, type, &now->allow[i], 1);
        if (refuses(&reach, option, why, size))
            return true;
    }
    if (now->third_party_copy && !before->third_party_copy) {
        reach = reach_of(s, type, copy, third_party_copy(copy));
        if (refuses(&reach, "third-party-copy", why, size))
            return true;
    }
    why[0] = '\0';
    return false;
}
