/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iopat is asked to do. */
#ifndef PVSCSI_TESTS_XEN_IOPAT_OPTIONS_H
#define PVSCSI_TESTS_XEN_IOPAT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Exit status. */
enum {
    OK,
    BAD_DATA = 1,
    USAGE = 2,
    IO_ERROR = 3,
    STALLED = 4
};

enum mode {
    FILL,
    VERIFY,
    MIX,
    BENCH
};

enum {
    UNKNOWN = 0
}; /* the generation of what nobody wrote */

/* Sizes are in bytes, times in seconds; 0 or NULL: not given. */
struct options {
    enum mode mode;
    const char *device;
    uint64_t start, size, align, seed, ops;
    uint32_t bs_min, bs_max, depth, generation, write_percent, sync_every;
    int mem_offset; /* -1: random */
    double seconds, stall;
    bool random, keep_going, buffered, final_pass, percentiles;
    const char *until_file, *map_file;
};

extern struct options opt;

/* Fills opt, or ends the program: with USAGE, or with OK after --help. */
void parse(int argc, char **argv);

/* Ends the program with USAGE after this message. */
__attribute__((noreturn, format(printf, 1, 2))) void bad_usage(const char *format, ...);

#endif
