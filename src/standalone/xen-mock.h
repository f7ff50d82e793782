/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor as mock-xen plays it, behind the ops table of xen-ops.h. */
#ifndef STANDALONE_XEN_MOCK_H
#define STANDALONE_XEN_MOCK_H

#include "xen/xen-ops.h"

/*
 * socket: path of mock-xen's Unix socket. own_domid: the domain that this handle acts for. flags: enum
 * xen_open_flags. *out is the caller's, ended by xen_close(). 0 or -errno: -ESRCH for a domain that does not
 * exist, -EPERM for one that this socket does not serve.
 */
int xen_open_mock(const char *socket, uint16_t own_domid, unsigned flags, struct xen **out);

#endif
