// SPDX-License-Identifier: GPL-2.0-or-later
/* pvscsictl top: batch mode, and the way to the screen; see top.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "common/util.h"
#include "pvscsictl/client.h"
#include "pvscsictl/top.h"

static void pause_s(double s)
{
    struct timespec t = { .tv_sec = (time_t)s };

    t.tv_nsec = (long)((s - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

static void print(const struct top_look *look)
{
    char line[TOP_WIDTH_MAX];

    top_summary(&look->luns, line);
    puts(line);
    top_heading(TOP_WIDTH, line);
    puts(line);
    for (size_t i = 0; i < look->shown.n; i++) {
        top_line(&look->shown.rows[i], TOP_WIDTH, line);
        puts(line);
    }
}

static int batch(const struct top_options *o, struct top_look *look)
{
    for (unsigned i = 0; o->count == 0 || i < o->count; i++) {
        int r;

        pause_s(o->interval);
        r = top_look(o->run_dir, look);
        if (r == 0)
            r = top_arrange(look, o->key, false, o->by_guest);
        if (r < 0) {
            fprintf(stderr, "pvscsictl: no usable answer from pvscsid: %s\n", strerror(-r));
            return r == -ENOENT || r == -ECONNREFUSED ? EXIT_NO_DAEMON : EXIT_FAILED;
        }
        if (i > 0)
            putchar('\n');
        print(look);
        if (fflush(stdout) != 0 || ferror(stdout)) {
            fprintf(stderr, "pvscsictl: cannot write the table: %s\n", strerror(errno));
            return EXIT_FAILED;
        }
    }
    return EXIT_FINE;
}

int top_run(const struct top_options *o)
{
    struct top_look look = { .at = 0 };
    int r = top_look(o->run_dir, &look), status;

    if (r == -ENOENT || r == -ECONNREFUSED || r == -EACCES || r == -ENAMETOOLONG) {
        status = client_complain(o->run_dir, r);
    } else if (r < 0) {
        fprintf(stderr, "pvscsictl: no usable answer from pvscsid: %s\n", strerror(-r));
        status = EXIT_FAILED;
    } else {
        status = o->batch ? batch(o, &look) : top_screen(o, &look);
    }
    top_look_clear(&look);
    return status;
}
