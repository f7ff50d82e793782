// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of a device that can change; see settings.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "common/util.h"
#include "settings.h"

/* An option that is a word has the value 0 or 1 here. The others are texts. "none" removes a text. */
static const struct key {
    const char *name, *values;
    bool is_text, may_be_none, is_limit;
    unsigned limit; /* LIMITS_IOPS... */
    size_t offset;  /* of others in struct vscsi_entry */
} keys[] = {
#define WORD(n, f) \
    { \
        .name = n, .values = "0|1", .offset = offsetof(struct vscsi_entry, f) \
    }
#define TEXT(n, v, none, f) \
    { \
        .name = n, .values = v, .is_text = true, .may_be_none = none, .offset = offsetof(struct vscsi_entry, f) \
    }
#define LIMIT(n, v, w) \
    { \
        .name = n, .values = v "|none", .is_text = true, .may_be_none = true, .is_limit = true, .limit = w \
    }
    WORD("readonly", readonly),
    TEXT("pr", "auto|helper|direct|deny", false, pr),
    WORD("pr-move", pr_move),
    WORD("pr-force", pr_force),
    TEXT("allow", "COMMANDS|none", true, allow),
    TEXT("deny", "COMMANDS|none", true, deny),
    WORD("third-party-copy", third_party_copy),
    LIMIT("iops", "COUNT", LIMITS_IOPS),
    LIMIT("bps", "BYTES", LIMITS_BPS),
    LIMIT("burst", "SECONDS", LIMITS_BURST),
};
static_assert(ARRAY_SIZE(keys) <= SETTINGS_MAX, "a bit and a place for each");

/* The other options, and what to do instead. */
static const struct {
    const char *name, *instead;
} fixed[] = {
    { "p-dev", "detach the device, and attach the other one" },
    { "v-dev", "detach the device, and attach it at the other v-dev" },
    { "unit", "detach the device, and attach it again with this option" },
    { "backend", "detach the device, and attach it again with this option" },
    { "feature-host", "it holds for all devices of a virtual host: detach them, and attach them again with it, or use "
                      "allow=" },
    { "force", "it is for the moment of attaching" },
    { "required", "it is for the guest's next start: detach the device, and attach it again with this option" },
    { "optional", "it is for the guest's next start: detach the device, and attach it again with this option" },
};

static void *field(struct vscsi_entry *e, const struct key *k)
{
    return (char *)e + k->offset;
}

const char *settings_key(unsigned i)
{
    return i < ARRAY_SIZE(keys) ? keys[i].name : NULL;
}

const char *settings_values(unsigned i)
{
    return keys[i].values;
}

enum setting_kind settings_kind(unsigned i)
{
    return keys[i].is_limit ? SETTING_LIMIT : keys[i].is_text ? SETTING_TEXT : SETTING_FLAG;
}

uint64_t settings_number(unsigned i, const char *node)
{
    struct lun_limits l = { 0 };

    if (!keys[i].is_limit)
        return !keys[i].is_text && strcmp(node, "1") == 0;
    if (limits_parse(&l, keys[i].limit, node) < 0)
        return 0;
    return keys[i].limit == LIMITS_IOPS ? l.iops : keys[i].limit == LIMITS_BPS ? l.bps : l.burst_s;
}

const char *settings_value(const struct dev_settings *s, unsigned i)
{
    const void *at = (const char *)&s->now + keys[i].offset;

    if (keys[i].is_limit)
        return s->limits[keys[i].limit][0] ? s->limits[keys[i].limit] : NULL;
    if (keys[i].is_text)
        return *(char *const *)at;
    return *(const bool *)at ? "1" : NULL;
}

static int refuse_other(const char *name, const char *text, char *err)
{
    char shown[64];
    size_t at;

    for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (strcmp(name, fixed[i].name) != 0)
            continue;
        snprintf(err, VSCSI_ERROR_MAX, "option '%s' cannot change while the guest has the device: %s", name,
                 fixed[i].instead);
        return -EINVAL;
    }
    escape_for_log(shown, sizeof(shown), text, strlen(text));
    at = (size_t)snprintf(err, VSCSI_ERROR_MAX, "unknown option '%s': expected one of", shown);
    for (size_t i = 0; i < ARRAY_SIZE(keys) && at < VSCSI_ERROR_MAX; i++)
        at += (size_t)snprintf(err + at, VSCSI_ERROR_MAX - at, " %s=%s", keys[i].name, keys[i].values);
    return -EINVAL;
}

