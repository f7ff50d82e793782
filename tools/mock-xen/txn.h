/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a domain does to the tree: permissions, quotas, transactions, and the list
 * of changes that fire watches. Pure. The rules are those of Xen's C xenstored: a
 * transaction commits only if no node that it read, listed or changed has been
 * changed by others since it began; else -EAGAIN.
 */
#ifndef MOCK_XEN_TXN_H
#define MOCK_XEN_TXN_H

#include "tree.h"

/* For domains other than 0; the defaults are xenstored's. */
struct quota {
    uint32_t nodes;        /* that a domain may own: -ENOSPC */
    uint32_t node_size;    /* bytes of a value: -ENOSPC */
    uint32_t node_perms;   /* entries: -ENOSPC */
    uint32_t watches;      /* of a domain: -E2BIG */
    uint32_t transactions; /* open at once on a connection: -ENOSPC */
};
#define QUOTA_DEFAULT \
    { \
        1000, 2048, 5, 128, 10 \
    }

struct tree_change {
    struct tree_change *next;
    char *path;
    bool exact;       /* only watches of this very path: below a removed node */
    size_t rank;      /* within a transaction: when it first looked at the node */
    struct node *old; /* as it was; NULL: it is new */
};
struct tree_changes {
    struct node_pool *pool;
    struct tree_change *first, **last;
};
void changes_init(struct tree_changes *changes, struct node_pool *pool);
void changes_deinit(struct tree_changes *changes);

struct txn;

struct actor {
    uint32_t domid;
    struct tree *tree; /* the live one; a transaction's own is used instead when there is one */
    struct txn *txn;   /* NULL: none */
    const struct quota *quota;
    struct tree_changes *changes; /* NULL: changes are not recorded (inside a transaction) */
};

/* All return 0 or the -errno that the client gets. A node that was found is valid until the tree changes. */
int op_get(const struct actor *actor, const char *path, struct node **out);
int op_write(const struct actor *actor, const char *path, const void *value, size_t len);
int op_mkdir(const struct actor *actor, const char *path);
int op_rm(const struct actor *actor, const char *path);
int op_set_perms(const struct actor *actor, const char *path, const struct perm *perms, unsigned n);

/*
 * After the end of a domain: the nodes that it owned are removed with everything below them (with keep_nodes they
 * become domain 0's), and its permissions are removed everywhere, so that the next domain of that number inherits
 * nothing.
 */
int op_forget_domain(const struct actor *actor, uint32_t domid, bool keep_nodes);

/* Do these permissions allow domid all of bits? */
bool perms_allow(const struct perm *perms, unsigned n, uint32_t domid, uint32_t bits);
/* May domid see this change? tree: as it is now. */
bool change_visible(const struct tree_change *change, const struct tree *tree, uint32_t domid);

int txn_new(struct txn **out, uint32_t id, uint32_t domid, const struct tree *live);
void txn_free(struct txn *txn);
uint32_t txn_id(const struct txn *txn);
/* -EAGAIN: a node was changed by others. With every error live is unchanged. */
int txn_commit(struct txn *txn, struct tree *live, const struct quota *quota, struct tree_changes *changes);

/* "n0", "r3", "w3", "b3"; 0 or -EINVAL. */
int perm_parse(const char *text, struct perm *out);
void perm_format(const struct perm *perm, char out[16]);

#endif
