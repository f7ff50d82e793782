// SPDX-License-Identifier: GPL-2.0-or-later
/* What only the hypervisor, or this domain's own kernel, knows; see hyp.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <xenctrl.h>

#include "hyp.h"

static xc_interface *xch;

bool hyp_available(void)
{
    static bool tried;

    if (!tried) {
        tried = true;
        /* Without a look before, the library complains to stderr. */
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

int hyp_domain_uuid(uint32_t domid, char uuid[UUID_TEXT_MAX])
{
    xc_domaininfo_t info;
    const uint8_t *h = info.handle;

    if (!hyp_available())
        return -ENOSYS;
    if (xc_domain_getinfolist(xch, domid, 1, &info) != 1 || info.domain != domid)
        return -ENOENT;
    snprintf(uuid, UUID_TEXT_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
             h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
    return 0;
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