/* One key. The parser of vscsi= reads a text, and sets a word. */
static int set(const struct key *k, const char *value, struct vscsi_entry *e, char *err)
{
    CLEANUP_FREE char *option = k->is_text ? strf("%s=%s", k->name, value) : strdup(k->name);

    if (!option)
        return -ENOMEM;
    if (k->is_text && k->may_be_none && strcmp(value, "none") == 0)
        return 0;
    if (k->is_text && !*value) {
        snprintf(err, VSCSI_ERROR_MAX, "option '%s=' has no value: expected %s=%s", k->name, k->name, k->values);
        return -EINVAL;
    }
    if (!k->is_text && strcmp(value, "0") == 0)
        return 0;
    if (!k->is_text && strcmp(value, "1") != 0) {
        snprintf(err, VSCSI_ERROR_MAX, "option '%s': expected %s=0 or %s=1", k->name, k->name, k->name);
        return -EINVAL;
    }
    return vscsi_option_parse(option, e, err);
}

int settings_parse(const char *text, struct dev_settings *s, char err[VSCSI_ERROR_MAX])
{
    size_t len = strcspn(text, "=");
    CLEANUP_FREE char *name = strndup(text, len);
    int r = -ENOMEM;

    for (unsigned i = 0; name && i < ARRAY_SIZE(keys); i++) {
        if (strcmp(name, keys[i].name) != 0)
            continue;
        if (text[len] != '=') {
            snprintf(err, VSCSI_ERROR_MAX, "option '%s' has no value: expected %s=%s", name, name, keys[i].values);
            return -EINVAL;
        }
        if (s->given & 1u << i) {
            snprintf(err, VSCSI_ERROR_MAX, "option '%s=' is given twice", name);
            return -EINVAL;
        }
        s->given |= 1u << i;
        r = set(&keys[i], text + len + 1, &s->now, err);
        if (r == 0 && keys[i].is_limit && !limits_value(&s->now.limits, keys[i].limit, s->limits[keys[i].limit]))
            s->limits[keys[i].limit][0] = '\0';
        if (r == -ENOMEM)
            snprintf(err, VSCSI_ERROR_MAX, "out of memory");
        return r;
    }
    if (name)
        return refuse_other(name, text, err);
    snprintf(err, VSCSI_ERROR_MAX, "out of memory");
    return r;
}

static void apply_limit(struct lun_limits *limits, unsigned which, const char *value)
{
    struct lun_limits now = { 0 };

    for (unsigned i = 0; i < LIMITS_COUNT; i++) {
        char text[LIMITS_VALUE_MAX];
        const char *v = i == which ? value : limits_value(limits, i, text) ? text : NULL;

        if (v)
            limits_parse(&now, i, v);
    }
    *limits = now;
}

bool settings_let_write(const struct dev_settings *s)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].name, "readonly") == 0)
            return s->given & 1u << i && !settings_value(s, i);
    return false;
}

int settings_touch(const struct dev_settings *s, const struct lun_limits *has, unsigned *bits,
                   char err[VSCSI_ERROR_MAX])
{
    struct lun_limits after = *has;
    unsigned burst = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].is_limit && keys[i].limit == LIMITS_BURST)
            burst = i;
        if (keys[i].is_limit && s->given & 1u << i)
            apply_limit(&after, keys[i].limit, settings_value(s, i));
    }
    *bits = s->given;
    if (vscsi_limits_check(&after, err) == 0)
        return 0;
    if (s->given & 1u << burst)
        return -EINVAL;
    *bits |= 1u << burst;
    return 0;
}

int settings_apply(const struct dev_settings *s, struct vscsi_entry *e)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *value = settings_value(s, i);

        if (!(s->given & 1u << i))
            continue;
        if (keys[i].is_limit) {
            apply_limit(&e->limits, keys[i].limit, value);
        } else if (!keys[i].is_text) {
            *(bool *)field(e, &keys[i]) = value != NULL;
        } else {
            char *copy = value ? strdup(value) : NULL, **text = field(e, &keys[i]);

            if (value && !copy)
                return -ENOMEM;
            free(*text);
            *text = copy;
        }
    }
    /* As settings_touch() does with the node. */
    if (e->limits.iops == 0 && e->limits.bps == 0)
        e->limits.burst_s = 0;
    return 0;
}

void settings_clear(struct dev_settings *s)
{
    vscsi_entry_clear(&s->now);
    s->given = 0;
}
