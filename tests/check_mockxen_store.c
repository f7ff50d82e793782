// SPDX-License-Identifier: GPL-2.0-or-later
/* mock-xen's store without sockets: tree, permissions, quotas, transactions, lack of memory. */
#include "config.h"

#include <check.h>
#include <errno.h>

#include "../tools/mock-xen/path.h"
#include "../tools/mock-xen/txn.h"
#include "alloc-fail.h"
#include "suite.h"

/* --- a store to work on --- */

static struct node_pool pool;
static struct tree tree;
static struct tree_changes changes;
static struct quota quota = QUOTA_DEFAULT;

static struct actor as(uint32_t domid)
{
    return (struct actor){ .domid = domid, .tree = &tree, .quota = &quota, .changes = &changes };
}

static int put(uint32_t domid, const char *path, const char *value)
{
    struct actor actor = as(domid);

    return op_write(&actor, path, value, strlen(value));
}

static int set(uint32_t domid, const char *path, const char *perms)
{
    struct actor actor = as(domid);
    struct perm list[8];
    unsigned n = 0;
    char copy[64], *rest = copy, *word;

    strcpy(copy, perms);
    while ((word = strsep(&rest, ",")) != NULL)
        ck_assert_int_eq(perm_parse(word, &list[n++]), 0);
    return op_set_perms(&actor, path, list, n);
}

static void begin(void)
{
    memset(&pool, 0, sizeof(pool));
    ck_assert_int_eq(tree_init(&tree, &pool), 0);
    changes_init(&changes, &pool);
}

static void end(void)
{
    changes_deinit(&changes);
    tree_deinit(&tree);
    ck_assert_uint_eq(pool.live_nodes, 0);
}

/* --- paths --- */

static const struct {
    const char *path;
    bool valid;
} paths[] = {
    { "/", true },     { "/a", true },    { "/a/b-c_d@0", true }, { "/local/domain/0", true }, { "", false },
    { "a", false },    { "/a/", false },  { "//", false },        { "/a//b", false },          { "/a b", false },
    { "/a.b", false }, { "/a\n", false }, { "/a*", false },       { "/\xc3\xa4", false },      { "@a", false },
};

START_TEST(only_paths_of_xenstores_alphabet_are_valid)
{
    ck_assert_int_eq(path_valid(paths[_i].path), paths[_i].valid);
}
END_TEST

static const struct {
    const char *start;
    size_t longest;
} lengths[] = {
    { "/", 2048 },
    { "/local/domain/", 2048 },
    { "/local/domain/x/", 2048 },
    { "/local/domain/0/", 16 + 2048 },
    { "/local/domain/12345/", 20 + 2048 },
    { "/local/domain/123456/", 2048 },
};

START_TEST(a_path_has_2048_bytes_at_most_below_its_domains_home)
{
    char path[XENSTORE_ABS_PATH_MAX];
    size_t longest = lengths[_i].longest;

    memset(path, 'x', sizeof(path));
    memcpy(path, lengths[_i].start, strlen(lengths[_i].start));
    path[longest] = '\0';
    ck_assert(path_valid(path));
    path[longest] = 'x';
    path[longest + 1] = '\0';
    ck_assert(!path_valid(path));
}
END_TEST

static const struct {
    const char *parent, *child;
    bool below;
} belows[] = {
    { "/", "/", true },
    { "/", "/a", true },
    { "/a", "/a", true },
    { "/a", "/a/b", true },
    { "/a", "/ab", false },
    { "/a/b", "/a", false },
    { "/", "@releaseDomain", false },
};

START_TEST(a_path_is_below_itself_and_its_ancestors)
{
    ck_assert_int_eq(path_below(belows[_i].parent, belows[_i].child), belows[_i].below);
}
END_TEST

/* --- tree --- */

START_TEST(children_are_found_whatever_the_order_they_came_in)
{
    static const char *const names[] = { "/m", "/b", "/z", "/ab", "/a", "/abc", "/10", "/9" };
    const char *last = "";

    begin();
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(put(0, names[i], names[i]), 0);
    ck_assert_uint_eq(tree.root->n_children, 8);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert(strcmp(last, tree.root->children[i]->name) < 0);
        last = tree.root->children[i]->name;
        ck_assert_str_eq(tree_find(&tree, names[i])->value, names[i]);
    }
    ck_assert_ptr_null(tree_find(&tree, "/abcd"));
    ck_assert_ptr_null(tree_find(&tree, "/1"));
    end();
}
END_TEST

