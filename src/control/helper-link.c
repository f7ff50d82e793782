// SPDX-License-Identifier: GPL-2.0-or-later
/* The connection of one LUN's worker to the PR helper; see helper-link.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/util.h"
#include "control/helper-link.h"
#include "control/news.h"
#include "pr/connect.h"

bool helper_may_be_used(const struct vdev *d)
{
    return lun_is_with_worker(d->lun) && (d->pr_chosen == PR_HELPER || d->pr_chosen == PR_AUTO);
}

void helper_disconnect(struct vdev *d)
{
    if (d->helper_socket >= 0)
        pr_disconnect(steal_fd(&d->helper_socket));
}

/* The connection, or -errno. A duplicate stays here, to end it. */
static int connect_lun(struct vdev *d)
{
    int fd = pr_connect(d->vhost->host->settings->pr_socket);

    if (fd < 0)
        return fd;
    d->helper_socket = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (d->helper_socket >= 0)
        return fd;
    close(fd);
    return -EMFILE;
}

int helper_connect(struct vdev *d)
{
    helper_disconnect(d);
    if (!helper_may_be_used(d))
        return -ENOENT;
    return log_limit_take(&d->helper_asks, now_us()) ? connect_lun(d) : -EAGAIN;
}

void helper_is(struct vdev *d, unsigned state)
{
    struct news *news = d->vhost->host->news;

    /* A new worker asks the helper anew: what was told before its predecessor died still holds. */
    if (state == HELPER_AWAY && !d->helper_away_told && model_may_tell(d->vhost)) {
        d->helper_away_told = true;
        news_tell(news, NEWS_HELPER_AWAY, d->vhost, d, "the PR helper does not run or has failed");
    } else if (state == HELPER_CONNECTED && d->helper_away_told) {
        d->helper_away_told = false;
        news_tell(news, NEWS_HELPER_BACK, d->vhost, d, "the PR helper is back");
    }
    d->helper = state;
}
