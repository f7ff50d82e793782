// SPDX-License-Identifier: GPL-2.0-or-later
/* One entry of vscsi=[...]; see syntax.h. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/util.h"
#include "device/identity.h"
#include "scsi/rules.h"
#include "syntax.h"

static int wrong(char *err, const char *fmt, ...) PRINTF(2, 3);

static int wrong(char *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err, VSCSI_ERROR_MAX, fmt, ap);
    va_end(ap);
    return -EINVAL;
}

/* Text of the user for a message: cut, and safe for a terminal. */
struct quoted {
    char text[96];
};
#define Q(s) (quote(s).text)

static struct quoted quote(const char *s)
{
    struct quoted q;

    escape_for_log(q.text, sizeof(q.text), s, strlen(s));
    return q;
}

/* Does it look like an attempt at h:c:t:l, rather than at a name? */
static bool numbers_and_colons(const char *text)
{
    return strchr(text, ':') && strspn(text, "0123456789:*xabcdefABCDEF-+") == strlen(text);
}

/* A name such as sda, without /dev/. */
static bool bare_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(name) && strlen(name) <= 16;
}

/* Refuses what pdev_parse() refuses. For common mistakes the message shows the right form. */
static int wrong_pdev(const char *text, const char *why, char *err)
{
    const char *name = strncmp(text, "dev/", 4) == 0 ? text + 4 : text;

    if (numbers_and_colons(text))
        return wrong(err, "p-dev '%s': expected four decimal numbers h:c:t:l, as lsscsi shows them", Q(text));
    if (bare_name(name))
        return wrong(err, "p-dev %s; did you mean /dev/%s?", why, name);
    return wrong(err, "p-dev %s", why);
}

static int parse_pdev(const char *text, struct vscsi_entry *e, char *err)
{
    char why[DEVICE_WHY_MAX];
    struct pdev p;

    if (*text == '\0')
        return wrong(err, "no p-dev before the first comma: expected " PDEV_FORMS);
    if (strlen(text) >= PDEV_TEXT_MAX)
        return wrong(err, "p-dev '%s...' is too long: at most %d characters", Q(text), PDEV_TEXT_MAX - 1);
    for (const char *c = text; *c; c++)
        if (!isprint((unsigned char)*c))
            return wrong(err, "p-dev '%s' holds a character that cannot be printed", Q(text));
    if (pdev_parse(text, &p, why) < 0)
        return wrong_pdev(text, why, err);
    e->kind = p.kind;
    e->phctl = p.hctl;
    e->pdev = strdup(text);
    return e->pdev ? 0 : -ENOMEM;
}

int vscsi_vdev_parse(const char *text, struct hctl *out, char err[VSCSI_ERROR_MAX])
{
    int r = vdev_parse(text, out);

    if (r == -ERANGE)
        return wrong(err, "v-dev '%s' is out of range: h:c:t:l with channel 0..%d, target 0..%d, lun 0..%d", Q(text),
                     VDEV_CHANNEL_MAX, VDEV_TARGET_MAX, VDEV_LUN_MAX);
    if (r < 0)
        return wrong(err, "v-dev '%s': expected four decimal numbers h:c:t:l, such as 0:0:0:0", Q(text));
    return 0;
}

const char vscsi_options_help[] =
    "feature-host readonly backend=DOMAIN pr=auto|helper|direct|deny pr-move pr-force allow=COMMANDS deny=COMMANDS "
    "third-party-copy iops=COUNT bps=BYTES burst=SECONDS force required optional unit=IDENTIFIER";

/* The word of vscsi_options_help for the option with this name, as "backend=DOMAIN". NULL: there is no such option. */
static const char *form_of(const char *name, size_t len, int *form_len)
{
    *form_len = 0;
    for (const char *word = vscsi_options_help; *word; word += strspn(word, " ")) {
        size_t word_len = strcspn(word, " ");

        if (strcspn(word, "= ") == len && strncmp(word, name, len) == 0) {
            *form_len = (int)word_len;
            return word;
        }
        word += word_len;
    }
    return NULL;
}

