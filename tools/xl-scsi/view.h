/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xenstore says about the virtual SCSI hosts (vhosts) of a guest, read from the trees of the backend
 * domains: a guest owns its frontend tree and could point it anywhere, so only states are taken from there.
 */
#ifndef XL_SCSI_VIEW_H
#define XL_SCSI_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "pvscsi/hctl.h"
#include "settings.h"
#include "xenstore.h"

#define DOMID_MAX 0x7fef /* public/xen.h: DOMID_FIRST_RESERVED - 1 */

/* How much of the nodes is read. A change reads them again and again, so it reads few. */
enum view_depth {
    VIEW_STATES, /* of vhost and devices; n, state, fe_state, has_frontend, online */
    VIEW_PLACES, /* and which device is where: pdev, vdev_text, vdev, devname, host, feature_host */
    VIEW_ALL     /* all but what only list reads */
};

struct dev_view {
    uint32_t n;             /* as in vscsi-devs/dev-N */
    char *pdev, *vdev_text; /* as written; NULL where there is no node */
    struct hctl vdev;       /* when vdev_ok; the host is the number its vhost goes by */
    bool vdev_ok;
    char *devname;      /* p-devname: the user's name of it; or NULL */
    char *phctl, *wwid; /* what the backend has opened: its h:c:t:l and its identifier (device/identity.h); or NULL */
    int type;           /* its peripheral device type; -1: not known */
    char *node;         /* /dev/sda or the like, if list has found it in this domain; or NULL */
    char *error;        /* why the backend closed it; or NULL */
    bool readonly;
    /* What the nodes of its options say, by the keys of settings.h; NULL: no node. Only list reads them, ... */
    char *options[SETTINGS_MAX];
    bool force;               /* ... and this one, and `uuid` and `backend_name`, ... */
    enum vscsi_need need;     /* ... and what is noted for the guest's next start */
    unsigned state, fe_state; /* fe_state: 0 also where state is 4, but for VIEW_ALL */
};

struct vhost_view {
    uint32_t backend, id; /* backend domain, and the last part of both paths */
    uint32_t host;        /* h of its v-devs: libxl_ctrl_index where a toolstack wrote one, else id */
    unsigned state, fe_state;
    bool online, feature_host, has_frontend;
    char *error;
    char *backend_name;
    struct dev_view *devs;
    unsigned n_devs;
};

struct guest_view {
    uint32_t domid;
    char *uuid;
    struct vhost_view *vhosts; /* by backend domain and id */
    unsigned n_vhosts;
};

/*
 * The states of one vhost (VIEW_STATES). Inside the current transaction if there is one. 0; -ENOENT: it is not there;
 * -ENOMEM or another -errno. vhost_view_clear() also after a failure.
 */
int view_load_vhost(struct xenstore *s, uint32_t domid, uint32_t backend, uint32_t id, struct vhost_view *out);
void vhost_view_clear(struct vhost_view *h);
/*
 * The guest's vhosts (VIEW_PLACES) at domain 0, at the backend `also`, and at the backends that its frontend nodes
 * name: what a change of the guest's devices needs to know, with a number of calls that does not depend on other
 * guests. A guest that rewrites its nodes hides nothing but its own devices from itself. Inside the current transaction
 * if there is one. 0, -ENOMEM or another -errno.
 */
int view_load_near(struct xenstore *s, uint32_t domid, uint32_t also, struct guest_view *out);
/* The same at all backends, which costs a call for each domain that there is. */
int view_load(struct xenstore *s, uint32_t domid, struct guest_view *out);
/* For many guests: view_backends() once (to be freed; NULL as domain_list()), then this for each. VIEW_ALL. */
uint32_t *view_backends(struct xenstore *s, unsigned *n);
int view_load_from(struct xenstore *s, uint32_t domid, const uint32_t *backends, unsigned n, struct guest_view *out);
void view_clear(struct guest_view *v);
/* The vhost with this host number, at any backend. NULL: there is none. */
struct vhost_view *view_host(const struct guest_view *v, uint32_t host);
struct dev_view *view_dev(const struct vhost_view *h, const struct hctl *vdev);

/* The user's name of a device: p-devname, or p-dev of a tool that does not write it. NULL: neither is there. */
const char *view_name(const struct dev_view *d);

/*
 * True: it has a device that the backend offers (state 3) and that the guest has not looked at. Then a state 7 of the
 * vhost makes the guest look, so it stays.
 */
bool view_has_untaken(const struct vhost_view *h);

#define BE_FMT "/local/domain/%u/backend/vscsi/%u/%u" /* backend domain, guest, id */
#define DEV_FMT BE_FMT "/vscsi-devs/dev-%u"
#define FE_FMT "/local/domain/%u/device/vscsi/%u" /* guest, id */
#define FE_DEV_FMT FE_FMT "/vscsi-devs/dev-%u"

/* xenbus_state_name(), and "absent" for 0: of a node that is not there. */
const char *state_name(unsigned state);

/*
 * The children of a directory whose names are numbers, ascending, to be freed; NULL and *n 0 when there are none or
 * on failure (errno, 0 when there are just none).
 */
uint32_t *numbered_dir(struct xenstore *s, unsigned *n, const char *path, ...) PRINTF(3, 4);

/* --- domains --- */
/* Name or number to a domain that xenstore knows. 0, -ENOENT, or -errno. */
int domain_find(struct xenstore *s, const char *text, uint32_t *domid);
/* By name only. */
int domain_find_name(struct xenstore *s, const char *name, uint32_t *domid);
/* Fresh memory; NULL when it has none. */
char *domain_name(struct xenstore *s, uint32_t domid);
/* This domain's own number; 0 if xenstore does not say. */
uint32_t own_domid(struct xenstore *s);
/* All domain ids, ascending, to be freed. NULL with *n 0 when there are none or on failure (errno). */
uint32_t *domain_list(struct xenstore *s, unsigned *n);

#endif