START_TEST(a_shared_tree_keeps_what_it_had)
{
    struct tree before;

    begin();
    ck_assert_int_eq(put(0, "/a/b/c", "old"), 0);
    tree_share(&before, &tree);
    ck_assert_int_eq(put(0, "/a/b/c", "new"), 0);
    ck_assert_int_eq(put(0, "/a/b/d", "more"), 0);
    ck_assert_int_eq(tree_remove(&tree, "/a/b/c"), 0);
    ck_assert_str_eq(tree_find(&before, "/a/b/c")->value, "old");
    ck_assert_ptr_null(tree_find(&before, "/a/b/d"));
    ck_assert_ptr_null(tree_find(&tree, "/a/b/c"));
    ck_assert_str_eq(tree_find(&tree, "/a/b/d")->value, "more");
    tree_deinit(&before);
    end();
}
END_TEST

/* Which of the nodes /, /a, /a/b, /a/b/c get a new generation. */
static const struct {
    const char *what;
    int changed[4];
} generations[] = {
    { "write /a/b", { 0, 0, 1, 0 } }, { "write /a/b/new", { 0, 0, 1, 0 } }, { "write /new/x/y", { 1, 0, 0, 0 } },
    { "mkdir /a/b", { 0, 0, 0, 0 } }, { "rm /a/b/c", { 0, 0, 1, 0 } },      { "rm /a/none", { 0, 0, 0, 0 } },
    { "chmod /a", { 0, 1, 0, 0 } },   { "read /a/b", { 0, 0, 0, 0 } },
};

/* "write PATH", "read PATH", ... by domain 0, in a transaction or not. */
static int run_in(const char *what, struct txn *txn)
{
    struct actor actor = as(0);
    const char *path = strchr(what, ' ') + 1;
    const struct perm perm = { 5, PERM_READ };
    struct node *node;

    actor.txn = txn;
    if (txn)
        actor.changes = NULL;
    switch (what[0]) {
    case 'w':
        return op_write(&actor, path, "x", 1);
    case 'm':
        return op_mkdir(&actor, path);
    case 'c':
        return op_set_perms(&actor, path, &perm, 1);
    }
    return strncmp(what, "read", 4) == 0 ? op_get(&actor, path, &node) : op_rm(&actor, path);
}

START_TEST(a_change_gives_a_new_generation_to_the_node_and_to_a_parent_that_gains_or_loses_it)
{
    static const char *const nodes[] = { "/", "/a", "/a/b", "/a/b/c" };
    uint64_t before[4];

    begin();
    put(0, "/a/b/c", "x");
    for (int i = 0; i < 4; i++)
        before[i] = tree_generation(&tree, nodes[i]);
    ck_assert_int_eq(run_in(generations[_i].what, NULL), 0);
    for (int i = 0; i < 4; i++)
        if (tree_find(&tree, nodes[i]))
            ck_assert_msg((tree_generation(&tree, nodes[i]) != before[i]) == generations[_i].changed[i], "%s: %s",
                          generations[_i].what, nodes[i]);
    end();
}
END_TEST

/* --- permissions --- */

static const struct {
    const char *perms;
    uint32_t domid;
    bool read, write;
} rights[] = {
    { "n3", 0, true, true },      { "n3", 3, true, true },     { "n3", 4, false, false },
    { "r3", 4, true, false },     { "w3", 4, false, true },    { "b3", 4, true, true },
    { "n3,r4", 4, true, false },  { "n3,w4", 4, false, true }, { "n3,b4", 4, true, true },
    { "b3,n4", 4, false, false }, { "b3,n4", 5, true, true },  { "n3,r4,b4", 4, true, false },
    { "n3,n3", 3, true, true },
};

