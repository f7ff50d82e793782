/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The looks of pvscsictl top at the daemon, one after the other. */
#ifndef PVSCSICTL_TOP_LOOK_H
#define PVSCSICTL_TOP_LOOK_H

#include "pvscsictl/top-table.h"

/* One look at the daemon. */
struct top_look {
    struct top_table luns, shown;
    double at; /* CLOCK_MONOTONIC in seconds; 0: none yet */
    int error; /* -errno of the last try; 0: it was answered */
};
/* Asks the daemon. The rates are those since the answer before. 0 or -errno, which is in look->error too. */
int top_look(const char *run_dir, struct top_look *look);
/* Makes look->shown of look->luns. 0 or -ENOMEM. */
int top_arrange(struct top_look *look, enum top_key key, bool reverse, bool by_guest);
void top_look_clear(struct top_look *look);

#endif
