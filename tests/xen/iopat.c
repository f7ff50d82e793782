// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verified I/O on a block device, for guests and dom0. What is written is computed
 * from sector number, generation and seed, and so is what a read is compared with:
 * nothing is compared with a copy in memory, which may be damaged itself.
 * Asynchronous by the kernel's own aio system calls, so that it links statically
 * with nothing but libc.
 *
 * Sectors here are of 512 bytes, whatever the device's are.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "iopat-options.h"

#define SECTOR 512u
#define WORDS (SECTOR / 8)
#define MAX_IO (508u * 1024)
#define MAX_DEPTH 256u
/*
 * Linux's xen-scsifront fails larger requests itself when they do not begin on a page:
 * at each 64 KiB of contiguous memory one page counts twice, and it takes 128.
 */
#define MAX_UNALIGNED (480u * 1024)
#define MAX_COMPLAINTS 10
#define MAX_LATENCIES 1000000u

/* A sector's content: `now`, or after a failed write possibly still `before`. */
struct content {
    uint32_t now;
    uint32_t before; /* equal to now unless a write failed */
};

struct request {
    struct iocb cb;
    unsigned char *memory; /* MAX_IO and a page; page-aligned */
    unsigned char *data;
    uint64_t offset; /* on the device, bytes */
    uint32_t length;
    uint32_t generation; /* of a write */
    bool write;
    double began;
};

static int fd;
static aio_context_t aio;
static struct request requests[MAX_DEPTH];
static struct request *idle[MAX_DEPTH];
static unsigned int idle_count;
static struct content *map; /* by sector of the region; NULL unless mix or --map */
static unsigned char *busy; /* by sector: a request is in flight there */
static uint32_t logical = SECTOR;