START_TEST(permissions_say_who_reads_and_writes)
{
    struct actor actor = as(rights[_i].domid);
    struct node *node;

    begin();
    put(0, "/a", "x");
    ck_assert_int_eq(set(0, "/a", rights[_i].perms), 0);
    ck_assert_int_eq(op_get(&actor, "/a", &node), rights[_i].read ? 0 : -EACCES);
    ck_assert_int_eq(op_write(&actor, "/a", "y", 1), rights[_i].write ? 0 : -EACCES);
    ck_assert_int_eq(op_mkdir(&actor, "/a"), rights[_i].write ? 0 : -EACCES);
    ck_assert_int_eq(op_mkdir(&actor, "/a/sub"), rights[_i].write ? 0 : -EACCES);
    ck_assert_int_eq(op_get(&actor, "/a/none", &node), rights[_i].read ? -ENOENT : -EACCES);
    ck_assert_int_eq(op_rm(&actor, "/a"), rights[_i].write ? 0 : -EACCES);
    end();
}
END_TEST

START_TEST(a_new_node_has_its_parents_permissions_and_its_makers_name)
{
    char text[16];

    begin();
    put(0, "/a", "");
    set(0, "/a", "n3,b7,r4");
    ck_assert_int_eq(put(7, "/a/x/y", "v"), 0);
    ck_assert_int_eq(put(0, "/a/z", "v"), 0);
    for (int i = 0; i < 2; i++) {
        const struct node *node = tree_find(&tree, i ? "/a/x/y" : "/a/x");

        ck_assert_uint_eq(node->n_perms, 3);
        perm_format(&node->perms[0], text);
        ck_assert_str_eq(text, "n7");
        perm_format(&node->perms[1], text);
        ck_assert_str_eq(text, "b7");
        perm_format(&node->perms[2], text);
        ck_assert_str_eq(text, "r4");
    }
    perm_format(&tree_find(&tree, "/a/z")->perms[0], text);
    ck_assert_str_eq(text, "n3");
    end();
}
END_TEST

START_TEST(only_the_owner_and_domain_0_set_permissions_and_only_domain_0_gives_away)
{
    begin();
    put(0, "/a", "");
    ck_assert_int_eq(set(0, "/a", "b3"), 0);
    ck_assert_int_eq(set(4, "/a", "b4"), -EACCES);
    ck_assert_int_eq(set(3, "/a", "n3,r4"), 0);
    ck_assert_int_eq(set(3, "/a", "n4"), -EPERM);
    ck_assert_int_eq(set(0, "/a", "n4"), 0);
    ck_assert_int_eq(set(0, "/none", "n4"), -ENOENT);
    end();
}
END_TEST

static const struct {
    const char *text;
    int result;
} perm_texts[] = {
    { "n0", 0 },     { "b65535", 0 },    { "r12", 0 },          { "w1", 0 },        { "x1", -EINVAL }, { "r", -EINVAL },
    { "", -EINVAL }, { "r-1", -EINVAL }, { "r65536", -EINVAL }, { "r1 ", -EINVAL }, { "R1", -EINVAL },
};

START_TEST(permission_texts_are_a_letter_and_a_number)
{
    struct perm perm;
    char text[16];

    ck_assert_int_eq(perm_parse(perm_texts[_i].text, &perm), perm_texts[_i].result);
    if (perm_texts[_i].result == 0) {
        perm_format(&perm, text);
        ck_assert_str_eq(text, perm_texts[_i].text);
    }
}
END_TEST

START_TEST(removing_what_is_not_there_is_fine_where_its_parent_is)
{
    struct actor dom0 = as(0);

    begin();
    put(0, "/a", "");
    ck_assert_int_eq(op_rm(&dom0, "/a/none"), 0);
    ck_assert_int_eq(op_rm(&dom0, "/none/none"), -ENOENT);
    ck_assert_int_eq(op_rm(&dom0, "/"), -EINVAL);
    end();
}
END_TEST

