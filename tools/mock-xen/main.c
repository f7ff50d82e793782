// SPDX-License-Identifier: GPL-2.0-or-later
/* mock-xen: options, start, end. What it is for: see mock-xen(1). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "common/log.h"
#include "mock.h"

enum {
    OPT_SOCKET = 256,
    OPT_DOMAINS,
    OPT_PAGES,
    OPT_FAULTS,
    OPT_QUOTA,
    OPT_KEEP_ORPHANS,
    OPT_READY_FD,
    OPT_REPORT,
    OPT_LOG_LEVEL,
    OPT_VERSION,
    OPT_HELP
};

static const struct option_help {
    int value;
    const char *name, *arg, *what;
} options[] = {
    { OPT_SOCKET, "socket", "PATH", "Unix socket to listen on (domain N: PATH.dN)" },
    { OPT_DOMAINS, "domains", "N,N...", "create these domains at once" },
    { OPT_PAGES, "pages", "N", "pages that each domain can share, a power of two (default 16384)" },
    { OPT_FAULTS, "faults", "FILE", "fault script" },
    { OPT_QUOTA, "quota", "NAME=N", "nodes, node-size, node-perms, watches or transactions" },
    { OPT_KEEP_ORPHANS, "keep-orphans", NULL, "do not remove the nodes of a dead domain" },
    { OPT_READY_FD, "ready-fd", "FD", "write \"ready\" there once clients can connect" },
    { OPT_REPORT, "report", "FILE", "at the end write there what is still alive" },
    { OPT_LOG_LEVEL, "log-level", "LEVEL",
      "debug, verbose, detail, progress, info, notice, warning, error or critical (default warning)" },
    { OPT_VERSION, "version", NULL, "print the version" },
    { OPT_HELP, "help", NULL, "print this" },
};

struct settings {
    const char *domains, *faults, *report;
    int ready_fd;
    xentoollog_level log_level;
};

static void usage(FILE *out)
{
    fputs("Usage: mock-xen --socket PATH [OPTION...]\n"
          "       mock-xen --socket PATH ctl COMMAND [ARG...]\n"
          "xenstored's protocol, grants and event channels on a Unix socket, without Xen.\n\n"
          "  ctl COMMAND [ARG...]   tell the mock-xen that serves PATH, or ask it\n\n",
          out);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        char left[40];

        snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].arg ? " " : "",
                 options[i].arg ? options[i].arg : "");
        fprintf(out, "  %-22s %s\n", left, options[i].what);
    }
    fputs("\nCommands of ctl:\n", out);
    control_help(out);
}

static int complain(const char *what, const char *value, const char *expected)
{
    fprintf(stderr, "mock-xen: %s \"%s\": %s\n", what, value, expected);
    return -1;
}

static int set_quota(struct quota *quota, const char *text)
{
    const struct {
        const char *name;
        uint32_t *value;
    } names[] = {
        { "nodes", &quota->nodes },     { "node-size", &quota->node_size },       { "node-perms", &quota->node_perms },
        { "watches", &quota->watches }, { "transactions", &quota->transactions },
    };
    const char *eq = strchr(text, '=');

    for (size_t i = 0; eq && i < ARRAY_SIZE(names); i++)
        if (strlen(names[i].name) == (size_t)(eq - text) && strncmp(names[i].name, text, (size_t)(eq - text)) == 0
            && parse_u32_str(eq + 1, UINT32_MAX, names[i].value) == 0)
            return 0;
    return complain("--quota", text, "expected NAME=NUMBER, see --help");
}

static int set_pages(uint32_t *n_pages, const char *text)
{
    if (parse_u32_str(text, 1u << 20, n_pages) < 0 || *n_pages < 64 || (*n_pages & (*n_pages - 1)) != 0)
        return complain("--pages", text, "a power of two from 64 to 1048576 was expected");
    return 0;
}

static int set_option(struct mock *mock, struct settings *s, int option, const char *arg)
{
    uint32_t fd;

    switch (option) {
    case OPT_SOCKET:
        mock->socket = arg;
        return 0;
    case OPT_DOMAINS:
        s->domains = arg;
        return 0;
    case OPT_PAGES:
        return set_pages(&mock->n_pages, arg);
    case OPT_FAULTS:
        s->faults = arg;
        return 0;
    case OPT_QUOTA:
        return set_quota(&mock->quota, arg);
    case OPT_KEEP_ORPHANS:
        mock->keep_orphans = true;
        return 0;
    case OPT_READY_FD:
        if (parse_u32_str(arg, INT32_MAX, &fd) < 0)
            return complain("--ready-fd", arg, "the number of an open file descriptor was expected");
        s->ready_fd = (int)fd;
        return 0;
    case OPT_REPORT:
        s->report = arg;
        return 0;
    case OPT_LOG_LEVEL:
        return log_level_parse(arg, &s->log_level) < 0
                   ? complain("--log-level", arg, "expected a level from debug to critical")
                   : 0;
    }
    fprintf(stderr, "mock-xen: \"mock-xen --help\" lists the options\n");
    return -1;
}

/* 0: go on; 1: done, exit 0; -1: wrong. */
static int parse_options(struct mock *mock, struct settings *s, int argc, char **argv)
{
    struct option longs[ARRAY_SIZE(options) + 1] = { { 0 } };
    int option;

    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        longs[i] = (struct option){ options[i].name, options[i].arg ? required_argument : no_argument, NULL,
                                    options[i].value };
    while ((option = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
        if (option == OPT_HELP) {
            usage(stdout);
            return 1;
        }
        if (option == OPT_VERSION) {
            printf("mock-xen (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
            return 1;
        }
        if (set_option(mock, s, option, optarg) < 0)
            return -1;
    }
    if (!mock->socket) {
        fprintf(stderr, "mock-xen: --socket PATH is missing (see --help)\n");
        return -1;
    }
    return 0;
}

/* --- start --- */

/* -EADDRINUSE: another mock-xen answers at the socket. A socket without a server may be replaced. */
static int check_socket(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (strlen(path) + sizeof(".d65535.new") > sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ? -EADDRINUSE : 0;
}

static int make_fault_page(struct mock *mock)
{
    void *p;

    mock->fault_fd = memfd_create("mock-xen-faults", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (mock->fault_fd < 0 || ftruncate(mock->fault_fd, MX_PAGE_SIZE) < 0)
        return -errno;
    if (fcntl(mock->fault_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    p = mmap(NULL, MX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, mock->fault_fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    mock->faults.page = p;
    mock->faults.page->magic = MX_FAULT_MAGIC;
    return 0;
}

/* Domain 0 is the last: a client that finds its socket finds all sockets. */
static int make_domains(struct mock *mock, const char *list)
{
    CLEANUP_FREE char *copy = strdup(list ? list : "");
    char *rest = copy;
    int r;

    if (!copy)
        return complain("--domains", list ? list : "", "out of memory");
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        uint32_t domid;

        if (*word == '\0')
            continue;
        if (parse_u32_str(word, DOMID_MAX, &domid) < 0)
            return complain("--domains", word, "a domain number up to 32751 was expected");
        r = domain_create(mock, domid, NULL, NULL);
        if (r < 0) {
            fprintf(stderr, "mock-xen: cannot create domain %u: %s\n", domid, strerror(-r));
            return -1;
        }
    }
    r = domain_create(mock, 0, NULL, NULL);
    if (r < 0)
        fprintf(stderr, "mock-xen: cannot listen on %s: %s\n", mock->socket, strerror(-r));
    return r;
}

static int load_faults(struct mock *mock, const char *path)
{
    CLEANUP_FREE char *script = NULL;
    char why[FAULT_WHY_MAX] = "out of memory";
    int r;

    if (!path)
        return 0;
    r = read_file(path, 1000000, &script, NULL);
    if (r < 0)
        return complain("fault script", path, strerror(-r));
    if (faults_load(&mock->faults, script, false, why, sizeof(why)) < 0)
        return complain("fault script", path, why);
    return 0;
}

static void tell_ready(const struct mock *mock, int fd)
{
    char line[160];

    if (fd < 0) {
        printf("mock-xen: ready on %s\n", mock->socket);
        fflush(stdout);
        return;
    }
    snprintf(line, sizeof(line), "ready\n");
    if (write_all(fd, line, strlen(line)) < 0)
        log_warn(NULL, "cannot write to --ready-fd %d", fd);
    close(fd);
}

/* --- run and end --- */

struct signals {
    struct loop_source src;
    struct mock *mock;
};

static void signal_ready(struct loop_source *src, uint32_t revents UNUSED)
{
    loop_stop(container_of(src, struct signals, src)->mock->loop);
}

static void after_round(void *ctx)
{
    conns_reap(ctx);
}

static int run(struct mock *mock)
{
    struct signals signals = { .mock = mock };
    sigset_t set;
    int r;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    signals.src = (struct loop_source){ .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
                                        .events = EPOLLIN,
                                        .ready = signal_ready };
    if (signals.src.fd < 0)
        return -errno;
    loop_set_after_round(mock->loop, after_round, mock);
    r = loop_add(mock->loop, &signals.src);
    if (r == 0)
        r = loop_run(mock->loop);
    loop_remove(&signals.src);
    close(signals.src.fd);
    return r;
}

static int report(const struct mock *mock, const char *path)
{
    CLEANUP_FREE char *text = path ? control_status(mock) : NULL;
    FILE *out;
    bool good;

    if (!path)
        return 0;
    out = text ? fopen(path, "we") : NULL;
    good = out && fputs(text, out) >= 0;
    if (out && fclose(out) != 0)
        good = false;
    return good ? 0 : complain("--report", path, strerror(errno));
}

static void raise_limits(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) == 0) { /* each event channel takes two */
        lim.rlim_cur = lim.rlim_max;
        setrlimit(RLIMIT_NOFILE, &lim);
    }
}

static int serve(struct mock *mock, const struct settings *s)
{
    int r = check_socket(mock->socket);

    if (r == -EADDRINUSE)
        return complain("--socket", mock->socket, "another mock-xen serves it");
    if (r == 0)
        r = make_fault_page(mock);
    if (r == 0)
        r = loop_new(&mock->loop);
    if (r == 0)
        r = mock_init(mock);
    if (r < 0)
        return complain("--socket", mock->socket, strerror(-r));
    if (load_faults(mock, s->faults) < 0 || make_domains(mock, s->domains) < 0)
        return -1;
    tell_ready(mock, s->ready_fd);
    r = run(mock);
    if (r < 0)
        log_err(NULL, -r, "the event loop failed");
    return report(mock, s->report) < 0 ? -1 : r;
}

/* false: something was not freed. */
static bool clean_up(struct mock *mock)
{
    bool all = mock_deinit(mock);

    if (mock->faults.page)
        munmap(mock->faults.page, MX_PAGE_SIZE);
    if (mock->fault_fd >= 0)
        close(mock->fault_fd);
    loop_free(mock->loop);
    return all;
}

int main(int argc, char **argv)
{
    struct mock mock = { .quota = QUOTA_DEFAULT, .fault_fd = -1, .n_pages = 16384 };
    struct settings s = { .ready_fd = -1, .log_level = XTL_WARN };
    int r = parse_options(&mock, &s, argc, argv);

    if (r != 0)
        return r > 0 ? 0 : 2;
    if (optind < argc && strcmp(argv[optind], "ctl") == 0)
        return ctl_main(mock.socket, argc - optind - 1, argv + optind + 1);
    if (optind < argc) {
        complain("argument", argv[optind], "only \"ctl\" was expected here (see --help)");
        return 2;
    }
    log_init(s.log_level);
    raise_limits();
    r = serve(&mock, &s);
    if (!clean_up(&mock)) {
        fprintf(stderr, "mock-xen: %zu nodes were never freed\n", mock.pool.live_nodes);
        r = -1;
    }
    return r < 0 ? 1 : 0;
}
