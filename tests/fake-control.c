// SPDX-License-Identifier: GPL-2.0-or-later
/* A xenstore and worker processes in memory; see fake-control.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "../tools/mock-xen/path.h"
#include "../tools/mock-xen/txn.h"
#include "common/util.h"
#include "control/store.h"
#include "control/supervise.h"
#include "fake-control.h"

#define EVENTS_MAX 4096
#define WATCHES_MAX 256

static struct node_pool pool;
static struct tree tree; /* mock-xen's: there is one emulation of xenstore's nodes and of what a change fires */
static bool domains[32768];
static struct {
    char path[XENSTORE_ABS_PATH_MAX + 1], token[40];
    size_t relative; /* bytes of a path that the client does not see */
} watches[WATCHES_MAX];
static struct {
    char path[STORE_PATH_MAX], token[40];
} events[EVENTS_MAX];
static unsigned event_from, event_n;
static int event_fd = -1;
static unsigned fail_nth;
static int fail_error;
static bool lost;
unsigned fake_calls, fake_watches;
bool fake_no_domain_watch, fake_quota;

#define ANSWERS_MAX 4096
static struct {
    struct fake_child *child;
    struct worker_msg msg;
} answers[ANSWERS_MAX];
static unsigned n_answers;

struct store {
    int dummy;
};

/* --- nodes --- */

/* A relative path is below domain 0's home, as for xenstored. */
static const char *absolute(const char *path)
{
    static char buf[XENSTORE_ABS_PATH_MAX + 1];

    if (path_canonical(0, path, buf) < 0)
        abort();
    return buf;
}

static void queue_event(const char *path, const char *token)
{
    unsigned at = (event_from + event_n) % EVENTS_MAX;
    uint64_t one = 1;

    if (event_n == EVENTS_MAX)
        abort();
    snprintf(events[at].path, sizeof(events[at].path), "%s", path);
    snprintf(events[at].token, sizeof(events[at].token), "%s", token);
    event_n++;
    if (event_fd >= 0 && write(event_fd, &one, sizeof(one)) < 0)
        abort();
}

static void fire(const struct tree_changes *changes)
{
    for (const struct tree_change *c = changes->first; c; c = c->next)
        for (unsigned i = 0; i < WATCHES_MAX; i++)
            if (watches[i].path[0]
                && (c->exact ? strcmp(watches[i].path, c->path) == 0 : path_below(watches[i].path, c->path)))
                queue_event(c->path + watches[i].relative, watches[i].token);
}

static struct node *find(const char *path)
{
    return tree_find(&tree, absolute(path));
}

/* As domain 0, at once; value NULL removes the node and all below it. */
static void change(const char *path, const char *value)
{
    static const struct quota quota = QUOTA_DEFAULT;
    struct tree_changes changes;
    struct actor dom0 = { .tree = &tree, .quota = &quota, .changes = &changes };
    int r;

    changes_init(&changes, &pool);
    path = absolute(path);
    r = value ? op_write(&dom0, path, value, strlen(value)) : op_rm(&dom0, path);
    if (r < 0 && r != -ENOENT)
        abort();
    fire(&changes);
    changes_deinit(&changes);
}

void fake_fire(const char *watch_path)
{
    for (unsigned i = 0; i < WATCHES_MAX; i++)
        if (strcmp(watches[i].path, absolute(watch_path)) == 0)
            queue_event(watch_path, watches[i].token);
}

void fake_put(const char *path, const char *value)
{
    change(path, value);
}