START_TEST(a_dead_domains_nodes_go_and_no_permission_names_it_any_more)
{
    struct actor dom0 = as(0);
    char text[16];
    bool keep = _i;

    begin();
    put(0, "/d3/device/x", "1");
    set(0, "/d3/device", "n3,r0");
    put(0, "/other", "2");
    set(0, "/other", "n0,r3,r4");
    ck_assert_int_eq(op_forget_domain(&dom0, 3, keep), 0);
    ck_assert_int_eq(tree_find(&tree, "/d3/device/x") != NULL, keep);
    ck_assert_ptr_nonnull(tree_find(&tree, "/d3"));
    if (keep) {
        perm_format(&tree_find(&tree, "/d3/device")->perms[0], text);
        ck_assert_str_eq(text, "n0");
    }
    ck_assert_uint_eq(tree_find(&tree, "/other")->n_perms, 2);
    perm_format(&tree_find(&tree, "/other")->perms[1], text);
    ck_assert_str_eq(text, "r4");
    end();
}
END_TEST

/* --- what watches are told --- */

static void told(const char *expected)
{
    char text[512] = "";

    for (const struct tree_change *c = changes.first; c; c = c->next) {
        strcat(text, c->exact ? "=" : "");
        strcat(text, c->path);
        strcat(text, " ");
    }
    ck_assert_str_eq(text, expected);
    changes_deinit(&changes);
}

START_TEST(a_removal_is_told_exactly_of_each_node_below_and_then_of_itself)
{
    struct actor dom0 = as(0);

    begin();
    put(0, "/a/b", "");
    put(0, "/a/c/d", "");
    told("/a/b /a/c/d ");
    ck_assert_int_eq(op_rm(&dom0, "/a"), 0);
    told("=/a/b =/a/c/d =/a/c /a ");
    ck_assert_int_eq(op_rm(&dom0, "/a"), 0);
    told("");
    end();
}
END_TEST

START_TEST(a_failed_operation_changes_nothing_and_tells_nobody)
{
    uint64_t before;

    begin();
    put(0, "/a", "");
    told("/a ");
    before = pool.generation;
    ck_assert_int_eq(put(3, "/a/b", "x"), -EACCES);
    ck_assert_int_eq(put(3, "/a", "x"), -EACCES);
    ck_assert_uint_eq(pool.generation, before);
    told("");
    end();
}
END_TEST

static const struct {
    const char *path;
    const char *perms;
    bool visible;
} sights[] = {
    { "/p/n", "n0|n0", false }, { "/p/n", "n0,r3|n0", true },     { "/p/n", "n0|n0,r3", true },
    { "/p/n", "n3|n0", true },  { "/p/n", "n0,w3|n0,w3", false },
};

START_TEST(a_domain_is_told_of_nodes_that_it_or_whose_parent_it_may_read)
{
    char parent[32], *node;

    begin();
    strcpy(parent, sights[_i].perms);
    node = strchr(parent, '|');
    *node++ = '\0';
    put(0, "/p/n", "");
    set(0, "/p", parent);
    set(0, "/p/n", node);
    changes_deinit(&changes);
    put(0, "/p/n", "new");
    ck_assert_int_eq(change_visible(changes.first, &tree, 3), sights[_i].visible);
    ck_assert(change_visible(changes.first, &tree, 0));
    end();
}
END_TEST

START_TEST(a_domain_that_could_read_a_node_is_told_of_its_removal)
{
    struct actor dom0 = as(0);

    begin();
    put(0, "/p/n", "");
    set(0, "/p/n", "n0,r3");
    changes_deinit(&changes);
    op_rm(&dom0, "/p/n");
    ck_assert(change_visible(changes.first, &tree, 3));
    ck_assert(!change_visible(changes.first, &tree, 4));
    end();
}
END_TEST

/* --- transactions --- */

static struct txn *start(uint32_t domid)
{
    struct txn *txn = NULL;

    ck_assert_int_eq(txn_new(&txn, 1, domid, &tree), 0);
    return txn;
}

