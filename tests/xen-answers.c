// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks xenstored, gntdev, gntalloc and evtchn a fixed list of questions, as domain 0, and prints one
 * answer per line: `xen-answers` on a real Xen, `xen-answers SOCKET` with mock-xen. Both must print
 * tests/xen-answers.expected, which are the answers of Xen 4.17 with its C xenstored and Linux 6.1. So
 * mock-xen is compared with Xen and not with our idea of Xen (tests/test-mockxen-answers.sh, and
 * tests/xen/t-01-mock-xen-agrees.sh on a real Xen).
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <xenstore.h>

#include "common/util.h"
#include "standalone/xen-mock.h"

/* --- xenstore --- */

static struct xs_handle *xs, *xs2;

static const char *result(bool good)
{
    static char text[64];
    const char *name = good ? "ok" : strerrorname_np(errno);

    snprintf(text, sizeof(text), "%s", name ? name : "?");
    return text;
}

static void show_events(const char *after)
{
    for (;;) {
        struct pollfd p = { .fd = xs_fileno(xs2), .events = POLLIN };
        char **got = xs_check_watch(xs2);

        if (!got && poll(&p, 1, 100) == 1)
            got = xs_check_watch(xs2);
        if (!got)
            break;
        printf("  event after %s: %s %s\n", after, got[XS_WATCH_PATH], got[XS_WATCH_TOKEN]);
        free(got);
    }
}

/* "write PATH [VALUE]", "read PATH", "list PATH", "mkdir PATH", "rm PATH", "perms PATH", "chmod PATH PERM" */
static const char *step(struct xs_handle *h, xs_transaction_t t, const char *text)
{
    static char answer[256];
    char verb[16] = "", path[128] = "", value[64] = "";
    unsigned n = 0;

    sscanf(text, "%15s %127s %63s", verb, path, value);
    errno = 0;
    if (strcmp(verb, "write") == 0)
        return result(xs_write(h, t, path, value, (unsigned)strlen(value)));
    if (strcmp(verb, "mkdir") == 0)
        return result(xs_mkdir(h, t, path));
    if (strcmp(verb, "rm") == 0)
        return result(xs_rm(h, t, path));
    if (strcmp(verb, "chmod") == 0) {
        struct xs_permissions p = { 0 };

        if (!xs_strings_to_perms(&p, 1, value))
            return "bad step";
        return result(xs_set_permissions(h, t, path, &p, 1));
    }
    if (strcmp(verb, "read") == 0) {
        CLEANUP_FREE char *got = xs_read(h, t, path, &n);

        if (!got)
            return result(false);
        snprintf(answer, sizeof(answer), "\"%s\" of %u", got, n);
        return answer;
    }
    if (strcmp(verb, "list") == 0) {
        CLEANUP_FREE char **got = xs_directory(h, t, path, &n);

        if (!got)
            return result(false);
        snprintf(answer, sizeof(answer), "%u", n);
        return answer;
    }
    if (strcmp(verb, "perms") == 0) {
        CLEANUP_FREE struct xs_permissions *got = xs_get_permissions(h, t, path, &n);

        if (!got)
            return result(false);
        snprintf(answer, sizeof(answer), "%u entries, domain %u may %u", n, got[0].id, got[0].perms);
        return answer;
    }
    return "bad step";
}

static const char *const singles[] = {
    "read /ta/b",
    "write /ta/b 1",
    "read /ta/b",
    "read /ta",
    "list /ta",
    "list /ta/b",
    "list /ta/none",
    "mkdir /ta/b",
    "read /ta/b",
    "mkdir /ta/c/d",
    "list /ta",
    "perms /ta/c/d",
    "chmod /ta r0",
    "perms /ta",
    "write /ta/inherits 1",
    "perms /ta/inherits",
    "chmod /ta/none r0",
    "perms /ta/none",
    "rm /ta/none",
    "rm /ta/none/none",
    "rm /",
    "rm /ta/c",
    "read /ta/c/d",
    "list /ta",
    "read /ta/",
    "read //ta",
    "read /ta//b",
    "write /t.a 1",
    "write /ta* 1",
    "write /ta/@x 1",
    "read",
    "read @releaseDomain",
    "write @releaseDomain 1",
    "perms @releaseDomain",
    "perms @introduceDomain",
    "perms @other",
    "chmod @releaseDomain n0",
    "chmod @other n0",
    "mkdir relative/x",
    "read /local/domain/0/relative/x",
    "rm relative",
    "rm /ta",
    "list /ta",
};

