// SPDX-License-Identifier: GPL-2.0-or-later
/* Xen's libraries of one version; see xen-libs.h. */
#include "config.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "xen-libs.h"

#define VERSION_MAX 24 /* "4.17" */

struct symbol {
    const char *name;
    size_t at; /* of the pointer, in the structure of the library */
};

/* A function's pointer in struct xen_control or struct xen_config, and the function's name. */
#define SYMBOL(type, member, function) \
    { \
        .name = #function, .at = offsetof(struct type, member) \
    }

static const struct symbol control_symbols[] = {
    SYMBOL(xen_control, open, xc_interface_open),
    SYMBOL(xen_control, close, xc_interface_close),
    SYMBOL(xen_control, getinfolist, xc_domain_getinfolist),
    SYMBOL(xen_control, pause, xc_domain_pause),
    SYMBOL(xen_control, unpause, xc_domain_unpause),
};

static const struct symbol config_symbols[] = {
    SYMBOL(xen_config, init, xlu_cfg_init),         SYMBOL(xen_config, destroy, xlu_cfg_destroy),
    SYMBOL(xen_config, readdata, xlu_cfg_readdata), SYMBOL(xen_config, get_string, xlu_cfg_get_string),
    SYMBOL(xen_config, get_list, xlu_cfg_get_list), SYMBOL(xen_config, get_listitem, xlu_cfg_get_listitem),
};

/* The version of the Xen that runs, as it is in the names of its libraries. Without Xen: of the Xen of the build. */
static void find_version(char version[VERSION_MAX])
{
    CLEANUP_FREE char *major = NULL, *minor = NULL;

    if (read_file("/sys/hypervisor/version/major", 16, &major, NULL) < 0
        || read_file("/sys/hypervisor/version/minor", 16, &minor, NULL) < 0) {
        snprintf(version, VERSION_MAX, "%s", XEN_OF_THE_BUILD);
        return;
    }
    major[strcspn(major, "\n")] = '\0';
    minor[strcspn(minor, "\n")] = '\0';
    snprintf(version, VERSION_MAX, "%s.%s", major, minor);
}

/* All of its functions, or false. What was opened is never closed. */
static bool open_library(const char *name, const struct symbol *symbols, size_t n, void *out, char *why)
{
    char version[VERSION_MAX], file[VERSION_MAX + 32];
    void *library;

    find_version(version);
    snprintf(file, sizeof(file), "%s.so.%s", name, version);
    library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(why, XEN_LIBS_ERROR_MAX, "cannot open %s, a library of the toolstack of Xen %s: %s: install it", file,
                 version, dlerror());
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        void *function = dlsym(library, symbols[i].name);

        if (!function) {
            snprintf(why, XEN_LIBS_ERROR_MAX, "%s has no function %s: xl-scsi must be built for Xen %s", file,
                     symbols[i].name, version);
            return false;
        }
        memcpy((char *)out + symbols[i].at, &function, sizeof(function));
    }
    return true;
}

const struct xen_control *xen_control(char why[XEN_LIBS_ERROR_MAX])
{
    static struct xen_control control;
    static bool opened;

    if (!opened)
        opened = open_library("libxenctrl", control_symbols, ARRAY_SIZE(control_symbols), &control, why);
    return opened ? &control : NULL;
}

const struct xen_config *xen_config(char why[XEN_LIBS_ERROR_MAX])
{
    static struct xen_config config;
    static bool opened;

    if (!opened)
        opened = open_library("libxlutil", config_symbols, ARRAY_SIZE(config_symbols), &config, why);
    return opened ? &config : NULL;
}
