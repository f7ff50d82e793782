// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xenstored's requests (xs_wire.h, and docs/misc/xenstore.txt of Xen): each
 * handler parses the payload, does one operation of txn.h, and answers.
 * A handler returns 0 when it has answered, or -errno.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "mock.h"

#define MAX_ARGS 1024 /* strings in a payload: more are never looked at */

struct request {
    struct conn *conn;
    struct mock *mock;
    const struct xsd_sockmsg *hdr;
    char *payload;
    size_t len;
    struct txn *txn; /* the transaction it belongs to, or NULL */
    char path[XENSTORE_ABS_PATH_MAX + 1];
};

/* --- answers --- */

static void answer(const struct request *rq, const void *data, size_t len)
{
    struct xsd_sockmsg hdr = { .type = rq->hdr->type, .req_id = rq->hdr->req_id, .tx_id = rq->hdr->tx_id };

    conn_send(rq->conn, &hdr, data, len, NULL, 0);
}

static int answer_text(const struct request *rq, const char *text)
{
    answer(rq, text, strlen(text) + 1);
    return 0;
}

static int ok(const struct request *rq)
{
    return answer_text(rq, "OK");
}

void xs_error(struct conn *conn, const struct xsd_sockmsg *hdr, int errnum)
{
    struct xsd_sockmsg out = { .type = XS_ERROR, .req_id = hdr->req_id, .tx_id = hdr->tx_id };
    const char *name = xs_error_name(errnum);

    conn_send(conn, &out, name, strlen(name) + 1, NULL, 0);
}

/* --- arguments --- */

/* The payload's strings; each must end in NUL. Their number, or -EINVAL. */
static int split(char *payload, size_t len, char **args, unsigned max)
{
    unsigned n = 0;

    if (len > 0 && payload[len - 1] != '\0')
        return -EINVAL;
    for (size_t at = 0; at < len && n < max; at += strlen(payload + at) + 1)
        args[n++] = payload + at;
    return (int)n;
}

/* The first string of the payload as a path of the tree. */
static int path_arg(struct request *rq, bool special)
{
    int r;

    if (!memchr(rq->payload, '\0', rq->len))
        return -EINVAL;
    r = path_canonical(rq->conn->domid, rq->payload, rq->path);
    return r == 0 && rq->path[0] == '@' && !special ? -EINVAL : r;
}

/* For requests with nothing but a path. */
static int only_path(struct request *rq)
{
    int r = path_arg(rq, false);

    return r == 0 && strlen(rq->payload) + 1 != rq->len ? -EINVAL : r;
}

static int domid_arg(const char *text, uint32_t *domid)
{
    return parse_u32_str(text, DOMID_MAX, domid) < 0 ? -EINVAL : 0;
}

/* --- the tree --- */

static struct actor actor_of(const struct request *rq, struct tree_changes *changes)
{
    return (struct actor){ .domid = rq->conn->domid,
                           .tree = &rq->mock->tree,
                           .txn = rq->txn,
                           .quota = &rq->mock->quota,
                           .changes = rq->txn ? NULL : changes };
}

/* After an operation: the client gets its answer, then watches fire. */
static int finish(const struct request *rq, struct tree_changes *changes, int r)
{
    if (r == 0)
        ok(rq);
    if (r == 0)
        watches_fire(rq->mock, changes);
    changes_deinit(changes);
    return r;
}

static int get_node(struct request *rq, struct node **out)
{
    struct actor actor = actor_of(rq, NULL);

    return op_get(&actor, rq->path, out);
}

static int do_read(struct request *rq)
{
    struct node *node;
    int r = only_path(rq);

    if (r == 0)
        r = get_node(rq, &node);
    if (r == 0)
        answer(rq, node->value, node->value_len);
    return r;
}

/* All names, each with its NUL, into fresh memory. */
static char *list_children(const struct node *node, size_t *len)
{
    size_t size = 1, at = 0;
    char *list;

    for (unsigned i = 0; i < node->n_children; i++)
        size += strlen(node->children[i]->name) + 1;
    list = malloc(size);
    for (unsigned i = 0; list && i < node->n_children; i++) {
        size_t n = strlen(node->children[i]->name) + 1;

        memcpy(list + at, node->children[i]->name, n);
        at += n;
    }
    *len = at;
    return list;
}

