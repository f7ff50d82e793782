// SPDX-License-Identifier: GPL-2.0-or-later
/* Both sides of the hypervisor that mock-xen emulates: grants, event channels, the end of a domain, faults. */
#include "config.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>

#include "standalone/xen-mock.h"
#include "mockxen-server.h"
#include "suite.h"

enum {
    FRONT = 3,
    BACK = 0,
    OTHER = 1,
    PAGES = 16384
};

static struct xen *front, *back;

static struct xen *open_as(uint16_t domid, unsigned flags)
{
    struct xen *xen = NULL;

    ck_assert_int_eq(xen_open_mock(server.socket, domid, flags, &xen), 0);
    return xen;
}

static void begin(void)
{
    server_start();
    front = open_as(FRONT, XEN_OPEN_EVENTS | XEN_OPEN_SHARE);
    back = open_as(BACK, XEN_OPEN_EVENTS | XEN_OPEN_GRANTS);
}

static void end(void)
{
    xen_close(front);
    xen_close(back);
    server_stop();
}

static uint8_t *share(unsigned n, bool readonly, uint32_t *refs)
{
    void *pages = NULL;

    ck_assert_int_eq(front->ops->share(front, BACK, n, readonly, refs, &pages), 0);
    return pages;
}

static xen_copy from_guest(uint32_t ref, uint16_t offset, void *to, uint16_t len)
{
    xen_copy c = { .flags = GNTCOPY_source_gref, .len = len, .status = 99 };

    c.source.foreign.ref = ref;
    c.source.foreign.offset = offset;
    c.source.foreign.domid = FRONT;
    c.dest.virt = to;
    return c;
}

static xen_copy to_guest(uint32_t ref, uint16_t offset, void *from, uint16_t len)
{
    xen_copy c = { .flags = GNTCOPY_dest_gref, .len = len, .status = 99 };

    c.dest.foreign.ref = ref;
    c.dest.foreign.offset = offset;
    c.dest.foreign.domid = FRONT;
    c.source.virt = from;
    return c;
}

static long domain_count(int domid, const char *name)
{
    char args[32];

    snprintf(args, sizeof(args), "status %d", domid);
    return server_count(server_ctl(args), name);
}

/* --- grants --- */

START_TEST(shared_pages_are_zero_and_contiguous_and_their_references_are_not)
{
    uint32_t refs[64];
    uint8_t *pages = share(64, false, refs);
    bool in_order = true;

    for (unsigned i = 0; i < 64 * 4096; i++)
        ck_assert_uint_eq(pages[i], 0);
    for (unsigned i = 1; i < 64; i++)
        in_order = in_order && refs[i] == refs[i - 1] + 1;
    for (unsigned i = 0; i < 64; i++)
        ck_assert_uint_ge(refs[i], 8);
    ck_assert(!in_order);
    memset(pages, 0xaa, 64 * 4096);
    ck_assert_int_eq(front->ops->unshare(front, pages, 64), 0);
    for (int round = 0; round < PAGES / 64 + 1; round++) { /* until those pages come again */
        pages = share(64, false, refs);
        for (unsigned i = 0; i < 64 * 4096; i += 512)
            ck_assert_uint_eq(pages[i], 0);
        memset(pages, 0xaa, 64 * 4096);
        ck_assert_int_eq(front->ops->unshare(front, pages, 64), 0);
    }
}
END_TEST

