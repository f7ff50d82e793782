/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mock-xen of its own for each test, with a connection of domain 0 through libxenstore. Included by one .c file of a
 * program.
 */
#ifndef PVSCSI_TESTS_MOCKXEN_CLIENT_H
#define PVSCSI_TESTS_MOCKXEN_CLIENT_H

#include <check.h>
#include <xenstore.h>

#include "common/util.h"
#include "mockxen-server.h"

static struct xs_handle *xs;

static inline struct xs_handle *open_as(int domid)
{
    char path[80];
    struct xs_handle *h;

    snprintf(path, sizeof(path), domid ? "%s.d%d" : "%s", server.socket, domid);
    setenv("XENSTORED_PATH", path, 1);
    h = xs_open(0);
    setenv("XENSTORED_PATH", server.socket, 1);
    ck_assert_ptr_nonnull(h);
    return h;
}

static inline void begin(void)
{
    server_start();
    xs = open_as(0);
}

static inline void end(void)
{
    xs_close(xs);
    server_stop();
}

static inline void put(struct xs_handle *h, const char *path, const char *value)
{
    ck_assert_msg(xs_write(h, XBT_NULL, path, value, (unsigned)strlen(value)), "%s: %s", path, strerror(errno));
}

static inline void expect_value(struct xs_handle *h, xs_transaction_t t, const char *path, const char *value)
{
    CLEANUP_FREE char *got = xs_read(h, t, path, NULL);

    if (value)
        ck_assert_msg(got && strcmp(got, value) == 0, "%s is %s, not %s", path, got ? got : "absent", value);
    else
        ck_assert_ptr_null(got);
}

#endif
