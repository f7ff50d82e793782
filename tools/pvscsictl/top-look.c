// SPDX-License-Identifier: GPL-2.0-or-later
/* The looks of pvscsictl top at the daemon; see top-look.h. */
#include "config.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "common/util.h"
#include "pvscsictl/client.h"
#include "pvscsictl/top-look.h"

/* The screen hears no key while it waits for the daemon's answer. */
#define ANSWER_S 5

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int top_look(const char *run_dir, struct top_look *look)
{
    CLEANUP_CLOSE int fd = client_connect(run_dir);
    const struct timeval wait = { .tv_sec = ANSWER_S };
    struct json_object *answer = NULL;
    struct top_table next;
    double at;
    int r = fd;

    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        r = client_ask(fd, "metrics", &answer);
    }
    at = now_s();
    if (r == 0)
        r = top_read(answer, look->at > 0 ? &look->luns : NULL, at - look->at, &next);
    json_object_put(answer);
    look->error = r;
    if (r < 0)
        return r;
    top_clear(&look->luns);
    look->luns = next;
    look->at = at;
    return 0;
}

int top_arrange(struct top_look *look, enum top_key key, bool reverse, bool by_guest)
{
    size_t size = look->luns.n * sizeof(*look->luns.rows);
    struct top_row *rows = malloc(size ? size : 1);

    if (!rows)
        return -ENOMEM;
    memcpy(rows, look->luns.rows, size);
    top_clear(&look->shown);
    look->shown = (struct top_table){ .rows = rows, .n = look->luns.n };
    if (by_guest)
        top_by_guest(&look->shown);
    top_sort(&look->shown, key, reverse);
    return 0;
}

void top_look_clear(struct top_look *look)
{
    top_clear(&look->luns);
    top_clear(&look->shown);
}
