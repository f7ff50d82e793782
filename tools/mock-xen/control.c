// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * XS_CONTROL: commands to mock-xen itself, for domain 0 (xenstore-control, xs_control_command(),
 * or `mock-xen ctl`). Answers are lines of "name value" pairs.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "mock.h"

static int status(struct mock *mock, char **args, unsigned n, FILE *out);
static int create(struct mock *mock, char **args, unsigned n, FILE *out);
static int destroy(struct mock *mock, char **args, unsigned n, FILE *out);
static int shut_down(struct mock *mock, char **args, unsigned n, FILE *out);
static int set_faults(struct mock *mock, char **args, unsigned n, FILE *out);
static int add_fault(struct mock *mock, char **args, unsigned n, FILE *out);
static int calls(struct mock *mock, char **args, unsigned n, FILE *out);
static int help(struct mock *mock, char **args, unsigned n, FILE *out);

static const struct command {
    const char *name, *args, *what;
    unsigned min, max; /* arguments */
    int (*run)(struct mock *mock, char **args, unsigned n, FILE *out);
} commands[] = {
    { "status", "[DOMID]", "live objects: all, or one domain's", 0, 1, status },
    { "create", "DOMID [NAME]", "a new domain, with its socket and nodes", 1, 2, create },
    { "destroy", "DOMID", "kill a domain: its connections end, @releaseDomain fires", 1, 1, destroy },
    { "shutdown", "DOMID", "@releaseDomain fires, the domain stays", 1, 1, shut_down },
    { "faults", "[SCRIPT]", "replace the fault script (\"\" ends all faults), or show it and its counts", 0, 1,
      set_faults },
    { "fault", "RULE", "add one rule to the fault script", 1, 1, add_fault },
    { "calls", "", "how often each kind of call was made", 0, 0, calls },
    { "help", "", "these lines", 0, 0, help },
};

static int domid_arg(const char *text, uint32_t *domid)
{
    return parse_u32_str(text, DOMID_MAX, domid) < 0 ? -EINVAL : 0;
}

static void domain_status(const struct domain *d, FILE *out)
{
    unsigned ports = 0, bound = 0, conns = 0;

    for (const struct port *p = d->ports; p; p = p->next) {
        ports++;
        bound += p->peer != NULL;
    }
    for (const struct conn *c = d->mock->conns; c; c = c->next)
        conns += !c->dead && c->domid == d->domid;
    fprintf(out, "domain %u state %s connections %u shared %u mapped %u ports %u bound %u\n", d->domid,
            d->dying ? "zombie" : "alive", conns, d->n_shared, d->n_mapped, ports, bound);
}

static int status(struct mock *mock, char **args, unsigned n, FILE *out)
{
    size_t conns = 0, watches = 0, txns = 0, mapped = 0, queued = 0;
    uint32_t domid;

    if (n == 1) {
        const struct domain *d;
        int r = domid_arg(args[0], &domid);

        if (r < 0)
            return r;
        d = domain_find(mock, domid, true);
        if (!d)
            return -ENOENT;
        domain_status(d, out);
        return 0;
    }
    for (const struct conn *c = mock->conns; c; c = c->next) {
        if (c->dead)
            continue;
        conns++;
        txns += c->n_txns;
        queued += c->out_bytes;
        for (const struct watch *w = c->watches; w; w = w->next)
            watches++;
        for (const struct mapped *m = c->mapped; m; m = m->next)
            mapped++;
    }
    fprintf(out,
            "connections %zu\nnodes %zu\nwatches %zu\ntransactions %zu\nmapped %zu\n"
            "queued-bytes %zu\ndropped-events %zu\n",
            conns, node_count(mock->tree.root), watches, txns, mapped, queued, mock->dropped_events);
    for (const struct domain *d = mock->domains; d; d = d->next)
        domain_status(d, out);
    return 0;
}

static int create(struct mock *mock, char **args, unsigned n, FILE *out)
{
    struct domain *d;
    uint32_t domid;
    int r = domid_arg(args[0], &domid);

    if (r == 0)
        r = domain_create(mock, domid, n > 1 ? args[1] : NULL, &d);
    if (r == 0)
        fprintf(out, "%s\n", d->socket);
    return r;
}

static int destroy(struct mock *mock, char **args, unsigned n UNUSED, FILE *out)
{
    struct domain *d;
    uint32_t domid;
    int r = domid_arg(args[0], &domid);

    if (r < 0)
        return r;
    d = domain_find(mock, domid, false);
    if (!d)
        return -ENOENT;
    if (domid == 0)
        return -EINVAL;
    domain_destroy(d);
    fputs("OK\n", out);
    return 0;
}

