// SPDX-License-Identifier: GPL-2.0-or-later
/* Every cell of the vhost's state tables, against literals written down from the protocol's description. */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "control/vhost-table.h"
#include "suite.h"

/* One letter for each ring. */
static const char ring_letter[RING_STATES] = {
    [RING_UNSEEN] = 'U', [RING_NONE] = '0',      [RING_NEXT] = 'M',   [RING_CONNECTING] = 'C',
    [RING_NEW] = 'N',    [RING_LIVE] = 'L',      [RING_LOST] = 'X',   [RING_TAKING_OVER] = 'T',
    [RING_ENDING] = 'e', [RING_REPLACING] = 'r', [RING_FAILED] = 'F', [RING_ENDED] = 'E',
};

/*
 * Connected, not connected, disconnected; the worker died before it began with the ring, and after; found, found begun,
 * unusable; announced, connecting, taking over, accepted, ending, replacing, ended.
 */
static const char *const rings_after[RING_STATES] = {
    [RING_UNSEEN] = "UUUUUMXF0UUUUUE",     [RING_NONE] = "0000000F0C0000E",        [RING_NEXT] = "MMMMMMMF0CMMMME",
    [RING_CONNECTING] = "NFCMXCCCCCCCeCC", [RING_NEW] = "NNNXXNNNNNNLerN",         [RING_LIVE] = "LLLXXLLLLLLLerL",
    [RING_LOST] = "XXXXXXXXXXTXeXX",       [RING_TAKING_OVER] = "NFTXXTTTTTTTeTT", [RING_ENDING] = "eeEEEeeeeeeeeee",
    [RING_REPLACING] = "rrMMMrrrrrrrrrr",  [RING_FAILED] = "FFFFFFFFFFFFFFE",      [RING_ENDED] = "EEEEEEEE0EEEEEE",
};

/* One letter for each situation. */
static const char situation_letter[VS_SITUATIONS] = {
    [VS_BARE] = '-',    [VS_FRESH] = 'F',  [VS_WAITING] = 'W',    [VS_FOUND_LIVE] = 'L', [VS_FOUND_LEAVING] = 'G',
    [VS_STRANGE] = '?', [VS_NEXT] = 'M',   [VS_CONNECTING] = 'C', [VS_JOINING] = 'J',    [VS_REJOINING] = 'P',
    [VS_LIVE] = 'I',    [VS_WANTED] = 'N', [VS_OFFERED] = 'O',    [VS_LEAVING] = 'V',    [VS_RESTART] = 'R',
    [VS_ODD] = 'X',     [VS_LOST] = 'l',   [VS_CLOSING] = 'c',    [VS_FAILED] = '!',     [VS_SHUTTING] = 'S',
    [VS_TOLD] = 'T',    [VS_SHUT] = 'H',   [VS_ENDING] = 'E',     [VS_DONE] = 'D',
};

/* One letter for each action. */
static const char action_letter[VA_ACTIONS] = {
    [VA_NOTHING] = '.',    [VA_IGNORE] = '!',    [VA_ANNOUNCE] = '2',     [VA_CONNECT] = 'c',
    [VA_RECALL] = 'k',     [VA_TAKE_OVER] = 't', [VA_ACCEPT] = '4',       [VA_WELCOME] = 'w',
    [VA_SERVE] = 's',      [VA_FINISH] = 'f',    [VA_CHECK_RING] = 'r',   [VA_RECONFIGURE] = '8',
    [VA_DISCONNECT] = 'd', [VA_END] = 'e',       [VA_TELL_CLOSING] = '5', [VA_TELL_CLOSED] = '6',
    [VA_REOPEN] = 'o',     [VA_FORGET] = 'x',    [VA_SHOW_AGAIN] = 'a',
};

