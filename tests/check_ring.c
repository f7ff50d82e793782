// SPDX-License-Identifier: GPL-2.0-or-later
/* The ring and its journal: arithmetic at the wrap, halting, and a successor after a death at every step. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "worker/ring.h"
#include "suite.h"

static struct pvscsi_journal journal;
static union {
    struct vscsiif_sring s;
    uint8_t room[4096];
} page;
static struct ring ring;

static const uint32_t starts[] = { 0, 1, 15, 16, 17, 0x7ffffff8u, 0x7fffffffu, 0xfffffff0u, 0xffffffffu };

static void begin(uint32_t start)
{
    memset(&page, 0, sizeof(page));
    memset(&journal, 0xee, sizeof(journal));
    page.s.req_prod = page.s.rsp_prod = start;
    page.s.req_event = page.s.rsp_event = start + 1;
    ring_start(&ring, &page, &journal, 7, 9);
}

static void guest_put(uint16_t rqid)
{
    struct vscsiif_request *req = &vscsiif_slot(&page.s, page.s.req_prod)->req;

    memset(req, 0, sizeof(*req));
    req->rqid = rqid;
    req->act = VSCSIIF_ACT_SCSI_CDB;
    req->cmd_len = 6;
    req->channel = 1;
    req->id = 2;
    req->lun = 3;
    req->cmnd[0] = 0x5a;
    page.s.req_prod++;
}

START_TEST(requests_come_in_order_and_answers_go_out_over_the_wrap)
{
    struct vscsiif_request req;
    struct scsi_answer good = { 0 };
    uint32_t start = starts[_i];

    begin(start);
    for (uint16_t round = 0; round < 40; round++) {
        for (uint16_t k = 0; k < 3; k++)
            guest_put((uint16_t)(round * 3 + k));
        for (uint16_t k = 0; k < 3; k++) {
            ck_assert_int_eq(ring_take(&ring, k, &req), 1);
            ck_assert_uint_eq(req.rqid, (unsigned)(round * 3 + k));
            ck_assert_uint_eq(journal.entry[k].state, JOURNAL_TAKEN);
            ck_assert_uint_eq(journal.entry[k].opcode, 0x5a);
        }
        ck_assert_int_eq(ring_take(&ring, 3, &req), 0);
        /* out of order */
        ring_answer(&ring, 2, 0, &good);
        ring_answer(&ring, 0, 0x70002, &good);
        ring_answer(&ring, 1, 0, &good);
        ck_assert_uint_eq(page.s.rsp_prod, start + round * 3u);
        ring_push(&ring);
        ck_assert_uint_eq(page.s.rsp_prod, start + round * 3u + 3);
        ck_assert_uint_eq(vscsiif_slot(&page.s, start + round * 3u)->rsp.rqid, (unsigned)(round * 3 + 2));
        ck_assert_int_eq(vscsiif_slot(&page.s, start + round * 3u + 1)->rsp.rslt, 0x70002);
        for (unsigned k = 0; k < 3; k++)
            ck_assert_uint_eq(journal.entry[k].state, JOURNAL_FREE);
    }
    ck_assert_uint_eq(journal.req_cons, start + 120);
}
END_TEST

START_TEST(an_impossible_request_index_halts_the_ring_for_good)
{
    static const int32_t ahead[] = { 17, 18, 1000, INT32_MAX, -1, -2, -17, INT32_MIN };
    struct vscsiif_request req;

    for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        begin(starts[_i]);
        page.s.req_prod += (uint32_t)ahead[i];
        ck_assert_int_eq(ring_take(&ring, 0, &req), -EPROTO);
        ck_assert_uint_eq(journal.halted, 1);
        ck_assert_uint_eq(journal.req_cons, starts[_i]);
        page.s.req_prod = starts[_i] + 1; /* mended too late */
        ck_assert_int_eq(ring_take(&ring, 0, &req), -EPROTO);
        ck_assert_int_eq(ring_final_check(&ring), -EPROTO);
    }
}
END_TEST

START_TEST(moving_back_with_requests_in_flight_halts_too)
{
    struct vscsiif_request req;

    begin(starts[_i]);
    for (uint16_t k = 0; k < 5; k++)
        guest_put(k);
    for (unsigned k = 0; k < 5; k++)
        ck_assert_int_eq(ring_take(&ring, k, &req), 1);
    page.s.req_prod -= 2;
    ck_assert_int_eq(ring_take(&ring, 5, &req), -EPROTO);
}
END_TEST

