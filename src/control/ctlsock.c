// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket; see ctlsock.h. */
#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/log.h"
#include "common/util.h"
#include "control/ctlsock.h"
#include "control/news.h"

#define CLIENTS_MAX 16
/* Of these, so many may follow the news. They stay, so they leave room for the others. */
#define FOLLOWERS_MAX 8
/* What the kernel keeps of a follower's lines (it doubles the number): the list of news is what bounds a slow one. */
#define FOLLOWER_BUFFER 4096
#define REQUEST_MAX 256
/* A connection is closed after this time, whatever the client does. pvscsictl waits for 30 s. */
#define CLIENT_TIME_US 25000000u
/* The pause after accept() failed for lack of descriptors or memory. */
#define LISTEN_AGAIN_US 200000u

struct client {
    struct ctlsock *server;
    struct loop_source source;
    struct loop_timer timer;
    bool used;
    char request[REQUEST_MAX];
    size_t got;
    char *answer;
    size_t answer_len, sent;
    bool follows;
    uint64_t at; /* the place of a follower in the news */
};

struct ctlsock {
    struct loop *loop;
    struct host *host;
    struct news *news;
    struct loop_source listener;
    struct loop_timer listen_again;
    struct loop_timer news_added; /* lines are sent after what was told has been done */
    struct sockaddr_un address;
    bool (*reload)(void *ctx, char *text, size_t size); /* NULL: the config cannot be read again */
    void *reload_ctx;
    struct client client[CLIENTS_MAX];
};

static void listen_on(struct ctlsock *s)
{
    if (!s->listener.loop && loop_add(s->loop, &s->listener) < 0)
        loop_timer_arm(s->loop, &s->listen_again, LISTEN_AGAIN_US);
}

static void listen_again_expired(struct loop_timer *timer)
{
    listen_on(container_of(timer, struct ctlsock, listen_again));
}

static void drop(struct client *c)
{
    loop_timer_cancel(&c->timer);
    loop_remove(&c->source);
    close(c->source.fd);
    free(c->answer);
    c->answer = NULL;
    c->used = false;
    if (c->follows)
        news_unfollow(c->server->news);
    c->follows = false;
    /* There is room for a client again. */
    listen_on(c->server);
}

static void too_slow(struct loop_timer *timer)
{
    drop(container_of(timer, struct client, timer));
}

static bool has_answer(struct client *c, char *answer)
{
    free(c->answer);
    c->answer = answer;
    c->answer_len = answer ? strlen(answer) : 0;
    c->sent = 0;
    return answer != NULL;
}

/* The follower's next line. False: there is none now, or no memory for it. */
static bool next_line(struct client *c)
{
    uint64_t missed, at = c->at;
    const char *line = news_read(c->server->news, &at, &missed);

    if (!has_answer(c, missed ? news_missed(missed) : line ? strdup(line) : NULL))
        return false;
    c->at = at;
    return true;
}

/* Sends what there is; a follower's next lines too. c may be gone afterwards. */
static void send_answer(struct client *c)
{
    while (c->sent < c->answer_len || (c->follows && next_line(c))) {
        ssize_t n = send(c->source.fd, c->answer + c->sent, c->answer_len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            loop_modify(&c->source, EPOLLOUT);
            return;
        }
        if (n < 0) {
            drop(c);
            return;
        }
        c->sent += (size_t)n;
    }
    if (c->follows)
        loop_modify(&c->source, EPOLLIN);
    else
        drop(c);
}

static void send_news(struct loop_timer *timer)
{
    struct ctlsock *s = container_of(timer, struct ctlsock, news_added);

    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (s->client[i].used && s->client[i].follows && s->client[i].sent == s->client[i].answer_len)
            send_answer(&s->client[i]);
}

static void news_added(void *ctx)
{
    struct ctlsock *s = ctx;

    if (!loop_timer_armed(&s->news_added))
        loop_timer_arm(s->loop, &s->news_added, 0);
}

