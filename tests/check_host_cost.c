// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one more device costs the daemon until the guest can have it: calls of xenstore, files that are opened and
 * directories that are listed. It is the same for one of many as for one of few. The program is linked with --wrap,
 * which counts what the threads open too. The worker's statistics do not count: how often they are read depends on how
 * many events come at once, and so on the machine's speed.
 */
#include "config.h"

#include <dirent.h>

#include "control/readings.h"
#include "host-fixture.h"
#include "wrapped.h"

#define FEW 8u
#define MANY 48u

static int opened, listed;

static bool are_statistics(const char *path)
{
    size_t n = strlen(path);

    return n > 6 && strcmp(path + n - 6, ".stats") == 0;
}

int __real_open(const char *path, int flags, ...) REAL("open64");
int __wrap_open(const char *path, int flags, ...) WRAP("open64");

int __wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    unsigned mode;

    va_start(ap, flags);
    mode = (flags & O_CREAT) ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    if (!are_statistics(path))
        __atomic_add_fetch(&opened, 1, __ATOMIC_ACQ_REL);
    return __real_open(path, flags, mode);
}

/* open() in a build with _FORTIFY_SOURCE, where the compiler does not know the flags. */
int __wrap___open_2(const char *path, int flags) WRAP("__open64_2");
int __wrap___open_2(const char *path, int flags)
{
    return __wrap_open(path, flags);
}

DIR *__real_opendir(const char *name);
DIR *__wrap_opendir(const char *name);

DIR *__wrap_opendir(const char *name)
{
    __atomic_add_fetch(&listed, 1, __ATOMIC_ACQ_REL);
    return __real_opendir(name);
}

static uint64_t stands_at_us; /* 0: the clock goes */
uint64_t __real_now_us(void);
uint64_t __wrap_now_us(void);

uint64_t __wrap_now_us(void)
{
    return stands_at_us ? stands_at_us : __real_now_us();
}

enum form {
    ADDRESS,
    NAMED,     /* an address that the toolstack has found for an identifier */
    IDENTIFIER /* as the toolstack writes it for a driver domain, which has to find it */
};

static void add_named(unsigned n, enum form form)
{
    char hctl[32], wwid[32], text[32];

    snprintf(hctl, sizeof(hctl), "5:0:0:%u", n);
    snprintf(wwid, sizeof(wwid), "naa.5000c500a1b2%04x", n);
    snprintf(text, sizeof(text), "0:0:0:%u", n);
    if (form == NAMED) {
        fake_putf(wwid, BACK "/vscsi-devs/dev-%u/p-devname", n);
        fake_putf(wwid, BACK "/vscsi-devs/dev-%u/unit", n);
    }
    add_dev(BACK, n, form == IDENTIFIER ? wwid : hctl, text);
}

struct cost {
    unsigned calls, opened, listed;
};

/* A guest with n devices, until the backend has all of them. */
static struct cost cost_of(unsigned n, enum form form)
{
    struct cost c;
    char path[64];

    start();
    let_happen();
    c = (struct cost){ fake_calls, (unsigned)count(&opened), (unsigned)count(&listed) };
    create_vhost(3, 0);
    for (unsigned i = 0; i < n; i++)
        add_named(i, form);
    for (unsigned i = 0; i < n; i++) {
        snprintf(path, sizeof(path), BACK "/vscsi-devs/dev-%u/state", i);
        expect(path, "3");
    }
    c = (struct cost){ fake_calls - c.calls, (unsigned)count(&opened) - c.opened, (unsigned)count(&listed) - c.listed };
    destroy(3);
    stop();
    return c;
}

static double slope(unsigned few, unsigned many)
{
    return ((double)many - few) / (MANY - FEW);
}

