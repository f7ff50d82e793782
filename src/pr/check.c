// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The checks of check.h. They refuse what the helper cannot handle (it closes its socket for more than 8192 bytes,
 * and waits without end for a list that is shorter than the CDB says), what it would misread (it reads two of the
 * four length bytes of 5Fh), and what the configuration does not allow.
 */
#include "config.h"

#include "pr/check.h"

/* SPC-5 table 79 (PERSISTENT RESERVE IN) and table 85 (OUT), service actions. */
enum {
    IN_REPORT_LAST = 3, /* READ KEYS, READ RESERVATION, REPORT CAPABILITIES, READ FULL STATUS */
    OUT_REGISTER = 0,
    OUT_RESERVE = 1,
    OUT_REGISTER_AND_MOVE = 7,
};
#define LIST_FLAGS 20 /* byte of the basic list */
#define LIST_SPEC_I_PT 0x08
#define TRANSPORTID_MIN 24 /* bytes of the shortest TransportID, SPC-5 7.6.4.1 */

static const struct scsi_sense invalid_field_in_cdb = { 0x05, 0x24, 0x00 };
static const struct scsi_sense invalid_field_in_list = { 0x05, 0x26, 0x00 };
static const struct scsi_sense list_length_error = { 0x05, 0x1a, 0x00 };

enum list_form {
    LIST_UNKNOWN = 0,
    LIST_PLAIN,
    LIST_MOVE
};

/* REPLACE LOST RESERVATION (08h) is missing: we know of no device that has it. */
static const struct {
    enum list_form form;
    bool strict_type; /* scope and type always count, with or without a reservation */
} out_actions[32] = {
    [OUT_REGISTER] = { LIST_PLAIN, false },
    [OUT_RESERVE] = { LIST_PLAIN, true },
    [0x02 /* RELEASE */] = { LIST_PLAIN, false },
    [0x03 /* CLEAR */] = { LIST_PLAIN, false },
    [0x04 /* PREEMPT */] = { LIST_PLAIN, false },
    [0x05 /* PREEMPT AND ABORT */] = { LIST_PLAIN, false },
    [0x06 /* REGISTER AND IGNORE EXISTING KEY */] = { LIST_PLAIN, false },
    [OUT_REGISTER_AND_MOVE] = { LIST_MOVE, false },
};

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool refused(struct scsi_sense *refuse, struct scsi_sense why)
{
    *refuse = why;
    return false;
}

uint32_t pr_cdb_length(const uint8_t cdb[SCSI_CDB_MAX])
{
    switch (cdb[0]) {
    case PR_OP_IN:
        return (uint32_t)cdb[7] << 8 | cdb[8];
    case PR_OP_OUT:
        return get32(cdb + 5);
    default:
        return 0;
    }
}

/* Scope LU_SCOPE (0) and the types that SPC-5 table 84 defines. */
static bool scope_and_type_valid(uint8_t scope_type)
{
    switch (scope_type) {
    case 1:
    case 3:
    case 5:
    case 6:
    case 7:
    case 8:
        return true;
    default:
        return false;
    }
}

static bool check_in(const uint8_t *cdb, enum scsi_direction dir, uint32_t data_len, struct scsi_sense *refuse)
{
    if ((cdb[1] & 0x1f) > IN_REPORT_LAST)
        return refused(refuse, invalid_field_in_cdb);
    /* A buffer may be shorter than the allocation length: the guest gets what fits. */
    if (data_len && dir != SCSI_DIR_IN)
        return refused(refuse, invalid_field_in_cdb);
    return true;
}

/* With SPEC_I_PT a length and TransportIDs follow in the list (SPC-5 6.17.3). */
static bool check_plain_list(uint8_t action, const uint8_t *list, uint32_t len, bool allow_move,
                             struct scsi_sense *refuse)
{
    if (!(list[LIST_FLAGS] & LIST_SPEC_I_PT))
        return len == PR_LIST_BASIC || refused(refuse, list_length_error);
    if (action != OUT_REGISTER || !allow_move)
        return refused(refuse, invalid_field_in_list);
    if (len < PR_LIST_BASIC + 4 || get32(list + 24) != len - PR_LIST_BASIC - 4)
        return refused(refuse, list_length_error);
    return true;
}

/* REGISTER AND MOVE's list names one TransportID and its length (SPC-5 6.17.4). */
static bool check_move_list(const uint8_t *list, uint32_t len, struct scsi_sense *refuse)
{
    if (len < PR_LIST_BASIC + TRANSPORTID_MIN || get32(list + 20) != len - PR_LIST_BASIC)
        return refused(refuse, list_length_error);
    return true;
}

static bool check_out(const uint8_t *cdb, enum scsi_direction dir, uint32_t data_len, const uint8_t *data_out,
                      bool allow_move, struct scsi_sense *refuse)
{
    uint8_t action = cdb[1] & 0x1f;
    uint32_t len = pr_cdb_length(cdb);
    enum list_form form = out_actions[action].form;

    if (form == LIST_UNKNOWN || (form == LIST_MOVE && !allow_move))
        return refused(refuse, invalid_field_in_cdb);
    /*
     * The device checks these fields of RELEASE and the PREEMPTs itself: without a reservation, or with a key that
     * does not hold it, it must ignore them (SPC-5 5.14.11).
     */
    if (out_actions[action].strict_type && !scope_and_type_valid(cdb[2]))
        return refused(refuse, invalid_field_in_cdb);
    if (len > PR_DATA_MAX || len < PR_LIST_BASIC)
        return refused(refuse, list_length_error);
    if (dir != SCSI_DIR_OUT)
        return refused(refuse, data_len ? invalid_field_in_cdb : list_length_error);
    if (data_len < len || !data_out)
        return refused(refuse, list_length_error);
    return form == LIST_MOVE ? check_move_list(data_out, len, refuse)
                             : check_plain_list(action, data_out, len, allow_move, refuse);
}

bool pr_check(const uint8_t cdb[SCSI_CDB_MAX], uint8_t cdb_len, enum scsi_direction dir, uint32_t data_len,
              const uint8_t *data_out, bool allow_move, struct scsi_sense *refuse)
{
    if (cdb[0] != PR_OP_IN && cdb[0] != PR_OP_OUT) {
        *refuse = (struct scsi_sense){ 0x05, 0x20, 0x00 };
        return false;
    }
    if (cdb_len < PR_CDB_LEN || cdb_len > SCSI_CDB_MAX)
        return refused(refuse, invalid_field_in_cdb);
    return cdb[0] == PR_OP_IN ? check_in(cdb, dir, data_len, refuse)
                              : check_out(cdb, dir, data_len, data_out, allow_move, refuse);
}

bool pr_check_direct(const uint8_t cdb[SCSI_CDB_MAX], uint32_t data_len, const uint8_t *data_out, bool allow_move,
                     struct scsi_sense *refuse)
{
    uint8_t action = cdb[1] & 0x1f;

    if (cdb[0] == PR_OP_IN)
        return action <= IN_REPORT_LAST || refused(refuse, invalid_field_in_cdb);
    if (out_actions[action].form == LIST_UNKNOWN || (out_actions[action].form == LIST_MOVE && !allow_move))
        return refused(refuse, invalid_field_in_cdb);
    /* SPEC_I_PT registers other initiators. The list of REGISTER AND MOVE has a length at this place. */
    if (out_actions[action].form == LIST_PLAIN && !allow_move && data_out && data_len > LIST_FLAGS
        && (data_out[LIST_FLAGS] & LIST_SPEC_I_PT))
        return refused(refuse, invalid_field_in_list);
    return true;
}
