// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Grants: a connection shares pages of its own domain and maps pages of others, each by
 * the rules of gntalloc and gntdev. The pages themselves are in memory.c.
 */
#include "config.h"

#include <errno.h>

#include "mock.h"

int grants_share(struct conn *conn, struct domain *d, uint32_t to, uint32_t n, bool readonly, uint32_t *first)
{
    uint32_t total = d->mock->n_pages;
    int r;

    if (n == 0 || to > DOMID_MAX)
        return -EINVAL;
    r = memory_get(d);
    if (r < 0)
        return r;
    if (n > total || !memory_find_pages(d, n, first))
        return -ENOSPC; /* as the kernel's gntalloc past its limit */
    for (uint32_t page = *first; page < *first + n; page++) {
        d->pages[page] = (struct page){ .owner = conn, .granted_to = to, .readonly = readonly, .used = true };
        atomic_store_explicit(&d->mem->grant[mx_ref_of_page(page, total)], mx_grant(page, (uint16_t)to, readonly),
                              memory_order_release);
    }
    d->n_shared += n;
    d->next_page = (*first + n) % total;
    return 0;
}

/* A mapped page stays granted until it is unmapped: the kernel cannot end such a grant either. */
static void page_unshare(struct domain *d, uint32_t page)
{
    d->pages[page].owner = NULL;
    if (d->pages[page].mapped == 0)
        memory_page_free(d, page);
}

int grants_unshare(struct conn *conn, struct domain *d, uint32_t first, uint32_t n)
{
    uint32_t total = d->mock->n_pages;

    if (!d->mem || n == 0 || first >= total || n > total - first)
        return -EINVAL;
    for (uint32_t page = first; page < first + n; page++)
        if (!d->pages[page].used || d->pages[page].owner != conn)
            return -EINVAL;
    for (uint32_t page = first; page < first + n; page++)
        page_unshare(d, page);
    return 0;
}

int grants_map(struct conn *conn, struct domain *d, uint32_t ref, uint32_t *page)
{
    struct page *p = memory_page_of_ref(d, ref, page);
    struct mapped *m;

    if (!p || p->granted_to != conn->domid || p->readonly)
        return -EINVAL; /* gntdev gives this for every failure */
    m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    *m = (struct mapped){ .next = conn->mapped, .domain = d, .page = *page };
    conn->mapped = m;
    p->mapped++;
    d->n_mapped++;
    return 0;
}

/* May free the domain: a zombie ends with its last mapping. */
static void end_mapping(struct mapped **at)
{
    struct mapped *m = *at;
    struct domain *d = m->domain;
    struct page *page = &d->pages[m->page];

    *at = m->next;
    page->mapped--;
    d->n_mapped--;
    if (page->mapped == 0 && !page->owner)
        memory_page_free(d, m->page);
    free(m);
    domain_bury(d);
}

int grants_unmap(struct conn *conn, struct domain *d, uint32_t ref)
{
    struct mapped **at = &conn->mapped;
    uint32_t page;

    if (!memory_page_of_ref(d, ref, &page))
        return -EINVAL;
    while (*at && ((*at)->domain != d || (*at)->page != page))
        at = &(*at)->next;
    if (!*at)
        return -EINVAL;
    end_mapping(at);
    return 0;
}

void grants_release(struct conn *conn)
{
    struct domain *d;

    while (conn->mapped)
        end_mapping(&conn->mapped);
    d = domain_find(conn->mock, conn->domid, true);
    for (uint32_t page = 0; d && d->n_shared > 0 && page < d->mock->n_pages; page++)
        if (d->pages[page].owner == conn)
            page_unshare(d, page);
}