START_TEST(one_of_many_devices_costs_what_one_of_few_does)
{
    struct cost few, many;
    char hctl[32], wwid[32];
    double most;

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(hctl, sizeof(hctl), "5:0:0:%u", i);
        snprintf(wwid, sizeof(wwid), "naa.5000c500a1b2%04x", i);
        make_scsi(hctl, 10 + i, wwid);
    }
    few = cost_of(FEW, (enum form)_i);
    many = cost_of(MANY, (enum form)_i);
    printf("%u devices: %u calls, %u files, %u directories; %u: %u, %u, %u\n", FEW, few.calls, few.opened, few.listed,
           MANY, many.calls, many.opened, many.listed);
    /* When events come one by one, a state is read once more now and then. */
    most = _i == NAMED ? 9 : 7;
    ck_assert_msg(slope(few.calls, many.calls) <= most, "%.1f calls", slope(few.calls, many.calls));
    /*
     * 10 files of the device itself, and one more for each event that comes alone. To find identifiers, a file of each
     * device of the machine is read, but not for each identifier: that would be 58 files. A slow machine makes some
     * readings more.
     */
    ck_assert_msg(slope(few.opened, many.opened) <= (_i == IDENTIFIER ? 30 : 13), "%.1f files",
                  slope(few.opened, many.opened));
    ck_assert_msg(slope(few.listed, many.listed) <= (_i == IDENTIFIER ? 2.5 : 2), "%.1f directories",
                  slope(few.listed, many.listed));
}
END_TEST

static unsigned reads(struct readings *rs, uint64_t joined)
{
    unsigned before = (unsigned)count(&listed);
    struct reading *r;

    ck_assert_int_eq(readings_take(rs, &roots, joined, &r), 0);
    ck_assert_uint_eq(reading_inventory(r)->n, 1);
    ck_assert_str_eq(reading_inventory(r)->items[0].wwid, "naa.5000c500a1b20001");
    readings_give_back(rs, r);
    return (unsigned)count(&listed) - before;
}

START_TEST(a_reading_is_shared_by_those_who_asked_before_it)
{
    struct readings *rs = readings_new();
    uint64_t first, second, third;

    stands_at_us = 5000000;
    ck_assert_ptr_nonnull(rs);
    make_scsi("5:0:0:1", 10, "naa.5000c500a1b20001");
    first = readings_join(rs);
    second = readings_join(rs);
    ck_assert_uint_eq(reads(rs, first), 1);
    third = readings_join(rs);
    ck_assert_uint_eq(reads(rs, second), 0);
    ck_assert_uint_eq(reads(rs, third), 1);
    ck_assert_uint_eq(reads(rs, first), 0);
    /* It is not kept without those who asked, nor for ever. */
    for (int i = 0; i < 3; i++)
        readings_leave(rs);
    first = readings_join(rs);
    ck_assert_uint_eq(reads(rs, first), 1);
    ck_assert_uint_eq(reads(rs, first), 0);
    stands_at_us += 1000000;
    ck_assert_uint_eq(reads(rs, first), 1);
    stands_at_us = 0;
    readings_leave(rs);
    readings_leave(rs);
}
END_TEST

static void *take(void *arg)
{
    reads(arg, 0);
    return NULL;
}

START_TEST(threads_that_ask_at_once_share_readings)
{
    struct readings *rs = readings_new();
    int before = count(&listed);
    pthread_t thread[16];

    stands_at_us = 5000000;
    ck_assert_ptr_nonnull(rs);
    make_scsi("5:0:0:1", 10, "naa.5000c500a1b20001");
    readings_join(rs);
    for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, take, rs), 0);
    for (size_t i = 0; i < ARRAY_SIZE(thread); i++)
        pthread_join(thread[i], NULL);
    stands_at_us = 0;
    ck_assert_int_eq(count(&listed), before + 1);
    readings_leave(rs);
    readings_leave(rs);
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_loop_test(t, one_of_many_devices_costs_what_one_of_few_does, 0, 3);
    tcase_add_test(t, a_reading_is_shared_by_those_who_asked_before_it);
    tcase_add_test(t, threads_that_ask_at_once_share_readings);
}

int main(void)
{
    return run_host_tests("host-cost", add_tests);
}
