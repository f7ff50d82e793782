// SPDX-License-Identifier: GPL-2.0-or-later
/* Every cell of the device's state table. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "control/dev-table.h"

static const char letter[DA_ACTIONS] = {
    [DA_NOTHING] = '.',    [DA_IGNORE] = '!', [DA_OPEN] = 'o',          [DA_OFFER] = '3',
    [DA_SETTLE] = '4',     [DA_REMOVE] = 'r', [DA_DETACH] = 'd',        [DA_SAY_DETACHED] = '6',
    [DA_SAY_FAILED] = 'f', [DA_DROP] = 'x',   [DA_FOUND_CLOSING] = '5',
};

/* The backend's dev-N/state 0..8, and the node gone. */
static const char *const expected[DP_PHASES] = {
    [DP_NONE] = ".o!oo5.!!x",    [DP_OPENING] = "..!..dr!!r",  [DP_ADDING] = "..!..dr!!r",  [DP_READY] = ".3!33dr!!r",
    [DP_OFFERED] = ".r!4.dr!!r", [DP_REMOVING] = "..........", [DP_FAILING] = ".f!ff6.!!x", [DP_FAILED] = ".o!!!6.!!x",
};

START_TEST(every_phase_and_state_has_its_action)
{
    for (int phase = 0; phase < DP_PHASES; phase++)
        for (int own = 0; own < XB_STATES; own++)
            ck_assert_msg(letter[dev_decide((enum dev_phase)phase, (enum xenbus_state)own)] == expected[phase][own],
                          "phase %s, state %d: %c, not %c", dev_phase_name((enum dev_phase)phase), own,
                          letter[dev_decide((enum dev_phase)phase, (enum xenbus_state)own)], expected[phase][own]);
}
END_TEST

START_TEST(numbers_out_of_range_do_nothing)
{
    ck_assert_int_eq(dev_decide(DP_OFFERED, (enum xenbus_state)10), DA_IGNORE);
    ck_assert_int_eq(dev_decide(DP_OFFERED, (enum xenbus_state) - 1), DA_IGNORE);
    ck_assert_int_eq(dev_decide((enum dev_phase)DP_PHASES, XB_CONNECTED), DA_IGNORE);
    ck_assert_str_eq(dev_phase_name((enum dev_phase)DP_PHASES), "unknown");
    ck_assert_str_eq(dev_phase_name(DP_OFFERED), "offered");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dev-table");
    TCase *t = tcase_create("cells");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, every_phase_and_state_has_its_action);
    tcase_add_test(t, numbers_out_of_range_do_nothing);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
