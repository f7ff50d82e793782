// SPDX-License-Identifier: GPL-2.0-or-later
/* The data buffers of a vhost's commands; see buffers.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/log.h"
#include "common/util.h"
#include "worker/buffers.h"

/* After the kernel refused memory, so long without another try. */
#define REFUSED_US 10000000u

int buffers_init(struct buffers *b, struct xen *xen, const char *prefix, uint16_t own_domid, unsigned count)
{
    void *at = mmap(NULL, (size_t)count * BUFFER_BYTES, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    *b = (struct buffers){ .xen = xen, .prefix = prefix, .own_domid = own_domid, .count = count };
    if (at == MAP_FAILED)
        return -ENOMEM;
    b->plain = at;
    return 0;
}

static void unshare(struct buffers *b, struct granted_memory *g)
{
    b->xen->ops->unshare(b->xen, g->pages, g->n_pages);
    b->held -= g->n_pages;
    free(g->refs);
    *g = (struct granted_memory){ .pages = NULL };
}

void buffers_deinit(struct buffers *b)
{
    for (size_t i = 0; i < ARRAY_SIZE(b->granted); i++)
        if (b->granted[i].pages)
            unshare(b, &b->granted[i]);
    if (b->plain)
        munmap(b->plain, (size_t)b->count * BUFFER_BYTES);
    b->plain = NULL;
}

struct buffer buffers_plain(const struct buffers *b, unsigned index)
{
    return (struct buffer){ .pages = b->plain + (size_t)index * BUFFER_BYTES, .room = BUFFER_BYTES };
}

static void refused(struct buffers *b, int error, uint64_t now)
{
    b->refused_us = now;
    b->unused = true;
    if (b->refused_said)
        return;
    b->refused_said = true;
    log_info(
        b->prefix,
        "no granted memory for buffers beyond %u pages: %s; data is copied by way of plain memory, which is slower "
        "(is the module xen-gntalloc loaded, and is its parameter limit large enough?)",
        b->held, strerror(-error));
}

static bool refused_lately(const struct buffers *b, uint64_t now)
{
    return b->refused_us && now - b->refused_us < REFUSED_US;
}

static struct granted_memory *share(struct buffers *b, uint32_t n_pages, uint64_t now)
{
    struct granted_memory *g = b->granted, *end = b->granted + ARRAY_SIZE(b->granted);
    CLEANUP_FREE uint32_t *refs = NULL;
    void *pages;
    int r;

    while (g < end && g->pages)
        g++;
    if (g == end || refused_lately(b, now))
        return NULL;
    refs = calloc(n_pages, sizeof(*refs));
    if (!refs)
        return NULL;
    r = b->xen->ops->share(b->xen, b->own_domid, n_pages, false, refs, &pages);
    if (r < 0) {
        refused(b, r, now);
        return NULL;
    }
    b->refused_us = 0;
    b->held += n_pages;
    if (g == b->granted + b->used)
        b->used++;
    *g = (struct granted_memory){ .pages = pages, .refs = steal_ptr(refs), .n_pages = n_pages };
    return g;
}

/* The smallest one that is free and large enough. */
static struct granted_memory *find_free(struct buffers *b, uint32_t n_pages)
{
    struct granted_memory *best = NULL;

    for (unsigned i = 0; i < b->used; i++) {
        struct granted_memory *g = &b->granted[i];

        if (g->pages && !g->taken && g->n_pages >= n_pages && (!best || g->n_pages < best->n_pages))
            best = g;
    }
    return best;
}

struct buffer buffers_take(struct buffers *b, unsigned index, uint32_t bytes, uint64_t now)
{
    uint32_t n_pages = bytes <= BUFFER_SMALL_PAGES * BUFFER_PAGE ? BUFFER_SMALL_PAGES : BUFFER_LARGE_PAGES;
    struct granted_memory *g = find_free(b, n_pages);
    struct buffer plain;

    if (!g && b->held + n_pages <= b->allot)
        g = share(b, n_pages, now);
    if (!g) {
        plain = buffers_plain(b, index);
        if (refused_lately(b, now))
            return plain;
        plain.missing = n_pages;
        b->missing += n_pages;
        if (b->missing > b->most_missing)
            b->most_missing = b->missing;
        return plain;
    }
    g->taken = true;
    b->used_us = now;
    return (struct buffer){ .pages = g->pages, .granted = g, .refs = g->refs, .room = g->n_pages * BUFFER_PAGE };
}

void buffers_give(struct buffers *b, unsigned index, struct buffer *buffer)
{
    struct granted_memory *g = buffer->granted;

    b->missing -= buffer->missing;
    if (g) {
        g->taken = false;
        if (b->held > b->allot)
            unshare(b, g);
    }
    *buffer = buffers_plain(b, index);
}

void buffers_release_idle(struct buffers *b)
{
    for (size_t i = 0; i < ARRAY_SIZE(b->granted); i++)
        if (b->granted[i].pages && !b->granted[i].taken)
            unshare(b, &b->granted[i]);
}

void buffers_allot(struct buffers *b, uint32_t pages)
{
    b->allot = pages;
    for (size_t i = 0; b->held > b->allot && i < ARRAY_SIZE(b->granted); i++)
        if (b->granted[i].pages && !b->granted[i].taken)
            unshare(b, &b->granted[i]);
}

bool buffers_has_wish(const struct buffers *b)
{
    return b->most_missing > 0 || b->unused;
}

uint32_t buffers_wish(struct buffers *b)
{
    uint32_t most = b->count * BUFFER_LARGE_PAGES, wish = b->held + b->most_missing;

    b->most_missing = 0;
    b->unused = false;
    return wish < most ? wish : most;
}