/* The request's node and the names of its children. *list belongs to the caller. */
static int get_children(struct request *rq, struct node **node, char **list, size_t *len)
{
    int r = get_node(rq, node);

    if (r < 0)
        return r;
    *list = list_children(*node, len);
    return *list ? 0 : -ENOMEM;
}

static int do_directory(struct request *rq)
{
    CLEANUP_FREE char *list = NULL;
    struct node *node;
    size_t len;
    int r = only_path(rq);

    if (r == 0)
        r = get_children(rq, &node, &list, &len);
    if (r < 0)
        return r;
    if (len > XENSTORE_PAYLOAD_MAX) /* the client then asks for parts */
        return -E2BIG;
    answer(rq, list, len);
    return 0;
}

/* path, offset -> generation, names from that offset on as fit; an empty name after the last. */
static int do_directory_part(struct request *rq)
{
    CLEANUP_FREE char *list = NULL;
    char *args[2], out[XENSTORE_PAYLOAD_MAX];
    struct node *node;
    uint32_t offset;
    size_t len, at, n;
    int r = path_arg(rq, false);

    if (r == 0 && split(rq->payload, rq->len, args, 2) != 2)
        r = -EINVAL;
    if (r == 0 && parse_u32_str(args[1], UINT32_MAX, &offset) < 0)
        r = -EINVAL;
    if (r == 0)
        r = get_children(rq, &node, &list, &len);
    if (r < 0)
        return r;
    list[len++] = '\0';
    at = (size_t)snprintf(out, sizeof(out), "%" PRIu64, node->generation) + 1;
    if (offset >= len) { /* past the end: only the end mark */
        out[at++] = '\0';
        answer(rq, out, at);
        return 0;
    }
    n = len - offset;
    if (n > sizeof(out) - at) { /* whole names only */
        n = sizeof(out) - at;
        while (n > 0 && list[offset + n - 1] != '\0')
            n--;
    }
    memcpy(out + at, list + offset, n);
    answer(rq, out, at + n);
    return 0;
}

static int do_write(struct request *rq)
{
    struct tree_changes changes;
    struct actor actor = actor_of(rq, &changes);
    size_t path_len;
    int r = path_arg(rq, false);

    if (r < 0)
        return r;
    path_len = strlen(rq->payload) + 1;
    changes_init(&changes, &rq->mock->pool);
    r = op_write(&actor, rq->path, rq->payload + path_len, rq->len - path_len);
    return finish(rq, &changes, r);
}

static int do_mkdir_or_rm(struct request *rq, int (*op)(const struct actor *, const char *))
{
    struct tree_changes changes;
    struct actor actor = actor_of(rq, &changes);
    int r = only_path(rq);

    if (r < 0)
        return r;
    changes_init(&changes, &rq->mock->pool);
    return finish(rq, &changes, op(&actor, rq->path));
}

static int do_mkdir(struct request *rq)
{
    return do_mkdir_or_rm(rq, op_mkdir);
}

static int do_rm(struct request *rq)
{
    return do_mkdir_or_rm(rq, op_rm);
}

static int do_get_perms(struct request *rq)
{
    char out[XENSTORE_PAYLOAD_MAX];
    struct node *node;
    size_t at = 0;
    int r = only_path(rq);

    if (r == 0)
        r = get_node(rq, &node);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < node->n_perms; i++) {
        char text[16];
        size_t n;

        perm_format(&node->perms[i], text);
        n = strlen(text) + 1;
        if (at + n > sizeof(out))
            return -E2BIG;
        memcpy(out + at, text, n);
        at += n;
    }
    answer(rq, out, at);
    return 0;
}

