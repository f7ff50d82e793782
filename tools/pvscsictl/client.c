// SPDX-License-Identifier: GPL-2.0-or-later
/* The daemon's control socket, seen from pvscsictl; see client.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "common/util.h"
#include "pvscsictl/client.h"

#define ANSWER_MAX (64u * 1024 * 1024)
#define WAIT_S 30

int client_connect(const char *run_dir)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval wait = { .tv_sec = WAIT_S };
    CLEANUP_CLOSE int fd = -1;
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/pvscsid.sock", run_dir);

    if (n < 0 || (size_t)n >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return steal_fd(&fd);
}

int client_tell(int fd, const char *command)
{
    CLEANUP_FREE char *request = strf("%s\n", command);

    return request ? write_all(fd, request, strlen(request)) : -ENOMEM;
}

int client_ask(int fd, const char *command, struct json_object **out)
{
    CLEANUP_FREE char *text = NULL;
    size_t got = 0, room = 0;
    int r = client_tell(fd, command);

    if (r < 0)
        return r;
    for (;;) {
        ssize_t n;

        if (got + 1 >= room) {
            char *grown = room < ANSWER_MAX ? realloc(text, room ? room * 2 : 65536) : NULL;

            if (!grown)
                return -ENOMEM;
            text = grown;
            room = room ? room * 2 : 65536;
        }
        n = read(fd, text + got, room - got - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    text[got] = '\0';
    *out = json_tokener_parse(text);
    return *out && json_object_is_type(*out, json_type_object) ? 0 : -EBADMSG;
}

int client_complain(const char *run_dir, int r)
{
    fprintf(stderr, "pvscsictl: cannot reach pvscsid at %s/pvscsid.sock: %s%s\n", run_dir, strerror(-r),
            r == -ENOENT || r == -ECONNREFUSED ? " (is it running?)"
            : r == -EACCES                     ? " (root only)"
                                               : "");
    return r == -ENOENT || r == -ECONNREFUSED ? EXIT_NO_DAEMON : EXIT_FAILED; /* one that hangs may run */
}