/* Our own state 0..8, online. */
static const char *const online_situation[RING_STATES] = {
    [RING_UNSEEN] = "-FFFLGHLL",     [RING_NONE] = "-FW??T?F?",        [RING_NEXT] = "MFMMMMMMM",
    [RING_CONNECTING] = "CCCCCCCCC", [RING_NEW] = "XRJXPVXPP",         [RING_LIVE] = "XRJXIVXNO",
    [RING_LOST] = "lRlllllll",       [RING_TAKING_OVER] = "CCCCCCCCC", [RING_ENDING] = "ccccccccc",
    [RING_REPLACING] = "ccccccccc",  [RING_FAILED] = "!!!!!!!!!",      [RING_ENDED] = "-FSSSTHSS",
};

/* The same when the toolstack does not want the vhost any more. */
static const char *const offline_situation[RING_STATES] = {
    [RING_UNSEEN] = "-EEELGDLL",     [RING_NONE] = "-EW??T?E?",        [RING_NEXT] = "MEMMMMMMM",
    [RING_CONNECTING] = "CCCCCCCCC", [RING_NEW] = "XRJXPVXPP",         [RING_LIVE] = "XRJXIVXNO",
    [RING_LOST] = "lRlllllll",       [RING_TAKING_OVER] = "CCCCCCCCC", [RING_ENDING] = "ccccccccc",
    [RING_REPLACING] = "ccccccccc",  [RING_FAILED] = "!!!!!!!!!",      [RING_ENDED] = "-EEEETDEE",
};

/* The frontend's state 0..8, and gone. */
static const char *const actions[VS_SITUATIONS] = {
    [VS_BARE] = "..........",       [VS_FRESH] = "222222222.",         [VS_WAITING] = "...c!5.!!6",
    [VS_FOUND_LIVE] = ".22kk56k!6", [VS_FOUND_LEAVING] = ".66kk56k!6", [VS_STRANGE] = "!!!!!5!!!6",
    [VS_NEXT] = ".eecceeeee",       [VS_CONNECTING] = ".d...dd..d",    [VS_JOINING] = ".d!44dd!!d",
    [VS_REJOINING] = ".d!wwddw!d",  [VS_LIVE] = ".d!radd8!d",          [VS_WANTED] = ".d!rsdd8!d",
    [VS_OFFERED] = ".d!rfdd.!d",    [VS_LEAVING] = ".d!..dd.!d",       [VS_RESTART] = "dddddddddd",
    [VS_ODD] = "!d!!!dd!!d",        [VS_LOST] = "tdtttddttd",          [VS_CLOSING] = "..........",
    [VS_FAILED] = "5555555555",     [VS_SHUTTING] = ".2.25525!6",      [VS_TOLD] = "666...6.!6",
    [VS_SHUT] = ".2.2!.o!!.",       [VS_ENDING] = "6666656666",        [VS_DONE] = "xxxxxxxxxx",
};

START_TEST(every_ring_and_fact_has_its_ring)
{
    for (int ring = 0; ring < RING_STATES; ring++)
        for (int fact = 0; fact < RF_FACTS; fact++)
            ck_assert_msg(
                ring_letter[ring_after((enum ring_state)ring, (enum ring_fact)fact)] == rings_after[ring][fact],
                "ring %s, fact %d: %c, not %c", ring_state_name((enum ring_state)ring), fact,
                ring_letter[ring_after((enum ring_state)ring, (enum ring_fact)fact)], rings_after[ring][fact]);
}
END_TEST

START_TEST(every_ring_is_served_exists_and_is_used_as_it_should)
{
    static const char *const expected[RING_STATES] = {
        [RING_UNSEEN] = "---", [RING_NONE] = "---",      [RING_NEXT] = "--u",   [RING_CONNECTING] = "seu",
        [RING_NEW] = "seu",    [RING_LIVE] = "seu",      [RING_LOST] = "-eu",   [RING_TAKING_OVER] = "seu",
        [RING_ENDING] = "-e-", [RING_REPLACING] = "-eu", [RING_FAILED] = "---", [RING_ENDED] = "---",
    };

    for (int ring = 0; ring < RING_STATES; ring++) {
        enum ring_state r = (enum ring_state)ring;

        ck_assert_int_eq(ring_is_served(r), expected[ring][0] == 's');
        ck_assert_int_eq(ring_exists(r), expected[ring][1] == 'e');
        ck_assert_int_eq(ring_is_used(r), expected[ring][2] == 'u');
    }
}
END_TEST

