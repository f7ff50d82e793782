/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One private request to mock-xen and its answer, over a blocking socket. */
#ifndef STANDALONE_XEN_MOCK_CALL_H
#define STANDALONE_XEN_MOCK_CALL_H

#include "standalone/xen-mock-proto.h"

/* *out: a connected socket, CLOEXEC, owned by the caller. 0 or -errno. */
int mx_connect(const char *path, int *out);
/*
 * 0, mock-xen's own -errno, or -EPIPE when it is gone or has ended the connection with its domain, -EPROTO for
 * any other answer. number may be NULL. fds may be NULL when none are expected; else the
 * caller owns what arrives, also with an error; -1 where nothing did.
 */
int mx_call(int sock, uint32_t req_id, uint32_t type, const struct mx_request *req, uint32_t *number,
            int fds[MX_MAX_FDS]);

#endif
