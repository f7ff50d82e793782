/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of docs/scsi.md, for tests that compare them with the code. */
#ifndef PVSCSI_TESTS_SCSI_PAGE_H
#define PVSCSI_TESTS_SCSI_PAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

#define CELLS 7

/* "| a | b |": pointers to the cells, without blanks around them. Returns how many there are. */
static unsigned cells_of(char *line, char *cell[CELLS])
{
    unsigned n = 0;

    for (char *p = strtok(line, "|\n"); p && n < CELLS; p = strtok(NULL, "|\n")) {
        while (*p == ' ')
            p++;
        cell[n++] = p;
        for (char *e = p + strlen(p); e > p && e[-1] == ' ';)
            *--e = '\0';
    }
    return n;
}

/* The rows of the table below that heading; f gets each. Returns how many there were, with the two of its head. */
static unsigned read_table(const char *heading, void (*f)(char *cell[CELLS], unsigned n))
{
    const char *top = getenv("top_srcdir");
    char path[512], line[1024];
    bool here = false;
    unsigned rows = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/docs/scsi.md", top ? top : "..");
    file = fopen(path, "r");
    must(file != NULL, "%s cannot be read", path);
    while (fgets(line, sizeof(line), file)) {
        char *cell[CELLS];

        if (line[0] == '#') {
            here = strncmp(line, heading, strlen(heading)) == 0;
        } else if (here && line[0] == '|' && rows++ >= 2) { /* a head and a rule */
            unsigned n = cells_of(line, cell);

            f(cell, n);
        }
    }
    fclose(file);
    return rows;
}

#endif
