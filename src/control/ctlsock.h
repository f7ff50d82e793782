/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket RUNDIR/pvscsid.sock (mode 0600): a client sends one line and gets one JSON object, then the
 * connection is closed. After "events" it gets one object a line for each piece of news, until it closes the
 * connection. Serves a few clients at a time and never waits for one.
 */
#ifndef PVSCSI_CTLSOCK_H
#define PVSCSI_CTLSOCK_H

#include "common/loop.h"
#include "control/host.h"

#define CTLSOCK_NAME "pvscsid.sock"

struct ctlsock;

/* Replaces a socket that an earlier daemon left. host and news must outlive it. 0 or -errno. */
int ctlsock_new(struct loop *loop, const char *run_dir, struct host *host, struct news *news, struct ctlsock **out);
#define CTLSOCK_RELOAD_MAX 4096
/*
 * What "reload" does: fn reads the config again, and says in text[size], in a line or two, what became of it. True: it
 * is in force. Without a call of this, "reload" is an unknown request.
 */
void ctlsock_set_reload(struct ctlsock *s, bool (*fn)(void *ctx, char *text, size_t size), void *ctx);
/* Removes the socket. */
void ctlsock_free(struct ctlsock *s);

#endif
