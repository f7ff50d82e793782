/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SCSI logic: pure functions of bytes and structs, driven by const tables. Nothing here has file descriptors,
 * allocates memory or logs. Numbers are from SPC-5, SBC-4, SSC-5, MMC-6, SMC-3 and SAM-5.
 */
#ifndef PVSCSI_SCSI_H
#define PVSCSI_SCSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scsi/rules.h"
#include "scsi/types.h"

#define SCSI_CDB_MAX 16
#define SCSI_SENSE_MAX 96 /* VSCSIIF_SENSE_BUFFERSIZE */

enum scsi_direction {
    SCSI_DIR_BOTH = 0,
    SCSI_DIR_OUT = 1,
    SCSI_DIR_IN = 2,
    SCSI_DIR_NONE = 3
}; /* as on the wire */

enum scsi_status { /* SAM-5 table 43 */
    SCSI_GOOD = 0x00,
    SCSI_CHECK_CONDITION = 0x02,
    SCSI_CONDITION_MET = 0x04,
    SCSI_BUSY = 0x08,
    SCSI_RESERVATION_CONFLICT = 0x18,
    SCSI_TASK_SET_FULL = 0x28,
    SCSI_ACA_ACTIVE = 0x30,
    SCSI_TASK_ABORTED = 0x40,
};
enum scsi_host { /* XEN_VSCSIIF_RSLT_HOST_* */
    SCSI_HOST_OK = 0,
    SCSI_HOST_NO_CONNECT = 1,
    SCSI_HOST_TIME_OUT = 3,
    SCSI_HOST_BAD_TARGET = 4,
    SCSI_HOST_ABORT = 5,
    SCSI_HOST_ERROR = 7,
    SCSI_HOST_RESET = 8,
    SCSI_HOST_TRANSPORT_FAILFAST = 15,
};

struct scsi_sense {
    uint8_t key, asc, ascq;
};

/* A response as it goes to the guest, less the rqid. */
struct scsi_answer {
    uint8_t status;
    uint8_t host;
    uint8_t sense_len;
    uint8_t sense[SCSI_SENSE_MAX];
    uint32_t residual; /* requested less moved */
};

/* --- sense.c --- */
/* Fixed format sense (SPC-5 4.4.3), 18 bytes, response code 70h. */
void scsi_answer_sense(struct scsi_answer *a, struct scsi_sense s, uint8_t host, uint32_t residual);
void scsi_answer_status(struct scsi_answer *a, uint8_t status, uint8_t host, uint32_t residual);

/* --- outcome.c --- */
/* What sg said of a command (struct sg_io_hdr), or the errno that write()/read() gave. */
struct scsi_outcome {
    /*
     * Positive errno; the rest is not looked at then. One that says "try again" (ENOMEM and the like) must be that of
     * write(): the command was not submitted.
     */
    int os_error;
    uint8_t status;
    uint16_t host;
    int32_t resid;
    uint8_t sense_len; /* sb_len_wr; sense below has that many valid bytes */
    const uint8_t *sense;
};
/*
 * The map, as docs/scsi.md has it. type: peripheral device type; data_len: bytes that the guest asked for.
 * Fills *a, always safe (below), and returns how many bytes of data-in may go to the guest (0..data_len).
 */
uint32_t scsi_map_outcome(const struct scsi_outcome *o, uint8_t type, enum scsi_direction dir, uint32_t data_len,
                          struct scsi_answer *a);
/*
 * Is this an answer that starts no guest's error handling, and that tells a failure by its SCSI status too? Its host
 * byte is one that Linux ends a command with, its status is known, CHECK CONDITION has sense data.
 */
bool scsi_answer_is_safe(const struct scsi_answer *a);
/*
 * The answer of a command that may have run or not, without data: ABORTED COMMAND; of a tape, which may have moved,
 * UNIT ATTENTION 29h/00h. data_len: bytes that the guest asked for.
 */