START_TEST(sixteen_at_once_are_fine_and_no_more_fit)
{
    struct vscsiif_request req;

    begin(starts[_i]);
    for (uint16_t k = 0; k < 16; k++)
        guest_put(k);
    for (unsigned k = 0; k < 16; k++)
        ck_assert_int_eq(ring_take(&ring, k, &req), 1);
    ck_assert_int_eq(ring_take(&ring, 0, &req), 0);
    guest_put(16);
    ck_assert_int_eq(ring_take(&ring, 0, &req), -EPROTO);
}
END_TEST

START_TEST(an_event_is_sent_only_when_the_guest_asked_for_it)
{
    struct vscsiif_request req;
    struct scsi_answer a = { 0 };
    uint32_t start = starts[_i];

    begin(start);
    for (uint16_t k = 0; k < 4; k++)
        guest_put(k);
    for (unsigned k = 0; k < 4; k++)
        ring_take(&ring, k, &req);
    page.s.rsp_event = start + 2;
    ring_answer(&ring, 0, 0, &a);
    ck_assert(!ring_push(&ring)); /* rsp_prod = start + 1: not yet */
    ring_answer(&ring, 1, 0, &a);
    ck_assert(ring_push(&ring)); /* crosses start + 2 */
    ring_answer(&ring, 2, 0, &a);
    ck_assert(!ring_push(&ring)); /* the frontend did not ask again */
    ck_assert(!ring_push(&ring)); /* nothing to push, no event */
    ck_assert_int_eq(ring_final_check(&ring), 0);
    ck_assert_uint_eq(page.s.req_event, start + 5);
    guest_put(9);
    ck_assert_int_eq(ring_final_check(&ring), 1);
}
END_TEST

START_TEST(response_slots_carry_nothing_stale)
{
    struct vscsiif_request req;
    struct scsi_answer a = { .status = 2, .sense_len = 18, .residual = 512 };
    struct vscsiif_response *rsp;

    begin(0);
    guest_put(77);
    memset(vscsiif_slot(&page.s, 0)->req.seg, 0xaa, sizeof(vscsiif_slot(&page.s, 0)->req.seg));
    memset(a.sense, 0x55, sizeof(a.sense));
    ring_take(&ring, 4, &req);
    ring_answer(&ring, 4, 2, &a);
    ring_push(&ring);
    rsp = &vscsiif_slot(&page.s, 0)->rsp;
    ck_assert_uint_eq(rsp->rqid, 77);
    ck_assert_uint_eq(rsp->sense_len, 18);
    ck_assert_uint_eq(rsp->residual_len, 512);
    ck_assert_uint_eq(rsp->sense_buffer[17], 0x55);
    for (unsigned i = 18; i < VSCSIIF_SENSE_BUFFERSIZE; i++)
        ck_assert_uint_eq(rsp->sense_buffer[i], 0);
    for (unsigned i = 0; i < 36; i++)
        ck_assert_uint_eq(rsp->reserved[i], 0);
}
END_TEST

/*
 * A predecessor took requests 0..5, answered and published 4 and 1, answered 2 without publishing it, and died.
 * Each variant undoes or adds the one store that would differ if it had died a moment earlier or later.
 */
static void die_half_way(uint32_t start)
{
    struct vscsiif_request req;
    struct scsi_answer a = { 0 };

    begin(start);
    for (uint16_t k = 0; k < 8; k++)
        guest_put((uint16_t)(100 + k));
    for (unsigned k = 0; k < 6; k++)
        ring_take(&ring, k, &req);
    ring_answer(&ring, 4, 0, &a);
    ring_answer(&ring, 1, 0, &a);
    ring_push(&ring);
    ring_answer(&ring, 2, 0x70002, &a);
}

START_TEST(a_successor_finds_orphans_and_publishes_what_was_answered)
{
    struct vscsiif_request req;
    uint32_t orphans, start = starts[_i];
    struct ring next;

    die_half_way(start);
    ck_assert_int_eq(ring_resume(&next, &page, &journal, &orphans), 0);
    ck_assert_uint_eq(orphans, 1u << 0 | 1u << 3 | 1u << 5);
    ring_push(&next);
    ck_assert_uint_eq(page.s.rsp_prod, start + 3);
    ck_assert_uint_eq(vscsiif_slot(&page.s, start + 2)->rsp.rqid, 102);
    ck_assert_int_eq(vscsiif_slot(&page.s, start + 2)->rsp.rslt, 0x70002);
    ck_assert_uint_eq(journal.entry[2].state, JOURNAL_FREE);
    ck_assert_int_eq(ring_take(&next, 1, &req), 1);
    ck_assert_uint_eq(req.rqid, 106);
}
END_TEST