static int shut_down(struct mock *mock, char **args, unsigned n UNUSED, FILE *out)
{
    uint32_t domid;
    int r = domid_arg(args[0], &domid);

    if (r == 0 && !domain_find(mock, domid, false))
        r = -ENOENT;
    if (r < 0)
        return r;
    watches_fire_special(mock, "@releaseDomain");
    fputs("OK\n", out);
    return 0;
}

static void show_faults(const struct mock *mock, FILE *out)
{
    for (unsigned i = 0; i < mock->faults.n_rules; i++) {
        const struct fault_rule *rule = &mock->faults.rules[i];
        uint64_t seen, fired;
        char what[32];

        fault_format(rule, what);
        faults_counts(&mock->faults, rule, &seen, &fired);
        fputs(fault_kind_name(rule->kind), out);
        if (rule->domid >= 0)
            fprintf(out, "@%d", rule->domid);
        if (rule->glob)
            fprintf(out, ":%s", rule->glob);
        fprintf(out, " %" PRIu64 " %s ", rule->nth, what);
        if (rule->count == UINT64_MAX)
            fputs("*", out);
        else
            fprintf(out, "%" PRIu64, rule->count);
        fprintf(out, " # seen %" PRIu64 " fired %" PRIu64 "\n", seen, fired);
    }
}

static int load(struct mock *mock, const char *script, bool add, FILE *out)
{
    char why[FAULT_WHY_MAX] = "";
    int r = faults_load(&mock->faults, script, add, why, sizeof(why));

    if (r == -EINVAL)
        log_warn(NULL, "fault script: %s", why);
    if (r == 0)
        fputs("OK\n", out);
    return r;
}

static int set_faults(struct mock *mock, char **args, unsigned n, FILE *out)
{
    if (n == 1)
        return load(mock, args[0], false, out);
    show_faults(mock, out);
    return 0;
}

static int add_fault(struct mock *mock, char **args, unsigned n UNUSED, FILE *out)
{
    return load(mock, args[0], true, out);
}

static int calls(struct mock *mock, char **args UNUSED, unsigned n UNUSED, FILE *out)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (fault_kind_name(kind) && mock->faults.calls[kind] > 0)
            fprintf(out, "%s %" PRIu64 "\n", fault_kind_name(kind), mock->faults.calls[kind]);
    return 0;
}

static int help(struct mock *mock UNUSED, char **args UNUSED, unsigned n UNUSED, FILE *out)
{
    control_help(out);
    return 0;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* The number of arguments fits. */
static bool takes(const struct command *c, unsigned n_args)
{
    return n_args >= c->min && n_args <= c->max;
}

int control_check(char **args, unsigned n, char why[FAULT_WHY_MAX])
{
    const struct command *c = find(args[0]);
    struct faults none = { 0 };
    uint32_t domid;
    int r = 0;

    if (!c) {
        int at = snprintf(why, FAULT_WHY_MAX, "there is no such command; expected");

        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
            at += snprintf(why + at, FAULT_WHY_MAX - (size_t)at, "%s %s", i ? "," : "", commands[i].name);
        return -EINVAL;
    }
    if (!takes(c, n - 1)) {
        snprintf(why, FAULT_WHY_MAX, "%s arguments; expected: %s%s%s", n - 1 < c->min ? "missing" : "too many", c->name,
                 *c->args ? " " : "", c->args);
        return -EINVAL;
    }
    if (n > 1 && strstr(c->args, "DOMID") && domid_arg(args[1], &domid) < 0) {
        snprintf(why, FAULT_WHY_MAX, "\"%s\" is not a domain number; expected 0 to %u", args[1], DOMID_MAX);
        return -EINVAL;
    }
    if (n > 1 && (c->run == add_fault || c->run == set_faults)) {
        snprintf(why, FAULT_WHY_MAX, "out of memory");
        r = faults_load(&none, args[1], false, why, FAULT_WHY_MAX);
        faults_deinit(&none);
    }
    return r;
}

void control_help(FILE *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        char left[40];

        snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].args);
        fprintf(out, "  %-22s %s\n", left, commands[i].what);
    }
}

int control_command(struct mock *mock, char **args, unsigned n, char **answer)
{
    const struct command *c;
    char *text = NULL;
    size_t size;
    bool failed;
    FILE *out;
    int r = -ENOENT;

    out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    c = find(args[0]);
    if (c)
        r = takes(c, n - 1) ? c->run(mock, args + 1, n - 1, out) : -EINVAL;
    failed = ferror(out) != 0;
    if ((fclose(out) != 0 || failed || !text) && r == 0)
        r = -ENOMEM;
    if (r == 0)
        *answer = text;
    else
        free(text);
    return r;
}

char *control_status(const struct mock *mock)
{
    char *args[] = { (char[]){ "status" } }, *text = NULL;

    return control_command((struct mock *)(uintptr_t)mock, args, 1, &text) == 0 ? text : NULL;
}
