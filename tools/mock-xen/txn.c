// SPDX-License-Identifier: GPL-2.0-or-later
/* What a domain does to the tree; see txn.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "path.h"
#include "txn.h"

#define PERM_OWNER 4u /* may change permissions; only asked for, never stored */

enum op_kind {
    OP_WRITE,
    OP_MKDIR,
    OP_RM,
    OP_SET_PERMS
};

struct op { /* what a transaction did, to be done again on the live tree */
    struct op *next;
    enum op_kind kind;
    char *path;
    void *data;
    size_t len;
};

struct txn {
    uint32_t id, domid;
    bool doomed;
    struct tree base, tree; /* as it was at the start; with our own changes */
    struct seen {
        char *path;
        size_t rank; /* how many were seen before it */
    } * seen;        /* nodes that the outcome depends on, by path */
    size_t n_seen, room_seen;
    struct op *ops, **last_op;
};

/* --- changes --- */

void changes_init(struct tree_changes *changes, struct node_pool *pool)
{
    changes->pool = pool;
    changes->first = NULL;
    changes->last = &changes->first;
}

static void change_free(struct tree_changes *changes, struct tree_change *c)
{
    if (c->old)
        node_unref(changes->pool, c->old);
    free(c->path);
    free(c);
}

void changes_deinit(struct tree_changes *changes)
{
    while (changes->first) {
        struct tree_change *c = changes->first;

        changes->first = c->next;
        change_free(changes, c);
    }
    changes->last = &changes->first;
}

/* A path is in the list once, however often a transaction wrote it. */
static int add_change(struct tree_changes *changes, const char *path, bool exact, struct node *old)
{
    struct tree_change *c;

    for (c = exact ? NULL : changes->first; c; c = c->next)
        if (!c->exact && strcmp(c->path, path) == 0)
            return 0;
    c = calloc(1, sizeof(*c));
    if (c)
        c->path = strdup(path);
    if (!c || !c->path) {
        free(c);
        return -ENOMEM;
    }
    c->exact = exact;
    c->old = old ? node_ref(old) : NULL;
    *changes->last = c;
    changes->last = &c->next;
    return 0;
}

struct removal {
    struct tree_changes *changes;
    const char *top;
};

static int add_removed(void *ctx, const char *path, struct node *node)
{
    struct removal *r = ctx;

    return add_change(r->changes, path, strcmp(path, r->top) != 0, node);
}

/* --- permissions --- */

static uint32_t granted_bits(const struct perm *perms, unsigned n, uint32_t domid)
{
    if (domid == 0 || perms[0].domid == domid)
        return PERM_READ | PERM_WRITE | PERM_OWNER;
    for (unsigned i = 1; i < n; i++)
        if (perms[i].domid == domid)
            return perms[i].bits;
    return perms[0].bits;
}

bool perms_allow(const struct perm *perms, unsigned n, uint32_t domid, uint32_t bits)
{
    return (granted_bits(perms, n, domid) & bits) == bits;
}

static bool node_allows(const struct node *node, uint32_t domid, uint32_t bits)
{
    return perms_allow(node->perms, node->n_perms, domid, bits);
}

static struct node *find_prefix(const struct tree *tree, const char *path, size_t len)
{
    char prefix[XENSTORE_ABS_PATH_MAX + 1];

    memcpy(prefix, path, len);
    prefix[len] = '\0';
    return tree_find(tree, prefix);
}

/* The deepest ancestor of path that exists, path itself excepted; *len: how much of path names it. */
static struct node *nearest_ancestor(const struct tree *tree, const char *path, size_t *len)
{
    struct node *node = NULL;

    for (*len = path_parent_len(path); *len > 0; (*len)--)
        if (path[*len] == '/' && (node = find_prefix(tree, path, *len)))
            return node;
    return tree->root;
}

bool change_visible(const struct tree_change *change, const struct tree *tree, uint32_t domid)
{
    struct node *node;

    if (domid == 0 || (change->old && node_allows(change->old, domid, PERM_READ)))
        return true;
    node = tree_find(tree, change->path);
    return node
           && (node_allows(node, domid, PERM_READ)
               || node_allows(find_prefix(tree, change->path, path_parent_len(change->path)), domid, PERM_READ));
}

