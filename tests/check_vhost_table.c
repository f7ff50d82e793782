// SPDX-License-Identifier: GPL-2.0-or-later
/* Every cell of the vhost's state tables, against literals written down from the protocol's description. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "control/vhost-table.h"

/* One letter for each situation. */
static const char situation_letter[VS_SITUATIONS] = {
    [VS_BARE] = '-',     [VS_FRESH] = 'F',      [VS_WAITING] = 'W', [VS_FOUND_LIVE] = 'L', [VS_FOUND_LEAVING] = 'G',
    [VS_STRANGE] = '?',  [VS_CONNECTING] = 'C', [VS_JOINING] = 'J', [VS_LIVE] = 'I',       [VS_WANTED] = 'N',
    [VS_OFFERED] = 'O',  [VS_LEAVING] = 'V',    [VS_RESTART] = 'R', [VS_ODD] = 'X',        [VS_CLOSING] = 'c',
    [VS_SHUTTING] = 'S', [VS_TOLD] = 'T',       [VS_SHUT] = 'H',    [VS_ENDING] = 'E',     [VS_DONE] = 'D',
};

/* One letter for each action. */
static const char action_letter[VA_ACTIONS] = {
    [VA_NOTHING] = '.',     [VA_IGNORE] = '!',      [VA_ANNOUNCE] = '2',   [VA_CONNECT] = 'c',
    [VA_TAKE_OVER] = 't',   [VA_ACCEPT] = '4',      [VA_SETTLE] = 's',     [VA_FINISH] = 'f',
    [VA_CHECK_RING] = 'r',  [VA_RECONFIGURE] = '8', [VA_DISCONNECT] = 'd', [VA_TELL_CLOSING] = '5',
    [VA_TELL_CLOSED] = '6', [VA_REOPEN] = 'o',      [VA_FORGET] = 'x',
};

/* Our own state 0..8, online. */
static const char *const online_situation[VP_PHASES] = {
    [VP_UNSEEN] = "-FFFLGHLL", [VP_WAITING] = "-FW??T?F?", [VP_CONNECTING] = "CCCCCCCCC",
    [VP_LIVE] = "XRJXIVXNO",   [VP_CLOSING] = "ccccccccc", [VP_CLOSED] = "-FSSSTHSS",
};

/* The same when the toolstack does not want the vhost any more. */
static const char *const offline_situation[VP_PHASES] = {
    [VP_UNSEEN] = "-EEELGDLL", [VP_WAITING] = "-EW??T?E?", [VP_CONNECTING] = "CCCCCCCCC",
    [VP_LIVE] = "XRJXIVXNO",   [VP_CLOSING] = "ccccccccc", [VP_CLOSED] = "-EEEETDEE",
};

/* The frontend's state 0..8, and gone. */
static const char *const actions[VS_SITUATIONS] = {
    [VS_BARE] = "..........",       [VS_FRESH] = "222222222.",         [VS_WAITING] = "...c!5.!!6",
    [VS_FOUND_LIVE] = ".22tt56t!6", [VS_FOUND_LEAVING] = ".66tt56t!6", [VS_STRANGE] = "!!!!!5!!!6",
    [VS_CONNECTING] = ".d...dd..d", [VS_JOINING] = ".d!44dd!!d",       [VS_LIVE] = ".d!rsdd8!d",
    [VS_WANTED] = ".d!rsdd8!d",     [VS_OFFERED] = ".d!rfdd.!d",       [VS_LEAVING] = ".d!..dd.!d",
    [VS_RESTART] = "dddddddddd",    [VS_ODD] = "!d!!!dd!!d",           [VS_CLOSING] = "..........",
    [VS_SHUTTING] = ".2.25525!6",   [VS_TOLD] = "666...6.!6",          [VS_SHUT] = ".2.2!.o!!.",
    [VS_ENDING] = "6666656666",     [VS_DONE] = "xxxxxxxxxx",
};

static void check_situations(const char *const expected[VP_PHASES], bool online)
{
    for (int phase = 0; phase < VP_PHASES; phase++)
        for (int own = 0; own < XB_GONE; own++)
            ck_assert_msg(situation_letter[vhost_classify((enum vhost_phase)phase, (enum xenbus_state)own, online)]
                              == expected[phase][own],
                          "phase %s, our state %d, online %d: %c, not %c", vhost_phase_name((enum vhost_phase)phase),
                          own, online,
                          situation_letter[vhost_classify((enum vhost_phase)phase, (enum xenbus_state)own, online)],
                          expected[phase][own]);
}

START_TEST(every_phase_and_state_has_its_situation)
{
    check_situations(online_situation, true);
    check_situations(offline_situation, false);
}
END_TEST

START_TEST(every_situation_and_frontend_state_has_its_action)
{
    for (int s = 0; s < VS_SITUATIONS; s++)
        for (int front = 0; front < XB_STATES; front++)
            ck_assert_msg(
                action_letter[vhost_decide((enum vhost_situation)s, (enum xenbus_state)front)] == actions[s][front],
                "situation %c, frontend %d: %c, not %c", situation_letter[s], front,
                action_letter[vhost_decide((enum vhost_situation)s, (enum xenbus_state)front)], actions[s][front]);
}
END_TEST

START_TEST(numbers_out_of_range_do_nothing)
{
    static const int odd[] = { -1, 9, 10, 255, 2147483647 };

    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        ck_assert_int_eq(vhost_classify(VP_LIVE, (enum xenbus_state)odd[i], true), VS_BARE);
        if (odd[i] != 9)
            ck_assert_int_eq(vhost_decide(VS_LIVE, (enum xenbus_state)odd[i]), VA_IGNORE);
        ck_assert_str_eq(xenbus_state_name((enum xenbus_state)odd[i]), odd[i] == 9 ? "gone" : "unknown");
    }
    ck_assert_int_eq(vhost_classify((enum vhost_phase)VP_PHASES, XB_CONNECTED, true), VS_BARE);
    ck_assert_int_eq(vhost_decide(VS_SITUATIONS, XB_CONNECTED), VA_IGNORE);
    ck_assert_str_eq(vhost_phase_name((enum vhost_phase)VP_PHASES), "unknown");
}
END_TEST

/* A ring is never left mapped for a guest that closes or vanishes, whatever else the states say. */
START_TEST(a_frontend_that_closes_or_vanishes_always_ends_a_live_ring)
{
    for (int own = 0; own < XB_GONE; own++) {
        for (int online = 0; online < 2; online++) {
            enum vhost_situation s = vhost_classify(VP_LIVE, (enum xenbus_state)own, online);

            ck_assert_int_eq(vhost_decide(s, XB_CLOSING), VA_DISCONNECT);
            ck_assert_int_eq(vhost_decide(s, XB_CLOSED), VA_DISCONNECT);
            ck_assert_int_eq(vhost_decide(s, XB_GONE), VA_DISCONNECT);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vhost-table");
    TCase *t = tcase_create("cells");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, every_phase_and_state_has_its_situation);
    tcase_add_test(t, every_situation_and_frontend_state_has_its_action);
    tcase_add_test(t, numbers_out_of_range_do_nothing);
    tcase_add_test(t, a_frontend_that_closes_or_vanishes_always_ends_a_live_ring);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
