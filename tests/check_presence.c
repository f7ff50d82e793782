// SPDX-License-Identifier: GPL-2.0-or-later
/* Every cell of the table of a device's coming and going. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "control/presence.h"
#include "suite.h"

static const char letter[DEVICE_PRESENCES] = {
    [DEVICE_THERE] = 't', [DEVICE_GONE] = 'g', [DEVICE_FOUND] = 'f', [DEVICE_RETURNING] = 'r'
};

/* Lost, opened, handed, taken, not taken; the worker has the LUN no more. */
static const char *const expected[DEVICE_PRESENCES] = {
    [DEVICE_THERE] = "gttttt", [DEVICE_GONE] = "gfgggt", [DEVICE_FOUND] = "ffrfft", [DEVICE_RETURNING] = "rrrtgt"
};

START_TEST(every_presence_and_fact_has_its_presence)
{
    for (int p = 0; p < DEVICE_PRESENCES; p++)
        for (int fact = 0; fact < DF_FACTS; fact++)
            ck_assert_msg(letter[presence_after((enum presence)p, (enum presence_fact)fact)] == expected[p][fact],
                          "%s, fact %d: %c, not %c", presence_name((enum presence)p), fact,
                          letter[presence_after((enum presence)p, (enum presence_fact)fact)], expected[p][fact]);
}
END_TEST

START_TEST(numbers_out_of_range_do_nothing)
{
    ck_assert_int_eq(presence_after(DEVICE_GONE, (enum presence_fact)DF_FACTS), DEVICE_GONE);
    ck_assert_int_eq(presence_after((enum presence)DEVICE_PRESENCES, DF_LOST), DEVICE_PRESENCES);
    ck_assert_str_eq(presence_name((enum presence)DEVICE_PRESENCES), "unknown");
    ck_assert_str_eq(presence_name(DEVICE_RETURNING), "returning");
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, every_presence_and_fact_has_its_presence);
    tcase_add_test(t, numbers_out_of_range_do_nothing);
}

int main(void)
{
    return run_tests("presence", NULL, NULL, add_tests);
}