START_TEST(a_death_before_req_cons_moved_takes_the_request_again)
{
    struct vscsiif_request req;
    uint32_t orphans;
    struct ring next;

    die_half_way(starts[_i]);
    journal.req_cons--; /* slot 5 is TAKEN, but req_cons was not yet stored */
    ck_assert_int_eq(ring_resume(&next, &page, &journal, &orphans), 0);
    ck_assert_uint_eq(orphans, 1u << 0 | 1u << 3);
    ck_assert_uint_eq(journal.entry[5].state, JOURNAL_FREE);
    ck_assert_int_eq(ring_take(&next, 5, &req), 1);
    ck_assert_uint_eq(req.rqid, 105);
}
END_TEST

START_TEST(a_death_before_answered_was_stored_leaves_an_orphan)
{
    uint32_t orphans;
    struct ring next;

    die_half_way(starts[_i]);
    journal.entry[2].state = JOURNAL_TAKEN;
    ck_assert_int_eq(ring_resume(&next, &page, &journal, &orphans), 0);
    ck_assert_uint_eq(orphans, 1u << 0 | 1u << 2 | 1u << 3 | 1u << 5);
    ck_assert_uint_eq(next.rsp_prod, starts[_i] + 2);
}
END_TEST

START_TEST(a_death_after_publishing_does_not_answer_twice)
{
    uint32_t orphans;
    struct ring next;

    die_half_way(starts[_i]);
    page.s.rsp_prod = starts[_i] + 3; /* published, but the slot is still ANSWERED */
    ck_assert_int_eq(ring_resume(&next, &page, &journal, &orphans), 0);
    ck_assert_uint_eq(orphans, 1u << 0 | 1u << 3 | 1u << 5);
    ck_assert_uint_eq(journal.entry[2].state, JOURNAL_FREE);
    ck_assert(!ring_push(&next));
    ck_assert_uint_eq(page.s.rsp_prod, starts[_i] + 3);
}
END_TEST

START_TEST(a_guest_that_moves_rsp_prod_meanwhile_halts_its_ring)
{
    static const int32_t moved[] = { -1, 2, 5, 100, INT32_MIN };
    uint32_t orphans;
    struct ring next;

    for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        die_half_way(starts[_i]);
        page.s.rsp_prod += (uint32_t)moved[i];
        ck_assert_int_eq(ring_resume(&next, &page, &journal, &orphans), -EPROTO);
        ck_assert(next.halted);
    }
}
END_TEST

START_TEST(a_halted_ring_stays_halted_for_a_successor)
{
    struct vscsiif_request req;
    uint32_t orphans;
    struct ring next;

    begin(0);
    page.s.req_prod = 17;
    ck_assert_int_eq(ring_take(&ring, 0, &req), -EPROTO);
    ck_assert_int_eq(ring_resume(&next, &page, &journal, &orphans), -EPROTO);
    ck_assert_int_eq(ring_take(&next, 0, &req), -EPROTO);
}
END_TEST

START_TEST(detaching_empties_the_journal)
{
    die_half_way(3);
    ring_detach(&ring);
    ck_assert_uint_eq(journal.connected, 0);
    for (unsigned i = 0; i < PVSCSI_RING_SLOTS; i++)
        ck_assert_uint_eq(journal.entry[i].state, JOURNAL_FREE);
}
END_TEST

static void add_tests(TCase *t)
{
    int n = (int)(sizeof(starts) / sizeof(starts[0]));

    tcase_add_loop_test(t, requests_come_in_order_and_answers_go_out_over_the_wrap, 0, n);
    tcase_add_loop_test(t, an_impossible_request_index_halts_the_ring_for_good, 0, n);
    tcase_add_loop_test(t, moving_back_with_requests_in_flight_halts_too, 0, n);
    tcase_add_loop_test(t, sixteen_at_once_are_fine_and_no_more_fit, 0, n);
    tcase_add_loop_test(t, an_event_is_sent_only_when_the_guest_asked_for_it, 0, n);
    tcase_add_test(t, response_slots_carry_nothing_stale);
    tcase_add_loop_test(t, a_successor_finds_orphans_and_publishes_what_was_answered, 0, n);
    tcase_add_loop_test(t, a_death_before_req_cons_moved_takes_the_request_again, 0, n);
    tcase_add_loop_test(t, a_death_before_answered_was_stored_leaves_an_orphan, 0, n);
    tcase_add_loop_test(t, a_death_after_publishing_does_not_answer_twice, 0, n);
    tcase_add_loop_test(t, a_guest_that_moves_rsp_prod_meanwhile_halts_its_ring, 0, n);
    tcase_add_test(t, a_halted_ring_stays_halted_for_a_successor);
    tcase_add_test(t, detaching_empties_the_journal);
}

int main(void)
{
    return run_tests("ring", NULL, NULL, add_tests);
}