static uint64_t reads, writes, bytes, errors, mismatches, sectors_checked, sync_count;
static double latency_sum, latency_max;
static uint32_t *latencies; /* of each request, in nanoseconds; NULL without --percentiles */
static uint32_t latency_count;
static volatile sig_atomic_t stopped;
static bool stalled;
static bool synchronous; /* bench at depth 1: aio would only add to it */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t scramble(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    return scramble(random_state) % below;
}

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    static unsigned int count;
    va_list args;

    if (count++ >= MAX_COMPLAINTS)
        return;
    va_start(args, format);
    fprintf(stderr, "iopat: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* The first words say in clear what the sector is, for the report on a mismatch. */
static void make_sector(uint64_t *words, uint64_t sector, uint32_t generation)
{
    uint64_t base = scramble(sector * UINT64_C(0x9e3779b97f4a7c15) + scramble(opt.seed << 32 ^ generation));

    words[0] = sector;
    words[1] = generation;
    words[2] = opt.seed;
    for (unsigned int i = 3; i < WORDS; i++) {
        base = base * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        words[i] = base ^ base >> 29;
    }
}

static bool sector_is(const unsigned char *data, uint64_t sector, uint32_t generation)
{
    uint64_t wanted[WORDS];

    make_sector(wanted, sector, generation);
    return memcmp(data, wanted, SECTOR) == 0;
}

static void report_mismatch(const unsigned char *data, uint64_t sector, uint32_t generation)
{
    uint64_t found[3], wanted[WORDS];
    unsigned int first = 0;

    make_sector(wanted, sector, generation);
    while (first < SECTOR && data[first] == ((unsigned char *)wanted)[first])
        first++;
    memcpy(found, data, sizeof(found));
    if (sector_is(data, found[0], (uint32_t)found[1]))
        complain("sector %" PRIu64 ": wanted generation %" PRIu32 ", found the whole of sector %" PRIu64
                 " generation %" PRIu64,
                 sector, generation, found[0], found[1]);
    else
        complain("sector %" PRIu64 ": wanted generation %" PRIu32 ", differs from byte %u on: %016" PRIx64
                 " %016" PRIx64 " %016" PRIx64,
                 sector, generation, first, found[0], found[1], found[2]);
}

static struct content *content_of(uint64_t offset)
{
    return map ? &map[(offset - opt.start) / SECTOR] : NULL;
}

static void check_read(const struct request *request)
{
    bool reported = false;

    for (uint32_t at = 0; at < request->length; at += SECTOR) {
        uint64_t sector = (request->offset + at) / SECTOR;
        const struct content *content = content_of(request->offset + at);
        uint32_t wanted = content ? content->now : opt.generation;

        if (wanted == UNKNOWN)
            continue;
        sectors_checked++;
        if (sector_is(request->data + at, sector, wanted))
            continue;
        if (content && content->before != wanted
            && (content->before == UNKNOWN || sector_is(request->data + at, sector, content->before)))
            continue;
        mismatches++;
        if (!reported)
            report_mismatch(request->data + at, sector, wanted);
        reported = true;
    }
}

static void note_write(const struct request *request, bool failed)
{
    if (!map)
        return;
    for (uint32_t at = 0; at < request->length; at += SECTOR) {
        struct content *content = content_of(request->offset + at);

        /* Of a failed write any part may be there, now or later. */
        content->before = failed ? content->now : request->generation;
        content->now = request->generation;
    }
}

static void mark_busy(const struct request *request, int value)
{
    if (busy)
        memset(busy + (request->offset - opt.start) / SECTOR, value, request->length / SECTOR);
}

static bool is_busy(uint64_t offset, uint32_t length)
{
    return busy && memchr(busy + (offset - opt.start) / SECTOR, 1, length / SECTOR);
}

static void complete(struct request *request, int64_t result)
{
    double took = now() - request->began;
    bool failed = result != (int64_t)request->length;

    mark_busy(request, 0);
    latency_sum += took;
    if (took > latency_max)
        latency_max = took;
    if (latencies && latency_count < MAX_LATENCIES)
        latencies[latency_count++] = took < 4 ? (uint32_t)(took * 1e9) : UINT32_MAX;
    if (failed) {
        errors++;
        complain("%s of %" PRIu32 " bytes at %" PRIu64 ": %s", request->write ? "write" : "read", request->length,
                 request->offset, result < 0 ? strerror((int)-result) : "short");
    } else {
        bytes += request->length;
    }
    if (request->write) {
        writes++;
        note_write(request, failed);
    } else {
        reads++;
        if (!failed && opt.mode != BENCH)
            check_read(request);
    }
    idle[idle_count++] = request;
    if ((errors || mismatches) && !opt.keep_going)
        stopped = 1;
}

static void submit(struct request *request)
{
    struct iocb *list[1] = { &request->cb };
    uint32_t shift = 0;

    if (opt.mem_offset >= 0)
        shift = (uint32_t)opt.mem_offset;
    else if (request->length <= MAX_UNALIGNED)
        shift = (uint32_t)draw(4096 / logical) * logical;
    request->data = request->memory + shift;
    if (request->write)
        for (uint32_t at = 0; at < request->length; at += SECTOR) {
            uint64_t words[WORDS];

            make_sector(words, (request->offset + at) / SECTOR, request->generation);
            memcpy(request->data + at, words, SECTOR);
            /* One pattern is enough where nobody checks it. */
            if (opt.mode == BENCH)
                break;
        }
    else if (opt.mode != BENCH)
        memset(request->data, 0x5a, request->length);
    mark_busy(request, 1);
    request->cb = (struct iocb){
        .aio_data = (uintptr_t)request,
        .aio_lio_opcode = request->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
        .aio_fildes = (uint32_t)fd,
        .aio_buf = (uintptr_t)request->data,
        .aio_nbytes = request->length,
        .aio_offset = (int64_t)request->offset,
    };
    request->began = now();
    if (synchronous) {
        ssize_t n = request->write ? pwrite(fd, request->data, request->length, (off_t)request->offset)
                                   : pread(fd, request->data, request->length, (off_t)request->offset);

        complete(request, n < 0 ? -errno : n);
        return;
    }
    while (syscall(SYS_io_submit, aio, 1, list) != 1) {
        if (errno == EINTR || errno == EAGAIN)
            continue;
        perror("iopat: io_submit");
        exit(IO_ERROR);
    }
}

/* Waits for at least one completion. Returns false when nothing comes. */
static bool reap(void)
{
    struct io_event events[MAX_DEPTH];
    double end = now() + opt.stall;
    long n;

    do {
        /* No time-out here, which would set a timer for each; SIGALRM interrupts. */
        n = syscall(SYS_io_getevents, aio, 1, (long)opt.depth, events, NULL);
        if (n < 0 && errno != EINTR) {
            perror("iopat: io_getevents");
            exit(IO_ERROR);
        }
    } while (n <= 0 && now() < end);
    for (long i = 0; i < n; i++)
        complete((struct request *)(uintptr_t)events[i].data, events[i].res);
    if (n <= 0)
        stalled = true;
    return n > 0;
}

static void drain(void)
{
    while (idle_count < opt.depth && reap())
        ;
}

static void sync_maybe(void)
{
    if (!opt.sync_every || writes / opt.sync_every == sync_count)
        return;
    sync_count = writes / opt.sync_every;
    if (fdatasync(fd)) {
        errors++;
        complain("fdatasync: %s", strerror(errno));
        if (!opt.keep_going)
            stopped = 1;
    }
}

static uint32_t draw_length(void)
{
    uint32_t units = (opt.bs_max - opt.bs_min) / logical + 1;

    /* Small ones are the common case: the square favours them. */
    if (units == 1)
        return opt.bs_min;
    uint64_t r = draw(units), s = draw(units);

    return opt.bs_min + (uint32_t)(r * s / units) * logical;
}

/* The whole region once, writing or reading, in order or not. */
static void pass(bool write, uint32_t generation)
{
    uint32_t step = opt.mode == MIX ? 65536 : opt.bs_max;
    uint64_t count = (opt.size + step - 1) / step, stride = 1;

    if (opt.random && opt.mode != MIX && count > 2) {
        /* A step without a common divisor comes to every place once. */
        uint64_t a, b, t;

        stride = count / 2 + draw(count / 2);
        for (;; stride++) {
            for (a = stride, b = count; b; t = a % b, a = b, b = t)
                ;
            if (a == 1)
                break;
        }
    }
    for (uint64_t i = 0; i < count && !stopped; i++) {
        uint64_t at = i * stride % count * step;

        while (!idle_count)
            if (!reap())
                return;
        struct request *request = idle[--idle_count];

        request->write = write;
        request->generation = generation;
        request->offset = opt.start + at;
        request->length = at + step > opt.size ? (uint32_t)(opt.size - at) : step;
        submit(request);
        sync_maybe();
    }
    drain();
}

static bool finished(double end)
{
    if (stopped || (opt.ops && reads + writes >= opt.ops))
        return true;
    if (opt.until_file) {
        static double next;
        double t = now();

        if (t >= next) {
            next = t + 0.2;
            if (access(opt.until_file, F_OK) == 0)
                return true;
        }
    }
    return opt.seconds > 0 && now() >= end;
}

/* mix and bench: requests until the end that was asked for. */
static void load(void)
{
    double end = now() + opt.seconds;
    uint64_t next = 0;
    /* Above all that a map from an earlier run holds. */
    uint32_t generation = 1;

    if (map)
        for (uint64_t i = 0; i < opt.size / SECTOR; i++)
            if (map[i].now > generation)
                generation = map[i].now;
    while (!finished(end)) {
        while (idle_count) {
            struct request *request = idle[idle_count - 1];
            uint32_t length = draw_length();
            uint64_t places = (opt.size - length) / opt.align + 1, offset;
            unsigned int tries = 0;

            if (opt.random) {
                do {
                    offset = opt.start + draw(places) * opt.align;
                } while (is_busy(offset, length) && ++tries < 100);
                if (is_busy(offset, length)) {
                    if (idle_count == opt.depth)
                        break;
                    goto wait;
                }
            } else {
                if (next + length > opt.size)
                    next = 0;
                offset = opt.start + next;
                next += length;
            }
            if (synchronous && finished(end))
                break;
            idle_count--;
            request->write = draw(100) < opt.write_percent;
            request->offset = offset;
            request->length = length;
            request->generation = ++generation;
            submit(request);
        }
    wait:
        if (idle_count < opt.depth && !reap())
            return;
        sync_maybe();
    }
    drain();
}

static void map_load(void)
{
    uint64_t sectors = opt.size / SECTOR;
    FILE *file;

    map = malloc(sectors * sizeof(*map));
    if (!map) {
        perror("iopat: map");
        exit(IO_ERROR);
    }
    for (uint64_t i = 0; i < sectors; i++)
        map[i].now = map[i].before = opt.generation;
    if (!opt.map_file)
        return;
    file = fopen(opt.map_file, "re");
    if (!file && errno == ENOENT && opt.mode == MIX)
        return;
    if (!file || fread(map, sizeof(*map), sectors, file) != sectors) {
        fprintf(stderr, "iopat: %s: %s\n", opt.map_file, file ? "too short" : strerror(errno));
        exit(USAGE);
    }
    fclose(file);
}

static void map_save(void)
{
    FILE *file;

    if (!map || !opt.map_file || opt.mode != MIX)
        return;
    file = fopen(opt.map_file, "we");
    if (!file || fwrite(map, sizeof(*map), opt.size / SECTOR, file) != opt.size / SECTOR || fclose(file))
        complain("%s: %s", opt.map_file, strerror(errno));
}

static void open_device(void)
{
    struct stat st;
    uint64_t size = 0;
    int sector_size;

    fd = open(opt.device, O_RDWR | O_CLOEXEC | (opt.buffered ? 0 : O_DIRECT));
    if (fd < 0 && (errno == EROFS || errno == EACCES) && (opt.mode == VERIFY || !opt.write_percent))
        fd = open(opt.device, O_RDONLY | O_CLOEXEC | (opt.buffered ? 0 : O_DIRECT));
    if (fd < 0 || fstat(fd, &st)) {
        fprintf(stderr, "iopat: %s: %s\n", opt.device, strerror(errno));
        exit(IO_ERROR);
    }
    if (S_ISBLK(st.st_mode)) {
        if (ioctl(fd, BLKGETSIZE64, &size))
            size = 0;
        if (ioctl(fd, BLKSSZGET, &sector_size) == 0)
            logical = (uint32_t)sector_size;
    } else {
        size = (uint64_t)st.st_size;
    }
    if (opt.start > size)
        bad_usage("--start is beyond the end (%" PRIu64 " bytes)", size);
    if (!opt.size)
        opt.size = size - opt.start;
    if (opt.size > size - opt.start)
        bad_usage("the region is beyond the end (%" PRIu64 " bytes)", size);
    opt.size -= opt.size % logical;
    if (!opt.align)
        opt.align = opt.mode == BENCH ? 0 : logical;
    if (!opt.bs_max) {
        opt.bs_min = opt.mode == MIX ? logical : 65536;
        opt.bs_max = opt.mode == MIX ? MAX_IO : 65536;
    }
    if (!opt.align)
        opt.align = opt.bs_max;
    if (opt.bs_max > opt.size)
        opt.bs_max = (uint32_t)opt.size;
    if (opt.bs_min > opt.bs_max)
        opt.bs_min = opt.bs_max;
    if (!opt.bs_min || opt.bs_max > MAX_IO || opt.bs_min % logical || opt.bs_max % logical || opt.start % logical
        || opt.align % logical || (opt.mem_offset > 0 && opt.mem_offset % (int)SECTOR) || opt.mem_offset > 4096)
        bad_usage("sizes must be multiples of %" PRIu32 ", a request at most %u bytes", logical, MAX_IO);
    if (!opt.depth || opt.depth > MAX_DEPTH)
        bad_usage("--depth: 1 to %u", MAX_DEPTH);
}

static void on_signal(int number)
{
    if (number != SIGALRM)
        stopped = 1;
}

/* Without SA_RESTART: a wait for completions returns now and then to look around. */
static void set_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    struct itimerval tick = { { 1, 0 }, { 1, 0 } };

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    if (!synchronous)
        setitimer(ITIMER_REAL, &tick, NULL);
}