/* From now on c gets a line for each piece of news. False: no memory. */
static bool follow(struct client *c)
{
    struct ctlsock *s = c->server;
    unsigned others = 0;
    int size = FOLLOWER_BUFFER;

    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        others += s->client[i].used && s->client[i].follows;
    if (others >= FOLLOWERS_MAX)
        return has_answer(c, strf("{\"error\":\"%u clients follow the events already, which is the most\"}\n", others));
    if (!has_answer(c, news_greeting(s->news)))
        return false;
    loop_timer_cancel(&c->timer);
    setsockopt(c->source.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    c->at = news_follow(s->news);
    c->follows = true;
    return true;
}

/* NULL: no memory. */
static struct json_object *reload(struct ctlsock *s)
{
    struct json_object *o = json_object_new_object();
    char text[CTLSOCK_RELOAD_MAX] = "";
    bool good = s->reload(s->reload_ctx, text, sizeof(text));
    struct json_object *said = json_object_new_string(text);

    if (o && said && json_object_object_add(o, good ? "reloaded" : "error", said) == 0)
        return o;
    json_object_put(said);
    json_object_put(o);
    return NULL;
}

/* False: the request is unknown, or there is no memory. */
static bool answer(struct client *c)
{
    struct json_object *o = NULL;
    const char *text;

    if (strcmp(c->request, "events") == 0)
        return follow(c);
    if (strcmp(c->request, "status") == 0)
        o = host_report_status(c->server->host);
    else if (strcmp(c->request, "stats") == 0)
        o = host_report_stats(c->server->host);
    else if (strcmp(c->request, "metrics") == 0)
        o = host_report_metrics(c->server->host);
    else if (strncmp(c->request, "policy ", 7) == 0)
        o = host_report_policy(c->server->host, c->request + 7);
    else if (strcmp(c->request, "reload") == 0 && c->server->reload)
        o = reload(c->server);
    else
        return false;
    text = o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN) : NULL;
    has_answer(c, text ? strf("%s\n", text) : NULL);
    json_object_put(o);
    return c->answer != NULL;
}

static void client_ready(struct loop_source *src, uint32_t revents)
{
    struct client *c = container_of(src, struct client, source);
    char *end;
    ssize_t n;

    (void)revents;
    if (c->follows) {
        char unread[256];

        n = recv(src->fd, unread, sizeof(unread), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            drop(c);
        else
            send_answer(c);
        return;
    }
    if (c->answer) {
        send_answer(c);
        return;
    }
    n = recv(src->fd, c->request + c->got, sizeof(c->request) - 1 - c->got, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        drop(c);
        return;
    }
    c->got += (size_t)n;
    end = memchr(c->request, '\n', c->got);
    if (!end) {
        if (c->got == sizeof(c->request) - 1)
            drop(c);
        return;
    }
    *end = '\0';
    /* A line with a NUL in it is not a request. */
    if (strlen(c->request) == (size_t)(end - c->request) && answer(c))
        send_answer(c);
    else
        drop(c);
}

static void listener_ready(struct loop_source *src, uint32_t revents)
{
    struct ctlsock *s = container_of(src, struct ctlsock, listener);
    struct client *c = NULL;
    int fd;

    (void)revents;
    for (unsigned i = 0; i < CLIENTS_MAX && !c; i++)
        if (!s->client[i].used)
            c = &s->client[i];
    if (!c) {
        loop_remove(src); /* other clients wait in the listen queue */
        return;
    }
    fd = accept4(src->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED) {
            /* epoll would report it again at once, as long as this lasts. */
            loop_remove(src);
            loop_timer_arm(s->loop, &s->listen_again, LISTEN_AGAIN_US);
        }
        return;
    }
    *c = (struct client){ .server = s, .used = true };
    c->source = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = client_ready };
    c->timer.expired = too_slow;
    if (loop_add(s->loop, &c->source) < 0) {
        close(fd);
        c->used = false;
        return;
    }
    loop_timer_arm(s->loop, &c->timer, CLIENT_TIME_US);
}

int ctlsock_new(struct loop *loop, const char *run_dir, struct host *host, struct news *news, struct ctlsock **out)
{
    CLEANUP_FREE struct ctlsock *s = calloc(1, sizeof(*s));
    CLEANUP_CLOSE int fd = -1;
    mode_t mask;
    int n, r;

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->host = host;
    s->news = news;
    s->listen_again.expired = listen_again_expired;
    s->news_added.expired = send_news;
    s->address.sun_family = AF_UNIX;
    n = snprintf(s->address.sun_path, sizeof(s->address.sun_path), "%s/" CTLSOCK_NAME, run_dir);
    if (n < 0 || (size_t)n >= sizeof(s->address.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* The run directory is locked by us, so a socket in it is of a daemon that has ended. */
    unlink(s->address.sun_path);
    mask = umask(0177);
    r = bind(fd, (struct sockaddr *)&s->address, sizeof(s->address)) < 0 ? -errno : 0;
    umask(mask);
    if (r == 0 && listen(fd, 16) < 0)
        r = -errno;
    if (r < 0)
        return r;
    s->listener = (struct loop_source){ .fd = fd, .events = EPOLLIN, .ready = listener_ready };
    r = loop_add(loop, &s->listener);
    if (r < 0)
        return r;
    news_set_reader(news, news_added, s);
    steal_fd(&fd);
    *out = steal_ptr(s);
    return 0;
}

void ctlsock_set_reload(struct ctlsock *s, bool (*fn)(void *ctx, char *text, size_t size), void *ctx)
{
    s->reload = fn;
    s->reload_ctx = ctx;
}

void ctlsock_free(struct ctlsock *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (s->client[i].used)
            drop(&s->client[i]);
    news_set_reader(s->news, NULL, NULL);
    loop_timer_cancel(&s->news_added);
    loop_timer_cancel(&s->listen_again);
    loop_remove(&s->listener);
    close(s->listener.fd);
    unlink(s->address.sun_path);
    free(s);
}
