/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore tree, pure: bytes in, bytes out. A node that more than one tree
 * refers to is never changed but copied on the way to a change, so that a
 * transaction's snapshot costs one reference. Each node has a generation, new
 * whenever its value, permissions or list of children change: what transactions
 * are checked by.
 */
#ifndef MOCK_XEN_TREE_H
#define MOCK_XEN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

enum perm_bits {
    PERM_READ = 1,
    PERM_WRITE = 2
};

struct perm {
    uint32_t domid;
    uint32_t bits;
};

struct node {
    unsigned refs;
    uint64_t generation;
    char *name; /* the last component; "" of the root */
    char *value;
    size_t value_len;
    struct perm *perms; /* the first: owner, and what everybody else may */
    unsigned n_perms;
    struct node **children; /* by name */
    unsigned n_children;
};

/* What the nodes of all trees that share nodes have in common. */
struct node_pool {
    uint64_t generation; /* the last one given out */
    size_t live_nodes;   /* allocated, in whatever tree: a leak shows here */
};

struct tree {
    struct node_pool *pool;
    struct node *root;
};

/* A tree with only a root, which domain 0 owns and no other domain may read or write. 0 or -ENOMEM. */
int tree_init(struct tree *tree, struct node_pool *pool);
/* A second tree with the same content. A later change of one does not change the other. */
void tree_share(struct tree *copy, const struct tree *tree);
void tree_deinit(struct tree *tree);

/* Paths are absolute and valid (path.h). NULL: no such node. A node that was found is valid until the tree changes. */
struct node *tree_find(const struct tree *tree, const char *path);
uint64_t tree_generation(const struct tree *tree, const char *path); /* 0: no such node */

/* All: 0, or -ENOMEM with the tree as it was; -ENOENT when the node does not exist. */
int tree_set_value(struct tree *tree, const char *path, const void *value, size_t len);
int tree_set_perms(struct tree *tree, const char *path, const struct perm *perms, unsigned n);
/*
 * Creates path and the parents it lacks. Each takes its parent's permissions, but owner
 * instead of the parent's owner unless owner is negative. -EEXIST when there is nothing to create.
 */
int tree_create(struct tree *tree, const char *path, const void *value, size_t len, int32_t owner);
/* With everything below. -EINVAL for the root. */
int tree_remove(struct tree *tree, const char *path);

struct node *node_ref(struct node *node);
void node_unref(struct node_pool *pool, struct node *node);
struct node *node_child(const struct node *node, const char *name, size_t len);
size_t node_count(const struct node *node); /* with everything below */
size_t node_count_owned(const struct node *node, uint32_t domid);
enum walk_order {
    PARENTS_FIRST,
    CHILDREN_FIRST
};
/*
 * Calls fn for node and everything below it; path is the node's own. fn's result other than 0 ends it
 * and is returned. -ENOMEM.
 */
int node_walk(struct node *node, const char *path, enum walk_order order,
              int (*fn)(void *ctx, const char *path, struct node *node), void *ctx);

#endif
