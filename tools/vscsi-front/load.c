// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The load: keeps a number of requests in flight, random or in sequence, over one or
 * several devices, and measures latencies and CPU time. On request every byte read is
 * checked. A request that a disk's initiator would send again is sent again and
 * counted. While there is no connection, requests wait for one, as in a guest.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include "front.h"
#include "pattern.h"

#define MAX_DEPTH 256
#define MAX_TARGETS 16
#define MAX_CHUNKS (1u << 24)
#define MAX_TRIES 5        /* SD_MAX_RETRIES of Linux */
#define UNKNOWN UINT32_MAX /* generation of a chunk whose content is not known */
#define SUB 32             /* histogram: linear steps in each power of two */
#define BUCKETS (SUB * 40)

struct target {
    struct hctl v;
    char name[HCTL_TEXT_MAX];
    uint32_t bs;
    uint64_t first, chunks; /* first block; how many pieces of bs_bytes */
    uint64_t cursor;
    uint32_t *generation; /* of each chunk; NULL when nothing is verified */
    uint8_t *busy;        /* chunk is in flight */
    bool gone;
};

struct load;
enum job_state {
    JOB_IDLE,
    JOB_READY,
    JOB_FLIGHT
};
struct job {
    struct io io;
    struct load *load;
    enum job_state state;
    struct target *target;
    uint64_t chunk;
    bool write;
    uint32_t generation;
    unsigned tries;
    uint64_t start_us, not_before_us;
    struct buf *in, *out;
};

struct load {
    struct front *f;
    struct target targets[MAX_TARGETS];
    unsigned n_targets, next_target;
    struct job *jobs;
    unsigned depth, percent_writes, cdb_size;
    uint32_t bytes;
    bool verify, sequential, until_gone, stopping, reading_back, more;
    const char *until; /* a file that ends the load when it is there, or NULL */
    uint64_t seed, dice, limit, started;
    uint8_t *scratch;
    uint64_t done, moved, retried, errors, wrong, suspended;
    uint64_t max_us, last_progress_us;
    char first_error[96];
    uint32_t histogram[BUCKETS];
};

static unsigned bucket_of(uint64_t us)
{
    unsigned shift = 0;

    while (us >> shift >= 2 * SUB)
        shift++;
    return (unsigned)((shift * SUB) + (us >> shift)) < BUCKETS ? (unsigned)((shift * SUB) + (us >> shift))
                                                               : BUCKETS - 1;
}

static uint64_t bucket_floor(unsigned b)
{
    unsigned shift = b < 2 * SUB ? 0 : b / SUB - 1;

    return (uint64_t)(b - shift * SUB) << shift;
}

static uint64_t percentile(const struct load *l, double p)
{
    uint64_t want = (uint64_t)((double)l->done * p), seen = 0;

    for (unsigned b = 0; b < BUCKETS; b++) {
        seen += l->histogram[b];
        if (seen > want)
            return bucket_floor(b);
    }
    return l->max_us;
}

static void note_error(struct load *l, const struct job *j, const char *what)
{
    if (!l->first_error[0])
        snprintf(l->first_error, sizeof(l->first_error), "%s at block %llu: %s", j->write ? "write" : "read",
                 (unsigned long long)(j->target->first + j->chunk * (l->bytes / j->target->bs)), what);
}

/* Picks the next request of a job; false when there is nothing more to do. */
static bool choose(struct load *l, struct job *j)
{
    struct target *t = NULL;

    for (unsigned i = 0; i < l->n_targets; i++) {
        struct target *c = &l->targets[l->next_target++ % l->n_targets];

        if (c->gone || (l->reading_back && c->cursor >= c->chunks))
            continue;
        t = c;
        break;
    }
    if (!t || l->stopping || (!l->reading_back && l->limit && l->started >= l->limit))
        return false;
    j->target = t;
    if (l->reading_back) {
        while (t->cursor < t->chunks && t->generation[t->cursor] == UNKNOWN)
            t->cursor++;
        if (t->cursor >= t->chunks)
            return choose(l, j);
        j->chunk = t->cursor++;
        j->write = false;
    } else {
        do
            j->chunk = l->sequential ? t->cursor++ % t->chunks : pattern_next(&l->dice) % t->chunks;
        while (t->busy[j->chunk]);
        j->write = pattern_next(&l->dice) % 100 < l->percent_writes;
    }
    t->busy[j->chunk] = 1;
    if (j->write && l->verify)
        j->generation = t->generation[j->chunk] == UNKNOWN ? 1 : t->generation[j->chunk] + 1;
    else if (l->verify)
        j->generation = t->generation[j->chunk];
    j->tries = 0;
    j->not_before_us = 0;
    l->started++;
    return true;
}