static void check_situations(const char *const expected[RING_STATES], bool online)
{
    for (int ring = 0; ring < RING_STATES; ring++)
        for (int own = 0; own < XB_GONE; own++)
            ck_assert_msg(situation_letter[vhost_classify((enum ring_state)ring, (enum xenbus_state)own, online)]
                              == expected[ring][own],
                          "ring %s, our state %d, online %d: %c, not %c", ring_state_name((enum ring_state)ring), own,
                          online,
                          situation_letter[vhost_classify((enum ring_state)ring, (enum xenbus_state)own, online)],
                          expected[ring][own]);
}

START_TEST(every_ring_and_state_has_its_situation)
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

/* The facts that each action of vhost.c may raise, ended by RF_FACTS. */
static const enum ring_fact raised[VA_ACTIONS][4] = {
    [VA_NOTHING] = { RF_FACTS },
    [VA_IGNORE] = { RF_FACTS },
    [VA_ANNOUNCE] = { RF_ANNOUNCED, RF_FACTS },
    [VA_CONNECT] = { RF_CONNECTING, RF_UNUSABLE, RF_FACTS },
    [VA_RECALL] = { RF_FOUND, RF_FOUND_BEGUN, RF_UNUSABLE, RF_FACTS },
    [VA_TAKE_OVER] = { RF_TAKING_OVER, RF_FACTS },
    [VA_ACCEPT] = { RF_ACCEPTED, RF_FACTS },
    [VA_WELCOME] = { RF_ACCEPTED, RF_REPLACING, RF_FACTS },
    [VA_SERVE] = { RF_REPLACING, RF_FACTS },
    [VA_SHOW_AGAIN] = { RF_REPLACING, RF_FACTS },
    [VA_FINISH] = { RF_FACTS },
    [VA_CHECK_RING] = { RF_REPLACING, RF_FACTS },
    [VA_RECONFIGURE] = { RF_FACTS },
    [VA_DISCONNECT] = { RF_ENDING, RF_FACTS },
    [VA_END] = { RF_ENDED, RF_FACTS },
    [VA_TELL_CLOSING] = { RF_ENDED, RF_FACTS },
    [VA_TELL_CLOSED] = { RF_ENDED, RF_FACTS },
    [VA_REOPEN] = { RF_ANNOUNCED, RF_FACTS },
    [VA_FORGET] = { RF_FACTS },
};
/* What each of them makes of the ring. */
static const char ring_raised[RF_FACTS] = {
    [RF_FOUND] = 'M',       [RF_FOUND_BEGUN] = 'X', [RF_UNUSABLE] = 'F', [RF_ANNOUNCED] = '0', [RF_CONNECTING] = 'C',
    [RF_TAKING_OVER] = 'T', [RF_ACCEPTED] = 'L',    [RF_ENDING] = 'e',   [RF_REPLACING] = 'r', [RF_ENDED] = 'E',
};

static void check_raised(enum ring_state ring, enum vhost_action a, bool seen[RING_STATES][RF_FACTS])
{
    for (const enum ring_fact *fact = raised[a]; *fact != RF_FACTS; fact++) {
        seen[ring][*fact] = true;
        ck_assert_msg(ring_letter[ring_after(ring, *fact)] == ring_raised[*fact],
                      "ring %s, action %c raises fact %d: %c, not %c", ring_state_name(ring), action_letter[a], *fact,
                      ring_letter[ring_after(ring, *fact)], ring_raised[*fact]);
    }
}

