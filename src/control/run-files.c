// SPDX-License-Identifier: GPL-2.0-or-later
/* Files in the run directory; see run-files.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/linux-calls.h"
#include "common/log.h"
#include "common/util.h"
#include "control/run-files.h"
#include "device/process.h"
#include "pvscsi/worker-proto.h"

/* Enough for a line for each LUN of a vhost, and for each device of the machine. */
#define DEVICES_FILE_MAX (4u << 20)
#define SAVE_AGAIN_US 100000u
#define SAVE_DOUBLINGS 6
/* More than the kernel's usual 65530 mappings of a process take. */
#define MAPS_FILE_MAX (16u << 20)

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

static int open_regular(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? steal_fd(&fd) : -EINVAL;
}

/* Empties a file of another size, made by another version. With the journal's lock only: a worker may have it. */
static int make_sized(int fd, size_t size)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if ((size_t)st.st_size == size)
        return 0;
    if (ftruncate(fd, 0) < 0)
        return -errno;
    /* Allocates the blocks now: with a full disk, a store into the mapping would be a SIGBUS in the worker. */
    return -posix_fallocate(fd, 0, (off_t)size);
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

/* Of a line of /proc/PID/maps: is it of the file with this inode and name? Device numbers differ on some systems. */
static bool line_maps(const char *line, ino_t inode, const char *name)
{
    unsigned long long found;
    const char *slash = strrchr(line, '/');

    return slash && strcspn(slash + 1, "\n") == strlen(name) && strncmp(slash + 1, name, strlen(name)) == 0
           && sscanf(line, "%*s %*s %*s %*s %llu", &found) == 1 && found == inode;
}

static bool maps(const char *pid, ino_t inode, const char *name)
{
    CLEANUP_FREE char *path = strf("/proc/%s/maps", pid);
    CLEANUP_FREE char *text = NULL;
    bool found = false;
    char *rest, *line;

    if (!path || read_file(path, MAPS_FILE_MAX, &text, NULL) < 0)
        return false;
    rest = text;
    while (!found && (line = strsep(&rest, "\n")))
        found = line_maps(line, inode, name);
    return found;
}

static bool is_worker(const char *pid)
{
    struct process p;

    return process_read("/proc", pid, &p) && strcmp(p.comm, WORKER_NAME) == 0;
}

/*
 * The worker that has this journal, and with it the lock: the process that has it mapped. The journal's worker_pid is
 * the worker's own word, and a guest that has taken it over may name another guest's worker. So it is looked at first,
 * and if it is not true, all processes are. It counts without that only if nobody is found.
 */
static uint32_t holder(int dirfd, const char *path, uint32_t said)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    uint32_t pid, found = 0;
    char number[16];
    struct dirent *e;
    struct stat st;
    DIR *d;

    if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return said;
    snprintf(number, sizeof(number), "%" PRIu32, said);
    if (is_worker(number) && maps(number, st.st_ino, name))
        return said;
    d = opendir("/proc");
    if (!d)
        return said;
    while (found == 0 && (e = readdir(d)))
        if (parse_u32_str(e->d_name, INT32_MAX, &pid) == 0 && is_worker(e->d_name) && maps(e->d_name, st.st_ino, name))
            found = pid;
    closedir(d);
    return found ? found : said;
}

uint32_t run_files_holder(const char *dir, uint16_t domid, uint32_t vhost)
{
    CLEANUP_FREE char *path = file_path(dir, domid, vhost, "journal");
    struct pvscsi_journal j;

    return path && run_files_journal(dir, domid, vhost, &j) == 0 ? holder(AT_FDCWD, path, j.worker_pid) : 0;
}