/* One operation in a transaction, and one outside before it commits. Store: /a/b, /a/c, /d/e. */
static const struct {
    const char *inside, *outside;
    int result;
} conflicts[] = {
    { "read /a/b", "write /a/b", -EAGAIN },
    { "read /a/b", "write /a/c", 0 },
    { "read /a/b", "chmod /a/b", -EAGAIN },
    { "read /a/b", "rm /a/b", -EAGAIN },
    { "read /a/b", "rm /a", -EAGAIN },
    { "read /a/b", "write /a/b/new", -EAGAIN },
    { "read /a/b", "write /a/new", 0 },
    { "read /a", "write /a/new", -EAGAIN },
    { "read /a", "rm /a/b", -EAGAIN },
    { "read /a", "write /a/b", 0 },
    { "read /a/none", "write /a/none", -EAGAIN },
    { "read /a/none", "write /a/other", -EAGAIN },
    { "read /a/none", "write /a/b", 0 },
    { "write /a/b", "write /a/b", -EAGAIN },
    { "write /a/b", "write /a/c", 0 },
    { "write /a/b", "write /d/e", 0 },
    { "write /a/b", "read /a/b", 0 },
    { "write /a/new", "write /a/new", -EAGAIN },
    { "write /a/new", "write /a/other", -EAGAIN },
    { "write /a/new", "rm /a", -EAGAIN },
    { "write /a/new/x", "write /a/b", 0 },
    { "mkdir /a/b", "rm /a/b", -EAGAIN },
    { "rm /a", "write /a/b", -EAGAIN },
    { "rm /a", "write /a/b/new", -EAGAIN },
    { "rm /a", "write /d/e", 0 },
    { "rm /a", "write /new", -EAGAIN },
    { "rm /a/b", "write /a/new", -EAGAIN },
    { "chmod /a/b", "write /a/b", -EAGAIN },
    { "chmod /a/b", "chmod /a/c", 0 },
};

START_TEST(a_transaction_conflicts_with_whoever_changed_what_it_saw)
{
    struct txn *txn;

    begin();
    put(0, "/a/b", "1");
    put(0, "/a/c", "2");
    put(0, "/d/e", "3");
    txn = start(0);
    if (strstr(conflicts[_i].inside, "none"))
        ck_assert_int_eq(run_in(conflicts[_i].inside, txn), -ENOENT);
    else
        ck_assert_int_eq(run_in(conflicts[_i].inside, txn), 0);
    ck_assert_int_eq(run_in(conflicts[_i].outside, NULL), 0);
    ck_assert_int_eq(txn_commit(txn, &tree, &quota, &changes), conflicts[_i].result);
    txn_free(txn);
    end();
}
END_TEST

START_TEST(a_transaction_sees_its_own_changes_and_nobody_elses)
{
    struct actor actor = as(0);
    struct node *node;

    begin();
    put(0, "/a", "old");
    actor.txn = start(0);
    actor.changes = NULL;
    put(0, "/b", "outside");
    ck_assert_int_eq(op_write(&actor, "/a", "inside", 6), 0);
    ck_assert_int_eq(op_get(&actor, "/a", &node), 0);
    ck_assert_str_eq(node->value, "inside");
    ck_assert_int_eq(op_get(&actor, "/b", &node), -ENOENT);
    ck_assert_str_eq(tree_find(&tree, "/a")->value, "old");
    txn_free(actor.txn);
    ck_assert_str_eq(tree_find(&tree, "/a")->value, "old");
    end();
}
END_TEST

START_TEST(a_commit_makes_all_changes_at_once_and_tells_of_each_path_once)
{
    struct actor actor = as(0);
    const struct perm perm = { 3, PERM_READ };

    begin();
    put(0, "/a/b", "old");
    put(0, "/gone/x", "");
    changes_deinit(&changes);
    actor.txn = start(0);
    actor.changes = NULL;
    ck_assert_int_eq(op_write(&actor, "/a/b", "1", 1), 0);
    ck_assert_int_eq(op_write(&actor, "/a/b", "22", 2), 0);
    ck_assert_int_eq(op_mkdir(&actor, "/m/n"), 0);
    ck_assert_int_eq(op_set_perms(&actor, "/a/b", &perm, 1), 0);
    ck_assert_int_eq(op_rm(&actor, "/gone"), 0);
    told("");
    put(0, "/elsewhere/x", "");
    changes_deinit(&changes);
    ck_assert_int_eq(txn_commit(actor.txn, &tree, &quota, &changes), -EAGAIN); /* / got a child */
    told("");
    txn_free(actor.txn);

    actor.txn = start(0);
    op_write(&actor, "/a/b", "1", 1);
    op_write(&actor, "/a/b", "22", 2);
    op_mkdir(&actor, "/m/n");
    op_set_perms(&actor, "/a/b", &perm, 1);
    op_rm(&actor, "/gone");
    op_write(&actor, "/m/passing", "", 0);
    op_rm(&actor, "/m/passing");
    ck_assert_int_eq(txn_commit(actor.txn, &tree, &quota, &changes), 0);
    told("/a/b /m/n /gone =/gone/x ");
    ck_assert_str_eq(tree_find(&tree, "/a/b")->value, "22");
    ck_assert_uint_eq(tree_find(&tree, "/a/b")->perms[0].domid, 3);
    ck_assert_ptr_nonnull(tree_find(&tree, "/m/n"));
    ck_assert_ptr_null(tree_find(&tree, "/gone"));
    txn_free(actor.txn);
    end();
}
END_TEST

