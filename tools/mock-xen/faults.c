// SPDX-License-Identifier: GPL-2.0-or-later
/* The fault script; see faults.h. */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <xen/grant_table.h>

#include "common/util.h"
#include "faults.h"

static const char *const kind_names[KINDS] = {
    [XS_CONTROL] = "control",
    [XS_DIRECTORY] = "directory",
    [XS_READ] = "read",
    [XS_GET_PERMS] = "get-perms",
    [XS_WATCH] = "watch",
    [XS_UNWATCH] = "unwatch",
    [XS_TRANSACTION_START] = "transaction-start",
    [XS_TRANSACTION_END] = "transaction-end",
    [XS_INTRODUCE] = "introduce",
    [XS_RELEASE] = "release",
    [XS_GET_DOMAIN_PATH] = "get-domain-path",
    [XS_WRITE] = "write",
    [XS_MKDIR] = "mkdir",
    [XS_RM] = "rm",
    [XS_SET_PERMS] = "set-perms",
    [XS_WATCH_EVENT] = "watch-event",
    [XS_IS_DOMAIN_INTRODUCED] = "is-domain-introduced",
    [XS_RESUME] = "resume",
    [XS_RESET_WATCHES] = "reset-watches",
    [XS_DIRECTORY_PART] = "directory-part",
    [KIND_CONNECT] = "connect",
    [KIND_MX + MX_HELLO - MX_HELLO] = "hello",
    [KIND_MX + MX_MEMORY - MX_HELLO] = "memory",
    [KIND_MX + MX_MAP - MX_HELLO] = "map",
    [KIND_MX + MX_UNMAP - MX_HELLO] = "unmap",
    [KIND_MX + MX_SHARE - MX_HELLO] = "share",
    [KIND_MX + MX_UNSHARE - MX_HELLO] = "unshare",
    [KIND_MX + MX_ALLOC_PORT - MX_HELLO] = "alloc-port",
    [KIND_MX + MX_BIND - MX_HELLO] = "bind",
    [KIND_MX + MX_UNBIND - MX_HELLO] = "unbind",
    [KIND_MX + MX_RESTRICT - MX_HELLO] = "restrict",
    [KIND_MX + MX_BYE - MX_HELLO] = "bye",
    [KIND_CLIENT + MX_CALL_COPY] = "copy",
    [KIND_CLIENT + MX_CALL_COPY_SEGMENT] = "copy-segment",
    [KIND_CLIENT + MX_CALL_NOTIFY] = "notify",
    [KIND_CLIENT + MX_CALL_UNMASK] = "unmask",
    [KIND_CLIENT + MX_CALL_PENDING] = "pending",
};

struct name {
    const char *name;
    int32_t value;
};
#define E(x) \
    { \
#x, x \
    }
static const struct name errnos[] = {
    E(EPERM),   E(ENOENT),    E(ESRCH),        E(EINTR),      E(EIO),        E(ENXIO),     E(E2BIG),
    E(EBADF),   E(EAGAIN),    E(ENOMEM),       E(EACCES),     E(EFAULT),     E(EBUSY),     E(EEXIST),
    E(ENODEV),  E(EISDIR),    E(EINVAL),       E(ENFILE),     E(EMFILE),     E(ENOTTY),    E(EFBIG),
    E(ENOSPC),  E(EROFS),     E(EPIPE),        E(ERANGE),     E(ENOSYS),     E(ENOTEMPTY), E(ENOTCONN),
    E(EISCONN), E(ETIMEDOUT), E(ECONNREFUSED), E(ECONNRESET), E(EOPNOTSUPP),
};
#undef E
#define G(x) \
    { \
#x, GNTST_##x \
    }
static const struct name statuses[] = {
    G(general_error),   G(bad_domain),      G(bad_gntref),        G(bad_handle), G(bad_virt_addr),
    G(bad_dev_addr),    G(no_device_space), G(permission_denied), G(bad_page),   G(bad_copy_arg),
    G(address_too_big), G(eagain),          G(no_space),
};
#undef G

static bool find_name(const struct name *table, size_t n, const char *text, int32_t *value)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i].name, text) == 0) {
            *value = table[i].value;
            return true;
        }
    }
    return false;
}

static const char *name_of(const struct name *table, size_t n, int32_t value)
{
    for (size_t i = 0; i < n; i++)
        if (table[i].value == value)
            return table[i].name;
    return "?";
}

