// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Follows the daemon's events; see events.h. The daemon's first line says which process it is. When its socket closes,
 * the next daemon is looked for, and two events of our own say what happened.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "common/util.h"
#include "pvscsictl/client.h"
#include "pvscsictl/events.h"

/* Between two tries to reach a daemon that has ended. */
#define AGAIN_US 200000

struct follower {
    const char *run_dir;
    bool json;
    int64_t pid, started; /* of the daemon; 0: not known yet */
    bool there;           /* it has greeted, and its end was not told yet */
};

/* True: it was written. */
static bool show(const struct follower *f, struct json_object *event)
{
    if (f->json)
        printf("%s\n", json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    else
        events_render(event, stdout);
    return fflush(stdout) == 0 && !ferror(stdout);
}

/* An event of our own. */
static bool tell(const struct follower *f, const char *name, const char *why)
{
    struct json_object *o = json_object_new_object();
    struct timespec now;
    struct tm tm;
    char date[32], time[48];
    bool written;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(time, sizeof(time), "%s.%03ldZ", date, now.tv_nsec / 1000000);
    json_object_object_add(o, "time", json_object_new_string(time));
    json_object_object_add(o, "event", json_object_new_string(name));
    json_object_object_add(o, "text", json_object_new_string(why));
    written = show(f, o);
    json_object_put(o);
    return written;
}

static int64_t member(struct json_object *o, const char *key)
{
    struct json_object *v;

    return json_object_object_get_ex(o, key, &v) ? json_object_get_int64(v) : 0;
}

/* The first line of a daemon. Another one than before is a restart. */
static bool greeted(struct follower *f, struct json_object *event)
{
    int64_t pid = member(event, "pid"), started = member(event, "started");
    bool again = f->pid && (pid != f->pid || started != f->started);

    f->pid = pid;
    f->started = started;
    f->there = true;
    return (!again || tell(f, "restart", "pvscsid was restarted")) && show(f, event);
}

static int cannot_write(void)
{
    fprintf(stderr, "pvscsictl: cannot write the events: %s\n", strerror(errno));
    return EXIT_FAILED;
}

/* -1: go on; or an exit status. */
static int take(struct follower *f, const char *line)
{
    struct json_object *event = json_tokener_parse(line), *v;
    int status = -1;

    if (!event || !json_object_is_type(event, json_type_object)) {
        fprintf(stderr, "pvscsictl: no usable event from pvscsid: %.60s\n", line);
        status = EXIT_FAILED;
    } else if (json_object_object_get_ex(event, "error", &v)) {
        fprintf(stderr, "pvscsictl: %s\n", json_object_get_string(v));
        status = EXIT_FAILED;
    } else if (json_object_object_get_ex(event, "event", &v) && strcmp(json_object_get_string(v), "following") == 0) {
        if (!greeted(f, event))
            status = cannot_write();
    } else if (!show(f, event)) {
        status = cannot_write();
    }
    json_object_put(event);
    return status;
}

/* Until the daemon closes the connection: -1; or an exit status. */
static int read_all(struct follower *f, int fd)
{
    struct timeval forever = { 0 };
    char *line = NULL;
    size_t room = 0;
    int status = -1;
    FILE *in;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
    in = client_tell(fd, "events") == 0 ? fdopen(fd, "r") : NULL;
    if (!in) {
        close(fd);
        return -1; /* it has just ended */
    }
    while (status < 0 && getline(&line, &room, in) > 0)
        status = take(f, line);
    free(line);
    fclose(in);
    return status;
}

int events_follow(const char *run_dir, bool json)
{
    struct follower f = { .run_dir = run_dir, .json = json };
    int fd = client_connect(run_dir);

    if (fd < 0)
        return client_complain(run_dir, fd);
    for (;;) {
        int status = read_all(&f, fd);

        if (status >= 0)
            return status;
        if (f.pid == 0) {
            fprintf(stderr, "pvscsictl: pvscsid has closed the connection; is it of another version?\n");
            return EXIT_FAILED;
        }
        if (f.there && !tell(&f, "daemon-away", "pvscsid has ended; guests go on, and the next pvscsid is waited for"))
            return cannot_write();
        f.there = false;
        do
            usleep(AGAIN_US);
        while ((fd = client_connect(run_dir)) < 0);
    }
}
