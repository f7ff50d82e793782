// SPDX-License-Identifier: GPL-2.0-or-later
/* A line on the terminal while something takes long; see progress.h. */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "common/util.h"
#include "progress.h"

enum {
    TELL_US = 2000000, /* what takes longer says that it waits */
    TELL_AGAIN_US = 1000000,
};

static bool allowed;
static int shown;        /* columns of the line on the terminal */
static uint64_t next_us; /* when to renew it */

void progress_allow(void)
{
    allowed = isatty(STDERR_FILENO) == 1;
}

uint64_t progress_show(const char *what, uint64_t begun_us, uint64_t until_us)
{
    uint64_t now = now_us();

    if (!allowed)
        return UINT64_MAX;
    if (now < begun_us + TELL_US)
        return begun_us + TELL_US;
    if (shown && now < next_us)
        return next_us;
    progress_end();
    shown = fprintf(stderr, "\rxl-scsi: waiting for %.32s, %u s of at most %u s ", what,
                    (unsigned)((now - begun_us) / 1000000), (unsigned)((until_us - begun_us + 999999) / 1000000));
    next_us = now + TELL_AGAIN_US;
    return next_us;
}

void progress_end(void)
{
    if (shown > 0)
        fprintf(stderr, "\r%*s\r", shown - 1, "");
    shown = 0;
}