/* Inside a transaction, and outside before its end: does it commit? There are /tt/a/b, /tt/a/c, /tt/d/e. */
static const struct {
    const char *inside, *outside;
} conflicts[] = {
    { "read /tt/a/b", "write /tt/a/b 2" },
    { "read /tt/a/b", "write /tt/a/c 2" },
    { "read /tt/a/b", "chmod /tt/a/b r0" },
    { "read /tt/a/b", "rm /tt/a/b" },
    { "read /tt/a/b", "rm /tt/a" },
    { "read /tt/a/b", "write /tt/a/b/new 1" },
    { "read /tt/a/b", "write /tt/a/new 1" },
    { "list /tt/a", "write /tt/a/new 1" },
    { "list /tt/a", "rm /tt/a/b" },
    { "list /tt/a", "write /tt/a/b 2" },
    { "read /tt/a/none", "write /tt/a/none 1" },
    { "read /tt/a/none", "write /tt/a/other 1" },
    { "write /tt/a/b 3", "write /tt/a/b 2" },
    { "write /tt/a/b 3", "write /tt/a/c 2" },
    { "write /tt/a/b 3", "write /tt/d/e 2" },
    { "write /tt/a/b 3", "read /tt/a/b" },
    { "write /tt/a/new 3", "write /tt/a/new 2" },
    { "write /tt/a/new 3", "write /tt/a/other 2" },
    { "write /tt/a/new 3", "rm /tt/a" },
    { "write /tt/a/new/x 3", "write /tt/a/b 2" },
    { "mkdir /tt/a/b", "rm /tt/a/b" },
    { "rm /tt/a", "write /tt/a/b 2" },
    { "rm /tt/a", "write /tt/a/b/new 2" },
    { "rm /tt/a", "write /tt/d/e 2" },
    { "rm /tt/a", "write /tt/new 2" },
    { "rm /tt/a/b", "write /tt/a/new 2" },
    { "chmod /tt/a/b r0", "write /tt/a/b 2" },
    { "chmod /tt/a/b r0", "chmod /tt/a/c r0" },
    { "read /tt/a/x/y", "write /tt/a/other 1" },
    { "read /tt/a/x/y", "write /tt/d/e 2" },
    { "rm /tt/a/none", "write /tt/a/other 1" },
    { "rm /tt/a/none", "write /tt/d/e 2" },
    { "perms /tt/a/b", "write /tt/a/b 2" },
    { "mkdir /tt/a/b", "write /tt/a/b 2" },
    { "rm /tt/a/b", "rm /tt/a/b" },
    { "mkdir /tt/a/m", "mkdir /tt/a/m" },
    { "list /tt", "write /tt/a/b 2" },
    { "write /tt/a/b 1", "write /tt/a/b 1" },
};

/* One transaction of several steps; the events of its commit. */
static const char *const commits[] = {
    "write /tc/z 1;write /tc/a 1;write /tc/m/n 1;write /tc/z 2",
    "rm /tc/m;write /tc/a 2",
    "write /tc/t 1;rm /tc/t",
    "rm /tc/deep",
    "rm /tc/z;write /tc/z 3",
    "chmod /tc/z r0;write /tc/z 4",
    "mkdir /tc/a;read /tc/z;list /tc",
    "read /tc/z;write /tc/a 5;write /tc/z 6",
    "rm /tc",
};

