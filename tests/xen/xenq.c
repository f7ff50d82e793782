// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tests ask Xen most often, in one static program under three names. In emulation a start of xl takes 100 ms
 * of a processor and one of xenstore-read 50, because of their libraries; this takes half that. It changes nothing.
 *
 *   domains list                     all, one a line: ID STATE NAME
 *   domains id NAME                  the id of the domain with this name
 *   domains next NAME ID SECONDS     the same, as soon as it is another one than ID
 *   xenstore-read PATH...            as the programs of these names do
 *   xenstore-exists PATH...
 *
 * STATE is one letter: "d" for a domain that is dying, "p" for a paused one, else "r". NAME is "(null)" when xenstore
 * has none. The status is 1 when there is no such domain, no list, or no node.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenstore.h>

#define DOMAINS_MAX 256

/* name: of the domain, or NULL; the caller frees it. */
static char *name_of(struct xs_handle *xs, unsigned int domid)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    return xs_read(xs, XBT_NULL, path, NULL);
}

static int list(struct xs_handle *xs)
{
    static xc_domaininfo_t domains[DOMAINS_MAX];
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    int n = xc ? xc_domain_getinfolist(xc, 0, DOMAINS_MAX, domains) : -1;

    if (n < 0) {
        perror("xenq: the hypervisor's list");
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char *name = name_of(xs, domains[i].domain);
        char state = domains[i].flags & XEN_DOMINF_dying ? 'd' : domains[i].flags & XEN_DOMINF_paused ? 'p' : 'r';

        printf("%u %c %s\n", domains[i].domain, state, name ? name : "(null)");
        free(name);
    }
    return 0;
}

/* Prints the id of the domain with this name, if it is another one than `old`. */
static bool print_id(struct xs_handle *xs, const char *wanted, const char *old)
{
    unsigned int n = 0;
    char **ids = xs_directory(xs, XBT_NULL, "/local/domain", &n);
    bool found = false;

    for (unsigned int i = 0; ids && i < n && !found; i++) {
        char *name = name_of(xs, (unsigned int)strtoul(ids[i], NULL, 10));

        found = name && !strcmp(name, wanted) && strcmp(ids[i], old) != 0;
        if (found)
            puts(ids[i]);
        free(name);
    }
    free(ids);
    return found;
}

/* The values of all nodes, or with `quiet` only whether all are there. */
static int read_nodes(struct xs_handle *xs, char **paths, bool quiet)
{
    for (; *paths; paths++) {
        unsigned int length;
        char *value = xs_read(xs, XBT_NULL, *paths, &length);

        if (!value) {
            if (!quiet)
                fprintf(stderr, "xenstore-read: couldn't read path %s\n", *paths);
            return 1;
        }
        if (!quiet)
            printf("%.*s\n", (int)length, value);
        free(value);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    bool exists = !strcmp(name, "xenstore-exists"), reads = exists || !strcmp(name, "xenstore-read");
    struct xs_handle *xs = xs_open(0);

    if (!xs) {
        perror("xenq: xenstore");
        return 1;
    }
    if (reads && argc > 1)
        return read_nodes(xs, argv + 1, exists);
    if (!reads && argc == 2 && !strcmp(argv[1], "list"))
        return list(xs);
    if (!reads && argc == 3 && !strcmp(argv[1], "id"))
        return print_id(xs, argv[2], "") ? 0 : 1;
    if (!reads && argc == 5 && !strcmp(argv[1], "next")) {
        for (time_t end = time(NULL) + atoi(argv[4]); time(NULL) < end; usleep(300000))
            if (print_id(xs, argv[2], argv[3]))
                return 0;
        return 1;
    }
    fprintf(stderr, "usage: domains list | id NAME | next NAME ID SECONDS; xenstore-read | xenstore-exists PATH...\n");
    return 2;
}
