/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The libraries of Xen that are different in each version of Xen: libxenctrl and libxlutil. They are opened at run
 * time, in the version of the Xen that runs, so that one xl-scsi works on all of them. No other file calls them.
 */
#ifndef XL_SCSI_XEN_LIBS_H
#define XL_SCSI_XEN_LIBS_H

#include <libxlutil.h>
#include <xenctrl.h>

#define XEN_LIBS_ERROR_MAX 512

struct xen_control {
    __typeof__(xc_interface_open) *open;
    __typeof__(xc_interface_close) *close;
    __typeof__(xc_domain_getinfolist) *getinfolist;
    __typeof__(xc_domain_pause) *pause;
    __typeof__(xc_domain_unpause) *unpause;
};

struct xen_config {
    __typeof__(xlu_cfg_init) *init;
    __typeof__(xlu_cfg_destroy) *destroy;
    __typeof__(xlu_cfg_readdata) *readdata;
    __typeof__(xlu_cfg_get_string) *get_string;
    __typeof__(xlu_cfg_get_list) *get_list;
    __typeof__(xlu_cfg_get_listitem) *get_listitem;
};

/*
 * Each opens its library at the first call, and the library stays open. NULL if that fails: why says then what is
 * missing and what to install, in one line.
 */
const struct xen_control *xen_control(char why[XEN_LIBS_ERROR_MAX]);
const struct xen_config *xen_config(char why[XEN_LIBS_ERROR_MAX]);

#endif