static void submit(struct load *l, struct job *j)
{
    struct target *t = j->target;
    struct buf *b = j->write ? j->out : j->in;
    struct command c = { 0 };
    uint64_t lba = t->first + j->chunk * (l->bytes / t->bs);

    if (l->f->ring.reserved >= ring_room(&l->f->ring) || j->not_before_us > now_us())
        return;
    io_rw_cdb(&c, j->write, l->cdb_size, lba, l->bytes / t->bs);
    memset(&j->io.req, 0, sizeof(j->io.req));
    j->io.req.act = VSCSIIF_ACT_SCSI_CDB;
    j->io.req.cmd_len = c.cdb_len;
    memcpy(j->io.req.cmnd, c.cdb, sizeof(c.cdb));
    j->io.req.sc_data_direction = c.dir;
    j->io.req.timeout_per_command = 30;
    io_address(&j->io.req, &t->v);
    buf_describe(b, &j->io.req);
    if (j->tries == 0 && j->write && l->verify) {
        pattern_fill(l->scratch, l->bytes, lba * t->bs, l->seed, j->generation);
        buf_put(b, l->scratch);
    } else if (!j->write && l->verify) {
        buf_poison(b);
    }
    j->io.req.rqid = ring_fresh_rqid(&l->f->ring);
    if (ring_put(&l->f->ring, &j->io) < 0)
        return;
    if (j->tries == 0)
        j->start_us = j->io.sent_us;
    j->tries++;
    j->state = JOB_FLIGHT;
    l->more = true;
}

static void check_read(struct load *l, struct job *j)
{
    struct target *t = j->target;
    uint64_t lba = t->first + j->chunk * (l->bytes / t->bs);
    char text[64];
    long bad;

    if (!buf_untouched_beyond(j->in, l->bytes))
        violation(l->f, "bytes were written outside the segments of a read");
    if (j->generation == UNKNOWN)
        return;
    buf_get(j->in, l->scratch, l->bytes);
    bad = pattern_check(l->scratch, l->bytes, lba * t->bs, l->seed, j->generation);
    if (bad < 0)
        return;
    l->wrong++;
    snprintf(text, sizeof(text), "wrong byte at offset %ld (write number %u)", bad, j->generation);
    note_error(l, j, text);
}

static void finish(struct load *l, struct job *j, bool good)
{
    struct target *t = j->target;
    uint64_t us = j->io.done_us - j->start_us;

    if (good) {
        if (l->verify && j->write)
            t->generation[j->chunk] = j->generation;
        else if (l->verify)
            check_read(l, j);
        if (!l->reading_back) {
            l->done++;
            l->moved += l->bytes;
            l->histogram[bucket_of(us)]++;
            if (us > l->max_us)
                l->max_us = us;
        }
    } else if (l->verify && j->write) {
        t->generation[j->chunk] = UNKNOWN;
    }
    t->busy[j->chunk] = 0;
    j->state = choose(l, j) ? JOB_READY : JOB_IDLE;
    if (j->state == JOB_READY)
        submit(l, j);
}

static void job_done(struct io *io)
{
    struct job *j = container_of(io, struct job, io);
    struct load *l = j->load;
    char code[RESULT_CODE_MAX];
    struct result res;

    l->last_progress_us = io->done_us;
    if (io->error) {
        /* The ring is gone. Like the SCSI midlayer, send the request again when there is a new ring. */
        l->suspended++;
        j->state = JOB_READY;
        return;
    }
    io_result(l->f, &io->rsp, &res);
    if (io_good(&res) && res.residual == 0) {
        finish(l, j, true);
        return;
    }
    if (io_retryable(l->f, &res) && (j->tries <= MAX_TRIES || res.status == 0x08 || res.status == 0x28)) {
        l->retried++;
        j->state = JOB_READY;
        if (res.status == 0x08 || res.status == 0x28)
            j->not_before_us = io->done_us + 10000;
        else
            submit(l, j);
        return;
    }
    if (l->until_gone && !session_device(l->f, &j->target->v)) {
        finish(l, j, false);
        return;
    }
    l->errors++;
    show_code(&res, code);
    note_error(l, j, code);
    finish(l, j, false);
}