void scsi_answer_unknown(struct scsi_answer *a, uint8_t type, uint32_t data_len);
/*
 * The answer of TEST UNIT READY: sense data says a failure, never a host byte. Linux's error handler sends this command
 * to see whether a disk is back. With any host byte but 0 it goes on to resets, and in the end it takes the disk
 * offline for good (scsi_eh_completed_normally()); with sense data it sends the failed command again.
 */
void scsi_answer_of_test(struct scsi_answer *a);
/* Makes an answer from elsewhere (such as the PR helper) safe. True: it was not, and is now scsi_answer_unknown(). */
bool scsi_answer_make_safe(struct scsi_answer *a, uint8_t type, uint32_t data_len);

/* What kind of end a command had, for counters and log lines. */
enum scsi_kind {
    SCSI_KIND_GOOD,
    SCSI_KIND_CONDITION_MET,
    SCSI_KIND_RECOVERED, /* RECOVERED ERROR, COMPLETED, NO SENSE without a mark: the command did what it should */
    SCSI_KIND_MARK,      /* a file mark, the end of the medium, a block of another length */
    SCSI_KIND_FIRST_ERROR,
    SCSI_KIND_NOT_READY = SCSI_KIND_FIRST_ERROR, /* these by sense key */
    SCSI_KIND_MEDIUM_ERROR,
    SCSI_KIND_HARDWARE_ERROR,
    SCSI_KIND_ILLEGAL_REQUEST,
    SCSI_KIND_UNIT_ATTENTION,
    SCSI_KIND_DATA_PROTECT,
    SCSI_KIND_BLANK_CHECK,
    SCSI_KIND_ABORTED_COMMAND,
    SCSI_KIND_MISCOMPARE,
    SCSI_KIND_OTHER_SENSE,
    SCSI_KIND_BUSY, /* BUSY, TASK SET FULL */
    SCSI_KIND_CONFLICT,
    SCSI_KIND_OTHER_STATUS,
    SCSI_KIND_TIME_OUT, /* sg's host byte */
    SCSI_KIND_HOST,     /* any other host byte, or an errno of sg */
    SCSI_KIND_REFUSED,  /* by us, before the device; never given by scsi_kind_of() */
    SCSI_KIND_POLICY,   /* the same, by the command policy */
    SCSI_KINDS
};
/* o: what *a was made from; NULL when no device said anything. */
enum scsi_kind scsi_kind_of(const struct scsi_outcome *o, const struct scsi_answer *a);
static inline bool scsi_kind_is_error(enum scsi_kind kind)
{
    return kind >= SCSI_KIND_FIRST_ERROR;
}
/* --- notable.c --- */
/*
 * True: the log shows this end of a command by default. False: guests meet it while nothing is wrong. kind: of this
 * answer, by scsi_kind_of() or SCSI_KIND_REFUSED, SCSI_KIND_POLICY.
 */
bool scsi_is_notable(enum scsi_kind kind, const struct scsi_answer *a);
/* "medium error"; "unknown" past the last kind. */
const char *scsi_kind_name(enum scsi_kind kind);

/*
 * The most bytes that one request of a Linux guest can always transfer over a ring of so many segments (1 to 128).
 * xen-scsifront counts the pages of each scatter element, which has 64 KiB at most. An element that does not begin at a
 * page boundary has one page more. A request with more pages than segments fails in the guest (map_data_for_request(),
 * seen up to Linux 6.1).
 */
uint32_t scsi_surely_mapped(uint32_t segments);