static void ask_commits(void)
{
    step(xs, XBT_NULL, "write /tc/deep/er/still 1");
    step(xs, XBT_NULL, "write /tc/deep/more 1");
    xs_watch(xs2, "/tc", "top");
    xs_watch(xs2, "/tc/deep/er", "er");
    xs_watch(xs2, "/tc/z", "z");
    show_events("watch");
    for (size_t i = 0; i < ARRAY_SIZE(commits); i++) {
        xs_transaction_t t = xs_transaction_start(xs);
        char copy[128], *rest = copy, *text;

        snprintf(copy, sizeof(copy), "%s", commits[i]);
        while ((text = strsep(&rest, ";")) != NULL)
            printf("%s: %s\n", text, step(xs, t, text));
        printf("commit: %s\n", result(xs_transaction_end(xs, t, false)));
        show_events("commit");
    }
    xs_unwatch(xs2, "/tc", "top");
    xs_unwatch(xs2, "/tc/deep/er", "er");
    xs_unwatch(xs2, "/tc/z", "z");
}

static void ask_limits(void)
{
    static char value[5000], path[4000];
    struct xs_permissions many[40] = { { 0 } };
    unsigned n;

    memset(value, 'v', sizeof(value));
    printf("value of 2049: %s\n", result(xs_write(xs, XBT_NULL, "/tl", value, 2049)));
    printf("value of 4000: %s\n", result(xs_write(xs, XBT_NULL, "/tl", value, 4000)));
    printf("value of 4092: %s\n", result(xs_write(xs, XBT_NULL, "/tl", value, 4092)));
    printf("value of 4093: %s\n", result(xs_write(xs, XBT_NULL, "/tl", value, 4093)));
    memset(path, 'p', sizeof(path));
    path[0] = '/';
    path[2048] = '\0';
    printf("path of 2048: %s\n", result(xs_mkdir(xs, XBT_NULL, path)));
    xs_rm(xs, XBT_NULL, path);
    path[2048] = 'p';
    path[2049] = '\0';
    printf("path of 2049: %s\n", result(xs_mkdir(xs, XBT_NULL, path)));
    path[2049] = 'p';
    path[0] = 'p';
    path[2048] = '\0';
    printf("relative path of 2048: %s\n", result(xs_mkdir(xs, XBT_NULL, path)));
    xs_rm(xs, XBT_NULL, path);
    path[2048] = 'p';
    path[2049] = '\0';
    printf("relative path of 2049: %s\n", result(xs_mkdir(xs, XBT_NULL, path)));
    xs_rm(xs, XBT_NULL, path);
    for (n = 0; n < 40; n++)
        many[n] = (struct xs_permissions){ .id = n, .perms = XS_PERM_READ };
    printf("one permission entry: %s\n", result(xs_set_permissions(xs, XBT_NULL, "/tl", many, 1)));
    printf("then: %s\n", step(xs, XBT_NULL, "perms /tl"));
    many[1] = many[2] = many[0];
    printf("three entries of one domain: %s\n", result(xs_set_permissions(xs, XBT_NULL, "/tl", many, 3)));
    printf("then: %s\n", step(xs, XBT_NULL, "perms /tl"));
    step(xs, XBT_NULL, "rm /tl");
    for (n = 0; n < 100 && xs_transaction_start(xs2) != XBT_NULL; n++)
        ;
    printf("transactions: %u\n", n);
    for (n = 0; n < 300; n++) {
        char token[16];

        snprintf(token, sizeof(token), "%u", n);
        if (!xs_watch(xs2, "/tl", token))
            break;
    }
    printf("watches: %u\n", n);
}

