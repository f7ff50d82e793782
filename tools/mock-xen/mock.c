// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets mock-xen's store, domains and connections up, and frees them. main.c has options, signals and the fault page. */
#include "config.h"

#include "mock.h"

/* Each name is a node in a tree of its own, for its permissions alone. */
static int make_special(struct mock *mock)
{
    int r = tree_init(&mock->special, &mock->pool);

    if (r == 0)
        r = tree_create(&mock->special, "/@introduceDomain", "", 0, -1);
    if (r == 0)
        r = tree_create(&mock->special, "/@releaseDomain", "", 0, -1);
    return r;
}

int mock_init(struct mock *mock)
{
    int r = tree_init(&mock->tree, &mock->pool);

    conns_init(mock);
    return r == 0 ? make_special(mock) : r;
}

bool mock_deinit(struct mock *mock)
{
    conns_free(mock);
    domains_free(mock);
    if (mock->tree.root)
        tree_deinit(&mock->tree);
    if (mock->special.root)
        tree_deinit(&mock->special);
    faults_deinit(&mock->faults);
    return mock->pool.live_nodes == 0;
}
