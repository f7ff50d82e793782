// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A QEMU plugin: where the instructions go between two moments, by domain, kernel
 * function and program. As the bench's time is the count of instructions, this is
 * an exact profile and not a sample. For tests/xen/bench --profile only.
 *
 * Talks with dom0 by files in the share (argument dir=):
 *   profile-base   appears before any guest runs: what has run until then is dom0's
 *   profile-on     appears: counting from now; disappears: the result is written
 *   profile-dom0.syms, profile-guest.syms   as /proc/kallsyms
 *   profile-maps   /proc/PID/maps of the daemon's processes
 *   profile-nm     symbols of the daemon, from nm
 *   profile.out    the result: lines of kind, instructions, name
 *
 * A domain is told by where its memory is: dom0 has its own from the start, in one
 * range, and guests get theirs outside it.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* QEMU's interface, as far as it is used here: Debian has no package with the header. */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op {
    QEMU_PLUGIN_INLINE_ADD_U64
};
typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op, void *ptr,
                                              uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
                                                               char **argv);

struct block {
    uint64_t address, host, count, before;
    struct block *next;
};

struct symbol {
    uint64_t address;
    char name[72];
};

struct symbols {
    struct symbol *list;
    size_t count;
};

struct range {
    uint64_t from, to, file_offset;
    char name[64];
};

struct total {
    uint64_t count;
    char name[160];
};

#define BUCKETS (1u << 16)

static struct block *buckets[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *directory = ".";
static uint64_t dom0_from = UINT64_MAX, dom0_to;

static bool is_xen(uint64_t address)
{
    return address >> 39 == 0xffff82d000000000 >> 39 || address >> 39 == 0xffff830000000000 >> 39;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    uint64_t address = qemu_plugin_tb_vaddr(tb);
    uint64_t host = (uintptr_t)qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0));
    struct block **at = &buckets[(address ^ host >> 12 ^ address >> 16) % BUCKETS];
    struct block *block;

    (void)id;
    pthread_mutex_lock(&lock);
    for (block = *at; block; block = block->next)
        if (block->address == address && block->host == host)
            break;
    if (!block) {
        block = calloc(1, sizeof(*block));
        if (!block)
            abort();
        block->address = address;
        block->host = host;
        block->next = *at;
        *at = block;
    }
    pthread_mutex_unlock(&lock);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &block->count, qemu_plugin_tb_n_insns(tb));
}

static FILE *open_file(const char *name, const char *mode)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return fopen(path, mode);
}

static bool file_exists(const char *name)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    return x->address < y->address ? -1 : x->address > y->address;
}

static struct symbols load_symbols(const char *name)
{
    struct symbols symbols = { 0 };
    size_t room = 0;
    char line[512], type, text[72], module[64];
    FILE *file = open_file(name, "re");

    while (file && fgets(line, sizeof(line), file)) {
        uint64_t address;
        int n;

        module[0] = '\0';
        n = sscanf(line, "%" SCNx64 " %c %71s %63s", &address, &type, text, module);
        if (n < 3 || !strchr("tTwW", type))
            continue;
        if (symbols.count == room) {
            room = room ? room * 2 : 4096;
            symbols.list = realloc(symbols.list, room * sizeof(*symbols.list));
            if (!symbols.list)
                abort();
        }
        symbols.list[symbols.count].address = address;
        snprintf(symbols.list[symbols.count++].name, sizeof(text), "%.40s%s%.28s", text, *module ? " " : "", module);
    }
    if (file)
        fclose(file);
    qsort(symbols.list, symbols.count, sizeof(*symbols.list), by_address);
    return symbols;
}