int perm_parse(const char *text, struct perm *out)
{
    static const struct {
        char letter;
        uint32_t bits;
    } kinds[] = {
        { 'n', 0 },
        { 'r', PERM_READ },
        { 'w', PERM_WRITE },
        { 'b', PERM_READ | PERM_WRITE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (text[0] == kinds[i].letter) {
            out->bits = kinds[i].bits;
            return parse_u32_str(text + 1, UINT16_MAX, &out->domid) < 0 ? -EINVAL : 0;
        }
    }
    return -EINVAL;
}

void perm_format(const struct perm *perm, char out[16])
{
    static const char letters[] = "nrwb";

    snprintf(out, 16, "%c%u", letters[perm->bits & 3], perm->domid);
}

/* --- transactions --- */

uint32_t txn_id(const struct txn *txn)
{
    return txn->id;
}

int txn_new(struct txn **out, uint32_t id, uint32_t domid, const struct tree *live)
{
    struct txn *txn = calloc(1, sizeof(*txn));

    if (!txn)
        return -ENOMEM;
    txn->id = id;
    txn->domid = domid;
    txn->last_op = &txn->ops;
    tree_share(&txn->base, live);
    tree_share(&txn->tree, live);
    *out = txn;
    return 0;
}

void txn_free(struct txn *txn)
{
    if (!txn)
        return;
    while (txn->ops) {
        struct op *op = txn->ops;

        txn->ops = op->next;
        free(op->path);
        free(op->data);
        free(op);
    }
    for (size_t i = 0; i < txn->n_seen; i++)
        free(txn->seen[i].path);
    free(txn->seen);
    tree_deinit(&txn->tree);
    tree_deinit(&txn->base);
    free(txn);
}

/* Where the node (len bytes of path; 0: the root) is among those seen, or would be. */
static bool find_seen(const struct txn *txn, const char *path, size_t len, size_t *at)
{
    size_t low = 0, high = txn->n_seen;

    if (len == 0) {
        path = "/";
        len = 1;
    }
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int cmp = strncmp(txn->seen[mid].path, path, len);

        if (cmp == 0 && txn->seen[mid].path[len] == '\0') {
            *at = mid;
            return true;
        }
        if (cmp < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *at = low;
    return false;
}

/* From now on the transaction's outcome depends on this node (len bytes of path), or on its absence. */
static int depend(const struct actor *actor, const char *path, size_t len)
{
    struct txn *txn = actor->txn;
    size_t at;
    char *copy;

    if (!txn || find_seen(txn, path, len, &at))
        return 0;
    if (txn->n_seen == txn->room_seen) {
        size_t room = txn->room_seen ? txn->room_seen * 2 : 16;
        struct seen *grown = realloc(txn->seen, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        txn->seen = grown;
        txn->room_seen = room;
    }
    copy = len > 0 ? strndup(path, len) : strdup("/");
    if (!copy)
        return -ENOMEM;
    memmove(txn->seen + at + 1, txn->seen + at, (txn->n_seen - at) * sizeof(*txn->seen));
    txn->seen[at] = (struct seen){ copy, txn->n_seen };
    txn->n_seen++;
    return 0;
}

static int depend_all(void *ctx, const char *path, struct node *node UNUSED)
{
    return depend(ctx, path, strlen(path));
}

static int remember(const struct actor *actor, enum op_kind kind, const char *path, const void *data, size_t len)
{
    struct op *op;

    if (!actor->txn)
        return 0;
    op = calloc(1, sizeof(*op));
    if (!op)
        return -ENOMEM;
    op->kind = kind;
    op->path = strdup(path);
    op->data = malloc(len + 1);
    if (!op->path || !op->data) {
        free(op->path);
        free(op->data);
        free(op);
        return -ENOMEM;
    }
    if (len > 0)
        memcpy(op->data, data, len);
    op->len = len;
    *actor->txn->last_op = op;
    actor->txn->last_op = &op->next;
    return 0;
}

/* --- operations --- */

static struct tree *tree_of(const struct actor *actor)
{
    return actor->txn ? &actor->txn->tree : actor->tree;
}

/*
 * -EACCES instead of -ENOENT where the nearest ancestor does not allow as much either. xenstored looks
 * at that ancestor, so a transaction depends on it too, although only its list of children matters.
 */
static int lookup(const struct actor *actor, const char *path, uint32_t bits, struct node **out)
{
    struct node *node = tree_find(tree_of(actor), path);
    size_t len;
    int r = depend(actor, path, strlen(path));

    if (r < 0)
        return r;
    if (!node) {
        node = nearest_ancestor(tree_of(actor), path, &len);
        if (depend(actor, path, len) < 0)
            return -ENOMEM;
        return node_allows(node, actor->domid, bits) ? -ENOENT : -EACCES;
    }
    if (!node_allows(node, actor->domid, bits))
        return -EACCES;
    *out = node;
    return 0;
}

static int check_quota(const struct actor *actor, const char *path, size_t len, bool create)
{
    struct tree *tree = tree_of(actor);
    size_t fresh = 0, have;

    if (actor->domid == 0)
        return 0;
    if (len > actor->quota->node_size)
        return -ENOSPC;
    if (!create)
        return 0;
    nearest_ancestor(tree, path, &have);
    for (const char *p = path + have; *p; p++)
        fresh += *p == '/';
    return node_count_owned(tree->root, actor->domid) + fresh > actor->quota->nodes ? -ENOSPC : 0;
}

/* After a lack of memory a transaction may be incomplete, so it must not be committed any more. */
static int done(const struct actor *actor, int r)
{
    if (r == -ENOMEM && actor->txn)
        actor->txn->doomed = true;
    return r;
}

/* From here on a change is noted before it is made: an event too many is allowed, one that is missing is not. */
static int create(const struct actor *actor, enum op_kind kind, const char *path, const void *value, size_t len)
{
    struct tree *tree = tree_of(actor);
    int r;

    r = check_quota(actor, path, len, true);
    if (r == 0 && actor->changes)
        r = add_change(actor->changes, path, false, NULL);
    if (r == 0)
        r = remember(actor, kind, path, value, len);
    if (r == 0)
        r = tree_create(tree, path, value, len, actor->domid == 0 ? -1 : (int32_t)actor->domid);
    return done(actor, r);
}

int op_get(const struct actor *actor, const char *path, struct node **out)
{
    return done(actor, lookup(actor, path, PERM_READ, out));
}

int op_write(const struct actor *actor, const char *path, const void *value, size_t len)
{
    struct node *node;
    int r = lookup(actor, path, PERM_WRITE, &node);

    if (r == -ENOENT)
        return create(actor, OP_WRITE, path, value, len);
    if (r == 0)
        r = check_quota(actor, path, len, false);
    if (r == 0 && actor->changes)
        r = add_change(actor->changes, path, false, node);
    if (r == 0)
        r = remember(actor, OP_WRITE, path, value, len);
    if (r == 0)
        r = tree_set_value(tree_of(actor), path, value, len);
    return done(actor, r);
}

int op_mkdir(const struct actor *actor, const char *path)
{
    struct node *node;
    int r = lookup(actor, path, PERM_WRITE, &node);

    return r == -ENOENT ? create(actor, OP_MKDIR, path, "", 0) : done(actor, r);
}

int op_rm(const struct actor *actor, const char *path)
{
    struct node *node;
    size_t parent_len = path_parent_len(path);
    int r = lookup(actor, path, PERM_WRITE, &node);

    if (r == -ENOENT) /* removing a missing node succeeds if its parent exists */
        return find_prefix(tree_of(actor), path, parent_len) ? 0 : -ENOENT;
    if (r == 0 && path[1] == '\0')
        r = -EINVAL;
    if (r == 0)
        r = depend(actor, path, parent_len);
    if (r == 0 && actor->txn)
        r = node_walk(node, path, PARENTS_FIRST, depend_all, (void *)(uintptr_t)actor);
    if (r == 0 && actor->changes) {
        struct removal removal = { actor->changes, path };

        r = node_walk(node, path, CHILDREN_FIRST, add_removed, &removal);
    }
    if (r == 0)
        r = remember(actor, OP_RM, path, NULL, 0);
    if (r == 0)
        r = tree_remove(tree_of(actor), path);
    return done(actor, r);
}

int op_set_perms(const struct actor *actor, const char *path, const struct perm *perms, unsigned n)
{
    struct node *node;
    int r = lookup(actor, path, PERM_WRITE | PERM_OWNER, &node);

    if (r == 0 && n == 0)
        r = -EINVAL;
    if (r == 0 && actor->domid != 0) {
        if (perms[0].domid != node->perms[0].domid)
            r = -EPERM;
        else if (n > actor->quota->node_perms)
            r = -ENOSPC;
    }
    if (r == 0 && actor->changes)
        r = add_change(actor->changes, path, false, node);
    if (r == 0)
        r = remember(actor, OP_SET_PERMS, path, perms, n * sizeof(*perms));
    if (r == 0)
        r = tree_set_perms(tree_of(actor), path, perms, n);
    return done(actor, r);
}

/* --- after the end of a domain --- */

struct forget {
    uint32_t domid;
    char **paths; /* of the nodes whose permissions name it */
    size_t n, room;
};

static int forget_node(void *ctx, const char *path, struct node *node)
{
    struct forget *f = ctx;
    bool named = false;

    for (unsigned i = 0; i < node->n_perms; i++)
        named |= node->perms[i].domid == f->domid;
    if (!named || path[1] == '\0')
        return 0;
    if (f->n == f->room) {
        size_t room = f->room ? f->room * 2 : 16;
        char **grown = realloc(f->paths, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        f->paths = grown;
        f->room = room;
    }
    f->paths[f->n] = strdup(path);
    if (!f->paths[f->n])
        return -ENOMEM;
    f->n++;
    return 0;
}

/* The node's permissions without the domain's; its place as owner goes to domain 0. */
static int strip_perms(struct tree *tree, const char *path, const struct node *node, uint32_t domid)
{
    CLEANUP_FREE struct perm *perms = calloc(node->n_perms, sizeof(*perms));
    unsigned n = 0;

    if (!perms)
        return -ENOMEM;
    for (unsigned i = 0; i < node->n_perms; i++) {
        if (node->perms[i].domid != domid)
            perms[n++] = node->perms[i];
        else if (i == 0)
            perms[n++].bits = node->perms[i].bits;
    }
    return tree_set_perms(tree, path, perms, n);
}

int op_forget_domain(const struct actor *actor, uint32_t domid, bool keep_nodes)
{
    struct forget f = { .domid = domid };
    int r = node_walk(actor->tree->root, "/", PARENTS_FIRST, forget_node, &f);

    for (size_t i = 0; i < f.n; i++) {
        const struct node *node = r == 0 ? tree_find(actor->tree, f.paths[i]) : NULL;

        if (node && node->perms[0].domid == domid && !keep_nodes)
            r = op_rm(actor, f.paths[i]);
        else if (node)
            r = strip_perms(actor->tree, f.paths[i], node, domid);
        free(f.paths[i]);
    }
    free(f.paths);
    return r;
}

/* --- commit --- */

static int redo(const struct actor *actor, const struct op *op)
{
    switch (op->kind) {
    case OP_WRITE:
        return op_write(actor, op->path, op->data, op->len);
    case OP_MKDIR:
        return op_mkdir(actor, op->path);
    case OP_RM:
        return op_rm(actor, op->path);
    case OP_SET_PERMS:
        return op_set_perms(actor, op->path, op->data, (unsigned)(op->len / sizeof(struct perm)));
    }
    return -EINVAL;
}

static int by_rank(const void *a, const void *b)
{
    const struct tree_change *const *x = a, *const *y = b;

    return ((*x)->rank > (*y)->rank) - ((*x)->rank < (*y)->rank);
}

/*
 * xenstored fires a transaction's changes in the order in which the transaction first looked at the nodes, and none
 * for a node that was created and removed within it.
 */
static int arrange(const struct txn *txn, struct tree_changes *changes, const struct tree *after)
{
    CLEANUP_FREE struct tree_change **list = NULL;
    size_t n = 0, at;

    for (struct tree_change *c = changes->first; c; c = c->next)
        n++;
    list = calloc(n + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    n = 0;
    for (struct tree_change *c = changes->first; c; c = c->next) {
        c->rank = find_seen(txn, c->path, strlen(c->path), &at) ? txn->seen[at].rank : txn->n_seen;
        list[n++] = c;
    }
    qsort(list, n, sizeof(struct tree_change *), by_rank);
    changes->last = &changes->first;
    for (size_t i = 0; i < n; i++) {
        if (tree_find(&txn->base, list[i]->path) || tree_find(after, list[i]->path)) {
            *changes->last = list[i];
            changes->last = &list[i]->next;
        } else {
            change_free(changes, list[i]);
        }
    }
    *changes->last = NULL;
    return 0;
}

int txn_commit(struct txn *txn, struct tree *live, const struct quota *quota, struct tree_changes *changes)
{
    struct tree work;
    struct actor actor = { .domid = txn->domid, .tree = &work, .quota = quota, .changes = changes };
    int r = 0;

    if (txn->doomed)
        return -ENOMEM;
    for (size_t i = 0; i < txn->n_seen; i++)
        if (tree_generation(&txn->base, txn->seen[i].path) != tree_generation(live, txn->seen[i].path))
            return -EAGAIN;
    tree_share(&work, live);
    for (const struct op *op = txn->ops; r == 0 && op; op = op->next)
        r = redo(&actor, op);
    if (r == 0)
        r = arrange(txn, changes, &work);
    if (r < 0) {
        tree_deinit(&work);
        return r;
    }
    tree_deinit(live);
    *live = work;
    return 0;
}
