// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain's memory and grant table. What is true is kept in our own memory; the
 * shared table is only written, never read, so that a client that scribbles
 * over it hurts nobody but those who look there.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "mock.h"

static off_t page_offset(const struct domain *d, uint32_t page)
{
    return (off_t)mx_pages_offset(d->mock->n_pages) + (off_t)page * MX_PAGE_SIZE;
}

int memory_get(struct domain *d)
{
    uint32_t n = d->mock->n_pages, head = mx_pages_offset(n);
    CLEANUP_CLOSE int fd = -1;
    void *p;

    if (d->mem)
        return 0;
    fd = memfd_create("mock-xen-domain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, page_offset(d, n)) < 0)
        return -errno;
    /* A client that made it shorter would kill us by SIGBUS. */
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    p = mmap(NULL, head, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    d->pages = calloc(n, sizeof(*d->pages));
    if (!d->pages) {
        munmap(p, head);
        return -ENOMEM;
    }
    d->mem = p;
    d->memfd = steal_fd(&fd);
    d->mem->magic = MX_MEMORY_MAGIC;
    d->mem->version = MX_VERSION;
    d->mem->domid = d->domid;
    d->mem->n_pages = n;
    d->mem->pages_offset = head;
    atomic_store_explicit(&d->mem->state, MX_ALIVE, memory_order_release);
    return 0;
}

void memory_free(struct domain *d)
{
    if (!d->mem)
        return;
    munmap(d->mem, mx_pages_offset(d->mock->n_pages));
    d->mem = NULL;
    close(d->memfd);
    d->memfd = -1;
    free(d->pages);
    d->pages = NULL;
}

/* Nobody may use the page any more; the memory goes back, and the next user finds zeros. */
static void page_free(struct domain *d, uint32_t page)
{
    static const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    uint32_t ref = mx_ref_of_page(page, d->mock->n_pages);

    atomic_store_explicit(&d->mem->grant[ref], 0, memory_order_release);
    /* Cannot fail on a memfd that is not sealed against writing. */
    (void)!fallocate(d->memfd, punch, page_offset(d, page), MX_PAGE_SIZE);
    d->pages[page] = (struct page){ 0 };
    d->n_shared--;
}

/*
 * n free pages in a row, searched for from where the last search ended: a page is used again as late as
 * possible, so that a copy that lost a race against a revocation hits nobody else.
 */
static bool find_pages(const struct domain *d, uint32_t n, uint32_t *first)
{
    uint32_t total = d->mock->n_pages, run = 0;

    for (uint64_t i = 0; i < (uint64_t)total + n; i++) {
        uint32_t at = (uint32_t)((d->next_page + i) % total);

        if (at == 0)
            run = 0;
        if (d->pages[at].used || mx_ref_of_page(at, total) < MX_RESERVED_REFS)
            run = 0;
        else
            run++;
        if (run == n) {
            *first = at + 1 - n;
            return true;
        }
    }
    return false;
}

int grants_share(struct conn *conn, struct domain *d, uint32_t to, uint32_t n, bool readonly, uint32_t *first)
{
    uint32_t total = d->mock->n_pages;
    int r;

    if (n == 0 || to > DOMID_MAX)
        return -EINVAL;
    r = memory_get(d);
    if (r < 0)
        return r;
    if (n > total || !find_pages(d, n, first))
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
        page_free(d, page);
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

/* Only a page in use has a reference that means anything. */
static struct page *page_of_ref(const struct domain *d, uint32_t ref, uint32_t *number)
{
    if (!d->mem || ref >= d->mock->n_pages)
        return NULL;
    *number = mx_page_of_ref(ref, d->mock->n_pages);
    return d->pages[*number].used ? &d->pages[*number] : NULL;
}

int grants_map(struct conn *conn, struct domain *d, uint32_t ref, uint32_t *page)
{
    struct page *p = page_of_ref(d, ref, page);
    struct mapped *m;

    if (!p || p->granted_to != conn->domid || p->readonly)
        return -EINVAL; /* all that gntdev says of any failure */
    m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    *m = (struct mapped){ .next = conn->mapped, .domain = d, .page = *page };
    conn->mapped = m;
    p->mapped++;
    d->n_mapped++;
    return 0;
}

/* May free the domain: with the last mapping a zombie ends. */
static void end_mapping(struct mapped **at)
{
    struct mapped *m = *at;
    struct domain *d = m->domain;
    struct page *page = &d->pages[m->page];

    *at = m->next;
    page->mapped--;
    d->n_mapped--;
    if (page->mapped == 0 && !page->owner)
        page_free(d, m->page);
    free(m);
    domain_bury(d);
}

int grants_unmap(struct conn *conn, struct domain *d, uint32_t ref)
{
    struct mapped **at = &conn->mapped;
    uint32_t page;

    if (!page_of_ref(d, ref, &page))
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
