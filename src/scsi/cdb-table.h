/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands we know, as data: one row for an opcode on some peripheral device
 * types, in one of its forms. Internal to src/scsi.
 */
#ifndef PVSCSI_CDB_TABLE_H
#define PVSCSI_CDB_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "scsi/types.h"

enum cdb_data {
    CDB_DATA_NONE,
    CDB_DATA_IN,
    CDB_DATA_OUT,
    CDB_DATA_EITHER, /* fields other than a length say which, and whether there is any: not checked */
};

/* How long a command may take; the seconds are in decide.c. */
enum cdb_time {
    CDB_TIME_MEDIA,     /* as long as a read or write of that type of device */
    CDB_TIME_SHORT,     /* touches no medium: what a device says of itself, parameters, reservations */
    CDB_TIME_FLUSH,     /* writes what a disk's cache holds */
    CDB_TIME_START,     /* spins a disk up or down */
    CDB_TIME_BULK,      /* works through many blocks, few of them or none in the data buffer */
    CDB_TIME_LASER,     /* writes an optical medium, or what the drive has buffered for it */
    CDB_TIME_LOAD,      /* loads or calibrates a medium */
    CDB_TIME_MOVE,      /* moves media with a robot, or new firmware into a device */
    CDB_TIME_INVENTORY, /* reads every label in a library */
    CDB_TIME_WIND,      /* a whole tape, end to end */
    CDB_TIME_BURN,      /* finishes or blanks an optical medium */
    CDB_TIME_FORMAT,    /* writes or tests a whole medium */
    CDB_TIME_UNKNOWN,   /* not in the table: as long as anything may take on that type of device */
    CDB_TIMES
};

/* What happens to a command to a LUN that its guest may only read. */
enum cdb_readonly {
    CDB_READONLY_DENY,  /* changes the device's state, or may do so: 05/20/00 */
    CDB_READONLY_WRITE, /* changes the medium: 07/27/00, as for a write-protected medium in SBC-4, SSC-5 and MMC-6 */
    CDB_READONLY_PASS,  /* changes neither */
};

/* What becomes of a command of a guest without feature-host. The conditions are policy.c's. */
enum cdb_guest {
    CDB_GUEST_DENY,
    CDB_GUEST_PASS,
    CDB_GUEST_ALONE,     /* only while no other guest of this backend domain has the LUN */
    CDB_GUEST_COPY,      /* third-party copy: reaches other LUNs with this host's rights. Not even with feature-host */
    CDB_GUEST_NEXUS,     /* reservations: decide.c judges them, with feature-host too */
    CDB_GUEST_START,     /* PASS for a start; ALONE for a stop, an eject, a power condition */
    CDB_GUEST_SELF_TEST, /* self-tests of this LUN without parameters; ALONE for those in the foreground */
    CDB_GUEST_CACHING,   /* scsi_check_parameters() looks at the mode pages */
    CDB_GUEST_ATA,       /* the ATA commands that only read what the device says of itself */
    CDB_GUEST_KEY,       /* all keys but the drive's region, which can be changed five times in its life */
};

/* Values of .len_size other than 1..4, the number of bytes of a length field: */
enum {
    CDB_LEN_ALWAYS = 0,    /* there is always data */
    CDB_LEN_UNSAID = 0xff, /* there may be data or none; the table cannot tell which */
};

struct cdb_row {
    uint32_t types;
    uint8_t opcode;
    uint8_t form_mask, form; /* the row is for (cdb[1] & form_mask) == form: a service action or a bit */
    uint8_t data;            /* enum cdb_data */
    uint8_t len_at,
        len_size;     /* big-endian allocation, parameter list or transfer length in the CDB: 0 there = no data */
    uint8_t time;     /* enum cdb_time */
    uint8_t readonly; /* enum cdb_readonly */
    uint8_t guest;    /* enum cdb_guest */
};

/* Sorted by opcode. If several rows fit a command, the first one counts. */
extern const struct cdb_row cdb_table[];
extern const unsigned cdb_table_len;

/* The ATA command in an ATA PASS-THROUGH(12) or (16) (SAT-4): the lower halves of its registers. */
struct cdb_ata {
    uint8_t command, features, low, mid, high;
};
/* cdb: padded with zeros. */
struct cdb_ata cdb_ata(const uint8_t *cdb);

/* The row for this command, or NULL if that type has none. cdb: as many bytes as the opcode's group demands. */
const struct cdb_row *cdb_find(const uint8_t *cdb, uint8_t type);
/* Walks the rows of one opcode on one type; *row is NULL at first. False: there is no further one. */
bool cdb_find_next(uint8_t opcode, uint8_t type, const struct cdb_row **row);
/* Is there a form of this opcode that a LUN with readonly accepts? */
bool cdb_readonly_in_some_form(uint8_t opcode, uint8_t type);

#endif