START_TEST(a_guests_transaction_makes_nodes_of_the_guest)
{
    struct actor actor = as(7);

    begin();
    put(0, "/d7", "");
    set(0, "/d7", "n7");
    actor.txn = start(7);
    actor.changes = NULL;
    ck_assert_int_eq(op_write(&actor, "/d7/x", "1", 1), 0);
    ck_assert_int_eq(op_write(&actor, "/x", "1", 1), -EACCES);
    ck_assert_int_eq(txn_commit(actor.txn, &tree, &quota, &changes), 0);
    ck_assert_uint_eq(tree_find(&tree, "/d7/x")->perms[0].domid, 7);
    txn_free(actor.txn);
    end();
}
END_TEST

/* --- quotas --- */

START_TEST(a_guest_owns_so_many_nodes_of_such_a_size_and_no_more)
{
    const struct quota old = quota;

    begin();
    quota.nodes = 4;
    quota.node_size = 5;
    quota.node_perms = 2;
    put(0, "/g", "");
    set(0, "/g", "n7");                             /* the first */
    ck_assert_int_eq(put(7, "/g/a/b", "12345"), 0); /* three */
    ck_assert_int_eq(put(7, "/g/a/b", "123456"), -ENOSPC);
    ck_assert_int_eq(put(7, "/g/x/y", ""), -ENOSPC); /* would be five */
    ck_assert_int_eq(put(7, "/g/x", ""), 0);
    ck_assert_int_eq(put(7, "/g/z", ""), -ENOSPC);
    ck_assert_int_eq(put(0, "/g/z", "123456"), 0); /* domain 0 has none, though the node is 7's */
    ck_assert_int_eq(set(7, "/g/x", "n7,r1,r2"), -ENOSPC);
    ck_assert_int_eq(set(7, "/g/x", "n7,r1"), 0);
    quota = old;
    end();
}
END_TEST

/* --- lack of memory --- */

/* The whole content as one number, which a failed operation must not change. */
static int sum_node(void *ctx, const char *path, struct node *node)
{
    uint64_t *sum = ctx;

    for (const char *p = path; *p; p++)
        *sum = *sum * 31 + (unsigned char)*p;
    for (size_t i = 0; i < node->value_len; i++)
        *sum = *sum * 37 + (unsigned char)node->value[i];
    *sum = *sum * 41 + node->perms[0].domid;
    return 0;
}

static uint64_t content(void)
{
    uint64_t sum = 0;

    ck_assert_int_eq(node_walk(tree.root, "/", PARENTS_FIRST, sum_node, &sum), 0);
    return sum;
}

static const char *const memory_ops[] = {
    "write /a/b", "write /a/new", "write /n/e/w", "mkdir /n/e/w", "rm /a", "rm /a/b", "chmod /a/b", "read /a/b",
};

START_TEST(an_operation_without_memory_fails_whole_and_works_later)
{
    const char *what = memory_ops[_i];
    long n = 0;
    int r;

    do {
        struct tree snapshot;
        uint64_t before;

        begin();
        put(0, "/a/b", "1");
        put(0, "/a/c", "2");
        tree_share(&snapshot, &tree); /* so that everything must be copied */
        before = content();
        fail_at = ++n;
        r = run_in(what, NULL);
        fail_at = 0;
        if (r < 0) {
            ck_assert_int_eq(r, -ENOMEM);
            ck_assert_uint_eq(content(), before);
        }
        changes_deinit(&changes);
        ck_assert_int_eq(run_in(what, NULL), 0);
        tree_deinit(&snapshot);
        end();
    } while (r < 0);
    ck_assert_int_gt(n, what[0] == 'r' && what[1] == 'e' ? 0 : 3);
}
END_TEST