static int do_set_perms(struct request *rq)
{
    struct tree_changes changes;
    struct actor actor = actor_of(rq, &changes);
    char *args[MAX_ARGS];
    struct perm perms[MAX_ARGS];
    int n, r = path_arg(rq, true);

    if (r < 0)
        return r;
    n = split(rq->payload, rq->len, args, MAX_ARGS);
    if (n < 2)
        return -EINVAL;
    for (int i = 1; r == 0 && i < n; i++)
        r = perm_parse(args[i], &perms[i - 1]);
    if (r < 0)
        return r;
    changes_init(&changes, &rq->mock->pool);
    if (rq->path[0] == '@') { /* only the two special paths have permissions */
        char path[XENSTORE_ABS_PATH_MAX + 2] = "/";

        actor.tree = &rq->mock->special;
        actor.txn = NULL;
        actor.changes = NULL;
        memcpy(path + 1, rq->path, strlen(rq->path) + 1);
        r = op_set_perms(&actor, path, perms, (unsigned)(n - 1));
        if (r == -ENOENT)
            r = -EINVAL;
    } else {
        r = op_set_perms(&actor, rq->path, perms, (unsigned)(n - 1));
    }
    return finish(rq, &changes, r);
}

/* --- watches --- */

static int watch_args(struct request *rq, char **args)
{
    return rq->txn || split(rq->payload, rq->len, args, 2) != 2 ? -EINVAL : 0;
}

static int do_watch(struct request *rq)
{
    char *args[2];
    int r = watch_args(rq, args);

    if (r == 0)
        r = path_arg(rq, true);
    if (r < 0)
        return r;
    if (rq->conn->domid != 0 && watches_of_domain(rq->mock, rq->conn->domid) >= rq->mock->quota.watches)
        return -E2BIG;
    r = watch_add(rq->conn, args[0], rq->path, args[1]);
    if (r < 0)
        return r;
    ok(rq);
    watch_event(rq->conn, args[0], args[1]);
    return 0;
}

static int do_unwatch(struct request *rq)
{
    char *args[2];
    int r = watch_args(rq, args);

    if (r == 0) /* an invalid path is never watched */
        r = path_arg(rq, true) == 0 ? watch_remove(rq->conn, rq->path, args[1]) : -ENOENT;
    return r == 0 ? ok(rq) : r;
}

/* --- transactions --- */

static struct txn **find_txn(struct conn *conn, uint32_t id)
{
    for (unsigned i = 0; i < conn->n_txns; i++)
        if (txn_id(conn->txns[i]) == id)
            return &conn->txns[i];
    return NULL;
}