/* --- decide.c: the one decision point for a CDB --- */
/* How PERSISTENT RESERVE IN and OUT are carried out. */
enum scsi_pr {
    SCSI_PR_DENY, /* not at all: refused */
    SCSI_PR_HELPER,
    SCSI_PR_DIRECT, /* by the device, as any other command */
};
struct scsi_lun_facts {
    uint8_t type;      /* peripheral device type 0..31 */
    bool readonly;     /* only what changes neither medium nor device passes, whatever else is allowed */
    bool feature_host; /* the command policy refuses third-party copy only, and what the rules deny */
    bool shared;       /* another guest of this backend domain has the device */
    bool pr_forced, pr_move;
    enum scsi_pr pr;
    uint32_t
        max_transfer;    /* bytes; a command that moves more is refused, or carried out in pieces: scsi_split_begin() */
    uint32_t max_told;   /* bytes; what a disk's guest is told that it may ask for, if less; 0: max_transfer */
    uint32_t block_size; /* of a disk, bytes; 0 = not known yet (scsi_filter_data_in() learns it) */
    struct scsi_rules rules; /* what goes before the policy */
};
enum scsi_route {
    SCSI_TO_DEVICE, /* forward as it is */
    SCSI_TO_US,     /* REPORT LUNS: answered by us */
    SCSI_TO_HELPER, /* PERSISTENT RESERVE IN/OUT through the PR helper */
    SCSI_REFUSED,   /* answer CHECK CONDITION with .sense */
};
struct scsi_decision {
    enum scsi_route route;
    struct scsi_sense sense; /* when refused */
    uint32_t timeout_s;      /* to use when the guest gives none */
    uint32_t min_timeout_s;  /* 1..timeout_s: the least, whatever the guest gives */
    uint32_t max_timeout_s;  /* the most, whatever the guest gives; 0: no such limit */
    bool filter_in;          /* data-in must pass scsi_filter_data_in() */
    bool check_out;          /* data-out must pass scsi_check_parameters() */
    bool no_data;            /* the command has none: the guest's buffer, if it names one, goes nowhere */
    bool by_policy;          /* refused, and a rule or feature_host could let it pass */
};
/*
 * Decides on one CDB. Only the first cdb_len bytes of cdb come from the guest; a CDB that is shorter than its opcode's
 * group demands is refused. The time-outs are set for every route.
 */
void scsi_decide(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], uint8_t cdb_len,
                 enum scsi_direction dir, uint32_t data_len, struct scsi_decision *d);
/*
 * May the device answer this command? False: the policy refuses it, or it is a reservation that is refused.
 * some_action: with this service action; else in any form.
 */
bool scsi_answers_opcode(const struct scsi_lun_facts *f, uint8_t opcode, bool some_action, uint8_t action);
/*
 * Changes data-in of a command with .filter_in before it goes to the guest: VPD page B0h and the list of supported
 * pages of a disk, READ BLOCK LIMITS of a tape, the WP bit in MODE SENSE's header of a disk or tape with .readonly, all
 * that names third-party copy if it is refused, refused commands in REPORT SUPPORTED OPERATION CODES. The data of READ
 * CAPACITY is not changed; f->block_size is taken from it. data: len valid bytes, with room for alloc bytes. Returns
 * the new length (<= alloc).
 */
uint32_t scsi_filter_data_in(struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], uint8_t *data, uint32_t len,
                             uint32_t alloc);
/*
 * What to ask the device for in place of a .filter_in command: what changes in a list changes the length at its head,
 * so the whole list must come, even if the guest's allocation length or buffer (data_len) cuts it. Both are passed to
 * scsi_filter_data_in(), and of what it returns the guest gets .give bytes at most. A list larger than what is fetched
 * here, and less than four bytes, stay as they are.
 */
struct scsi_fetch {
    uint32_t len; /* bytes; of the buffer for the device's data: data_len, or up to 16384 */
    uint32_t give;
    uint8_t cdb[SCSI_CDB_MAX];
};
struct scsi_fetch scsi_filter_fetch(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], uint32_t data_len);
/*
 * A disk without VPD page B0h is given one, or its guest would know no limit; and a list of pages that names it, if it
 * has no list. When *a is the refusal of such an INQUIRY, *a becomes GOOD, the page is written to data (at most
 * data_len bytes, which is what the guest asked for), and its length is returned. 0, and nothing touched, in every
 * other case. For .filter_in commands only.
 */
uint32_t scsi_fix_refused(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], uint8_t *data,
                          uint32_t data_len, struct scsi_answer *a);
/*
 * The time-out for sg in milliseconds. guest_s: the ring's timeout_per_command, seconds; 0: none. It may be what is
 * left of a larger number (docs/scsi.md).
 */
