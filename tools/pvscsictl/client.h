/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's control socket, seen from pvscsictl: one line is sent, and JSON comes back. */
#ifndef PVSCSICTL_CLIENT_H
#define PVSCSICTL_CLIENT_H

#include <json-c/json.h>

/* The longest command that the daemon reads, without the end of the line. */
#define CLIENT_COMMAND_MAX 250

/* The connected socket, or -errno (-ENOENT, -ECONNREFUSED: no daemon runs). */
int client_connect(const char *run_dir);
/* Sends the command. 0 or -errno. */
int client_tell(int fd, const char *command);
/* Sends the command and reads the whole answer. 0 and *out (json_object_put), or -errno. */
int client_ask(int fd, const char *command, struct json_object **out);
/* One line on standard error: why client_connect() failed with r. Returns pvscsictl's exit status for that. */
int client_complain(const char *run_dir, int r);

/* Documented in pvscsictl(8). */
enum client_exit {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_DAEMON = 3,
    EXIT_NOT_SERVING = 4
};

#endif
