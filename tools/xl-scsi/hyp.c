// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions to the hypervisor and about this domain; see hyp.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/util.h"
#include "hyp.h"
#include "run.h"
#include "xen-libs.h"

/*
 * What is known of a domain. The fields that are read have stood at these places since Xen 4.3. Later versions changed
 * only what follows them, so there is room for a longer structure, and domains are asked for one at a time.
 */
union domain_info {
    xc_domaininfo_t is;
    uint8_t room[4096];
};
_Static_assert(offsetof(xc_domaininfo_t, domain) == 0 && offsetof(xc_domaininfo_t, flags) == 4
                   && offsetof(xc_domaininfo_t, handle) == 76,
               "the headers are of a Xen with another xc_domaininfo_t");

static const struct xen_control *control;
static xc_interface *xch;

bool hyp_available(void)
{
    static bool tried;
    char why[XEN_LIBS_ERROR_MAX];

    /* If the device node is missing, the library complains on stderr. */
    if (!tried && (access("/dev/xen/privcmd", R_OK | W_OK) == 0 || access("/proc/xen/privcmd", R_OK | W_OK) == 0)) {
        control = xen_control(why);
        if (control)
            xch = control->open(NULL, NULL, 0);
        else
            complain(0, "%s", why);
    }
    tried = true;
    return xch != NULL;
}

void hyp_close(void)
{
    if (xch)
        control->close(xch);
    xch = NULL;
}

/* The first domain whose number is at least domid. 1, 0 if there is none, or -1 with errno. */
static int next_domain(uint32_t domid, union domain_info *info)
{
    return control->getinfolist(xch, domid, 1, &info->is);
}

int hyp_domain_paused(uint32_t domid)
{
    union domain_info info;

    if (!hyp_available() || next_domain(domid, &info) != 1 || info.is.domain != domid)
        return -1;
    return (info.is.flags & XEN_DOMINF_paused) != 0;
}

int hyp_pause(uint32_t domid)
{
    if (!hyp_available())
        return -ENOSYS;
    return control->pause(xch, domid) == 0 ? 0 : -errno;
}

int hyp_unpause(uint32_t domid)
{
    if (!hyp_available())
        return -ENOSYS;
    return control->unpause(xch, domid) == 0 ? 0 : -errno;
}

static void uuid_text(const uint8_t *h, char uuid[UUID_TEXT_MAX])
{
    snprintf(uuid, UUID_TEXT_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", h[0], h[1],
             h[2], h[3], h[4], h[5], h[6], h[7], h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
}

int hyp_domain_uuid(uint32_t domid, char uuid[UUID_TEXT_MAX])
{
    union domain_info info;

    if (!hyp_available())
        return -ENOSYS;
    if (next_domain(domid, &info) != 1 || info.is.domain != domid)
        return -ENOENT;
    uuid_text(info.is.handle, uuid);
    return 0;
}

int hyp_find_uuid(const char *uuid, uint32_t *ids, unsigned max)
{
    union domain_info info;
    char text[UUID_TEXT_MAX];
    unsigned found = 0;
    int n;

    if (!hyp_available())
        return -ENOSYS;
    for (uint32_t domid = 0; (n = next_domain(domid, &info)) > 0; domid = info.is.domain + 1u) {
        uuid_text(info.is.handle, text);
        if (!(info.is.flags & XEN_DOMINF_dying) && strcmp(text, uuid) == 0 && found < max)
            ids[found++] = info.is.domain;
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