static void ask_transactions(void)
{
    xs_transaction_t t;

    for (size_t i = 0; i < ARRAY_SIZE(conflicts); i++) {
        step(xs, XBT_NULL, "rm /tt");
        step(xs, XBT_NULL, "write /tt/a/b 1");
        step(xs, XBT_NULL, "write /tt/a/c 1");
        step(xs, XBT_NULL, "write /tt/d/e 1");
        t = xs_transaction_start(xs);
        printf("inside %s: %s", conflicts[i].inside, step(xs, t, conflicts[i].inside));
        printf(", outside %s: %s", conflicts[i].outside, step(xs2, XBT_NULL, conflicts[i].outside));
        printf(", commit: %s\n", result(xs_transaction_end(xs, t, false)));
    }
    t = xs_transaction_start(xs);
    printf("abort: %s", result(xs_transaction_end(xs, t, true)));
    printf(", end again: %s\n", result(xs_transaction_end(xs, t, false)));
    printf("read in no such transaction: %s\n", step(xs, 4711, "read /tt"));

    step(xs, XBT_NULL, "rm /tt");
    step(xs, XBT_NULL, "write /tt/a/b 1");
    xs_watch(xs2, "/tt", "tx");
    show_events("watch");
    t = xs_transaction_start(xs);
    printf("write: %s\n", step(xs, t, "write /tt/a/b 2"));
    printf("write again: %s\n", step(xs, t, "write /tt/a/b 3"));
    printf("seen inside: %s\n", step(xs, t, "read /tt/a/b"));
    printf("seen outside: %s\n", step(xs2, XBT_NULL, "read /tt/a/b"));
    show_events("changes inside");
    printf("commit: %s\n", result(xs_transaction_end(xs, t, false)));
    show_events("commit");
    xs_unwatch(xs2, "/tt", "tx");
    step(xs, XBT_NULL, "rm /tt");
}

static void ask_watches(void)
{
    static const char *const changes[] = {
        "write /tw/a 1", "write /tw/a 1", "write /tw/x/y/z 1", "mkdir /tw/x", "chmod /tw/a r0",
        "write /two 1",  "rm /tw/x",      "rm /tw/none",       "rm /tw",      "rm /two",
    };

    printf("watch: %s\n", result(xs_watch(xs2, "/tw", "token")));
    printf("watch below: %s\n", result(xs_watch(xs2, "/tw/x/y", "below")));
    printf("watch again: %s\n", result(xs_watch(xs2, "/tw", "token")));
    show_events("watch");
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        printf("%s: %s\n", changes[i], step(xs, XBT_NULL, changes[i]));
        show_events(changes[i]);
    }
    printf("unwatch: %s\n", result(xs_unwatch(xs2, "/tw", "token")));
    printf("unwatch again: %s\n", result(xs_unwatch(xs2, "/tw", "token")));
    printf("unwatch below: %s\n", result(xs_unwatch(xs2, "/tw/x/y", "below")));
    printf("watch relative: %s\n", result(xs_watch(xs2, "tr", "rel")));
    show_events("watch");
    step(xs, XBT_NULL, "write /local/domain/0/tr/x 1");
    show_events("write");
    printf("unwatch absolute: %s\n", result(xs_unwatch(xs2, "/local/domain/0/tr", "rel")));
    step(xs, XBT_NULL, "rm tr");
    printf("watch special: %s\n", result(xs_watch(xs2, "@releaseDomain", "special")));
    show_events("watch");
    printf("unwatch special: %s\n", result(xs_unwatch(xs2, "@releaseDomain", "special")));
    printf("watch of bad path: %s\n", result(xs_watch(xs2, "/a b", "bad")));
    printf("unwatch of bad path: %s\n", result(xs_unwatch(xs2, "/a b", "bad")));
    printf("watch of the root: %s\n", result(xs_watch(xs2, "/", "root")));
    show_events("watch");
    step(xs, XBT_NULL, "write /tw/b/c 1");
    show_events("write");
    step(xs, XBT_NULL, "rm /tw");
    show_events("rm");
    printf("unwatch of the root: %s\n", result(xs_unwatch(xs2, "/", "root")));
    printf("watch of another special: %s\n", result(xs_watch(xs2, "@other", "special")));
    show_events("watch");
    printf("unwatch of another special: %s\n", result(xs_unwatch(xs2, "@other", "special")));
    printf("watch of the empty path: %s\n", result(xs_watch(xs2, "", "empty")));
}

static void ask_xenstore(void)
{
    char *path;

    for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
        printf("%s: %s\n", singles[i], step(xs, XBT_NULL, singles[i]));
    ask_watches();
    ask_transactions();
    ask_commits();
    ask_limits();
    path = xs_get_domain_path(xs, 12345);
    printf("domain path: %s\n", path);
    free(path);
    printf("12345 introduced: %d\n", xs_is_domain_introduced(xs, 12345));
    printf("0 introduced: %d\n", xs_is_domain_introduced(xs, 0));
    printf("release of 12345: %s\n", result(xs_release_domain(xs, 12345)));
    printf("resume of 12345: %s\n", result(xs_resume_domain(xs, 12345)));
}