uint32_t scsi_timeout_ms(const struct scsi_decision *d, uint16_t guest_s);

/* --- policy.c: what a guest may send (docs/policy.md) --- */
enum scsi_verdict {
    SCSI_ALLOWED,
    SCSI_NO_SUCH_OPCODE, /* 05/20/00 */
    SCSI_NO_SUCH_FORM,   /* other forms of the opcode are allowed: 05/24/00 */
};
/* cdb: padded with zeros. REPORT LUNS, and reservations unless a rule denies them, are always allowed here. */
enum scsi_verdict scsi_policy_verdict(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX]);
/* May the guest send this opcode in some form? */
bool scsi_policy_allows_some(const struct scsi_lun_facts *f, uint8_t opcode);
/* ... with this service action? */
bool scsi_policy_allows_action(const struct scsi_lun_facts *f, uint8_t opcode, uint8_t action);
/* Is it refused by a rule that denies it? */
bool scsi_policy_denies(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX]);
/* Is this allowed command allowed only with data-out that scsi_check_parameters() accepts? */
bool scsi_policy_checks_parameters(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX]);
enum scsi_policy_state {
    SCSI_POLICY_REFUSED,
    SCSI_POLICY_ALLOWED,
    SCSI_POLICY_ALONE,  /* allowed, because no other guest has the LUN */
    SCSI_POLICY_PARTLY, /* in some forms, or with some parameters */
};
/* For people: what becomes of a command. some_action: with this service action. */
enum scsi_policy_state scsi_policy_state(const struct scsi_lun_facts *f, uint8_t opcode, bool some_action,
                                         uint8_t action);
/* Does byte 1 of this opcode have a service action, or a protocol? */
bool scsi_has_actions(uint8_t opcode, uint8_t type);
/* Does the table have this command? For an opcode with actions: with this one by itself. */
bool scsi_is_known(uint8_t opcode, uint8_t type, bool some_action, uint8_t action);
/* Is it third-party copy, which feature_host does not allow? */
bool scsi_is_third_party_copy(uint8_t opcode);
/*
 * Data-out of a command with .check_out: MODE SELECT of a disk may set the caching page only. data: all len bytes.
 * False, and *refuse, if it says anything else.
 */
bool scsi_check_parameters(const struct scsi_lun_facts *f, const uint8_t cdb[SCSI_CDB_MAX], const uint8_t *data,
                           uint32_t len, struct scsi_sense *refuse);

/* --- cdb-table.c --- */
/*
 * May a disk carry this command out twice, when it is not known whether it has done so once? By the opcode alone, which
 * is what a dead worker's journal has. False for what is not known.
 */
bool scsi_may_run_twice(uint8_t opcode);

/* --- luns.c: REPORT LUNS and absent LUNs (SPC-5 6.32, SAM-5 4.7.7) --- */
/*
 * Makes the parameter data for one target. luns: n of them in ascending order; LUN 0 is reported even if it is not
 * among them. Writes at most out_size bytes. Returns the number of bytes for the guest: min(allocation length, full
 * length). Returns 0 and fills *refuse if the CDB is wrong (allocation length < 16 or an unknown SELECT REPORT).
 */
uint32_t scsi_report_luns(const uint8_t cdb[SCSI_CDB_MAX], const uint16_t *luns, unsigned n, uint8_t *out,
                          uint32_t out_size, struct scsi_sense *refuse);
/*
 * Answers a command to a LUN that does not exist, on a target that does. INQUIRY gets qualifier 3 and type 1Fh, REQUEST
 * SENSE gets ILLEGAL REQUEST 25h/00h as data, and any other command gets CHECK CONDITION 05/25/00; the caller answers
 * REPORT LUNS. Writes data-in to out (at most out_size bytes) and returns its length. *a gets status, sense and
 * residual (data_len minus that length).
 */
uint32_t scsi_absent_lun(const uint8_t cdb[SCSI_CDB_MAX], uint32_t data_len, uint8_t *out, uint32_t out_size,
                         struct scsi_answer *a);

#endif
