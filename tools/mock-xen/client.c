// SPDX-License-Identifier: GPL-2.0-or-later
/* The client's side of XS_CONTROL: `mock-xen --socket S ctl COMMAND [ARG...]`. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <xenstore.h>

#include "mock.h"

#define SCRIPT_MAX 1000000

/* The arguments behind the command as one block of strings. */
static char *join(int argc, char **argv, size_t *len)
{
    size_t size = 1, at = 0;
    char *block;

    for (int i = 1; i < argc; i++)
        size += strlen(argv[i]) + 1;
    block = malloc(size);
    for (int i = 1; block && i < argc; i++) {
        size_t n = strlen(argv[i]) + 1;

        memcpy(block + at, argv[i], n);
        at += n;
    }
    *len = at;
    return block;
}

/* Says what errno means for this command, whose arguments (up to a NULL) have passed control_check(). */
static void complain(char **args)
{
    const char *name = args[0];

    if (errno == ENOENT && args[1])
        fprintf(stderr, "mock-xen: ctl %s: there is no domain %s; \"ctl status\" lists those that exist\n", name,
                args[1]);
    else if (errno == EEXIST && args[1])
        fprintf(stderr, "mock-xen: ctl %s: domain %s exists already, perhaps as a zombie: see \"ctl status\"\n", name,
                args[1]);
    else if (errno == EINVAL && args[1] && strcmp(name, "destroy") == 0)
        fprintf(stderr, "mock-xen: ctl destroy: domain %s stays; another domain was expected\n", args[1]);
    else
        fprintf(stderr, "mock-xen: ctl %s: %s\n", name, strerror(errno));
}

int ctl_main(const char *socket, int argc, char **argv)
{
    CLEANUP_FREE char *block = NULL, *script = NULL, *answer = NULL;
    char why[FAULT_WHY_MAX];
    struct xs_handle *xs;
    size_t len;

    if (argc < 1) {
        fprintf(stderr, "mock-xen: ctl: a command was expected; \"ctl help\" lists them\n");
        return 2;
    }
    /* The command line names a file; the request carries its text. */
    if (argc == 2 && strcmp(argv[0], "faults") == 0 && argv[1][0]) {
        int r = read_file(argv[1], SCRIPT_MAX, &script, NULL);

        if (r < 0) {
            fprintf(stderr, "mock-xen: cannot read the fault script %s: %s\n", argv[1], strerror(-r));
            return 1;
        }
        argv[1] = script;
    }
    if (control_check(argv, (unsigned)argc, why) < 0) {
        fprintf(stderr, "mock-xen: ctl %s: %s\n", argv[0], why);
        return 2;
    }
    block = join(argc, argv, &len);
    if (!block) {
        fprintf(stderr, "mock-xen: out of memory\n");
        return 1;
    }
    if (strlen(argv[0]) + 1 + len > XENSTORE_PAYLOAD_MAX) {
        fprintf(stderr, "mock-xen: ctl %s: more than %d bytes do not fit into a request\n", argv[0],
                XENSTORE_PAYLOAD_MAX);
        return 1;
    }
    if (setenv("XENSTORED_PATH", socket, 1) < 0 || !(xs = xs_open(0))) {
        fprintf(stderr, "mock-xen: no mock-xen listens on %s: %s\n", socket, strerror(errno));
        return 1;
    }
    answer = xs_control_command(xs, argv[0], block, (unsigned)len);
    if (answer)
        fputs(answer, stdout);
    else
        complain(argv);
    xs_close(xs);
    return answer && fflush(stdout) == 0 ? 0 : 1;
}