static int do_transaction_start(struct request *rq)
{
    struct conn *conn = rq->conn;
    struct txn **grown;
    char text[16];
    int r;

    if (rq->txn)
        return -EBUSY;
    if (conn->domid != 0 && conn->n_txns >= rq->mock->quota.transactions)
        return -ENOSPC;
    grown = realloc(conn->txns, (conn->n_txns + 1) * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    conn->txns = grown;
    do
        conn->last_txn_id++;
    while (conn->last_txn_id == 0 || find_txn(conn, conn->last_txn_id));
    r = txn_new(&conn->txns[conn->n_txns], conn->last_txn_id, conn->domid, &rq->mock->tree);
    if (r < 0)
        return r;
    conn->n_txns++;
    snprintf(text, sizeof(text), "%" PRIu32, conn->last_txn_id);
    return answer_text(rq, text);
}

static int do_transaction_end(struct request *rq)
{
    struct conn *conn = rq->conn;
    struct tree_changes changes;
    struct txn **place;
    int r = 0;

    if (rq->len != 2 || rq->payload[1] != '\0' || (rq->payload[0] != 'T' && rq->payload[0] != 'F'))
        return -EINVAL;
    if (!rq->txn)
        return -ENOENT;
    changes_init(&changes, &rq->mock->pool);
    if (rq->payload[0] == 'T')
        r = txn_commit(rq->txn, &rq->mock->tree, &rq->mock->quota, &changes);
    place = find_txn(conn, txn_id(rq->txn));
    *place = conn->txns[--conn->n_txns];
    txn_free(rq->txn);
    rq->txn = NULL;
    return finish(rq, &changes, r);
}

void xs_release(struct conn *conn)
{
    watches_free(conn);
    for (unsigned i = 0; i < conn->n_txns; i++)
        txn_free(conn->txns[i]);
    conn->n_txns = 0;
    free(conn->txns);
    conn->txns = NULL;
}

static int do_reset_watches(struct request *rq)
{
    xs_release(rq->conn);
    rq->txn = NULL;
    return ok(rq);
}

/* --- domains --- */

static int do_introduce(struct request *rq)
{
    char *args[3];
    uint32_t domid;
    int r;

    if (rq->conn->domid != 0)
        return -EACCES;
    if (split(rq->payload, rq->len, args, 3) != 3 || domid_arg(args[0], &domid) < 0)
        return -EINVAL;
    r = domain_introduce(rq->mock, domid);
    return r == 0 ? ok(rq) : r;
}

/* For the requests with one domain number. */
static int one_domid(struct request *rq, uint32_t *domid)
{
    char *args[1];

    return split(rq->payload, rq->len, args, 1) != 1 ? -EINVAL : domid_arg(args[0], domid);
}

static int do_release(struct request *rq)
{
    uint32_t domid;
    int r = rq->conn->domid != 0 ? -EACCES : one_domid(rq, &domid);

    if (r == 0)
        r = domain_release(rq->mock, domid);
    return r == 0 ? ok(rq) : r;
}

static int do_resume(struct request *rq)
{
    uint32_t domid;
    int r = rq->conn->domid != 0 ? -EACCES : one_domid(rq, &domid);

    if (r == 0 && !domain_find(rq->mock, domid, false))
        r = -ENOENT;
    return r == 0 ? ok(rq) : r;
}

static int do_get_domain_path(struct request *rq)
{
    char path[32];
    uint32_t domid;
    int r = one_domid(rq, &domid);

    if (r < 0)
        return r;
    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    return answer_text(rq, path);
}

static int do_is_domain_introduced(struct request *rq)
{
    const struct domain *domain;
    uint32_t domid;
    int r = one_domid(rq, &domid);

    if (r < 0)
        return r;
    domain = domain_find(rq->mock, domid, false);
    return answer_text(rq, domain && domain->introduced ? "T" : "F");
}

static int do_control(struct request *rq)
{
    CLEANUP_FREE char *text = NULL;
    char *args[MAX_ARGS];
    int n, r;

    if (rq->conn->domid != 0)
        return -EACCES;
    n = split(rq->payload, rq->len, args, MAX_ARGS);
    if (n < 1)
        return -EINVAL;
    r = control_command(rq->mock, args, (unsigned)n, &text);
    if (r < 0)
        return r;
    if (strlen(text) >= XENSTORE_PAYLOAD_MAX)
        text[XENSTORE_PAYLOAD_MAX - 1] = '\0';
    return answer_text(rq, text);
}

static int (*const handlers[XS_TYPE_COUNT])(struct request *rq) = {
    [XS_CONTROL] = do_control,
    [XS_DIRECTORY] = do_directory,
    [XS_READ] = do_read,
    [XS_GET_PERMS] = do_get_perms,
    [XS_WATCH] = do_watch,
    [XS_UNWATCH] = do_unwatch,
    [XS_TRANSACTION_START] = do_transaction_start,
    [XS_TRANSACTION_END] = do_transaction_end,
    [XS_INTRODUCE] = do_introduce,
    [XS_RELEASE] = do_release,
    [XS_GET_DOMAIN_PATH] = do_get_domain_path,
    [XS_WRITE] = do_write,
    [XS_MKDIR] = do_mkdir,
    [XS_RM] = do_rm,
    [XS_SET_PERMS] = do_set_perms,
    [XS_IS_DOMAIN_INTRODUCED] = do_is_domain_introduced,
    [XS_RESUME] = do_resume,
    [XS_RESET_WATCHES] = do_reset_watches,
    [XS_DIRECTORY_PART] = do_directory_part,
};

void xs_request(struct conn *conn, const struct xsd_sockmsg *hdr, char *payload)
{
    struct request rq = { .conn = conn, .mock = conn->mock, .hdr = hdr, .payload = payload, .len = hdr->len };
    int r = 0;

    if (hdr->type >= XS_TYPE_COUNT || !handlers[hdr->type]) {
        r = -ENOSYS;
    } else if (hdr->tx_id != 0) {
        struct txn **place = find_txn(conn, hdr->tx_id);

        if (place)
            rq.txn = *place;
        else
            r = -ENOENT;
    }
    if (r == 0)
        r = handlers[hdr->type](&rq);
    if (r < 0 && !conn->dead)
        xs_error(conn, hdr, -r);
}
