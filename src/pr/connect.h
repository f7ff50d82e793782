/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks whether the PR helper's socket is there, and connects to it. It sends nothing; client.c does.
 * The control process uses this file, because a worker has no path to the socket.
 */
#ifndef PVSCSI_PR_CONNECT_H
#define PVSCSI_PR_CONNECT_H

#include <stdbool.h>

/* Both take "" or NULL for PR_SOCKET_DEFAULT. That one may also be at PR_SOCKET_OLDER. */

/* Is there a socket at this path? It does not tell whether a helper listens there. */
bool pr_socket_is_there(const char *path);
/* A connected descriptor (O_NONBLOCK, CLOEXEC) that the caller owns, or -errno. It never waits. */
int pr_connect(const char *path);
/* Ends the connection for everybody who has a descriptor of it, and closes this one. */
void pr_disconnect(int fd);

#endif