static int prepare_target(struct load *l, struct target *t, const char *text, int argc, char **argv)
{
    struct front *f = l->f;
    const char *range = arg_text(argc, argv, "range");
    uint64_t blocks, count;

    if (arg_device(f, text, &t->v) < 0 || io_capacity(f, &t->v, &blocks, &t->bs) < 0)
        return -1;
    hctl_format(&t->v, t->name);
    if (l->bytes % t->bs || l->bytes == 0)
        return fail(f, "bs must be a multiple of %u bytes", t->bs);
    count = blocks;
    if (range) {
        CLEANUP_FREE char *first = strdup(range);
        char *plus = first ? strchr(first, '+') : NULL;

        if (!plus)
            return fail(f, "range is FIRST+BLOCKS");
        *plus++ = '\0';
        if (parse_number(f, first, "first block", blocks, &t->first) < 0
            || parse_number(f, plus, "number of blocks", blocks - t->first, &count) < 0)
            return -1;
    }
    t->chunks = count / (l->bytes / t->bs);
    if (t->chunks > MAX_CHUNKS)
        t->chunks = MAX_CHUNKS;
    if (t->chunks < 2ull * l->depth)
        return fail(f, "%s has room for %llu pieces of %u bytes, too few for depth %u", t->name,
                    (unsigned long long)t->chunks, l->bytes, l->depth);
    t->busy = calloc(t->chunks, 1);
    if (l->verify)
        t->generation = malloc(t->chunks * sizeof(*t->generation));
    if (!t->busy || (l->verify && !t->generation))
        return fail(f, "out of memory");
    for (uint64_t i = 0; l->verify && i < t->chunks; i++)
        t->generation[i] = l->percent_writes ? UNKNOWN : 0; /* reads only: `write seed=` filled it */
    return 0;
}

static int prepare_jobs(struct load *l, const struct layout *layout)
{
    struct front *f = l->f;
    const struct layout plain = *layout;

    l->jobs = calloc(l->depth, sizeof(*l->jobs));
    l->scratch = malloc(l->bytes);
    if (!l->jobs || !l->scratch)
        return fail(f, "out of memory");
    for (unsigned i = 0; i < l->depth; i++) {
        struct job *j = &l->jobs[i];
        struct layout mine = plain;
        int e = 0;

        mine.seed += i;
        j->load = l;
        j->io.complete = job_done;
        if (l->percent_writes < 100 || l->verify)
            e = buf_new(&j->in, f->xen, f->session.backend_id, l->bytes, &mine, f->session.max_segments, false);
        if (e == 0 && l->percent_writes > 0)
            e = buf_new(&j->out, f->xen, f->session.backend_id, l->bytes, &mine, f->session.max_segments, true);
        if (e < 0)
            return fail(f, "cannot grant %u bytes in at most %u segments: %s", l->bytes, f->session.max_segments,
                        strerror(-e));
    }
    return 0;
}

static void free_load(struct load *l)
{
    for (unsigned i = 0; l->jobs && i < l->depth; i++) {
        struct job *j = &l->jobs[i];

        /* The backend may still write to the pages of a request without an answer: they stay granted. */
        if (j->state == JOB_FLIGHT) {
            ring_forget(&l->f->ring, &j->io);
            for (unsigned k = 0; k < 2; k++) {
                struct buf *b = k ? j->out : j->in;

                if (b) {
                    b->next = l->f->unanswered;
                    l->f->unanswered = b;
                }
            }
        } else {
            buf_free(j->in);
            buf_free(j->out);
        }
    }
    for (unsigned i = 0; i < l->n_targets; i++) {
        free(l->targets[i].generation);
        free(l->targets[i].busy);
    }
    free(l->jobs);
    free(l->scratch);
    free(l);
}

