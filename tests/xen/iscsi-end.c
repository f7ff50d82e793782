// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ends all iSCSI sessions of this kernel, with their SCSI hosts and devices, as iscsid does when one is logged out of.
 * iscsistart leaves its session to the kernel, and iscsid would first log in again. It sends nothing to the target,
 * which may stand still or be gone.
 */
#include <errno.h>
#include <glob.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of the kernel's include/scsi/iscsi_if.h, which is not among its headers for programs. */
enum {
    DESTROY_SESSION = 12,
    DESTROY_CONNECTION = 14,
    STOP_CONNECTION = 18,
    STOP_FOR_GOOD = 1,
    FAILED = 103,
};
struct event {
    struct nlmsghdr head;
    uint32_t type;
    uint32_t error;
    uint64_t transport;
    uint32_t session;
    uint32_t connection;
    uint64_t handle;
    uint32_t flag;
    uint8_t room[128]; /* the kernel's structure is as long as its longest event and answer */
};
_Static_assert(offsetof(struct event, flag) - offsetof(struct event, type) == 32, "as in struct iscsi_uevent");

/* tell: one event; 0 or an errno. The kernel answers each with itself, or with FAILED in place of the type. */
static int tell(int fd, struct event e, uint32_t type)
{
    e.type = type;
    e.head.nlmsg_len = sizeof(e);
    e.head.nlmsg_type = (uint16_t)type;
    if (send(fd, &e, sizeof(e), 0) < 0 || recv(fd, &e, sizeof(e), 0) < 0)
        return errno;
    return e.type == FAILED ? -(int)e.error : 0;
}

int main(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ISCSI);
    struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    FILE *f = fopen("/sys/class/iscsi_transport/tcp/handle", "re");
    struct event e = { 0 };
    glob_t found;
    int status = 0;

    if (glob("/sys/class/iscsi_session/session*", 0, NULL, &found))
        return 0;
    if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) || !f
        || fscanf(f, "%lu", (unsigned long *)&e.transport) != 1) {
        perror("iscsi-end");
        return 1;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (sscanf(strrchr(found.gl_pathv[i], '/'), "/session%u", &e.session) != 1)
            continue;
        e.flag = STOP_FOR_GOOD;
        tell(fd, e, STOP_CONNECTION);
        e.flag = 0;
        tell(fd, e, DESTROY_CONNECTION);
        int error = tell(fd, e, DESTROY_SESSION);

        if (error) {
            fprintf(stderr, "iscsi-end: session %u stays: %s\n", e.session, strerror(error));
            status = 1;
        }
    }
    globfree(&found);
    fclose(f);
    close(fd);
    return status;
}