static bool xs_knows(int errnum)
{
    for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++)
        if (xsd_errors[i].errnum == errnum)
            return true;
    return false;
}

const char *xs_error_name(int errnum)
{
    for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++)
        if (xsd_errors[i].errnum == errnum)
            return xsd_errors[i].errstring;
    return "EINVAL";
}

const char *fault_kind_name(unsigned kind)
{
    return kind < KINDS ? kind_names[kind] : NULL;
}

void fault_format(const struct fault_rule *rule, char out[32])
{
    const struct fault *f = &rule->fault;

    if (f->action == FAULT_DELAY)
        snprintf(out, 32, "delay=%" PRId32, f->value);
    else if (f->action == FAULT_ERROR && rule->kind == KIND_CLIENT + MX_CALL_COPY_SEGMENT)
        snprintf(out, 32, "%s", name_of(statuses, ARRAY_SIZE(statuses), f->value));
    else if (f->action == FAULT_ERROR)
        snprintf(out, 32, "%s", name_of(errnos, ARRAY_SIZE(errnos), f->value));
    else
        snprintf(out, 32, "%s", f->action == FAULT_HANG ? "hang" : "drop");
}

/* --- the script --- */

struct parser {
    char *why;
    size_t why_size;
    unsigned line;
};

static int wrong(const struct parser *p, const char *fmt, ...) PRINTF(2, 3);
static int wrong(const struct parser *p, const char *fmt, ...)
{
    int n = snprintf(p->why, p->why_size, "line %u: ", p->line);
    va_list ap;

    if (n >= 0 && (size_t)n < p->why_size) {
        va_start(ap, fmt);
        vsnprintf(p->why + n, p->why_size - (size_t)n, fmt, ap);
        va_end(ap);
    }
    return -EINVAL;
}

/* Appends a word to a list; what does not fit is cut off. The new length. */
static size_t add_word(char *out, size_t size, size_t at, const char *word)
{
    int n = snprintf(out + at, size - at, "%s%s", at ? ", " : "", word);

    return n < 0 || (size_t)n >= size - at ? size - 1 : at + (size_t)n;
}

/* KIND[@DOMID][:GLOB] */
static int parse_kind(const struct parser *p, char *text, struct fault_rule *rule)
{
    char *glob = strchr(text, ':'), *at;
    uint32_t domid;

    if (glob)
        *glob++ = '\0';
    at = strchr(text, '@');
    if (at)
        *at++ = '\0';
    rule->kind = 0;
    while (rule->kind < KINDS && (!kind_names[rule->kind] || strcmp(kind_names[rule->kind], text) != 0))
        rule->kind++;
    if (rule->kind == KINDS) {
        char kinds[FAULT_WHY_MAX] = "";

        for (size_t i = 0, len = 0; i < KINDS; i++)
            if (kind_names[i])
                len = add_word(kinds, sizeof(kinds), len, kind_names[i]);
        return wrong(p, "\"%s\" is not a kind of call; expected one of: %s", text, kinds);
    }
    rule->domid = -1;
    if (at) {
        if (parse_u32_str(at, UINT16_MAX, &domid) < 0)
            return wrong(p, "\"%s\" is not a domain number; expected 0 to %d", at, UINT16_MAX);
        rule->domid = (int32_t)domid;
    }
    if (glob) {
        if (rule->kind >= XS_TYPE_COUNT)
            return wrong(p, "calls of the kind %s have no path", text);
        rule->glob = strdup(glob);
        if (!rule->glob)
            return -ENOMEM;
    }
    return 0;
}

/* It is answered, so it can be answered late or never. */
static bool is_request(unsigned kind)
{
    return kind < KIND_CLIENT && kind != KIND_CONNECT && kind != XS_WATCH_EVENT;
}

static bool can_be_dropped(unsigned kind)
{
    return kind < KIND_CLIENT || kind == KIND_CLIENT + MX_CALL_NOTIFY;
}

static bool can_fail_with(unsigned kind, int errnum)
{
    return kind < XS_TYPE_COUNT ? is_request(kind) && xs_knows(errnum) : is_request(kind) || kind >= KIND_CLIENT;
}

