/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients and mock-xen agree on beyond xenstored's wire protocol: private
 * message types on the same socket, and two kinds of shared memory.
 *
 * A request is struct xsd_sockmsg (type MX_*, tx_id 0) and struct mx_request; the
 * answer has the same type and req_id and carries struct mx_reply, with file
 * descriptors by SCM_RIGHTS where said. A connection starts with MX_HELLO.
 *
 * A domain's memory is one memfd: header, grant table, pages. Only mock-xen writes
 * header and table, and each grant is one 64-bit word. So a backend can check a
 * grant and copy without asking mock-xen, and one store revokes a grant for
 * every client.
 */
#ifndef STANDALONE_XEN_MOCK_PROTO_H
#define STANDALONE_XEN_MOCK_PROTO_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MX_VERSION 1u
#define MX_PAGE_SIZE 4096u
#define MX_MAX_FDS 2 /* with one reply */

enum mx_type {
    MX_HELLO = 0x4d580000, /* domid: acted for; number: MX_VERSION       -> fd: fault page */
    MX_MEMORY,             /* domid: whose                              -> number: pages; fd: memory */
    MX_MAP,                /* domid, number: reference                  -> number: page */
    MX_UNMAP,              /* domid, number: reference; one mapping of it */
    MX_SHARE,              /* domid: granted to, count: pages, flags       -> number: first page */
    MX_UNSHARE,            /* number: first page, count: pages */
    MX_ALLOC_PORT,         /* domid: may bind it                        -> number: port; fds: ours, peer's */
    MX_BIND,               /* domid, number: its port                   -> number: port; fds: ours, peer's */
    MX_UNBIND,             /* number: our port */
    MX_RESTRICT,           /* domid: events only with this one from now on */
    MX_BYE,                /* all that this connection holds is given up when the answer comes */
    MX_TYPE_END
};

enum mx_flags {
    MX_READONLY = 1
};

struct mx_request {
    uint32_t domid, number, count, flags;
};
struct mx_reply {
    int32_t error; /* 0 or -errno */
    uint32_t number;
};
static_assert(sizeof(struct mx_request) == 16 && sizeof(struct mx_reply) == 8, "wire");

/* --- a domain's memory --- */
#define MX_MEMORY_MAGIC 0x4d454d58u
enum mx_domain_state {
    MX_ALIVE = 1,
    MX_DEAD = 2
};

struct mx_memory {
    uint32_t magic, version, domid;
    uint32_t n_pages;      /* a power of two; also the number of grant references */
    uint32_t pages_offset; /* of page 0 from the start of the memfd */
    _Atomic uint32_t state;
    uint8_t spare[MX_PAGE_SIZE - 24];
    _Atomic uint64_t grant[];
};
static_assert(sizeof(struct mx_memory) == MX_PAGE_SIZE, "one page, then the grant table");

/* A grant: the page in the low half, then the domain that it is for, then these flags. */
#define MX_GRANT_READONLY (1ull << 48)
#define MX_GRANT_VALID (1ull << 49)
static inline uint64_t mx_grant(uint32_t page, uint16_t domid, bool readonly)
{
    return page | (uint64_t)domid << 32 | (readonly ? MX_GRANT_READONLY : 0) | MX_GRANT_VALID;
}
static inline uint32_t mx_grant_page(uint64_t grant)
{
    return (uint32_t)grant;
}
static inline uint16_t mx_grant_domid(uint64_t grant)
{
    return (uint16_t)(grant >> 32);
}

/* References below this are never given out (grant_table.h: GNTTAB_NR_RESERVED_ENTRIES). */
#define MX_RESERVED_REFS 8u
/*
 * The reference of a page. Neighbouring pages have references far apart, so that no code can
 * rely on consecutive references. n_pages is a power of two and the factor odd: one to one.
 */
static inline uint32_t mx_ref_of_page(uint32_t page, uint32_t n_pages)
{
    return (page * 2654435761u) & (n_pages - 1);
}
/* The inverse: multiplies by the factor's inverse modulo 2^32. */
static inline uint32_t mx_page_of_ref(uint32_t ref, uint32_t n_pages)
{
    return (ref * 244002641u) & (n_pages - 1);
}

static inline uint32_t mx_pages_offset(uint32_t n_pages)
{
    uint32_t bytes = (uint32_t)sizeof(struct mx_memory) + n_pages * (uint32_t)sizeof(uint64_t);

    return (bytes + MX_PAGE_SIZE - 1) & ~(MX_PAGE_SIZE - 1);
}

/* --- the fault page: faults of calls that never reach mock-xen --- */
#define MX_FAULT_MAGIC 0x4d464c54u
#define MX_FAULT_RULES 64

enum mx_client_call {     /* counted by the clients */
    MX_CALL_COPY,         /* value: errno of the whole call */
    MX_CALL_COPY_SEGMENT, /* value: a GNTST_* status */
    MX_CALL_NOTIFY,       /* value: errno, or MX_FAULT_DROP: the event is lost */
    MX_CALL_UNMASK,       /* value: errno */
    MX_CALL_PENDING,      /* value: errno */
    MX_CALLS
};
#define MX_FAULT_DROP (-1000000)

struct mx_fault_rule {
    uint32_t call;       /* enum mx_client_call */
    int32_t domid;       /* of the caller; -1: any */
    uint64_t nth, count; /* matching calls nth .. nth + count - 1 fail; the first is 1 */
    int32_t value;
    uint32_t spare;
    _Atomic uint64_t seen; /* matching calls so far */
};
/* Rules are replaced while n_rules is 0; a call at that very moment may see a mixture. */
struct mx_fault_page {
    uint32_t magic;
    _Atomic uint32_t n_rules;
    uint64_t spare;
    struct mx_fault_rule rule[MX_FAULT_RULES];
};
static_assert(sizeof(struct mx_fault_page) <= MX_PAGE_SIZE, "one page");

/* Counts a call of domid; true: it must fail with *value. */
static inline bool mx_fault_hit(struct mx_fault_page *page, uint32_t call, uint16_t domid, int32_t *value)
{
    uint32_t n = atomic_load_explicit(&page->n_rules, memory_order_acquire);
    bool hit = false;

    *value = 0;
    for (uint32_t i = 0; i < n && i < MX_FAULT_RULES; i++) {
        struct mx_fault_rule *rule = &page->rule[i];
        uint64_t seen;

        if (rule->call != call || (rule->domid >= 0 && rule->domid != domid))
            continue;
        seen = atomic_fetch_add(&rule->seen, 1) + 1;
        if (!hit && seen >= rule->nth && seen - rule->nth < rule->count) {
            *value = rule->value;
            hit = true;
        }
    }
    return hit;
}

#endif