/* An option with a value that has none, the other way round, or an unknown one. */
static int refuse_option(const char *text, char *err)
{
    size_t len = strcspn(text, "=");
    int form_len;
    const char *form = form_of(text, len, &form_len);

    if (*text == '\0')
        return wrong(err, "there is no option after the last comma, or between two: expected one of %s",
                     vscsi_options_help);
    if (!form)
        return wrong(err, "unknown option '%s': expected one of %s", Q(text), vscsi_options_help);
    if (text[len] == '=')
        return wrong(err, "option '%s' takes no value: expected %.*s", Q(text), form_len, form);
    return wrong(err, "option '%s' has no value: expected %.*s", Q(text), form_len, form);
}

static int set_text(char **where, const char *what, const char *value, char *err)
{
    int form_len;

    if (*value == '\0') {
        const char *form = form_of(what, strlen(what), &form_len);

        return wrong(err, "option '%s=' has no value: expected %.*s", what, form_len, form);
    }
    if (*where)
        return wrong(err, "option '%s=' is given twice", what);
    *where = strdup(value);
    return *where ? 0 : -ENOMEM;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/*
 * An identifier may hold commas and blanks. As in a URL, %2c stands for a comma, %25 for a percent sign, %20 for a
 * blank.
 */
static int set_unit(char **where, const char *value, char *err)
{
    int r = set_text(where, "unit", value, err);
    char *to = r < 0 ? NULL : *where;

    if (r < 0)
        return r;
    for (const char *from = to; *from; to++) {
        bool escaped = *from == '%';
        int high = escaped ? hex_digit(from[1]) : 0, low = escaped && high >= 0 ? hex_digit(from[2]) : 0;
        int c = escaped ? high * 16 + low : *from;

        if (high < 0 || low < 0 || c < 0x20 || c > 0x7e)
            return wrong(
                err, "option 'unit=%s': expected an identifier as `xl-scsi list -l` shows it, with %%2c for a comma",
                Q(value));
        *to = (char)c;
        from += escaped ? 3 : 1;
    }
    *to = '\0';
    if (strlen(*where) >= UNIT_TEXT_MAX)
        return wrong(err, "option 'unit=%s' is too long: at most %d characters", Q(value), UNIT_TEXT_MAX - 1);
    return 0;
}

bool vscsi_unit_ok(const char *unit)
{
    size_t len = 0;

    while (unit[len] >= 0x20 && unit[len] <= 0x7e)
        len++;
    return len > 0 && len < UNIT_TEXT_MAX && unit[len] == '\0';
}

/* For vscsi_entry_format(). NULL: out of memory. */
static char *escape_unit(const char *unit)
{
    char *text = malloc(3 * strlen(unit) + 1), *to = text;

    for (; text && *unit; unit++)
        if (*unit == ',' || *unit == '%' || *unit == ' ' || !isprint((unsigned char)*unit))
            to += sprintf(to, "%%%02x", (unsigned char)*unit);
        else
            *to++ = *unit;
    if (text)
        *to = '\0';
    return text;
}

static int set_need(struct vscsi_entry *e, enum vscsi_need need, char *err)
{
    if (e->need != NEED_DEFAULT && e->need != need)
        return wrong(err, "options required and optional exclude each other: give one of them");
    e->need = need;
    return 0;
}

static int set_rules(char **where, const char *what, const char *value, bool deny, char *err)
{
    struct scsi_rule rules[SCSI_RULE_LIST_MAX];
    char why[SCSI_RULES_WHY_MAX];

    if (*value && scsi_rules_parse(value, deny, rules, why) < 0)
        return wrong(err, "option '%s=': %s", what, why);
    return set_text(where, what, value, err);
}

static int set_limit(struct vscsi_entry *e, unsigned which, const char *value, char *err)
{
    char before[LIMITS_VALUE_MAX];

    if (limits_value(&e->limits, which, before))
        return wrong(err, "option '%s=' is given twice", limits_names[which]);
    if (limits_parse(&e->limits, which, value) < 0)
        return wrong(err, "option '%s=%s': %s", limits_names[which], Q(value), limits_expected(which));
    return 0;
}

/* Which limit `NAME=VALUE` sets, and *value; LIMITS_COUNT: none. */
static unsigned limit_option(const char *text, const char **value)
{
    size_t len = strcspn(text, "=");
    unsigned i = 0;

    *value = text + len + 1;
    while (i < LIMITS_COUNT
           && !(text[len] == '=' && strlen(limits_names[i]) == len && memcmp(text, limits_names[i], len) == 0))
        i++;
    return i;
}

int vscsi_option_parse(const char *text, struct vscsi_entry *e, char err[VSCSI_ERROR_MAX])
{
    const char *value;
    unsigned limit = limit_option(text, &value);

    if (limit < LIMITS_COUNT)
        return set_limit(e, limit, value, err);
    if (strcmp(text, "feature-host") == 0)
        e->feature_host = true;
    else if (strcmp(text, "readonly") == 0)
        e->readonly = true;
    else if (strcmp(text, "pr-move") == 0)
        e->pr_move = true;
    else if (strcmp(text, "pr-force") == 0)
        e->pr_force = true;
    else if (strcmp(text, "force") == 0)
        e->force = true;
    else if (strcmp(text, "required") == 0)
        return set_need(e, NEED_REQUIRED, err);
    else if (strcmp(text, "optional") == 0)
        return set_need(e, NEED_OPTIONAL, err);
    else if (strcmp(text, "third-party-copy") == 0)
        e->third_party_copy = true;
    else if (strncmp(text, "allow=", 6) == 0)
        return set_rules(&e->allow, "allow", text + 6, false, err);
    else if (strncmp(text, "deny=", 5) == 0)
        return set_rules(&e->deny, "deny", text + 5, true, err);
    else if (strncmp(text, "backend=", 8) == 0)
        return set_text(&e->backend, "backend", text + 8, err);
    else if (strncmp(text, "unit=", 5) == 0)
        return set_unit(&e->unit, text + 5, err);
    else if (strncmp(text, "pr=", 3) == 0) {
        const char *v = text + 3;

        if (strcmp(v, "auto") != 0 && strcmp(v, "helper") != 0 && strcmp(v, "direct") != 0 && strcmp(v, "deny") != 0)
            return wrong(err, "option '%s': expected pr=auto, pr=helper, pr=direct or pr=deny", Q(text));
        return set_text(&e->pr, "pr", v, err);
    } else {
        return refuse_option(text, err);
    }
    return 0;
}

/* Takes the next comma-separated part from *rest, without the blanks around it. NULL: there is none. */
static char *next_part(char **rest)
{
    char *part = *rest, *end;

    if (!part)
        return NULL;
    end = strchr(part, ',');
    *rest = end ? end + 1 : NULL;
    if (!end)
        end = part + strlen(part);
    while (end > part && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return part + strspn(part, " \t\r\n\v\f");
}

int vscsi_limits_check(const struct lun_limits *limits, char err[VSCSI_ERROR_MAX])
{
    if (limits->burst_s > 0 && limits->iops == 0 && limits->bps == 0)
        return wrong(err, "option 'burst=' without a limit: give iops= or bps= too");
    return 0;
}

static int parse_parts(char *rest, struct vscsi_entry *e, char *err)
{
    const char *pdev = next_part(&rest), *vdev = next_part(&rest), *option;
    int r = parse_pdev(pdev, e, err);

    if (r < 0)
        return r;
    if (!vdev || *vdev == '\0')
        return wrong(err, "no v-dev after p-dev '%s': expected pdev,vdev[,option...]", Q(pdev));
    if (strcmp(vdev, "host") == 0) {
        /* As in xm: the guest gets the physical host as it is, so nothing filters its commands. */
        e->whole_host = e->feature_host = true;
    } else {
        r = vscsi_vdev_parse(vdev, &e->vdev, err);
        if (r < 0)
            return r;
    }
    while ((option = next_part(&rest)) != NULL) {
        r = vscsi_option_parse(option, e, err);
        if (r < 0)
            return r;
    }
    return vscsi_limits_check(&e->limits, err);
}

/* ",iops=50,bps=100M,burst=5", with those that are set. */
static void format_limits(const struct lun_limits *l, char *out, size_t size)
{
    char value[LIMITS_VALUE_MAX];
    size_t at = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < LIMITS_COUNT; i++)
        if (limits_value(l, i, value) && at < size)
            at += (size_t)snprintf(out + at, size - at, ",%s=%s", limits_names[i], value);
}

int vscsi_entry_parse(const char *text, struct vscsi_entry *out, char err[VSCSI_ERROR_MAX])
{
    CLEANUP_FREE char *copy = strdup(text);
    struct vscsi_entry e = { 0 };
    int r = copy ? parse_parts(copy, &e, err) : -ENOMEM;

    if (r < 0) {
        vscsi_entry_clear(&e);
        if (r == -ENOMEM)
            snprintf(err, VSCSI_ERROR_MAX, "out of memory");
    }
    *out = e;
    return r;
}

static bool same_backend(const struct vscsi_entry *a, const struct vscsi_entry *b)
{
    return strcmp(a->backend ? a->backend : "0", b->backend ? b->backend : "0") == 0;
}

int vscsi_entries_check(const struct vscsi_entry *e, unsigned n, unsigned *which, char err[VSCSI_ERROR_MAX])
{
    for (unsigned i = 1; i < n; i++) {
        *which = i;
        for (unsigned k = 0; k < i; k++) {
            char vdev[HCTL_TEXT_MAX];

            hctl_format(&e[i].vdev, vdev);
            /* The v-devs that `host` stands for are known only when its LUNs are. */
            if (e[i].whole_host || e[k].whole_host || e[i].vdev.host != e[k].vdev.host)
                continue;
            if (hctl_equal(&e[i].vdev, &e[k].vdev))
                return wrong(err, "v-dev %s is given twice (p-dev %s and %s)", vdev, Q(e[k].pdev), Q(e[i].pdev));
            if (!same_backend(&e[i], &e[k]))
                return wrong(err,
                             "v-dev %s: virtual host %u cannot have two backend domains: give the same backend=, "
                             "or another host number",
                             vdev, e[i].vdev.host);
            if (e[i].feature_host != e[k].feature_host)
                return wrong(err,
                             "v-dev %s: feature-host holds for all devices of virtual host %u: give it for all "
                             "or for none",
                             vdev, e[i].vdev.host);
        }
    }
    return 0;
}

char *vscsi_entry_format(const struct vscsi_entry *e)
{
    static const char *const needs[] = {
        [NEED_DEFAULT] = "", [NEED_REQUIRED] = ",required", [NEED_OPTIONAL] = ",optional"
    };
    char vdev[HCTL_TEXT_MAX], limits[LIMITS_COUNT * (LIMITS_VALUE_MAX + 8)];
    CLEANUP_FREE char *unit = e->unit ? escape_unit(e->unit) : NULL;

    hctl_format(&e->vdev, vdev);
    format_limits(&e->limits, limits, sizeof(limits));
    if (e->unit && !unit)
        return NULL;
    return strf("%s,%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s", e->pdev, e->whole_host ? "host" : vdev,
                e->feature_host && !e->whole_host ? ",feature-host" : "", e->readonly ? ",readonly" : "",
                e->backend ? ",backend=" : "", e->backend ? e->backend : "", e->pr ? ",pr=" : "", e->pr ? e->pr : "",
                e->pr_move ? ",pr-move" : "", e->pr_force ? ",pr-force" : "", e->allow ? ",allow=" : "",
                e->allow ? e->allow : "", e->deny ? ",deny=" : "", e->deny ? e->deny : "",
                e->third_party_copy ? ",third-party-copy" : "", limits, e->force ? ",force" : "", needs[e->need],
                unit ? ",unit=" : "", unit ? unit : "");
}

int vscsi_entry_copy(const struct vscsi_entry *from, struct vscsi_entry *to)
{
    struct vscsi_entry e = *from;

    e.pdev = strdup(from->pdev);
    e.backend = from->backend ? strdup(from->backend) : NULL;
    e.pr = from->pr ? strdup(from->pr) : NULL;
    e.allow = from->allow ? strdup(from->allow) : NULL;
    e.deny = from->deny ? strdup(from->deny) : NULL;
    e.unit = from->unit ? strdup(from->unit) : NULL;
    *to = e;
    if (e.pdev && !e.backend == !from->backend && !e.pr == !from->pr && !e.allow == !from->allow
        && !e.deny == !from->deny && !e.unit == !from->unit)
        return 0;
    vscsi_entry_clear(to);
    return -ENOMEM;
}

void vscsi_entry_clear(struct vscsi_entry *e)
{
    free(e->pdev);
    free(e->backend);
    free(e->pr);
    free(e->allow);
    free(e->deny);
    free(e->unit);
    *e = (struct vscsi_entry){ 0 };
}

void vscsi_entries_free(struct vscsi_entry *e, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        vscsi_entry_clear(&e[i]);
    free(e);
}