int run_files_open(const char *dir, uint16_t domid, uint32_t vhost, bool fresh, struct run_files *out)
{
    CLEANUP_FREE char *journal_path = file_path(dir, domid, vhost, "journal");
    CLEANUP_FREE char *stats_path = file_path(dir, domid, vhost, "stats");
    CLEANUP_CLOSE int journal = -1;
    CLEANUP_CLOSE int stats = -1;
    int r;

    if (!journal_path || !stats_path)
        return -ENOMEM;
    journal = open_regular(journal_path);
    if (journal < 0)
        return journal;
    /* The lock first: a worker that has it may be of a version with a journal of another size. */
    if (flock(journal, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    r = make_sized(journal, sizeof(struct pvscsi_journal));
    if (r < 0)
        return r;
    if (fresh) {
        struct pvscsi_journal old, empty = { .magic = PVSCSI_JOURNAL_MAGIC, .version = PVSCSI_JOURNAL_VERSION };

        r = run_files_journal(dir, domid, vhost, &old);
        if (r < 0)
            return r;
        empty.at_device = old.at_device;
        empty.strays_deadline_us = old.at_device > 0 ? pvscsi_journal_deadline(&old) : 0;
        if (pwrite(journal, &empty, sizeof(empty), 0) != (ssize_t)sizeof(empty))
            return -EIO;
    }
    stats = open_regular(stats_path);
    if (stats < 0)
        return stats;
    r = make_sized(stats, sizeof(struct pvscsi_stats));
    if (r < 0)
        return r;
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
    static const char *const kind[] = { "journal", "stats", "luns" };

    for (unsigned i = 0; i < ARRAY_SIZE(kind); i++) {
        CLEANUP_FREE char *path = file_path(dir, domid, vhost, kind[i]);

        if (path)
            unlink(path);
    }
}

/* Of "d3.0.journal": domid 3, vhost 0, and returns "journal". NULL: not a file of a vhost. */
static const char *take_apart(const char *name, uint16_t *domid, uint32_t *vhost)
{
    const char *dot = strchr(name, '.');
    const char *end = dot ? strchr(dot + 1, '.') : NULL;
    uint32_t number;

    if (name[0] != 'd' || !end || parse_u32(name + 1, (size_t)(dot - name - 1), 32767, &number) < 0
        || parse_u32(dot + 1, (size_t)(end - dot - 1), UINT32_MAX, vhost) < 0)
        return NULL;
    *domid = (uint16_t)number;
    return end + 1;
}

/* The next file of a vhost: what it is ("journal"), and whose. Other files are passed over. NULL: there is none. */
static const char *next_file(DIR *d, struct dirent **e, uint16_t *domid, uint32_t *vhost)
{
    const char *end = NULL;

    while (!end && (*e = readdir(d)))
        end = take_apart((*e)->d_name, domid, vhost);
    return end;
}

static bool still_held(int dirfd, const char *name)
{
    CLEANUP_CLOSE int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0;
}

void run_files_sweep(const char *dir, bool (*known)(void *ctx, uint16_t domid, uint32_t vhost), void *ctx)
{
    static const char *const kind[] = { "journal", "stats", "luns", "luns.new" };
    DIR *d = opendir(dir);
    const char *end;
    struct dirent *e;
    uint16_t domid;
    uint32_t vhost;

    if (!d)
        return;
    while ((end = next_file(d, &e, &domid, &vhost))) {
        bool ours = false;

        for (unsigned i = 0; i < ARRAY_SIZE(kind); i++)
            ours |= strcmp(end, kind[i]) == 0;
        if (!ours || known(ctx, domid, vhost) || (strcmp(end, "journal") == 0 && still_held(dirfd(d), e->d_name)))
            continue;
        unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

void run_files_each(const char *dir, bool holders,
                    void (*fn)(void *ctx, uint16_t domid, uint32_t vhost, bool served, const struct pvscsi_journal *j),
                    void *ctx)
{
    DIR *d = opendir(dir);
    const char *end;
    struct dirent *e;
    uint16_t domid;
    uint32_t vhost;

    if (!d)
        return;
    while ((end = next_file(d, &e, &domid, &vhost))) {
        struct pvscsi_journal j;
        bool served;

        if (strcmp(end, "journal") != 0)
            continue;
        /* The lock first, then the journal: so what a worker wrote before it ended is read. */
        served = still_held(dirfd(d), e->d_name);
        if (run_files_journal(dir, domid, vhost, &j) < 0)
            continue;
        if (served && holders)
            j.worker_pid = holder(dirfd(d), e->d_name, j.worker_pid);
        fn(ctx, domid, vhost, served, &j);
    }
    closedir(d);
}

int run_files_maps_journal(const char *proc, const char *pid)
{
    CLEANUP_FREE char *path = strf("%s/%s/maps", proc, pid);
    CLEANUP_FREE char *text = NULL;
    char *rest, *line;
    int r = path ? read_file(path, MAPS_FILE_MAX, &text, NULL) : -ENOMEM;

    if (r < 0)
        return r;
    if (!text[0])
        return -ESRCH;
    rest = text;
    while ((line = strsep(&rest, "\n"))) {
        char *slash = strrchr(line, '/');
        const char *end;
        uint16_t domid;
        uint32_t vhost;

        if (!slash)
            continue;
        slash[1 + strcspn(slash + 1, " ")] = '\0'; /* " (deleted)" */
        end = take_apart(slash + 1, &domid, &vhost);
        if (end && strcmp(end, "journal") == 0)
            return 1;
    }
    return 0;
}

int run_files_worker(pid_t pid)
{
    CLEANUP_FREE char *path = strf("/proc/%d/cmdline", (int)pid);
    CLEANUP_FREE char *text = NULL;
    CLEANUP_CLOSE int fd = -1;
    size_t len = 0;
    char number[16];
    int r;

    if (pid <= 0)
        return -ESRCH;
    snprintf(number, sizeof(number), "%d", (int)pid);
    if (!path)
        return -ENOMEM;
    fd = pidfd_open(pid, 0);
    if (fd < 0)
        return errno == EINVAL ? -ESRCH : -errno; /* a thread has this number now */
    /* The pidfd is open, so the number cannot become that of another process any more. */
    r = read_file(path, 4096, &text, &len);
    if (r < 0 && r != -ENOENT && r != -ESRCH && r != -EFBIG)
        return r;
    /* A worker can change its arguments, but not its name any more once it is confined. */
    if ((r < 0 || !memmem(text, len, "--worker", sizeof("--worker"))) && !is_worker(number))
        return -ESRCH;
    return steal_fd(&fd);
}

/* --- devices, a line each --- */

void run_device_set(struct run_device *out, const char *word, const struct hctl *hctl, const char *wwid)
{
    snprintf(out->word, sizeof(out->word), "%s", word);
    out->hctl = *hctl;
    escape_for_log(out->wwid, sizeof(out->wwid), wwid, strlen(wwid));
}

bool run_device_compatible(const struct run_device *a, const struct run_device *b)
{
    return a->wwid[0] && b->wwid[0] ? strcmp(a->wwid, b->wwid) == 0 : hctl_equal(&a->hctl, &b->hctl);
}

bool run_device_same(const struct run_device *a, const struct run_device *b)
{
    return hctl_equal(&a->hctl, &b->hctl) || (a->wwid[0] && strcmp(a->wwid, b->wwid) == 0);
}

void run_device_print(FILE *f, const struct run_device *d)
{
    char hctl[HCTL_TEXT_MAX];

    hctl_format(&d->hctl, hctl);
    fprintf(f, "%s %s %s\n", d->word, hctl, d->wwid);
}

int run_devices_save(const char *dir, const char *name, void (*print)(FILE *f, void *ctx), void *ctx)
{
    CLEANUP_FREE char *path = strf("%s/%s", dir, name);
    CLEANUP_FREE char *fresh = strf("%s/%s.new", dir, name);
    CLEANUP_CLOSE int fd = -1;
    FILE *f;
    int r = 0;

    if (!path || !fresh)
        return -ENOMEM;
    if (!print)
        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f)
        return -errno;
    fd = -1; /* f owns it */
    print(f, ctx);
    if (ferror(f))
        r = -EIO;
    if (fclose(f) != 0)
        r = -errno;
    if (r == 0 && rename(fresh, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(fresh);
    return r;
}

void run_save_ended(struct run_unsaved *u, int r, const char *prefix, const char *dir, const char *name)
{
    if (r < 0 && u->tries == 0)
        log_err(prefix, -r,
                "cannot write %s/%s; without it a restarted pvscsid would not know which devices the guest has, or "
                "which are busy; make room there, it is tried again",
                dir, name);
    else if (r == 0 && u->tries > 0)
        log_info(prefix, "%s/%s is written now", dir, name);
    if (r == 0) {
        *u = (struct run_unsaved){ 0 };
        return;
    }
    u->due_us = now_us() + ((uint64_t)SAVE_AGAIN_US << u->tries);
    if (u->tries < SAVE_DOUBLINGS)
        u->tries++;
}

static bool parse_line(char *line, struct run_device *out)
{
    char *hctl = strchr(line, ' ');
    char *wwid = hctl ? strchr(hctl + 1, ' ') : NULL;

    if (!wwid || (size_t)(hctl - line) >= sizeof(out->word) || strlen(wwid + 1) >= sizeof(out->wwid))
        return false;
    *hctl++ = *wwid++ = '\0';
    strcpy(out->word, line);
    strcpy(out->wwid, wwid);
    return hctl_parse(hctl, &out->hctl) == 0;
}

void run_devices_load(const char *dir, const char *name, void (*fn)(void *ctx, const struct run_device *d), void *ctx)
{
    CLEANUP_FREE char *path = strf("%s/%s", dir, name);
    CLEANUP_FREE char *text = NULL;
    char *rest, *line;

    if (!path || read_file(path, DEVICES_FILE_MAX, &text, NULL) < 0)
        return;
    rest = text;
    while ((line = strsep(&rest, "\n"))) {
        struct run_device d;

        if (parse_line(line, &d))
            fn(ctx, &d);
    }
}

void run_luns_name(uint16_t domid, uint32_t vhost, char out[RUN_LUNS_NAME_MAX])
{
    snprintf(out, RUN_LUNS_NAME_MAX, "d%u.%" PRIu32 ".luns", domid, vhost);
}

/* --- what a journal says --- */

/* An entry at or beyond req_cons was being filled when the worker died: its request was not taken. */
static bool taken(const struct pvscsi_journal *j, const struct pvscsi_journal_entry *s)
{
    return s->state == JOURNAL_TAKEN && (int32_t)(j->req_cons - s->ring_index) > 0;
}

bool journal_has_unanswered(const struct pvscsi_journal *j, uint16_t channel, uint16_t target, uint16_t lun)
{
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++) {
        const struct pvscsi_journal_entry *s = &j->entry[i];

        if (taken(j, s) && s->channel == channel && s->target == target && s->lun == lun)
            return true;
    }
    return false;
}

bool journal_unfinished(const struct pvscsi_journal *j)
{
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        if (taken(j, &j->entry[i]))
            return true;
    return j->at_device > 0;
}
