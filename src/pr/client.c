// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PR helper's client; see client.h. All work is done in callbacks of the event loop. A submit only queues the
 * command and arms a timer without delay, so done() is never called from inside it.
 *
 * The command at the head of the queue has its turn. It stays in the queue until it is answered. `asked` says that
 * the protocol machine has it. `left` says that a byte of it may have reached the helper: from then on a PERSISTENT
 * RESERVE OUT is never sent again.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "common/util.h"
#include "pr/client.h"
#include "pr/proto.h"

#define BACKOFF_FIRST_MS 20
#define BACKOFF_MAX_MS 5000
/* While a command waits, the client tries to connect at least this often. So a command gets BUSY at most this often. */
#define BACKOFF_WAITING_MS 100

struct pr_command {
    struct pr_command *next;
    void *token;
    uint8_t cdb[SCSI_CDB_MAX];
    uint32_t buffer_len; /* length of the guest's buffer: the residual is counted from it */
    uint32_t deadline_ms;
    bool started; /* its deadline is running */
    bool asked, left;
    bool retried; /* 5Eh: sent for the second time */
    uint32_t list_len;
    uint8_t list[];
};

struct pr_client {
    struct loop *loop;
    struct pr_client_config config;                         /* its strings point to the following: */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": the defaults */
    char prefix[80];
    struct log_limit limit;

    struct loop_source socket;        /* fd -1: no connection */
    struct loop_timer kick_timer;     /* a command was queued */
    struct loop_timer retry_timer;    /* armed while the helper is away: the next attempt to connect */
    struct loop_timer deadline_timer; /* deadline of the head or, before its turn, of the handshake */
    struct pr_proto proto;

    struct pr_command *head, **tail;
    unsigned pending;

    uint64_t away_since_us; /* 0: the helper is not away */
    uint64_t attempt_us;    /* of the last connect */
    uint32_t backoff_ms;
    enum worker_helper_state reported;

    bool asking; /* connect() was called, and pr_client_connected() was not */
    bool inside; /* a callback of the loop is running */
    bool dead;   /* freed by a callback; the memory is freed when `inside` ends */
};

/* --- commands --- */

static void forget(struct pr_client *c, struct pr_command **at)
{
    struct pr_command *cmd = *at;

    *at = cmd->next;
    if (!cmd->next)
        c->tail = at;
    c->pending--;
    if (cmd->started)
        loop_timer_cancel(&c->deadline_timer);
    free(cmd);
}

/* Ends the command at the head. Its callback may queue and cancel commands, and free the client. */
static void end_head(struct pr_client *c, const struct scsi_answer *answer, const uint8_t *data, uint32_t len)
{
    void *token = c->head->token;

    forget(c, &c->head);
    c->config.done(c->config.ctx, token, answer, data, len);
}

/* 0B/08/00, LOGICAL UNIT COMMUNICATION FAILURE: it is not known whether the command was carried out. */
static void fail_head(struct pr_client *c)
{
    struct scsi_answer answer;

    scsi_answer_sense(&answer, (struct scsi_sense){ 0x0b, 0x08, 0x00 }, SCSI_HOST_OK, c->head->buffer_len);
    end_head(c, &answer, NULL, 0);
}

static void busy_head(struct pr_client *c)
{
    struct scsi_answer answer;

    scsi_answer_status(&answer, SCSI_BUSY, SCSI_HOST_OK, c->head->buffer_len);
    end_head(c, &answer, NULL, 0);
}

static void answer_head(struct pr_client *c)
{
    const struct pr_command *cmd = c->head;
    bool out = cmd->cdb[0] == PR_OP_OUT;
    uint32_t moved = 0;
    struct pr_reply reply;
    struct scsi_answer answer;

    pr_proto_reply(&c->proto, &reply);
    if (reply.status == SCSI_CHECK_CONDITION && reply.sense_len == 0) {
        fail_head(c);
        return;
    }
    if (reply.status == SCSI_GOOD) {
        moved = out ? cmd->list_len : reply.data_len;
        if (moved > cmd->buffer_len)
            moved = cmd->buffer_len;
    }
    scsi_answer_status(&answer, reply.status, SCSI_HOST_OK, cmd->buffer_len - moved);
    answer.sense_len = reply.sense_len;
    memcpy(answer.sense, reply.sense, reply.sense_len);
    end_head(c, &answer, reply.data, out ? 0 : moved);
}