static int check_targets(struct load *l)
{
    unsigned left = 0;

    for (unsigned i = 0; i < l->n_targets; i++) {
        struct target *t = &l->targets[i];

        if (!t->gone && l->f->session.backend_state == 4 && session_usable(l->f) && !session_device(l->f, &t->v)) {
            if (!l->until_gone)
                return fail(l->f, "%s was removed in the middle of the load", t->name);
            t->gone = true;
        }
        left += !t->gone;
    }
    if (left == 0 || (l->until_gone && l->f->session.gone))
        l->stopping = true;
    return 0;
}

/* Runs until end_us (0: until there is nothing more to do), then waits until nothing is in flight. */
static int run_until(struct load *l, uint64_t end_us)
{
    struct front *f = l->f;
    bool was_usable = true;

    l->last_progress_us = now_us();
    for (;;) {
        bool usable = session_usable(f);
        uint64_t now = now_us();
        unsigned flying = 0, ready = 0;

        if ((end_us && now >= end_us) || (l->until && access(l->until, F_OK) == 0))
            l->stopping = true;
        if (check_targets(l) < 0)
            return -1;
        if (usable && !was_usable)
            l->last_progress_us = now;
        was_usable = usable;
        for (unsigned i = 0; i < l->depth; i++) {
            struct job *j = &l->jobs[i];

            if (j->state == JOB_IDLE && !l->stopping && choose(l, j))
                j->state = JOB_READY;
            if (j->state == JOB_READY && (j->target->gone || (l->until_gone && f->session.gone)))
                j->state = JOB_IDLE;
            if (j->state == JOB_READY && usable)
                submit(l, j);
            flying += j->state == JOB_FLIGHT;
            ready += j->state == JOB_READY;
        }
        if (l->more)
            ring_push(&f->ring);
        l->more = false;
        if (flying == 0 && ready == 0)
            return 0;
        if (now - l->last_progress_us > (uint64_t)f->opt.timeout_ms * 1000)
            return fail(f, "no answer for %u ms with %u requests in flight and %u waiting", f->opt.timeout_ms, flying,
                        ready);
        front_poll(f, flying ? 100 : 5, -1);
        if (l->more)
            ring_push(&f->ring);
        l->more = false;
    }
}

/* CPU time of a process with all its threads, in microseconds; 0 when it is not there. */
static uint64_t cpu_of(unsigned pid)
{
    CLEANUP_FREE char *path = strf("/proc/%u/schedstat", pid);
    CLEANUP_FREE char *text = NULL;

    if (!path || read_file(path, 4096, &text, NULL) < 0)
        return 0;
    return strtoull(text, NULL, 10) / 1000;
}

