/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nodes of devices that are attached: finds a place for each vhost's share of a request and writes it. It waits for
 * the guest and the backend only until there is a place, and judges no answer.
 */
#ifndef XL_SCSI_PLACE_H
#define XL_SCSI_PLACE_H

#include "change.h"

enum dev_outcome {
    DEV_PENDING,
    DEV_CONNECTED,
    DEV_OFFERED,
    DEV_REFUSED,
    DEV_REFUSED_BY_GUEST,
    DEV_VANISHED
};

struct share {
    struct vscsi_entry *entry;
    uint32_t n; /* dev-N, once placed */
    enum dev_outcome outcome;
    unsigned state;
    bool changed; /* its states must be read */
};

struct target {
    struct change *c;
    uint32_t backend, host, id;
    bool feature_host;
    bool foreign; /* the backend is a driver domain */
    struct share *shares;
    unsigned n_shares, n_later; /* n_later: those of the targets that are placed after this one */
    bool placed, asked;         /* asked: state 7 was written */
    bool changed;               /* the states of the vhost must be read */
    bool lives;                 /* the backend has shown life, CHANGE_SERVED_US after the nodes were written */
    unsigned state, fe_state;
    uint64_t placed_us, offered_us, stuck_us;
};

/*
 * Places the devices of one vhost, in one transaction; t->placed then, unless it is a dry run. Waits while another
 * change of the vhost is under way, without c->lock, and checks again after it that the devices are free (c->claim). 0,
 * or -errno with the reason. After success the nodes that tell the answers are watched.
 */
int place_target(struct target *t);
/* Ends these watches. */
void place_unwatch(const struct target *t);
/* Lets other processes check the devices again. */
void place_drop_lock(struct change *c);
/* The v-dev of a share as text. */
void share_vdev(const struct share *sh, char text[HCTL_TEXT_MAX]);

#endif
