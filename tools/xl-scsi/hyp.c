// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions to the hypervisor and about this domain; see hyp.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <xenctrl.h>

#include "common/util.h"
#include "hyp.h"

enum {
    AT_ONCE = 256
}; /* domains that the hypervisor is asked for in one call */

static xc_interface *xch;

bool hyp_available(void)
{
    static bool tried;

    if (!tried) {
        tried = true;
        /* If the device node is missing, the library complains on stderr. */
        if (access("/dev/xen/privcmd", R_OK | W_OK) == 0 || access("/proc/xen/privcmd", R_OK | W_OK) == 0)
            xch = xc_interface_open(NULL, NULL, 0);
    }
    return xch != NULL;
}

void hyp_close(void)
{
    if (xch)
        xc_interface_close(xch);
    xch = NULL;
}

int hyp_domain_paused(uint32_t domid)
{
    xc_domaininfo_t info;

    if (!hyp_available() || xc_domain_getinfolist(xch, domid, 1, &info) != 1 || info.domain != domid)
        return -1;
    return (info.flags & XEN_DOMINF_paused) != 0;
}

int hyp_pause(uint32_t domid)
{
    if (!hyp_available())
        return -ENOSYS;
    return xc_domain_pause(xch, domid) == 0 ? 0 : -errno;
}

int hyp_unpause(uint32_t domid)
{
    if (!hyp_available())
        return -ENOSYS;
    return xc_domain_unpause(xch, domid) == 0 ? 0 : -errno;
}

static void uuid_text(const uint8_t *h, char uuid[UUID_TEXT_MAX])
{
    snprintf(uuid, UUID_TEXT_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
             h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
}

int hyp_domain_uuid(uint32_t domid, char uuid[UUID_TEXT_MAX])
{
    xc_domaininfo_t info;

    if (!hyp_available())
        return -ENOSYS;
    if (xc_domain_getinfolist(xch, domid, 1, &info) != 1 || info.domain != domid)
        return -ENOENT;
    uuid_text(info.handle, uuid);
    return 0;
}

int hyp_find_uuid(const char *uuid, uint32_t *ids, unsigned max)
{
    xc_domaininfo_t info[AT_ONCE];
    char text[UUID_TEXT_MAX];
    uint32_t first = 0;
    unsigned found = 0;
    int n;

    if (!hyp_available())
        return -ENOSYS;
    while ((n = xc_domain_getinfolist(xch, first, AT_ONCE, info)) > 0) {
        for (int i = 0; i < n; i++) {
            uuid_text(info[i].handle, text);
            if (!(info[i].flags & XEN_DOMINF_dying) && strcmp(text, uuid) == 0 && found < max)
                ids[found++] = info[i].domain;
        }
        first = info[n - 1].domain + 1u;
    }
    return n < 0 ? -errno : (int)found;
}

const char *hyp_xen_lib_dir(void)
{
    return "/var/lib/xen";
}

bool hyp_kernel_backend(uint32_t domid, uint32_t backend, uint32_t id)
{
    char path[128];

    snprintf(path, sizeof(path), "/sys/bus/xen-backend/devices/vscsi-%u-%u/driver", domid, id);
    return backend == 0 && access(path, F_OK) == 0;
}

/* With another run_dir it has its socket elsewhere; and it has none yet while it starts. 1, 0, or -1 unknown. */
static int process_exists(const char *comm)
{
    DIR *proc = opendir("/proc");
    int found = proc ? 0 : -1;

    for (struct dirent *e; found == 0 && (e = readdir(proc)) != NULL;) {
        CLEANUP_FREE char *path = strf("/proc/%s/comm", e->d_name), *text = NULL;

        if (path && e->d_name[0] >= '1' && e->d_name[0] <= '9' && read_file(path, 64, &text, NULL) == 0)
            found = strcmp(text, comm) == 0;
    }
    if (proc)
        closedir(proc);
    return found;
}

int hyp_pvscsid_runs(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = RUNSTATEDIR "/pvscsid/pvscsid.sock" };
    CLEANUP_CLOSE int fd = hyp_available() ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;

    if (fd < 0)
        return -1;
    /* EAGAIN: it has many clients at this moment. */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN)
        return 1;
    if (errno != ENOENT && errno != ECONNREFUSED)
        return -1;
    return process_exists("pvscsid\n") == 0 ? 0 : -1;
}
