// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands of SPC-5, SBC-4, ZBC, SSC-5, MMC-6 and SMC-3 by opcode and peripheral device type: the direction of
 * their data, the field of the CDB that has its length, and how long they may take. The same opcode can be another
 * command on another type: A4h is REPORT KEY on an optical drive and SET TARGET PORT GROUPS on a disk.
 *
 * The direction of a command that is not in the table is not checked. A policy is one more column. The column for LUNs
 * that a guest may only read is an allow list: a row has PASS if no form of it changes what another initiator finds on
 * the medium or in the device. The position of a tape is the one exception, because reading a tape moves it.
 */
#include "config.h"

#include <stddef.h>

#include "scsi/cdb-table.h"
#include "scsi/opcodes.h"

#define NOT_MMC (SCSI_ALL & ~SCSI_MMC)
#define MEDIA (SCSI_DISK | SCSI_MMC)
#define REMOVABLE (SCSI_DISK | SCSI_TAPE | SCSI_MMC | SCSI_CHANGER)

/* A row's parts: the form of a command (mask and value in byte 1), and its data. */
#define FORM(mask, value) .form_mask = (mask), .form = (value)
#define SA(value) FORM(0x1f, (value))
#define NONE .data = CDB_DATA_NONE
#define IN(at, size) .data = CDB_DATA_IN, .len_at = (at), .len_size = (size)
#define OUT(at, size) .data = CDB_DATA_OUT, .len_at = (at), .len_size = (size)
#define IN_ALWAYS IN(0, CDB_LEN_ALWAYS)
#define IN_UNSAID IN(0, CDB_LEN_UNSAID)
#define OUT_ALWAYS OUT(0, CDB_LEN_ALWAYS)
/* One row a line. */
/* clang-format off */
#define ROW(op, t, c, ro, ...) \
    { .opcode = (op), .types = (t), .time = CDB_TIME_##c, .readonly = CDB_READONLY_##ro, __VA_ARGS__ }

const struct cdb_row cdb_table[] = {
    ROW(0x00, SCSI_ALL,    SHORT,     PASS,  NONE),                     /* TEST UNIT READY */
    ROW(0x01, SCSI_TAPE,   WIND,      PASS,  NONE),                     /* REWIND */
    ROW(0x01, MEDIA,       MEDIA,     DENY,  NONE),                     /* REZERO UNIT */
    ROW(0x03, SCSI_ALL,    SHORT,     PASS,  IN(4, 1)),                 /* REQUEST SENSE */
    ROW(0x04, MEDIA,       FORMAT,    WRITE, FORM(0x10, 0x00), NONE),   /* FORMAT UNIT without FMTDATA */
    ROW(0x04, MEDIA,       FORMAT,    WRITE, FORM(0x10, 0x10), OUT_ALWAYS),
    ROW(0x04, SCSI_TAPE,   WIND,      WRITE, OUT(3, 2)),                /* FORMAT MEDIUM */
    ROW(0x05, SCSI_TAPE,   SHORT,     PASS,  IN_ALWAYS),                /* READ BLOCK LIMITS */
    ROW(0x07, SCSI_DISK,   BULK,      WRITE, OUT_ALWAYS),               /* REASSIGN BLOCKS */
    ROW(0x07, SCSI_CHANGER, INVENTORY, DENY,  NONE),                     /* INITIALIZE ELEMENT STATUS */
    ROW(0x08, SCSI_DISK,   MEDIA,     PASS,  IN_ALWAYS),                /* READ(6): 0 means 256 blocks */
    ROW(0x08, SCSI_TAPE,   MEDIA,     PASS,  IN(2, 3)),                 /* READ(6) */
    ROW(0x0a, SCSI_DISK,   MEDIA,     WRITE, OUT_ALWAYS),               /* WRITE(6): 0 means 256 blocks */
    ROW(0x0a, SCSI_TAPE,   MEDIA,     WRITE, OUT(2, 3)),                /* WRITE(6) */
    ROW(0x0b, SCSI_DISK,   MEDIA,     PASS,  NONE),                     /* SEEK(6) */
    ROW(0x0b, SCSI_TAPE,   WIND,      WRITE, NONE),                     /* SET CAPACITY */
    ROW(0x0f, SCSI_TAPE,   MEDIA,     PASS,  IN(2, 3)),                 /* READ REVERSE(6) */
    ROW(0x10, SCSI_TAPE,   MEDIA,     WRITE, NONE),                     /* WRITE FILEMARKS(6) */
    ROW(0x11, SCSI_TAPE,   WIND,      PASS,  NONE),                     /* SPACE(6) */
    ROW(0x12, SCSI_ALL,    SHORT,     PASS,  IN(3, 2)),                 /* INQUIRY */
    ROW(0x13, SCSI_TAPE,   WIND,      PASS,  FORM(0x02, 0x00), NONE),   /* VERIFY(6) without BYTCMP */
    ROW(0x13, SCSI_TAPE,   WIND,      PASS,  FORM(0x02, 0x02), OUT(2, 3)),
    ROW(0x14, SCSI_TAPE,   MEDIA,     DENY,  IN(2, 3)),                 /* RECOVER BUFFERED DATA */
    ROW(0x15, SCSI_ALL,    MEDIA,     DENY,  OUT(4, 1)),                /* MODE SELECT(6) */
    ROW(0x16, SCSI_ALL,    SHORT,     DENY,  OUT(3, 2)),                /* RESERVE(6), RESERVE ELEMENT(6) */
    ROW(0x17, SCSI_ALL,    SHORT,     DENY,  NONE),                     /* RELEASE(6), RELEASE ELEMENT(6) */
    ROW(0x18, NOT_MMC,     BULK,      DENY,  OUT(2, 3)),                /* COPY */
    ROW(0x19, SCSI_TAPE,   FORMAT,    WRITE, NONE),                     /* ERASE(6) */
    ROW(0x1a, SCSI_ALL,    SHORT,     PASS,  IN(4, 1)),                 /* MODE SENSE(6) */
    ROW(0x1b, SCSI_DISK,   START,     DENY,  NONE),                     /* START STOP UNIT */
    ROW(0x1b, SCSI_TAPE,   WIND,      DENY,  NONE),                     /* LOAD UNLOAD */
    ROW(0x1b, SCSI_MMC,    LOAD,      DENY,  NONE),                     /* START STOP UNIT */
    ROW(0x1b, SCSI_CHANGER, MOVE,     DENY,  NONE),                     /* OPEN/CLOSE IMPORT/EXPORT ELEMENT */
    ROW(0x1c, SCSI_ALL,    SHORT,     PASS,  IN(3, 2)),                 /* RECEIVE DIAGNOSTIC RESULTS */
    ROW(0x1d, SCSI_ALL,    FORMAT,    DENY,  FORM(0xe0, 0xc0), OUT(3, 2)), /* SEND DIAGNOSTIC: foreground extended self-test */
    ROW(0x1d, SCSI_ALL,    BULK,      DENY,  OUT(3, 2)),                /* ... others */
    ROW(0x1e, REMOVABLE,   SHORT,     DENY,  NONE),                     /* PREVENT ALLOW MEDIUM REMOVAL */
    ROW(0x23, SCSI_MMC,    MEDIA,     PASS,  IN(7, 2)),                 /* READ FORMAT CAPACITIES */
    ROW(0x25, MEDIA,       MEDIA,     PASS,  IN_ALWAYS),                /* READ CAPACITY(10) */
    ROW(0x28, MEDIA,       MEDIA,     PASS,  IN(7, 2)),                 /* READ(10) */
    ROW(0x2a, MEDIA,       MEDIA,     WRITE, OUT(7, 2)),                /* WRITE(10) */
    ROW(0x2b, SCSI_TAPE,   WIND,      PASS,  NONE),                     /* LOCATE(10) */
    ROW(0x2b, SCSI_CHANGER, MOVE,     DENY,  NONE),                     /* POSITION TO ELEMENT */
    ROW(0x2b, MEDIA,       MEDIA,     PASS,  NONE),                     /* SEEK(10) */
    ROW(0x2c, SCSI_TYPE(PDT_OPTICAL), BULK, WRITE, NONE),               /* ERASE(10) */
    ROW(0x2e, MEDIA,       MEDIA,     WRITE, OUT(7, 2)),                /* WRITE AND VERIFY(10) */
    ROW(0x2f, MEDIA,       BULK,      PASS,  FORM(0x06, 0x00), NONE),   /* VERIFY(10), BYTCHK 00b */
    ROW(0x2f, MEDIA,       BULK,      PASS,  FORM(0x02, 0x02), OUT(7, 2)), /* 01b, 11b */
    ROW(0x34, MEDIA,       MEDIA,     PASS,  NONE),                     /* PRE-FETCH(10) */
    ROW(0x34, SCSI_TAPE,   SHORT,     PASS,  IN_ALWAYS),                /* READ POSITION: length 0 in part */
    ROW(0x35, SCSI_DISK,   FLUSH,     PASS,  NONE),                     /* SYNCHRONIZE CACHE(10) */
    ROW(0x35, SCSI_MMC,    FLUSH,     DENY,  NONE),                     /* ... may close a track */
    ROW(0x36, SCSI_DISK,   MEDIA,     DENY,  NONE),                     /* LOCK UNLOCK CACHE(10) */
    ROW(0x37, SCSI_DISK,   MEDIA,     PASS,  IN(7, 2)),                 /* READ DEFECT DATA(10) */
    ROW(0x37, SCSI_CHANGER, INVENTORY, DENY,  NONE),                     /* ... WITH RANGE */
    ROW(0x39, SCSI_DISK,   BULK,      DENY,  OUT(3, 3)),                /* COMPARE */
    ROW(0x3a, SCSI_DISK,   BULK,      DENY,  OUT(3, 3)),                /* COPY AND VERIFY */
    ROW(0x3b, SCSI_ALL,    MOVE,      DENY,  OUT(6, 3)),                /* WRITE BUFFER */
    ROW(0x3c, SCSI_ALL,    SHORT,     PASS,  FORM(0x1e, 0x02), IN(6, 3)), /* READ BUFFER(10): its data */
    ROW(0x3c, SCSI_ALL,    SHORT,     PASS,  FORM(0x1e, 0x0a), IN(6, 3)), /* ... its echo buffer */
    ROW(0x3c, SCSI_ALL,    SHORT,     DENY,  IN(6, 3)),                 /* ... vendor's, errors, expanders */
    ROW(0x3e, SCSI_DISK,   MEDIA,     PASS,  IN(7, 2)),                 /* READ LONG(10) */
    ROW(0x3f, SCSI_DISK,   MEDIA,     WRITE, OUT(7, 2)),                /* WRITE LONG(10) */
    ROW(0x41, SCSI_DISK,   BULK,      WRITE, OUT_ALWAYS),               /* WRITE SAME(10) */
    ROW(0x42, SCSI_DISK,   BULK,      WRITE, OUT(7, 2)),                /* UNMAP */
    ROW(0x42, SCSI_MMC,    MEDIA,     PASS,  IN(7, 2)),                 /* READ SUB-CHANNEL */
    ROW(0x43, SCSI_MMC,    MEDIA,     PASS,  IN(7, 2)),                 /* READ TOC/PMA/ATIP */
    ROW(0x44, SCSI_TAPE,   SHORT,     PASS,  IN(7, 2)),                 /* REPORT DENSITY SUPPORT */
    ROW(0x44, SCSI_MMC,    MEDIA,     PASS,  IN(7, 2)),                 /* READ HEADER */
    ROW(0x45, SCSI_MMC,    MEDIA,     DENY,  NONE),                     /* PLAY AUDIO(10) */
    ROW(0x46, SCSI_MMC,    SHORT,     PASS,  IN(7, 2)),                 /* GET CONFIGURATION */
    ROW(0x47, SCSI_MMC,    MEDIA,     DENY,  NONE),                     /* PLAY AUDIO MSF */
    ROW(0x48, SCSI_DISK,   FORMAT,    WRITE, OUT(7, 2)),                /* SANITIZE */
    ROW(0x4a, SCSI_MMC,    SHORT,     PASS,  IN(7, 2)),                 /* GET EVENT STATUS NOTIFICATION */
    ROW(0x4b, SCSI_MMC,    MEDIA,     DENY,  NONE),                     /* PAUSE/RESUME */
    ROW(0x4c, SCSI_ALL,    SHORT,     DENY,  OUT(7, 2)),                /* LOG SELECT */
    ROW(0x4d, SCSI_ALL,    SHORT,     PASS,  FORM(0x01, 0x00), IN(7, 2)), /* LOG SENSE */
    ROW(0x4d, SCSI_ALL,    SHORT,     DENY,  FORM(0x01, 0x01), IN(7, 2)), /* ... with SP: saves them */
    ROW(0x4e, SCSI_MMC,    MEDIA,     DENY,  NONE),                     /* STOP PLAY/SCAN */
    ROW(0x51, SCSI_MMC,    MEDIA,     PASS,  IN(7, 2)),                 /* READ DISC INFORMATION */
    ROW(0x52, SCSI_MMC,    MEDIA,     PASS,  IN(7, 2)),                 /* READ TRACK INFORMATION */
    ROW(0x53, SCSI_MMC,    BURN,      WRITE, NONE),                     /* RESERVE TRACK */
    ROW(0x54, SCSI_MMC,    LOAD,      WRITE, OUT(7, 2)),                /* SEND OPC INFORMATION */
    ROW(0x55, SCSI_ALL,    MEDIA,     DENY,  OUT(7, 2)),                /* MODE SELECT(10) */
    ROW(0x56, SCSI_ALL,    SHORT,     DENY,  OUT(7, 2)),                /* RESERVE(10) */
    ROW(0x57, SCSI_ALL,    SHORT,     DENY,  OUT(7, 2)),                /* RELEASE(10) */
    ROW(0x58, SCSI_MMC,    BURN,      WRITE, NONE),                     /* REPAIR TRACK */
    ROW(0x5a, SCSI_ALL,    SHORT,     PASS,  IN(7, 2)),                 /* MODE SENSE(10) */
    ROW(0x5b, SCSI_MMC,    BURN,      WRITE, NONE),                     /* CLOSE TRACK/SESSION */
    ROW(0x5c, SCSI_MMC,    SHORT,     PASS,  IN(7, 2)),                 /* READ BUFFER CAPACITY */
    ROW(0x5d, SCSI_MMC,    MEDIA,     DENY,  OUT(6, 3)),                /* SEND CUE SHEET */
    ROW(0x5e, SCSI_ALL,    SHORT,     PASS,  IN(7, 2)),                 /* PERSISTENT RESERVE IN */
    ROW(0x5f, SCSI_ALL,    SHORT,     DENY,  OUT(5, 4)),                /* PERSISTENT RESERVE OUT */
    ROW(0x80, SCSI_TAPE,   MEDIA,     WRITE, NONE),                     /* WRITE FILEMARKS(16) */
    ROW(0x81, SCSI_TAPE,   MEDIA,     PASS,  IN(12, 3)),                /* READ REVERSE(16) */
    ROW(0x82, SCSI_TAPE,   MEDIA,     DENY,  NONE),                     /* ALLOW OVERWRITE */
    ROW(0x83, NOT_MMC,     BULK,      DENY,  OUT(10, 4)),               /* third-party copy out */
    ROW(0x84, NOT_MMC,     MEDIA,     DENY,  IN(10, 4)),                /* third-party copy in */
    ROW(0x86, NOT_MMC,     MEDIA,     DENY,  IN(10, 4)),                /* ACCESS CONTROL IN */
    ROW(0x87, NOT_MMC,     MEDIA,     DENY,  OUT(10, 4)),               /* ACCESS CONTROL OUT */
    ROW(0x88, SCSI_DISK,   MEDIA,     PASS,  IN(10, 4)),                /* READ(16) */
    ROW(0x88, SCSI_TAPE,   MEDIA,     PASS,  IN(12, 3)),                /* READ(16) */
    ROW(0x89, SCSI_DISK,   MEDIA,     WRITE, OUT(13, 1)),               /* COMPARE AND WRITE */
    ROW(0x8a, SCSI_DISK,   MEDIA,     WRITE, OUT(10, 4)),               /* WRITE(16) */
    ROW(0x8a, SCSI_TAPE,   MEDIA,     WRITE, OUT(12, 3)),               /* WRITE(16) */
    ROW(0x8b, SCSI_DISK,   MEDIA,     WRITE, OUT(10, 4)),               /* ORWRITE(16) */
    ROW(0x8c, NOT_MMC,     SHORT,     PASS,  FORM(0x1c, 0x00), IN(10, 4)), /* READ ATTRIBUTE: values, lists */
    ROW(0x8c, NOT_MMC,     SHORT,     PASS,  SA(0x05), IN(10, 4)),      /* ... SUPPORTED ATTRIBUTES */
    ROW(0x8c, NOT_MMC,     SHORT,     DENY,  IN(10, 4)),                /* ... others */
    ROW(0x8d, NOT_MMC,     SHORT,     WRITE, OUT(10, 4)),               /* WRITE ATTRIBUTE */
    ROW(0x8e, SCSI_DISK,   MEDIA,     WRITE, OUT(10, 4)),               /* WRITE AND VERIFY(16) */
    ROW(0x8f, SCSI_DISK,   BULK,      PASS,  FORM(0x06, 0x00), NONE),   /* VERIFY(16), BYTCHK 00b */
    ROW(0x8f, SCSI_DISK,   BULK,      PASS,  FORM(0x02, 0x02), OUT(10, 4)), /* 01b, 11b */
    ROW(0x8f, SCSI_TAPE,   WIND,      PASS,  FORM(0x02, 0x00), NONE),   /* VERIFY(16) without BYTCMP */
    ROW(0x8f, SCSI_TAPE,   WIND,      PASS,  FORM(0x02, 0x02), OUT(12, 3)),
    ROW(0x90, SCSI_DISK,   MEDIA,     PASS,  NONE),                     /* PRE-FETCH(16) */
    ROW(0x91, SCSI_DISK,   FLUSH,     PASS,  NONE),                     /* SYNCHRONIZE CACHE(16) */
    ROW(0x91, SCSI_TAPE,   WIND,      PASS,  OUT(12, 2)),               /* SPACE(16) */
    ROW(0x92, SCSI_DISK,   MEDIA,     DENY,  NONE),                     /* LOCK UNLOCK CACHE(16) */
    ROW(0x92, SCSI_TAPE,   WIND,      PASS,  NONE),                     /* LOCATE(16) */
    ROW(0x93, SCSI_DISK,   BULK,      WRITE, FORM(0x01, 0x00), OUT_ALWAYS), /* WRITE SAME(16) without NDOB */
    ROW(0x93, SCSI_DISK,   BULK,      WRITE, FORM(0x01, 0x01), NONE),
    ROW(0x93, SCSI_TAPE,   FORMAT,    WRITE, NONE),                     /* ERASE(16) */
    ROW(0x94, SCSI_DISK,   BULK,      WRITE, NONE),                     /* ZBC OUT: open, reset, ... zones */
    ROW(0x95, SCSI_DISK,   MEDIA,     PASS,  SA(0x00), IN(10, 4)),      /* REPORT ZONES */
    ROW(0x95, SCSI_DISK,   MEDIA,     PASS,  FORM(0x1e, 0x06), IN(10, 4)), /* REPORT REALMS, ZONE DOMAINS */
    ROW(0x95, SCSI_DISK,   MEDIA,     PASS,  SA(0x09), IN(10, 4)),      /* ZONE QUERY */
    ROW(0x95, SCSI_DISK,   MEDIA,     DENY,  IN(10, 4)),                /* ZONE ACTIVATE, others */
    ROW(0x9b, NOT_MMC,     SHORT,     PASS,  FORM(0x1e, 0x02), IN(10, 4)), /* READ BUFFER(16): its data */
    ROW(0x9b, NOT_MMC,     SHORT,     PASS,  FORM(0x1e, 0x0a), IN(10, 4)), /* ... its echo buffer */
    ROW(0x9b, NOT_MMC,     SHORT,     DENY,  IN(10, 4)),                /* ... vendor's, errors, expanders */
    ROW(0x9c, SCSI_DISK,   MEDIA,     WRITE, OUT(12, 2)),               /* WRITE ATOMIC(16) */
    ROW(0x9e, SCSI_DISK,   MEDIA,     PASS,  SA(0x10), IN(10, 4)),      /* READ CAPACITY(16) */
    ROW(0x9e, SCSI_DISK,   MEDIA,     PASS,  SA(0x11), IN(12, 2)),      /* READ LONG(16) */
    ROW(0x9e, SCSI_DISK,   MEDIA,     PASS,  SA(0x12), IN(10, 4)),      /* GET LBA STATUS */
    ROW(0x9e, SCSI_DISK,   MEDIA,     PASS,  SA(0x16), IN(10, 4)),      /* GET STREAM STATUS */
    ROW(0x9f, SCSI_DISK,   MEDIA,     WRITE, SA(0x11), OUT(12, 2)),     /* WRITE LONG(16) */
    ROW(0xa0, SCSI_ALL,    SHORT,     PASS,  IN(6, 4)),                 /* REPORT LUNS */
    ROW(0xa1, SCSI_MMC,    BURN,      WRITE, NONE),                     /* BLANK */
    ROW(0xa2, SCSI_ALL,    MEDIA,     DENY,  IN(6, 4)),                 /* SECURITY PROTOCOL IN */
    ROW(0xa3, NOT_MMC,     SHORT,     PASS,  SA(0x05), IN(6, 4)),       /* REPORT IDENTIFYING INFORMATION */
    ROW(0xa3, NOT_MMC,     SHORT,     PASS,  FORM(0x1e, 0x0a), IN(6, 4)), /* ... PORT GROUPS, ALIASES */
    ROW(0xa3, NOT_MMC,     SHORT,     PASS,  FORM(0x1c, 0x0c), IN(6, 4)), /* ... OPCODES, TMFS, ..., TIME */
    ROW(0xa3, NOT_MMC,     SHORT,     DENY,  IN(6, 4)),                 /* other MAINTENANCE IN */
    ROW(0xa3, SCSI_MMC,    MEDIA,     DENY,  OUT(8, 2)),                /* SEND KEY */
    ROW(0xa4, NOT_MMC,     BULK,      DENY,  OUT(6, 4)),                /* MAINTENANCE OUT */
    ROW(0xa4, SCSI_MMC,    MEDIA,     DENY,  IN(8, 2)),                 /* REPORT KEY */
    ROW(0xa5, SCSI_CHANGER, MOVE,     DENY,  NONE),                     /* MOVE MEDIUM */
    ROW(0xa5, SCSI_MMC,    MEDIA,     DENY,  NONE),                     /* PLAY AUDIO(12) */
    ROW(0xa6, SCSI_CHANGER, MOVE,     DENY,  NONE),                     /* EXCHANGE MEDIUM */
    ROW(0xa6, SCSI_MMC,    LOAD,      DENY,  NONE),                     /* LOAD/UNLOAD MEDIUM */
    ROW(0xa7, SCSI_MMC,    MEDIA,     DENY,  NONE),                     /* SET READ AHEAD */
    ROW(0xa8, MEDIA,       MEDIA,     PASS,  IN(6, 4)),                 /* READ(12) */
    ROW(0xaa, MEDIA,       MEDIA,     WRITE, OUT(6, 4)),                /* WRITE(12) */
    ROW(0xab, SCSI_ALL,    SHORT,     PASS,  SA(0x01), IN(6, 4)),       /* READ MEDIA SERIAL NUMBER */
    ROW(0xab, SCSI_ALL,    SHORT,     DENY,  IN(6, 4)),                 /* other SERVICE ACTION IN(12) */
    ROW(0xac, SCSI_TYPE(PDT_OPTICAL), BULK, WRITE, NONE),               /* ERASE(12) */
    ROW(0xac, SCSI_MMC,    MEDIA,     PASS,  IN_ALWAYS),                /* GET PERFORMANCE: not in bytes */
    ROW(0xad, SCSI_MMC,    MEDIA,     PASS,  IN(8, 2)),                 /* READ DISC STRUCTURE */
    ROW(0xae, SCSI_DISK,   MEDIA,     WRITE, OUT(6, 4)),                /* WRITE AND VERIFY(12) */
    ROW(0xaf, MEDIA,       BULK,      PASS,  FORM(0x06, 0x00), NONE),   /* VERIFY(12), BYTCHK 00b */
    ROW(0xaf, MEDIA,       BULK,      PASS,  FORM(0x02, 0x02), OUT(6, 4)), /* 01b, 11b */
    ROW(0xb5, SCSI_CHANGER, MEDIA,    DENY,  IN(7, 3)),                 /* REQUEST VOLUME ELEMENT ADDRESS */
    ROW(0xb5, SCSI_ALL & ~SCSI_CHANGER, MEDIA, DENY, OUT(6, 4)),         /* SECURITY PROTOCOL OUT */
    ROW(0xb6, SCSI_CHANGER, MEDIA,    DENY,  OUT(8, 2)),                /* SEND VOLUME TAG */
    ROW(0xb6, SCSI_MMC,    MEDIA,     DENY,  OUT(9, 2)),                /* SET STREAMING */
    ROW(0xb7, SCSI_DISK,   MEDIA,     PASS,  IN(6, 4)),                 /* READ DEFECT DATA(12) */
    ROW(0xb8, SCSI_CHANGER, INVENTORY, PASS,  IN(7, 3)),                 /* READ ELEMENT STATUS */
    ROW(0xb9, SCSI_MMC,    MEDIA,     PASS,  IN_UNSAID),                /* READ CD MSF: none, or fields */
    ROW(0xba, SCSI_MMC,    MEDIA,     DENY,  NONE),                     /* SCAN */
    ROW(0xbb, SCSI_MMC,    MEDIA,     DENY,  NONE),                     /* SET CD SPEED */
    ROW(0xbd, SCSI_MMC,    SHORT,     PASS,  IN(8, 2)),                 /* MECHANISM STATUS */
    ROW(0xbe, SCSI_MMC,    MEDIA,     PASS,  IN_UNSAID),                /* READ CD: none, or fields */
    ROW(0xbf, SCSI_MMC,    MEDIA,     DENY,  OUT(8, 2)),                /* SEND DISC STRUCTURE */
};
/* clang-format on */
const unsigned cdb_table_len = sizeof(cdb_table) / sizeof(cdb_table[0]);

/* The index of the first row of this opcode, or of the next higher opcode. */
static unsigned first_row(uint8_t opcode)
{
    unsigned lo = 0, hi = cdb_table_len;

    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;

        if (cdb_table[mid].opcode < opcode)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const struct cdb_row *cdb_find(const uint8_t *cdb, uint8_t type)
{
    for (unsigned i = first_row(cdb[0]); i < cdb_table_len && cdb_table[i].opcode == cdb[0]; i++) {
        const struct cdb_row *row = &cdb_table[i];

        if (scsi_type_in(type, row->types) && (cdb[1] & row->form_mask) == row->form)
            return row;
    }
    return NULL;
}

bool cdb_readonly_in_some_form(uint8_t opcode, uint8_t type)
{
    for (unsigned i = first_row(opcode); i < cdb_table_len && cdb_table[i].opcode == opcode; i++)
        if (scsi_type_in(type, cdb_table[i].types) && cdb_table[i].readonly == CDB_READONLY_PASS)
            return true;
    return false;
}

uint8_t scsi_cdb_group_len(uint8_t opcode)
{
    static const uint8_t len[8] = { [0] = 6, [1] = 10, [2] = 10, [4] = 16, [5] = 12 };

    return len[opcode >> 5];
}