static bool busy_window_open(const struct pr_client *c)
{
    return now_us() - c->away_since_us < (uint64_t)c->config.away_busy_ms * 1000;
}

/*
 * The helper is away: answers all commands that wait. It does not answer those that the callbacks queue meanwhile:
 * an initiator that repeats a command at once would make this loop endless.
 */
static void answer_waiting(struct pr_client *c)
{
    for (unsigned n = c->pending; n > 0 && c->head; n--) {
        if (busy_window_open(c))
            busy_head(c);
        else
            fail_head(c);
    }
}

/* --- the connection --- */

/* The deadline of the head if it has its turn; before, that of the handshake. */
static uint32_t deadline_ms(const struct pr_client *c)
{
    return c->head && c->head->started ? c->head->deadline_ms : c->config.deadline_ms;
}

static void arm_deadline(struct pr_client *c)
{
    loop_timer_arm(c->loop, &c->deadline_timer, (uint64_t)deadline_ms(c) * 1000);
}

static void disconnect(struct pr_client *c)
{
    if (c->socket.fd < 0)
        return;
    loop_remove(&c->socket);
    close(c->socket.fd);
    c->socket.fd = -1;
    if (!c->head || !c->head->started)
        loop_timer_cancel(&c->deadline_timer);
}

/* Notes that the helper is away, and arms the timer of the next attempt. */
static void note_away(struct pr_client *c, const char *why)
{
    if (!c->away_since_us) {
        c->away_since_us = now_us();
        log_limited(&c->limit, XTL_WARN, c->config.prefix, "PR helper at %s: %s; does it run? It is tried again",
                    c->path, why);
    }
    /* While a command waits, the next attempt comes sooner. */
    loop_timer_arm(c->loop, &c->retry_timer,
                   (uint64_t)(c->head && c->backoff_ms > BACKOFF_WAITING_MS ? BACKOFF_WAITING_MS : c->backoff_ms)
                       * 1000);
    c->backoff_ms = c->backoff_ms < BACKOFF_MAX_MS / 2 ? c->backoff_ms * 2 : BACKOFF_MAX_MS;
}

/* Closes a connection that failed. again: a PERSISTENT RESERVE IN that was sent may be sent once more. */
static void lose(struct pr_client *c, const char *why, bool again)
{
    struct pr_command *cmd = c->head;

    disconnect(c);
    note_away(c, why);
    if (!cmd || !cmd->asked)
        return;
    cmd->asked = false;
    if (!cmd->left)
        return;
    if (again && cmd->cdb[0] == PR_OP_IN && !cmd->retried) {
        cmd->retried = true;
        cmd->left = false;
        return;
    }
    log_limited(&c->limit, XTL_WARN, c->config.prefix, "PR helper at %s: command %02xh failed: %s", c->path,
                cmd->cdb[0], why);
    fail_head(c);
}

/* Takes over fd, a connection to the helper. On failure it is closed. 0 or -errno. */
static int use_connection(struct pr_client *c, int fd)
{
    int r;

    c->socket.fd = fd;
    c->socket.events = EPOLLIN;
    r = loop_add(c->loop, &c->socket);
    if (r < 0)
        close(steal_fd(&c->socket.fd));
    return r;
}

/* The helper cannot be reached. */
static void not_connected(struct pr_client *c, const char *why)
{
    if (!c->head || !c->head->started)
        loop_timer_cancel(&c->deadline_timer);
    note_away(c, why);
    answer_waiting(c);
}

/* The answer may come from inside connect(). If it does not come, the deadline ends the wait. */
static void attempt(struct pr_client *c)
{
    loop_timer_cancel(&c->retry_timer);
    c->attempt_us = now_us();
    c->asking = true;
    if (!loop_timer_armed(&c->deadline_timer))
        arm_deadline(c);
    c->config.connect(c->config.ctx);
}

