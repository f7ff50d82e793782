// SPDX-License-Identifier: GPL-2.0-or-later
/* Every cell of the LUN's tables. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "control/lun-table.h"
#include "suite.h"

/* One letter for each LUN; capitals: a worker has it. */
static const char lun_letter[LUN_STATES] = {
    [LUN_NONE] = '-',     [LUN_OPENING] = 'o', [LUN_OPENED] = 'p',   [LUN_ADDING] = 'A',    [LUN_READY] = 'R',
    [LUN_OFFERED] = 'O',  [LUN_SHOWN] = 'S',   [LUN_REFUSED] = 'X',  [LUN_REOPENING] = 'q', [LUN_REOPENED] = 'r',
    [LUN_READDING] = 'B', [LUN_FOUND] = 'F',   [LUN_REMOVING] = 'D', [LUN_FAILING] = 'f',   [LUN_FAILED] = 'g',
};

/*
 * Opened, handed, added, not added, removed; the worker died; the frontend starts anew; shown, refused; unusable;
 * opening, reopening, offered, removing, said, released.
 */
static const char *const luns_after[LUN_STATES] = {
    [LUN_NONE] = "---------foq----",     [LUN_OPENING] = "poooooooofooooo-",  [LUN_OPENED] = "pAppppppppppppp-",
    [LUN_ADDING] = "AARoAoAAAAAAADA-",   [LUN_READY] = "RRRRRoRRRRRRODR-",    [LUN_OFFERED] = "OOOOOqOSOOOOODO-",
    [LUN_SHOWN] = "SSSSSqOSXSSSSDS-",    [LUN_REFUSED] = "XXXXXqOSXXXXXDX-",  [LUN_REOPENING] = "rqqqqqoqqfqqqqq-",
    [LUN_REOPENED] = "rBrrrrprrrrrrrr-", [LUN_READDING] = "BBFqBqABBBBBBDB-", [LUN_FOUND] = "FFFFFqOSFFFFFDF-",
    [LUN_REMOVING] = "DDDD--DDDDDDDDD-", [LUN_FAILING] = "ffffffffffffffg-",  [LUN_FAILED] = "gggggggggfogggg-",
};

static const char letter[LA_ACTIONS] = {
    [LA_NOTHING] = '.',     [LA_IGNORE] = '!', [LA_OPEN] = 'o',   [LA_REOPEN] = 'O',        [LA_OFFER] = '3',
    [LA_CHECK_TAKEN] = '4', [LA_REMOVE] = 'r', [LA_DETACH] = 'd', [LA_FOUND_CLOSING] = '5', [LA_SAY_DETACHED] = '6',
    [LA_SAY_FAILED] = 'f',  [LA_SAID] = 's',   [LA_DROP] = 'x',
};

/* The backend's dev-N/state 0..8, and the node gone. */
static const char *const expected[LUN_STATES] = {
    [LUN_NONE] = ".o!OO5.!!x",     [LUN_OPENING] = "..!..rr!!r",  [LUN_OPENED] = "..!..rr!!r",
    [LUN_ADDING] = "..!..rr!!r",   [LUN_READY] = ".3!33rr!!r",    [LUN_OFFERED] = ".r!..rr!!r",
    [LUN_SHOWN] = ".r!4.dr!!r",    [LUN_REFUSED] = ".r!4.dr!!r",  [LUN_REOPENING] = ".r!..dr!!r",
    [LUN_REOPENED] = ".r!..dr!!r", [LUN_READDING] = ".r!..dr!!r", [LUN_FOUND] = ".r!4.dr!!r",
    [LUN_REMOVING] = "..........", [LUN_FAILING] = ".f!ff6s!!x",  [LUN_FAILED] = ".o!!!6.!!x",
};

START_TEST(every_lun_and_state_has_its_action)
{
    for (int lun = 0; lun < LUN_STATES; lun++)
        for (int own = 0; own < XB_STATES; own++)
            ck_assert_msg(letter[lun_decide((enum lun_state)lun, (enum xenbus_state)own)] == expected[lun][own],
                          "LUN %s, state %d: %c, not %c", lun_state_name((enum lun_state)lun), own,
                          letter[lun_decide((enum lun_state)lun, (enum xenbus_state)own)], expected[lun][own]);
}
END_TEST

START_TEST(every_lun_and_fact_has_its_lun)
{
    for (int lun = 0; lun < LUN_STATES; lun++)
        for (int fact = 0; fact < LF_FACTS; fact++)
            ck_assert_msg(lun_letter[lun_after((enum lun_state)lun, (enum lun_fact)fact)] == luns_after[lun][fact],
                          "LUN %s, fact %d: %c, not %c", lun_state_name((enum lun_state)lun), fact,
                          lun_letter[lun_after((enum lun_state)lun, (enum lun_fact)fact)], luns_after[lun][fact]);
}
END_TEST