START_TEST(copies_move_exactly_the_bytes_named)
{
    uint32_t refs[2];
    uint8_t *pages = share(2, false, refs);
    uint8_t in[4096], out[4096], expect[4096];
    xen_copy c[3];

    for (unsigned i = 0; i < 4096; i++) {
        pages[i] = (uint8_t)(i * 7);
        in[i] = (uint8_t)(i * 13);
    }
    memset(out, 0xee, sizeof(out));
    c[0] = from_guest(refs[0], 100, out, 1);
    c[1] = from_guest(refs[0], 4095, out + 1, 1);
    c[2] = to_guest(refs[1], 1000, in, 3096);
    ck_assert_int_eq(back->ops->copy(back, c, 3), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(c[i].status, GNTST_okay);
    ck_assert_uint_eq(out[0], (uint8_t)(100 * 7));
    ck_assert_uint_eq(out[1], (uint8_t)(4095 * 7));
    ck_assert_uint_eq(out[2], 0xee);
    memset(expect, 0, sizeof(expect));
    memcpy(expect + 1000, in, 3096);
    ck_assert_mem_eq(pages + 4096, expect, 4096);
}
END_TEST

/* One bad segment between two good ones. */
static const struct {
    const char *what;
    int call, status;
} bad_copies[] = {
    { "revoked", 0, GNTST_general_error },
    { "never granted", 0, GNTST_general_error },
    { "reserved reference", 0, GNTST_general_error },
    { "beyond the table", 0, GNTST_bad_gntref },
    { "for another domain", 0, GNTST_general_error },
    { "write to a read-only one", 0, GNTST_general_error },
    { "read of a read-only one", 0, GNTST_okay },
    { "no such domain", 0, GNTST_bad_domain },
    { "empty, with a bad reference", 0, GNTST_okay },
    { "over the page's end", -EINVAL, 99 },
    { "neither side granted", -EINVAL, 99 },
};

START_TEST(a_bad_segment_has_its_own_status_as_xen_gives_it)
{
    uint32_t good, revoked, readonly, others;
    uint8_t *page, *gone;
    uint8_t buf[3][16] = { { 0 } };
    void *p = NULL;
    xen_copy c[3], bad = { 0 };

    page = share(1, false, &good);
    gone = share(1, false, &revoked);
    share(1, true, &readonly);
    ck_assert_int_eq(front->ops->share(front, OTHER, 1, false, &others, &p), 0);
    ck_assert_int_eq(front->ops->unshare(front, gone, 1), 0);
    memset(page, 0x5a, 16);
    switch (_i) {
    case 0:
        bad = from_guest(revoked, 0, buf[1], 16);
        break;
    case 1:
        bad = from_guest(good ^ 1, 0, buf[1], 16);
        break;
    case 2:
        bad = from_guest(3, 0, buf[1], 16);
        break;
    case 3:
        bad = from_guest(PAGES, 0, buf[1], 16);
        break;
    case 4:
        bad = from_guest(others, 0, buf[1], 16);
        break;
    case 5:
        bad = to_guest(readonly, 0, buf[1], 16);
        break;
    case 6:
        bad = from_guest(readonly, 0, buf[1], 16);
        break;
    case 7:
        bad = from_guest(good, 0, buf[1], 16);
        bad.source.foreign.domid = 77;
        break;
    case 8:
        bad = from_guest(PAGES, 0, buf[1], 0);
        break;
    case 9:
        bad = from_guest(good, 4090, buf[1], 7);
        break;
    case 10:
        bad = from_guest(good, 0, buf[1], 16);
        bad.flags = 0;
        break;
    }
    c[0] = from_guest(good, 0, buf[0], 16);
    c[1] = bad;
    c[2] = from_guest(good, 0, buf[2], 16);
    ck_assert_msg(back->ops->copy(back, c, 3) == bad_copies[_i].call, "%s", bad_copies[_i].what);
    ck_assert_msg(c[1].status == bad_copies[_i].status, "%s: %d", bad_copies[_i].what, c[1].status);
    ck_assert_int_eq(c[0].status, GNTST_okay);
    ck_assert_mem_eq(buf[0], page, 16);
    if (bad_copies[_i].call == 0) {
        ck_assert_int_eq(c[2].status, GNTST_okay);
        ck_assert_mem_eq(buf[2], page, 16);
    }
}
END_TEST

START_TEST(a_mapped_page_is_the_guests_own_and_gone_after_unmap)
{
    unsigned char resident;
    uint32_t refs[2];
    uint8_t *pages = share(2, false, refs);
    void *a = NULL, *b = NULL;

    ck_assert_int_eq(back->ops->map(back, FRONT, refs[1], &a), 0);
    ck_assert_int_eq(back->ops->map(back, FRONT, refs[1], &b), 0);
    ck_assert_ptr_ne(a, b);
    pages[4096 + 5] = 0x42;
    ck_assert_uint_eq(((uint8_t *)a)[5], 0x42);
    ((uint8_t *)b)[6] = 0x43;
    ck_assert_uint_eq(pages[4096 + 6], 0x43);
    ck_assert_int_eq(domain_count(FRONT, " mapped"), 2);
    ck_assert_int_eq(back->ops->unmap(back, a), 0);
    ck_assert_int_eq(back->ops->unmap(back, a), -ENOENT);
    ck_assert_int_eq(domain_count(FRONT, " mapped"), 1);
    ck_assert_int_eq(mincore(a, 4096, &resident), -1); /* not even an address any more */
    ck_assert_int_eq(back->ops->unmap(back, b), 0);
    ck_assert_int_eq(domain_count(FRONT, " mapped"), 0);
}
END_TEST

START_TEST(what_may_not_be_mapped_is_einval)
{
    uint32_t readonly, others;
    void *p = NULL;

    share(1, true, &readonly);
    ck_assert_int_eq(front->ops->share(front, OTHER, 1, false, &others, &p), 0);
    ck_assert_int_eq(back->ops->map(back, FRONT, readonly, &p), -EINVAL);
    ck_assert_int_eq(back->ops->map(back, FRONT, others, &p), -EINVAL);
    ck_assert_int_eq(back->ops->map(back, FRONT, PAGES, &p), -EINVAL);
    ck_assert_int_eq(back->ops->map(back, FRONT, UINT32_MAX, &p), -EINVAL);
    ck_assert_int_eq(back->ops->map(back, 77, 8, &p), -EINVAL);
}
END_TEST

START_TEST(a_grant_unshared_while_mapped_ends_with_the_last_mapping)
{
    uint32_t ref;
    uint8_t *page = share(1, false, &ref), buf[4];
    void *p = NULL;
    xen_copy c = from_guest(ref, 0, buf, 4);

    ck_assert_int_eq(back->ops->map(back, FRONT, ref, &p), 0);
    ck_assert_int_eq(front->ops->unshare(front, page, 1), 0);
    ck_assert_int_eq(front->ops->unshare(front, page, 1), -EINVAL);
    ck_assert_int_eq(back->ops->copy(back, &c, 1), 0);
    ck_assert_int_eq(c.status, GNTST_okay);
    ck_assert_int_eq(back->ops->unmap(back, p), 0);
    ck_assert_int_eq(back->ops->copy(back, &c, 1), 0);
    ck_assert_int_eq(c.status, GNTST_general_error);
    ck_assert_int_eq(domain_count(FRONT, " shared"), 0);
}
END_TEST

START_TEST(only_what_one_shared_oneself_can_be_unshared)
{
    struct xen *second = open_as(FRONT, XEN_OPEN_SHARE);
    uint32_t refs[4], mine;
    uint8_t *pages = share(4, false, refs);
    void *p = NULL;

    ck_assert_int_eq(second->ops->share(second, BACK, 1, false, &mine, &p), 0);
    ck_assert_int_eq(front->ops->unshare(front, pages, 5), -EINVAL);
    ck_assert_int_eq(front->ops->unshare(front, pages + 1, 1), -EINVAL);
    ck_assert_int_eq(front->ops->unshare(front, &mine, 1), -EINVAL);
    ck_assert_int_eq(domain_count(FRONT, " shared"), 5);
    xen_close(second);
    ck_assert_int_eq(domain_count(FRONT, " shared"), 4);
    ck_assert_int_eq(front->ops->unshare(front, pages + 4096, 2), 0);
    ck_assert_int_eq(domain_count(FRONT, " shared"), 2);
}
END_TEST

START_TEST(a_domain_shares_what_it_has_and_no_more)
{
    static uint32_t refs[PAGES];
    void *p = NULL;

    ck_assert_int_eq(front->ops->share(front, BACK, 0, false, refs, &p), -EINVAL);
    ck_assert_int_eq(front->ops->share(front, BACK, PAGES + 1, false, refs, &p), -ENOSPC);
    ck_assert_int_eq(front->ops->share(front, BACK, UINT32_MAX, false, refs, &p), -ENOSPC);
    for (int i = 0; i < 10; i++)
        share(1000, false, refs);
    ck_assert_int_eq(front->ops->share(front, BACK, PAGES - 9000, false, refs, &p), -ENOSPC);
}
END_TEST

/* --- event channels --- */

static bool readable(struct xen *xen)
{
    struct pollfd p = { .fd = xen->ops->event_fd(xen), .events = POLLIN };

    return poll(&p, 1, 0) == 1;
}

/* The next pending port; 0: none. */
static uint32_t next_event(struct xen *xen)
{
    uint32_t port = 0;
    bool expected = readable(xen);
    int r = xen->ops->pending(xen, &port);

    ck_assert_int_eq(r, expected);
    return r == 1 ? port : 0;
}

static void make_channel(uint32_t *front_port, uint32_t *back_port)
{
    ck_assert_int_eq(front->ops->alloc_port(front, BACK, front_port), 0);
    ck_assert_int_eq(back->ops->bind(back, FRONT, *front_port, back_port), 0);
}

START_TEST(a_bound_port_is_pending_at_once_and_masked_when_delivered)
{
    uint32_t f, b;

    make_channel(&f, &b);
    ck_assert_uint_eq(next_event(front), 0);
    ck_assert_uint_eq(next_event(back), b);
    ck_assert_uint_eq(next_event(back), 0);
    ck_assert_int_eq(front->ops->notify(front, f), 0);
    ck_assert_int_eq(front->ops->notify(front, f), 0);
    ck_assert_uint_eq(next_event(back), 0); /* masked */
    ck_assert_int_eq(back->ops->unmask(back, b), 0);
    ck_assert_uint_eq(next_event(back), b); /* two events are one */
    ck_assert_int_eq(back->ops->unmask(back, b), 0);
    ck_assert_uint_eq(next_event(back), 0);
    ck_assert_int_eq(back->ops->unmask(back, b), 0); /* not masked: nothing happens */
    ck_assert_uint_eq(next_event(back), 0);
    ck_assert_int_eq(front->ops->notify(front, f), 0);
    ck_assert_uint_eq(next_event(back), b);
    ck_assert_int_eq(back->ops->notify(back, b), 0);
    ck_assert_uint_eq(next_event(front), f);
}
END_TEST

START_TEST(ports_are_told_apart)
{
    uint32_t f[5], b[5], seen = 0;

    for (int i = 0; i < 5; i++)
        make_channel(&f[i], &b[i]);
    for (int i = 0; i < 5; i++) {
        uint32_t port = next_event(back);

        for (int j = 0; j < 5; j++)
            seen |= port == b[j] ? 1u << j : 0;
    }
    ck_assert_uint_eq(seen, 31);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(back->ops->unmask(back, b[i]), 0);
    ck_assert_int_eq(front->ops->notify(front, f[3]), 0);
    ck_assert_uint_eq(next_event(back), b[3]);
    ck_assert_uint_eq(next_event(back), 0);
}
END_TEST

START_TEST(what_may_not_be_bound_is_refused_as_by_xen)
{
    struct xen *other = open_as(OTHER, XEN_OPEN_EVENTS);
    uint32_t f, b, again;

    ck_assert_int_eq(front->ops->alloc_port(front, BACK, &f), 0);
    ck_assert_int_eq(other->ops->bind(other, FRONT, f, &b), -EINVAL); /* it waits for domain 0 */
    ck_assert_int_eq(back->ops->bind(back, FRONT, f + 1, &b), -EINVAL);
    ck_assert_int_eq(back->ops->bind(back, FRONT, 0, &b), -EINVAL);
    ck_assert_int_eq(back->ops->bind(back, FRONT, UINT32_MAX, &b), -EINVAL);
    ck_assert_int_eq(back->ops->bind(back, 77, f, &b), -ESRCH);
    ck_assert_int_eq(back->ops->bind(back, FRONT, f, &b), 0);
    ck_assert_int_eq(back->ops->bind(back, FRONT, f, &again), -EINVAL); /* taken */
    ck_assert_int_eq(back->ops->notify(back, b + 1), -ENOTCONN);
    ck_assert_int_eq(back->ops->unbind(back, b + 1), -ENOTCONN);
    xen_close(other);
}
END_TEST

START_TEST(a_closed_end_lets_the_other_be_bound_again)
{
    uint32_t f, b, b2;

    make_channel(&f, &b);
    ck_assert_int_eq(back->ops->unbind(back, b), 0);
    ck_assert_int_eq(front->ops->notify(front, f), 0); /* lost, as on Xen */
    ck_assert_int_eq(domain_count(FRONT, " bound"), 0);
    ck_assert_int_eq(back->ops->bind(back, FRONT, f, &b2), 0);
    ck_assert_uint_eq(next_event(back), b2);
    ck_assert_int_eq(back->ops->unmask(back, b2), 0);
    ck_assert_uint_eq(next_event(back), 0);
    ck_assert_int_eq(front->ops->unbind(front, f), 0);
    ck_assert_int_eq(back->ops->notify(back, b2), 0);
    ck_assert_int_eq(back->ops->bind(back, FRONT, f, &b), -EINVAL);
    ck_assert_int_eq(domain_count(BACK, " ports"), 1);
    ck_assert_int_eq(back->ops->unbind(back, b2), 0);
    ck_assert_int_eq(domain_count(BACK, " ports"), 0);
}
END_TEST

START_TEST(a_killed_backend_leaves_port_and_page_to_its_successor)
{
    uint32_t f, b, ref;
    uint8_t *page = share(1, false, &ref);
    void *mapped = NULL;
    char byte;
    int tell[2];
    pid_t child;

    ck_assert_int_eq(front->ops->alloc_port(front, BACK, &f), 0);
    ck_assert_int_eq(pipe(tell), 0);
    child = fork();
    if (child == 0) {
        struct xen *xen = open_as(BACK, XEN_OPEN_EVENTS | XEN_OPEN_GRANTS);

        if (xen->ops->bind(xen, FRONT, f, &b) == 0 && xen->ops->map(xen, FRONT, ref, &mapped) == 0) {
            *(uint8_t *)mapped = 0x77;
            (void)!write(tell[1], "x", 1);
        }
        pause();
        _exit(1);
    }
    ck_assert_int_eq(read(tell[0], &byte, 1), 1);
    ck_assert_uint_eq(*page, 0x77);
    ck_assert_int_eq(back->ops->bind(back, FRONT, f, &b), -EINVAL);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    for (int i = 0; i < 500 && domain_count(FRONT, " mapped") > 0; i++)
        usleep(10000);
    ck_assert_int_eq(domain_count(FRONT, " mapped"), 0);
    ck_assert_int_eq(back->ops->bind(back, FRONT, f, &b), 0);
    ck_assert_uint_eq(next_event(back), b);
    ck_assert_int_eq(back->ops->map(back, FRONT, ref, &mapped), 0);
    ck_assert_uint_eq(*(uint8_t *)mapped, 0x77);
    close(tell[0]);
    close(tell[1]);
}
END_TEST

START_TEST(a_restricted_handle_binds_its_domain_only)
{
    struct xen *other = open_as(OTHER, XEN_OPEN_EVENTS);
    uint32_t f, o, b;

    ck_assert_int_eq(front->ops->alloc_port(front, BACK, &f), 0);
    ck_assert_int_eq(other->ops->alloc_port(other, BACK, &o), 0);
    ck_assert_int_eq(back->ops->restrict_events(back, 0), -EOPNOTSUPP);
    ck_assert_int_eq(back->ops->restrict_events(back, FRONT), 0);
    ck_assert_int_eq(back->ops->restrict_events(back, OTHER), -EACCES);
    ck_assert_int_eq(back->ops->bind(back, OTHER, o, &b), -EACCES);
    ck_assert_int_eq(back->ops->alloc_port(back, OTHER, &b), -EACCES);
    ck_assert_int_eq(back->ops->bind(back, FRONT, f, &b), 0);
    xen_close(other);
}
END_TEST

START_TEST(a_handle_does_only_what_it_was_opened_for)
{
    struct xen *none = open_as(BACK, 0);
    xen_copy c = from_guest(9, 0, NULL, 0);
    uint32_t n;
    void *p = NULL;

    ck_assert_int_eq(none->ops->map(none, FRONT, 9, &p), -EBADF);
    ck_assert_int_eq(none->ops->unmap(none, NULL), -EBADF);
    ck_assert_int_eq(none->ops->copy(none, &c, 1), -EBADF);
    ck_assert_int_eq(none->ops->bind(none, FRONT, 1, &n), -EBADF);
    ck_assert_int_eq(none->ops->event_fd(none), -EBADF);
    ck_assert_int_eq(none->ops->alloc_port(none, FRONT, &n), -EBADF);
    ck_assert_int_eq(none->ops->share(none, FRONT, 1, false, &n, &p), -EBADF);
    ck_assert_int_eq(none->ops->restrict_events(none, FRONT), -EBADF);
    xen_close(none);
}
END_TEST

/* --- life and death --- */

START_TEST(a_handle_needs_a_server_and_a_domain)
{
    char path[80];
    struct xen *xen = NULL;

    ck_assert_int_eq(xen_open_mock(server.socket, 77, 0, &xen), -ESRCH);
    snprintf(path, sizeof(path), "%s.none", server.socket);
    ck_assert_int_eq(xen_open_mock(path, 0, 0, &xen), -ENOENT);
    snprintf(path, sizeof(path), "%s.d3", server.socket);
    ck_assert_int_eq(xen_open_mock(path, 1, 0, &xen), -EPERM); /* a guest is itself only */
    ck_assert_int_eq(xen_open_mock(path, 3, 0, &xen), 0);
    xen_close(xen);
}
END_TEST

START_TEST(a_destroyed_domain_is_a_zombie_while_a_page_of_it_is_mapped)
{
    uint32_t f, b, ref, fresh_ref;
    uint8_t buf[4] = { 1, 2, 3, 4 };
    xen_copy c;
    void *p = NULL, *q = NULL;

    share(1, false, &ref);
    make_channel(&f, &b);
    ck_assert_int_eq(back->ops->map(back, FRONT, ref, &p), 0);
    c = to_guest(ref, 0, buf, 4);
    ck_assert_int_eq(back->ops->copy(back, &c, 1), 0);
    ck_assert_int_eq(c.status, GNTST_okay);
    server_ctl("destroy 3");
    ck_assert_ptr_nonnull(strstr(server_ctl("status 3"), "state zombie"));
    ck_assert_int_eq(server_count(server.answer, " mapped"), 1);
    ck_assert_int_eq(back->ops->copy(back, &c, 1), 0);
    ck_assert_int_eq(c.status, GNTST_bad_domain);
    ck_assert_mem_eq(p, buf, 4);                     /* the page itself is still there */
    ck_assert_int_eq(back->ops->notify(back, b), 0); /* to nobody */
    ck_assert_int_eq(front->ops->alloc_port(front, BACK, &f), -EPIPE);
    server_ctl_status(1, "create 3"); /* its number is taken */
    ck_assert_int_eq(back->ops->unmap(back, p), 0);
    server_ctl_status(1, "status 3");

    /* The number is used again, and nothing of the old domain is left. */
    server_ctl("create 3");
    xen_close(front);
    front = open_as(FRONT, XEN_OPEN_EVENTS | XEN_OPEN_SHARE);
    ck_assert_int_eq(back->ops->copy(back, &c, 1), 0);
    ck_assert_int_eq(c.status, GNTST_general_error);
    q = share(1, false, &fresh_ref);
    c = to_guest(fresh_ref, 0, buf, 4);
    ck_assert_int_eq(back->ops->copy(back, &c, 1), 0);
    ck_assert_int_eq(c.status, GNTST_okay);
    ck_assert_mem_eq(q, buf, 4);
}
END_TEST

START_TEST(a_zombie_ends_with_its_last_mappers_death_too)
{
    uint32_t ref;
    void *p = NULL;

    share(1, false, &ref);
    ck_assert_int_eq(back->ops->map(back, FRONT, ref, &p), 0);
    server_ctl("destroy 3");
    ck_assert_ptr_nonnull(strstr(server_ctl("status"), "zombie"));
    xen_close(back);
    back = NULL;
    ck_assert_ptr_null(strstr(server_ctl("status"), "zombie"));
}
END_TEST

START_TEST(closing_gives_up_everything_before_it_returns)
{
    uint32_t f, b, refs[8];
    void *p = NULL;

    share(8, false, refs);
    make_channel(&f, &b);
    ck_assert_int_eq(back->ops->map(back, FRONT, refs[0], &p), 0);
    xen_close(back);
    back = NULL;
    server_ctl("status");
    ck_assert_int_eq(server_count(server.answer, "\nmapped"), 0);
    ck_assert_int_eq(server_count(strstr(server.answer, "domain 0"), " ports"), 0);
    xen_close(front);
    front = NULL;
    server_ctl("status");
    ck_assert_int_eq(server_count(strstr(server.answer, "domain 3"), " ports"), 0);
    ck_assert_int_eq(server_count(strstr(server.answer, "domain 3"), " shared"), 0);
}
END_TEST

/* --- faults --- */

/* What fails by each rule, and how; and that it works the second time. */
static const struct {
    const char *rule;
    int result;
} call_faults[] = {
    { "map 1 ENOMEM", -ENOMEM },        { "unmap 1 EIO", -EIO },       { "bind 1 EAGAIN", -EAGAIN },
    { "unbind 1 EIO", -EIO },           { "copy 1 EFAULT", -EFAULT },  { "notify 1 EIO", -EIO },
    { "alloc-port 1 ENOSPC", -ENOSPC }, { "share 1 ENOMEM", -ENOMEM }, { "unshare 1 EIO", -EIO },
    { "unmask 1 EIO", -EIO },           { "pending 1 EIO", -EIO },     { "restrict 1 EOPNOTSUPP", -EOPNOTSUPP },
    { "memory 1 EMFILE", -EMFILE },     { "map 1 drop", -EPIPE },      { "bind 1 drop", -EPIPE },
    { "hello 1 EPERM", -EPERM },        { "map@0 1 EIO", -EIO },       { "map@1 1 EIO", 0 },
    { "connect 1 drop", -EPIPE },
};

static int one_call(const char *kind, uint32_t f, uint32_t b, uint32_t ref, void *mapped)
{
    size_t n = strcspn(kind, " @");
    uint8_t buf[4];
    xen_copy c = from_guest(ref, 0, buf, 4);
    struct xen *xen = NULL;
    uint32_t port, own;
    void *p = NULL;
    int r;

    if (strncmp(kind, "map", n) == 0 || strncmp(kind, "memory", n) == 0) {
        r = back->ops->map(back, FRONT, ref, &p);
        return r;
    }
    if (strncmp(kind, "unmap", n) == 0)
        return back->ops->unmap(back, mapped);
    if (strncmp(kind, "bind", n) == 0)
        return back->ops->bind(back, FRONT, f, &port);
    if (strncmp(kind, "unbind", n) == 0)
        return back->ops->unbind(back, b);
    if (strncmp(kind, "copy", n) == 0)
        return back->ops->copy(back, &c, 1);
    if (strncmp(kind, "notify", n) == 0)
        return back->ops->notify(back, b);
    if (strncmp(kind, "unmask", n) == 0)
        return back->ops->unmask(back, b);
    if (strncmp(kind, "pending", n) == 0) {
        r = back->ops->pending(back, &port);
        return r == 1 ? 0 : r;
    }
    if (strncmp(kind, "alloc-port", n) == 0)
        return front->ops->alloc_port(front, BACK, &port);
    if (strncmp(kind, "share", n) == 0)
        return front->ops->share(front, BACK, 1, false, &own, &p);
    if (strncmp(kind, "unshare", n) == 0) {
        ck_assert_int_eq(front->ops->share(front, BACK, 1, false, &own, &p), 0);
        r = front->ops->unshare(front, p, 1);
        return r;
    }
    if (strncmp(kind, "restrict", n) == 0)
        return back->ops->restrict_events(back, FRONT);
    r = xen_open_mock(server.socket, BACK, 0, &xen); /* hello, connect */
    if (r == 0)
        xen_close(xen);
    return r;
}

START_TEST(a_scripted_call_fails_once_and_works_after)
{
    uint32_t f, b, waiting, ref;
    void *mapped = NULL;
    const char *rule = call_faults[_i].rule;
    int expected = call_faults[_i].result;

    make_channel(&f, &b);
    ck_assert_int_eq(front->ops->alloc_port(front, BACK, &waiting), 0);
    share(1, false, &ref);
    if (strncmp(rule, "memory", 6) != 0)
        ck_assert_int_eq(back->ops->map(back, FRONT, ref, &mapped), 0);
    server_faults(rule);
    ck_assert_int_eq(one_call(rule, waiting, b, ref, mapped), expected);
    if (expected == -EPIPE && rule[0] != 'c') /* the handle is of no use any more */
        return;
    ck_assert_int_eq(one_call(rule, waiting, b, ref, mapped), 0);
    if (expected < 0 && rule[3] != '@')
        ck_assert_ptr_nonnull(strstr(server_ctl("faults"), "fired 1"));
}
END_TEST

START_TEST(a_scripted_segment_has_the_scripted_status)
{
    uint32_t ref;
    uint8_t *page = share(1, false, &ref), buf[3][8] = { { 0 } };
    xen_copy c[3];

    memset(page, 0x11, 8);
    server_faults("copy-segment 2 bad_page\ncopy-segment 6 eagain");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++)
            c[i] = from_guest(ref, 0, buf[i], 8);
        ck_assert_int_eq(back->ops->copy(back, c, 3), 0);
        for (int i = 0; i < 3; i++) {
            int expected = round == 0 && i == 1 ? GNTST_bad_page : round == 1 && i == 2 ? GNTST_eagain : 0;

            ck_assert_int_eq(c[i].status, expected);
        }
    }
    ck_assert_mem_eq(buf[0], page, 8);
}
END_TEST