static void *take_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (memory == MAP_FAILED) {
        perror("iopat: memory");
        exit(IO_ERROR);
    }
    return memory;
}

static int compare_latencies(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* In microseconds: this share of the requests took no longer. They are sorted, and there is at least one. */
static double percentile(unsigned int percent)
{
    return latencies[((uint64_t)latency_count * percent + 99) / 100 - 1] / 1e3;
}

static void report_bench(double took)
{
    uint64_t count = reads + writes;

    printf("bench iops=%.0f mb_per_s=%.1f latency_us=%.1f max_us=%.0f ", (double)count / took,
           (double)bytes / took / 1e6, count ? latency_sum / (double)count * 1e6 : 0, latency_max * 1e6);
    if (latency_count) {
        qsort(latencies, latency_count, sizeof(*latencies), compare_latencies);
        printf("p50_us=%.0f p99_us=%.0f ", percentile(50), percentile(99));
    }
}

int main(int argc, char **argv)
{
    static const char *const verdicts[] = {
        [OK] = "ok", [BAD_DATA] = "WRONG DATA", [IO_ERROR] = "I/O ERRORS", [STALLED] = "STALLED"
    };
    double began, took;
    int status = OK;

    parse(argc, argv);
    open_device();
    random_state = opt.seed ^ (opt.mode == MIX ? (uint64_t)time(NULL) << 20 : 0);
    synchronous = opt.mode == BENCH && opt.depth == 1;
    set_signals();
    if (opt.mode == MIX || opt.map_file)
        map_load();
    if (opt.mode == MIX)
        busy = calloc(1, opt.size / SECTOR);
    for (unsigned int i = 0; i < opt.depth; i++) {
        requests[i].memory = take_memory(MAX_IO + 4096);
        idle[idle_count++] = &requests[i];
    }
    if (opt.percentiles)
        latencies = take_memory(MAX_LATENCIES * sizeof(*latencies));
    if (syscall(SYS_io_setup, opt.depth, &aio)) {
        perror("iopat: io_setup");
        return IO_ERROR;
    }
    began = now();
    switch (opt.mode) {
    case FILL:
        pass(true, opt.generation);
        if (!stalled && fdatasync(fd)) {
            errors++;
            complain("fdatasync: %s", strerror(errno));
        }
        break;
    case VERIFY:
        pass(false, opt.generation);
        break;
    case MIX:
    case BENCH:
        load();
        break;
    }
    took = now() - began;
    if (opt.mode == BENCH)
        report_bench(took);
    if (opt.mode == MIX) {
        map_save();
        /* The run ends early only if it was asked to. An error has its own rule. */
        if (!errors && !mismatches)
            stopped = 0;
        if (opt.final_pass && !stalled && (opt.keep_going || !stopped)) {
            stopped = 0;
            pass(false, UNKNOWN);
        }
    }
    if (errors)
        status = IO_ERROR;
    if (mismatches)
        status = BAD_DATA;
    if (stalled)
        status = STALLED;
    printf("%s: %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64 " KiB in %.2f s, %" PRIu64 " sectors checked, %" PRIu64
           " errors, %" PRIu64 " mismatches, slowest %.0f ms\n",
           verdicts[status], reads, writes, bytes >> 10, took, sectors_checked, errors, mismatches, latency_max * 1e3);
    fflush(stdout);
    /* Requests in flight would hold up an ordinary exit for as long as they do. */
    _exit(status);
}
