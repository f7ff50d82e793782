// SPDX-License-Identifier: GPL-2.0-or-later
/* Where commands leave their reason for a failure, and what the backend must never do is counted. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "front.h"

int fail(struct front *f, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(f->why, sizeof(f->why), fmt, ap);
    va_end(ap);
    return -1;
}

void violation(struct front *f, const char *fmt, ...)
{
    va_list ap;

    f->violations++;
    printf("VIOLATION: ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
}

int show_outcome(const struct front *f, int r, bool tell)
{
    if (r < 0)
        printf("FAILED: %s\n", f->why);
    else if (tell)
        printf("ok\n");
    fflush(stdout);
    return r < 0;
}
