// SPDX-License-Identifier: GPL-2.0-or-later
/* One request that a twist may spoil: made, given back; and the check that the backend still serves. */
#include "config.h"

#include <errno.h>

#include "bad.h"

int attempt_begin(struct attempt *a, struct front *f, const struct hctl *dev, enum bad_base base)
{
    const struct layout whole = { 0 };
    bool write = base == BASE_WRITE || base == BASE_WRITE_LIST;
    bool list = base == BASE_LIST || base == BASE_WRITE_LIST;
    uint32_t len = (list ? PAGES_LIST : PAGES_DIRECT) * FRONT_PAGE;
    struct command c = { 0 };
    struct buf *revoked;
    int e;

    memset(a, 0, sizeof(*a));
    a->f = f;
    a->dev = *dev;
    if (list && f->session.max_segments < PAGES_LIST)
        return fail(f, "the backend offers no indirect lists");
    e = buf_new(&a->buf, f->xen, f->session.backend_id, base == BASE_NO_DATA ? 0 : len, &whole, f->session.max_segments,
                write);
    if (e == 0)
        e = buf_new(&a->other, f->xen, f->session.backend_id, FRONT_PAGE, &whole, 1, true);
    if (e == 0)
        e = buf_new(&revoked, f->xen, f->session.backend_id, FRONT_PAGE, &whole, 1, false);
    if (e < 0)
        return fail(f, "cannot grant pages: %s", strerror(-e));
    a->revoked_ref = revoked->refs[0];
    buf_free(revoked);
    if (base == BASE_NO_DATA) {
        c.cdb_len = 6;
        c.dir = DIR_NONE;
    } else {
        io_rw_cdb(&c, write, 10, 0, len / 512);
    }
    a->io.req.act = VSCSIIF_ACT_SCSI_CDB;
    a->io.req.cmd_len = c.cdb_len;
    memcpy(a->io.req.cmnd, c.cdb, sizeof(c.cdb));
    a->io.req.sc_data_direction = c.dir;
    a->io.req.timeout_per_command = 10;
    a->io.req.rqid = ring_fresh_rqid(&f->ring);
    io_address(&a->io.req, dev);
    if (base != BASE_NO_DATA)
        buf_describe(a->buf, &a->io.req);
    return 0;
}

void attempt_end(struct attempt *a)
{
    buf_free(a->buf);
    buf_free(a->other);
    a->buf = a->other = NULL;
}

int still_serves(struct front *f, const struct hctl *dev)
{
    uint8_t data[36];
    struct command c = { .dev = *dev,
                         .cdb = { 0x12, 0, 0, 0, sizeof(data), 0 },
                         .cdb_len = 6,
                         .dir = DIR_IN,
                         .len = sizeof(data),
                         .data = data };
    struct result keep = f->last, res;
    int r = io_run_retry(f, &c, &res);

    f->last = keep;
    return r;
}
