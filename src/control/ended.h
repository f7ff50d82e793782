/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What followers learn of commands that ended in a way that the administrator should know of: in words, as news. */
#ifndef PVSCSI_ENDED_H
#define PVSCSI_ENDED_H

#include "control/model.h"
#include "pvscsi/worker-proto.h"

/* msg: WM_ENDED of v's worker. It may say anything: a guest may have taken the worker over. */
void ended_tell(struct vhost *v, const struct worker_msg *msg);

#endif