void fake_putf(const char *value, const char *fmt, ...)
{
    char path[STORE_PATH_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    fake_put(path, value);
}

void fake_remove(const char *path)
{
    change(path, NULL);
}

const char *fake_get(const char *path)
{
    struct node *node = find(path);

    return node ? node->value : NULL;
}

void fake_domain(unsigned domid, bool there)
{
    domains[domid] = there;
    fake_fire(there ? "@introduceDomain" : "@releaseDomain");
}

void fake_fail(unsigned nth, int error)
{
    fail_nth = nth;
    fail_error = error;
}

void fake_lose(bool now)
{
    uint64_t one = 1;

    lost = now;
    if (event_fd >= 0 && write(event_fd, &one, sizeof(one)) < 0)
        abort();
}

void fake_reset(void)
{
    if (tree.root)
        tree_deinit(&tree);
    if (tree_init(&tree, &pool) < 0)
        abort();
    memset(domains, 0, sizeof(domains));
    memset(watches, 0, sizeof(watches));
    event_from = event_n = 0;
    fail_nth = 0;
    lost = false;
    fake_calls = fake_watches = 0;
    fake_no_domain_watch = fake_quota = false;
    fake_child_mute = fake_child_refuses = false;
    fake_connect_error = fake_added_error = 0;
    fake_keeps_helper = NULL;
    fake_n_children = 0;
    n_answers = 0;
    memset(fake_children, 0, sizeof(fake_children));
}

/* --- store.h --- */

static int call(void)
{
    fake_calls++;
    if (lost)
        return -EPIPE;
    if (fail_nth > 0 && --fail_nth == 0)
        return -fail_error;
    return 0;
}

int store_open(struct store **out, char *why, size_t why_size)
{
    static struct store one;

    if (lost) {
        snprintf(why, why_size, "cannot connect to xenstored");
        return -ECONNREFUSED;
    }
    memset(watches, 0, sizeof(watches));
    fake_watches = 0;
    event_n = 0;
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *out = &one;
    return event_fd < 0 ? -errno : 0;
}

void store_close(struct store *st)
{
    if (!st)
        return;
    close(event_fd);
    event_fd = -1;
}

int store_fd(const struct store *st)
{
    (void)st;
    return event_fd;
}

bool store_lost(const struct store *st)
{
    (void)st;
    return lost;
}

static int read_text(const char *path, char *buf, size_t size)
{
    const char *value = fake_get(path);

    buf[0] = '\0';
    if (!value)
        return -ENOENT;
    if (strlen(value) >= size)
        return -EMSGSIZE;
    strcpy(buf, value);
    return 0;
}

int store_read(struct store *st, const char *path, char *buf, size_t size)
{
    int r = call();

    (void)st;
    return r < 0 ? r : read_text(path, buf, size);
}

int store_read_u32(struct store *st, const char *path, uint32_t max, uint32_t *out)
{
    char text[32];
    int r = store_read(st, path, text, sizeof(text));

    return r == -EMSGSIZE ? -ERANGE : r < 0 ? r : parse_u32_str(text, max, out);
}

int store_read_pair(struct store *st, const char *path_a, const char *path_b, uint32_t *a, uint32_t *b)
{
    int r = store_read_u32(st, path_a, UINT32_MAX, a);

    return r < 0 ? r : store_read_u32(st, path_b, UINT32_MAX, b);
}

int store_remove(struct store *st, const char *path)
{
    int r = call();

    (void)st;
    if (r == 0)
        fake_remove(path);
    return r;
}

int store_remove_if_empty(struct store *st, const char *path)
{
    const struct node *node = find(path);
    int r = call();

    (void)st;
    if (r == 0 && node && node->n_children == 0)
        fake_remove(path);
    return r;
}

int store_list(struct store *st, const char *path, char ***names, unsigned *n)
{
    const struct node *node = find(path);
    size_t size = 1;
    int r = call();
    char **block, *text;

    (void)st;
    *n = 0;
    *names = NULL;
    if (r < 0)
        return r;
    if (!node)
        return -ENOENT;
    for (unsigned i = 0; i < node->n_children; i++)
        size += sizeof(char *) + strlen(node->children[i]->name) + 1;
    block = malloc(size);
    if (!block)
        return -ENOMEM;
    text = (char *)(block + node->n_children);
    for (unsigned i = 0; i < node->n_children; i++) {
        block[(*n)++] = strcpy(text, node->children[i]->name);
        text += strlen(text) + 1;
    }
    *names = block;
    return 0;
}

int store_introduced(struct store *st, uint16_t domid)
{
    int r = call();

    (void)st;
    return r < 0 ? r : domains[domid];
}

int store_write_batch(struct store *st, struct store_write *writes, unsigned n)
{
    int r = call();

    (void)st;
    for (unsigned i = 0; i < n; i++)
        if (r == 0 && fake_quota && !fake_get(writes[i].path))
            r = -ENOSPC;
    for (unsigned i = 0; i < n; i++) {
        const char *value = fake_get(writes[i].path);

        writes[i].done = r == 0 && (writes[i].expect < 0 || (value && atoi(value) == writes[i].expect));
        if (writes[i].done)
            fake_put(writes[i].path, writes[i].value);
    }
    return r;
}

int store_watch(struct store *st, const char *path, const char *token)
{
    int r = call();

    (void)st;
    if (r < 0)
        return r;
    if (path[0] == '@' && fake_no_domain_watch)
        return -EACCES;
    for (unsigned i = 0; i < WATCHES_MAX; i++) {
        if (watches[i].path[0])
            continue;
        strcpy(watches[i].path, absolute(path));
        watches[i].relative = strlen(watches[i].path) - strlen(path);
        snprintf(watches[i].token, sizeof(watches[i].token), "%s", token);
        fake_watches++;
        queue_event(path, token);
        return 0;
    }
    return -ENOSPC;
}

void store_unwatch(struct store *st, const char *path, const char *token)
{
    (void)st;
    for (unsigned i = 0; i < WATCHES_MAX; i++) {
        if (strcmp(watches[i].path, absolute(path)) == 0 && strcmp(watches[i].token, token) == 0) {
            watches[i].path[0] = '\0';
            fake_watches--;
        }
    }
}

int store_next_event(struct store *st, struct store_event *out)
{
    uint64_t count;

    (void)st;
    if (lost)
        return -EPIPE;
    if (event_n == 0) {
        if (read(event_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
            return -errno;
        return 0;
    }
    out->raw = malloc(sizeof(char *)); /* what the caller frees */
    out->path = events[event_from].path;
    out->token = events[event_from].token;
    event_from = (event_from + 1) % EVENTS_MAX;
    event_n--;
    return 1;
}

/* --- supervise.h --- */

struct child {
    struct fake_child *fake;
    const struct child_ops *ops;
    void *ctx;
};

struct fake_child fake_children[FAKE_CHILDREN];
static struct child handles[FAKE_CHILDREN];
unsigned fake_n_children;
bool fake_child_mute, fake_child_refuses;
int fake_connect_error, fake_added_error;
int *fake_keeps_helper;

struct fake_child *fake_child(void)
{
    return fake_n_children ? &fake_children[fake_n_children - 1] : NULL;
}

unsigned fake_count(const struct fake_child *c, uint32_t type)
{
    unsigned n = 0;

    for (unsigned i = 0; c && i < c->n_msgs; i++)
        n += c->msgs[i].type == type;
    return n;
}

const struct worker_msg *fake_last(const struct fake_child *c, uint32_t type)
{
    for (unsigned i = c ? c->n_msgs : 0; i > 0; i--)
        if (c->msgs[i - 1].type == type)
            return &c->msgs[i - 1];
    return NULL;
}

void fake_say(struct fake_child *c, const struct worker_msg *msg)
{
    struct child *h = &handles[c - fake_children];
    struct worker_msg said = *msg;

    if ((msg->type == WM_LUN_ADDED || msg->type == WM_LUN_REMOVED) && msg->ticket == 0 && msg->lun_index < 256)
        said.ticket = c->ticket[msg->lun_index];
    h->ops->message(h->ctx, &said);
}

void fake_die(struct fake_child *c)
{
    struct child *h = &handles[c - fake_children];

    c->alive = false;
    h->ops->died(h->ctx, "signal 9 (Killed)", false);
}

int child_start(struct loop *loop, const char *prefix, const struct child_ops *ops, void *ctx, struct child **out)
{
    unsigned i = fake_n_children;

    (void)loop;
    (void)prefix;
    if (fake_child_refuses || i == FAKE_CHILDREN)
        return -EAGAIN;
    fake_n_children++;
    fake_children[i] = (struct fake_child){ .alive = true, .pid = FAKE_PID + (int)i };
    handles[i] = (struct child){ .fake = &fake_children[i], .ops = ops, .ctx = ctx };
    *out = &handles[i];
    return 0;
}

int child_send(struct child *c, const struct worker_msg *msg, const int *fds, unsigned nfds)
{
    struct worker_msg answer = { .generation = msg->generation, .lun_index = msg->lun_index, .ticket = msg->ticket };

    if (msg->type == WM_HELPER_SOCKET && fake_keeps_helper && nfds > 0)
        *fake_keeps_helper = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
    for (unsigned i = 0; i < nfds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (msg->ticket)
        c->fake->ticket[msg->lun_index] = msg->ticket;
    if (c->fake->n_msgs < 512)
        c->fake->msgs[c->fake->n_msgs++] = *msg;
    if (fake_child_mute)
        return 0;
    switch (msg->type) {
    case WM_LUN_ADD:
        answer.type = WM_LUN_ADDED;
        answer.error = fake_added_error;
        break;
    case WM_LUN_REMOVE:
        answer.type = WM_LUN_REMOVED;
        break;
    case WM_LUN_CHANGE:
        if (msg->u.lun.change == 0)
            return 0;
        answer.type = WM_LUN_CHANGED;
        answer.u.change = msg->u.lun.change;
        break;
    case WM_CONNECT:
        answer.type = WM_CONNECTED;
        answer.error = fake_connect_error;
        c->fake->connected = fake_connect_error == 0;
        break;
    case WM_DISCONNECT:
        answer.type = WM_DISCONNECTED;
        c->fake->connected = false;
        break;
    case WM_QUIT:
        c->fake->quit = true;
        return 0;
    default:
        return 0;
    }
    if (n_answers == ANSWERS_MAX)
        abort();
    answers[n_answers].child = c->fake;
    answers[n_answers++].msg = answer;
    return 0;
}

bool fake_pump(void)
{
    unsigned n = n_answers;

    /* Those that come meanwhile are for the next time. */
    for (unsigned i = 0; i < n; i++)
        if (answers[i].child->alive)
            fake_say(answers[i].child, &answers[i].msg);
    memmove(answers, answers + n, (n_answers - n) * sizeof(answers[0]));
    n_answers -= n;
    return n > 0;
}

pid_t child_pid(const struct child *c)
{
    return c->fake->pid;
}

void child_kill(struct child *c)
{
    fake_die(c->fake);
}

void child_abandon(struct child *c)
{
    c->fake->alive = c->fake->connected = false;
}

unsigned child_abandoned(void)
{
    return 0;
}
