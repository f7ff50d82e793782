/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvscsictl top: what guests do with their LUNs, again and again, on a terminal or as text. */
#ifndef PVSCSICTL_TOP_H
#define PVSCSICTL_TOP_H

#include <stdbool.h>

#include "pvscsictl/top-look.h"

struct top_options {
    const char *run_dir;
    bool batch;       /* text, one table after the other */
    unsigned count;   /* tables, then it ends; 0: no end */
    double interval;  /* seconds between two of them */
    enum top_key key; /* the order of the rows */
    bool by_guest;    /* a row for each guest instead of each LUN */
};

/* An exit status. */
int top_run(const struct top_options *o);
/* The same on a terminal, with ncurses (top-screen.c). look: an answer of the daemon. */
int top_screen(const struct top_options *o, struct top_look *look);

#endif
