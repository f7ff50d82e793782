/* Files in the run directory; see run-files.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/util.h"
#include "control/run-files.h"

int run_dir_prepare(const char *dir)
{
    struct stat st;

    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (stat(dir, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int pid_file_lock(const char *path, int *out, uint32_t *other)
{
    CLEANUP_CLOSE int fd = -1;
    char text[16];
    ssize_t n;

    *other = 0;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return -errno;
        n = read(fd, text, sizeof(text) - 1);
        if (n > 0)
            parse_u32(text, strcspn((text[n] = '\0', text), "\n"), INT32_MAX, other);
        return -EEXIST;
    }
    n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return errno ? -errno : -EIO;
    *out = steal_fd(&fd);
    return 0;
}

static char *file_path(const char *dir, uint16_t domid, uint32_t vhost, const char *kind)
{
    return strf("%s/d%u.%u.%s", dir, domid, vhost, kind);
}

static int open_sized(const char *path, size_t size)
{
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if ((size_t)st.st_size != size) {
        /* Blocks now: a full disk must not become a SIGBUS in the worker. */
        int r = ftruncate(fd, 0) < 0 ? errno : posix_fallocate(fd, 0, (off_t)size);

        if (r != 0)
            return -r;
    }
    return steal_fd(&fd);
}

int run_files_journal(const char *dir, uint16_t domid, uint32_t vhost, struct pvscsi_journal *out)
{
    CLEANUP_FREE char *path = file_path(dir, domid, vhost, "journal");
    CLEANUP_CLOSE int fd = -1;

    memset(out, 0, sizeof(*out));
    if (!path)
        return -ENOMEM;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (pread(fd, out, sizeof(*out), 0) != (ssize_t)sizeof(*out) || out->magic != PVSCSI_JOURNAL_MAGIC
        || out->version != PVSCSI_JOURNAL_VERSION)
        memset(out, 0, sizeof(*out));
    return 0;
}

int run_files_open(const char *dir, uint16_t domid, uint32_t vhost, bool fresh, struct run_files *out, uint32_t *pid)
{
    CLEANUP_FREE char *journal_path = file_path(dir, domid, vhost, "journal");
    CLEANUP_FREE char *stats_path = file_path(dir, domid, vhost, "stats");
    CLEANUP_CLOSE int journal = -1;
    CLEANUP_CLOSE int stats = -1;

    *pid = 0;
    if (!journal_path || !stats_path)
        return -ENOMEM;
    journal = open_sized(journal_path, sizeof(struct pvscsi_journal));
    if (journal < 0)
        return journal;
    if (flock(journal, LOCK_EX | LOCK_NB) < 0) {
        int e = errno;
        struct pvscsi_journal j;

        if (e == EWOULDBLOCK && run_files_journal(dir, domid, vhost, &j) == 0)
            *pid = j.worker_pid;
        return -e;
    }
    if (fresh) {
        struct pvscsi_journal empty = { 0 };

        if (pwrite(journal, &empty, sizeof(empty), 0) != (ssize_t)sizeof(empty))
            return -EIO;
    }
    stats = open_sized(stats_path, sizeof(struct pvscsi_stats));
    if (stats < 0)
        return stats;
    out->journal = steal_fd(&journal);
    out->stats = steal_fd(&stats);
    return 0;
}

const struct pvscsi_stats *run_files_map_stats(const char *dir, uint16_t domid, uint32_t vhost)
{
    CLEANUP_FREE char *path = file_path(dir, domid, vhost, "stats");
    CLEANUP_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    struct stat st;
    void *p;

    if (fd < 0 || fstat(fd, &st) < 0 || (size_t)st.st_size != sizeof(struct pvscsi_stats))
        return NULL;
    p = mmap(NULL, sizeof(struct pvscsi_stats), PROT_READ, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

void run_files_unmap_stats(const struct pvscsi_stats *stats)
{
    if (stats)
        munmap((void *)(uintptr_t)stats, sizeof(*stats));
}

void run_files_remove(const char *dir, uint16_t domid, uint32_t vhost)
{
    CLEANUP_FREE char *journal = file_path(dir, domid, vhost, "journal");
    CLEANUP_FREE char *stats = file_path(dir, domid, vhost, "stats");

    if (journal)
        unlink(journal);
    if (stats)
        unlink(stats);
}

static bool still_held(int dirfd, const char *name)
{
    CLEANUP_CLOSE int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

void run_files_sweep(const char *dir, bool (*known)(void *ctx, uint16_t domid, uint32_t vhost), void *ctx)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    if (!d)
        return;
    while ((e = readdir(d))) {
        const char *dot = strchr(e->d_name, '.');
        const char *end = dot ? strchr(dot + 1, '.') : NULL;
        uint32_t domid, vhost;

        if (e->d_name[0] != 'd' || !end || parse_u32(e->d_name + 1, (size_t)(dot - e->d_name - 1), 32767, &domid) < 0
            || parse_u32(dot + 1, (size_t)(end - dot - 1), UINT32_MAX, &vhost) < 0
            || (strcmp(end, ".journal") != 0 && strcmp(end, ".stats") != 0) || known(ctx, (uint16_t)domid, vhost))
            continue;
        if (strcmp(end, ".journal") == 0 && still_held(dirfd(d), e->d_name))
            continue;
        unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

bool journal_has_orphan(const struct pvscsi_journal *j, uint16_t channel, uint16_t target, uint16_t lun)
{
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++) {
        const struct pvscsi_journal_slot *s = &j->slot[i];

        /* A slot at or beyond req_cons was being filled when the worker died: never taken. */
        if (s->state == JOURNAL_TAKEN && (int32_t)(j->req_cons - s->ring_index) > 0 && s->channel == channel
            && s->target == target && s->lun == lun)
            return true;
    }
    return false;
}
