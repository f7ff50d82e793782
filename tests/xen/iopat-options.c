// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of iopat. It knows nothing of the device: what depends on its size is checked in iopat.c. */
#define _GNU_SOURCE
#include "iopat-options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: iopat fill|verify|mix|bench DEVICE [options]\n"
    "  fill    writes the region with the pattern of one generation\n"
    "  verify  reads the region and checks it against that pattern\n"
    "  mix     reads and writes at random; every read is checked; at the end a\n"
    "          pass over all that was written\n"
    "  bench   reads or writes without checking, and says how fast\n"
    "  --start BYTES, --size BYTES   the region (default: the whole device)\n"
    "  --bs SIZE[-SIZE]   of one request, 512 to 508k, drawn anew for each (64k; mix 512-508k)\n"
    "  --align BYTES      of a request's place (the device's block size)\n"
    "  --mem-offset BYTES|random  of the data within a page (0); random only up to 480k\n"
    "  --depth N          requests in flight (1)\n"
    "  --random, --sequential     order of fill, verify and bench (sequential; bench random)\n"
    "  --seed N, --generation N   of the pattern (1, 1); for mix the generation that is\n"
    "                     there, 0 when unknown (0)\n"
    "  --write PERCENT    mix: share of writes (50); bench: 0 reads, 100 writes (0)\n"
    "  --seconds N, --ops N, --until-file FILE   end of mix and bench (seconds 5)\n"
    "  --percentiles      bench: also what 50 and 99 % of the requests take at most (of the first million)\n"
    "  --sync-every N     fdatasync after every N writes\n"
    "  --map FILE         mix: generations are read from it if it exists, and saved;\n"
    "                     verify: the generations to expect\n"
    "  --no-final         mix: no pass at the end\n"
    "  --keep-going       after an error: count it and go on\n"
    "  --buffered         no O_DIRECT\n"
    "  --stall SECONDS    give up when nothing completes for so long (180)\n"
    "exit status: 0 all well, 1 wrong data, 2 usage, 3 I/O errors, 4 stalled\n";

struct options opt = {
    .seed = 1,
    .depth = 1,
    .stall = 180,
    .final_pass = true,
};

/* "4k", "1M", "512": bytes. */
static uint64_t parse_size(const char *text, char **end)
{
    uint64_t value = strtoull(text, end, 0);

    switch (**end) {
    case 'k':
    case 'K':
        value <<= 10;
        ++*end;
        break;
    case 'm':
    case 'M':
        value <<= 20;
        ++*end;
        break;
    case 'g':
    case 'G':
        value <<= 30;
        ++*end;
        break;
    default:
        break;
    }
    return value;
}

void bad_usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "iopat: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(USAGE);
}

static uint64_t whole_size(const char *name, const char *text)
{
    char *end;
    uint64_t value = parse_size(text, &end);

    if (end == text || *end)
        bad_usage("--%s: not a number: %s", name, text);
    return value;
}