START_TEST(a_dropped_notification_never_arrives)
{
    uint32_t f, b;

    make_channel(&f, &b);
    ck_assert_uint_eq(next_event(back), b);
    ck_assert_int_eq(back->ops->unmask(back, b), 0);
    server_faults("notify@3 1 drop");
    ck_assert_int_eq(front->ops->notify(front, f), 0);
    ck_assert_uint_eq(next_event(back), 0);
    ck_assert_int_eq(front->ops->notify(front, f), 0);
    ck_assert_uint_eq(next_event(back), b);
}
END_TEST

#define N(table) (int)(sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *t)
{
    tcase_add_test(t, shared_pages_are_zero_and_contiguous_and_their_references_are_not);
    tcase_add_test(t, copies_move_exactly_the_bytes_named);
    tcase_add_loop_test(t, a_bad_segment_has_its_own_status_as_xen_gives_it, 0, N(bad_copies));
    tcase_add_test(t, a_mapped_page_is_the_guests_own_and_gone_after_unmap);
    tcase_add_test(t, what_may_not_be_mapped_is_einval);
    tcase_add_test(t, a_grant_unshared_while_mapped_ends_with_the_last_mapping);
    tcase_add_test(t, only_what_one_shared_oneself_can_be_unshared);
    tcase_add_test(t, a_domain_shares_what_it_has_and_no_more);
    tcase_add_test(t, a_bound_port_is_pending_at_once_and_masked_when_delivered);
    tcase_add_test(t, ports_are_told_apart);
    tcase_add_test(t, what_may_not_be_bound_is_refused_as_by_xen);
    tcase_add_test(t, a_closed_end_lets_the_other_be_bound_again);
    tcase_add_test(t, a_killed_backend_leaves_port_and_page_to_its_successor);
    tcase_add_test(t, a_restricted_handle_binds_its_domain_only);
    tcase_add_test(t, a_handle_does_only_what_it_was_opened_for);
    tcase_add_test(t, a_handle_needs_a_server_and_a_domain);
    tcase_add_test(t, a_destroyed_domain_is_a_zombie_while_a_page_of_it_is_mapped);
    tcase_add_test(t, a_zombie_ends_with_its_last_mappers_death_too);
    tcase_add_test(t, closing_gives_up_everything_before_it_returns);
    tcase_add_loop_test(t, a_scripted_call_fails_once_and_works_after, 0, N(call_faults));
    tcase_add_test(t, a_scripted_segment_has_the_scripted_status);
    tcase_add_test(t, a_dropped_notification_never_arrives);
}

int main(void)
{
    return run_tests("mock-xen grants and events", begin, end, add_tests);
}
