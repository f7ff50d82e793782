// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths of xenstore; see path.h. */
#include "config.h"

#include <stdio.h>
#include <errno.h>
#include <string.h>

#include "path.h"

/* Bytes of "/local/domain/N/" at the start of path, or 0. */
static size_t home_len(const char *path)
{
    static const char prefix[] = "/local/domain/";
    size_t len = sizeof(prefix) - 1, digits;

    if (strncmp(path, prefix, len) != 0)
        return 0;
    digits = strspn(path + len, "0123456789");
    return digits >= 1 && digits <= 5 && path[len + digits] == '/' ? len + digits + 1 : 0;
}

bool path_valid(const char *path)
{
    size_t len = strlen(path);

    if (path[0] != '/' || len > home_len(path) + XENSTORE_REL_PATH_MAX)
        return false;
    if (len == 1)
        return true;
    for (size_t i = 0; i < len; i++) {
        char c = path[i];

        if (c == '/' && (path[i + 1] == '/' || path[i + 1] == '\0'))
            return false;
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '/'
              || c == '_' || c == '@'))
            return false;
    }
    return true;
}

size_t path_parent_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) : 0;
}

bool path_below(const char *parent, const char *child)
{
    size_t len = strlen(parent);

    if (strcmp(parent, "/") == 0)
        return child[0] == '/';
    return strncmp(parent, child, len) == 0 && (child[len] == '\0' || child[len] == '/');
}

bool path_next(const char **path, const char **name, size_t *len)
{
    const char *p = *path;

    while (*p == '/')
        p++;
    *name = p;
    *len = strcspn(p, "/");
    *path = p + *len;
    return *len > 0;
}

int path_canonical(uint32_t domid, const char *path, char out[XENSTORE_ABS_PATH_MAX + 1])
{
    size_t len = strlen(path);
    int n;

    if (path[0] == '/' || path[0] == '@') {
        if (len > XENSTORE_ABS_PATH_MAX)
            return -EINVAL;
        memcpy(out, path, len + 1);
        return path[0] == '@' || path_valid(out) ? 0 : -EINVAL;
    }
    if (len > XENSTORE_REL_PATH_MAX)
        return -EINVAL;
    n = snprintf(out, XENSTORE_ABS_PATH_MAX + 1, "/local/domain/%u/%s", domid, path);
    return n > 0 && n <= XENSTORE_ABS_PATH_MAX && path_valid(out) ? 0 : -EINVAL;
}