static int wrong_what(const struct parser *p, const char *text, unsigned kind)
{
    char all[FAULT_WHY_MAX] = "";
    size_t at = 0;

    if (can_be_dropped(kind))
        at = add_word(all, sizeof(all), at, "drop");
    if (is_request(kind)) {
        at = add_word(all, sizeof(all), at, "hang");
        at = add_word(all, sizeof(all), at, "delay=MS");
    }
    if (kind == KIND_CLIENT + MX_CALL_COPY_SEGMENT)
        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
            at = add_word(all, sizeof(all), at, statuses[i].name);
    else
        for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
            if (can_fail_with(kind, errnos[i].value))
                at = add_word(all, sizeof(all), at, errnos[i].name);
    return wrong(p, "\"%s\" cannot happen to %s; expected one of: %s", text, kind_names[kind], all);
}

static int parse_what(const struct parser *p, const char *text, struct fault_rule *rule)
{
    uint32_t ms;

    if (strcmp(text, "drop") == 0 && can_be_dropped(rule->kind)) {
        rule->fault.action = FAULT_DROP;
        return 0;
    }
    if (strcmp(text, "hang") == 0 && is_request(rule->kind)) {
        rule->fault.action = FAULT_HANG;
        return 0;
    }
    if (strncmp(text, "delay=", 6) == 0 && is_request(rule->kind)) {
        if (parse_u32_str(text + 6, 3600000, &ms) < 0)
            return wrong(p, "\"%s\": milliseconds up to an hour were expected", text);
        rule->fault = (struct fault){ FAULT_DELAY, (int32_t)ms };
        return 0;
    }
    rule->fault.action = FAULT_ERROR;
    if (rule->kind == KIND_CLIENT + MX_CALL_COPY_SEGMENT)
        return find_name(statuses, ARRAY_SIZE(statuses), text, &rule->fault.value) ? 0
                                                                                   : wrong_what(p, text, rule->kind);
    if (!find_name(errnos, ARRAY_SIZE(errnos), text, &rule->fault.value)
        || !can_fail_with(rule->kind, rule->fault.value))
        return wrong_what(p, text, rule->kind);
    return 0;
}

static int parse_count(const struct parser *p, const char *text, uint64_t *out)
{
    uint32_t n;

    if (parse_u32_str(text, UINT32_MAX, &n) < 0 || n == 0)
        return wrong(p, "\"%s\" is not a number of at least 1", text);
    *out = n;
    return 0;
}

/* KIND[@DOMID][:GLOB] NTH WHAT [COUNT|*]; rule->kind = KINDS: an empty line. */
static int parse_line(const struct parser *p, char *line, struct fault_rule *rule)
{
    static const char blank[] = " \t\r";
    char *save = NULL, *word[5];
    unsigned n = 0;
    int r;

    line[strcspn(line, "#")] = '\0';
    for (char *w = strtok_r(line, blank, &save); w && n < ARRAY_SIZE(word); w = strtok_r(NULL, blank, &save))
        word[n++] = w;
    rule->kind = KINDS;
    if (n == 0)
        return 0;
    if (n < 3 || n > 4)
        return wrong(p, "expected: KIND[@DOMID][:GLOB] NTH WHAT [COUNT]");
    rule->count = 1;
    r = parse_kind(p, word[0], rule);
    if (r == 0)
        r = parse_count(p, word[1], &rule->nth);
    if (r == 0)
        r = parse_what(p, word[2], rule);
    if (r == 0 && n == 4) {
        if (strcmp(word[3], "*") == 0)
            rule->count = UINT64_MAX;
        else
            r = parse_count(p, word[3], &rule->count);
    }
    return r;
}

static void free_rules(struct fault_rule *rules, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        free(rules[i].glob);
    free(rules);
}

static int parse_script(struct parser *p, char *text, struct fault_rule **rules, unsigned *n_rules)
{
    unsigned room = *n_rules;
    int r = 0;

    for (char *line; r == 0 && (line = strsep(&text, "\n")) != NULL;) {
        struct fault_rule rule = { .page_index = -1 };

        p->line++;
        r = parse_line(p, line, &rule);
        if (r == 0 && rule.kind < KINDS && *n_rules == room) {
            struct fault_rule *grown = realloc(*rules, (room + 16) * sizeof(*grown));

            if (grown) {
                *rules = grown;
                room += 16;
            } else {
                r = -ENOMEM;
            }
        }
        if (r == 0 && rule.kind < KINDS)
            (*rules)[(*n_rules)++] = rule;
        else
            free(rule.glob);
    }
    return r;
}