/* --- grants and event channels, domain 0 with itself --- */

static struct xen *a, *b;
static char local[8192];

static void tell(const char *what, int r)
{
    const char *name = r < 0 ? strerrorname_np(-r) : "ok";

    printf("%s: %s\n", what, name ? name : "?");
}

static xen_copy segment(bool from, uint32_t ref, unsigned offset, unsigned len)
{
    xen_copy c = { .flags = from ? GNTCOPY_source_gref : GNTCOPY_dest_gref, .len = (uint16_t)len, .status = 77 };

    if (from) {
        c.source.foreign.ref = ref;
        c.source.foreign.offset = (uint16_t)offset;
        c.dest.virt = local;
    } else {
        c.dest.foreign.ref = ref;
        c.dest.foreign.offset = (uint16_t)offset;
        c.source.virt = local;
    }
    return c;
}

static void ask_copy(const char *what, xen_copy c)
{
    int r = b->ops->copy(b, &c, 1);
    const char *name = r < 0 ? strerrorname_np(-r) : "ok";

    printf("copy %s: call %s, status %d\n", what, name ? name : "?", c.status);
}

static void ask_grants(void)
{
    uint32_t ref = 0, readonly = 0, revoked = 0;
    char *page = NULL, *page2 = NULL, *page3 = NULL;
    void *mapped = NULL, *again = NULL;
    xen_copy c;

    tell("share", a->ops->share(a, 0, 1, false, &ref, (void **)&page));
    tell("share read-only", a->ops->share(a, 0, 1, true, &readonly, (void **)&page2));
    tell("share and revoke", a->ops->share(a, 0, 1, false, &revoked, (void **)&page3));
    if (!page || !page2 || !page3)
        return;
    printf("zeroed: %d\n", page[0] == 0 && memcmp(page, page + 1, 4095) == 0);
    tell("unshare", a->ops->unshare(a, page3, 1));
    strcpy(page, "data of the guest");
    ask_copy("in", segment(true, ref, 0, 18));
    printf("copied: %s\n", local);
    ask_copy("out", segment(false, ref, 100, 18));
    printf("copied: %s\n", page + 100);
    ask_copy("in from read-only", segment(true, readonly, 0, 8));
    ask_copy("out to read-only", segment(false, readonly, 0, 8));
    ask_copy("revoked", segment(true, revoked, 0, 8));
    ask_copy("of reference 3", segment(true, 3, 0, 8));
    ask_copy("of a reference far beyond the table", segment(true, 0x7fffffff, 0, 8));
    ask_copy("up to the page's end", segment(true, ref, 4095, 1));
    ask_copy("over the page's end", segment(true, ref, 4095, 2));
    ask_copy("over the page's end, out", segment(false, ref, 1, 4096));
    ask_copy("of nothing", segment(true, ref, 0, 0));
    ask_copy("of nothing with a bad reference", segment(true, 0x7fffffff, 0, 0));
    ask_copy("of nothing past the page's end", segment(true, ref, 4097, 0));
    c = segment(true, ref, 0, 8);
    c.source.foreign.domid = 12345;
    ask_copy("of a domain that is not", c);
    c = segment(true, ref, 0, 8);
    c.flags = 0;
    ask_copy("of no grant", c);
    c = segment(true, ref, 0, 8);
    c.dest.virt = local + 4000;
    ask_copy("to any local address", c);
    tell("copy of none", b->ops->copy(b, &c, 0));

    tell("map", b->ops->map(b, 0, ref, &mapped));
    tell("map again", b->ops->map(b, 0, ref, &again));
    printf("mapped: %s, another address: %d\n", mapped ? (char *)mapped : "", mapped != again);
    tell("map read-only", b->ops->map(b, 0, readonly, &again));
    tell("map revoked", b->ops->map(b, 0, revoked, &again));
    tell("map far beyond", b->ops->map(b, 0, 0x7fffffff, &again));
    tell("map of no domain", b->ops->map(b, 12345, ref, &again));
    if (mapped)
        tell("unmap", b->ops->unmap(b, mapped));
}