START_TEST(a_transaction_without_memory_commits_nothing_or_all)
{
    long n = 0;
    int r;

    do {
        struct actor actor = as(0);
        uint64_t before;

        begin();
        put(0, "/a/b", "1");
        before = content();
        actor.changes = NULL;
        fail_at = ++n;
        r = txn_new(&actor.txn, 1, 0, &tree);
        if (r == 0) {
            op_write(&actor, "/a/b", "new", 3); /* whichever fails, the commit must */
            op_mkdir(&actor, "/x/y");
            op_rm(&actor, "/a");
            r = txn_commit(actor.txn, &tree, &quota, &changes);
            txn_free(actor.txn);
        }
        fail_at = 0;
        if (r < 0) {
            ck_assert_int_eq(r, -ENOMEM);
            ck_assert_uint_eq(content(), before);
        } else {
            ck_assert_ptr_nonnull(tree_find(&tree, "/x/y"));
            ck_assert_ptr_null(tree_find(&tree, "/a"));
        }
        end();
    } while (r < 0);
    ck_assert_int_gt(n, 20);
}
END_TEST

#define N(table) (int)(sizeof(table) / sizeof((table)[0]))

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, only_paths_of_xenstores_alphabet_are_valid, 0, N(paths));
    tcase_add_loop_test(t, a_path_has_2048_bytes_at_most_below_its_domains_home, 0, N(lengths));
    tcase_add_loop_test(t, a_path_is_below_itself_and_its_ancestors, 0, N(belows));
    tcase_add_test(t, children_are_found_whatever_the_order_they_came_in);
    tcase_add_test(t, a_shared_tree_keeps_what_it_had);
    tcase_add_loop_test(t, a_change_gives_a_new_generation_to_the_node_and_to_a_parent_that_gains_or_loses_it, 0,
                        N(generations));
    tcase_add_loop_test(t, permissions_say_who_reads_and_writes, 0, N(rights));
    tcase_add_test(t, a_new_node_has_its_parents_permissions_and_its_makers_name);
    tcase_add_test(t, only_the_owner_and_domain_0_set_permissions_and_only_domain_0_gives_away);
    tcase_add_loop_test(t, permission_texts_are_a_letter_and_a_number, 0, N(perm_texts));
    tcase_add_test(t, removing_what_is_not_there_is_fine_where_its_parent_is);
    tcase_add_loop_test(t, a_dead_domains_nodes_go_and_no_permission_names_it_any_more, 0, 2);
    tcase_add_test(t, a_removal_is_told_exactly_of_each_node_below_and_then_of_itself);
    tcase_add_test(t, a_failed_operation_changes_nothing_and_tells_nobody);
    tcase_add_loop_test(t, a_domain_is_told_of_nodes_that_it_or_whose_parent_it_may_read, 0, N(sights));
    tcase_add_test(t, a_domain_that_could_read_a_node_is_told_of_its_removal);
    tcase_add_loop_test(t, a_transaction_conflicts_with_whoever_changed_what_it_saw, 0, N(conflicts));
    tcase_add_test(t, a_transaction_sees_its_own_changes_and_nobody_elses);
    tcase_add_test(t, a_commit_makes_all_changes_at_once_and_tells_of_each_path_once);
    tcase_add_test(t, a_guests_transaction_makes_nodes_of_the_guest);
    tcase_add_test(t, a_guest_owns_so_many_nodes_of_such_a_size_and_no_more);
    tcase_add_loop_test(t, an_operation_without_memory_fails_whole_and_works_later, 0, N(memory_ops));
    tcase_add_test(t, a_transaction_without_memory_commits_nothing_or_all);
}

int main(void)
{
    return run_tests("mock-xen store", NULL, NULL, add_tests);
}