/* The fact that each action of vdev.c raises, for a LUN that no worker has and for one that a worker has. */
static enum lun_fact raised(enum lun_state lun, enum lun_action a)
{
    static const enum lun_fact fact[LA_ACTIONS][2] = {
        [LA_NOTHING] = { LF_FACTS, LF_FACTS },
        [LA_IGNORE] = { LF_FACTS, LF_FACTS },
        [LA_OPEN] = { LF_OPENING, LF_FACTS },
        [LA_REOPEN] = { LF_REOPENING, LF_FACTS },
        [LA_OFFER] = { LF_FACTS, LF_OFFERED },
        [LA_CHECK_TAKEN] = { LF_FACTS, LF_REFUSED },
        [LA_REMOVE] = { LF_RELEASED, LF_REMOVING },
        [LA_DETACH] = { LF_RELEASED, LF_REMOVING },
        [LA_FOUND_CLOSING] = { LF_REOPENING, LF_FACTS },
        [LA_SAY_DETACHED] = { LF_FACTS, LF_FACTS },
        [LA_SAY_FAILED] = { LF_FACTS, LF_FACTS },
        [LA_SAID] = { LF_SAID, LF_FACTS },
        [LA_DROP] = { LF_RELEASED, LF_FACTS },
    };

    return fact[a][lun_is_with_worker(lun)];
}

/* What an action does is never refused by the table of LUNs. */
START_TEST(every_action_finds_its_lun)
{
    static const char to[LF_FACTS] = {
        [LF_OPENING] = 'o',  [LF_REOPENING] = 'q', [LF_OFFERED] = 'O',  [LF_REFUSED] = 'X',
        [LF_REMOVING] = 'D', [LF_SAID] = 'g',      [LF_RELEASED] = '-',
    };

    for (int lun = 0; lun < LUN_STATES; lun++) {
        for (int own = 0; own < XB_STATES; own++) {
            enum lun_action a = lun_decide((enum lun_state)lun, (enum xenbus_state)own);
            enum lun_fact fact = raised((enum lun_state)lun, a);

            /* Only a LUN that the frontend was told to look at can be refused. */
            if (fact == LF_FACTS || (fact == LF_REFUSED && lun != LUN_SHOWN))
                continue;
            ck_assert_msg(lun_letter[lun_after((enum lun_state)lun, fact)] == to[fact],
                          "LUN %s, action %c raises fact %d: %c, not %c", lun_state_name((enum lun_state)lun),
                          letter[a], fact, lun_letter[lun_after((enum lun_state)lun, fact)], to[fact]);
            /* An opening may fail at once. */
            if (a == LA_OPEN || a == LA_REOPEN || a == LA_FOUND_CLOSING)
                ck_assert_int_eq(lun_after((enum lun_state)lun, LF_UNUSABLE), LUN_FAILING);
        }
    }
}
END_TEST

/* With a worker, open here for one, missed by a guest, looked at by a frontend. */
START_TEST(every_lun_is_where_it_should_be)
{
    static const char *const where[LUN_STATES] = {
        [LUN_NONE] = "----",      [LUN_OPENING] = "----",  [LUN_OPENED] = "-o--",   [LUN_ADDING] = "w---",
        [LUN_READY] = "w---",     [LUN_OFFERED] = "w---",  [LUN_SHOWN] = "w---",    [LUN_REFUSED] = "w--l",
        [LUN_REOPENING] = "--m-", [LUN_REOPENED] = "-om-", [LUN_READDING] = "w-m-", [LUN_FOUND] = "w--l",
        [LUN_REMOVING] = "w---",  [LUN_FAILING] = "----",  [LUN_FAILED] = "----",
    };

    for (int lun = 0; lun < LUN_STATES; lun++) {
        ck_assert_int_eq(lun_is_with_worker((enum lun_state)lun), where[lun][0] == 'w');
        ck_assert_int_eq(lun_is_open((enum lun_state)lun), where[lun][1] == 'o');
        ck_assert_int_eq(lun_is_missed((enum lun_state)lun), where[lun][2] == 'm');
        ck_assert_int_eq(lun_was_looked_at((enum lun_state)lun), where[lun][3] == 'l');
    }
}
END_TEST

START_TEST(numbers_out_of_range_do_nothing)
{
    ck_assert_int_eq(lun_decide(LUN_OFFERED, (enum xenbus_state)10), LA_IGNORE);
    ck_assert_int_eq(lun_decide(LUN_OFFERED, (enum xenbus_state) - 1), LA_IGNORE);
    ck_assert_int_eq(lun_decide((enum lun_state)LUN_STATES, XB_CONNECTED), LA_IGNORE);
    ck_assert_int_eq(lun_after(LUN_SHOWN, (enum lun_fact)LF_FACTS), LUN_SHOWN);
    ck_assert_int_eq(lun_after((enum lun_state)LUN_STATES, LF_DIED), LUN_STATES);
    ck_assert(!lun_is_with_worker((enum lun_state)LUN_STATES));
    ck_assert_str_eq(lun_state_name((enum lun_state)LUN_STATES), "unknown");
    ck_assert_str_eq(lun_state_name(LUN_OFFERED), "offered");
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, every_lun_and_state_has_its_action);
    tcase_add_test(t, every_lun_and_fact_has_its_lun);
    tcase_add_test(t, every_action_finds_its_lun);
    tcase_add_test(t, every_lun_is_where_it_should_be);
    tcase_add_test(t, numbers_out_of_range_do_nothing);
}

int main(void)
{
    return run_tests("lun-table", NULL, NULL, add_tests);
}