static void ask_pending(const char *when)
{
    struct pollfd p = { .fd = b->ops->event_fd(b), .events = POLLIN };
    int readable = poll(&p, 1, 100);
    uint32_t port = 0;
    int r = b->ops->pending(b, &port);

    printf("pending %s: readable %d, answer %d\n", when, readable, r);
}

static void ask_events(void)
{
    uint32_t mine = 0, its = 0, more = 0;

    ask_pending("of nothing");
    tell("alloc", a->ops->alloc_port(a, 0, &mine));
    tell("notify unbound", a->ops->notify(a, mine));
    tell("bind", b->ops->bind(b, 0, mine, &its));
    ask_pending("after bind");
    ask_pending("while masked");
    tell("notify masked", a->ops->notify(a, mine));
    tell("notify masked again", a->ops->notify(a, mine));
    ask_pending("of masked");
    tell("unmask", b->ops->unmask(b, its));
    ask_pending("after unmask");
    tell("unmask", b->ops->unmask(b, its));
    ask_pending("after the second unmask");
    tell("unmask of unmasked", b->ops->unmask(b, its));
    ask_pending("after the third unmask");
    tell("bind again", b->ops->bind(b, 0, mine, &more));
    tell("bind of no port", b->ops->bind(b, 0, 100000, &more));
    tell("bind of port 0", b->ops->bind(b, 0, 0, &more));
    tell("bind to no domain", b->ops->bind(b, 12345, mine, &more));
    tell("notify of a port not ours", b->ops->notify(b, mine));
    tell("unbind of a port not ours", b->ops->unbind(b, mine));
    tell("unbind", b->ops->unbind(b, its));
    tell("unbind again", b->ops->unbind(b, its));
    tell("notify unbound", a->ops->notify(a, mine));
    tell("bind after unbind", b->ops->bind(b, 0, mine, &its));
    ask_pending("after binding again");
    tell("unbind the other end", a->ops->unbind(a, mine));
    tell("notify to nobody", b->ops->notify(b, its));
    tell("unbind", b->ops->unbind(b, its));
    tell("restrict to domain 0", b->ops->restrict_events(b, 0));
    tell("alloc", a->ops->alloc_port(a, 0, &mine));
    tell("restrict", b->ops->restrict_events(b, 5));
    tell("restrict again", b->ops->restrict_events(b, 5));
    tell("bind elsewhere when restricted", b->ops->bind(b, 0, mine, &its));
    tell("alloc elsewhere when restricted", b->ops->alloc_port(b, 0, &its));
}

static int open_xen(const char *socket, unsigned flags, struct xen **out)
{
    return socket ? xen_open_mock(socket, 0, flags, out) : xen_open_real(flags, out);
}

int main(int argc, char **argv)
{
    const char *socket = argc > 1 ? argv[1] : NULL;
    int r;

    if (argc > 2) {
        fprintf(stderr, "usage: xen-answers [SOCKET]\n");
        return 2;
    }
    if (socket && setenv("XENSTORED_PATH", socket, 1) < 0)
        return 1;
    xs = xs_open(0);
    xs2 = xs_open(0);
    if (!xs || !xs2) {
        fprintf(stderr, "xen-answers: no xenstore: %s\n", strerror(errno));
        return 1;
    }
    ask_xenstore();
    xs_close(xs);
    xs_close(xs2);
    r = open_xen(socket, XEN_OPEN_SHARE | XEN_OPEN_EVENTS, &a);
    if (r == 0)
        r = open_xen(socket, XEN_OPEN_GRANTS | XEN_OPEN_EVENTS, &b);
    if (r < 0) {
        fprintf(stderr, "xen-answers: no Xen: %s\n", strerror(-r));
        xen_close(a);
        return 1;
    }
    ask_grants();
    ask_events();
    xen_close(b);
    xen_close(a);
    return fflush(stdout) == 0 ? 0 : 1;
}
