// SPDX-License-Identifier: GPL-2.0-or-later
/* The xenstore tree; see tree.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "path.h"
#include "tree.h"

/* --- nodes --- */

/* Memory of at least one byte, so that NULL always means that there was none. */
static void *copy_bytes(const void *data, size_t len)
{
    void *copy = malloc(len + 1);

    if (!copy)
        return NULL;
    if (len > 0)
        memcpy(copy, data, len);
    ((char *)copy)[len] = '\0';
    return copy;
}

struct node *node_ref(struct node *node)
{
    node->refs++;
    return node;
}

void node_unref(struct node_pool *pool, struct node *node)
{
    if (!node || --node->refs > 0)
        return;
    for (unsigned i = 0; i < node->n_children; i++)
        node_unref(pool, node->children[i]);
    free(node->children);
    free(node->perms);
    free(node->value);
    free(node->name);
    free(node);
    pool->live_nodes--;
}

static struct node *node_new(struct node_pool *pool, const char *name, size_t name_len, const void *value, size_t len,
                             const struct perm *perms, unsigned n_perms)
{
    struct node *node = calloc(1, sizeof(*node));

    if (!node)
        return NULL;
    node->refs = 1;
    pool->live_nodes++;
    node->name = copy_bytes(name, name_len);
    node->value = copy_bytes(value, len);
    node->value_len = len;
    node->perms = copy_bytes(perms, n_perms * sizeof(*perms));
    node->n_perms = n_perms;
    if (!node->name || !node->value || !node->perms) {
        node_unref(pool, node);
        return NULL;
    }
    return node;
}

static struct node *node_copy(struct node_pool *pool, const struct node *node)
{
    struct node *copy = node_new(pool, node->name, strlen(node->name), node->value, node->value_len, node->perms,
                                 node->n_perms);

    if (!copy)
        return NULL;
    copy->generation = node->generation;
    if (node->n_children > 0) {
        copy->children = copy_bytes(node->children, node->n_children * sizeof(struct node *));
        if (!copy->children) {
            node_unref(pool, copy);
            return NULL;
        }
        copy->n_children = node->n_children;
        for (unsigned i = 0; i < copy->n_children; i++)
            node_ref(copy->children[i]);
    }
    return copy;
}

