// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command `bad`: sends each malformed request, checks that it is answered as the table
 * says, exactly once, that nothing was moved, and that the next good request is served.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "bad.h"

static int read_blocks(struct front *f, const struct hctl *dev, void *data, uint32_t len)
{
    struct command c = { .dev = *dev, .len = len, .data = data };
    struct result keep = f->last, res;
    int r;

    io_rw_cdb(&c, false, 10, 0, len / 512);
    r = io_run_retry(f, &c, &res);
    f->last = keep;
    return r;
}

static int run_one(struct front *f, const struct hctl *dev, const struct malformation *m)
{
    uint8_t before[PAGES_DIRECT * FRONT_PAGE], after[PAGES_DIRECT * FRONT_PAGE];
    bool write = m->base == BASE_WRITE || m->base == BASE_WRITE_LIST;
    char code[RESULT_CODE_MAX];
    struct attempt a;
    int r;

    if (write && read_blocks(f, dev, before, sizeof(before)) < 0)
        return -1;
    r = attempt_begin(&a, f, dev, m->base);
    if (r == 0) {
        int e;

        m->twist(&a);
        e = io_send(f, &a.io);
        if (e < 0)
            r = fail(f, "%s: no answer: %s", m->name, strerror(-e));
    }
    if (r == 0) {
        io_result(f, &a.io.rsp, &f->last);
        show_code(&f->last, code);
        printf("%-22s %-14s %s\n", m->name, code, m->help);
        if (!buf_untouched_beyond(a.buf, m->data_may_move ? a.buf->len : 0) && !write)
            violation(f, "%s: data was moved for a request that was refused", m->name);
        if (strcmp(code, m->expect[0]) != 0 && (!m->expect[1] || strcmp(code, m->expect[1]) != 0))
            r = fail(f, "%s: expected %s%s%s, got %s", m->name, m->expect[0], m->expect[1] ? " or " : "",
                     m->expect[1] ? m->expect[1] : "", code);
    }
    attempt_end(&a);
    if (r == 0 && write) {
        r = read_blocks(f, dev, after, sizeof(after));
        if (r == 0 && memcmp(before, after, sizeof(before)) != 0)
            violation(f, "%s: the device was written although the request was refused", m->name);
    }
    return r == 0 ? still_serves(f, dev) : r;
}

static int cmd_bad(struct front *f, int argc, char **argv)
{
    bool all = strcmp(argv[1], "all") == 0;
    unsigned failed = 0, run = 0;
    char why[sizeof(f->why)] = "";
    struct hctl dev;

    if (strcmp(argv[1], "help") == 0) {
        for (const struct malformation *m = malformations; m->name; m++)
            printf("  %-22s %s\n", m->name, m->help);
        for (const struct bad_program *p = bad_programs; p->name; p++)
            printf("  %-22s %s%s\n", p->name, p->help, p->halts ? " (the ring is dead afterwards)" : "");
        return 0;
    }
    if (!session_usable(f))
        return fail(f, "not connected");
    if (argc > 2 && strchr(argv[2], ':')) {
        if (arg_device(f, argv[2], &dev) < 0)
            return -1;
    } else if (f->session.n_devices > 0) {
        dev = f->session.devices[0].v;
    } else {
        return fail(f, "there is no device");
    }
    for (const struct malformation *m = malformations; m->name; m++) {
        if (!all && strcmp(argv[1], m->name) != 0)
            continue;
        run++;
        if (run_one(f, &dev, m) < 0 && !failed++)
            memcpy(why, f->why, sizeof(why));
    }
    for (const struct bad_program *p = bad_programs; p->name; p++) {
        if (all ? p->halts : strcmp(argv[1], p->name) != 0)
            continue;
        run++;
        if (p->run(f, &dev, argc, argv) < 0 && !failed++)
            memcpy(why, f->why, sizeof(why));
    }
    if (run == 0)
        return fail(f, "'%s' is not known; try bad help", argv[1]);
    return failed ? fail(f, "%u of %u: %.200s", failed, run, why) : 0;
}

const struct verb verbs_bad[] = {
    { "bad", "all|help|NAME [H:C:T:L] [seed=N] [count=N]",
      "a malformed request (`bad help` lists them), the check of its answer, and a good one after it", 1, true,
      cmd_bad },
    { NULL },
};