/* Copies the rules of `from`, with their counts. */
static int copy_rules(const struct faults *from, struct fault_rule **rules, unsigned *n_rules)
{
    if (from->n_rules == 0)
        return 0;
    *rules = calloc(from->n_rules, sizeof(**rules));
    if (!*rules)
        return -ENOMEM;
    for (unsigned i = 0; i < from->n_rules; i++) {
        struct fault_rule rule = from->rules[i];
        uint64_t fired;

        faults_counts(from, &from->rules[i], &rule.seen, &fired);
        if (rule.glob && !(rule.glob = strdup(rule.glob)))
            return -ENOMEM;
        (*rules)[(*n_rules)++] = rule;
    }
    return 0;
}

static int publish(struct fault_rule *rules, unsigned n, struct mx_fault_page *page, const struct parser *p)
{
    unsigned used = 0;

    for (unsigned i = 0; i < n; i++)
        used += rules[i].kind >= KIND_CLIENT;
    if (used > MX_FAULT_RULES) {
        snprintf(p->why, p->why_size, "more than %d rules for calls that clients count", MX_FAULT_RULES);
        return -EINVAL;
    }
    if (!page)
        return 0;
    atomic_store(&page->n_rules, 0);
    used = 0;
    for (unsigned i = 0; i < n; i++) {
        struct mx_fault_rule *shared = &page->rule[used];
        struct fault_rule *rule = &rules[i];

        if (rule->kind < KIND_CLIENT)
            continue;
        shared->call = rule->kind - KIND_CLIENT;
        shared->domid = rule->domid;
        shared->nth = rule->nth;
        shared->count = rule->count;
        if (rule->fault.action == FAULT_DROP)
            shared->value = MX_FAULT_DROP;
        else /* clients take errnos as -errno; statuses are negative already */
            shared->value = rule->fault.value > 0 ? -rule->fault.value : rule->fault.value;
        atomic_store(&shared->seen, rule->seen);
        rule->page_index = (int)used++;
    }
    atomic_store_explicit(&page->n_rules, used, memory_order_release);
    return 0;
}

int faults_load(struct faults *faults, const char *script, bool add, char *why, size_t why_size)
{
    CLEANUP_FREE char *text = strdup(script);
    struct parser p = { .why = why, .why_size = why_size };
    struct fault_rule *rules = NULL;
    unsigned n = 0;
    int r = text ? 0 : -ENOMEM;

    if (r == 0 && add)
        r = copy_rules(faults, &rules, &n);
    if (r == 0)
        r = parse_script(&p, text, &rules, &n);
    if (r == 0)
        r = publish(rules, n, faults->page, &p);
    if (r < 0) {
        free_rules(rules, n);
        return r;
    }
    free_rules(faults->rules, faults->n_rules);
    faults->rules = rules;
    faults->n_rules = n;
    return 0;
}

void faults_deinit(struct faults *faults)
{
    if (faults->page)
        atomic_store(&faults->page->n_rules, 0);
    free_rules(faults->rules, faults->n_rules);
    faults->rules = NULL;
    faults->n_rules = 0;
}

/* --- calls --- */

struct fault faults_check(struct faults *faults, unsigned kind, uint32_t domid, const char *path)
{
    struct fault fault = { FAULT_NONE, 0 };

    if (kind >= KINDS)
        return fault;
    faults->calls[kind]++;
    for (unsigned i = 0; i < faults->n_rules; i++) {
        struct fault_rule *rule = &faults->rules[i];

        if (rule->kind != kind || (rule->domid >= 0 && (uint32_t)rule->domid != domid)
            || (rule->glob && (!path || fnmatch(rule->glob, path, 0) != 0)))
            continue;
        rule->seen++;
        if (fault.action == FAULT_NONE && rule->seen >= rule->nth && rule->seen - rule->nth < rule->count)
            fault = rule->fault;
    }
    return fault;
}

void faults_counts(const struct faults *faults, const struct fault_rule *rule, uint64_t *seen, uint64_t *fired)
{
    *seen = rule->seen;
    if (rule->page_index >= 0 && faults->page)
        *seen = atomic_load(&faults->page->rule[rule->page_index].seen);
    *fired = *seen < rule->nth ? 0 : *seen - rule->nth + 1;
    if (*fired > rule->count)
        *fired = rule->count;
}