/* Like send(), and with_fd sends the device's descriptor too. Raises no SIGPIPE. */
static ssize_t send_bytes(const struct pr_client *c, const uint8_t *bytes, uint32_t n, bool with_fd)
{
    struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { .bytes = { 0 } };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (with_fd) {
        struct cmsghdr *cmsg;

        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &c->config.device_fd, sizeof(int));
    }
    return sendmsg(c->socket.fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Sends as much of the protocol's output as the socket takes. */
static void flush(struct pr_client *c)
{
    uint32_t n, events = EPOLLIN;
    const uint8_t *bytes;
    bool with_fd;
    int r;

    while ((n = pr_proto_output(&c->proto, &bytes, &with_fd)) > 0) {
        ssize_t sent = send_bytes(c, bytes, n, with_fd);

        if (sent > 0) {
            pr_proto_sent(&c->proto, (uint32_t)sent);
            if (c->head && c->head->asked)
                c->head->left = true;
        } else if (sent < 0 && errno == EAGAIN) {
            events |= EPOLLOUT;
            break;
        } else if (sent == 0 || errno != EINTR) {
            lose(c, sent < 0 ? strerror(errno) : "nothing can be sent", true);
            return;
        }
    }
    if (events == c->socket.events)
        return;
    r = loop_modify(&c->socket, events);
    if (r < 0)
        lose(c, strerror(-r), true);
}

/*
 * Called before a command is sent: if the connection is dead or has unexpected bytes, it is closed and no command
 * fails.
 */
static bool still_quiet(struct pr_client *c)
{
    uint8_t byte;
    ssize_t n = recv(c->socket.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    lose(c, n == 0 ? "closed the connection" : n < 0 ? strerror(errno) : "bytes that were not asked for", true);
    return false;
}

/* May the client try to connect now? If not, the commands that wait stay in the queue or are answered. */
static bool attempt_due(struct pr_client *c)
{
    uint64_t due = c->attempt_us + BACKOFF_WAITING_MS * 1000, now = now_us();

    if (!c->head)
        return c->away_since_us && !loop_timer_armed(&c->retry_timer);
    if (!loop_timer_armed(&c->retry_timer) || now >= due)
        return true;
    if (!busy_window_open(c))
        answer_waiting(c);
    else if (c->retry_timer.due_us > due)
        loop_timer_arm(c->loop, &c->retry_timer, due - now);
    return false;
}

/* Connects, sends and answers, as the state demands. Nothing else starts this work. */
static void drive(struct pr_client *c)
{
    struct pr_command *cmd;

    if (c->socket.fd < 0 && !c->asking && attempt_due(c))
        attempt(c);
    if (c->socket.fd < 0)
        return;

    cmd = c->head;
    if (!cmd || cmd->asked)
        return;
    if (!cmd->started) {
        cmd->started = true;
        arm_deadline(c);
    }
    if (c->proto.state != PR_STATE_READY || !still_quiet(c))
        return;
    if (!pr_proto_start(&c->proto, cmd->cdb, cmd->list, cmd->list_len))
        return; /* our part of the handshake is not sent completely */
    cmd->asked = true;
    flush(c);
}

static void handshaken(struct pr_client *c)
{
    if (!c->head || !c->head->started)
        loop_timer_cancel(&c->deadline_timer);
    if (c->away_since_us && c->reported == HELPER_AWAY)
        log_limited(&c->limit, XTL_INFO, c->config.prefix, "PR helper at %s: connected", c->path);
    c->away_since_us = 0;
}

static void receive(struct pr_client *c)
{
    uint8_t buf[4096];
    ssize_t n = recv(c->socket.fd, buf, sizeof(buf), MSG_DONTWAIT);
    bool shaking = c->proto.state == PR_STATE_FEATURES;
    enum pr_event event;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    event = n > 0 ? pr_proto_input(&c->proto, buf, (uint32_t)n) : PR_BROKEN;
    if (event == PR_HANDSHAKEN) {
        handshaken(c);
        flush(c);
    } else if (event == PR_REPLIED) {
        c->backoff_ms = BACKOFF_FIRST_MS;
        answer_head(c);
    } else if (event == PR_BROKEN) {
        lose(c, n > 0 ? c->proto.error : n == 0 ? "closed the connection" : strerror(errno), n <= 0);
        if (shaking)
            answer_waiting(c); /* as if there were no connection */
    }
}

/* --- callbacks of the loop --- */

static void enter(struct pr_client *c)
{
    c->inside = true;
}

static void leave(struct pr_client *c)
{
    enum worker_helper_state state = pr_client_state(c);

    if (!c->dead && state != c->reported) {
        c->reported = state;
        if (c->config.state_changed)
            c->config.state_changed(c->config.ctx, state);
    }
    c->inside = false;
    if (c->dead)
        free(c);
}

static void on_socket(struct loop_source *src, uint32_t revents)
{
    struct pr_client *c = container_of(src, struct pr_client, socket);

    enter(c);
    if (revents & EPOLLOUT)
        flush(c);
    if (c->socket.fd >= 0 && (revents & ~(uint32_t)EPOLLOUT))
        receive(c);
    drive(c);
    leave(c);
}

static void on_kick(struct loop_timer *timer)
{
    struct pr_client *c = container_of(timer, struct pr_client, kick_timer);

    enter(c);
    drive(c);
    leave(c);
}

static void on_retry(struct loop_timer *timer)
{
    struct pr_client *c = container_of(timer, struct pr_client, retry_timer);

    enter(c);
    drive(c);
    leave(c);
}

static void on_deadline(struct loop_timer *timer)
{
    struct pr_client *c = container_of(timer, struct pr_client, deadline_timer);
    struct pr_command *cmd = c->head;
    bool started = cmd && cmd->started;

    enter(c);
    if (c->asking && !started)
        not_connected(c, "no connection within the deadline"); /* this may end cmd */
    c->asking = false;                                         /* an answer that comes later is closed */
    if (started) {
        /* Its time is over, sent or not. Only this command fails; the others stay in the queue. */
        cmd->asked = cmd->left = false;
        lose(c, "no answer within the deadline", false);
        log_limited(&c->limit, XTL_WARN, c->config.prefix,
                    "PR helper at %s: command %02xh failed: no answer within %u ms", c->path, cmd->cdb[0],
                    cmd->deadline_ms);
        fail_head(c);
    } else if (c->socket.fd >= 0) {
        lose(c, "no handshake within the deadline", false);
    }
    drive(c);
    leave(c);
}

/* --- for the worker --- */

void pr_client_connected(struct pr_client *c, int fd)
{
    bool nested = c->inside;
    int r = fd;

    if (c->dead || !c->asking) {
        if (fd >= 0)
            close(fd);
        return;
    }
    c->asking = false;
    if (!nested)
        enter(c);
    if (fd >= 0)
        r = use_connection(c, fd);
    if (r < 0)
        not_connected(c, strerror(-r));
    else
        pr_proto_init(&c->proto);
    if (!nested) {
        drive(c);
        leave(c);
    }
}

void pr_client_set_prefix(struct pr_client *c, const char *prefix)
{
    snprintf(c->prefix, sizeof(c->prefix), "%s", prefix ? prefix : "");
    c->config.prefix = prefix ? c->prefix : NULL;
}

int pr_client_new(struct loop *loop, const struct pr_client_config *config, struct pr_client **out)
{
    const char *path = config->socket_path && config->socket_path[0] ? config->socket_path : PR_SOCKET_DEFAULT;
    struct pr_client *c;

    if (!config->connect || !config->done || config->device_fd < 0)
        return -EINVAL;
    if (strlen(path) >= sizeof(c->path))
        return -ENAMETOOLONG;
    c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->loop = loop;
    c->config = *config;
    if (!c->config.deadline_ms)
        c->config.deadline_ms = PR_DEADLINE_MS;
    if (!c->config.away_busy_ms)
        c->config.away_busy_ms = PR_AWAY_BUSY_MS;
    memcpy(c->path, path, strlen(path) + 1);
    c->config.socket_path = c->path;
    pr_client_set_prefix(c, config->prefix);
    c->limit = (struct log_limit)LOG_LIMIT_INIT;
    c->socket.fd = -1;
    c->socket.ready = on_socket;
    c->kick_timer.expired = on_kick;
    c->retry_timer.expired = on_retry;
    c->deadline_timer.expired = on_deadline;
    c->tail = &c->head;
    c->backoff_ms = BACKOFF_FIRST_MS;
    c->reported = HELPER_IDLE;
    pr_proto_init(&c->proto);
    *out = c;
    return 0;
}

void pr_client_free(struct pr_client *client)
{
    if (!client)
        return;
    pr_client_cancel_all(client);
    disconnect(client);
    client->away_since_us = 0;
    loop_timer_cancel(&client->deadline_timer);
    loop_timer_cancel(&client->kick_timer);
    loop_timer_cancel(&client->retry_timer);
    close(client->config.device_fd);
    client->config.device_fd = -1;
    client->dead = true;
    if (!client->inside)
        free(client);
}

void pr_client_set_device(struct pr_client *client, int device_fd)
{
    close(client->config.device_fd);
    client->config.device_fd = device_fd;
}

int pr_client_submit(struct pr_client *client, void *token, const uint8_t cdb[SCSI_CDB_MAX], const uint8_t *out_data,
                     uint32_t out_len, uint32_t in_room, uint32_t deadline_ms)
{
    bool out = cdb[0] == PR_OP_OUT;
    uint32_t len = pr_cdb_length(cdb);
    struct pr_command *cmd;

    if (client->dead || (!out && cdb[0] != PR_OP_IN) || (out && len > PR_DATA_MAX))
        return -EINVAL;
    if (out && (out_len < len || (len && !out_data)))
        return -EINVAL;
    if (client->pending >= PR_QUEUE_MAX)
        return -EBUSY;
    cmd = calloc(1, sizeof(*cmd) + (out ? len : 0));
    if (!cmd)
        return -ENOMEM;
    cmd->token = token;
    memcpy(cmd->cdb, cdb, PR_CDB_LEN);
    if (!out && len > PR_DATA_MAX) { /* as a device with less to say would answer */
        cmd->cdb[7] = PR_DATA_MAX >> 8;
        cmd->cdb[8] = PR_DATA_MAX & 0xff;
    }
    cmd->buffer_len = out ? out_len : in_room;
    cmd->deadline_ms = deadline_ms && deadline_ms < client->config.deadline_ms ? deadline_ms
                                                                               : client->config.deadline_ms;
    if (out) {
        cmd->list_len = len;
        if (len)
            memcpy(cmd->list, out_data, len);
    }
    *client->tail = cmd;
    client->tail = &cmd->next;
    client->pending++;
    loop_timer_arm(client->loop, &client->kick_timer, 0);
    return 0;
}

int pr_client_cancel(struct pr_client *client, const void *token)
{
    for (struct pr_command **at = &client->head; *at; at = &(*at)->next) {
        if ((*at)->token != token)
            continue;
        if ((*at)->asked)
            return -EBUSY;
        forget(client, at);
        /* A handshake that is not complete keeps a deadline, and the next command may have its turn now. */
        if (client->socket.fd >= 0 && client->proto.state == PR_STATE_FEATURES
            && !loop_timer_armed(&client->deadline_timer))
            arm_deadline(client);
        if (client->head)
            loop_timer_arm(client->loop, &client->kick_timer, 0);
        return 0;
    }
    return -ENOENT;
}

void pr_client_cancel_all(struct pr_client *client)
{
    if (client->head && client->head->asked) {
        disconnect(client);
        loop_timer_arm(client->loop, &client->kick_timer, 0); /* reports the new state */
    }
    while (client->head)
        forget(client, &client->head);
}

unsigned pr_client_pending(const struct pr_client *client)
{
    return client->pending;
}

enum worker_helper_state pr_client_state(const struct pr_client *client)
{
    if (client->away_since_us)
        return HELPER_AWAY;
    if (client->socket.fd >= 0 && client->proto.state != PR_STATE_FEATURES)
        return HELPER_CONNECTED;
    return HELPER_IDLE;
}
