// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hypervisor in a directory, for tests of what xl-scsi does on a real one. $FAKE_HYP/<domid> holds the domain's
 * pause count, and the file pvscsid says whether pvscsid runs (1, 0). libxl's files about domains are in the
 * directory too. Linked in place of tools/xl-scsi/hyp.c.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "common/util.h"
#include "xl-scsi/hyp.h"

static bool read_count(uint32_t domid, unsigned *count)
{
    CLEANUP_FREE char *path = strf("%s/%u", hyp_xen_lib_dir(), domid), *text = NULL;

    return path && read_file(path, 16, &text, NULL) == 0 && sscanf(text, "%u", count) == 1;
}

static int change_count(uint32_t domid, int by)
{
    CLEANUP_FREE char *path = strf("%s/%u", hyp_xen_lib_dir(), domid);
    unsigned count;
    FILE *f;

    if (!read_count(domid, &count))
        return -ESRCH;
    if (count == 0 && by < 0)
        return -EINVAL;
    f = fopen(path, "w");
    if (!f)
        return -errno;
    fprintf(f, "%u\n", count + (unsigned)by);
    fclose(f);
    return 0;
}

const char *hyp_xen_lib_dir(void)
{
    const char *dir = getenv("FAKE_HYP");

    return dir ? dir : "/nonexistent";
}

bool hyp_available(void)
{
    return getenv("FAKE_HYP") != NULL;
}

void hyp_close(void)
{
}

int hyp_domain_paused(uint32_t domid)
{
    unsigned count;

    return read_count(domid, &count) ? count > 0 : -1;
}

int hyp_pause(uint32_t domid)
{
    return change_count(domid, 1);
}

int hyp_unpause(uint32_t domid)
{
    return change_count(domid, -1);
}

/* A domain's uuid is in $FAKE_HYP/<domid>.uuid, or is made of its number. */
int hyp_domain_uuid(uint32_t domid, char uuid[UUID_TEXT_MAX])
{
    CLEANUP_FREE char *path = strf("%s/%u.uuid", hyp_xen_lib_dir(), domid), *text = NULL;
    unsigned count;

    if (!read_count(domid, &count))
        return -ENOENT;
    if (path && read_file(path, 64, &text, NULL) == 0)
        snprintf(uuid, UUID_TEXT_MAX, "%.36s", text);
    else
        snprintf(uuid, UUID_TEXT_MAX, "00000000-0000-0000-0000-%012u", domid);
    return 0;
}

/* -ENOSYS where there are no such files: then xl-scsi goes by what it would go by without a hypervisor. */
int hyp_find_uuid(const char *uuid, uint32_t *ids, unsigned max)
{
    DIR *dir = opendir(hyp_xen_lib_dir());
    unsigned found = 0, files = 0;
    char text[UUID_TEXT_MAX];

    if (!dir)
        return -ENOSYS;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        uint32_t domid;

        files += strstr(e->d_name, ".uuid") != NULL;
        if (parse_u32_str(e->d_name, UINT32_MAX, &domid) == 0 && hyp_domain_uuid(domid, text) == 0
            && strcmp(text, uuid) == 0 && found < max)
            ids[found++] = domid;
    }
    closedir(dir);
    return files ? (int)found : -ENOSYS;
}

bool hyp_kernel_backend(uint32_t domid, uint32_t backend, uint32_t id)
{
    return false;
}

int hyp_pvscsid_runs(void)
{
    CLEANUP_FREE char *path = strf("%s/pvscsid", hyp_xen_lib_dir()), *text = NULL;

    if (!path || read_file(path, 16, &text, NULL) < 0)
        return -1;
    return text[0] == '1';
}
