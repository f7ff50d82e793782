// SPDX-License-Identifier: GPL-2.0-or-later
/* How far workers and the daemon are confined; see sandbox.h. */
#include "config.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/util.h"
#include "control/sandbox-nodes.h"
#include "control/sandbox.h"
#include "worker/confine.h"

static const char *const modes[] = {
    [SANDBOX_OFF] = "off",
    [SANDBOX_BEST_EFFORT] = "best-effort",
    [SANDBOX_FULL] = "full",
    [SANDBOX_AUTO] = "auto",
};

const char *sandbox_mode_name(unsigned mode)
{
    return mode < ARRAY_SIZE(modes) ? modes[mode] : "unknown";
}

int sandbox_mode_parse(const char *text, unsigned *out)
{
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        if (strcmp(text, modes[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return -EINVAL;
}

uint32_t sandbox_id(const struct sandbox *s, pid_t pid)
{
    return s->id_base + (uint32_t)pid;
}

/* A file system with a node in it: in some containers nobody may make one. 0 or -errno. */
static int make_root(uint32_t id, int *root)
{
    CLEANUP_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct sandbox_nodes *nodes;
    int r = sandbox_nodes_new(id, &nodes);

    if (r < 0)
        return r;
    r = null < 0 ? -errno : sandbox_nodes_add(nodes, 0, null, -1);
    if (r == 0)
        *root = fcntl(sandbox_nodes_root(nodes), F_DUPFD_CLOEXEC, 0);
    sandbox_nodes_free(nodes);
    return r;
}

/* In the process that tries: enters everything and reports. */
static void try_all(uint32_t id, int report)
{
    struct confine c = { .parts = confine_built_in(), .root_fd = -1, .id = id, .mappable = { -1, -1 } };
    int error[CONFINE_PARTS], no_root = make_root(id, &c.root_fd);

    confine_enter(&c, error);
    if (no_root < 0)
        error[0] = no_root;
    for (unsigned i = 0; i < CONFINE_PARTS; i++)
        if (!(confine_built_in() & 1u << i))
            error[i] = -ENOPKG;
    if (write(report, error, sizeof(error)) != (ssize_t)sizeof(error))
        _exit(1);
    _exit(0);
}

/* Which parts can be entered here. 0, and error[i] for part 1 << i; or -errno. */
static int try(uint32_t id, int error[CONFINE_PARTS])
{
    CLEANUP_CLOSE int from = -1;
    CLEANUP_CLOSE int to = -1;
    int fds[2], status;
    ssize_t n;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    from = fds[0];
    to = fds[1];
    fflush(NULL);
    pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        try_all(id, to);
    close(steal_fd(&to));
    do
        n = read(from, error, sizeof(int) * CONFINE_PARTS);
    while (n < 0 && errno == EINTR);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)(sizeof(int) * CONFINE_PARTS) ? 0 : -EIO;
}

static const char *reason(int error)
{
    switch (error) {
    case -ENOPKG:
        return "not in this build";
    case -EOPNOTSUPP:
        return "it needs the file system";
    case -ECANCELED: /* all that libseccomp says of it */
        return "the kernel refuses seccomp filters";
    default:
        return strerror(-error);
    }
}

int sandbox_prepare(unsigned mode, bool standalone, uint32_t id_base, struct sandbox *out, char *why, size_t size)
{
    int error[CONFINE_PARTS] = { 0 }, r;
    size_t at = 0;

    if (mode == SANDBOX_AUTO)
        mode = standalone ? SANDBOX_BEST_EFFORT : SANDBOX_FULL;
    *out = (struct sandbox){ .mode = (enum sandbox_mode)mode, .id_base = id_base };
    if (mode == SANDBOX_OFF)
        return 0;
    r = try(id_base, error);
    if (r < 0) {
        snprintf(why, size, "cannot try the confinement of workers: %s", strerror(-r));
        return r;
    }
    for (unsigned i = 0; i < CONFINE_PARTS; i++) {
        if (error[i] == 0)
            out->parts |= 1u << i;
        else if (at < sizeof(out->lacks))
            at += (size_t)snprintf(out->lacks + at, sizeof(out->lacks) - at, "%s%s (%s)", at ? ", " : "",
                                   confine_part_name(1u << i), reason(error[i]));
    }
    if (mode != SANDBOX_FULL || out->parts == CONFINE_ALL)
        return 0;
    snprintf(why, size,
             "workers cannot be confined: %s; expected all of it to be possible: run as root with all capabilities, or "
             "set sandbox to best-effort or off",
             out->lacks);
    return -EPERM;
}

int sandbox_drop_capabilities(void)
{
    /* docs/confinement.md says what each is for; the systemd unit has the same list. */
    static const unsigned kept[] = {
        CAP_DAC_OVERRIDE, CAP_KILL,       CAP_SETGID,     CAP_SETUID,    CAP_SETPCAP,
        CAP_SYS_RAWIO,    CAP_SYS_CHROOT, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_MKNOD,
    };
    const capng_type_t where = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET;
    bool has[ARRAY_SIZE(kept)], bounds;

    if (capng_get_caps_process() < 0)
        return -EPERM;
    bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        has[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
    capng_clear(CAPNG_SELECT_BOTH);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (has[i] && capng_update(CAPNG_ADD, where, kept[i]) < 0)
            return -EPERM;
    /* The bounding set cannot be changed without CAP_SETPCAP. */
    return capng_apply(bounds ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}