static uint64_t own_cpu(void)
{
    struct rusage ru;

    getrusage(RUSAGE_SELF, &ru);
    return (uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000u
           + (uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

static int parse_load(struct load *l, int argc, char **argv, uint64_t *seconds, struct layout *layout)
{
    struct front *f = l->f;
    const char *rw = arg_text(argc, argv, "rw");
    uint64_t depth = 1, bytes = 4096, cdb = 10;
    CLEANUP_FREE char *names = strdup(argv[1]);
    char *save = NULL;

    if (!names)
        return fail(f, "out of memory");
    if (arg_number(f, argc, argv, "depth", &depth) < 0 || arg_number(f, argc, argv, "bs", &bytes) < 0
        || arg_number(f, argc, argv, "seconds", seconds) < 0 || arg_number(f, argc, argv, "count", &l->limit) < 0
        || arg_number(f, argc, argv, "seed", &l->seed) < 0 || arg_number(f, argc, argv, "cdb", &cdb) < 0
        || arg_layout(f, argc, argv, layout) < 0)
        return -1;
    if (!rw || strcmp(rw, "read") == 0)
        l->percent_writes = 0;
    else if (strcmp(rw, "write") == 0)
        l->percent_writes = 100;
    else if (strcmp(rw, "mix") == 0)
        l->percent_writes = 50;
    else
        return fail(f, "rw is read, write or mix, not '%s'", rw);
    if (depth < 1 || depth > MAX_DEPTH)
        return fail(f, "depth is 1..%d", MAX_DEPTH);
    if (bytes > (f->session.max_segments - 1) * FRONT_PAGE && !layout->piece && !layout->random)
        return fail(f, "bs is at most %u bytes with this backend", (f->session.max_segments - 1) * FRONT_PAGE);
    if (cdb != 6 && cdb != 10 && cdb != 16)
        return fail(f, "cdb is 6, 10 or 16");
    l->depth = (unsigned)depth;
    l->bytes = (uint32_t)bytes;
    l->cdb_size = (unsigned)cdb;
    l->verify = arg_flag(argc, argv, "verify");
    l->sequential = arg_flag(argc, argv, "sequential");
    l->until_gone = arg_flag(argc, argv, "until-gone");
    l->until = arg_text(argc, argv, "until");
    l->dice = l->seed + 1;
    for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        if (l->n_targets == MAX_TARGETS)
            return fail(f, "at most %d devices", MAX_TARGETS);
        if (prepare_target(l, &l->targets[l->n_targets++], name, argc, argv) < 0)
            return -1;
    }
    if (l->n_targets == 0)
        return fail(f, "a device is missing");
    return prepare_jobs(l, layout);
}

static int cmd_load(struct front *f, int argc, char **argv)
{
    struct load *l = calloc(1, sizeof(*l));
    uint64_t seconds = 0, pid = 0, begin, cpu, other, took;
    struct layout layout;
    int r;

    if (!l)
        return fail(f, "out of memory");
    l->f = f;
    r = arg_number(f, argc, argv, "pid", &pid);
    if (r == 0)
        r = parse_load(l, argc, argv, &seconds, &layout);
    if (r < 0) {
        free_load(l);
        return -1;
    }
    if (!seconds && !l->limit && !l->until)
        seconds = 3;
    cpu = own_cpu();
    other = pid ? cpu_of((unsigned)pid) : 0;
    begin = now_us();
    r = run_until(l, seconds ? begin + seconds * 1000000 : 0);
    took = now_us() - begin;
    cpu = own_cpu() - cpu;
    other = pid ? cpu_of((unsigned)pid) - other : 0;
    if (r == 0 && l->verify && l->percent_writes) {
        l->stopping = false;
        l->until = NULL;
        l->reading_back = true;
        for (unsigned i = 0; i < l->n_targets; i++)
            l->targets[i].cursor = 0;
        r = run_until(l, 0);
    }
    printf("load requests=%llu seconds=%.2f iops=%.0f mb_s=%.1f p50_us=%llu p99_us=%llu max_us=%llu "
           "front_cpu_us=%.2f",
           (unsigned long long)l->done, (double)took / 1e6, (double)l->done * 1e6 / (double)(took ? took : 1),
           (double)l->moved / (double)(took ? took : 1), (unsigned long long)percentile(l, 0.5),
           (unsigned long long)percentile(l, 0.99), (unsigned long long)l->max_us,
           l->done ? (double)cpu / (double)l->done : 0);
    if (pid)
        printf(" pid_cpu_us=%.2f", l->done ? (double)other / (double)l->done : 0);
    printf(" retried=%llu resent=%llu errors=%llu wrong=%llu\n", (unsigned long long)l->retried,
           (unsigned long long)l->suspended, (unsigned long long)l->errors, (unsigned long long)l->wrong);
    if (r == 0 && (l->errors || l->wrong))
        r = fail(f, "%s", l->first_error);
    free_load(l);
    return r;
}

const struct verb verbs_load[] = {
    { "load",
      "H:C:T:L[,H:C:T:L]... [rw=read|write|mix] [depth=N] [bs=BYTES] [seconds=N] [count=N] [verify]\n"
      "        [sequential] [range=FIRST+BLOCKS] [seed=N] [cdb=6|10|16] [until-gone] [until=FILE]\n"
      "        [pid=N] [offset=N] [piece=N] [random=SEED] [indirect]",
      "many requests at once; verify: written data is read back and compared byte by byte, in\n"
      "        passing and at the end (with rw=read: compared with `write seed=N`); until-gone: the\n"
      "        device's removal is its regular end; until: it ends when this file is there; pid: whose\n"
      "        CPU time is shown per request",
      1, false, cmd_load },
    { NULL },
};
