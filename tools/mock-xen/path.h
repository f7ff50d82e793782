/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of xenstore as text: which are valid, and how they relate. Pure; knows nothing of nodes. */
#ifndef MOCK_XEN_PATH_H
#define MOCK_XEN_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/xs_wire.h>

/*
 * Absolute, allowed characters, no empty component, at most XENSTORE_REL_PATH_MAX bytes, not counting
 * a leading "/local/domain/N/": so never more than XENSTORE_ABS_PATH_MAX.
 */
bool path_valid(const char *path);
/* Length of the parent's part of a path; 0 means the root ("/"). */
size_t path_parent_len(const char *path);
/* Is child the same as or below parent? */
bool path_below(const char *parent, const char *child);
/* The next component of *path, which moves on; false at the end. */
bool path_next(const char **path, const char **name, size_t *len);
/*
 * The path that domid means by this one: absolute, relative to its home, or a special one ("@..."), which
 * stays as it is. 0 or -EINVAL.
 */
int path_canonical(uint32_t domid, const char *path, char out[XENSTORE_ABS_PATH_MAX + 1]);

#endif
