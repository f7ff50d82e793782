/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fault script: which call of which kind fails, and how. Pure, except for the fault
 * page: clients map it, and count and fail those calls that never reach mock-xen. The grammar is in mock-xen(1).
 */
#ifndef MOCK_XEN_FAULTS_H
#define MOCK_XEN_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

#include "standalone/xen-mock-proto.h"

/* Kinds of calls: xenstore's by their wire number, then the private ones by theirs. */
enum {
    KIND_CONNECT = XS_TYPE_COUNT,
    KIND_MX,                                          /* + type - MX_HELLO */
    KIND_CLIENT = KIND_MX + (MX_TYPE_END - MX_HELLO), /* + enum mx_client_call */
    KINDS = KIND_CLIENT + MX_CALLS
};

enum fault_action {
    FAULT_NONE,
    FAULT_ERROR,
    FAULT_DROP,
    FAULT_HANG,
    FAULT_DELAY
};

struct fault {
    enum fault_action action;
    int32_t value; /* ERROR: errno, positive, or a GNTST_* status; DELAY: milliseconds */
};

struct fault_rule {
    unsigned kind;
    int32_t domid; /* of the caller; -1: any */
    char *glob;    /* of xenstore paths; NULL: any */
    uint64_t nth, count;
    struct fault fault;
    uint64_t seen;  /* matching calls so far */
    int page_index; /* in the fault page; -1: counted here */
};

struct faults {
    struct fault_rule *rules;
    unsigned n_rules;
    struct mx_fault_page *page; /* not owned; may be NULL in tests */
    uint64_t calls[KINDS];      /* of all kinds that reach mock-xen */
};

#define FAULT_WHY_MAX 1024 /* a reason with all that is allowed */

/*
 * Replaces all rules by those in the script, or adds those with `add`. 0, -ENOMEM, or -EINVAL: why says in one line
 * what is wrong and where and what is allowed, as far as it fits (FAULT_WHY_MAX), and nothing has changed.
 */
int faults_load(struct faults *faults, const char *script, bool add, char *why, size_t why_size);
void faults_deinit(struct faults *faults);

/* Counts a call and returns what shall happen to it. path: NULL where the kind has none. */
struct fault faults_check(struct faults *faults, unsigned kind, uint32_t domid, const char *path);
/* How often the call of the rule was made, and how often its fault happened. */
void faults_counts(const struct faults *faults, const struct fault_rule *rule, uint64_t *seen, uint64_t *fired);

const char *fault_kind_name(unsigned kind); /* NULL: none of that number */
/* "EIO", "drop", "general_error", "delay=5"; out must hold 32 bytes. */
void fault_format(const struct fault_rule *rule, char out[32]);

/* xenstored's name of an errno: what is not in its list is "EINVAL". */
const char *xs_error_name(int errnum);

#endif
