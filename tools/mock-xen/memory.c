// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A domain's memory: the memfd that its clients map, and the table of its pages. mock-xen
 * decides by its private table; the shared one it only writes and never reads. So a
 * client that overwrites the shared table harms only clients that read it. grants.c
 * decides which connection may share or map a page.
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
    /* Without seals a client could shorten it, and our next access would end in SIGBUS. */
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

void memory_page_free(struct domain *d, uint32_t page)
{
    static const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    uint32_t ref = mx_ref_of_page(page, d->mock->n_pages);

    atomic_store_explicit(&d->mem->grant[ref], 0, memory_order_release);
    /* Cannot fail on a memfd that is not sealed against writing. */
    (void)!fallocate(d->memfd, punch, page_offset(d, page), MX_PAGE_SIZE);
    d->pages[page] = (struct page){ 0 };
    d->n_shared--;
}

bool memory_find_pages(const struct domain *d, uint32_t n, uint32_t *first)
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

struct page *memory_page_of_ref(const struct domain *d, uint32_t ref, uint32_t *number)
{
    if (!d->mem || ref >= d->mock->n_pages)
        return NULL;
    *number = mx_page_of_ref(ref, d->mock->n_pages);
    return d->pages[*number].used ? &d->pages[*number] : NULL;
}