/* Where a child of this name is (*found), or would be. */
static unsigned child_index(const struct node *node, const char *name, size_t len, bool *found)
{
    unsigned low = 0, high = node->n_children;

    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        const char *other = node->children[mid]->name;
        int cmp = strncmp(other, name, len);

        if (cmp == 0 && other[len] != '\0')
            cmp = 1;
        if (cmp == 0) {
            *found = true;
            return mid;
        }
        if (cmp < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *found = false;
    return low;
}

struct node *node_child(const struct node *node, const char *name, size_t len)
{
    bool found;
    unsigned i = child_index(node, name, len, &found);

    return found ? node->children[i] : NULL;
}

/* Takes over the reference to child. 0 or -ENOMEM. */
static int link_child(struct node *node, struct node *child)
{
    bool found;
    unsigned at = child_index(node, child->name, strlen(child->name), &found);
    struct node **grown = realloc(node->children, (node->n_children + 1) * sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    memmove(grown + at + 1, grown + at, (node->n_children - at) * sizeof(*grown));
    grown[at] = child;
    node->children = grown;
    node->n_children++;
    return 0;
}

size_t node_count(const struct node *node)
{
    size_t n = 1;

    for (unsigned i = 0; i < node->n_children; i++)
        n += node_count(node->children[i]);
    return n;
}

size_t node_count_owned(const struct node *node, uint32_t domid)
{
    size_t n = node->perms[0].domid == domid;

    for (unsigned i = 0; i < node->n_children; i++)
        n += node_count_owned(node->children[i], domid);
    return n;
}

int node_walk(struct node *node, const char *path, enum walk_order order,
              int (*fn)(void *ctx, const char *path, struct node *node), void *ctx)
{
    int r = order == PARENTS_FIRST ? fn(ctx, path, node) : 0;

    for (unsigned i = 0; r == 0 && i < node->n_children; i++) {
        CLEANUP_FREE char *below = strf("%s/%s", path[1] ? path : "", node->children[i]->name);

        r = below ? node_walk(node->children[i], below, order, fn, ctx) : -ENOMEM;
    }
    return r == 0 && order == CHILDREN_FIRST ? fn(ctx, path, node) : r;
}

/* --- trees --- */

int tree_init(struct tree *tree, struct node_pool *pool)
{
    static const struct perm nobody = { 0, 0 };

    tree->pool = pool;
    tree->root = node_new(pool, "", 0, "", 0, &nobody, 1);
    if (!tree->root)
        return -ENOMEM;
    tree->root->generation = ++pool->generation;
    return 0;
}

void tree_share(struct tree *copy, const struct tree *tree)
{
    copy->pool = tree->pool;
    copy->root = node_ref(tree->root);
}

void tree_deinit(struct tree *tree)
{
    node_unref(tree->pool, tree->root);
    tree->root = NULL;
}

struct node *tree_find(const struct tree *tree, const char *path)
{
    struct node *node = tree->root;
    const char *name;
    size_t len;

    while (node && path_next(&path, &name, &len))
        node = node_child(node, name, len);
    return node;
}

uint64_t tree_generation(const struct tree *tree, const char *path)
{
    const struct node *node = tree_find(tree, path);

    return node ? node->generation : 0;
}

/* Makes *place a node that this tree alone refers to. */
static int own_node(struct node_pool *pool, struct node **place)
{
    struct node *copy;

    if ((*place)->refs == 1)
        return 0;
    copy = node_copy(pool, *place);
    if (!copy)
        return -ENOMEM;
    node_unref(pool, *place);
    *place = copy;
    return 0;
}

/*
 * The node at the first len bytes of path, ready to be changed: it and the way to it are this tree's own.
 * A lack of memory in the middle leaves copies equal to what was there.
 */
static int edit_node(struct tree *tree, const char *path, size_t len, struct node **out)
{
    struct node **place = &tree->root;
    const char *end = path + len, *name;
    size_t name_len;
    int r = own_node(tree->pool, place);

    while (r == 0 && path < end && path_next(&path, &name, &name_len)) {
        bool found;
        unsigned i = child_index(*place, name, name_len, &found);

        if (!found)
            return -ENOENT;
        place = &(*place)->children[i];
        r = own_node(tree->pool, place);
    }
    if (r == 0)
        *out = *place;
    return r;
}

int tree_set_value(struct tree *tree, const char *path, const void *value, size_t len)
{
    char *copy = copy_bytes(value, len);
    struct node *node;
    int r = copy ? edit_node(tree, path, strlen(path), &node) : -ENOMEM;

    if (r < 0) {
        free(copy);
        return r;
    }
    free(node->value);
    node->value = copy;
    node->value_len = len;
    node->generation = ++tree->pool->generation;
    return 0;
}

int tree_set_perms(struct tree *tree, const char *path, const struct perm *perms, unsigned n)
{
    struct perm *copy = copy_bytes(perms, n * sizeof(*perms));
    struct node *node;
    int r = copy ? edit_node(tree, path, strlen(path), &node) : -ENOMEM;

    if (r < 0) {
        free(copy);
        return r;
    }
    free(node->perms);
    node->perms = copy;
    node->n_perms = n;
    node->generation = ++tree->pool->generation;
    return 0;
}

int tree_create(struct tree *tree, const char *path, const void *value, size_t len, int32_t owner)
{
    struct node_pool *pool = tree->pool;
    const char *rest = path, *name, *below;
    size_t name_len, parent_len = 0;
    struct node *parent = tree->root, *top = NULL, *last = NULL;
    int r;

    /* The deepest ancestor that exists. */
    while (path_next(&rest, &name, &name_len)) {
        struct node *child = node_child(parent, name, name_len);

        if (!child)
            break;
        parent = child;
        parent_len = (size_t)(rest - path);
    }
    if (name_len == 0)
        return -EEXIST;
    r = edit_node(tree, path, parent_len, &parent);
    if (r < 0)
        return r;
    /* What is missing is made apart and linked in as the last step. */
    below = path + parent_len;
    while (path_next(&below, &name, &name_len)) {
        bool leaf = *below == '\0';
        struct node *node = node_new(pool, name, name_len, leaf ? value : "", leaf ? len : 0, parent->perms,
                                     parent->n_perms);

        if (!node)
            goto no_memory;
        if (owner >= 0)
            node->perms[0].domid = (uint32_t)owner;
        node->generation = ++pool->generation;
        if (last && link_child(last, node) < 0) {
            node_unref(pool, node);
            goto no_memory;
        }
        if (!top)
            top = node;
        last = node;
    }
    if (link_child(parent, top) < 0)
        goto no_memory;
    parent->generation = ++pool->generation;
    return 0;

no_memory:
    node_unref(pool, top);
    return -ENOMEM;
}

int tree_remove(struct tree *tree, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    struct node *parent;
    unsigned at;
    bool found;
    int r;

    if (*name == '\0')
        return -EINVAL;
    if (!tree_find(tree, path))
        return -ENOENT;
    r = edit_node(tree, path, path_parent_len(path), &parent);
    if (r < 0)
        return r;
    at = child_index(parent, name, strlen(name), &found);
    node_unref(tree->pool, parent->children[at]);
    parent->n_children--;
    memmove(parent->children + at, parent->children + at + 1, (parent->n_children - at) * sizeof(*parent->children));
    parent->generation = ++tree->pool->generation;
    return 0;
}