/* What an action does is never refused by the table of rings, and that table has no row that no action uses. */
START_TEST(every_action_finds_its_ring_and_every_ring_its_action)
{
    bool seen[RING_STATES][RF_FACTS] = { { false } };

    for (int ring = 0; ring < RING_STATES; ring++)
        for (int own = 0; own < XB_GONE; own++)
            for (int online = 0; online < 2; online++)
                for (int front = 0; front < XB_STATES; front++)
                    check_raised((enum ring_state)ring,
                                 vhost_decide(vhost_classify((enum ring_state)ring, (enum xenbus_state)own, online),
                                              (enum xenbus_state)front),
                                 seen);
    for (int ring = 0; ring < RING_STATES; ring++)
        for (int fact = RF_FOUND; fact < RF_FACTS; fact++)
            ck_assert_msg(
                seen[ring][fact] || ring_after((enum ring_state)ring, (enum ring_fact)fact) == (enum ring_state)ring,
                "ring %s changes with fact %d, which no action raises", ring_state_name((enum ring_state)ring), fact);
}
END_TEST

START_TEST(numbers_out_of_range_do_nothing)
{
    static const int odd[] = { -1, 9, 10, 255, 2147483647 };

    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        ck_assert_int_eq(vhost_classify(RING_LIVE, (enum xenbus_state)odd[i], true), VS_BARE);
        if (odd[i] != 9)
            ck_assert_int_eq(vhost_decide(VS_LIVE, (enum xenbus_state)odd[i]), VA_IGNORE);
        ck_assert_str_eq(xenbus_state_name((enum xenbus_state)odd[i]), odd[i] == 9 ? "gone" : "unknown");
    }
    ck_assert_int_eq(vhost_classify((enum ring_state)RING_STATES, XB_CONNECTED, true), VS_BARE);
    ck_assert_int_eq(vhost_decide(VS_SITUATIONS, XB_CONNECTED), VA_IGNORE);
    ck_assert_str_eq(ring_state_name((enum ring_state)RING_STATES), "unknown");
    ck_assert_int_eq(ring_after(RING_LIVE, (enum ring_fact)RF_FACTS), RING_LIVE);
    ck_assert_int_eq(ring_after((enum ring_state)RING_STATES, RF_DIED), RING_STATES);
}
END_TEST

/* A ring is never left mapped for a guest that closes or vanishes, whatever else the states say. */
START_TEST(a_frontend_that_closes_or_vanishes_always_ends_a_ring_in_use)
{
    static const enum ring_state ring[] = { RING_CONNECTING, RING_NEW, RING_LIVE, RING_LOST, RING_TAKING_OVER };

    for (unsigned i = 0; i < sizeof(ring) / sizeof(ring[0]); i++) {
        for (int own = 0; own < XB_GONE; own++) {
            for (int online = 0; online < 2; online++) {
                enum vhost_situation s = vhost_classify(ring[i], (enum xenbus_state)own, online);

                ck_assert_int_eq(vhost_decide(s, XB_CLOSING), VA_DISCONNECT);
                ck_assert_int_eq(vhost_decide(s, XB_CLOSED), VA_DISCONNECT);
                ck_assert_int_eq(vhost_decide(s, XB_GONE), VA_DISCONNECT);
            }
        }
    }
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_test(t, every_ring_and_fact_has_its_ring);
    tcase_add_test(t, every_ring_is_served_exists_and_is_used_as_it_should);
    tcase_add_test(t, every_ring_and_state_has_its_situation);
    tcase_add_test(t, every_situation_and_frontend_state_has_its_action);
    tcase_add_test(t, every_action_finds_its_ring_and_every_ring_its_action);
    tcase_add_test(t, numbers_out_of_range_do_nothing);
    tcase_add_test(t, a_frontend_that_closes_or_vanishes_always_ends_a_ring_in_use);
}

int main(void)
{
    return run_tests("vhost-table", NULL, NULL, add_tests);
}