static const char *find_symbol(const struct symbols *symbols, uint64_t address)
{
    size_t low = 0, high = symbols->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (symbols->list[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? symbols->list[low - 1].name : "?";
}

static size_t load_maps(struct range *ranges, size_t room)
{
    size_t count = 0;
    char line[512], rights[8], path[256];
    FILE *file = open_file("profile-maps", "re");

    while (file && count < room && fgets(line, sizeof(line), file)) {
        struct range *range = &ranges[count];

        path[0] = '\0';
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255s", &range->from, &range->to, rights,
                   &range->file_offset, path)
                < 4
            || rights[2] != 'x')
            continue;
        snprintf(range->name, sizeof(range->name), "%.63s", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
        count++;
    }
    if (file)
        fclose(file);
    return count;
}

static int by_count(const void *a, const void *b)
{
    const struct total *x = a, *y = b;

    return x->count > y->count ? -1 : x->count < y->count;
}

static void add(struct total *totals, size_t *used, size_t room, const char *name, uint64_t count)
{
    size_t i;

    for (i = 0; i < *used; i++)
        if (strcmp(totals[i].name, name) == 0)
            break;
    if (i == *used) {
        if (i == room)
            return;
        snprintf(totals[i].name, sizeof(totals[i].name), "%s", name);
        totals[i].count = 0;
        ++*used;
    }
    totals[i].count += count;
}

static void report(void)
{
    static struct total places[64], functions[8192];
    static struct range ranges[256];
    struct symbols dom0 = load_symbols("profile-dom0.syms"), guest = load_symbols("profile-guest.syms");
    struct symbols daemon = load_symbols("profile-nm");
    size_t place_count = 0, function_count = 0, range_count = load_maps(ranges, 256);
    uint64_t all = 0;
    FILE *out;

    for (unsigned int i = 0; i < BUCKETS; i++)
        for (struct block *block = buckets[i]; block; block = block->next) {
            uint64_t count = block->count - block->before, address = block->address;
            bool in_dom0 = block->host >= dom0_from && block->host <= dom0_to;
            char place[72], name[160];
            const char *function = "";

            if (!count)
                continue;
            all += count;
            if (is_xen(address)) {
                snprintf(place, sizeof(place), "xen");
                snprintf(name, sizeof(name), "xen %" PRIx64, address & ~UINT64_C(0x3ff));
            } else if (address >> 63) {
                snprintf(place, sizeof(place), "%s kernel", in_dom0 ? "dom0" : "guest");
                function = find_symbol(in_dom0 ? &dom0 : &guest, address);
                snprintf(name, sizeof(name), "%s %s", place, function);
            } else {
                snprintf(place, sizeof(place), in_dom0 ? "dom0 other programs" : "guest programs");
                for (size_t r = 0; in_dom0 && r < range_count; r++) {
                    if (address < ranges[r].from || address >= ranges[r].to)
                        continue;
                    snprintf(place, sizeof(place), "dom0 daemon: %.50s", ranges[r].name);
                    /* Offsets in the file are the addresses nm knows, in a PIE. */
                    if (strncmp(ranges[r].name, "pvscsid", 7) == 0)
                        function = find_symbol(&daemon, address - ranges[r].from + ranges[r].file_offset);
                }
                snprintf(name, sizeof(name), "%s %s", place, function);
            }
            add(places, &place_count, 64, place, count);
            add(functions, &function_count, 8192, name, count);
        }
    qsort(places, place_count, sizeof(places[0]), by_count);
    qsort(functions, function_count, sizeof(functions[0]), by_count);
    out = open_file("profile.new", "we");
    if (!out)
        return;
    fprintf(out, "all %" PRIu64 "\n", all);
    for (size_t i = 0; i < place_count; i++)
        fprintf(out, "place %" PRIu64 " %s\n", places[i].count, places[i].name);
    for (size_t i = 0; i < function_count && i < 150; i++)
        fprintf(out, "function %" PRIu64 " %s\n", functions[i].count, functions[i].name);
    fclose(out);
    free(dom0.list);
    free(guest.list);
    free(daemon.list);
    memset(functions, 0, sizeof(functions));
    char from[4096], to[4096];

    snprintf(from, sizeof(from), "%s/profile.new", directory);
    snprintf(to, sizeof(to), "%s/profile.out", directory);
    rename(from, to);
}

static void for_all(void (*action)(struct block *block))
{
    pthread_mutex_lock(&lock);
    for (unsigned int i = 0; i < BUCKETS; i++)
        for (struct block *block = buckets[i]; block; block = block->next)
            action(block);
    pthread_mutex_unlock(&lock);
}

static void note_dom0(struct block *block)
{
    if (is_xen(block->address) || !block->host)
        return;
    /* Not the firmware and the loaders, which ran anywhere in low memory. */
    if (block->address < (block->address >> 63 ? 0xffffffff81000000 : 0x500000000000))
        return;
    if (block->host < dom0_from)
        dom0_from = block->host;
    if (block->host > dom0_to)
        dom0_to = block->host;
}

static void note_start(struct block *block)
{
    block->before = block->count;
}

static void *watch(void *unused)
{
    bool based = false, on = false;

    (void)unused;
    for (;;) {
        usleep(10000);
        if (!based && file_exists("profile-base")) {
            for_all(note_dom0);
            based = true;
            /* The file's end is the answer. */
            char path[4096];

            snprintf(path, sizeof(path), "%s/profile-base", directory);
            unlink(path);
        }
        bool want = file_exists("profile-on");

        if (want && !on)
            for_all(note_start);
        if (!want && on) {
            pthread_mutex_lock(&lock);
            report();
            pthread_mutex_unlock(&lock);
        }
        on = want;
    }
    return NULL;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    pthread_t thread;

    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "dir=", 4) == 0)
            directory = strdup(argv[i] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return pthread_create(&thread, NULL, watch, NULL);
}