void parse(int argc, char **argv)
{
    enum {
        START,
        SIZE,
        BS,
        ALIGN,
        MEM_OFFSET,
        DEPTH,
        RANDOM,
        SEQUENTIAL,
        SEED,
        GENERATION,
        WRITE,
        SECONDS,
        OPS,
        UNTIL,
        SYNC,
        MAP,
        NO_FINAL,
        KEEP_GOING,
        BUFFERED,
        STALL,
        PERCENTILES,
        HELP
    };
    static const struct option options[] = {
        { "start", 1, NULL, START },
        { "size", 1, NULL, SIZE },
        { "bs", 1, NULL, BS },
        { "align", 1, NULL, ALIGN },
        { "mem-offset", 1, NULL, MEM_OFFSET },
        { "depth", 1, NULL, DEPTH },
        { "random", 0, NULL, RANDOM },
        { "sequential", 0, NULL, SEQUENTIAL },
        { "seed", 1, NULL, SEED },
        { "generation", 1, NULL, GENERATION },
        { "write", 1, NULL, WRITE },
        { "seconds", 1, NULL, SECONDS },
        { "ops", 1, NULL, OPS },
        { "until-file", 1, NULL, UNTIL },
        { "sync-every", 1, NULL, SYNC },
        { "map", 1, NULL, MAP },
        { "no-final", 0, NULL, NO_FINAL },
        { "keep-going", 0, NULL, KEEP_GOING },
        { "buffered", 0, NULL, BUFFERED },
        { "stall", 1, NULL, STALL },
        { "percentiles", 0, NULL, PERCENTILES },
        { "help", 0, NULL, HELP },
        { 0 },
    };
    static const char *const modes[] = { [FILL] = "fill", [VERIFY] = "verify", [MIX] = "mix", [BENCH] = "bench" };
    bool generation_given = false, order_given = false, write_given = false;
    int option, index;
    char *end;

    while ((option = getopt_long(argc, argv, "h", options, &index)) != -1) {
        const char *name = option < HELP ? options[index].name : "";

        switch (option) {
        case START:
            opt.start = whole_size(name, optarg);
            break;
        case SIZE:
            opt.size = whole_size(name, optarg);
            break;
        case BS:
            opt.bs_min = opt.bs_max = (uint32_t)parse_size(optarg, &end);
            if (*end == '-')
                opt.bs_max = (uint32_t)parse_size(end + 1, &end);
            if (*end)
                bad_usage("--bs: not a size: %s", optarg);
            break;
        case ALIGN:
            opt.align = whole_size(name, optarg);
            break;
        case MEM_OFFSET:
            opt.mem_offset = strcmp(optarg, "random") ? (int)whole_size(name, optarg) : -1;
            break;
        case DEPTH:
            opt.depth = (uint32_t)whole_size(name, optarg);
            break;
        case RANDOM:
            opt.random = order_given = true;
            break;
        case SEQUENTIAL:
            opt.random = false;
            order_given = true;
            break;
        case SEED:
            opt.seed = whole_size(name, optarg);
            break;
        case GENERATION:
            opt.generation = (uint32_t)whole_size(name, optarg);
            generation_given = true;
            break;
        case WRITE:
            opt.write_percent = (uint32_t)whole_size(name, optarg);
            write_given = true;
            break;
        case SECONDS:
            opt.seconds = atof(optarg);
            break;
        case OPS:
            opt.ops = whole_size(name, optarg);
            break;
        case UNTIL:
            opt.until_file = optarg;
            break;
        case SYNC:
            opt.sync_every = (uint32_t)whole_size(name, optarg);
            break;
        case MAP:
            opt.map_file = optarg;
            break;
        case NO_FINAL:
            opt.final_pass = false;
            break;
        case KEEP_GOING:
            opt.keep_going = true;
            break;
        case BUFFERED:
            opt.buffered = true;
            break;
        case STALL:
            opt.stall = atof(optarg);
            break;
        case PERCENTILES:
            opt.percentiles = true;
            break;
        case HELP:
        case 'h':
            fputs(usage_text, stdout);
            exit(OK);
        default:
            fputs(usage_text, stderr);
            exit(USAGE);
        }
    }
    if (argc - optind != 2) {
        fputs(usage_text, stderr);
        exit(USAGE);
    }
    for (opt.mode = FILL; strcmp(argv[optind], modes[opt.mode]); opt.mode++)
        if (opt.mode == BENCH)
            bad_usage("no such mode: %s", argv[optind]);
    opt.device = argv[optind + 1];
    if (opt.percentiles && opt.mode != BENCH)
        bad_usage("--percentiles is for bench");
    if (!generation_given)
        opt.generation = opt.mode == MIX ? UNKNOWN : 1;
    if (!order_given)
        opt.random = opt.mode == MIX || opt.mode == BENCH;
    if (opt.mode == MIX)
        opt.random = true;
    if (!write_given && opt.mode == MIX)
        opt.write_percent = 50;
    if (opt.seconds <= 0 && !opt.ops && !opt.until_file)
        opt.seconds = 5;
}
